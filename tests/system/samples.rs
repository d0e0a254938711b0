//! The WhatsApp samples lead to the same appeals by every way in.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use zholdary_domain::{
    inbound::DeliveryState,
    message::{Found, Message, Outcome, SetAside},
};
use zholdary_testkit::{Told, samples};

use crate::harness::{City, folder, ingest, sample, sample_of};
use zholdary_tests::told_in;

/// The files of the story, in order; 07z is a seed.
pub(crate) const STORY: [&str; 11] = ["01", "02", "03", "04", "05", "06", "07", "07z", "10", "11", "18"];

/// Which messages belong together, by `expected.json` and the channel rules.
pub(crate) fn expected() -> BTreeSet<Vec<String>> {
    let appeals: [&[&str]; 7] = [
        &["0001", "0005"],
        &["0002"],
        &["0003"],
        &["0004a", "0004b", "0004c", "0018"],
        &["0006"],
        &["0007"],
        &["0019"],
    ];
    appeals.iter().map(|ids| ids.iter().map(|id| format!("wamid.ZHOLIN{id}")).collect()).collect()
}

/// How many appeals each file of the story opens, by `expected.json`.
fn new_appeals() -> Vec<u64> {
    let files = samples::expected("whatsapp");
    let of = |name: &str| files.iter().find(|(file, _)| file.starts_with(&format!("{name}_"))).unwrap().1;
    STORY.map(of).to_vec()
}

#[tokio::test]
async fn by_ingest_once_and_again() {
    let data = folder();
    let files: Vec<PathBuf> = STORY.iter().map(|name| sample(name)).collect();
    let told = ingest(data.path(), "whatsapp", &files);
    let new: Vec<_> = told.iter().map(|line| line["new_appeals"].as_u64().unwrap()).collect();
    assert_eq!(new, new_appeals());
    assert!(told.iter().all(|line| line["error"].is_null()), "{told:?}");
    assert_eq!(told[4]["appeals"], told[0]["appeals"], "the point goes to the appeal of the first message");
    assert_eq!(told[10]["appeals"][0], told[3]["appeals"][0], "an answer goes to the appeal it answers");
    assert_eq!(told[8]["ignored"], 2, "a reaction and its removal lead to nothing");
    let again = ingest(data.path(), "whatsapp", &files);
    assert!(again.iter().all(|line| line["messages"] == 0 && line["new_appeals"] == 0), "{again:?}");
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.together(), expected());
}

/// Feeds every file of a channel in name order, and once more: each opens what `expected.json` says, and then nothing.
async fn every_file_opens_what_is_expected_of_it(channel: &str) -> (tempfile::TempDir, Told) {
    let data = folder();
    let expected = samples::expected(channel);
    let files: Vec<PathBuf> = expected.iter().map(|(file, _)| sample_of(channel, file)).collect();
    let told = ingest(data.path(), channel, &files);
    for (line, (file, opens)) in told.iter().zip(&expected) {
        assert!(line["error"].is_null(), "{line}");
        assert_eq!(line["new_appeals"], *opens, "{file}: {line}");
    }
    assert_eq!(told.len(), expected.len());
    let again = ingest(data.path(), channel, &files);
    assert!(again.iter().all(|line| line["messages"] == 0 && line["new_appeals"] == 0), "{again:?}");
    let log = told_in(data.path()).await;
    log.check();
    (data, log)
}

/// How many messages of our account, written past the system, stand in the appeal of a resident's message.
fn written_outside(log: &Told, external: &str) -> usize {
    let (id, _) = log.message(external);
    let appeal = log.appeals.iter().find(|(_, a)| a.messages.contains(&id)).expect("it stands in one").0;
    let is_there = |m: &&Message| matches!(m.outcome, Some(Outcome::Placed { appeal: of, found: Found::Outside, .. }) if of == *appeal);
    log.messages.values().filter(|m| m.echoed && !m.sent).filter(is_there).count()
}

#[tokio::test]
async fn the_files_of_whatsapp_open_what_is_expected() {
    let (_data, log) = every_file_opens_what_is_expected_of_it("whatsapp").await;
    let opened: u64 = samples::expected("whatsapp").iter().map(|(_, opens)| opens).sum();
    assert_eq!(log.appeals.len() as u64, opened);
}

