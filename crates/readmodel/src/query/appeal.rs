//! One appeal, in three levels of detail.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;
use zholdary_domain::{AppealId, Number, Point, Position, StreamId, appeal::Because};

use super::{
    AppealRef, Ask, Query, View, appeals, lines, message,
    values::{code, count, instant, json, parsed, small},
};
use crate::{
    error::Error,
    model::{Answer, AppealView, Card, FindingView, Level, PlaceView, Sentence},
};

impl Query {
    /// An appeal by id, number or a number of an earlier system; none when there is no such appeal.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn appeal(
        &self,
        appeal: impl Into<AppealRef>,
        level: Level,
    ) -> Result<Answer<Option<AppealView>>, Error> {
        let appeal = appeal.into();
        self.ask(move |ask| match id_of(ask, &appeal)? {
            Some(id) => {
                ask.keeps(&View::Appeal(id))?;
                view(ask, id, level)
            }
            None => {
                ask.keeps(&View::Appeals)?;
                Ok(None)
            }
        })
        .await
    }

    /// The id of an appeal; none when there is no such appeal.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn appeal_id(&self, appeal: impl Into<AppealRef>) -> Result<Answer<Option<AppealId>>, Error> {
        let appeal = appeal.into();
        self.ask(move |ask| id_of(ask, &appeal)).await
    }

    /// The stream whose commands change an appeal; none when there is no such appeal.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn appeal_stream(
        &self,
        appeal: impl Into<AppealRef>,
    ) -> Result<Answer<Option<StreamId>>, Error> {
        Ok(self.appeal_id(appeal).await?.map(|id| id.map(StreamId::from)))
    }
}

fn id_of(ask: &Ask<'_>, appeal: &AppealRef) -> Result<Option<AppealId>, Error> {
    let find = |sql: &str, key: String| -> Result<Option<String>, Error> {
        ask.connection
            .prepare_cached(sql)
            .and_then(|mut s| s.query_row([key], |row| row.get(0)).optional())
            .map_err(Error::sqlite("find an appeal"))
    };
    let found = match appeal {
        AppealRef::Id(id) => find("SELECT id FROM appeal WHERE id = ?1", id.to_string())?,
        AppealRef::Number(number) => {
            match find("SELECT id FROM appeal WHERE number = ?1", number.to_string())? {
                None => find("SELECT appeal FROM alias WHERE number = ?1", number.to_string())?,
                found => found,
            }
        }
    };
    found.map(|id| parsed(&id, "an appeal id")).transpose()
}

