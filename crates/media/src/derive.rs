//! The copies of a picture that others may see.

use image::{
    DynamicImage, ExtendedColorType, Rgb, RgbImage, Rgba, RgbaImage, codecs::jpeg::JpegEncoder,
    metadata::Orientation as Turn,
};

use crate::{Examined, Limits, Orientation, Print, Refused, contain::contain, decode};

/// How well copies are kept, of 100: a photo loses nothing that the eye sees and takes a third of its bytes.
const QUALITY: u8 = 82;

/// What is made of a picture. Only pixels pass: no notes of the camera, no thumbnail of before an edit, no bytes behind the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The public copy: an upright JPEG, its longest side at most [`Limits::public_side_pixels`].
    pub public: Vec<u8>,
    /// The thumbnail: an upright JPEG, its longest side at most [`Limits::thumbnail_side_pixels`].
    pub thumbnail: Vec<u8>,
    /// By what it is known again.
    pub print: Print,
}

/// Makes what others may see of a picture. Nothing for what is no picture, and for HEIC, which is kept without copies.
///
/// The same bytes give the same copies. Decoding takes up to [`Limits::decode_max_bytes`] of memory and as much again beside it.
///
/// # Errors
///
/// [`Refused::Unreadable`] when the pixels do not read, [`Refused::Bomb`] when they are more than `limits` take.
pub fn derive(bytes: &[u8], examined: &Examined, limits: &Limits) -> Result<Option<Derived>, Refused> {
    let (Some(picture), Some(format)) = (&examined.picture, decode::format(examined.kind)) else {
        return Ok(None);
    };
    contain(|| {
        // Smaller first, upright then: the fewer pixels are turned, the better.
        let pixels = shrink(decode::pixels(bytes, format, limits)?, limits.public_side_pixels);
        let public = opaque(upright(pixels, picture.orientation));
        let print = Print::of(&public);
        let bytes = jpeg(&public)?;
        let thumbnail = shrink(public.into(), limits.thumbnail_side_pixels);
        Ok(Some(Derived { public: bytes, thumbnail: jpeg(&thumbnail.into_rgb8())?, print }))
    })
}

/// The picture with its longest side at most `side`; never larger than it was.
fn shrink(pixels: DynamicImage, side: u16) -> DynamicImage {
    let side = u32::from(side.max(1));
    if pixels.width().max(pixels.height()) <= side { pixels } else { pixels.thumbnail(side, side) }
}

fn upright(mut pixels: DynamicImage, orientation: Orientation) -> DynamicImage {
    if let Some(turn) = Turn::from_exif(orientation.number()) {
        pixels.apply_orientation(turn);
    }
    pixels
}

/// The picture as it looks on white. Where it is transparent, colours may hide that nobody was meant to see.
fn opaque(pixels: DynamicImage) -> RgbImage {
    if pixels.color().has_alpha() { on_white(&pixels.into_rgba8()) } else { pixels.into_rgb8() }
}

fn on_white(pixels: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *pixels.get_pixel(x, y);
        Rgb([red, green, blue].map(|colour| blend(colour, alpha)))
    })
}

/// A colour of this opacity on white.
fn blend(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u16::from(colour), u16::from(alpha));
    // A mean of two bytes is a byte.
    u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn jpeg(pixels: &RgbImage) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(|_| Refused::Unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_lie_on_white() {
        for (colour, alpha, expected) in
            [(0, 255, 0), (200, 255, 200), (0, 0, 255), (0, 128, 127), (255, 9, 255)]
        {
            assert_eq!(blend(colour, alpha), expected, "{colour} {alpha}");
        }
    }

    #[test]
    fn a_picture_shrinks_in_proportion_and_never_grows() {
        let check = |(width, height), side, expected| {
            let shrunk = shrink(DynamicImage::new_rgb8(width, height), side);
            assert_eq!((shrunk.width(), shrunk.height()), expected);
        };
        check((640, 480), 320, (320, 240));
        check((480, 640), 320, (240, 320));
        check((640, 480), 640, (640, 480));
        check((3, 2), 320, (3, 2));
        check((5_000, 1), 320, (320, 1));
        check((3, 2), 0, (1, 1));
    }
}
