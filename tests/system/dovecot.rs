//! A real mail server beside ours: dovecot takes the sample letters by LMTP and gives them by IMAP; Python's `smtplib` and `imaplib`
//! are strangers to both. `.ci/run mail` installs what this needs, and starts it as root: dovecot asks for that.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use zholdary_testkit::Told;
use zholdary_tests::told_in;

use crate::{
    channels::{Story, files, folder_like},
    harness::{City, folder, ingest, path, until},
    letters::{OURS, brings, free_port, letter},
};

/// The user of the mailbox: any password lets them in.
const USER: &str = "appeals";

/// A dovecot of its own, with one mailbox.
struct Dovecot {
    folder: TempDir,
    /// Where TLS begins when it is asked for, or never.
    imap: u16,
    /// Where TLS begins at once.
    imaps: u16,
    lmtp: u16,
}

impl Dovecot {
    async fn start() -> Self {
        let folder = folder();
        let at = path(folder.path()).to_owned();
        let (imap, imaps, lmtp) = (free_port(), free_port(), free_port());
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, certificate.cert.pem()).unwrap();
        std::fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
        let mail = folder.path().join("mail");
        std::fs::create_dir(&mail).unwrap();
        for (program, args) in [("chmod", ["755", &at]), ("chown", ["mail:mail", path(&mail)])] {
            assert!(
                Command::new(program).args(args).status().unwrap().success(),
                "{program}: this needs root"
            );
        }
        let config = format!(
            "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/dovecot.log\nprotocols = imap lmtp\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{cert}\nssl_key = <{key}\ndisable_plaintext_auth = no\ndefault_internal_user = dovecot\ndefault_login_user = dovenull\n\
             mail_location = maildir:{at}/mail/%n\nmail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 1\n\
             passdb {{\n driver = static\n args = nopassword=y\n}}\n\
             userdb {{\n driver = static\n args = uid=mail gid=mail home={at}/mail/%n\n}}\n\
             service imap-login {{\n inet_listener imap {{\n  port = {imap}\n }}\n inet_listener imaps {{\n  port = {imaps}\n  ssl = yes\n }}\n}}\n\
             service lmtp {{\n inet_listener lmtp {{\n  address = 127.0.0.1\n  port = {lmtp}\n }}\n}}\n",
            cert = path(&cert),
            key = path(&key),
        );
        let file = folder.path().join("dovecot.conf");
        std::fs::write(&file, config).unwrap();
        let begun = Command::new("dovecot").args(["-c", path(&file)]).status();
        let begun = begun.expect("dovecot is installed: `bash .ci/run mail` does that");
        assert!(begun.success(), "dovecot starts as root");
        until("dovecot listens", async || {
            for port in [imap, imaps, lmtp] {
                if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                    return false;
                }
            }
            true
        })
        .await;
        Self { folder, imap, imaps, lmtp }
    }

    /// A letter comes into the mailbox, from whom its `Return-Path` names.
    fn delivers(&self, raw: &[u8]) {
        let text = String::from_utf8_lossy(raw);
        let sender = text.lines().find_map(|line| line.strip_prefix("Return-Path: <")?.split('>').next());
        let answers = brings(self.lmtp, sender.unwrap_or("asel@example.org"), &[USER], raw);
        assert!(answers.len() == 1 && answers[0].starts_with("250"), "{answers:?}");
    }

    /// Runs lines of Python with the mailbox open in `m`; what they print.
    fn python(&self, lines: &str) -> String {
        let open = format!(
            "import imaplib\nm = imaplib.IMAP4('127.0.0.1', {})\nm.login('{USER}', 'x')\nm.select('INBOX')\n",
            self.imap
        );
        python(&format!("{open}{lines}\nm.logout()\n"))
    }

    fn settings(&self, data: &Path, protection: &str, poll_seconds: u64) -> String {
        let password = data.join("imap.password");
        std::fs::write(&password, "any").unwrap();
        let file = data.join("settings.toml");
        let settings = format!(
            "[email]\naddress = \"{OURS}\"\nauthserv_id = \"mail.zholdary.example\"\n\
             [email.imap]\nhost = \"localhost\"\nport = {}\nprotection = \"{protection}\"\nuser = \"{USER}\"\n\
             ca_file = \"{}\"\npassword_file = \"{}\"\npoll_seconds = {poll_seconds}\n",
            if protection == "tls" { self.imaps } else { self.imap },
            path(&self.folder.path().join("cert.pem")),
            path(&password),
        );
        std::fs::write(&file, settings).unwrap();
        path(&file).to_owned()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let process = std::fs::read_to_string(self.folder.path().join("run/master.pid")).unwrap_or_default();
        let _ = Command::new("kill").arg(process.trim()).status();
    }
}

