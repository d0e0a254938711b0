//! What a further message, or an edit, changes in an appeal that was understood before. Pure.
//!
//! What waits is decided again, from everything that was written. What a party or a person has is left with them, and what
//! was settled stays settled; only a danger that was not known is a finding of its own, whatever state the appeal is in.

use std::collections::BTreeSet;

use zholdary_city::City;
use zholdary_domain::{
    Place, PlaceKind,
    appeal::{
        Appeal, Finding, FindingId, FindingState, Permille, Stage, StateName, TermCause, Understanding,
        decide::Settlement,
    },
};

/// Whether the rules still decide about the appeal or a finding of it: no person decided, it is not settled, and something
/// waits at the desk or for the resident, or nobody took anything in hand.
pub(crate) fn waits(appeal: &Appeal) -> bool {
    use StateName::{Asked, Desk, Registered, Routed};
    let some_wait = || appeal.findings.iter().any(is_waiting);
    let in_nobody_s_hands = matches!(appeal.state(), Registered | Desk | Asked | Routed);
    !appeal.by_person && appeal.end.is_none() && (in_nobody_s_hands || some_wait())
}

/// Whether a further message leaves the appeal where it is, in a party's queue: the rules decide again only when something
/// still waits for the resident, or when the message is the first to tell the place to a point.
pub(crate) fn stays(appeal: &Appeal, gives_point: bool) -> bool {
    let is_asked = appeal.findings.iter().any(|f| f.stage == Stage::Asked);
    let had_point = appeal.findings.iter().any(|f| f.place.point.is_some());
    appeal.state() == StateName::Routed && !is_asked && (had_point || !gives_point)
}

fn is_waiting(finding: &FindingState) -> bool {
    matches!(finding.stage, Stage::Desk | Stage::Asked)
}

/// Points that are closer than this may be of one place, in metres: a phone between houses is wrong by so much.
const SAME_PLACE_METRES: f64 = 150.0;

/// Whether two findings may tell of one problem: of one category, and not certainly of two places.
fn may_be_one(one: &Finding, other: &Finding) -> bool {
    one.category == other.category && !are_apart(&one.place, &other.place)
}

/// Whether two places are certainly two. What one of them does not tell may be as the other tells it.
pub(crate) fn are_apart(one: &Place, other: &Place) -> bool {
    fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.zip(other).is_some_and(|(one, other)| one != other)
    }
    let streets = |place: &Place| -> BTreeSet<String> {
        place.names.iter().chain(&place.from).chain(&place.to).cloned().collect()
    };
    let (ours, theirs) = (streets(one), streets(other));
    let points = one.point.as_ref().zip(other.point.as_ref());
    (!ours.is_empty() && !theirs.is_empty() && ours.is_disjoint(&theirs))
        || differ(one.house.as_ref(), other.house.as_ref())
        || differ(one.district.as_ref(), other.district.as_ref())
        || points.is_some_and(|(a, b)| a.reveal().metres_to(*b.reveal()) > SAME_PLACE_METRES)
}

/// Whether a danger stands among `findings`, as far as one can tell.
pub(crate) fn is_among(city: &City, danger: &Finding, findings: &[Finding]) -> bool {
    findings.iter().any(|f| city.is_danger(f) && may_be_one(f, danger))
}

/// Whether a danger stands among `findings` with as much of its place as it tells itself.
pub(crate) fn is_there_among(city: &City, danger: &Finding, findings: &[Finding]) -> bool {
    let tells_where = |place: &Place| place.kind != PlaceKind::None;
    findings.iter().any(|f| {
        let is_one = city.is_danger(f) && may_be_one(f, danger);
        is_one && (tells_where(&f.place) || !tells_where(&danger.place))
    })
}

/// Whether somebody who told of the danger tells of it now, and certainly elsewhere.
pub(crate) fn is_elsewhere(city: &City, danger: &Finding, says: &[Finding]) -> bool {
    let mut again = says.iter().filter(|f| city.is_danger(f) && f.category == danger.category).peekable();
    again.peek().is_some() && again.all(|f| are_apart(&f.place, &danger.place))
}

/// What a message that was edited tells by itself, now and before. Nothing for one that was not.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) says: Vec<Finding>,
    pub(crate) said: Vec<Finding>,
}

