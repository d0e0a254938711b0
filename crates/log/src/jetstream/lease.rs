//! Who may: one of several processes, as long as it lives.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{kv, stream::LastRawMessageErrorKind};
use bytes::Bytes;
use tokio::{task::AbortHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{
    JetStreamLog,
    requests::Unanswered,
    store::{Store, pause, unavailable},
};
use crate::error::ReadError;

/// How long a lease lives that nobody renews. The bucket has it as the age of its keys.
pub(super) const LIVES: Duration = Duration::from_secs(5);
/// How often its holder renews it.
const RENEWED: Duration = Duration::from_millis(1500);
/// How long one try to renew may take: an answer that is lost leaves time to ask what became of it.
const TRY: Duration = Duration::from_millis(500);
/// A holder that could not renew for so long stops: a second before others may take over.
const GIVEN_UP: Duration = Duration::from_secs(4);

/// A right that one process has at a time. Dropped, it expires by itself; [`Lease::give_back`] does not wait for that.
///
/// It saves work and keeps two from doing the same; it is no lock. A holder may sleep through its end and write once more: the
/// log's expectations refuse that.
#[derive(Debug)]
pub struct Lease {
    key: Key,
    lost: CancellationToken,
    renewer: AbortHandle,
}

impl Lease {
    /// Takes the lease `name` of the log, in the name of `holder`, when nobody has it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`] when the servers do not say.
    pub async fn take(log: &JetStreamLog, name: &str, holder: &str) -> Result<Option<Self>, ReadError> {
        // Unlike that of any other taking, even by the same holder.
        let value = format!("{holder} {}", Uuid::new_v4().simple());
        let key = Key {
            store: Arc::clone(&log.store),
            bucket: log.leases.clone(),
            name: name.to_owned(),
            value: Bytes::from(value),
        };
        let began = Instant::now();
        let revision = match key.store.in_time(key.bucket.create(name, key.value.clone())).await {
            Ok(revision) => revision,
            // It may be ours all the same: the answer to the first of two tries was lost.
            Err(error) => match key.read().await?.filter(|found| found.mine) {
                Some(found) => found.revision,
                None if matches!(&error, Unanswered::Error(e) if e.kind() == kv::CreateErrorKind::AlreadyExists) =>
                {
                    return Ok(None);
                }
                None => return Err(unavailable(error)),
            },
        };
        let lost = CancellationToken::new();
        let renewer =
            tokio::spawn(renew(key.clone(), revision, began, lost.clone().drop_guard())).abort_handle();
        Ok(Some(Self { key, lost, renewer }))
    }

    /// Who has the lease `name` of the log.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`] when the servers do not say.
    pub async fn holder(log: &JetStreamLog, name: &str) -> Result<Option<String>, ReadError> {
        let key = Key {
            store: Arc::clone(&log.store),
            bucket: log.leases.clone(),
            name: name.to_owned(),
            value: Bytes::new(),
        };
        Ok(key.read().await?.map(|found| found.holder))
    }

    /// Cancelled once it is lost, given back or dropped.
    #[must_use]
    pub const fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Lets others take it at once.
    pub async fn give_back(self) {
        self.renewer.abort();
        let gone = match self.key.read().await {
            Ok(Some(found)) if found.mine => self.key.purge(found.revision).await,
            Ok(_) => return,
            Err(error) => Err(error),
        };
        if let Err(error) = gone {
            tracing::debug!(%error, "the lease {} expires by itself", self.key.name);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewer.abort();
    }
}

/// The key of a lease, and what stands under it while it is ours.
#[derive(Debug, Clone)]
struct Key {
    store: Arc<Store>,
    bucket: kv::Store,
    name: String,
    value: Bytes,
}

/// What stands under a key.
struct Found {
    holder: String,
    mine: bool,
    revision: u64,
}

impl Key {
    /// As the leader knows it.
    async fn read(&self) -> Result<Option<Found>, ReadError> {
        let subject = format!("{}{}", self.bucket.prefix, self.name);
        match self.store.in_time(self.bucket.stream.get_last_raw_message_by_subject(&subject)).await {
            // Given back.
            Ok(found) if found.payload.is_empty() => Ok(None),
            Ok(found) => {
                let value = String::from_utf8_lossy(&found.payload);
                let holder = value.rsplit_once(' ').map_or(&*value, |(holder, _)| holder).to_owned();
                Ok(Some(Found { holder, mine: found.payload == self.value, revision: found.sequence }))
            }
            Err(Unanswered::Error(error)) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok(None)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Takes it away if it is still what stands at `revision`: another's stays.
    async fn purge(&self, revision: u64) -> Result<(), ReadError> {
        let purged = self.bucket.purge_expect_revision(&self.name, Some(revision));
        self.store.in_time(purged).await.map_err(unavailable)
    }

    async fn update(&self, revision: u64) -> Result<u64, Unanswered<kv::UpdateError>> {
        self.store.in_time(self.bucket.update(&self.name, self.value.clone(), revision)).await
    }
}

/// Renews until it is lost, and tells however it ends.
async fn renew(key: Key, mut revision: u64, mut since: Instant, _lost: DropGuard) {
    let mut tries = 0;
    // When the first renewal began of which nobody knows whether it was written.
    let mut unheard = None;
    loop {
        tokio::time::sleep(if tries == 0 { RENEWED } else { pause(tries) }).await;
        let began = Instant::now();
        let left = GIVEN_UP.saturating_sub(since.elapsed());
        let renewed = async {
            if let Ok(Ok(now)) = tokio::time::timeout(TRY, key.update(revision)).await {
                return Ok(Some((now, began)));
            }
            // The answer may be what was lost: what stands there tells.
            let first = *unheard.get_or_insert(began);
            match tokio::time::timeout(TRY, key.read()).await {
                Ok(Ok(Some(found))) if found.mine && found.revision > revision => {
                    Ok(Some((found.revision, first)))
                }
                Ok(Ok(Some(found))) if found.mine => Ok(None),
                Ok(Ok(_)) => Err(()),
                Ok(Err(_)) | Err(_) => Ok(None),
            }
        };
        match tokio::time::timeout(left, renewed).await {
            Ok(Ok(Some(now))) => ((revision, since), tries, unheard) = (now, 0, None),
            Ok(Ok(None)) if since.elapsed() < GIVEN_UP => tries += 1,
            Ok(Ok(None) | Err(())) | Err(_) => break,
        }
    }
    tracing::warn!("the lease {} is lost", key.name);
}
