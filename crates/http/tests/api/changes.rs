//! The stream of changes: what was missed comes again, nobody hears too much, nobody listens without end.

use std::time::Duration;

use axum::{body::Body, http::Method};
use futures::StreamExt;
use zholdary_domain::access::Role;

use crate::town::{PARTY, Town, request};

fn from(token: &str, last: Option<&str>) -> axum::http::Request<Body> {
    let mut asked = request(Method::GET, token, "/api/v1/changes");
    if let Some(last) = last {
        asked = asked.header("last-event-id", last);
    }
    asked.body(Body::empty()).unwrap()
}

fn ids(pieces: &[String]) -> Vec<u64> {
    pieces.concat().lines().filter_map(|line| line.strip_prefix("id:")?.trim().parse().ok()).collect()
}

#[tokio::test]
async fn a_listener_who_comes_again_misses_nothing() {
    let mut town = Town::start().await;
    let analyst = town.token(Role::Analyst).await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    town.file("Темно на Сатпаева — Байтурсынова").await;
    let (status, all) = town.listen(from(&analyst, Some("0")), 5).await;
    assert_eq!(status.as_u16(), 200);
    let seen = ids(&all);
    assert!(seen.len() >= 4 && seen.windows(2).all(|w| w[0] < w[1]), "{all:?}");
    assert!(all.concat().contains(&number) && !all.concat().contains("Яма"));
    let middle = seen[1];
    let (_, rest) = town.listen(from(&analyst, Some(&middle.to_string())), seen.len() - 2).await;
    assert_eq!(ids(&rest), seen[2..]);
}

#[tokio::test]
async fn an_idle_stream_breathes_and_ends_with_the_process() {
    let mut town = Town::with(|config| config.changes.heartbeat_ms = 20, true).await;
    let analyst = town.token(Role::Analyst).await;
    let (_, pieces) = town.listen(from(&analyst, None), 2).await;
    assert!(pieces.iter().all(|piece| piece.starts_with(": alive")), "{pieces:?}");
    town.stop.cancel();
    let (_, end) = town.listen(from(&analyst, None), 1000).await;
    assert!(end.len() < 1000, "the stream has an end");
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let mut town = Town::with(|config| config.changes.clients_max = 1, false).await;
    let analyst = town.token(Role::Analyst).await;
    assert_eq!(town.get(&analyst, "/api/v1/appeals").await.status.as_u16(), 200);
    let first = tower::ServiceExt::oneshot(town.router(), from(&analyst, None)).await.unwrap();
    let second = town.ask(from(&analyst, None)).await.expect(503);
    assert_eq!((second.code().as_str(), second.header("retry-after")), ("too-many-clients", Some("10")));
    drop(first);
    let (status, _) = town.listen(from(&analyst, None), 0).await;
    assert_eq!(status.as_u16(), 200);
}

/// The first `n` pieces from the beginning, or all that there are.
async fn heard(town: &Town, token: &str, n: usize) -> String {
    town.listen(from(token, Some("0")), n).await.1.concat()
}

#[tokio::test]
async fn nobody_hears_more_than_they_may_read() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let mut others = vec![];
    for role in [Role::Analyst, Role::Partner, Role::Party, Role::Admin] {
        others.push((role, town.token(role).await));
    }
    let number = town.file("Яма на Тимирязева — Манаса").await;
    for to in ["akimat-medeu", PARTY] {
        let body = serde_json::json!({ "to": to, "reason": "x" });
        town.post(&operator, &format!("/api/v1/appeals/{number}/redirect"), &body).await.expect(202);
    }
    let body = serde_json::json!({ "text": "для себя" });
    town.post(&operator, &format!("/api/v1/appeals/{number}/note"), &body).await.expect(202);
    town.settle().await;
    let all = heard(&town, &operator, 200).await;
    for word in ["\"noted\"", "\"token_created\"", "\"understood\"", "queue/akimat-medeu", "\"messages\""] {
        assert!(all.contains(word), "the operator hears of {word}: {all}");
    }
    for (role, token) in &others {
        let some = heard(&town, token, 200).await;
        assert!(some.contains(&number) && some.contains("\"routed\""), "{role:?}: {some}");
        for word in ["\"noted\"", "\"token_created\"", "\"messages\"", "\"tokens\"", "[]"] {
            assert!(!some.contains(word), "{role:?} hears of {word}: {some}");
        }
        if *role != Role::Party {
            assert!(!some.contains("\"understood\""), "{role:?}: {some}");
        }
        // The analyst reads every queue, the party its own.
        let own = some.contains(&format!("queue/{PARTY}"));
        assert_eq!(own, matches!(role, Role::Analyst | Role::Party), "{role:?}: {some}");
        assert_eq!(some.contains("queue/akimat-medeu"), *role == Role::Analyst, "{role:?}: {some}");
    }
}

