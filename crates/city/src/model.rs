//! What a city is, once its folder has been read and found whole.
//!
//! Every reference between these types resolves: a `party` is a code of [`City::parties`], a `bucket` one
//! of [`City::buckets`], and so on. Only [`City::parse`](crate::City::parse) makes a [`City`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use geo::MultiPolygon;
use serde::{Deserialize, Serialize};
use zholdary_domain::appeal::{Finding, Permille};
use zholdary_domain::calendar::{DayHours, WorkingCalendar};
use zholdary_domain::{NumberFormat, PlaceKind, inbound::Channel};

use crate::names::{Lang, Names};
use crate::rules::{CoverMark, CoverWords, Rule};
use crate::template::{Button, Phrase, Placeholder, Template, WhatsappTemplate};
use crate::version::RuleSetVersion;
use crate::weights::Weights;

/// A city's whole rule set: what its folder says, validated and versioned.
#[derive(Debug, Clone)]
pub struct City {
    /// Name of this rule set: the folder's own version and the digest of its bytes.
    pub version: RuleSetVersion,
    /// BLAKE3 of the canonical files, 64 hexadecimal digits.
    pub digest: String,
    /// What the city is called, its languages, bounds and first day.
    pub meta: Meta,
    /// The law's terms and articles.
    pub legal: Legal,
    /// Legal kinds of an appeal, apart from its topic.
    pub legal_kinds: Vec<LegalKind>,
    /// Working days, time zone and local hours.
    pub calendar: WorkingCalendar,
    /// Office hours of parties that have none of their own.
    pub office_hours: DayHours,
    /// Days off and moved days, as listed.
    pub holidays: Vec<Holiday>,
    /// Kinds and tags of places, and how a district is found.
    pub place: PlaceRules,
    /// How a row of works covers a place.
    pub works_rules: WorksRules,
    /// What is never dropped, closed or left waiting.
    pub danger: Danger,
    /// How texts are compared with stems.
    pub matching: Matching,
    /// Words that lift the priority of any category.
    pub escalate: Escalate,
    /// Priorities, the most urgent first.
    pub priorities: Vec<Priority>,
    /// When parties hear again, and how long the resident is waited for.
    pub reminders: Reminders,
    /// With what an answer of a party by mail begins.
    pub party_words: PartyWords,
    /// How much one person may send before a person looks at it.
    pub flood: Flood,
    /// Groups of the report.
    pub buckets: Vec<Bucket>,
    /// Channels that the report tells apart, in its order; none: it counts all together.
    pub channel_groups: Vec<ChannelGroup>,
    /// Groups of categories, by code.
    pub groups: BTreeMap<String, Names>,
    /// Everybody who may get an appeal, in the order of the file.
    pub parties: Vec<Party>,
    /// What people write about, in the order of the file.
    pub categories: Vec<Category>,
    /// What was learnt of labelled texts, if anything was.
    pub weights: Option<Weights>,
    /// Who acts: the first rule that holds wins, and the last always holds.
    pub rules: Vec<Rule>,
    /// Whose a manhole cover is, by the letters on it.
    pub cover_marks: Vec<CoverMark>,
    /// Words that tell a mark on a cover from other letters.
    pub cover_words: CoverWords,
    /// What stands around the texts: signature, subject tag, forms of dates.
    pub letterhead: Letterhead,
    /// Every text the product sends.
    pub templates: Vec<Template>,
    /// What may stand in braces, by name.
    pub placeholders: BTreeMap<String, Placeholder>,
    /// Short texts put into placeholders, by code.
    pub phrases: BTreeMap<String, Phrase>,
    /// Buttons, by code.
    pub buttons: BTreeMap<String, Button>,
    /// What goes instead of a text when the vendor's window is closed.
    pub whatsapp_templates: Vec<WhatsappTemplate>,
    /// How a street's name stands in a text, by its kind: `{name}` in a pattern. Empty: the bare name.
    pub street_kinds: BTreeMap<String, Names>,
    /// Streets.
    pub streets: Vec<Street>,
    /// Microdistricts.
    pub microdistricts: Vec<Microdistrict>,
    /// Districts with their borders.
    pub districts: Vec<District>,
    /// Places of the region that are not the city.
    pub settlements: Vec<Settlement>,
    /// Roads outside the city.
    pub highways: Vec<Highway>,
    /// Works, closures and permits to dig.
    pub works: Vec<Works>,
}

