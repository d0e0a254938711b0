//! JSON of platforms, read element by element: a broken one costs itself only.

use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use zholdary_domain::Inbound;

use crate::Limits;

/// What `raw` is, by `read`; nested too deep or broken, it is kept for a person.
pub(crate) fn element(raw: &RawValue, limits: &Limits, read: impl FnOnce(&Value) -> Inbound) -> Inbound {
    if !limits.allows_depth(raw.get()) {
        return Inbound::Kept { why: "nested deeper than the limit" };
    }
    match self::read::<Value>(raw) {
        Some(value) => read(&value),
        None => Inbound::Kept { why: "element that does not read" },
    }
}

/// Reads `raw`; a half of a surrogate pair, as left by software that cuts text between two, reads as a mark of loss.
pub(crate) fn read<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok().or_else(|| serde_json::from_str(&mend(raw.get())).ok())
}

pub(crate) fn mend(json: &str) -> String {
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

/// An id of the platform: text or a number.
pub(crate) fn id(value: &Value) -> Option<String> {
    let id = match value {
        Value::String(id) => id.trim().to_owned(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    ((1..=Limits::ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control)).then_some(id)
}

/// The text at `path`.
pub(crate) fn text_at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |value, name| value.get(name))?.as_str()
}

/// A word of the platform that may stand in the open: lower-case letters, digits and `_`.
pub(crate) fn code(word: &str) -> String {
    let good = (1..=32).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if good { word.to_owned() } else { "unknown".to_owned() }
}
