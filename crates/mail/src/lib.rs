//! The post: letters out by SMTP ([`Smtp`]), in from a mailbox by IMAP ([`Imap`]) or from a mail server by LMTP ([`Lmtp`]).
//!
//! Only what is said on the wire: what a letter holds is read in `channels::email`, what its fate means is decided where letters
//! are sent and taken in. Every command has a time limit; no error quotes what a server said, which may name people.

mod imap;
mod lmtp;
mod server;
mod smtp;
mod tls;

pub use imap::{Entry, Imap, ImapError, Session};
pub use lmtp::{Lmtp, Receive, Refusal};
pub use server::{Login, Password, Protection, Server};
pub use smtp::{Enhanced, PostError, Reply, Seen, Smtp, Step};
pub use tls::TlsError;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
