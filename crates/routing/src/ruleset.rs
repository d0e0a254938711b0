//! Rule sets as the log has them: published, read once, shared.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{sync::Mutex, task};
use zholdary_city::{City, Files};
use zholdary_domain::{CommandId, Position, StreamId, StreamKind, rules};
use zholdary_log::{Cause, Decider, DeciderError, Handled, Recorded, streams::Rules};
use zholdary_triage::Triage;

use crate::Error;

/// A city in force, and what understands words for it.
#[derive(Debug)]
pub struct Ruleset {
    /// The city.
    pub city: Arc<City>,
    /// What understands words.
    pub triage: Triage,
}

impl Ruleset {
    /// A city that was read already, prepared for understanding.
    #[must_use]
    pub fn new(city: City) -> Self {
        let city = Arc::new(city);
        Self { triage: Triage::shared(Arc::clone(&city)), city }
    }
}

/// Reads published rule sets: the workers of a process share them, and one that no worker stands at leaves the memory.
#[derive(Debug, Default, Clone)]
pub struct Rulesets(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// The last of the log that anybody came to, kept for a worker that starts again.
    newest: Option<(Position, Arc<Ruleset>)>,
    /// Every one that is in use, by version.
    used: HashMap<String, Weak<Ruleset>>,
}

impl Rulesets {
    /// The rule set that `record` of a stream `rules.*` puts in force. A city takes long to read, so it is read beside the
    /// async threads, and by one worker at a time.
    ///
    /// # Errors
    ///
    /// When the record or the city in it does not read.
    pub async fn read(&self, record: &Recorded) -> Result<Option<Arc<Ruleset>>, Error> {
        let position = record.position;
        let events: Vec<rules::Event> =
            record.events().map_err(|source| Error::Decode { position, source })?;
        let Some(rules::Event::Published { version, pack, .. }) = events.into_iter().next_back() else {
            return Ok(None);
        };
        let mut held = self.0.lock().await;
        let ruleset = match held.used.get(&version).and_then(Weak::upgrade) {
            Some(ruleset) => ruleset,
            None => match task::spawn_blocking(move || unpack(position, pack)).await {
                Ok(read) => Arc::new(read?),
                Err(panic) => return Err(Error::Panicked(panic)),
            },
        };
        if held.newest.as_ref().is_none_or(|(newest, _)| *newest <= position) {
            held.newest = Some((position, Arc::clone(&ruleset)));
        }
        held.used.retain(|_, used| used.strong_count() > 0);
        held.used.insert(version, Arc::downgrade(&ruleset));
        Ok(Some(ruleset))
    }
}

/// The city in a record's pack.
fn unpack(position: Position, pack: String) -> Result<Ruleset, Error> {
    let bad = |source| Error::BadRules { position, source };
    let packed = BASE64_STANDARD.decode(pack).map_err(|e| bad(e.into()))?;
    let files = Files::unpack(&packed).map_err(|e| bad(e.into()))?;
    Ok(Ruleset::new(City::parse(&files).map_err(|e| bad(e.into()))?))
}

/// Publishes a city's folder: one record of the stream `rules.<city>`. The version in force, published again, is no news.
///
/// # Errors
///
/// When the log does not take it; a folder too large for one record is refused there.
pub async fn publish(
    rules: &Decider<Rules>,
    city: &City,
    files: &Files,
    by: &str,
) -> Result<Handled, DeciderError> {
    let stream = StreamId::new(StreamKind::Rules, &city.meta.city)
        .expect("a city is validated, and its code fits a stream's name");
    let version = city.version.to_string();
    let event = rules::Event::Published {
        city: city.meta.city.clone(),
        version: version.clone(),
        pack: BASE64_STANDARD.encode(files.pack()),
        by: by.to_owned(),
    };
    let now = rules.load(&stream).await?;
    if let Some(rules::Event::Published { version: known, .. }) = &now.state
        && *known == version
    {
        let position = now.token.map(|t| t.position).unwrap_or_default();
        return Ok(Handled { position, new: false, token: now.token });
    }
    // A set may come back into force after another one: the command is named by what it replaces.
    let after = now.token.map(|t| t.version).unwrap_or_default();
    let command = CommandId::named("city publish", &format!("{version}/{after}"));
    rules.handle(&stream, command, Cause::OUTSIDE, |_, _| Ok(vec![event.clone()])).await
}

#[cfg(test)]
mod tests {
    use zholdary_log::{EventLog, SqliteConfig, SqliteLog};
    use zholdary_testkit::{HandClock, shipped_city};

    use super::*;

    fn folder(because: &str) -> Files {
        let mut entries = shipped_city();
        for (_, bytes) in entries.iter_mut().filter(|(name, _)| name == "rules.toml") {
            bytes.extend(format!("\n# {because}\n").bytes());
        }
        Files::from_entries(entries).unwrap()
    }

    #[tokio::test]
    async fn a_set_is_read_once_while_it_is_used_and_is_let_go_when_another_is_in_force() {
        let data = tempfile::TempDir::new().unwrap();
        let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(data.path(), SqliteConfig::default()).unwrap());
        let clock = Arc::new(HandClock::at("2026-11-20T10:00:00+05:00"));
        let rules: Decider<Rules> = Decider::new(Arc::clone(&log), clock);
        for because in ["one", "other"] {
            let files = folder(because);
            publish(&rules, &City::parse(&files).unwrap(), &files, "test").await.unwrap();
        }
        let records = log.read(Position::START, 10).await.unwrap();
        let [one, other] = &records[..] else { panic!("two publications") };
        let rulesets = Rulesets::default();
        let first = rulesets.read(one).await.unwrap().unwrap();
        let again = rulesets.clone().read(one).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again), "the workers share it");
        drop(again);
        let second = rulesets.read(other).await.unwrap().unwrap();
        assert_ne!(first.city.version, second.city.version);
        let late = rulesets.read(one).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &late), "a worker that is behind still stands at it");
        drop(late);
        assert_eq!(Arc::strong_count(&first), 1, "only its worker holds the one that is no more in force");
        drop(second);
        let kept = rulesets.read(other).await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&kept), 2, "the one in force is kept for whoever starts again");
    }
}
