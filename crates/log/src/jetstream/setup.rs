//! The stream and the bucket: made by an operator, checked by everybody else.

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    context::{GetStreamError, GetStreamErrorKind},
    kv,
    stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType, Stream},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    JetStreamConfig,
    requests::{Requests, Unanswered},
    store::Store,
};
use crate::{
    error::{OpenError, Source},
    metrics::Metrics,
};

/// Names the log in the stream's metadata.
const LOG_ID: &str = "zholdary_log_id";
/// Names the version of its configuration there.
const FORMAT: &str = "zholdary_format";
/// Says there how many servers should keep the log at least.
const REPLICAS: &str = "zholdary_replicas";
/// The version that this release makes.
pub(super) const NEWEST: u32 = 1;
/// A new cluster chooses its leader first.
const ELECTION: Duration = Duration::from_secs(30);

/// What an operator decides about a new log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// How many servers keep it: 1 for development, 3 in production.
    pub replicas: usize,
    /// The most bytes it may take; then it takes no more records. None: as much as the servers allow.
    pub max_bytes: Option<i64>,
    /// How long raw bodies of deliveries are kept.
    pub keep_bodies: Duration,
}

/// As long as `raw.retention_days` says by default.
const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Default for Init {
    fn default() -> Self {
        Self { replicas: 1, max_bytes: None, keep_bodies: THIRTY_DAYS }
    }
}

