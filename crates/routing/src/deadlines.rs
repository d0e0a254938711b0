//! Worker `deadlines`: one queue of due instants. A term that passes is «overdue», and somebody above is told.
//!
//! The queue holds instants and appeals only; when an instant comes, the appeal itself says what is due. So the queue may
//! know too much, never too little, and building it again from the log after a restart is all that recovery is.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tracing::error;
use zholdary_domain::{
    AppealId, Clock, CommandId, Position, StreamId, StreamKind,
    appeal::{self, Command, DESK, Event, FindingId},
};
use zholdary_log::{AppendError, Cause, Decider, DeciderError, EventLog, Recorded, streams::Appeals};

use crate::{Error, Metrics, Progress, Ruleset, Rulesets, lanes, restart::keep_running, workers::Config};

/// The worker.
#[derive(Clone)]
pub struct Deadlines {
    appeals: Decider<Appeals>,
    clock: Arc<dyn Clock>,
    rulesets: Rulesets,
    config: Config,
    metrics: Metrics,
    progress: Progress,
}

impl std::fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deadlines").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Which of an appeal's terms.
type Term = (FindingId, appeal::Clock);

/// Instants at which an appeal wants a look. A term is taken out before its time only when it was found overdue: one that was
/// moved, an appeal closed and opened again, the look tells.
#[derive(Debug, Default)]
struct Queue {
    due: BTreeSet<(DateTime<Utc>, AppealId, Option<Term>)>,
    rules: Option<Arc<Ruleset>>,
}

impl Queue {
    /// Takes out what is due at `now`.
    fn take_due(&mut self, now: DateTime<Utc>) -> Vec<AppealId> {
        let mut taken = Vec::new();
        while self.due.first().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, id, _)) = self.due.pop_first() else { break };
            if taken.last() != Some(&id) {
                taken.push(id);
            }
        }
        taken
    }

    fn note(&mut self, id: AppealId, event: &Event, recorded_at: DateTime<Utc>) {
        match event {
            Event::Routed(route) => {
                let term = |(clock, deadline): (&appeal::Clock, &appeal::Deadline)| {
                    (deadline.at, id, Some((route.finding, *clock)))
                };
                self.due.extend(route.due.iter().map(term));
            }
            Event::Extended { finding, clock, deadline, .. } => {
                self.due.insert((deadline.at, id, Some((*finding, *clock))));
            }
            Event::Overdue { finding, clock, due_at } => {
                self.due.remove(&(*due_at, id, Some((*finding, *clock))));
            }
            // Terms that passed while it was closed.
            Event::Reopened { .. } => {
                self.due.insert((recorded_at, id, None));
            }
            _ => {}
        }
    }
}

impl Deadlines {
    /// A worker over `log`, by `clock`.
    #[must_use]
    pub fn new(
        log: &Arc<dyn EventLog>,
        clock: &Arc<dyn Clock>,
        rulesets: Rulesets,
        config: Config,
        metrics: Metrics,
    ) -> Self {
        Self {
            appeals: Decider::new(Arc::clone(log), Arc::clone(clock)),
            clock: Arc::clone(clock),
            rulesets,
            config,
            metrics,
            progress: Progress::default(),
        }
    }

    /// How far it came: in the log, and in time.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Works until `stop`, then finishes what is in hand.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        keep_running("deadlines", &self.config, &self.metrics, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let log = Arc::clone(self.appeals.log());
        let head = log.head().await?;
        let mut tail = log.tail(Position::START);
        let mut queue = Queue::default();
        let mut look = tokio::time::interval(Duration::from_millis(self.config.look_ms));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let read = tail.position();
            // Kept while the clock is looked at: a page that takes longer than that is not asked for again and again.
            let mut page = std::pin::pin!(tail.next_page(self.config.page_records));
            let page = loop {
                // The clock is read before the log: every term recorded up to `read` is looked at for this instant.
                let now = self.clock.now();
                if read >= head {
                    self.mark(queue.take_due(now), now, &queue).await?;
                    self.progress.looked(now);
                    // Finished is what was read and looked at: who waits for a record waits for its terms too.
                    self.progress.set(read);
                    #[expect(clippy::cast_possible_wrap, reason = "a log of 2^63 records does not exist")]
                    self.metrics.position.with_label_values(&["deadlines"]).set(read.0 as i64);
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    page = &mut page => break page?,
                    _ = look.tick() => {}
                }
            };
            for record in &page {
                self.note(&mut queue, record).await?;
            }
            self.metrics.records.with_label_values(&["deadlines", "done"]).inc_by(page.len() as u64);
        }
    }

    async fn note(&self, queue: &mut Queue, record: &Recorded) -> Result<(), Error> {
        if record.stream.kind() == StreamKind::Rules {
            queue.rules = self.rulesets.read(record).await?.or(queue.rules.take());
        }
        let Some(id) = record.stream.appeal() else { return Ok(()) };
        match record.events::<Event>() {
            Ok(events) => {
                for event in &events {
                    queue.note(id, event, record.recorded_at);
                }
            }
            Err(source) => self.park(&Error::Decode { position: record.position, source }),
        }
        Ok(())
    }

    fn park(&self, error: &Error) {
        self.metrics.records.with_label_values(&["deadlines", "parked"]).inc();
        error!(error = error as &dyn std::error::Error, "deadlines parks an appeal: its terms are not kept");
    }

    async fn mark(&self, due: Vec<AppealId>, now: DateTime<Utc>, queue: &Queue) -> Result<(), Error> {
        let escalate = |priority: &str| {
            let city = queue.rules.as_ref().map(|r| &r.city);
            city.and_then(|c| c.priority(priority)).map_or(DESK.to_owned(), |p| p.notify.escalate_to.clone())
        };
        let items = due.into_iter().map(|id| (id, id));
        lanes::run(items, self.config.lanes, |id| {
            let escalate = &escalate;
            async move { self.mark_one(id, now, escalate).await }
        })
        .await
    }

    /// Marks every term of an appeal that has passed.
    async fn mark_one(
        &self,
        id: AppealId,
        now: DateTime<Utc>,
        escalate: &impl Fn(&str) -> String,
    ) -> Result<(), Error> {
        let stream = StreamId::from(id);
        loop {
            let loaded = match self.appeals.load(&stream).await {
                Ok(loaded) => loaded,
                Err(error) if error.is_of_one_stream() => {
                    self.park(&error.into());
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            let Some((due_at, finding, clock)) = loaded.state.next_due().filter(|(at, ..)| *at <= now) else {
                return Ok(());
            };
            let route = loaded.state.findings.get(usize::from(finding.0)).and_then(|f| f.route.as_ref());
            let escalate_to = route.map(|r| escalate(&r.priority));
            let command = Command::MarkOverdue { finding, clock, due_at, escalate_to };
            // A term may come back: corrected to another category and back it passes once more. So the id tells the state too.
            let version = loaded.token.map_or(0, |token| token.version);
            let purpose =
                format!("overdue/{}/{}/{}/{version}", finding.0, clock.code(), due_at.timestamp_millis());
            let cause = loaded.token.map_or(Cause::OUTSIDE, |token| Cause {
                causation: Some(zholdary_log::Causation::Record(token.position)),
                correlation: None,
            });
            let Ok(events) = appeal::decide(&loaded.state, command) else { return Ok(()) };
            if events.is_empty() {
                return Ok(());
            }
            let marked = self
                .appeals
                .handle_expecting(&stream, CommandId::of(id, &purpose), cause, loaded.expect(), &events)
                .await;
            match marked {
                // Recorded, or somebody was faster: look again.
                Ok(_) | Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
