//! Several problems of one text, each in its own place: «яма на Абая, а на Толе би не горит фонарь».

use std::collections::BTreeSet;

use crate::names::{Mention, Target};
use crate::text::{Gap, Token};

/// Words with which another matter begins. Russian, and Kazakh folded.
const ANOTHER: &[&str] = &["а", "и", "еще", "также", "плюс", "потом", "ал", "жане", "тагы", "сондай"];

/// Where a problem is named.
pub(crate) struct Named {
    /// The tokens.
    pub(crate) at: Vec<usize>,
    /// Whether somebody may be hurt: one that is named in several clauses may be in each of their places.
    pub(crate) is_danger: bool,
}

/// For each problem the mentions that tell its place, when at least two problems tell places of their own; `None` for one that has
/// none of its own, or of which it is not certain.
pub(crate) fn mentions(
    tokens: &[Token],
    mentions: &[Mention],
    problems: &[Named],
) -> Option<Vec<Option<Vec<Mention>>>> {
    let is_place = |mention: &&Mention| !matches!(mention.target, Target::District(_));
    if problems.len() < 2 || mentions.iter().filter(is_place).count() < 2 {
        return None;
    }
    let clauses = clauses(tokens, mentions);
    let clause_of = |at: usize| clauses.iter().rposition(|begin| *begin <= at).unwrap_or(0);
    let named: BTreeSet<usize> =
        mentions.iter().filter(is_place).map(|mention| clause_of(mention.start)).collect();
    let clauses_of =
        |problem: &Named| -> BTreeSet<usize> { problem.at.iter().map(|at| clause_of(*at)).collect() };
    let with_problem: BTreeSet<usize> = problems.iter().flat_map(clauses_of).collect();
    let owners = owners(clauses.len(), &named, &with_problem);
    let own: Vec<Option<Vec<Mention>>> = problems
        .iter()
        .map(|problem| {
            let clauses = clauses_of(problem);
            if problem.is_danger && clauses.len() > 1 {
                return None;
            }
            let clause = clauses.first().copied()?;
            let of = |mention: &&Mention| owners[clause_of(mention.start)] == Some(clause);
            let own: Vec<Mention> = mentions.iter().filter(of).cloned().collect();
            own.iter().any(|mention| is_place(&mention)).then_some(own)
        })
        .collect();
    let mut told: Vec<&Vec<Mention>> = own.iter().flatten().collect();
    told.dedup();
    let shared = own.iter().any(Option::is_none);
    (told.len() > 1 || (!told.is_empty() && shared)).then_some(own)
}

/// Of each clause the one whose problem is there. A clause with a problem is its own; one that only names a place belongs to the problem right
/// after it, or else right before it, that has no place yet, and failing that goes on with what was said before.
fn owners(clauses: usize, named: &BTreeSet<usize>, with_problem: &BTreeSet<usize>) -> Vec<Option<usize>> {
    let mut owners: Vec<Option<usize>> =
        (0..clauses).map(|clause| with_problem.contains(&clause).then_some(clause)).collect();
    for problem in with_problem.difference(named) {
        let beside = [problem.checked_sub(1), Some(problem + 1)];
        let free = |clause: &usize| named.contains(clause) && owners[*clause].is_none();
        if let Some(place) = beside.into_iter().flatten().find(free) {
            owners[place] = Some(*problem);
        }
    }
    for (clause, owner) in owners.iter_mut().enumerate().filter(|(_, owner)| owner.is_none()) {
        let before = with_problem.range(..clause).next_back();
        *owner = before.or_else(|| with_problem.first()).copied();
    }
    owners
}

/// Where the clauses of a text begin: after a sign that ends one, and at a word that begins another, but never inside a name or between
/// two of them («угол Абая и Масанчи», «Абая, Масанчи»).
fn clauses(tokens: &[Token], mentions: &[Mention]) -> Vec<usize> {
    let mut begins = vec![0];
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let inside = mentions.iter().any(|mention| mention.start < at && at < mention.end);
        let after_name = mentions.iter().any(|mention| mention.end == at);
        let before_name = mentions
            .iter()
            .any(|mention| mention.start == at || mention.start == at + 1 && token.is(ANOTHER));
        let between = after_name && before_name;
        let ends = token.gap == Gap::Stop || token.gap == Gap::Comma || token.is(ANOTHER);
        if ends && !inside && !(between && token.gap != Gap::Stop) {
            begins.push(at);
        }
    }
    begins
}
