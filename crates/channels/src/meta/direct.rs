//! One of `messaging`: a private message, or what became of ours.

use chrono::{DateTime, Utc};
use serde_json::Value;
use zholdary_domain::{
    Inbound, Personal, Point,
    inbound::{
        Attachment, Button, Content, DeliveryState, InboundEcho, InboundMessage, InboundNews, Join,
        MediaKind, News, Sender, Surface,
    },
};

use super::page::{Place, time};
use crate::{
    Limits,
    json::{code, id},
    text,
};

/// The word of the page's own «get started» button; the platform has it in capitals.
const START: &str = "GET_STARTED";
/// How our own buttons name the same wish.
const OUR_START: &str = "start";
/// The longest address of a file, in bytes.
const URL_BYTES: usize = 4096;

/// What our own accounts do, where it answers nobody.
const OWN: Inbound = Inbound::Nothing { what: "own message" };

/// What `event` tells. A report of delivery may name several messages.
pub(super) fn read(event: &Value, place: &Place<'_>) -> Vec<Inbound> {
    let is_there = |field: &str| event.get(field).is_some_and(|value| !value.is_null());
    if is_there("delivery") {
        return delivered(event, place);
    }
    vec![if is_there("message") {
        message(event, place)
    } else if is_there("postback") {
        postback(event, place)
    } else if is_there("message_edit") {
        edited(event, place)
    } else if is_there("read") {
        has_read(event, place)
    } else if is_there("reaction") {
        Inbound::Nothing { what: "reaction" }
    } else if event.is_object() {
        Inbound::Nothing { what: "other event" }
    } else {
        Inbound::Kept { why: "event of another shape" }
    }]
}

/// Whether one of our accounts did it: an echo says so, and so does the sender.
fn is_ours(event: &Value, said: &Value, place: &Place<'_>) -> bool {
    is_true(&said["is_echo"]) || place.is_ours(id(&event["sender"]["id"]).as_deref())
}

fn message(event: &Value, place: &Place<'_>) -> Inbound {
    let message = &event["message"];
    let Some(mid) = id(&message["mid"]) else { return Inbound::Kept { why: "message without an id" } };
    let (sender, recipient) = (id(&event["sender"]["id"]), id(&event["recipient"]["id"]));
    let sent_at = place.time(&event["timestamp"]);
    let is_ours = is_ours(event, message, place);
    if is_true(&message["is_deleted"]) {
        // What we take back is our own affair.
        return if is_ours { OWN } else { Inbound::Withdrawn { of: place.named(mid), sent_at } };
    }
    let content = content(message, place.limits);
    let answered = id(&message["reply_to"]["mid"]);
    if is_ours {
        return Inbound::Echoed(Box::new(InboundEcho {
            id: place.named(mid),
            surface: Surface::Private,
            to: recipient.map(Personal::new),
            answers: None,
            content,
            sent_at,
        }));
    }
    let about_story = !message["reply_to"]["story"].is_null() || has_story_mention(message);
    received(place, mid, sender, content, answered, about_story, sent_at)
}

