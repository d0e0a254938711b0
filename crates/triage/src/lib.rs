//! Text in, understanding out: language, problems with reasons, place, danger.
//!
//! A [`Triage`] is prepared once from a [`City`] and then answers for one text at a time, as the city's `[matching]` rules say:
//! the place is found first and its names are cut out; what is left is compared with the stems of every category and weighed by
//! what was learnt of labelled texts, when the city has such weights. It
//! is pure (no clock, network or disk), so a case is a line of data, and the same text under the same rule
//! set always gives the same answer.
//!
//! Nothing about any one city is in the code: names, stems, letters and scores are the city's; the code has only the
//! grammar of Russian and Kazakh addresses.

mod apart;
mod categories;
mod cover;
mod denial;
mod forms;
mod house;
mod lang;
mod letters;
mod model;
mod names;
mod number;
mod own;
mod place;
mod stems;
mod text;
mod typos;
mod words;

use std::{collections::BTreeSet, sync::Arc};

use zholdary_city::{City, PieceSort};
use zholdary_domain::appeal::{Finding, Understanding};
use zholdary_domain::{PlaceKind, Point};

pub use cover::Cover;
pub use model::{Example, Fold, LearnError, Learned, learn};
pub use text::{Folded, MAX_CHARS};

use categories::{Categories, Evidence};
use cover::Covers;
use letters::Letters;
use names::{Mention, Names};
use place::Known;
use stems::Stems;
use text::Token;

/// Version of the code that understands. Changes whenever the same text may be understood in another way.
pub const VERSION: &str = "5";

/// A text to be understood, with what came beside it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The resident's words. After the first [`MAX_CHARS`] characters only dangers are looked for.
    pub text: &'a str,
    /// The point on the map, when one was sent.
    pub point: Option<Point>,
    /// Whether a photo, video or voice note came with it. Nothing is read from it yet.
    pub has_media: bool,
}

/// How many characters of a long text are read twice, so that no words are cut where its parts meet.
const OVERLAP_CHARS: usize = 400;

/// The first `most` characters.
fn up_to(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// An understanding and what rules ask of the text besides.
#[derive(Debug, Clone)]
pub struct Understood {
    /// What is recorded.
    pub understanding: Understanding,
    /// The mark on a manhole cover, for the condition `cover_mark` of a rule.
    pub cover: Option<Cover>,
    /// The text ready for [`Triage::has_stem`].
    pub folded: Folded,
}

/// A text as learning sees it.
struct Apart {
    pieces: Vec<(PieceSort, Box<str>)>,
    evidence: Evidence,
}

/// Which tokens are names of places.
fn names_of(tokens: &[Token], mentions: &[Mention]) -> Vec<bool> {
    let mut is_name = vec![false; tokens.len()];
    for mention in mentions {
        is_name[mention.start..mention.end].fill(true);
    }
    is_name
}

/// The tokens that are no names of places.
fn without<'a>(tokens: &'a [Token], is_name: &[bool]) -> Vec<&'a Token> {
    tokens.iter().zip(is_name).filter(|(_, name)| !**name).map(|(token, _)| token).collect()
}

/// A city's rules of understanding, prepared once. Cheap to share: `Arc<Triage>`.
#[derive(Debug)]
pub struct Triage {
    city: Arc<City>,
    letters: Letters,
    names: Names,
    categories: Categories,
    escalate: Stems,
    yard: Stems,
    covers: Covers,
}

impl Triage {
    /// Prepares a city's stems and names.
    #[must_use]
    pub fn new(city: &City) -> Self {
        Self::shared(Arc::new(city.clone()))
    }

    /// Prepares a city that is shared already.
    #[must_use]
    pub fn shared(city: Arc<City>) -> Self {
        let letters = Letters::new(&city.matching);
        let stems = |list: &[String]| Stems::new(list.iter().map(String::as_str), &letters);
        Self {
            names: Names::new(&city, &letters),
            categories: Categories::new(&city, &letters),
            escalate: stems(&city.escalate.stems),
            yard: stems(&city.place.yard_stems),
            covers: Covers::new(&city, &letters),
            letters,
            city,
        }
    }

    /// Understands a text: what, where, how urgent, in which language.
    #[must_use]
    pub fn understand(&self, input: &Input<'_>) -> Understanding {
        self.read(input).understanding
    }

    /// As [`understand`](Self::understand), with what rules ask of the text besides.
    #[must_use]
    pub fn read(&self, input: &Input<'_>) -> Understood {
        let own = own::words(input.text);
        let input = &Input { text: &own, ..*input };
        let mut understood = self.read_part(&Input { text: up_to(input.text, MAX_CHARS), ..*input });
        let Understanding { findings, danger, .. } = &mut understood.understanding;
        let mut rest = input.text;
        while up_to(rest, MAX_CHARS).len() < rest.len() {
            rest = &rest[up_to(rest, MAX_CHARS - OVERLAP_CHARS).len()..];
            let part = self.read_part(&Input { text: up_to(rest, MAX_CHARS), ..*input });
            for mut found in part.understanding.findings {
                if let Some(main) = findings.first().filter(|_| found.place.kind == PlaceKind::None) {
                    found.place = main.place.clone();
                }
                let is_known = |f: &Finding| f.category == found.category && f.place == found.place;
                if self.city.is_danger(&found) && !findings.iter().any(is_known) {
                    *danger = true;
                    findings.push(found);
                }
            }
        }
        understood
    }

