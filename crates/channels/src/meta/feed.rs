//! What happens on a Facebook page: comments and visitors' posts.

use std::iter;

use serde_json::Value;
use zholdary_domain::{
    Inbound, Personal,
    inbound::{
        Attachment, Content, InboundEcho, InboundMessage, Join, MediaKind, MessageRef, Sender, Surface,
    },
};

use super::{direct::address, page::Place, tags};
use crate::{json::id, text};

/// What `value` of a change of the field `feed` tells.
pub(super) fn read(value: &Value, place: &Place<'_>) -> Inbound {
    match surface(value) {
        Some((field, surface)) => told(value, place, field, surface),
        None => other(value),
    }
}

/// Somebody named our page in a comment or post elsewhere: the field `mention`.
pub(super) fn mention(value: &Value, place: &Place<'_>) -> Inbound {
    match surface(value) {
        Some((field, _)) => told(value, place, field, Surface::Mention),
        None => other(value),
    }
}

/// Where the id of something that is written stands, and what it is.
fn surface(value: &Value) -> Option<(&'static str, Surface)> {
    match value["item"].as_str()? {
        "comment" => Some(("comment_id", Surface::Comment)),
        "post" | "status" | "photo" | "video" | "share" => Some(("post_id", Surface::Post)),
        _ => None,
    }
}

/// Whatever else happens on a page.
fn other(value: &Value) -> Inbound {
    match value["item"].as_str() {
        Some("reaction" | "like") => Inbound::Nothing { what: "reaction" },
        Some(_) => Inbound::Nothing { what: "other change of the page" },
        None => Inbound::Kept { why: "change of another shape" },
    }
}

fn told(value: &Value, place: &Place<'_>, field: &str, surface: Surface) -> Inbound {
    let verb = value["verb"].as_str().unwrap_or_default();
    if !matches!(verb, "add" | "edited" | "edit" | "remove" | "delete") {
        return Inbound::Nothing { what: "other change of the page" };
    }
    let Some(own_id) = id(&value[field]) else { return Inbound::Kept { why: "message without an id" } };
    let of = place.named(own_id);
    let is_ours = place.is_ours(author(value).as_deref());
    match verb {
        "add" if is_ours => own(value, place, of, surface),
        "add" => written(value, place, of, surface),
        // What we change or take back is our own affair.
        _ if is_ours => Inbound::Nothing { what: "own message" },
        "remove" | "delete" => Inbound::Withdrawn { of, sent_at: place.at },
        _ => {
            let content = content(value, place);
            // It is told too when only the look of a link changed, without the words that stay.
            if content == Content::default() {
                return Inbound::Nothing { what: "other change of the page" };
            }
            Inbound::Edited { of, edit: edit_id(&content, place).into(), content, sent_at: place.at }
        }
    }
}

/// An edit has neither an id nor a time of its own: `created_time` stays that of the comment. What it says tells it from another
/// of the same second; the second tells an edit back to earlier words from the edit that said them first.
fn edit_id(content: &Content, place: &Place<'_>) -> String {
    let text = content.text.as_ref().map_or("", |text| text.reveal());
    let files =
        content.attachments.iter().filter_map(|file| file.url.as_ref()).map(|url| url.reveal().as_str());
    let mut said = blake3::Hasher::new();
    for part in iter::once(text).chain(files) {
        // No part holds a zero, so none reads on in the next.
        said.update(part.as_bytes()).update(&[0]);
    }
    format!("{}/{}", place.at.timestamp(), said.finalize().to_hex())
}

/// Who wrote it; old versions tell it in a field of its own.
fn author(value: &Value) -> Option<String> {
    id(&value["from"]["id"]).or_else(|| id(&value["sender_id"]))
}

fn content(value: &Value, place: &Place<'_>) -> Content {
    let said = value["message"].as_str().and_then(|text| text::clean(text, place.limits.text_chars));
    let photos = value["photos"].as_array().into_iter().flatten().filter_map(address);
    let photo = address(&value["photo"]).into_iter().chain(photos).map(|url| (MediaKind::Image, url));
    let video = address(&value["video"]).into_iter().map(|url| (MediaKind::Video, url));
    // A picture or film that is a post of its own has its address under `link`; that of a shared page is no file.
    let kind = match value["item"].as_str() {
        Some("photo") => Some(MediaKind::Image),
        Some("video") => Some(MediaKind::Video),
        _ => None,
    };
    let link = kind.zip(address(&value["link"]));
    let attachments = photo.chain(video).chain(link).map(|(kind, url)| Attachment {
        kind,
        external_id: None,
        url: Some(url.into()),
        media_type: None,
        file_name: None,
    });
    Content { text: said.map(Personal::new), attachments: attachments.collect(), ..Content::default() }
}

/// Whether it only names people. Facebook writes them without a sign of it, and tells beside the text who is named.
fn only_names(value: &Value) -> bool {
    let tags = value["message_tags"].as_array().into_iter().flatten();
    let names = tags.filter_map(|tag| tag["name"].as_str());
    value["message"].as_str().is_some_and(|text| tags::only_names(text, names))
}

/// Under what it stands: another comment, or the post.
fn parent(value: &Value) -> Option<Personal<String>> {
    id(&value["parent_id"]).map(Personal::new)
}

fn written(value: &Value, place: &Place<'_>, of: MessageRef, surface: Surface) -> Inbound {
    // The platform may not tell who wrote.
    let name = value["from"]["name"].as_str().or_else(|| value["sender_name"].as_str());
    let sender = author(value).map(|key| Sender {
        keys: vec![key.into()],
        name: name.and_then(text::name).map(Personal::new),
        phone: None,
    });
    let mut content = content(value, place);
    // A friend was shown the picture: nothing was said to us. Without one it may be edited into words, and stays.
    if surface == Surface::Comment && !content.attachments.is_empty() && only_names(value) {
        content.text = None;
    }
    Inbound::Message(Box::new(InboundMessage {
        id: of,
        surface,
        sender,
        content,
        reply_to: parent(value),
        join: Join::ParentAndAuthor,
        album: None,
        letter: None,
        sent_at: place.time(&value["created_time"]),
        new_keys: Vec::new(),
    }))
}

/// A comment of ours: never an appeal, but an answer to the one above it (channel rule R7). A post of ours answers nobody.
fn own(value: &Value, place: &Place<'_>, id: MessageRef, surface: Surface) -> Inbound {
    if surface != Surface::Comment {
        return Inbound::Nothing { what: "own message" };
    }
    Inbound::Echoed(Box::new(InboundEcho {
        id,
        surface,
        to: None,
        answers: parent(value),
        content: content(value, place),
        sent_at: place.time(&value["created_time"]),
    }))
}
