//! Files: what is attached to a letter, pictures inside of it too (channel rule R12).

use zholdary_domain::{
    Personal,
    inbound::{Attachment, MediaKind},
};

use super::mime::{self, Part};
use crate::{Limits, text};

/// Starts the id of a file; the place of its part follows.
const PART: &str = "part/";

/// What no person attached: signatures; invitations and other forms of the text, which it tells too.
const NO_FILES: [&str; 9] = [
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
    "application/ics",
    "text/calendar",
    "text/enriched",
    "text/richtext",
    "text/watch-html",
    "text/x-amp-html",
];

/// The bytes of the file that a letter's attachment names by its `external_id`, out of the `raw` letter.
#[must_use]
pub fn part(raw: &[u8], id: &str) -> Option<Vec<u8>> {
    let place: usize = id.strip_prefix(PART)?.parse().ok()?;
    // What was read once within any limits reads again: places do not depend on them.
    let limits = Limits { elements: mime::PARTS, depth: mime::DEPTH, ..Limits::default() };
    let parts = mime::parts(raw, &limits).ok()?;
    let part = parts.get(place).filter(|part| part.children.is_empty())?;
    Some(part.bytes().into_owned())
}

/// The parts that are files, the part at `place` being shown as text or not.
pub(super) fn attachments(parts: &[Part<'_>], is_shown: impl Fn(usize) -> bool) -> Vec<Attachment> {
    let is_file = |(place, part): &(usize, &Part<'_>)| {
        part.children.is_empty() && !is_shown(*place) && !NO_FILES.contains(&part.content.value.as_str())
    };
    parts.iter().enumerate().filter(is_file).map(|(place, part)| attachment(place, part)).collect()
}

fn attachment(place: usize, part: &Part<'_>) -> Attachment {
    let media_type = text::media_type(&part.content.value);
    let kind = match media_type.as_deref().and_then(|label| label.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("video") => MediaKind::Video,
        Some("audio") => MediaKind::Audio,
        _ => MediaKind::Document,
    };
    Attachment {
        kind,
        external_id: Some(format!("{PART}{place}").into()),
        url: None,
        media_type,
        file_name: part.file_name().as_deref().and_then(text::file_name).map(Personal::new),
    }
}
