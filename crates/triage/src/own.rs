//! What of a text its writer said now: no marks of HTML, no letter that is quoted under the answer to it.

use std::borrow::Cow;

/// Elements whose content nobody reads as the writer's words.
const DROPPED: [&str; 4] = ["style", "script", "head", "blockquote"];
/// Elements that only dress a word: what stands on both sides of their marks is one word.
const INLINE: [&str; 9] = ["a", "b", "i", "u", "em", "strong", "span", "font", "small"];
/// Elements by which a text is known to be HTML.
const KNOWN: [&str; 12] =
    ["<html", "<body", "<div", "<p>", "<p ", "<br", "<span", "<table", "<b>", "<font", "<style", "<head"];
/// Ends of lines under which the letter stands that is answered: «пн, 23 нояб. 2026 г. в 10:12, Дороги <…> пишет:».
const QUOTE_FOLLOWS: [&str; 6] = ["пишет:", "писал:", "писал(а):", "написал(а):", "wrote:", "деп жазды:"];
/// Longest mark and entity, in bytes. What is longer is text.
const LONGEST_MARK: usize = 2_000;
const LONGEST_ENTITY: usize = 10;

/// The writer's own words; all of it when nothing else is there.
pub(crate) fn words(text: &str) -> Cow<'_, str> {
    let plain = if is_html(text) {
        // What is never closed would take all that follows with it.
        let read = without_marks(text, &DROPPED).or_else(|| without_marks(text, &[]));
        read.filter(|read| !read.trim().is_empty()).map_or(Cow::Borrowed(text), Cow::Owned)
    } else {
        Cow::Borrowed(text)
    };
    match without_quotes(&plain) {
        Some(own) if own.trim().is_empty() => plain,
        Some(own) => Cow::Owned(own),
        None => plain,
    }
}

fn is_html(text: &str) -> bool {
    text.contains('<') && {
        let small = text.to_ascii_lowercase();
        KNOWN.iter().any(|mark| small.contains(mark))
    }
}

/// The text of an HTML page: marks gone, entities read, nothing of the elements to be dropped; nothing when one of these is not closed.
fn without_marks(html: &str, drop: &[&'static str]) -> Option<String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    // The element whose content is dropped until it is closed, and how many of it are open.
    let mut dropped: Option<&str> = None;
    let mut depth = 0_usize;
    while let Some(open) = rest.find('<') {
        if depth == 0 {
            entities(&rest[..open], &mut text);
        }
        let after = &rest[open + 1..];
        let near = &after.as_bytes()[..after.len().min(LONGEST_MARK)];
        let Some(close) = near.iter().position(|byte| *byte == b'>') else {
            // «<» stands for itself.
            if depth == 0 {
                text.push('<');
            }
            rest = after;
            continue;
        };
        let mark = after[..close].to_ascii_lowercase();
        let (closes, name) = match mark.strip_prefix('/') {
            Some(mark) => (true, name_of(mark)),
            None => (false, name_of(&mark)),
        };
        if name.is_empty() && !mark.starts_with('!') {
            // «< 5 см» is no mark.
            if depth == 0 {
                text.push('<');
            }
            rest = after;
            continue;
        }
        match dropped {
            Some(element) if name == element => depth = if closes { depth - 1 } else { depth + 1 },
            None if !closes => {
                dropped = drop.iter().copied().find(|element| *element == name);
                depth = usize::from(dropped.is_some());
            }
            _ => {}
        }
        if depth == 0 {
            dropped = None;
        }
        if !INLINE.contains(&name) {
            text.push('\n');
        }
        rest = &after[close + 1..];
    }
    if depth > 0 {
        return None;
    }
    entities(rest, &mut text);
    Some(text)
}

fn name_of(mark: &str) -> &str {
    let end = mark.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(mark.len());
    if mark.starts_with(|letter: char| letter.is_ascii_alphabetic()) { &mark[..end] } else { "" }
}

/// Adds a text with its entities read.
fn entities(from: &str, text: &mut String) {
    let mut rest = from;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let entity = &rest[at + 1..];
        let near = &entity.as_bytes()[..entity.len().min(LONGEST_ENTITY)];
        let end = near.iter().position(|byte| *byte == b';');
        let read = end.and_then(|end| Some((letter(&entity[..end])?, end)));
        match read {
            Some((letter, end)) => {
                text.push(letter);
                rest = &entity[end + 1..];
            }
            None => {
                text.push('&');
                rest = entity;
            }
        }
    }
    text.push_str(rest);
}

