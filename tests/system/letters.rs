//! Residents who write letters: a mail server brings them by LMTP and takes ours by SMTP.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use zholdary_testkit::{
    fake::{self, Mail},
    samples,
};

use crate::{
    delivery::BOT,
    harness::{City, folder, path, until},
};

/// Our mailbox.
pub(crate) const OURS: &str = "appeals@zholdary.example";

/// Waits are short, so that a test is.
const DELIVERY: &str = "
[delivery]
quiet_from_hour = 0
quiet_to_hour = 0
retry_ms = 200
unknown_after_ms = 4000
unknown_wait_ms = 300
look_ms = 50
[platforms]
request_ms = 1500
";

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Brings a letter to whoever listens at `port`, as a mail server does. The answers for its recipients.
pub(crate) fn brings(port: u16, sender: &str, recipients: &[&str], letter: &[u8]) -> Vec<String> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).expect("somebody listens"));
    let hear = |stream: &mut BufReader<TcpStream>| {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("an answer");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    };
    assert!(hear(&mut stream).starts_with("220 "));
    let mut said = Vec::new();
    for line in ["LHLO mx.example".to_owned(), format!("MAIL FROM:<{sender}>")]
        .into_iter()
        .chain(recipients.iter().map(|to| format!("RCPT TO:<{to}>")))
        .chain(["DATA".to_owned()])
    {
        write!(stream.get_mut(), "{line}\r\n").expect("it is heard");
        said.push(hear(&mut stream));
    }
    if said.last().is_some_and(|last| last.starts_with("354")) {
        let dotted = String::from_utf8_lossy(letter).replace("\r\n.", "\r\n..");
        // Bytes of other charsets go as they are: only where a dot is doubled is the text looked at.
        let bytes = if dotted.contains("\r\n..") { dotted.into_bytes() } else { letter.to_vec() };
        stream.get_mut().write_all(&bytes).expect("it is heard");
        let end: &[u8] = if letter.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" };
        stream.get_mut().write_all(end).expect("it is heard");
        let accepted = said[2..].iter().filter(|line| line.starts_with("250")).count();
        return (0..accepted).map(|_| hear(&mut stream)).collect();
    }
    said
}

