use std::collections::BTreeMap;

use chrono::TimeZone;

use super::*;
use crate::{
    appeal::{Because, Due, Finding, Permille, Stage, TextLang},
    ids::IdKey,
    inbound::{Channel, Surface},
};

fn message(n: u32) -> MessageId {
    IdKey::new([1; 32]).message("whatsapp", "1", &n.to_string())
}

fn at(second: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_147_200 + second, 0).unwrap()
}

fn operator() -> Actor {
    Actor::Operator { token: "t1".into() }
}

fn party(code: &str) -> Actor {
    Actor::Party { code: code.into() }
}

fn text(s: &str) -> Personal<String> {
    s.to_owned().into()
}

fn registered() -> Event {
    Event::Registered(Box::new(Registered {
        number: "Z-2026-000001".parse().unwrap(),
        message: Some(message(1)),
        contact: IdKey::new([1; 32]).contact("whatsapp", "KZ.1"),
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        received_at: at(0),
        draft: false,
        flood: None,
        parent: None,
    }))
}

fn route(to: &str) -> Route {
    Route {
        finding: FindingId(0),
        to: to.into(),
        waits_at: None,
        candidates: vec![],
        copies: vec![],
        outside: to == "kazavtozhol",
        bucket: "current_repair".into(),
        category: "pothole".into(),
        priority: "high".into(),
        due: Due::from([(Clock::Service, deadline(100))]),
        rules: "1".into(),
        rule: "category".into(),
        because: Because::default(),
        inputs: BTreeMap::new(),
    }
}

fn deadline(second: i64) -> Deadline {
    Deadline {
        at: at(second),
        from: at(0),
        cause: TermCause::Target { category: "pothole".into(), hours: 1 },
    }
}

fn understood() -> Event {
    Event::Understood(Box::new(understanding()))
}

fn understanding() -> Understanding {
    Understanding {
        triage: "1".into(),
        rules: "1".into(),
        lang: TextLang::Ru,
        danger: false,
        findings: vec![Finding {
            category: "pothole".into(),
            priority: "high".into(),
            confidence: Permille(900),
            because: vec!["ям".into()],
            place: Place::default(),
        }],
        names_number: None,
    }
}

fn routed(to: &str) -> Event {
    Event::Routed(Box::new(route(to)))
}

fn answer(settles: bool) -> Answer {
    Answer {
        finding: FindingId(0),
        template: None,
        version: None,
        lang: "ru".into(),
        text: text("ответ"),
        settles,
        by: operator(),
    }
}

fn question() -> PlaceQuestion {
    PlaceQuestion {
        finding: FindingId(0),
        waits: true,
        template: "place_question".into(),
        version: 1,
        lang: "ru".into(),
        text: text("где?"),
    }
}

/// The shortest past that leads to each state.
fn past(state: StateName) -> Vec<Event> {
    let finding = FindingId(0);
    let begun = vec![registered(), understood(), routed("akimat-almaly")];
    let and = |more: Event| begun.iter().cloned().chain([more]).collect();
    match state {
        StateName::Unknown => vec![],
        StateName::Registered => vec![registered()],
        StateName::Desk => vec![registered(), understood(), routed("operator")],
        StateName::Asked => {
            vec![registered(), understood(), routed("operator"), Event::PlaceAsked(Box::new(question()))]
        }
        StateName::Routed => begun,
        StateName::Forwarded => and(Event::ForwardedOutside { finding, to: "kazavtozhol".into() }),
        StateName::Accepted => and(Event::Accepted { finding, by: party("akimat-almaly") }),
        StateName::Started => and(Event::Started { finding, by: party("akimat-almaly") }),
        StateName::Refused => {
            and(Event::Refused { finding, by: party("akimat-almaly"), reason: text("не наше") })
        }
        StateName::Answered => and(Event::Answered(Box::new(answer(true)))),
        StateName::Done => and(Event::Done {
            finding,
            by: party("akimat-almaly"),
            explanation: Some(text("заделали")),
            proof: vec![],
        }),
        StateName::Closed => and(Event::Closed { by: operator(), reason: text("всё") }),
        StateName::NotConsidered => and(Event::NotConsidered { by: operator(), reason: text("спам") }),
        StateName::Erased => [past(StateName::Done), vec![Event::Erased { by: operator() }]].concat(),
    }
}

