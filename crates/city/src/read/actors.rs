//! `parties.toml`, `categories.toml` and `rules.toml`: who acts on what.

use chrono::NaiveDate;
use toml::Spanned;
use zholdary_domain::appeal::DESK;

use super::book::{At, Book, Codes};
use super::document::{Document, Entry};
use super::raw;
use super::settings::{SettingCodes, place_kind};
use super::texts::texts;
use crate::model::{Category, Pair, Party, PlaceRules};
use crate::names::{Lang, Names};
use crate::rules::{BECAUSE, Categories, CoverMark, CoverWords, PartyRef, PlaceTest, Rule, When, WorksTest};

pub(super) fn parties(
    doc: &mut Document<'_>,
    languages: &[Lang],
    districts: &Codes,
    place: Option<&PlaceRules>,
    book: &Book,
) -> (Vec<Party>, Codes) {
    let (entries, codes) = doc.list::<raw::Party>("party", "code", book);
    let mut parties: Vec<(u32, Party)> = Vec::new();
    for Entry { line, value } in entries {
        if let Some(party) = party(doc, line, value, languages, districts, &codes, book) {
            parties.push((line, party));
        }
    }
    if !codes.has(DESK) {
        book.fault(
            doc.on_line(0),
            format!("there is no party \"{DESK}\""),
            "add it, what nobody else has goes there",
        );
    }
    for (line, party) in &parties {
        succession(doc.on_line(*line), party, &parties, book);
        class(doc.on_line(*line), party, &parties, book);
    }
    if let Some(place) = place {
        for (district, _) in districts.iter() {
            let code = place.party_of(district);
            if !codes.has(&code) {
                book.fault(
                    doc.on_line(0),
                    format!("district \"{district}\" has no party \"{code}\""),
                    "add it, appeals of the district go there",
                );
            }
        }
    }
    (parties.into_iter().map(|(_, party)| party).collect(), codes)
}

fn party(
    doc: &Document<'_>,
    line: u32,
    raw: raw::Party,
    languages: &[Lang],
    districts: &Codes,
    codes: &Codes,
    book: &Book,
) -> Option<Party> {
    let at = doc.on_line(line);
    book.code(at, &raw.code);
    let who = format!("party \"{}\"", raw.code);
    let name = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
    book.names(at, &who, languages, &name);
    let valid_from = book.day(doc.at(&raw.valid_from), raw.valid_from.get_ref());
    let valid_to = raw.valid_to.as_ref().map(|day| (doc.at(day), book.day(doc.at(day), day.get_ref())));
    if let (Some(from), Some((at, Some(to)))) = (valid_from, valid_to)
        && to < from
    {
        book.fault(at, format!("{who} is valid to {to}, before it is valid from {from}"), "correct the days");
    }
    let others = raw.predecessor.iter().chain(&raw.successor).chain(&raw.members).chain(&raw.unresolved_to);
    for other in others {
        book.refer(doc.at(other), &who, "party", other.get_ref(), codes);
    }
    if let Some(district) = &raw.district {
        book.refer(doc.at(district), &who, "district", district.get_ref(), districts);
    }
    if let Some(phone) = &raw.phone {
        let plain = |byte: u8| byte.is_ascii_digit() || b"+- ".contains(&byte);
        if phone.get_ref().is_empty() || !phone.get_ref().bytes().all(plain) {
            book.fault(doc.at(phone), format!("{who} has a phone that is not a number"), "write digits only");
        }
    }
    if let Some(confidence) = &raw.confidence
        && !["high", "medium", "low"].contains(&confidence.get_ref().as_str())
    {
        book.fault(
            doc.at(confidence),
            format!("{who} has the confidence \"{}\"", confidence.get_ref()),
            "write high, medium or low",
        );
    }
    let hours = match &raw.hours {
        Some(hours) => Some(book.parse(doc.at(hours), "hours", hours.get_ref())?),
        None => None,
    };
    let resolve = match &raw.resolve {
        Some(name) => match PartyRef::read(name.get_ref()) {
            Some(read @ (PartyRef::PlaceDistrict | PartyRef::WorksContractor)) => Some(read),
            _ => book.none(
                doc.at(name),
                format!("{who} resolves by \"{}\", which names nobody", name.get_ref()),
                "write @place.district or @works.contractor",
            ),
        },
        None => None,
    };
    Some(Party {
        code: raw.code,
        kind: raw.kind,
        name,
        valid_from: valid_from?,
        valid_to: match valid_to {
            Some((_, day)) => Some(day?),
            None => None,
        },
        predecessor: raw.predecessor.map(Spanned::into_inner),
        successors: raw.successor.into_iter().map(Spanned::into_inner).collect(),
        is_abstract: raw.is_abstract,
        resolve,
        unresolved_to: raw.unresolved_to.map(Spanned::into_inner),
        members: raw.members.into_iter().map(Spanned::into_inner).collect(),
        outside: raw.outside,
        phone: raw.phone.map(Spanned::into_inner),
        hours,
        district: raw.district.map(Spanned::into_inner),
        sample: raw.sample,
    })
}