/// Makes the streams and buckets that `config` names, when there are none. To be done once, by somebody who may.
///
/// Answers the log's id, and whether it was made now.
///
/// # Errors
///
/// [`OpenError`] says what to do.
pub async fn init(config: &JetStreamConfig, init: &Init) -> Result<(Uuid, bool), OpenError> {
    let (client, requests) = config.connect(&Metrics::unregistered()).await?;
    let context = config.context(client);
    is_time(init.keep_bodies)?;
    let deadline = Instant::now() + ELECTION;
    loop {
        match try_init(&context, config, &requests, init).await {
            Err(OpenError::Make { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            done => return done,
        }
    }
}

async fn try_init(
    context: &Context,
    config: &JetStreamConfig,
    requests: &Requests,
    init: &Init,
) -> Result<(Uuid, bool), OpenError> {
    let found =
        find(context, requests, &config.stream).await.map_err(|error| failed(&config.stream, error))?;
    let made = found.is_none();
    let (log_id, replicas) = match found {
        Some(found) => {
            let found = &found.cached_info().config;
            let log_id = check(config, found)?;
            enough_replicas(&config.stream, found, init.replicas)?;
            (log_id, found.num_replicas)
        }
        None => {
            let log_id = Uuid::new_v4();
            let created = context.create_stream(wanted(config, init, log_id));
            requests.run(created).await.map_err(|error| failed(&config.stream, error))?;
            (log_id, init.replicas)
        }
    };
    for bucket in Bucket::ALL {
        let name = bucket.name(config);
        match find(context, requests, &bucket.stream(config)).await.map_err(|error| failed(&name, error))? {
            Some(found) => bucket.check(config, &found.cached_info().config, replicas)?,
            None => {
                let created = context.create_key_value(bucket.wanted(config, replicas));
                requests.run(created).await.map_err(|error| failed(&name, error))?;
            }
        }
    }
    for beside in Beside::ALL {
        let name = beside.name(config);
        match find(context, requests, &name).await.map_err(|error| failed(&name, error))? {
            Some(found) => beside.check(config, &found.cached_info().config, replicas, init.keep_bodies)?,
            None => {
                let created = context.create_stream(beside.wanted(config, replicas, init.keep_bodies));
                requests.run(created).await.map_err(|error| failed(&name, error))?;
            }
        }
    }
    Ok((log_id, made))
}

/// What a log is made of, found as it should be.
pub(super) struct Checked {
    pub(super) log_id: Uuid,
    pub(super) messages: Stream,
    pub(super) bucket: kv::Store,
    pub(super) leases: kv::Store,
}

/// Finds the log that `config` names, and checks that its records are safe there.
pub(super) async fn open(
    context: &Context,
    config: &JetStreamConfig,
    requests: &Requests,
) -> Result<Checked, OpenError> {
    let found = async |name: &str, stream: &str| existing(context, config, requests, name, stream).await;
    let messages = found(&config.stream, &config.stream).await?;
    let settings = &messages.cached_info().config;
    let log_id = check(config, settings)?;
    let kept = async |bucket: Bucket| {
        let name = bucket.name(config);
        let stream = found(&name, &bucket.stream(config)).await?;
        bucket.check(config, &stream.cached_info().config, settings.num_replicas)?;
        requests.run(context.get_key_value(&name)).await.map_err(|error| unopened(config, Box::new(error)))
    };
    let (bucket, leases) = (kept(Bucket::Info).await?, kept(Bucket::Leases).await?);
    Ok(Checked { log_id, messages, bucket, leases })
}

/// Finds the streams for raw bodies and for what waits for a person, and checks that they keep what they should for `retention`.
pub(super) async fn open_bodies(store: &Store, retention: Duration) -> Result<[Stream; 2], OpenError> {
    is_time(retention)?;
    Ok([
        open_beside(store, Beside::Bodies, retention).await?,
        open_beside(store, Beside::Waiting, retention).await?,
    ])
}

/// Finds the stream for files, and checks that it keeps them for ever.
pub(super) async fn open_files(store: &Store) -> Result<Stream, OpenError> {
    open_beside(store, Beside::Files, Duration::ZERO).await
}

async fn open_beside(store: &Store, beside: Beside, retention: Duration) -> Result<Stream, OpenError> {
    let Store { context, messages, config, requests, .. } = store;
    let replicas = messages.cached_info().config.num_replicas;
    let name = beside.name(config);
    let found = existing(context, config, requests, &name, &name).await?;
    beside.check(config, &found.cached_info().config, replicas, retention)?;
    Ok(found)
}

fn unopened(config: &JetStreamConfig, error: Source) -> OpenError {
    match error.downcast::<Unanswered<GetStreamError>>().map(|error| *error) {
        Ok(Unanswered::Denied(denied)) => OpenError::Denied { said: denied.said },
        Ok(error) => OpenError::Connect { servers: config.servers.join(","), source: Box::new(error) },
        Err(source) => OpenError::Connect { servers: config.servers.join(","), source },
    }
}

/// The stream `stream`, which is told of as `name`.
async fn existing(
    context: &Context,
    config: &JetStreamConfig,
    requests: &Requests,
    name: &str,
    stream: &str,
) -> Result<Stream, OpenError> {
    let found = find(context, requests, stream).await.map_err(|error| unopened(config, Box::new(error)))?;
    found.ok_or_else(|| OpenError::NoStream { stream: name.to_owned() })
}

async fn find(
    context: &Context,
    requests: &Requests,
    stream: &str,
) -> Result<Option<Stream>, Unanswered<GetStreamError>> {
    match requests.run(context.get_stream(stream)).await {
        Ok(found) => Ok(Some(found)),
        Err(Unanswered::Error(error)) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What there is beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bucket {
    Info,
    Leases,
}

impl Bucket {
    const ALL: [Self; 2] = [Self::Info, Self::Leases];

    fn name(self, config: &JetStreamConfig) -> String {
        match self {
            Self::Info => config.bucket.clone(),
            Self::Leases => config.leases(),
        }
    }

    /// The stream that the servers keep it in.
    fn stream(self, config: &JetStreamConfig) -> String {
        format!("KV_{}", self.name(config))
    }

    const fn max_age(self) -> Duration {
        match self {
            Self::Info => Duration::ZERO,
            Self::Leases => super::lease::LIVES,
        }
    }

    fn wanted(self, config: &JetStreamConfig, replicas: usize) -> kv::Config {
        let description = match self {
            Self::Info => "What there is to know about the log beside its records",
            Self::Leases => "Who runs the workers",
        };
        kv::Config {
            bucket: self.name(config),
            description: description.to_owned(),
            history: 1,
            max_age: self.max_age(),
            storage: StorageType::File,
            num_replicas: replicas,
            ..kv::Config::default()
        }
    }

    /// Whether it keeps what it should, as long as it should, as safely as the log.
    fn check(self, config: &JetStreamConfig, found: &Config, replicas: usize) -> Result<(), OpenError> {
        let stream = self.stream(config);
        let age = match self {
            Self::Info => "0: else the log forgets which id.key it was begun with",
            Self::Leases => "5 seconds: else two processes run the workers, or none takes over",
        };
        let settings = [
            ("storage", "file", found.storage == StorageType::File),
            ("max_age", age, found.max_age == self.max_age()),
        ];
        refuse(&stream, settings)?;
        enough_replicas(&stream, found, replicas)
    }
}

/// The servers take 0 for «for ever».
const fn is_time(retention: Duration) -> Result<(), OpenError> {
    if retention.is_zero() {
        return Err(OpenError::BadSetting { name: "raw.retention_days", expected: "at least 1" });
    }
    Ok(())
}

/// The streams beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Bodies,
    Waiting,
    Files,
}

impl Beside {
    const ALL: [Self; 3] = [Self::Bodies, Self::Waiting, Self::Files];

    fn name(self, config: &JetStreamConfig) -> String {
        match self {
            Self::Bodies => config.bodies.clone(),
            Self::Waiting => config.waiting(),
            Self::Files => config.files.clone(),
        }
    }

    fn wanted(self, config: &JetStreamConfig, replicas: usize, retention: Duration) -> Config {
        let subjects = |what: &str| format!("{}.{what}.*.*", config.body_subjects);
        let common = Config {
            name: self.name(config),
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            num_replicas: replicas,
            max_messages: -1,
            max_bytes: -1,
            max_messages_per_subject: 1,
            deny_delete: true,
            deny_purge: true,
            allow_direct: true,
            duplicate_window: Duration::from_millis(100),
            ..Config::default()
        };
        match self {
            Self::Bodies => Config {
                description: Some("Zholdary: raw bodies of deliveries, for a time".to_owned()),
                subjects: vec![subjects("body")],
                max_age: retention,
                // Nobody writes over one.
                discard: DiscardPolicy::New,
                discard_new_per_subject: true,
                ..common
            },
            Self::Waiting => Config {
                description: Some("Zholdary: what a person must look at".to_owned()),
                subjects: vec![subjects("note"), subjects("held")],
                ..common
            },
            Self::Files => Config {
                description: Some("Zholdary: files that people add, photos".to_owned()),
                subjects: vec![format!("{}.file.*.*", config.file_subjects)],
                // Nobody writes over one.
                discard: DiscardPolicy::New,
                discard_new_per_subject: true,
                ..common
            },
        }
    }

    /// Whether it keeps what it should, as long as it should, as safely as the log.
    fn check(
        self,
        config: &JetStreamConfig,
        found: &Config,
        replicas: usize,
        retention: Duration,
    ) -> Result<(), OpenError> {
        let (stream, wanted) = (self.name(config), self.wanted(config, replicas, retention));
        let days = wanted.max_age.as_secs() / (24 * 60 * 60);
        let age = match self {
            Self::Bodies => format!("{days} days, as `raw.retention_days` says"),
            Self::Waiting => "0: else what waits for a person is forgotten".to_owned(),
            Self::Files => "0: else photos of open appeals are forgotten".to_owned(),
        };
        let is_new = wanted.discard == DiscardPolicy::New;
        let own = [
            ("max_age", age.as_str(), found.max_age == wanted.max_age),
            ("discard", if is_new { "new" } else { "old" }, found.discard == wanted.discard),
            (
                "discard_new_per_subject",
                if is_new { "true" } else { "false" },
                found.discard_new_per_subject == wanted.discard_new_per_subject,
            ),
            ("max_msgs_per_subject", "1", found.max_messages_per_subject == 1),
            // A store of bodies or files that is full takes no more; one of what waits would forget.
            ("max_bytes", "-1", is_new || found.max_bytes <= 0),
            ("subjects", "those that `zholdary log init` gives it", found.subjects == wanted.subjects),
            ("max_msg_size", "-1", found.max_message_size <= 0),
        ];
        refuse(&stream, common(found).into_iter().chain(own))?;
        enough_replicas(&stream, found, replicas)
    }
}

/// A setting as the server calls it, what it must be, and whether it is.
type Setting<'a> = (&'static str, &'a str, bool);

/// What every stream of ours needs, the log and those beside it.
fn common(found: &Config) -> [Setting<'static>; 13] {
    [
        ("storage", "file", found.storage == StorageType::File),
        ("retention", "limits", found.retention == RetentionPolicy::Limits),
        ("max_msgs", "-1", found.max_messages <= 0),
        ("deny_delete", "true", found.deny_delete),
        ("deny_purge", "true", found.deny_purge),
        ("allow_rollup_hdrs", "false", !found.allow_rollup),
        ("allow_msg_ttl", "false", !found.allow_message_ttl),
        ("allow_direct", "true", found.allow_direct),
        ("no_ack", "false", !found.no_ack),
        ("sealed", "false", !found.sealed),
        ("subject_transform", "none", found.subject_transform.is_none()),
        ("sources", "none", found.sources.as_ref().is_none_or(Vec::is_empty) && found.mirror.is_none()),
        ("persist_mode", "default", found.persist_mode != Some(PersistenceMode::Async)),
    ]
}

/// Refuses a stream for the first setting that is not as it must be.
fn refuse<'a>(stream: &str, settings: impl IntoIterator<Item = Setting<'a>>) -> Result<(), OpenError> {
    match settings.into_iter().find(|(.., good)| !good) {
        Some((setting, expected, _)) => {
            Err(OpenError::Unsafe { stream: stream.to_owned(), setting, expected: expected.to_owned() })
        }
        None => Ok(()),
    }
}

fn enough_replicas(stream: &str, found: &Config, least: usize) -> Result<(), OpenError> {
    if found.num_replicas < least {
        let (stream, expected) = (stream.to_owned(), format!("at least {least}"));
        return Err(OpenError::Unsafe { stream, setting: "num_replicas", expected });
    }
    Ok(())
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(answer) if answer.code() == 404)
}

fn failed<E: std::error::Error + Send + Sync + 'static>(what: &str, error: Unanswered<E>) -> OpenError {
    match error {
        Unanswered::Denied(denied) => OpenError::Denied { said: denied.said },
        error => OpenError::Make { what: what.to_owned(), source: Box::new(error) },
    }
}

