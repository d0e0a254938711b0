//! Telegram: `sendMessage`.

use serde_json::{Value, json};
use zholdary_domain::outgoing::{Outgoing, Trouble};

use super::{Call, Verdict};

/// The longest id of a button (Bot API, «InlineKeyboardButton»: 1–64 bytes).
const ID_BYTES: usize = 64;

pub(super) fn call(out: &Outgoing) -> Option<Call> {
    let chat: i64 = out.to.reveal().parse().ok()?;
    let mut body = json!({
        "chat_id": chat,
        "text": out.text.reveal(),
        "link_preview_options": { "is_disabled": true },
    });
    // Our name of a message is its chat and its number there.
    let answers = out.answers.as_ref().and_then(|id| id.reveal().rsplit_once(':')?.1.parse::<i64>().ok());
    if let Some(message) = answers {
        body["reply_parameters"] = json!({ "message_id": message, "allow_sending_without_reply": true });
    }
    if out.buttons.iter().any(|button| button.id.starts_with("place:")) {
        let keys: Vec<_> =
            out.buttons.iter().map(|b| json!([{ "text": b.title, "request_location": true }])).collect();
        body["reply_markup"] =
            json!({ "keyboard": keys, "one_time_keyboard": true, "resize_keyboard": true });
    } else {
        // With a longer id the whole text would be refused: it can be answered in words.
        let fit = out.buttons.iter().filter(|b| (1..=ID_BYTES).contains(&b.id.len()));
        let keys: Vec<_> = fit.map(|b| json!({ "text": b.title, "callback_data": b.id })).collect();
        if !keys.is_empty() {
            body["reply_markup"] = json!({ "inline_keyboard": [keys] });
        }
    }
    Some(Call::Telegram { method: "sendMessage", body })
}

/// `chat:message`, as the parser names messages.
pub(super) fn taken(answer: &Value) -> Option<String> {
    let message = answer.get("result").unwrap_or(answer);
    let (chat, id) = (message["chat"]["id"].as_i64()?, message["message_id"].as_i64()?);
    Some(format!("{chat}:{id}"))
}

/// Error codes of the Bot API are HTTP's (Telegram, «Making requests»). It does not find what has a token of no form: a chat that
/// it does not find is a bad request.
pub(super) const fn verdict(code: i64) -> Option<Verdict> {
    Some(match code {
        401 | 404 => Verdict::later(Trouble::Token),
        403 => Verdict::never(Trouble::Blocked),
        429 => Verdict::later(Trouble::Busy),
        400 => Verdict::never(Trouble::Refused),
        _ => return None,
    })
}
