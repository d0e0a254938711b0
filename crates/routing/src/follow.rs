//! How a worker goes along the log: it reads always, and appends in its turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Interval;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zholdary_domain::{CommandId, Position};
use zholdary_log::{Checkpoint, Recorded, Tail};

use crate::{
    Error, Parts, Progress, Ruleset,
    pending::{Batch, Pending},
    turn::Gate,
};

/// Records that keep a worker's checkpoint before them: each start asks about them again, until a release reads them.
#[derive(Debug, Clone)]
pub(crate) struct Unfinished(Arc<AtomicU64>);

impl Default for Unfinished {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl Unfinished {
    pub(crate) fn add(&self, position: Position) {
        self.0.fetch_min(position.0, Ordering::Relaxed);
    }

    /// Everything up to `position`, but for these.
    pub(crate) fn before(&self, position: Position) -> Position {
        Position(position.0.min(self.0.load(Ordering::Relaxed).saturating_sub(1)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == u64::MAX
    }

    pub(crate) fn forget(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
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
    /// When a worker that waits looks for what the one whose turn it is has finished.
    look: Interval,
    pending: Pending<T>,
    unfinished: Unfinished,
    last: Option<Checkpoint>,
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
            look: tokio::time::interval(Duration::from_millis(parts.config.standby_look_ms.max(1))),
            pending: Pending::default(),
            unfinished: unfinished.clone(),
            last: None,
            progress: progress.clone(),
        };
        follow.look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        follow.leave_finished().await;
        follow
    }

    async fn leave_finished(&mut self) {
        if let Some(checkpoint) = checkpoint(self.worker, &self.parts).await {
            self.pending.finished(checkpoint.finished);
        }
    }

    /// What follows in the log; nothing when only the turn began or ended. None at `stop`.
    pub(crate) async fn next(&mut self, stop: &CancellationToken) -> Result<Option<Vec<Recorded>>, Error> {
        loop {
            let waits = !self.gate.is_ours();
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                page = self.tail.next_page(self.parts.config.page_records) => {
                    let page = page?;
                    self.last = page.last().map(|last| Checkpoint::new(last.position, last));
                    return Ok(Some(page));
                }
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
        self.pending.done(record.command_id);
    }

    /// Adds what a record asks for, under the rules in force there. One of `commands` will record it.
    pub(crate) fn ask(
        &mut self,
        asked_at: Position,
        rules: Option<&Arc<Ruleset>>,
        commands: impl IntoIterator<Item = CommandId>,
        what: T,
    ) {
        self.pending.add(asked_at, rules, commands.into_iter().collect(), what);
    }

    /// Something to do now. What was given out before is done when it is called.
    pub(crate) async fn due(&mut self) -> Result<Option<Batch<T>>, Error> {
        self.tell();
        if self.pending.first().is_none()
            || !self.gate.is_open(self.parts.log.as_ref(), self.tail.position()).await?
        {
            return Ok(None);
        }
        Ok(self.pending.take(self.parts.config.page_records))
    }

    fn tell(&self) {
        let Some(last) = self.last else { return };
        let before = self.pending.first().map(|first| Position(first.0.saturating_sub(1)));
        let reached = before.map_or(last.finished, |before| before.min(last.finished));
        let finished = self.unfinished.before(reached);
        // Reading again what was finished long ago is no news.
        let news = finished >= self.pending.floor();
        let new = self.progress.set(reached, news.then_some(Checkpoint { finished, ..last }));
        self.parts.metrics.came(self.worker, last.finished, reached, new);
    }
}
