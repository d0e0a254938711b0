//! Files of messages: what became of them, and who sees what.

use zholdary_domain::{
    FileId,
    inbound::{Attachment, MediaKind},
};

use super::*;

/// The key of the file that every message of the town has.
fn file_key() -> String {
    let file = Attachment {
        kind: MediaKind::Image,
        external_id: Some(CANARY.to_owned().into()),
        url: None,
        media_type: None,
        file_name: None,
    };
    file.key().unwrap().into()
}

pub(super) fn kept(file: &str, print: &str) -> Value {
    json!({
        "type": "file_kept", "of": file_key(), "file": file.repeat(64), "media_type": "image/jpeg", "bytes": 184_320,
        "picture": {
            "width": 640, "height": 480, "copy": "c".repeat(64), "thumbnail": "d".repeat(64), "print": print,
            "taken_at": personal(json!({ "local": "2026-11-20T08:51:07", "offset_minutes": 300 })),
            "point": personal(json!({ "lon": 76.123_456_7, "lat": 43.765_432_1 })),
        },
    })
}

async fn file(query: &Query, appeal: u32, level: Level) -> crate::FileView {
    let view = query.appeal(appeal_id(appeal), level).await.unwrap().body.unwrap();
    view.thread.unwrap().into_iter().flat_map(|message| message.files).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_camera_noted_is_for_operators() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.message(1, vec![kept("a", "ffff0000ffff0000")]).await;
    let query = town.views().await;
    let seen = file(&query, 1, Level::Operator).await;
    let camera = seen.camera.unwrap();
    assert_eq!(camera.taken_at.as_deref(), Some("2026-11-20T08:51:07+05:00"));
    assert_eq!(camera.point.unwrap().lat, 43.765_432_1);
    assert_eq!((seen.bytes, seen.width, seen.missing), (Some(184_320), Some(640), None));
    let seen = file(&query, 1, Level::Party).await;
    assert_eq!((seen.camera, seen.same_as), (None, vec![]));
    assert_eq!(seen.file, Some("a".repeat(64)));
    let name: FileId = "a".repeat(64).parse().unwrap();
    assert_eq!(query.file(name).await.unwrap().unwrap().copy, Some("c".repeat(64).parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_photo_names_the_other_appeal() {
    // The print of the second photo, whether its bytes are the first one's, and how the first appeal names the second.
    for (print, file_name, expected) in [
        ("ffff0000ffff0000", "a", Some(true)),
        ("ffff0000ffff003f", "b", Some(false)),
        ("ffff0000ffff007f", "b", None),
        ("0000000000000000", "b", None),
    ] {
        let town = Town::with_city().await;
        for n in [1, 2] {
            town.story(n, "akimat-almaly").await;
        }
        town.message(1, vec![kept("a", "ffff0000ffff0000")]).await;
        let before =
            town.message(2, vec![json!({ "type": "withdrawn", "sent_at": "2026-11-20T09:09:00Z" })]).await;
        let query = town.views().await;
        assert_eq!(file(&query, 1, Level::Operator).await.same_as, [], "{print}");
        drop(query);
        town.message(2, vec![kept(file_name, print)]).await;
        let query = town.views().await;
        for (own, other) in [(1, 2), (2, 1)] {
            let same = file(&query, own, Level::Operator).await.same_as;
            let same: Vec<_> = same.iter().map(|same| (same.number.to_string(), same.equal)).collect();
            let named: Vec<_> = expected.map(|equal| (number(other), equal)).into_iter().collect();
            assert_eq!(same, named, "{print}");
        }
        // Asked as of before, the first appeal says so if it is told otherwise now.
        let past = query.as_of(before, chrono::DateTime::UNIX_EPOCH);
        assert_eq!(past.appeal(appeal_id(1), Level::Operator).await.is_err(), expected.is_some(), "{print}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_will_not_come_says_why() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    let events = vec![
        json!({ "type": "file_missing", "of": file_key(), "why": "html" }),
        json!({ "type": "words_missing", "why": "gone" }),
    ];
    town.message(1, events).await;
    let query = town.views().await;
    let seen = file(&query, 1, Level::Party).await;
    assert_eq!((seen.missing.as_deref(), seen.file), (Some("html"), None));
    let view = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
    assert_eq!(view.thread.unwrap()[0].words_missing.as_deref(), Some("gone"));
}
