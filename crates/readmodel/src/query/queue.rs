//! A party's queue, in the order in which it should be worked.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::{AppealId, inbound::Channel};

use super::{
    Ask, Query, View, appeal,
    appeals::StoredPlace,
    message,
    values::{instant, parsed, small},
};
use crate::{
    city::UNKNOWN,
    error::Error,
    model::{Answer, FindingView, Level, PlaceView, Queue, QueueReason, Task},
};

impl Query {
    /// The queue of `party` as it should be worked at `now` (UTC; asked as of an earlier moment, then): danger, then service time passed, then the nearest of reply and
    /// service time, then number. At most `limit` rows (1 to 1000); the counts are of all.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn queue(
        &self,
        party: &str,
        level: Level,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Answer<Queue>, Error> {
        let party = party.to_owned();
        self.ask(move |ask| {
            ask.keeps(&View::Queue(party.clone()))?;
            let mut tasks = tasks(ask, &party, level, ask.moment(now))?;
            tasks.sort_by(|a, b| order(a).cmp(&order(b)));
            let total = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
            let mut by_why = BTreeMap::new();
            for task in &tasks {
                *by_why.entry(task.why.clone()).or_insert(0) += 1;
            }
            tasks.truncate(limit.clamp(1, 1000) as usize);
            if level >= Level::Party {
                for task in &mut tasks {
                    task.words = message::last_words(ask, task.appeal).map_err(Error::sqlite(READ))?;
                }
            }
            Ok(Queue { party: ask.names().party(&party), total, by_why, tasks })
        })
        .await
    }
}

const READ: &str = "read a queue";

fn nearest(task: &Task) -> Option<DateTime<Utc>> {
    let secure = task.secure_due_at.filter(|_| task.danger);
    [task.reply_due_at, task.service_due_at, secure].into_iter().flatten().min()
}

/// The order of the queue: it depends on nothing else, so that rows do not change places without a reason.
fn order(task: &Task) -> (bool, bool, DateTime<Utc>, &str, u16) {
    let nearest = nearest(task).unwrap_or(DateTime::<Utc>::MAX_UTC);
    (!task.danger, !task.service_passed, nearest, task.number.as_str(), task.finding)
}

/// The row of the queue that a finding is; an appeal without findings is a row too.
fn tasks(ask: &Ask<'_>, party: &str, level: Level, now: DateTime<Utc>) -> Result<Vec<Task>, Error> {
    let sql = format!(
        "SELECT a.id, a.number, a.danger, a.channel, a.lang, a.received_at, a.told_at, a.answered_at, a.messages,
                a.problem, a.priority, a.state, t.why, t.finding, f.appeal, a.district, f.district, {}
         FROM task t JOIN appeal a ON a.id = t.appeal
         LEFT JOIN finding f ON f.appeal = t.appeal AND f.finding = t.finding
         WHERE t.party = ?1",
        appeal::FINDING
    );
    let mut statement = ask.connection.prepare_cached(&sql).map_err(Error::sqlite(READ))?;
    let mut rows = statement.query([party]).map_err(Error::sqlite(READ))?;
    let mut tasks = vec![];
    while let Some(row) = rows.next().map_err(Error::sqlite(READ))? {
        let text = |i: usize| row.get::<_, String>(i).map_err(Error::sqlite(READ));
        let maybe = |i: usize| row.get::<_, Option<String>>(i).map_err(Error::sqlite(READ));
        let at = |i: usize| row.get::<_, Option<i64>>(i).map(instant).map_err(Error::sqlite(READ));
        let found = match maybe(14)? {
            Some(_) => appeal::finding(ask, row, 17, level)?,
            None => nothing_yet(ask, text(11)?),
        };
        let id: AppealId = parsed(&text(0)?, "an appeal id")?;
        let received_at = at(5)?.unwrap_or_default();
        let heard = at(6)?.is_some() || at(7)?.is_some();
        let service_due_at = found.service_due_at.filter(|_| found.open);
        let service_passed = found.open
            && (found.overdue.iter().any(|clock| clock == "service")
                || service_due_at.is_some_and(|due| due <= now));
        let mut task = Task {
            appeal: id,
            number: parsed(&text(1)?, "a number")?,
            finding: u16::try_from(row.get::<_, i64>(13).map_err(Error::sqlite(READ))?).unwrap_or(u16::MAX),
            why: text(12)?,
            order: QueueReason::InTurn,
            state: found.state,
            district: ask.names().district(&maybe(16)?.map_or_else(|| text(15), Ok)?),
            category: found.category,
            priority: found.priority,
            party: found.party,
            place: found.place,
            because: found.because,
            confidence: found.confidence,
            candidates: found.candidates,
            danger: row.get(2).map_err(Error::sqlite(READ))?,
            channel: Channel::from_code(&text(3)?).ok_or(Error::Damaged { what: "a channel" })?,
            lang: maybe(4)?,
            received_at,
            reply_due_at: if heard { found.legal_due_at } else { first_reply(ask, &text(10)?, received_at) },
            legal_due_at: found.legal_due_at,
            service_due_at,
            secure_due_at: found.secure_due_at,
            service_passed,
            messages: small(row.get(8).map_err(Error::sqlite(READ))?),
            voices: appeal::voices(ask, &text(0)?, maybe(9)?.as_deref()).map_err(Error::sqlite(READ))?,
            words: None,
        };
        task.order = reason(&task);
        tasks.push(task);
    }
    Ok(tasks)
}

fn reason(task: &Task) -> QueueReason {
    match (task.reply_due_at, task.service_due_at) {
        _ if task.danger => QueueReason::Danger,
        _ if task.service_passed => QueueReason::ServicePassed,
        (None, None) => QueueReason::InTurn,
        (Some(reply), Some(service)) if service < reply => QueueReason::Service,
        (None, Some(_)) => QueueReason::Service,
        (Some(_), _) => QueueReason::Reply,
    }
}

/// Until when the resident should hear from us first, by the priority.
fn first_reply(ask: &Ask<'_>, priority: &str, received_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let priorities = &ask.rules.as_ref()?.city.priorities;
    // Not understood yet: as if it were of the most urgent kind that is no emergency.
    let found = priorities.iter().find(|p| p.code == priority).or_else(|| priorities.get(1))?;
    received_at.checked_add_signed(TimeDelta::minutes(i64::from(found.first_reply_min)))
}

fn nothing_yet(ask: &Ask<'_>, state: String) -> FindingView {
    let place = StoredPlace::default();
    let names = ask.names();
    FindingView {
        finding: 0,
        category: names.category(UNKNOWN),
        priority: names.priority(UNKNOWN),
        state,
        open: true,
        queue: names.party(zholdary_domain::appeal::DESK),
        party: names.party(zholdary_domain::appeal::DESK),
        outside: false,
        place: PlaceView {
            kind: "none".to_owned(),
            yard: false,
            names: place.names,
            from: None,
            to: None,
            district: None,
            settlement: None,
            highway: None,
            house: None,
            point: None,
        },
        because: None,
        rule: None,
        rules: None,
        inputs: BTreeMap::new(),
        candidates: vec![],
        copies: vec![],
        confidence: 0.0,
        legal_due_at: None,
        service_due_at: None,
        secure_due_at: None,
        overdue: vec![],
    }
}
