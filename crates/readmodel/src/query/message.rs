//! Messages: what became of one, the thread of an appeal, and what waits for a person outside of any appeal.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;
use zholdary_domain::{AppealId, FileId, MessageId, Point, message::SetAside};

use super::{
    Ask, Query, View, file,
    values::{code, instant, json, parsed},
};
use crate::{
    error::Error,
    model::{Answer, EarlierView, FileView, Level, MessageOutcome, MessageView},
};

impl Query {
    /// What became of a message; none while no record tells of it.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn message(&self, message: MessageId) -> Result<Answer<Option<MessageOutcome>>, Error> {
        type Found = (Option<String>, Option<String>, bool, Option<String>, bool);
        self.ask(move |ask| {
            ask.keeps(&View::Message(message))?;
            let found: Option<Found> = ask
                .connection
                .prepare_cached(
                    "SELECT m.appeal, m.outcome, m.opens, a.number,
                            EXISTS (SELECT 1 FROM timeline t WHERE t.appeal = m.appeal
                                    AND t.event IN ('registered', 'message_added')
                                    AND json_extract(t.data, '$.message') = m.id)
                     FROM message m LEFT JOIN appeal a ON a.id = m.appeal WHERE m.id = ?1",
                )
                .and_then(|mut s| s.query_row([message.to_string()], |row| row.try_into()).optional())
                .map_err(Error::sqlite("read a message"))?;
            found
                .map(|(appeal, outcome, opens, number, joined)| {
                    Ok(MessageOutcome {
                        message,
                        appeal: appeal.map(|id| parsed(&id, "an appeal id")).transpose()?,
                        number: number.map(|n| parsed(&n, "a number")).transpose()?,
                        opens,
                        outcome,
                        joined,
                    })
                })
                .transpose()
        })
        .await
    }

    /// Messages that are part of no appeal for this reason, the last `limit` (1 to 200), the last first. For a person wait
    /// those that nobody could read, and those that said nothing until their author edited them. For operators.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn set_aside(&self, why: SetAside, limit: u32) -> Result<Answer<Vec<MessageView>>, Error> {
        self.ask(move |ask| {
            ask.keeps(&View::Messages)?;
            let sql = format!("{COLUMNS} WHERE {} ORDER BY position DESC, id LIMIT ?1", aside(why));
            messages(ask, &sql, [limit.clamp(1, 200)], Level::Operator)
        })
        .await
    }
}

/// As an index of the table says it, so that it is used.
const fn aside(why: SetAside) -> &'static str {
    match why {
        SetAside::ForPerson => {
            "(outcome = 'for_person' OR (outcome = 'no_appeal' AND edited_at IS NOT NULL))"
        }
        SetAside::NoAppeal => "outcome = 'no_appeal'",
        SetAside::Note => "outcome = 'note'",
        SetAside::Mailing => "outcome = 'mailing'",
    }
}

const COLUMNS: &str =
    "SELECT id, ours, channel, surface, sent_at, recorded_at, text, point, button, unsupported,
    attachments, files, edited_at, withdrawn_at, delivery, delivery_error, raw, contact, name, phone, address,
    subject, quoted, unverified, found = 'outside', nullif(outcome, 'placed'), words_missing FROM message";

/// The messages of an appeal, in the order they were recorded. Nothing for the public.
pub(super) fn thread(
    ask: &Ask<'_>,
    appeal: AppealId,
    level: Level,
) -> Result<Option<Vec<MessageView>>, Error> {
    if level == Level::Public {
        return Ok(None);
    }
    // What a resident's mail server answers by itself is nothing for a party.
    let notes = if level == Level::Operator { "" } else { "AND outcome IS NOT 'note'" };
    let sql = format!("{COLUMNS} WHERE appeal = ?1 AND carries IS NULL {notes} ORDER BY position, id");
    messages(ask, &sql, [appeal.to_string()], level).map(Some)
}

/// The last words of the resident.
pub(super) fn last_words(ask: &Ask<'_>, appeal: AppealId) -> rusqlite::Result<Option<String>> {
    ask.connection
        .prepare_cached(
            "SELECT text FROM message WHERE appeal = ?1 AND ours = 0 AND outcome IS NOT 'note' AND text IS NOT NULL AND withdrawn_at IS NULL
             ORDER BY position DESC, id LIMIT 1",
        )?
        .query_row([appeal.to_string()], |row| row.get(0))
        .optional()
}

#[derive(Deserialize)]
struct Label {
    kind: String,
    media_type: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize, Default)]
struct Personal {
    external_id: Option<String>,
    file_name: Option<String>,
}

fn messages(
    ask: &Ask<'_>,
    sql: &str,
    params: impl rusqlite::Params,
    level: Level,
) -> Result<Vec<MessageView>, Error> {
    const READ: &str = "read messages";
    let mut statement = ask.connection.prepare_cached(sql).map_err(Error::sqlite(READ))?;
    let mut rows = statement.query(params).map_err(Error::sqlite(READ))?;
    let mut found = vec![];
    while let Some(row) = rows.next().map_err(Error::sqlite(READ))? {
        found.push(message(ask, row, level)?);
    }
    Ok(found)
}

