//! The files as they are written, before anything is checked. `Spanned` where a fault needs the line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::model::Bounds;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) format: Spanned<u32>,
    pub(super) version: Spanned<String>,
    pub(super) city: Spanned<String>,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
    pub(super) started: Spanned<String>,
    pub(super) timezone: Spanned<String>,
    pub(super) default_language: Spanned<String>,
    pub(super) languages: Spanned<Vec<String>>,
    pub(super) bounds: Spanned<Bounds>,
    pub(super) number_format: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Legal {
    pub(super) act_ru: String,
    pub(super) act_kk: String,
    #[serde(default)]
    pub(super) act_en: String,
    pub(super) cited_ru: Option<String>,
    pub(super) cited_kk: Option<String>,
    pub(super) cited_en: Option<String>,
    pub(super) registered_until: Spanned<String>,
    pub(super) registered_on: Spanned<String>,
    pub(super) answer_working_days: u32,
    pub(super) forward_working_days: u32,
    pub(super) extend_max_months: u32,
    pub(super) extend_notice_working_days: u32,
    pub(super) complaint_working_days: u32,
    pub(super) articles: Articles,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Articles {
    pub(super) register: u32,
    pub(super) forward: u32,
    pub(super) answer: u32,
    pub(super) extend: u32,
    pub(super) complaint: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coded {
    pub(super) code: String,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) ru: String,
    pub(super) kk: String,
    #[serde(default)]
    pub(super) en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calendar {
    pub(super) weekend: Spanned<Vec<String>>,
    pub(super) off: Vec<String>,
    pub(super) worked: Vec<String>,
    pub(super) count_from: Spanned<String>,
    pub(super) due_at: Spanned<String>,
    pub(super) hours: Spanned<String>,
    pub(super) hours_count: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) kinds: Spanned<Vec<String>>,
    pub(super) tags: Spanned<Vec<String>>,
    pub(super) yard_stems: Spanned<Vec<String>>,
    pub(super) district_party: Spanned<String>,
    pub(super) undecided_district: Spanned<String>,
    pub(super) edge_metres: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Works {
    pub(super) match_metres: f64,
    pub(super) street_only: Spanned<String>,
    pub(super) states: States,
    pub(super) active_kinds: Vec<String>,
    pub(super) warranty_kinds: Vec<String>,
    pub(super) permit_kinds: Vec<String>,
    pub(super) closure_kinds: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct States {
    pub(super) active: Spanned<String>,
    pub(super) warranty: Spanned<String>,
    pub(super) planned: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Danger {
    pub(super) categories_never_dropped: Spanned<Vec<String>>,
    pub(super) never_closed_without_person: Spanned<bool>,
    pub(super) place_question: Spanned<String>,
    pub(super) undecided_district: Spanned<String>,
    pub(super) tell_applicant: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Matching {
    pub(super) fold: BTreeMap<String, String>,
    pub(super) look_alike: BTreeMap<String, String>,
    pub(super) transliterate: BTreeMap<String, String>,
    pub(super) min_score: u32,
    pub(super) desk_below: f64,
    pub(super) also_score: u32,
    pub(super) below: Spanned<String>,
    pub(super) pair_words: Option<usize>,
    pub(super) score: Scores,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scores {
    pub(super) phrase: u32,
    pub(super) stem: u32,
    pub(super) weak: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Escalate {
    pub(super) steps: u32,
    pub(super) stems: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Priority {
    pub(super) code: String,
    pub(super) order: u32,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
    pub(super) first_reply_min: u32,
    pub(super) notify: Notify,
    pub(super) receipt: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    pub(super) how: Spanned<String>,
    pub(super) within_min: u32,
    pub(super) hours: Spanned<String>,
    pub(super) escalate_to: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reminders {
    pub(super) remind_at: Vec<f64>,
    pub(super) escalate_at: f64,
    pub(super) is_it_fixed_wait_days: u32,
    pub(super) draft_wait_hours: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartyWords {
    pub(super) accepted: Vec<String>,
    pub(super) refused: Vec<String>,
    pub(super) done: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flood {
    pub(super) appeals_per_hour: Option<u32>,
    pub(super) appeals_per_day: Option<u32>,
    pub(super) messages_per_10_min: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bucket {
    pub(super) code: String,
    pub(super) share: f64,
    pub(super) count: u32,
    pub(super) satisfied: Option<f64>,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelGroup {
    pub(super) code: String,
    pub(super) channels: Spanned<Vec<String>>,
    pub(super) count: u32,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Party {
    pub(super) code: String,
    pub(super) kind: crate::model::PartyKind,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
    pub(super) valid_from: Spanned<String>,
    pub(super) valid_to: Option<Spanned<String>>,
    pub(super) predecessor: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) successor: Vec<Spanned<String>>,
    #[serde(default, rename = "abstract")]
    pub(super) is_abstract: bool,
    pub(super) resolve: Option<Spanned<String>>,
    pub(super) unresolved_to: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) members: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) outside: bool,
    pub(super) phone: Option<Spanned<String>>,
    pub(super) hours: Option<Spanned<String>>,
    pub(super) district: Option<Spanned<String>>,
    pub(super) confidence: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) sample: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Category {
    pub(super) code: String,
    pub(super) rank: u32,
    pub(super) group: Spanned<String>,
    pub(super) bucket: Spanned<String>,
    pub(super) name_ru: String,
    pub(super) name_kk: String,
    #[serde(default)]
    pub(super) name_en: String,
    pub(super) priority: Spanned<String>,
    pub(super) party: Spanned<String>,
    pub(super) fix_hours: u32,
    pub(super) secure_hours: Option<u32>,
    pub(super) needs_place: bool,
    pub(super) answer: Option<Spanned<String>>,
    pub(super) answer_none: Option<Spanned<String>>,
    pub(super) answer_closes: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) alone: bool,
    #[serde(default)]
    pub(super) yields: bool,
    pub(super) phrases: Spanned<Vec<String>>,
    pub(super) stems: Spanned<Vec<String>>,
    pub(super) weak: Spanned<Vec<String>>,
    pub(super) not: Spanned<Vec<String>>,
    #[serde(default)]
    pub(super) pairs: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    pub(super) of: Spanned<Vec<String>>,
    pub(super) is: Spanned<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) code: String,
    pub(super) when: When,
    pub(super) party: Spanned<String>,
    #[serde(default)]
    pub(super) copy_to: Vec<Spanned<String>>,
    pub(super) bucket: Option<Spanned<String>>,
    pub(super) ask: Option<Spanned<String>>,
    pub(super) ask_near_border: Option<Spanned<String>>,
    pub(super) because_ru: Spanned<String>,
    pub(super) because_kk: Spanned<String>,
    pub(super) because_en: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    pub(super) category: Option<Spanned<AnyOf>>,
    pub(super) group: Option<Spanned<AnyOf>>,
    pub(super) needs_place: Option<bool>,
    pub(super) place: Option<Spanned<AnyOf>>,
    pub(super) in_city: Option<bool>,
    pub(super) near_border: Option<bool>,
    pub(super) stems: Option<Spanned<AnyOf>>,
    pub(super) works: Option<Spanned<AnyOf>>,
    pub(super) cover_mark: Option<bool>,
}

/// One value, or a list of which any will do.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum AnyOf {
    One(String),
    Of(Vec<String>),
}

impl AnyOf {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Of(all) => all.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverMark {
    pub(super) party: Spanned<String>,
    pub(super) marks: Spanned<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverWords {
    pub(super) mark_words: Spanned<Vec<String>>,
    pub(super) stems: Spanned<Vec<String>>,
    pub(super) otherwise: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letterhead {
    pub(super) format: Spanned<u32>,
    pub(super) version: Spanned<String>,
    pub(super) languages: Spanned<Vec<String>>,
    pub(super) signature_ru: String,
    pub(super) signature_kk: String,
    #[serde(default)]
    pub(super) signature_en: String,
    pub(super) mail_subject_tag: Spanned<String>,
    pub(super) date_format_ru: Spanned<String>,
    pub(super) date_format_kk: Spanned<String>,
    pub(super) date_format_en: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placeholder {
    pub(super) is: String,
    pub(super) example: String,
    #[serde(default)]
    pub(super) personal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Button {
    pub(super) id: Spanned<String>,
    pub(super) ru: String,
    pub(super) kk: String,
    #[serde(default)]
    pub(super) en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    pub(super) ru: Spanned<String>,
    pub(super) kk: Spanned<String>,
    pub(super) en: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    pub(super) version: Spanned<u32>,
    pub(super) to: crate::template::Audience,
    #[serde(rename = "use")]
    pub(super) used_for: String,
    pub(super) auto: bool,
    pub(super) whatsapp: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) buttons: Vec<Spanned<String>>,
    pub(super) subject_ru: Option<Spanned<String>>,
    pub(super) subject_kk: Option<Spanned<String>>,
    pub(super) subject_en: Option<Spanned<String>>,
    pub(super) ru: Spanned<String>,
    pub(super) kk: Spanned<String>,
    pub(super) en: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatsappTemplate {
    pub(super) code: String,
    pub(super) name: Spanned<String>,
    pub(super) category: Spanned<String>,
    pub(super) params: Spanned<Vec<String>>,
    pub(super) example_ru: Spanned<Vec<String>>,
    pub(super) example_kk: Spanned<Vec<String>>,
    pub(super) ru: Spanned<String>,
    pub(super) kk: Spanned<String>,
    #[serde(default)]
    pub(super) buttons: Vec<Spanned<String>>,
}
