use zholdary_domain::{
    Clock,
    inbound::{DeliveryState, Surface},
    message::Carries,
};
use zholdary_log::{EventLog, faults::Faulty};

use super::*;
use crate::rig::{Rig, contact, name, never, registered};

const CLOSED: Option<i64> = Some(131_047);
const WHO: &str = "+7701";

fn out(id: &str) -> MessageId {
    name(Channel::Whatsapp, id)
}

fn phone(id: &str) -> ContactId {
    contact(Channel::Whatsapp, id)
}

/// Whoever reads the log again says and sends nothing again.
async fn nothing_more(rig: &Rig, title: &str) {
    let (told, took) = (rig.story().await, rig.platform.took().len());
    rig.send();
    let appeal = rig.opens("marker").await;
    rig.queue(appeal, "marker", "маркер", |_| ()).await;
    let nth = took + 1;
    let marker = ["queued маркер", &format!("taken out{nth}"), &format!("sent out{nth}"), "told receipt"];
    let expected: Vec<&str> = told.iter().map(String::as_str).chain(marker).collect();
    rig.until(title, &expected).await;
}

#[tokio::test]
async fn what_was_taken_and_did_not_arrive_was_not_told() {
    for (title, instead, error, then) in [
        ("nobody there", true, Some(131_026), vec!["not told receipt: no_such_address"]),
        ("it says no code", false, None, vec!["not told receipt: refused"]),
        ("the window is closed", false, CLOSED, vec!["not told receipt: window_closed"]),
        (
            "the window is closed, and there is a registered text",
            true,
            CLOSED,
            vec!["not told receipt: window_closed", "queued А", "taken out2", "sent out2", "told receipt"],
        ),
    ] {
        let rig = Rig::new().await;
        let appeal = rig.opens(WHO).await;
        rig.send();
        let queued = rig.queue(appeal, WHO, "А", |out| {
            if instead {
                registered(out);
            }
        });
        let ours = queued.await;
        let begun = ["queued А", "taken out1", "sent out1", "told receipt"];
        rig.until(title, &begun).await;
        rig.status(out("out1"), DeliveryState::Failed, error, None).await;
        rig.until(title, &[&begun, then.as_slice()].concat()).await;
        if then.len() > 1 {
            assert_eq!(rig.platform.took()[1], "whatsapp +7701 Template А", "{title}");
            assert!(!rig.of(ours.instead("window")).await.is_empty(), "{title}");
            // The registered text goes once, whatever becomes of it.
            rig.status(out("out2"), DeliveryState::Failed, error, None).await;
            let last = ["not told receipt: window_closed"];
            rig.until(title, &[&begun, then.as_slice(), &last].concat()).await;
        }
        nothing_more(&rig, title).await;
    }
}

#[tokio::test]
async fn a_failure_may_be_told_before_our_own_answer_is_read() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    rig.status(out("out1"), DeliveryState::Failed, Some(131_026), None).await;
    rig.queue(appeal, WHO, "А", |_| ()).await;
    rig.send();
    rig.until("failed", &["queued А", "taken out1", "sent out1", "not told receipt: no_such_address"]).await;
    nothing_more(&rig, "failed").await;
}

#[tokio::test]
async fn a_window_that_the_platform_closes_leaves_the_registered_text() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    let closed = Carried::NotTaken { why: Trouble::WindowClosed, code: CLOSED, again: false, after: None };
    rig.platform.next(closed);
    rig.queue(appeal, WHO, "А", registered).await;
    rig.send();
    let story = [
        "queued А",
        "given up window_closed",
        "not told receipt: window_closed",
        "queued А",
        "taken out2",
        "sent out2",
        "told receipt",
    ];
    rig.until("closed", &story).await;
    assert_eq!(rig.platform.took(), ["whatsapp +7701 Text А", "whatsapp +7701 Template А"]);
    nothing_more(&rig, "closed").await;
}

/// A status names our message: it has gone, whatever we made of the answer to our call.
#[tokio::test]
async fn a_platform_says_which_of_ours_it_has() {
    let unknown = ["queued А", "unknown", "not told receipt: unknown"];
    let refused = ["queued А", "given up refused", "not told receipt: refused"];
    for (title, answer, begun) in [
        ("unknown", Carried::Unknown, unknown.as_slice()),
        ("given up", never(Trouble::Refused), refused.as_slice()),
    ] {
        let rig = Rig::new().await;
        let appeal = rig.opens(WHO).await;
        rig.platform.next(answer);
        let ours = rig.queue(appeal, WHO, "А", |_| ()).await;
        rig.send();
        rig.until_later(title, TimeDelta::milliseconds(100), begun).await;
        let carries = Carries { message: ours, external_id: "wamid.7".to_owned().into() };
        rig.status(out("wamid.7"), DeliveryState::Sent, None, Some(carries)).await;
        let after = ["taken wamid.7", "sent wamid.7", "told receipt"];
        rig.until(title, &[begun, &after].concat()).await;
        rig.status(out("wamid.7"), DeliveryState::Failed, Some(131_026), None).await;
        let failed = ["not told receipt: no_such_address"];
        rig.until(title, &[begun, &after, &failed].concat()).await;
        nothing_more(&rig, title).await;
    }
}

