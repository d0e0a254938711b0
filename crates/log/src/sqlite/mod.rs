//! The embedded engine: one SQLite file in one folder, nothing to install.
//!
//! Acknowledged means: the transaction is in the write-ahead log and the disk was told to keep it (`synchronous=FULL`). It
//! survives kill -9 of any process, and loss of power as far as the disk keeps what it says it kept.

mod checkpoints;
mod file;
mod filesystem;
mod reader;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::{Semaphore, oneshot, watch};
use uuid::Uuid;
use zholdary_domain::{Position, StreamId};

pub use self::{checkpoints::SqliteCheckpoints, file::patiently};
use self::{
    reader::{Readers, unavailable},
    writer::{Append, Request, Upkeep, Writer},
};
use crate::{
    error::{AppendError, BindError, Damage, OpenError, ReadError},
    metrics::Metrics,
    port::{EventLog, LogInfo, Progress, Verified, WritePermit},
    record::{Appended, NewRecord, Recorded, Stream},
    tail::Tail,
};

/// When what was acknowledged is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flush {
    /// Before anybody is answered.
    #[default]
    Each,
    /// When the file is closed: for what is thrown away unless it is finished, and then flushed by whoever finished it.
    AtEnd,
}

impl Flush {
    /// The value of SQLite's `synchronous` under a write-ahead log.
    #[must_use]
    pub const fn synchronous(self) -> &'static str {
        match self {
            Self::Each => "FULL",
            Self::AtEnd => "NORMAL",
        }
    }
}

/// Settings of the SQLite engine. The defaults are right for a city.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqliteConfig {
    /// The largest record taken, in bytes. Default 921,600 (900 KiB), what the other engine can carry.
    pub max_record_bytes: usize,
    /// How many appends may wait for the writer; more wait before asking. Default 1,024.
    pub queue: usize,
    /// The most appends written in one transaction. Default 512.
    pub group_records: usize,
    /// A transaction takes no further append once its events reach this many bytes. Default 1,048,576.
    pub group_bytes: usize,
    /// A transaction is begun when no further append comes for this long, or for eight times as long in all, in microseconds.
    /// A flush takes longer, and serves all of them. Default 500.
    pub company_us: u32,
    /// How long an append may wait while another process writes, in milliseconds. Default 30,000.
    pub busy_ms: u64,
    /// Size of the write-ahead log above which it is copied into the file though appends wait, in bytes. Default
    /// 67,108,864.
    pub wal_limit_bytes: u64,
    /// How many reads may run at once. Default 4.
    pub readers: usize,
    /// The most records in one page. Default 1,000.
    pub page_records: usize,
    /// A page takes no further record once it holds this many bytes. Default 4,194,304.
    pub page_bytes: usize,
    /// When the disk is told. No file of settings can say it: an answer of a city's log is kept.
    #[serde(skip)]
    pub flush: Flush,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            max_record_bytes: 900 * 1024,
            queue: 1024,
            group_records: 512,
            group_bytes: 1024 * 1024,
            company_us: 500,
            busy_ms: 30_000,
            wal_limit_bytes: 64 * 1024 * 1024,
            readers: 4,
            page_records: 1000,
            page_bytes: 4 * 1024 * 1024,
            flush: Flush::Each,
        }
    }
}

/// The most of [`SqliteConfig::company_us`]: whoever appends alone waits so long.
const LONGEST_COMPANY_US: u32 = 10_000_000;

impl SqliteConfig {
    fn busy(&self) -> Duration {
        Duration::from_millis(self.busy_ms)
    }

    fn company(&self) -> Duration {
        Duration::from_micros(self.company_us.into())
    }

    fn check(&self) -> Result<(), OpenError> {
        for (name, value) in [
            ("max_record_bytes", self.max_record_bytes),
            ("queue", self.queue),
            ("group_records", self.group_records),
            ("group_bytes", self.group_bytes),
            ("readers", self.readers),
            ("page_records", self.page_records),
            ("page_bytes", self.page_bytes),
        ] {
            if value == 0 || value > Semaphore::MAX_PERMITS {
                return Err(OpenError::BadSetting { name, expected: "at least 1" });
            }
        }
        if self.company_us > LONGEST_COMPANY_US {
            return Err(OpenError::BadSetting { name: "company_us", expected: "at most 10,000,000" });
        }
        Ok(())
    }
}

/// The log in a SQLite file. Dropping it writes what waits, ends the writer and closes the file.
pub struct SqliteLog {
    log_id: Uuid,
    readers: Arc<Readers>,
    slots: Arc<Semaphore>,
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    head: watch::Receiver<Position>,
}

