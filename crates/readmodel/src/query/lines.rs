//! The history of an appeal as lines of words.

use serde_json::Value;
use zholdary_domain::{Position, appeal::Event};

use super::{
    Ask,
    values::{count, instant, json, small},
};
use crate::{
    error::Error,
    model::{Level, Line},
    personal,
    sentence::{self, Audience},
};

/// What happened to an appeal, as far as `level` may see it.
pub(super) fn history(ask: &Ask<'_>, appeal: &str, level: Level) -> Result<Vec<Line>, Error> {
    type Row = (i64, i64, i64, String, String, Option<String>);
    let read = || -> rusqlite::Result<Vec<Row>> {
        ask.connection
            .prepare_cached(
                "SELECT position, seq, at, by, data, personal FROM timeline WHERE appeal = ?1 ORDER BY position, seq",
            )?
            .query_map([appeal], |row| row.try_into())?
            .collect()
    };
    let mut lines = vec![];
    for (position, seq, at, by, data, personal) in read().map_err(Error::sqlite("read a history"))? {
        let mut data: Value = json(&data, "an event")?;
        let mut whole = data.clone();
        if let Some(personal) = personal {
            personal::put_back(&mut whole, json(&personal, "an event")?);
        }
        let event: Event = serde_json::from_value(whole).map_err(|_| Error::Damaged { what: "an event" })?;
        if level < sentence::least_level(&event) {
            continue;
        }
        let staff = level >= Level::Party;
        if level < Level::Operator {
            hide_people(&mut data);
        }
        lines.push(Line {
            position: Position(count(position)),
            seq: small(seq),
            at: instant(Some(at)).unwrap_or_default(),
            event: event.name().to_owned(),
            by: ask.names().actor(&by),
            text: sentence::of(&event, ask.names(), ask.rules.as_deref().map(|r| &r.city)),
            words: sentence::words(&event, if staff { Audience::Staff } else { Audience::Everybody }),
            data: staff.then_some(data),
        });
    }
    Ok(lines)
}

/// Takes out who wrote and which operator decided: parties see what is asked, not by whom.
fn hide_people(data: &mut Value) {
    if let Some(data) = data.as_object_mut() {
        data.remove("contact");
        if let Some(by) = data.get_mut("by").and_then(Value::as_object_mut) {
            by.remove("token");
        }
    }
}