#[tokio::test]
async fn the_files_of_instagram_open_what_is_expected() {
    let (_data, log) = every_file_opens_what_is_expected_of_it("instagram").await;
    let mid = |id: &str| format!("aWdfZAG1faXRlbTpZHOL{id}");
    let appeals: BTreeSet<_> = [
        vec![mid("0001"), mid("0002")],
        vec!["17900000000000501".to_owned()],
        vec!["mention/17900000000000510".to_owned()],
        vec!["mention/17950000000000045".to_owned()],
        vec![mid("0010")],
        vec![mid("0011")],
    ]
    .into();
    assert_eq!(log.together(), appeals);
    assert_eq!(written_outside(&log, &mid("0001")), 1, "typed in the phone's app");
    assert_eq!(written_outside(&log, "17900000000000501"), 1, "our own comment");
    let withdrawn = &log.message(&mid("0011")).1;
    assert!(withdrawn.withdrawn_at.is_some());
}

#[tokio::test]
async fn the_files_of_telegram_open_what_is_expected() {
    let (_data, log) = every_file_opens_what_is_expected_of_it("telegram").await;
    let of = |person: &str, ids: &[&str]| ids.iter().map(|id| format!("{person}:{id}")).collect::<Vec<_>>();
    let mut first = of("5000000101", &["2", "3", "5"]);
    first.push("callback/21474836480001".to_owned());
    let appeals: BTreeSet<_> =
        [first, of("5000000102", &["10", "11", "12"]), of("5000000103", &["4"])].into();
    assert_eq!(log.together(), appeals);
    assert_eq!(log.message("5000000101:2").1.edits.len(), 1);
    assert_eq!(log.appeal_of("5000000101:2").rated, Some(true), "the button names a number that is known");
    let phone = &log.message("5000000101:6").1.received.as_ref().unwrap().phone;
    assert_eq!(phone.as_ref().unwrap().reveal(), "+77000000150");
    assert_eq!(log.messages.values().filter(|m| m.told).count(), 1, "somebody blocked the bot");
}

#[tokio::test]
async fn the_files_of_email_open_what_is_expected() {
    let (_data, log) = every_file_opens_what_is_expected_of_it("email").await;
    let opened: u64 = samples::expected("email").iter().map(|(_, opens)| opens).sum();
    // Two appeals were known before, under their own numbers.
    assert_eq!(log.appeals.len() as u64, opened + 2);
    for answer in ["<c6@example.org>", "<c7@example.org>"] {
        let number = &log.appeal_of(answer).registered.as_ref().unwrap().number;
        assert_eq!(number.as_str(), "Z-2026-000401", "{answer}");
    }
    let (_, answer) = log.message("<c6@example.org>");
    let text = answer.content().unwrap().text.as_ref().unwrap().reveal();
    assert!(text.starts_with("Спасибо! Уточняю") && !text.contains('\n'), "{text}");
    let failed = log.messages.values().filter(|m| m.delivery == Some(DeliveryState::Failed)).count();
    assert_eq!(failed, 1, "the post could not bring a letter of ours");
    let aside = |of: SetAside| {
        log.messages
            .values()
            .filter(|m| matches!(m.outcome, Some(Outcome::SetAside { why, .. }) if why == of))
            .count()
    };
    assert_eq!((aside(SetAside::Note), aside(SetAside::Mailing)), (1, 1), "out of office, and a mailing");
}

#[tokio::test]
async fn the_files_of_facebook_open_what_is_expected() {
    let (_data, log) = every_file_opens_what_is_expected_of_it("facebook").await;
    let appeals: BTreeSet<_> = [
        vec!["m_ZHOL0001".to_owned()],
        vec!["m_ZHOL0002".to_owned(), "m_ZHOL0003".to_owned()],
        vec!["700000000000001_800001".to_owned()],
        vec!["100200300400500_700000000000002".to_owned()],
        vec!["700000000000001_800004".to_owned()],
    ]
    .into();
    assert_eq!(log.together(), appeals);
    let comment = &log.message("700000000000001_800001").1;
    assert_eq!((comment.edits.len(), comment.withdrawn_at.is_some()), (1, true));
    assert_eq!(written_outside(&log, "700000000000001_800001"), 1, "the page's own comment");
    let sent: Vec<_> = log.messages.values().filter(|m| m.sent).map(|m| m.delivery).collect();
    assert_eq!(sent, [Some(DeliveryState::Read)], "delivered, then read up to a time");
}

