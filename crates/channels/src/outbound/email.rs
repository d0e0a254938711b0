//! E-mail: a message that we mean to send as a letter (RFC 5322), in the form that every mail server takes: ASCII alone, lines of
//! at most 78 characters but for ids.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use zholdary_domain::{
    IdKey, MessageId, Personal,
    inbound::Channel,
    outgoing::{Outgoing, Trouble},
};

use super::Verdict;

/// The longest address (RFC 5321, 4.5.3.1.3), in bytes.
const ADDRESS_BYTES: usize = 254;
/// The longest subject, in characters.
const SUBJECT_CHARS: usize = 250;
/// The longest id of a letter that is named again, in bytes: with its field it stays in one line (RFC 5322, 2.1.1).
const ID_BYTES: usize = 900;
/// What an encoded word holds at most, in bytes: with its marks and its field its line has at most 76 characters (RFC 2047, 2).
const WORD_BYTES: usize = 39;
/// What nobody guesses in an id of ours, in hexadecimal digits.
const GUARD_DIGITS: usize = 16;
/// The longest line of encoded text (RFC 2045, 6.8), in characters.
const LINE_CHARS: usize = 76;

/// What the report of the post says by a status: as a number, 5.1.1 is 5 001 001 (RFC 3463). Else it says no more than that the letter
/// does not arrive.
pub(super) const fn verdict(code: i64) -> Option<Verdict> {
    match (code / 1_000_000, code / 1000 % 1000, code % 1000) {
        // About the address of who wrote, which is ours.
        (4 | 5, 1, 7 | 8) => None,
        (4 | 5, 1, _) => Some(Verdict::never(Trouble::NoSuchAddress)),
        _ => None,
    }
}

/// What all letters of ours share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// The address that they come from, and answers go to.
    pub address: String,
    /// The name beside it.
    pub name: Option<String>,
    /// Where the post reports what it could not bring of what no person wrote; none: nowhere (`<>`, RFC 3834, 3.3).
    pub bounce: Option<String>,
}

/// A letter, ready for the post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its `Message-ID` with the angle brackets, as an answer names it.
    pub id: String,
    /// Whom the post tells of trouble; none: nobody (`<>`).
    pub sender: Option<String>,
    /// Whom it is for.
    pub to: Personal<String>,
    /// The letter itself: lines end with CRLF.
    pub raw: Personal<Vec<u8>>,
}

/// The letter of message `id`, written at `at`. Tried again it has the same `Message-ID`, which nobody can guess without `key`.
///
/// None where no letter of ours can go: to what is no address, or one with other letters than those of ASCII.
#[must_use]
pub fn letter(
    head: &Letterhead,
    key: &IdKey,
    id: MessageId,
    out: &Outgoing,
    at: DateTime<Utc>,
) -> Option<Letter> {
    let to = out.to.reveal();
    if out.channel != Channel::Email || !is_address(to) || !is_address(&head.address) {
        return None;
    }
    let own = message_id(head, key, id)?;
    let subject = subject(out.subject.as_ref().map(|words| words.reveal().as_str()), None, None);
    let mut fields = vec![
        format!("Message-ID: {own}"),
        format!("Date: {}", at.to_rfc2822()),
        format!("From: {}", from(head)),
        format!("To: <{to}>"),
    ];
    if !subject.is_empty() {
        fields.push(format!("Subject: {}", unstructured(&subject)));
    }
    if let Some(answered) = out.answers.as_ref().map(|id| id.reveal()).filter(|id| is_id(id)) {
        fields.extend(["In-Reply-To:", "References:"].map(|name| folded(name, answered)));
    }
    fields.push(format!("Content-Language: {}", token(&out.lang)));
    if !out.by_person {
        // Programs that answer letters leave these alone (RFC 3834, 5; the second is Exchange's word for it).
        fields.extend([
            // A task answers nobody's letter.
            format!("Auto-Submitted: auto-{}", if out.task.is_some() { "generated" } else { "replied" }),
            "X-Auto-Response-Suppress: All".to_owned(),
            "Precedence: bulk".to_owned(),
            format!("X-Loop: {}", head.address),
        ]);
    }
    fields.extend([
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: base64".to_owned(),
    ]);
    let raw = format!("{}\r\n\r\n{}", fields.join("\r\n"), body(out.text.reveal()));
    // Of a task that did not arrive we want to hear, as of what a person wrote: somebody calls that party.
    let wants_reports = out.by_person || out.task.is_some();
    let sender = head.bounce.clone().or_else(|| wants_reports.then(|| head.address.clone()));
    let sender = if out.by_person { Some(head.address.clone()) } else { sender };
    Some(Letter { id: own, sender, to: to.clone().into(), raw: raw.into_bytes().into() })
}

