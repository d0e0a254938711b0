//! What somebody is told whose message is part of no appeal: how to begin, or that words are needed. It is a fold over the log and
//! sends nothing itself; what was told once is not told again for a while, whoever reads the log.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_channels::outbound;
use zholdary_city::{City, Lang, Values};
use zholdary_domain::{
    AppealId, ContactId, MessageId, StreamKind, appeal,
    inbound::{Channel, Surface},
    message::{self, Outcome, Received, SetAside},
    outgoing::{OutButton, Outgoing},
};
use zholdary_log::{Cause, Recorded};
use zholdary_routing::languages::{self, Languages, Spoken, chosen};

/// The same hint goes to a person once in this time.
const ONCE_IN: TimeDelta = TimeDelta::hours(24);
/// Of what was written so long before it came nobody waits for a word.
const HISTORY: TimeDelta = TimeDelta::days(8);

/// What may be hinted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Somebody pressed «start».
    Greeting,
    /// Somebody chose a language: the greeting, in it.
    Language(Lang),
    /// We cannot open what was sent.
    WriteText,
    /// A group spoke to us.
    PrivateOnly,
}

impl Kind {
    const fn template(self) -> &'static str {
        match self {
            Self::Greeting | Self::Language(_) => "greeting",
            Self::WriteText => "write_text",
            Self::PrivateOnly => "private_only",
        }
    }

    /// Whether it is told at `now` to whom it was told `last`. A group hears it once for all.
    fn is_told_again(self, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self != Self::PrivateOnly && now - last >= ONCE_IN
    }

    /// What is hinted to whoever sent this, when it was set aside.
    fn of(received: &Received, why: SetAside) -> Option<Self> {
        let content = &received.content;
        let button = content.button.as_ref().map(|button| button.id.as_str());
        match (why, button) {
            (SetAside::NoAppeal, _) if received.surface == Surface::Group => Some(Self::PrivateOnly),
            (SetAside::NoAppeal, Some("start")) => Some(Self::Greeting),
            (SetAside::NoAppeal, Some(id)) => chosen(id).map(Self::Language),
            (SetAside::ForPerson, None) => content.unsupported.is_some().then_some(Self::WriteText),
            _ => None,
        }
    }
}

/// A hint to be told.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    pub(crate) message: MessageId,
    pub(crate) cause: Cause,
    kind: Kind,
    /// The language that the person chose, or wrote in last, or that their app speaks.
    lang: Option<Lang>,
    received: Box<Received>,
}

/// What is known of people before some record of the log.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// Messages of which nobody said yet what became of them.
    open: HashMap<MessageId, Box<Received>>,
    told: HashMap<(ContactId, Kind), DateTime<Utc>>,
    /// In what each wrote last.
    written: HashMap<ContactId, Spoken>,
    chosen: Languages,
    authors: HashMap<AppealId, ContactId>,
}

impl Fold {
    /// Takes a record in. Says what is hinted because of it, on one of these channels.
    pub(crate) fn note(&mut self, record: &Recorded, channels: &[Channel]) -> Option<Hint> {
        match record.stream.kind() {
            StreamKind::Appeal => {
                self.note_appeal(record);
                None
            }
            StreamKind::Message => self.note_message(record, channels),
            _ => None,
        }
    }

    fn note_appeal(&mut self, record: &Recorded) {
        let Some(id) = record.stream.appeal() else { return };
        // What does not read is told of by nobody.
        for event in record.events::<appeal::Event>().unwrap_or_default() {
            match event {
                appeal::Event::Registered(registered) => {
                    self.authors.insert(id, registered.contact);
                }
                appeal::Event::Understood(understood) => {
                    if let (Some(author), Some(spoken)) =
                        (self.authors.get(&id), Spoken::in_text(understood.lang, record.recorded_at))
                    {
                        self.written.insert(*author, spoken);
                    }
                }
                _ => {}
            }
        }
    }