fn number_of(ask: &Ask<'_>, id: &str) -> Result<Option<Number>, Error> {
    let found: Option<String> = ask
        .connection
        .prepare_cached("SELECT number FROM appeal WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], |row| row.get(0)).optional())
        .map_err(Error::sqlite("find an appeal"))?;
    found.map(|n| parsed(&n, "a number")).transpose()
}

/// How many appeals are about the same problem, this one included.
pub(super) fn voices(ask: &Ask<'_>, appeal: &str, problem: Option<&str>) -> rusqlite::Result<u32> {
    let first = problem.unwrap_or(appeal);
    let joined: i64 = ask
        .connection
        .prepare_cached("SELECT count(*) FROM appeal WHERE problem = ?1")?
        .query_row([first], |row| row.get(0))?;
    Ok(small(joined).saturating_add(1))
}

/// Columns of `appeal` that only its own page shows.
struct More {
    changed: i64,
    problem: Option<String>,
    parent: Option<String>,
    reopen_requested: bool,
    draft: bool,
    lang: Option<String>,
    times: [Option<i64>; 4],
    contact: String,
}

fn view(ask: &Ask<'_>, id: AppealId, level: Level) -> Result<Option<AppealView>, Error> {
    const READ: &str = "read an appeal";
    let sql = format!(
        "SELECT {}, a.changed, a.problem, a.parent, a.reopen_requested, a.draft, a.lang, a.routed_at, a.told_at,
                a.answered_at, a.done_at, a.contact FROM appeal a WHERE a.id = ?1",
        appeals::COLUMNS
    );
    let mut statement = ask.connection.prepare_cached(&sql).map_err(Error::sqlite(READ))?;
    let mut rows = statement.query([id.to_string()]).map_err(Error::sqlite(READ))?;
    let Some(row) = rows.next().map_err(Error::sqlite(READ))? else { return Ok(None) };
    let card: Card = appeals::card(ask, row)?;
    let more = || -> rusqlite::Result<More> {
        Ok(More {
            changed: row.get(25)?,
            problem: row.get(26)?,
            parent: row.get(27)?,
            reopen_requested: row.get(28)?,
            draft: row.get(29)?,
            lang: row.get(30)?,
            times: [row.get(31)?, row.get(32)?, row.get(33)?, row.get(34)?],
            contact: row.get(35)?,
        })
    };
    let more = more().map_err(Error::sqlite(READ))?;
    let key = id.to_string();
    let [routed_at, told_at, answered_at, done_at] = more.times.map(instant);
    let named = |of: Option<&String>| of.map(|id| number_of(ask, id)).transpose().map(Option::flatten);
    Ok(Some(AppealView {
        card,
        changed: Position(count(more.changed)),
        aliases: numbers(ask, "SELECT number FROM alias WHERE appeal = ?1 ORDER BY number", &key)?,
        findings: findings(ask, &key, level)?,
        history: lines::history(ask, &key, level)?,
        voices: voices(ask, &key, more.problem.as_deref()).map_err(Error::sqlite(READ))?,
        problem: named(more.problem.as_ref())?,
        parent: named(more.parent.as_ref())?,
        children: numbers(ask, "SELECT number FROM appeal WHERE parent = ?1 ORDER BY opened", &key)?,
        reopen_requested: more.reopen_requested,
        draft: more.draft,
        lang: more.lang,
        routed_at,
        told_at,
        answered_at,
        done_at,
        contact: (level == Level::Operator).then(|| code(&more.contact, "a contact id")).transpose()?,
        thread: message::thread(ask, id, level)?,
    }))
}

fn numbers(ask: &Ask<'_>, sql: &str, key: &str) -> Result<Vec<Number>, Error> {
    let read = || -> rusqlite::Result<Vec<String>> {
        ask.connection.prepare_cached(sql)?.query_map([key], |row| row.get(0))?.collect()
    };
    let read = read().map_err(Error::sqlite("read numbers"))?;
    read.iter().map(|n| parsed(n, "a number")).collect()
}

/// What the projector wrote of a decision.
#[derive(Deserialize)]
pub(super) struct StoredRoute {
    pub(super) rule: String,
    pub(super) rules: String,
    pub(super) because: Because,
    #[serde(default)]
    pub(super) copies: Vec<String>,
    #[serde(default)]
    pub(super) candidates: Vec<String>,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, String>,
}

pub(super) fn sentence(because: &Because) -> Option<Sentence> {
    let en = if because.en.is_empty() { &because.ru } else { &because.en };
    (!because.ru.is_empty()).then(|| Sentence {
        ru: because.ru.clone(),
        kk: because.kk.clone(),
        en: en.clone(),
    })
}

#[derive(Deserialize, Default)]
struct PersonalPlace {
    house: Option<String>,
    point: Option<Point>,
}

/// A place from its two columns.
pub(super) fn place(
    ask: &Ask<'_>,
    open: &str,
    personal: Option<&str>,
    level: Level,
) -> Result<PlaceView, Error> {
    let stored: appeals::StoredPlace = json(open, "a place")?;
    let personal: PersonalPlace = match personal {
        Some(personal) if level >= Level::Party => json(personal, "a place")?,
        _ => PersonalPlace::default(),
    };
    Ok(PlaceView {
        kind: stored.kind,
        yard: stored.yard,
        names: stored.names,
        from: stored.from,
        to: stored.to,
        district: stored.district.map(|d| ask.names().district(&d)),
        settlement: stored.settlement,
        highway: stored.highway,
        house: personal.house,
        point: personal.point,
    })
}

/// What [`finding`] reads, of the table `f`.
pub(super) const FINDING: &str = "f.finding, f.category, f.priority, f.stage, f.open, f.queue, f.party, f.outside,
    f.legal_due_at, f.service_due_at, f.secure_due_at, f.overdue, f.confidence, f.place, f.personal_place, f.route";

fn findings(ask: &Ask<'_>, appeal: &str, level: Level) -> Result<Vec<FindingView>, Error> {
    const READ: &str = "read findings";
    let sql = format!("SELECT {FINDING} FROM finding f WHERE f.appeal = ?1 ORDER BY f.finding");
    let mut statement = ask.connection.prepare_cached(&sql).map_err(Error::sqlite(READ))?;
    let mut rows = statement.query([appeal]).map_err(Error::sqlite(READ))?;
    let mut found = vec![];
    while let Some(row) = rows.next().map_err(Error::sqlite(READ))? {
        found.push(finding(ask, row, 0, level)?);
    }
    Ok(found)
}

/// A finding from the columns of [`FINDING`], the first of which is column `first`.
pub(super) fn finding(
    ask: &Ask<'_>,
    row: &Row<'_>,
    first: usize,
    level: Level,
) -> Result<FindingView, Error> {
    const READ: &str = "read findings";
    let text = |i: usize| row.get::<_, String>(first + i).map_err(Error::sqlite(READ));
    let maybe = |i: usize| row.get::<_, Option<String>>(first + i).map_err(Error::sqlite(READ));
    let at = |i: usize| row.get::<_, Option<i64>>(first + i).map(instant).map_err(Error::sqlite(READ));
    let names = ask.names();
    let route: Option<StoredRoute> = maybe(15)?.map(|r| json(&r, "a decision")).transpose()?;
    let (rule, rules) = route.as_ref().map(|r| (r.rule.clone(), r.rules.clone())).unzip();
    let parties = |of: fn(&StoredRoute) -> &Vec<String>| {
        route.iter().flat_map(of).map(|code| names.party(code)).collect::<Vec<_>>()
    };
    let number: i64 = row.get(first).map_err(Error::sqlite(READ))?;
    let sure: u16 = row.get(first + 12).map_err(Error::sqlite(READ))?;
    Ok(FindingView {
        finding: u16::try_from(number).unwrap_or(u16::MAX),
        category: names.category(&text(1)?),
        priority: names.priority(&text(2)?),
        state: text(3)?,
        open: row.get(first + 4).map_err(Error::sqlite(READ))?,
        queue: names.party(&text(5)?),
        party: names.party(&text(6)?),
        outside: row.get(first + 7).map_err(Error::sqlite(READ))?,
        place: place(ask, &text(13)?, maybe(14)?.as_deref(), level)?,
        because: route.as_ref().and_then(|r| sentence(&r.because)),
        rule,
        rules,
        inputs: route.as_ref().map(|r| r.inputs.clone()).unwrap_or_default(),
        candidates: parties(|r| &r.candidates),
        copies: parties(|r| &r.copies),
        confidence: f64::from(sure) / 1000.0,
        legal_due_at: at(8)?,
        service_due_at: at(9)?,
        secure_due_at: at(10)?,
        overdue: json(&text(11)?, "clocks")?,
    })
}
