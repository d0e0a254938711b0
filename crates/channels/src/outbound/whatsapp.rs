//! WhatsApp Cloud API: `POST /{phone_number_id}/messages`.

use serde_json::{Value, json};
use zholdary_domain::{
    MessageId,
    inbound::Surface,
    outgoing::{Outgoing, Trouble, VendorTemplate},
};

use super::{Call, Form, Verdict, cut};

/// The most letters on a button.
const TITLE_CHARS: usize = 20;
/// The most buttons under one text.
const BUTTONS: usize = 3;
/// The button that asks for a point on the map.
const POINT: &str = "place:point";

pub(super) fn call(id: MessageId, out: &Outgoing, form: Form) -> Call {
    let to = out.to.reveal();
    let is_group = out.surface == Surface::Group;
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": if is_group { "group" } else { "individual" },
        // Comes back with every status: one that beats the answer to this call finds its message.
        "biz_opaque_callback_data": id.to_string(),
    });
    // A phone is digits; a business-scoped user id has its country before a dot (Meta, «Business-scoped user IDs»). The id of a
    // group is its own (Meta, «Groups API»).
    let (field, to) = match to.as_str() {
        group if is_group => ("to", group),
        user if user.contains('.') => ("recipient", user),
        phone => ("to", phone.trim_start_matches('+')),
    };
    body[field] = json!(to);
    match (&out.instead, form) {
        (Some(template), Form::Template) => {
            body["type"] = json!("template");
            body["template"] = registered(template, &out.lang);
        }
        _ => say(&mut body, out),
    }
    Call::Graph { path: format!("{}/messages", out.account), body }
}

fn say(body: &mut Value, out: &Outgoing) {
    let text = out.text.reveal();
    if let Some(answers) = &out.answers {
        body["context"] = json!({ "message_id": answers.reveal() });
    }
    if out.buttons.iter().any(|button| button.id == POINT) {
        body["type"] = json!("interactive");
        body["interactive"] = json!({
            "type": "location_request_message",
            "body": { "text": text },
            "action": { "name": "send_location" },
        });
    } else if out.buttons.is_empty() {
        body["type"] = json!("text");
        body["text"] = json!({ "body": text, "preview_url": false });
    } else {
        let buttons: Vec<_> = out
            .buttons
            .iter()
            .take(BUTTONS)
            .map(|button| {
                json!({ "type": "reply", "reply": { "id": button.id, "title": cut(&button.title, TITLE_CHARS) } })
            })
            .collect();
        body["type"] = json!("interactive");
        body["interactive"] =
            json!({ "type": "button", "body": { "text": text }, "action": { "buttons": buttons } });
    }
}

fn registered(template: &VendorTemplate, lang: &str) -> Value {
    let params: Vec<_> =
        template.params.reveal().iter().map(|param| json!({ "type": "text", "text": param })).collect();
    let mut components = vec![json!({ "type": "body", "parameters": params })];
    components.extend(template.buttons.iter().enumerate().map(|(index, payload)| {
        json!({
            "type": "button", "sub_type": "quick_reply", "index": index.to_string(),
            "parameters": [{ "type": "payload", "payload": payload }],
        })
    }));
    // Registered in Russian and Kazakh only.
    let lang = if lang == "kk" { "kk" } else { "ru" };
    json!({ "name": template.name, "language": { "code": lang }, "components": components })
}

/// Error codes of the Cloud API (Meta, «Error codes»).
pub(super) const fn verdict(code: i64) -> Option<Verdict> {
    Some(match code {
        4 | 80007 | 130_429 | 131_056 | 131_016 | 131_000 | 133_004 => Verdict::later(Trouble::Busy),
        0 | 190 | 131_031 | 131_042 | 368 => Verdict::later(Trouble::Token),
        // 10 is no window here, as it is in Messenger.
        10 | 200..=299 | 131_005 => Verdict::never(Trouble::Permission),
        131_047 => Verdict::never(Trouble::WindowClosed),
        131_049 | 131_050 => Verdict::never(Trouble::Blocked),
        131_026 | 131_030 | 131_021 | 131_062 => Verdict::never(Trouble::NoSuchAddress),
        100 | 131_008 | 131_009 | 131_051 | 132_000..=132_016 => Verdict::never(Trouble::Refused),
        _ => return None,
    })
}
