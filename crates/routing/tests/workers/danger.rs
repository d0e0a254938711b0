//! No danger is lost: in a long thread, in a long text, at another place, in an edit.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use zholdary_channels::jsonl;
use zholdary_city::City;
use zholdary_domain::{
    AppealId, CommandId, Inbound, MessageId, Place, StreamId,
    appeal::{self, Actor, Appeal, Command, Event, Finding, FindingId, FindingState, Stage, StateName},
    inbound::Content,
};
use zholdary_log::Cause;
use zholdary_triage::{Input, Triage};

use crate::rig::{Rig, files};

/// Half a minute after the one before: more at once would be a flood.
fn says(n: usize, text: &str) -> Value {
    json!({ "id": n.to_string(), "channel": "whatsapp", "contact": "+77000000311", "text": text,
            "sent_at": format!("2026-11-20T09:{:02}:{:02}+05:00", n / 2, n % 2 * 30) })
}

/// Category, streets and house of each danger.
fn dangers(appeal: &Appeal) -> Vec<(&str, String)> {
    let words = |place: &Place| {
        let house = place.house.as_ref().map(|house| house.reveal().clone());
        place.names.iter().cloned().chain(house).collect::<Vec<_>>().join(" ")
    };
    let certain = |f: &&FindingState| f.category != "manhole_defect" && f.category != "pothole";
    appeal.findings.iter().filter(certain).map(|f| (f.category.as_str(), words(&f.place))).collect()
}

async fn state(rig: &Rig, id: AppealId) -> Appeal {
    rig.appeals().load(&StreamId::from(id)).await.unwrap().state
}

/// A thread, each message heard by itself.
async fn thread(texts: &[&str]) -> (Rig, AppealId) {
    let rig = Rig::new().await;
    let mut first: Option<MessageId> = None;
    for (n, text) in texts.iter().enumerate() {
        let heard = rig.hear(&[says(n, text)]).await;
        first = first.or(heard.first().copied());
        rig.settle().await;
    }
    let (id, _) = rig.appeal_of(first.unwrap()).await;
    (rig, id)
}

async fn wish(rig: &Rig, id: AppealId, name: &str, command: Command) {
    let decide = |state: &Appeal, _| appeal::decide(state, command.clone());
    let cause = CommandId::named("test", name);
    rig.appeals().handle(&StreamId::from(id), cause, Cause::OUTSIDE, decide).await.unwrap();
}

async fn edit(rig: &Rig, n: usize, text: &str) {
    edit_before_it_is_read(rig, n, 1, text).await;
    rig.settle().await;
}

/// The `nth` edit of a message, a minute after the one before.
async fn edit_before_it_is_read(rig: &Rig, n: usize, nth: i64, text: &str) {
    let Inbound::Message(was) = jsonl::line(&says(n, "x").to_string(), None).unwrap() else {
        panic!("a message")
    };
    let content = Content { text: Some(text.to_owned().into()), ..Content::default() };
    let sent_at = was.sent_at + chrono::TimeDelta::minutes(nth);
    rig.tell(vec![Inbound::Edited { of: was.id, edit: nth.to_string().into(), content, sent_at }]).await;
}

const HOLE: &str = "Открытый люк без крышки на Толе би 100 угол Масанчи";

/// What the thread leads to, restart or not.
async fn check(texts: &[&str], expected: &[(&str, &str)]) {
    let (rig, id) = thread(texts).await;
    let appeal = state(&rig, id).await;
    let found = dangers(&appeal);
    let found: Vec<_> = found.iter().map(|(category, place)| (*category, place.as_str())).collect();
    assert_eq!(found, expected, "{texts:?}");
    assert!(appeal.understanding.as_ref().unwrap().danger);
    let events = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, events, "{texts:?}: heard once");
}

