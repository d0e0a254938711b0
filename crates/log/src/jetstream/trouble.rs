//! Answers that are lost, servers that fall silent, logs that lose records, users who may not.

use std::{path::Path, sync::Arc, time::Duration};

use async_nats::jetstream::{consumer::Info, stream::Config};
use futures::TryStreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use zholdary_domain::Position;
use zholdary_natsd::{Options, Server, find};

use super::{
    requests::Requests,
    tests::{context, log_of_its_own, one},
    *,
};
use crate::{
    Appended, Expect, Fault,
    conformance::{append, at, command, one as record, put, put_many, soon, sound, stream},
};

/// What becomes of what passes the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passes {
    Everything,
    /// The servers hear us; what they answer is lost.
    OnlyThere,
    Nothing,
}

/// Stands between a client and its server. When the trouble ends, connections that went through it are cut: part of what they
/// carried is lost.
struct Proxy {
    url: String,
    passes: watch::Sender<Passes>,
}

impl Proxy {
    async fn before(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("nats://").to_owned();
        let (passes, hears) = watch::channel(Passes::Everything);
        tokio::spawn(async move {
            // Until the proxy is gone.
            let mut gone = hears.clone();
            tokio::select! {
                () = async { while gone.changed().await.is_ok() {} } => {}
                () = async {
                    while let Ok((client, _)) = listener.accept().await {
                        let Ok(server) = TcpStream::connect(&server).await else { continue };
                        tokio::spawn(connection(client, server, hears.clone()));
                    }
                } => {}
            }
        });
        Self { url, passes }
    }

    fn let_pass(&self, passes: Passes) {
        self.passes.send_replace(passes);
    }
}

async fn connection(client: TcpStream, server: TcpStream, passes: watch::Receiver<Passes>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut trouble = passes.clone();
    tokio::select! {
        () = carry(from_client, to_server, passes.clone(), Passes::Nothing) => {}
        () = carry(from_server, to_client, passes, Passes::OnlyThere) => {}
        () = async {
            let _ = trouble.wait_for(|passes| *passes != Passes::Everything).await;
            let _ = trouble.wait_for(|passes| *passes == Passes::Everything).await;
        } => {}
    }
}

/// Carries bytes one way; what is read while the state is `lost` or worse is thrown away.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    passes: watch::Receiver<Passes>,
    lost: Passes,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let now = *passes.borrow();
        if now != Passes::Nothing && now != lost && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn opened(config: &JetStreamConfig) -> Arc<JetStreamLog> {
    Arc::new(JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap())
}

/// A log of its own, seen directly and through a proxy.
async fn behind_a_proxy() -> (Proxy, JetStreamConfig, Arc<dyn EventLog>, Arc<JetStreamLog>) {
    let direct = log_of_its_own(&one().await, 1).await;
    let proxy = Proxy::before(&direct.servers[0]).await;
    let servers = vec![proxy.url.clone()];
    let proxied = JetStreamConfig { servers, request_ms: 300, append_ms: 1_000, ..direct.clone() };
    let log = opened(&proxied).await;
    (proxy, direct.clone(), opened(&direct).await, log)
}

