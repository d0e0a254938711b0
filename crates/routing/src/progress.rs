//! How far a worker is: others wait for it, `doctor` and `/api/v1/lag` show it.

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use zholdary_domain::Position;

/// Tells how far a worker came. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress(watch::Sender<(Position, DateTime<Utc>)>);

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new((Position::START, DateTime::UNIX_EPOCH)))
    }
}

impl Progress {
    /// Everything up to here is finished: no earlier record waits for anything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.borrow().0
    }

    /// Every term up to here was looked at (worker `deadlines`).
    #[must_use]
    pub fn looked_until(&self) -> DateTime<Utc> {
        self.0.borrow().1
    }

    /// Waits until everything up to `position` is finished.
    pub async fn reach(&self, position: Position) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|(at, _)| *at >= position).await;
    }

    /// Waits until every term up to `instant` was looked at.
    pub async fn look_until(&self, instant: DateTime<Utc>) {
        let _ = self.0.subscribe().wait_for(|(_, until)| *until >= instant).await;
    }

    pub(crate) fn set(&self, position: Position) {
        self.0.send_if_modified(|(at, _)| std::mem::replace(at, position.max(*at)) != *at);
    }

    pub(crate) fn looked(&self, until: DateTime<Utc>) {
        self.0.send_if_modified(|(_, at)| {
            let news = until > *at;
            *at = until.max(*at);
            news
        });
    }
}
