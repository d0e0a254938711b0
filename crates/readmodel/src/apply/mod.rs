//! Records into rows: a pure function of the records, without clock, chance or order of rows.

mod appeal;
mod file;
mod fold;
mod message;
mod others;

use std::collections::BTreeSet;

use rusqlite::Connection;
use zholdary_domain::{Number, StreamKind};
use zholdary_log::{DecodeError, Recorded};

use crate::{city::InForce, query::View};

/// What one record changed. Nothing personal.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) views: BTreeSet<String>,
    pub(crate) number: Option<Number>,
    pub(crate) events: Vec<&'static str>,
    /// Something personal was taken out of the rows.
    pub(crate) erased: bool,
}

impl Effects {
    fn of(view: &View) -> Self {
        Self { views: [view.to_string()].into(), ..Self::default() }
    }
}

/// Why a record was not applied.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It will never be, by this release.
    Poison(String),
    /// SQLite failed: nothing is known about the record.
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // The text names a table's column, never a value.
            Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Self::Poison(format!("it does not fit: {error}"))
            }
            _ => Self::Storage(error),
        }
    }
}

impl From<DecodeError> for Failed {
    fn from(error: DecodeError) -> Self {
        Self::Poison(error.to_string())
    }
}

/// What the projector keeps between records. It can be lost at any time: the rows hold everything.
#[derive(Default)]
pub(crate) struct Memory {
    appeals: fold::Folds,
    rules: InForce,
}

impl Memory {
    /// Forgets what came from a record that was taken back.
    pub(crate) fn forget(&mut self, record: &Recorded) {
        if let Some(appeal) = record.stream.appeal() {
            self.appeals.forget(appeal);
        }
        if record.stream.kind() == StreamKind::Rules {
            self.rules = InForce::default();
        }
    }
}

/// Applies one record. After an error the caller takes back what was written, and lets `memory` forget the record.
pub(crate) fn record(
    connection: &Connection,
    memory: &mut Memory,
    record: &Recorded,
) -> Result<Effects, Failed> {
    match record.stream.kind() {
        StreamKind::Message => message::apply(connection, record),
        StreamKind::Appeal => appeal::apply(connection, memory, record),
        StreamKind::Rules => others::rules(connection, record),
        StreamKind::Access => others::access(connection, record),
        // Numbers stand in `registered`; the others have no view yet.
        StreamKind::Number
        | StreamKind::Problem
        | StreamKind::Works
        | StreamKind::Party
        | StreamKind::Account
        | StreamKind::Seal => Ok(Effects::default()),
    }
}

/// A position as SQLite stores it.
pub(crate) fn stored(position: zholdary_domain::Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}
