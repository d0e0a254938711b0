//! Weights of pieces, learnt of labelled texts, beside the city's stems.

mod learn;
mod pieces;

use std::collections::HashMap;

use zholdary_city::{City, Join, Piece, PieceSort, Weights};

use crate::categories::{Evidence, Verdict};
use crate::denial::{What, is_denied};
use crate::text::Token;

pub use learn::{Example, Fold, LearnError, Learned, learn};
pub(crate) use pieces::visit;

/// Most pieces told as reasons.
const MOST_REASONS: usize = 3;
/// Probability from which a danger that weights see is believed against a denial: «the cover is not there» denies nothing.
const CERTAIN: f64 = 0.8;
/// Probability from which a danger that only weights see is told beside the main problem.
const HEARD: f64 = 0.35;
/// Probability from which the next category is told as near.
const NEAR: f64 = 0.1;
/// Stands before the next category and its probability among the reasons of a finding.
const NEXT: &str = "near: ";
/// Stands before a piece among the reasons of a finding.
const LEARNT: &str = "≈ ";

/// Weights, prepared to be looked up.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Of each sort: its pieces, by their place in the list.
    places: [HashMap<Box<str>, usize>; PieceSort::ALL.len()],
    /// One for each category of each piece, in the order of the list.
    weights: Vec<i8>,
    bias: Vec<i32>,
    join: Join,
}

/// What weights say of a text.
#[derive(Debug, Clone)]
struct Opinion {
    /// The natural logarithm of the probability of each category.
    ln: Vec<f64>,
    /// The pieces of the text that are known, once each.
    known: Vec<usize>,
}

impl Model {
    pub(crate) fn new(city: &City) -> Option<Self> {
        let from = city.weights.as_ref()?;
        let mut places: [HashMap<Box<str>, usize>; PieceSort::ALL.len()] = Default::default();
        for (at, piece) in from.pieces.iter().enumerate() {
            places[piece.sort as usize].insert(piece.text.as_str().into(), at);
        }
        let weights = from.pieces.iter().flat_map(|piece| &piece.weights).copied().collect();
        Some(Self { places, weights, bias: from.bias.clone(), join: from.join })
    }

    /// What the weights say of a text whose names of places are cut out.
    fn opinion(&self, tokens: &[&Token], latin: bool) -> Opinion {
        let mut known = Vec::new();
        let mut seen = vec![false; self.weights.len() / self.bias.len().max(1)];
        pieces::visit(tokens, latin, |sort, text| {
            if let Some(at) = self.places[sort as usize].get(text)
                && !std::mem::replace(&mut seen[*at], true)
            {
                known.push(*at);
            }
        });
        let mut sums = vec![0_i32; self.bias.len()];
        for at in &known {
            for (sum, weight) in sums.iter_mut().zip(self.of(*at)) {
                *sum += i32::from(*weight);
            }
        }
        let root = f64::from(root(known.len()));
        let score = |(sum, bias): (&i32, &i32)| Weights::UNIT * (f64::from(*sum) / root + f64::from(*bias));
        let scores: Vec<f64> = sums.iter().zip(&self.bias).map(score).collect();
        Opinion { ln: ln_softmax(&scores), known }
    }

    /// What the pieces of one word say of a category, together.
    fn leaning(&self, token: &Token, latin: bool, category: usize) -> i32 {
        let mut sum = 0;
        pieces::visit(&[token], latin, |sort, text| {
            let known = (sort != PieceSort::Length).then(|| self.places[sort as usize].get(text)).flatten();
            sum += known.map_or(0, |at| i32::from(self.of(*at)[category]));
        });
        sum
    }

    fn of(&self, piece: usize) -> &[i8] {
        let size = self.bias.len();
        &self.weights[piece * size..(piece + 1) * size]
    }

    /// What both together make the main problem.
    pub(crate) fn judge(&self, city: &City, tokens: &[&Token], latin: bool, evidence: &Evidence) -> Verdict {
        let opinion = self.opinion(tokens, latin);
        let strengths = evidence.strengths(city.matching.min_score);
        let mut shares: Vec<f64> =
            joined(self.join, &opinion.ln, &strengths).into_iter().map(libm::exp).collect();
        let pieces = city.weights.as_ref().map_or(&[][..], |weights| &weights.pieces);
        // «The wire is not torn»: stems know what is denied, weights do not.
        let is_denied = |category: usize| {
            (0..tokens.len()).any(|at| {
                is_denied(tokens, at, 1, What::State) && self.leaning(tokens[at], latin, category) > 0
            })
        };
        for category in (0..shares.len()).filter(|at| city.is_never_dropped(*at)) {
            let seen = (NEAR..CERTAIN).contains(&shares[category]);
            if seen && !evidence.is_enough(city, category) && is_denied(category) {
                shares[category] = 0.0;
            }
        }
        let because = |category: usize| -> Vec<String> {
            let told = self.heaviest(pieces, &opinion, category).into_iter();
            told.map(|piece| format!("{LEARNT}{piece}")).collect()
        };
        let category = greatest(&shares);
        let seen = (0..shares.len())
            .filter(|at| *at != category && city.is_never_dropped(*at) && shares[*at] >= HEARD)
            .map(|at| (at, because(at)))
            .collect();
        let mut because = because(category);
        let mut others = shares.clone();
        others[category] = 0.0;
        let next = greatest(&others);
        if others[next] >= NEAR {
            because.push(format!("{NEXT}{} {:.2}", city.categories[next].code, others[next]));
        }
        Verdict { category, because, shares, seen }
    }

    /// The words of a text that said most for a category, the heaviest first. Parts of words say little to who reads: they are told
    /// where no word did.
    fn heaviest<'a>(&self, pieces: &'a [Piece], opinion: &Opinion, category: usize) -> Vec<&'a str> {
        let of = |sorts: &[PieceSort]| -> Vec<&'a str> {
            let mut known: Vec<(usize, i8)> = opinion
                .known
                .iter()
                .filter(|piece| sorts.contains(&pieces[**piece].sort))
                .map(|piece| (*piece, self.of(*piece)[category]))
                .filter(|(_, weight)| *weight > 0)
                .collect();
            known.sort_by_key(|(piece, weight)| (std::cmp::Reverse(*weight), *piece));
            known.into_iter().take(MOST_REASONS).map(|(piece, _)| pieces[piece].text.as_str()).collect()
        };
        match of(&[PieceSort::Word, PieceSort::Pair]) {
            words if words.is_empty() => of(&[PieceSort::Part]),
            words => words,
        }
    }
}

/// Where the greatest is; of equals the first.
fn greatest(of: &[f64]) -> usize {
    (0..of.len()).fold(0, |best, at| if of[at] > of[best] { at } else { best })
}

/// The logarithms of the joined probabilities: `scores` is the strength of the stems of each category.
fn joined(join: Join, ln: &[f64], scores: &[f64]) -> Vec<f64> {
    let both: Vec<f64> =
        ln.iter().zip(scores).map(|(ln, score)| join.model * ln + join.score * score).collect();
    ln_softmax(&both)
}

fn ln_softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| libm::exp(score - most)).sum();
    let ln = most + libm::log(sum);
    scores.iter().map(|score| score - ln).collect()
}

/// The root of a number of pieces, at least 1.
#[expect(clippy::cast_precision_loss, reason = "a text has far fewer pieces than 2^24")]
fn root(pieces: usize) -> f32 {
    (pieces.max(1) as f32).sqrt()
}
