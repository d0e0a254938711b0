//! Terms pass once, through restarts, and never while nobody looks.

use crate::rig::Rig;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use zholdary_domain::{
    AppealId, CommandId, StreamId,
    appeal::{self, Actor, Clock, Command, Deadline, Event, FindingId, TermCause},
};
use zholdary_log::{Cause, Recorded};
use zholdary_testkit::at;

async fn begun() -> (Rig, AppealId) {
    let rig = Rig::new().await;
    let line = json!({ "id": "1", "text": "Не горят фонари на Толе би, темно", "contact": "+77000000401",
                       "sent_at": "2026-11-20T09:00:00+05:00" });
    let [message] = rig.hear(&[line]).await[..] else { panic!("one message") };
    rig.settle().await;
    let id = rig.appeal_of(message).await.0;
    (rig, id)
}

async fn overdue(rig: &Rig, id: AppealId) -> Vec<(Clock, DateTime<Utc>)> {
    let events = rig.events(id).await;
    let passed = events.iter().filter_map(|event| match event {
        Event::Overdue { clock, due_at, .. } => Some((*clock, *due_at)),
        _ => None,
    });
    passed.collect()
}

#[tokio::test]
async fn a_term_passes_once() {
    let (rig, id) = begun().await;
    let due = rig.appeals().load(&StreamId::from(id)).await.unwrap().state.findings[0].due.clone();
    // Light: 72 hours around the clock; the law: 15 working days from the day of registration.
    assert_eq!(due[&Clock::Service].at, at("2026-11-23T10:00:00+05:00"));
    assert_eq!(due[&Clock::Legal].at, at("2026-12-11T18:30:00+05:00"));
    rig.clock.set(at("2026-11-23T09:59:59+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await, []);
    for _ in 0..3 {
        // Each turn is a restart: the queue is built from the log again.
        rig.clock.set(at("2026-11-23T10:00:00+05:00"));
        rig.settle().await;
        assert_eq!(overdue(&rig, id).await, [(Clock::Service, at("2026-11-23T10:00:00+05:00"))]);
    }
    rig.clock.set(at("2027-03-01T00:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await.len(), 2);
    let events = rig.events(id).await;
    let told = events.iter().filter(|e| matches!(e, Event::Escalated { why, .. } if why == "overdue"));
    assert_eq!(told.count(), 2);
}

/// Whoever asks what became of a message finds one trace in the log lines of every process that took part.
#[tokio::test]
async fn what_follows_from_a_message_is_one_trace() {
    let (rig, id) = begun().await;
    rig.clock.set(at("2027-03-01T00:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await.len(), 2);
    let records = rig.records().await;
    let of_story = |record: &&Recorded| record.stream.message().is_some() || record.stream.appeal().is_some();
    let story: Vec<_> = records.iter().filter(of_story).collect();
    let trace = story[0].command_id.uuid().simple().to_string();
    for record in &story {
        assert_eq!(record.trace_id().to_string(), trace, "{record:?}");
    }
    assert!(story.len() > 5, "received, placed, registered, decided, late twice: {story:?}");
}

#[tokio::test]
async fn an_extended_term_and_a_settled_appeal_do_not_pass() {
    let (rig, id) = begun().await;
    let by = Actor::Operator { token: "t".into() };
    let later = Deadline {
        at: at("2026-11-30T10:00:00+05:00"),
        from: at("2026-11-20T10:00:00+05:00"),
        cause: TermCause::Extended { reason: "ждём опоры".into() },
    };
    for (name, command) in [(
        "extend",
        Command::Extend { finding: FindingId(0), clock: Clock::Service, deadline: later, by: by.clone() },
    )] {
        wish(&rig, id, name, command).await;
    }
    rig.clock.set(at("2026-11-29T10:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await, []);
    rig.clock.set(at("2026-11-30T10:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await, [(Clock::Service, at("2026-11-30T10:00:00+05:00"))]);
    wish(
        &rig,
        id,
        "done",
        Command::Finish {
            finding: FindingId(0),
            by,
            explanation: Some("починили".to_owned().into()),
            proof: vec![],
        },
    )
    .await;
    rig.clock.set(at("2027-03-01T00:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await.len(), 1, "what is done is late no more");
}

#[tokio::test]
async fn a_term_that_passed_while_it_was_closed_is_seen_when_it_is_opened_again() {
    let (rig, id) = begun().await;
    let by = Actor::Operator { token: "t".into() };
    let why = || "всё".to_owned().into();
    wish(&rig, id, "close", Command::Close { by: by.clone(), reason: why() }).await;
    rig.clock.set(at("2026-11-24T10:00:00+05:00"));
    let stop = CancellationToken::new();
    let workers = rig.workers(&stop);
    let settled = async || {
        let clock = rig.clock();
        let settled = workers.settle(clock.as_ref(), || rig.log.head());
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap();
    };
    settled().await;
    assert_eq!(overdue(&rig, id).await, [], "what is closed is not late");
    wish(&rig, id, "reopen", Command::Reopen { by, reason: why() }).await;
    settled().await;
    assert_eq!(overdue(&rig, id).await, [(Clock::Service, at("2026-11-23T10:00:00+05:00"))]);
    stop.cancel();
    workers.join().await.unwrap();
}

/// Another category has other terms; corrected back, the first one's term has passed again, and the law's still runs.
#[tokio::test]
async fn a_term_that_comes_back_holds_up_no_other() {
    let (rig, id) = begun().await;
    rig.clock.set(at("2026-11-24T10:00:00+05:00"));
    rig.settle().await;
    assert_eq!(overdue(&rig, id).await.len(), 1);
    for category in ["sign", "light_fault"] {
        let correct = Command::Correct {
            finding: FindingId(0),
            category: Some(category.into()),
            place: None,
            route: None,
            by: Actor::Operator { token: "t".into() },
            reason: "не то".to_owned().into(),
        };
        wish(&rig, id, category, correct).await;
        rig.settle().await;
    }
    rig.clock.set(at("2027-03-01T00:00:00+05:00"));
    rig.settle().await;
    let legal = overdue(&rig, id).await.into_iter().filter(|(clock, _)| *clock == Clock::Legal);
    assert_eq!(legal.count(), 1);
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
