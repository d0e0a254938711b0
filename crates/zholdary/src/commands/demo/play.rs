//! Plays a script: its messages through the real intake, by the played clock, and what operators, parties and authors make of what
//! the system decided.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashSet},
    sync::Arc,
};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use zholdary_city::{City, Lang};
use zholdary_domain::{
    AppealId, Clock, CommandId, IdKey, MessageId, Personal, StreamId,
    appeal::{self, Actor, Answer, Appeal, Because, Command, FindingId, Refusal, Route, Stage},
    inbound::{Channel, MessageRef},
    message::Outcome,
    time::PlayedClock,
};
use zholdary_log::{
    Cause, Decider,
    streams::{Appeals, Messages},
};
use zholdary_simulation::{BESIDE, Fate, Said, Script, Story, Way, post};

use super::{
    super::ingest::{Feed, Source},
    platform::Platform,
};
use crate::{
    cli::Payload,
    print,
    system::{Delivering, System},
};

/// For so long before the end the system itself tells people what becomes of their appeals; before that operators wrote by hand. Then each
/// message has its own moment, which takes a while: of all ninety days nobody would wait for it. Three days, and the evening before them:
/// it begins when the people of the second turn ([`ACT_AT`]) have acted.
pub(super) const SPEAKS_FOR: Duration = Duration::hours(3 * 24 + 6);
/// When operators and parties act, in hours of the city's day: the clock goes from one to the next at once.
const ACT_AT: [i64; 2] = [10, 18];
/// The author is asked so long after the party says that it is done.
const ASKED_AFTER: Duration = Duration::hours(1);
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
    /// Messages of ours that platforms took.
    pub(super) sent: u64,
}

