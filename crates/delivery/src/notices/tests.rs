use std::sync::OnceLock;

use chrono::TimeDelta;
use zholdary_city::Files;
use zholdary_domain::{
    AppealId, MessageId, Place, PlaceKind,
    appeal::{
        Command, Deadline, Finding, Permille, PlaceQuestion, Registered, Route, TermCause, TextLang,
        Understanding, decide, decide::Settlement,
    },
    inbound::{Channel, Surface},
};
use zholdary_testkit::{at, id_key, shipped_city};

use super::*;

const NUMBER: &str = "Z-2026-000401";
pub(crate) const SITE: &str = "https://zholdary.example";
/// 20 November 2026, 10:00 in Almaty.
pub(crate) const NOW: &str = "2026-11-20T05:00:00Z";

pub(crate) fn city() -> &'static City {
    static CITY: OnceLock<City> = OnceLock::new();
    CITY.get_or_init(|| City::parse(&Files::from_entries(shipped_city()).unwrap()).unwrap())
}

fn message(n: u8) -> MessageId {
    id_key().message("whatsapp", "1", &format!("wamid.{n}"))
}

pub(crate) fn operator() -> Actor {
    Actor::Operator { token: "press-1".into() }
}

pub(crate) fn party(code: &str) -> Actor {
    Actor::Party { code: code.into() }
}

pub(crate) fn text(words: &str) -> Personal<String> {
    words.to_owned().into()
}

pub(crate) fn register() -> Command {
    Command::Register(Box::new(Registered {
        number: NUMBER.parse().unwrap(),
        message: Some(message(1)),
        contact: id_key().contact("whatsapp", "a"),
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        received_at: at(NOW),
        draft: false,
        flood: None,
        parent: None,
    }))
}

pub(crate) fn found(category: &str) -> Finding {
    Finding {
        category: category.into(),
        priority: city().category(category).unwrap().priority.clone(),
        confidence: Permille(900),
        because: vec![],
        place: Place {
            kind: PlaceKind::Intersection,
            names: vec!["Абая".into(), "Розыбакиева".into()],
            district: Some("almaly".into()),
            in_city: Some(true),
            ..Place::default()
        },
    }
}

pub(crate) fn route(finding: u16, category: &str, to: &str) -> Route {
    let category = city().category(category).unwrap();
    Route {
        finding: FindingId(finding),
        to: to.into(),
        waits_at: None,
        candidates: vec![],
        copies: vec![],
        outside: city().party(to).unwrap().outside,
        bucket: category.bucket.clone(),
        category: category.code.clone(),
        priority: category.priority.clone(),
        due: rules::due(city(), Some(category), at(NOW)),
        rules: city().version.to_string(),
        rule: "district".into(),
        because: Because {
            ru: "Улица района.".into(), kk: "Аудан көшесі.".into(), en: String::new()
        },
        inputs: [].into(),
    }
}

/// What the rules understood and decided of one problem each.
pub(crate) fn settlement(lang: TextLang, parts: &[(&str, &str)]) -> Settlement {
    let findings: Vec<_> = parts.iter().map(|(category, _)| found(category)).collect();
    let danger = findings.iter().any(|finding| city().is_danger(finding));
    Settlement {
        understanding: Understanding {
            triage: "0.1.0".into(),
            rules: city().version.to_string(),
            lang,
            danger,
            findings,
            names_number: None,
        },
        routes: (0..).zip(parts).map(|(n, (category, to))| route(n, category, to)).collect(),
        question: None,
        answers: vec![],
        alarms: vec![],
    }
}

pub(crate) fn settle(settlement: Settlement) -> Command {
    Command::Settle(Box::new(settlement))
}

pub(crate) fn pothole(lang: TextLang) -> Command {
    settle(settlement(lang, &[("pothole", "akimat-almaly")]))
}

fn waiting_at_the_desk() -> Settlement {
    let mut settlement = settlement(TextLang::Ru, &[("pothole", "akimat-almaly")]);
    settlement.routes[0].waits_at = Some(DESK.into());
    settlement
}

