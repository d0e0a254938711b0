//! Letters of the post about letters of ours (RFC 3464; channel rule R17).

use chrono::{DateTime, Utc};
use zholdary_domain::{
    Inbound,
    inbound::{Channel, DeliveryState, MessageRef},
};

use super::{Mailbox, automatic, header::Header, html, mime::Part, sender, thread};

/// The longest report that is read, in bytes.
const REPORT_BYTES: usize = 256 << 10;

/// An enhanced status (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy)]
struct Status {
    class: u16,
    subject: u16,
    detail: u16,
}

impl Status {
    /// The status as one number: «5.1.1» is 5 001 001.
    fn code(self) -> i64 {
        i64::from(self.class) * 1_000_000 + i64::from(self.subject) * 1000 + i64::from(self.detail)
    }

    fn read(word: &str) -> Option<Self> {
        let mut numbers = word.split('.');
        let mut next = || {
            let digits = numbers.next().filter(|n| (1..=3).contains(&n.len()))?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let status = Self { class: next()?, subject: next()?, detail: next()? };
        (matches!(status.class, 2 | 4 | 5) && numbers.next().is_none()).then_some(status)
    }

    /// The statuses in `text`.
    fn all(text: &str) -> impl Iterator<Item = Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.')
            .filter_map(|word| Self::read(word.trim_end_matches('.')))
    }

    /// The first status in `text`.
    fn find(text: &str) -> Option<Self> {
        Self::all(text).next()
    }

    /// The status that a final code of SMTP in `line` stands for, as «550 unknown user» (RFC 5321, section 4.2).
    fn of_basic(line: &str) -> Option<Self> {
        let final_code = |word: &str| {
            let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
            // More lines of the same answer follow «550-».
            let (subject, detail) = match word.split('-').next()? {
                // It may be about the recipient, or about what was written.
                "550" | "554" => (0, 0),
                "551" | "553" => (1, 0),
                "552" => (2, 2),
                _ => return None,
            };
            Some(Self { class: 5, subject, detail })
        };
        line.split_whitespace().find_map(final_code)
    }
}

/// What happened to a letter, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Arrived,
    Delayed,
    Failed,
}

/// What the letter of these `parts` tells of a letter of ours; nothing when it is no report, or of none of ours.
///
/// Everybody may write a report, and the ids of our letters are known to whom we wrote: only the post is believed.
pub(super) fn read(parts: &[Part<'_>], mailbox: &Mailbox, at: DateTime<Utc>) -> Option<Inbound> {
    let is_from_the_post = parts.first().is_some_and(|letter| is_from_the_post(&letter.header));
    if !is_from_the_post {
        return None;
    }
    let (fate, status, id) = reported(parts, mailbox).or_else(|| told_in_words(parts, mailbox))?;
    Some(match fate {
        Fate::Arrived => Inbound::Nothing { what: "delivery reported" },
        Fate::Delayed => Inbound::Nothing { what: "delivery delayed" },
        Fate::Failed => Inbound::Delivery {
            of: MessageRef {
                channel: Channel::Email,
                account: mailbox.address.clone(),
                external_id: id.into(),
            },
            state: DeliveryState::Failed,
            at,
            error: status.map(Status::code),
            carries: None,
        },
    })
}

/// Whether the post itself wrote the letter with this header, not somebody who has a report to pass on.
fn is_from_the_post(header: &Header<'_>) -> bool {
    automatic::has_no_return(header)
        || sender::sender(header)
            .is_some_and(|sender| sender.keys.iter().any(|key| automatic::is_post(key.reveal())))
}

/// A report in the standard's form: the letter itself, or a part directly in it.
fn reported(parts: &[Part<'_>], mailbox: &Mailbox) -> Option<(Fate, Option<Status>, String)> {
    let letter = parts.first()?;
    let own = own_of_report(parts)?;
    let report = own
        .iter()
        .find(|part| part.is("message/delivery-status") || part.is("message/global-delivery-status"))?;
    let bytes = report.bytes();
    let (fate, status) = worst(&bytes[..bytes.len().min(REPORT_BYTES)])?;
    let id = returned(&own).filter(|id| mailbox.made(id));
    // Some posts return nothing, and answer the letter instead.
    let id = id.or_else(|| thread::references(&letter.header).into_iter().find(|id| mailbox.made(id)))?;
    Some((fate, status, id))
}

/// The parts of a report, and the report itself.
///
/// What looks for viruses on the way wraps it into a letter, which has no return either; a person's letter has one.
fn own_of_report<'p, 'a>(parts: &'p [Part<'a>]) -> Option<Vec<&'p Part<'a>>> {
    let letter = parts.first()?;
    let is_wrapped = letter.is("multipart/mixed") && automatic::has_no_return(&letter.header);
    let wrapped = inside(parts, letter).find(|part| is_wrapped && part.is("multipart/report"));
    let report = wrapped.unwrap_or(letter);
    let inner = inside(parts, report).filter(|_| report.is("multipart/report"));
    Some(std::iter::once(report).chain(inner).collect())
}

/// The parts directly inside of `part`.
fn inside<'p, 'a>(parts: &'p [Part<'a>], part: &'p Part<'a>) -> impl Iterator<Item = &'p Part<'a>> {
    part.children.iter().filter_map(|place| parts.get(*place))
}

