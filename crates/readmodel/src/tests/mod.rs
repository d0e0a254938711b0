//! The views as their readers see them: given records, then answers.

mod answers;
mod building;
mod files;
mod privacy;

use std::{path::Path, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_city::{City, Files};
use zholdary_domain::{
    AppealId, CommandId, IdKey, MessageId, Position, StreamId, StreamKind, access, appeal, message, rules,
};
use zholdary_log::{
    Aggregate, Cause, Decider, EventLog, SqliteConfig, SqliteLog,
    streams::{Access, Appeals, Messages, Rules},
};
use zholdary_testkit::HandClock;

use crate::{AppealFilter, CountBy, Level, Metrics, Period, Projector, ProjectorConfig, Query, QueryConfig};

/// What the resident's words are in tests: nobody but who may see them must find it anywhere.
const CANARY: &str = "канарейка";

/// A log and its views in a folder of their own.
struct Town {
    dir: TempDir,
    log: Arc<dyn EventLog>,
    clock: HandClock,
    commands: std::sync::atomic::AtomicU32,
}

impl Town {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(dir.path(), SqliteConfig::default()).unwrap();
        let clock = HandClock::at("2026-11-20T09:00:00Z");
        Self { dir, log: Arc::new(log), clock, commands: 0.into() }
    }

    /// With the default city's rules in force.
    async fn with_city() -> Self {
        let town = Self::new();
        town.publish().await;
        town
    }

    fn data(&self) -> &Path {
        self.dir.path()
    }

    /// Records `events` of `stream` as one decision, a minute after the one before.
    async fn record<A: Aggregate>(&self, stream: StreamId, events: &[A::Event]) -> Position {
        self.clock.pass(60);
        let n = self.commands.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let decider = Decider::<A>::new(Arc::clone(&self.log), Arc::new(self.clock.clone()));
        let expect = decider.load(&stream).await.map(|past| past.expect());
        // A stream with a strange record does not add up; its last record is all an append asks for.
        let expect = match expect {
            Ok(expect) => expect,
            Err(_) => self.log.load(&stream).await.unwrap().expect(),
        };
        let command = CommandId::named("tests", &n.to_string());
        let handled = decider.handle_expecting(&stream, command, Cause::OUTSIDE, expect, events).await;
        handled.unwrap().position
    }

    async fn publish(&self) -> Position {
        self.publish_pack(BASE64_STANDARD.encode(city_files().pack())).await
    }

    async fn publish_pack(&self, pack: String) -> Position {
        let city = "almaty".to_owned();
        let event = rules::Event::Published { city, version: "tests".into(), pack, by: "tests".into() };
        self.record::<Rules>(StreamId::new(StreamKind::Rules, "almaty").unwrap(), &[event]).await
    }

    async fn appeal(&self, n: u32, events: Vec<Value>) -> Position {
        let events: Vec<appeal::Event> =
            events.into_iter().map(|e| serde_json::from_value(e).unwrap()).collect();
        self.record::<Appeals>(appeal_id(n).into(), &events).await
    }

    async fn message(&self, n: u32, events: Vec<Value>) -> Position {
        let events: Vec<message::Event> =
            events.into_iter().map(|e| serde_json::from_value(e).unwrap()).collect();
        self.record::<Messages>(message_id(n).into(), &events).await
    }

    async fn token(&self, name: &str, events: Vec<Value>) -> Position {
        let events: Vec<access::Event> =
            events.into_iter().map(|e| serde_json::from_value(e).unwrap()).collect();
        self.record::<Access>(StreamId::new(StreamKind::Access, name).unwrap(), &events).await
    }

    /// Something that this release does not read, in an appeal's stream.
    async fn strange(&self, n: u32) -> Position {
        struct Strange;
        impl Aggregate for Strange {
            type State = ();
            type Event = Value;
            const SCHEMA: u16 = 1;
            fn evolve((): &mut (), _: &Value, _: DateTime<Utc>) {}
        }
        self.record::<Strange>(appeal_id(n).into(), &[json!({ "type": "teleported" })]).await
    }

    /// A whole small story: a message becomes appeal `n`, `party` gets it.
    async fn story(&self, n: u32, party: &str) {
        self.message(n, vec![received(n, "Яма на Абая")]).await;
        self.message(n, vec![placed(n, n)]).await;
        self.appeal(n, vec![registered(n)]).await;
        self.appeal(n, vec![understood("pothole", false), routed(party)]).await;
    }

    fn projector(&self) -> Projector {
        self.projector_with(ProjectorConfig { batch_records: 7, ..ProjectorConfig::default() })
    }

    fn projector_with(&self, config: ProjectorConfig) -> Projector {
        let wall = Arc::new(self.clock.clone());
        Projector::new(self.data(), Arc::clone(&self.log), wall, config, Metrics::unregistered())
    }

    /// The views of everything recorded.
    async fn views(&self) -> Query {
        let position = self.projector().catch_up(None).await.unwrap();
        let query = Query::open(self.data(), &QueryConfig::default()).unwrap();
        query.wait_for(position, Duration::from_secs(10)).await.unwrap();
        query
    }
}

fn city_files() -> Files {
    let files = Files::from_entries(zholdary_testkit::shipped_city()).unwrap();
    City::parse(&files).unwrap();
    files
}

