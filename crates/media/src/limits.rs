//! How much is taken, and how large what is made of it becomes.

use serde::Deserialize;

use crate::{Kind, Refused};

/// How much of a file is taken, and how large the copies are that are made of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most bytes that a photo, a document or a recording of sound may have. Default: 25 MiB, which is what mail takes at
    /// most; more is refused as `too_large`.
    pub file_max_bytes: usize,
    /// The most bytes that a video may have. Default: 100 MiB, which is what WhatsApp takes for a document; more is refused as
    /// `too_large`.
    pub video_max_bytes: usize,
    /// The most pixels that a picture may be wide or high. Default: 10 000; more is refused as `bomb`, before anything is decoded.
    pub side_max_pixels: u16,
    /// The most bytes that the decoded pixels of a picture may take in memory. Default: 256 MiB, some 89 megapixels of a JPEG; more
    /// is refused as `bomb`, before anything is decoded. The decoder needs room beside them: for a progressive JPEG twice as
    /// much again.
    pub decode_max_bytes: u64,
    /// The longest side of the public copy, in pixels. Default: 2048, enough to see a crack in the asphalt. A smaller picture keeps
    /// its size.
    pub public_side_pixels: u16,
    /// The longest side of the thumbnail, in pixels. Default: 320. A smaller picture keeps its size.
    pub thumbnail_side_pixels: u16,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            file_max_bytes: 25 * MIB,
            video_max_bytes: 100 * MIB,
            side_max_pixels: 10_000,
            decode_max_bytes: 256 * MIB as u64,
            public_side_pixels: 2048,
            thumbnail_side_pixels: 320,
        }
    }
}

impl Limits {
    /// The most bytes that a file of this kind may have.
    #[must_use]
    pub const fn max_bytes(&self, kind: Kind) -> usize {
        match kind {
            Kind::Mp4 | Kind::ThreeGp => self.video_max_bytes,
            Kind::Jpeg
            | Kind::Png
            | Kind::Webp
            | Kind::Heic
            | Kind::Ogg
            | Kind::M4a
            | Kind::Mp3
            | Kind::Pdf
            | Kind::Docx => self.file_max_bytes,
        }
    }

    /// Refuses a picture of more pixels a side than are taken.
    pub(crate) fn check_sides(&self, width: u32, height: u32) -> Result<(), Refused> {
        if width.max(height) > u32::from(self.side_max_pixels) { Err(Refused::Bomb) } else { Ok(()) }
    }
}
