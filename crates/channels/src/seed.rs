//! Seed files, `*_sent.jsonl`: messages of ours that had been sent before, one JSON object a line.
//!
//! `answers` is the resident's message whose appeal ours belongs to; `number` beside it an alias of that appeal. A line without
//! `answers` belongs to an appeal of an earlier system, known by `number` and its author `contact`.

use zholdary_domain::{
    Inbound, Number,
    inbound::{Channel, InboundSent, MessageRef},
};

use crate::{
    jsonl::{Fields, LineError},
    keys::contact_key,
};

/// The message of ours that `line` tells of.
///
/// # Errors
///
/// [`LineError`] says what to change.
pub fn line(line: &str) -> Result<Inbound, LineError> {
    let fields = Fields::read(line)?;
    let wrong = |field, expected| LineError::Field { field, expected };
    if fields.text("direction")?.is_some_and(|direction| direction != "out") {
        return Err(wrong("direction", "`out`: seed files hold only our own messages"));
    }
    let channel = fields.text("channel")?.and_then(Channel::from_code);
    let channel = channel.ok_or(wrong("channel", "the code of a channel"))?;
    let account = fields.id("account")?.ok_or(wrong("account", "our account on the channel"))?;
    let external_id =
        fields.id("external_id")?.ok_or(wrong("external_id", "the platform's id of the message"))?;
    let sent_at =
        fields.time("sent_at")?.ok_or(wrong("sent_at", "a time such as 2026-11-20T09:00:00+05:00"))?;
    let number: Option<Number> = match fields.text("number")? {
        None => None,
        Some(number) => Some(number.parse().map_err(|_| wrong("number", "a number such as Z-2026-000401"))?),
    };
    let contact = match fields.id("contact")? {
        None => None,
        Some(contact) => Some(
            contact_key(channel, &contact)
                .ok_or(wrong("contact", "a mail address, a phone or the platform's id of a person"))?,
        ),
    };
    let answers = fields.id("answers")?;
    if answers.is_none() && (number.is_none() || contact.is_none()) {
        return Err(wrong("answers", "given, or else both `number` and `contact`"));
    }
    Ok(Inbound::Sent(Box::new(InboundSent {
        id: MessageRef { channel, account, external_id: external_id.into() },
        answers: answers.map(Into::into),
        number,
        contact: contact.map(Into::into),
        sent_at,
    })))
}

/// Every line of a seed file with its number, from 1; empty lines are skipped.
pub fn lines(file: &str) -> impl Iterator<Item = (usize, Result<Inbound, LineError>)> {
    let numbered = file.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    numbered.map(|(index, text)| (index + 1, line(text)))
}

#[cfg(test)]
mod tests {
    use zholdary_testkit::{at, samples};

    use super::*;

    #[test]
    fn the_seed_of_the_samples_reads() {
        let file = std::str::from_utf8(samples::whatsapp("07z")).unwrap();
        let sent: Vec<Inbound> = lines(file).map(|(_, line)| line.unwrap()).collect();
        assert_eq!(sent.len(), 4);
        let Inbound::Sent(first) = &sent[0] else { panic!("a message of ours") };
        assert_eq!(first.id.external_id.reveal(), "wamid.ZHOLOUT0001");
        assert_eq!(first.answers, Some("wamid.ZHOLIN0001".to_owned().into()));
        assert_eq!(first.sent_at, at("2026-11-20T10:06:39+05:00"));
    }

    #[test]
    fn a_line_of_an_earlier_system_names_its_number_and_author() {
        let json = r#"{"direction":"out","channel":"email","account":"a@b","external_id":"<1@b>","subject":"x",
            "sent_at":"2026-11-19T17:40:00+05:00","number":"Z-2026-000401","contact":"Irina@Example.org"}"#;
        let Ok(Inbound::Sent(sent)) = line(json) else { panic!("a message of ours") };
        assert_eq!(sent.number.unwrap().as_str(), "Z-2026-000401");
        assert_eq!(sent.contact, Some("irina@example.org".to_owned().into()));
        for (was, becomes, field) in [
            ("\"out\"", "\"in\"", "direction"),
            ("\"number\"", "\"n\"", "answers"),
            ("Z-2026-000401", "none", "number"),
            ("\"email\"", "\"fax\"", "channel"),
            ("T17:40", "", "sent_at"),
        ] {
            let said = line(&json.replace(was, becomes)).unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{field}`")), "{said}");
        }
    }
}
