//! What `route` decides, and what it leaves to people.

use crate::rig::{Rig, config, files};
use serde_json::{Value, json};
use zholdary_city::Files;
use zholdary_domain::{
    AppealId, CommandId, StreamId,
    appeal::{self, Actor, Appeal, Clock, Command, Event, FindingId, StateName},
};
use zholdary_log::Cause;

fn says(id: &str, text: &str) -> Value {
    json!({ "id": id, "channel": "whatsapp", "contact": "+77000000301", "text": text,
            "sent_at": "2026-11-20T09:00:00+05:00" })
}

async fn one(line: Value) -> (Rig, AppealId, Appeal) {
    let rig = Rig::new().await;
    let [message] = rig.hear(&[line]).await[..] else { panic!("one message") };
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(message).await;
    (rig, id, appeal)
}

async fn wish(rig: &Rig, id: AppealId, name: &str, command: Command) {
    let stream = StreamId::from(id);
    rig.appeals()
        .handle(&stream, CommandId::named("test", name), Cause::OUTSIDE, |state, _| {
            appeal::decide(state, command.clone())
        })
        .await
        .unwrap();
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

struct Expected {
    state: StateName,
    to: &'static str,
    rule: &'static str,
    events: &'static [&'static str],
}

async fn check(line: Value, expected: Expected) {
    let text = line.to_string();
    let (rig, id, appeal) = one(line).await;
    let main = appeal.findings.first().and_then(|f| f.route.as_ref()).expect("is routed");
    assert_eq!((main.to.as_str(), main.rule.as_str()), (expected.to, expected.rule), "{text}");
    assert_eq!(appeal.state(), expected.state, "{text}");
    assert_eq!(names(&rig.events(id).await), expected.events, "{text}");
    assert!(!main.because.ru.is_empty() && !main.because.kk.is_empty(), "{text}: {:?}", main.because);
    assert!(main.due.contains_key(&Clock::Legal));
}

/// Found by the simulation: seed 78.
#[tokio::test]
async fn what_ended_unread_is_read_when_it_is_opened_again() {
    let rig = Rig::new().await;
    let [message] = rig.hear(&[says("1", "Яма на пересечении Толе би и Масанчи")]).await[..]
    else {
        panic!("one message")
    };
    rig.register().await;
    let (id, _) = rig.appeal_of(message).await;
    let by = || Actor::Operator { token: "desk".into() };
    let reason = || "по ошибке".to_owned().into();
    wish(&rig, id, "end", Command::NotConsider { by: by(), reason: reason() }).await;
    rig.settle().await;
    assert_eq!(names(&rig.events(id).await), ["registered", "not_considered"]);
    wish(&rig, id, "open", Command::Reopen { by: by(), reason: reason() }).await;
    rig.settle().await;
    let events = rig.events(id).await;
    assert_eq!(names(&events)[..5], ["registered", "not_considered", "reopened", "understood", "routed"]);
    let (_, appeal) = rig.appeal_of(message).await;
    assert!(appeal.next_due().is_some(), "its terms run");
}

#[tokio::test]
async fn each_kind_of_words_finds_who_acts() {
    let routed = StateName::Routed;
    let plain: &[&str] = &["registered", "understood", "routed"];
    let point = |lon: f64, lat: f64| json!({ "lon": lon, "lat": lat });
    for (line, expected) in [
        (
            says("1", "Большая яма на Кабанбай батыра 164, угол Масанчи"),
            Expected { state: routed, to: "sample-tegis-tosem", rule: "works", events: plain },
        ),
        (
            says("2", "Светофор не работает: Абылай хана и Толе би"),
            Expected { state: routed, to: "traffic_org", rule: "category", events: plain },
        ),
        (
            says("3", "Огромная яма на въезде в Каскелен, город Каскелен"),
            Expected {
                state: StateName::Forwarded,
                to: "oblast",
                rule: "region",
                events: &["registered", "understood", "routed", "forwarded_outside"],
            },
        ),
        (
            says("4", "Яма и ещё раз яма, колесо пробило"),
            Expected {
                state: StateName::Asked,
                to: "operator",
                rule: "ask_place",
                events: &["registered", "understood", "routed", "place_asked"],
            },
        ),
        (
            says("5", "Колодец без крышки"),
            // Danger never waits for a question: the desk is told, the question goes beside.
            Expected {
                state: StateName::Desk,
                to: "operator",
                rule: "ask_place",
                events: &["registered", "understood", "routed", "place_asked", "escalated"],
            },
        ),
        (
            says("6", "Подскажите, как включить улицу в план ремонта? Как подать заявку?"),
            Expected {
                state: StateName::Answered,
                to: "operator",
                rule: "category",
                events: &["registered", "understood", "routed", "answered"],
            },
        ),
        (
            says("7", "Спасибо большое, яму на Толе би заделали, молодцы"),
            Expected {
                state: StateName::Answered,
                to: "operator",
                rule: "category",
                events: &["registered", "understood", "routed", "answered"],
            },
        ),
        (
            {
                let mut line = says("8", "Яма на дороге, выбоина");
                line["point"] = point(76.915, 43.252);
                line
            },
            Expected { state: routed, to: "akimat-almaly", rule: "category", events: plain },
        ),
    ] {
        check(line, expected).await;
    }
}

