//! Deliveries of the hooks of Instagram and Facebook: any bytes are read without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::{Accounts, facebook, instagram};

fuzz_target!(|body: &[u8]| {
    for parsed in [instagram::parse(body, &Accounts::any()), facebook::parse(body, &Accounts::any())] {
        let _latest = parsed.latest();
    }
});
