//! Commands as somebody at a terminal meets them: what is wrong is said where it is, and nothing wrong looks like success.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn zholdary(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zholdary"));
    command.args(args);
    command
}

fn run(args: &[&str]) -> Output {
    zholdary(args).output().expect("the binary starts")
}

/// What `zholdary triage` makes of `lines`.
fn triage(lines: &str, args: &[&str]) -> Output {
    let mut child = zholdary(&[&["triage"], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

#[test]
fn one_fault_is_one_fault() {
    let city = folder();
    std::fs::write(city.path().join("notes.toml"), "").unwrap();
    let checked = run(&["city", "check", path(city.path())]);
    assert_eq!((out(&checked).lines().count(), err(&checked).trim()), (1, "1 fault"), "{checked:?}");
}

#[test]
fn a_file_that_is_no_body_of_the_hook_is_no_success() {
    let data = folder();
    let at = |name: &str, text: &str| {
        let file = data.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    for (name, text, expected) in [
        ("empty.json", "", "empty"),
        ("list.csv", "id,text\n1,яма\n", "not JSON: trouble at line 1, column 1"),
        ("lines.jsonl", "{\"id\":1,\"text\":\"яма\"}\n{\"id\":2,\"text\":\"яма\"}\n", "one body"),
        ("web.json", "{\"text\":\"яма\"}", "\"object\": \"whatsapp_business_account\""),
        ("page.json", "{\"object\":\"page\",\"entry\":[]}", "\"object\": \"whatsapp_business_account\""),
    ] {
        let file = at(name, text);
        let told = run(&["ingest", "whatsapp", path(&file), "--data", path(data.path())]);
        let line: Value = serde_json::from_slice(&told.stdout).unwrap();
        let error = line["error"].as_str().unwrap_or_else(|| panic!("{name} is taken: {line}"));
        assert!(error.contains(expected) && !error.contains("яма"), "{name}: {error}");
        assert_eq!((told.status.code(), &line["parked"]), (Some(1), &Value::from(0)), "{name}: {line}");
    }
    // What was a body once and is cut off waits for a person, as a delivery does.
    let cut = at("cut.json", "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":");
    let told = run(&["ingest", "whatsapp", path(&cut), "--data", path(data.path())]);
    let line: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told.status.success() && line["parked"] == 1, "{line}");
}

/// What the hook takes, a file of it gives: a text cut inside of a letter, a time that no clock showed.
#[test]
fn one_bad_element_of_a_file_holds_up_no_other() {
    let message = |id: &str, at: &str, text: &str| {
        format!(
            r#"{{"id":"wamid.{id}","from":"77000000101","timestamp":"{at}","type":"text","text":{{"body":"{text}"}}}}"#
        )
    };
    let check = |bad: String| {
        let data = folder();
        let good = message("good", "1795147200", "Яма на Абая 45");
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":
                {{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"2"}},"messages":[{bad},{good}]}}}}]}}]}}"#
        );
        let file = data.path().join("body.json");
        std::fs::write(&file, body).unwrap();
        let told = run(&["ingest", "whatsapp", path(&file), "--data", path(data.path())]);
        let line: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert!(told.status.success() && line["error"].is_null(), "{bad}: {line}");
        assert_eq!(line["messages"], 2, "{bad}: {line}");
        let number = line["appeals"][0].as_str().unwrap();
        assert!(number.starts_with("Z-2026-"), "the year of its neighbour: {line}");
    };
    check(message("bad", "1795147200", r"Яма на Толе би 20 \ud83d"));
    check(message("bad", "4102444800", "Яма на Толе би 20"));
    check(message("bad", "86400", "Яма на Толе би 20"));
}

#[test]
fn tokens_are_listed_without_their_secrets() {
    let data = folder();
    let sample = root().join("tests/samples/channels/whatsapp/01_text_pothole_ru.json");
    let place = ["--data", path(data.path())];
    assert!(run(&[&["ingest", "whatsapp", path(&sample)], &place[..]].concat()).status.success());
    let create = |args: &[&str]| {
        let made = run(&[&["token", "create"], args, &place[..]].concat());
        assert!(made.status.success(), "{made:?}");
        out(&made).trim().to_owned()
    };
    let operator = create(&["--role", "operator"]);
    let party = create(&["--role", "party", "--party", "akimat-almaly", "--days", "30"]);
    assert!(run(&[&["token", "revoke", &operator], &place[..]].concat()).status.success());
    assert!(run(&[&["rebuild"], &place[..]].concat()).status.success());

    let listed = run(&[&["token", "list", "--json"], &place[..]].concat());
    let lines: Vec<Value> = out(&listed).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |token: &str| {
        let name = token.split('_').nth(1).unwrap();
        lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}: {listed:?}"))
    };
    assert_eq!(lines.len(), 2);
    assert_eq!((&named(&operator)["role"], &named(&operator)["works"]), (&"operator".into(), &false.into()));
    assert_eq!((&named(&party)["party"], &named(&party)["works"]), (&"akimat-almaly".into(), &true.into()));
    assert!(lines.iter().all(|line| line.get("digest").is_none()), "{lines:?}");

    let told = out(&run(&[&["token", "list"], &place[..]].concat()));
    assert!(told.contains("revoked") && told.contains("akimat-almaly"), "{told}");
    let secret = party.rsplit('_').next().unwrap();
    assert!(!told.contains(secret), "{told}");
}

