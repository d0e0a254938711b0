//! What a linear model learnt of labelled texts: a file of the city like any other, so it is published, versioned and read again
//! with the rules.

use std::fmt::Write as _;

use crate::model::Category;

/// Weights of the pieces of a text for each category, and how they are weighed against the stems.
///
/// The score of a category is the sum of the weights of the pieces that a text has, divided by the root of the number of those pieces that
/// are in the list at all, plus the bias.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    /// How the two are joined.
    pub join: Join,
    /// Of each category, by its place in the list of categories, in [`Weights::UNIT`]s.
    pub bias: Vec<i32>,
    /// Pieces, each once.
    pub pieces: Vec<Piece>,
}

/// The factors by which what learnt weights say and what stems say are joined into one probability of a category:
/// `softmax(model × ln p + score × strength)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Join {
    /// Of the logarithm of the probability by weights.
    pub model: f64,
    /// Of the strength of the category's stems, 0 to 1.
    pub score: f64,
}

/// A piece of a text, with its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Of what sort it is.
    pub sort: PieceSort,
    /// Its letters, folded as the city folds. Two beginnings of words of a pair stand with a blank between them; `^` and `$` are the ends of
    /// a word.
    pub text: String,
    /// Of each category, by its place in the list of categories, in [`Weights::UNIT`]s, from -[`Weights::MOST`] to it.
    pub weights: Vec<i8>,
}

/// The sorts of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PieceSort {
    /// The beginning of a word.
    Word,
    /// The beginnings of two words that follow each other.
    Pair,
    /// Letters that follow each other inside a word.
    Part,
    /// How long the text is.
    Length,
}

impl PieceSort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Word, Self::Pair, Self::Part, Self::Length];

    /// As it stands in the file.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Pair => "pair",
            Self::Part => "part",
            Self::Length => "length",
        }
    }
}

impl Weights {
    /// What 1 in the file is worth.
    pub const UNIT: f64 = 0.5;
    /// The greatest weight: a letter each.
    pub const MOST: i8 = 26;
    /// The bias of a category that was not there when the weights were learnt: by weights alone nothing is of it.
    pub const UNKNOWN_BIAS: i32 = -50;

    /// Columns of the file.
    pub(crate) const COLUMNS: [&'static str; 3] = ["sort", "piece", "weights"];
    /// The sort of the rows that say how the two are joined, and their pieces.
    pub(crate) const JOIN: &'static str = "join";
    pub(crate) const JOINS: [&'static str; 2] = ["model", "score"];
    /// The sort of the rows of biases; their order is the order of the letters in the rows of pieces.
    pub(crate) const BIAS: &'static str = "bias";

    /// Whether a category, by its place in the list, was there when the weights were learnt. Of another one stems alone decide.
    #[must_use]
    pub fn knows(&self, category: usize) -> bool {
        self.bias.get(category).is_some_and(|bias| *bias != Self::UNKNOWN_BIAS)
    }

    /// The file, its rows in one order.
    #[must_use]
    pub fn to_csv(&self, categories: &[Category]) -> String {
        let mut csv = Self::COLUMNS.join(",");
        csv.push('\n');
        let Join { model, score } = self.join;
        for (name, factor) in Self::JOINS.iter().zip([model, score]) {
            let _ = writeln!(csv, "{},{name},{factor}", Self::JOIN);
        }
        for (category, bias) in categories.iter().zip(&self.bias) {
            let _ = writeln!(csv, "{},{},{bias}", Self::BIAS, category.code);
        }
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by(|a, b| (a.sort, &a.text).cmp(&(b.sort, &b.text)));
        for Piece { sort, text, weights } in pieces {
            let _ = write!(csv, "{},{text},", sort.code());
            csv.extend(weights.iter().copied().map(letter));
            csv.push('\n');
        }
        csv
    }
}

/// A weight as one letter: `a` is 1, `z` 26, `A` -1, `Z` -26 and `.` nothing.
fn letter(weight: i8) -> char {
    let size = weight.unsigned_abs().min(Weights::MOST.unsigned_abs());
    match weight.signum() {
        0 => '.',
        1 => char::from(b'a' + size - 1),
        _ => char::from(b'A' + size - 1),
    }
}

/// The weight that a letter stands for.
pub(crate) fn weight(letter: u8) -> Option<i8> {
    let size = |from: u8| i8::try_from(letter - from + 1).ok();
    match letter {
        b'.' => Some(0),
        b'a'..=b'z' => size(b'a'),
        b'A'..=b'Z' => size(b'A').map(|size| -size),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_a_letter_and_back() {
        for size in -Weights::MOST..=Weights::MOST {
            assert_eq!(weight(u8::try_from(letter(size)).unwrap()), Some(size));
        }
        assert_eq!(letter(i8::MIN), 'Z');
        assert_eq!(weight(b'1'), None);
    }
}