/// A letter of a resident, with these `fields` beside the usual ones.
pub(crate) fn letter(id: &str, subject: &str, fields: &str, text: &str) -> Vec<u8> {
    format!(
        "From: =?utf-8?B?0JDRgdC10LvRjA==?= <asel@example.org>\r\nTo: {OURS}\r\nMessage-ID: {id}\r\nSubject: {subject}\r\n\
         {fields}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

/// A city with a mailbox.
struct Writing {
    _data: TempDir,
    post: fake::Smtp,
    lmtp: u16,
    city: City,
}

impl Writing {
    async fn start() -> Self {
        let (data, post, lmtp) = (folder(), fake::Smtp::start().await, free_port());
        let city = Self::up(data.path(), &post, lmtp).await;
        Self { _data: data, post, lmtp, city }
    }

    async fn up(data: &Path, post: &fake::Smtp, lmtp: u16) -> City {
        let password = data.join("post.password");
        std::fs::write(&password, fake::Smtp::PASSWORD).unwrap();
        let email = format!(
            "[email]\naddress = \"{OURS}\"\nname = \"Жолдар\"\nlmtp_listen = \"127.0.0.1:{lmtp}\"\n\
             [email.smtp]\nhost = \"127.0.0.1\"\nport = {}\nprotection = \"none\"\nuser = \"{}\"\npassword_file = \"{}\"\n\
             request_ms = 1500\n",
            post.address().port(),
            fake::Smtp::USER,
            path(&password),
        );
        let settings = data.join("settings.toml");
        std::fs::write(&settings, format!("{email}{DELIVERY}")).unwrap();
        let mut city = City::start(&["up", "--config", path(&settings), "--data", path(data)]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data, "operator").await;
        city
    }

    /// A resident writes.
    fn hears(&self, id: &str, subject: &str, fields: &str, text: &str) {
        let answers = brings(self.lmtp, "asel@example.org", &[OURS], &letter(id, subject, fields, text));
        assert!(answers.iter().all(|answer| answer.starts_with("250 2.0.0")), "{answers:?}");
    }

    async fn until_taken(&self, count: usize) -> Vec<Mail> {
        until(&format!("the post took {count}"), async || self.post.taken().len() >= count).await;
        self.post.taken()
    }

    /// The one appeal there is.
    async fn only(&self) -> Value {
        let list = async || self.city.read("/api/v1/appeals?limit=10").await;
        until("it is in the views", async || list().await["items"] != json!([])).await;
        let list = list().await;
        let [appeal] = list["items"].as_array().unwrap().as_slice() else { panic!("one appeal: {list}") };
        self.city.read(&format!("/api/v1/appeals/{}", appeal["number"].as_str().unwrap())).await
    }

    async fn deliveries(&self) -> Vec<String> {
        let appeal = self.only().await;
        let ours = appeal["thread"].as_array().unwrap().iter().filter(|message| message["ours"] == true);
        ours.map(|message| message["delivery"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// What a letter of ours says.
pub(crate) fn said(mail: &Mail) -> String {
    use base64::Engine;
    let text = String::from_utf8(mail.raw.clone()).expect("it is ASCII");
    let body: String = text.split_once("\r\n\r\n").expect("a body").1.split_whitespace().collect();
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(body).expect("base64")).expect("UTF-8")
}

/// A subject of ours, of encoded words or plain.
pub(crate) fn subject(mail: &Mail) -> String {
    use base64::Engine;
    let field = mail.field("Subject").expect("a subject");
    if !field.starts_with("=?") {
        return field;
    }
    let words = field.split_whitespace().map(|word| {
        let inside = word.trim_start_matches("=?utf-8?B?").trim_end_matches("?=");
        base64::engine::general_purpose::STANDARD.decode(inside).expect("base64")
    });
    String::from_utf8(words.flatten().collect()).expect("UTF-8")
}

#[tokio::test]
async fn a_resident_and_the_city_write_letters() {
    let writing = Writing::start().await;
    writing.hears("<l1@example.org>", "hole", "", "Здравствуйте! Яма на дороге, глубокая выбоина");
    let taken = writing.until_taken(2).await;
    let number = writing.only().await["number"].as_str().unwrap().to_owned();
    assert!(said(&taken[0]).contains(&number) && said(&taken[1]).contains("где это?"), "{taken:?}");
    for mail in &taken {
        assert!(subject(mail).ends_with(&format!("[{number}]")), "{}", subject(mail));
        assert_eq!(mail.field("In-Reply-To").as_deref(), Some("<l1@example.org>"));
        assert_eq!(mail.field("Auto-Submitted").as_deref(), Some("auto-replied"));
        assert_eq!((mail.sender.as_str(), &mail.recipients[..]), ("", &["asel@example.org".to_owned()][..]));
    }
    // Joined by the letter that it answers alone: its subject says nothing.
    let asked = taken[1].field("Message-ID").unwrap();
    let fields = format!("In-Reply-To: {asked}\r\nReferences: <l1@example.org> {asked}\r\n");
    writing.hears("<l2@example.org>", "street", &fields, "Абая 45, Алмалинский район");
    let taken = writing.until_taken(3).await;
    assert!(said(&taken[2]).contains("передано"), "{}", said(&taken[2]));
    assert_eq!(taken[2].field("In-Reply-To").as_deref(), Some("<l2@example.org>"));
    let thread = writing.only().await["thread"].as_array().unwrap().len();
    assert!(thread >= 2, "both stand in the one appeal");
    // A person answers; nothing in it says that a program wrote.
    let answer = json!({ "finding": 0, "text": "Завтра приедем." });
    assert_eq!(writing.city.post(&format!("/api/v1/appeals/{number}/answer"), &answer).await, 202);
    let taken = writing.until_taken(4).await;
    assert!(said(&taken[3]).contains("Завтра приедем."), "{}", said(&taken[3]));
    assert_eq!((taken[3].sender.as_str(), taken[3].field("Auto-Submitted")), (OURS, None));
    // The post could not bring it, and says so.
    let lost = taken[3].field("Message-ID").unwrap();
    let report = format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: {OURS}\r\nSubject: Undelivered\r\nMessage-ID: <dsn@mx.example>\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; asel@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {lost}\r\n\r\n--b--\r\n"
    );
    let answers = brings(writing.lmtp, "asel@example.org", &[OURS], report.as_bytes());
    assert!(answers[0].starts_with("250"), "{answers:?}");
    until("it did not arrive", async || writing.deliveries().await.contains(&"failed".to_owned())).await;
    // The same letter again is no second one.
    writing.hears("<l2@example.org>", "street", &fields, "Абая 45, Алмалинский район");
    writing.city.idle().await;
    assert_eq!(
        (writing.post.taken().len(), writing.only().await["thread"].as_array().unwrap().len()),
        (4, thread + 1)
    );
    assert!(writing.city.stop().await.success());
}

/// What a mail server is answered.
#[tokio::test]
async fn each_recipient_has_an_answer_of_its_own() {
    let writing = Writing::start().await;
    let letter = b"From: a@example.org\r\nMessage-ID: <r1@example.org>\r\n\r\n.\r\nHole\r\n";
    let detail = OURS.replace('@', "+roads@");
    let answers =
        brings(writing.lmtp, "asel@example.org", &[OURS, "nobody@zholdary.example", &detail], letter);
    assert!(
        answers.len() == 2 && answers.iter().all(|answer| answer.starts_with("250 2.0.0")),
        "{answers:?}"
    );
    let refused = brings(writing.lmtp, "asel@example.org", &["nobody@zholdary.example"], letter);
    assert!(refused[2].starts_with("550 5.1.1") && refused[3].starts_with("503 5.5.1"), "{refused:?}");
    assert!(writing.city.stop().await.success());
}

/// The settings of a city that is spoken to by every platform and by letters; `api` tells where the Graph API of a channel is.
pub(crate) fn on_all_channels(
    data: &Path,
    api: impl Fn(&str) -> String,
    telegram: &fake::Telegram,
    post: &fake::Smtp,
    lmtp: u16,
) -> String {
    let file = |name: &str, text: &str| {
        std::fs::write(data.join(name), text).unwrap();
        path(&data.join(name)).to_owned()
    };
    let (secret, word) = (file("app.secret", samples::APP_SECRET), file("verify.word", "a word"));
    let (token, bot) = (file("graph.token", fake::Graph::TOKEN), file("bot.token", BOT));
    let password = file("post.password", fake::Smtp::PASSWORD);
    let meta = |channel: &str| {
        let api = api(channel);
        format!(
            "[{channel}]\napp_secret_file = \"{secret}\"\nverify_token_file = \"{word}\"\ntoken_file = \"{token}\"\napi = \"{api}\"\n"
        )
    };
    let meta = ["whatsapp", "instagram", "facebook"].map(meta).concat();
    let (bots, port, user) = (telegram.url(), post.address().port(), fake::Smtp::USER);
    format!(
        "{meta}[telegram]\ntoken_file = \"{bot}\"\napi = \"{bots}\"\n\
         [email]\naddress = \"{OURS}\"\nlmtp_listen = \"127.0.0.1:{lmtp}\"\n\
         [email.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nprotection = \"none\"\nuser = \"{user}\"\npassword_file = \"{password}\"\nrequest_ms = 1500\n"
    )
}
