//! The raw bodies of deliveries, kept by the servers of the log, for as long as a setting says.
//!
//! A body is as many messages as it takes, each of a subject of its own that takes no second one: who delivers the same body
//! again finds that it is there. (An object store of the servers asks before, writes the data, then its name, and whoever may write to
//! it may empty it.) What waits for a person stands in a stream of no age: notes, and a copy of each body that a note is about, until
//! nothing about it waits.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::Stream,
};
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;
use zholdary_domain::Position;

use super::{
    JetStreamLog,
    append::{Answer, publish},
    setup,
    store::{Store, pause},
};
use crate::error::{OpenError, ReadError, Source};

/// Says, at each part of a body, how many there are. A part without it is what is left of one that was let go.
const PARTS: &str = "Zholdary-Parts";
/// The most bytes of one part. No setting: processes with other ones would write halves that do not fit.
pub(super) const PART_BYTES: usize = 512 * 1024;

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

/// The raw bodies of deliveries, and what waits for a person. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bodies {
    /// For a time.
    bodies: Arc<Store>,
    /// Notes, and copies of the bodies that they are about.
    waiting: Arc<Store>,
}

impl JetStreamLog {
    /// The raw bodies kept beside this log, for `retention`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub async fn bodies(&self, retention: Duration) -> Result<Bodies, OpenError> {
        let [bodies, waiting] = setup::open_bodies(&self.store, retention).await?;
        let config = &self.store.config;
        Ok(Bodies {
            bodies: self.beside(bodies, config.bodies.clone()),
            waiting: self.beside(waiting, config.waiting()),
        })
    }

    /// A stream beside the log.
    pub(super) fn beside(&self, messages: Stream, stream: String) -> Arc<Store> {
        let Store { context, config, log_id, requests, metrics, .. } = &*self.store;
        Arc::new(Store {
            context: context.clone(),
            messages,
            config: super::JetStreamConfig { stream, ..config.clone() },
            log_id: *log_id,
            requests: requests.clone(),
            metrics: metrics.clone(),
        })
    }
}

impl Bodies {
    /// Keeps `bytes` under `name`, under which only these bytes may ever be kept. Answered well, they are as durable as a record.
    /// Repeated, nothing changes, their age neither.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; unavailable: put it again.
    pub async fn put(&self, name: &str, bytes: &Bytes) -> Result<(), BodyError> {
        put(&self.bodies, &format!("{}.body.{name}", self.beginning()), name, bytes).await
    }

    /// Keeps them whatever their age, until [`Bodies::let_go`].
    ///
    /// # Errors
    ///
    /// As for [`Bodies::put`].
    pub async fn hold(&self, name: &str, bytes: &Bytes) -> Result<(), BodyError> {
        put(&self.waiting, &format!("{}.held.{name}", self.beginning()), name, bytes).await
    }

    /// What is kept under `name`.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, BodyError> {
        let kept = parts(&self.bodies, &format!("{}.body.{name}", self.beginning())).await?;
        let kept = match kept {
            Some(kept) => Some(kept),
            None => parts(&self.waiting, &format!("{}.held.{name}", self.beginning())).await?,
        };
        Ok(kept.map(whole))
    }

    /// Lets what was held under `name` go: it ages like any other body.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`]: let it go again.
    pub async fn let_go(&self, name: &str) -> Result<(), BodyError> {
        let base = format!("{}.held.{name}", self.beginning());
        let part = async |number| self.waiting.last_message(&format!("{base}.{number}")).await;
        let all = part(0).await?.as_ref().map_or(0, count);
        // The first goes last: while it is there, this can be done again.
        for number in (0..all).rev() {
            if let Some(part) = part(number).await?.filter(|part| count(part) > 0) {
                write(&self.waiting, &part.subject, part.sequence, PublishMessage::build).await?;
            }
        }
        Ok(())
    }

    /// Writes a note about `key`, two words with a dot between them, in place of the one with the id `after` (0: when there is none).
    /// Answers the one that stands there instead, if another does.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`]: write it again.
    pub async fn note(&self, key: &str, after: u64, text: Bytes) -> Result<Option<Note>, BodyError> {
        let subject = format!("{}.note.{key}", self.beginning());
        let message = || PublishMessage::build().payload(text.clone());
        let stands = write(&self.waiting, &subject, after, message).await?;
        Ok(stands.map(|found| Note { id: found.sequence, key: key.to_owned(), text: found.payload }))
    }

    /// The notes written after the one with the id `after` (0: from the first), of the next `limit` messages. None at the end.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub async fn notes(&self, after: u64, limit: usize) -> Result<Option<(u64, Vec<Note>)>, BodyError> {
        let prefix = format!("{}.note.", self.beginning());
        let page = self.waiting.page(Position(after), limit).await?;
        let Some(last) = page.last().map(|raw| raw.position.0) else { return Ok(None) };
        let notes = page.into_iter().filter_map(|raw| {
            let key = raw.subject.strip_prefix(&prefix)?.to_owned();
            Some(Note { id: raw.position.0, key, text: raw.bytes })
        });
        Ok(Some((last, notes.collect())))
    }

    fn beginning(&self) -> &str {
        &self.bodies.config.body_subjects
    }
}

