//! By what a picture is known again after it was saved anew, made smaller or sent on.

use std::{fmt, str::FromStr};

use image::{
    RgbImage,
    imageops::{self, FilterType},
};
use serde::{Deserialize, Serialize};

/// Up to this distance two pictures are near duplicates (measured: one scene saved anew 1 or 2, two scenes 17 and more). Asphalt looks
/// alike, so a print only suggests, together with place and time.
pub const NEAR: u32 = 6;

/// What a picture looks like in 64 bits: where it grows darker from left to right, in eight rows of eight steps (the gradient hash of
/// `image_hasher`; that crate would bring the Fourier transforms of its other hashes along).
///
/// Written as 16 hexadecimal digits. Prints are kept and compared for years, so a test holds that they stay what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Print(u64);

impl Print {
    /// The print of a picture that stands upright.
    pub(crate) fn of(picture: &RgbImage) -> Self {
        // Lanczos overshoots at edges, which tells similar scenes apart: of two drawings of a hole in a road plain means differ in 5 bits,
        // this in 18. Whole shades matter as well: finer ones would compare the noise of an even surface.
        let small = imageops::resize(&imageops::grayscale(picture), 9, 8, FilterType::Lanczos3);
        let darker = small
            .rows()
            .flat_map(|row| row.clone().zip(row.skip(1)).map(|(left, right)| left.0[0] > right.0[0]));
        Self(darker.fold(0, |print, darker| print << 1 | u64::from(darker)))
    }

    /// In how many of the 64 bits two prints differ.
    #[must_use]
    pub const fn distance(&self, other: &Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Whether two pictures are near duplicates, as far as they tell. One where nothing grows darker tells nothing, so it is near to none.
    #[must_use]
    pub const fn is_near(&self, other: &Self) -> bool {
        self.0 != 0 && other.0 != 0 && self.distance(other) <= NEAR
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What was to be a print has not 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a print has 16 hexadecimal digits")]
pub struct BadPrint;

impl FromStr for Print {
    type Err = BadPrint;

    fn from_str(text: &str) -> Result<Self, BadPrint> {
        // `from_str_radix` takes a sign too.
        let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).map_err(|_| BadPrint)?;
        if digits { Ok(Self(number)) } else { Err(BadPrint) }
    }
}

impl TryFrom<String> for Print {
    type Error = BadPrint;

    fn try_from(text: String) -> Result<Self, BadPrint> {
        text.parse()
    }
}

impl From<Print> for String {
    fn from(print: Print) -> Self {
        print.to_string()
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_print_tells_where_it_grows_darker() {
        let check = |(width, height), shade: fn(u32, u32) -> u8, expected: u64| {
            let picture = RgbImage::from_fn(width, height, |x, y| Rgb([shade(x, y); 3]));
            assert_eq!(Print::of(&picture), Print(expected), "{width}x{height}");
        };
        check((90, 80), |_, _| 128, 0);
        check((90, 80), |x, _| 250 - x as u8, u64::MAX);
        check((90, 80), |x, _| x as u8, 0);
        check((90, 80), |x, y| if y < 40 { 250 - x as u8 } else { x as u8 }, 0xffff_ffff_0000_0000);
        // Fewer pixels than steps.
        check((1, 1), |_, _| 7, 0);
        let edge = RgbImage::from_fn(2, 1, |x, _| Rgb([if x == 0 { 255 } else { 0 }; 3]));
        assert_ne!(Print::of(&edge), Print(0));
    }

    #[test]
    fn a_print_is_written_in_16_digits() {
        let print = Print(0x0123_4567_89ab_cdef);
        assert_eq!(serde_json::to_string(&print).unwrap(), "\"0123456789abcdef\"");
        assert_eq!(serde_json::from_str::<Print>("\"0123456789abcdef\"").unwrap(), print);
        for bad in ["", "0", "+123456789abcdef", "0123456789abcdeg", "0123456789abcdef0", "ыыыыыыыы"]
        {
            assert_eq!(bad.parse::<Print>(), Err(BadPrint), "{bad}");
        }
    }

    #[test]
    fn near_is_up_to_six_bits_and_nothing_is_near_to_a_single_shade() {
        let check = |one, other, distance, near| {
            assert_eq!(Print(one).distance(&Print(other)), distance);
            assert_eq!(Print(one).is_near(&Print(other)), near);
        };
        check(u64::MAX, u64::MAX, 0, true);
        check(u64::MAX, u64::MAX << 6, 6, true);
        check(u64::MAX, u64::MAX << 7, 7, false);
        check(0, 0, 0, false);
        check(0, 1, 1, false);
    }
}
