//! How a worker goes along the log: it reads always, and appends in its turn.

use std::{sync::Arc, time::Duration};

use tokio::time::Interval;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zholdary_domain::Position;
use zholdary_log::{Prev, ReadError, Recorded, Tail};

use crate::{
    Error, Parts, Progress, Ruleset,
    checkpoints::{Firm, Unfinished, last_kept},
    pending::{Answer, Batch, Pending},
    restart::Patience,
    turn::Gate,
};

/// Goes along the log for a worker whose work is to answer records with records.
#[derive(Debug)]
pub struct Follow<T> {
    worker: &'static str,
    parts: Parts,
    tail: Tail,
    gate: Gate,
    patience: Patience,
    /// The same for what could not be done.
    redo: Patience,
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
    pub async fn begin(
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
            patience: Patience::new(worker, parts),
            redo: Patience::new(worker, parts),
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
        if let Some(checkpoint) = last_kept(self.worker, &self.parts).await {
            self.pending.finished(checkpoint);
        }
    }

    /// What follows in the log; nothing when only the turn began or ended. None at `stop`.
    pub async fn next(&mut self, stop: &CancellationToken) -> Result<Option<Vec<Recorded>>, Error> {
        loop {
            let waits = !self.gate.is_ours();
            tokio::select! {
                // In this order: what comes rarely first, so that a log that is always longer cannot hide it, and a simulation of
                // one seed is one history.
                biased;
                () = stop.cancelled() => return Ok(None),
                () = self.gate.changed() => {
                    // Whoever had the turn may have finished what left no record.
                    self.leave_finished().await;
                    return Ok(Some(vec![]));
                }
                _ = self.look.tick(), if waits => self.leave_finished().await,
                page = self.tail.next_page(self.parts.config.page_records) => match page {
                    Ok(page) => {
                        self.patience.rest();
                        if let Some(last) = page.last() {
                            self.last = Some(last.into());
                            self.progress.has_read(last.position);
                            self.parts.metrics.has_read(self.worker, last.position);
                        }
                        return Ok(Some(page));
                    }
                    Err(error) => self.patience.after(error, stop).await?,
                },
            }
        }
    }

    /// Takes in that a record answers what was asked for before it.
    pub fn pass(&mut self, record: &Recorded) {
        self.pending.done((record.stream.kind(), record.command_id));
    }

    /// Up to where everything was finished by whoever did this work before; the log's beginning when nobody did.
    #[must_use]
    pub fn floor(&self) -> Position {
        self.pending.floor()
    }

    /// Takes in the first rules there are.
    pub fn govern(&mut self, rules: &Arc<Ruleset>) {
        self.pending.govern(rules);
    }

    /// Adds what a record asks for, under the rules in force there. One of `answers` will record it.
    pub fn ask(
        &mut self,
        asked_at: Position,
        rules: Option<&Arc<Ruleset>>,
        answers: impl IntoIterator<Item = Answer>,
        what: T,
    ) {
        self.pending.add(asked_at, rules, answers.into_iter().collect(), what);
    }

    /// Hears how it went with what was given out last. What could not be done is given out again, after a wait.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn finish(
        &mut self,
        batch: Batch<T>,
        done: Result<(), Error>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        match done {
            Ok(()) => self.redo.rest(),
            Err(error) => {
                self.pending.put_back(batch);
                self.redo.after(error, stop).await?;
            }
        }
        Ok(())
    }

    /// Something to do now, unless `stop` is cancelled. Of what was given out before, [`Follow::finish`] was told.
    pub async fn due(&mut self, stop: &CancellationToken) -> Result<Option<Batch<T>>, Error> {
        while !stop.is_cancelled() {
            match self.is_open().await {
                Ok(is_open) => {
                    self.patience.rest();
                    return Ok(if is_open { self.take() } else { None });
                }
                Err(error) => self.patience.after(error, stop).await?,
            }
        }
        Ok(None)
    }

    fn take(&mut self) -> Option<Batch<T>> {
        let batch = self.pending.take(self.parts.config.page_records);
        if batch.is_none() && !std::mem::replace(&mut self.wants_city, true) {
            let worker = self.worker;
            warn!(worker, "what was written waits for a city: run `zholdary city publish DIR`");
        }
        batch
    }

    /// Whether there is something to do, and it is our turn. Tells how far it is, too.
    async fn is_open(&mut self) -> Result<bool, ReadError> {
        self.tell().await?;
        let log = self.parts.log.as_ref();
        Ok(self.pending.first().is_some() && self.gate.is_open(log, self.tail.position()).await?)
    }

    async fn tell(&mut self) -> Result<(), ReadError> {
        let Some(read) = self.last else { return Ok(()) };
        let before = self.pending.first().map(|first| Position(first.0.saturating_sub(1)));
        let finished = before.map_or(read.position, |before| before.min(read.position));
        let is_ours = self.gate.is_ours();
        let new = self.progress.set(finished);
        self.parts.metrics.is_finished(self.worker, finished, if is_ours { new } else { 0 });
        // Reading again what was finished long ago is no news.
        if is_ours && finished >= self.pending.floor() {
            let kept = || self.unfinished.checkpoint(finished, read);
            if let Some(firm) = self.firm.offer(self.parts.log.as_ref(), read, kept).await? {
                self.progress.keep(firm);
            }
        }
        Ok(())
    }
}
