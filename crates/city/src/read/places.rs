//! The CSV files and the borders: streets, microdistricts, districts, settlements, highways, works, days off.

use chrono::NaiveDate;
use geo::{Coord, LineString, MultiPolygon, Polygon, Rect};
use serde::Deserialize;

use super::book::{At, Book, Codes};
use super::document::utf8;
use super::settings::{bounds, plausible};
use super::table::{Row, number, rows};
use crate::model::{
    Axis, Bounds, District, Highway, Holiday, Microdistrict, OldName, OnlyIn, Settlement, Street, Works,
    WorksRules,
};
use crate::names::{Lang, Names};

const CONFIDENCE: [&str; 3] = ["high", "medium", "low"];

/// A file of the folder.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) bytes: &'a [u8],
}

/// The names of a row; English may be empty.
fn names(row: &Row<'_>, languages: &[Lang], english: bool, book: &Book) -> Option<Names> {
    let (ru, kk) = (row.text("name_ru", book), row.text("name_kk", book));
    let en = if english { row.cell("name_en").to_owned() } else { String::new() };
    if english && en.is_empty() && languages.contains(&Lang::En) {
        book.fault(row.at(), "`name_en` is empty", "fill it, the city answers in en");
    }
    Some(Names { ru: ru?, kk: kk?, en })
}

/// Every code of a list is a district.
fn of_districts(row: &Row<'_>, column: &str, districts: &Codes, book: &Book) -> Vec<String> {
    let codes = row.list(column, book);
    if codes.is_empty() {
        book.fault(row.at(), format!("`{column}` is empty"), "write at least one district");
    }
    for code in &codes {
        book.refer(row.at(), "the row", "district", code, districts);
    }
    codes
}

pub(super) fn streets(
    source: Source<'_>,
    kinds: &std::collections::BTreeMap<String, Names>,
    districts: (&[District], &Codes),
    book: &Book,
) -> (Vec<Street>, Codes) {
    const COLUMNS: [&str; 8] =
        ["name_ru", "name_kk", "old_names", "kind", "aliases", "axis", "districts", "confidence"];
    let Some(rows) = rows(source.file, source.bytes, &COLUMNS, book) else {
        return (Vec::new(), Codes::unread(source.file));
    };
    let mut codes = Codes::new(source.file);
    let mut streets = Vec::new();
    for row in rows {
        codes.add(book, row.at(), "street", row.cell("name_ru"));
        let kind = row.text("kind", book);
        if let Some(kind) = &kind
            && !kinds.is_empty()
            && !kinds.contains_key(kind)
        {
            book.fault(
                row.at(),
                format!("kind \"{kind}\" is not in city.toml [street_kind]"),
                "add it there or correct the kind",
            );
        }
        let axis = row.one_of("axis", &["NS", "EW", "other"], book).map(|axis| match axis.as_str() {
            "NS" => Axis::Ns,
            "EW" => Axis::Ew,
            _ => Axis::Other,
        });
        let old_names =
            row.list("old_names", book).into_iter().map(|name| old_name(&name, districts.0)).collect();
        let aliases = row.list("aliases", book);
        book.stems(row.at(), "the row", &aliases);
        let in_districts = of_districts(&row, "districts", districts.1, book);
        let confidence = row.one_of("confidence", &CONFIDENCE, book);
        let name = names(&row, &[], false, book);
        let (Some(name), Some(kind), Some(axis), Some(confidence)) = (name, kind, axis, confidence) else {
            continue;
        };
        streets.push(Street { name, old_names, kind, aliases, axis, districts: in_districts, confidence });
    }
    (streets, codes)
}

/// `Ленина (Алатауский район)` is valid only in that part of the city.
fn old_name(text: &str, districts: &[District]) -> OldName {
    let parts = text.strip_suffix(')').and_then(|text| text.split_once(" ("));
    let Some((name, part)) = parts else { return OldName { name: text.to_owned(), only_in: None } };
    let district = districts.iter().find(|district| {
        let ru = &district.name.ru;
        part == ru || part.strip_prefix(ru.as_str()).is_some_and(|rest| rest.starts_with(' '))
    });
    let only_in = match district {
        Some(district) => OnlyIn::District(district.code.clone()),
        None => OnlyIn::Within(part.to_owned()),
    };
    OldName { name: name.to_owned(), only_in: Some(only_in) }
}

