//! Plays a script: its messages through the real intake, by the played clock, and what operators, parties and authors make of what
//! the system decided.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashSet},
    sync::Arc,
};

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use zholdary_city::Lang;
use zholdary_domain::{
    AppealId, Clock, CommandId, IdKey, MessageId, Personal, StreamId,
    appeal::{self, Actor, Answer, Appeal, Because, Command, FindingId, Refusal, Route, Stage},
    message::Outcome,
    time::PlayedClock,
};
use zholdary_log::{
    Cause, Decider,
    streams::{Appeals, Messages},
};
use zholdary_simulation::{ACCOUNT, BESIDE, Fate, Said, Script, Story, post};

use super::super::ingest::{Feed, Source};
use crate::{cli::Payload, print, system::System};

/// When operators and parties act, in hours of the city's day: the clock goes from one to the next at once.
const ACT_AT: [i64; 2] = [10, 18];
/// Deeds that are under way together.
const AT_ONCE: usize = 64;
/// Messages of one delivery.
const IN_ONE_POST: usize = 200;
/// The token under which the simulated press centre acts.
const OPERATOR: &str = "demo";
/// Corrections of one appeal before the operator decides by hand.
const LOOKS: u8 = 3;

/// What was simulated, for the note of the demo.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Played {
    /// Messages of residents.
    pub(super) messages: usize,
    /// Appeals in groups of the report.
    pub(super) appeals: usize,
    /// Appeals whose understanding or group an operator corrected.
    pub(super) corrected: usize,
}

/// Something that somebody will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// An operator looks at what was understood and decided.
    Look(u8),
    /// An operator counts it to a problem that somebody told of before.
    Join,
    /// A message of ours tells the author that it is registered.
    Receipt,
    Accept,
    Start,
    Finish,
    Refuse,
    /// An operator ends what its party refused.
    Close,
    /// A message of ours asks whether it is fixed.
    Ask,
    /// The author presses a button.
    Press,
    /// The author writes again, in answer to the receipt.
    Later,
}

/// What came of a deed.
struct Acted {
    nth: usize,
    /// An operator put right what was understood.
    corrected: bool,
    again: Option<(DateTime<Utc>, usize, Deed)>,
}

/// What is done about each story, in order.
type Deeds = BTreeMap<usize, Vec<Deed>>;

/// Due when, which story, what.
type Due = Reverse<(DateTime<Utc>, usize, Deed)>;

pub(super) struct Player<'a> {
    feed: Feed<'a>,
    clock: &'a PlayedClock,
    script: &'a Script,
    appeals: Decider<Appeals>,
    messages: Decider<Messages>,
    key: IdKey,
    due: BinaryHeap<Due>,
    placed: BTreeMap<usize, AppealId>,
    played: Played,
    corrected: Vec<bool>,
}

impl<'a> Player<'a> {
    pub(super) async fn new(
        system: &'a Arc<System>,
        clock: &'a PlayedClock,
        script: &'a Script,
    ) -> anyhow::Result<Self> {
        let decider = || (Arc::clone(&system.log), Arc::clone(&system.clock));
        let ((log, now), (same, again)) = (decider(), decider());
        Ok(Self {
            feed: Feed::over(system, Some(clock), None).await?,
            clock,
            script,
            appeals: Decider::new(log, now),
            messages: Decider::new(same, again),
            key: system.data.id_key()?,
            due: BinaryHeap::new(),
            placed: BTreeMap::new(),
            played: Played::default(),
            corrected: vec![false; script.stories.len()],
        })
    }

