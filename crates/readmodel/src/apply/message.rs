//! Messages: what was received or sent, and what became of it. The facts come in any order.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;
use zholdary_domain::{
    AppealId, MessageId, Personal, Position,
    inbound::{Channel, Content},
    message::{Event, Received},
    outgoing::{Outgoing, Trouble},
};
use zholdary_log::{Aggregate, Recorded};

use super::{Effects, Failed, file, stored};
use crate::query::View;

pub(super) fn apply(connection: &Connection, record: &Recorded) -> Result<Effects, Failed> {
    let id = record.stream.message().ok_or_else(|| Failed::Poison("its stream is no message".to_owned()))?;
    let row = Row { connection, id: id.to_string(), position: stored(record.position) };
    row.begin(record)?;
    let mut effects = Effects::of(&View::Messages);
    for event in <zholdary_log::streams::Messages as Aggregate>::decode(record)? {
        effects.events.push(row.take(&event)?);
    }
    effects.erased = row.erase_again()?;
    row.appeal(&mut effects)?;
    Ok(effects)
}

/// What is personal of a message is gone, in every message of `appeal`.
pub(super) fn erase_of(connection: &Connection, appeal: AppealId) -> rusqlite::Result<()> {
    erase(connection, "appeal = ?1", &appeal.to_string()).map(drop)
}

/// What is personal is gone from the messages that `which` names by `key`, and from what they said earlier. Says whether
/// there are such messages.
fn erase(connection: &Connection, which: &str, key: &str) -> rusqlite::Result<bool> {
    let now = format!(
        "UPDATE message SET erased = 1, name = NULL, phone = NULL, address = NULL, text = NULL, point = NULL,
           files = NULL, subject = NULL, quoted = NULL WHERE {which}"
    );
    let found = connection.prepare_cached(&now)?.execute([key])? > 0;
    let earlier = format!(
        "UPDATE earlier SET text = NULL, point = NULL, files = NULL
         WHERE message IN (SELECT id FROM message WHERE {which})"
    );
    connection.prepare_cached(&earlier)?.execute([key])?;
    for files in [
        format!("DELETE FROM alike WHERE message IN (SELECT id FROM message WHERE {which})"),
        format!("DELETE FROM alike WHERE other IN (SELECT id FROM message WHERE {which})"),
        format!("DELETE FROM file WHERE message IN (SELECT id FROM message WHERE {which})"),
    ] {
        connection.prepare_cached(&files)?.execute([key])?;
    }
    Ok(found)
}

/// `message` belongs to `appeal` from the record at `position` on: we told its resident something with it.
pub(super) fn link(
    connection: &Connection,
    message: MessageId,
    appeal: AppealId,
    position: Position,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE message SET appeal = ?2, changed = ?3 WHERE id = ?1 AND appeal IS NULL")?
        .execute((message.to_string(), appeal.to_string(), stored(position)))?;
    Ok(())
}

struct Row<'a> {
    connection: &'a Connection,
    id: String,
    position: i64,
}

