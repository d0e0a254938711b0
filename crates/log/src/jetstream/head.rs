//! Hearing that the log grows.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::consumer::{DeliverPolicy, pull::OrderedConfig};
use futures::StreamExt;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};
use zholdary_domain::Position;

use super::store::Store;
use crate::metrics::Metrics;

/// Where a log ends, as far as this process has heard. It only grows.
#[derive(Clone)]
pub(super) struct Head {
    position: Arc<watch::Sender<Position>>,
    metrics: Metrics,
}

impl Head {
    pub(super) fn new(position: Position, metrics: Metrics) -> Self {
        let head = Self { position: Arc::new(watch::Sender::new(Position::START)), metrics };
        head.reached(position);
        head
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
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
        if let Ok(position) = store.head().await {
            head.reached(position);
        }
        tokio::time::sleep(super::store::pause(tries)).await;
    }
}

/// Answers why it ended.
async fn listen(store: &Store, head: &Head) -> &'static str {
    let Ok(position) = store.head().await else { return "the leader does not answer" };
    head.reached(position);
    let config = OrderedConfig {
        description: Some("hears that the log grows".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: position.0 + 1 },
        headers_only: true,
        ..OrderedConfig::default()
    };
    let Ok(consumer) = store.messages.create_consumer(config).await else { return "no consumer" };
    let Ok(mut messages) = consumer.messages().await else { return "no messages" };
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
                let Ok(position) = store.head().await else { return "the leader does not answer" };
                head.reached(position);
                // Twice behind the same place: it sleeps.
                if behind.is_some_and(|behind| heard < behind) {
                    return "the consumer fell silent";
                }
                behind = (heard < position).then_some(position);
            }
        }
    }
}
