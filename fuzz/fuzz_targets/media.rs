//! An attachment: any bytes are examined without harm, and what is made of a picture is a JPEG that tells nothing but pixels.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zholdary_media::{Kind, Limits, derive, examine};

fuzz_target!(|bytes: &[u8]| {
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
});
