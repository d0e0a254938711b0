//! Files that people add to their words.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Names a file by its bytes: their BLAKE3, so the same photo has one name whoever brings it.
///
/// Always 64 hexadecimal digits in lower case: one file name, one NATS subject token, one URL segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileId(String);

/// Not the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file is named by 64 hexadecimal digits in lower case")]
pub struct BadFileId;

impl FileId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileId {
    type Err = BadFileId;

    fn from_str(text: &str) -> Result<Self, BadFileId> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for FileId {
    type Error = BadFileId;

    fn try_from(text: String) -> Result<Self, BadFileId> {
        let is_name = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then_some(Self(text)).ok_or(BadFileId)
    }
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_names_a_file() {
        let hash = "0123456789abcdef".repeat(4);
        for (text, good) in [
            (hash.as_str(), true),
            (&hash[1..], false),
            (&hash.to_uppercase(), false),
            (&hash.replace('0', "/"), false),
            (&"я".repeat(32), false),
            ("", false),
        ] {
            assert_eq!(text.parse::<FileId>().is_ok(), good, "{text}");
        }
    }
}
