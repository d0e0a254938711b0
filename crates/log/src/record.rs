//! What stands in the log: one record a decision, and how its bytes read.
//!
//! A record's bytes are JSON: `{log_id, stream, version, prev, command_id, recorded_at, causation, correlation, schema,
//! events}`. Its hash is the BLAKE3 of those bytes, its position stands beside them. Bytes once written are never
//! serialised again: what is read, hashed, chained and backed up is what was written.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;
use zholdary_domain::{CommandId, Position, StreamId};

use crate::{codec::Events, error::DecodeError};

/// BLAKE3 of some bytes. In JSON 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash that these 32 bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: expected 64 hexadecimal digits")]
pub struct BadHash;

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(s: &str) -> Result<Self, BadHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(s, &mut bytes).map_err(|_| BadHash)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Hash {
    type Error = BadHash;

    fn try_from(s: String) -> Result<Self, BadHash> {
        s.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// Points from a record to the one before it in the same stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prev {
    /// Where it stands.
    pub position: Position,
    /// The hash of its bytes.
    pub hash: Hash,
}

impl From<&Recorded> for Prev {
    fn from(record: &Recorded) -> Self {
        Self { position: record.position, hash: record.hash }
    }
}

impl From<Token> for Prev {
    fn from(token: Token) -> Self {
        Self { position: token.position, hash: token.hash }
    }
}

/// The last record of a stream as somebody saw it. Given back with an append, it proves that nobody wrote in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// How many records the stream has, this one included; from 1.
    pub version: u64,
    /// Where the record stands in the log.
    pub position: Position,
    /// The hash of its bytes.
    pub hash: Hash,
    /// When it was recorded, UTC, whole milliseconds.
    pub recorded_at: DateTime<Utc>,
}

/// What the writer of a record believes about its stream. There is no «any».
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The stream has no record yet.
    NoStream,
    /// The stream's last record is exactly this one.
    Exact(Token),
}

impl Expect {
    /// What to expect of a stream whose last record is `last`.
    #[must_use]
    pub fn after(last: Option<Token>) -> Self {
        last.map_or(Self::NoStream, Self::Exact)
    }

    /// The token expected, if any.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        match self {
            Self::NoStream => None,
            Self::Exact(token) => Some(*token),
        }
    }
}

/// What directly led to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Causation {
    /// An earlier record, by its position.
    Record(Position),
    /// A wish that came from outside the log.
    Command(CommandId),
}

/// Where a command comes from: what directly led to it, and the command that started the whole story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cause {
    /// What directly led to it.
    pub causation: Option<Causation>,
    /// The command that started the story; the same in every record that follows from it.
    pub correlation: Option<CommandId>,
}

impl Cause {
    /// Nothing recorded: a webhook, a file, a person.
    pub const OUTSIDE: Self = Self { causation: None, correlation: None };

    /// An earlier record: a worker read it and acts on it.
    #[must_use]
    pub fn record(record: &Recorded) -> Self {
        Self {
            causation: Some(Causation::Record(record.position)),
            correlation: Some(record.correlation.unwrap_or(record.command_id)),
        }
    }

    /// A command from outside that leads to several records.
    #[must_use]
    pub const fn command(id: CommandId) -> Self {
        Self { causation: Some(Causation::Command(id)), correlation: Some(id) }
    }

    /// The trace that `command`, caused so, belongs to.
    #[must_use]
    pub fn trace_id(&self, command: CommandId) -> TraceId {
        TraceId(self.correlation.unwrap_or(command))
    }
}

/// Names a story, from what came from outside to the last record that followed: the id of the command that began it. Its 32
/// hexadecimal digits are a trace-id of W3C Trace Context, and the same in the log lines of every process that took part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(CommandId);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.uuid().simple().fmt(f)
    }
}

/// A decision on its way into the log.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// What its writer believes about the stream.
    pub expect: Expect,
    /// Names the decision: repeated, it is recognised and changes nothing.
    pub command_id: CommandId,
    /// Where it comes from.
    pub cause: Cause,
    /// The version of the shape of `events`.
    pub schema: u16,
    /// Its events, serialised once.
    pub events: Events,
    /// The writer's clock, UTC. The record gets this or the time of the record before it, whichever is later: the log's last one on
    /// SQLite, the stream's on JetStream.
    pub at: DateTime<Utc>,
}

/// How an append ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The record is written and durable; this is now the stream's last record.
    New(Token),
    /// The command had been recorded before, here; the first stays and nothing was written.
    AlreadyRecorded(Position),
}

impl Appended {
    /// The position at which the decision stands.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::New(token) => token.position,
            Self::AlreadyRecorded(position) => *position,
        }
    }
}