/// What the city is called and how it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// The folder's own version, such as `2026-11-2`.
    pub version: String,
    /// Code of the city, such as `almaty`: part of the stream `rules.<city>`.
    pub city: String,
    /// Name of the city.
    pub name: Names,
    /// First local day of the service.
    pub started: NaiveDate,
    /// Language of an answer when that of the message cannot be told.
    pub default_language: Lang,
    /// Languages that every text exists in.
    pub languages: Vec<Lang>,
    /// The box around the city.
    pub bounds: Bounds,
    /// Form of public numbers, such as `Z-{year}-{serial:06}`.
    pub number_format: NumberFormat,
}

/// A box in degrees, WGS84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// West side.
    pub lon_min: f64,
    /// South side.
    pub lat_min: f64,
    /// East side.
    pub lon_max: f64,
    /// North side.
    pub lat_max: f64,
}

impl Bounds {
    /// Whether a point is inside or on a side.
    #[must_use]
    pub fn contains(&self, lon: f64, lat: f64) -> bool {
        (self.lon_min..=self.lon_max).contains(&lon) && (self.lat_min..=self.lat_max).contains(&lat)
    }
}

/// Terms and articles of the law on appeals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Legal {
    /// Short name of the act.
    pub act: Names,
    /// How an article is cited: `{article}` and `{act}` in a pattern.
    pub cited: Names,
    /// Term of the answer, working days after registration.
    pub answer_working_days: u32,
    /// Term of a redirect and of its notice, working days.
    pub forward_working_days: u32,
    /// Most months by which the answer may be put off.
    pub extend_max_months: u32,
    /// Term of the notice of an extension, working days.
    pub extend_notice_working_days: u32,
    /// Term of a complaint, working days.
    pub complaint_working_days: u32,
    /// Articles by what they are about.
    pub articles: Articles,
}

impl Legal {
    /// An article as a text cites it, such as «ст. 76 АППК РК».
    #[must_use]
    pub fn law(&self, article: u32, lang: Lang) -> String {
        self.cited.get(lang).replace("{article}", &article.to_string()).replace("{act}", self.act.get(lang))
    }
}

/// Numbers of articles of the act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Articles {
    /// Registration.
    pub register: u32,
    /// Redirect to another body.
    pub forward: u32,
    /// Answer.
    pub answer: u32,
    /// Extension.
    pub extend: u32,
    /// Complaint.
    pub complaint: u32,
}

/// A legal kind of an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalKind {
    /// Code, such as `complaint`.
    pub code: String,
    /// Name.
    pub name: Names,
}

/// One row of the list of days off and moved days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// Local day.
    pub date: NaiveDate,
    /// Kind: one of the calendar's `off` or `worked`.
    pub kind: String,
    /// What the day is called.
    pub name: Names,
    /// Whether the day is worked (moved from elsewhere) rather than off.
    pub worked: bool,
}

/// Kinds and tags of places, and how a district is found.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceRules {
    /// Kinds a place may be of.
    pub kinds: Vec<PlaceKind>,
    /// Stems that make a yard of the place (the tag `yard`).
    pub yard_stems: Vec<String>,
    /// Code of a district's party, with `{district}` in it.
    pub district_party: String,
    /// The party when no district or more than one fits.
    pub undecided_district: String,
    /// Metres outside the border that still count as the nearest district.
    pub edge_metres: f64,
}

impl PlaceRules {
    /// Code of the party of a district.
    #[must_use]
    pub fn party_of(&self, district: &str) -> String {
        self.district_party.replace("{district}", district)
    }
}

/// How a row of works covers a place.
#[derive(Debug, Clone, PartialEq)]
pub struct WorksRules {
    /// Metres from a point to the line of a row.
    pub match_metres: f64,
    /// Kinds that are `active` between start and finish.
    pub active_kinds: Vec<String>,
    /// Kinds under warranty after the finish.
    pub warranty_kinds: Vec<String>,
    /// Kinds that hold from the start to the end of the warranty.
    pub permit_kinds: Vec<String>,
    /// Kinds whose rows may close a street.
    pub closure_kinds: Vec<String>,
    /// Years of warranty by kind, for rows that name none.
    pub warranty_years: BTreeMap<String, u32>,
}

