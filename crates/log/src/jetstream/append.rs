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
    JetStreamLog,
    known::{Cache, End, winner},
    requests::Unanswered,
    store::{Store, pause},
};
use crate::{
    codec::encode_record,
    error::{AppendError, ReadError, Source},
    metrics::{ConflictKind, Metrics},
    record::{Appended, Hash, NewRecord, Prev, Recorded, Token},
};

/// How a message was answered.
pub(super) enum Answer {
    Written(Position),
    /// The subject's last record is another one.
    Refused,
    /// Nobody was there to take it: nothing was written.
    Nobody(Source),
    /// It may or may not be written.
    Silence(Source),
    /// The server cannot or may not take it: nothing was written.
    Unable(Source),
}

pub(super) async fn append(log: &JetStreamLog, new: &NewRecord) -> Result<Appended, AppendError> {
    let (store, cache, metrics) = (&*log.store, &log.cache, &log.store.metrics);
    // What is appended to a log without its end would stand where other records stood.
    log.head.lost().check().map_err(before)?;
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
        let version = expected.map_or(0, |token| token.version);
        let now = cache.reaching(store, &new.stream, version).await.map_err(before)?;
        return recognised(&now, new, metrics).unwrap_or_else(|| Err(conflict(&now, expected, metrics)));
    }
    let bytes = Bytes::from(encode_record(
        store.log_id,
        new,
        expected.map_or(0, |token| token.version) + 1,
        expected.map(Prev::from),
        recorded_at(new.at, last),
    ));
    let limit = store.config.max_record_bytes;
    if bytes.len() > limit {
        return Err(AppendError::TooLarge { bytes: bytes.len(), limit });
    }
    write(log, new, bytes).await
}

/// The writer's clock, or the time of the stream's last record, whichever is later; whole milliseconds.
fn recorded_at(clock: DateTime<Utc>, last: Option<Token>) -> DateTime<Utc> {
    let clock = clock.trunc_subsecs(3);
    last.map_or(clock, |last| last.recorded_at.max(clock))
}

