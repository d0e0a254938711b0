//! Bytes that nobody's camera wrote.

use image::{ImageFormat, Rgba, RgbaImage};
use proptest::prelude::*;
use zholdary_media::{Derived, Kind, Limits, Orientation, Refused, derive, examine};

use crate::{made, sample};

/// Little room: a changed head may claim a large picture, and what is tested here is not patience.
fn limits() -> Limits {
    Limits { decode_max_bytes: 4 * 1024 * 1024, thumbnail_side_pixels: 32, ..Limits::default() }
}

/// Files of every kind that is decoded or read beyond its first bytes.
fn files() -> Vec<Vec<u8>> {
    let drawing = RgbaImage::from_fn(48, 32, |x, y| Rgba([x as u8 * 5, y as u8 * 7, 90, (x * y) as u8]));
    let photo = sample("pothole_gps.jpg");
    vec![
        made::heic(&made::notes_of(&photo)),
        photo,
        sample("pothole_rotated_orientation6.jpg"),
        sample("screenshot.png"),
        made::encoded(&drawing, ImageFormat::Png),
        made::encoded(&drawing, ImageFormat::WebP),
        made::docx(),
    ]
}

/// Whatever the bytes are: an answer, the same twice, and copies that are JPEGs of pixels alone.
fn check(bytes: &[u8]) {
    let limits = limits();
    let examined = examine(bytes, &limits);
    assert_eq!(examined, examine(bytes, &limits));
    let Ok(examined) = examined else { return };
    if let Ok(Some(Derived { public, thumbnail, print })) = derive(bytes, &examined, &limits) {
        for copy in [public, thumbnail] {
            let copy = examine(&copy, &limits).unwrap();
            assert_eq!(copy.kind, Kind::Jpeg);
            let picture = copy.picture.unwrap();
            assert_eq!(picture.orientation, Orientation::UPRIGHT);
            assert!(picture.is_whole && picture.point.is_none() && picture.taken_at.is_none());
        }
        assert_eq!(print.to_string().parse(), Ok(print));
    }
}

#[test]
fn every_file_is_taken_while_nobody_changed_it() {
    for file in files() {
        assert!(examine(&file, &limits()).is_ok());
        check(&file);
    }
}

#[test]
fn a_file_may_end_anywhere() {
    for file in files() {
        for end in (0..file.len().min(700)).chain((700..file.len()).step_by(331)) {
            check(&file[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Changes fall on the head more often than on the pixels: there are the lengths and offsets.
    #[test]
    fn changed_files_never_panic(
        file in 0_usize..7,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = files().swap_remove(file);
        for (at, in_head, byte) in flips {
            let reach = if in_head { bytes.len().min(600) } else { bytes.len() };
            bytes[at.index(reach)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(
        start in prop::sample::select(STARTS),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        check(&[start, &rest].concat());
    }

    /// A page stays a page, whatever is wrapped around its first tag.
    #[test]
    fn a_page_is_refused_whatever_stands_before_it(
        before in prop::collection::vec(prop::sample::select(BEFORE_A_TAG), 0..12),
        tag in prop::sample::select(&["<html>", "<ScRiPt>", "<svg/onload=x>", "<x:svg>", "<!doctype html>"][..]),
    ) {
        let page = [before.concat().as_str(), tag].concat();
        prop_assert!(matches!(examine(page.as_bytes(), &limits()), Err(Refused::Html | Refused::Svg)));
    }
}

const STARTS: &[&[u8]] = &[
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0",
    b"RIFF\x24\0\0\0WEBPVP8 ",
    b"RIFF\x24\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x80meta\0\0\0\0",
    b"PK\x03\x04",
    b"<",
    b"<!--",
    b"\xff\xfe<\0",
];

const BEFORE_A_TAG: &[&str] =
    &["\u{feff}", " ", "\r\n", "\t", "<!-- a -->", "<!---->", "<?xml version=\"1.0\"?>", "<?a b?>"];
