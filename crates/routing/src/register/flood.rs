//! How much one person sends, and when that is gathered for a person to look at («Channels», section 10). Nothing is dropped.
//!
//! It goes by the messages' own time and by the limits of the published city, so that whoever reads the same log decides alike.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_city::Flood as Limits;
use zholdary_domain::{
    AppealId, ContactId, MessageId,
    inbound::{Channel, Surface},
    message::{Found, Outcome, Received},
};

const TEN_MINUTES: TimeDelta = TimeDelta::minutes(10);
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::hours(24);
/// What was written so long before it came is an archive: its authors wait for nothing. Platforms deliver for a week.
const HISTORY: TimeDelta = TimeDelta::days(8);

/// What each person sent by each channel of late.
#[derive(Debug, Default)]
pub(super) struct Floods(HashMap<(ContactId, Channel), Sent>);

#[derive(Debug, Default)]
struct Sent {
    /// When appeals were opened, within a day of the last.
    opened: Vec<DateTime<Utc>>,
    /// When messages were sent, within an hour of the last.
    messages: Vec<DateTime<Utc>>,
    /// What gathers the rest, and when it began.
    gathers: Option<(AppealId, DateTime<Utc>)>,
}

impl Sent {
    fn forget(&mut self) {
        for (kept, span) in [(&mut self.opened, DAY), (&mut self.messages, HOUR)] {
            if let Some(last) = kept.iter().max().copied() {
                kept.retain(|at| last - *at < span);
            }
        }
    }
}

/// How many of `sent` lie less than `span` before `at`.
fn within(sent: &[DateTime<Utc>], at: DateTime<Utc>, span: TimeDelta) -> u32 {
    let count = sent.iter().filter(|sent| at - **sent < span).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Floods {
    /// What becomes of a message that was about to go to `outcome`: that, or with what its author sent beyond the limits. A reply, a button
    /// and a part of an album stay where they belong.
    pub(super) fn bounded(
        &self,
        limits: &Limits,
        person: ContactId,
        message: MessageId,
        received: &Received,
        recorded_at: DateTime<Utc>,
        outcome: Outcome,
    ) -> Outcome {
        let Outcome::Placed { opens, found: Found::Opened | Found::ByWindow, .. } = outcome else {
            return outcome;
        };
        // An operator writes down what many said; an archive is read at once.
        if received.surface == Surface::Spoken || recorded_at - received.sent_at > HISTORY {
            return outcome;
        }
        let Some(sent) = self.0.get(&(person, received.channel)) else { return outcome };
        let at = received.sent_at;
        let many = within(&sent.messages, at, TEN_MINUTES) >= limits.messages_per_10_min;
        let opened = opens
            && (within(&sent.opened, at, HOUR) >= limits.appeals_per_hour
                || within(&sent.opened, at, DAY) >= limits.appeals_per_day);
        if !many && !opened {
            return outcome;
        }
        match sent.gathers.filter(|(_, began)| (at - *began).abs() < DAY) {
            Some((appeal, _)) => Outcome::Placed { appeal, opens: false, found: Found::Flood },
            None => {
                Outcome::Placed { appeal: AppealId::opened_by(message), opens: true, found: Found::Flood }
            }
        }
    }

    /// Takes in what became of a message.
    pub(super) fn settled(
        &mut self,
        person: ContactId,
        received: &Received,
        appeal: AppealId,
        opens: bool,
        found: Found,
    ) {
        let sent = self.0.entry((person, received.channel)).or_default();
        let at = received.sent_at;
        sent.messages.push(at);
        match found {
            Found::Flood if opens => sent.gathers = Some((appeal, at)),
            _ if opens => sent.opened.push(at),
            _ => {}
        }
        sent.forget();
    }

    /// How many messages a person sent within the hour before `at`.
    pub(super) fn of_the_hour(&self, person: ContactId, channel: Channel, at: DateTime<Utc>) -> u32 {
        self.0.get(&(person, channel)).map_or(0, |sent| within(&sent.messages, at, HOUR))
    }

    /// Two contacts are one person from here on.
    pub(super) fn link(&mut self, kept: ContactId, merged: ContactId) {
        for channel in Channel::ALL {
            let Some(other) = self.0.remove(&(merged, channel)) else { continue };
            let sent = self.0.entry((kept, channel)).or_default();
            sent.opened.extend(other.opened);
            sent.messages.extend(other.messages);
            let both = sent.gathers.into_iter().chain(other.gathers);
            sent.gathers = both.max_by_key(|(appeal, began)| (*began, *appeal));
            sent.forget();
        }
    }
}