impl SqliteLog {
    /// Opens the log in `folder`, makes both when there are none. Blocks; for start-up.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub fn open(folder: impl AsRef<Path>, config: SqliteConfig) -> Result<Self, OpenError> {
        Self::open_with(folder, config, Metrics::unregistered())
    }

    /// As [`SqliteLog::open`], counting in `metrics`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub fn open_with(
        folder: impl AsRef<Path>,
        config: SqliteConfig,
        metrics: Metrics,
    ) -> Result<Self, OpenError> {
        config.check()?;
        file::check_library()?;
        let folder = folder.as_ref();
        let named = |source| OpenError::Folder { folder: folder.display().to_string(), source };
        make(folder).map_err(named)?;
        let folder = folder.canonicalize().map_err(named)?;
        if let Some(kind) = filesystem::network(&folder) {
            return Err(OpenError::NetworkFileSystem { folder: folder.display().to_string(), kind });
        }
        let file = Self::file_in(&folder);
        let (connection, log_id) = file::open_writer(&file, &config)?;
        let broken = |source| OpenError::File { file: file.display().to_string(), source };
        let last = file::last(&connection, log_id).map_err(|error| broken(Box::new(error)))?;
        metrics.head.set(file::sql(last.position.0));
        let (requests, waiting) = mpsc::channel();
        let (published, head) = watch::channel(last.position);
        let readers = Arc::new(Readers::new(file.clone(), log_id, &config));
        let slots = Arc::new(Semaphore::new(config.queue));
        let writer = Writer {
            connection,
            file: file.clone(),
            log_id,
            upkeep: Upkeep::new(&config),
            config,
            metrics,
            requests: waiting,
            published: Some(published),
            known: None,
        };
        let writer = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| broken(Box::new(error)))?;
        Ok(Self { log_id, readers, slots, requests: Some(requests), writer: Some(writer), head })
    }

    /// The file that holds the log of `folder`.
    #[must_use]
    pub fn file_in(folder: impl AsRef<Path>) -> PathBuf {
        folder.as_ref().join(file::FILE)
    }

    /// Copies the log as it is now into the file `to`, which must not exist, while others go on appending. The copy is a
    /// whole log: put into an empty folder under the name of [`SqliteLog::file_in`], it opens.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`] when the copy could not be written; what there is of it is worth nothing.
    pub async fn copy_to(&self, to: impl Into<PathBuf>) -> Result<(), ReadError> {
        let (file, to) = (self.readers.file().to_owned(), to.into());
        self.readers.with(move |_| file::copy(&file, &to).map_err(ReadError::Unavailable)).await
    }

    fn ask(&self, request: Request) -> Result<(), mpsc::SendError<Request>> {
        self.requests.as_ref().expect("taken only when the log is dropped").send(request)
    }
}

/// Makes `folder` for its owner alone, and has the disk keep its name.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    #[cfg(unix)]
    if let Some(parent) = folder.canonicalize()?.parent() {
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, _permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        let asked = Instant::now();
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| AppendError::Failed)?;
        let command_id = new.command_id;
        let (answer, answered) = oneshot::channel();
        let append = Append { new, asked, answer, slot };
        self.ask(Request::Append(Box::new(append))).map_err(|_| AppendError::Failed)?;
        answered.await.unwrap_or(Err(AppendError::OutcomeUnknown(command_id)))
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.readers.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.readers.last(stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.readers.page(after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.readers.head().await
    }

    fn tail(&self, after: Position) -> Tail {
        Tail::new(Arc::new(Arc::clone(&self.readers)), self.head.clone(), after)
    }

    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError> {
        self.readers.position_at(at.timestamp_millis()).await
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let log_id = self.log_id;
        self.readers
            .with(move |connection| {
                use rusqlite::OptionalExtension;
                let key: Option<Vec<u8>> = connection
                    .query_row("SELECT v FROM log_info WHERE k = 'key'", [], |row| row.get(0))
                    .optional()
                    .map_err(unavailable)?;
                let format: u32 =
                    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(unavailable)?;
                Ok(LogInfo {
                    log_id,
                    format,
                    key: key.map(|key| String::from_utf8_lossy(&key).into_owned()),
                    engine: "sqlite",
                    engine_version: rusqlite::version().to_owned(),
                })
            })
            .await
    }

    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        let gone = || BindError::Unavailable("the log's writer has ended".into());
        let (answer, answered) = oneshot::channel();
        let request = Request::BindKey { fingerprint: fingerprint.to_owned(), answer };
        self.ask(request).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        verify::verify(&self.readers, progress).await
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        // The writer's connection should be the last: only it can fold the write-ahead log into the file.
        self.readers.close_idle();
        // Without senders the writer answers what waits and ends.
        self.requests = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the log's writer had panicked");
        }
    }
}

impl std::fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLog").field("log_id", &self.log_id).finish_non_exhaustive()
    }
}
