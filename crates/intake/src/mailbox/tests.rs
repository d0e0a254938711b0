use zholdary_channels::{Ours, email::Mailbox};
use zholdary_domain::SystemClock;
use zholdary_log::{SqliteCheckpoints, SqliteConfig, SqliteLog};
use zholdary_mail::{Login, Password, Protection, Server};
use zholdary_testkit::{
    fake::{self, Held},
    id_key,
};

use super::*;
use crate::{Config, Intake, Metrics, RawConfig, RawFile};

/// A folder with a log, and a mailbox that is read into it.
struct Town {
    folder: tempfile::TempDir,
    intake: Intake,
    mailbox: fake::Imap,
}

/// The largest letter that is read here.
const LETTER_BYTES: usize = 4096;
const DEADLINE: Duration = Duration::from_secs(60);

impl Town {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap());
        let raw = Arc::new(RawFile::open(folder.path(), RawConfig::default()).unwrap());
        let metrics = Metrics::unregistered();
        let intake = Intake::new(log, id_key(), raw, Arc::new(SystemClock), Config::default(), metrics);
        Self { folder, intake, mailbox: fake::Imap::start(7).await }
    }

    fn marks(&self) -> Arc<dyn Marks> {
        Arc::new(SqliteCheckpoints::open(self.folder.path()).unwrap())
    }

    fn reading(&self) -> Reading {
        let server = Server {
            host: "127.0.0.1".into(),
            port: self.mailbox.address().port(),
            protection: Protection::None,
            ca_file: None,
            connect: Duration::from_secs(5),
            command: Duration::from_secs(5),
        };
        let login = Login { user: "roads".into(), password: Password::new("x".into()) };
        let imap = Imap::new(server, login, "INBOX".into());
        let email = Mailbox { address: "roads@zholdary.example".into(), ..Mailbox::default() };
        let letters = Letters::new(Ours { email, ..Ours::default() }, self.intake.clone());
        let rounds = Rounds::new(&Registry::new()).unwrap();
        Reading::new((imap, Duration::from_millis(20)), letters, self.marks(), LETTER_BYTES, rounds)
    }

    /// Reads until the mark is this, then ends; how many bodies wait for a person then.
    async fn until(&self, last: u32, but: &[u32]) -> u64 {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.reading().run(stop.clone()));
        let marks = self.marks();
        let until = tokio::time::Instant::now() + DEADLINE;
        loop {
            let said = marks.mark(MARK).await.unwrap();
            let mark = said.map(|said| serde_json::from_slice::<Mark>(&said).unwrap());
            if mark.as_ref().is_some_and(|mark| mark.last == last && mark.but.iter().eq(but)) {
                break;
            }
            assert!(tokio::time::Instant::now() < until, "it stands at {mark:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        task.await.unwrap();
        self.intake.raw().waiting().await.unwrap()
    }

    async fn has(&self, n: u32) -> bool {
        let name = zholdary_domain::inbound::MessageRef {
            channel: zholdary_domain::inbound::Channel::Email,
            account: "roads@zholdary.example".into(),
            external_id: format!("<m{n}@example.org>").into(),
        };
        self.intake.received(name.id(&id_key())).await.unwrap().is_some()
    }
}

fn letter(n: u32, text: &str) -> Vec<u8> {
    format!("From: a@example.org\r\nMessage-ID: <m{n}@example.org>\r\nSubject: hole\r\n\r\n{text}\r\n")
        .into_bytes()
}

#[tokio::test]
async fn one_bad_letter_keeps_none_of_its_neighbours() {
    let town = Town::start().await;
    town.mailbox.put(1, Held::Letter(letter(1, "one")));
    town.mailbox.put(2, Held::Refused);
    town.mailbox.put(3, Held::Letter(b"\xff\xfe no letter at all".to_vec()));
    town.mailbox.put(4, Held::Breaks);
    town.mailbox.put(5, Held::Deleted(letter(5, "thrown away")));
    town.mailbox.put(7, Held::Letter(letter(7, &"x".repeat(LETTER_BYTES))));
    town.mailbox.put(8, Held::Longer(letter(8, &"x".repeat(LETTER_BYTES))));
    town.mailbox.put(9, Held::Letter(letter(9, "nine")));
    let waiting = town.until(9, &[2, 4]).await;
    assert_eq!(waiting, 3, "what is no letter, and the beginnings of two that are too large");
    let mut read = Vec::new();
    for n in 1..=9 {
        if town.has(n).await {
            read.push(n);
        }
    }
    assert_eq!(read, [1, 9]);
    assert!(
        town.mailbox.asked().iter().all(|asked| !asked.contains("STORE") && !asked.contains("BODY[")),
        "nothing changes in the mailbox"
    );
    // The server mends what it could not give.
    town.mailbox.put(2, Held::Letter(letter(2, "two")));
    town.mailbox.put(4, Held::Letter(letter(4, "four")));
    town.until(9, &[]).await;
    assert!(town.has(2).await && town.has(4).await);
}

#[tokio::test]
async fn what_was_read_is_not_asked_for_again_unless_numbers_changed() {
    let town = Town::start().await;
    town.mailbox.put(5, Held::Letter(letter(5, "five")));
    town.until(5, &[]).await;
    let bodies =
        |town: &Town| town.mailbox.asked().iter().filter(|asked| asked.contains("BODY.PEEK[]")).count();
    assert_eq!(bodies(&town), 1);
    town.mailbox.put(6, Held::Letter(letter(6, "six")));
    town.until(6, &[]).await;
    assert_eq!(bodies(&town), 2);
    // Another folder under the same name: its first letter has a number that was passed.
    town.mailbox.set_validity(8);
    town.mailbox.put(7, Held::Letter(letter(7, "seven")));
    town.until(7, &[]).await;
    assert_eq!((bodies(&town), town.has(7).await), (5, true));
}
