//! Residents hear what became of their words: by the real binary, over real sockets, from fakes that keep what they took.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_domain::{Clock, SystemClock};
use zholdary_testkit::{
    fake::{self, Answer},
    samples,
};

use crate::harness::{City, SETTINGS, folder, path, until};

/// A city that sends by a fake Graph API.
struct Sending {
    data: TempDir,
    graph: fake::Graph,
    city: City,
}

/// Waits are short, so that a test is; what they stand for is a setting.
pub(crate) const DELIVERY: &str = "
[delivery]
quiet_from_hour = 0
quiet_to_hour = 0
retry_ms = 200
unknown_after_ms = 4000
unknown_wait_ms = 300
album_ms = 1000
look_ms = 50
[platforms]
request_ms = 1500
";

impl Sending {
    async fn start() -> Self {
        let (data, graph) = (folder(), fake::Graph::start().await);
        let city = Self::up(data.path(), &graph).await;
        Self { data, graph, city }
    }

    async fn up(data: &Path, graph: &fake::Graph) -> City {
        let token = data.join("graph.token");
        std::fs::write(&token, fake::Graph::TOKEN).unwrap();
        let settings = data.join("settings.toml");
        let whatsapp = format!("[whatsapp]\ntoken_file = \"{}\"\napi = \"{}\"\n", path(&token), graph.url());
        std::fs::write(&settings, format!("{whatsapp}{SETTINGS}{DELIVERY}")).unwrap();
        let mut city = City::start(&["up", "--config", path(&settings), "--data", path(data)]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data, "operator").await;
        city
    }

    /// A resident writes now.
    async fn hears(&self, id: &str, from: &str, content: Value) {
        let mut message = json!({ "from": from, "id": id, "timestamp": now().timestamp().to_string() });
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        self.hook(
            json!({ "messages": [message], "contacts": [{ "profile": { "name": "Х" }, "wa_id": from }] }),
        )
        .await;
    }

