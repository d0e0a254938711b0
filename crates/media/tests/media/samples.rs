//! The photos of the samples: what they tell, what is refused of their like, what is made of them.

use zholdary_media::{Derived, Kind, Limits, NEAR, Picture, Refused, derive, examine};

use crate::{made, sample};

fn picture(bytes: &[u8]) -> Picture {
    examine(bytes, &Limits::default()).unwrap().picture.unwrap()
}

fn derived(bytes: &[u8]) -> Derived {
    let limits = Limits::default();
    derive(bytes, &examine(bytes, &limits).unwrap(), &limits).unwrap().unwrap()
}

fn decoded(jpeg: &[u8]) -> image::RgbImage {
    image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).unwrap().into_rgb8()
}

/// What a picture tells: size, orientation, time, minutes east of UTC, latitude and longitude in hundred-thousandths of a degree.
type Told = ((u32, u32), u8, Option<(String, Option<i32>)>, Option<(i64, i64)>);

fn told(picture: &Picture) -> Told {
    let rounded = |degrees: f64| (degrees * 1e5).round() as i64;
    (
        (picture.width, picture.height),
        picture.orientation.number(),
        picture
            .taken_at
            .map(|at| (at.local.to_string(), at.offset.map(|offset| offset.local_minus_utc() / 60))),
        picture.point.as_ref().map(|point| (rounded(point.reveal().lat), rounded(point.reveal().lon))),
    )
}

#[test]
fn a_photo_tells_what_its_camera_noted() {
    let check = |name, kind: Kind, expected: Told| {
        let examined = examine(&sample(name), &Limits::default()).unwrap();
        assert_eq!((examined.kind, examined.media_type), (kind, kind.media_type()), "{name}");
        let picture = examined.picture.unwrap();
        assert_eq!(told(&picture), expected, "{name}");
        assert!(picture.is_whole, "{name}");
    };
    let at = |time: &str| Some((time.to_owned(), Some(300)));
    let shot = at("2026-11-20 08:51:07");
    check("pothole_gps.jpg", Kind::Jpeg, ((640, 480), 1, shot.clone(), Some((4_324_052, 7_692_731))));
    check("pothole_gps_resaved_q40.jpg", Kind::Jpeg, ((480, 360), 1, None, None));
    check("pothole_no_exif.jpg", Kind::Jpeg, ((640, 480), 1, None, None));
    check(
        "pothole_rotated_orientation6.jpg",
        Kind::Jpeg,
        ((480, 640), 6, shot, Some((4_320_801, 7_693_042))),
    );
    check("screenshot.png", Kind::Png, ((320, 240), 1, None, None));
}

#[test]
fn a_heic_tells_the_same_and_gets_no_copies() {
    let heic = made::heic(&made::notes_of(&sample("pothole_gps.jpg")));
    let limits = Limits::default();
    let examined = examine(&heic, &limits).unwrap();
    assert_eq!(examined.kind, Kind::Heic);
    assert_eq!(derive(&heic, &examined, &limits), Ok(None));
    let picture = examined.picture.unwrap();
    let taken = Some(("2026-11-20 08:51:07".to_owned(), Some(300)));
    assert_eq!(told(&picture), ((4032, 3024), 1, taken, Some((4_324_052, 7_692_731))));
    assert!(picture.is_whole);
    assert!(!self::picture(&heic[..heic.len() - 1]).is_whole);
}

#[test]
fn a_place_stands_in_no_debug_line() {
    let line = format!("{:?}", picture(&sample("pothole_gps.jpg")));
    assert!(!line.contains("43.") && !line.contains("76."), "{line}");
}

