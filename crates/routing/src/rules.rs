//! Who acts: the rules of the city, tried from top to bottom. Pure, so `route`, `what-if` and the command `triage` share it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use zholdary_city::{
    Category, City, Lang, Names, PartyRef, PlaceTest, Rule, Values, WorksHit, WorksMatch, WorksTest,
};
use zholdary_domain::{
    Place,
    appeal::{Because, Clock, DESK, Deadline, Due, Finding, FindingId, Route, TermCause},
};

/// What the rules look at.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Which finding it is.
    pub id: FindingId,
    /// The finding: category, priority, place.
    pub finding: &'a Finding,
    /// Whether any of these stems stands in the text.
    pub has_stem: &'a dyn Fn(&[String]) -> bool,
    /// The mark on a manhole's cover and its owner, when the text tells it.
    pub cover: Option<(&'a str, &'a PartyRef)>,
    /// When the message that opened the appeal was recorded: terms count from here.
    pub received_at: DateTime<Utc>,
    /// The local day on which it is decided: works and validity of parties are asked for this day.
    pub day: NaiveDate,
}

/// What the rules said.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The decision to record.
    pub route: Route,
    /// Code of the template of a question that is sent too.
    pub ask: Option<String>,
    /// The category's priority is the first one: nobody waits for anything.
    pub danger: bool,
}

/// The first rule that holds decides.
#[must_use]
pub fn decide(city: &City, case: &Case<'_>) -> Decision {
    let works = works_of(city, &case.finding.place, case.day);
    let look = Look { city, case, category: city.category(&case.finding.category), works };
    let held = city.rules.iter().find_map(|rule| look.holds(rule).map(|row| (rule, row)));
    match held {
        Some((rule, row)) => look.decision(rule, row),
        // A validated city's last rule is total; without one the desk is what it would have said.
        None => look.nothing_holds(),
    }
}

/// The rows of the works register at a place.
#[must_use]
pub fn works_of<'a>(city: &'a City, place: &Place, day: NaiveDate) -> WorksHit<'a> {
    let point = place.point.as_ref().map(|p| (p.reveal().lon, p.reveal().lat));
    let mut streets: Vec<&str> = place.names.iter().map(String::as_str).collect();
    streets.extend(place.from.as_deref());
    streets.extend(place.to.as_deref());
    city.works_at(point, &streets, day)
}

struct Look<'a> {
    city: &'a City,
    case: &'a Case<'a>,
    category: Option<&'a Category>,
    works: WorksHit<'a>,
}

/// A party as resolved: its code, and whom to choose from when nothing resolved it.
struct Resolved {
    code: String,
    waits_at: Option<String>,
    candidates: Vec<String>,
}

