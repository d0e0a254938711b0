//! The engine for several processes and machines: one stream of NATS JetStream.
//!
//! A stream of ours is one subject, a record one message, its position the message's sequence. The server takes a record only
//! when the last message of its subject is the one that the record names as its `prev`: that is all the locking there is.
//! Acknowledged means: the leader and most of its followers have it. With the servers' default they tell their disks every two
//! minutes, so it survives kill -9 of any of them, and loss of power of less than half; with `sync_interval: always`, of all.

mod append;
mod config;
mod head;
mod known;
mod lease;
mod setup;
mod store;
#[cfg(test)]
mod tests;
mod user;
mod verify;

use std::sync::Arc;

use async_nats::jetstream::{kv, stream::LastRawMessageErrorKind};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::{
    sync::{Mutex, Semaphore},
    task::AbortHandle,
    time::Instant,
};
use zholdary_domain::{Position, StreamId};

pub use self::{
    config::JetStreamConfig,
    lease::Lease,
    setup::{Init, init},
    user::User,
};
use self::{
    head::Head,
    known::Cache,
    store::{Raw, Store, unavailable},
};
use crate::{
    error::{AppendError, BindError, Damage, OpenError, ReadError},
    metrics::Metrics,
    port::{EventLog, LogInfo, Progress, Verified, WritePermit},
    record::{Appended, NewRecord, Recorded, Stream},
    tail::{Tail, TailSource},
};

/// The log in a stream of NATS JetStream.
pub struct JetStreamLog {
    store: Arc<Store>,
    cache: Cache,
    bucket: kv::Store,
    leases: kv::Store,
    slots: Semaphore,
    head: Head,
    marks: Mutex<Marks>,
    metrics: Metrics,
    follower: AbortHandle,
}

/// The latest time recorded up to a position: records of several machines are not quite in the order of their clocks.
#[derive(Default)]
struct Marks {
    reached: Position,
    pages: Vec<(Position, DateTime<Utc>)>,
}

