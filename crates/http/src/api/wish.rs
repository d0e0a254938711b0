//! What people may ask of an appeal: bodies, checked against the city and against where the appeal stands.
//!
//! Pure: a body, a city and an appeal in; a command of the domain out.

use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zholdary_city::City;
use zholdary_domain::{
    AppealId, Personal, Place, PlaceKind, Point,
    appeal::{self, Actor, Appeal, Because, Command, Deadline, FindingId, FindingState, Route, TermCause},
};

use crate::{
    config::Limits,
    problem::{Code, Problem},
};

/// What a wish is checked against.
pub(crate) struct Asked<'a> {
    pub(crate) city: &'a City,
    pub(crate) id: AppealId,
    pub(crate) appeal: &'a Appeal,
    pub(crate) by: &'a Actor,
    pub(crate) limits: &'a Limits,
    /// The clock, UTC.
    pub(crate) now: DateTime<Utc>,
}

/// A body that asks something of an appeal.
pub(crate) trait Wish {
    /// The command, or why it cannot be one.
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem>;

    /// The photos that it names as proof: they must be kept.
    fn proof(&self) -> &[String] {
        &[]
    }
}

/// Take the task.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Accept {
    /// Number of the finding within the appeal; 0 is the main one.
    finding: u16,
}

impl Wish for Accept {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        Ok(Command::Accept { finding: FindingId(self.finding), by: asked.by.clone() })
    }
}

/// Give the task back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Why.
    reason: String,
}

impl Wish for Refuse {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        let reason = asked.said("reason", &self.reason)?;
        Ok(Command::Refuse { finding: FindingId(self.finding), by: asked.by.clone(), reason })
    }
}

/// Begin the work.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Start {
    /// Number of the finding within the appeal; 0 is the main one.
    finding: u16,
}

impl Wish for Start {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        Ok(Command::Start { finding: FindingId(self.finding), by: asked.by.clone() })
    }
}

/// Report the work as done: with an explanation or a photo.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Done {
    /// Number of the finding within the appeal; 0 is the main one.
    finding: u16,
    /// What was done.
    explanation: Option<String>,
    /// Photos that show it: what `POST /api/v1/files` called them.
    proof: Vec<String>,
}

impl Wish for Done {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        let is_hash = |p: &String| p.len() == 64 && p.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if self.proof.len() > asked.limits.photos_max {
            return Err(Problem::bad_field("proof", format!("{} photos at most", asked.limits.photos_max)));
        }
        if let Some(i) = self.proof.iter().position(|p| !is_hash(p)) {
            return Err(Problem::bad_field(format!("proof[{i}]"), "64 hexadecimal digits"));
        }
        let explanation = self.explanation.as_deref().map(|e| asked.said("explanation", e)).transpose()?;
        Ok(Command::Finish {
            finding: FindingId(self.finding),
            by: asked.by.clone(),
            explanation,
            proof: self.proof.clone(),
        })
    }

    fn proof(&self) -> &[String] {
        &self.proof
    }
}

/// Write a note; residents never see it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// The note.
    text: String,
}

impl Wish for Note {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        if let Actor::Party { code } = asked.by
            && !asked.appeal.findings.iter().any(|f| concerns(f, code))
        {
            return Err(Problem::new(Code::NotYours, ""));
        }
        Ok(Command::Note { by: asked.by.clone(), text: asked.said("text", &self.text)? })
    }
}

/// Correct what the rules had understood. With a party the finding goes there; else the rules decide again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correct {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Code of the right category.
    #[serde(default)]
    category: Option<String>,
    /// The right place.
    #[serde(default)]
    place: Option<Where>,
    /// Code of the right party.
    #[serde(default)]
    party: Option<String>,
    /// Why. With a party everybody reads it: no names and no phones.
    reason: String,
}

