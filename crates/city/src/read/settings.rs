//! `city.toml`: meta, law, calendar settings, places, works, danger, matching, priorities, report groups.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::Spanned;
use zholdary_domain::{PlaceKind, calendar::DayHours, inbound::Channel};

use super::book::{At, Book, Codes};
use super::document::{Document, Entry};
use super::expected::OTHER;
use super::raw;
use crate::model::{
    Articles, Bounds, Bucket, ChannelGroup, Danger, Escalate, Flood, Legal, LegalKind, Matching, Meta,
    Notify, NotifyHow, PartyWords, PlaceRules, Priority, Reminders, Scores, WorksRules,
};
use crate::names::{Lang, Names};

/// The main file of a city.
pub(super) const CITY: &str = "city.toml";

/// Everything of `city.toml` that stands by itself.
pub(super) struct Settings {
    pub(super) meta: Meta,
    pub(super) legal: Legal,
    pub(super) legal_kinds: Vec<LegalKind>,
    pub(super) calendar: CalendarSettings,
    pub(super) place: PlaceRules,
    pub(super) works_rules: WorksRules,
    pub(super) danger: Danger,
    pub(super) matching: Matching,
    pub(super) escalate: Escalate,
    pub(super) priorities: Vec<Priority>,
    pub(super) reminders: Reminders,
    pub(super) party_words: PartyWords,
    pub(super) flood: Flood,
    pub(super) buckets: Vec<Bucket>,
    pub(super) channel_groups: Vec<ChannelGroup>,
    pub(super) groups: BTreeMap<String, Names>,
    pub(super) street_kinds: BTreeMap<String, Names>,
}

/// Codes that `city.toml` defines.
pub(super) struct SettingCodes {
    pub(super) priorities: Codes,
    pub(super) buckets: Codes,
    pub(super) groups: Codes,
}

/// References of `city.toml` to other files, checked when those have been read.
#[derive(Default)]
pub(super) struct SettingRefs {
    /// Where, who, code.
    pub(super) parties: Vec<(u32, String, String)>,
    pub(super) categories: Vec<(u32, String, String)>,
    pub(super) templates: Vec<(u32, String, String)>,
}

/// The calendar without its days.
pub(super) struct CalendarSettings {
    pub(super) zone: Tz,
    pub(super) weekend: Vec<Weekday>,
    pub(super) off: Vec<String>,
    pub(super) worked: Vec<String>,
    pub(super) due_at: NaiveTime,
    pub(super) registered_until: NaiveTime,
    pub(super) hours: DayHours,
    pub(super) line: u32,
}

pub(super) fn read(
    doc: &mut Document<'_>,
    meta: Option<(Meta, Tz)>,
    book: &Book,
) -> (Option<Settings>, SettingCodes, SettingRefs) {
    let mut refs = SettingRefs::default();
    let languages = meta.as_ref().map(|(meta, _)| meta.languages.clone()).unwrap_or_default();
    let legal = legal(doc, &languages, book);
    let legal_kinds = legal_kinds(doc, &languages, book);
    let calendar = calendar(doc, meta.as_ref().map(|(_, zone)| *zone), legal.as_ref(), book);
    let place = place(doc, &mut refs, book);
    let works_rules = works(doc, book);
    let danger = danger(doc, &mut refs, book);
    let matching = matching(doc, &mut refs, book);
    let escalate = doc.take::<raw::Escalate>("escalate", book).map(|entry| {
        book.stems(doc.on_line(entry.line), "[escalate]", &entry.value.stems);
        Escalate { steps: entry.value.steps, stems: entry.value.stems }
    });
    let (priorities, priority_codes) = priorities(doc, &languages, &mut refs, book);
    let reminders = reminders(doc, book);
    let party_words = party_words(doc, book);
    let flood = flood(doc, book);
    let (buckets, bucket_codes) = buckets(doc, &languages, book);
    let channel_groups = channel_groups(doc, &languages, book);
    let (groups, group_codes) = names_by_code(doc, "groups", &languages, book);
    let (street_kinds, _) = match doc.has("street_kind") {
        true => names_by_code(doc, "street_kind", &languages, book),
        false => (BTreeMap::new(), Codes::new(CITY)),
    };
    let codes = SettingCodes { priorities: priority_codes, buckets: bucket_codes, groups: group_codes };
    let settings = (|| {
        Some(Settings {
            meta: meta?.0,
            legal: legal?.0,
            legal_kinds,
            calendar: calendar?,
            place: place?,
            works_rules: works_rules?,
            danger: danger?,
            matching: matching?,
            escalate: escalate?,
            priorities,
            reminders: reminders?,
            party_words,
            flood,
            buckets,
            channel_groups,
            groups,
            street_kinds,
        })
    })();
    (settings, codes, refs)
}

