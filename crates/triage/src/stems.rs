//! Stems and phrases in one prefix structure: each token is walked once, whatever the number of stems.

use std::collections::BTreeMap;

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
}

impl Stems {
    /// Prepares patterns; each is known by its place in the list.
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>, letters: &Letters) -> Self {
        let mut stems = Self { nodes: vec![Node::default()], more: Vec::new() };
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
        }
        stems
    }

    /// Calls `hit` with each pattern that begins at token `at` and the number of its tokens.
    pub(crate) fn at(&self, tokens: &[&Token], at: usize, latin: bool, mut hit: impl FnMut(usize, usize)) {
        for form in tokens[at].forms_in(latin) {
            let mut node = &self.nodes[0];
            for letter in form.chars() {
                let Some(next) = node.next.get(&letter) else { break };
                node = &self.nodes[*next];
                for id in &node.ends {
                    let more = &self.more[*id];
                    let fits = more.iter().enumerate().all(|(step, word)| {
                        tokens.get(at + 1 + step).is_some_and(|token| {
                            token.forms_in(latin).any(|form| form.starts_with(word.as_str()))
                        })
                    });
                    if fits {
                        hit(*id, more.len() + 1);
                    }
                }
            }
        }
    }

    /// The patterns found in a text, each once, in the order of the list.
    pub(crate) fn found(&self, tokens: &[&Token], latin: bool) -> Vec<usize> {
        let mut seen = vec![false; self.more.len()];
        for at in 0..tokens.len() {
            self.at(tokens, at, latin, |id, _| seen[id] = true);
        }
        seen.iter().enumerate().filter_map(|(id, seen)| seen.then_some(id)).collect()
    }
}
