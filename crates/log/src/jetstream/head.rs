//! Where the log ends: hearing that it grows, and noticing when it has lost its end.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::consumer::{DeliverPolicy, pull::OrderedConfig};
use futures::StreamExt;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};
use zholdary_domain::Position;

use super::store::{Store, pause};
use crate::{error::ReadError, metrics::Metrics};

/// Where a log ends, as far as this process has heard. It only grows: a log that ends earlier has lost its end.
#[derive(Clone)]
pub(super) struct Head {
    position: Arc<watch::Sender<Position>>,
    lost: Lost,
    metrics: Metrics,
}

/// Where a log that lost its end was, and where it ends now.
#[derive(Clone, Default)]
pub(super) struct Lost {
    seen_and_head: Arc<Mutex<Option<(Position, Position)>>>,
}

impl Lost {
    /// # Errors
    ///
    /// [`ReadError::LostEnd`] once the log was found to end before what was seen of it.
    pub(super) fn check(&self) -> Result<(), ReadError> {
        let lost = *self.seen_and_head.lock().unwrap_or_else(PoisonError::into_inner);
        lost.map_or(Ok(()), |(seen, head)| Err(ReadError::LostEnd { seen, head }))
    }

    /// Answers whether that is new.
    fn set(&self, seen: Position, head: Position) -> bool {
        let mut lost = self.seen_and_head.lock().unwrap_or_else(PoisonError::into_inner);
        lost.replace((seen, head)).is_none()
    }
}

impl Head {
    pub(super) fn new(position: Position, metrics: Metrics) -> Self {
        let position_sender = Arc::new(watch::Sender::new(Position::START));
        let head = Self { position: position_sender, lost: Lost::default(), metrics };
        head.reached(position);
        head
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    pub(super) fn seen(&self) -> Position {
        *self.position.borrow()
    }

    pub(super) const fn lost(&self) -> &Lost {
        &self.lost
    }

    pub(super) fn reached(&self, position: Position) {
        self.position.send_if_modified(|known| {
            let grown = position > *known;
            if grown {
                *known = position;
                #[expect(clippy::cast_possible_wrap, reason = "a log of 2^63 records does not exist")]
                self.metrics.head.set(position.0 as i64);
            }
            grown
        });
    }

    /// Asks the leader.
    ///
    /// # Errors
    ///
    /// [`ReadError::LostEnd`] when it ends before what this process has seen, and that is no leader of yesterday which does
    /// not know yet that it was replaced.
    pub(super) async fn ask(&self, store: &Store) -> Result<Position, ReadError> {
        // Once lost it stays so: others may have written as much again, and it is another log all the same.
        self.lost.check()?;
        let ask = || async {
            let seen = self.seen();
            store.head().await.map(|head| (seen, head))
        };
        let (seen, head) = store.insist(ask, |(seen, head)| head >= seen).await?;
        if head < seen {
            return Err(self.is_lost(seen, head));
        }
        self.reached(head);
        Ok(head)
    }

    /// The log, seen up to `seen`, ends at `head`: tails and writers stop.
    pub(super) fn is_lost(&self, seen: Position, head: Position) -> ReadError {
        let error = ReadError::LostEnd { seen, head };
        if self.lost.set(seen, head) {
            self.metrics.gaps.inc();
            tracing::error!(%seen, %head, "{error}");
            // Nothing grew, but tails that wait must look.
            self.position.send_modify(|_| {});
        }
        error
    }
}

/// Follows the log's end until it is dropped: a consumer tells at once, and the leader is asked now and then, in case the
/// consumer has fallen silent. A silent one is made anew.
pub(super) async fn follow(store: Arc<Store>, head: Head) {
    let mut tries = 0;
    loop {
        let began = Instant::now();
        let ended = listen(&store, &head).await;
        tries = if began.elapsed() > Duration::from_secs(10) { 0 } else { tries + 1 };
        tracing::debug!(why = ended, "listens anew for the end of the log");
        // Without a listener the leader still tells.
        let _ = head.ask(&store).await;
        tokio::time::sleep(pause(tries)).await;
    }
}

/// Answers why it ended.
async fn listen(store: &Store, head: &Head) -> &'static str {
    let Ok(position) = head.ask(store).await else { return "the leader does not answer, or lost the end" };
    let config = OrderedConfig {
        description: Some("hears that the log grows".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: position.0 + 1 },
        headers_only: true,
        ..OrderedConfig::default()
    };
    let Ok(consumer) = store.in_time(store.messages.create_consumer(config)).await else {
        return "no consumer";
    };
    let Ok(mut messages) = store.in_time(consumer.messages()).await else { return "no messages" };
    let mut heard = position;
    let mut asks = tokio::time::interval(Duration::from_millis(store.config.poll_ms));
    asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut behind = None;
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(message)) => {
                    let Ok(info) = message.info() else { return "a message without its sequence" };
                    heard = Position(info.stream_sequence);
                    head.reached(heard);
                }
                Some(Err(_)) | None => return "the consumer failed",
            },
            _ = asks.tick() => {
                let Ok(position) = head.ask(store).await else {
                    return "the leader does not answer, or lost the end";
                };
                // Twice behind the same place: it sleeps.
                if behind.is_some_and(|behind| heard < behind) {
                    return "the consumer fell silent";
                }
                behind = (heard < position).then_some(position);
            }
        }
    }
}
