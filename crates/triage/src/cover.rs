//! Whose a manhole cover is, by the letters on it.

use zholdary_city::{City, PartyRef};

use crate::letters::Letters;
use crate::stems::Stems;
use crate::text::{Folded, Gap, Token};
use crate::words;

/// A mark on a cover that the text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The mark, as `rules.toml [[cover_mark]]` writes it.
    pub mark: String,
    /// Whose it is.
    pub party: PartyRef,
}

/// Most tokens from a mark word to the mark.
const REACH: usize = 3;
/// A mark of this many letters and more is a word of its own and needs no mark word beside it.
const LONG: usize = 4;
/// Letters that are Russian prepositions as well: alone before another word they are no mark.
const PREPOSITIONS: &[&str] = &["в", "к"];

/// The marks of a city, ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Covers {
    words: Stems,
    mark_words: Stems,
    marks: Vec<(Vec<String>, Cover)>,
}

impl Covers {
    pub(crate) fn new(city: &City, letters: &Letters) -> Self {
        let stems = |list: &[String]| Stems::new(list.iter().map(String::as_str), letters);
        let marks = city.cover_marks.iter().flat_map(|group| {
            group.marks.iter().map(|mark| {
                let cover = Cover { mark: mark.clone(), party: group.party.clone() };
                (Folded::words_of(mark, letters), cover)
            })
        });
        Self {
            words: stems(&city.cover_words.stems),
            mark_words: stems(&city.cover_words.mark_words),
            marks: marks.filter(|(words, _)| !words.is_empty()).collect(),
        }
    }

    /// The mark a text names: the longest one, then the nearest to a mark word.
    pub(crate) fn find(&self, text: &Folded) -> Option<Cover> {
        let tokens: Vec<&Token> = text.tokens.iter().collect();
        if self.words.found(&tokens, text.latin).is_empty() {
            return None;
        }
        let mut mark_words = Vec::new();
        for at in 0..tokens.len() {
            self.mark_words.at(&tokens, at, text.latin, |_, _| mark_words.push(at));
        }
        let mut best: Option<((usize, usize), &Cover)> = None;
        for (words, cover) in &self.marks {
            let letters: usize = words.iter().map(|word| word.chars().count()).sum();
            for at in 0..tokens.len() {
                if !stands(&tokens, at, words, letters >= LONG) {
                    continue;
                }
                let near = nearest(&mark_words, at).unwrap_or(usize::MAX);
                let counts = letters >= LONG || near <= REACH && !preposition(&tokens, at, words, near);
                let key = (letters, usize::MAX - near);
                if counts && best.as_ref().is_none_or(|(so_far, _)| key > *so_far) {
                    best = Some((key, cover));
                }
            }
        }
        best.map(|(_, cover)| cover.clone())
    }
}

/// Whether a mark stands at a token: whole words, the last one of a long mark by prefix.
fn stands(tokens: &[&Token], at: usize, words: &[String], long: bool) -> bool {
    words.iter().enumerate().all(|(step, word)| {
        tokens.get(at + step).is_some_and(|token| {
            if long && word.chars().count() >= LONG {
                token.forms().any(|form| form.starts_with(word.as_str()))
            } else {
                token.forms().any(|form| form == word)
            }
        })
    })
}

fn nearest(sorted: &[usize], at: usize) -> Option<usize> {
    let next = sorted.partition_point(|one| *one < at);
    [next.checked_sub(1), Some(next)]
        .into_iter()
        .flatten()
        .filter_map(|i| sorted.get(i))
        .map(|one| one.abs_diff(at))
        .min()
}

fn preposition(tokens: &[&Token], at: usize, words: &[String], near: usize) -> bool {
    let [word] = words else { return false };
    let followed = tokens.get(at + 1).is_some_and(|next| next.gap == Gap::Space && !next.is(words::QUOTES));
    PREPOSITIONS.contains(&word.as_str()) && followed && near != 1
}
