//! What a channel hands to intake: the platform's words translated, nothing decided yet.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    number::Number,
    personal::{self, Personal},
    place::Point,
};

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// WhatsApp Cloud API.
    Whatsapp,
    /// Instagram: direct, comments, mentions, stories.
    Instagram,
    /// Facebook page: Messenger, comments, visitor posts.
    Facebook,
    /// Telegram bot.
    Telegram,
    /// E-mail.
    Email,
    /// The public page and the API.
    Web,
    /// Open311 GeoReport v2.
    Open311,
    /// A meeting, written down by an operator.
    Meeting,
    /// A phone call, written down by an operator.
    Phone,
}

impl Channel {
    /// Every channel there is.
    pub const ALL: [Self; 9] = [
        Self::Whatsapp,
        Self::Instagram,
        Self::Facebook,
        Self::Telegram,
        Self::Email,
        Self::Web,
        Self::Open311,
        Self::Meeting,
        Self::Phone,
    ];

    /// The code of the channel.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Facebook => "facebook",
            Self::Telegram => "telegram",
            Self::Email => "email",
            Self::Web => "web",
            Self::Open311 => "open311",
            Self::Meeting => "meeting",
            Self::Phone => "phone",
        }
    }

    /// The channel with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.code() == code)
    }
}

/// The part of a channel: messages of different surfaces never join by time alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// A private chat.
    Private,
    /// A public comment.
    Comment,
    /// A post on our page.
    Post,
    /// A mention of our account.
    Mention,
    /// A story.
    Story,
    /// A letter.
    Mail,
    /// A form or an API call.
    Form,
    /// Spoken words that an operator wrote down.
    Spoken,
}

/// How a message may join an appeal, as its channel told (channel rule R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// By a reply, else within ten minutes of the last one of the same contact on the same surface.
    Window,
    /// Only by a reply: mail, forms, meetings.
    ReplyOnly,
    /// Only by the parent comment and the same author.
    ParentAndAuthor,
}

/// What an attachment is, as the platform labels it. The bytes decide later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A photo.
    Image,
    /// A film.
    Video,
    /// A voice note or other sound.
    Audio,
    /// A document.
    Document,
    /// A sticker: never a reason for an appeal.
    Sticker,
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What the platform says it is.
    pub kind: MediaKind,
    /// The platform's id of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub external_id: Option<Personal<String>>,
    /// Media type as labelled, without parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// File name without path parts or control characters.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub file_name: Option<Personal<String>>,
}

/// A pressed button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// Its id, `fixed:yes`, `fixed:no:Z-2026-000401` (`templates.toml [button]`).
    pub id: String,
}

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The text in NFC, without invisible and bidirectional marks.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub text: Option<Personal<String>>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// A point on the map.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub point: Option<Personal<Point>>,
    /// A pressed button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
    /// A kind of message that the platform could not hand over, or that we do not know: a person looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
}

impl Content {
    /// The text, when it has any letters or digits.
    #[must_use]
    pub fn usable_text(&self) -> Option<&str> {
        self.text.as_ref().map(|t| t.reveal().as_str()).filter(|t| t.chars().any(char::is_alphanumeric))
    }

    /// Whether nothing in it can be part of an appeal: a sticker alone, no text, no point.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.usable_text().is_none()
            && self.point.is_none()
            && self.button.is_none()
            && self.unsupported.is_none()
            && self.attachments.iter().all(|a| a.kind == MediaKind::Sticker)
    }
}

/// Who wrote, in the channel's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// The keys under which the channel knows the person, the steady one first: `user_id`, then the phone in E.164.
    pub keys: Vec<Personal<String>>,
    /// Name of the profile.
    pub name: Option<Personal<String>>,
    /// Phone in E.164.
    pub phone: Option<Personal<String>>,
}

/// Names a message of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// The channel.
    pub channel: Channel,
    /// Our account there.
    pub account: String,
    /// The platform's id of the message.
    pub external_id: Personal<String>,
}

/// A message of a resident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// Its name.
    pub id: MessageRef,
    /// The part of the channel.
    pub surface: Surface,
    /// Who wrote it. Absent when the platform does not tell.
    pub sender: Option<Sender>,
    /// What it says.
    pub content: Content,
    /// The platform's id of the message that it answers.
    pub reply_to: Option<Personal<String>>,
    /// How it may join an appeal.
    pub join: Join,
    /// The message's own time.
    pub sent_at: DateTime<Utc>,
    /// The contact's new keys, when the message says that they changed. Such a message is about nothing else.
    pub new_keys: Vec<Personal<String>>,
}

/// How far a message of ours came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Accepted by us, not yet by the platform.
    Queued,
    /// Accepted by the platform.
    Sent,
    /// On the resident's phone.
    Delivered,
    /// Read.
    Read,
    /// Will not arrive. Final.
    Failed,
}

/// A message of ours that had been sent before (a seed file, or what `deliver` sends).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundSent {
    /// Its name.
    pub id: MessageRef,
    /// The resident's message whose appeal it belongs to, by the platform's id.
    pub answers: Option<Personal<String>>,
    /// The number that it named: an alias of that appeal.
    pub number: Option<Number>,
    /// The author of an appeal of an earlier system.
    pub contact: Option<Personal<String>>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// One element of what a channel delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A message of a resident.
    Message(Box<InboundMessage>),
    /// A message got another content.
    Edited {
        /// The message.
        of: MessageRef,
        /// The platform's id, or time, of the edit.
        edit: Personal<String>,
        /// What it says now.
        content: Content,
        /// When it was edited.
        sent_at: DateTime<Utc>,
    },
    /// A message was taken back.
    Withdrawn {
        /// The message.
        of: MessageRef,
        /// When.
        sent_at: DateTime<Utc>,
    },
    /// The platform tells how far a message of ours came.
    Delivery {
        /// Our message.
        of: MessageRef,
        /// How far.
        state: DeliveryState,
        /// When.
        at: DateTime<Utc>,
        /// The platform's code of the error, when it failed.
        error: Option<i64>,
    },
    /// A message of ours, sent before.
    Sent(Box<InboundSent>),
    /// Leads to nothing by the channel's rules: a reaction, a typing mark, an account's update.
    Nothing {
        /// What it was, from a closed set.
        what: &'static str,
    },
    /// Not understood: the raw bytes are kept for a person.
    Kept {
        /// Why, from a closed set.
        why: &'static str,
    },
}
