//! Which appeal a message belongs to: a fold over the log's records, and one pure decision.
//!
//! The rules are R4, R10, R11, R15 and R19 of the channels; all of them use the messages' own time.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::{
    AppealId, ContactId, MessageId, Number,
    inbound::{Channel, Join, Surface},
    message::{Found, Outcome, Received, SetAside},
};

/// The last message of a contact that joined an appeal, on one surface.
#[derive(Debug, Clone, Copy)]
struct Last {
    sent_at: DateTime<Utc>,
    appeal: AppealId,
}

/// What a message of ours belongs to.
#[derive(Debug, Clone)]
pub enum Belongs {
    /// To the appeal of this message of a resident.
    Answers(MessageId),
    /// To this appeal.
    Appeal(AppealId),
}

/// What is known of conversations before some record of the log.
#[derive(Debug, Default)]
pub struct Fold {
    /// Contacts that are one person: each points to another, or to itself.
    parents: HashMap<ContactId, ContactId>,
    /// Of each person, by channel, account and surface.
    last: HashMap<ContactId, HashMap<(Channel, String, Surface), Last>>,
    placed: HashMap<MessageId, AppealId>,
    ours: HashMap<MessageId, Belongs>,
    authors: HashMap<AppealId, ContactId>,
    numbers: HashMap<Number, AppealId>,
    /// Appeals without an author any more: nothing joins them.
    erased: HashSet<AppealId>,
}

/// Messages of one person join an appeal when they were sent this close to one another.
const WINDOW: TimeDelta = TimeDelta::minutes(10);

impl Fold {
    /// The contact that stands for a person.
    #[must_use]
    pub fn person(&self, contact: ContactId) -> ContactId {
        let mut at = contact;
        while let Some(parent) = self.parents.get(&at).filter(|p| **p != at) {
            at = *parent;
        }
        at
    }

    /// Two contacts are one person from here on: what is known of either is known of both.
    fn link(&mut self, one: ContactId, other: ContactId) {
        let (one, other) = (self.person(one), self.person(other));
        if one == other {
            return;
        }
        // The smaller id stands for both, so that every fold comes to the same.
        let (kept, merged) = (one.min(other), one.max(other));
        self.parents.insert(merged, kept);
        for (place, last) in self.last.remove(&merged).unwrap_or_default() {
            self.joined(kept, place, last);
        }
    }

    fn joined(&mut self, person: ContactId, place: (Channel, String, Surface), last: Last) {
        let known = self.last.entry(person).or_default().entry(place).or_insert(last);
        if last.sent_at >= known.sent_at {
            *known = last;
        }
    }

    /// Takes in who wrote a message; before [`Fold::decide`].
    pub fn heard(&mut self, received: &Received) {
        for alias in &received.aliases {
            self.link(received.contact, *alias);
        }
    }

    /// Takes in what became of a message.
    pub fn settled(&mut self, message: MessageId, received: &Received, outcome: &Outcome) {
        let Outcome::Placed { appeal, opens, .. } = *outcome else { return };
        self.placed.insert(message, appeal);
        let person = self.person(received.contact);
        if opens {
            self.authors.insert(appeal, received.contact);
        }
        let place = (received.channel, received.account.clone(), received.surface);
        self.joined(person, place, Last { sent_at: received.sent_at, appeal });
    }

    /// Takes in a message of ours.
    pub fn sent(&mut self, message: MessageId, belongs: Belongs) {
        self.ours.entry(message).or_insert(belongs);
    }

    /// Takes in a number of an appeal, its own or another system's.
    pub fn numbered(&mut self, number: Number, appeal: AppealId) {
        self.numbers.entry(number).or_insert(appeal);
    }

    /// Whether a number names another appeal than this one.
    #[must_use]
    pub fn is_taken(&self, number: &Number, appeal: AppealId) -> bool {
        self.numbers.get(number).is_some_and(|known| *known != appeal)
    }

    /// Takes in the author of an appeal that no message opened (an earlier system's, a part split off).
    pub fn authored(&mut self, appeal: AppealId, author: ContactId) {
        self.authors.entry(appeal).or_insert(author);
    }

    /// Takes in that the personal data of an appeal were erased.
    pub fn erased(&mut self, appeal: AppealId) {
        self.erased.insert(appeal);
    }

