//! From names, house numbers and a point to one place.

use zholdary_city::{City, DistrictHit};
use zholdary_domain::{Personal, Place, PlaceKind, Point};

use crate::house;
use crate::names::{Mention, Target};
use crate::text::{Gap, Token};
use crate::words::{self, KindWord};

/// What a street or microdistrict is for in the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The problem is there.
    Main,
    /// The problem begins there.
    From,
    /// The problem ends there.
    To,
    /// The problem is beyond it («выше», «после»): it begins there.
    Beyond,
    /// The problem is near it: as good as a crossing.
    Near,
    /// Somebody goes there or comes from there.
    Way,
}

/// What is known before the words are looked at.
pub(crate) struct Known {
    pub(crate) point: Option<Point>,
    /// The district of the point; `None` without a point or outside the city.
    pub(crate) hit: Option<DistrictHit>,
    pub(crate) yard: bool,
}

/// Puts one place together.
///
/// `problem(at)` says whether a problem is named at a token, so that a number before it counts problems.
pub(crate) fn place(
    city: &City,
    tokens: &[Token],
    mentions: &[Mention],
    known: &Known,
    problem: &dyn Fn(usize) -> bool,
) -> Place {
    let in_city_by_point = known.point.map(|_| known.hit.is_some());
    let mut place = Place {
        yard: known.yard,
        point: known.point.map(Personal::new),
        in_city: in_city_by_point,
        ..Place::default()
    };
    let roles = roles(tokens, mentions);
    let local: Vec<(&Mention, Role)> = mentions
        .iter()
        .zip(roles.iter().copied())
        .filter(|(mention, _)| matches!(mention.target, Target::Street(_) | Target::Micro(_)))
        .collect();
    if in_city_by_point != Some(true) && outside(city, mentions, &roles, &local, &mut place) {
        return place;
    }
    let mut local = local;
    if in_city_by_point == Some(true) && local.is_empty() {
        inner_part_of_highway(city, mentions, &mut local);
    }
    let owned: Vec<(Target, Role)> = local.iter().map(|(mention, role)| (mention.target, *role)).collect();
    let mut main: Vec<(&Mention, Role)> =
        local.iter().filter(|(_, role)| *role == Role::Main).copied().collect();
    let has = |role: Role| local.iter().any(|(_, own)| *own == role);
    if main.is_empty() {
        // «Above X», «from X to Y» and nothing else: those are the names the place has.
        main.clone_from(&local);
    }
    let name_of = |target: Target| match target {
        Target::Highway(at) => city.highways[at].also_city_street.clone().unwrap_or_default(),
        target => name(city, target),
    };
    for (mention, _) in
        main.iter().copied().chain(local.iter().filter(|(_, role)| *role == Role::Near).copied())
    {
        let name = name_of(mention.target);
        if !place.names.contains(&name) {
            place.names.push(name);
        }
    }
    let first =
        |role: Role| local.iter().find(|(_, own)| *own == role).map(|(mention, _)| name_of(mention.target));
    place.from = first(Role::From).or_else(|| first(Role::Beyond));
    place.to = first(Role::To);
    let streets = main.iter().any(|(mention, _)| !matches!(mention.target, Target::Micro(_)));
    let all_local: Vec<&Mention> = local.iter().map(|(mention, _)| *mention).collect();
    let house = house::find(tokens, &all_local, problem);
    let alone = main.len() == local.len() && local.iter().all(|(_, role)| *role != Role::Main);
    let crosses = crossing(city, tokens, &main) || has(Role::Near) && streets;
    place.kind = if local.is_empty() {
        if known.point.is_some() { PlaceKind::Point } else { PlaceKind::None }
    } else if crosses && !alone {
        PlaceKind::Intersection
    } else if has(Role::From) || has(Role::To) || has(Role::Beyond) && !alone {
        PlaceKind::Segment
    } else if house.is_some() {
        PlaceKind::Address
    } else if streets {
        PlaceKind::Street
    } else {
        PlaceKind::Microdistrict
    };
    place.house = house.filter(|_| !local.is_empty()).map(Personal::new);
    districts(city, mentions, &owned, known, &mut place);
    place
}

