//! What a text is about: the scores of `city.toml [matching]`.

use zholdary_city::City;
use zholdary_domain::appeal::Permille;

use crate::denial::{What, is_denied};
use crate::letters::Letters;
use crate::model::Model;
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
    /// The tokens at which it is named.
    pub(crate) at: Vec<usize>,
}

/// What the stems say of a text.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The score of each category.
    pub(crate) scores: Vec<u32>,
    /// The categories that have a score and that nothing removed, the greatest first.
    order: Vec<usize>,
    /// Of each category its stems and phrases that hit.
    because: Vec<Vec<String>>,
    /// Of each category the tokens at which a stem, a phrase or the thing of a pair names it.
    named: Vec<Vec<usize>>,
    /// Whether a pair of the category is there: what is thanked for was done.
    paired: Vec<bool>,
    /// The main one and how sure they are, when one reaches the least score.
    pub(crate) main: Option<(usize, Permille)>,
    /// The category of what reaches no score.
    pub(crate) below: usize,
}

impl Evidence {
    /// Whether the stems of a category reach the least score.
    pub(crate) fn is_enough(&self, city: &City, category: usize) -> bool {
        self.scores[category] >= city.matching.min_score
    }

    /// How sure stems alone are that a category is the main one.
    fn confidence(&self, city: &City, main: usize) -> Permille {
        let runner_up = self.order.iter().find(|at| **at != main).map_or(0, |at| self.scores[*at]);
        confidence(self.scores[main], runner_up, city.matching.min_score, city.matching.score.phrase)
    }

    /// What thanks, the `main` thing, mean beside a problem that is named as well; nothing where it is said that it was done, or
    /// where all of it is what the thanks are for: «thank you for the new road».
    fn beside_thanks(&self, city: &City, tokens: &[&Token], main: usize) -> Option<Beside> {
        if !city.categories[main].alone || self.paired[main] {
            return None;
        }
        let is_else = |at: &usize| self.is_enough(city, *at) && !city.categories[*at].alone;
        let other = self.order.iter().copied().find(is_else)?;
        let thanks = *self.named[main].iter().min()?;
        // A word that is misspelt names nothing, and may stand anywhere.
        let named = &self.named[other];
        let last = named.iter().max().copied().unwrap_or_default();
        let till = tokens.get(thanks..=last).unwrap_or_default();
        let is_for_it = till.last().is_some_and(|end| end.clause == till[0].clause)
            && till.iter().any(|word| word.is(&["за"]));
        if is_for_it && named.iter().all(|at| *at > thanks) {
            return None;
        }
        // More than a word of thanks may be for what stands before it, in Kazakh above all, where the verb comes last.
        let is_polite = self.scores[main] <= city.matching.score.stem && named.iter().any(|at| *at < thanks);
        Some(if is_polite { Beside::Polite(other) } else { Beside::Unclear })
    }

    /// How strong the stems of each category are: 0 to 1, and 0 of what another stem removed.
    pub(crate) fn strengths(&self, min_score: u32) -> Vec<f64> {
        let mut strengths = vec![0.0; self.scores.len()];
        for at in &self.order {
            strengths[*at] = strength(self.scores[*at], min_score);
        }
        strengths
    }
}

/// What thanks mean beside a problem.
#[derive(Debug, Clone, Copy)]
enum Beside {
    /// A closing word: «…, thank you». The problem is what the text is about.
    Polite(usize),
    /// It may be thanked for, or asked for: a person reads it.
    Unclear,
}

/// How sure it is that thanks beside a problem are thanks.
const UNCLEAR: Permille = Permille(1);

/// What stems decide together with what was learnt.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) category: usize,
    /// The probability of each category.
    pub(crate) shares: Vec<f64>,
    /// The words that weighed most.
    pub(crate) because: Vec<String>,
    /// Dangers that are likely enough to be told besides, with theirs.
    pub(crate) seen: Vec<(usize, Vec<String>)>,
}

