//! Appeals: their lines, the row that lists show, findings, tasks and counters.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use zholdary_domain::{
    AppealId, Personal, Place, Position,
    appeal::{Appeal, Clock, DESK, Event, FindingId, FindingState, StateName},
};
use zholdary_log::{Aggregate, Recorded};

use super::{Effects, Failed, Memory, fold::Fold, message, stored};
use crate::{
    city::{REGION, UNKNOWN},
    personal,
    query::View,
    sentence,
};

pub(super) fn apply(
    connection: &Connection,
    memory: &mut Memory,
    record: &Recorded,
) -> Result<Effects, Failed> {
    let id = record.stream.appeal().ok_or_else(|| Failed::Poison("its stream is no appeal".to_owned()))?;
    let events = <zholdary_log::streams::Appeals as Aggregate>::decode(record)?;
    let written: Vec<Value> = record.events()?;
    let mut fold = memory.appeals.of(connection, id)?;
    let mut effects = Effects::of(&View::Appeals);
    let problem_before = fold.appeal.problem;
    for (seq, (event, value)) in (0_i64..).zip(events.iter().zip(written)) {
        line(connection, id, record, seq, event, value)?;
        fold.take(event, record.position, record.recorded_at);
        beside(connection, id, event, record.position)?;
        effects.events.push(event.name());
    }
    let Some(registered) = &fold.appeal.registered else {
        return Err(Failed::Poison("its appeal was never registered".to_owned()));
    };
    effects.number = Some(registered.number.clone());
    let day = match counted(connection, id)? {
        Some((day, key)) => {
            count(connection, &day, &key, -1)?;
            day
        }
        None => local_day(connection, memory, registered.received_at)?.to_string(),
    };
    let mut parties = tasks(connection, id)?;
    write(connection, id, &fold, &day, record)?;
    if let Some((day, key)) = counted(connection, id)? {
        count(connection, &day, &key, 1)?;
    }
    parties.extend(tasks(connection, id)?);
    if fold.appeal.problem != problem_before {
        // The others about the same problem have another number of voices now.
        for problem in [problem_before, fold.appeal.problem].into_iter().flatten() {
            voices_changed(connection, problem, record.position)?;
            parties.extend(tasks_about(connection, problem)?);
        }
    }
    effects.views.extend(parties.into_iter().map(|party| View::Queue(party).to_string()));
    if fold.appeal.erased {
        erase(connection, id)?;
        effects.erased = true;
    } else {
        memory.appeals.keep(id, fold);
    }
    Ok(effects)
}

fn line(
    connection: &Connection,
    id: AppealId,
    record: &Recorded,
    seq: i64,
    event: &Event,
    mut value: Value,
) -> Result<(), Failed> {
    let taken = personal::take(&mut value);
    connection
        .prepare_cached(
            "INSERT INTO timeline(appeal, position, seq, at, event, by, data, personal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            id.to_string(),
            stored(record.position),
            seq,
            record.recorded_at.timestamp_millis(),
            event.name(),
            sentence::by(event),
            value.to_string(),
            (!taken.is_empty()).then(|| json!(taken).to_string()),
        ))?;
    Ok(())
}

/// What an event says about other rows than the appeal's own.
fn beside(connection: &Connection, id: AppealId, event: &Event, position: Position) -> Result<(), Failed> {
    match event {
        // The first one that was known under a number keeps it.
        Event::AliasNamed { number } => {
            connection
                .prepare_cached("INSERT OR IGNORE INTO alias(number, appeal) VALUES (?1, ?2)")?
                .execute([number.to_string(), id.to_string()])?;
        }
        Event::Told { message, .. } => message::link(connection, *message, id, position)?,
        _ => {}
    }
    Ok(())
}

/// The local day of an instant, by the rule set in force; before the first one, the day in UTC.
fn local_day(connection: &Connection, memory: &mut Memory, at: DateTime<Utc>) -> rusqlite::Result<NaiveDate> {
    let rules = memory.rules.look(connection)?;
    Ok(rules.map_or_else(|| at.date_naive(), |r| r.city.calendar.local_date(at)))
}

