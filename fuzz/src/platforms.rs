//! What platforms deliver.

use zholdary_channels::{
    Ours, Parsed,
    email::{self, Mailbox},
    meta, telegram,
};
use zholdary_domain::{Inbound, inbound::Channel};
use zholdary_testkit::sign;

/// A delivery leads somewhere, and to the same when it comes again: by that a redelivery is known.
fn delivery(channel: Channel, body: &[u8]) -> Parsed {
    let ours = Ours {
        telegram: telegram::Bot { id: "7000000001".to_owned(), ..telegram::Bot::default() },
        email: Mailbox { address: "a@b.kz".to_owned(), ..Mailbox::default() },
        ..Ours::default()
    };
    let parsed = ours.parse(channel, body).expect("the channel delivers");
    assert!(!parsed.elements.is_empty(), "a delivery that leads nowhere is lost");
    assert_eq!(ours.parse(channel, body).as_ref(), Some(&parsed), "the same bytes were read otherwise");
    for element in &parsed.elements {
        if let Inbound::Message(message) = element {
            assert!(!message.id.external_id.reveal().is_empty(), "a message without a name");
        }
    }
    let _latest = parsed.latest();
    parsed
}

/// A delivery of the WhatsApp hook.
pub fn whatsapp(body: &[u8]) {
    delivery(Channel::Whatsapp, body);
}

/// A delivery of the Instagram hook.
pub fn instagram(body: &[u8]) {
    delivery(Channel::Instagram, body);
}

/// A delivery of the Facebook hook.
pub fn facebook(body: &[u8]) {
    delivery(Channel::Facebook, body);
}

/// An update of the Telegram bot, or an answer of `getUpdates`: it confirms no less than it holds.
pub fn telegram(body: &[u8]) {
    delivery(Channel::Telegram, body);
    let _presses = telegram::presses(body);
    if let Some(next) = telegram::next_offset(body) {
        assert!(next > i64::MIN);
    }
}

/// A letter, of which every file that it names can be taken out.
pub fn email(raw: &[u8]) {
    let parsed = delivery(Channel::Email, raw);
    assert_eq!(parsed.elements.len(), 1, "one letter is one element");
    if let Inbound::Message(message) = &parsed.elements[0] {
        for file in &message.content.attachments {
            let id = file.external_id.as_ref().expect("a file has a place");
            assert!(email::part(raw, id.reveal()).is_some(), "a file that cannot be taken out");
        }
    }
}

/// What proves that it is the platform: a signature, a query, a word. Only the platform's own passes.
pub fn signature(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).ok();
    assert!(meta::verify("secret", b"a body", text).is_err(), "a signature was guessed");
    assert!(meta::verify("secret", bytes, Some(&sign("secret", bytes))).is_ok());
    assert!(meta::verify("secret", bytes, Some(&sign("another", bytes))).is_err());
    assert_eq!(telegram::verify("a-word", text).is_ok(), text == Some("a-word"));
    if let Some(answer) = text.and_then(|query| meta::challenge(query, "a word of ours")) {
        assert!((1..=1024).contains(&answer.len()));
    }
}
