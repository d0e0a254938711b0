//! From a raw letter to what it says.

use chrono::{DateTime, Utc};
use zholdary_domain::{
    Inbound, Personal,
    inbound::{Attachment, Channel, Content, InboundMessage, Letter, MessageRef},
};

use super::{
    Mailbox,
    automatic::{automatic, is_calendar_answer},
    bounce, files, flowed,
    header::Header,
    html,
    mime::{self, Part},
    quote, sender, thread, words,
};
use crate::{Limits, Parsed, UNKNOWN_TIME, Way, text};

/// The largest letter that [`parse`] reads, in bytes: 40 MiB, a little more than the large mail services let through.
pub const LETTER_BYTES: usize = 40 << 20;

/// The most words of a letter that are parted into said and quoted, in characters.
const WORDS_CHARS: usize = 1 << 20;

/// Fields of which a letter has at least one.
const OF_LETTERS: [&str; 8] =
    ["From", "To", "Subject", "Date", "Message-ID", "Received", "Return-Path", "Delivered-To"];

/// What a raw letter holds: always one element. It never fails: what is no letter is [`Inbound::Kept`].
#[must_use]
pub fn parse(raw: &[u8], mailbox: &Mailbox) -> Parsed {
    parse_within(raw, mailbox, &Limits { body_bytes: LETTER_BYTES, ..Limits::default() })
}

/// As [`parse`], reading no more than `limits` allow; their elements are the parts of the letter.
#[must_use]
pub fn parse_within(raw: &[u8], mailbox: &Mailbox, limits: &Limits) -> Parsed {
    match read(raw, mailbox, limits) {
        Ok(element) => Parsed { elements: vec![element] },
        Err(why) => Parsed::kept(why),
    }
}

fn read(raw: &[u8], mailbox: &Mailbox, limits: &Limits) -> Result<Inbound, &'static str> {
    if raw.len() > limits.body_bytes {
        return Err("larger than the limit");
    }
    let parts = mime::parts(raw, limits)?;
    let header = match parts.first() {
        Some(part) if OF_LETTERS.into_iter().any(|name| part.header.has(name)) => &part.header,
        _ => return Err("no header of a letter"),
    };
    let sent_at = header.raw("Received").and_then(received_at).unwrap_or(UNKNOWN_TIME);
    if let Some(report) = bounce::read(&parts, mailbox, sent_at) {
        return Ok(report);
    }
    let sender = sender::sender(header);
    let address = sender.as_ref().and_then(|sender| sender.keys.first()).map(|key| key.reveal().as_str());
    if address.is_some_and(|address| mailbox.has(address)) {
        return Ok(Inbound::Nothing { what: "own letter" });
    }
    let (whole, is_shown) = words_of(&parts);
    let files = files::attachments(&parts, |place| is_shown(&parts, place));
    let (content, letter) = contents(header, &whole, files, address, mailbox, limits);
    let id = thread::message_id(header).unwrap_or_else(|| format!("blake3:{}", blake3::hash(raw).to_hex()));
    let way = Way::of(Channel::Email);
    Ok(Inbound::Message(Box::new(InboundMessage {
        id: MessageRef { channel: way.channel, account: mailbox.address.clone(), external_id: id.into() },
        surface: way.surface,
        letter: Some(Box::new(letter)),
        sender,
        content,
        reply_to: None,
        join: way.join,
        album: None,
        sent_at,
        new_keys: Vec::new(),
    })))
}

/// What a letter with this `header`, `whole` of words and `files` says, and what it tells besides.
fn contents(
    header: &Header<'_>,
    whole: &str,
    files: Vec<Attachment>,
    author: Option<&str>,
    mailbox: &Mailbox,
    limits: &Limits,
) -> (Content, Letter) {
    let clean = |text: &str| text::clean(text, limits.text_chars);
    let subject = header.raw("Subject").and_then(|raw| clean(&words::text(raw)));
    let subject = subject.filter(|subject| !is_no_subject(subject));
    // Cut after it is parted: an answer may stand below a long quote.
    let whole = text::clean(whole, WORDS_CHARS).unwrap_or_default();
    let mut split = quote::split(&whole);
    let is_forward = split.is_forward || subject.as_deref().is_some_and(thread::is_forward);
    let letter = besides(header, subject.as_deref(), is_forward, author, mailbox);
    let mut content =
        Content { subject: subject.map(Personal::new), attachments: files, ..Content::default() };
    // An answer to us without a word is empty, and what it quotes is ours. Any other letter in which everything looks quoted
    // would be lost: it says what is quoted.
    if !split.said.contains(char::is_alphanumeric) && !answers_us(&letter, mailbox) {
        split = quote::opened(&whole, content.is_idle()).unwrap_or(split);
    }
    content.text = clean(&split.said).map(Personal::new);
    content.quoted = clean(&split.quoted).map(Personal::new);
    (content, letter)
}

