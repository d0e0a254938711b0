//! Chaos: three servers and six processes, and everything goes wrong in turn while people write. `just chaos` runs it for half an
//! hour and prints a table of how long nobody was acknowledged.

#![expect(clippy::print_stdout, reason = "its table is what it is for")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use zholdary_log::{EventLog, JetStreamConfig, JetStreamLog, Metrics};
use zholdary_natsd::{Cluster, Server, find};

use crate::{
    harness::{City, folder, json, path, root, run},
    nodes::{HTTP, INTAKE, Node, decider},
    people::{Client, heard_once},
    proxy::{Network, Proxy},
};
use zholdary_tests::told_by;

/// People who write at once.
const CLIENTS: u32 = 16;
/// What each waits between two letters: thirty letters a second together, for what is tried is not how fast it is.
const PAUSE: Duration = Duration::from_millis(500);
/// How long anything may take to come back. Nothing here is that slow; a hang is.
const PATIENCE: Duration = Duration::from_secs(180);

/// What goes wrong, in this order, again and again.
const TROUBLES: [Trouble; 7] = [
    Trouble::LeaderKilled,
    Trouble::ServersRestarted,
    Trouble::NetworkCut,
    Trouble::NetworkSlow,
    Trouble::DeciderPaused,
    Trouble::IntakePaused,
    Trouble::RolesKilled,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    LeaderKilled,
    ServersRestarted,
    NetworkCut,
    NetworkSlow,
    DeciderPaused,
    IntakePaused,
    RolesKilled,
}

impl Trouble {
    const fn words(self) -> &'static str {
        match self {
            Self::LeaderKilled => "the leader of the log killed, back after 5 s",
            Self::ServersRestarted => "each server killed and started, one after another",
            Self::NetworkCut => "one server out of reach for 15 s",
            Self::NetworkSlow => "40 ms more for each piece, 20 s",
            Self::DeciderPaused => "who decides stopped for 60 s, then woken",
            Self::IntakePaused => "one that takes in stopped for 60 s, then woken",
            Self::RolesKilled => "each of six processes killed and started, one after another",
        }
    }
}

/// When somebody was last acknowledged, and the longest that nobody was.
#[derive(Default)]
struct Pulse(Mutex<Option<(Instant, Duration)>>);

impl Pulse {
    fn beat(&self) {
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let longest = pulse.map_or(Duration::ZERO, |(last, longest)| longest.max(now - last));
        *pulse = Some((now, longest));
    }

    /// The longest pause since this was last asked, the one that lasts included.
    fn take_longest(&self) -> Duration {
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((last, longest)) = *pulse else { return Duration::ZERO };
        *pulse = Some((last, Duration::ZERO));
        longest.max(last.elapsed())
    }

    fn last(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|(last, _)| last)
    }
}

struct World {
    cluster: Cluster,
    proxies: Vec<Proxy>,
    nodes: Arc<Vec<Node>>,
    pulse: Arc<Pulse>,
    stop: Arc<AtomicBool>,
    log: JetStreamLog,
    operator: TempDir,
    _servers: TempDir,
}