    /// Plays everything up to `until`.
    pub(super) async fn play(mut self, from: DateTime<Utc>, until: DateTime<Utc>) -> anyhow::Result<Played> {
        let days = (until - from).num_days();
        let hours = (0..days).flat_map(|day| ACT_AT.map(|hour| day * 24 + hour));
        let bar = print::bar("days", days.unsigned_abs());
        let mut stories = 0;
        for at in hours.map(|hours| from + Duration::hours(hours)).chain([until]) {
            let opened =
                self.script.stories[stories..].iter().take_while(|story| story.first().at < at).count();
            let opened = stories..stories + opened;
            stories = opened.end;
            self.step(at, opened).await?;
            bar.set_position((at - from).num_days().unsigned_abs());
        }
        // What was begun in the last step comes to its end.
        for _ in 0..LOOKS {
            self.step(until, 0..0).await?;
        }
        bar.finish_and_clear();
        self.played.corrected = self.corrected.iter().filter(|corrected| **corrected).count();
        let in_report = |nth: &&usize| self.script.stories[**nth].group != BESIDE;
        self.played.appeals = self.placed.keys().filter(in_report).count();
        self.feed.settled().await?;
        self.feed.finish().await?;
        Ok(self.played)
    }

    /// Everything up to `at`: the messages, what is due, and a look at what was opened.
    async fn step(&mut self, at: DateTime<Utc>, opened: std::ops::Range<usize>) -> anyhow::Result<()> {
        let stories = &self.script.stories[opened.clone()];
        let mut messages: Vec<Said> =
            stories.iter().flat_map(|story| story.opening.iter().cloned()).collect();
        let again = stories.iter().filter(|story| story.again).map(|story| story.first().clone()).collect();
        let mut sent = String::new();
        let (mut looks, mut deeds) = (Deeds::new(), Deeds::new());
        while let Some(Reverse((due, ..))) = self.due.peek()
            && *due <= at
        {
            let Some(Reverse((due, nth, deed))) = self.due.pop() else { break };
            let story = &self.script.stories[nth];
            match deed {
                Deed::Receipt => sent += &(story.receipt(due) + "\n"),
                Deed::Ask => sent += &(story.question(due) + "\n"),
                Deed::Press => messages.extend(story.press(due)),
                Deed::Later => messages.extend(story.later_said(due)),
                look @ Deed::Look(_) => looks.entry(nth).or_default().push(look),
                deed => deeds.entry(nth).or_default().push(deed),
            }
        }
        self.feed_all(&sent, messages, again).await?;
        self.clock.advance_to(at);
        for nth in opened {
            self.open(nth).await?;
        }
        self.act_all(looks).await?;
        // What an operator corrected is with its party before that one acts.
        self.feed.decided().await?;
        self.act_all(deeds).await?;
        self.feed.decided().await
    }

    /// The deeds of each story one after another, of many stories at once.
    async fn act_all(&mut self, deeds: Deeds) -> anyhow::Result<()> {
        let this = &*self;
        let under_way = deeds.into_iter().map(|(nth, deeds)| async move {
            let mut acted = Vec::with_capacity(deeds.len());
            for deed in deeds {
                acted.push(this.act(nth, deed).await?);
            }
            anyhow::Ok(acted)
        });
        let acted: Vec<_> = stream::iter(under_way).buffer_unordered(AT_ONCE).try_collect().await?;
        for Acted { nth, corrected, again } in acted.into_iter().flatten() {
            self.corrected[nth] |= corrected;
            self.due.extend(again.map(Reverse));
        }
        Ok(())
    }

    /// Feeds what we sent, what residents wrote, and what is delivered `again`.
    async fn feed_all(
        &mut self,
        sent: &str,
        mut messages: Vec<Said>,
        mut again: Vec<Said>,
    ) -> anyhow::Result<()> {
        if !sent.is_empty() {
            let source =
                Source { name: "demo_sent.jsonl", payload: Payload::Jsonl, bytes: sent.to_owned().into() };
            self.feed.take(&source).await?;
        }
        messages.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        // A person's second message comes when the first is understood: what is made of it must not hang on who was faster.
        while !messages.is_empty() {
            let mut authors = HashSet::new();
            let (now, later): (Vec<Said>, Vec<Said>) =
                messages.into_iter().partition(|said| authors.insert(said.from.clone()));
            for part in now.chunks(IN_ONE_POST).chain(std::mem::take(&mut again).chunks(IN_ONE_POST)) {
                let body = post(&part.iter().collect::<Vec<_>>());
                let source = Source { name: "demo.json", payload: Payload::Whatsapp, bytes: body.into() };
                self.played.messages += self.feed.take(&source).await?;
            }
            self.feed.decided().await?;
            messages = later;
        }
        Ok(())
    }

