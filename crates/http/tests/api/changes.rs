//! The stream of changes: what was missed comes again, nobody hears too much, nobody listens without end.

use axum::{body::Body, http::Method};
use zholdary_domain::access::Role;

use crate::town::{Town, request};

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
    let (status, all) = town.listen(from(&analyst, Some("0")), 6).await;
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
