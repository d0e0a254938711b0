//! Letters, whichever way the post brought them.

use async_trait::async_trait;
use bytes::Bytes;
use tracing::warn;
use zholdary_channels::{Ours, Parsed};
use zholdary_domain::{Inbound, inbound::Channel};
use zholdary_mail::{Receive, Refusal};

use crate::{Error, Intake, Taken};

/// Takes letters. Cheap to clone.
#[derive(Clone)]
pub struct Letters {
    ours: Ours,
    intake: Intake,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters").finish_non_exhaustive()
    }
}

impl Letters {
    /// Letters to `ours` go into `intake`.
    #[must_use]
    pub const fn new(ours: Ours, intake: Intake) -> Self {
        Self { ours, intake }
    }

    /// Takes a letter; answers when it is durable. One that cannot be read is kept for a person.
    ///
    /// # Errors
    ///
    /// [`Error`]: it must come again.
    pub async fn take(&self, letter: Bytes) -> Result<Taken, Error> {
        let (ours, raw) = (self.ours.clone(), letter.clone());
        // A letter of forty megabytes takes its time; and whatever a stranger wrote ends nothing but its own reading.
        let read = tokio::task::spawn_blocking(move || ours.parse(Channel::Email, &raw)).await;
        let parsed = read.ok().flatten().unwrap_or_else(|| Parsed::kept("a letter that does not read"));
        self.intake.take(Channel::Email, letter, parsed.elements).await
    }

    /// Keeps the beginning of a letter that is too large, for a person.
    ///
    /// # Errors
    ///
    /// As [`Letters::take`].
    pub async fn keep(&self, beginning: Bytes) -> Result<Taken, Error> {
        self.intake
            .take(Channel::Email, beginning, vec![Inbound::Kept { why: "larger than the limit" }])
            .await
    }
}

#[async_trait]
impl Receive for Letters {
    /// Ours, with or without a detail behind a plus (RFC 5233).
    fn knows(&self, address: &str) -> bool {
        self.ours.email.has(address)
    }

    async fn take(&self, letter: Bytes) -> Result<(), Refusal> {
        Self::take(self, letter).await.map(|_| ()).map_err(|error| {
            warn!(
                error = &error as &dyn std::error::Error,
                "a letter was not taken in; the mail server has it still"
            );
            // A disk that must be looked at is no fault of the letter either.
            Refusal::Later
        })
    }
}
