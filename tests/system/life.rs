//! One resident on each channel, from the first words to the thanks: what they hear, and what the party is written, as snapshots.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_domain::{Clock, SystemClock};
use zholdary_testkit::{fake, samples};

use crate::{
    delivery::{BOT, DELIVERY, request_of},
    harness::{City, folder, path, sample_of, until},
    letters::{OURS, brings, free_port, on_all_channels, said, subject},
};

/// Where the party that gets the task reads its mail.
const PARTY: &str = "roads@almaly.example";

/// A way on which a resident writes and hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Whatsapp,
    Instagram,
    Facebook,
    Telegram,
    Email,
}

/// What residents say, in one language.
struct Tongue {
    code: &'static str,
    first: &'static str,
    place: &'static str,
    no: &'static str,
    yes: &'static str,
    thanks: &'static str,
}

const TONGUES: [Tongue; 2] = [
    Tongue {
        code: "ru",
        first: "Здравствуйте! Яма на дороге, глубокая выбоина",
        place: "Абая 45, Алмалинский район",
        no: "Нет, яма на месте",
        yes: "Да, спасибо",
        thanks: "спасибо",
    },
    Tongue {
        code: "kk",
        first: "Сәлеметсіз бе! Жолда терең шұңқыр бар, жөндеп беріңіздерші",
        place: "Абай көшесі 45, Алмалы ауданы",
        no: "Жоқ, шұңқыр орнында",
        yes: "Иә, рақмет",
        thanks: "рахмет",
    },
];

/// The shipped city with parties that are written to at any hour: by their own hours a letter waits for the morning.
fn sleepless(data: &Path) -> PathBuf {
    let city = data.join("city");
    std::fs::create_dir(&city).unwrap();
    for (name, bytes) in zholdary_testkit::shipped_city() {
        let bytes = match name.as_str() {
            "city.toml" => {
                let text = String::from_utf8(bytes).unwrap();
                let lines = text.lines().map(|line| {
                    let line = line.to_owned();
                    if !line.starts_with("notify = ") {
                        return line;
                    }
                    let line =
                        line.replace("08:00-22:00", "00:00-24:00").replace("09:00-18:30", "00:00-24:00");
                    assert!(line.contains("00:00-24:00"), "other hours in the shipped city: {line}");
                    line
                });
                lines.collect::<Vec<_>>().join("\n").into_bytes()
            }
            _ => bytes,
        };
        std::fs::write(city.join(name), bytes).unwrap();
    }
    city
}

/// A city with every channel, and a party that is written to.
struct Place {
    data: TempDir,
    graph: fake::Graph,
    telegram: fake::Telegram,
    post: fake::Smtp,
    lmtp: u16,
    city: City,
}

impl Place {
    async fn start(lang: &str) -> Self {
        let (data, graph) = (folder(), fake::Graph::start().await);
        let (telegram, post) = (fake::Telegram::start(BOT).await, fake::Smtp::start().await);
        let lmtp = free_port();
        let party = format!("[party.akimat-almaly]\nemail = [\"{PARTY}\"]\nlang = \"{lang}\"\n");
        let all = on_all_channels(data.path(), |_| graph.url(), &telegram, &post, lmtp);
        let settings = data.path().join("settings.toml");
        std::fs::write(&settings, all + &party + DELIVERY).unwrap();
        let city = sleepless(data.path());
        let mut city = City::start(&[
            "up",
            "--config",
            path(&settings),
            "--data",
            path(data.path()),
            "--city",
            path(&city),
        ]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data.path(), "operator").await;
        Self { data, graph, telegram, post, lmtp, city }
    }

    /// What this party was written, in order: subject and text.
    fn tasks(&self) -> Vec<(String, String)> {
        let letters = self.post.taken();
        let theirs = letters.iter().filter(|mail| mail.recipients == [PARTY]);
        theirs.map(|mail| (subject(mail), in_a_line(mail))).collect()
    }
}

/// One resident's life.
struct Life<'a> {
    place: &'a Place,
    way: Way,
    said: usize,
    heard: usize,
    tasks: usize,
    /// The appeal's number.
    number: String,
    /// Everything that went out, for the snapshot.
    story: String,
}

