//! What will happen, from one seed.

use std::collections::VecDeque;

use chrono::{DateTime, Datelike, Duration, TimeZone, Timelike, Utc, Weekday};
use zholdary_city::{ChannelGroup, City, Lang};
use zholdary_domain::inbound::Channel;

use crate::{
    chance::Chance,
    grammar::{Grammar, GrammarError, Shared, Tongue},
    places::{Places, Where},
    story::{Fate, Kind, Later, Said, Story},
    texts::Writer,
    way::Way,
};

/// Days before the end in which everything was written.
pub const DAYS: i64 = 90;
/// Earliest, in days before the end, that an appeal comes which its author will have judged by then.
const JUDGED_BEFORE: i64 = 9;

/// Of a hundred appeals that are judged so many come in the last three days, and are done on the same day.
const LATELY: usize = 3;

/// What is to be planned.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where chance begins.
    pub seed: u64,
    /// When it ends: everything was written in the ninety days before.
    pub until: DateTime<Utc>,
    /// Appeals in groups of the report.
    pub appeals: u32,
}

/// Why nothing can be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The sentences do not read.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// Nobody knows what people write about it.
    #[error(
        "the grammar has nothing to say of the group \"{0}\" of the city's report: it must have a share of 0, or a category that people write about"
    )]
    Group(String),
    /// No streets.
    #[error("the city has neither streets nor microdistricts to write about")]
    Nowhere,
}

/// Everything that residents will say, in the shares of the city's report: of the channels that the report tells apart each has its
/// count. Of which groups it consisted is known of one half of the report of 2019 alone, and taken for every other.
#[derive(Debug, Clone)]
pub struct Script {
    /// By time.
    pub stories: Vec<Story>,
}

/// The group of those who ask for nothing, and what they are about: beside the report.
pub const BESIDE: &str = "other";
const NOTHING: &str = "offtopic";
/// The number of the first author of those: beyond those of all appeals.
const BESIDE_FROM: usize = 8_000_000;

/// Purposes of chance.
const PEOPLE: u64 = 1;
const TIMES: u64 = 2;
const TEXTS: u64 = 3;
const FATES: u64 = 4;
const NOISE: u64 = 5;
const FURTHER: u64 = 6;
const STORMS: u64 = 7;
const WAYS: u64 = 8;

/// Of a hundred appeals about a street so many tell of what another one told.
const AGAIN_TOLD: usize = 12;
/// Within so many hours of the first one.
const TOLD_WITHIN: i64 = 72;
/// Problems that people may still come upon.
const FRESH: usize = 12;
/// Storms in the ninety days; each is an evening and a night in which far more is written.
const STORM_COUNT: usize = 3;
const STORM_HOURS: i64 = 9;
/// Of a hundred appeals so many come in a storm.
const IN_STORMS: usize = 6;