pub(super) fn microdistricts(
    source: Source<'_>,
    districts: &Codes,
    book: &Book,
) -> (Vec<Microdistrict>, Codes) {
    const COLUMNS: [&str; 5] = ["name_ru", "name_kk", "old_names", "district", "confidence"];
    let Some(rows) = rows(source.file, source.bytes, &COLUMNS, book) else {
        return (Vec::new(), Codes::unread(source.file));
    };
    let mut codes = Codes::new(source.file);
    let mut all = Vec::new();
    for row in rows {
        codes.add(book, row.at(), "microdistrict", row.cell("name_ru"));
        let old_names = row.list("old_names", book);
        let districts = of_districts(&row, "district", districts, book);
        let confidence = row.one_of("confidence", &CONFIDENCE, book);
        let (Some(name), Some(confidence)) = (names(&row, &[], false, book), confidence) else { continue };
        all.push(Microdistrict { name, old_names, districts, confidence });
    }
    (all, codes)
}

pub(super) fn districts(
    source: Source<'_>,
    languages: &[Lang],
    city: Option<Bounds>,
    book: &Book,
) -> (Vec<District>, Codes) {
    const COLUMNS: [&str; 12] = [
        "code",
        "name_ru",
        "name_kk",
        "name_en",
        "lon",
        "lat",
        "lon_min",
        "lat_min",
        "lon_max",
        "lat_max",
        "rough_borders",
        "status",
    ];
    let Some(rows) = rows(source.file, source.bytes, &COLUMNS, book) else {
        return (Vec::new(), Codes::unread(source.file));
    };
    let mut codes = Codes::new(source.file);
    let mut districts = Vec::new();
    for row in rows {
        let code = row.cell("code").to_owned();
        book.code(row.at(), &code);
        codes.add(book, row.at(), "district", &code);
        let name = names(&row, languages, true, book);
        let numbers =
            ["lon", "lat", "lon_min", "lat_min", "lon_max", "lat_max"].map(|key| row.number(key, book));
        let [Some(lon), Some(lat), Some(lon_min), Some(lat_min), Some(lon_max), Some(lat_max)] = numbers
        else {
            continue;
        };
        let Some(bounds) = bounds(row.at(), Bounds { lon_min, lat_min, lon_max, lat_max }, book) else {
            continue;
        };
        if !bounds.contains(lon, lat) {
            book.fault(row.at(), "the centre is outside of the district's box", "correct the degrees");
        }
        let corners = [(lon_min, lat_min), (lon_max, lat_max)];
        if let Some(city) = city
            && !corners.iter().all(|(lon, lat)| city.contains(*lon, *lat))
        {
            book.fault(row.at(), "the box is outside of the city's `bounds`", "correct one of them");
        }
        let Some(name) = name else { continue };
        let rough = Rect::new(Coord { x: lon_min, y: lat_min }, Coord { x: lon_max, y: lat_max });
        districts.push(District {
            code,
            name,
            centre: (lon, lat),
            bounds,
            border: MultiPolygon::new(vec![rough.to_polygon()]),
        });
    }
    (districts, codes)
}

/// GeoJSON (RFC 7946) as far as borders need it.
#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "type")]
    kind: String,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    properties: Properties,
    geometry: Geometry,
}

#[derive(Deserialize)]
struct Properties {
    code: String,
}

type Ring = Vec<Vec<f64>>;

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Polygon(Vec<Ring>),
    MultiPolygon(Vec<Vec<Ring>>),
}

/// Puts the borders of a file in place of the rough boxes: one feature for each district, by its `code`.
pub(super) fn borders(
    source: Source<'_>,
    districts: &mut [District],
    codes: &Codes,
    city: Option<Bounds>,
    book: &Book,
) {
    let file = source.file;
    let Some(text) = utf8(file, source.bytes, book) else { return };
    let collection: Collection = match serde_json::from_str(text) {
        Ok(collection) => collection,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(0);
            book.fault(
                At { file, line },
                format!("this is not a collection of borders: {error}"),
                "write a FeatureCollection of Polygon or MultiPolygon, each with the property `code`",
            );
            return;
        }
    };
    if collection.kind != "FeatureCollection" {
        book.fault(
            At { file, line: 1 },
            "this is not a FeatureCollection",
            "write \"type\": \"FeatureCollection\"",
        );
    }
    let mut seen = Codes::new(file);
    for feature in collection.features {
        let code = feature.properties.code;
        let at = At { file, line: line_naming(text, &code) };
        seen.add(book, at, "border", &code);
        book.refer(at, "the border", "district", &code, codes);
        let polygons = match feature.geometry {
            Geometry::Polygon(rings) => vec![rings],
            Geometry::MultiPolygon(polygons) => polygons,
        };
        let polygons: Option<Vec<Polygon<f64>>> =
            polygons.iter().map(|rings| polygon(at, &code, rings, city, book)).collect();
        let Some(polygons) = polygons else { continue };
        if polygons.is_empty() {
            book.fault(at, format!("the border of \"{code}\" has no polygon"), "draw one");
        }
        if let Some(district) = districts.iter_mut().find(|district| district.code == code) {
            district.border = MultiPolygon::new(polygons);
        }
    }
    for (code, _) in codes.iter() {
        if !seen.has(code) {
            book.fault(At { file, line: 0 }, format!("district \"{code}\" has no border"), "add its polygon");
        }
    }
}

