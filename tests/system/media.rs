//! What residents send is fetched, looked at, kept and shown: by the real binary, over real sockets, from fakes that hold the files.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_log::{JetStreamConfig, JetStreamLog, Metrics};
use zholdary_natsd::{Options, Server, find};
use zholdary_testkit::{
    fake::{self, Answer},
    samples,
};

use crate::harness::{City, SETTINGS, folder, ingest, json as printed, mailbox, path, sample_of, until};
use zholdary_tests::{told_by, told_in};

const BOT: &str = "7000000001:FAKE-TOKEN";

/// Waits are short, so that a test is; what they stand for is a setting.
const MEDIA: &str = "[media]\nretry_ms = 100\nlook_ms = 20\n";

/// A city whose files come from fakes.
struct Receiving {
    data: TempDir,
    graph: fake::Graph,
    telegram: fake::Telegram,
    city: City,
    media: &'static str,
}

impl Receiving {
    async fn start(media: &'static str) -> Self {
        let (data, graph, telegram) =
            (folder(), fake::Graph::start().await, fake::Telegram::start(BOT).await);
        let city = Self::up(data.path(), &graph, &telegram, media, &[]).await;
        Self { data, graph, telegram, city, media }
    }

    async fn up(
        data: &Path,
        graph: &fake::Graph,
        telegram: &fake::Telegram,
        media: &str,
        also: &[&str],
    ) -> City {
        let settings = settings(data, graph, telegram, media);
        let args = [&["up", "--config", &settings, "--data", path(data)], also].concat();
        let mut city = City::start(&args);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        let token = printed(
            &[&["token", "create", "--role", "operator", "--json", "--data", path(data)], also].concat(),
        );
        city.speak_with(token[0]["token"].as_str().unwrap());
        until("the token works", async || city.get("/api/v1/lag").await.0 == 200).await;
        city
    }

    /// The same city, killed and begun anew.
    async fn killed(self) -> Self {
        let Self { data, graph, telegram, city, media } = self;
        city.kill();
        let city = Self::up(data.path(), &graph, &telegram, media, &[]).await;
        Self { data, graph, telegram, city, media }
    }

    /// Somebody sends a photo by WhatsApp, under this media id.
    async fn whatsapp(&self, id: &str) {
        assert_eq!(self.city.signed(&whatsapp(id)).await, 200);
    }

    /// Somebody sends a photo to our Instagram account or Facebook page: what is told of it is its address.
    async fn addressed(&self, channel: &str, mid: &str, url: &str) {
        let (object, account) = match channel {
            "instagram" => ("instagram", "17841400000000777"),
            _ => ("page", "100200300400500"),
        };
        let body = json!({ "object": object, "entry": [{ "id": account, "time": 1_795_147_200_137_i64, "messaging": [{
            "sender": { "id": format!("67{}", mid.len()) }, "recipient": { "id": account },
            "timestamp": 1_795_147_240_137_i64,
            "message": {
                "mid": mid, "text": "Яма на Абая 45",
                "attachments": [{ "type": "image", "payload": { "url": url } }],
            },
        }] }] });
        assert_eq!(self.city.delivers(channel, body.to_string().as_bytes()).await, 200);
    }

    /// Somebody sends a photo to the bot.
    fn to_the_bot(&self, file: &str) {
        self.telegram.push(json!({ "update_id": 990_001, "message": {
            "message_id": 7, "date": 1_795_147_200, "caption": "Яма на Абая 45",
            "photo": [{ "file_id": file, "file_unique_id": file, "width": 640, "height": 480, "file_size": 9 }],
            "chat": { "id": 5_000_000_900_i64, "type": "private", "first_name": "Х" },
            "from": { "id": 5_000_000_900_i64, "is_bot": false, "first_name": "Х", "language_code": "ru" },
        } }));
    }

    /// Every file of every message that stands in an appeal, with the number of that.
    async fn files(&self) -> Vec<(String, Value)> {
        files(&self.city).await
    }

    /// The one file of the appeal that `channel` led to, once it is said what became of it.
    async fn settled(&self, channel: &str) -> Value {
        let find = async || {
            let all = self.city.read("/api/v1/appeals?limit=50").await;
            let of = |item: &&Value| item["channel"]["code"] == channel || item["channel"] == channel;
            let number = all["items"].as_array().unwrap().iter().find(of)?["number"].clone();
            let file = self.files().await.into_iter().find(|(of, _)| number == **of)?.1;
            is_settled(&file).then_some(file)
        };
        until(&format!("{channel}'s file is settled"), async || find().await.is_some()).await;
        find().await.unwrap()
    }

