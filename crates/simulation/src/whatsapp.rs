//! Messages as the WhatsApp Cloud API delivers them (Meta, «Webhooks: messages»).

use serde_json::{Value, json};

use crate::{
    story::{Kind, Said},
    way::{Arrived, Step, Way},
};

/// Our number as it is shown.
const DISPLAY: &str = "77272000100";
/// The business account.
const BUSINESS: &str = "104870029331200";

/// One delivery that holds these messages.
pub(crate) fn post(messages: &[&Said]) -> Value {
    let mut contacts: Vec<Value> = Vec::new();
    for said in messages {
        let contact = json!({ "profile": { "name": said.name }, "wa_id": said.from });
        if !contacts.contains(&contact) {
            contacts.push(contact);
        }
    }
    let messages: Vec<Value> = messages.iter().map(|said| message(said)).collect();
    body(&json!({ "contacts": contacts, "messages": messages }))
}

/// One delivery that tells how far these messages of ours came.
pub(crate) fn states(states: &[&Arrived]) -> Value {
    let status = |state: &&Arrived| {
        let mut status = json!({
            "id": state.id,
            "status": match state.step {
                Step::Delivered => "delivered",
                Step::Read => "read",
                Step::Failed { .. } => "failed",
            },
            "timestamp": state.at.timestamp().to_string(),
            "recipient_id": state.to,
        });
        if let Step::Failed { code } = state.step {
            status["errors"] = json!([{ "code": code, "title": "Message undeliverable" }]);
        }
        status
    };
    body(&json!({ "statuses": states.iter().map(status).collect::<Vec<_>>() }))
}

fn body(told: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": DISPLAY, "phone_number_id": Way::Whatsapp.account() },
    });
    if let (Some(value), Some(told)) = (value.as_object_mut(), told.as_object()) {
        value.extend(told.clone());
    }
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": BUSINESS, "changes": [{ "value": value, "field": "messages" }] }],
    })
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
