//! The numbers that were given, by year.

use std::collections::{BTreeMap, HashMap};

use zholdary_domain::{AppealId, number};
use zholdary_log::{DecodeError, Recorded, Token};

/// Whose each number is that was ever given, by year and serial.
pub(super) type Given = HashMap<(i32, u32), AppealId>;

/// The numbers of each year, with the last record of the year's stream.
pub(super) type Years = BTreeMap<i32, (number::Year, Option<Token>)>;

/// Takes in a record of a stream `number.<year>`, unless it was taken in before.
pub(super) fn note_number(
    years: &mut Years,
    whose: &mut Given,
    record: &Recorded,
) -> Result<(), DecodeError> {
    let Ok(year) = record.stream.key().parse() else { return Ok(()) };
    let (known, token) = years.entry(year).or_default();
    if token.is_some_and(|t| t.position >= record.position) {
        return Ok(());
    }
    for event in record.events::<number::Event>()? {
        if let number::Event::Given { given, .. } = &event {
            whose.extend(given.iter().map(|(appeal, serial)| ((year, *serial), *appeal)));
        }
        known.evolve(&event);
    }
    *token = Some(record.token());
    Ok(())
}