fn every_command() -> Vec<Command> {
    let finding = FindingId(0);
    let by = operator();
    let Event::Registered(new) = registered() else { unreachable!() };
    vec![
        Command::Register(new),
        Command::NameAlias { number: "Z-2026-000401".parse().unwrap() },
        Command::AddMessage { message: message(2), contact: None, says: true },
        Command::EditMessage { message: message(1), version: 2 },
        Command::WithdrawMessage { message: message(1) },
        Command::Settle(Box::new(Settlement {
            understanding: understanding(),
            routes: vec![route("akimat-almaly")],
            question: None,
            answers: vec![],
            alarms: vec![],
        })),
        Command::GivePlace { finding, place: Box::default(), message: None, by: by.clone() },
        Command::Redirect { route: Box::new(route("tazalyq")), alarms: vec![], by: by.clone() },
        Command::Answer(Box::new(answer(true))),
        Command::Accept { finding, by: by.clone() },
        Command::Refuse { finding, by: by.clone(), reason: text("не наше") },
        Command::Start { finding, by: by.clone() },
        Command::Finish {
            finding, by: by.clone(), explanation: Some(text("заделали")), proof: vec![]
        },
        Command::Rate { fixed: true, message: Some(message(3)) },
        Command::Reopen { by: by.clone(), reason: text("снова") },
        Command::Split { of: own(), parts: 1, by: by.clone() },
        Command::Join { of: own(), problem: AppealId::opened_by(message(9)), by: by.clone() },
        Command::MarkOverdue {
            finding,
            clock: Clock::Service,
            due_at: at(100),
            escalate_to: Some("operator".into()),
        },
        Command::Escalate { finding, to: "akimat".into(), by: by.clone() },
        Command::Extend { finding, clock: Clock::Legal, deadline: deadline(900), by: by.clone() },
        Command::Correct {
            finding,
            category: Some("sinkhole".into()),
            place: None,
            route: None,
            by: by.clone(),
            reason: text("провал"),
        },
        Command::MakeOfficial { kind: "complaint".into(), by: by.clone() },
        Command::Note { by: by.clone(), text: text("перезвонить") },
        Command::Close { by: by.clone(), reason: text("всё") },
        Command::NotConsider { by: by.clone(), reason: text("спам") },
        Command::NoteTold { message: message(7), what: "receipt".into() },
        Command::NoteNotTold { what: "receipt".into(), why: "window_closed".into(), message: None },
        Command::NotePartyTold { task: task(), message: message(8), what: "task_new".into() },
        Command::NotePartyNotTold {
            task: task(),
            what: "task_new".into(),
            why: "no_contact".into(),
            message: None,
        },
        Command::NotePartyAnswered { task: task(), message: message(9) },
        Command::Erase { by },
    ]
}

fn task() -> Task {
    Task { party: "akimat-medeu".into(), finding: FindingId(0) }
}

/// The id of the appeal.
fn own() -> AppealId {
    AppealId::opened_by(message(1))
}

fn appeal(past: &[Event]) -> Appeal {
    let mut appeal = Appeal::default();
    past.iter().for_each(|event| appeal.evolve(event));
    appeal
}

#[test]
fn every_past_leads_to_its_state() {
    for state in StateName::ALL {
        assert_eq!(appeal(&past(state)).state(), state);
    }
}

/// Walks every (state, command) pair: what the table allows yields facts, anything else is refused and says so.
#[test]
fn every_pair_follows_the_table() {
    let commands = every_command();
    for (name, _) in TABLE {
        assert_eq!(TABLE.iter().filter(|(n, _)| n == name).count(), 1, "{name:?} stands in the table once");
        assert_eq!(commands.iter().filter(|c| c.name() == *name).count(), 1, "{name:?} is tried");
    }
    assert_eq!(commands.len(), TABLE.len());
    for state in StateName::ALL {
        for command in &commands {
            let name = command.name();
            let decided = decide(&appeal(&past(state)), command.clone());
            if name.is_allowed_in(state) {
                let facts = decided.unwrap_or_else(|refusal| panic!("{state:?} × {name:?}: {refusal:?}"));
                assert!(!facts.is_empty(), "{state:?} × {name:?} leads to nothing");
            } else if state == StateName::Unknown {
                assert_eq!(decided, Err(Refusal::NotFound), "{name:?}");
            } else {
                assert_eq!(decided, Err(Refusal::NotNow { state, command: name }));
            }
        }
    }
}

