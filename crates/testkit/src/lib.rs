//! What tests share: samples, fakes of the platforms, a signer, a clock set by hand, ids, what a log must tell.
//!
//! Every crate but `domain` may use it as a dev-dependency; it depends on `domain` alone.

mod city;
mod clock;
pub mod fake;
pub mod samples;
mod told;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zholdary_domain::{
    AppealId, IdKey,
    inbound::{Channel, Surface},
    outgoing::Outgoing,
};

pub use city::shipped_city;
pub use clock::{HandClock, at};
pub use told::Told;

/// The `X-Hub-Signature-256` of `body` under `secret`.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The `id.key` of tests.
#[must_use]
pub fn id_key() -> IdKey {
    IdKey::new([42; IdKey::LEN_BYTES])
}

/// A receipt that we mean to send `to` somebody by `channel`, about no appeal in particular. Whoever means more of it says so.
#[must_use]
pub fn outgoing(channel: Channel, to: &str) -> Outgoing {
    let key = id_key();
    Outgoing {
        appeal: Some(AppealId::opened_by(key.message(channel.code(), "1", "m"))),
        contact: key.contact(channel.code(), to),
        channel,
        surface: Surface::Private,
        account: "1".into(),
        to: to.to_owned().into(),
        answers: None,
        what: "receipt".into(),
        version: Some(1),
        lang: "ru".into(),
        subject: None,
        text: "Принято.".to_owned().into(),
        buttons: vec![],
        instead: None,
        follows: None,
        instead_of: None,
        private_reply: false,
        not_before: None,
        by_person: false,
        at_once: true,
        task: None,
        only_while: None,
    }
}

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
