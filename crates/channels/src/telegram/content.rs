//! What a message says, by what is in it: a message has no word for its kind.

use serde_json::Value;
use zholdary_domain::{
    Personal, Point,
    inbound::{Attachment, Button, Content, MediaKind},
};

use crate::{
    Limits,
    json::{id, text_at},
    keys::{phone_as_typed, phone_of_digits},
    text,
};

/// What a message leads to.
#[derive(Debug)]
pub(super) enum Said {
    /// Something that a resident says.
    Content(Content),
    /// The sender's own phone in E.164.
    OwnPhone(String),
    /// Nothing, by the channel's rules.
    Nothing(&'static str),
    /// A kind that we do not know.
    Unknown,
}

/// What a resident can send, by the field that holds it. Some come as an older kind too, an animation as a document and a
/// venue as a location: the first one found is meant.
const KINDS: [&str; 23] = [
    "text",
    "photo",
    "video",
    "animation",
    "video_note",
    "voice",
    "audio",
    "sticker",
    "document",
    "venue",
    "location",
    "contact",
    // These carry nothing that we could show.
    "checklist",
    "dice",
    "game",
    "giveaway",
    "giveaway_winners",
    "invoice",
    "live_photo",
    "paid_media",
    "poll",
    "rich_message",
    "story",
];

/// Notes of the platform about the chat, payments and gifts.
const NOTES: [&str; 52] = [
    "boost_added",
    "channel_chat_created",
    "chat_background_set",
    "chat_owner_changed",
    "chat_owner_left",
    "chat_shared",
    "checklist_tasks_added",
    "checklist_tasks_done",
    "connected_website",
    "delete_chat_photo",
    "direct_message_price_changed",
    "forum_topic_closed",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "gift",
    "gift_upgrade_sent",
    "giveaway_completed",
    "giveaway_created",
    "group_chat_created",
    "left_chat_member",
    "managed_bot_created",
    "message_auto_delete_timer_changed",
    "migrate_from_chat_id",
    "migrate_to_chat_id",
    "new_chat_members",
    "new_chat_photo",
    "new_chat_title",
    "paid_message_price_changed",
    "passport_data",
    "pinned_message",
    "poll_option_added",
    "poll_option_deleted",
    "proximity_alert_triggered",
    "refunded_payment",
    "successful_payment",
    "suggested_post_approval_failed",
    "suggested_post_approved",
    "suggested_post_declined",
    "suggested_post_paid",
    "suggested_post_refunded",
    "supergroup_chat_created",
    "unique_gift",
    "users_shared",
    "video_chat_ended",
    "video_chat_participants_invited",
    "video_chat_scheduled",
    "video_chat_started",
    "web_app_data",
    "write_access_allowed",
];

/// What everybody presses first, and what any other command is taken for: who asks a bot for `/help` wants to know how to begin.
const START: &str = "start";
/// The longest command, in characters (Bot API, `BotCommand`).
const COMMAND_CHARS: usize = 32;
/// The longest word that a link to the bot may put behind `/start` (Bot API, «Deep linking»).
const PAYLOAD_CHARS: usize = 64;

pub(super) fn said(message: &Value, limits: &Limits) -> Said {
    let is_there = |kind: &&str| !message[*kind].is_null();
    let Some(kind) = KINDS.into_iter().find(is_there) else {
        let is_note = NOTES.iter().any(is_there);
        return if is_note { Said::Nothing("note of the platform") } else { Said::Unknown };
    };
    let body = &message[kind];
    let words = |text: &Value| text::clean(text.as_str()?, limits.text_chars).map(Personal::new);
    let content = match kind {
        "text" => body.as_str().map(|text| match without_command(text) {
            Some(said) => Content {
                text: text::clean(said, limits.text_chars).map(Personal::new),
                ..Content::default()
            },
            None => Content { app_lang: app_lang(&message["from"]["language_code"]), ..button(START) },
        }),
        "photo" => photo(body),
        "video" | "animation" | "video_note" => file(MediaKind::Video, body),
        "voice" | "audio" => file(MediaKind::Audio, body),
        "sticker" => file(MediaKind::Sticker, body),
        "document" => file(kind_of_document(body), body),
        "venue" => place(&body["location"]),
        "location" => place(body),
        "contact" if is_own(body, message) => match phone(body) {
            Some(phone) => return Said::OwnPhone(phone),
            None => None,
        },
        "contact" => Some(Content { quoted: card(body, limits), ..unsupported(kind) }),
        _ => None,
    };
    let content = content.unwrap_or_else(|| unsupported(kind));
    Said::Content(Content { text: content.text.or_else(|| words(&message["caption"])), ..content })
}

fn unsupported(kind: &str) -> Content {
    Content { unsupported: Some(kind.to_owned()), ..Content::default() }
}

fn button(id: &str) -> Content {
    Content { button: Some(Button { id: id.to_owned() }), ..Content::default() }
}

/// What of a text is words to people. None: all of it is a command to the bot. Whoever led them here may have put one word behind
/// `/start` (Bot API, «Deep linking»); further words are the author's, who left the command in. Behind another command it is kept
/// with them: it may be a word of theirs.
fn without_command(text: &str) -> Option<&str> {
    let is_one = |word: &str, chars: usize, besides: &str| {
        let good = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
        (1..=chars).contains(&word.len()) && word.chars().all(good)
    };
    let (first, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let rest = rest.trim_start();
    // It may name its bot: `/start@almaty_roads_bot`.
    let command = first.strip_prefix('/').and_then(|word| word.split('@').next());
    let is_named = |name: &&str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    match command.filter(is_named).filter(|name| is_one(name, COMMAND_CHARS, "_")) {
        Some(_) if rest.is_empty() => None,
        Some(name) if name.eq_ignore_ascii_case(START) => {
            let is_said = rest.chars().any(char::is_alphanumeric) && !is_one(rest, PAYLOAD_CHARS, "_-");
            is_said.then_some(rest)
        }
        _ => Some(text),
    }
}

/// The language of an app: of `pt-BR` the `pt`.
fn app_lang(code: &Value) -> Option<String> {
    let primary = code.as_str()?.split(['-', '_']).next()?;
    let is_one = (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    is_one.then(|| primary.to_ascii_lowercase())
}

/// A pressed button, by the word that we gave it (Bot API, `callback_data`: 1–64 bytes).
pub(super) fn pressed(data: &Value) -> Option<Button> {
    let id = data.as_str()?;
    let ours = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    ours.then(|| Button { id: id.to_owned() })
}

/// The largest of the sizes that a photo comes in. A photo is always sent as JPEG, and says so nowhere.
fn photo(sizes: &Value) -> Option<Content> {
    let area = |size: &&Value| {
        let side = |name: &str| size[name].as_u64().unwrap_or_default();
        (side("width").saturating_mul(side("height")), side("file_size"))
    };
    let attachment =
        sizes.as_array()?.iter().max_by_key(area).and_then(|size| attachment(MediaKind::Image, size))?;
    Some(attached(Attachment { media_type: Some("image/jpeg".to_owned()), ..attachment }))
}

fn file(kind: MediaKind, file: &Value) -> Option<Content> {
    attachment(kind, file).map(attached)
}

fn attached(attachment: Attachment) -> Content {
    Content { attachments: vec![attachment], ..Content::default() }
}

/// None without an id: such a file can never be fetched.
fn attachment(kind: MediaKind, file: &Value) -> Option<Attachment> {
    Some(Attachment {
        kind,
        external_id: Some(id(&file["file_id"])?.into()),
        url: None,
        media_type: media_type(file),
        file_name: text_at(file, &["file_name"]).and_then(text::file_name).map(Personal::new),
    })
}

fn media_type(file: &Value) -> Option<String> {
    text_at(file, &["mime_type"]).and_then(text::media_type)
}

fn kind_of_document(document: &Value) -> MediaKind {
    match media_type(document).as_deref().and_then(|label| label.split_once('/')) {
        Some(("image", _)) => MediaKind::Image,
        Some(("video", _)) => MediaKind::Video,
        Some(("audio", _)) => MediaKind::Audio,
        _ => MediaKind::Document,
    }
}

/// A venue has a name as well: those are the map's words, not the resident's.
fn place(location: &Value) -> Option<Content> {
    let point = Point::new(location["longitude"].as_f64()?, location["latitude"].as_f64()?)?;
    Some(Content { point: Some(point.into()), ..Content::default() })
}

/// Whether the card is the sender's own: the platform vouches for its phone.
fn is_own(card: &Value, message: &Value) -> bool {
    card["user_id"].as_i64().is_some_and(|owner| message["from"]["id"].as_i64() == Some(owner))
}

/// The phone of a card; an address book has it as somebody typed it.
fn phone(card: &Value) -> Option<String> {
    let phone = id(&card["phone_number"])?;
    phone_of_digits(&phone).or_else(|| phone_as_typed(&phone))
}

/// Name and phone of somebody else. They are no words of whoever sent them, and go no further than to operators.
fn card(card: &Value, limits: &Limits) -> Option<Personal<String>> {
    let words = full_name(card).into_iter().chain(id(&card["phone_number"]));
    text::clean(&words.collect::<Vec<_>>().join(", "), limits.text_chars).map(Personal::new)
}

/// The name of a person or a card, on one line.
pub(super) fn full_name(person: &Value) -> Option<String> {
    let parts = ["first_name", "last_name"].into_iter().filter_map(|part| text_at(person, &[part]));
    text::name(&parts.collect::<Vec<_>>().join(" "))
}
