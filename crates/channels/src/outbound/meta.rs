//! Instagram and Facebook: private messages, and answers under comments.

use serde_json::{Value, json};
use zholdary_domain::{
    inbound::{Channel, Surface},
    outgoing::{Outgoing, Trouble},
};

use super::{Call, Form, Verdict, cut, is_public};

/// The most letters on a quick reply.
const TITLE_CHARS: usize = 20;

pub(super) fn call(out: &Outgoing, form: Form) -> Option<Call> {
    let text = out.text.reveal();
    if is_public(out.surface) && !out.private_reply {
        let under = out.answers.as_ref()?.reveal();
        let answer = match (out.channel, out.surface) {
            (Channel::Instagram, Surface::Mention) => return mentioned(out, under),
            (Channel::Instagram, _) => "replies",
            _ => "comments",
        };
        return Some(Call::Graph { path: format!("{under}/{answer}"), body: json!({ "message": text }) });
    }
    let mut message = json!({ "text": text });
    let replies: Vec<_> = out
        .buttons
        .iter()
        // A point cannot be asked for there.
        .filter(|button| !button.id.starts_with("place:"))
        .map(|button| {
            json!({ "content_type": "text", "title": cut(&button.title, TITLE_CHARS), "payload": button.id })
        })
        .collect();
    if !replies.is_empty() {
        message["quick_replies"] = json!(replies);
    }
    // Once for each comment, within seven days (Meta, «Private Replies»).
    let recipient = match (&out.answers, out.private_reply) {
        (Some(comment), true) => json!({ "comment_id": comment.reveal() }),
        (None, true) => return None,
        (_, false) => json!({ "id": out.to.reveal() }),
    };
    let mut body = json!({ "recipient": recipient, "message": message });
    match form {
        Form::HumanAgent => {
            body["messaging_type"] = json!("MESSAGE_TAG");
            body["tag"] = json!("HUMAN_AGENT");
        }
        Form::Text | Form::Template => body["messaging_type"] = json!("RESPONSE"),
    }
    Some(Call::Graph { path: format!("{}/messages", out.account), body })
}

/// Where we are mentioned we answer at our own account, by the picture and the comment under it (Meta, «IG User, Mentions»).
fn mentioned(out: &Outgoing, under: &str) -> Option<Call> {
    let (picture, comment) = match under.split_once('/') {
        // An older name of a mention tells the picture or the comment, and not which.
        Some(("mention", _)) => return None,
        Some((picture, comment)) => (picture, Some(comment)),
        None => (under, None),
    };
    let mut body = json!({ "media_id": picture, "message": out.text.reveal() });
    if let Some(comment) = comment {
        body["comment_id"] = json!(comment);
    }
    Some(Call::Graph { path: format!("{}/mentions", out.account), body })
}

pub(super) fn taken(answer: &Value) -> Option<String> {
    let id = |field: &str| answer[field].as_str().map(str::to_owned);
    id("message_id").or_else(|| id("id"))
}

/// Error codes of the Graph API (Meta, «Handle errors»; Messenger, «Error codes»).
pub(super) const fn verdict(code: i64, subcode: Option<i64>) -> Option<Verdict> {
    match (code, subcode) {
        (_, Some(2_018_065 | 2_018_278 | 2_534_022)) => return Some(Verdict::never(Trouble::WindowClosed)),
        (_, Some(1_545_041 | 2_018_108)) => return Some(Verdict::never(Trouble::Blocked)),
        // A comment that is gone; a person whom nobody of theirs is.
        (100, Some(33 | 2_018_001)) => return Some(Verdict::never(Trouble::NoSuchAddress)),
        _ => {}
    }
    Some(match code {
        1 | 2 | 4 | 17 | 32 | 341 | 613 | 1200 => Verdict::later(Trouble::Busy),
        102 | 190 => Verdict::later(Trouble::Token),
        200..=299 => Verdict::never(Trouble::Permission),
        10 | 2018278 => Verdict::never(Trouble::WindowClosed),
        551 | 1545041 => Verdict::never(Trouble::Blocked),
        33 => Verdict::never(Trouble::NoSuchAddress),
        100 => Verdict::never(Trouble::Refused),
        _ => return None,
    })
}