#[tokio::test]
async fn a_status_names_nothing_that_was_not_on_its_way() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    let later = rig.clock.now() + TimeDelta::hours(1);
    let waits = rig.queue(appeal, WHO, "А", |out| out.not_before = Some(later)).await;
    let others = MessageId::telling(appeal, CommandId::named("no", "body"), "0");
    for message in [waits, others] {
        let carries = Carries { message, external_id: "wamid.7".to_owned().into() };
        rig.status(out("wamid.7"), DeliveryState::Sent, None, Some(carries)).await;
    }
    rig.send();
    nothing_more(&rig, "it waits").await;
    assert!(rig.of(out("wamid.7")).await.iter().all(|event| !matches!(event, Event::Sent { .. })));
}

/// Two lose the answer to the same record of an attempt, and see that it stands there: one calls.
#[tokio::test]
async fn only_who_finds_its_own_token_calls() {
    for seed in 0..5 {
        let rig = Rig::new().await;
        let appeal = rig.opens(WHO).await;
        rig.queue(appeal, WHO, "А", |_| ()).await;
        for _ in 0..2 {
            let faulty = Faulty::new(Arc::clone(&rig.log));
            faulty.lose_answers(1);
            let log: Arc<dyn EventLog> = faulty;
            rig.send_over(&log);
        }
        rig.until("taken", &["queued А", "taken out1", "sent out1", "told receipt"]).await;
        assert_eq!(rig.platform.took().len(), 1, "{seed}");
    }
}

#[tokio::test]
async fn a_person_is_one_under_a_new_number() {
    let rig = Rig::new().await;
    rig.clock.set(rig.clock.now() - TimeDelta::hours(25));
    let appeal = rig.opens(WHO).await;
    rig.clock.set(rig.clock.now() + TimeDelta::hours(25));
    // Word of a new number is no word of the person.
    rig.hears(Channel::Whatsapp, WHO, "moved", |received| {
        received.keys_changed = true;
        received.aliases = vec![phone("+7702")];
        received.address = Some("+7702".to_owned().into());
    })
    .await;
    rig.queue(appeal, WHO, "А", |_| ()).await;
    rig.send();
    let closed = ["queued А", "given up window_closed", "not told receipt: window_closed"];
    rig.until("closed", &closed).await;
    // Words under the new number open it for the old address too.
    rig.hears(Channel::Whatsapp, "+7702", "back", |_| ()).await;
    rig.queue(appeal, WHO, "Б", |_| ()).await;
    let then = ["queued Б", "taken out1", "sent out1", "told receipt"];
    rig.until("open", &[&closed, then.as_slice()].concat()).await;
}

#[tokio::test]
async fn what_the_morning_would_be_too_late_for_goes_now() {
    // Ten in the evening passed, and it is ten hours until eight.
    for (title, heard_hours_ago, instead, goes) in [
        ("its window closes at six", 16, false, true),
        ("its window closes at ten", 12, false, false),
        ("a registered text goes in the morning", 16, true, false),
        ("its window is closed", 25, false, false),
    ] {
        let rig = Rig::new().await;
        let night = rig.clock.now() + TimeDelta::hours(12);
        rig.clock.set(night - TimeDelta::hours(heard_hours_ago));
        let appeal = rig.opens(WHO).await;
        rig.clock.set(night);
        rig.queue(appeal, WHO, "А", |out| {
            out.at_once = false;
            if instead {
                registered(out);
            }
        })
        .await;
        rig.send();
        let marker = rig.queue(appeal, "+7709", "Б", |out| {
            out.channel = Channel::Telegram;
            out.contact = contact(Channel::Telegram, "+7709");
        });
        marker.await;
        let nth = if goes { 2 } else { 1 };
        let until = ["queued А", "queued Б", "told receipt", "taken out1", "sent out1"];
        let more: &[&str] = if goes { &["told receipt", "taken out2", "sent out2"] } else { &[] };
        rig.until(title, &[&until, more].concat()).await;
        assert_eq!(rig.platform.took().len(), nth, "{title}");
    }
}

#[tokio::test]
async fn the_registered_text_says_what_the_later_parts_say() {
    let rig = Rig::new().await;
    rig.clock.set(rig.clock.now() - TimeDelta::hours(25));
    let appeal = rig.opens(WHO).await;
    rig.clock.set(rig.clock.now() + TimeDelta::hours(25));
    let first = rig.queue(appeal, WHO, "А", registered).await;
    rig.queue(appeal, WHO, "Б", |out| out.follows = Some(first)).await;
    rig.send();
    let story = ["queued А", "queued Б", "taken out1", "sent out1", "told receipt", "given up needless"];
    rig.until("needless", &story).await;
    nothing_more(&rig, "needless").await;
}

