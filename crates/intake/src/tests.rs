use std::path::Path;

use chrono::{SubsecRound, TimeZone};
use futures::future::join_all;
use tempfile::TempDir;
use zholdary_channels::{Accounts, Parsed, UNKNOWN_TIME, jsonl, seed, whatsapp};
use zholdary_domain::{
    StreamId,
    inbound::DeliveryState,
    message::{Event, Message},
};
use zholdary_log::{SqliteConfig, SqliteLog, faults::Faulty, streams::Messages};
use zholdary_testkit::{HandClock, at, id_key, samples};

use super::*;
use crate::{RawConfig, RawFile, contact_id, ids};

/// A log, raw bytes and an intake over them, in a folder of its own.
struct Desk {
    folder: TempDir,
    log: Arc<Faulty>,
    clock: HandClock,
    intake: Intake,
}

impl Desk {
    fn open() -> Self {
        Self::with(SqliteConfig::default())
    }

    fn with(config: SqliteConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Faulty::new(Arc::new(SqliteLog::open(folder.path(), config).unwrap()));
        let clock = HandClock::at("2026-11-21T12:00:00+05:00");
        let intake = intake(folder.path(), log.clone(), &clock);
        Self { folder, log, clock, intake }
    }

    async fn feed(&self, name: &str) -> Taken {
        feed(&self.intake, name).await.unwrap()
    }

    async fn message(&self, id: MessageId) -> Message {
        let decider = Decider::<Messages>::new(self.log.clone(), Arc::new(self.clock.clone()));
        decider.load(&StreamId::from(id)).await.unwrap().state
    }

    async fn received(&self, id: MessageId) -> Received {
        *self.intake.received(id).await.unwrap().expect("it was received")
    }

    async fn head(&self) -> Position {
        self.log.head().await.unwrap()
    }
}

fn intake(folder: &Path, log: Arc<dyn EventLog>, clock: &HandClock) -> Intake {
    let raw = Arc::new(RawFile::open(folder, RawConfig::default()).unwrap());
    let clock = Arc::new(clock.clone());
    Intake::new(log, id_key(), raw, clock, Config::default(), Metrics::unregistered())
}

fn parsed(name: &str) -> Parsed {
    let bytes = samples::whatsapp(name);
    if name.ends_with("jsonl") {
        let lines = seed::lines(std::str::from_utf8(bytes).unwrap());
        return Parsed { elements: lines.map(|(_, line)| line.unwrap()).collect() };
    }
    whatsapp::parse(bytes, &Accounts::any())
}

async fn feed(intake: &Intake, name: &str) -> Result<Taken, Error> {
    intake.take(Channel::Whatsapp, Bytes::from_static(samples::whatsapp(name)), parsed(name).elements).await
}

fn id(external_id: &str) -> MessageId {
    ids::named(&id_key(), Channel::Whatsapp, samples::PHONE_NUMBER_ID, &format!("wamid.ZHOL{external_id}"))
}