fn asking(waits: bool) -> Settlement {
    let question = PlaceQuestion {
        finding: FindingId(0),
        waits,
        template: "place_question".into(),
        version: 1,
        lang: "ru".into(),
        text: text("Подскажите, где это?"),
    };
    // What waits for its place waits at the desk.
    let to = if waits { DESK } else { "akimat-almaly" };
    Settlement { question: Some(question), ..settlement(TextLang::Ru, &[("pothole", to)]) }
}

fn answering(template: &str, words: &str) -> Settlement {
    let answer = Answer {
        finding: FindingId(0),
        template: Some(template.into()),
        version: Some(1),
        lang: "ru".into(),
        text: text(words),
        settles: true,
        by: Actor::System,
    };
    Settlement { answers: vec![answer], ..settlement(TextLang::Ru, &[("pothole", "akimat-almaly")]) }
}

fn answer(lang: &str, words: &str) -> Command {
    Command::Answer(Box::new(Answer {
        finding: FindingId(0),
        template: None,
        version: None,
        lang: lang.into(),
        text: text(words),
        settles: true,
        by: operator(),
    }))
}

pub(crate) fn accept(finding: u16) -> Command {
    Command::Accept { finding: FindingId(finding), by: party("akimat-almaly") }
}

pub(crate) fn finish(finding: u16, explanation: Option<&str>) -> Command {
    Command::Finish {
        finding: FindingId(finding),
        by: operator(),
        explanation: explanation.map(text),
        proof: vec!["b3".into()],
    }
}

pub(crate) fn redirect(route: Route) -> Command {
    Command::Redirect { route: Box::new(route), alarms: vec![], by: operator() }
}

pub(crate) fn reopen() -> Command {
    Command::Reopen { by: operator(), reason: text("яма осталась") }
}

pub(crate) fn close(by: Actor) -> Command {
    Command::Close { by, reason: text("всё сделано") }
}

pub(crate) fn extend(clock: Clock) -> Command {
    let cause = TermCause::Extended { reason: "ждём экспертизу".into() };
    Command::Extend {
        finding: FindingId(0),
        clock,
        deadline: Deadline { at: at("2026-12-31T13:30:00Z"), from: at(NOW), cause },
        by: operator(),
    }
}

/// What is told when the last of `commands` is followed.
fn notices(commands: &[Command]) -> Vec<Notice> {
    told(commands, None).0
}

