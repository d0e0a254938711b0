//! What may be asked of an appeal, and what is answered.

use serde_json::{Value, json};
use zholdary_domain::access::Role;

use crate::town::{PARTY, Town};

const ELSEWHERE: &str = "akimat-medeu";

struct Story {
    town: Town,
    operator: String,
    party: String,
    number: String,
}

impl Story {
    async fn begin() -> Self {
        let mut town = Town::start().await;
        let operator = town.token(Role::Operator).await;
        let party = town.token(Role::Party).await;
        let number = town.file("Яма на Тимирязева — Манаса, правый ряд").await;
        Self { town, operator, party, number }
    }

    /// Asks, and gives status and code.
    async fn ask(&mut self, token: &str, verb: &str, body: Value) -> (u16, String) {
        let path = format!("/api/v1/appeals/{}/{verb}", self.number);
        let answer = self.town.post(token, &path, &body).await;
        if answer.status.as_u16() == 202 {
            assert_eq!(answer.json()["position"], answer.position());
            self.town.settle().await;
        }
        (answer.status.as_u16(), answer.code())
    }

    async fn state(&self) -> String {
        let view =
            self.town.get(&self.operator, &format!("/api/v1/appeals/{}", self.number)).await.expect(200);
        view.json()["state"].as_str().unwrap().to_owned()
    }

    /// Makes the party of the token responsible.
    async fn hand_over(&mut self) {
        let operator = self.operator.clone();
        let body = json!({ "to": ELSEWHERE, "reason": "сначала туда" });
        assert_eq!(self.ask(&operator, "redirect", body).await.0, 202);
        let body = json!({ "to": PARTY, "reason": "улица внутри района" });
        assert_eq!(self.ask(&operator, "redirect", body).await.0, 202);
    }
}

#[tokio::test]
async fn a_task_goes_from_hand_to_hand() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let (operator, party) = (story.operator.clone(), story.party.clone());
    let ok = (202, String::new());
    let no = |status, code: &str| (status, code.to_owned());
    assert_eq!(story.ask(&party, "accept", json!({})).await, ok);
    assert_eq!(story.ask(&party, "accept", json!({})).await, no(409, "not-now"));
    assert_eq!(story.ask(&party, "start", json!({ "finding": 0 })).await, ok);
    assert_eq!(story.ask(&party, "start", json!({ "finding": 9 })).await, no(404, "no-such-finding"));
    assert_eq!(story.ask(&party, "note", json!({ "text": "везём асфальт" })).await, ok);
    assert_eq!(story.ask(&party, "done", json!({})).await, no(422, "needs-proof"));
    assert_eq!(story.ask(&party, "done", json!({ "proof": ["x"] })).await, no(422, "bad-field"));
    assert_eq!(story.ask(&party, "close", json!({ "reason": "x" })).await, no(403, "forbidden"));
    assert_eq!(story.ask(&party, "done", json!({ "explanation": "заделали" })).await, ok);
    assert_eq!(story.state().await, "done");
    assert_eq!(story.ask(&operator, "rate", json!({ "fixed": false })).await, ok);
    assert_eq!(story.ask(&operator, "reopen", json!({ "reason": " " })).await, no(422, "needs-reason"));
    assert_eq!(story.ask(&operator, "reopen", json!({ "reason": "житель говорит нет" })).await, ok);
    let answer = json!({ "text": "Заделаем ещё раз до пятницы", "settles": false });
    assert_eq!(story.ask(&operator, "answer", answer).await, ok);
    assert_eq!(story.ask(&operator, "official", json!({ "kind": "nonsense" })).await, no(422, "bad-field"));
    assert_eq!(story.ask(&operator, "official", json!({ "kind": "complaint" })).await, ok);
    assert_eq!(story.ask(&operator, "close", json!({ "reason": "всё" })).await, ok);
    assert_eq!(story.state().await, "closed");
    assert_eq!(story.ask(&operator, "split", json!({ "parts": 1 })).await, no(409, "not-now"));
}

