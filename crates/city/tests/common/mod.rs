//! The city that ships with the product, as bytes.

use std::path::Path;

use zholdary_city::Files;

/// The files of `deploy/cities/almaty`.
pub(crate) fn shipped() -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cities/almaty");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    Files::from_entries(entries).unwrap()
}