impl Script {
    /// Plans.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: a city that nobody can write about.
    pub fn new(city: &City, plan: &Plan) -> Result<Self, PlanError> {
        if city.streets.is_empty() && city.microdistricts.is_empty() {
            return Err(PlanError::Nowhere);
        }
        let grammar = Grammar::shipped()?;
        let places = Places::new(city);
        let mut writer = Writer::new(&grammar);
        let [mut people, mut times, mut texts, mut fates, mut further, mut ways] =
            [PEOPLE, TIMES, TEXTS, FATES, FURTHER, WAYS].map(|purpose| Chance::of(plan.seed, purpose));
        let calendar = Times::new(plan, city);
        let mut stories = Vec::new();
        let parts = parts(city, plan.appeals).into_iter();
        let groups = parts.flat_map(|(channels, appeals)| {
            shares(city, appeals).into_iter().map(move |share| (channels.clone(), share))
        });
        for (channels, (group, count, satisfied)) in groups {
            let subjects = subjects(city, &grammar, &group)?;
            let yes = satisfied.filter(|percent| *percent < 100.0).map(|percent| part(count, percent));
            let mut fresh: VecDeque<Problem<'_>> = VecDeque::new();
            for nth in 0..count {
                let verdict = yes.and_then(|yes| match nth {
                    nth if nth < yes => Some(true),
                    // Half of the others say that it is not fixed, half say nothing.
                    nth if nth % 2 == 0 => Some(false),
                    _ => None,
                });
                let latest = if verdict.is_some() { JUDGED_BEFORE } else { 0 };
                // A button stands under no comment.
                let way = way(&channels, verdict.is_some(), &mut ways);
                // Only a phone is asked for sure: elsewhere a window may have closed.
                let lately = verdict.is_some() && way == Way::Whatsapp && ways.happens(LATELY);
                let told = (!lately && further.happens(AGAIN_TOLD))
                    .then(|| told_before(&fresh, &calendar, latest, &mut further))
                    .flatten();
                let (problem, at) = match told {
                    Some((problem, at)) => (problem, at),
                    None => {
                        let at = if lately {
                            calendar.lately(&mut ways)
                        } else {
                            calendar.moment(latest, &mut times)
                        };
                        let month = calendar.month(at);
                        let category = subject(&grammar, &subjects, month, &mut texts);
                        let place = match (group.as_str(), category) {
                            (_, None) => places.outside(&mut texts),
                            ("yard", _) => places.micro(&mut texts, true),
                            ("new_build", _) if texts.happens(60) => places.micro(&mut texts, false),
                            _ => places.street(&mut texts),
                        };
                        (Problem { first: None, at, category, place }, at)
                    }
                };
                let Problem { first, category, place, .. } = &problem;
                let tongue = tongue(&subjects, *category, &mut texts);
                let topic = match category {
                    Some(category) => grammar.topic(category, tongue),
                    None => grammar.region(tongue),
                };
                let Some(topic) = topic else { return Err(PlanError::Group(group)) };
                let text = writer.about(topic, place, &mut texts);
                let author = author(way, stories.len(), &mut people);
                let mut opening = opening(&grammar, &author, (at, tongue), text, stories.len(), &mut texts);
                follow_up(&mut opening, &places, place, grammar.shared(tongue), &mut further);
                opening.retain(|said| way.has(&said.kind));
                let story = Story {
                    again: fates.happens(3),
                    category: category.map(str::to_owned),
                    group: group.clone(),
                    problem: first.clone(),
                    lang: if tongue == Tongue::Ru { Lang::Ru } else { Lang::Kk },
                    fate: if lately {
                        Fate::Done { after: Duration::minutes(ways.between(3 * 60, 7 * 60)) }
                    } else {
                        fate(&group, verdict, &mut fates)
                    },
                    verdict,
                    later: later(&writer, &grammar, (place, tongue), verdict, plan.until - at, &mut fates)
                        .filter(|_| !way.is_public()),
                    opening,
                };
                if problem.first.is_none() && place.is_in_city() {
                    let first = Some((way, story.first().id.clone()));
                    fresh.push_back(Problem { first, ..problem });
                    if fresh.len() > FRESH {
                        fresh.pop_front();
                    }
                }
                stories.push(story);
            }
        }
        stories.extend(noise(plan, &calendar, &grammar, &writer, &places));
        stories.sort_by(|a, b| (a.first().at, &a.first().id).cmp(&(b.first().at, &b.first().id)));
        Ok(Self { stories })
    }
}

/// The channels that people write on, and how many appeals come by them: by each group of channels that the city's report tells apart.
/// Of a city that tells none apart all come by WhatsApp.
fn parts(city: &City, appeals: u32) -> Vec<(Vec<Channel>, usize)> {
    let simulated = |group: &ChannelGroup| -> Vec<Channel> {
        group.channels.iter().copied().filter(|channel| !Way::of(*channel).is_empty()).collect()
    };
    let groups = city.channel_groups.iter().map(|group| (simulated(group), f64::from(group.count)));
    let mut groups: Vec<_> =
        groups.filter(|(channels, count)| !channels.is_empty() && *count > 0.0).collect();
    if groups.is_empty() {
        groups.push((vec![Channel::Whatsapp], 1.0));
    }
    let counts = divided(appeals as usize, &groups.iter().map(|(_, count)| *count).collect::<Vec<_>>());
    groups.into_iter().map(|(channels, _)| channels).zip(counts).collect()
}

/// How many appeals each group of the report has, and how many percent were satisfied.
fn shares(city: &City, appeals: usize) -> Vec<(String, usize, Option<f64>)> {
    let groups: Vec<_> = city.buckets.iter().filter(|bucket| bucket.share > 0.0).collect();
    let counts = divided(appeals, &groups.iter().map(|bucket| bucket.share).collect::<Vec<_>>());
    groups.iter().zip(counts).map(|(bucket, count)| (bucket.code.clone(), count, bucket.satisfied)).collect()
}

