//! Working days, office hours and terms: the arithmetic of dates that the law asks for.
//!
//! Everything is stored as `DateTime<Utc>`; a city's local time exists only here. A term in working days
//! (the law's clock) ends on its last day at [`WorkingCalendar::due_at`]; a term in hours (the service
//! clock) runs around the clock.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;

/// Which days of a city are worked, and at what local hours its terms begin and end.
///
/// A day is worked when it is (a weekday outside the weekend, or one of `worked`) and not one of `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingCalendar {
    zone: Tz,
    weekend: [bool; 7],
    off: BTreeSet<NaiveDate>,
    worked: BTreeSet<NaiveDate>,
    due_at: NaiveTime,
    registered_until: NaiveTime,
}

/// A calendar in which no weekday is worked: no term in working days would ever end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every day of the week is in the weekend, so no working day would ever come")]
pub struct NeverWorked;

impl WorkingCalendar {
    /// Builds a calendar; `due_at` and `registered_until` are local times of `zone`.
    ///
    /// # Errors
    ///
    /// [`NeverWorked`] when all seven days are in the weekend.
    pub fn new(
        zone: Tz,
        weekend: impl IntoIterator<Item = Weekday>,
        off: BTreeSet<NaiveDate>,
        worked: BTreeSet<NaiveDate>,
        due_at: NaiveTime,
        registered_until: NaiveTime,
    ) -> Result<Self, NeverWorked> {
        let mut days = [false; 7];
        for day in weekend {
            days[day.num_days_from_monday() as usize] = true;
        }
        if days.iter().all(|free| *free) {
            return Err(NeverWorked);
        }
        Ok(Self { zone, weekend: days, off, worked, due_at, registered_until })
    }

    /// The city's time zone.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Local time at which the last day of a term in working days ends.
    #[must_use]
    pub fn due_at(&self) -> NaiveTime {
        self.due_at
    }

    /// Local time after which a message counts as received on the next working day.
    #[must_use]
    pub fn registered_until(&self) -> NaiveTime {
        self.registered_until
    }