/// The same, and what there is no text for. An appeal that is joined to a problem is joined to this one.
fn told(commands: &[Command], problem: Option<&Problem>) -> (Vec<Notice>, Vec<(String, &'static str)>) {
    let refused = commands.iter().rev().find_map(|command| match command {
        Command::Refuse { reason, .. } => Some(reason),
        _ => None,
    });
    let (mut before, mut after, mut last) = (Appeal::default(), Appeal::default(), vec![]);
    for command in commands {
        before = after.clone();
        last = decide(&before, command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        last.iter().for_each(|event| after.evolve(event));
    }
    let (before, after, events) = (&before, &after, &last[..]);
    Happened { city: city(), site: SITE, before, after, events, at: at(NOW), problem, refused, chosen: None }
        .told()
}

/// The receipt of an appeal in words of `written`, whose author chose a language so long before it, or after.
fn receipt_in(written: TextLang, chosen: Lang, hours: i64) -> String {
    let (mut before, mut events) = (Appeal::default(), vec![]);
    let mut after = Appeal::default();
    for command in [register(), pothole(written)] {
        before = after.clone();
        events = decide(&before, command).unwrap();
        events.iter().for_each(|event| after.evolve(event));
    }
    let received_at = after.registered.as_ref().unwrap().received_at;
    let chosen = Some(Spoken { lang: chosen, at: received_at + TimeDelta::hours(hours) });
    let (before, after, events) = (&before, &after, &events[..]);
    let at = at(NOW);
    let happened = Happened {
        city: city(),
        site: SITE,
        before,
        after,
        events,
        at,
        problem: None,
        refused: None,
        chosen,
    };
    happened.notices()[0].lang.clone()
}

#[test]
fn texts_are_in_the_language_that_was_chosen_but_for_who_writes_in_kazakh_since() {
    for (written, chosen, hours, expected) in [
        (TextLang::Ru, Lang::Kk, -1, "kk"),
        (TextLang::Ru, Lang::Kk, 1, "kk"),
        (TextLang::Kk, Lang::Ru, -1, "kk"),
        (TextLang::Kk, Lang::Ru, 1, "ru"),
        (TextLang::Mixed, Lang::Ru, -1, "ru"),
        (TextLang::Ru, Lang::En, -1, "en"),
    ] {
        assert_eq!(receipt_in(written, chosen, hours), expected, "{written:?} {chosen:?} {hours}");
    }
}

/// `receipt at_once instead`: a notice in the words of the table.
fn shown(notice: &Notice) -> String {
    let marks = [
        (notice.by_person, "by_person"),
        (notice.at_once, "at_once"),
        (!notice.buttons.is_empty(), "buttons"),
        (notice.instead.is_some(), "instead"),
    ];
    let marks = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark);
    std::iter::once(notice.what.as_str()).chain(marks).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(commands: &[Command], expected: &[&str]) {
    assert_eq!(notices(commands).iter().map(shown).collect::<Vec<_>>(), expected, "{commands:?}");
}

/// The one text that is told, with what goes instead of it.
#[track_caller]
fn says(commands: &[Command], expected: &str, instead: Option<&[&str]>) {
    let notices = notices(commands);
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(notice.text.reveal(), expected);
    let params = notice.instead.as_ref().map(|template| template.params.reveal().clone());
    assert_eq!(params, instead.map(|params| params.iter().map(|p| (*p).to_owned()).collect()));
}

#[test]
fn the_first_words_have_a_receipt() {
    check(&[register()], &[]);
    check(&[register(), pothole(TextLang::Ru)], &["receipt at_once instead"]);
    // Danger goes to the duty of the district; nothing that is told replaces its receipt.
    let danger = settlement(TextLang::Ru, &[("manhole_open", "akimat-almaly")]);
    check(&[register(), settle(danger.clone())], &["receipt_danger at_once instead"]);
    let answered =
        Settlement { answers: answering("answer_suggestion", "№ Z-2026-000401.").answers, ..danger };
    check(&[register(), settle(answered)], &["receipt_danger at_once instead", "answer_suggestion at_once"]);
    check(
        &[register(), settle(asking(true))],
        &["receipt at_once instead", "place_question at_once buttons"],
    );
    // A text that names the number is a receipt itself.
    let border = Settlement {
        question: asking(true).question.map(|question| PlaceQuestion {
            template: "border_question".into(),
            text: text("Обращение № Z-2026-000401: пришлите геоточку."),
            ..question
        }),
        ..asking(true)
    };
    check(&[register(), settle(border)], &["border_question at_once buttons"]);
    check(
        &[register(), settle(answering("answer_suggestion", "Оно записано под № Z-2026-000401."))],
        &["answer_suggestion at_once"],
    );
    check(
        &[register(), settle(answering("answer_gratitude", "Спасибо за тёплые слова!"))],
        &["receipt at_once instead", "answer_gratitude at_once"],
    );
    // So is the notice that it went outside, which therefore does not wait for the morning.
    check(
        &[register(), settle(settlement(TextLang::Ru, &[("pothole", "telecom")]))],
        &["forwarded_outside at_once instead"],
    );
    check(
        &[
            register(),
            settle(settlement(TextLang::Ru, &[("pothole", "akimat-almaly"), ("sign", "operator")])),
        ],
        &["receipt at_once instead"],
    );
    // One that an earlier system took has its number for long: what is written to us now is added to it.
    let Command::Register(registered) = register() else { unreachable!() };
    let earlier = Command::Register(Box::new(Registered { message: None, ..*registered }));
    let add = Command::AddMessage { message: message(2), contact: None, says: true };
    check(&[earlier, add, pothole(TextLang::Ru)], &["follow_up_added at_once"]);
}

#[test]
fn words_that_come_later_are_told_of_when_they_change_something() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    check(&then(&[pothole(TextLang::Ru)]), &[]);
    check(
        &then(&[settle(settlement(TextLang::Ru, &[("sign", "akimat-almaly")]))]),
        &["follow_up_added at_once"],
    );
    // The rule set is another; what was understood is not.
    let mut other_rules = settlement(TextLang::Ru, &[("pothole", "akimat-almaly")]);
    other_rules.understanding.rules = "2026-12-1".into();
    check(&then(&[settle(other_rules)]), &[]);
    // Another party answers for it: that says it all.
    check(&then(&[settle(settlement(TextLang::Ru, &[("pothole", "road_infra")]))]), &["routed instead"]);
    // After the end only a person opens it again, and is asked to.
    check(&then(&[close(operator()), pothole(TextLang::Ru)]), &["follow_up_added at_once"]);
    check(&then(&[close(operator()), pothole(TextLang::Ru), pothole(TextLang::Ru)]), &[]);
    let add = Command::AddMessage { message: message(2), contact: None, says: true };
    check(&then(&[add]), &[]);
}

#[test]
fn a_person_answers() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    check(&then(&[answer("ru", "Приедем в пятницу.")]), &["operator_answer by_person instead"]);
    says(
        &then(&[answer("ru", "Приедем в пятницу.")]),
        "Здравствуйте! По обращению № Z-2026-000401: Приедем в пятницу.",
        Some(&[NUMBER, "20.11.2026"]),
    );
    // The frame is in the language of the words in it, whatever the resident wrote in.
    says(
        &then(&[answer("kk", "Жұмада келеміз.")]),
        "Сәлеметсіз бе! № Z-2026-000401 өтініш бойынша: Жұмада келеміз.",
        Some(&[NUMBER, "20.11.2026"]),
    );
    let not = Command::NotConsider { by: operator(), reason: text("нет просьбы") };
    let asked = [register(), settle(asking(true)), not];
    check(&asked, &["not_considered by_person instead"]);
    // The article of the term is no ground for that.
    says(
        &asked,
        "Обращение № Z-2026-000401 не рассматривается. Причина: нет просьбы. Если вы не согласны, ответьте на это сообщение \
         или подайте официальное обращение.",
        Some(&[NUMBER, "20.11.2026"]),
    );
}

