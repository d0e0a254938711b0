//! A point on the map as people paste it: coordinates in the ways they are written, or a link of a map service.
//!
//! Nothing is fetched: a shortened link says nothing by itself. Whether the point is anywhere near the city, the city knows.

use percent_encoding::percent_decode_str;
use zholdary_domain::Point;

/// Why no point could be read, and what to change. What was pasted is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Neither coordinates nor a link that is known.
    #[error("these are neither coordinates nor a link of a map: give them like 43.238, 76.889")]
    Unreadable,
    /// A link that names no point.
    #[error(
        "the link names no point: choose one on the map and copy the link again, or give the coordinates"
    )]
    NoPoint,
    /// A link that has to be opened first.
    #[error("a shortened link does not tell the point: open it and copy the whole one, or the coordinates")]
    Short,
    /// Degrees that do not exist.
    #[error("there are no such coordinates: latitude is -90 to 90, longitude -180 to 180")]
    Impossible,
    /// The longitude stands where the latitude should.
    #[error("latitude and longitude are in each other's place: latitude comes first, like 43.238, 76.889")]
    Swapped,
}

/// The most bytes that are looked at: links with everything that services add are shorter.
const MOST_BYTES: usize = 4_096;

/// Reads a point.
///
/// Bare coordinates are latitude first, as every map shows them; letters (N, E, с. ш., в. д.) may say otherwise. In a link the order is
/// its service's own.
///
/// # Errors
///
/// [`PointError`] says what to change.
pub fn read(pasted: &str) -> Result<Point, PointError> {
    if pasted.len() > MOST_BYTES {
        return Err(PointError::Unreadable);
    }
    match pasted.split_whitespace().find_map(Link::find) {
        Some(link) => link.point(),
        None => made(coordinates(pasted).ok_or(PointError::Unreadable)?),
    }
}

/// Latitude and longitude, of which nothing is believed yet.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    lat: f64,
    lon: f64,
}

fn made(Pair { lat, lon }: Pair) -> Result<Point, PointError> {
    Point::new(lon, lat).ok_or(match Point::new(lat, lon) {
        Some(_) => PointError::Swapped,
        None => PointError::Impossible,
    })
}

/// Whose link it is: that decides where the point stands in it, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    TwoGis,
    Google,
    Yandex,
    OpenStreetMap,
    Apple,
    /// `geo:` (RFC 5870), which phones share.
    Geo,
    /// One of those that only lead to another link.
    Shortener,
    Unknown,
}

/// A link, taken apart. Its parts are not decoded yet.
#[derive(Debug)]
struct Link<'a> {
    service: Service,
    path: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Link<'a> {
    /// The link that a word is, if it is one.
    fn find(word: &'a str) -> Option<Self> {
        let scheme = |name: &str| word.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name));
        if scheme("geo:") {
            return Some(Self { service: Service::Geo, path: &word[4..], query: "", fragment: "" });
        }
        let is_link = scheme("https://") || scheme("http://");
        let rest = if is_link { word.split_once("://")?.1 } else { word };
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let service = service(&host.to_ascii_lowercase());
        (is_link || service != Service::Unknown).then_some(Self { service, path, query, fragment })
    }

    fn point(&self) -> Result<Point, PointError> {
        let pair = match self.service {
            Service::Shortener => return Err(PointError::Short),
            Service::Unknown => return Err(PointError::Unreadable),
            Service::TwoGis => self
                .segments()
                .filter_map(|s| lon_lat(&s))
                .last()
                .or_else(|| self.of_query(&["m", "center"], lon_lat)),
            Service::Google => self
                .pin_of_google()
                .or_else(|| self.of_query(&["q", "query", "destination", "daddr", "ll", "center"], lat_lon))
                .or_else(|| self.segments().filter_map(|s| coordinates(&s)).last())
                .or_else(|| self.segments().find_map(|s| lat_lon(s.strip_prefix('@')?))),
            Service::Yandex => self
                .of_query(&["whatshere[point]", "poi[point]", "pt"], lon_lat)
                .or_else(|| self.of_query(&["text"], coordinates))
                .or_else(|| self.of_query(&["ll"], lon_lat)),
            Service::OpenStreetMap => self.mark_of_openstreetmap().or_else(|| {
                let shown = self.fragment.split('&').find_map(|part| part.strip_prefix("map="))?;
                lat_lon(&shown.split_once('/')?.1.replace('/', ","))
            }),
            Service::Apple => self.of_query(&["coordinate", "q", "ll", "daddr", "center"], lat_lon),
            Service::Geo => lat_lon(self.path.split([';', '?']).next().unwrap_or_default()),
        };
        match pair {
            Some(pair) => made(pair),
            None if self.is_short() => Err(PointError::Short),
            None => Err(PointError::NoPoint),
        }
    }

    /// Links of a service that only its own servers can read.
    fn is_short(&self) -> bool {
        match self.service {
            Service::Yandex => self.path.contains("-/"),
            Service::OpenStreetMap => self.path.starts_with("go/"),
            _ => false,
        }
    }

    fn segments(&self) -> impl Iterator<Item = String> {
        self.path.split('/').map(decoded)
    }

    /// The first of these keys whose value reads, in the order of the keys.
    fn of_query(&self, keys: &[&str], read: impl Fn(&str) -> Option<Pair>) -> Option<Pair> {
        keys.iter().find_map(|wanted| self.value(wanted).and_then(|value| read(&value)))
    }

    fn value(&self, wanted: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| decoded(key) == wanted).map(|(_, value)| decoded(value)).next()
    }

    /// Where the pin stands: `!3d<latitude>!4d<longitude>`. What stands behind `@` is only the middle of the screen.
    fn pin_of_google(&self) -> Option<Pair> {
        let data = decoded(self.path);
        let (_, pin) = data.rsplit_once("!3d")?;
        let (lat, rest) = pin.split_once("!4d")?;
        let lon = rest.split(['!', '/']).next()?;
        Some(Pair { lat: degrees(lat)?, lon: degrees(lon)? })
    }

    fn mark_of_openstreetmap(&self) -> Option<Pair> {
        Some(Pair { lat: degrees(&self.value("mlat")?)?, lon: degrees(&self.value("mlon")?)? })
    }
}

