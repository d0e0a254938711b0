//! `/hooks/…`: who delivers first, nothing lost, nothing crashed.

use axum::{body::Body, http::Method};
use zholdary_testkit::{samples, sign};

use crate::town::{Answer, SECRET_TOKEN, Town, VERIFY_TOKEN, request};

async fn deliver(town: &Town, body: Vec<u8>, signature: Option<&str>) -> Answer {
    let mut post = request(Method::POST, "", "/hooks/whatsapp").header("content-type", "application/json");
    if let Some(signature) = signature {
        post = post.header("x-hub-signature-256", signature);
    }
    town.ask(post.body(Body::from(body)).unwrap()).await
}

async fn stored(town: &Town) -> u64 {
    town.log.head().await.unwrap().0
}

#[tokio::test]
async fn the_challenge_is_answered_to_who_knows_the_word() {
    let town = Town::asleep().await;
    let word = VERIFY_TOKEN.replace(' ', "%20");
    let check = |query: String, status: u16, body: &'static str| {
        let town = &town;
        async move {
            let answer = town.get("", &format!("/hooks/whatsapp?{query}")).await.expect(status);
            if status == 200 {
                assert_eq!(answer.text(), body);
                assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            } else {
                assert_eq!(answer.code(), body);
            }
        }
    };
    check(format!("hub.mode=subscribe&hub.verify_token={word}&hub.challenge=1158201444"), 200, "1158201444")
        .await;
    check("hub.mode=subscribe&hub.verify_token=x&hub.challenge=1".into(), 403, "challenge-refused").await;
    check(format!("hub.mode=other&hub.verify_token={word}&hub.challenge=1"), 403, "challenge-refused").await;
    check(String::new(), 403, "challenge-refused").await;
}

#[tokio::test]
async fn only_signed_bytes_are_stored() {
    let town = Town::asleep().await;
    let before = stored(&town).await;
    let body = samples::whatsapp("01").to_vec();
    let good = samples::signature("01_text_pothole_ru.json");

    assert_eq!(deliver(&town, body.clone(), None).await.expect(401).code(), "signature-missing");
    let wrong = sign("another secret", &body);
    assert_eq!(deliver(&town, body.clone(), Some(&wrong)).await.expect(403).code(), "signature-wrong");
    assert_eq!(deliver(&town, b"{}".to_vec(), Some(&good)).await.expect(403).code(), "signature-wrong");
    let garbage = vec![b'x'; 5 << 20];
    let signed = sign(samples::APP_SECRET, &garbage);
    assert_eq!(deliver(&town, garbage.clone(), Some(&signed)).await.expect(413).code(), "too-large");
    assert_eq!(deliver(&town, garbage, None).await.expect(413).code(), "too-large");
    assert_eq!(stored(&town).await, before, "nothing of it was stored");

    deliver(&town, body.clone(), Some(&good)).await.expect(200);
    let after = stored(&town).await;
    assert!(after > before);
    deliver(&town, body, Some(&good)).await.expect(200);
    assert_eq!(stored(&town).await, after, "delivered again, nothing is new");
}

#[tokio::test]
async fn what_does_not_read_is_kept_and_answered_with_200() {
    let town = Town::asleep().await;
    let whole = samples::whatsapp("01");
    let unknown = br#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"brand_new","value":{}}]}]}"#;
    for body in [&whole[..whole.len() / 2], b"", b"\xff\xfe", unknown.as_slice(), samples::whatsapp("16")] {
        let signed = sign(samples::APP_SECRET, body);
        deliver(&town, body.to_vec(), Some(&signed)).await.expect(200);
    }
    let raw = town.intake.raw();
    let mut kept = vec![];
    for one in raw.kept(0, 100).await.unwrap() {
        kept.push((raw.get(&one.raw).await.unwrap().unwrap().to_vec(), one.why));
    }
    let no_json = |body: &[u8]| (body.to_vec(), "not the JSON of a webhook".to_owned());
    let expected = [no_json(&whole[..whole.len() / 2]), no_json(b""), no_json(b"\xff\xfe")];
    assert_eq!(kept, expected, "these wait for a person, and nothing else");
    // And the next one is taken as if nothing had been.
    let good = samples::signature("02_text_kk.json");
    deliver(&town, samples::whatsapp("02").to_vec(), Some(&good)).await.expect(200);
}

