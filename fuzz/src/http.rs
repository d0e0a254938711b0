//! A request to the pages, the API or a hook, as anybody or as an operator: it is answered, and never with a 500.
//!
//! The first line is `METHOD TARGET`, the second `anybody` or `operator`, the third the label of the body, which is the rest.

use std::{
    cell::RefCell,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use futures::stream;
use prometheus::Registry;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use zholdary_city::{City, Files};
use zholdary_domain::{
    Clock, CommandId, StreamId, StreamKind,
    access::{self, Role},
};
use zholdary_http::{Config, Hooks, MetaHook, Metrics, Parts, Ready, Secret, new_token, router};
use zholdary_intake::{FileStore, Intake, RawConfig, RawFile};
use zholdary_log::{
    Cause, Decider, EventLog, MemoryLog,
    streams::{Access, Rules},
};
use zholdary_readmodel::{Projector, ProjectorConfig, Query, QueryConfig};
use zholdary_testkit::{HandClock, id_key, samples, shipped_city};

/// A town where nobody works: messages are kept, nothing follows.
struct Town {
    runtime: Runtime,
    router: Router,
    operator: String,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Drop for Town {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

thread_local! {
    static TOWN: RefCell<Option<Town>> = const { RefCell::new(None) };
}

/// Requests that one town answers: what it keeps stands in memory.
const REQUESTS: u32 = 20_000;

/// One request.
pub fn request(bytes: &[u8]) {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let Some((method, target, is_operator, label, body)) = read(bytes) else { return };
    TOWN.with_borrow_mut(|town| {
        if ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(REQUESTS) {
            *town = None;
        }
        let town = town.get_or_insert_with(Town::start);
        let mut request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, label);
        if is_operator {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", town.operator));
        }
        // In small pieces, as a network brings it.
        let pieces: Vec<_> = body.chunks(700).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
        let Ok(request) = request.body(Body::from_stream(stream::iter(pieces))) else { return };
        town.ask(request);
    });
}

fn read(bytes: &[u8]) -> Option<(&str, &str, bool, &str, &[u8])> {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next()?).ok();
    let (method, target) = line()?.split_once(' ')?;
    let is_operator = line()? == "operator";
    let label = line()?;
    Some((method, target, is_operator, label, parts.next()?))
}

impl Town {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (router, operator, stop, folder) = runtime.block_on(build());
        Self { runtime, router, operator, stop, _folder: folder }
    }

    fn ask(&self, request: Request<Body>) {
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("it cannot fail");
            let status = response.status();
            assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "an answer that nobody thought of");
            let label = response.headers().get(header::CONTENT_TYPE);
            // A stream of changes has no end.
            if label.is_none_or(|label| !label.as_bytes().starts_with(b"text/event-stream")) {
                to_bytes(response.into_body(), usize::MAX).await.expect("the answer comes whole");
            }
        });
    }
}

fn hook() -> MetaHook {
    MetaHook {
        app_secret: Secret::new(samples::APP_SECRET.to_owned()),
        verify_token: Secret::new("a word of ours".to_owned()),
    }
}

async fn build() -> (Router, String, CancellationToken, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(HandClock::at(samples::BEGINS_AT));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(uuid::Uuid::nil()));
    let raw = RawFile::open(folder.path(), RawConfig::default()).expect("a file of bodies");
    let intake = Intake::new(
        Arc::clone(&log),
        id_key(),
        Arc::new(raw),
        Arc::clone(&clock),
        zholdary_intake::Config::default(),
        zholdary_intake::Metrics::unregistered(),
    );
    let query = QueryConfig { watch_ms: 1, ..QueryConfig::default() };
    let query = Query::open(folder.path(), &query).expect("views");
    let registry = Registry::new();
    let stop = CancellationToken::new();
    let ready = Ready::default();
    ready.set(true);
    let config = Config {
        hooks: Hooks {
            whatsapp: Some(hook()),
            instagram: Some(hook()),
            facebook: Some(hook()),
            telegram: Some(Secret::new("a-word-of-telegram".to_owned())),
        },
        // Nobody places what comes, and nobody waits for it.
        place_wait_ms: 0,
        position_wait_ms: 0,
        ..Config::default()
    };
    let parts = Parts {
        config,
        clock: Arc::clone(&clock),
        log: Arc::clone(&log),
        hooks: Some(intake.clone()),
        views: Some(query.clone()),
        window: Some(intake),
        files: Some(FileStore::in_folder(folder.path()).expect("a folder of files")),
        metrics: Metrics::new(&registry).expect("metrics"),
        registry,
        ready,
        stop: stop.clone(),
        media: zholdary_media::Limits::default(),
    };
    let files = Files::from_entries(shipped_city()).expect("its files");
    let city = City::parse(&files).expect("a sound city");
    let rules: Decider<Rules> = Decider::new(Arc::clone(&log), Arc::clone(&clock));
    zholdary_routing::publish(&rules, &city, &files, "test").await.expect("is published");
    let operator = token(&log, &clock).await;
    let projector = Projector::new(
        folder.path(),
        Arc::clone(&log),
        Arc::clone(&clock),
        ProjectorConfig::default(),
        zholdary_readmodel::Metrics::unregistered(),
    );
    tokio::spawn(projector.run(stop.clone()));
    let head = log.head().await.expect("an end");
    query.wait_for(head, Duration::from_secs(60)).await.expect("the views follow");
    (router(parts), operator, stop, folder)
}

/// A token of an operator, as `zholdary token create` makes it.
async fn token(log: &Arc<dyn EventLog>, clock: &Arc<dyn Clock>) -> String {
    let new = new_token([1; zholdary_http::RANDOM_BYTES]);
    let access: Decider<Access> = Decider::new(Arc::clone(log), Arc::clone(clock));
    let stream = StreamId::new(StreamKind::Access, &new.name).expect("a stream");
    let created = access::Event::TokenCreated {
        token: new.name.clone(),
        digest: new.digest.clone(),
        role: Role::Operator,
        party: None,
        expires_at: None,
    };
    access
        .handle(&stream, CommandId::named("fuzz", &new.name), Cause::OUTSIDE, |_, _| {
            Ok::<_, Infallible>(vec![created.clone()])
        })
        .await
        .expect("is recorded");
    new.text.reveal().to_owned()
}
