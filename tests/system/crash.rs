//! kill -9 at random moments while many people write: whoever was answered is heard, once.

#![expect(clippy::print_stdout, reason = "who looks into a failure needs the seed")]

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use serde_json::{Value, json};
use zholdary_testkit::samples;

use crate::harness::{City, Told, folder, json, path};

/// People who write at once.
const CLIENTS: u32 = 16;

/// A small generator: the same seed plays the same texts and moments.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

/// Something on its way.
enum Letter {
    /// A delivery of the hook, with the platform's ids of its messages.
    Hook { body: Vec<u8>, ids: Vec<String> },
    /// A call of the API, by its key.
    Form { key: String, text: String },
}

/// Somebody who writes, again and again, until answered.
struct Client {
    name: u32,
    sent: u32,
    chance: Chance,
    waits: Option<Letter>,
    /// The platform's ids that were acknowledged.
    hooked: BTreeSet<String>,
    /// Messages that the API named.
    filed: BTreeSet<String>,
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
    fn new(name: u32, seed: u64) -> Self {
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

    /// Sends what waits; whether it was answered well.
    async fn send(&mut self, city: &City) -> bool {
        let letter = match self.waits.take() {
            Some(letter) => letter,
            None => self.next(),
        };
        let heard = match &letter {
            Letter::Hook { body, ids } => {
                let heard = city.signed(body).await == 200;
                if heard {
                    self.hooked.extend(ids.iter().cloned());
                }
                heard
            }
            Letter::Form { key, text } => match city.file(key, text).await {
                Some((202, answer)) => {
                    let message = answer["message"].as_str().expect("the message's name").to_owned();
                    self.filed.insert(message) || panic!("one key, one message: {key} named {answer} before")
                }
                _ => false,
            },
        };
        if !heard {
            self.waits = Some(letter);
        }
        heard
    }
}

fn seed() -> u64 {
    let given = std::env::var("ZHOLDARY_CRASH_SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or_else(|| RandomState::new().hash_one("crash"))
}

fn rounds() -> u32 {
    std::env::var("ZHOLDARY_CRASH_ROUNDS").ok().and_then(|s| s.parse().ok()).unwrap_or(10)
}

/// The most letters that one client sends in a round: then the workers come to their turn, and the kill may meet them at
/// any step.
const LETTERS: u64 = 12;

/// Everybody writes for a while, and then the process is gone.
async fn write_until_killed(city: City, clients: Vec<Client>, after: Duration) -> Vec<Client> {
    let city = std::sync::Arc::new(city);
    let writing = clients.into_iter().map(|mut client| {
        let city = std::sync::Arc::clone(&city);
        tokio::spawn(async move {
            for _ in 0..1 + client.chance.below(LETTERS) {
                if !client.send(&city).await {
                    break;
                }
            }
            client
        })
    });
    let writing: Vec<_> = writing.collect();
    tokio::time::sleep(after).await;
    city.signal("KILL");
    let mut clients = Vec::new();
    for task in writing {
        clients.push(task.await.expect("a client"));
    }
    // Its files are free for the next one only when it is gone.
    std::sync::Arc::into_inner(city).expect("nobody else speaks to it").kill();
    clients
}

/// Rounds over one folder. A start reads the whole log, so over a long one most kills would meet a process that reads.
const ROUNDS_A_FOLDER: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_random_moments() {
    let (seed, rounds) = (seed(), rounds());
    println!("ZHOLDARY_CRASH_SEED={seed} ZHOLDARY_CRASH_ROUNDS={rounds}");
    let mut left = rounds;
    while left > 0 {
        let now = left.min(ROUNDS_A_FOLDER);
        let (messages, appeals) = crash_rounds(seed ^ u64::from(left), now).await;
        left -= now;
        println!("{} rounds: {messages} messages acknowledged, {appeals} appeals", rounds - left);
    }
}

async fn crash_rounds(seed: u64, rounds: u32) -> (usize, usize) {
    let mut chance = Chance(seed);
    let data = folder();
    let mut clients: Vec<_> = (0..CLIENTS).map(|name| Client::new(name, seed)).collect();
    for _ in 0..rounds {
        let city = City::begin(data.path());
        let after = Duration::from_millis(20 + chance.below(1500));
        clients = write_until_killed(city, clients, after).await;
    }
    let city = City::up(data.path()).await;
    for client in &mut clients {
        while client.waits.is_some() {
            client.send(&city).await;
        }
    }
    city.idle().await;
    assert!(city.stop().await.success());
    let verified = json(&["verify", "--json", "--data", path(data.path())]).remove(0);
    assert_eq!(verified["sound"], true);
    let rebuilt: Value = json(&["rebuild", "--json", "--data", path(data.path())]).remove(0);
    assert_eq!((&rebuilt["differs"], &rebuilt["parked"]), (&json!([]), &json!(0)), "{rebuilt}");
    let told = Told::read(data.path()).await;
    told.check();
    let external: BTreeSet<_> = told
        .messages
        .values()
        .filter_map(|m| m.received.as_ref())
        .map(|r| r.external_id.reveal().clone())
        .collect();
    let names: BTreeSet<_> = told.messages.keys().map(ToString::to_string).collect();
    let mut heard = 0;
    for client in &clients {
        assert!(client.hooked.is_subset(&external), "an acknowledged message is gone");
        assert!(client.filed.is_subset(&names), "an acknowledged appeal is gone");
        heard += client.hooked.len() + client.filed.len();
    }
    // Nothing but what was sent, each once: what was not answered was sent again until it was.
    assert_eq!(told.messages.len(), heard, "more messages than people wrote");
    (heard, told.appeals.len())
}
