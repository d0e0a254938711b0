//! What `send` knows: a fold of the log over messages and people.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_channels::outbound;
use zholdary_domain::{
    AppealId, ContactId, MessageId, Personal, Position, appeal,
    inbound::{Channel, DeliveryState, News, Surface},
    message::{Carries, Event, Received},
    outgoing::{Outgoing, Standing, Task, Trouble},
};
use zholdary_log::{Cause, Recorded};
use zholdary_routing::Ruleset;

use super::{Ended, later};
use crate::{
    metrics::{REGISTERED, UNKNOWN},
    people::People,
    window::Way,
};

/// Why an appeal hears that a message never goes whose records do not read.
const UNREADABLE: &str = "unreadable";

/// A message that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: MessageId,
    /// Where it stands in the log: people are served in this order.
    pub(super) position: Position,
    pub(super) channel: Channel,
    pub(super) way: Way,
    pub(super) appeal: Option<AppealId>,
    pub(super) standing: Standing,
    pub(super) at_once: bool,
    /// What comes after it waits for it. A party's reminder of next week holds nothing up.
    pub(super) in_order: bool,
    pub(super) since: DateTime<Utc>,
    pub(super) cause: Cause,
}

impl Entry {
    /// Whether it may go at `now`.
    pub(super) fn is_due(&self, now: DateTime<Utc>) -> bool {
        matches!(self.standing, Standing::Waits { from } if from.is_none_or(|from| from <= now))
    }
}

/// What a message is about, and how far it came.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) contact: ContactId,
    /// None: a hint, of which no appeal hears, and which goes nowhere else.
    pub(super) appeal: Option<AppealId>,
    pub(super) channel: Channel,
    pub(super) what: String,
    task: Option<Task>,
    is_public: bool,
    /// It goes beside what is told in public: its failure is nobody's.
    is_extra: bool,
    /// The vendor has registered a text that says the same.
    has_registered: bool,
    follows: Option<MessageId>,
    instead_of: Option<MessageId>,
    attempted: bool,
    /// The last attempt went as that text, or another message goes so in its place.
    registered: bool,
    taken: Option<MessageId>,
    failed: bool,
}

/// What goes in the place of a message that does not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The same, which goes as the vendor's registered text now.
    Registered,
    /// The same on another channel.
    Elsewhere(Channel, Address),
}

impl Next {
    /// What the figures call it.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Registered => REGISTERED,
            Self::Elsewhere(channel, _) => channel.code(),
        }
    }
}

/// Where a person is reached in private.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) contact: ContactId,
    pub(super) surface: Surface,
    pub(super) account: String,
    pub(super) to: Personal<String>,
    since: DateTime<Utc>,
}

/// What an appeal must hear of a message, and what follows from it. A hint, of which no appeal hears, is named only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) appeal: Option<AppealId>,
    /// Where it went.
    pub(super) channel: Channel,
    pub(super) what: String,
    /// It went to a party, about this.
    pub(super) task: Option<Task>,
    /// Whether, and why not, it was told.
    pub(super) told: Result<(), &'static str>,
    /// It was told, and did not arrive after all.
    pub(super) is_late: bool,
    /// The appeal hears of it: not so of the later parts of a text whose first part says it.
    pub(super) is_heard: bool,
    pub(super) next: Option<Next>,
    /// When it ended.
    pub(super) at: DateTime<Utc>,
    /// Not before: a platform may still tell.
    pub(super) from: DateTime<Utc>,
    pub(super) cause: Cause,
}

/// A platform says that it took a message of ours, and calls it so, before we know.
#[derive(Debug, Clone)]
pub(super) struct Adoption {
    pub(super) name: MessageId,
    pub(super) external_id: Personal<String>,
    pub(super) channel: Channel,
    pub(super) at: DateTime<Utc>,
    pub(super) cause: Cause,
}

