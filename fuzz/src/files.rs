//! Records of the log, and what is attached to messages.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use zholdary_domain::{Position, access, appeal, message};
use zholdary_log::{Recorded, encode_events};
use zholdary_media::{Kind, Limits, derive, examine};

/// A record of the log, and the events in it: what reads can be written again.
pub fn record(bytes: &[u8]) {
    let Ok(record) = Recorded::parse(Position(1), Bytes::copy_from_slice(bytes)) else { return };
    assert_eq!(record.bytes(), bytes);
    again::<appeal::Event>(&record);
    again::<message::Event>(&record);
    again::<access::Event>(&record);
}

fn again<E: DeserializeOwned + Serialize>(record: &Recorded) {
    if let Ok(events) = record.events::<E>() {
        assert!(events.is_empty() || encode_events(&events).is_ok(), "an event that cannot be written");
    }
}

/// An attachment. What is made of a picture is a JPEG that tells nothing but pixels.
pub fn media(bytes: &[u8]) {
    // Little room, for many files in a second.
    let limits = Limits { decode_max_bytes: 4 * 1024 * 1024, ..Limits::default() };
    let Ok(examined) = examine(bytes, &limits) else { return };
    if let Ok(Some(derived)) = derive(bytes, &examined, &limits) {
        for copy in [derived.public, derived.thumbnail] {
            let copy = examine(&copy, &limits).expect("a copy is a picture");
            assert_eq!(copy.kind, Kind::Jpeg);
            let picture = copy.picture.expect("a copy is a picture");
            assert!(picture.is_whole && picture.point.is_none() && picture.taken_at.is_none());
        }
    }
}
