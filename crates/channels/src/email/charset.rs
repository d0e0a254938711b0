//! Bytes to text, in spite of their label (channel rule R14).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};

/// So many bytes above ASCII in a row are no Latin word: «Прошу» under the label of Western Europe.
const NO_LATIN_WORD_BYTES: usize = 3;

/// The text of `bytes`, which `label` says are in this charset.
///
/// A label is believed unless it is absent, unknown or plainly wrong: then UTF-8 if it reads, else what the letters look
/// like, Cyrillic in doubt.
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> String {
    // ISO-2022 is ASCII with escapes.
    if bytes.is_ascii() && !bytes.contains(&0x1b) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    if label.is_some_and(is_kz_1048) {
        return kz_1048(bytes);
    }
    let declared = label.and_then(by_label);
    if declared.is_none_or(Encoding::is_single_byte)
        && std::str::from_utf8(bytes).is_ok_and(|t| !t.is_ascii())
    {
        return exact(UTF_8, bytes).unwrap_or_default();
    }
    let believed = declared.filter(|declared| !is_latin(declared) || !is_no_latin(bytes));
    if let Some(text) = believed.and_then(|declared| exact(declared, bytes)) {
        return text;
    }
    let guessed = if is_mostly_utf_8(bytes) { UTF_8 } else { guess(bytes) };
    exact(guessed, bytes).unwrap_or_else(|| guessed.decode(bytes).0.into_owned())
}

/// `bytes` in `encoding`, when every one of them reads.
fn exact(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let (text, _, broken) = encoding.decode(bytes);
    (!broken).then(|| text.into_owned())
}

fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase();
    let known = match label.as_str() {
        "win-1251" | "win1251" | "windows1251" | "cp-1251" | "ansi-1251" => Cow::Borrowed("windows-1251"),
        "koi8r" => Cow::Borrowed("koi8-r"),
        _ => Cow::Owned(label),
    };
    Encoding::for_label_no_replacement(known.as_bytes())
}

fn is_latin(encoding: &'static Encoding) -> bool {
    matches!(encoding.name(), "windows-1252" | "windows-1254" | "ISO-8859-15" | "macintosh")
}

fn is_no_latin(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte < 0xC0).any(|word| word.len() >= NO_LATIN_WORD_BYTES)
}

/// Whether most of what is no ASCII reads as UTF-8: such text was cut or damaged, not mislabelled.
fn is_mostly_utf_8(bytes: &[u8]) -> bool {
    let (mut read, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        read += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    read > broken
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(Some(b"ru"), Utf8Detection::Deny)
}

fn is_kz_1048(label: &str) -> bool {
    matches!(
        label.trim().to_ascii_lowercase().as_str(),
        "kz-1048" | "kz1048" | "rk1048" | "strk1048-2002" | "strk1048" | "cskz1048"
    )
}

/// KZ-1048 (STRK 1048-2002): windows-1251 with Kazakh letters in the places of others.
fn kz_1048(bytes: &[u8]) -> String {
    let kazakh = |byte: &u8| {
        Some(match byte {
            0x8D => 'Қ',
            0x8E => 'Һ',
            0x9D => 'қ',
            0x9E => 'һ',
            0xA1 => 'Ұ',
            0xA2 => 'ұ',
            0xA3 => 'Ә',
            0xA5 => 'Ө',
            0xAA => 'Ғ',
            0xAF => 'Ү',
            0xB4 => 'ө',
            0xBA => 'ғ',
            0xBC => 'ә',
            0xBD => 'Ң',
            0xBE => 'ң',
            0xBF => 'ү',
            _ => return None,
        })
    };
    let (same, _) = WINDOWS_1251.decode_without_bom_handling(bytes);
    bytes.iter().zip(same.chars()).map(|(byte, same)| kazakh(byte).unwrap_or(same)).collect()
}
