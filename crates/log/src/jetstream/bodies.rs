//! The raw bodies of deliveries, kept by the servers of the log, for as long as a setting says.
//!
//! A body is as many messages as it takes, each of a subject of its own, and none is written twice: who delivers the same body
//! again finds that it is there, in one round trip. (An object store of the servers asks before, writes the data and then
//! its name, and whoever may write to it may empty it.) Beside them stand notes, of no age, about what a person must look at.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use zholdary_domain::Position;

use super::{
    JetStreamLog,
    append::{Answer, publish},
    setup,
    store::{Store, pause},
};
use crate::error::{OpenError, ReadError, Source};

/// Says, at the first part of a body, how many there are.
const PARTS: &str = "Zholdary-Parts";

/// Why a body or a note could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The servers do not answer, or refuse.
    #[error("the servers do not keep raw bodies now")]
    Unavailable(#[source] Source),
    /// What stands under its name are other bytes.
    #[error("the raw body {name} is damaged")]
    Damaged {
        /// Its name.
        name: String,
    },
}

impl From<ReadError> for BodyError {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// A note about something, as it was written last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its place among the notes, growing.
    pub id: u64,
    /// What it is about.
    pub key: String,
    /// What it says.
    pub text: Bytes,
}

/// The raw bodies of deliveries, and the notes about them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bodies {
    bodies: Arc<Store>,
    notes: Arc<Store>,
}

impl JetStreamLog {
    /// The raw bodies kept beside this log, for `retention`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub async fn bodies(&self, retention: Duration) -> Result<Bodies, OpenError> {
        let [bodies, notes] = setup::open_bodies(&self.store, retention).await?;
        let beside = |messages, stream: String| {
            let Store { context, config, log_id, requests, metrics, .. } = &*self.store;
            Arc::new(Store {
                context: context.clone(),
                messages,
                config: super::JetStreamConfig { stream, ..config.clone() },
                log_id: *log_id,
                requests: requests.clone(),
                metrics: metrics.clone(),
            })
        };
        let config = &self.store.config;
        Ok(Bodies { bodies: beside(bodies, config.bodies.clone()), notes: beside(notes, config.notes()) })
    }
}

impl Bodies {
    /// Keeps `bytes` under `name`, under which only these bytes may ever be kept. Answered well, they are as durable as a record;
    /// repeated, nothing changes.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`]: put it again.
    pub async fn put(&self, name: &str, bytes: &Bytes) -> Result<(), BodyError> {
        let most = self.bodies.config.max_record_bytes;
        let count = bytes.len().div_ceil(most).max(1);
        // The first comes last: once it is there, all are.
        for number in (0..count).rev() {
            let part = bytes.slice(number * most..bytes.len().min((number + 1) * most));
            let message =
                || PublishMessage::build().payload(part.clone()).header(PARTS, count.to_string().as_str());
            write(&self.bodies, &self.part(name, number), 0, message).await?;
        }
        Ok(())
    }

    /// What is kept under `name`.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, BodyError> {
        let Some(parts) = self.parts(name).await? else { return Ok(None) };
        let mut whole = BytesMut::new();
        parts.iter().for_each(|part| whole.extend_from_slice(&part.payload));
        Ok(Some(whole.freeze()))
    }

    /// Lets the body `name` be kept as long again, when it was written before `before`. Says whether it is there.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub async fn renew(&self, name: &str, before: DateTime<Utc>) -> Result<bool, BodyError> {
        let Some(parts) = self.parts(name).await? else { return Ok(false) };
        let count = parts.len();
        for (number, part) in parts.into_iter().enumerate().rev() {
            if part.time.unix_timestamp() < before.timestamp() {
                let message = || {
                    PublishMessage::build()
                        .payload(part.payload.clone())
                        .header(PARTS, count.to_string().as_str())
                };
                write(&self.bodies, &self.part(name, number), part.sequence, message).await?;
            }
        }
        Ok(true)
    }

    /// Writes a note about `key` in place of the one with the id `after` (0: when there is none). Answers whether it stood so.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`]: write it again.
    pub async fn note(&self, key: &str, after: u64, text: Bytes) -> Result<bool, BodyError> {
        let subject = format!("{}{key}", self.note_prefix());
        write(&self.notes, &subject, after, || PublishMessage::build().payload(text.clone())).await
    }

    /// The notes written after the one with the id `after` (0: from the first), at most `limit`.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub async fn notes(&self, after: u64, limit: usize) -> Result<Vec<Note>, BodyError> {
        let prefix = self.note_prefix();
        let page = self.notes.page(Position(after), limit).await?;
        let notes = page.into_iter().filter_map(|raw| {
            let key = raw.subject.strip_prefix(&prefix)?.to_owned();
            Some(Note { id: raw.position.0, key, text: raw.bytes })
        });
        Ok(notes.collect())
    }

    fn part(&self, name: &str, number: usize) -> String {
        format!("{}.body.{name}.{number}", self.bodies.config.body_subjects)
    }

    fn note_prefix(&self) -> String {
        format!("{}.note.", self.notes.config.body_subjects)
    }

    async fn parts(&self, name: &str) -> Result<Option<Vec<StreamMessage>>, BodyError> {
        let found = async |number| self.bodies.last_message(&self.part(name, number)).await;
        let Some(first) = found(0).await? else { return Ok(None) };
        let count = first.headers.get(PARTS).and_then(|count| count.as_str().parse().ok());
        let damaged = || BodyError::Damaged { name: name.to_owned() };
        let mut parts = vec![first];
        for number in 1..count.ok_or_else(damaged)? {
            // The first was written last, so it goes last: a part is gone only while the rest goes.
            let Some(part) = found(number).await? else { return Ok(None) };
            parts.push(part);
        }
        Ok(Some(parts))
    }
}