    /// The file that its platform calls `id`, once it is said what became of it.
    async fn named(&self, id: &str) -> Value {
        let find = async || {
            let is = |(_, file): &(String, Value)| file["external_id"] == id && is_settled(file);
            self.files().await.into_iter().find(is).map(|(_, file)| file)
        };
        until(&format!("{id} is settled"), async || find().await.is_some()).await;
        find().await.unwrap()
    }

    /// Somebody files an appeal with a photo, and a point.
    async fn files_with(&self, photo: &[u8], point: Option<(f64, f64)>) -> String {
        let url = format!("http://{}/api/v1/files", self.city.address());
        let upload = reqwest::Client::new().post(&url).header("content-type", "application/octet-stream");
        let uploaded: Value = upload.body(photo.to_vec()).send().await.unwrap().json().await.unwrap();
        let point = point.map(|(lon, lat)| json!({ "lon": lon, "lat": lat }));
        let filed = json!({ "text": "Яма на Толе би", "photos": [uploaded["file"]], "point": point });
        assert_eq!(self.city.post("/api/v1/appeals", &filed).await, 202);
        uploaded["file"].as_str().unwrap().to_owned()
    }

    /// The bytes of a file, as the operator gets them.
    async fn bytes(&self, file: &Value) -> Vec<u8> {
        self.city.bytes(&format!("/api/v1/files/{}", file["file"].as_str().expect("a file"))).await
    }
}

fn settings(data: &Path, graph: &fake::Graph, telegram: &fake::Telegram, media: &str) -> String {
    let file = |name: &str, text: &str| {
        std::fs::write(data.join(name), text).unwrap();
        path(&data.join(name)).to_owned()
    };
    let (secret, word) = (file("app.secret", samples::APP_SECRET), file("verify.word", "a word"));
    let (token, bot) = (file("graph.token", fake::Graph::TOKEN), file("bot.token", BOT));
    let meta = |channel: &str| {
        format!(
            "[{channel}]\napp_secret_file = \"{secret}\"\nverify_token_file = \"{word}\"\ntoken_file = \"{token}\"\napi = \"{}\"\n",
            graph.url()
        )
    };
    let all: String = ["instagram", "facebook", "whatsapp"].map(meta).concat();
    let bot = format!("[telegram]\ntoken_file = \"{bot}\"\napi = \"{}\"\n", telegram.url());
    file("settings.toml", &format!("{all}{SETTINGS}{bot}[delivery]\nstale_hours = 0\n{media}"))
}

fn is_settled(file: &Value) -> bool {
    !file["missing"].is_null() || !file["bytes"].is_null()
}

async fn files(city: &City) -> Vec<(String, Value)> {
    let mut files = vec![];
    for item in city.read("/api/v1/appeals?limit=50").await["items"].as_array().unwrap() {
        let number = item["number"].as_str().unwrap();
        let appeal = city.read(&format!("/api/v1/appeals/{number}")).await;
        for message in appeal["thread"].as_array().unwrap() {
            files.extend(message["files"].as_array().unwrap().iter().map(|f| (number.to_owned(), f.clone())));
        }
    }
    files
}

/// What WhatsApp posts of a photo under this media id. Each is sent by a person of its own.
fn whatsapp(id: &str) -> Vec<u8> {
    let from = format!(
        "77{:0>9}",
        id.bytes().fold(7_u32, |n, b| n.wrapping_mul(31).wrapping_add(b.into())) % 1_000_000_000
    );
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": samples::WABA, "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": "Х" }, "wa_id": from }],
            "messages": [{
                "from": from, "id": format!("wamid.{id}"), "timestamp": "1795147200", "type": "image",
                "image": { "id": id, "mime_type": "image/jpeg", "caption": "Яма на Абая 45" },
            }],
        },
    }] }] })
    .to_string()
    .into_bytes()
}

/// Within a metre or so.
fn is_near(degrees: &Value, expected: f64) -> bool {
    degrees.as_f64().is_some_and(|degrees| (degrees - expected).abs() < 0.000_01)
}

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(samples::folder().join("channels/media").join(name)).unwrap()
}

