//! In which district a point lies, and whether it is in the city.

use geo::{Contains, Coord, LineString, MultiPolygon, Point};

use crate::model::City;

/// Metres in one degree of latitude.
const DEGREE_METRES: f64 = 111_195.0;

/// The district of a point.
#[derive(Debug, Clone, PartialEq)]
pub struct DistrictHit {
    /// Code of the district.
    pub code: String,
    /// Whether the point is inside its border; else it is within the tolerance outside of the city.
    pub inside: bool,
    /// Metres from the point to the district; 0 inside.
    pub distance_metres: f64,
    /// Every district within the tolerance of the point, the nearest first, the one above too.
    pub candidates: Vec<Near>,
}

/// A district near a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Code of the district.
    pub code: String,
    /// Metres from the point to the district; 0 inside.
    pub distance_metres: f64,
}

impl City {
    /// The district in which a point (degrees, WGS84) lies.
    ///
    /// A point outside of every border but within `place.edge_metres` of one is in the nearest district; where
    /// borders overlap (rough boxes), the district with the nearest centre wins. `None` is outside the city.
    #[must_use]
    pub fn district_at(&self, lon: f64, lat: f64) -> Option<DistrictHit> {
        let mut near: Vec<(f64, f64, &str)> = self
            .districts
            .iter()
            .filter_map(|district| {
                let metres = metres_to_area(lon, lat, &district.border, self.place.edge_metres)?;
                let (centre_lon, centre_lat) = district.centre;
                let from_centre = metres_between(lon, lat, centre_lon, centre_lat);
                Some((metres, from_centre, district.code.as_str()))
            })
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(b.2)));
        let (distance_metres, _, code) = *near.first()?;
        Some(DistrictHit {
            code: code.to_owned(),
            inside: distance_metres == 0.0,
            distance_metres,
            candidates: near
                .into_iter()
                .map(|(distance_metres, _, code)| Near { code: code.to_owned(), distance_metres })
                .collect(),
        })
    }

    /// Whether a point (degrees, WGS84) is in the city, with the same tolerance.
    #[must_use]
    pub fn in_city(&self, lon: f64, lat: f64) -> bool {
        self.district_at(lon, lat).is_some()
    }

    /// Metres from a point (degrees, WGS84) to the nearest border of the city; 0 inside. `None` when no border is known. Far away it is a
    /// rough figure: good enough to tell a slip from a suburb.
    #[must_use]
    pub fn metres_outside(&self, lon: f64, lat: f64) -> Option<f64> {
        let far = |border| metres_to_area(lon, lat, border, f64::INFINITY);
        let metres = self.districts.iter().filter_map(|district| far(&district.border));
        metres.min_by(f64::total_cmp).filter(|metres| metres.is_finite())
    }
}

/// Metres from a point to an area: 0 inside, `None` when further than `most`.
fn metres_to_area(lon: f64, lat: f64, area: &MultiPolygon<f64>, most: f64) -> Option<f64> {
    if !lon.is_finite() || !lat.is_finite() {
        return None;
    }
    if area.contains(&Point::new(lon, lat)) {
        return Some(0.0);
    }
    let rings =
        area.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    let nearest = rings.map(|ring| metres_to_ring(lon, lat, ring)).fold(f64::INFINITY, f64::min);
    (nearest <= most).then_some(nearest)
}

fn metres_to_ring(lon: f64, lat: f64, ring: &LineString<f64>) -> f64 {
    ring.lines()
        .map(|line| metres_to_segment(lon, lat, (line.start.x, line.start.y), (line.end.x, line.end.y)))
        .fold(f64::INFINITY, f64::min)
}

/// Metres from a point to a line of (longitude, latitude); infinite for an empty line.
pub(crate) fn metres_to_line(lon: f64, lat: f64, line: &[(f64, f64)]) -> f64 {
    match line {
        [] => f64::INFINITY,
        [(only_lon, only_lat)] => metres_between(lon, lat, *only_lon, *only_lat),
        _ => line
            .windows(2)
            .map(|ends| metres_to_segment(lon, lat, ends[0], ends[1]))
            .fold(f64::INFINITY, f64::min),
    }
}

/// Metres between two points.
fn metres_between(lon: f64, lat: f64, to_lon: f64, to_lat: f64) -> f64 {
    let there = flat(lon, lat, to_lon, to_lat);
    there.x.hypot(there.y)
}

/// Metres from a point to the segment between two others.
fn metres_to_segment(lon: f64, lat: f64, start: (f64, f64), end: (f64, f64)) -> f64 {
    let (start, end) = (flat(lon, lat, start.0, start.1), flat(lon, lat, end.0, end.1));
    let along = end - start;
    let length = along.x * along.x + along.y * along.y;
    let part =
        if length > 0.0 { (-(start.x * along.x + start.y * along.y) / length).clamp(0.0, 1.0) } else { 0.0 };
    (start.x + part * along.x).hypot(start.y + part * along.y)
}

/// A point as metres east and north of another. Exact enough for a city: an error of 1 m in 10 km.
fn flat(from_lon: f64, from_lat: f64, lon: f64, lat: f64) -> Coord<f64> {
    Coord {
        x: (lon - from_lon) * DEGREE_METRES * from_lat.to_radians().cos(),
        y: (lat - from_lat) * DEGREE_METRES,
    }
}
