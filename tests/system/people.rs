//! People who write: on the hook, on the form, again and again until they are answered.

use std::collections::BTreeSet;

use serde_json::json;
use zholdary_testkit::samples;

use crate::harness::City;
use zholdary_testkit::Told;

/// A small generator: the same seed plays the same texts and moments.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

/// Something on its way.
pub(crate) enum Letter {
    /// A delivery of the hook, with the platform's ids of its messages.
    Hook { body: Vec<u8>, ids: Vec<String> },
    /// A call of the API, by its key.
    Form { key: String, text: String },
}

/// Somebody who writes, again and again, until answered.
pub(crate) struct Client {
    name: u32,
    sent: u32,
    pub(crate) chance: Chance,
    pub(crate) waits: Option<Letter>,
    /// The platform's ids that were acknowledged.
    pub(crate) hooked: BTreeSet<String>,
    /// Messages that the API named.
    pub(crate) filed: BTreeSet<String>,
}

const TEXTS: [&str; 6] = [
    "Яма на Толе би, угол Масанчи",
    "Жол нашар, шұңқыр көп: Абай даңғылы",
    "Не горят фонари на Жандосова",
    "Провалился асфальт на Сейфуллина",
    "Спасибо, сделали быстро",
    "Когда будет ремонт на Навои?",
];

impl Client {
    pub(crate) fn new(name: u32, seed: u64) -> Self {
        let chance = Chance(seed ^ u64::from(name).wrapping_mul(0x2545_f491_4f6c_dd1d));
        Self { name, sent: 0, chance, waits: None, hooked: BTreeSet::new(), filed: BTreeSet::new() }
    }

    fn text(&mut self) -> &'static str {
        TEXTS[usize::try_from(self.chance.below(TEXTS.len() as u64)).expect("small")]
    }

    fn next(&mut self) -> Letter {
        if self.name % 4 == 3 {
            self.sent += 1;
            return Letter::Form {
                key: format!("crash-{}-{}", self.name, self.sent),
                text: self.text().to_owned(),
            };
        }
        let several = 1 + self.chance.below(3);
        let phone = format!("7700{:07}", 1000 + self.name);
        let (mut ids, mut messages) = (Vec::new(), Vec::new());
        for _ in 0..several {
            self.sent += 1;
            let id = format!("wamid.CRASH.{}.{}", self.name, self.sent);
            // Steps of up to half an hour, not always forward: some messages join, most begin an appeal.
            let at = 1_748_000_000 + u64::from(self.sent) * 600 + self.chance.below(1200);
            messages.push(json!({ "from": phone, "id": id, "timestamp": at.to_string(), "type": "text",
                                  "text": { "body": self.text() } }));
            ids.push(id);
        }
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": samples::WABA, "changes": [{ "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
                "contacts": [{ "profile": { "name": "Кто-то" }, "wa_id": phone }],
                "messages": messages,
            } }] }],
        });
        Letter::Hook { body: serde_json::to_vec(&body).expect("JSON"), ids }
    }

    /// Sends what waits, to the hook or the form; whether it was answered well.
    pub(crate) async fn send(&mut self, hooks: &City, forms: &City) -> bool {
        // It waits until it is answered, though nobody waits for the answer any more.
        let letter = match self.waits.take() {
            Some(letter) => letter,
            None => self.next(),
        };
        let heard = match self.waits.insert(letter) {
            Letter::Hook { body, ids } => {
                let heard = hooks.signed(body).await == 200;
                if heard {
                    self.hooked.extend(ids.iter().cloned());
                }
                heard
            }
            Letter::Form { key, text } => match forms.file(key, text).await {
                Some((202, answer)) => {
                    let message = answer["message"].as_str().expect("the message's name").to_owned();
                    self.filed.insert(message) || panic!("one key, one message: {key} named {answer} before")
                }
                _ => false,
            },
        };
        if heard {
            self.waits = None;
        }
        heard
    }
}

/// Whether everybody who was answered is in the log, once, and nobody else but `others` messages. Answers how many were
/// acknowledged.
pub(crate) fn heard_once(clients: &[Client], told: &Told, others: usize) -> usize {
    let external: BTreeSet<_> = told
        .messages
        .values()
        .filter_map(|m| m.received.as_ref())
        .map(|r| r.external_id.reveal().clone())
        .collect();
    let names: BTreeSet<_> = told.messages.keys().map(ToString::to_string).collect();
    let mut heard = 0;
    for client in clients {
        assert!(client.hooked.is_subset(&external), "an acknowledged message is gone");
        assert!(client.filed.is_subset(&names), "an acknowledged appeal is gone");
        heard += client.hooked.len() + client.filed.len();
    }
    // Nothing but what was sent, each once: what was not answered was sent again until it was.
    assert_eq!(told.messages.len(), heard + others, "more messages than people wrote");
    heard
}
