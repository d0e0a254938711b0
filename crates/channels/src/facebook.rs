//! Facebook: Messenger, comments under the page's posts, visitors' posts (webhooks of the object `page`).

use crate::{
    Accounts, Limits, Parsed,
    meta::{self, Page},
};

/// What the body of a webhook holds. It never fails: what does not read is kept beside its sound neighbours.
#[must_use]
pub fn parse(raw: &[u8], accounts: &Accounts) -> Parsed {
    parse_within(raw, accounts, &Limits::default())
}

/// As [`parse`], reading no more than `limits` allow.
#[must_use]
pub fn parse_within(raw: &[u8], accounts: &Accounts, limits: &Limits) -> Parsed {
    meta::parse(raw, Page::Facebook, accounts, limits)
}