/// Who comes before and after a party agree about it, and their days follow each other.
fn succession(at: At<'_>, party: &Party, parties: &[(u32, Party)], book: &Book) {
    let find = |code: &str| parties.iter().map(|(_, party)| party).find(|party| party.code == code);
    let code = &party.code;
    if let Some(before) = party.predecessor.as_deref().and_then(find) {
        if before.valid_to.is_some() && !before.successors.contains(code) {
            book.fault(
                at,
                format!("party \"{code}\" has the predecessor \"{}\", which does not name it", before.code),
                "add it to the predecessor's `successor`",
            );
        }
        follow(at, before, party, book);
    }
    if !party.successors.is_empty() && party.valid_to.is_none() {
        book.fault(at, format!("party \"{code}\" has a successor and no `valid_to`"), "write its last day");
    }
    for after in party.successors.iter().filter_map(|code| find(code)) {
        if after.predecessor.as_ref() != Some(code) {
            book.fault(
                at,
                format!("party \"{code}\" has the successor \"{}\", which does not name it", after.code),
                format!("write predecessor = \"{code}\" there"),
            );
        }
    }
}

fn follow(at: At<'_>, before: &Party, after: &Party, book: &Book) {
    let next = before.valid_to.and_then(|last: NaiveDate| last.succ_opt());
    let remedy = |next: NaiveDate| format!("let the days follow each other: write valid_from = \"{next}\"");
    if next.is_some_and(|next| next > after.valid_from) || before.valid_from >= after.valid_from {
        book.fault(
            at,
            format!("party \"{}\" begins before its predecessor \"{}\" ends", after.code, before.code),
            next.map_or_else(|| "let the days follow each other".to_owned(), remedy),
        );
    } else if let Some(next) = next
        && next < after.valid_from
    {
        // On a day in between nobody would be the party.
        book.fault(
            at,
            format!("party \"{}\" leaves a gap after its predecessor \"{}\"", after.code, before.code),
            remedy(next),
        );
    }
}

/// A class has what makes a party of it, and nothing else has.
fn class(at: At<'_>, party: &Party, parties: &[(u32, Party)], book: &Book) {
    let code = &party.code;
    if !party.is_abstract {
        if party.resolve.is_some() || party.unresolved_to.is_some() || !party.members.is_empty() {
            book.fault(
                at,
                format!("party \"{code}\" is no class but has `resolve`, `unresolved_to` or `members`"),
                "write abstract = true or remove them",
            );
        }
        return;
    }
    if party.resolve.is_none() || party.unresolved_to.is_none() || party.members.is_empty() {
        book.fault(
            at,
            format!("the class \"{code}\" lacks `resolve`, `unresolved_to` or `members`"),
            "add them, or an appeal would wait nowhere",
        );
    }
    for other in party.members.iter().chain(&party.unresolved_to) {
        let found = parties.iter().map(|(_, party)| party).find(|party| party.code == *other);
        if found.is_some_and(|found| found.is_abstract) {
            book.fault(
                at,
                format!("the class \"{code}\" names the class \"{other}\""),
                "name a party that acts",
            );
        }
    }
}

/// Codes that categories and rules may name.
pub(super) struct Known<'a> {
    pub(super) settings: &'a SettingCodes,
    pub(super) parties: &'a Codes,
    pub(super) templates: &'a Codes,
    /// The most urgent priority.
    pub(super) first_priority: Option<&'a str>,
    /// Categories that are never dropped.
    pub(super) never_dropped: &'a [String],
}