impl Edit {
    /// Whether whoever told of a danger says now that it is elsewhere.
    fn moves(&self, city: &City, danger: &Finding) -> bool {
        is_among(city, danger, &self.said) && is_elsewhere(city, danger, &self.says)
    }
}

/// What was read from the whole thread, and no danger less: neither one that a part of it tells at another place, nor one
/// that the appeal has. Only whoever told of it at a wrong place may move it.
pub(crate) fn with_dangers(
    city: &City,
    appeal: &Appeal,
    mut read: Vec<Finding>,
    parts: &[Vec<Finding>],
    edit: &Edit,
) -> Vec<Finding> {
    let told = || parts.iter().flatten();
    // Read as one, two places look like a crossing. A danger is where the part tells of it that makes it one.
    for finding in &mut read {
        let mut same = told().filter(|f| f.category == finding.category);
        let first = same.clone().next();
        if let Some(of_part) = same.find(|f| city.is_danger(f)).or(first) {
            finding.place = of_part.place.clone();
        }
    }
    for danger in told() {
        if city.is_danger(danger) && !is_among(city, danger, &read) {
            read.push(danger.clone());
        }
    }
    for known in open_findings(appeal).filter(|known| city.is_danger(known) && !edit.moves(city, known)) {
        // Where it is may stand in what was left out of a long thread, and what made it a danger may be taken back.
        match read.iter_mut().find(|f| may_be_one(f, &known)) {
            Some(same) if !city.is_danger(same) => *same = known,
            Some(same) if same.place.kind == PlaceKind::None => same.place = known.place,
            Some(_) => {}
            None => read.push(known),
        }
    }
    read
}

/// The findings read from everything that was written, in the places where the appeal has them: a finding that somebody has
/// keeps its place, what is new stands behind. While nobody has any, the reading's own order holds, the main one first.
pub(crate) fn aligned(city: &City, appeal: &Appeal, read: Vec<Finding>, edit: &Edit) -> Vec<Finding> {
    let extended = |f: &FindingState| f.due.values().any(|d| matches!(d.cause, TermCause::Extended { .. }));
    if appeal.findings.iter().all(|f| is_waiting(f) && !extended(f)) {
        return read;
    }
    let mut seats: Vec<Seat> = known_findings(appeal)
        .zip(&appeal.findings)
        .map(|(known, state)| Seat {
            is_open: state.is_open(),
            for_rules: appeal.is_for_rules(state),
            stays: state.is_open() && city.is_danger(&known) && !edit.moves(city, &known),
            told: read.iter().any(|read| may_be_one(&known, read)),
            known,
            read: None,
        })
        .collect();
    let mut rest: Vec<Option<Finding>> = read.into_iter().map(Some).collect();
    let mut seat = |fits: &dyn Fn(&Seat, &Finding) -> bool| {
        for seat in seats.iter_mut().filter(|seat| seat.read.is_none()) {
            let fitting = |f: &&mut Option<Finding>| f.as_ref().is_some_and(|f| fits(seat, f));
            seat.read = rest.iter_mut().find(fitting).and_then(Option::take);
        }
    };
    // A pit that somebody fell into is the danger that was heard of it, before it is the pit.
    seat(&|seat, read| {
        let as_urgent = city.is_danger(&seat.known) == city.is_danger(read);
        seat.is_open && as_urgent && may_be_one(&seat.known, read)
    });
    seat(&|seat, read| seat.is_open && may_be_one(&seat.known, read));
    seat(&|seat, read| may_be_one(&seat.known, read));
    // What moved is what it was. But a danger that is certainly elsewhere than one that somebody has is another.
    seat(&|seat, read| {
        let moved = seat.known.category == read.category && seat.is_free();
        moved && (seat.for_rules || !city.is_danger(read))
    });
    seat(&|seat, _| seat.for_rules && seat.is_free());
    while seats.len() > 1
        && seats.last().is_some_and(|seat| seat.read.is_none() && !seat.stays)
        && appeal.findings.get(seats.len() - 1).is_some_and(is_waiting)
    {
        seats.pop();
    }
    let seated = seats.into_iter().map(|seat| seat.read.unwrap_or(seat.known));
    seated.chain(rest.into_iter().flatten()).collect()
}

