//! What must hold for every history, however odd: wishes and facts are drawn at random.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeZone, Utc};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{FileFailurePersistence, TestRunner},
};
use zholdary_domain::{
    AppealId, IdKey, MessageId, Personal, Place,
    appeal::{
        Actor, Answer, Appeal, Because, Clock, Command, Deadline, Due, Event, Finding, FindingId, Permille,
        PlaceQuestion, Refusal, Registered, Route, StateName, TermCause, TextLang, Understanding, decide,
        decide::Settlement,
    },
    inbound::{Channel, Content, DeliveryState, Join, Surface},
    message::{self, Message, Received},
    number::Year,
    outgoing::Task,
    personal,
};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

fn message(n: u8) -> MessageId {
    IdKey::new([1; 32]).message("whatsapp", "1", &n.to_string())
}

fn at(second: u8) -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_147_200 + i64::from(second), 0).unwrap()
}

/// The main finding, the second one, and one that is never there.
fn finding() -> impl Strategy<Value = FindingId> {
    prop::sample::select(vec![FindingId(0), FindingId(0), FindingId(1), FindingId(u16::MAX)])
}

fn party() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["akimat-almaly", "kazavtozhol", "operator", "none"]).prop_map(Into::into)
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        1 => Just(Actor::System),
        1 => Just(Actor::Author),
        4 => Just(Actor::Operator { token: "press-1".into() }),
        2 => party().prop_map(|code| Actor::Party { code }),
    ]
}

fn words() -> impl Strategy<Value = Personal<String>> {
    prop::sample::select(vec!["", "  ", "сделано", "сделано", "сделано"]).prop_map(|s| s.to_owned().into())
}

fn clock() -> impl Strategy<Value = Clock> {
    prop::sample::select(vec![Clock::Legal, Clock::Service, Clock::Secure])
}

fn deadline() -> impl Strategy<Value = Deadline> {
    (0u8..4).prop_map(|s| Deadline {
        at: at(s),
        from: at(0),
        cause: TermCause::Target { category: "pothole".into(), hours: 1 },
    })
}

fn route() -> impl Strategy<Value = Route> {
    (
        finding(),
        party(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["category", "person"]),
        due(),
    )
        .prop_map(|(finding, to, waits, outside, rule, due)| Route {
            finding,
            to,
            waits_at: waits.then(|| "operator".into()),
            candidates: vec![],
            copies: vec![],
            outside,
            bucket: "current_repair".into(),
            category: "pothole".into(),
            priority: "high".into(),
            due,
            rules: "1".into(),
            rule: rule.into(),
            because: Because::default(),
            inputs: BTreeMap::new(),
        })
}

fn due() -> impl Strategy<Value = Due> {
    prop::collection::btree_map(clock(), deadline(), 0..3)
}

fn answer() -> impl Strategy<Value = Answer> {
    (finding(), any::<bool>(), actor()).prop_map(|(finding, settles, by)| Answer {
        finding,
        template: None,
        version: None,
        lang: "ru".into(),
        text: "ответ".to_owned().into(),
        settles,
        by,
    })
}

fn question() -> impl Strategy<Value = PlaceQuestion> {
    (finding(), any::<bool>()).prop_map(|(finding, waits)| PlaceQuestion {
        finding,
        waits,
        template: "place_question".into(),
        version: 1,
        lang: "ru".into(),
        text: "где?".to_owned().into(),
    })
}

/// One to three findings: a later understanding may see fewer than an earlier one.
fn understanding() -> impl Strategy<Value = Understanding> {
    (any::<bool>(), 1usize..4).prop_map(|(danger, findings)| Understanding {
        triage: "1".into(),
        rules: "1".into(),
        lang: TextLang::Kk,
        danger,
        findings: vec![
            Finding {
                category: "pothole".into(),
                priority: "high".into(),
                confidence: Permille(900),
                because: vec![],
                place: Place::default(),
            };
            findings
        ],
        names_number: None,
    })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    (
        understanding(),
        prop::collection::vec(route(), 0..3),
        prop::option::of(question()),
        prop::collection::vec(answer(), 0..2),
        prop::collection::vec((finding(), party()), 0..2),
    )
        .prop_map(|(understanding, routes, question, answers, alarms)| Settlement {
            understanding,
            routes,
            question,
            answers,
            alarms,
        })
}

