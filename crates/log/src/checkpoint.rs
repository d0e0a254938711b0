//! How far a worker came, kept beside the log so that its next start does not ask everything again.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zholdary_domain::Position;

use crate::{error::ReadError, port::EventLog, record::Prev};

/// Says that everything up to a record is finished. Losing it costs a replay, never a double effect: what a worker records is
/// recognised by its command id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// No record up to here asks for anything more.
    pub finished: Position,
    /// But these: records that do not read, and what waits behind them. A later release asks about them again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub but: BTreeSet<Position>,
    /// The last record that the worker had read, behind everything that finished the others: a log that does not hold it is another one,
    /// or was restored from a backup.
    pub read: Prev,
    /// Every term recorded up to `finished` was looked at for this instant, UTC; only the worker of terms says so.
    pub looked_until: Option<DateTime<Utc>>,
}

impl Checkpoint {
    /// Whether what was recorded at a position is finished.
    #[must_use]
    pub fn has_finished(&self, position: Position) -> bool {
        position <= self.finished && !self.but.contains(&position)
    }

    /// Whether it speaks of this log.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn is_of(&self, log: &dyn EventLog) -> Result<bool, ReadError> {
        let Some(before) = self.read.position.0.checked_sub(1) else { return Ok(false) };
        match log.read(Position(before), 1).await {
            Ok(found) => Ok(found.first().is_some_and(|record| record.hash == self.read.hash)),
            Err(ReadError::Ahead { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Where workers keep how far they came.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// The last one that `worker` kept. None too when what stands there does not read.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`].
    async fn read(&self, worker: &str) -> Result<Option<Checkpoint>, ReadError>;

    /// Keeps one more of `worker`, in place of the one before.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`].
    async fn keep(&self, worker: &str, checkpoint: &Checkpoint) -> Result<(), ReadError>;
}

/// Where else it is kept how far somebody came: in what stands outside of the log, such as a mailbox. What a mark says is its owner's
/// own; losing it must cost a second reading and nothing else.
#[async_trait]
pub trait Marks: Send + Sync {
    /// The last mark under `name`, lower-case letters and digits.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`].
    async fn mark(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError>;

    /// Keeps one more under `name`, in place of the one before.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`].
    async fn set_mark(&self, name: &str, said: Vec<u8>) -> Result<(), ReadError>;
}

/// As it is kept.
pub(crate) fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    serde_json::to_vec(checkpoint).expect("numbers, a hash and an instant serialise")
}

/// A newer release may have kept more: then it says nothing to this one.
pub(crate) fn decode(kept: &[u8]) -> Option<Checkpoint> {
    serde_json::from_slice(kept).ok()
}
