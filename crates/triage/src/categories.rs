//! What a text is about: the scores of `city.toml [matching]`.

use zholdary_city::City;
use zholdary_domain::appeal::Permille;

use crate::denial::{What, is_denied};
use crate::letters::Letters;
use crate::stems::Stems;
use crate::text::Token;
use crate::typos::{self, Typos};

/// Most reasons kept with a finding.
const MOST_REASONS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Phrase,
    Stem,
    Weak,
    Not,
}

/// Takes back a part of what was said before it, or asks for more. Russian, and Kazakh folded.
const BUT: &[&str] = &[
    "но",
    "однако",
    "осталось",
    "остались",
    "остался",
    "теперь",
    "еще",
    "также",
    "просим",
    "прошу",
    "бирак",
    "алайда",
    "енди",
    "тагы",
    "отинем",
    "отиниш",
];

/// A problem found in a text, before place and priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Place of the category in the city's list.
    pub(crate) category: usize,
    pub(crate) confidence: Permille,
    /// Stems and phrases that hit, as the city writes them.
    pub(crate) because: Vec<String>,
}

/// The stems of every category.
#[derive(Debug, Clone)]
pub(crate) struct Categories {
    stems: Stems,
    owners: Vec<(usize, Sort, String)>,
    pairs: Pairs,
    typos: Typos,
}

/// Things and what is wrong with them.
#[derive(Debug, Clone)]
struct Pairs {
    stems: Stems,
    /// Of each stem its pair, and on which side of it it stands.
    owners: Vec<(usize, Side, String)>,
    /// The category of each pair.
    categories: Vec<usize>,
    words: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Of,
    Is,
}

impl Pairs {
    fn new(city: &City, letters: &Letters) -> Self {
        let (mut owners, mut categories) = (Vec::new(), Vec::new());
        for (at, category) in city.categories.iter().enumerate() {
            for pair in &category.pairs {
                for (side, list) in [(Side::Of, &pair.of), (Side::Is, &pair.is)] {
                    owners.extend(list.iter().map(|text| (categories.len(), side, text.clone())));
                }
                categories.push(at);
            }
        }
        let stems = Stems::new(owners.iter().map(|(_, _, text)| text.as_str()), letters);
        Self { stems, owners, categories, words: city.matching.pair_words }
    }

    /// The pairs in a text, each once: its category and its two stems as the city writes them.
    fn found(&self, tokens: &[&Token], latin: bool) -> Vec<(usize, [&str; 2])> {
        // Where each stem of a pair was seen last, by side.
        let mut last: Vec<[Option<(usize, &str)>; 2]> = vec![[None; 2]; self.categories.len()];
        let mut pairs: Vec<Option<[&str; 2]>> = vec![None; self.categories.len()];
        for at in 0..tokens.len() {
            self.stems.at(tokens, at, latin, |id, length| {
                let (pair, side, text) = &self.owners[id];
                let denied = *side == Side::Is && is_denied(tokens, at, length, What::State);
                if !denied {
                    last[*pair][*side as usize] = Some((at, text));
                }
            });
            for (last, pair) in last.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                if let [Some((of, thing)), Some((is, wrong))] = *last
                    && of.abs_diff(is) <= self.words
                {
                    *pair = Some([thing, wrong]);
                }
            }
        }
        self.categories.iter().copied().zip(pairs).filter_map(|(at, pair)| Some((at, pair?))).collect()
    }
}

impl Categories {
    pub(crate) fn new(city: &City, letters: &Letters) -> Self {
        let mut owners = Vec::new();
        for (at, category) in city.categories.iter().enumerate() {
            for (sort, list) in [
                (Sort::Phrase, &category.phrases),
                (Sort::Stem, &category.stems),
                (Sort::Weak, &category.weak),
                (Sort::Not, &category.not),
            ] {
                // Each entry of a list is a hit of its own, also where two of them fold to the same word.
                owners.extend(list.iter().map(|text| (at, sort, text.clone())));
            }
        }
        let stems = Stems::new(owners.iter().map(|(_, _, text)| text.as_str()), letters);
        let long = owners.iter().enumerate().filter(|(_, (_, sort, _))| *sort == Sort::Stem);
        let typos = Typos::new(long.map(|(id, (_, _, text))| (id, text.as_str())), letters);
        Self { stems, owners, pairs: Pairs::new(city, letters), typos }
    }

    /// Whether a problem is named at a token: a stem or phrase of some category begins there.
    pub(crate) fn begins_at(&self, tokens: &[&Token], at: usize, latin: bool) -> bool {
        at < tokens.len()
            && self.any_at(tokens, at, latin, |sort, _| matches!(sort, Sort::Phrase | Sort::Stem))
    }

    /// Whether a token is a word of ours, whatever it says: it is no other one misspelt. A few letters are the beginning of many.
    fn is_known(&self, tokens: &[&Token], at: usize, latin: bool) -> bool {
        self.any_at(tokens, at, latin, |sort, text| {
            matches!(sort, Sort::Phrase | Sort::Stem) || text.chars().count() >= typos::SHORTEST
        })
    }

    /// Whether one that begins at a token `is` so.
    fn any_at(&self, tokens: &[&Token], at: usize, latin: bool, is: impl Fn(Sort, &str) -> bool) -> bool {
        let mut any = false;
        self.stems.at(tokens, at, latin, |id, _| {
            let (_, sort, text) = &self.owners[id];
            any |= is(*sort, text);
        });
        any
    }

