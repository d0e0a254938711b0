//! A meeting with residents, as an operator writes it down: one record, many problems, each a message of its own.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use zholdary_domain::{
    Personal, Point,
    inbound::{Channel, InboundMessage},
};

use crate::{
    Way,
    keys::phone_checked,
    web::{self, Submission, SubmitError},
};

/// A meeting's record. It prints without what was said there.
#[derive(Clone, Default, PartialEq)]
pub struct Meeting {
    /// What the meeting was.
    pub title: String,
    /// Its local day.
    pub held_on: Option<NaiveDate>,
    /// Where it was held. It is not where the problems are.
    pub place: Option<String>,
    /// The district that its problems are in. It is added to a line that says no place.
    pub district: Option<District>,
    /// What people said there, a problem a line.
    pub lines: Vec<Line>,
}

/// A district as people call it, so that a line stays in its own language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct District {
    /// In Russian: «Алмалинский район».
    pub ru: String,
    /// In Kazakh: «Алмалы ауданы».
    pub kk: String,
}

impl District {
    /// Its name in the language that `text` is written in, as far as letters show.
    fn beside(&self, text: &str) -> &str {
        let is_kazakh = text.chars().any(|letter| "әіңғүұқөһӘІҢҒҮҰҚӨҺ".contains(letter));
        if is_kazakh { &self.kk } else { &self.ru }
    }
}

/// One problem that somebody told at a meeting.
#[derive(Clone, Default, PartialEq)]
pub struct Line {
    /// What happened and where.
    pub text: String,
    /// Who said it.
    pub name: Option<String>,
    /// A phone or a mail address, for the answer.
    pub contact: Option<String>,
    /// A phone, as people write it in Kazakhstan.
    pub phone: Option<String>,
    /// Where it is, in words.
    pub place: Option<String>,
    /// Where it is, on the map.
    pub point: Option<Point>,
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting").field("lines", &self.lines.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// Why a line cannot be taken. Its words are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {} cannot be taken: {why}", .line + 1)]
pub struct LineError {
    /// The line, from 0.
    pub line: usize,
    /// What to change.
    pub why: SubmitError,
}