/// The values an appeal is counted by now: its day, then category, district, party, channel and state.
fn counted(connection: &Connection, id: AppealId) -> rusqlite::Result<Option<(String, [String; 5])>> {
    connection
        .prepare_cached("SELECT day, category, district, party, channel, state FROM appeal WHERE id = ?1")?
        .query_row([id.to_string()], |row| {
            Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
        })
        .optional()
}

fn count(connection: &Connection, day: &str, key: &[String; 5], by: i64) -> rusqlite::Result<()> {
    let [category, district, party, channel, state] = key;
    let left: i64 = connection
        .prepare_cached(
            "INSERT INTO counter(day, category, district, party, channel, state, count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET count = count + excluded.count RETURNING count",
        )?
        .query_row((day, category, district, party, channel, state, by), |row| row.get(0))?;
    if left == 0 {
        connection
            .prepare_cached(
                "DELETE FROM counter WHERE day = ?1 AND category = ?2 AND district = ?3 AND party = ?4
                 AND channel = ?5 AND state = ?6",
            )?
            .execute((day, category, district, party, channel, state))?;
    }
    Ok(())
}

/// Parties in whose queue the appeal stands.
fn tasks(connection: &Connection, id: AppealId) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare_cached("SELECT DISTINCT party FROM task WHERE appeal = ?1")?
        .query_map([id.to_string()], |row| row.get(0))?
        .collect()
}

/// Parties in whose queue appeals about a problem stand.
fn tasks_about(connection: &Connection, problem: AppealId) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT t.party FROM task t JOIN appeal a ON a.id = t.appeal
             WHERE a.problem = ?1 OR a.id = ?1",
        )?
        .query_map([problem.to_string()], |row| row.get(0))?
        .collect()
}

/// Everybody who writes about `problem` has another number of voices since `position`.
fn voices_changed(connection: &Connection, problem: AppealId, position: Position) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO problem(id, changed) VALUES (?1, ?2)
             ON CONFLICT(id) DO UPDATE SET changed = excluded.changed",
        )?
        .execute((problem.to_string(), stored(position)))?;
    Ok(())
}

fn ms(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_millis())
}

fn due(finding: &FindingState, clock: Clock) -> Option<i64> {
    finding.due.get(&clock).map(|d| d.at.timestamp_millis())
}

/// The district's code, `region` for outside the city, `unknown` while it is not certain.
fn district(place: &Place) -> String {
    match (&place.district, place.in_city) {
        (Some(district), _) => district.clone(),
        (None, Some(false)) => REGION.to_owned(),
        (None, _) => UNKNOWN.to_owned(),
    }
}

fn priority(fold: &Fold, i: usize) -> String {
    let decided = fold.appeal.findings.get(i).and_then(|f| f.route.as_ref()).map(|r| r.priority.clone());
    let understood =
        || fold.appeal.understanding.as_ref().and_then(|u| u.findings.get(i)).map(|f| f.priority.clone());
    decided.or_else(understood).unwrap_or_else(|| UNKNOWN.to_owned())
}

fn bucket(finding: &FindingState) -> String {
    finding.route.as_ref().map_or_else(|| UNKNOWN.to_owned(), |r| r.bucket.clone())
}

fn write(
    connection: &Connection,
    id: AppealId,
    fold: &Fold,
    day: &str,
    record: &Recorded,
) -> Result<(), Failed> {
    let key = id.to_string();
    for sql in [
        "DELETE FROM appeal WHERE id = ?1",
        "DELETE FROM finding WHERE appeal = ?1",
        "DELETE FROM task WHERE appeal = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([&key])?;
    }
    row(connection, id, fold, day, record)?;
    for (i, finding) in (0_u16..).zip(&fold.appeal.findings) {
        write_finding(connection, &key, fold, FindingId(i), finding)?;
    }
    for (party, finding, why) in to_do(fold) {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO task(party, appeal, finding, why) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((party, &key, finding, why))?;
    }
    Ok(())
}

