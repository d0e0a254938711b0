//! From a body to its elements: entries, then what was said to the page (`messaging`) and what happened on it (`changes`).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use zholdary_domain::{
    Inbound,
    inbound::{Channel, MessageRef},
};

use super::{comment, direct, feed, object};
use crate::{Accounts, Limits, Parsed, UNKNOWN_TIME, json};

/// Whose page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Instagram,
    Facebook,
}

impl Page {
    pub(super) const fn channel(self) -> Channel {
        match self {
            Self::Instagram => Channel::Instagram,
            Self::Facebook => Channel::Facebook,
        }
    }
}

/// Our page, as one entry names it, and when the entry was made.
pub(super) struct Place<'a> {
    pub(super) page: Page,
    pub(super) account: String,
    accounts: &'a Accounts,
    pub(super) at: DateTime<Utc>,
    pub(super) limits: &'a Limits,
}

impl Place<'_> {
    /// The time that `stamp` tells; what has none of its own happened shortly before it was delivered.
    pub(super) fn time(&self, stamp: &Value) -> DateTime<Utc> {
        Some(time(stamp)).filter(|at| *at != UNKNOWN_TIME).unwrap_or(self.at)
    }

    /// The name of a message of this page.
    pub(super) fn named(&self, external_id: impl Into<String>) -> MessageRef {
        MessageRef {
            channel: self.page.channel(),
            account: self.account.clone(),
            external_id: external_id.into().into(),
        }
    }

    /// Whether it is this account or another one of ours: what any of them writes is no appeal (channel rule R19).
    pub(super) fn is_ours(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| id == self.account || self.accounts.addresses.contains(id))
    }
}

pub(crate) fn parse(raw: &[u8], page: Page, accounts: &Accounts, limits: &Limits) -> Parsed {
    if raw.len() > limits.body_bytes {
        return Parsed::kept("larger than the limit");
    }
    // Bytes that are no UTF-8 cost their own element some letters, not its neighbours their lives.
    let text = String::from_utf8_lossy(raw);
    let Ok(body) = serde_json::from_str::<Body<'_>>(&text) else {
        return Parsed::kept("not the JSON of a webhook");
    };
    if Some(body.object.as_str()) != object(page.channel()) {
        return Parsed { elements: vec![Inbound::Nothing { what: "object of another platform" }] };
    }
    let mut elements = Vec::new();
    if body.entry.is_empty() {
        elements.push(Inbound::Nothing { what: "nothing inside" });
    }
    for raw in body.entry {
        match serde_json::from_str::<Entry<'_>>(raw.get()) {
            Ok(entry) => read_entry(&entry, page, accounts, limits, &mut elements),
            Err(_) => elements.push(Inbound::Kept { why: "entry of another shape" }),
        }
        if elements.len() > limits.elements {
            return Parsed::kept("more elements than the limit");
        }
    }
    Parsed { elements }
}

#[derive(Deserialize)]
struct Body<'a> {
    object: String,
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

/// Lists are read as they are, so that one broken list leaves the others.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messaging: Option<&'a RawValue>,
    /// What was said while another app had the conversation: it was said to the page all the same.
    #[serde(borrow, default)]
    standby: Option<&'a RawValue>,
    #[serde(borrow, default)]
    changes: Option<&'a RawValue>,
}

fn read_entry(
    entry: &Entry<'_>,
    page: Page,
    accounts: &Accounts,
    limits: &Limits,
    elements: &mut Vec<Inbound>,
) {
    let read = |raw: Option<&RawValue>| raw.and_then(json::read::<Value>).unwrap_or_default();
    let mut items: Vec<(&RawValue, bool)> = Vec::new();
    for (raw, is_said) in [(entry.messaging, true), (entry.standby, true), (entry.changes, false)] {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { continue };
        match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            Ok(list) => items.extend(list.into_iter().map(|raw| (raw, is_said))),
            Err(_) => elements.push(Inbound::Kept { why: "list of another shape" }),
        }
    }
    if items.is_empty() {
        // An empty list, or one that does not read and was noted above.
        return elements.push(Inbound::Nothing { what: "nothing inside" });
    }
    let Some(account) = json::id(&read(entry.id)) else {
        return elements.push(Inbound::Kept { why: "no account of ours named" });
    };
    if !accounts.has_address(&account) {
        let count = items.len().min(limits.elements);
        return elements.extend((0..count).map(|_| Inbound::Nothing { what: "account of others" }));
    }
    let place = Place { page, account, accounts, at: time(&read(entry.time)), limits };
    for (raw, is_said) in items {
        let before = elements.len();
        let read = |value: &Value| {
            let mut told = if is_said { direct::read(value, &place) } else { vec![change(value, &place)] };
            let last = told.pop().unwrap_or(Inbound::Nothing { what: "nothing inside" });
            elements.extend(told);
            last
        };
        let last = json::element(raw, limits, read);
        elements.push(last);
        debug_assert!(elements.len() > before, "each element leads somewhere");
    }
}

fn change(change: &Value, place: &Place<'_>) -> Inbound {
    let value = &change["value"];
    match (place.page, change["field"].as_str()) {
        (_, None) => Inbound::Kept { why: "change of another shape" },
        (Page::Instagram, Some("comments" | "live_comments")) => comment::read(value, place),
        (Page::Instagram, Some("mentions")) => comment::mention(value, place),
        (Page::Facebook, Some("feed")) => feed::read(value, place),
        (Page::Facebook, Some("mention")) => feed::mention(value, place),
        _ => Inbound::Nothing { what: "other field" },
    }
}

/// A time in seconds, or in milliseconds, as the platform counts messages.
pub(super) fn time(stamp: &Value) -> DateTime<Utc> {
    /// Seconds come to this in the year 5138, milliseconds came in 1973.
    const MILLIS_FROM: i64 = 100_000_000_000;
    let number = stamp.as_i64().or_else(|| stamp.as_str()?.trim().parse().ok()).filter(|n| *n > 0);
    let at = number.and_then(|n| match n {
        ..MILLIS_FROM => DateTime::from_timestamp(n, 0),
        _ => DateTime::from_timestamp_millis(n),
    });
    at.unwrap_or(UNKNOWN_TIME)
}
