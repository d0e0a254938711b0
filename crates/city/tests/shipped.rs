//! The city that ships with the product: it has no faults, and answers as its README says.

use std::path::Path;

use zholdary_city::{City, Files, check};

fn shipped() -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cities/almaty");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    Files::from_entries(entries).unwrap()
}

#[test]
fn it_has_no_faults() {
    let faults: Vec<String> = check(&shipped()).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let city = City::parse(&shipped()).unwrap();
    println!("{}", city.version);
}
