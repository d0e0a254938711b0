//! What residents wrote in one appeal, as it reads now: all of it as one text, in parts, and each message by itself.

use std::collections::BTreeSet;

use zholdary_domain::{Place, PlaceKind, Point, appeal::Finding, inbound::Content, message::Message};
use zholdary_triage::{Input, Understood};

use crate::{
    Ruleset,
    further::{self, Edit},
};

/// Messages read as one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) text: String,
    point: Option<Point>,
    has_media: bool,
}

impl From<&Content> for Said {
    fn from(content: &Content) -> Self {
        let mut said = Self::default();
        said.add(content);
        said
    }
}

impl Said {
    pub(crate) fn of<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        let mut said = Self::default();
        messages.into_iter().filter_map(Message::content).for_each(|content| said.add(content));
        said
    }

    fn add(&mut self, content: &Content) {
        // «Яма на Абая 45», and below it only «см. фото».
        for text in content.opening_subject().into_iter().chain(content.usable_text()) {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(text);
        }
        if let Some(point) = &content.point {
            self.point = Some(*point.reveal());
        }
        self.has_media |= !content.attachments.is_empty();
    }

    pub(crate) fn input(&self) -> Input<'_> {
        Input { text: &self.text, point: self.point, has_media: self.has_media }
    }
}

pub(crate) fn gives_point(message: &Message) -> bool {
    message.content().is_some_and(|content| content.point.is_some())
}

pub(crate) fn says_anything(message: &Message) -> bool {
    gives_point(message) || message.content().is_some_and(Content::has_words)
}

/// What a message that was edited tells by itself, now and before its last edit.
pub(crate) fn edit(rules: &Ruleset, message: &Message) -> Edit {
    let Some((before, now)) = message.before_its_last_edit().zip(message.content()) else {
        return Edit::default();
    };
    Edit { says: alone(rules, now), said: alone(rules, before) }
}

/// What a message that says this tells by itself.
pub(crate) fn alone(rules: &Ruleset, content: &Content) -> Vec<Finding> {
    read(rules, content).understanding.findings
}

/// What a message that says this tells by itself, with all that rules ask of it.
pub(crate) fn read(rules: &Ruleset, content: &Content) -> Understood {
    rules.triage.read(&Said::from(content).input())
}

/// What a message tells after what was said `before`: one that names no problem by itself, as `alone` was read, speaks of what there
/// is («a child fell in there»), and tells the dangers that were none before it.
pub(crate) fn after(rules: &Ruleset, before: &Said, content: &Content, alone: Understood) -> Understood {
    if before.text.is_empty() || names_a_problem(rules, &alone) {
        return alone;
    }
    let mut both = before.clone();
    both.add(content);
    let known = rules.triage.understand(&before.input()).findings;
    let mut understood = rules.triage.read(&both.input());
    understood.understanding.findings.retain(|f| !further::is_among(&rules.city, f, &known));
    understood
}

pub(crate) fn names_a_problem(rules: &Ruleset, understood: &Understood) -> bool {
    understood.understanding.findings.iter().any(|finding| rules.city.is_problem(finding))
}

/// Messages that are read as one.
#[derive(Debug, Default)]
struct Part {
    said: Said,
    /// Where each of them by itself says that something is.
    places: Vec<Place>,
    /// The problems that they tell, by category.
    problems: BTreeSet<String>,
}

impl Part {
    fn is_there(&self, place: &Place) -> bool {
        self.places.is_empty() || self.places.iter().any(|p| !further::are_apart(p, place))
    }
}

/// What a thread tells part by part: a message that tells of a danger, or of a problem that no message told before, certainly
/// elsewhere than the messages before it begins another part. Nothing when it is one part.
pub(crate) fn parts(rules: &Ruleset, thread: &[Message]) -> Vec<Vec<Finding>> {
    let city = &rules.city;
    let mut parts = vec![Part::default()];
    let mut current = 0;
    for content in thread.iter().filter_map(Message::content) {
        let mut told = alone(rules, content);
        told.retain(|f| f.place.kind != PlaceKind::None);
        let danger = told.iter().find(|f| city.is_danger(f));
        if let Some(main) = danger.or_else(|| told.iter().find(|f| city.is_problem(f))) {
            let more = |part: &Part| danger.is_none() && part.problems.contains(&main.category);
            let fits = |part: &Part| part.is_there(&main.place) || more(part);
            current = parts.iter().rposition(fits).unwrap_or(parts.len());
            parts.resize_with(parts.len().max(current + 1), Part::default);
        }
        let part = &mut parts[current];
        part.said.add(content);
        part.problems.extend(told.iter().filter(|f| city.is_problem(f)).map(|f| f.category.clone()));
        part.places.extend(told.into_iter().map(|f| f.place));
    }
    if parts.len() < 2 {
        return vec![];
    }
    parts.iter().map(|part| rules.triage.understand(&part.said.input()).findings).collect()
}
