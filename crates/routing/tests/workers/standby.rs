//! Of several processes one decides, the others read along: whoever comes next goes on where the last one ended.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    register::{story, strange},
    rig::{Kept, Rig, files, told_by},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Position, StreamKind, appeal::Event};
use zholdary_log::{Checkpoints, EventLog, faults::Faulty};
use zholdary_routing::{Parts, Turn, Workers};
use zholdary_testkit::at;

/// Workers of one process.
struct Process {
    turn: Turn,
    workers: Workers,
    stop: CancellationToken,
}

impl Process {
    fn start(parts: &Parts) -> Self {
        let stop = CancellationToken::new();
        Self { turn: parts.turn.clone(), workers: Workers::start(parts, &stop), stop }
    }

    /// Waits until nothing is left to do.
    async fn settle(&self, rig: &Rig) -> Position {
        let clock = rig.clock();
        let settled = self.workers.settle(clock.as_ref(), || rig.log.head());
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.workers.join().await.unwrap();
    }
}

/// Waits until `what` holds.
async fn until(mut what: impl AsyncFnMut() -> bool) {
    let held = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), held).await.expect("it never happened");
}

/// What was said of messages and appeals, and by which command; numbers are given in batches of any size. How sure an understanding is, and
/// why, depends on how much of a thread stood there when it was read: that is left out.
async fn said(rig: &Rig) -> BTreeSet<(String, String, String)> {
    let records = rig.records().await;
    told_by(&records).check_placed();
    let of = [StreamKind::Message, StreamKind::Appeal];
    let records = records.iter().filter(|record| of.contains(&record.stream.kind()));
    let text = |record: &zholdary_log::Recorded| {
        let mut events: Value = serde_json::from_slice(record.events_json()).unwrap();
        for event in events.as_array_mut().unwrap() {
            for finding in event["findings"].as_array_mut().into_iter().flatten() {
                finding["confidence"].take();
                finding["because"].take();
            }
            if let Some(inputs) = event["inputs"].as_object_mut() {
                inputs.remove("confidence");
            }
        }
        events.to_string()
    };
    records.map(|r| (r.stream.to_string(), r.command_id.to_string(), text(r))).collect()
}

/// The one that decides dies at every append, before it or after it. The one that read along all the time leaves the log as one
/// that never died.
#[tokio::test]
async fn who_read_along_ends_what_the_other_began() {
    let whole = Rig::new().await;
    let before = whole.log.head().await.unwrap();
    whole.hear(&story()).await;
    let heard = whole.log.head().await.unwrap();
    let appends = whole.settle().await.0 - heard.0;
    let expected = said(&whole).await;
    assert!(appends > 10, "a story of {appends} appends after {before}");
    for life in 0..=i64::try_from(appends).unwrap() {
        for writes_last in [false, true] {
            let rig = Rig::with(whole.rulesets.clone()).await;
            let checkpoints: Arc<dyn Checkpoints> = Arc::new(Kept::default());
            let mortal = Faulty::new(Arc::clone(&rig.log));
            mortal.die_after(life, writes_last);
            let dead = mortal.dead();
            let first = Parts { log: mortal.clone(), checkpoints: checkpoints.clone(), ..rig.parts() };
            let second = Parts { checkpoints, turn: Turn::waiting(), ..rig.parts() };
            let (first, second) = (Process::start(&first), Process::start(&second));
            rig.hear(&story()).await;
            if life % 2 == 0 {
                // It has read along before the other dies, and does not read only then.
                let heard = rig.log.head().await.unwrap();
                until(async || second.workers.register.read() >= heard).await;
            }
            tokio::select! {
                () = dead.cancelled() => {}
                _ = first.settle(&rig) => {}
            }
            // kill -9: nothing that it was about to do happens.
            drop(first);
            second.turn.begin();
            second.settle(&rig).await;
            second.end().await;
            assert_eq!(said(&rig).await, expected, "died at append {life}, written: {writes_last}");
        }
    }
}

/// Nothing is recorded out of turn, however long it lasts: not a message placed, not a term that passed.
#[tokio::test]
async fn out_of_turn_nothing_is_recorded() {
    let rig = Rig::new().await;
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(Kept::default());
    let parts = || Parts { checkpoints: checkpoints.clone(), turn: Turn::waiting(), ..rig.parts() };
    let [one, other] = [Process::start(&parts()), Process::start(&parts())];
    one.turn.begin();
    let line = |id: &str, text: &str| {
        json!({ "id": id, "text": text, "contact": "+77000000401",
                                              "sent_at": "2026-11-20T09:00:00+05:00" })
    };
    rig.hear(&[line("1", "Не горят фонари на Толе би, темно")]).await;
    one.settle(&rig).await;
    one.turn.end();
    let [lamp] = rig.hear(&[line("2", "Яма на проспекте")]).await[..] else {
        panic!("one message")
    };
    let head = rig.log.head().await.unwrap();
    rig.clock.set(at("2026-11-23T10:00:00+05:00"));
    for process in [&one, &other] {
        let workers = &process.workers;
        for worker in [&workers.register, &workers.route, &workers.deadlines] {
            until(async || worker.read() >= head).await;
        }
    }
    // Ten looks at the clock later.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.log.head().await.unwrap(), head);
    other.turn.begin();
    other.settle(&rig).await;
    let overdue = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Overdue { .. })).count();
    let mut passed = 0;
    for appeal in told_by(&rig.records().await).appeals.into_keys() {
        passed += overdue(&rig.events(appeal).await);
    }
    assert_eq!(passed, 1, "the lamp's term passed while nobody looked");
    rig.appeal_of(lamp).await;
    for process in [one, other] {
        process.end().await;
    }
}

