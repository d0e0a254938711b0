//! A log in memory with a city in force, and a platform that answers as it is told: for tests of both workers.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zholdary_channels::outbound::Form;
use zholdary_city::{City, Files};
use zholdary_domain::{
    AppealId, Clock, CommandId, ContactId, MessageId, StreamId, StreamKind,
    appeal::{self, Registered},
    inbound::{Channel, Content, DeliveryState, Join, MessageRef, Surface},
    message::{Carries, Event, Received},
    outgoing::{Outgoing, Trouble, VendorTemplate},
};
use zholdary_log::{
    Aggregate, Cause, Checkpoint, Checkpoints, Decider, EventLog, Expect, MemoryLog, ReadError,
    streams::{Appeals, Messages, Rules},
};
use zholdary_routing::{Parts, Rulesets, Turn};
use zholdary_testkit::{HandClock, id_key, shipped_city};

use crate::{Carried, Carrier, Carriers, Config, Metrics, Settings, send::Sender, tell::Tell};

/// Read once for all tests: it takes seconds.
static CITY: LazyLock<(Files, City)> = LazyLock::new(|| {
    let files = Files::from_entries(shipped_city()).unwrap();
    let city = City::parse(&files).unwrap();
    (files, city)
});
static RULESETS: LazyLock<Rulesets> = LazyLock::new(Rulesets::default);

pub(crate) const ACCOUNT: &str = "118920446655001";

/// A platform: it answers as it is told, else it takes what it gets.
#[derive(Default)]
pub(crate) struct Platform {
    answers: Mutex<VecDeque<Carried>>,
    took: Mutex<Vec<(MessageId, Outgoing, Form)>>,
}

impl Platform {
    pub(crate) fn next(&self, answer: Carried) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// To whom, in which form, and in which words, in order.
    pub(crate) fn took(&self) -> Vec<String> {
        let shown = |(_, out, form): &(MessageId, Outgoing, Form)| {
            format!("{} {} {form:?} {}", out.channel.code(), out.to.reveal(), out.text.reveal())
        };
        self.took.lock().unwrap().iter().map(shown).collect()
    }
}

#[async_trait]
impl Carrier for Platform {
    async fn carry(&self, id: MessageId, out: &Outgoing, form: Form) -> Carried {
        let nth = {
            let mut took = self.took.lock().unwrap();
            took.push((id, out.clone(), form));
            took.len()
        };
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| Carried::Taken(format!("out{nth}")))
    }
}

/// A stream of what no release reads.
struct Unread;

impl Aggregate for Unread {
    type State = ();
    type Event = serde_json::Value;
    const SCHEMA: u16 = 1;

    fn evolve(_: &mut (), _: &serde_json::Value, _: DateTime<Utc>) {}
}

/// How far workers came, for as long as a test lives.
#[derive(Default)]
struct Kept(Mutex<HashMap<String, Checkpoint>>);

#[async_trait]
impl Checkpoints for Kept {
    async fn read(&self, worker: &str) -> Result<Option<Checkpoint>, ReadError> {
        Ok(self.0.lock().unwrap().get(worker).cloned())
    }

    async fn keep(&self, worker: &str, checkpoint: &Checkpoint) -> Result<(), ReadError> {
        self.0.lock().unwrap().insert(worker.to_owned(), checkpoint.clone());
        Ok(())
    }
}

