//! Which party a code means on a day.

use chrono::NaiveDate;

use crate::model::City;

impl City {
    /// The party that a code means on a local day.
    ///
    /// Before `valid_from` it is the predecessor, after `valid_to` the successor: of several, the one that
    /// `category` now names, else the first. A code that is not a party's, or that has nobody before or after
    /// it, is given back as it is. In a city put together by hand, where nobody is the party on that day, it is
    /// the last one met before the search would turn back.
    #[must_use]
    pub fn party_on<'a>(&'a self, code: &'a str, day: NaiveDate, category: Option<&str>) -> &'a str {
        let named = category.and_then(|code| self.category(code)).map(|category| category.party.as_str());
        let mut code = code;
        let mut seen = vec![code];
        while let Some(party) = self.party(code) {
            let other = if day < party.valid_from {
                party.predecessor.as_deref()
            } else if party.valid_to.is_some_and(|last| day > last) {
                let by_category =
                    named.and_then(|named| party.successors.iter().find(|successor| *successor == named));
                by_category.or(party.successors.first()).map(String::as_str)
            } else {
                None
            };
            match other {
                // A validated city has neither rings nor gaps.
                Some(other) if !seen.contains(&other) => {
                    seen.push(other);
                    code = other;
                }
                _ => break,
            }
        }
        code
    }
}
