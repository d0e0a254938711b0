//! Bytes to text, in spite of their label (channel rule R14).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, IBM866, ISO_8859_5, KOI8_R, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};

use super::transfer;

/// So many bytes above ASCII in a row are no Latin word: «Прошу» under the label of Western Europe.
const NO_LATIN_WORD_BYTES: usize = 3;
/// The fewest letters that show whether a label of the Cyrillic family is wrong.
const LETTERS: usize = 15;
/// How much of a text is looked at for that, in bytes.
const LOOKED_AT_BYTES: usize = 4 << 10;
/// What Cyrillic letters are sent in.
const CYRILLIC: [&Encoding; 4] = [WINDOWS_1251, KOI8_R, IBM866, ISO_8859_5];

/// The text of `bytes`, which `label` says are in this charset.
///
/// A label is believed unless it is absent, unknown or plainly wrong: then UTF-8 if it reads, else what the letters look
/// like, Cyrillic in doubt.
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> String {
    let declared = label.and_then(by_label);
    if let Some(wide) = declared.filter(|declared| is_wide(declared, bytes)) {
        return wide_order(label, bytes).unwrap_or(wide).decode(bytes).0.into_owned();
    }
    // ISO-2022 and UTF-7 are ASCII with escapes.
    if label.is_some_and(is_utf_7) {
        return utf_7(&String::from_utf8_lossy(bytes));
    }
    if bytes.is_ascii() && !bytes.contains(&0x1b) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    if let Some(letters) = label.and_then(kazakh) {
        return in_kazakh(bytes, letters);
    }
    if declared.is_none_or(Encoding::is_single_byte)
        && std::str::from_utf8(bytes).is_ok_and(|t| !t.is_ascii())
    {
        return exact(UTF_8, bytes).unwrap_or_default();
    }
    let believed = declared.filter(|declared| !is_latin(declared) || !is_no_latin(bytes));
    let meant = believed.map(|declared| better_in_family(declared, bytes).unwrap_or(declared));
    if let Some(text) = meant.and_then(|meant| exact(meant, bytes)) {
        return text;
    }
    let guessed = if is_mostly_utf_8(bytes) { UTF_8 } else { guess(bytes) };
    exact(guessed, bytes).unwrap_or_else(|| guessed.decode(bytes).0.into_owned())
}

/// Whether `bytes` are UTF-16, as declared: what is not has no such low bytes.
fn is_wide(declared: &'static Encoding, bytes: &[u8]) -> bool {
    (declared == UTF_16LE || declared == UTF_16BE) && bytes.iter().any(|byte| *byte < b'\t')
}

/// The order of the bytes where the label does not tell it: as in RFC 2781, section 4.3, unless the small halves of the
/// letters come second. A mark at the start wins over it.
fn wide_order(label: Option<&str>, bytes: &[u8]) -> Option<&'static Encoding> {
    let untold = label.is_some_and(|label| label.trim().eq_ignore_ascii_case("utf-16"));
    let low = |at: usize| bytes.iter().skip(at).step_by(2).filter(|byte| **byte < b'\t').count();
    untold.then(|| if low(1) > low(0) { UTF_16LE } else { UTF_16BE })
}

