//! Worker `register`: each message gets exactly one of «placed» or «set aside», each appeal its number.
//!
//! It walks the log in order and decides each message from a fold of the records before it ([`fold`]). What it decides is
//! appended in chunks: first «placed» (one person's messages one after another), then one record of numbers, then
//! «registered», «message added» and what else the messages say. A chunk is acknowledged whole before the next begins, so after
//! a crash at most one chunk is half done, and the fold shows which half: every «placed» without its second half is
//! finished first.
//!
//! Two registers may run at once: they decide the same, under the same command ids, and the log lets one record stand. Who
//! finds that the other decided otherwise starts again from the log. One that waits for its turn folds all the same: what is decided
//! and not yet recorded stays pending until its record comes by, whoever wrote it.

mod execute;
mod flood;
pub mod fold;
mod known;
mod numbers;
mod reading;
mod session;

use tokio_util::sync::CancellationToken;
use tracing::info;
use zholdary_domain::StreamKind;
use zholdary_log::{
    Decider,
    streams::{Appeals, Messages, Numbers},
};

use crate::{Error, Parts, Progress, checkpoints::Unfinished, follow::Follow, restart::keep_running};
use session::{Item, Session};

/// Its name.
pub(crate) const WORKER: &str = "register";

/// The worker.
#[derive(Debug, Clone)]
pub struct Register {
    parts: Parts,
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    numbers: Decider<Numbers>,
    unfinished: Unfinished,
    progress: Progress,
}

impl Register {
    /// A worker over the log of `parts`.
    #[must_use]
    pub fn new(parts: &Parts) -> Self {
        let (log, clock) = (&parts.log, &parts.clock);
        Self {
            parts: parts.clone(),
            messages: Decider::new(log.clone(), clock.clone()),
            appeals: Decider::new(log.clone(), clock.clone()),
            numbers: Decider::new(log.clone(), clock.clone()),
            unfinished: Unfinished::default(),
            progress: Progress::default(),
        }
    }

    /// How far it came.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Works until `stop`, then finishes what is in hand. A failure that waiting may mend starts it again from the log.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        keep_running(WORKER, &self.parts, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let log = self.parts.log.as_ref();
        let head = log.head().await?;
        let session = &mut Session::default();
        let past = session.look_back(log, head, self.parts.config.page_records);
        let Some(past) = stop.run_until_cancelled(past).await else { return Ok(()) };
        past?;
        let mut follow = Follow::<Item>::begin(WORKER, &self.parts, &self.unfinished, &self.progress).await;
        let mut items = Vec::new();
        while let Some(page) = follow.next(stop).await? {
            for record in &page {
                follow.pass(record);
                if record.stream.kind() == StreamKind::Rules {
                    if let Some(rules) = self.parts.rulesets.read(record).await? {
                        follow.govern(&rules);
                        session.rules = Some(rules);
                    }
                } else if !session.note(record, &mut items)? {
                    self.unfinished.add(record.position);
                }
                for item in items.drain(..) {
                    follow.ask(record.position, session.rules.as_ref(), [item.what.answer()], item);
                }
            }
            if !session.caught_up && page.last().is_some_and(|last| last.position >= head) {
                session.forget_the_past();
                info!(position = %head, "register has folded the log and works in its turn");
            }
            while let Some(batch) = follow.due(stop).await? {
                let executed = self.execute(session, &batch.rules, batch.items()).await;
                follow.finish(batch, executed, stop).await?;
            }
        }
        Ok(())
    }
}