fn row(
    connection: &Connection,
    id: AppealId,
    fold: &Fold,
    day: &str,
    record: &Recorded,
) -> Result<(), Failed> {
    let appeal = &fold.appeal;
    let Some(registered) = &appeal.registered else { return Ok(()) };
    let main = appeal.findings.first();
    let public = appeal.public_state();
    let is_open = |f: &&FindingState| public.open && f.is_open();
    let nearest = appeal.findings.iter().filter(is_open).flat_map(|f| f.due.values().map(|d| d.at)).min();
    let overdue = appeal.findings.iter().filter(is_open).any(|f| !f.overdue.is_empty());
    connection
        .prepare_cached(
            "INSERT INTO appeal(id, number, opened, changed, changed_at, day, received_at, state, open, status,
               category, bucket, priority, district, party, channel, surface, contact, lang, danger, official, draft,
               reopened, reopen_requested, rated, corrected, problem, parent, due_at, legal_due_at, service_due_at, overdue,
               routed_at, told_at, answered_at, done_at, settled_at, messages, erased, search)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
               ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40)",
        )?
        .execute(rusqlite::params![
            id.to_string(),
            registered.number.as_str(),
            stored(fold.opened),
            stored(record.position),
            record.recorded_at.timestamp_millis(),
            day,
            registered.received_at.timestamp_millis(),
            appeal.state().code(),
            public.open,
            public.status,
            main.map_or(UNKNOWN, |f| &f.category),
            main.map_or_else(|| UNKNOWN.to_owned(), bucket),
            priority(fold, 0),
            main.map_or_else(|| UNKNOWN.to_owned(), |f| district(&f.place)),
            main.map_or(DESK, FindingState::party),
            registered.channel.code(),
            surface(registered.surface)?,
            registered.contact.to_string(),
            appeal.understanding.as_ref().map(|u| u.lang.code()),
            appeal.understanding.as_ref().is_some_and(|u| u.danger),
            appeal.official,
            registered.draft && !says_anything(appeal),
            appeal.reopened,
            appeal.reopen_requested,
            appeal.rated,
            fold.corrected,
            appeal.problem.map(|p| p.to_string()),
            registered.parent.map(|p| p.to_string()),
            ms(nearest),
            main.and_then(|f| due(f, Clock::Legal)),
            main.and_then(|f| due(f, Clock::Service)),
            overdue,
            ms(fold.routed_at),
            ms(fold.told_at),
            ms(fold.answered_at),
            ms(fold.done_at),
            ms(fold.settled_at),
            i64::try_from(appeal.messages.len()).unwrap_or(i64::MAX),
            appeal.erased,
            search(fold),
        ])?;
    Ok(())
}

fn surface(surface: zholdary_domain::inbound::Surface) -> Result<String, Failed> {
    match serde_json::to_value(surface) {
        Ok(Value::String(code)) => Ok(code),
        _ => Err(Failed::Poison("a surface that is no text".to_owned())),
    }
}

/// What everybody may search for: numbers and names of streets.
fn search(fold: &Fold) -> String {
    let appeal = &fold.appeal;
    let numbers = appeal.registered.iter().map(|r| r.number.as_str());
    let aliases = appeal.aliases.iter().map(zholdary_domain::Number::as_str);
    let places = appeal.findings.iter().map(|f| &f.place).flat_map(|p| {
        p.names.iter().chain(&p.from).chain(&p.to).chain(&p.settlement).chain(&p.highway).map(String::as_str)
    });
    let words: BTreeSet<String> = numbers.chain(aliases).chain(places).map(str::to_lowercase).collect();
    words.into_iter().collect::<Vec<_>>().join("\n")
}

