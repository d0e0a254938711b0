//! What is asked for is what was recorded.

use chrono::{DateTime, Utc};
use zholdary_domain::{Number, message::SetAside};

use super::*;
use crate::{AppealRef, Error, View};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An open appeal of the default city.
async fn town_with_one() -> (Town, Query) {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    let query = town.views().await;
    (town, query)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_is_found_by_id_number_and_other_number() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.appeal(1, vec![json!({ "type": "alias_named", "number": "Z-2019-000007" })]).await;
    let query = town.views().await;
    let names = [appeal_id(1).to_string(), number(1), "З-2019-000007".to_owned()];
    for name in &names {
        let found = query.appeal(name.parse::<AppealRef>().unwrap(), Level::Public).await.unwrap().body;
        assert_eq!(found.unwrap().card.id, appeal_id(1), "{name}");
    }
    let unknown: Number = "Z-2026-999999".parse().unwrap();
    assert_eq!(query.appeal(unknown, Level::Public).await.unwrap().body, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_show_more_and_more() {
    let (_town, query) = town_with_one().await;
    let view = async |level| query.appeal(appeal_id(1), level).await.unwrap().body.unwrap();
    let public = view(Level::Public).await;
    assert_eq!(public.card.status.ru, "передано исполнителю");
    assert_eq!(
        public.card.category.kk,
        query.city().await.unwrap().unwrap().city.category("pothole").unwrap().name.kk
    );
    assert_eq!(public.card.district.code, "almaly");
    assert_eq!(public.card.places, ["Абая"]);
    assert_eq!((public.thread, public.contact), (None, None));
    assert_eq!((public.findings[0].place.house.clone(), public.findings[0].place.point), (None, None));
    let party = view(Level::Party).await;
    let thread = party.thread.unwrap();
    assert!(thread[0].text.as_ref().unwrap().contains(CANARY));
    assert_eq!((&thread[0].name, &thread[0].phone, &thread[0].contact), (&None, &None, &None));
    assert!(party.findings[0].place.point.is_some());
    let operator = view(Level::Operator).await;
    assert!(operator.thread.unwrap()[0].phone.is_some());
    assert!(operator.contact.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_says_what_happened_and_why() {
    let (_town, query) = town_with_one().await;
    let view = query.appeal(appeal_id(1), Level::Public).await.unwrap().body.unwrap();
    let party = query.city().await.unwrap().unwrap().city.party("akimat-almaly").unwrap().name.clone();
    let lines: Vec<_> = view
        .history
        .iter()
        .map(|line| (line.event.as_str(), line.text.ru.clone(), line.text.kk.clone()))
        .collect();
    assert_eq!(
        lines,
        [
            (
                "registered",
                format!("Принято, номер {}", number(1)),
                format!("Қабылданды, нөмірі {}", number(1))
            ),
            (
                "routed",
                format!("Передано: {} — за это отвечает район", party.ru),
                format!("Жолданды: {} — бұған аудан жауапты", party.kk),
            ),
        ]
    );
}

/// Every event that was ever written reads as a line in every language, on every level.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_a_line() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/samples/appeal");
    let mut names = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let sample: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let name = sample["type"].as_str().unwrap().to_owned();
        // Registered and understood once, erased never: other events speak about what they made.
        if !["registered", "understood", "erased"].contains(&name.as_str()) {
            names.push(name);
            town.appeal(1, vec![sample]).await;
        }
    }
    let query = town.views().await;
    assert_eq!(query.parked().await.unwrap().body, []);
    let view = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
    for name in names {
        let line = view
            .history
            .iter()
            .find(|line| line.event == name)
            .unwrap_or_else(|| panic!("{name} is no line"));
        assert!([&line.text.ru, &line.text.kk, &line.text.en].iter().all(|text| !text.is_empty()), "{name}");
    }
    let few = query.appeal(appeal_id(1), Level::Public).await.unwrap().body.unwrap();
    assert!(
        few.history.len() < view.history.len()
            && few.history.iter().all(|l| l.words.is_none() && l.data.is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_figures_agree_with_the_lists_they_link_to() {
    let town = Town::with_city().await;
    for n in 1..=3 {
        town.story(n, "akimat-almaly").await;
    }
    town.story(4, "kazavtozhol").await;
    town.appeal(2, vec![done("akimat-almaly")]).await;
    let mut copied = routed("akimat-almaly");
    copied["copies"] = json!(["road_infra"]);
    town.appeal(3, vec![copied]).await;
    let query = town.views().await;
    let check = async |filter: AppealFilter, expected: &[u32]| {
        let page = query.appeals(filter.clone(), Level::Operator).await.unwrap().body;
        let found: Vec<_> = page.items.iter().map(|card| card.number.to_string()).collect();
        assert_eq!(found, expected.iter().map(|n| number(*n)).collect::<Vec<_>>(), "{filter:?}");
    };
    let some = |text: &str| Some(text.to_owned());
    check(AppealFilter::default(), &[4, 3, 2, 1]).await;
    check(AppealFilter { state: some("open"), ..AppealFilter::default() }, &[4, 3, 1]).await;
    check(AppealFilter { state: some("done"), ..AppealFilter::default() }, &[2]).await;
    check(AppealFilter { party: some("kazavtozhol"), ..AppealFilter::default() }, &[4]).await;
    check(AppealFilter { concerns: some("kazavtozhol"), ..AppealFilter::default() }, &[4]).await;
    check(AppealFilter { concerns: some("road_infra"), ..AppealFilter::default() }, &[3]).await;
    check(AppealFilter { concerns: some("water"), ..AppealFilter::default() }, &[]).await;
    check(
        AppealFilter { category: some("pothole"), district: some("almaly"), ..AppealFilter::default() },
        &[4, 3, 2, 1],
    )
    .await;
    check(AppealFilter { channel: some("email"), ..AppealFilter::default() }, &[]).await;
    check(AppealFilter { from: some("2026-11-21"), ..AppealFilter::default() }, &[]).await;
    check(
        AppealFilter {
            from: some("2026-11-20"),
            to: some("2026-11-20"),
            limit: Some(1),
            ..AppealFilter::default()
        },
        &[4],
    )
    .await;
    check(AppealFilter { q: some("z-2026-000003"), ..AppealFilter::default() }, &[3]).await;
    check(AppealFilter { q: some("АБАЯ"), ..AppealFilter::default() }, &[4, 3, 2, 1]).await;
    check(AppealFilter { q: some("Канарейка"), ..AppealFilter::default() }, &[4, 3, 2, 1]).await;
    let hidden =
        query.appeals(AppealFilter { q: some("Канарейка"), ..AppealFilter::default() }, Level::Party).await;
    assert_eq!(hidden.unwrap().body.items, [], "only operators search in words");

    let counters =
        query.counters(vec![CountBy::Party, CountBy::State], Period::default()).await.unwrap().body;
    let counters: Vec<_> =
        counters.iter().map(|c| (c.key["party"].as_str(), c.key["state"].as_str(), c.count)).collect();
    assert_eq!(
        counters,
        [("akimat-almaly", "done", 1), ("akimat-almaly", "routed", 2), ("kazavtozhol", "routed", 1)]
    );
    assert_eq!(query.counters(vec![], Period::default()).await.unwrap().body[0].count, 4);
    let figures = query.figures(Period::default()).await.unwrap().body;
    assert_eq!((figures.received, figures.open, figures.settled, figures.done), (4, 3, 1, 1));
    assert_eq!((figures.median_hours, figures.rated_yes), (Some(0.3), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_counts_shares_and_never_invents_satisfaction() {
    let town = Town::with_city().await;
    for n in 1..=5 {
        town.message(n, vec![received(n, "вопрос")]).await;
        town.appeal(n, vec![registered(n), understood("pothole", false)]).await;
        let bucket = ["current_repair", "current_repair", "reference", "reference", "other"][n as usize - 1];
        let route = routed_as("akimat-almaly", bucket, "pothole", "2026-11-25T09:00:00Z");
        town.appeal(n, vec![route]).await;
    }
    town.appeal(6, vec![registered(6)]).await;
    town.appeal(1, vec![done("akimat-almaly")]).await;
    town.appeal(1, vec![rated(true)]).await;
    town.appeal(3, vec![answered()]).await;
    let corrected = json!({
        "type": "corrected", "finding": 0, "category": "manhole", "by": { "kind": "operator", "token": "t1" },
        "reason": personal("люк"),
    });
    // Twice corrected is one appeal that was corrected.
    town.appeal(2, vec![corrected.clone()]).await;
    town.appeal(2, vec![corrected]).await;
    let query = town.views().await;
    let report = query.report(Period::default()).await.unwrap().body;
    assert_eq!((report.total, report.all, report.undecided, report.corrected), (4, 6, 1, 1));
    let listed = async |bucket: Option<&str>, had: Option<&str>| {
        let (bucket, had) = (bucket.map(str::to_owned), had.map(str::to_owned));
        let filter = AppealFilter { bucket, had, ..AppealFilter::default() };
        query.appeals(filter, Level::Public).await.unwrap().body.items.len() as u64
    };
    assert_eq!(listed(Some(crate::NO_GROUP), None).await, report.all - report.total);
    assert_eq!(listed(Some("unknown"), None).await, report.undecided);
    assert_eq!(listed(None, Some("corrected")).await, report.corrected);
    assert_eq!(listed(None, Some("nothing of the kind")).await, 0);
    for row in &report.groups {
        let bucket = Some(row.bucket.code.as_str());
        let counts = [row.answered, row.done, row.rated_yes, row.rated_no];
        for (had, count) in ["answered", "done", "yes", "no"].into_iter().zip(counts) {
            assert_eq!(listed(bucket, Some(had)).await, count, "{bucket:?} {had}");
        }
    }
    let city = &query.city().await.unwrap().unwrap().city;
    let order: Vec<_> = report.groups.iter().map(|row| row.bucket.code.as_str()).collect();
    assert_eq!(order, city.buckets.iter().map(|b| b.code.as_str()).collect::<Vec<_>>());
    let row = |code: &str| report.groups.iter().find(|row| row.bucket.code == code).unwrap();
    let repair = row("current_repair");
    assert_eq!((repair.count, repair.share, repair.done, repair.satisfied), (2, Some(50.0), 1, Some(50.0)));
    assert_eq!(repair.sent_to["akimat-almaly"], 2);
    let questions = row("reference");
    assert_eq!((questions.count, questions.answered, questions.satisfied), (2, 1, None));
    assert_eq!((row("other").count, row("other").share), (1, None));
    assert_eq!((row("yard").count, row("yard").share), (0, Some(0.0)));
}

/// Every appeal stands in one part of the report, and the list of its channels agrees with it.
#[tokio::test(flavor = "multi_thread")]
async fn the_report_tells_channels_apart() {
    let town = Town::with_city().await;
    for (n, channel) in (1..).zip(["whatsapp", "whatsapp", "instagram", "facebook", "facebook", "email"]) {
        let mut registered = registered(n);
        registered["channel"] = json!(channel);
        let route = routed_as("akimat-almaly", "current_repair", "pothole", "2026-11-25T09:00:00Z");
        town.appeal(n, vec![registered, understood("pothole", false)]).await;
        town.appeal(n, vec![route]).await;
    }
    let query = town.views().await;
    let report = query.report(Period::default()).await.unwrap().body;
    let repairs = |groups: &[crate::ReportRow]| {
        let row = groups.iter().find(|row| row.bucket.code == "current_repair").unwrap();
        (row.count, row.share)
    };
    assert_eq!(repairs(&report.groups), (6, Some(100.0)), "all together");
    let parts: Vec<_> = report
        .channel_groups
        .iter()
        .map(|part| (part.channel_group.code.as_str(), part.channel_group.ru.as_str(), part.all, part.total))
        .collect();
    let expected = [
        ("whatsapp", "WhatsApp", 2, 2),
        ("meta", "Instagram и Facebook", 3, 3),
        ("other", "Другие каналы", 1, 1),
    ];
    assert_eq!(parts, expected);
    for part in &report.channel_groups {
        assert_eq!(repairs(&part.groups), (part.all, Some(100.0)), "{}", part.channel_group.code);
        let channel = Some(part.channels.join(","));
        let filter = AppealFilter { channel: channel.clone(), ..AppealFilter::default() };
        let listed = query.appeals(filter, Level::Public).await.unwrap().body.items.len() as u64;
        assert_eq!(listed, part.all, "{channel:?}");
        let asked = query.report(Period { channel, ..Period::default() }).await.unwrap().body;
        assert_eq!((asked.all, asked.groups), (part.all, part.groups.clone()), "asked for alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_counts_as_answered_and_done_by_its_main_finding() {
    let town = Town::with_city().await;
    let second = |mut event: Value| {
        event["finding"] = json!(1);
        event
    };
    let mut both = understood("pothole", false);
    both["findings"] = json!([both["findings"][0], both["findings"][0]]);
    for n in 1..=2 {
        town.appeal(n, vec![registered(n), both.clone(), routed("akimat-almaly")]).await;
        town.appeal(n, vec![second(routed("akimat-medeu"))]).await;
    }
    let counts = async || {
        let query = town.views().await;
        let report = query.report(Period::default()).await.unwrap().body;
        let row = report.groups.iter().find(|row| row.bucket.code == "current_repair").unwrap().clone();
        let figures = query.figures(Period::default()).await.unwrap().body;
        assert_eq!((figures.answered, figures.done), (row.answered, row.done));
        (row.answered, row.done)
    };
    town.appeal(1, vec![second(answered())]).await;
    town.appeal(2, vec![second(done("akimat-medeu"))]).await;
    assert_eq!(counts().await, (0, 0), "what is only beside it");
    town.appeal(1, vec![answered()]).await;
    town.appeal(2, vec![done("akimat-almaly")]).await;
    assert_eq!(counts().await, (1, 1));
    // Opened again it is not done any more; what was answered was answered.
    for n in 1..=2 {
        let by = json!({ "kind": "operator", "token": "t1" });
        town.appeal(n, vec![json!({ "type": "reopened", "by": by, "reason": personal("снова") })]).await;
    }
    assert_eq!(counts().await, (1, 0));
    town.appeal(2, vec![second(done("akimat-medeu"))]).await;
    assert_eq!(counts().await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_worked_from_danger_to_number() {
    let town = Town::with_city().await;
    let service = [
        "2026-11-29T09:00:00Z",
        "2026-11-27T09:00:00Z",
        "2026-11-21T09:00:00Z",
        "2026-12-05T09:00:00Z",
        "2026-11-29T09:00:00Z",
    ];
    for n in 1..=5_u32 {
        town.message(n, vec![received(n, "Яма")]).await;
        town.message(n, vec![placed(n, n)]).await;
        let route = routed_as("akimat-almaly", "current_repair", "pothole", service[n as usize - 1]);
        let told = json!({ "type": "told", "message": message_id(100 + n), "what": "receipt" });
        town.appeal(n, vec![registered(n), understood("pothole", n == 4), route, told]).await;
    }
    town.appeal(6, vec![registered(6)]).await;
    let query = town.views().await;
    let queue =
        query.queue("akimat-almaly", Level::Party, at("2026-11-22T09:00:00Z"), 100).await.unwrap().body;
    let order: Vec<_> = queue.tasks.iter().map(|t| (t.number.to_string(), t.order)).collect();
    use crate::QueueReason::{Danger, Service, ServicePassed};
    assert_eq!(
        order,
        [
            (number(4), Danger),
            (number(3), ServicePassed),
            (number(2), Service),
            (number(1), Service),
            (number(5), Service),
        ]
    );
    assert!(queue.tasks[0].words.as_ref().unwrap().contains(CANARY));
    let desk = query.queue("operator", Level::Operator, at("2026-11-22T09:00:00Z"), 100).await.unwrap().body;
    let desk: Vec<_> = desk.tasks.iter().map(|t| (t.number.to_string(), t.why.as_str())).collect();
    assert_eq!(desk, [(number(4), "danger"), (number(6), "new")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_tells_what_became_of_it() {
    let town = Town::with_city().await;
    town.message(1, vec![received(1, "Яма")]).await;
    let query = town.views().await;
    let outcome = async |query: &Query, n| query.message(message_id(n)).await.unwrap().body;
    assert_eq!(outcome(&query, 2).await, None);
    let found = outcome(&query, 1).await.unwrap();
    assert_eq!((found.appeal, found.number, found.joined), (None, None, false));
    town.message(1, vec![placed(1, 1)]).await;
    let found = outcome(&town.views().await, 1).await.unwrap();
    assert_eq!((found.appeal, found.number, found.joined), (Some(appeal_id(1)), None, false));
    town.appeal(1, vec![registered(1)]).await;
    town.message(2, vec![received(2, "?"), json!({ "type": "set_aside", "why": "for_person" })]).await;
    let query = town.views().await;
    let found = outcome(&query, 1).await.unwrap();
    assert_eq!((found.number.unwrap().to_string(), found.joined, found.opens), (number(1), true, true));
    assert_eq!(outcome(&query, 2).await.unwrap().outcome.as_deref(), Some("for_person"));
    // What said nothing is for nobody, until it says something.
    let edited = json!({ "type": "edited", "content": { "text": personal("Яма!") }, "sent_at": "2026-11-20T09:09:00Z" });
    town.message(3, vec![received(3, "."), json!({ "type": "set_aside", "why": "no_appeal" })]).await;
    town.message(4, vec![received(4, "."), json!({ "type": "set_aside", "why": "no_appeal" }), edited]).await;
    town.message(5, vec![received(5, "Скидки"), json!({ "type": "set_aside", "why": "mailing" })]).await;
    let query = town.views().await;
    for (why, expected) in [
        (SetAside::ForPerson, &[4, 2][..]),
        (SetAside::NoAppeal, &[4, 3]),
        (SetAside::Mailing, &[5]),
        (SetAside::Note, &[]),
    ] {
        let waiting = query.set_aside(why, 10).await.unwrap().body;
        let ids: Vec<_> = waiting.iter().map(|m| m.id).collect();
        assert_eq!(ids, expected.iter().map(|n| message_id(*n)).collect::<Vec<_>>(), "{why:?}");
    }
}

/// An automatic answer is seen where the letter stands that it answers: by operators, and it is no word of the resident.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_stands_beside_its_appeal() {
    let town = Town::with_city().await;
    town.appeal(1, vec![registered(1)]).await;
    town.message(1, vec![received(1, "Яма"), placed(1, 1)]).await;
    let note = json!({ "type": "set_aside", "why": "note", "beside": appeal_id(1) });
    town.message(2, vec![received(2, "Вне офиса"), note]).await;
    let query = town.views().await;
    for (level, expected) in [(Level::Operator, &[1, 2][..]), (Level::Party, &[1])] {
        let view = query.appeal(appeal_id(1), level).await.unwrap().body.unwrap();
        let thread: Vec<_> = view.thread.unwrap().iter().map(|m| m.id).collect();
        assert_eq!(thread, expected.iter().map(|n| message_id(*n)).collect::<Vec<_>>(), "{level:?}");
    }
    let notes = query.set_aside(SetAside::Note, 10).await.unwrap().body;
    assert_eq!(notes[0].aside.as_deref(), Some("note"));
}

/// The platform may show our message before we know that we sent it: then it seems to go on the last conversation.
#[tokio::test(flavor = "multi_thread")]
async fn where_we_said_our_message_belongs_outweighs_where_it_seemed_to() {
    let echoed = || {
        json!({ "type": "echoed", "sent_at": "2026-11-20T09:00:00Z", "content": {}, "channel": "facebook",
                "surface": "private", "account": "1", "contact": contact(1) })
    };
    let guessed = || json!({ "type": "placed", "appeal": appeal_id(1), "opens": false, "found": "outside" });
    let sent = |to: Value| {
        let mut sent = json!({ "type": "sent", "channel": "facebook", "account": "1", "external_id": personal("m"),
                               "sent_at": "2026-11-20T09:00:00Z" });
        sent.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        sent
    };
    let to_second = || sent(json!({ "appeal": appeal_id(2) }));
    let answering = || sent(json!({ "answers": message_id(2) }));
    for (events, appeal) in [
        (vec![echoed(), guessed()], 1),
        (vec![echoed(), guessed(), to_second()], 2),
        (vec![echoed(), to_second(), guessed()], 2),
        (vec![echoed(), guessed(), answering()], 2),
        (vec![echoed(), answering(), guessed()], 2),
    ] {
        let town = Town::with_city().await;
        for n in [1, 2] {
            town.appeal(n, vec![registered(n)]).await;
        }
        for event in &events {
            town.message(9, vec![event.clone()]).await;
        }
        town.message(2, vec![received(2, "Люк"), placed(2, 2)]).await;
        let query = town.views().await;
        for n in [1, 2] {
            let view = query.appeal(appeal_id(n), Level::Party).await.unwrap().body.unwrap();
            let ours = view.thread.unwrap().into_iter().find(|m| m.id == message_id(9));
            assert_eq!(ours.is_some(), n == appeal, "in {n}: {events:?}");
            assert!(ours.is_none_or(|ours| ours.outside == (appeal == 1)), "{events:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_what_its_last_edit_says_in_whatever_order_it_came() {
    let edited = |text: &str, at: &str| json!({ "type": "edited", "content": { "text": personal(text) }, "sent_at": at });
    let early = edited("раньше", "2026-11-20T09:01:00Z");
    let late = edited("позже", "2026-11-20T09:02:00Z");
    let check = async |events: Vec<Value>, expected: &str, before: &[&str]| {
        let town = Town::new();
        for event in events {
            town.message(1, vec![event]).await;
        }
        town.message(1, vec![placed(1, 1)]).await;
        town.appeal(1, vec![registered(1)]).await;
        let view = town.views().await.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
        let message = &view.thread.unwrap()[0];
        assert_eq!(message.text.as_deref(), Some(expected));
        // R8: the first words stay readable, and every later ones.
        let said: Vec<_> = message.earlier.iter().filter_map(|earlier| earlier.text.as_deref()).collect();
        assert_eq!(said, before);
    };
    let first = format!("Яма {CANARY}");
    let all = [first.as_str(), "раньше"];
    check(vec![received(1, "Яма")], &first, &[]).await;
    check(vec![received(1, "Яма"), early.clone()], "раньше", &all[..1]).await;
    check(vec![early.clone(), received(1, "Яма")], "раньше", &all[..1]).await;
    check(vec![received(1, "Яма"), early.clone(), late.clone()], "позже", &all).await;
    check(vec![received(1, "Яма"), late.clone(), early.clone()], "позже", &all).await;
    check(vec![early.clone(), late.clone(), received(1, "Яма")], "позже", &all).await;
    check(vec![late.clone(), received(1, "Яма"), early.clone()], "позже", &all).await;
    // The same words again, as when only the picture of a link changed, are no version.
    let content = received(1, "Яма")["content"].clone();
    let same = json!({ "type": "edited", "content": content, "sent_at": "2026-11-20T09:00:30Z" });
    check(vec![received(1, "Яма"), same.clone()], &first, &[]).await;
    check(vec![received(1, "Яма"), same.clone(), early, same], "раньше", &all[..1]).await;
    check(vec![received(1, "Яма"), late, edited("позже", "2026-11-20T09:03:00Z")], "позже", &all[..1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_one_until_anything_is_understood_of_it() {
    let check = async |understood: Option<Value>, expected: bool| {
        let town = Town::with_city().await;
        let mut begun = registered(1);
        begun["draft"] = json!(true);
        town.appeal(1, vec![begun]).await;
        if let Some(understood) = &understood {
            town.appeal(1, vec![understood.clone()]).await;
        }
        let view = town.views().await.appeal(appeal_id(1), Level::Party).await.unwrap().body.unwrap();
        assert_eq!(view.draft, expected, "{understood:?}");
    };
    let mut nothing = understood("unclear", false);
    nothing["findings"][0]["confidence"] = json!(0);
    check(None, true).await;
    check(Some(nothing), true).await;
    check(Some(understood("pothole", false)), false).await;
}

/// A report of the post on our letter of an earlier system: whoever reads the appeal sees that it never arrived.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_system_sent_stands_in_the_appeal_that_it_named() {
    let known: Number = "Z-2026-000403".parse().unwrap();
    let appeal = AppealId::known_as(&known);
    let town = Town::with_city().await;
    let mut opened = registered(1);
    opened["number"] = json!(known);
    opened.as_object_mut().unwrap().remove("message");
    let sent = json!({ "type": "sent", "channel": "email", "account": "1", "external_id": personal("m"), "number": known,
                       "contact": contact(1), "sent_at": "2026-11-20T09:00:00Z" });
    let failed =
        json!({ "type": "delivery", "state": "failed", "at": "2026-11-20T09:05:00Z", "error": 5_001_001 });
    town.message(9, vec![sent]).await;
    town.record::<Appeals>(StreamId::from(appeal), &[serde_json::from_value(opened).unwrap()]).await;
    town.message(9, vec![failed]).await;
    let view = town.views().await.appeal(appeal, Level::Party).await.unwrap().body.unwrap();
    let thread = view.thread.unwrap();
    assert_eq!((thread.len(), thread[0].id), (1, message_id(9)));
    assert_eq!(thread[0].delivery.as_deref(), Some("failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_apart_while_appeals_come() {
    let town = Town::new();
    for n in 1..=7 {
        town.appeal(n, vec![registered(n)]).await;
    }
    let mut seen = vec![];
    let mut after = None;
    let mut n = 8;
    loop {
        let query = town.views().await;
        let filter = AppealFilter { limit: Some(3), after, ..AppealFilter::default() };
        let page = query.appeals(filter, Level::Public).await.unwrap().body;
        seen.extend(page.items.iter().map(|card| card.number.to_string()));
        // Something new between two pages.
        town.appeal(n, vec![registered(n)]).await;
        n += 1;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (1..=7).rev().map(number).collect::<Vec<_>>());
    let filter = AppealFilter { after: Some("soon".into()), ..AppealFilter::default() };
    let query = town.views().await;
    assert!(matches!(query.appeals(filter, Level::Public).await, Err(Error::BadCursor)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_moment_is_answered_as_long_as_nothing_has_changed() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.story(2, "akimat-medeu").await;
    let then = town.log.head().await.unwrap();
    town.appeal(
        2,
        vec![json!({ "type": "started", "finding": 0, "by": { "kind": "party", "code": "akimat-medeu" } })],
    )
    .await;
    let query = town.views().await;
    let past = query.as_of(then, at("2026-11-20T09:30:00Z"));
    let now = at("2026-11-30T09:00:00Z");
    assert!(past.appeal(appeal_id(1), Level::Party).await.is_ok());
    // What had not passed then has not passed, whenever it is asked.
    let passed = async |query: &Query| {
        query.queue("akimat-almaly", Level::Party, now, 10).await.unwrap().body.tasks[0].service_passed
    };
    assert_eq!((passed(&past).await, passed(&query).await), (false, true));
    assert!(past.rules().await.is_ok());
    assert!(
        matches!(past.appeal(appeal_id(2), Level::Party).await, Err(Error::AsOfNotKept { as_of, .. }) if as_of == then)
    );
    assert!(matches!(
        past.queue("akimat-medeu", Level::Party, now, 10).await,
        Err(Error::AsOfNotKept { .. })
    ));
    assert!(matches!(
        past.appeals(AppealFilter::default(), Level::Public).await,
        Err(Error::AsOfNotKept { .. })
    ));
    assert!(matches!(past.report(Period::default()).await, Err(Error::AsOfNotKept { .. })));
    let later = query.as_of(Position(then.0 + 100), at("2026-11-20T09:30:00Z"));
    assert!(matches!(later.report(Period::default()).await, Err(Error::NotReached { .. })));
    assert!(query.changed_since(View::Appeals, then).await.unwrap().body);
    assert!(!query.changed_since(View::Appeal(appeal_id(1)), then).await.unwrap().body);
    // Names come from the rules: once they change, nothing that shows names is as it was.
    town.publish().await;
    let query = town.views().await;
    assert!(query.changed_since(View::Appeal(appeal_id(1)), then).await.unwrap().body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_moment_of_a_message_knows_nothing_of_its_appeals_future() {
    let town = Town::with_city().await;
    town.message(1, vec![received(1, "Яма")]).await;
    let first = town.message(1, vec![placed(1, 1)]).await;
    town.message(2, vec![received(2, "Там же")]).await;
    let second = town.message(2, vec![placed(2, 1)]).await;
    town.message(101, vec![json!({ "type": "delivery", "state": "sent", "at": "2026-11-20T09:10:00Z" })])
        .await;
    let moment = at("2026-11-20T09:30:00Z");
    let check = async |as_of: Position, n: u32, expected: Result<(bool, bool), Position>| {
        let found = town.views().await.as_of(as_of, moment).message(message_id(n)).await;
        let found = match found {
            Ok(answer) => answer.body.map(|m| Ok((m.number.is_some(), m.joined))),
            Err(Error::AsOfNotKept { changed, .. }) => Some(Err(changed)),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, Some(expected), "message {n} as of {as_of}");
    };
    check(first, 1, Ok((false, false))).await;
    check(second, 2, Ok((false, false))).await;
    let opened = town.appeal(1, vec![registered(1)]).await;
    check(first, 1, Err(opened)).await;
    check(second, 2, Err(opened)).await;
    check(opened, 1, Ok((true, true))).await;
    check(opened, 2, Ok((true, false))).await;
    let added = town
        .appeal(1, vec![json!({ "type": "message_added", "message": message_id(2), "contact": contact(2) })])
        .await;
    check(opened, 1, Ok((true, true))).await;
    check(opened, 2, Err(added)).await;
    check(added, 2, Ok((true, true))).await;
    // What we told belongs to the appeal from then on.
    let told =
        town.appeal(1, vec![json!({ "type": "told", "message": message_id(101), "what": "receipt" })]).await;
    check(added, 101, Err(told)).await;
    check(told, 101, Ok((true, false))).await;
}

/// What was taken and did not arrive was not told; what was told besides stands.
#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_is_told_only_by_what_arrived() {
    let told = |n: u32| json!({ "type": "told", "message": message_id(n), "what": "receipt" });
    let failed = |n: u32| json!({ "type": "not_told", "message": message_id(n), "what": "receipt", "why": "window_closed" });
    for (events, is_told) in [
        (vec![told(101)], true),
        (vec![told(101), failed(101)], false),
        (vec![told(101), failed(102)], true),
        (vec![told(101), failed(101), told(102)], true),
    ] {
        let town = Town::with_city().await;
        town.story(1, "akimat-almaly").await;
        town.appeal(1, events.clone()).await;
        let query = town.views().await;
        let appeal = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
        assert_eq!(appeal.told_at.is_some(), is_told, "{events:?}");
    }
}

/// How far our message came, in whatever order its two streams tell it.
#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_message_came_does_not_depend_on_the_order() {
    let queued = || {
        json!({ "type": "queued", "appeal": appeal_id(1), "contact": contact(1), "channel": "whatsapp",
                "surface": "private", "account": "1", "to": { "p": "7" }, "what": "receipt", "lang": "ru",
                "text": { "p": "Принято." } })
    };
    let at = "2026-11-20T04:00:05Z";
    let taken = || json!({ "type": "taken", "message": message_id(102), "external_id": { "p": "wamid.1" }, "at": at });
    let sent = || {
        json!({ "type": "sent", "channel": "whatsapp", "account": "1", "external_id": { "p": "wamid.1" },
                "appeal": appeal_id(1), "sent_at": at, "of": message_id(101) })
    };
    let read = || json!({ "type": "delivery", "state": "read", "at": at });
    let needless = || json!({ "type": "not_taken", "why": "needless", "at": at });
    for (events, expected) in [
        (vec![(101, queued()), (101, taken()), (102, sent()), (102, read())], "read"),
        (vec![(102, sent()), (102, read()), (101, queued())], "read"),
        (vec![(101, taken()), (101, queued())], "sent"),
        (vec![(101, queued()), (101, needless())], "needless"),
    ] {
        let town = Town::with_city().await;
        town.story(1, "akimat-almaly").await;
        for (n, event) in &events {
            town.message(*n, vec![event.clone()]).await;
        }
        let query = town.views().await;
        let appeal = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
        let thread = appeal.thread.unwrap();
        let ours: Vec<_> =
            thread.iter().filter(|message| message.ours).map(|m| m.delivery.as_deref()).collect();
        assert_eq!(ours, [Some(expected)], "{events:?}");
    }
}

/// A hint is part of no appeal, though its platform shows it in the conversation of one.
#[tokio::test(flavor = "multi_thread")]
async fn a_hint_stands_in_no_thread() {
    let at = "2026-11-20T04:00:05Z";
    let queued = || {
        json!({ "type": "queued", "contact": contact(1), "channel": "whatsapp", "surface": "private",
                "account": "1", "to": { "p": "7" }, "what": "greeting", "lang": "ru", "text": { "p": "Здравствуйте!" } })
    };
    let taken = || json!({ "type": "taken", "message": message_id(102), "external_id": { "p": "wamid.1" }, "at": at });
    let sent = || {
        json!({ "type": "sent", "channel": "whatsapp", "account": "1", "external_id": { "p": "wamid.1" },
                "contact": contact(1), "sent_at": at, "of": message_id(101) })
    };
    let echoed = || {
        json!({ "type": "echoed", "channel": "whatsapp", "surface": "private", "account": "1", "contact": contact(1),
                "content": { "text": { "p": "Здравствуйте!" } }, "sent_at": at })
    };
    let placed = || json!({ "type": "placed", "appeal": appeal_id(1), "opens": false, "found": "outside" });
    for events in [
        vec![(101, queued()), (101, taken()), (102, sent())],
        vec![(101, queued()), (101, taken()), (102, sent()), (102, echoed())],
        vec![(101, queued()), (102, echoed()), (102, placed()), (101, taken()), (102, sent())],
        vec![(101, queued()), (102, echoed()), (101, taken()), (102, sent()), (102, placed())],
    ] {
        let town = Town::with_city().await;
        town.story(1, "akimat-almaly").await;
        for (n, event) in &events {
            town.message(*n, vec![event.clone()]).await;
        }
        let query = town.views().await;
        let thread = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap().thread.unwrap();
        assert!(thread.iter().all(|message| !message.ours), "{events:?}: {thread:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_count_all_appeals_about_one_problem() {
    let town = Town::with_city().await;
    for (n, party) in [(1, "akimat-almaly"), (2, "akimat-medeu"), (3, "akimat-medeu")] {
        town.story(n, party).await;
    }
    let then = town.log.head().await.unwrap();
    let join = json!({ "type": "joined_to_problem", "problem": appeal_id(1), "by": { "kind": "system" } });
    town.appeal(3, vec![join]).await;
    let query = town.views().await;
    for (n, voices) in [(1, 2), (2, 1), (3, 2)] {
        assert_eq!(
            query.appeal(appeal_id(n), Level::Public).await.unwrap().body.unwrap().voices,
            voices,
            "{n}"
        );
    }
    // Who shows the voices has changed with them.
    for (view, changed) in [
        (View::Appeal(appeal_id(1)), true),
        (View::Appeal(appeal_id(2)), false),
        (View::Queue("akimat-almaly".to_owned()), true),
    ] {
        assert_eq!(query.changed_since(view.clone(), then).await.unwrap().body, changed, "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_a_problem_changes_the_voices_of_those_who_stay() {
    let town = Town::with_city().await;
    for n in 1..=4 {
        town.story(n, "akimat-almaly").await;
    }
    let join = |problem: u32| json!({ "type": "joined_to_problem", "problem": appeal_id(problem), "by": { "kind": "system" } });
    town.appeal(4, vec![join(1)]).await;
    let joined = town.appeal(3, vec![join(1)]).await;
    let left = town.appeal(3, vec![join(2)]).await;
    let query = town.views().await;
    let past = query.as_of(joined, at("2026-11-20T12:00:00Z"));
    for (n, voices) in [(1, 2), (2, 2), (3, 2), (4, 2)] {
        let now = query.appeal(appeal_id(n), Level::Public).await.unwrap().body.unwrap();
        assert_eq!(now.voices, voices, "{n}");
        let then = past.appeal(appeal_id(n), Level::Public).await;
        assert!(matches!(then, Err(Error::AsOfNotKept { changed, .. }) if changed == left), "{n}: {then:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_waits_for_still_counts_until_it_is_answered() {
    let town = Town::with_city().await;
    drop(town.views().await);
    let query = Query::open(town.data(), &QueryConfig { readers: 1, ..QueryConfig::default() }).unwrap();
    let (answer, wait) = std::sync::mpsc::channel::<()>();
    let slow = query.ask(move |_| {
        wait.recv().ok();
        Ok(())
    });
    let short = Duration::from_millis(200);
    assert!(tokio::time::timeout(short, slow).await.is_err(), "its client is gone");
    let next = async |within| tokio::time::timeout(within, query.checkpoint()).await;
    assert!(next(short).await.is_err(), "one at a time");
    answer.send(()).unwrap();
    assert!(next(Duration::from_secs(10)).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_work_until_they_end() {
    let town = Town::new();
    let created = |name: &str| {
        json!({
            "type": "token_created", "token": name, "digest": "00", "role": "party", "party": "akimat-almaly",
            "expires_at": "2026-12-01T00:00:00Z",
        })
    };
    town.token("t1", vec![created("t1")]).await;
    town.token("t2", vec![created("t2")]).await;
    town.token("t2", vec![json!({ "type": "token_revoked", "token": "t2" })]).await;
    let query = town.views().await;
    let token = async |name: &str| query.token(name).await.unwrap().body;
    let good = token("t1").await.unwrap();
    assert!(good.works_at(at("2026-11-30T00:00:00Z")) && !good.works_at(at("2026-12-01T00:00:00Z")));
    assert_eq!((good.role, good.party.as_deref()), (access::Role::Party, Some("akimat-almaly")));
    assert!(!token("t2").await.unwrap().works_at(at("2026-11-30T00:00:00Z")));
    assert_eq!(token("t3").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_name_what_changed() {
    let (town, query) = town_with_one().await;
    let all = query.changes(Position::START, 100).await.unwrap().body;
    assert_eq!(all.iter().map(|c| c.position.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let last = query.changes(Position(4), 100).await.unwrap().body;
    let [change] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!(change.number.as_ref().unwrap().as_str(), number(1));
    assert_eq!(change.events, ["understood", "routed"]);
    assert_eq!(change.views, ["appeals", "queue/akimat-almaly", "queue/operator"]);
    // A message's own change tells of the appeal that it belongs to.
    town.message(1, vec![json!({ "type": "withdrawn", "sent_at": "2026-11-20T09:30:00Z" })]).await;
    let change = town.views().await.changes(Position(5), 100).await.unwrap().body.remove(0);
    assert_eq!(
        (change.number.unwrap().to_string(), change.events),
        (number(1), vec!["withdrawn".to_owned()])
    );
}
