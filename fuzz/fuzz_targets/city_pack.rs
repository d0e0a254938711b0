//! A packed city, as a record of `rules.*` carries it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_city::{City, Files};

fuzz_target!(|packed: &[u8]| {
    if let Ok(files) = Files::unpack(packed) {
        let _city = City::parse(&files);
    }
});