async fn put(store: &Store, base: &str, name: &str, bytes: &Bytes) -> Result<(), BodyError> {
    let part = |from, to| std::future::ready(Ok(bytes.slice(from..to)));
    put_parts(store, base, name, bytes.len(), part).await
}

/// Keeps `length` bytes, of which `read` gives any piece, so that nobody needs to hold the whole.
pub(super) async fn put_parts<F: Future<Output = Result<Bytes, Source>>>(
    store: &Store,
    base: &str,
    name: &str,
    length: usize,
    read: impl Fn(usize, usize) -> F,
) -> Result<(), BodyError> {
    let all = length.div_ceil(PART_BYTES).max(1);
    // The first comes last: once it is there, all are. And goes last: once it is gone, all are.
    for number in (0..all).rev() {
        let part = read(number * PART_BYTES, length.min((number + 1) * PART_BYTES)).await;
        let part = part.map_err(BodyError::Unavailable)?;
        let message =
            || PublishMessage::build().payload(part.clone()).header(PARTS, all.to_string().as_str());
        let subject = format!("{base}.{number}");
        let mut stands = write(store, &subject, 0, message).await?;
        // It was let go, and is held again.
        if let Some(left) = stands.as_ref().filter(|found| count(found) == 0) {
            stands = write(store, &subject, left.sequence, message).await?;
        }
        if stands.is_some_and(|stands| stands.payload != part) {
            return Err(BodyError::Damaged { name: name.to_owned() });
        }
    }
    Ok(())
}

pub(super) async fn parts(store: &Store, base: &str) -> Result<Option<Vec<StreamMessage>>, BodyError> {
    let found = async |number: usize| store.last_message(&format!("{base}.{number}")).await;
    let Some(first) = found(0).await? else { return Ok(None) };
    let all = count(&first);
    let mut parts = vec![first];
    for number in 1..all {
        let Some(part) = found(number).await?.filter(|part| count(part) == all) else { return Ok(None) };
        parts.push(part);
    }
    Ok((all > 0).then_some(parts))
}

pub(super) fn whole(parts: Vec<StreamMessage>) -> Bytes {
    let mut whole = BytesMut::new();
    parts.iter().for_each(|part| whole.extend_from_slice(&part.payload));
    whole.freeze()
}

/// Of how many parts it is one; 0 of what is left of one that was let go.
fn count(part: &StreamMessage) -> usize {
    part.headers.get(PARTS).and_then(|count| count.as_str().parse().ok()).unwrap_or_default()
}

/// Publishes until somebody has it. Answers what else stands there, if something does.
async fn write(
    store: &Store,
    subject: &str,
    after: u64,
    message: impl Fn() -> PublishMessage,
) -> Result<Option<StreamMessage>, BodyError> {
    let deadline = Instant::now() + Duration::from_millis(store.config.append_ms);
    let (mut tries, mut silent) = (0, false);
    loop {
        let why: Source = match publish(store, subject.to_owned(), after, message()).await {
            Answer::Written(_) => return Ok(None),
            Answer::Refused => match store.last_message(subject).await {
                // Our own, of which we did not hear.
                Ok(Some(found)) if found.sequence > after && silent && is_same(&found, message()) => {
                    return Ok(None);
                }
                Ok(Some(found)) if found.sequence > after => return Ok(Some(found)),
                // Another write is under way: whether it stands, the next look tells.
                Ok(_) => "another write is under way".into(),
                Err(error) => Box::new(error),
            },
            Answer::Unable(error) => return Err(BodyError::Unavailable(error)),
            Answer::Nobody(error) => error,
            Answer::Silence(error) => {
                silent = true;
                error
            }
        };
        if Instant::now() >= deadline {
            return Err(BodyError::Unavailable(why));
        }
        tries += 1;
        tokio::time::sleep(pause(tries)).await;
    }
}

