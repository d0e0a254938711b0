//! What a channel hands to intake: the platform's words translated, nothing decided yet.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{IdKey, MessageId},
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
    /// A chat of several people. What is said there is not served (channel rule R23): of its messages nothing is kept but that they came.
    Group,
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
    /// Where the platform gives the bytes out for a while.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub url: Option<Personal<String>>,
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
    /// The text in NFC, without invisible and bidirectional marks; of a letter what its author wrote now.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub text: Option<Personal<String>>,
    /// The subject of a letter.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub subject: Option<Personal<String>>,
    /// What it says besides `text` in others' words: of a letter the letter that it quotes and the signature, somebody's card, the title and
    /// address of what was passed on. Folded away, for operators alone, never thrown away.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub quoted: Option<Personal<String>>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// A point on the map.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub point: Option<Personal<Point>>,
    /// A pressed button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
    /// The language of the app in which «start» was pressed, where the platform tells: its primary subtag of IETF BCP 47, `kk`.
    /// Nobody chose it; who never wrote is greeted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_lang: Option<String>,
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

    /// The subject of a letter that begins a conversation: its author's own words. That of an answer, or of a letter passed on,
    /// repeats another's.
    #[must_use]
    pub fn opening_subject(&self) -> Option<&str> {
        const OF_OTHERS: [&str; 12] =
            ["re", "aw", "отв", "ответ", "жауап", "қайта", "fw", "fwd", "wg", "пересл", "переслано", "қж"];
        let subject = self.subject.as_ref()?.reveal().trim();
        let prefix = subject.split_once(':').map(|(prefix, _)| prefix.trim().to_lowercase());
        // «Re[2]:», as some programs count.
        let word = prefix.as_deref().map(|prefix| prefix.split('[').next().unwrap_or_default().trim());
        let is_own = word.is_none_or(|word| !OF_OTHERS.contains(&word));
        (is_own && subject.chars().any(char::is_alphanumeric)).then_some(subject)
    }

    /// Whether it says anything in words.
    #[must_use]
    pub fn has_words(&self) -> bool {
        self.usable_text().is_some() || self.opening_subject().is_some()
    }

    /// Whether nothing in it can be part of an appeal: a sticker alone, no text, no point.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.has_words()
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

impl MessageRef {
    /// The id of the message.
    ///
    /// Instagram leaves out the account: two kinds of login deliver the same message under two accounts (channel rule R2). So does
    /// mail under an id that is the world's own (RFC 5322, 3.6.4): a letter to two of our addresses is one letter.
    #[must_use]
    pub fn id(&self, key: &IdKey) -> MessageId {
        let external_id = self.external_id.reveal();
        let of_the_world = match self.channel {
            Channel::Instagram => true,
            Channel::Email => is_of_the_world(external_id),
            _ => false,
        };
        key.message(self.channel.code(), if of_the_world { "" } else { &self.account }, external_id)
    }
}

/// Whether a letter is called what no other is called, at any address: by a `Message-ID` with a domain, or by the hash of its
/// bytes. A line of a file may call its letters 1, 2, 3.
fn is_of_the_world(external_id: &str) -> bool {
    if let Some(hash) = external_id.strip_prefix("blake3:") {
        return hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let bare = external_id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    bare.and_then(|id| id.rsplit_once('@')).is_some_and(|(own, domain)| !own.is_empty() && !domain.is_empty())
}

/// What wrote a letter, when it was no person (RFC 3834; channel rule R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// A program that answers letters: «out of office», a report of the post.
    Reply,
    /// A mailing to many.
    Mailing,
}

/// What only a letter tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// `Message-ID`s of the letters before it, the nearest first: any of them may be ours. None when it is forwarded.
    pub references: Vec<Personal<String>>,
    /// The number in the subject. None when it is forwarded, or nobody vouches for its sender.
    pub tag: Option<Number>,
    /// What wrote it, when no person did.
    pub automatic: Option<Automatic>,
    /// Our mail server found that the sender's domain does not vouch for it (DMARC failed; channel rule R21).
    pub unverified: bool,
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
    /// The platform's id of the album that it is a part of: its parts are one message, however late one comes.
    pub album: Option<Personal<String>>,
    /// What a letter tells besides.
    pub letter: Option<Box<Letter>>,
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

/// A message of our account that the platform shows us: ours, or what somebody wrote past this system (channel rules R6, R7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundEcho {
    /// Its name.
    pub id: MessageRef,
    /// The part of the channel.
    pub surface: Surface,
    /// The key of whom it was sent to.
    pub to: Option<Personal<String>>,
    /// The platform's id of the message under which it stands.
    pub answers: Option<Personal<String>>,
    /// What it says.
    pub content: Content,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// What a platform tells of a person, apart from any message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum News {
    /// Everything that we sent up to then was read.
    ReadUpTo {
        /// The sending time of the last one that was.
        until: DateTime<Utc>,
    },
    /// Nothing can be sent there any more.
    Blocked,
    /// Something can be sent there again.
    Unblocked,
}

/// News of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundNews {
    /// Its name: the platform's id of the event, or one made of what it tells.
    pub id: MessageRef,
    /// The part of the channel.
    pub surface: Surface,
    /// The key of the person.
    pub of: Personal<String>,
    /// What is new.
    pub news: News,
    /// When.
    pub at: DateTime<Utc>,
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
        /// What we meant to send with it, when the platform returns our own name.
        carries: Option<MessageId>,
    },
    /// A message of ours, sent before.
    Sent(Box<InboundSent>),
    /// A message of our account, shown by the platform.
    Echoed(Box<InboundEcho>),
    /// News of a person.
    News(Box<InboundNews>),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_of_a_first_letter_is_its_authors_own() {
        for (subject, expected) in [
            ("Яма на Абая 45", Some("Яма на Абая 45")),
            ("Абая 45: яма", Some("Абая 45: яма")),
            ("Re: [Z-2026-000401] Яма", None),
            ("RE[2]: Яма", None),
            ("Отв: Яма", None),
            ("Fwd: Яма", None),
            (" … ", None),
        ] {
            let content = Content { subject: Some(subject.to_owned().into()), ..Content::default() };
            assert_eq!(content.opening_subject(), expected, "{subject}");
            assert_eq!((content.has_words(), content.is_idle()), (expected.is_some(), expected.is_none()));
        }
    }
}
