//! Updates of the Telegram bot: any bytes are read without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::telegram;

fuzz_target!(|body: &[u8]| {
    let parsed = telegram::parse(body, "7000000001");
    let _latest = parsed.latest();
    let _offset = telegram::next_offset(body);
    let _token = telegram::verify("secret", std::str::from_utf8(body).ok());
});
