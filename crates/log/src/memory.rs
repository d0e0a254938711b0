//! The engine for simulations: a log in the memory of one process. It keeps every promise of the port but one: what it holds ends
//! with the process. Public, because the simulation of the whole system is a package of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;
use zholdary_domain::{CommandId, Position, StreamId};

use crate::{
    codec::encode_record,
    error::{AppendError, BindError, Damage, Fault, ReadError},
    port::{EventLog, LogInfo, Progress, Verified, WritePermit},
    record::{Appended, NewRecord, Prev, Recorded, Stream},
    tail::{Tail, TailSource},
};

/// The largest record that it takes, in bytes: what the other engines take.
const MAX_RECORD_BYTES: usize = 900 * 1024;

/// One handle on a log in memory, as a process would hold it. What follows a log through a handle ends with that handle; the log lives
/// as long as any handle.
pub struct MemoryLog {
    held: Arc<Mutex<Held>>,
    /// What each tail hears by. One for each: those that wait on one channel are woken in no order, and a simulation of one seed must
    /// be one history.
    tails: Mutex<Vec<Arc<watch::Sender<Position>>>>,
}

struct Held {
    log_id: Uuid,
    records: Vec<Recorded>,
    streams: HashMap<StreamId, Vec<usize>>,
    commands: HashMap<(StreamId, CommandId), Position>,
    key: Option<String>,
    tails: Vec<Weak<watch::Sender<Position>>>,
}

impl MemoryLog {
    /// An empty log called `log_id`.
    #[must_use]
    pub fn new(log_id: Uuid) -> Self {
        let held = Held {
            log_id,
            records: Vec::new(),
            streams: HashMap::new(),
            commands: HashMap::new(),
            key: None,
            tails: Vec::new(),
        };
        Self { held: Arc::new(Mutex::new(held)), tails: Mutex::default() }
    }

    /// One more handle on the same log.
    #[must_use]
    pub fn handle(&self) -> Self {
        Self { held: Arc::clone(&self.held), tails: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        locked(&self.held)
    }
}

/// Nothing is left half done under the lock: a panic elsewhere spoils nothing here.
fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    fn head(&self) -> Position {
        Position(self.records.len() as u64)
    }

    fn last(&self, stream: &StreamId) -> Option<&Recorded> {
        self.streams.get(stream).and_then(|at| at.last()).map(|at| &self.records[*at])
    }

