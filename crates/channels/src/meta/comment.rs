//! Instagram's comments and mentions.

use std::iter;

use serde_json::Value;
use zholdary_domain::{
    Inbound, Personal,
    inbound::{Attachment, Content, InboundEcho, InboundMessage, Join, MediaKind, Sender, Surface},
};

use super::{page::Place, tags};
use crate::{Limits, json::id, text};

/// A comment under a post of ours. It has no time of its own: the delivery's is near.
pub(super) fn read(value: &Value, place: &Place<'_>) -> Inbound {
    let Some(comment) = id(&value["id"]) else { return Inbound::Kept { why: "comment without an id" } };
    let said = value["text"].as_str().and_then(|text| text::clean(text, place.limits.text_chars));
    let content = Content { text: said.map(Personal::new), ..Content::default() };
    let author = id(&value["from"]["id"]);
    let parent = id(&value["parent_id"]).map(Personal::new);
    if place.is_ours(author.as_deref()) {
        return own(place, comment, parent, content);
    }
    let only_names = value["text"].as_str().is_some_and(|text| tags::only_names(text, iter::empty()));
    // A friend was shown the post: nothing was said to us.
    let content = if only_names { Content::default() } else { content };
    let name = value["from"]["username"].as_str().and_then(text::name);
    Inbound::Message(Box::new(InboundMessage {
        id: place.named(comment),
        surface: Surface::Comment,
        sender: author.map(|key| Sender {
            keys: vec![key.into()],
            name: name.map(Personal::new),
            phone: None,
        }),
        content,
        reply_to: parent,
        join: Join::ParentAndAuthor,
        album: None,
        letter: None,
        sent_at: place.at,
        new_keys: Vec::new(),
    }))
}

/// A comment of our own account: never an appeal, but an answer to the one above it (channel rule R7).
fn own(place: &Place<'_>, comment: String, parent: Option<Personal<String>>, content: Content) -> Inbound {
    Inbound::Echoed(Box::new(InboundEcho {
        id: place.named(comment),
        surface: Surface::Comment,
        to: None,
        answers: parent,
        content,
        sent_at: place.at,
    }))
}

/// Begins the name of a mention.
const MENTION: &str = "mention/";

/// What Graph is asked under our account for the words of the mention `external_id` (Instagram Platform, «Mentions»): the value of
/// `fields`. None when it is no mention, or its id is none that Graph gives out.
#[must_use]
pub fn question(external_id: &str, content: &Content) -> Option<String> {
    let id = external_id.strip_prefix(MENTION)?;
    // It stands within an expression.
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let is_picture = |file: &Attachment| file.external_id.as_ref().is_some_and(|media| media.reveal() == id);
    Some(if content.attachments.iter().any(is_picture) {
        format!("mentioned_media.media_id({id}){{caption}}")
    } else {
        format!("mentioned_comment.comment_id({id}){{text}}")
    })
}

/// The words in the answer to [`question`]; none when it has none.
#[must_use]
pub fn words(answer: &Value) -> Option<String> {
    let said = [("mentioned_comment", "text"), ("mentioned_media", "caption")];
    let said = said.iter().find_map(|(what, words)| answer[what][words].as_str())?;
    text::clean(said, Limits::default().text_chars)
}

/// Somebody named our account in a comment or in the words under a picture. The platform tells only where; a person looks until
/// the words are fetched. A comment that names us under a picture of ours comes as a comment as well, with its words and its author: a
/// mention is called by a name of its own, so that neither hides the other, and refers to the comment, whose appeal it joins.
pub(super) fn mention(value: &Value, place: &Place<'_>) -> Inbound {
    let (media, comment) = (id(&value["media_id"]), id(&value["comment_id"]));
    let Some(named) = comment.clone().or_else(|| media.clone()) else {
        return Inbound::Kept { why: "mention without an id" };
    };
    let picture = media.map(|media| Attachment {
        kind: MediaKind::Image,
        external_id: Some(media.into()),
        url: None,
        media_type: None,
        file_name: None,
    });
    let unsupported = picture.is_none().then(|| "mention".to_owned());
    Inbound::Message(Box::new(InboundMessage {
        id: place.named(format!("{MENTION}{named}")),
        surface: Surface::Mention,
        sender: None,
        content: Content { attachments: picture.into_iter().collect(), unsupported, ..Content::default() },
        reply_to: comment.map(Personal::new),
        join: Join::ReplyOnly,
        album: None,
        letter: None,
        sent_at: place.at,
        new_keys: Vec::new(),
    }))
}
