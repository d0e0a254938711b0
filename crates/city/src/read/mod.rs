//! From the bytes of a folder to a [`City`], or to everything that is wrong with it.

mod actors;
mod book;
mod document;
mod expected;
mod places;
mod raw;
mod settings;
mod table;
mod texts;
mod weights;

use std::collections::BTreeSet;

use toml::Spanned;
use zholdary_domain::calendar::WorkingCalendar;

use crate::fault::{Fault, Faults};
use crate::files::Files;
use crate::model::{City, Holiday};
use crate::version::RuleSetVersion;
use book::{At, Book, Codes};
use document::Document;
use places::Source;
use settings::{CITY, CalendarSettings, FileNames};

impl City {
    /// Reads and validates a folder whole.
    ///
    /// # Errors
    ///
    /// [`Faults`]: everything that is wrong with it, each with file, line and remedy. Never panics, whatever
    /// the bytes.
    pub fn parse(files: &Files) -> Result<Self, Faults> {
        let book = Book::default();
        let city = read(files, &book);
        match (Faults::of(book.into_faults()), city) {
            (Some(faults), _) => Err(faults),
            (None, Some(city)) => Ok(city),
            (None, None) => {
                let fault = Fault::new(CITY, 0, "the city cannot be read", "compare it with a city that can");
                Err(Faults::of(vec![fault]).expect("one fault is not none"))
            }
        }
    }
}

/// Everything that is wrong with a folder, by file and line; empty when it may be published.
#[must_use]
pub fn check(files: &Files) -> Vec<Fault> {
    City::parse(files).err().map(Faults::into_list).unwrap_or_default()
}

fn read(files: &Files, book: &Book) -> Option<City> {
    let Some(bytes) = files.get(CITY) else {
        return book.none(At { file: CITY, line: 0 }, "the file is missing", "every city begins with it");
    };
    let mut doc = Document::read(CITY, bytes, book)?;
    let meta = settings::meta(&mut doc, book);
    let names = doc.take::<FileNames>("files", book);
    let (settings, setting_codes, refs) = settings::read(&mut doc, meta.clone(), book);
    let names = names.map(|entry| Named::find(files, &doc, entry.value, book));
    doc.finish(book);
    let named = names?;

    let languages = meta.as_ref().map(|(meta, _)| meta.languages.clone()).unwrap_or_default();
    let bounds = meta.as_ref().map(|(meta, _)| meta.bounds);

    let (mut districts, district_codes) = match named.districts {
        Some(source) => places::districts(source, &languages, bounds, book),
        None => (Vec::new(), Codes::unread("districts")),
    };
    if let Some(source) = named.borders {
        places::borders(source, &mut districts, &district_codes, bounds, book);
    }
    let street_kinds = settings.as_ref().map(|settings| settings.street_kinds.clone()).unwrap_or_default();
    let (streets, street_codes) = match named.streets {
        Some(source) => places::streets(source, &street_kinds, (&districts, &district_codes), book),
        None => (Vec::new(), Codes::unread("streets")),
    };
    let (microdistricts, microdistrict_codes) = match named.microdistricts {
        Some(source) => places::microdistricts(source, &district_codes, book),
        None => (Vec::new(), Codes::unread("microdistricts")),
    };

    let place = settings.as_ref().map(|settings| &settings.place);
    let (parties, party_codes) = match named.parties.and_then(|source| document(source, book)) {
        Some(mut doc) => {
            let read = actors::parties(&mut doc, &languages, &district_codes, place, book);
            doc.finish(book);
            read
        }
        None => (Vec::new(), Codes::unread("parties")),
    };
    let texts = named.templates.and_then(|source| document(source, book)).map(|mut doc| {
        let read = texts::read(&mut doc, meta.as_ref().map(|(meta, _)| meta), book);
        doc.finish(book);
        read
    });
    let unread = Codes::unread("templates");
    let template_codes = texts.as_ref().map_or(&unread, |texts| &texts.codes);
    let phrase_codes = texts.as_ref().map_or(&unread, |texts| &texts.phrase_codes);
    let first = settings.as_ref().and_then(|settings| settings.priorities.first());
    let known = actors::Known {
        settings: &setting_codes,
        parties: &party_codes,
        templates: template_codes,
        first_priority: first.map(|priority| priority.code.as_str()),
        never_dropped: settings.as_ref().map_or(&[], |settings| &settings.danger.categories_never_dropped),
    };
    let (categories, category_codes) = match named.categories.and_then(|source| document(source, book)) {
        Some(mut doc) => {
            let read = actors::categories(&mut doc, &languages, &known, book);
            doc.finish(book);
            read
        }
        None => (Vec::new(), Codes::unread("categories")),
    };
    let weights = named.weights.and_then(|source| weights::read(source, &categories, &category_codes, book));
    let rules = named.rules.and_then(|source| document(source, book)).map(|mut doc| {
        let read = actors::rules(&mut doc, &languages, &known, &category_codes, book);
        doc.finish(book);
        read
    });
    for (line, who, code) in &refs.parties {
        book.refer(At { file: CITY, line: *line }, who, "party", code, &party_codes);
    }
    for (line, who, code) in &refs.categories {
        book.refer(At { file: CITY, line: *line }, who, "category", code, &category_codes);
    }
    for (line, who, code) in &refs.templates {
        book.refer(At { file: CITY, line: *line }, who, "template", code, template_codes);
    }

    let known = places::Known {
        parties: &party_codes,
        districts: &district_codes,
        streets: &street_codes,
        microdistricts: &microdistrict_codes,
    };
    let settlements = named.settlements.map(|source| places::settlements(source, &languages, &known, book));
    let highways = named.highways.map(|source| places::highways(source, &languages, &known, book));
    let works_rules = settings.as_ref().map(|settings| &settings.works_rules);
    let works =
        named.works.map(|source| places::works(source, works_rules, bounds, &known, phrase_codes, book));
    let days = settings
        .as_ref()
        .map(|settings| (settings.calendar.off.as_slice(), settings.calendar.worked.as_slice()));
    let holidays = named.holidays.map(|source| places::holidays(source, days, book));

    let (settings, texts, rules) = (settings?, texts?, rules?);
    let (settlements, highways, works, holidays) = (settlements?, highways?, works?, holidays?);
    let calendar = calendar(&settings.calendar, &holidays, book)?;
    let digest = files.digest();
    Some(City {
        version: RuleSetVersion::new(&settings.meta.version, &digest),
        digest,
        meta: settings.meta,
        legal: settings.legal,
        legal_kinds: settings.legal_kinds,
        calendar,
        office_hours: settings.calendar.hours,
        holidays,
        place: settings.place,
        works_rules: settings.works_rules,
        danger: settings.danger,
        matching: settings.matching,
        escalate: settings.escalate,
        priorities: settings.priorities,
        reminders: settings.reminders,
        party_words: settings.party_words,
        flood: settings.flood,
        buckets: settings.buckets,
        channel_groups: settings.channel_groups,
        groups: settings.groups,
        parties,
        categories,
        weights,
        rules: rules.rules,
        cover_marks: rules.cover_marks,
        cover_words: rules.cover_words?,
        letterhead: texts.letterhead?,
        templates: texts.templates,
        placeholders: texts.placeholders,
        phrases: texts.phrases,
        buttons: texts.buttons,
        whatsapp_templates: texts.whatsapp_templates,
        street_kinds: settings.street_kinds,
        streets,
        microdistricts,
        districts,
        settlements,
        highways,
        works,
    })
}

