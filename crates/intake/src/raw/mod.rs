//! The raw bytes of deliveries, durable before anything is recorded from them: [`RawFile`] on one machine, [`RawServers`] beside a
//! log on NATS.
//!
//! A body is named by its BLAKE3, so a repeated body is kept once. What could not be understood is listed beside the bodies.

mod file;
mod servers;
#[cfg(test)]
mod tests;
mod writer;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use zholdary_domain::inbound::Channel;

pub use self::{file::RawFile, servers::RawServers};
use crate::error::RawError;

/// An element that a person must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number in this store, growing.
    pub id: i64,
    /// Name of the body that holds it, for [`RawStore::get`].
    pub raw: String,
    /// The channel that delivered it.
    pub channel: Channel,
    /// Its place in the body, from 0.
    pub element: u32,
    /// Why it was kept, from a closed set.
    pub why: String,
    /// When it came first, UTC.
    pub at: DateTime<Utc>,
}

/// Where the raw bytes of deliveries are.
#[async_trait]
pub trait RawStore: Send + Sync {
    /// Makes `bytes`, delivered by `channel` at `at`, durable together with the list of its elements that a person must look
    /// at (place in the body, reason). Answers the body's name: its BLAKE3 in hexadecimal. Repeated, it changes nothing, but in a file the
    /// time from which the body is kept.
    ///
    /// # Errors
    ///
    /// [`RawError`]; put it again.
    async fn put(
        &self,
        channel: Channel,
        bytes: Bytes,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<String, RawError>;

    /// Adds elements of the body `name` to the list of those that a person must look at.
    ///
    /// # Errors
    ///
    /// [`RawError`].
    async fn keep(
        &self,
        name: &str,
        channel: Channel,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<(), RawError>;

    /// The body called `name`, while it is kept.
    ///
    /// # Errors
    ///
    /// [`RawError`].
    async fn get(&self, name: &str) -> Result<Option<Bytes>, RawError>;

    /// Elements that a person must look at and nobody has settled, the oldest first: at most `limit` of those after `after`
    /// (0: from the first).
    ///
    /// # Errors
    ///
    /// [`RawError`].
    async fn kept(&self, after: i64, limit: u32) -> Result<Vec<Kept>, RawError>;

    /// How many elements wait for a person.
    ///
    /// # Errors
    ///
    /// [`RawError`].
    async fn waiting(&self) -> Result<u64, RawError>;

    /// Records that somebody looked at the element `id`, and what became of it. From then on its body ages like any other.
    /// Answers whether it waited; delivered again, it does not come back.
    ///
    /// # Errors
    ///
    /// [`RawError`].
    async fn settle(&self, id: i64, how: String, at: DateTime<Utc>) -> Result<bool, RawError>;

    /// Erases bodies that came before the retention (a setting), as seen at `now`, where they do not age by themselves. Answers how
    /// many. A body with an element that waits for a person stays: nowhere else stands what that person must read.
    ///
    /// # Errors
    ///
    /// [`RawError`]; what was erased stays erased.
    async fn purge(&self, now: DateTime<Utc>) -> Result<u64, RawError>;
}

/// The name of a body, if it is not too large.
fn named(bytes: &Bytes, limit: usize) -> Result<String, RawError> {
    if bytes.len() > limit {
        return Err(RawError::TooLarge { bytes: bytes.len(), limit });
    }
    Ok(blake3::hash(bytes).to_hex().to_string())
}
