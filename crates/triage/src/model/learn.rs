//! Learning weights: softmax regression over pieces of texts, by AdaGrad, the same bytes on every machine.
//!
//! Each file of texts is one author's, so what is learnt is judged on files that it was not learnt from: a fold leaves whole files out. What the
//! folds say is also what tells how the weights and the stems are joined, and by which factor a probability is as often right as it
//! says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use zholdary_city::{City, Join, Piece, PieceSort, Weights};
use zholdary_domain::Personal;

use super::{greatest, ln_softmax, root};
use crate::{Apart, Triage};

/// A text of which is known what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The words of a resident.
    pub text: Personal<String>,
    /// The code of its category.
    pub category: String,
    /// Codes of others that are as right.
    pub accept: Vec<String>,
    /// Which author or file it is from: the texts of one are learnt from, or judged by, together.
    pub from: String,
    /// Who wrote it, when one person may have written several: what they wrote counts once.
    pub author: Option<String>,
    /// Whether it is only learnt from, never judged by: the stems were made for it.
    pub known: bool,
}

/// How the texts of one file were understood by what was learnt from others.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// The file.
    pub from: String,
    /// Its texts.
    pub texts: usize,
    /// Right by the stems alone, by the weights alone, and by both.
    pub right: [usize; 3],
    /// Of both together, before a danger is put first: how sure it was, and whether it was right.
    pub sure: Vec<(f64, bool)>,
}

/// What was learnt, and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The weights.
    pub weights: Weights,
    /// One for each file that was judged by.
    pub folds: Vec<Fold>,
}

/// Why nothing can be learnt.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A category that the city does not have.
    #[error(
        "a text of {from} is of category \"{code}\", which the city does not have: correct the text, or add the category"
    )]
    Category {
        /// The file.
        from: String,
        /// The code.
        code: String,
    },
    /// Too little to judge by.
    #[error("the texts to be judged by are from {0} files; at least 2 are needed, each by another author")]
    Files(usize),
}

/// Fewest texts that have a piece, all that one author wrote counted as one: what one person wrote is no word of a category, and is
/// not published.
const FEWEST_TEXTS: usize = 3;
/// Most pieces that are kept: the city is published in one record.
const MOST_PIECES: usize = 24_000;
/// Rounds over all texts, and how many of them tell which pieces matter.
const ROUNDS: usize = 15;
const FIRST_ROUNDS: usize = 4;
/// Most times that files are left out: more files are left out together.
const MOST_FOLDS: usize = 6;
const STEP: f32 = 0.5;
const DECAY: f32 = 1e-4;
/// How much of a text's meaning is its first category; the others share the rest.
const FIRST: f32 = 0.75;

/// A text in numbers.
struct Row {
    pieces: Vec<(PieceSort, Box<str>)>,
    author: Option<String>,
    /// Categories that are right, the first one first.
    right: Vec<usize>,
    /// The strength of the stems of each category.
    scores: Vec<f64>,
    /// Its category by the stems alone.
    by_stems: usize,
}

/// Learns weights for a city whose own, if it has some, are left aside.
///
/// # Errors
///
/// [`LearnError`]: a category that the city does not have, or texts of fewer than two files to be judged by.
pub fn learn(city: &City, examples: &[Example]) -> Result<Learned, LearnError> {
    let mut bare = city.clone();
    bare.weights = None;
    let triage = Triage::new(&bare);
    let place = |from: &str, code: &str| {
        let found = city.categories.iter().position(|category| category.code == code);
        found.ok_or_else(|| LearnError::Category { from: from.to_owned(), code: code.to_owned() })
    };
    // In one order, whichever way they were given.
    let mut examples: Vec<&Example> = examples.iter().collect();
    examples.sort_by(|a, b| {
        (a.text.reveal(), &a.category, &a.from).cmp(&(b.text.reveal(), &b.category, &b.from))
    });
    let mut rows = Vec::with_capacity(examples.len());
    for example in &examples {
        let codes = std::iter::once(&example.category).chain(&example.accept);
        let mut right = Vec::new();
        for code in codes {
            let at = place(&example.from, code)?;
            if !right.contains(&at) {
                right.push(at);
            }
        }
        rows.push(Row { right, author: example.author.clone(), ..row(&triage, example.text.reveal()) });
    }
    let judged: BTreeSet<&str> =
        examples.iter().filter(|example| !example.known).map(|example| example.from.as_str()).collect();
    if judged.len() < 2 {
        return Err(LearnError::Files(judged.len()));
    }
    let size = city.categories.len();
    let mut unseen: Vec<(usize, Vec<f64>)> = Vec::new();
    let judged: Vec<&str> = judged.into_iter().collect();
    for part in 0..MOST_FOLDS.min(judged.len()) {
        let is_out = |from: &str| judged.iter().skip(part).step_by(MOST_FOLDS).any(|out| *out == from);
        let (own, others): (Vec<_>, Vec<_>) = (0..rows.len()).partition(|at| is_out(&examples[*at].from));
        let weights = fit(&rows, &others, size).rounded();
        unseen.extend(own.into_iter().map(|at| (at, weights.ln(&rows[at]))));
    }
    let join = join(&rows, &unseen);
    let mut folds: BTreeMap<&str, Fold> = BTreeMap::new();
    for (at, ln) in &unseen {
        let (row, from) = (&rows[*at], examples[*at].from.as_str());
        let fold = folds.entry(from).or_insert_with(|| Fold {
            from: from.to_owned(),
            texts: 0,
            right: [0; 3],
            sure: Vec::new(),
        });
        let both = super::joined(join, ln, &row.scores);
        fold.texts += 1;
        let is_right = |found: usize| row.right.contains(&found);
        for (count, found) in fold.right.iter_mut().zip([row.by_stems, greatest(ln), greatest(&both)]) {
            *count += usize::from(is_right(found));
        }
        let found = greatest(&both);
        fold.sure.push((libm::exp(both[found]), is_right(found)));
    }
    let all: Vec<usize> = (0..rows.len()).collect();
    let learnt = fit(&rows, &all, size).rounded();
    Ok(Learned { weights: learnt.to_weights(join), folds: folds.into_values().collect() })
}

