//! A log that fails on demand, for tests of whoever uses one.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Position, StreamId, StreamKind};

use crate::{
    error::{AppendError, BindError, Damage, ReadError},
    port::{EventLog, LogInfo, Progress, Verified, WritePermit},
    record::{Appended, NewRecord, Recorded, Stream},
    tail::Tail,
};

/// Wraps a log and spoils as many of the next appends as it is told to, in this order: conflicts, answers that no
/// reader sees, a log out of reach, lost requests, lost answers. Whoever uses it may die at one, and may have opened it long ago.
pub struct Faulty {
    inner: Arc<dyn EventLog>,
    conflicts: AtomicU32,
    unseen: AtomicU32,
    unavailable: AtomicU32,
    lost_answers: AtomicU32,
    lost_requests: AtomicU32,
    appends: AtomicU32,
    loads: AtomicU64,
    left: AtomicI64,
    writes_last: AtomicBool,
    dead: CancellationToken,
    only: Mutex<Option<StreamKind>>,
    first_head: Mutex<Option<Position>>,
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
            loads: AtomicU64::new(0),
            left: AtomicI64::new(i64::MAX),
            writes_last: AtomicBool::new(false),
            dead: CancellationToken::new(),
            only: Mutex::default(),
            first_head: Mutex::default(),
        })
    }

    /// Its user dies at the append after `appends` of them: before that one is written, or after it is written and before it is
    /// answered. It is never answered.
    pub fn die_after(&self, appends: i64, writes_last: bool) {
        self.writes_last.store(writes_last, Ordering::SeqCst);
        self.left.store(appends, Ordering::SeqCst);
    }

    /// Cancelled when its user dies.
    #[must_use]
    pub fn dead(&self) -> CancellationToken {
        self.dead.clone()
    }

    /// Who asks for the first time where the log ends is told this: they opened it long ago.
    pub fn believe_head(&self, head: Position) {
        *self.first_head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// Only appends to streams of this kind are spoilt.
    pub fn spoil_only(&self, kind: StreamKind) {
        *self.only.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
    }

    /// How often a stream was read whole.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
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
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left <= 0 {
            if left == 0 && self.writes_last.load(Ordering::SeqCst) {
                let _unheard = self.inner.append(permit, new).await;
            }
            self.dead.cancel();
            return std::future::pending().await;
        }
        let only = *self.only.lock().unwrap_or_else(PoisonError::into_inner);
        if only.is_some_and(|only| only != new.stream.kind()) {
            return self.inner.append(permit, new).await;
        }
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
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.inner.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.inner.last(stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.read(after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let first = self.first_head.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(head) => Ok(head),
            None => self.inner.head().await,
        }
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