/// The line on which a feature names its district.
fn line_naming(text: &str, code: &str) -> u32 {
    let quoted = format!("\"{code}\"");
    let at = text.lines().position(|line| line.contains("\"code\"") && line.contains(&quoted));
    at.map_or(0, |at| u32::try_from(at + 1).unwrap_or(u32::MAX))
}

fn polygon(
    at: At<'_>,
    code: &str,
    rings: &[Ring],
    city: Option<Bounds>,
    book: &Book,
) -> Option<Polygon<f64>> {
    let mut read = Vec::new();
    for ring in rings {
        let points: Option<Vec<Coord<f64>>> = ring
            .iter()
            .map(|point| match point.as_slice() {
                [lon, lat, ..] if lon.is_finite() && lat.is_finite() => Some(Coord { x: *lon, y: *lat }),
                _ => book.none(
                    at,
                    format!("the border of \"{code}\" has a point without degrees"),
                    "write [lon, lat]",
                ),
            })
            .collect();
        let points = points?;
        if points.len() < 4 || points.first() != points.last() {
            return book.none(
                at,
                format!("the border of \"{code}\" is not closed"),
                "end each ring with its first point, and give it at least three corners",
            );
        }
        // Borders may run past the rough box of the city, but not to another city: half its size away.
        if let Some(city) = city {
            let (wide, high) = ((city.lon_max - city.lon_min) / 2.0, (city.lat_max - city.lat_min) / 2.0);
            let around = Bounds {
                lon_min: city.lon_min - wide,
                lat_min: city.lat_min - high,
                lon_max: city.lon_max + wide,
                lat_max: city.lat_max + high,
            };
            if !points.iter().all(|point| around.contains(point.x, point.y)) {
                return book.none(
                    at,
                    format!("the border of \"{code}\" is far outside of the city's `bounds`"),
                    "write longitude first, or correct `bounds`",
                );
            }
        }
        read.push(LineString::new(points));
    }
    let mut rings = read.into_iter();
    let Some(outer) = rings.next() else {
        return book.none(at, format!("a polygon of \"{code}\" has no ring"), "draw one or remove it");
    };
    Some(Polygon::new(outer, rings.collect()))
}

/// Codes that rows of places and works may name.
pub(super) struct Known<'a> {
    pub(super) parties: &'a Codes,
    pub(super) districts: &'a Codes,
    pub(super) streets: &'a Codes,
    pub(super) microdistricts: &'a Codes,
}

pub(super) fn settlements(
    source: Source<'_>,
    languages: &[Lang],
    known: &Known<'_>,
    book: &Book,
) -> Vec<Settlement> {
    const COLUMNS: [&str; 13] = [
        "name_ru",
        "name_kk",
        "name_en",
        "kind",
        "district_ru",
        "stems_ru",
        "stems_kk",
        "same_as_city",
        "near_border",
        "lon",
        "lat",
        "party",
        "confidence",
    ];
    let mut settlements = Vec::new();
    let mut codes = Codes::new(source.file);
    for row in rows(source.file, source.bytes, &COLUMNS, book).unwrap_or_default() {
        codes.add(book, row.at(), "settlement", row.cell("name_ru"));
        let (stems_ru, stems_kk) = (row.list("stems_ru", book), row.list("stems_kk", book));
        for stems in [&stems_ru, &stems_kk] {
            book.stems(row.at(), "the row", stems);
        }
        if stems_ru.is_empty() && stems_kk.is_empty() {
            book.fault(row.at(), "the settlement has no stems", "write at least one, or nobody finds it");
        }
        let same_as_city = row.list("same_as_city", book);
        for name in &same_as_city {
            if !known.streets.has(name) && !known.microdistricts.has(name) {
                book.fault(
                    row.at(),
                    format!("`same_as_city` names \"{name}\", which is no street or microdistrict"),
                    "add it there or correct the name",
                );
            }
        }
        let party = row.text("party", book);
        if let Some(party) = &party {
            book.refer(row.at(), "the row", "party", party, known.parties);
        }
        let point = point(&row, book);
        let (near_border, kind) = (row.flag("near_border", book), row.text("kind", book));
        let (name, confidence) =
            (names(&row, languages, true, book), row.one_of("confidence", &CONFIDENCE, book));
        let (Some(name), Some(kind), Some(near_border), Some(point), Some(party), Some(confidence)) =
            (name, kind, near_border, point, party, confidence)
        else {
            continue;
        };
        settlements.push(Settlement {
            name,
            kind,
            stems_ru,
            stems_kk,
            same_as_city,
            near_border,
            point,
            party,
            confidence,
        });
    }
    settlements
}

