//! Who may: one of several processes, as long as it lives.

use std::time::Duration;

use async_nats::jetstream::{
    kv::{self, CreateErrorKind, UpdateErrorKind},
    stream::LastRawMessageErrorKind,
};
use bytes::Bytes;
use tokio::{task::AbortHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    JetStreamLog,
    store::{pause, unavailable},
};
use crate::error::ReadError;

/// How long a lease lives that nobody renews. The bucket has it as the age of its keys.
pub(super) const LIVES: Duration = Duration::from_secs(5);
/// How often its holder renews it.
const RENEWED: Duration = Duration::from_millis(1500);
/// A holder that could not renew for so long stops: a second before others may take over.
const GIVEN_UP: Duration = Duration::from_secs(4);

/// A right that one process has at a time. Dropped, it expires by itself; [`Lease::give_back`] does not wait for that.
///
/// It saves work and keeps two from doing the same; it is no lock. A holder may sleep through its end and write once more: the
/// log's expectations refuse that.
#[derive(Debug)]
pub struct Lease {
    bucket: kv::Store,
    name: String,
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
        let bucket = log.leases.clone();
        let began = Instant::now();
        let revision = match bucket.create(name, holder.to_owned().into()).await {
            Ok(revision) => revision,
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let lost = CancellationToken::new();
        let renewing =
            renew(bucket.clone(), name.to_owned(), holder.to_owned(), revision, began, lost.clone());
        let renewer = tokio::spawn(renewing).abort_handle();
        Ok(Some(Self { bucket, name: name.to_owned(), lost, renewer }))
    }

    /// Who has the lease `name` of the log.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unavailable`] when the servers do not say.
    pub async fn holder(log: &JetStreamLog, name: &str) -> Result<Option<String>, ReadError> {
        let subject = format!("{}{name}", log.leases.prefix);
        match log.leases.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(found) if found.payload.is_empty() => Ok(None),
            Ok(found) => Ok(Some(String::from_utf8_lossy(&found.payload).into_owned())),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Cancelled once it is lost.
    #[must_use]
    pub const fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Lets others take it at once.
    pub async fn give_back(self) {
        self.renewer.abort();
        if !self.lost.is_cancelled()
            && let Err(error) = self.bucket.purge(&self.name).await
        {
            tracing::debug!(%error, "the lease {} expires by itself", self.name);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewer.abort();
    }
}

async fn renew(
    bucket: kv::Store,
    name: String,
    holder: String,
    mut revision: u64,
    mut since: Instant,
    lost: CancellationToken,
) {
    let value = Bytes::from(holder);
    let mut tries = 0;
    loop {
        let wait = if tries == 0 { RENEWED } else { pause(tries) };
        tokio::time::sleep(wait).await;
        let began = Instant::now();
        let left = GIVEN_UP.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, bucket.update(&name, value.clone(), revision)).await {
            Ok(Ok(now)) => (revision, since, tries) = (now, began, 0),
            Ok(Err(error)) if error.kind() == UpdateErrorKind::WrongLastRevision => break,
            Ok(Err(_)) if since.elapsed() < GIVEN_UP => tries += 1,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    tracing::warn!("the lease {name} is lost");
    lost.cancel();
}