/// Whether a subject is what programs write where there is none: «(без темы)».
fn is_no_subject(subject: &str) -> bool {
    let bare = subject.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    matches!(
        bare.as_str(),
        "без темы" | "нет темы" | "no subject" | "тақырыпсыз" | "тақырып жоқ" | "тақырыбы жоқ"
    )
}

/// Whether a letter says that it answers one of ours.
fn answers_us(letter: &Letter, mailbox: &Mailbox) -> bool {
    letter.tag.is_some() || letter.references.iter().any(|id| mailbox.made(id.reveal()))
}

fn besides(
    header: &Header<'_>,
    subject: Option<&str>,
    is_forward: bool,
    author: Option<&str>,
    mailbox: &Mailbox,
) -> Letter {
    let unverified = sender::is_unverified(header, mailbox.authserv_id.as_deref());
    let references = if is_forward { Vec::new() } else { thread::references(header) };
    Letter {
        references: references.into_iter().map(Personal::new).collect(),
        tag: subject.filter(|_| !is_forward && !unverified).and_then(thread::tag),
        automatic: automatic(header, subject, author, mailbox),
        unverified,
    }
}

/// Whether the part at a place is words of the letter, not a file.
type IsShown = fn(&[Part<'_>], usize) -> bool;

/// The words of a letter, and which parts they stand in. Where nothing else says a word, a text with a name that is shown in the
/// letter is its words: some programs name all that they send.
fn words_of(parts: &[Part<'_>]) -> (String, IsShown) {
    let ways: [IsShown; 2] =
        [is_words, |parts, place| is_words(parts, place) || is_inline_text(parts, place)];
    let mut ways = ways.into_iter().map(|is_shown| (said(parts, 0, is_shown), is_shown));
    let says = |(text, _): &(String, IsShown)| text.contains(char::is_alphanumeric);
    ways.find(says).unwrap_or_else(|| (said(parts, 0, is_words), is_words))
}

/// The words of the part at `place` and of those inside of it, those that are shown. Of several forms of the same, the plain one.
fn said(parts: &[Part<'_>], place: usize, is_shown: IsShown) -> String {
    let Some(part) = parts.get(place) else { return String::new() };
    if part.children.is_empty() {
        return match is_shown(parts, place) {
            true if part.is("text/html") => html::text(&part.text(html::charset)),
            true => plain(part),
            false => String::new(),
        };
    }
    let is_plain = |child: &&usize| parts[**child].is("text/plain");
    let (plain, others): (Vec<_>, Vec<_>) = part.children.iter().partition(is_plain);
    let is_alternative = part.is("multipart/alternative");
    let in_order: Vec<_> = if is_alternative {
        plain.into_iter().chain(others).collect()
    } else {
        part.children.iter().collect()
    };
    let told = in_order
        .into_iter()
        .map(|child| said(parts, *child, is_shown))
        .filter(|text| !text.trim().is_empty());
    told.take(if is_alternative { 1 } else { usize::MAX }).collect::<Vec<_>>().join("\n\n")
}

/// The words of a part that is no HTML.
fn plain(part: &Part<'_>) -> String {
    let text = part.text(|_| None);
    let says =
        |name, value| part.content.text(name).is_some_and(|own| own.trim().eq_ignore_ascii_case(value));
    let flows = part.is("text/plain") && says("format", "flowed");
    if flows { flowed::unwrapped(&text, says("delsp", "yes")) } else { text }
}

/// When the server that wrote this `Received` field took the letter. The topmost is ours; `Date` is whatever its sender's
/// clock says.
fn received_at(raw: &[u8]) -> Option<DateTime<Utc>> {
    let text = String::from_utf8_lossy(raw);
    let (_, date) = text.rsplit_once(';')?;
    let date = date.split_whitespace().collect::<Vec<_>>().join(" ");
    DateTime::parse_from_rfc2822(&date).ok().map(|at| at.to_utc())
}

/// Whether the part at `place` is words of the letter, not a file.
fn is_words(parts: &[Part<'_>], place: usize) -> bool {
    let Some(part) = parts.get(place) else { return false };
    // Whatever its form, the only part of a letter is its words, unless no person wrote them.
    let is_only = place == 0 && part.is_kind("text") && !is_calendar_answer(&part.content);
    let in_words = part.is("text/plain") || part.is("text/html") || is_only;
    in_words
        && part.children.is_empty()
        && (place == 0 || part.disposition.value != "attachment" && part.file_name().is_none())
}

/// Whether the part at `place` is a text that has a name and is shown in the letter.
fn is_inline_text(parts: &[Part<'_>], place: usize) -> bool {
    parts.get(place).is_some_and(|part| {
        (part.is("text/plain") || part.is("text/html")) && part.disposition.value == "inline"
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
