//! A log that fails on demand, for tests of whoever uses one.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use zholdary_domain::{Position, StreamId};

use crate::{
    error::{AppendError, BindError, Damage, ReadError},
    port::{EventLog, LogInfo, Progress, Verified, WritePermit},
    record::{Appended, NewRecord, Recorded, Stream},
    tail::Tail,
};

/// Wraps a log and spoils as many of the next appends as it is told to, in this order: conflicts, answers that no
/// reader sees, a log out of reach, lost requests, lost answers.
pub struct Faulty {
    inner: Arc<dyn EventLog>,
    conflicts: AtomicU32,
    unseen: AtomicU32,
    unavailable: AtomicU32,
    lost_answers: AtomicU32,
    lost_requests: AtomicU32,
    appends: AtomicU32,
}

impl Faulty {
    /// A log that works like `inner` until told otherwise.
    #[must_use]
    pub fn new(inner: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            conflicts: AtomicU32::new(0),
            unseen: AtomicU32::new(0),
            unavailable: AtomicU32::new(0),
            lost_answers: AtomicU32::new(0),
            lost_requests: AtomicU32::new(0),
            appends: AtomicU32::new(0),
        })
    }

    /// The next `n` appends conflict although nobody wrote.
    pub fn conflict(&self, n: u32) {
        self.conflicts.store(n, Ordering::SeqCst);
    }

    /// The next `n` appends are answered as recorded before, although no reader sees where; nothing is written.
    pub fn know_unseen(&self, n: u32) {
        self.unseen.store(n, Ordering::SeqCst);
    }

    /// The next `n` appends find the log out of reach; nothing is written.
    pub fn unavailable(&self, n: u32) {
        self.unavailable.store(n, Ordering::SeqCst);
    }

    /// The next `n` appends are written, but the caller hears [`AppendError::OutcomeUnknown`].
    pub fn lose_answers(&self, n: u32) {
        self.lost_answers.store(n, Ordering::SeqCst);
    }

    /// The next `n` appends are not written, and the caller hears [`AppendError::OutcomeUnknown`].
    pub fn lose_requests(&self, n: u32) {
        self.lost_requests.store(n, Ordering::SeqCst);
    }

    /// How many appends were asked for so far, spoiled ones included.
    #[must_use]
    pub fn appends(&self) -> u32 {
        self.appends.load(Ordering::SeqCst)
    }
}

fn take(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl EventLog for Faulty {
    async fn append(&self, permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let command_id = new.command_id;
        if take(&self.conflicts) {
            let version = new.expect.token().map_or(0, |token| token.version);
            return Err(AppendError::Conflict { winner: Position::START, version });
        }
        if take(&self.unseen) {
            return Ok(Appended::AlreadyRecorded(Position::START));
        }
        if take(&self.unavailable) {
            return Err(AppendError::Unavailable("a test made it so".into()));
        }
        if take(&self.lost_requests) {
            return Err(AppendError::OutcomeUnknown(command_id));
        }
        let lost = take(&self.lost_answers);
        let appended = self.inner.append(permit, new).await?;
        if lost { Err(AppendError::OutcomeUnknown(command_id)) } else { Ok(appended) }
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.inner.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.inner.last(stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.read(after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.inner.head().await
    }

    fn tail(&self, after: Position) -> Tail {
        self.inner.tail(after)
    }

    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError> {
        self.inner.position_at(at).await
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        self.inner.info().await
    }

    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        self.inner.bind_key(fingerprint).await
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        self.inner.verify(progress).await
    }
}
