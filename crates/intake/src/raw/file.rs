//! Raw bodies in `DIR/raw.db`, a SQLite file, by the same kind of group commit as the log: what waits becomes one transaction, then
//! everybody is answered.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{Semaphore, oneshot};
use zholdary_domain::inbound::Channel;
use zholdary_log::sqlite::patiently;

use super::{
    Kept, RawStore, named,
    writer::{self, Put, Request, Settle, Waiting},
};
use crate::{config::RawConfig, error::RawError};

/// What the store is called in its folder.
const FILE: &str = "raw.db";

/// The format of the file that this release writes.
const FORMAT: i64 = 2;

/// Raw bodies in a file. Cheap to clone; the last clone dropped writes what waits and closes the file.
#[derive(Clone)]
pub struct RawFile {
    inner: Arc<Inner>,
}

struct Inner {
    config: RawConfig,
    slots: Arc<Semaphore>,
    requests: Option<mpsc::Sender<Waiting>>,
    writer: Option<JoinHandle<()>>,
    reader: Arc<Mutex<Connection>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so; there is nobody to tell here.
            let _ = writer.join();
        }
    }
}

impl RawFile {
    /// Whether there is one in `folder`.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Opens `folder/raw.db`, makes it when there is none. Blocks; for start-up.
    ///
    /// # Errors
    ///
    /// [`RawError::Open`] and [`RawError::NewerFormat`].
    pub fn open(folder: &Path, config: RawConfig) -> Result<Self, RawError> {
        let file = folder.join(FILE);
        let unusable = |error: std::io::Error| RawError::Open {
            file: file.display().to_string(),
            source: rusqlite::Error::ToSqlConversionFailure(Box::new(error)),
        };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let mut connection = connect(&file, &config)?;
        prepare(&mut connection, &file)?;
        let reader = connect(&file, &config)?;
        let (requests, waiting) = mpsc::channel();
        let limits = config.clone();
        let writer = std::thread::Builder::new()
            .name("raw".to_owned())
            .spawn(move || writer::run(connection, &waiting, &limits))
            .map_err(unusable)?;
        Ok(Self {
            inner: Arc::new(Inner {
                slots: Arc::new(Semaphore::new(config.queue.clamp(1, Semaphore::MAX_PERMITS))),
                config,
                requests: Some(requests),
                writer: Some(writer),
                reader: Arc::new(Mutex::new(reader)),
            }),
        })
    }

