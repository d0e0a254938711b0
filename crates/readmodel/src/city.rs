//! The rule set in force, and names from it.

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::{Connection, OptionalExtension};
use zholdary_city::{City, Files, Names, Values};
use zholdary_domain::Position;

use crate::model::Named;

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

/// The last rule set in the view, unless `known` is it.
pub(crate) fn newer(connection: &Connection, known: Option<Position>) -> rusqlite::Result<Option<RuleSet>> {
    let last: Option<(i64, String)> = connection
        .prepare_cached("SELECT position, version FROM rules ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((at, version)) = last else { return Ok(None) };
    let position = Position(at.unsigned_abs());
    if known == Some(position) {
        return Ok(None);
    }
    let pack: String = connection
        .prepare_cached("SELECT pack FROM rules WHERE position = ?1")?
        .query_row([at], |row| row.get(0))?;
    // It was read once before it was written: what does not read is parked.
    Ok(read(&pack).ok().map(|city| RuleSet { position, version, city }))
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
/// Outside the city.
pub(crate) const REGION: &str = "region";