/// A problem on the road is not over because the words about it are erased: who has it goes on, and nothing else happens.
#[test]
fn an_erased_text_does_not_end_the_problem() {
    for state in OPEN {
        let before = appeal(&past(*state));
        let mut after = before.clone();
        after.evolve(&Event::Erased { by: operator() });
        assert_eq!((after.state(), after.next_due()), (*state, before.next_due()));
        assert_eq!(after.public_state(), before.public_state());
        for command in every_command() {
            let name = command.name();
            let decided = decide(&after, command);
            if AFTER_ERASURE.contains(&name) && name.is_allowed_in(*state) {
                assert!(decided.is_ok_and(|facts| !facts.is_empty()), "{state:?} × {name:?}");
            } else {
                assert!(matches!(decided, Err(Refusal::NotNow { .. })), "{state:?} × {name:?}: {decided:?}");
            }
        }
    }
}

/// The table as people read it: whoever changes what may happen sees it here, and means it.
#[test]
fn the_table_is_the_one_that_was_agreed() {
    let commands = every_command();
    let mut printed = String::new();
    for state in StateName::ALL {
        let appeal = appeal(&past(state));
        printed += &format!("{}\n", state.code());
        for command in &commands {
            let told = match decide(&appeal, command.clone()) {
                Ok(facts) => facts.iter().map(Event::name).collect::<Vec<_>>().join(", "),
                Err(Refusal::NotNow { .. }) => "-".to_owned(),
                Err(refusal) => format!("- {refusal}"),
            };
            printed += &format!("  {:<16}{told}\n", format!("{:?}", command.name()));
        }
    }
    insta::assert_snapshot!(printed);
}

fn check(state: StateName, command: Command, expected: Result<&[&str], Refusal>) {
    let decided = decide(&appeal(&past(state)), command.clone());
    let names = decided.as_ref().map(|events| events.iter().map(Event::name).collect::<Vec<_>>());
    assert_eq!(names.map_err(Clone::clone), expected.map(<[_]>::to_vec), "{state:?} × {:?}", command.name());
}

#[test]
fn what_a_wish_leads_to() {
    let finding = FindingId(0);
    let by = party("akimat-almaly");
    let rate = |fixed| Command::Rate { fixed, message: Some(message(3)) };
    check(StateName::Done, rate(true), Ok(&["rated"]));
    check(StateName::Done, rate(false), Ok(&["rated", "reopen_requested"]));
    check(StateName::Routed, rate(false), Ok(&["rated"]));
    let add = |says| Command::AddMessage { message: message(2), contact: None, says };
    check(StateName::Routed, add(true), Ok(&["message_added"]));
    check(StateName::Answered, add(true), Ok(&["message_added", "reopen_requested"]));
    check(StateName::Answered, add(false), Ok(&["message_added"]));
    check(StateName::Routed, Command::Accept { finding, by: by.clone() }, Ok(&["accepted"]));
    check(StateName::Routed, Command::Accept { finding, by: party("water") }, Err(Refusal::NotYours));
    check(
        StateName::Routed,
        Command::Accept { finding: FindingId(5), by: by.clone() },
        Err(Refusal::NoFinding(FindingId(5))),
    );
    check(
        StateName::Started,
        Command::Finish { finding, by: by.clone(), explanation: Some(text("  ")), proof: vec![] },
        Err(Refusal::NeedsProof),
    );
    check(
        StateName::Started,
        Command::Finish { finding, by: by.clone(), explanation: None, proof: vec!["ab".into()] },
        Ok(&["done"]),
    );
    check(StateName::Routed, Command::Refuse { finding, by, reason: text("") }, Err(Refusal::NeedsReason));
    let redirect = |to| Command::Redirect { route: Box::new(route(to)), alarms: vec![], by: operator() };
    check(StateName::Refused, redirect("tazalyq"), Ok(&["routed"]));
    check(StateName::Refused, redirect("kazavtozhol"), Ok(&["routed", "forwarded_outside"]));
    let late = |second| Command::MarkOverdue {
        finding,
        clock: Clock::Service,
        due_at: at(second),
        escalate_to: Some("operator".into()),
    };
    check(StateName::Routed, late(100), Ok(&["overdue", "escalated"]));
    check(StateName::Routed, late(99), Ok(&[]));
    check(StateName::Routed, Command::Split { of: own(), parts: 2, by: operator() }, Ok(&["split"]));
    // A part that was split off is split like any other: its children's ids come from its own.
    let part = own().split_off(1);
    let events =
        decide(&appeal(&past(StateName::Routed)), Command::Split { of: part, parts: 1, by: operator() });
    assert_eq!(events, Ok(vec![Event::Split { children: vec![part.split_off(1)], by: operator() }]));
    check(
        StateName::Routed,
        Command::Join { of: own(), problem: own(), by: operator() },
        Err(Refusal::Pointless("an appeal cannot be joined to itself")),
    );
}