impl Wish for Correct {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        let finding = FindingId(self.finding);
        let reason = asked.said("reason", &self.reason)?;
        if let Some(code) = &self.category {
            asked.category("category", code)?;
        }
        let place = self.place.as_ref().map(|p| p.place(asked, "place")).transpose()?.map(Box::new);
        let route = match &self.party {
            Some(to) => {
                let category = self.category.as_deref();
                Some(Box::new(asked.route(finding, "party", to, category, &self.reason)?))
            }
            None => None,
        };
        Ok(Command::Correct {
            finding,
            category: self.category.clone(),
            place,
            route,
            by: asked.by.clone(),
            reason,
        })
    }
}

/// Answer the resident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerResident {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// The answer.
    text: String,
    /// Its language, `ru` or `kk`. Default: that of the resident's words.
    #[serde(default)]
    lang: Option<String>,
    /// Whether the finding is settled by it. Default: it is.
    #[serde(default = "yes")]
    settles: bool,
}

const fn yes() -> bool {
    true
}

impl Wish for AnswerResident {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        let lang = match self.lang.as_deref() {
            Some(lang @ ("ru" | "kk")) => lang,
            Some(_) => return Err(Problem::bad_field("lang", "ru or kk")),
            None => asked
                .appeal
                .understanding
                .as_ref()
                .map_or(asked.city.meta.default_language.code(), |u| u.lang.answer()),
        };
        if self.text.trim().is_empty() {
            return Err(Problem::bad_field("text", "an answer has words"));
        }
        let text = asked.within("text", &self.text, asked.limits.answer_max_chars)?;
        Ok(Command::Answer(Box::new(appeal::Answer {
            finding: FindingId(self.finding),
            template: None,
            version: None,
            lang: lang.to_owned(),
            text,
            settles: self.settles,
            by: asked.by.clone(),
        })))
    }
}

/// Record whether it is fixed, as its author told a person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// «Yes, it is.»
    fixed: bool,
}

impl Wish for Rate {
    fn command(&self, _: &Asked<'_>) -> Result<Command, Problem> {
        Ok(Command::Rate { fixed: self.fixed, message: None })
    }
}

macro_rules! with_reason {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            /// Why.
            reason: String,
        }

        impl Wish for $name {
            fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
                let reason = asked.said("reason", &self.reason)?;
                Ok(Command::$name { by: asked.by.clone(), reason })
            }
        }
    };
}

with_reason!(
    /// Open it again.
    Reopen
);
with_reason!(
    /// Close it.
    Close
);
with_reason!(
    /// Do not consider it: no appeal in the sense of the law.
    NotConsider
);

/// Make other appeals of parts of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    /// How many new appeals; the first part stays.
    parts: u32,
}

impl Wish for Split {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        if self.parts > asked.limits.parts_max {
            return Err(Problem::bad_field("parts", format!("{} at most", asked.limits.parts_max)));
        }
        Ok(Command::Split { of: asked.id, parts: self.parts, by: asked.by.clone() })
    }
}

/// Count it to the same problem as another appeal.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    /// Number or id of the first appeal about the problem.
    pub(crate) appeal: String,
}

/// [`Join`], with the number looked up.
pub(crate) struct JoinTo(pub(crate) AppealId);

impl Wish for JoinTo {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        Ok(Command::Join { of: asked.id, problem: self.0, by: asked.by.clone() })
    }
}

/// Make another party responsible.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redirect {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Code of the party.
    to: String,
    /// Why: everybody reads it, so no names and no phones.
    reason: String,
}

impl Wish for Redirect {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        asked.reasoned("reason", &self.reason)?;
        let route = asked.route(FindingId(self.finding), "to", &self.to, None, &self.reason)?;
        Ok(Command::Redirect { route: Box::new(route), alarms: vec![], by: asked.by.clone() })
    }
}

/// Move a term, with notice to the resident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extend {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Which clock: `legal`, `service` or `secure`.
    #[schema(value_type = String)]
    clock: appeal::Clock,
    /// The new term.
    until: DateTime<Utc>,
    /// Why: it stands in the notice, so no names and no phones.
    reason: String,
}

