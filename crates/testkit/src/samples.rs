//! The payloads of `tests/samples/channels`, byte for byte: signatures depend on every one of them.

use std::path::PathBuf;

macro_rules! sample {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../tests/samples/channels/whatsapp/", $name)) as &'static [u8])
    };
}

const WHATSAPP: [(&str, &[u8]); 19] = [
    sample!("01_text_pothole_ru.json"),
    sample!("02_text_kk.json"),
    sample!("03_image_caption.json"),
    sample!("04_album_three_images_one_post.json"),
    sample!("05_location_after_text.json"),
    sample!("06_voice_note_kk.json"),
    sample!("07_document_pdf.json"),
    sample!("07z_sent.jsonl"),
    sample!("08_statuses_out_of_order.json"),
    sample!("09_status_failed_131047.json"),
    sample!("10_reaction_and_removal.json"),
    sample!("11_redelivery_of_01.json"),
    sample!("12_username_user_no_phone.json"),
    sample!("13_edit_of_01.json"),
    sample!("14_revoke_of_03.json"),
    sample!("15_button_reply_on_our_answer.json"),
    sample!("16_unsupported_poll.json"),
    sample!("17_system_number_changed.json"),
    sample!("18_mixed_post_two_people_and_status.json"),
];

/// The secret under which the samples are signed.
pub const APP_SECRET: &str = "zholdary-test-app-secret";

/// Our WhatsApp business account in the samples.
pub const WABA: &str = "104870029331200";

/// Our WhatsApp number in the samples, by the platform's id.
pub const PHONE_NUMBER_ID: &str = "118920446655001";

/// When the story of the samples begins.
pub const BEGINS_AT: &str = "2026-11-20T09:00:00+05:00";

/// One WhatsApp sample: by its file name, or by the start of it when no other starts so (`"01"`).
///
/// # Panics
///
/// When there is no such sample, or more than one.
#[must_use]
pub fn whatsapp(name: &str) -> &'static [u8] {
    let mut found =
        WHATSAPP.iter().filter(|(file, _)| *file == name || file.starts_with(&format!("{name}_")));
    match (found.next(), found.next()) {
        (Some((_, bytes)), None) => bytes,
        (None, _) => panic!("no WhatsApp sample is called {name}"),
        _ => panic!("several WhatsApp samples are called {name}"),
    }
}

/// The file names of all WhatsApp samples, in the order they are fed.
pub fn whatsapp_names() -> impl Iterator<Item = &'static str> {
    WHATSAPP.iter().map(|(name, _)| *name)
}

/// What `X-Hub-Signature-256` says of a sample, as computed outside this project.
///
/// # Panics
///
/// When `signatures.json` does not name the file.
#[must_use]
pub fn signature(file: &str) -> String {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/samples/channels/signatures.json"))
            .expect("signatures.json is JSON");
    let signature = all["files"][format!("whatsapp/{file}")].as_str();
    signature.unwrap_or_else(|| panic!("signatures.json does not name {file}")).to_owned()
}

/// The samples of a channel with their file names, in the order they are fed; read at run time.
///
/// # Panics
///
/// When there is no such folder.
#[must_use]
pub fn of(channel: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("channels").join(channel);
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a sample"))
        })
        .collect();
    files.sort();
    files
}

/// One sample of a channel, by the start of its file name.
///
/// # Panics
///
/// When there is no such sample, or more than one.
#[must_use]
pub fn one(channel: &str, start: &str) -> Vec<u8> {
    let mut found = of(channel).into_iter().filter(|(name, _)| name.starts_with(&format!("{start}_")));
    match (found.next(), found.next()) {
        (Some((_, bytes)), None) => bytes,
        (None, _) => panic!("no sample of {channel} begins with {start}"),
        _ => panic!("several samples of {channel} begin with {start}"),
    }
}

/// How many appeals each sample of a channel opens when all are fed in order: `expected.json`.
///
/// # Panics
///
/// When `expected.json` does not read.
#[must_use]
pub fn expected(channel: &str) -> Vec<(String, u64)> {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/samples/channels/expected.json"))
            .expect("expected.json is JSON");
    let rows = all[channel].as_array().expect("expected.json has a list for the channel");
    let row =
        |row: &serde_json::Value| Some((row["file"].as_str()?.to_owned(), row["new_appeals"].as_u64()?));
    rows.iter().map(|r| row(r).expect("a row has file and new_appeals")).collect()
}

/// The folder of all samples, for what is read at run time.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/samples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_signed_as_it_stands() {
        for name in whatsapp_names().filter(|name| name.ends_with(".json")) {
            assert_eq!(crate::sign(APP_SECRET, whatsapp(name)), signature(name), "{name}");
        }
    }

    #[test]
    fn every_sample_has_an_expectation() {
        for channel in ["whatsapp", "instagram", "facebook", "telegram", "email"] {
            let expected: Vec<String> = expected(channel).into_iter().map(|(file, _)| file).collect();
            let there: Vec<String> = of(channel).into_iter().map(|(file, _)| file).collect();
            assert_eq!(expected, there, "{channel}");
        }
    }
}
