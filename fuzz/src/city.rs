//! A city's files.

use std::sync::OnceLock;

use zholdary_city::{City, Files};
use zholdary_testkit::shipped_city;

/// The shipped city without what is large in it: weights are one line, and nothing has a border.
fn small() -> &'static Files {
    static SMALL: OnceLock<Files> = OnceLock::new();
    SMALL.get_or_init(|| {
        let few_lines = |(name, bytes): (String, Vec<u8>)| {
            let most = match name.as_str() {
                "weights.csv" => 40,
                "holidays.csv" | "streets.csv" => 60,
                _ => usize::MAX,
            };
            let text = String::from_utf8(bytes).expect("text");
            (name, text.lines().take(most).flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
        };
        let files = shipped_city().into_iter().filter(|(name, _)| name != "districts.geojson").map(few_lines);
        Files::from_entries(files).expect("its files")
    })
}

/// One file in the place of the shipped one: its name stands on the first line. Whatever is wrong with it is told by file and line.
pub fn file(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(name) = std::str::from_utf8(&bytes[..end]) else { return };
    let mut files = small().clone();
    if files.insert(name, bytes[end + 1..].to_vec()).is_err() {
        return;
    }
    if let Err(faults) = City::parse(&files) {
        assert!(!faults.into_list().is_empty(), "a city is refused, and nobody is told why");
    }
}

/// A packed city, as a record of `rules.*` carries it.
pub fn pack(packed: &[u8]) {
    if let Ok(files) = Files::unpack(packed) {
        let _city = City::parse(&files);
    }
}
