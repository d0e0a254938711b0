//! The roles apart: six processes on one nats-server, with the rights and the TLS of production, each killed in its turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use zholdary_domain::{Clock, SystemClock};
use zholdary_log::{Checkpoints, JetStreamLog, Metrics};
use zholdary_testkit::{fake, samples};

use crate::{
    api::{answers, questions},
    harness::{City, DEADLINE, folder, json, path, root, run, sample, until},
    nats::Servers,
    nodes::{HTTP, INTAKE, Node, ROUTING, decider},
    people::{Client, heard_once},
    samples::{STORY, expected},
};
use zholdary_tests::told_by;

/// How soon another process must decide when the one that did is gone.
const TAKEOVER: Duration = Duration::from_secs(10);
/// People who write at once.
const CLIENTS: u32 = 16;
/// What all of them write together, at least.
const MESSAGES: usize = 2_000;

/// Whether it comes to be within `limit`.
async fn within(limit: Duration, what: &str, condition: impl AsyncFn() -> bool) {
    let since = Instant::now();
    while !condition().await {
        assert!(since.elapsed() < limit, "not within {} s: {what}", limit.as_secs());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The cluster of a city: two processes a role.
struct Town {
    servers: Servers,
    log: JetStreamLog,
    operator: TempDir,
    nodes: Vec<Node>,
}

impl Town {
    async fn start() -> Self {
        let servers = Servers::start().await;
        let operator = folder();
        let (url, settings) = (servers.url(), servers.settings("operator"));
        let place = ["--log", &url, "--config", path(&settings), "--data", path(operator.path())];
        let city = root().join("deploy/cities/almaty");
        let published = run(&[&["city", "publish", path(&city)], &place[..]].concat());
        assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
        let made = json(&[&["token", "create", "--role", "operator", "--json"], &place[..]].concat());
        let token = made[0]["token"].as_str().expect("a token").to_owned();
        let key = operator.path().join("id.key");
        let node = |user: &str, roles| {
            let shipped = std::fs::read_to_string(servers.settings(user)).expect("a file of ours");
            Node::start(&url, &shipped, roles, (user != "routing").then_some(&*key))
        };
        let mut nodes = vec![
            node("intake", &["intake"]),
            node("intake", &["intake"]),
            node("routing", &["routing"]),
            node("routing", &["routing"]),
            node("http", &["views", "http"]),
            node("http", &["views", "http"]),
        ];
        for http in HTTP {
            nodes[http].speak_with(&token);
            // Whoever bears a token that the views do not know yet is nobody, at every door.
            until("the token works", async || nodes[http].now().get("/api/v1/lag").await.0 == 200).await;
        }
        let log = JetStreamLog::open(servers.config("views"), Metrics::unregistered()).await;
        Self { log: log.expect("the log opens"), servers, operator, nodes }
    }

    fn node(&self, index: usize) -> Arc<City> {
        self.nodes[index].now()
    }

    async fn head(&self) -> u64 {
        use zholdary_log::EventLog;
        self.log.head().await.expect("the log answers").0
    }

    /// Waits until whoever decides has decided on everything, and the views have it.
    async fn idle(&self) -> u64 {
        let since = Instant::now();
        loop {
            let head = self.head().await;
            let decider = self.node(decider(&self.nodes, DEADLINE).await);
            let mut done = decider.decided().await >= head as f64;
            for index in HTTP {
                let lag = self.node(index).read("/api/v1/lag").await;
                done &= lag["records"] == 0 && lag["head"] == head;
            }
            if done && self.head().await == head {
                return head;
            }
            assert!(since.elapsed() < DEADLINE, "it does not come to rest at {head}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Everybody writes, each to one process of a role and to the other when that does not answer.
    fn write(&self, clients: Vec<Client>, letters: u64) -> tokio::task::JoinSet<Client> {
        let mut writing = tokio::task::JoinSet::new();
        for (index, mut client) in clients.into_iter().enumerate() {
            let side = index % 2;
            let hooks = [self.node(INTAKE[side]), self.node(INTAKE[1 - side])];
            let forms = [self.node(HTTP[side]), self.node(HTTP[1 - side])];
            writing.spawn(async move {
                for _ in 0..letters {
                    let (since, mut tries) = (Instant::now(), 0);
                    while !client.send(&hooks[tries % 2], &forms[tries % 2]).await {
                        assert!(since.elapsed() < DEADLINE, "nobody answers");
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                client
            });
        }
        writing
    }
}

/// The samples of the story, to both processes that take in at once; the seed by `ingest` as one of them.
async fn tell_the_story(town: &Town) {
    for name in STORY {
        if name.ends_with('z') {
            let data = folder();
            std::fs::copy(town.operator.path().join("id.key"), data.path().join("id.key"))
                .expect("a file of ours");
            let (url, settings) = (town.servers.url(), town.servers.settings("intake"));
            let file = sample(name);
            let place = ["--log", &url, "--config", path(&settings), "--data", path(data.path())];
            let seeded = json(&[&["ingest", "whatsapp", path(&file)], &place[..]].concat());
            assert!(seeded[0]["error"].is_null(), "{seeded:?}");
            continue;
        }
        let body = samples::whatsapp(name);
        let [one, other] = INTAKE.map(|index| town.node(index));
        assert_eq!(tokio::join!(one.signed(body), other.signed(body)), (200, 200), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_processes_each_killed_in_turn() {
    let mut town = Town::start().await;
    tell_the_story(&town).await;
    // Half of one, by both ways in: nobody can read it, and a person finds it once.
    for index in INTAKE {
        assert_eq!(town.node(index).signed(b"{\"object\":").await, 200);
    }
    town.idle().await;
    let told = told_by(&town.log).await;
    told.check();
    assert_eq!(told.together(), expected());
    let before = told.messages.len();

    let mut clients: Vec<_> = (0..CLIENTS).map(|name| Client::new(name, 7)).collect();
    let mut turn = 0;
    let mut heard = 0;
    while heard < MESSAGES || turn < town.nodes.len() {
        let mut writing = town.write(clients, 14);
        let victim = turn % town.nodes.len();
        let decided = ROUTING.contains(&victim) && town.nodes[victim].decides().await;
        let at = town.head().await;
        town.nodes[victim].kill();
        if decided {
            let other = &town.nodes[if victim == ROUTING[0] { ROUTING[1] } else { ROUTING[0] }];
            within(TAKEOVER, "another decides on what was there", async || {
                other.decides().await && other.now().position_of("register").await >= at as f64
            })
            .await;
        }
        clients = Vec::new();
        while let Some(client) = writing.join_next().await {
            clients.push(client.expect("a client"));
        }
        town.nodes[victim].start_again();
        heard = clients.iter().map(|c| c.hooked.len() + c.filed.len()).sum();
        turn += 1;
    }
    let head = town.idle().await;

    let told = told_by(&town.log).await;
    told.check();
    let (url, settings) = (town.servers.url(), town.servers.settings("operator"));
    let place = ["--log", &url, "--config", path(&settings), "--data", path(town.operator.path())];
    let verified = json(&[&["verify", "--json"], &place[..]].concat());
    assert_eq!((&verified[0]["sound"], &verified[0]["head"]), (&true.into(), &head.into()));
    assert!(heard_once(&clients, &told, before) >= MESSAGES);
    for node in &town.nodes {
        let denied = node.now().scrape("zholdary_log_denied_total").await;
        assert_eq!(denied, 0.0, "a right is missing: {:?}", node.roles);
    }

    let [one, other] = HTTP.map(|index| town.node(index));
    let asked: Vec<_> = questions(&one).await.into_iter().step_by(7).collect();
    let (left, right) = (answers(&one, &asked, head).await, answers(&other, &asked, head).await);
    assert!(left == right, "two nodes answer differently");
    drop((one, other));
    let mut waiting = Vec::new();
    for node in town.nodes.drain(..) {
        let roles = node.roles;
        let (ended, data, settings) = node.stop().await;
        assert!(ended.success(), "{ended}");
        let place = ["--log", &url, "--config", path(&settings), "--data", path(data.path())];
        if roles.contains(&"views") {
            let rebuilt = json(&[&["rebuild", "--json"], &place[..]].concat());
            assert_eq!((&rebuilt[0]["differs"], &rebuilt[0]["parked"]), (&serde_json::json!([]), &0.into()));
        }
        if roles.contains(&"routing") {
            // It takes nothing in: it needs no key, and none is made.
            let looked = run(&[&["doctor"], &place[..]].concat());
            let said = String::from_utf8_lossy(&looked.stdout);
            assert!(said.contains("  key of ids: none"), "{said}");
            assert!(!data.path().join("id.key").exists());
        }
        // What came in is on the servers: no machine's loss loses it.
        assert!(!data.path().join("raw.db").exists(), "{roles:?}");
        if roles.contains(&"intake") {
            waiting.push(json(&[&["kept", "list", "--json"], &place[..]].concat()));
        }
    }
    let [one, other] = &waiting[..] else { panic!("two take messages in") };
    assert_eq!(one, other, "what waits for a person waits on every machine");
    assert_eq!(one.len(), 1, "{one:?}");
}

#[tokio::test]
async fn a_process_serves_its_roles_and_nothing_else() {
    let town = Town::start().await;
    let check = async |node: usize, path: &str, expected: u16| {
        let (status, _) = town.node(node).get(path).await;
        assert_eq!(status, expected, "{path} of {:?}", town.nodes[node].roles);
    };
    for node in 0..town.nodes.len() {
        check(node, "/livez", 200).await;
        until("it is ready", async || town.node(node).get("/readyz").await.0 == 200).await;
        assert!(town.node(node).scrape("zholdary_log_head").await > 0.0);
    }
    let (intake, routing, http) = (INTAKE[0], ROUTING[0], HTTP[0]);
    check(http, "/", 200).await;
    check(http, "/hooks/whatsapp", 404).await;
    check(intake, "/hooks/whatsapp", 403).await;
    for (node, path) in [(intake, "/"), (intake, "/api/v1/lag"), (routing, "/"), (routing, "/hooks/whatsapp")]
    {
        check(node, path, 404).await;
    }
    // Without views nobody bears a token.
    check(routing, "/metrics", 401).await;
}

/// Who sends may do its work and nothing else, and does it: what one machine takes in is answered by another.
#[tokio::test]
async fn a_process_that_only_sends_tells_residents() {
    let (town, graph, here) = (Town::start().await, fake::Graph::start().await, folder());
    let token = here.path().join("graph.token");
    std::fs::write(&token, fake::Graph::TOKEN).expect("a file of ours");
    let shipped = std::fs::read_to_string(town.servers.settings("delivery")).expect("a file of ours");
    let sends =
        format!("{shipped}\n[whatsapp]\ntoken_file = {:?}\napi = \"{}\"\n", path(&token), graph.url());
    let key = town.operator.path().join("id.key");
    let sender = Node::start(&town.servers.url(), &sends, &["delivery"], Some(&key));
    let now = SystemClock.now().timestamp().to_string();
    let body = serde_json::json!({ "object": "whatsapp_business_account", "entry": [{ "id": samples::WABA, "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": "Х" }, "wa_id": "77000000302" }],
            "messages": [{
                "from": "77000000302", "id": "wamid.R1", "timestamp": now, "type": "text",
                "text": { "body": "Яма на Абая 45" },
            }],
        },
    }] }] });
    assert_eq!(town.node(INTAKE[0]).signed(body.to_string().as_bytes()).await, 200);
    until("the platform took the receipt", async || !graph.accepted().is_empty()).await;
    until("it is kept how far it came", async || {
        town.log.read("tell").await.is_ok_and(|kept| kept.is_some())
    })
    .await;
    assert_eq!(sender.now().scrape("zholdary_log_denied_total").await, 0.0);
    assert!(sender.stop().await.0.success());
    assert_eq!(graph.accepted().len(), 1);
}