fn service(host: &str) -> Service {
    let host = host.split(':').next().unwrap_or_default();
    let is = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let has = |label: &str| host.split('.').any(|part| part == label);
    // A name ends in a domain of the service, or one of the countries' ones: `google.kz`, `2gis.com.cy`.
    if ["go.2gis.com", "goo.gl", "app.goo.gl", "maps.app.goo.gl", "clck.ru"].contains(&host) {
        Service::Shortener
    } else if has("2gis") {
        Service::TwoGis
    } else if has("google") {
        Service::Google
    } else if has("yandex") || is("ya.ru") {
        Service::Yandex
    } else if is("openstreetmap.org") || is("osm.org") {
        Service::OpenStreetMap
    } else if is("maps.apple.com") || is("maps.apple") {
        Service::Apple
    } else {
        Service::Unknown
    }
}

fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().replace('+', " ")
}

/// `76.889,43.238`, with whatever follows (`/16`, `,pm2rdm`, `~…`): longitude first.
fn lon_lat(text: &str) -> Option<Pair> {
    lat_lon(text).map(|Pair { lat: lon, lon: lat }| Pair { lat, lon })
}

/// `43.238,76.889`, with whatever follows: latitude first.
fn lat_lon(text: &str) -> Option<Pair> {
    let text = text.trim();
    let text = text.strip_prefix("loc:").unwrap_or(text);
    let (lat, rest) = text.split_once(',')?;
    let lon = rest.trim().split([',', '/', '~', ' ', '|']).next()?;
    Some(Pair { lat: degrees(lat.trim())?, lon: degrees(lon)? })
}

