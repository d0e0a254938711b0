//! What every target does with its bytes: whatever they are, nothing panics, and what is promised of any input holds.
//!
//! The targets of `fuzz_targets/` hand them what the fuzzer makes up; the test `tests/fuzz` hands them the committed seeds and a bounded
//! number of mutations of those, without any sanitizer, so that they are tried with every other test.

pub mod city;
pub mod files;
pub mod http;
pub mod outbound;
pub mod platforms;
pub mod words;

/// A target: its name, which is its folder below `seeds/` too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 17] = [
    ("whatsapp", platforms::whatsapp),
    ("instagram", platforms::instagram),
    ("facebook", platforms::facebook),
    ("telegram", platforms::telegram),
    ("email", platforms::email),
    ("signature", platforms::signature),
    ("outbound", outbound::answer),
    ("parts", outbound::parts),
    ("jsonl", words::jsonl),
    ("submission", words::submission),
    ("point", words::point),
    ("triage", words::triage),
    ("record", files::record),
    ("media", files::media),
    ("city_file", city::file),
    ("city_pack", city::pack),
    ("http", http::request),
];