impl<'a> Look<'a> {
    /// Whether every condition holds, with the row of works that made it hold.
    fn holds(&self, rule: &Rule) -> Option<Option<&WorksMatch<'a>>> {
        let (when, place) = (&rule.when, &self.case.finding.place);
        let category = self.category;
        let settlement = place.settlement.as_deref().and_then(|name| self.city.settlement(name));
        let row = match &when.works {
            Some(tests) => Some(tests.iter().find_map(|test| self.works.deciding(*test))?),
            None => None,
        };
        let holds = when.category.as_ref().is_none_or(|c| category.is_some_and(|k| c.contains(&k.code)))
            && when.group.as_ref().is_none_or(|g| category.is_some_and(|k| g.contains(&k.group)))
            && when.needs_place.is_none_or(|n| category.is_some_and(|k| k.needs_place == n))
            && when.place.as_ref().is_none_or(|tests| {
                tests.iter().any(|test| match test {
                    PlaceTest::Kind(kind) => place.kind == *kind,
                    PlaceTest::Yard => place.yard,
                })
            })
            && when.in_city.is_none_or(|inside| place.in_city == Some(inside))
            && when.near_border.is_none_or(|near| settlement.is_some_and(|s| s.near_border == near))
            && when.stems.as_ref().is_none_or(|stems| (self.case.has_stem)(stems))
            && when.cover_mark.is_none_or(|known| self.case.cover.is_some() == known);
        holds.then_some(row)
    }

    fn decision(&self, rule: &Rule, row: Option<&WorksMatch<'a>>) -> Decision {
        let Case { id, finding, day, .. } = *self.case;
        let danger = self.city.is_danger(finding);
        let party = self.party(&rule.party, row);
        let mut route = self.blank();
        let copies = rule.copy_to.iter().map(|c| self.party(c, row)).filter(|c| c.waits_at.is_none());
        route.copies =
            copies.map(|c| c.code).filter(|code| *code != party.code).fold(vec![], |mut all, code| {
                if !all.contains(&code) {
                    all.push(code);
                }
                all
            });
        let values = self.values(&party.code, row);
        route.because = rule.because.fill_all(&values).map_or_else(
            // A validated rule can be filled whenever it holds; if it cannot, its name still says which it was.
            |_| Because { ru: rule.code.clone(), kk: rule.code.clone(), en: rule.code.clone() },
            |names| Because { ru: names.ru, kk: names.kk, en: names.en },
        );
        route.rule.clone_from(&rule.code);
        route.bucket = rule.bucket.clone().unwrap_or(route.bucket);
        route.outside = self.city.party(&party.code).is_some_and(|p| p.outside);
        route.candidates = party.candidates;
        route.waits_at = party.waits_at;
        route.to = party.code;
        route.inputs = self.inputs(row, day);
        self.say_who_chooses(&mut route);
        self.hold_when_unsure(&mut route, finding, danger);
        let near_border = finding
            .place
            .settlement
            .as_deref()
            .and_then(|name| self.city.settlement(name))
            .is_some_and(|s| s.near_border);
        let ask = rule.ask.clone().or_else(|| rule.ask_near_border.clone().filter(|_| near_border));
        debug_assert_eq!(route.finding, id);
        Decision { route, ask, danger }
    }

    fn nothing_holds(&self) -> Decision {
        Decision { route: self.blank(), ask: None, danger: self.city.is_danger(self.case.finding) }
    }

    /// A class of parties that nothing resolved: an operator chooses, and sees from whom.
    fn say_who_chooses(&self, route: &mut Route) {
        if route.waits_at.is_none() {
            return;
        }
        let names: Vec<&Names> =
            route.candidates.iter().filter_map(|code| self.city.party(code)).map(|p| &p.name).collect();
        let list = |lang| {
            let names: Vec<_> = names.iter().map(|n| n.get(lang)).collect();
            if names.is_empty() { String::new() } else { format!(": {}", names.join(" / ")) }
        };
        let because = &mut route.because;
        because.ru += &format!(" Кто именно, выбирает оператор{}.", list(Lang::Ru));
        because.kk += &format!(" Нақты кім екенін оператор таңдайды{}.", list(Lang::Kk));
        if !because.en.is_empty() {
            because.en += &format!(" An operator chooses which one{}.", list(Lang::En));
        }
    }

    /// Below the city's threshold a person decides; a danger never waits.
    fn hold_when_unsure(&self, route: &mut Route, finding: &Finding, danger: bool) {
        let desk = route.to == DESK || route.waits_at.is_some();
        if danger || desk || self.city.is_sure(finding.confidence) {
            return;
        }
        route.waits_at = Some(DESK.to_owned());
        let (is, least) = (percent(finding.confidence.share()), percent(self.city.matching.desk_below));
        let because = &mut route.because;
        because.ru += &format!(" Уверенность {is} % ниже {least} %: сначала смотрит оператор.");
        because.kk += &format!(" Сенімділік {is} %, бұл {least} %-дан төмен: алдымен оператор қарайды.");
        if !because.en.is_empty() {
            because.en += &format!(" Confidence {is} % is below {least} %: an operator looks first.");
        }
    }

    /// The route before any rule: at the desk, with the category's own group and terms.
    fn blank(&self) -> Route {
        let Case { id, finding, received_at, .. } = *self.case;
        Route {
            finding: id,
            to: DESK.to_owned(),
            waits_at: None,
            candidates: vec![],
            copies: vec![],
            outside: false,
            bucket: self.category.map_or_else(|| "other".to_owned(), |c| c.bucket.clone()),
            category: finding.category.clone(),
            priority: finding.priority.clone(),
            due: due(self.city, self.category, received_at),
            rules: self.city.version.to_string(),
            rule: "desk".to_owned(),
            because: Because::default(),
            inputs: BTreeMap::new(),
        }
    }

    fn party(&self, party: &PartyRef, row: Option<&WorksMatch<'a>>) -> Resolved {
        let category = self.category;
        let named = match party {
            PartyRef::Code(code) => Some(code.clone()),
            PartyRef::CategoryParty => category.map(|c| c.party.clone()),
            PartyRef::PlaceDistrict => Some(self.district()),
            PartyRef::WorksContractor => {
                self.works_row(row).map(|m| m.row.contractor.clone().unwrap_or_else(|| m.row.owner.clone()))
            }
            PartyRef::WorksOwner => self.works_row(row).map(|m| m.row.owner.clone()),
            PartyRef::CoverOwner => match self.case.cover {
                Some((_, PartyRef::Code(code))) => Some(code.clone()),
                Some(_) => Some(self.district()),
                None => None,
            },
            PartyRef::HighwayParty => {
                let name = self.case.finding.place.highway.as_deref();
                name.and_then(|name| self.city.highway(name)).map(|h| h.party.clone())
            }
            PartyRef::SettlementParty => {
                let name = self.case.finding.place.settlement.as_deref();
                name.and_then(|name| self.city.settlement(name)).map(|s| s.party.clone())
            }
        };
        let code = named.unwrap_or_else(|| DESK.to_owned());
        self.resolved(&code, row)
    }

    /// Turns a class of parties into a party, and a party into the one of this day.
    fn resolved(&self, code: &str, row: Option<&WorksMatch<'a>>) -> Resolved {
        let Some(class) = self.city.party(code).filter(|p| p.is_abstract) else {
            let category = self.category.map(|c| c.code.as_str());
            let code = self.city.party_on(code, self.case.day, category).to_owned();
            return Resolved { code, waits_at: None, candidates: vec![] };
        };
        let place = &self.case.finding.place;
        let found = match class.resolve {
            Some(PartyRef::PlaceDistrict) => {
                place.district.as_deref().map(|district| self.city.place.party_of(district))
            }
            Some(PartyRef::WorksContractor) => {
                self.works_row(row).map(|m| m.row.contractor.clone().unwrap_or_else(|| m.row.owner.clone()))
            }
            _ => None,
        };
        match found {
            Some(code) if !self.city.party(&code).is_none_or(|p| p.is_abstract) => self.resolved(&code, row),
            _ => Resolved {
                code: code.to_owned(),
                waits_at: Some(class.unresolved_to.clone().unwrap_or_else(|| DESK.to_owned())),
                candidates: place.candidates.iter().map(|d| self.city.place.party_of(d)).collect(),
            },
        }
    }

    fn district(&self) -> String {
        match &self.case.finding.place.district {
            Some(district) => self.city.place.party_of(district),
            None => self.city.place.undecided_district.clone(),
        }
    }

    /// The row that made the rule hold, else the surest one that covers the place.
    fn works_row<'b>(&'b self, row: Option<&'b WorksMatch<'a>>) -> Option<&'b WorksMatch<'a>> {
        row.or_else(|| {
            [WorksTest::Active, WorksTest::Warranty, WorksTest::Permit]
                .iter()
                .find_map(|test| self.works.deciding(*test))
        })
    }

    fn values(&self, party: &str, row: Option<&WorksMatch<'a>>) -> Values {
        let (city, place) = (self.city, &self.case.finding.place);
        let mut values = Values::new();
        if let Some(category) = self.category {
            values.set_names("category", &category.name);
        }
        if let Some(party) = city.party(party) {
            values.set_names("party", &party.name);
        }
        if let Some(district) = place.district.as_deref().and_then(|code| city.district(code)) {
            values.set_names("district", &district.name);
        }
        values.set_names("place", &place_names(city, place));
        if let Some(street) = place.names.iter().find_map(|name| city.street(name)) {
            values.set_names("street", &city.street_title(&street.name.ru));
        }
        if let Some(highway) = place.highway.as_deref().and_then(|name| city.highway(name)) {
            values.set_names("highway", &highway.name);
        }
        if let Some(settlement) = place.settlement.as_deref().and_then(|name| city.settlement(name)) {
            values.set_names("settlement", &settlement.name);
        }
        if let Some(found) = self.works_row(row) {
            set_works(city, &mut values, found);
        }
        if let Some((mark, _)) = self.case.cover {
            values.set("mark", mark);
        }
        values
    }

    /// What the decision looked at, in closed words.
    fn inputs(&self, row: Option<&WorksMatch<'a>>, day: NaiveDate) -> BTreeMap<String, String> {
        let place = &self.case.finding.place;
        let mut inputs = BTreeMap::from([
            ("category".to_owned(), self.case.finding.category.clone()),
            ("confidence".to_owned(), self.case.finding.confidence.0.to_string()),
            ("day".to_owned(), day.to_string()),
            ("place".to_owned(), place.kind.code().to_owned()),
        ]);
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                inputs.insert(key.to_owned(), value);
            }
        };
        put("names", (!place.names.is_empty()).then(|| place.names.join(" · ")));
        put("district", place.district.clone());
        put("in_city", place.in_city.map(|inside| inside.to_string()));
        put("yard", place.yard.then(|| "true".to_owned()));
        put("works", self.works_row(row).map(|m| m.row.id.clone()));
        put("works_near", self.works.hints.first().map(|m| m.row.id.clone()));
        put("cover_mark", self.case.cover.map(|(mark, _)| mark.to_owned()));
        inputs
    }
}