#[tokio::test]
async fn a_danger_elsewhere_is_another_danger() {
    let one = ("manhole_open", "Толе би Масанчи 100");
    let two = ("manhole_open", "Кабанбай батыра 164");
    check(&[HOLE, "Ещё открытый люк на Кабанбай батыра 164"], &[one, two]).await;
    check(&[HOLE, "Ещё открытый люк на Кабанбай батыра 164", "Жду ответа"], &[one, two]).await;
    check(&[HOLE, "Люк так и открыт, без крышки"], &[one]).await;
    check(&[HOLE, "Люк на Толе би всё ещё открыт"], &[one]).await;
    check(&["Открытый люк без крышки", "Это на Толе би 100 угол Масанчи"], &[one]).await;
}

/// Messages that are placed before anything is decided: one decision covers them.
async fn burst(texts: &[&str]) -> (Rig, AppealId) {
    let rig = Rig::new().await;
    let lines: Vec<Value> = texts.iter().enumerate().map(|(n, text)| says(n, text)).collect();
    let heard = rig.hear(&lines).await;
    rig.register().await;
    rig.settle().await;
    let (id, _) = rig.appeal_of(heard[0]).await;
    (rig, id)
}

#[tokio::test]
async fn two_streets_without_a_house_are_two_places() {
    let hole = "Открытый люк без крышки на Абая";
    let other = "Ещё открытый люк на Сатпаева";
    let (one, two) = (("manhole_open", "Абая"), ("manhole_open", "Сатпаева"));
    check(&[hole, other], &[one, two]).await;
    check(&[hole, other, "Люк на Абая так и открыт, жду"], &[one, two]).await;
    check(&["Открытый люк без крышки", "Это на Абая", other], &[one, two]).await;
    let crossing = ("manhole_open", "Абая Байтурсынова");
    check(&[hole, "Это угол Байтурсынова", other], &[crossing, two]).await;
    for texts in [&[hole, other][..], &[hole, other, "Жду ответа"]] {
        let (rig, id) = burst(texts).await;
        let appeal = state(&rig, id).await;
        let found = dangers(&appeal);
        assert_eq!(found, [(one.0, one.1.to_owned()), (two.0, two.1.to_owned())], "{texts:?}");
    }
}

async fn accept(rig: &Rig, id: AppealId, finding: u16) {
    let finding = FindingId(finding);
    let by = Actor::Party { code: state(rig, id).await.findings[usize::from(finding.0)].party().to_owned() };
    wish(rig, id, &format!("accept {}", finding.0), Command::Accept { finding, by }).await;
}

async fn finish(rig: &Rig, id: AppealId, finding: u16) {
    let finding = FindingId(finding);
    let by = Actor::Party { code: state(rig, id).await.findings[usize::from(finding.0)].party().to_owned() };
    let explanation = Some("крышка стоит".to_owned().into());
    wish(
        rig,
        id,
        &format!("finish {}", finding.0),
        Command::Finish { finding, by, explanation, proof: vec![] },
    )
    .await;
}

