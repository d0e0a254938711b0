//! The command line as people use it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zholdary_domain::{Clock, SystemClock};

use zholdary_testkit::samples;

use crate::harness::{City, folder, json, path, root, run, until};
use zholdary_tests::told_in;

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
    let log = told_in(data.path()).await;
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

/// When the demo of the tests ends, and how many appeals it plays: the shares of the report are whole numbers of them.
const PLAYED: [&str; 4] = ["--until", "2026-11-20T00:00:00+05:00", "--appeals", "120"];

/// Groups of the report, or of one of its halves, with how many appeals each has, how many were answered and how many rated «yes».
fn groups(report: &Value) -> Vec<(&str, u64, u64, u64)> {
    let count = |group: &Value, of: &str| group[of].as_u64().unwrap();
    let rows = report["groups"].as_array().unwrap().iter();
    rows.map(|group| {
        let code = group["bucket"]["code"].as_str().unwrap();
        (code, count(group, "count"), count(group, "answered"), count(group, "rated_yes"))
    })
    .collect()
}

/// An appeal by its number, without what another folder has otherwise: ids come from the folder's own key, and an instant at which the
/// system did something is when it came to it.
fn in_any_folder(appeal: &Value) -> (String, Value) {
    let mut appeal = appeal.clone();
    let fields = appeal.as_object_mut().unwrap();
    for of_its_own in ["id", "changed_at"] {
        assert!(fields.remove(of_its_own).is_some(), "{of_its_own}");
    }
    (appeal["number"].as_str().unwrap().to_owned(), appeal)
}

