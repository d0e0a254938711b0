//! A log with a city in force, fed through the real intake.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use prometheus::Registry;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zholdary_channels::jsonl;
use zholdary_city::{City, Files};
use zholdary_domain::{
    AppealId, Clock, MessageId, Position, StreamId,
    appeal::{self, Appeal},
    inbound::Channel,
    message,
};
use zholdary_intake::{Intake, RawConfig, RawFile};
use zholdary_log::{
    Checkpoint, Checkpoints, Decider, EventLog, ReadError, Recorded, SqliteConfig, SqliteLog,
    streams::{Appeals, Messages, Rules},
};
use zholdary_routing::{Config, Metrics, Parts, Rulesets, Turn, Workers, register::Register};
use zholdary_testkit::{HandClock, Told, id_key, shipped_city};

pub(crate) struct Rig {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: HandClock,
    pub(crate) rulesets: Rulesets,
    intake: Intake,
    _folder: TempDir,
}

/// The city that ships with the product.
pub(crate) fn files() -> Files {
    Files::from_entries(shipped_city()).unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        retry_ms: 5,
        longest_retry_ms: 50,
        look_ms: 10,
        checkpoint_ms: 10,
        standby_look_ms: 10,
        ..Config::default()
    }
}

pub(crate) fn metrics() -> Metrics {
    Metrics::new(&Registry::new()).unwrap()
}

/// Checkpoints that live as long as a test.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<String, Checkpoint>>);

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

impl Rig {
    /// A log at 2026-11-20 10:00 in Almaty.
    pub(crate) async fn new() -> Self {
        Self::with(Rulesets::default()).await
    }

    /// The same, sharing rule sets that were read before.
    pub(crate) async fn with(rulesets: Rulesets) -> Self {
        let rig = Self::without_city(rulesets);
        rig.publish(&files()).await;
        rig
    }

    /// The same, before a city is published.
    pub(crate) fn before_its_city() -> Self {
        Self::without_city(Rulesets::default())
    }

    fn without_city(rulesets: Rulesets) -> Self {
        let folder = TempDir::new().unwrap();
        let log: Arc<dyn EventLog> =
            Arc::new(SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap());
        let clock = HandClock::at("2026-11-20T10:00:00+05:00");
        let raw = RawFile::open(folder.path(), RawConfig::default()).unwrap();
        let intake = Intake::new(
            Arc::clone(&log),
            id_key(),
            Arc::new(raw),
            Arc::new(clock.clone()),
            zholdary_intake::Config::default(),
            zholdary_intake::Metrics::unregistered(),
        );
        Self { log, clock, rulesets, intake, _folder: folder }
    }

    pub(crate) async fn publish(&self, files: &Files) {
        let rules: Decider<Rules> = Decider::new(Arc::clone(&self.log), self.clock());
        zholdary_routing::publish(&rules, &City::parse(files).unwrap(), files, "test").await.unwrap();
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    /// Takes in lines as `ingest jsonl` does.
    pub(crate) async fn hear(&self, lines: &[serde_json::Value]) -> Vec<MessageId> {
        let at = self.clock.now();
        let read = lines.iter().map(|line| jsonl::line(&line.to_string(), Some(at)).unwrap()).collect();
        let raw = Bytes::from(serde_json::to_vec(lines).unwrap());
        self.intake.take(Channel::Web, raw, read).await.unwrap().all
    }

    /// Takes in elements that no line can say.
    pub(crate) async fn tell(&self, elements: Vec<zholdary_domain::Inbound>) {
        let raw = Bytes::from(format!("{}", self.log.head().await.unwrap()));
        self.intake.take(Channel::Whatsapp, raw, elements).await.unwrap();
    }

    /// Records what became of a message.
    pub(crate) async fn record(&self, id: MessageId, events: Vec<message::Event>) {
        let messages: Decider<Messages> = Decider::new(Arc::clone(&self.log), self.clock());
        let command = zholdary_domain::CommandId::named("test", &format!("{id}/{events:?}"));
        let decide = |_: &_, _| Ok::<_, std::convert::Infallible>(events.clone());
        messages.handle(&id.into(), command, zholdary_log::Cause::OUTSIDE, decide).await.unwrap();
    }

    /// Workers that nobody else is beside. They forget how far they came: each start asks everything again.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            log: Arc::clone(&self.log),
            checkpoints: Arc::new(Kept::default()),
            clock: self.clock(),
            rulesets: self.rulesets.clone(),
            turn: Turn::ours(),
            config: config(),
            metrics: metrics(),
        }
    }

    pub(crate) fn workers(&self, stop: &CancellationToken) -> Workers {
        Workers::start(&self.parts(), stop)
    }

    /// Runs the workers until nothing is left to do.
    pub(crate) async fn settle(&self) -> Position {
        let stop = CancellationToken::new();
        let workers = self.workers(&stop);
        let clock = self.clock();
        let settled = workers.settle(clock.as_ref(), || self.log.head());
        let head = tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap();
        stop.cancel();
        workers.join().await.unwrap();
        head
    }

    /// Runs `register` alone until it came to the end of the log: nothing is decided yet.
    pub(crate) async fn register(&self) {
        let stop = CancellationToken::new();
        let register = Register::new(&self.parts());
        let progress = register.progress();
        let task = tokio::spawn(register.run(stop.clone()));
        let idle = async {
            loop {
                let head = self.log.head().await.unwrap();
                progress.reach(head).await;
                if self.log.head().await.unwrap() == head {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), idle).await.expect("register comes to the end");
        stop.cancel();
        task.await.unwrap().unwrap();
    }

    pub(crate) fn appeals(&self) -> Decider<Appeals> {
        Decider::new(Arc::clone(&self.log), self.clock())
    }

    /// The appeal of a message.
    pub(crate) async fn appeal_of(&self, message: MessageId) -> (AppealId, Appeal) {
        let messages: Decider<Messages> = Decider::new(Arc::clone(&self.log), self.clock());
        let outcome = messages.load(&StreamId::from(message)).await.unwrap().state.outcome;
        let Some(message::Outcome::Placed { appeal, .. }) = outcome else {
            panic!("the message was not placed: {outcome:?}")
        };
        (appeal, self.appeals().load(&StreamId::from(appeal)).await.unwrap().state)
    }

    /// Names of the events of an appeal, in order.
    pub(crate) async fn events(&self, appeal: AppealId) -> Vec<appeal::Event> {
        let stream = self.log.load(&StreamId::from(appeal)).await.unwrap();
        stream.records().iter().flat_map(|r| r.events().unwrap()).collect()
    }

    pub(crate) async fn records(&self) -> Vec<Recorded> {
        let (mut all, mut after) = (Vec::new(), Position::START);
        loop {
            let page = self.log.read(after, 1000).await.unwrap();
            let Some(last) = page.last() else { return all };
            after = last.position;
            all.extend(page);
        }
    }
}

/// What records tell.
pub(crate) fn told_by(records: &[Recorded]) -> Told {
    let mut told = Told::default();
    for record in records {
        told.note(&record.stream, record.position, record.events_json());
    }
    told
}