fn python(lines: &str) -> String {
    let out = Command::new("python3").args(["-c", lines]).stdin(Stdio::null()).output().expect("python3");
    assert!(out.status.success(), "{lines}\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8").trim().to_owned()
}

async fn up(data: &Path, settings: &str) -> City {
    let mut city = City::start(&["up", "--config", settings, "--data", path(data)]);
    until("it is ready", async || city.get("/readyz").await.0 == 200).await;
    city.speak_as(data, "operator").await;
    city
}

/// Waits until this process has taken so many letters.
async fn until_taken(city: &City, count: usize) {
    until(&format!("{count} letters are taken in"), async || {
        city.scrape("zholdary_intake_deliveries_total{channel=\"email\",outcome=\"taken\"}").await
            >= count as f64
    })
    .await;
    city.idle().await;
}

async fn told(city: City, data: &Path) -> Told {
    assert!(city.stop().await.success());
    told_in(data).await
}

#[tokio::test]
async fn letters_of_a_real_mailbox_tell_the_same_story_as_those_of_files() {
    let (alone, files) = (folder(), files("email"));
    ingest(alone.path(), "email", &files);
    let expected = Story::of(&told_in(alone.path()).await);
    let (letters, seeds): (Vec<_>, Vec<_>) =
        files.iter().cloned().partition(|file| file.extension().is_some_and(|extension| extension == "eml"));
    let dovecot = Dovecot::start().await;
    let data = folder_like(alone.path());
    ingest(data.path(), "email", &seeds);
    let settings = dovecot.settings(data.path(), "tls", 1);
    let mut city = up(data.path(), &settings).await;
    for (n, file) in letters.iter().enumerate() {
        dovecot.delivers(&std::fs::read(file).unwrap());
        // Killed with the letter before it on its way, or just taken.
        if n % 4 == 3 {
            city.kill();
            city = up(data.path(), &settings).await;
        }
    }
    until("all are read", async || read_up_to(data.path()) >= letters.len() as u64).await;
    city.idle().await;
    assert_eq!(Story::of(&told(city, data.path()).await), expected);
    // Every letter once more.
    let city = up(data.path(), &settings).await;
    for file in &letters {
        dovecot.delivers(&std::fs::read(file).unwrap());
    }
    until_taken(&city, letters.len()).await;
    assert_eq!(Story::of(&told(city, data.path()).await), expected, "brought twice");
    // The mark is lost, and the mailbox is read from its beginning.
    std::fs::remove_file(data.path().join("workers.db")).unwrap();
    let city = up(data.path(), &settings).await;
    until_taken(&city, 2 * letters.len()).await;
    assert_eq!(Story::of(&told(city, data.path()).await), expected, "read twice");
    let flags = dovecot.python("print(b''.join(m.fetch('1:*', '(FLAGS)')[1]).decode())");
    assert!(
        !flags.contains("\\Seen") && !flags.contains("\\Deleted"),
        "nothing in the mailbox changed: {flags}"
    );
}

/// The number up to which the mailbox was read, as it is kept.
fn read_up_to(data: &Path) -> u64 {
    let lines = format!(
        "import json, sqlite3\nrow = sqlite3.connect('file:{}?mode=ro', uri=True).execute(\"SELECT said FROM checkpoint WHERE worker = 'mailbox'\").fetchone()\nprint(json.loads(row[0])['last'] if row else 0)",
        path(&data.join("workers.db"))
    );
    python(&lines).parse().expect("a number")
}

#[tokio::test]
async fn a_server_that_tells_is_not_waited_for_and_nothing_else_of_a_letter_counts() {
    let (dovecot, data) = (Dovecot::start().await, folder());
    for n in 1..=3 {
        dovecot.delivers(&letter(&format!("<d{n}@example.org>"), "hole", "", &format!("Яма на Абая {n}")));
    }
    // Somebody opened the first, and threw the second away.
    dovecot.python("m.store('1', '+FLAGS', '\\\\Seen')\nm.store('2', '+FLAGS', '\\\\Deleted')");
    // So long a wait is none: whatever comes in time was told.
    let settings = dovecot.settings(data.path(), "starttls", 300);
    let city = up(data.path(), &settings).await;
    until_taken(&city, 2).await;
    dovecot.delivers(&letter("<d4@example.org>", "hole", "", "Яма на Абая 4"));
    until_taken(&city, 3).await;
    let log = told(city, data.path()).await;
    log.check();
    let ids: Vec<String> = log.together().into_iter().flatten().collect();
    assert_eq!(ids, ["<d1@example.org>", "<d3@example.org>", "<d4@example.org>"]);
}