fn row(triage: &Triage, text: &str) -> Row {
    let Apart { pieces, evidence } = triage.taken_apart(text);
    Row {
        pieces,
        author: None,
        right: Vec::new(),
        scores: evidence.strengths(triage.city.matching.min_score),
        by_stems: evidence.main.map_or(evidence.below, |(at, _)| at),
    }
}

/// Weights as they are learnt: dense.
struct Fit<'a> {
    /// In the order of their weights.
    pieces: Vec<&'a (PieceSort, Box<str>)>,
    places: BTreeMap<&'a (PieceSort, Box<str>), usize>,
    /// `size` of each piece.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Fit<'_> {
    fn known(&self, row: &Row) -> Vec<usize> {
        row.pieces.iter().filter_map(|piece| self.places.get(piece).copied()).collect()
    }

    fn scores(&self, known: &[usize]) -> Vec<f64> {
        let size = self.bias.len();
        let mut scores = vec![0.0_f32; size];
        for piece in known {
            for (score, weight) in scores.iter_mut().zip(&self.weights[piece * size..(piece + 1) * size]) {
                *score += weight;
            }
        }
        let root = root(known.len());
        scores.iter().zip(&self.bias).map(|(score, bias)| f64::from(score / root + bias)).collect()
    }

    fn ln(&self, row: &Row) -> Vec<f64> {
        ln_softmax(&self.scores(&self.known(row)))
    }

    /// As the file can say them: whole units, and none for what is usual for the piece, which changes no probability.
    fn rounded(mut self) -> Self {
        for own in self.weights.chunks_mut(self.bias.len()) {
            let mut sorted = own.to_vec();
            sorted.sort_by(f32::total_cmp);
            let usual = sorted[sorted.len() / 2];
            own.iter_mut().for_each(|weight| *weight = whole(*weight - usual));
        }
        self.bias.iter_mut().for_each(|bias| *bias = whole(*bias));
        self
    }

    fn to_weights(&self, join: Join) -> Weights {
        let units = |weight: &f32| (f64::from(*weight) / Weights::UNIT).round();
        #[expect(clippy::cast_possible_truncation, reason = "a weight is at most `Weights::MOST` units")]
        let piece = |((sort, text), own): (&&(PieceSort, Box<str>), &[f32])| Piece {
            sort: *sort,
            text: text.to_string(),
            weights: own.iter().map(|weight| units(weight) as i8).collect(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a bias is of the size of a weight")]
        let bias = self.bias.iter().map(|weight| units(weight) as i32).collect();
        Weights {
            join,
            bias,
            pieces: self.pieces.iter().zip(self.weights.chunks(self.bias.len())).map(piece).collect(),
        }
    }
}

/// The nearest whole number of units that a letter can say.
#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
fn whole(weight: f32) -> f32 {
    let most = f64::from(Weights::MOST);
    ((f64::from(weight) / Weights::UNIT).round().clamp(-most, most) * Weights::UNIT) as f32
}

/// Learns from some of the rows: from all pieces first, then from those that matter.
fn fit<'a>(rows: &'a [Row], from: &[usize], size: usize) -> Fit<'a> {
    // How many people wrote each piece, and the texts that it stands in as one number.
    let mut texts: BTreeMap<&(PieceSort, Box<str>), (usize, u64)> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    let mut chance = Chance(0);
    for row in from.iter().map(|at| &rows[*at]) {
        let mark = chance.next();
        for piece in &row.pieces {
            let (count, marks) = texts.entry(piece).or_default();
            *marks ^= mark;
            // What one person wrote in many texts, one person wrote.
            if row.author.as_ref().is_none_or(|author| counted.insert((author, piece))) {
                *count += 1;
            }
        }
    }
    texts.retain(|_, (count, _)| *count >= FEWEST_TEXTS);
    // Of pieces that stand in the very same texts, the word or the shortest part says it all.
    let mut shortest: HashMap<(usize, u64), &(PieceSort, Box<str>)> = HashMap::new();
    for (piece, key) in &texts {
        let order = |(sort, text): &(PieceSort, Box<str>)| (*sort, text.len());
        let kept = shortest.entry(*key).or_insert(piece);
        if order(piece) < order(kept) {
            *kept = piece;
        }
    }
    texts.retain(|piece, key| shortest[key] == *piece);
    let all: Vec<_> = texts.keys().copied().collect();
    if all.len() <= MOST_PIECES {
        return descend(rows, from, &all, size, ROUNDS);
    }
    let first = descend(rows, from, &all, size, FIRST_ROUNDS);
    let mut order: Vec<(&(PieceSort, Box<str>), f32)> = texts
        .iter()
        .map(|(piece, (count, _))| {
            let at = first.places[piece] * size;
            let sum: f32 = first.weights[at..at + size].iter().map(|weight| weight * weight).sum();
            (*piece, sum * root(*count))
        })
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let mut kept: Vec<_> = order.into_iter().take(MOST_PIECES).map(|(piece, _)| piece).collect();
    kept.sort();
    descend(rows, from, &kept, size, ROUNDS)
}

