//! A message to a resident, from «we mean to send it» to «the platform took it», or an honest end before that.
//!
//! No platform promises to take a message once: after a lost answer it may have gone. So each attempt is recorded before it is
//! made, and what came of it after; an attempt without an outcome is «unknown», and nothing is sent again blindly.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    appeal::{Appeal, FindingId, Stage},
    ids::{AppealId, ContactId, MessageId},
    inbound::{Channel, Surface},
    personal::{self, Personal},
};

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutButton {
    /// What comes back when it is pressed (`templates.toml [button]`).
    pub id: String,
    /// What stands on it.
    pub title: String,
}

/// What goes instead of the text where only a registered text of the vendor may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorTemplate {
    /// The name it is registered under.
    pub name: String,
    /// What fills its numbered parameters.
    #[serde(serialize_with = "personal::write")]
    pub params: Personal<Vec<String>>,
    /// The ids of its buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<String>,
}

/// The task that a letter to a party is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Code of the party that the letter is for.
    pub party: String,
    /// The finding.
    pub finding: FindingId,
}

/// What must still hold when a letter's time comes: a reminder of what is done by then reminds of nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyWhile {
    /// Code of the party that must still have the finding to do.
    pub holder: String,
    /// And nobody there has taken it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed: bool,
    /// And this is still one of its terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
}

impl OnlyWhile {
    /// Whether it holds for `finding` of `appeal`.
    #[must_use]
    pub fn holds(&self, appeal: &Appeal, finding: FindingId) -> bool {
        let Some(state) = appeal.findings.get(usize::from(finding.0)) else { return false };
        let is_new = matches!(state.stage, Stage::Routed | Stage::Forwarded);
        appeal.end.is_none()
            && state.holder() == Some(self.holder.as_str())
            && (is_new || !self.unconfirmed)
            && self.due_at.is_none_or(|due_at| state.due.values().any(|due| due.at == due_at))
    }
}

/// A message that we mean to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// The appeal that it tells of; none when it hints at how to write one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<AppealId>,
    /// Whom it is for.
    pub contact: ContactId,
    /// The channel.
    pub channel: Channel,
    /// Where the person wrote: an answer goes to the same part of the channel.
    pub surface: Surface,
    /// Our account there.
    pub account: String,
    /// The key under which the channel knows the person.
    #[serde(serialize_with = "personal::write")]
    pub to: Personal<String>,
    /// The platform's id of the message that it stands under.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub answers: Option<Personal<String>>,
    /// Code of the template, or `text`.
    pub what: String,
    /// Version of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Language, `ru`, `kk` or `en`.
    pub lang: String,
    /// The subject of a letter, without its tag.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub subject: Option<Personal<String>>,
    /// The text.
    #[serde(serialize_with = "personal::write")]
    pub text: Personal<String>,
    /// Buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<OutButton>,
    /// What goes instead where the vendor's window is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<VendorTemplate>,
    /// The part before it, where a text goes in parts: the vendor's registered text in its place says all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<MessageId>,
    /// What it goes in the place of, because that did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<MessageId>,
    /// It goes to the author of the public comment `answers` alone: what platforms allow once for each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_reply: bool,
    /// It goes no earlier: parts of an album may still come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// A person wrote it: the vendor lets such a text through for longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_person: bool,
    /// It goes at any hour: danger, and what answers words just written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
    /// It is for a party, and about this task. Nothing: it is for a resident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// What must still hold when its time comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_while: Option<OnlyWhile>,
}

/// Why a platform did not take a message, or we did not offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It did not answer, or has no time: it goes again later.
    Busy,
    /// It does not know our token: everything waits until a person gives another.
    Token,
    /// Our account may not do this, with any token of its.
    Permission,
    /// The person wrote too long ago for any text of ours.
    WindowClosed,
    /// The person, or the platform, lets nothing through to them.
    Blocked,
    /// There is no such address.
    NoSuchAddress,
    /// It refuses this text for good.
    Refused,
    /// We have no account to send from.
    NoAccount,
    /// We wrote to them, or about this appeal, too often: two programs may be talking to each other.
    TooMany,
    /// What went in the place of the part before it says this, too, or there is nothing left to remind of. No trouble of anybody.
    Needless,
}

impl Trouble {
    /// Every trouble there is.
    pub const ALL: [Self; 10] = [
        Self::Busy,
        Self::Token,
        Self::Permission,
        Self::WindowClosed,
        Self::Blocked,
        Self::NoSuchAddress,
        Self::Refused,
        Self::NoAccount,
        Self::TooMany,
        Self::Needless,
    ];

    /// The code, as recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Token => "token",
            Self::Permission => "permission",
            Self::WindowClosed => "window_closed",
            Self::Blocked => "blocked",
            Self::NoSuchAddress => "no_such_address",
            Self::Refused => "refused",
            Self::NoAccount => "no_account",
            Self::TooMany => "too_many",
            Self::Needless => "needless",
        }
    }
}

/// Where a message stands on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may be sent from this instant on; nothing: at once.
    Waits {
        /// From when.
        from: Option<DateTime<Utc>>,
    },
    /// It is being sent: an outcome follows, or the process died.
    Attempted {
        /// Since when.
        at: DateTime<Utc>,
    },
    /// The platform took it, and calls it so.
    Taken {
        /// The stream under the platform's id.
        message: MessageId,
    },
    /// It may have gone: nobody knows.
    Unknown,
    /// It was given up.
    GivenUp(Trouble),
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// What is sent.
    pub what: Box<Outgoing>,
    /// How often it was tried.
    pub attempts: u16,
    /// Where it stands.
    pub standing: Standing,
}