fn received(
    place: &Place<'_>,
    external_id: String,
    sender: Option<String>,
    content: Content,
    reply_to: Option<String>,
    about_story: bool,
    sent_at: DateTime<Utc>,
) -> Inbound {
    Inbound::Message(Box::new(InboundMessage {
        id: place.named(external_id),
        surface: if about_story { Surface::Story } else { Surface::Private },
        sender: sender.map(|key| Sender { keys: vec![key.into()], ..Sender::default() }),
        content,
        reply_to: reply_to.map(Personal::new),
        join: Join::Window,
        album: None,
        letter: None,
        sent_at,
        new_keys: Vec::new(),
    }))
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

fn attachments(message: &Value) -> impl Iterator<Item = &Value> {
    message["attachments"].as_array().into_iter().flatten()
}

fn has_story_mention(message: &Value) -> bool {
    attachments(message).any(|attachment| attachment["type"] == "story_mention")
}

fn content(message: &Value, limits: &Limits) -> Content {
    let mut content = Content {
        text: message["text"]
            .as_str()
            .and_then(|text| text::clean(text, limits.text_chars))
            .map(Personal::new),
        attachments: attachments(message).filter_map(attachment).collect(),
        point: attachments(message).find_map(point).map(Personal::new),
        quoted: text::clean(&shared(message).join("\n"), limits.text_chars).map(Personal::new),
        button: button(&message["quick_reply"]["payload"]),
        ..Content::default()
    };
    let unknown = attachments(message).find(|a| attachment(a).is_none() && point(a).is_none());
    if is_true(&message["is_unsupported"]) {
        content.unsupported = Some("unsupported".to_owned());
    } else if content == Content::default()
        && let Some(unknown) = unknown
    {
        content.unsupported = Some(code(unknown["type"].as_str().unwrap_or_default()));
    }
    content
}

/// Titles and addresses of what was passed on. They are others' words, and all that an operator can look it up by.
fn shared(message: &Value) -> Vec<String> {
    let is_passed_on = |attachment: &&Value| {
        let kind = attachment["type"].as_str();
        matches!(kind, Some("share" | "ig_post" | "post" | "fallback" | "ig_reel" | "reel"))
    };
    let of = |attachment: &Value| {
        let (payload, own) = (&attachment["payload"], attachment);
        let title = [payload, own].iter().find_map(|of| of["title"].as_str()).map(str::to_owned);
        title.into_iter().chain(address(&payload["url"]).or_else(|| address(&own["url"])))
    };
    attachments(message).filter(is_passed_on).flat_map(of).collect()
}

/// A file behind an address that is good for a while.
fn attachment(attachment: &Value) -> Option<Attachment> {
    let payload = &attachment["payload"];
    let is_sticker = payload.get("sticker_id").is_some_and(|id| !id.is_null());
    let kind = match attachment["type"].as_str()? {
        _ if is_sticker => MediaKind::Sticker,
        // A like that is sent as a message (channel rule R10).
        "like_heart" => MediaKind::Sticker,
        "image" | "story_mention" => MediaKind::Image,
        "video" | "ig_reel" | "reel" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        // A post of somebody that was passed on.
        "file" | "share" | "ig_post" | "post" | "fallback" => MediaKind::Document,
        _ => return None,
    };
    // Without an address that reads it was a file all the same.
    let url = address(&payload["url"]).or_else(|| address(&attachment["url"]));
    Some(Attachment {
        kind,
        external_id: id(&payload["sticker_id"]).map(Personal::new),
        url: url.map(Personal::new),
        media_type: None,
        file_name: None,
    })
}

/// The address of a file.
pub(super) fn address(value: &Value) -> Option<String> {
    let url = value.as_str()?.trim();
    let good = (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= URL_BYTES
        && url.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| url.to_owned())
}

fn point(attachment: &Value) -> Option<Point> {
    let coordinates = &attachment["payload"]["coordinates"];
    Point::new(coordinates["long"].as_f64()?, coordinates["lat"].as_f64()?)
}

/// A pressed button by its id. A payload that is none of ours leaves the words that were sent with it.
fn button(payload: &Value) -> Option<Button> {
    let id = payload.as_str()?;
    let ours = (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    let id = if id == START { OUR_START } else { id };
    ours.then(|| Button { id: id.to_owned() })
}

/// A button of the page itself, or of one of our messages.
fn postback(event: &Value, place: &Place<'_>) -> Inbound {
    let postback = &event["postback"];
    if is_ours(event, postback, place) {
        return OWN;
    }
    let sender = id(&event["sender"]["id"]);
    let stamp = id(&event["timestamp"]);
    // Older versions give it no id; one person presses one button at one time.
    let external_id = id(&postback["mid"])
        .or_else(|| Some(format!("postback/{}/{}", sender.as_deref()?, stamp.as_deref()?)));
    let Some(external_id) = external_id else { return Inbound::Kept { why: "message without an id" } };
    let pressed = button(&postback["payload"]);
    let words = || text::clean(postback["title"].as_str()?, place.limits.text_chars);
    let content = match pressed {
        Some(button) => Content { button: Some(button), ..Content::default() },
        None => Content { text: words().map(Personal::new), ..Content::default() },
    };
    received(place, external_id, sender, content, None, false, place.time(&event["timestamp"]))
}

fn edited(event: &Value, place: &Place<'_>) -> Inbound {
    let edit = &event["message_edit"];
    if is_ours(event, edit, place) {
        return OWN;
    }
    let said = edit["text"].as_str().and_then(|text| text::clean(text, place.limits.text_chars));
    let (Some(mid), Some(said)) = (id(&edit["mid"]), said) else {
        return Inbound::Kept { why: "edit of another shape" };
    };
    let nth = id(&edit["num_edit"]).or_else(|| id(&event["timestamp"])).unwrap_or_default();
    Inbound::Edited {
        of: place.named(mid),
        edit: nth.into(),
        content: Content { text: Some(said.into()), ..Content::default() },
        sent_at: place.time(&event["timestamp"]),
    }
}

fn delivered(event: &Value, place: &Place<'_>) -> Vec<Inbound> {
    let delivery = &event["delivery"];
    let told = &delivery["watermark"];
    let at = if told.is_null() { place.time(&event["timestamp"]) } else { time(told) };
    let mids = delivery["mids"].as_array().into_iter().flatten().filter_map(id);
    mids.take(place.limits.elements)
        .map(|mid| Inbound::Delivery {
            of: place.named(mid),
            state: DeliveryState::Delivered,
            at,
            error: None,
            carries: None,
        })
        .collect()
}

/// Instagram names the message that was read; Messenger tells only up to when everything was.
fn has_read(event: &Value, place: &Place<'_>) -> Inbound {
    let (read, at) = (&event["read"], place.time(&event["timestamp"]));
    if let Some(mid) = id(&read["mid"]) {
        let (of, state) = (place.named(mid), DeliveryState::Read);
        return Inbound::Delivery { of, state, at, error: None, carries: None };
    }
    let (Some(reader), Some(watermark)) = (id(&event["sender"]["id"]), id(&read["watermark"])) else {
        return Inbound::Kept { why: "status of another shape" };
    };
    Inbound::News(Box::new(InboundNews {
        id: place.named(format!("read/{reader}/{watermark}")),
        surface: Surface::Private,
        of: reader.into(),
        news: News::ReadUpTo { until: time(&read["watermark"]) },
        at,
    }))
}
