//! Columns into values.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use crate::error::Error;

pub(crate) fn instant(ms: Option<i64>) -> Option<DateTime<Utc>> {
    ms.and_then(DateTime::from_timestamp_millis)
}

pub(crate) fn count(n: i64) -> u64 {
    n.unsigned_abs()
}

pub(crate) fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A value that the projector wrote in this form.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Damaged { what })
}

/// A value that the projector wrote as JSON, or as a code that JSON has as a string.
pub(crate) fn code<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| Error::Damaged { what })
}

pub(crate) fn json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Damaged { what })
}