/// A highway or settlement that decides; says whether one does.
fn outside(
    city: &City,
    mentions: &[Mention],
    roles: &[Role],
    local: &[(&Mention, Role)],
    place: &mut Place,
) -> bool {
    let deciding = |wanted: fn(&Target) -> bool| {
        mentions
            .iter()
            .zip(roles)
            .filter(move |(mention, role)| {
                wanted(&mention.target) && (**role != Role::Way || local.is_empty())
            })
            .map(|(mention, _)| mention.target)
    };
    let mut names: Vec<String> = Vec::new();
    for target in deciding(|target| matches!(target, Target::Highway(_))) {
        let name = name(city, target);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if let Some(highway) = names.first().cloned() {
        place.kind = PlaceKind::Highway;
        place.highway = Some(highway);
    } else if let Some(target) = deciding(|target| matches!(target, Target::Settlement(_))).next() {
        let settlement = name(city, target);
        names.push(settlement.clone());
        place.kind = PlaceKind::Settlement;
        place.settlement = Some(settlement);
    } else {
        return false;
    }
    place.names = names;
    place.in_city = Some(false);
    true
}

/// With a point in the city, a highway is the city street it continues.
fn inner_part_of_highway<'a>(city: &City, mentions: &'a [Mention], local: &mut Vec<(&'a Mention, Role)>) {
    for mention in mentions {
        let Target::Highway(at) = mention.target else { continue };
        if city.highways[at].also_city_street.is_some() {
            local.push((mention, Role::Main));
        }
    }
}

/// `name_ru` of a target.
fn name(city: &City, target: Target) -> String {
    match target {
        Target::Street(at) => city.streets[at].name.ru.clone(),
        Target::Micro(at) => city.microdistricts[at].name.ru.clone(),
        Target::District(at) => city.districts[at].name.ru.clone(),
        Target::Settlement(at) => city.settlements[at].name.ru.clone(),
        Target::Highway(at) => city.highways[at].name.ru.clone(),
    }
}

/// The role of each mention, from the words before and after it and its Kazakh case.
fn roles(tokens: &[Token], mentions: &[Mention]) -> Vec<Role> {
    let mut roles = vec![Role::Main; mentions.len()];
    for (at, mention) in mentions.iter().enumerate() {
        let before = start_with_kinds(tokens, mention.start);
        let after = end_with_kinds(tokens, mention.end);
        let cue = before.checked_sub(1).map(|at| &tokens[at]);
        let next = mentions.get(at + 1);
        let up_to = |next: Option<&Mention>| {
            next.is_some_and(|next| {
                let start = start_with_kinds(tokens, next.start);
                start > 0 && tokens[start - 1].is(words::TO_WORDS)
                    || tokens
                        .get(end_with_kinds(tokens, next.end))
                        .is_some_and(|token| token.starts(words::DEIIN))
            })
        };
        if let Some(cue) = cue {
            if cue.is(words::TO_WORDS) {
                roles[at] = Role::To;
            } else if cue.is(&["от", "ot", "начиная"]) || cue.is(words::FROM_WORDS) && up_to(next) {
                roles[at] = Role::From;
            } else if cue.is(words::BETWEEN_WORDS) && next.is_some() {
                roles[at] = Role::From;
                roles[at + 1] = Role::To;
                continue;
            } else if cue.is(words::BEYOND_WORDS) {
                roles[at] = Role::Beyond;
            } else if cue.is(words::NEAR_WORDS) && mentions.len() > 1 {
                roles[at] = Role::Near;
            } else if cue.is(words::MOVE_WORDS) {
                roles[at] = Role::Way;
            }
        }
        if roles[at] != Role::Main {
            continue;
        }
        let following = tokens.get(after);
        let case = |endings: &[&str]| ends(tokens, mention, after, endings);
        if following.is_some_and(|token| token.starts(words::DEIIN)) && case(words::DATIVE) {
            roles[at] = Role::To;
        } else if case(words::ABLATIVE) && following.is_some_and(|token| token.starts(words::KK_BEYOND)) {
            roles[at] = Role::Beyond;
        } else if case(words::ABLATIVE) && up_to(next) {
            roles[at] = Role::From;
        } else if at > 0 && following.is_some_and(|token| token.starts(words::KK_BETWEEN)) {
            roles[at - 1] = Role::From;
            roles[at] = Role::To;
        }
    }
    // A role that only «between» gave to a later mention stays; settlements and highways have no part in a segment.
    for (role, mention) in roles.iter_mut().zip(mentions) {
        let way = matches!(role, Role::From | Role::To | Role::Beyond | Role::Near);
        if way && matches!(mention.target, Target::Settlement(_) | Target::Highway(_)) {
            *role = if matches!(role, Role::Near | Role::Beyond) { Role::Main } else { Role::Way };
        }
    }
    roles
}

/// Whether a mention, or the kind word after it, has one of these endings.
fn ends(tokens: &[Token], mention: &Mention, after: usize, endings: &[&str]) -> bool {
    if after > mention.end {
        tokens[after - 1].forms().any(|form| endings.iter().any(|ending| form.ends_with(ending)))
    } else {
        endings.contains(&mention.ending.as_str())
            || tokens[mention.end - 1]
                .forms()
                .any(|form| form.len() > 6 && endings.iter().any(|ending| form.ends_with(ending)))
                && mention.ending.is_empty()
    }
}

/// The first token of a name together with the kind words before it.
fn start_with_kinds(tokens: &[Token], start: usize) -> usize {
    let mut start = start;
    while start > 0 {
        match words::kind_word_ending(tokens, start - 1) {
            Some((_, length)) => start -= length,
            None => break,
        }
    }
    start
}

/// The token after a name and the kind words that follow it.
pub(crate) fn end_with_kinds(tokens: &[Token], end: usize) -> usize {
    let mut end = end;
    while let Some(token) = tokens.get(end) {
        let near = matches!(token.gap, Gap::Space | Gap::Hyphen | Gap::Glued);
        match words::kind_word_starting(tokens, end) {
            Some((KindWord::Street | KindWord::Micro, length)) if near => end += length,
            _ => break,
        }
    }
    end
}

/// Whether two of the main streets cross in the words of the text.
fn crossing(city: &City, tokens: &[Token], main: &[(&Mention, Role)]) -> bool {
    main.windows(2).any(|pair| {
        let (first, second) = (pair[0].0, pair[1].0);
        let (Target::Street(a), Target::Street(b)) = (first.target, second.target) else { return false };
        if a == b {
            return false;
        }
        // A kind word between two names may belong to either.
        let to = start_with_kinds(tokens, second.start);
        let from = end_with_kinds(tokens, first.end).min(to);
        let said = |token: &Token| token.starts(words::CROSS_STEMS) || token.is(words::CROSS_WORDS);
        let between = &tokens[from..to];
        let linked = between
            .iter()
            .all(|token| said(token) || token.is(words::CROSS_LINKS) || token.is(&["на", "улиц", "улицы"]));
        if !linked {
            return false;
        }
        let told = between.iter().any(said)
            || tokens.get(end_with_kinds(tokens, second.end)).is_some_and(said)
            || start_with_kinds(tokens, first.start)
                .checked_sub(1)
                .is_some_and(|at| said(&tokens[at]) || at > 0 && said(&tokens[at - 1]));
        told || match (between.is_empty(), tokens[to].gap) {
            (true, Gap::Hyphen | Gap::Slash) => true,
            (true, Gap::Stop | Gap::Comma | Gap::Glued) => false,
            (true, Gap::Space) | (false, _) => may_cross(city, a, b),
        }
    })
}

/// Two streets that run the same way do not cross.
fn may_cross(city: &City, a: usize, b: usize) -> bool {
    use zholdary_city::Axis;
    let (a, b) = (city.streets[a].axis, city.streets[b].axis);
    a != b || a == Axis::Other
}

/// The district, or those that may be right, and whether the place is in the city.
fn districts(city: &City, mentions: &[Mention], local: &[(Target, Role)], known: &Known, place: &mut Place) {
    if let Some(hit) = &known.hit {
        place.district = Some(hit.code.clone());
        return;
    }
    let named: Vec<String> = mentions
        .iter()
        .filter_map(|mention| match mention.target {
            Target::District(at) => Some(city.districts[at].code.clone()),
            _ => None,
        })
        .collect();
    if place.in_city.is_none() && !(named.is_empty() && local.is_empty()) {
        place.in_city = Some(true);
    }
    if known.point.is_some() {
        // The point is outside the city: words do not bring it back.
        return;
    }
    let of = |target: Target| match target {
        Target::Street(at) => Some(city.streets[at].districts.clone()),
        Target::Micro(at) => Some(city.microdistricts[at].districts.clone()),
        _ => None,
    };
    // The surest first: what contradicts them is left out.
    let mut sets: Vec<Vec<String>> = Vec::new();
    if !named.is_empty() {
        sets.push(named);
    }
    let used = || local.iter().filter(|(_, role)| *role != Role::Way).map(|(target, _)| *target);
    sets.extend(used().filter(|target| matches!(target, Target::Micro(_))).filter_map(of));
    sets.extend(used().filter(|target| matches!(target, Target::Street(_))).filter_map(of));
    let mut sets = sets.into_iter().filter(|set| !set.is_empty());
    let Some(mut left) = sets.next() else { return };
    for set in sets {
        let both: Vec<String> = left.iter().filter(|code| set.contains(code)).cloned().collect();
        if !both.is_empty() {
            left = both;
        }
    }
    left.dedup();
    match left.as_slice() {
        [one] => place.district = Some(one.clone()),
        _ => place.candidates = left,
    }
}
