//! Appeals, added up: kept for those that changed lately, added up again from their lines for the others.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::Value;
use zholdary_domain::{
    AppealId, MessageId, Position,
    appeal::{Appeal, Event, FindingId},
};

use super::Failed;
use crate::personal;

/// How many appeals are kept in memory. A stream is short, so adding one up again is cheap.
const MOST_KEPT: usize = 20_000;

/// Counts of appeals go by their main finding.
const MAIN: FindingId = FindingId(0);

/// An appeal, and when what happened to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fold {
    pub(super) appeal: Appeal,
    pub(super) opened: Position,
    pub(super) routed_at: Option<DateTime<Utc>>,
    pub(super) told_at: Option<DateTime<Utc>>,
    /// The message with which it was.
    told_by: Option<MessageId>,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) done_at: Option<DateTime<Utc>>,
    pub(super) settled_at: Option<DateTime<Utc>>,
    /// A person corrected what was understood.
    pub(super) corrected: bool,
}

impl Fold {
    pub(super) fn take(&mut self, event: &Event, position: Position, at: DateTime<Utc>) {
        self.appeal.evolve(event);
        match event {
            Event::Registered(_) => self.opened = position,
            Event::Routed(_) => self.routed_at = self.routed_at.or(Some(at)),
            Event::Told { message, .. } if self.told_at.is_none() => {
                (self.told_at, self.told_by) = (Some(at), Some(*message));
            }
            // It was taken, and did not arrive after all.
            Event::NotTold { message: Some(message), .. } if self.told_by == Some(*message) => {
                (self.told_at, self.told_by) = (None, None);
            }
            Event::Answered(answer) if answer.finding == MAIN => {
                self.answered_at = self.answered_at.or(Some(at));
            }
            Event::Done { finding: MAIN, .. } => self.done_at = Some(at),
            Event::Reopened { .. } => self.done_at = None,
            Event::Corrected { .. } => self.corrected = true,
            _ => {}
        }
        self.settled_at = if self.appeal.state().is_open() { None } else { self.settled_at.or(Some(at)) };
    }
}

/// The appeals that are kept in memory.
#[derive(Default)]
pub(super) struct Folds(HashMap<AppealId, Fold>);

impl Folds {
    pub(super) fn forget(&mut self, appeal: AppealId) {
        self.0.remove(&appeal);
    }

    /// The appeal as of the records applied so far; taken out, to be given back with [`Folds::keep`].
    pub(super) fn of(&mut self, connection: &Connection, appeal: AppealId) -> Result<Fold, Failed> {
        match self.0.remove(&appeal) {
            Some(fold) => Ok(fold),
            None => add_up(connection, appeal),
        }
    }

    pub(super) fn keep(&mut self, appeal: AppealId, fold: Fold) {
        if self.0.len() >= MOST_KEPT {
            self.0.clear();
        }
        self.0.insert(appeal, fold);
    }
}

fn add_up(connection: &Connection, appeal: AppealId) -> Result<Fold, Failed> {
    let mut statement = connection.prepare_cached(
        "SELECT position, at, data, personal FROM timeline WHERE appeal = ?1 ORDER BY position, seq",
    )?;
    let mut rows = statement.query([appeal.to_string()])?;
    let mut fold = Fold::default();
    while let Some(row) = rows.next()? {
        let (position, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (data, taken): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        let event = event(&data, taken.as_deref())
            .map_err(|_| Failed::Poison("an earlier line of its appeal does not read".to_owned()))?;
        let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
        fold.take(&event, Position(position.unsigned_abs()), at);
    }
    Ok(fold)
}

fn event(data: &str, taken: Option<&str>) -> serde_json::Result<Event> {
    let mut whole: Value = serde_json::from_str(data)?;
    if let Some(taken) = taken {
        personal::put_back(&mut whole, serde_json::from_str(taken)?);
    }
    serde_json::from_value(whole)
}