#[test]
fn the_way_of_an_appeal_is_told() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    let start = Command::Start { finding: FindingId(0), by: party("akimat-almaly") };
    check(&then(&[accept(0)]), &["accepted instead"]);
    check(&then(&[start]), &["started instead"]);
    check(&then(&[extend(Clock::Legal)]), &["deadline_extended instead"]);
    // The city's own target is its own affair.
    check(&then(&[extend(Clock::Service)]), &[]);
    let refuse =
        Command::Refuse {
            finding: FindingId(0), by: party("akimat-almaly"), reason: text("не наша улица")
        };
    check(&then(std::slice::from_ref(&refuse)), &[]);
    check(&then(&[refuse, redirect(route(0, "pothole", "road_infra"))]), &["refused_rerouted instead"]);
    check(&then(&[redirect(route(0, "pothole", "akimat-almaly"))]), &[]);
    check(&then(&[redirect(route(0, "pothole", "telecom"))]), &["forwarded_outside instead"]);
    check(
        &then(&[Command::MakeOfficial { kind: "message".into(), by: operator() }]),
        &["official_registered instead"],
    );
    let unheard = [
        Command::Note { by: operator(), text: text("позвонить") },
        Command::Escalate { finding: FindingId(0), to: "akimat".into(), by: operator() },
        Command::Join {
            of: zholdary_domain::AppealId::opened_by(message(1)),
            problem: zholdary_domain::AppealId::opened_by(message(9)),
            by: operator(),
        },
        Command::NoteTold { message: message(3), what: "receipt".into() },
        Command::NoteNotTold { what: "receipt".into(), why: "blocked".into(), message: None },
        Command::Rate { fixed: true, message: None },
        Command::Erase { by: operator() },
    ];
    for command in unheard {
        check(&then(&[command]), &[]);
    }
    // Danger is heard at any hour.
    let danger = settle(settlement(TextLang::Ru, &[("manhole_open", "akimat-almaly")]));
    check(&[register(), danger, accept(0)], &["accepted at_once instead"]);
}

