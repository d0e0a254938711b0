//! Logs to be measured, each with what stands below it.

use std::{path::PathBuf, sync::Arc};

use async_nats::jetstream;
use tempfile::TempDir;
use zholdary_log::{
    Checkpoints, EventLog, JetStreamConfig, JetStreamLog, Metrics, SqliteCheckpoints, SqliteConfig,
    SqliteLog,
    jetstream::{Init, init},
};
use zholdary_natsd::{Cluster, find};

/// What a log stands on.
pub(crate) enum Below {
    Folder,
    /// The servers, and where clients find the log.
    Servers(Cluster, Box<JetStreamConfig>),
}

/// A log of one engine.
pub(crate) struct Bed {
    pub(crate) name: &'static str,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) folder: TempDir,
    pub(crate) below: Below,
    /// Messages that it holds.
    pub(crate) messages: u64,
}

/// SQLite, one server, and three that tell their disks of every message.
pub(crate) async fn all() -> Vec<Bed> {
    vec![named("SQLite").await, named("R1").await, named("R3").await]
}

/// One of them.
pub(crate) async fn named(name: &'static str) -> Bed {
    match name {
        "SQLite" => sqlite(),
        "R1" => servers(name, 1, "jetstream {}").await,
        _ => servers(name, 3, "jetstream { sync_interval: always }").await,
    }
}

fn sqlite() -> Bed {
    let folder = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(folder.path(), SqliteConfig::default()).expect("opens");
    Bed { name: "SQLite", log: Arc::new(log), folder, below: Below::Folder, messages: 0 }
}

async fn servers(name: &'static str, replicas: usize, settings: &str) -> Bed {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("nats.conf");
    std::fs::write(&config, settings).expect("a file");
    let program = find().expect("a nats-server");
    let servers = folder.path().join("servers");
    let cluster = Cluster::start_with(&program, &servers, replicas, Some(&config)).await;
    let cluster = cluster.expect("the servers start");
    let config = JetStreamConfig::at(&cluster.url());
    init(&config, &Init { replicas, ..Init::default() }).await.expect("a log is made");
    let below = Below::Servers(cluster, Box::new(config));
    let log = open(&below, &folder).await;
    Bed { name, log, folder, below, messages: 0 }
}

async fn open(below: &Below, folder: &TempDir) -> Arc<dyn EventLog> {
    match below {
        Below::Folder => Arc::new(SqliteLog::open(folder.path(), SqliteConfig::default()).expect("opens")),
        Below::Servers(_, config) => {
            let opened = JetStreamLog::open((**config).clone(), Metrics::unregistered()).await;
            Arc::new(opened.expect("opens"))
        }
    }
}

impl Bed {
    /// The log, as another process would open it: nothing of it is known yet.
    pub(crate) async fn again(&self) -> Arc<dyn EventLog> {
        open(&self.below, &self.folder).await
    }

    pub(crate) async fn checkpoints(&self) -> Arc<dyn Checkpoints> {
        match &self.below {
            Below::Folder => Arc::new(SqliteCheckpoints::open(self.folder.path()).expect("opens")),
            Below::Servers(_, config) => {
                let opened = JetStreamLog::open((**config).clone(), Metrics::unregistered()).await;
                Arc::new(opened.expect("opens"))
            }
        }
    }

    /// A client of the servers below, and the log's settings; none on SQLite.
    pub(crate) async fn bare(&self) -> Option<(jetstream::Context, &JetStreamConfig)> {
        let Below::Servers(_, config) = &self.below else { return None };
        let client = async_nats::connect(config.servers.clone()).await.expect("connects");
        Some((jetstream::new(client), config))
    }

    /// Folders of what is below, with the process that keeps each.
    pub(crate) fn stores(&self) -> Vec<(PathBuf, Option<u32>)> {
        match &self.below {
            Below::Folder => vec![(self.folder.path().to_owned(), None)],
            Below::Servers(cluster, _) if cluster.servers.len() == 1 => {
                vec![(self.folder.path().join("servers"), cluster.servers[0].pid())]
            }
            Below::Servers(cluster, _) => (1..)
                .zip(&cluster.servers)
                .map(|(n, server)| (self.folder.path().join(format!("servers/n{n}")), server.pid()))
                .collect(),
        }
    }
}
