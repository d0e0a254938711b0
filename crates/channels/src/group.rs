//! Chats of several people, which are not served (channel rule R23).

use chrono::{DateTime, Utc};
use zholdary_domain::{
    Inbound,
    inbound::{Content, InboundMessage, Join, MessageRef, Sender, Surface},
};

/// What is said among several people leads to nothing.
pub(crate) const IN_A_GROUP: Inbound = Inbound::Nothing { what: "group" };

/// A group spoke to us: it may be told where we listen. Of its messages the first of a day stands for all, so that a busy group
/// fills no log, and neither its words nor its people are kept. `ours` tells the channel and our account.
pub(crate) fn group(ours: &MessageRef, chat: String, sent_at: DateTime<Utc>) -> Inbound {
    let external_id = format!("group/{chat}/{}", sent_at.date_naive());
    Inbound::Message(Box::new(InboundMessage {
        id: MessageRef { external_id: external_id.into(), ..ours.clone() },
        surface: Surface::Group,
        sender: Some(Sender { keys: vec![chat.into()], ..Sender::default() }),
        content: Content::default(),
        reply_to: None,
        join: Join::ReplyOnly,
        album: None,
        letter: None,
        sent_at,
        new_keys: Vec::new(),
    }))
}