#[tokio::test]
async fn a_party_moves_only_its_own_tasks() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let (operator, party) = (story.operator.clone(), story.party.clone());
    let away = json!({ "to": ELSEWHERE, "reason": "другой район" });
    assert_eq!(story.ask(&operator, "redirect", away).await.0, 202);
    for (verb, body) in [
        ("accept", json!({})),
        ("refuse", json!({ "reason": "не наше" })),
        ("start", json!({})),
        ("done", json!({ "explanation": "готово" })),
        ("note", json!({ "text": "x" })),
    ] {
        assert_eq!(story.ask(&party, verb, body).await, (403, "not-yours".to_owned()), "{verb}");
    }
    story.number = "Z-2026-000777".into();
    assert_eq!(story.ask(&operator, "accept", json!({})).await, (404, "no-such-appeal".to_owned()));
    story.number = "0".repeat(32);
    assert_eq!(story.ask(&operator, "accept", json!({})).await, (404, "no-such-appeal".to_owned()));
}

#[tokio::test]
async fn codes_are_checked_against_the_city() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let operator = story.operator.clone();
    for (verb, body, field) in [
        ("redirect", json!({ "to": "nobody", "reason": "x" }), "to"),
        ("redirect", json!({ "to": "district", "reason": "x" }), "to"),
        ("redirect", json!({ "to": "mobility", "reason": "x" }), "to"),
        ("escalate", json!({ "to": "nobody" }), "to"),
        ("correct", json!({ "category": "nonsense", "reason": "x" }), "category"),
        ("correct", json!({ "party": "nobody", "reason": "x" }), "party"),
        ("correct", json!({ "place": { "names": ["Кривая"] }, "reason": "x" }), "place.names[0]"),
        ("place", json!({ "place": { "district": "nowhere" } }), "place.district"),
        ("place", json!({ "place": {} }), "place"),
        ("extend", json!({ "clock": "legal", "until": "2026-11-20T00:00:00Z", "reason": "x" }), "until"),
        ("extend", json!({ "clock": "legal", "until": "2028-11-20T00:00:00Z", "reason": "x" }), "until"),
        ("extend", json!({ "clock": "service", "until": "+262142-12-31T23:59:59Z", "reason": "x" }), "until"),
        ("extend", json!({ "clock": "service", "until": "2031-11-21T00:00:00Z", "reason": "x" }), "until"),
        ("extend", json!({ "clock": "lunch", "until": "2026-11-20T00:00:00Z", "reason": "x" }), "clock"),
        ("split", json!({ "parts": 99 }), "parts"),
        ("join", json!({ "appeal": "Z-2026-000777" }), "appeal"),
        ("note", json!({ "text": "я".repeat(4001) }), "text"),
    ] {
        let path = format!("/api/v1/appeals/{}/{verb}", story.number);
        let refused = story.town.post(&operator, &path, &body).await.expect(422);
        assert_eq!(
            (refused.code().as_str(), refused.json()["field"].as_str()),
            ("bad-field", Some(field)),
            "{verb} {body}"
        );
    }
}

#[tokio::test]
async fn a_reason_that_everybody_reads_is_not_blank() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let operator = story.operator.clone();
    let head = story.town.settle().await;
    for reason in ["", "  \n"] {
        for (verb, body) in [
            ("redirect", json!({ "to": ELSEWHERE, "reason": reason })),
            ("extend", json!({ "clock": "legal", "until": "2026-12-25T00:00:00Z", "reason": reason })),
            ("correct", json!({ "party": ELSEWHERE, "reason": reason })),
        ] {
            assert_eq!(story.ask(&operator, verb, body).await, (422, "needs-reason".to_owned()), "{verb}");
        }
    }
    assert_eq!(story.town.settle().await, head, "nothing was recorded");
}

#[tokio::test]
async fn a_person_corrects_what_the_rules_understood() {
    let mut story = Story::begin().await;
    let operator = story.operator.clone();
    let body = json!({ "category": "lighting", "party": PARTY, "reason": "речь о фонаре" });
    let path = format!("/api/v1/appeals/{}", story.number);
    let category = story.town.get(&operator, &path).await.json()["findings"][0]["category"]["code"].clone();
    let city = story.town.query.city().await.unwrap().unwrap();
    let other =
        city.city.categories.iter().find(|c| category != c.code.as_str() && c.code != "other").unwrap();
    let body = json!({ "category": other.code, "party": body["party"], "reason": body["reason"] });
    assert_eq!(story.ask(&operator, "correct", body).await.0, 202);
    let view = story.town.get(&operator, &path).await.expect(200).json();
    assert_eq!(view["findings"][0]["category"]["code"], other.code.as_str());
    assert_eq!(view["findings"][0]["queue"]["code"], PARTY);
    assert_eq!(view["findings"][0]["rule"], "person");
    let place = json!({ "place": { "names": ["Абая"], "house": "12", "district": "medeu" } });
    let street = city.city.streets.first().unwrap().name.ru.clone();
    let place =
        json!({ "place": { "names": [street], "house": place["place"]["house"], "district": "medeu" } });
    assert_eq!(story.ask(&operator, "place", place).await.0, 202);
    let public = story.town.get("", &path).await.expect(200).json();
    assert_eq!(public["findings"][0]["place"]["names"], json!([street]));
    assert!(public["findings"][0]["place"].get("house").is_none(), "a house is personal");
}

