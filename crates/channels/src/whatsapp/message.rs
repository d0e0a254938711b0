//! One of `value.messages`.

use serde_json::Value;
use zholdary_domain::{
    Inbound, Personal,
    inbound::{Channel, Content, InboundMessage, MessageRef},
};

use super::{
    content::{Said, content, time},
    people::{self, Person},
};
use crate::{
    Limits, Way,
    group::{IN_A_GROUP, group},
    json::id,
};

/// Reads one message of our `account`.
pub(super) fn read(message: &Value, account: &str, people: &[Person], limits: &Limits) -> Inbound {
    let named = |external_id: String| MessageRef {
        channel: Channel::Whatsapp,
        account: account.to_owned(),
        external_id: external_id.into(),
    };
    // Group chats are not served (channel rule R23).
    if let Some(chat) = message.get("group_id").filter(|chat| !chat.is_null()) {
        return match (id(chat), content(message, limits)) {
            (Some(chat), Said::Content(_)) => group(&named(String::new()), chat, time(message)),
            _ => IN_A_GROUP,
        };
    }
    let Some(own_id) = id(&message["id"]) else { return Inbound::Kept { why: "message without an id" } };
    let sent_at = time(message);
    match message["type"].as_str() {
        Some("edit") => {
            let edit = &message["edit"];
            let of = id(&edit["original_message_id"]).map(named);
            return match (of, content(&edit["message"], limits)) {
                (Some(of), Said::Content(content)) if content.unsupported.is_none() => {
                    Inbound::Edited { of, edit: own_id.into(), content, sent_at }
                }
                _ => Inbound::Kept { why: "edit of another shape" },
            };
        }
        Some("revoke") => {
            return match id(&message["revoke"]["original_message_id"]).map(named) {
                Some(of) => Inbound::Withdrawn { of, sent_at },
                None => Inbound::Kept { why: "withdrawal of another shape" },
            };
        }
        _ => {}
    }
    let way = Way::of(Channel::Whatsapp);
    let received = |sender, content, reply_to, new_keys| {
        Inbound::Message(Box::new(InboundMessage {
            id: named(own_id),
            surface: way.surface,
            sender,
            content,
            reply_to,
            join: way.join,
            album: None,
            letter: None,
            sent_at,
            new_keys,
        }))
    };
    if message["type"] == "system" {
        return match people::changed(message, people) {
            Some((sender, new_keys)) => received(Some(sender), Content::default(), None, new_keys),
            None => Inbound::Nothing { what: "note of the platform" },
        };
    }
    match content(message, limits) {
        Said::Content(content) => {
            let reply_to = id(&message["context"]["id"]).map(Personal::new);
            received(people::sender(message, people), content, reply_to, Vec::new())
        }
        Said::Nothing(what) => Inbound::Nothing { what },
        Said::Unknown => Inbound::Kept { why: "message of an unknown kind" },
    }
}
