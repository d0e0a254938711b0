//! Registers that die anywhere, two at once: no number twice, no appeal with two numbers, nothing placed twice.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::rig::{Rig, config, told_by};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{AppealId, MessageId, Number, Position, StreamId, appeal::Event, message::Outcome};
use zholdary_log::faults::Faulty;
use zholdary_routing::{Config, Parts, Rulesets, register::Register};

/// Two people, one of whom writes three times in ten minutes, and somebody who sends nothing of use.
pub(crate) fn story() -> Vec<Value> {
    let says = |id: &str, contact: &str, minute: u32, text: &str| {
        json!({ "id": id, "channel": "whatsapp", "contact": contact, "text": text,
                "sent_at": format!("2026-11-20T09:{minute:02}:00+05:00") })
    };
    vec![
        says("a1", "+77000000201", 0, "Яма на проспекте"),
        says("b1", "+77000000202", 1, "Не горят фонари"),
        says("a2", "+77000000201", 4, "Уже неделю"),
        says("c1", "+77000000203", 5, "👍"),
        says("a3", "+77000000201", 30, "И ещё люк открыт"),
    ]
}

type Places = BTreeMap<MessageId, Option<Outcome>>;

async fn outcomes(rig: &Rig) -> (Places, BTreeMap<AppealId, Number>) {
    let told = told_by(&rig.records().await);
    told.check_placed();
    let numbers = told.appeals.iter().map(|(id, a)| (*id, a.registered.as_ref().unwrap().number.clone()));
    (told.messages.iter().map(|(id, m)| (*id, m.outcome)).collect(), numbers.collect())
}

