//! The suite that every engine passes, on one server and on three.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::stream::Config;
use async_trait::async_trait;
use tokio::sync::OnceCell;
use zholdary_domain::{Position, SystemClock};
use zholdary_natsd::{Cluster, Options, Server, find};

use super::*;
use crate::{
    Cause, Checkpoints, Decider,
    conformance::{Event, Fixture, Sum, command, conformance, put, put_many, soon, stream},
};

/// Servers for all tests of this process; they and their folders end with it.
static ONE: OnceCell<(Server, Folder)> = OnceCell::const_new();
static THREE: OnceCell<(Cluster, Folder)> = OnceCell::const_new();

/// A folder that is removed when this process is gone, however it ends: what is static is never dropped.
struct Folder {
    path: PathBuf,
    /// Removes it once its input closes.
    _remover: std::process::Child,
}

impl Folder {
    fn new() -> Self {
        let path = tempfile::tempdir().unwrap().keep();
        // The servers end in the same moment and may still write.
        let script = r#"read _; while [ -e "$0" ]; do rm -rf "$0"; done"#;
        let remover = std::process::Command::new("sh")
            .args(["-c", script])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { path, _remover: remover }
    }
}

pub(super) async fn one() -> String {
    let started = ONE.get_or_init(|| async {
        let folder = Folder::new();
        (Server::start(&find().unwrap(), &Options::in_folder(&folder.path)).await.unwrap(), folder)
    });
    started.await.0.url()
}

pub(super) async fn three() -> String {
    let started = THREE.get_or_init(|| async {
        let folder = Folder::new();
        (Cluster::start(&find().unwrap(), &folder.path, 3).await.unwrap(), folder)
    });
    started.await.0.url()
}

/// A log of its own among others on the same servers.
pub(super) async fn log_of_its_own(url: &str, replicas: usize) -> JetStreamConfig {
    static LOGS: AtomicU32 = AtomicU32::new(0);
    let number = LOGS.fetch_add(1, Ordering::Relaxed);
    let config = JetStreamConfig {
        stream: format!("LOG_{number}"),
        bucket: format!("INFO_{number}"),
        subjects: format!("t{number}.log.v1"),
        bodies: format!("RAW_{number}"),
        body_subjects: format!("t{number}.raw.v1"),
        files: format!("FILES_{number}"),
        file_subjects: format!("t{number}.files.v1"),
        ..JetStreamConfig::at(url)
    };
    init(&config, &Init { replicas, ..Init::default() }).await.unwrap();
    config
}

pub(super) async fn context(config: &JetStreamConfig) -> async_nats::jetstream::Context {
    let (client, _) = config.connect(&Metrics::unregistered()).await.unwrap();
    config.context(client)
}

async fn open(address: &str) -> Arc<dyn EventLog> {
    opened(address).await
}

async fn opened(address: &str) -> Arc<JetStreamLog> {
    let config: JetStreamConfig = serde_json::from_str(address).unwrap();
    Arc::new(JetStreamLog::open(config, Metrics::unregistered()).await.unwrap())
}

