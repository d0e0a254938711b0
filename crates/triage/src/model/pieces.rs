//! What a text is made of, for weights: beginnings of words, pairs of them, letters inside words, length.

use zholdary_city::PieceSort;

use crate::text::Token;

/// Letters of a word by which it is known; endings of Russian and Kazakh stand behind them.
const STEM: usize = 6;
/// Lengths of the parts of words, and letters of a word that are looked at.
const PARTS: std::ops::RangeInclusive<usize> = 3..=5;
const LONGEST: usize = 24;
/// Stands for every number: which one it is says where, not what.
const NUMBER: &str = "0";
/// Words below which a text is of each length; the last is above all.
const LENGTHS: [(usize, &str); 6] =
    [(6, "6"), (15, "15"), (30, "30"), (60, "60"), (120, "120"), (usize::MAX, "more")];

/// Calls `see` with every piece of a text, one that stands several times as often.
pub(crate) fn visit(tokens: &[&Token], latin: bool, mut see: impl FnMut(PieceSort, &str)) {
    let mut pair = String::new();
    let mut before: Option<&str> = None;
    let mut marked = String::new();
    let mut ends: Vec<usize> = Vec::new();
    for token in tokens {
        let word = form(token, latin);
        let stem = beginning(word);
        see(PieceSort::Word, stem);
        if let Some(before) = before {
            pair.clear();
            pair.push_str(before);
            pair.push(' ');
            pair.push_str(stem);
            see(PieceSort::Pair, &pair);
        }
        before = Some(stem);
        if word == NUMBER {
            continue;
        }
        marked.clear();
        marked.push('^');
        marked.extend(word.chars().take(LONGEST));
        marked.push('$');
        ends.clear();
        ends.extend(marked.char_indices().map(|(at, _)| at));
        ends.push(marked.len());
        for from in 0..ends.len() - 1 {
            for length in PARTS {
                let Some(end) = ends.get(from + length) else { break };
                see(PieceSort::Part, &marked[ends[from]..*end]);
            }
        }
    }
    let (_, length) =
        LENGTHS.iter().find(|(below, _)| tokens.len() < *below).unwrap_or(&LENGTHS[LENGTHS.len() - 1]);
    see(PieceSort::Length, length);
}

fn beginning(word: &str) -> &str {
    word.char_indices().nth(STEM).map_or(word, |(end, _)| &word[..end])
}

/// A word as it is compared: folded, in a text of Latin letters as it reads in Cyrillic ones.
fn form(token: &Token, latin: bool) -> &str {
    if token.folded.starts_with(|first: char| first.is_ascii_digit()) {
        return NUMBER;
    }
    match token.readings.first() {
        Some(reading) if latin => reading,
        _ => &token.folded,
    }
}
