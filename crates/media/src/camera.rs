//! What the camera noted: when, where, and how it was held (Exif 3.0, 4.6).

use std::io::Cursor;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use exif::{DateTime, Exif, In, Reader, Tag, Value};
use zholdary_domain::{Personal, Point};

use crate::contain::contain;

/// How a picture is turned and mirrored to stand upright: a number from 1 (as it is) to 8 (Exif 3.0, 4.6.5, `Orientation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    /// It stands upright as it is.
    pub const UPRIGHT: Self = Self(1);

    /// The number in the file; nothing when it is none of the eight.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=8).contains(&number).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn turns_sideways(self) -> bool {
        self.0 > 4
    }
}

/// When a picture was taken, by the clock of the camera: it may be wrong, and the picture much older than the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenAt {
    /// What the clock showed.
    pub local: NaiveDateTime,
    /// How far that clock was from UTC, when the camera knew.
    pub offset: Option<FixedOffset>,
}

/// What the camera noted.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) orientation: Option<Orientation>,
    pub(crate) taken_at: Option<TakenAt>,
    pub(crate) point: Option<Personal<Point>>,
}

/// What the camera noted in a picture; what does not read counts as not noted.
pub(crate) fn noted(bytes: &[u8]) -> Noted {
    contain(|| Ok(read(bytes))).ok().flatten().as_ref().map(of).unwrap_or_default()
}

/// Reads as far as it can: one stray offset, as cheap cameras write it, would otherwise lose the point too.
fn read(bytes: &[u8]) -> Option<Exif> {
    Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|error| error.distill_partial_result(|_| {}))
        .ok()
}

fn of(exif: &Exif) -> Noted {
    Noted { orientation: orientation(exif), taken_at: taken_at(exif), point: point(exif).map(Personal::new) }
}

fn value(exif: &Exif, tag: Tag) -> Option<&Value> {
    exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
}

fn text(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match value(exif, tag)? {
        Value::Ascii(texts) => texts.first().map(Vec::as_slice),
        _ => None,
    }
}

fn orientation(exif: &Exif) -> Option<Orientation> {
    let number = value(exif, Tag::Orientation)?.get_uint(0)?;
    Orientation::new(number.try_into().ok()?)
}

/// The time of the shot, else that of its digits, else that of the file: the last may be when somebody edited it.
fn taken_at(exif: &Exif) -> Option<TakenAt> {
    const TIMES: [(Tag, Tag); 3] = [
        (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal),
        (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized),
        (Tag::DateTime, Tag::OffsetTime),
    ];
    TIMES.iter().find_map(|(time, offset)| {
        let mut read = DateTime::from_ascii(text(exif, *time)?).ok()?;
        if let Some(offset) = text(exif, *offset) {
            // A clock without an offset is still a clock.
            let _ = read.parse_offset(offset);
        }
        let local = NaiveDate::from_ymd_opt(read.year.into(), read.month.into(), read.day.into())?
            .and_hms_opt(read.hour.into(), read.minute.into(), read.second.into())?;
        let offset = read.offset.and_then(|minutes| FixedOffset::east_opt(i32::from(minutes) * 60));
        Some(TakenAt { local, offset })
    })
}

/// The point, when it says on which side of the equator and of Greenwich it lies.
fn point(exif: &Exif) -> Option<Point> {
    let lat = degrees(exif, Tag::GPSLatitude)? * side(exif, Tag::GPSLatitudeRef, *b"NS")?;
    let lon = degrees(exif, Tag::GPSLongitude)? * side(exif, Tag::GPSLongitudeRef, *b"EW")?;
    // A receiver without a fix writes zeros: a place in the Gulf of Guinea where nobody is.
    let fixed = lat != 0.0 || lon != 0.0;
    Point::new(lon, lat).filter(|_| fixed)
}

/// Degrees without a sign, from degrees, minutes and seconds. No parts of a degree, or such as are no number, are no degrees.
fn degrees(exif: &Exif, tag: Tag) -> Option<f64> {
    let Value::Rational(parts) = value(exif, tag)? else { return None };
    let part = |index: usize| parts.get(index).map_or(0.0, exif::Rational::to_f64);
    let (whole, minutes, seconds) = (part(0), part(1), part(2));
    let sound = !parts.is_empty() && whole.is_finite() && minutes <= 60.0 && seconds <= 60.0;
    sound.then(|| whole + minutes / 60.0 + seconds / 3600.0)
}