/// The encoding of the Cyrillic family that `bytes` are in, when another of it is `declared` and plainly wrong: then lower case
/// comes before upper, and the letters that fill every text are rare.
fn better_in_family(declared: &'static Encoding, bytes: &[u8]) -> Option<&'static Encoding> {
    let is_of_family = matches!(
        declared.name(),
        "windows-1251" | "KOI8-R" | "KOI8-U" | "IBM866" | "ISO-8859-5" | "x-mac-cyrillic"
    );
    let bytes = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    let letters = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    if !is_of_family || letters < LETTERS {
        return None;
    }
    let reads = |encoding: &'static Encoding| likeness(&encoding.decode_without_bom_handling(bytes).0);
    let (best, better) =
        CYRILLIC.map(|encoding| (reads(encoding), encoding)).into_iter().max_by_key(|(reads, _)| *reads)?;
    // Measured on some ten thousand Russian and Kazakh lines, in small, large and mixed letters: none that was labelled rightly
    // went so, and one in a hundred that was not stayed.
    (best * 20 > reads(declared) * 20 + i64::try_from(letters).ok()? * 11).then_some(better)
}

/// How much `text` looks like one in Cyrillic letters, by how often each occurs in Russian: more is better.
fn likeness(text: &str) -> i64 {
    let mut before = ' ';
    let value = |c: char| {
        let inverted = c.is_uppercase() && before.is_lowercase();
        before = c;
        let letter = match c.to_lowercase().next().unwrap_or(c) {
            'о' | 'е' | 'а' | 'и' => 2,
            'н' | 'т' | 'с' | 'р' | 'в' | 'л' => 1,
            'я' | 'ы' | 'ь' | 'г' | 'з' | 'б' | 'ч' => -1,
            'й' | 'х' | 'ж' | 'ш' => -2,
            'ю' | 'ц' | 'щ' | 'э' | 'ф' | 'ъ' => -4,
            'а'..='я'
            | 'ё'
            | '«'
            | '»'
            | '—'
            | '–'
            | '№'
            | '…'
            | '“'
            | '”'
            | '„'
            | '’'
            | '•'
            | '·'
            | '°'
            | '\u{A0}' => 0,
            c if c.is_ascii() => 0,
            _ => -4,
        };
        letter - if inverted { 8 } else { 0 }
    };
    text.chars().map(value).sum()
}

/// `bytes` in `encoding`, when every one of them reads.
fn exact(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    if encoding == WINDOWS_1251 && is_kz_1048(bytes) {
        return Some(in_kazakh(bytes, &KZ_1048));
    }
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

fn is_utf_7(label: &str) -> bool {
    matches!(label.trim().to_ascii_lowercase().as_str(), "utf-7" | "csutf7" | "unicode-1-1-utf-7")
}

/// The text that `ascii` stands for: UTF-16 in base64 between `+` and what is none (RFC 2152).
fn utf_7(ascii: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(ascii.len()), ascii);
    while let Some((before, from)) = rest.split_once('+') {
        text.push_str(before);
        let ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/');
        let (encoded, after) = from.split_at(from.find(ends).unwrap_or(from.len()));
        let wide = transfer::base64(encoded.as_bytes());
        text.push_str(if encoded.is_empty() { "+" } else { "" });
        text.push_str(&UTF_16BE.decode_without_bom_handling(&wide[..wide.len() & !1]).0);
        rest = after.strip_prefix('-').unwrap_or(after);
    }
    text + rest
}

/// Kazakh letters in the places of others of windows-1251.
type Kazakh = [(u8, char); 16];

/// KZ-1048 (STRK 1048-2002).
const KZ_1048: Kazakh = [
    (0x8D, 'Қ'),
    (0x8E, 'Һ'),
    (0x9D, 'қ'),
    (0x9E, 'һ'),
    (0xA1, 'Ұ'),
    (0xA2, 'ұ'),
    (0xA3, 'Ә'),
    (0xA5, 'Ө'),
    (0xAA, 'Ғ'),
    (0xAF, 'Ү'),
    (0xB4, 'ө'),
    (0xBA, 'ғ'),
    (0xBC, 'ә'),
    (0xBD, 'Ң'),
    (0xBE, 'ң'),
    (0xBF, 'ү'),
];
/// Where windows-1251 has letters of Serbian and Macedonian alone: Ќ ќ Ћ ћ Ј ј Ѕ ѕ.
const NEVER_HERE: [u8; 8] = [0x8D, 0x9D, 0x8E, 0x9E, 0xA3, 0xBC, 0xBD, 0xBE];

/// Whether `bytes`, labelled as windows-1251, are in KZ-1048, which most programs know by no name.
fn is_kz_1048(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| NEVER_HERE.contains(byte)).count() > 1
}

/// PTCP154, «Cyrillic Asian».
const PTCP_154: Kazakh = [
    (0x81, 'Ғ'),
    (0x83, 'ғ'),
    (0x87, 'Ү'),
    (0x89, 'ү'),
    (0x8C, 'Ң'),
    (0x8D, 'Қ'),
    (0x8E, 'Һ'),
    (0x9C, 'ң'),
    (0x9D, 'қ'),
    (0x9E, 'һ'),
    (0xA4, 'Ө'),
    (0xA6, 'Ұ'),
    (0xAA, 'Ә'),
    (0xB1, 'ұ'),
    (0xB5, 'ө'),
    (0xBA, 'ә'),
];

/// The Kazakh letters of the charset called `label`.
fn kazakh(label: &str) -> Option<&'static Kazakh> {
    match label.trim().to_ascii_lowercase().as_str() {
        "kz-1048" | "kz1048" | "rk1048" | "strk1048-2002" | "strk1048" | "cskz1048" => Some(&KZ_1048),
        "ptcp154" | "csptcp154" | "pt154" | "cp154" | "cyrillic-asian" => Some(&PTCP_154),
        _ => None,
    }
}

/// `bytes` in windows-1251 with these `letters` in the places of others.
fn in_kazakh(bytes: &[u8], letters: &Kazakh) -> String {
    let letter = |byte: u8| letters.iter().find(|(at, _)| *at == byte).map(|(_, letter)| *letter);
    let (same, _) = WINDOWS_1251.decode_without_bom_handling(bytes);
    bytes.iter().zip(same.chars()).map(|(byte, same)| letter(*byte).unwrap_or(same)).collect()
}
