//! What one call came to.

use std::time::{Duration, Instant};

use axum::{Router, http::StatusCode, routing::post};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use zholdary_platforms::CallError;
use zholdary_testkit::fake::{self, Answer};

use crate::{BOT_TOKEN, HURRIED, PATIENT, PHONE, WORDS, bot_at, check_discreet, class, graph_at, printed};

fn whatsapp() -> Value {
    json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": { "body": WORDS } })
}

const fn error(status: u16, code: i64, subcode: Option<i64>) -> Answer {
    Answer::Error { status, code, subcode }
}

/// Sends one message that meets `answer`, first by Graph and then by Telegram: its class by each, and whether it was taken.
async fn check(answer: Option<Answer>, by_graph: &str, by_telegram: &str, taken: usize) {
    let graph = fake::Graph::start().await;
    let telegram = fake::Telegram::start(BOT_TOKEN).await;
    if let Some(answer) = answer.clone() {
        graph.next(answer.clone());
        telegram.next(answer);
    }
    // Longer than 700 ms nobody waits for one who keeps silent.
    let is_silent =
        matches!(answer, Some(Answer::TakenThenSilent | Answer::Slow(_))) && by_graph == "unknown";
    let config = if is_silent { HURRIED } else { PATIENT };
    let asked = crate::graph(&graph.url(), &config);
    let outcome = asked.post("118920446655001/messages", &whatsapp()).await;
    assert_eq!(class(&outcome), by_graph, "{answer:?}: {outcome:?}");
    let _ = outcome.inspect_err(|error| check_discreet(error));
    let message = json!({ "chat_id": 77, "text": format!("{WORDS}, {PHONE}") });
    let outcome = crate::bot(&telegram.url(), &config).call("sendMessage", &message).await;
    assert_eq!(class(&outcome), by_telegram, "{answer:?}: {outcome:?}");
    let _ = outcome.inspect_err(|error| check_discreet(error));

    assert_eq!((graph.requests().len(), telegram.requests().len()), (1, 1), "{answer:?} was asked twice");
    assert_eq!((graph.accepted().len(), telegram.accepted().len()), (taken, taken), "{answer:?}");
}

#[tokio::test]
async fn each_outcome_has_its_class() {
    check(None, "done", "done", 1).await;
    check(Some(Answer::Slow(Duration::from_millis(200))), "done", "done", 1).await;
    check(Some(Answer::TakenThenSilent), "unknown", "unknown", 1).await;
    check(Some(Answer::TakenThenCut), "unknown", "unknown", 1).await;
    check(Some(Answer::Slow(Duration::from_secs(9))), "unknown", "unknown", 1).await;
    for status in [301, 400, 500, 502, 503] {
        let bare = format!("status {status}");
        check(Some(Answer::Status(status)), &bare, &bare, 0).await;
    }
    let asked = "status 429, code 429, to be asked again in 7 s";
    check(Some(Answer::TooMany { retry_after: 7 }), asked, asked, 0).await;
    let (graph, telegram) = ("status 401, code 190, subcode 463", "status 401, code 190");
    check(Some(error(401, 190, Some(463))), graph, telegram, 0).await;
    let (graph, telegram) = ("status 400, code 131047", "status 400, code 131047");
    check(Some(error(400, 131_047, None)), graph, telegram, 0).await;
    check(Some(Answer::blocked()), "status 403, code 403", "status 403, code 403", 0).await;
    // An error of the platform under the status of success is one all the same.
    check(Some(error(200, 1, None)), "status 200, code 1", "status 200, code 1", 0).await;
}

#[tokio::test]
async fn what_finds_no_platform_was_not_sent() {
    let check = async |url: &str| {
        let begun = Instant::now();
        let outcome = graph_at(url).post("1/messages", &whatsapp()).await;
        assert_eq!(class(&outcome), "not sent", "{url}: {outcome:?}");
        check_discreet(&outcome.unwrap_err());
        let outcome = bot_at(url).call("sendMessage", &json!({ "chat_id": 77, "text": WORDS })).await;
        assert_eq!(class(&outcome), "not sent", "{url}: {outcome:?}");
        check_discreet(&outcome.unwrap_err());
        assert!(begun.elapsed() < Duration::from_secs(60), "{url}");
    };
    let gone = fake::Graph::start().await.url();
    check(&gone).await;
    check("https://nowhere.invalid").await;
    // One that speaks no TLS, and one that says nothing when it is greeted.
    let plain = fake::Graph::start().await;
    check(&plain.url().replace("http:", "https:")).await;
    assert_eq!(plain.requests(), []);
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check(&format!("https://{}", mute.local_addr().unwrap())).await;
}

/// Meets a platform that answers with this and nothing else.
async fn check_said(status: StatusCode, body: String, by_graph: &str, by_telegram: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let said = body.clone();
    let router = Router::new().route("/{*path}", post(async move || (status, said)));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let outcome = graph_at(&url).post("1/messages", &whatsapp()).await;
    assert_eq!(class(&outcome), by_graph, "{status} {body:.20}");
    let outcome = bot_at(&url).call("sendMessage", &json!({ "chat_id": 77, "text": WORDS })).await;
    assert_eq!(class(&outcome), by_telegram, "{status} {body:.20}");
    server.abort();
}

