//! Appending: the server takes a record only after the one that its writer saw.

use std::time::Duration;

use async_nats::jetstream::{
    self, ErrorCode,
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
};
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use tokio::time::Instant;
use zholdary_domain::Position;

use super::{
    known::{Cache, End, winner},
    store::{Store, pause},
};
use crate::{
    codec::encode_record,
    error::{AppendError, ReadError},
    metrics::{ConflictKind, Metrics},
    record::{Appended, Hash, NewRecord, Prev, Recorded, Token},
};

/// How a record was answered.
enum Answer {
    Written(Position),
    /// The subject's last record is another one.
    Refused,
    /// Nobody was there to take it: nothing was written.
    Nobody(PublishError),
    /// It may or may not be written.
    Silence(PublishError),
    /// The server cannot take it: nothing was written.
    Unable(PublishError),
}

pub(super) async fn append(
    store: &Store,
    cache: &Cache,
    metrics: &Metrics,
    new: &NewRecord,
) -> Result<Appended, AppendError> {
    let expected = new.expect.token();
    let known = match expected {
        // The server compares positions; that the token is what stands there is for us to see.
        Some(token) => cache.at(store, &new.stream, token).await.map_err(before)?,
        None => cache.kept(&new.stream).unwrap_or_default(),
    };
    if let Some(answer) = recognised(&known, new, metrics) {
        return answer;
    }
    let last = known.last();
    if last.map(|last| (last.position, last.hash, last.version))
        != expected.map(|token| (token.position, token.hash, token.version))
    {
        let now = cache.now(store, &new.stream).await.map_err(before)?;
        return recognised(&now, new, metrics).unwrap_or_else(|| Err(conflict(&now, expected, metrics)));
    }
    let bytes = Bytes::from(encode_record(
        store.log_id,
        new,
        expected.map_or(0, |token| token.version) + 1,
        expected.map(|token| Prev { position: token.position, hash: token.hash }),
        recorded_at(new.at, last),
    ));
    let limit = store.config.max_record_bytes;
    if bytes.len() > limit {
        return Err(AppendError::TooLarge { bytes: bytes.len(), limit });
    }
    write(store, cache, metrics, new, bytes).await
}

/// The writer's clock, or the time of the stream's last record, whichever is later; whole milliseconds.
fn recorded_at(clock: DateTime<Utc>, last: Option<Token>) -> DateTime<Utc> {
    let clock = clock.trunc_subsecs(3);
    last.map_or(clock, |last| last.recorded_at.max(clock))
}

/// Publishes until somebody takes or refuses it. To publish again is safe: the second can only be refused.
async fn write(
    store: &Store,
    cache: &Cache,
    metrics: &Metrics,
    new: &NewRecord,
    bytes: Bytes,
) -> Result<Appended, AppendError> {
    let expected = new.expect.token();
    let deadline = Instant::now() + Duration::from_millis(store.config.append_ms);
    let (mut tries, mut silent) = (0, false);
    loop {
        let why: crate::Source = match publish(store, new, bytes.clone()).await {
            Answer::Written(position) => return Ok(written(cache, position, bytes)),
            Answer::Refused => match cache.now(store, &new.stream).await {
                Ok(now) => {
                    if let Some(mine) = now.by_command(new.command_id) {
                        // Its first acknowledgement was lost.
                        if silent && mine.hash == Hash::of(&bytes) {
                            return Ok(Appended::New(mine.token()));
                        }
                        metrics.conflict(ConflictKind::Repeated);
                        return Ok(Appended::AlreadyRecorded(mine.position));
                    }
                    if now.last().map(|last| last.position) != expected.map(|token| token.position) {
                        return Err(conflict(&now, expected, metrics));
                    }
                    // Another write, perhaps our own first one, is under way and not decided.
                    Box::new(Undecided)
                }
                Err(error) => Box::new(error),
            },
            Answer::Nobody(error) => Box::new(error),
            Answer::Unable(error) if silent => Box::new(error),
            Answer::Unable(error) => return Err(AppendError::Unavailable(Box::new(error))),
            Answer::Silence(error) => {
                silent = true;
                Box::new(error)
            }
        };
        if Instant::now() >= deadline {
            if silent {
                metrics.unknown_outcomes.inc();
                tracing::warn!(stream = %new.stream, error = why, "nobody confirmed an append");
                return Err(AppendError::OutcomeUnknown(new.command_id));
            }
            return Err(AppendError::Unavailable(why));
        }
        tries += 1;
        tokio::time::sleep(pause(tries)).await;
    }
}

/// Another write on the same stream has not been decided.
#[derive(Debug, thiserror::Error)]
#[error("another append to the stream is under way")]
struct Undecided;

async fn publish(store: &Store, new: &NewRecord, bytes: Bytes) -> Answer {
    let after = new.expect.token().map_or(0, |token| token.position.0);
    let message = PublishMessage::build()
        .payload(bytes)
        .expected_stream(&store.config.stream)
        .expected_last_subject_sequence(after);
    let sent = store.context.send_publish(store.subject(&new.stream), message).await;
    let answered = match sent {
        Ok(acknowledgement) => acknowledgement.await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(acknowledged) => Answer::Written(Position(acknowledged.sequence)),
        Err(error) => match error.kind() {
            PublishErrorKind::WrongLastSequence => Answer::Refused,
            PublishErrorKind::StreamNotFound => Answer::Nobody(error),
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Answer::Silence(error),
            PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::MaxAckPending => Answer::Unable(error),
            PublishErrorKind::WrongLastMessageId | PublishErrorKind::Other => match code(&error) {
                Some(code) if code.error_code() == UNDECIDED => Answer::Refused,
                Some(_) => Answer::Unable(error),
                // Not an answer of the server: something on the way.
                None => Answer::Silence(error),
            },
        },
    }
}

fn code(error: &PublishError) -> Option<&jetstream::Error> {
    std::error::Error::source(error)?.downcast_ref::<jetstream::Error>()
}

/// «wrong last sequence» without a number: another write on the subject is still under way (replicated streams).
const UNDECIDED: ErrorCode = ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT;

fn written(cache: &Cache, position: Position, bytes: Bytes) -> Appended {
    let record = Recorded::parse(position, bytes).expect("we wrote it a moment ago");
    let token = record.token();
    cache.add(record);
    Appended::New(token)
}

fn recognised(end: &End, new: &NewRecord, metrics: &Metrics) -> Option<Result<Appended, AppendError>> {
    let mine = end.by_command(new.command_id)?;
    metrics.conflict(ConflictKind::Repeated);
    Some(Ok(Appended::AlreadyRecorded(mine.position)))
}

fn conflict(end: &End, expected: Option<Token>, metrics: &Metrics) -> AppendError {
    metrics.conflict(ConflictKind::Real);
    let version = expected.map_or(0, |token| token.version);
    AppendError::Conflict { winner: winner(end, version), version: end.version() }
}

/// A failure before anything was written.
fn before(error: ReadError) -> AppendError {
    match error {
        ReadError::Corrupt { position } | ReadError::Gap { expected: position, .. } => {
            AppendError::Corrupt { position }
        }
        other => AppendError::Unavailable(Box::new(other)),
    }
}