fn document<'a>(source: Source<'a>, book: &Book) -> Option<Document<'a>> {
    Document::read(source.file, source.bytes, book)
}

fn calendar(settings: &CalendarSettings, holidays: &[Holiday], book: &Book) -> Option<WorkingCalendar> {
    let days = |worked: bool| -> BTreeSet<_> {
        holidays.iter().filter(|day| day.worked == worked).map(|day| day.date).collect()
    };
    let calendar = WorkingCalendar::new(
        settings.zone,
        settings.weekend.iter().copied(),
        days(false),
        days(true),
        settings.due_at,
        settings.registered_until,
    );
    match calendar {
        Ok(calendar) => Some(calendar),
        Err(error) => book.none(
            At { file: CITY, line: settings.line },
            error.to_string(),
            "leave at least one day out of `weekend`",
        ),
    }
}

/// The files that `[files]` names.
struct Named<'a> {
    parties: Option<Source<'a>>,
    categories: Option<Source<'a>>,
    rules: Option<Source<'a>>,
    templates: Option<Source<'a>>,
    streets: Option<Source<'a>>,
    microdistricts: Option<Source<'a>>,
    districts: Option<Source<'a>>,
    settlements: Option<Source<'a>>,
    highways: Option<Source<'a>>,
    works: Option<Source<'a>>,
    holidays: Option<Source<'a>>,
    borders: Option<Source<'a>>,
    weights: Option<Source<'a>>,
}

impl<'a> Named<'a> {
    fn find(files: &'a Files, doc: &Document<'_>, names: FileNames, book: &Book) -> Self {
        let mut used = BTreeSet::from([CITY]);
        let mut find = |name: &Spanned<String>| -> Option<Source<'a>> {
            let found = files.iter().find(|(file, _)| file == name.get_ref());
            let Some((file, bytes)) = found else {
                return book.none(
                    doc.at(name),
                    format!("[files] names \"{}\", which the folder does not have", name.get_ref()),
                    "add the file or correct the name",
                );
            };
            if !used.insert(file) {
                book.fault(doc.at(name), format!("[files] names \"{file}\" twice"), "give each its own file");
            }
            Some(Source { file, bytes })
        };
        let named = Self {
            parties: find(&names.parties),
            categories: find(&names.categories),
            rules: find(&names.rules),
            templates: find(&names.templates),
            streets: find(&names.streets),
            microdistricts: find(&names.microdistricts),
            districts: find(&names.districts),
            settlements: find(&names.settlements),
            highways: find(&names.highways),
            works: find(&names.works),
            holidays: find(&names.holidays),
            borders: names.borders.as_ref().and_then(&mut find),
            weights: names.weights.as_ref().and_then(&mut find),
        };
        for (file, _) in files.iter() {
            if !used.contains(file) {
                book.fault(
                    At { file, line: 0 },
                    "no key of city.toml [files] names this file",
                    "name it there or remove it",
                );
            }
        }
        named
    }
}
