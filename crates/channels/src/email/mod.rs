//! E-mail: raw letters as IMAP or LMTP gives them (RFC 5322, MIME), in the shapes that people's programs really send.
//!
//! [`parse`] says what is in a letter, [`part`] gives the bytes of one of its files.

mod automatic;
mod bounce;
mod charset;
mod files;
mod flowed;
mod header;
mod html;
mod letter;
mod mime;
mod params;
mod quote;
mod sender;
mod thread;
mod transfer;
mod words;

use std::collections::BTreeSet;

use serde::Deserialize;

pub use files::part;
pub use letter::{LETTER_BYTES, parse, parse_within};

/// Our own mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mailbox {
    /// The address that answers are sent from: the account of every letter. Default: empty, and then no report of the post is
    /// believed.
    pub address: String,
    /// Other addresses that lead to this mailbox or that we send from. Letters from any of ours are no appeals (channel
    /// rule R19). Default: none.
    pub aliases: BTreeSet<String>,
    /// What our mail server calls itself in `Authentication-Results` (RFC 8601). Default: none, and then no letter is found
    /// to be unverified.
    pub authserv_id: Option<String>,
}

impl Mailbox {
    /// Whether `address` is one of ours, in any case, with or without `+anything` before its `@`.
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let bare = address.rsplit_once('@').map(|(user, domain)| {
            let user = user.split_once('+').map_or(user, |(user, _)| user);
            format!("{user}@{domain}")
        });
        let is = |own: &String| own.to_lowercase() == address || bare == Some(own.to_lowercase());
        self.addresses().any(is)
    }

    /// Whether a `Message-ID` was made by us: its domain is that of one of our addresses. None was without an address that
    /// answers are sent from.
    fn made(&self, message_id: &str) -> bool {
        let domain = |address: &str| Some(address.rsplit_once('@')?.1.trim_end_matches('>').to_lowercase());
        !self.address.is_empty()
            && domain(message_id)
                .is_some_and(|of| self.addresses().any(|own| domain(own).as_ref() == Some(&of)))
    }

    fn addresses(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.address).chain(&self.aliases)
    }
}
