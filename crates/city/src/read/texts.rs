//! `templates.toml`: every text, with its placeholders, buttons, phrases and the vendor's templates.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::book::{At, Book, Codes};
use super::document::{Document, Entry};
use super::expected::{self, TEMPLATES};
use super::raw;
use crate::model::{Letterhead, Meta};
use crate::names::{Lang, Names};
use crate::template::{Audience, Button, Phrase, Placeholder, Template, Text, Texts, WhatsappTemplate};

/// Everything of `templates.toml`.
pub(super) struct TextsFile {
    pub(super) letterhead: Option<Letterhead>,
    pub(super) templates: Vec<Template>,
    pub(super) placeholders: BTreeMap<String, Placeholder>,
    pub(super) phrases: BTreeMap<String, Phrase>,
    pub(super) buttons: BTreeMap<String, Button>,
    pub(super) whatsapp_templates: Vec<WhatsappTemplate>,
    pub(super) codes: Codes,
    pub(super) phrase_codes: Codes,
}

pub(super) fn read(doc: &mut Document<'_>, meta: Option<&Meta>, book: &Book) -> TextsFile {
    let languages = meta.map(|meta| meta.languages.clone()).unwrap_or_default();
    let letterhead = letterhead(doc, &languages, book);
    let (placeholders, names) = placeholders(doc, book);
    let reading = Reading { book, languages: &languages, names: &names, placeholders: &placeholders };
    let (buttons, button_codes) = buttons(doc, &languages, book);
    let (phrases, phrase_codes) = phrases(doc, &reading);
    let (whatsapp_templates, whatsapp_codes) = whatsapp(doc, &reading, &button_codes);
    let (templates, codes) = templates(doc, &reading, &button_codes, &whatsapp_codes);
    for code in TEMPLATES {
        if !codes.has(code) {
            book.fault(
                doc.on_line(0),
                format!("there is no template \"{code}\""),
                "add it, the product sends it",
            );
        }
    }
    fixed(doc, &templates, &codes, &buttons, book);
    in_public(doc, &templates, &codes, book);
    for code in expected::PHRASES {
        if !phrase_codes.has(code) {
            book.fault(
                doc.on_line(0),
                format!("there is no phrase \"{code}\""),
                "add it, texts are filled with it",
            );
        }
    }
    TextsFile {
        letterhead,
        templates,
        placeholders,
        phrases,
        buttons,
        whatsapp_templates,
        codes,
        phrase_codes,
    }
}

/// What is needed to judge one text.
struct Reading<'a> {
    book: &'a Book,
    languages: &'a [Lang],
    names: &'a Codes,
    placeholders: &'a BTreeMap<String, Placeholder>,
}

impl Reading<'_> {
    /// One thing's text in its languages; every language has the same placeholders.
    fn texts(
        &self,
        doc: &Document<'_>,
        who: &str,
        filled: &[&str],
        [ru, kk, en]: [Option<&Spanned<String>>; 3],
        here: At<'_>,
    ) -> Option<Texts> {
        let texts = texts(doc, self.book, self.languages, who, [ru, kk, en], here)?;
        for (written, text) in [(ru, Some(&texts.ru)), (kk, Some(&texts.kk)), (en, texts.en.as_ref())] {
            let (Some(written), Some(text)) = (written, text) else { continue };
            for name in text.placeholders() {
                self.placeholder(doc.at(written), who, name, filled);
            }
        }
        Some(texts)
    }

    fn placeholder(&self, at: At<'_>, who: &str, name: &str, filled: &[&str]) {
        if !self.names.has(name) {
            self.book.fault(
                at,
                format!("{who} has {{{name}}}, which [placeholders] does not have"),
                "add it there or correct the name",
            );
        } else if !filled.contains(&name) {
            self.book.fault(at, format!("{who} has {{{name}}}, which nothing fills there"), "remove it");
        }
    }
}

