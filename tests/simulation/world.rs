//! One city, from one seed: everything runs in one thread by a clock of its own, so that the same seed is the same history.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use prometheus::Registry;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zholdary_city::{City, Files};
use zholdary_domain::{AppealId, Clock, Position, StreamKind, inbound::Content};
use zholdary_intake::Intake;
use zholdary_log::{Decider, EventLog, MemoryLog, streams::Rules};
use zholdary_readmodel::{AppealRef, Level, Projector, ProjectorConfig, Query, QueryConfig, rebuild};
use zholdary_routing::{Config, Metrics, Parts, Ruleset, Rulesets, Turn, Workers};
use zholdary_simulation::{Kind, Plan, Said, Script};
use zholdary_testkit::Told;
use zholdary_testkit::{HandClock, at, id_key, shipped_city};
use zholdary_tests::told_by;

use crate::{
    people::{Resident, Staff, Time},
    weather::{Bodies, Line, Marks, Weather},
};

/// When everything that the script plans was written.
const UNTIL: &str = "2026-11-20T00:00:00+05:00";
/// How long, by the machine's clock, views may take to follow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Learnt weights: they cost most of a start, and decide nothing that is checked here.
const WEIGHTS: &str = "weights.csv";

/// The city, read once for many runs.
pub(crate) struct Town {
    city: Arc<City>,
    /// Two versions of its rules.
    versions: [(City, Files); 2],
    rulesets: Rulesets,
    _read: Vec<Arc<Ruleset>>,
}

impl Town {
    pub(crate) async fn read() -> Self {
        let entries = || shipped_city().into_iter().filter(|(name, _)| name != WEIGHTS).map(without_weights);
        let files = Files::from_entries(entries()).unwrap();
        let more = entries().map(|(name, mut bytes)| {
            if name == "rules.toml" {
                bytes.extend_from_slice(b"\n# The same, published once more.\n");
            }
            (name, bytes)
        });
        let again = Files::from_entries(more).unwrap();
        let city = City::parse(&files).unwrap();
        let versions = [(city.clone(), files), (City::parse(&again).unwrap(), again)];
        assert_ne!(versions[0].0.version, versions[1].0.version);
        let rulesets = Rulesets::default();
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Uuid::nil()));
        let mut read = Vec::new();
        for (city, files) in &versions {
            publish(&log, &HandClock::at(UNTIL), city, files).await;
            let head = log.head().await.unwrap();
            let record = log.read(Position(head.0 - 1), 1).await.unwrap().remove(0);
            read.extend(rulesets.read(&record).await.unwrap());
        }
        Self { city: Arc::new(city), versions, rulesets, _read: read }
    }
}

/// The city says which files it has.
fn without_weights((name, bytes): (String, Vec<u8>)) -> (String, Vec<u8>) {
    if name != "city.toml" {
        return (name, bytes);
    }
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.lines().filter(|line| !line.contains(WEIGHTS));
    (name, lines.collect::<Vec<_>>().join("\n").into_bytes())
}

async fn publish(log: &Arc<dyn EventLog>, clock: &HandClock, city: &City, files: &Files) {
    let rules: Decider<Rules> = Decider::new(Arc::clone(log), Arc::new(clock.clone()));
    zholdary_routing::publish(&rules, city, files, "simulation").await.unwrap();
}

/// What one run left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) records: u64,
    pub(crate) messages: usize,
    pub(crate) appeals: usize,
    /// Which messages stand in one appeal together.
    pub(crate) together: BTreeSet<Vec<String>>,
    /// Streams and commands of all records, in order, as one hash.
    pub(crate) order: String,
}

struct World {
    weather: Weather,
    log: MemoryLog,
    clock: HandClock,
    rulesets: Rulesets,
    marks: Arc<Marks>,
}

/// A process that runs the workers. Dropped, it is killed.
struct Process {
    workers: Workers,
    turn: Turn,
    stop: CancellationToken,
}

