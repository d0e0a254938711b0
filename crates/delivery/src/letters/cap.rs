//! How often a program of ours writes: two programs that answer each other would never end (RFC 3834).
//!
//! Counted by the process that sends, since it began to: a loop does not wait for that.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::{AppealId, ContactId, MessageId, outgoing::Outgoing};

/// How long whoever was answered waits before another appeal of theirs is.
const BETWEEN_APPEALS: TimeDelta = TimeDelta::minutes(10);
/// The most letters about one appeal in [`DAY`].
const A_DAY: usize = 20;
const DAY: TimeDelta = TimeDelta::days(1);
/// So many are remembered before those that say nothing any more are forgotten.
const MANY: usize = 4096;

/// Why a letter does not go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It goes later.
    For(Duration),
    /// It does not go.
    Back,
}

/// Who was written to.
#[derive(Debug, Default)]
pub(super) struct Cap {
    answered: HashMap<ContactId, (AppealId, DateTime<Utc>)>,
    about: HashMap<AppealId, BTreeMap<MessageId, DateTime<Utc>>>,
}

impl Cap {
    /// Whether letter `id` is held at `now`. One that is not counts as sent; tried again it counts no second time.
    pub(super) fn holds(&mut self, id: MessageId, out: &Outgoing, now: DateTime<Utc>) -> Option<Held> {
        // What a person writes is no loop, and a party gets as many letters as it has tasks.
        if out.by_person || out.task.is_some() {
            return None;
        }
        // Hints are no letters, and go once a day.
        let of = out.appeal?;
        self.forget(now);
        let is_danger = out.what.contains("danger");
        if out.at_once && !is_danger {
            let (appeal, since) = *self.answered.entry(out.contact).or_insert((of, now));
            let passed = now - since;
            if passed >= BETWEEN_APPEALS {
                self.answered.insert(out.contact, (of, now));
            } else if appeal != of {
                return Some(Held::For((BETWEEN_APPEALS - passed).to_std().unwrap_or_default()));
            }
        }
        let about = self.about.entry(of).or_default();
        about.retain(|_, at| now - *at < DAY);
        if about.len() >= A_DAY && !about.contains_key(&id) {
            return Some(Held::Back);
        }
        about.insert(id, now);
        None
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        if self.answered.len() > MANY {
            self.answered.retain(|_, (_, since)| now - *since < BETWEEN_APPEALS);
        }
        if self.about.len() > MANY {
            self.about.retain(|_, about| about.values().any(|at| now - *at < DAY));
        }
    }
}
