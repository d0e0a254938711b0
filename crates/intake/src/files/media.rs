//! What a file is, by its first bytes. Its name and its label say nothing: whoever sends it chose them.

/// The kinds of photos that are taken. Everything else is refused: what a browser might run, what hides other files, what nobody can look
/// at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC, as telephones write it.
    Heic,
}

impl Media {
    /// As many first bytes as tell it.
    pub(super) const HEAD_BYTES: usize = 512;

    /// What a file is whose first bytes are these.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        use infer::image::{is_heif, is_jpeg, is_png, is_webp};
        type Kind = (fn(&[u8]) -> bool, Media);
        const KINDS: [Kind; 4] =
            [(is_jpeg, Media::Jpeg), (is_png, Media::Png), (is_webp, Media::Webp), (is_heif, Media::Heic)];
        KINDS.iter().find(|(is, _)| is(head)).map(|(_, media)| *media)
    }

    /// Its media type.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
        }
    }

    /// How names of such files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (head, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], Some(Media::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(Media::Png)),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some(Media::Webp)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(Media::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Media::Heic)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", None),
            (b"<?xml version=\"1.0\"?><svg/>", None),
            (b"<!doctype html><script>", None),
            (b"GIF89a", None),
            (b"%PDF-1.7", None),
            (b"PK\x03\x04", None),
            (b"MZ\x90\0", None),
            (b"\x7fELF", None),
            (b"#!/bin/sh", None),
            (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", None),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"\xff\xd8", None),
            (b"", None),
        ] {
            assert_eq!(Media::of(head), expected, "{head:?}");
        }
    }
}
