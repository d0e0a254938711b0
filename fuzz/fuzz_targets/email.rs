//! A raw letter: any bytes are read without harm, and every file that it names can be taken out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::email::{self, Mailbox};
use zholdary_domain::Inbound;

fuzz_target!(|raw: &[u8]| {
    let parsed = email::parse(raw, &Mailbox { address: "a@b.kz".to_owned(), ..Mailbox::default() });
    assert_eq!(parsed.elements.len(), 1);
    if let Inbound::Message(message) = &parsed.elements[0] {
        for file in &message.content.attachments {
            let id = file.external_id.as_ref().expect("a file has a place");
            assert!(email::part(raw, id.reveal()).is_some());
        }
    }
});
