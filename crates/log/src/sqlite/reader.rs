//! Reading: a few read-only connections, bounded pages, no transaction open between them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use tokio::sync::Semaphore;
use uuid::Uuid;
use zholdary_domain::{Position, StreamId};

use super::file::{self, hash, number, sql};
use crate::{
    error::ReadError,
    record::{Recorded, Stream},
    tail::TailSource,
};

/// The connections that read one file.
pub(super) struct Readers {
    file: PathBuf,
    log_id: Uuid,
    page_records: usize,
    page_bytes: usize,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(file: PathBuf, log_id: Uuid, config: &super::SqliteConfig) -> Self {
        Self {
            file,
            log_id,
            page_records: config.page_records,
            page_bytes: config.page_bytes,
            slots: Arc::new(Semaphore::new(config.readers)),
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(super) const fn log_id(&self) -> Uuid {
        self.log_id
    }

    pub(super) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs `read` on one of the connections, on a thread that may block.
    pub(super) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| ReadError::Closed)?;
        let readers = Arc::clone(self);
        let work = move || {
            let _slot = slot;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => file::open_reader(&readers.file).map_err(unavailable)?,
            };
            let result = read(&connection);
            // After an error of SQLite a fresh connection is the safer one.
            if !matches!(result, Err(ReadError::Unavailable(_) | ReadError::Corrupt { .. })) {
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| ReadError::Unavailable(Box::new(error)))?
    }

    pub(super) async fn page(
        self: &Arc<Self>,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let (limit, bytes, log_id) = (limit.min(self.page_records), self.page_bytes, self.log_id);
        self.with(move |connection| page(connection, log_id, after, limit, bytes)).await
    }

    pub(super) async fn load(self: &Arc<Self>, stream: &StreamId) -> Result<Stream, ReadError> {
        let (stream, log_id) = (stream.clone(), self.log_id);
        self.with(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT position, hash, bytes FROM record WHERE stream = ?1 ORDER BY version")
                .map_err(unavailable)?;
            let mut rows = statement.query(params![stream.to_string()]).map_err(unavailable)?;
            let mut records = Vec::new();
            while let Some(row) = rows.next().map_err(|error| unreadable(error, Position::START))? {
                records.push(record(row, log_id)?);
            }
            if let Some(stray) = records.iter().find(|record: &&Recorded| record.stream != stream) {
                return Err(ReadError::Corrupt { position: stray.position });
            }
            Stream::new(records).map_err(|position| ReadError::Corrupt { position })
        })
        .await
    }

    pub(super) async fn last(self: &Arc<Self>, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        let (stream, log_id) = (stream.clone(), self.log_id);
        self.with(move |connection| {
            let mut statement = connection
                .prepare_cached(
                    "SELECT position, hash, bytes FROM record WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
                )
                .map_err(unavailable)?;
            let mut rows = statement.query(params![stream.to_string()]).map_err(unavailable)?;
            let row = rows.next().map_err(|error| unreadable(error, Position::START))?;
            let last = row.map(|row| record(row, log_id)).transpose()?;
            match last {
                Some(stray) if stray.stream != stream => Err(ReadError::Corrupt { position: stray.position }),
                last => Ok(last),
            }
        })
        .await
    }

    pub(super) async fn head(self: &Arc<Self>) -> Result<Position, ReadError> {
        self.with(head).await
    }

    /// Times never go back along the positions, so a search by halves finds the last one not after `at`.
    pub(super) async fn position_at(self: &Arc<Self>, at_ms: i64) -> Result<Position, ReadError> {
        self.with(move |connection| {
            let mut time = connection
                .prepare_cached("SELECT recorded_at FROM record WHERE position = ?1")
                .map_err(unavailable)?;
            let (mut low, mut high) = (0, head(connection)?.0);
            while low < high {
                let middle = high - (high - low) / 2;
                let found: Option<i64> =
                    time.query_row([sql(middle)], |row| row.get(0)).optional().map_err(unavailable)?;
                let Some(found) = found else {
                    let expected = Position(middle);
                    return Err(ReadError::Gap { expected, found: expected.next() });
                };
                if found <= at_ms {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            Ok(Position(low))
        })
        .await
    }
}

#[async_trait]
impl TailSource for Arc<Readers> {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        Readers::page(self, after, limit).await
    }
}

fn page(
    connection: &Connection,
    log_id: Uuid,
    after: Position,
    limit: usize,
    limit_bytes: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT position, hash, bytes FROM record WHERE position > ?1 ORDER BY position LIMIT ?2",
        )
        .map_err(unavailable)?;
    let mut rows = statement.query(params![sql(after.0), sql(limit as u64)]).map_err(unavailable)?;
    let mut page = Vec::new();
    let (mut last, mut bytes) = (after, 0);
    while let Some(row) = rows.next().map_err(|error| unreadable(error, last.next()))? {
        let record = record(row, log_id)?;
        if record.position != last.next() {
            return Err(ReadError::Gap { expected: last.next(), found: record.position });
        }
        last = record.position;
        bytes += record.bytes().len();
        page.push(record);
        if bytes >= limit_bytes {
            break;
        }
    }
    drop(rows);
    if page.is_empty() && limit > 0 {
        let head = head(connection)?;
        if after > head {
            return Err(ReadError::Ahead { after, head });
        }
    }
    Ok(page)
}

fn head(connection: &Connection) -> Result<Position, ReadError> {
    let mut statement = connection.prepare_cached("SELECT max(position) FROM record").map_err(unavailable)?;
    let last: Option<i64> = statement.query_row([], |row| row.get(0)).map_err(unavailable)?;
    Ok(Position(last.map_or(0, number)))
}

fn record(row: &rusqlite::Row<'_>, log_id: Uuid) -> Result<Recorded, ReadError> {
    let position = Position(number(row.get(0).map_err(unavailable)?));
    let damaged = || ReadError::Corrupt { position };
    let bytes = row.get_ref(2).map_err(unavailable)?.as_blob().map_err(|_| damaged())?;
    let record = Recorded::parse(position, Bytes::copy_from_slice(bytes)).map_err(|_| damaged())?;
    let written = row.get_ref(1).map_err(unavailable)?.as_blob().map_err(|_| damaged())?;
    if record.hash != hash(written) || record.log_id != log_id {
        return Err(damaged());
    }
    Ok(record)
}

pub(super) fn unavailable(error: rusqlite::Error) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}

fn unreadable(error: rusqlite::Error, position: Position) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ReadError::Corrupt { position },
        _ => unavailable(error),
    }
}
