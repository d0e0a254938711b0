//! Worker `route`: understands what residents wrote and decides who acts, why, by when; answers questions at once.
//!
//! Lanes are appeals. A record that puts other rules in force is a barrier: what came before is decided under the rules that
//! were in force. Nothing is decided over a person: once somebody corrected or redirected, only the rules for the
//! corrected category and place are asked again, when that person left the party open. A danger is heard in every state.
//!
//! What was decided once is not decided again after a restart: a decision expects its appeal's stream as it was, so it has
//! seen every fact before it. What changed nothing leaves no record; the checkpoint says that it was asked.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;
use tracing::error;
use zholdary_domain::{
    AppealId, CommandId, MessageId, Number, Position, StreamId, StreamKind,
    appeal::{
        self, Actor, Appeal, Command, DESK, Event, Finding, FindingId, Stage, Understanding,
        decide::Settlement,
    },
    message::Message,
};
use zholdary_log::{
    AppendError, Cause, Decider, DeciderError, Loaded, Recorded,
    streams::{Appeals, Messages},
};

use crate::{
    Error, Parts, Progress, Ruleset,
    checkpoints::Unfinished,
    follow::Follow,
    further, lanes,
    languages::Languages,
    restart::keep_running,
    rules::{self, Case},
    settle::{Earlier, Words, alarms, decide_all, settle},
    thread::{self, Said},
};

/// The worker.
#[derive(Debug, Clone)]
pub struct Route {
    parts: Parts,
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    unfinished: Unfinished,
    progress: Progress,
}

/// Its name.
pub(crate) const WORKER: &str = "route";

/// What it remembers of the log.
#[derive(Debug, Default)]
struct Memory {
    rules: Option<Arc<Ruleset>>,
    numbers: HashMap<Number, AppealId>,
    /// What people are answered in.
    languages: Languages,
    /// Appeals of which a record could not be decided: what follows waits behind it.
    parked: Mutex<HashSet<AppealId>>,
}

