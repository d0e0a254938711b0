//! The samples by the way they really come: signed posts, and updates that Telegram is asked for. They tell the same story as fed
//! from files.

use std::path::Path;

use serde_json::Value;
use zholdary_testkit::{fake, samples};

use crate::{
    channels::{Story, files, folder_like},
    harness::{City, SETTINGS, folder, ingest, path, until},
};
use zholdary_tests::told_in;

const TOKEN: &str = "7000000001:FAKE-TOKEN";

/// Settings with the hooks of Meta's platforms, and a bot that asks the fake. Nobody is told anything: what is compared is what
/// came in.
fn settings(data: &Path, telegram: &fake::Telegram) -> String {
    let file = |name: &str, text: &str| {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        path(&file).to_owned()
    };
    let (secret, word, token) =
        (file("app.secret", samples::APP_SECRET), file("verify.word", "a word"), file("bot.token", TOKEN));
    let meta = |channel: &str| {
        format!("[{channel}]\napp_secret_file = \"{secret}\"\nverify_token_file = \"{word}\"\n")
    };
    let bot = format!("[telegram]\ntoken_file = \"{token}\"\napi = \"{}\"\n", telegram.url());
    format!("{SETTINGS}{}{}{bot}[delivery]\nstale_hours = 0\n", meta("instagram"), meta("facebook"))
}

/// Telegram has these updates for whoever asks.
fn push(telegram: &fake::Telegram, body: &Value) {
    match body["result"].as_array() {
        Some(updates) => updates.iter().for_each(|update| telegram.push(update.clone())),
        None => telegram.push(body.clone()),
    }
}

#[tokio::test]
async fn what_comes_by_the_platforms_own_ways_tells_the_same_story() {
    let telegram = fake::Telegram::start(TOKEN).await;
    for channel in ["whatsapp", "instagram", "facebook", "telegram"] {
        let (alone, files) = (folder(), files(channel));
        ingest(alone.path(), channel, &files);
        let expected = Story::of(&told_in(alone.path()).await);
        let data = folder_like(alone.path());
        let file = data.path().join("settings.toml");
        std::fs::write(&file, settings(data.path(), &telegram)).unwrap();
        let mut city = City::start(&["up", "--config", path(&file), "--data", path(data.path())]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data.path(), "operator").await;
        for file in &files {
            let raw = std::fs::read(file).unwrap();
            if file.extension().is_some_and(|extension| extension == "jsonl") {
                ingest(data.path(), channel, std::slice::from_ref(file));
            } else if channel == "telegram" {
                push(&telegram, &serde_json::from_slice(&raw).unwrap());
                until("Telegram's updates are taken in", async || telegram.pending().is_empty()).await;
            } else {
                for _ in 0..2 {
                    assert_eq!(city.delivers(channel, &raw).await, 200, "{}", file.display());
                }
            }
            city.idle().await;
        }
        assert!(city.stop().await.success());
        assert_eq!(Story::of(&told_in(data.path()).await), expected, "{channel}");
    }
    let answered =
        telegram.requests().iter().filter(|asked| asked.path.contains("answerCallbackQuery")).count();
    assert_eq!(answered, 1, "the phone's clock stops");
}

/// Killed before Telegram heard that its updates are safe: it gives them again, and nothing is lost or doubled.
#[tokio::test]
async fn updates_that_were_not_confirmed_come_again() {
    let (data, telegram) = (folder(), fake::Telegram::start(TOKEN).await);
    let file = data.path().join("settings.toml");
    std::fs::write(&file, settings(data.path(), &telegram)).unwrap();
    let message = |n: i64| {
        serde_json::json!({ "update_id": 990_000 + n, "message": {
            "message_id": n, "date": 1_795_147_200 + n * 3600, "text": format!("Яма на Абая {n}"),
            "chat": { "id": 5_000_000_900_i64, "type": "private", "first_name": "Х" },
            "from": { "id": 5_000_000_900_i64, "is_bot": false, "first_name": "Х", "language_code": "ru" },
        } })
    };
    for n in 1..=12 {
        telegram.push(message(n));
        let city = City::start(&["up", "--config", path(&file), "--data", path(data.path())]);
        if n % 3 == 0 {
            until("it is taken in", async || telegram.pending().is_empty()).await;
        } else {
            tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(n).unwrap() * 20)).await;
        }
        city.kill();
    }
    let mut city = City::start(&["up", "--config", path(&file), "--data", path(data.path())]);
    city.speak_as(data.path(), "operator").await;
    until("all are taken in", async || telegram.pending().is_empty()).await;
    city.idle().await;
    assert!(city.stop().await.success());
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.together().len(), 12);
}
