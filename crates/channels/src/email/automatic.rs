//! Letters that no person wrote: they are answered by nobody, so that two programs never talk for ever (RFC 3834; channel
//! rule R16).

use zholdary_domain::inbound::Automatic;

use super::{Mailbox, header::Header, params::Value};

/// The beginnings of subjects that programs write, as localised.
const SUBJECTS: [&str; 15] = [
    "автоответ",
    "автоматический ответ",
    "автоматическое уведомление",
    "автоматты жауап",
    "автоматты түрде жауап беру",
    "автоматты түрде жауап",
    "out of office",
    "out-of-office",
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "вне офиса",
    "нет на рабочем месте",
    "automatische antwort",
];

/// The beginnings of subjects of letters that tell that ours was opened. People use these words too, but not so.
const RECEIPTS: [&str; 6] = ["прочитано:", "прочтено:", "не прочитано:", "оқылды:", "read:", "not read:"];

/// The names of the post before the `@`.
const POST: [&str; 2] = ["mailer-daemon", "postmaster"];

/// What wrote the letter with this header, `subject` and `sender`, when no person did.
pub(super) fn automatic(
    header: &Header<'_>,
    subject: Option<&str>,
    sender: Option<&str>,
    mailbox: &Mailbox,
) -> Option<Automatic> {
    let precedence = header.keyword("Precedence").unwrap_or_default();
    let submitted = header.keyword("Auto-Submitted").filter(|submitted| submitted != "no");
    let says = |name| header.keyword(name).is_some_and(|said| said != "no");
    let answers = submitted.as_deref() == Some("auto-replied")
        || precedence == "auto_reply"
        || says("X-Autoreply")
        || says("X-Autorespond")
        || subject.is_some_and(is_answer);
    // A mailing may say that it was generated; an answer may say that it is bulk.
    let mailing = header.has("List-Id") || matches!(precedence.as_str(), "bulk" | "list" | "junk");
    let other = submitted.is_some()
        || says("X-Auto-Response-Suppress")
        || header.all("X-Loop").any(|raw| mailbox.has(String::from_utf8_lossy(raw).trim()))
        || has_no_return(header)
        || sender.is_some_and(is_post)
        || reports(header);
    match (answers, mailing, other) {
        (true, ..) | (false, false, true) => Some(Automatic::Reply),
        (false, true, _) => Some(Automatic::Mailing),
        (false, false, false) => None,
    }
}

/// Whether nothing may be sent back: `Return-Path: <>`.
pub(super) fn has_no_return(header: &Header<'_>) -> bool {
    header.text("Return-Path").is_some_and(|path| path.split_whitespace().collect::<String>() == "<>")
}

/// Whether the name before the `@` is the post's. A `noreply` is not: people write through services that send so.
pub(super) fn is_post(address: &str) -> bool {
    let user = address.split('@').next().unwrap_or_default().to_lowercase();
    POST.iter().any(|post| user == *post || user.starts_with(&format!("{post}+")))
}

/// A report of the post, or that somebody opened a letter, or the answer of a calendar.
fn reports(header: &Header<'_>) -> bool {
    let content = header.raw("Content-Type").map(Value::read).unwrap_or_default();
    content.value == "multipart/report" || is_calendar_answer(&content)
}

/// Whether a part of this media type is what a calendar answers when somebody comes, or does not (RFC 5546, section 3.2.3).
pub(super) fn is_calendar_answer(content: &Value) -> bool {
    content.value == "text/calendar"
        && content.text("method").is_some_and(|method| method.eq_ignore_ascii_case("reply"))
}

fn is_answer(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    let subject = subject.trim_start_matches('[');
    let ends = |rest: &str| {
        let rest = rest.trim_start();
        rest.is_empty()
            || rest.starts_with([':', '-', '–', '—', '[', ']', '('])
            || rest.starts_with("autoreply")
    };
    SUBJECTS.iter().filter_map(|start| subject.strip_prefix(start)).any(ends)
        || RECEIPTS.iter().any(|start| subject.starts_with(start))
}