fn wanted(config: &JetStreamConfig, init: &Init, log_id: Uuid) -> Config {
    let metadata = [
        (LOG_ID, log_id.simple().to_string()),
        (FORMAT, NEWEST.to_string()),
        (REPLICAS, init.replicas.to_string()),
    ];
    Config {
        name: config.stream.clone(),
        description: Some("Zholdary: every decision ever made, in one order".to_owned()),
        subjects: vec![format!("{}.*.*", config.subjects)],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        num_replicas: init.replicas,
        max_bytes: init.max_bytes.unwrap_or(-1),
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        // Ours recognises commands for ever; this is the least that the server takes.
        duplicate_window: Duration::from_millis(100),
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Config::default()
    }
}

/// Whether records are safe in a stream of this configuration. Answers the log's id.
pub(super) fn check(config: &JetStreamConfig, found: &Config) -> Result<Uuid, OpenError> {
    let name = &config.stream;
    let log_id = found.metadata.get(LOG_ID).and_then(|id| id.parse().ok());
    let Some(log_id) = log_id else { return Err(OpenError::NotALog { file: format!("stream {name}") }) };
    let format = found.metadata.get(FORMAT).and_then(|format| format.parse().ok()).unwrap_or(i64::MAX);
    if format > i64::from(NEWEST) {
        let (file, known) = (format!("stream {name}"), i64::from(NEWEST));
        return Err(OpenError::NewerFormat { file, found: format, known });
    }
    let own = [
        ("discard", "new", found.discard == DiscardPolicy::New),
        ("max_age", "0", found.max_age.is_zero()),
        ("max_msgs_per_subject", "-1", found.max_messages_per_subject <= 0),
        ("subjects", "one, for every kind and id", found.subjects == [format!("{}.*.*", config.subjects)]),
        ("first_seq", "1", found.first_sequence.is_none_or(|first| first <= 1)),
        (
            "max_msg_size",
            "room for max_record_bytes",
            found.max_message_size <= 0
                || usize::try_from(found.max_message_size).is_ok_and(|most| most > config.max_record_bytes),
        ),
    ];
    refuse(name, common(found).into_iter().chain(own))?;
    let least = found.metadata.get(REPLICAS).and_then(|least| least.parse().ok()).unwrap_or(1);
    enough_replicas(name, found, least)?;
    Ok(log_id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn whatever_endangers_records_is_refused_by_name() {
        let config = JetStreamConfig::at("nats://127.0.0.1:1");
        let init = Init { replicas: 3, ..Init::default() };
        let good = wanted(&config, &init, Uuid::from_u128(7));
        assert_eq!(check(&config, &good).unwrap(), Uuid::from_u128(7));
        type Spoil = fn(&mut Config);
        let spoilt: [(&str, Spoil); 13] = [
            ("storage", |c| c.storage = StorageType::Memory),
            ("retention", |c| c.retention = RetentionPolicy::WorkQueue),
            ("discard", |c| c.discard = DiscardPolicy::Old),
            ("max_age", |c| c.max_age = Duration::from_secs(9)),
            ("max_msgs", |c| c.max_messages = 5),
            ("max_msgs_per_subject", |c| c.max_messages_per_subject = 1),
            ("deny_delete", |c| c.deny_delete = false),
            ("deny_purge", |c| c.deny_purge = false),
            ("allow_msg_ttl", |c| c.allow_message_ttl = true),
            ("subjects", |c| c.subjects.push("other.>".to_owned())),
            ("persist_mode", |c| c.persist_mode = Some(PersistenceMode::Async)),
            ("num_replicas", |c| c.num_replicas = 1),
            ("max_msg_size", |c| c.max_message_size = 1000),
        ];
        for (name, spoil) in spoilt {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(
                matches!(check(&config, &bad), Err(OpenError::Unsafe { setting, .. }) if setting == name),
                "{name}"
            );
        }
        for (bucket, spoil, name) in [
            (Bucket::Info, (|c| c.max_age = Duration::from_secs(9)) as Spoil, "max_age"),
            (Bucket::Info, |c| c.num_replicas = 1, "num_replicas"),
            (Bucket::Info, |c| c.storage = StorageType::Memory, "storage"),
            (Bucket::Leases, |c| c.max_age = Duration::ZERO, "max_age"),
            (Bucket::Leases, |c| c.max_age = Duration::from_secs(60), "max_age"),
        ] {
            let (storage, max_age) = (StorageType::File, bucket.max_age());
            let mut found = Config { storage, max_age, num_replicas: 3, ..Config::default() };
            bucket.check(&config, &found, 3).unwrap();
            spoil(&mut found);
            let refused = bucket.check(&config, &found, 3);
            assert!(
                matches!(&refused, Err(OpenError::Unsafe { setting, .. }) if *setting == name),
                "{bucket:?} {name}: {refused:?}"
            );
        }
        for (beside, spoil, name) in [
            (Beside::Bodies, (|c| c.max_age = Duration::from_secs(9)) as Spoil, "max_age"),
            (Beside::Bodies, |c| c.discard = DiscardPolicy::Old, "discard"),
            (Beside::Bodies, |c| c.discard_new_per_subject = false, "discard_new_per_subject"),
            (Beside::Bodies, |c| c.deny_purge = false, "deny_purge"),
            (Beside::Bodies, |c| c.num_replicas = 1, "num_replicas"),
            (Beside::Bodies, |c| c.persist_mode = Some(PersistenceMode::Async), "persist_mode"),
            (Beside::Waiting, |c| c.max_age = THIRTY_DAYS, "max_age"),
            (Beside::Waiting, |c| c.max_bytes = 9, "max_bytes"),
            (Beside::Waiting, |c| c.max_messages_per_subject = -1, "max_msgs_per_subject"),
            (Beside::Waiting, |c| c.allow_rollup = true, "allow_rollup_hdrs"),
            (Beside::Waiting, |c| c.subjects.truncate(1), "subjects"),
            (Beside::Files, |c| c.max_age = THIRTY_DAYS, "max_age"),
            (Beside::Files, |c| c.discard = DiscardPolicy::Old, "discard"),
            (Beside::Files, |c| c.deny_delete = false, "deny_delete"),
            (Beside::Files, |c| c.subjects.clear(), "subjects"),
        ] {
            let mut found = beside.wanted(&config, 3, THIRTY_DAYS);
            beside.check(&config, &found, 3, THIRTY_DAYS).unwrap();
            let full = Config { max_bytes: 9, ..Beside::Bodies.wanted(&config, 3, THIRTY_DAYS) };
            Beside::Bodies.check(&config, &full, 3, THIRTY_DAYS).unwrap();
            spoil(&mut found);
            let refused = beside.check(&config, &found, 3, THIRTY_DAYS);
            assert!(
                matches!(&refused, Err(OpenError::Unsafe { setting, .. }) if *setting == name),
                "{beside:?} {name}: {refused:?}"
            );
        }
        let foreign = Config { metadata: HashMap::new(), ..good.clone() };
        assert!(matches!(check(&config, &foreign), Err(OpenError::NotALog { .. })));
        let mut newer = good;
        newer.metadata.insert(FORMAT.to_owned(), "9".to_owned());
        assert!(matches!(check(&config, &newer), Err(OpenError::NewerFormat { found: 9, .. })));
    }
}
