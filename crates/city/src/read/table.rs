//! A CSV file, row by row.

use chrono::NaiveDate;
use csv::StringRecord;

use super::book::{At, Book};
use super::document::{Lines, utf8};

/// One row of a CSV file whose columns were found to be the right ones.
pub(super) struct Row<'a> {
    at: At<'a>,
    columns: &'a [&'static str],
    /// For each of `columns`, where it stands in the record.
    places: std::rc::Rc<Vec<usize>>,
    record: StringRecord,
}

/// The rows of a file; `None` when it cannot be read or its columns are not `columns`, in any order.
pub(super) fn rows<'a>(
    file: &'a str,
    bytes: &[u8],
    columns: &'a [&'static str],
    book: &Book,
) -> Option<Vec<Row<'a>>> {
    let lines = Lines::of(utf8(file, bytes, book)?);
    // A record is said to begin where the one before it ended: before the second half of its line's end, and before lines
    // with nothing on them.
    let at = |position: Option<&csv::Position>| {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let blank = bytes.iter().skip(from).take_while(|byte| b"\r\n".contains(byte)).count();
        At { file, line: lines.of_offset(from + blank) }
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            return book.none(at(error.position()), error.to_string(), "write the names of the columns");
        }
    };
    let first = at(header.position());
    let mut right = true;
    for (place, name) in header.iter().enumerate() {
        if !columns.contains(&name) {
            book.fault(
                first,
                format!("column `{name}` is not known"),
                "correct the name or remove the column",
            );
            right = false;
        } else if header.iter().take(place).any(|earlier| earlier == name) {
            book.fault(first, format!("column `{name}` stands twice"), "remove one");
            right = false;
        }
    }
    for name in columns {
        if !header.iter().any(|column| column == *name) {
            book.fault(first, format!("column `{name}` is missing"), "add the column");
            right = false;
        }
    }
    if !right {
        return None;
    }
    let places = columns
        .iter()
        .filter_map(|name| header.iter().position(|column| column == *name))
        .collect::<Vec<_>>();
    let places = std::rc::Rc::new(places);
    let mut rows = Vec::new();
    for record in reader.into_records() {
        match record {
            Ok(record) => {
                rows.push(Row { at: at(record.position()), columns, places: places.clone(), record });
            }
            Err(error) => {
                let (message, remedy) = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => (
                        format!("the row has {len} cells, the header has {expected_len}"),
                        "add or remove commas; a cell with a comma in it stands in double quotes",
                    ),
                    _ => (error.to_string(), "correct the row"),
                };
                book.fault(at(error.position()), message, remedy);
            }
        }
    }
    Some(rows)
}

impl<'a> Row<'a> {
    pub(super) fn at(&self) -> At<'a> {
        self.at
    }

    /// A cell, without blanks around it.
    pub(super) fn cell(&self, column: &str) -> &str {
        let place = self.columns.iter().position(|name| *name == column).and_then(|at| self.places.get(at));
        place.and_then(|place| self.record.get(*place)).unwrap_or_default().trim()
    }

    /// A cell that must not be empty.
    pub(super) fn text(&self, column: &str, book: &Book) -> Option<String> {
        match self.cell(column) {
            "" => book.none(self.at, format!("`{column}` is empty"), "fill it"),
            text => Some(text.to_owned()),
        }
    }

    /// A cell that may be empty.
    pub(super) fn maybe(&self, column: &str) -> Option<String> {
        Some(self.cell(column)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A list split with `|`.
    pub(super) fn list(&self, column: &str, book: &Book) -> Vec<String> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Vec::new();
        }
        let parts: Vec<String> = cell.split('|').map(|part| part.trim().to_owned()).collect();
        if parts.iter().any(String::is_empty) {
            book.fault(
                self.at,
                format!("`{column}` has an empty part"),
                "remove the `|` with nothing beside it",
            );
        }
        parts
    }

    pub(super) fn number(&self, column: &str, book: &Book) -> Option<f64> {
        number(self.at, column, self.cell(column), book)
    }

    pub(super) fn whole(&self, column: &str, book: &Book) -> Option<u32> {
        let cell = self.cell(column);
        cell.parse().ok().or_else(|| {
            book.none(self.at, format!("`{column}` is \"{cell}\", not a whole number"), "write digits only")
        })
    }

    pub(super) fn day(&self, column: &str, book: &Book) -> Option<NaiveDate> {
        book.day(self.at, self.cell(column))
    }

    pub(super) fn flag(&self, column: &str, book: &Book) -> Option<bool> {
        match self.cell(column) {
            "true" => Some(true),
            "false" => Some(false),
            other => book.none(self.at, format!("`{column}` is \"{other}\""), "write true or false"),
        }
    }

    /// A cell that is one of a few words.
    pub(super) fn one_of(&self, column: &str, known: &[&str], book: &Book) -> Option<String> {
        let cell = self.cell(column);
        if known.contains(&cell) {
            Some(cell.to_owned())
        } else {
            book.none(
                self.at,
                format!("`{column}` is \"{cell}\""),
                format!("write one of: {}", known.join(", ")),
            )
        }
    }
}

/// A finite number.
pub(super) fn number(at: At<'_>, what: &str, text: &str, book: &Book) -> Option<f64> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number),
        _ => book.none(at, format!("`{what}` is \"{text}\", not a number"), "write it as 76.93"),
    }
}
