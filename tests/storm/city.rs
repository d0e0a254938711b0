//! The release binary over one engine, and what it tells afterwards.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use zholdary_domain::{IdKey, MessageId};
use zholdary_log::{JetStreamConfig, JetStreamLog, Metrics};
use zholdary_natsd::{Cluster, find};
use zholdary_testkit::Told;
use zholdary_tests::{told_by, told_in};

use crate::{
    deliveries::{Deliveries, Post},
    harness::{self, SETTINGS, folder, path, run, until},
};

/// How long it may take until everything is decided and shown.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) struct City {
    running: harness::City,
    client: reqwest::Client,
    hook: String,
    data: TempDir,
    servers: Option<(Cluster, TempDir)>,
}

impl City {
    /// Starts it over a new log of this engine.
    pub(crate) async fn start(engine: &str) -> Self {
        let (data, mut servers) = (folder(), None);
        let settings = data.path().join("settings.toml");
        std::fs::write(&settings, SETTINGS).expect("a file of ours");
        let mut place = vec!["--config", path(&settings), "--data", path(data.path())];
        if engine != "SQLite" {
            let folder = folder();
            let cluster = Cluster::start(&find().expect("a nats-server"), folder.path(), 1).await;
            servers = Some((cluster.expect("it starts"), folder));
        }
        let url = servers.as_ref().map(|(cluster, _)| cluster.url()).unwrap_or_default();
        if servers.is_some() {
            assert!(run(&["log", "init", "--log", &url]).status.success());
            place.extend(["--log", &url]);
        }
        let mut running = harness::City::start(&[&["up"], &place[..]].concat());
        until("it is ready", async || running.get("/readyz").await.0 == 200).await;
        let token = [&["token", "create", "--role", "operator", "--json"], &place[..]].concat();
        running.speak_with(harness::json(&token)[0]["token"].as_str().expect("a token"));
        until("the token works", async || running.get("/api/v1/lag").await.0 == 200).await;
        let hook = format!("http://{}/hooks/whatsapp", running.address());
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { running, client, hook, data, servers }
    }

    /// What names its messages.
    pub(crate) fn key(&self) -> IdKey {
        let hex = std::fs::read_to_string(self.data.path().join("id.key")).expect("it made one");
        let mut key = [0; IdKey::LEN_BYTES];
        hex::decode_to_slice(hex.trim(), &mut key).expect("a key");
        IdKey::new(key)
    }

    pub(crate) fn request(&self, post: &Post) -> reqwest::RequestBuilder {
        self.client
            .post(&self.hook)
            .header("content-type", "application/json")
            .header("x-hub-signature-256", &post.signature)
            .body(post.body.clone())
    }

    /// Waits until everything is decided and the views have it. Answers how long that took.
    pub(crate) async fn passed(&self) -> Duration {
        let began = Instant::now();
        let mut rest: Option<(u64, Duration)> = None;
        loop {
            let lag = self.running.read("/api/v1/lag").await;
            let head = lag["head"].as_u64().expect("where the log ends");
            let at = began.elapsed();
            let is_quiet = lag["records"] == 0 && self.running.decided().await >= head as f64;
            match rest {
                // Nothing followed from it.
                Some((before, since))
                    if is_quiet && before == head && at > since + Duration::from_secs(1) =>
                {
                    return since;
                }
                Some((before, _)) if is_quiet && before == head => {}
                _ => rest = is_quiet.then_some((head, at)),
            }
            assert!(at < PATIENCE, "it does not come to rest: {lag}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it costs, so far: lines of `/metrics` with what intake and HTTP measured of themselves.
    pub(crate) async fn costs(&self) -> Vec<String> {
        let text = String::from_utf8(self.running.bytes("/metrics").await).expect("metrics are text");
        let is_cost = |line: &&str| {
            (line.contains("_seconds_sum") || line.contains("_seconds_count")) && !line.ends_with(" 0")
        };
        text.lines().filter(is_cost).map(str::to_owned).collect()
    }

    /// Whether each message of `deliveries` is there once and in one appeal, by the API and by the log. Answers how many appeals
    /// there are.
    pub(crate) async fn check(self, deliveries: &Deliveries) -> usize {
        let (appeals, shown) = self.shown().await;
        assert_eq!(shown, deliveries.messages, "what the API shows (left) and what was delivered");
        let Self { running, data, servers, .. } = self;
        assert!(running.stop().await.success());
        let told = match &servers {
            None => told_in(data.path()).await,
            Some((cluster, _)) => {
                let config = JetStreamConfig::at(&cluster.url());
                told_by(&JetStreamLog::open(config, Metrics::unregistered()).await.expect("opens")).await
            }
        };
        // It fails on anything received, placed or numbered twice.
        told.check();
        check_log(&told, &deliveries.messages);
        appeals
    }

    /// How many appeals the API shows, and the residents' messages in them.
    async fn shown(&self) -> (usize, BTreeSet<MessageId>) {
        let (mut appeals, mut messages, mut after) = (0, BTreeSet::new(), String::new());
        loop {
            let page = self.running.read(&format!("/api/v1/appeals?limit=200{after}")).await;
            for card in page["items"].as_array().expect("appeals") {
                appeals += 1;
                let number = card["number"].as_str().expect("a number");
                let appeal = self.running.read(&format!("/api/v1/appeals/{number}")).await;
                for message in thread(&appeal) {
                    assert!(messages.insert(message), "{message} is shown in two appeals");
                }
            }
            let Some(next) = page["next"].as_str() else { return (appeals, messages) };
            after = format!("&after={next}");
        }
    }
}

fn thread(appeal: &Value) -> impl Iterator<Item = MessageId> {
    let messages = appeal["thread"].as_array().into_iter().flatten();
    let theirs = messages.filter(|message| message["ours"] == false && message["aside"].is_null());
    theirs.map(|message| message["id"].as_str().expect("an id").parse().expect("an id"))
}

fn check_log(told: &Told, delivered: &BTreeSet<MessageId>) {
    let stored: BTreeSet<_> = told.received_at.keys().copied().collect();
    assert_eq!(&stored, delivered, "what is stored (left) and what was delivered");
    let placed: Vec<_> = told.appeals.values().flat_map(|appeal| &appeal.messages).collect();
    assert_eq!(placed.len(), delivered.len(), "messages in appeals (left) and delivered");
}
