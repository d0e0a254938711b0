//! What somebody is told who sends more than the city's limits: that all of it is kept, once an hour at most.

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::appeal::{Appeal, Event};

/// The template, with `{count}`.
pub(crate) const TEMPLATE: &str = "flood_notice";
/// It goes once in this time at most.
const ONCE_IN: TimeDelta = TimeDelta::hours(1);

/// When the author of what gathers a flood was told last. It is a fold over the appeal's own records, so whoever reads them tells alike.
#[derive(Debug, Default)]
pub(crate) struct Told {
    last: Option<DateTime<Utc>>,
}

impl Told {
    /// Takes in a record of an appeal that stands as `after` since then. Says whether its author is told of it.
    pub(crate) fn hears(&mut self, after: &Appeal, events: &[Event], at: DateTime<Utc>) -> bool {
        let gathers = after.registered.as_ref().is_some_and(|registered| registered.flood.is_some());
        // Before it is understood nobody knows in which language it is written.
        let grows =
            events.iter().any(|event| matches!(event, Event::Understood(_) | Event::MessageAdded { .. }));
        let due = gathers
            && grows
            && after.understanding.is_some()
            && self.last.is_none_or(|last| at - last >= ONCE_IN);
        if due {
            self.last = Some(at);
        }
        due
    }
}

/// How many messages there were: those within the hour before it began, and what it gathers.
pub(crate) fn count(appeal: &Appeal) -> Option<usize> {
    let before = usize::try_from(appeal.registered.as_ref()?.flood?).ok()?;
    Some(before.saturating_sub(1) + appeal.messages.len())
}

#[cfg(test)]
mod tests {
    use zholdary_domain::{
        appeal::{Registered, TextLang, Understanding},
        inbound::{Channel, Surface},
    };
    use zholdary_testkit::{at, id_key};

    use super::*;

    fn registered(flood: Option<u32>) -> Event {
        Event::Registered(Box::new(Registered {
            number: "Z-2026-000401".parse().unwrap(),
            message: Some(id_key().message("whatsapp", "1", "0")),
            contact: id_key().contact("whatsapp", "a"),
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            received_at: at("2026-11-20T05:00:00Z"),
            draft: false,
            flood,
            parent: None,
        }))
    }

    fn understood() -> Event {
        Event::Understood(Box::new(Understanding {
            triage: "1".into(),
            rules: "1".into(),
            lang: TextLang::Ru,
            danger: false,
            findings: vec![],
            names_number: None,
        }))
    }

    fn added(n: u32) -> Event {
        let message = id_key().message("whatsapp", "1", &n.to_string());
        Event::MessageAdded { message, contact: None }
    }

    #[test]
    fn they_are_told_once_an_hour() {
        let story = |flood| {
            let mut all = vec![(0, registered(flood)), (0, understood())];
            all.extend((1..130).map(|minute| (minute, added(minute))));
            all
        };
        for (flood, expected) in [(Some(31), vec![(0, 31), (60, 91), (120, 151)]), (None, vec![])] {
            let (mut told, mut appeal, mut seen) = (Told::default(), Appeal::default(), vec![]);
            for (minute, event) in story(flood) {
                appeal.evolve(&event);
                let recorded_at = at("2026-11-20T05:00:00Z") + TimeDelta::minutes(i64::from(minute));
                if told.hears(&appeal, &[event], recorded_at) {
                    seen.push((minute, count(&appeal).unwrap()));
                }
            }
            assert_eq!(seen, expected);
        }
    }
}