/// Whether the next term of an open appeal has passed, and nobody has said so yet.
fn has_passed_unseen(appeal: &Value) -> bool {
    let due = appeal["due_at"].as_str().map(|due| due.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    appeal["open"] == true && appeal["overdue"] == false && due.is_some_and(|due| due <= SystemClock.now())
}

/// The same city each time, whichever engine keeps its log, with the report of 2019; each folder stays with its own engine, and what was played is
/// opened again as it is.
#[tokio::test]
async fn the_demo_plays_the_report_of_2019() {
    let (file, again, nats) = (folder(), folder(), folder());
    let demo = |data: &std::path::Path, more: &[&str]| {
        // What trickles in comes by the wall's clock: on a slow machine before all is read.
        let args = [&["demo", "--pace", "0", "--data", path(data)], &PLAYED[..], more].concat();
        City::start(&args)
    };
    let seen = async |mut city: City, data: &std::path::Path| {
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        let report = city.read("/api/v1/report").await;
        city.speak_by(&data.join("demo.token")).await;
        // The played clock has ended, and the wall's goes on from here: a term that passed in between is overdue now.
        until("what has passed is overdue", async || {
            let list = city.read("/api/v1/appeals?limit=200").await;
            !list["items"].as_array().unwrap().iter().any(has_passed_unseen)
        })
        .await;
        let list = city.read("/api/v1/appeals?limit=200").await;
        assert_eq!(list["next"], Value::Null, "all of them");
        let appeals: BTreeMap<_, _> = list["items"].as_array().unwrap().iter().map(in_any_folder).collect();
        // How far each message to a resident came that was not left for the morning after the end.
        let mut came = BTreeMap::new();
        for number in appeals.keys() {
            let appeal = city.read(&format!("/api/v1/appeals/{number}")).await;
            let is_ours = |message: &&Value| {
                message["ours"] == true && message["recorded_at"].as_str().unwrap() < "2026-11-19T16:00:00Z"
            };
            let ours = appeal["thread"].as_array().unwrap().iter().filter(is_ours);
            let states = ours.map(|message| message["delivery"].as_str().unwrap_or("sent").to_owned());
            came.insert(number.clone(), states.collect::<Vec<_>>());
        }
        assert!(city.stop().await.success());
        (report, appeals, came)
    };
    let expected = seen(demo(file.path(), &[]), file.path()).await;
    let report = &expected.0;
    let shares = [
        ("reference", 12),
        ("yard", 18),
        ("new_build", 9),
        ("current_repair", 9),
        ("region", 6),
        ("plan_howto", 3),
        ("new_objects", 3),
    ];
    let halves = report["channel_groups"].as_array().unwrap();
    let codes: Vec<_> = halves.iter().map(|half| half["channel_group"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["whatsapp", "meta", "other"]);
    assert_eq!(halves[2]["all"], 0, "nobody writes by others");
    for half in &halves[..2] {
        let of = groups(half);
        let counts: Vec<(&str, u64)> = of.iter().map(|(code, count, ..)| (*code, *count)).collect();
        assert_eq!(counts[..shares.len()], shares, "{}", half["channel_group"]);
        let one = |code: &str| *of.iter().find(|(known, ..)| *known == code).unwrap();
        assert_eq!(one("reference").2, 12, "every question is answered");
        assert_eq!(one("current_repair").3, 6, "seven of ten, as near as nine appeals come to it");
        let stated = half["groups"].as_array().unwrap().iter().filter(|group| !group["satisfied"].is_null());
        assert_eq!(stated.count(), 1, "what nobody was asked is not stated");
    }
    assert_eq!(groups(report)[1], ("yard", 36, groups(report)[1].2, 0), "both together");
    let came: BTreeSet<&str> = expected.2.values().flatten().map(String::as_str).collect();
    for state in ["sent", "delivered", "read"] {
        assert!(came.contains(state), "no message to a resident is {state}: {came:?}");
    }
    let log = told_in(file.path()).await;
    log.check();
    assert_eq!(json(&["verify", "--json", "--data", path(file.path())])[0]["sound"], true);

    for (data, more) in [(&file, &[][..]), (&again, &[]), (&nats, &["--nats"]), (&nats, &["--nats"])] {
        assert_eq!(seen(demo(data.path(), more), data.path()).await, expected);
    }
    for (data, more) in [(&file, &["--nats"][..]), (&nats, &[])] {
        let refused = run(&[&["demo", "--exit", "--data", path(data.path())], more].concat());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("name another folder"), "{said}");
    }
}

#[test]
fn a_demo_that_was_interrupted_is_played_anew() {
    let around = folder();
    let (data, playing) = (around.path().join("demo"), around.path().join("demo.playing"));
    std::fs::create_dir_all(playing.join("views")).unwrap();
    std::fs::write(playing.join("id.key"), "half of").unwrap();
    let refused = run(&["demo", "--appeals", "5", "--exit", "--data", path(&data)]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("is not ours"), "{said}");
    std::fs::write(playing.join("demo.lock"), "").unwrap();
    // As a shell completes it.
    let named = format!("{}/", path(&data));
    let played = run(&["demo", "--appeals", "5", "--exit", "--data", &named]);
    let said = String::from_utf8(played.stderr).unwrap();
    assert!(played.status.success() && said.contains("5 appeals"), "{said}");
    assert!(!playing.exists() && data.join("demo.done").exists());
    // The token that it made works for whoever reads the file.
    let token = std::fs::read_to_string(data.join("demo.token")).unwrap();
    assert!(token.starts_with("zh_"), "a token");
}

/// What comes after the ninety days is told beside the report, which stays what it was.
#[tokio::test]
async fn new_messages_of_the_demo_are_counted_apart() {
    let data = folder();
    let args =
        ["demo", "--data", path(data.path()), "--appeals", "7", "--until", "2026-11-20T00:00:00+05:00"];
    assert!(run(&[&args[..], &["--exit"]].concat()).status.success());
    let city = City::start(&[&args[..], &["--pace", "1"]].concat());
    until("something new is counted", async || {
        city.read("/api/v1/report").await["later"].as_u64() >= Some(1)
    })
    .await;
    let report = city.read("/api/v1/report").await;
    let counts: Vec<_> = groups(&report).into_iter().map(|(_, count, ..)| count).collect();
    assert_eq!(counts[..7], [2, 2, 2, 1, 0, 0, 0]);
    let page = String::from_utf8(city.bytes("/?lang=en").await).unwrap();
    assert!(page.contains("Received later") && page.contains("from=2026-11-20"), "{page}");
    assert!(city.stop().await.success());
}

#[test]
fn a_demo_takes_no_folder_that_holds_something_else() {
    let data = folder();
    std::fs::write(data.path().join("letters.txt"), "mine").unwrap();
    let refused = run(&["demo", "--exit", "--data", path(data.path())]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("name another folder"), "{said}");
    assert_eq!(std::fs::read_to_string(data.path().join("letters.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_without_an_installation_is_no_sound_one() {
    let nowhere = folder();
    let typo = nowhere.path().join("daat");
    for command in ["verify", "rebuild", "doctor"] {
        for place in [&typo, &nowhere.path().to_owned()] {
            let output = run(&[command, "--json", "--data", path(place)]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains("--data"), "{command}: {said}");
        }
    }
    assert!(!typo.exists(), "asking makes nothing");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_could_not_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let city = root().join("deploy/cities/almaty");
    let output = std::process::Command::new(crate::harness::binary())
        .args(["city", "check", path(&city)])
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("standard output"), "{said}");
}

/// A message that the log of that day could not take waits for a person, and is read again when it can.
#[tokio::test]
async fn what_nobody_could_read_waits_for_a_person() {
    let data = folder();
    let at = |name: &str| data.path().join(name);
    let city = root().join("deploy/cities/almaty");
    assert!(run(&["city", "publish", path(&city), "--data", path(data.path())]).status.success());
    let body = String::from_utf8(samples::whatsapp("01").to_vec()).unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    let text = format!("Яма на Толе би 100, угол Масанчи. {}", "Жду ответа. ".repeat(300));
    body["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] = text.into();
    std::fs::write(at("long.json"), body.to_string()).unwrap();
    std::fs::write(at("cut.json"), &body.to_string()[..200]).unwrap();
    std::fs::write(at("small.toml"), "[log]\nmax_record_bytes = 6000\n").unwrap();
    let (long, cut, small) = (at("long.json"), at("cut.json"), at("small.toml"));
    let place = ["--data", path(data.path())];
    let told = json(
        &[&["ingest", "whatsapp", path(&long), path(&cut), "--config", path(&small)], &place[..]].concat(),
    );
    assert!(told.iter().all(|line| line["parked"] == 1 && line["messages"] == 0), "{told:?}");

    let waits = || json(&[&["kept", "list", "--json"], &place[..]].concat());
    let [first, second] = &waits()[..] else { panic!("two wait: {:?}", waits()) };
    assert_eq!(
        (&first["why"], &second["why"]),
        (&"larger than the log takes".into(), &"not the JSON of a webhook".into())
    );
    let doctor = || run(&[&["doctor", "--json"], &place[..]].concat());
    assert!(String::from_utf8(doctor().stdout).unwrap().contains("zholdary kept list"));
    let shown = run(&[&["kept", "show", &second["id"].to_string()], &place[..]].concat());
    assert_eq!(shown.stdout, std::fs::read(&cut).unwrap());

    // Under settings by which it is another's, it would lead to nothing: it is not given up.
    std::fs::write(at("other.toml"), "[whatsapp.accounts]\nbusinesses = [\"1\"]\naddresses = [\"2\"]\n")
        .unwrap();
    let other = at("other.toml");
    let again = run(&[&["kept", "retry", "--all", "--json", "--config", path(&other)], &place[..]].concat());
    let said: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&said["read"], &said["waiting"]), (&0.into(), &2.into()));
    let again = run(&[&["kept", "retry", "--all", "--json"], &place[..]].concat());
    let said: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&said["read"], &said["waiting"]), (&1.into(), &1.into()));
    assert!(!again.status.success(), "one waits still");
    let id = second["id"].to_string();
    let settle = |reason: &str| run(&[&["kept", "settle", &id, "--reason", reason], &place[..]].concat());
    assert!(!settle(" ").status.success());
    assert!(settle("cut off by a test").status.success());
    assert!(!settle("again").status.success(), "it waits no more");
    assert!(waits().is_empty());
    assert!(run(&[&["kept", "retry", "--all"], &place[..]].concat()).status.success());

    // What was read again is registered like any other.
    let told = json(&[&["ingest", "whatsapp", path(&long)], &place[..]].concat());
    assert_eq!((&told[0]["messages"], told[0]["appeals"].as_array().unwrap().len()), (&0.into(), 1));
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.messages.len(), 1);
}

