//! Worker `send`: carries messages to their platforms. One after another to each person; nothing twice that may have gone.
//!
//! What it knows is a fold of the log: which messages wait, when each person last wrote, which platforms took what. An attempt is
//! recorded before it is made, and only who recorded it makes it; what came of it is recorded after. So a process that dies
//! in between leaves an attempt without an outcome: «unknown», which is told to the desk and not repeated.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zholdary_channels::outbound::Form;
use zholdary_domain::{
    AppealId, CommandId, ContactId, IdKey, MessageId, Position, StreamId, StreamKind, appeal,
    inbound::{Channel, MessageRef, News, Surface},
    message::{self, Event, command_id},
    outgoing::{Outgoing, Sending, Standing, Trouble},
};
use zholdary_log::{
    Cause, Decider, DeciderError, Recorded,
    streams::{Appeals, Messages},
};
use zholdary_routing::{
    Error, Parts, Progress, Ruleset,
    worker::{Patience, keep_running},
};

use crate::{
    Carried, Carriers, Metrics, Settings,
    metrics::{TAKEN, UNKNOWN},
    window::can_send,
};

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
}

/// A message that waits.
#[derive(Debug)]
struct Entry {
    id: MessageId,
    channel: Channel,
    appeal: AppealId,
    standing: Standing,
    at_once: bool,
    since: DateTime<Utc>,
    cause: Cause,
}

/// What a message is about.
#[derive(Debug, Clone)]
struct About {
    contact: ContactId,
    appeal: AppealId,
    what: String,
}

/// What an appeal must hear of a message.
#[derive(Debug, Clone)]
struct Half {
    about: About,
    /// Whether, and why not, it was told.
    told: Result<(), &'static str>,
    /// Not before: a platform may still tell.
    from: DateTime<Utc>,
    cause: Cause,
}

/// What is known of messages and people before some record of the log.
#[derive(Debug, Default)]
struct Fold {
    lanes: HashMap<ContactId, VecDeque<Entry>>,
    /// Those of which their appeal has not heard that they were taken.
    about: HashMap<MessageId, About>,
    halves: BTreeMap<MessageId, Half>,
    heard: HashMap<(ContactId, Channel), DateTime<Utc>>,
    blocked: HashSet<(ContactId, Channel)>,
    erased: HashSet<AppealId>,
    rules: Option<Arc<Ruleset>>,
}

impl Fold {
    fn note_message(&mut self, id: MessageId, event: Event, record: &Recorded, unknown_wait: TimeDelta) {
        match event {
            Event::Received(received) => {
                // What somebody writes in public opens no window.
                if !matches!(received.surface, Surface::Private | Surface::Story) {
                    return;
                }
                for contact in [received.contact].iter().chain(&received.aliases) {
                    let last = self.heard.entry((*contact, received.channel)).or_insert(received.sent_at);
                    *last = received.sent_at.max(*last);
                    self.blocked.remove(&(*contact, received.channel));
                }
            }
            Event::Told { contact, channel, news: News::Blocked, .. } => {
                self.blocked.insert((contact, channel));
            }
            Event::Told { contact, channel, news: News::Unblocked, .. } => {
                self.blocked.remove(&(contact, channel));
            }
            Event::Queued(out) => {
                let about = About { contact: out.contact, appeal: out.appeal, what: out.what.clone() };
                self.about.insert(id, about);
                self.lanes.entry(out.contact).or_default().push_back(Entry {
                    id,
                    channel: out.channel,
                    appeal: out.appeal,
                    standing: Standing::Waits { from: out.not_before },
                    at_once: out.at_once,
                    since: record.recorded_at,
                    cause: Cause::record(record),
                });
            }
            Event::Attempted { at, .. } => self.stands(id, Standing::Attempted { at }),
            Event::NotTaken { again_at: Some(from), .. } => {
                self.stands(id, Standing::Waits { from: Some(from) });
            }
            Event::NotTaken { why, again_at: None, .. } => {
                self.leaves(id, Err(why.code()), record.recorded_at, record);
            }
            Event::OutcomeUnknown { at } => self.leaves(id, Err(UNKNOWN), later(at, unknown_wait), record),
            Event::Taken { at, .. } => self.leaves(id, Ok(()), at, record),
            _ => {}
        }
    }

