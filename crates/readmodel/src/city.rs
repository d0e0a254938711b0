//! The rule set in force, and names from it.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::Connection;
use zholdary_city::{City, Files, Names, Values};
use zholdary_domain::Position;

use crate::{apply::stored, model::Named};

/// A published rule set, read.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The record that published it.
    pub position: Position,
    /// Its version, as recorded.
    pub version: String,
    /// What it says.
    pub city: City,
}

/// Why a published pack is not a city.
pub(crate) fn read(pack: &str) -> Result<City, String> {
    let packed = BASE64_STANDARD.decode(pack).map_err(|_| "the pack is not Base64".to_owned())?;
    let files = Files::unpack(&packed).map_err(|error| error.to_string())?;
    City::parse(&files).map_err(|faults| {
        let first = faults.list().first().map(ToString::to_string).unwrap_or_default();
        format!("the pack is not a valid city: {first}")
    })
}

/// The rule set in force in a view, read once.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// The last rule set that was looked at, whether it reads or not.
    looked: Option<Position>,
    set: Option<Arc<RuleSet>>,
}

impl InForce {
    /// The last rule set of the view that reads.
    ///
    /// Each was read before it was written here, by some release; one that this release does not read leaves the one
    /// before it in force.
    pub(crate) fn look(&mut self, connection: &Connection) -> rusqlite::Result<Option<Arc<RuleSet>>> {
        let mut rows = connection.prepare_cached("SELECT position FROM rules ORDER BY position DESC")?;
        let mut rows = rows.query([])?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let position = Position(row.get::<_, i64>(0)?.unsigned_abs());
            if last.is_none() {
                last = Some(position);
                if self.looked == last {
                    break;
                }
            }
            if let Some(found) = at(connection, position)? {
                self.set = Some(Arc::new(found));
                break;
            }
        }
        self.looked = last;
        Ok(self.set.clone())
    }
}

/// The rule set that the record at `position` published; none when it does not read.
fn at(connection: &Connection, position: Position) -> rusqlite::Result<Option<RuleSet>> {
    let (version, pack): (String, String) = connection
        .prepare_cached("SELECT version, pack FROM rules WHERE position = ?1")?
        .query_row([stored(position)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match read(&pack) {
        Ok(city) => Ok(Some(RuleSet { position, version, city })),
        Err(reason) => {
            tracing::error!(position = position.0, reason, "the rule set of record {position} does not read");
            Ok(None)
        }
    }
}

/// The rule set that was in force when the record at `position` was made: the last one before it that reads.
pub(crate) fn as_of(connection: &Connection, position: Position) -> rusqlite::Result<Option<RuleSet>> {
    let mut rows = connection
        .prepare_cached("SELECT position FROM rules WHERE position <= ?1 ORDER BY position DESC")?;
    let mut rows = rows.query([stored(position)])?;
    while let Some(row) = rows.next()? {
        if let Some(found) = at(connection, Position(row.get::<_, i64>(0)?.unsigned_abs()))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Names of codes: the city's, else the code itself.
#[derive(Clone, Copy)]
pub(crate) struct NamesOf<'a>(pub(crate) Option<&'a City>);

impl NamesOf<'_> {
    fn named(code: &str, names: Option<&Names>) -> Named {
        let get = |lang| names.map_or(code, |n| n.get(lang)).to_owned();
        Named {
            code: code.to_owned(),
            ru: get(zholdary_city::Lang::Ru),
            kk: get(zholdary_city::Lang::Kk),
            en: get(zholdary_city::Lang::En),
        }
    }

    fn ours(code: &str, ru: &str, kk: &str, en: &str) -> Named {
        Named { code: code.to_owned(), ru: ru.to_owned(), kk: kk.to_owned(), en: en.to_owned() }
    }

    pub(crate) fn category(self, code: &str) -> Named {
        match self.0.and_then(|c| c.category(code)) {
            None if code == UNKNOWN => Self::ours(code, "не определена", "анықталмаған", "not known"),
            found => Self::named(code, found.map(|c| &c.name)),
        }
    }

    pub(crate) fn priority(self, code: &str) -> Named {
        match self.0.and_then(|c| c.priority(code)) {
            None if code == UNKNOWN => Self::ours(code, "не определена", "анықталмаған", "not known"),
            found => Self::named(code, found.map(|p| &p.name)),
        }
    }

    pub(crate) fn party(self, code: &str) -> Named {
        Self::named(code, self.0.and_then(|c| c.party(code)).map(|p| &p.name))
    }

    pub(crate) fn bucket(self, code: &str) -> Named {
        Self::named(code, self.0.and_then(|c| c.bucket(code)).map(|b| &b.name))
    }

    pub(crate) fn channel_group(self, code: &str) -> Named {
        let known = self.0.and_then(|c| c.channel_groups.iter().find(|group| group.code == code));
        match known {
            None if code == OTHER_CHANNELS => {
                Self::ours(code, "Другие каналы", "Басқа арналар", "Other channels")
            }
            found => Self::named(code, found.map(|group| &group.name)),
        }
    }

    pub(crate) fn district(self, code: &str) -> Named {
        match self.0.and_then(|c| c.district(code)) {
            None if code == UNKNOWN => Self::ours(code, "не определён", "анықталмаған", "not known"),
            None if code == REGION => Self::ours(code, "за городом", "қала сыртында", "outside the city"),
            found => Self::named(code, found.map(|d| &d.name)),
        }
    }

    pub(crate) fn status(self, code: &str) -> Named {
        let phrase = format!("status_{code}");
        let words = self.0.and_then(|c| c.phrase(&phrase)).and_then(|p| p.fill_all(&Values::new()).ok());
        Self::named(code, words.as_ref())
    }

    /// Who did something: `system`, `operator`, `author` or code of a party.
    pub(crate) fn actor(self, by: &str) -> Named {
        match by {
            "system" => Self::ours(by, "система", "жүйе", "the system"),
            "author" => Self::ours(by, "автор", "автор", "the author"),
            party => self.party(party),
        }
    }
}

/// Not known yet, of a district or a category.
pub(crate) const UNKNOWN: &str = "unknown";
/// As a group of the report: none of its rows.
pub const NO_GROUP: &str = "none";
/// As a group of channels: all that the city does not tell apart.
pub(crate) const OTHER_CHANNELS: &str = "other";
/// Outside the city.
pub(crate) const REGION: &str = "region";
