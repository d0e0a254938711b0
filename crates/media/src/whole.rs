//! Whether a picture came to its end. A decoder does not say: half a JPEG decodes without an error, its rest in grey.

use crate::{Kind, boxes::Boxes};

/// Whether a picture came to its end; what stands behind the end does not matter. Nothing for what is no picture.
pub(crate) fn is_whole(kind: Kind, bytes: &[u8]) -> Option<bool> {
    match kind {
        Kind::Jpeg => Some(jpeg(bytes).is_some()),
        Kind::Png => Some(png(bytes).is_some()),
        Kind::Webp => Some(webp(bytes)),
        Kind::Heic => Some(Boxes(bytes).are_whole()),
        Kind::Mp4 | Kind::ThreeGp | Kind::Ogg | Kind::M4a | Kind::Mp3 | Kind::Pdf | Kind::Docx => None,
    }
}

/// Walks from marker to marker (ITU-T T.81, B.1.1): a thumbnail inside a segment has an end of its own.
fn jpeg(bytes: &[u8]) -> Option<()> {
    let mut at = 2;
    loop {
        let [before, marker] = *bytes.get(at..)?.first_chunk()?;
        at += match (before, marker) {
            (0xff, 0xd9) => return Some(()),
            // A byte that may be filled with anything, data of a scan, a mark without content.
            (0..=0xfe, _) | (0xff, 0xff) => 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd8) => 2,
            (0xff, _) => 2 + usize::from(u16::from_be_bytes(*bytes.get(at + 2..)?.first_chunk()?)),
        };
    }
}

/// Walks from chunk to chunk (PNG, third edition, 5.3).
fn png(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let sum_ends = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_add(4)?;
        rest = after.get(sum_ends..)?;
        if name == b"IEND" {
            return Some(());
        }
    }
}

/// Its first chunk says how long it is (RFC 9649, 2.4).
fn webp(bytes: &[u8]) -> bool {
    let length = bytes.get(4..).and_then(<[u8]>::first_chunk).map(|length| u32::from_le_bytes(*length));
    length.is_some_and(|length| bytes.len() as u64 >= u64::from(length) + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_whole_when_it_comes_to_its_end() {
        let check = |kind, bytes: &[u8], expected| assert_eq!(is_whole(kind, bytes), expected, "{bytes:x?}");
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xd9"[..], true),
            (b"\xff\xd8\xff\xda\0\x02\x01\xff\0\x02\xff\xd0\x03\xff\xff\xd9tail", true),
            // The end of a thumbnail is not the end of the picture.
            (b"\xff\xd8\xff\xe1\0\x06\xff\xd8\xff\xd9\xff\xda\0\x02\x01", false),
            (b"\xff\xd8\xff\xe1\0", false),
            (b"\xff\xd8", false),
        ] {
            check(Kind::Jpeg, bytes, Some(expected));
        }
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x01tEXtXsum.\0\0\0\0IENDsum.";
        check(Kind::Png, png, Some(true));
        check(Kind::Png, &[&png[..], b"tail"].concat(), Some(true));
        check(Kind::Png, &png[..png.len() - 1], Some(false));
        check(Kind::Png, b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT", Some(false));
        check(Kind::Webp, b"RIFF\x06\0\0\0WEBPVP", Some(true));
        check(Kind::Webp, b"RIFF\x06\0\0\0WEBPV", Some(false));
        check(Kind::Webp, b"RIFF", Some(false));
        check(Kind::Pdf, b"%PDF-", None);
    }
}
