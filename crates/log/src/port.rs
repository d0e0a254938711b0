//! The port: what every engine of the log promises.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use zholdary_domain::{Position, StreamId};

use crate::{
    error::{AppendError, BindError, Damage, ReadError},
    record::{Appended, Hash, NewRecord, Recorded, Stream},
    tail::Tail,
};

/// The right to append. Only this crate makes one, so [`crate::Decider`] is the one write path:
///
/// ```compile_fail,E0423
/// let permit = zholdary_log::WritePermit(());
/// ```
///
/// ```compile_fail,E0624
/// let permit = zholdary_log::WritePermit::new();
/// ```
#[derive(Debug)]
pub struct WritePermit(());

impl WritePermit {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// What a log says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogInfo {
    /// Names this log; stands in every record.
    pub log_id: uuid::Uuid,
    /// Version of the file format or of the stream's configuration.
    pub format: u32,
    /// Fingerprint of the `id.key` it was begun with, once bound.
    pub key: Option<String>,
    /// The engine: `sqlite` or `jetstream`.
    pub engine: &'static str,
    /// Version of the library or server below.
    pub engine_version: String,
}

/// A sound log, as far as [`EventLog::verify`] can see. Write `head` and `chain` down somewhere else, and a later log that does
/// not contain them was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The last record.
    pub head: Position,
    /// How many streams there are.
    pub streams: u64,
    /// The chain over the whole log at `head`, on engines that keep one.
    pub chain: Option<Hash>,
}

/// Hears how far [`EventLog::verify`] is: the record reached, and the last one.
pub type Progress<'a> = &'a (dyn Fn(Position, Position) + Send + Sync);

/// The log: every decision ever made, in one order. Nothing outside it is needed to rebuild anything, except keys of
/// personal data and the bytes of attachments.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Records one decision, all its events or none. Answered well, it is durable as far as the engine's documentation
    /// says.
    ///
    /// A command id known to the stream answers [`Appended::AlreadyRecorded`] whatever is expected and whatever the
    /// bytes. Dropping the future does not take the append back.
    ///
    /// # Errors
    ///
    /// [`AppendError`]; after [`AppendError::OutcomeUnknown`] append again under the same command id.
    async fn append(&self, permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError>;

    /// All records of one stream. Sees every append answered before the call.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError>;

    /// The last record of one stream. Sees every append answered before the call.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError>;

    /// One page of what follows `after`: at most `limit` records, fewer when they are large, none at the end.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; a hole is [`ReadError::Gap`].
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// The last record's position.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn head(&self) -> Result<Position, ReadError>;

    /// What follows `after`: in pages up to the end, then live, without gap or double at the seam.
    fn tail(&self, after: Position) -> Tail;

    /// Before the first record later than `at`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError>;

    /// What the log says about itself.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn info(&self) -> Result<LogInfo, ReadError>;

    /// Binds the log to the `id.key` with this fingerprint, once and for all.
    ///
    /// # Errors
    ///
    /// [`BindError::OtherKey`] when another key is bound.
    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError>;

    /// Reads everything and checks hashes, chains, order, density and the end.
    ///
    /// # Errors
    ///
    /// The first [`Damage`] found.
    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage>;
}