    /// The appeal that a message of ours, or of a resident, belongs to.
    #[must_use]
    pub fn appeal_of(&self, message: MessageId) -> Option<AppealId> {
        match self.ours.get(&message) {
            Some(Belongs::Appeal(appeal)) => Some(*appeal),
            Some(Belongs::Answers(answered)) => self.placed.get(answered).copied(),
            None => self.placed.get(&message).copied(),
        }
    }

    /// Whether `contact` is the author of `appeal`.
    #[must_use]
    pub fn is_author(&self, appeal: AppealId, contact: ContactId) -> bool {
        !self.erased.contains(&appeal)
            && self.authors.get(&appeal).is_some_and(|a| self.person(*a) == self.person(contact))
    }

    /// The author of `appeal`, when known.
    #[must_use]
    pub fn author(&self, appeal: AppealId) -> Option<ContactId> {
        self.authors.get(&appeal).copied()
    }

    /// What becomes of a message, given everything before it.
    #[must_use]
    pub fn decide(&self, message: MessageId, received: &Received) -> Outcome {
        let content = &received.content;
        if received.keys_changed {
            return Outcome::SetAside(SetAside::Note);
        }
        if let Some(button) = &content.button {
            return self.decide_button(&button.id, received);
        }
        if content.unsupported.is_some() && content.usable_text().is_none() && content.attachments.is_empty()
        {
            return Outcome::SetAside(SetAside::ForPerson);
        }
        if content.is_idle() {
            return Outcome::SetAside(SetAside::NoAppeal);
        }
        let placed = |appeal, found| Outcome::Placed { appeal, opens: false, found };
        if let Some((appeal, found)) = self.replied(received) {
            return placed(appeal, found);
        }
        if let Some(appeal) = self.window(received) {
            return placed(appeal, Found::ByWindow);
        }
        Outcome::Placed { appeal: AppealId::opened_by(message), opens: true, found: Found::Opened }
    }

    /// A button speaks only for the author of its appeal (R19).
    fn decide_button(&self, id: &str, received: &Received) -> Outcome {
        let named = id.splitn(3, ':').nth(2).and_then(|n| n.parse::<Number>().ok());
        let appeal = match named {
            Some(number) => self.numbers.get(&number).copied(),
            None => received.reply_to.and_then(|to| self.appeal_of(to)),
        };
        match appeal.filter(|a| self.is_author(*a, received.contact)) {
            Some(appeal) => Outcome::Placed { appeal, opens: false, found: Found::ByButton },
            None => Outcome::SetAside(SetAside::NoAppeal),
        }
    }

    /// The appeal of the message that it answers: one of ours, at any age; in public only the same author's own thread.
    fn replied(&self, received: &Received) -> Option<(AppealId, Found)> {
        let to = received.reply_to?;
        let appeal = self.appeal_of(to)?;
        let found = match received.join {
            Join::Window | Join::ReplyOnly if self.ours.contains_key(&to) => Found::ByReply,
            Join::ParentAndAuthor => Found::ByParent,
            Join::Window | Join::ReplyOnly => return None,
        };
        self.is_author(appeal, received.contact).then_some((appeal, found))
    }

    /// The appeal of the same person's last message on the same surface, sent within ten minutes.
    fn window(&self, received: &Received) -> Option<AppealId> {
        if received.join != Join::Window {
            return None;
        }
        let person = self.person(received.contact);
        let place = (received.channel, received.account.clone(), received.surface);
        let last = self.last.get(&person)?.get(&place)?;
        let near = (received.sent_at - last.sent_at).abs() <= WINDOW;
        (near && !self.erased.contains(&last.appeal)).then_some(last.appeal)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use zholdary_domain::{
        IdKey,
        inbound::{Attachment, Button, Content, MediaKind},
    };

    use super::*;

    fn key() -> IdKey {
        IdKey::new([3; 32])
    }

    fn message(name: &str) -> MessageId {
        key().message("whatsapp", "1", name)
    }

    fn at(second: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_147_200 + second, 0).unwrap()
    }

    fn from(who: &str, second: i64, text: &str) -> Received {
        Received {
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            account: "1".into(),
            external_id: String::new().into(),
            contact: key().contact("whatsapp", who),
            aliases: vec![],
            name: None,
            phone: None,
            address: None,
            content: Content { text: Some(text.to_owned().into()), ..Content::default() },
            reply_to: None,
            join: Join::Window,
            sent_at: at(second),
            raw: None,
            keys_changed: false,
        }
    }

    fn button(who: &str, id: &str) -> Received {
        let content = Content { button: Some(Button { id: id.into() }), ..Content::default() };
        Received { content, ..from(who, 99_999, "") }
    }