/// What an error says, with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_whose_acknowledgement_was_lost_finds_its_record() {
    for others in [0, 3] {
        let (proxy, _, direct, log) = behind_a_proxy().await;
        let log: Arc<dyn EventLog> = log;
        proxy.let_pass(Passes::OnlyThere);
        let mine = record(&stream("a"), Expect::NoStream, command("mine"));
        let appending = {
            let log = Arc::clone(&log);
            tokio::spawn(async move { append(&log, mine).await })
        };
        soon(async {
            while direct.head().await.unwrap() == Position::START {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let mut last = direct.last(&stream("a")).await.unwrap().map(|record| record.token());
        let first = last.unwrap();
        for other in 0..others {
            last = Some(put(&direct, &stream("a"), last, other).await);
        }
        proxy.let_pass(Passes::Everything);
        assert_eq!(soon(appending).await.unwrap().unwrap(), Appended::New(first), "{others} others");
        sound(&direct, 1 + others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_has_an_end() {
    let (proxy, _, direct, log) = behind_a_proxy().await;
    let lease = Lease::take(&log, "held", "me").await.unwrap().unwrap();
    let port: Arc<dyn EventLog> = Arc::clone(&log) as _;
    let first = put(&port, &stream("a"), None, "first").await;
    proxy.let_pass(Passes::Nothing);
    // Well below what any single default of the client would take.
    let bounded = Duration::from_secs(5);
    let appended = append(&port, record(&stream("a"), Expect::Exact(first), command("second")));
    let unknown = tokio::time::timeout(bounded, appended).await.expect("append waits");
    assert!(
        matches!(&unknown, Err(AppendError::OutcomeUnknown(id)) if *id == command("second")),
        "{unknown:?}"
    );
    let asked: [(&str, futures::future::BoxFuture<'_, bool>); 9] = [
        ("head", Box::pin(async { log.head().await.is_err_and(|e| e.is_transient()) })),
        ("load", Box::pin(async { log.load(&stream("b")).await.is_err_and(|e| e.is_transient()) })),
        ("last", Box::pin(async { log.last(&stream("b")).await.is_err_and(|e| e.is_transient()) })),
        ("read", Box::pin(async { log.read(Position(0), 9).await.is_err_and(|e| e.is_transient()) })),
        ("position_at", Box::pin(async { log.position_at(at(0)).await.is_err_and(|e| e.is_transient()) })),
        ("info", Box::pin(async { log.info().await.is_err_and(|e| e.is_transient()) })),
        ("bind_key", Box::pin(async { matches!(log.bind_key("k").await, Err(BindError::Unavailable(_))) })),
        ("verify", Box::pin(async { matches!(log.verify(&|_, _| {}).await, Err(Damage::Unchecked(_))) })),
        ("take", Box::pin(async { Lease::take(&log, "x", "me").await.is_err_and(|e| e.is_transient()) })),
    ];
    for (name, ask) in asked {
        assert_eq!(tokio::time::timeout(bounded, ask).await, Ok(true), "{name}");
    }
    tokio::time::timeout(bounded, lease.lost().cancelled()).await.expect("the lease does not notice");
    proxy.let_pass(Passes::Everything);
    // Asked again under the same id, it is there once, whatever became of the first.
    let again = soon(async {
        loop {
            match append(&port, record(&stream("a"), Expect::Exact(first), command("second"))).await {
                Ok(appended) => return appended,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    })
    .await;
    assert_eq!(again.position(), Position(2));
    sound(&direct, 2).await;
}

async fn revision(log: &JetStreamLog, name: &str) -> u64 {
    let entry = log.leases.entry(name).await.unwrap();
    entry.map_or(0, |entry| entry.revision)
}

async fn renewed_after(log: &JetStreamLog, name: &str, before: u64) -> u64 {
    soon(async {
        loop {
            match revision(log, name).await {
                now if now > before => return now,
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_survives_a_lost_answer_to_its_renewal() {
    let (proxy, config, _, log) = behind_a_proxy().await;
    let direct = opened(&config).await;
    let lease = Lease::take(&log, "routing", "here").await.unwrap().unwrap();
    let taken = revision(&direct, "routing").await;
    proxy.let_pass(Passes::OnlyThere);
    let unheard = renewed_after(&direct, "routing", taken).await;
    proxy.let_pass(Passes::Everything);
    renewed_after(&direct, "routing", unheard).await;
    assert!(!lease.lost().is_cancelled());
    assert_eq!(Lease::holder(&direct, "routing").await.unwrap().as_deref(), Some("here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_gives_back_only_what_is_its_own() {
    let log = opened(&log_of_its_own(&one().await, 1).await).await;
    let lease = Lease::take(&log, "routing", "me").await.unwrap().unwrap();
    let lost = lease.lost().clone();
    // The same name, another taking.
    log.leases.put("routing", "me 2".into()).await.unwrap();
    lease.give_back().await;
    assert_eq!(Lease::holder(&log, "routing").await.unwrap().as_deref(), Some("me"));
    soon(lost.cancelled()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drops_a_lease_has_lost_it() {
    let log = opened(&log_of_its_own(&one().await, 1).await).await;
    let lease = Lease::take(&log, "routing", "me").await.unwrap().unwrap();
    let lost = lease.lost().clone();
    assert!(!lost.is_cancelled());
    drop(lease);
    soon(lost.cancelled()).await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
}

/// A server whose data goes back to what it was three records ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_restored_from_an_older_backup_is_refused() {
    for writes in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
        let mut server = Server::start(&find().unwrap(), &Options::in_folder(folder.path())).await.unwrap();
        let config = JetStreamConfig { request_ms: 500, ..JetStreamConfig::at(&server.url()) };
        init(&config, &Init::default()).await.unwrap();
        let log = opened(&config).await;
        let port: Arc<dyn EventLog> = Arc::clone(&log) as _;
        let kept = put_many(&port, &stream("kept"), 3).await;
        server.kill();
        copy(&data, &backup);
        server.restart().await.unwrap();
        let mut tail = log.tail(Position::START);
        put_many(&port, &stream("gone"), 3).await;
        while tail.position() < Position(6) {
            soon(tail.next()).await.unwrap();
        }
        server.kill();
        std::fs::remove_dir_all(&data).unwrap();
        copy(&backup, &data);
        if writes {
            // Nobody looks: who writes first finds out.
            log.follower.abort();
        }
        server.restart().await.unwrap();
        let (seen, head) = (Position(6), if writes { Position(4) } else { Position(3) });
        let lost = |error: &ReadError| matches!(error, ReadError::LostEnd { seen: s, head: h } if (*s, *h) == (seen, head));
        if writes {
            let new = record(&stream("new"), Expect::NoStream, command("new"));
            let first = soon(append(&port, new)).await;
            assert!(matches!(first, Err(AppendError::OutcomeUnknown(_))), "{first:?}");
        }
        let told = soon(async {
            loop {
                match log.head().await {
                    Err(error) if error.is_transient() => {}
                    other => return other.unwrap_err(),
                }
            }
        })
        .await;
        assert!(lost(&told), "{told:?}");
        assert!(told.to_string().contains("restore a copy that holds record 6"), "{told}");
        for _ in 0..2 {
            let told = soon(tail.next()).await.unwrap_err();
            assert!(lost(&told), "{told:?}");
        }
        let read = soon(log.read(Position(1), 5)).await.unwrap_err();
        assert!(lost(&read), "{read:?}");
        let next = record(&stream("kept"), Expect::Exact(kept[2]), command("next"));
        let refused = soon(append(&port, next)).await;
        assert!(
            matches!(&refused, Err(AppendError::Corrupt { position }) if *position == head.next()),
            "{refused:?}"
        );
        let check_verified = async || {
            let verified = soon(log.verify(&|_, _| {})).await;
            assert!(
                matches!(&verified, Err(Damage::Record { position, fault: Fault::CutOff { head: Position(6) } })
                    if *position == head.next()),
                "{verified:?}"
            );
        };
        check_verified().await;
        // Others do not know, and write as much again: that does not make it the log that it was.
        let other: Arc<dyn EventLog> = opened(&config).await;
        put_many(&other, &stream("others"), 5).await;
        let still = log.head().await.unwrap_err();
        assert!(lost(&still), "{still:?}");
        check_verified().await;
        assert_eq!(log.store.metrics.gaps.get(), 1);
    }
}

/// Reads all that can be read, page by page.
async fn walk(store: &Store, known: u64) -> (Vec<u64>, Option<ReadError>) {
    let (mut read, bulk): (Vec<u64>, _) = (vec![], Bulk::default());
    while read.len() as u64 != known {
        let after = Position(read.last().copied().unwrap_or_default());
        match bulk.dense(store, after, 10, Position(known)).await {
            Ok(page) => read.extend(page.iter().map(|raw| raw.position.0)),
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// A mirror of the log, with some records deleted, plays the server that answers, or the leader as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_hole_is_one_when_the_leader_has_it_too() {
    let config = log_of_its_own(&one().await, 1).await;
    let log = opened(&config).await;
    let port: Arc<dyn EventLog> = Arc::clone(&log) as _;
    put_many(&port, &stream("a"), 5).await;
    let context = context(&config).await;
    let cases = [
        (&[2][..], false, 5, None),
        (&[1], false, 5, None),
        (&[4, 5], false, 5, None),
        (&[1, 2, 3, 4, 5], false, 5, None),
        (&[1], true, 0, Some((1, 2))),
        (&[3], true, 2, Some((3, 4))),
        (&[4, 5], true, 3, Some((4, 5))),
        (&[1, 2, 3, 4, 5], true, 0, Some((1, 5))),
    ];
    // Read in pages, and in one row.
    let ways = [u64::MAX, 1].into_iter().flat_map(|bulk_records| cases.map(|case| (bulk_records, case)));
    for (number, (bulk_records, (missing, leader_too, readable, gap))) in ways.enumerate() {
        let name = format!("{}_MIRROR_{number}", config.stream);
        let mirror =
            async_nats::jetstream::stream::Source { name: config.stream.clone(), ..Default::default() };
        let wanted =
            Config { name: name.clone(), mirror: Some(mirror), allow_direct: true, ..Config::default() };
        let mirror = context.create_stream(wanted).await.unwrap();
        soon(async { while mirror.get_info().await.unwrap().state.last_sequence < 5 {} }).await;
        for position in missing {
            assert!(mirror.delete_message(*position).await.unwrap());
        }
        let leader = if leader_too { mirror } else { context.get_stream(&config.stream).await.unwrap() };
        let config = JetStreamConfig { stream: name, request_ms: 300, bulk_records, ..config.clone() };
        let store = Store {
            context: context.clone(),
            messages: leader,
            requests: Requests::new(config.request()),
            config,
            log_id: log.store.log_id,
            metrics: Metrics::unregistered(),
        };
        let (read, error) = walk(&store, 5).await;
        assert_eq!(read, (1..=readable).collect::<Vec<_>>(), "{missing:?} {leader_too}");
        match (error, gap) {
            (None, None) => {}
            (Some(ReadError::Gap { expected, found }), Some(gap)) => {
                assert_eq!((expected.0, found.0), gap, "{missing:?}");
            }
            other => panic!("{missing:?} {leader_too}: {other:?}"),
        }
        assert_eq!(store.metrics.gaps.get(), u64::from(gap.is_some()), "{missing:?} {leader_too}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_in_one_row_reads_on_when_the_consumer_is_gone() {
    let config = log_of_its_own(&one().await, 1).await;
    let config = JetStreamConfig { bulk_records: 30, page_records: 10, ..config };
    let log = opened(&config).await;
    let port: Arc<dyn EventLog> = Arc::clone(&log) as _;
    put_many(&port, &stream("a"), 200).await;
    let consumers = context(&config).await.get_stream(&config.stream).await.unwrap();
    let rows = async || {
        let infos: Vec<_> = consumers.consumers().try_collect().await.unwrap();
        let is_row = |info: &Info| !info.config.headers_only;
        infos.into_iter().filter(is_row).map(|info| info.name).collect::<Vec<_>>()
    };
    let mut tail = log.tail(Position::START);
    let mut next = async || soon(tail.next_page(7)).await.unwrap().into_iter().map(|r| r.position.0);
    let mut read: Vec<u64> = next().await.collect();
    let [row] = &rows().await[..] else { panic!("one consumer reads") };
    consumers.delete_consumer(row).await.unwrap();
    while read.len() < 200 {
        read.extend(next().await);
    }
    assert_eq!(read, (1..=200).collect::<Vec<_>>());
    // At the end nobody hangs on a consumer.
    let (bulk, mut after) = (Bulk::default(), Position::START);
    while after < Position(200) {
        assert!(bulk.reads().await || after == Position::START);
        after = bulk.dense(&log.store, after, 50, Position(200)).await.unwrap().last().unwrap().position;
    }
    assert!(!bulk.reads().await);
}

/// A server with users, each allowed to say little.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_what() {
    let folder = tempfile::tempdir().unwrap();
    // Who connects without a name is `USER`.
    let users = r#"
        jetstream {}
        no_auth_user: USER
        authorization { users: [
            { user: operator, password: secret }
            { user: reader, password: secret, permissions: { publish: { allow: [
                "$JS.API.INFO", "$JS.API.STREAM.INFO.>", "$JS.API.STREAM.MSG.GET.>", "$JS.API.CONSUMER.>",
                "$JS.API.DIRECT.GET.>", "$JS.FC.>" ] } } }
            { user: nobody, password: secret, permissions: { publish: { allow: ["nothing"] } } }
        ] }"#;
    let file = folder.path().join("server.conf");
    let lets_in = |user: &str| std::fs::write(&file, users.replace("USER", user)).unwrap();
    lets_in("operator");
    let options = Options { config: Some(file.clone()), ..Options::in_folder(folder.path()) };
    let mut server = Server::start(&find().unwrap(), &options).await.unwrap();
    let config = JetStreamConfig { request_ms: 500, ..JetStreamConfig::at(&server.url()) };
    init(&config, &Init::default()).await.unwrap();
    lets_in("nobody");
    server.restart().await.unwrap();
    let told = JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap_err();
    assert!(
        matches!(&told, OpenError::Denied { said } if said.contains("STREAM.INFO.ZHOLDARY_LOG")),
        "{told:?}"
    );
    lets_in("reader");
    server.restart().await.unwrap();
    let other =
        JetStreamConfig { stream: "OTHER".to_owned(), subjects: "other".to_owned(), ..config.clone() };
    let told = init(&other, &Init::default()).await;
    assert!(
        matches!(&told, Err(OpenError::Denied { said }) if said.contains("STREAM.CREATE.OTHER")),
        "{told:?}"
    );
    let log = opened(&config).await;
    let port: Arc<dyn EventLog> = Arc::clone(&log) as _;
    let refused = append(&port, record(&stream("a"), Expect::NoStream, command("a"))).await.unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    let said = chain(&refused);
    assert!(said.contains("zholdary.log.v1.appeal.a") && said.contains("give the user"), "{said}");
    assert_eq!(log.head().await.unwrap(), Position::START);
    assert!(log.store.metrics.denied.get() > 0);
    let refused = chain(&Lease::take(&log, "routing", "me").await.unwrap_err());
    assert!(refused.contains("$KV.ZHOLDARY_INFO_LEASES.routing"), "{refused}");
}
