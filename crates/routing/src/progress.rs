//! How far a worker is: others wait for it, `doctor` and `/api/v1/lag` show it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use zholdary_domain::Position;
use zholdary_log::Checkpoint;

/// Tells how far a worker came. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    reached: watch::Sender<Reached>,
    /// Somebody waits for a look at the terms.
    look: Arc<Notify>,
}

#[derive(Debug, Clone)]
struct Reached {
    read: Position,
    position: Position,
    looked_until: DateTime<Utc>,
    checkpoint: Option<Checkpoint>,
}

impl Default for Progress {
    fn default() -> Self {
        let reached = watch::Sender::new(Reached {
            read: Position::START,
            position: Position::START,
            looked_until: DateTime::UNIX_EPOCH,
            checkpoint: None,
        });
        Self { reached, look: Arc::default() }
    }
}

impl Progress {
    /// Everything up to here is read, though another process may decide about it.
    #[must_use]
    pub fn read(&self) -> Position {
        self.reached.borrow().read
    }

    /// Everything up to here is finished: no earlier record waits for anything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.reached.borrow().position
    }

    /// Every term up to here was looked at (worker `deadlines`).
    #[must_use]
    pub fn looked_until(&self) -> DateTime<Utc> {
        self.reached.borrow().looked_until
    }

    /// Waits until everything up to `position` is read.
    pub async fn read_up_to(&self, position: Position) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.reached.subscribe().wait_for(|reached| reached.read >= position).await;
    }

    /// Waits until everything up to `position` is finished.
    pub async fn reach(&self, position: Position) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.reached.subscribe().wait_for(|reached| reached.position >= position).await;
    }

    /// Has every term up to `instant`, which is not in the future, looked at, and waits until that is done.
    pub async fn look_until(&self, instant: DateTime<Utc>) {
        self.look.notify_one();
        let _ = self.reached.subscribe().wait_for(|reached| reached.looked_until >= instant).await;
    }

    /// Waits until somebody wants the terms looked at.
    pub(crate) async fn look_wanted(&self) {
        self.look.notified().await;
    }

    /// What to keep of it.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        self.reached.borrow().checkpoint.clone()
    }

    /// Takes in that everything up to `position` is read.
    pub fn has_read(&self, position: Position) {
        self.reached.send_modify(|reached| reached.read = position);
    }

    /// Answers how many records are finished that were not before. A worker that reads again from the start takes nothing back.
    pub fn set(&self, position: Position) -> u64 {
        let mut new = 0;
        self.reached.send_if_modified(|reached| {
            new = position.0.saturating_sub(reached.position.0);
            reached.position = position.max(reached.position);
            new > 0
        });
        new
    }

    pub(crate) fn keep(&self, checkpoint: Checkpoint) {
        self.reached.send_if_modified(|reached| {
            let known = reached.checkpoint.as_ref().map(|known| known.finished);
            if known <= Some(checkpoint.finished) {
                reached.checkpoint = Some(checkpoint);
            }
            false
        });
    }

    pub(crate) fn looked(&self, until: DateTime<Utc>) {
        self.reached.send_if_modified(|reached| {
            let news = until > reached.looked_until;
            reached.looked_until = until.max(reached.looked_until);
            news
        });
    }
}