    /// A message `m1` of `a` opened an appeal; `out` is our answer to it, known as Z-2026-000301 too.
    fn begun() -> (Fold, AppealId) {
        let mut fold = Fold::default();
        let first = from("a", 0, "яма");
        fold.heard(&first);
        let outcome = fold.decide(message("m1"), &first);
        fold.settled(message("m1"), &first, &outcome);
        let appeal = AppealId::opened_by(message("m1"));
        fold.sent(message("out"), Belongs::Answers(message("m1")));
        fold.numbered("Z-2026-000301".parse().unwrap(), appeal);
        (fold, appeal)
    }

    #[test]
    fn a_message_finds_its_appeal() {
        let (fold, appeal) = begun();
        let joins = |found| Outcome::Placed { appeal, opens: false, found };
        let opens =
            Outcome::Placed { appeal: AppealId::opened_by(message("m2")), opens: true, found: Found::Opened };
        let aside = Outcome::SetAside;
        let reply = |received: Received, to| Received { reply_to: Some(message(to)), ..received };
        let sticker =
            Attachment { kind: MediaKind::Sticker, external_id: None, media_type: None, file_name: None };
        let cases = [
            ("ten minutes later", from("a", 600, "и тут"), joins(Found::ByWindow)),
            ("a second later than that", from("a", 601, "и тут"), opens),
            ("late, but sent before", from("a", -600, "и тут"), joins(Found::ByWindow)),
            ("another person", from("b", 10, "яма"), opens),
            ("a letter", Received { join: Join::ReplyOnly, ..from("a", 10, "яма") }, opens),
            ("a comment", Received { surface: Surface::Comment, ..from("a", 10, "яма") }, opens),
            ("a year later, in reply", reply(from("a", 31_000_000, "снова"), "out"), joins(Found::ByReply)),
            ("a reply to their own words", reply(from("a", 31_000_000, "снова"), "m1"), opens),
            ("a stranger's reply", reply(from("b", 10, "снова"), "out"), opens),
            ("their button", reply(button("a", "fixed:no"), "out"), joins(Found::ByButton)),
            ("their button with a number", button("a", "fixed:yes:Z-2026-000301"), joins(Found::ByButton)),
            ("a stranger's button", button("b", "fixed:yes:Z-2026-000301"), aside(SetAside::NoAppeal)),
            ("a button without an appeal", button("a", "lang:kk"), aside(SetAside::NoAppeal)),
            ("no word at all", from("a", 5, " \u{fe0f}👍 "), aside(SetAside::NoAppeal)),
            (
                "a sticker",
                Received {
                    content: Content { attachments: vec![sticker], ..Content::default() },
                    ..from("a", 5, "")
                },
                aside(SetAside::NoAppeal),
            ),
            (
                "a poll",
                Received {
                    content: Content { unsupported: Some("poll".into()), ..Content::default() },
                    ..from("a", 5, "")
                },
                aside(SetAside::ForPerson),
            ),
            ("a new number", Received { keys_changed: true, ..from("a", 5, "") }, aside(SetAside::Note)),
        ];
        for (name, received, expected) in cases {
            assert_eq!(fold.decide(message("m2"), &received), expected, "{name}");
        }
    }

    #[test]
    fn nothing_joins_an_appeal_without_an_author() {
        let (mut fold, appeal) = begun();
        fold.erased(appeal);
        let opens =
            Outcome::Placed { appeal: AppealId::opened_by(message("m2")), opens: true, found: Found::Opened };
        let cases = [
            (from("a", 600, "и тут"), opens),
            (Received { reply_to: Some(message("out")), ..from("a", 31_000_000, "снова") }, opens),
            (button("a", "fixed:yes:Z-2026-000301"), Outcome::SetAside(SetAside::NoAppeal)),
        ];
        for (received, expected) in cases {
            assert_eq!(fold.decide(message("m2"), &received), expected);
        }
    }

    #[test]
    fn a_person_keeps_the_thread_under_a_new_number() {
        let (mut fold, appeal) = begun();
        let change = Received {
            aliases: vec![key().contact("whatsapp", "a2")],
            keys_changed: true,
            ..from("a", 60, "")
        };
        fold.heard(&change);
        let next = from("a2", 120, "и точка");
        assert_eq!(
            fold.decide(message("m2"), &next),
            Outcome::Placed { appeal, opens: false, found: Found::ByWindow }
        );
        assert!(fold.is_author(appeal, key().contact("whatsapp", "a2")));
    }
}