/// What was asked and led to nothing is not asked again: by a start after a checkpoint, nor by whoever read along.
#[tokio::test]
async fn what_led_to_nothing_is_not_asked_again() {
    let rig = Rig::new().await;
    let kept = Arc::new(Kept::default());
    let parts = |log: Arc<dyn EventLog>| Parts { log, checkpoints: kept.clone(), ..rig.parts() };
    let line = |id: &str, minute: u32, text: &str| {
        json!({ "id": id, "channel": "whatsapp", "text": text, "contact": "+77000000401",
                "sent_at": format!("2026-11-20T09:{minute:02}:00+05:00") })
    };
    rig.hear(&[line("1", 0, "Яма на Толе би 45")]).await;
    let first = Process::start(&parts(rig.log.clone()));
    let along = Faulty::new(Arc::clone(&rig.log));
    let second = Process::start(&Parts { turn: Turn::waiting(), ..parts(along.clone()) });
    first.settle(&rig).await;
    rig.hear(&[line("2", 1, "Спасибо вам за работу"), line("3", 2, "Очень ждём")]).await;
    let head = first.settle(&rig).await;
    for worker in ["register", "route", "deadlines"] {
        until(async || kept.read(worker).await.unwrap().is_some_and(|kept| kept.finished == head)).await;
    }
    first.end().await;
    // Of those who looked no term is due for days.
    let again = Faulty::new(Arc::clone(&rig.log));
    let third = Process::start(&parts(again.clone()));
    third.settle(&rig).await;
    third.end().await;
    assert_eq!(again.loads(), 0, "a start asked what was asked before");
    second.turn.begin();
    second.settle(&rig).await;
    second.end().await;
    assert_eq!(along.loads(), 0, "who read along asked what was asked before");
    // Without checkpoints everything is asked again.
    let forgetful = Faulty::new(Arc::clone(&rig.log));
    let fourth =
        Process::start(&Parts { checkpoints: Arc::new(Kept::default()), ..parts(forgetful.clone()) });
    fourth.settle(&rig).await;
    fourth.end().await;
    assert!(forgetful.loads() > 0);
    assert_eq!(rig.log.head().await.unwrap(), head, "and leads to nothing again");
}

/// The checkpoint of another log, one restored from a backup say, is not believed.
#[tokio::test]
async fn a_checkpoint_of_another_log_finishes_nothing() {
    let kept: Arc<dyn Checkpoints> = Arc::new(Kept::default());
    let long = Rig::new().await;
    long.hear(&story()).await;
    let process = Process::start(&Parts { checkpoints: kept.clone(), ..long.parts() });
    let head = process.settle(&long).await;
    until(async || kept.read("register").await.unwrap().is_some_and(|kept| kept.finished == head)).await;
    process.end().await;
    let other = Rig::with(long.rulesets.clone()).await;
    let mut lines = story();
    lines.extend((0..100).map(|n| json!({ "id": format!("o{n}"), "text": "👍" })));
    let heard = other.hear(&lines).await;
    assert!(other.log.head().await.unwrap() > head, "the record that the checkpoint names is another one");
    let process = Process::start(&Parts { checkpoints: kept, ..other.parts() });
    process.settle(&other).await;
    process.end().await;
    let told = told_by(&other.records().await);
    told.check_placed();
    assert_eq!(told.messages.len(), heard.len());
}

/// A release that reads more asks again: no checkpoint covers what this one does not read, nor what waits behind it.
#[tokio::test]
async fn what_does_not_read_is_no_part_of_a_checkpoint() {
    let rig = Rig::new().await;
    let line = |id: &str, minute: u32, text: &str| {
        json!({ "id": id, "channel": "whatsapp", "text": text, "contact": "+77000000401",
                "sent_at": format!("2026-11-20T09:{minute:02}:00+05:00") })
    };
    let [first] = rig.hear(&[line("1", 0, "Яма на Толе би 45")]).await[..] else {
        panic!("one message")
    };
    rig.settle().await;
    let appeal = rig.appeal_of(first).await.0;
    // Placed, and not decided about, before the record that does not read.
    rig.hear(&[line("2", 1, "И открытый люк на Кабанбай батыра 164")]).await;
    rig.register().await;
    let asked_at = rig.log.head().await.unwrap();
    strange(&rig, appeal.into()).await;
    let strange_at = rig.log.head().await.unwrap();
    rig.hear(&[json!({ "id": "3", "text": "Не горят фонари на Абая" })]).await;
    let kept = Arc::new(Kept::default());
    let process = Process::start(&Parts { checkpoints: kept.clone(), ..rig.parts() });
    let head = process.settle(&rig).await;
    assert!(head > strange_at, "the others go on");
    process.end().await;
    for (worker, but) in [
        ("register", BTreeSet::from([strange_at])),
        ("route", BTreeSet::from([asked_at, strange_at])),
        ("deadlines", BTreeSet::from([strange_at])),
    ] {
        let kept = kept.read(worker).await.unwrap().expect("it is kept at the end");
        assert!(kept.finished > strange_at, "{worker}: {kept:?}");
        assert_eq!(kept.but, but, "{worker}");
    }
}

/// What was written before there was a city waits for the first one, and is decided under it.
#[tokio::test]
async fn what_comes_before_the_city_waits_for_it() {
    let rig = Rig::before_its_city();
    let [message] = rig.hear(&[json!({ "id": "1", "text": "Яма на Толе би 45" })]).await[..]
    else {
        panic!("one message")
    };
    let process = Process::start(&rig.parts());
    let heard = rig.log.head().await.unwrap();
    until(async || process.workers.register.read() >= heard).await;
    rig.publish(&files()).await;
    process.settle(&rig).await;
    process.end().await;
    let (_, appeal) = rig.appeal_of(message).await;
    assert_eq!(appeal.findings[0].category, "pothole");
}