/// What is never dropped, closed or left waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// Categories that win over any that is not an emergency.
    pub categories_never_dropped: Vec<String>,
    /// Short public numbers told to the applicant.
    pub tell_applicant: Vec<String>,
}

/// How texts are compared with stems.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// Letters folded in both the text and the stems.
    pub fold: BTreeMap<char, char>,
    /// Latin letters inside Cyrillic words and what they stand for.
    pub look_alike: BTreeMap<char, char>,
    /// Latin to Cyrillic, the longest first.
    pub transliterate: Vec<(String, String)>,
    /// Least score of a category.
    pub min_score: u32,
    /// Confidence (0 to 1) below which a person decides.
    pub desk_below: f64,
    /// Least score of a secondary problem.
    pub also_score: u32,
    /// Category of what reaches no score.
    pub below: String,
    /// How many words a thing and what is wrong with it may stand apart. Default 6.
    pub pair_words: usize,
    /// Score of one hit.
    pub score: Scores,
}

impl Matching {
    /// How many words a pair may stand apart when the city does not say.
    pub const PAIR_WORDS: usize = 6;
}

/// Score of one hit, by its sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// Of a phrase, and of a pair.
    pub phrase: u32,
    /// Of a stem.
    pub stem: u32,
    /// Of a weak stem.
    pub weak: u32,
}

/// Words that lift the priority of any category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// By how many priorities.
    pub steps: u32,
    /// Stems.
    pub stems: Vec<String>,
}

/// A priority: who hears of it, and how soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// Code, such as `emergency`.
    pub code: String,
    /// 1 is served first.
    pub order: u32,
    /// Name.
    pub name: Names,
    /// Minutes within which the applicant hears back.
    pub first_reply_min: u32,
    /// How the party is told.
    pub notify: Notify,
    /// Template of the receipt.
    pub receipt: String,
}

/// How a party is told of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// By which way.
    pub how: NotifyHow,
    /// Minutes within which somebody confirms; they count only inside `hours`.
    pub within_min: u32,
    /// Local hours in which the party is told.
    pub hours: DayHours,
    /// Party that hears when nobody confirms.
    pub escalate_to: String,
}

/// The way a party is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyHow {
    /// Its duty contact, at once, by the loudest way it has, until someone confirms.
    Duty,
    /// Its ordinary ways: mail, feed, screen.
    Party,
    /// Its list only; seen when opened and in the daily mail.
    Queue,
}

/// When parties hear again, and how long the resident is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminders {
    /// Parts of a term (0 to 1) after which the party is reminded, growing.
    pub remind_at: Vec<f64>,
    /// Part of a term after which the task is escalated.
    pub escalate_at: f64,
    /// Days without an answer to «is it fixed?» after which the appeal is closed as told.
    pub is_it_fixed_wait_days: u32,
    /// Hours a draft without text waits for words.
    pub draft_wait_hours: u32,
}

/// Words with which a party's answer by mail begins when it is one of the three that need no reader. Each stands alone, before a
/// mark or the end of its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartyWords {
    /// It takes the task.
    pub accepted: Vec<String>,
    /// It gives it back; why follows.
    pub refused: Vec<String>,
    /// It is done; what was done follows.
    pub done: Vec<String>,
}

/// How much one person may send by one channel before it is gathered for a person to look at: `[flood]` of `city.toml`, by the messages' own
/// time. Nothing is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flood {
    /// New appeals within an hour. Default: 5.
    pub appeals_per_hour: u32,
    /// New appeals within 24 hours. Default: 20.
    pub appeals_per_day: u32,
    /// Messages within ten minutes. Default: 30.
    pub messages_per_10_min: u32,
}

impl Default for Flood {
    fn default() -> Self {
        Self { appeals_per_hour: 5, appeals_per_day: 20, messages_per_10_min: 30 }
    }
}

/// A group of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Code, such as `yard`.
    pub code: String,
    /// Name.
    pub name: Names,
    /// Percent of all appeals in the report of the first year.
    pub share: f64,
    /// Appeals in that report.
    pub count: u32,
    /// Percent satisfied in that report; `None` is «not stated».
    pub satisfied: Option<f64>,
}

/// Channels whose appeals the report counts together, apart from those of other channels: a half of the report of the first year.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelGroup {
    /// Code, such as `meta`.
    pub code: String,
    /// Name.
    pub name: Names,
    /// Its channels. None is in two groups.
    pub channels: Vec<Channel>,
    /// Appeals in the report of the first year.
    pub count: u32,
}

