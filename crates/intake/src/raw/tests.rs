//! What every store of raw bodies promises.

use std::{path::Path, sync::Arc};

use chrono::TimeDelta;
use tempfile::TempDir;
use zholdary_domain::Clock as _;
use zholdary_domain::SystemClock;
use zholdary_log::{
    JetStreamConfig, JetStreamLog, Metrics,
    jetstream::{Init, init},
};
use zholdary_natsd::{Options, Server, find};
use zholdary_testkit::at;

use super::*;
use crate::RawConfig;

const NOON: &str = "2026-11-20T12:00:00+05:00";

/// A store of each kind, and what it stands on.
struct Stores {
    stores: Vec<(&'static str, Arc<dyn RawStore>)>,
    _server: Server,
    _folder: TempDir,
}

async fn servers(folder: &Path, config: RawConfig) -> (Server, RawServers) {
    let server = Server::start(&find().unwrap(), &Options::in_folder(folder)).await.unwrap();
    let nats = JetStreamConfig::at(&server.url());
    init(&nats, &Init::default()).await.unwrap();
    let log = JetStreamLog::open(nats, Metrics::unregistered()).await.unwrap();
    let bodies = log.bodies(Init::default().keep_bodies).await.unwrap();
    (server, RawServers::new(bodies, config))
}

async fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let config = RawConfig { body_bytes: 100, ..RawConfig::default() };
    let file = RawFile::open(folder.path(), config.clone()).unwrap();
    let (server, servers) = servers(&folder.path().join("server"), config).await;
    let stores: Vec<(_, Arc<dyn RawStore>)> = vec![("file", Arc::new(file)), ("servers", Arc::new(servers))];
    Stores { stores, _server: server, _folder: folder }
}

#[tokio::test]
async fn a_repeated_body_is_kept_once_with_what_a_person_must_look_at() {
    let all = stores().await;
    for (name, store) in &all.stores {
        let body = Bytes::from_static(b"{}");
        let put = |kept| store.put(Channel::Whatsapp, body.clone(), at(NOON), kept);
        let raw = put(vec![(0, "a"), (2, "b")]).await.unwrap();
        assert_eq!(put(vec![(0, "a"), (2, "b")]).await.unwrap(), raw, "{name}");
        store.keep(&raw, Channel::Whatsapp, at(NOON), vec![(2, "c"), (3, "d")]).await.unwrap();
        assert_eq!(store.get(&raw).await.unwrap().as_ref(), Some(&body), "{name}");
        assert_eq!(store.get("none").await.unwrap(), None, "{name}");
        let kept = store.kept(0, 10).await.unwrap();
        let told: Vec<_> = kept.iter().map(|k| (k.element, k.why.as_str(), k.channel, k.at)).collect();
        let noon = at(NOON);
        let expected = [(0, "a"), (2, "b"), (3, "d")].map(|(n, why)| (n, why, Channel::Whatsapp, noon));
        assert_eq!(told, expected, "{name}");
        assert_eq!(store.kept(kept[0].id, 1).await.unwrap(), kept[1..2], "{name}");
        assert_eq!(store.waiting().await.unwrap(), 3, "{name}");
    }
}

#[tokio::test]
async fn what_somebody_settled_waits_no_more_and_does_not_come_back() {
    let all = stores().await;
    for (name, store) in &all.stores {
        let put = || store.put(Channel::Web, Bytes::from_static(b"odd"), at(NOON), vec![(0, "a"), (1, "b")]);
        let raw = put().await.unwrap();
        let kept = store.kept(0, 10).await.unwrap();
        let settle = |id| store.settle(id, "spam".to_owned(), at(NOON));
        assert!(settle(kept[0].id).await.unwrap(), "{name}");
        assert!(!settle(kept[0].id).await.unwrap(), "{name}: settled once");
        for nobody in [99, 0, -1] {
            assert!(!settle(nobody).await.unwrap(), "{name}: nothing waits under {nobody}");
        }
        put().await.unwrap();
        assert_eq!(store.kept(0, 10).await.unwrap(), kept[1..], "{name}");
        assert_eq!(store.waiting().await.unwrap(), 1, "{name}");
        assert_eq!(store.purge(SystemClock.now() + TimeDelta::days(40)).await.unwrap(), 0, "{name}");
        assert!(store.get(&raw).await.unwrap().is_some(), "{name}: the list names a body that is gone");
    }
}

/// The servers have let the body go, as they do after its time.
#[tokio::test]
async fn on_the_servers_a_body_is_held_while_something_in_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (server, store) = servers(folder.path(), RawConfig::default()).await;
    let nats = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let body = Bytes::from_static(b"odd");
    let put =
        async || store.put(Channel::Web, body.clone(), at(NOON), vec![(0, "a"), (1, "b")]).await.unwrap();
    let gone = async || {
        let mut stream = nats.get_stream("ZHOLDARY_RAW").await.unwrap();
        let config = stream.info().await.unwrap().config.clone();
        nats.delete_stream("ZHOLDARY_RAW").await.unwrap();
        nats.create_stream(config).await.unwrap();
    };
    let raw = put().await;
    gone().await;
    let kept = store.kept(0, 10).await.unwrap();
    for one in &kept {
        assert_eq!(store.get(&raw).await.unwrap().as_ref(), Some(&body));
        assert!(store.settle(one.id, "read".to_owned(), at(NOON)).await.unwrap());
    }
    assert_eq!(store.get(&raw).await.unwrap(), None, "nothing in it waits");
    // Delivered again, it waits no more, and ages like any other.
    put().await;
    assert_eq!(store.waiting().await.unwrap(), 0);
    gone().await;
    assert_eq!(store.get(&raw).await.unwrap(), None);
    // Something else in it is found unreadable.
    put().await;
    store.keep(&raw, Channel::Web, at(NOON), vec![(2, "c")]).await.unwrap();
    gone().await;
    assert_eq!(store.get(&raw).await.unwrap().as_ref(), Some(&body));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let all = stores().await;
    for (name, store) in &all.stores {
        let put = store.put(Channel::Web, Bytes::from(vec![0; 101]), at(NOON), vec![]).await;
        assert!(matches!(put, Err(RawError::TooLarge { bytes: 101, limit: 100 })), "{name}");
    }
}
