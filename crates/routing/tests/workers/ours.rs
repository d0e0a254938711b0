//! Our own messages, as the platform tells of them in any order.

use serde_json::json;
use zholdary_domain::{
    AppealId, Inbound, MessageId, StreamId,
    inbound::{
        Channel, Content, DeliveryState, InboundEcho, InboundNews, InboundSent, MessageRef, News, Surface,
    },
    message::{Carries, Event, Found, Message, Outcome},
    outgoing::Outgoing,
};
use zholdary_log::{Decider, streams::Messages};
use zholdary_testkit::{at, id_key};

use crate::rig::{Rig, told_by};

const ACCOUNT: &str = zholdary_channels::jsonl::DEFAULT_ACCOUNT;
const CLOCK: &str = "2026-11-20T09";

fn named(external: &str) -> MessageRef {
    MessageRef {
        channel: Channel::Facebook,
        account: ACCOUNT.into(),
        external_id: external.to_owned().into(),
    }
}

fn id(external: &str) -> MessageId {
    id_key().message("facebook", ACCOUNT, external)
}

fn minute(minute: u32) -> chrono::DateTime<chrono::Utc> {
    at(&format!("{CLOCK}:{minute:02}:00+05:00"))
}

fn echo(external: &str, to: &str, sent: u32) -> Inbound {
    Inbound::Echoed(Box::new(InboundEcho {
        id: named(external),
        surface: Surface::Private,
        to: Some(to.to_owned().into()),
        answers: None,
        content: Content { text: Some("Передали".to_owned().into()), ..Content::default() },
        sent_at: minute(sent),
    }))
}

fn sent(external: &str, answers: &str, sent: u32) -> Inbound {
    Inbound::Sent(Box::new(InboundSent {
        id: named(external),
        answers: Some(answers.to_owned().into()),
        number: None,
        contact: None,
        sent_at: minute(sent),
    }))
}

fn read_up_to(of: &str, until: u32, told: u32) -> Inbound {
    Inbound::News(Box::new(InboundNews {
        id: named(&format!("read/{of}/{until}")),
        surface: Surface::Private,
        of: of.to_owned().into(),
        news: News::ReadUpTo { until: minute(until) },
        at: minute(told),
    }))
}

async fn wrote(rig: &Rig, external: &str, sent: u32) {
    let line = json!({ "id": external, "channel": "facebook", "contact": "7001", "text": "Яма на Абая",
                       "sent_at": minute(sent).to_rfc3339() });
    rig.hear(&[line]).await;
    rig.settle().await;
}

async fn told_of(rig: &Rig, external: &str) -> Message {
    let messages: Decider<Messages> = Decider::new(std::sync::Arc::clone(&rig.log), rig.clock());
    messages.load(&StreamId::from(id(external))).await.unwrap().state
}

/// The platform shows our message before we know that we sent it, and its appeal is not the person's last one: what answers it
/// later belongs where we said.
#[tokio::test]
async fn an_echo_that_comes_before_we_know_what_we_sent_decides_nothing() {
    for settles_between in [false, true] {
        let rig = Rig::new().await;
        wrote(&rig, "first", 0).await;
        wrote(&rig, "second", 30).await;
        rig.tell(vec![echo("out", "7001", 40)]).await;
        if settles_between {
            rig.settle().await;
        }
        rig.tell(vec![sent("out", "first", 40)]).await;
        let reply = json!({ "id": "reply", "channel": "facebook", "contact": "7001", "text": "Спасибо, но яма там же",
                            "reply_to": "out", "sent_at": minute(59).to_rfc3339() });
        rig.hear(&[reply]).await;
        for _ in 0..2 {
            rig.settle().await;
            let (appeal, _) = rig.appeal_of(id("reply")).await;
            assert_eq!(appeal, AppealId::opened_by(id("first")), "settled between: {settles_between}");
        }
        told_by(&rig.records().await).check_placed();
    }
}

/// A process dies between «the platform took it» and «we sent it», or the platform's word comes first: what answers it belongs where
/// we meant it to.
#[tokio::test]
async fn what_was_taken_is_answered_before_its_own_stream_says_that_it_was_sent() {
    for by_status in [false, true] {
        let rig = Rig::new().await;
        wrote(&rig, "first", 0).await;
        wrote(&rig, "second", 30).await;
        let ours = MessageId::telling(
            AppealId::opened_by(id("first")),
            zholdary_domain::CommandId::named("test", "told"),
            "0",
        );
        rig.record(ours, vec![Event::Queued(Box::new(meant(AppealId::opened_by(id("first")))))]).await;
        let external_id = "out".to_owned().into();
        if by_status {
            let carries = Some(Carries { message: ours, external_id });
            let sent = Event::Delivery { state: DeliveryState::Sent, at: minute(40), error: None, carries };
            rig.record(id("out"), vec![sent]).await;
        } else {
            rig.record(ours, vec![Event::Taken { message: id("out"), external_id, at: minute(40) }]).await;
        }
        let reply = json!({ "id": "reply", "channel": "facebook", "contact": "7001", "text": "Яма там же",
                            "reply_to": "out", "sent_at": minute(59).to_rfc3339() });
        rig.hear(&[reply]).await;
        rig.settle().await;
        let (appeal, _) = rig.appeal_of(id("reply")).await;
        assert_eq!(appeal, AppealId::opened_by(id("first")), "by a status: {by_status}");
    }
}

