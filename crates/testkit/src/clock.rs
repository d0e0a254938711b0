//! A clock that tests set by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use zholdary_domain::Clock;

/// The instant written as `2026-11-20T09:00:00+05:00`.
///
/// # Panics
///
/// When it does not read: a mistake in the test.
#[must_use]
pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .unwrap_or_else(|error| panic!("{text} is not a time: {error}"))
        .with_timezone(&Utc)
}

/// Stands still until it is set; unlike the played clock it may go back, as clocks of machines do.
#[derive(Debug, Clone)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    /// A clock that shows `text`, an RFC 3339 time.
    #[must_use]
    pub fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(at(text).timestamp_millis())))
    }

    /// Shows `now` from here on, earlier or later.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::SeqCst);
    }

    /// Moves on by `seconds`.
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).expect("tests stay near the present")
    }
}