/// A record as it stands in the log. It prints without its events: they hold personal data.
#[derive(Clone)]
pub struct Recorded {
    /// Where it stands; dense, from 1.
    pub position: Position,
    /// BLAKE3 of [`Recorded::bytes`].
    pub hash: Hash,
    /// The log it was written to.
    pub log_id: Uuid,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its number in the stream, from 1.
    pub version: u64,
    /// The stream's record before it; none in the first.
    pub prev: Option<Prev>,
    /// The command that led to it.
    pub command_id: CommandId,
    /// When it was recorded, UTC, whole milliseconds; never earlier than the record before it in its stream.
    pub recorded_at: DateTime<Utc>,
    /// What directly led to it.
    pub causation: Option<Causation>,
    /// The command that started the story it belongs to.
    pub correlation: Option<CommandId>,
    /// The version of the shape of its events.
    pub schema: u16,
    bytes: Bytes,
    events: Bytes,
}

impl Recorded {
    /// Reads the `bytes` that stand at `position`.
    ///
    /// # Errors
    ///
    /// When they are not a record.
    pub fn parse(position: Position, bytes: Bytes) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(&bytes).map_err(|_| DecodeError::not_utf8(position))?;
        let read: Envelope<'_> =
            serde_json::from_str(text).map_err(|error| DecodeError::json(position, &error))?;
        let events = bytes.slice_ref(read.events.get().as_bytes());
        Ok(Self {
            position,
            hash: Hash::of(&bytes),
            log_id: read.log_id,
            stream: read.stream,
            version: read.version,
            prev: read.prev,
            command_id: read.command_id,
            recorded_at: read.recorded_at,
            causation: read.causation,
            correlation: read.correlation,
            schema: read.schema,
            events,
            bytes,
        })
    }

    /// The record's bytes, as written.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes of its `events`, a JSON array, as written.
    #[must_use]
    pub const fn events_json(&self) -> &Bytes {
        &self.events
    }

    /// Its events.
    ///
    /// # Errors
    ///
    /// When they do not read as `E`s; waiting does not help.
    pub fn events<E: DeserializeOwned>(&self) -> Result<Vec<E>, DecodeError> {
        serde_json::from_slice(&self.events).map_err(|error| DecodeError::json(self.position, &error))
    }

    /// The trace that it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        Cause::record(self).trace_id(self.command_id)
    }

    /// The token that an append after this record expects.
    #[must_use]
    pub const fn token(&self) -> Token {
        Token {
            version: self.version,
            position: self.position,
            hash: self.hash,
            recorded_at: self.recorded_at,
        }
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("position", &self.position.0)
            .field("stream", &self.stream.to_string())
            .field("version", &self.version)
            .field("command_id", &self.command_id)
            .field("recorded_at", &self.recorded_at)
            .field("schema", &self.schema)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// All records of one stream, in order.
#[derive(Debug, Clone)]
pub struct Stream {
    records: Vec<Recorded>,
}

impl Stream {
    /// The stream that these records are.
    ///
    /// # Errors
    ///
    /// The position of the first record that does not follow the one before it.
    pub(crate) fn new(records: Vec<Recorded>) -> Result<Self, Position> {
        let mut last: Option<&Recorded> = None;
        for record in &records {
            let expected = last.map(Prev::from);
            if record.prev != expected || record.version != last.map_or(0, |last| last.version) + 1 {
                return Err(record.position);
            }
            last = Some(record);
        }
        Ok(Self { records })
    }

    /// Its records, the first first.
    #[must_use]
    pub fn records(&self) -> &[Recorded] {
        &self.records
    }

    /// Its last record, or none when nothing was recorded.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        self.records.last().map(Recorded::token)
    }

    /// What an append after it expects.
    #[must_use]
    pub fn expect(&self) -> Expect {
        Expect::after(self.token())
    }

    /// Where the command was recorded, if it was.
    #[must_use]
    pub fn position_of(&self, command_id: CommandId) -> Option<Position> {
        self.records.iter().find(|record| record.command_id == command_id).map(|record| record.position)
    }

    /// The ids of all commands recorded in it, in order.
    pub fn command_ids(&self) -> impl Iterator<Item = CommandId> {
        self.records.iter().map(|record| record.command_id)
    }
}

/// The bytes of a record, field by field, in the order written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(with = "uuid::serde::simple")]
    pub(crate) log_id: Uuid,
    pub(crate) stream: StreamId,
    pub(crate) version: u64,
    pub(crate) prev: Option<Prev>,
    pub(crate) command_id: CommandId,
    #[serde(with = "millis")]
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) causation: Option<Causation>,
    pub(crate) correlation: Option<CommandId>,
    pub(crate) schema: u16,
    #[serde(borrow)]
    pub(crate) events: &'a RawValue,
}

/// Instants as RFC 3339 in UTC with three decimals.
mod millis {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        DateTime::deserialize(deserializer)
    }
}