fn meant(appeal: AppealId) -> Outgoing {
    Outgoing {
        appeal: Some(appeal),
        account: ACCOUNT.into(),
        ..zholdary_testkit::outgoing(Channel::Facebook, "7001")
    }
}

/// A hint stands in no appeal, however the platform shows it; a button under it is no act in one.
#[tokio::test]
async fn a_hint_is_part_of_no_appeal() {
    for by_its_own_stream in [false, true] {
        let rig = Rig::new().await;
        wrote(&rig, "first", 0).await;
        let ours = id("pressed").hint("0");
        let hint =
            Outgoing { appeal: None, what: "greeting".into(), ..meant(AppealId::opened_by(id("first"))) };
        rig.record(ours, vec![Event::Queued(Box::new(hint))]).await;
        let external_id = zholdary_domain::Personal::from("out".to_owned());
        let taken = Event::Taken { message: id("out"), external_id: external_id.clone(), at: minute(40) };
        rig.record(ours, vec![taken]).await;
        if by_its_own_stream {
            let sent = Event::Sent {
                channel: Channel::Facebook,
                account: ACCOUNT.into(),
                external_id,
                answers: None,
                appeal: None,
                number: None,
                contact: Some(id_key().contact("facebook", "7001")),
                sent_at: minute(40),
                of: Some(ours),
                task: None,
            };
            rig.record(id("out"), vec![sent]).await;
        }
        rig.settle().await;
        rig.tell(vec![echo("out", "7001", 40)]).await;
        rig.settle().await;
        assert_eq!(told_of(&rig, "out").await.outcome, None, "its own stream: {by_its_own_stream}");
    }
}

/// What was decided of an echo stands, whatever is known later of the conversation.
#[tokio::test]
async fn an_echo_stays_where_it_was_placed() {
    let rig = Rig::new().await;
    wrote(&rig, "first", 0).await;
    rig.tell(vec![echo("out", "7001", 5)]).await;
    rig.settle().await;
    wrote(&rig, "second", 30).await;
    let first = AppealId::opened_by(id("first"));
    for _ in 0..2 {
        rig.settle().await;
        let outcome = told_of(&rig, "out").await.outcome;
        assert_eq!(outcome, Some(Outcome::Placed { appeal: first, opens: false, found: Found::Outside }));
    }
}

/// «Read up to» may come before we know what was sent, and before the message that it answers.
#[tokio::test]
async fn what_is_read_is_known_in_whatever_order_it_is_told() {
    let said = |told: &'static str| async move {
        let rig = Rig::new().await;
        for what in told.split(' ') {
            match what {
                "message" => wrote(&rig, "first", 0).await,
                "sent" => rig.tell(vec![sent("out", "first", 10)]).await,
                "echo" => rig.tell(vec![echo("out", "7001", 10)]).await,
                "read" => rig.tell(vec![read_up_to("7001", 15, 20)]).await,
                other => panic!("{other}"),
            }
        }
        rig.tell(vec![sent("unread", "first", 16)]).await;
        rig.settle().await;
        rig.settle().await;
        assert_eq!(told_of(&rig, "unread").await.delivery, None, "{told}");
        told_of(&rig, "out").await.delivery
    };
    for told in [
        "message sent read",
        "message read sent",
        "sent message read",
        "sent read message",
        "read sent message",
        "message echo read",
        "message read echo",
        "message echo read sent",
    ] {
        assert_eq!(said(told).await, Some(DeliveryState::Read), "{told}");
    }
}

/// What our account does to its own words is no act of the resident.
#[tokio::test]
async fn our_own_words_are_not_taken_back_by_the_resident() {
    let rig = Rig::new().await;
    wrote(&rig, "first", 0).await;
    rig.tell(vec![
        echo("out", "7001", 5),
        Inbound::Edited {
            of: named("out"),
            edit: "1".to_owned().into(),
            content: Content {
                text: Some("Передали в акимат".to_owned().into()), ..Content::default()
            },
            sent_at: minute(6),
        },
        Inbound::Withdrawn { of: named("out"), sent_at: minute(7) },
    ])
    .await;
    rig.settle().await;
    let (_, appeal) = rig.appeal_of(id("first")).await;
    assert!(appeal.withdrawn.is_empty() && appeal.edits.is_empty(), "{appeal:?}");
}