    fn read_part(&self, input: &Input<'_>) -> Understood {
        let text = input.text;
        let folded = self.fold(text);
        let hit = input.point.and_then(|point| self.city.district_at(point.lon, point.lat));
        let point_district = hit
            .as_ref()
            .and_then(|hit| self.city.districts.iter().position(|district| district.code == hit.code));
        let mentions = self.names.find(&folded.tokens, &self.city, point_district);
        let is_name = names_of(&folded.tokens, &mentions);
        let cut = without(&folded.tokens, &is_name);
        let all: Vec<&Token> = folded.tokens.iter().collect();

        let known = Known { point: input.point, hit, yard: !self.yard.found(&cut, folded.latin).is_empty() };
        let problem = |at: usize| self.categories.begins_at(&all, at, folded.latin);
        let place = place::place(&self.city, &folded.tokens, &mentions, &known, &problem);

        let lifts = self.escalate.found_undenied(&cut, folded.latin);
        let problems = self.categories.problems(&self.city, &cut, folded.latin, !lifts.is_empty());
        let of_each = if known.point.is_some() {
            // One point was sent for all of them.
            None
        } else {
            let of_cut: Vec<usize> = (0..is_name.len()).filter(|at| !is_name[*at]).collect();
            let named = problems.iter().map(|one| apart::Named {
                at: one.at.iter().map(|at| of_cut[*at]).collect(),
                is_danger: self.city.is_never_dropped(one.category),
            });
            apart::mentions(&folded.tokens, &mentions, &named.collect::<Vec<_>>())
        };
        let place_of = |nth: usize| match of_each.as_ref().and_then(|own| own[nth].as_ref()) {
            Some(own) => place::place(&self.city, &folded.tokens, own, &known, &problem),
            None => place.clone(),
        };
        let findings: Vec<Finding> = problems
            .into_iter()
            .enumerate()
            .map(|(nth, problem)| {
                let category = &self.city.categories[problem.category];
                let mut because = problem.because;
                let mut priority = category.priority.clone();
                if let Some(stem) = lifts.first() {
                    let lifted = self.city.priority_steps(&priority, self.city.escalate.steps);
                    if let Some(lifted) = lifted.filter(|lifted| lifted.code != priority) {
                        priority.clone_from(&lifted.code);
                        because.push(format!("escalate: {}", self.city.escalate.stems[*stem]));
                    }
                }
                Finding {
                    category: category.code.clone(),
                    priority,
                    confidence: problem.confidence,
                    because,
                    place: place_of(nth),
                }
            })
            .collect();
        let danger = findings.iter().any(|finding| self.city.is_danger(finding));
        let understanding = Understanding {
            triage: VERSION.to_owned(),
            rules: self.city.version.as_str().to_owned(),
            lang: lang::language(&folded, &is_name),
            danger,
            findings,
            names_number: number::find(text, &folded.tokens, &self.city),
        };
        Understood { understanding, cover: self.covers.find(&folded), folded }
    }

    /// What learning needs of a text: its pieces, once each, and what the stems say of it.
    fn taken_apart(&self, text: &str) -> Apart {
        let folded = self.fold(up_to(&own::words(text), MAX_CHARS));
        let mentions = self.names.find(&folded.tokens, &self.city, None);
        let cut = without(&folded.tokens, &names_of(&folded.tokens, &mentions));
        let evidence = self.categories.evidence(&self.city, &cut, folded.latin);
        let mut pieces = BTreeSet::new();
        model::visit(&cut, folded.latin, |sort, piece| {
            pieces.insert((sort, piece.into()));
        });
        Apart { pieces: pieces.into_iter().collect(), evidence }
    }

    /// Prepares a text for [`has_stem`](Self::has_stem).
    #[must_use]
    pub fn fold(&self, text: &str) -> Folded {
        Folded::new(text, &self.letters)
    }

    /// Whether any of these stems is in a text, names of places included: the condition `stems` of a rule.
    #[must_use]
    pub fn has_stem(&self, text: &Folded, stems: &[String]) -> bool {
        let stems = Stems::new(stems.iter().map(String::as_str), &self.letters);
        let tokens: Vec<&Token> = text.tokens.iter().collect();
        !stems.found(&tokens, text.latin).is_empty()
    }

    /// The mark on a manhole cover that a text names, for the condition `cover_mark` of a rule.
    #[must_use]
    pub fn cover_mark(&self, text: &Folded) -> Option<Cover> {
        self.covers.find(text)
    }
}
