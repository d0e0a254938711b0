//! Photos: with the form, by the API, and who may see them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use axum::{body::Body, http::Method};
use futures::{StreamExt, stream};
use serde_json::json;
use zholdary_domain::access::Role;

use crate::town::{Answer, Town, request};

const FILES: &str = "/api/v1/files";
const APPEALS: &str = "/api/v1/appeals";
const KEY: &str = "5f0c7a526b0e4f0e9d430c1f6f2f8a11";
/// As a browser makes one up.
pub(crate) const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

pub(crate) fn jpeg(mark: u8) -> Vec<u8> {
    let mut photo = Vec::new();
    let pixels = image::GrayImage::from_pixel(8, 8, image::Luma([mark]));
    pixels.write_to(&mut std::io::Cursor::new(&mut photo), image::ImageFormat::Jpeg).unwrap();
    // What stands behind the end of the picture is its sender's, too.
    photo.resize(3_000, mark);
    photo
}

pub(crate) fn name_of(photo: &[u8]) -> String {
    // The store's own name, told by an upload, is checked against this one.
    zholdary_log::Hash::of(photo).to_string()
}

/// A form as a browser writes it: fields, then photos by the names of their files.
pub(crate) fn form(fields: &[(&str, &str)], photos: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![];
    for (name, value) in fields {
        let part =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (file, bytes) in photos {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{file}\"\r\n\
             Content-Type: image/jpeg\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn send_as(town: &Town, label: &str, body: Vec<u8>) -> Answer {
    // In small pieces, as a network brings it.
    let pieces: Vec<_> = body.chunks(700).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let post = request(Method::POST, "", "/").header("content-type", label);
    town.ask(post.body(Body::from_stream(stream::iter(pieces))).unwrap()).await
}

pub(crate) async fn send(town: &Town, fields: &[(&str, &str)], photos: &[(&str, Vec<u8>)]) -> Answer {
    send_as(town, &format!("multipart/form-data; boundary={BOUNDARY}"), form(fields, photos)).await
}

fn words<'a>(key: &'a str, text: &'a str) -> [(&'a str, &'a str); 5] {
    [("key", key), ("lang", "en"), ("text", text), ("point", "43.238, 76.889"), ("contact", "a@b.kz")]
}

async fn upload(town: &Town, token: &str, bytes: Vec<u8>) -> Answer {
    town.ask(request(Method::POST, token, FILES).body(Body::from(bytes)).unwrap()).await
}

/// Photos kept in the town's folder, and drafts left there.
fn lies(town: &Town) -> (usize, usize) {
    let count = |folder: &Path| std::fs::read_dir(folder).map_or(0, Iterator::count);
    let root = town.folder.path().join("files");
    let folders = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let kept = folders.filter(|path| path.is_dir() && !path.ends_with("incoming")).map(|path| count(&path));
    (kept.sum(), count(&root.join("incoming")))
}

#[tokio::test]
async fn the_form_takes_photos_and_sent_again_it_is_one_appeal() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let photos = [("a.jpg", jpeg(1)), ("б в.jpg", jpeg(2)), ("again.jpg", jpeg(1)), ("", vec![])];
    let sent = send(&town, &words(KEY, "Яма на Абая"), &photos).await.expect(303);
    assert_eq!(sent.header("location"), Some("/appeals/Z-2026-000001?lang=en&new=1"));
    let again = send(&town, &words(KEY, "Яма на Абая"), &photos).await.expect(303);
    assert_eq!(again.header("location"), sent.header("location"));
    // Other photos under the same key are another message.
    let other = send(&town, &words(KEY, "Яма на Абая"), &photos[..1]).await.expect(422);
    assert!(other.text().contains("Something else was already sent"));
    assert_eq!(lies(&town), (2, 0), "the same photo is kept once, and no draft is left");
    town.settle().await;
    let seen = town.get(&operator, &format!("{APPEALS}/Z-2026-000001")).await.expect(200).json();
    let thread = seen["thread"].as_array().unwrap();
    let files: Vec<_> = thread[0]["files"].as_array().unwrap().iter().map(|f| &f["file"]).collect();
    assert_eq!((thread.len(), files), (1, vec![&json!(name_of(&jpeg(1))), &json!(name_of(&jpeg(2)))]));
    assert_eq!(thread[0]["point"]["lat"], 43.238);
    let page = town.get("", "/appeals/Z-2026-000001?lang=en").await.expect(200).text();
    assert!(!page.contains(&name_of(&jpeg(1))), "nothing of a photo is public");
}

