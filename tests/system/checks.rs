//! `zholdary channel check`: what a platform says of us, and what to do about it.

use serde_json::Value;
use zholdary_testkit::fake;

use crate::harness::{folder, path, run};

/// What is looked at, how it is, whether something is to be done.
fn check(channel: &str, settings: &str) -> (bool, Vec<(String, String, bool)>) {
    let data = folder();
    let file = data.path().join("settings.toml");
    std::fs::write(&file, settings.replace("DIR", path(data.path()))).unwrap();
    for (name, text) in [
        ("good", fake::Graph::TOKEN),
        ("bad", "another"),
        ("bot", BOT),
        ("word", "a word"),
        ("post", fake::Smtp::PASSWORD),
    ] {
        std::fs::write(data.path().join(name), text).unwrap();
    }
    let checked = run(&["channel", "check", channel, "--config", path(&file), "--json"]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(
        [fake::Graph::TOKEN, BOT, fake::Smtp::PASSWORD].iter().all(|secret| !said.contains(secret)),
        "a secret is printed: {said}"
    );
    let found: Value = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("no JSON: {said} {}", String::from_utf8_lossy(&checked.stderr)));
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let found = found.as_array().unwrap().iter();
    let found = found.map(|f| (text(&f["what"]), text(&f["is"]), !f["remedy"].is_null())).collect();
    (checked.status.success(), found)
}

const BOT: &str = "7000000001:FAKE-TOKEN";

fn found(of: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    of.iter().map(|(what, is, wants)| ((*what).to_owned(), (*is).to_owned(), *wants)).collect()
}

#[tokio::test]
async fn a_platform_is_asked_whether_it_knows_us() {
    let graph = fake::Graph::start().await;
    let meta = |token: &str, more: &str| {
        format!(
            "[whatsapp]\napp_secret_file = \"DIR/word\"\nverify_token_file = \"DIR/word\"\ntoken_file = \"DIR/{token}\"
             api = \"{}\"\n[whatsapp.accounts]\n{more}",
            graph.url()
        )
    };
    let ours = "businesses = [\"104\"]\naddresses = [\"118\"]\n";
    let known = [
        ("hook", "its secrets are given", false),
        ("token", "given", false),
        ("account", "118: the platform calls it «Zholdary»", false),
    ];
    let deaf = [&known[..], &[("subscription", "104 tells no app", true)]].concat();
    assert_eq!(check("whatsapp", &meta("good", ours)), (false, found(&deaf)));
    graph.subscribe("104");
    let well = [&known[..], &[("subscription", "104 tells our app of what comes in", false)]].concat();
    assert_eq!(check("whatsapp", &meta("good", ours)), (true, found(&well)));
    let (is_well, bad) = check("whatsapp", &meta("bad", ours));
    assert!(!is_well && bad[2].1.contains("does not know the token (190)"), "{bad:?}");
    let (is_well, nobody) = check("whatsapp", &meta("good", ""));
    assert!(!is_well && nobody[2].0 == "accounts", "{nobody:?}");
    let (is_well, nothing) = check("instagram", "");
    assert!(!is_well && nothing.iter().all(|(.., wants)| *wants), "{nothing:?}");
    let away = meta("good", ours).replace(&graph.url(), "http://127.0.0.1:9");
    let (is_well, away) = check("whatsapp", &away);
    assert!(!is_well && away[2].1.contains("cannot be reached"), "{away:?}");
}

#[tokio::test]
async fn telegram_is_asked_who_gets_its_updates() {
    let telegram = fake::Telegram::start(BOT).await;
    let settings =
        |more: &str| format!("[telegram]\ntoken_file = \"DIR/bot\"\napi = \"{}\"\n{more}", telegram.url());
    let bot = [("token", "given", false), ("bot", "1: @zholdary_bot", false)];
    let asked = [("hook", "updates are asked for", false), ("updates that wait", "0", false)];
    assert_eq!(check("telegram", &settings("")), (true, found(&[&bot[..], &asked].concat())));
    let (is_well, posted) = check("telegram", &settings("secret_token_file = \"DIR/word\"\n"));
    assert!(!is_well && posted[2].1 == "none is set", "{posted:?}");
    let (is_well, other) = check("telegram", &settings("bot = \"7\"\n"));
    assert!(!is_well && other[1].2, "{other:?}");
    for (name, expected) in [("@Zholdary_Bot", true), ("zholdary_test_bot", false)] {
        let (is_well, told) = check("telegram", &settings(&format!("name = \"{name}\"\n")));
        assert_eq!((is_well, told[1].2), (expected, !expected), "{name}: {told:?}");
    }
}

#[tokio::test]
async fn the_mail_servers_are_asked_whether_they_know_us() {
    let post = fake::Smtp::start().await;
    let smtp = |password: &str| {
        format!(
            "[email]\naddress = \"roads@zholdary.example\"\nlmtp_listen = \"127.0.0.1:2424\"\n[email.smtp]\nhost = \"127.0.0.1\"\n\
             port = {}\nprotection = \"none\"\nuser = \"{}\"\npassword_file = \"DIR/{password}\"\n",
            post.address().port(),
            fake::Smtp::USER,
        )
    };
    let (is_well, told) = check("email", &smtp("post"));
    let of = |told: &[(String, String, bool)], what: &str| {
        told.iter().find(|(of, ..)| of == what).cloned().unwrap()
    };
    assert_eq!(of(&told, "smtp"), found(&[("smtp", "it answers without TLS, it knows us", false)])[0]);
    assert!(
        of(&told, "lmtp").1.contains("127.0.0.1:2424") && !is_well,
        "the sender check wants doing: {told:?}"
    );
    let (is_well, _) = check(
        "email",
        &smtp("post").replace("[email]\n", "[email]\nauthserv_id = \"mail.zholdary.example\"\n"),
    );
    assert!(is_well);
    let (_, bad) = check("email", &smtp("bad"));
    assert!(of(&bad, "smtp").1.contains("refused: 535 5.7.8") && of(&bad, "smtp").2, "{bad:?}");
    let away = "[email.imap]\nhost = \"127.0.0.1\"\nport = 9\nprotection = \"none\"\nuser = \"x\"\npassword_file = \"DIR/bad\"\n";
    let (_, away) = check("email", away);
    assert!(of(&away, "imap").1.contains("cannot be reached"), "{away:?}");
    let (is_well, nothing) = check("email", "");
    assert!(!is_well && nothing.iter().all(|(.., wants)| *wants), "{nothing:?}");
}
