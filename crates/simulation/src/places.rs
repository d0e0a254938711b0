//! Where things are: phrases over the city's own streets, microdistricts, settlements and highways.

use zholdary_city::{Axis, City};

use crate::{chance::Chance, grammar::Tongue};

/// Houses of a street.
const HOUSES: i64 = 220;

/// A place in words.
#[derive(Debug, Clone)]
pub(crate) struct Where {
    ru: String,
    kk: String,
}

impl Where {
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
        let street = &self.city.streets[*chance.one(&self.certain)].name;
        let house = chance.between(1, HOUSES);
        match chance.below(4) {
            0 => Where { ru: format!("на {}", street.ru), kk: format!("{} көшесінде", street.kk) },
            1 => Where {
                ru: format!("по {}", street.ru), kk: format!("{} көшесінің бойында", street.kk)
            },
            2 => Where {
                ru: format!("на {}, возле дома {house}", street.ru),
                kk: format!("{} көшесі, {house}-үйдің жанында", street.kk),
            },
            _ => Where {
                ru: format!("на {}, {house}", street.ru),
                kk: format!("{} көшесінде, {house}-үй", street.kk),
            },
        }
    }

    fn crossing(&self, chance: &mut Chance) -> Where {
        let (a, b) = *chance.one(&self.crossings);
        let (mut one, mut other) = (&self.city.streets[a].name, &self.city.streets[b].name);
        if chance.happens(50) {
            std::mem::swap(&mut one, &mut other);
        }
        match chance.below(3) {
            0 => Where {
                ru: format!("на пересечении {} и {}", one.ru, other.ru),
                kk: format!("{} мен {} қиылысында", one.kk, other.kk),
            },
            1 => Where {
                ru: format!("на углу {} и {}", one.ru, other.ru),
                kk: format!("{} мен {} бұрышында", one.kk, other.kk),
            },
            _ => Where {
                ru: format!("на перекрёстке {} — {}", one.ru, other.ru),
                kk: format!("{} – {} қиылысында", one.kk, other.kk),
            },
        }
    }

    /// A microdistrict; for a yard with its house.
    pub(crate) fn micro(&self, chance: &mut Chance, yard: bool) -> Where {
        let certain: Vec<_> =
            self.city.microdistricts.iter().filter(|micro| micro.districts.len() == 1).collect();
        if certain.is_empty() {
            return Where { ru: "у нас".to_owned(), kk: "бізде".to_owned() };
        }
        let name = &chance.one(&certain).name;
        let house = chance.between(1, 90);
        if yard || chance.happens(40) {
            Where {
                ru: format!("в мкр. {}, дом {house}", name.ru),
                kk: format!("{} ықшамауданында, {house}-үйде", name.kk),
            }
        } else {
            Where {
                ru: format!("в мкр. {}", name.ru), kk: format!("{} ықшамауданында", name.kk)
            }
        }
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
            return Where {
                ru: format!("на трассе {}", name.ru), kk: format!("{} тасжолында", name.kk)
            };
        }
        let place = chance.one(&far);
        let name = &place.name;
        if place.kind == "village" {
            Where { ru: format!("в селе {}", name.ru), kk: format!("{} ауылында", name.kk) }
        } else {
            Where {
                ru: format!("в городе {}", name.ru), kk: format!("{} қаласында", name.kk)
            }
        }
    }
}