#[tokio::test]
async fn a_danger_on_a_border_is_told_to_every_candidate() {
    let (rig, id, appeal) = one(says("1", "Провалился асфальт на проспекте Абая, провал на дороге")).await;
    let route = appeal.findings[0].route.as_ref().unwrap();
    assert!(route.candidates.len() > 1, "{route:?}");
    let told: Vec<_> = rig
        .events(id)
        .await
        .into_iter()
        .filter_map(|e| match e {
            Event::Escalated { to, why, .. } if why == "danger" => Some(to),
            _ => None,
        })
        .collect();
    assert_eq!(told, route.candidates);
}

#[tokio::test]
async fn a_point_that_comes_later_finds_the_district_and_a_word_of_danger_is_heard() {
    let rig = Rig::new().await;
    let [first] = rig.hear(&[says("1", "Яма, выбоина на дороге")]).await[..] else {
        panic!()
    };
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(first).await;
    assert_eq!(appeal.state(), StateName::Asked);
    let mut point = says("2", "");
    point["point"] = json!({ "lon": 76.915, "lat": 43.252 });
    rig.hear(&[point]).await;
    rig.settle().await;
    let (same, appeal) = rig.appeal_of(first).await;
    assert_eq!(same, id);
    assert_eq!(appeal.findings[0].party(), "akimat-almaly");
    assert_eq!(appeal.state(), StateName::Routed);
    // A photo more changes nothing; a collapse does.
    let before = rig.events(id).await.len();
    rig.hear(&[says("3", "Жду ответа")]).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await.len(), before + 1, "the message was added, nothing was decided again");
    assert!(!rig.appeal_of(first).await.1.understanding.unwrap().danger);
    rig.hear(&[says("4", "Там теперь провал на дороге, дорога провалилась")]).await;
    rig.settle().await;
    let (_, appeal) = rig.appeal_of(first).await;
    assert!(appeal.understanding.unwrap().danger);
    // The pit stays where it stands; the collapse is a finding of its own.
    let findings: Vec<_> = appeal.findings.iter().map(|f| (f.category.as_str(), f.party())).collect();
    assert_eq!(findings, [("pothole", "akimat-almaly"), ("sinkhole", "akimat-almaly")]);
}

#[tokio::test]
async fn a_person_s_correction_is_followed_and_never_decided_over() {
    let (rig, id, before) = one(says("1", "Снег не убран на Толе би 100 угол Масанчи")).await;
    let by = Actor::Operator { token: "t".into() };
    wish(
        &rig,
        id,
        "correct",
        Command::Correct {
            finding: FindingId(0),
            category: Some("light_fault".into()),
            place: None,
            route: None,
            by,
            reason: "не снег, а свет".to_owned().into(),
        },
    )
    .await;
    rig.settle().await;
    let after = rig.appeals().load(&StreamId::from(id)).await.unwrap().state;
    assert_eq!(after.findings[0].party(), "zharyq", "was {}", before.findings[0].party());
    rig.hear(&[says("2", "А ещё мусор не вывозят, и снег лежит")]).await;
    rig.settle().await;
    let after = rig.appeals().load(&StreamId::from(id)).await.unwrap().state;
    assert_eq!(after.findings.len(), 1);
    assert_eq!(after.findings[0].category, "light_fault", "the rules decide nothing over a person");
}

