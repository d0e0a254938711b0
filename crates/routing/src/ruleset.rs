//! Rule sets as the log has them: published, read once, shared.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use zholdary_city::{City, Files};
use zholdary_domain::{CommandId, StreamId, StreamKind, rules};
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

/// Reads published rule sets, each once: the workers of a process share them.
#[derive(Debug, Default, Clone)]
pub struct Rulesets(Arc<Mutex<HashMap<String, Arc<Ruleset>>>>);

impl Rulesets {
    /// The rule set that `record` of a stream `rules.*` puts in force.
    ///
    /// # Errors
    ///
    /// When the record or the city in it does not read.
    pub fn read(&self, record: &Recorded) -> Result<Option<Arc<Ruleset>>, Error> {
        let position = record.position;
        let events: Vec<rules::Event> =
            record.events().map_err(|source| Error::Decode { position, source })?;
        let Some(rules::Event::Published { version, pack, .. }) = events.into_iter().next_back() else {
            return Ok(None);
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ruleset) = known.get(&version) {
            return Ok(Some(Arc::clone(ruleset)));
        }
        let bad = |source| Error::BadRules { position, source };
        let packed = BASE64_STANDARD.decode(pack).map_err(|e| bad(e.into()))?;
        let files = Files::unpack(&packed).map_err(|e| bad(e.into()))?;
        let ruleset = Arc::new(Ruleset::new(City::parse(&files).map_err(|e| bad(e.into()))?));
        known.insert(version, Arc::clone(&ruleset));
        Ok(Some(ruleset))
    }
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
