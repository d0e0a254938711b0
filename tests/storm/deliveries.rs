//! What WhatsApp delivers in a storm: messages of many people, some of them again, some of those in another envelope.

use std::collections::BTreeSet;

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use serde_json::{Value, json};
use zholdary_domain::{Clock, IdKey, MessageId, SystemClock};
use zholdary_testkit::{samples, sign};

/// People who write.
const PEOPLE: usize = 2_000;
/// Of ten deliveries so many come again.
const AGAIN_OF_TEN: usize = 3;
/// A delivery comes again within so many of the next.
const SOON: usize = 500;

/// A delivery, signed.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) body: Bytes,
    pub(crate) signature: String,
}

impl Post {
    fn of(body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self { signature: sign(samples::APP_SECRET, &body), body }
    }
}

/// A storm.
pub(crate) struct Deliveries {
    /// What comes before it, by people of its own.
    pub(crate) warm: Vec<Post>,
    /// What comes, in order.
    pub(crate) storm: Vec<Post>,
    /// Every message of both, once.
    pub(crate) messages: BTreeSet<MessageId>,
}

/// How many of `posts` deliveries were delivered before.
pub(crate) const fn again(posts: usize) -> usize {
    posts * AGAIN_OF_TEN / 10
}

impl Deliveries {
    pub(crate) fn of(posts: usize, warm: usize, key: &IdKey) -> Self {
        let texts = texts();
        let mut chance = ChaCha8Rng::seed_from_u64(17);
        let now = SystemClock.now().timestamp();
        let mut messages = BTreeSet::new();
        let mut message = |nth: usize, person: usize| {
            let id = format!("wamid.STORM{nth:06}");
            messages.insert(key.message("whatsapp", samples::PHONE_NUMBER_ID, &id));
            Message { id, person, text: texts[nth % texts.len()].clone(), at: now }
        };
        let firsts = posts - again(posts);
        let warm = (0..warm).map(|nth| Post::of(&message(firsts + nth, PEOPLE + nth).delivery())).collect();
        let firsts: Vec<Message> =
            (0..firsts).map(|nth| message(nth, chance.random_range(0..PEOPLE))).collect();
        // Each once in its order; between them, now and then, one of the last again.
        let (mut storm, mut next): (Vec<Post>, usize) = (Vec::with_capacity(posts), 0);
        while storm.len() < posts {
            let left = posts - storm.len();
            if next < firsts.len() && (next == 0 || chance.random_range(0..left) < firsts.len() - next) {
                storm.push(Post::of(&firsts[next].delivery()));
                next += 1;
                continue;
            }
            let other = &firsts[chance.random_range(next.saturating_sub(SOON)..next)];
            storm.push(match chance.random_range(0..3) {
                0 => Post::of(&other.in_another_envelope()),
                _ => Post::of(&other.delivery()),
            });
        }
        Self { warm, storm, messages }
    }
}

/// What people write: the fifty samples of Almaty.
fn texts() -> Vec<String> {
    let file = samples::folder().join("almaty/appeals-sample.jsonl");
    let lines = std::fs::read_to_string(file).expect("the samples");
    let text =
        |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["text"].as_str().map(str::to_owned);
    lines.lines().filter_map(text).collect()
}

struct Message {
    id: String,
    person: usize,
    text: String,
    at: i64,
}

impl Message {
    fn delivery(&self) -> Value {
        self.enveloped(&json!([self.message()]), &format!("Житель {}", self.person))
    }

    /// The same message beside a mark of one of ours, by somebody who changed their name meanwhile.
    fn in_another_envelope(&self) -> Value {
        let mut body = self.enveloped(&json!([self.message()]), &format!("Тұрғын {}", self.person));
        body["entry"][0]["time"] = json!(self.at + 7);
        body["entry"][0]["changes"][0]["value"]["statuses"] = json!([{
            "id": format!("wamid.OURS{}", self.person), "status": "delivered", "timestamp": self.at.to_string(),
            "recipient_id": self.phone(),
        }]);
        body
    }

    fn phone(&self) -> String {
        format!("7701{:07}", self.person)
    }

    fn message(&self) -> Value {
        json!({
            "from": self.phone(), "from_user_id": format!("KZ.73001{:011}", self.person), "id": self.id,
            "timestamp": self.at.to_string(), "type": "text", "text": { "body": self.text },
        })
    }

    fn enveloped(&self, messages: &Value, name: &str) -> Value {
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": samples::WABA, "changes": [{
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
                "contacts": [{
                    "profile": { "name": name }, "wa_id": self.phone(),
                    "user_id": format!("KZ.73001{:011}", self.person),
                }],
                "messages": messages,
            },
        }] }] })
    }
}
