//! From a body to its elements: updates, each read by itself.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use zholdary_domain::{
    Inbound, Personal,
    inbound::{Channel, Content, InboundMessage, InboundNews, MessageRef, News, Sender},
};

use super::{
    Bot,
    content::{Said, full_name, pressed, said},
};
use crate::{
    Limits, Parsed, UNKNOWN_TIME, Way,
    group::{IN_A_GROUP, group},
    json::{self, id, text_at},
};

/// What a body holds: one update, or an answer of `getUpdates`. It never fails: what does not read is
/// kept beside its sound neighbours.
#[must_use]
pub fn parse(raw: &[u8], bot: &Bot) -> Parsed {
    parse_within(raw, bot, &Limits::default())
}

/// As [`parse`], reading no more than `limits` allow.
#[must_use]
pub fn parse_within(raw: &[u8], bot: &Bot, limits: &Limits) -> Parsed {
    if raw.len() > limits.body_bytes {
        return Parsed::kept("larger than the limit");
    }
    // Bytes that are no UTF-8 cost their own element some letters, not its neighbours their lives.
    let text = String::from_utf8_lossy(raw);
    let updates = match serde_json::from_str::<Body<'_>>(&text) {
        Ok(Body { result: Some(updates), .. }) => updates,
        Ok(Body { ok: Some(_), .. }) => return Parsed::kept("an answer without updates"),
        Ok(_) => match serde_json::from_str::<&RawValue>(&text) {
            Ok(update) => vec![update],
            Err(_) => return Parsed::kept("not the JSON of an update"),
        },
        Err(_) => return Parsed::kept("not the JSON of an update"),
    };
    if updates.len() > limits.elements {
        return Parsed::kept("more elements than the limit");
    }
    if updates.is_empty() {
        return Parsed { elements: vec![Inbound::Nothing { what: "nothing inside" }] };
    }
    let reading = Reading { bot, limits };
    let read = |raw: &&RawValue| json::element(raw, limits, |value| reading.update(value));
    Parsed { elements: updates.iter().map(read).collect() }
}

/// What `getUpdates` is to be asked for next, so that the updates of this answer are confirmed: one more than the highest id in it.
/// None when it holds no update.
#[must_use]
pub fn next_offset(raw: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Id {
        update_id: i64,
    }
    let text = String::from_utf8_lossy(raw);
    let updates = serde_json::from_str::<Body<'_>>(&text).ok()?.result?;
    let ids = updates.iter().filter_map(|raw| json::read::<Id>(raw)).map(|id| id.update_id);
    ids.max()?.checked_add(1)
}

/// The ids of the presses of buttons in an answer of `getUpdates`: each wants to be answered (Bot API, `answerCallbackQuery`).
#[must_use]
pub fn presses(raw: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Update {
        callback_query: Query,
    }
    #[derive(Deserialize)]
    struct Query {
        id: String,
    }
    let text = String::from_utf8_lossy(raw);
    let updates = serde_json::from_str::<Body<'_>>(&text).ok().and_then(|body| body.result);
    let presses = updates.unwrap_or_default().into_iter().filter_map(json::read::<Update>);
    presses.map(|update| update.callback_query.id).collect()
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default)]
    ok: Option<bool>,
    #[serde(borrow, default)]
    result: Option<Vec<&'a RawValue>>,
}

struct Reading<'a> {
    bot: &'a Bot,
    limits: &'a Limits,
}