    async fn ask<T>(&self, request: impl FnOnce(writer::Answer<T>) -> Request) -> Result<T, RawError> {
        // The place goes with the request: who stops waiting does not make room while it still stands in the queue.
        let place = Arc::clone(&self.inner.slots).acquire_owned().await.map_err(|_| RawError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let requests = self.inner.requests.as_ref().ok_or(RawError::Closed)?;
        requests.send((request(answer), place)).map_err(|_| RawError::Closed)?;
        answered.await.map_err(|_| RawError::Closed)?
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RawError> {
        let reader = Arc::clone(&self.inner.reader);
        let read = move || read(&reader.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| RawError::Closed)?
            .map_err(|error| RawError::Unavailable(error.into()))
    }
}

#[async_trait]
impl RawStore for RawFile {
    async fn put(
        &self,
        channel: Channel,
        bytes: Bytes,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<String, RawError> {
        let name = named(&bytes, self.inner.config.body_bytes)?;
        let put = Put { name: name.clone(), channel, bytes, at, kept };
        self.ask(|answer| Request::Put(put, answer)).await?;
        Ok(name)
    }

    async fn keep(
        &self,
        name: &str,
        channel: Channel,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<(), RawError> {
        let keep = Put { name: name.to_owned(), channel, bytes: Bytes::new(), at, kept };
        self.ask(|answer| Request::Keep(keep, answer)).await
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, RawError> {
        let name = name.to_owned();
        self.read(move |connection| {
            let mut query = connection.prepare_cached("SELECT bytes FROM raw WHERE name = ?1")?;
            query.query_row([name], |row| row.get::<_, Vec<u8>>(0)).optional()
        })
        .await
        .map(|found| found.map(Bytes::from))
    }

    async fn kept(&self, after: i64, limit: u32) -> Result<Vec<Kept>, RawError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, raw, channel, element, why, at FROM kept
                 WHERE id > ?1 AND settled_at IS NULL ORDER BY id LIMIT ?2",
            )?;
            let rows = query.query_map(params![after, limit], |row| {
                let channel: String = row.get(2)?;
                Ok(Kept {
                    id: row.get(0)?,
                    raw: row.get(1)?,
                    // A newer release may know more channels.
                    channel: Channel::from_code(&channel).unwrap_or(Channel::Web),
                    element: row.get(3)?,
                    why: row.get(4)?,
                    at: DateTime::from_timestamp_millis(row.get(5)?).unwrap_or_default(),
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn waiting(&self) -> Result<u64, RawError> {
        self.read(|connection| {
            let count = "SELECT count(*) FROM kept WHERE settled_at IS NULL";
            connection.query_row(count, [], |row| row.get::<_, u32>(0))
        })
        .await
        .map(u64::from)
    }

    async fn settle(&self, id: i64, how: String, at: DateTime<Utc>) -> Result<bool, RawError> {
        let settled = self.ask(|answer| Request::Settle(Settle { id, how, at }, answer)).await?;
        Ok(settled > 0)
    }

    async fn purge(&self, now: DateTime<Utc>) -> Result<u64, RawError> {
        let before = now - TimeDelta::days(i64::from(self.inner.config.retention_days));
        let mut erased = 0;
        loop {
            // In small portions, so that deliveries do not wait.
            let portion = self.ask(|answer| Request::Purge(before, answer)).await?;
            erased += portion;
            if portion == 0 {
                return Ok(erased);
            }
        }
    }
}

fn connect(file: &Path, config: &RawConfig) -> Result<Connection, RawError> {
    let wait = Duration::from_millis(config.busy_ms.into());
    let open = || {
        let connection = Connection::open(file)?;
        connection.busy_timeout(wait)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // An answer must survive loss of power: the disk is told at every commit, unless all of it may be lost.
        connection.pragma_update(None, "synchronous", config.flush.synchronous())?;
        // Erased bodies are about people: nothing of them stays in free pages.
        connection.pragma_update(None, "secure_delete", "ON")?;
        Ok(connection)
    };
    patiently(Instant::now() + wait, open)
        .map_err(|source| RawError::Open { file: file.display().to_string(), source })
}

fn prepare(connection: &mut Connection, file: &Path) -> Result<(), RawError> {
    let mut make = || {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found == 0 {
            transaction.execute_batch(
                "CREATE TABLE raw (
                     name TEXT PRIMARY KEY, channel TEXT NOT NULL, received_at INTEGER NOT NULL, bytes BLOB NOT NULL
                 ) STRICT;
                 CREATE INDEX raw_by_age ON raw (received_at);
                 CREATE TABLE kept (
                     id INTEGER PRIMARY KEY AUTOINCREMENT, raw TEXT NOT NULL, channel TEXT NOT NULL,
                     element INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (raw, element)
                 ) STRICT;",
            )?;
        }
        if found < 2 {
            // What became of it, once somebody looked.
            transaction.execute_batch(
                "ALTER TABLE kept ADD COLUMN settled_at INTEGER;
                 ALTER TABLE kept ADD COLUMN how TEXT;",
            )?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()?;
        Ok(found)
    };
    let file = file.display().to_string();
    let found = make().map_err(|source| RawError::Open { file: file.clone(), source })?;
    if found > FORMAT {
        return Err(RawError::NewerFormat { file, found, known: FORMAT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use zholdary_testkit::at;

    use super::*;

    const NOON: &str = "2026-11-20T12:00:00+05:00";

    fn open(folder: &Path) -> RawFile {
        RawFile::open(folder, RawConfig { body_bytes: 100, ..RawConfig::default() }).unwrap()
    }

    /// Several processes open a new folder at the same moment: `up`, and an `ingest` beside it.
    #[test]
    fn many_open_a_new_file_at_once() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let together = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        together.wait();
                        open(folder.path());
                    });
                }
            });
        }
    }

    #[tokio::test]
    async fn a_body_is_kept_once_and_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let body = Bytes::from_static(b"{}");
        let put = |kept| store.put(Channel::Whatsapp, body.clone(), at(NOON), kept);
        let name = put(vec![(0, "a"), (2, "b")]).await.unwrap();
        assert_eq!(put(vec![(0, "a"), (2, "b")]).await.unwrap(), name);
        drop(store);
        let store = open(folder.path());
        assert_eq!(store.get(&name).await.unwrap(), Some(body));
        assert_eq!(store.get("none").await.unwrap(), None);
        let kept = store.kept(0, 10).await.unwrap();
        let told: Vec<_> = kept.iter().map(|k| (k.element, k.why.as_str(), k.channel)).collect();
        assert_eq!(told, [(0, "a", Channel::Whatsapp), (2, "b", Channel::Whatsapp)]);
        assert_eq!(store.kept(kept[0].id, 10).await.unwrap(), kept[1..]);
    }

    #[tokio::test]
    async fn many_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let bodies: Vec<Bytes> = (0..500).map(|n| Bytes::from(format!("body {n}"))).collect();
        let puts = bodies.iter().map(|body| store.put(Channel::Web, body.clone(), at(NOON), vec![]));
        for (name, body) in futures::future::join_all(puts).await.into_iter().zip(&bodies) {
            assert_eq!(store.get(&name.unwrap()).await.unwrap().as_ref(), Some(body));
        }
    }

    #[tokio::test]
    async fn old_bodies_are_erased_and_fresh_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let put = |body: &'static [u8], time: &str| {
            store.put(Channel::Web, Bytes::from_static(body), at(time), vec![])
        };
        let old = put(b"old", "2026-10-01T00:00:00Z").await.unwrap();
        let fresh = put(b"fresh", "2026-11-01T00:00:00Z").await.unwrap();
        let again = put(b"again", "2026-10-01T00:00:00Z").await.unwrap();
        put(b"again", "2026-11-01T00:00:00Z").await.unwrap();
        assert_eq!(store.purge(at(NOON)).await.unwrap(), 1);
        assert_eq!(store.get(&old).await.unwrap(), None);
        assert!(store.get(&fresh).await.unwrap().is_some());
        assert!(store.get(&again).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn an_old_body_that_a_person_must_look_at_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let old = at("2026-10-01T00:00:00Z");
        let waits =
            store.put(Channel::Web, Bytes::from_static(b"odd"), old, vec![(0, "a"), (1, "b")]).await.unwrap();
        let gone = store.put(Channel::Web, Bytes::from_static(b"fine"), old, vec![]).await.unwrap();
        assert_eq!(store.purge(at(NOON)).await.unwrap(), 1);
        assert_eq!(store.get(&gone).await.unwrap(), None);
        assert!(store.get(&waits).await.unwrap().is_some(), "the list names a body that is gone");
    }

    /// The file as the first release made it.
    #[tokio::test]
    async fn an_older_file_is_brought_forward() {
        let folder = tempfile::tempdir().unwrap();
        let old = Connection::open(folder.path().join("raw.db")).unwrap();
        old.execute_batch(
            "CREATE TABLE raw (
                 name TEXT PRIMARY KEY, channel TEXT NOT NULL, received_at INTEGER NOT NULL, bytes BLOB NOT NULL
             ) STRICT;
             CREATE INDEX raw_by_age ON raw (received_at);
             CREATE TABLE kept (
                 id INTEGER PRIMARY KEY AUTOINCREMENT, raw TEXT NOT NULL, channel TEXT NOT NULL,
                 element INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (raw, element)
             ) STRICT;
             INSERT INTO raw VALUES ('n', 'web', 0, x'7b7d');
             INSERT INTO kept (raw, channel, element, why, at) VALUES ('n', 'web', 0, 'a', 0);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(old);
        let store = open(folder.path());
        assert_eq!(store.waiting().await.unwrap(), 1);
        assert!(store.settle(1, "read".to_owned(), at(NOON)).await.unwrap());
        drop(store);
        assert_eq!(open(folder.path()).waiting().await.unwrap(), 0);
    }
}
