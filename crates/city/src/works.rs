//! Which rows of the works register cover a place, and how they stand on a day.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::model::{City, Works};
use crate::places::metres_to_line;
use crate::rules::WorksTest;

/// How a row of works stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorksState {
    /// Works are under way.
    Active,
    /// Works are finished and under warranty.
    Warranty,
    /// A permit to dig holds, or the restored surface is under its warranty.
    Permit,
    /// The street is closed and nothing else happens.
    Closure,
    /// It has not begun.
    Planned,
    /// It is over, the warranty too.
    Over,
}

impl WorksState {
    /// Whether a rule that asks for `test` holds.
    #[must_use]
    pub fn answers(self, test: WorksTest) -> bool {
        matches!(
            (self, test),
            (Self::Active, WorksTest::Active)
                | (Self::Warranty, WorksTest::Warranty)
                | (Self::Permit, WorksTest::Permit)
        )
    }
}

/// Why a row is thought to be about a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WorksReach {
    /// The point is this many metres from its line.
    Point {
        /// Metres.
        metres: f64,
    },
    /// The message names its street and the crossing where it begins or ends.
    Crossing,
    /// Only its street is known: a hint that decides nothing.
    Street,
}

/// A row of works about a place.
#[derive(Debug, Clone, PartialEq)]
pub struct WorksMatch<'a> {
    /// The row.
    pub row: &'a Works,
    /// How it stands on the day.
    pub state: WorksState,
    /// Whether it closes or narrows the street on the day.
    pub closed: bool,
    /// Last day of its warranty.
    pub warranty_until: NaiveDate,
    /// Why it is about the place.
    pub reach: WorksReach,
}

/// Rows of works about a place on a day; those that are over are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorksHit<'a> {
    /// Rows that cover the place: what rules may decide by. The surest first.
    pub covers: Vec<WorksMatch<'a>>,
    /// Rows of a street of the message, for the operator and for answers about a whole street.
    pub hints: Vec<WorksMatch<'a>>,
}

impl<'a> WorksHit<'a> {
    /// The surest row that covers the place and stands as a rule asks.
    #[must_use]
    pub fn deciding(&self, test: WorksTest) -> Option<&WorksMatch<'a>> {
        self.covers.iter().find(|row| row.state.answers(test))
    }

    /// Every row, those that cover the place first.
    pub fn all(&self) -> impl Iterator<Item = &WorksMatch<'a>> {
        self.covers.iter().chain(&self.hints)
    }
}

impl Works {
    /// Last day of the warranty.
    #[must_use]
    pub fn warranty_until(&self) -> NaiveDate {
        let months = Months::new(self.warranty_years.saturating_mul(12));
        self.finish.checked_add_months(months).unwrap_or(NaiveDate::MAX)
    }
}

impl City {
    /// How a row stands on a local day.
    #[must_use]
    pub fn works_state(&self, row: &Works, day: NaiveDate) -> WorksState {
        let among = |kinds: &[String]| kinds.contains(&row.kind);
        let rules = &self.works_rules;
        let under_way = (row.start..=row.finish).contains(&day);
        if day < row.start {
            WorksState::Planned
        } else if under_way && among(&rules.active_kinds) {
            WorksState::Active
        } else if day <= row.warranty_until() && among(&rules.permit_kinds) {
            WorksState::Permit
        } else if under_way {
            WorksState::Closure
        } else if day <= row.warranty_until() && among(&rules.warranty_kinds) {
            WorksState::Warranty
        } else {
            WorksState::Over
        }
    }

    /// Whether a row closes or narrows its street on a local day.
    #[must_use]
    pub fn works_closed(&self, row: &Works, day: NaiveDate) -> bool {
        row.closure
            && self.works_rules.closure_kinds.contains(&row.kind)
            && (row.start..=row.finish).contains(&day)
    }

    /// Rows of works about a place on a local day.
    ///
    /// A row covers the place when `point` (longitude, latitude) is within `works.match_metres` of its line, or
    /// `streets` (`name_ru`) has its street and the crossing that is its `from` or `to`. When only its street
    /// is named, and there is no point that says otherwise, it is a hint.
    #[must_use]
    pub fn works_at(&self, point: Option<(f64, f64)>, streets: &[&str], day: NaiveDate) -> WorksHit<'_> {
        let mut hit = WorksHit::default();
        for row in &self.works {
            let state = self.works_state(row, day);
            if state == WorksState::Over {
                continue;
            }
            let Some(reach) = self.works_reach(row, point, streets) else { continue };
            let found = WorksMatch {
                row,
                state,
                closed: self.works_closed(row, day),
                warranty_until: row.warranty_until(),
                reach,
            };
            match reach {
                WorksReach::Street => hit.hints.push(found),
                WorksReach::Point { .. } | WorksReach::Crossing => hit.covers.push(found),
            }
        }
        let surest = |row: &WorksMatch<'_>| match row.reach {
            WorksReach::Point { metres } => metres,
            WorksReach::Crossing | WorksReach::Street => f64::INFINITY,
        };
        for rows in [&mut hit.covers, &mut hit.hints] {
            rows.sort_by(|a, b| {
                surest(a)
                    .total_cmp(&surest(b))
                    .then(a.state.cmp(&b.state))
                    .then(b.row.start.cmp(&a.row.start))
                    .then(a.row.id.cmp(&b.row.id))
            });
        }
        hit
    }

    fn works_reach(&self, row: &Works, point: Option<(f64, f64)>, streets: &[&str]) -> Option<WorksReach> {
        if let Some((lon, lat)) = point {
            let metres = metres_to_line(lon, lat, &row.line);
            if metres <= self.works_rules.match_metres {
                return Some(WorksReach::Point { metres });
            }
        }
        let named = |name: &str| streets.contains(&name);
        if !named(&row.street) {
            return None;
        }
        if named(&row.from) || named(&row.to) {
            return Some(WorksReach::Crossing);
        }
        point.is_none().then_some(WorksReach::Street)
    }
}