impl Life<'_> {
    fn who(&self) -> &'static str {
        match self.way {
            Way::Whatsapp => "77000000401",
            Way::Instagram => "6700000000000401",
            Way::Facebook => "5100000000000401",
            Way::Telegram => "5000000401",
            Way::Email => "asel@example.org",
        }
    }

    /// What the resident heard so far: what was asked of the platform, and its name of ours.
    fn all(&self) -> Vec<(Value, String)> {
        let taken = |request: &fake::Request, id: &str| {
            let mentions = request.path.contains(self.who()) || request.body.to_string().contains(self.who());
            mentions.then(|| (request_of(&request.path, &request.body), id.to_owned()))
        };
        match self.way {
            Way::Whatsapp | Way::Instagram | Way::Facebook => {
                self.place.graph.accepted().iter().filter_map(|t| taken(&t.request, &t.id)).collect()
            }
            Way::Telegram => {
                self.place.telegram.accepted().iter().filter_map(|t| taken(&t.request, &t.id)).collect()
            }
            Way::Email => {
                let letters = self.place.post.taken();
                let theirs = letters.iter().filter(|mail| mail.recipients == [self.who()]);
                let shown = |mail: &fake::Mail| {
                    let id = mail.field("Message-ID").unwrap();
                    let letter = json!({ "subject": subject(mail), "text": in_a_line(mail), "auto": mail.field("Auto-Submitted") });
                    (request_of("letter", &letter), id)
                };
                theirs.map(shown).collect()
            }
        }
    }

    /// Waits for `count` more messages, notes them, and gives the last one with its name.
    async fn hears(&mut self, count: usize) -> (Value, String) {
        let upto = self.heard + count;
        until(&format!("{:?} hears {upto}", self.way), async || self.all().len() >= upto).await;
        let all = self.all();
        assert_eq!(all.len(), upto, "nothing else: {all:?}");
        for (request, _) in &all[self.heard..] {
            writeln!(self.story, "resident hears: {}", serde_json::to_string(request).unwrap()).unwrap();
        }
        self.heard = upto;
        all.last().unwrap().clone()
    }

    /// Waits for the next letter of the party, notes it, and gives the token of its link.
    async fn task(&mut self) -> String {
        let upto = self.tasks + 1;
        until(&format!("the party is written {upto}"), async || self.place.tasks().len() >= upto).await;
        let (subject, text) = self.place.tasks()[self.tasks].clone();
        self.tasks = upto;
        let token = text.split("/task/").nth(1).and_then(|rest| rest.split_whitespace().next());
        let token = token.unwrap_or_else(|| panic!("a link: {text}")).to_owned();
        let shown = request_of("task", &json!({ "subject": subject, "text": text }));
        writeln!(self.story, "party reads: {shown}").unwrap();
        token
    }

    fn next_id(&mut self) -> usize {
        self.said += 1;
        self.said
    }

    /// The resident writes; in a letter in answer to `answers`.
    async fn writes(&mut self, text: &str, answers: Option<&str>) {
        writeln!(self.story, "resident: {text}").unwrap();
        let (n, at) = (self.next_id(), now());
        let (who, way) = (self.who(), self.way);
        match way {
            Way::Whatsapp => {
                let message = json!({ "type": "text", "text": { "body": text } });
                self.whatsapp(n, message).await;
            }
            Way::Instagram | Way::Facebook => {
                self.messaging(json!({ "mid": format!("m_life_{way:?}_{n}"), "text": text })).await;
            }
            Way::Telegram => {
                let who: i64 = who.parse().unwrap();
                self.place.telegram.push(json!({ "update_id": 9_000 + n, "message": {
                    "message_id": n, "date": at.timestamp(), "text": text,
                    "chat": { "id": who, "type": "private", "first_name": "Х" },
                    "from": { "id": who, "is_bot": false, "first_name": "Х" },
                } }));
            }
            Way::Email => {
                let fields = answers.map(|id| format!("In-Reply-To: {id}\r\n")).unwrap_or_default();
                let letter = format!(
                    "From: <{who}>\r\nTo: {OURS}\r\nMessage-ID: <life{n}@example.org>\r\nSubject: road\r\n{fields}\
                     Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
                );
                let answers = brings(self.place.lmtp, who, &[OURS], letter.as_bytes());
                assert!(answers.iter().all(|answer| answer.starts_with("250")), "{answers:?}");
            }
        }
    }

    /// The resident says whether it is fixed: by the button that stands under the question, in a letter in words.
    async fn says_fixed(&mut self, question: &(Value, String), fixed: bool, words: &str) {
        let (_, ours) = question;
        let id = format!("fixed:{}:{}", if fixed { "yes" } else { "no" }, self.number);
        if self.way == Way::Email {
            return self.writes(words, Some(ours)).await;
        }
        let asked = question.0.to_string();
        assert!(asked.contains(if fixed { "fixed:yes:" } else { "fixed:no:" }), "a button: {asked}");
        writeln!(self.story, "resident presses {}", if fixed { "yes" } else { "no" }).unwrap();
        let (n, way) = (self.next_id(), self.way);
        match way {
            Way::Whatsapp => {
                let message = json!({
                    "type": "interactive", "context": { "from": "77272000100", "id": ours },
                    "interactive": { "type": "button_reply", "button_reply": { "id": id, "title": words } },
                });
                self.whatsapp(n, message).await;
            }
            Way::Instagram | Way::Facebook => {
                let message = json!({
                    "mid": format!("m_life_{way:?}_{n}"), "text": words, "quick_reply": { "payload": id },
                });
                self.messaging(message).await;
            }
            Way::Telegram => {
                let who: i64 = self.who().parse().unwrap();
                let message: i64 = ours.rsplit(':').next().unwrap().parse().unwrap();
                self.place.telegram.push(json!({ "update_id": 9_000 + n, "callback_query": {
                    "id": format!("press{n}"), "data": id, "chat_instance": "1",
                    "from": { "id": who, "is_bot": false, "first_name": "Х" },
                    "message": {
                        "message_id": message, "date": now().timestamp(), "text": "?",
                        "from": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Z" },
                        "chat": { "id": who, "type": "private", "first_name": "Х" },
                    },
                } }));
            }
            Way::Email => unreachable!("letters have no buttons"),
        }
    }

    async fn whatsapp(&self, n: usize, content: Value) {
        let who = self.who();
        let mut message = json!({ "from": who, "id": format!("wamid.LIFE{n}"), "timestamp": now().timestamp().to_string() });
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": "Х" }, "wa_id": who }],
            "messages": [message],
        });
        self.delivers(
            "whatsapp",
            &json!({
                "object": "whatsapp_business_account",
                "entry": [{ "id": samples::WABA, "changes": [{ "field": "messages", "value": value }] }],
            }),
        )
        .await;
    }

    async fn messaging(&self, message: Value) {
        let (channel, object, ours) = match self.way {
            Way::Instagram => ("instagram", "instagram", "17841400000000777"),
            _ => ("facebook", "page", "100200300400500"),
        };
        let at = now().timestamp_millis();
        self.delivers(
            channel,
            &json!({ "object": object, "entry": [{ "id": ours, "time": at, "messaging": [{
            "sender": { "id": self.who() }, "recipient": { "id": ours }, "timestamp": at, "message": message,
        }] }] }),
        )
        .await;
    }

    async fn delivers(&self, channel: &str, body: &Value) {
        assert_eq!(self.place.city.delivers(channel, body.to_string().as_bytes()).await, 200);
    }

    /// The party answers by its link: a form of the page.
    async fn by_link(&mut self, token: &str, fields: &[(&str, &str)], photo: Option<Vec<u8>>) {
        writeln!(self.story, "party by its link: {fields:?}").unwrap();
        const BOUNDARY: &str = "----life";
        let mut body = vec![];
        for (name, value) in fields {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        if let Some(photo) = photo {
            body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n").bytes());
            body.extend(photo);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        let url = format!("http://{}/task/{token}", self.place.city.address());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let label = format!("multipart/form-data; boundary={BOUNDARY}");
        let answer = client.post(url).header("content-type", label).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303, "{:?} {fields:?}", self.way);
    }

    async fn appeal(&self) -> Value {
        self.place.city.read(&format!("/api/v1/appeals/{}", self.number)).await
    }

    /// An operator does something.
    async fn acts(&mut self, verb: &str, body: Value) {
        writeln!(self.story, "operator: {verb}").unwrap();
        let path = format!("/api/v1/appeals/{}/{verb}", self.number);
        assert_eq!(self.place.city.post(&path, &body).await, 202, "{:?} {verb}", self.way);
    }

    /// The number of the appeal that this resident's words opened: the newest there is.
    async fn numbered(&self) -> String {
        let newest = async || {
            let list = self.place.city.read("/api/v1/appeals?limit=10").await;
            let items = list["items"].as_array().unwrap().clone();
            items.iter().filter_map(|i| i["number"].as_str().map(str::to_owned)).max().unwrap_or_default()
        };
        let before = newest().await;
        until("it is registered", async || newest().await > before || !before.is_empty()).await;
        newest().await
    }
}

