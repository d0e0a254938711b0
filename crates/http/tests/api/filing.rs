//! `POST /api/v1/appeals`.

use serde_json::{Value, json};
use zholdary_domain::access::Role;

use crate::town::Town;

const PATH: &str = "/api/v1/appeals";

#[tokio::test]
async fn a_filed_appeal_gets_its_number_at_once() {
    let mut town = Town::start().await;
    let filed =
        town.post("", PATH, &json!({ "text": "Яма на Абая — Розыбакиева, правый ряд" })).await.expect(202);
    let body = filed.json();
    assert_eq!(body["number"], "Z-2026-000001");
    assert_eq!(body["position"], filed.position());
    assert_eq!(body["appeal"].as_str().unwrap().len(), 32);
    // Whoever waits for the position reads what was written.
    let seen =
        town.get("", &format!("/api/v1/messages/{}", body["message"].as_str().unwrap())).await.expect(200);
    assert_eq!(seen.json()["number"], "Z-2026-000001");
    assert_eq!(seen.json()["outcome"], "placed");
    town.settle().await;
    let public = town.get("", "/api/v1/appeals/z-2026-000001").await.expect(200).json();
    assert_eq!(public["number"], "Z-2026-000001");
    assert!(public.get("thread").is_none() && public.get("contact").is_none());
}

#[tokio::test]
async fn without_workers_the_words_are_kept_and_the_number_comes_later() {
    let mut town = Town::asleep().await;
    let body = town.post("", PATH, &json!({ "text": "Темно на Абая" })).await.expect(202).json();
    assert_eq!((&body["appeal"], &body["number"]), (&Value::Null, &Value::Null));
    town.settle().await;
    let seen =
        town.get("", &format!("/api/v1/messages/{}", body["message"].as_str().unwrap())).await.expect(200);
    assert_eq!(seen.json()["outcome"], Value::Null);
}

#[tokio::test]
async fn the_same_key_is_the_same_appeal() {
    let mut town = Town::start().await;
    let first =
        town.post_as("", PATH, Some("k1"), &json!({ "text": "Яма на Абая" })).await.expect(202).json();
    let again =
        town.post_as("", PATH, Some("k1"), &json!({ "text": "Яма на Абая" })).await.expect(202).json();
    assert_eq!(first["message"], again["message"]);
    assert_eq!(first["number"], again["number"]);
    for other in [
        json!({ "text": "Яма на Сатпаева" }),
        json!({ "text": "Яма на Абая", "contact": "+77010000001" }),
        json!({ "text": "Яма на Абая", "point": { "lon": 76.9, "lat": 43.24 } }),
    ] {
        let refused = town.post_as("", PATH, Some("k1"), &other).await.expect(422);
        assert_eq!(
            (refused.code().as_str(), &refused.json()["field"]),
            ("key-reused", &json!("Idempotency-Key"))
        );
    }
    // Another caller's key is another key; an operator's key holds across channels.
    let operator = town.token(Role::Operator).await;
    let theirs =
        town.post_as(&operator, PATH, Some("k1"), &json!({ "text": "Яма на Абая" })).await.expect(202).json();
    assert_ne!(first["message"], theirs["message"]);
    let phone = json!({ "text": "Яма на Абая", "channel": "phone" });
    assert_eq!(town.post_as(&operator, PATH, Some("k1"), &phone).await.expect(422).code(), "key-reused");
    town.settle().await;
    let list = town.get(&operator, PATH).await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_filed_names_the_field() {
    let town = Town::asleep().await;
    let long = "я".repeat(10_001);
    let many = vec!["a.jpg"; 6];
    for (body, code, field) in [
        (json!({ "text": "" }), "bad-field", "text"),
        (json!({}), "bad-field", "text"),
        (json!({ "text": long }), "bad-field", "text"),
        (json!({ "text": "яма", "channel": "phone" }), "bad-field", "channel"),
        (json!({ "text": "яма", "channel": "fax" }), "bad-field", "channel"),
        (json!({ "text": "яма", "contact": " " }), "bad-field", "contact"),
        (json!({ "text": "яма", "photos": many }), "bad-field", "photos"),
        (json!({ "text": "яма", "point": { "lon": 200, "lat": 0 } }), "bad-field", "point"),
        (json!({ "text": "яма", "point": { "lon": 43.238, "lat": 76.889 } }), "bad-field", "point"),
        (json!({ "text": "яма", "point": { "lon": 71.43, "lat": 51.13 } }), "bad-field", "point"),
        (json!({ "text": "яма", "point": { "lon": 76, "lat": 43, "alt": 1 } }), "bad-field", "point.alt"),
        (json!({ "text": "яма", "name": "x" }), "bad-field", "name"),
        (json!({ "text": 7 }), "bad-field", "text"),
    ] {
        let refused = town.post("", PATH, &body).await.expect(422);
        assert_eq!(
            (refused.code().as_str(), refused.json()["field"].as_str()),
            (code, Some(field)),
            "{body}"
        );
    }
    let key = "k".repeat(129);
    let refused = town.post_as("", PATH, Some(&key), &json!({ "text": "яма" })).await.expect(400);
    assert_eq!(refused.code(), "bad-header");
}

#[tokio::test]
async fn who_may_file_under_which_channel() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let partner = town.token(Role::Partner).await;
    for (token, channel, status) in [
        ("", "web", 202),
        ("", "meeting", 422),
        (operator.as_str(), "meeting", 202),
        (operator.as_str(), "instagram_comment", 202),
        (partner.as_str(), "open311", 202),
        (partner.as_str(), "phone", 422),
    ] {
        let body = json!({ "text": "Яма на Абая", "channel": channel });
        town.post(token, PATH, &body).await.expect(status);
    }
}

#[tokio::test]
async fn two_at_once_under_one_key_are_one_appeal_or_one_refusal() {
    let town = Town::start().await;
    let yama = json!({ "text": "Яма на Абая" });
    let (a, b) =
        tokio::join!(town.post_as("", PATH, Some("r"), &yama), town.post_as("", PATH, Some("r"), &yama));
    assert_eq!(a.expect(202).json()["message"], b.expect(202).json()["message"]);
    let other = json!({ "text": "Темно на Сатпаева" });
    let (a, b) =
        tokio::join!(town.post_as("", PATH, Some("s"), &yama), town.post_as("", PATH, Some("s"), &other));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 422]);
}

#[tokio::test]
async fn while_the_log_is_out_of_reach_nothing_is_promised() {
    let town = Town::asleep().await;
    town.faulty.unavailable(1);
    let refused = town.post("", PATH, &json!({ "text": "Яма на Абая" })).await.expect(503);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("log-unavailable", Some("5")));
}
