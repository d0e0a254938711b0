//! From sentences to messages: no two alike, typos included.

use std::collections::HashSet;

use crate::{
    chance::Chance,
    grammar::{Grammar, Tongue, Topic},
    places::Where,
};

/// How often a message is written anew before a word of difference is added to it.
const TRIES: usize = 12;
/// Of a hundred messages so many have a typo.
const TYPOS: usize = 18;

/// Writes messages.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    grammar: &'a Grammar,
    written: HashSet<String>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(grammar: &'a Grammar) -> Self {
        Self { grammar, written: HashSet::new() }
    }

    /// A message about a topic, at a place.
    pub(crate) fn about(&mut self, topic: &Topic, place: &Where, chance: &mut Chance) -> String {
        let shared = self.grammar.shared(topic.lang);
        let mut text = String::new();
        for _ in 0..TRIES {
            let core = chance.one(&topic.cores);
            let at = place.said(topic.lang);
            let core = capital(&core.replace("{at}", at).replace("{road}", at));
            let mut parts = Vec::new();
            if chance.happens(45) {
                parts.push(chance.one(&shared.greetings).clone());
            }
            parts.push(core);
            if !topic.details.is_empty() && chance.happens(55) {
                parts.push(chance.one(&topic.details).clone());
            }
            if chance.happens(50) {
                parts.push(chance.one(&shared.asks).clone());
            }
            if chance.happens(25) {
                parts.push(chance.one(&shared.closings).clone());
            }
            text = parts.join(" ");
            if chance.happens(TYPOS) {
                text = misspelt(&text, chance);
            }
            if self.written.insert(text.clone()) {
                return text;
            }
        }
        loop {
            text.push_str(chance.one::<&str>(&["!", ".", " .", "!!", " 🙏", " ‼️"]));
            if self.written.insert(text.clone()) {
                return text;
            }
        }
    }

    /// A whole message of one of the lists.
    pub(crate) fn whole(
        &self,
        list: &[String],
        place: &Where,
        tongue: Tongue,
        chance: &mut Chance,
    ) -> String {
        capital(&chance.one(list).replace("{at}", place.said(tongue)))
    }
}

/// The first letter in capitals.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// With one typo in a long word that is no name: a letter too few, two, or two in the wrong order.
fn misspelt(text: &str, chance: &mut Chance) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let long = |word: &String| {
        word.chars().count() >= 7
            && word.chars().all(|letter| letter.is_alphabetic() && letter.is_lowercase())
    };
    let places: Vec<usize> = (0..words.len()).filter(|at| long(&words[*at])).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let at = *chance.one(&places);
    let mut letters: Vec<char> = words[at].chars().collect();
    let letter = 2 + chance.below(letters.len() - 4);
    match chance.below(3) {
        0 => {
            letters.remove(letter);
        }
        1 => letters.insert(letter, letters[letter]),
        _ => letters.swap(letter, letter + 1),
    }
    words[at] = letters.into_iter().collect();
    words.join(" ")
}