/// A point on Earth.
fn point(row: &Row<'_>, book: &Book) -> Option<(f64, f64)> {
    let (lon, lat) = (row.number("lon", book)?, row.number("lat", book)?);
    if (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat) {
        Some((lon, lat))
    } else {
        book.none(
            row.at(),
            format!("{lon}, {lat} is not a point on Earth"),
            "write degrees, longitude in `lon`",
        )
    }
}

pub(super) fn highways(
    source: Source<'_>,
    languages: &[Lang],
    known: &Known<'_>,
    book: &Book,
) -> Vec<Highway> {
    const COLUMNS: [&str; 9] = [
        "name_ru",
        "name_kk",
        "name_en",
        "numbers",
        "aliases_ru",
        "aliases_kk",
        "also_city_street",
        "party",
        "confidence",
    ];
    let mut highways = Vec::new();
    let mut codes = Codes::new(source.file);
    for row in rows(source.file, source.bytes, &COLUMNS, book).unwrap_or_default() {
        codes.add(book, row.at(), "highway", row.cell("name_ru"));
        let (aliases_ru, aliases_kk) = (row.list("aliases_ru", book), row.list("aliases_kk", book));
        for stems in [&aliases_ru, &aliases_kk] {
            book.stems(row.at(), "the row", stems);
        }
        let also_city_street = row.maybe("also_city_street");
        if let Some(street) = &also_city_street {
            book.refer(row.at(), "the row", "street", street, known.streets);
        }
        let party = row.text("party", book);
        if let Some(party) = &party {
            book.refer(row.at(), "the row", "party", party, known.parties);
        }
        let confidence = row.one_of("confidence", &CONFIDENCE, book);
        let (Some(name), Some(party), Some(confidence)) =
            (names(&row, languages, true, book), party, confidence)
        else {
            continue;
        };
        highways.push(Highway {
            name,
            numbers: row.list("numbers", book),
            aliases_ru,
            aliases_kk,
            also_city_street,
            party,
            confidence,
        });
    }
    highways
}