#[test]
fn the_texts_name_the_right_article_party_and_day() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    let status = |status, party| Some([NUMBER, status, party]);
    says(
        &first,
        "Ваше обращение принято, № Z-2026-000401. Тема: Яма, выбоина. Место: Абая — Розыбакиева. Передано: Акимат \
         Алмалинского района. Ответим до 11.12.2026. Статус: https://zholdary.example/appeals/Z-2026-000401",
        Some(&[NUMBER, "Яма, выбоина", "Акимат Алмалинского района", "11.12.2026"]),
    );
    says(
        &then(&[redirect(route(0, "pothole", "telecom"))]),
        "Этот вопрос в ведении другой организации. 20.11.2026 мы перенаправили обращение № Z-2026-000401: АО \
         «Казахтелеком» и другие операторы связи. Основание: ст. 65 АППК РК, срок ответа — 15 рабочих дней, до \
         11.12.2026.",
        status("перенаправлено в другую организацию", "АО «Казахтелеком» и другие операторы связи")
            .as_ref()
            .map(|p| &p[..]),
    );
    says(
        &then(&[extend(Clock::Legal)]),
        "Срок по обращению № Z-2026-000401 продлён до 31.12.2026. Причина: ждём экспертизу. Основание: ст. 76 АППК РК.",
        status("передано исполнителю", "Акимат Алмалинского района").as_ref().map(|p| &p[..]),
    );
    says(
        &then(&[accept(0)]),
        "По обращению № Z-2026-000401: Акимат Алмалинского района — задание принято, обещают сделать до 25.11.2026 \
         10:00.",
        status("исполнитель принял", "Акимат Алмалинского района").as_ref().map(|p| &p[..]),
    );
    says(
        &then(&[redirect(route(0, "pothole", "road_infra"))]),
        &format!(
            "Обращение № Z-2026-000401 передано: {}. Ответ — до 11.12.2026. Почему: Улица района.",
            city().party("road_infra").unwrap().name.ru
        ),
        status("передано исполнителю", &city().party("road_infra").unwrap().name.ru).as_ref().map(|p| &p[..]),
    );
}

#[test]
fn while_a_person_chooses_no_party_is_named() {
    let desk = &city().party(DESK).unwrap().name.ru;
    let receipt = "Ваше обращение принято, № Z-2026-000401. Тема: Яма, выбоина. Место: Абая — Розыбакиева. Ответим до \
                   11.12.2026. Статус: https://zholdary.example/appeals/Z-2026-000401";
    // A registered text has no part that can be left out: it names who chooses.
    let instead = [NUMBER, "Яма, выбоина", desk, "11.12.2026"];
    let waiting = settle(waiting_at_the_desk());
    says(&[register(), waiting.clone()], receipt, Some(&instead));
    let asked = notices(&[register(), settle(asking(true))]);
    assert_eq!(asked[0].text.reveal(), receipt);
    // Danger does not wait for the place.
    let asked = notices(&[register(), settle(asking(false))]);
    assert!(asked[0].text.reveal().contains("Передано: Акимат Алмалинского района."), "{asked:?}");
    says(
        &[register(), waiting.clone(), extend(Clock::Legal)],
        "Срок по обращению № Z-2026-000401 продлён до 31.12.2026. Причина: ждём экспертизу. Основание: ст. 76 АППК РК.",
        Some(&[NUMBER, "принято", desk]),
    );
    says(
        &[register(), pothole(TextLang::Ru), finish(0, None), reopen()],
        "Обращение № Z-2026-000401 открыто снова, номер прежний. Его посмотрит человек. Срок — до 11.12.2026.",
        Some(&[NUMBER, "открыто снова", desk]),
    );
    check(
        &[
            register(),
            settle(waiting_at_the_desk()),
            Command::MakeOfficial { kind: "message".into(), by: operator() },
        ],
        &["official_registered instead"],
    );
    // Back at the desk, it is handed to nobody.
    check(&[register(), pothole(TextLang::Ru), redirect(route(0, "pothole", DESK))], &[]);
    let mut held = route(0, "pothole", "road_infra");
    held.waits_at = Some(DESK.into());
    check(&[register(), pothole(TextLang::Ru), redirect(held)], &[]);
    check(&[register(), waiting, redirect(route(0, "pothole", "akimat-almaly"))], &["routed instead"]);
}

