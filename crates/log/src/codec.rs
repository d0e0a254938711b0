//! Events into bytes: the only place that writes personal data.

use serde::Serialize;
use serde_json::value::RawValue;
use zholdary_domain::personal;

use crate::{
    error::EncodeError,
    record::{Envelope, NewRecord, Recorded},
};

/// The events of one decision, serialised once: a JSON array of at least one. Made by [`encode_events`] alone.
#[derive(Clone)]
pub struct Events(Box<RawValue>);

impl Events {
    /// Length of the array in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.0.get().len()
    }

    /// Whether they are, byte for byte, what `record` holds.
    pub(crate) fn are_those_of(&self, record: &Recorded) -> bool {
        self.0.get().as_bytes() == record.events_json()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Events({} bytes)", self.len_bytes())
    }
}

/// Serialises the events of one decision, personal data included.
///
/// # Errors
///
/// When there are none, or one of them does not serialise.
pub fn encode_events<E: Serialize>(events: &[E]) -> Result<Events, EncodeError> {
    if events.is_empty() {
        return Err(EncodeError::Empty);
    }
    #[expect(clippy::disallowed_methods, reason = "this is the codec")]
    let written = personal::writing(|| serde_json::value::to_raw_value(events));
    Ok(Events(written.map_err(EncodeError::Json)?))
}

/// The bytes of `new` as the record that its writer decided on.
pub(crate) fn encode_record(
    log_id: uuid::Uuid,
    new: &NewRecord,
    version: u64,
    prev: Option<crate::record::Prev>,
    recorded_at: chrono::DateTime<chrono::Utc>,
) -> Vec<u8> {
    let record = Envelope {
        log_id,
        stream: new.stream.clone(),
        version,
        prev,
        command_id: new.command_id,
        recorded_at,
        causation: new.cause.causation,
        correlation: new.cause.correlation,
        schema: new.schema,
        events: &new.events.0,
    };
    serde_json::to_vec(&record).expect("an envelope of plain values and ready JSON always serialises")
}
