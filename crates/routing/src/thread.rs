//! What residents wrote in one appeal, as it reads now: all of it as one text, in parts, and each message by itself.

use zholdary_domain::{Place, PlaceKind, Point, appeal::Finding, inbound::Content, message::Message};
use zholdary_triage::Input;

use crate::{
    Ruleset,
    further::{self, Edit},
};

/// Messages read as one.
#[derive(Debug, Default)]
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
        if let Some(text) = content.usable_text() {
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
    gives_point(message) || message.content().is_some_and(|content| content.usable_text().is_some())
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
    rules.triage.understand(&Said::from(content).input()).findings
}

/// Messages that are read as one.
#[derive(Debug, Default)]
struct Part {
    said: Said,
    /// Where each of them by itself says that something is.
    places: Vec<Place>,
}

/// What a thread tells part by part: a message that tells of a danger certainly elsewhere than the messages before it begins
/// another part. Nothing when it is one part.
pub(crate) fn parts(rules: &Ruleset, thread: &[Message]) -> Vec<Vec<Finding>> {
    let mut parts = vec![Part::default()];
    let mut current = 0;
    for content in thread.iter().filter_map(Message::content) {
        let mut told = alone(rules, content);
        told.retain(|f| f.place.kind != PlaceKind::None);
        if let Some(danger) = told.iter().find(|f| rules.city.is_danger(f)) {
            let fits = |part: &Part| {
                part.places.is_empty() || part.places.iter().any(|p| !further::are_apart(p, &danger.place))
            };
            current = parts.iter().rposition(fits).unwrap_or(parts.len());
            parts.resize_with(parts.len().max(current + 1), Part::default);
        }
        parts[current].said.add(content);
        parts[current].places.extend(told.into_iter().map(|f| f.place));
    }
    if parts.len() < 2 {
        return vec![];
    }
    parts.iter().map(|part| rules.triage.understand(&part.said.input()).findings).collect()
}
