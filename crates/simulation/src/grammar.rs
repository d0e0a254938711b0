//! Sentences, by topic and language: `grammar.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The languages people write in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tongue {
    Ru,
    Kk,
    /// Both in one sentence.
    Mixed,
}

/// The weight of what `[weights]` does not name.
const USUAL: usize = 2;

/// Sentences for any topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shared {
    pub(crate) greetings: Vec<String>,
    pub(crate) asks: Vec<String>,
    pub(crate) closings: Vec<String>,
    pub(crate) thanks: Vec<String>,
    pub(crate) abuse: Vec<String>,
    pub(crate) chatter: Vec<String>,
    pub(crate) followups: Vec<String>,
    pub(crate) photo_captions: Vec<String>,
}

/// Sentences about one category; a core has one slot `{at}`, of the region `{road}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    #[serde(default)]
    pub(crate) category: String,
    pub(crate) lang: Tongue,
    pub(crate) cores: Vec<String>,
    #[serde(default)]
    pub(crate) details: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Languages {
    ru: Shared,
    kk: Shared,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    weights: BTreeMap<String, usize>,
    seasons: BTreeMap<String, Vec<u32>>,
    shared: Languages,
    topic: Vec<Topic>,
    region: Vec<Topic>,
}

/// Why the grammar that ships cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the grammar of the simulation does not read")]
pub struct GrammarError(#[from] toml::de::Error);

/// All sentences.
#[derive(Debug)]
pub(crate) struct Grammar {
    weights: BTreeMap<String, usize>,
    seasons: BTreeMap<String, Vec<u32>>,
    shared: Languages,
    topics: BTreeMap<(String, Tongue), Topic>,
    region: BTreeMap<Tongue, Topic>,
}

impl Grammar {
    pub(crate) fn shipped() -> Result<Self, GrammarError> {
        let File { weights, seasons, shared, topic, region } =
            toml::from_str(include_str!("../grammar.toml"))?;
        let topics = topic.into_iter().map(|topic| ((topic.category.clone(), topic.lang), topic)).collect();
        let region = region.into_iter().map(|topic| (topic.lang, topic)).collect();
        Ok(Self { weights, seasons, shared, topics, region })
    }

    /// How often a category is written about in a month, beside others.
    pub(crate) fn weight(&self, category: &str, month: u32) -> usize {
        let in_season = self.seasons.get(category).is_none_or(|months| months.contains(&month));
        if in_season { self.weights.get(category).copied().unwrap_or(USUAL) } else { 0 }
    }

    /// What is said of a category in a language.
    pub(crate) fn topic(&self, category: &str, tongue: Tongue) -> Option<&Topic> {
        self.topics.get(&(category.to_owned(), tongue))
    }

    pub(crate) fn region(&self, tongue: Tongue) -> Option<&Topic> {
        self.region.get(&tongue)
    }

    /// Who mixes two languages greets in one of them.
    pub(crate) fn shared(&self, tongue: Tongue) -> &Shared {
        match tongue {
            Tongue::Ru => &self.shared.ru,
            Tongue::Kk | Tongue::Mixed => &self.shared.kk,
        }
    }
}
