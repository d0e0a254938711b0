//! Instants and positions: the two orders in which things happen.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tells the time to everything that needs it. One a process.
///
/// Two real implementations: the wall ([`SystemClock`]) and the played clock of recorded history ([`PlayedClock`]).
pub trait Clock: Send + Sync {
    /// The present instant, UTC, in whole milliseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

/// A clock that stands still until it is moved: `ingest` and `demo` move it to the latest message time they fed, tests by
/// hand. It never goes back.
#[derive(Debug)]
pub struct PlayedClock(AtomicI64);

impl PlayedClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: DateTime<Utc>) -> Self {
        Self(AtomicI64::new(at.timestamp_millis()))
    }

    /// Moves the clock forward to `at`; an earlier instant changes nothing.
    pub fn advance_to(&self, at: DateTime<Utc>) {
        self.0.fetch_max(at.timestamp_millis(), Ordering::SeqCst);
    }
}

impl Clock for PlayedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// A place in the log: 1 is the first record, 0 stands before it. Dense and strictly growing.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_played_clock_never_goes_back() {
        let at = |s| Utc.timestamp_opt(s, 0).unwrap();
        let clock = PlayedClock::at(at(100));
        clock.advance_to(at(90));
        assert_eq!(clock.now(), at(100));
        clock.advance_to(at(110));
        assert_eq!(clock.now(), at(110));
    }
}
