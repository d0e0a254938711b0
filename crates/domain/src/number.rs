//! Numbers that people use: `Z-2026-000401`, unique and never reused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::AppealId;

/// An appeal's public number, as printed: 1 to 32 characters of `A-Z`, `0-9` and `-`, with at least one digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Number(String);

/// Text that is no number of an appeal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a number of an appeal: it looks like Z-2026-000401")]
pub struct BadNumber;

impl FromStr for Number {
    type Err = BadNumber;

    /// Reads a number as people type it: any case, spaces around it, a Cyrillic «З» for `Z`, long dashes.
    fn from_str(s: &str) -> Result<Self, BadNumber> {
        let read: String = s
            .trim()
            .trim_start_matches(['№', '#'])
            .trim_start()
            .chars()
            .map(|c| match c {
                'З' | 'з' => 'Z',
                '–' | '—' | '‑' | '−' => '-',
                c => c.to_ascii_uppercase(),
            })
            .collect();
        let good = (1..=32).contains(&read.len())
            && read.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-'))
            && read.bytes().any(|b| b.is_ascii_digit());
        if good { Ok(Self(read)) } else { Err(BadNumber) }
    }
}

impl TryFrom<String> for Number {
    type Error = BadNumber;

    fn try_from(s: String) -> Result<Self, BadNumber> {
        s.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Number {
    /// The number as printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a city prints its numbers: `Z-{year}-{serial:06}` (`city.toml [meta] number_format`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    before: String,
    between: String,
    width: usize,
}

/// A number format that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "number format must read like Z-{{year}}-{{serial:06}}: {{year}} first, then {{serial:0N}}, N from 4 to 9, at the end"
)]
pub struct BadFormat;

impl FromStr for NumberFormat {
    type Err = BadFormat;

    fn from_str(s: &str) -> Result<Self, BadFormat> {
        let (before, rest) = s.split_once("{year}").ok_or(BadFormat)?;
        let (between, rest) = rest.split_once("{serial:0").ok_or(BadFormat)?;
        let width: usize = rest.strip_suffix('}').and_then(|w| w.parse().ok()).ok_or(BadFormat)?;
        let format = Self { before: before.to_owned(), between: between.to_owned(), width };
        let sample = format!("{before}2026{between}{:0width$}", 1);
        // Not merely readable: as it is read, so that a number given is the number that people's typing leads to.
        let reads_as_it_is = sample.parse::<Number>().is_ok_and(|number| number.0 == sample);
        if !(4..=9).contains(&width) || between.is_empty() || !reads_as_it_is {
            return Err(BadFormat);
        }
        Ok(format)
    }
}

impl NumberFormat {
    /// The number with this year and serial.
    #[must_use]
    pub fn number(&self, year: i32, serial: u32) -> Number {
        Number(format!("{}{year}{}{serial:0width$}", self.before, self.between, width = self.width))
    }

    /// Year and serial of a number of this format; nothing for any other number.
    #[must_use]
    pub fn parts(&self, number: &Number) -> Option<(i32, u32)> {
        let rest = number.0.strip_prefix(&self.before)?;
        let (year, serial) = rest.split_once(&self.between)?;
        let parts = (year.parse().ok()?, serial.parse().ok()?);
        (self.number(parts.0, parts.1) == *number).then_some(parts)
    }
}

/// A fact of the stream `number.<year>`: one batch of numbers. Written by `register` alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// Numbers were given.
    Given {
        /// The highest serial given in this year so far.
        last: u32,
        /// Each appeal with its serial.
        given: Vec<(AppealId, u32)>,
    },
    /// The counter passed a number of an earlier system, so that it is never given again.
    Jumped {
        /// The highest serial that is taken.
        last: u32,
    },
}

/// What is known of a year: the highest serial, and the numbers of the last batch.
///
/// Only the last batch may be unfinished, see `routing::register`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Year {
    /// The highest serial that is taken.
    pub last: u32,
    /// Appeals of the last batch and their serials.
    pub last_batch: BTreeMap<AppealId, u32>,
}

/// The highest serial of an earlier system that the counter jumps past: nine digits, the widest that a format prints.
pub const MAX_JUMP: u32 = 999_999_999;

