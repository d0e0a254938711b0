//! What a script promises, over the shipped city.

use std::{collections::BTreeSet, sync::OnceLock};

use chrono::{DateTime, Duration, Utc};
use zholdary_city::{City, Files};
use zholdary_simulation::{BESIDE, Kind, Plan, PlanError, Said, Script, post};

fn city() -> &'static City {
    static CITY: OnceLock<City> = OnceLock::new();
    CITY.get_or_init(|| City::parse(&Files::from_entries(zholdary_testkit::shipped_city()).unwrap()).unwrap())
}

fn until() -> DateTime<Utc> {
    zholdary_testkit::at("2026-11-20T00:00:00+05:00")
}

fn script(seed: u64, appeals: u32) -> Script {
    Script::new(city(), &Plan { seed, until: until(), appeals }).unwrap()
}

fn texts(script: &Script) -> Vec<String> {
    let text = |said: &Said| match &said.kind {
        Kind::Text(text) => Some(text.clone()),
        _ => None,
    };
    script
        .stories
        .iter()
        .filter(|story| story.group != BESIDE)
        .filter_map(|story| text(&story.opening[0]))
        .collect()
}

/// Of so many appeals each group has its share, and of those that may be judged so many say «yes».
fn check(appeals: u32, shares: &[(&str, usize)], yes: usize) {
    let script = script(7, appeals);
    for (group, count) in shares {
        let is = script.stories.iter().filter(|story| story.group == *group).count();
        assert_eq!(is, *count, "{group} of {appeals}");
    }
    assert_eq!(script.stories.iter().filter(|story| story.verdict == Some(true)).count(), yes);
}

#[test]
fn the_groups_have_their_shares() {
    let whole = [
        ("reference", 1500),
        ("yard", 2250),
        ("new_build", 1125),
        ("current_repair", 1125),
        ("region", 750),
        ("plan_howto", 375),
        ("new_objects", 375),
    ];
    check(7500, &whole, 788);
    check(1, &[("yard", 1)], 0);
    check(7, &[("reference", 2), ("yard", 2), ("new_build", 1), ("current_repair", 1), ("region", 1)], 1);
}

#[test]
fn the_same_seed_is_the_same_city() {
    let (one, other) = (script(3, 400), script(3, 400));
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert_ne!(texts(&one), texts(&script(4, 400)));
}

#[test]
fn no_two_appeals_are_alike() {
    let texts = texts(&script(1, 7500));
    assert_eq!(texts.len(), 7500);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 7500);
    assert!(texts.iter().all(|text| !text.contains('{') && text.chars().any(char::is_alphabetic)));
    let kazakh = |text: &&String| text.chars().any(|letter| "әғқңөұүһі".contains(letter));
    let share = texts.iter().filter(kazakh).count() * 100 / texts.len();
    assert!((20..60).contains(&share), "{share} of 100 have Kazakh letters");
}

#[test]
fn everything_is_written_in_ninety_days() {
    for story in &script(5, 1000).stories {
        let said = &story.opening[0];
        assert!(said.at >= until() - Duration::days(90) && said.at < until(), "{}", said.at);
        assert!(story.opening.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
}

#[test]
fn a_post_is_one_that_our_channel_reads() {
    let script = script(2, 50);
    let said: Vec<&Said> = script.stories.iter().flat_map(|story| &story.opening).collect();
    let body: serde_json::Value = serde_json::from_slice(&post(&said)).unwrap();
    let messages = body["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), said.len());
}

#[test]
fn a_city_that_nobody_can_write_about_is_refused() {
    let plan = Plan { seed: 1, until: until(), appeals: 10 };
    let nowhere = City { streets: vec![], microdistricts: vec![], ..city().clone() };
    assert!(matches!(Script::new(&nowhere, &plan), Err(PlanError::Nowhere)));
    let mut silent = city().clone();
    silent.buckets[1].code = "stars".to_owned();
    assert!(matches!(Script::new(&silent, &plan), Err(PlanError::Group(group)) if group == "stars"));
}