/// The same fact, looked at after every restart, leads to nothing that a person did not want.
#[tokio::test]
async fn a_restart_takes_nothing_out_of_hands() {
    let (rig, id, _) = one(says("1", "Снег не убран на Толе би 100 угол Масанчи")).await;
    let person = || Actor::Operator { token: "t".into() };
    let reason = || "так надо".to_owned().into();
    // The same party answers for the right place: the rules change nothing, and leave no trace of having been asked.
    let correct = Command::Correct {
        finding: FindingId(0),
        category: None,
        place: Some(Box::new(state(&rig, id).await.findings[0].place.clone())),
        route: None,
        by: person(),
        reason: reason(),
    };
    wish(&rig, id, "correct", correct).await;
    rig.settle().await;
    let mut route = state(&rig, id).await.findings[0].route.clone().unwrap();
    route.to = "tazalyq".into();
    route.rule = "person".into();
    wish(&rig, id, "redirect", Command::Redirect { route: Box::new(route), alarms: vec![], by: person() })
        .await;
    let by = Actor::Party { code: "tazalyq".into() };
    wish(&rig, id, "accept", Command::Accept { finding: FindingId(0), by }).await;
    let before = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, before);
}

/// A correction from before it was opened again is not acted on: the person who did that has it before their eyes.
#[tokio::test]
async fn what_a_person_opened_again_is_not_sent_on_by_an_earlier_correction() {
    let (rig, id, _) = one(says("1", "Снег не убран на Толе би 100 угол Масанчи")).await;
    let person = || Actor::Operator { token: "t".into() };
    let reason = || "так надо".to_owned().into();
    let correct = Command::Correct {
        finding: FindingId(0),
        category: Some("light_fault".into()),
        place: None,
        route: None,
        by: person(),
        reason: reason(),
    };
    wish(&rig, id, "correct", correct).await;
    wish(&rig, id, "close", Command::Close { by: person(), reason: reason() }).await;
    wish(&rig, id, "reopen", Command::Reopen { by: person(), reason: reason() }).await;
    let before = rig.events(id).await;
    rig.settle().await;
    assert_eq!(names(&rig.events(id).await), names(&before));
}

/// Facts that changed nothing under the rules of their time change nothing under them later either.
#[tokio::test]
async fn a_restart_decides_nothing_again_by_rules_that_are_past() {
    let (rig, id, _) = one(says("1", "Яма, выбоина на дороге")).await;
    rig.hear(&[says("2", "Спасибо")]).await;
    rig.settle().await;
    rig.publish(&without_zharyq()).await;
    rig.hear(&[says("3", "На Абая — Розыбакиева")]).await;
    rig.settle().await;
    let before = rig.events(id).await;
    let rules = state(&rig, id).await.understanding.unwrap().rules;
    rig.settle().await;
    assert_eq!(rig.events(id).await, before);
    assert_eq!(state(&rig, id).await.understanding.unwrap().rules, rules);
}

