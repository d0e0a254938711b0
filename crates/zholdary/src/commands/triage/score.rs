//! How well texts are understood, measured on lines that say what is right. A key that a line does not have is not measured.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde::Deserialize;
use zholdary_city::City;
use zholdary_domain::appeal::Understanding;

/// What is right, in the keys of `tests/samples/almaty/appeals-sample.jsonl`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Right {
    category: Option<String>,
    #[serde(default)]
    accept_category: Codes,
    destination: Option<String>,
    #[serde(default)]
    accept_destination: Codes,
    place: Option<Place>,
    /// The same as `place.names`.
    names: Option<Vec<String>>,
    lang: Option<String>,
    danger: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Place {
    names: Option<Vec<String>>,
}

/// One code, or several of which each is right.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::commands) enum Codes {
    One(String),
    Many(Vec<String>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Many(vec![])
    }
}

impl From<Codes> for Vec<String> {
    fn from(codes: Codes) -> Self {
        match codes {
            Codes::One(one) => vec![one],
            Codes::Many(many) => many,
        }
    }
}

impl Codes {
    fn has(&self, code: &str) -> bool {
        match self {
            Self::One(one) => one == code,
            Self::Many(many) => many.iter().any(|one| one == code),
        }
    }
}

/// How many of how many were right.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    right: u32,
    all: u32,
}

impl Share {
    fn add(&mut self, is_right: bool) {
        self.all += 1;
        self.right += u32::from(is_right);
    }

    fn told(self) -> String {
        let Self { right, all } = self;
        if all == 0 {
            return "–".to_owned();
        }
        format!("{right} of {all} ({:.0} %)", f64::from(right) * 100.0 / f64::from(all))
    }
}

