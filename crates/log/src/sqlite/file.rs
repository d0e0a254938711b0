//! The file: its schema, its format, and how connections to it are set up.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig, params};
use uuid::Uuid;
use zholdary_domain::Position;

use super::SqliteConfig;
use crate::{
    error::{OpenError, Source},
    record::Hash,
};

/// Name of the log's file in its folder.
pub(super) const FILE: &str = "log.db";

/// «ZHLG»: tells our file from any other SQLite file (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x5a48_4c47;

/// The format that this release writes (`PRAGMA user_version`). It reads all earlier ones.
pub(super) const FORMAT: u32 = 1;

/// The first SQLite without the race between a checkpoint and a writer that could lose commits (fixed in 3.51.3).
const LEAST_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// Tables, indexes and triggers of the file; `verify` looks for exactly these.
pub(super) const SCHEMA: &str = "
CREATE TABLE record(
  position INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  command_id BLOB NOT NULL,
  recorded_at INTEGER NOT NULL,
  hash BLOB NOT NULL,
  chain BLOB NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_version ON record(stream, version);
CREATE UNIQUE INDEX record_command ON record(stream, command_id);
CREATE TRIGGER record_no_update BEFORE UPDATE ON record
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER record_no_delete BEFORE DELETE ON record
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TABLE log_info(k TEXT PRIMARY KEY, v BLOB NOT NULL) STRICT;
CREATE TRIGGER log_info_no_update BEFORE UPDATE ON log_info WHEN old.k <> 'head'
  BEGIN SELECT RAISE(ABORT, 'written once'); END;
CREATE TRIGGER log_info_no_delete BEFORE DELETE ON log_info
  BEGIN SELECT RAISE(ABORT, 'written once'); END;
";

/// Where the log ends: its last record, the chain up to it, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) position: Position,
    pub(super) chain: Hash,
    /// UTC, milliseconds since 1970; the least there is before the first record.
    pub(super) recorded_at_ms: i64,
}

impl Head {
    /// Where a log without records ends. The chain begins with the log's own name.
    pub(super) fn start(log_id: Uuid) -> Self {
        let mut first = b"zholdary log chain 1".to_vec();
        first.extend_from_slice(log_id.as_bytes());
        Self { position: Position::START, chain: Hash::of(&first), recorded_at_ms: i64::MIN }
    }

    /// The chain over everything up to the record with this `hash` that follows.
    pub(super) fn chain_to(&self, position: Position, hash: Hash) -> Hash {
        let mut link = [0; 72];
        link[..32].copy_from_slice(self.chain.as_bytes());
        link[32..40].copy_from_slice(&position.0.to_be_bytes());
        link[40..].copy_from_slice(hash.as_bytes());
        Hash::of(&link)
    }

    /// As kept in `log_info`, written in every transaction that appends.
    pub(super) fn mark(&self) -> Vec<u8> {
        [&self.position.0.to_be_bytes()[..], self.chain.as_bytes()].concat()
    }
}

