//! Transfer encodings (RFC 2045, section 6), read to the end whatever is broken in between.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;

/// `body` as it was before it was encoded for the way.
pub(super) fn decode<'a>(body: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => Cow::Owned(base64(body)),
        "quoted-printable" => Cow::Owned(quoted_printable(body)),
        _ => Cow::Borrowed(body),
    }
}

/// Base64 without what does not belong to it: line ends, and the marks of broken programs.
pub(super) fn base64(encoded: &[u8]) -> Vec<u8> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let bare: Vec<u8> = encoded.iter().copied().filter(belongs).collect();
    // Several encoded pieces one after another end in `=` each.
    bare.split_inclusive(|byte| *byte == b'=').filter_map(base64_decode).flatten().collect()
}

/// Quoted-printable; an equals sign that stands for nothing stays.
fn quoted_printable(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len());
    for line in encoded.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.trim_ascii_end();
        if let Some(goes_on) = bare.strip_suffix(b"=") {
            hex_after(goes_on, b'=', &mut decoded);
        } else {
            hex_after(bare, b'=', &mut decoded);
            if line.ends_with(b"\n") {
                decoded.extend_from_slice(b"\r\n");
            }
        }
    }
    decoded
}

/// Adds `encoded` with every `mark` and two hexadecimal digits as the byte that they mean.
pub(super) fn hex_after(encoded: &[u8], mark: u8, decoded: &mut Vec<u8>) {
    let digit = |at: usize| char::from(*encoded.get(at)?).to_digit(16);
    let mut at = 0;
    while let Some(&byte) = encoded.get(at) {
        let meant = digit(at + 1).zip(digit(at + 2)).filter(|_| byte == mark);
        let (byte, step) = meant.map_or((byte, 1), |(high, low)| ((high << 4 | low) as u8, 3));
        decoded.push(byte);
        at += step;
    }
}