    fn stands(&mut self, id: MessageId, standing: Standing) {
        let lane = self.about.get(&id).and_then(|about| self.lanes.get_mut(&about.contact));
        if let Some(entry) = lane.and_then(|lane| lane.iter_mut().find(|entry| entry.id == id)) {
            entry.standing = standing;
        }
    }

    /// Its way out has ended, or is unknown; its appeal hears of it.
    fn leaves(
        &mut self,
        id: MessageId,
        told: Result<(), &'static str>,
        from: DateTime<Utc>,
        record: &Recorded,
    ) {
        let Some(about) = self.about.get(&id) else { return };
        if let Some(lane) = self.lanes.get_mut(&about.contact) {
            lane.retain(|entry| entry.id != id);
            if lane.is_empty() {
                self.lanes.remove(&about.contact);
            }
        }
        self.halves.insert(id, Half { about: about.clone(), told, from, cause: Cause::record(record) });
    }

    fn note_appeal(&mut self, id: AppealId, event: &appeal::Event) {
        match event {
            appeal::Event::Told { message, .. } => {
                self.halves.remove(message);
                self.about.remove(message);
            }
            appeal::Event::NotTold { message: Some(message), .. } => {
                self.halves.remove(message);
            }
            appeal::Event::Erased { .. } => {
                self.erased.insert(id);
            }
            _ => {}
        }
    }

    fn waiting(&self) -> usize {
        self.lanes.values().map(VecDeque::len).sum()
    }
}