#[tokio::test]
async fn what_happens_while_the_stream_is_open_is_heard() {
    let mut town = Town::start().await;
    let analyst = town.token(Role::Analyst).await;
    let open = tower::ServiceExt::oneshot(town.router(), from(&analyst, None)).await.unwrap();
    let number = town.file("Яма на Абая — Розыбакиева").await;
    let mut body = open.into_body().into_data_stream();
    let first = tokio::time::timeout(Duration::from_secs(5), body.next()).await.unwrap().unwrap().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(first.contains("\"registered\"") && first.contains(&number), "{first}");
}

#[tokio::test]
async fn more_changes_than_are_read_at_once_all_come() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    let path = format!("/api/v1/appeals/{number}/note");
    for n in 0..230 {
        town.post(&operator, &path, &serde_json::json!({ "text": n.to_string() })).await.expect(202);
    }
    town.settle().await;
    let last = town.log.head().await.unwrap().0;
    let mut body = tower::ServiceExt::oneshot(town.router(), from(&operator, Some("0")))
        .await
        .unwrap()
        .into_body()
        .into_data_stream();
    let mut pieces: Vec<String> = vec![];
    while ids(&pieces).last() != Some(&last) {
        let piece = tokio::time::timeout(Duration::from_secs(5), body.next()).await.expect("a change");
        pieces.push(String::from_utf8(piece.unwrap().unwrap().to_vec()).unwrap());
    }
    let seen = ids(&pieces);
    assert!(seen.len() > 230 && seen.windows(2).all(|w| w[0] < w[1]), "{seen:?}");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let mut town = Town::with(|config| config.changes.heartbeat_ms = 20, false).await;
    let gone = town.token(Role::Analyst).await;
    let short = town.token_until(Role::Analyst, Some("2026-11-20T10:00:00+05:00")).await;
    let mut open = vec![];
    for token in [&gone, &short] {
        open.push(tower::ServiceExt::oneshot(town.router(), from(token, None)).await.unwrap());
    }
    town.revoke(&gone).await;
    town.clock.pass(3600);
    for stream in open {
        let mut body = stream.into_body().into_data_stream();
        let ends = async { while body.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(5), ends).await.expect("the stream ends");
    }
}

#[tokio::test]
async fn one_token_has_so_many_listeners() {
    let mut town = Town::with(|config| config.changes.clients_per_token_max = 2, false).await;
    let analyst = town.token(Role::Analyst).await;
    let other = town.token(Role::Analyst).await;
    let open =
        async |token: &str| tower::ServiceExt::oneshot(town.router(), from(token, None)).await.unwrap();
    let (first, second) = (open(&analyst).await, open(&analyst).await);
    let third = town.ask(from(&analyst, None)).await.expect(503);
    assert_eq!((third.code().as_str(), third.header("retry-after")), ("too-many-clients", Some("10")));
    assert_eq!(open(&other).await.status().as_u16(), 200);
    drop(first);
    assert_eq!(open(&analyst).await.status().as_u16(), 200);
    drop(second);
}

#[tokio::test]
async fn a_busy_stream_ends_with_the_process_too() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    town.file("Яма на Абая — Розыбакиева").await;
    let open = tower::ServiceExt::oneshot(town.router(), from(&operator, Some("0"))).await.unwrap();
    town.stop.cancel();
    let body = axum::body::to_bytes(open.into_body(), 1 << 20).await.unwrap();
    assert!(body.is_empty(), "what is missing comes again after a break");
}

#[tokio::test]
async fn a_party_hears_of_its_own_queue() {
    let mut town = Town::start().await;
    let party = town.token(Role::Party).await;
    let operator = town.token(Role::Operator).await;
    let number = town.file("Яма на Тимирязева — Манаса").await;
    let path = format!("/api/v1/appeals/{number}/redirect");
    for to in ["akimat-medeu", crate::town::PARTY] {
        town.post(&operator, &path, &serde_json::json!({ "to": to, "reason": "x" })).await.expect(202);
    }
    town.settle().await;
    let (_, heard) = town.listen(from(&party, Some("0")), 1).await;
    assert!(heard[0].contains(&format!("queue/{}", crate::town::PARTY)), "{heard:?}");
    let bad = town.ask(from(&party, Some("x"))).await.expect(400);
    assert_eq!(bad.code(), "bad-header");
}