/// A platform says that what it calls so will not arrive.
#[derive(Debug, Clone, Copy)]
struct Failure {
    code: Option<i64>,
    at: DateTime<Utc>,
    cause: Cause,
}

/// What is known of messages and people before some record of the log.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// How long a platform may still tell of what is unknown.
    unknown_wait: TimeDelta,
    /// Channels that we send on.
    channels: BTreeSet<Channel>,
    people: People,
    /// What waits, by person.
    pub(super) lanes: HashMap<ContactId, VecDeque<Entry>>,
    about: HashMap<MessageId, About>,
    /// Which of ours a platform's name means.
    names: HashMap<MessageId, MessageId>,
    /// What a platform told of a name before we know whose it is.
    failures: HashMap<MessageId, Failure>,
    pub(super) adoptions: BTreeMap<MessageId, Adoption>,
    pub(super) halves: BTreeMap<MessageId, Half>,
    heard: HashMap<(ContactId, Channel), DateTime<Utc>>,
    blocked: HashSet<(ContactId, Channel)>,
    addresses: HashMap<(ContactId, Channel), Address>,
    erased: HashSet<AppealId>,
    pub(super) rules: Option<Arc<Ruleset>>,
}

impl Fold {
    pub(super) fn new(unknown_wait: TimeDelta, channels: BTreeSet<Channel>) -> Self {
        Self { unknown_wait, channels, ..Self::default() }
    }

    /// When the person of `contact` last wrote there in private.
    pub(super) fn last_heard(&self, contact: ContactId, channel: Channel) -> Option<DateTime<Utc>> {
        self.heard.get(&(self.people.of(contact), channel)).copied()
    }

    /// Whether nothing may go to the person of `contact` there, about this appeal.
    pub(super) fn lets_nothing_through(&self, contact: ContactId, entry: &Entry) -> bool {
        self.blocked.contains(&(self.people.of(contact), entry.channel))
            || entry.appeal.is_some_and(|appeal| self.erased.contains(&appeal))
    }

