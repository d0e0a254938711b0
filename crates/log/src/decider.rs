//! The one write path: load, decide, append; look again when somebody was faster.

use std::{convert::Infallible, marker::PhantomData, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use zholdary_domain::{Clock, CommandId, Position, StreamId};

use crate::{
    codec::{Events, encode_events},
    error::{AppendError, DecodeError, EncodeError, ReadError},
    port::{EventLog, WritePermit},
    record::{Appended, Cause, Expect, NewRecord, Recorded, Stream, Token},
};

/// What a kind of stream is made of: its events and what they add up to.
pub trait Aggregate {
    /// What the events add up to; the default is a stream without records.
    type State: Default + Send;
    /// One fact. An enum that reads every shape ever written.
    type Event: Serialize + DeserializeOwned + Send + Sync;
    /// The version of the shape of [`Aggregate::Event`] that this release writes.
    const SCHEMA: u16;

    /// Adds `event`, recorded at `recorded_at` (UTC), to `state`. It may not refuse: what is in the log has happened.
    fn evolve(state: &mut Self::State, event: &Self::Event, recorded_at: DateTime<Utc>);

    /// Reads the events of `record`. A kind whose shape has changed lifts older records here.
    ///
    /// # Errors
    ///
    /// When a newer release wrote the record, or it does not read.
    fn decode(record: &Recorded) -> Result<Vec<Self::Event>, DecodeError> {
        if record.schema > Self::SCHEMA {
            return Err(DecodeError::newer(record.position, record.schema, Self::SCHEMA));
        }
        record.events()
    }
}

/// How often and how patiently a decision is tried.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often a decision is tried in all, conflicts and unknown outcomes together. Default 16.
    pub max_attempts: u32,
    /// The wait after the first failure, in milliseconds; it doubles each time. Default 2.
    pub first_wait_ms: u64,
    /// The longest wait, in milliseconds. Default 250.
    pub longest_wait_ms: u64,
    /// No further try begins so long after the first began, in milliseconds: an engine may wait long for each. Default 30,000.
    pub total_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: 16, first_wait_ms: 2, longest_wait_ms: 250, total_ms: 30_000 }
    }
}

impl Retry {
    /// Whether the try after which there were `failures` of them is the last, the first having begun at `began`.
    fn is_spent(&self, failures: u32, began: Instant) -> bool {
        failures >= self.max_attempts || began.elapsed() >= Duration::from_millis(self.total_ms)
    }

    /// The wait after the `failures`-th failure: between half of it and all of it, so that those who met do not meet
    /// again. `salt` differs between them.
    fn wait(&self, failures: u32, salt: &[u8]) -> Duration {
        let full = self
            .first_wait_ms
            .saturating_mul(1 << failures.saturating_sub(1).min(20))
            .min(self.longest_wait_ms)
            .saturating_mul(1000);
        let mut hasher = blake3::Hasher::new();
        hasher.update(salt);
        hasher.update(&failures.to_be_bytes());
        let spread = u64::from(hasher.finalize().as_bytes()[0]);
        Duration::from_micros(full / 2 + full / 2 * spread / 255)
    }
}

/// How a decision ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handled {
    /// The position at which its answer is visible to readers. When nothing had to be recorded, the stream's last one.
    pub position: Position,
    /// Whether this call recorded it: false when the command was known before, or there was nothing to record. After a lost
    /// acknowledgement it is true when the events that stand there are those of this call, although somebody else may have
    /// recorded the very same ones in the same moment: to act on them twice is harmless, not to act is not.
    pub new: bool,
    /// The stream's last record as this call saw it; none when the stream has none.
    pub token: Option<Token>,
}

/// A stream, added up.
#[derive(Debug, Clone)]
pub struct Loaded<S> {
    /// What its events add up to.
    pub state: S,
    /// Its last record; none when it has none.
    pub token: Option<Token>,
    /// Every command recorded in it, and where, in order.
    pub known: Vec<(CommandId, Position)>,
    /// What leads to a decision that nothing but the stream itself asks for, as when time passes: its last record.
    pub cause: Cause,
}

impl<S> Loaded<S> {
    /// Where the command was recorded, if it was.
    #[must_use]
    pub fn position_of(&self, command_id: CommandId) -> Option<Position> {
        self.known.iter().find(|(known, _)| *known == command_id).map(|(_, position)| *position)
    }

    /// What an append after it expects.
    #[must_use]
    pub fn expect(&self) -> Expect {
        Expect::after(self.token)
    }
}