/// `whole`, divided by these shares: the largest remainders first.
fn divided(whole: usize, shares: &[f64]) -> Vec<usize> {
    let all: f64 = shares.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of appeals")]
    let exact: Vec<f64> = shares.iter().map(|share| whole as f64 * share / all).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of appeals"
    )]
    let mut counts: Vec<usize> = exact.iter().map(|exact| exact.floor() as usize).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let left = whole.saturating_sub(counts.iter().sum());
    for at in order.into_iter().take(left) {
        counts[at] += 1;
    }
    counts
}

/// A way of these channels; `privately`: one that nobody else reads.
fn way(channels: &[Channel], privately: bool, chance: &mut Chance) -> Way {
    let ways = channels.iter().flat_map(|channel| Way::of(*channel));
    let ways: Vec<_> = ways.filter(|(way, _)| !(privately && way.is_public())).collect();
    let weights: Vec<usize> = ways.iter().map(|(_, weight)| *weight).collect();
    ways[chance.weighted(&weights)].0
}

/// The nearest whole number to so many percent, a half upwards.
fn part(of: usize, percent: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count of appeals"
    )]
    let part = (of as f64 * percent / 100.0 + 0.5).floor() as usize;
    part
}

/// A category, or `None` for the region, with the languages that have words for it.
type Subject<'a> = (Option<&'a str>, Vec<Tongue>);

/// What people of a group write about.
fn subjects<'a>(city: &'a City, grammar: &Grammar, group: &str) -> Result<Vec<Subject<'a>>, PlanError> {
    let tongues = |has: &dyn Fn(Tongue) -> bool| -> Vec<Tongue> {
        [Tongue::Ru, Tongue::Kk, Tongue::Mixed].into_iter().filter(|tongue| has(*tongue)).collect()
    };
    let of = city.categories.iter().filter(|category| category.bucket == group);
    let mut subjects: Vec<Subject<'a>> = of
        .map(|category| {
            let code = category.code.as_str();
            (Some(code), tongues(&|tongue| grammar.topic(code, tongue).is_some()))
        })
        .filter(|(_, tongues)| !tongues.is_empty())
        .collect();
    if subjects.is_empty() && city.rules.iter().any(|rule| rule.bucket.as_deref() == Some(group)) {
        subjects.push((None, tongues(&|tongue| grammar.region(tongue).is_some())));
    }
    if subjects.is_empty() { Err(PlanError::Group(group.to_owned())) } else { Ok(subjects) }
}

/// What somebody writes about in a month; `None` is a road outside the city.
fn subject<'a>(
    grammar: &Grammar,
    subjects: &[Subject<'a>],
    month: u32,
    chance: &mut Chance,
) -> Option<&'a str> {
    let weigh = |category: &Option<&str>| category.map_or(1, |code| grammar.weight(code, month));
    let weights: Vec<usize> = subjects.iter().map(|(category, _)| weigh(category)).collect();
    subjects[chance.weighted(&weights)].0
}

/// A language that has words for a category.
fn tongue(subjects: &[Subject<'_>], category: Option<&str>, chance: &mut Chance) -> Tongue {
    let known = subjects.iter().find(|(known, _)| *known == category);
    let tongues = known.map_or(&[Tongue::Ru][..], |(_, tongues)| tongues);
    let weights: Vec<usize> = tongues
        .iter()
        .map(|tongue| match tongue {
            Tongue::Ru => 62,
            Tongue::Kk => 30,
            Tongue::Mixed => 8,
        })
        .collect();
    tongues[chance.weighted(&weights)]
}

/// Something on a road that people write about.
#[derive(Clone)]
struct Problem<'a> {
    /// The message that told it first.
    first: Option<(Way, String)>,
    at: DateTime<Utc>,
    category: Option<&'a str>,
    place: Where,
}

/// One of the problems that were told lately, and when it is told again.
fn told_before<'a>(
    fresh: &VecDeque<Problem<'a>>,
    calendar: &Times<'_>,
    latest: i64,
    chance: &mut Chance,
) -> Option<(Problem<'a>, DateTime<Utc>)> {
    let problem = fresh.get(chance.below(fresh.len()))?;
    let at = problem.at + Duration::seconds(chance.between(600, TOLD_WITHIN * 3_600));
    (at < calendar.end(latest)).then(|| (problem.clone(), at))
}

