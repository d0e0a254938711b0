//! Files that people add to their words.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::NaiveDateTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    inbound::Attachment,
    personal::{self, Personal},
    place::Point,
};

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

/// Names a file of a message, whichever version of the message has it: the same bytes at the same place are the same file.
///
/// Always 32 hexadecimal digits in lower case, of a hash: neither a platform's id nor an address stands in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileKey(String);

/// Not the key of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file of a message is named by 32 hexadecimal digits in lower case")]
pub struct BadFileKey;

impl FileKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(way: &str, name: &str) -> Self {
        let hash = Sha256::new().chain_update(way).chain_update([0]).chain_update(name).finalize();
        Self(hex::encode(&hash[..16]))
    }
}

impl TryFrom<String> for FileKey {
    type Error = BadFileKey;

    fn try_from(text: String) -> Result<Self, BadFileKey> {
        let is_key = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_key.then_some(Self(text)).ok_or(BadFileKey)
    }
}

impl From<FileKey> for String {
    fn from(key: FileKey) -> Self {
        key.0
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text of so many hexadecimal digits.
fn digits(count: usize) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^[0-9a-f]{{{count}}}$") })
}

impl JsonSchema for FileId {
    fn schema_name() -> Cow<'static, str> {
        "FileId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        digits(64)
    }
}

impl JsonSchema for FileKey {
    fn schema_name() -> Cow<'static, str> {
        "FileKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        digits(32)
    }
}

impl Attachment {
    /// The key of this file; none when nothing says where its bytes are.
    #[must_use]
    pub fn key(&self) -> Option<FileKey> {
        let by_id = self.external_id.as_ref().map(|id| FileKey::of("id", id.reveal()));
        by_id.or_else(|| self.url.as_ref().map(|url| FileKey::of("url", url.reveal())))
    }
}

/// When a picture was taken, by the clock of the camera: it may be wrong, and the picture much older than the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenAt {
    /// What the clock showed.
    pub local: NaiveDateTime,
    /// How many minutes that clock was ahead of UTC, when the camera knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_minutes: Option<i32>,
}

/// A file of a message, kept: its bytes were looked at, and are what may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptFile {
    /// Which file of the message.
    pub of: FileKey,
    /// The name of its bytes.
    pub file: FileId,
    /// What it is, by its bytes.
    pub media_type: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What is known of it as a picture, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<KeptPicture>,
}

/// A picture that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptPicture {
    /// How wide it is as stored, in pixels.
    pub width: u32,
    /// How high it is as stored, in pixels.
    pub height: u32,
    /// It was cut on its way: its rest is grey, or missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The name of the copy that others may see: upright, of pixels alone. None of what nobody here can decode (HEIC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<FileId>,
    /// The name of the thumbnail, made as the copy is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<FileId>,
    /// By what the same scene is known again: 16 hexadecimal digits, compared bit by bit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<String>,
    /// When it was taken, as the camera says.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub taken_at: Option<Personal<TakenAt>>,
    /// Where it was taken, as the camera says: to be offered, never believed.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub point: Option<Personal<Point>>,
}

/// Why a file of a message, or the words of a mention, are not here. Final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It has no bytes.
    Empty,
    /// It has more bytes than are taken.
    TooLarge,
    /// It is a program.
    Executable,
    /// It is text that an interpreter runs.
    Script,
    /// It is a page for a browser.
    Html,
    /// It is an SVG, which may hold scripts.
    Svg,
    /// It is a document that brings a program along.
    Macros,
    /// It is of no kind that is taken.
    Unknown,
    /// It is a picture of more pixels than are decoded.
    Bomb,
    /// It begins as a picture and cannot be read as one.
    Unreadable,
    /// The platform has it no more.
    Gone,
    /// The platform does not give it to us.
    NotGiven,
    /// It is at an address from which we do not fetch.
    Forbidden,
    /// The bytes that came were others than the platform says, each time.
    Damaged,
    /// It did not come for as long as it was asked for.
    NoAnswer,
}

impl Missing {
    /// Every reason there is.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::TooLarge,
        Self::Executable,
        Self::Script,
        Self::Html,
        Self::Svg,
        Self::Macros,
        Self::Unknown,
        Self::Bomb,
        Self::Unreadable,
        Self::Gone,
        Self::NotGiven,
        Self::Forbidden,
        Self::Damaged,
        Self::NoAnswer,
    ];

    /// The code of the reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::Executable => "executable",
            Self::Script => "script",
            Self::Html => "html",
            Self::Svg => "svg",
            Self::Macros => "macros",
            Self::Unknown => "unknown",
            Self::Bomb => "bomb",
            Self::Unreadable => "unreadable",
            Self::Gone => "gone",
            Self::NotGiven => "not_given",
            Self::Forbidden => "forbidden",
            Self::Damaged => "damaged",
            Self::NoAnswer => "no_answer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::MediaKind;

    #[test]
    fn a_reason_is_recorded_by_its_code() {
        for why in Missing::ALL {
            assert_eq!(serde_json::to_value(why).unwrap(), why.code());
        }
    }

    #[test]
    fn a_file_is_known_again_in_another_version_of_its_message() {
        let key = |id: Option<&str>, url: Option<&str>, label: Option<&str>| {
            let of = |text: &str| text.to_owned().into();
            let kind = MediaKind::Image;
            let media_type = label.map(str::to_owned);
            Attachment { kind, external_id: id.map(of), url: url.map(of), media_type, file_name: None }.key()
        };
        let named = key(Some("900"), None, None);
        assert_eq!(named, key(Some("900"), Some("https://host/900"), Some("image/jpeg")));
        assert_ne!(named, key(Some("901"), None, None));
        assert_ne!(named, key(None, Some("900"), None));
        assert_eq!(key(None, None, Some("image/jpeg")), None);
        let text = String::from(named.unwrap());
        assert_eq!(FileKey::try_from(text.clone()).map(String::from), Ok(text));
        assert_eq!(FileKey::try_from("900".to_owned()), Err(BadFileKey));
    }

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
