//! Names of things. An id is never a phone, a name or a mail address, nor a plain hash of one.
//!
//! Ids of contacts and messages are the first 16 bytes of HMAC-SHA256 under the installation's `id.key`, as UUIDv8
//! (RFC 9562, section 5.8); everything else is UUIDv5 over such ids, so that a cause always leads to the same id.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// An id that does not read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not an id: expected {expected}")]
pub struct BadId {
    what: &'static str,
    expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The id that this UUID is.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID that this id is.
            #[must_use]
            pub const fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(s: &str) -> Result<Self, BadId> {
                const BAD: BadId = BadId { what: $what, expected: "32 hexadecimal digits" };
                if s.len() != 32 || s.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(BAD);
                }
                Uuid::parse_str(s).map(Self).map_err(|_| BAD)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(s: String) -> Result<Self, BadId> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// Names one message of one channel, ours or a resident's, for ever.
    MessageId,
    "message id"
);
uuid_id!(
    /// Names one appeal for its whole life. People use its [`crate::Number`].
    AppealId,
    "appeal id"
);
uuid_id!(
    /// Names one address of a person on one channel; several can belong to one person.
    ContactId,
    "contact id"
);
uuid_id!(
    /// Names one wish to change something. Repeated, it is recognised and changes nothing.
    CommandId,
    "command id"
);

/// Namespace of every UUIDv5 of Zholdary: drawn once, derived from nothing, and never changed, for every id that was
/// recorded comes from it.
const NAMESPACE: Uuid = Uuid::from_u128(0x0c5c_2f5e_7c67_5d0a_9e0c_52a1_3f0b_77d1);

fn derived(of: Uuid, what: &str) -> Uuid {
    let mut name = Vec::with_capacity(16 + what.len());
    name.extend_from_slice(of.as_bytes());
    name.extend_from_slice(what.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

impl MessageId {
    /// The message by which we tell `what` of the decision that `cause` recorded in `appeal`: a command's id is one of its own
    /// stream's only.
    #[must_use]
    pub fn telling(appeal: AppealId, cause: CommandId, what: &str) -> Self {
        Self(derived(appeal.0, &format!("tell/{cause}/{what}")))
    }

    /// The message by which we hint `what` to whoever wrote this one, which is part of no appeal.
    #[must_use]
    pub fn hint(self, what: &str) -> Self {
        Self(derived(self.0, &format!("hint/{what}")))
    }
}

impl MessageId {
    /// What goes in the place of this message, because of `why`: once for each reason.
    #[must_use]
    pub fn instead(self, why: &str) -> Self {
        Self(derived(self.0, &format!("instead/{why}")))
    }
}

impl AppealId {
    /// The appeal that `message` opens.
    #[must_use]
    pub fn opened_by(message: MessageId) -> Self {
        Self(derived(message.uuid(), "appeal"))
    }

    /// The `n`-th appeal that a person split off from this one, counted from 1.
    #[must_use]
    pub fn split_off(self, n: u32) -> Self {
        Self(derived(self.0, &format!("split/{n}")))
    }

    /// The appeal that an earlier system knew under `number`.
    #[must_use]
    pub fn known_as(number: &crate::Number) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("known/{number}").as_bytes()))
    }
}

impl ContactId {
    /// The party of this code, as somebody whom letters go to: no person, so nothing of it is secret.
    #[must_use]
    pub fn of_party(code: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("party/{code}").as_bytes()))
    }
}

impl CommandId {
    /// The command that `cause` leads to: the same cause and purpose always give the same id.
    #[must_use]
    pub fn of(cause: impl Into<Uuid>, purpose: &str) -> Self {
        Self(derived(cause.into(), purpose))
    }

    /// A command that nothing recorded caused, named by whoever sends it (an `Idempotency-Key`, a file's digest).
    #[must_use]
    pub fn named(who: &str, key: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{who}\u{1f}{key}").as_bytes()))
    }
}

impl From<MessageId> for Uuid {
    fn from(id: MessageId) -> Self {
        id.0
    }
}

impl From<AppealId> for Uuid {
    fn from(id: AppealId) -> Self {
        id.0
    }
}

impl From<CommandId> for Uuid {
    fn from(id: CommandId) -> Self {
        id.0
    }
}

impl From<ContactId> for Uuid {
    fn from(id: ContactId) -> Self {
        id.0
    }
}

/// The installation's secret under which ids of messages and contacts are made.
///
/// The same on every machine and in every backup: with another key each redelivery would become a second message.
#[derive(Clone)]
pub struct IdKey([u8; 32]);

impl IdKey {
    /// Length of the key in bytes.
    pub const LEN_BYTES: usize = 32;

    /// Takes the key as read from `id.key`.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A public name of this key: 16 hexadecimal digits that stand in the log's metadata.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest([b"zholdary id.key fingerprint".as_slice(), &self.0].concat())[..8])
    }

    /// The message `external_id` of `channel` at our `account`.
    ///
    /// Instagram leaves `account` empty: two kinds of login deliver the same id (channel rule R2).
    #[must_use]
    pub fn message(&self, channel: &str, account: &str, external_id: &str) -> MessageId {
        MessageId(self.uuid(&["message", channel, account, external_id]))
    }

    /// The contact `key` of `channel` (a user id, a phone in E.164, a mail address in lower case).
    #[must_use]
    pub fn contact(&self, channel: &str, key: &str) -> ContactId {
        ContactId(self.uuid(&["contact", channel, key]))
    }

    /// What vouches that we wrote `bytes` for `purpose`.
    pub(crate) fn mac(&self, purpose: &str, bytes: &[u8]) -> Hmac<Sha256> {
        self.over(&[purpose.as_bytes(), bytes])
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in parts {
            // Length first: no two lists of parts may read as the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    fn uuid(&self, parts: &[&str]) -> Uuid {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let digest = self.over(&parts).finalize().into_bytes();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Uuid::new_v8(first)
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdKey({})", self.fingerprint())
    }
}