    fn append(&mut self, new: &NewRecord) -> Result<Appended, AppendError> {
        let command = (new.stream.clone(), new.command_id);
        if let Some(position) = self.commands.get(&command) {
            return Ok(Appended::AlreadyRecorded(*position));
        }
        let last = self.last(&new.stream).map(Recorded::token);
        if last != new.expect.token() {
            let wanted = new.expect.token().map_or(0, |token| token.version);
            let stream = self.streams.get(&new.stream).map_or(&[][..], |at| at);
            let winner = usize::try_from(wanted).ok().and_then(|wanted| stream.get(wanted));
            return Err(AppendError::Conflict {
                winner: winner.map_or(Position::START, |at| self.records[*at].position),
                version: stream.len() as u64,
            });
        }
        let version = last.map_or(0, |last| last.version) + 1;
        let prev = last.map(|last| Prev { position: last.position, hash: last.hash });
        let before = self.records.last().map(|record| record.recorded_at);
        let recorded_at = before.map_or(new.at, |before| before.max(new.at));
        let bytes = encode_record(self.log_id, new, version, prev, recorded_at);
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(AppendError::TooLarge { bytes: bytes.len(), limit: MAX_RECORD_BYTES });
        }
        let position = self.head().next();
        let record = Recorded::parse(position, bytes.into())
            .map_err(|error| AppendError::Unavailable(Box::new(error)))?;
        let token = record.token();
        self.streams.entry(new.stream.clone()).or_default().push(self.records.len());
        self.commands.insert(command, position);
        self.records.push(record);
        self.tails.retain(|tail| tail.upgrade().map(|tail| tail.send_replace(position)).is_some());
        Ok(Appended::New(token))
    }

    fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let head = self.head();
        if after > head {
            return Err(ReadError::Ahead { after, head });
        }
        let first = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(self.records.iter().skip(first).take(limit).cloned().collect())
    }

    fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        let at = self.streams.get(stream).map_or(&[][..], |at| at);
        let records = at.iter().map(|at| self.records[*at].clone()).collect();
        Stream::new(records).map_err(|position| ReadError::Corrupt { position })
    }

    fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        let mut streams: HashMap<&StreamId, (u64, Prev)> = HashMap::new();
        let mut at = DateTime::<Utc>::MIN_UTC;
        for record in &self.records {
            let position = record.position;
            let bad = |fault| Damage::Record { position, fault };
            let read = Recorded::parse(position, record.bytes().clone()).map_err(|_| bad(Fault::Envelope))?;
            if read.hash != record.hash || read.log_id != self.log_id {
                return Err(bad(Fault::Bytes));
            }
            let before = streams.get(&record.stream);
            if read.prev != before.map(|(_, prev)| *prev)
                || read.version != before.map_or(0, |(version, _)| *version) + 1
            {
                return Err(bad(Fault::Stream(record.stream.clone())));
            }
            if read.recorded_at < at {
                return Err(bad(Fault::Time));
            }
            at = read.recorded_at;
            streams.insert(&record.stream, (read.version, Prev { position, hash: read.hash }));
            progress(position, self.head());
        }
        Ok(Verified { head: self.head(), streams: streams.len() as u64, chain: None })
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, _permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        self.held().append(&new)
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.held().load(stream)
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        Ok(self.held().last(stream).cloned())
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.held().page(after, limit)
    }

    async fn head(&self) -> Result<Position, ReadError> {
        Ok(self.held().head())
    }

    fn tail(&self, after: Position) -> Tail {
        let mut held = self.held();
        let hears = Arc::new(watch::Sender::new(held.head()));
        held.tails.push(Arc::downgrade(&hears));
        let head = hears.subscribe();
        let mut tails = locked(&self.tails);
        tails.retain(|tail| !tail.is_closed());
        tails.push(hears);
        Tail::new(Arc::new(Pages(Arc::clone(&self.held))), head, after)
    }

    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError> {
        let before = self.held().records.partition_point(|record| record.recorded_at <= at);
        Ok(Position(before as u64))
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        let held = self.held();
        Ok(LogInfo {
            log_id: held.log_id,
            format: 1,
            key: held.key.clone(),
            engine: "memory",
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        let mut held = self.held();
        let bound = held.key.get_or_insert_with(|| fingerprint.to_owned());
        if bound == fingerprint {
            return Ok(());
        }
        Err(BindError::OtherKey { bound: bound.clone(), offered: fingerprint.to_owned() })
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        self.held().verify(progress)
    }
}

impl std::fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryLog").field("head", &self.held().head()).finish_non_exhaustive()
    }
}

/// What a tail reads; it does not hold the handle open.
struct Pages(Arc<Mutex<Held>>);

#[async_trait]
impl TailSource for Pages {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        locked(&self.0).page(after, limit)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        Checkpoints,
        conformance::{Fixture, conformance},
    };

    /// The logs of this process by their addresses.
    static LOGS: Mutex<Vec<(String, MemoryLog)>> = Mutex::new(Vec::new());

    struct Memory(String);

    #[async_trait]
    impl Fixture for Memory {
        const LIMIT_BYTES: usize = MAX_RECORD_BYTES;
        const ONE_TIME: bool = true;

        async fn make() -> Self {
            let log = MemoryLog::new(Uuid::new_v4());
            let address = log.held().log_id.to_string();
            LOGS.lock().unwrap().push((address.clone(), log));
            Self(address)
        }

        fn address(&self) -> String {
            self.0.clone()
        }

        async fn open(address: &str) -> Arc<dyn EventLog> {
            let logs = LOGS.lock().unwrap();
            let (_, log) = logs.iter().find(|(known, _)| known == address).unwrap();
            Arc::new(log.handle())
        }

        async fn checkpoints(_: &str) -> Arc<dyn Checkpoints> {
            panic!("where the workers of a simulation keep how far they came is the simulation's own")
        }

        async fn forge(&self, position: Position) {
            let logs = LOGS.lock().unwrap();
            let (_, log) = logs.iter().find(|(known, _)| *known == self.0).unwrap();
            let mut held = log.held();
            let at = usize::try_from(position.0 - 1).unwrap();
            let bytes =
                std::str::from_utf8(held.records[at].bytes()).unwrap().replace(r#""n":1"#, r#""n":9"#);
            held.records[at] = Recorded::parse(position, Bytes::from(bytes)).unwrap();
        }
    }

    conformance! { Memory, within a process }
}
