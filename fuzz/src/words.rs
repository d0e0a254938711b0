//! What people and other systems write.

use std::sync::OnceLock;

use zholdary_channels::{
    contact_key, jsonl, phone_as_typed, point, seed,
    web::{self, Submission},
};
use zholdary_city::{City, Files};
use zholdary_domain::{Point, inbound::Channel};
use zholdary_testkit::{at, samples::BEGINS_AT, shipped_city};
use zholdary_triage::{Input, Triage};

/// Lines of recorded appeals and of seeds.
pub fn jsonl(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines() {
        let _message = jsonl::line(line, None);
        let _sent = seed::line(line);
    }
    let _file = seed::lines(text).count();
}

/// A body of the API, and what of it names a person.
pub fn submission(bytes: &[u8]) {
    let Ok(submission) = serde_json::from_slice::<Submission>(bytes) else { return };
    let submitted = web::submit(&submission, "a key", "web", at(BEGINS_AT));
    assert_eq!(submitted, web::submit(&submission, "a key", "web", at(BEGINS_AT)));
    if let Some(contact) = &submission.contact {
        for channel in Channel::ALL {
            let _key = contact_key(channel, contact);
        }
        let _phone = phone_as_typed(contact);
    }
}

/// A point as somebody pastes it into the form.
pub fn point(bytes: &[u8]) {
    let Ok(pasted) = std::str::from_utf8(bytes) else { return };
    if let Ok(point) = point::read(pasted) {
        assert!(Point::new(point.lon, point.lat).is_some());
    }
}

static TRIAGE: OnceLock<Triage> = OnceLock::new();

/// A resident's words under the rules of the shipped city.
pub fn triage(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let triage = TRIAGE.get_or_init(|| {
        let files = Files::from_entries(shipped_city()).expect("its files");
        Triage::new(&City::parse(&files).expect("a sound city"))
    });
    let understanding = triage.understand(&Input { text, point: None, has_media: false });
    assert!(!understanding.findings.is_empty());
}
