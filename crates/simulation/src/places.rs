//! Where things are: phrases over the city's own streets, microdistricts, settlements and highways.

use zholdary_city::{Axis, City};

use crate::{chance::Chance, grammar::Tongue};

/// Houses of a street.
const HOUSES: i64 = 220;

/// How often a point is drawn in the box of a district before none is found in its border.
const DRAWS: usize = 40;

/// A place in words.
#[derive(Debug, Clone)]
pub(crate) struct Where {
    ru: String,
    kk: String,
    /// The code of the district that the words are certain of.
    district: Option<String>,
}

impl Where {
    fn new(ru: impl Into<String>, kk: impl Into<String>) -> Self {
        Self { ru: ru.into(), kk: kk.into(), district: None }
    }

    fn in_district(self, code: &str) -> Self {
        Self { district: Some(code.to_owned()), ..self }
    }

    /// Whether it is a place of the city whose district the words tell.
    pub(crate) const fn is_in_city(&self) -> bool {
        self.district.is_some()
    }

    pub(crate) fn said(&self, tongue: Tongue) -> &str {
        match tongue {
            Tongue::Ru => &self.ru,
            Tongue::Kk | Tongue::Mixed => &self.kk,
        }
    }
}

/// The places of a city that people write about.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    city: &'a City,
    /// Pairs of streets that cross in one district.
    crossings: Vec<(usize, usize)>,
    /// Streets of one district: who names them names it.
    certain: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(city: &'a City) -> Self {
        let mut crossings = Vec::new();
        for (a, one) in city.streets.iter().enumerate().filter(|(_, street)| street.axis == Axis::Ns) {
            for (b, other) in city.streets.iter().enumerate().filter(|(_, street)| street.axis == Axis::Ew) {
                let both = one.districts.iter().filter(|code| other.districts.contains(code)).count();
                if both == 1 {
                    crossings.push((a, b));
                }
            }
        }
        let certain = (0..city.streets.len()).filter(|at| city.streets[*at].districts.len() == 1).collect();
        Self { city, crossings, certain }
    }

    /// A crossing, a house or a street of one district.
    pub(crate) fn street(&self, chance: &mut Chance) -> Where {
        if !self.crossings.is_empty() && (self.certain.is_empty() || chance.happens(55)) {
            return self.crossing(chance);
        }
        if self.certain.is_empty() {
            return self.micro(chance, false);
        }
        let street = &self.city.streets[*chance.one(&self.certain)];
        let (ru, kk) = (&street.name.ru, &street.name.kk);
        let house = chance.between(1, HOUSES);
        let said = match chance.below(4) {
            0 => Where::new(format!("на {ru}"), format!("{kk} көшесінде")),
            1 => Where::new(format!("по {ru}"), format!("{kk} көшесінің бойында")),
            2 => Where::new(
                format!("на {ru}, возле дома {house}"),
                format!("{kk} көшесі, {house}-үйдің жанында"),
            ),
            _ => Where::new(format!("на {ru}, {house}"), format!("{kk} көшесінде, {house}-үй")),
        };
        said.in_district(&street.districts[0])
    }

    fn crossing(&self, chance: &mut Chance) -> Where {
        let (a, b) = *chance.one(&self.crossings);
        let (mut one, mut other) = (&self.city.streets[a], &self.city.streets[b]);
        if chance.happens(50) {
            std::mem::swap(&mut one, &mut other);
        }
        let (first, second) = (&one.name, &other.name);
        let said = match chance.below(3) {
            0 => Where::new(
                format!("на пересечении {} и {}", first.ru, second.ru),
                format!("{} мен {} қиылысында", first.kk, second.kk),
            ),
            1 => Where::new(
                format!("на углу {} и {}", first.ru, second.ru),
                format!("{} мен {} бұрышында", first.kk, second.kk),
            ),
            _ => Where::new(
                format!("на перекрёстке {} — {}", first.ru, second.ru),
                format!("{} – {} қиылысында", first.kk, second.kk),
            ),
        };
        let common = one.districts.iter().find(|code| other.districts.contains(code));
        common.map_or(said.clone(), |code| said.in_district(code))
    }

    /// A point of the map in the district that the words name, as a phone gives it.
    pub(crate) fn point(&self, place: &Where, chance: &mut Chance) -> Option<(f64, f64)> {
        let district = self.city.district(place.district.as_ref()?)?;
        let bounds = &district.bounds;
        let mut between = |from: f64, to: f64| {
            let part = f64::from(u32::try_from(chance.below(10_000)).unwrap_or_default()) / 10_000.0;
            ((from + (to - from) * part) * 1e5).round() / 1e5
        };
        (0..DRAWS)
            .map(|_| (between(bounds.lon_min, bounds.lon_max), between(bounds.lat_min, bounds.lat_max)))
            .find(|(lon, lat)| {
                self.city.district_at(*lon, *lat).is_some_and(|hit| hit.inside && hit.code == district.code)
            })
    }

    /// A microdistrict; for a yard with its house.
    pub(crate) fn micro(&self, chance: &mut Chance, yard: bool) -> Where {
        let certain: Vec<_> =
            self.city.microdistricts.iter().filter(|micro| micro.districts.len() == 1).collect();
        if certain.is_empty() {
            return Where::new("у нас", "бізде");
        }
        let micro = chance.one(&certain);
        let name = &micro.name;
        let house = chance.between(1, 90);
        let said = if yard || chance.happens(40) {
            Where::new(
                format!("в мкр. {}, дом {house}", name.ru),
                format!("{} ықшамауданында, {house}-үйде", name.kk),
            )
        } else {
            Where::new(format!("в мкр. {}", name.ru), format!("{} ықшамауданында", name.kk))
        };
        said.in_district(&micro.districts[0])
    }

    /// A settlement or a highway outside the city.
    pub(crate) fn outside(&self, chance: &mut Chance) -> Where {
        let far: Vec<_> = self
            .city
            .settlements
            .iter()
            .filter(|place| !place.near_border && place.same_as_city.is_empty() && place.kind != "district")
            .collect();
        let roads: Vec<_> =
            self.city.highways.iter().filter(|road| road.also_city_street.is_none()).collect();
        if far.is_empty() || (!roads.is_empty() && chance.happens(45)) {
            let name = &chance.one(&roads).name;
            return Where::new(format!("на трассе {}", name.ru), format!("{} тасжолында", name.kk));
        }
        let place = chance.one(&far);
        let name = &place.name;
        if place.kind == "village" {
            Where::new(format!("в селе {}", name.ru), format!("{} ауылында", name.kk))
        } else {
            Where::new(format!("в городе {}", name.ru), format!("{} қаласында", name.kk))
        }
    }
}