impl World {
    fn line(&self) -> Arc<dyn EventLog> {
        Line::to(&self.log, &self.weather)
    }

    fn starts(&self, leads: bool) -> Process {
        let turn = if leads { Turn::ours() } else { Turn::waiting() };
        let parts = Parts {
            log: self.line(),
            checkpoints: Arc::clone(&self.marks) as _,
            clock: Arc::new(self.clock.clone()),
            rulesets: self.rulesets.clone(),
            turn: turn.clone(),
            config: Config { look_ms: 100, checkpoint_ms: 200, standby_look_ms: 500, ..Config::default() },
            metrics: Metrics::new(&Registry::new()).unwrap(),
        };
        let stop = CancellationToken::new();
        Process { workers: Workers::start(&parts, &stop), turn, stop }
    }

    /// Processes come and go until it is `over`.
    async fn processes(self: Arc<Self>, over: CancellationToken) {
        let mut running = vec![self.starts(true)];
        while over.run_until_cancelled(self.weather.pass(200..6_000)).await.is_some() {
            let nth = usize::try_from(self.weather.number(0..running.len() as u64)).unwrap();
            match self.weather.number(0..7) {
                // kill -9.
                0..=2 => drop(running.swap_remove(nth)),
                // Stopped: it finishes what is in hand.
                3 => running.swap_remove(nth).ends().await,
                4 if running.len() < 3 => running.push(self.starts(false)),
                // Another's turn begins, and who had it has not heard yet.
                5 => {
                    running[nth].turn.begin();
                    self.weather.pass(1..500).await;
                    for (_, other) in running.iter().enumerate().filter(|(other, _)| *other != nth) {
                        other.turn.end();
                    }
                }
                _ => {}
            }
            if running.is_empty() {
                running.push(self.starts(true));
            } else if running.iter().all(|process| !process.turn.is_ours()) {
                running[0].turn.begin();
            }
            for process in &running {
                assert!(!process.stop.is_cancelled(), "a worker ended by itself");
            }
        }
        for process in running {
            process.ends().await;
        }
    }

    /// Staff does this and that about the appeals there are, until it is `over`.
    async fn staff(self: Arc<Self>, city: Arc<City>, over: CancellationToken) {
        let (weather, clock) = (self.weather.clone(), self.clock.clone());
        let appeals = Decider::new(self.line(), Arc::new(clock.clone()));
        let staff = Staff { appeals, weather, city, clock };
        let (mut known, mut read): (Vec<AppealId>, _) = (Vec::new(), Position::START);
        let mut nth = 0;
        while over.run_until_cancelled(staff.weather.pass(50..2_500)).await.is_some() {
            for record in self.log.read(read, usize::MAX).await.unwrap() {
                read = record.position;
                if record.stream.kind() == StreamKind::Appeal && record.version == 1 {
                    known.push(record.stream.appeal().unwrap());
                }
            }
            nth += 1;
            staff.act(&known, nth).await;
        }
    }

    /// Writers of the views come and go until it is `over`. They work in threads of their own, so their chance is their own too.
    async fn views(self: Arc<Self>, data: PathBuf, chance: Weather, over: CancellationToken) {
        while !over.is_cancelled() {
            let stop = over.child_token();
            let log = Arc::new(self.log.handle());
            let projector = projector(&data, log);
            let writing = tokio::spawn(projector.run(stop.clone()));
            over.run_until_cancelled(chance.pass(1_000..15_000)).await;
            stop.cancel();
            writing.await.unwrap().unwrap();
        }
    }

    /// The clock goes on, by jumps, and back at times, until everybody has said what they had to say and a month has passed.
    async fn time(&self, time: &Time, everybody: &mut JoinSet<()>) {
        let mut hours_left = 30 * 24;
        while hours_left > 0 {
            self.weather.pass(20..300).await;
            let hours = i64::try_from(self.weather.number(1..24)).unwrap();
            let now = time.now() + TimeDelta::hours(hours);
            if self.weather.storms() && self.weather.happens(5) {
                self.clock.set(now - TimeDelta::minutes(i64::try_from(self.weather.number(1..200)).unwrap()));
                self.weather.pass(20..300).await;
            }
            self.clock.set(now);
            time.set(now);
            while let Some(done) = everybody.try_join_next() {
                done.unwrap();
            }
            if everybody.is_empty() {
                hours_left -= hours;
            }
        }
    }
}