impl Wish for Extend {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        asked.reasoned("reason", &self.reason)?;
        let finding = FindingId(self.finding);
        let known = asked.finding(finding)?;
        let Some(present) = known.due.get(&self.clock) else {
            return Err(Problem::bad_field("clock", "no such clock runs for this finding"));
        };
        if self.until <= present.at || self.until <= asked.now {
            return Err(Problem::bad_field("until", "later than the present term, and than now"));
        }
        let years = asked.limits.term_max_years;
        let furthest = asked.now.checked_add_months(Months::new(years.saturating_mul(12)));
        if furthest.is_none_or(|furthest| self.until > furthest) {
            return Err(Problem::bad_field("until", format!("{years} years ahead at most")));
        }
        let months = asked.city.legal.extend_max_months;
        let latest = present.at.checked_add_months(Months::new(months));
        if self.clock == appeal::Clock::Legal && latest.is_some_and(|latest| self.until > latest) {
            return Err(Problem::bad_field("until", format!("the law allows {months} months at most")));
        }
        let cause = TermCause::Extended { reason: self.reason.clone() };
        let deadline = Deadline { at: self.until, from: present.from, cause };
        Ok(Command::Extend { finding, clock: self.clock, deadline, by: asked.by.clone() })
    }
}

/// Tell somebody above.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Escalate {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Code of the party that is told.
    to: String,
}

impl Wish for Escalate {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        asked.party("to", &self.to)?;
        Ok(Command::Escalate { finding: FindingId(self.finding), to: self.to.clone(), by: asked.by.clone() })
    }
}

/// Make it official under the law.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Official {
    /// Code of the legal kind.
    kind: String,
}

impl Wish for Official {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        if !asked.city.legal_kinds.iter().any(|k| k.code == self.kind) {
            let codes: Vec<_> = asked.city.legal_kinds.iter().map(|k| k.code.as_str()).collect();
            return Err(Problem::bad_field("kind", format!("one of {}", codes.join(", "))));
        }
        Ok(Command::MakeOfficial { kind: self.kind.clone(), by: asked.by.clone() })
    }
}

/// Say where it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivePlace {
    /// Number of the finding within the appeal; 0 is the main one.
    #[serde(default)]
    finding: u16,
    /// Where it is.
    place: Where,
}

impl Wish for GivePlace {
    fn command(&self, asked: &Asked<'_>) -> Result<Command, Problem> {
        let place = Box::new(self.place.place(asked, "place")?);
        let finding = FindingId(self.finding);
        Ok(Command::GivePlace { finding, place, message: None, by: asked.by.clone() })
    }
}

/// A point on the map, WGS84 degrees.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointBody {
    /// Longitude, degrees east.
    lon: f64,
    /// Latitude, degrees north.
    lat: f64,
}

impl PointBody {
    /// The point, when it is near enough to a city to be meant. Without a city any point on Earth is.
    pub(crate) fn point(self, field: &str, city: Option<&City>, limits: &Limits) -> Result<Point, Problem> {
        let point = Point::new(self.lon, self.lat)
            .ok_or_else(|| Problem::bad_field(field, "longitude -180 to 180, latitude -90 to 90"))?;
        match city.map_or(Ok(()), |city| near(point, city, limits)) {
            Ok(()) => Ok(point),
            Err(NotHere::Swapped) => {
                Err(Problem::bad_field(field, "longitude and latitude are in each other's place"))
            }
            Err(NotHere::Far) => {
                let km = limits.point_beyond_km;
                Err(Problem::bad_field(field, format!("more than {km} km outside of the city")))
            }
        }
    }
}

impl From<Point> for PointBody {
    fn from(Point { lon, lat }: Point) -> Self {
        Self { lon, lat }
    }
}

