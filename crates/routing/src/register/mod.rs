//! Worker `register`: each message gets exactly one of «placed» or «set aside», each appeal its number.
//!
//! It walks the log in order and decides each message from a fold of the records before it ([`fold`]). What it decides is
//! appended in chunks: first «placed» (one person's messages one after another), then one record of numbers, then
//! «registered», «message added» and what else the messages say. A chunk is acknowledged whole before the next begins, so after
//! a crash at most one chunk is half done, and the fold shows which half: every «placed» without its second half is
//! finished first.
//!
//! Two registers may run at once: they decide the same, under the same command ids, and the log lets one record stand. Who
//! finds that the other decided otherwise starts again from the log.

mod execute;
pub mod fold;
mod known;
mod session;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::info;
use zholdary_domain::Clock;
use zholdary_log::{
    Decider, EventLog,
    streams::{Appeals, Messages, Numbers},
};

use crate::{Error, Metrics, Progress, Rulesets, restart::keep_running, workers::Config};
use session::Session;

/// The worker.
#[derive(Debug, Clone)]
pub struct Register {
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    numbers: Decider<Numbers>,
    rulesets: Rulesets,
    config: Config,
    metrics: Metrics,
    progress: Progress,
}

impl Register {
    /// A worker over `log`.
    #[must_use]
    pub fn new(
        log: &Arc<dyn EventLog>,
        clock: &Arc<dyn Clock>,
        rulesets: Rulesets,
        config: Config,
        metrics: Metrics,
    ) -> Self {
        Self {
            messages: Decider::new(Arc::clone(log), Arc::clone(clock)),
            appeals: Decider::new(Arc::clone(log), Arc::clone(clock)),
            numbers: Decider::new(Arc::clone(log), Arc::clone(clock)),
            rulesets,
            config,
            metrics,
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
        keep_running("register", &self.config, &self.metrics, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let log = self.appeals.log();
        let head = log.head().await?;
        let session = &mut Session::default();
        session.look_back(log.as_ref(), head, self.config.page_records).await?;
        let mut tail = log.tail(zholdary_domain::Position::START);
        loop {
            let Some(page) = stop.run_until_cancelled(tail.next_page(self.config.page_records)).await else {
                return Ok(());
            };
            let page = page?;
            let mut items = Vec::new();
            for record in &page {
                if record.stream.kind() == zholdary_domain::StreamKind::Rules {
                    // A barrier: what came before is finished under the rules that were in force.
                    self.execute(session, std::mem::take(&mut items)).await?;
                    session.rules = self.rulesets.read(record).await?.or(session.rules.take());
                } else {
                    session.note(record, &mut items);
                }
            }
            self.execute(session, items).await?;
            let Some(last) = page.last().map(|r| r.position) else { continue };
            if !session.caught_up && last >= head {
                session.forget_the_past();
                info!(position = %last, "register has folded the log and works");
            }
            self.progress.set(last);
            #[expect(clippy::cast_possible_wrap, reason = "a log of 2^63 records does not exist")]
            self.metrics.position.with_label_values(&["register"]).set(last.0 as i64);
            self.metrics.records.with_label_values(&["register", "done"]).inc_by(page.len() as u64);
        }
    }
}
