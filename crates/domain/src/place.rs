//! Where something is, as understood from words and points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::personal::{self, Personal};

/// A point on the map, WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Longitude, degrees east, -180 to 180.
    pub lon: f64,
    /// Latitude, degrees north, -90 to 90.
    pub lat: f64,
}

// No coordinate is NaN: JSON knows none, so none is read from the log, and `Point::new`, by which outside data should
// come in, takes none.
impl Eq for Point {}

impl Point {
    /// A point, or nothing when a coordinate is not a number within its range.
    #[must_use]
    pub fn new(lon: f64, lat: f64) -> Option<Self> {
        ((-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat)).then_some(Self { lon, lat })
    }

    /// How far the other point is, in metres on a sphere (haversine; a city's distances are right to half a percent).
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        const EARTH_METRES: f64 = 6_371_000.0;
        let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
        let (lat, lon) = (half(other.lat - self.lat), half(other.lon - self.lon));
        let across = self.lat.to_radians().cos() * other.lat.to_radians().cos() * lon;
        2.0 * EARTH_METRES * (lat + across).sqrt().min(1.0).asin()
    }
}

/// What kind of words named the place (`city.toml [place] kinds`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// Two streets that cross.
    Intersection,
    /// A street from one place to another.
    Segment,
    /// A street or microdistrict with a house.
    Address,
    /// A street.
    Street,
    /// A microdistrict.
    Microdistrict,
    /// A known thing people name places by.
    Landmark,
    /// Only a point on the map.
    Point,
    /// A town or village of the region.
    Settlement,
    /// A road outside the city.
    Highway,
    /// No place was named.
    #[default]
    None,
}

impl PlaceKind {
    /// The code that rules use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Intersection => "intersection",
            Self::Segment => "segment",
            Self::Address => "address",
            Self::Street => "street",
            Self::Microdistrict => "microdistrict",
            Self::Landmark => "landmark",
            Self::Point => "point",
            Self::Settlement => "settlement",
            Self::Highway => "highway",
            Self::None => "none",
        }
    }
}

/// A place as understood. Names are the city's own (`name_ru`), so they are not personal; a house and a point are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What named it.
    pub kind: PlaceKind,
    /// A yard, not a street (tag `yard`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yard: bool,
    /// `name_ru` of the streets, microdistricts, settlements and highways where the problem is, in order. Streets that only
    /// bound it stand in `from` and `to`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Code of the district, when one is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Codes of the districts that may be right, when more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// `name_ru` of the street where a segment begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `name_ru` of the street where a segment ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// House or building.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub house: Option<Personal<String>>,
    /// Point on the map, as the resident gave it.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub point: Option<Personal<Point>>,
    /// Inside the city, outside it, or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_city: Option<bool>,
    /// `name_ru` of the settlement that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<String>,
    /// `name_ru` of the highway that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highway: Option<String>,
}

impl Place {
    /// Whether anything is known about where it is.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.kind != PlaceKind::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_a_map() {
        let at = |lon, lat| Point::new(lon, lat).unwrap();
        let check = |from: Point, to: Point, metres: f64| {
            let found = from.metres_to(to);
            assert!((found - metres).abs() <= metres * 0.005 + 0.001, "{from:?} {to:?}: {found}");
            assert!((to.metres_to(from) - found).abs() < 1e-6);
        };
        check(at(76.9, 43.25), at(76.9, 43.25), 0.0);
        // A thousandth of a degree: northwards 111 m everywhere, eastwards 81 m at this latitude.
        check(at(76.9, 43.25), at(76.9, 43.251), 111.2);
        check(at(76.9, 43.25), at(76.901, 43.25), 81.0);
        check(at(0.0, 0.0), at(180.0, 0.0), 20_015_000.0);
    }
}
