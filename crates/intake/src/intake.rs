//! A delivery: its bytes first, then its elements.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{
    Clock, IdKey, Inbound, MessageId, Position, SystemClock,
    inbound::Channel,
    message::{Received, Refusal},
};
use zholdary_log::{AppendError, Decider, DeciderError, EventLog};

use crate::{
    config::Config,
    error::Error,
    lanes::lanes,
    metrics::{Metrics, Outcome},
    raw::RawStore,
    record::{Recorded, Recorder, refused},
};

/// What became of one delivery. Everything named here is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Name of the raw bytes.
    pub raw: String,
    /// Residents' messages that are stored since now, in the order of the delivery.
    pub messages: Vec<MessageId>,
    /// Residents' messages that had been stored before.
    pub repeated: Vec<MessageId>,
    /// Every message in its order: stored now, stored before, and words of the platform that somebody's keys changed. Each is
    /// placed or set aside by `register`.
    pub all: Vec<MessageId>,
    /// Edits, withdrawals, delivery marks, messages of ours and changed keys that are recorded since now.
    pub told: usize,
    /// Elements that lead to nothing by their channel's rules.
    pub ignored: usize,
    /// Places of the elements kept for a person.
    pub parked: Vec<u32>,
    /// The highest position of what this delivery says, stored now or before; [`Position::START`] when it says nothing.
    pub position: Position,
}

/// Takes deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    recorder: Recorder,
    raw: Arc<dyn RawStore>,
    clock: Arc<dyn Clock>,
    config: Config,
    metrics: Metrics,
}

impl Intake {
    /// Takes deliveries into `log` and `raw`, with ids made under `id_key`.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        id_key: IdKey,
        raw: Arc<dyn RawStore>,
        clock: Arc<dyn Clock>,
        config: Config,
        metrics: Metrics,
    ) -> Self {
        let recorder = Recorder {
            decider: Decider::new(log, Arc::clone(&clock)).with_retry(config.retry.clone()),
            key: id_key,
            ahead: TimeDelta::seconds(config.ahead_seconds.into()),
        };
        Self { inner: Arc::new(Inner { recorder, raw, clock, config, metrics }) }
    }

    /// The key under which ids of messages and contacts are made.
    #[must_use]
    pub fn id_key(&self) -> &IdKey {
        &self.inner.recorder.key
    }

    /// Where the raw bytes are.
    #[must_use]
    pub fn raw(&self) -> &dyn RawStore {
        self.inner.raw.as_ref()
    }

    /// Takes what `channel` delivered: `raw`, and the `elements` parsed from it. Answers when all of it is durable.
    ///
    /// Elements of different people are recorded at once, those of one person in their order. An element that can never
    /// be recorded is parked and its neighbours go on.
    ///
    /// # Errors
    ///
    /// [`Error`]: the delivery must come again. What was recorded stays, and is recognised then.
    pub async fn take(&self, channel: Channel, raw: Bytes, elements: Vec<Inbound>) -> Result<Taken, Error> {
        let began = Instant::now();
        let taken = self.inner.take(channel, raw, elements).await;
        self.inner.metrics.delivery(channel, taken.is_ok(), began.elapsed().as_secs_f64());
        taken
    }

    /// The message `id` as it was first received, if it was. An `Idempotency-Key` used again with another body shows here:
    /// `raw` is then not [`Taken::raw`].
    ///
    /// # Errors
    ///
    /// [`Error::Record`] when the log cannot be read.
    pub async fn received(&self, id: MessageId) -> Result<Option<Box<Received>>, Error> {
        let loaded = self.inner.recorder.decider.load(&id.into()).await;
        loaded.map(|loaded| loaded.state.received).map_err(|error| Error::Record(refused(error)))
    }

    /// Erases old raw bodies once an hour until `stop`, by the wall's clock: how long they are kept is promised to people, and
    /// a played clock may show any year.
    pub async fn keep_clean(self, stop: CancellationToken) {
        let mut hourly = tokio::time::interval(std::time::Duration::from_secs(3600));
        while stop.run_until_cancelled(hourly.tick()).await.is_some() {
            match self.inner.raw.purge(SystemClock.now()).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "erased {erased} raw bodies past their time"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "old raw bodies could not be erased; tried again in an hour")
                }
            }
        }
    }
}

/// An element and its place in the delivery.
type Placed = (u32, Inbound);
/// What became of the element at a place.
type Fate = (u32, Result<Option<Recorded>, DeciderError<Refusal>>);