fn registered() -> impl Strategy<Value = Registered> {
    (prop::option::of(0u8..3), any::<bool>()).prop_map(|(first, draft)| Registered {
        number: "Z-2026-000001".parse().unwrap(),
        message: first.map(message),
        contact: IdKey::new([1; 32]).contact("whatsapp", "KZ.1"),
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        received_at: at(0),
        draft,
        flood: None,
        parent: None,
    })
}

/// What residents and the rules may want. A new command belongs here or in [`of_people`].
fn of_residents_and_rules() -> impl Strategy<Value = Command> {
    let message = || (0u8..3).prop_map(message);
    prop_oneof![
        3 => registered().prop_map(|r| Command::Register(Box::new(r))),
        1 => Just(Command::NameAlias { number: "Z-2025-000377".parse().unwrap() }),
        1 => (message(), any::<bool>())
            .prop_map(|(message, says)| Command::AddMessage { message, contact: None, says }),
        1 => (message(), 2u32..4).prop_map(|(message, version)| Command::EditMessage { message, version }),
        1 => message().prop_map(|message| Command::WithdrawMessage { message }),
        6 => settlement().prop_map(|s| Command::Settle(Box::new(s))),
        1 => (finding(), prop::option::of(message()), actor()).prop_map(|(finding, message, by)| {
            Command::GivePlace { finding, place: Box::default(), message, by }
        }),
        2 => (any::<bool>(), prop::option::of(message()))
            .prop_map(|(fixed, message)| Command::Rate { fixed, message }),
        1 => (finding(), clock(), 0u8..4, prop::option::of(party())).prop_map(
            |(finding, clock, due, escalate_to)| {
                Command::MarkOverdue { finding, clock, due_at: at(due), escalate_to }
            },
        ),
        1 => message().prop_map(|message| Command::NoteTold { message, what: "receipt".into() }),
        1 => Just(Command::NoteNotTold { what: "receipt".into(), why: "window_closed".into(), message: None }),
        1 => message().prop_map(|message| Command::NotePartyTold { task: task(), message, what: "task_new".into() }),
        1 => message().prop_map(|message| Command::NotePartyAnswered { task: task(), message }),
    ]
}

fn task() -> Task {
    Task { party: "akimat-medeu".into(), finding: FindingId(0) }
}

/// What operators and parties may want.
fn of_people() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (route(), actor()).prop_map(|(r, by)| Command::Redirect { route: Box::new(r), alarms: vec![], by }),
        4 => answer().prop_map(|a| Command::Answer(Box::new(a))),
        4 => (finding(), actor()).prop_map(|(finding, by)| Command::Accept { finding, by }),
        4 => (finding(), actor(), words())
            .prop_map(|(finding, by, reason)| Command::Refuse { finding, by, reason }),
        4 => (finding(), actor()).prop_map(|(finding, by)| Command::Start { finding, by }),
        4 => (finding(), actor(), prop::option::of(words()), any::<bool>()).prop_map(
            |(finding, by, explanation, photo)| {
                let proof = if photo { vec!["00".into()] } else { vec![] };
                Command::Finish { finding, by, explanation, proof }
            },
        ),
        4 => (actor(), words()).prop_map(|(by, reason)| Command::Reopen { by, reason }),
        2 => (0u32..3, actor()).prop_map(|(parts, by)| Command::Split { of: AppealId::opened_by(message(0)), parts, by }),
        2 => (0u8..3, actor())
            .prop_map(|(n, by)| Command::Join { of: AppealId::opened_by(message(0)), problem: AppealId::opened_by(message(n)), by }),
        2 => (finding(), party(), actor()).prop_map(|(finding, to, by)| Command::Escalate { finding, to, by }),
        2 => (finding(), clock(), deadline(), actor())
            .prop_map(|(finding, clock, deadline, by)| Command::Extend { finding, clock, deadline, by }),
        2 => (finding(), prop::option::of(Just("sinkhole")), prop::option::of(route()), actor(), words())
            .prop_map(|(finding, category, route, by, reason)| Command::Correct {
                finding,
                category: category.map(Into::into),
                place: None,
                route: route.map(Box::new),
                by,
                reason,
            }),
        2 => actor().prop_map(|by| Command::MakeOfficial { kind: "complaint".into(), by }),
        2 => (actor(), words()).prop_map(|(by, text)| Command::Note { by, text }),
        2 => (actor(), words()).prop_map(|(by, reason)| Command::Close { by, reason }),
        1 => (actor(), words()).prop_map(|(by, reason)| Command::NotConsider { by, reason }),
        1 => actor().prop_map(|by| Command::Erase { by }),
    ]
}

