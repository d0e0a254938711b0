//! The languages that people chose by a button: a fold over the log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use zholdary_city::Lang;
use zholdary_domain::{
    ContactId, StreamKind,
    appeal::TextLang,
    message::{Event, Received},
};
use zholdary_log::Recorded;

/// A language, and when it was chosen or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// The language.
    pub lang: Lang,
    /// When.
    pub at: DateTime<Utc>,
}

impl Spoken {
    /// The language in which words of `lang`, written `at` this time, are answered.
    #[must_use]
    pub fn in_text(lang: TextLang, at: DateTime<Utc>) -> Option<Self> {
        Lang::from_code(lang.answer()).map(|lang| Self { lang, at })
    }
}

/// Who chose which language.
#[derive(Debug, Clone, Default)]
pub struct Languages(HashMap<ContactId, Spoken>);

impl Languages {
    /// Takes a record in.
    pub fn note(&mut self, record: &Recorded) {
        if record.stream.kind() != StreamKind::Message {
            return;
        }
        // Nearly every message chooses nothing, and is not read for it. Once somebody chose, other names of theirs matter.
        let says = |words: &[u8]| record.bytes().windows(words.len()).any(|bytes| bytes == words);
        if !says(br#""lang:"#) && (self.0.is_empty() || !says(br#""aliases":"#)) {
            return;
        }
        // What does not read chooses nothing.
        for event in record.events::<Event>().unwrap_or_default() {
            if let Event::Received(received) = event {
                self.heard(&received, record.recorded_at);
            }
        }
    }

    /// Takes in a message that was recorded `at` this time.
    pub fn heard(&mut self, received: &Received, at: DateTime<Utc>) {
        let names = || received.aliases.iter().chain([&received.contact]);
        let button = received.content.button.as_ref();
        let now = button.and_then(|button| chosen(&button.id)).map(|lang| Spoken { lang, at });
        let before = || names().filter_map(|name| self.0.get(name)).max_by_key(|spoken| spoken.at).copied();
        if let Some(spoken) = now.or_else(before) {
            self.0.extend(names().map(|name| (*name, spoken)));
        }
    }

    /// What a person chose last.
    #[must_use]
    pub fn of(&self, contact: ContactId) -> Option<Spoken> {
        self.0.get(&contact).copied()
    }
}

/// The language that a button chooses.
#[must_use]
pub fn chosen(button: &str) -> Option<Lang> {
    let mut parts = button.split(':');
    (parts.next() == Some("lang")).then(|| parts.next().and_then(Lang::from_code)).flatten()
}

/// The language of what is told by itself to who chose one language and wrote in another: the one that they chose. But who writes in
/// the state language after that is answered in it, and any appeal may be (law on languages, article 11).
#[must_use]
pub fn answer(chosen: Option<Spoken>, written: Option<Spoken>) -> Option<Lang> {
    match (chosen, written) {
        (Some(chosen), Some(written)) if written.lang == Lang::Kk && written.at > chosen.at => Some(Lang::Kk),
        (Some(spoken), _) | (None, Some(spoken)) => Some(spoken.lang),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use zholdary_domain::{
        IdKey,
        inbound::{Button, Channel, Content, Join, Surface},
    };

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_147_200 + second, 0).unwrap()
    }

    fn contact(who: &str) -> ContactId {
        IdKey::new([3; 32]).contact("whatsapp", who)
    }

    fn pressed(who: &str, aliases: &[&str], button: Option<&str>) -> Received {
        Received {
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            account: "1".into(),
            external_id: String::new().into(),
            contact: contact(who),
            aliases: aliases.iter().map(|alias| contact(alias)).collect(),
            name: None,
            phone: None,
            address: None,
            content: Content { button: button.map(|id| Button { id: id.to_owned() }), ..Content::default() },
            reply_to: None,
            join: Join::Window,
            album: None,
            letter: None,
            sent_at: at(0),
            raw: None,
            keys_changed: false,
        }
    }

    #[test]
    fn a_choice_holds_until_another_under_every_name_of_the_person() {
        let mut languages = Languages::default();
        let steps = [
            (pressed("a", &[], None), None),
            (pressed("a", &["b"], Some("lang:kk")), Some((Lang::Kk, 1))),
            (pressed("a", &[], Some("fixed:yes")), Some((Lang::Kk, 1))),
            (pressed("a", &[], Some("lang:xx")), Some((Lang::Kk, 1))),
            (pressed("c", &["b"], None), Some((Lang::Kk, 1))),
            (pressed("c", &["a"], Some("lang:ru:Z-2026-000401")), Some((Lang::Ru, 5))),
            (pressed("d", &[], Some("lang:kk")), Some((Lang::Ru, 5))),
        ];
        for (second, (received, expected)) in (0..).zip(steps) {
            languages.heard(&received, at(second));
            let known = languages.of(contact("a")).map(|spoken| (spoken.lang, spoken.at));
            assert_eq!(known, expected.map(|(lang, second)| (lang, at(second))), "{received:?}");
        }
        assert_eq!(languages.of(contact("c")).map(|spoken| spoken.lang), Some(Lang::Ru));
        assert_eq!(languages.of(contact("e")), None);
    }

    #[test]
    fn what_was_chosen_is_the_language_but_for_who_writes_in_kazakh_since() {
        let check = |chosen: Option<(Lang, i64)>, written: Option<(Lang, i64)>, expected: Option<Lang>| {
            let spoken = |(lang, second)| Spoken { lang, at: at(second) };
            assert_eq!(answer(chosen.map(spoken), written.map(spoken)), expected, "{chosen:?} {written:?}");
        };
        let (ru, kk) = (Lang::Ru, Lang::Kk);
        check(None, None, None);
        check(None, Some((kk, 1)), Some(kk));
        check(Some((ru, 1)), None, Some(ru));
        check(Some((kk, 1)), Some((ru, 2)), Some(kk));
        check(Some((kk, 2)), Some((ru, 1)), Some(kk));
        check(Some((ru, 2)), Some((kk, 1)), Some(ru));
        check(Some((ru, 1)), Some((kk, 2)), Some(kk));
    }
}
