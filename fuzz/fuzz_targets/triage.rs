//! A resident's words under the rules of the shipped city.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use zholdary_city::{City, Files};
use zholdary_triage::{Input, Triage};

static TRIAGE: OnceLock<Triage> = OnceLock::new();

fn triage() -> &'static Triage {
    TRIAGE.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/cities/almaty");
        let entries = std::fs::read_dir(folder).expect("the shipped city").map(|entry| {
            let entry = entry.expect("a file of the city");
            let name = entry.file_name().into_string().expect("its name");
            (name, std::fs::read(entry.path()).expect("its bytes"))
        });
        let files = Files::from_entries(entries.filter(|(name, _)| Files::is_data(name))).expect("its files");
        Triage::new(&City::parse(&files).expect("a sound city"))
    })
}

fuzz_target!(|text: &str| {
    let understanding = triage().understand(&Input { text, point: None, has_media: false });
    assert!(!understanding.findings.is_empty());
});
