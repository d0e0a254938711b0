//! From a body to its elements: entries, changes, messages and statuses, each read by itself.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use zholdary_domain::Inbound;

use super::{
    message,
    people::{self, Person},
    status,
};
use crate::{Accounts, Limits, Parsed};

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
    if body.object != "whatsapp_business_account" {
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
        let id = entry.id.and_then(read::<Value>).as_ref().and_then(super::content::id).unwrap_or_default();
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
            .and_then(read::<Metadata>)
            .and_then(|metadata| super::content::id(&metadata.phone_number_id));
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
            .and_then(read::<Vec<Value>>)
            .map(|contacts| contacts.iter().map(people::person).collect())
            .unwrap_or_default();
        for raw in messages {
            let element = self.element(raw, |value, limits| message::read(value, &account, &people, limits));
            self.elements.push(element);
        }
        for raw in statuses {
            let element = self.element(raw, |value, _| status::read(value, &account));
            self.elements.push(element);
        }
    }

    fn list<'a>(&mut self, raw: Option<&'a RawValue>) -> Vec<&'a RawValue> {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Vec::new() };
        serde_json::from_str(raw.get()).unwrap_or_else(|_| {
            self.kept("list of another shape");
            Vec::new()
        })
    }

    fn element(&self, raw: &RawValue, read: impl FnOnce(&Value, &Limits) -> Inbound) -> Inbound {
        if !self.limits.allows_depth(raw.get()) {
            return Inbound::Kept { why: "nested deeper than the limit" };
        }
        match self::read::<Value>(raw) {
            Some(value) => read(&value, self.limits),
            None => Inbound::Kept { why: "element that does not read" },
        }
    }
}

/// Reads `raw`; a half of a surrogate pair, as left by software that cuts text between two, reads as a mark of loss.
fn read<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok().or_else(|| serde_json::from_str(&mend(raw.get())).ok())
}

fn mend(json: &str) -> String {
    let half = |at: usize| -> Option<u16> {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok().filter(|unit| (0xD800..0xE000).contains(unit))
    };
    let mut mended = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(next) = json[at..].find('\\') {
        mended.push_str(&json[at..at + next]);
        at += next;
        let step = match (half(at), half(at + 6)) {
            (Some(0xD800..0xDC00), Some(0xDC00..)) => 12,
            (Some(_), _) => {
                mended.push_str("\\ufffd");
                at += 6;
                continue;
            }
            // A backslash and what it stands before; a letter of several bytes is left for the next turn.
            (None, _) => 1 + usize::from(json.as_bytes().get(at + 1).is_some_and(u8::is_ascii)),
        };
        mended.push_str(&json[at..at + step]);
        at += step;
    }
    mended.push_str(&json[at..]);
    mended
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