#[tokio::test]
async fn a_mailbox_that_numbers_its_letters_anew_is_read_anew() {
    let (dovecot, data) = (Dovecot::start().await, folder());
    let settings = dovecot.settings(data.path(), "none", 1);
    dovecot.delivers(&letter("<v1@example.org>", "hole", "", "Яма на Абая 1"));
    let city = up(data.path(), &settings).await;
    until_taken(&city, 1).await;
    assert!(city.stop().await.success());
    let before = dovecot.python("print(m.response('UIDVALIDITY')[1][0].decode())");
    dovecot.python("m.create('old')\nm.copy('1', 'old')\nm.select('old')\nm.delete('INBOX')");
    let _ = std::fs::remove_file(dovecot.folder.path().join(format!("mail/{USER}/dovecot-uidlist")));
    for file in ["dovecot.index", "dovecot.index.log", "dovecot.index.cache"] {
        let _ = std::fs::remove_file(dovecot.folder.path().join(format!("mail/{USER}/{file}")));
    }
    // Numbers are made of seconds there.
    until("it numbers anew", async || {
        let _ = std::fs::remove_file(dovecot.folder.path().join(format!("mail/{USER}/dovecot-uidlist")));
        dovecot.python("print(m.response('UIDVALIDITY')[1][0].decode())") != before
    })
    .await;
    dovecot.delivers(&letter("<v2@example.org>", "hole", "", "Яма на Абая 2"));
    let city = up(data.path(), &settings).await;
    until_taken(&city, 2).await;
    let log = told(city, data.path()).await;
    log.check();
    assert_eq!(log.together().len(), 2);
}

#[tokio::test]
async fn the_letters_of_a_foreign_client_are_taken_by_lmtp() {
    let (data, port) = (folder(), free_port());
    let file = data.path().join("settings.toml");
    let settings =
        format!("[email]\naddress = \"{OURS}\"\nlmtp_listen = \"127.0.0.1:{port}\"\nletter_bytes = 100000\n");
    std::fs::write(&file, settings).unwrap();
    let city = up(data.path(), path(&file)).await;
    let told_to = python(&format!(
        r#"
import smtplib
from email.message import EmailMessage
def letter(n, text):
    m = EmailMessage()
    m['From'], m['To'], m['Subject'], m['Message-ID'] = 'Асель <asel@example.org>', '{OURS}', 'Яма', f'<p{{n}}@example.org>'
    m.set_content(text)
    return m
s = smtplib.LMTP('127.0.0.1', {port})
print(s.send_message(letter(1, 'Яма на Абая 1\n.\n..\n'), 'asel@example.org', ['{OURS}', 'nobody@zholdary.example']))
print(s.send_message(letter(1, 'Яма на Абая 1\n.\n..\n'), 'asel@example.org', ['{OURS}']))
try:
    s.send_message(letter(2, 'x' * 200000), 'asel@example.org', ['{OURS}'])
except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused) as e:
    print(type(e).__name__)
print(s.send_message(letter(3, 'Яма на Абая 3'), 'asel@example.org', ['{OURS}']))
s.quit()
"#
    ));
    let lines: Vec<&str> = told_to.lines().collect();
    assert_eq!(lines.len(), 4, "{told_to}");
    assert!(lines[0].contains("nobody@zholdary.example") && lines[0].contains("550"), "{told_to}");
    assert_eq!((lines[1], lines[3]), ("{}", "{}"), "{told_to}");
    assert_eq!(lines[2], "SMTPSenderRefused", "{told_to}");
    until_taken(&city, 3).await;
    let log = told(city, data.path()).await;
    log.check();
    let ids: Vec<String> = log.together().into_iter().flatten().collect();
    assert_eq!(ids, ["<p1@example.org>", "<p3@example.org>"]);
    let text = log.message("<p1@example.org>").1;
    assert_eq!(text.content().unwrap().text.as_ref().unwrap().reveal(), "Яма на Абая 1\n.\n..");
}