/// The position that the mark names.
pub(super) fn marked_position(mark: &[u8]) -> Position {
    Position(mark.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// A position or version as SQLite keeps it; what is larger than any that can be written reads as the largest.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A position or version as SQLite kept it; a negative one, which we never write, reads as 0.
pub(super) fn number(sql: i64) -> u64 {
    u64::try_from(sql).unwrap_or_default()
}

pub(super) fn hash(bytes: &[u8]) -> Hash {
    // A blob of another length is damage; all zeros is no record's hash, so every check fails on it.
    bytes.try_into().map_or(Hash::from_bytes([0; 32]), Hash::from_bytes)
}

/// The mark of the head, as kept in `log_info`; empty, which is no head's mark, when somebody took it away: that is
/// damage, and no waiting mends it.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let found = connection
        .prepare_cached("SELECT v FROM log_info WHERE k = 'head'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// The last record there is, whatever the mark says.
pub(super) fn last(connection: &Connection, log_id: Uuid) -> rusqlite::Result<Head> {
    let found = connection
        .prepare_cached("SELECT position, chain, recorded_at FROM record ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Head {
                position: Position(number(row.get(0)?)),
                chain: hash(row.get_ref(1)?.as_blob()?),
                recorded_at_ms: row.get(2)?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_else(|| Head::start(log_id)))
}

/// Whether another connection is in the way, so that waiting helps.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

/// Does `what` again until no other connection is in the way, or `deadline` passes.
///
/// SQLite's own `busy_timeout` does not help whoever turns a new file into one with a write-ahead log while another does: it refuses
/// at once, so that the two do not wait for each other (<https://sqlite.org/c3ref/busy_handler.html>).
///
/// # Errors
///
/// The last of `what`'s.
pub fn patiently<T>(deadline: Instant, mut what: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    loop {
        match what() {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// Refuses a SQLite that can lose commits.
pub(super) fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < LEAST_SQLITE.0 {
        let found = rusqlite::version().to_owned();
        return Err(OpenError::OldSqlite { found, least: LEAST_SQLITE.1 });
    }
    Ok(())
}

/// Opens the file for writing, makes it when there is none, and returns the id of its log.
pub(super) fn open_writer(file: &Path, config: &SqliteConfig) -> Result<(Connection, Uuid), OpenError> {
    let deadline = Instant::now() + config.busy();
    let name = file.display().to_string();
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotALog { file: name.clone() },
        _ => OpenError::File { file: name.clone(), source: Box::new(error) },
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_millis(50)).map_err(failed)?;
    plan_once(&connection).map_err(failed)?;
    match patiently(deadline, || found(&connection)).map_err(failed)? {
        Found::Other => return Err(OpenError::NotALog { file: name }),
        Found::Ours(format) if format > i64::from(FORMAT) => {
            return Err(OpenError::NewerFormat { file: name, found: format, known: i64::from(FORMAT) });
        }
        Found::Ours(_) | Found::Empty => {}
    }
    // Why these and no others stands in this crate's README.
    patiently(deadline, || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", config.flush.synchronous())?;
        connection.execute_batch(
            "PRAGMA fullfsync = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 4194304;
             PRAGMA cache_size = -8192;
             PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA mmap_size = 0;",
        )
    })
    .map_err(failed)?;
    patiently(deadline, || create(&connection)).map_err(failed)?;
    let log_id: Vec<u8> = patiently(deadline, || {
        connection.query_row("SELECT v FROM log_info WHERE k = 'log_id'", [], |row| row.get(0))
    })
    .map_err(failed)?;
    let log_id = Uuid::from_slice(&log_id)
        .map_err(|error| OpenError::File { file: name.clone(), source: Box::new(error) })?;
    Ok((connection, log_id))
}

enum Found {
    Empty,
    Ours(i64),
    Other,
}

fn found(connection: &Connection) -> rusqlite::Result<Found> {
    let pragma = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))?;
    Ok(match (pragma("application_id")?, tables) {
        (APPLICATION_ID, _) => Found::Ours(pragma("user_version")?),
        (0, 0) => Found::Empty,
        _ => Found::Other,
    })
}

/// Makes the tables, unless somebody was faster.
fn create(connection: &Connection) -> rusqlite::Result<()> {
    let made: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if made == APPLICATION_ID {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = create_locked(connection).and_then(|()| connection.execute_batch("COMMIT"));
    if made.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    made
}

fn create_locked(connection: &Connection) -> rusqlite::Result<()> {
    let made: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if made == APPLICATION_ID {
        return Ok(());
    }
    connection.execute_batch(SCHEMA)?;
    connection.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
    ))?;
    let log_id = Uuid::new_v4();
    let mut insert = connection.prepare("INSERT INTO log_info(k, v) VALUES(?1, ?2)")?;
    insert.execute(params!["log_id", log_id.as_bytes()])?;
    insert.execute(params!["created_by", concat!("zholdary ", env!("CARGO_PKG_VERSION")).as_bytes()])?;
    insert.execute(params!["head", Head::start(log_id).mark()])?;
    Ok(())
}

/// Otherwise a statement is prepared anew whenever a limit or a stream of its plan is bound to another value.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens the file for reading only.
pub(super) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    plan_once(&connection)?;
    connection.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA cache_size = -16384;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;",
    )?;
    Ok(connection)
}

/// The write-ahead log beside `file`.
pub(super) fn wal_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Copies the log as it is now into `to`, which must not exist, and has the disk keep it.
pub(super) fn copy(file: &Path, to: &Path) -> Result<(), Source> {
    // A connection of its own: those that read may write nowhere.
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let name = to.to_str().ok_or("the name of the copy is not UTF-8")?;
    connection.execute("VACUUM INTO ?1", [name])?;
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::{StatementStatus, ToSql};

    use super::*;
    use crate::Flush;

    #[test]
    fn connections_are_set_up_as_the_readme_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let (writer, _) = open_writer(&file, &SqliteConfig::default()).unwrap();
        let thrown_away = SqliteConfig { flush: Flush::AtEnd, ..SqliteConfig::default() };
        let (at_end, _) = open_writer(&file, &thrown_away).unwrap();
        let reader = open_reader(&file).unwrap();
        let read = |connection: &Connection, name: &str| -> String {
            let value = connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0));
            format!("{:?}", value.unwrap())
        };
        for (connection, name, expected) in [
            (&writer, "journal_mode", "Text(\"wal\")"),
            (&writer, "synchronous", "Integer(2)"),
            (&at_end, "synchronous", "Integer(1)"),
            (&at_end, "journal_mode", "Text(\"wal\")"),
            (&writer, "wal_autocheckpoint", "Integer(0)"),
            (&writer, "trusted_schema", "Integer(0)"),
            (&writer, "cell_size_check", "Integer(1)"),
            (&reader, "query_only", "Integer(1)"),
            (&reader, "cell_size_check", "Integer(1)"),
        ] {
            assert_eq!(read(connection, name), expected, "{name}");
        }
        assert!(reader.execute_batch("DELETE FROM log_info").is_err());
    }

    #[test]
    fn what_is_bound_to_a_statement_does_not_prepare_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let (writer, _) = open_writer(&file, &SqliteConfig::default()).unwrap();
        let reader = open_reader(&file).unwrap();
        let check = |connection: &Connection, sql: &str, bound: [[&dyn ToSql; 2]; 2]| {
            let mut statement = connection.prepare(sql).unwrap();
            for bound in bound {
                statement.query(bound.as_slice()).unwrap().next().unwrap();
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        };
        let page = "SELECT position FROM record WHERE position > ?1 ORDER BY position LIMIT ?2";
        check(&reader, page, [[&0, &1], [&9, &256]]);
        let version = "SELECT position FROM record WHERE stream = ?1 AND version > ?2 ORDER BY version";
        check(&writer, version, [[&"a", &0], [&"b", &9]]);
    }
}
