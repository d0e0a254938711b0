//! Open appeals by district, as a map of real borders and as the table beside it.

use std::fmt::Write as _;

use zholdary_city::{City, District, Lang};
use zholdary_readmodel::PlaceFigures;

use super::{figures::number, name};

/// Width of the map, in its own units; the height follows from the borders.
const WIDTH: f64 = 600.0;
/// Points of a border nearer to the one before are left out.
const NEAR: f64 = 1.5;
/// Shades of open appeals.
const SHADES: usize = 5;

/// The map and its table.
pub(super) struct Map {
    pub(super) height: String,
    /// In the order of the city's districts.
    pub(super) shapes: Vec<Shape>,
    /// The most open first.
    pub(super) rows: Vec<Row>,
    pub(super) open: String,
    pub(super) overdue: String,
}

/// One district on the map.
pub(super) struct Shape {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) path: String,
    /// 1 to 5.
    pub(super) shade: usize,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) open: String,
    pub(super) overdue: String,
}

/// One district in the table.
pub(super) struct Row {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) open: String,
    pub(super) overdue: String,
}

impl Map {
    /// Nothing for a city without districts.
    pub(super) fn new(city: &City, figures: &[PlaceFigures], lang: Lang) -> Option<Self> {
        let of = |code: &str| {
            let found = figures.iter().find(|one| one.of.code == code);
            found.map_or((0, 0), |one| (one.open, one.overdue))
        };
        let frame = Frame::of(&city.districts)?;
        let mut counts: Vec<u64> = city.districts.iter().map(|district| of(&district.code).0).collect();
        counts.sort_unstable();
        let shapes = city.districts.iter().map(|district| {
            let (open, overdue) = of(&district.code);
            let (x, y) = frame.at(district.centre);
            let lower = counts.iter().filter(|count| **count < open).count();
            Shape {
                code: district.code.clone(),
                name: short(district.name.get(lang)).to_owned(),
                path: frame.path(district),
                shade: if open == 0 { 1 } else { 1 + lower * SHADES / counts.len().max(1) },
                x: format!("{x:.0}"),
                y: format!("{y:.0}"),
                open: number(open),
                overdue: number(overdue),
            }
        });
        let mut listed: Vec<&PlaceFigures> = figures.iter().filter(|one| one.open > 0).collect();
        listed.sort_by(|a, b| b.open.cmp(&a.open).then(a.of.code.cmp(&b.of.code)));
        let rows = listed.iter().map(|one| Row {
            code: one.of.code.clone(),
            name: name(&one.of, lang).to_owned(),
            open: number(one.open),
            overdue: number(one.overdue),
        });
        Some(Self {
            height: format!("{:.0}", frame.height),
            shapes: shapes.collect(),
            rows: rows.collect(),
            open: number(figures.iter().map(|one| one.open).sum()),
            overdue: number(figures.iter().map(|one| one.overdue).sum()),
        })
    }
}

/// A district without the word for one: «Алмалинский», not «Алмалинский район».
fn short(name: &str) -> &str {
    [" район", " ауданы", " district"].iter().find_map(|word| name.strip_suffix(word)).unwrap_or(name)
}

/// How degrees become units of the map: north is up, and a degree of longitude is as much shorter as it is there.
struct Frame {
    west: f64,
    north: f64,
    across: f64,
    up: f64,
    height: f64,
}

impl Frame {
    fn of(districts: &[District]) -> Option<Self> {
        let points = || districts.iter().flat_map(points);
        let first = points().next()?;
        let (mut west, mut east, mut south, mut north) = (first.0, first.0, first.1, first.1);
        for (lon, lat) in points() {
            (west, east) = (west.min(lon), east.max(lon));
            (south, north) = (south.min(lat), north.max(lat));
        }
        let narrow = f64::midpoint(south, north).to_radians().cos();
        let up = WIDTH / ((east - west) * narrow).max(f64::EPSILON);
        Some(Self { west, north, across: up * narrow, up, height: (north - south) * up })
    }

    fn at(&self, (lon, lat): (f64, f64)) -> (f64, f64) {
        ((lon - self.west) * self.across, (self.north - lat) * self.up)
    }

    fn path(&self, district: &District) -> String {
        let mut path = String::new();
        for polygon in &district.border.0 {
            let mut last: Option<(f64, f64)> = None;
            for point in &polygon.exterior().0 {
                let (x, y) = self.at((point.x, point.y));
                if last.is_some_and(|(a, b)| (x - a).hypot(y - b) < NEAR) {
                    continue;
                }
                let step = if last.is_none() { 'M' } else { ' ' };
                let _ = write!(path, "{step}{x:.1},{y:.1}");
                last = Some((x, y));
            }
            path.push('Z');
        }
        path
    }
}

fn points(district: &District) -> impl Iterator<Item = (f64, f64)> + '_ {
    district.border.0.iter().flat_map(|polygon| polygon.exterior().0.iter().map(|point| (point.x, point.y)))
}

#[cfg(test)]
mod tests {
    use zholdary_city::Files;
    use zholdary_readmodel::Named;

    use super::*;

    #[test]
    fn each_district_has_its_place_and_shade() {
        let city = City::parse(&Files::from_entries(zholdary_testkit::shipped_city()).unwrap()).unwrap();
        let figures: Vec<PlaceFigures> = (1..)
            .zip(&city.districts)
            .map(|(open, district)| PlaceFigures {
                of: Named {
                    code: district.code.clone(),
                    ru: district.name.ru.clone(),
                    kk: district.name.kk.clone(),
                    en: district.name.en.clone(),
                },
                received: open,
                open,
                overdue: 0,
                settled: 0,
            })
            .collect();
        let map = Map::new(&city, &figures, Lang::Ru).unwrap();
        assert_eq!(map.shapes.len(), city.districts.len());
        let shades: Vec<usize> = map.shapes.iter().map(|shape| shape.shade).collect();
        assert!(shades.is_sorted() && shades[0] == 1 && shades.last() == Some(&SHADES), "{shades:?}");
        let height: f64 = map.height.parse().unwrap();
        for shape in &map.shapes {
            let (x, y): (f64, f64) = (shape.x.parse().unwrap(), shape.y.parse().unwrap());
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=height).contains(&y), "{}: {x}, {y}", shape.code);
            assert!(shape.path.starts_with('M') && shape.path.ends_with('Z'));
            assert!(!shape.name.contains("район"), "{}", shape.name);
        }
        assert_eq!(map.open, "36");
        let bare = City { districts: vec![], ..city };
        assert!(Map::new(&bare, &[], Lang::Ru).is_none());
    }
}