/// A decimal number as coordinates are written: no exponent, no words.
fn degrees(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = (1..=24).contains(&digits.len())
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

/// Coordinates as people and maps write them: decimal degrees, or degrees, minutes and seconds with letters.
fn coordinates(text: &str) -> Option<Pair> {
    let text = text.replace(['−', '–'], "-");
    let text = text.trim().trim_matches(['(', ')', '[', ']']).trim();
    // Without any mark, whole degrees may be anything: a house, a price.
    let is_marked = |c: char| c.is_alphabetic() || "°º˚′'’".contains(c);
    if text.contains(is_marked) { lettered(text) } else { decimal(text) }
}

/// Two decimal numbers, with a point or a comma before their fractions. Whole degrees are no place.
fn decimal(text: &str) -> Option<Pair> {
    let parts = |separators: &[char]| -> Vec<String> {
        let parts = text.split(|c: char| separators.contains(&c) || c.is_whitespace());
        parts.map(|part| part.trim_end_matches(',').to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let numbers = if text.contains('.') {
        parts(&[',', ';'])
    } else {
        // `43,238 76,889` and `43,238; 76,889`; without anything between them `43,238,76,889`.
        match parts(&[';']).as_slice() {
            [whole] => {
                let pieces: Vec<_> = whole.split(',').collect();
                let [lat, lat_fraction, lon, lon_fraction] = pieces.as_slice() else { return None };
                vec![format!("{lat}.{lat_fraction}"), format!("{lon}.{lon_fraction}")]
            }
            several => several.iter().map(|number| number.replacen(',', ".", 1)).collect(),
        }
    };
    let [lat, lon] = numbers.as_slice() else { return None };
    let exact = |number: &String| number.contains('.').then(|| degrees(number)).flatten();
    Some(Pair { lat: exact(lat)?, lon: exact(lon)? })
}

/// One coordinate while it is read.
#[derive(Debug, Default)]
struct Angle {
    degrees: Option<f64>,
    minutes: Option<f64>,
    seconds: Option<f64>,
    side: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    North,
    South,
    East,
    West,
}

impl Side {
    /// What a word says, in the languages of our residents and of the maps they copy from.
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_lowercase().as_str() {
            "n" | "с" | "сш" | "lat" | "latitude" | "широта" | "ендік" => Self::North,
            "s" | "ю" | "юш" => Self::South,
            "e" | "в" | "вд" | "lon" | "lng" | "long" | "longitude" | "долгота" | "бойлық" => {
                Self::East
            }
            "w" | "з" | "зд" => Self::West,
            _ => return None,
        })
    }

    const fn is_latitude(self) -> bool {
        matches!(self, Self::North | Self::South)
    }
}

impl Angle {
    const fn is_empty(&self) -> bool {
        self.degrees.is_none() && self.side.is_none()
    }

    fn value(&self) -> Option<f64> {
        let part = |part: Option<f64>| part.map_or(Some(0.0), |p| (0.0..60.0).contains(&p).then_some(p));
        let degrees = self.degrees?;
        let size = degrees.abs() + part(self.minutes)? / 60.0 + part(self.seconds)? / 3_600.0;
        let turned = matches!(self.side, Some(Side::South | Side::West)) != degrees.is_sign_negative();
        Some(if turned { -size } else { size })
    }
}

/// `43°14′17″N 76°53′20″E`, `N43.238 E76.889`, `43,238° с. ш., 76,889° в. д.`, `lat 43.238 lon 76.889`.
fn lettered(text: &str) -> Option<Pair> {
    let mut angles: Vec<Angle> = vec![];
    let mut angle = Angle::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() || first == '-' {
            let (number, unit, after) = number(rest)?;
            rest = after;
            let slot = match unit {
                Unit::Minutes => &mut angle.minutes,
                Unit::Seconds => &mut angle.seconds,
                Unit::Degrees => {
                    if angle.degrees.is_some() {
                        angles.push(std::mem::take(&mut angle));
                    }
                    &mut angle.degrees
                }
            };
            if slot.replace(number).is_some() {
                return None;
            }
        } else if first.is_alphabetic() {
            let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            // What «с.» and «в.» are short for.
            if ["ш", "д"].contains(&word.to_lowercase().as_str()) && angle.side.is_some() {
                continue;
            }
            let side = Side::of(word)?;
            if angle.side.is_some() {
                angles.push(std::mem::take(&mut angle));
            }
            angle.side = Some(side);
        } else if first.is_whitespace() || ".,;:=&/|".contains(first) {
            rest = &rest[first.len_utf8()..];
        } else {
            return None;
        }
    }
    if !angle.is_empty() {
        angles.push(angle);
    }
    let [first, second] = angles.as_slice() else { return None };
    let (one, other) = (first.value()?, second.value()?);
    match (first.side.map(Side::is_latitude), second.side.map(Side::is_latitude)) {
        (None, None) | (Some(true), Some(false)) => Some(Pair { lat: one, lon: other }),
        (Some(false), Some(true)) => Some(Pair { lat: other, lon: one }),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Degrees,
    Minutes,
    Seconds,
}

/// The number at the beginning of a text, what it counts, and what follows.
fn number(text: &str) -> Option<(f64, Unit, &str)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let mut end = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = unsigned[end..].strip_prefix(['.', ',']).unwrap_or_default();
    let fraction = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if fraction > 0 {
        end += 1 + fraction;
    }
    let end = end + (text.len() - unsigned.len());
    let value = degrees(&text[..end].replace(',', "."))?;
    let rest = text[end..].trim_start_matches(' ');
    const UNITS: [(&[&str], Unit); 3] = [
        (&["°", "º", "˚"], Unit::Degrees),
        (&["″", "”", "\"", "''", "′′", "’’"], Unit::Seconds),
        (&["′", "’", "'"], Unit::Minutes),
    ];
    let marked = UNITS.iter().find_map(|(marks, unit)| {
        marks.iter().find_map(|mark| rest.strip_prefix(mark)).map(|rest| (value, *unit, rest))
    });
    marked.or(Some((value, Unit::Degrees, &text[end..])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads to a point within some ten metres of the expected one.
    fn check(pasted: &str, expected: Result<(f64, f64), PointError>) {
        let read = read(pasted).map(|point| (point.lat, point.lon));
        match (read, expected) {
            (Ok(read), Ok(expected)) => {
                let near = |a: f64, b: f64| (a - b).abs() < 1e-4;
                assert!(near(read.0, expected.0) && near(read.1, expected.1), "{pasted}: {read:?}");
            }
            (read, expected) => assert_eq!(read, expected, "{pasted}"),
        }
    }

    const HERE: Result<(f64, f64), PointError> = Ok((43.238, 76.889));

    #[test]
    fn coordinates_are_read_as_they_are_written() {
        for pasted in [
            "43.238, 76.889",
            "43.238,76.889",
            "43.238 76.889",
            "43.238; 76.889",
            "43.238\t76.889\n",
            " (43.238, 76.889) ",
            "+43.238 +76.889",
            "43,238, 76,889",
            "43,238 76,889",
            "43,238; 76,889",
            "43,238,76,889",
            "43.238000000000001, 76.889000000000003",
            "43.238°, 76.889°",
            "43.238° N, 76.889° E",
            "43.238°N 76.889°E",
            "N43.238 E76.889",
            "E 76.889, N 43.238",
            "76.889E 43.238N",
            "43,238° с. ш., 76,889° в. д.",
            "43.238 с.ш. 76.889 в.д.",
            "широта 43.238, долгота 76.889",
            "Lat: 43.238, Lng: 76.889",
            "lat=43.238&lon=76.889",
            "43°14'16.8\"N 76°53'20.4\"E",
            "43°14′16,8″ с. ш. 76°53′20,4″ в. д.",
            "43° 14' 16.8'' 76° 53' 20.4''",
            "43°14.28'N, 76°53.34'E",
        ] {
            check(pasted, HERE);
        }
        check("-33.8568, 151.2153", Ok((-33.8568, 151.2153)));
        check("−33.8568, 151.2153", Ok((-33.8568, 151.2153)));
        check("33.8568 S, 70.6 W", Ok((-33.8568, -70.6)));
    }

    #[test]
    fn links_of_maps_are_read_in_the_order_of_each() {
        for pasted in [
            // 2GIS: longitude first.
            "https://2gis.kz/almaty/geo/9430047375014912/76.889,43.238",
            "https://2gis.kz/almaty/geo/76.889,43.238",
            "https://2gis.kz/almaty/firm/70000001018101391/76.889%2C43.238?m=76.9%2C43.25%2F16",
            "https://2gis.kz/almaty?m=76.889%2C43.238%2F16.5",
            "Абая 10\nАлматы\nhttps://2gis.kz/almaty/geo/9430047375014912/76.889,43.238",
            "2gis.kz/almaty?m=76.889,43.238/16",
            // Google: latitude first, the pin before the middle of the screen.
            "https://www.google.com/maps/@43.238,76.889,17z",
            "https://www.google.com/maps/place/%D0%90%D0%B1%D0%B0%D1%8F/@43.3,76.8,17z/data=!3m1!4b1!4m6!3m5!1s0x3883!8m2!3d43.238!4d76.889!16s",
            "https://www.google.kz/maps/place/43%C2%B014'16.8%22N+76%C2%B053'20.4%22E/@43.3,76.8,17z",
            "https://maps.google.com/?q=43.238,76.889",
            "https://maps.google.com/maps?q=loc:43.238,76.889&z=17",
            "https://www.google.com/maps/search/?api=1&query=43.238%2C76.889",
            "https://www.google.com/maps/search/43.238,+76.889?entry=tts",
            "https://www.google.com/maps/dir/?api=1&destination=43.238,76.889",
            // Yandex: longitude first, but what was searched for is as people type it.
            "https://yandex.kz/maps/162/almaty/?ll=76.889%2C43.238&z=17",
            "https://yandex.ru/maps/?ll=76.8%2C43.3&pt=76.889,43.238,pm2rdm&z=17",
            "https://yandex.kz/maps/162/almaty/?ll=76.8,43.3&whatshere%5Bpoint%5D=76.889%2C43.238&whatshere%5Bzoom%5D=17",
            "https://yandex.kz/maps/?ll=76.8,43.3&mode=search&text=43.238%2C76.889",
            "https://yandex.kz/maps/?ll=76.889,43.238&text=%D0%90%D0%B1%D0%B0%D1%8F",
            // OpenStreetMap: latitude first, the mark before the middle of the screen.
            "https://www.openstreetmap.org/?mlat=43.238&mlon=76.889#map=17/43.3/76.8",
            "https://www.openstreetmap.org/#map=17/43.238/76.889&layers=N",
            "https://osm.org/way/24206#map=17/43.238/76.889",
            "https://maps.apple.com/?ll=43.238,76.889&q=Dropped%20Pin",
            "https://maps.apple.com/place?coordinate=43.238,76.889",
            "geo:43.238,76.889?z=17",
            "geo:43.238,76.889;u=35",
        ] {
            check(pasted, HERE);
        }
    }

    #[test]
    fn what_is_no_point_is_said() {
        use PointError::{Impossible, NoPoint, Short, Swapped, Unreadable};
        for (pasted, expected) in [
            ("", Unreadable),
            ("Абая 10", Unreadable),
            ("43.238", Unreadable),
            ("43,238", Unreadable),
            ("43, 76", Unreadable),
            ("43.238, 76.889, 15.1", Unreadable),
            ("43.238 76.889 яма", Unreadable),
            ("4.3e1, 7.6e1", Unreadable),
            ("NaN, NaN", Unreadable),
            ("inf, 1.0", Unreadable),
            ("+7 701 123 45 67", Unreadable),
            ("43.2.38, 76.889", Unreadable),
            ("N43.238 N76.889", Unreadable),
            ("43°61'00\"N 76°53'20\"E", Unreadable),
            ("https://example.com/?ll=43.238,76.889", Unreadable),
            ("https://2gis.kz/almaty", NoPoint),
            ("https://2gis.kz/almaty/search/%D1%8F%D0%BC%D0%B0", NoPoint),
            ("https://www.google.com/maps/place/Almaty", NoPoint),
            ("https://yandex.kz/maps/162/almaty/", NoPoint),
            ("https://go.2gis.com/abcde", Short),
            ("https://maps.app.goo.gl/AbCdEf", Short),
            ("https://goo.gl/maps/AbCdEf", Short),
            ("https://yandex.kz/maps/-/CDabcde", Short),
            ("https://osm.org/go/azuz2A--?m=", Short),
            ("91.5, 200.5", Impossible),
            ("43.238, 276.889", Impossible),
            ("104.066, 30.572", Swapped),
            ("https://www.google.com/maps/@104.066,30.572,17z", Swapped),
        ] {
            check(pasted, Err(expected));
        }
        check(&format!("{}43.238, 76.889", " ".repeat(MOST_BYTES)), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn whatever_is_pasted_it_answers(pasted in "\\PC{0,80}") {
            let _ = read(&pasted);
        }

        #[test]
        fn whatever_looks_like_a_point_it_answers(
            pasted in "(geo:|https://(2gis.kz|google.com|yandex.kz|osm.org|maps.apple.com)/)?[-0-9.,;°'\"′″NSEWсв @!d?&=#/%lmaptq]{0,60}"
        ) {
            if let Ok(point) = read(&pasted) {
                prop_assert!(Point::new(point.lon, point.lat).is_some());
            }
        }

        #[test]
        fn a_point_written_down_is_read_again(lat in -90.0..90.0_f64, lon in -180.0..180.0_f64) {
            for pasted in [
                format!("{lat:.6}, {lon:.6}"),
                format!("https://2gis.kz/almaty/geo/1/{lon:.6},{lat:.6}"),
                format!("https://www.google.com/maps/@{lat:.6},{lon:.6},17z"),
                format!("https://www.openstreetmap.org/?mlat={lat:.6}&mlon={lon:.6}#map=17/1.0/1.0"),
                format!("https://yandex.kz/maps/?ll={lon:.6}%2C{lat:.6}"),
            ] {
                let point = read(&pasted).unwrap();
                prop_assert!((point.lat - lat).abs() < 1e-5 && (point.lon - lon).abs() < 1e-5, "{pasted}");
            }
        }
    }
}
