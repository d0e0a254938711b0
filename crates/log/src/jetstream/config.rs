//! Settings of the engine, and how it connects.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, ServerError, jetstream};
use serde::{Deserialize, Serialize};

use super::requests::Requests;
use crate::{error::OpenError, metrics::Metrics};

/// Settings of the JetStream engine. The defaults are right for a city; `servers` must be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JetStreamConfig {
    /// Where the servers are: `nats://HOST:PORT` or `tls://HOST:PORT`, one or all of a cluster. No default.
    pub servers: Vec<String>,
    /// The name of the stream that is the log. Default `ZHOLDARY_LOG`.
    pub stream: String,
    /// What the subjects of the log begin with. Default `zholdary.log.v1`.
    pub subjects: String,
    /// The key-value bucket for what there is to know about the log beside its records; a second one, named the same with
    /// `_LEASES`, is for who runs the workers. Default `ZHOLDARY_INFO`.
    pub bucket: String,
    /// The stream for raw bodies of deliveries; a second one, named the same with `_WAITING`, is for what a person must look at.
    /// Default `ZHOLDARY_RAW`.
    pub bodies: String,
    /// What the subjects of these two begin with. Default `zholdary.raw.v1`.
    pub body_subjects: String,
    /// The stream for files that people add: photos. Default `ZHOLDARY_FILES`.
    pub files: String,
    /// What its subjects begin with. Default `zholdary.files.v1`.
    pub file_subjects: String,
    /// A file with the seed of the nkey to log in with. Default none.
    pub nkey_file: Option<PathBuf>,
    /// A file with JWT and seed to log in with. Default none.
    pub credentials_file: Option<PathBuf>,
    /// The certificates of those who may vouch for the servers, PEM. Default: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What inboxes begin with, so that roles cannot read each other's answers. Default `_INBOX`.
    pub inbox: String,
    /// A file with the seed of the nkey of a user of the system account, who asks the servers how they keep records. Default none: they
    /// are not asked.
    pub watch_nkey_file: Option<PathBuf>,
    /// How often they are asked, in milliseconds. Default 60,000.
    pub watch_ms: u64,
    /// How long one request to the servers may take, in milliseconds, with or without a connection. Default 2,000.
    pub request_ms: u64,
    /// How long an append is tried again while nobody confirms or refuses it, in milliseconds; then its outcome is unknown.
    /// Default 10,000.
    pub append_ms: u64,
    /// How many appends may be under way at once; more wait. Default 1,024.
    pub in_flight: usize,
    /// The largest record taken, in bytes. Default 921,600 (900 KiB): with its headers it stays under the megabyte that servers
    /// take.
    pub max_record_bytes: usize,
    /// The most records in one page. Default 1,000.
    pub page_records: usize,
    /// A page takes no further record once it holds this many bytes. Default 4,194,304.
    pub page_bytes: usize,
    /// A reader who is at least so many records behind the end gets them in one row, by a consumer of its own. Default 5,000.
    pub bulk_records: u64,
    /// How many bytes of streams are kept to be read again. Default 67,108,864.
    pub cache_bytes: u64,
    /// Of how many streams it is remembered how long they were when this process saw them last: more than are written while a server
    /// that was leader may answer from yesterday. Default 65,536.
    pub seen_streams: u64,
    /// How often the leader is asked for the end of the log, in milliseconds, in case nobody told. Default 1,000.
    pub poll_ms: u64,
}

impl Default for JetStreamConfig {
    fn default() -> Self {
        Self {
            servers: vec![],
            stream: "ZHOLDARY_LOG".to_owned(),
            subjects: "zholdary.log.v1".to_owned(),
            bucket: "ZHOLDARY_INFO".to_owned(),
            bodies: "ZHOLDARY_RAW".to_owned(),
            body_subjects: "zholdary.raw.v1".to_owned(),
            files: "ZHOLDARY_FILES".to_owned(),
            file_subjects: "zholdary.files.v1".to_owned(),
            nkey_file: None,
            credentials_file: None,
            ca_file: None,
            inbox: "_INBOX".to_owned(),
            watch_nkey_file: None,
            watch_ms: 60_000,
            request_ms: 2_000,
            append_ms: 10_000,
            in_flight: 1024,
            max_record_bytes: 900 * 1024,
            page_records: 1000,
            page_bytes: 4 * 1024 * 1024,
            bulk_records: 5_000,
            cache_bytes: 64 * 1024 * 1024,
            seen_streams: 65_536,
            poll_ms: 1_000,
        }
    }
}

/// What the headers of a record take at most on the wire.
const HEADER_BYTES: usize = 256;

impl JetStreamConfig {
    /// The settings for these servers.
    #[must_use]
    pub fn at(servers: &str) -> Self {
        Self { servers: servers.split(',').map(str::to_owned).collect(), ..Self::default() }
    }

    pub(super) fn leases(&self) -> String {
        format!("{}_LEASES", self.bucket)
    }

    pub(super) fn waiting(&self) -> String {
        format!("{}_WAITING", self.bodies)
    }