    /// Whether `day` is worked.
    #[must_use]
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        let weekday = !self.weekend[day.weekday().num_days_from_monday() as usize];
        (weekday || self.worked.contains(&day)) && !self.off.contains(&day)
    }

    /// The local day of an instant.
    #[must_use]
    pub fn local_date(&self, at: DateTime<Utc>) -> NaiveDate {
        self.local(at).date()
    }

    /// The local time of day of an instant.
    #[must_use]
    pub fn local_time(&self, at: DateTime<Utc>) -> NaiveTime {
        self.local(at).time()
    }

    /// The first and the last instants that there are have no local date in every zone: what was recorded about them is
    /// shown as two days further inside.
    fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        const MARGIN: TimeDelta = TimeDelta::days(2);
        let at = at.clamp(DateTime::<Utc>::MIN_UTC + MARGIN, DateTime::<Utc>::MAX_UTC - MARGIN);
        at.with_timezone(&self.zone).naive_local()
    }

    /// The local year of an instant: the year of a number (`Z-2026-…`).
    #[must_use]
    pub fn local_year(&self, at: DateTime<Utc>) -> i32 {
        self.local_date(at).year()
    }

    /// The instant of a local date and time.
    ///
    /// Where clocks were turned back the earlier of the two instants is meant; a local time that clocks
    /// jumped over is read with the offset that held before the jump.
    #[must_use]
    pub fn at_local(&self, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        let local = day.and_time(time);
        match self.zone.from_local_datetime(&local) {
            chrono::LocalResult::Single(at) | chrono::LocalResult::Ambiguous(at, _) => at.to_utc(),
            chrono::LocalResult::None => {
                let before = local.checked_sub_signed(TimeDelta::hours(3)).unwrap_or(local);
                match self.zone.from_local_datetime(&before).earliest() {
                    Some(at) => at.to_utc().checked_add_signed(TimeDelta::hours(3)).unwrap_or(at.to_utc()),
                    None => local.and_utc(),
                }
            }
        }
    }

    /// The first instant of a local day.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        self.at_local(day, NaiveTime::MIN)
    }

    /// The working day on which what was received at `at` counts as registered.
    ///
    /// Received after [`registered_until`](Self::registered_until) or on a day that is not worked: the
    /// next working day (АППК art. 64).
    #[must_use]
    pub fn registration_day(&self, at: DateTime<Utc>) -> NaiveDate {
        let day = self.local_date(at);
        if self.is_working_day(day) && self.local_time(at) <= self.registered_until {
            day
        } else {
            self.next_working_day(day)
        }
    }

    /// The first working day after `day`.
    #[must_use]
    pub fn next_working_day(&self, day: NaiveDate) -> NaiveDate {
        let mut day = day;
        while let Some(next) = day.succ_opt() {
            day = next;
            if self.is_working_day(day) {
                break;
            }
        }
        day
    }

    /// The `n`th working day after `day`: the first working day after it is 1, and 0 is `day` itself.
    #[must_use]
    pub fn nth_working_day(&self, day: NaiveDate, n: u32) -> NaiveDate {
        (0..n).fold(day, |day, _| self.next_working_day(day))
    }

    /// The end of a term of `n` working days that counts from the registration day `registered`.
    ///
    /// The working day after registration is day 1; the term ends on its last day at
    /// [`due_at`](Self::due_at).
    #[must_use]
    pub fn due_in_working_days(&self, registered: NaiveDate, n: u32) -> DateTime<Utc> {
        self.at_local(self.nth_working_day(registered, n), self.due_at)
    }

    /// The end of a term of `n` working days for something received at `received`.
    #[must_use]
    pub fn due_after_receipt(&self, received: DateTime<Utc>, n: u32) -> DateTime<Utc> {
        self.due_in_working_days(self.registration_day(received), n)
    }

    /// The end of a service term: `hours` around the clock after `from`.
    #[must_use]
    pub fn service_due(&self, from: DateTime<Utc>, hours: u32) -> DateTime<Utc> {
        from.checked_add_signed(TimeDelta::hours(i64::from(hours))).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Hours of a local day, such as `09:00-18:30` or `00:00-24:00`; the end is not inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHours {
    /// Minutes after local midnight, 0 to 1439.
    opens: u16,
    /// Minutes after local midnight, `opens + 1` to 1440.
    closes: u16,
}

/// Hours that are not written `HH:MM-HH:MM`, or that end before they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("hours are written HH:MM-HH:MM, from 00:00 to 24:00, the end after the beginning")]
pub struct BadHours;

impl DayHours {
    /// Every hour of the day.
    pub const ALL_DAY: Self = Self { opens: 0, closes: 24 * 60 };

    /// Whether the whole day is inside.
    #[must_use]
    pub fn is_all_day(self) -> bool {
        self == Self::ALL_DAY
    }

    /// The first instant from `at` on that lies inside them, by the local time of `calendar`; the end is outside.
    #[must_use]
    pub fn first_from(self, at: DateTime<Utc>, calendar: &WorkingCalendar) -> DateTime<Utc> {
        let time = calendar.local_time(at);
        let minute = u16::try_from(time.num_seconds_from_midnight() / 60).unwrap_or(u16::MAX);
        if (self.opens..self.closes).contains(&minute) {
            return at;
        }
        let today = calendar.local_date(at);
        let day = if minute < self.opens { Some(today) } else { today.succ_opt() };
        let opens = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.opens) * 60, 0);
        day.zip(opens).map_or(at, |(day, opens)| calendar.at_local(day, opens))
    }
}

impl std::str::FromStr for DayHours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        fn minutes(text: &str) -> Option<u16> {
            let (hours, minutes) = text.split_once(':')?;
            let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            if !two_digits(hours) || !two_digits(minutes) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (minutes < 60).then_some(hours * 60 + minutes)
        }
        let (opens, closes) = text.split_once('-').ok_or(BadHours)?;
        let (opens, closes) = (minutes(opens).ok_or(BadHours)?, minutes(closes).ok_or(BadHours)?);
        if opens < closes && closes <= 24 * 60 { Ok(Self { opens, closes }) } else { Err(BadHours) }
    }
}

