//! Files of messages: what is kept of them, and which other appeals have the same photo.

use std::collections::HashMap;

use rusqlite::OptionalExtension;
use zholdary_domain::{FileId, MessageId, Point, TakenAt};

use super::{
    Ask, Query,
    values::{count, json, parsed, small},
};
use crate::{
    error::Error,
    model::{CameraView, KeptView, Level, SamePhoto},
};

/// So far apart two near pictures may be taken, or told of, in metres, and still be the same case.
const NEAR_METRES: f64 = 200.0;

impl Query {
    /// What was made of the file of this name, whichever message has it; none while none is known to be kept.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn file(&self, file: FileId) -> Result<Option<KeptView>, Error> {
        self.ask(move |ask| {
            type Row = (String, Option<String>, Option<String>);
            let found: Option<Row> = ask
                .connection
                .prepare_cached("SELECT media_type, copy, thumbnail FROM file WHERE file = ?1 LIMIT 1")
                .and_then(|mut s| s.query_row([file.as_str()], |row| row.try_into()).optional())
                .map_err(Error::sqlite("read a file"))?;
            let name = |text: Option<String>| text.map(|t| parsed(&t, "the name of a file")).transpose();
            found
                .map(|(media_type, copy, thumbnail)| {
                    Ok(KeptView { media_type, copy: name(copy)?, thumbnail: name(thumbnail)? })
                })
                .transpose()
        })
        .await
        .map(|answer| answer.body)
    }
}

/// What is known of one file of a message.
#[derive(Default)]
pub(super) struct Known {
    pub(super) missing: Option<String>,
    pub(super) file: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) cut: bool,
    pub(super) camera: Option<CameraView>,
    pub(super) same_as: Vec<SamePhoto>,
}

/// What is known of the files of a message, by their keys.
pub(super) fn of_message(
    ask: &Ask<'_>,
    message: MessageId,
    level: Level,
) -> Result<HashMap<String, Known>, Error> {
    const READ: &str = "read files";
    let mut statement = ask
        .connection
        .prepare_cached(
            "SELECT key, missing, file, media_type, bytes, width, height, cut, taken_at, point FROM file WHERE message = ?1",
        )
        .map_err(Error::sqlite(READ))?;
    let mut rows = statement.query([message.to_string()]).map_err(Error::sqlite(READ))?;
    let mut known = HashMap::new();
    while let Some(row) = rows.next().map_err(Error::sqlite(READ))? {
        type Noted = (Option<String>, Option<String>);
        let read = || -> rusqlite::Result<(String, Known, Noted)> {
            let file = Known {
                missing: row.get(1)?,
                file: row.get(2)?,
                media_type: row.get(3)?,
                bytes: row.get::<_, Option<i64>>(4)?.map(count),
                width: row.get::<_, Option<i64>>(5)?.map(small),
                height: row.get::<_, Option<i64>>(6)?.map(small),
                cut: row.get(7)?,
                ..Known::default()
            };
            Ok((row.get(0)?, file, (row.get(8)?, row.get(9)?)))
        };
        let (key, mut file, (taken_at, point)) = read().map_err(Error::sqlite(READ))?;
        if level == Level::Operator {
            let taken_at: Option<TakenAt> =
                taken_at.map(|at| json(&at, "the time of a photo")).transpose()?;
            let point: Option<Point> = point.map(|p| json(&p, "a point")).transpose()?;
            if taken_at.is_some() || point.is_some() {
                file.camera = Some(CameraView { taken_at: taken_at.map(written), point });
            }
            file.same_as = same_as(ask, message, &key)?;
        }
        known.insert(key, file);
    }
    Ok(known)
}

/// As ISO 8601 has it: with the offset only when the camera knew it.
fn written(at: TakenAt) -> String {
    let local = at.local.format("%Y-%m-%dT%H:%M:%S");
    match at.offset_minutes {
        None => local.to_string(),
        Some(minutes) => {
            let (sign, far) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
            format!("{local}{sign}{:02}:{:02}", far / 60, far % 60)
        }
    }
}

/// Where a picture shows its scene: as its camera noted, else the point that came with it, else the place of its appeal's main finding.
const POINT: &str =
    "coalesce(f.point, m.point, (SELECT json_extract(d.personal_place, '$.point') FROM finding d
    WHERE d.appeal = m.appeal ORDER BY d.finding LIMIT 1))";

/// Other appeals that have the same photo, the last message first.
fn same_as(ask: &Ask<'_>, message: MessageId, key: &str) -> Result<Vec<SamePhoto>, Error> {
    const READ: &str = "look for the same photo";
    type Found = (String, bool, Option<String>, Option<String>);
    let own = format!(
        "(SELECT {POINT} FROM file f JOIN message m ON m.id = f.message WHERE f.message = l.message AND f.key = l.key)"
    );
    let sql = format!(
        "SELECT a.number, l.equal, {POINT}, {own} FROM alike l
         JOIN file f ON f.message = l.other AND f.key = l.other_key JOIN message m ON m.id = f.message
         JOIN appeal a ON a.id = m.appeal
         WHERE l.message = ?1 AND l.key = ?2 AND m.appeal IS NOT (SELECT appeal FROM message WHERE id = ?1)
         ORDER BY m.position DESC, a.number"
    );
    let read = || -> rusqlite::Result<Vec<Found>> {
        let mut statement = ask.connection.prepare_cached(&sql)?;
        statement.query_map((message.to_string(), key), |row| row.try_into())?.collect()
    };
    let mut same: Vec<SamePhoto> = vec![];
    for (number, equal, one, other) in read().map_err(Error::sqlite(READ))? {
        let point = |text: Option<String>| text.map(|p| json::<Point>(&p, "a point")).transpose();
        let apart = point(one)?.zip(point(other)?).map(|(one, other)| one.metres_to(other));
        if equal || apart.is_some_and(|metres| metres <= NEAR_METRES) {
            let found = SamePhoto { number: parsed(&number, "a number")?, equal };
            match same.iter_mut().find(|known| known.number == found.number) {
                Some(known) => known.equal |= equal,
                None => same.push(found),
            }
        }
    }
    Ok(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_s_time_is_written_as_far_as_it_is_known() {
        let local = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap().and_hms_opt(8, 51, 7).unwrap();
        for (offset_minutes, expected) in [
            (None, "2026-11-20T08:51:07"),
            (Some(300), "2026-11-20T08:51:07+05:00"),
            (Some(-210), "2026-11-20T08:51:07-03:30"),
        ] {
            assert_eq!(written(TakenAt { local, offset_minutes }), expected);
        }
    }
}