impl World {
    async fn begin() -> Self {
        let servers = folder();
        let cluster =
            Cluster::start(&find().expect("a nats-server"), servers.path(), 3).await.expect("they start");
        let mut proxies = Vec::new();
        for server in &cluster.servers {
            let port = server.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            proxies.push(Proxy::before(port).await);
        }
        let url = proxies.iter().map(Proxy::url).collect::<Vec<_>>().join(",");
        let operator = folder();
        let direct = cluster.url();
        let well = |args: &[&str]| {
            let out = run(args);
            assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        };
        well(&["log", "init", "--log", &direct, "--replicas", "3"]);
        let city = root().join("deploy/cities/almaty");
        well(&["city", "publish", path(&city), "--log", &direct, "--data", path(operator.path())]);
        let key = operator.path().join("id.key");
        let node = |roles: &'static [&'static str]| {
            Node::start(&url, "", roles, (roles != ["routing"]).then_some(&*key))
        };
        let nodes = vec![
            node(&["intake"]),
            node(&["intake"]),
            node(&["routing"]),
            node(&["routing"]),
            node(&["views", "http"]),
            node(&["views", "http"]),
        ];
        let log = JetStreamLog::open(JetStreamConfig::at(&direct), Metrics::unregistered()).await;
        Self {
            log: log.expect("the log opens"),
            cluster,
            proxies,
            nodes: Arc::new(nodes),
            pulse: Arc::default(),
            stop: Arc::default(),
            operator,
            _servers: servers,
        }
    }

    /// Everybody writes until told to stop, and then until answered.
    fn write(&self) -> tokio::task::JoinSet<Client> {
        let mut writing = tokio::task::JoinSet::new();
        for name in 0..CLIENTS {
            let (nodes, pulse, stop) =
                (Arc::clone(&self.nodes), Arc::clone(&self.pulse), Arc::clone(&self.stop));
            let mut client = Client::new(name, 11);
            writing.spawn(async move {
                let mut side = name as usize;
                while client.waits.is_some() || !stop.load(Ordering::SeqCst) {
                    let (hooks, forms) = (nodes[INTAKE[side % 2]].now(), nodes[HTTP[side % 2]].now());
                    // Whoever is asleep does not answer: ask the other.
                    let sent =
                        tokio::time::timeout(Duration::from_secs(5), client.send(&hooks, &forms)).await;
                    match sent {
                        Ok(true) => {
                            pulse.beat();
                            tokio::time::sleep(PAUSE).await;
                        }
                        Ok(false) | Err(_) => {
                            side += 1;
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
                client
            });
        }
        writing
    }

    /// The server that leads the log, by its place.
    async fn leader(&self) -> usize {
        let since = Instant::now();
        loop {
            if let Some(name) = self.ask_for_leader().await {
                return name.trim_start_matches('n').parse::<usize>().expect("n1, n2, n3") - 1;
            }
            assert!(since.elapsed() < PATIENCE, "nobody leads");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn ask_for_leader(&self) -> Option<String> {
        let servers: Vec<String> = self.cluster.servers.iter().map(Server::url).collect();
        let client = async_nats::connect(servers.as_slice()).await.ok()?;
        let stream = async_nats::jetstream::new(client).get_stream("ZHOLDARY_LOG").await.ok()?;
        stream.cached_info().cluster.as_ref()?.leader.clone()
    }

    async fn decider(&self) -> Arc<City> {
        self.nodes[decider(&self.nodes, PATIENCE).await].now()
    }

    async fn make(&mut self, trouble: Trouble) {
        let wait = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        match trouble {
            Trouble::LeaderKilled => {
                let leader = self.leader().await;
                self.cluster.servers[leader].kill();
                wait(5).await;
                self.cluster.servers[leader].restart().await.expect("it starts again");
            }
            Trouble::ServersRestarted => {
                for server in 0..self.cluster.servers.len() {
                    self.cluster.servers[server].restart().await.expect("it starts again");
                    wait(5).await;
                }
            }
            Trouble::NetworkCut => {
                let leader = self.leader().await;
                self.proxies[leader].set(Network::Cut);
                wait(15).await;
                self.proxies[leader].set(Network::Good);
            }
            Trouble::NetworkSlow => {
                self.proxies.iter().for_each(|proxy| proxy.set(Network::Slow(Duration::from_millis(40))));
                wait(20).await;
                self.proxies.iter().for_each(|proxy| proxy.set(Network::Good));
            }
            Trouble::DeciderPaused => {
                let decider = self.decider().await;
                decider.signal("STOP");
                wait(60).await;
                decider.signal("CONT");
            }
            Trouble::IntakePaused => {
                let intake = self.nodes[INTAKE[0]].now();
                intake.signal("STOP");
                wait(60).await;
                intake.signal("CONT");
            }
            Trouble::RolesKilled => {
                for node in self.nodes.iter() {
                    node.kill();
                    node.start_again();
                    wait(4).await;
                }
            }
        }
    }

    /// Waits until people are acknowledged again, and what was recorded until then is decided.
    async fn recover(&self) {
        let since = Instant::now();
        loop {
            let head = self.log.head().await.ok().map(|head| head.0);
            let decider = self.decider().await;
            let at = decider.position_of("register").await;
            let heard = self.pulse.last().is_some_and(|last| last > since);
            if heard && head.is_some_and(|head| at + 2_000.0 >= head as f64) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "it does not come back: {at} of {head:?}, heard {heard}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until everything is decided and shown.
    async fn idle(&self) -> u64 {
        let since = Instant::now();
        loop {
            let head = self.log.head().await.expect("the log answers").0;
            let decider = self.decider().await;
            let mut least = decider.decided().await;
            for http in HTTP {
                least = least
                    .min(head as f64 - self.nodes[http].now().scrape("zholdary_readmodel_lag_records").await);
            }
            if least >= head as f64 && self.log.head().await.expect("the log answers").0 == head {
                return head;
            }
            assert!(since.elapsed() < 2 * PATIENCE, "it does not come to rest: {least} of {head}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

fn minutes() -> u64 {
    std::env::var("ZHOLDARY_CHAOS_MINUTES").ok().and_then(|s| s.parse().ok()).unwrap_or(30)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos() {
    let mut world = World::begin().await;
    let began = Instant::now();
    let mut writing = world.write();
    let mut pauses: BTreeMap<Trouble, (u32, Duration)> = BTreeMap::new();
    let mut turn = 0;
    while began.elapsed() < Duration::from_secs(60 * minutes()) {
        world.recover().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.pulse.take_longest();
        let trouble = TROUBLES[turn % TROUBLES.len()];
        println!("{:>5} s  {}", began.elapsed().as_secs(), trouble.words());
        world.make(trouble).await;
        world.recover().await;
        let (times, longest) = pauses.entry(trouble).or_default();
        (*times, *longest) = (*times + 1, (*longest).max(world.pulse.take_longest()));
        turn += 1;
    }
    world.stop.store(true, Ordering::SeqCst);
    let mut clients = Vec::new();
    while let Some(client) = writing.join_next().await {
        clients.push(client.expect("a client"));
    }
    let took = began.elapsed();
    let head = world.idle().await;
    // `check` and `heard_once` fail on anything lost or doubled, a number included.
    let told = told_by(&world.log).await;
    told.check();
    let heard = heard_once(&clients, &told, 0);
    let place = ["--log", &world.cluster.url(), "--data", path(world.operator.path())];
    let verified = json(&[&["verify", "--json"], &place[..]].concat());
    assert_eq!((&verified[0]["sound"], &verified[0]["head"]), (&true.into(), &head.into()));
    println!("\n| what went wrong | times | longest that nobody was acknowledged |\n| --- | --- | --- |");
    for (trouble, (times, longest)) in &pauses {
        println!("| {} | {times} | {:.1} s |", trouble.words(), longest.as_secs_f64());
    }
    println!("\n{} minutes, {turn} troubles, {head} records in the log, sound", took.as_secs() / 60);
    println!("acknowledged {heard}, lost 0, doubled 0, appeals {}, numbers doubled 0", told.appeals.len());
    for node in world.nodes.iter() {
        node.now().signal("TERM");
    }
}
