//! Worker `deadlines`: one queue of due instants. A term that passes is «overdue», and somebody above is told.
//!
//! The queue holds instants and appeals only; when an instant comes, the appeal itself says what is due. So the queue may
//! know too much, never too little, and building it again from the log after a restart is all that recovery is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tracing::error;
use zholdary_domain::{
    AppealId, CommandId, Position, StreamId, StreamKind,
    appeal::{self, Command, DESK, Event, FindingId},
};
use zholdary_log::{
    AppendError, Checkpoint, Decider, DeciderError, Prev, ReadError, Recorded, streams::Appeals,
};

use crate::{
    Error, Parts, Progress, Ruleset,
    checkpoints::{Firm, Unfinished, last_kept},
    lanes,
    restart::{Patience, keep_running},
};

/// The worker.
#[derive(Debug, Clone)]
pub struct Deadlines {
    parts: Parts,
    appeals: Decider<Appeals>,
    unfinished: Unfinished,
    progress: Progress,
}

/// Its name.
pub(crate) const WORKER: &str = "deadlines";

/// Which of an appeal's terms.
type Term = (FindingId, appeal::Clock);

/// When an appeal wants a look, and for which of its terms.
type Look = (DateTime<Utc>, AppealId, Option<Term>);

/// Looks that are due, by appeal, and where each was recorded.
type Due = BTreeMap<AppealId, Vec<(Look, Position)>>;

/// Instants at which an appeal wants a look, and where each was recorded. A term is taken out before its time only when it was
/// found overdue: one that was moved, an appeal closed and opened again, the look tells.
#[derive(Debug, Default)]
struct Queue {
    due: BTreeMap<Look, Position>,
    rules: Option<Arc<Ruleset>>,
    /// What it says to be looked at is not looked at again.
    checkpoint: Option<Checkpoint>,
}

impl Queue {
    /// Takes out what is due at `now`, of at most `most` appeals.
    fn take_due(&mut self, now: DateTime<Utc>, most: usize) -> Due {
        let mut taken = Due::new();
        let is_due = |queue: &Self| queue.due.first_key_value().is_some_and(|((at, ..), _)| *at <= now);
        while taken.len() < most.max(1) && is_due(self) {
            let Some((look, recorded)) = self.due.pop_first() else { break };
            taken.entry(look.1).or_default().push((look, recorded));
        }
        taken
    }

    fn put_back(&mut self, due: Due) {
        self.due.extend(due.into_values().flatten());
    }

    fn was_looked_at(checkpoint: Option<&Checkpoint>, at: DateTime<Utc>, recorded: Position) -> bool {
        checkpoint.is_some_and(|kept| kept.looked_until >= Some(at) && kept.has_finished(recorded))
    }

    fn leave_finished(&mut self, checkpoint: Checkpoint) {
        self.due.retain(|(at, ..), recorded| !Self::was_looked_at(Some(&checkpoint), *at, *recorded));
        self.checkpoint = Some(checkpoint);
    }

    fn look(&mut self, at: DateTime<Utc>, id: AppealId, term: Option<Term>, recorded: Position) {
        if !Self::was_looked_at(self.checkpoint.as_ref(), at, recorded) {
            self.due.insert((at, id, term), recorded);
        }
    }

    fn note(&mut self, id: AppealId, event: &Event, record: &Recorded) {
        match event {
            Event::Routed(route) => {
                for (clock, deadline) in &route.due {
                    self.look(deadline.at, id, Some((route.finding, *clock)), record.position);
                }
            }
            Event::Extended { finding, clock, deadline, .. } => {
                self.look(deadline.at, id, Some((*finding, *clock)), record.position);
            }
            Event::Overdue { finding, clock, due_at } => {
                self.due.remove(&(*due_at, id, Some((*finding, *clock))));
            }
            // Terms that passed while it was closed.
            Event::Reopened { .. } => self.look(record.recorded_at, id, None, record.position),
            _ => {}
        }
    }
}

