//! `zholdary learn`: from labelled texts and operators' corrections to weights that are put in force.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{City, folder, ingest, path, root, run};

/// A copy of the shipped city.
fn city() -> TempDir {
    let copy = folder();
    for entry in std::fs::read_dir(root().join("deploy/cities/almaty")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// The first lines of a file of labelled texts, in a file of that name in `folder`.
fn some(folder: &Path, name: &str) -> PathBuf {
    let all = std::fs::read_to_string(root().join("crates/triage/corpus").join(name)).unwrap();
    let some: String = all.lines().take(60).fold(String::new(), |mut some, line| {
        writeln!(some, "{line}").unwrap();
        some
    });
    let file = folder.join(name);
    std::fs::write(&file, some).unwrap();
    file
}

#[test]
fn the_same_texts_give_the_same_weights() {
    let (city, texts) = (city(), folder());
    let (one, other) = (some(texts.path(), "almaty-2.jsonl"), some(texts.path(), "kazakh-2.jsonl"));
    let in_order = |texts: [&Path; 2], more: &[&str]| {
        let [first, second] = texts.map(path);
        run(&[&["learn", first, second, "--city", path(city.path())], more].concat())
    };
    let learn = |more: &[&str]| in_order([&one, &other], more);
    let weights = || std::fs::read(city.path().join("weights.csv")).unwrap();

    let learnt = learn(&[]);
    assert!(learnt.status.success());
    let said = String::from_utf8(learnt.stdout).unwrap();
    assert!(said.contains("| almaty-2 | 60 |") && said.contains("| kazakh-2 | 60 |"), "{said}");
    let first = weights();
    assert!(in_order([&other, &one], &[]).status.success());
    assert!(first == weights(), "the same bytes, whichever text comes first");
    assert!(learn(&["--check"]).status.success());
    assert!(run(&["city", "check", path(city.path())]).status.success());

    std::fs::write(&other, r#"{"text": "Яма на дороге", "category": "pothole"}"#).unwrap();
    let checked = learn(&["--check"]);
    assert!(!checked.status.success());
    assert!(String::from_utf8(checked.stderr).unwrap().contains("without --check"));
    assert!(first == weights(), "a check writes nothing");

    std::fs::write(&other, r#"{"text": "Яма на дороге", "category": "pit"}"#).unwrap();
    let refused = learn(&[]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("\"pit\"") && said.contains("add the category"), "{said}");
}

#[tokio::test]
async fn what_three_people_wrote_and_an_operator_corrected_is_learnt() {
    let (data, copy, texts) = (folder(), city(), folder());
    // A word that no stem knows, of three people, and one that one person wrote three times.
    let lines = [
        ("77010000001", "грымзель у подъезда"),
        ("77010000002", "грымзель стоит"),
        ("77010000003", "опять грымзель"),
        ("77010000004", "лесорубовна пишет"),
        ("77010000004", "пишет лесорубовна снова"),
        ("77010000004", "я лесорубовна"),
    ];
    let mut said = String::new();
    for (nth, (contact, text)) in lines.iter().enumerate() {
        // Far enough apart to be appeals of their own.
        let line = json!({ "id": format!("m{nth}"), "text": text, "channel": "whatsapp", "contact": contact,
                           "sent_at": format!("2026-11-20T{:02}:00:00+05:00", 9 + nth) });
        writeln!(said, "{line}").unwrap();
    }
    let file = texts.path().join("said.jsonl");
    std::fs::write(&file, said).unwrap();
    let [told] = &ingest(data.path(), "jsonl", std::slice::from_ref(&file))[..] else { panic!("one file") };
    let numbers = told["appeals"].as_array().unwrap();
    assert_eq!(numbers.len(), lines.len());
    let city = City::up(data.path()).await;
    for number in numbers {
        let wish = json!({ "category": "barrier", "reason": "Шлагбаум" });
        let correct = format!("/api/v1/appeals/{}/correct", number.as_str().unwrap());
        assert_eq!(city.post(&correct, &wish).await, 202);
    }
    city.stop().await;

    let (one, other) = (some(texts.path(), "almaty-2.jsonl"), some(texts.path(), "kazakh-2.jsonl"));
    let args = [
        "learn",
        path(&one),
        path(&other),
        "--corrections",
        "--city",
        path(copy.path()),
        "--data",
        path(data.path()),
    ];
    let learnt = run(&args);
    assert!(learnt.status.success(), "{}", String::from_utf8_lossy(&learnt.stderr));
    let weights = std::fs::read_to_string(copy.path().join("weights.csv")).unwrap();
    let rows = |sort: &'static str| weights.lines().filter(move |line| line.split(',').next() == Some(sort));
    let barrier = rows("bias").position(|line| line.starts_with("bias,barrier,")).unwrap();
    let piece = rows("word").find(|line| line.starts_with("word,грымзе,")).expect("what three people wrote");
    let letter = piece.rsplit(',').next().unwrap().as_bytes()[barrier];
    assert!(letter.is_ascii_lowercase(), "it speaks for what they were corrected to: {piece}");
    assert!(!weights.contains("лесору"), "what one person wrote three times is no piece");
}
