//! Cases as data: `cases/*.jsonl`, one text a line with what must be understood. A key that is not given is not looked at;
//! `null` means «nothing».

mod common;

use std::fmt::Write as _;

use common::{city, root, triage};
use serde_json::{Map, Value, json};
use zholdary_domain::{Personal, Point};
use zholdary_triage::Input;

/// What was understood, under the keys of a case.
fn understood(case: &Value) -> Value {
    let point = case
        .get("point")
        .map(|point| Point::new(point[0].as_f64().unwrap(), point[1].as_f64().unwrap()).unwrap());
    let text = case["text"].as_str().unwrap();
    let read = triage().read(&Input { text, point, has_media: false });
    let found = read.understanding;
    let main = &found.findings[0];
    let place = &main.place;
    json!({
        "lang": found.lang.code(),
        "category": main.category,
        // As `category`, of a text that weights are not learnt from: only stems are tried.
        "main": main.category,
        "also": found.findings[1..].iter().map(|finding| &finding.category).collect::<Vec<_>>(),
        "each": found.findings.iter().map(|one| (one.category.clone(), json!(one.place.names))).collect::<Map<_, _>>(),
        "priority": main.priority,
        "confidence": main.confidence.0,
        // Thanks that are answered and closed by nobody's hand.
        "thanked": main.category == "gratitude" && city().is_sure(main.confidence),
        "because": found.findings.iter().map(|finding| &finding.because).collect::<Vec<_>>(),
        "danger": found.danger,
        "number": found.names_number,
        "cover": read.cover.map(|cover| cover.mark),
        "kind": place.kind.code(),
        "names": place.names,
        "district": place.district,
        "candidates": place.candidates,
        "from": place.from,
        "to": place.to,
        "house": place.house.as_ref().map(Personal::reveal),
        "yard": place.yard,
        "in_city": place.in_city,
        "settlement": place.settlement,
        "highway": place.highway,
    })
}

/// The lines of a file that are understood in another way than they say.
fn check(file: &str) -> usize {
    let lines = std::fs::read_to_string(root("crates/triage/cases").join(file)).unwrap();
    let mut wrong = String::new();
    let mut count = 0;
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let found = understood(&case);
        count += 1;
        for (key, expected) in case.as_object().unwrap() {
            let same = match key.as_str() {
                "id" | "text" | "point" => true,
                "also" => {
                    let all = found["also"].as_array().unwrap();
                    expected.as_array().unwrap().iter().all(|code| all.contains(code))
                }
                "each" => {
                    expected.as_object().unwrap().iter().all(|(code, names)| found["each"][code] == *names)
                }
                key => found[key] == *expected,
            };
            if !same {
                let (id, why) = (&case["id"], &found["because"]);
                writeln!(wrong, "{id}: {key}: {} for {expected}, because {why}", found[key]).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{file}\n{wrong}");
    count
}

#[test]
fn problems() {
    assert!(check("problems.jsonl") >= 30);
}

#[test]
fn dangers() {
    assert!(check("dangers.jsonl") >= 50);
}

#[test]
fn topics() {
    assert!(check("topics.jsonl") >= 100);
}

#[test]
fn traps() {
    assert!(check("traps.jsonl") >= 80);
}

#[test]
fn harder() {
    assert!(check("harder.jsonl") >= 50);
}

#[test]
fn letters() {
    assert!(check("letters.jsonl") >= 120);
    assert!(check("letters-kk.jsonl") >= 60);
}

#[test]
fn places() {
    assert!(check("places.jsonl") >= 60);
}

#[test]
fn languages() {
    assert!(check("languages.jsonl") >= 14);
}