#[tokio::test]
async fn a_token_is_of_a_party_that_there_is_and_ends_when_it_is_revoked() {
    let data = folder();
    let mut city = City::up(data.path()).await;
    let place = ["--data", path(data.path())];
    let create = ["token", "create", "--role", "party", "--json", "--party"];
    let unknown = run(&[&create[..], &["akimat-atlantis"], &place[..]].concat());
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(!unknown.status.success() && said.contains("parties.toml"), "{said}");
    let made = json(&[&create[..], &["akimat-almaly"], &place[..]].concat());
    city.speak_with(made[0]["token"].as_str().unwrap());
    let queue = "/api/v1/queues/akimat-almaly";
    assert_eq!(city.get(queue).await.0, 200);
    let name = made[0]["name"].as_str().unwrap();
    let revoke = |name: &str| run(&[&["token", "revoke", name], &place[..]].concat());
    assert!(!revoke("0123456789ab").status.success(), "there is none of that name");
    assert!(revoke(name).status.success() && revoke(name).status.success(), "once more changes nothing");
    assert!(revoke(made[0]["token"].as_str().unwrap()).status.success(), "the whole token names it too");
    assert!(
        !run(&["kept", "list", "--data", path(folder().path())]).status.success(),
        "it is no installation"
    );
    until("it is refused", async || city.get(queue).await.0 == 401).await;
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
        &["token", "revoke", "--help"],
        &["serve", "--help"],
        &["log", "init", "--help"],
        &["log", "key", "--help"],
        &["kept", "list", "--help"],
        &["kept", "show", "--help"],
        &["kept", "retry", "--help"],
        &["kept", "settle", "--help"],
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
