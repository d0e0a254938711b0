//! `POST /api/v1/meetings`.

use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use zholdary_domain::access::Role;

use crate::{
    photos::{BOUNDARY, form, jpeg, name_of},
    town::{Answer, Town, request},
};

const PATH: &str = "/api/v1/meetings";

fn record() -> Value {
    json!({
        "meeting": { "title": "Встреча с жителями", "date": "2026-11-19", "place": "школа № 12", "district": "almaly" },
        "lines": [
            { "text": "Яма у школы", "name": "Асель", "phone": "8 (701) 000-00-01", "place": "Абая 45" },
            { "text": "Не горит фонарь на Сатпаева", "contact": "7010000002" },
            { "text": "Открытый люк", "point": { "lon": 76.9, "lat": 43.24 } },
        ],
    })
}

fn numbers(answer: &Value) -> Vec<String> {
    let lines = answer["lines"].as_array().unwrap();
    lines.iter().map(|line| line["number"].as_str().unwrap_or("none").to_owned()).collect()
}

#[tokio::test]
async fn each_line_of_a_meeting_becomes_an_appeal_once() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let first = town.post_as(&operator, PATH, Some("m1"), &record()).await.expect(202);
    assert_eq!(first.json()["position"], first.position());
    let mut given = numbers(&first.json());
    let again = town.post_as(&operator, PATH, Some("m1"), &record()).await.expect(202).json();
    assert_eq!(numbers(&again), given);
    given.sort_unstable();
    assert_eq!(given, ["Z-2026-000001", "Z-2026-000002", "Z-2026-000003"]);
    town.settle().await;
    let list = town.get(&operator, "/api/v1/appeals").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);

    let appeal = first.json()["lines"][0]["appeal"].as_str().unwrap().to_owned();
    let seen = town.get(&operator, &format!("/api/v1/appeals/{appeal}")).await.expect(200).json();
    let line = &seen["thread"][0];
    assert_eq!(seen["channel"], "meeting", "{seen}");
    assert_eq!(line["text"], "Яма у школы\nАбая 45", "{line}");
    assert_eq!(line["quoted"], "Встреча с жителями · 19.11.2026 · школа № 12 · Алмалинский район · 1/3");
    // What stands beside the words is for operators.
    let number = seen["number"].as_str().unwrap();
    let public = town.get("", &format!("/api/v1/appeals/{number}")).await.expect(200).text();
    assert!(!public.contains("школа") && !public.contains("Асель") && !public.contains("7010"), "{public}");
}

#[tokio::test]
async fn a_key_names_one_record() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    town.post_as(&operator, PATH, Some("m1"), &record()).await.expect(202);
    let changes: [(&str, Value); 7] = [
        ("/lines/1/text", json!("Темно на Абая")),
        ("/lines/0/phone", json!("87010000009")),
        ("/lines/0/name", json!("Алия")),
        ("/lines/0/contact", json!("asel@example.com")),
        ("/lines/0/place", json!("Абая 46")),
        ("/meeting/title", json!("Приём граждан")),
        ("/meeting/district", json!("medeu")),
    ];
    let mut others: Vec<Value> = changes
        .into_iter()
        .map(|(at, value)| {
            let mut other = record();
            let (parent, field) = at.rsplit_once('/').unwrap();
            other.pointer_mut(parent).unwrap()[field] = value;
            other
        })
        .collect();
    let mut shorter = record();
    shorter["lines"].as_array_mut().unwrap().pop();
    let mut longer = record();
    longer["lines"].as_array_mut().unwrap().push(json!({ "text": "Снег на Абая" }));
    others.extend([shorter, longer]);
    for other in others {
        let refused = town.post_as(&operator, PATH, Some("m1"), &other).await.expect(422);
        assert_eq!(refused.code(), "key-reused", "{other}");
    }
    town.settle().await;
    let list = town.get(&operator, "/api/v1/appeals").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3, "nothing of another record is recorded");
    // Another key is another meeting.
    town.post_as(&operator, PATH, Some("m2"), &record()).await.expect(202);
    town.settle().await;
    let list = town.get(&operator, "/api/v1/appeals").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn what_cannot_be_written_down_names_the_field() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let meeting = json!({ "title": "Встреча" });
    let lines = |line: Value| json!({ "meeting": meeting, "lines": [{ "text": "Яма на Абая" }, line] });
    let many = vec![json!({ "text": "Яма" }); 201];
    for (body, field) in [
        (json!({}), "meeting"),
        (json!({ "meeting": { "title": " " }, "lines": [{ "text": "Яма" }] }), "meeting.title"),
        (
            json!({ "meeting": { "title": "x", "district": "mars" }, "lines": [{ "text": "Яма" }] }),
            "meeting.district",
        ),
        (
            json!({ "meeting": { "title": "x", "date": "вчера" }, "lines": [{ "text": "Яма" }] }),
            "meeting.date",
        ),
        (json!({ "meeting": meeting, "lines": [] }), "lines"),
        (json!({ "meeting": meeting, "lines": many }), "lines"),
        (lines(json!({ "text": " " })), "lines[1].text"),
        (lines(json!({ "text": "я".repeat(10_001) })), "lines[1].text"),
        (lines(json!({ "text": "Яма", "phone": "+7011234567" })), "lines[1].phone"),
        (lines(json!({ "text": "Яма", "contact": "Асель" })), "lines[1].contact"),
        (lines(json!({ "text": "Яма", "point": { "lon": 71.43, "lat": 51.13 } })), "lines[1].point"),
        (lines(json!({ "text": "Яма", "fax": "1" })), "lines[1].fax"),
    ] {
        let refused = town.post(&operator, PATH, &body).await.expect(422);
        let named = refused.json()["field"].as_str().map(str::to_owned);
        assert_eq!((refused.code().as_str(), named.as_deref()), ("bad-field", Some(field)));
    }
    town.settle().await;
    let list = town.get(&operator, "/api/v1/appeals").await.expect(200).json();
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        0,
        "a line that cannot be taken keeps the rest out too"
    );
}