    pub(super) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    pub(super) fn check(&self) -> Result<(), OpenError> {
        let bad = |name, expected| Err(OpenError::BadSetting { name, expected });
        if self.servers.is_empty() {
            return bad("servers", "at least one nats://HOST:PORT");
        }
        // The client does not use them, and whoever prints the address would print them.
        if self.servers.iter().any(|server| server.contains('@')) {
            return bad("servers", "without user and password: name an nkey_file or a credentials_file");
        }
        for (name, value) in [
            ("request_ms", self.request_ms),
            ("append_ms", self.append_ms),
            ("poll_ms", self.poll_ms),
            ("watch_ms", self.watch_ms),
            ("in_flight", self.in_flight as u64),
            ("max_record_bytes", self.max_record_bytes as u64),
            ("page_records", self.page_records as u64),
            ("page_bytes", self.page_bytes as u64),
        ] {
            if value == 0 || value > u64::from(u32::MAX) {
                return bad(name, "at least 1");
            }
        }
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        let names = [
            ("stream", &self.stream),
            ("bucket", &self.bucket),
            ("bodies", &self.bodies),
            ("files", &self.files),
        ];
        for (name, value) in names {
            if value.is_empty() || !word(value) {
                return bad(name, "letters, digits, - and _");
            }
        }
        for (name, value) in [
            ("subjects", &self.subjects),
            ("body_subjects", &self.body_subjects),
            ("file_subjects", &self.file_subjects),
        ] {
            if value.split('.').any(|token| token.is_empty() || !word(token)) {
                return bad(name, "words with dots between them, no wildcards");
            }
        }
        Ok(())
    }

    /// Connects as the settings say. What the servers forbid us is counted and told: nobody else hears of it.
    pub(super) async fn connect(&self, metrics: &Metrics) -> Result<(Client, Requests), OpenError> {
        self.check()?;
        let requests = Requests::new(self.request());
        let heard = requests.clone();
        let denied = metrics.denied.clone();
        let mut options = ConnectOptions::new()
            .name("zholdary")
            .custom_inbox_prefix(&self.inbox)
            .connection_timeout(self.request())
            .request_timeout(Some(self.request()))
            .event_callback(move |event| {
                let (denied, heard) = (denied.clone(), heard.clone());
                async move {
                    match event {
                        Event::ServerError(ServerError::Other(said))
                            if said.contains("Permissions Violation") =>
                        {
                            denied.inc();
                            heard.denied(&said);
                            tracing::error!(
                                said,
                                "NATS forbids what this role needs: check its user's permissions"
                            );
                        }
                        Event::ServerError(error) => tracing::error!(%error, "NATS reports an error"),
                        Event::Disconnected => {
                            tracing::warn!("the connection to NATS is lost; it is tried again")
                        }
                        Event::Connected => tracing::info!("connected to NATS"),
                        other => tracing::debug!(event = %other, "NATS"),
                    }
                }
            });
        if let Some(file) = &self.ca_file {
            options = options.add_root_certificates(file.clone()).require_tls(true);
        }
        let unreadable = |name, file: &Path, error: std::io::Error| {
            let (file, source) = (file.display().to_string(), Box::new(error));
            OpenError::Credentials { name, file, source }
        };
        if let Some(file) = &self.nkey_file {
            let seed = std::fs::read_to_string(file).map_err(|error| unreadable("nkey_file", file, error))?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(file) = &self.credentials_file {
            let read = options.credentials_file(file).await;
            options = read.map_err(|error| unreadable("credentials_file", file, error))?;
        }
        let client = options.connect(self.servers.clone()).await.map_err(|error| OpenError::Connect {
            servers: self.servers.join(","),
            source: Box::new(error),
        })?;
        let info = client.server_info();
        if !is_new_enough(&info.version) {
            return Err(OpenError::OldServer { found: info.version, least: LEAST });
        }
        if info.max_payload < self.max_record_bytes + HEADER_BYTES {
            return Err(OpenError::BadSetting {
                name: "max_record_bytes",
                expected: "at least 256 bytes less than max_payload of the servers",
            });
        }
        Ok((client, requests))
    }

    pub(super) fn context(&self, client: Client) -> jetstream::Context {
        jetstream::context::ContextBuilder::new()
            .timeout(self.request())
            .ack_timeout(self.request())
            .max_ack_inflight(self.in_flight)
            .build(client)
    }
}

/// The first server with everything that the engine relies on.
const LEAST: &str = "2.14.4";

fn is_new_enough(version: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).take(3).collect()
    };
    numbers(version) >= numbers(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_told_from_new_ones() {
        for (version, good) in [
            ("2.14.4", true),
            ("2.15.1", true),
            ("3.0.0-RC.1", true),
            ("2.14.3", false),
            ("2.9.10", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), good, "{version}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let good = JetStreamConfig::at("nats://127.0.0.1:4222");
        assert!(good.check().is_ok());
        for (config, name) in [
            (JetStreamConfig::default(), "servers"),
            (JetStreamConfig::at("nats://city:secret@127.0.0.1:4222"), "servers"),
            (JetStreamConfig { in_flight: 0, ..good.clone() }, "in_flight"),
            (JetStreamConfig { stream: "A B".to_owned(), ..good.clone() }, "stream"),
            (JetStreamConfig { bucket: String::new(), ..good.clone() }, "bucket"),
            (JetStreamConfig { subjects: "a.>".to_owned(), ..good }, "subjects"),
        ] {
            assert!(
                matches!(config.check(), Err(OpenError::BadSetting { name: n, .. }) if n == name),
                "{name}"
            );
        }
    }
}
