//! The engine for several processes and machines: one stream of NATS JetStream.
//!
//! A stream of ours is one subject, a record one message, its position the message's sequence. The server takes a record only
//! when the last message of its subject is the one that the record names as its `prev`: that is all the locking there is.
//! Acknowledged means: the leader and most of its followers have it. With the servers' default they tell their disks every two
//! minutes, so it survives kill -9 of any of them, and loss of power of less than half; with `sync_interval: always`, of all.

mod append;
mod bodies;
mod bulk;
mod checkpoints;
mod config;
mod files;
mod head;
mod known;
mod lease;
mod requests;
mod servers;
mod setup;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trouble;
mod user;
mod verify;

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::kv;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::{
    sync::{Mutex, Semaphore},
    task::AbortHandle,
    time::Instant,
};
use zholdary_domain::{Position, StreamId};

pub use self::{
    bodies::{Bodies, BodyError, Note},
    config::JetStreamConfig,
    files::Files,
    lease::Lease,
    servers::{Server, SyncInterval, Watch},
    setup::{Init, init},
    user::User,
};
use self::{
    bulk::Bulk,
    head::{Head, Lost},
    known::{Cache, Seen},
    requests::Unanswered,
    store::Store,
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
    follower: AbortHandle,
    watcher: Option<AbortHandle>,
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
        let (client, requests) = config.connect(&metrics).await?;
        let watch = Watch::connect(&config, &metrics).await?;
        let context = config.context(client);
        let setup::Checked { log_id, messages, bucket, leases } =
            setup::open(&context, &config, &requests).await?;
        let head = Head::new(Position(messages.cached_info().state.last_sequence), metrics.clone());
        let (cache, slots) =
            (Cache::new(config.cache_bytes, config.seen_streams), Semaphore::new(config.in_flight));
        let every = Duration::from_millis(config.watch_ms);
        let watcher =
            watch.map(|watch| tokio::spawn(watch.keep_watch(every, metrics.clone())).abort_handle());
        let store = Arc::new(Store { context, messages, config, log_id, requests, metrics });
        let follower = tokio::spawn(head::follow(Arc::clone(&store), head.clone())).abort_handle();
        Ok(Self { store, cache, bucket, leases, slots, head, marks: Mutex::default(), follower, watcher })
    }

    async fn key(&self) -> Result<Option<String>, ReadError> {
        let kept = self.kept("key").await?;
        Ok(kept.map(|key| String::from_utf8_lossy(&key).into_owned()))
    }
}

/// What tails read from.
struct Pages {
    store: Arc<Store>,
    bulk: Bulk,
    seen: Seen,
    head: tokio::sync::watch::Receiver<Position>,
    lost: Lost,
}

#[async_trait]
impl TailSource for Pages {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.lost.check()?;
        let known = *self.head.borrow();
        if after == known {
            return Ok(vec![]);
        }
        if after > known {
            // Another process may have told of a record that we have not heard of.
            let head = self.store.head_for(after).await?;
            return if after > head { Err(ReadError::Ahead { after, head }) } else { Ok(vec![]) };
        }
        let page = self.bulk.dense(&self.store, after, limit, known).await?;
        let page: Vec<_> = page.into_iter().map(|raw| self.store.record(raw)).collect::<Result<_, _>>()?;
        // Whoever acts on a record must find it in its stream.
        page.iter().for_each(|record| self.seen.saw(&record.stream, record.version));
        Ok(page)
    }
}

#[async_trait]
impl EventLog for JetStreamLog {
    async fn append(&self, _permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        let asked = Instant::now();
        let _slot = self.slots.acquire().await.map_err(|_| AppendError::Failed)?;
        let answer = append::append(self, &new).await;
        self.store.metrics.append_seconds.observe(asked.elapsed().as_secs_f64());
        if let Ok(appended) = &answer {
            self.head.reached(appended.position());
        }
        answer
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.cache.load(&self.store, stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.cache.last(&self.store, stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        if limit == 0 {
            return Ok(vec![]);
        }
        self.head.lost().check()?;
        let page = self.store.records(after, limit, Position::START).await?;
        if !page.is_empty() {
            page.iter().for_each(|record| self.cache.seen.saw(&record.stream, record.version));
            return Ok(page);
        }
        let mut head = self.head().await?;
        if after > head {
            head = self.store.head_for(after).await?;
        }
        if after > head {
            return Err(ReadError::Ahead { after, head });
        }
        self.store.records(after, limit, head).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.head.ask(&self.store).await
    }

    fn tail(&self, after: Position) -> Tail {
        let (store, lost) = (Arc::clone(&self.store), self.head.lost().clone());
        let (seen, head) = (self.cache.seen.clone(), self.head.subscribe());
        let pages = Pages { store, bulk: Bulk::default(), seen, head, lost };
        Tail::new(Arc::new(pages), self.head.subscribe(), after)
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
            && let Err(error) =
                self.store.in_time(self.bucket.create("key", fingerprint.to_owned().into())).await
            && !matches!(&error, Unanswered::Error(e) if e.kind() == kv::CreateErrorKind::AlreadyExists)
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
        self.watcher.iter().for_each(AbortHandle::abort);
    }
}

impl std::fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JetStreamLog").field("log_id", &self.store.log_id).finish_non_exhaustive()
    }
}
