//! Instagram: direct messages, stories, comments and mentions (webhooks of the object `instagram`).
//!
//! A mention comes without its words, and without its author: it is a draft until they are fetched.

use crate::{
    Accounts, Limits, Parsed,
    meta::{self, Page},
};

pub use crate::meta::{question, words};

/// What the body of a webhook holds. It never fails: what does not read is kept beside its sound neighbours.
#[must_use]
pub fn parse(raw: &[u8], accounts: &Accounts) -> Parsed {
    parse_within(raw, accounts, &Limits::default())
}

/// As [`parse`], reading no more than `limits` allow.
#[must_use]
pub fn parse_within(raw: &[u8], accounts: &Accounts, limits: &Limits) -> Parsed {
    meta::parse(raw, Page::Instagram, accounts, limits)
}
