use proptest::prelude::*;
use zholdary_domain::Inbound;
use zholdary_testkit::{at, samples};

use super::*;
use crate::{Accounts, Limits, Parsed, UNKNOWN_TIME, told};

const INSTAGRAM: &str = "17841400000000777";
const FACEBOOK: &str = "100200300400500";

fn ours(page: Page) -> Accounts {
    let address = if page == Page::Instagram { INSTAGRAM } else { FACEBOOK };
    Accounts { addresses: [address.to_owned()].into(), ..Accounts::default() }
}

fn read(page: Page, raw: &[u8]) -> Parsed {
    parse(raw, page, &ours(page), &Limits::default())
}

/// A line with the digest in the id of an edit left out.
fn no_digest(line: &str) -> String {
    let digest = line.split_once('/').map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
    match digest.filter(|digest| line.contains("edit ") && digest.len() == 64) {
        Some(digest) => line.replace(digest, "…"),
        None => line.to_owned(),
    }
}

/// Samples of a channel as one line an element, with their common beginnings of ids left out.
fn each_sample(page: Page, channel: &str, check: &[(&str, &[&str])]) {
    let short = |line: String| no_digest(&line.replace("aWdfZAG1faXRlbTpZHOL", "").replace("m_ZHOL", ""));
    let files = samples::of(channel).into_iter().filter(|(name, _)| name.ends_with(".json"));
    let told: Vec<(String, Vec<String>)> = files
        .map(|(name, raw)| {
            (name[..2].to_owned(), told::all(&read(page, &raw)).into_iter().map(short).collect())
        })
        .collect();
    let expected: Vec<(String, Vec<String>)> = check
        .iter()
        .map(|(name, lines)| ((*name).to_owned(), lines.iter().map(|line| (*line).to_owned()).collect()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn each_sample_of_instagram_leads_to_its_elements() {
    each_sample(
        Page::Instagram,
        "instagram",
        &[
            ("01", &["message 0001 from 6700000000000001 «Здравствуйте, на Төле би»"]),
            (
                "02",
                &["message 0002 from 6700000000000001 \
                   Image - - - at ?asset_id=1&signature=EXAMPLE1 Image - - - at ?asset_id=2&signature=EXAMPLE2"],
            ),
            ("03", &["echo OUT1 to 6700000000000001 «Ваше обращение зарегистр»"]),
            ("04", &["echo NATIVE1 to 6700000000000001 «Передали дорожной службе»"]),
            (
                "05",
                &["message 17900000000000501 from 6700000000000002 almaty_driver «А когда починят дорогу н»"],
            ),
            ("06", &["echo 17900000000000502 under 17900000000000501 «@almaty_driver Ремонт за»"]),
            (
                "07",
                &["message 17900000000000501 from 6700000000000002 almaty_driver «А когда починят дорогу н»"],
            ),
            (
                "08",
                &["message mention/17900000000000510 from  re 17900000000000510 Image 17950000000000044 - -"],
            ),
            ("09", &["message mention/17950000000000045 from  Image 17950000000000045 - -"]),
            ("10", &["message 0010 from 6700000000000003 Image - - - at ?asset_id=3&signature=EXAMPLE3"]),
            ("11", &["message 0011 from 6700000000000004 «Қабанбай батыр 48, жол ш»"]),
            ("12", &["withdrawn 0011"]),
            (
                "13",
                &[
                    "Read OUT1 49300",
                    "nothing: reaction",
                    "message 0013 from 6700000000000001 unsupported unsupported",
                ],
            ),
        ],
    );
}

#[test]
fn each_sample_of_facebook_leads_to_its_elements() {
    let post = "100200300400500_700000000000001";
    each_sample(
        Page::Facebook,
        "facebook",
        &[
            ("01", &["message 0001 from 5100000000000001 «Добрый день. Затопило дв»"]),
            (
                "02",
                &[
                    "message 0002 from 5100000000000002 Image - - - at EXAMPLE.jpg",
                    "message 0003 from 5100000000000002 «Жол ойылып кетті, Әл-Фар»",
                ],
            ),
            ("03", &["echo OUT1 to 5100000000000001 «Обращение зарегистрирова»"]),
            (
                "04",
                &[
                    "Delivered OUT1 47604",
                    "news read/5100000000000001/1795147649137 of 5100000000000001: read up to 47649137",
                ],
            ),
            ("05", &["message 0005 from 5100000000000003 [start]"]),
            (
                "06",
                &[&format!(
                    "message 700000000000001_800001 from 5100000000000002 Марат Е. re {post} «На Кульджинском тракте у»"
                )],
            ),
            ("07", &["edit 1795147900/… of 700000000000001_800001 «На Кульджинском тракте у»"]),
            ("08", &["withdrawn 700000000000001_800001"]),
            ("09", &["echo 700000000000001_800002 under 700000000000001_800001 «Передано в управление эн»"]),
            (
                "10",
                &[
                    "message 100200300400500_700000000000002 from 5100000000000003 Галина П. «Уважаемый акимат! Дорога»",
                ],
            ),
            ("11", &["nothing: reaction", "nothing: other change of the page"]),
            ("12", &["message 0001 from 5100000000000001 «Добрый день. Затопило дв»"]),
            (
                "13",
                &[&format!(
                    "message 700000000000001_800004 from 5100000000000001 Асель re {post} Image - - - at EXAMPLE2.jpg"
                )],
            ),
        ],
    );
}

/// The body of one webhook with this list.
fn body(page: Page, list: &str, items: &str) -> String {
    let (object, id) = if page == Page::Instagram { ("instagram", INSTAGRAM) } else { ("page", FACEBOOK) };
    format!(r#"{{"object":"{object}","entry":[{{"id":"{id}","time":1795147200,"{list}":[{items}]}}]}}"#)
}

fn said(page: Page, fields: &str) -> Vec<String> {
    let event =
        format!(r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"8"}},"timestamp":1795147200137,{fields}}}"#);
    told::all(&read(page, body(page, "messaging", &event).as_bytes()))
}

#[test]
fn every_kind_of_event_leads_somewhere() {
    let check = |fields: &str, expected: &str| {
        for page in [Page::Instagram, Page::Facebook] {
            assert_eq!(said(page, fields), [expected], "{fields}");
        }
    };
    let message = |fields: &str, expected: &str| {
        check(&format!(r#""message":{{"mid":"m",{fields}}}"#), expected);
    };
    let file = |fields: &str, expected: &str| {
        message(&format!(r#""attachments":[{{{fields}}}]"#), &format!("message m from 7{expected}"));
    };
    message(r#""text":"яма","reply_to":{"mid":"o"}"#, "message m from 7 re o «яма»");
    message(r#""text":"Да","quick_reply":{"payload":"fixed:yes"}"#, "message m from 7 «Да» [fixed:yes]");
    message(r#""text":"Да","quick_reply":{"payload":"Да"}"#, "message m from 7 «Да»");
    message(r#""text":"яма","is_deleted":false"#, "message m from 7 «яма»");
    message(r#""text":" \u200b""#, "message m from 7");
    message(r#""text":{"a":1}"#, "message m from 7");
    message(r#""text":"яма","is_echo":true"#, "echo m to 8 «яма»");
    message(r#""is_deleted":true"#, "withdrawn m");
    message(r#""is_deleted":true,"is_echo":true"#, "nothing: own message");
    file(r#""type":"video","payload":{"url":"https://x.example/v"}"#, " Video - - - at v");
    file(r#""type":"audio","payload":{"url":"https://x.example/a"}"#, " Audio - - - at a");
    file(r#""type":"file","payload":{"url":"https://x.example/f"}"#, " Document - - - at f");
    // What was passed on is found by its title and address.
    file(
        r#""type":"ig_reel","payload":{"url":"https://x.example/r"}"#,
        " quoting «https://x.example/r» Video - - - at r",
    );
    file(
        r#""type":"fallback","url":"https://x.example/p""#,
        " quoting «https://x.example/p» Document - - - at p",
    );
    file(
        r#""type":"ig_post","payload":{"ig_post_media_id":"1","title":"Яма","url":"https://x.kz/p"}"#,
        " quoting «Яма|https://x.kz/p» Document - - - at p",
    );
    file(r#""type":"fallback","title":"2ГИС","payload":{}"#, " quoting «2ГИС» Document - - -");
    file(r#""type":"share","payload":{"title":" ","url":"javascript:1"}"#, " Document - - -");
    message(
        r#""text":"тут","attachments":[{"type":"share","payload":{"url":"https://x.kz/1"}},{"type":"reel","title":"Б"}]"#,
        "message m from 7 «тут» quoting «https://x.kz/1|Б» Document - - - at 1 Video - - -",
    );
    file(
        r#""type":"image","payload":{"url":"https://x.example/s","sticker_id":369}"#,
        " Sticker 369 - - at s",
    );
    file(r#""type":"image","payload":{"sticker_id":369}"#, " Sticker 369 - -");
    file(r#""type":"like_heart""#, " Sticker - - -");
    file(r#""type":"location","payload":{"coordinates":{"lat":43.2,"long":76.9}}"#, " 43.2,76.9");
    file(r#""type":"location","payload":{"coordinates":{"lat":143.2,"long":76.9}}"#, " unsupported location");
    file(r#""type":"image","payload":{"url":"javascript:1"}"#, " Image - - -");
    file(r#""type":"Hologram","payload":{}"#, " unsupported unknown");
    file(r#""type":5"#, " unsupported unknown");
    check(r#""message":{"text":"яма"}"#, "kept: message without an id");
    check(r#""message":5"#, "kept: message without an id");
    check(
        r#""postback":{"mid":"p","payload":"fixed:no:Z-2026-000401"}"#,
        "message p from 7 [fixed:no:Z-2026-000401]",
    );
    check(r#""postback":{"payload":"GET_STARTED"}"#, "message postback/7/1795147200137 from 7 [start]");
    check(r#""postback":{"mid":"p","payload":"не наше","title":"Спросить"}"#, "message p from 7 «Спросить»");
    check(r#""message_edit":{"mid":"m","text":"яма","num_edit":2}"#, "edit 2 of m «яма»");
    check(r#""message_edit":{"mid":"m","text":"яма"}"#, "edit 1795147200137 of m «яма»");
    check(r#""message_edit":{"mid":"m","text":"яма","is_echo":true}"#, "nothing: own message");
    check(r#""message_edit":{"mid":"m"}"#, "kept: edit of another shape");
    check(r#""read":{"mid":"o"}"#, "Read o 47200");
    check(r#""read":{}"#, "kept: status of another shape");
    check(r#""reaction":{"mid":"o","action":"unreact"}"#, "nothing: reaction");
    check(r#""optin":{"ref":"x"}"#, "nothing: other event");
    check(r#""delivery":{"watermark":1}"#, "nothing: nothing inside");
    assert_eq!(
        said(Page::Facebook, r#""delivery":{"mids":["a","b",{}]}"#),
        ["Delivered a 47200", "Delivered b 47200"]
    );
}

#[test]
fn every_change_of_the_page_leads_somewhere() {
    let check = |page: Page, change: &str, expected: &str| {
        let parsed = read(page, body(page, "changes", change).as_bytes());
        let told: Vec<_> = told::all(&parsed).iter().map(|line| no_digest(line)).collect();
        assert_eq!(told, [expected], "{change}");
    };
    let feed = |fields: &str, expected: &str| {
        let value = format!(r#"{{"from":{{"id":"7","name":"А"}},"created_time":1795147200,{fields}}}"#);
        check(Page::Facebook, &format!(r#"{{"field":"feed","value":{value}}}"#), expected);
    };
    feed(
        r#""item":"comment","verb":"add","comment_id":"c","parent_id":"d","message":"яма""#,
        "message c from 7 А re d «яма»",
    );
    let tagged =
        r#""item":"comment","verb":"add","comment_id":"c","message_tags":[{"name":"Асель Ж."},{"id":1}]"#;
    feed(&format!(r#"{tagged},"message":"Асель Ж.""#), "message c from 7 А «Асель Ж.»");
    feed(
        &format!(r#"{tagged},"message":"Асель Ж. 😂","photo":"https://x.example/1""#),
        "message c from 7 А Image - - - at 1",
    );
    feed(&format!(r#"{tagged},"message":"Асель Ж. яма""#), "message c from 7 А «Асель Ж. яма»");
    // Who names the page in a post of their own shows it to us.
    feed(
        r#""item":"post","verb":"add","post_id":"p","message":"@zholdary_kz""#,
        "message p from 7 А «@zholdary_kz»",
    );
    feed(r#""item":"comment","verb":"add","message":"яма""#, "kept: message without an id");
    feed(r#""item":"comment","verb":"unhide","comment_id":"c""#, "nothing: other change of the page");
    feed(
        r#""item":"photo","verb":"add","post_id":"p","link":"https://x.example/1.jpg","message":"яма""#,
        "message p from 7 А «яма» Image - - - at 1.jpg",
    );
    feed(
        r#""item":"post","verb":"add","post_id":"p","photos":["https://x.example/1","https://x.example/2"]"#,
        "message p from 7 А Image - - - at 1 Image - - - at 2",
    );
    feed(
        r#""item":"video","verb":"add","post_id":"p","video":"https://x.example/v""#,
        "message p from 7 А Video - - - at v",
    );
    feed(
        r#""item":"share","verb":"add","post_id":"p","link":"https://x.example/page""#,
        "message p from 7 А",
    );
    feed(r#""item":"post","verb":"edited","post_id":"p","message":"яма""#, "edit 1795147200/… of p «яма»");
    feed(r#""item":"comment","verb":"edited","comment_id":"c""#, "nothing: other change of the page");
    feed(
        r#""item":"comment","verb":"edited","comment_id":"c","message":" ""#,
        "nothing: other change of the page",
    );
    feed(
        r#""item":"comment","verb":"edited","comment_id":"c","photo":"https://x.example/1""#,
        "edit 1795147200/… of c Image - - - at 1",
    );
    feed(r#""item":"post","verb":"remove","post_id":"p""#, "withdrawn p");
    feed(r#""item":"event","verb":"add""#, "nothing: other change of the page");
    feed(r#""verb":"add""#, "kept: change of another shape");
    feed(r#""item":"video","verb":"block""#, "nothing: other change of the page");
    check(
        Page::Facebook,
        r#"{"field":"feed","value":{"item":"status","verb":"add","post_id":"p","sender_id":7,"sender_name":"А","message":"яма"}}"#,
        "message p from 7 А «яма»",
    );
    check(
        Page::Facebook,
        r#"{"field":"mention","value":{"item":"comment","verb":"add","comment_id":"c","post_id":"p","message":"яма"}}"#,
        "message c from  «яма»",
    );
    let own = |fields: &str, expected: &str| {
        let value = format!(r#"{{"from":{{"id":"{FACEBOOK}"}},{fields}}}"#);
        check(Page::Facebook, &format!(r#"{{"field":"feed","value":{value}}}"#), expected);
    };
    own(r#""item":"post","verb":"add","post_id":"p","message":"Ремонт""#, "nothing: own message");
    own(r#""item":"comment","verb":"remove","comment_id":"c""#, "nothing: own message");
    own(r#""item":"comment","verb":"add","comment_id":"c","message":"да""#, "echo c «да»");
    check(
        Page::Facebook,
        r#"{"field":"feed","value":{"item":"comment","verb":"add","comment_id":"c","message":"яма"}}"#,
        "message c from  «яма»",
    );
    check(Page::Facebook, r#"{"field":"comments","value":{"id":"c"}}"#, "nothing: other field");
    check(Page::Facebook, r#"{"value":{}}"#, "kept: change of another shape");
    let comment = |fields: &str, expected: &str| {
        check(Page::Instagram, &format!(r#"{{"field":"comments","value":{{{fields}}}}}"#), expected);
    };
    comment(
        r#""id":"c","parent_id":"d","text":"яма","from":{"id":"7","username":"u"}"#,
        "message c from 7 u re d «яма»",
    );
    comment(r#""id":"c","text":"@anuar_99 😂 @dinara.k","from":{"id":"7"}"#, "message c from 7");
    comment(r#""id":"c","text":"@anuar_99 яма","from":{"id":"7"}"#, "message c from 7 «@anuar_99 яма»");
    comment(&format!(r#""id":"c","text":"@anuar_99","from":{{"id":"{INSTAGRAM}"}}"#), "echo c «@anuar_99»");
    comment(r#""id":"c","text":"яма""#, "message c from  «яма»");
    comment(r#""text":"яма""#, "kept: comment without an id");
    check(
        Page::Instagram,
        r#"{"field":"mentions","value":{"comment_id":"c"}}"#,
        "message mention/c from  re c unsupported mention",
    );
    check(
        Page::Instagram,
        r#"{"field":"mentions","value":{"comment_id":"c","media_id":"m"}}"#,
        "message mention/c from  re c Image m - -",
    );
    check(Page::Instagram, r#"{"field":"mentions","value":{}}"#, "kept: mention without an id");
    check(Page::Instagram, r#"{"field":"story_insights","value":{}}"#, "nothing: other field");
}

#[test]
fn edits_of_one_second_are_told_apart() {
    let edits = |seconds: u32, changes: &[&str]| {
        let change = |fields: &&str| {
            format!(
                r#"{{"field":"feed","value":{{"item":"comment","verb":"edited","comment_id":"c",{fields}}}}}"#
            )
        };
        let items = changes.iter().map(change).collect::<Vec<_>>().join(",");
        let raw = body(Page::Facebook, "changes", &items).replace("1795147200", &seconds.to_string());
        let id = |element| match element {
            Inbound::Edited { edit, .. } => edit.reveal().clone(),
            other => panic!("no edit: {other:?}"),
        };
        read(Page::Facebook, raw.as_bytes()).elements.into_iter().map(id).collect::<Vec<_>>()
    };
    let check = |one: (u32, &str), other: (u32, &str), same: bool| {
        assert_eq!(edits(one.0, &[one.1]) == edits(other.0, &[other.1]), same, "{one:?} {other:?}");
        if one.0 == other.0 {
            let both = edits(one.0, &[one.1, other.1]);
            assert_eq!(both[0] == both[1], same, "{one:?} {other:?}");
        }
    };
    let (pit, hatch) = (r#""message":"яма""#, r#""message":"люк""#);
    let photo = r#""message":"яма","photo":"https://x.example/1""#;
    check((1_795_147_300, pit), (1_795_147_300, hatch), false);
    check((1_795_147_300, pit), (1_795_147_300, photo), false);
    check((1_795_147_300, photo), (1_795_147_300, &photo.replace("/1", "/2")), false);
    check(
        (1_795_147_300, r#""message":"https://x.example/1""#),
        (1_795_147_300, r#""photo":"https://x.example/1""#),
        false,
    );
    check((1_795_147_300, pit), (1_795_147_300, r#""message":"яма","created_time":1795147200,"x":1"#), true);
    // Back to what an earlier edit said.
    check((1_795_147_300, pit), (1_795_147_301, pit), false);
}

#[test]
fn what_any_account_of_ours_writes_is_no_appeal() {
    let accounts = Accounts { addresses: ["1".to_owned(), "2".to_owned()].into(), ..Accounts::default() };
    let check = |page: Page, list: &str, item: &str, expected: &str| {
        let raw = body(page, list, item).replace(INSTAGRAM, "1").replace(FACEBOOK, "1");
        let parsed = parse(raw.as_bytes(), page, &accounts, &Limits::default());
        assert_eq!(told::all(&parsed), [expected], "{item}");
    };
    for own in ["1", "2"] {
        let comment = format!(
            r#"{{"field":"comments","value":{{"id":"c","parent_id":"d","text":"да","from":{{"id":"{own}"}}}}}}"#
        );
        check(Page::Instagram, "changes", &comment, "echo c under d «да»");
        let feed = |fields: &str| {
            format!(
                r#"{{"field":"feed","value":{{"from":{{"id":"{own}"}},"comment_id":"c","message":"да",{fields}}}}}"#
            )
        };
        check(Page::Facebook, "changes", &feed(r#""item":"comment","verb":"add""#), "echo c «да»");
        check(
            Page::Facebook,
            "changes",
            &feed(r#""item":"comment","verb":"edited""#),
            "nothing: own message",
        );
        check(
            Page::Facebook,
            "changes",
            &feed(r#""item":"comment","verb":"remove""#),
            "nothing: own message",
        );
        let mention = feed(r#""item":"comment","verb":"add""#).replace("feed", "mention");
        check(Page::Facebook, "changes", &mention, "nothing: own message");
        for page in [Page::Instagram, Page::Facebook] {
            let said = |to: &str, fields: &str| {
                format!(
                    r#"{{"sender":{{"id":"{own}"}},"recipient":{{"id":"{to}"}},"timestamp":1795147200137,{fields}}}"#
                )
            };
            let text = r#""message":{"mid":"m","text":"да"}"#;
            check(page, "messaging", &said("7", text), "echo m to 7 «да»");
            check(page, "messaging", &said("1", text), "echo m to 1 «да»");
            for fields in [
                r#""message":{"mid":"m","is_deleted":true}"#,
                r#""message_edit":{"mid":"m","text":"нет","num_edit":1}"#,
                r#""postback":{"mid":"m","payload":"x"}"#,
            ] {
                check(page, "messaging", &said("7", fields), "nothing: own message");
            }
        }
    }
}

#[test]
fn one_broken_element_leaves_its_neighbours() {
    let good = r#"{"sender":{"id":"7"},"timestamp":1795147200137,"message":{"mid":"m","text":"яма"}}"#;
    let check = |broken: &str, expected: &str| {
        let raw = body(Page::Facebook, "messaging", &format!("{broken},{good}"));
        assert_eq!(told::all(&read(Page::Facebook, raw.as_bytes())), [expected, "message m from 7 «яма»"]);
    };
    check("5", "kept: event of another shape");
    check("null", "kept: event of another shape");
    check("{}", "nothing: other event");
    check(r#"{"timestamp":1e999}"#, "kept: element that does not read");
    check(&format!(r#"{{"x":{}{}}}"#, "[".repeat(40), "]".repeat(40)), "kept: nested deeper than the limit");
    check(r#"{"sender":{"id":"7"},"message":{"mid":"b","text":"яма \ud83d"}}"#, "message b from 7 «яма»");
    let lists = format!(
        r#"{{"object":"page","entry":[{{"id":"{FACEBOOK}","messaging":5,"standby":[{good}],"changes":null}},7]}}"#
    );
    assert_eq!(
        told::all(&read(Page::Facebook, lists.as_bytes())),
        ["kept: list of another shape", "message m from 7 «яма»", "kept: entry of another shape"],
    );
}

#[test]
fn what_is_not_ours_leads_to_nothing() {
    let one = samples::one("facebook", "02");
    let text = std::str::from_utf8(&one).unwrap();
    let theirs = text.replace(FACEBOOK, "1");
    assert_eq!(told::all(&read(Page::Facebook, theirs.as_bytes())), ["nothing: account of others"; 2]);
    assert_eq!(told::all(&read(Page::Instagram, &one)), ["nothing: object of another platform"]);
    let nameless = text.replace(&format!(r#""id": "{FACEBOOK}","#), "");
    assert_eq!(told::all(&read(Page::Facebook, nameless.as_bytes()))[0], "kept: no account of ours named");
    // Without a list of our accounts every one is ours.
    let any = parse(theirs.as_bytes(), Page::Facebook, &Accounts::any(), &Limits::default());
    assert!(told::all(&any)[0].starts_with("message"));
}

#[test]
fn bodies_that_do_not_read_are_kept_whole() {
    let limits = Limits { body_bytes: 4000, elements: 1, ..Limits::default() };
    let check = |raw: &[u8], expected: &str| {
        assert_eq!(told::all(&parse(raw, Page::Facebook, &ours(Page::Facebook), &limits)), [expected]);
    };
    let sample = samples::one("facebook", "02");
    check(&sample[..sample.len() / 2], "kept: not the JSON of a webhook");
    check(b"", "kept: not the JSON of a webhook");
    check(br#"{"object":"page"}"#, "kept: not the JSON of a webhook");
    check(&[b' '; 5000], "kept: larger than the limit");
    check(&sample, "kept: more elements than the limit");
    check(&[0xff; 20], "kept: not the JSON of a webhook");
}

#[test]
fn times_are_seconds_or_milliseconds() {
    for (stamp, expected) in [
        ("1795147200", at("2026-11-20T04:00:00Z")),
        ("1795147200137", at("2026-11-20T04:00:00.137Z")),
        (r#""1795147200""#, at("2026-11-20T04:00:00Z")),
        ("0", UNKNOWN_TIME),
        ("-5", UNKNOWN_TIME),
        (r#""soon""#, UNKNOWN_TIME),
        ("9223372036854775807", UNKNOWN_TIME),
        ("null", UNKNOWN_TIME),
    ] {
        assert_eq!(page::time(&serde_json::from_str(stamp).unwrap()), expected, "{stamp}");
    }
}

#[test]
fn what_has_no_time_of_its_own_happened_when_it_was_delivered() {
    let check = |fields: &str, delivered: &str, expected| {
        let event = format!(r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"8"}},{fields}}}"#);
        let raw = body(Page::Instagram, "messaging", &event).replace(r#""time":1795147200"#, delivered);
        let parsed = read(Page::Instagram, raw.as_bytes());
        let sent_at = match &parsed.elements[..] {
            [Inbound::Message(message)] => message.sent_at,
            [Inbound::Edited { sent_at, .. } | Inbound::Withdrawn { sent_at, .. }] => *sent_at,
            [Inbound::Delivery { at, .. }] => *at,
            other => panic!("{fields}: {other:?}"),
        };
        assert_eq!(sent_at, expected, "{fields}");
    };
    let (delivered, at) = (r#""time":1795148250000"#, at("2026-11-20T04:17:30Z"));
    for fields in [
        r#""message":{"mid":"m","text":"яма"}"#,
        r#""message":{"mid":"m","is_deleted":true}"#,
        r#""message_edit":{"mid":"m","text":"яма","num_edit":1}"#,
        r#""postback":{"mid":"m","payload":"start"}"#,
        r#""read":{"mid":"m"}"#,
        r#""delivery":{"mids":["m"]}"#,
        r#""timestamp":"soon","message":{"mid":"m","text":"яма"}"#,
        r#""timestamp":1795148250,"message":{"mid":"m","text":"яма"}"#,
    ] {
        check(fields, delivered, at);
    }
    check(r#""message":{"mid":"m","text":"яма"}"#, r#""x":1"#, UNKNOWN_TIME);
}

#[test]
fn bodies_of_other_projects_read() {
    let folder = samples::folder().join("webhooks_meta").join("restfb");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut told = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let page = match name.split_once("__") {
            Some(("instagram", _)) => Page::Instagram,
            Some(("webhooks", _)) => Page::Facebook,
            _ => continue,
        };
        let parsed = parse(&std::fs::read(&path).unwrap(), page, &Accounts::any(), &Limits::default());
        told.push(no_digest(&format!("{name}: {}", told::all(&parsed).join("; "))));
    }
    insta::assert_snapshot!(told.join("\n"));
}

fn any_sample() -> impl Strategy<Value = (Page, Vec<u8>)> {
    let of = |page, channel| samples::of(channel).into_iter().map(move |(_, raw)| (page, raw));
    let all: Vec<_> = of(Page::Instagram, "instagram").chain(of(Page::Facebook, "facebook")).collect();
    prop::sample::select(all)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        (page, mut raw) in any_sample(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        for (place, byte, how) in edits {
            let place = place.index(raw.len());
            match how {
                0 => raw[place] = byte,
                1 => raw.insert(place, byte),
                2 => { raw.remove(place); }
                _ => raw.insert(place, *b"{}[]\",:\\".get(usize::from(byte) % 8).unwrap()),
            }
        }
        prop_assert!(!parse(&raw, page, &Accounts::any(), &Limits::default()).elements.is_empty());
    }

    #[test]
    fn no_value_in_any_place_makes_it_panic(
        (page, raw) in any_sample(),
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "5", "-1.5", "\"\"", "\"я\"", "[]", "{}", "[null]", "true", "\"\\ud800\""]),
    ) {
        let text = std::str::from_utf8(&raw).unwrap();
        let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
        let pair = place.index(quotes.len() / 2) * 2;
        let mutated = format!("{}{value}{}", &text[..quotes[pair]], &text[quotes[pair + 1] + 1..]);
        prop_assert!(!parse(mutated.as_bytes(), page, &Accounts::any(), &Limits::default()).elements.is_empty());
    }
}
