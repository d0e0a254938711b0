//! Moving the played clock of recorded history.

use chrono::{DateTime, Utc};
use zholdary_channels::told_at;
use zholdary_domain::{Clock, Inbound, time::PlayedClock};

/// The furthest that one line may move the played clock, in days.
const LONGEST_JUMP_DAYS: i64 = 400;

/// A time so far ahead of the line before that it is taken for a mistake. The line was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "its time {to} is more than 400 days after {from}, the latest before it: correct the time, or feed what lies between first"
)]
pub struct Jump {
    /// What the clock shows.
    pub from: DateTime<Utc>,
    /// The time told.
    pub to: DateTime<Utc>,
}

/// Moves `clock` to the latest time that `elements` tell; call it before they are taken. A clock at the Unix epoch has not
/// begun: its first move may be of any length.
///
/// # Errors
///
/// [`Jump`] when a time lies more than 400 days ahead; the clock was not moved.
pub fn advance(clock: &PlayedClock, elements: &[Inbound]) -> Result<(), Jump> {
    let Some(to) = elements.iter().filter_map(told_at).max() else { return Ok(()) };
    let from = clock.now();
    if from != DateTime::UNIX_EPOCH && (to - from).num_days() > LONGEST_JUMP_DAYS {
        return Err(Jump { from, to });
    }
    clock.advance_to(to);
    Ok(())
}

#[cfg(test)]
mod tests {
    use zholdary_channels::{UNKNOWN_TIME, jsonl};
    use zholdary_testkit::at;

    use super::*;

    #[test]
    fn the_clock_follows_the_lines_and_refuses_a_leap() {
        let line = |sent_at| jsonl::line(r#"{"id":"1","text":"яма"}"#, Some(sent_at)).unwrap();
        let clock = PlayedClock::at(DateTime::UNIX_EPOCH);
        let check = |sent_at, shown: Result<&str, ()>| {
            let advanced = advance(&clock, &[line(sent_at)]);
            assert_eq!(advanced.is_ok(), shown.is_ok());
            if let Ok(shown) = shown {
                assert_eq!(clock.now(), at(shown));
            }
        };
        check(at("2026-11-20T09:00:00+05:00"), Ok("2026-11-20T09:00:00+05:00"));
        check(at("2026-11-19T09:00:00+05:00"), Ok("2026-11-20T09:00:00+05:00"));
        check(at("2027-12-01T09:00:00+05:00"), Ok("2027-12-01T09:00:00+05:00"));
        check(at("2099-01-01T00:00:00+05:00"), Err(()));
        check(UNKNOWN_TIME, Ok("2027-12-01T09:00:00+05:00"));
    }
}