/// What a stream is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// One message of one channel.
    Message,
    /// One appeal.
    Appeal,
    /// One problem on the road that several appeals are about.
    Problem,
    /// The numbers of one year.
    Number,
    /// The rule sets of one city.
    Rules,
    /// The works register of one city.
    Works,
    /// One party: its accounts and absences.
    Party,
    /// One account of ours on a channel.
    Account,
    /// One access token.
    Access,
    /// Seals over the log, written by the notary.
    Seal,
}

impl StreamKind {
    /// Every kind there is.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Appeal,
        Self::Problem,
        Self::Number,
        Self::Rules,
        Self::Works,
        Self::Party,
        Self::Account,
        Self::Access,
        Self::Seal,
    ];

    /// The first token of a stream's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Appeal => "appeal",
            Self::Problem => "problem",
            Self::Number => "number",
            Self::Rules => "rules",
            Self::Works => "works",
            Self::Party => "party",
            Self::Account => "account",
            Self::Access => "access",
            Self::Seal => "seal",
        }
    }

    /// Whether streams of this kind grow without end, so that a command id is recognised only within their last 64
    /// records.
    #[must_use]
    pub const fn grows(self) -> bool {
        matches!(self, Self::Number | Self::Rules | Self::Works | Self::Access | Self::Seal)
    }
}

/// Names a stream: `<kind>.<id>`, the id 1 to 64 characters of `a-z`, `0-9` and `-`.
///
/// So a stream is one NATS subject of two tokens, and one safe URL segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct StreamId {
    kind: StreamKind,
    key: String,
}

impl StreamId {
    /// The stream of `kind` with this id.
    ///
    /// # Errors
    ///
    /// When `key` is empty, too long or holds another character.
    pub fn new(kind: StreamKind, key: &str) -> Result<Self, BadId> {
        let good = (1..=64).contains(&key.len())
            && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !good {
            return Err(BadId { what: "stream id", expected: "1 to 64 characters of a-z, 0-9 and -" });
        }
        Ok(Self { kind, key: key.to_owned() })
    }

    /// The numbers given in `year`.
    #[must_use]
    pub fn numbers(year: i32) -> Self {
        Self { kind: StreamKind::Number, key: year.unsigned_abs().to_string() }
    }

    /// What the stream is about.
    #[must_use]
    pub const fn kind(&self) -> StreamKind {
        self.kind
    }

    /// Its id within the kind.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The message whose stream this is.
    #[must_use]
    pub fn message(&self) -> Option<MessageId> {
        (self.kind == StreamKind::Message).then(|| self.key.parse().ok()).flatten()
    }

    /// The appeal whose stream this is.
    #[must_use]
    pub fn appeal(&self) -> Option<AppealId> {
        (self.kind == StreamKind::Appeal).then(|| self.key.parse().ok()).flatten()
    }
}

impl From<MessageId> for StreamId {
    fn from(id: MessageId) -> Self {
        Self { kind: StreamKind::Message, key: id.to_string() }
    }
}

impl From<AppealId> for StreamId {
    fn from(id: AppealId) -> Self {
        Self { kind: StreamKind::Appeal, key: id.to_string() }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.as_str(), self.key)
    }
}

impl FromStr for StreamId {
    type Err = BadId;

    fn from_str(s: &str) -> Result<Self, BadId> {
        const BAD: BadId = BadId { what: "stream", expected: "<kind>.<id>" };
        let (kind, key) = s.split_once('.').ok_or(BAD)?;
        let kind = StreamKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or(BAD)?;
        Self::new(kind, key)
    }
}

impl TryFrom<String> for StreamId {
    type Error = BadId;

    fn try_from(s: String) -> Result<Self, BadId> {
        s.parse()
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IdKey {
        IdKey::new([7; 32])
    }

    #[test]
    fn ids_come_from_causes() {
        let message = key().message("whatsapp", "1", "wamid.1");
        assert_eq!(message, key().message("whatsapp", "1", "wamid.1"));
        assert_ne!(message, key().message("whatsapp", "1w", "amid.1"));
        assert_ne!(message, IdKey::new([8; 32]).message("whatsapp", "1", "wamid.1"));
        assert_eq!(AppealId::opened_by(message), AppealId::opened_by(message));
        assert_ne!(CommandId::of(message, "received"), CommandId::of(message, "withdrawn"));
        assert_eq!(message.uuid().get_version_num(), 8);
    }

    #[test]
    fn ids_read_back_and_refuse_anything_else() {
        let message = key().message("whatsapp", "1", "wamid.1");
        assert_eq!(message.to_string().parse(), Ok(message));
        for bad in ["", "x", "ABCDEF00000000000000000000000000", "0c5c2f5e-7c67-5d0a-9e0c-52a13f0b77d1"] {
            assert!(bad.parse::<MessageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn streams_read_back_and_refuse_anything_else() {
        for good in ["appeal.0a", "rules.almaty", "number.2026"] {
            assert_eq!(good.parse::<StreamId>().unwrap().to_string(), good);
        }
        for bad in ["appeal", "appeal.", "appeal.A", "appeal.a.b", "thing.a", "appeal.a b"] {
            assert!(bad.parse::<StreamId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_prints_as_its_fingerprint() {
        let printed = format!("{:?}", key());
        assert_eq!(printed, "IdKey(fb0769a6ecd54d75)");
        assert!(printed.contains(&key().fingerprint()));
        for bytes in ["0707", "7, 7", "7,7", "\u{7}"] {
            assert!(!printed.contains(bytes), "{bytes:?}");
        }
    }
}