impl Row<'_> {
    fn begin(&self, record: &Recorded) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO message(id, recorded_at, position, changed) VALUES (?1, ?2, ?3, ?3)
                 ON CONFLICT(id) DO UPDATE SET changed = excluded.changed",
            )?
            .execute((&self.id, record.recorded_at.timestamp_millis(), self.position))?;
        Ok(())
    }

    fn take(&self, event: &Event) -> Result<&'static str, Failed> {
        Ok(match event {
            Event::Received(received) => {
                self.received(received)?;
                "received"
            }
            Event::Edited { content, sent_at } => {
                self.edited(content, sent_at.timestamp_millis())?;
                "edited"
            }
            Event::Withdrawn { sent_at } => {
                self.set("withdrawn_at = ?2", sent_at.timestamp_millis())?;
                "withdrawn"
            }
            Event::Placed { appeal, opens, found } => {
                self.placed(*appeal, *opens, &code(found)?)?;
                "placed"
            }
            Event::SetAside { why, beside } => {
                self.set("outcome = ?2", code(why)?)?;
                self.set("appeal = coalesce(appeal, ?2)", beside.map(|appeal| appeal.to_string()))?;
                "set_aside"
            }
            // What goes to a party is told by its appeal. It stands in no thread: its link is for that party alone.
            Event::Sent { task: Some(_), channel, sent_at, .. } => {
                self.set("ours = 1, sent = 1, channel = ?2", channel.code())?;
                self.set("sent_at = ?2", sent_at.timestamp_millis())?;
                "sent"
            }
            Event::Sent { channel, answers, appeal, number, contact, sent_at, of, .. } => {
                self.set("ours = 1, channel = ?2", channel.code())?;
                self.set("sent_at = ?2", sent_at.timestamp_millis())?;
                self.set("contact = ?2", contact.map(|c| c.to_string()))?;
                self.set("answers = ?2", answers.map(|m| m.to_string()))?;
                self.forget_guess()?;
                self.set(
                    "sent = 1,
                     appeal = coalesce(appeal, ?2, (SELECT o.appeal FROM message o WHERE o.id = message.answers))",
                    // What answers nobody's message belongs to the appeal of the earlier system that it named.
                    appeal
                        .or_else(|| number.as_ref().filter(|_| answers.is_none()).map(AppealId::known_as))
                        .map(|appeal| appeal.to_string()),
                )?;
                self.set("carries = ?2", of.map(|of| of.to_string()))?;
                self.tell_what_it_carries()?;
                "sent"
            }
            Event::Echoed { sent_at, content, channel, surface, contact, answers, account: _ } => {
                self.set(
                    "ours = 1, echoed = 1, sent_at = coalesce(sent_at, ?2)",
                    sent_at.timestamp_millis(),
                )?;
                self.set("channel = coalesce(channel, ?2)", channel.map(Channel::code))?;
                self.set("surface = coalesce(surface, ?2)", surface.map(|s| code(&s)).transpose()?)?;
                self.set("contact = coalesce(contact, ?2)", contact.map(|c| c.to_string()))?;
                self.set("answers = coalesce(answers, ?2)", answers.map(|m| m.to_string()))?;
                self.content(content)?;
                "echoed"
            }
            // It is about a person, and stands in no appeal.
            Event::Told { .. } => "told",
            Event::Delivery { state, at, error, carries: _ } => {
                self.set("ours = 1, delivery = ?2", code(state)?)?;
                self.set("delivery_at = ?2", at.timestamp_millis())?;
                self.set("delivery_error = ?2", *error)?;
                self.tell_what_it_carries()?;
                "delivery"
            }
            Event::Queued(what) if what.task.is_some() => {
                self.set("ours = 1, delivery = 'queued', channel = ?2", what.channel.code())?;
                "queued"
            }
            Event::Queued(what) => {
                self.queued(what)?;
                "queued"
            }
            Event::Attempted { .. } => "attempted",
            Event::Taken { at, .. } => {
                self.way_out("sent", at, None)?;
                "taken"
            }
            Event::NotTaken { why, code, again_at, at } => {
                let state = match (why, again_at) {
                    (_, Some(_)) => "queued",
                    (Trouble::Needless, None) => "needless",
                    (_, None) => "failed",
                };
                self.way_out(state, at, *code)?;
                "not_taken"
            }
            Event::OutcomeUnknown { at } => {
                self.way_out("unknown", at, None)?;
                "outcome_unknown"
            }
            Event::FileKept(kept) => {
                file::kept(self.connection, &self.id, kept)?;
                "file_kept"
            }
            Event::FileMissing { of, why } => {
                file::missing(self.connection, &self.id, of, *why)?;
                "file_missing"
            }
            Event::WordsMissing { why } => {
                self.set("words_missing = ?2", why.code())?;
                "words_missing"
            }
        })
    }

    fn set(&self, assignments: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
        let sql = format!("UPDATE message SET {assignments} WHERE id = ?1");
        self.connection.prepare_cached(&sql)?.execute((&self.id, value))?;
        Ok(())
    }

    fn received(&self, received: &Received) -> Result<(), Failed> {
        let text = |of: &Option<Personal<String>>| of.as_ref().map(|p| p.reveal().clone());
        let edited: bool = self
            .connection
            .prepare_cached(
                "UPDATE message SET channel = ?2, surface = ?3, sent_at = ?4, contact = ?5, raw = ?6,
                   name = iif(erased, NULL, ?7), phone = iif(erased, NULL, ?8), address = iif(erased, NULL, ?9)
                 WHERE id = ?1 RETURNING edited_at IS NOT NULL",
            )?
            .query_row(
                (
                    &self.id,
                    received.channel.code(),
                    code(&received.surface)?,
                    received.sent_at.timestamp_millis(),
                    received.contact.to_string(),
                    &received.raw,
                    text(&received.name),
                    text(&received.phone),
                    text(&received.address),
                ),
                |row| row.get(0),
            )?;
        if received.letter.as_ref().is_some_and(|letter| letter.unverified) {
            self.set("unverified = ?2", true)?;
        }
        if edited {
            self.earlier(&received.content, received.sent_at.timestamp_millis())
        } else {
            self.content(&received.content)
        }
    }

    /// The last edit by the author's own time is what the message says; of two at once the later recorded. What it said
    /// before stays readable beside it.
    fn edited(&self, content: &Content, at: i64) -> Result<(), Failed> {
        let last: Option<i64> = self
            .connection
            .prepare_cached("SELECT edited_at FROM message WHERE id = ?1")?
            .query_row([&self.id], |row| row.get(0))?;
        if last.is_some_and(|last| at < last) {
            return self.earlier(content, at);
        }
        self.connection
            .prepare_cached(&format!(
                "{EARLIER} SELECT id, {NEXT}, coalesce(edited_at, sent_at), attachments, text, point, files FROM message
                 WHERE id = ?1 AND coalesce(edited_at, sent_at) IS NOT NULL"
            ))?
            .execute([&self.id])?;
        self.set("edited_at = ?2", at)?;
        self.content(content)
    }

    /// Keeps words that others have taken the place of.
    fn earlier(&self, content: &Content, at: i64) -> Result<(), Failed> {
        let Columns { attachments, text, point, files } = Columns::of(content)?;
        self.connection
            .prepare_cached(&format!(
                "{EARLIER} SELECT id, {NEXT}, ?2, ?3, iif(erased, NULL, ?4), iif(erased, NULL, ?5), iif(erased, NULL, ?6)
                 FROM message WHERE id = ?1"
            ))?
            .execute((&self.id, at, attachments, text, point, files))?;
        Ok(())
    }

    fn content(&self, content: &Content) -> Result<(), Failed> {
        let Columns { attachments, text, point, files } = Columns::of(content)?;
        self.connection
            .prepare_cached(
                "UPDATE message SET unsupported = ?2, button = ?3, attachments = ?4,
                   text = iif(erased, NULL, ?5), point = iif(erased, NULL, ?6), files = iif(erased, NULL, ?7),
                   subject = iif(erased, NULL, ?8), quoted = iif(erased, NULL, ?9)
                 WHERE id = ?1",
            )?
            .execute((
                &self.id,
                &content.unsupported,
                content.button.as_ref().map(|b| &b.id),
                attachments,
                text,
                point,
                files,
                content.subject.as_ref().map(|p| p.reveal()),
                content.quoted.as_ref().map(|p| p.reveal()),
            ))?;
        Ok(())
    }

    /// A message that we mean to send is known to its readers by its own stream.
    fn queued(&self, what: &Outgoing) -> Result<(), Failed> {
        self.connection
            .prepare_cached(
                "UPDATE message SET ours = 1, appeal = ?2, channel = ?3, surface = ?4, contact = ?5, 
                   delivery = coalesce(delivery, 'queued'), text = iif(erased, NULL, ?6) WHERE id = ?1",
            )?
            .execute((
                &self.id,
                what.appeal.map(|appeal| appeal.to_string()),
                what.channel.code(),
                code(&what.surface)?,
                what.contact.to_string(),
                what.text.reveal(),
            ))?;
        // What carries it may have told already how far it came.
        self.connection
            .prepare_cached(
                "UPDATE message SET delivery = carrier.delivery, delivery_at = carrier.delivery_at,
                   delivery_error = carrier.delivery_error
                 FROM (SELECT delivery, delivery_at, delivery_error FROM message
                       WHERE carries = ?1 AND delivery IS NOT NULL LIMIT 1) AS carrier
                 WHERE message.id = ?1",
            )?
            .execute([&self.id])?;
        Ok(())
    }

    fn way_out(&self, state: &str, at: &DateTime<Utc>, error: Option<i64>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE message SET delivery = ?2, delivery_at = ?3, delivery_error = ?4,
                   sent_at = iif(?2 = 'sent', ?3, sent_at) WHERE id = ?1",
            )?
            .execute((&self.id, state, at.timestamp_millis(), error))?;
        Ok(())
    }

    /// How far it came stands on the message that it carries, too.
    fn tell_what_it_carries(&self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE message SET delivery = carrier.delivery, delivery_at = carrier.delivery_at,
                   delivery_error = carrier.delivery_error, changed = ?2
                 FROM (SELECT carries, delivery, delivery_at, delivery_error FROM message WHERE id = ?1) AS carrier
                 WHERE message.id = carrier.carries AND carrier.delivery IS NOT NULL",
            )?
            .execute((&self.id, self.position))?;
        Ok(())
    }

    /// Where our message seemed to belong, before we said where.
    fn forget_guess(&self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE appeal SET changed = ?2
                 WHERE id = (SELECT m.appeal FROM message m WHERE m.id = ?1 AND m.found = 'outside')",
            )?
            .execute((&self.id, self.position))?;
        self.connection
            .prepare_cached(
                "UPDATE message SET appeal = NULL, outcome = NULL, found = NULL WHERE id = ?1 AND found = 'outside'",
            )?
            .execute([&self.id])?;
        Ok(())
    }

    fn placed(&self, appeal: AppealId, opens: bool, found: &str) -> rusqlite::Result<()> {
        let appeal = appeal.to_string();
        self.connection
            .prepare_cached(
                "UPDATE message SET outcome = 'placed', appeal = ?2, opens = ?3, found = ?4
                 WHERE id = ?1 AND NOT (sent AND ?4 = 'outside')",
            )?
            .execute((&self.id, &appeal, opens, found))?;
        self.connection
            .prepare_cached(
                "UPDATE message SET appeal = ?2, changed = ?3 WHERE answers = ?1 AND appeal IS NULL",
            )?
            .execute((&self.id, &appeal, self.position))?;
        Ok(())
    }

    /// Nothing personal comes back to an appeal that was erased: not with this message, nor with those that answer it.
    fn erase_again(&self) -> rusqlite::Result<bool> {
        erase(
            self.connection,
            "(id = ?1 OR answers = ?1)
             AND EXISTS (SELECT 1 FROM appeal a WHERE a.id = message.appeal AND a.erased = 1)",
            &self.id,
        )
    }

    /// Words of a message stand in its appeal and in queues.
    fn appeal(&self, effects: &mut Effects) -> Result<(), Failed> {
        let appeal: Option<String> = self
            .connection
            .prepare_cached("SELECT appeal FROM message WHERE id = ?1")?
            .query_row([&self.id], |row| row.get(0))?;
        let Some(appeal) = appeal else { return Ok(()) };
        let number: Option<String> = self
            .connection
            .prepare_cached("SELECT number FROM appeal WHERE id = ?1")?
            .query_row([&appeal], |row| row.get(0))
            .optional()?;
        effects.number = number.and_then(|n| n.parse().ok());
        let mut tasks =
            self.connection.prepare_cached("SELECT DISTINCT party FROM task WHERE appeal = ?1")?;
        for party in tasks.query_map([&appeal], |row| row.get(0))? {
            effects.views.insert(View::Queue(party?).to_string());
        }
        Ok(())
    }
}