/// Probability below which a danger that stems hear is told beside the main problem and not before it.
const UNLIKELY: f64 = 0.02;
/// Probability below which what stems name is no further problem beside a main one that no stem names.
const OVERRULED: f64 = 0.1;

/// The stems of every category, and what was learnt.
#[derive(Debug, Clone)]
pub(crate) struct Categories {
    model: Option<Model>,
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

    /// The pairs in a text, each once: its category and its two stems as the city writes them. Calls `thing_at` with each category of a pair and
    /// the token at which its thing stands.
    fn found(
        &self,
        tokens: &[&Token],
        latin: bool,
        mut thing_at: impl FnMut(usize, usize),
    ) -> Vec<(usize, [&str; 2])> {
        // Where each stem of a pair was seen last, by side.
        let mut last: Vec<[Option<(usize, &str)>; 2]> = vec![[None; 2]; self.categories.len()];
        let mut pairs: Vec<Option<[&str; 2]>> = vec![None; self.categories.len()];
        for at in 0..tokens.len() {
            self.stems.at(tokens, at, latin, |id, length| {
                let (pair, side, text) = &self.owners[id];
                if *side == Side::Of {
                    thing_at(self.categories[*pair], at);
                }
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
        Self { model: Model::new(city), stems, owners, pairs: Pairs::new(city, letters), typos }
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

    /// What the stems say of a text.
    pub(crate) fn evidence(&self, city: &City, tokens: &[&Token], latin: bool) -> Evidence {
        let matching = &city.matching;
        let mut scores = vec![0_u32; city.categories.len()];
        let mut removed = vec![false; city.categories.len()];
        let mut has_phrase = vec![false; city.categories.len()];
        let mut because: Vec<Vec<String>> = vec![Vec::new(); city.categories.len()];
        let mut named: Vec<Vec<usize>> = vec![Vec::new(); city.categories.len()];
        let mut seen = vec![false; self.owners.len()];
        for at in 0..tokens.len() {
            self.stems.at(tokens, at, latin, |id, _| {
                seen[id] = true;
                let (category, sort, _) = &self.owners[id];
                if matches!(sort, Sort::Phrase | Sort::Stem) {
                    named[*category].push(at);
                }
            });
        }
        let mut found: Vec<usize> =
            seen.iter().enumerate().filter_map(|(id, seen)| seen.then_some(id)).collect();
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
        let mut paired = vec![false; city.categories.len()];
        let pairs = self.pairs.found(tokens, latin, |category, at| named[category].push(at));
        for (category, [thing, wrong]) in pairs {
            paired[category] = true;
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
        let is_enough = |at: &usize| scores[*at] >= matching.min_score;
        let first = order.first().copied().filter(is_enough);
        // Asked beside what is wrong.
        let is_asked = |at: usize| city.categories[at].yields;
        let is_wrong = |at: &usize| is_enough(at) && city.categories[*at].needs_place && !is_asked(*at);
        let first = match first {
            Some(first) if is_asked(first) => order.iter().copied().find(is_wrong).or(Some(first)),
            first => first,
        };
        let mut evidence =
            Evidence { scores, order, because, named, paired, main: None, below: below.unwrap_or(0) };
        evidence.main = first.map(|main| (main, evidence.confidence(city, main)));
        evidence
    }

    /// The problems of a text, the main one first; never empty. `lifted`: the text has words that lift the priority of any.
    pub(crate) fn problems(&self, city: &City, tokens: &[&Token], latin: bool, lifted: bool) -> Vec<Problem> {
        let matching = &city.matching;
        let mut evidence = self.evidence(city, tokens, latin);
        let learnt = self.model.as_ref().map(|model| model.judge(city, tokens, latin, &evidence));
        let below = evidence.below;
        let is_named = |at: usize| evidence.is_enough(city, at);
        // Of what was no category when weights were learnt stems alone decide.
        let is_new = |at: usize| city.weights.as_ref().is_some_and(|weights| !weights.knows(at));
        let first = match &learnt {
            Some(verdict) if !evidence.main.is_some_and(|(at, _)| is_new(at)) => (verdict.category != below)
                .then(|| (verdict.category, Permille::of(verdict.shares[verdict.category]))),
            _ => evidence.main,
        };
        let share = |at: usize| learnt.as_ref().filter(|_| !is_new(at)).map(|verdict| verdict.shares[at]);
        // What is decided without a stem puts away what stems say and nobody believes.
        let overruled = |at: usize| {
            first.is_some_and(|(first, _)| !is_named(first))
                && share(at).is_some_and(|share| share < OVERRULED)
        };
        let most_urgent = city.priorities.first().map(|priority| priority.code.as_str());
        let priority = |at: usize| city.categories[at].priority.as_str();
        let emergency = |at: usize| Some(priority(at)) == most_urgent;
        let danger = evidence.order.iter().copied().find(|at| city.is_never_dropped(*at) && is_named(*at));
        // More than a phrase says so: no other problem beside it makes it unlikely.
        let said = |at: usize| evidence.scores[at] > matching.score.phrase;
        let likely = danger
            .filter(|at| first.is_none() || said(*at) || share(*at).is_none_or(|share| share >= UNLIKELY));
        let (main, sure) = match (first, likely) {
            (Some((first, sure)), _) if emergency(first) => (first, sure),
            (_, Some(danger)) => (danger, evidence.confidence(city, danger)),
            (Some(first), None) => first,
            (None, None) => {
                return vec![Problem {
                    category: below,
                    confidence: Permille(0),
                    because: Vec::new(),
                    at: Vec::new(),
                }];
            }
        };
        let thanks = evidence.beside_thanks(city, tokens, main);
        let (main, sure) = match thanks {
            Some(Beside::Polite(problem)) => (problem, evidence.confidence(city, problem)),
            Some(Beside::Unclear) => (main, UNCLEAR),
            None => (main, sure),
        };
        let lifts = |at: usize| {
            let steps = city.escalate.steps;
            lifted
                && city
                    .priority_steps(priority(at), steps)
                    .is_some_and(|to| Some(to.code.as_str()) == most_urgent)
        };
        // «Thanks, but»: what follows is asked for.
        let alone = city.categories[main].alone && !tokens.iter().any(|token| token.is(BUT));
        let is_also = |at: &usize| {
            let counts = evidence.scores[*at] >= matching.also_score && !alone && !overruled(*at);
            counts || (is_named(*at) && (city.is_never_dropped(*at) || lifts(*at)))
        };
        let of_stems = |at: usize| beside(evidence.scores[at], evidence.scores[main], matching.min_score);
        let named = evidence.order.iter().copied().filter(is_also).map(|at| (at, of_stems(at)));
        let seen = learnt.iter().flat_map(|verdict| &verdict.seen).map(|(at, _)| *at);
        let seen = seen.map(|at| (at, Permille::of(share(at).unwrap_or_default())));
        let mut found: Vec<(usize, Permille)> = vec![(main, sure)];
        for one in first.into_iter().chain(named).chain(seen) {
            let is_polite = matches!(thanks, Some(Beside::Polite(_))) && city.categories[one.0].alone;
            if !is_polite && found.iter().all(|(known, _)| *known != one.0) {
                found.push(one);
            }
        }
        let reasons = |at: usize| {
            let learnt = learnt.as_ref()?;
            if learnt.category == at {
                return Some(&learnt.because);
            }
            learnt.seen.iter().find(|(seen, _)| *seen == at).map(|(_, because)| because)
        };
        let problems = found.into_iter().map(|(category, confidence)| Problem {
            category,
            confidence,
            at: std::mem::take(&mut evidence.named[category]),
            because: std::mem::take(&mut evidence.because[category])
                .into_iter()
                .chain(reasons(category).into_iter().flatten().cloned())
                .collect(),
        });
        problems.collect()
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
    1.0 - libm::pow(0.3, f64::from(score) / f64::from(min_score.max(1)))
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