pub(crate) struct Rig {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: HandClock,
    pub(crate) platform: Arc<Platform>,
    pub(crate) config: Config,
    pub(crate) stop: CancellationToken,
    commands: AtomicU64,
    kept: Arc<Kept>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Rig {
    /// At 2026-11-20 10:00 in Almaty, in the city that ships with the product.
    pub(crate) async fn new() -> Self {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Uuid::nil()));
        let clock = HandClock::at("2026-11-20T10:00:00+05:00");
        let config = Config { look_ms: 5, retry_ms: 1, unknown_wait_ms: 1000, ..Config::default() };
        let (platform, stop) = (Arc::default(), CancellationToken::new());
        let rig =
            Self { log, clock, platform, config, stop, commands: AtomicU64::new(0), kept: Arc::default() };
        let (files, city) = &*CITY;
        let rules: Decider<Rules> = Decider::new(Arc::clone(&rig.log), Arc::new(rig.clock.clone()));
        zholdary_routing::publish(&rules, city, files, "test").await.unwrap();
        rig
    }

    pub(crate) fn parts(&self, log: &Arc<dyn EventLog>) -> Parts {
        Parts {
            log: Arc::clone(log),
            checkpoints: self.kept.clone(),
            clock: Arc::new(self.clock.clone()),
            rulesets: RULESETS.clone(),
            turn: Turn::ours(),
            config: zholdary_routing::Config {
                retry_ms: 5,
                longest_retry_ms: 50,
                look_ms: 10,
                ..zholdary_routing::Config::default()
            },
            metrics: zholdary_routing::Metrics::new(&Registry::new()).unwrap(),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let channels = [Channel::Whatsapp, Channel::Instagram, Channel::Facebook, Channel::Telegram].into();
        Settings { config: self.config.clone(), channels, ..Settings::default() }
    }

    /// Begins to send, until the test ends.
    pub(crate) fn send(&self) {
        self.send_over(&self.log);
    }

    pub(crate) fn send_over(&self, log: &Arc<dyn EventLog>) {
        let mut carriers = Carriers::default();
        for channel in self.settings().channels {
            carriers.add(channel, self.platform.clone());
        }
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let sender = Sender::new(&self.parts(log), &self.settings(), carriers, id_key(), metrics);
        tokio::spawn(sender.run(self.stop.clone()));
    }

    /// Begins to tell, until the test ends.
    pub(crate) fn tell(&self) {
        let tell = Tell::new(&self.parts(&self.log), &self.settings());
        tokio::spawn(tell.run(self.stop.clone()));
    }

    fn command(&self) -> CommandId {
        CommandId::named("test", &self.commands.fetch_add(1, Ordering::SeqCst).to_string())
    }

    /// Records what became of a message.
    pub(crate) async fn message(&self, id: MessageId, events: Vec<Event>) {
        let decider: Decider<Messages> = Decider::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let decide = |_: &_, _| Ok::<_, Infallible>(events.clone());
        decider.handle(&id.into(), self.command(), Cause::OUTSIDE, decide).await.unwrap();
    }

    /// Records what became of an appeal.
    pub(crate) async fn appeal(&self, id: AppealId, events: Vec<appeal::Event>) {
        let decider: Decider<Appeals> = Decider::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let decide = |_: &_, _| Ok::<_, Infallible>(events.clone());
        decider.handle(&id.into(), self.command(), Cause::OUTSIDE, decide).await.unwrap();
    }

    /// `who` opens an appeal by WhatsApp.
    pub(crate) async fn opens(&self, who: &str) -> AppealId {
        let message = self.hears(Channel::Whatsapp, who, &format!("first of {who}"), |_| ()).await;
        let appeal = AppealId::opened_by(message);
        let number = format!("Z-2026-{:06}", self.commands.load(Ordering::SeqCst));
        let registered = Registered {
            number: number.parse().unwrap(),
            message: Some(message),
            contact: contact(Channel::Whatsapp, who),
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            received_at: self.clock.now(),
            draft: false,
            flood: None,
            parent: None,
        };
        self.appeal(appeal, vec![appeal::Event::Registered(Box::new(registered))]).await;
        appeal
    }

    /// `who` writes now; `but` says what is otherwise.
    pub(crate) async fn hears(
        &self,
        channel: Channel,
        who: &str,
        id: &str,
        but: impl FnOnce(&mut Received),
    ) -> MessageId {
        let mut received = Received {
            channel,
            surface: Surface::Private,
            account: ACCOUNT.into(),
            external_id: id.to_owned().into(),
            contact: contact(channel, who),
            aliases: vec![],
            name: None,
            phone: None,
            address: Some(who.to_owned().into()),
            content: Content { text: Some("яма".to_owned().into()), ..Content::default() },
            reply_to: None,
            join: Join::Window,
            album: None,
            letter: None,
            sent_at: self.clock.now(),
            raw: None,
            keys_changed: false,
        };
        but(&mut received);
        let message = name(channel, id);
        self.message(message, vec![Event::Received(Box::new(received))]).await;
        message
    }

    /// We mean to send `text` to `who` about `appeal`; `but` says what is otherwise.
    pub(crate) async fn queue(
        &self,
        appeal: AppealId,
        who: &str,
        text: &str,
        but: impl FnOnce(&mut Outgoing),
    ) -> MessageId {
        let mut out = Outgoing {
            appeal: Some(appeal),
            contact: contact(Channel::Whatsapp, who),
            account: ACCOUNT.into(),
            text: text.to_owned().into(),
            ..zholdary_testkit::outgoing(Channel::Whatsapp, who)
        };
        but(&mut out);
        let id = MessageId::telling(appeal, self.command(), "0");
        self.message(id, vec![Event::Queued(Box::new(out))]).await;
        id
    }

    /// The platform tells a state of what it calls so.
    pub(crate) async fn status(
        &self,
        name: MessageId,
        state: DeliveryState,
        error: Option<i64>,
        carries: Option<Carries>,
    ) {
        let at = self.clock.now();
        self.message(name, vec![Event::Delivery { state, at, error, carries }]).await;
    }

    /// What stands in the log of our messages and of the appeals, sorted: streams go on beside one another.
    pub(crate) async fn story(&self) -> Vec<String> {
        let mut story = Vec::new();
        let mut after = zholdary_domain::Position::START;
        loop {
            let page = self.log.read(after, 1000).await.unwrap();
            let Some(last) = page.last() else {
                story.sort();
                return story;
            };
            after = last.position;
            for record in &page {
                match record.stream.kind() {
                    StreamKind::Message => {
                        story.extend(record.events().unwrap_or_default().into_iter().filter_map(of_message));
                    }
                    StreamKind::Appeal => {
                        story.extend(record.events().unwrap().into_iter().filter_map(of_appeal));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Waits until the story is this one, whatever its order.
    pub(crate) async fn until(&self, name: &str, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let mut story = vec![];
        for _ in 0..1000 {
            story = self.story().await;
            if story == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(story, expected, "{name}");
    }

    /// The same, with the clock running ahead: so much at each look.
    pub(crate) async fn until_later(&self, name: &str, by: TimeDelta, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        for _ in 0..200 {
            if self.story().await == expected {
                return;
            }
            self.clock.set(self.clock.now() + by);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.until(name, &expected).await;
    }

    /// How far a worker came.
    pub(crate) async fn kept(&self, worker: &str) -> Option<Checkpoint> {
        self.kept.read(worker).await.unwrap()
    }

    /// What we mean to send, in order.
    pub(crate) async fn meant(&self) -> Vec<Outgoing> {
        self.queued().await.into_iter().map(|(_, out)| out).collect()
    }

    /// Under which names.
    pub(crate) async fn meant_ids(&self) -> Vec<MessageId> {
        self.queued().await.into_iter().map(|(id, _)| id).collect()
    }

    async fn queued(&self) -> Vec<(MessageId, Outgoing)> {
        let mut queued = Vec::new();
        for record in self.log.read(zholdary_domain::Position::START, 1000).await.unwrap() {
            let Some(id) = record.stream.message() else { continue };
            for event in record.events::<Event>().unwrap_or_default() {
                if let Event::Queued(out) = event {
                    queued.push((id, *out));
                }
            }
        }
        queued
    }

    /// Adds to a message what no release reads.
    pub(crate) async fn spoil(&self, id: MessageId) {
        let decider: Decider<Unread> = Decider::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let last = self.log.last(&id.into()).await.unwrap().unwrap();
        let (expect, events) = (Expect::after(Some(last.token())), [serde_json::json!({ "type": "unread" })]);
        decider.handle_expecting(&id.into(), self.command(), Cause::OUTSIDE, expect, &events).await.unwrap();
    }

    /// What stands in one stream of a message.
    pub(crate) async fn of(&self, id: MessageId) -> Vec<Event> {
        let stream = self.log.load(&StreamId::from(id)).await.unwrap();
        stream.records().iter().flat_map(|record| record.events::<Event>().unwrap()).collect()
    }
}

fn of_message(event: Event) -> Option<String> {
    Some(match event {
        Event::Queued(out) => format!("queued {}", out.text.reveal()),
        Event::Taken { external_id, .. } => format!("taken {}", external_id.reveal()),
        Event::NotTaken { why, again_at: None, .. } => format!("given up {}", why.code()),
        Event::OutcomeUnknown { .. } => "unknown".to_owned(),
        Event::Sent { external_id, .. } => format!("sent {}", external_id.reveal()),
        _ => return None,
    })
}

fn of_appeal(event: appeal::Event) -> Option<String> {
    Some(match event {
        appeal::Event::Told { what, .. } => format!("told {what}"),
        appeal::Event::NotTold { what, why, .. } => format!("not told {what}: {why}"),
        _ => return None,
    })
}

pub(crate) fn contact(channel: Channel, who: &str) -> ContactId {
    id_key().contact(channel.code(), who)
}

/// What a platform calls `id`.
pub(crate) fn name(channel: Channel, id: &str) -> MessageId {
    MessageRef { channel, account: ACCOUNT.into(), external_id: id.to_owned().into() }.id(&id_key())
}

/// It surely did not go, and never will.
pub(crate) const fn never(why: Trouble) -> Carried {
    Carried::NotTaken { why, code: None, again: false, after: None }
}

/// With a text that the vendor has registered.
pub(crate) fn registered(out: &mut Outgoing) {
    out.instead = Some(VendorTemplate { name: "zholdary_v1".into(), params: vec![].into(), buttons: vec![] });
}