/// When people write.
struct Times<'a> {
    city: &'a City,
    until: DateTime<Utc>,
    storms: Vec<DateTime<Utc>>,
}

impl<'a> Times<'a> {
    fn new(plan: &Plan, city: &'a City) -> Self {
        let mut chance = Chance::of(plan.seed, STORMS);
        let evening = |_| plan.until - Duration::days(chance.between(1, DAYS)) + Duration::hours(19);
        let storms = (0..STORM_COUNT).map(evening).collect();
        Self { city, until: plan.until, storms }
    }

    /// The end of what comes at least so many days before the end.
    fn end(&self, latest: i64) -> DateTime<Utc> {
        self.until - Duration::days(latest)
    }

    fn month(&self, at: DateTime<Utc>) -> u32 {
        at.with_timezone(&self.city.calendar.zone()).month()
    }

    /// On one of the last days but the very last, early enough to be done on it.
    fn lately(&self, chance: &mut Chance) -> DateTime<Utc> {
        self.until - Duration::days(chance.between(2, 4))
            + Duration::seconds(chance.between(8 * 3_600, 11 * 3_600))
    }

    /// By day more than at night, on working days more than at weekends, more in some weeks of bad weather, most in a storm.
    fn moment(&self, latest: i64, chance: &mut Chance) -> DateTime<Utc> {
        const HOURS: [usize; 24] =
            [2, 1, 1, 1, 1, 2, 5, 9, 14, 15, 14, 13, 12, 12, 12, 12, 13, 15, 17, 16, 14, 11, 7, 4];
        let days = (self.until - Duration::days(DAYS))..self.end(latest);
        let zone = self.city.calendar.zone();
        loop {
            let at = if chance.happens(IN_STORMS) {
                *chance.one(&self.storms) + Duration::seconds(chance.between(0, STORM_HOURS * 3_600))
            } else {
                let day = chance.between(latest, DAYS);
                let hour = u32::try_from(chance.weighted(&HOURS)).unwrap_or_default();
                let second = chance.between(0, 3_600);
                let local = (self.until - Duration::days(day)).with_timezone(&zone);
                let weekend = matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
                let wet = local.iso_week().week().is_multiple_of(3);
                let wanted = if weekend { 55 } else { 85 } + if wet { 15 } else { 0 };
                if !chance.happens(wanted) {
                    continue;
                }
                let hour =
                    zone.with_ymd_and_hms(local.year(), local.month(), local.day(), hour, 0, 0).earliest();
                let Some(hour) = hour else { continue };
                hour.with_timezone(&Utc) + Duration::seconds(second)
            };
            if days.contains(&at) {
                return at.with_nanosecond(0).unwrap_or(at);
            }
        }
    }
}

fn fate(group: &str, verdict: Option<bool>, chance: &mut Chance) -> Fate {
    if verdict.is_some() {
        return Fate::Done { after: Duration::hours(chance.between(20, 150)) };
    }
    let weights = match group {
        "yard" => [62, 12, 14, 12],
        "new_build" | "new_objects" => [32, 20, 36, 12],
        "region" => [48, 18, 12, 22],
        _ => [72, 10, 8, 10],
    };
    match chance.weighted(&weights) {
        0 => Fate::Done { after: Duration::hours(chance.between(24, 500)) },
        1 => Fate::Taken,
        2 => Fate::Refused,
        _ => Fate::Silent,
    }
}

/// Who writes.
struct Author {
    way: Way,
    id: String,
    name: String,
}

fn author(way: Way, nth: usize, chance: &mut Chance) -> Author {
    const NAMES: [&str; 24] = [
        "Айгүл",
        "Нурлан",
        "Елена",
        "Данияр",
        "Асель",
        "Марат",
        "Ольга",
        "Ерлан",
        "Динара",
        "Сергей",
        "Гүлнар",
        "Тимур",
        "Жанна",
        "Азамат",
        "Ирина",
        "Бауыржан",
        "Алия",
        "Виктор",
        "Салтанат",
        "Руслан",
        "Мадина",
        "Қанат",
        "Наталья",
        "Ержан",
    ];
    const LETTERS: [&str; 12] = ["А.", "Б.", "Ж.", "К.", "М.", "Н.", "О.", "С.", "Т.", "У.", "Ш.", "Е."];
    let name = format!("{} {}", chance.one(&NAMES), chance.one(&LETTERS));
    Author { way, id: way.author(nth), name }
}