/// The terms of a finding: the law's, and the city's own.
#[must_use]
pub fn due(city: &City, category: Option<&Category>, received_at: DateTime<Utc>) -> Due {
    let legal = &city.legal;
    let calendar = &city.calendar;
    let mut due = Due::from([(
        Clock::Legal,
        Deadline {
            at: calendar.due_after_receipt(received_at, legal.answer_working_days),
            from: received_at,
            cause: TermCause::Law {
                article: u16::try_from(legal.articles.answer).unwrap_or_default(),
                working_days: u16::try_from(legal.answer_working_days).unwrap_or_default(),
                registered_on: calendar.registration_day(received_at),
            },
        },
    )]);
    let targets = [
        (Clock::Service, category.and_then(|c| c.fix_hours)),
        (Clock::Secure, category.and_then(|c| c.secure_hours)),
    ];
    for (clock, hours) in targets {
        if let (Some(category), Some(hours)) = (category, hours.filter(|h| *h > 0)) {
            let at = calendar.service_due(received_at, hours);
            let cause = TermCause::Target { category: category.code.clone(), hours };
            due.insert(clock, Deadline { at, from: received_at, cause });
        }
    }
    due
}

/// A place in words, without the house: what may stand in a decision's reason and in public.
#[must_use]
pub fn place_names(city: &City, place: &Place) -> Names {
    let titles: Vec<Names> = place
        .names
        .iter()
        .map(|name| {
            let others = city
                .microdistricts
                .iter()
                .map(|m| &m.name)
                .chain(city.settlements.iter().map(|s| &s.name))
                .chain(city.highways.iter().map(|h| &h.name));
            match city.street(name) {
                Some(street) => street.name.clone(),
                None => others.into_iter().find(|n| n.ru == *name).cloned().unwrap_or_else(|| Names {
                    ru: name.clone(),
                    kk: name.clone(),
                    en: name.clone(),
                }),
            }
        })
        .collect();
    let join = |get: fn(&Names) -> &str| titles.iter().map(get).collect::<Vec<_>>().join(" — ");
    Names {
        ru: join(|n| &n.ru),
        kk: join(|n| &n.kk),
        en: join(|n| if n.en.is_empty() { &n.ru } else { &n.en }),
    }
}