impl Process {
    async fn ends(self) {
        self.stop.cancel();
        self.workers.join().await.unwrap();
    }
}

fn projector(data: &Path, log: Arc<dyn EventLog>) -> Projector {
    let wall = Arc::new(zholdary_domain::SystemClock);
    let metrics = zholdary_readmodel::Metrics::new(&Registry::new()).unwrap();
    Projector::new(data, log, wall, ProjectorConfig::default(), metrics)
}

/// Plays the city of a seed, and checks what must hold after it.
pub(crate) fn run(town: &Town, seed: u64) -> History {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(play(town, seed))
}

async fn play(town: &Town, seed: u64) -> History {
    let weather = Weather::of(seed);
    let until = at(UNTIL);
    let appeals = u32::try_from(weather.number(4..16)).unwrap();
    let script = Script::new(&town.city, &Plan { seed, until, appeals }).unwrap();
    let began = script.stories[0].first().at - TimeDelta::hours(1);
    let clock = HandClock::at(&began.to_rfc3339());
    let log = MemoryLog::new(Uuid::from_u128(seed.into()));
    let sure: Arc<dyn EventLog> = Arc::new(log.handle());
    let (city, files) = &town.versions[0];
    publish(&sure, &clock, city, files).await;
    let world = Arc::new(World {
        marks: Marks::new(&weather),
        weather,
        log,
        clock: clock.clone(),
        rulesets: town.rulesets.clone(),
    });

    let folder = TempDir::new().unwrap();
    let time = Time::new(began);
    let over = CancellationToken::new();
    let mut around = JoinSet::new();
    around.spawn(Arc::clone(&world).processes(over.clone()));
    around.spawn(Arc::clone(&world).staff(Arc::clone(&town.city), over.clone()));
    if world.weather.happens(25) {
        around.spawn(Arc::clone(&world).views(folder.path().to_owned(), Weather::of(!seed), over.clone()));
    }
    let intake = Intake::new(
        world.line(),
        id_key(),
        Bodies::new(&world.weather),
        Arc::new(clock.clone()),
        zholdary_intake::Config::default(),
        zholdary_intake::Metrics::unregistered(),
    );
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut everybody = JoinSet::new();
    for story in script.stories.clone() {
        let resident = Resident {
            intake: intake.clone(),
            weather: world.weather.clone(),
            time: time.clone(),
            sent: Arc::clone(&sent),
        };
        everybody.spawn(resident.lives(story));
    }
    if world.weather.happens(50) {
        let (city, files) = town.versions[1].clone();
        let (sure, clock, time) = (Arc::clone(&sure), clock.clone(), time.clone());
        everybody.spawn(async move {
            time.until(at("2026-10-10T00:00:00+05:00")).await;
            publish(&sure, &clock, &city, &files).await;
        });
    }
    world.time(&time, &mut everybody).await;
    over.cancel();
    while let Some(ended) = around.join_next().await {
        ended.unwrap();
    }

    world.weather.calm();
    let last = world.starts(true);
    let settled = last.workers.settle(&clock, || sure.head());
    let head = tokio::time::timeout(Duration::from_secs(3_600), settled).await.expect("it never settles");
    let head = head.unwrap();
    last.ends().await;
    let told = told_by(sure.as_ref()).await;
    if std::env::var_os("ZHOLDARY_SIMULATE_SHOW").is_some() {
        show(sure.as_ref()).await;
    }
    let sent = sent.lock().unwrap().clone();
    assert!(!sent.is_empty());
    checked(&told, &sent, clock.now());
    tokio::time::resume();
    seen(&sure, &told, folder.path()).await;
    History {
        records: head.0,
        messages: told.messages.len(),
        appeals: told.appeals.len(),
        together: told.together(),
        order: order(&sure).await,
    }
}

