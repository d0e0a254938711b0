//! One view file and its one writer: rows and checkpoint in one transaction, fenced by an epoch.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use zholdary_domain::{Position, StreamId, StreamKind};
use zholdary_log::{ReadError, Recorded};

use crate::{
    apply::{self, Effects, Failed, Memory, stored},
    error::Error,
    files::{self, Folder},
    metrics::Metrics,
};

/// The writer of one view file.
pub(crate) struct Writer {
    connection: Connection,
    file: String,
    epoch: i64,
    position: Position,
    log_id: String,
    memory: Memory,
    parked: HashSet<StreamId>,
    /// What was erased from the rows may stand in the WAL still.
    untidy: bool,
    attempts: u32,
    metrics: Metrics,
}

const APPLY: &str = "apply records to a view";

impl Writer {
    /// Takes the file over: any other writer of it stops at its next commit.
    pub(crate) fn open(folder: &Folder, file: &str, attempts: u32, metrics: Metrics) -> Result<Self, Error> {
        let connection = files::writer(&folder.path(file))?;
        let take = || {
            connection.query_row(
                "UPDATE checkpoint SET epoch = epoch + 1 RETURNING epoch, position, log_id",
                [],
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?)),
            )
        };
        let (epoch, position, log_id) = take().map_err(Error::sqlite("take over a view"))?;
        let mut writer = Self {
            connection,
            file: file.to_owned(),
            epoch,
            position: Position(position.unsigned_abs()),
            log_id,
            memory: Memory::default(),
            parked: HashSet::new(),
            // An earlier writer may have died before it was tidy.
            untidy: true,
            attempts: attempts.max(1),
            metrics,
        };
        writer.parked = writer.read_parked().map_err(Error::sqlite("read the parked records"))?;
        Ok(writer)
    }

    fn read_parked(&self) -> rusqlite::Result<HashSet<StreamId>> {
        let mut statement = self.connection.prepare("SELECT DISTINCT stream FROM parked")?;
        let streams: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(streams.iter().filter_map(|stream| stream.parse().ok()).filter(holds_up).collect())
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Applies `records`, which follow the view's position, all or none.
    pub(crate) fn apply(&mut self, records: &[Recorded]) -> Result<(), Error> {
        let applied = self.batch(records);
        if applied.is_err() {
            // Whatever was kept beside the rows may be ahead of them now.
            self.memory = Memory::default();
            self.parked = self.read_parked().map_err(Error::sqlite("read the parked records"))?;
        }
        applied?;
        self.tidy();
        Ok(())
    }

    /// After an erasure: moves the WAL into the file and empties it, so that what was erased stands nowhere. While somebody
    /// reads what was there before it cannot be done; the next heartbeat tries again.
    pub(crate) fn tidy(&mut self) {
        if !self.untidy {
            return;
        }
        let busy = || -> rusqlite::Result<bool> {
            self.connection.busy_timeout(Duration::from_millis(50))?;
            let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            self.connection.busy_timeout(files::WRITER_WAITS)?;
            busy
        };
        match busy() {
            Ok(busy) => self.untidy = busy,
            Err(error) => {
                tracing::warn!(%error, "what was erased stands in the WAL of a view still; trying again");
            }
        }
    }

    fn batch(&mut self, records: &[Recorded]) -> Result<(), Error> {
        let Some(last) = records.last() else { return Ok(()) };
        let tx = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(Error::sqlite(APPLY))?;
        let log_id = last.log_id.simple().to_string();
        if !self.log_id.is_empty() && self.log_id != log_id {
            return Err(Error::OtherLog { file: self.file.clone() });
        }
        // First of all: who has been fenced off must not read or write anything here.
        if move_on(&tx, self.position, last, self.epoch, &log_id).map_err(Error::sqlite(APPLY))? != 1 {
            return Err(Error::Fenced { file: self.file.clone() });
        }
        let mut changed = BTreeMap::new();
        let mut erased = false;
        let mut at = self.position;
        for record in records {
            if record.position != at.next() {
                return Err(ReadError::Gap { expected: at.next(), found: record.position }.into());
            }
            at = record.position;
            if self.parked.contains(&record.stream) {
                park(&tx, record, "it waits behind an earlier record of its stream", 0)
                    .map_err(Error::sqlite(APPLY))?;
                continue;
            }
            match tried(&tx, &mut self.memory, record, self.attempts).map_err(Error::sqlite(APPLY))? {
                Ok(effects) => {
                    note(&tx, record, &effects).map_err(Error::sqlite(APPLY))?;
                    erased |= effects.erased;
                    changed.extend(effects.views.into_iter().map(|view| (view, record.position)));
                }
                Err(reason) => {
                    tracing::error!(
                        position = record.position.0, stream = %record.stream, reason,
                        "set record {} aside: {reason}", record.position
                    );
                    park(&tx, record, &reason, self.attempts).map_err(Error::sqlite(APPLY))?;
                    if holds_up(&record.stream) {
                        self.parked.insert(record.stream.clone());
                    }
                }
            }
        }
        views_changed(&tx, changed).map_err(Error::sqlite(APPLY))?;
        tx.commit().map_err(Error::sqlite(APPLY))?;
        self.position = last.position;
        self.log_id = log_id;
        self.untidy |= erased;
        self.metrics.applied.inc_by(records.len() as u64);
        Ok(())
    }

    /// Says that the projector lives, and how far the log is. Nothing when another writer has taken over.
    pub(crate) fn beat(
        &self,
        now: DateTime<Utc>,
        head: Position,
        head_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO heartbeat(one, at, head, head_at) SELECT 1, ?1, ?2, ?3 FROM checkpoint WHERE epoch = ?4
                 ON CONFLICT(one) DO UPDATE SET at = excluded.at, head = excluded.head, head_at = excluded.head_at",
            )
            .and_then(|mut s| {
                s.execute((now.timestamp_millis(), stored(head), head_at.timestamp_millis(), self.epoch))
            })
            .map_err(Error::sqlite("write the heartbeat"))?;
        Ok(())
    }

    /// When the view's last record was made.
    pub(crate) fn recorded_at(&self) -> Result<DateTime<Utc>, Error> {
        let ms: i64 = self
            .connection
            .query_row("SELECT recorded_at FROM checkpoint", [], |row| row.get(0))
            .map_err(Error::sqlite("read a view's checkpoint"))?;
        Ok(DateTime::from_timestamp_millis(ms).unwrap_or_default())
    }

    /// How many records were set aside.
    pub(crate) fn count_parked(&self) -> Result<u64, Error> {
        let parked: i64 = self
            .connection
            .query_row("SELECT count(*) FROM parked", [], |row| row.get(0))
            .map_err(Error::sqlite("read the parked records"))?;
        Ok(parked.unsigned_abs())
    }
}