#[test]
fn the_rules_never_decide_over_a_person() {
    let mut events = past(StateName::Routed);
    events.push(Event::Corrected {
        finding: FindingId(0),
        category: Some("sinkhole".into()),
        place: None,
        by: operator(),
        reason: text("провал"),
    });
    let by_person = appeal(&events);
    let after = settled(&by_person, two_findings());
    assert_eq!(after.findings[0], by_person.findings[0], "what the person decided stands");
    assert_eq!(
        after.findings[1].route.as_ref().map(|r| r.to.as_str()),
        Some("water"),
        "what is new is decided"
    );
    // An appeal that has ended is left to people.
    let ended = appeal(&past(StateName::Closed));
    let after = settled(&ended, two_findings());
    assert_eq!((after.state(), after.findings[1].route.as_ref()), (StateName::Closed, None));
}

/// The main finding again, and another one that was not known.
fn two_findings() -> Settlement {
    let mut understanding = understanding();
    understanding.findings.push(Finding { category: "pipe".into(), ..understanding.findings[0].clone() });
    let mut other = route("water");
    other.finding = FindingId(1);
    other.category = "pipe".into();
    let question = Some(question());
    let routes = vec![route("tazalyq"), other];
    Settlement {
        understanding,
        routes,
        question,
        answers: vec![],
        alarms: vec![(FindingId(1), "akimat".into())],
    }
}

fn settled(appeal: &Appeal, settlement: Settlement) -> Appeal {
    let mut after = appeal.clone();
    let events = decide(appeal, Command::Settle(Box::new(settlement))).unwrap();
    assert!(events.iter().any(|e| e.name() == "escalated"), "an alarm is always raised");
    events.iter().for_each(|event| after.evolve(event));
    after
}

/// A danger is never closed by the rules: what they answer is told, and somebody still has to act.
#[test]
fn only_a_person_settles_a_danger() {
    let by = |by: &Actor| Answer { by: by.clone(), ..answer(true) };
    let danger = || Understanding { danger: true, ..understanding() };
    let dangerous = appeal(&[registered(), Event::Understood(Box::new(danger())), routed("akimat-almaly")]);
    let quiet = appeal(&past(StateName::Routed));
    let after = |appeal: &Appeal, command| {
        let mut after = appeal.clone();
        let events = decide(appeal, command).unwrap();
        assert!(events.iter().any(|event| event.name() == "answered"), "the resident is answered");
        events.iter().for_each(|event| after.evolve(event));
        after.state()
    };
    let settle = |understanding, routes| {
        let answers = vec![by(&Actor::System)];
        Command::Settle(Box::new(Settlement {
            understanding,
            routes,
            question: None,
            answers,
            alarms: vec![],
        }))
    };
    let route = || vec![route("akimat-almaly")];
    assert_eq!(after(&appeal(&[registered()]), settle(danger(), route())), StateName::Routed);
    // Known as a danger before, or only now.
    assert_eq!(after(&dangerous, settle(understanding(), route())), StateName::Routed);
    assert_eq!(after(&quiet, settle(danger(), route())), StateName::Routed);
    assert_eq!(after(&quiet, settle(understanding(), route())), StateName::Answered);
    assert_eq!(after(&dangerous, Command::Answer(Box::new(by(&Actor::System)))), StateName::Routed);
    assert_eq!(after(&dangerous, Command::Answer(Box::new(by(&operator())))), StateName::Answered);
}

/// Who corrects what was settled corrects the statistics: nobody has to act again.
#[test]
fn a_correction_reopens_nothing() {
    for state in [StateName::Answered, StateName::Done] {
        for to in ["tazalyq", "kazavtozhol", "operator"] {
            let mut appeal = appeal(&past(state));
            let correct = Command::Correct {
                finding: FindingId(0),
                category: None,
                place: None,
                route: Some(Box::new(route(to))),
                by: operator(),
                reason: text("не их участок"),
            };
            for event in decide(&appeal, correct).unwrap() {
                appeal.evolve(&event);
            }
            assert_eq!((appeal.state(), appeal.findings[0].party()), (state, to));
        }
    }
}

