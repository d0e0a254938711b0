//! What a file is, by its content. Its name and its label say nothing: whoever sends it chose them.

use crate::{
    Refused,
    archive::{self, Archive},
    markup,
};

/// The kinds of files that are taken. Everything else is refused: what a browser might run, what hides other files, what nobody can
/// look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC, as telephones write it.
    Heic,
    /// MPEG-4, usually a video.
    Mp4,
    /// 3GPP, a video or a voice of older telephones.
    ThreeGp,
    /// Ogg, as voice notes come.
    Ogg,
    /// Sound in MPEG-4.
    M4a,
    /// MP3.
    Mp3,
    /// PDF. It may hold scripts of its own, so it is never shown in a page of ours.
    Pdf,
    /// A document of Word without macros.
    Docx,
}

/// First bytes of what some system runs, installs or follows when it is opened.
const PROGRAMS: [&[u8]; 14] = [
    b"MZ",
    b"\x7fELF",
    b"\0asm",
    b"dex\n",
    b"!<arch>\n",
    b"\xed\xab\xee\xdb",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    // A shortcut of Windows ([MS-SHLLINK] 2.1).
    b"L\0\0\0\x01\x14\x02\0",
    // A cabinet of Windows.
    b"MSCF",
];

/// First bytes of what an interpreter runs.
const SCRIPTS: [&[u8]; 3] = [b"#!/", b"#! ", b"@echo"];

impl Kind {
    /// Every kind that is taken.
    pub const ALL: [Self; 11] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Heic,
        Self::Mp4,
        Self::ThreeGp,
        Self::Ogg,
        Self::M4a,
        Self::Mp3,
        Self::Pdf,
        Self::Docx,
    ];

    /// As many first bytes as tell every kind but [`Kind::Docx`], which only the whole file tells: its table of contents is at the end.
    pub const HEAD_BYTES: usize = 512;

    /// What a file is that has these bytes, or begins with them (see [`Kind::HEAD_BYTES`]).
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn of(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.is_empty() {
            return Err(Refused::Empty);
        }
        // What may do harm comes first: an MPEG-4 has four free bytes before its mark, which are enough to begin a page.
        if let Some(why) = harm(bytes) {
            return Err(why);
        }
        match harmless(bytes) {
            Some(kind) => Ok(kind),
            None => match archive::look(bytes) {
                Archive::Docx => Ok(Self::Docx),
                Archive::Macros => Err(Refused::Macros),
                Archive::Other => Err(Refused::Unknown),
            },
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Mp4 => "video/mp4",
            Self::ThreeGp => "video/3gpp",
            Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Mp3 => "audio/mpeg",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
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
            Self::Mp4 => "mp4",
            Self::ThreeGp => "3gp",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Mp3 => "mp3",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
        }
    }

    /// Whether it is a picture.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp | Self::Heic)
    }
}

fn harm(bytes: &[u8]) -> Option<Refused> {
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| bytes.starts_with(mark));
    if begins(&PROGRAMS) {
        return Some(Refused::Executable);
    }
    if begins(&SCRIPTS) {
        return Some(Refused::Script);
    }
    markup::look(bytes)
}

fn harmless(head: &[u8]) -> Option<Kind> {
    use infer::{
        audio::{is_m4a, is_mp3, is_ogg},
        image::{is_heif, is_jpeg, is_png, is_webp},
        video::{is_m4v, is_mp4},
    };
    type Mark = (fn(&[u8]) -> bool, Kind);
    const MARKS: [Mark; 11] = [
        (is_jpeg, Kind::Jpeg),
        (is_png, Kind::Png),
        (is_webp, Kind::Webp),
        (is_heif, Kind::Heic),
        (is_3gp, Kind::ThreeGp),
        (is_m4a, Kind::M4a),
        (is_mp4, Kind::Mp4),
        (is_m4v, Kind::Mp4),
        (is_ogg, Kind::Ogg),
        (is_mp3, Kind::Mp3),
        (is_pdf, Kind::Pdf),
    ];
    MARKS.iter().find(|(is, _)| is(head)).map(|(_, kind)| *kind)
}

/// The brands `3gp4` to `3gp9` and their kin (3GPP TS 26.244, 5.3), which `infer` does not know.
fn is_3gp(head: &[u8]) -> bool {
    head.get(4..11) == Some(b"ftyp3gp")
}

/// At the very start. `infer` looks for it in the first kilobyte, as old readers do, and anything may stand before it there.
fn is_pdf(head: &[u8]) -> bool {
    head.starts_with(b"%PDF-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], Ok(Kind::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Ok(Kind::Png)),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Ok(Kind::Webp)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Ok(Kind::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Ok(Kind::Heic)),
            (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", Ok(Kind::Mp4)),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", Ok(Kind::Mp4)),
            (b"\0\0\0\x18ftypM4V \0\0\0\0isommp42", Ok(Kind::Mp4)),
            (b"\0\0\0\x18ftyp3gp4\0\0\0\0isom3gp4", Ok(Kind::ThreeGp)),
            (b"\0\0\0\x18ftypM4A \0\0\0\0isommp42", Ok(Kind::M4a)),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0", Ok(Kind::Ogg)),
            (b"ID3\x04\0\0\0\0\0\0", Ok(Kind::Mp3)),
            (b"\xff\xfb\x90\x44\0\0", Ok(Kind::Mp3)),
            (b"%PDF-1.7\n", Ok(Kind::Pdf)),
            (b"", Err(Refused::Empty)),
            (b"\xff\xd8", Err(Refused::Unknown)),
            (b"\0", Err(Refused::Unknown)),
            (b"GIF89a", Err(Refused::Unknown)),
            (b"RIFF\x24\0\0\0WAVEfmt ", Err(Refused::Unknown)),
            (b"PK\x03\x04", Err(Refused::Unknown)),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Err(Refused::Unknown)),
            (b"{\\rtf1", Err(Refused::Unknown)),
            (b"words %PDF-1.7", Err(Refused::Unknown)),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", Err(Refused::Unknown)),
            (b"MZ\x90\0", Err(Refused::Executable)),
            (b"\x7fELF\x02\x01\x01", Err(Refused::Executable)),
            (b"\xcf\xfa\xed\xfe\x07", Err(Refused::Executable)),
            (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0", Err(Refused::Executable)),
            (b"#!/bin/sh\n", Err(Refused::Script)),
            (b"@echo off\r\n", Err(Refused::Script)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", Err(Refused::Svg)),
            (b"<!doctype html><script>", Err(Refused::Html)),
            // An MPEG-4 for whoever looks at its mark, a page for a browser.
            (b"<!--ftypisom\0\0\0\0isom--><script>", Err(Refused::Html)),
        ] {
            assert_eq!(Kind::of(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn every_kind_has_a_type_and_an_ending_of_its_own() {
        let count = |of: fn(Kind) -> &'static str| {
            Kind::ALL.iter().map(|kind| of(*kind)).collect::<std::collections::HashSet<_>>().len()
        };
        assert_eq!((count(Kind::media_type), count(Kind::extension)), (Kind::ALL.len(), Kind::ALL.len()));
    }
}