/// The sort of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// The single window itself.
    Operator,
    /// A body of the city.
    City,
    /// A district akimat.
    District,
    /// An enterprise that keeps networks or streets.
    Utility,
    /// A contractor.
    Contractor,
    /// A body of the region.
    Region,
    /// A national body.
    State,
    /// The residents' own management.
    Residents,
}

/// Somebody who may get an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Code, such as `akimat-medeu`.
    pub code: String,
    /// Sort.
    pub kind: PartyKind,
    /// Name.
    pub name: Names,
    /// First day on which it may be chosen.
    pub valid_from: NaiveDate,
    /// Last day on which it may be chosen; `None` is still.
    pub valid_to: Option<NaiveDate>,
    /// Who is meant on earlier days.
    pub predecessor: Option<String>,
    /// Who is meant on later days; several: the one the category names, else the first.
    pub successors: Vec<String>,
    /// A class and never an inbox.
    pub is_abstract: bool,
    /// For a class: what makes a party of it.
    pub resolve: Option<crate::rules::PartyRef>,
    /// For a class: where an appeal waits when nothing does.
    pub unresolved_to: Option<String>,
    /// For a class: its parties.
    pub members: Vec<String>,
    /// Not a body of the city: handing over is a redirect, with notice.
    pub outside: bool,
    /// Short public number.
    pub phone: Option<String>,
    /// Its own office hours.
    pub hours: Option<DayHours>,
    /// For a district akimat: the district.
    pub district: Option<String>,
    /// Invented, for demos and tests only.
    pub sample: bool,
}

/// What people write about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Code, such as `pothole`.
    pub code: String,
    /// The smaller wins a tie of scores; of equal ones, the earlier in the file.
    pub rank: u32,
    /// Group of categories.
    pub group: String,
    /// Group of the report.
    pub bucket: String,
    /// Name.
    pub name: Names,
    /// Priority.
    pub priority: String,
    /// Its own party, which may be a class.
    pub party: String,
    /// Service target from routing to done, hours; `None` is no target (planned work).
    pub fix_hours: Option<u32>,
    /// Hours to fence or guard the place.
    pub secure_hours: Option<u32>,
    /// Whether it cannot be routed without a place.
    pub needs_place: bool,
    /// Template sent at once when it can be filled.
    pub answer: Option<String>,
    /// Template sent when the register has nothing on it.
    pub answer_none: Option<String>,
    /// Whether answered means closed.
    pub answer_closes: bool,
    /// Whether it speaks of other problems without asking for anything about them (thanks, «where is my appeal?»): beside
    /// it only a danger is a problem of its own.
    pub alone: bool,
    /// Whether it is only asked beside what is wrong («when will it be mended?»): a problem that is named too is the main one.
    pub yields: bool,
    /// Phrases: consecutive tokens, each by prefix.
    pub phrases: Vec<String>,
    /// Stems.
    pub stems: Vec<String>,
    /// Weak stems.
    pub weak: Vec<String>,
    /// Stems that remove the category.
    pub not: Vec<String>,
    /// Things and what is wrong with them.
    pub pairs: Vec<Pair>,
}

/// A thing and what is wrong with it, in any order and form, a few words apart: each as stems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The thing.
    pub of: Vec<String>,
    /// What is wrong with it. One that the text denies («не открыт», «ашық емес») is none.
    pub is: Vec<String>,
}

/// What stands around the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// Signature of letters.
    pub signature: Names,
    /// What stands in the subject of every mail, with `{number}` in it.
    pub mail_subject_tag: String,
    /// Form of dates, of `dd`, `MM`, `yyyy` and what stands between them.
    pub date_format: Names,
}

impl Letterhead {
    /// A local day as the texts of a language write it.
    #[must_use]
    pub fn date(&self, day: NaiveDate, lang: Lang) -> String {
        use chrono::Datelike;
        self.date_format
            .get(lang)
            .replace("yyyy", &format!("{:04}", day.year()))
            .replace("MM", &format!("{:02}", day.month()))
            .replace("dd", &format!("{:02}", day.day()))
    }
}

/// How a street runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// North to south.
    Ns,
    /// East to west.
    Ew,
    /// Neither, or both.
    Other,
}