#[test]
fn a_line_that_does_not_read_is_told_by_its_field() {
    for (line, expected) in [
        ("яма на Абая", "line 1: not a JSON object: trouble at column 1"),
        ("[1, \"яма\"]", "line 1: not a JSON object"),
        ("{\"id\": 1, \"text\": \"яма\"", "line 1: not a JSON object: trouble at column"),
        ("{\"id\": 1}", "line 1: `text` is missing"),
        ("{\"id\": 1, \"Text\": \"яма\"}", "line 1: `text` is missing: is `Text` meant for it?"),
        ("{\"id\": 1, \"text\": [\"яма\"]}", "line 1: `text` must be text"),
        ("{\"id\": 1, \"text\": \"яма\", \"point\": \"Абая\"}", "line 1: `point` must be"),
        ("{\"id\": 1, \"text\": \"яма\", \"point\": {\"lon\": 300, \"lat\": 1}}", "line 1: `point` must be"),
    ] {
        let told = triage(&format!("{line}\n{{\"id\": 2, \"text\": \"Яма на Абая 45\"}}\n"), &[]);
        let said = err(&told);
        assert!(said.contains(expected) && !said.contains("яма"), "{line}: {said}");
        assert_eq!((told.status.code(), out(&told).lines().count()), (Some(1), 1), "the next line goes on");
    }
}

#[test]
fn a_key_that_looks_misspelt_is_told_once() {
    let line = "{\"id\": 1, \"text\": \"Яма на Абая 45\", \"poitn\": [76.9, 43.2], \"note\": \"ours\"}\n";
    let told = triage(&line.repeat(2), &[]);
    assert!(told.status.success(), "{told:?}");
    assert_eq!(err(&told).trim(), "line 1: the key `poitn` is passed over: is `point` meant?");
    let labelled = root().join("tests/samples/almaty/appeals-sample.jsonl");
    assert_eq!(err(&run(&["triage", path(&labelled)])), "");
}

#[test]
fn a_time_that_does_not_read_is_told_with_one_that_does() {
    for args in
        [&["triage", "--at", "yesterday"][..], &["ingest", "jsonl", "none.jsonl", "--at", "2026-11-20"]]
    {
        let said = err(&run(args));
        assert!(said.contains("2026-11-20T09:00:00+05:00"), "{said}");
    }
}

#[test]
fn the_doctor_tells_the_settings_and_no_secret() {
    let data = folder();
    let at = |name: &str| data.path().join(name);
    let city = root().join("deploy/cities/almaty");
    assert!(run(&["city", "publish", path(&city), "--data", path(data.path())]).status.success());
    std::fs::write(at("secret"), "the-very-secret").unwrap();
    let secret = at("secret");
    let settings = at("settings.toml");
    let text = format!(
        "[workers]\nlanes = 8\n[http.limits]\nphotos_max = 3\n[whatsapp]\napp_secret_file = \"{0}\"\nverify_token_file = \"{0}\"\ntoken_file = \"{0}\"\n[party.akimat-almaly]\nduty = [\"77010000000@sms.example\"]\n",
        path(&secret)
    );
    std::fs::write(&settings, text).unwrap();
    let doctor = |config: &[&str]| run(&[&["doctor", "--data", path(data.path())], config].concat());
    let told = doctor(&["--config", path(&settings)]);
    let said = out(&told);
    for expected in [
        "workers.lanes = 8",
        "http.limits.photos_max = 3",
        path(&settings),
        "WhatsApp hook: configured",
        "WhatsApp sending: has a token",
        "Telegram sending: no token",
    ] {
        assert!(said.contains(expected), "no {expected}: {said}");
    }
    assert!(!said.contains("the-very-secret") && !said.contains("7701"), "{said}");
    assert!(out(&doctor(&[])).contains("settings: no file"), "{}", out(&doctor(&[])));

    for (text, expected) in [
        ("[workers]\nlanes = 0\n", "workers.lanes is 0: give 1 to"),
        ("[query]\nreaders = 0\n", "query.readers is 0"),
        ("[http]\nrequest_timeout_ms = 0\n", "http.request_timeout_ms is 0"),
        ("[workers]\nlook_ms = 86400000\n", "workers.look_ms is 86400000"),
        ("[delivery]\nexpires_hours = 0\n", "delivery.expires_hours is 0"),
        ("[workers]\nsite = \"zholdary.example/\"\n", "workers.site"),
        ("[raw]\nbody_bytes = 1000\n", "raw.body_bytes"),
        ("[party.a]\nemail = [\"no address\"]\n", "party.a.email has an entry that is no mail address"),
        ("[party.a]\nlang = \"en\"\n", "party.a.lang"),
    ] {
        std::fs::write(&settings, text).unwrap();
        let told = doctor(&["--config", path(&settings)]);
        let said = err(&told);
        assert!(!told.status.success() && said.contains(expected), "{text}: {said}");
    }
    std::fs::write(&settings, "[http]\nrequest_timeout_ms = 5000\n").unwrap();
    let told = doctor(&["--config", path(&settings)]);
    assert!(out(&told).contains("keep it above both"), "{}", out(&told));
}
