//! The WhatsApp samples lead to the same appeals by every way in.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use zholdary_testkit::samples;

use crate::harness::{City, folder, ingest, sample, sample_file};
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
    let files = samples::expected_whatsapp();
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

#[tokio::test]
async fn every_file_opens_what_is_expected_of_it() {
    let data = folder();
    let expected = samples::expected_whatsapp();
    let files: Vec<PathBuf> = expected.iter().map(|(file, _)| sample_file(file)).collect();
    let told = ingest(data.path(), "whatsapp", &files);
    for (line, (file, opens)) in told.iter().zip(&expected) {
        assert!(line["error"].is_null(), "{line}");
        assert_eq!(line["new_appeals"], *opens, "{file}: {line}");
    }
    assert_eq!(told.len(), expected.len());
    let log = told_in(data.path()).await;
    log.check();
    let opened: u64 = expected.iter().map(|(_, opens)| opens).sum();
    assert_eq!(log.appeals.len() as u64, opened);
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
