//! The public form and the API: `POST /api/v1/appeals`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zholdary_domain::{
    Inbound, Personal, Point,
    inbound::{Attachment, Channel, Content, InboundMessage, MediaKind, MessageRef, Sender},
};

use crate::{Limits, Way, keys::contact_key, text};

/// An appeal as somebody submits it, for himself or for a resident who called or came. It prints without its words.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct Submission {
    /// What it says. May be empty when there is a point or a photo.
    #[serde(default)]
    pub text: String,
    /// Where the resident spoke: a channel's code or a way's name (`web`, `meeting`, `phone`, `instagram_comment`). Default
    /// `web`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Phone, mail address or the channel's own id of the resident. Without it the message is a person of its own.
    #[serde(default)]
    pub contact: Option<String>,
    /// Where it is: `{"lon": 76.92, "lat": 43.24}` or `[76.92, 43.24]`.
    #[serde(default, deserialize_with = "point_or_none")]
    pub point: Option<Point>,
    /// Names under which the photos are kept or can be fetched.
    #[serde(default)]
    pub photos: Vec<String>,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Why a submission cannot be taken, and what to change. Its words are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Nothing to register.
    #[error("the appeal is empty: say what happened in `text`, or give a `point` or `photos`")]
    Empty,
    /// The text would have to be cut.
    #[error("`text` is longer than {0} characters: shorten it")]
    TooLong(usize),
    /// No such channel.
    #[error("`channel` is not one of: {}, instagram_comment, facebook_comment", codes())]
    Channel,
    /// No key of a person.
    #[error(
        "`contact` is empty, too long or holds control characters: give a phone, a mail address or leave it out"
    )]
    Contact,
    /// No phone that can be called.
    #[error(
        "`phone` is no number that exists: give it as +7 701 123 45 67 or 8 701 123 45 67, or leave it out"
    )]
    Phone,
    /// No name of a photo.
    #[error("`photos` are at most {MAX_PHOTOS} names of 1 to 512 bytes")]
    Photos,
    /// No name of a message.
    #[error("the key of the message must have 1 to 512 bytes")]
    Key,
}

/// The most photos of one submission.
pub const MAX_PHOTOS: usize = 20;

fn codes() -> String {
    Channel::ALL.map(Channel::code).join(", ")
}

/// The message that `submission` is. `key` names it within `account` (an `Idempotency-Key`, a random id, a line's id), so that
/// the same submission sent twice is one message; `at` is when it came.
///
/// # Errors
///
/// [`SubmitError`] says what to change.
pub fn submit(
    submission: &Submission,
    key: &str,
    account: &str,
    at: DateTime<Utc>,
) -> Result<Inbound, SubmitError> {
    let way = match submission.channel.as_deref() {
        None => Way::of(Channel::Web),
        Some(name) => Way::named(name).ok_or(SubmitError::Channel)?,
    };
    // Who submits can still be told; a line of a file is cut and stays whole in its raw bytes.
    let limit = Limits::default().text_chars;
    if submission.text.chars().count() > limit {
        return Err(SubmitError::TooLong(limit));
    }
    message(submission, way, key, account, None, at).map(|message| Inbound::Message(Box::new(message)))
}

/// The message of `submission`, come by `way`.
pub(crate) fn message(
    submission: &Submission,
    way: Way,
    key: &str,
    account: &str,
    reply_to: Option<String>,
    sent_at: DateTime<Utc>,
) -> Result<InboundMessage, SubmitError> {
    let limits = Limits::default();
    let names = |text: &str| (1..=Limits::ID_BYTES).contains(&text.len());
    if !names(key) {
        return Err(SubmitError::Key);
    }
    if submission.photos.len() > MAX_PHOTOS || !submission.photos.iter().all(|photo| names(photo)) {
        return Err(SubmitError::Photos);
    }
    let text = text::clean(&submission.text, limits.text_chars);
    if text.is_none() && submission.point.is_none() && submission.photos.is_empty() {
        return Err(SubmitError::Empty);
    }
    let contact = submission.contact.as_deref();
    let contact = contact.map(|c| contact_key(way.channel, c).ok_or(SubmitError::Contact)).transpose()?;
    let photo = |name: &String| Attachment {
        kind: MediaKind::Image,
        external_id: Some(name.clone().into()),
        url: None,
        media_type: None,
        file_name: None,
    };
    Ok(InboundMessage {
        id: MessageRef {
            channel: way.channel,
            account: account.to_owned(),
            external_id: key.to_owned().into(),
        },
        surface: way.surface,
        sender: contact.map(|contact| sender(way.channel, contact)),
        content: Content {
            text: text.map(Personal::new),
            attachments: submission.photos.iter().map(photo).collect(),
            point: submission.point.map(Personal::new),
            ..Content::default()
        },
        reply_to: reply_to.map(Personal::new),
        join: way.join,
        album: None,
        letter: None,
        sent_at,
        new_keys: Vec::new(),
    })
}