#[tokio::test]
async fn a_photo_without_words_is_taken_as_from_any_channel() {
    let town = Town::asleep().await;
    let before = town.log.head().await.unwrap().0;
    send(&town, &[("key", KEY), ("lang", "en"), ("text", "")], &[("a.jpg", jpeg(1))]).await.expect(303);
    assert_eq!(town.log.head().await.unwrap().0, before + 1);
    let nothing = send(&town, &[("lang", "en"), ("text", "")], &[("", vec![])]).await.expect(422);
    assert!(nothing.text().contains("Write what happened"));
}

#[tokio::test]
async fn a_photo_that_is_not_taken_is_told_beside_it_and_the_words_are_kept() {
    let set = |config: &mut zholdary_http::Config| {
        config.place_wait_ms = 50;
        config.limits.photo_max_bytes = 1024 * 1024;
    };
    let town = Town::with(set, false).await;
    let before = town.log.head().await.unwrap().0;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    let large = [jpeg(1), vec![0; 1024 * 1024]].concat();
    let six: Vec<_> = (1..=6).map(|n| ("a.jpg", jpeg(n))).collect();
    for (photos, says) in [
        (vec![("a.jpg", svg)], "This file is no photo"),
        (vec![("a.jpg", b"PK\x03\x04".to_vec())], "This file is no photo"),
        (vec![("a.jpg", jpeg(1)), ("b.png", b"<!doctype html>".to_vec())], "This file is no photo"),
        (vec![("a.jpg", large)], "A photo is too large: 1 MB at most."),
        (six, "Too many photos: 5 at most."),
    ] {
        let page = send(&town, &words(KEY, "Яма на Абая"), &photos).await.expect(422).text();
        let beside = page.split("id=\"photo-error\">").nth(1).unwrap_or_default().split('<').next().unwrap();
        assert!(beside.contains(says), "{says}: {page}");
        assert!(page.contains("photo-error photo-again\" aria-invalid=\"true\""), "{page}");
        assert!(page.contains("The photos have to be chosen again"), "{page}");
        for kept in [">Яма на Абая</textarea>", "value=\"43.238, 76.889\"", "value=\"a@b.kz\"", KEY]
        {
            assert!(page.contains(kept), "{kept} is lost: {page}");
        }
    }
    // Another field that is wrong costs the photos too, and says so.
    let far = [("lang", "ru"), ("text", "Яма"), ("point", "51.13, 71.43")];
    let page = send(&town, &far, &[("a.jpg", jpeg(1))]).await.expect(422).text();
    assert!(page.contains("id=\"point-error\"") && page.contains("Фото нужно выбрать ещё раз"), "{page}");
    assert_eq!((town.log.head().await.unwrap().0, lies(&town)), (before, (0, 0)), "nothing was kept");
}