impl std::fmt::Display for DayHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (opens, closes) = (self.opens, self.closes);
        write!(f, "{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Almaty, with the days off around Nauryz 2026 and two moved days of 2019.
    fn almaty() -> WorkingCalendar {
        let off = ["2019-05-01", "2019-05-07", "2019-05-09", "2019-05-10"];
        let nauryz = ["2026-03-21", "2026-03-22", "2026-03-23", "2026-03-24", "2026-03-25"];
        WorkingCalendar::new(
            chrono_tz::Asia::Almaty,
            [Weekday::Sat, Weekday::Sun],
            off.into_iter().chain(nauryz).map(day).collect(),
            [day("2019-05-04")].into(),
            NaiveTime::from_hms_opt(18, 30, 0).unwrap(),
            NaiveTime::from_hms_opt(18, 30, 0).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn terms_count_from_the_registration_day() {
        // received (UTC), registered (local day), working days, due (UTC)
        let cases = [
            (
                "a Friday at noon, over Nauryz",
                "2026-03-20T07:00:00Z",
                "2026-03-20",
                15,
                "2026-04-15T13:30:00Z",
            ),
            ("on the last minute", "2026-03-20T13:30:00Z", "2026-03-20", 1, "2026-03-26T13:30:00Z"),
            ("late on a Friday", "2026-03-20T13:30:01Z", "2026-03-26", 1, "2026-03-27T13:30:00Z"),
            ("on a Sunday", "2026-04-05T05:00:00Z", "2026-04-06", 3, "2026-04-09T13:30:00Z"),
            ("after local midnight", "2026-04-05T19:30:00Z", "2026-04-06", 1, "2026-04-07T13:30:00Z"),
            ("a Saturday that is worked", "2019-05-04T05:00:00Z", "2019-05-04", 1, "2019-05-06T12:30:00Z"),
            ("before a day off", "2019-05-06T05:00:00Z", "2019-05-06", 2, "2019-05-13T12:30:00Z"),
            ("under UTC+6", "2024-02-29T12:30:00Z", "2024-02-29", 1, "2024-03-01T13:30:00Z"),
            ("late under UTC+6", "2024-02-29T13:00:00Z", "2024-03-01", 1, "2024-03-04T13:30:00Z"),
            ("under UTC+5", "2024-03-01T13:00:00Z", "2024-03-01", 1, "2024-03-04T13:30:00Z"),
        ];
        let calendar = almaty();
        for (name, received, registered, days, due) in cases {
            assert_eq!(calendar.registration_day(at(received)), day(registered), "{name}");
            assert_eq!(calendar.due_after_receipt(at(received), days), at(due), "{name}");
        }
    }

    #[test]
    fn local_days_and_years() {
        let calendar = almaty();
        for (instant, local, year) in [
            ("2026-12-31T18:59:59Z", "2026-12-31", 2026),
            ("2026-12-31T19:00:00Z", "2027-01-01", 2027),
            ("2023-12-31T18:00:00Z", "2024-01-01", 2024),
        ] {
            assert_eq!(calendar.local_date(at(instant)), day(local));
            assert_eq!(calendar.local_year(at(instant)), year);
        }
    }

    #[test]
    fn clocks_that_jump_give_one_instant() {
        // On 1 March 2024 at 00:00 clocks in Almaty went back to 23:00: that hour came twice.
        let late = NaiveTime::from_hms_opt(23, 30, 0).unwrap();
        assert_eq!(almaty().at_local(day("2024-02-29"), late), at("2024-02-29T17:30:00Z"));
        let berlin =
            WorkingCalendar::new(chrono_tz::Europe::Berlin, [], BTreeSet::new(), BTreeSet::new(), late, late);
        let skipped = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        assert_eq!(berlin.unwrap().at_local(day("2026-03-29"), skipped), at("2026-03-29T01:30:00Z"));
    }

    #[test]
    fn hours_are_written_one_way() {
        for good in ["09:00-18:30", "00:00-24:00", "00:00-00:01"] {
            assert_eq!(good.parse::<DayHours>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "9:00-18:30",
            "09:00",
            "18:30-09:00",
            "09:00-24:01",
            "09:60-10:00",
            "09:00-09:00",
            "+9:00-18:30",
        ] {
            assert!(bad.parse::<DayHours>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_week_without_work_is_refused() {
        let all = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
        let calendar =
            WorkingCalendar::new(chrono_tz::UTC, all, BTreeSet::new(), BTreeSet::new(), noon, noon);
        assert_eq!(calendar, Err(NeverWorked));
    }

    #[test]
    fn the_end_of_time_ends_every_search() {
        let calendar = almaty();
        assert_eq!(calendar.nth_working_day(NaiveDate::MAX, 3), NaiveDate::MAX);
        assert_eq!(calendar.service_due(DateTime::<Utc>::MAX_UTC, 1), DateTime::<Utc>::MAX_UTC);
    }

    proptest! {
        /// What was recorded is read for ever, however far its dates are.
        #[test]
        fn every_instant_has_a_day_and_a_term(
            at in prop_oneof![
                Just(DateTime::<Utc>::MIN_UTC.timestamp_millis()),
                Just(DateTime::<Utc>::MAX_UTC.timestamp_millis()),
                DateTime::<Utc>::MIN_UTC.timestamp_millis()..=DateTime::<Utc>::MAX_UTC.timestamp_millis(),
                DateTime::<Utc>::MAX_UTC.timestamp_millis() - 200_000_000..=DateTime::<Utc>::MAX_UTC.timestamp_millis(),
                DateTime::<Utc>::MIN_UTC.timestamp_millis()..DateTime::<Utc>::MIN_UTC.timestamp_millis() + 200_000_000,
            ],
            zone in prop::sample::select(vec![
                chrono_tz::Asia::Almaty, chrono_tz::Pacific::Kiritimati, chrono_tz::Pacific::Niue, chrono_tz::UTC,
            ]),
        ) {
            let at = DateTime::from_timestamp_millis(at).unwrap();
            let calendar = WorkingCalendar { zone, ..almaty() };
            let day = calendar.local_date(at);
            prop_assert!((day - at.date_naive()).num_days().abs() <= 3);
            prop_assert_eq!(calendar.local_year(at), day.year());
            for day in [day, NaiveDate::MIN, NaiveDate::MAX] {
                let _ = calendar.start_of(day);
                let _ = calendar.at_local(day, calendar.local_time(at));
            }
            let _ = calendar.due_after_receipt(at, 15);
            prop_assert!(calendar.service_due(at, u32::MAX) >= at);
        }

        #[test]
        fn working_days_add_up(start in 0_u64..3650, n in 0_u32..60, m in 0_u32..60) {
            let calendar = almaty();
            let from = day("2019-01-01") + Days::new(start);
            let (nth, further) = (calendar.nth_working_day(from, n), calendar.nth_working_day(from, n + m));
            prop_assert_eq!(calendar.nth_working_day(from, 0), from);
            prop_assert_eq!(calendar.nth_working_day(nth, m), further);
            prop_assert!(nth <= further);
            prop_assert!(n == 0 || calendar.is_working_day(nth));
        }

        #[test]
        fn later_receipt_is_never_due_earlier(first in 0_i64..315_360_000, gap in 0_i64..1_000_000, n in 0_u32..30) {
            let calendar = almaty();
            let first = at("2019-01-01T00:00:00Z") + TimeDelta::seconds(first);
            let second = first + TimeDelta::seconds(gap);
            prop_assert!(calendar.registration_day(first) <= calendar.registration_day(second));
            prop_assert!(calendar.due_after_receipt(first, n) <= calendar.due_after_receipt(second, n));
            prop_assert!(calendar.registration_day(first) >= calendar.local_date(first));
            prop_assert!(calendar.is_working_day(calendar.registration_day(first)));
        }

        #[test]
        fn a_local_time_leads_back_to_its_day(start in 0_u64..3650, minute in 0_u32..1440) {
            let calendar = almaty();
            let local = day("2019-01-01") + Days::new(start);
            let time = NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap();
            let instant = calendar.at_local(local, time);
            prop_assert_eq!(calendar.local_date(instant), local);
            prop_assert_eq!(calendar.local_time(instant), time);
        }
    }
}