/// Why a point is not meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotHere {
    /// Turned round it would be near the city.
    Swapped,
    /// Far from it either way.
    Far,
}

/// Whether a point is in the city, or not too far outside.
pub(crate) fn near(point: Point, city: &City, limits: &Limits) -> Result<(), NotHere> {
    let most = f64::from(limits.point_beyond_km) * 1_000.0;
    let is_near = |p: Point| city.metres_outside(p.lon, p.lat).is_none_or(|metres| metres <= most);
    match Point::new(point.lat, point.lon) {
        _ if is_near(point) => Ok(()),
        Some(turned) if is_near(turned) => Err(NotHere::Swapped),
        _ => Err(NotHere::Far),
    }
}

/// Where it is: names of the city's own lists, a house, a point.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Where {
    /// Russian names of streets, microdistricts, settlements or highways, as the city's lists have them. Two streets are a
    /// crossing.
    names: Vec<String>,
    /// House or building.
    house: Option<String>,
    /// Russian name of the street where a segment begins.
    from: Option<String>,
    /// Russian name of the street where a segment ends.
    to: Option<String>,
    /// Code of the district.
    district: Option<String>,
    /// A yard, not a street.
    yard: bool,
    /// A point on the map.
    point: Option<PointBody>,
}

impl Where {
    /// The place, with names that the city knows: names are shown to everybody, so nothing else may stand there.
    fn place(&self, asked: &Asked<'_>, field: &str) -> Result<Place, Problem> {
        let city = asked.city;
        let street = |name: &String| city.street(name).is_some();
        let microdistrict = |name: &String| city.microdistricts.iter().any(|m| m.name.ru == **name);
        let settlement = self.names.iter().find(|n| city.settlement(n).is_some());
        let highway = self.names.iter().find(|n| city.highway(n).is_some());
        for (i, name) in self.names.iter().enumerate() {
            let known = street(name)
                || microdistrict(name)
                || city.settlement(name).is_some()
                || city.highway(name).is_some();
            if !known {
                return Err(Problem::bad_field(format!("{field}.names[{i}]"), "not in the city's lists"));
            }
        }
        for (end, name) in [("from", &self.from), ("to", &self.to)] {
            if name.as_ref().is_some_and(|n| !street(n)) {
                return Err(Problem::bad_field(format!("{field}.{end}"), "not a street of the city's list"));
            }
        }
        if self.house.as_ref().is_some_and(|h| h.chars().count() > 32) {
            return Err(Problem::bad_field(format!("{field}.house"), "32 characters at most"));
        }
        if self.district.as_ref().is_some_and(|d| city.district(d).is_none()) {
            return Err(Problem::bad_field(format!("{field}.district"), "no such district"));
        }
        let point =
            self.point.map(|p| p.point(&format!("{field}.point"), Some(city), asked.limits)).transpose()?;
        let hit = point.and_then(|p| city.district_at(p.lon, p.lat));
        let kind = if settlement.is_some() {
            PlaceKind::Settlement
        } else if highway.is_some() {
            PlaceKind::Highway
        } else if self.from.is_some() || self.to.is_some() {
            PlaceKind::Segment
        } else if self.house.is_some() && !self.names.is_empty() {
            PlaceKind::Address
        } else if self.names.iter().filter(|n| street(n)).count() > 1 {
            PlaceKind::Intersection
        } else if self.names.iter().any(street) {
            PlaceKind::Street
        } else if !self.names.is_empty() {
            PlaceKind::Microdistrict
        } else if point.is_some() {
            PlaceKind::Point
        } else {
            return Err(Problem::bad_field(field, "say where: names, or a point"));
        };
        let outside = settlement.is_some() || highway.is_some();
        let in_city = match (point, &hit) {
            (Some(_), hit) => Some(hit.is_some()),
            (None, _) => Some(!outside),
        };
        Ok(Place {
            kind,
            yard: self.yard,
            names: self.names.clone(),
            district: self.district.clone().or(hit.map(|h| h.code)),
            candidates: vec![],
            from: self.from.clone(),
            to: self.to.clone(),
            house: self.house.clone().map(Personal::new),
            point: point.map(Personal::new),
            in_city,
            settlement: settlement.cloned(),
            highway: highway.cloned(),
        })
    }
}