/// Feeds the story to the hook, each file `times` times; the seed by `ingest` into the same folder.
async fn post_story(city: &City, data: &std::path::Path, times: usize) {
    for name in STORY {
        if name.ends_with('z') {
            let seeded = ingest(data, "whatsapp", &[sample(name)]);
            assert!(seeded[0]["error"].is_null(), "{seeded:?}");
            continue;
        }
        for _ in 0..times {
            assert_eq!(city.signed(samples::whatsapp(name)).await, 200, "{name}");
        }
    }
}

async fn by_hook(times: usize, clients: usize) {
    let data = folder();
    let city = Arc::new(City::up(data.path()).await);
    let feeds: Vec<_> = (0..clients)
        .map(|_| {
            let (city, data) = (Arc::clone(&city), data.path().to_owned());
            tokio::spawn(async move { post_story(&city, &data, times).await })
        })
        .collect();
    for feed in feeds {
        feed.await.unwrap();
    }
    city.idle().await;
    let list = city.read("/api/v1/appeals?limit=50").await;
    assert_eq!(list["items"].as_array().unwrap().len(), expected().len());
    assert!(Arc::into_inner(city).unwrap().stop().await.success());
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.together(), expected());
}

#[tokio::test]
async fn by_the_signed_hook() {
    by_hook(1, 1).await;
}

#[tokio::test]
async fn by_the_signed_hook_with_every_file_twice() {
    by_hook(2, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_two_clients_at_once() {
    by_hook(1, 2).await;
}

#[tokio::test]
async fn an_edit_and_a_withdrawal_before_their_messages_each_twice() {
    let data = folder();
    let city = City::up(data.path()).await;
    for name in ["13", "14", "13", "14"] {
        assert_eq!(city.signed(samples::whatsapp(name)).await, 200);
    }
    for name in ["01", "03", "01", "03"] {
        assert_eq!(city.signed(samples::whatsapp(name)).await, 200);
    }
    city.idle().await;
    let list = city.read("/api/v1/appeals").await;
    let mut seen = Vec::new();
    for item in list["items"].as_array().unwrap() {
        let appeal = city.read(&format!("/api/v1/appeals/{}", item["number"].as_str().unwrap())).await;
        let [message] = &appeal["thread"].as_array().unwrap()[..] else { panic!("one message: {appeal}") };
        let events = appeal["history"].as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap());
        let events: Vec<_> =
            events.filter(|event| event.starts_with("message_")).map(str::to_owned).collect();
        seen.push((!message["edited_at"].is_null(), !message["withdrawn_at"].is_null(), events));
    }
    seen.sort();
    let one = |event: &str| vec![event.to_owned()];
    assert_eq!(seen, [(false, true, one("message_withdrawn")), (true, false, one("message_edited"))]);
    assert!(city.stop().await.success());
    let log = told_in(data.path()).await;
    log.check();
    let (first, message) = log.message("wamid.ZHOLIN0001");
    assert_eq!(message.edits.len(), 1, "told twice, recorded once");
    let says = message.content().unwrap().text.as_ref().unwrap().reveal();
    assert!(says.contains("54") && message.received.as_ref().unwrap().content.text.is_some());
    assert!(log.appeal_of("wamid.ZHOLIN0001").edits.contains(&(first, 2)));
    let (third, message) = log.message("wamid.ZHOLIN0003");
    assert!(message.withdrawn_at.is_some());
    assert!(log.appeal_of("wamid.ZHOLIN0003").withdrawn.contains(&third));
}

#[tokio::test]
async fn a_button_answers_for_its_author_and_a_new_number_keeps_the_thread() {
    let data = folder();
    let files = ["01", "02", "07z", "12", "15", "16", "17"].map(sample);
    let told = ingest(data.path(), "whatsapp", &files);
    assert_eq!(told[4]["new_appeals"], 0);
    assert_eq!(told[4]["appeals"], told[0]["appeals"], "the button goes to the appeal that was answered");
    assert_eq!(
        (&told[5]["new_appeals"], &told[5]["parked"]),
        (&0.into(), &1.into()),
        "a poll waits for a person"
    );
    assert_eq!(told[6]["new_appeals"], 0);
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.appeal_of("wamid.ZHOLIN0001").rated, Some(false));
    assert_eq!(log.appeals.len(), 3);
}
