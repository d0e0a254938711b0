//! Records as the servers keep them: asked for one by one, or in pages.

use std::time::Duration;

use async_nats::{
    StatusCode,
    header::{NATS_SEQUENCE, NATS_SUBJECT},
    jetstream::{
        self,
        stream::{DirectGetErrorKind, LastRawMessageErrorKind, RawMessageError, Stream as Messages},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use uuid::Uuid;
use zholdary_domain::{Position, StreamId};

use super::JetStreamConfig;
use crate::{
    error::{ReadError, Source},
    record::Recorded,
};

/// The stream of the servers that is the log.
pub(super) struct Store {
    pub(super) context: jetstream::Context,
    pub(super) messages: Messages,
    pub(super) config: JetStreamConfig,
    pub(super) log_id: Uuid,
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

    /// The end of the log, as its leader knows it.
    pub(super) async fn head(&self) -> Result<Position, ReadError> {
        let info = self.messages.get_info().await.map_err(unavailable)?;
        Ok(Position(info.state.last_sequence))
    }

    /// The last record of `stream`, as the leader knows it.
    pub(super) async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        let found = self.messages.get_last_raw_message_by_subject(&self.subject(stream)).await;
        self.found(found)
    }

    /// The record at `position`: of any server, and when that one does not have it yet, of the leader.
    pub(super) async fn at(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        match self.messages.direct_get(position.0).await {
            Ok(found) => self.found(Ok(found)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => self.at_leader(position).await,
            Err(error) => Err(unavailable(error)),
        }
    }

    pub(super) async fn at_leader(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        self.found(self.messages.get_raw_message(position.0).await)
    }

    fn found(
        &self,
        found: Result<jetstream::message::StreamMessage, RawMessageError>,
    ) -> Result<Option<Recorded>, ReadError> {
        match found {
            Ok(found) => {
                let position = Position(found.sequence);
                let raw = Raw { position, subject: found.subject.to_string(), bytes: found.payload };
                self.record(raw).map(Some)
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The messages after `after` that one server has: at most `limit`, fewer when they are large. It may be behind the leader.
    ///
    /// One request of the server's batched direct get, which the client has no call for (ADR-31 of NATS).
    pub(super) async fn page(&self, after: Position, limit: usize) -> Result<Vec<Raw>, ReadError> {
        let client = self.context.client();
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        let wanted = serde_json::json!({
            "seq": after.0 + 1,
            "batch": limit.min(self.config.page_records),
            "max_bytes": self.config.page_bytes,
        });
        let subject = format!("$JS.API.DIRECT.GET.{}", self.config.stream);
        let request = client.publish_with_reply(subject, inbox, wanted.to_string().into());
        request.await.map_err(unavailable)?;
        let mut page = Vec::new();
        loop {
            let answer = tokio::time::timeout(self.config.request(), answers.next()).await;
            let answer =
                answer.map_err(unavailable)?.ok_or_else(|| unavailable(Broken("the answers ended")))?;
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

/// A server that does not answer as it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(&'static str);

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