/// Whether a finding is the party's task, or the party got a copy of it.
pub(crate) fn concerns(finding: &FindingState, party: &str) -> bool {
    finding.party() == party
        || finding.route.as_ref().is_some_and(|r| r.to == party || r.copies.iter().any(|c| c == party))
}

impl Asked<'_> {
    fn within(&self, field: &str, text: &str, max: usize) -> Result<Personal<String>, Problem> {
        if text.chars().count() > max {
            return Err(Problem::bad_field(field, format!("{max} characters at most")));
        }
        Ok(Personal::new(text.to_owned()))
    }

    /// What a person gives as a reason, a note, an explanation. An empty reason is the domain's to refuse.
    fn said(&self, field: &str, text: &str) -> Result<Personal<String>, Problem> {
        self.within(field, text, self.limits.reason_max_chars)
    }

    /// A reason that becomes part of a decision, where the domain does not look for it.
    fn reasoned(&self, field: &str, text: &str) -> Result<(), Problem> {
        if text.trim().is_empty() {
            return Err(appeal::Refusal::NeedsReason.into());
        }
        self.said(field, text).map(drop)
    }

    fn finding(&self, finding: FindingId) -> Result<&FindingState, Problem> {
        let found = self.appeal.findings.get(usize::from(finding.0));
        found.ok_or_else(|| match self.appeal.registered {
            Some(_) => appeal::Refusal::NoFinding(finding).into(),
            None => appeal::Refusal::NotFound.into(),
        })
    }

    fn category(&self, field: &str, code: &str) -> Result<&zholdary_city::Category, Problem> {
        self.city.category(code).ok_or_else(|| Problem::bad_field(field, "no such category"))
    }

    /// A party that may be chosen today: an inbox, not a class.
    fn party(&self, field: &str, code: &str) -> Result<&zholdary_city::Party, Problem> {
        let Some(party) = self.city.party(code) else {
            return Err(Problem::bad_field(field, "no such party"));
        };
        let day = self.city.calendar.local_date(self.now);
        if party.is_abstract {
            return Err(Problem::bad_field(field, "a class of parties cannot act: name one of them"));
        }
        if day < party.valid_from || party.valid_to.is_some_and(|last| day > last) {
            return Err(Problem::bad_field(field, "this party cannot be chosen today"));
        }
        Ok(party)
    }

    /// The decision in force, with another party and a person's reason. Terms stay: they belong to the appeal.
    fn route(
        &self,
        finding: FindingId,
        field: &str,
        to: &str,
        category: Option<&str>,
        reason: &str,
    ) -> Result<Route, Problem> {
        let party = self.party(field, to)?;
        let state = self.finding(finding)?;
        let Some(present) = &state.route else {
            return Err(Problem::new(Code::NotNow, "nothing was decided about this finding yet"));
        };
        let mut route = present.clone();
        route.to = to.to_owned();
        route.waits_at = None;
        route.candidates.clear();
        route.copies.retain(|copy| copy != to);
        route.outside = party.outside;
        route.due = state.due.clone();
        route.category.clone_from(&state.category);
        if let Some(code) = category {
            let category = self.category("category", code)?;
            route.category.clone_from(&category.code);
            route.bucket.clone_from(&category.bucket);
            route.priority.clone_from(&category.priority);
        }
        route.rules = self.city.version.to_string();
        route.rule = "person".to_owned();
        route.because = Because { ru: reason.to_owned(), kk: reason.to_owned(), en: reason.to_owned() };
        route.inputs.clear();
        Ok(route)
    }
}
