//! Messages as the WhatsApp Cloud API delivers them (Meta, «Webhooks: messages»).

use serde_json::{Value, json};

use crate::story::{ACCOUNT, Kind, Said};

/// Our number as it is shown.
const DISPLAY: &str = "77272000100";
/// The business account.
const BUSINESS: &str = "104870029331200";

/// One delivery that holds these messages.
#[must_use]
pub fn post(messages: &[&Said]) -> Vec<u8> {
    let mut contacts: Vec<Value> = Vec::new();
    for said in messages {
        let contact = json!({ "profile": { "name": said.name }, "wa_id": said.from });
        if !contacts.contains(&contact) {
            contacts.push(contact);
        }
    }
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": DISPLAY, "phone_number_id": ACCOUNT },
        "contacts": contacts,
        "messages": messages.iter().map(|said| message(said)).collect::<Vec<_>>(),
    });
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": BUSINESS, "changes": [{ "value": value, "field": "messages" }] }],
    });
    body.to_string().into_bytes()
}

fn message(said: &Said) -> Value {
    let mut message = json!({
        "from": said.from,
        "id": said.id,
        "timestamp": said.at.timestamp().to_string(),
    });
    let (kind, content) = match &said.kind {
        Kind::Text(text) => ("text", json!({ "body": text })),
        Kind::Photo { caption } => {
            let mut image =
                json!({ "mime_type": "image/jpeg", "id": format!("media-{}", said.id), "sha256": "" });
            if let Some(caption) = caption {
                image["caption"] = json!(caption);
            }
            ("image", image)
        }
        Kind::Point { lon, lat } => ("location", json!({ "latitude": lat, "longitude": lon })),
        Kind::Edit { of, text } => {
            let words = json!({ "type": "text", "text": { "body": text } });
            ("edit", json!({ "original_message_id": of, "message": words }))
        }
        Kind::Button { id, title } => {
            ("interactive", json!({ "type": "button_reply", "button_reply": { "id": id, "title": title } }))
        }
    };
    message["type"] = json!(kind);
    message[kind] = content;
    if let Some(answers) = &said.answers {
        message["context"] = json!({ "from": DISPLAY, "id": answers });
    }
    message
}

/// A message of ours, `id`, that was sent at `at` in answer to a resident's: a line of `*_sent.jsonl`.
pub(crate) fn sent_line(id: &str, at: chrono::DateTime<chrono::Utc>, answers: &str) -> String {
    json!({
        "direction": "out",
        "channel": "whatsapp",
        "account": ACCOUNT,
        "external_id": id,
        "sent_at": at.to_rfc3339(),
        "answers": answers,
    })
    .to_string()
}
