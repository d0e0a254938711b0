//! How far a worker is: others wait for it, `doctor` and `/api/v1/lag` show it.

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use zholdary_domain::Position;
use zholdary_log::Checkpoint;

/// Tells how far a worker came. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress(watch::Sender<Reached>);

#[derive(Debug, Clone)]
struct Reached {
    read: Position,
    position: Position,
    looked_until: DateTime<Utc>,
    checkpoint: Option<Checkpoint>,
}

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new(Reached {
            read: Position::START,
            position: Position::START,
            looked_until: DateTime::UNIX_EPOCH,
            checkpoint: None,
        }))
    }
}

impl Progress {
    /// Everything up to here is read, though another process may decide about it.
    #[must_use]
    pub fn read(&self) -> Position {
        self.0.borrow().read
    }

    /// Everything up to here is finished: no earlier record waits for anything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.borrow().position
    }

    /// Every term up to here was looked at (worker `deadlines`).
    #[must_use]
    pub fn looked_until(&self) -> DateTime<Utc> {
        self.0.borrow().looked_until
    }

    /// Waits until everything up to `position` is finished.
    pub async fn reach(&self, position: Position) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|reached| reached.position >= position).await;
    }

    /// Waits until every term up to `instant` was looked at.
    pub async fn look_until(&self, instant: DateTime<Utc>) {
        let _ = self.0.subscribe().wait_for(|reached| reached.looked_until >= instant).await;
    }

    /// What to keep of it.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        self.0.borrow().checkpoint.clone()
    }

    pub(crate) fn has_read(&self, position: Position) {
        self.0.send_modify(|reached| reached.read = position);
    }

    /// Answers how many records are finished that were not before. A worker that reads again from the start takes nothing back.
    pub(crate) fn set(&self, position: Position) -> u64 {
        let mut new = 0;
        self.0.send_if_modified(|reached| {
            new = position.0.saturating_sub(reached.position.0);
            reached.position = position.max(reached.position);
            new > 0
        });
        new
    }

    pub(crate) fn keep(&self, checkpoint: Checkpoint) {
        self.0.send_if_modified(|reached| {
            let known = reached.checkpoint.as_ref().map(|known| known.finished);
            if known <= Some(checkpoint.finished) {
                reached.checkpoint = Some(checkpoint);
            }
            false
        });
    }

    pub(crate) fn looked(&self, until: DateTime<Utc>) {
        self.0.send_if_modified(|reached| {
            let news = until > reached.looked_until;
            reached.looked_until = until.max(reached.looked_until);
            news
        });
    }
}