fn wishes() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(prop_oneof![of_residents_and_rules(), of_people()], 0..60)
}

/// What channels tell about one message, and what `register` makes of it.
fn about_a_message() -> impl Strategy<Value = message::Command> {
    let says = || prop::sample::select(vec!["яма", "открыт люк"]).prop_map(content);
    let at = || (0u8..3).prop_map(at);
    let state = prop::sample::select(vec![
        DeliveryState::Queued,
        DeliveryState::Sent,
        DeliveryState::Delivered,
        DeliveryState::Read,
        DeliveryState::Failed,
    ]);
    let outcome = prop_oneof![
        (0u8..2, any::<bool>()).prop_map(|(n, opens)| message::Outcome::Placed {
            appeal: AppealId::opened_by(message(n)),
            opens,
            found: message::Found::Opened,
        }),
        Just(message::SetAside::NoAppeal.into()),
    ];
    prop_oneof![
        (says(), at())
            .prop_map(|(content, sent_at)| message::Command::Receive(Box::new(received(content, sent_at)))),
        (says(), at()).prop_map(|(content, sent_at)| message::Command::Edit { content, sent_at }),
        at().prop_map(|sent_at| message::Command::Withdraw { sent_at }),
        (state, at()).prop_map(|(state, at)| message::Command::Deliver {
            state,
            at,
            error: None,
            carries: None
        }),
        outcome.prop_map(message::Command::Settle),
    ]
}

fn content(text: &str) -> Content {
    Content { text: Some(text.to_owned().into()), ..Content::default() }
}

fn received(content: Content, sent_at: DateTime<Utc>) -> Received {
    Received {
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        account: "1".into(),
        external_id: "wamid.1".to_owned().into(),
        contact: IdKey::new([1; 32]).contact("whatsapp", "KZ.1"),
        aliases: vec![],
        name: None,
        phone: None,
        address: None,
        content,
        reply_to: None,
        join: Join::Window,
        album: None,
        letter: None,
        sent_at,
        raw: None,
        keys_changed: false,
    }
}

/// Follows `wishes` and tells every fact they led to, in order.
fn follow(appeal: &mut Appeal, wishes: &[Command]) -> Vec<Event> {
    let mut facts = vec![];
    for wish in wishes {
        let new = decide(appeal, wish.clone()).unwrap_or_default();
        new.iter().for_each(|fact| appeal.evolve(fact));
        facts.extend(new);
    }
    facts
}

fn holds_together(appeal: &Appeal) -> Result<(), TestCaseError> {
    prop_assert_eq!(appeal.public_state().open, appeal.state().is_open());
    prop_assert_eq!(appeal.state() == StateName::Unknown, appeal.registered.is_none());
    if let Some((_, finding, clock)) = appeal.next_due() {
        prop_assert!(appeal.state().is_open(), "a term runs only while somebody has to act");
        prop_assert!(!appeal.findings[usize::from(finding.0)].overdue.contains(&clock));
    }
    Ok(())
}

/// Rules that are never broken because nothing happens would prove nothing.
#[test]
fn the_wishes_drawn_lead_to_every_state() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..500 {
        let mut appeal = Appeal::default();
        for wish in wishes().new_tree(&mut runner).unwrap().current() {
            reached.insert(appeal.state());
            follow(&mut appeal, &[wish]);
        }
    }
    assert_eq!(reached, StateName::ALL.into());
}

