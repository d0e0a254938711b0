//! The page behind a party's link: one task, without a login.

use axum::{body::Body, http::Method};
use serde_json::json;
use zholdary_domain::{
    AppealId, IdKey, StreamId,
    access::Role,
    appeal::{Event, FindingId},
    link::{HandOvers, TaskLink},
};
use zholdary_testkit::id_key;

use crate::{
    photos::{BOUNDARY, form, jpeg, name_of, send},
    town::{Answer, Town, request},
};

const KEY: &str = "5f0c7a526b0e4f0e9d430c1f6f2f8a11";

struct Task {
    town: Town,
    operator: String,
    number: String,
    appeal: AppealId,
}

impl Task {
    /// A pothole with a photo, handed to a district.
    async fn given() -> Self {
        let mut town = Town::start().await;
        let operator = town.token(Role::Operator).await;
        let words = [("key", KEY), ("lang", "ru"), ("text", "Яма на Абая, угол Розыбакиева, пробил колесо")];
        send(&town, &words, &[("a.jpg", jpeg(1))]).await.expect(303);
        town.settle().await;
        let number = "Z-2026-000001".to_owned();
        let appeal = town.query.appeal_id(zholdary_readmodel::AppealRef::Number(number.parse().unwrap()));
        let appeal = appeal.await.unwrap().body.unwrap();
        let mut task = Self { town, operator, number, appeal };
        task.redirect("akimat-almaly").await;
        task
    }

    async fn redirect(&mut self, to: &str) {
        let path = format!("/api/v1/appeals/{}/redirect", self.number);
        self.town
            .post(&self.operator, &path, &json!({ "to": to, "reason": "Улица района." }))
            .await
            .expect(202);
        self.town.settle().await;
    }

    /// The link of the last hand-over.
    async fn token(&self) -> String {
        let mut hand_overs = HandOvers::default();
        for record in self.town.log.load(&StreamId::from(self.appeal)).await.unwrap().records() {
            hand_overs.note(record.command_id, &record.events::<Event>().unwrap());
        }
        let handed_by = hand_overs.handed_by(FindingId(0)).unwrap();
        TaskLink { appeal: self.appeal, finding: FindingId(0), handed_by }.token(&id_key())
    }

    async fn page(&self, token: &str) -> Answer {
        self.town.get("", &format!("/task/{token}?lang=ru")).await
    }

    async fn act(&self, token: &str, fields: &[(&str, &str)], photos: &[(&str, Vec<u8>)]) -> Answer {
        let post = request(Method::POST, "", &format!("/task/{token}"))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        self.town.ask(post.body(Body::from(form(fields, photos))).unwrap()).await
    }

    async fn state(&mut self) -> (String, String) {
        self.town.settle().await;
        let path = format!("/api/v1/appeals/{}", self.number);
        let seen = self.town.get(&self.operator, &path).await.expect(200).json();
        let finding = &seen["findings"][0];
        (finding["state"].as_str().unwrap().to_owned(), finding["queue"]["code"].as_str().unwrap().to_owned())
    }
}

fn stands(state: &str, party: &str) -> (String, String) {
    (state.to_owned(), party.to_owned())
}