#[tokio::test]
async fn a_form_that_is_broken_on_its_way_leaves_nothing() {
    let set = |config: &mut zholdary_http::Config| config.limits.form_max_bytes = 100_000;
    let town = Town::with(set, false).await;
    let before = town.log.head().await.unwrap().0;
    let whole = form(&words(KEY, "Яма"), &[("a.jpg", jpeg(1))]);
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    let cut = |at: usize| whole[..at].to_vec();
    let text = [("lang", "en".to_owned()), ("text", "я".repeat(60_000))];
    let text: Vec<_> = text.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (label, body, status, code) in [
        (label.as_str(), cut(30), 400, "not-whole"),
        (&label, vec![], 400, "not-whole"),
        (&label, b"no form at all".to_vec(), 400, "not-whole"),
        ("multipart/form-data; boundary=another", whole.clone(), 400, "not-whole"),
        ("multipart/form-data", whole.clone(), 422, "bad-field"),
        ("text/plain", whole.clone(), 422, "bad-field"),
        ("", whole.clone(), 422, "bad-field"),
    ] {
        let length = body.len();
        let refused = send_as(&town, label, body).await.expect(status);
        assert_eq!(refused.code(), code, "{label}, {length} bytes");
    }
    // What was read until then is in the form again.
    for (body, status, says) in [
        (cut(whole.len() - 20), 400, "id=\"photo-error\">The message did not arrive whole."),
        (cut(whole.len() / 2), 400, "id=\"photo-error\">The message did not arrive whole."),
        (cut(600), 400, "The message did not arrive whole."),
        (form(&text, &[]), 413, "id=\"text-error\">Too long"),
    ] {
        let length = body.len();
        let page = send_as(&town, &label, body).await.expect(status).text();
        assert!(page.contains(says), "{length} bytes: {page}");
        assert!(page.contains(">Яма</textarea>") || page.contains(">яяяя"), "{length} bytes: {page}");
    }
    // Photos that make the form too large cost what stands behind them, not the words before.
    let huge = send(&town, &words(KEY, "Яма"), &[("a.jpg", vec![0xff; 200_000])]).await.expect(422).text();
    assert!(huge.contains("A photo is too large") && huge.contains(">Яма</textarea>"), "{huge}");
    assert_eq!((town.log.head().await.unwrap().0, lies(&town)), (before, (0, 0)));
}

#[tokio::test]
async fn photos_stand_last_in_the_form_so_that_no_words_are_behind_them() {
    let set = |config: &mut zholdary_http::Config| config.limits.form_max_bytes = 100_000;
    let town = Town::with(set, false).await;
    let page = town.get("", "/?lang=en").await.expect(200).text();
    let asked = page.split("id=\"write\"").nth(1).unwrap().split("</form>").next().unwrap();
    let names: Vec<_> = asked.split(" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names, ["key", "lang", "text", "contact", "point", "photo"]);
    // As a browser sends it: in the order of the page.
    let all = words(KEY, "Яма");
    let value = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let photo = format!("\u{1}{}", "x".repeat(200_000));
    let parts: Vec<_> = names.iter().map(|name| (*name, value(name).unwrap_or(&photo))).collect();
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    let page = send_as(&town, &label, form(&parts, &[])).await.expect(422).text();
    assert!(page.contains("A photo is too large"), "{page}");
    for kept in [">Яма</textarea>", "value=\"43.238, 76.889\"", "value=\"a@b.kz\"", KEY] {
        assert!(page.contains(kept), "{kept} is lost: {page}");
    }
}

/// A form whose sender stops after `head`, without ending it.
async fn stalls(town: &Town, head: Vec<u8>) -> Answer {
    let pieces = stream::iter([Ok::<_, std::io::Error>(head)]).chain(stream::pending());
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    let post = request(Method::POST, "", "/").header("content-type", label);
    town.ask(post.body(Body::from_stream(pieces)).unwrap()).await
}

#[tokio::test]
async fn an_upload_that_does_not_end_in_time_costs_no_words() {
    let set = |config: &mut zholdary_http::Config| config.upload_timeout_ms = 300;
    let town = Town::with(set, false).await;
    let before = town.log.head().await.unwrap().0;
    for (lang, says) in [
        ("en", "Sending took too long"),
        ("ru", "Отправка шла слишком долго"),
        ("kk", "Жіберу тым ұзаққа созылып"),
    ] {
        let mut fields = words(KEY, "Яма");
        fields[1].1 = lang;
        let whole = form(&fields, &[("a.jpg", jpeg(1))]);
        let page = stalls(&town, whole[..whole.len() - 1_000].to_vec()).await.expect(503).text();
        assert!(page.contains(&format!("id=\"photo-error\">{says}")), "{page}");
        for kept in [">Яма</textarea>", "value=\"43.238, 76.889\"", "value=\"a@b.kz\"", KEY, "photo-again"]
        {
            assert!(page.contains(kept), "{kept} is lost: {page}");
        }
    }
    assert_eq!((town.log.head().await.unwrap().0, lies(&town)), (before, (0, 0)));
}

#[tokio::test]
async fn words_wait_for_no_photos() {
    let set = |config: &mut zholdary_http::Config| {
        config.place_wait_ms = 50;
        config.uploads_max = 1;
        config.upload_timeout_ms = 8_000;
    };
    let town = Town::with(set, false).await;
    let whole = form(&words(KEY, "Яма"), &[("a.jpg", jpeg(1))]);
    // Who holds the only place does not keep words waiting; who has sent no byte of a photo holds none.
    for (key, head, photos) in [
        ("5f0c7a526b0e4f0e9d430c1f6f2f8a12", whole.len() - 1_000, [("", vec![])]),
        ("5f0c7a526b0e4f0e9d430c1f6f2f8a13", 600, [("b.jpg", jpeg(2))]),
    ] {
        let holds = async { stalls(&town, whole[..head].to_vec()).await.expect(503) };
        let comes = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            send(&town, &words(key, "Темно"), &photos).await.expect(303)
        };
        let began = Instant::now();
        let comes = async {
            comes.await;
            began.elapsed()
        };
        let (_, took) = tokio::join!(holds, comes);
        assert!(took < Duration::from_secs(5), "{head}: {took:?}");
    }
}

