//! The command line as people use it.

use serde_json::Value;

use crate::harness::{Told, folder, json, path, root, run};

fn sample_appeals() -> String {
    root().join("tests/samples/almaty/appeals-sample.jsonl").to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_sample_becomes_fifty_appeals_each_decided_with_a_reason() {
    let data = folder();
    let told = json(&[
        "ingest",
        "jsonl",
        &sample_appeals(),
        "--at",
        "2026-11-20T09:00:00+05:00",
        "--data",
        path(data.path()),
    ]);
    let [line] = &told[..] else { panic!("one line a file") };
    assert_eq!((line["messages"].as_u64(), line["new_appeals"].as_u64()), (Some(50), Some(50)));
    assert_eq!(line["appeals"].as_array().unwrap().len(), 50);
    assert!(line["error"].is_null());
    let log = Told::read(data.path()).await;
    log.check();
    for appeal in log.appeals.values() {
        assert!(!appeal.findings.is_empty());
        for finding in &appeal.findings {
            let route = finding.route.as_ref().expect("each finding is decided");
            assert!(!route.because.ru.is_empty() && !route.because.kk.is_empty());
        }
    }
}

#[test]
fn triage_prints_a_line_for_each_text() {
    let lines = json(&["triage", &sample_appeals(), "--at", "2026-11-20T09:00:00+05:00"]);
    assert_eq!(lines.len(), 50);
    for key in [
        "id",
        "lang",
        "category",
        "also",
        "priority",
        "danger",
        "confidence",
        "because",
        "place",
        "destination",
    ] {
        assert!(lines.iter().all(|line| line.get(key).is_some()), "{key}");
    }
}

#[test]
fn a_city_with_a_fault_is_told_where_and_what_to_do() {
    let copy = folder();
    for entry in std::fs::read_dir(root().join("deploy/cities/almaty")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert!(run(&["city", "check", path(copy.path())]).status.success());
    let rules = copy.path().join("rules.toml");
    let text =
        std::fs::read_to_string(&rules).unwrap().replace("party = \"kazavtozhol\"", "party = \"nobody\"");
    let line = text.lines().position(|l| l.contains("\"nobody\"")).unwrap() + 1;
    std::fs::write(&rules, text).unwrap();
    let checked = run(&["city", "check", path(copy.path())]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1));
    assert!(said.contains(&format!("rules.toml:{line}:")) && said.contains("nobody"), "{said}");
    assert!(said.contains("add it there or correct the code"), "no remedy: {said}");
    let published = run(&["city", "publish", path(copy.path()), "--data", path(folder().path())]);
    assert!(!published.status.success(), "a city with faults is not put in force");
}

#[tokio::test]
async fn the_demo_fills_its_folder_once() {
    let data = folder();
    let demo = ["demo", "--exit", "--data", path(data.path())];
    assert!(run(&demo).status.success());
    let log = Told::read(data.path()).await;
    log.check();
    assert!(log.appeals.len() >= 50, "{}", log.appeals.len());
    let doctor = |args: &[&str]| -> Vec<Value> {
        let output = run(args);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let head = |found: &[Value]| found.iter().find(|f| f["what"] == "head").unwrap()["is"].clone();
    let look = ["doctor", "--json", "--data", path(data.path())];
    let before = head(&doctor(&look));
    assert!(run(&demo).status.success());
    assert_eq!(head(&doctor(&look)), before, "opened again as it is");
    assert_eq!(json(&["verify", "--json", "--data", path(data.path())])[0]["sound"], true);
}

#[test]
fn every_command_explains_itself() {
    for command in [
        &["--help"][..],
        &["up", "--help"],
        &["demo", "--help"],
        &["ingest", "--help"],
        &["triage", "--help"],
        &["city", "check", "--help"],
        &["city", "publish", "--help"],
        &["token", "create", "--help"],
        &["rebuild", "--help"],
        &["verify", "--help"],
        &["doctor", "--help"],
        &["completions", "--help"],
        &["completions", "bash"],
    ] {
        let output = run(command);
        assert!(output.status.success() && !output.stdout.is_empty(), "{command:?}");
    }
    assert!(!run(&["ingest", "whatsapp"]).status.success());
    assert!(!run(&["token", "create", "--role", "party", "--data", path(folder().path())]).status.success());
}
