//! Elements in one line each: for eyes, and for comparing.

use std::fmt::Write;

use zholdary_domain::{
    Personal,
    inbound::{Content, Inbound, Letter, News, Sender},
};

use crate::Parsed;

/// What every element of `parsed` says.
pub(crate) fn all(parsed: &Parsed) -> Vec<String> {
    parsed.elements.iter().map(one).collect()
}

fn keys(keys: &[Personal<String>]) -> String {
    keys.iter().map(|key| key.reveal().as_str()).collect::<Vec<_>>().join("+")
}

fn start(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    start.replace('\n', "|")
}

fn says(content: &Content) -> String {
    let mut said = String::new();
    if let Some(subject) = &content.subject {
        write!(said, " subject «{}»", start(subject.reveal())).unwrap();
    }
    if let Some(text) = &content.text {
        write!(said, " «{}»", start(text.reveal())).unwrap();
    }
    if let Some(quoted) = &content.quoted {
        write!(said, " quoting «{}»", start(quoted.reveal())).unwrap();
    }
    for file in &content.attachments {
        write!(said, " {:?}", file.kind).unwrap();
        let (id, name) = (&file.external_id, &file.file_name);
        for part in
            [id.as_ref().map(|p| p.reveal()), file.media_type.as_ref(), name.as_ref().map(|p| p.reveal())]
        {
            write!(said, " {}", part.map_or("-", |part| part)).unwrap();
        }
        if let Some(url) = &file.url {
            let (_, last) = url.reveal().rsplit_once('/').unwrap_or_default();
            write!(said, " at {last}").unwrap();
        }
    }
    if let Some(point) = &content.point {
        write!(said, " {},{}", point.reveal().lat, point.reveal().lon).unwrap();
    }
    if let Some(lang) = &content.app_lang {
        write!(said, " in {lang}").unwrap();
    }
    if let Some(button) = &content.button {
        write!(said, " [{}]", button.id).unwrap();
    }
    if let Some(kind) = &content.unsupported {
        write!(said, " unsupported {kind}").unwrap();
    }
    said
}

fn besides(letter: &Letter) -> String {
    let mut said = String::new();
    if !letter.references.is_empty() {
        write!(said, " after {}", keys(&letter.references)).unwrap();
    }
    if let Some(tag) = &letter.tag {
        write!(said, " tag {tag}").unwrap();
    }
    if let Some(automatic) = letter.automatic {
        write!(said, " automatic {automatic:?}").unwrap();
    }
    if letter.unverified {
        said += " unverified";
    }
    said
}

fn one(element: &Inbound) -> String {
    let short = |id: &Personal<String>| id.reveal().replace("wamid.ZHOL", "");
    match element {
        Inbound::Message(m) => {
            let Sender { keys: from, name, phone } = m.sender.clone().unwrap_or_default();
            let name = name.map(|name| format!(" {}", name.reveal())).unwrap_or_default();
            let phone = if phone.is_some() { " (phone)" } else { "" };
            let reply = m.reply_to.as_ref().map(|r| format!(" re {}", short(r))).unwrap_or_default();
            let album = m.album.as_ref().map(|a| format!(" of album {}", short(a))).unwrap_or_default();
            let letter = m.letter.as_deref().map(besides).unwrap_or_default();
            let new =
                if m.new_keys.is_empty() { String::new() } else { format!(" now {}", keys(&m.new_keys)) };
            format!(
                "message {} from {}{name}{phone}{reply}{album}{letter}{new}{}",
                short(&m.id.external_id),
                keys(&from),
                says(&m.content)
            )
        }
        Inbound::Edited { of, edit, content, .. } => {
            format!("edit {} of {}{}", short(edit), short(&of.external_id), says(content))
        }
        Inbound::Withdrawn { of, .. } => format!("withdrawn {}", short(&of.external_id)),
        Inbound::Delivery { of, state, at, error, carries } => {
            let error = error.map(|error| format!(" {error}")).unwrap_or_default();
            let carries = carries.map(|_| " of ours").unwrap_or_default();
            format!("{state:?} {} {}{error}{carries}", short(&of.external_id), at.timestamp() % 100_000)
        }
        Inbound::Echoed(e) => {
            let to = e.to.as_ref().map(|to| format!(" to {}", to.reveal())).unwrap_or_default();
            let under = e.answers.as_ref().map(|of| format!(" under {}", short(of))).unwrap_or_default();
            format!("echo {}{to}{under}{}", short(&e.id.external_id), says(&e.content))
        }
        Inbound::News(n) => {
            let news = match n.news {
                News::ReadUpTo { until } => format!("read up to {}", until.timestamp_millis() % 100_000_000),
                other => format!("{other:?}"),
            };
            format!("news {} of {}: {news}", short(&n.id.external_id), n.of.reveal())
        }
        Inbound::Sent(_) => "sent".to_owned(),
        Inbound::Nothing { what } => format!("nothing: {what}"),
        Inbound::Kept { why } => format!("kept: {why}"),
    }
}