#[tokio::test]
async fn a_party_accepts_begins_and_reports_with_a_photo() {
    let mut task = Task::given().await;
    let token = task.token().await;
    let page = task.page(&token).await.expect(200);
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let text = page.text();
    for shown in
        ["Z-2026-000001", "пробил колесо", "Акимат Алмалинского района", "Улица района.", "Принять задание"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let photo = format!("/task/{token}/photos/{}", name_of(&jpeg(1)));
    assert!(text.contains(&photo), "{text}");
    // A copy of its pixels: what else stands in the file is its sender's.
    let seen = task.town.get("", &photo).await.expect(200);
    assert_eq!(seen.header("content-type"), Some("image/jpeg"));
    assert!(
        image::load_from_memory(&seen.body).is_ok() && seen.body.len() < jpeg(1).len(),
        "a picture, and no tail"
    );
    // Looked at as often as one likes, nothing happened.
    assert_eq!(task.state().await, stands("routed", "akimat-almaly"));

    let accepted = task.act(&token, &[("lang", "ru"), ("do", "accept")], &[]).await.expect(303);
    assert!(accepted.header("location").unwrap().ends_with("?lang=ru&done=1"));
    task.act(&token, &[("do", "accept")], &[]).await.expect(303);
    assert_eq!(task.state().await, stands("accepted", "akimat-almaly"));
    task.act(&token, &[("do", "start")], &[]).await.expect(303);
    assert_eq!(task.state().await, stands("started", "akimat-almaly"));

    let nothing = task.act(&token, &[("lang", "ru"), ("do", "done"), ("explanation", " ")], &[]).await;
    assert!(nothing.expect(422).text().contains("Нужно фото или объяснение."));
    let fields = [("lang", "ru"), ("do", "done"), ("explanation", "Залили асфальтом")];
    task.act(&token, &fields, &[("b.jpg", jpeg(2))]).await.expect(303);
    task.act(&token, &fields, &[("b.jpg", jpeg(2))]).await.expect(303);
    assert_eq!(task.state().await.0, "done");
    let after = task.page(&token).await.expect(200).text();
    assert!(after.contains("Больше ничего делать не нужно") && !after.contains("<form"), "{after}");
    let records = task.town.log.load(&StreamId::from(task.appeal)).await.unwrap();
    let events: Vec<Event> = records.records().iter().flat_map(|r| r.events::<Event>().unwrap()).collect();
    let done: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            Event::Done { proof, by, .. } => Some((proof.clone(), by.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(done, [(vec![name_of(&jpeg(2))], "akimat-almaly".to_owned())], "once, by the party");
}

#[tokio::test]
async fn a_party_gives_it_back_with_a_reason_and_the_link_is_over() {
    let mut task = Task::given().await;
    let token = task.token().await;
    let empty = task.act(&token, &[("lang", "ru"), ("do", "refuse"), ("reason", "")], &[]).await.expect(422);
    assert!(empty.text().contains("Напишите причину."));
    let given_back =
        task.act(&token, &[("lang", "ru"), ("do", "refuse"), ("reason", "Не наша улица")], &[]).await;
    assert!(given_back.expect(200).text().contains("Задание возвращено оператору."));
    assert_eq!(task.state().await, stands("refused", "operator"));
    task.page(&token).await.expect(404);
    // Handed over again, it is another link; the first stays dead.
    task.redirect("akimat-almaly").await;
    let other = task.token().await;
    assert_ne!(other, token);
    task.page(&other).await.expect(200);
    task.page(&token).await.expect(404);
}

#[tokio::test]
async fn nobody_acts_by_a_link_that_is_not_theirs() {
    let mut task = Task::given().await;
    let token = task.token().await;
    let link = TaskLink::read(&token, &id_key()).unwrap();
    let forged = link.token(&IdKey::new([9; 32]));
    let other_finding = TaskLink { finding: FindingId(1), ..link }.token(&id_key());
    for bad in [forged.as_str(), &other_finding, "x", "..%2f", &token[1..]] {
        task.page(bad).await.expect(404);
        task.act(bad, &[("do", "accept")], &[]).await.expect(404);
    }
    task.act(&token, &[("do", "close")], &[]).await.expect(422);
    // The photo of another appeal is none of theirs.
    task.town.get("", &format!("/task/{token}/photos/{}", name_of(&jpeg(3)))).await.expect(404);
    task.redirect("akimat-medeu").await;
    task.page(&token).await.expect(404);
    task.act(&token, &[("do", "accept")], &[]).await.expect(404);
    assert_eq!(task.state().await, stands("routed", "akimat-medeu"));
}
