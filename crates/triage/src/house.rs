//! The number of a house beside a street or microdistrict.

use crate::names::Mention;
use crate::place::end_with_kinds;
use crate::text::{Gap, Token};
use crate::words;

/// The house a text names, as written in lower case. `problem(at)` says whether a problem is named at a token: «на … 2
/// ямы» counts pits, not houses.
pub(crate) fn find(
    tokens: &[Token],
    mentions: &[&Mention],
    problem: &dyn Fn(usize) -> bool,
) -> Option<String> {
    if mentions.is_empty() {
        return None;
    }
    let mut named = vec![false; tokens.len()];
    for mention in mentions {
        named[mention.start..mention.end].fill(true);
    }
    let inside = |at: usize| named.get(at).copied().unwrap_or(false);
    for at in 0..tokens.len() {
        if inside(at) {
            continue;
        }
        if tokens[at].is(words::HOUSE_WORDS) || tokens[at].is(words::KK_HOUSE_WORDS) {
            let number =
                if tokens.get(at + 1).is_some_and(|next| next.raw == "№") { at + 2 } else { at + 1 };
            if !inside(number) && number_at(tokens, number).is_some() && tokens[number].gap != Gap::Comma {
                return whole(tokens, number);
            }
        }
        if tokens[at].is(words::KK_HOUSE_WORDS) && at > 0 && number_at(tokens, at - 1).is_some() {
            let fraction = at > 1 && tokens[at - 1].gap == Gap::Slash && number_at(tokens, at - 2).is_some();
            let first = if fraction { at - 2 } else { at - 1 };
            if !inside(first) {
                return whole(tokens, first);
            }
        }
        // «д12»: one letter and the number in one word.
        if let Some(rest) = tokens[at].raw.strip_prefix('д')
            && is_house(rest)
        {
            return Some(rest.to_owned());
        }
    }
    mentions.iter().find_map(|mention| {
        let mut at = end_with_kinds(tokens, mention.end);
        if tokens.get(at).is_some_and(|token| token.raw == "№") {
            at += 1;
        }
        number_at(tokens, at)?;
        if inside(at) || !matches!(tokens[at].gap, Gap::Space | Gap::Comma | Gap::Hyphen | Gap::Glued) {
            return None;
        }
        let next = tokens.get(at + 1);
        let counted = next.is_some_and(|next| {
            !matches!(next.gap, Gap::Comma | Gap::Stop)
                && (next.starts(words::UNIT_STEMS) || next.is(words::UNIT_WORDS))
                || next.gap == Gap::Hyphen
                    && next.raw.chars().all(char::is_alphabetic)
                    && next.raw.chars().count() > 1
        });
        let pits = tokens[at].raw.len() == 1 && problem(at + 1);
        if counted || pits { None } else { whole(tokens, at) }
    })
}

/// The number of a house at a token.
fn number_at(tokens: &[Token], at: usize) -> Option<&str> {
    tokens.get(at).map(|token| token.raw.as_str()).filter(|raw| is_house(raw))
}

/// Up to four digits, perhaps with one letter: `45`, `12а`.
fn is_house(raw: &str) -> bool {
    let digits = raw.chars().take_while(char::is_ascii_digit).count();
    let letters = raw.chars().skip(digits).collect::<Vec<_>>();
    (1..=4).contains(&digits)
        && !raw.starts_with('0')
        && letters.len() <= 1
        && letters.iter().all(|c| c.is_alphabetic())
}

/// The number with its fraction or letter: `45/2`, `12-а`.
fn whole(tokens: &[Token], at: usize) -> Option<String> {
    let mut house = number_at(tokens, at)?.to_owned();
    if let Some(next) = tokens.get(at + 1) {
        let letter = next.raw.chars().count() == 1 && next.raw.chars().all(char::is_alphabetic);
        if next.gap == Gap::Slash && (is_house(&next.raw) || letter) {
            house = format!("{house}/{}", next.raw);
        } else if next.gap == Gap::Hyphen && letter {
            house = format!("{house}{}", next.raw);
        }
    }
    Some(house)
}