fn sender(channel: Channel, key: String) -> Sender {
    let has_phones = !matches!(channel, Channel::Instagram | Channel::Facebook | Channel::Telegram);
    let phone = (has_phones && key.starts_with('+')).then(|| Personal::new(key.clone()));
    Sender { keys: vec![key.into()], name: None, phone }
}

/// A point as `{"lon", "lat"}` or `[lon, lat]`.
pub(crate) fn point(value: &Value) -> Option<Point> {
    let (lon, lat) = match value {
        Value::Array(pair) if pair.len() == 2 => (&pair[0], &pair[1]),
        Value::Object(_) => (&value["lon"], &value["lat"]),
        _ => return None,
    };
    Point::new(lon.as_f64()?, lat.as_f64()?)
}

fn point_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Point>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    let expected = "a point is {\"lon\": 76.92, \"lat\": 43.24} or [lon, lat], in degrees";
    point(&value).map(Some).ok_or_else(|| serde::de::Error::custom(expected))
}

#[cfg(test)]
mod tests {
    use zholdary_domain::inbound::{Join, Surface};
    use zholdary_testkit::at;

    use super::*;

    fn read(json: &str) -> Submission {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_submission_becomes_a_message() {
        let submission = read(
            r#"{"text":"  Яма\u200b на Абая ","channel":"phone","contact":"8 701 123 45 67",
                "point":{"lon":76.9,"lat":43.2},"photos":["a.jpg"],"other":1}"#,
        );
        let Ok(Inbound::Message(message)) =
            submit(&submission, "k1", "operator", at("2026-11-20T09:00:00+05:00"))
        else {
            panic!("it is a message")
        };
        assert_eq!(message.content.usable_text(), Some("Яма на Абая"));
        assert_eq!((message.surface, message.join), (Surface::Spoken, Join::ReplyOnly));
        let sender = message.sender.unwrap();
        assert_eq!(sender.keys, [Personal::new("+77011234567".to_owned())]);
        assert_eq!(sender.phone, Some(Personal::new("+77011234567".to_owned())));
        assert_eq!(message.content.attachments.len(), 1);
        assert_eq!(message.content.point, Some(Point { lon: 76.9, lat: 43.2 }.into()));
    }

    #[test]
    fn what_cannot_be_taken_is_said() {
        let long = format!(r#"{{"text":"{}"}}"#, "я".repeat(16_385));
        for (json, key, expected) in [
            (r#"{"text":" "}"#, "k", Some(SubmitError::Empty)),
            (r#"{}"#, "k", Some(SubmitError::Empty)),
            (r#"{"point":[76.9,43.2]}"#, "k", None),
            (r#"{"text":"яма","channel":"fax"}"#, "k", Some(SubmitError::Channel)),
            (r#"{"text":"яма","contact":" "}"#, "k", Some(SubmitError::Contact)),
            (r#"{"text":"яма","photos":[""]}"#, "k", Some(SubmitError::Photos)),
            (r#"{"text":"яма"}"#, "", Some(SubmitError::Key)),
            (&long, "k", Some(SubmitError::TooLong(16_384))),
        ] {
            let taken = submit(&read(json), key, "public", at("2026-11-20T09:00:00+05:00"));
            assert_eq!(taken.err(), expected);
        }
        assert!(serde_json::from_str::<Submission>(r#"{"text":"a","point":{"lon":200,"lat":1}}"#).is_err());
    }

    #[test]
    fn it_prints_without_its_words() {
        let printed = format!("{:?}", read(r#"{"text":"яма","contact":"+77010000000"}"#));
        assert!(!printed.contains("яма") && !printed.contains('+'), "{printed}");
    }
}
