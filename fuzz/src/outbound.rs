//! What goes out, and what platforms answer to it.

use serde_json::Value;
use zholdary_channels::outbound::{self, Call, Form};
use zholdary_domain::{
    AppealId,
    inbound::{Channel, Surface},
    outgoing::{OutButton, Outgoing, VendorTemplate},
};
use zholdary_testkit::id_key;

const CHANNELS: [Channel; 4] = [Channel::Whatsapp, Channel::Instagram, Channel::Facebook, Channel::Telegram];
const SURFACES: [Surface; 6] =
    [Surface::Private, Surface::Group, Surface::Story, Surface::Comment, Surface::Post, Surface::Mention];

fn out(channel: Channel, surface: Surface, text: &str) -> Outgoing {
    Outgoing {
        appeal: Some(AppealId::opened_by(id_key().message("whatsapp", "1", "m"))),
        contact: id_key().contact("whatsapp", "a"),
        channel,
        surface,
        account: "1".to_owned(),
        to: text.to_owned().into(),
        answers: Some(text.to_owned().into()),
        what: "receipt".to_owned(),
        version: Some(1),
        lang: "ru".to_owned(),
        subject: None,
        text: text.to_owned().into(),
        buttons: vec![OutButton { id: text.to_owned(), title: text.to_owned() }],
        instead: Some(VendorTemplate {
            name: text.to_owned(),
            params: vec![text.to_owned()].into(),
            buttons: vec![text.to_owned()],
        }),
        not_before: None,
        by_person: false,
        at_once: true,
        task: None,
        only_while: None,
        follows: None,
        instead_of: None,
        private_reply: false,
    }
}

/// A platform's answer, whatever it is, names what it took or nothing, and every refusal means something.
pub fn answer(bytes: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return };
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(400);
    let code = answer["error"]["code"].as_i64().or_else(|| answer["error_code"].as_i64());
    for channel in CHANNELS {
        let _named = outbound::taken(&out(channel, Surface::Private, "1"), &answer);
        let subcode = answer["error"]["error_subcode"].as_i64();
        let verdict = outbound::verdict(channel, status, code, subcode);
        assert_eq!(verdict, outbound::verdict(channel, status, code, subcode));
    }
}

/// Nothing of a text is lost between its parts, and each of them makes a call that its platform can be asked.
pub fn parts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let id = id_key().message("whatsapp", "1", "m");
    for channel in CHANNELS {
        for surface in SURFACES {
            let parts = outbound::parts(channel, surface, text);
            assert_eq!(words(&parts.concat()), words(text), "{channel:?} {surface:?}");
            assert!(parts.iter().all(|part| !part.is_empty()), "{channel:?} {surface:?}");
            for part in parts.iter().take(2) {
                for form in [Form::Text, Form::HumanAgent, Form::Template] {
                    let call = outbound::call(id, &out(channel, surface, part), form);
                    if let Some(Call::Graph { body, .. } | Call::Telegram { body, .. }) = call {
                        assert!(body.is_object());
                    }
                }
            }
        }
    }
}