/// One message to be carried now.
struct Job {
    id: MessageId,
    last_heard: Option<DateTime<Utc>>,
    blocked: bool,
    erased: bool,
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
        }))
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
        let mut fold = Fold::default();
        let mut patience = Patience::new(WORKER, parts);
        let mut under_way: JoinSet<()> = JoinSet::new();
        // Each task with its message: one that panicked gives no answer.
        let mut ids: HashMap<tokio::task::Id, MessageId> = HashMap::new();
        while !stop.is_cancelled() {
            let read = tail.position();
            match gate.is_open(parts.log.as_ref(), read).await {
                Ok(true) => {
                    let concluded = self.conclude(&mut fold, &ids).await;
                    if let Err(error) = concluded {
                        patience.after(error, stop).await?;
                    }
                    self.begin(&fold, &mut under_way, &mut ids);
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
                Some(ended) = under_way.join_next_with_id() => {
                    // What panicked left an attempt without an outcome, which is unknown in a while.
                    let task = ended.map_or_else(|panic| panic.id(), |(task, ())| task);
                    ids.remove(&task);
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
        while under_way.join_next().await.is_some() {}
        Ok(())
    }

    async fn note(&self, fold: &mut Fold, record: &Recorded) -> Result<(), Error> {
        match record.stream.kind() {
            StreamKind::Rules => {
                fold.rules = self.0.parts.rulesets.read(record).await?.or(fold.rules.take());
            }
            StreamKind::Message => {
                let Some(id) = record.stream.message() else { return Ok(()) };
                let wait = millis(self.0.settings.unknown_wait_ms);
                // What does not read is for other workers to tell of: nothing was queued in it that could be sent.
                for event in record.events::<Event>().unwrap_or_default() {
                    fold.note_message(id, event, record, wait);
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
    fn begin(&self, fold: &Fold, under_way: &mut JoinSet<()>, ids: &mut HashMap<tokio::task::Id, MessageId>) {
        let now = self.0.parts.clock.now();
        let is_quiet = self.is_quiet(fold, now);
        let mut due: Vec<(&ContactId, &Entry)> = fold
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.iter().any(|entry| ids.values().any(|id| *id == entry.id)))
            .filter_map(|(contact, lane)| {
                let is_going = lane.iter().any(|entry| matches!(entry.standing, Standing::Attempted { .. }));
                let goes = |entry: &&Entry| entry.at_once || !is_quiet;
                Some((contact, lane.iter().find(goes).filter(|_| !is_going)?))
            })
            .filter(|(_, entry)| match entry.standing {
                Standing::Waits { from } => from.is_none_or(|from| from <= now),
                _ => false,
            })
            .collect();
        due.sort_by_key(|(_, entry)| (!entry.at_once, entry.id));
        let free = self.0.settings.calls.max(1).saturating_sub(under_way.len());
        for (contact, entry) in due.into_iter().take(free) {
            let there = (*contact, entry.channel);
            let job = Job {
                id: entry.id,
                last_heard: fold.heard.get(&there).copied(),
                blocked: fold.blocked.contains(&there),
                erased: fold.erased.contains(&entry.appeal),
                since: entry.since,
                cause: entry.cause,
            };
            let inner = Arc::clone(&self.0);
            let task = under_way.spawn(async move {
                let id = job.id;
                if let Err(error) = inner.send(job).await {
                    tracing::warn!(
                        message.id = %id, error = &error as &dyn std::error::Error,
                        "a message to a resident is not sent now"
                    );
                    // A log that cannot be written is not asked at each look.
                    tokio::time::sleep(PAUSE).await;
                }
            });
            ids.insert(task.id(), entry.id);
        }
    }

    /// Whether the city sleeps.
    fn is_quiet(&self, fold: &Fold, now: DateTime<Utc>) -> bool {
        let (from, to) = (self.0.settings.quiet_from_hour, self.0.settings.quiet_to_hour);
        let Some(rules) = &fold.rules else { return false };
        let hour = now.with_timezone(&rules.city.calendar.zone()).hour();
        if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to }
    }

    /// Ends what has no outcome, and tells appeals what came of their messages.
    async fn conclude(
        &self,
        fold: &mut Fold,
        ids: &HashMap<tokio::task::Id, MessageId>,
    ) -> Result<(), Error> {
        let now = self.0.parts.clock.now();
        let until = later(now, -millis(self.0.settings.unknown_after_ms));
        for entry in fold.lanes.values().flatten() {
            let Standing::Attempted { at } = entry.standing else { continue };
            if at <= until && !ids.values().any(|id| *id == entry.id) {
                let unknown = Event::OutcomeUnknown { at: now };
                let concluded = self.0.conclude(entry.id, entry.cause, entry.channel, UNKNOWN, unknown).await;
                not_of_one_stream(concluded)?;
            }
        }
        let ready: Vec<_> =
            fold.halves.iter().filter(|(_, half)| half.from <= now).map(|(id, _)| *id).collect();
        for id in ready {
            if let Some(half) = fold.halves.get(&id) {
                not_of_one_stream(self.0.tell(id, half).await)?;
                fold.halves.remove(&id);
            }
        }
        Ok(())
    }
}

impl Inner {
    /// One message, from its record to its outcome.
    async fn send(&self, job: Job) -> Result<(), Error> {
        let Job { id, cause, since, .. } = job;
        let expires = later(since, TimeDelta::hours(self.settings.expires_hours.into()));
        let Some(Sending { what: out, attempts, standing: Standing::Waits { .. } }) =
            self.messages.load(&StreamId::from(id)).await?.state.sending
        else {
            return Ok(());
        };
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
            Ok(_) | Err(DeciderError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let carried = carrier.carry(id, &out, form).await;
        // What the platform said is known to nobody else: it is worth waiting for a log that cannot be written just now.
        for _ in 0..TRIES {
            match self.note_outcome(id, cause, &out, attempt, expires, carried.clone()).await {
                Err(error) if error.is_transient() => tokio::time::sleep(PAUSE).await,
                noted => return noted,
            }
        }
        self.note_outcome(id, cause, &out, attempt, expires, carried).await
    }

    fn may_go(&self, job: &Job, out: &Outgoing, now: DateTime<Utc>) -> Result<Form, Trouble> {
        if job.blocked || job.erased {
            return Err(Trouble::Blocked);
        }
        can_send(out, job.last_heard, now, self.settings.human_agent)
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
    async fn gives_up(&self, id: MessageId, cause: Cause, out: &Outgoing, why: Trouble) -> Result<(), Error> {
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
    ) -> Result<(), Error> {
        let at = self.parts.clock.now();
        match carried {
            Carried::Taken(external_id) => {
                let name = MessageRef {
                    channel: out.channel,
                    account: out.account.clone(),
                    external_id: external_id.into(),
                };
                let message = name.id(&self.key);
                let event = Event::Taken { message, external_id: name.external_id, at };
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
    ) -> Result<(), Error> {
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
    ) -> Result<(), Error> {
        let recorded = self
            .messages
            .handle(&StreamId::from(id), named, cause, |state, _| message::decide(state, command.clone()))
            .await;
        match recorded {
            Ok(handled) => {
                if handled.new {
                    self.metrics.came(channel, label);
                }
                Ok(())
            }
            Err(DeciderError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The second half: under the platform's id, and in the appeal. Repeated it changes nothing.
    async fn tell(&self, id: MessageId, half: &Half) -> Result<(), Error> {
        let command = match half.told {
            Ok(()) => {
                // A name that cannot be recorded keeps nobody from hearing that it was told.
                not_of_one_stream(self.name(id, half.cause).await)?;
                appeal::Command::NoteTold { message: id, what: half.about.what.clone() }
            }
            Err(why) => appeal::Command::NoteNotTold {
                what: half.about.what.clone(),
                why: why.to_owned(),
                message: Some(id),
            },
        };
        let purpose = if half.told.is_ok() { "told" } else { "not_told" };
        let told = self
            .appeals
            .handle(&StreamId::from(half.about.appeal), CommandId::of(id, purpose), half.cause, |state, _| {
                appeal::decide(state, command.clone())
            })
            .await;
        match told {
            Ok(_) | Err(DeciderError::Refused(_)) => Ok(()),
            Err(error) if error.is_of_one_stream() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the platform calls ours has a stream of that name: echoes, states and answers find it there.
    async fn name(&self, id: MessageId, cause: Cause) -> Result<(), Error> {
        let stream = self.parts.log.load(&StreamId::from(id)).await?;
        let (mut out, mut taken) = (None, None);
        for record in stream.records() {
            let events: Vec<Event> =
                record.events().map_err(|source| Error::Decode { position: record.position, source })?;
            for event in events {
                match event {
                    Event::Queued(what) => out = Some(what),
                    Event::Taken { message, external_id, at } => taken = Some((message, external_id, at)),
                    _ => {}
                }
            }
        }
        let (Some(out), Some((message, external_id, sent_at))) = (out, taken) else { return Ok(()) };
        let sent = Event::Sent {
            channel: out.channel,
            account: out.account.clone(),
            external_id,
            answers: None,
            appeal: Some(out.appeal),
            number: None,
            contact: Some(out.contact),
            sent_at,
            of: Some(id),
        };
        let named = self
            .messages
            .handle(&StreamId::from(message), command_id::sent(message), cause, |state, _| {
                message::decide(state, message::Command::RecordSent(Box::new(sent.clone())))
            })
            .await;
        match named {
            Ok(_) | Err(DeciderError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What one stream's records say must not hold up the others.
fn not_of_one_stream(done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.is_of_one_stream() => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what came of a message is not recorded whole"
            );
            Ok(())
        }
        done => done,
    }
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    let end = if by < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.checked_add_signed(by).unwrap_or(end)
}

fn millis(ms: u64) -> TimeDelta {
    i64::try_from(ms).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}