impl Known<'_> {
    fn is_danger(&self, category: &str, priority: &str) -> bool {
        self.first_priority == Some(priority) || self.never_dropped.iter().any(|code| code == category)
    }
}

pub(super) fn categories(
    doc: &mut Document<'_>,
    languages: &[Lang],
    known: &Known<'_>,
    book: &Book,
) -> (Vec<Category>, Codes) {
    let (entries, codes) = doc.list::<raw::Category>("category", "code", book);
    let mut categories = Vec::new();
    for Entry { line, value: raw } in entries {
        let at = doc.on_line(line);
        book.code(at, &raw.code);
        let who = format!("category \"{}\"", raw.code);
        let name = Names { ru: raw.name_ru, kk: raw.name_kk, en: raw.name_en };
        book.names(at, &who, languages, &name);
        for (what, code, codes) in [
            ("group", &raw.group, &known.settings.groups),
            ("bucket", &raw.bucket, &known.settings.buckets),
            ("priority", &raw.priority, &known.settings.priorities),
            ("party", &raw.party, known.parties),
        ] {
            book.refer(doc.at(code), &who, what, code.get_ref(), codes);
        }
        for template in raw.answer.iter().chain(&raw.answer_none) {
            book.refer(doc.at(template), &who, "template", template.get_ref(), known.templates);
        }
        if raw.answer.is_none() {
            let without = raw.answer_none.as_ref().map(|key| ("answer_none", doc.at(key)));
            let without = without.or(raw.answer_closes.as_ref().map(|key| ("answer_closes", doc.at(key))));
            if let Some((key, at)) = without {
                book.fault(at, format!("{who} has `{key}` without `answer`"), "add the answer or remove it");
            }
        }
        if let Some(closes) = raw.answer_closes.as_ref().filter(|closes| *closes.get_ref())
            && known.is_danger(&raw.code, raw.priority.get_ref())
        {
            book.fault(
                doc.at(closes),
                format!("{who} is a danger and has `answer_closes`"),
                "remove it, a danger is closed by a person only",
            );
        }
        for stems in [&raw.phrases, &raw.stems, &raw.weak, &raw.not] {
            book.stems(doc.at(stems), &who, stems.get_ref());
        }
        for stems in raw.pairs.iter().flat_map(|pair| [&pair.of, &pair.is]) {
            book.stems(doc.at(stems), &who, stems.get_ref());
            if stems.get_ref().is_empty() {
                book.fault(
                    doc.at(stems),
                    format!("{who} has half a pair"),
                    "write the other half, or remove it",
                );
            }
        }
        categories.push(Category {
            code: raw.code,
            rank: raw.rank,
            group: raw.group.into_inner(),
            bucket: raw.bucket.into_inner(),
            name,
            priority: raw.priority.into_inner(),
            party: raw.party.into_inner(),
            fix_hours: Some(raw.fix_hours).filter(|hours| *hours > 0),
            secure_hours: raw.secure_hours,
            needs_place: raw.needs_place,
            answer: raw.answer.map(Spanned::into_inner),
            answer_none: raw.answer_none.map(Spanned::into_inner),
            answer_closes: raw.answer_closes.is_some_and(Spanned::into_inner),
            alone: raw.alone,
            yields: raw.yields,
            phrases: raw.phrases.into_inner(),
            stems: raw.stems.into_inner(),
            weak: raw.weak.into_inner(),
            not: raw.not.into_inner(),
            pairs: raw
                .pairs
                .into_iter()
                .map(|pair| Pair { of: pair.of.into_inner(), is: pair.is.into_inner() })
                .collect(),
        });
    }
    (categories, codes)
}

/// Everything of `rules.toml`.
pub(super) struct RulesFile {
    pub(super) rules: Vec<Rule>,
    pub(super) cover_marks: Vec<CoverMark>,
    pub(super) cover_words: Option<CoverWords>,
}