#[tokio::test]
async fn a_danger_with_a_point_is_heard_though_the_place_was_known_to_a_point() {
    let rig = Rig::new().await;
    let with_point = |n, text| {
        let mut line = says(n, text);
        line["point"] = json!({ "lon": 76.93, "lat": 43.255 });
        line
    };
    let heard = rig.hear(&[with_point(0, "Яма на Толе би 100 угол Масанчи")]).await;
    rig.settle().await;
    let (id, before) = rig.appeal_of(heard[0]).await;
    assert_eq!(before.state(), StateName::Routed);
    rig.hear(&[with_point(1, "Рядом открытый люк без крышки")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert_eq!(dangers(&appeal).len(), 1, "{appeal:?}");
}

#[tokio::test]
async fn a_danger_that_was_made_safe_elsewhere_is_not_raised_by_a_restart() {
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи"]).await;
    accept(&rig, id, 0).await;
    rig.hear(&[says(1, "И открытый люк на Кабанбай батыра 164")]).await;
    rig.settle().await;
    rig.hear(&[says(2, "Люк так и открыт, без крышки")]).await;
    rig.settle().await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
    finish(&rig, id, 1).await;
    let events = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, events);
}

#[tokio::test]
async fn a_danger_that_comes_back_is_heard_while_another_problem_waits() {
    let (rig, id) = thread(&["Яма, выбоина на дороге", HOLE]).await;
    let at = state(&rig, id).await.findings.iter().position(|f| f.category == "manhole_open").unwrap();
    finish(&rig, id, u16::try_from(at).unwrap()).await;
    rig.hear(&[says(5, "Люк на Толе би опять открыт, без крышки")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    let open = appeal.findings.iter().filter(|f| f.category == "manhole_open" && f.is_open());
    assert_eq!(open.count(), 1, "{appeal:?}");
    let events = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, events, "heard once");
}

/// What may happen to an appeal between two messages.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Nothing,
    Settled,
    /// Settled, and every party takes what stands in its queue.
    Taken,
    /// Settled, and everything is mended.
    Mended,
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    use Meanwhile::{Mended, Nothing, Settled, Taken};
    prop_oneof![Just(Nothing), Just(Settled), Just(Taken), Just(Mended)]
}

const TEXTS: &[&str] = &[
    HOLE,
    "Открытый люк на Абая",
    "Ещё открытый люк на Сатпаева",
    "Люк так и открыт, без крышки",
    "Открытый люк без крышки на Кабанбай батыра 164",
    "На Абая висит оголённый провод",
    "Яма на Толе би 100",
    "Яма, выбоина на дороге",
    "Это угол Байтурсынова",
    "Не горят фонари на Розыбакиева 12",
    "На Сатпаева не горит фонарь",
    "Жду ответа",
    "Спасибо",
];

/// Category and streets of each danger that a text tells by itself.
fn told(city: &City, triage: &Triage, text: &str) -> Vec<(String, Vec<String>)> {
    let findings = triage.understand(&Input { text, point: None, has_media: false }).findings;
    let danger = |f: &Finding| city.is_danger(f);
    findings.into_iter().filter(danger).map(|f| (f.category, f.place.names)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However messages and decisions alternate: each danger that a message tells is a finding, and a restart finds no other.
    #[test]
    fn every_danger_that_a_message_tells_is_heard_once(
        thread in vec((select(TEXTS), meanwhile()), 2..7),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(heard(&thread));
    }
}

#[tokio::test]
async fn a_restart_asks_as_it_stood_and_a_danger_keeps_its_finding() {
    use Meanwhile::{Mended, Nothing, Settled};
    let wire = "На Абая висит оголённый провод";
    let hole = "Открытый люк на Абая";
    heard(&[(wire, Settled), (wire, Nothing), (hole, Nothing)]).await;
    heard(&[(hole, Mended), (hole, Nothing), (HOLE, Settled), ("Ещё открытый люк на Сатпаева", Nothing)])
        .await;
    let still = "Люк так и открыт, без крышки";
    heard(&[(hole, Settled), ("Жду ответа", Mended), (still, Nothing)]).await;
    let corner = "Это угол Байтурсынова";
    heard(&[(still, Mended), (corner, Nothing), (still, Settled), (HOLE, Nothing)]).await;
}

async fn heard(thread: &[(&str, Meanwhile)]) {
    let city = City::parse(&files()).unwrap();
    let triage = Triage::new(&city);
    let rig = Rig::new().await;
    let mut first = None;
    let mut open_since = 0;
    for (n, (text, meanwhile)) in thread.iter().enumerate() {
        let message = rig.hear(&[says(n, text)]).await;
        let first = *first.get_or_insert(message[0]);
        rig.register().await;
        if matches!(meanwhile, Meanwhile::Nothing) {
            continue;
        }
        rig.settle().await;
        let (id, appeal) = rig.appeal_of(first).await;
        for (finding, state) in (0u16..).zip(&appeal.findings) {
            match (meanwhile, &state.stage) {
                (Meanwhile::Taken, Stage::Routed) => accept(&rig, id, finding).await,
                (Meanwhile::Mended, Stage::Desk | Stage::Routed | Stage::Forwarded | Stage::Accepted) => {
                    finish(&rig, id, finding).await;
                    open_since = n + 1;
                }
                _ => {}
            }
        }
    }
    rig.settle().await;
    let (id, appeal) = rig.appeal_of(first.unwrap()).await;
    for (n, (text, _)) in thread.iter().enumerate() {
        for (category, streets) in told(&city, &triage, text) {
            let tells = |f: &FindingState| {
                let names = &f.place.names;
                let is_there =
                    names.is_empty() || streets.is_empty() || streets.iter().any(|s| names.contains(s));
                f.category == category && is_there && (n < open_since || f.is_open())
            };
            assert!(appeal.findings.iter().any(tells), "{text}: {:?}", dangers(&appeal));
        }
    }
    let holes = |street: &str| {
        let is_one = |(category, place): &&(&str, String)| *category == "manhole_open" && place == street;
        dangers(&appeal).iter().filter(is_one).count()
    };
    let wrote = |part: &str| thread.iter().any(|(text, _)| text.contains(part));
    if wrote("люк на Абая") && wrote("люк на Сатпаева") {
        assert!(holes("Абая Сатпаева") == 0, "two streets are no crossing: {:?}", dangers(&appeal));
    }
    let before = rig.events(id).await.len();
    rig.settle().await;
    let after = rig.events(id).await;
    let more: Vec<_> = after[before..].iter().map(Event::name).collect();
    assert!(more.is_empty(), "a restart decides no more, not {more:?}: {:?}", dangers(&appeal));
}

/// Nothing more is decided at a start, and as many open dangers stand as before.
async fn a_start_decides_nothing(rig: &Rig, id: AppealId) {
    let before = rig.events(id).await.len();
    rig.settle().await;
    let after = rig.events(id).await;
    let more: Vec<_> = after[before..].iter().map(Event::name).collect();
    assert!(more.is_empty(), "{more:?}");
}

#[tokio::test]
async fn the_message_that_opens_an_appeal_is_heard_by_itself_too() {
    let burst = burst(&["На Толе би 100 угол Масанчи прорвало трубу, срочно", "Вода течёт в арык"]).await;
    let appeal = state(&burst.0, burst.1).await;
    let leak = |f: &FindingState| f.category == "water_leak" && f.is_open();
    assert!(appeal.findings.iter().any(leak) && appeal.understanding.unwrap().danger);
    a_start_decides_nothing(&burst.0, burst.1).await;
    // Closed before anything was decided.
    let rig = Rig::new().await;
    let heard = rig.hear(&[says(0, HOLE)]).await;
    rig.register().await;
    let (id, _) = rig.appeal_of(heard[0]).await;
    let by = Actor::Operator { token: "t".into() };
    wish(&rig, id, "close", Command::Close { by, reason: "ошибка".to_owned().into() }).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert!(appeal.reopen_requested && dangers(&appeal).len() == 1, "{appeal:?}");
    a_start_decides_nothing(&rig, id).await;
}

#[tokio::test]
async fn an_edit_before_anything_was_read_hides_no_danger() {
    for (then, expected) in [
        (&["Спасибо"][..], &["Толе би Масанчи 100"][..]),
        (&["Спасибо", "Жду ответа"], &["Толе би Масанчи 100"]),
        (&["Открытый люк без крышки на Кабанбай батыра 164"], &["Кабанбай батыра 164"]),
    ] {
        let rig = Rig::new().await;
        let heard = rig.hear(&[says(0, HOLE)]).await;
        rig.register().await;
        for (nth, text) in (1..).zip(then) {
            edit_before_it_is_read(&rig, 0, nth, text).await;
        }
        rig.register().await;
        rig.settle().await;
        let (id, appeal) = rig.appeal_of(heard[0]).await;
        let found: Vec<_> = dangers(&appeal)
            .into_iter()
            .filter(|(category, _)| *category == "manhole_open")
            .map(|(_, place)| place)
            .collect();
        assert_eq!(found, expected, "{then:?}");
        a_start_decides_nothing(&rig, id).await;
    }
}

#[tokio::test]
async fn what_made_it_a_danger_taken_back_leaves_one_danger() {
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи, ребёнок упал"]).await;
    edit(&rig, 0, "Яма на Толе би 100 угол Масанчи").await;
    let appeal = state(&rig, id).await;
    assert_eq!(appeal.findings.len(), 1, "{appeal:?}");
    assert_eq!(appeal.findings[0].route.as_ref().unwrap().priority, "emergency");
}

#[tokio::test]
async fn a_long_thread_keeps_the_place_of_a_danger() {
    let mut texts = vec!["Открытый люк без крышки".to_owned()];
    texts.extend((1..45).map(|n| {
        if n == 22 { "Это на Толе би 100 угол Масанчи".to_owned() } else { chatter(n) }
    }));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rig, id) = thread(&texts).await;
    edit(&rig, 1, "жду очень").await;
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Толе би Масанчи 100".to_owned())]);
}

#[tokio::test]
async fn a_term_that_was_extended_stays_with_its_problem() {
    let (rig, id) = thread(&["Яма, выбоина на дороге"]).await;
    let legal = state(&rig, id).await.findings[0].due[&appeal::Clock::Legal].clone();
    let cause = appeal::TermCause::Extended { reason: "экспертиза".to_owned() };
    let deadline = appeal::Deadline { at: legal.at + chrono::TimeDelta::days(9), cause, ..legal };
    let at = deadline.at;
    let by = Actor::Operator { token: "t".into() };
    let finding = FindingId(0);
    let extend = Command::Extend { finding, clock: appeal::Clock::Legal, deadline, by };
    wish(&rig, id, "extend", extend).await;
    rig.hear(&[says(1, HOLE)]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    let term = |category: &str| {
        let finding = appeal.findings.iter().find(|f| f.category == category).unwrap();
        finding.due[&appeal::Clock::Legal].at
    };
    assert!(term("pothole") == at && term("manhole_open") != at, "{appeal:?}");
}

#[tokio::test]
async fn an_edit_raises_nothing_that_was_made_safe() {
    let (rig, id) = thread(&[HOLE]).await;
    finish(&rig, id, 0).await;
    edit(&rig, 0, &format!("{HOLE}.")).await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
    a_start_decides_nothing(&rig, id).await;
    // A word of thanks that becomes a danger in an appeal that was closed: raised once, also by a start.
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи", "Спасибо"]).await;
    let by = Actor::Operator { token: "t".into() };
    wish(&rig, id, "close", Command::Close { by, reason: "всё".to_owned().into() }).await;
    edit(&rig, 1, "Открытый люк без крышки на Кабанбай батыра 164").await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
    a_start_decides_nothing(&rig, id).await;
}

#[tokio::test]
async fn a_start_takes_nothing_out_of_hands_for_what_was_written_since() {
    let (rig, id) = thread(&[HOLE]).await;
    accept(&rig, id, 0).await;
    let before = state(&rig, id).await;
    let correct = Command::Correct {
        finding: FindingId(0),
        category: None,
        place: Some(Box::new(before.findings[0].place.clone())),
        route: None,
        by: Actor::Operator { token: "t".into() },
        reason: "проверено".to_owned().into(),
    };
    wish(&rig, id, "correct", correct).await;
    rig.settle().await;
    rig.hear(&[says(1, "На крышке написано буквы ТС")]).await;
    rig.settle().await;
    a_start_decides_nothing(&rig, id).await;
    assert_eq!(state(&rig, id).await.findings[0].party(), before.findings[0].party());
}

#[tokio::test]
async fn a_danger_that_a_party_has_in_hand_swallows_none_elsewhere() {
    let (rig, id) = thread(&[HOLE, "И трещины в асфальте по всему городу"]).await;
    accept(&rig, id, 0).await;
    edit(&rig, 0, "Открытый люк без крышки на Кабанбай батыра 164").await;
    let found = state(&rig, id).await;
    let found = dangers(&found);
    let is_there =
        |place: &str| found.iter().any(|(category, at)| *category == "manhole_open" && at == place);
    assert!(is_there("Толе би Масанчи 100") && is_there("Кабанбай батыра 164"), "{found:?}");
}

#[tokio::test]
async fn a_danger_elsewhere_is_heard_when_the_first_is_in_hand() {
    let (rig, id) = thread(&[HOLE]).await;
    accept(&rig, id, 0).await;
    rig.hear(&[says(7, "И ещё открытый люк на Кабанбай батыра 164")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert_eq!(dangers(&appeal)[1], ("manhole_open", "Кабанбай батыра 164".to_owned()));
    assert!(appeal.findings.iter().all(|f| f.route.is_some()));
}

#[tokio::test]
async fn an_edit_moves_a_danger_and_never_hides_one() {
    let (rig, id) = thread(&[HOLE]).await;
    edit(&rig, 0, "Открытый люк без крышки на Толе би 102 угол Масанчи").await;
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Толе би Масанчи 102".to_owned())]);
    edit(&rig, 0, "Спасибо").await;
    let appeal = state(&rig, id).await;
    assert!(dangers(&appeal).iter().any(|(category, _)| *category == "manhole_open"), "{appeal:?}");
}

/// Filler of which nothing follows.
fn chatter(n: usize) -> String {
    format!("жду, {n}")
}

#[tokio::test]
async fn a_danger_in_the_middle_of_a_long_thread_is_heard() {
    for at_once in [true, false] {
        let rig = Rig::new().await;
        let mut lines = vec![says(0, "Яма на Толе би 100")];
        lines.extend((1..60).map(|n| says(n, &chatter(n))));
        lines[30] = says(30, "Там же открытый люк без крышки");
        let messages = if at_once {
            rig.hear(&lines).await
        } else {
            let plain: Vec<_> =
                (0..60).map(|n| if n == 30 { says(n, &chatter(n)) } else { lines[n].clone() }).collect();
            let messages = rig.hear(&plain).await;
            rig.settle().await;
            edit(&rig, 30, "Там же открытый люк без крышки").await;
            messages
        };
        rig.settle().await;
        let (_, appeal) = rig.appeal_of(messages[0]).await;
        assert_eq!(appeal.messages.len(), 60);
        let found = dangers(&appeal);
        assert!(found.iter().any(|(category, _)| *category == "manhole_open"), "{at_once}: {found:?}");
    }
}

/// The thread together is longer than what is read as one text.
#[tokio::test]
async fn a_danger_behind_long_texts_is_heard() {
    let long = format!("Яма на Толе би 100. {}", "жду ответа ".repeat(700));
    let (rig, id) = thread(&[&long, &long, &long, "Рядом открытый люк без крышки"]).await;
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Толе би 100".to_owned())]);
    let (rig, id) = thread(&["Яма на дороге", &long, &long, "Рядом открытый люк без крышки"]).await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
}

#[tokio::test]
async fn an_answer_to_our_question_is_heard_while_another_problem_is_in_hand() {
    let (rig, id) = thread(&["Яма, выбоина на дороге"]).await;
    assert_eq!(state(&rig, id).await.state(), StateName::Asked);
    // A second problem of it stands with a party: the first still waits for the place.
    let appeal = state(&rig, id).await;
    let asked = rig.events(id).await.iter().any(|e| matches!(e, Event::PlaceAsked(_)));
    assert!(asked && appeal.findings.len() == 1);
    rig.hear(&[says(5, "И не горят фонари на Розыбакиева 12")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert!(appeal.findings.iter().all(|f| f.route.is_some()), "{appeal:?}");
}

/// How often somebody above was told at once of a danger.
async fn alarms(rig: &Rig, id: AppealId) -> usize {
    let events = rig.events(id).await;
    events.iter().filter(|e| matches!(e, Event::Escalated { why, .. } if why == "danger")).count()
}

#[tokio::test]
async fn another_problem_at_another_street_moves_no_danger_and_hides_none() {
    let (hole, lamp) = ("Открытый люк без крышки на Абая", "На Сатпаева не горит фонарь");
    let (one, two) = (("manhole_open", "Абая"), ("manhole_open", "Сатпаева"));
    check(&[hole, lamp, "Ещё открытый люк на Сатпаева"], &[one, ("light_fault", "Сатпаева"), two]).await;
    let with_house = "На Розыбакиева 12 не горит фонарь";
    check(&[hole, with_house], &[one, ("light_fault", "Розыбакиева 12")]).await;
    for texts in
        [&[hole, lamp, "Ещё открытый люк на Сатпаева"], &[hole, "Ещё открытый люк на Сатпаева", lamp]]
    {
        let (rig, id) = burst(texts).await;
        let appeal = state(&rig, id).await;
        let mut found = dangers(&appeal);
        found.retain(|(category, _)| *category == "manhole_open");
        assert_eq!(found, [(one.0, one.1.to_owned()), (two.0, two.1.to_owned())], "{texts:?}");
    }
}

#[tokio::test]
async fn words_that_make_one_pit_a_danger_make_none_of_another() {
    let (rig, id) = thread(&["Яма на Абая", "На Сатпаева яма, упал ребёнок"]).await;
    let appeal = state(&rig, id).await;
    let urgent = further_dangers(&appeal);
    assert_eq!(urgent, ["Сатпаева"], "{appeal:?}");
}

/// The streets of the open findings whose priority makes them a danger.
fn further_dangers(appeal: &Appeal) -> Vec<String> {
    let urgent =
        appeal.findings.iter().filter(|f| f.route.as_ref().is_some_and(|r| r.priority == "emergency"));
    urgent.map(|f| f.place.names.join(" ")).collect()
}

#[tokio::test]
async fn an_edit_that_tells_for_the_first_time_where_is_heard_unless_it_was_mended_there() {
    for (edited, expected) in [
        ("Открытый люк без крышки на Сатпаева", &["Абая", "Сатпаева"][..]),
        ("Открытый люк без крышки на Абая", &["Абая"]),
        ("Открытый люк без крышки!", &["Абая"]),
    ] {
        let (rig, id) = thread(&["Открытый люк без крышки", "Это на Абая"]).await;
        finish(&rig, id, 0).await;
        edit(&rig, 0, edited).await;
        let appeal = state(&rig, id).await;
        let places: Vec<_> = dangers(&appeal).into_iter().map(|(_, place)| place).collect();
        assert_eq!(places, expected, "{edited}");
        a_start_decides_nothing(&rig, id).await;
    }
}

#[tokio::test]
async fn in_an_appeal_that_has_ended_a_message_alarms_once_however_often_it_is_edited() {
    let hole = "Открытый люк без крышки на Кабанбай батыра 164";
    let by = || Actor::Operator { token: "t".into() };
    let close = || Command::Close { by: by(), reason: "всё".to_owned().into() };
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи"]).await;
    wish(&rig, id, "close", close()).await;
    rig.hear(&[says(1, hole)]).await;
    rig.settle().await;
    let heard = (1, alarms(&rig, id).await);
    assert!(heard.1 > 0);
    for nth in 1..4 {
        let commas = ",".repeat(usize::try_from(nth).unwrap());
        edit_before_it_is_read(&rig, 1, nth, &format!("{hole}{commas}")).await;
        rig.settle().await;
        assert_eq!((dangers(&state(&rig, id).await).len(), alarms(&rig, id).await), heard, "edit {nth}");
    }
    // There and back before anybody read it: the way back is heard.
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи"]).await;
    wish(&rig, id, "close", close()).await;
    rig.hear(&[says(1, hole)]).await;
    edit_before_it_is_read(&rig, 1, 1, "Открытый люк без крышки на Сатпаева").await;
    rig.settle().await;
    edit_before_it_is_read(&rig, 1, 2, hole).await;
    rig.settle().await;
    let mut places: Vec<_> = dangers(&state(&rig, id).await).into_iter().map(|(_, place)| place).collect();
    // This start has no checkpoint, so it may ask about the first version once more before the last one has its place.
    places.dedup();
    assert_eq!(places, ["Сатпаева", "Кабанбай батыра 164"]);
    // Edited before it had its place.
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи"]).await;
    wish(&rig, id, "close", close()).await;
    rig.hear(&[says(1, hole)]).await;
    edit_before_it_is_read(&rig, 1, 1, &format!("{hole}.")).await;
    rig.settle().await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
    a_start_decides_nothing(&rig, id).await;
}

#[tokio::test]
async fn nobody_is_told_again_of_what_is_safe_or_was_told() {
    let (rig, id) = thread(&["Открытый люк без крышки, и яма"]).await;
    let hole = state(&rig, id).await.findings.iter().position(|f| f.category == "manhole_open").unwrap();
    let told = alarms(&rig, id).await;
    assert!(told > 0);
    finish(&rig, id, u16::try_from(hole).unwrap()).await;
    rig.hear(&[says(1, "Это на Абая")]).await;
    rig.settle().await;
    assert_eq!(alarms(&rig, id).await, told);
    // Nothing about the danger changed, though a day went by; then its author says that it is somewhere else.
    let (rig, id) = thread(&["Открытый люк без крышки на Абая 10"]).await;
    let told = alarms(&rig, id).await;
    assert!(told > 0);
    rig.clock.set(zholdary_testkit::at("2026-11-21T10:00:00+05:00"));
    rig.hear(&[says(1, "И фонарь не горит")]).await;
    rig.settle().await;
    assert_eq!(alarms(&rig, id).await, told);
    edit(&rig, 0, "Открытый люк без крышки на Абая 200").await;
    assert!(alarms(&rig, id).await > told, "whoever was told goes to the wrong house");
}

#[tokio::test]
async fn an_edit_that_changes_a_comma_takes_no_danger_away() {
    let (rig, id) = thread(&["Яма на Толе би 100 угол Масанчи"]).await;
    accept(&rig, id, 0).await;
    let fell = "В этой яме на Толе би упал ребёнок, яма";
    rig.hear(&[says(1, fell)]).await;
    rig.settle().await;
    let before = (state(&rig, id).await.findings.len(), alarms(&rig, id).await);
    assert_eq!(further_dangers(&state(&rig, id).await).len(), 1);
    for nth in 1..3 {
        let commas = ",".repeat(usize::try_from(nth).unwrap());
        edit_before_it_is_read(&rig, 1, nth, &format!("{fell}{commas}")).await;
        rig.settle().await;
        assert_eq!((state(&rig, id).await.findings.len(), alarms(&rig, id).await), before, "edit {nth}");
        assert_eq!(further_dangers(&state(&rig, id).await).len(), 1);
    }
}

#[tokio::test]
async fn a_danger_that_two_messages_tell_together_is_heard_in_a_queue_too() {
    let (pit, fell) = ("Яма на Толе би 100 угол Масанчи", "Туда ребёнок упал");
    let (rig, id) = thread(&[pit]).await;
    assert_eq!(state(&rig, id).await.state(), StateName::Routed);
    for accepted in [false, true] {
        let (rig, id) = thread(&[pit]).await;
        if accepted {
            accept(&rig, id, 0).await;
        }
        rig.hear(&[says(1, "Жду ответа"), says(2, fell)]).await;
        rig.settle().await;
        let appeal = state(&rig, id).await;
        assert_eq!(further_dangers(&appeal), ["Толе би Масанчи"], "in hand: {accepted}: {appeal:?}");
        let before = rig.events(id).await;
        edit(&rig, 2, &format!("{fell}!")).await;
        a_start_decides_nothing(&rig, id).await;
        let danger = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Routed(_))).count();
        assert_eq!(danger(&rig.events(id).await), danger(&before), "a comma is no news");
    }
}

/// A message with a record of another release holds up no danger that a later message tells.
#[tokio::test]
async fn a_message_that_does_not_read_hides_no_later_danger() {
    let rig = Rig::new().await;
    let heard = rig.hear(&[says(0, "Яма на Толе би 100 угол Масанчи")]).await;
    rig.settle().await;
    let (id, _) = rig.appeal_of(heard[0]).await;
    accept(&rig, id, 0).await;
    crate::register::strange(&rig, heard[0].into()).await;
    for (n, text) in [(1, "Спасибо"), (2, "Открытый люк без крышки на Сатпаева")]
    {
        rig.hear(&[says(n, text)]).await;
        rig.settle().await;
    }
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Сатпаева".to_owned())]);
}