/// The `Message-ID` of the letter that is returned among `parts`, whole or its header alone.
fn returned(parts: &[&Part<'_>]) -> Option<String> {
    let is_returned = |part: &&&Part<'_>| {
        ["message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"]
            .iter()
            .any(|kind| part.is(kind))
    };
    let id_of = |part: &&Part<'_>| thread::message_id(&Header::split(&part.bytes()).0);
    parts.iter().filter(is_returned).find_map(id_of)
}

/// The worst fate among the recipients of a report, with its status.
fn worst(report: &[u8]) -> Option<(Fate, Option<Status>)> {
    let mut worst = None;
    let mut rest = report;
    while !rest.is_empty() {
        let (fields, after) = Header::split(rest);
        // What is no field is not of a report.
        rest = if fields.is_empty() && after.len() == rest.len() { &[] } else { after };
        let status = fields.text("Status").and_then(|status| Status::find(&status));
        let told = || fields.text("Diagnostic-Code");
        let status = status.or_else(|| Status::find(&told()?)).or_else(|| Status::of_basic(&told()?));
        // The post that gave up says so, even after trouble that might have passed (RFC 3464, section 2.3.3).
        let fate = match fields.keyword("Action").as_deref() {
            Some("failed") => Fate::Failed,
            Some("delayed") => Fate::Delayed,
            Some("delivered" | "relayed" | "expanded") => Fate::Arrived,
            _ => match status.map(|status| status.class) {
                Some(5) => Fate::Failed,
                Some(4) => Fate::Delayed,
                _ => continue,
            },
        };
        if worst.is_none_or(|(before, _)| before < fate) {
            worst = Some((fate, status));
        }
    }
    worst
}

/// A report in words, as qmail and Exim write it: our `Message-ID` stands in the copy of our letter, below the words or
/// attached.
///
/// Words may mean anything: without a final status above the copy, or a recipient given up, the letter is on its way.
fn told_in_words(parts: &[Part<'_>], mailbox: &Mailbox) -> Option<(Fate, Option<Status>, String)> {
    let letter = parts.first()?;
    let text = words(parts)?;
    let (mut status, mut basic, mut copied) = (None, None, None);
    for line in text[..text.floor_char_boundary(REPORT_BYTES)].lines() {
        copied = named_in(line).into_iter().find(|id| mailbox.made(id));
        if copied.is_some() {
            break;
        }
        status = status.or_else(|| Status::all(line).find(|status| status.class == 5));
        basic = basic.or_else(|| Status::of_basic(line));
    }
    let status = status.or(basic);
    // Exim names those whom it gave up, and nobody when it warns.
    let gave_up = status.is_some() || letter.header.has("X-Failed-Recipients");
    // The post may pass on our letter for any reason, and then says none that is final.
    let attached =
        || returned(&inside(parts, letter).collect::<Vec<_>>()).filter(|id| gave_up && mailbox.made(id));
    let id = copied.or_else(attached)?;
    let warns = letter.header.text("Subject").is_some_and(|subject| {
        let subject = subject.to_lowercase();
        subject.contains("delayed") || subject.contains("warning")
    });
    Some((if warns || !gave_up { Fate::Delayed } else { Fate::Failed }, status, id))
}

/// The words of a letter of the post.
fn words(parts: &[Part<'_>]) -> Option<String> {
    let of = |kind: &str| parts.iter().find(|part| part.is(kind) && part.children.is_empty());
    let plain = of("text/plain").map(|part| part.text(|_| None));
    plain.or_else(|| of("text/html").map(|part| html::text(&part.text(html::charset))))
}

/// The ids in a line that is the field `Message-ID` of a letter, quoted or not.
fn named_in(line: &str) -> Vec<String> {
    let field = line.trim_start_matches(['>', ' ']).split_once(':');
    let value = field.filter(|(name, _)| name.eq_ignore_ascii_case("message-id")).map(|(_, value)| value);
    value.map(|value| thread::ids(value.as_bytes())).unwrap_or_default()
}
