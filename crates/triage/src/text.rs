//! A resident's text as folded tokens.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::letters::{Letters, is_cyrillic, is_latin};

/// Most characters of a text that are read together. In what follows only dangers are looked for, part by part.
///
/// A public form takes far less; the limit keeps names and problems that stand far apart from being read as one.
pub const MAX_CHARS: usize = 20_000;

/// Most characters of a word that are compared. Longer ones are not words.
const MAX_WORD: usize = 64;

/// What stood between a token and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// Nothing at all: `8мкр` is two tokens.
    Glued,
    /// Blank, or a sign that says nothing about places.
    Space,
    /// `-`.
    Hyphen,
    /// `/`, `×` or `+`.
    Slash,
    /// `,`.
    Comma,
    /// The end of a clause.
    Stop,
}

/// One word, number or `№`.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// In lower case, look-alikes put right, not folded.
    pub(crate) raw: String,
    /// As it is compared.
    pub(crate) folded: String,
    /// For a Latin word: its Cyrillic readings, folded.
    pub(crate) readings: Vec<String>,
    /// What stood before it.
    pub(crate) gap: Gap,
    /// In which clause it stands; a line is one too. It holds also where tokens between are left out.
    pub(crate) clause: usize,
}

impl Token {
    /// Its forms: as it is, then its Cyrillic readings.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.folded.as_str()).chain(self.readings.iter().map(String::as_str))
    }

    /// Its forms for stems: Cyrillic readings only in a text that is mostly Latin.
    pub(crate) fn forms_in(&self, latin: bool) -> impl Iterator<Item = &str> {
        let readings = if latin { self.readings.as_slice() } else { &[] };
        std::iter::once(self.folded.as_str()).chain(readings.iter().map(String::as_str))
    }

    /// Whether one of its forms is in a list.
    pub(crate) fn is(&self, list: &[&str]) -> bool {
        self.forms().any(|form| list.contains(&form))
    }

    /// Whether one of its forms begins with one of a list.
    pub(crate) fn starts(&self, list: &[&str]) -> bool {
        self.forms().any(|form| list.iter().any(|stem| form.starts_with(stem)))
    }

    /// Whether it consists of digits.
    pub(crate) fn is_number(&self) -> bool {
        !self.raw.is_empty() && self.raw.chars().all(|letter| letter.is_ascii_digit())
    }
}

/// A text ready to be compared with stems. Holds a resident's words: never logged, never recorded.
#[derive(Clone)]
pub struct Folded {
    pub(crate) tokens: Vec<Token>,
    /// Whether most letters are Latin.
    pub(crate) latin: bool,
}

impl std::fmt::Debug for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Folded({} tokens)", self.tokens.len())
    }
}

impl Folded {
    pub(crate) fn new(text: &str, letters: &Letters) -> Self {
        let mut words = Words::default();
        for letter in text.nfc().take(MAX_CHARS) {
            words.take(letter);
        }
        words.end();
        let (mut cyrillic, mut latin) = (0_usize, 0_usize);
        let mut tokens = Vec::with_capacity(words.done.len());
        for (gap, clause, word) in words.done {
            let word = letters.cleared(word);
            cyrillic += word.chars().filter(|letter| is_cyrillic(*letter)).count();
            latin += word.chars().filter(|letter| is_latin(*letter)).count();
            for (at, raw) in parts(&word).into_iter().enumerate() {
                let readings =
                    if raw.chars().any(is_latin) { letters.transliterated(raw) } else { Vec::new() };
                let gap = if at == 0 { gap } else { Gap::Glued };
                tokens.push(Token {
                    folded: letters.folded(raw),
                    raw: raw.to_owned(),
                    readings,
                    gap,
                    clause,
                });
            }
        }
        Self { tokens, latin: latin > cyrillic }
    }

    /// The words of a stem, phrase or name, folded: how the city's own strings become comparable.
    pub(crate) fn words_of(text: &str, letters: &Letters) -> Vec<String> {
        Self::new(text, letters).tokens.into_iter().map(|token| token.folded).collect()
    }
}

/// Splits characters into words.
#[derive(Default)]
struct Words {
    done: Vec<(Gap, usize, String)>,
    word: String,
    length: usize,
    gap: Option<Gap>,
    clause: usize,
}

impl Words {
    fn take(&mut self, letter: char) {
        if letter == '№' {
            self.end();
            self.word.push(letter);
            self.end();
        } else if letter.is_alphanumeric() {
            self.length += 1;
            if self.length <= MAX_WORD {
                self.word.extend(letter.to_lowercase().filter(|part| !is_combining_mark(*part)));
            }
        } else if is_invisible(letter) || is_combining_mark(letter) || "'’ʼ`´".contains(letter) {
            // Inside a word these change nothing.
        } else {
            self.end();
            let gap = match letter {
                '-' | '‐' | '‑' | '–' | '—' | '−' => Gap::Hyphen,
                '/' | '\\' | '×' | '+' => Gap::Slash,
                ',' => Gap::Comma,
                '.' | '!' | '?' | ';' | ':' | '…' | '(' | ')' => Gap::Stop,
                _ => Gap::Space,
            };
            self.clause += usize::from(matches!(gap, Gap::Comma | Gap::Stop) || letter == '\n');
            self.gap = Some(self.gap.map_or(gap, |earlier| earlier.max(gap)));
        }
    }

    fn end(&mut self) {
        self.length = 0;
        if !self.word.is_empty() {
            let gap = self.gap.take().unwrap_or(if self.done.is_empty() { Gap::Stop } else { Gap::Glued });
            self.done.push((gap, self.clause, std::mem::take(&mut self.word)));
        }
    }
}

/// Soft hyphens, joiners, direction marks and variation selectors.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Parts a word glued to a number: `8мкр` is `8` `мкр`. One letter beside digits stays (`12а` is a house, `а2` a road).
fn parts(word: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut before: Option<bool> = None;
    for (at, letter) in word.char_indices() {
        let digit = letter.is_ascii_digit();
        if before.is_some_and(|was| was != digit) {
            cuts.push(at);
        }
        before = Some(digit);
    }
    cuts.push(word.len());
    let runs: Vec<&str> = cuts.windows(2).map(|ends| &word[ends[0]..ends[1]]).collect();
    let long = |run: &&str| run.chars().count() >= 2 && run.chars().all(is_cyrillic);
    if runs.len() == 2 && runs.iter().any(long) { runs } else { vec![word] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: &[&str]) {
        assert_eq!(parts(word), expected);
    }

    #[test]
    fn a_word_glued_to_a_number_is_two() {
        check("8мкр", &["8", "мкр"]);
        check("дом7", &["дом", "7"]);
        check("12а", &["12а"]);
        check("1xbet", &["1xbet"]);
        check("", &[""]);
    }
}