pub(super) fn rules(
    doc: &mut Document<'_>,
    languages: &[Lang],
    known: &Known<'_>,
    categories: &Codes,
    book: &Book,
) -> RulesFile {
    let (entries, _) = doc.list::<raw::Rule>("rule", "code", book);
    let mut rules: Vec<Rule> = Vec::new();
    let mut last_line = 0;
    for Entry { line, value } in entries {
        if let Some(total) = rules.iter().find(|rule| rule.when.is_total()) {
            book.fault(
                doc.on_line(line),
                format!(
                    "rule \"{}\" is never reached: \"{}\" before it always holds",
                    value.code, total.code
                ),
                "move the total rule to the end",
            );
        }
        last_line = line;
        if let Some(rule) = rule(doc, line, value, languages, known, categories, book) {
            rules.push(rule);
        }
    }
    if rules.last().is_some_and(|rule| !rule.when.is_total()) {
        book.fault(
            doc.on_line(last_line),
            "the last rule does not always hold, so some appeals would have nobody",
            "end with a rule whose `when` is {}",
        );
    }
    let (marks, _) = doc.list::<raw::CoverMark>("cover_mark", "party", book);
    let cover_marks = marks.into_iter().filter_map(|Entry { value, .. }| {
        book.stems(doc.at(&value.marks), "a mark on covers", value.marks.get_ref());
        let party = reference(doc.at(&value.party), "a mark on covers", value.party.get_ref(), known, book)?;
        Some(CoverMark { party, marks: value.marks.into_inner() })
    });
    let cover_marks = cover_marks.collect();
    let cover_words = doc.take::<raw::CoverWords>("cover_words", book).and_then(|entry| {
        let raw = entry.value;
        for stems in [&raw.mark_words, &raw.stems] {
            book.stems(doc.at(stems), "[cover_words]", stems.get_ref());
        }
        let otherwise = doc.at(&raw.otherwise);
        Some(CoverWords {
            mark_words: raw.mark_words.into_inner(),
            stems: raw.stems.into_inner(),
            otherwise: reference(otherwise, "[cover_words]", raw.otherwise.get_ref(), known, book)?,
        })
    });
    RulesFile { rules, cover_marks, cover_words }
}

fn reference(at: At<'_>, who: &str, text: &str, known: &Known<'_>, book: &Book) -> Option<PartyRef> {
    match PartyRef::read(text) {
        Some(PartyRef::Code(code)) => {
            book.refer(at, who, "party", &code, known.parties);
            Some(PartyRef::Code(code))
        }
        Some(read) => Some(read),
        None => book.none(
            at,
            format!("{who} names \"{text}\", which is not known"),
            format!("write a party's code or one of {}", PartyRef::NAMES.join(", ")),
        ),
    }
}

fn rule(
    doc: &Document<'_>,
    line: u32,
    raw: raw::Rule,
    languages: &[Lang],
    known: &Known<'_>,
    categories: &Codes,
    book: &Book,
) -> Option<Rule> {
    let at = doc.on_line(line);
    book.code(at, &raw.code);
    let who = format!("rule \"{}\"", raw.code);
    let when = when(doc, &who, raw.when, known, categories, book);
    let party = reference(doc.at(&raw.party), &who, raw.party.get_ref(), known, book);
    if let Some(party) = &party
        && let Some(needed) = unresolved(party, &when)
    {
        book.fault(
            doc.at(&raw.party),
            format!("{who} names \"{}\", which nothing resolves there", raw.party.get_ref()),
            format!("add {needed} to its `when` or name another party"),
        );
    }
    let copy_to: Vec<PartyRef> = raw
        .copy_to
        .iter()
        .filter_map(|copy| reference(doc.at(copy), &who, copy.get_ref(), known, book))
        .collect();
    if let Some(bucket) = &raw.bucket {
        book.refer(doc.at(bucket), &who, "bucket", bucket.get_ref(), &known.settings.buckets);
    }
    for template in raw.ask.iter().chain(&raw.ask_near_border) {
        book.refer(doc.at(template), &who, "template", template.get_ref(), known.templates);
    }
    let written = [Some(&raw.because_ru), Some(&raw.because_kk), raw.because_en.as_ref()];
    let because = texts(doc, book, languages, &who, written, at);
    if let Some(because) = &because {
        for name in because.ru.placeholders() {
            if !BECAUSE.contains(&name) {
                book.fault(
                    doc.at(&raw.because_ru),
                    format!("{who} has {{{name}}}, which nothing fills"),
                    format!("use one of {}", BECAUSE.join(", ")),
                );
            } else if because.ru.required().contains(name) && !fills(name, &when) {
                book.fault(
                    doc.at(&raw.because_ru),
                    format!("{who} has {{{name}}}, which its `when` does not give"),
                    "put it into [[ … ]] or remove it",
                );
            }
        }
    }
    Some(Rule {
        code: raw.code,
        when,
        party: party?,
        copy_to,
        bucket: raw.bucket.map(Spanned::into_inner),
        ask: raw.ask.map(Spanned::into_inner),
        ask_near_border: raw.ask_near_border.map(Spanned::into_inner),
        because: because?,
    })
}

