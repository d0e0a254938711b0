//! A point as somebody pastes it into the form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_channels::point;
use zholdary_domain::Point;

fuzz_target!(|pasted: &str| {
    if let Ok(point) = point::read(pasted) {
        assert!(Point::new(point.lon, point.lat).is_some());
    }
});