#[tokio::test]
async fn the_same_key_is_the_same_wish() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let operator = story.operator.clone();
    let path = format!("/api/v1/appeals/{}/", story.number);
    let note = |text: &str| json!({ "text": text });
    let post = |verb: &'static str, body: Value| {
        let (town, operator, path) = (&story.town, &operator, format!("{path}{verb}"));
        async move { town.post_as(operator, &path, Some("n1"), &body).await }
    };
    let first = post("note", note("первая")).await.expect(202).position();
    assert_eq!(post("note", note("первая")).await.expect(202).position(), first);
    assert_eq!(post("note", note("другая")).await.expect(422).code(), "key-reused");
    assert_eq!(post("accept", json!({})).await.expect(422).code(), "key-reused");
    // Even after the appeal has moved on.
    story.town.post(&operator, &format!("{path}close"), &json!({ "reason": "x" })).await.expect(202);
    assert_eq!(post("note", note("первая")).await.expect(202).position(), first);
    story.town.settle().await;
    let view = story.town.get(&operator, &format!("/api/v1/appeals/{}", story.number)).await.json();
    let notes = view["history"].as_array().unwrap().iter().filter(|line| line["event"] == "noted").count();
    assert_eq!(notes, 1);
}

#[tokio::test]
async fn the_same_key_is_the_same_wish_under_a_city_that_was_published_anew() {
    let mut story = Story::begin().await;
    story.hand_over().await;
    let operator = story.operator.clone();
    let path = format!("/api/v1/appeals/{}/redirect", story.number);
    let away = json!({ "to": ELSEWHERE, "reason": "другой район" });
    let first = story.town.post_as(&operator, &path, Some("r1"), &away).await.expect(202).position();
    story.town.republish().await;
    let again = story.town.post_as(&operator, &path, Some("r1"), &away).await.expect(202);
    assert_eq!(again.position(), first);
    let other = json!({ "to": PARTY, "reason": "другой район" });
    assert_eq!(
        story.town.post_as(&operator, &path, Some("r1"), &other).await.expect(422).code(),
        "key-reused"
    );
}

#[tokio::test]
async fn parts_and_problems() {
    let mut story = Story::begin().await;
    let operator = story.operator.clone();
    let other = story.town.file("Яма на Тимирязева — Манаса, большая").await;
    assert_eq!(story.ask(&operator, "join", json!({ "appeal": other })).await.0, 202);
    let own = story.number.clone();
    assert_eq!(story.ask(&operator, "join", json!({ "appeal": own })).await, (422, "pointless".to_owned()));
    assert_eq!(story.ask(&operator, "split", json!({ "parts": 0 })).await, (422, "pointless".to_owned()));
    assert_eq!(story.ask(&operator, "split", json!({ "parts": 1 })).await.0, 202);
    let view = story.town.get(&operator, &format!("/api/v1/appeals/{own}")).await.expect(200).json();
    assert_eq!((view["voices"].as_u64(), view["problem"].as_str()), (Some(2), Some(other.as_str())));
    story.town.get("", "/api/v1/appeals/Z-2026-000003").await.expect(200);
}

#[tokio::test]
async fn what_the_log_did_not_take_is_said() {
    let mut story = Story::begin().await;
    let operator = story.operator.clone();
    story.town.faulty.unavailable(1);
    assert_eq!(
        story.ask(&operator, "note", json!({ "text": "x" })).await,
        (503, "log-unavailable".to_owned())
    );
    story.town.faulty.conflict(3);
    assert_eq!(story.ask(&operator, "note", json!({ "text": "x" })).await.0, 202);
    story.town.faulty.lose_requests(1000);
    assert_eq!(
        story.ask(&operator, "note", json!({ "text": "y" })).await,
        (503, "outcome-unknown".to_owned())
    );
    story.town.faulty.lose_requests(0);
}