#[tokio::test]
async fn the_samples_in_order_are_recorded_once_each() {
    let desk = Desk::open();
    // File, then how many: messages now, messages before, told, leading to nothing, parked.
    for (name, expected) in [
        ("01_text_pothole_ru.json", [1, 0, 0, 0, 0]),
        ("02_text_kk.json", [1, 0, 0, 0, 0]),
        ("03_image_caption.json", [1, 0, 0, 0, 0]),
        ("04_album_three_images_one_post.json", [3, 0, 0, 0, 0]),
        ("05_location_after_text.json", [1, 0, 0, 0, 0]),
        ("06_voice_note_kk.json", [1, 0, 0, 0, 0]),
        ("07_document_pdf.json", [1, 0, 0, 0, 0]),
        ("07z_sent.jsonl", [0, 0, 4, 0, 0]),
        ("08_statuses_out_of_order.json", [0, 0, 1, 0, 0]),
        ("09_status_failed_131047.json", [0, 0, 1, 0, 0]),
        ("10_reaction_and_removal.json", [0, 0, 0, 2, 0]),
        ("11_redelivery_of_01.json", [0, 1, 0, 0, 0]),
        ("12_username_user_no_phone.json", [1, 0, 0, 0, 0]),
        ("13_edit_of_01.json", [0, 0, 1, 0, 0]),
        ("14_revoke_of_03.json", [0, 0, 1, 0, 0]),
        ("15_button_reply_on_our_answer.json", [1, 0, 0, 0, 0]),
        ("16_unsupported_poll.json", [1, 0, 0, 0, 0]),
        ("17_system_number_changed.json", [0, 0, 1, 0, 0]),
        ("18_mixed_post_two_people_and_status.json", [2, 0, 1, 1, 0]),
    ] {
        let taken = desk.feed(name).await;
        let counts =
            [taken.messages.len(), taken.repeated.len(), taken.told, taken.ignored, taken.parked.len()];
        assert_eq!(counts, expected, "{name}");
        let raw = desk.intake.raw().get(&taken.raw).await.unwrap();
        assert_eq!(raw.as_deref(), Some(samples::whatsapp(name)), "{name}");
        if name != "11_redelivery_of_01.json" {
            for id in &taken.all {
                assert_eq!(desk.received(*id).await.raw.as_ref(), Some(&taken.raw));
            }
        }
    }
    let head = desk.head().await;
    for name in samples::whatsapp_names() {
        let again = desk.feed(name).await;
        assert_eq!((again.messages.len(), again.told), (0, 0), "{name} again");
    }
    assert_eq!(desk.head().await, head, "fed twice, nothing is recorded twice");
    let out = desk.message(id("OUT0001")).await;
    assert_eq!((out.sent, out.delivery), (true, Some(DeliveryState::Read)));
    assert_eq!(desk.message(id("OUT0002")).await.delivery, Some(DeliveryState::Failed));
    let first = desk.message(id("IN0001")).await;
    assert_eq!(first.edits.len(), 1);
    assert!(first.received.unwrap().name.unwrap().reveal().ends_with("С."), "the first stays");
    assert!(desk.message(id("IN0003")).await.withdrawn_at.is_some());
}