impl Deadlines {
    /// A worker over the log of `parts`, by its clock.
    #[must_use]
    pub fn new(parts: &Parts) -> Self {
        Self {
            parts: parts.clone(),
            appeals: Decider::new(parts.log.clone(), parts.clock.clone()),
            unfinished: Unfinished::default(),
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
        keep_running(WORKER, &self.parts, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let Parts { log, config, .. } = &self.parts;
        let interval = |ms: u64| {
            let mut look = tokio::time::interval(Duration::from_millis(ms.max(1)));
            look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            look
        };
        let (mut look, mut standby) = (interval(config.look_ms), interval(config.standby_look_ms));
        let mut gate = self.parts.turn.gate();
        let mut tail = log.tail(Position::START);
        let mut queue = Queue::default();
        self.unfinished.forget();
        self.leave_finished(&mut queue).await;
        let (mut last, mut firm) = (None, Firm::default());
        let mut patience = Patience::new(WORKER, &self.parts);
        while !stop.is_cancelled() {
            // The clock is read before the log: every term recorded up to `read` is looked at for this instant.
            let (now, read) = (self.parts.clock.now(), tail.position());
            match gate.is_open(log.as_ref(), read).await {
                Ok(true) => {
                    match self.look_at(&mut queue, now, stop).await {
                        Ok(true) => patience.rest(),
                        Ok(false) => return Ok(()),
                        Err(error) => {
                            patience.after(error, stop).await?;
                            continue;
                        }
                    }
                    self.progress.looked(now);
                    // Finished is what was read and looked at: who waits for a record waits for its terms too.
                    let new = self.progress.set(read);
                    self.parts.metrics.is_finished(WORKER, read, new);
                    // What is not kept now is kept a look later.
                    match self.keep(&mut firm, last, now).await {
                        Err(error) if !error.is_transient() => return Err(error.into()),
                        Ok(()) | Err(_) => {}
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    patience.after(error, stop).await?;
                    continue;
                }
            }
            let waits = !gate.is_ours();
            tokio::select! {
                // What comes rarely first, as in `follow`.
                biased;
                () = stop.cancelled() => {}
                () = gate.changed() => self.leave_finished(&mut queue).await,
                _ = standby.tick(), if waits => self.leave_finished(&mut queue).await,
                _ = look.tick() => {}
                () = self.progress.look_wanted() => {}
                page = tail.next_page(config.page_records) => match page {
                    Ok(page) => {
                        patience.rest();
                        for record in &page {
                            self.note(&mut queue, record).await?;
                        }
                        last = page.last().map(Prev::from);
                        self.progress.has_read(tail.position());
                        self.parts.metrics.has_read(WORKER, tail.position());
                    }
                    Err(error) => patience.after(error, stop).await?,
                },
            }
        }
        Ok(())
    }

    /// Marks all that is due at `now`. Says whether nothing is left of it: `stop` waits for no backlog. What fails stays in the
    /// queue.
    async fn look_at(
        &self,
        queue: &mut Queue,
        now: DateTime<Utc>,
        stop: &CancellationToken,
    ) -> Result<bool, Error> {
        loop {
            let due = queue.take_due(now, self.parts.config.page_records);
            if due.is_empty() {
                return Ok(true);
            }
            if let Err(error) = self.mark(&due, now, queue).await {
                queue.put_back(due);
                return Err(error);
            }
            if stop.is_cancelled() {
                return Ok(false);
            }
        }
    }

    /// Keeps that everything that was read is looked at for the instant `now`.
    async fn keep(&self, firm: &mut Firm, last: Option<Prev>, now: DateTime<Utc>) -> Result<(), ReadError> {
        let Some(read) = last else { return Ok(()) };
        let looked =
            || Checkpoint { looked_until: Some(now), ..self.unfinished.checkpoint(read.position, read) };
        if let Some(firm) = firm.offer(self.parts.log.as_ref(), read, looked).await? {
            self.progress.keep(firm);
        }
        Ok(())
    }

    async fn leave_finished(&self, queue: &mut Queue) {
        if let Some(checkpoint) = last_kept(WORKER, &self.parts).await {
            queue.leave_finished(checkpoint);
        }
    }

    async fn note(&self, queue: &mut Queue, record: &Recorded) -> Result<(), Error> {
        if record.stream.kind() == StreamKind::Rules {
            queue.rules = self.parts.rulesets.read(record).await?.or(queue.rules.take());
        }
        let Some(id) = record.stream.appeal() else { return Ok(()) };
        match record.events::<Event>() {
            Ok(events) => {
                for event in &events {
                    queue.note(id, event, record);
                }
            }
            Err(source) => {
                self.park([record.position], &Error::Decode { position: record.position, source });
            }
        }
        Ok(())
    }

    /// Terms recorded there are asked for again at each start, until a release reads them.
    fn park(&self, recorded: impl IntoIterator<Item = Position>, error: &Error) {
        recorded.into_iter().for_each(|position| self.unfinished.add(position));
        self.parts.metrics.records.with_label_values(&["deadlines", "parked"]).inc();
        error!(error = error as &dyn std::error::Error, "deadlines parks an appeal: its terms are not kept");
    }

    async fn mark(&self, due: &Due, now: DateTime<Utc>, queue: &Queue) -> Result<(), Error> {
        let escalate = |priority: &str| {
            let city = queue.rules.as_ref().map(|r| &r.city);
            city.and_then(|c| c.priority(priority)).map_or(DESK.to_owned(), |p| p.notify.escalate_to.clone())
        };
        let items = due.iter().map(|(id, looks)| (*id, (*id, looks)));
        lanes::run(items, self.parts.config.lanes, |(id, looks)| {
            let escalate = &escalate;
            async move {
                match self.mark_one(id, now, escalate).await {
                    Err(error) if error.is_of_one_stream() => {
                        self.park(looks.iter().map(|(_, recorded)| *recorded), &error);
                        Ok(())
                    }
                    marked => marked,
                }
            }
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
            let loaded = self.appeals.load(&stream).await?;
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
            let Ok(events) = appeal::decide(&loaded.state, command) else { return Ok(()) };
            if events.is_empty() {
                return Ok(());
            }
            let marked = self
                .appeals
                .handle_expecting(
                    &stream,
                    CommandId::of(id, &purpose),
                    loaded.cause,
                    loaded.expect(),
                    &events,
                )
                .await;
            match marked {
                // Recorded, or somebody was faster: look again.
                Ok(_) | Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
