//! Refusals in one form, whoever refuses.

use axum::{body::Body, http::Method};
use serde_json::json;
use zholdary_domain::access::Role;

use crate::town::{Town, request};

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let mut town = Town::asleep().await;
    let operator = town.token(Role::Operator).await;
    let mut shown = vec![];
    let get = |path: &str| request(Method::GET, &operator, path).body(Body::empty()).unwrap();
    let post = |path: &str, label: &str, body: &str| {
        request(Method::POST, &operator, path)
            .header("content-type", label)
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let delete = request(Method::DELETE, &operator, "/api/v1/appeals").body(Body::empty()).unwrap();
    let asked = [
        ("an unknown path", get("/api/v1/nowhere")),
        ("another method", delete),
        ("a path that does not read", get("/api/v1/messages/zzz")),
        ("an unknown appeal", get("/api/v1/appeals/Z-2026-999999")),
        ("an unknown message", get(&format!("/api/v1/messages/{}", "0".repeat(32)))),
        ("an unknown query key", get("/api/v1/appeals?colour=red")),
        ("a limit out of range", get("/api/v1/appeals?limit=0")),
        ("a cursor that is none", get("/api/v1/appeals?after=x")),
        ("an unknown column", get("/api/v1/counters?by=weather")),
        ("an unknown party", get("/api/v1/queues/nobody")),
        ("a body without a label", post("/api/v1/appeals", "text/plain", "{}")),
        ("a body that is cut off", post("/api/v1/appeals", "application/json", "{\"text\": \"a")),
        ("a body with more behind it", post("/api/v1/appeals", "application/json", "{\"text\": \"яма\"} x")),
        ("a field of another type", post("/api/v1/appeals", "application/json", "{\"text\": []}")),
        ("an unknown field", post("/api/v1/appeals/Z-2026-000001/close", "application/json", "{\"why\": 1}")),
        ("a missing field", post("/api/v1/appeals/Z-2026-000001/close", "application/json", "{}")),
    ];
    for (what, request) in asked {
        let answer = town.ask(request).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(answer.json()["status"], answer.status.as_u16(), "{what}");
        shown.push(json!({ "when": what, "problem": answer.json() }));
    }
    insta::assert_json_snapshot!(shown);
}

#[tokio::test]
async fn every_answer_has_an_id_and_safe_headers() {
    let town = Town::asleep().await;
    for path in ["/", "/livez", "/nowhere", "/api/v1/appeals", "/assets/zholdary.css"] {
        let answer = town.get("", path).await;
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32), "{path}");
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'self'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let named = |id: &str| {
        let request = request(Method::GET, "", "/livez").header("x-request-id", id);
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(town.ask(named("abc-1")).await.header("x-request-id"), Some("abc-1"));
    assert_ne!(town.ask(named("a b")).await.header("x-request-id"), Some("a b"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let town =
        Town::with(|config| (config.request_timeout_ms, config.position_wait_ms) = (50, 5_000), false).await;
    let asked = request(Method::GET, "", "/api/v1/report").header("zholdary-position", "99999");
    let answer = town.ask(asked.body(Body::empty()).unwrap()).await.expect(503);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("timeout", Some("5")));
}

#[tokio::test]
async fn a_write_that_takes_too_long_may_be_recorded() {
    let mut town =
        Town::with(|config| (config.request_timeout_ms, config.position_wait_ms) = (1_000, 5_000), false)
            .await;
    let operator = town.token(Role::Operator).await;
    let asked = request(Method::POST, &operator, "/api/v1/appeals/Z-2026-000001/accept")
        .header("content-type", "application/json")
        .header("zholdary-position", "99999");
    let answer = town.ask(asked.body(Body::from("{}")).unwrap()).await.expect(503);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("outcome-unknown", Some("5")));
}

#[test]
fn the_log_says_that_it_is_out_of_reach_before_the_request_is_given_up() {
    let limit = zholdary_http::Config::default().request_timeout_ms;
    assert!(limit > zholdary_log::SqliteConfig::default().busy_ms);
    assert!(limit > u64::from(zholdary_intake::RawConfig::default().busy_ms));
}

#[tokio::test]
async fn large_answers_are_packed() {
    let town = Town::asleep().await;
    let asked = request(Method::GET, "", "/api/v1/openapi.json").header("accept-encoding", "gzip");
    let answer = town.ask(asked.body(Body::empty()).unwrap()).await.expect(200);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn health_says_what_is_missing() {
    let town = Town::asleep().await;
    town.get("", "/livez").await.expect(200);
    assert_eq!(town.get("", "/readyz").await.expect(200).json()["ready"], true);
    town.stop.cancel();
    let stopping = town.get("", "/readyz").await.expect(503).json();
    assert_eq!(
        (&stopping["ready"], &stopping["started"], &stopping["log"]),
        (&json!(false), &json!(false), &json!(true))
    );
}

#[tokio::test]
async fn metrics_are_for_who_keeps_the_installation() {
    let mut town = Town::asleep().await;
    let admin = town.token(Role::Admin).await;
    let text = town.get(&admin, "/metrics").await.expect(200).text();
    assert!(text.contains("zholdary_http_requests_total{class=\"5xx\"} 0"), "{text}");
}

#[test]
fn the_paths_of_the_api_change_only_on_purpose() {
    let document: serde_json::Value = serde_json::from_slice(&zholdary_http::openapi_json()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let mut shown = vec![];
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let names = |of: &serde_json::Value, key: &str| {
                let all = of.as_array().into_iter().flatten();
                all.filter_map(|p| p[key].as_str().map(str::to_owned)).collect::<Vec<_>>().join(",")
            };
            let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
            let ways = operation["security"].as_array().expect("it says whether a token is needed");
            let token = if ways.iter().any(|way| *way == json!({})) { "" } else { " token" };
            shown.push(format!(
                "{} {path} ({}) -> {}{token}",
                method.to_uppercase(),
                names(&operation["parameters"], "name"),
                statuses.join(",")
            ));
        }
    }
    shown.sort();
    insta::assert_snapshot!(shown.join("\n"));
}