#[test]
fn copies_are_small_upright_and_hold_pixels_alone() {
    let tail = b"<script>alert(1)</script>PK\x03\x04";
    let check = |name, public: (u32, u32), thumbnail: (u32, u32)| {
        let clean = sample(name);
        let copies = derived(&clean);
        for (copy, expected) in [(&copies.public, public), (&copies.thumbnail, thumbnail)] {
            let told = told(&picture(copy));
            assert_eq!(told, (expected, 1, None, None), "{name}");
            assert!(copy.ends_with(b"\xff\xd9") && !holds(copy, b"Exif"), "{name}");
        }
        // What stands behind the end changes nothing.
        assert_eq!(derived(&[&clean[..], tail].concat()), copies, "{name}");
    };
    check("pothole_gps.jpg", (640, 480), (320, 240));
    check("pothole_gps_resaved_q40.jpg", (480, 360), (320, 240));
    check("pothole_no_exif.jpg", (640, 480), (320, 240));
    check("pothole_rotated_orientation6.jpg", (640, 480), (320, 240));
    check("screenshot.png", (320, 240), (320, 240));
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|found| found == part)
}

/// Orientation 6: what is stored at the top left belongs to the top right.
#[test]
fn a_photo_that_lies_is_set_upright() {
    let stored = sample("pothole_rotated_orientation6.jpg");
    let (lying, standing) = (decoded(&stored), decoded(&derived(&stored).public));
    let (width, height) = lying.dimensions();
    for (x, y) in [(5, 5), (width - 6, 5), (5, height - 6), (width - 6, height - 6), (width / 3, height / 4)]
    {
        let (before, after) = (lying.get_pixel(x, y).0, standing.get_pixel(height - 1 - y, x).0);
        let differ = before.iter().zip(after).map(|(before, after)| before.abs_diff(after)).max();
        assert!(differ < Some(40), "{x} {y}: {before:?} {after:?}");
    }
}

#[test]
fn a_scene_is_known_again_and_another_is_not() {
    let print = |name| derived(&sample(name)).print;
    let check = |one, other, near| {
        let (one, other) = (print(one), print(other));
        assert_eq!(one.distance(&other) <= NEAR, near, "{one} {other}: {}", one.distance(&other));
        assert_eq!(one.is_near(&other), near);
    };
    check("pothole_gps.jpg", "pothole_gps_resaved_q40.jpg", true);
    // The same drawing, stored turned.
    check("pothole_gps.jpg", "pothole_rotated_orientation6.jpg", true);
    check("pothole_gps.jpg", "pothole_no_exif.jpg", false);
    check("pothole_gps.jpg", "screenshot.png", false);
    check("pothole_no_exif.jpg", "pothole_gps_resaved_q40.jpg", false);
}

/// Prints are kept: a change of how they are computed, or of the decoder, must be seen.
#[test]
fn prints_stay_what_they_were() {
    for (name, expected) in [
        ("pothole_gps.jpg", "0010480e7169300e"),
        ("pothole_no_exif.jpg", "0010882c62c2622c"),
        ("screenshot.png", "218c8cacac8c8c30"),
    ] {
        assert_eq!(derived(&sample(name)).print.to_string(), expected, "{name}");
    }
}

#[test]
fn half_a_jpeg_is_not_whole_and_still_gets_copies() {
    let whole = sample("pothole_gps.jpg");
    let half = &whole[..whole.len() / 2];
    let found = picture(half);
    assert!(!found.is_whole);
    assert!(found.point.is_some(), "the notes stand before the pixels");
    assert_eq!(told(&picture(&derived(half).thumbnail)).0, (320, 240));
}

#[test]
fn half_a_png_is_not_whole_and_gets_no_copies() {
    let whole = sample("screenshot.png");
    let half = &whole[..whole.len() / 2];
    let limits = Limits::default();
    let examined = examine(half, &limits).unwrap();
    assert!(!examined.picture.as_ref().unwrap().is_whole);
    assert_eq!(derive(half, &examined, &limits), Err(Refused::Unreadable));
}

