//! What platforms do to a text of ours, and what becomes of it: by the real binary, over real sockets.
//!
//! The table is the promise: where a text goes, what goes wrong there, how often the platform has it in the end (no double, no loss), what
//! the log and `/metrics` say of each attempt, and what the desk sees. `docs/reliability.md` shows it in words.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_domain::{
    AppealId, Clock, MessageId, Position, StreamKind, SystemClock, appeal, message::Event,
};
use zholdary_log::{EventLog, SqliteConfig, SqliteLog};
use zholdary_testkit::{
    fake::{self, Answer, Post},
    samples,
};

use crate::{
    delivery::{BOT, DELIVERY},
    harness::{City, folder, path, until},
    letters::{OURS, brings, free_port, on_all_channels},
};

/// Where a resident writes, and is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Whatsapp,
    Instagram,
    Facebook,
    /// Under a post of the page. The author is answered twice: in private, and then in public.
    Comment,
    /// The same of somebody who wrote to the page in private before, and was answered.
    KnownComment,
    Telegram,
    Email,
    /// WhatsApp, and the words name no place: after the receipt comes a question, for which no text is registered.
    Question,
}

impl Way {
    const fn channel(self) -> &'static str {
        match self {
            Self::Whatsapp | Self::Question => "whatsapp",
            Self::Instagram => "instagram",
            Self::Facebook | Self::Comment | Self::KnownComment => "facebook",
            Self::Telegram => "telegram",
            Self::Email => "email",
        }
    }
}

/// What a platform does to one text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Does {
    /// Nothing wrong.
    Takes,
    /// A platform that is spoken to over HTTP.
    Says(Answer),
    /// The mail server.
    Posts(Post),
    /// It takes the text, and tells later that it does not arrive: a status of WhatsApp with this code, a report of the post with this status.
    TakesAndFails(&'static str),
}

/// One line of the promise.
#[derive(Debug)]
struct Row {
    way: Way,
    fault: &'static str,
    /// What the platform does to the texts, in order; it takes what follows.
    does: Vec<Does>,
    /// How many texts it has in the end.
    has: usize,
    /// What came of each attempt, in order: so the log says, and `zholdary_delivery_attempts_total{channel,outcome}` grows by each.
    came: &'static [&'static str],
    /// What the appeal says of what its author was not told (`not_told`).
    untold: &'static [&'static str],
    /// Which other figures grow, each by one.
    grow: &'static [&'static str],
    /// The wait before a text goes again.
    wait_ms: i64,
}

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// As `delivery.retry_ms` of [`DELIVERY`] has it.
const RETRY_MS: i64 = 200;

fn row(
    way: Way,
    fault: &'static str,
    does: impl Into<Vec<Does>>,
    has: usize,
    came: &'static [&'static str],
    untold: &'static [&'static str],
) -> Row {
    Row { way, fault, does: does.into(), has, came, untold, grow: &[], wait_ms: RETRY_MS }
}

impl Row {
    fn and(self, grow: &'static [&'static str]) -> Self {
        Self { grow, ..self }
    }

    fn waits(self, wait_ms: i64) -> Self {
        Self { wait_ms, ..self }
    }

    /// What stands beside our texts in the thread of the appeal, in the order of the alphabet.
    fn ends(&self) -> Vec<String> {
        let mut ends: Vec<_> = self
            .came
            .iter()
            .filter_map(|outcome| match *outcome {
                "busy" | "token" => None,
                "taken" => Some("sent".to_owned()),
                "unknown" => Some("unknown".to_owned()),
                _ => Some("failed".to_owned()),
            })
            .collect();
        if let [Does::TakesAndFails(_)] = self.does.as_slice() {
            "failed".clone_into(&mut ends[0]);
        }
        ends.sort();
        ends
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {}", self.way, self.fault)
    }
}

/// An error of the platform's own: its status, its code, its subcode.
const fn error(status: u16, code: i64, subcode: Option<i64>) -> Does {
    Does::Says(Answer::Error { status, code, subcode })
}

const SILENT: Does = Does::Says(Answer::TakenThenSilent);
const CUT: Does = Does::Says(Answer::TakenThenCut);