const EARLIER: &str = "INSERT INTO earlier(message, seq, said_at, attachments, text, point, files)";
const NEXT: &str = "(SELECT count(*) FROM earlier e WHERE e.message = id)";

/// What a message says, as its columns.
struct Columns<'a> {
    attachments: String,
    text: Option<&'a String>,
    point: Option<String>,
    files: Option<String>,
}

impl<'a> Columns<'a> {
    fn of(content: &'a Content) -> Result<Self, Failed> {
        let labels: Vec<_> = content
            .attachments
            .iter()
            .map(|a| Ok(json!({ "kind": code(&a.kind)?, "media_type": a.media_type, "key": a.key() })))
            .collect::<Result<_, Failed>>()?;
        let files: Vec<_> = content
            .attachments
            .iter()
            .map(|a| {
                json!({
                    "external_id": a.external_id.as_ref().map(Personal::reveal),
                    "file_name": a.file_name.as_ref().map(Personal::reveal),
                })
            })
            .collect();
        Ok(Self {
            attachments: json!(labels).to_string(),
            text: content.text.as_ref().map(Personal::reveal),
            point: content.point.as_ref().map(|p| json!(p.reveal()).to_string()),
            files: (!files.is_empty()).then(|| json!(files).to_string()),
        })
    }
}

/// The code under which a value is recorded.
fn code(value: &impl serde::Serialize) -> Result<String, Failed> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => Ok(code),
        _ => Err(Failed::Poison("a code that is no text".to_owned())),
    }
}
