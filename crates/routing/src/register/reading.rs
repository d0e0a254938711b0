//! What a person has read of ours, where a platform tells it by time alone: everything sent up to then.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use zholdary_domain::{ContactId, MessageId};

/// Of each person, by the account of ours that they talk to.
#[derive(Debug, Default)]
pub(super) struct Reading(HashMap<(ContactId, String), Read>);

#[derive(Debug, Default)]
struct Read {
    /// Everything sent up to the first is read; the second is when that was told.
    up_to: Option<(DateTime<Utc>, DateTime<Utc>)>,
    unread: BTreeSet<(DateTime<Utc>, MessageId)>,
}

impl Reading {
    /// Takes in a message of ours. When it was told to be read, if that is known already.
    pub(super) fn sent(
        &mut self,
        person: ContactId,
        account: &str,
        message: MessageId,
        sent_at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let read = self.0.entry((person, account.to_owned())).or_default();
        match read.up_to {
            Some((until, told_at)) if sent_at <= until => Some(told_at),
            _ => {
                read.unread.insert((sent_at, message));
                None
            }
        }
    }

    /// Takes in, told at `told_at`, that everything up to `until` is read. What is read since now.
    pub(super) fn up_to(
        &mut self,
        person: ContactId,
        account: &str,
        until: DateTime<Utc>,
        told_at: DateTime<Utc>,
    ) -> Vec<MessageId> {
        let read = self.0.entry((person, account.to_owned())).or_default();
        if read.up_to.is_none_or(|(known, _)| known < until) {
            read.up_to = Some((until, told_at));
        }
        let there = read.unread.iter().take_while(|(sent_at, _)| *sent_at <= until).count();
        (0..there).filter_map(|_| read.unread.pop_first()).map(|(_, message)| message).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use zholdary_domain::IdKey;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_147_200 + second, 0).unwrap()
    }

    #[test]
    fn what_was_sent_to_a_person_up_to_a_time_is_read_once() {
        let key = IdKey::new([3; 32]);
        let (a, b) = (key.contact("facebook", "a"), key.contact("facebook", "b"));
        let message = |name: &str| key.message("facebook", "1", name);
        let mut reading = Reading::default();
        let sent = [(a, "1", "later", 20), (a, "1", "first", 10), (b, "1", "of b", 5), (a, "2", "there", 5)];
        for (person, account, name, second) in sent {
            assert_eq!(reading.sent(person, account, message(name), at(second)), None);
        }
        for (second, expected) in
            [(9, vec![]), (10, vec!["first"]), (10, vec![]), (100, vec!["later"]), (50, vec![])]
        {
            let read = reading.up_to(a, "1", at(second), at(1000 + second));
            assert_eq!(read, expected.into_iter().map(message).collect::<Vec<_>>(), "up to {second}");
        }
        // Told before it was known to have been sent; the news that told it first counts.
        for (second, expected) in [(70, Some(at(1100))), (101, None)] {
            assert_eq!(reading.sent(a, "1", message("late"), at(second)), expected, "sent at {second}");
        }
    }
}
