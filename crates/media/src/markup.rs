//! Pages and SVG, also where marks, spaces, comments or a prolog stand before the first tag.

use std::borrow::Cow;

use crate::Refused;

/// As far as is looked. Whoever puts more than this before the first tag has something to hide, and no browser looks as far.
const HEAD_BYTES: usize = 64 * 1024;

/// What markup the bytes begin with, when they do.
pub(crate) fn look(bytes: &[u8]) -> Option<Refused> {
    let text = narrow(&bytes[..bytes.len().min(HEAD_BYTES)]);
    let mut rest: &[u8] = &text;
    loop {
        rest = trim(rest);
        if rest.starts_with(b"<!--") {
            let Some(next) = after(rest, b"-->") else { return Some(Refused::Html) };
            rest = next;
        } else if begins(rest, b"<?php") || rest.starts_with(b"<?=") {
            return Some(Refused::Script);
        } else if rest.starts_with(b"<?") {
            let Some(next) = after(rest, b"?>") else { return Some(Refused::Html) };
            rest = next;
        } else {
            return tag(rest);
        }
    }
}

/// The first tag, or the declaration that names it.
fn tag(text: &[u8]) -> Option<Refused> {
    let name = if begins(text, b"<!doctype") { trim(&text[9..]) } else { text.strip_prefix(b"<")? };
    let name = &name[..name.iter().position(|byte| !is_name(*byte)).unwrap_or(name.len())];
    // A prefix of a namespace is the author's own choice.
    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    if local.eq_ignore_ascii_case(b"svg") {
        return Some(Refused::Svg);
    }
    let opens = name.first().is_some_and(u8::is_ascii_alphabetic) || begins(text, b"<!doctype");
    opens.then_some(Refused::Html)
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.')
}

/// Text of two bytes a character as text of one. What is lost is no letter of a tag.
fn narrow(text: &[u8]) -> Cow<'_, [u8]> {
    let wide = matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..]);
    if wide {
        text.iter().copied().filter(|byte| !matches!(byte, 0 | 0xfe | 0xff)).collect()
    } else {
        text.into()
    }
}

/// Without the spaces and marks of byte order that stand before it.
fn trim(mut text: &[u8]) -> &[u8] {
    loop {
        let trimmed = text.trim_ascii_start();
        let next = trimmed.strip_prefix(b"\xef\xbb\xbf").unwrap_or(trimmed);
        if next.len() == text.len() {
            return text;
        }
        text = next;
    }
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// What comes after the first `end`.
fn after<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(end.len()).position(|part| part == end)?;
    Some(&text[at + end.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn markup_is_known_whatever_stands_before_it() {
        let check = |text: &[u8], expected| {
            assert_eq!(look(text), expected, "{:?}", String::from_utf8_lossy(text));
        };
        for (text, expected) in [
            ("<html>", Some(Refused::Html)),
            ("<HTML", Some(Refused::Html)),
            ("\u{feff}<html>", Some(Refused::Html)),
            (" \t\r\n<script>", Some(Refused::Html)),
            ("\u{feff} \u{feff}\n<a href=x>", Some(Refused::Html)),
            ("<!-- a --><!-- b -->\n<body>", Some(Refused::Html)),
            ("<!-- never ends <b>", Some(Refused::Html)),
            ("<!DOCTYPE html><p>", Some(Refused::Html)),
            ("<?xml version=\"1.0\"?>\n<!-- a -->\n<html>", Some(Refused::Html)),
            ("<?xml version=\"1.0\"?><rss/>", Some(Refused::Html)),
            ("<?xml never ends", Some(Refused::Html)),
            ("<svg/>", Some(Refused::Svg)),
            ("<SVG onload=x>", Some(Refused::Svg)),
            ("<s:svg xmlns:s=\"http://www.w3.org/2000/svg\">", Some(Refused::Svg)),
            ("\u{feff}<?xml version=\"1.0\"?><!-- a -->\n<!DOCTYPE svg PUBLIC><svg>", Some(Refused::Svg)),
            ("<?php echo 1;", Some(Refused::Script)),
            ("<!-- a --><?= 1 ?>", Some(Refused::Script)),
            ("a < b", None),
            ("< 3", None),
            ("<!", None),
            ("<", None),
            ("", None),
            ("<?a?>", None),
        ] {
            check(text.as_bytes(), expected);
            check(&wide(text, u16::to_le_bytes), expected.filter(|_| !text.starts_with(' ')));
            check(&wide(&format!("\u{feff}{text}"), u16::to_be_bytes), expected);
        }
        check(format!("<!--{}--><svg>", " ".repeat(HEAD_BYTES)).as_bytes(), Some(Refused::Html));
    }
}