/// Something that somebody will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// An operator looks at what was understood and decided.
    Look(u8),
    /// An operator counts it to a problem that somebody told of before.
    Join,
    /// An operator tells the author that it is registered.
    Receipt,
    Accept,
    Start,
    Finish,
    Refuse,
    /// An operator ends what its party refused.
    Close,
    /// An operator asks whether it is fixed.
    Ask,
    /// The author presses a button.
    Press,
    /// An operator asks by phone whether it is fixed, where no message of ours arrived.
    Call,
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
    system: &'a Arc<System>,
    feed: Feed<'a>,
    clock: &'a PlayedClock,
    script: &'a Script,
    city: &'a City,
    platform: &'a Platform,
    /// From then on the system itself tells people.
    speaks_from: DateTime<Utc>,
    delivering: Option<Delivering>,
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
        city: &'a City,
        platform: &'a Platform,
        until: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let decider = || (Arc::clone(&system.log), Arc::clone(&system.clock));
        let ((log, now), (same, again)) = (decider(), decider());
        Ok(Self {
            system,
            feed: Feed::over(system, Some(clock), None).await?,
            clock,
            script,
            city,
            platform,
            speaks_from: until - SPEAKS_FOR,
            delivering: None,
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
        self.played.sent = self.platform.taken();
        self.feed.settled().await?;
        if let Some(delivering) = self.delivering.take() {
            delivering.finish().await?;
        }
        self.feed.finish().await?;
        Ok(self.played)
    }

    /// Waits until everything is decided, and everybody was told who is told now.
    async fn decided(&mut self) -> anyhow::Result<()> {
        loop {
            self.feed.decided().await?;
            let Some(delivering) = &self.delivering else { return Ok(()) };
            // What is told may be news of an appeal, of which something follows.
            if delivering.settle(self.system).await? {
                return Ok(());
            }
        }
    }

    /// Everything up to `at`: the messages, what is due, and a look at what was opened.
    async fn step(&mut self, at: DateTime<Utc>, opened: std::ops::Range<usize>) -> anyhow::Result<()> {
        if at > self.speaks_from && self.delivering.is_none() {
            self.delivering = Some(self.system.deliver().await?);
            self.decided().await?;
        }
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
            let author = &story.first().from;
            match deed {
                // What the system tells nobody writes by hand.
                Deed::Receipt if story.first().at > self.speaks_from => {}
                Deed::Ask if self.is_asked_by_system(nth) => {}
                Deed::Receipt => sent += &(story.receipt(due) + "\n"),
                Deed::Ask => sent += &(story.question(due) + "\n"),
                Deed::Press => match self.platform.question(author) {
                    Some((id, number)) => messages.extend(story.press(due, Some((&id, &number)))),
                    None if self.is_asked_by_system(nth) => {
                        deeds.entry(nth).or_default().push(Deed::Call);
                    }
                    None => messages.extend(story.press(due, None)),
                },
                Deed::Later => {
                    let receipt = self.platform.receipt(author);
                    // Whom no receipt of the system reached has nothing to answer.
                    if receipt.is_some() || story.first().at <= self.speaks_from {
                        messages.extend(story.later_said(due, receipt.as_deref()));
                    }
                }
                look @ Deed::Look(_) => looks.entry(nth).or_default().push(look),
                deed => deeds.entry(nth).or_default().push(deed),
            }
        }
        self.take(Payload::Jsonl, "demo_sent.jsonl", sent.into()).await?;
        if self.delivering.is_some() {
            self.feed_each(messages, again).await?;
        } else {
            self.feed_all(messages, again).await?;
        }
        self.tell_states(at).await?;
        self.clock.advance_to(at);
        for nth in opened {
            self.open(nth).await?;
        }
        self.act_all(looks).await?;
        // What an operator corrected is with its party before that one acts.
        self.decided().await?;
        self.act_all(deeds).await?;
        self.decided().await
    }

    /// One of a class of parties, by the number of a story; nothing when it is none.
    fn one_of(&self, class: &str, nth: usize) -> Option<&str> {
        let members = &self.city.party(class).filter(|party| party.is_abstract)?.members;
        members.get(nth % members.len().max(1)).map(String::as_str)
    }

    /// Whether its party says that it is done when the system itself asks.
    fn is_asked_by_system(&self, nth: usize) -> bool {
        let story = &self.script.stories[nth];
        matches!(story.fate, Fate::Done { after } if story.first().at + after > self.speaks_from)
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

    /// Feeds what residents wrote, and what is delivered `again`, many messages in one delivery. Of what came within half a day each
    /// channel is a delivery by itself: nobody looks in between.
    async fn feed_all(&mut self, mut messages: Vec<Said>, mut again: Vec<Said>) -> anyhow::Result<()> {
        messages.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        // A person's second message comes when the first is understood: what is made of it must not hang on who was faster.
        while !messages.is_empty() {
            let mut authors = HashSet::new();
            let (now, later): (Vec<Said>, Vec<Said>) =
                messages.into_iter().partition(|said| authors.insert(said.from.clone()));
            for said in [now, std::mem::take(&mut again)] {
                let mut by_channel = BTreeMap::<Channel, Vec<&Said>>::new();
                for said in &said {
                    by_channel.entry(said.way.channel()).or_default().push(said);
                }
                for (channel, said) in by_channel {
                    for part in said.chunks(IN_ONE_POST) {
                        self.deliver(channel, post(channel, part)).await?;
                    }
                }
            }
            self.feed.decided().await?;
            messages = later;
        }
        Ok(())
    }

    /// Feeds each message at its own moment, and whatever platforms tell meanwhile: who wrote is told at once.
    async fn feed_each(&mut self, mut messages: Vec<Said>, again: Vec<Said>) -> anyhow::Result<()> {
        messages.extend(again);
        messages.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        for said in messages {
            self.tell_states(said.at).await?;
            let channel = said.way.channel();
            self.deliver(channel, post(channel, &[&said])).await?;
            self.decided().await?;
        }
        Ok(())
    }

    /// Feeds what platforms tell of our messages up to `until`.
    async fn tell_states(&mut self, until: DateTime<Utc>) -> anyhow::Result<()> {
        for (channel, body) in self.platform.states(until) {
            self.deliver(channel, body).await?;
            self.decided().await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, channel: Channel, body: Vec<u8>) -> anyhow::Result<()> {
        let payload = match channel {
            Channel::Instagram => Payload::Instagram,
            Channel::Facebook => Payload::Facebook,
            _ => Payload::Whatsapp,
        };
        self.take(payload, "demo.json", body.into()).await
    }

    async fn take(&mut self, payload: Payload, name: &str, bytes: Bytes) -> anyhow::Result<()> {
        if !bytes.is_empty() {
            self.played.messages += self.feed.take(&Source { name, payload, bytes }).await?;
        }
        Ok(())
    }

    /// A story that was opened now: finds its appeal, and plans what will become of it.
    async fn open(&mut self, nth: usize) -> anyhow::Result<()> {
        let story = &self.script.stories[nth];
        let said = story.first();
        let message = self.message(said.way, &said.id);
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
                    plan(after + ASKED_AFTER, Deed::Ask);
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

    fn message(&self, way: Way, id: &str) -> MessageId {
        let (channel, account) = (way.channel(), way.account().to_owned());
        MessageRef { channel, account, external_id: id.to_owned().into() }.id(&self.key)
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
                let (commands, again) = look(story, &now, *looks, |class| self.one_of(class, nth));
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
            Deed::Call => {
                story.verdict.map(|fixed| Command::Rate { fixed, message: None }).into_iter().collect()
            }
            Deed::Join => {
                // It has the name of the message that told it first.
                let first = |(way, id): &(Way, String)| AppealId::opened_by(self.message(*way, id));
                let problem = story.problem.as_ref().map(first);
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
fn look<'a>(
    story: &Story,
    appeal: &Appeal,
    looks: u8,
    one_of: impl Fn(&str) -> Option<&'a str>,
) -> (Vec<Command>, bool) {
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
        let to = route.candidates.first().unwrap_or(&route.to);
        // A class of parties (`district`) is nobody: one of it gets it.
        let to = one_of(to).unwrap_or(to).to_owned();
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
