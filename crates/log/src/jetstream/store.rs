//! Records as the servers keep them: asked for one by one, or in pages.

use std::time::Duration;

use async_nats::{
    StatusCode,
    header::{NATS_SEQUENCE, NATS_SUBJECT},
    jetstream::{
        self,
        message::StreamMessage,
        stream::{DirectGetErrorKind, LastRawMessageErrorKind, RawMessageError, Stream as Messages},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::Instant;
use uuid::Uuid;
use zholdary_domain::{Position, StreamId};

use super::{
    JetStreamConfig,
    requests::{Requests, Unanswered},
};
use crate::{
    error::{ReadError, Source},
    metrics::Metrics,
    record::Recorded,
};

/// The stream of the servers that is the log.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) context: jetstream::Context,
    pub(super) messages: Messages,
    pub(super) config: JetStreamConfig,
    pub(super) log_id: Uuid,
    pub(super) requests: Requests,
    pub(super) metrics: Metrics,
}

/// A message of it, believed nothing yet.
pub(super) struct Raw {
    pub(super) position: Position,
    pub(super) subject: String,
    pub(super) bytes: Bytes,
}

impl Store {
    pub(super) fn subject(&self, stream: &StreamId) -> String {
        format!("{}.{stream}", self.config.subjects)
    }

    /// Reads a message as a record of this log.
    pub(super) fn record(&self, raw: Raw) -> Result<Recorded, ReadError> {
        let corrupt = ReadError::Corrupt { position: raw.position };
        match Recorded::parse(raw.position, raw.bytes) {
            Ok(record) if record.log_id == self.log_id && self.subject(&record.stream) == raw.subject => {
                Ok(record)
            }
            _ => Err(corrupt),
        }
    }

    /// Waits for one request, no longer than the settings allow.
    pub(super) async fn in_time<T, E: std::error::Error + 'static>(
        &self,
        request: impl IntoFuture<Output = Result<T, E>>,
    ) -> Result<T, Unanswered<E>> {
        self.requests.run(request).await
    }

    /// The end of the log, as its leader knows it.
    pub(super) async fn head(&self) -> Result<Position, ReadError> {
        let info = self.in_time(self.messages.get_info()).await.map_err(unavailable)?;
        Ok(Position(info.state.last_sequence))
    }

    /// The end of the log for a reader who stands at `after`. Another server may have told it of that record before the leader
    /// does, so one that ends before it is asked again, for as long as a request may take.
    pub(super) async fn head_for(&self, after: Position) -> Result<Position, ReadError> {
        self.insist(|| self.head(), |head| *head >= after).await
    }

    /// Asks until an answer is as expected, for as long as a request may take; answers the last one.
    pub(super) async fn insist<T, F>(
        &self,
        ask: impl Fn() -> F,
        is_expected: impl Fn(&T) -> bool,
    ) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        let deadline = Instant::now() + self.config.request();
        let mut tries = 0;
        loop {
            let answer = ask().await?;
            if is_expected(&answer) || Instant::now() >= deadline {
                return Ok(answer);
            }
            tries += 1;
            tokio::time::sleep(pause(tries)).await;
        }
    }

    /// The last record of `stream`, as the leader knows it.
    pub(super) async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        let last = self.last_message(&self.subject(stream)).await?;
        last.map(|message| self.record(raw(message))).transpose()
    }

    /// The last message of `subject`, as the leader knows it.
    pub(super) async fn last_message(&self, subject: &str) -> Result<Option<StreamMessage>, ReadError> {
        found(self.in_time(self.messages.get_last_raw_message_by_subject(subject)).await)
    }

    /// The record at `position`: of any server, and when that one does not have it yet, of the leader.
    pub(super) async fn at(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        let raw = match self.in_time(self.messages.direct_get(position.0)).await {
            Ok(found) => Some(raw(found)),
            Err(Unanswered::Error(error)) if error.kind() == DirectGetErrorKind::NotFound => {
                self.at_leader(position).await?
            }
            Err(error) => return Err(unavailable(error)),
        };
        raw.map(|raw| self.record(raw)).transpose()
    }

    async fn at_leader(&self, position: Position) -> Result<Option<Raw>, ReadError> {
        Ok(found(self.in_time(self.messages.get_raw_message(position.0)).await)?.map(raw))
    }

    /// Asks the leader until it has the message, and believes that there is none when it says so for as long as a request may
    /// take: a leader of yesterday does not know yet that it was replaced.
    async fn surely_at_leader(&self, position: Position) -> Result<Option<Raw>, ReadError> {
        self.insist(|| self.at_leader(position), Option::is_some).await
    }

    /// The messages after `after`, without a hole, when the log is known to reach `known`. What the server that answered lacks
    /// is asked of the leader.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gap`] when the leader lacks it too, [`ReadError::LostEnd`] when its log ends before it.
    pub(super) async fn dense(
        &self,
        after: Position,
        limit: usize,
        known: Position,
    ) -> Result<Vec<Raw>, ReadError> {
        let mut page = self.page(after, limit).await?;
        let dense = page.iter().zip(after.0 + 1..).take_while(|(raw, next)| raw.position.0 == *next).count();
        let beyond = page.get(dense).map(|raw| raw.position).or((known > after).then_some(known));
        page.truncate(dense);
        // What follows a hole comes with the next page.
        let (true, Some(found)) = (page.is_empty() && limit > 0, beyond) else { return Ok(page) };
        let expected = after.next();
        if let Some(raw) = self.surely_at_leader(expected).await? {
            return Ok(vec![raw]);
        }
        let head = self.head().await?;
        if head < expected {
            return Err(ReadError::LostEnd { seen: found, head });
        }
        self.metrics.gaps.inc();
        tracing::error!(%expected, %found, "records are missing from the log");
        Err(ReadError::Gap { expected, found })
    }

    /// [`Store::dense`], read as records.
    pub(super) async fn records(
        &self,
        after: Position,
        limit: usize,
        known: Position,
    ) -> Result<Vec<Recorded>, ReadError> {
        let page = self.dense(after, limit, known).await?;
        page.into_iter().map(|raw| self.record(raw)).collect()
    }

    /// The messages after `after` that one server has: at most `limit`, fewer when they are large. It may be behind the leader.
    ///
    /// One request of the server's batched direct get, which the client has no call for (ADR-31 of NATS).
    pub(super) async fn page(&self, after: Position, limit: usize) -> Result<Vec<Raw>, ReadError> {
        let client = self.context.client();
        let inbox = client.new_inbox();
        let mut answers = self.in_time(client.subscribe(inbox.clone())).await.map_err(unavailable)?;
        let wanted = serde_json::json!({
            "seq": after.0 + 1,
            "batch": limit.min(self.config.page_records),
            "max_bytes": self.config.page_bytes,
        });
        let subject = format!("$JS.API.DIRECT.GET.{}", self.config.stream);
        let request = client.publish_with_reply(subject, inbox, wanted.to_string().into());
        self.in_time(request).await.map_err(unavailable)?;
        let mut page = Vec::new();
        loop {
            let answer = async { answers.next().await.ok_or(Broken("the answers ended")) };
            let answer = self.in_time(answer).await.map_err(unavailable)?;
            match answer.status {
                // The end of the batch, or nothing there.
                Some(status) if [204, 404].contains(&status.as_u16()) => return Ok(page),
                Some(StatusCode::NO_RESPONDERS) => {
                    return Err(unavailable(Broken("no server has the log now")));
                }
                Some(status) => {
                    return Err(unavailable(Refused(status, answer.description.unwrap_or_default())));
                }
                None => {}
            }
            let headers = answer.headers.as_ref();
            let header = |name| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str());
            let position = header(NATS_SEQUENCE).and_then(|sequence| sequence.parse().ok());
            let (Some(position), Some(subject)) = (position, header(NATS_SUBJECT)) else {
                return Err(unavailable(Broken("an answer without sequence or subject")));
            };
            let position = Position(position);
            page.push(Raw { position, subject: subject.to_owned(), bytes: answer.payload });
        }
    }
}

fn raw(message: StreamMessage) -> Raw {
    Raw {
        position: Position(message.sequence),
        subject: message.subject.to_string(),
        // Its own copy: what is kept would hold the whole buffer that the connection read it into.
        bytes: Bytes::copy_from_slice(&message.payload),
    }
}

/// What a leader has, or not.
pub(super) fn found(
    answer: Result<StreamMessage, Unanswered<RawMessageError>>,
) -> Result<Option<StreamMessage>, ReadError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Unanswered::Error(error)) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// A server that does not answer as it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub(super) &'static str);

/// A server that says no.
#[derive(Debug, thiserror::Error)]
#[error("the server says {0} {1}")]
struct Refused(StatusCode, String);

pub(super) fn unavailable(error: impl Into<Source>) -> ReadError {
    ReadError::Unavailable(error.into())
}

/// How long to wait before the `tries`-th try: from a few milliseconds up to a quarter of a second.
pub(super) fn pause(tries: u32) -> Duration {
    Duration::from_millis((5 << tries.min(6)).min(250))
}