impl Reading<'_> {
    fn named(&self, external_id: String) -> MessageRef {
        MessageRef {
            channel: Channel::Telegram,
            account: self.bot.id.clone(),
            external_id: external_id.into(),
        }
    }

    fn update(&self, update: &Value) -> Inbound {
        let is_there = |kind: &str| update.get(kind).filter(|value| !value.is_null());
        if let Some(message) = is_there("message") {
            self.message(message)
        } else if let Some(message) = is_there("edited_message") {
            self.edited(update, message)
        } else if let Some(query) = is_there("callback_query") {
            self.callback(query)
        } else if let Some(member) = is_there("my_chat_member") {
            self.member(update, member)
        } else if update["update_id"].is_i64() {
            Inbound::Nothing { what: "update of another kind" }
        } else {
            Inbound::Kept { why: "update of another shape" }
        }
    }

    fn message(&self, message: &Value) -> Inbound {
        if let Some(nothing) = not_served(message) {
            let spoken_to = nothing == IN_A_GROUP && self.bot.is_addressed(message);
            return if spoken_to { self.group(message) } else { nothing };
        }
        let Some(own_id) = message_id(message) else {
            return Inbound::Kept { why: "message without an id" };
        };
        // A private chat is named by its person, where nothing else tells who wrote.
        let mut sender = sender(&message["from"]).or_else(|| sender(&message["chat"]));
        let content = match said(message, self.limits) {
            Said::Content(content) => content,
            // The person's own card: their phone is known now, and nothing is said.
            Said::OwnPhone(phone) => {
                if let Some(sender) = &mut sender {
                    sender.phone = Some(phone.into());
                }
                Content::default()
            }
            Said::Nothing(what) => return Inbound::Nothing { what },
            Said::Unknown => return Inbound::Kept { why: "message of an unknown kind" },
        };
        self.received(
            own_id,
            sender,
            content,
            message_id(&message["reply_to_message"]),
            id(&message["media_group_id"]),
            time(&message["date"]),
        )
    }

    /// A group spoke to the bot. Neither what was said nor who said it goes any further.
    fn group(&self, message: &Value) -> Inbound {
        match message["chat"]["id"].as_i64() {
            Some(_) if message["from"]["is_bot"] == true => IN_A_GROUP,
            Some(chat) => group(&self.named(String::new()), chat.to_string(), time(&message["date"])),
            None => Inbound::Kept { why: "chat of another shape" },
        }
    }

    fn received(
        &self,
        own_id: String,
        sender: Option<Sender>,
        content: Content,
        reply_to: Option<String>,
        album: Option<String>,
        sent_at: DateTime<Utc>,
    ) -> Inbound {
        let way = Way::of(Channel::Telegram);
        Inbound::Message(Box::new(InboundMessage {
            id: self.named(own_id),
            surface: way.surface,
            sender,
            content,
            reply_to: reply_to.map(Personal::new),
            join: way.join,
            album: album.map(Personal::new),
            letter: None,
            sent_at,
            new_keys: Vec::new(),
        }))
    }

    fn edited(&self, update: &Value, message: &Value) -> Inbound {
        if let Some(nothing) = not_served(message) {
            return nothing;
        }
        // The pit does not move with the person who shows where they are.
        if message["location"].is_object() {
            return Inbound::Nothing { what: "moving point" };
        }
        // Of two edits in one second each is an update of its own.
        let edit = message["edit_date"].as_i64().zip(update["update_id"].as_i64());
        match (message_id(message), edit, said(message, self.limits)) {
            (Some(of), Some((at, nth)), Said::Content(content)) if content.unsupported.is_none() => {
                Inbound::Edited {
                    of: self.named(of),
                    edit: format!("{at}/{nth}").into(),
                    content,
                    sent_at: time(&message["edit_date"]),
                }
            }
            _ => Inbound::Kept { why: "edit of another shape" },
        }
    }

    /// A pressed button. It has no time of its own.
    fn callback(&self, query: &Value) -> Inbound {
        let under = &query["message"];
        if not_served(under) == Some(IN_A_GROUP) {
            return IN_A_GROUP;
        }
        let (Some(query_id), Some(button)) = (id(&query["id"]), pressed(&query["data"])) else {
            return Inbound::Kept { why: "button of another shape" };
        };
        // A button speaks only for the author of an appeal: of nobody it would be set aside unseen.
        let Some(sender) = sender(&query["from"]) else {
            return Inbound::Kept { why: "button that nobody pressed" };
        };
        let content = Content { button: Some(button), ..Content::default() };
        self.received(
            format!("callback/{query_id}"),
            Some(sender),
            content,
            message_id(under),
            None,
            UNKNOWN_TIME,
        )
    }

    /// The person blocked our bot, or let it write again.
    fn member(&self, update: &Value, member: &Value) -> Inbound {
        if let Some(nothing) = not_served(member) {
            return nothing;
        }
        let news = match text_at(member, &["new_chat_member", "status"]) {
            Some("kicked") => News::Blocked,
            Some("member") => News::Unblocked,
            Some(_) => return Inbound::Nothing { what: "update of another kind" },
            None => return Inbound::Kept { why: "update of another shape" },
        };
        let (Some(update_id), Some(person)) = (update["update_id"].as_i64(), user_id(&member["from"])) else {
            return Inbound::Kept { why: "update of another shape" };
        };
        Inbound::News(Box::new(InboundNews {
            id: self.named(format!("update/{update_id}")),
            surface: Way::of(Channel::Telegram).surface,
            of: person.into(),
            news,
            at: time(&member["date"]),
        }))
    }
}

/// Chats of several people, and what other bots say, lead to nothing. A chat that does not say what it is may be a group.
fn not_served(message: &Value) -> Option<Inbound> {
    match text_at(message, &["chat", "type"]) {
        Some("private") => (message["from"]["is_bot"] == true).then_some(Inbound::Nothing { what: "bot" }),
        Some(_) => Some(IN_A_GROUP),
        None => Some(Inbound::Kept { why: "chat of another shape" }),
    }
}

fn message_id(message: &Value) -> Option<String> {
    Some(format!("{}:{}", message["chat"]["id"].as_i64()?, message["message_id"].as_i64()?))
}

fn user_id(user: &Value) -> Option<String> {
    user["id"].as_i64().map(|id| id.to_string())
}

fn sender(user: &Value) -> Option<Sender> {
    let key = user_id(user)?;
    Some(Sender { keys: vec![key.into()], name: full_name(user).map(Personal::new), phone: None })
}

fn time(stamp: &Value) -> DateTime<Utc> {
    let seconds = stamp.as_i64().filter(|seconds| *seconds > 0);
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or(UNKNOWN_TIME)
}
