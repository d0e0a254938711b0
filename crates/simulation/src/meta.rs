//! Messages and comments as Instagram and Facebook deliver them (Meta, «Webhooks» of the objects `instagram` and `page`).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use zholdary_domain::inbound::Channel;

use crate::{
    story::{Kind, Said},
    way::{Arrived, Step, Way},
};

/// Our post that people comment on.
const POST: &str = "17950000000000001";

/// One delivery that holds these messages and comments. Each has an entry: a comment on Instagram has the time of its entry.
pub(crate) fn post(channel: Channel, messages: &[&Said]) -> Value {
    body(channel, messages.iter().map(|said| entry(said)))
}

/// One delivery that tells how far these messages of ours came.
pub(crate) fn states(channel: Channel, states: &[&Arrived]) -> Value {
    let way = if channel == Channel::Instagram { Way::InstagramDirect } else { Way::Messenger };
    let entry = |state: &&Arrived| {
        let told = match state.step {
            // Instagram tells only what was read, and which; Messenger up to when everything was.
            Step::Read if way == Way::InstagramDirect => json!({ "read": { "mid": state.id } }),
            Step::Read => json!({ "read": { "watermark": state.at.timestamp_millis() } }),
            _ => json!({ "delivery": { "mids": [state.id], "watermark": state.at.timestamp_millis() } }),
        };
        direct(way, &state.to, state.at, told)
    };
    body(channel, states.iter().map(entry))
}

fn body(channel: Channel, entries: impl Iterator<Item = Value>) -> Value {
    let object = if channel == Channel::Instagram { "instagram" } else { "page" };
    json!({ "object": object, "entry": entries.collect::<Vec<_>>() })
}

fn entry(said: &Said) -> Value {
    match said.way {
        Way::InstagramComment => json!({
            "id": said.way.account(),
            "time": said.at.timestamp(),
            "changes": [{ "field": "comments", "value": comment_on_instagram(said) }],
        }),
        Way::FacebookComment => json!({
            "id": said.way.account(),
            "time": said.at.timestamp(),
            "changes": [{ "field": "feed", "value": comment_on_facebook(said) }],
        }),
        way => direct(way, &said.from, said.at, message(said)),
    }
}

/// An entry of what somebody said to us, or of what became of ours.
fn direct(way: Way, from: &str, at: DateTime<Utc>, told: Value) -> Value {
    let mut event = json!({
        "sender": { "id": from },
        "recipient": { "id": way.account() },
        "timestamp": at.timestamp_millis(),
    });
    if let (Some(event), Value::Object(told)) = (event.as_object_mut(), told) {
        event.extend(told);
    }
    json!({ "id": way.account(), "time": at.timestamp_millis(), "messaging": [event] })
}

fn message(said: &Said) -> Value {
    let mut message = json!({ "mid": said.id });
    match &said.kind {
        Kind::Text(text) => message["text"] = json!(text),
        Kind::Photo { caption } => {
            // A host that nobody can have (RFC 2606): there is no such photo.
            let url = format!("https://photos.invalid/{}.jpg", said.id);
            message["attachments"] = json!([{ "type": "image", "payload": { "url": url } }]);
            if let Some(caption) = caption {
                message["text"] = json!(caption);
            }
        }
        Kind::Point { lon, lat } => {
            let coordinates = json!({ "lat": lat, "long": lon });
            message["attachments"] =
                json!([{ "type": "location", "payload": { "coordinates": coordinates } }]);
        }
        Kind::Edit { of, text } => {
            return json!({ "message_edit": { "mid": of, "text": text, "num_edit": 1 } });
        }
        Kind::Button { id, title } => {
            message["text"] = json!(title);
            message["quick_reply"] = json!({ "payload": id });
        }
    }
    if let Some(answers) = &said.answers {
        message["reply_to"] = json!({ "mid": answers });
    }
    json!({ "message": message })
}

/// The words of a comment. Of everything else that people send a comment has nothing ([`Way::has`]).
fn words(said: &Said) -> &str {
    match &said.kind {
        Kind::Text(text) | Kind::Edit { text, .. } => text,
        _ => "",
    }
}

fn comment_on_instagram(said: &Said) -> Value {
    json!({
        "id": said.id,
        "from": { "id": said.from, "username": format!("resident{}", said.from) },
        "text": words(said),
        "media": { "id": POST, "media_product_type": "FEED" },
    })
}

fn comment_on_facebook(said: &Said) -> Value {
    let post = format!("{}_{POST}", said.way.account());
    let (verb, id) = match &said.kind {
        Kind::Edit { of, .. } => ("edited", of),
        _ => ("add", &said.id),
    };
    json!({
        "item": "comment",
        "verb": verb,
        "comment_id": id,
        "post_id": post,
        "parent_id": post,
        "message": words(said),
        "from": { "id": said.from, "name": said.name },
        "created_time": said.at.timestamp(),
    })
}
