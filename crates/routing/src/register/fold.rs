//! Which appeal a message belongs to: a fold over the log's records, and one pure decision.
//!
//! The rules are R4, R10, R11, R15 and R19 of the channels; all of them use the messages' own time.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_city::Flood as Limits;
use zholdary_domain::{
    AppealId, ContactId, MessageId, Number,
    inbound::{Automatic, Channel, Join, Surface},
    message::{Found, Outcome, Received, SetAside},
    outgoing::Task,
};

use super::flood::Floods;

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
    /// To none: it hints at how to begin one.
    Nowhere,
}

/// What is known of conversations before some record of the log.
#[derive(Debug, Default)]
pub struct Fold {
    /// Contacts that are one person: each points to another, or to itself.
    parents: HashMap<ContactId, ContactId>,
    /// Of each person, by channel, account and surface.
    last: HashMap<ContactId, HashMap<Place, Last>>,
    placed: HashMap<MessageId, AppealId>,
    albums: HashMap<MessageId, AppealId>,
    ours: HashMap<MessageId, Belongs>,
    /// Our letters to parties: who answers one speaks as that party.
    tasks: HashMap<MessageId, (AppealId, Task)>,
    /// What our account wrote past this system, as far as is known: the conversation that it seems to go on.
    outside: HashMap<MessageId, AppealId>,
    authors: HashMap<AppealId, ContactId>,
    numbers: HashMap<Number, AppealId>,
    floods: Floods,
    /// Appeals without an author any more: nothing joins them.
    erased: HashSet<AppealId>,
}

/// Where a conversation goes on: channel, our account, surface.
type Place = (Channel, String, Surface);