/// Bounds of the confidences that are told together.
const BOUNDS: [f64; 6] = [0.0, 0.5, 0.7, 0.8, 0.9, 1.01];
/// The most pairs of categories that are told.
const PAIRS: usize = 30;

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Score {
    category: Share,
    destination: Share,
    /// Texts with names: all of them found, and at most one more.
    names: Share,
    /// Texts without: none found.
    nameless: Share,
    lang: Share,
    /// Texts of which a danger must be heard.
    danger: Share,
    /// Texts that say that there is none.
    calm: Share,
    /// By confidence.
    sure: [Share; BOUNDS.len() - 1],
    confused: BTreeMap<(String, String), u32>,
    missed: Vec<(String, &'static str)>,
    texts: u32,
    took: Duration,
    slowest: Option<(Duration, String)>,
}

impl Score {
    /// Takes in what was understood of the text `id`, and where it goes.
    pub(super) fn add(
        &mut self,
        city: &City,
        id: &str,
        right: &Right,
        found: &Understanding,
        to: &str,
        took: Duration,
    ) {
        self.texts += 1;
        self.took += took;
        if self.slowest.as_ref().is_none_or(|(slowest, _)| took > *slowest) {
            self.slowest = Some((took, id.to_owned()));
        }
        let Some(main) = found.findings.first() else { return };
        let mut judge = |share: &mut Share, what, is_right: bool| {
            share.add(is_right);
            if !is_right {
                self.missed.push((id.to_owned(), what));
            }
        };
        if let Some(category) = &right.category {
            let is_right = *category == main.category || right.accept_category.has(&main.category);
            judge(&mut self.category, "category", is_right);
            let share = main.confidence.share();
            if let Some(bin) = BOUNDS.windows(2).position(|bounds| (bounds[0]..bounds[1]).contains(&share)) {
                self.sure[bin].add(is_right);
            }
            if !is_right {
                *self.confused.entry((category.clone(), main.category.clone())).or_default() += 1;
            }
        }
        if let Some(destination) = &right.destination {
            let is_of = |code: &str| {
                code == to
                    || city.party(code).is_some_and(|class| class.members.iter().any(|member| member == to))
            };
            judge(
                &mut self.destination,
                "destination",
                is_of(destination) || right.accept_destination.has(to),
            );
        }
        let names = right.place.as_ref().and_then(|place| place.names.as_ref()).or(right.names.as_ref());
        if let Some(names) = names {
            let all = names.iter().all(|name| main.place.names.contains(name));
            if names.is_empty() {
                judge(&mut self.nameless, "names", main.place.names.is_empty());
            } else {
                judge(&mut self.names, "names", all && main.place.names.len() <= names.len() + 1);
            }
        }
        if let Some(lang) = &right.lang {
            judge(&mut self.lang, "lang", found.lang.code() == lang);
        }
        match right.danger.or_else(|| is_danger(city, right.category.as_deref()?).then_some(true)) {
            Some(true) => judge(&mut self.danger, "danger", found.danger),
            Some(false) => judge(&mut self.calm, "calm", !found.danger),
            None => {}
        }
    }

    /// The tables.
    pub(super) fn told(&self) -> Result<String, std::fmt::Error> {
        let mut told = String::new();
        writeln!(told, "| what | right |\n| --- | --- |")?;
        for (what, share) in [
            ("category", self.category),
            ("destination", self.destination),
            ("names of places, at most one more", self.names),
            ("no name where there is none", self.nameless),
            ("language", self.lang),
            ("danger heard", self.danger),
            ("no danger where there is none", self.calm),
        ] {
            writeln!(told, "| {what} | {} |", share.told())?;
        }
        writeln!(told, "\n| confidence | category right |\n| --- | --- |")?;
        for (bounds, share) in BOUNDS.windows(2).zip(self.sure) {
            writeln!(told, "| {:.1} to {:.1} | {} |", bounds[0], bounds[1].min(1.0), share.told())?;
        }
        if !self.confused.is_empty() {
            writeln!(told, "\n| right | understood | times |\n| --- | --- | --- |")?;
            let mut confused: Vec<_> = self.confused.iter().collect();
            confused.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
            for ((right, found), times) in confused.into_iter().take(PAIRS) {
                writeln!(told, "| {right} | {found} | {times} |")?;
            }
        }
        let mut by_what: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for (id, what) in &self.missed {
            by_what.entry(what).or_default().push(id);
        }
        for (what, ids) in by_what {
            writeln!(told, "\n{what} missed: {}", ids.join(", "))?;
        }
        if let Some((slowest, id)) = &self.slowest {
            let rate = f64::from(self.texts) / self.took.as_secs_f64();
            let ms = slowest.as_secs_f64() * 1_000.0;
            writeln!(told, "\n{} texts, {rate:.0} a second; the slowest, {id}, took {ms:.1} ms", self.texts)?;
        }
        Ok(told)
    }
}

/// Whether nobody may miss what this category tells.
fn is_danger(city: &City, category: &str) -> bool {
    city.danger.categories_never_dropped.iter().any(|code| code == category)
        || city.category(category).is_some_and(|category| category.priority == "emergency")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use zholdary_routing::Ruleset;
    use zholdary_triage::Input;

    use super::*;
    use crate::system;

    /// What is measured of one text that is understood as a pothole.
    fn check(right: &Value, expected: &[&str]) {
        let rules = Ruleset::new(system::city(&system::city_files(None).unwrap()).unwrap());
        let text = "Яма на пересечении Толе би и Масанчи";
        let found = rules.triage.read(&Input { text, point: None, has_media: false }).understanding;
        let right = serde_json::from_value(right.clone()).unwrap();
        let mut score = Score::default();
        score.add(&rules.city, "a", &right, &found, "akimat-almaly", Duration::from_millis(1));
        let told = score.told().unwrap();
        for line in expected {
            assert!(told.contains(line), "{line} in\n{told}");
        }
    }

    #[test]
    fn what_a_line_says_is_measured() {
        let names = ["Толе би", "Масанчи"];
        let right = json!({ "category": "pothole", "destination": "district", "lang": "ru",
                            "place": { "names": names }, "danger": false });
        check(
            &right,
            &[
                "| category | 1 of 1 (100 %) |",
                "| destination | 1 of 1 (100 %) |",
                "| names of places, at most one more | 1 of 1 (100 %) |",
                "| no name where there is none | – |",
                "| language | 1 of 1 (100 %) |",
                "| no danger where there is none | 1 of 1 (100 %) |",
            ],
        );
    }

    #[test]
    fn what_is_missed_is_told_by_name() {
        let right = json!({ "category": "manhole_open", "destination": "operator", "lang": "kk",
                            "place": { "names": [] } });
        check(
            &right,
            &[
                "| category | 0 of 1 (0 %) |",
                "| danger heard | 0 of 1 (0 %) |",
                "| manhole_open | pothole | 1 |",
                "category missed: a",
                "destination missed: a",
                "lang missed: a",
                "names missed: a",
                "danger missed: a",
            ],
        );
        check(&json!({ "category": "manhole_open", "accept_category": "pothole" }), &["| category | 1 of 1"]);
    }
}
