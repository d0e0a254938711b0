//! Vendor formats: bytes in, [`zholdary_domain::Inbound`] out.
//!
//! One module a channel, pure over bytes: no disk, network or clock. What a platform promises and breaks stands here and
//! nowhere else; what an element leads to is decided further on. One broken element never loses its neighbours.

pub mod email;
pub mod facebook;
mod group;
pub mod instagram;
mod json;
pub mod jsonl;
mod keys;
mod limits;
pub mod meeting;
pub mod meta;
mod ours;
pub mod outbound;
pub mod point;
pub mod seed;
mod surface;
pub mod telegram;
mod text;
#[cfg(test)]
mod told;
pub mod web;
pub mod whatsapp;

pub use keys::{contact_key, phone_as_typed, phone_checked};
pub use limits::{Accounts, Limits};
pub use ours::Ours;
pub use surface::Way;

use chrono::{DateTime, Utc};
use zholdary_domain::Inbound;

/// Stands for a time that the platform did not tell or that does not read. It is later than every clock, so intake makes
/// it its clock's time, as any other time that lies in the future.
pub const UNKNOWN_TIME: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

/// What one delivery of a channel holds, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Its elements.
    pub elements: Vec<Inbound>,
}

impl Parsed {
    /// Nothing understood: the raw bytes wait for a person.
    #[must_use]
    pub fn kept(why: &'static str) -> Self {
        Self { elements: vec![Inbound::Kept { why }] }
    }

    /// The latest time that an element tells. A played clock is moved there.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.elements.iter().filter_map(told_at).max()
    }
}

/// The element's own time, when it tells one.
#[must_use]
pub fn told_at(element: &Inbound) -> Option<DateTime<Utc>> {
    let at = match element {
        Inbound::Message(message) => message.sent_at,
        Inbound::Edited { sent_at, .. } | Inbound::Withdrawn { sent_at, .. } => *sent_at,
        Inbound::Delivery { at, .. } => *at,
        Inbound::Sent(sent) => sent.sent_at,
        Inbound::Echoed(echo) => echo.sent_at,
        Inbound::News(news) => news.at,
        Inbound::Nothing { .. } | Inbound::Kept { .. } => return None,
    };
    (at != UNKNOWN_TIME).then_some(at)
}

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the example of the book.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/channels.md")]
struct Book;