/// Gradient descent over the rows, one by one, in an order that is the same each time.
fn descend<'a>(
    rows: &[Row],
    from: &[usize],
    kept: &[&'a (PieceSort, Box<str>)],
    size: usize,
    rounds: usize,
) -> Fit<'a> {
    let mut fit = Fit {
        pieces: kept.to_vec(),
        places: kept.iter().enumerate().map(|(at, piece)| (*piece, at)).collect(),
        weights: vec![0.0; kept.len() * size],
        bias: vec![0.0; size],
    };
    let mut squares = vec![0.0_f32; kept.len() * size];
    let mut bias_squares = vec![0.0_f32; size];
    let known: Vec<Vec<usize>> = from.iter().map(|at| fit.known(&rows[*at])).collect();
    let mut order: Vec<usize> = (0..from.len()).collect();
    let mut chance = Chance(1);
    for _ in 0..rounds {
        chance.shuffle(&mut order);
        for at in &order {
            let (known, right) = (&known[*at], &rows[from[*at]].right);
            let ln = ln_softmax(&fit.scores(known));
            #[expect(clippy::cast_possible_truncation, reason = "probabilities")]
            let mut wrong: Vec<f32> = ln.iter().map(|ln| libm::exp(*ln) as f32).collect();
            for (nth, category) in right.iter().enumerate() {
                wrong[*category] -= share(nth, right.len());
            }
            let value = 1.0 / root(known.len());
            for piece in known {
                let span = piece * size..(piece + 1) * size;
                let own = fit.weights[span.clone()].iter_mut().zip(&mut squares[span]);
                for ((weight, square), wrong) in own.zip(&wrong) {
                    let slope = wrong * value + DECAY * *weight;
                    *square += slope * slope;
                    *weight -= STEP * slope / (square.sqrt() + 1e-6);
                }
            }
            for ((bias, square), wrong) in fit.bias.iter_mut().zip(&mut bias_squares).zip(&wrong) {
                *square += wrong * wrong;
                *bias -= STEP * wrong / (square.sqrt() + 1e-6);
            }
        }
    }
    fit
}

/// How much of a text is its n-th right category.
#[expect(clippy::cast_precision_loss, reason = "a text has few categories")]
fn share(nth: usize, of: usize) -> f32 {
    match (nth, of) {
        (0, 1) => 1.0,
        (0, _) => FIRST,
        _ => (1.0 - FIRST) / (of - 1) as f32,
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): an order that is the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            #[expect(clippy::cast_possible_truncation, reason = "it is at most `last`")]
            let other = (self.next() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
    }
}

/// Steps, and how far each goes, towards the factors under which what was unseen is likeliest.
const JOIN_STEPS: usize = 400;
const JOIN_STEP: f64 = 0.5;

/// The factors under which the texts that were not learnt from are likeliest to be what they are, by gradient ascent.
fn join(rows: &[Row], unseen: &[(usize, Vec<f64>)]) -> Join {
    let mut join = Join { model: 1.0, score: 1.0 };
    #[expect(clippy::cast_precision_loss, reason = "far fewer texts than 2^52")]
    let count = unseen.len() as f64;
    for _ in 0..JOIN_STEPS {
        let mut slope = Join::default();
        for (at, ln) in unseen {
            let row = &rows[*at];
            let all: Vec<f64> = super::joined(join, ln, &row.scores).into_iter().map(libm::exp).collect();
            let right: f64 = row.right.iter().map(|category| all[*category]).sum();
            for (category, p) in all.iter().enumerate() {
                // The likelihood is of any of the right ones.
                let is_right = row.right.contains(&category);
                let pull = if is_right { p / right.max(1e-12) } else { 0.0 } - p;
                slope.model += pull * ln[category];
                slope.score += pull * row.scores[category];
            }
        }
        join.model += JOIN_STEP * slope.model / count;
        join.score += JOIN_STEP * slope.score / count;
    }
    let rounded = |factor: f64| (factor * 1000.0).round() / 1000.0;
    Join { model: rounded(join.model), score: rounded(join.score) }
}