impl JetStreamLog {
    /// Connects to the log that `config` names, and checks that its records are safe there.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub async fn open(config: JetStreamConfig, metrics: Metrics) -> Result<Self, OpenError> {
        let client = config.connect(&metrics).await?;
        let context = config.context(client);
        let connect =
            |source: crate::Source| OpenError::Connect { servers: config.servers.join(","), source };
        let messages = context.get_stream(&config.stream).await.map_err(|error| {
            if setup::is_missing(&error) {
                OpenError::NoStream { stream: config.stream.clone() }
            } else {
                connect(Box::new(error))
            }
        })?;
        let log_id = setup::check(&config, &messages.cached_info().config)?;
        let head = Position(messages.cached_info().state.last_sequence);
        let bucket = async |name: String| {
            context.get_key_value(&name).await.map_err(|_| OpenError::NoStream { stream: name })
        };
        let (bucket, leases) = (bucket(config.bucket.clone()).await?, bucket(config.leases()).await?);
        let head = Head::new(head, metrics.clone());
        let (cache, slots) = (Cache::new(config.cache_bytes), Semaphore::new(config.in_flight));
        let store = Arc::new(Store { context, messages, config, log_id });
        let follower = tokio::spawn(head::follow(Arc::clone(&store), head.clone())).abort_handle();
        Ok(Self { store, cache, bucket, leases, slots, head, marks: Mutex::default(), metrics, follower })
    }

    /// As [`Store::page`], from the leader when another server is behind `known`.
    async fn raw_page(&self, after: Position, limit: usize, known: Position) -> Result<Vec<Raw>, ReadError> {
        self.store.page_up_to(after, limit, known).await
    }

    async fn key(&self) -> Result<Option<String>, ReadError> {
        // From the leader: what was just bound must be seen.
        let found =
            self.bucket.stream.get_last_raw_message_by_subject(&format!("{}key", self.bucket.prefix)).await;
        match found {
            Ok(found) => Ok(Some(String::from_utf8_lossy(&found.payload).into_owned())),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

impl Store {
    async fn page_up_to(
        &self,
        after: Position,
        limit: usize,
        known: Position,
    ) -> Result<Vec<Raw>, ReadError> {
        let page = self.page(after, limit).await?;
        if !page.is_empty() || known <= after || limit == 0 {
            return Ok(page);
        }
        // The server that answered is behind: one record of the leader, and the next page may find it caught up.
        let next = self.at_leader(after.next()).await?;
        Ok(next.map(|record| self.raw(&record)).into_iter().collect())
    }

    fn raw(&self, record: &Recorded) -> Raw {
        Raw {
            position: record.position,
            subject: self.subject(&record.stream),
            bytes: record.bytes().clone(),
        }
    }

    /// A page of records without a hole, when the log is known to reach `known`.
    async fn records(
        &self,
        after: Position,
        limit: usize,
        known: Position,
    ) -> Result<Vec<Recorded>, ReadError> {
        let mut records: Vec<Recorded> = Vec::new();
        let mut last = after;
        for raw in self.page_up_to(after, limit, known).await? {
            if raw.position != last.next() {
                tracing::error!(expected = %last.next(), found = %raw.position, "records are missing from the log");
                return Err(ReadError::Gap { expected: last.next(), found: raw.position });
            }
            last = raw.position;
            records.push(self.record(raw)?);
        }
        Ok(records)
    }
}

/// What tails read from.
struct Pages {
    store: Arc<Store>,
    head: tokio::sync::watch::Receiver<Position>,
}

#[async_trait]
impl TailSource for Pages {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let known = *self.head.borrow();
        if after == known {
            return Ok(vec![]);
        }
        if after > known {
            // Another process may have told of a record that we have not heard of.
            let head = self.store.head().await?;
            return if after > head { Err(ReadError::Ahead { after, head }) } else { Ok(vec![]) };
        }
        self.store.records(after, limit, known).await
    }
}

#[async_trait]
impl EventLog for JetStreamLog {
    async fn append(&self, _permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        let asked = Instant::now();
        let _slot = self.slots.acquire().await.map_err(|_| AppendError::Failed)?;
        let answer = append::append(&self.store, &self.cache, &self.metrics, &new).await;
        self.metrics.append_seconds.observe(asked.elapsed().as_secs_f64());
        if let Ok(appended) = &answer {
            self.head.reached(appended.position());
        }
        answer
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.cache.load(&self.store, stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.store.last(stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        if limit == 0 {
            return Ok(vec![]);
        }
        let page = self.store.records(after, limit, Position::START).await?;
        if !page.is_empty() {
            return Ok(page);
        }
        let head = self.head().await?;
        if after > head {
            return Err(ReadError::Ahead { after, head });
        }
        self.store.records(after, limit, head).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let head = self.store.head().await?;
        self.head.reached(head);
        Ok(head)
    }

    fn tail(&self, after: Position) -> Tail {
        let pages = Pages { store: Arc::clone(&self.store), head: self.head.subscribe() };
        Tail::new(Box::new(pages), self.head.subscribe(), after)
    }

    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError> {
        let head = self.head().await?;
        let mut marks = self.marks.lock().await;
        while marks.reached < head {
            let page = self.store.records(marks.reached, self.store.config.page_records, head).await?;
            let (Some(last), Some(latest)) = (page.last(), page.iter().map(|r| r.recorded_at).max()) else {
                break;
            };
            let latest = marks.pages.last().map_or(latest, |(_, before)| latest.max(*before));
            marks.reached = last.position;
            marks.pages.push((last.position, latest));
        }
        let page = marks.pages.partition_point(|(_, latest)| *latest <= at);
        let before = page.checked_sub(1).map_or(Position::START, |page| marks.pages[page].0);
        let Some((end, _)) = marks.pages.get(page).copied() else { return Ok(before) };
        drop(marks);
        let mut position = before;
        while position < end {
            for record in self.store.records(position, self.store.config.page_records, end).await? {
                if record.recorded_at > at {
                    return Ok(position);
                }
                position = record.position;
            }
        }
        Ok(position)
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        Ok(LogInfo {
            log_id: self.store.log_id,
            format: setup::NEWEST,
            key: self.key().await?,
            engine: "jetstream",
            engine_version: self.store.context.client().server_info().version,
        })
    }

    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        let gone = |error: ReadError| BindError::Unavailable(Box::new(error));
        if self.key().await.map_err(gone)?.is_none()
            && let Err(error) = self.bucket.create("key", fingerprint.to_owned().into()).await
            && error.kind() != kv::CreateErrorKind::AlreadyExists
        {
            return Err(BindError::Unavailable(Box::new(error)));
        }
        match self.key().await.map_err(gone)? {
            Some(bound) if bound == fingerprint => Ok(()),
            Some(bound) => Err(BindError::OtherKey { bound, offered: fingerprint.to_owned() }),
            None => Err(BindError::Unavailable("the key was not kept".into())),
        }
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        verify::verify(self, progress).await
    }
}

impl Drop for JetStreamLog {
    fn drop(&mut self) {
        // Its sender of the head goes with it, and tails end.
        self.follower.abort();
    }
}

impl std::fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JetStreamLog").field("log_id", &self.store.log_id).finish_non_exhaustive()
    }
}
