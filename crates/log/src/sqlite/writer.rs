//! The one writer of a process: a thread that takes what waits, writes it in one transaction, then answers everybody.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use uuid::Uuid;
use zholdary_domain::Position;

use super::{
    SqliteConfig,
    file::{self, Head, hash, is_busy, number, patiently, sql},
};
use crate::{
    codec::encode_record,
    error::{AppendError, BindError},
    metrics::{ConflictKind, Metrics},
    record::{Appended, Expect, Hash, NewRecord, Prev, Token},
};

/// How often the writer looks whether another process has written.
const LOOK: Duration = Duration::from_millis(50);

/// How many times [`SqliteConfig::company_us`] the first append of a group waits at most.
const COMPANY_IN_ALL: u32 = 8;

/// After how long without an append the write-ahead log is copied into the file.
const IDLE: Duration = Duration::from_secs(1);

pub(super) type Answer = Result<Appended, AppendError>;

pub(super) struct Append {
    pub(super) new: NewRecord,
    pub(super) asked: Instant,
    pub(super) answer: oneshot::Sender<Answer>,
    /// A place in the queue, given back with the answer.
    pub(super) slot: OwnedSemaphorePermit,
}

pub(super) enum Request {
    Append(Box<Append>),
    BindKey { fingerprint: String, answer: oneshot::Sender<Result<(), BindError>> },
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
    pub(super) log_id: Uuid,
    pub(super) config: SqliteConfig,
    pub(super) metrics: Metrics,
    pub(super) requests: Receiver<Request>,
    /// Tells those who follow the log where it ends; gone once the writer has failed, so that they do not wait in vain.
    pub(super) published: Option<watch::Sender<Position>>,
    /// The head as of this `PRAGMA data_version`: good until another connection has committed.
    pub(super) known: Option<(i64, Head)>,
    pub(super) upkeep: Upkeep,
}

/// What is left to do for the write-ahead log.
pub(super) struct Upkeep {
    /// Whether something was written since the last checkpoint.
    dirty: bool,
    last_append: Instant,
    /// Size of the write-ahead log at which the next checkpoint is due, in bytes.
    due_bytes: u64,
}

impl Upkeep {
    pub(super) fn new(config: &SqliteConfig) -> Self {
        Self { dirty: true, last_append: Instant::now(), due_bytes: config.wal_limit_bytes }
    }
}