#[tokio::test]
async fn a_call_has_a_phone_that_exists() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let call = |contact: &str| json!({ "text": "Яма на Абая", "channel": "phone", "contact": contact });
    for (contact, status) in
        [("8 701 000 00 01", 202), ("a@b.kz", 202), ("701 000 00", 422), ("соседка", 422)]
    {
        town.post(&operator, "/api/v1/appeals", &call(contact)).await.expect(status);
    }
}

/// What the page of operators answers to these fields.
async fn typed(town: &Town, fields: &[(&str, &str)]) -> Answer {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let post =
        request(Method::POST, "", "/desk/write").header("content-type", "application/x-www-form-urlencoded");
    town.ask(post.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn an_operator_writes_a_meeting_or_a_call_down_without_script() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    for (lang, title) in [
        ("ru", "Записать встречу или звонок"),
        ("kk", "Кездесуді немесе қоңырауды жазу"),
        ("en", "Write down a meeting or a call"),
    ] {
        let page = town.get("", &format!("/desk/write?lang={lang}")).await.expect(200).text();
        assert!(page.contains(&format!("<h1>{title}</h1>")) && !page.contains("<script"), "{page}");
    }
    let form = town.get("", "/desk/write?lang=ru").await.expect(200).text();
    let key = form.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let lines = "Яма у школы | 8 701 000 00 01 | Абая 45\r\n\r\nНе горит фонарь на Сатпаева\r\n";
    let meeting = [
        ("key", key),
        ("lang", "ru"),
        ("kind", "meeting"),
        ("lines", lines),
        ("title", "Встреча"),
        ("date", "2026-11-19"),
        ("district", "almaly"),
        ("token", operator.as_str()),
    ];
    let page = typed(&town, &meeting).await.expect(200).text();
    assert!(page.contains("Z-2026-000001") && page.contains("Z-2026-000002"), "{page}");
    assert!(page.contains("Яма у школы") && !page.contains(&operator), "{page}");
    // Pressed twice, they are the same appeals.
    assert_eq!(typed(&town, &meeting).await.expect(200).text(), page);
    let call = [
        ("lang", "kk"),
        ("kind", "phone"),
        ("lines", "Шұңқыр бар\r\nАбай 45"),
        ("contact", "7010000001"),
        ("token", operator.as_str()),
    ];
    assert!(typed(&town, &call).await.expect(200).text().contains("Z-2026-000003"));
    town.settle().await;
    let call = town.get(&operator, "/api/v1/appeals/Z-2026-000003").await.expect(200).json();
    assert_eq!(
        (&call["channel"], &call["thread"][0]["text"]),
        (&json!("phone"), &json!("Шұңқыр бар\nАбай 45"))
    );
    let list = town.get(&operator, "/api/v1/appeals").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}

/// The same, with photos.
async fn typed_with(town: &Town, fields: &[(&str, &str)], photos: &[(&str, Vec<u8>)]) -> Answer {
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    let post = request(Method::POST, "", "/desk/write").header("content-type", label);
    town.ask(post.body(Body::from(form(fields, photos))).unwrap()).await
}

#[tokio::test]
async fn an_operator_adds_photos_and_a_point_to_a_call_and_points_to_lines() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let key = "5f0c7a526b0e4f0e9d430c1f6f2f8a12";
    let with = |kind: &'static str, lines: &'static str, point: &'static str| {
        [
            ("key", key),
            ("lang", "en"),
            ("kind", kind),
            ("lines", lines),
            ("title", "Встреча"),
            ("point", point),
            ("token", operator.as_str()),
        ]
    };
    let photos = [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)), ("again.jpg", jpeg(1))];
    let refused = async |fields: &[(&str, &str)], photos: &[(&str, Vec<u8>)], field: &str| {
        let page = typed_with(&town, fields, photos).await.expect(422).text();
        assert!(page.contains(&format!("id=\"{field}-error\"")), "{field}: {page}");
        assert_eq!(page.contains("id=\"photo-again\""), !photos.is_empty(), "{field}: {page}");
        assert!(page.contains("Яма на Абая") && !page.contains(&operator), "{page}");
    };
    let (call, meeting) = (with("phone", "Яма на Абая", "43.238, 76.889"), "Яма на Абая | 43.238, 76.889");
    refused(&with("meeting", "Яма на Абая", ""), &photos, "photo").await;
    refused(&with("meeting", "Яма на Абая", "43.238, 76.889"), &[], "point").await;
    refused(&with("meeting", "Яма на Абая | 51.13, 71.43", ""), &[], "lines").await;
    refused(&with("phone", "Яма на Абая", "76.889, 43.238"), &photos, "point").await;
    refused(&with("phone", "Яма на Абая", ""), &[("a.txt", b"words".to_vec())], "photo").await;
    let stranger = typed_with(&town, &call[..6], &photos).await.expect(422).text();
    assert!(stranger.contains("id=\"token-error\""), "{stranger}");
    let page = typed_with(&town, &call, &photos).await.expect(200).text();
    assert!(page.contains("Z-2026-000001"), "{page}");
    // Pressed twice, it is the same appeal.
    assert_eq!(typed_with(&town, &call, &photos).await.expect(200).text(), page);
    let mut written = with("meeting", meeting, "");
    written[0].1 = "5f0c7a526b0e4f0e9d430c1f6f2f8a13";
    assert!(typed_with(&town, &written, &[]).await.expect(200).text().contains("Z-2026-000002"));
    town.settle().await;
    for (number, names) in
        [("Z-2026-000001", vec![name_of(&jpeg(1)), name_of(&jpeg(2))]), ("Z-2026-000002", vec![])]
    {
        let seen = town.get(&operator, &format!("/api/v1/appeals/{number}")).await.expect(200).json();
        let said = &seen["thread"][0];
        let files = said["files"].as_array().into_iter().flatten().map(|file| file["file"].as_str().unwrap());
        assert_eq!(
            (&said["text"], files.collect::<Vec<_>>()),
            (&json!("Яма на Абая"), names.iter().map(String::as_str).collect())
        );
        assert_eq!(
            (&said["point"]["lat"], &said["point"]["lon"]),
            (&json!(43.238), &json!(76.889)),
            "{number}"
        );
    }
}

