//! What a text denies: «не открыт», «опасности нет», «ашық емес». Russian and Kazakh grammar.

use crate::text::{Gap, Token};

/// Denies what follows it.
const NOT: &[&str] = &["не", "ни"];
/// Denies a thing that follows it.
const NONE_OF: &[&str] = &["нет", "никакой", "никакая", "никакого", "без"];
/// Denies what stands before it, folded.
const AFTER: &[&str] = &["емес", "жок"];
/// Denies a thing that stands before it.
const IS_NOT_THERE: &[&str] = &["нет", "нету"];

/// What is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A state: «не открыт».
    State,
    /// A thing or a state: «опасности нет» too.
    Any,
}

/// Whether the `length` tokens from `at` on are denied, in their own clause.
pub(crate) fn is_denied(tokens: &[&Token], at: usize, length: usize, what: What) -> bool {
    let is_one_of = |token: Option<&&Token>, lists: &[&[&str]]| {
        token.is_some_and(|token| lists.iter().any(|list| token.is(list)))
    };
    let (before, after): (&[&[&str]], &[&[&str]]) = match what {
        What::State => (&[NOT], &[AFTER]),
        What::Any => (&[NOT, NONE_OF], &[AFTER, IS_NOT_THERE]),
    };
    let goes_on = |token: Option<&&Token>| token.is_some_and(|token| token.gap < Gap::Comma);
    let previous = at.checked_sub(1).and_then(|before| tokens.get(before));
    (goes_on(tokens.get(at)) && is_one_of(previous, before))
        || (goes_on(tokens.get(at + length)) && is_one_of(tokens.get(at + length), after))
}
