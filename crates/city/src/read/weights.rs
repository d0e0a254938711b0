//! Learnt weights.

use std::collections::{HashMap, HashSet};

use super::book::{At, Book, Codes};
use super::places::Source;
use super::table::{Row, rows};
use crate::model::Category;
use crate::weights::{Join, Piece, PieceSort, Weights, weight};

/// What to do about a file that nobody writes by hand.
const AGAIN: &str = "make the file with `zholdary learn`";

/// Reads the file; every category it names is one of the city's.
pub(super) fn read(
    source: Source<'_>,
    categories: &[Category],
    codes: &Codes,
    book: &Book,
) -> Option<Weights> {
    let places: HashMap<&str, usize> =
        categories.iter().enumerate().map(|(at, category)| (category.code.as_str(), at)).collect();
    let rows = rows(source.file, source.bytes, &Weights::COLUMNS, book)?;
    let mut weights = Weights { bias: vec![Weights::UNKNOWN_BIAS; categories.len()], ..Weights::default() };
    // Of each letter of a row the category that it is for.
    let mut order: Vec<usize> = Vec::new();
    let mut factors = [None; Weights::JOINS.len()];
    let mut seen: HashSet<(PieceSort, String)> = HashSet::new();
    for row in &rows {
        let (sort, text) = (row.cell("sort"), row.cell("piece"));
        if sort == Weights::JOIN {
            match Weights::JOINS.iter().position(|known| *known == text) {
                Some(at) => factors[at] = row.number("weights", book),
                None => book.fault(row.at(), format!("`join` is of \"{text}\""), AGAIN),
            }
        } else if sort == Weights::BIAS {
            let Some(at) = places.get(text).copied() else {
                if codes.has(text) {
                    return None;
                }
                return book.none(row.at(), format!("the city has no category \"{text}\""), AGAIN);
            };
            let bias: i32 = book.parse(row.at(), "the bias", row.cell("weights"))?;
            weights.bias[at] = bias.clamp(Weights::UNKNOWN_BIAS + 1, -Weights::UNKNOWN_BIAS);
            order.push(at);
        } else if let Some(sort) = PieceSort::ALL.into_iter().find(|known| known.code() == sort) {
            let text = row.text("piece", book)?;
            if !seen.insert((sort, text.clone())) {
                return book.none(row.at(), format!("{} \"{text}\" stands twice", sort.code()), AGAIN);
            }
            let weights_of = of_categories(row, &order, categories.len(), book)?;
            weights.pieces.push(Piece { sort, text, weights: weights_of });
        } else {
            return book.none(row.at(), format!("`sort` is \"{sort}\""), AGAIN);
        }
    }
    for (name, factor) in Weights::JOINS.iter().zip(factors) {
        if factor.is_none() {
            book.fault(At { file: source.file, line: 0 }, format!("no row `join,{name}`"), AGAIN);
        }
    }
    let [model, score] = factors;
    weights.join = Join { model: model?, score: score? };
    Some(weights)
}

/// One letter for each category of the rows of biases.
fn of_categories(row: &Row<'_>, order: &[usize], size: usize, book: &Book) -> Option<Vec<i8>> {
    let letters = row.cell("weights").as_bytes();
    if letters.len() != order.len() {
        let message = format!("{} weights for {} categories", letters.len(), order.len());
        return book.none(row.at(), message, AGAIN);
    }
    let mut weights = vec![0; size];
    for (letter, at) in letters.iter().zip(order) {
        match weight(*letter) {
            Some(weight) => weights[*at] = weight,
            None => return book.none(row.at(), format!("\"{}\" is no weight", char::from(*letter)), AGAIN),
        }
    }
    Some(weights)
}
