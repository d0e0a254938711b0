//! Where faults are written while a folder is read, and the codes that files may name.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};

use crate::fault::Fault;
use crate::names::{Lang, Names};

/// Most faults of one folder; nobody mends more at once, and damaged bytes could give millions.
const MOST: usize = 1000;

/// Every fault found so far.
#[derive(Default)]
pub(super) struct Book(RefCell<Vec<Fault>>);

/// A place in a file, for faults.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) line: u32,
}

impl Book {
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.0.into_inner()
    }

    pub(super) fn fault(&self, at: At<'_>, message: impl Into<String>, remedy: impl Into<String>) {
        let mut faults = self.0.borrow_mut();
        if faults.len() < MOST {
            faults.push(Fault::new(at.file, at.line, message, remedy));
        }
    }

    /// Writes a fault and gives nothing, for the end of a chain.
    pub(super) fn none<T>(
        &self,
        at: At<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        self.fault(at, message, remedy);
        None
    }

    /// `who` names a `what` by its code.
    pub(super) fn refer(&self, at: At<'_>, who: &str, what: &str, code: &str, codes: &Codes) {
        if !codes.has(code) {
            let file = &codes.file;
            self.fault(
                at,
                format!("{who} names {what} \"{code}\", which {file} does not have"),
                "add it there or correct the code",
            );
        }
    }

    /// A code is short and plain, so that it can stand in events, subjects and addresses.
    pub(super) fn code(&self, at: At<'_>, code: &str) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if code.is_empty() || code.len() > 64 || !code.bytes().all(plain) {
            self.fault(
                at,
                format!("\"{code}\" cannot be a code"),
                "use 1 to 64 characters of a-z, 0-9, `_` and `-`",
            );
        }
    }

    pub(super) fn day(&self, at: At<'_>, text: &str) -> Option<NaiveDate> {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) if text.len() == 10 => Some(day),
            _ => self.none(at, format!("\"{text}\" is not a day"), "write it as 2026-11-22"),
        }
    }

    pub(super) fn time(&self, at: At<'_>, text: &str) -> Option<NaiveTime> {
        match NaiveTime::parse_from_str(text, "%H:%M") {
            Ok(time) if text.len() == 5 => Some(time),
            _ => self.none(at, format!("\"{text}\" is not a time of day"), "write it as 18:30"),
        }
    }

    pub(super) fn parse<T: std::str::FromStr>(&self, at: At<'_>, what: &str, text: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.none(at, format!("{what} \"{text}\" cannot be used"), error.to_string()),
        }
    }

    /// The value must be the only one that this version of the product understands.
    pub(super) fn only(&self, at: At<'_>, key: &str, text: &str, known: &str) {
        if text != known {
            self.fault(
                at,
                format!("`{key}` is \"{text}\", which is not understood"),
                format!("write \"{known}\""),
            );
        }
    }

    /// A name stands in every language of the city.
    pub(super) fn names(&self, at: At<'_>, who: &str, languages: &[Lang], names: &Names) {
        for lang in languages {
            let name = match lang {
                Lang::Ru => &names.ru,
                Lang::Kk => &names.kk,
                Lang::En => &names.en,
            };
            if name.trim().is_empty() {
                self.fault(
                    at,
                    format!("{who} has no name in {lang}"),
                    format!("give it one, the city answers in {lang}"),
                );
            }
        }
    }

    /// Stems are not blank: a blank one is the beginning of every word.
    pub(super) fn stems(&self, at: At<'_>, who: &str, stems: &[String]) {
        for stem in stems {
            if !stem.chars().any(char::is_alphanumeric) {
                self.fault(
                    at,
                    format!("{who} has the stem \"{stem}\", which is the beginning of every word"),
                    "remove it, or write at least one letter",
                );
            }
        }
    }
}

/// The codes of one sort and the file they stand in.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    file: String,
    lines: BTreeMap<String, u32>,
    /// Whether the file could be read; when it could not, nothing is said about references to it.
    whole: bool,
}

impl Codes {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), lines: BTreeMap::new(), whole: true }
    }

    /// Of a file that could not be read: it has whatever is asked.
    pub(super) fn unread(file: &str) -> Self {
        Self { whole: false, ..Self::new(file) }
    }

    pub(super) fn not_whole(&mut self) {
        self.whole = false;
    }

    pub(super) fn has(&self, code: &str) -> bool {
        !self.whole || self.lines.contains_key(code)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.lines.iter().map(|(code, line)| (code.as_str(), *line))
    }

    /// Takes a code in; the same code twice is a fault.
    pub(super) fn add(&mut self, book: &Book, at: At<'_>, what: &str, code: &str) {
        match self.lines.get(code) {
            Some(first) => {
                book.fault(
                    at,
                    format!("{what} \"{code}\" stands a second time, the first is on line {first}"),
                    "remove one or give it another code",
                );
            }
            None => {
                self.lines.insert(code.to_owned(), at.line);
            }
        }
    }
}