fn is_same(found: &StreamMessage, ours: PublishMessage) -> bool {
    found.payload == ours.outbound_message(found.subject.clone()).payload
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        Metrics,
        jetstream::{
            Init, JetStreamConfig,
            tests::{log_of_its_own, one, three},
        },
    };

    async fn opened(config: &JetStreamConfig) -> Bodies {
        let log = JetStreamLog::open(config.clone(), Metrics::unregistered()).await.unwrap();
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
            for length in [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
                let (name, bytes) = (format!("n{length}"), Bytes::from(vec![b'x'; length]));
                let (one, other) = tokio::join!(here.put(&name, &bytes), there.put(&name, &bytes));
                one.and(other).unwrap();
                here.put(&name, &bytes).await.unwrap();
                assert_eq!(there.get(&name).await.unwrap(), Some(bytes), "{length} bytes");
                parts += length.div_ceil(PART_BYTES).max(1) as u64;
                assert_eq!(messages(&here.bodies).await, parts, "{length} bytes");
            }
            assert_eq!(here.get("other").await.unwrap(), None);
            let forged = here.put("n1", &Bytes::from_static(b"y")).await;
            assert!(matches!(forged, Err(BodyError::Damaged { name }) if name == "n1"));
        }
    }

    /// With the rights of whoever takes messages in.
    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_writes_over_a_body() {
        let bodies = opened(&log_of_its_own(&one().await, 1).await).await;
        let bytes = Bytes::from_static(b"a body");
        bodies.put("a", &bytes).await.unwrap();
        let subject = format!("{}.body.a.0", bodies.beginning());
        let over = bodies.bodies.context.publish(subject, Bytes::new()).await.unwrap().await;
        assert!(over.is_err(), "{over:?}");
        assert_eq!(bodies.get("a").await.unwrap(), Some(bytes));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_held_stays_until_it_is_let_go() {
        let bodies = opened(&log_of_its_own(&one().await, 1).await).await;
        let bytes = Bytes::from(vec![b'x'; 2 * PART_BYTES + 1]);
        // Let go and held again: somebody needs to look at another part of it.
        for _ in 0..2 {
            bodies.hold("a", &bytes).await.unwrap();
            bodies.hold("a", &bytes).await.unwrap();
            assert_eq!(bodies.get("a").await.unwrap(), Some(bytes.clone()));
            bodies.let_go("a").await.unwrap();
            bodies.let_go("a").await.unwrap();
            assert_eq!(bodies.get("a").await.unwrap(), None);
            let state = bodies.waiting.messages.get_info().await.unwrap().state;
            assert!(state.bytes < 1_000, "nothing of it is left: {} bytes", state.bytes);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_note_is_written_over_what_its_writer_saw() {
        let bodies = opened(&log_of_its_own(&one().await, 1).await).await;
        let note = async |key: &str, after, text: &'static str| {
            bodies.note(key, after, Bytes::from_static(text.as_bytes())).await.unwrap().is_none()
        };
        assert!(note("a.0", 0, "waits").await);
        assert!(!note("a.0", 0, "waits again").await);
        assert!(note("a.1", 0, "waits").await);
        assert!(note("a.0", 1, "settled").await);
        assert!(!note("a.0", 1, "settled otherwise").await);
        let told = async |after| {
            let (last, notes) = bodies.notes(after, 10).await.unwrap()?;
            let told = |note: Note| (note.id, note.key, String::from_utf8(note.text.to_vec()).unwrap());
            Some((last, notes.into_iter().map(told).collect::<Vec<_>>()))
        };
        let (one, zero) = ((2, "a.1".into(), "waits".into()), (3, "a.0".into(), "settled".into()));
        assert_eq!(told(0).await, Some((3, vec![one, zero.clone()])));
        assert_eq!((told(2).await, told(3).await), (Some((3, vec![zero])), None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_retention_that_is_not_the_streams_is_refused() {
        let config = log_of_its_own(&one().await, 1).await;
        let log = JetStreamLog::open(config, Metrics::unregistered()).await.unwrap();
        for (days, expected) in [
            (60, "max_age must be 60 days, as `raw.retention_days` says"),
            (0, "raw.retention_days must be at least 1"),
        ] {
            let refused = log.bodies(Duration::from_secs(days * 24 * 60 * 60)).await.unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