    /// The problems of a text, the main one first; never empty.
    pub(crate) fn problems(&self, city: &City, tokens: &[&Token], latin: bool) -> Vec<Problem> {
        let matching = &city.matching;
        let mut scores = vec![0_u32; city.categories.len()];
        let mut removed = vec![false; city.categories.len()];
        let mut has_phrase = vec![false; city.categories.len()];
        let mut because: Vec<Vec<String>> = vec![Vec::new(); city.categories.len()];
        let mut found = self.stems.found(tokens, latin);
        found.extend(self.typos.found(tokens, latin, |at| self.is_known(tokens, at, latin)));
        for id in found {
            let (category, sort, text) = &self.owners[id];
            let score = match sort {
                Sort::Phrase => {
                    has_phrase[*category] = true;
                    matching.score.phrase
                }
                Sort::Stem => matching.score.stem,
                Sort::Weak => matching.score.weak,
                Sort::Not => {
                    removed[*category] = true;
                    continue;
                }
            };
            scores[*category] += score;
            if because[*category].len() < MOST_REASONS && !because[*category].contains(text) {
                because[*category].push(text.clone());
            }
        }
        for (category, [thing, wrong]) in self.pairs.found(tokens, latin) {
            // A phrase may have said the same.
            if !has_phrase[category] {
                scores[category] += matching.score.phrase;
            }
            because[category].push(format!("{thing} + {wrong}"));
        }
        let below = city.categories.iter().position(|category| category.code == matching.below);
        let mut order: Vec<usize> =
            (0..scores.len()).filter(|at| !removed[*at] && scores[*at] > 0 && Some(*at) != below).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(scores[*at]), city.categories[*at].rank, *at));
        let most_urgent = city.priorities.first().map(|priority| priority.code.as_str());
        let emergency = |at: usize| Some(city.categories[at].priority.as_str()) == most_urgent;
        let never_dropped =
            |at: usize| city.danger.categories_never_dropped.contains(&city.categories[at].code);
        let is_enough = |at: &usize| scores[*at] >= matching.min_score;
        let first = order.first().copied().filter(is_enough);
        // Asked beside what is wrong.
        let is_asked = |at: usize| city.categories[at].yields;
        let is_wrong = |at: &usize| is_enough(at) && city.categories[*at].needs_place && !is_asked(*at);
        let first = match first {
            Some(first) if is_asked(first) => order.iter().copied().find(is_wrong).or(Some(first)),
            first => first,
        };
        let danger = order.iter().copied().find(|at| never_dropped(*at) && is_enough(at));
        let main = match (first, danger) {
            (Some(first), _) if emergency(first) => Some(first),
            (_, Some(danger)) => Some(danger),
            (first, None) => first,
        };
        let Some(main) = main else {
            let category = below.unwrap_or(0);
            return vec![Problem { category, confidence: Permille(0), because: Vec::new() }];
        };
        let runner_up = order.iter().find(|at| **at != main).map_or(0, |at| scores[*at]);
        let mut problems = vec![Problem {
            category: main,
            confidence: confidence(scores[main], runner_up, matching.min_score, matching.score.phrase),
            because: std::mem::take(&mut because[main]),
        }];
        // «Thanks, but»: what follows is asked for.
        let alone = city.categories[main].alone && !tokens.iter().any(|token| token.is(BUT));
        let also = |at: &usize| {
            let counts = scores[*at] >= matching.also_score && !alone;
            *at != main && (counts || (never_dropped(*at) && is_enough(at)))
        };
        for at in order.into_iter().filter(also) {
            problems.push(Problem {
                category: at,
                confidence: beside(scores[at], scores[main], matching.min_score),
                because: std::mem::take(&mut because[at]),
            });
        }
        problems
    }
}

/// How sure the main problem is: grows with its score and with the lead over the runner-up, and never reaches 1.
///
/// `(1 - 0.3^(score / min_score)) × (0.55 + 0.45 × lead / phrase)`, the lead from 0 to one phrase. One stem alone is
/// 0.62, one phrase alone 0.80, a tie of two phrases 0.44. No probability: a measure by which less sure decisions come to a
/// person first.
fn confidence(score: u32, runner_up: u32, min_score: u32, phrase: u32) -> Permille {
    let lead = f64::from(score.saturating_sub(runner_up)) / f64::from(phrase.max(1));
    Permille::of(strength(score, min_score) * (0.55 + 0.45 * lead.min(1.0)))
}

/// How sure a further problem is: by its own score, and by how near that comes to the main one's.
fn beside(score: u32, main: u32, min_score: u32) -> Permille {
    let part = f64::from(score) / f64::from(main.max(1));
    Permille::of(strength(score, min_score) * (0.55 + 0.45 * part.min(1.0)))
}

fn strength(score: u32, min_score: u32) -> f64 {
    1.0 - 0.3_f64.powf(f64::from(score) / f64::from(min_score.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_grows_with_score_and_lead() {
        let of = |score, runner_up| confidence(score, runner_up, 3, 4);
        for score in 3..40 {
            for runner_up in 0..score {
                assert!(of(score + 1, runner_up) >= of(score, runner_up));
                assert!(of(score, runner_up) >= of(score, runner_up + 1));
                assert!(of(score, runner_up) < Permille(1000) || score > 15);
            }
        }
        assert_eq!(of(3, 0), Permille(621));
        assert_eq!(of(4, 0), Permille(799));
    }
}