fn letter(entity: &str) -> Option<char> {
    match entity {
        "nbsp" => Some(' '),
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" | "laquo" | "raquo" => Some('"'),
        "apos" => Some('\''),
        "ndash" | "mdash" => Some('—'),
        "hellip" => Some('…'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// The lines that are no quotation; nothing when there is none. Quoted is only what stands behind `>` right under the line that says who
/// wrote it: behind a `>` anywhere else, and in a letter that is handed on, somebody may tell of a danger.
fn without_quotes(text: &str) -> Option<String> {
    let mut own: Vec<&str> = Vec::new();
    let (mut quoted, mut any) = (false, false);
    for line in text.lines() {
        let line_is = line.trim();
        let quotes = line_is.starts_with('>') || (quoted && line_is.is_empty());
        if quoted && quotes {
            any = true;
            continue;
        }
        let small = line_is.to_lowercase();
        quoted = small.contains(['@', '<']) && QUOTE_FOLLOWS.iter().any(|mark| small.ends_with(mark));
        own.push(line);
    }
    any.then(|| own.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let own = words(text);
        assert_eq!(own.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{text}");
    }

    #[test]
    fn marks_and_entities_are_read() {
        check(
            "<p>Яма на <b>Аб</b>ая</p><p>глубиной &lt;&nbsp;20&nbsp;см</p>",
            "Яма на Абая глубиной < 20 см",
        );
        check(
            "<html><head><title>x</title></head><style>p{}</style><body>Яма<br>во&#1076;воре",
            "Яма водворе",
        );
        check("<div>Спасибо<blockquote>Яма на Абая</blockquote>всё хорошо</div>", "Спасибо всё хорошо");
        check("Яма < 20 см и > 5 см", "Яма < 20 см и > 5 см");
        check("Ям <3 города & яма", "Ям <3 города & яма");
        check("<div>ям < 5", "ям < 5");
        check("<div>ям<blockquote>и ям", "ям и ям");
        check("<br>яма <", "яма <");
        check("<style>яма</style>", "<style>яма</style>");
    }

    #[test]
    fn a_quoted_letter_is_not_said_again() {
        let said = "пн, 23 нояб. 2026 г. в 10:12, Дороги <a@b.kz> пишет:";
        check(&format!("Ещё темно\n\n{said}\n> Яма на Абая\n> ждём"), &format!("Ещё темно {said}"));
        check(
            &format!("Ещё темно\n{said}\n\n> Яма\nпровал на Абая"),
            &format!("Ещё темно {said} провал на Абая"),
        );
        check("<div>Да<blockquote>и<blockquote>ям</blockquote>ы</blockquote>нет</div>", "Да нет");
    }

    #[test]
    fn what_may_be_the_writers_own_stays() {
        for text in [
            "Сосед пишет:\nяма на Абая",
            "> Яма на Абая",
            "Проблемы:\n> открытый люк\n> не горит фонарь",
            "Прошу принять меры\n-------- Пересылаемое сообщение --------\nОт: Иван\nОткрытый люк",
            "Добрый день\n@sosed пишет:\nоткрытый люк на Абая 50",
        ] {
            check(text, &text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn no_text_takes_long() {
        let many = |what: &str| format!("<br>{}", what.repeat(300_000));
        for text in [many("<"), many("&"), many("&amp"), many("<a"), many("<blockquote>")] {
            assert!(words(&text).len() >= 300_000);
        }
    }
}