#[tokio::test]
async fn an_answer_that_does_not_read_leaves_it_open() {
    let done = StatusCode::OK;
    check_said(done, String::new(), "unknown", "unknown").await;
    check_said(done, "<html>".to_owned(), "unknown", "unknown").await;
    check_said(done, format!("{{\"result\":\"{}\"}}", "я".repeat(4096)), "unknown", "unknown").await;
    check_said(done, "{}".to_owned(), "done", "unknown").await;
    // A refusal is one whatever came with it.
    let html = "<html>".repeat(2000);
    check_said(StatusCode::BAD_GATEWAY, html.clone(), "status 502", "status 502").await;
    check_said(StatusCode::BAD_REQUEST, html, "status 400", "status 400").await;
    check_said(StatusCode::BAD_REQUEST, "{\"error\":{}}".to_owned(), "status 400", "status 400").await;
}

#[tokio::test]
async fn a_bare_5xx_is_told_from_the_platforms_own() {
    let graph = fake::Graph::start().await;
    for (answer, certain) in
        [(Answer::Status(502), false), (Answer::Status(404), true), (error(500, 131_000, None), true)]
    {
        graph.next(answer.clone());
        match graph_at(&graph.url()).post("1/messages", &whatsapp()).await {
            Err(CallError::Refused(refusal)) => assert_eq!(refusal.is_certain(), certain, "{answer:?}"),
            other => panic!("{answer:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_said_by_nobody() {
    let telegram = fake::Telegram::start("another").await;
    let bot = bot_at(&telegram.url());
    assert!(!format!("{bot:?}").contains("FAKE-bot"), "{bot:?}");
    let outcome = bot.call("getMe", &json!({})).await;
    assert_eq!(class(&outcome), "status 401, code 401");
    assert!(!printed(&outcome.unwrap_err()).contains("FAKE-bot"));
    assert_eq!(telegram.requests()[0].path, "/getMe");
}

#[tokio::test]
async fn graph_takes_what_the_channels_send() {
    let fake = fake::Graph::start().await;
    let graph = graph_at(&fake.url()).with_version("v25.0");
    let messenger = json!({ "recipient": { "id": "9" }, "message": { "text": WORDS } });
    let reply = json!({ "message": WORDS });
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A" });

    let said = graph.post("118920446655001/messages", &whatsapp()).await.unwrap();
    assert_eq!(said["messages"][0]["id"], "wamid.FAKE1");
    assert_eq!(said["contacts"][0]["wa_id"], PHONE);
    let said = graph.post("17841400000001/messages", &messenger).await.unwrap();
    assert_eq!(said, json!({ "recipient_id": "9", "message_id": "m_FAKE2" }));
    for edge in ["replies", "comments", "mentions"] {
        let said = graph.post(&format!("1790/{edge}"), &reply).await.unwrap();
        assert!(said["id"].as_str().unwrap().starts_with("c_FAKE"), "{said}");
    }
    assert_eq!(graph.post("118920446655001/messages", &read).await.unwrap(), json!({ "success": true }));

    let ids: Vec<_> = fake.accepted().into_iter().map(|accepted| accepted.id).collect();
    assert_eq!(ids, ["wamid.FAKE1", "m_FAKE2", "c_FAKE3", "c_FAKE4", "c_FAKE5"]);
    let first = fake.requests().remove(0);
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/v25.0/118920446655001/messages"));
    assert_eq!(first.body, whatsapp());
}

#[tokio::test]
async fn graph_tells_of_mentions_accounts_and_media() {
    let fake = fake::Graph::start().await;
    let graph = graph_at(&fake.url());
    fake.mention("1790", WORDS);
    fake.put_media("55", "image/jpeg", *b"photo");

    let comment = [("fields", "mentioned_comment.comment_id(1790){text,timestamp}")];
    assert_eq!(graph.get("178414", &comment).await.unwrap()["mentioned_comment"]["text"], WORDS);
    let media = [("fields", "mentioned_media.media_id(1790){caption}")];
    assert_eq!(graph.get("178414", &media).await.unwrap()["mentioned_media"]["caption"], WORDS);
    let other = [("fields", "mentioned_media.media_id(1){caption}")];
    assert_eq!(class(&graph.get("178414", &other).await), "status 400, code 100, subcode 33");
    assert_eq!(graph.get("178414", &[("fields", "name")]).await.unwrap()["name"], "Zholdary");

    let link = graph.media("55").await.unwrap();
    assert_eq!(link.url.reveal().as_str(), format!("{}/55/bytes", fake.url()));
    assert_eq!(link.sha256, Some(Sha256::digest(b"photo").into()));
    assert_eq!((link.media_type.as_deref(), link.bytes), (Some("image/jpeg"), Some(5)));
    // An account is no media: the answer names no link.
    assert_eq!(class(&graph.media("178414").await), "unknown");
}