/// A finding of the appeal, and what was read of it.
struct Seat {
    known: Finding,
    is_open: bool,
    for_rules: bool,
    /// A danger that nobody said is elsewhere.
    stays: bool,
    /// What was read tells of it, though another finding may be what it tells of first.
    told: bool,
    read: Option<Finding>,
}

impl Seat {
    /// Whether something else that was read may take its place.
    const fn is_free(&self) -> bool {
        !self.stays && !self.told
    }
}

/// The dangers among what was read, each once.
pub(crate) fn dangers(city: &City, read: Vec<Finding>) -> Vec<Finding> {
    let mut dangers = Vec::new();
    for danger in read.into_iter().filter(|f| city.is_danger(f)) {
        if !is_among(city, &danger, &dangers) {
            dangers.push(danger);
        }
    }
    dangers
}

/// The open findings that tell of the danger as one, by their index. In an appeal that has ended nothing is open: each message that
/// tells of a danger there alarms the desk.
pub(crate) fn tellers(city: &City, appeal: &Appeal, danger: &Finding) -> BTreeSet<usize> {
    if appeal.end.is_some() {
        return BTreeSet::new();
    }
    let known = known_findings(appeal).zip(&appeal.findings).enumerate();
    // An open pit that somebody fell into since is a danger that nobody knew.
    let tell = known.filter(|(_, (f, state))| state.is_open() && city.is_danger(f) && may_be_one(f, danger));
    tell.map(|(index, _)| index).collect()
}

/// Whether it is known what became of a danger that these findings told of, and none tells of now. Where the rules moved them
/// all elsewhere, nobody knows.
pub(crate) fn is_known(appeal: &Appeal, told: &BTreeSet<usize>) -> bool {
    let is_over = |index: &usize| appeal.findings.get(*index).is_some_and(|state| !state.is_open());
    (!told.is_empty() && (appeal.by_person || appeal.end.is_some())) || told.iter().any(is_over)
}

/// A danger without a place is where the appeal is.
pub(crate) fn placed(appeal: &Appeal, mut danger: Finding) -> Finding {
    if let Some(main) = appeal.findings.first().filter(|_| danger.place.kind == PlaceKind::None) {
        danger.place = main.place.clone();
    }
    danger
}

fn open_findings(appeal: &Appeal) -> impl Iterator<Item = Finding> + '_ {
    known_findings(appeal).zip(&appeal.findings).filter(|(_, state)| state.is_open()).map(|(known, _)| known)
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

/// Whether both lead to the same decisions, whichever release and rule set read the words. How sure it is changes with every word: that
/// is news only where it says whether a person decides.
pub(crate) fn means_the_same(city: &City, one: &Understanding, other: &Understanding) -> bool {
    let Understanding { triage: _, rules: _, lang, danger, findings, names_number } = one;
    let is_sure = |finding: &Finding| city.is_sure(finding.confidence);
    let same = |(one, other): (&Finding, &Finding)| {
        let Finding { category, priority, confidence: _, because: _, place } = one;
        (category, priority, place) == (&other.category, &other.priority, &other.place)
            && is_sure(one) == is_sure(other)
    };
    (*lang, *danger) == (other.lang, other.danger)
        && findings.len() == other.findings.len()
        && findings.iter().zip(&other.findings).all(same)
        && *names_number == other.names_number
}

/// What was settled, and then what was heard besides, as one decision.
pub(crate) fn both(settled: Option<Settlement>, heard: Option<Settlement>) -> Option<Settlement> {
    match (settled, heard) {
        (Some(mut both), Some(heard)) => {
            both.understanding = heard.understanding;
            both.routes.extend(heard.routes);
            both.alarms.extend(heard.alarms);
            Some(both)
        }
        (settled, heard) => settled.or(heard),
    }
}

