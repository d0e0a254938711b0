//! Which files and words are waited for.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::{
    FileKey, MessageId,
    inbound::{Channel, Content},
    message::{Event, Received},
};
use zholdary_log::{Cause, Recorded};

use crate::{Config, Sources};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// A file of a message.
    File(FileKey),
    /// What a message says.
    Words,
}

/// Names what is waited for.
pub(crate) type Name = (MessageId, What);

/// Something that is waited for.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) channel: Channel,
    /// When the message that names it was recorded.
    pub(crate) since: DateTime<Utc>,
    /// When it is asked for next.
    pub(crate) from: DateTime<Utc>,
    /// How often it was asked for in vain.
    pub(crate) tries: u32,
    /// The record that names it.
    pub(crate) cause: Cause,
}

/// What is known of messages before some record of the log.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    waiting: HashMap<Name, Waiting>,
    /// How those messages were received whose files are waited for, or may be: an edit names files too, and may come first.
    edited: HashMap<MessageId, Vec<(Content, DateTime<Utc>, Cause)>>,
}

impl Fold {
    pub(crate) fn note(&mut self, id: MessageId, event: Event, record: &Recorded, sources: &Sources) {
        match event {
            Event::Received(received) => {
                let (since, cause) = (record.recorded_at, Cause::record(record));
                self.names(id, &received, &received.content, since, cause, sources);
                for (content, since, cause) in self.edited.remove(&id).unwrap_or_default() {
                    self.names(id, &received, &content, since, cause, sources);
                }
                if sources.has_words(&received) {
                    self.add((id, What::Words), received.channel, since, cause);
                }
            }
            // Whoever edits the words of a message seldom gives it another file: the file's name is the same, then.
            Event::Edited { content, .. } => {
                self.waiting.remove(&(id, What::Words));
                if !content.attachments.is_empty() {
                    let edit = (content, record.recorded_at, Cause::record(record));
                    self.edited.entry(id).or_default().push(edit);
                }
            }
            Event::FileKept(kept) => self.has(id, What::File(kept.of)),
            Event::FileMissing { of, .. } => self.has(id, What::File(of)),
            Event::WordsMissing { .. } => self.has(id, What::Words),
            _ => {}
        }
    }

    fn names(
        &mut self,
        id: MessageId,
        received: &Received,
        content: &Content,
        since: DateTime<Utc>,
        cause: Cause,
        sources: &Sources,
    ) {
        for file in content.attachments.iter().filter(|file| sources.has(received, file)) {
            if let Some(key) = file.key() {
                self.add((id, What::File(key)), received.channel, since, cause);
            }
        }
    }

    fn add(&mut self, name: Name, channel: Channel, since: DateTime<Utc>, cause: Cause) {
        self.waiting.entry(name).or_insert(Waiting { channel, since, from: since, tries: 0, cause });
    }

    /// Nothing is waited for under this name any more.
    pub(crate) fn has(&mut self, id: MessageId, what: What) {
        self.waiting.remove(&(id, what));
    }

    /// It came to nothing, and is asked for again after a wait.
    pub(crate) fn put_off(&mut self, name: &Name, now: DateTime<Utc>, config: &Config) {
        if let Some(waiting) = self.waiting.get_mut(name) {
            waiting.tries = waiting.tries.saturating_add(1);
            waiting.from = now + wait(waiting.tries, config);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What is due, the longest due first, without what `is_asked` for already.
    pub(crate) fn due(&self, now: DateTime<Utc>, is_asked: impl Fn(&Name) -> bool) -> Vec<(Name, Waiting)> {
        let due = self.waiting.iter().filter(|(name, waiting)| waiting.from <= now && !is_asked(name));
        let mut due: Vec<_> = due.map(|(name, waiting)| (name.clone(), waiting.clone())).collect();
        due.sort_by_key(|(name, waiting)| (waiting.from, name.0));
        due
    }
}

/// The wait after so many tries in vain.
fn wait(tries: u32, config: &Config) -> TimeDelta {
    let doubled = config.retry_ms.saturating_mul(1 << tries.saturating_sub(1).min(30));
    let ms = i64::try_from(doubled.min(config.longest_retry_ms)).unwrap_or(i64::MAX);
    TimeDelta::try_milliseconds(ms).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let config = Config { retry_ms: 5, longest_retry_ms: 32, ..Config::default() };
        for (tries, ms) in [(1, 5), (2, 10), (3, 20), (4, 32), (99, 32), (u32::MAX, 32)] {
            assert_eq!(wait(tries, &config), TimeDelta::milliseconds(ms), "{tries}");
        }
    }
}
