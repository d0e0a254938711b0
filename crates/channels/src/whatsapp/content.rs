//! What a message says, by its type.

use chrono::{DateTime, Utc};
use serde_json::Value;
use zholdary_domain::{
    Personal, Point,
    inbound::{Attachment, Button, Content, MediaKind},
};

use crate::{
    Limits, UNKNOWN_TIME,
    json::{code, id, text_at},
    text,
};

/// What a type of message leads to.
#[derive(Debug)]
pub(super) enum Said {
    /// Something that a resident says.
    Content(Content),
    /// Nothing, by the channel's rules.
    Nothing(&'static str),
    /// A type that we do not know.
    Unknown,
}

/// Reads what `message` says. A known type whose body is missing is `unsupported`: a person looks at it.
pub(super) fn content(message: &Value, limits: &Limits) -> Said {
    let Some(kind) = message["type"].as_str() else { return Said::Unknown };
    let body = &message[kind];
    let cleaned = |text: Option<&str>| text.and_then(|text| text::clean(text, limits.text_chars));
    let content = match kind {
        "text" => body["body"].as_str().map(|said| worded(cleaned(Some(said))).unwrap_or_default()),
        "image" => media(MediaKind::Image, body, limits),
        "video" => media(MediaKind::Video, body, limits),
        "audio" | "voice" => media(MediaKind::Audio, body, limits),
        "document" => media(MediaKind::Document, body, limits),
        "sticker" => media(MediaKind::Sticker, body, limits),
        // Name and address of a picked place are the map's words, not the resident's; the point says more.
        "location" => {
            let number = |field: &str| body[field].as_f64().or_else(|| body[field].as_str()?.parse().ok());
            let point =
                number("longitude").zip(number("latitude")).and_then(|(lon, lat)| Point::new(lon, lat));
            point.map(|point| Content { point: Some(point.into()), ..Content::default() })
        }
        // Somebody else's name and phone are no words of whoever sent them, and go no further than to operators.
        "contacts" => Some(Content {
            quoted: cleaned(cards(body).as_deref()).map(Personal::new),
            unsupported: Some(kind.to_owned()),
            ..Content::default()
        }),
        "interactive" => match body["type"].as_str() {
            Some(reply @ ("button_reply" | "list_reply")) => pressed(&body[reply]["id"], None),
            Some("nfm_reply") => worded(cleaned(form(&body["nfm_reply"], limits).as_deref())),
            Some("call_permission_reply") => return Said::Nothing("permission to call"),
            _ => None,
        },
        "button" => pressed(&body["payload"], cleaned(body["text"].as_str())),
        "unsupported" | "unknown" => None,
        "reaction" => return Said::Nothing("reaction"),
        "order" => return Said::Nothing("order"),
        "request_welcome" => return Said::Nothing("greeting"),
        _ => return Said::Unknown,
    };
    Said::Content(content.unwrap_or_else(|| Content {
        unsupported: Some(code(body["type"].as_str().filter(|_| kind == "unsupported").unwrap_or(kind))),
        ..Content::default()
    }))
}

fn worded(text: Option<String>) -> Option<Content> {
    text.map(|text| Content { text: Some(text.into()), ..Content::default() })
}

fn media(kind: MediaKind, body: &Value, limits: &Limits) -> Option<Content> {
    let body = body.as_object()?;
    let field = |name: &str| body.get(name).and_then(Value::as_str);
    let attachment = Attachment {
        kind,
        external_id: body.get("id").and_then(id).map(Personal::new),
        url: None,
        media_type: field("mime_type").and_then(text::media_type),
        file_name: field("filename").and_then(text::file_name).map(Personal::new),
    };
    let caption = field("caption").and_then(|text| text::clean(text, limits.text_chars));
    Some(Content { text: caption.map(Personal::new), attachments: vec![attachment], ..Content::default() })
}

/// A pressed button by its id. An id is our own word; a payload that is not one (a template's button without a payload
/// sends its label) is text.
fn pressed(payload: &Value, label: Option<String>) -> Option<Content> {
    let ours = |id: &&str| (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    match payload.as_str().filter(ours) {
        Some(id) => Some(Content { button: Some(Button { id: id.to_owned() }), ..Content::default() }),
        None => worded(label),
    }
}

/// The answers of a form, one a line, in the order of their names.
fn form(reply: &Value, limits: &Limits) -> Option<String> {
    let answers = reply["response_json"].as_str().filter(|json| limits.allows_depth(json))?;
    answer("", &serde_json::from_str(answers).ok()?)
}

/// The words of one answer: of a list with commas between them, of the fields of a screen one a line. `field` is its name.
fn answer(field: &str, value: &Value) -> Option<String> {
    let words = match value {
        Value::String(words) if field != "flow_token" => title(field, words).to_owned(),
        Value::Array(list) => list.iter().filter_map(|one| answer(field, one)).collect::<Vec<_>>().join(", "),
        // What it tells of a file is no answer.
        Value::Object(fields) if !fields.contains_key("mime_type") => {
            fields.iter().filter_map(|(field, value)| answer(field, value)).collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    (!words.is_empty()).then_some(words)
}

/// The fields of options that Meta's builder of forms makes, and numbers the options of.
const OPTIONS: [&str; 4] = ["Dropdown", "CheckboxGroup", "RadioButtonsGroup", "ChipsSelector"];

/// Of an option that Meta's builder of forms numbered, `0_Яма`, its title. What stands in any other field stays as it is.
fn title<'a>(field: &str, words: &'a str) -> &'a str {
    let is_option = OPTIONS.iter().any(|kind| field.contains(kind));
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    match words.split_once('_') {
        Some((id, title)) if is_option && is_number(id) && !title.is_empty() => title,
        _ => words,
    }
}

/// Shared address-book cards, one a line: name and phones.
fn cards(body: &Value) -> Option<String> {
    let card = |card: &Value| {
        let name =
            text_at(card, &["name", "formatted_name"]).or_else(|| text_at(card, &["name", "first_name"]));
        let phones = card["phones"].as_array().into_iter().flatten().filter_map(|p| p["phone"].as_str());
        name.into_iter().chain(phones).collect::<Vec<_>>().join(", ")
    };
    Some(body.as_array()?.iter().map(card).collect::<Vec<_>>().join("\n"))
}

/// The element's time: unix seconds, as text or a number.
pub(super) fn time(element: &Value) -> DateTime<Utc> {
    let stamp = &element["timestamp"];
    let seconds = stamp.as_i64().or_else(|| stamp.as_str()?.trim().parse().ok());
    seconds.filter(|s| *s > 0).and_then(|s| DateTime::from_timestamp(s, 0)).unwrap_or(UNKNOWN_TIME)
}