#[tokio::test]
async fn what_each_channel_names_is_fetched_and_kept() {
    let city = Receiving::start(MEDIA).await;
    let whole = photo("pothole_gps.jpg");
    city.graph.put_media("901", "image/jpeg", whole.clone());
    city.whatsapp("901").await;
    city.telegram.put_file("TG1", whole.clone());
    city.to_the_bot("TG1");
    for channel in ["instagram", "facebook"] {
        let url = city.graph.put_open(channel, "text/html", whole.clone());
        city.addressed(channel, &format!("mid.{channel}"), &url).await;
    }
    for channel in ["whatsapp", "telegram", "instagram", "facebook"] {
        until("the same photo of all of them is seen", async || {
            city.settled(channel).await["same_as"].as_array().is_some_and(|same| same.len() == 3)
        })
        .await;
        let file = city.settled(channel).await;
        assert_eq!(city.bytes(&file).await, whole, "{channel}");
        assert_eq!((&file["media_type"], &file["width"]), (&json!("image/jpeg"), &json!(640)), "{channel}");
        // What the camera noted is offered to the operator.
        assert_eq!(file["camera"]["taken_at"], "2026-11-20T08:51:07+05:00", "{channel}");
        assert!(is_near(&file["camera"]["point"]["lat"], 43.24052), "{channel}: {file}");
    }
    for channel in ["whatsapp", "telegram", "instagram", "facebook"] {
        let name = format!("zholdary_media_files_total{{channel=\"{channel}\",outcome=\"kept\"}}");
        assert_eq!(city.city.metric(&name).await, 1.0, "{channel}");
    }
    assert!(city.city.stop().await.success());
}

#[tokio::test]
async fn what_came_with_a_letter_or_the_form_is_looked_at_the_same_way() {
    let city = Receiving::start(MEDIA).await;
    let whole = photo("pothole_gps.jpg");
    city.files_with(&whole, None).await;
    let letter = sample_of("email", "05_mixed_photo_rfc2231_name.eml");
    // Its raw bytes are in the same folder, whoever takes it in.
    assert!(mailbox().is_file());
    ingest(city.data.path(), "email", &[letter]);
    for channel in ["web", "email"] {
        let file = city.settled(channel).await;
        assert_eq!(city.bytes(&file).await, whole, "{channel}");
        assert!(is_near(&file["camera"]["point"]["lon"], 76.92731), "{channel}: {file}");
    }
    assert!(city.city.stop().await.success());
}

/// What goes wrong with one file, and what the desk sees then.
#[tokio::test]
async fn each_trouble_ends_as_the_desk_is_told() {
    type Set = fn(&fake::Graph, &str);
    const HERE: Option<&str> = None;
    let patient: [(&str, Set, Option<&str>); 7] = [
        (
            "a link that died",
            |graph, id| {
                graph.put_media(id, "image/jpeg", photo("pothole_gps.jpg"));
                graph.next_file(Answer::Status(404));
            },
            HERE,
        ),
        (
            "gone",
            |graph, id| {
                graph.put_media(id, "image/jpeg", photo("pothole_gps.jpg"));
                graph.next_file(Answer::Status(404));
                graph.next_file(Answer::Status(404));
            },
            Some("gone"),
        ),
        (
            "cut on its way",
            |graph, id| {
                graph.put_media(id, "image/jpeg", photo("pothole_gps.jpg"));
                graph.next_file(Answer::TakenThenCut);
            },
            HERE,
        ),
        (
            "the host in trouble",
            |graph, id| {
                graph.put_media(id, "image/jpeg", photo("pothole_gps.jpg"));
                graph.next_file(Answer::Status(503));
                graph.next_file(Answer::Status(500));
            },
            HERE,
        ),
        (
            "a page called a photo",
            |graph, id| {
                graph.put_media(id, "image/jpeg", "<!doctype html><script>alert(1)</script>");
            },
            Some("html"),
        ),
        (
            "a program called a photo",
            |graph, id| {
                graph.put_media(id, "image/jpeg", b"MZ\x90\0".to_vec());
            },
            Some("executable"),
        ),
        ("too large", |graph, id| graph.put_media(id, "image/jpeg", vec![7; 2_000_001]), Some("too_large")),
    ];
    let hasty: [(&str, Set, Option<&str>); 2] = [
        (
            "other bytes than it says",
            |graph, id| {
                graph.put_false_media(id, "image/jpeg", photo("pothole_gps.jpg"));
            },
            Some("damaged"),
        ),
        (
            "cut on its way, at last",
            |graph, id| {
                graph.put_media(id, "image/jpeg", photo("pothole_gps.jpg"));
                graph.next_file(Answer::TakenThenCut);
            },
            Some("no_answer"),
        ),
    ];
    for (settings, cases) in [
        ("[media]\nretry_ms = 100\nlook_ms = 20\n[media.limits]\nfile_max_bytes = 2000000\n", &patient[..]),
        ("[media]\nretry_ms = 100\nlook_ms = 20\ngive_up_hours = 0\n", &hasty[..]),
    ] {
        let city = Receiving::start(settings).await;
        for (n, (name, set, missing)) in cases.iter().enumerate() {
            let id = format!("91{n}");
            set(&city.graph, &id);
            city.whatsapp(&id).await;
            let file = city.named(&id).await;
            assert_eq!(file["missing"].as_str(), *missing, "{name}: {file}");
            match missing {
                None => assert_eq!(city.bytes(&file).await, photo("pothole_gps.jpg"), "{name}"),
                Some(_) => assert!(file["file"].is_null(), "{name}: {file}"),
            }
        }
        assert!(city.city.stop().await.success());
    }
}