/// Puts a row of the works register into the placeholders that speak of works.
pub(crate) fn set_works(city: &City, values: &mut Values, found: &WorksMatch<'_>) {
    let row = found.row;
    values.set("works", row.id.clone());
    if let Some(kind) = city.phrase(&format!("kind_{}", row.kind)) {
        let phrase = kind.fill_all(&Values::new()).unwrap_or_default();
        values.set_names("kind", &phrase);
    }
    for (name, day) in [("starts", row.start), ("ends", row.finish), ("warranty_until", found.warranty_until)]
    {
        for lang in [Lang::Ru, Lang::Kk, Lang::En] {
            values.set_in(lang, name, city.letterhead.date(day, lang));
        }
    }
    if let Some(owner) = city.party(&row.owner) {
        values.set_names("owner", &owner.name);
    }
    if let Some(contractor) = row.contractor.as_deref().and_then(|code| city.party(code)) {
        values.set_names("contractor", &contractor.name);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares are 0 to 1, so this is 0 to 100"
)]
fn percent(share: f64) -> u8 {
    (share * 100.0).round() as u8
}

#[cfg(test)]
pub(crate) mod tests {
    use zholdary_domain::{PlaceKind, appeal::Permille};

    use super::*;

    /// The city that ships with the product.
    pub(crate) fn city() -> City {
        City::parse(&zholdary_city::Files::from_entries(zholdary_testkit::shipped_city()).unwrap()).unwrap()
    }