#[tokio::test]
async fn a_danger_is_heard_in_every_state() {
    let person = || Actor::Operator { token: "t".into() };
    let words = || "всё".to_owned().into();
    let party = |appeal: &Appeal| Actor::Party { code: appeal.findings[0].party().to_owned() };
    type Wishes = fn(Actor, Actor, zholdary_domain::Personal<String>) -> Vec<Command>;
    let states: [(StateName, Wishes); 6] = [
        (StateName::Accepted, |by, _, _| vec![Command::Accept { finding: FindingId(0), by }]),
        (StateName::Started, |by, _, _| vec![Command::Start { finding: FindingId(0), by }]),
        (StateName::Refused, |by, _, reason| vec![Command::Refuse { finding: FindingId(0), by, reason }]),
        (StateName::Done, |by, _, why| {
            vec![Command::Finish { finding: FindingId(0), by, explanation: Some(why), proof: vec![] }]
        }),
        (StateName::Closed, |_, by, reason| vec![Command::Close { by, reason }]),
        (StateName::Routed, |_, by, reason| {
            let category = Some("road_worn".to_owned());
            vec![Command::Correct { finding: FindingId(0), category, place: None, route: None, by, reason }]
        }),
    ];
    for (expected, wishes) in states {
        let (rig, id, before) = one(says("1", "Яма на Толе би 100 угол Масанчи")).await;
        assert!(!before.understanding.as_ref().unwrap().danger);
        for (n, command) in wishes(party(&before), person(), words()).into_iter().enumerate() {
            wish(&rig, id, &n.to_string(), command).await;
        }
        rig.settle().await;
        let before = state(&rig, id).await;
        assert_eq!(before.state(), expected);
        rig.hear(&[says("2", "Там же открытый люк без крышки, ребёнок чуть не упал")]).await;
        rig.settle().await;
        let after = state(&rig, id).await;
        assert!(after.understanding.as_ref().unwrap().danger, "{expected:?}");
        assert_eq!(after.findings[0], before.findings[0], "{expected:?}: what somebody has stays");
        let new = after.findings.last().unwrap();
        assert_eq!(new.category, "manhole_open", "{expected:?}");
        if expected == StateName::Closed {
            assert_eq!(after.state(), StateName::Closed);
            assert!(after.reopen_requested);
            let told = |e: &Event| matches!(e, Event::Escalated { to, why, .. } if to == "operator" && why == "danger");
            assert!(rig.events(id).await.iter().any(told));
        } else {
            assert_eq!((new.party(), &new.stage), ("akimat-almaly", &appeal::Stage::Routed), "{expected:?}");
        }
        let events = rig.events(id).await.len();
        rig.settle().await;
        assert_eq!(rig.events(id).await.len(), events, "{expected:?}: heard once");
    }
}

/// A message that told of nothing new leaves no trace; after the pit was made safe a restart must not take it for news.
#[tokio::test]
async fn a_restart_does_not_open_a_danger_that_was_made_safe() {
    for (burst, closed) in [(false, false), (false, true), (true, false), (true, true)] {
        let rig = Rig::new().await;
        let heard = rig.hear(&[says("1", "Открытый люк без крышки на Толе би 100 угол Масанчи")]).await;
        if !burst {
            rig.settle().await;
        }
        rig.hear(&[says("2", "Люк так и открыт, без крышки")]).await;
        rig.register().await;
        rig.settle().await;
        let (id, _) = rig.appeal_of(heard[0]).await;
        let known = state(&rig, id).await;
        for (n, finding) in known.findings.iter().enumerate() {
            let by = Actor::Party { code: finding.party().to_owned() };
            let finding = FindingId(u16::try_from(n).unwrap());
            let explanation = Some("крышка стоит".to_owned().into());
            let done = Command::Finish { finding, by, explanation, proof: vec![] };
            wish(&rig, id, &n.to_string(), done).await;
        }
        if closed {
            let by = Actor::Operator { token: "t".into() };
            wish(&rig, id, "close", Command::Close { by, reason: "всё".to_owned().into() }).await;
        }
        let before = rig.events(id).await;
        rig.settle().await;
        assert_eq!(rig.events(id).await, before, "burst: {burst}, closed: {closed}");
    }
}

#[tokio::test]
async fn a_pit_in_hand_becomes_a_danger_when_somebody_falls_into_it() {
    let (rig, id, before) = one(says("1", "Яма на Толе би 100 угол Масанчи")).await;
    let by = Actor::Party { code: before.findings[0].party().to_owned() };
    wish(&rig, id, "accept", Command::Accept { finding: FindingId(0), by }).await;
    rig.hear(&[says("2", "В эту яму на Толе би ребёнок упал")]).await;
    rig.settle().await;
    let after = state(&rig, id).await;
    assert!(after.understanding.as_ref().unwrap().danger);
    let urgent = after.findings.last().unwrap().route.as_ref().unwrap();
    assert_eq!((after.findings.len(), urgent.priority.as_str()), (2, "emergency"));
    let events = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, events, "heard once");
}