#[test]
fn done_is_told_once_with_the_question() {
    let two = settle(settlement(TextLang::Ru, &[("pothole", "akimat-almaly"), ("sign", "akimat-almaly")]));
    check(&[register(), two.clone(), finish(0, None)], &[]);
    check(&[register(), two, finish(0, None), finish(1, None)], &["done_with_proof buttons instead"]);
    let done = [register(), pothole(TextLang::Ru), accept(0), finish(0, Some("Яма засыпана."))];
    says(
        &done,
        "По обращению № Z-2026-000401 работы выполнены 20.11.2026: Акимат Алмалинского района. Яма засыпана.\n\nВсё ли \
         сделано? Ответьте «да» или «нет»; если нет, напишите, что осталось, и обращение № Z-2026-000401 откроют снова.",
        Some(&[NUMBER, "20.11.2026", "Акимат Алмалинского района"]),
    );
    let [notice] = &notices(&done)[..] else { panic!("one is told") };
    let ids: Vec<_> = notice.buttons.iter().map(|button| button.id.as_str()).collect();
    let titles: Vec<_> = notice.buttons.iter().map(|button| button.title.as_str()).collect();
    assert_eq!(
        (ids, titles),
        (vec!["fixed:yes:Z-2026-000401", "fixed:no:Z-2026-000401"], vec!["Да, сделано", "Нет"])
    );
    assert_eq!(
        notice.instead.as_ref().unwrap().buttons,
        ["fixed:yes:Z-2026-000401", "fixed:no:Z-2026-000401"]
    );

    let then = |more: &[Command]| [&done[..], more].concat();
    let rate = |fixed| Command::Rate { fixed, message: Some(message(2)) };
    check(&then(&[rate(true)]), &[]);
    check(&then(&[rate(true), close(operator())]), &["closed_thanks"]);
    check(&then(&[close(Actor::System)]), &["closed_no_reply instead"]);
    check(&then(&[close(operator())]), &[]);
    check(&then(&[rate(false)]), &[]);
    check(&then(&[rate(false), close(Actor::System)]), &[]);
    check(&then(&[rate(false), reopen()]), &["reopened instead"]);
    // Thanks are for what was said of the work since.
    check(&then(&[rate(true), reopen(), close(operator())]), &[]);
    check(&then(&[rate(true), reopen(), close(Actor::System)]), &["closed_no_reply instead"]);
    // What the desk did itself it tells itself.
    let at_the_desk = [register(), settle(waiting_at_the_desk()), finish(0, Some("Сделано."))];
    check(&at_the_desk, &["done_with_proof buttons instead"]);
}

#[test]
fn others_who_answer_or_write_are_told_of() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    let refuse =
        Command::Refuse {
            finding: FindingId(0), by: party("akimat-almaly"), reason: text("дорога не наша")
        };
    let rerouted = then(&[refuse, redirect(route(0, "pothole", "road_infra"))]);
    let notices = notices(&rerouted);
    assert_eq!(notices.iter().map(shown).collect::<Vec<_>>(), ["refused_rerouted instead"]);
    assert!(notices[0].text.reveal().contains("меняем исполнителя: дорога не наша. Теперь отвечает"));

    let problem = Problem { number: "Z-2026-000377".parse().unwrap(), voices: 40 };
    let of = AppealId::opened_by(message(1));
    let join = then(&[Command::Join { of, problem: AppealId::opened_by(message(9)), by: operator() }]);
    let (joined, _) = told(&join, Some(&problem));
    let words = joined[0].text.reveal();
    assert!(words.contains("нас 40") && words.contains("присоединено к Z-2026-000377"), "{words}");
    // Without a text that is whole nobody is told, and the appeal says so.
    assert_eq!(told(&join, None), (vec![], vec![("joined_to_problem".to_owned(), "unfilled")]));

    let two = settle(settlement(TextLang::Ru, &[("pothole", "akimat-almaly"), ("sign", "akimat-almaly")]));
    let split = [register(), two, Command::Split { of, parts: 1, by: operator() }];
    let (split, _) = told(&split, None);
    let words = split[0].text.reveal();
    assert!(words.contains("увидели 2 вопроса") && words.matches("\n• ").count() == 2, "{words}");
}

