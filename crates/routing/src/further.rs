//! What a further message, or an edit, changes in an appeal that was understood before. Pure.
//!
//! What waits is decided again, from everything that was written. What a party or a person has is left with them, and what
//! was settled stays settled; only a danger that was not known is a finding of its own, whatever state the appeal is in.

use std::collections::BTreeSet;

use zholdary_city::City;
use zholdary_domain::{
    PlaceKind,
    appeal::{Appeal, Finding, FindingId, FindingState, Permille, Stage, StateName, Understanding},
};

use crate::rules;

/// Whether the rules still decide about the whole appeal: nobody took it in hand, and it is not settled.
pub(crate) fn waits(appeal: &Appeal) -> bool {
    use StateName::{Asked, Desk, Registered, Routed};
    !appeal.by_person && matches!(appeal.state(), Registered | Desk | Asked | Routed)
}

/// Categories of the dangers among `findings`.
pub(crate) fn dangers<'a>(city: &City, findings: &'a [Finding]) -> BTreeSet<&'a str> {
    findings.iter().filter(|f| rules::is_danger(city, f)).map(|f| f.category.as_str()).collect()
}

/// The findings read from everything that was written, in the places where the appeal has them: a finding that somebody has
/// keeps its place, what is new stands behind. While nobody has any, the reading's own order holds, the main one first.
pub(crate) fn aligned(appeal: &Appeal, read: Vec<Finding>) -> Vec<Finding> {
    let waits = |known: &FindingState| matches!(known.stage, Stage::Desk | Stage::Asked);
    if appeal.findings.iter().all(waits) {
        return read;
    }
    let mut read: Vec<Option<Finding>> = read.into_iter().map(Some).collect();
    let mut places: Vec<Option<Finding>> = appeal
        .findings
        .iter()
        .map(|known| {
            let same = |f: &&mut Option<Finding>| f.as_ref().is_some_and(|f| f.category == known.category);
            read.iter_mut().find(same).and_then(Option::take)
        })
        .collect();
    let mut rest = read.into_iter().flatten();
    for (place, known) in places.iter_mut().zip(&appeal.findings) {
        if place.is_none() && appeal.is_for_rules(known) {
            *place = rest.next();
        }
    }
    while places.len() > 1
        && places.last().is_some_and(Option::is_none)
        && appeal.findings.get(places.len() - 1).is_some_and(waits)
    {
        places.pop();
    }
    let known = known_findings(appeal);
    places.into_iter().zip(known).map(|(place, known)| place.unwrap_or(known)).chain(rest).collect()
}

/// What a message that was read alone adds to an appeal that is out of the rules' hands: dangers of which no open finding
/// tells as a danger. A danger without a place is where the appeal is.
pub(crate) fn new_dangers(city: &City, appeal: &Appeal, read: Vec<Finding>) -> Vec<Finding> {
    // An open pit that somebody fell into since is a danger that nobody knew.
    let known = known_findings(appeal).zip(&appeal.findings);
    let open: Vec<_> = known.filter(|(_, state)| state.is_open()).map(|(known, _)| known).collect();
    let open = dangers(city, &open);
    let ended = appeal.end.is_some();
    read.into_iter()
        .filter(|f| rules::is_danger(city, f) && (ended || !open.contains(f.category.as_str())))
        .map(|mut f| {
            if let Some(main) = appeal.findings.first().filter(|_| f.place.kind == PlaceKind::None) {
                f.place = main.place.clone();
            }
            f
        })
        .collect()
}

/// The appeal's findings as an understanding tells them, corrections included.
pub(crate) fn known_findings(appeal: &Appeal) -> impl Iterator<Item = Finding> + '_ {
    (0u16..).zip(&appeal.findings).map(|(i, state)| {
        let understood = appeal.understanding.as_ref().and_then(|u| u.findings.get(usize::from(i)));
        let route = state.route.as_ref();
        Finding {
            category: state.category.clone(),
            priority: route
                .map(|r| &r.priority)
                .or(understood.map(|f| &f.priority))
                .cloned()
                .unwrap_or_default(),
            confidence: understood.map_or(Permille(1000), |f| f.confidence),
            because: understood.map(|f| f.because.clone()).unwrap_or_default(),
            place: state.place.clone(),
        }
    })
}

/// Whether both say the same of the words, whichever release and rule set read them.
pub(crate) fn means_the_same(one: &Understanding, other: &Understanding) -> bool {
    let Understanding { triage: _, rules: _, lang, danger, findings, names_number } = one;
    (*lang, *danger) == (other.lang, other.danger)
        && *findings == other.findings
        && *names_number == other.names_number
}

/// Whether a further message changes anything. What waits is decided again; what is in a party's queue is left there, unless
/// the message tells of another danger, or where a place is that was not known to a point.
pub(crate) fn is_news(city: &City, appeal: &Appeal, new: &Understanding, gives_point: bool) -> bool {
    let Some(known) = &appeal.understanding else { return true };
    if appeal.state() != StateName::Routed {
        return !means_the_same(known, new);
    }
    let had_point = known.findings.iter().any(|f| f.place.point.is_some());
    let dangerous = dangers(city, &known.findings);
    dangers(city, &new.findings).iter().any(|category| !dangerous.contains(category))
        || (gives_point && !had_point && !means_the_same(known, new))
}

/// The id of the first finding that the appeal does not have yet.
pub(crate) fn next_finding(appeal: &Appeal) -> FindingId {
    FindingId(u16::try_from(appeal.findings.len()).unwrap_or(u16::MAX))
}