/// Whether a record that was set aside keeps the later ones of its stream waiting. A rule set is whole in one record: the
/// next one does without it.
fn holds_up(stream: &StreamId) -> bool {
    stream.kind() != StreamKind::Rules
}

/// Applies a record, several times if it must be. The outer error is SQLite's, the inner one the record's own reason.
fn tried(
    tx: &Connection,
    memory: &mut Memory,
    record: &Recorded,
    attempts: u32,
) -> rusqlite::Result<Result<Effects, String>> {
    let mut reason = String::new();
    for _ in 0..attempts {
        tx.execute_batch("SAVEPOINT one")?;
        match apply::record(tx, memory, record) {
            Ok(effects) => {
                tx.execute_batch("RELEASE one")?;
                return Ok(Ok(effects));
            }
            // The whole batch is taken back; a full disk has done so already, with the savepoint.
            Err(Failed::Storage(error)) => return Err(error),
            Err(Failed::Poison(why)) => {
                memory.forget(record);
                tx.execute_batch("ROLLBACK TO one; RELEASE one")?;
                reason = why;
            }
        }
    }
    Ok(Err(reason))
}

fn park(tx: &Connection, record: &Recorded, reason: &str, attempts: u32) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO parked(position, stream, reason, attempts) VALUES (?1, ?2, ?3, ?4)")?
        .execute((stored(record.position), record.stream.to_string(), reason, attempts))?;
    Ok(())
}

/// Writes down what a record changed, for those who follow.
fn note(tx: &Connection, record: &Recorded, effects: &Effects) -> rusqlite::Result<()> {
    if effects.views.is_empty() {
        return Ok(());
    }
    tx.prepare_cached("INSERT INTO change(position, at, number, views, events) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((
            stored(record.position),
            record.recorded_at.timestamp_millis(),
            effects.number.as_ref().map(zholdary_domain::Number::as_str),
            serde_json::json!(effects.views).to_string(),
            serde_json::json!(effects.events).to_string(),
        ))?;
    Ok(())
}

/// Moves the checkpoint; not one row means that somebody else writes here.
fn move_on(
    tx: &Connection,
    old: Position,
    last: &Recorded,
    epoch: i64,
    log_id: &str,
) -> rusqlite::Result<usize> {
    tx.prepare_cached(
        "UPDATE checkpoint SET position = ?1, recorded_at = ?2, log_id = ?3
         WHERE part = 0 AND position = ?4 AND epoch = ?5",
    )?
    .execute((stored(last.position), last.recorded_at.timestamp_millis(), log_id, stored(old), epoch))
}

/// Writes down which record changed each view last.
fn views_changed(tx: &Connection, changed: BTreeMap<String, Position>) -> rusqlite::Result<()> {
    let mut changes = tx.prepare_cached(
        "INSERT INTO view_changed(view, position) VALUES (?1, ?2)
         ON CONFLICT(view) DO UPDATE SET position = excluded.position",
    )?;
    for (view, position) in changed {
        changes.execute((view, stored(position)))?;
    }
    Ok(())
}
