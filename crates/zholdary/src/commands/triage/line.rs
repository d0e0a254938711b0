//! A line in, and what is wrong with one that does not read. Its words are never repeated.

use serde_json::{Map, Value};
use zholdary_domain::Point;

/// Keys that lines have: what is understood, what `zholdary ingest jsonl` takes, and what `--score` measures.
const KNOWN: [&str; 16] = [
    "id",
    "text",
    "point",
    "channel",
    "account",
    "contact",
    "sent_at",
    "photos",
    "reply_to",
    "category",
    "accept_category",
    "destination",
    "accept_destination",
    "place",
    "lang",
    "danger",
];

/// A line in; other keys are passed over.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: Value,
    pub(super) text: String,
    pub(super) point: Option<Point>,
    /// What is right, when the line says so, and everything else.
    pub(super) others: Value,
}

/// Why a line does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLine {
    #[error(
        "not a JSON object: trouble at column {column}; write one object a line, {{\"id\": 1, \"text\": \"…\"}}"
    )]
    Json { column: usize },
    #[error("`text` is missing{}", meant(.like.as_deref()))]
    NoText { like: Option<String> },
    #[error("`{field}` must be {expected}")]
    Field { field: &'static str, expected: &'static str },
}

fn meant(like: Option<&str>) -> String {
    like.map_or_else(String::new, |like| format!(": is `{like}` meant for it?"))
}

impl Line {
    pub(super) fn read(line: &str) -> Result<Self, BadLine> {
        // The message of the parser may quote the line; its column does not.
        let mut fields: Map<String, Value> = serde_json::from_str(line.trim_start_matches('\u{FEFF}'))
            .map_err(|error| BadLine::Json { column: error.column() })?;
        let text = match fields.remove("text") {
            Some(Value::String(text)) => text,
            Some(_) => return Err(BadLine::Field { field: "text", expected: "text" }),
            None => {
                let like = fields.keys().find(|key| like(key) == Some("text")).cloned();
                return Err(BadLine::NoText { like });
            }
        };
        let point = match fields.remove("point") {
            None | Some(Value::Null) => None,
            Some(value) => Some(point(&value).ok_or(BadLine::Field {
                field: "point",
                expected: "{\"lon\": 76.92, \"lat\": 43.24} or [lon, lat], in degrees",
            })?),
        };
        let id = fields.remove("id").unwrap_or_default();
        Ok(Self { id, text, point, others: Value::Object(fields) })
    }

    /// Keys that look like a known one, misspelt, each with the one that may be meant.
    pub(super) fn misspelt(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let keys = self.others.as_object().into_iter().flat_map(Map::keys);
        keys.filter_map(|key| Some((key.as_str(), like(key)?)))
    }
}

/// A point as lines for `ingest jsonl` write it too.
fn point(value: &Value) -> Option<Point> {
    let (lon, lat) = match value {
        Value::Array(pair) if pair.len() == 2 => (&pair[0], &pair[1]),
        Value::Object(_) => (&value["lon"], &value["lat"]),
        _ => return None,
    };
    Point::new(lon.as_f64()?, lat.as_f64()?)
}

/// The known key that `key` looks like without being one: other letters' case, or one slip of the hand; two in a long one.
fn like(key: &str) -> Option<&'static str> {
    if KNOWN.contains(&key) {
        return None;
    }
    let lower = key.to_lowercase();
    let slips = |known: &str| strsim::osa_distance(&lower, known);
    let near = KNOWN.into_iter().min_by_key(|known| slips(known))?;
    let allowed = match near.len() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    };
    (slips(near) <= allowed).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_seen_and_another_word_is_not() {
        for (key, expected) in [
            ("poitn", Some("point")),
            ("Text", Some("text")),
            ("texts", Some("text")),
            ("ID", Some("id")),
            ("catgory", Some("category")),
            ("accept_categories", None),
            ("destinaton", Some("destination")),
            ("category", None),
            ("note", None),
            ("names", None),
            ("number", None),
            ("direction", None),
        ] {
            assert_eq!(like(key), expected, "{key}");
        }
    }
}