/// Whether a rule that holds knows the placeholder.
fn fills(name: &str, when: &When) -> bool {
    match name {
        "works" | "kind" | "starts" | "ends" | "warranty_until" | "contractor" | "owner" => {
            when.works.is_some()
        }
        "mark" => when.cover_mark == Some(true),
        "highway" => only_place(when, "highway"),
        "settlement" => only_place(when, "settlement"),
        _ => true,
    }
}

/// The condition that a rule lacks for its party to be found.
fn unresolved(party: &PartyRef, when: &When) -> Option<&'static str> {
    match party {
        PartyRef::WorksContractor | PartyRef::WorksOwner => when.works.is_none().then_some("works"),
        PartyRef::CoverOwner => (when.cover_mark != Some(true)).then_some("cover_mark = true"),
        PartyRef::HighwayParty => (!only_place(when, "highway")).then_some("place = [\"highway\"]"),
        PartyRef::SettlementParty => (!only_place(when, "settlement")).then_some("place = [\"settlement\"]"),
        PartyRef::Code(_) | PartyRef::CategoryParty | PartyRef::PlaceDistrict => None,
    }
}

fn only_place(when: &When, kind: &str) -> bool {
    when.place.as_ref().is_some_and(|tests| {
        tests.iter().all(|test| matches!(test, PlaceTest::Kind(one) if one.code() == kind))
    })
}

fn when(
    doc: &Document<'_>,
    who: &str,
    raw: raw::When,
    known: &Known<'_>,
    categories: &Codes,
    book: &Book,
) -> When {
    let list = |field: Option<&Spanned<raw::AnyOf>>| {
        let field = field?;
        let list = field.get_ref().list();
        if list.is_empty() {
            book.fault(
                doc.at(field),
                format!("{who} has an empty list, so it never holds"),
                "fill or remove it",
            );
        }
        Some((doc.at(field), list))
    };
    let category = list(raw.category.as_ref()).map(|(at, codes)| {
        if codes.iter().any(|code| code == "*") {
            return Categories::Any;
        }
        for code in &codes {
            book.refer(at, who, "category", code, categories);
        }
        Categories::Of(codes)
    });
    let group = list(raw.group.as_ref()).map(|(at, codes)| {
        for code in &codes {
            book.refer(at, who, "group", code, &known.settings.groups);
        }
        codes
    });
    let place = list(raw.place.as_ref()).map(|(at, codes)| {
        let test = |code: &String| match (code.as_str(), place_kind(code)) {
            ("yard", _) => Some(PlaceTest::Yard),
            (_, Some(kind)) => Some(PlaceTest::Kind(kind)),
            (code, None) => book.none(
                at,
                format!("{who} asks for the place \"{code}\", which is not known"),
                "write a kind or a tag of city.toml [place]",
            ),
        };
        codes.iter().filter_map(test).collect()
    });
    let stems = list(raw.stems.as_ref()).map(|(at, stems)| {
        book.stems(at, who, &stems);
        stems
    });
    let works = list(raw.works.as_ref()).map(|(at, codes)| {
        let test = |code: &String| match code.as_str() {
            "active" => Some(WorksTest::Active),
            "warranty" => Some(WorksTest::Warranty),
            "permit" => Some(WorksTest::Permit),
            code => book.none(
                at,
                format!("{who} asks for works \"{code}\", which is not known"),
                "write active, warranty or permit",
            ),
        };
        codes.iter().filter_map(test).collect()
    });
    When {
        category,
        group,
        needs_place: raw.needs_place,
        place,
        in_city: raw.in_city,
        near_border: raw.near_border,
        stems,
        works,
        cover_mark: raw.cover_mark,
    }
}