fn message(ask: &Ask<'_>, row: &Row<'_>, level: Level) -> Result<MessageView, Error> {
    struct Read {
        point: Option<String>,
        attachments: String,
        files: Option<String>,
        contact: Option<String>,
    }
    let operator = level == Level::Operator;
    let id: String = row.get(0).map_err(Error::sqlite("read messages"))?;
    let id = parsed(&id, "a message id")?;
    let read = || -> rusqlite::Result<(Read, MessageView)> {
        let view = MessageView {
            id,
            ours: row.get(1)?,
            channel: row.get(2)?,
            surface: row.get(3)?,
            sent_at: instant(row.get(4)?),
            recorded_at: instant(row.get(5)?).unwrap_or_default(),
            text: row.get(6)?,
            point: None,
            button: row.get(8)?,
            unsupported: row.get(9)?,
            files: vec![],
            edited_at: instant(row.get(12)?),
            earlier: vec![],
            withdrawn_at: instant(row.get(13)?),
            delivery: row.get(14)?,
            delivery_error: row.get(15)?,
            raw: row.get::<_, Option<String>>(16)?.filter(|_| operator),
            contact: None,
            name: row.get::<_, Option<String>>(18)?.filter(|_| operator),
            phone: row.get::<_, Option<String>>(19)?.filter(|_| operator),
            address: row.get::<_, Option<String>>(20)?.filter(|_| operator),
            subject: row.get(21)?,
            quoted: row.get::<_, Option<String>>(22)?.filter(|_| operator),
            unverified: row.get(23)?,
            outside: row.get::<_, Option<bool>>(24)?.unwrap_or_default(),
            aside: row.get(25)?,
            words_missing: row.get(26)?,
        };
        let read = Read {
            point: row.get(7)?,
            attachments: row.get(10)?,
            files: row.get(11)?,
            contact: row.get(17)?,
        };
        Ok((read, view))
    };
    let (read, mut view) = read().map_err(Error::sqlite("read messages"))?;
    view.point = read.point.map(|p| json(&p, "a point")).transpose()?;
    if operator {
        view.contact = read.contact.map(|c| code(&c, "a contact id")).transpose()?;
    }
    let known = file::of_message(ask, id, level)?;
    view.files = files(&read.attachments, read.files.as_deref(), &known, level)?;
    if view.edited_at.is_some() {
        view.earlier = earlier(ask, id, &known, level)?;
        // A platform tells of an edit when only the picture of a link changed: that says nothing new.
        let (now, versions) = (said(&view.text, view.point, &view.files), &mut view.earlier);
        // Who may not see what a file is called tells two that are not fetched yet from one another by nothing.
        let are_same = |one: Said<'_>, other: Said<'_>| {
            one == other && (operator || one.2.iter().all(|file| file.file.is_some()))
        };
        versions.dedup_by(|next, before| are_same(before.says(), next.says()));
        if versions.last().is_some_and(|last| are_same(last.says(), now)) {
            versions.pop();
        }
        if versions.is_empty() {
            view.edited_at = None;
        }
    }
    Ok(view)
}

type Said<'a> = (Option<&'a str>, Option<Point>, &'a [FileView]);

fn said<'a>(text: &'a Option<String>, point: Option<Point>, files: &'a [FileView]) -> Said<'a> {
    (text.as_deref(), point, files)
}

impl EarlierView {
    fn says(&self) -> Said<'_> {
        said(&self.text, self.point, &self.files)
    }
}

/// What a message said before it was edited, the first words first.
fn earlier(
    ask: &Ask<'_>,
    message: MessageId,
    known: &HashMap<String, file::Known>,
    level: Level,
) -> Result<Vec<EarlierView>, Error> {
    type Stored = (Option<i64>, Option<String>, Option<String>, String, Option<String>);
    let read = || -> rusqlite::Result<Vec<Stored>> {
        ask.connection
            .prepare_cached(
                "SELECT said_at, text, point, attachments, files FROM earlier WHERE message = ?1 ORDER BY said_at, seq",
            )?
            .query_map([message.to_string()], |row| row.try_into())?
            .collect()
    };
    let stored = read().map_err(Error::sqlite("read what a message said earlier"))?;
    stored
        .into_iter()
        .map(|(said_at, text, point, attachments, personal)| {
            Ok(EarlierView {
                said_at: instant(said_at).unwrap_or_default(),
                text,
                point: point.map(|p| json(&p, "a point")).transpose()?,
                files: files(&attachments, personal.as_deref(), known, level)?,
            })
        })
        .collect()
}

/// Files from their two columns, what they are and what is personal of them, and from what is known of each since.
fn files(
    labels: &str,
    personal: Option<&str>,
    known: &HashMap<String, file::Known>,
    level: Level,
) -> Result<Vec<FileView>, Error> {
    let labels: Vec<Label> = json(labels, "attachments")?;
    let mut personal: Vec<Personal> =
        personal.map(|f| json(f, "attachments")).transpose()?.unwrap_or_default();
    personal.resize_with(labels.len(), Personal::default);
    let operator = level == Level::Operator;
    let nothing = file::Known::default();
    let view = |(label, personal): (Label, Personal)| {
        let known = label.key.as_ref().and_then(|key| known.get(key)).unwrap_or(&nothing);
        // What came here itself is called by its bytes. Whoever may read the thread may see what is in it.
        let uploaded = || personal.external_id.clone().filter(|id| id.parse::<FileId>().is_ok());
        let file = if known.missing.is_some() { None } else { known.file.clone().or_else(uploaded) };
        FileView {
            kind: label.kind,
            media_type: known.media_type.clone().or(label.media_type),
            file,
            missing: known.missing.clone(),
            bytes: known.bytes,
            width: known.width,
            height: known.height,
            cut: known.cut,
            camera: known.camera.clone(),
            same_as: known.same_as.clone(),
            file_name: personal.file_name.filter(|_| operator),
            external_id: personal.external_id.filter(|_| operator),
        }
    };
    Ok(labels.into_iter().zip(personal).map(view).collect())
}
