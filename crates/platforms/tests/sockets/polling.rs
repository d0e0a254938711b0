//! Telegram's updates and files.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zholdary_platforms::{Bot, FetchError};
use zholdary_testkit::fake::{self, Answer};

use crate::{BOT_TOKEN, HURRIED, bot_at, check_discreet, class};

async fn ids(bot: &Bot, offset: Option<i64>, wait: Duration) -> Vec<i64> {
    let bytes = bot.updates(offset, wait).await.unwrap();
    let said: Value = serde_json::from_slice(&bytes).unwrap();
    said["result"].as_array().unwrap().iter().map(|update| update["update_id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_offset_confirms_what_is_before_it() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    let bot = bot_at(&telegram.url());
    for id in [7, 8, 9] {
        telegram.push(json!({ "update_id": id }));
    }
    assert_eq!(ids(&bot, None, Duration::ZERO).await, [7, 8, 9]);
    assert_eq!(ids(&bot, None, Duration::ZERO).await, [7, 8, 9], "nothing was confirmed");
    assert_eq!(ids(&bot, Some(9), Duration::ZERO).await, [9]);
    assert_eq!(telegram.pending(), [json!({ "update_id": 9 })]);
    assert_eq!(ids(&bot, Some(10), Duration::ZERO).await, [0; 0]);
    assert!(telegram.requests()[0].says("allowed_updates").is_some());
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_update() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    // The poll may wait, though no other call of this bot may take as long as the update does.
    let bot = crate::bot(&telegram.url(), &HURRIED);
    let wait = Duration::from_secs(30);
    let begun = Instant::now();
    let push = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        telegram.push(json!({ "update_id": 7 }));
    };
    let (ids, ()) = tokio::join!(ids(&bot, None, wait), push);
    assert_eq!(ids, [7]);
    assert!(begun.elapsed() < wait / 2);
}

#[tokio::test]
async fn a_long_poll_without_updates_is_an_empty_answer() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    let begun = Instant::now();
    assert_eq!(ids(&bot_at(&telegram.url()), None, Duration::from_secs(1)).await, [0; 0]);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn who_may_not_poll_is_told() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    let bot = bot_at(&telegram.url());
    let check = async |expected: &str| {
        let outcome = bot.updates(None, Duration::ZERO).await;
        assert_eq!(class(&outcome), expected);
        let _ = outcome.inspect_err(|error| check_discreet(error));
    };
    telegram.set_conflict(true);
    check("status 409, code 409").await;
    telegram.set_conflict(false);
    check("done").await;
    telegram.next_to("getUpdates", Answer::TakenThenSilent);
    let outcome = crate::bot(&telegram.url(), &HURRIED).updates(None, Duration::ZERO).await;
    assert_eq!(class(&outcome), "unknown");

    let hook = json!({ "url": "https://zholdary.example/hooks/telegram", "secret_token": "s" });
    bot.call("setWebhook", &hook).await.unwrap();
    assert_eq!(telegram.hook(), Some(("https://zholdary.example/hooks/telegram".to_owned(), "s".to_owned())));
    check("status 409, code 409").await;
    let info = bot.call("getWebhookInfo", &json!({})).await.unwrap();
    assert_eq!(info["url"], "https://zholdary.example/hooks/telegram");
    bot.call("deleteWebhook", &json!({})).await.unwrap();
    check("done").await;
}

#[tokio::test]
async fn the_other_methods_answer() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    let bot = bot_at(&telegram.url());
    let message = json!({ "chat_id": 77, "text": "Сәлем" });
    assert_eq!(bot.call("sendMessage", &message).await.unwrap()["chat"]["id"], 77);
    assert_eq!(telegram.accepted()[0].request.body, message);
    assert_eq!(bot.call("answerCallbackQuery", &json!({ "callback_query_id": "q" })).await.unwrap(), true);
    assert_eq!(bot.call("getMe", &json!({})).await.unwrap()["is_bot"], true);
    assert_eq!(class(&bot.call("banChatMember", &json!({})).await), "status 404, code 404");
    assert_eq!(class(&bot.call("sendMessage", &json!({ "text": "x" })).await), "status 400, code 400");
}

#[tokio::test]
async fn a_file_comes_by_its_id() {
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    let bot = bot_at(&telegram.url());
    telegram.put_file("photo", vec![7; 5000]);
    telegram.put_file("film", vec![7; 21 * 1024 * 1024]);
    let within = Duration::from_secs(10);
    assert_eq!(bot.file("photo", 5000, within).await.unwrap().bytes, vec![7; 5000]);
    let paths: Vec<_> = telegram.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/getFile", "/file/documents/photo"]);

    let check = async |id: &str, limit_bytes: u64, expected: &str| {
        let error = bot.file(id, limit_bytes, within).await.unwrap_err();
        check_discreet(&error);
        assert_eq!(error.to_string(), expected, "{id}");
    };
    check("photo", 4999, "the file is longer than 4999 bytes").await;
    check("film", u64::MAX, "the host refused the file with status 400").await;
    check("nothing", 5000, "the host refused the file with status 400").await;
    telegram.next_to("getFile", Answer::TooMany { retry_after: 3 });
    check("photo", 5000, "the file did not come").await;
    telegram.next_to("getFile", Answer::TakenThenCut);
    check("photo", 5000, "the file did not come").await;
    let url = telegram.url();
    drop(telegram);
    let error = bot_at(&url).file("photo", 5000, within).await.unwrap_err();
    assert!(matches!(error, FetchError::Trouble { .. }), "{error:?}");
    check_discreet(&error);
}
