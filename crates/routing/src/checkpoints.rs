//! What workers keep of how far they came: what may stand in it, when, and who writes it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zholdary_domain::Position;
use zholdary_log::{Checkpoint, EventLog, Prev, ReadError};

use crate::{Error, Parts, Progress};

/// Records that a worker's checkpoint leaves out: each start asks about them again, until a release reads them.
#[derive(Debug, Clone, Default)]
pub struct Unfinished(Arc<Mutex<BTreeSet<Position>>>);

impl Unfinished {
    fn positions(&self) -> MutexGuard<'_, BTreeSet<Position>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves out the record at `position`.
    pub fn add(&self, position: Position) {
        self.positions().insert(position);
    }

    /// That everything up to `finished` is finished but for these, of a worker that has read up to `read`.
    pub(crate) fn checkpoint(&self, finished: Position, read: Prev) -> Checkpoint {
        let but = self.positions().range(..=finished).copied().collect();
        Checkpoint { finished, but, read, looked_until: None }
    }

    pub(crate) fn forget(&self) {
        self.positions().clear();
    }
}

/// A checkpoint that is kept once its worker has read behind everything that it recorded so far: a log that lost these records must
/// not believe it.
#[derive(Debug, Default)]
pub(crate) struct Firm(Option<(Checkpoint, Position)>);

impl Firm {
    /// Offers what is finished now to a worker that has read up to `read`. Answers what may be kept.
    pub(crate) async fn offer(
        &mut self,
        log: &dyn EventLog,
        read: Prev,
        finished: impl FnOnce() -> Checkpoint,
    ) -> Result<Option<Checkpoint>, ReadError> {
        let mut firm = self.0.take_if(|(_, behind)| *behind <= read.position).map(|(kept, _)| kept);
        if self.0.is_none() {
            let (now, behind) = (finished(), log.head().await?);
            if behind <= read.position {
                firm = Some(now);
            } else {
                self.0 = Some((now, behind));
            }
        }
        Ok(firm.map(|kept| Checkpoint { read, ..kept }))
    }
}

/// The last checkpoint that `worker` kept, when it speaks of this log. Without one everything is asked again.
pub(crate) async fn last_kept(worker: &'static str, parts: &Parts) -> Option<Checkpoint> {
    let found = async {
        match parts.checkpoints.read(worker).await? {
            Some(checkpoint) if !checkpoint.is_of(parts.log.as_ref()).await? => {
                warn!(worker, "the checkpoint of {worker} is of another log: it is not used");
                Ok(None)
            }
            found => Ok::<_, zholdary_log::ReadError>(found),
        }
    };
    found.await.unwrap_or_else(|error| {
        warn!(
            worker,
            error = &error as &dyn std::error::Error,
            "the checkpoint of {worker} cannot be read: it asks everything again"
        );
        None
    })
}

/// The checkpoint of a worker whose only news is that time went by is kept this often.
const TIME_GOES_BY: TimeDelta = TimeDelta::minutes(1);

/// Keeps how far workers came while it is their turn. What is not kept costs a replay at the next start.
#[derive(Debug, Clone)]
pub struct Keeper {
    parts: Parts,
    /// Each worker, how far it came, and what was kept of it last.
    workers: Vec<(&'static str, Progress, Option<Checkpoint>)>,
    fails: bool,
}

impl Keeper {
    /// Keeps how far each of `workers` comes.
    pub fn new(parts: &Parts, workers: impl IntoIterator<Item = (&'static str, Progress)>) -> Self {
        let workers = workers.into_iter().map(|(worker, progress)| (worker, progress, None)).collect();
        Self { parts: parts.clone(), workers, fails: false }
    }

    /// Keeps now and then, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Error> {
        let mut look = tokio::time::interval(Duration::from_millis(self.parts.config.checkpoint_ms.max(1)));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            self.keep().await;
        }
        Ok(())
    }

    /// Keeps what there is.
    pub async fn keep(&mut self) {
        let Self { parts, workers, fails } = self;
        for (worker, progress, kept) in workers.iter_mut() {
            let Some(now) = progress.checkpoint() else { continue };
            if !parts.turn.is_ours() || !kept.as_ref().is_none_or(|kept| is_news(kept, &now)) {
                continue;
            }
            match parts.checkpoints.keep(worker, &now).await {
                Ok(()) => (*kept, *fails) = (Some(now), false),
                // Said once: it fails each second while it fails.
                Err(_) if *fails => {}
                Err(error) => {
                    *fails = true;
                    warn!(
                        worker,
                        error = &error as &dyn std::error::Error,
                        "the checkpoint of {worker} is not kept: a start would ask again"
                    );
                }
            }
        }
    }
}

fn is_news(kept: &Checkpoint, now: &Checkpoint) -> bool {
    let went_by =
        kept.looked_until.zip(now.looked_until).is_some_and(|(kept, now)| now - kept >= TIME_GOES_BY);
    (kept.finished, &kept.but) != (now.finished, &now.but) || went_by
}

#[cfg(test)]
mod tests {
    use zholdary_domain::{AppealId, CommandId, StreamId, number};
    use zholdary_log::{Cause, Decider, Expect, SqliteConfig, SqliteLog, streams::Numbers};
    use zholdary_testkit::HandClock;

    use super::*;

    /// What is finished is kept once everything that finished it is read, and not before.
    #[tokio::test]
    async fn a_checkpoint_waits_for_the_records_behind_it() {
        let data = tempfile::TempDir::new().unwrap();
        let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(data.path(), SqliteConfig::default()).unwrap());
        let clock = Arc::new(HandClock::at("2026-11-20T10:00:00+05:00"));
        let numbers: Decider<Numbers> = Decider::new(Arc::clone(&log), clock);
        let append = async |year: i32| {
            let given = vec![(AppealId::known_as(&format!("Z-{year}-000001").parse().unwrap()), 1)];
            let events = [number::Event::Given { last: 1, given }];
            let command = CommandId::named("test", &year.to_string());
            let stream = StreamId::numbers(year);
            numbers
                .handle_expecting(&stream, command, Cause::OUTSIDE, Expect::NoStream, &events)
                .await
                .unwrap();
        };
        let read = async |position: u64| {
            let record = log.read(Position(position - 1), 1).await.unwrap().remove(0);
            Prev { position: record.position, hash: record.hash }
        };
        let finished = |read: Prev| Checkpoint {
            finished: read.position,
            but: BTreeSet::new(),
            read,
            looked_until: None,
        };
        for year in 2020..2024 {
            append(year).await;
        }
        let mut firm = Firm::default();
        let second = read(2).await;
        let offered = firm.offer(log.as_ref(), second, || finished(second)).await.unwrap();
        assert_eq!(offered, None, "two records stand behind it unread");
        let third = read(3).await;
        let offered = firm.offer(log.as_ref(), third, || finished(third)).await.unwrap();
        assert_eq!(offered, None);
        append(2024).await;
        let fourth = read(4).await;
        let offered = firm.offer(log.as_ref(), fourth, || finished(fourth)).await.unwrap();
        let expected = Checkpoint { read: fourth, ..finished(second) };
        assert_eq!(offered, Some(expected), "what was offered first, by a record behind all of it");
        let fifth = read(5).await;
        let offered = firm.offer(log.as_ref(), fifth, || finished(fifth)).await.unwrap();
        assert_eq!(offered, Some(finished(fifth)), "nothing stands behind it");
    }
}
