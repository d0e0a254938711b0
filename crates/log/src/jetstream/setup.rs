//! The stream and the bucket: made by an operator, checked by everybody else.

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    context::GetStreamErrorKind,
    kv,
    stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::JetStreamConfig;
use crate::{error::OpenError, metrics::Metrics};

/// Names the log in the stream's metadata.
const LOG_ID: &str = "zholdary_log_id";
/// Names the version of its configuration there.
const FORMAT: &str = "zholdary_format";
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
}

impl Default for Init {
    fn default() -> Self {
        Self { replicas: 1, max_bytes: None }
    }
}

/// Makes the stream and the bucket that `config` names, when there are none. To be done once, by somebody who may.
///
/// Answers the log's id, and whether it was made now.
///
/// # Errors
///
/// [`OpenError`] says what to do.
pub async fn init(config: &JetStreamConfig, init: &Init) -> Result<(Uuid, bool), OpenError> {
    let client = config.connect(&Metrics::unregistered()).await?;
    let context = config.context(client);
    let deadline = Instant::now() + ELECTION;
    loop {
        match try_init(&context, config, init).await {
            Err(OpenError::File { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            done => return done,
        }
    }
}

async fn try_init(
    context: &Context,
    config: &JetStreamConfig,
    init: &Init,
) -> Result<(Uuid, bool), OpenError> {
    let found = match context.get_stream(&config.stream).await {
        Ok(stream) => Some(stream.cached_info().config.clone()),
        Err(error) if is_missing(&error) => None,
        Err(error) => return Err(failed(&config.stream, error)),
    };
    let made = found.is_none();
    let log_id = match found {
        Some(found) => check(config, &found)?,
        None => {
            let log_id = Uuid::new_v4();
            context
                .create_stream(wanted(config, init, log_id))
                .await
                .map_err(|error| failed(&config.stream, error))?;
            log_id
        }
    };
    let info = "What there is to know about the log beside its records";
    let leases = "Who runs the workers";
    for (bucket, description, max_age) in
        [(config.bucket.clone(), info, Duration::ZERO), (config.leases(), leases, super::lease::LIVES)]
    {
        if context.get_key_value(&bucket).await.is_err() {
            let made = kv::Config {
                bucket: bucket.clone(),
                description: description.to_owned(),
                history: 1,
                max_age,
                storage: StorageType::File,
                num_replicas: init.replicas,
                ..kv::Config::default()
            };
            context.create_key_value(made).await.map_err(|error| failed(&bucket, error))?;
        }
    }
    Ok((log_id, made))
}

pub(super) fn is_missing(error: &async_nats::jetstream::context::GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(answer) if answer.code() == 404)
}

fn failed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::File { file: what.to_owned(), source: Box::new(error) }
}

fn wanted(config: &JetStreamConfig, init: &Init, log_id: Uuid) -> Config {
    let metadata = [(LOG_ID, log_id.simple().to_string()), (FORMAT, NEWEST.to_string())];
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
    for (setting, expected, good) in [
        ("storage", "file", found.storage == StorageType::File),
        ("retention", "limits", found.retention == RetentionPolicy::Limits),
        ("discard", "new", found.discard == DiscardPolicy::New),
        ("max_age", "0", found.max_age.is_zero()),
        ("max_msgs", "-1", found.max_messages <= 0),
        ("max_msgs_per_subject", "-1", found.max_messages_per_subject <= 0),
        ("deny_delete", "true", found.deny_delete),
        ("deny_purge", "true", found.deny_purge),
        ("allow_rollup_hdrs", "false", !found.allow_rollup),
        ("allow_msg_ttl", "false", !found.allow_message_ttl),
        ("allow_direct", "true", found.allow_direct),
        ("no_ack", "false", !found.no_ack),
        ("sealed", "false", !found.sealed),
        ("subjects", "one, for every kind and id", found.subjects == [format!("{}.*.*", config.subjects)]),
        ("subject_transform", "none", found.subject_transform.is_none()),
        ("sources", "none", found.sources.as_ref().is_none_or(Vec::is_empty) && found.mirror.is_none()),
        ("first_seq", "1", found.first_sequence.is_none_or(|first| first <= 1)),
        ("persist_mode", "default", found.persist_mode != Some(PersistenceMode::Async)),
        (
            "max_msg_size",
            "room for max_record_bytes",
            found.max_message_size <= 0
                || usize::try_from(found.max_message_size).is_ok_and(|most| most > config.max_record_bytes),
        ),
    ] {
        if !good {
            return Err(OpenError::Unsafe { stream: name.clone(), setting, expected });
        }
    }
    Ok(log_id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn whatever_endangers_records_is_refused_by_name() {
        let config = JetStreamConfig::at("nats://127.0.0.1:1");
        let good = wanted(&config, &Init::default(), Uuid::from_u128(7));
        assert_eq!(check(&config, &good).unwrap(), Uuid::from_u128(7));
        type Spoil = fn(&mut Config);
        let spoilt: [(&str, Spoil); 12] = [
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
        let foreign = Config { metadata: HashMap::new(), ..good.clone() };
        assert!(matches!(check(&config, &foreign), Err(OpenError::NotALog { .. })));
        let mut newer = good;
        newer.metadata.insert(FORMAT.to_owned(), "9".to_owned());
        assert!(matches!(check(&config, &newer), Err(OpenError::NewerFormat { found: 9, .. })));
    }
}