#[test]
fn what_a_transparent_picture_hides_stays_hidden() {
    // Red that nobody sees on the left, black that everybody sees on the right.
    let picture = image::RgbaImage::from_fn(64, 64, |x, _| {
        image::Rgba(if x < 32 { [255, 0, 0, 0] } else { [0, 0, 0, 255] })
    });
    for format in [image::ImageFormat::Png, image::ImageFormat::WebP] {
        let public = decoded(&derived(&made::encoded(&picture, format)).public);
        assert!(public.get_pixel(8, 32).0.iter().all(|colour| *colour > 245), "{format:?}");
        assert!(public.get_pixel(56, 32).0.iter().all(|colour| *colour < 10), "{format:?}");
    }
}

#[test]
fn what_is_no_picture_has_none_and_gets_no_copies() {
    for bytes in [&b"%PDF-1.7\n"[..], b"OggS\0\x02\0\0", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2"] {
        let limits = Limits::default();
        let examined = examine(bytes, &limits).unwrap();
        assert_eq!(examined.picture, None);
        assert_eq!(derive(bytes, &examined, &limits), Ok(None));
    }
}

#[test]
fn what_is_not_taken_is_refused_with_its_reason() {
    let check = |bytes: &[u8], limits: &Limits, expected: Refused| {
        let start = &bytes[..bytes.len().min(16)];
        assert_eq!(examine(bytes, limits).err(), Some(expected), "{start:x?}");
    };
    let usual = Limits::default();
    for (bytes, expected) in [
        (&b""[..], Refused::Empty),
        (&[0; 1000], Refused::Unknown),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", Refused::Executable),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", Refused::Executable),
        (b"#!/bin/sh\nrm -rf /\n", Refused::Script),
        (b"\xef\xbb\xbf<!DOCTYPE html><script>alert(1)</script>", Refused::Html),
        (b"\n <!-- x -->\n<script>alert(1)</script>", Refused::Html),
        (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Refused::Svg),
        (b"words and nothing else", Refused::Unknown),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Refused::Unreadable),
        (b"\x89PNG\r\n\x1a\nwords and nothing else", Refused::Unreadable),
        (b"RIFF\x24\0\0\0WEBPwords and nothing else", Refused::Unreadable),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Refused::Unreadable),
    ] {
        check(bytes, &usual, expected);
    }
    let photo = sample("pothole_gps.jpg");
    check(&photo, &Limits { file_max_bytes: photo.len() - 1, ..usual.clone() }, Refused::TooLarge);
    check(&photo, &Limits { side_max_pixels: 639, ..usual.clone() }, Refused::Bomb);
    check(&photo, &Limits { decode_max_bytes: 640 * 480 * 3 - 1, ..usual.clone() }, Refused::Bomb);
    check(&made::png_that_claims(60_000, 60_000), &usual, Refused::Bomb);
    // Within the sides, not within the memory.
    check(&made::png_that_claims(10_000, 9_000), &usual, Refused::Bomb);
    check(&made::heic_that_claims(60_000, 10, &[]), &usual, Refused::Bomb);
    assert_eq!(picture(&made::png_that_claims(9_000, 9_000)).width, 9_000);
}

#[test]
fn a_video_has_its_own_limit() {
    let video = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2";
    let check = |limits, expected: Result<Kind, Refused>| {
        assert_eq!(examine(video, &limits).map(|examined| examined.kind), expected);
    };
    check(Limits { file_max_bytes: 1, ..Limits::default() }, Ok(Kind::Mp4));
    check(Limits { video_max_bytes: 1, ..Limits::default() }, Err(Refused::TooLarge));
}

#[test]
fn copies_are_as_large_as_the_settings_say() {
    let photo = sample("pothole_gps.jpg");
    let limits = Limits { public_side_pixels: 100, thumbnail_side_pixels: 10, ..Limits::default() };
    let copies = derive(&photo, &examine(&photo, &limits).unwrap(), &limits).unwrap().unwrap();
    assert_eq!(decoded(&copies.public).dimensions(), (100, 75));
    assert_eq!(decoded(&copies.thumbnail).dimensions(), (10, 8));
}
