//! A record of the log, and the events in it.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use zholdary_domain::{Position, appeal, message};
use zholdary_log::Recorded;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Recorded::parse(Position(1), Bytes::copy_from_slice(bytes)) {
        let _appeal = record.events::<appeal::Event>();
        let _message = record.events::<message::Event>();
    }
});