/// The private net is out of reach, whatever a delivery says.
#[tokio::test]
async fn nobody_is_sent_to_our_own_net() {
    let city = Receiving::start(MEDIA).await;
    let secret = fake::Graph::start().await;
    let url = secret.put_open("secret", "image/jpeg", photo("pothole_gps.jpg"));
    city.addressed("instagram", "mid.private", &url).await;
    city.addressed("facebook", "mid.private.too", "https://169.254.169.254/latest/meta-data").await;
    for channel in ["instagram", "facebook"] {
        let file = city.settled(channel).await;
        assert_eq!(file["missing"], "forbidden", "{channel}: {file}");
    }
    assert_eq!(secret.requests(), [], "nothing was asked there");
    assert!(city.city.stop().await.success());
}

/// Killed at any moment it comes to the same: each file has one record, and its bytes.
#[tokio::test]
async fn whoever_is_killed_is_followed_by_one_that_comes_to_the_same() {
    let mut city = Receiving::start(MEDIA).await;
    let mut expected = 0;
    for round in 0..6_u64 {
        for n in 0..3 {
            let id = format!("92{round}{n}");
            city.graph.put_media(&id, "image/jpeg", photo("pothole_gps.jpg"));
            if n == 1 {
                city.graph.next_file(Answer::Slow(Duration::from_millis(300)));
            }
            city.whatsapp(&id).await;
            expected += 1;
        }
        tokio::time::sleep(Duration::from_millis(round * 90)).await;
        city = city.killed().await;
    }
    until("all are kept", async || {
        city.files().await.iter().filter(|(_, file)| !file["bytes"].is_null()).count() == expected
    })
    .await;
    let (_, file) = city.files().await.remove(0);
    assert_eq!(city.bytes(&file).await, photo("pothole_gps.jpg"));
    assert!(city.city.stop().await.success());
    let told = told_in(city.data.path()).await;
    told.check();
    assert_eq!(told.messages.values().map(|message| message.files.len()).sum::<usize>(), expected);
}

#[tokio::test]
async fn on_nats_it_is_the_same_and_the_servers_have_the_files() {
    let (program, kept) = (find().expect("a nats-server"), folder());
    let server = Server::start(&program, &Options::in_folder(kept.path())).await.expect("it starts");
    let url = server.url();
    printed(&["log", "init", "--log", &url, "--json"]);
    let (data, graph, telegram) = (folder(), fake::Graph::start().await, fake::Telegram::start(BOT).await);
    let city = Receiving::up(data.path(), &graph, &telegram, MEDIA, &["--log", &url]).await;
    graph.put_media("931", "image/jpeg", photo("pothole_gps.jpg"));
    graph.put_media("932", "image/jpeg", "<svg xmlns='http://www.w3.org/2000/svg'>");
    for id in ["931", "932"] {
        assert_eq!(city.signed(&whatsapp(id)).await, 200);
    }
    until("both are settled", async || {
        let files = files(&city).await;
        files.len() == 2 && files.iter().all(|(_, file)| is_settled(file))
    })
    .await;
    for (_, file) in files(&city).await {
        match file["missing"].as_str() {
            Some(why) => assert_eq!(why, "svg"),
            None => {
                let bytes = city.bytes(&format!("/api/v1/files/{}", file["file"].as_str().unwrap())).await;
                assert_eq!(bytes, photo("pothole_gps.jpg"));
            }
        }
    }
    assert!(city.stop().await.success());
    let config = JetStreamConfig { servers: vec![url], ..JetStreamConfig::default() };
    let log = JetStreamLog::open(config, Metrics::unregistered()).await.unwrap();
    told_by(&log).await.check();
}