    /// A story that was opened now: finds its appeal, and plans what will become of it.
    async fn open(&mut self, nth: usize) -> anyhow::Result<()> {
        let story = &self.script.stories[nth];
        let said = story.first();
        let message = self.message(&said.id);
        let outcome = self.messages.load(&StreamId::from(message)).await?.state.outcome;
        let appeal = match outcome {
            Some(Outcome::Placed { appeal, .. }) => appeal,
            // A thumb up asks for nothing.
            Some(Outcome::SetAside { .. }) if story.group == BESIDE => return Ok(()),
            outcome => anyhow::bail!("a message of the simulation was not placed: {outcome:?}"),
        };
        self.placed.insert(nth, appeal);
        let mut plan = |after: Duration, deed| self.due.push(Reverse((said.at + after, nth, deed)));
        plan(Duration::zero(), Deed::Look(0));
        if story.problem.is_some() {
            plan(Duration::hours(1), Deed::Join);
        }
        if let Some(later) = &story.later {
            plan(Duration::minutes(1), Deed::Receipt);
            plan(later.after, Deed::Later);
        }
        match story.fate {
            Fate::Done { after } => {
                plan(after / 4, Deed::Accept);
                plan(after / 2, Deed::Start);
                plan(after, Deed::Finish);
                if story.verdict.is_some() {
                    plan(after + Duration::hours(1), Deed::Ask);
                    plan(after + Duration::hours(9), Deed::Press);
                }
            }
            Fate::Taken => {
                plan(Duration::hours(30), Deed::Accept);
                plan(Duration::hours(90), Deed::Start);
            }
            Fate::Refused => {
                plan(Duration::hours(50), Deed::Refuse);
                plan(Duration::hours(80), Deed::Close);
            }
            Fate::Silent => {}
        }
        Ok(())
    }

    fn message(&self, id: &str) -> MessageId {
        self.key.message("whatsapp", ACCOUNT, id)
    }

    /// Does it, and says what follows.
    async fn act(&self, nth: usize, deed: Deed) -> anyhow::Result<Acted> {
        let mut acted = Acted { nth, corrected: false, again: None };
        let (Some(appeal), story) = (self.placed.get(&nth), &self.script.stories[nth]) else {
            return Ok(acted);
        };
        let stream = StreamId::from(*appeal);
        let now = self.appeals.load(&stream).await?.state;
        let commands = match &deed {
            Deed::Look(looks) => {
                let (commands, again) = look(story, &now, *looks);
                acted.again = again.then(|| (self.clock.now(), nth, Deed::Look(looks + 1)));
                commands
            }
            Deed::Close if now.findings.first().is_some_and(|main| main.stage == Stage::Refused) => {
                vec![Command::Close {
                    by: operator(),
                    reason: Personal::new("Исполнитель объяснил отказ, житель извещён.".to_owned()),
                }]
            }
            Deed::Close => Vec::new(),
            Deed::Join => {
                // It has the name of the message that told it first.
                let problem = story.problem.as_deref().map(|first| AppealId::opened_by(self.message(first)));
                let join = |problem| Command::Join { of: *appeal, problem, by: operator() };
                problem.map(join).into_iter().collect()
            }
            deed => by_party(&now, deed),
        };
        for (at, command) in (0..).zip(commands) {
            let id = CommandId::named("demo", &format!("{nth}/{deed:?}/{at}"));
            let recorded = self.ask(&stream, id, &command).await?;
            acted.corrected |= recorded && matches!(command, Command::Correct { .. });
        }
        Ok(acted)
    }