/// `[meta]`, read before everything else.
pub(super) fn meta(doc: &mut Document<'_>, book: &Book) -> Option<(Meta, Tz)> {
    let entry: Entry<raw::Meta> = doc.take("meta", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    if *raw.format.get_ref() != 2 {
        book.fault(doc.at(&raw.format), "this version reads format 2 only", "write format = 2");
    }
    let city_at = doc.at(&raw.city);
    let city = raw.city.into_inner();
    // Part of the stream `rules.<city>`, whose ids have no `_`.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if city.is_empty() || city.len() > 64 || !city.bytes().all(plain) {
        book.fault(city_at, format!("\"{city}\" cannot be a city's code"), "use 1 to 64 of a-z, 0-9 and `-`");
    }
    let version_at = doc.at(&raw.version);
    let version = raw.version.into_inner();
    if version.is_empty() || version.len() > 40 || !version.bytes().all(|b| b.is_ascii_graphic() && b != b'+')
    {
        book.fault(
            version_at,
            format!("\"{version}\" cannot be a version"),
            "write it as 2026-11-2, without `+`",
        );
    }
    let started = book.day(doc.at(&raw.started), raw.started.get_ref());
    let zone: Option<Tz> = raw.timezone.get_ref().parse().ok().or_else(|| {
        book.none(
            doc.at(&raw.timezone),
            format!("\"{}\" is not a time zone", raw.timezone.get_ref()),
            "write a name of the IANA list, such as Asia/Almaty",
        )
    });
    let lang = |at: At<'_>, code: &str| {
        Lang::from_code(code)
            .or_else(|| book.none(at, format!("language \"{code}\" is not known"), "write ru, kk or en"))
    };
    let languages_at = doc.at(&raw.languages);
    let languages: Vec<Lang> =
        raw.languages.get_ref().iter().filter_map(|code| lang(languages_at, code)).collect();
    for needed in [Lang::Ru, Lang::Kk] {
        if !languages.contains(&needed) {
            book.fault(languages_at, format!("the languages lack {needed}"), format!("add \"{needed}\""));
        }
    }
    let default_language = lang(doc.at(&raw.default_language), raw.default_language.get_ref());
    if default_language.is_some_and(|lang| !languages.contains(&lang)) {
        book.fault(
            doc.at(&raw.default_language),
            "the default language is not one of `languages`",
            "add it there or choose another",
        );
    }
    let names = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
    book.names(at, "the city", &languages, &names);
    let bounds = bounds(doc.at(&raw.bounds), *raw.bounds.get_ref(), book);
    let number_format = book.parse(doc.at(&raw.number_format), "number_format", raw.number_format.get_ref());
    let meta = Meta {
        version,
        city,
        name: names,
        started: started?,
        default_language: default_language?,
        languages,
        bounds: bounds?,
        number_format: number_format?,
    };
    Some((meta, zone?))
}