/// Publishes until somebody has it. Answers whether it was written now: else another message stands there.
async fn write(
    store: &Store,
    subject: &str,
    after: u64,
    message: impl Fn() -> PublishMessage,
) -> Result<bool, BodyError> {
    let deadline = Instant::now() + Duration::from_millis(store.config.append_ms);
    let mut tries = 0;
    loop {
        let why: Source = match publish(store, subject.to_owned(), after, message()).await {
            Answer::Written(_) => return Ok(true),
            Answer::Refused => match store.last_message(subject).await {
                Ok(Some(found)) if found.sequence > after => return Ok(false),
                // Another write is under way: whether it stands, the next look tells.
                Ok(_) => "another write is under way".into(),
                Err(error) => Box::new(error),
            },
            Answer::Unable(error) => return Err(BodyError::Unavailable(error)),
            Answer::Nobody(error) | Answer::Silence(error) => error,
        };
        if Instant::now() >= deadline {
            return Err(BodyError::Unavailable(why));
        }
        tries += 1;
        tokio::time::sleep(pause(tries)).await;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::TimeDelta;
    use zholdary_domain::{Clock as _, SystemClock};

    use super::*;
    use crate::{
        Metrics,
        jetstream::{
            Init, JetStreamConfig,
            tests::{log_of_its_own, one, three},
        },
    };

    /// With parts of ten bytes.
    async fn opened(config: &JetStreamConfig) -> Bodies {
        let config = JetStreamConfig { max_record_bytes: 10, ..config.clone() };
        let log = JetStreamLog::open(config, Metrics::unregistered()).await.unwrap();
        log.bodies(Init::default().keep_bodies).await.unwrap()
    }

    async fn messages(store: &Store) -> u64 {
        store.messages.get_info().await.unwrap().state.messages
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_is_kept_once_whoever_brings_it() {
        for (url, replicas) in [(one().await, 1), (three().await, 3)] {
            let config = log_of_its_own(&url, replicas).await;
            let (here, there) = (opened(&config).await, opened(&config).await);
            let mut parts = 0;
            for length in [0, 1, 10, 11, 35] {
                let (name, bytes) = (format!("n{length}"), Bytes::from(vec![length; length.into()]));
                let (one, other) = tokio::join!(here.put(&name, &bytes), there.put(&name, &bytes));
                one.and(other).unwrap();
                here.put(&name, &bytes).await.unwrap();
                assert_eq!(there.get(&name).await.unwrap(), Some(bytes), "{length} bytes");
                parts += u64::from(length).div_ceil(10).max(1);
                assert_eq!(messages(&here.bodies).await, parts, "{length} bytes");
            }
            assert_eq!(here.get("other").await.unwrap(), None);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_that_is_renewed_is_the_same_and_younger() {
        let bodies = opened(&log_of_its_own(&one().await, 1).await).await;
        let bytes = Bytes::from_static(b"twenty-five bytes of body");
        bodies.put("a", &bytes).await.unwrap();
        let last = async || bodies.bodies.messages.get_info().await.unwrap().state.last_sequence;
        let renewed = async |before: TimeDelta| bodies.renew("a", SystemClock.now() + before).await.unwrap();
        assert!(renewed(TimeDelta::days(-1)).await);
        assert_eq!(last().await, 3, "young enough");
        assert!(renewed(TimeDelta::days(1)).await);
        assert_eq!((last().await, messages(&bodies.bodies).await), (6, 3));
        assert_eq!(bodies.get("a").await.unwrap(), Some(bytes));
        assert!(!bodies.renew("other", SystemClock.now()).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_note_is_written_over_what_its_writer_saw() {
        let bodies = opened(&log_of_its_own(&one().await, 1).await).await;
        let note = async |key: &str, after, text: &'static str| {
            bodies.note(key, after, Bytes::from_static(text.as_bytes())).await.unwrap()
        };
        assert!(note("a.0", 0, "waits").await);
        assert!(!note("a.0", 0, "waits again").await);
        assert!(note("a.1", 0, "waits").await);
        assert!(note("a.0", 1, "settled").await);
        assert!(!note("a.0", 1, "settled otherwise").await);
        let told = async |after| {
            let notes = bodies.notes(after, 10).await.unwrap().into_iter();
            let told = |note: Note| (note.id, note.key, String::from_utf8(note.text.to_vec()).unwrap());
            notes.map(told).collect::<Vec<_>>()
        };
        let (one, zero) = ((2, "a.1".into(), "waits".into()), (3, "a.0".into(), "settled".into()));
        assert_eq!(told(0).await, [one, zero.clone()]);
        assert_eq!((told(2).await, told(3).await), (vec![zero], vec![]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stream_that_forgets_too_early_is_refused() {
        let config = log_of_its_own(&one().await, 1).await;
        let log = JetStreamLog::open(config, Metrics::unregistered()).await.unwrap();
        let refused = log.bodies(Duration::from_secs(60 * 24 * 60 * 60)).await.unwrap_err().to_string();
        assert!(refused.contains("max_age must be 60 days, as `raw.retention_days` says"), "{refused}");
    }
}
