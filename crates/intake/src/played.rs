//! Moving the played clock of recorded history.

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_channels::told_at;
use zholdary_domain::{Clock, Inbound, time::PlayedClock};

/// Before this no message was sent on any platform here, in seconds since 1970: the day on which the oldest began, 4 February 2004.
const FIRST_MESSAGE: i64 = 1_075_852_800;
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
    elements.iter().filter_map(told_at).max().map_or(Ok(()), |to| move_to(clock, to))
}

/// Moves `clock` to the latest time that the elements of a delivery tell. What no clock can have shown, as `today` is where this runs,
/// moves nothing: such an element is taken all the same, and its neighbours too.
///
/// # Errors
///
/// [`Jump`] when a possible time lies more than 400 days ahead; the clock was not moved.
pub fn follow(clock: &PlayedClock, elements: &[Inbound], today: DateTime<Utc>) -> Result<(), Jump> {
    let latest = today.max(clock.now()) + TimeDelta::days(LONGEST_JUMP_DAYS);
    let is_possible = |at: &DateTime<Utc>| at.timestamp() >= FIRST_MESSAGE && *at <= latest;
    let told = || elements.iter().filter_map(told_at);
    match told().filter(is_possible).max() {
        Some(to) => return move_to(clock, to),
        // It must be recorded at some time.
        None if told().next().is_some() && clock.now() == DateTime::UNIX_EPOCH => clock.advance_to(today),
        None => {}
    }
    Ok(())
}

fn move_to(clock: &PlayedClock, to: DateTime<Utc>) -> Result<(), Jump> {
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

    #[test]
    fn an_impossible_time_of_one_element_holds_up_no_other() {
        let line = |sent_at| jsonl::line(r#"{"id":"1","text":"яма"}"#, Some(sent_at)).unwrap();
        let check = |begun: Option<&str>, told: &[&str], shown: Result<&str, ()>| {
            let clock = PlayedClock::at(begun.map_or(DateTime::UNIX_EPOCH, at));
            let elements: Vec<_> = told.iter().map(|told| line(at(told))).collect();
            let followed = follow(&clock, &elements, at("2026-11-29T12:00:00+05:00"));
            assert_eq!(followed.is_ok(), shown.is_ok(), "{begun:?} {told:?}");
            if let Ok(shown) = shown {
                assert_eq!(clock.now(), at(shown), "{begun:?} {told:?}");
            }
        };
        let (noon, later) = ("2026-11-20T12:00:00+05:00", "2026-11-20T12:10:00+05:00");
        check(Some(noon), &["2100-01-01T00:00:00+05:00", later], Ok(later));
        check(Some(noon), &["2100-01-01T00:00:00+05:00"], Ok(noon));
        check(None, &["1970-01-02T00:00:00+00:00", noon], Ok(noon));
        check(None, &["1970-01-02T00:00:00+00:00"], Ok("2026-11-29T12:00:00+05:00"));
        check(None, &[], Ok("1970-01-01T00:00:00+00:00"));
        // What tells no time begins no clock: what comes next may be of any year.
        let clock = PlayedClock::at(DateTime::UNIX_EPOCH);
        let nothing = [Inbound::Nothing { what: "reaction" }];
        follow(&clock, &nothing, at("2026-11-29T12:00:00+05:00")).unwrap();
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        // An archive with a hole in it: whoever feeds it says whether that is so.
        check(Some("2019-03-01T00:00:00+05:00"), &[noon], Err(()));
    }
}
