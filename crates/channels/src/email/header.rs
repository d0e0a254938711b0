//! The header of a letter or of one of its parts (RFC 5322, section 2.2).

use super::words;

/// The longest header that is read, in bytes; what begins beyond, or goes on beyond, is passed by.
const HEADER_BYTES: usize = 256 << 10;

/// The fields of a header in their order.
#[derive(Debug, Default)]
pub(super) struct Header<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Header<'a> {
    /// Takes `entity` apart into its header and its body.
    ///
    /// Without a header everything is body. A line inside a header that is no field belongs to nothing.
    pub(super) fn split(entity: &'a [u8]) -> (Self, &'a [u8]) {
        let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
        let mut at = 0;
        while let Some(len) = field_len(&entity[at..]) {
            let (field, rest) = entity[at..].split_at(len);
            if field.trim_ascii().is_empty() {
                return (Self(fields), rest);
            }
            let field = &field[..len.min(HEADER_BYTES)];
            match named(field) {
                Some(field) if at < HEADER_BYTES => fields.push(field),
                None if fields.is_empty() && !is_envelope(field) => return (Self(fields), entity),
                _ => {}
            }
            at += len;
        }
        (Self(fields), &[])
    }

    /// Whether it has no field.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The raw values of the fields called `name`, the topmost first.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| *value)
    }

    /// The raw value of the topmost field called `name`.
    pub(super) fn raw(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Whether there is a field called `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// What the topmost field called `name` says, trimmed.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(|raw| words::text(raw).trim().to_owned())
    }

    /// The first word of the topmost field called `name`, in lower case: `auto-replied; owner=x` is `auto-replied`.
    pub(super) fn keyword(&self, name: &str) -> Option<String> {
        let text = self.text(name)?.to_lowercase();
        text.split(|c: char| c == ';' || c.is_whitespace()).next().map(str::to_owned)
    }
}

/// The length of the field at the start with the lines that continue it, or of the empty line there.
fn field_len(bytes: &[u8]) -> Option<usize> {
    let line_len = |from: usize| {
        let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
        Some(rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1))
    };
    let is_empty = |from: usize, len: usize| bytes[from..from + len].trim_ascii().is_empty();
    let mut end = line_len(0)?;
    if is_empty(0, end) {
        return Some(end);
    }
    while matches!(bytes.get(end), Some(b' ' | b'\t')) {
        end += line_len(end)?;
    }
    Some(end)
}

/// Name and raw value of a field.
fn named(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = field.iter().position(|byte| *byte == b':')?;
    let name = field[..colon].trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    good.then(|| (name, &field[colon + 1..]))
}

/// The line before the header in a mailbox file.
fn is_envelope(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}