fn key() -> IdKey {
    zholdary_testkit::id_key()
}

fn message_id(n: u32) -> MessageId {
    key().message("whatsapp", "1", &n.to_string())
}

fn appeal_id(n: u32) -> AppealId {
    AppealId::opened_by(message_id(n))
}

fn number(n: u32) -> String {
    format!("Z-2026-{n:06}")
}

fn contact(n: u32) -> String {
    key().contact("whatsapp", &format!("+7700{n}")).to_string()
}

/// Something personal, as it is recorded.
fn personal(value: impl Into<Value>) -> Value {
    json!({ "p": value.into() })
}

fn received(n: u32, text: &str) -> Value {
    json!({
        "type": "received", "channel": "whatsapp", "surface": "private", "account": "1",
        "external_id": personal(format!("wamid.{CANARY}.{n}")), "contact": contact(n),
        "name": personal(format!("Имя {CANARY}")), "phone": personal(format!("+7{CANARY}")),
        "address": personal(format!("KZ.{CANARY}")),
        "content": {
            "text": personal(format!("{text} {CANARY}")),
            "point": personal(json!({ "lon": 76.123_456_7, "lat": 43.765_432_1 })),
            "attachments": [{ "kind": "image", "external_id": personal(CANARY), "file_name": personal(CANARY) }],
        },
        "join": "window", "sent_at": "2026-11-20T08:59:00Z",
    })
}

fn placed(n: u32, appeal: u32) -> Value {
    json!({ "type": "placed", "appeal": appeal_id(appeal), "opens": n == appeal, "found": "opened" })
}

fn registered(n: u32) -> Value {
    json!({
        "type": "registered", "number": number(n), "message": message_id(n), "contact": contact(n),
        "channel": "whatsapp", "surface": "private", "received_at": "2026-11-20T09:00:00Z",
    })
}

fn understood(category: &str, danger: bool) -> Value {
    let place = json!({
        "kind": "address", "names": ["Абая"], "district": "almaly",
        "house": personal(format!("12 {CANARY}")), "point": personal(json!({ "lon": 76.123_456_7, "lat": 43.765_432_1 })),
    });
    json!({
        "type": "understood", "triage": "1", "rules": "tests", "lang": "ru", "danger": danger,
        "findings": [{ "category": category, "priority": "high", "confidence": 900, "because": ["ям"], "place": place }],
    })
}

fn routed(to: &str) -> Value {
    routed_as(to, "current_repair", "pothole", "2026-11-25T09:00:00Z")
}

fn routed_as(to: &str, bucket: &str, category: &str, service: &str) -> Value {
    let because = json!({ "ru": "за это отвечает район", "kk": "бұған аудан жауапты" });
    json!({
        "type": "routed", "finding": 0, "to": to, "bucket": bucket, "category": category, "priority": "high",
        "due": {
            "legal": deadline("2026-12-11T13:30:00Z", json!({
                "by": "law", "article": 76, "working_days": 15, "registered_on": "2026-11-20",
            })),
            "service": deadline(service, json!({ "by": "target", "category": category, "hours": 120 })),
        },
        "rules": "tests", "rule": "category", "because": because, "inputs": { "district": "almaly" },
    })
}

fn deadline(at: &str, cause: Value) -> Value {
    json!({ "at": at, "from": "2026-11-20T09:00:00Z", "cause": cause })
}

fn answered() -> Value {
    json!({
        "type": "answered", "finding": 0, "lang": "ru", "text": personal(format!("ответ {CANARY}")),
        "settles": true, "by": { "kind": "operator", "token": "t1" },
    })
}

fn done(party: &str) -> Value {
    json!({
        "type": "done", "finding": 0, "by": { "kind": "party", "code": party },
        "explanation": personal(format!("заделали {CANARY}")), "proof": ["abc"],
    })
}

fn rated(fixed: bool) -> Value {
    json!({ "type": "rated", "fixed": fixed })
}

/// Every answer that the views give at `level`, as text.
async fn everything(query: &Query, level: Level, appeals: &[u32]) -> Vec<String> {
    fn text<T: serde::Serialize>(name: &str, value: Result<T, crate::Error>) -> String {
        format!("{name} {}", serde_json::to_string(&value.unwrap()).unwrap())
    }
    let now = "2026-11-30T09:00:00Z".parse().unwrap();
    let mut all = vec![
        text("appeals", query.appeals(AppealFilter::default(), level).await),
        text("report", query.report(Period::default()).await),
        text("figures", query.figures(Period::default()).await),
        text("parked", query.parked().await),
        text("tokens", query.tokens().await),
        text("rules", query.rules().await),
        text("changes", query.changes(Position::START, 1000).await),
        text("checkpoint", query.checkpoint().await),
    ];
    let by = vec![
        CountBy::Day,
        CountBy::Category,
        CountBy::District,
        CountBy::Party,
        CountBy::Channel,
        CountBy::State,
    ];
    all.push(text("counters", query.counters(by, Period::default()).await));
    for party in ["operator", "akimat-almaly"] {
        all.push(text(party, query.queue(party, level, now, 100).await));
    }
    for n in appeals {
        all.push(text("appeal", query.appeal(appeal_id(*n), level).await));
        all.push(text("message", query.message(message_id(*n)).await));
    }
    all
}
