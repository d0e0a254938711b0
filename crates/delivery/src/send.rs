//! Worker `send`: carries messages to their platforms. One after another to each person; nothing twice that may have gone.
//!
//! What it knows is a fold of the log: which messages wait, when each person last wrote, which platforms took what. An attempt is
//! recorded before it is made, and only who recorded it makes it; what came of it is recorded after. So a process that dies
//! in between leaves an attempt without an outcome: «unknown», which is told to the desk and not repeated.

mod after;
mod fold;

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zholdary_channels::outbound::Form;
use zholdary_domain::{
    CommandId, ContactId, IdKey, MessageId, Personal, Position, StreamId, StreamKind, appeal,
    inbound::{Channel, MessageRef},
    message::{self, Event, command_id},
    outgoing::{Outgoing, Sending, Standing, Trouble},
};
use zholdary_log::{
    Cause, Decider, DeciderError, Recorded,
    streams::{Appeals, Messages},
};
use zholdary_routing::{
    Error, Parts, Progress,
    worker::{Patience, keep_running},
};

use crate::{
    Carried, Carriers, Metrics, Settings,
    metrics::{TAKEN, UNKNOWN},
    window::Way,
};
use after::Note;
use fold::{Entry, Fold, Half};

/// Its name.
pub const WORKER: &str = "send";

/// The wait before a log that could not be written is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the outcome of a call is offered to such a log: about as long as a call may take.
const TRIES: u32 = 20;

/// The worker.
#[derive(Debug, Clone)]
pub struct Sender(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    settings: Settings,
    carriers: Carriers,
    key: IdKey,
    metrics: Metrics,
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    progress: Progress,
    rest: watch::Sender<Rest>,
}

/// When the worker last had nothing to do: nothing was due or under way of all that it had read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rest {
    /// How far it had read.
    pub(crate) read: Position,
    /// At what instant nothing was due.
    pub(crate) at: DateTime<Utc>,
}

/// One message to be carried now.
struct Job {
    id: MessageId,
    last_heard: Option<DateTime<Utc>>,
    lets_nothing_through: bool,
    is_needless: bool,
    since: DateTime<Utc>,
    cause: Cause,
}