impl Meeting {
    /// A message of each line, in order. `key` names the record within `account`: the same record sent twice is the same messages.
    ///
    /// Each says beside its text which line of which meeting it is, and of how many, so that a record that was changed is another one.
    ///
    /// # Errors
    ///
    /// [`LineError`] for the first line that cannot be taken; then nothing is.
    pub fn messages(
        &self,
        key: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<InboundMessage>, LineError> {
        let message = |(line, said): (usize, &Line)| {
            self.message(said, line, key, account, at).map_err(|why| LineError { line, why })
        };
        self.lines.iter().enumerate().map(message).collect()
    }

    fn message(
        &self,
        said: &Line,
        line: usize,
        key: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<InboundMessage, SubmitError> {
        if said.text.trim().is_empty() {
            return Err(SubmitError::Empty);
        }
        let phone = said.phone.as_deref().map(|phone| phone_checked(phone).ok_or(SubmitError::Phone));
        let phone = phone.transpose()?;
        let of_line = |part: &Option<String>| {
            part.as_deref().map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned)
        };
        let district = self.district.as_ref().filter(|_| said.point.is_none());
        let district = || district.map(|district| district.beside(&said.text).to_owned());
        let text = match of_line(&said.place).or_else(district) {
            Some(place) => format!("{}\n{place}", said.text.trim()),
            None => said.text.clone(),
        };
        let contact =
            said.contact.as_deref().map(|contact| spoken_contact(contact).ok_or(SubmitError::Contact));
        let contact = contact.transpose()?;
        let submission = Submission { text, contact, point: said.point, ..Submission::default() };
        // A header cannot hold the sign between the two, so no other wish is called so.
        let name = format!("{key}·{}", line + 1);
        let mut message = web::message(&submission, Way::of(Channel::Meeting), &name, account, None, at)?;
        message.content.quoted = Some(Personal::new(self.heading(line)));
        if let Some(phone) = phone {
            let sender = message.sender.get_or_insert_default();
            sender.keys.retain(|known| *known.reveal() != phone);
            sender.keys.insert(0, Personal::new(phone.clone()));
            sender.phone = Some(Personal::new(phone));
        }
        if let Some(name) = of_line(&said.name) {
            message.sender.get_or_insert_default().name = Some(Personal::new(name));
        }
        Ok(message)
    }

    /// Which line of which meeting it is.
    fn heading(&self, line: usize) -> String {
        let day = self.held_on.map(|day| day.format("%d.%m.%Y").to_string());
        let title = Some(self.title.trim().to_owned());
        let district = self.district.as_ref().map(|district| district.ru.clone());
        let parts = [title, day, self.place.clone(), district];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
        format!("{} · {}/{}", parts.join(" · "), line + 1, self.lines.len())
    }
}

/// A contact that an operator wrote down: a mail address, else a phone in E.164 that can exist.
#[must_use]
pub fn spoken_contact(contact: &str) -> Option<String> {
    if contact.contains('@') { Some(contact.to_owned()) } else { phone_checked(contact) }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::inbound::{Join, Surface};
    use zholdary_testkit::at;

    use super::*;

    fn said(text: &str) -> Line {
        Line { text: text.to_owned(), ..Line::default() }
    }

    fn meeting(lines: Vec<Line>) -> Meeting {
        Meeting {
            title: "Встреча с жителями".into(),
            held_on: NaiveDate::from_ymd_opt(2026, 11, 19),
            place: Some("школа № 12".into()),
            district: Some(District {
                ru: "Алмалинский район".into(), kk: "Алмалы ауданы".into()
            }),
            lines,
        }
    }

    #[test]
    fn each_line_is_a_message_of_its_own() {
        let lines = vec![
            Line {
                phone: Some("8 (701) 123-45-67".into()),
                contact: Some("Asel@Example.com".into()),
                name: Some(" Асель ".into()),
                place: Some("Абая 45".into()),
                ..said("Яма у школы")
            },
            Line { contact: Some("7011234568".into()), ..said("Темно") },
            Line { point: Point::new(76.9, 43.2), ..said("Люк") },
            said("Шұңқыр бар"),
        ];
        let messages = meeting(lines).messages("k", "desk", at("2026-11-20T09:00:00+05:00")).unwrap();
        let told: Vec<_> = messages
            .iter()
            .map(|m| {
                assert_eq!((m.surface, m.join), (Surface::Spoken, Join::ReplyOnly));
                let keys = m.sender.iter().flat_map(|s| &s.keys).map(|k| k.reveal().as_str());
                (
                    m.id.external_id.reveal().as_str(),
                    m.content.usable_text().unwrap(),
                    m.content.quoted.as_ref().unwrap().reveal().as_str(),
                    keys.collect::<Vec<_>>().join(" "),
                )
            })
            .collect();
        let heading = "Встреча с жителями · 19.11.2026 · школа № 12 · Алмалинский район";
        assert_eq!(
            told,
            [
                (
                    "k·1",
                    "Яма у школы\nАбая 45",
                    &*format!("{heading} · 1/4"),
                    "+77011234567 asel@example.com".into()
                ),
                ("k·2", "Темно\nАлмалинский район", &*format!("{heading} · 2/4"), "+77011234568".into()),
                ("k·3", "Люк", &*format!("{heading} · 3/4"), String::new()),
                ("k·4", "Шұңқыр бар\nАлмалы ауданы", &*format!("{heading} · 4/4"), String::new()),
            ]
        );
        assert_eq!(messages[0].sender.as_ref().unwrap().name, Some(Personal::new("Асель".to_owned())));
    }

    #[test]
    fn a_line_that_cannot_be_taken_is_named() {
        for (line, why) in [
            (said("  "), SubmitError::Empty),
            (Line { place: Some("Абая 45".into()), ..said("") }, SubmitError::Empty),
            (Line { phone: Some("+7011234567".into()), ..said("яма") }, SubmitError::Phone),
            (Line { contact: Some("Асель".into()), ..said("яма") }, SubmitError::Contact),
        ] {
            let refused = meeting(vec![said("Яма"), line]).messages("k", "desk", at("2026-11-20T09:00:00Z"));
            assert_eq!(refused, Err(LineError { line: 1, why }));
        }
    }

    #[test]
    fn it_prints_without_its_words() {
        let printed = format!("{:?} {:?}", meeting(vec![said("яма")]), said("яма"));
        assert!(!printed.contains("яма") && !printed.contains("школа"), "{printed}");
    }
}