/// Why a decision was not recorded, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum DeciderError<R = Infallible> {
    /// The decision itself: asking again gives the same answer until the stream changes.
    #[error("{0}")]
    Refused(R),
    /// Others kept recording first, or recorded the same command where it cannot be read yet. This call wrote nothing.
    #[error("gave up on {stream} after {attempts} attempts: others kept recording first")]
    Contended {
        /// The stream.
        stream: StreamId,
        /// How often it was tried.
        attempts: u32,
    },
    /// The stream could not be read. Nothing was written.
    #[error("could not load {stream}")]
    Load {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// A record of the stream does not read. Nothing was written.
    #[error("could not read {stream}")]
    Decode {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// An event does not serialise. Nothing was written.
    #[error("could not write down a decision for {stream}")]
    Encode {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: EncodeError,
    },
    /// The append failed.
    #[error("could not append to {stream}")]
    Append {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: AppendError,
    },
}

impl<R> DeciderError<R> {
    /// Whether the same command, sent later, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Contended { .. } => true,
            Self::Load { source, .. } => source.is_transient(),
            Self::Append { source, .. } => source.is_transient(),
            Self::Refused(_) | Self::Decode { .. } | Self::Encode { .. } => false,
        }
    }

    /// Whether it is about what stands in this one stream, or should: other streams can go on, and waiting does not help.
    #[must_use]
    pub const fn is_of_one_stream(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Decode { .. } | Self::Encode { .. } => true,
            Self::Append { source, .. } => matches!(source, AppendError::TooLarge { .. }),
            Self::Contended { .. } | Self::Load { .. } => false,
        }
    }

    /// The record that came first, when that is why nothing was written.
    #[must_use]
    pub const fn winner(&self) -> Option<Position> {
        match self {
            Self::Append { source: AppendError::Conflict { winner, .. }, .. } => Some(*winner),
            _ => None,
        }
    }
}

/// Decides for the streams of one aggregate.
pub struct Decider<A> {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    retry: Retry,
    of: PhantomData<fn() -> A>,
}

impl<A> Clone for Decider<A> {
    fn clone(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock),
            retry: self.retry.clone(),
            of: PhantomData,
        }
    }
}

impl<A> std::fmt::Debug for Decider<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decider").field("retry", &self.retry).finish_non_exhaustive()
    }
}