impl Memory {
    fn has_parked(&self, id: AppealId) -> bool {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

/// A fact that asks for a decision.
#[derive(Debug, Clone)]
struct Trigger {
    appeal: AppealId,
    /// The command that recorded it.
    cause_id: CommandId,
    cause: Cause,
    at: chrono::DateTime<chrono::Utc>,
    position: Position,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Registered,
    /// It had ended before anybody understood it.
    Reopened,
    Added(MessageId),
    /// The message has this version since.
    Edited(MessageId, u32),
    Corrected(FindingId),
}

/// What a trigger was told by.
struct Told {
    /// Nothing where no message opened the appeal.
    id: Option<MessageId>,
    message: Message,
    /// The version that told it.
    version: u32,
}

/// A danger of a message, and who told of it since.
struct Heard {
    danger: Finding,
    /// An earlier version of the message told of it.
    before: bool,
    /// One told of it with as much of its place.
    there: bool,
    /// The findings that told of it, by index.
    by: BTreeSet<usize>,
}

/// Names the command that decides on everything that was written.
const WHOLE: &str = "route";
/// Names the command that hears the dangers of one message.
const DANGER: &str = "danger";
/// Names the command that asks the rules again after a correction.
const REROUTE: &str = "reroute";

/// What a fact, named by the command that recorded it, may lead to: one of these, once. The whole, the danger, the reroute.
fn decisions_of(cause: CommandId) -> [CommandId; 3] {
    [WHOLE, DANGER, REROUTE].map(|purpose| CommandId::of(cause, purpose))
}

impl Route {
    /// A worker over the log of `parts`.
    #[must_use]
    pub fn new(parts: &Parts) -> Self {
        Self {
            parts: parts.clone(),
            messages: Decider::new(parts.log.clone(), parts.clock.clone()),
            appeals: Decider::new(parts.log.clone(), parts.clock.clone()),
            unfinished: Unfinished::default(),
            progress: Progress::default(),
        }
    }

    /// How far it came.
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
        let mut memory = Memory::default();
        let mut follow = Follow::begin(WORKER, &self.parts, &self.unfinished, &self.progress).await;
        while let Some(page) = follow.next(stop).await? {
            for record in &page {
                follow.pass(record);
                memory.languages.note(record);
                if record.stream.kind() == StreamKind::Rules {
                    if let Some(rules) = self.parts.rulesets.read(record).await? {
                        follow.govern(&rules);
                        memory.rules = Some(rules);
                    }
                } else if let Some(appeal) = record.stream.appeal()
                    && let Some(trigger) = self.note(&mut memory, appeal, record)
                {
                    let decisions = decisions_of(record.command_id).map(|id| (StreamKind::Appeal, id));
                    follow.ask(record.position, memory.rules.as_ref(), decisions, trigger);
                }
            }
            while let Some(batch) = follow.due(stop).await? {
                let decided = self.decide_all(&memory, &batch.rules, batch.items()).await;
                follow.finish(batch, decided, stop).await?;
            }
        }
        Ok(())
    }

    fn note(&self, memory: &mut Memory, id: AppealId, record: &Recorded) -> Option<Trigger> {
        let events: Vec<Event> = match record.events() {
            Ok(events) => events,
            Err(source) => {
                let error = Error::Decode { position: record.position, source };
                self.park(memory, id, record.position, &error);
                return None;
            }
        };
        for event in &events {
            match event {
                Event::Registered(registered) => {
                    memory.numbers.insert(registered.number.clone(), id);
                }
                Event::AliasNamed { number } => {
                    memory.numbers.entry(number.clone()).or_insert(id);
                }
                _ => {}
            }
        }
        let why = events.iter().find_map(|event| match event {
            Event::Registered(_) => Some(Why::Registered),
            // Stands alone in its record: only a person opens again.
            Event::Reopened { .. } => Some(Why::Reopened),
            Event::MessageAdded { message, .. } => Some(Why::Added(*message)),
            Event::MessageEdited { message, version } => Some(Why::Edited(*message, *version)),
            // A person who named the party too has decided everything.
            Event::Corrected { finding, .. } if !events.iter().any(|e| matches!(e, Event::Routed(_))) => {
                Some(Why::Corrected(*finding))
            }
            Event::PlaceGiven { finding, by: Actor::Operator { .. }, .. } => Some(Why::Corrected(*finding)),
            _ => None,
        });
        why.map(|why| Trigger {
            appeal: id,
            cause_id: record.command_id,
            cause: Cause::record(record),
            at: record.recorded_at,
            position: record.position,
            why,
        })
    }

    async fn decide_all(
        &self,
        memory: &Memory,
        rules: &Ruleset,
        triggers: Vec<Trigger>,
    ) -> Result<(), Error> {
        // A batch has no more appeals than lanes, so no danger waits behind a question: all are decided side by side.
        let items = triggers.into_iter().map(|trigger| (trigger.appeal, trigger));
        lanes::run(items, self.parts.config.lanes, |trigger| async move {
            if memory.has_parked(trigger.appeal) {
                self.unfinished.add(trigger.position);
                return Ok(());
            }
            match self.decide(memory, rules, &trigger).await {
                Err(error) if error.is_of_one_stream() => {
                    self.park(memory, trigger.appeal, trigger.position, &error);
                    Ok(())
                }
                decided => decided,
            }
        })
        .await
    }

    fn park(&self, memory: &Memory, id: AppealId, position: Position, error: &Error) {
        self.unfinished.add(position);
        self.parts.metrics.records.with_label_values(&[WORKER, "parked"]).inc();
        error!(
            appeal.id = %id, %position, error = error as &dyn std::error::Error,
            "route parks the record at {position}: appeal {id} waits behind it"
        );
        memory.parked.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Decides one fact; looks again when somebody was faster.
    async fn decide(&self, memory: &Memory, rules: &Ruleset, trigger: &Trigger) -> Result<(), Error> {
        let stream = StreamId::from(trigger.appeal);
        loop {
            let loaded = self.appeals.load(&stream).await?;
            let ids = decisions_of(trigger.cause_id);
            if ids.iter().any(|id| loaded.position_of(*id).is_some()) {
                return Ok(());
            }
            let [whole, danger, reroute] = ids;
            let appeal = &loaded.state;
            // Whoever opens again what was understood has it before their eyes.
            if trigger.why == Why::Reopened && appeal.understanding.is_some() {
                return Ok(());
            }
            let (id, command) = if let Why::Corrected(finding) = trigger.why {
                (reroute, self.reroute_again(rules, &loaded, finding, trigger).await?)
            } else {
                let told = self.told(appeal, trigger.why).await?;
                let settled = if has_been_seen(&loaded, trigger) {
                    None
                } else {
                    self.settle_again(memory, rules, &loaded, &told, trigger).await?
                };
                let id = if settled.is_some() { whole } else { danger };
                let after = settled.as_ref().map(|settlement| after(appeal, settlement));
                let appeal = after.as_ref().unwrap_or(appeal);
                let heard = self.hear_dangers(rules, appeal, &told, trigger).await?;
                (id, further::both(settled, heard).map(settle_command))
            };
            let Some(command) = command else { return Ok(()) };
            let events = match appeal::decide(appeal, command) {
                Ok(events) => events,
                // Somebody moved it on meanwhile; there is nothing left to decide.
                Err(refusal) => {
                    tracing::debug!(appeal.id = %trigger.appeal, %refusal, "nothing to decide");
                    return Ok(());
                }
            };
            let recorded =
                self.appeals.handle_expecting(&stream, id, trigger.cause, loaded.expect(), &events).await;
            match recorded {
                Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// What a trigger was told by: the message, and which version of it.
    async fn told(&self, appeal: &Appeal, why: Why) -> Result<Told, Error> {
        let (id, version) = match why {
            Why::Registered | Why::Reopened | Why::Corrected(_) => (appeal.messages.first().copied(), 1),
            Why::Added(message) => (Some(message), 1),
            Why::Edited(message, version) => (Some(message), version),
        };
        let message = match id {
            Some(id) => self.messages.load(&StreamId::from(id)).await?.state,
            None => Message::default(),
        };
        Ok(Told { id, message, version })
    }

    /// What somebody sends beyond the limits a person reads: no rule decides on it, but on what is dangerous there.
    fn of_a_flood(rules: &Ruleset, findings: &mut Vec<Finding>) {
        findings.retain(|finding| rules.city.is_danger(finding));
        if findings.is_empty() {
            // As of a message that says nothing yet.
            *findings = rules.triage.read(&Said::of(&[]).input()).understanding.findings;
        }
    }

    async fn settle(
        &self,
        memory: &Memory,
        rules: &Ruleset,
        appeal: &Appeal,
        told: &Told,
        trigger: &Trigger,
    ) -> Result<Option<Settlement>, Error> {
        let why = trigger.why;
        let Some(registered) = &appeal.registered else { return Ok(None) };
        let waits = further::waits(appeal) || (why == Why::Reopened && appeal.end.is_none());
        if !waits || (why == Why::Registered && appeal.understanding.is_some()) {
            return Ok(None);
        }
        // A message without words or a point changes no decision.
        if matches!(why, Why::Added(_))
            && appeal.understanding.is_some()
            && !thread::says_anything(&told.message)
        {
            return Ok(None);
        }
        let messages = self.thread(appeal, told.id).await?;
        let said = Said::of(&messages);
        let mut understood = rules.triage.read(&said.input());
        let parts = thread::parts(rules, &messages);
        let Understanding { findings, danger, .. } = &mut understood.understanding;
        let edit = thread::edit(rules, &told.message);
        let read = further::with_dangers(&rules.city, appeal, std::mem::take(findings), &parts, &edit);
        *danger |= read.iter().any(|f| rules.city.is_danger(f));
        *findings = further::aligned(&rules.city, appeal, read, &edit);
        if registered.flood.is_some() {
            Self::of_a_flood(rules, findings);
        }
        let taken = |f: &&appeal::FindingState| !matches!(f.stage, Stage::Desk | Stage::Asked);
        let earlier = match &understood.understanding.names_number {
            Some(named) => self.earlier(memory, named, trigger.appeal).await?,
            None => None,
        };
        let words = Words {
            number: &registered.number,
            text: (!appeal.messages.is_empty() && registered.flood.is_none()).then_some(said.text.as_str()),
            received_at: registered.received_at,
            now: trigger.at,
            earlier,
            answered_with: &appeal.answered_with,
            place_asked: appeal.place_asked,
            taken: if appeal.findings.iter().any(|f| taken(&f)) { appeal.findings.len() } else { 0 },
            site: &self.parts.config.site,
            chosen: memory.languages.of(registered.contact),
        };
        let mut settlement = settle(rules, understood, &words);
        if registered.message.is_none() && registered.parent.is_none() {
            // Its terms run where it was registered, and we do not know them.
            settlement.routes.iter_mut().for_each(|route| route.due.clear());
        }
        let new = &settlement.understanding;
        let is_news = appeal
            .understanding
            .as_ref()
            .is_none_or(|known| !further::means_the_same(&rules.city, known, new));
        Ok(is_news.then_some(settlement))
    }

    /// The dangers that a version of a message tells by itself, in whatever state the appeal is: each of which nobody heard
    /// becomes a finding of its own and is handed over at once. Only its author may say that it is elsewhere.
    async fn hear_dangers(
        &self,
        rules: &Ruleset,
        appeal: &Appeal,
        told: &Told,
        trigger: &Trigger,
    ) -> Result<Option<Settlement>, Error> {
        let (Some(registered), Some(content)) = (&appeal.registered, told.message.version(told.version))
        else {
            return Ok(None);
        };
        let city = &rules.city;
        let alone = thread::read(rules, content);
        let before = if thread::names_a_problem(rules, &alone) {
            Said::default()
        } else {
            self.said_before(appeal, told).await?
        };
        let mut understood = thread::after(rules, &before, content, alone);
        let mut dangers = further::dangers(city, std::mem::take(&mut understood.understanding.findings));
        dangers.retain(|danger| further::tellers(city, appeal, danger).is_empty());
        if !dangers.is_empty() {
            let later = told.message.content().filter(|now| !std::ptr::eq(*now, content));
            let later = later.map(|now| thread::alone(rules, now)).unwrap_or_default();
            dangers.retain(|danger| !further::is_elsewhere(city, danger, &later));
            dangers = self.unheard(rules, appeal, told, &before, trigger, dangers).await?;
        }
        if dangers.is_empty() {
            return Ok(None);
        }
        let known = appeal.understanding.as_deref();
        let dangers = dangers.into_iter().map(|danger| further::placed(appeal, danger));
        let findings = further::known_findings(appeal).chain(dangers).collect();
        understood.understanding = Understanding {
            danger: true,
            lang: known.map_or(understood.understanding.lang, |known| known.lang),
            names_number: known.and_then(|known| known.names_number.clone()),
            findings,
            ..understood.understanding
        };
        let first = further::next_finding(appeal);
        let day = city.calendar.local_date(trigger.at);
        let decisions = decide_all(city, &rules.triage, &understood, first, registered.received_at, day);
        let alarms = match appeal.end {
            None => alarms(&decisions),
            // Nobody is made responsible for what is closed: a person must look at once.
            Some(_) => decisions.iter().map(|d| (d.route.finding, DESK.to_owned())).collect(),
        };
        Ok(Some(Settlement {
            understanding: understood.understanding,
            routes: decisions.into_iter().map(|d| d.route).collect(),
            question: None,
            answers: vec![],
            alarms,
        }))
    }

    /// What a further message or an edit changes, while the rules decide about the appeal. A restart asks again: what changed
    /// nothing as the appeal stood then changes nothing now, wherever it stands since.
    async fn settle_again(
        &self,
        memory: &Memory,
        rules: &Ruleset,
        loaded: &Loaded<Appeal>,
        told: &Told,
        trigger: &Trigger,
    ) -> Result<Option<Settlement>, Error> {
        let is_left = |appeal: &Appeal| {
            let added = matches!(trigger.why, Why::Added(_));
            added && further::stays(appeal, thread::gives_point(&told.message))
        };
        let then = if is_last(loaded, trigger) { None } else { Some(self.as_it_stood(trigger).await?) };
        if is_left(then.as_ref().unwrap_or(&loaded.state)) {
            return Ok(None);
        }
        let settled = self.settle(memory, rules, &loaded.state, told, trigger).await?;
        match then {
            Some(then) if settled.is_some() => {
                Ok(self.settle(memory, rules, &then, told, trigger).await?.and(settled))
            }
            _ => Ok(settled),
        }
    }

    /// Those of the dangers, of which no open finding tells, that nobody heard of since the message told of them. A restart asks
    /// again, an author edits a comma: what was heard and made safe meanwhile is no news.
    async fn unheard(
        &self,
        rules: &Ruleset,
        appeal: &Appeal,
        told: &Told,
        before: &Said,
        trigger: &Trigger,
        dangers: Vec<Finding>,
    ) -> Result<Vec<Finding>, Error> {
        let city = &rules.city;
        let said = |version| match told.message.version(version) {
            Some(content) => {
                let alone = thread::read(rules, content);
                thread::after(rules, before, content, alone).understanding.findings
            }
            None => vec![],
        };
        let earlier: Vec<Finding> = (1..told.version).flat_map(said).collect();
        let just_before = said(told.version.saturating_sub(1));
        let mut heard: Vec<Heard> = dangers
            .into_iter()
            .map(|danger| Heard {
                before: further::is_among(city, &danger, &earlier),
                there: further::is_there_among(city, &danger, &earlier),
                by: BTreeSet::new(),
                danger,
            })
            .collect();
        // Nothing is open there: what the version before told alarmed the desk, or was known before the end.
        heard.retain(|heard| {
            appeal.end.is_none() || !further::is_there_among(city, &heard.danger, &just_before)
        });
        let mut stood = 0;
        self.replay(trigger.appeal, |position, past| {
            if position <= trigger.position {
                stood = past.findings.len();
            }
            let is_there = told.id.is_some_and(|message| past.messages.contains(&message));
            for Heard { danger, before, by, .. } in &mut heard {
                if position >= trigger.position || (*before && is_there) {
                    by.extend(further::tellers(city, past, danger));
                }
            }
        })
        .await?;
        let since: Vec<Finding> = further::known_findings(appeal).skip(stood).collect();
        heard.retain_mut(|Heard { danger, before, there, by }| {
            if appeal.end.is_some() && further::is_among(city, danger, &since) {
                return false;
            }
            if *before && !*there {
                // Told of without a place before, and with one now: what stands elsewhere was another.
                by.retain(|index| {
                    appeal.findings.get(*index).is_none_or(|f| !further::are_apart(&f.place, &danger.place))
                });
            }
            !further::is_known(appeal, by)
        });
        Ok(heard.into_iter().map(|heard| heard.danger).collect())
    }

    /// The appeal as the trigger left it.
    async fn as_it_stood(&self, trigger: &Trigger) -> Result<Appeal, Error> {
        let mut then = Appeal::default();
        self.replay(trigger.appeal, |position, appeal| {
            if position <= trigger.position {
                then.clone_from(appeal);
            }
        })
        .await?;
        Ok(then)
    }

    /// As [`Route::reroute`]. A restart asks again: what the rules would not have changed then they do not change now.
    async fn reroute_again(
        &self,
        rules: &Ruleset,
        loaded: &Loaded<Appeal>,
        finding: FindingId,
        trigger: &Trigger,
    ) -> Result<Option<Command>, Error> {
        let wish = self.reroute(rules, &loaded.state, finding, trigger).await?;
        if wish.is_none() || is_last(loaded, trigger) {
            return Ok(wish);
        }
        let then = self.reroute(rules, &self.as_it_stood(trigger).await?, finding, trigger).await?;
        Ok(then.and(wish))
    }

    /// Shows the appeal as each of its records left it.
    async fn replay(&self, id: AppealId, mut see: impl FnMut(Position, &Appeal)) -> Result<(), Error> {
        let stream = self.appeals.log().load(&StreamId::from(id)).await?;
        let mut appeal = Appeal::default();
        for record in stream.records() {
            let events: Vec<Event> =
                record.events().map_err(|source| Error::Decode { position: record.position, source })?;
            events.iter().for_each(|event| appeal.evolve(event));
            see(record.position, &appeal);
        }
        Ok(())
    }

    /// A person corrected category or place and left the party open: the rules are asked again, unless somebody decided since.
    async fn reroute(
        &self,
        rules: &Ruleset,
        appeal: &Appeal,
        finding: FindingId,
        trigger: &Trigger,
    ) -> Result<Option<Command>, Error> {
        let (Some(registered), Some(state)) =
            (&appeal.registered, appeal.findings.get(usize::from(finding.0)))
        else {
            return Ok(None);
        };
        if !state.is_open() || appeal.end.is_some() || self.was_decided_since(trigger, finding).await? {
            return Ok(None);
        }
        let messages = self.thread(appeal, None).await?;
        let understood = rules.triage.read(&Said::of(&messages).input());
        let city = &rules.city;
        let known = state.route.as_ref();
        // What the words raised it to stays; another category has its own urgency.
        let raised =
            known.filter(|route| route.category == state.category).map(|route| route.priority.clone());
        let priority = raised.or_else(|| city.category(&state.category).map(|c| c.priority.clone()));
        let corrected = Finding {
            category: state.category.clone(),
            priority: priority.unwrap_or_else(|| "normal".to_owned()),
            confidence: appeal::Permille(1000),
            because: vec![],
            place: state.place.clone(),
        };
        let has_stem = |stems: &[String]| rules.triage.has_stem(&understood.folded, stems);
        let case = Case {
            id: finding,
            finding: &corrected,
            has_stem: &has_stem,
            cover: understood.cover.as_ref().map(|cover| (cover.mark.as_str(), &cover.party)),
            received_at: registered.received_at,
            day: city.calendar.local_date(trigger.at),
        };
        let decision = rules::decide(city, &case);
        let route = &decision.route;
        let same = known.is_some_and(|known| {
            (&known.to, &known.waits_at) == (&route.to, &route.waits_at)
                && (&known.category, &known.priority, &known.bucket)
                    == (&route.category, &route.priority, &route.bucket)
        });
        // Whoever refused it does not get it again from the rules: a person chooses.
        let refused = state.stage == Stage::Refused && known.is_some_and(|known| known.to == route.to);
        let alarms = alarms(std::slice::from_ref(&decision));
        let route = Box::new(decision.route);
        Ok((!same && !refused).then_some(Command::Redirect { route, alarms, by: Actor::System }))
    }

    /// Whether anybody decided about the finding after the trigger, or took it in hand.
    async fn was_decided_since(&self, trigger: &Trigger, finding: FindingId) -> Result<bool, Error> {
        let stream = self.appeals.log().load(&StreamId::from(trigger.appeal)).await?;
        for record in stream.records().iter().filter(|record| record.position > trigger.position) {
            let events: Vec<Event> =
                record.events().map_err(|source| Error::Decode { position: record.position, source })?;
            let decides = |event: &Event| match event {
                Event::Routed(route) => route.finding == finding,
                Event::Accepted { finding: of, .. }
                | Event::Refused { finding: of, .. }
                | Event::Started { finding: of, .. }
                | Event::Corrected { finding: of, .. }
                | Event::PlaceGiven { finding: of, by: Actor::Operator { .. }, .. } => *of == finding,
                // What was answered, done or closed meanwhile is open only because a person has it before their eyes.
                Event::Reopened { .. } => true,
                _ => false,
            };
            if events.iter().any(decides) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What residents wrote, as it reads now; of a very long thread the middle is left out, but for `also`. What was taken back
    /// is hidden from the public (R9), not from the rules: the pit is there whoever regrets having told of it.
    async fn thread(&self, appeal: &Appeal, also: Option<MessageId>) -> Result<Vec<Message>, Error> {
        let (most, all) = (self.parts.config.thread_messages.max(2), appeal.messages.len());
        let read = |n: &usize| {
            all <= most || *n < most / 2 || *n >= all - most / 2 || also == Some(appeal.messages[*n])
        };
        let mut thread = Vec::with_capacity(all.min(most));
        for n in (0..all).filter(read) {
            thread.push(self.messages.load(&StreamId::from(appeal.messages[n])).await?.state);
        }
        Ok(thread)
    }

    /// What was said before a message; of a long thread the last messages before it.
    async fn said_before(&self, appeal: &Appeal, told: &Told) -> Result<Said, Error> {
        let before = appeal.messages.iter().take_while(|message| Some(**message) != told.id);
        let before: Vec<_> = before.copied().collect();
        let mut messages = Vec::new();
        for id in &before[before.len().saturating_sub(self.parts.config.thread_messages)..] {
            match self.messages.load(&StreamId::from(*id)).await {
                Ok(loaded) => messages.push(loaded.state),
                // What another message's records say must not hold up this one.
                Err(error) if error.is_of_one_stream() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Said::of(&messages))
    }

    async fn earlier(
        &self,
        memory: &Memory,
        named: &str,
        asking: AppealId,
    ) -> Result<Option<Earlier>, Error> {
        let known = named.parse::<Number>().ok().and_then(|n| memory.numbers.get(&n).map(|id| (n, *id)));
        let Some((number, id)) = known.filter(|(_, id)| *id != asking) else { return Ok(None) };
        let appeal = match self.appeals.load(&StreamId::from(id)).await {
            Ok(loaded) => loaded.state,
            // What another appeal's records say must not hold up this one.
            Err(error) if error.is_of_one_stream() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let main = appeal.findings.first();
        let party = main.and_then(|f| f.route.as_ref()).map(|r| r.to.clone());
        let due = main.and_then(|f| f.due.get(&appeal::Clock::Legal)).map(|d| d.at);
        let state = appeal.public_state();
        Ok(appeal.registered.map(|r| Earlier { number, received_at: r.received_at, state, party, due }))
    }
}

fn settle_command(settlement: Settlement) -> Command {
    Command::Settle(Box::new(settlement))
}

/// The appeal once it is settled so.
fn after(appeal: &Appeal, settlement: &Settlement) -> Appeal {
    let mut after = appeal.clone();
    let events = appeal::decide(appeal, settle_command(settlement.clone()));
    events.iter().flatten().for_each(|event| after.evolve(event));
    after
}

/// Whether nothing was recorded in the appeal after the trigger.
fn is_last(loaded: &Loaded<Appeal>, trigger: &Trigger) -> bool {
    loaded.known.last().is_none_or(|(_, last)| *last <= trigger.position)
}

/// Whether everything that was written was read after the trigger, and decided on.
fn has_been_seen(loaded: &Loaded<Appeal>, trigger: &Trigger) -> bool {
    let later: HashSet<CommandId> =
        loaded.known.iter().filter(|(_, at)| *at > trigger.position).map(|(command, _)| *command).collect();
    !later.is_empty() && loaded.known.iter().any(|(cause, _)| later.contains(&CommandId::of(*cause, WHOLE)))
}
