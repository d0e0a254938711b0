//! Lists of appeals: newest first, page by page.

use rusqlite::{Row, ToSql};
use zholdary_domain::inbound::Channel;

use super::{
    Ask, Query, View,
    figures::beside_the_report,
    values::{code, instant, json, parsed, small},
};
use crate::{
    city::{NO_GROUP, UNKNOWN},
    error::Error,
    model::{Answer, AppealFilter, Card, Level, Page},
};

impl Query {
    /// Appeals that pass `filter`, the newest first. Pages stay apart while new ones come. Words are searched only on
    /// [`Level::Operator`].
    ///
    /// # Errors
    ///
    /// [`Error::BadCursor`] when `after` is nothing that we gave out; else [`Error`].
    pub async fn appeals(&self, filter: AppealFilter, level: Level) -> Result<Answer<Page<Card>>, Error> {
        self.ask(move |ask| {
            ask.keeps(&View::Appeals)?;
            if level == Level::Operator && filter.q.is_some() {
                ask.keeps(&View::Messages)?;
            }
            page(ask, &filter, level)
        })
        .await
    }
}

/// What [`card`] reads, of the table `a`.
pub(super) const COLUMNS: &str =
    "a.id, a.number, a.open, a.status, a.state, a.category, a.bucket, a.priority,
    a.district, a.party, a.channel, a.danger, a.official, a.reopened, a.overdue, a.rated, a.received_at,
    a.changed_at, a.settled_at, a.due_at, a.legal_due_at, a.service_due_at, a.messages,
    (SELECT f.place FROM finding f WHERE f.appeal = a.id AND f.finding = 0), a.opened";

/// The filter's conditions over the table `a`.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    pub(super) fn and(&mut self, sql: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        self.sql.push(sql.replace('?', &format!("?{}", self.values.len())));
    }

    /// `column` is one of these codes.
    pub(super) fn and_one_of<'a>(&mut self, column: &str, codes: impl Iterator<Item = &'a str>) {
        let codes: Vec<&str> = codes.collect();
        let sql = format!("{column} IN (SELECT value FROM json_each(?))");
        self.and(&sql, serde_json::json!(codes).to_string());
    }

    fn and_is(&mut self, sql: &str) {
        self.sql.push(sql.to_owned());
    }

    pub(super) fn sql(&self) -> String {
        if self.sql.is_empty() { "1".to_owned() } else { self.sql.join(" AND ") }
    }

    pub(super) fn values(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(|value| &**value as &dyn ToSql).collect()
    }
}

/// A party has a finding, holds it in its queue, or has a copy of it.
const CONCERNS: &str = "? IN (
    SELECT f.party FROM finding f WHERE f.appeal = a.id
    UNION ALL SELECT f.queue FROM finding f WHERE f.appeal = a.id
    UNION ALL SELECT c.value FROM finding f, json_each(f.route, '$.copies') c WHERE f.appeal = a.id)";

/// What the report counts beside the groups, and the rows that it counts.
const COUNTED: [(&str, &str); 5] = [
    ("answered", "a.answered_at IS NOT NULL"),
    ("done", "a.done_at IS NOT NULL"),
    ("yes", "a.rated = 1"),
    ("no", "a.rated = 0"),
    ("corrected", "a.corrected = 1"),
];

/// The codes that [`AppealFilter::had`] takes.
pub const HAD: [&str; COUNTED.len()] = {
    let mut codes = [""; COUNTED.len()];
    let mut i = 0;
    while i < codes.len() {
        codes[i] = COUNTED[i].0;
        i += 1;
    }
    codes
};