impl<A: Aggregate> Decider<A> {
    /// Decides by `clock` and records in `log`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock, retry: Retry::default(), of: PhantomData }
    }

    /// The same, trying as `retry` says.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The log that it records in.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Answers the command `command_id` for `stream`: what it leads to is decided by `decide` from where the stream stands
    /// at `now` (UTC, never earlier than the stream's last record), and recorded as one record.
    ///
    /// A command answered before is recognised and not decided again. `decide` may be called several times.
    ///
    /// # Errors
    ///
    /// [`DeciderError::Refused`] with what `decide` said; the others say what failed.
    #[tracing::instrument(
        name = "decide", skip_all, fields(%stream, trace_id = %cause.trace_id(command_id))
    )]
    pub async fn handle<R>(
        &self,
        stream: &StreamId,
        command_id: CommandId,
        cause: Cause,
        mut decide: impl FnMut(&A::State, DateTime<Utc>) -> Result<Vec<A::Event>, R>,
    ) -> Result<Handled, DeciderError<R>> {
        let (mut failures, began) = (0, Instant::now());
        // What was sent without hearing what became of it.
        let mut unknown: Vec<Events> = Vec::new();
        loop {
            let records = self.records(stream).await?;
            let past = Self::add_up(stream, &records)?;
            if let Some(known) = records.records().iter().find(|record| record.command_id == command_id) {
                let new = unknown.iter().any(|events| events.are_those_of(known));
                return Ok(Handled { position: known.position, new, token: past.token });
            }
            let clock = self.clock.now();
            let now = past.token.map_or(clock, |token| token.recorded_at.max(clock));
            let events = decide(&past.state, now).map_err(DeciderError::Refused)?;
            if events.is_empty() {
                return Ok(nothing(past.token));
            }
            let new = self.record(stream, past.expect(), command_id, cause, &events, now)?;
            match self.log.append(WritePermit::new(), new.clone()).await {
                Ok(Appended::New(token)) => return Ok(new_at(token)),
                // It is recorded, but no look finds it: a reader that lags behind the log is asked again later.
                Ok(Appended::AlreadyRecorded(position)) if self.retry.is_spent(failures + 1, began) => {
                    tracing::debug!(%position, "gave up looking for a recorded command");
                    return Err(DeciderError::Contended { stream: stream.clone(), attempts: failures + 1 });
                }
                // Somebody answered the same command meanwhile: the next look finds it.
                Ok(Appended::AlreadyRecorded(_)) => {}
                Err(source @ AppendError::Conflict { .. }) if self.retry.is_spent(failures + 1, began) => {
                    tracing::debug!(error = %source, "gave up after conflicts");
                    return Err(DeciderError::Contended { stream: stream.clone(), attempts: failures + 1 });
                }
                Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::OutcomeUnknown(_)) if !self.retry.is_spent(failures + 1, began) => {
                    unknown.push(new.events);
                }
                Err(source) => return Err(DeciderError::Append { stream: stream.clone(), source }),
            }
            failures += 1;
            self.wait(failures, command_id).await;
        }
    }

    /// Records `events` as the answer to `command_id`, if `stream` is still what the caller holds. For callers that keep
    /// the state themselves: a conflict is returned, not tried again. Without events nothing is appended.
    ///
    /// # Errors
    ///
    /// [`DeciderError::Append`] with [`AppendError::Conflict`] when somebody was faster; the others say what failed.
    #[tracing::instrument(
        name = "decide", skip_all, fields(%stream, trace_id = %cause.trace_id(command_id))
    )]
    pub async fn handle_expecting(
        &self,
        stream: &StreamId,
        command_id: CommandId,
        cause: Cause,
        expect: Expect,
        events: &[A::Event],
    ) -> Result<Handled, DeciderError> {
        if events.is_empty() {
            return Ok(nothing(expect.token()));
        }
        let new = self.record(stream, expect, command_id, cause, events, self.clock.now())?;
        let (mut failures, mut unknown, began) = (0, false, Instant::now());
        loop {
            match self.log.append(WritePermit::new(), new.clone()).await {
                Ok(Appended::New(token)) => return Ok(new_at(token)),
                Ok(Appended::AlreadyRecorded(position)) => {
                    let last = self.log.last(stream).await;
                    let last =
                        last.map_err(|source| DeciderError::Load { stream: stream.clone(), source })?;
                    let token = last.as_ref().map(Recorded::token);
                    let new = unknown && self.stands_at(position, &new).await?;
                    return Ok(Handled { position, new, token });
                }
                Err(AppendError::OutcomeUnknown(_)) if !self.retry.is_spent(failures + 1, began) => {
                    unknown = true
                }
                Err(source) => return Err(DeciderError::Append { stream: stream.clone(), source }),
            }
            failures += 1;
            self.wait(failures, command_id).await;
        }
    }

    /// Where `stream` stands.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded or read.
    pub async fn load(&self, stream: &StreamId) -> Result<Loaded<A::State>, DeciderError> {
        self.load_for(stream).await
    }

    async fn load_for<R>(&self, stream: &StreamId) -> Result<Loaded<A::State>, DeciderError<R>> {
        Self::add_up(stream, &self.records(stream).await?)
    }

    async fn records<R>(&self, stream: &StreamId) -> Result<Stream, DeciderError<R>> {
        let past = self.log.load(stream).await;
        past.map_err(|source| DeciderError::Load { stream: stream.clone(), source })
    }

    /// Whether the record at `position` answers the command of `new` with its events.
    async fn stands_at(&self, position: Position, new: &NewRecord) -> Result<bool, DeciderError> {
        let records = self.records(&new.stream).await?;
        let there = records.records().iter().find(|record| record.position == position);
        Ok(there.is_some_and(|record| new.events.are_those_of(record)))
    }

    fn add_up<R>(stream: &StreamId, past: &Stream) -> Result<Loaded<A::State>, DeciderError<R>> {
        let mut state = A::State::default();
        for record in past.records() {
            let events = A::decode(record)
                .map_err(|source| DeciderError::Decode { stream: stream.clone(), source })?;
            for event in &events {
                A::evolve(&mut state, event, record.recorded_at);
            }
        }
        let known = past.records().iter().map(|record| (record.command_id, record.position)).collect();
        let cause = past.records().last().map_or(Cause::OUTSIDE, Cause::record);
        Ok(Loaded { state, token: past.token(), known, cause })
    }

    fn record<R>(
        &self,
        stream: &StreamId,
        expect: Expect,
        command_id: CommandId,
        cause: Cause,
        events: &[A::Event],
        at: DateTime<Utc>,
    ) -> Result<NewRecord, DeciderError<R>> {
        let events = encode_events(events)
            .map_err(|source| DeciderError::Encode { stream: stream.clone(), source })?;
        Ok(NewRecord { stream: stream.clone(), expect, command_id, cause, schema: A::SCHEMA, events, at })
    }

    async fn wait(&self, failures: u32, command_id: CommandId) {
        tracing::debug!(%command_id, failures, "trying again");
        tokio::time::sleep(self.retry.wait(failures, command_id.uuid().as_bytes())).await;
    }
}

fn new_at(token: Token) -> Handled {
    tracing::debug!(position = %token.position, "recorded");
    Handled { position: token.position, new: true, token: Some(token) }
}

fn nothing(token: Option<Token>) -> Handled {
    Handled { position: token.map_or(Position::START, |token| token.position), new: false, token }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_differ() {
        let retry = Retry { max_attempts: 9, first_wait_ms: 4, longest_wait_ms: 100, ..Retry::default() };
        for failures in 1..40 {
            let wait = retry.wait(failures, b"a");
            let full = Duration::from_millis((4_u64 << (failures - 1).min(20)).min(100));
            assert!(full / 2 <= wait && wait <= full, "{failures}: {wait:?}");
        }
        assert_ne!(retry.wait(3, b"a"), retry.wait(3, b"b"));
    }
}