fn write_finding(
    connection: &Connection,
    key: &str,
    fold: &Fold,
    id: FindingId,
    finding: &FindingState,
) -> Result<(), Failed> {
    let unwritable = |_| Failed::Poison("a finding does not serialise".to_owned());
    let bare = Place { house: None, point: None, ..finding.place.clone() };
    let house = finding.place.house.as_ref().map(Personal::reveal);
    let point = finding.place.point.as_ref().map(Personal::reveal);
    let known = (house.is_some() || point.is_some()) && !fold.appeal.erased;
    let understood = fold.appeal.understanding.as_ref().and_then(|u| u.findings.get(usize::from(id.0)));
    let overdue: Vec<_> = finding.overdue.iter().map(|clock| clock.code()).collect();
    connection
        .prepare_cached(
            "INSERT INTO finding(appeal, finding, category, priority, bucket, district, stage, open, queue, party,
               outside, legal_due_at, service_due_at, secure_due_at, overdue, confidence, place, personal_place, route)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .execute(rusqlite::params![
            key,
            id.0,
            finding.category,
            priority(fold, usize::from(id.0)),
            bucket(finding),
            district(&finding.place),
            fold.appeal.state_of(id).map_or("unknown", StateName::code),
            fold.appeal.state().is_open() && finding.is_open(),
            finding.party(),
            finding.route.as_ref().map_or(DESK, |r| &r.to),
            finding.route.as_ref().is_some_and(|r| r.outside),
            due(finding, Clock::Legal),
            due(finding, Clock::Service),
            due(finding, Clock::Secure),
            json!(overdue).to_string(),
            understood.map_or(0, |f| f.confidence.0),
            serde_json::to_string(&bare).map_err(unwritable)?,
            known.then(|| json!({ "house": house, "point": point }).to_string()),
            finding.route.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?,
        ])?;
    Ok(())
}

/// Whether anything was understood of it, by rules or by a person.
fn says_anything(appeal: &Appeal) -> bool {
    let main = appeal.understanding.as_ref().and_then(|understanding| understanding.findings.first());
    appeal.by_person || main.is_some_and(|main| main.confidence.0 > 0)
}

/// Whose turn it is, for which finding, and why. The single window also sees danger that others have.
fn to_do(fold: &Fold) -> Vec<(String, u16, &'static str)> {
    let appeal = &fold.appeal;
    if !appeal.state().is_open() {
        let asks = appeal.reopen_requested && !appeal.erased;
        return asks.then(|| (DESK.to_owned(), 0, "reopen_requested")).into_iter().collect();
    }
    if appeal.findings.is_empty() {
        let draft = appeal.registered.as_ref().is_some_and(|r| r.draft);
        return vec![(DESK.to_owned(), 0, if draft { "draft" } else { "new" })];
    }
    let danger = appeal.understanding.as_ref().is_some_and(|u| u.danger);
    let mut tasks = vec![];
    for (i, finding) in (0_u16..).zip(&appeal.findings).filter(|(_, f)| f.is_open()) {
        let party = finding.party();
        if danger {
            tasks.push((DESK.to_owned(), i, "danger"));
        }
        let why = match appeal.state_of(FindingId(i)) {
            _ if party != DESK => "task",
            Some(StateName::Asked) => "asked",
            Some(StateName::Refused) => "refused",
            _ => "desk",
        };
        // On the desk, danger came first and stays the reason.
        tasks.push((party.to_owned(), i, why));
    }
    tasks
}

/// Empties every line of the appeal and every message of it.
fn erase(connection: &Connection, id: AppealId) -> Result<(), Failed> {
    let mut statement = connection.prepare_cached(
        "SELECT position, seq, personal FROM timeline WHERE appeal = ?1 AND personal IS NOT NULL",
    )?;
    let lines = statement
        .query_map([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64, String)>>>()?;
    for (position, seq, taken) in lines {
        let taken = serde_json::from_str(&taken)
            .map_err(|_| Failed::Poison("an earlier line of its appeal does not read".to_owned()))?;
        connection
            .prepare_cached(
                "UPDATE timeline SET personal = ?4 WHERE appeal = ?1 AND position = ?2 AND seq = ?3",
            )?
            .execute((id.to_string(), position, seq, json!(personal::emptied(taken)).to_string()))?;
    }
    message::erase_of(connection, id)?;
    Ok(())
}
