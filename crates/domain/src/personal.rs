//! Personal data has one type, and one place that writes it.
//!
//! Text, names, phones, addresses, attachments' names and external message ids are [`Personal`]: they print as `…`, they
//! have no `Display` and no `Serialize`. Fields of events say `#[serde(serialize_with = "personal::write")]`, and that
//! function works only inside [`writing`], which only the log's codec may call (a clippy rule holds it). So an event that is
//! serialised anywhere else fails instead of leaking.

use std::{borrow::Cow, cell::Cell, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

/// A value about a person. Recorded as `{"p": value}`; a sealed form `{"s": …}` is reserved.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Marks `value` as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Callers have the permission to see it, or compute something from it that is not personal.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself, taken out.
    pub fn into_revealed(self) -> T {
        self.0
    }

    /// A personal value made from this one.
    pub fn map<U>(&self, f: impl FnOnce(&T) -> U) -> Personal<U> {
        Personal(f(&self.0))
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[derive(Deserialize)]
struct Open<T> {
    p: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Open::deserialize(deserializer).map(|open| Self(open.p))
    }
}

impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Personal_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "properties": { "p": value }, "required": ["p"] })
    }
}

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with the right to write personal data on this thread. For the log's codec alone.
pub fn writing<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WRITING.set(self.0);
        }
    }
    let _restore = Restore(WRITING.replace(true));
    f()
}

/// `serialize_with` of a personal field.
///
/// # Errors
///
/// Outside [`writing`]: nothing but the log's codec writes personal data.
pub fn write<T: Serialize, S: Serializer>(value: &Personal<T>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Open<'a, T> {
        p: &'a T,
    }
    if WRITING.get() {
        Open { p: &value.0 }.serialize(serializer)
    } else {
        Err(S::Error::custom("personal data is written only by the log's codec"))
    }
}

/// `serialize_with` of an optional personal field; use with `skip_serializing_if = "Option::is_none"`.
///
/// # Errors
///
/// As [`write()`].
pub fn write_opt<T: Serialize, S: Serializer>(
    value: &Option<Personal<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => write(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    struct Fact {
        #[serde(serialize_with = "write")]
        name: Personal<String>,
    }

    #[test]
    fn prints_as_an_ellipsis() {
        assert_eq!(format!("{:?}", Personal::new("Айгүл")), "…");
    }

    #[test]
    fn is_written_by_the_codec_and_by_nobody_else() {
        let fact = Fact { name: Personal::new("Айгүл".to_owned()) };
        assert!(serde_json::to_string(&fact).is_err());
        #[expect(clippy::disallowed_methods, reason = "the test stands in for the codec")]
        let written = writing(|| serde_json::to_string(&fact)).unwrap();
        assert_eq!(written, r#"{"name":{"p":"Айгүл"}}"#);
        assert_eq!(serde_json::from_str::<Fact>(&written).unwrap(), fact);
        assert!(serde_json::to_string(&fact).is_err(), "the right ends with the codec's call");
    }
}