/// Runs registers over mortal logs side by side until each has died or has nothing left to do.
async fn run(rig: &Rig, lives: &[(i64, bool)]) {
    let mut running = Vec::new();
    for (left, writes_last) in lives {
        let mortal = Faulty::new(Arc::clone(&rig.log));
        mortal.die_after(*left, *writes_last);
        let dead = mortal.dead();
        // Small pages: what is unfinished and what finishes it seldom stand on the same one.
        let config = Config { page_records: 2, ..config() };
        let register = Register::new(&Parts { log: mortal, config, ..rig.parts() });
        let progress = register.progress();
        let task = tokio::spawn(register.run(CancellationToken::new()));
        running.push((dead, progress, task));
    }
    for (dead, progress, task) in &mut running {
        let idle = async {
            loop {
                let head = rig.log.head().await.unwrap();
                progress.reach(head).await;
                if rig.log.head().await.unwrap() == head {
                    return;
                }
            }
        };
        let ended = async {
            tokio::select! {
                () = dead.cancelled() => {}
                () = idle => {}
                ended = &mut *task => panic!("a register ended by itself: {ended:?}"),
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("dies or settles");
        // kill -9: nothing that it was about to do happens.
        task.abort();
    }
}

async fn told(rulesets: &Rulesets) -> Rig {
    let rig = Rig::with(rulesets.clone()).await;
    rig.hear(&story()).await;
    rig
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_register_dies_after_every_append() {
    let rulesets = Rulesets::default();
    let calm = told(&rulesets).await;
    run(&calm, &[(i64::MAX, false)]).await;
    let (expected, numbers) = outcomes(&calm).await;
    assert_eq!(numbers.len(), 3);
    let appends = 9 + 1; // five settled, one record of numbers, three registered, one added
    for left in 0..=appends {
        for writes_last in [false, true] {
            let rig = told(&rulesets).await;
            run(&rig, &[(left, writes_last)]).await;
            run(&rig, &[(i64::MAX, false)]).await;
            let (places, numbers) = outcomes(&rig).await;
            assert_eq!(places, expected, "died after {left} appends");
            assert_eq!(numbers.len(), 3, "died after {left} appends");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_registers_at_once_each_die_between_every_pair_of_appends() {
    let rulesets = Rulesets::default();
    let calm = told(&rulesets).await;
    run(&calm, &[(i64::MAX, false)]).await;
    let (expected, _) = outcomes(&calm).await;
    for one in 0..=10 {
        for other in 0..=10 {
            let rig = told(&rulesets).await;
            run(&rig, &[(one, other % 2 == 0), (other, one % 2 == 0)]).await;
            // More people write meanwhile.
            rig.hear(&[
                json!({ "id": "d1", "text": "Снег не убран", "sent_at": "2026-11-20T09:31:00+05:00" }),
            ])
            .await;
            run(&rig, &[(i64::MAX, false), (i64::MAX, false)]).await;
            run(&rig, &[(i64::MAX, false)]).await;
            let (places, numbers) = outcomes(&rig).await;
            assert_eq!(numbers.len(), 4, "died after {one} and {other} appends");
            for (message, outcome) in &expected {
                assert_eq!(&places[message], outcome, "died after {one} and {other} appends");
            }
        }
    }
}

#[tokio::test]
async fn what_is_told_before_its_message_waits_for_it() {
    let rig = Rig::new().await;
    let line = |reply: Value| {
        json!({ "id": "e1", "channel": "whatsapp", "contact": "+77000000204", "text": "Провалился асфальт, Абая 45",
                "reply_to": reply, "sent_at": "2026-11-20T09:00:00+05:00" })
    };
    let [id] = rig.hear(&[line(Value::Null)]).await[..] else { panic!("one message") };
    let fresh = Rig::new().await;
    let of = zholdary_domain::inbound::MessageRef {
        channel: zholdary_domain::inbound::Channel::Whatsapp,
        account: zholdary_channels::jsonl::DEFAULT_ACCOUNT.into(),
        external_id: "e1".to_owned().into(),
    };
    let at = zholdary_testkit::at("2026-11-20T09:05:00+05:00");
    let says = |text: &str| zholdary_domain::inbound::Content {
        text: Some(text.to_owned().into()),
        ..Default::default()
    };
    for _ in 0..2 {
        for told in [
            zholdary_domain::Inbound::Edited {
                of: of.clone(),
                edit: "w2".to_owned().into(),
                content: says("Провалился асфальт, Абая 54"),
                sent_at: at,
            },
            zholdary_domain::Inbound::Withdrawn { of: of.clone(), sent_at: at },
        ] {
            fresh.tell(vec![told]).await;
        }
        fresh.settle().await;
    }
    fresh.hear(&[line(Value::Null)]).await;
    fresh.settle().await;
    let (_, appeal) = fresh.appeal_of(id).await;
    assert!(appeal.edits.contains(&(id, 2)), "{appeal:?}");
    assert!(appeal.withdrawn.contains(&id));
    assert!(appeal.understanding.unwrap().danger, "what is taken back is hidden, not unheard");
    told_by(&fresh.records().await).check_placed();
}

#[tokio::test]
async fn a_part_that_was_split_off_has_its_own_number_and_knows_where_it_came_from() {
    let rig = Rig::new().await;
    let line = json!({ "id": "s1", "contact": "+77000000205", "text": "Яма и фонари не горят на Толе би",
                       "sent_at": "2026-11-20T09:00:00+05:00" });
    let [message] = rig.hear(&[line]).await[..] else { panic!("one message") };
    rig.settle().await;
    let (parent, before) = rig.appeal_of(message).await;
    let by = zholdary_domain::appeal::Actor::Operator { token: "t".into() };
    let split = zholdary_domain::appeal::Command::Split { of: parent, parts: 2, by };
    rig.appeals()
        .handle(
            &StreamId::from(parent),
            zholdary_domain::CommandId::named("test", "split"),
            zholdary_log::Cause::OUTSIDE,
            |state, _| zholdary_domain::appeal::decide(state, split.clone()),
        )
        .await
        .unwrap();
    for _ in 0..2 {
        rig.settle().await;
    }
    let told = told_by(&rig.records().await);
    told.check_placed();
    let parts: Vec<_> = told
        .appeals
        .values()
        .filter_map(|a| a.registered.as_ref())
        .filter(|r| r.parent == Some(parent))
        .collect();
    assert_eq!(parts.len(), 2);
    let first = before.registered.unwrap();
    assert!(parts.iter().all(|p| p.contact == first.contact && p.received_at == first.received_at));
}

#[tokio::test]
async fn a_number_that_is_given_is_never_an_earlier_system_s() {
    let rig = Rig::new().await;
    rig.hear(&story()).await;
    rig.settle().await;
    let sent = |external: &str, number: &str| {
        zholdary_domain::Inbound::Sent(Box::new(zholdary_domain::inbound::InboundSent {
            id: zholdary_domain::inbound::MessageRef {
                channel: zholdary_domain::inbound::Channel::Email,
                account: "appeals@city.example".into(),
                external_id: external.to_owned().into(),
            },
            answers: None,
            number: Some(number.parse().unwrap()),
            contact: Some("irina@example.org".to_owned().into()),
            sent_at: zholdary_testkit::at("2026-11-19T17:40:00+05:00"),
        }))
    };
    // One names a number that we gave, the other one far ahead: known from an earlier system, and passed by the counter.
    rig.tell(vec![sent("<1@city>", "Z-2026-000002"), sent("<2@city>", "Z-2026-000401")]).await;
    rig.settle().await;
    rig.hear(&[json!({ "id": "n1", "text": "Снег не убран", "sent_at": "2026-11-20T09:40:00+05:00" })]).await;
    rig.settle().await;
    let (_, numbers) = outcomes(&rig).await;
    let mut serials: Vec<_> = numbers.values().map(ToString::to_string).collect();
    serials.sort();
    let expected = ["Z-2026-000001", "Z-2026-000002", "Z-2026-000003", "Z-2026-000401", "Z-2026-000402"];
    assert_eq!(serials, expected);
}

/// An earlier system's answer came to the log before the message it answers: the number it names is still known, once.
#[tokio::test]
async fn a_number_in_an_answer_waits_for_the_message_it_answers() {
    let line = json!({ "id": "h1", "channel": "whatsapp", "contact": "+77000000221", "text": "Яма на Абая",
                       "sent_at": "2026-11-20T09:00:00+05:00" });
    let named = |external: &str| zholdary_domain::inbound::MessageRef {
        channel: zholdary_domain::inbound::Channel::Whatsapp,
        account: zholdary_channels::jsonl::DEFAULT_ACCOUNT.into(),
        external_id: external.to_owned().into(),
    };
    let answer = zholdary_domain::Inbound::Sent(Box::new(zholdary_domain::inbound::InboundSent {
        id: named("out1"),
        answers: Some("h1".to_owned().into()),
        number: Some("Z-2025-000777".parse().unwrap()),
        contact: None,
        sent_at: zholdary_testkit::at("2026-11-20T09:01:00+05:00"),
    }));
    for settles_between in [false, true] {
        let rig = Rig::new().await;
        rig.tell(vec![answer.clone()]).await;
        if settles_between {
            rig.settle().await;
        }
        let [message] = rig.hear(std::slice::from_ref(&line)).await[..] else { panic!("one message") };
        for _ in 0..2 {
            rig.settle().await;
            let (id, _) = rig.appeal_of(message).await;
            let aliases = rig.events(id).await.into_iter().filter(
                |event| matches!(event, Event::AliasNamed { number } if number.as_str() == "Z-2025-000777"),
            );
            assert_eq!(aliases.count(), 1, "settled between: {settles_between}");
        }
        told_by(&rig.records().await).check_placed();
    }
}

/// Events of another release.
struct Strange;

impl zholdary_log::Aggregate for Strange {
    type State = ();
    type Event = Value;
    const SCHEMA: u16 = 1;

    fn evolve(_: &mut (), _: &Value, _: chrono::DateTime<chrono::Utc>) {}
}

pub(crate) async fn strange(rig: &Rig, stream: StreamId) {
    let decider = zholdary_log::Decider::<Strange>::new(Arc::clone(&rig.log), rig.clock());
    let expect = rig.log.load(&stream).await.unwrap().expect();
    let command = zholdary_domain::CommandId::named("test", &stream.to_string());
    let events = [json!({ "type": "of_another_release" })];
    decider.handle_expecting(&stream, command, zholdary_log::Cause::OUTSIDE, expect, &events).await.unwrap();
}

/// Whatever does not read, nothing is lost and nobody else waits.
#[tokio::test]
async fn what_does_not_read_holds_up_nobody_else() {
    let rig = Rig::new().await;
    let says = |id: &str, contact: &str, minute: u32| {
        json!({ "id": id, "channel": "whatsapp", "contact": contact, "text": "Яма на Абая — Розыбакиева",
                "sent_at": format!("2026-11-20T09:{minute:02}:00+05:00") })
    };
    let [unread, whole] = rig.hear(&[says("u1", "+77000000210", 0), says("u2", "+77000000211", 0)]).await[..]
    else {
        panic!("two messages")
    };
    // An edit that nobody can read, before the message has its place.
    strange(&rig, unread.into()).await;
    rig.settle().await;
    // A record of an appeal that nobody can read: its author writes on, and its terms pass.
    let broken = rig.appeal_of(whole).await.0;
    strange(&rig, broken.into()).await;
    let [further, other] =
        rig.hear(&[says("u3", "+77000000211", 1), says("u4", "+77000000212", 1)]).await[..]
    else {
        panic!("two messages")
    };
    rig.clock.set(zholdary_testkit::at("2027-03-01T00:00:00+05:00"));
    for _ in 0..2 {
        rig.settle().await;
    }
    assert_eq!(
        outcome(&rig, other).await.map(|o| matches!(o, Outcome::Placed { opens: true, .. })),
        Some(true)
    );
    assert!(matches!(outcome(&rig, further).await, Some(Outcome::Placed { appeal, .. }) if appeal == broken));
    // Set aside for a person: one record after the two that were there.
    let last = rig.log.last(&unread.into()).await.unwrap().unwrap();
    assert_eq!(last.version, 3);
    let events: Vec<Value> = last.events().unwrap();
    assert_eq!(events, [json!({ "type": "set_aside", "why": "for_person" })]);
    assert!(rig.log.last(&AppealId::opened_by(unread).into()).await.unwrap().is_none());
}

async fn outcome(rig: &Rig, message: MessageId) -> Option<Outcome> {
    let messages: zholdary_log::Decider<zholdary_log::streams::Messages> =
        zholdary_log::Decider::new(Arc::clone(&rig.log), rig.clock());
    messages.load(&message.into()).await.unwrap().state.outcome
}

/// A full stop that was edited into a complaint before it came is a complaint.
#[tokio::test]
async fn what_was_edited_before_it_came_is_what_it_says() {
    let rig = Rig::new().await;
    let of = zholdary_domain::inbound::MessageRef {
        channel: zholdary_domain::inbound::Channel::Whatsapp,
        account: zholdary_channels::jsonl::DEFAULT_ACCOUNT.into(),
        external_id: "d1".to_owned().into(),
    };
    let says = |text: &str| zholdary_domain::inbound::Content {
        text: Some(text.to_owned().into()),
        ..Default::default()
    };
    let edited = |edit: &str, text: &str, minute| zholdary_domain::Inbound::Edited {
        of: of.clone(),
        edit: edit.to_owned().into(),
        content: says(text),
        sent_at: zholdary_testkit::at(minute),
    };
    rig.tell(vec![edited("w2", "Яма на Абая — Розыбакиева", "2026-11-20T09:06:00+05:00")]).await;
    rig.tell(vec![edited("w1", "..", "2026-11-20T09:05:00+05:00")]).await;
    let line = json!({ "id": "d1", "channel": "whatsapp", "contact": "+77000000213", "text": ".",
                       "sent_at": "2026-11-20T09:00:00+05:00" });
    let [message] = rig.hear(&[line]).await[..] else { panic!("one message") };
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(message).await;
    assert_eq!(appeal.findings[0].category, "pothole");
    assert_eq!(id, AppealId::opened_by(message));
    told_by(&rig.records().await).check_placed();
}

/// A register that was slow finds in one page what another did: the messages, their appeals and their numbers. It gives no
/// number for what has one.
#[tokio::test]
async fn a_register_that_is_late_burns_no_number() {
    let rig = Rig::new().await;
    for line in story() {
        rig.hear(&[line]).await;
        rig.settle().await;
    }
    let before = rig.log.head().await.unwrap();
    let late = Faulty::new(Arc::clone(&rig.log));
    late.believe_head(Position::START);
    let stop = CancellationToken::new();
    let register = Register::new(&Parts { log: late, ..rig.parts() });
    let progress = register.progress();
    let task = tokio::spawn(register.run(stop.clone()));
    progress.reach(before).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(rig.log.head().await.unwrap(), before, "nothing was left to do");
}