/// The `Message-ID` of the letter that message `id` goes as. None while we have no address.
#[must_use]
pub fn message_id(head: &Letterhead, key: &IdKey, id: MessageId) -> Option<String> {
    let (_, domain) = head.address.rsplit_once('@')?;
    // A stranger who could guess it would have his letter joined to an appeal of somebody else.
    let guard = key.message(Channel::Email.code(), "Message-ID", &id.to_string()).to_string();
    Some(format!("<out-{id}.{}@{}>", guard.get(..GUARD_DIGITS)?, domain.to_ascii_lowercase()))
}

/// A subject: `words`, else those of the letter that is answered, and behind them the appeal's `tag`, once.
#[must_use]
pub fn subject(words: Option<&str>, answered: Option<&str>, tag: Option<&str>) -> String {
    let clean = |text: &str| {
        let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        words.chars().take(SUBJECT_CHARS).collect::<String>()
    };
    let own = words.map(clean).filter(|words| !words.is_empty());
    let words = own.or_else(|| {
        let answered = answered.map(clean).filter(|words| !words.is_empty())?;
        let is_answer = answered.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        Some(if is_answer { answered } else { format!("Re: {answered}") })
    });
    let tag = tag.map(clean).filter(|tag| !words.as_ref().is_some_and(|words| words.contains(tag.as_str())));
    words.into_iter().chain(tag).collect::<Vec<_>>().join(" ")
}

/// Whether a letter of ours can go to `address`: ASCII, one `@` that parts two names, nothing that ends a line or an address.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let plain = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '[' | ']')
    };
    address.len() <= ADDRESS_BYTES
        && address.chars().all(plain)
        && address.split_once('@').is_some_and(|(user, domain)| {
            let dots = |name: &str| !name.is_empty() && name.split('.').all(|part| !part.is_empty());
            dots(user) && dots(domain) && !domain.contains('@')
        })
}

/// Whether `id` may stand in a field as the id of a letter.
fn is_id(id: &str) -> bool {
    let bare = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    id.len() <= ID_BYTES
        && bare.is_some_and(|id| {
            !id.is_empty() && id.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>'))
        })
}

fn from(head: &Letterhead) -> String {
    let address = format!("<{}>", head.address);
    let Some(name) =
        head.name.as_deref().map(|name| subject(Some(name), None, None)).filter(|n| !n.is_empty())
    else {
        return address;
    };
    if is_plain(&name) {
        let quoted: String = name
            .chars()
            .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
            .collect();
        return format!("\"{quoted}\" {address}");
    }
    format!("{}\r\n {address}", words(&name))
}

/// A field whose value may be as long as a line.
fn folded(name: &str, value: &str) -> String {
    let gap = if name.len() + value.len() < LINE_CHARS { " " } else { "\r\n " };
    format!("{name}{gap}{value}")
}

/// Only what a field of a letter may hold as it is, and nothing that reads as an encoded word.
fn is_plain(text: &str) -> bool {
    text.len() <= LINE_CHARS - "Subject: ".len()
        && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
        && !text.contains("=?")
}

fn unstructured(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { words(text) }
}

/// Encoded words, a line each (RFC 2047): each holds whole characters.
fn words(text: &str) -> String {
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        lines.push(format!("=?utf-8?B?{}?=", STANDARD.encode(piece)));
        rest = after;
    }
    lines.join("\r\n ")
}

/// The text as it stands, in lines that every server passes on.
fn body(text: &str) -> String {
    let mut whole = text.replace("\r\n", "\n").replace('\r', "\n").trim_end().replace('\n', "\r\n");
    whole.push_str("\r\n");
    let encoded = STANDARD.encode(whole);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE_CHARS * 2 + 2);
    for (at, c) in encoded.char_indices() {
        if at > 0 && at % LINE_CHARS == 0 {
            lines.push_str("\r\n");
        }
        lines.push(c);
    }
    lines + "\r\n"
}

/// A word without any mark.
fn token(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests;
