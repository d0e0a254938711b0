#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zholdary_fuzz::city::pack(bytes));
