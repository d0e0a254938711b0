//! A delivery of the WhatsApp hook: any bytes are read without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::{Accounts, meta, whatsapp};

fuzz_target!(|body: &[u8]| {
    let parsed = whatsapp::parse(body, &Accounts::default());
    let _latest = parsed.latest();
    let _signature = meta::verify("secret", body, std::str::from_utf8(body).ok());
});