/// One thing's text in its languages, as far as it can be judged without a list of placeholders.
pub(super) fn texts(
    doc: &Document<'_>,
    book: &Book,
    languages: &[Lang],
    who: &str,
    [ru, kk, en]: [Option<&Spanned<String>>; 3],
    here: At<'_>,
) -> Option<Texts> {
    for (lang, written) in [(Lang::Ru, ru), (Lang::Kk, kk), (Lang::En, en)] {
        let blank = written.is_none_or(|text| text.get_ref().trim().is_empty());
        let needed = lang != Lang::En || languages.contains(&Lang::En);
        if blank && (needed || written.is_some()) {
            let at = written.map_or(here, |text| doc.at(text));
            book.fault(
                at,
                format!("{who} has no text in {lang}"),
                "write one, the city answers in that language",
            );
        }
    }
    let read = |written: Option<&Spanned<String>>| -> Option<Option<(u32, Text)>> {
        let Some(written) = written else { return Some(None) };
        let at = doc.at(written);
        match Text::parse(written.get_ref()) {
            Ok(text) => {
                if text.has_idle_brackets() {
                    book.fault(
                        at,
                        format!("{who} has a `[[ … ]]` without a placeholder, which is never left out"),
                        "put the placeholder inside or remove the brackets",
                    );
                }
                Some(Some((at.line, text)))
            }
            Err(error) => book.none(at, format!("{who}: {error}"), "correct the brackets or braces"),
        }
    };
    let (ru, kk, en) = (read(ru), read(kk), read(en));
    let (ru, kk, en) = (ru??, kk??, en?);
    for (lang, other) in [(Lang::Kk, Some(&kk)), (Lang::En, en.as_ref())] {
        let Some((line, other)) = other else { continue };
        let different = |ours: BTreeSet<&str>, theirs: BTreeSet<&str>| -> Vec<String> {
            ours.symmetric_difference(&theirs).map(|name| format!("{{{name}}}")).collect()
        };
        let differ = different(ru.1.placeholders(), other.placeholders());
        if !differ.is_empty() {
            book.fault(
                doc.on_line(*line),
                format!("{who} has {} in only one of ru and {lang}", differ.join(", ")),
                "use the same placeholders in every language",
            );
            continue;
        }
        let differ = different(ru.1.required(), other.required());
        if !differ.is_empty() {
            book.fault(
                doc.on_line(*line),
                format!("{who} has {} in `[[ … ]]` in only one of ru and {lang}", differ.join(", ")),
                "leave out the same parts in every language",
            );
        }
    }
    Some(Texts { ru: ru.1, kk: kk.1, en: en.map(|(_, text)| text) })
}