#[tokio::test]
async fn a_form_has_so_many_parts_and_so_much_around_them() {
    let town = Town::asleep().await;
    let before = town.log.head().await.unwrap().0;
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    let urlencoded = "application/x-www-form-urlencoded";
    let mut many = words(KEY, "Яма").to_vec();
    many.resize(60, ("x", ""));
    let pairs = serde_urlencoded::to_string(&many).unwrap().into_bytes();
    for (label, body) in [(label.as_str(), form(&many, &[])), (urlencoded, pairs)] {
        let page = send_as(&town, label, body).await.expect(413).text();
        assert!(page.contains("did not arrive whole") && page.contains(">Яма</textarea>"), "{page}");
        assert!(page.contains("value=\"a@b.kz\""), "{page}");
    }
    // Photos that were kept before: one more than an appeal may have is seen, the rest is passed over.
    let names: Vec<_> = (0..30).map(|n| format!("{n:064}")).collect();
    let mut kept = words(KEY, "Яма").to_vec();
    kept.extend(names.iter().map(|name| ("kept", name.as_str())));
    let pairs = serde_urlencoded::to_string(&kept).unwrap().into_bytes();
    for (label, body) in [(label.as_str(), form(&kept, &[])), (urlencoded, pairs)] {
        let page = send_as(&town, label, body).await.expect(422).text();
        assert!(page.contains("Too many photos: 5 at most."), "{page}");
    }
    // Neither a preamble nor a head may go on for ever.
    let words = form(&words(KEY, "Яма"), &[]);
    let end = words.len() - format!("--{BOUNDARY}--\r\n").len();
    let endless = format!("--{BOUNDARY}\r\nX-Head: {}\r\n", "x".repeat(1_000_000));
    let preamble = [vec![b'x'; 1_000_000], words.clone()].concat();
    assert_eq!(send_as(&town, &label, preamble).await.expect(413).code(), "too-large");
    let page = send_as(&town, &label, [&words[..end], endless.as_bytes()].concat()).await.expect(413).text();
    assert!(page.contains(">Яма</textarea>"), "{page}");
    assert_eq!((town.log.head().await.unwrap().0, lies(&town)), (before, (0, 0)));
    // What is in fields does not count, in pieces of whatever size.
    for size in [1, 20_000, usize::MAX] {
        let body = form(
            &self::words(KEY, "Яма"),
            &[("a.jpg", jpeg(1)), ("b.jpg", [jpeg(2), vec![2; 90_000]].concat())],
        );
        let pieces: Vec<_> = body.chunks(size).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let post = request(Method::POST, "", "/").header("content-type", &label);
        town.ask(post.body(Body::from_stream(stream::iter(pieces))).unwrap()).await.expect(303);
    }
}

