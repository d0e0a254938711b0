//! What happens to an appeal next, and by when, as far as its state tells.

use chrono::{DateTime, Utc};
use zholdary_domain::appeal::StateName;
use zholdary_readmodel::Card;

use super::{iso, words::Words};

/// The next step of an appeal.
pub(super) struct Next {
    pub(super) what: &'static str,
    /// Until when, in words and for programs; none: no term runs for it.
    pub(super) until: Option<(String, String)>,
}

impl Next {
    /// None: nothing more is to come.
    pub(super) fn of(
        card: &Card,
        w: &'static Words,
        by_hour: &dyn Fn(DateTime<Utc>) -> String,
        by_day: &dyn Fn(DateTime<Utc>) -> String,
    ) -> Option<Self> {
        let service = card.service_due_at.map(|at| (by_hour(at), iso(at)));
        let legal = card.legal_due_at.map(|at| (by_day(at), iso(at)));
        let (what, until) = match card.state {
            StateName::Registered | StateName::Desk | StateName::Refused => (w.next_desk, None),
            StateName::Asked => (w.next_asked, None),
            StateName::Routed => (w.next_accept, service),
            StateName::Forwarded => (w.next_forwarded, legal),
            StateName::Accepted | StateName::Started => (w.next_done, service),
            StateName::Done if card.rated.is_none() => (w.next_word, None),
            StateName::Done
            | StateName::Answered
            | StateName::Closed
            | StateName::NotConsidered
            | StateName::Erased
            | StateName::Unknown => return None,
        };
        Some(Self { what, until })
    }
}