impl Sender {
    /// A worker over the log of `parts` that sends by `carriers`. Messages of platforms are named by `key`.
    #[must_use]
    pub fn new(parts: &Parts, settings: &Settings, carriers: Carriers, key: IdKey, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            messages: Decider::new(parts.log.clone(), parts.clock.clone()),
            appeals: Decider::new(parts.log.clone(), parts.clock.clone()),
            parts: parts.clone(),
            settings: settings.clone(),
            carriers,
            key,
            metrics,
            progress: Progress::default(),
            rest: watch::Sender::default(),
        }))
    }

    /// When it last had nothing to do.
    pub(crate) fn rests(&self) -> watch::Receiver<Rest> {
        self.0.rest.subscribe()
    }

    /// How far it has read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.0.progress.clone()
    }

    /// Works until `stop`, then waits for what is under way.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        keep_running(WORKER, &self.0.parts, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let Inner { parts, settings, .. } = &*self.0;
        let mut look = tokio::time::interval(Duration::from_millis(settings.look_ms.max(1)));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut gate = parts.turn.gate();
        let mut tail = parts.log.tail(Position::START);
        let mut fold = Fold::new(millis(settings.unknown_wait_ms), settings.channels.clone());
        let mut patience = Patience::new(WORKER, parts);
        // Calls are waited for at the end; what is noted after them may be noted again, so nobody waits for it.
        let (mut calls, mut notes) = (UnderWay::default(), UnderWay::default());
        while !stop.is_cancelled() {
            let read = tail.position();
            match gate.is_open(parts.log.as_ref(), read).await {
                Ok(true) => {
                    calls.pass(read);
                    notes.pass(read);
                    let at = parts.clock.now();
                    self.begin_notes(&fold, &calls, &mut notes);
                    self.begin(&fold, &mut calls);
                    if calls.is_done() && notes.is_done() {
                        self.0.rest.send_replace(Rest { read, at });
                    }
                    parts.metrics.is_finished(WORKER, read, self.0.progress.set(read));
                }
                Ok(false) => {}
                Err(error) => {
                    patience.after(error, stop).await?;
                    continue;
                }
            }
            self.0.metrics.waiting(fold.waiting());
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = gate.changed() => {}
                Some((id, ended)) = calls.next() => {
                    if let Ended::Unreadable { cause } = ended {
                        fold.is_unreadable(id, parts.clock.now(), cause);
                    }
                }
                Some((id, ended)) = notes.next() => {
                    fold.is_noted(id, &ended);
                }
                _ = look.tick() => {}
                page = tail.next_page(parts.config.page_records) => match page {
                    Ok(page) => {
                        patience.rest();
                        for record in &page {
                            self.note(&mut fold, record).await?;
                        }
                        self.0.progress.has_read(tail.position());
                        parts.metrics.has_read(WORKER, tail.position());
                    }
                    Err(error) => patience.after(error, stop).await?,
                },
            }
        }
        // A call that is under way has an outcome soon; to leave it now would make it unknown.
        while calls.next().await.is_some() {}
        Ok(())
    }

    async fn note(&self, fold: &mut Fold, record: &Recorded) -> Result<(), Error> {
        match record.stream.kind() {
            StreamKind::Rules => {
                fold.rules = self.0.parts.rulesets.read(record).await?.or(fold.rules.take());
            }
            StreamKind::Message => {
                let Some(id) = record.stream.message() else { return Ok(()) };
                // What does not read is for other workers to tell of: nothing was queued in it that could be sent.
                for event in record.events::<Event>().unwrap_or_default() {
                    fold.note_message(id, event, record);
                }
            }
            StreamKind::Appeal => {
                let Some(id) = record.stream.appeal() else { return Ok(()) };
                for event in record.events::<appeal::Event>().unwrap_or_default() {
                    fold.note_appeal(id, &event);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Begins what is due: the first of each person's messages; while the city sleeps, the first that goes at any hour.
    fn begin(&self, fold: &Fold, calls: &mut UnderWay) {
        let now = self.0.parts.clock.now();
        let morning = self.morning(fold, now);
        let mut due: Vec<(&ContactId, &Entry)> = fold
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.iter().any(|entry| calls.holds(entry.id)))
            .filter_map(|(contact, lane)| {
                let is_going = lane.iter().any(|entry| matches!(entry.standing, Standing::Attempted { .. }));
                let goes = |entry: &&Entry| {
                    let heard = fold.last_heard(*contact, entry.channel);
                    (entry.in_order || entry.is_due(now))
                        && morning.is_none_or(|morning| {
                            entry.at_once || self.is_now_or_never(entry.way, heard, now, morning)
                        })
                };
                Some((contact, lane.iter().find(goes).filter(|_| !is_going)?))
            })
            .filter(|(_, entry)| entry.is_due(now))
            .collect();
        due.sort_by_key(|(_, entry)| (!entry.at_once, entry.position));
        let free = self.0.settings.calls.max(1).saturating_sub(calls.running());
        for (contact, entry) in due.into_iter().take(free) {
            let job = Job {
                id: entry.id,
                last_heard: fold.last_heard(*contact, entry.channel),
                lets_nothing_through: fold.lets_nothing_through(*contact, entry),
                is_needless: fold.is_needless(entry.id),
                since: entry.since,
                cause: entry.cause,
            };
            let (inner, id, cause) = (Arc::clone(&self.0), entry.id, entry.cause);
            calls.spawn(id, async move {
                match inner.send(job).await {
                    Ok(at) => Ended::At(at),
                    Err(error) if error.is_of_one_stream() => {
                        tracing::error!(
                            message.id = %id, error = &error as &dyn std::error::Error,
                            "a message to a resident never goes: its records do not read"
                        );
                        Ended::Unreadable { cause }
                    }
                    Err(error) => {
                        tracing::warn!(
                            message.id = %id, error = &error as &dyn std::error::Error,
                            "a message to a resident is not sent now"
                        );
                        // A log that cannot be written is not asked at each look.
                        tokio::time::sleep(PAUSE).await;
                        Ended::At(None)
                    }
                }
            });
        }
    }

    /// When the morning begins for which everything waits that is not urgent; nothing while the city is awake.
    fn morning(&self, fold: &Fold, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (from, to) = (self.0.settings.quiet_from_hour, self.0.settings.quiet_to_hour);
        let zone = fold.rules.as_ref()?.city.calendar.zone();
        let local = now.with_timezone(&zone);
        let hour = local.hour();
        let is_quiet = if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to };
        let day = if hour < to { local.date_naive() } else { local.date_naive().succ_opt()? };
        let begins = day.and_time(NaiveTime::from_hms_opt(to, 0, 0)?).and_local_timezone(zone).earliest()?;
        is_quiet.then(|| begins.with_timezone(&Utc))
    }

    /// Whether it would never go if it waited for the morning.
    fn is_now_or_never(
        &self,
        way: Way,
        heard: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        morning: DateTime<Utc>,
    ) -> bool {
        let closes = way.closes_at(heard, self.0.settings.human_agent);
        closes.is_some_and(|closes| now < closes && closes <= morning)
    }

    /// Begins what is to be noted beside the calls: attempts that have no outcome, names that platforms told, what appeals must hear.
    fn begin_notes(&self, fold: &Fold, calls: &UnderWay, notes: &mut UnderWay) {
        let now = self.0.parts.clock.now();
        let until = later(now, -millis(self.0.settings.unknown_after_ms));
        let lost = fold.lanes.values().flatten().filter_map(|entry| {
            let is_lost = matches!(entry.standing, Standing::Attempted { at } if at <= until);
            (is_lost && !calls.holds(entry.id))
                .then_some((entry.id, Note::Lost { channel: entry.channel, cause: entry.cause }))
        });
        let adopted =
            fold.adoptions.iter().map(|(id, adoption)| (*id, Note::Adopted(Box::new(adoption.clone()))));
        let heard = fold.halves.iter().filter(|(_, half)| half.from <= now);
        let heard = heard.map(|(id, half)| (*id, Note::Heard(Box::new(half.clone()))));
        let free = self.0.settings.calls.max(1).saturating_sub(notes.running());
        let due: Vec<_> =
            lost.chain(adopted).chain(heard).filter(|(id, _)| !notes.holds(*id)).take(free).collect();
        for (id, note) in due {
            // An attempt may be lost, and its message be known under a name: the second waits for the first.
            if notes.holds(id) {
                continue;
            }
            let inner = Arc::clone(&self.0);
            notes.spawn(id, async move { inner.note(id, note).await });
        }
    }
}

impl Inner {
    /// One message, from its record to its outcome. Gives where that stands in the log.
    async fn send(&self, job: Job) -> Result<Option<Position>, Error> {
        let Job { id, cause, since, .. } = job;
        let expires = later(since, TimeDelta::hours(self.settings.expires_hours.into()));
        let loaded = self.messages.load(&StreamId::from(id)).await?;
        let Some(Sending { what: out, attempts, standing: Standing::Waits { .. } }) = loaded.state.sending
        else {
            return Ok(loaded.token.map(|token| token.position));
        };
        if let (Some(appeal), Some(task), Some(only_while)) = (out.appeal, &out.task, &out.only_while) {
            let appeal = self.appeals.load(&StreamId::from(appeal)).await?.state;
            if !only_while.holds(&appeal, task.finding) {
                return self.gives_up(id, cause, &out, Trouble::Needless).await;
            }
        }
        let now = self.parts.clock.now();
        let form = if now < expires { self.may_go(&job, &out, now) } else { Err(Trouble::Busy) };
        let (carrier, form) = match (self.carriers.of(out.channel), form) {
            (Some(carrier), Ok(form)) => (carrier, form),
            (None, _) => return self.gives_up(id, cause, &out, Trouble::NoAccount).await,
            (_, Err(why)) => return self.gives_up(id, cause, &out, why).await,
        };
        let attempt = attempts.saturating_add(1);
        let (by, registered) = (Uuid::new_v4(), form == Form::Template);
        let recorded = self
            .messages
            .handle(&StreamId::from(id), command_id::attempted(id, attempt), cause, |state, _| {
                message::decide(state, message::Command::Attempt { at: now, by, registered })
            })
            .await;
        match recorded {
            // After a lost acknowledgement two may believe that they recorded it: it is whose token stands there.
            Ok(handled) if handled.new && self.is_made_by(id, attempt, by).await? => {}
            // Another one makes this attempt.
            Ok(handled) => return Ok(Some(handled.position)),
            Err(DeciderError::Refused(_)) => return self.last_of(id).await,
            Err(error) => return Err(error.into()),
        }
        let carried = carrier.carry(id, &out, form).await;
        // What came of it, under the platform's own name too: an answer to it may be on its way.
        let ended = self.note_carried(id, cause, &out, attempt, expires, &carried).await?;
        if let Carried::Taken(external_id) = carried {
            let name = self.name_of(&out, external_id);
            // Who fails here leaves it to the note that tells the appeal.
            if let Err(error) = self.name(id, cause, &out, &name).await {
                tracing::warn!(
                    message.id = %id, error = &error as &dyn std::error::Error,
                    "a message to a resident is not known under its platform's name yet"
                );
            }
        }
        Ok(ended)
    }

    async fn note_carried(
        &self,
        id: MessageId,
        cause: Cause,
        out: &Outgoing,
        attempt: u16,
        expires: DateTime<Utc>,
        carried: &Carried,
    ) -> Result<Option<Position>, Error> {
        // What the platform said is known to nobody else: it is worth waiting for a log that cannot be written just now.
        for _ in 0..TRIES {
            match self.note_outcome(id, cause, out, attempt, expires, carried.clone()).await {
                Err(error) if error.is_transient() => tokio::time::sleep(PAUSE).await,
                noted => return noted,
            }
        }
        self.note_outcome(id, cause, out, attempt, expires, carried.clone()).await
    }

    fn may_go(&self, job: &Job, out: &Outgoing, now: DateTime<Utc>) -> Result<Form, Trouble> {
        if job.is_needless {
            return Err(Trouble::Needless);
        }
        if job.lets_nothing_through {
            return Err(Trouble::Blocked);
        }
        Way::of(out).form(job.last_heard, now, self.settings.human_agent)
    }

    /// Whether the attempt that stands in the log is the one that `by` recorded.
    async fn is_made_by(&self, id: MessageId, attempt: u16, by: Uuid) -> Result<bool, Error> {
        let stream = self.parts.log.load(&StreamId::from(id)).await?;
        for record in stream.records().iter().rev() {
            let events: Vec<Event> =
                record.events().map_err(|source| Error::Decode { position: record.position, source })?;
            for event in events {
                if let Event::Attempted { attempt: made, by: maker, .. } = event
                    && made == attempt
                {
                    return Ok(maker == Some(by));
                }
            }
        }
        Ok(false)
    }

    /// No attempt is made any more of what waits.
    async fn gives_up(
        &self,
        id: MessageId,
        cause: Cause,
        out: &Outgoing,
        why: Trouble,
    ) -> Result<Option<Position>, Error> {
        let command = message::Command::GiveUp { why, at: self.parts.clock.now() };
        self.record(id, command_id::given_up(id), cause, out.channel, why.code(), command).await
    }

    async fn note_outcome(
        &self,
        id: MessageId,
        cause: Cause,
        out: &Outgoing,
        attempt: u16,
        expires: DateTime<Utc>,
        carried: Carried,
    ) -> Result<Option<Position>, Error> {
        let at = self.parts.clock.now();
        match carried {
            Carried::Taken(external_id) => {
                let Name { message, external_id, .. } = self.name_of(out, external_id);
                let event = Event::Taken { message, external_id, at };
                self.conclude(id, cause, out.channel, TAKEN, event).await
            }
            Carried::NotTaken { why, code, again, after } => {
                // After a day no news is better than old news: the desk sees that it was not told.
                let again_at =
                    Some(later(at, self.wait(attempt, after))).filter(|next| again && *next < expires);
                let outcome = format!("not_taken/{attempt}");
                let event = Event::NotTaken { why, code, again_at, at };
                self.conclude(id, cause, out.channel, &outcome, event).await
            }
            Carried::Unknown => {
                self.conclude(id, cause, out.channel, UNKNOWN, Event::OutcomeUnknown { at }).await
            }
        }
    }

    fn wait(&self, attempt: u16, after: Option<Duration>) -> TimeDelta {
        let Settings { config, .. } = &self.settings;
        let doubled = config.retry_ms.saturating_mul(1 << attempt.saturating_sub(1).min(30));
        let asked = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        millis(doubled.min(config.longest_retry_ms).max(asked.min(config.longest_retry_ms)))
    }

    /// Records an outcome, and counts it when it is new.
    async fn conclude(
        &self,
        id: MessageId,
        cause: Cause,
        channel: Channel,
        outcome: &str,
        event: Event,
    ) -> Result<Option<Position>, Error> {
        let label = match &event {
            Event::NotTaken { why, .. } => why.code(),
            Event::Taken { .. } => TAKEN,
            _ => UNKNOWN,
        };
        let command = message::Command::Conclude(Box::new(event));
        self.record(id, command_id::concluded(id, outcome), cause, channel, label, command).await
    }

    async fn record(
        &self,
        id: MessageId,
        named: CommandId,
        cause: Cause,
        channel: Channel,
        label: &str,
        command: message::Command,
    ) -> Result<Option<Position>, Error> {
        let recorded = self
            .messages
            .handle(&StreamId::from(id), named, cause, |state, _| message::decide(state, command.clone()))
            .await;
        match recorded {
            Ok(handled) => {
                if handled.new {
                    self.metrics.came(channel, label);
                }
                Ok(Some(handled.position))
            }
            // Somebody was faster: the fold has yet to read it.
            Err(DeciderError::Refused(_)) => self.last_of(id).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Where the stream of a message ends.
    async fn last_of(&self, id: MessageId) -> Result<Option<Position>, Error> {
        Ok(self.parts.log.last(&StreamId::from(id)).await?.map(|last| last.position))
    }

    /// What `out`'s platform calls it.
    fn name_of(&self, out: &Outgoing, external_id: String) -> Name {
        let (channel, account) = (out.channel, out.account.clone());
        let name = MessageRef { channel, account, external_id: external_id.into() };
        let at = self.parts.clock.now();
        Name { message: name.id(&self.key), external_id: name.external_id, at }
    }
}

/// What a platform calls a message.
struct Name {
    /// The stream of that name.
    message: MessageId,
    external_id: Personal<String>,
    /// Since when.
    at: DateTime<Utc>,
}

/// How a task ended.
enum Ended {
    /// What it led to stands there in the log.
    At(Option<Position>),
    /// The message's records do not read.
    Unreadable { cause: Cause },
    /// The appeal has heard this.
    Told(Box<Half>),
    /// It is known under this name.
    Named(MessageId),
}

/// Tasks, each with its message. One that has ended is held until the fold has read what it led to: before that the message looks as
/// if nothing had been done.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Ended>,
    ids: HashMap<tokio::task::Id, MessageId>,
    held: HashMap<MessageId, Option<Position>>,
}

impl UnderWay {
    fn spawn(&mut self, id: MessageId, task: impl Future<Output = Ended> + Send + 'static) {
        let task = self.tasks.spawn(task);
        self.ids.insert(task.id(), id);
        self.held.insert(id, None);
    }

    fn running(&self) -> usize {
        self.tasks.len()
    }

    fn holds(&self, id: MessageId) -> bool {
        self.held.contains_key(&id)
    }

    /// Nothing is under way, and the fold knows what everything led to.
    fn is_done(&self) -> bool {
        self.tasks.is_empty() && self.held.is_empty()
    }

    /// The next that ends; nothing when none is under way.
    async fn next(&mut self) -> Option<(MessageId, Ended)> {
        // What panicked left an attempt without an outcome, which is unknown in a while.
        let (task, ended) = match self.tasks.join_next_with_id().await? {
            Ok((task, ended)) => (task, ended),
            Err(panic) => (panic.id(), Ended::At(None)),
        };
        let id = self.ids.remove(&task)?;
        match ended {
            Ended::At(Some(at)) => self.held.insert(id, Some(at)),
            _ => self.held.remove(&id),
        };
        Some((id, ended))
    }

    /// The fold has read up to there.
    fn pass(&mut self, read: Position) {
        self.held.retain(|_, at| at.is_none_or(|at| at > read));
    }
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    let end = if by < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.checked_add_signed(by).unwrap_or(end)
}

fn millis(ms: u64) -> TimeDelta {
    i64::try_from(ms).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests;
