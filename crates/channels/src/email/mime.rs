//! The parts of a letter (RFC 2046).
//!
//! The tree is walked here, not by `mail-parser`: that one follows letters inside of letters as deep as they go, and thirty
//! thousand of them, one megabyte in base64, overflow the stack.

use std::{borrow::Cow, ops::Range};

use super::{charset, header::Header, params::Value, transfer};
use crate::Limits;

/// The deepest nesting of parts that any limit allows: each level takes a little of the stack.
pub(super) const DEPTH: usize = 120;
/// The most parts that any limit allows.
pub(super) const PARTS: usize = 100_000;

/// The letter itself, or a part of it. Attached letters are not opened.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Its fields.
    pub(super) header: Header<'a>,
    /// Its media type with parameters.
    pub(super) content: Value,
    /// How a program shall show it.
    pub(super) disposition: Value,
    /// What stands below its header, encoded as it is.
    body: &'a [u8],
    /// The parts directly inside of it.
    pub(super) children: Vec<usize>,
}

impl Part<'_> {
    /// Whether it is of this media type.
    pub(super) fn is(&self, media_type: &str) -> bool {
        self.content.value == media_type
    }

    /// Whether its media type is of this kind: `text`, `message`.
    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.content.value.split_once('/').is_some_and(|(own, _)| own == kind)
    }

    /// The bytes that it carries.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        transfer::decode(self.body, &self.header.keyword("Content-Transfer-Encoding").unwrap_or_default())
    }

    /// The text that it carries; `label` is the charset to take when its header names none.
    pub(super) fn text(&self, label: impl FnOnce(&[u8]) -> Option<String>) -> String {
        let bytes = self.bytes();
        let label = self.content.text("charset").or_else(|| label(&bytes));
        charset::decode(&bytes, label.as_deref())
    }

    /// Its file's name, as its sender wrote it.
    pub(super) fn file_name(&self) -> Option<String> {
        self.disposition.text("filename").or_else(|| self.content.text("name"))
    }
}

/// Every part of the letter `raw`, each before those inside of it: the first is the letter itself.
///
/// # Errors
///
/// Why it is not read: it nests deeper, or has more parts, than `limits` allow.
pub(super) fn parts<'a>(raw: &'a [u8], limits: &Limits) -> Result<Vec<Part<'a>>, &'static str> {
    let mut tree =
        Tree { depth: limits.depth.min(DEPTH), most: limits.elements.min(PARTS), parts: Vec::new() };
    tree.add(raw, "text/plain", 0)?;
    Ok(tree.parts)
}

struct Tree<'a> {
    /// The deepest nesting, and the most parts, that are allowed.
    depth: usize,
    most: usize,
    parts: Vec<Part<'a>>,
}

impl<'a> Tree<'a> {
    /// Adds `entity` and what is inside of it; its place. Without a type of its own it is of type `otherwise`.
    fn add(&mut self, entity: &'a [u8], otherwise: &str, depth: usize) -> Result<usize, &'static str> {
        if depth > self.depth {
            return Err("nested deeper than the limit");
        }
        let own = self.parts.len();
        if own >= self.most {
            return Err("more parts than the limit");
        }
        let (header, body) = Header::split(entity);
        let mut content = header.raw("Content-Type").map(Value::read).unwrap_or_default();
        if !content.value.contains('/') {
            otherwise.clone_into(&mut content.value);
        }
        let disposition = header.raw("Content-Disposition").map(Value::read).unwrap_or_default();
        let inside = match content.bytes("boundary") {
            Some(boundary) if content.value.starts_with("multipart/") => between(body, &boundary, self.most),
            _ => Vec::new(),
        };
        let for_children = if content.value == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        if inside.is_empty() && content.value.starts_with("multipart/") {
            // Nothing says where its parts begin: it is shown as it is.
            "text/plain".clone_into(&mut content.value);
        }
        self.parts.push(Part { header, content, disposition, body, children: Vec::new() });
        for range in inside {
            let child = self.add(&body[range], for_children, depth + 1)?;
            self.parts[own].children.push(child);
        }
        Ok(own)
    }
}

/// Where the parts of `body` between lines of `boundary` stand, hardly more than the `most` that are allowed. A missing last
/// line is no loss.
fn between(body: &[u8], boundary: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let (mut at, mut open) = (0, None);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let mark = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary));
        let mark = mark.map(<[u8]>::trim_ascii).filter(|rest| rest.is_empty() || rest.starts_with(b"--"));
        if let Some(rest) = mark {
            // The line end before a boundary belongs to the boundary.
            ranges.extend(open.map(|start| start..without_line_end(&body[..at]).len().max(start)));
            open = rest.is_empty().then_some(at + line.len());
            if open.is_none() || ranges.len() > most {
                break;
            }
        }
        at += line.len();
    }
    ranges.extend(open.map(|start| start..body.len()));
    ranges
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}