/// The id of the first finding that the appeal does not have yet.
pub(crate) fn next_finding(appeal: &Appeal) -> FindingId {
    FindingId(u16::try_from(appeal.findings.len()).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use zholdary_domain::{
        IdKey, Point,
        appeal::Registered,
        inbound::{Channel, Surface},
    };

    use super::*;

    fn place(
        names: &[&str],
        house: Option<&str>,
        district: Option<&str>,
        point: Option<(f64, f64)>,
    ) -> Place {
        Place {
            kind: if names.is_empty() && point.is_none() { PlaceKind::None } else { PlaceKind::Address },
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            house: house.map(|house| house.to_owned().into()),
            district: district.map(str::to_owned),
            point: point.and_then(|(lon, lat)| Point::new(lon, lat)).map(Into::into),
            ..Place::default()
        }
    }

    #[test]
    fn two_places_are_two_only_when_it_is_certain() {
        let check = |one: &Place, other: &Place, apart: bool| {
            assert_eq!(are_apart(one, other), apart, "{one:?} {other:?}");
            assert_eq!(are_apart(other, one), apart, "{other:?} {one:?}");
        };
        let house = place(&["Абая"], Some("45"), Some("bostandyk"), None);
        check(&house, &house, false);
        check(&house, &place(&[], None, None, None), false);
        check(&house, &place(&["Абая"], None, None, None), false);
        check(&house, &place(&["Розыбакиева", "Абая"], None, None, None), false);
        check(&house, &place(&["Абая"], Some("54"), None, None), true);
        check(&house, &place(&["Сатпаева"], None, None, None), true);
        check(&house, &place(&[], None, Some("alatau"), None), true);
        let point = place(&[], None, None, Some((76.915, 43.252)));
        check(&point, &house, false);
        check(&point, &place(&[], None, None, Some((76.916, 43.252))), false);
        check(&point, &place(&[], None, None, Some((76.935, 43.252))), true);
        let segment = Place { from: Some("Абая".into()), ..place(&["Манаса"], None, None, None) };
        check(&segment, &house, false);
    }

    /// A registered appeal with a finding in each of these stages.
    fn appeal(stages: &[Stage], by_person: bool) -> Appeal {
        let registered = Registered {
            number: "Z-2026-000001".parse().unwrap(),
            message: None,
            contact: IdKey::new([3; 32]).contact("whatsapp", "1"),
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            received_at: chrono::DateTime::UNIX_EPOCH,
            draft: false,
            flood: None,
            parent: None,
        };
        let finding = |stage: &Stage| FindingState {
            category: "pothole".into(),
            place: Place::default(),
            route: None,
            due: Default::default(),
            overdue: BTreeSet::new(),
            stage: stage.clone(),
        };
        let findings = stages.iter().map(finding).collect();
        Appeal { registered: Some(Box::new(registered)), findings, by_person, ..Appeal::default() }
    }

    #[test]
    fn what_stands_in_a_queue_stays_until_it_is_told_where() {
        let check = |stages: &[Stage], had_point: bool, gives_point: bool, expected: bool| {
            let mut appeal = appeal(stages, false);
            let point = had_point.then_some((76.9, 43.25));
            appeal.findings[0].place = place(&["Абая"], None, None, point);
            assert_eq!(stays(&appeal, gives_point), expected, "{stages:?} {had_point} {gives_point}");
        };
        check(&[Stage::Routed], false, false, true);
        check(&[Stage::Routed], false, true, false);
        check(&[Stage::Routed], true, true, true);
        check(&[Stage::Routed, Stage::Desk], false, false, true);
        check(&[Stage::Routed, Stage::Asked], false, false, false);
        check(&[Stage::Asked], false, false, false);
        check(&[Stage::Accepted], false, false, false);
    }

    #[test]
    fn the_rules_decide_while_anything_waits() {
        let check = |stages: Vec<Stage>, by_person: bool, expected: bool| {
            assert_eq!(waits(&appeal(&stages, by_person)), expected, "{stages:?} {by_person}");
        };
        check(vec![Stage::Routed], false, true);
        check(vec![Stage::Desk], false, true);
        check(vec![Stage::Asked], false, true);
        check(vec![Stage::Accepted, Stage::Asked], false, true);
        check(vec![Stage::Asked, Stage::Accepted], false, true);
        check(vec![Stage::Accepted], false, false);
        check(vec![Stage::Accepted, Stage::Routed], false, false);
        check(vec![Stage::Asked], true, false);
    }
}
