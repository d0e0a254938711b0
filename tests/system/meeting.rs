//! A meeting, written down by an operator: a line an appeal, however often the record is sent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{City, folder, until};

const LINES: [&str; 12] = [
    "Яма на Абая, угол Розыбакиева",
    "Не горят фонари на Жандосова 34",
    "Провалился люк на Толе би 150",
    "Абай даңғылында шұңқыр көп",
    "Нет разметки на Сейфуллина",
    "Снег не убирают на Тимирязева 42",
    "Разбита дорога на Рыскулова",
    "Сломан светофор на Сатпаева — Масанчи",
    "Яма во дворе Навои 72",
    "Нужен пешеходный переход на Гагарина 120",
    "Лежачий полицейский разрушен на Ауэзова",
    "Тротуар разбит на Гоголя 95",
];

fn record() -> Value {
    // One neighbour speaks for half of them: that is no flood.
    let line = |(i, text): (usize, &&str)| match i % 2 {
        0 => json!({ "text": text, "name": "Асель", "phone": "8 (701) 000-01-01" }),
        _ => json!({ "text": text, "phone": format!("70100002{i:02}") }),
    };
    let lines: Vec<Value> = LINES.iter().enumerate().map(line).collect();
    json!({ "meeting": { "title": "Встреча с жителями", "date": "2026-11-19", "place": "школа № 12" }, "lines": lines })
}

/// The numbers of a record's lines, when all have one.
fn numbers(answer: &Value) -> Option<Vec<String>> {
    answer["lines"].as_array()?.iter().map(|line| line["number"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_meeting_of_twelve_lines_is_twelve_appeals_however_often_it_is_sent() {
    let data = folder();
    let city = City::up(data.path()).await;
    let send = async || city.send("/api/v1/meetings", "meeting-1", &record()).await;
    let (status, first) = send().await;
    assert_eq!(status, 202, "{first}");
    until("every line has its number", async || numbers(&send().await.1).is_some()).await;
    let (_, given) = send().await;
    let given = numbers(&given).expect("they had numbers before");
    assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 12, "{given:?}");
    // Those that were told at first are those of ever after.
    for (told, now) in first["lines"].as_array().unwrap().iter().zip(&given) {
        assert!(told["number"].is_null() || told["number"] == **now, "{told} is {now}");
    }
    city.idle().await;
    let list = city.read("/api/v1/appeals?limit=200").await;
    let list = list["items"].as_array().unwrap();
    assert_eq!(list.len(), 12);
    assert!(list.iter().all(|one| one["channel"] == "meeting"));
    for (number, text) in given.iter().zip(LINES) {
        let seen = city.read(&format!("/api/v1/appeals/{number}")).await;
        assert_eq!(seen["thread"].as_array().unwrap().len(), 1);
        assert_eq!(seen["thread"][0]["text"], text);
    }
    let mut other = record();
    other["lines"][11]["text"] = json!("Тротуар разбит на Гоголя 97");
    assert_eq!(city.send("/api/v1/meetings", "meeting-1", &other).await.0, 422);
}
