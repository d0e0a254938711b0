//! The views are a function of the log: built anew they answer the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::{City, folder, ingest, json, path, root, sample};

/// Answers that speak of the process or of this moment, not of the past; and bytes that stand beside the views.
const LIVE: [&str; 6] =
    ["/api/v1/changes", "/api/v1/lag", "/api/v1/files/{file}", "/livez", "/readyz", "/metrics"];

/// Every GET of the description, with its path filled from what there is.
pub(crate) async fn questions(city: &City) -> Vec<String> {
    let description = city.read("/api/v1/openapi.json").await;
    let list = city.read("/api/v1/appeals?limit=200").await;
    let items = list["items"].as_array().unwrap();
    let mut all = Vec::new();
    for (route, methods) in description["paths"].as_object().unwrap() {
        if methods.get("get").is_none() || LIVE.contains(&route.as_str()) {
            continue;
        }
        let fill: Vec<String> = if route.contains("{party}") {
            let named = items.iter().filter_map(|item| item["party"]["code"].as_str());
            let named = named.chain(["operator", "kazavtozhol"]);
            named.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
        } else if route.contains("{message}") {
            let mut messages = Vec::new();
            for item in items {
                let one = city.read(&format!("/api/v1/appeals/{}", item["number"].as_str().unwrap())).await;
                let thread = one["thread"].as_array().cloned().unwrap_or_default();
                messages.extend(thread.iter().filter_map(|m| m["id"].as_str().map(str::to_owned)));
            }
            assert!(messages.len() >= items.len(), "who may see it all sees the messages of each appeal");
            messages
        } else if route.contains('{') {
            let names = items.iter().flat_map(|item| [&item["number"], &item["id"]]);
            names.map(|name| name.as_str().unwrap().to_owned()).collect()
        } else {
            all.push(route.clone());
            continue;
        };
        let (before, rest) = route.split_once('{').unwrap();
        let after = rest.split_once('}').unwrap().1;
        assert!(!fill.is_empty(), "nothing to ask {route} for");
        all.extend(fill.iter().map(|one| format!("{before}{one}{after}")));
    }
    all.push("/api/v1/counters?by=day,category,district,party,channel,state".to_owned());
    all.push("/api/v1/appeals?state=open&limit=7".to_owned());
    all.push("/api/v1/appeals?q=Абая".to_owned());
    all
}

/// What each question is answered as of `position`, with its status: a role may not ask everything.
pub(crate) async fn answers(
    city: &City,
    questions: &[String],
    position: u64,
) -> BTreeMap<String, (u16, String)> {
    let mut answers = BTreeMap::new();
    for question in questions {
        let with = if question.contains('?') { '&' } else { '?' };
        let (status, body) = city.answer(&format!("{question}{with}as_of={position}")).await;
        assert!(status == 200 || status == 403, "{question}: {status}");
        answers.insert(question.clone(), (status, String::from_utf8(body).unwrap()));
    }
    answers
}

#[tokio::test]
async fn rebuilt_views_answer_the_same_bytes() {
    let data = folder();
    let appeals = root().join("tests/samples/almaty/appeals-sample.jsonl");
    json(&[
        "ingest",
        "jsonl",
        appeals.to_str().unwrap(),
        "--at",
        "2026-11-20T09:00:00+05:00",
        "--data",
        path(data.path()),
    ]);
    let story = ["01", "02", "03", "04", "05", "06", "07", "07z", "08", "09", "12", "13", "14", "15", "18"];
    ingest(data.path(), "whatsapp", &story.map(sample));
    let mut city = City::up(data.path()).await;
    let asked = questions(&city).await;
    assert!(asked.len() > 150, "{}", asked.len());
    city.idle().await;
    // Tokens are records too, and later than the position asked for: no view but that of tokens changes by them.
    city.speak_as(data.path(), "admin").await;
    let position = city.idle().await;
    let admin = answers(&city, &asked, position).await;
    city.speak_as(data.path(), "operator").await;
    city.idle().await;
    let operator = answers(&city, &asked, position).await;
    assert!(city.stop().await.success());
    let rebuilt: Value = json(&["rebuild", "--json", "--data", path(data.path())]).remove(0);
    assert_eq!(rebuilt["differs"], serde_json::json!([]), "{rebuilt}");
    assert_eq!(rebuilt["parked"], 0);
    let mut city = City::up(data.path()).await;
    for (role, before) in [("operator", operator), ("admin", admin)] {
        city.speak_as(data.path(), role).await;
        city.idle().await;
        let after = answers(&city, &asked, position).await;
        for (question, answer) in &before {
            assert_eq!(after[question], *answer, "{role}, {question} changed");
        }
    }
}
