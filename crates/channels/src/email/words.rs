//! Encoded words in headers (RFC 2047), and bare bytes beside them.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{charset, transfer};

/// The longest encoded word that is taken for one, in bytes. RFC 2047 allows 75; programs write longer ones.
const WORD_BYTES: usize = 1 << 10;

/// What a header says to people.
pub(super) fn text(raw: &[u8]) -> String {
    rewrite(raw, str::to_owned)
}

/// A header with every encoded word in UTF-8, so that whoever takes it apart finds no commas and brackets of names in it.
pub(super) fn in_utf_8(raw: &[u8]) -> String {
    rewrite(raw, |text| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(text)))
}

/// `raw` on one line with every run of encoded words as `write` gives its text.
fn rewrite(raw: &[u8], write: impl Fn(&str) -> String) -> String {
    let line: Vec<u8> = raw.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let line = charset::decode(&line, None);
    let mut written = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        written.push_str(before);
        match run(from) {
            Some((text, after)) => {
                written.push_str(&write(&text));
                rest = after;
            }
            None => {
                written.push_str("=?");
                rest = &from[2..];
            }
        }
    }
    written.push_str(rest);
    written
}

/// The text of the encoded words at the start, up to the first thing that is none.
///
/// Words of one charset are joined before they are decoded: many programs cut them inside a letter.
fn run(from: &str) -> Option<(String, &str)> {
    let (first, mut rest) = word(from)?;
    let mut text = String::new();
    let mut open = first;
    // White space between two words is none of theirs.
    while let Some((next, after)) = word(rest.trim_start()) {
        rest = after;
        if next.charset.eq_ignore_ascii_case(open.charset) {
            open.bytes.extend(next.bytes);
        } else {
            text += &charset::decode(&open.bytes, Some(open.charset));
            open = next;
        }
    }
    text += &charset::decode(&open.bytes, Some(open.charset));
    Some((text, rest))
}

struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

/// The encoded word at the start, and what follows it.
fn word(from: &str) -> Option<(Word<'_>, &str)> {
    let near = &from[..from.floor_char_boundary(WORD_BYTES)];
    let (charset, rest) = near.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (encoded, rest) = rest.split_once("?=")?;
    let after = &from[near.len() - rest.len()..];
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    // A language may follow the charset (RFC 2231, section 5).
    let charset = charset.split('*').next().filter(|charset| is_token(charset))?;
    let bytes = match encoding {
        "B" | "b" => transfer::base64(encoded.as_bytes()),
        "Q" | "q" => {
            let mut bytes = Vec::with_capacity(encoded.len());
            transfer::hex_after(encoded.replace('_', " ").as_bytes(), b'=', &mut bytes);
            bytes
        }
        _ => return None,
    };
    Some((Word { charset, bytes }, after))
}