/// Why a group was not written.
enum Trouble {
    /// SQLite said no.
    Sqlite(rusqlite::Error),
    /// The end of the log is not where it was left.
    Corrupt(Position),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Writer {
    /// Works until every sender of requests is gone, then leaves the file as small and whole as it can.
    pub(super) fn run(mut self) {
        let mut looked = Instant::now();
        loop {
            match self.requests.recv_timeout(LOOK) {
                Ok(Request::Append(first)) => self.appends(*first),
                Ok(Request::BindKey { fingerprint, answer }) => {
                    let _ = answer.send(self.bind_key(&fingerprint));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= LOOK {
                self.look();
                self.checkpoint_if_due();
                looked = Instant::now();
            }
        }
        if !self.failed() {
            // Another process may be reading: then its own closing does this.
            if let Err(error) = self.checkpoint("TRUNCATE") {
                tracing::debug!(error = %error, "left the write-ahead log to the next opening");
            }
        }
    }

    /// Writes `first` and whatever waits behind it, or follows at once, in one group.
    fn appends(&mut self, first: Append) {
        let mut group = vec![first];
        let mut bytes = group[0].new.events.len_bytes();
        let mut later = None;
        // The parts of one piece of work are asked for one right after another; one flush serves them all.
        let company = self.config.company();
        let last = Instant::now() + COMPANY_IN_ALL * company;
        while group.len() < self.config.group_records && bytes < self.config.group_bytes {
            let left = last.saturating_duration_since(Instant::now());
            match self.requests.recv_timeout(company.min(left)) {
                Ok(Request::Append(append)) => {
                    bytes += append.new.events.len_bytes();
                    group.push(*append);
                }
                Ok(other) => {
                    later = Some(other);
                    break;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.group(group);
        if let Some(Request::BindKey { fingerprint, answer }) = later {
            let _ = answer.send(self.bind_key(&fingerprint));
        }
    }

    fn group(&mut self, group: Vec<Append>) {
        self.metrics.group_size.observe(group.len() as f64);
        let answers = if self.failed() {
            group.iter().map(|_| Err(AppendError::Failed)).collect()
        } else {
            self.write(&group)
        };
        self.upkeep.last_append = Instant::now();
        for (append, answer) in group.into_iter().zip(answers) {
            let Append { asked, answer: to, slot, .. } = append;
            match &answer {
                Err(AppendError::Conflict { .. }) => self.metrics.conflict(ConflictKind::Real),
                Ok(Appended::AlreadyRecorded(_)) => self.metrics.conflict(ConflictKind::Repeated),
                Err(AppendError::OutcomeUnknown(_)) => self.metrics.unknown_outcomes.inc(),
                Ok(Appended::New(_)) | Err(_) => {}
            }
            self.metrics.append_seconds.observe(asked.elapsed().as_secs_f64());
            drop(slot);
            // Whoever asked may have gone; the record stays all the same.
            let _ = to.send(answer);
        }
    }

    /// One transaction for the whole group. Nobody is answered before it is durable.
    fn write(&mut self, group: &[Append]) -> Vec<Answer> {
        let asked = group.iter().map(|append| append.asked).min().unwrap_or_else(Instant::now);
        let deadline = asked + self.config.busy();
        if let Err(error) = self.begin(deadline) {
            return self.refused(group, Trouble::Sqlite(error));
        }
        let (answers, version, head) = match self.inside(group) {
            Ok(done) => done,
            Err(trouble) => {
                self.rollback();
                return self.refused(group, trouble);
            }
        };
        if !answers.iter().any(|answer| matches!(answer, Ok(Appended::New(_)))) {
            self.rollback();
            self.known = Some((version, head));
            // It may have moved by another process's records, and the next look finds nothing newer to tell.
            self.publish(head.position);
            return answers;
        }
        match patiently(deadline, || self.connection.execute_batch("COMMIT")) {
            Ok(()) => {
                self.known = Some((version, head));
                self.publish(head.position);
                self.upkeep.dirty = true;
                answers
            }
            Err(error) if is_busy(&error) && !self.connection.is_autocommit() => {
                self.rollback();
                self.refused(group, Trouble::Sqlite(error))
            }
            Err(error) => {
                // What an operating system kept of a write whose flush failed, nobody knows; asking it again proves
                // nothing (the fsync errors of 2018). Opening the file anew reads what is really there.
                tracing::error!(error = %error, "the log's disk failed while committing; no more is taken");
                self.published = None;
                self.rollback();
                group.iter().map(|append| Err(AppendError::OutcomeUnknown(append.new.command_id))).collect()
            }
        }
    }

    fn begin(&mut self, deadline: Instant) -> rusqlite::Result<()> {
        loop {
            match self.connection.execute_batch("BEGIN IMMEDIATE") {
                // Others write meanwhile; those who follow the log here want to hear of it.
                Err(error) if is_busy(&error) && Instant::now() < deadline => self.look(),
                result => return result,
            }
        }
    }

    fn rollback(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(error = %error, "a transaction of the log did not roll back");
        }
    }

    /// Nothing of the group was written, for a reason they share.
    fn refused(&mut self, group: &[Append], trouble: Trouble) -> Vec<Answer> {
        self.known = None;
        match trouble {
            Trouble::Corrupt(position) => {
                tracing::error!(%position, "the log ends elsewhere than it was left; nothing is written to it");
                group.iter().map(|_| Err(AppendError::Corrupt { position })).collect()
            }
            Trouble::Sqlite(error) => {
                let disk = matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                );
                if disk {
                    tracing::error!(error = %error, "the log's disk failed; no more is taken");
                    self.published = None;
                } else {
                    tracing::warn!(error = %error, "a group of appends was not written");
                }
                let said = error.to_string();
                group
                    .iter()
                    .map(|_| {
                        Err(if disk {
                            AppendError::Failed
                        } else {
                            AppendError::Unavailable(said.clone().into())
                        })
                    })
                    .collect()
            }
        }
    }

    /// Everything between BEGIN and COMMIT: answers to the group, and where the log then ends.
    fn inside(&self, group: &[Append]) -> Result<(Vec<Answer>, i64, Head), Trouble> {
        let version = self.data_version()?;
        let mut head = match self.known {
            Some((known, head)) if known == version => head,
            _ => self.read_head()?,
        };
        let before = head.position;
        let mut answers = Vec::with_capacity(group.len());
        for append in group {
            answers.push(self.one(&append.new, &mut head)?);
        }
        if head.position != before {
            self.connection
                .prepare_cached("UPDATE log_info SET v = ?1 WHERE k = 'head'")?
                .execute([head.mark()])?;
        }
        Ok((answers, version, head))
    }

    fn data_version(&self) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
    }

    /// Where the log ends, if the last record and the mark agree.
    fn read_head(&self) -> Result<Head, Trouble> {
        let head = file::last(&self.connection, self.log_id)?;
        let mark = file::mark(&self.connection)?;
        if mark != head.mark() {
            return Err(Trouble::Corrupt(file::marked_position(&mark).min(head.position).next()));
        }
        Ok(head)
    }

    /// Answers one request as if it stood alone: the group shares the transaction, not the fate.
    fn one(&self, new: &NewRecord, head: &mut Head) -> Result<Answer, Trouble> {
        let stream = new.stream.to_string();
        let command = new.command_id.uuid();
        let known: Option<i64> = self
            .connection
            .prepare_cached("SELECT position FROM record WHERE stream = ?1 AND command_id = ?2")?
            .query_row(params![stream, command.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(position) = known {
            return Ok(Ok(Appended::AlreadyRecorded(Position(number(position)))));
        }
        let last: Option<(u64, Position, Hash)> = self
            .connection
            .prepare_cached(
                "SELECT version, position, hash FROM record WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
            )?
            .query_row([&stream], |row| {
                let (version, position) = (number(row.get(0)?), Position(number(row.get(1)?)));
                Ok((version, position, hash(row.get_ref(2)?.as_blob()?)))
            })
            .optional()?;
        let expected = new.expect.token().map(|token| (token.version, token.position, token.hash));
        if last != expected {
            return Ok(Err(self.conflict(&stream, new.expect, last.map_or(0, |last| last.0))?));
        }
        let (version, prev) = match last {
            Some((version, position, hash)) => (version + 1, Some(Prev { position, hash })),
            None => (1, None),
        };
        let at_ms = new.at.timestamp_millis().max(head.recorded_at_ms);
        let recorded_at = chrono::DateTime::from_timestamp_millis(at_ms).unwrap_or(new.at);
        let bytes = encode_record(self.log_id, new, version, prev, recorded_at);
        let limit = self.config.max_record_bytes;
        if bytes.len() > limit {
            return Ok(Err(AppendError::TooLarge { bytes: bytes.len(), limit }));
        }
        let hash = Hash::of(&bytes);
        let position = head.position.next();
        let chain = head.chain_to(position, hash);
        self.connection
            .prepare_cached(
                "INSERT INTO record(position, stream, version, command_id, recorded_at, hash, chain, bytes)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                sql(position.0),
                stream,
                sql(version),
                command.as_bytes(),
                at_ms,
                hash.as_bytes(),
                chain.as_bytes(),
                bytes,
            ])?;
        *head = Head { position, chain, recorded_at_ms: at_ms };
        Ok(Ok(Appended::New(Token { version, position, hash, recorded_at })))
    }

    /// Who won: the record that stands where the refused one wanted to stand.
    fn conflict(&self, stream: &str, expect: Expect, version: u64) -> rusqlite::Result<AppendError> {
        let wanted = expect.token().map_or(0, |token| token.version) + 1;
        let winner: Option<i64> = self
            .connection
            .prepare_cached("SELECT position FROM record WHERE stream = ?1 AND version = ?2")?
            .query_row(params![stream, sql(wanted)], |row| row.get(0))
            .optional()?;
        Ok(AppendError::Conflict { winner: Position(winner.map_or(0, number)), version })
    }

    fn publish(&self, head: Position) {
        self.metrics.head.set(sql(head.0));
        if let Some(published) = &self.published {
            published.send_if_modified(|published| {
                let moved = head > *published;
                *published = head.max(*published);
                moved
            });
        }
    }

    /// Whether the disk has failed: then nothing is written until the file is opened again.
    const fn failed(&self) -> bool {
        self.published.is_none()
    }

    /// Looks whether another process has written, and tells those who wait for it.
    fn look(&mut self) {
        if self.failed() {
            return;
        }
        let looked = self.data_version().map_err(Trouble::from).and_then(|version| {
            if self.known.is_some_and(|(known, _)| known == version) {
                return Ok(None);
            }
            // Read after the version: if another commit slips in between, the next look reads once more.
            Ok(Some((version, self.read_head()?)))
        });
        match looked {
            Ok(None) => {}
            Ok(Some((version, head))) => {
                self.known = Some((version, head));
                self.publish(head.position);
            }
            Err(Trouble::Sqlite(error)) if is_busy(&error) => {}
            Err(Trouble::Sqlite(error)) => tracing::warn!(error = %error, "could not look for new records"),
            // Said when somebody appends, and by `verify`; twenty times a second would help nobody.
            Err(Trouble::Corrupt(_)) => {}
        }
    }

    fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        let unavailable = |error: rusqlite::Error| BindError::Unavailable(Box::new(error));
        let deadline = Instant::now() + self.config.busy();
        patiently(deadline, || {
            self.connection
                .execute("INSERT OR IGNORE INTO log_info(k, v) VALUES('key', ?1)", [fingerprint.as_bytes()])
        })
        .map_err(unavailable)?;
        let bound: Vec<u8> = patiently(deadline, || {
            self.connection.query_row("SELECT v FROM log_info WHERE k = 'key'", [], |row| row.get(0))
        })
        .map_err(unavailable)?;
        if bound == fingerprint.as_bytes() {
            return Ok(());
        }
        let bound = String::from_utf8_lossy(&bound).into_owned();
        Err(BindError::OtherKey { bound, offered: fingerprint.to_owned() })
    }

    /// Copies the write-ahead log into the file when nobody waits or it has grown long.
    fn checkpoint_if_due(&mut self) {
        let bytes = self.wal_bytes();
        self.metrics.wal_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        if bytes < self.config.wal_limit_bytes {
            self.upkeep.due_bytes = self.config.wal_limit_bytes;
        }
        let long = bytes >= self.upkeep.due_bytes;
        let idle = self.upkeep.dirty && self.upkeep.last_append.elapsed() >= IDLE;
        if self.failed() || !(long || idle) {
            return;
        }
        match self.checkpoint("PASSIVE") {
            Ok(()) => {
                self.upkeep.dirty = false;
                // A reader may have held part of it back; it is tried again when the log has grown by an eighth.
                self.upkeep.due_bytes = bytes + self.config.wal_limit_bytes / 8;
            }
            Err(error) => tracing::warn!(error = %error, "the write-ahead log was not copied into the file"),
        }
    }

    fn checkpoint(&self, mode: &str) -> rusqlite::Result<()> {
        self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
    }

    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(file::wal_of(&self.file)).map_or(0, |wal| wal.len())
    }
}