#[rustfmt::skip]
fn table() -> Vec<Row> {
    use Does::{Posts, Says, Takes, TakesAndFails};
    use Way::{Comment, Email, Facebook, Instagram, KnownComment, Question, Telegram, Whatsapp};
    let bare = |status| Says(Answer::Status(status));
    let later = || Says(Answer::TooMany { retry_after: 1 });
    vec![
        row(Whatsapp, "taken, then silent", [SILENT], 1, &["unknown"], &["unknown"]),
        row(Whatsapp, "the answer dies half-way", [CUT], 1, &["unknown"], &["unknown"]),
        row(Whatsapp, "429 130429", [error(429, 130_429, None)], 1, &["busy", "taken"], &[]),
        row(Whatsapp, "429 with Retry-After: 1", [later()], 1, &["busy", "taken"], &[]).waits(1000),
        row(Whatsapp, "400 131056, too much for one person", [error(400, 131_056, None)], 1, &["busy", "taken"], &[]),
        row(Whatsapp, "500 131000, which says nothing", [error(500, 131_000, None)], 0, &["unknown"], &["unknown"]),
        row(Whatsapp, "500 131016, no time", [error(500, 131_016, None)], 1, &["busy", "taken"], &[]),
        row(Whatsapp, "502 of a proxy", [bare(502)], 0, &["unknown"], &["unknown"]),
        row(Whatsapp, "401 190, the token is dead", [error(401, 190, Some(463))], 1, &["token", "taken"], &[]),
        row(Whatsapp, "403 of a proxy", [bare(403)], 1, &["token", "taken"], &[]),
        row(Whatsapp, "403 10, a permission is missing", [error(403, 10, None)], 0, &["permission"], &["permission"]),
        row(Whatsapp, "400 131047, the window is closed", [error(400, 131_047, None)], 1, &["window_closed", "taken"], &["window_closed"])
            .and(&["instead/registered"]),
        row(Question, "400 131047, and no text is registered", [Takes, error(400, 131_047, None)], 1, &["taken", "window_closed"], &["window_closed"]),
        row(Whatsapp, "400 131050, the resident stopped us", [error(400, 131_050, None)], 0, &["blocked"], &["blocked"]),
        row(Whatsapp, "400 131026, nobody there", [error(400, 131_026, None)], 0, &["no_such_address"], &["no_such_address"]),
        row(Whatsapp, "taken, later failed: 131047", [TakesAndFails("131047")], 2, &["taken", "taken"], &["window_closed"])
            .and(&["failures/window_closed", "instead/registered"]),
        row(Whatsapp, "taken, later failed: 131026", [TakesAndFails("131026")], 1, &["taken"], &["no_such_address"])
            .and(&["failures/no_such_address"]),

        row(Instagram, "taken, then silent", [SILENT], 1, &["unknown"], &["unknown"]),
        row(Instagram, "the answer dies half-way", [CUT], 1, &["unknown"], &["unknown"]),
        row(Instagram, "400 613, too many calls", [error(400, 613, None)], 1, &["busy", "taken"], &[]),
        row(Instagram, "429 without a word", [bare(429)], 1, &["busy", "taken"], &[]),
        row(Instagram, "429 with Retry-After: 1", [later()], 1, &["busy", "taken"], &[]).waits(1000),
        row(Instagram, "500 1, which says nothing", [error(500, 1, None)], 0, &["unknown"], &["unknown"]),
        row(Instagram, "502 of a proxy", [bare(502)], 0, &["unknown"], &["unknown"]),
        row(Instagram, "401 190, the token is dead", [error(401, 190, Some(460))], 1, &["token", "taken"], &[]),
        row(Instagram, "403 200, a permission is missing", [error(403, 200, None)], 0, &["permission"], &["permission"]),
        row(Instagram, "403 10/2534022, the window is closed", [error(403, 10, Some(2_534_022))], 0, &["window_closed"], &["window_closed"]),
        row(Instagram, "403 200/1545041, the resident blocked us", [error(403, 200, Some(1_545_041))], 0, &["blocked"], &["blocked"]),
        row(Instagram, "400 100/2018001, nobody there", [error(400, 100, Some(2_018_001))], 0, &["no_such_address"], &["no_such_address"]),

        row(Facebook, "taken, then silent", [SILENT], 1, &["unknown"], &["unknown"]),
        row(Facebook, "the answer dies half-way", [CUT], 1, &["unknown"], &["unknown"]),
        row(Facebook, "400 32, too many calls", [error(400, 32, None)], 1, &["busy", "taken"], &[]),
        row(Facebook, "429 without a word", [bare(429)], 1, &["busy", "taken"], &[]),
        row(Facebook, "429 with Retry-After: 1", [later()], 1, &["busy", "taken"], &[]).waits(1000),
        row(Facebook, "500 1, which says nothing", [error(500, 1, None)], 0, &["unknown"], &["unknown"]),
        row(Facebook, "500 2, no time", [error(500, 2, None)], 1, &["busy", "taken"], &[]),
        row(Facebook, "401 190, the token is dead", [error(401, 190, Some(463))], 1, &["token", "taken"], &[]),
        row(Facebook, "403 200, a permission is missing", [error(403, 200, None)], 0, &["permission"], &["permission"]),
        row(Facebook, "403 10/2018278, the window is closed", [error(403, 10, Some(2_018_278))], 0, &["window_closed"], &["window_closed"]),
        row(Facebook, "400 551, the resident blocked us", [error(400, 551, Some(1_545_041))], 0, &["blocked"], &["blocked"]),

        row(Comment, "taken, then silent", [Takes, SILENT], 2, &["taken", "unknown"], &["unknown"]),
        row(Comment, "the answer dies half-way", [Takes, CUT], 2, &["taken", "unknown"], &["unknown"]),
        row(Comment, "400 32, too many calls", [Takes, error(400, 32, None)], 2, &["taken", "busy", "taken"], &[]),
        row(Comment, "429 with Retry-After: 1", [Takes, later()], 2, &["taken", "busy", "taken"], &[]).waits(1000),
        row(Comment, "500 1, which says nothing", [Takes, error(500, 1, None)], 1, &["taken", "unknown"], &["unknown"]),
        row(Comment, "401 190, the token is dead", [Takes, error(401, 190, Some(463))], 2, &["taken", "token", "taken"], &[]),
        row(Comment, "403 10, a permission is missing", [Takes, error(403, 10, None)], 1, &["taken", "permission"], &["permission"]),
        row(Comment, "only the private answer is refused", [error(400, 10_900, None)], 1, &["refused", "taken"], &[]),
        row(Comment, "400 100/33, the comment is gone", [error(400, 100, Some(33)), error(400, 100, Some(33))], 0,
            &["no_such_address", "no_such_address"], &["no_such_address"]),
        row(KnownComment, "the same, of somebody who wrote in private", [error(400, 100, Some(33)), error(400, 100, Some(33))], 1,
            &["no_such_address", "no_such_address", "taken"], &["no_such_address"]).and(&["instead/facebook"]),

        row(Telegram, "taken, then silent", [SILENT], 1, &["unknown"], &["unknown"]),
        row(Telegram, "the answer dies half-way", [CUT], 1, &["unknown"], &["unknown"]),
        row(Telegram, "429 without retry_after", [error(429, 429, None)], 1, &["busy", "taken"], &[]),
        row(Telegram, "429 with retry_after: 1", [later()], 1, &["busy", "taken"], &[]).waits(1000),
        row(Telegram, "500, the server ends", [error(500, 500, None)], 0, &["unknown"], &["unknown"]),
        row(Telegram, "502 of what stands before it", [error(502, 502, None)], 0, &["unknown"], &["unknown"]),
        row(Telegram, "502 without a word", [bare(502)], 0, &["unknown"], &["unknown"]),
        row(Telegram, "401, the token is dead", [error(401, 401, None)], 1, &["token", "taken"], &[]),
        row(Telegram, "403, the resident blocked the bot", [Says(Answer::blocked())], 0, &["blocked"], &["blocked"]),
        row(Telegram, "400, no such chat", [error(400, 400, None)], 0, &["refused"], &["refused"]),

        row(Email, "taken, then silent", [Posts(Post::TakenThenSilent)], 1, &["unknown"], &["unknown"]),
        row(Email, "taken, then the connection dies", [Posts(Post::TakenThenDies)], 1, &["unknown"], &["unknown"]),
        row(Email, "the connection dies before the letter", [Posts(Post::DiesBeforeTheLetter)], 1, &["busy", "taken"], &[]),
        // All of a short one is on its way by then.
        row(Email, "the connection dies in the letter", [Posts(Post::DiesInTheLetter)], 0, &["unknown"], &["unknown"]),
        row(Email, "421 instead of a greeting", [Posts(Post::Greeting("421 4.3.2 no time"))], 1, &["busy", "taken"], &[]),
        row(Email, "450 to the recipient", [Posts(Post::Recipient("450 4.2.0 later"))], 1, &["busy", "taken"], &[]),
        row(Email, "451 to the letter", [Posts(Post::Letter("451 4.3.0 later"))], 1, &["busy", "taken"], &[]),
        row(Email, "535, the password is wrong", [Posts(Post::Login("535 5.7.8 who?"))], 1, &["token", "taken"], &[]),
        row(Email, "550 5.1.1, nobody there", [Posts(Post::Recipient("550 5.1.1 nobody"))], 0, &["no_such_address"], &["no_such_address"]),
        row(Email, "554 to the letter", [Posts(Post::Letter("554 5.7.1 rules"))], 0, &["refused"], &["refused"]),
        row(Email, "taken, later reported: 5.1.1", [TakesAndFails("5.1.1")], 1, &["taken"], &["no_such_address"])
            .and(&["failures/no_such_address"]),
        row(Email, "taken, later reported: 5.7.1", [TakesAndFails("5.7.1")], 1, &["taken"], &["refused"])
            .and(&["failures/refused"]),
    ]
}

