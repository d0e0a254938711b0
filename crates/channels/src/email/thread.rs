//! Where a letter belongs: `Message-ID`s, the number in the subject, forwards (channel rule R15).

use std::collections::BTreeSet;

use zholdary_domain::Number;

use super::header::Header;
use crate::Limits;

/// The most letters before it that a letter names: the nearest, and those that the talk began with, one of which is ours when
/// others wrote to each other since.
const NEAREST: usize = 40;
const EARLIEST: usize = 10;

/// The letter's own `Message-ID` with its angle brackets.
pub(super) fn message_id(header: &Header<'_>) -> Option<String> {
    ids(header.raw("Message-ID")?).into_iter().next()
}

/// The letters before it, the nearest first: `In-Reply-To`, then `References` from the right.
pub(super) fn references(header: &Header<'_>) -> Vec<String> {
    let of = |name| header.all(name).flat_map(ids).collect::<Vec<_>>();
    let mut found = of("In-Reply-To");
    found.extend(of("References").into_iter().rev());
    let mut known = BTreeSet::new();
    found.retain(|id| known.insert(id.clone()));
    if found.len() > NEAREST + EARLIEST {
        found.drain(NEAREST..found.len() - EARLIEST);
    }
    found
}

/// The ids in a raw value. One without its brackets gets them.
pub(super) fn ids(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let bracketed: Vec<String> = text
        .split('<')
        .skip(1)
        .filter_map(|from| from.split_once('>'))
        // White space inside is where the line was broken.
        .map(|(id, _)| id.split_whitespace().collect::<String>())
        .collect();
    let bare = || text.split_whitespace().filter(|word| word.contains('@')).map(str::to_owned).collect();
    let found = if text.contains('<') { bracketed } else { bare() };
    let good = |id: &String| {
        (1..=Limits::ID_BYTES - 2).contains(&id.len())
            && !id.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
    };
    found.into_iter().filter(good).map(|id| format!("<{id}>")).collect()
}

/// The first number of an appeal in a subject, in brackets or bare: letters, a year and a serial, as cities print them.
pub(super) fn tag(subject: &str) -> Option<Number> {
    let of_number = |c: char| c.is_alphanumeric() || matches!(c, '-' | '–' | '—' | '‑' | '−');
    subject.split(|c| !of_number(c)).filter_map(|word| word.parse().ok()).find(is_printed)
}

fn is_printed(number: &Number) -> bool {
    let mut pieces = number.as_str().split('-');
    let digits = |piece: Option<&str>, count: std::ops::RangeInclusive<usize>| {
        piece.is_some_and(|p| count.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    pieces.next().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_uppercase()))
        && digits(pieces.next(), 4..=4)
        && digits(pieces.next(), 1..=9)
        && pieces.next().is_none()
}

/// Whether a subject says that the letter is passed on: `Fwd:`, `WG:`, «Пересл:», in the words of many programs.
pub(super) fn is_forward(subject: &str) -> bool {
    let Some((prefix, _)) = subject.split_once(':') else { return false };
    matches!(
        prefix.trim_start_matches('[').trim().to_lowercase().as_str(),
        "fw" | "fwd"
            | "wg"
            | "tr"
            | "пер"
            | "пересл"
            | "переслать"
            | "пересылка"
            | "переслано"
            | "перенаправлено"
            | "қж"
            | "қайта жіберілді"
            | "қайта жіберу"
    )
}