fn conditions(ask: &Ask<'_>, filter: &AppealFilter, level: Level) -> Conditions {
    let mut all = Conditions::default();
    let mut bucket = filter.bucket.as_ref();
    if bucket.is_some_and(|code| code == NO_GROUP) {
        all.and_one_of("a.bucket", std::iter::once(UNKNOWN).chain(beside_the_report(ask)));
        bucket = None;
    }
    if let Some(asked) = &filter.had {
        all.and_is(COUNTED.iter().find(|(code, _)| code == asked).map_or("0", |(_, sql)| *sql));
    }
    match filter.state.as_deref() {
        None => {}
        Some("open") => all.and_is("a.open = 1"),
        Some("closed") => all.and_is("a.open = 0"),
        Some("overdue") => all.and_is("a.open = 1 AND a.overdue = 1"),
        Some("danger") => all.and_is("a.open = 1 AND a.danger = 1"),
        Some(state) => all.and("a.state = ?", state.to_owned()),
    }
    let columns = [
        ("a.category = ?", &filter.category),
        ("a.district = ?", &filter.district),
        ("a.party = ?", &filter.party),
        (CONCERNS, &filter.concerns),
        ("a.day >= ?", &filter.from),
        ("a.day <= ?", &filter.to),
    ];
    if let Some(bucket) = bucket {
        all.and("a.bucket = ?", bucket.clone());
    }
    if let Some(channels) = &filter.channel {
        all.and_one_of("a.channel", channels.split(','));
    }
    for (sql, value) in columns {
        if let Some(value) = value.clone() {
            all.and(sql, value);
        }
    }
    let words = filter.q.as_deref().map(|q| q.trim().to_lowercase()).filter(|q| !q.is_empty());
    if let Some(words) = words {
        // A number is typed in many ways.
        let words = words.parse::<zholdary_domain::Number>().map_or(words, |n| n.as_str().to_lowercase());
        if level == Level::Operator {
            all.and(
                "(instr(a.search, ?) OR EXISTS (SELECT 1 FROM message m WHERE m.appeal = a.id
                  AND instr(lowered(m.text), ?)))",
                words,
            );
        } else {
            all.and("instr(a.search, ?)", words);
        }
    }
    all
}

fn page(ask: &Ask<'_>, filter: &AppealFilter, level: Level) -> Result<Page<Card>, Error> {
    const READ: &str = "list appeals";
    let mut all = conditions(ask, filter, level);
    if let Some(after) = &filter.after {
        let opened: i64 = after.parse().map_err(|_| Error::BadCursor)?;
        all.and("a.opened < ?", opened);
    }
    let limit = filter.limit.unwrap_or(50).clamp(1, 200) as usize;
    let sql = format!(
        "SELECT {COLUMNS} FROM appeal a WHERE {} ORDER BY a.opened DESC LIMIT {}",
        all.sql(),
        limit + 1
    );
    let mut statement = ask.connection.prepare(&sql).map_err(Error::sqlite(READ))?;
    let mut rows = statement.query(all.values().as_slice()).map_err(Error::sqlite(READ))?;
    let (mut items, mut next, mut last) = (vec![], None, 0_i64);
    while let Some(row) = rows.next().map_err(Error::sqlite(READ))? {
        if items.len() == limit {
            next = Some(last.to_string());
            break;
        }
        last = row.get(24).map_err(Error::sqlite(READ))?;
        items.push(card(ask, row)?);
    }
    Ok(Page { items, next })
}

/// What the projector wrote of a place, without what is personal.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct StoredPlace {
    pub(super) kind: String,
    pub(super) yard: bool,
    pub(super) names: Vec<String>,
    pub(super) district: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) settlement: Option<String>,
    pub(super) highway: Option<String>,
}

pub(super) fn card(ask: &Ask<'_>, row: &Row<'_>) -> Result<Card, Error> {
    const READ: &str = "read an appeal";
    let text = |i: usize| row.get::<_, String>(i).map_err(Error::sqlite(READ));
    let flag = |i: usize| row.get::<_, bool>(i).map_err(Error::sqlite(READ));
    let at = |i: usize| row.get::<_, Option<i64>>(i).map(instant).map_err(Error::sqlite(READ));
    let names = ask.names();
    let place: Option<String> = row.get(23).map_err(Error::sqlite(READ))?;
    let place: StoredPlace = place.map(|p| json(&p, "a place")).transpose()?.unwrap_or_default();
    Ok(Card {
        id: parsed(&text(0)?, "an appeal id")?,
        number: parsed(&text(1)?, "a number")?,
        open: flag(2)?,
        status: names.status(&text(3)?),
        state: code(&text(4)?, "a state")?,
        category: names.category(&text(5)?),
        bucket: text(6)?,
        priority: names.priority(&text(7)?),
        district: names.district(&text(8)?),
        party: names.party(&text(9)?),
        channel: Channel::from_code(&text(10)?).ok_or(Error::Damaged { what: "a channel" })?,
        places: place.names,
        danger: flag(11)?,
        official: flag(12)?,
        reopened: flag(13)?,
        overdue: flag(14)?,
        rated: row.get(15).map_err(Error::sqlite(READ))?,
        received_at: at(16)?.unwrap_or_default(),
        changed_at: at(17)?.unwrap_or_default(),
        settled_at: at(18)?,
        due_at: at(19)?,
        legal_due_at: at(20)?,
        service_due_at: at(21)?,
        messages: small(row.get(22).map_err(Error::sqlite(READ))?),
    })
}
