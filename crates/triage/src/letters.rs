//! The city's letters: folding, look-alikes and transliteration, prepared once from `city.toml [matching]`.

use std::collections::BTreeMap;

use unicode_normalization::char::decompose_canonical;
use zholdary_city::Matching;

/// Letters that stand for others while texts and stems are compared.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    fold: BTreeMap<char, char>,
    look_alike: BTreeMap<char, char>,
    /// Latin to Cyrillic, the longest first.
    table: Vec<(String, String)>,
}

/// Most `y` of a word of which every combination of readings is tried; with more, all are read alike.
const MOST_FREE_Y: usize = 2;

/// What `y` may stand for besides what the city's table says.
const Y_TOO: &[&str] = &["й", "и"];

impl Letters {
    pub(crate) fn new(matching: &Matching) -> Self {
        let mut table = matching.transliterate.clone();
        table.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
        Self { fold: matching.fold.clone(), look_alike: matching.look_alike.clone(), table }
    }

    /// A word as it is compared: each letter folded.
    pub(crate) fn folded(&self, word: &str) -> String {
        word.chars().map(|letter| self.fold.get(&letter).copied().unwrap_or(letter)).collect()
    }

    /// A word that has Cyrillic letters, with the Latin look-alikes among them put right.
    pub(crate) fn cleared(&self, word: String) -> String {
        if word.chars().any(is_cyrillic) && word.chars().any(is_latin) {
            word.chars().map(|letter| self.look_alike.get(&letter).copied().unwrap_or(letter)).collect()
        } else {
            word
        }
    }

    /// Every Cyrillic reading of a Latin word, folded. At most 9.
    pub(crate) fn transliterated(&self, word: &str) -> Vec<String> {
        let plain: String = word.chars().map(without_mark).collect();
        let ys = plain.matches('y').count();
        let own = self.table.iter().find(|(from, _)| from == "y").map(|(_, to)| to.as_str());
        let readings: Vec<&str> = own.into_iter().chain(Y_TOO.iter().copied()).collect();
        let mut found: Vec<String> = Vec::new();
        let mut add = |chosen: &[&str]| {
            let reading = self.folded(&self.read(&plain, chosen));
            if !found.contains(&reading) {
                found.push(reading);
            }
        };
        match ys {
            0 => add(&[]),
            1 => readings.iter().for_each(|one| add(&[one])),
            MOST_FREE_Y => {
                for first in &readings {
                    readings.iter().for_each(|second| add(&[first, second]));
                }
            }
            _ => readings.iter().for_each(|one| add(&[one])),
        }
        found
    }

    /// One reading: the n-th free `y` as `ys` says (the last one for all that follow).
    fn read(&self, word: &str, ys: &[&str]) -> String {
        let mut out = String::with_capacity(word.len() * 2);
        let mut rest = word;
        let mut seen = 0;
        while let Some(first) = rest.chars().next() {
            match self.table.iter().find(|(from, _)| rest.starts_with(from.as_str())) {
                Some((from, _)) if from == "y" && !ys.is_empty() => {
                    out.push_str(ys[seen.min(ys.len() - 1)]);
                    seen += 1;
                    rest = &rest[1..];
                }
                Some((from, to)) if !from.is_empty() => {
                    out.push_str(to);
                    rest = &rest[from.len()..];
                }
                _ => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }
}

/// Whether a letter is Cyrillic.
pub(crate) fn is_cyrillic(letter: char) -> bool {
    ('\u{400}'..='\u{52f}').contains(&letter)
}

/// Whether a letter is Latin, with or without marks.
pub(crate) fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&letter)
}

/// A Latin letter without its marks (ä, ş, ū); any other letter as it is.
fn without_mark(letter: char) -> char {
    if letter == 'ı' {
        return 'i';
    }
    if !is_latin(letter) {
        return letter;
    }
    let mut base = letter;
    let mut first = true;
    decompose_canonical(letter, |part| {
        if std::mem::take(&mut first) {
            base = part;
        }
    });
    base
}