#[tokio::test]
async fn a_hook_without_settings_says_which_are_missing() {
    let town = Town::with(|config| config.hooks.whatsapp = None, false).await;
    let answer = deliver(&town, b"{}".to_vec(), Some("sha256=00")).await.expect(404);
    assert_eq!(answer.code(), "hook-not-configured");
    assert!(answer.json()["detail"].as_str().unwrap().contains("whatsapp.app_secret_file"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("ZHOLDARY_WHATSAPP_APP_SECRET"));
    assert_eq!(town.get("", "/hooks/whatsapp").await.expect(404).code(), "hook-not-configured");
}

#[tokio::test]
async fn a_signed_message_becomes_a_numbered_appeal() {
    let mut town = Town::start().await;
    let good = samples::signature("01_text_pothole_ru.json");
    deliver(&town, samples::whatsapp("01").to_vec(), Some(&good)).await.expect(200);
    town.settle().await;
    let operator = town.token(zholdary_domain::access::Role::Operator).await;
    let list = town.get(&operator, "/api/v1/appeals?channel=whatsapp").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["number"], "Z-2026-000001");
}

#[tokio::test]
async fn while_the_log_is_out_of_reach_the_platform_is_asked_to_come_again() {
    let town = Town::asleep().await;
    let before = stored(&town).await;
    let good = samples::signature("01_text_pothole_ru.json");
    town.faulty.unavailable(1);
    let later = deliver(&town, samples::whatsapp("01").to_vec(), Some(&good)).await.expect(503);
    assert_eq!((later.code().as_str(), later.header("retry-after")), ("log-unavailable", Some("5")));
    // A lost answer is asked about, and the message is stored once.
    town.faulty.lose_answers(1);
    deliver(&town, samples::whatsapp("01").to_vec(), Some(&good)).await.expect(200);
    assert_eq!(stored(&town).await, before + 1);
}

async fn post(town: &Town, path: &str, proof: (&str, &str), body: &[u8]) -> Answer {
    let post = request(Method::POST, "", path).header("content-type", "application/json");
    town.ask(post.header(proof.0, proof.1).body(Body::from(body.to_vec())).unwrap()).await
}

#[tokio::test]
async fn every_platform_of_meta_has_its_hook() {
    let town = Town::asleep().await;
    for channel in ["instagram", "facebook"] {
        let path = format!("/hooks/{channel}");
        let query =
            format!("hub.mode=subscribe&hub.verify_token={}&hub.challenge=7", VERIFY_TOKEN.replace(' ', "+"));
        assert_eq!(town.get("", &format!("{path}?{query}")).await.expect(200).text(), "7");
        let body = samples::one(channel, "01");
        let before = stored(&town).await;
        let wrong = sign("another secret", &body);
        let refused = post(&town, &path, ("x-hub-signature-256", &wrong), &body).await.expect(403);
        assert_eq!(refused.code(), "signature-wrong");
        assert_eq!(stored(&town).await, before);
        let good = sign(samples::APP_SECRET, &body);
        for _ in 0..2 {
            post(&town, &path, ("x-hub-signature-256", &good), &body).await.expect(200);
        }
        assert_eq!(stored(&town).await, before + 1, "{channel}: one message, however often it comes");
    }
}

#[tokio::test]
async fn telegram_delivers_with_its_token() {
    const HEADER: &str = "x-telegram-bot-api-secret-token";
    let town = Town::asleep().await;
    let body = samples::one("telegram", "02");
    let before = stored(&town).await;
    let without = post(&town, "/hooks/telegram", ("x-other", "1"), &body).await.expect(401);
    assert_eq!(without.code(), "signature-missing");
    let wrong = post(&town, "/hooks/telegram", (HEADER, "another"), &body).await.expect(403);
    assert_eq!(wrong.code(), "signature-wrong");
    assert_eq!(stored(&town).await, before);
    for _ in 0..2 {
        post(&town, "/hooks/telegram", (HEADER, SECRET_TOKEN), &body).await.expect(200);
    }
    post(&town, "/hooks/telegram", (HEADER, SECRET_TOKEN), &body[..50]).await.expect(200);
    assert_eq!(stored(&town).await, before + 1);
    assert_eq!(
        town.intake.raw().kept(0, 10).await.unwrap().len(),
        1,
        "what was cut short waits for a person"
    );
    let town = Town::with(|config| config.hooks.telegram = None, false).await;
    let answer = post(&town, "/hooks/telegram", (HEADER, SECRET_TOKEN), &body).await.expect(404);
    assert!(answer.json()["detail"].as_str().unwrap().contains("ZHOLDARY_TELEGRAM_SECRET_TOKEN"));
}
