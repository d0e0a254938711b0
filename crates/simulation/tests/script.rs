//! What a script promises, over the shipped city.

use std::{collections::BTreeSet, sync::OnceLock};

use chrono::{DateTime, Duration, Utc};
use zholdary_channels::Ours;
use zholdary_city::{City, Files};
use zholdary_domain::{Inbound, Personal, inbound::Channel};
use zholdary_simulation::{Arrived, BESIDE, Kind, Plan, PlanError, Said, Script, Step, Story, post, states};

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

/// Of so many appeals each half has its own, in each of them each group its share, and of those that may be judged so many say «yes».
fn check(appeals: u32, shares: [&[(&str, usize)]; 2], yes: [usize; 2]) {
    let script = script(7, appeals);
    for (half, is_first) in [(0, true), (1, false)] {
        let is_its = |story: &&Story| (story.first().way.channel() == Channel::Whatsapp) == is_first;
        let of_it: Vec<&Story> = script.stories.iter().filter(is_its).collect();
        for (group, count) in shares[half] {
            let is = of_it.iter().filter(|story| story.group == *group).count();
            assert_eq!(is, *count, "{group} of half {half} of {appeals}");
        }
        assert_eq!(of_it.iter().filter(|story| story.verdict == Some(true)).count(), yes[half]);
    }
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
    check(15_000, [&whole, &whole], [788, 788]);
    check(1, [&[("yard", 1)], &[("yard", 0)]], [0, 0]);
    let four = [("reference", 1), ("yard", 1), ("new_build", 1), ("current_repair", 1), ("region", 0)];
    check(7, [&four, &[("reference", 1), ("yard", 1), ("new_build", 1), ("current_repair", 0)]], [1, 0]);
}

/// Each way has what its platform has: no button stands under a comment, no point comes from Instagram.
#[test]
fn people_write_by_all_ways() {
    let script = script(1, 2000);
    let mut said: Vec<&Said> = script.stories.iter().flat_map(|story| &story.opening).collect();
    let judged: Vec<Said> = script.stories.iter().filter_map(|story| story.press(until(), None)).collect();
    said.extend(&judged);
    let mut kinds = BTreeSet::new();
    for said in said {
        let kind = match said.kind {
            Kind::Text(_) => "text",
            Kind::Photo { .. } => "photo",
            Kind::Point { .. } => "point",
            Kind::Edit { .. } => "edit",
            Kind::Button { .. } => "button",
        };
        kinds.insert(format!("{:?} {kind}", said.way));
    }
    let expected = [
        "FacebookComment edit",
        "FacebookComment text",
        "InstagramComment text",
        "InstagramDirect button",
        "InstagramDirect edit",
        "InstagramDirect photo",
        "InstagramDirect text",
        "Messenger button",
        "Messenger edit",
        "Messenger photo",
        "Messenger point",
        "Messenger text",
        "Whatsapp button",
        "Whatsapp edit",
        "Whatsapp photo",
        "Whatsapp point",
        "Whatsapp text",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// A city that tells no channels apart.
#[test]
fn without_halves_all_write_by_one_channel() {
    let city = City { channel_groups: vec![], ..city().clone() };
    let script = Script::new(&city, &Plan { seed: 1, until: until(), appeals: 50 }).unwrap();
    assert!(script.stories.iter().all(|story| story.first().way.channel() == Channel::Whatsapp));
}

#[test]
fn the_same_seed_is_the_same_city() {
    let (one, other) = (script(3, 400), script(3, 400));
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert_ne!(texts(&one), texts(&script(4, 400)));
}

#[test]
fn no_two_appeals_are_alike() {
    let texts = texts(&script(1, 15_000));
    assert_eq!(texts.len(), 15_000);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 15_000);
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

/// What is posted is what our channels read: each message once, under its id, with its words.
#[test]
fn a_post_is_one_that_our_channel_reads() {
    let script = script(2, 200);
    for channel in [Channel::Whatsapp, Channel::Instagram, Channel::Facebook] {
        let is_its = |said: &&Said| said.way.channel() == channel;
        let said: Vec<&Said> =
            script.stories.iter().flat_map(|story| &story.opening).filter(is_its).collect();
        let elements = Ours::default().parse(channel, &post(channel, &said)).unwrap().elements;
        assert_eq!(elements.len(), said.len());
        for (said, element) in said.iter().zip(&elements) {
            match (&said.kind, element) {
                (Kind::Text(text), Inbound::Message(message)) => {
                    assert_eq!(message.id.external_id.reveal(), &said.id);
                    assert_eq!(message.content.text.as_ref().map(Personal::reveal), Some(text));
                    assert_eq!(message.sent_at, said.at);
                }
                (Kind::Edit { of, .. }, Inbound::Edited { of: edited, .. }) => {
                    assert_eq!(edited.external_id.reveal(), of);
                }
                (Kind::Photo { .. }, Inbound::Message(message)) => {
                    assert_eq!(message.content.attachments.len(), 1);
                }
                (Kind::Point { .. }, Inbound::Message(message)) => assert!(message.content.point.is_some()),
                (kind, element) => panic!("{kind:?} of {:?} reads as {element:?}", said.way),
            }
        }
    }
}

/// What a platform tells of our messages, as our channels read it.
#[test]
fn states_are_those_that_our_channel_reads() {
    let at = until();
    let arrived = |step| Arrived { id: "out-1".to_owned(), to: "7001".to_owned(), step, at };
    let read = |channel, step| {
        let mut elements =
            Ours::default().parse(channel, &states(channel, &[&arrived(step)])).unwrap().elements;
        assert_eq!(elements.len(), 1);
        match elements.remove(0) {
            Inbound::Delivery { of, state, at, error, .. } => {
                format!("{} {state:?} {error:?} {}", of.external_id.reveal(), at == until())
            }
            Inbound::News(news) => format!("{:?}", news.news),
            element => panic!("{element:?}"),
        }
    };
    let failed = Step::Failed { code: 131_026 };
    assert_eq!(read(Channel::Whatsapp, Step::Delivered), "out-1 Delivered None true");
    assert_eq!(read(Channel::Whatsapp, Step::Read), "out-1 Read None true");
    assert_eq!(read(Channel::Whatsapp, failed), "out-1 Failed Some(131026) true");
    assert_eq!(read(Channel::Instagram, Step::Read), "out-1 Read None true");
    assert_eq!(read(Channel::Facebook, Step::Delivered), "out-1 Delivered None true");
    assert_eq!(read(Channel::Facebook, Step::Read), "ReadUpTo { until: 2026-11-19T19:00:00Z }");
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
