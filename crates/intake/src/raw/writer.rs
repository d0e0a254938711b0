//! The one thread of this process that writes `raw.db`.

use std::sync::{Arc, mpsc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use zholdary_domain::inbound::Channel;

use crate::{config::RawConfig, error::RawError};

/// Who waits for an answer.
pub(super) type Answer<T> = oneshot::Sender<Result<T, RawError>>;

/// A body on its way to the disk.
pub(super) struct Put {
    pub(super) name: String,
    pub(super) channel: Channel,
    pub(super) bytes: Bytes,
    pub(super) at: DateTime<Utc>,
    pub(super) kept: Vec<(u32, &'static str)>,
}

/// What somebody who looked at an element says.
pub(super) struct Settle {
    pub(super) id: i64,
    pub(super) how: String,
    pub(super) at: DateTime<Utc>,
}

pub(super) enum Request {
    Put(Put, Answer<()>),
    Keep(Put, Answer<()>),
    Settle(Settle, Answer<u64>),
    Purge(DateTime<Utc>, Answer<u64>),
}

impl Request {
    fn size(&self) -> usize {
        match self {
            Self::Put(put, _) => put.bytes.len(),
            Self::Keep(..) | Self::Settle(..) | Self::Purge(..) => 0,
        }
    }
}

/// A request with its place in the queue.
pub(super) type Waiting = (Request, OwnedSemaphorePermit);

/// How many bodies one request of a purge erases.
const PURGE_BODIES: u32 = 200;

/// Writes what comes until nobody can ask any more.
pub(super) fn run(mut connection: Connection, waiting: &mpsc::Receiver<Waiting>, limits: &RawConfig) {
    while let Ok(first) = waiting.recv() {
        let mut bytes = first.0.size();
        let mut group = vec![first];
        while group.len() < limits.group_bodies.max(1) && bytes < limits.group_bytes {
            let Ok(next) = waiting.try_recv() else { break };
            bytes += next.0.size();
            group.push(next);
        }
        write(&mut connection, group);
    }
}

fn write(connection: &mut Connection, group: Vec<Waiting>) {
    let outcome = commit(connection, &group);
    if let Err(error) = &outcome {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            bodies = group.len(),
            "raw bodies could not be kept"
        );
    }
    // One failure is told to all who waited for the same transaction.
    let outcome = outcome.map_err(Arc::new);
    for (index, (request, _place)) in group.into_iter().enumerate() {
        let count = outcome.as_ref().map(|counts| counts[index]).map_err(|error| told(error));
        // Whoever stopped waiting does not need the answer.
        match request {
            Request::Put(_, answer) | Request::Keep(_, answer) => drop(answer.send(count.map(|_| ()))),
            Request::Settle(_, answer) | Request::Purge(_, answer) => drop(answer.send(count)),
        }
    }
}

fn told(error: &rusqlite::Error) -> RawError {
    RawError::Unavailable(match error {
        rusqlite::Error::SqliteFailure(code, text) => {
            rusqlite::Error::SqliteFailure(*code, text.clone()).into()
        }
        other => other.to_string().into(),
    })
}

fn commit(connection: &mut Connection, group: &[Waiting]) -> rusqlite::Result<Vec<u64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let counts = group.iter().map(|(request, _)| apply(&transaction, request)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(counts)
}

fn apply(transaction: &Transaction<'_>, request: &Request) -> rusqlite::Result<u64> {
    match request {
        Request::Put(put, _) => {
            transaction
                .prepare_cached(
                    "INSERT INTO raw (name, channel, received_at, bytes) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (name) DO UPDATE SET received_at = max(received_at, excluded.received_at)",
                )?
                .execute(params![put.name, put.channel.code(), put.at.timestamp_millis(), &put.bytes[..]])?;
            keep(transaction, put)
        }
        Request::Keep(put, _) => keep(transaction, put),
        Request::Settle(Settle { id, how, at }, _) => transaction
            .prepare_cached(
                "UPDATE kept SET settled_at = ?2, how = ?3 WHERE id = ?1 AND settled_at IS NULL",
            )?
            .execute(params![id, at.timestamp_millis(), how])
            .map(|settled| settled as u64),
        Request::Purge(before, _) => transaction
            .prepare_cached(
                "DELETE FROM raw WHERE rowid IN (
                     SELECT rowid FROM raw WHERE received_at < ?1 AND name NOT IN (SELECT raw FROM kept WHERE settled_at IS NULL) LIMIT ?2
                 )",
            )?
            .execute(params![before.timestamp_millis(), PURGE_BODIES])
            .map(|erased| erased as u64),
    }
}

fn keep(transaction: &Transaction<'_>, put: &Put) -> rusqlite::Result<u64> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO kept (raw, channel, element, why, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for (element, why) in &put.kept {
        insert.execute(params![put.name, put.channel.code(), element, why, put.at.timestamp_millis()])?;
    }
    Ok(0)
}