    fn note_message(&mut self, record: &Recorded, channels: &[Channel]) -> Option<Hint> {
        let id = record.stream.message()?;
        self.chosen.note(record);
        let mut hint = None;
        for event in record.events::<message::Event>().unwrap_or_default() {
            match (event.outcome(), event) {
                (Some(Outcome::Placed { .. }), _) => {
                    self.open.remove(&id);
                }
                (Some(Outcome::SetAside { why, beside }), _) => {
                    let received = self.open.remove(&id)?;
                    hint = self.hint(id, record, received, why).filter(|_| beside.is_none());
                }
                (None, message::Event::Received(received))
                    if may_be_told(&received, record.recorded_at) && channels.contains(&received.channel) =>
                {
                    self.open.insert(id, received);
                }
                _ => {}
            }
        }
        hint
    }

    fn hint(
        &mut self,
        message: MessageId,
        record: &Recorded,
        received: Box<Received>,
        why: SetAside,
    ) -> Option<Hint> {
        let kind = Kind::of(&received, why)?;
        let last = self.told.get(&(received.contact, kind));
        if last.is_some_and(|last| !kind.is_told_again(*last, record.recorded_at)) {
            return None;
        }
        self.told.insert((received.contact, kind), record.recorded_at);
        let lang = match kind {
            Kind::Language(lang) => Some(lang),
            _ => {
                let written = self.written.get(&received.contact).copied();
                languages::answer(self.chosen.of(received.contact), written).or_else(|| of_app(&received))
            }
        };
        Some(Hint { message, cause: Cause::record(record), kind, lang, received })
    }
}

/// The language of somebody's app, when every city answers in it.
fn of_app(received: &Received) -> Option<Lang> {
    let lang = received.content.app_lang.as_deref().and_then(Lang::from_code);
    lang.filter(|lang| matches!(lang, Lang::Ru | Lang::Kk))
}

/// Whether somebody waits for a word: a person who wrote to us alone, or a group that spoke to us, just now.
fn may_be_told(received: &Received, recorded_at: DateTime<Utc>) -> bool {
    matches!(received.surface, Surface::Private | Surface::Group)
        && received.letter.is_none()
        && !received.keys_changed
        && received.address.is_some()
        && recorded_at - received.sent_at <= HISTORY
}

impl Hint {
    /// Who is told.
    pub(crate) fn contact(&self) -> ContactId {
        self.received.contact
    }

    /// The messages that tell it, in their order. Where the language is not known it is said in both.
    pub(crate) fn outgoing(&self, city: &City, site: &str) -> Vec<Outgoing> {
        let (Some(template), Some(to)) = (city.template(self.kind.template()), &self.received.address) else {
            return vec![];
        };
        let langs = self.lang.map_or_else(|| vec![Lang::Ru, Lang::Kk], |lang| vec![lang]);
        let mut values = Values::new();
        values.set("site", site);
        let texts: Vec<String> =
            langs.iter().filter_map(|lang| Some(template.fill(*lang, &values).ok()?.text)).collect();
        if texts.is_empty() {
            return vec![];
        }
        let lang = langs.first().copied().unwrap_or(city.meta.default_language);
        let buttons = template.buttons.iter().filter_map(|code| {
            let button = city.button(code)?;
            Some(OutButton { id: button.id.clone(), title: button.name.get(lang).to_owned() })
        });
        let buttons: Vec<OutButton> = buttons.collect();
        let parts = outbound::parts(self.received.channel, self.received.surface, &texts.join("\n\n"));
        let last = parts.len().saturating_sub(1);
        let part = |(nth, text): (usize, String)| Outgoing {
            appeal: None,
            contact: self.received.contact,
            channel: self.received.channel,
            surface: self.received.surface,
            account: self.received.account.clone(),
            to: to.clone(),
            answers: None,
            what: self.kind.template().to_owned(),
            version: Some(template.version),
            lang: lang.code().to_owned(),
            subject: None,
            text: text.into(),
            buttons: if nth == last { buttons.clone() } else { vec![] },
            instead: None,
            not_before: None,
            by_person: false,
            at_once: true,
            follows: None,
            instead_of: None,
            private_reply: false,
            task: None,
            only_while: None,
        };
        parts.into_iter().enumerate().map(part).collect()
    }
}

#[cfg(test)]
mod tests;
