//! A town in a temporary folder: log, intake, workers, views, and the router over them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use futures::StreamExt;
use prometheus::Registry;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use zholdary_city::{City, Files};
use zholdary_domain::{
    Clock, CommandId, Position, StreamId, StreamKind,
    access::{self, Role},
};
use zholdary_http::{Config, Hooks, MetaHook, Metrics, Parts, Ready, Secret, new_token, router};
use zholdary_intake::{Intake, RawConfig, RawFile};
use zholdary_log::{
    Cause, Decider, EventLog, SqliteCheckpoints, SqliteConfig, SqliteLog,
    faults::Faulty,
    streams::{Access, Rules},
};
use zholdary_readmodel::{Projector, ProjectorConfig, Query, QueryConfig};
use zholdary_routing::{Rulesets, Turn, Workers};
use zholdary_testkit::{HandClock, id_key, samples};

/// The word that the hook is subscribed with.
pub(crate) const VERIFY_TOKEN: &str = "a word of ours";
/// What the hook of Telegram was set with.
pub(crate) const SECRET_TOKEN: &str = "a-word-of-telegram";

fn hook() -> MetaHook {
    MetaHook {
        app_secret: Secret::new(samples::APP_SECRET.to_owned()),
        verify_token: Secret::new(VERIFY_TOKEN.to_owned()),
    }
}

/// The secret of whoever collects the metrics.
pub(crate) const SCRAPER: &str = "another word of ours";
/// The party whose token [`Town::token`] makes.
pub(crate) const PARTY: &str = "akimat-bostandyk";

