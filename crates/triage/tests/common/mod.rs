//! The default city and the sample, read once a test binary.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use zholdary_city::{City, Files};
use zholdary_triage::Triage;

/// A folder of the project.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The default city.
pub(crate) fn city() -> &'static City {
    static CITY: OnceLock<City> = OnceLock::new();
    CITY.get_or_init(|| City::parse(&Files::from_entries(zholdary_testkit::shipped_city()).unwrap()).unwrap())
}

/// Its rules of understanding.
pub(crate) fn triage() -> &'static Triage {
    static TRIAGE: OnceLock<Triage> = OnceLock::new();
    TRIAGE.get_or_init(|| Triage::new(city()))
}

/// One line of the sample.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) lang: String,
    pub(crate) category: String,
    #[serde(default)]
    accept_category: Option<Codes>,
    #[serde(default)]
    pub(crate) also: Vec<String>,
    pub(crate) place: ExpectedPlace,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Codes {
    One(String),
    Many(Vec<String>),
}

/// The place of a line of the sample.
#[derive(Debug, Deserialize)]
pub(crate) struct ExpectedPlace {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) names: Vec<String>,
    pub(crate) district: Option<String>,
    pub(crate) house: Option<String>,
    pub(crate) number: Option<String>,
}

impl Case {
    /// Whether a category is one of the right ones.
    pub(crate) fn accepts(&self, code: &str) -> bool {
        self.category == code
            || match &self.accept_category {
                Some(Codes::One(one)) => one == code,
                Some(Codes::Many(many)) => many.iter().any(|one| one == code),
                None => false,
            }
    }
}

/// The shipped sample.
pub(crate) fn sample() -> Vec<Case> {
    let lines = std::fs::read_to_string(root("tests/samples/almaty/appeals-sample.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
