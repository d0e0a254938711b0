//! Lines of recorded appeals and of seeds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::{jsonl, seed};

fuzz_target!(|text: &str| {
    let _message = jsonl::line(text, None);
    let _sent = seed::line(text);
});