pub(super) fn works(
    source: Source<'_>,
    rules: Option<&WorksRules>,
    city: Option<Bounds>,
    known: &Known<'_>,
    phrases: &Codes,
    book: &Book,
) -> Vec<Works> {
    const COLUMNS: [&str; 18] = [
        "id",
        "street",
        "from",
        "to",
        "district",
        "points",
        "kind",
        "contractor",
        "owner",
        "start",
        "finish",
        "warranty_years",
        "closure",
        "detour_ru",
        "detour_kk",
        "reason_ru",
        "reason_kk",
        "sample",
    ];
    let mut all = Vec::new();
    let mut codes = Codes::new(source.file);
    for row in rows(source.file, source.bytes, &COLUMNS, book).unwrap_or_default() {
        let at = row.at();
        let id = row.text("id", book);
        codes.add(book, at, "works", row.cell("id"));
        for column in ["street", "from", "to"] {
            let name = row.cell(column);
            book.refer(at, &format!("`{column}`"), "street", name, known.streets);
        }
        book.refer(at, "the row", "district", row.cell("district"), known.districts);
        let (contractor, owner) = (row.maybe("contractor"), row.text("owner", book));
        for party in contractor.iter().chain(&owner) {
            book.refer(at, "the row", "party", party, known.parties);
        }
        let kind = row.text("kind", book);
        if let (Some(kind), Some(rules)) = (&kind, rules) {
            let kinds =
                [&rules.active_kinds, &rules.warranty_kinds, &rules.permit_kinds, &rules.closure_kinds];
            if !kinds.iter().any(|kinds| kinds.contains(kind)) {
                book.fault(
                    at,
                    format!("kind \"{kind}\" is not in city.toml [works]"),
                    "add it to a list of kinds there or correct it",
                );
            } else if !phrases.has(&format!("kind_{kind}")) {
                book.fault(
                    at,
                    format!("kind \"{kind}\" has no phrase \"kind_{kind}\""),
                    "add the phrase to the templates",
                );
            }
        }
        let (start, finish) = (row.day("start", book), row.day("finish", book));
        if let (Some(start), Some(finish)) = (start, finish)
            && finish < start
        {
            book.fault(
                at,
                format!("the works finish on {finish}, before they start on {start}"),
                "correct the days",
            );
        }
        let line = line(&row, city, book);
        let of_kind = |kind: &String| rules.and_then(|rules| rules.warranty_years.get(kind)).copied();
        let warranty_years = match row.cell("warranty_years") {
            "" => kind.as_ref().and_then(of_kind).or(Some(0)),
            _ => row.whole("warranty_years", book).filter(|years| {
                if *years > 50 {
                    book.fault(at, format!("the warranty is {years} years"), "write 0 to 50 years");
                }
                *years <= 50
            }),
        };
        let (closure, sample) = (row.flag("closure", book), row.flag("sample", book));
        let pair = |name: &str| {
            let (ru, kk) = (row.cell(&format!("{name}_ru")), row.cell(&format!("{name}_kk")));
            if ru.is_empty() != kk.is_empty() {
                book.fault(
                    at,
                    format!("`{name}` stands in one language only"),
                    "write it in both or in none",
                );
            }
            Names { ru: ru.to_owned(), kk: kk.to_owned(), en: String::new() }
        };
        let (detour, reason) = (pair("detour"), pair("reason"));
        let (Some(id), Some(kind), Some(owner), Some(start), Some(finish)) = (id, kind, owner, start, finish)
        else {
            continue;
        };
        let (Some(line), Some(warranty_years), Some(closure), Some(sample)) =
            (line, warranty_years, closure, sample)
        else {
            continue;
        };
        all.push(Works {
            id,
            street: row.cell("street").to_owned(),
            from: row.cell("from").to_owned(),
            to: row.cell("to").to_owned(),
            district: row.cell("district").to_owned(),
            line,
            kind,
            contractor,
            owner,
            start,
            finish,
            warranty_years,
            closure,
            detour,
            reason,
            sample,
        });
    }
    all
}

/// `lon lat;lon lat`, inside the city.
fn line(row: &Row<'_>, city: Option<Bounds>, book: &Book) -> Option<Vec<(f64, f64)>> {
    let mut line = Vec::new();
    for point in row.cell("points").split(';') {
        let Some((lon, lat)) = point.trim().split_once(' ') else {
            return book.none(row.at(), format!("\"{point}\" is not a point"), "write `lon lat;lon lat`");
        };
        let (lon, lat) = (number(row.at(), "lon", lon, book)?, number(row.at(), "lat", lat, book)?);
        if city.is_some_and(|city| !city.contains(lon, lat)) {
            return book.none(
                row.at(),
                format!("the point {lon} {lat} is outside of the city's `bounds`"),
                "write longitude first, or correct the degrees",
            );
        }
        line.push((lon, lat));
    }
    if line.len() < 2 {
        return book.none(row.at(), "the line has one point", "give both of its ends");
    }
    Some(line)
}

pub(super) fn holidays(
    source: Source<'_>,
    calendar: Option<(&[String], &[String])>,
    book: &Book,
) -> Vec<Holiday> {
    const COLUMNS: [&str; 6] = ["date", "kind", "name_ru", "name_kk", "name_en", "status"];
    let mut holidays = Vec::new();
    for row in rows(source.file, source.bytes, &COLUMNS, book).unwrap_or_default() {
        let date = row.day("date", book).filter(|day: &NaiveDate| {
            if !plausible(*day) {
                book.fault(
                    row.at(),
                    format!("{day} is out of the years of a calendar"),
                    "write 1990 to 2100",
                );
            }
            plausible(*day)
        });
        row.one_of("status", &["published", "estimated"], book);
        let kind = row.cell("kind").to_owned();
        let worked = calendar.is_some_and(|(_, worked)| worked.contains(&kind));
        if let Some((off, _)) = calendar
            && !worked
            && !off.contains(&kind)
        {
            book.fault(
                row.at(),
                format!("kind \"{kind}\" is neither `off` nor `worked` in city.toml [calendar]"),
                "add it to one of them there or correct it",
            );
        }
        let (Some(date), Some(name)) = (date, names(&row, &[], true, book)) else { continue };
        holidays.push(Holiday { date, kind, name, worked });
    }
    holidays
}