#[tokio::test]
async fn parts_of_what_fails_are_no_failures_of_their_own() {
    let rig = Rig::new().await;
    rig.clock.set(rig.clock.now() - TimeDelta::hours(25));
    let appeal = rig.opens(WHO).await;
    rig.clock.set(rig.clock.now() + TimeDelta::hours(25));
    let first = rig.queue(appeal, WHO, "А", |_| ()).await;
    rig.queue(appeal, WHO, "Б", |out| out.follows = Some(first)).await;
    rig.send();
    let story = [
        "queued А",
        "queued Б",
        "given up window_closed",
        "given up window_closed",
        "not told receipt: window_closed",
    ];
    rig.until("closed", &story).await;
    nothing_more(&rig, "closed").await;
}

#[tokio::test]
async fn people_are_served_in_the_order_of_the_log() {
    let mut rig = Rig::new().await;
    rig.config.calls = 1;
    let (mut story, people) = (Vec::new(), ["b", "a", "d", "c", "f", "e"]);
    for (nth, who) in people.iter().enumerate() {
        let appeal = rig.opens(who).await;
        rig.queue(appeal, who, who, |_| ()).await;
        story.extend([format!("queued {who}"), "told receipt".to_owned()]);
        story.extend(["taken", "sent"].map(|what| format!("{what} out{}", nth + 1)));
    }
    rig.send();
    rig.until("all", &story.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let took: Vec<_> = people.iter().map(|who| format!("whatsapp {who} Text {who}")).collect();
    assert_eq!(rig.platform.took(), took);
}

/// A text that does not arrive goes where else the person is known, once; when nothing is left, the appeal says so.
#[tokio::test]
async fn what_does_not_arrive_goes_where_else_the_person_is() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    rig.hears(Channel::Telegram, "500", "tg", |received| received.aliases = vec![phone(WHO)]).await;
    rig.hears(Channel::Instagram, "900", "ig", |received| {
        received.aliases = vec![phone(WHO)];
        received.surface = Surface::Comment;
    })
    .await;
    for why in [Trouble::NoSuchAddress, Trouble::Blocked] {
        rig.platform.next(never(why));
    }
    rig.queue(appeal, WHO, "А", |_| ()).await;
    rig.send();
    let story = [
        "queued А",
        "given up no_such_address",
        "not told receipt: no_such_address",
        "queued А",
        "given up blocked",
        "not told receipt: blocked",
    ];
    rig.until("nowhere", &story).await;
    assert_eq!(rig.platform.took(), ["whatsapp +7701 Text А", "telegram 500 Text А"]);
    // The next is told elsewhere, for Telegram takes it.
    rig.platform.next(never(Trouble::NoSuchAddress));
    rig.queue(appeal, WHO, "Б", |_| ()).await;
    let then = [
        "queued Б",
        "given up no_such_address",
        "not told receipt: no_such_address",
        "queued Б",
        "taken out4",
        "sent out4",
        "told receipt",
    ];
    rig.until("elsewhere", &[&story, then.as_slice()].concat()).await;
    nothing_more(&rig, "elsewhere").await;
}

/// A message whose stream no release reads holds up nobody, and its appeal hears of it.
#[tokio::test]
async fn a_stream_that_does_not_read_holds_up_nobody() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    let broken = rig.queue(appeal, WHO, "А", |_| ()).await;
    rig.spoil(broken).await;
    rig.queue(appeal, WHO, "Б", |_| ()).await;
    rig.send();
    let story =
        ["queued А", "not told receipt: unreadable", "queued Б", "taken out1", "sent out1", "told receipt"];
    rig.until("unreadable", &story).await;
    assert_eq!(rig.platform.took(), ["whatsapp +7701 Text Б"]);
}

/// No appeal hears of a hint: it is named, or given up, and goes nowhere else.
#[tokio::test]
async fn a_hint_is_named_and_nobody_hears_of_it() {
    let late = (Some(131_026), DeliveryState::Failed);
    for (title, answer, status, then) in [
        ("taken", None, None, vec!["taken out1", "sent out1"]),
        ("taken, and it did not arrive", None, Some(late), vec!["taken out1", "sent out1"]),
        ("refused", Some(never(Trouble::Blocked)), None, vec!["given up blocked"]),
        ("nobody knows", Some(Carried::Unknown), None, vec!["unknown"]),
    ] {
        let rig = Rig::new().await;
        let appeal = rig.opens(WHO).await;
        rig.hears(Channel::Telegram, "500", "tg", |received| received.aliases = vec![phone(WHO)]).await;
        if let Some(answer) = answer {
            rig.platform.next(answer);
        }
        rig.queue(appeal, WHO, "А", |out| out.appeal = None).await;
        rig.send();
        let story = [&["queued А"], then.as_slice()].concat();
        rig.until(title, &story).await;
        if let Some((error, state)) = status {
            rig.status(out("out1"), state, error, None).await;
        }
        nothing_more(&rig, title).await;
    }
}