proptest! {
    #![proptest_config(config())]

    /// No panic, no state that contradicts itself, and a wish looked at twice leads to the same facts.
    #[test]
    fn any_wishes_lead_to_an_appeal_that_holds_together(wishes in wishes()) {
        let mut appeal = Appeal::default();
        for wish in wishes {
            let decided = decide(&appeal, wish.clone());
            prop_assert_eq!(&decide(&appeal, wish), &decided);
            for fact in decided.unwrap_or_default() {
                appeal.evolve(&fact);
                holds_together(&appeal)?;
            }
        }
    }

    #[test]
    fn before_its_number_an_appeal_is_not_there(wishes in wishes()) {
        for wish in wishes {
            match (&wish, decide(&Appeal::default(), wish.clone())) {
                (Command::Register(_), decided) => prop_assert_eq!(decided.map(|facts| facts.len()), Ok(1)),
                (_, Ok(facts)) => prop_assert!(false, "{facts:?} about nothing"),
                (_, Err(refusal)) => {
                    prop_assert!(matches!(refusal, Refusal::NotFound | Refusal::NoFinding(_)), "{refusal:?}");
                }
            }
        }
    }

    #[test]
    fn erased_is_for_ever(before in wishes(), first in registered(), after in wishes()) {
        let mut appeal = Appeal::default();
        follow(&mut appeal, &[Command::Register(Box::new(first))]);
        follow(&mut appeal, &before);
        follow(&mut appeal, &[Command::Erase { by: Actor::System }]);
        prop_assert!(appeal.state() == StateName::Erased || appeal.state().is_open());
        let understood = appeal.understanding.clone();
        let messages = appeal.messages.clone();
        follow(&mut appeal, &after);
        prop_assert!(appeal.erased && appeal.messages == messages && appeal.understanding == understood);
        if appeal.state() == StateName::Erased {
            prop_assert_eq!(follow(&mut appeal, &after), vec![]);
        }
    }

    /// `evolve` may not refuse: facts in an order that no decision would give, some twice, still make an appeal.
    #[test]
    fn facts_in_any_order_are_taken_in(wishes in wishes(), order in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let facts = follow(&mut Appeal::default(), &wishes);
        prop_assume!(!facts.is_empty());
        let mut appeal = Appeal::default();
        for index in order {
            appeal.evolve(index.get(&facts));
            let _ = (appeal.state(), appeal.public_state(), appeal.next_due());
        }
    }

    /// What a decision leads to is read back as the same facts.
    #[test]
    fn facts_survive_being_recorded(wishes in wishes()) {
        for fact in follow(&mut Appeal::default(), &wishes) {
            #[expect(clippy::disallowed_methods, reason = "the test stands in for the log's codec")]
            let written = personal::writing(|| serde_json::to_string(&fact)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Event>(&written).unwrap(), fact);
        }
    }

    /// Edits, withdrawals and delivery marks come in any order and twice: nothing said is lost, nothing settled changes.
    #[test]
    fn a_message_keeps_what_was_told_of_it(wishes in prop::collection::vec(about_a_message(), 0..30)) {
        let mut message = Message::default();
        for wish in wishes {
            let before = message.clone();
            for fact in message::decide(&message, wish.clone()).unwrap_or_default() {
                message.evolve(&fact);
            }
            prop_assert!(before.outcome.is_none() || message.outcome == before.outcome);
            prop_assert!(before.received.is_none() || message.received == before.received);
            prop_assert!(message.edits.starts_with(&before.edits));
            prop_assert!(before.withdrawn_at.is_none() || message.withdrawn_at == before.withdrawn_at);
            prop_assert!(message.delivery >= before.delivery);
            prop_assert!(message.outcome.is_none() || message.received.is_some(), "only what was received is placed");
            let again = message::decide(&message, wish).unwrap_or_default();
            prop_assert_eq!(again, vec![], "told twice, it is recorded once");
        }
    }

    /// Batches overlap with the one before, as after a crash, and the counter jumps past numbers of earlier systems.
    #[test]
    fn a_number_is_given_once(
        steps in prop::collection::vec((0u8..5, 1u8..6, prop::option::of(0u32..80)), 1..30),
    ) {
        let (mut year, mut given_so_far, mut next) = (Year::default(), BTreeMap::new(), 0u8);
        let mut taken = BTreeSet::new();
        for (again, new, jump) in steps {
            if let Some(serial) = jump {
                if let Some(fact) = year.jump(serial) {
                    year.evolve(&fact);
                    taken.insert(serial);
                }
                prop_assert!(year.last >= serial);
            }
            let repeated: Vec<_> = year.last_batch.keys().copied().take(again.into()).collect();
            let appeals: Vec<_> = repeated
                .into_iter()
                .chain((0..new).map(|n| AppealId::opened_by(message(next + n))))
                .collect();
            next += new;
            let Some(fact) = year.give(&appeals) else { continue };
            year.evolve(&fact);
            for (appeal, serial) in &year.last_batch {
                prop_assert_eq!(given_so_far.insert(*appeal, *serial), None, "an appeal has one number");
                prop_assert!(taken.insert(*serial), "{} was taken", serial);
            }
            let finished: Vec<_> = year.last_batch.keys().copied().collect();
            prop_assert_eq!(year.give(&finished), None, "asked again, nothing is given");
        }
    }
}
