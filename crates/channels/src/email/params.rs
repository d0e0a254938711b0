//! Values with parameters: `Content-Type`, `Content-Disposition` (RFC 2045, RFC 2231).

use super::{charset, transfer, words};

/// The most parameters that are read of one field.
const PARAMETERS: usize = 64;

/// A value and its parameters.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// The value in lower case: `multipart/mixed`.
    pub(super) value: String,
    parameters: Vec<Parameter>,
}

/// A parameter, or a piece of one.
#[derive(Debug)]
struct Parameter {
    name: String,
    /// Which piece of the whole it is: `filename*1` is 1.
    piece: Option<u32>,
    /// Whether it is written as `charset'language'%D0%AF`.
    encoded: bool,
    bytes: Vec<u8>,
}

impl Value {
    /// Reads the raw value of a field.
    pub(super) fn read(raw: &[u8]) -> Self {
        let mut pieces = unquoted_split(raw).into_iter();
        let first = pieces.next().unwrap_or_default().trim_ascii();
        let end = first.iter().position(u8::is_ascii_whitespace).unwrap_or(first.len());
        // The first semicolon may be missing.
        let (value, rest) = first.split_at(end);
        let parameters = std::iter::once(rest).chain(pieces).take(PARAMETERS).filter_map(parameter).collect();
        Self { value: String::from_utf8_lossy(value).to_ascii_lowercase(), parameters }
    }

    /// The parameter as plain bytes: a boundary.
    pub(super) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.whole(name, |parameter| parameter.piece.is_some())
            .or_else(|| self.whole(name, |parameter| parameter.piece.is_none()))
    }

    /// The parameter as text. Its pieces are joined before they are decoded: they may be cut inside a letter.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let mut own = self.parameters.iter().filter(|parameter| parameter.name == name);
        if !own.any(|parameter| parameter.encoded) {
            // Encoded words are not allowed here, and most programs write them.
            return self.bytes(name).map(|bytes| words::text(&bytes));
        }
        let whole = self.bytes_of_encoded(name);
        let mut parts = whole.splitn(3, |byte| *byte == b'\'');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(label), Some(_), Some(text)) => {
                Some(charset::decode(text, std::str::from_utf8(label).ok().filter(|label| !label.is_empty())))
            }
            _ => Some(charset::decode(&whole, None)),
        }
    }

    fn bytes_of_encoded(&self, name: &str) -> Vec<u8> {
        let in_pieces = self.whole(name, |parameter| parameter.piece.is_some());
        in_pieces.or_else(|| self.whole(name, |parameter| parameter.encoded)).unwrap_or_default()
    }

    /// The pieces of `name` that are `wanted`, in order and joined.
    fn whole(&self, name: &str, wanted: impl Fn(&Parameter) -> bool) -> Option<Vec<u8>> {
        let mut pieces: Vec<&Parameter> =
            self.parameters.iter().filter(|parameter| parameter.name == name && wanted(parameter)).collect();
        pieces.sort_by_key(|parameter| parameter.piece);
        // A parameter that stands there twice is one.
        pieces.dedup_by_key(|parameter| parameter.piece);
        let mut whole = Vec::new();
        for piece in &pieces {
            if piece.encoded {
                transfer::hex_after(&piece.bytes, b'%', &mut whole);
            } else {
                whole.extend_from_slice(&piece.bytes);
            }
        }
        (!pieces.is_empty()).then_some(whole)
    }
}

/// `name=value`, `name*=value`, `name*1=value`, `name*1*=value`.
fn parameter(raw: &[u8]) -> Option<Parameter> {
    let equals = raw.iter().position(|byte| *byte == b'=')?;
    let name = std::str::from_utf8(raw[..equals].trim_ascii()).ok()?.to_ascii_lowercase();
    let (name, encoded) = name.strip_suffix('*').map_or((name.as_str(), false), |name| (name, true));
    let (name, piece) = match name.split_once('*') {
        Some((name, piece)) => (name, Some(piece.parse().ok()?)),
        None => (name, None),
    };
    Some(Parameter { name: name.to_owned(), piece, encoded, bytes: unquoted(raw[equals + 1..].trim_ascii()) })
}

/// A value without its quotes, line ends and backslashes.
fn unquoted(raw: &[u8]) -> Vec<u8> {
    let Some(quoted) = raw.strip_prefix(b"\"") else {
        // A comment may follow what is not quoted; it holds a space.
        return raw.split(|byte| *byte == b'(').next().unwrap_or_default().trim_ascii_end().to_vec();
    };
    let mut bare = Vec::with_capacity(quoted.len());
    let mut escaped = false;
    for &byte in quoted {
        match byte {
            b'\r' | b'\n' => continue,
            b'\\' if !escaped => {
                escaped = true;
                continue;
            }
            b'"' if !escaped => break,
            _ => bare.push(byte),
        }
        escaped = false;
    }
    bare
}

/// `raw` cut at semicolons outside of quotes.
fn unquoted_split(raw: &[u8]) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    raw.split(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        *byte == b';' && !quoted
    })
    .collect()
}
