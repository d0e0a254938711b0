//! A log under a worker that dies.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Position, StreamId};
use zholdary_log::{
    AppendError, Appended, BindError, Damage, EventLog, LogInfo, NewRecord, Progress, ReadError, Recorded,
    Stream, Tail, Verified, WritePermit,
};

/// A log whose user dies after some appends: before the next one is written, or after it is written and before it is
/// answered.
pub(crate) struct Mortal {
    inner: Arc<dyn EventLog>,
    left: AtomicI64,
    writes_last: bool,
    /// Cancelled when its user dies.
    pub(crate) dead: CancellationToken,
    /// What it is told when it asks for the first time where the log ends: it opened the log long ago.
    first_head: Mutex<Option<Position>>,
    loads: AtomicU64,
}

impl Mortal {
    /// One who dies at the append after `appends` of them, after it is written when `writes_last`.
    pub(crate) fn after(inner: &Arc<dyn EventLog>, appends: i64, writes_last: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            left: AtomicI64::new(appends),
            writes_last,
            dead: CancellationToken::new(),
            first_head: Mutex::default(),
            loads: AtomicU64::new(0),
        })
    }

    /// One who does not die.
    pub(crate) fn never(inner: &Arc<dyn EventLog>) -> Arc<Self> {
        Self::after(inner, i64::MAX, false)
    }

    /// One who believes at first that the log ends at `head`.
    pub(crate) fn late(inner: &Arc<dyn EventLog>, head: Position) -> Arc<Self> {
        let late = Self::never(inner);
        *late.first_head.lock().unwrap() = Some(head);
        late
    }

    /// How often a stream was read whole.
    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl EventLog for Mortal {
    async fn append(&self, permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return self.inner.append(permit, new).await;
        }
        if left == 0 && self.writes_last {
            let _unheard = self.inner.append(permit, new).await;
        }
        self.dead.cancel();
        pending().await
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
        let first = self.first_head.lock().unwrap().take();
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
