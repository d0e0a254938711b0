//! The API under `/api/v1`.

pub(crate) mod changes;
pub(crate) mod commands;
pub(crate) mod file;
pub(crate) mod files;
pub(crate) mod filter;
mod heard;
pub(crate) mod meetings;
pub(crate) mod read;
pub(crate) mod wish;

use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use zholdary_readmodel::AppealRef;

/// An appeal as a path names it: by number or by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named(pub(crate) AppealRef);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        AppealRef::from_str(&text).map(Self).map_err(serde::de::Error::custom)
    }
}