#[tokio::test]
async fn people_are_known_by_all_their_keys() {
    let desk = Desk::open();
    let contact = |key: &str| contact_id(&id_key(), Channel::Whatsapp, key);
    let by_phone = |phone: &str| contact_id(&id_key(), Channel::Phone, phone);
    let first = desk.received(desk.feed("01").await.all[0]).await;
    assert_eq!(first.contact, contact("KZ.7300112233445501"));
    assert_eq!(first.aliases, [contact("+77000000101"), by_phone("+77000000101")]);
    assert_eq!(first.address.unwrap().reveal(), "KZ.7300112233445501");
    assert_eq!(first.phone.unwrap().reveal(), "+77000000101");
    let bare = desk.received(desk.feed("12").await.all[0]).await;
    assert_eq!((bare.aliases, bare.phone), (vec![], None));
    let changed = desk.received(desk.feed("17").await.all[0]).await;
    assert!(changed.keys_changed);
    assert_eq!(changed.contact, contact("+77000000103"));
    let both = [contact("KZ.7300112233445533"), contact("+77000000133"), by_phone("+77000000133")];
    assert_eq!(changed.aliases, both);
    assert_eq!(changed.address.unwrap().reveal(), "KZ.7300112233445533");
    assert_eq!(changed.phone.unwrap().reveal(), "+77000000133");
    let reply = desk.received(desk.feed("15").await.all[0]).await;
    assert_eq!(reply.reply_to, Some(id("OUT0001")));
    // Nobody told who wrote: each such message is a person of its own.
    let line =
        |n| jsonl::line(&format!(r#"{{"id":{n},"text":"яма"}}"#), Some(at("2026-11-20T09:00:00Z"))).unwrap();
    let taken =
        desk.intake.take(Channel::Web, Bytes::from_static(b"x"), vec![line(1), line(2)]).await.unwrap();
    let (one, two) = (desk.received(taken.all[0]).await, desk.received(taken.all[1]).await);
    assert_ne!(one.contact, two.contact);
}

#[tokio::test]
async fn what_comes_before_its_message_waits_there() {
    let desk = Desk::open();
    for name in ["13", "13", "14", "14", "08", "08"] {
        desk.feed(name).await;
    }
    for name in ["01", "03", "01", "03", "07z_sent.jsonl"] {
        desk.feed(name).await;
    }
    let edited = desk.message(id("IN0001")).await;
    assert!(edited.received.is_some());
    assert_eq!(edited.edits.len(), 1);
    assert!(edited.content().unwrap().usable_text().unwrap().contains("54"));
    let withdrawn = desk.message(id("IN0003")).await;
    assert!(withdrawn.received.is_some() && withdrawn.withdrawn_at.is_some());
    let sent = desk.message(id("OUT0001")).await;
    assert_eq!((sent.sent, sent.delivery), (true, Some(DeliveryState::Read)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_intakes_at_once_store_each_message_once() {
    let desk = Desk::open();
    let other = intake(desk.folder.path(), desk.log.clone(), &desk.clock);
    let names: Vec<&str> = samples::whatsapp_names().collect();
    let feeds = names.iter().flat_map(|name| [&desk.intake, &other].map(|intake| feed(intake, name)));
    let mut stored = Vec::new();
    for taken in join_all(feeds).await {
        stored.extend(taken.unwrap().messages);
    }
    let count = stored.len();
    stored.sort_unstable();
    stored.dedup();
    assert_eq!((count, stored.len()), (14, 14), "every message is new exactly once");
    let mut received = 0;
    for record in desk.log.read(Position::START, 1000).await.unwrap() {
        let events = record.events::<Event>().unwrap();
        received += events.iter().filter(|e| matches!(e, Event::Received(_))).count();
    }
    assert_eq!(received, 15, "with the word of changed keys");
}

#[tokio::test]
async fn a_log_that_stumbles_gets_one_record_a_message() {
    for spoil in [Faulty::lose_answers as fn(&Faulty, u32), Faulty::lose_requests, Faulty::conflict] {
        let desk = Desk::open();
        spoil(&desk.log, 1);
        let taken = desk.feed("01").await;
        assert_eq!((&taken.all, &taken.messages), (&vec![id("IN0001")], &vec![id("IN0001")]));
        assert_eq!(desk.head().await, Position(1));
        assert_eq!(desk.feed("01").await.repeated, [id("IN0001")]);
        assert_eq!(desk.head().await, Position(1));
    }
}

#[tokio::test]
async fn a_log_out_of_reach_makes_the_delivery_come_again() {
    let desk = Desk::open();
    desk.log.unavailable(1);
    let failed = feed(&desk.intake, "04").await.unwrap_err();
    assert!(failed.is_transient());
    assert_eq!(desk.head().await, Position::START, "nothing of a person passes what must come again");
    assert_eq!(desk.feed("04").await.messages.len(), 3);
}

#[tokio::test]
async fn what_one_person_sent_is_recorded_in_its_order() {
    let desk = Desk::open();
    let line = |n: u32| {
        let contact = n % 7;
        let json =
            format!(r#"{{"id":{n},"text":"яма","contact":"p{contact}","sent_at":"2026-11-20T09:00:00Z"}}"#);
        jsonl::line(&json, None).unwrap()
    };
    let taken = desk
        .intake
        .take(Channel::Web, Bytes::from_static(b"many"), (0..70).map(line).collect())
        .await
        .unwrap();
    assert_eq!(taken.messages.len(), 70);
    let mut last = std::collections::BTreeMap::new();
    for record in desk.log.read(Position::START, 100).await.unwrap() {
        let events = record.events::<Event>().unwrap();
        let Event::Received(received) = &events[0] else { panic!("only received") };
        let n: u32 = received.external_id.reveal().parse().unwrap();
        assert!(last.insert(received.contact, n).is_none_or(|before| before < n));
    }
    assert_eq!(last.len(), 7);
}

#[tokio::test]
async fn what_the_log_never_takes_is_parked_beside_its_neighbours() {
    let desk = Desk::with(SqliteConfig { max_record_bytes: 4000, ..SqliteConfig::default() });
    let line = |n: u32, text: &str| {
        jsonl::line(
            &format!(r#"{{"id":{n},"text":"{text}","contact":"a"}}"#),
            Some(at("2026-11-20T09:00:00Z")),
        )
        .unwrap()
    };
    let elements =
        vec![line(1, "яма"), line(2, &"я".repeat(9000)), Inbound::Kept { why: "strange" }, line(3, "яма")];
    for messages in [2, 0] {
        let taken = desk.intake.take(Channel::Web, Bytes::from_static(b"b"), elements.clone()).await.unwrap();
        assert_eq!((taken.messages.len(), taken.parked.len()), (messages, 2));
        let kept = desk.intake.raw().kept(0, 10).await.unwrap();
        let mut kept: Vec<_> = kept.iter().map(|k| (k.element, k.why.as_str())).collect();
        kept.sort_unstable();
        assert_eq!(kept, [(1, "larger than the log takes"), (2, "strange")]);
    }
}

#[tokio::test]
async fn a_body_cut_short_is_kept_for_a_person() {
    let desk = Desk::open();
    let body = &samples::whatsapp("01")[..300];
    let elements = whatsapp::parse(body, &Accounts::any()).elements;
    let taken = desk.intake.take(Channel::Whatsapp, Bytes::from_static(body), elements).await.unwrap();
    assert_eq!((&taken.parked[..], taken.position), (&[0][..], Position::START));
    let kept = desk.intake.raw().kept(0, 10).await.unwrap();
    assert_eq!(desk.intake.raw().get(&kept[0].raw).await.unwrap().as_deref(), Some(body));
}

#[tokio::test]
async fn raw_bytes_are_kept_from_the_day_they_came_whatever_a_played_clock_shows() {
    let desk = Desk::open();
    let long_ago = HandClock::at("2024-03-01T12:00:00+05:00");
    let intake = intake(desk.folder.path(), desk.log.clone(), &long_ago);
    let taken = feed(&intake, "01").await.unwrap();
    assert_eq!(desk.intake.raw().purge(SystemClock.now()).await.unwrap(), 0);
    assert!(desk.intake.raw().get(&taken.raw).await.unwrap().is_some());
}

#[tokio::test]
async fn a_time_far_ahead_is_the_clocks() {
    let desk = Desk::open();
    let now = desk.clock.now();
    let soon = now + TimeDelta::seconds(600);
    for (n, (told, expected)) in [
        (now - TimeDelta::days(900), now - TimeDelta::days(900)),
        (soon, soon),
        (soon + TimeDelta::seconds(1), now),
        (UNKNOWN_TIME, now),
        (
            chrono::Utc.timestamp_opt(1_000_000_000, 123_456_789).unwrap(),
            chrono::Utc.timestamp_opt(1_000_000_000, 123_000_000).unwrap(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let line = jsonl::line(&format!(r#"{{"id":{n},"text":"яма"}}"#), Some(told)).unwrap();
        let taken = desk.intake.take(Channel::Web, Bytes::from(format!("{n}")), vec![line]).await.unwrap();
        assert_eq!(desk.received(taken.all[0]).await.sent_at, expected.trunc_subsecs(3));
    }
}

#[tokio::test]
async fn what_a_platform_tells_of_a_residents_own_message_is_nothing() {
    let desk = Desk::open();
    let theirs = desk.feed("01_text_pothole_ru.json").await.messages[0];
    let Inbound::Message(message) = parsed("01_text_pothole_ru.json").elements.remove(0) else {
        unreachable!("a text")
    };
    let failed = Inbound::Delivery {
        of: message.id,
        state: DeliveryState::Failed,
        at: at("2026-11-20T10:00:00+05:00"),
        error: None,
        carries: None,
    };
    let taken = desk.intake.take(Channel::Whatsapp, Bytes::from_static(b"{}"), vec![failed]).await.unwrap();
    assert_eq!((taken.told, taken.parked.len()), (0, 0));
    assert_eq!(desk.message(theirs).await.delivery, None);
}
