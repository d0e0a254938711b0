//! What is far behind the end of the log is read by a consumer: the servers send it in one row, where a page of direct gets is
//! asked for only when the one before it has come, and names its log and position in headers that cost more than a record.

use std::time::Duration;

use async_nats::jetstream::consumer::{
    AckPolicy, DeliverPolicy,
    pull::{self, Config},
};
use futures::StreamExt;
use tokio::{sync::Mutex, time::Instant};
use zholdary_domain::Position;

use super::store::{Broken, Raw, Store, unavailable};
use crate::error::ReadError;

/// The servers forget a consumer that nobody asks for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// When a consumer failed, the next is tried so much later. Pages are read without one meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The consumer of one reader, while it is far behind.
#[derive(Default)]
pub(super) struct Bulk(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Reads(Box<Reads>),
    Failed(Instant),
}

struct Reads {
    messages: pull::Stream,
    after: Position,
}

impl Bulk {
    /// [`Store::dense`], by whichever way is the better one.
    ///
    /// # Errors
    ///
    /// As there.
    pub(super) async fn dense(
        &self,
        store: &Store,
        after: Position,
        limit: usize,
        known: Position,
    ) -> Result<Vec<Raw>, ReadError> {
        match self.page(store, after, limit, known).await {
            Some(page) => Ok(page),
            None => store.dense(after, limit, known).await,
        }
    }

    #[cfg(test)]
    pub(super) async fn reads(&self) -> bool {
        matches!(*self.0.lock().await, State::Reads(_))
    }

    /// None when pages are the better way: `after` is not far behind `known`, or no consumer tells.
    async fn page(&self, store: &Store, after: Position, limit: usize, known: Position) -> Option<Vec<Raw>> {
        let behind = known.0.saturating_sub(after.0);
        let mut state = self.0.lock().await;
        // Taken out: a page that is given up half-way has lost what it held.
        let reads = match std::mem::take(&mut *state) {
            State::Reads(reads) if reads.after == after => Ok(reads),
            State::Failed(at) if at.elapsed() < AGAIN_AFTER => {
                *state = State::Failed(at);
                return None;
            }
            _ if behind < store.config.bulk_records => return None,
            _ => Reads::begin(store, after).await.map(Box::new),
        };
        let limit = limit.min(store.config.page_records).min(usize::try_from(behind).unwrap_or(usize::MAX));
        let read = async {
            let mut reads = reads?;
            let page = reads.page(store, limit).await?;
            Ok::<_, ReadError>((reads, page))
        };
        match read.await {
            Ok((reads, page)) => {
                if reads.after < known {
                    *state = State::Reads(reads);
                }
                Some(page)
            }
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "no consumer reads the log: it is read in pages"
                );
                *state = State::Failed(Instant::now());
                None
            }
        }
    }
}

impl Reads {
    async fn begin(store: &Store, after: Position) -> Result<Self, ReadError> {
        let config = Config {
            description: Some("reads what is far behind".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.0 + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let consumer = store.in_time(store.messages.create_consumer(config)).await.map_err(unavailable)?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(store.config.page_records)
            .max_bytes_per_batch(store.config.page_bytes)
            .messages();
        let messages = store.in_time(messages).await.map_err(unavailable)?;
        Ok(Self { messages, after })
    }

    /// The next `limit` messages, which are known to be there; fewer when they are large.
    async fn page(&mut self, store: &Store, limit: usize) -> Result<Vec<Raw>, ReadError> {
        let (mut page, mut bytes) = (Vec::with_capacity(limit), 0);
        while page.len() < limit && bytes < store.config.page_bytes {
            let next = async { self.messages.next().await.ok_or(Broken("the consumer ended")) };
            let message = store.in_time(next).await.map_err(unavailable)?.map_err(unavailable)?;
            let info = message.info().map_err(|_| unavailable(Broken("a message without its sequence")))?;
            let position = Position(info.stream_sequence);
            if position != self.after.next() {
                // Whether that is a hole, who reads in pages finds out.
                return Err(unavailable(Broken("the consumer left something out")));
            }
            self.after = position;
            bytes += message.payload.len();
            let async_nats::Message { subject, payload, .. } = message.message;
            page.push(Raw { position, subject: subject.into_string(), bytes: payload });
        }
        Ok(page)
    }
}