fn letterhead(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> Option<Letterhead> {
    let entry: Entry<raw::Letterhead> = doc.take("meta", book)?;
    let (at, raw) = (doc.on_line(entry.line), entry.value);
    if *raw.format.get_ref() != 2 {
        book.fault(doc.at(&raw.format), "this version reads format 2 only", "write format = 2");
    }
    let theirs: BTreeSet<Option<Lang>> =
        raw.languages.get_ref().iter().map(|code| Lang::from_code(code)).collect();
    let ours: BTreeSet<Option<Lang>> = languages.iter().copied().map(Some).collect();
    if !ours.is_empty() && theirs != ours {
        book.fault(
            doc.at(&raw.languages),
            "the languages of the texts are not those of city.toml",
            "write the same languages in both",
        );
    }
    if raw.version.get_ref().trim().is_empty() {
        book.fault(doc.at(&raw.version), "the version of the texts is empty", "write one");
    }
    let signature = Names { ru: raw.signature_ru, kk: raw.signature_kk, en: raw.signature_en };
    book.names(at, "the signature", languages, &signature);
    if raw.mail_subject_tag.get_ref().matches("{number}").count() != 1 {
        book.fault(
            doc.at(&raw.mail_subject_tag),
            "`mail_subject_tag` has no {number}",
            "write {number} into it once, as \"[{number}]\"",
        );
    }
    let forms = [Some(&raw.date_format_ru), Some(&raw.date_format_kk), raw.date_format_en.as_ref()];
    for form in forms.into_iter().flatten() {
        if ["dd", "MM", "yyyy"].iter().any(|part| form.get_ref().matches(part).count() != 1) {
            book.fault(
                doc.at(form),
                format!("\"{}\" is not a form of dates", form.get_ref()),
                "write dd, MM and yyyy once each, as dd.MM.yyyy",
            );
        }
    }
    Some(Letterhead {
        signature,
        mail_subject_tag: raw.mail_subject_tag.into_inner(),
        date_format: Names {
            ru: raw.date_format_ru.into_inner(),
            kk: raw.date_format_kk.into_inner(),
            en: raw.date_format_en.map(Spanned::into_inner).unwrap_or_default(),
        },
    })
}

fn placeholders(doc: &mut Document<'_>, book: &Book) -> (BTreeMap<String, Placeholder>, Codes) {
    let (entries, codes) = doc.map::<raw::Placeholder>("placeholders", book);
    let mut all = BTreeMap::new();
    for (name, Entry { line, value }) in entries {
        let filled = [Audience::Resident, Audience::Party, Audience::Subscriber, Audience::Public]
            .into_iter()
            .any(|to| expected::filled_for(to).contains(&name.as_str()));
        if !filled {
            book.fault(
                doc.on_line(line),
                format!("nothing fills {{{name}}}"),
                "remove it or correct the name",
            );
        }
        all.insert(name, Placeholder { is: value.is, example: value.example, personal: value.personal });
    }
    (all, codes)
}

fn buttons(doc: &mut Document<'_>, languages: &[Lang], book: &Book) -> (BTreeMap<String, Button>, Codes) {
    let (entries, codes) = doc.map::<raw::Button>("button", book);
    let mut all: BTreeMap<String, Button> = BTreeMap::new();
    for (code, Entry { line, value }) in entries {
        let at = doc.on_line(line);
        let id = value.id.get_ref();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":_-".contains(&byte);
        // Telegram takes 64 bytes, of which `:number` needs up to 33.
        if id.is_empty() || id.len() > 31 || !id.bytes().all(plain) {
            book.fault(
                at,
                format!("button \"{code}\" has the id \"{id}\""),
                "use 1 to 31 of a-z, 0-9, `:`, `_`, `-`",
            );
        }
        if let Some((other, _)) = all.iter().find(|(_, button)| button.id == *id) {
            book.fault(at, format!("buttons \"{other}\" and \"{code}\" have one id"), "give each its own");
        }
        let name = Names { ru: value.ru, kk: value.kk, en: value.en };
        book.names(at, &format!("button \"{code}\""), languages, &name);
        all.insert(code, Button { id: value.id.into_inner(), name });
    }
    (all, codes)
}

fn phrases(doc: &mut Document<'_>, reading: &Reading<'_>) -> (BTreeMap<String, Phrase>, Codes) {
    let (entries, codes) = doc.map::<raw::Phrase>("phrase", reading.book);
    let mut all = BTreeMap::new();
    for (code, Entry { line, value }) in entries {
        let who = format!("phrase \"{code}\"");
        let written = [Some(&value.ru), Some(&value.kk), value.en.as_ref()];
        if let Some(texts) = reading.texts(doc, &who, &expected::PHRASE_FILLED, written, doc.on_line(line)) {
            all.insert(code, texts);
        }
    }
    (all, codes)
}

fn templates(
    doc: &mut Document<'_>,
    reading: &Reading<'_>,
    buttons: &Codes,
    whatsapp: &Codes,
) -> (Vec<Template>, Codes) {
    let book = reading.book;
    let (entries, codes) = doc.map::<raw::Template>("template", book);
    let mut all = Vec::new();
    for (code, Entry { line, value }) in entries {
        let at = doc.on_line(line);
        let who = format!("template \"{code}\"");
        if *value.version.get_ref() == 0 {
            book.fault(doc.at(&value.version), format!("{who} has version 0"), "count versions from 1");
        }
        if let Some(code) = &value.whatsapp {
            book.refer(doc.at(code), &who, "WhatsApp template", code.get_ref(), whatsapp);
        }
        for button in &value.buttons {
            book.refer(doc.at(button), &who, "button", button.get_ref(), buttons);
        }
        let filled = expected::filled_for(value.to);
        let text =
            reading.texts(doc, &who, filled, [Some(&value.ru), Some(&value.kk), value.en.as_ref()], at);
        let subjects = [value.subject_ru.as_ref(), value.subject_kk.as_ref(), value.subject_en.as_ref()];
        let subject = subjects.iter().any(Option::is_some).then(|| {
            // An English subject is asked for only where there is an English text that would go without one.
            reading.texts(doc, &format!("the subject of {who}"), filled, subjects, at)
        });
        if matches!(value.to, Audience::Subscriber | Audience::Public) {
            personal(doc, reading, &who, &value);
        }
        let (Some(text), Some(subject)) = (text, subject.map_or(Some(None), |read| read.map(Some))) else {
            continue;
        };
        all.push(Template {
            code,
            version: value.version.into_inner(),
            to: value.to,
            used_for: value.used_for,
            auto: value.auto,
            whatsapp: value.whatsapp.map(Spanned::into_inner),
            subject,
            text,
            buttons: value.buttons.into_iter().map(Spanned::into_inner).collect(),
        });
    }
    (all, codes)
}

/// The question whether it is fixed has the buttons that the product reads the answer from.
fn fixed(
    doc: &Document<'_>,
    templates: &[Template],
    codes: &Codes,
    buttons: &BTreeMap<String, Button>,
    book: &Book,
) {
    let Some(template) = templates.iter().find(|template| template.code == expected::IS_IT_FIXED) else {
        return;
    };
    let ids: Option<Vec<&str>> =
        template.buttons.iter().map(|code| buttons.get(code).map(|button| button.id.as_str())).collect();
    // A button that could not be read is a fault already.
    let Some(ids) = ids else { return };
    let line = codes.iter().find(|(code, _)| *code == template.code).map_or(0, |(_, line)| line);
    for id in expected::FIXED.iter().filter(|id| !ids.contains(id)) {
        book.fault(
            doc.on_line(line),
            format!("template \"{}\" has no button with the id \"{id}\"", template.code),
            "add it, the product reads the answer from it",
        );
    }
}

/// What stands under a public comment tells of no resident.
fn in_public(doc: &Document<'_>, templates: &[Template], codes: &Codes, book: &Book) {
    let Some(template) = templates.iter().find(|template| template.code == expected::PUBLIC_UPDATE) else {
        return;
    };
    let line = codes.iter().find(|(code, _)| *code == template.code).map_or(0, |(_, line)| line);
    let names: BTreeSet<&str> = Lang::ALL
        .into_iter()
        .map(|lang| template.text.get(lang).1)
        .flat_map(Text::placeholders)
        .filter(|name| !expected::IN_PUBLIC.contains(name))
        .collect();
    for name in names {
        book.fault(
            doc.on_line(line),
            format!("template \"{}\" says {{{name}}}, and anybody may read it", template.code),
            format!("say no more than {}", expected::IN_PUBLIC.map(|name| format!("{{{name}}}")).join(", ")),
        );
    }
}

/// A text for everybody carries nothing personal.
fn personal(doc: &Document<'_>, reading: &Reading<'_>, who: &str, value: &raw::Template) {
    let Ok(text) = Text::parse(value.ru.get_ref()) else { return };
    for name in text.placeholders() {
        if reading.placeholders.get(name).is_some_and(|placeholder| placeholder.personal) {
            reading.book.fault(
                doc.at(&value.ru),
                format!("{who} is for everybody and has {{{name}}}, which is personal"),
                "remove it",
            );
        }
    }
}

fn whatsapp(
    doc: &mut Document<'_>,
    reading: &Reading<'_>,
    buttons: &Codes,
) -> (Vec<WhatsappTemplate>, Codes) {
    let book = reading.book;
    let (entries, codes) = doc.list::<raw::WhatsappTemplate>("whatsapp_template", "code", book);
    let mut all = Vec::new();
    for Entry { line, value } in entries {
        let at = doc.on_line(line);
        book.code(at, &value.code);
        let who = format!("WhatsApp template \"{}\"", value.code);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if value.name.get_ref().is_empty() || !value.name.get_ref().bytes().all(plain) {
            book.fault(
                doc.at(&value.name),
                format!("{who} has a name the vendor refuses"),
                "use a-z, 0-9 and `_`",
            );
        }
        if !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&value.category.get_ref().as_str()) {
            book.fault(
                doc.at(&value.category),
                format!("{who} has the category \"{}\"", value.category.get_ref()),
                "write UTILITY",
            );
        }
        for name in value.params.get_ref() {
            reading.placeholder(doc.at(&value.params), &who, name, expected::filled_for(Audience::Resident));
        }
        for button in &value.buttons {
            book.refer(doc.at(button), &who, "button", button.get_ref(), buttons);
        }
        let count = value.params.get_ref().len();
        for examples in [&value.example_ru, &value.example_kk] {
            if examples.get_ref().len() != count {
                book.fault(
                    doc.at(examples),
                    format!("{who} has {count} parameters and {} examples", examples.get_ref().len()),
                    "give one example for each parameter",
                );
            }
        }
        for body in [&value.ru, &value.kk] {
            if let Err((wrong, remedy)) = numbered(body.get_ref(), count) {
                book.fault(doc.at(body), format!("{who}: {wrong}"), remedy);
            }
        }
        all.push(WhatsappTemplate {
            code: value.code,
            name: value.name.into_inner(),
            category: value.category.into_inner(),
            params: value.params.into_inner(),
            ru: value.ru.into_inner(),
            kk: value.kk.into_inner(),
            example_ru: value.example_ru.into_inner(),
            example_kk: value.example_kk.into_inner(),
            buttons: value.buttons.into_iter().map(Spanned::into_inner).collect(),
        });
    }
    (all, codes)
}

/// Judges a body with `{{1}}`, `{{2}}`, … as the vendor does.
fn numbered(body: &str, count: usize) -> Result<(), (String, &'static str)> {
    let mut numbers = BTreeSet::new();
    let mut pieces = body.split("{{");
    let mut before = pieces.next().unwrap_or_default();
    for piece in pieces {
        if before.trim().is_empty() {
            return Err((
                "the body begins with a parameter, or two stand side by side".to_owned(),
                "put words before each parameter",
            ));
        }
        let (number, words) = piece
            .split_once("}}")
            .ok_or(("`{{` and `}}` do not pair up".to_owned(), "correct the braces"))?;
        let number: usize = number.parse().map_err(|_| {
            (format!("`{{{{{number}}}}}` is not a numbered parameter"), "write {{1}}, {{2}}, …")
        })?;
        numbers.insert(number);
        before = words;
    }
    if before.trim().is_empty() {
        return Err((
            "the body is empty or ends with a parameter".to_owned(),
            "put words after the last one",
        ));
    }
    if numbers != (1..=count).collect() {
        return Err((
            format!("the body does not use each of its {count} parameters"),
            "use {{1}} to the last one",
        ));
    }
    Ok(())
}