/// A mention comes without its words: they are fetched, and understood.
#[tokio::test]
async fn the_words_of_a_mention_are_fetched_and_understood() {
    let city = Receiving::start(MEDIA).await;
    city.graph.mention("17900000000000510", "Глубокая яма на проспекте Абая 45");
    for sample in ["08", "09"] {
        assert_eq!(city.city.delivers("instagram", &samples::one("instagram", sample)).await, 200);
    }
    let mentions = async || {
        let mut found = vec![];
        for item in city.city.read("/api/v1/appeals?limit=50").await["items"].as_array().unwrap() {
            let number = item["number"].as_str().unwrap();
            found.push(city.city.read(&format!("/api/v1/appeals/{number}")).await);
        }
        found
    };
    until("one is understood, of the other it is said that its words will not come", async || {
        let mentions = mentions().await;
        mentions.iter().any(|m| m["findings"][0]["category"]["code"] == "pothole")
            && mentions.iter().any(|m| m["thread"][0]["words_missing"] == "not_given")
    })
    .await;
    let mentions = mentions().await;
    assert_eq!(mentions.len(), 2, "each is one appeal");
    let said = mentions.iter().find(|m| m["thread"][0]["words_missing"].is_null()).unwrap();
    assert_eq!(said["thread"][0]["text"], "Глубокая яма на проспекте Абая 45");
    assert!(city.city.stop().await.success());
}

/// The same scene, saved anew: shown to the desk, and nothing is joined by it.
#[tokio::test]
async fn the_same_photo_is_shown_to_the_desk() {
    let city = Receiving::start(MEDIA).await;
    city.graph.put_media("941", "image/jpeg", photo("pothole_gps.jpg"));
    city.whatsapp("941").await;
    let here = (76.9275, 43.2406);
    let again = city.files_with(&photo("pothole_gps_resaved_q40.jpg"), Some(here)).await;
    let other = city.files_with(&photo("pothole_no_exif.jpg"), Some(here)).await;
    // The same once more, a kilometre away: the same bytes are the same photo, another's are not.
    city.files_with(&photo("pothole_gps_resaved_q40.jpg"), Some((76.94, 43.2406))).await;
    until("all are settled", async || {
        let files = city.files().await;
        files.len() == 4 && files.iter().all(|(_, file)| is_settled(file))
    })
    .await;
    let files = city.files().await;
    let same_as = |id: &str| -> Vec<Vec<(String, bool)>> {
        let of = files.iter().filter(|(_, file)| file["external_id"] == id);
        of.map(|(_, file)| {
            let same = file["same_as"].as_array().into_iter().flatten();
            same.map(|same| (same["number"].as_str().unwrap().to_owned(), same["equal"] == true)).collect()
        })
        .collect()
    };
    let numbers = |id: &str| -> Vec<String> {
        files.iter().filter(|(_, file)| file["external_id"] == id).map(|(number, _)| number.clone()).collect()
    };
    assert_eq!(same_as(&other), [vec![]], "another scene: {files:?}");
    let sent = &numbers("941")[0];
    let [near] = &same_as("941")[..] else { panic!("one photo: {files:?}") };
    assert_eq!(near.len(), 1, "only the one that is near: {files:?}");
    assert!(numbers(&again).contains(&near[0].0) && !near[0].1);
    let mut shown = same_as(&again);
    shown.sort_by_key(Vec::len);
    let [far, close] = &shown[..] else { panic!("two photos: {files:?}") };
    assert!(far.len() == 1 && far[0].1, "the same bytes: {files:?}");
    assert!(close.len() == 2 && close.contains(&(sent.clone(), false)), "{files:?}");
    assert_eq!(city.city.read("/api/v1/appeals?limit=9").await["items"].as_array().map(Vec::len), Some(4));
    assert!(city.city.stop().await.success());
}