#[tokio::test]
async fn a_correction_brings_the_terms_of_the_right_category() {
    let (rig, id, before) = one(says("1", "Яма на Толе би 100 угол Масанчи")).await;
    assert!(!before.findings[0].due.contains_key(&Clock::Secure));
    let correct = |category: Option<&str>, place: Option<zholdary_domain::Place>| Command::Correct {
        finding: FindingId(0),
        category: category.map(str::to_owned),
        place: place.map(Box::new),
        route: None,
        by: Actor::Operator { token: "t".into() },
        reason: "это провал".to_owned().into(),
    };
    wish(&rig, id, "category", correct(Some("sinkhole"), None)).await;
    rig.settle().await;
    let after = state(&rig, id).await;
    assert_eq!(after.findings[0].party(), before.findings[0].party(), "the district answers for both");
    assert!(after.findings[0].due.contains_key(&Clock::Secure), "{:?}", after.findings[0].due);
    assert_eq!(after.findings[0].route.as_ref().unwrap().priority, "emergency");
}

#[tokio::test]
async fn another_place_does_not_make_it_less_urgent() {
    let (rig, id, before) = one(says("1", "Яма на Толе би 100 угол Масанчи, ребёнок упал")).await;
    let urgent = before.findings[0].route.as_ref().unwrap().priority.clone();
    assert_eq!(urgent, "emergency", "raised by the words");
    let elsewhere = one(says("1", "Яма на Розыбакиева — Абая")).await.2.findings[0].place.clone();
    let correct = Command::Correct {
        finding: FindingId(0),
        category: None,
        place: Some(Box::new(elsewhere)),
        route: None,
        by: Actor::Operator { token: "t".into() },
        reason: "не там".to_owned().into(),
    };
    wish(&rig, id, "place", correct).await;
    rig.settle().await;
    let after = state(&rig, id).await;
    assert_ne!(after.findings[0].party(), before.findings[0].party());
    assert_eq!(after.findings[0].route.as_ref().unwrap().priority, urgent);
}

async fn state(rig: &Rig, id: AppealId) -> Appeal {
    rig.appeals().load(&StreamId::from(id)).await.unwrap().state
}

/// The city with another party for lights.
fn without_zharyq() -> Files {
    let mut entries: Vec<_> = files().iter().map(|(n, b)| (n.to_owned(), b.to_vec())).collect();
    for (name, bytes) in &mut entries {
        if name == "categories.toml" {
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replace("party = \"zharyq\"", "party = \"energy\"").into_bytes();
        }
    }
    Files::from_entries(entries).unwrap()
}

#[tokio::test]
async fn rules_are_a_barrier() {
    let rig = Rig::new().await;
    let [old] = rig.hear(&[says("1", "Не горят фонари на Толе би")]).await[..] else {
        panic!()
    };
    rig.register().await;
    rig.publish(&without_zharyq()).await;
    let mut line = says("2", "Не горят фонари на Толе би");
    line["contact"] = json!("+77000000302");
    let [new] = rig.hear(&[line]).await[..] else { panic!() };
    rig.register().await;
    assert!(rig.records().await.len() <= config().page_records, "all of it is one page");
    // Nothing is decided yet: `route` finds on one page an appeal, other rules, another appeal.
    rig.settle().await;
    let party = |appeal: &Appeal| appeal.findings[0].route.as_ref().unwrap().to.clone();
    let version = |appeal: &Appeal| appeal.understanding.as_ref().unwrap().rules.clone();
    let (one, other) = (rig.appeal_of(old).await.1, rig.appeal_of(new).await.1);
    assert_eq!((party(&one), party(&other)), ("zharyq".to_owned(), "energy".to_owned()));
    assert_ne!(version(&one), version(&other));
}

#[tokio::test]
async fn a_question_about_an_appeal_is_answered_by_its_number() {
    let rig = Rig::new().await;
    let [first] = rig.hear(&[says("1", "Не горят фонари на Толе би")]).await[..] else {
        panic!()
    };
    rig.settle().await;
    let number = rig.appeal_of(first).await.1.registered.unwrap().number;
    let mut ask = says("2", &format!("Что с моим обращением {number}? когда будет ответ по заявке"));
    ask["contact"] = json!("+77000000303");
    let [second] = rig.hear(&[ask]).await[..] else { panic!() };
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(second).await;
    assert_eq!(appeal.findings[0].category, "status_query");
    let answer = rig.events(id).await.into_iter().find_map(|e| match e {
        Event::Answered(answer) => Some(*answer),
        _ => None,
    });
    let text = answer.expect("is answered").text.into_revealed();
    assert!(text.contains(number.as_str()), "{text}");
}