impl Year {
    /// Takes in a fact.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Given { last, given } => {
                self.last = *last;
                self.last_batch = given.iter().copied().collect();
            }
            Event::Jumped { last } => self.last = self.last.max(*last),
        }
    }

    /// Numbers for `appeals`, in their order, while there are any. An appeal of the last batch keeps what it has; nothing to
    /// give is no fact.
    #[must_use]
    pub fn give(&self, appeals: &[AppealId]) -> Option<Event> {
        let mut last = self.last;
        let mut seen = BTreeSet::new();
        let given: Vec<_> = appeals
            .iter()
            .filter(|a| !self.last_batch.contains_key(a) && seen.insert(**a))
            .map_while(|a| {
                last = last.checked_add(1)?;
                Some((*a, last))
            })
            .collect();
        (!given.is_empty()).then_some(Event::Given { last, given })
    }

    /// The fact that `serial` is taken by an earlier system, when that is news. A serial above [`MAX_JUMP`] is passed by: the
    /// counter never comes near it, and going on after it would leave this year without numbers.
    #[must_use]
    pub fn jump(&self, serial: u32) -> Option<Event> {
        (self.last < serial && serial <= MAX_JUMP).then_some(Event::Jumped { last: serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdKey;

    #[test]
    fn numbers_read_as_people_type_them() {
        for typed in ["Z-2026-000401", " z-2026-000401 ", "З-2026-000401", "№ Z–2026–000401"] {
            assert_eq!(typed.parse::<Number>().unwrap().as_str(), "Z-2026-000401", "{typed}");
        }
        for bad in ["", "Z", "Z 2026", "Z-2026-000401; drop", "яма"] {
            assert!(bad.parse::<Number>().is_err(), "{bad}");
        }
    }

    #[test]
    fn formats_print_and_read() {
        let format: NumberFormat = "Z-{year}-{serial:06}".parse().unwrap();
        let number = format.number(2026, 401);
        assert_eq!(number.as_str(), "Z-2026-000401");
        assert_eq!(format.parts(&number), Some((2026, 401)));
        assert_eq!(format.parts(&"Z-2026-401".parse().unwrap()), None);
        assert_eq!(format.number(2026, 12_345_678).as_str(), "Z-2026-12345678");
        for bad in [
            "",
            "Z-{serial:06}",
            "Z-{year}-{serial}",
            "Z-{year}-{serial:02}",
            "я-{year}-{serial:06}",
            "З-{year}-{serial:06}",
            "z-{year}-{serial:06}",
        ] {
            assert!(bad.parse::<NumberFormat>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_appeal_gets_one_number_and_a_number_one_appeal() {
        let key = IdKey::new([1; 32]);
        let appeal = |n: u32| AppealId::opened_by(key.message("web", "", &n.to_string()));
        let mut year = Year::default();
        for batch in [vec![1, 2, 1], vec![2, 3], vec![3]] {
            let appeals: Vec<_> = batch.into_iter().map(appeal).collect();
            if let Some(event) = year.give(&appeals) {
                year.evolve(&event);
            }
        }
        assert_eq!(year.last, 3);
        year.evolve(&year.jump(400).unwrap());
        assert_eq!(year.give(&[appeal(9)]), Some(Event::Given { last: 401, given: vec![(appeal(9), 401)] }));
    }

    /// `Z-2026-4294967295` of an earlier system does not turn the counter back to numbers that were given.
    #[test]
    fn the_counter_never_turns_over() {
        let key = IdKey::new([1; 32]);
        let appeal = |n: u32| AppealId::opened_by(key.message("web", "", &n.to_string()));
        let mut year = Year::default();
        assert_eq!(year.jump(u32::MAX), None);
        assert_eq!(year.jump(MAX_JUMP + 1), None);
        assert_eq!(year.jump(MAX_JUMP), Some(Event::Jumped { last: MAX_JUMP }));
        year.evolve(&Event::Jumped { last: u32::MAX - 1 });
        let last = Event::Given { last: u32::MAX, given: vec![(appeal(1), u32::MAX)] };
        assert_eq!(year.give(&[appeal(1), appeal(2)]), Some(last));
        year.evolve(&Event::Jumped { last: u32::MAX });
        assert_eq!(year.give(&[appeal(3)]), None);
    }
}