/// A former name of a street.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldName {
    /// The name.
    pub name: String,
    /// The only part of the city in which it means this street; `None` is everywhere.
    pub only_in: Option<OnlyIn>,
}

/// A part of the city in which a former name is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlyIn {
    /// A district, by code.
    District(String),
    /// Something smaller, as the file names it, such as a microdistrict.
    Within(String),
}

/// A street of the city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Street {
    /// Current name; `ru` is its key elsewhere.
    pub name: Names,
    /// Former names.
    pub old_names: Vec<OldName>,
    /// Kind, such as `street` or `avenue`.
    pub kind: String,
    /// Everyday spellings.
    pub aliases: Vec<String>,
    /// How it runs.
    pub axis: Axis,
    /// Districts it runs through.
    pub districts: Vec<String>,
    /// How sure the row is: `high`, `medium`, `low`.
    pub confidence: String,
}

/// A microdistrict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Microdistrict {
    /// Current name.
    pub name: Names,
    /// Former names.
    pub old_names: Vec<String>,
    /// Districts it lies in; nearly always one.
    pub districts: Vec<String>,
    /// How sure the row is: `high`, `medium`, `low`.
    pub confidence: String,
}

/// A district of the city.
#[derive(Debug, Clone, PartialEq)]
pub struct District {
    /// Code, such as `medeu`.
    pub code: String,
    /// Name.
    pub name: Names,
    /// Rough centre: longitude, latitude.
    pub centre: (f64, f64),
    /// Rough box.
    pub bounds: Bounds,
    /// Border: the file of borders, else the rough box.
    pub border: MultiPolygon<f64>,
}

/// A place of the region that is not the city.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Name.
    pub name: Names,
    /// Kind: `town`, `village`, `district`, …
    pub kind: String,
    /// Stems in Russian.
    pub stems_ru: Vec<String>,
    /// Stems in Kazakh.
    pub stems_kk: Vec<String>,
    /// Names of the city it may be confused with.
    pub same_as_city: Vec<String>,
    /// Whether a map point is asked for.
    pub near_border: bool,
    /// Longitude, latitude.
    pub point: (f64, f64),
    /// Party.
    pub party: String,
    /// How sure the row is: `high`, `medium`, `low`.
    pub confidence: String,
}

/// A road outside the city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highway {
    /// Name.
    pub name: Names,
    /// Numbers.
    pub numbers: Vec<String>,
    /// Everyday names in Russian.
    pub aliases_ru: Vec<String>,
    /// Everyday names in Kazakh.
    pub aliases_kk: Vec<String>,
    /// The street it is inside the city.
    pub also_city_street: Option<String>,
    /// Party.
    pub party: String,
    /// How sure the row is: `high`, `medium`, `low`.
    pub confidence: String,
}

/// Works, a closure or a permit to dig.
#[derive(Debug, Clone, PartialEq)]
pub struct Works {
    /// Id, such as `W-002`.
    pub id: String,
    /// Street (`name_ru`).
    pub street: String,
    /// Crossing where it begins (`name_ru`).
    pub from: String,
    /// Crossing where it ends (`name_ru`).
    pub to: String,
    /// District.
    pub district: String,
    /// The line: longitude, latitude.
    pub line: Vec<(f64, f64)>,
    /// Kind, such as `medium` or `permit`.
    pub kind: String,
    /// Contractor.
    pub contractor: Option<String>,
    /// Who ordered it.
    pub owner: String,
    /// First local day.
    pub start: NaiveDate,
    /// Last local day.
    pub finish: NaiveDate,
    /// Years of warranty: the row's own, else those of its kind.
    pub warranty_years: u32,
    /// Whether it closes or narrows the street.
    pub closure: bool,
    /// Detour in Russian and Kazakh; empty when there is none.
    pub detour: Names,
    /// Reason in Russian and Kazakh.
    pub reason: Names,
    /// Invented, for demos and tests only.
    pub sample: bool,
}

