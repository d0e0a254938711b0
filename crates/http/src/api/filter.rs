//! What narrows a list or a count: days, closed sets, codes of the city. What nothing can match is a mistake, not an empty
//! answer.

use chrono::NaiveDate;
use zholdary_city::City;
use zholdary_domain::{
    appeal::{DESK, StateName},
    inbound::Channel,
};
use zholdary_readmodel::{AppealFilter, HAD, NO_GROUP, Period};

use crate::problem::{Code, Problem};

/// Groups of states, which a filter may name in place of one.
const GROUPS: [&str; 4] = ["open", "closed", "overdue", "danger"];

/// A filter's values, against the sets that they come from. Codes of the city only while one is published.
pub(crate) trait Checked {
    /// The first value that is wrong.
    fn check(&self, city: Option<&City>) -> Result<(), Problem>;
}

impl Checked for AppealFilter {
    fn check(&self, city: Option<&City>) -> Result<(), Problem> {
        let Self {
            state,
            category,
            bucket,
            had,
            district,
            party,
            concerns,
            channel,
            from,
            to,
            q: _,
            limit: _,
            after: _,
        } = self;
        one_of("state", state.as_deref(), |code| {
            GROUPS.contains(&code) || StateName::ALL.iter().any(|state| state.code() == code)
        })?;
        one_of("had", had.as_deref(), |code| HAD.contains(&code))?;
        period(city, from.as_deref(), to.as_deref(), channel.as_deref(), district.as_deref())?;
        if let Some(city) = city {
            one_of("category", category.as_deref(), |code| {
                code == "unknown" || city.category(code).is_some()
            })?;
            one_of("bucket", bucket.as_deref(), |code| {
                matches!(code, "unknown" | NO_GROUP) || city.bucket(code).is_some()
            })?;
            for (field, code) in [("party", party), ("concerns", concerns)] {
                one_of(field, code.as_deref(), |code| code == DESK || city.party(code).is_some())?;
            }
        }
        Ok(())
    }
}

impl Checked for Period {
    fn check(&self, city: Option<&City>) -> Result<(), Problem> {
        let Self { from, to, channel, district } = self;
        period(city, from.as_deref(), to.as_deref(), channel.as_deref(), district.as_deref())
    }
}

fn period(
    city: Option<&City>,
    from: Option<&str>,
    to: Option<&str>,
    channel: Option<&str>,
    district: Option<&str>,
) -> Result<(), Problem> {
    day("from", from)?;
    day("to", to)?;
    one_of("channel", channel, |codes| codes.split(',').all(|code| Channel::from_code(code).is_some()))?;
    match city {
        Some(city) => one_of("district", district, |code| {
            matches!(code, "unknown" | "region") || city.district(code).is_some()
        }),
        None => Ok(()),
    }
}

/// A day as the views write it: they compare days as text, so `2026-11-5` would come after the tenth.
fn day(field: &str, text: Option<&str>) -> Result<(), Problem> {
    let Some(text) = text else { return Ok(()) };
    let read = text.parse::<NaiveDate>().is_ok_and(|day| text.len() == 10 && day.to_string() == text);
    if read { Ok(()) } else { Err(Problem::new(Code::BadQuery, "a day: 2026-11-20").field(field)) }
}

fn one_of(field: &str, code: Option<&str>, known: impl Fn(&str) -> bool) -> Result<(), Problem> {
    match code {
        Some(code) if !known(code) => Err(Problem::new(Code::BadQuery, "no such code").field(field)),
        _ => Ok(()),
    }
}
