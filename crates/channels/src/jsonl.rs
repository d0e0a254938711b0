//! Lines of `zholdary ingest jsonl`: `{id, text, channel?, account?, contact?, sent_at?, point?, photos?, reply_to?}`, other
//! keys ignored. Without `contact` each line is a person of its own.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Map, Value};
use zholdary_domain::{Inbound, Point, inbound::Channel};

use crate::{
    Way,
    web::{self, Submission, SubmitError},
};

/// The account of lines that name none.
pub const DEFAULT_ACCOUNT: &str = "default";

/// Why a line cannot be taken, and what to change. Its words are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not JSON.
    #[error("not a JSON object: trouble at column {column}; write one object a line")]
    Json {
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A field is absent or of another shape.
    #[error("`{field}` must be {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// No time in the line and none given for such lines.
    #[error("the line has no `sent_at`: write one, or give a time for such lines with --at")]
    NoTime,
    /// What it says cannot be taken.
    #[error(transparent)]
    Submission(#[from] SubmitError),
}

/// The message that `line` is; `default_at` is the time of a line without `sent_at`.
///
/// # Errors
///
/// [`LineError`] says what to change.
pub fn line(line: &str, default_at: Option<DateTime<Utc>>) -> Result<Inbound, LineError> {
    let fields = Fields::read(line)?;
    let id = fields.id("id")?.ok_or(LineError::Field { field: "id", expected: "text or a number" })?;
    let way = match fields.text("channel")? {
        None => Way::of(Channel::Web),
        Some(name) => Way::named(name).ok_or(SubmitError::Channel)?,
    };
    let submission = Submission {
        text: fields.text("text")?.unwrap_or_default().to_owned(),
        channel: None,
        contact: fields.id("contact")?,
        point: fields.point("point")?,
        photos: fields.texts("photos")?,
    };
    let sent_at = fields.time("sent_at")?.or(default_at).ok_or(LineError::NoTime)?;
    let account = fields.id("account")?.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
    let message = web::message(&submission, way, &id, &account, fields.id("reply_to")?, sent_at)?;
    Ok(Inbound::Message(Box::new(message)))
}

/// The fields of one line, each read by itself, so that an error names it.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn read(line: &str) -> Result<Self, LineError> {
        // The message of the parser may quote the line; its column does not.
        serde_json::from_str(line.trim_start_matches('\u{FEFF}'))
            .map(Self)
            .map_err(|error| LineError::Json { column: error.column() })
    }

    fn given(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn take<T>(
        &self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, LineError> {
        let Some(value) = self.given(field) else { return Ok(None) };
        read(value).map(Some).ok_or(LineError::Field { field, expected })
    }

    pub(crate) fn text(&self, field: &'static str) -> Result<Option<&str>, LineError> {
        match self.given(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(LineError::Field { field, expected: "text" }),
        }
    }

    pub(crate) fn id(&self, field: &'static str) -> Result<Option<String>, LineError> {
        self.take(field, "text or a number", |value| match value {
            Value::String(id) if !id.trim().is_empty() => Some(id.trim().to_owned()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
    }

    pub(crate) fn time(&self, field: &'static str) -> Result<Option<DateTime<Utc>>, LineError> {
        self.take(field, "a time such as 2026-11-20T09:00:00+05:00", |value| {
            let at = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
            Some(at.with_timezone(&Utc).trunc_subsecs(3))
        })
    }

    fn point(&self, field: &'static str) -> Result<Option<Point>, LineError> {
        self.take(field, "{\"lon\": 76.92, \"lat\": 43.24} or [lon, lat], in degrees", web::point)
    }

    fn texts(&self, field: &'static str) -> Result<Vec<String>, LineError> {
        let texts = self.take(field, "a list of texts", |value| {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        })?;
        Ok(texts.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::inbound::{InboundMessage, Join, Surface};
    use zholdary_testkit::at;

    use super::*;

    const NOON: &str = "2026-11-20T12:00:00+05:00";

    fn read(json: &str) -> InboundMessage {
        match line(json, Some(at(NOON))) {
            Ok(Inbound::Message(message)) => *message,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_line_becomes_a_message() {
        let message = read(
            r#"{"id":7,"text":"яма","channel":"facebook_comment","account":"p1","contact":5000000101,
                "sent_at":"2026-11-20T09:00:00+05:00","reply_to":"c1","lang":"ru"}"#,
        );
        assert_eq!(message.id.channel, Channel::Facebook);
        assert_eq!(message.id.account, "p1");
        assert_eq!(message.id.external_id, "7".to_owned().into());
        assert_eq!((message.surface, message.join), (Surface::Comment, Join::ParentAndAuthor));
        assert_eq!(message.sender.unwrap().keys, ["5000000101".to_owned().into()]);
        assert_eq!(message.reply_to, Some("c1".to_owned().into()));
        assert_eq!(message.sent_at, at("2026-11-20T09:00:00+05:00"));
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let message = read(r#"{"id":"s01","text":"яма","sent_at":null}"#);
        assert_eq!((message.id.channel, message.id.account.as_str()), (Channel::Web, DEFAULT_ACCOUNT));
        assert_eq!((message.sender, message.sent_at), (None, at(NOON)));
    }

    #[test]
    fn what_cannot_be_taken_is_said_without_its_words() {
        for (json, expected) in [
            ("", "not a JSON object"),
            (r#"["яма"]"#, "not a JSON object"),
            (r#"{"id":"a","text":"яма""#, "not a JSON object"),
            (r#"{"text":"яма"}"#, "`id` must be text or a number"),
            (r#"{"id":"a","text":["яма"]}"#, "`text` must be text"),
            (r#"{"id":"a","text":"яма","sent_at":"вчера"}"#, "`sent_at` must be a time"),
            (r#"{"id":"a","text":"яма","point":"Абая"}"#, "`point` must be"),
            (r#"{"id":"a","text":"яма","channel":"fax"}"#, "`channel` is not one of"),
            (r#"{"id":"a","text":""}"#, "the appeal is empty"),
        ] {
            let said = line(json, Some(at(NOON))).unwrap_err().to_string();
            assert!(said.contains(expected) && !said.contains("яма") && !said.contains("вчера"), "{said}");
        }
        assert_eq!(line(r#"{"id":"a","text":"яма"}"#, None), Err(LineError::NoTime));
    }
}