/// A box whose sides are on Earth and in order.
pub(super) fn bounds(at: At<'_>, bounds: Bounds, book: &Book) -> Option<Bounds> {
    let on_earth = |lon: f64, lat: f64| (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
    let right = on_earth(bounds.lon_min, bounds.lat_min)
        && on_earth(bounds.lon_max, bounds.lat_max)
        && bounds.lon_min < bounds.lon_max
        && bounds.lat_min < bounds.lat_max;
    if right {
        Some(bounds)
    } else {
        book.none(at, "the box is not one on Earth", "write degrees, each minimum below its maximum")
    }
}

fn legal(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> Option<(Legal, Spanned<String>)> {
    let entry: Entry<raw::Legal> = doc.take("legal", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    book.only(doc.at(&raw.registered_on), "registered_on", raw.registered_on.get_ref(), "working_days");
    let act = Names { ru: raw.act_ru, kk: raw.act_kk, en: raw.act_en };
    book.names(at, "the act", languages, &act);
    let plain = "{article}, {act}";
    let cited = Names {
        ru: raw.cited_ru.unwrap_or_else(|| plain.to_owned()),
        kk: raw.cited_kk.unwrap_or_else(|| plain.to_owned()),
        en: raw.cited_en.unwrap_or_else(|| plain.to_owned()),
    };
    for lang in Lang::ALL {
        if !cited.get(lang).contains("{article}") || !cited.get(lang).contains("{act}") {
            book.fault(at, format!("`cited_{lang}` lacks {{article}} or {{act}}"), "write both into it");
        }
    }
    for (key, days) in [
        ("answer_working_days", raw.answer_working_days),
        ("forward_working_days", raw.forward_working_days),
        ("extend_notice_working_days", raw.extend_notice_working_days),
        ("complaint_working_days", raw.complaint_working_days),
    ] {
        if !(1..=366).contains(&days) {
            book.fault(at, format!("`{key}` is {days}"), "write 1 to 366 working days");
        }
    }
    if raw.extend_max_months > 24 {
        book.fault(at, format!("`extend_max_months` is {}", raw.extend_max_months), "write 0 to 24 months");
    }
    let legal = Legal {
        act,
        cited,
        answer_working_days: raw.answer_working_days,
        forward_working_days: raw.forward_working_days,
        extend_max_months: raw.extend_max_months,
        extend_notice_working_days: raw.extend_notice_working_days,
        complaint_working_days: raw.complaint_working_days,
        articles: Articles {
            register: raw.articles.register,
            forward: raw.articles.forward,
            answer: raw.articles.answer,
            extend: raw.articles.extend,
            complaint: raw.articles.complaint,
        },
    };
    Some((legal, raw.registered_until))
}

fn legal_kinds(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> Vec<LegalKind> {
    let (entries, _) = doc.list::<raw::Coded>("legal_kind", "code", book);
    let mut kinds = Vec::new();
    for Entry { line, value } in entries {
        let at = doc.on_line(line);
        book.code(at, &value.code);
        let name = Names { ru: value.name_ru, kk: value.name_kk, en: value.name_en };
        book.names(at, &format!("legal kind \"{}\"", value.code), languages, &name);
        kinds.push(LegalKind { code: value.code, name });
    }
    kinds
}

fn calendar(
    doc: &mut Document<'_>,
    zone: Option<Tz>,
    legal: Option<&(Legal, Spanned<String>)>,
    book: &Book,
) -> Option<CalendarSettings> {
    let entry: Entry<raw::Calendar> = doc.take("calendar", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    book.only(doc.at(&raw.count_from), "count_from", raw.count_from.get_ref(), "next_working_day");
    book.only(doc.at(&raw.hours_count), "hours_count", raw.hours_count.get_ref(), "clock");
    let weekend_at = doc.at(&raw.weekend);
    let weekend: Vec<Weekday> = raw
        .weekend
        .get_ref()
        .iter()
        .filter_map(|day| {
            let known = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&day.as_str());
            known.then(|| day.parse().ok()).flatten().or_else(|| {
                book.none(weekend_at, format!("\"{day}\" is not a day of the week"), "write mon, tue, … sun")
            })
        })
        .collect();
    for kind in &raw.worked {
        if raw.off.contains(kind) {
            book.fault(at, format!("\"{kind}\" stands in both `off` and `worked`"), "remove it from one");
        }
    }
    let due_at = book.time(doc.at(&raw.due_at), raw.due_at.get_ref());
    let hours = book.parse(doc.at(&raw.hours), "hours", raw.hours.get_ref());
    let registered_until = legal.and_then(|(_, until)| book.time(doc.at(until), until.get_ref()));
    Some(CalendarSettings {
        zone: zone?,
        weekend,
        off: raw.off,
        worked: raw.worked,
        due_at: due_at?,
        registered_until: registered_until?,
        hours: hours?,
        line: weekend_at.line,
    })
}

fn place(doc: &mut Document<'_>, refs: &mut SettingRefs, book: &Book) -> Option<PlaceRules> {
    let entry: Entry<raw::Place> = doc.take("place", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    let kinds_at = doc.at(&raw.kinds);
    let kinds = raw.kinds.get_ref().iter().filter_map(|code| {
        place_kind(code).or_else(|| {
            book.none(kinds_at, format!("kind of place \"{code}\" is not known"), "correct it or remove it")
        })
    });
    let kinds = kinds.collect();
    for tag in raw.tags.get_ref() {
        book.only(doc.at(&raw.tags), "tags", tag, "yard");
    }
    book.stems(doc.at(&raw.yard_stems), "[place]", raw.yard_stems.get_ref());
    if !raw.district_party.get_ref().contains("{district}") {
        book.fault(
            doc.at(&raw.district_party),
            "`district_party` has no {district}",
            "write akimat-{district}",
        );
    }
    let undecided = raw.undecided_district;
    refs.parties.push((doc.at(&undecided).line, "[place]".to_owned(), undecided.get_ref().clone()));
    if !(0.0..=10_000.0).contains(&raw.edge_metres) {
        book.fault(at, format!("`edge_metres` is {}", raw.edge_metres), "write 0 to 10000 metres");
    }
    Some(PlaceRules {
        kinds,
        yard_stems: raw.yard_stems.into_inner(),
        district_party: raw.district_party.into_inner(),
        undecided_district: undecided.into_inner(),
        edge_metres: raw.edge_metres,
    })
}

/// The kind of place with a code.
pub(super) fn place_kind(code: &str) -> Option<PlaceKind> {
    [
        PlaceKind::Intersection,
        PlaceKind::Segment,
        PlaceKind::Address,
        PlaceKind::Street,
        PlaceKind::Microdistrict,
        PlaceKind::Landmark,
        PlaceKind::Point,
        PlaceKind::Settlement,
        PlaceKind::Highway,
        PlaceKind::None,
    ]
    .into_iter()
    .find(|kind| kind.code() == code)
}

fn works(doc: &mut Document<'_>, book: &Book) -> Option<WorksRules> {
    let years: Option<Entry<BTreeMap<String, u32>>> = doc.take("warranty_years", book);
    let entry: Entry<raw::Works> = doc.take("works", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    book.only(doc.at(&raw.street_only), "street_only", raw.street_only.get_ref(), "hint");
    let states = &raw.states;
    for (key, text, known) in [
        ("active", &states.active, "start <= today <= finish"),
        ("warranty", &states.warranty, "finish < today <= finish + warranty_years"),
        ("planned", &states.planned, "today < start"),
    ] {
        book.only(doc.at(text), key, text.get_ref(), known);
    }
    if !(0.0..=10_000.0).contains(&raw.match_metres) {
        book.fault(at, format!("`match_metres` is {}", raw.match_metres), "write 0 to 10000 metres");
    }
    let years = years?;
    for (kind, years_of_kind) in &years.value {
        if *years_of_kind > 50 {
            book.fault(
                doc.on_line(years.line),
                format!("the warranty of `{kind}` is {years_of_kind} years"),
                "write 0 to 50 years",
            );
        }
    }
    for kind in raw.warranty_kinds.iter().chain(&raw.permit_kinds) {
        if !years.value.contains_key(kind) {
            book.fault(
                doc.on_line(years.line),
                format!("[warranty_years] has no `{kind}`"),
                "add its years, 0 for none",
            );
        }
    }
    for kind in &raw.permit_kinds {
        if raw.active_kinds.contains(kind) {
            book.fault(at, format!("`{kind}` is both an active and a permit kind"), "remove it from one");
        }
    }
    Some(WorksRules {
        match_metres: raw.match_metres,
        active_kinds: raw.active_kinds,
        warranty_kinds: raw.warranty_kinds,
        permit_kinds: raw.permit_kinds,
        closure_kinds: raw.closure_kinds,
        warranty_years: years.value,
    })
}

fn danger(doc: &mut Document<'_>, refs: &mut SettingRefs, book: &Book) -> Option<Danger> {
    let entry: Entry<raw::Danger> = doc.take("danger", book)?;
    let raw = entry.value;
    book.only(doc.at(&raw.place_question), "place_question", raw.place_question.get_ref(), "in_parallel");
    let undecided = &raw.undecided_district;
    book.only(doc.at(undecided), "undecided_district", undecided.get_ref(), "all_candidates");
    if !raw.never_closed_without_person.get_ref() {
        book.fault(
            doc.at(&raw.never_closed_without_person),
            "`never_closed_without_person` is false, and no rule may close a danger",
            "write true",
        );
    }
    let line = doc.at(&raw.categories_never_dropped).line;
    for code in raw.categories_never_dropped.get_ref() {
        refs.categories.push((line, "[danger]".to_owned(), code.clone()));
    }
    Some(Danger {
        categories_never_dropped: raw.categories_never_dropped.into_inner(),
        tell_applicant: raw.tell_applicant,
    })
}

fn matching(doc: &mut Document<'_>, refs: &mut SettingRefs, book: &Book) -> Option<Matching> {
    let entry: Entry<raw::Matching> = doc.take("matching", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    let letter = |text: &str| {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Some(one),
            _ => book.none(at, format!("\"{text}\" is not one letter"), "write one letter for one letter"),
        }
    };
    let letters = |map: &BTreeMap<String, String>| {
        map.iter().filter_map(|(from, to)| Some((letter(from)?, letter(to)?))).collect()
    };
    let mut transliterate: Vec<(String, String)> = raw.transliterate.into_iter().collect();
    transliterate.sort_by(|a, b| b.0.chars().count().cmp(&a.0.chars().count()).then(a.0.cmp(&b.0)));
    if transliterate.iter().any(|(from, _)| from.is_empty()) {
        book.fault(at, "`transliterate` has an empty key", "remove it");
    }
    if !(0.0..=1.0).contains(&raw.desk_below) {
        book.fault(at, format!("`desk_below` is {}", raw.desk_below), "write 0 to 1");
    }
    refs.categories.push((doc.at(&raw.below).line, "[matching]".to_owned(), raw.below.get_ref().clone()));
    Some(Matching {
        fold: letters(&raw.fold),
        look_alike: letters(&raw.look_alike),
        transliterate,
        min_score: raw.min_score,
        desk_below: raw.desk_below,
        also_score: raw.also_score,
        below: raw.below.into_inner(),
        pair_words: raw.pair_words.unwrap_or(Matching::PAIR_WORDS),
        score: Scores { phrase: raw.score.phrase, stem: raw.score.stem, weak: raw.score.weak },
    })
}

fn priorities(
    doc: &mut Document<'_>,
    languages: &[Lang],
    refs: &mut SettingRefs,
    book: &Book,
) -> (Vec<Priority>, Codes) {
    let (entries, codes) = doc.list::<raw::Priority>("priority", "code", book);
    let mut priorities: Vec<Priority> = Vec::new();
    for Entry { line, value: raw } in entries {
        let at = doc.on_line(line);
        book.code(at, &raw.code);
        let who = format!("priority \"{}\"", raw.code);
        let name = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
        book.names(at, &who, languages, &name);
        refs.templates.push((doc.at(&raw.receipt).line, who.clone(), raw.receipt.get_ref().clone()));
        let notify = raw.notify;
        refs.parties.push((
            doc.at(&notify.escalate_to).line,
            who.clone(),
            notify.escalate_to.get_ref().clone(),
        ));
        if let Some(other) = priorities.iter().find(|other| other.order == raw.order) {
            book.fault(
                at,
                format!("{who} has the order {} of \"{}\"", raw.order, other.code),
                "give each priority its own order",
            );
        }
        let how = match notify.how.get_ref().as_str() {
            "duty" => Some(NotifyHow::Duty),
            "party" => Some(NotifyHow::Party),
            "queue" => Some(NotifyHow::Queue),
            other => book.none(
                doc.at(&notify.how),
                format!("`how` is \"{other}\", which is not known"),
                "write duty, party or queue",
            ),
        };
        let hours = book.parse(doc.at(&notify.hours), "hours", notify.hours.get_ref());
        let (Some(how), Some(hours)) = (how, hours) else { continue };
        priorities.push(Priority {
            code: raw.code,
            order: raw.order,
            name,
            first_reply_min: raw.first_reply_min,
            notify: Notify {
                how,
                within_min: notify.within_min,
                hours,
                escalate_to: notify.escalate_to.into_inner(),
            },
            receipt: raw.receipt.into_inner(),
        });
    }
    priorities.sort_by_key(|priority| priority.order);
    (priorities, codes)
}

fn flood(doc: &mut Document<'_>, book: &Book) -> Flood {
    let entry: Option<Entry<raw::Flood>> = doc.take_if_there("flood", book);
    let Some(entry) = entry else { return Flood::default() };
    let (at, raw, usual) = (doc.on_line(entry.line), entry.value, Flood::default());
    let limit = |name: &str, given: Option<u32>, usual: u32| {
        let limit = given.unwrap_or(usual);
        if !(1..=100_000).contains(&limit) {
            book.fault(
                at,
                format!("`{name}` is {limit}"),
                "write 1 to 100000; without the line it is the usual one",
            );
        }
        limit
    };
    Flood {
        appeals_per_hour: limit("appeals_per_hour", raw.appeals_per_hour, usual.appeals_per_hour),
        appeals_per_day: limit("appeals_per_day", raw.appeals_per_day, usual.appeals_per_day),
        messages_per_10_min: limit("messages_per_10_min", raw.messages_per_10_min, usual.messages_per_10_min),
    }
}

fn reminders(doc: &mut Document<'_>, book: &Book) -> Option<Reminders> {
    let entry: Entry<raw::Reminders> = doc.take("service_reminders", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    let grows = raw.remind_at.windows(2).all(|pair| pair[0] < pair[1]);
    if !grows || raw.remind_at.iter().any(|part| !(0.0..1.0).contains(part) || *part == 0.0) {
        book.fault(
            at,
            "`remind_at` is not a growing list of parts",
            "write parts between 0 and 1, as 0.5, 0.9",
        );
    }
    if !(0.0..=10.0).contains(&raw.escalate_at) {
        book.fault(at, format!("`escalate_at` is {}", raw.escalate_at), "write 1.0 for the end of the term");
    }
    Some(Reminders {
        remind_at: raw.remind_at,
        escalate_at: raw.escalate_at,
        is_it_fixed_wait_days: raw.is_it_fixed_wait_days,
        draft_wait_hours: raw.draft_wait_hours,
    })
}

/// A city without them reads answers of parties by eye.
fn party_words(doc: &mut Document<'_>, book: &Book) -> PartyWords {
    if !doc.has("party_words") {
        return PartyWords::default();
    }
    let Some(entry) = doc.take::<raw::PartyWords>("party_words", book) else { return PartyWords::default() };
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    let mut seen = BTreeSet::new();
    for word in raw.accepted.iter().chain(&raw.refused).chain(&raw.done) {
        let is_plain = !word.is_empty() && word.trim() == word && word.to_lowercase() == *word;
        if !is_plain {
            book.fault(
                at,
                format!("\"{word}\" in [party_words] is no word"),
                "write it in small letters, without spaces around it",
            );
        } else if !seen.insert(word) {
            book.fault(at, format!("\"{word}\" stands in [party_words] twice"), "keep it where it is meant");
        }
    }
    PartyWords { accepted: raw.accepted, refused: raw.refused, done: raw.done }
}

fn buckets(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> (Vec<Bucket>, Codes) {
    let (entries, codes) = doc.list::<raw::Bucket>("bucket", "code", book);
    let mut buckets = Vec::new();
    for Entry { line, value: raw } in entries {
        let at = doc.on_line(line);
        book.code(at, &raw.code);
        let name = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
        book.names(at, &format!("bucket \"{}\"", raw.code), languages, &name);
        for percent in [Some(raw.share), raw.satisfied].into_iter().flatten() {
            if !(0.0..=100.0).contains(&percent) {
                book.fault(at, format!("{percent} is not a percentage"), "write 0 to 100");
            }
        }
        buckets.push(Bucket {
            code: raw.code,
            name,
            share: raw.share,
            count: raw.count,
            satisfied: raw.satisfied,
        });
    }
    if !codes.has(OTHER) {
        book.fault(
            doc.on_line(0),
            format!("there is no bucket \"{OTHER}\""),
            "add it, what has no category is counted there",
        );
    }
    (buckets, codes)
}

fn channel_groups(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> Vec<ChannelGroup> {
    if !doc.has("channel_group") {
        return Vec::new();
    }
    let (entries, _) = doc.list::<raw::ChannelGroup>("channel_group", "code", book);
    let mut taken = BTreeSet::new();
    let mut groups = Vec::new();
    for Entry { line, value: raw } in entries {
        let at = doc.on_line(line);
        book.code(at, &raw.code);
        let who = format!("channel_group \"{}\"", raw.code);
        let name = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
        book.names(at, &who, languages, &name);
        if raw.code == OTHER {
            let remedy = "call it otherwise: so the report calls the channels of no group";
            book.fault(at, format!("{who} has a name that is taken"), remedy);
        }
        let at = doc.at(&raw.channels);
        let mut channels = Vec::new();
        for code in raw.channels.into_inner() {
            let Some(channel) = Channel::from_code(&code) else {
                let known = Channel::ALL.map(Channel::code).join(", ");
                book.fault(at, format!("there is no channel \"{code}\""), format!("write some of {known}"));
                continue;
            };
            if !taken.insert(channel) {
                let remedy = "leave it in one [[channel_group]]";
                book.fault(at, format!("the channel \"{code}\" would be counted twice"), remedy);
            }
            channels.push(channel);
        }
        if channels.is_empty() {
            book.fault(at, format!("{who} has no channel"), "name the channels that it counts");
        }
        groups.push(ChannelGroup { code: raw.code, name, channels, count: raw.count });
    }
    groups
}

fn names_by_code(
    doc: &mut Document<'_>,
    key: &str,
    languages: &[Lang],
    book: &Book,
) -> (BTreeMap<String, Names>, Codes) {
    let (entries, codes) = doc.map::<raw::Names>(key, book);
    let mut all = BTreeMap::new();
    for (code, Entry { line, value }) in entries {
        let names = Names { ru: value.ru, kk: value.kk, en: value.en };
        book.names(doc.on_line(line), &format!("{key} \"{code}\""), languages, &names);
        all.insert(code, names);
    }
    (all, codes)
}

/// Names of the other files, `[files]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileNames {
    pub(super) parties: Spanned<String>,
    pub(super) categories: Spanned<String>,
    pub(super) rules: Spanned<String>,
    pub(super) templates: Spanned<String>,
    pub(super) streets: Spanned<String>,
    pub(super) microdistricts: Spanned<String>,
    pub(super) districts: Spanned<String>,
    pub(super) settlements: Spanned<String>,
    pub(super) highways: Spanned<String>,
    pub(super) works: Spanned<String>,
    pub(super) holidays: Spanned<String>,
    /// Borders of the districts; without it their rough boxes.
    pub(super) borders: Option<Spanned<String>>,
    /// Learnt weights; without it stems decide alone.
    pub(super) weights: Option<Spanned<String>>,
}

/// A day of the file of holidays that is out of the years a calendar can speak of.
pub(super) fn plausible(day: NaiveDate) -> bool {
    use chrono::Datelike;
    (1990..=2100).contains(&day.year())
}
