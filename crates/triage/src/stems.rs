//! Stems and phrases in one prefix structure: each token is walked once, whatever the number of stems.

use std::collections::BTreeMap;

use crate::denial::{What, is_denied};
use crate::letters::Letters;
use crate::text::{Folded, Token};

#[derive(Debug, Clone, Default)]
struct Node {
    next: BTreeMap<char, usize>,
    /// Patterns whose first word ends here.
    ends: Vec<usize>,
}

/// A set of patterns: a pattern is one or more words, each of which a token must begin with.
#[derive(Debug, Clone)]
pub(crate) struct Stems {
    nodes: Vec<Node>,
    /// The words after the first of each pattern.
    more: Vec<Vec<String>>,
    /// Whether the last word of each pattern stands for itself only, and not for all that begin with it.
    whole: Vec<bool>,
}

/// Ends a pattern whose last word is meant whole: `газ$` is no `газон`.
const WHOLE: char = '$';

impl Stems {
    /// Prepares patterns; each is known by its place in the list.
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>, letters: &Letters) -> Self {
        let mut stems = Self { nodes: vec![Node::default()], more: Vec::new(), whole: Vec::new() };
        for pattern in patterns {
            let id = stems.more.len();
            let mut words = Folded::words_of(pattern, letters).into_iter();
            if let Some(first) = words.next() {
                let mut at = 0;
                for letter in first.chars() {
                    at = match stems.nodes[at].next.get(&letter) {
                        Some(next) => *next,
                        None => {
                            stems.nodes.push(Node::default());
                            let new = stems.nodes.len() - 1;
                            stems.nodes[at].next.insert(letter, new);
                            new
                        }
                    };
                }
                stems.nodes[at].ends.push(id);
            }
            stems.more.push(words.collect());
            stems.whole.push(pattern.ends_with(WHOLE));
        }
        stems
    }

    /// Calls `hit` with each pattern that begins at token `at` and the number of its tokens.
    pub(crate) fn at(&self, tokens: &[&Token], at: usize, latin: bool, mut hit: impl FnMut(usize, usize)) {
        for form in tokens[at].forms_in(latin) {
            let mut node = &self.nodes[0];
            let mut rest = form.chars();
            while let Some(letter) = rest.next() {
                let Some(next) = node.next.get(&letter) else { break };
                node = &self.nodes[*next];
                let at_its_end = rest.as_str().is_empty();
                for id in &node.ends {
                    if self.fits(*id, tokens, at, at_its_end, latin) {
                        hit(*id, self.more[*id].len() + 1);
                    }
                }
            }
        }
    }

    /// Whether the words after the first of a pattern, which fits, fit too. `first_ends`: the first is a whole token.
    fn fits(&self, id: usize, tokens: &[&Token], at: usize, first_ends: bool, latin: bool) -> bool {
        let (more, whole) = (&self.more[id], self.whole[id]);
        let Some(last) = more.len().checked_sub(1) else { return first_ends || !whole };
        more.iter().enumerate().all(|(step, word)| {
            let is = |form: &str| {
                if whole && step == last { form == word } else { form.starts_with(word.as_str()) }
            };
            tokens.get(at + 1 + step).is_some_and(|token| token.forms_in(latin).any(is))
        })
    }

    /// As [`Stems::found`], but for what the text denies each time that it stands there.
    pub(crate) fn found_undenied(&self, tokens: &[&Token], latin: bool) -> Vec<usize> {
        self.found_if(tokens, latin, |at, length| !is_denied(tokens, at, length, What::Any))
    }

    /// The patterns found in a text, each once, in the order of the list.
    pub(crate) fn found(&self, tokens: &[&Token], latin: bool) -> Vec<usize> {
        self.found_if(tokens, latin, |_, _| true)
    }

    fn found_if(&self, tokens: &[&Token], latin: bool, counts: impl Fn(usize, usize) -> bool) -> Vec<usize> {
        let mut seen = vec![false; self.more.len()];
        for at in 0..tokens.len() {
            self.at(tokens, at, latin, |id, length| seen[id] |= counts(at, length));
        }
        seen.iter().enumerate().filter_map(|(id, seen)| seen.then_some(id)).collect()
    }
}
