//! Somebody sends more than the city's limits: all of it is kept, in one appeal that a person looks at.

use serde_json::{Value, json};
use zholdary_domain::{
    AppealId, MessageId,
    appeal::{DESK, Event},
};

use crate::rig::Rig;

fn says(channel: &str, contact: &str, minute: u32, text: &str) -> Value {
    let (hour, minute) = (9 + minute / 60, minute % 60);
    json!({ "id": format!("{channel}/{contact}/{hour}/{minute}/{text}"), "channel": channel, "contact": contact, "text": text,
            "sent_at": format!("2026-11-19T{hour:02}:{minute:02}:00+05:00") })
}

const PIT: &str = "Яма на Абая — Розыбакиева";
const MAN: &str = "+77000000201";

/// The appeals that messages came to, and whether each gathers a flood.
async fn placed(rig: &Rig, messages: &[MessageId]) -> Vec<(AppealId, bool)> {
    let mut all = vec![];
    for message in messages {
        let (id, appeal) = rig.appeal_of(*message).await;
        all.push((id, appeal.registered.unwrap().flood.is_some()));
    }
    all
}

/// How many appeals the messages became, how many of the messages were gathered, and in how many appeals those are.
fn figures(placed: &[(AppealId, bool)]) -> (usize, usize, usize) {
    let distinct = |gathered: bool| {
        let ids = placed.iter().filter(|(_, is)| *is == gathered).map(|(id, _)| *id);
        ids.collect::<std::collections::BTreeSet<_>>().len()
    };
    (distinct(false), placed.iter().filter(|(_, is)| *is).count(), distinct(true))
}

#[tokio::test]
async fn what_is_beyond_the_limits_is_gathered_in_one_appeal() {
    type Case = (&'static str, u32, fn(u32) -> Value, (usize, usize, usize));
    // So many messages, one by one: how many appeals, how many gathered, in how many.
    let cases: [Case; 7] = [
        ("five appeals in an hour", 5, |n| says("email", "a@example.com", n * 11, PIT), (5, 0, 0)),
        ("eight letters in an hour", 8, |n| says("email", "a@example.com", n * 7, PIT), (5, 3, 1)),
        (
            "one each quarter of an hour: twenty a day",
            23,
            |n| says("email", "a@example.com", n * 15, PIT),
            (20, 3, 1),
        ),
        ("thirty messages of one conversation", 30, |_| says("whatsapp", MAN, 0, "и ещё"), (1, 0, 0)),
        ("thirty-three", 33, |n| says("whatsapp", MAN, n / 4, &format!("и ещё {n}")), (1, 3, 1)),
        ("what an operator wrote down", 9, |n| says("meeting", MAN, n, PIT), (9, 0, 0)),
        (
            "an archive",
            9,
            |n| {
                let mut line = says("email", "a@example.com", n, PIT);
                line["sent_at"] = json!(format!("2025-11-20T09:{n:02}:00+05:00"));
                line
            },
            (9, 0, 0),
        ),
    ];
    for (name, count, line, expected) in cases {
        let rig = Rig::new().await;
        let lines: Vec<Value> = (0..count).map(line).collect();
        // A message of the same id is the same message.
        let lines: Vec<Value> = lines
            .into_iter()
            .enumerate()
            .map(|(n, mut line)| {
                line["id"] = json!(n.to_string());
                line
            })
            .collect();
        let mut messages = vec![];
        for line in &lines {
            messages.extend(rig.hear(std::slice::from_ref(line)).await);
        }
        rig.settle().await;
        let seen = placed(&rig, &messages).await;
        assert_eq!(figures(&seen), expected, "{name}");
        // Whoever reads the log again decides alike.
        rig.settle().await;
        assert_eq!(placed(&rig, &messages).await, seen, "{name}");
    }
}

#[tokio::test]
async fn of_a_flood_no_rule_decides_but_of_its_dangers() {
    let rig = Rig::new().await;
    let mut lines: Vec<Value> =
        (0..7).map(|n| says("email", "a@example.com", n, &format!("{PIT}, место {n}"))).collect();
    lines.push(says("email", "b@example.com", 8, PIT));
    let mut messages = vec![];
    for line in &lines {
        messages.extend(rig.hear(std::slice::from_ref(line)).await);
    }
    rig.settle().await;
    let seen = placed(&rig, &messages).await;
    assert_eq!(figures(&seen), (6, 2, 1), "another person's letter is their own");
    let flood = seen[5].0;
    let (_, appeal) = rig.appeal_of(messages[5]).await;
    assert_eq!(appeal.registered.as_ref().unwrap().flood, Some(6));
    assert!(appeal.findings.iter().all(|finding| finding.party() == DESK), "{:?}", appeal.findings);
    let told = |events: &[Event]| {
        events.iter().any(|event| matches!(event, Event::Answered(_) | Event::PlaceAsked(_)))
    };
    assert!(!told(&rig.events(flood).await), "nobody is answered or asked by a rule");
    assert!(!appeal.understanding.unwrap().danger);
    // A danger among it is heard as any other.
    let danger =
        rig.hear(&[says("email", "a@example.com", 9, "Открытый люк на Сатпаева 5, туда упал ребёнок")]).await;
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(danger[0]).await;
    assert_eq!(id, flood);
    assert!(appeal.understanding.unwrap().danger);
    let alarms = |event: &Event| matches!(event, Event::Escalated { .. });
    assert!(rig.events(flood).await.iter().any(alarms), "{:?}", rig.events(flood).await);
}
