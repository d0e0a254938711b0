//! What a zip archive holds, by the names in its table of contents. Nothing is unpacked.

/// What an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archive {
    /// A document of Word.
    Docx,
    /// A document of some office with macros.
    Macros,
    /// Another archive, or none.
    Other,
}

/// Looks at the table of contents of a whole file.
pub(crate) fn look(bytes: &[u8]) -> Archive {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Archive::Other;
    }
    let Some(contents) = contents(bytes) else { return Archive::Other };
    let (mut types, mut document) = (false, false);
    for name in Names(contents) {
        if name.to_ascii_lowercase().ends_with(b"vbaproject.bin") {
            return Archive::Macros;
        }
        types |= name == b"[Content_Types].xml";
        document |= name.starts_with(b"word/document") && name.ends_with(b".xml");
    }
    if types && document { Archive::Docx } else { Archive::Other }
}

/// The table of contents (APPNOTE.TXT 4.3.16: its end has 22 bytes and a comment of up to 65 535).
fn contents(bytes: &[u8]) -> Option<&[u8]> {
    const END_BYTES: usize = 22;
    let tail = bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
    let end = tail + bytes[tail..].windows(4).rposition(|part| part == b"PK\x05\x06")?;
    let length = usize::try_from(number(bytes, end + 12, 4)?).ok()?;
    let start = usize::try_from(number(bytes, end + 16, 4)?).ok()?;
    bytes.get(start..start.checked_add(length)?)
}

/// The names in a table of contents (APPNOTE.TXT 4.3.12), until one does not read.
struct Names<'a>(&'a [u8]);

impl<'a> Iterator for Names<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        const FIXED_BYTES: usize = 46;
        let entry = self.0;
        entry.strip_prefix(b"PK\x01\x02")?;
        let length = |at| number(entry, at, 2).and_then(|length| usize::try_from(length).ok());
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let found = entry.get(FIXED_BYTES..FIXED_BYTES + name)?;
        self.0 = entry.get(FIXED_BYTES + name + extra + comment..).unwrap_or_default();
        Some(found)
    }
}

/// A number of `count` bytes, the lowest first.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(count)?)?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive whose table of contents lists these names.
    fn zip(names: &[&str]) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        let start = bytes.len();
        for name in names {
            let mut entry = [0; 46];
            entry[..4].copy_from_slice(b"PK\x01\x02");
            entry[28] = u8::try_from(name.len()).unwrap();
            entry[30] = 3;
            bytes.extend(entry);
            bytes.extend(name.as_bytes());
            bytes.extend([0; 3]);
        }
        let length = bytes.len() - start;
        let mut end = [0; 22];
        end[..4].copy_from_slice(b"PK\x05\x06");
        end[12..16].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        end[16..20].copy_from_slice(&u32::try_from(start).unwrap().to_le_bytes());
        bytes.extend(end);
        bytes
    }

    #[test]
    fn a_document_is_known_by_the_names_in_it() {
        let check = |bytes: &[u8], expected| assert_eq!(look(bytes), expected);
        let docx = zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]);
        check(&docx, Archive::Docx);
        check(&[&docx[..], b"comment"].concat(), Archive::Docx);
        check(&docx[..docx.len() - 30], Archive::Other);
        check(&zip(&["[Content_Types].xml", "word/document.xml", "word/VbaProject.bin"]), Archive::Macros);
        check(&zip(&["[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"]), Archive::Macros);
        check(&zip(&["[Content_Types].xml", "xl/workbook.xml"]), Archive::Other);
        check(&zip(&["word/document.xml"]), Archive::Other);
        check(&zip(&["AndroidManifest.xml", "classes.dex"]), Archive::Other);
        check(&zip(&[]), Archive::Other);
        check(b"PK\x03\x04", Archive::Other);
        check(b"", Archive::Other);
    }
}
