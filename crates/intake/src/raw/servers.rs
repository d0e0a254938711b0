//! Raw bodies beside a log on NATS, for several machines: the servers keep them, and let them go when their time is over.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zholdary_domain::inbound::Channel;
use zholdary_log::jetstream::{Bodies, BodyError, Note};

use super::{Kept, RawStore, named};
use crate::{config::RawConfig, error::RawError};

/// Raw bodies on the servers of the log.
#[derive(Debug, Clone)]
pub struct RawServers {
    bodies: Bodies,
    config: RawConfig,
}

/// What is noted about an element.
#[derive(Debug, Serialize, Deserialize)]
struct Element {
    channel: String,
    why: String,
    at: DateTime<Utc>,
    /// What became of it, once somebody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<Settled>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Settled {
    how: String,
    at: DateTime<Utc>,
}

/// Notes read at once.
const PAGE: usize = 1_000;

impl RawServers {
    /// Keeps raw bodies in `bodies`.
    #[must_use]
    pub const fn new(bodies: Bodies, config: RawConfig) -> Self {
        Self { bodies, config }
    }

    /// The elements after `after` that wait for a person, the oldest first, at most `limit`.
    async fn waits(&self, mut after: u64, limit: usize) -> Result<Vec<(Kept, Note, Element)>, RawError> {
        let mut waiting = Vec::new();
        while let Some((last, page)) = self.bodies.notes(after, PAGE).await? {
            after = last;
            for (kept, note, element) in page.into_iter().filter_map(read) {
                if element.settled.is_none() {
                    waiting.push((kept, note, element));
                }
                if waiting.len() >= limit {
                    return Ok(waiting);
                }
            }
        }
        Ok(waiting)
    }

    /// Lists elements of a body for a person, and holds the body, whatever its age, while one of them waits.
    async fn hold(
        &self,
        name: &str,
        bytes: &Bytes,
        channel: Channel,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<(), RawError> {
        let mut waits = false;
        for (place, why) in kept {
            let element =
                Element { channel: channel.code().to_owned(), why: why.to_owned(), at, settled: None };
            // One that stands there, settled or not, stays.
            let stands = self.bodies.note(&format!("{name}.{place}"), 0, text(&element)).await?;
            waits |= stands.and_then(read).is_none_or(|(.., element)| element.settled.is_none());
        }
        if waits {
            self.bodies.hold(name, bytes).await?;
        }
        Ok(())
    }

    async fn has_waiting(&self, raw: &str) -> Result<bool, RawError> {
        Ok(self.waits(0, usize::MAX).await?.iter().any(|(kept, ..)| kept.raw == raw))
    }
}

/// None for what this release does not read.
fn read(note: Note) -> Option<(Kept, Note, Element)> {
    let (raw, place) = note.key.split_once('.')?;
    let element: Element = serde_json::from_slice(&note.text)
        .inspect_err(
            |_| tracing::error!(note = %note.key, "a note about what waits for a person does not read"),
        )
        .ok()?;
    let kept = Kept {
        id: note.id.try_into().ok()?,
        raw: raw.to_owned(),
        // A newer release may know more channels.
        channel: Channel::from_code(&element.channel).unwrap_or(Channel::Web),
        element: place.parse().ok()?,
        why: element.why.clone(),
        at: element.at,
    };
    Some((kept, note, element))
}

fn text(element: &Element) -> Bytes {
    serde_json::to_vec(element).expect("words and instants serialise").into()
}

#[async_trait]
impl RawStore for RawServers {
    async fn put(
        &self,
        channel: Channel,
        bytes: Bytes,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<String, RawError> {
        let name = named(&bytes, self.config.body_bytes)?;
        self.bodies.put(&name, &bytes).await?;
        self.hold(&name, &bytes, channel, at, kept).await?;
        Ok(name)
    }

    async fn keep(
        &self,
        name: &str,
        channel: Channel,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<(), RawError> {
        if kept.is_empty() {
            return Ok(());
        }
        let bytes = self.get(name).await?.ok_or_else(|| RawError::Damaged { name: name.to_owned() })?;
        self.hold(name, &bytes, channel, at, kept).await
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, RawError> {
        let found = self.bodies.get(name).await?;
        if found.as_ref().is_some_and(|bytes| blake3::hash(bytes).to_hex().as_str() != name) {
            return Err(RawError::Damaged { name: name.to_owned() });
        }
        Ok(found)
    }

    async fn kept(&self, after: i64, limit: u32) -> Result<Vec<Kept>, RawError> {
        let after = after.try_into().unwrap_or_default();
        let waiting = self.waits(after, limit as usize).await?;
        Ok(waiting.into_iter().map(|(kept, ..)| kept).collect())
    }

    async fn waiting(&self) -> Result<u64, RawError> {
        Ok(self.waits(0, usize::MAX).await?.len() as u64)
    }

    async fn settle(&self, id: i64, how: String, at: DateTime<Utc>) -> Result<bool, RawError> {
        let Some(before) = u64::try_from(id).ok().and_then(|id| id.checked_sub(1)) else { return Ok(false) };
        let found = self.waits(before, 1).await?.pop().filter(|(kept, ..)| kept.id == id);
        let Some((kept, note, element)) = found else { return Ok(false) };
        let settled = Element { settled: Some(Settled { how, at }), ..element };
        if self.bodies.note(&note.key, note.id, text(&settled)).await?.is_some() {
            return Ok(false);
        }
        let raw = &kept.raw;
        if !self.has_waiting(raw).await? {
            let body = self.get(raw).await?;
            self.bodies.let_go(raw).await?;
            // Somebody may have listed another element of it in between.
            if let Some(body) = body
                && self.has_waiting(raw).await?
            {
                self.bodies.hold(raw, &body).await?;
            }
        }
        Ok(true)
    }

    /// The servers erase by themselves.
    async fn purge(&self, _now: DateTime<Utc>) -> Result<u64, RawError> {
        Ok(0)
    }
}

impl From<BodyError> for RawError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Unavailable(source) => Self::Unavailable(source),
            BodyError::Damaged { name } => Self::Damaged { name },
        }
    }
}