/// A wish to open it again is recorded once, and «yes, it is fixed» takes it back.
#[test]
fn a_wish_to_reopen_is_recorded_once_until_it_is_taken_back() {
    let mut appeal = appeal(&past(StateName::Done));
    let mut names = |command| -> Vec<_> {
        let events = decide(&appeal, command).unwrap();
        events.iter().for_each(|event| appeal.evolve(event));
        events.iter().map(Event::name).collect()
    };
    let rate = |fixed, n| Command::Rate { fixed, message: Some(message(n)) };
    let add = |n| Command::AddMessage { message: message(n), contact: None, says: true };
    assert_eq!(names(add(2)), ["message_added", "reopen_requested"]);
    assert_eq!(names(add(3)), ["message_added"]);
    assert_eq!(names(rate(false, 4)), ["rated"]);
    assert_eq!(names(rate(true, 5)), ["rated"]);
    assert_eq!(names(rate(false, 6)), ["rated", "reopen_requested"]);
}

/// A finding that a party took in hand, or that is settled, is not decided again with another one of its appeal.
#[test]
fn what_is_in_hand_stays_as_it_is() {
    for state in [
        StateName::Forwarded,
        StateName::Accepted,
        StateName::Started,
        StateName::Refused,
        StateName::Answered,
        StateName::Done,
    ] {
        let before = appeal(&past(state));
        let after = settled(&before, two_findings());
        assert_eq!(after.findings[0], before.findings[0], "{state:?}");
        assert_eq!(after.findings[1].stage, Stage::Routed, "{state:?}");
    }
    // What only waits in a queue is decided again.
    let after = settled(&appeal(&past(StateName::Routed)), two_findings());
    assert_eq!(after.findings[0].party(), "tazalyq");
}

/// A term that passed stays passed, and a term that a person moved stays moved, when somebody else gets the finding.
#[test]
fn terms_outlive_a_redirect() {
    let finding = FindingId(0);
    let mut events = past(StateName::Routed);
    events.push(Event::Overdue { finding, clock: Clock::Service, due_at: at(100) });
    events.push(Event::Extended { finding, clock: Clock::Legal, deadline: extended(900), by: operator() });
    let mut appeal = appeal(&events);
    let redirect = |by| Command::Redirect { route: Box::new(route("tazalyq")), alarms: vec![], by };
    for event in decide(&appeal, redirect(Actor::System)).unwrap() {
        appeal.evolve(&event);
    }
    assert_eq!(appeal.findings[0].party(), "tazalyq");
    assert_eq!(appeal.findings[0].due.get(&Clock::Legal), Some(&extended(900)));
    assert_eq!(
        appeal.next_due(),
        Some((at(900), finding, Clock::Legal)),
        "the service term has passed already"
    );
}

/// The law lets a term be extended once; the city's own terms are the city's to move.
#[test]
fn the_term_of_the_law_is_extended_once() {
    let finding = FindingId(0);
    let extend =
        |clock, second| Command::Extend { finding, clock, deadline: extended(second), by: operator() };
    for (clock, again) in [(Clock::Legal, Err(Refusal::ExtendedBefore)), (Clock::Service, Ok(1))] {
        let mut appeal = appeal(&past(StateName::Routed));
        for event in decide(&appeal, extend(clock, 900)).unwrap() {
            appeal.evolve(&event);
        }
        assert_eq!(decide(&appeal, extend(clock, 1800)).map(|events| events.len()), again, "{clock:?}");
    }
}

fn extended(second: i64) -> Deadline {
    Deadline { cause: TermCause::Extended { reason: "зима".into() }, ..deadline(second) }
}

#[test]
fn a_wish_repeated_after_its_facts_is_no_news() {
    for name in [
        CommandName::AddMessage,
        CommandName::EditMessage,
        CommandName::WithdrawMessage,
        CommandName::NameAlias,
        CommandName::Rate,
        CommandName::Join,
        CommandName::MarkOverdue,
        CommandName::MakeOfficial,
    ] {
        let command = every_command().into_iter().find(|c| c.name() == name).unwrap();
        let mut appeal = appeal(&past(StateName::Routed));
        for event in decide(&appeal, command.clone()).unwrap() {
            appeal.evolve(&event);
        }
        assert_eq!(decide(&appeal, command), Ok(vec![]), "{name:?}");
    }
}

#[test]
fn the_public_state_tells_open_from_settled() {
    for state in StateName::ALL {
        let public = appeal(&past(state)).public_state();
        assert_eq!(public.open, state.is_open(), "{state:?}");
        assert!(!public.status.is_empty());
    }
}
