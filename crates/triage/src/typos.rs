//! Misspelt words: one letter missing, too many, another one, or two in the wrong order.
//!
//! Each stem is known under itself and under all that is left of it without one letter; a word meets it when what is left of the
//! word's beginning is the same. So a word costs a few look-ups, however many stems there are.

use std::collections::HashMap;

use crate::letters::Letters;
use crate::text::{Folded, Token};

/// Shorter stems have too many neighbours that are words of their own. Letters in the wrong order may stand in one of these.
pub(crate) const SHORTEST: usize = 5;
/// A letter too few or too many is seen in stems of at least so many letters.
const SHORTEST_CHANGED: usize = 6;
/// Another letter is seen in stems of at least so many: «пропал» is no «провал».
const SHORTEST_OTHER: usize = 7;

/// Stems that may be misspelt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typos {
    /// What is left of a stem: the stems, by where they stand in the list of all.
    left: HashMap<String, Vec<usize>>,
    stems: HashMap<usize, Vec<char>>,
    longest: usize,
}

impl Typos {
    /// Prepares stems of one word; each is known by its number.
    pub(crate) fn new<'a>(stems: impl Iterator<Item = (usize, &'a str)>, letters: &Letters) -> Self {
        let mut typos = Self::default();
        for (id, stem) in stems {
            let words = Folded::words_of(stem, letters);
            let [word] = &words[..] else { continue };
            let word: Vec<char> = word.chars().collect();
            if word.len() < SHORTEST
                || stem.ends_with('$')
                || !word.iter().all(|letter| letter.is_alphabetic())
            {
                continue;
            }
            for left in without_one(&word) {
                typos.left.entry(left).or_default().push(id);
            }
            typos.longest = typos.longest.max(word.len());
            typos.stems.insert(id, word);
        }
        typos
    }

    /// The stems that words misspell, but for words that `is_known`.
    pub(crate) fn found(
        &self,
        tokens: &[&Token],
        latin: bool,
        is_known: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for (_, token) in tokens.iter().enumerate().filter(|(at, _)| !is_known(*at)) {
            for form in token.forms_in(latin) {
                let word: Vec<char> = form.chars().take(self.longest + 1).collect();
                self.near(&word, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn near(&self, word: &[char], found: &mut Vec<usize>) {
        for length in SHORTEST..=word.len() {
            for left in without_one(&word[..length]) {
                for id in self.left.get(&left).into_iter().flatten() {
                    let stem = &self.stems[id];
                    let misspelt = match length.abs_diff(stem.len()) {
                        0 => is_one_typo(&word[..length], stem),
                        1 => stem.len() >= SHORTEST_CHANGED,
                        _ => false,
                    };
                    // Wrong in the last letter of the stem and longer than it: another word with the same beginning.
                    let goes_on = word.len() > length;
                    let all_but_last = stem[..stem.len() - 1].iter();
                    let is_other =
                        goes_on && length <= stem.len() && word.iter().take(stem.len() - 1).eq(all_but_last);
                    if misspelt && !is_other {
                        found.push(*id);
                    }
                }
            }
        }
    }
}

/// A word, and what is left of it without each of its letters. Its first letter is seldom wrong, and tells most.
fn without_one(word: &[char]) -> impl Iterator<Item = String> + '_ {
    let whole = word.iter().collect();
    let left = (1..word.len()).map(|gone| word[..gone].iter().chain(&word[gone + 1..]).collect());
    std::iter::once(whole).chain(left)
}

/// Of two words of one length: two neighbours changed places, or one letter of a longer word is another.
fn is_one_typo(word: &[char], stem: &[char]) -> bool {
    let differ: Vec<usize> = (0..word.len()).filter(|at| word[*at] != stem[*at]).collect();
    match differ[..] {
        [one] => one > 0 && stem.len() >= SHORTEST_OTHER,
        [one, other] => other == one + 1 && word[one] == stem[other] && word[other] == stem[one],
        _ => false,
    }
}
