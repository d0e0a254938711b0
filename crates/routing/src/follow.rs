//! How a worker goes along the log: it reads always, and appends in its turn.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Interval;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zholdary_domain::Position;
use zholdary_log::{Checkpoint, EventLog, Prev, ReadError, Recorded, Tail};

use crate::{
    Error, Parts, Progress, Ruleset,
    pending::{Answer, Batch, Pending},
    restart::Patience,
    turn::Gate,
};

/// Records that a worker's checkpoint leaves out: each start asks about them again, until a release reads them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unfinished(Arc<Mutex<BTreeSet<Position>>>);

impl Unfinished {
    fn positions(&self) -> MutexGuard<'_, BTreeSet<Position>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, position: Position) {
        self.positions().insert(position);
    }

    /// Those up to `position`.
    pub(crate) fn up_to(&self, position: Position) -> BTreeSet<Position> {
        self.positions().range(..=position).copied().collect()
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
pub(crate) async fn checkpoint(worker: &'static str, parts: &Parts) -> Option<Checkpoint> {
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

/// Goes along the log for a worker whose work is to answer records with records.
pub(crate) struct Follow<T> {
    worker: &'static str,
    parts: Parts,
    tail: Tail,
    gate: Gate,
    patience: Patience,
    /// When a worker that waits looks for what the one whose turn it is has finished.
    look: Interval,
    pending: Pending<T>,
    unfinished: Unfinished,
    /// It was said that no rules are in force.
    wants_city: bool,
    last: Option<Prev>,
    firm: Firm,
    progress: Progress,
}

impl<T> Follow<T> {
    /// Begins at the log's first record. What the worker's checkpoint says to be finished is not asked again.
    pub(crate) async fn begin(
        worker: &'static str,
        parts: &Parts,
        unfinished: &Unfinished,
        progress: &Progress,
    ) -> Self {
        unfinished.forget();
        let mut follow = Self {
            worker,
            parts: parts.clone(),
            tail: parts.log.tail(Position::START),
            gate: parts.turn.gate(),
            patience: Patience::new(worker, &parts.config),
            look: tokio::time::interval(Duration::from_millis(parts.config.standby_look_ms.max(1))),
            pending: Pending::default(),
            unfinished: unfinished.clone(),
            wants_city: false,
            last: None,
            firm: Firm::default(),
            progress: progress.clone(),
        };
        follow.look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        follow.leave_finished().await;
        follow
    }

    async fn leave_finished(&mut self) {
        if let Some(checkpoint) = checkpoint(self.worker, &self.parts).await {
            self.pending.finished(checkpoint);
        }
    }

    /// What follows in the log; nothing when only the turn began or ended. None at `stop`.
    pub(crate) async fn next(&mut self, stop: &CancellationToken) -> Result<Option<Vec<Recorded>>, Error> {
        loop {
            let waits = !self.gate.is_ours();
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                page = self.tail.next_page(self.parts.config.page_records) => match page {
                    Ok(page) => {
                        self.patience.rest();
                        if let Some(last) = page.last() {
                            self.last = Some(Prev { position: last.position, hash: last.hash });
                            self.progress.has_read(last.position);
                            self.parts.metrics.has_read(self.worker, last.position);
                        }
                        return Ok(Some(page));
                    }
                    Err(error) => self.patience.after(error, stop).await?,
                },
                () = self.gate.changed() => {
                    // Whoever had the turn may have finished what left no record.
                    self.leave_finished().await;
                    return Ok(Some(vec![]));
                }
                _ = self.look.tick(), if waits => self.leave_finished().await,
            }
        }
    }

    /// Takes in that a record answers what was asked for before it.
    pub(crate) fn pass(&mut self, record: &Recorded) {
        self.pending.done((record.stream.kind(), record.command_id));
    }

    /// Takes in the first rules there are.
    pub(crate) fn govern(&mut self, rules: &Arc<Ruleset>) {
        self.pending.govern(rules);
    }

    /// Adds what a record asks for, under the rules in force there. One of `answers` will record it.
    pub(crate) fn ask(
        &mut self,
        asked_at: Position,
        rules: Option<&Arc<Ruleset>>,
        answers: impl IntoIterator<Item = Answer>,
        what: T,
    ) {
        self.pending.add(asked_at, rules, answers.into_iter().collect(), what);
    }

    /// Something to do now, unless `stop` is cancelled. What was given out before is done when it is called.
    pub(crate) async fn due(&mut self, stop: &CancellationToken) -> Result<Option<Batch<T>>, Error> {
        while !stop.is_cancelled() {
            let is_open = self.is_open().await;
            if is_open.is_ok() {
                self.patience.rest();
            }
            match is_open {
                Ok(true) => {
                    let batch = self.pending.take(self.parts.config.page_records);
                    if batch.is_none() && !std::mem::replace(&mut self.wants_city, true) {
                        let worker = self.worker;
                        warn!(worker, "what was written waits for a city: run `zholdary city publish DIR`");
                    }
                    return Ok(batch);
                }
                Ok(false) => break,
                Err(error) => self.patience.after(error, stop).await?,
            }
        }
        Ok(None)
    }

    /// Tells how far it is, and whether there is something to do now.
    async fn is_open(&mut self) -> Result<bool, ReadError> {
        let Some(read) = self.last else { return Ok(false) };
        let log = self.parts.log.as_ref();
        let before = self.pending.first().map(|first| Position(first.0.saturating_sub(1)));
        let finished = before.map_or(read.position, |before| before.min(read.position));
        let is_ours = self.gate.is_ours();
        let new = self.progress.set(finished);
        self.parts.metrics.is_finished(self.worker, finished, if is_ours { new } else { 0 });
        // Reading again what was finished long ago is no news.
        if is_ours && finished >= self.pending.floor() {
            let kept =
                || Checkpoint { finished, but: self.unfinished.up_to(finished), read, looked_until: None };
            if let Some(firm) = self.firm.offer(log, read, kept).await? {
                self.progress.keep(firm);
            }
        }
        Ok(before.is_some() && self.gate.is_open(log, self.tail.position()).await?)
    }
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
