//! `workers.db`: how far the workers came, beside the log's file.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::file::patiently;
use crate::{
    checkpoint::{self, Checkpoint, Checkpoints, Marks},
    error::{OpenError, ReadError, Source},
};

/// Its name in the log's folder.
const FILE: &str = "workers.db";

/// How long another process may be in the way.
const BUSY: Duration = Duration::from_secs(5);

/// Checkpoints in a file. It may be deleted while no process runs: the next start reads the log instead.
#[derive(Debug, Clone)]
pub struct SqliteCheckpoints(Arc<Mutex<Connection>>);

impl SqliteCheckpoints {
    /// Opens the file in `folder`, or makes it.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or is no such file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        let file = folder.as_ref().join(FILE);
        let open = || {
            let connection = Connection::open(&file)?;
            connection.busy_timeout(BUSY)?;
            // NORMAL: what power loss takes away costs a replay.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS checkpoint(worker TEXT PRIMARY KEY, said BLOB NOT NULL) STRICT;",
            )?;
            Ok(connection)
        };
        let failed = |error: rusqlite::Error| OpenError::File {
            file: file.display().to_string(),
            source: Box::new(error),
        };
        let connection = patiently(Instant::now() + BUSY, open).map_err(failed)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does `work` beside the async threads.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let connection = Arc::clone(&self.0);
        let worked = tokio::task::spawn_blocking(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let gone = |error: Source| ReadError::Unavailable(error);
        worked.await.map_err(|panic| gone(Box::new(panic)))?.map_err(|error| gone(Box::new(error)))
    }
}

#[async_trait]
impl Checkpoints for SqliteCheckpoints {
    async fn read(&self, worker: &str) -> Result<Option<Checkpoint>, ReadError> {
        Ok(self.mark(worker).await?.and_then(|said| checkpoint::decode(&said)))
    }

    async fn keep(&self, worker: &str, checkpoint: &Checkpoint) -> Result<(), ReadError> {
        self.set_mark(worker, checkpoint::encode(checkpoint)).await
    }
}

#[async_trait]
impl Marks for SqliteCheckpoints {
    async fn mark(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let name = name.to_owned();
        self.with(move |connection| {
            connection
                .prepare_cached("SELECT said FROM checkpoint WHERE worker = ?")?
                .query_row([name], |row| row.get::<_, Vec<u8>>(0))
                .optional()
        })
        .await
    }

    async fn set_mark(&self, name: &str, said: Vec<u8>) -> Result<(), ReadError> {
        let name = name.to_owned();
        self.with(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO checkpoint(worker, said) VALUES (?, ?)")?
                .execute(params![name, said])
                .map(|_| ())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    /// Several parts of a process, and several processes, open a new folder at the same moment.
    #[test]
    fn many_open_a_new_file_at_once() {
        for round in 0..40 {
            let folder = tempfile::TempDir::new().unwrap();
            let together = Barrier::new(8);
            thread::scope(|scope| {
                let open = || {
                    together.wait();
                    SqliteCheckpoints::open(folder.path()).map(drop)
                };
                let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for opened in opening {
                    opened.join().unwrap().unwrap_or_else(|error| panic!("round {round}: {error:?}"));
                }
            });
        }
    }
}
