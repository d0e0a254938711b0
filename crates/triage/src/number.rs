//! An earlier number that a text names.

use zholdary_city::City;

use crate::text::{Gap, Token};
use crate::words;

/// Digits of a number from an earlier system.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=8;

/// The number of an earlier appeal, as written there: in the city's own form («Z-2026-000401») wherever it stands, a
/// bare number only beside a word for «appeal» or «number».
pub(crate) fn find(text: &str, tokens: &[Token], city: &City) -> Option<String> {
    own_form(text, city).or_else(|| beside_word(tokens, city))
}

fn own_form(text: &str, city: &City) -> Option<String> {
    text.split(|letter: char| letter.is_whitespace() || ",;!?()[]«»\"№#".contains(letter))
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()))
        .filter(|word| (4..=32).contains(&word.len()))
        .find_map(|word| {
            let number: zholdary_domain::Number = word.parse().ok()?;
            city.meta.number_format.parts(&number).map(|_| number.to_string())
        })
}

fn beside_word(tokens: &[Token], city: &City) -> Option<String> {
    let phones: Vec<&str> = city
        .danger
        .tell_applicant
        .iter()
        .map(String::as_str)
        .chain(city.parties.iter().filter_map(|party| party.phone.as_deref()))
        .collect();
    let fits = |at: usize| {
        tokens.get(at).filter(|token| {
            token.is_number() && DIGITS.contains(&token.raw.len()) && !phones.contains(&token.raw.as_str())
        })
    };
    let names = |token: &Token| token.starts(words::APPEAL_STEMS) || token.starts(words::NUMBER_STEMS);
    for (at, token) in tokens.iter().enumerate() {
        if names(token) {
            let mut next = at + 1;
            while next <= at + 3
                && tokens
                    .get(next)
                    .is_some_and(|one| one.gap != Gap::Stop && (one.is(words::NUMBER_LINKS) || names(one)))
            {
                next += 1;
            }
            if let Some(number) = fits(next).filter(|_| !has_unit(tokens, next)) {
                return Some(number.raw.clone());
            }
        }
        if token.starts(words::APPEAL_STEMS) && at > 0 {
            // «2214 нөмірлі өтініш», «№ 2214 өтініш».
            let mut before = at - 1;
            if before > 0 && tokens[before].starts(words::NUMBER_STEMS) {
                before -= 1;
            }
            let sign = before > 0 && tokens[before - 1].raw == "№";
            if let Some(number) = fits(before).filter(|_| before + 1 < at || sign) {
                return Some(number.raw.clone());
            }
        }
    }
    None
}

fn has_unit(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1).is_some_and(|next| {
        !matches!(next.gap, Gap::Stop | Gap::Comma)
            && (next.is(words::UNIT_WORDS) || next.starts(&["тенге", "тг", "раз", "метр", "год", "жыл"]))
    })
}
