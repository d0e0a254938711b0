//! What the product sends and fills: the other half of the contract with a city's texts.

use crate::template::Audience;

/// The group of the report for what has no category.
pub(super) const OTHER: &str = "other";

/// Asked when something was reported as done.
pub(super) const IS_IT_FIXED: &str = "is_it_fixed";

/// The ids of its buttons: what the product reads the answer from.
pub(super) const FIXED: [&str; 2] = ["fixed:yes", "fixed:no"];

/// Told under a public comment, where another text may not stand.
pub(super) const PUBLIC_UPDATE: &str = "public_update";

/// What may stand there: nothing of the resident's own words, place or person.
pub(super) const IN_PUBLIC: [&str; 6] = ["number", "party", "phone", "link", "site", "status"];

/// Templates the product sends by itself, apart from the answers that categories name.
pub(super) const TEMPLATES: [&str; 44] = [
    PUBLIC_UPDATE,
    "greeting",
    "receipt",
    "place_question",
    "place_choice",
    "draft_received",
    "write_text",
    "private_only",
    "flood_notice",
    "follow_up_added",
    "routed",
    "routed_region",
    "routed_yard",
    "split",
    "accepted",
    "started",
    "refused_rerouted",
    "forwarded_outside",
    "deadline_extended",
    "done_with_proof",
    "is_it_fixed",
    "reopened",
    "closed_thanks",
    "closed_no_reply",
    "joined_to_problem",
    "not_considered",
    "formal_appeal_howto",
    "official_registered",
    "operator_answer",
    "works_notice",
    "erased",
    "task_new",
    "task_danger",
    "task_reminder",
    "task_escalation",
    "task_unconfirmed",
    "task_copy",
    "task_reopened",
    "task_withdrawn",
    "forward_letter",
    "digest_header",
    "digest_none",
    "digest_footer",
    "release_works",
];

/// Phrases the product puts into placeholders, apart from `kind_<kind of works>`.
pub(super) const PHRASES: [&str; 21] = [
    "closure_full",
    "closure_partial",
    "closure_planned",
    "plan_planned",
    "plan_active",
    "plan_warranty",
    "place_unknown",
    "status_registered",
    "status_asked",
    "status_routed",
    "status_accepted",
    "status_started",
    "status_done",
    "status_forwarded",
    "status_answered",
    "status_reopened",
    "status_closed",
    "status_not_considered",
    "left_hours",
    "over_hours",
    "list_works",
];

/// Placeholders of phrases.
pub(super) const PHRASE_FILLED: [&str; 10] = [
    "count",
    "street",
    "segment",
    "closure",
    "plan",
    "detour",
    "starts",
    "ends",
    "contractor",
    "warranty_until",
];

/// Placeholders that the product fills in a text for somebody.
pub(super) fn filled_for(to: Audience) -> &'static [&'static str] {
    match to {
        Audience::Resident => &[
            "number",
            "category",
            "place",
            "party",
            "phone",
            "due",
            "due_time",
            "law_days",
            "law",
            "link",
            "closures_link",
            "photos_link",
            "site",
            "date",
            "reason",
            "because",
            "explanation",
            "street",
            "segment",
            "closure",
            "plan",
            "detour",
            "starts",
            "ends",
            "contractor",
            "warranty_until",
            "status",
            "last_event",
            "problem",
            "count",
            "list",
        ],
        Audience::Party => &[
            "number",
            "category",
            "place",
            "party",
            "phone",
            "due",
            "due_time",
            "law_days",
            "law",
            "link",
            "site",
            "date",
            "reason",
            "because",
            "explanation",
            "problem",
            "count",
            "text",
            "point",
            "priority",
            "left",
            "list",
        ],
        Audience::Subscriber => {
            &["period", "new", "done", "overdue", "list", "closures_link", "site", "date", "count"]
        }
        Audience::Public => &[
            "street",
            "segment",
            "closure",
            "plan",
            "detour",
            "starts",
            "ends",
            "contractor",
            "reason",
            "warranty_until",
            "closures_link",
            "site",
            "date",
        ],
    }
}
