//! From a body to its elements: entries, changes, messages and statuses, each read by itself.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use zholdary_domain::{Inbound, inbound::Channel};

use super::{
    message,
    people::{self, Person},
    status,
};
use crate::{Accounts, Limits, Parsed, json, meta::object};

/// What the body of a webhook holds. It never fails: what does not read is one [`Inbound::Kept`] beside its sound neighbours.
#[must_use]
pub fn parse(raw: &[u8], accounts: &Accounts) -> Parsed {
    parse_within(raw, accounts, &Limits::default())
}

/// As [`parse`], reading no more than `limits` allow.
#[must_use]
pub fn parse_within(raw: &[u8], accounts: &Accounts, limits: &Limits) -> Parsed {
    if raw.len() > limits.body_bytes {
        return Parsed::kept("larger than the limit");
    }
    // Bytes that are no UTF-8 cost their own element some letters, not its neighbours their lives.
    let text = String::from_utf8_lossy(raw);
    let Ok(body) = serde_json::from_str::<Body<'_>>(&text) else {
        return Parsed::kept("not the JSON of a webhook");
    };
    if Some(body.object.as_str()) != object(Channel::Whatsapp) {
        return Parsed { elements: vec![Inbound::Nothing { what: "object of another platform" }] };
    }
    let mut reading = Reading { accounts, limits, elements: Vec::new() };
    for entry in body.entry {
        reading.entry(entry);
        if reading.elements.len() > limits.elements {
            return Parsed::kept("more elements than the limit");
        }
    }
    Parsed { elements: reading.elements }
}

#[derive(Deserialize)]
struct Body<'a> {
    object: String,
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    field: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The value of a change of the field `messages`. Lists are read as they are, so that one broken list leaves the other.
#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    statuses: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: Value,
}

struct Reading<'a> {
    accounts: &'a Accounts,
    limits: &'a Limits,
    elements: Vec<Inbound>,
}

impl Reading<'_> {
    fn kept(&mut self, why: &'static str) {
        self.elements.push(Inbound::Kept { why });
    }

    fn nothing(&mut self, what: &'static str) {
        self.elements.push(Inbound::Nothing { what });
    }

    fn entry(&mut self, raw: &RawValue) {
        let Ok(entry) = serde_json::from_str::<Entry<'_>>(raw.get()) else {
            return self.kept("entry of another shape");
        };
        let id = entry.id.and_then(json::read::<Value>).as_ref().and_then(json::id).unwrap_or_default();
        let ours = self.accounts.has_business(&id);
        for change in entry.changes {
            self.change(change, ours);
        }
    }

    fn change(&mut self, raw: &RawValue, ours: bool) {
        let Ok(change) = serde_json::from_str::<Change<'_>>(raw.get()) else {
            return self.kept("change of another shape");
        };
        match change.field.as_str() {
            "messages" => {}
            "smb_message_echoes" => return self.nothing("echo"),
            _ => return self.nothing("other field"),
        }
        let Ok(value) = serde_json::from_str::<Messages<'_>>(change.value.get()) else {
            return self.kept("messages of another shape");
        };
        let account = value
            .metadata
            .and_then(json::read::<Metadata>)
            .and_then(|metadata| json::id(&metadata.phone_number_id));
        let messages = self.list(value.messages);
        let statuses = self.list(value.statuses);
        if !ours || account.as_deref().is_some_and(|account| !self.accounts.has_address(account)) {
            let count = (messages.len() + statuses.len()).clamp(1, self.limits.elements);
            self.elements.extend((0..count).map(|_| Inbound::Nothing { what: "account of others" }));
            return;
        }
        if messages.is_empty() && statuses.is_empty() {
            // An empty list, or one that does not read and was noted above.
            let what = if value.errors.is_some() { "error of the platform" } else { "nothing inside" };
            return self.nothing(what);
        }
        let Some(account) = account else { return self.kept("no account of ours named") };
        let people: Vec<Person> = value
            .contacts
            .and_then(json::read::<Vec<Value>>)
            .map(|contacts| contacts.iter().map(people::person).collect())
            .unwrap_or_default();
        for raw in messages {
            let read = |value: &Value| message::read(value, &account, &people, self.limits);
            self.elements.push(json::element(raw, self.limits, read));
        }
        for raw in statuses {
            self.elements.push(json::element(raw, self.limits, |value| status::read(value, &account)));
        }
    }

    fn list<'a>(&mut self, raw: Option<&'a RawValue>) -> Vec<&'a RawValue> {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Vec::new() };
        serde_json::from_str(raw.get()).unwrap_or_else(|_| {
            self.kept("list of another shape");
            Vec::new()
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
