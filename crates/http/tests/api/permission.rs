//! Every role at every endpoint, against the permission table; tokens that are no longer good.

use std::collections::BTreeSet;

use axum::{body::Body, http::Method};
use zholdary_domain::access::Role;
use zholdary_http::permission::{Level, TABLE, Who};

use crate::town::{PARTY, SCRAPER, Town, request};

#[tokio::test]
async fn every_role_gets_at_every_endpoint_what_the_table_says() {
    let mut town = Town::start().await;
    let number = town.file("Яма на Абая — Розыбакиева, правый ряд").await;
    let mut tokens = vec![(Who::Anonymous, String::new())];
    for role in Role::ALL {
        tokens.push((Who::Bearer(role), town.token(role).await));
    }
    tokens.push((Who::Scraper, SCRAPER.to_owned()));
    let mut seen = BTreeSet::new();
    for line in TABLE {
        for (who, token) in &tokens {
            let path = line
                .path
                .replace("{appeal}", &number)
                .replace("{number}", &number)
                .replace("{party}", PARTY)
                .replace("{file}", "zholdary.css")
                .replace("{message}", &"0".repeat(32));
            let post = line.method == Method::POST;
            let mut asked = request(line.method.clone(), token, &path);
            if post {
                asked = asked.header("content-type", "application/json");
            }
            let asked = asked.body(Body::from(if post { "{}" } else { "" })).unwrap();
            // An open stream has no end to wait for.
            let (status, code) = if line.path.ends_with("/changes") {
                let (status, _) = town.listen(asked, 0).await;
                (status.as_u16(), String::new())
            } else {
                let answer = town.ask(asked).await;
                (answer.status.as_u16(), answer.code())
            };
            let what = format!("{} {} as {}: {status} {code}", line.method, line.path, who.code());
            let refused = status == 401 && code != "signature-missing"
                || status == 403 && !matches!(code.as_str(), "challenge-refused" | "not-yours");
            match line.level(*who) {
                Level::Deny if *who == Who::Anonymous => assert_eq!(status, 401, "{what}"),
                Level::Deny => assert_eq!(status, 403, "{what}"),
                _ => assert!(!refused, "{what}"),
            }
            assert!(status != 500 && status != 405, "{what}");
            seen.insert((line.path, line.method.as_str(), status));
        }
    }
    assert!(seen.len() > TABLE.len());
}

#[test]
fn the_table_changes_only_on_purpose() {
    let lines: Vec<_> = TABLE
        .iter()
        .map(|line| {
            let levels: Vec<_> =
                Who::ALL.iter().map(|who| format!("{}={:?}", who.code(), line.level(*who))).collect();
            format!("{} {}: {}", line.method, line.path, levels.join(" "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn what_is_personal_is_shown_to_nobody_who_may_not_see_it() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let body = serde_json::json!({
        "text": "Яма у дома Сатпаева 777, канарейкино слово",
        "contact": "+77019998877",
    });
    let filed = town.post("", "/api/v1/appeals", &body).await.expect(202).json();
    town.settle().await;
    let number = filed["number"].as_str().unwrap().to_owned();
    let place = serde_json::json!({ "place": { "names": [], "house": "777", "point": { "lon": 76.928_311, "lat": 43.253_911 } } });
    town.post(&operator, &format!("/api/v1/appeals/{number}/place"), &place).await.expect(202);
    let note = serde_json::json!({ "text": "канарейкино слово" });
    town.post(&operator, &format!("/api/v1/appeals/{number}/note"), &note).await.expect(202);
    town.settle().await;
    let canaries = ["канарейкино", "7019998877", "777,", "\"777\"", "76.928311", "43.253911"];
    let whole = town.get(&operator, &format!("/api/v1/appeals/{number}")).await.expect(200).text();
    for canary in ["канарейкино", "7019998877", "\"777\"", "76.928311", "43.253911"] {
        assert!(whole.contains(canary), "the operator sees {canary}: {whole}");
    }
    let mut shown = 0;
    for who in Who::ALL {
        let Who::Bearer(role) = who else { continue };
        if matches!(role, Role::Operator | Role::Party) {
            continue;
        }
        let token = town.token(role).await;
        for token in ["", &token] {
            for line in TABLE.iter().filter(|line| line.method == Method::GET) {
                for named in [number.as_str(), filed["appeal"].as_str().unwrap()] {
                    let path = line
                        .path
                        .replace("{appeal}", named)
                        .replace("{number}", named)
                        .replace("{party}", "operator")
                        .replace("{file}", "zholdary.css")
                        .replace("{message}", filed["message"].as_str().unwrap());
                    let asked = request(Method::GET, token, &path).body(Body::empty()).unwrap();
                    let text = if line.path.ends_with("/changes") {
                        let mut asked = asked;
                        asked.headers_mut().insert("last-event-id", "0".parse().unwrap());
                        town.listen(asked, 3).await.1.concat()
                    } else {
                        town.ask(asked).await.text()
                    };
                    shown += usize::from(text.contains(&number));
                    for canary in canaries {
                        assert!(!text.contains(canary), "{path} shows {canary} to {}: {text}", who.code());
                    }
                }
            }
        }
    }
    assert!(shown > 10, "the walk saw the appeal {shown} times");
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_opens_nothing() {
    let mut town = Town::asleep().await;
    let operator = town.token(Role::Operator).await;
    let short = town.token_until(Role::Operator, Some("2026-11-20T10:00:00+05:00")).await;
    let gone = town.token(Role::Operator).await;
    town.get(&operator, "/api/v1/appeals").await.expect(200);
    town.get(&short, "/api/v1/appeals").await.expect(200);
    town.revoke(&gone).await;
    town.clock.pass(3600);
    let name = operator.split('_').nth(1).unwrap();
    let another = format!("zh_{name}_{}", "0".repeat(64));
    for token in [short.as_str(), &gone, &another, "zh_nobody_0123456789abcdef", "nonsense"] {
        // Also where everybody may come in without one.
        for path in ["/api/v1/appeals", "/api/v1/report"] {
            let refused = town.get(token, path).await.expect(401);
            assert_eq!(refused.code(), "bad-token");
            assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
        }
    }
    let none = town.get("", "/api/v1/appeals").await.expect(401);
    assert_eq!(
        (none.code().as_str(), none.header("www-authenticate")),
        ("token-needed", Some("Bearer realm=\"zholdary\""))
    );
    let basic =
        axum::http::Request::builder().uri("/").header("authorization", "Basic eDp5").body(Body::empty());
    assert_eq!(town.ask(basic.unwrap()).await.expect(401).code(), "bad-token");
}
