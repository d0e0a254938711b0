//! What a party's answer by mail asks for, where that needs no reader. Pure.

use zholdary_city::PartyWords;
use zholdary_domain::{
    Personal,
    appeal::{Actor, Command},
    outgoing::Task,
};

/// The command that a letter of a party asks for: it begins with one of the city's words, alone before a mark or the end of its line.
/// Nothing: a person reads it.
#[must_use]
pub fn wish(words: &PartyWords, task: &Task, text: &str) -> Option<Command> {
    let text = text.trim();
    let by = Actor::Party { code: task.party.clone() };
    let finding = task.finding;
    let rest = |words: &[String]| words.iter().find_map(|word| after(text, word));
    if rest(&words.accepted).is_some() {
        return Some(Command::Accept { finding, by });
    }
    if let Some(why) = rest(&words.refused) {
        let reason = Personal::new(why.to_owned());
        return (!why.is_empty()).then_some(Command::Refuse { finding, by, reason });
    }
    let done = rest(&words.done)?;
    let said = if done.is_empty() { text } else { done };
    Some(Command::Finish { finding, by, explanation: Some(said.to_owned().into()), proof: vec![] })
}

/// What follows `word` at the beginning of `text`, without the mark between.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut letters = text.chars();
    for expected in word.chars() {
        let letter = letters.next()?;
        if !letter.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    let rest = letters.as_str();
    let ends_here = |c: char| c == '\n' || c == '\r' || ".,:;!–—".contains(c);
    // «Принято – но…» has its mark after a space.
    let marked = rest.trim_start_matches([' ', '\u{a0}', '\t']);
    let alone =
        rest.is_empty() || marked.starts_with(ends_here) || marked.starts_with("- ") || marked.is_empty();
    let is_mark = |c: char| c.is_whitespace() || ".,:;!–—-".contains(c);
    alone.then(|| rest.trim_start_matches(is_mark).trim_end())
}

#[cfg(test)]
mod tests {
    use zholdary_domain::appeal::FindingId;

    use super::*;

    fn words() -> PartyWords {
        let list = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        PartyWords {
            accepted: list(&["принято", "қабылданды"]),
            refused: list(&["отказ", "не принято", "бас тартамыз"]),
            done: list(&["готово", "дайын"]),
        }
    }

    #[test]
    fn the_first_word_alone_says_what_is_asked_for() {
        let task = Task { party: "akimat-medeu".into(), finding: FindingId(2) };
        let check = |text: &str, expected: &str| {
            let said = match wish(&words(), &task, text) {
                Some(Command::Accept { finding: FindingId(2), by }) => format!("accept by {by}"),
                Some(Command::Refuse { reason, .. }) => format!("refuse: {}", reason.reveal()),
                Some(Command::Finish { explanation, .. }) => {
                    format!("done: {}", explanation.map(Personal::into_revealed).unwrap_or_default())
                }
                Some(other) => format!("{other:?}"),
                None => "a person reads it".to_owned(),
            };
            assert_eq!(said, expected, "{text}");
        };
        check("Принято", "accept by akimat-medeu");
        check("  ПРИНЯТО!\nС уважением, Иванов", "accept by akimat-medeu");
        check("Қабылданды.", "accept by akimat-medeu");
        check("Принято – бригада выедет", "accept by akimat-medeu");
        check("Принято к сведению, но улица не наша", "a person reads it");
        check("Отказ: это улица соседнего района", "refuse: это улица соседнего района");
        check("Не принято, нет техники", "refuse: нет техники");
        check("Бас тартамыз: біздің көше емес", "refuse: біздің көше емес");
        check("Отказ", "a person reads it");
        check("Готово", "done: Готово");
        check("Готово. Залили асфальтом 20.11", "done: Залили асфальтом 20.11");
        check("Готовим бригаду", "a person reads it");
        check("Дайын\n\nСурет қосылды", "done: Сурет қосылды");
        check("Когда будет готово?", "a person reads it");
        check("", "a person reads it");
    }
}