/// Where a message of this surface stands.
fn place(channel: Channel, account: &str, surface: Surface) -> Place {
    // A story that names us, or an answer to one of ours, comes in the private chat.
    let surface = if surface == Surface::Story { Surface::Private } else { surface };
    // Instagram may tell the same conversation by two kinds of login, each with another id of our account.
    let account = if channel == Channel::Instagram { "" } else { account };
    (channel, account.to_owned(), surface)
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
        self.floods.link(kept, merged);
        for (place, last) in self.last.remove(&merged).unwrap_or_default() {
            self.joined(kept, place, last);
        }
    }

    fn joined(&mut self, person: ContactId, place: Place, last: Last) {
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
        let Outcome::Placed { appeal, opens, found } = *outcome else { return };
        self.placed.insert(message, appeal);
        if let Some(album) = received.album {
            self.albums.entry(album).or_insert(appeal);
        }
        let person = self.person(received.contact);
        if opens {
            self.authors.insert(appeal, received.contact);
        }
        self.floods.settled(person, received, appeal, opens, found);
        let place = place(received.channel, &received.account, received.surface);
        self.joined(person, place, Last { sent_at: received.sent_at, appeal });
    }

    /// Takes in a message of ours. Where it belongs is what we said when we sent it, whatever it seemed before.
    pub fn sent(&mut self, message: MessageId, belongs: Belongs) {
        self.outside.remove(&message);
        self.ours.entry(message).or_insert(belongs);
    }

    /// Takes in a letter of ours to a party.
    pub fn wrote_to_party(&mut self, message: MessageId, appeal: AppealId, task: Task) {
        self.tasks.entry(message).or_insert((appeal, task));
    }

    /// The task that a letter answers: it refers to a letter of ours that went to a party, and to nobody else.
    #[must_use]
    pub fn task_of(&self, received: &Received) -> Option<&(AppealId, Task)> {
        let references = &received.letter.as_ref()?.references;
        received.reply_to.iter().chain(references).find_map(|to| self.tasks.get(to))
    }

    /// Takes in a message of our account, written past this system.
    pub fn wrote_outside(&mut self, message: MessageId, appeal: AppealId) {
        if !self.ours.contains_key(&message) {
            self.outside.insert(message, appeal);
        }
    }

    /// The appeal that a message of our account, written past this system, belongs to: it stands under a message, or goes on
    /// the conversation with a person.
    #[must_use]
    pub fn outside(
        &self,
        answers: Option<MessageId>,
        to: Option<ContactId>,
        channel: Channel,
        account: &str,
        surface: Surface,
    ) -> Option<AppealId> {
        let appeal = match answers {
            Some(answers) => self.appeal_of(answers)?,
            None => self.last.get(&self.person(to?))?.get(&place(channel, account, surface))?.appeal,
        };
        (!self.erased.contains(&appeal)).then_some(appeal)
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
            Some(Belongs::Nowhere) => None,
            None => self.outside.get(&message).or_else(|| self.placed.get(&message)).copied(),
        }
    }

    /// Whether a message of ours is known to belong to no appeal, whatever conversation it stands in.
    #[must_use]
    pub fn is_nowhere(&self, message: MessageId) -> bool {
        matches!(self.ours.get(&message), Some(Belongs::Nowhere))
    }

    /// Whether a message is ours, and belongs somewhere.
    fn is_ours(&self, message: MessageId) -> bool {
        self.ours.contains_key(&message) || self.outside.contains_key(&message)
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
            return SetAside::Note.into();
        }
        // Groups are not served (R23).
        if received.surface == Surface::Group {
            return SetAside::NoAppeal.into();
        }
        // Whatever a party answers stands beside the appeal: it is no resident, and opens nothing.
        if let Some((appeal, _)) = self.task_of(received) {
            return Outcome::SetAside { why: SetAside::Note, beside: Some(*appeal) };
        }
        match received.letter.as_ref().and_then(|letter| letter.automatic) {
            // It is seen where the letter stands that it answers, and moves nothing there.
            Some(Automatic::Reply) => {
                let beside = self.replied(received).map(|(appeal, _)| appeal);
                return Outcome::SetAside { why: SetAside::Note, beside };
            }
            Some(Automatic::Mailing) => return SetAside::Mailing.into(),
            None => {}
        }
        if let Some(button) = &content.button {
            return self.decide_button(&button.id, received);
        }
        if let Some(appeal) = self.named_in(received) {
            return Outcome::Placed { appeal, opens: false, found: Found::ByParent };
        }
        // A card of somebody else reads, for operators alone: it belongs where its sender's words do.
        let reads = content.has_words() || !content.attachments.is_empty() || content.quoted.is_some();
        if content.unsupported.is_some() && !reads {
            return SetAside::ForPerson.into();
        }
        if content.is_idle() {
            return self.decide_idle(received);
        }
        let placed = |appeal, found| Outcome::Placed { appeal, opens: false, found };
        if let Some((appeal, found)) = self.replied(received) {
            return placed(appeal, found);
        }
        if let Some(appeal) = self.album(received) {
            return placed(appeal, Found::ByAlbum);
        }
        if let Some(appeal) = self.window(received) {
            return placed(appeal, Found::ByWindow);
        }
        Outcome::Placed { appeal: AppealId::opened_by(message), opens: true, found: Found::Opened }
    }

    /// What becomes of a message, when its author may send only so much: what [`Fold::decide`] says, or that it is gathered with what is
    /// beyond `limits`.
    #[must_use]
    pub fn bounded(
        &self,
        limits: &Limits,
        message: MessageId,
        received: &Received,
        recorded_at: DateTime<Utc>,
    ) -> Outcome {
        let outcome = self.decide(message, received);
        self.floods.bounded(limits, self.person(received.contact), message, received, recorded_at, outcome)
    }

    /// How many messages its author sent by this channel within the hour, this one among them.
    #[must_use]
    pub fn of_the_hour(&self, received: &Received) -> u32 {
        self.floods.of_the_hour(self.person(received.contact), received.channel, received.sent_at)
    }

    /// Nobody asks for anything; but signs under what they answer («👎») say something there, and of a letter all whose words are folded
    /// away a person sees what it says.
    fn decide_idle(&self, received: &Received) -> Outcome {
        let is_folded = received.content.quoted.as_ref().is_some_and(|quoted| {
            received.letter.is_some() && quoted.reveal().chars().any(char::is_alphanumeric)
        });
        let is_said = is_folded || received.content.text.is_some();
        match self.replied(received).filter(|_| is_said) {
            Some((appeal, found)) => Outcome::Placed { appeal, opens: false, found },
            None if is_folded => SetAside::ForPerson.into(),
            None => SetAside::NoAppeal.into(),
        }
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
            None => SetAside::NoAppeal.into(),
        }
    }

    /// The appeal of the message that it answers: one of ours, at any age; in public only the same author's own thread. A letter
    /// answers any that it refers to, or names the number in its subject (R15).
    fn replied(&self, received: &Received) -> Option<(AppealId, Found)> {
        let letter = received.letter.as_deref();
        let references = letter.into_iter().flat_map(|letter| &letter.references);
        let answered = received.reply_to.iter().chain(references).find_map(|to| self.answered(*to, received));
        answered.or_else(|| {
            let appeal = *self.numbers.get(letter?.tag.as_ref()?)?;
            self.is_author(appeal, received.contact).then_some((appeal, Found::ByTag))
        })
    }

    /// The appeal of the comment that names us, when Instagram tells of it once more, as a mention without words and author.
    fn named_in(&self, received: &Received) -> Option<AppealId> {
        let is_told_again = received.channel == Channel::Instagram
            && received.surface == Surface::Mention
            && received.join == Join::ReplyOnly;
        let appeal = self.appeal_of(received.reply_to.filter(|_| is_told_again)?)?;
        (!self.erased.contains(&appeal)).then_some(appeal)
    }

    fn answered(&self, to: MessageId, received: &Received) -> Option<(AppealId, Found)> {
        let appeal = self.appeal_of(to)?;
        let found = match received.join {
            Join::Window | Join::ReplyOnly if self.is_ours(to) => Found::ByReply,
            Join::ParentAndAuthor => Found::ByParent,
            Join::Window | Join::ReplyOnly => return None,
        };
        self.is_author(appeal, received.contact).then_some((appeal, found))
    }

    /// The appeal of the other parts of its album, however late it comes (R20).
    fn album(&self, received: &Received) -> Option<AppealId> {
        let appeal = *self.albums.get(&received.album?)?;
        self.is_author(appeal, received.contact).then_some(appeal)
    }

    /// The appeal of the same person's last message on the same surface, sent within ten minutes.
    fn window(&self, received: &Received) -> Option<AppealId> {
        if received.join != Join::Window {
            return None;
        }
        let person = self.person(received.contact);
        let place = place(received.channel, &received.account, received.surface);
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
        appeal::FindingId,
        inbound::{Attachment, Button, Content, MediaKind},
        message::Letter,
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
            album: None,
            letter: None,
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
    fn what_a_party_answers_stands_beside_its_appeal() {
        let (mut fold, appeal) = begun();
        let task = Task { party: "akimat-medeu".into(), finding: FindingId(0) };
        fold.wrote_to_party(message("task"), appeal, task.clone());
        let letter = |references: &[&str], automatic| Received {
            channel: Channel::Email,
            surface: Surface::Mail,
            join: Join::ReplyOnly,
            letter: Some(Box::new(Letter {
                references: references.iter().map(|name| message(name)).collect(),
                automatic,
                ..Letter::default()
            })),
            ..from("party", 10, "Принято")
        };
        let beside = Outcome::SetAside { why: SetAside::Note, beside: Some(appeal) };
        let check = |received: &Received, expected: Outcome, is_theirs: bool| {
            assert_eq!(fold.decide(message("m3"), received), expected, "{received:?}");
            assert_eq!(fold.task_of(received).is_some(), is_theirs, "{received:?}");
        };
        check(&letter(&["task"], None), beside, true);
        check(&letter(&["unknown", "task"], None), beside, true);
        check(&letter(&["task"], Some(Automatic::Reply)), beside, true);
        let opens = AppealId::opened_by(message("m3"));
        let opens = Outcome::Placed { appeal: opens, opens: true, found: Found::Opened };
        // Whoever is nobody's author and answers no letter of ours writes as anybody may.
        check(&letter(&[], None), opens, false);
        check(&letter(&["out"], None), opens, false);
        assert_eq!(fold.task_of(&letter(&["task"], None)), Some(&(appeal, task)));
    }

    #[test]
    fn a_message_finds_its_appeal() {
        let (fold, appeal) = begun();
        let joins = |found| Outcome::Placed { appeal, opens: false, found };
        let opens =
            Outcome::Placed { appeal: AppealId::opened_by(message("m2")), opens: true, found: Found::Opened };
        let aside = Outcome::from;
        let reply = |received: Received, to| Received { reply_to: Some(message(to)), ..received };
        let named = |channel, join| {
            let surface = Surface::Mention;
            reply(Received { channel, surface, join, ..from("nobody", 10, "и тут") }, "m1")
        };
        let card = |received: Received| Received {
            content: Content {
                unsupported: Some("contacts".into()),
                quoted: Some("Асқар, +7 701".to_owned().into()),
                ..Content::default()
            },
            ..received
        };
        let sticker = Attachment {
            kind: MediaKind::Sticker,
            external_id: None,
            url: None,
            media_type: None,
            file_name: None,
        };
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
            ("a sign in reply", reply(from("a", 31_000_000, "👎"), "out"), joins(Found::ByReply)),
            (
                "a mention of us in a comment that is known",
                named(Channel::Instagram, Join::ReplyOnly),
                joins(Found::ByParent),
            ),
            ("a stranger who names us below one", named(Channel::Facebook, Join::ParentAndAuthor), opens),
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
            ("somebody's card behind words", card(from("a", 5, "")), joins(Found::ByWindow)),
            ("somebody's card alone", card(from("b", 5, "")), opens),
            (
                "a group, whatever it says",
                reply(Received { surface: Surface::Group, ..from("a", 10, "яма") }, "out"),
                aside(SetAside::NoAppeal),
            ),
            ("a new number", Received { keys_changed: true, ..from("a", 5, "") }, aside(SetAside::Note)),
            (
                "an answer to a story of ours",
                Received { surface: Surface::Story, ..from("a", 9, "и тут") },
                joins(Found::ByWindow),
            ),
        ];
        for (name, received, expected) in cases {
            assert_eq!(fold.decide(message("m2"), &received), expected, "{name}");
        }
    }

    #[test]
    fn a_letter_finds_its_appeal() {
        let (fold, appeal) = begun();
        let joins = |found| Outcome::Placed { appeal, opens: false, found };
        let opens =
            Outcome::Placed { appeal: AppealId::opened_by(message("m2")), opens: true, found: Found::Opened };
        let letter = |who: &str, references: &[&str], tag: Option<&str>| Received {
            join: Join::ReplyOnly,
            letter: Some(Box::new(Letter {
                references: references.iter().map(|of| message(of)).collect(),
                tag: tag.map(|tag| tag.parse().unwrap()),
                ..Letter::default()
            })),
            ..from(who, 31_000_000, "снова")
        };
        let automatic = |who, automatic| Received {
            letter: Some(Box::new(Letter {
                automatic: Some(automatic),
                references: vec![message("out")],
                ..Letter::default()
            })),
            ..letter(who, &[], None)
        };
        let folded = |who| Received {
            content: Content { quoted: Some("снова яма".to_owned().into()), ..Content::default() },
            ..letter(who, &["out"], None)
        };
        let known = Some("Z-2026-000301");
        for (name, received, expected) in [
            ("it answers ours", letter("a", &["out"], None), joins(Found::ByReply)),
            ("ours is further back", letter("a", &["theirs", "m1", "out"], None), joins(Found::ByReply)),
            ("the subject names the number", letter("a", &["theirs"], known), joins(Found::ByTag)),
            ("a stranger names it", letter("b", &[], known), opens),
            ("a stranger answers ours", letter("b", &["out"], None), opens),
            ("a number that nobody has", letter("a", &[], Some("Z-2026-000999")), opens),
            ("it answers nothing of ours", letter("a", &["m1"], None), opens),
            (
                "out of office",
                automatic("a", Automatic::Reply),
                Outcome::SetAside { why: SetAside::Note, beside: Some(appeal) },
            ),
            ("an automatic answer of a stranger", automatic("b", Automatic::Reply), SetAside::Note.into()),
            ("its words are folded away", folded("a"), joins(Found::ByReply)),
            ("a stranger's are folded away", folded("b"), SetAside::ForPerson.into()),
            ("a mailing", automatic("a", Automatic::Mailing), SetAside::Mailing.into()),
        ] {
            assert_eq!(fold.decide(message("m2"), &received), expected, "{name}");
        }
    }

    #[test]
    fn a_part_of_an_album_joins_however_late_it_comes() {
        let (mut fold, _) = begun();
        let part = |who, second| Received { album: Some(message("album")), ..from(who, second, "") };
        let photo = |received: Received| Received {
            content: Content {
                attachments: vec![Attachment {
                    kind: MediaKind::Image,
                    external_id: None,
                    url: None,
                    media_type: None,
                    file_name: None,
                }],
                ..Content::default()
            },
            ..received
        };
        let first = photo(part("a", 5000));
        let opened = fold.decide(message("p1"), &first);
        let appeal = AppealId::opened_by(message("p1"));
        assert_eq!(opened, Outcome::Placed { appeal, opens: true, found: Found::Opened });
        fold.settled(message("p1"), &first, &opened);
        let decide = |received| fold.decide(message("p2"), &photo(received));
        let joins = Outcome::Placed { appeal, opens: false, found: Found::ByAlbum };
        assert_eq!(decide(part("a", 90_000)), joins);
        let own = AppealId::opened_by(message("p2"));
        let opens = Outcome::Placed { appeal: own, opens: true, found: Found::Opened };
        assert_eq!(decide(part("b", 5001)), opens, "a stranger's");
    }

    #[test]
    fn what_our_account_wrote_past_the_system_goes_on_a_conversation() {
        let (mut fold, appeal) = begun();
        let check = |fold: &Fold, answers: Option<&str>, to: &str, surface, expected| {
            let to = key().contact("whatsapp", to);
            let found = fold.outside(answers.map(message), Some(to), Channel::Whatsapp, "1", surface);
            assert_eq!(found, expected, "{answers:?} {to}");
        };
        check(&fold, None, "a", Surface::Private, Some(appeal));
        check(&fold, None, "b", Surface::Private, None);
        check(&fold, None, "a", Surface::Comment, None);
        check(&fold, Some("m1"), "b", Surface::Comment, Some(appeal));
        check(&fold, Some("m9"), "a", Surface::Comment, None);
        fold.erased(appeal);
        check(&fold, None, "a", Surface::Private, None);
        check(&fold, Some("m1"), "a", Surface::Comment, None);
    }

    #[test]
    fn where_we_said_it_belongs_outweighs_where_it_seemed_to() {
        let (mut fold, appeal) = begun();
        let (echo, other) = (message("echo"), AppealId::opened_by(message("m9")));
        fold.wrote_outside(echo, appeal);
        assert_eq!(fold.appeal_of(echo), Some(appeal));
        fold.sent(echo, Belongs::Answers(message("not there yet")));
        assert_eq!(fold.appeal_of(echo), None, "it is named by what it answers");
        let second = message("second");
        fold.sent(second, Belongs::Appeal(other));
        fold.wrote_outside(second, appeal);
        assert_eq!(fold.appeal_of(second), Some(other));
        let hint = message("hint");
        fold.wrote_outside(hint, appeal);
        fold.sent(hint, Belongs::Nowhere);
        fold.wrote_outside(hint, appeal);
        assert_eq!((fold.appeal_of(hint), fold.is_nowhere(hint)), (None, true));
        let pressed = Received { reply_to: Some(hint), ..button("a", "lang:kk") };
        assert_eq!(fold.decide(message("pressed"), &pressed), SetAside::NoAppeal.into());
    }

    #[test]
    fn instagram_tells_one_conversation_by_two_accounts() {
        let (mut fold, _) = begun();
        let direct = |account: &str, second| Received {
            channel: Channel::Instagram,
            account: account.to_owned(),
            ..from("a", second, "яма")
        };
        let (first, second) = (direct("1784", 5000), direct("9050", 5060));
        let opened = fold.decide(message("i1"), &first);
        fold.settled(message("i1"), &first, &opened);
        let appeal = AppealId::opened_by(message("i1"));
        let joins = Outcome::Placed { appeal, opens: false, found: Found::ByWindow };
        assert_eq!(fold.decide(message("i2"), &second), joins);
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
            (button("a", "fixed:yes:Z-2026-000301"), SetAside::NoAppeal.into()),
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