#[tokio::test]
async fn what_an_operator_cannot_send_is_said_beside_its_field_and_stays_typed() {
    let mut town = Town::asleep().await;
    let operator = town.token(Role::Operator).await;
    let party = town.token(Role::Party).await;
    let good = operator.as_str();
    for (token, lines, title, date, field) in [
        ("", "Яма", "Встреча", "", "token"),
        ("zh_0000_00000000000000000000", "Яма", "Встреча", "", "token"),
        (party.as_str(), "Яма", "Встреча", "", "token"),
        (good, " ", "Встреча", "", "lines"),
        (good, "Яма\nЯма | 8 701 000", "Встреча", "", "lines"),
        (good, "Яма", "", "", "title"),
        (good, "Яма", "Встреча", "вчера", "date"),
    ] {
        let fields = [("lang", "en"), ("lines", lines), ("title", title), ("date", date), ("token", token)];
        let page = typed(&town, &fields).await.expect(422).text();
        assert!(page.contains(&format!("id=\"{field}-error\"")), "{field}: {page}");
        assert!(page.contains(lines.trim()) && page.contains("role=\"alert\""), "{page}");
        assert!(!page.contains(&operator), "the token stands on no page");
    }
    town.settle().await;
    let list = town.get(&operator, "/api/v1/messages").await.expect(200).json();
    assert_eq!(list["items"].as_array().map_or(0, Vec::len), 0);
}