/// Publishes until somebody takes or refuses it. To publish again is safe: the second can only be refused.
async fn write(log: &JetStreamLog, new: &NewRecord, bytes: Bytes) -> Result<Appended, AppendError> {
    let (store, cache, metrics) = (&*log.store, &log.cache, &log.store.metrics);
    let deadline = Instant::now() + Duration::from_millis(store.config.append_ms);
    let (mut tries, mut silent) = (0, false);
    loop {
        let seen = log.head.seen();
        let after = new.expect.token().map_or(0, |token| token.position.0);
        let message = PublishMessage::build().payload(bytes.clone());
        let why: Source = match publish(store, store.subject(&new.stream), after, message).await {
            Answer::Written(position) if position <= seen => {
                // Older records stood here: the log has lost its end, and this record went into what is left.
                log.head.is_lost(seen, position);
                return Err(AppendError::OutcomeUnknown(new.command_id));
            }
            Answer::Written(position) => return Ok(written(cache, position, bytes)),
            Answer::Refused => match cache.now(store, &new.stream).await {
                Ok(now) => match judge(&now, new, silent.then(|| Hash::of(&bytes))) {
                    Verdict::Ours(token) => return Ok(Appended::New(token)),
                    Verdict::Repeated(position) => {
                        metrics.conflict(ConflictKind::Repeated);
                        return Ok(Appended::AlreadyRecorded(position));
                    }
                    Verdict::Conflict => return Err(conflict(&now, new.expect.token(), metrics)),
                    Verdict::Undecided => Box::new(Undecided),
                },
                Err(error) => Box::new(error),
            },
            Answer::Nobody(error) => error,
            Answer::Unable(error) if silent => error,
            Answer::Unable(error) => return Err(AppendError::Unavailable(error)),
            Answer::Silence(error) => {
                silent = true;
                error
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

/// What a refused append finds.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The very record: its first acknowledgement was lost.
    Ours(Token),
    /// The command was answered before.
    Repeated(Position),
    /// Somebody recorded first.
    Conflict,
    /// Another write, perhaps our own first one, is under way; or who answered the look is behind: a stream only grows.
    Undecided,
}

/// `sent` is the hash of what was sent before without hearing of it.
fn judge(now: &End, new: &NewRecord, sent: Option<Hash>) -> Verdict {
    match now.by_command(new.command_id) {
        Some(mine) if sent == Some(mine.hash) => Verdict::Ours(mine.token()),
        Some(mine) => Verdict::Repeated(mine.position),
        None if now.version() > new.expect.token().map_or(0, |token| token.version) => Verdict::Conflict,
        None => Verdict::Undecided,
    }
}

/// Another write on the same stream has not been decided.
#[derive(Debug, thiserror::Error)]
#[error("another append to the stream is under way")]
struct Undecided;

/// Publishes a message, if the last one of its subject has the sequence `after` (0: if there is none).
pub(super) async fn publish(store: &Store, subject: String, after: u64, message: PublishMessage) -> Answer {
    let message = message.expected_stream(&store.config.stream).expected_last_subject_sequence(after);
    let sent = async { store.context.send_publish(subject.clone(), message).await?.await };
    let error = match store.in_time(sent).await {
        Ok(acknowledged) => return Answer::Written(Position(acknowledged.sequence)),
        Err(Unanswered::Error(error)) => error,
        // Forbidden to say it at all. (To hear the answer may be what is forbidden: then nobody knows.)
        Err(Unanswered::Denied(denied)) if denied.said.contains(&subject) => {
            return Answer::Unable(Box::new(denied));
        }
        Err(error) => return Answer::Silence(Box::new(error)),
    };
    match error.kind() {
        PublishErrorKind::WrongLastSequence => Answer::Refused,
        PublishErrorKind::StreamNotFound => Answer::Nobody(Box::new(error)),
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Answer::Silence(Box::new(error)),
        PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::MaxAckPending => {
            Answer::Unable(Box::new(error))
        }
        PublishErrorKind::WrongLastMessageId | PublishErrorKind::Other => match code(&error) {
            Some(code) if code.error_code() == UNDECIDED => Answer::Refused,
            Some(_) => Answer::Unable(Box::new(error)),
            // Not an answer of the server: something on the way.
            None => Answer::Silence(Box::new(error)),
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
        ReadError::LostEnd { head, .. } => AppendError::Corrupt { position: head.next() },
        other => AppendError::Unavailable(Box::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conformance::{command, one, stream},
        record::Expect,
    };

    /// The first `n` records of a stream, by the commands 1, 2 and so on.
    fn records(n: u64) -> Vec<Recorded> {
        let mut records: Vec<Recorded> = Vec::new();
        for number in 1..=n {
            let last = records.last().map(Recorded::token);
            let new = one(&stream("a"), Expect::after(last), command(number));
            let prev = last.map(Prev::from);
            let bytes = encode_record(uuid::Uuid::nil(), &new, number, prev, new.at);
            records.push(Recorded::parse(Position(10 * number), bytes.into()).unwrap());
        }
        records
    }

    #[test]
    fn a_refused_append_is_judged_by_what_stands_there() {
        let all = records(5);
        let ours = all[3].clone();
        // Everybody appends after the third record; `stands` of the stream are seen.
        let check = |stands: usize, id: u64, sent: Option<Hash>, expected: &Verdict| {
            let now = End::of(all[..stands].to_vec());
            let new = one(&stream("a"), Expect::Exact(all[2].token()), command(id));
            assert_eq!(judge(&now, &new, sent), *expected, "{stands} records, command {id}, sent {sent:?}");
        };
        check(4, 4, Some(ours.hash), &Verdict::Ours(ours.token()));
        check(5, 4, Some(ours.hash), &Verdict::Ours(ours.token()));
        // Somebody else answered the same command, or we never sent it.
        check(4, 4, Some(all[0].hash), &Verdict::Repeated(ours.position));
        check(4, 4, None, &Verdict::Repeated(ours.position));
        check(5, 9, None, &Verdict::Conflict);
        check(4, 9, Some(ours.hash), &Verdict::Conflict);
        check(3, 9, None, &Verdict::Undecided);
        // Shorter than what was seen: who answers is behind, and may not know that ours is written.
        check(2, 9, Some(ours.hash), &Verdict::Undecided);
        check(0, 9, None, &Verdict::Undecided);
    }
}