    /// Whether the registered text that went in the place of the part before says it.
    pub(super) fn is_needless(&self, id: MessageId) -> bool {
        let before = self.about.get(&id).and_then(|about| self.about.get(&about.follows?));
        before.is_some_and(|before| before.registered && !before.failed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.lanes.values().map(VecDeque::len).sum()
    }

    pub(super) fn note_message(&mut self, id: MessageId, event: Event, record: &Recorded) {
        match event {
            Event::Received(received) => self.received(&received),
            Event::Told { contact, channel, news: News::Blocked, .. } => {
                self.blocked.insert((self.people.of(contact), channel));
            }
            Event::Told { contact, channel, news: News::Unblocked, .. } => {
                self.blocked.remove(&(self.people.of(contact), channel));
            }
            Event::Queued(out) => self.queued(id, &out, record),
            Event::Attempted { at, registered, .. } => {
                if let Some(about) = self.about.get_mut(&id) {
                    about.attempted = true;
                    about.registered = registered;
                }
                self.stands(id, Standing::Attempted { at });
            }
            Event::NotTaken { again_at: Some(from), .. } => {
                self.stands(id, Standing::Waits { from: Some(from) });
            }
            Event::NotTaken { why, again_at: None, .. } => {
                self.leaves(id);
                self.fails(id, why, record.recorded_at, Cause::record(record));
            }
            Event::OutcomeUnknown { at } => {
                self.leaves(id);
                self.ends(id, Err(UNKNOWN), at, later(at, self.unknown_wait), Cause::record(record));
            }
            Event::Taken { message, at, .. } => self.taken(id, message, at, record),
            Event::Sent { of: Some(ours), .. } => self.is_named(ours, id),
            Event::Delivery { state, at, error, carries } => {
                if let Some(carries) = carries {
                    self.named(id, carries, at, record);
                }
                if state == DeliveryState::Failed {
                    let failure =
                        Failure { code: error, at: record.recorded_at, cause: Cause::record(record) };
                    self.failed(id, failure);
                }
            }
            _ => {}
        }
    }

    pub(super) fn note_appeal(&mut self, id: AppealId, event: &appeal::Event) {
        match event {
            appeal::Event::Told { message, .. } | appeal::Event::PartyTold { message, .. } => {
                self.heard_of(*message, Ok(()))
            }
            appeal::Event::NotTold { message: Some(message), why, .. }
            | appeal::Event::PartyNotTold { message: Some(message), why, .. } => {
                self.heard_of(*message, Err(why));
            }
            appeal::Event::Erased { .. } => {
                self.erased.insert(id);
            }
            _ => {}
        }
    }

    /// A note has ended.
    pub(super) fn is_noted(&mut self, id: MessageId, ended: &Ended) {
        match ended {
            Ended::Told(half) if self.halves.get(&id) == Some(&**half) => {
                self.halves.remove(&id);
            }
            Ended::Named(name) if self.adoptions.get(&id).is_some_and(|known| known.name == *name) => {
                self.adoptions.remove(&id);
            }
            _ => {}
        }
    }

    fn heard_of(&mut self, message: MessageId, told: Result<(), &str>) {
        if self.halves.get(&message).is_some_and(|half| half.told == told) {
            self.halves.remove(&message);
        }
    }

    fn received(&mut self, received: &Received) {
        for alias in &received.aliases {
            self.link(received.contact, *alias);
        }
        let there = (self.people.of(received.contact), received.channel);
        // A changed number is no word of the person: it opens no window.
        if received.keys_changed {
            if let (Some(known), Some(to)) = (self.addresses.get_mut(&there), &received.address) {
                known.to = to.clone();
                known.contact = received.aliases.first().copied().unwrap_or(received.contact);
            }
            return;
        }
        let surface = match received.surface {
            Surface::Private | Surface::Story => Surface::Private,
            Surface::Mail => Surface::Mail,
            Surface::Group => Surface::Group,
            // What somebody writes in public opens no window.
            _ => return,
        };
        let last = self.heard.entry(there).or_insert(received.sent_at);
        *last = received.sent_at.max(*last);
        self.blocked.remove(&there);
        let is_newer = self.addresses.get(&there).is_none_or(|known| known.since <= received.sent_at);
        if let Some(to) = received.address.clone().filter(|_| is_newer) {
            let Received { contact, ref account, sent_at: since, .. } = *received;
            self.addresses.insert(there, Address { contact, surface, account: account.clone(), to, since });
        }
    }

    /// Two contacts are one person: what is known of either is known of both.
    fn link(&mut self, one: ContactId, other: ContactId) {
        let Some((kept, merged)) = self.people.link(one, other) else { return };
        if let Some(lane) = self.lanes.remove(&merged) {
            let both = self.lanes.entry(kept).or_default();
            both.extend(lane);
            both.make_contiguous().sort_by_key(|entry| entry.position);
        }
        for channel in Channel::ALL {
            let (kept, merged) = ((kept, channel), (merged, channel));
            if let Some(at) = self.heard.remove(&merged) {
                let last = self.heard.entry(kept).or_insert(at);
                *last = at.max(*last);
            }
            // One of two addresses of a person is no longer there: the other may be.
            let (was, is) = (self.blocked.remove(&merged), self.blocked.remove(&kept));
            if was && is {
                self.blocked.insert(kept);
            }
            if let Some(address) = self.addresses.remove(&merged)
                && self.addresses.get(&kept).is_none_or(|known| known.since < address.since)
            {
                self.addresses.insert(kept, address);
            }
        }
    }

    fn queued(&mut self, id: MessageId, out: &Outgoing, record: &Recorded) {
        // What stands in the place of another is what follows from that one's end: the last part of it is called so.
        if let Some(first) = out.instead_of
            && [first.instead("window"), first.instead(out.channel.code())].contains(&id)
            && let Some(half) = self.halves.get_mut(&first)
        {
            half.next = None;
            if !half.is_heard {
                self.halves.remove(&first);
            }
        }
        self.about.insert(
            id,
            About {
                contact: out.contact,
                appeal: out.appeal,
                channel: out.channel,
                what: out.what.clone(),
                task: out.task.clone(),
                is_public: matches!(out.surface, Surface::Comment | Surface::Post | Surface::Mention),
                is_extra: out.private_reply,
                has_registered: out.channel == Channel::Whatsapp && out.instead.is_some(),
                follows: out.follows,
                instead_of: out.instead_of,
                attempted: false,
                registered: false,
                taken: None,
                failed: false,
            },
        );
        self.lanes.entry(self.people.of(out.contact)).or_default().push_back(Entry {
            id,
            position: record.position,
            channel: out.channel,
            way: Way::of(out),
            appeal: out.appeal,
            standing: Standing::Waits { from: out.not_before },
            at_once: out.at_once,
            in_order: out.task.is_none(),
            since: out.not_before.map_or(record.recorded_at, |from| from.max(record.recorded_at)),
            cause: Cause::record(record),
        });
    }

    fn lane_of(&mut self, id: MessageId) -> Option<(ContactId, &mut VecDeque<Entry>)> {
        let person = self.people.of(self.about.get(&id)?.contact);
        self.lanes.get_mut(&person).map(|lane| (person, lane))
    }

    fn stands(&mut self, id: MessageId, standing: Standing) {
        if let Some((_, lane)) = self.lane_of(id)
            && let Some(entry) = lane.iter_mut().find(|entry| entry.id == id)
        {
            entry.standing = standing;
        }
    }

    /// It waits no longer: its way out has ended, or is unknown.
    pub(super) fn leaves(&mut self, id: MessageId) {
        let Some((person, lane)) = self.lane_of(id) else { return };
        lane.retain(|entry| entry.id != id);
        if lane.is_empty() {
            self.lanes.remove(&person);
        }
    }

    /// Its own records do not read: it never goes, and holds nobody up.
    pub(super) fn is_unreadable(&mut self, id: MessageId, at: DateTime<Utc>, cause: Cause) {
        self.leaves(id);
        self.ends(id, Err(UNREADABLE), at, at, cause);
    }

    /// Its appeal is to hear of it.
    fn ends(
        &mut self,
        id: MessageId,
        told: Result<(), &'static str>,
        at: DateTime<Utc>,
        from: DateTime<Utc>,
        cause: Cause,
    ) {
        let Some(About { appeal, channel, what, task, taken, .. }) = self.about.get(&id) else { return };
        // Nobody hears of a hint that was not told.
        if appeal.is_none() && told.is_err() {
            return;
        }
        let half = Half {
            appeal: *appeal,
            channel: *channel,
            what: what.clone(),
            task: task.clone(),
            told,
            is_late: told.is_err() && taken.is_some(),
            is_heard: true,
            next: None,
            at,
            from,
            cause,
        };
        self.halves.insert(id, half);
    }

    fn taken(&mut self, id: MessageId, name: MessageId, at: DateTime<Utc>, record: &Recorded) {
        self.leaves(id);
        self.adoptions.remove(&id);
        let Some(about) = self.about.get_mut(&id) else { return };
        about.taken = Some(name);
        about.failed = false;
        self.names.insert(name, id);
        self.ends(id, Ok(()), at, at, Cause::record(record));
        if let Some(failure) = self.failures.remove(&name) {
            self.failed(name, failure);
        }
    }

    fn is_hint(&self, id: MessageId) -> bool {
        self.about.get(&id).is_some_and(|about| about.appeal.is_none())
    }

    /// A stream says that it is ours. No appeal hears of a hint: with its name all is done.
    fn is_named(&mut self, ours: MessageId, name: MessageId) {
        if self.about.get(&ours).is_some_and(|about| about.appeal.is_none() && about.taken == Some(name)) {
            self.halves.remove(&ours);
        }
    }

    /// A platform says which of ours it calls so.
    fn named(&mut self, name: MessageId, carries: Carries, at: DateTime<Utc>, record: &Recorded) {
        let Some(about) = self.about.get(&carries.message) else { return };
        if !about.attempted || about.channel != Channel::Whatsapp || about.taken == Some(name) {
            return;
        }
        let Carries { message, external_id } = carries;
        let (channel, cause) = (about.channel, Cause::record(record));
        self.names.insert(name, message);
        self.adoptions.insert(message, Adoption { name, external_id, channel, at, cause });
    }

    /// What a platform calls so will not arrive.
    fn failed(&mut self, name: MessageId, failure: Failure) {
        let ours = self.names.get(&name).copied();
        let known = ours.and_then(|id| Some((id, self.about.get(&id).filter(|a| a.taken == Some(name))?)));
        let Some((id, about)) = known else {
            self.failures.insert(name, failure);
            return;
        };
        let why = outbound::verdict(about.channel, 400, failure.code, None).why;
        self.fails(id, why, failure.at, failure.cause);
    }

    /// It does not arrive, for good.
    fn fails(&mut self, id: MessageId, why: Trouble, at: DateTime<Utc>, cause: Cause) {
        let Some(about) = self.about.get_mut(&id) else { return };
        about.failed = true;
        let (there, follows) = ((self.people.of(about.contact), about.channel), about.follows);
        let is_extra = about.is_extra;
        let before = follows.and_then(|before| self.about.get(&before));
        let says_it = before.is_some_and(|before| before.registered && !before.failed);
        if is_extra || why == Trouble::Needless || (says_it && why == Trouble::WindowClosed) {
            self.halves.remove(&id);
            return;
        }
        let is_heard = before.is_none_or(|before| !before.failed && !before.registered);
        if why == Trouble::WindowClosed {
            // The platform's book counts, whatever ours says.
            self.heard.remove(&there);
        }
        // Nobody hears of it, and what it hints at is of this channel: a name that is still to be recorded is all there is to do.
        if self.is_hint(id) {
            return;
        }
        let next = self.next(id, why);
        if next == Some(Next::Registered)
            && let Some(about) = self.about.get_mut(&id)
        {
            (about.registered, about.failed) = (true, false);
        }
        self.ends(id, Err(why.code()), at, at, cause);
        if let Some(half) = self.halves.get_mut(&id) {
            (half.is_heard, half.next) = (is_heard, next);
        }
        if self.halves.get(&id).is_some_and(|half| !half.is_heard && half.next.is_none()) {
            self.halves.remove(&id);
        }
    }

    /// What goes in its place.
    fn next(&self, id: MessageId, why: Trouble) -> Option<Next> {
        let about = self.about.get(&id)?;
        if about.appeal.is_none_or(|appeal| self.erased.contains(&appeal)) {
            return None;
        }
        if why == Trouble::WindowClosed && about.has_registered && !about.registered {
            return Some(Next::Registered);
        }
        let is_closed = matches!(why, Trouble::WindowClosed | Trouble::Blocked | Trouble::NoSuchAddress);
        let tried = self.tried(id);
        let person = self.people.of(about.contact);
        let found = self.channels.iter().find_map(|channel| {
            let there = (person, *channel);
            let address = self.addresses.get(&there).filter(|_| is_closed && !tried.contains(channel))?;
            (!self.blocked.contains(&there)).then(|| (*channel, address.clone()))
        });
        found.map(|(channel, address)| Next::Elsewhere(channel, address))
    }

    /// The channels on which it went to the person in private, with what it stands in the place of.
    fn tried(&self, id: MessageId) -> BTreeSet<Channel> {
        let mut tried = BTreeSet::new();
        let mut at = Some(id);
        while let Some(about) = at.and_then(|id| self.about.get(&id)) {
            if !about.is_public {
                tried.insert(about.channel);
            }
            at = about.instead_of;
        }
        tried
    }
}