impl City {
    /// The party with a code.
    #[must_use]
    pub fn party(&self, code: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.code == code)
    }

    /// The category with a code.
    #[must_use]
    pub fn category(&self, code: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.code == code)
    }

    /// Whether somebody may be hurt: the most urgent priority, or a category that is never dropped.
    #[must_use]
    pub fn is_danger(&self, finding: &Finding) -> bool {
        self.priorities.first().is_some_and(|most_urgent| most_urgent.code == finding.priority)
            || self.danger.categories_never_dropped.contains(&finding.category)
    }

    /// Whether a category, by its place in the list, is heard whatever else a text tells.
    #[must_use]
    pub fn is_never_dropped(&self, category: usize) -> bool {
        let is = |category: &Category| self.danger.categories_never_dropped.contains(&category.code);
        self.categories.get(category).is_some_and(is)
    }

    /// Whether something is to be done about it on the road: no question, no thanks, nothing unclear, for which there is an answer.
    #[must_use]
    pub fn is_problem(&self, finding: &Finding) -> bool {
        self.category(&finding.category).is_some_and(|category| category.answer.is_none())
    }

    /// The rule with a code.
    #[must_use]
    pub fn rule(&self, code: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.code == code)
    }

    /// The template with a code.
    #[must_use]
    pub fn template(&self, code: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.code == code)
    }

    /// The vendor's template with a code.
    #[must_use]
    pub fn whatsapp_template(&self, code: &str) -> Option<&WhatsappTemplate> {
        self.whatsapp_templates.iter().find(|template| template.code == code)
    }

    /// The phrase with a code.
    #[must_use]
    pub fn phrase(&self, code: &str) -> Option<&Phrase> {
        self.phrases.get(code)
    }

    /// The button with a code.
    #[must_use]
    pub fn button(&self, code: &str) -> Option<&Button> {
        self.buttons.get(code)
    }

    /// The priority with a code.
    #[must_use]
    pub fn priority(&self, code: &str) -> Option<&Priority> {
        self.priorities.iter().find(|priority| priority.code == code)
    }

    /// The priority `steps` more urgent than the one with a code; the most urgent one is the end.
    #[must_use]
    pub fn priority_steps(&self, code: &str, steps: u32) -> Option<&Priority> {
        let at = self.priorities.iter().position(|priority| priority.code == code)?;
        self.priorities.get(at.saturating_sub(steps as usize))
    }

    /// The group of the report with a code.
    #[must_use]
    pub fn bucket(&self, code: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.code == code)
    }

    /// Whether the rules decide on what they are so sure of: below the city's `desk_below` a person does.
    #[must_use]
    pub fn is_sure(&self, confidence: Permille) -> bool {
        confidence.share() >= self.matching.desk_below
    }

    /// Channels that the report does not tell apart: all in no group of channels.
    #[must_use]
    pub fn other_channels(&self) -> Vec<Channel> {
        let is_other =
            |channel: &Channel| !self.channel_groups.iter().any(|group| group.channels.contains(channel));
        Channel::ALL.into_iter().filter(is_other).collect()
    }

    /// The district with a code.
    #[must_use]
    pub fn district(&self, code: &str) -> Option<&District> {
        self.districts.iter().find(|district| district.code == code)
    }

    /// The street with a current Russian name.
    #[must_use]
    pub fn street(&self, name_ru: &str) -> Option<&Street> {
        self.streets.iter().find(|street| street.name.ru == name_ru)
    }

    /// The settlement with a Russian name.
    #[must_use]
    pub fn settlement(&self, name_ru: &str) -> Option<&Settlement> {
        self.settlements.iter().find(|settlement| settlement.name.ru == name_ru)
    }

    /// The highway with a Russian name.
    #[must_use]
    pub fn highway(&self, name_ru: &str) -> Option<&Highway> {
        self.highways.iter().find(|highway| highway.name.ru == name_ru)
    }

    /// The row of works with an id.
    #[must_use]
    pub fn works_row(&self, id: &str) -> Option<&Works> {
        self.works.iter().find(|works| works.id == id)
    }

    /// A street as a text writes it, with its kind word; the name as given when the street is not listed.
    #[must_use]
    pub fn street_title(&self, name_ru: &str) -> Names {
        let Some(street) = self.street(name_ru) else {
            return Names { ru: name_ru.to_owned(), kk: name_ru.to_owned(), en: name_ru.to_owned() };
        };
        let Some(pattern) = self.street_kinds.get(&street.kind) else { return street.name.clone() };
        let title = |lang| pattern.get(lang).replace("{name}", street.name.get(lang));
        Names { ru: title(Lang::Ru), kk: title(Lang::Kk), en: title(Lang::En) }
    }
}