impl Inner {
    async fn take(&self, channel: Channel, raw: Bytes, elements: Vec<Inbound>) -> Result<Taken, Error> {
        let now = self.clock.now();
        let mut taken = Taken::default();
        let mut kept = Vec::new();
        let mut work: Vec<(_, Placed)> = Vec::new();
        for (place, element) in (0_u32..).zip(elements) {
            match element {
                Inbound::Nothing { .. } => taken.ignored += 1,
                Inbound::Kept { why } => kept.push((place, why)),
                element => work.push((self.recorder.lane(&element), (place, element))),
            }
        }
        taken.parked = kept.iter().map(|(place, _)| *place).collect();
        let bytes = raw.len();
        taken.raw = self.raw.put(channel, raw, SystemClock.now(), kept).await?;
        self.metrics.kept_raw(channel, bytes);
        (0..taken.ignored).for_each(|_| self.metrics.element(channel, Outcome::Nothing));
        (0..taken.parked.len()).for_each(|_| self.metrics.element(channel, Outcome::Parked));

        let mut fates: Vec<Fate> = stream::iter(lanes(work))
            .map(|lane| self.lane(lane, &taken.raw, now))
            .buffer_unordered(self.config.parallel.max(1))
            .flat_map(stream::iter)
            .collect()
            .await;
        fates.sort_by_key(|(place, _)| *place);
        self.settle(channel, fates, taken).await
    }

    /// Records a lane in its order, up to the first element that must come again.
    async fn lane(&self, lane: Vec<Placed>, raw: &str, now: DateTime<Utc>) -> Vec<Fate> {
        let mut fates = Vec::with_capacity(lane.len());
        for (place, element) in lane {
            let fate = self.recorder.record(element, raw, now).await;
            let stop = fate.as_ref().is_err_and(|error| never(error).is_none());
            fates.push((place, fate));
            if stop {
                break;
            }
        }
        fates
    }

    async fn settle(&self, channel: Channel, fates: Vec<Fate>, mut taken: Taken) -> Result<Taken, Error> {
        let mut failed = None;
        let mut parked = Vec::new();
        for (place, fate) in fates {
            let (outcome, position) = match fate {
                Ok(Some(Recorded::Message { id, written, handled })) => {
                    taken.all.push(id);
                    let outcome = match (written, handled.new) {
                        (true, true) => {
                            taken.messages.push(id);
                            Outcome::Message
                        }
                        (true, false) => {
                            taken.repeated.push(id);
                            Outcome::Repeated
                        }
                        (false, true) => Outcome::Told,
                        (false, false) => Outcome::ToldAgain,
                    };
                    (outcome, handled.position)
                }
                Ok(Some(Recorded::Told(handled))) => {
                    (if handled.new { Outcome::Told } else { Outcome::ToldAgain }, handled.position)
                }
                Ok(None) => (Outcome::Nothing, Position::START),
                Err(error) => {
                    let outcome = match never(&error) {
                        Some(why) => {
                            tracing::warn!(%error, raw = %taken.raw, place, "parked an element: {why}");
                            parked.push((place, why));
                            Outcome::Parked
                        }
                        None => {
                            failed.get_or_insert(error);
                            Outcome::Failed
                        }
                    };
                    (outcome, Position::START)
                }
            };
            taken.told += usize::from(outcome == Outcome::Told);
            taken.position = taken.position.max(position);
            self.metrics.element(channel, outcome);
        }
        taken.parked.extend(parked.iter().map(|(place, _)| *place));
        if !parked.is_empty() {
            self.raw.keep(&taken.raw, channel, SystemClock.now(), parked).await?;
        }
        match failed {
            Some(error) => Err(Error::Record(error)),
            None => Ok(taken),
        }
    }
}

/// Why an element can never be recorded; nothing when the delivery must come again.
fn never(error: &DeciderError<Refusal>) -> Option<&'static str> {
    match error {
        DeciderError::Append { source: AppendError::TooLarge { .. }, .. } => {
            Some("larger than the log takes")
        }
        DeciderError::Encode { .. } => Some("does not serialise"),
        DeciderError::Decode { .. } => Some("about a message that does not read"),
        DeciderError::Refused(_) => Some("refused"),
        DeciderError::Contended { .. } | DeciderError::Load { .. } | DeciderError::Append { .. } => None,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
