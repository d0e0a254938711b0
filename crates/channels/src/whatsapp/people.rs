//! Who wrote: the message's own fields, and the list of people that comes beside it.

use serde_json::Value;
use zholdary_domain::{Personal, inbound::Sender};

use crate::json::{id, text_at};
use crate::{keys::phone_of_digits, text};

/// One of `value.contacts`.
#[derive(Debug, Default)]
pub(super) struct Person {
    wa_id: Option<String>,
    user_id: Option<String>,
    name: Option<String>,
}

/// Reads one of `value.contacts`; what does not read is absent.
pub(super) fn person(value: &Value) -> Person {
    let profile = |field: &str| text_at(value, &["profile", field]).and_then(text::name);
    Person {
        wa_id: id(&value["wa_id"]),
        user_id: id(&value["user_id"]),
        name: profile("name").or_else(|| profile("username")),
    }
}

/// The sender of `message`: its steady user id first, then its phone.
pub(super) fn sender(message: &Value, people: &[Person]) -> Option<Sender> {
    let (mut user_id, mut from) = (id(&message["from_user_id"]), id(&message["from"]));
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && bare(a) == bare(b);
    let person = match (&user_id, &from) {
        // Neither is told: whoever stands alone beside the message wrote it.
        (None, None) => people.first().filter(|_| people.len() == 1),
        _ => people.iter().find(|p| same(&p.user_id, &user_id) || same(&p.wa_id, &from)),
    };
    if let Some(person) = person {
        user_id = user_id.or_else(|| person.user_id.clone());
        from = from.or_else(|| person.wa_id.clone());
    }
    let phone = from.as_deref().and_then(phone_of_digits);
    // What is no phone stays the platform's id as it is.
    let address = phone.clone().or(from);
    let mut keys: Vec<String> = user_id.into_iter().chain(address).collect();
    keys.dedup();
    (!keys.is_empty()).then(|| Sender {
        keys: keys.into_iter().map(Personal::new).collect(),
        name: person.and_then(|person| person.name.clone()).map(Personal::new),
        phone: phone.map(Personal::new),
    })
}

fn bare(key: &Option<String>) -> Option<&str> {
    key.as_deref().map(|key| key.strip_prefix('+').unwrap_or(key))
}

/// Who changed keys, and the new keys: `system` with a new number or a new user id. Nothing when it tells no new key.
///
/// The ids of a whole business (`parent_user_id`, `previous_parent_user_id`) are keys of nobody here.
pub(super) fn changed(message: &Value, people: &[Person]) -> Option<(Sender, Vec<Personal<String>>)> {
    let system = &message["system"];
    let new_phone = id(&system["wa_id"]).or_else(|| id(&system["new_wa_id"])).map(address);
    let new: Vec<String> = id(&system["user_id"]).into_iter().chain(new_phone).collect();
    let mut sender = sender(message, people).unwrap_or_default();
    let is_known = |key: &String| sender.keys.iter().any(|known| known.reveal() == key);
    let says_nothing_new = new.iter().all(is_known);
    // Some notes come from the new key already.
    sender.keys.retain(|key| !new.contains(key.reveal()));
    // The newest shape tells the old user id, older ones the old number; else it stands in words, which hold a name that its
    // owner chose, so they come last.
    let told =
        || id(&system["customer"]).or_else(|| named_in_words(text_at(message, &["system", "body"])?, &new));
    let old = id(&system["previous_user_id"])
        .or_else(|| told().filter(|_| sender.keys.is_empty() || says_nothing_new).map(address))
        .filter(|old| !new.contains(old) && sender.keys.iter().all(|key| key.reveal() != old));
    if new.is_empty() || (says_nothing_new && old.is_none()) {
        return None;
    }
    sender.keys.splice(..0, old.map(Personal::new));
    (!sender.keys.is_empty()).then(|| (sender, new.into_iter().map(Personal::new).collect()))
}

/// A phone in E.164; what is no phone stays the platform's id as it is.
fn address(key: String) -> String {
    phone_of_digits(&key).unwrap_or(key)
}

/// The old key in «… changed from OLD to NEW», when NEW is what the message tells elsewhere too.
fn named_in_words(body: &str, new: &[String]) -> Option<String> {
    let (before, to) = body.rsplit_once(" to ")?;
    let (_, from) = before.rsplit_once(" from ")?;
    let to = address(to.trim().to_owned());
    let from = from.trim();
    (new.contains(&to) && !from.is_empty() && !from.contains(char::is_whitespace)).then(|| from.to_owned())
}
