//! From a message that we mean to send to what its platform wants to hear, and back from the platform's answer.
//!
//! Pure: who speaks to the network hands the [`Call`] over and brings the answer back; a letter is an [`email::Letter`].

pub mod email;
mod meta;
mod split;
mod telegram;
mod whatsapp;

use serde_json::Value;
use zholdary_domain::{
    MessageId,
    inbound::{Channel, Surface},
    outgoing::{Outgoing, Trouble},
};

pub use split::parts;

/// In which form a message may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Text,
    /// As a person's text, within seven days of the last message («Human Agent»).
    HumanAgent,
    /// As the vendor's registered text.
    Template,
}

/// What a platform is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A POST to Meta's Graph API.
    Graph {
        /// Path after the version, without a slash before it.
        path: String,
        /// JSON body.
        body: Value,
    },
    /// A method of Telegram's Bot API.
    Telegram {
        /// Its name.
        method: &'static str,
        /// Its parameters.
        body: Value,
    },
}

/// What a platform's refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Why it did not go.
    pub why: Trouble,
    /// The same may go later.
    pub again: bool,
}

impl Verdict {
    const fn later(why: Trouble) -> Self {
        Self { why, again: true }
    }

    const fn never(why: Trouble) -> Self {
        Self { why, again: false }
    }
}

/// What its platform is asked to do with a message; nothing where no message of ours goes.
#[must_use]
pub fn call(id: MessageId, out: &Outgoing, form: Form) -> Option<Call> {
    match out.channel {
        Channel::Whatsapp => Some(whatsapp::call(id, out, form)),
        Channel::Instagram | Channel::Facebook => meta::call(out, form),
        Channel::Telegram => telegram::call(out),
        Channel::Email | Channel::Web | Channel::Open311 | Channel::Meeting | Channel::Phone => None,
    }
}

/// The platform's id of what it took, from its answer.
#[must_use]
pub fn taken(out: &Outgoing, answer: &Value) -> Option<String> {
    match out.channel {
        Channel::Whatsapp => Some(answer["messages"][0]["id"].as_str()?.to_owned()),
        Channel::Instagram | Channel::Facebook => meta::taken(answer),
        Channel::Telegram => telegram::taken(answer),
        Channel::Email | Channel::Web | Channel::Open311 | Channel::Meeting | Channel::Phone => None,
    }
}

/// Whether a refusal proves that nothing was done: under a failure of its own a platform's «something went wrong» does not.
#[must_use]
pub const fn is_proof(channel: Channel, status: u16, code: Option<i64>) -> bool {
    let says_nothing = match channel {
        Channel::Whatsapp | Channel::Instagram | Channel::Facebook => matches!(code, Some(1 | 131_000)),
        // Its code is the status again: of a server that ends with the message under way, or of what stands before it
        // (tdlib/telegram-bot-api#868).
        Channel::Telegram => true,
        _ => false,
    };
    status < 500 || !says_nothing
}

/// What the refusal of `out` means: as [`verdict`], and what it was about.
#[must_use]
pub fn refusal(out: &Outgoing, status: u16, code: Option<i64>, subcode: Option<i64>) -> Verdict {
    let verdict = verdict(out.channel, status, code, subcode);
    // In public there is no window: the same code says there that a permission is missing.
    if verdict.why == Trouble::WindowClosed && is_public(out.surface) && !out.private_reply {
        return Verdict::never(Trouble::Permission);
    }
    verdict
}

/// What a refusal with this HTTP `status` and the platform's `code` and `subcode` means.
#[must_use]
pub fn verdict(channel: Channel, status: u16, code: Option<i64>, subcode: Option<i64>) -> Verdict {
    let known = code.and_then(|code| match channel {
        Channel::Whatsapp => whatsapp::verdict(code),
        Channel::Instagram | Channel::Facebook => meta::verdict(code, subcode),
        Channel::Telegram => telegram::verdict(code),
        Channel::Email => email::verdict(code),
        _ => None,
    });
    known.unwrap_or(match status {
        // A 403 that says no more is of whatever stands before the platform, and of us.
        401 | 403 => Verdict::later(Trouble::Token),
        404 | 410 => Verdict::never(Trouble::NoSuchAddress),
        // The request did not come in whole, or came too early (RFC 9110, 15.5.9; RFC 8470, 5.2): nothing was done.
        408 | 425 | 429 | 500.. => Verdict::later(Trouble::Busy),
        _ => Verdict::never(Trouble::Refused),
    })
}

/// Whether an answer to this part of a channel is public.
const fn is_public(surface: Surface) -> bool {
    matches!(surface, Surface::Comment | Surface::Post | Surface::Mention)
}

/// A text with what a person may write, where there is no place for buttons.
fn cut(title: &str, most: usize) -> String {
    title.chars().take(most).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