/// A city with every channel, each of Meta's before a fake of its own: what is scripted for one is met by no other.
struct Place {
    data: TempDir,
    graphs: BTreeMap<&'static str, fake::Graph>,
    telegram: fake::Telegram,
    post: fake::Smtp,
    lmtp: u16,
    city: City,
}

impl Place {
    async fn start() -> Self {
        let data = folder();
        let mut graphs = BTreeMap::new();
        for channel in ["whatsapp", "instagram", "facebook"] {
            graphs.insert(channel, fake::Graph::start().await);
        }
        let (telegram, post) = (fake::Telegram::start(BOT).await, fake::Smtp::start().await);
        let lmtp = free_port();
        let settings = on_all_channels(data.path(), |channel| graphs[channel].url(), &telegram, &post, lmtp);
        std::fs::write(data.path().join("settings.toml"), settings + DELIVERY).unwrap();
        let city = Self::up(data.path()).await;
        Self { data, graphs, telegram, post, lmtp, city }
    }

    async fn up(data: &Path) -> City {
        let settings = data.join("settings.toml");
        let mut city = City::start(&["up", "--config", path(&settings), "--data", path(data)]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data, "operator").await;
        city
    }

    /// How often each figure of what goes out by `channel` has grown, as `attempts/taken`.
    async fn figures(&self, channel: &str) -> BTreeMap<String, u64> {
        let text = String::from_utf8(self.city.bytes("/metrics").await).expect("metrics are text");
        let read = |line: &str| {
            let (name, rest) = line.strip_prefix("zholdary_delivery_")?.split_once("_total{channel=\"")?;
            let rest = rest.strip_prefix(channel)?.strip_prefix("\",")?;
            let (label, count) = rest.split_once("\"} ")?;
            let (_, label) = label.split_once("=\"")?;
            Some((format!("{name}/{label}"), count.parse().ok()?))
        };
        text.lines().filter_map(read).filter(|(_, count)| *count > 0).collect()
    }