/// What concerns its author alone stands under no comment.
#[test]
fn in_public_nothing_personal_is_said() {
    let first = [register(), pothole(TextLang::Ru)];
    let then = |more: &[Command]| [&first[..], more].concat();
    for (commands, expected) in [
        (first.to_vec(), "Ваше обращение принято, № Z-2026-000401. Передано: "),
        (then(&[answer("ru", "Айгуль, приедем к вам.")]), "По обращению № Z-2026-000401 есть новости. "),
        (then(&[answer("kk", "Айгүл, келеміз.")]), "№ Z-2026-000401 өтініш бойынша жаңалық бар. "),
        (then(&[accept(0)]), "По обращению № Z-2026-000401: Акимат Алмалинского района — задание принято"),
        (
            then(&[finish(0, Some("Засыпали у вашего дома."))]),
            "По обращению № Z-2026-000401 работы выполнены",
        ),
        (vec![register(), settle(asking(true))], "Ваше обращение принято"),
    ] {
        for notice in notices(&commands) {
            let public = notice.public.reveal();
            for private in ["Айг", "вашего дома", "Абая", "Место", "Тема"] {
                assert!(!public.contains(private), "{public}");
            }
        }
        let public = notices(&commands)[0].public.reveal().clone();
        assert!(public.starts_with(expected), "{public}");
    }
}

#[test]
fn texts_are_in_the_language_of_the_appeal() {
    let first_word = |lang, expected: &str| {
        let receipts = notices(&[register(), pothole(lang)]);
        let first = receipts[0].text.reveal().split(' ').next().unwrap();
        assert_eq!((receipts[0].lang.as_str(), first), (lang.answer(), expected), "{lang:?}");
    };
    first_word(TextLang::Ru, "Ваше");
    first_word(TextLang::RuLatn, "Ваше");
    first_word(TextLang::Mixed, "Ваше");
    first_word(TextLang::Kk, "Өтінішіңіз");
    first_word(TextLang::KkLatn, "Өтінішіңіз");

    let first = [register(), pothole(TextLang::Kk)];
    let then = |more: &[Command]| [&first[..], more].concat();
    says(
        &then(&[redirect(route(0, "pothole", "telecom"))]),
        "Бұл мәселе басқа ұйымның құзырында. 20.11.2026 күні № Z-2026-000401 өтінішті «Қазақтелеком» АҚ және басқа байланыс \
         операторлары атына жолдадық. Негізі: ҚР ӘРПК 65-бабы, жауап мерзімі — 15 жұмыс күні, 11.12.2026 дейін.",
        Some(&[NUMBER, "басқа ұйымға жолданды", "«Қазақтелеком» АҚ және басқа байланыс операторлары"]),
    );
    says(
        &then(&[finish(0, None)]),
        "№ Z-2026-000401 өтініш бойынша жұмыс 20.11.2026 орындалды: Алмалы ауданының әкімдігі.\n\nБәрі жасалды ма? «Иә» немесе \
         «жоқ» деп жауап беріңіз; жасалмаса, не қалғанын жазыңыз, № Z-2026-000401 өтініш қайта ашылады.",
        Some(&[NUMBER, "20.11.2026", "Алмалы ауданының әкімдігі"]),
    );
    let receipts = notices(&first);
    assert_eq!(receipts[0].subject.as_ref().map(|s| s.reveal().as_str()), Some("Өтініш қабылданды"));
    assert_eq!(receipts[0].version, 1);
    // A text that was filled when it was decided is told as it was decided.
    let question = PlaceQuestion {
        lang: "kk".into(),
        version: 7,
        text: text("Бұл қай жерде?"),
        ..asking(true).question.unwrap()
    };
    let asked = notices(&[register(), settle(Settlement { question: Some(question), ..asking(true) })]);
    let asked = (asked[1].lang.as_str(), asked[1].version, asked[1].text.reveal().as_str());
    assert_eq!(asked, ("kk", 7, "Бұл қай жерде?"));
    let titles: Vec<_> =
        notices(&then(&[finish(0, None)]))[0].buttons.iter().map(|b| b.title.clone()).collect();
    assert_eq!(titles, ["Иә, жасалған", "Жоқ"]);
}
