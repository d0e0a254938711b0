//! Lists, filters, pages, positions, moments.

use std::collections::BTreeSet;

use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use zholdary_domain::access::Role;

use crate::town::{Answer, PARTY, Town, request};

fn numbers(list: &Answer) -> Vec<String> {
    let items = list.json()["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|i| i["number"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let mut filed = vec![];
    for text in [
        "Яма на Абая — Розыбакиева",
        "Открытый люк на Сатпаева — Байтурсынова",
        "Темно на Абая, не горят фонари",
        "ыва олд",
    ] {
        filed.push(town.file(text).await);
    }
    let all = town.get(&operator, "/api/v1/appeals").await.expect(200);
    assert_eq!(numbers(&all), filed.iter().rev().cloned().collect::<Vec<_>>());
    let mut pages = vec![];
    let mut after = String::new();
    loop {
        let page = town.get(&operator, &format!("/api/v1/appeals?limit=3{after}")).await.expect(200);
        pages.extend(numbers(&page));
        match page.json()["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(pages, numbers(&all));
    let every = numbers(&all);
    for (query, expected) in [
        ("state=danger", vec![filed[1].clone()]),
        ("channel=web", every.clone()),
        ("channel=whatsapp", vec![]),
        ("from=2026-11-21", vec![]),
        ("from=2026-11-20", every.clone()),
        ("to=2026-11-20", every),
        ("to=2026-11-19", vec![]),
        ("q=Z-2026-000002", vec![filed[1].clone()]),
        ("category=manhole_open&channel=web", vec![filed[1].clone()]),
    ] {
        let found = town.get(&operator, &format!("/api/v1/appeals?{query}")).await.expect(200);
        assert_eq!(numbers(&found), expected, "{query}: {}", found.text());
    }
    assert_eq!(numbers(&town.get(&operator, "/api/v1/appeals?q=Z-2026-000002").await).len(), 1);
    // The resident's words are searched by the press centre alone.
    let analyst = town.token(Role::Analyst).await;
    let words = "/api/v1/appeals?q=%D1%84%D0%BE%D0%BD%D0%B0%D1%80%D0%B8"; // «фонари»
    assert_eq!(numbers(&town.get(&operator, words).await.expect(200)).len(), 1);
    assert_eq!(numbers(&town.get(&analyst, words).await.expect(200)).len(), 0);
}

#[tokio::test]
async fn a_filter_that_nothing_can_match_is_refused() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    town.file("Яма на Абая — Розыбакиева").await;
    for (path, field) in [
        ("appeals?from=2026-11-5", "from"),
        ("appeals?to=20.11.2026", "to"),
        ("appeals?to=%2B12026-11-20", "to"),
        ("appeals?from=", "from"),
        ("appeals?from=2026-02-30", "from"),
        ("appeals?state=opne", "state"),
        ("appeals?channel=fax", "channel"),
        ("appeals?channel=instagram,fax", "channel"),
        ("appeals?channel=whatsapp,", "channel"),
        ("appeals?category=potholes", "category"),
        ("appeals?district=nowhere", "district"),
        ("appeals?party=nobody", "party"),
        ("appeals?concerns=nobody", "concerns"),
        ("counters?from=2026-11-5", "from"),
        ("counters?channel=fax", "channel"),
        ("counters?district=nowhere", "district"),
        ("report?to=2026-11-5", "to"),
        ("report?channel=fax", "channel"),
        ("report?district=nowhere", "district"),
    ] {
        let refused = town.get(&operator, &format!("/api/v1/{path}")).await.expect(400);
        let field_said = refused.json()["field"].as_str().map(str::to_owned);
        assert_eq!((refused.code().as_str(), field_said.as_deref()), ("bad-query", Some(field)), "{path}");
    }
    for good in [
        "appeals?state=open",
        "appeals?state=closed",
        "appeals?state=overdue",
        "appeals?state=danger",
        "appeals?state=not_considered",
        "appeals?category=unknown",
        "appeals?district=region",
        "appeals?district=unknown",
        "appeals?district=medeu",
        "appeals?party=operator",
        "counters?from=2026-11-20&to=2026-11-20&channel=web",
        "report?from=2026-11-20&district=unknown",
    ] {
        town.get(&operator, &format!("/api/v1/{good}")).await.expect(200);
    }
}

#[tokio::test]
async fn each_role_sees_of_an_appeal_what_it_may() {
    let mut town = Town::start().await;
    let body = json!({ "text": "Яма на Тимирязева — Манаса, звоните", "contact": "+77010000001" });
    let filed = town.post("", "/api/v1/appeals", &body).await.expect(202).json();
    town.settle().await;
    let number = filed["number"].as_str().unwrap();
    let id = filed["appeal"].as_str().unwrap();
    let by_number = format!("/api/v1/appeals/{number}");
    let by_id = format!("/api/v1/appeals/{id}");
    let operator = town.token(Role::Operator).await;
    let analyst = town.token(Role::Analyst).await;
    let party = town.token(Role::Party).await;
    let partner = town.token(Role::Partner).await;

    let whole = town.get(&operator, &by_id).await.expect(200);
    assert!(whole.text().contains("+77010000001") && whole.text().contains("звоните"));
    for (token, path) in [("", &by_number), (analyst.as_str(), &by_id), (partner.as_str(), &by_number)] {
        let shown = town.get(token, path).await.expect(200).text();
        assert!(!shown.contains("77010000001") && !shown.contains("звоните"), "{shown}");
    }
    assert_eq!(town.get("", &by_id).await.expect(401).code(), "token-needed");
    assert_eq!(town.get(&partner, &by_id).await.expect(403).code(), "forbidden");

    // The party sees it once it is its own, without who wrote.
    let owner = whole.json()["findings"][0]["queue"]["code"].clone();
    if owner != PARTY {
        town.get(&party, &by_number).await.expect(404);
        let redirect = json!({ "to": PARTY, "reason": "улица внутри района" });
        town.post(&operator, &format!("{by_number}/redirect"), &redirect).await.expect(202);
        town.settle().await;
    }
    let own = town.get(&party, &by_number).await.expect(200).text();
    assert!(own.contains("звоните") && !own.contains("77010000001"), "{own}");
    let list = town.get(&party, "/api/v1/appeals").await.expect(200);
    assert_eq!(numbers(&list), [number]);
    assert_eq!(town.get(&party, "/api/v1/appeals?party=operator").await.expect(403).code(), "forbidden");
    let queue = town.get(&party, &format!("/api/v1/queues/{PARTY}")).await.expect(200).json();
    assert_eq!(queue["tasks"][0]["number"], number);
    assert_eq!(town.get(&party, "/api/v1/queues/operator").await.expect(403).code(), "forbidden");
}

#[tokio::test]
async fn a_read_waits_for_the_position_it_names() {
    let mut town = Town::start().await;
    let head = town.settle().await.0;
    let at = |position: String| {
        request(Method::GET, "", "/api/v1/report")
            .header("zholdary-position", position)
            .body(Body::empty())
            .unwrap()
    };
    assert!(town.ask(at(head.to_string())).await.expect(200).position() >= head);
    let early = town.ask(at((head + 1000).to_string())).await.expect(503);
    assert_eq!((early.code().as_str(), early.header("retry-after")), ("position-not-reached", Some("1")));
    assert_eq!(town.ask(at("soon".into())).await.expect(400).code(), "bad-header");
    // What was just written is there for who waits.
    let filed = town.post("", "/api/v1/appeals", &json!({ "text": "Яма на Абая" })).await.expect(202);
    let seen = town.ask(at(filed.position().to_string())).await.expect(200);
    assert_eq!(seen.json()["all"], 1);
}

#[tokio::test]
async fn as_of_answers_while_nothing_has_changed_since() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    let head = town.settle().await.0;
    let reads = [
        "/api/v1/appeals".to_owned(),
        "/api/v1/report".into(),
        "/api/v1/counters?by=day,state".into(),
        format!("/api/v1/appeals/{number}"),
        "/api/v1/queues/operator".into(),
    ];
    let with = |path: &str, moment: &str| {
        format!("{path}{}as_of={moment}", if path.contains('?') { '&' } else { '?' })
    };
    for path in &reads {
        let now = town.get(&operator, path).await.expect(200);
        let then = town.get(&operator, &with(path, &head.to_string())).await.expect(200);
        assert_eq!(now.body, then.body, "{path}");
        let by_time = town.get(&operator, &with(path, "2026-11-20T09:00:00%2B05:00")).await.expect(200);
        assert_eq!(now.body, by_time.body, "{path}");
    }
    assert_eq!(
        town.get(&operator, &with("/api/v1/report", &(head + 1).to_string())).await.expect(409).code(),
        "as-of-beyond-head"
    );
    assert_eq!(
        town.get(&operator, &with("/api/v1/report", "2026-11-20T09:00:01%2B05:00")).await.expect(409).code(),
        "as-of-beyond-head"
    );
    assert_eq!(
        town.get(&operator, &with("/api/v1/report", "yesterday")).await.expect(400).code(),
        "bad-query"
    );
    town.file("Темно на Сатпаева").await;
    let gone = town.get(&operator, &with("/api/v1/appeals", &head.to_string())).await.expect(501);
    assert_eq!(gone.code(), "as-of-not-kept");
    // The first appeal has not changed: it is still answered as of then.
    town.get(&operator, &with(&format!("/api/v1/appeals/{number}"), &head.to_string())).await.expect(200);
}

#[tokio::test]
async fn no_key_of_a_query_is_passed_over() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    let head = town.settle().await.0;
    let one = format!("/api/v1/appeals/{number}");
    let message = format!("/api/v1/messages/{}", "0".repeat(32));
    let reads = ["/api/v1/appeals", "/api/v1/report", &one, &message, "/api/v1/lag", "/api/v1/counters"];
    for path in reads {
        for (query, field) in [
            ("as_of=".to_owned(), "as_of"),
            ("as_of".to_owned(), "as_of"),
            (format!("as_of={head}&as_of={head}"), "as_of"),
            (format!("as%5Fof={}", head + 1000), "as_of"),
            ("as_off=1".to_owned(), "as_off"),
        ] {
            let answer = town.get(&operator, &format!("{path}?{query}")).await;
            let seen = (answer.code(), answer.json()["field"].as_str().map(str::to_owned));
            let code = if query.starts_with("as%5F") { "as-of-beyond-head" } else { "bad-query" };
            assert_eq!(seen, (code.to_owned(), Some(field.to_owned())), "{path}?{query}");
        }
    }
    // A wish is about now, and so is a stream.
    for path in [format!("{one}/note"), "/api/v1/appeals".into()] {
        for key in ["as_of", "as_off"] {
            let refused =
                town.post(&operator, &format!("{path}?{key}={head}"), &json!({ "text": "x" })).await;
            assert_eq!(refused.expect(400).json()["field"], key, "{path}");
        }
    }
    let refused = town.get(&operator, &format!("/api/v1/changes?as_of={head}")).await.expect(400);
    assert_eq!(refused.json()["field"], "as_of");
    // The description is the same at every moment.
    town.get(&operator, &format!("/api/v1/openapi.json?as_of={head}")).await.expect(200);
    let refused = town.get(&operator, "/api/v1/openapi.json?as_off=1").await.expect(400);
    assert_eq!(refused.json()["field"], "as_off");
    assert_eq!(town.settle().await.0, head, "nothing was recorded");
}

#[tokio::test]
async fn counters_and_the_report_say_the_same() {
    let mut town = Town::start().await;
    let analyst = town.token(Role::Analyst).await;
    for text in ["Яма на Абая — Розыбакиева", "Яма на Абая — Гагарина", "ыва олд"]
    {
        town.file(text).await;
    }
    let counted = town.get(&analyst, "/api/v1/counters?by=state,channel").await.expect(200).json();
    let sum: u64 = counted.as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum();
    let report = town.get("", "/api/v1/report").await.expect(200).json();
    assert_eq!((sum, &report["all"]), (3, &json!(3)));
    let keys: BTreeSet<_> = counted[0]["key"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["channel".to_owned(), "state".to_owned()].into());
    assert!(
        report["groups"].as_array().unwrap().iter().all(|row| row["satisfied"] == Value::Null),
        "nobody was asked"
    );
    let lag = town.get(&analyst, "/api/v1/lag").await.expect(200).json();
    assert_eq!((&lag["records"], &lag["parked_records"]), (&json!(0), &json!([])));
}