/// What a letter says, its lines after one another.
fn in_a_line(mail: &fake::Mail) -> String {
    said(mail).replace("\r\n", " ¶ ")
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// Without the times of this day.
fn timeless(story: &str) -> String {
    let is_time = |word: &str| {
        word.len() >= 5
            && word.is_char_boundary(5)
            && word
                .bytes()
                .take(5)
                .enumerate()
                .all(|(i, b)| if i == 2 { b == b':' } else { b.is_ascii_digit() })
    };
    let parts = story.split("DAY ").enumerate().map(|(nth, part)| match part {
        part if nth > 0 && is_time(part) => format!("TIME{}", &part[5..]),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("DAY ")
}

/// The whole way: words, receipt, question, answer, task, acceptance, done with a photo, «no», opened again, done, «yes», closed.
async fn lives(place: &Place, way: Way, tongue: &Tongue) -> String {
    let tasks = place.tasks().len();
    let mut life = Life { place, way, said: 0, heard: 0, tasks, number: String::new(), story: String::new() };
    life.writes(tongue.first, None).await;
    let (_, asked) = life.hears(2).await;
    place.city.idle().await;
    life.number = life.numbered().await;
    life.writes(tongue.place, Some(&asked)).await;
    let token = life.task().await;
    life.hears(1).await;
    life.by_link(&token, &[("do", "accept")], None).await;
    life.hears(1).await;
    let photo = std::fs::read(sample_of("media", "pothole_no_exif.jpg")).unwrap();
    life.by_link(&token, &[("do", "done"), ("explanation", "Заделали асфальтом.")], Some(photo)).await;
    let question = life.hears(1).await;
    life.says_fixed(&question, false, tongue.no).await;
    until("it is asked to be opened again", async || {
        let appeal = life.appeal().await;
        appeal["reopen_requested"] == true
            || appeal["rated"] == false
            || appeal["thread"].to_string().contains(tongue.no)
    })
    .await;
    life.acts("reopen", json!({ "reason": "не сделано" })).await;
    life.hears(1).await;
    life.acts("redirect", json!({ "finding": 0, "to": "akimat-almaly", "reason": "Переделать." })).await;
    let again = life.task().await;
    assert_ne!(again, token, "another hand-over, another link");
    life.hears(1).await;
    life.by_link(&again, &[("do", "done"), ("explanation", "Переделали.")], None).await;
    let question = life.hears(1).await;
    life.says_fixed(&question, true, tongue.yes).await;
    if way == Way::Email {
        // In words it is for an operator to say what was meant.
        until("the answer is there", async || life.appeal().await["thread"].to_string().contains(tongue.yes))
            .await;
        life.acts("rate", json!({ "fixed": true })).await;
    }
    until("it is rated", async || life.appeal().await["rated"] == true).await;
    life.acts("close", json!({ "reason": "Сделано, житель подтвердил." })).await;
    let (thanks, _) = life.hears(1).await;
    assert!(thanks.to_string().to_lowercase().contains(tongue.thanks), "{thanks}");
    let appeal = life.appeal().await;
    assert_eq!(appeal["open"], false, "{appeal}");
    timeless(&life.story.replace(&life.number, "NUMBER"))
}

#[tokio::test]
async fn a_resident_of_each_channel_from_the_first_words_to_the_thanks() {
    for tongue in &TONGUES {
        let place = Place::start(tongue.code).await;
        for way in [Way::Whatsapp, Way::Instagram, Way::Facebook, Way::Telegram, Way::Email] {
            let story = lives(&place, way, tongue).await;
            insta::assert_snapshot!(format!("life_{way:?}_{}", tongue.code).to_lowercase(), story);
        }
        let Place { city, data: _data, .. } = place;
        assert!(city.stop().await.success());
    }
}
