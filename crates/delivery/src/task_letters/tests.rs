use std::fmt::Write;

use zholdary_domain::{
    CommandId,
    appeal::{Appeal, Command, TextLang, decide},
};
use zholdary_testkit::{at, id_key};

use super::*;
use crate::notices::tests::{
    NOW, SITE, accept, city, close, extend, finish, operator, pothole, redirect, register, reopen, route,
    settle, settlement,
};

/// The letters about the last of `commands`.
fn letters(commands: &[Command]) -> Vec<(Letter, String)> {
    letters_in(commands, Lang::Ru)
}

fn letters_in(commands: &[Command], lang: Lang) -> Vec<(Letter, String)> {
    let words = "Яма на Абая — Розыбакиева, пробил колесо";
    let (mut before, mut after, mut events) = (Appeal::default(), Appeal::default(), vec![]);
    let mut hand_overs = HandOvers::default();
    for (n, command) in commands.iter().enumerate() {
        before = after.clone();
        events = decide(&before, command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        events.iter().for_each(|event| after.evolve(event));
        hand_overs.note(CommandId::named("test", &n.to_string()), &events);
    }
    let appeal = AppealId::opened_by(id_key().message("whatsapp", "1", "m"));
    let happened = Happened {
        city: city(),
        site: SITE,
        before: &before,
        after: &after,
        events: &events,
        at: at(NOW),
        problem: None,
        refused: None,
        chosen: None,
    };
    let key = id_key();
    let given = Given {
        happened,
        appeal,
        hand_overs: &hand_overs,
        reopened: Some("яма осталась"),
        words,
        voices: 1,
        key: &key,
    };
    let good = |letter: &Letter| {
        letter.written(city(), lang).map_or_else(
            || "unfilled".to_owned(),
            |w| {
                let text = w.text.reveal().clone();
                // What the link says is a test of its own.
                let token = text
                    .find("/task/")
                    .map(|at| text[at + 6..].split_whitespace().next().unwrap_or_default().to_owned());
                if let Some(token) = &token {
                    let link = TaskLink::read(token, &key).expect("a link of ours");
                    assert_eq!(
                        hand_overs.task(&link).map(|task| &task.party),
                        Some(&letter.task.party),
                        "{text}"
                    );
                }
                let shown = token.map_or(text.clone(), |token| text.replace(&token, "TOKEN"));
                format!("{}\n{shown}", w.subject.map(|s| s.reveal().clone()).unwrap_or_default())
            },
        )
    };
    given
        .letters()
        .into_iter()
        .map(|letter| {
            let text = good(&letter);
            (letter, text)
        })
        .collect()
}

fn danger() -> Command {
    settle(settlement(TextLang::Ru, &[("manhole_open", "akimat-almaly")]))
}

fn outside() -> Command {
    let mut settlement = settlement(TextLang::Ru, &[("pothole", "kazavtozhol")]);
    settlement.routes[0].copies = vec!["oblast".into()];
    settle(settlement)
}

/// `akimat-almaly task_new`: who is written what.
fn shown((letter, text): &(Letter, String)) -> String {
    let mut words = vec![letter.task.party.clone(), letter.what.clone()];
    if letter.duty {
        words.push("duty".into());
    }
    if let Some(from) = letter.not_before {
        words.push(format!("+{}min", (from - at(NOW)).num_minutes()));
    }
    if let Some(only) = &letter.only_while {
        words.push(if only.unconfirmed { "unconfirmed" } else { "open" }.into());
    }
    if text == "unfilled" {
        words.push("unfilled".into());
    }
    words.join(" ")
}

#[test]
fn each_record_is_written_of_to_those_whom_it_concerns() {
    let check = |commands: &[Command], expected: &[&str]| {
        let written: Vec<String> = letters(commands).iter().map(shown).collect();
        assert_eq!(written, expected, "{:?}", commands.last());
    };
    let elsewhere = || redirect(route(0, "pothole", "akimat-medeu"));
    let understood = || pothole(TextLang::Ru);
    // Half and nine tenths of five days; both fall into the night and wait for the morning.
    let new = |party: &str, what: &str| {
        [
            format!("{party} {what} open"),
            format!("{party} task_reminder +4200min open"),
            format!("{party} task_reminder +7080min open"),
        ]
    };
    let new = |party, what| new(party, what).map(|line| &*line.leak());
    check(&[register()], &[]);
    check(&[register(), understood()], &new("akimat-almaly", "task_new"));
    check(
        &[register(), danger()],
        &[
            "akimat-almaly task_danger duty open",
            "akimat-almaly task_danger duty +10min unconfirmed",
            "operator task_unconfirmed +10min unconfirmed",
            "akimat-almaly task_reminder duty +60min open",
            "akimat-almaly task_reminder duty +108min open",
            "akimat-almaly task_reminder +720min open",
            "akimat-almaly task_reminder +1296min open",
        ],
    );
    let with_copy = [&new("kazavtozhol", "forward_letter")[..], &["oblast task_copy"]].concat();
    check(&[register(), outside()], &with_copy);
    // The same understanding again hands nothing over.
    check(&[register(), understood(), accept(0), understood()], &[]);
    let taken_away = [&["akimat-almaly task_withdrawn"][..], &new("akimat-medeu", "task_new")].concat();
    check(&[register(), understood(), elsewhere()], &taken_away);
    check(&[register(), understood(), accept(0)], &[]);
    check(&[register(), understood(), finish(0, None)], &[]);
    check(
        &[register(), understood(), extend(Clock::Service)],
        &["akimat-almaly task_reminder +30120min open", "akimat-almaly task_reminder +53595min open"],
    );
    check(&[register(), understood(), finish(0, None), reopen()], &[]);
    check(
        &[register(), understood(), finish(0, None), reopen(), elsewhere()],
        &new("akimat-medeu", "task_reopened"),
    );
    check(&[register(), understood(), close(operator())], &["akimat-almaly task_withdrawn"]);
    check(
        &[register(), understood(), overdue()],
        &["akimat-almaly task_escalation", "operator task_escalation"],
    );
}

fn overdue() -> Command {
    Command::MarkOverdue {
        finding: FindingId(0),
        clock: Clock::Service,
        due_at: at("2026-11-25T05:00:00Z"),
        escalate_to: Some("operator".into()),
    }
}

#[test]
fn what_a_party_reads() {
    let understood = || pothole(TextLang::Ru);
    let elsewhere = || redirect(route(0, "pothole", "akimat-medeu"));
    let mut texts = String::new();
    for commands in [
        &[register(), understood()][..],
        &[register(), danger()],
        &[register(), outside()],
        &[register(), understood(), elsewhere()],
        &[register(), understood(), finish(0, None), reopen(), elsewhere()],
        &[register(), understood(), overdue()],
    ] {
        for lang in [Lang::Ru, Lang::Kk] {
            for line in letters_in(commands, lang) {
                writeln!(texts, "{}\n{}\n", shown(&line), line.1).unwrap();
            }
        }
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn words_are_cut_at_a_word() {
    let long = "яма ".repeat(400);
    let cut = shortened(&long);
    assert!(cut.ends_with("яма…") && cut.chars().count() <= SHOWN_CHARS + 1, "{cut}");
    assert_eq!(shortened(" \n"), "—");
    assert_eq!(shortened("яма"), "яма");
}