    async fn hook(&self, told: Value) {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
        });
        value.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": samples::WABA, "changes": [{ "field": "messages", "value": value }] }],
        });
        assert_eq!(self.city.signed(body.to_string().as_bytes()).await, 200);
    }

    async fn says(&self, id: &str, from: &str, text: &str) {
        self.hears(id, from, json!({ "type": "text", "text": { "body": text } })).await;
    }

    /// What the platform took, in order: to whom, and in which words.
    fn taken(&self) -> Vec<(String, String)> {
        self.graph.accepted().iter().map(|taken| said(&taken.request.body)).collect()
    }

    /// Waits until the platform took so many, and gives them.
    async fn until_taken(&self, count: usize) -> Vec<(String, String)> {
        until(&format!("the platform took {count}"), async || self.taken().len() >= count).await;
        self.taken()
    }

    /// The one appeal there is. What goes out may be faster than the views.
    async fn only(&self) -> Value {
        let list = async || self.city.read("/api/v1/appeals?limit=10").await;
        until("it is in the views", async || list().await["items"] != json!([])).await;
        let list = list().await;
        let [appeal] = list["items"].as_array().unwrap().as_slice() else { panic!("one appeal: {list}") };
        let number = appeal["number"].as_str().unwrap();
        self.city.read(&format!("/api/v1/appeals/{number}")).await
    }

    async fn act(&self, verb: &str, body: Value) {
        let appeal = self.only().await;
        let number = appeal["number"].as_str().unwrap();
        let status = self.city.post(&format!("/api/v1/appeals/{number}/{verb}"), &body).await;
        assert_eq!(status, 202, "{verb}");
    }

    /// How far our messages came, in the appeal's thread.
    async fn deliveries(&self) -> Vec<String> {
        let appeal = self.only().await;
        let ours = appeal["thread"].as_array().unwrap().iter().filter(|message| message["ours"] == true);
        ours.map(|message| message["delivery"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

fn said(body: &Value) -> (String, String) {
    let to = body["to"].as_str().or(body["recipient"].as_str()).unwrap_or_default().to_owned();
    let text = ["/text/body", "/interactive/body/text", "/template/name"];
    let text = text.into_iter().find_map(|at| body.pointer(at)?.as_str()).unwrap_or_default();
    (to, text.to_owned())
}

const WHO: &str = "77000000301";

#[tokio::test]
async fn a_resident_hears_of_each_step() {
    let sending = Sending::start().await;
    sending.says("wamid.D1", WHO, "Здравствуйте! Яма на дороге, выбоина").await;
    let taken = sending.until_taken(2).await;
    assert!(taken[0].1.contains("принято, № Z-") && taken[1].1.contains("где это?"), "{taken:?}");
    assert!(taken.iter().all(|(to, _)| to == WHO));
    let asks = &sending.graph.accepted()[1].request.body;
    assert_eq!(asks["interactive"]["type"], "location_request_message");
    sending.says("wamid.D2", WHO, "Абая 45, Алмалинский район").await;
    let taken = sending.until_taken(3).await;
    assert!(taken[2].1.contains("передано"), "{taken:?}");
    sending.act("accept", json!({ "finding": 0 })).await;
    sending.act("start", json!({ "finding": 0 })).await;
    sending.act("done", json!({ "finding": 0, "explanation": "Заделали." })).await;
    let taken = sending.until_taken(6).await;
    assert!(taken[5].1.contains("Заделали.") && taken[5].1.contains("Всё ли сделано?"), "{taken:?}");
    let buttons = &sending.graph.accepted()[5].request.body["interactive"]["action"]["buttons"];
    let no = buttons[1]["reply"]["id"].as_str().unwrap().to_owned();
    assert!(no.starts_with("fixed:no:Z-"), "{no}");
    let done = sending.graph.accepted()[5].id.clone();
    // The platform tells how far it came; the state stands on what we meant to send.
    let status = json!({ "id": done, "status": "read", "timestamp": now().timestamp().to_string(), "recipient_id": WHO });
    sending.hook(json!({ "statuses": [status] })).await;
    until("it is read", async || sending.deliveries().await.last().is_some_and(|state| state == "read"))
        .await;
    let no = json!({
        "type": "interactive", "context": { "from": "77272000100", "id": done },
        "interactive": { "type": "button_reply", "button_reply": { "id": no, "title": "Нет" } },
    });
    sending.hears("wamid.D3", WHO, no).await;
    until("it is asked to be opened again", async || sending.only().await["rated"] == false).await;
    sending.act("reopen", json!({ "reason": "не сделано" })).await;
    let taken = sending.until_taken(7).await;
    assert!(taken[6].1.contains("открыто снова"), "{taken:?}");
    // Whoever reads the log again sends nothing again.
    let Sending { data, graph, city } = sending;
    assert!(city.stop().await.success());
    let sending = Sending { city: Sending::up(data.path(), &graph).await, data, graph };
    sending.says("wamid.D4", WHO, "Спасибо").await;
    sending.act("answer", json!({ "finding": 0, "text": "Разобрались." })).await;
    let taken = sending.until_taken(8).await;
    assert!(taken[7].1.contains("Разобрались."), "{taken:?}");
    assert_eq!(sending.taken().len(), 8, "{:?}", sending.taken());
    assert!(sending.city.stop().await.success());
}

/// The platform takes a message, reports later that it failed, and names messages of ours whose outcome nobody knew.
#[tokio::test]
async fn what_a_status_says_later_is_known() {
    let sending = Sending::start().await;
    sending.says("wamid.F1", WHO, "Яма на Абая 45").await;
    sending.until_taken(1).await;
    let appeal = async || sending.only().await["history"].to_string();
    until("it is told", async || appeal().await.contains("\"told\"")).await;
    let at = now().timestamp().to_string();
    let id = sending.graph.accepted()[0].id.clone();
    let failed = json!({ "id": id, "status": "failed", "timestamp": at, "recipient_id": WHO,
                         "errors": [{ "code": 131_026, "title": "Message undeliverable" }] });
    sending.hook(json!({ "statuses": [failed] })).await;
    until("it was not told", async || appeal().await.contains("no_such_address")).await;
    until("the thread shows it", async || sending.deliveries().await == ["failed"]).await;

    // Nobody knows whether it went; a status does, and the buttons under it are its own.
    sending.graph.next(Answer::TakenThenCut);
    sending.act("done", json!({ "finding": 0, "explanation": "Заделали." })).await;
    until("its outcome is unknown", async || {
        sending.deliveries().await.last().is_some_and(|state| state == "unknown")
    })
    .await;
    let accepted = sending.graph.accepted();
    let last = accepted.last().unwrap();
    let ours = last.request.body["biz_opaque_callback_data"].clone();
    let no = last.request.body["interactive"]["action"]["buttons"][1]["reply"]["id"].clone();
    let sent = json!({ "id": last.id, "status": "delivered", "timestamp": at, "recipient_id": WHO,
                       "biz_opaque_callback_data": ours });
    sending.hook(json!({ "statuses": [sent] })).await;
    until("it was delivered", async || {
        sending.deliveries().await.last().is_some_and(|state| state == "delivered")
    })
    .await;
    let no = json!({
        "type": "interactive", "context": { "from": "77272000100", "id": last.id },
        "interactive": { "type": "button_reply", "button_reply": { "id": no, "title": "Нет" } },
    });
    sending.hears("wamid.F2", WHO, no).await;
    until("its button works", async || sending.only().await["rated"] == false).await;
    assert!(sending.city.stop().await.success());
}

/// Killed while the platform is silent: the message may have gone, so it is never sent again, and the desk sees it.
#[tokio::test]
async fn what_was_under_way_at_a_kill_is_unknown() {
    let sending = Sending::start().await;
    sending.graph.next(Answer::TakenThenSilent);
    sending.says("wamid.K1", WHO, "Яма на Абая 45").await;
    sending.until_taken(1).await;
    let Sending { data, graph, city } = sending;
    city.kill();
    let sending = Sending { city: Sending::up(data.path(), &graph).await, data, graph };
    until("its outcome is unknown", async || sending.deliveries().await == ["unknown"]).await;
    until("the desk sees it", async || {
        let appeal = sending.only().await;
        appeal["history"].to_string().contains("not_told")
    })
    .await;
    assert_eq!(sending.taken().len(), 1);
    assert!(sending.city.stop().await.success());
}

/// A sample, the place of its words, and of its time with how many of its units are a second.
type Spoken = (&'static str, &'static str, &'static str, &'static str, i64);

/// Where residents write, with a sample of each.
const SPOKEN: [Spoken; 6] = [
    (
        "whatsapp",
        "01",
        "/entry/0/changes/0/value/messages/0/text/body",
        "/entry/0/changes/0/value/messages/0/timestamp",
        1,
    ),
    ("instagram", "01", "/entry/0/messaging/0/message/text", "/entry/0/messaging/0/timestamp", 1000),
    ("instagram", "05", "/entry/0/changes/0/value/text", "/entry/0/time", 1),
    ("facebook", "01", "/entry/0/messaging/0/message/text", "/entry/0/messaging/0/timestamp", 1000),
    ("facebook", "06", "/entry/0/changes/0/value/message", "/entry/0/changes/0/value/created_time", 1),
    ("telegram", "02_text", "/message/text", "/message/date", 1),
];

/// What a fake was asked to send, without what is of this day and this run.
pub(crate) fn request_of(path: &str, body: &Value) -> Value {
    let known = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        for word in &mut words {
            if word.starts_with("http://") {
                "LINK".clone_into(word);
            } else if word.starts_with("Z-20") {
                "NUMBER.".clone_into(word);
            } else if word.len() >= 10 && word.as_bytes()[2] == b'.' && word.as_bytes()[5] == b'.' {
                "DAY".clone_into(word);
            }
        }
        words.join(" ")
    };
    fn each(value: &Value, known: &impl Fn(&str) -> String) -> Value {
        match value {
            Value::String(text) => known(text).into(),
            Value::Array(items) => items.iter().map(|item| each(item, known)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| {
                    let value =
                        if key == "biz_opaque_callback_data" { "OURS".into() } else { each(value, known) };
                    (key.clone(), value)
                })
                .collect(),
            other => other.clone(),
        }
    }
    json!({ "path": path, "body": each(body, &known) })
}

/// A problem without a place: a receipt and a question, in the words and the form of each channel.
#[tokio::test]
async fn each_channel_is_answered_in_its_own_form() {
    for (lang, text) in [
        ("ru", "Здравствуйте! Яма на дороге, глубокая выбоина"),
        ("kk", "Сәлеметсіз бе! Жолда терең шұңқыр бар, жөндеп беріңіздерші"),
    ] {
        let (data, graph) = (folder(), fake::Graph::start().await);
        let telegram = fake::Telegram::start(BOT).await;
        let file = |name: &str, text: &str| {
            std::fs::write(data.path().join(name), text).unwrap();
            path(&data.path().join(name)).to_owned()
        };
        let (secret, word) = (file("app.secret", samples::APP_SECRET), file("verify.word", "a word"));
        let (token, bot) = (file("graph.token", fake::Graph::TOKEN), file("bot.token", BOT));
        let api = graph.url();
        let meta = |channel: &str| {
            format!(
                "[{channel}]\napp_secret_file = \"{secret}\"\nverify_token_file = \"{word}\"\ntoken_file = \"{token}\"\napi = \"{api}\"\n"
            )
        };
        let bot = format!("[telegram]\ntoken_file = \"{bot}\"\napi = \"{}\"\n", telegram.url());
        let all: String = ["whatsapp", "instagram", "facebook"].map(meta).concat();
        let settings = file("settings.toml", &format!("{all}{bot}{DELIVERY}"));
        let city = City::start(&["up", "--config", &settings, "--data", path(data.path())]);
        for (channel, sample, words, time, units) in SPOKEN {
            let mut body: Value = serde_json::from_slice(&samples::one(channel, sample)).unwrap();
            *body.pointer_mut(words).unwrap() = text.into();
            let time = body.pointer_mut(time).unwrap();
            let at = now().timestamp() * units;
            *time = if time.is_string() { at.to_string().into() } else { at.into() };
            if channel == "telegram" {
                telegram.push(body);
            } else {
                assert_eq!(city.delivers(channel, body.to_string().as_bytes()).await, 200, "{channel}");
            }
        }
        let sent = || {
            let (over_graph, over_bot) = (graph.accepted(), telegram.accepted());
            let mut sent: Vec<Value> = over_graph
                .iter()
                .chain(&over_bot)
                .map(|taken| request_of(&taken.request.path, &taken.request.body))
                .collect();
            sent.sort_by_key(Value::to_string);
            sent
        };
        // And once in private to each of the two who commented.
        until("all are answered", async || sent().len() >= 2 * SPOKEN.len() + 2).await;
        insta::assert_json_snapshot!(format!("answers_{lang}"), sent());
        assert!(city.stop().await.success());
    }
}

pub(crate) const BOT: &str = "7000000001:FAKE-TOKEN";

#[tokio::test]
async fn whoever_sent_what_we_cannot_open_is_told_once_how_to_write() {
    let sending = Sending::start().await;
    let closed = json!({ "type": "unsupported", "errors": [{ "code": 131_051, "title": "Unsupported message type" }] });
    sending.hears("wamid.H1", WHO, closed.clone()).await;
    let taken = sending.until_taken(1).await;
    // Nobody knows their language yet.
    assert!(taken[0].1.contains("мы не можем открыть") && taken[0].1.contains("аша алмаймыз"), "{taken:?}");
    sending.hears("wamid.H2", WHO, closed.clone()).await;
    sending.hears("wamid.H3", WHO, press("kk")).await;
    let taken = sending.until_taken(2).await;
    assert!(taken[1].1.starts_with("Сәлеметсіз бе!") && !taken[1].1.contains("Здравствуйте"), "{taken:?}");
    let buttons = sending.graph.accepted()[1].request.body["interactive"]["action"]["buttons"].clone();
    let ids: Vec<_> = buttons.as_array().unwrap().iter().map(|one| one["reply"]["id"].clone()).collect();
    assert_eq!(ids, ["lang:kk", "lang:ru"]);
    // Another person, who had chosen a language before.
    sending.hears("wamid.H4", "77000000302", press("ru")).await;
    sending.until_taken(3).await;
    sending.hears("wamid.H5", "77000000302", closed.clone()).await;
    let taken = sending.until_taken(4).await;
    assert!(taken[3].1.contains("мы не можем открыть") && !taken[3].1.contains("аша алмаймыз"), "{taken:?}");
    // Whoever reads the log again hints at nothing again, and remembers what it hinted at.
    let Sending { data, graph, city } = sending;
    assert!(city.stop().await.success());
    let sending = Sending { city: Sending::up(data.path(), &graph).await, data, graph };
    sending.hears("wamid.H6", WHO, closed).await;
    sending.says("wamid.H7", "77000000303", "Яма на Абая, угол Розыбакиева").await;
    let taken = sending.until_taken(5).await;
    assert!(taken[4].1.contains("принято, № Z-"), "{taken:?}");
    sending.city.idle().await;
    assert_eq!(sending.taken().len(), 5, "{:?}", sending.taken());
}

/// How a resident chooses a language.
fn press(lang: &str) -> Value {
    let reply = json!({ "id": format!("lang:{lang}"), "title": lang });
    json!({ "type": "interactive", "interactive": { "type": "button_reply", "button_reply": reply } })
}

#[tokio::test]
async fn a_chosen_language_is_that_of_all_that_is_told_from_then_on() {
    let sending = Sending::start().await;
    let kazakh = |text: &str| text.contains(['ә', 'ғ', 'қ', 'ң', 'ө', 'ұ', 'ү', 'і']);
    sending.hears("wamid.L1", WHO, press("kk")).await;
    sending.until_taken(1).await;
    sending.says("wamid.L2", WHO, "Яма на дороге, глубокая выбоина").await;
    // The receipt, and the question where it is.
    let taken = sending.until_taken(3).await;
    assert!(taken[1].1.contains("Өтінішіңіз") && taken[2].1.contains("Бұл қай жерде?"), "{taken:?}");
    // Whoever reads the log again knows it.
    let Sending { data, graph, city } = sending;
    assert!(city.stop().await.success());
    let sending = Sending { city: Sending::up(data.path(), &graph).await, data, graph };
    sending.says("wamid.L3", WHO, "Абая 45, Алмалинский район").await;
    let taken = sending.until_taken(4).await;
    assert!(kazakh(&taken[3].1), "{taken:?}");
    sending.hears("wamid.L4", WHO, press("ru")).await;
    sending.until_taken(5).await;
    sending.act("accept", json!({ "finding": 0 })).await;
    let taken = sending.until_taken(6).await;
    assert!(taken[5].1.contains("обращени") && !kazakh(&taken[5].1), "{taken:?}");
    // But who writes in Kazakh since then is answered in it.
    let other = "77000000302";
    sending.hears("wamid.L5", other, press("ru")).await;
    sending.until_taken(7).await;
    sending.says("wamid.L6", other, "Абай даңғылында терең шұңқыр бар, жөндеп беріңіздерші").await;
    let taken = sending.until_taken(8).await;
    assert!(kazakh(&taken[7].1), "{taken:?}");
}

#[tokio::test]
async fn a_group_of_whatsapp_hears_once_where_we_listen() {
    let sending = Sending::start().await;
    let said =
        |group: &str, text: &str| json!({ "type": "text", "text": { "body": text }, "group_id": group });
    for n in 0..3 {
        sending.hears(&format!("wamid.C{n}"), WHO, said("GROUP1", "Яма на Абая, угол Розыбакиева")).await;
    }
    sending.until_taken(1).await;
    sending.hears("wamid.C4", "77000000302", said("GROUP2", "Яма на Толе би")).await;
    sending.until_taken(2).await;
    sending.says("wamid.C5", WHO, "Яма на Абая, угол Розыбакиева").await;
    sending.until_taken(3).await;
    sending.city.idle().await;
    let accepted = sending.graph.accepted();
    let to: Vec<_> = accepted
        .iter()
        .map(|taken| (&taken.request.body["recipient_type"], &taken.request.body["to"]))
        .map(|(kind, to)| format!("{} {}", kind.as_str().unwrap(), to.as_str().unwrap()))
        .collect();
    assert_eq!(to, ["group GROUP1".to_owned(), "group GROUP2".to_owned(), format!("individual {WHO}")]);
    for (_, text) in &sending.taken()[..2] {
        assert!(
            text.contains("В группах мы обращения не принимаем") && text.contains("Топтық чатта"),
            "{text}"
        );
    }
    assert_eq!(sending.only().await["thread"].as_array().unwrap().len(), 2, "the message, and the receipt");
    no_word_of_groups_is_kept(&sending.city, 2).await;
}

/// Of so many groups it is known that they spoke, and nothing else.
async fn no_word_of_groups_is_kept(city: &City, count: usize) {
    let aside = city.read("/api/v1/messages?aside=no_appeal&limit=50").await;
    let groups: Vec<_> =
        aside.as_array().unwrap().iter().filter(|message| message["surface"] == "group").collect();
    assert_eq!(groups.len(), count, "{aside}");
    for group in groups {
        for private in ["text", "name", "phone", "point"] {
            assert!(group[private].is_null(), "{private}: {group}");
        }
    }
}

#[tokio::test]
async fn a_group_of_telegram_hears_once_and_only_when_it_speaks_to_the_bot() {
    let (data, telegram) = (folder(), fake::Telegram::start(BOT).await);
    let token = data.path().join("bot.token");
    std::fs::write(&token, BOT).unwrap();
    let settings = data.path().join("settings.toml");
    let bot = format!(
        "[telegram]\ntoken_file = \"{}\"\napi = \"{}\"\nbot = \"7000000001\"\nname = \"@zholdary_test_bot\"\n",
        path(&token),
        telegram.url()
    );
    std::fs::write(&settings, format!("{bot}{SETTINGS}{DELIVERY}")).unwrap();
    let mut city = City::start(&["up", "--config", path(&settings), "--data", path(data.path())]);
    until("it is ready", async || city.get("/readyz").await.0 == 200).await;
    city.speak_as(data.path(), "operator").await;
    let says = |n: i64, chat: i64, more: Value| {
        let kind = if chat < 0 { "supergroup" } else { "private" };
        let mut message = json!({
            "message_id": n, "date": now().timestamp(), "chat": { "id": chat, "type": kind, "title": "Двор" },
            "from": { "id": 5_000_000_701_i64, "is_bot": false, "first_name": "Жанар" },
        });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        telegram.push(json!({ "update_id": 8_000 + n, "message": message }));
    };
    let (yard, house) = (-1_001_999_000_111, -1_001_999_000_112);
    says(1, yard, json!({ "text": "Яма во дворе" }));
    says(2, yard, json!({ "text": "@weather_bot будет дождь?" }));
    says(3, house, json!({ "text": "@zholdary_test_bot яма во дворе" }));
    until("the one is told", async || telegram.accepted().len() == 1).await;
    says(4, house, json!({ "text": "/start@zholdary_test_bot" }));
    let ours = json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Z" });
    let reply = json!({ "message_id": 9, "chat": { "id": yard }, "from": ours });
    says(5, yard, json!({ "text": "А куда писать?", "reply_to_message": reply }));
    until("the other is told", async || telegram.accepted().len() == 2).await;
    says(6, 5_000_000_701, json!({ "text": "Яма на Абая, угол Розыбакиева" }));
    until("the appeal is answered", async || telegram.accepted().len() == 3).await;
    city.idle().await;
    let said = |taken: &fake::Accepted| {
        let body = &taken.request.body;
        (body["chat_id"].as_i64().unwrap(), body["text"].as_str().unwrap().to_owned())
    };
    let told: Vec<_> = telegram.accepted().iter().map(said).collect();
    let chats: Vec<_> = told.iter().map(|(chat, _)| *chat).collect();
    assert_eq!(chats, [house, yard, 5_000_000_701], "{told:?}");
    for (_, text) in &told[..2] {
        assert!(text.contains("личные сообщения") && text.contains("жеке хабарлама"), "{text}");
    }
    let list = city.read("/api/v1/appeals?limit=10").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    no_word_of_groups_is_kept(&city, 2).await;
    assert!(city.stop().await.success());
}

#[tokio::test]
async fn whoever_sends_too_much_is_told_once_that_all_of_it_is_kept() {
    let sending = Sending::start().await;
    for n in 0..34 {
        sending.says(&format!("wamid.F{n}"), WHO, "Яма на Абая, угол Розыбакиева").await;
    }
    let told = async |words: &str| sending.taken().iter().filter(|(_, text)| text.contains(words)).count();
    // How many there were by the time that their language was known.
    until("they are told", async || told("сообщений подряд (3").await == 1).await;
    sending.city.idle().await;
    assert_eq!((told("принято, № Z-").await, told("подряд").await), (1, 1), "{:?}", sending.taken());
    let list = sending.city.read("/api/v1/appeals?limit=10").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    let threads =
        list["items"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap().to_owned());
    let mut kept = 0;
    for number in threads {
        let seen = sending.city.read(&format!("/api/v1/appeals/{number}")).await;
        kept += seen["thread"].as_array().unwrap().iter().filter(|message| message["ours"] != true).count();
    }
    assert_eq!(kept, 34, "nothing is lost");
}