#[tokio::test]
async fn after_an_unknown_outcome_photos_that_are_kept_need_not_be_chosen_again() {
    let town = Town::asleep().await;
    let before = town.log.head().await.unwrap().0;
    town.faulty.lose_answers(1000);
    let unknown = send(&town, &words(KEY, "Яма"), &[("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))]).await;
    town.faulty.lose_answers(0);
    let page = unknown.expect(503).text();
    let kept: Vec<_> =
        page.split("name=\"kept\" value=\"").skip(1).map(|rest| rest[..64].to_owned()).collect();
    assert_eq!(kept, [name_of(&jpeg(1)), name_of(&jpeg(2))]);
    assert!(page.contains(KEY) && !page.contains("have to be chosen again"), "{page}");
    let mut fields = words(KEY, "Яма").to_vec();
    fields.extend(kept.iter().map(|name| ("kept", name.as_str())));
    send(&town, &fields, &[("", vec![])]).await.expect(303);
    // Chosen again all the same, they are the same.
    send(&town, &fields, &[("b.jpg", jpeg(2))]).await.expect(303);
    assert_eq!(town.log.head().await.unwrap().0, before + 1, "one message");
    // A name that is nobody's photo is not taken.
    let stranger = "0".repeat(64);
    let refused = send(&town, &[("lang", "en"), ("text", "x"), ("kept", &stranger)], &[]).await.expect(422);
    assert!(refused.text().contains("photos have to be chosen again"));
}

#[tokio::test]
async fn the_api_takes_a_photo_and_then_an_appeal_that_names_it() {
    let mut town = Town::start().await;
    let uploaded = upload(&town, "", jpeg(1)).await.expect(201).json();
    let name = name_of(&jpeg(1));
    assert_eq!(uploaded, json!({ "file": name, "bytes": 3_000, "media_type": "image/jpeg" }));
    assert_eq!(upload(&town, "", jpeg(1)).await.expect(201).json(), uploaded);
    assert_eq!(lies(&town), (1, 0));
    let body = json!({ "text": "Яма на Абая", "photos": [name, name] });
    let filed = town.post_as("", APPEALS, Some("k"), &body).await.expect(202).json();
    let again = town.post_as("", APPEALS, Some("k"), &body).await.expect(202).json();
    assert_eq!((&again["message"], &again["number"]), (&filed["message"], &filed["number"]));
    for (photos, field) in [
        (json!(["0".repeat(64)]), "photos[0]"),
        (json!([name, "a.jpg"]), "photos[1]"),
        (json!([name.to_uppercase()]), "photos[0]"),
    ] {
        let refused = town.post("", APPEALS, &json!({ "text": "Яма", "photos": photos })).await.expect(422);
        assert_eq!((refused.code().as_str(), &refused.json()["field"]), ("bad-field", &json!(field)));
    }
    for (bytes, status, code) in [
        (b"<svg/>".to_vec(), 415, "not-a-photo"),
        (vec![], 415, "not-a-photo"),
        (vec![0xff; 11 * 1024 * 1024], 413, "too-large"),
    ] {
        assert_eq!(upload(&town, "", bytes).await.expect(status).code(), code);
    }
    let gone = stream::iter([Ok(jpeg(3)), Err(std::io::Error::other("the network"))]);
    let broken = request(Method::POST, "", FILES).body(Body::from_stream(gone)).unwrap();
    assert_eq!(town.ask(broken).await.expect(400).code(), "not-whole");
    assert_eq!(lies(&town), (1, 0));
    town.settle().await;
}

#[tokio::test]
async fn a_photo_is_for_those_who_work_on_its_appeal() {
    let mut town = Town::start().await;
    let (operator, party) = (town.token(Role::Operator).await, town.token(Role::Party).await);
    let analyst = town.token(Role::Analyst).await;
    let name = upload(&town, "", jpeg(1)).await.expect(201).json()["file"].as_str().unwrap().to_owned();
    let file = async |town: &mut Town, text: &str, photos: &[&str]| {
        let body = json!({ "text": text, "photos": photos });
        let filed = town.post("", APPEALS, &body).await.expect(202).json();
        town.settle().await;
        filed["number"].as_str().unwrap().to_owned()
    };
    let theirs = file(&mut town, "Яма на Абая — Розыбакиева", &[&name]).await;
    let without = file(&mut town, "Яма на Абая — Розыбакиева, ещё одна", &[]).await;
    let redirect = json!({ "to": crate::town::PARTY, "reason": "наша улица" });
    for number in [&theirs, &without] {
        town.post(&operator, &format!("{APPEALS}/{number}/redirect"), &redirect).await.expect(202);
    }
    town.settle().await;
    let others = file(&mut town, "Прошу построить новую дорогу в Талгаре", &[&name]).await;
    let path = format!("{FILES}/{name}");
    let of = |number: &str| format!("{path}?appeal={number}");
    for (token, path, status) in [
        ("", path.clone(), 401),
        (analyst.as_str(), of(&theirs), 403),
        (&operator, path.clone(), 200),
        (&operator, of(&theirs), 200),
        (&operator, of(&without), 404),
        (&operator, format!("{FILES}/{}", "0".repeat(64)), 404),
        (&operator, format!("{FILES}/..%2F..%2Flog.db"), 400),
        (&party, path.clone(), 400),
        (&party, of(&theirs), 200),
        (&party, of(&without), 404),
        (&party, of(&others), 404),
        (&party, of("Z-2026-999999"), 404),
    ] {
        town.get(token, &path).await.expect(status);
    }
    let got = town.get(&party, &of(&theirs)).await.expect(200);
    assert_eq!(&got.body[..3], b"\xff\xd8\xff");
    assert!(got.body.len() < 3_000, "what is not of the picture stays behind");
    let small = town.get(&party, &format!("{}&as=thumbnail", of(&theirs))).await.expect(200);
    assert_eq!(&small.body[..3], b"\xff\xd8\xff");
    town.get(&party, &format!("{}&as=original", of(&theirs))).await.expect(400);
    let original = town.get(&operator, &path).await.expect(200);
    assert_eq!(original.body, jpeg(1));
    assert_eq!(town.get(&operator, &format!("{path}?as=copy")).await.expect(200).body, got.body);
    for (header, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(got.header(header), Some(value), "{header}");
    }
    let disposition = got.header("content-disposition").unwrap().to_owned();
    assert_eq!(disposition, format!("attachment; filename=\"{}.jpg\"", &name[..16]));
    let view = town.get(&party, &format!("{APPEALS}/{theirs}")).await.expect(200).json();
    let named = &view["thread"][0]["files"][0];
    assert_eq!((&named["file"], named.get("external_id")), (&json!(name), None), "{view}");
    // What proves that it is done is a photo that is kept as well.
    let done = format!("{APPEALS}/{theirs}/done");
    let refused = town.post(&party, &done, &json!({ "proof": [name, "0".repeat(64)] })).await.expect(422);
    assert_eq!(refused.json()["field"], "proof[1]");
    town.post(&party, &done, &json!({ "proof": [name] })).await.expect(202);
}