/// What somebody with the rights of an operator could do: the log made anew, with one record changed.
async fn forge(config: &JetStreamConfig, position: Position) {
    let context = context(config).await;
    let mut stream = context.get_stream(&config.stream).await.unwrap();
    let info = stream.info().await.unwrap().clone();
    let mut messages = Vec::new();
    for sequence in 1..=info.state.last_sequence {
        messages.push(stream.get_raw_message(sequence).await.unwrap());
    }
    context.delete_stream(&config.stream).await.unwrap();
    let made: Config = info.config;
    context.create_stream(made).await.unwrap();
    for message in messages {
        let mut bytes = message.payload.to_vec();
        if message.sequence == position.0 {
            bytes = String::from_utf8(bytes).unwrap().replace(r#""n":1"#, r#""n":9"#).into_bytes();
        }
        context.publish(message.subject, bytes.into()).await.unwrap().await.unwrap();
    }
}

mod r1 {
    use super::*;

    pub(crate) struct R1(JetStreamConfig);

    #[async_trait]
    impl Fixture for R1 {
        const LIMIT_BYTES: usize = 900 * 1024;
        const ONE_TIME: bool = false;

        async fn make() -> Self {
            Self(log_of_its_own(&one().await, 1).await)
        }

        fn address(&self) -> String {
            serde_json::to_string(&self.0).unwrap()
        }

        async fn open(address: &str) -> Arc<dyn EventLog> {
            open(address).await
        }

        async fn checkpoints(address: &str) -> Arc<dyn Checkpoints> {
            opened(address).await
        }

        async fn forge(&self, position: Position) {
            forge(&self.0, position).await;
        }
    }

    conformance!(R1);
}

mod r3 {
    use super::*;

    pub(crate) struct R3(JetStreamConfig);

    #[async_trait]
    impl Fixture for R3 {
        const LIMIT_BYTES: usize = 900 * 1024;
        const ONE_TIME: bool = false;

        async fn make() -> Self {
            let config = log_of_its_own(&three().await, 3).await;
            // So that tails read in one row, as they do far behind the end of a large log.
            Self(JetStreamConfig { bulk_records: 2, ..config })
        }

        fn address(&self) -> String {
            serde_json::to_string(&self.0).unwrap()
        }

        async fn open(address: &str) -> Arc<dyn EventLog> {
            open(address).await
        }

        async fn checkpoints(address: &str) -> Arc<dyn Checkpoints> {
            opened(address).await
        }

        async fn forge(&self, position: Position) {
            forge(&self.0, position).await;
        }
    }

    conformance!(R3);
}

/// Eight writers append while `trouble` happens to the servers. Whatever was acknowledged is there, once; nobody's tail has a
/// hole, and it goes on by itself.
async fn write_through<T: Future<Output = ()>>(config: &JetStreamConfig, trouble: T) {
    let log: Arc<dyn EventLog> =
        Arc::new(JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let decider = Decider::<Sum>::new(Arc::clone(&log), Arc::new(SystemClock));
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = acknowledged.len();
                    let (stream, id) = (
                        stream(&format!("w{writer}-{}", number / 50)),
                        command(format!("{writer}/{number}")),
                    );
                    let add = |_: &u64, _| Ok::<_, std::convert::Infallible>(vec![Event::Added { n: 1 }]);
                    match decider.handle(&stream, id, Cause::OUTSIDE, add).await {
                        Ok(handled) => acknowledged.push((stream, id, handled.position)),
                        Err(error) => assert!(error.is_transient(), "{error:?}"),
                    }
                }
                acknowledged
            })
        })
        .collect();
    let mut tail = log.tail(Position::START);
    let end = Arc::new(AtomicU64::new(u64::MAX));
    let until = Arc::clone(&end);
    let follower = tokio::spawn(async move {
        let mut seen = Vec::new();
        while tail.position().0 < until.load(Ordering::Relaxed) {
            match tokio::time::timeout(Duration::from_millis(200), tail.next_page(100)).await {
                Ok(Ok(page)) => seen.extend(page.iter().map(|record| record.position.0)),
                Ok(Err(error)) => assert!(error.is_transient(), "{error:?}"),
                Err(_) => {}
            }
        }
        seen
    });
    trouble.await;
    // All is well again: everybody still gets something through.
    let after = soon(async {
        loop {
            if let Ok(head) = log.head().await {
                return head;
            }
        }
    })
    .await;
    soon(async {
        while !log.head().await.is_ok_and(|head| head.0 > after.0 + 100) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = HashMap::new();
    for writer in writers {
        for (stream, id, position) in soon(writer).await.unwrap() {
            assert_eq!(acknowledged.insert((stream, id), position), None);
        }
    }
    let head = log.head().await.unwrap();
    assert_eq!(soon(log.verify(&|_, _| {})).await.unwrap().head, head);
    let mut found = HashMap::new();
    let mut after = Position::START;
    while after < head {
        for record in log.read(after, 1000).await.unwrap() {
            after = record.position;
            let twice = found.insert((record.stream.clone(), record.command_id), record.position);
            assert_eq!(twice, None, "{} twice", record.command_id);
        }
    }
    for (command, position) in acknowledged {
        assert_eq!(found.get(&command), Some(&position));
    }
    end.store(head.0, Ordering::Relaxed);
    let seen = soon(follower).await.unwrap();
    assert!(seen.iter().copied().eq(1..=head.0), "the tail skipped or doubled some of {} records", head.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&find().unwrap(), &Options::in_folder(folder.path())).await.unwrap();
    let config = JetStreamConfig { append_ms: 2_000, request_ms: 500, ..JetStreamConfig::at(&server.url()) };
    init(&config, &Init::default()).await.unwrap();
    write_through(&config, async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.kill();
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.restart().await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_each_of_three_servers() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(&find().unwrap(), folder.path(), 3).await.unwrap();
    let config = JetStreamConfig { append_ms: 2_000, request_ms: 500, ..JetStreamConfig::at(&cluster.url()) };
    init(&config, &Init { replicas: 3, ..Init::default() }).await.unwrap();
    write_through(&config, async {
        for server in &mut cluster.servers {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.kill();
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.restart().await.unwrap();
        }
    })
    .await;
}

/// Another process may have told a reader of a record that the leader does not tell of yet.
#[tokio::test]
async fn a_reader_who_knows_more_than_the_leader_waits_for_it() {
    let config = log_of_its_own(&one().await, 1).await;
    let log = JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap();
    let writer = open(&serde_json::to_string(&config).unwrap()).await;
    let mut tail = log.tail(Position(1));
    let (paged, read, _) = tokio::join!(tail.next_page(10), EventLog::read(&log, Position(1), 10), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        put_many(&writer, &stream("a"), 2).await
    });
    assert_eq!(paged.unwrap().first().unwrap().position, Position(2));
    assert!(read.unwrap().iter().all(|record| record.position == Position(2)));
}

/// A leader that was replaced answers from yesterday. Who saw a record asks until it is there, and believes no older answer: a worker
/// would find nothing to do.
#[tokio::test]
async fn who_saw_a_record_believes_no_older_answer() {
    let config = log_of_its_own(&one().await, 1).await;
    let patient = JetStreamConfig { request_ms: 30_000, ..config.clone() };
    let log = JetStreamLog::open(patient, Metrics::unregistered()).await.unwrap();
    let writer = open(&serde_json::to_string(&config).unwrap()).await;
    let (one, other) = (stream("a"), stream("b"));
    let first = put(&writer, &one, None, "first").await;
    let mut tail = log.tail(Position::START);
    tail.next().await.unwrap();
    assert_eq!(log.cache.seen.least(&one), 1, "a tail sees for the whole process");
    // As if it had come by the tail, from the new leader.
    log.cache.seen.saw(&one, 2);
    log.cache.seen.saw(&other, 1);
    let (loaded, last, fresh, _) =
        tokio::join!(log.load(&one), EventLog::last(&log, &one), log.load(&other), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            put(&writer, &one, Some(first), "second").await;
            put(&writer, &other, None, "other").await
        });
    assert_eq!(loaded.unwrap().records().len(), 2);
    assert_eq!(last.unwrap().unwrap().version, 2);
    assert_eq!(fresh.unwrap().records().len(), 1);
    let quick = JetStreamConfig { request_ms: 300, ..config.clone() };
    let log = JetStreamLog::open(quick, Metrics::unregistered()).await.unwrap();
    log.cache.seen.saw(&one, 4);
    let behind = log.load(&one).await;
    assert!(
        matches!(&behind, Err(ReadError::Unavailable(why)) if why.to_string().contains("is behind")),
        "{behind:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_says_what_is_wrong() {
    let url = one().await;
    let good = log_of_its_own(&url, 1).await;
    let fails = async |config: JetStreamConfig| {
        JetStreamLog::open(config, Metrics::unregistered()).await.unwrap_err().to_string()
    };
    for (config, words) in [
        (JetStreamConfig { stream: "NOWHERE".to_owned(), ..good.clone() }, "zholdary log init"),
        (JetStreamConfig { bucket: "NOWHERE".to_owned(), ..good.clone() }, "zholdary log init"),
        (
            JetStreamConfig { servers: vec!["nats://127.0.0.1:1".to_owned()], ..good.clone() },
            "check that it runs",
        ),
        (
            JetStreamConfig { nkey_file: Some("no/such/seed".into()), ..good.clone() },
            "cannot read nkey_file no/such/seed",
        ),
        (JetStreamConfig { max_record_bytes: 1024 * 1024, ..good.clone() }, "max_payload"),
        (JetStreamConfig { subjects: "other.log".to_owned(), ..good.clone() }, "subjects must be"),
    ] {
        let said = fails(config).await;
        assert!(said.contains(words), "{said}");
    }
    // A bucket that forgets, or none.
    let context = context(&good).await;
    let leases = format!("KV_{}", good.leases());
    let made = context.get_stream(&leases).await.unwrap().cached_info().config.clone();
    let for_ever = Config { max_age: Duration::ZERO, ..made.clone() };
    context.update_stream(&for_ever).await.unwrap();
    let said = fails(good.clone()).await;
    assert!(said.contains("max_age must be 5 seconds") && said.contains(&leases), "{said}");
    context.update_stream(&made).await.unwrap();
    // More servers asked for than keep it.
    let said = init(&good, &Init { replicas: 3, ..Init::default() }).await.unwrap_err().to_string();
    assert!(said.contains("num_replicas must be at least 3"), "{said}");
    // Somebody made it forget.
    let mut bad = context.get_stream(&good.stream).await.unwrap().cached_info().config.clone();
    bad.max_age = Duration::from_secs(3600);
    bad.duplicate_window = Duration::from_secs(60);
    context.update_stream(bad).await.unwrap();
    let said = fails(good.clone()).await;
    assert!(said.contains("max_age must be 0"), "{said}");
    assert!(init(&good, &Init::default()).await.unwrap_err().to_string().contains("max_age must be 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_made_once() {
    let config = log_of_its_own(&one().await, 1).await;
    let (log_id, made) = init(&config, &Init::default()).await.unwrap();
    assert!(!made);
    let log = open(&serde_json::to_string(&config).unwrap()).await;
    assert_eq!(log.info().await.unwrap().log_id, log_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_passes_on_when_it_dies() {
    let config = log_of_its_own(&one().await, 1).await;
    let log = async || JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap();
    let (here, there) = (log().await, log().await);
    let mine = Lease::take(&here, "routing", "here").await.unwrap().unwrap();
    assert!(Lease::take(&there, "routing", "there").await.unwrap().is_none());
    assert_eq!(Lease::holder(&there, "routing").await.unwrap().as_deref(), Some("here"));
    // Longer than an unrenewed one lives.
    tokio::time::sleep(lease::LIVES + Duration::from_secs(1)).await;
    assert!(!mine.lost().is_cancelled());
    assert!(Lease::take(&there, "routing", "there").await.unwrap().is_none());
    mine.give_back().await;
    assert_eq!(Lease::holder(&there, "routing").await.unwrap(), None);
    let theirs = Lease::take(&there, "routing", "there").await.unwrap().unwrap();
    // Its process dies: nobody renews.
    drop(theirs);
    let again = soon(async {
        loop {
            if let Some(taken) = Lease::take(&here, "routing", "here").await.unwrap() {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // Whose key is taken from it stops.
    let context = context(&config).await;
    let leases = context.get_key_value(config.leases()).await.unwrap();
    leases.put("routing", "somebody else".into()).await.unwrap();
    soon(again.lost().cancelled()).await;
}