    fn graph(&self, way: Way) -> &fake::Graph {
        &self.graphs[way.channel()]
    }
}

/// One resident, for one line of the table.
struct Resident<'a> {
    place: &'a Place,
    row: &'a Row,
    n: usize,
}

impl Resident<'_> {
    fn who(&self) -> String {
        let n = self.n;
        match self.row.way {
            Way::Whatsapp | Way::Question => format!("770000005{n:02}"),
            Way::Instagram => format!("67000000000005{n:02}"),
            Way::Facebook | Way::Comment | Way::KnownComment => format!("51000000000005{n:02}"),
            Way::Telegram => format!("50000005{n:02}"),
            Way::Email => format!("r{n}@example.org"),
        }
    }

    /// The platform's id of what they write.
    fn id(&self) -> String {
        let n = self.n;
        match self.row.way {
            Way::Whatsapp | Way::Question => format!("wamid.FAULT{n}"),
            Way::Instagram | Way::Facebook => format!("m_fault_{n}"),
            Way::Comment | Way::KnownComment => format!("700000000000001_9000{n:02}"),
            Way::Telegram => format!("{}:{n}", self.who()),
            Way::Email => format!("<fault{n}@example.org>"),
        }
    }

    /// The texts that the platform has for them, by its own ids, but for those of before.
    fn has(&self) -> Vec<String> {
        let (who, id) = (self.who(), self.id());
        let is_theirs = |request: &fake::Request| {
            let body = request.body.to_string();
            [&who, &id].into_iter().any(|name| request.path.contains(name) || body.contains(name))
        };
        match self.row.way {
            Way::Email => {
                let letters = self.place.post.taken();
                let theirs = letters.iter().filter(|mail| mail.recipients == [who.as_str()]);
                theirs.map(|mail| mail.field("Message-ID").unwrap()).collect()
            }
            Way::Telegram => {
                let taken = self.place.telegram.accepted();
                taken.iter().filter(|t| is_theirs(&t.request)).map(|t| t.id.clone()).collect()
            }
            way => {
                let taken = self.place.graph(way).accepted();
                let before = usize::from(way == Way::KnownComment);
                taken.iter().filter(|t| is_theirs(&t.request)).map(|t| t.id.clone()).skip(before).collect()
            }
        }
    }

    /// Has the platform do what the line says.
    fn script(&self) {
        for does in &self.row.does {
            match (does, self.row.way) {
                (Does::Posts(how), _) => self.place.post.next(how.clone()),
                // The mail server takes what nothing is said about.
                (_, Way::Email) => {}
                (does, way) => {
                    let answer = match does {
                        Does::Says(answer) => answer.clone(),
                        _ => Answer::Slow(Duration::ZERO),
                    };
                    if way == Way::Telegram {
                        self.place.telegram.next(answer);
                    } else {
                        self.place.graph(way).next(answer);
                    }
                }
            }
        }
    }

    async fn writes(&self) {
        let (who, id, now) = (self.who(), self.id(), now());
        let text = if self.row.way == Way::Question {
            "Яма на дороге, глубокая выбоина"
        } else {
            "Яма на Абая 45"
        };
        match self.row.way {
            Way::Whatsapp | Way::Question => {
                let at = now.timestamp().to_string();
                let message = json!({ "from": who, "id": id, "timestamp": at, "type": "text", "text": { "body": text } });
                self.whatsapp(json!({
                    "contacts": [{ "profile": { "name": "Х" }, "wa_id": who }], "messages": [message],
                }))
                .await;
            }
            Way::Instagram => self.messaging("instagram", "17841400000000777", &id, text).await,
            Way::Facebook => self.messaging("page", PAGE, &id, text).await,
            Way::Comment | Way::KnownComment => {
                let post = format!("{PAGE}_700000000000001");
                let value = json!({
                    "item": "comment", "verb": "add", "comment_id": id, "post_id": post, "parent_id": post,
                    "message": text, "from": { "id": who, "name": "Х" }, "created_time": now.timestamp(),
                });
                let change = json!({ "field": "feed", "value": value });
                let entry = json!({ "id": PAGE, "time": now.timestamp(), "changes": [change] });
                self.delivers(&json!({ "object": "page", "entry": [entry] })).await;
            }
            Way::Telegram => {
                let chat: i64 = who.parse().unwrap();
                self.place.telegram.push(json!({ "update_id": 9_000 + self.n, "message": {
                    "message_id": self.n, "date": now.timestamp(), "text": text,
                    "chat": { "id": chat, "type": "private", "first_name": "Х" },
                    "from": { "id": chat, "is_bot": false, "first_name": "Х" },
                } }));
            }
            Way::Email => self.posts(&id, "text/plain; charset=utf-8", text),
        }
    }

    /// The platform tells that what it took does not arrive.
    async fn fails(&self, why: &str) {
        let ours = self.has().pop().unwrap();
        if self.row.way == Way::Email {
            let who = self.who();
            let report = format!(
                "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
                 Final-Recipient: rfc822; {who}\r\nAction: failed\r\nStatus: {why}\r\n\r\n\
                 --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\n\r\n--b--"
            );
            let of = format!("<report{}@mx.example>", self.n);
            self.posts(&of, "multipart/report; report-type=delivery-status; boundary=b", &report);
            return;
        }
        let code: i64 = why.parse().unwrap();
        let status = json!({
            "id": ours, "status": "failed", "timestamp": now().timestamp().to_string(), "recipient_id": self.who(),
            "errors": [{ "code": code, "title": "…" }],
        });
        self.whatsapp(json!({ "statuses": [status] })).await;
    }

    fn posts(&self, id: &str, kind: &str, text: &str) {
        let who = self.who();
        let from = if kind.starts_with("multipart/report") { "MAILER-DAEMON@mx.example" } else { &who };
        let letter = format!(
            "From: <{from}>\r\nTo: {OURS}\r\nMessage-ID: {id}\r\nSubject: road\r\n\
             Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        );
        let answers = brings(self.place.lmtp, &who, &[OURS], letter.as_bytes());
        assert!(answers.iter().all(|answer| answer.starts_with("250")), "{answers:?}");
    }

    async fn whatsapp(&self, told: Value) {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
        });
        value.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        let entry = json!({ "id": samples::WABA, "changes": [{ "field": "messages", "value": value }] });
        self.delivers(&json!({ "object": "whatsapp_business_account", "entry": [entry] })).await;
    }

    async fn messaging(&self, object: &str, ours: &str, id: &str, text: &str) {
        let at = now().timestamp_millis();
        let said = json!({
            "sender": { "id": self.who() }, "recipient": { "id": ours }, "timestamp": at,
            "message": { "mid": id, "text": text },
        });
        self.delivers(
            &json!({ "object": object, "entry": [{ "id": ours, "time": at, "messaging": [said] }] }),
        )
        .await;
    }

    async fn delivers(&self, body: &Value) {
        let channel = self.row.way.channel();
        assert_eq!(self.place.city.delivers(channel, body.to_string().as_bytes()).await, 200);
    }

    /// Waits until these figures have grown since `before`, and no other.
    async fn until_grown(
        &self,
        before: &BTreeMap<String, u64>,
        grown: impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut expected = before.clone();
        for figure in grown {
            *expected.entry(figure).or_default() += 1;
        }
        let started = Instant::now();
        loop {
            let figures = self.place.figures(self.row.way.channel()).await;
            if figures == expected {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("{}: from {before:?} not to {expected:?} but to {figures:?}", self.row));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Lives through the line.
    async fn lives(&self) -> Result<(), String> {
        let row = self.row;
        if row.way == Way::KnownComment {
            let before = self.place.figures("facebook").await;
            self.messaging("page", PAGE, &format!("m_before_{}", self.n), "Яма на Абая 45").await;
            self.until_grown(&before, ["attempts/taken".to_owned()].into_iter()).await?;
        }
        let before = self.place.figures(row.way.channel()).await;
        self.script();
        self.writes().await;
        if let [Does::TakesAndFails(why)] = row.does.as_slice() {
            self.until_grown(&before, ["attempts/taken".to_owned()].into_iter()).await?;
            self.fails(why).await;
        }
        let came = row.came.iter().map(|outcome| format!("attempts/{outcome}"));
        self.until_grown(&before, came.chain(row.grow.iter().map(|&figure| figure.to_owned()))).await?;
        let has = self.has().len();
        if has == row.has { Ok(()) } else { Err(format!("{row}: the platform has {has}")) }
    }
}

/// The page of the samples.
const PAGE: &str = "100200300400500";

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// What the log says of what went out.
#[derive(Default)]
struct Sent {
    /// The appeal that a message of a resident opened, by the platform's id.
    appeals: HashMap<String, AppealId>,
    /// What came of each attempt, in order, and after how many milliseconds it may go again.
    came: HashMap<AppealId, Vec<(&'static str, Option<i64>)>>,
}

impl Sent {
    async fn read(data: &Path) -> Self {
        let log = SqliteLog::open(data, SqliteConfig::default()).expect("the log opens");
        let (mut sent, mut after) = (Self::default(), Position::START);
        let (mut names, mut about) =
            (HashMap::<MessageId, String>::new(), HashMap::<MessageId, AppealId>::new());
        loop {
            let page = log.read(after, 1000).await.expect("the log reads");
            let Some(last) = page.last() else { return sent };
            after = last.position;
            for record in &page {
                if record.stream.kind() == StreamKind::Appeal {
                    let appeal = record.stream.appeal().unwrap();
                    for event in record.events::<appeal::Event>().unwrap() {
                        if let appeal::Event::Registered(registered) = event
                            && let Some(name) = registered.message.and_then(|message| names.get(&message))
                        {
                            sent.appeals.insert(name.clone(), appeal);
                        }
                    }
                }
                let Some(id) = record.stream.message() else { continue };
                for event in record.events::<Event>().unwrap() {
                    let came = match event {
                        Event::Received(received) => {
                            names.insert(id, received.external_id.reveal().clone());
                            continue;
                        }
                        Event::Queued(out) => {
                            about.extend(out.appeal.map(|appeal| (id, appeal)));
                            continue;
                        }
                        Event::Taken { .. } => ("taken", None),
                        Event::OutcomeUnknown { .. } => ("unknown", None),
                        Event::NotTaken { why, again_at, at, .. } => {
                            (why.code(), again_at.map(|again_at| (again_at - at).num_milliseconds()))
                        }
                        _ => continue,
                    };
                    if let Some(appeal) = about.get(&id) {
                        sent.came.entry(*appeal).or_default().push(came);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn whatever_a_platform_does_no_text_is_doubled_or_lost_and_a_figure_says_so() {
    let place = Place::start().await;
    let rows = table();
    let residents: Vec<_> =
        rows.iter().enumerate().map(|(n, row)| Resident { place: &place, row, n: n + 1 }).collect();
    // One after another on each channel, whose figures are compared; the channels side by side.
    let on = async |channel: &str| {
        let mut wrong = vec![];
        for resident in residents.iter().filter(|resident| resident.row.way.channel() == channel) {
            wrong.extend(resident.lives().await.err());
        }
        wrong
    };
    let wrong = tokio::join!(on("whatsapp"), on("instagram"), on("facebook"), on("telegram"), on("email"));
    let wrong = [wrong.0, wrong.1, wrong.2, wrong.3, wrong.4].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    place.city.idle().await;
    drop(residents);

    let Place { data, graphs, telegram, post, lmtp, city } = place;
    assert!(city.stop().await.success());
    let sent = Sent::read(data.path()).await;
    // Whoever reads the log again sends nothing again, and shows the same to the desk.
    let city = Place::up(data.path()).await;
    let place = Place { data, graphs, telegram, post, lmtp, city };
    place.city.idle().await;
    for (n, row) in rows.iter().enumerate() {
        let resident = Resident { place: &place, row, n: n + 1 };
        let appeal = sent.appeals[&resident.id()];
        let came = &sent.came[&appeal];
        let outcomes: Vec<_> = came.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, row.came, "{row}: in the log");
        let waits: Vec<_> = came.iter().filter_map(|(_, wait)| *wait).collect();
        assert!(waits.iter().all(|wait| *wait == row.wait_ms), "{row}: {waits:?}");
        assert_eq!(resident.has().len(), row.has, "{row}: after a start");

        let desk = async || {
            let seen = place.city.read(&format!("/api/v1/appeals/{appeal}")).await;
            let said = |list: &str, what: &str, is: &dyn Fn(&Value) -> bool| {
                let lines = seen[list].as_array().unwrap().iter().filter(|line| is(line));
                lines.map(|line| line.pointer(what).unwrap().as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            let untold = said("history", "/data/why", &|line| line["event"] == "not_told");
            let mut ends = said("thread", "/delivery", &|message| message["ours"] == true);
            ends.sort();
            (untold, ends)
        };
        let untold: Vec<_> = row.untold.iter().map(|&why| why.to_owned()).collect();
        let expected = (untold, row.ends());
        until(&format!("{row}: the desk sees {expected:?}"), async || desk().await == expected).await;
    }
    assert!(place.city.stop().await.success());
}
