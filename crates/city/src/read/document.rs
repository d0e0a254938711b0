//! A TOML file, taken apart key by key so that one fault does not hide the others.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::book::{At, Book, Codes};

/// A TOML file of which keys are taken until none is left.
pub(super) struct Document<'a> {
    pub(super) file: &'a str,
    lines: Lines,
    root: DeTable<'a>,
    whole: bool,
}

/// A value and the line it begins on.
pub(super) struct Entry<T> {
    pub(super) line: u32,
    pub(super) value: T,
}

impl<'a> Document<'a> {
    /// Reads a file; what of it can be read is given even when some of it cannot.
    pub(super) fn read(file: &'a str, bytes: &'a [u8], book: &Book) -> Option<Self> {
        let text = utf8(file, bytes, book)?;
        let (root, errors) = DeTable::parse_recoverable(text);
        let lines = Lines::of(text);
        let document = Self { file, lines, root: root.into_inner(), whole: errors.is_empty() };
        for error in errors {
            let at = document.on_line(error.span().map_or(0, |span| document.lines.of_offset(span.start)));
            book.fault(at, format!("this is not TOML: {}", one_line(error.message())), "correct the line");
        }
        Some(document)
    }

    /// The place of something in the file.
    pub(super) fn at<T>(&self, spanned: &Spanned<T>) -> At<'a> {
        At { file: self.file, line: self.lines.of_offset(spanned.span().start) }
    }

    pub(super) fn on_line(&self, line: u32) -> At<'a> {
        At { file: self.file, line }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.root.contains_key(key)
    }

    /// Takes a key that must be there.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &str, book: &Book) -> Option<Entry<T>> {
        if !self.root.contains_key(key) {
            if self.whole {
                book.fault(self.on_line(0), format!("`{key}` is missing"), format!("add [{key}]"));
            }
            return None;
        }
        self.take_if_there(key, book)
    }

    /// Takes a key that may be there.
    pub(super) fn take_if_there<T: DeserializeOwned>(&mut self, key: &str, book: &Book) -> Option<Entry<T>> {
        let (name, value) = self.root.remove_entry(key)?;
        let line = self.at(&name).line;
        Some(Entry { line, value: self.value(line, value, book)? })
    }

    /// Takes an array of tables, `[[key]]`, and the codes in it.
    pub(super) fn list<T: DeserializeOwned>(
        &mut self,
        key: &str,
        field: &str,
        book: &Book,
    ) -> (Vec<Entry<T>>, Codes) {
        let mut codes = Codes::new(self.file);
        if !self.whole {
            codes.not_whole();
        }
        let Some((name, value)) = self.root.remove_entry(key) else {
            if self.whole {
                book.fault(self.on_line(0), format!("there is no [[{key}]]"), "add at least one");
            }
            return (Vec::new(), codes);
        };
        let at = self.at(&name);
        let DeValue::Array(items) = value.into_inner() else {
            book.fault(at, format!("`{key}` is not a list of tables"), format!("begin each with [[{key}]]"));
            codes.not_whole();
            return (Vec::new(), codes);
        };
        if items.is_empty() {
            book.fault(at, format!("there is no [[{key}]]"), "add at least one");
        }
        let mut entries = Vec::new();
        for item in items {
            let line = self.at(&item).line;
            let code =
                item.get_ref().get(field).and_then(|code| Some((self.at(code), code.get_ref().as_str()?)));
            if let Some((at, code)) = code {
                codes.add(book, at, key, code);
            }
            if let Some(value) = self.value(line, item, book) {
                entries.push(Entry { line, value });
            }
        }
        (entries, codes)
    }

    /// Takes a table of things by code, `[key.code]` or `code = { … }`, and the codes in it.
    pub(super) fn map<T: DeserializeOwned>(
        &mut self,
        key: &str,
        book: &Book,
    ) -> (Vec<(String, Entry<T>)>, Codes) {
        let mut codes = Codes::new(self.file);
        if !self.whole {
            codes.not_whole();
        }
        let Some((name, value)) = self.root.remove_entry(key) else {
            if self.whole {
                book.fault(self.on_line(0), format!("there is no [{key}]"), "add it");
            }
            return (Vec::new(), codes);
        };
        let at = self.at(&name);
        let DeValue::Table(table) = value.into_inner() else {
            book.fault(at, format!("`{key}` is not a table"), format!("begin it with [{key}]"));
            codes.not_whole();
            return (Vec::new(), codes);
        };
        let mut entries = Vec::new();
        for (name, value) in table {
            let at = self.at(&name);
            let code = name.into_inner().into_owned();
            book.code(at, &code);
            codes.add(book, at, key, &code);
            if let Some(value) = self.value(at.line, value, book) {
                entries.push((code, Entry { line: at.line, value }));
            }
        }
        (entries, codes)
    }

    /// Every key must have been taken.
    pub(super) fn finish(self, book: &Book) {
        for name in self.root.keys() {
            book.fault(
                self.at(name),
                format!("`{}` is not known here", name.get_ref()),
                "correct the name or remove it",
            );
        }
    }

    fn value<T: DeserializeOwned>(&self, line: u32, value: Spanned<DeValue<'a>>, book: &Book) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                let line = error.span().map_or(line, |span| self.lines.of_offset(span.start).max(line));
                let message = one_line(error.message());
                let remedy = if message.contains("unknown field") {
                    "correct the name of the key or remove it"
                } else if message.contains("missing field") {
                    "add the key"
                } else {
                    "write the value as the other entries do"
                };
                book.none(self.on_line(line), message, remedy)
            }
        }
    }
}

/// The bytes of a file as text.
pub(super) fn utf8<'a>(file: &str, bytes: &'a [u8], book: &Book) -> Option<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let newlines = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            let line = u32::try_from(newlines + 1).unwrap_or(u32::MAX);
            book.none(At { file, line }, "this is not UTF-8", "save the file as UTF-8")
        }
    }
}

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(newlines.map(|(offset, _)| offset + 1)).collect())
    }

    /// Line, from 1, of a place in the text.
    pub(super) fn of_offset(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
