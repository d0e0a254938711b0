//! Text as it may be searched and shown (channel rule R13), names of files, types of media.

use unicode_normalization::UnicodeNormalization;

use crate::limits::Limits;

/// `text` in NFC, without marks that nobody sees and those of what did not read (channel rule R14), cut after `limit_chars`
/// characters. Nothing when nothing is left.
pub(crate) fn clean(text: &str, limit_chars: usize) -> Option<String> {
    // CR LF and a lone CR are line ends too.
    let lines = text.replace("\r\n", "\n");
    let seen = lines.chars().filter_map(|c| match c {
        '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\n' | '\t' => Some(c),
        c if c.is_control() || is_invisible(c) || c == char::REPLACEMENT_CHARACTER => None,
        c => Some(c),
    });
    let clean: String = seen.nfc().take(limit_chars).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Marks that take no room and change how text reads or matches: joiners, directions, fillers, tags, selectors.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A person's name on one line.
pub(crate) fn name(name: &str) -> Option<String> {
    clean(&name.replace(['\n', '\r', '\t'], " "), Limits::NAME_CHARS)
}

/// A file's name without its path, so that it names no other place on a disk.
pub(crate) fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let last = self::name(last)?.replace(['\n', '\t', ':', '*', '?', '"', '<', '>', '|'], "_");
    let bare = last.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// A media type in lower case without parameters: `audio/ogg; codecs=opus` is `audio/ogg`. Nothing when it reads as none.
pub(crate) fn media_type(label: &str) -> Option<String> {
    let bare = label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, sub) = bare.split_once('/')?;
    let good = |part: &str| {
        (1..=64).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'+' | b'_'))
    };
    (good(kind) && good(sub)).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_what_is_seen() {
        for (raw, expected) in [
            ("Қош!\r\nҚұдық ашық", Some("Қош!\nҚұдық ашық")),
            ("  я\u{200B}м\u{00AD}а\u{202E} \u{FEFF}", Some("яма")),
            ("и\u{0306}", Some("й")),
            ("ё\u{0}\u{7}", Some("ё")),
            ("\u{200E}\u{2066}\u{2069}", None),
            ("  \n\t ", None),
            ("яма на дороге, глубокая", Some("яма на дороге, глу")),
        ] {
            assert_eq!(clean(raw, 18).as_deref(), expected, "{raw:?}");
        }
    }

    #[test]
    fn file_names_lose_their_path() {
        for (raw, expected) in [
            ("../Заявление жителей.pdf", Some("Заявление жителей.pdf")),
            (r"C:\Users\a\фото.jpg", Some("фото.jpg")),
            ("/etc/passwd", Some("passwd")),
            ("..", None),
            ("a/..", None),
            (".bashrc", Some("bashrc")),
            ("gpj.\u{202E}exe", Some("gpj.exe")),
            ("фо\u{FFFD}то.jpg", Some("фото.jpg")),
            ("\u{FFFD}", None),
            ("a\u{0}b\n.pdf", Some("ab .pdf")),
        ] {
            assert_eq!(file_name(raw).as_deref(), expected, "{raw:?}");
        }
    }

    #[test]
    fn media_types_lose_their_parameters() {
        for (raw, expected) in [
            ("audio/ogg; codecs=opus", Some("audio/ogg")),
            ("Image/JPEG", Some("image/jpeg")),
            ("", None),
            ("jpeg", None),
            ("image\\/jpeg", None),
        ] {
            assert_eq!(media_type(raw).as_deref(), expected, "{raw:?}");
        }
    }
}