    fn address(district: &str) -> Place {
        Place {
            kind: PlaceKind::Address,
            names: vec!["Сатпаева".into()],
            district: (!district.is_empty()).then(|| district.to_owned()),
            in_city: Some(true),
            ..Place::default()
        }
    }

    #[derive(Clone, Copy)]
    struct Expected {
        rule: &'static str,
        to: &'static str,
        waits_at: Option<&'static str>,
        asks: bool,
        danger: bool,
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let city = city();
        let check = |category: &str, permille: u16, place: Place, expected: &Expected| {
            let known = city.category(category);
            let finding = Finding {
                category: category.to_owned(),
                priority: known.map_or("normal", |c| c.priority.as_str()).to_owned(),
                confidence: Permille(permille),
                because: vec![],
                place,
            };
            let received_at = "2026-11-20T05:00:00Z".parse().unwrap();
            let Decision { route, ask, danger } = decide(
                &city,
                &Case {
                    id: FindingId(0),
                    finding: &finding,
                    has_stem: &|_| false,
                    cover: None,
                    received_at,
                    day: city.calendar.local_date(received_at),
                },
            );
            let Expected { rule, to, waits_at, asks, danger: hurts } = *expected;
            let found = (route.rule.as_str(), route.to.as_str(), route.waits_at.as_deref());
            assert_eq!(found, (rule, to, waits_at), "{finding:?}");
            assert_eq!((ask.is_some(), danger), (asks, hurts), "{finding:?}");
            assert!(route.due.values().all(|due| due.at > received_at), "{route:?}");
        };
        let plain = Expected { rule: "category", to: "", waits_at: None, asks: false, danger: false };
        let nowhere = Place::default;
        let yard = Place { yard: true, ..address("auezov") };
        let border = Place { candidates: vec!["almaly".into(), "bostandyk".into()], ..address("") };
        let zharyq = Expected { to: "zharyq", ..plain };
        check("light_fault", 1000, address("medeu"), &zharyq);
        check("light_fault", 0, address("medeu"), &Expected { waits_at: Some(DESK), ..zharyq });
        check("pothole", 1000, address("bostandyk"), &Expected { to: "akimat-bostandyk", ..plain });
        check("pothole", 1000, border.clone(), &Expected { to: "district", waits_at: Some(DESK), ..plain });
        check("pothole", 1000, yard, &Expected { rule: "yard", to: "akimat-auezov", ..plain });
        let asked = Expected { rule: "ask_place", to: DESK, asks: true, ..plain };
        check("pothole", 1000, nowhere(), &asked);
        check("manhole_open", 1000, nowhere(), &Expected { danger: true, ..asked });
        // A danger waits for no confidence; whom it is not certain to concern, a person chooses.
        let danger = Expected { danger: true, ..plain };
        check("manhole_open", 0, address("medeu"), &Expected { to: "akimat-medeu", ..danger });
        check("manhole_open", 0, border, &Expected { to: "district", waits_at: Some(DESK), ..danger });
        check("of another release", 1000, address("medeu"), &Expected { rule: "desk", to: DESK, ..plain });
    }
}