/// What the log must tell: everything that was sent, once, whole, and looked at.
fn checked(told: &Told, sent: &[Said], now: DateTime<Utc>) {
    told.check();
    for said in sent {
        let words = |content: &Content| content.text.as_ref().map(|text| text.reveal().clone());
        if let Kind::Edit { of, text } = &said.kind {
            let edits = &told.message(of).1.edits;
            let is = edits.iter().any(|(_, content)| words(content).as_ref() == Some(text));
            assert!(is, "the edit {} of {of}", said.id);
            continue;
        }
        let received = told.message(&said.id).1.received.as_ref().expect("was received");
        let content = &received.content;
        match &said.kind {
            Kind::Text(text) => assert_eq!(words(content).as_ref(), Some(text), "{}", said.id),
            Kind::Photo { .. } => assert_eq!(content.attachments.len(), 1, "{}", said.id),
            Kind::Point { .. } => assert!(content.point.is_some(), "{}", said.id),
            Kind::Button { id, .. } => {
                assert_eq!(content.button.as_ref().map(|button| &button.id), Some(id), "{}", said.id);
            }
            Kind::Edit { .. } => {}
        }
    }
    for appeal in told.appeals.values() {
        let number = &appeal.registered.as_ref().unwrap().number;
        if let Some((due, finding, clock)) = appeal.next_due() {
            assert!(due > now, "{number}: nobody saw that {finding:?} was due by {clock:?} at {due}");
        }
    }
}

/// The views say what the log says, and are what they would be if they were made anew.
async fn seen(log: &Arc<dyn EventLog>, told: &Told, data: &Path) {
    let head = log.verify(&|_, _| {}).await.expect("the log is sound").head;
    let stop = CancellationToken::new();
    let writing = tokio::spawn(projector(data, Arc::clone(log)).run(stop.clone()));
    let query = loop {
        match Query::open(data, &QueryConfig::default()) {
            Ok(query) => break query,
            Err(_) if !writing.is_finished() => tokio::time::sleep(Duration::from_millis(2)).await,
            Err(error) => panic!("the views do not open: {error}"),
        }
    };
    query.wait_for(head, PATIENCE).await.expect("the views follow");
    for (id, appeal) in &told.appeals {
        let view = query.appeal(AppealRef::Id(*id), Level::Public).await.unwrap().body;
        let card = view.expect("every appeal is to be seen").card;
        let state = appeal.public_state();
        assert_eq!((card.open, card.status.code.as_str()), (state.open, state.status), "{}", card.number);
        assert_eq!(card.number, appeal.registered.as_ref().unwrap().number);
        assert_eq!((card.rated, card.official), (appeal.rated, appeal.official), "{}", card.number);
    }
    stop.cancel();
    writing.await.unwrap().unwrap();
    let anew = rebuild(data, Arc::clone(log), ProjectorConfig::default(), |_, _| {}).await.unwrap();
    assert_eq!((anew.position, anew.parked), (head, 0));
    assert_eq!(anew.differs, Some(Vec::new()), "tables that differ when they are made anew");
}

/// Tells the names of all events, in order.
async fn show(log: &dyn EventLog) {
    for record in log.read(Position::START, usize::MAX).await.unwrap() {
        let events: serde_json::Value = serde_json::from_slice(record.events_json()).unwrap();
        let names: Vec<_> = events.as_array().unwrap().iter().map(|event| &event["type"]).collect();
        eprintln!("{} {} {} {names:?}", record.position, record.stream, record.recorded_at);
    }
}

async fn order(log: &Arc<dyn EventLog>) -> String {
    let mut hash = blake3::Hasher::new();
    for record in log.read(Position::START, usize::MAX).await.unwrap() {
        hash.update(format!("{} {:?}\n", record.stream, record.command_id).as_bytes());
    }
    hash.finalize().to_hex().to_string()
}