/// The sign that the side gives: the first of the two letters is plus.
fn side(exif: &Exif, tag: Tag, letters: [u8; 2]) -> Option<f64> {
    match text(exif, tag)?.first()?.to_ascii_uppercase() {
        letter if letter == letters[0] => Some(1.0),
        letter if letter == letters[1] => Some(-1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use exif::{Field, Rational, experimental::Writer};

    use super::*;

    fn field(tag: Tag, value: Value) -> Field {
        Field { tag, ifd_num: In::PRIMARY, value }
    }

    fn ascii(tag: Tag, text: &str) -> Field {
        field(tag, Value::Ascii(vec![text.into()]))
    }

    fn rationals(tag: Tag, parts: &[(u32, u32)]) -> Field {
        let parts = parts.iter().map(|(num, denom)| Rational { num: *num, denom: *denom });
        field(tag, Value::Rational(parts.collect()))
    }

    fn tiff(fields: &[Field]) -> Vec<u8> {
        let mut writer = Writer::new();
        fields.iter().for_each(|field| writer.push_field(field));
        let mut tiff = Cursor::new(Vec::new());
        writer.write(&mut tiff, false).unwrap();
        tiff.into_inner()
    }

    /// A JPEG without a picture.
    fn jpeg(tiff: &[u8]) -> Vec<u8> {
        let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
        [b"\xff\xd8\xff\xe1", &length[..], b"Exif\0\0", tiff, b"\xff\xd9"].concat()
    }

    type Parts<'a> = &'a [(u32, u32)];

    const LAT: Parts<'_> = &[(43, 1), (14, 1), (2_587, 100)];
    const LON: Parts<'_> = &[(76, 1), (55, 1), (3_832, 100)];

    fn place(lat: (&str, Parts<'_>), lon: (&str, Parts<'_>)) -> [Field; 4] {
        [
            ascii(Tag::GPSLatitudeRef, lat.0),
            rationals(Tag::GPSLatitude, lat.1),
            ascii(Tag::GPSLongitudeRef, lon.0),
            rationals(Tag::GPSLongitude, lon.1),
        ]
    }

    #[test]
    fn a_point_is_taken_with_its_sides_or_not_at_all() {
        let check = |lat, lon, expected: Option<(f64, f64)>| {
            let point = noted(&jpeg(&tiff(&place(lat, lon)))).point.map(Personal::into_revealed);
            let near = match (point, expected) {
                (Some(point), Some((lat, lon))) => {
                    (point.lat - lat).abs() < 1e-5 && (point.lon - lon).abs() < 1e-5
                }
                (point, expected) => point.is_none() && expected.is_none(),
            };
            assert!(near, "{lat:?} {lon:?}: {point:?}");
        };
        check(("N", LAT), ("E", LON), Some((43.240_52, 76.927_31)));
        check(("S", LAT), ("W", LON), Some((-43.240_52, -76.927_31)));
        check(("n", LAT), ("w", LON), Some((43.240_52, -76.927_31)));
        check(
            ("N", &[(43, 1), (14_431, 1_000), (0, 1)]),
            ("E", &[(7_692_731, 100_000)]),
            Some((43.240_52, 76.927_31)),
        );
        check(("", LAT), ("E", LON), None);
        check(("N", LAT), ("?", LON), None);
        check(("N", &[(0, 1), (0, 1), (0, 1)]), ("E", &[(0, 1), (0, 1), (0, 1)]), None);
        check(("N", &[(0, 0), (0, 0), (0, 0)]), ("E", LON), None);
        check(("N", &[(43, 0), (0, 1), (0, 1)]), ("E", LON), None);
        check(("N", &[(43, 1), (14, 1), (0, 0)]), ("E", LON), None);
        check(("N", &[(43, 1), (61, 1), (0, 1)]), ("E", LON), None);
        check(("N", &[(91, 1), (0, 1), (0, 1)]), ("E", LON), None);
        check(("N", LAT), ("E", &[(181, 1), (0, 1), (0, 1)]), None);
        check(("N", &[(u32::MAX, 1)]), ("E", LON), None);
    }

    #[test]
    fn half_a_point_is_none() {
        let fields = place(("N", LAT), ("E", LON));
        for missing in 0..fields.len() {
            let mut rest = fields.to_vec();
            rest.remove(missing);
            assert_eq!(noted(&jpeg(&tiff(&rest))).point, None, "without {}", fields[missing].tag);
        }
    }

    #[test]
    fn a_stray_offset_loses_nothing() {
        let mut broken = tiff(&place(("N", LAT), ("E", LON)));
        // The directory holds one entry; where the next would be stands behind it.
        let entries = usize::from(u16::from_be_bytes([broken[8], broken[9]]));
        let next = 10 + entries * 12;
        broken[next..next + 4].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
        assert!(Reader::new().read_raw(broken.clone()).is_err(), "a strict reader stumbles");
        assert!(noted(&jpeg(&broken)).point.is_some());
    }

    #[test]
    fn the_time_of_the_shot_comes_first() {
        let check = |fields: &[Field], expected: Option<(&str, Option<i32>)>| {
            let taken = noted(&jpeg(&tiff(fields))).taken_at;
            let taken = taken.map(|taken| {
                (taken.local.to_string(), taken.offset.map(|offset| offset.local_minus_utc() / 60))
            });
            assert_eq!(taken, expected.map(|(local, offset)| (local.to_owned(), offset)));
        };
        let shot = ascii(Tag::DateTimeOriginal, "2026:11:20 08:51:07");
        let edited = ascii(Tag::DateTime, "2026:11:21 10:00:00");
        check(
            &[edited.clone(), shot.clone(), ascii(Tag::OffsetTimeOriginal, "+05:00")],
            Some(("2026-11-20 08:51:07", Some(300))),
        );
        check(&[shot.clone(), ascii(Tag::OffsetTimeOriginal, "east")], Some(("2026-11-20 08:51:07", None)));
        check(&[shot.clone(), ascii(Tag::OffsetTime, "+05:00")], Some(("2026-11-20 08:51:07", None)));
        check(std::slice::from_ref(&edited), Some(("2026-11-21 10:00:00", None)));
        check(
            &[edited.clone(), ascii(Tag::DateTimeOriginal, "0000:00:00 00:00:00")],
            Some(("2026-11-21 10:00:00", None)),
        );
        check(&[ascii(Tag::DateTimeOriginal, "    :  :     :  :  ")], None);
        check(&[ascii(Tag::DateTimeOriginal, "2026:02:30 08:51:07")], None);
        check(&[ascii(Tag::DateTimeOriginal, "yesterday")], None);
    }

    #[test]
    fn a_camera_is_held_in_one_of_eight_ways() {
        let check = |number, expected| {
            let fields = [field(Tag::Orientation, Value::Short(vec![number]))];
            assert_eq!(noted(&jpeg(&tiff(&fields))).orientation.map(Orientation::number), expected);
        };
        check(0, None);
        check(1, Some(1));
        check(8, Some(8));
        check(9, None);
        check(262, None);
    }
}