pub(crate) struct Town {
    pub(crate) clock: HandClock,
    pub(crate) log: Arc<dyn EventLog>,
    /// The same log, which fails on demand.
    pub(crate) faulty: Arc<Faulty>,
    pub(crate) query: Query,
    pub(crate) intake: Intake,
    pub(crate) stop: CancellationToken,
    router: Router,
    workers: Option<Workers>,
    tokens: u8,
    pub(crate) folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn code(&self) -> String {
        let is_problem = self.header("content-type") == Some("application/problem+json");
        if is_problem { self.json()["code"].as_str().unwrap_or_default().to_owned() } else { String::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    pub(crate) fn position(&self) -> u64 {
        self.header("zholdary-position").expect("a position").parse().unwrap()
    }

    /// The same, when the status is the one expected.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

impl Town {
    /// A town whose workers and views run.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}, true).await
    }

    /// A town where nobody works: messages are kept, nothing follows.
    pub(crate) async fn asleep() -> Self {
        Self::with(|config| config.place_wait_ms = 50, false).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut Config), awake: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hand = HandClock::at(samples::BEGINS_AT);
        let clock: Arc<dyn Clock> = Arc::new(hand.clone());
        let faulty = Faulty::new(Arc::new(SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap()));
        let log: Arc<dyn EventLog> = Arc::clone(&faulty) as _;
        let raw = RawFile::open(folder.path(), RawConfig::default()).unwrap();
        let intake = Intake::new(
            Arc::clone(&log),
            id_key(),
            Arc::new(raw),
            Arc::clone(&clock),
            zholdary_intake::Config::default(),
            zholdary_intake::Metrics::unregistered(),
        );
        let files = zholdary_intake::FileStore::in_folder(folder.path()).unwrap();
        let query =
            Query::open(folder.path(), &QueryConfig { watch_ms: 5, ..QueryConfig::default() }).unwrap();
        let registry = Registry::new();
        let stop = CancellationToken::new();
        let mut config = Config {
            hooks: Hooks {
                whatsapp: Some(hook()),
                instagram: Some(hook()),
                facebook: Some(hook()),
                telegram: Some(Secret::new(SECRET_TOKEN.to_owned())),
            },
            metrics_token: Some(Secret::new(SCRAPER.to_owned())),
            ..Config::default()
        };
        config.place_wait_ms = 10_000; // a slow machine must not change what a test sees
        config.position_wait_ms = 2_000;
        config.changes.pause_ms = 1;
        set(&mut config);
        let ready = Ready::default();
        ready.set(true);
        let parts = Parts {
            config,
            clock: Arc::clone(&clock),
            log: Arc::clone(&log),
            hooks: Some(intake.clone()),
            views: Some(query.clone()),
            window: Some(intake.clone()),
            files: Some(files),
            media: zholdary_media::Limits::default(),
            metrics: Metrics::new(&registry).unwrap(),
            registry: registry.clone(),
            ready,
            stop: stop.clone(),
        };
        publish(&log, &clock, "").await;
        let projector = Projector::new(
            folder.path(),
            Arc::clone(&log),
            Arc::clone(&clock),
            ProjectorConfig::default(),
            zholdary_readmodel::Metrics::unregistered(),
        );
        tokio::spawn(projector.run(stop.clone()));
        let workers = awake.then(|| {
            let parts = zholdary_routing::Parts {
                log: Arc::clone(&log),
                checkpoints: Arc::new(SqliteCheckpoints::open(folder.path()).unwrap()),
                clock: Arc::clone(&clock),
                rulesets: Rulesets::default(),
                turn: Turn::ours(),
                config: zholdary_routing::Config { look_ms: 20, ..zholdary_routing::Config::default() },
                metrics: zholdary_routing::Metrics::new(&Registry::new()).unwrap(),
            };
            Workers::start(&parts, &stop)
        });
        let mut town = Self {
            clock: hand,
            log,
            faulty,
            query,
            intake,
            stop,
            router: router(parts),
            workers,
            tokens: 0,
            folder,
        };
        town.settle().await;
        town
    }

    /// Publishes the city with one more comment: other bytes, so another version.
    pub(crate) async fn republish(&mut self) {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        publish(&self.log, &clock, "\n# anew\n").await;
        self.settle().await;
    }

    /// Waits until everything that is recorded, and follows from it, is in the views.
    pub(crate) async fn settle(&mut self) -> Position {
        let head = match &self.workers {
            Some(workers) => workers.settle(&self.clock, || self.log.head()).await.unwrap(),
            None => self.log.head().await.unwrap(),
        };
        self.query.wait_for(head, Duration::from_secs(20)).await.unwrap()
    }

    /// Makes a token of a role, as `zholdary token create` does.
    pub(crate) async fn token(&mut self, role: Role) -> String {
        self.token_until(role, None).await
    }

    pub(crate) async fn token_until(&mut self, role: Role, until: Option<&str>) -> String {
        self.tokens += 1;
        let new = new_token([self.tokens; zholdary_http::RANDOM_BYTES]);
        let access: Decider<Access> = Decider::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let stream = StreamId::new(StreamKind::Access, &new.name).unwrap();
        let created = access::Event::TokenCreated {
            token: new.name.clone(),
            digest: new.digest.clone(),
            role,
            party: (role == Role::Party).then(|| PARTY.to_owned()),
            expires_at: until.map(zholdary_testkit::at),
        };
        let command = CommandId::named("test", &new.name);
        access
            .handle(&stream, command, Cause::OUTSIDE, |_, _| {
                Ok::<_, std::convert::Infallible>(vec![created.clone()])
            })
            .await
            .unwrap();
        self.settle().await;
        new.text.reveal().to_owned()
    }

    pub(crate) async fn revoke(&mut self, text: &str) {
        let name = text.split('_').nth(1).unwrap().to_owned();
        let access: Decider<Access> = Decider::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let stream = StreamId::new(StreamKind::Access, &name).unwrap();
        let revoked = access::Event::TokenRevoked { token: name };
        let command = CommandId::named("test", "revoke");
        access
            .handle(&stream, command, Cause::OUTSIDE, |_, _| {
                Ok::<_, std::convert::Infallible>(vec![revoked.clone()])
            })
            .await
            .unwrap();
        self.settle().await;
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Asks with headers, and gives the first `n` pieces of the body that come within a while.
    pub(crate) async fn listen(&self, request: Request<Body>, n: usize) -> (StatusCode, Vec<String>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let mut body = response.into_body().into_data_stream();
        let mut pieces = vec![];
        while pieces.len() < n {
            match tokio::time::timeout(Duration::from_secs(5), body.next()).await {
                Ok(Some(piece)) => pieces.push(String::from_utf8(piece.unwrap().to_vec()).unwrap()),
                _ => break,
            }
        }
        (status, pieces)
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(request(Method::GET, token, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.post_as(token, path, None, body).await
    }

    pub(crate) async fn post_as(&self, token: &str, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let mut request = request(Method::POST, token, path).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Files an appeal as anybody may, and gives its number.
    pub(crate) async fn file(&mut self, text: &str) -> String {
        let filed =
            self.post("", "/api/v1/appeals", &serde_json::json!({ "text": text })).await.expect(202).json();
        self.settle().await;
        filed["number"].as_str().expect("a number").to_owned()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn request(method: Method, token: &str, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
}

async fn publish(log: &Arc<dyn EventLog>, clock: &Arc<dyn Clock>, comment: &str) {
    let mut entries = zholdary_testkit::shipped_city();
    for (_, bytes) in entries.iter_mut().filter(|(name, _)| name == "rules.toml") {
        bytes.extend_from_slice(comment.as_bytes());
    }
    let files = Files::from_entries(entries).unwrap();
    let city = City::parse(&files).unwrap();
    let rules: Decider<Rules> = Decider::new(Arc::clone(log), Arc::clone(clock));
    zholdary_routing::publish(&rules, &city, &files, "test").await.unwrap();
}