/// The messages that open an appeal: its words, then perhaps a photo and a word about it.
fn opening(
    grammar: &Grammar,
    Author { way, id: from, name }: &Author,
    (at, tongue): (DateTime<Utc>, Tongue),
    text: String,
    nth: usize,
    chance: &mut Chance,
) -> Vec<Said> {
    let said = |at, part: usize, kind| Said {
        at,
        way: *way,
        id: way.message(nth, part),
        from: from.clone(),
        name: name.clone(),
        answers: None,
        kind,
    };
    let mut opening = vec![said(at, 0, Kind::Text(text))];
    if chance.happens(30) {
        let captions = &grammar.shared(tongue).photo_captions;
        let caption = chance.happens(40).then(|| chance.one(captions).clone());
        opening.push(said(at + Duration::seconds(chance.between(20, 240)), 1, Kind::Photo { caption }));
    }
    opening
}

/// What some send after their first words: a point, or the same words mended.
fn follow_up(
    opening: &mut Vec<Said>,
    places: &Places<'_>,
    place: &Where,
    shared: &Shared,
    chance: &mut Chance,
) {
    let (Some(first), Some(last)) = (opening.first(), opening.last()) else { return };
    let (first, mut at) = (first.clone(), last.at);
    let mut follow = |chance: &mut Chance, part: usize, kind| {
        at += Duration::seconds(chance.between(15, 180));
        let id = format!("{}{part}", first.id);
        opening.push(Said { at, id, kind, ..first.clone() });
    };
    if chance.happens(15)
        && let Some((lon, lat)) = places.point(place, chance)
    {
        follow(chance, 2, Kind::Point { lon, lat });
    }
    if let Kind::Text(text) = &first.kind
        && chance.happens(5)
    {
        let text = format!("{text} {}", chance.one(&shared.asks));
        follow(chance, 3, Kind::Edit { of: first.id.clone(), text });
    }
}

fn later(
    writer: &Writer<'_>,
    grammar: &Grammar,
    (place, tongue): (&Where, Tongue),
    verdict: Option<bool>,
    left: Duration,
    chance: &mut Chance,
) -> Option<Later> {
    let shared = grammar.shared(tongue);
    let list = match verdict {
        Some(true) if chance.happens(30) => &shared.thanks,
        None if chance.happens(8) => &shared.followups,
        _ => return None,
    };
    // Of the last days, too, somebody asks before the end.
    let hours = if left < Duration::days(4) && verdict.is_none() { 2..20 } else { 170..400 };
    Some(Later {
        after: Duration::hours(chance.between(hours.start, hours.end)),
        text: writer.whole(list, place, tongue, chance),
    })
}

/// Messages of people who ask for nothing: abuse, and words that need no answer.
fn noise(
    plan: &Plan,
    calendar: &Times<'_>,
    grammar: &Grammar,
    writer: &Writer<'_>,
    places: &Places<'_>,
) -> Vec<Story> {
    let mut chance = Chance::of(plan.seed, NOISE);
    let count = plan.appeals as usize / 60;
    let one = |nth| {
        let tongue = if chance.happens(65) { Tongue::Ru } else { Tongue::Kk };
        let shared = grammar.shared(tongue);
        let list = if chance.happens(50) { &shared.abuse } else { &shared.chatter };
        let place = places.street(&mut chance);
        let text = writer.whole(list, &place, tongue, &mut chance);
        let nth = BESIDE_FROM + nth;
        let Author { way, id: from, name } = author(Way::Whatsapp, nth, &mut chance);
        let said = Said {
            at: calendar.moment(0, &mut chance),
            way,
            id: way.message(nth, 0),
            from,
            name,
            answers: None,
            kind: Kind::Text(text),
        };
        Story {
            opening: vec![said],
            again: false,
            category: Some(NOTHING.to_owned()),
            group: BESIDE.to_owned(),
            problem: None,
            lang: if tongue == Tongue::Ru { Lang::Ru } else { Lang::Kk },
            fate: Fate::Silent,
            verdict: None,
            later: None,
        }
    };
    (0..count).map(one).collect()
}
