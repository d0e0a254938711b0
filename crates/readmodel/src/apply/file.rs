//! Files of messages: what is kept of them, what is not, and which pictures show the same.

use rusqlite::Connection;
use zholdary_domain::{FileKey, KeptFile, Missing, Personal};
use zholdary_media::Print;

/// As long before or after another picture may be sent and still be taken for the same scene, in milliseconds: 30 days. The same bytes
/// are the same photo whenever they come.
const NEAR_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A file of `message` is kept. Nothing of one whose people were erased.
pub(super) fn kept(connection: &Connection, message: &str, kept: &KeptFile) -> rusqlite::Result<()> {
    let picture = kept.picture.as_ref();
    let json = |value: Option<serde_json::Value>| value.map(|value| value.to_string());
    let point = picture.and_then(|p| p.point.as_ref()).map(Personal::reveal);
    let taken_at = picture.and_then(|p| p.taken_at.as_ref()).map(Personal::reveal);
    let new = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO file(message, key, sent_at, file, media_type, bytes, width, height, cut, copy, thumbnail,
               print, taken_at, point)
             SELECT id, ?2, coalesce(sent_at, recorded_at), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 FROM message
             WHERE id = ?1 AND NOT erased",
        )?
        .execute(rusqlite::params![
            message,
            kept.of.as_str(),
            kept.file.as_str(),
            kept.media_type,
            i64::try_from(kept.bytes).unwrap_or(i64::MAX),
            picture.map(|p| p.width),
            picture.map(|p| p.height),
            picture.is_some_and(|p| p.cut),
            picture.and_then(|p| p.copy.as_ref()).map(|id| id.as_str()),
            picture.and_then(|p| p.thumbnail.as_ref()).map(|id| id.as_str()),
            picture.and_then(|p| p.print.as_deref()),
            json(taken_at.map(|at| serde_json::json!(at))),
            json(point.map(|point| serde_json::json!(point))),
        ])?;
    if new > 0 && picture.is_some() { alike(connection, message, kept) } else { Ok(()) }
}

/// A file of `message` will not come.
pub(super) fn missing(
    connection: &Connection,
    message: &str,
    of: &FileKey,
    why: Missing,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO file(message, key, sent_at, missing)
             SELECT id, ?2, coalesce(sent_at, recorded_at), ?3 FROM message WHERE id = ?1 AND NOT erased",
        )?
        .execute((message, of.as_str(), why.code()))?;
    Ok(())
}

/// Notes the pictures of other messages that show the same, for both sides.
fn alike(connection: &Connection, message: &str, kept: &KeptFile) -> rusqlite::Result<()> {
    type Other = (String, String, String, Option<String>);
    let others: Vec<Other> = connection
        .prepare_cached(
            "SELECT o.message, o.key, o.file, o.print FROM file own, file o
             WHERE own.message = ?1 AND own.key = ?2 AND o.message <> ?1 AND o.file = own.file
             UNION
             SELECT o.message, o.key, o.file, o.print FROM file own, file o
             WHERE own.message = ?1 AND own.key = ?2 AND o.message <> ?1 AND o.print IS NOT NULL
               AND o.sent_at BETWEEN own.sent_at - ?3 AND own.sent_at + ?3",
        )?
        .query_map((message, kept.of.as_str(), NEAR_MS), |row| row.try_into())?
        .collect::<rusqlite::Result<_>>()?;
    let read = |print: &str| print.parse::<Print>().ok();
    let own = kept.picture.as_ref().and_then(|picture| read(picture.print.as_deref()?));
    let mut add = connection.prepare_cached(
        "INSERT OR IGNORE INTO alike(message, key, other, other_key, equal) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (other, key, file, print) in others {
        let equal = file == kept.file.as_str();
        let near = own.zip(print.as_deref().and_then(read)).is_some_and(|(own, other)| own.is_near(&other));
        if equal || near {
            add.execute((message, kept.of.as_str(), &other, &key, equal))?;
            add.execute((&other, &key, message, kept.of.as_str(), equal))?;
        }
    }
    Ok(())
}
