//! The decoders, and the limits under which they work.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use crate::{Kind, Limits, Refused};

/// What decodes a picture of this kind. Nothing for HEIC, which no decoder in Rust reads, and for what is no picture.
pub(crate) const fn format(kind: Kind) -> Option<ImageFormat> {
    match kind {
        Kind::Jpeg => Some(ImageFormat::Jpeg),
        Kind::Png => Some(ImageFormat::Png),
        Kind::Webp => Some(ImageFormat::WebP),
        Kind::Heic
        | Kind::Mp4
        | Kind::ThreeGp
        | Kind::Ogg
        | Kind::M4a
        | Kind::Mp3
        | Kind::Pdf
        | Kind::Docx => None,
    }
}

/// Width and height as stored, by the head of a picture; no pixel is decoded.
pub(crate) fn dimensions(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<(u32, u32), Refused> {
    Ok(decoder(bytes, format, limits)?.dimensions())
}

/// The pixels as stored.
pub(crate) fn pixels(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<DynamicImage, Refused> {
    DynamicImage::from_decoder(decoder(bytes, format, limits)?).map_err(refused)
}

/// A decoder that has read the head and found it within the limits.
fn decoder(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<impl ImageDecoder, Refused> {
    let mut room = image::Limits::default();
    room.max_image_width = Some(limits.side_max_pixels.into());
    room.max_image_height = Some(limits.side_max_pixels.into());
    room.max_alloc = Some(limits.decode_max_bytes);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(room.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    // `ImageReader::decode` does the same: the decoder has what the pixels leave.
    room.reserve(decoder.total_bytes()).map_err(refused)?;
    decoder.set_limits(room).map_err(refused)?;
    match decoder.dimensions() {
        (0, _) | (_, 0) => Err(Refused::Unreadable),
        _ => Ok(decoder),
    }
}

/// The cause is not kept: it tells about bytes that a stranger chose, and nobody can act on it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn refused(error: ImageError) -> Refused {
    match error {
        ImageError::Limits(_) => Refused::Bomb,
        _ => Refused::Unreadable,
    }
}
