//! Names in the languages a city answers in, and the map of values that fills its texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A language of a sent text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Russian.
    Ru,
    /// Kazakh.
    Kk,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order in which names are written in a city's files.
    pub const ALL: [Self; 3] = [Self::Ru, Self::Kk, Self::En];

    /// The code of the language in files, events and JSON: `ru`, `kk`, `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Kk => "kk",
            Self::En => "en",
        }
    }

    /// The language of a code, or `None` when it is not one of ours.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }
}

impl std::fmt::Display for Lang {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// One thing's name in every language. `en` may be empty; [`Names::get`] then gives the Russian name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// In Russian; never empty in a published city.
    pub ru: String,
    /// In Kazakh; never empty in a published city.
    pub kk: String,
    /// In English; empty when the city gives none.
    pub en: String,
}

impl Names {
    /// The name in a language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Kk => &self.kk,
            Lang::En if !self.en.is_empty() => &self.en,
            Lang::Ru | Lang::En => &self.ru,
        }
    }
}

/// What the placeholders of a text are filled with, in every language.
///
/// An empty value is the same as none: a part in `[[ … ]]` with it is left out, and a text that needs it
/// outside of such a part is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    given: BTreeMap<String, Names>,
}

impl Values {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a value that reads the same in every language: a number, a date, a link.
    pub fn set(&mut self, placeholder: &str, value: impl Into<String>) -> &mut Self {
        let value = value.into();
        self.given.insert(placeholder.to_owned(), Names { ru: value.clone(), kk: value.clone(), en: value });
        self
    }

    /// Gives a value that is a name.
    pub fn set_names(&mut self, placeholder: &str, names: &Names) -> &mut Self {
        self.given.insert(placeholder.to_owned(), names.clone());
        self
    }

    /// Gives a value for one language only.
    pub fn set_in(&mut self, lang: Lang, placeholder: &str, value: impl Into<String>) -> &mut Self {
        let names = self.given.entry(placeholder.to_owned()).or_default();
        match lang {
            Lang::Ru => names.ru = value.into(),
            Lang::Kk => names.kk = value.into(),
            Lang::En => names.en = value.into(),
        }
        self
    }

    /// These alone, of those that are given.
    #[must_use]
    pub fn only(&self, placeholders: &[&str]) -> Self {
        let given = self.given.iter().filter(|(name, _)| placeholders.contains(&name.as_str()));
        Self { given: given.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }

    /// The value of a placeholder in a language; `None` when there is none or it is empty.
    #[must_use]
    pub fn get(&self, lang: Lang, placeholder: &str) -> Option<&str> {
        self.given.get(placeholder).map(|names| names.get(lang)).filter(|value| !value.trim().is_empty())
    }
}
