//! How the servers keep what they acknowledge. Only their system account tells, so a user of it asks who may do nothing else.

use std::time::Duration;

use async_nats::Client;
use futures::StreamExt;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::JetStreamConfig;
use crate::{
    error::{OpenError, ReadError},
    metrics::Metrics,
};

/// Every server of a cluster answers this about its JetStream.
const ASK: &str = "$SYS.REQ.SERVER.PING.JSZ";
/// What the inboxes of the user who asks begin with.
const INBOX: &str = "_INBOX_watch";

/// A server, as it tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name in the cluster.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When it tells its disk to keep what it acknowledged.
    pub sync: SyncInterval,
}

/// The `sync_interval` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncInterval {
    /// Before it acknowledges: what is acknowledged survives loss of power.
    Always,
    /// So often: what was acknowledged since the last time is lost with the power, unless another server has it.
    Every(Duration),
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} sync_interval ", self.name, self.version)?;
        match self.sync {
            SyncInterval::Always => f.write_str("always"),
            SyncInterval::Every(interval) => write!(f, "{} s", interval.as_secs()),
        }
    }
}

/// Asks the servers. Waits for all of them as long as a request may take.
#[derive(Debug, Clone)]
pub struct Watch {
    client: Client,
    limit: Duration,
}

impl Watch {
    /// Connects as the user that `config` names for it; none when it names none.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub async fn connect(config: &JetStreamConfig, metrics: &Metrics) -> Result<Option<Self>, OpenError> {
        if config.watch_nkey_file.is_none() {
            return Ok(None);
        }
        let watch = JetStreamConfig {
            nkey_file: config.watch_nkey_file.clone(),
            credentials_file: None,
            inbox: INBOX.to_owned(),
            ..config.clone()
        };
        let (client, _) = watch.connect(metrics).await?;
        Ok(Some(Self { client, limit: watch.request() }))
    }

    /// The servers that answer, by name. None: they are out of reach, or the user may not ask.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`].
    pub async fn servers(&self) -> Result<Vec<Server>, ReadError> {
        let deadline = Instant::now() + self.limit;
        let inbox = self.client.new_inbox();
        let answers = self.client.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(|error| ReadError::Unavailable(Box::new(error)))?;
        let asked = self.client.publish_with_reply(ASK, inbox, "".into()).await;
        asked.map_err(|error| ReadError::Unavailable(Box::new(error)))?;
        let mut servers = Vec::new();
        while let Ok(Some(answer)) = timeout_at(deadline, answers.next()).await {
            // A server without JetStream keeps nothing of ours, and one that knows nobody answers without a body.
            servers.extend(serde_json::from_slice::<Answer>(&answer.payload).map(Server::from));
        }
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(servers)
    }

    /// Asks again and again until it is dropped. A server that would lose what it acknowledged is told of once, and counted.
    pub(super) async fn keep_watch(self, every: Duration, metrics: Metrics) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Vec::new();
        loop {
            ticks.tick().await;
            let servers = match self.servers().await {
                Ok(servers) => servers,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the servers do not say how they keep records");
                    continue;
                }
            };
            let later: Vec<_> =
                servers.iter().filter(|server| server.sync != SyncInterval::Always).cloned().collect();
            metrics.servers(servers.len() - later.len(), later.len());
            for server in later.iter().filter(|server| !said.contains(*server)) {
                tracing::error!(
                    "{server}: with the power goes what it acknowledged since; set `sync_interval: always` there"
                );
            }
            said = later;
        }
    }
}

/// What a server answers, as far as it is of use here: the «Jsz» of its monitoring.
#[derive(Deserialize)]
struct Answer {
    server: Said,
    data: Data,
}

#[derive(Deserialize)]
struct Said {
    name: String,
    ver: String,
}

#[derive(Deserialize)]
struct Data {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    /// In nanoseconds. It stands there with `sync_always` as well.
    sync_interval: u64,
    #[serde(default)]
    sync_always: bool,
}

impl From<Answer> for Server {
    fn from(Answer { server, data }: Answer) -> Self {
        let sync = match data.config {
            Config { sync_always: true, .. } => SyncInterval::Always,
            Config { sync_interval, .. } => SyncInterval::Every(Duration::from_nanos(sync_interval)),
        };
        Self { name: server.name, version: server.ver, sync }
    }
}