    /// Tells whether it was recorded. What the state does not allow is not done: people come too late, too.
    async fn ask(&self, stream: &StreamId, id: CommandId, command: &Command) -> anyhow::Result<bool> {
        let decide = |appeal: &Appeal, _| match appeal::decide(appeal, command.clone()) {
            Err(Refusal::NotNow { .. } | Refusal::NotYours) => Ok(Vec::new()),
            decided => decided,
        };
        let handled = self.appeals.handle(stream, id, Cause::command(id), decide).await;
        Ok(handled.context("could not act in the demo")?.new)
    }
}

fn operator() -> Actor {
    Actor::Operator { token: OPERATOR.to_owned() }
}

/// What an operator does on seeing it, and whether another look is needed.
fn look(story: &Story, appeal: &Appeal, looks: u8) -> (Vec<Command>, bool) {
    let Some(main) = appeal.findings.first() else { return (Vec::new(), false) };
    let Some(route) = &main.route else { return (Vec::new(), looks < LOOKS) };
    let finding = FindingId(0);
    let right = route.bucket == story.group;
    if !right && looks == 0 && story.category.as_ref().is_some_and(|meant| *meant != main.category) {
        let correct = Command::Correct {
            finding,
            category: story.category.clone(),
            place: None,
            route: None,
            by: operator(),
            reason: Personal::new("Прочитано оператором".to_owned()),
        };
        return (vec![correct], true);
    }
    if !right {
        let because = |ru: &str, kk: &str, en: &str| Because { ru: ru.into(), kk: kk.into(), en: en.into() };
        let by_hand = Route {
            bucket: story.group.clone(),
            rule: "person".to_owned(),
            because: because("Решил оператор.", "Оператор шешті.", "An operator decided."),
            ..route.clone()
        };
        let correct = Command::Correct {
            finding,
            category: story.category.clone(),
            place: None,
            route: Some(Box::new(by_hand)),
            by: operator(),
            reason: Personal::new("Прочитано оператором".to_owned()),
        };
        return (vec![correct], looks < LOOKS);
    }
    let settles = matches!(story.group.as_str(), "reference" | "plan_howto");
    if settles && main.is_open() {
        let text = match story.lang {
            Lang::Kk => "Сұрағыңызға жауап: мәліметті жауапты мекемеден нақтылап, сізге жібердік.",
            _ => "Ответ на ваш вопрос: уточнили у ответственной службы, сведения направили вам.",
        };
        let answer = Answer {
            finding,
            template: None,
            version: None,
            lang: if story.lang == Lang::Kk { "kk" } else { "ru" }.to_owned(),
            text: Personal::new(text.to_owned()),
            settles: true,
            by: operator(),
        };
        return (vec![Command::Answer(Box::new(answer))], false);
    }
    if matches!(main.stage, Stage::Desk | Stage::Asked) && !settles {
        let to = route.candidates.first().unwrap_or(&route.to).clone();
        let to =
            Route { to, waits_at: None, candidates: Vec::new(), rule: "person".to_owned(), ..route.clone() };
        return (vec![Command::Redirect { route: Box::new(to), alarms: Vec::new(), by: operator() }], false);
    }
    (Vec::new(), false)
}

/// What the party of each open finding does.
fn by_party(appeal: &Appeal, deed: &Deed) -> Vec<Command> {
    let mut commands = Vec::new();
    for (nth, state) in (0..).zip(&appeal.findings).filter(|(_, state)| state.is_open()) {
        let finding = FindingId(nth);
        let by = Actor::Party { code: state.party().to_owned() };
        commands.push(match deed {
            Deed::Accept => Command::Accept { finding, by },
            Deed::Start => Command::Start { finding, by },
            Deed::Refuse => Command::Refuse {
                finding,
                by,
                reason: Personal::new("В плане этого года нет, включим в заявку на следующий.".to_owned()),
            },
            _ => Command::Finish {
                finding,
                by,
                explanation: Some(Personal::new("Работы выполнены, участок проверен.".to_owned())),
                proof: Vec::new(),
            },
        });
    }
    commands
}
