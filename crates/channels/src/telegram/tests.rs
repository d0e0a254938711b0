use proptest::prelude::*;
use zholdary_domain::Inbound;
use zholdary_testkit::{at, samples};

use super::*;
use crate::{Limits, UNKNOWN_TIME, told};

const BOT: &str = "7000000001";

fn bot() -> Bot {
    Bot { id: BOT.to_owned(), name: "zholdary_test_bot".to_owned() }
}

#[test]
fn each_sample_leads_to_its_elements() {
    let files = samples::of("telegram").into_iter().filter(|(name, _)| name.ends_with(".json"));
    let told: Vec<_> =
        files.map(|(name, raw)| (name[..2].to_owned(), told::all(&parse(&raw, &bot())))).collect();
    let timur = "from 5000000101 Тимур";
    let photo = |n: u8| format!("Image AgACAgIA{n}x image/jpeg -");
    let expected = [
        ("01", vec![format!("message 5000000101:1 {timur} in ru [start]")]),
        ("02", vec![format!("message 5000000101:2 {timur} «Яма на перекрёстке Жамбы»")]),
        ("03", vec![format!("message 5000000101:3 {timur} 43.25521,76.91108")]),
        (
            "04",
            vec![
                format!(
                    "message 5000000102:10 from 5000000102 Жанар of album 139700001 «Сейфуллин даңғылы, 12: ж» {}",
                    photo(1)
                ),
                format!("message 5000000102:11 from 5000000102 Жанар of album 139700001 {}", photo(2)),
                format!("message 5000000102:12 from 5000000102 Жанар of album 139700001 {}", photo(3)),
            ],
        ),
        ("05", vec![format!("message 5000000101:2 {timur} «Яма на перекрёстке Жамбы»")]),
        ("06", vec!["edit 1795147400/880007 of 5000000101:2 «Яма на перекрёстке Жамбы»".to_owned()]),
        ("07", vec!["message 5000000103:4 from 5000000103 Ерлан Audio AwACAgIAv1 audio/ogg -".to_owned()]),
        ("08", vec![format!("message 5000000101:5 {timur} Image BQACAgIAd1 image/heic IMG_2044.HEIC")]),
        ("09", vec![format!("message 5000000101:6 {timur} (phone)")]),
        (
            "10",
            vec![format!(
                "message callback/21474836480001 {timur} re 5000000101:90 [fixed:yes:Z-2026-000301]"
            )],
        ),
        // Neither who spoke to the bot nor what they said.
        ("11", vec!["message group/-1001999000111/2026-11-20 from -1001999000111".to_owned()]),
        ("12", vec!["news update/880013 of 5000000103: Blocked".to_owned()]),
    ];
    assert_eq!(told, expected.map(|(name, lines)| (name.to_owned(), lines)));
}

#[test]
fn the_next_updates_are_asked_for_behind_the_highest() {
    for (raw, expected) in [
        (samples::one("telegram", "04"), Some(880_007)),
        (br#"{"ok":true,"result":[]}"#.to_vec(), None),
        (br#"{"ok":true,"result":[{"update_id":9},{"update_id":7},{"x":1},5]}"#.to_vec(), Some(10)),
        (br#"{"ok":true,"result":[{"update_id":9223372036854775807}]}"#.to_vec(), None),
        (br#"{"ok":false,"error_code":409}"#.to_vec(), None),
        (b"{".to_vec(), None),
    ] {
        assert_eq!(next_offset(&raw), expected);
    }
}

/// What one update with this field says.
fn one(update: &str) -> String {
    let raw = format!(r#"{{"update_id":1,{update}}}"#);
    let told = told::all(&parse(raw.as_bytes(), &bot()));
    assert_eq!(told.len(), 1, "{update}");
    told.into_iter().next().expect("one")
}

fn message(fields: &str) -> String {
    one(&format!(
        r#""message":{{"message_id":7,"date":1795147200,"chat":{{"id":42,"type":"private"}},
            "from":{{"id":42,"is_bot":false,"first_name":"А","last_name":"Б"}},{fields}}}"#
    ))
}

#[test]
fn who_presses_start_is_greeted_in_the_language_of_the_app() {
    let check = |code: &str, expected: &str| {
        let update = format!(
            r#""message":{{"message_id":7,"date":1795147200,"chat":{{"id":42,"type":"private"}},
                "from":{{"id":42,"is_bot":false,"first_name":"А","language_code":{code}}},"text":"/start"}}"#
        );
        assert_eq!(one(&update), format!("message 42:7 from 42 А{expected} [start]"), "{code}");
    };
    check(r#""kk""#, " in kk");
    check(r#""RU-kz""#, " in ru");
    check(r#""""#, "");
    check(r#""x""#, "");
    check(r#""русский""#, "");
    check("7", "");
}

#[test]
fn every_kind_of_message_leads_somewhere() {
    let check = |fields: &str, expected: &str| {
        let expected = match expected.strip_prefix("message") {
            Some(rest) => format!("message 42:7 from 42 А Б{rest}"),
            None => expected.to_owned(),
        };
        assert_eq!(message(fields), expected, "{fields}");
    };
    check(r#""text":"яма""#, "message «яма»");
    check(r#""text":"/start ref""#, "message [start]");
    check(r#""text":"/start@almaty_roads_bot\nref""#, "message [start]");
    check(r#""text":"/help""#, "message [start]");
    check(r#""text":"/help@almaty_roads_bot""#, "message [start]");
    check(r#""text":"/Start""#, "message [start]");
    check(r#""text":"/START@zholdary_test_bot""#, "message [start]");
    check(r#""text":"/start\n""#, "message [start]");
    check(r#""text":"/start qr_abaya-45""#, "message [start]");
    let payload = "x".repeat(64);
    check(&format!(r#""text":"/start {payload}""#), "message [start]");
    check(&format!(r#""text":"/start {payload}x""#), "message «xxxxxxxxxxxxxxxxxxxxxxxx»");
    // Words behind it are the author's.
    check(r#""text":"/start Яма на Толе би 20""#, "message «Яма на Толе би 20»");
    check(r#""text":"/start\nОткрытый люк, Саина 5""#, "message «Открытый люк, Саина 5»");
    check(r#""text":"/Start@almaty_roads_bot Абая""#, "message «Абая»");
    check(r#""text":"/start pothole on Abai""#, "message «pothole on Abai»");
    check(r#""text":"/start 👋""#, "message [start]");
    check(r#""text":"/started яма""#, "message «/started яма»");
    check(r#""text":"/help яма на Абая""#, "message «/help яма на Абая»");
    check(r#""text":"/Абая""#, "message «/Абая»");
    check(r#""text":"/""#, "message «/»");
    check(r#""text":"/45""#, "message «/45»");
    check(r#""text":" \u200b""#, "message");
    check(
        r#""text":"и тут","reply_to_message":{"message_id":5,"chat":{"id":42}}"#,
        "message re 42:5 «и тут»",
    );
    check(
        r#""photo":[{"file_id":"b","width":10,"height":10},{"file_id":"s","width":5,"height":5}],"caption":"яма""#,
        "message «яма» Image b image/jpeg -",
    );
    check(
        r#""photo":[{"file_id":"s","width":9,"height":9,"file_size":1},{"file_id":"b","width":9,"height":9,"file_size":2},{"file_id":"n"}]"#,
        "message Image b image/jpeg -",
    );
    check(r#""photo":[],"caption":"яма""#, "message «яма» unsupported photo");
    check(r#""video":{"file_id":"v","mime_type":"video/mp4"}"#, "message Video v video/mp4 -");
    check(
        r#""animation":{"file_id":"g"},"document":{"file_id":"g","mime_type":"video/mp4"}"#,
        "message Video g - -",
    );
    check(r#""video":{"duration":4}"#, "message unsupported video");
    check(r#""video_note":{"file_id":"n"}"#, "message Video n - -");
    check(r#""audio":{"file_id":"a","file_name":"../a.mp3"}"#, "message Audio a - a.mp3");
    check(
        r#""document":{"file_id":"d","mime_type":"application/pdf","file_name":"З.pdf"}"#,
        "message Document d application/pdf З.pdf",
    );
    check(r#""document":{"file_id":"d","mime_type":"video/mp4"}"#, "message Video d video/mp4 -");
    check(r#""document":{"file_id":"d","mime_type":"Image/PNG"}"#, "message Image d image/png -");
    check(r#""document":{"file_id":"d"}"#, "message Document d - -");
    check(
        r#""voice":{"file_id":"v","mime_type":"audio/ogg"},"caption":"тут""#,
        "message «тут» Audio v audio/ogg -",
    );
    check(r#""sticker":{"file_id":"s"}"#, "message Sticker s - -");
    check(r#""location":{"latitude":43.2,"longitude":76.9}"#, "message 43.2,76.9");
    check(r#""location":{"latitude":143.2,"longitude":76.9}"#, "message unsupported location");
    check(
        r#""venue":{"title":"Рынок","location":{"latitude":43.2,"longitude":76.9}},"location":{"latitude":43.2,"longitude":76.9}"#,
        "message 43.2,76.9",
    );
    check(r#""venue":{"title":"Рынок"}"#, "message unsupported venue");
    check(
        r#""contact":{"phone_number":"+77010000000","first_name":"Асқар","user_id":43}"#,
        "message quoting «Асқар, +77010000000» unsupported contact",
    );
    check(r#""contact":{"phone_number":"77010000000","first_name":"А","user_id":42}"#, "message (phone)");
    check(r#""contact":{"phone_number":"нет","first_name":"А","user_id":42}"#, "message unsupported contact");
    check(r#""contact":{}"#, "message unsupported contact");
    check(r#""poll":{"question":"?"}"#, "message unsupported poll");
    check(r#""paid_media":{"star_count":1},"caption":"яма""#, "message «яма» unsupported paid_media");
    check(r#""pinned_message":{}"#, "nothing: note of the platform");
    check(r#""new_chat_title":"Двор 12""#, "nothing: note of the platform");
    check(r#""forum_topic_created":{"name":"Яма"}"#, "nothing: note of the platform");
    check(r#""holograph":{}"#, "kept: message of an unknown kind");
    check(r#""text":null"#, "kept: message of an unknown kind");
    check(r#""text":5"#, "message unsupported text");
}

#[test]
fn every_kind_of_update_leads_somewhere() {
    let check = |update: &str, expected: &str| assert_eq!(one(update), expected, "{update}");
    let from = r#""from":{"id":42},"chat":{"id":42,"type":"private"}"#;
    check(&format!(r#""message":{{{from},"text":"яма"}}"#), "kept: message without an id");
    check(&format!(r#""message":{{"message_id":1.5,{from},"text":"яма"}}"#), "kept: message without an id");
    check(&format!(r#""message":{{"message_id":"1",{from},"text":"яма"}}"#), "kept: message without an id");
    check(
        r#""message":{"message_id":1,"chat":{"id":5000000101000,"type":"private"},"text":"яма"}"#,
        "message 5000000101000:1 from 5000000101000 «яма»",
    );
    check(
        r#""message":{"message_id":1,"from":{},"chat":{"id":42,"type":"private","first_name":"А"},"text":"яма"}"#,
        "message 42:1 from 42 А «яма»",
    );
    check(r#""message":{"message_id":1,"chat":{"id":-42},"text":"яма"}"#, "kept: chat of another shape");
    check(r#""message":{"message_id":1,"chat":{"id":-42,"type":"channel"},"text":"яма"}"#, "nothing: group");
    check(
        r#""message":{"message_id":1,"from":{"id":9,"is_bot":true},"chat":{"id":42,"type":"private"},"text":"яма"}"#,
        "nothing: bot",
    );
    check(
        &format!(
            r#""edited_message":{{"message_id":7,"edit_date":1795147300,{from},"location":{{"latitude":43,"longitude":77}}}}"#
        ),
        "nothing: moving point",
    );
    check(
        &format!(r#""edited_message":{{"message_id":7,"edit_date":1795147300,{from},"text":"люк"}}"#),
        "edit 1795147300/1 of 42:7 «люк»",
    );
    for fields in [
        r#""text":"люк""#,
        r#""edit_date":"x","text":"люк""#,
        r#""edit_date":1,"photo":[]"#,
        r#""edit_date":1"#,
    ] {
        check(
            &format!(r#""edited_message":{{"message_id":7,{from},{fields}}}"#),
            "kept: edit of another shape",
        );
    }
    check(
        r#""edited_message":{"message_id":7,"edit_date":1,"chat":{"id":-1,"type":"group"},"text":"люк"}"#,
        "nothing: group",
    );
    check(
        r#""callback_query":{"id":"q","from":{"id":42},"data":"lang:kk"}"#,
        "message callback/q from 42 [lang:kk]",
    );
    let longest = "x".repeat(64);
    check(
        &format!(r#""callback_query":{{"id":"q","from":{{"id":42}},"data":"{longest}"}}"#),
        &format!("message callback/q from 42 [{longest}]"),
    );
    for data in ["да", "", "a b", &"x".repeat(65)] {
        check(
            &format!(r#""callback_query":{{"id":"q","from":{{"id":42}},"data":"{data}"}}"#),
            "kept: button of another shape",
        );
    }
    check(r#""callback_query":{"from":{"id":42},"data":"x"}"#, "kept: button of another shape");
    for from in ["", r#""from":null,"#, r#""from":{},"#, r#""from":5,"#, r#""from":{"id":"x"},"#] {
        check(
            &format!(r#""callback_query":{{"id":"q",{from}"data":"x"}}"#),
            "kept: button that nobody pressed",
        );
    }
    check(
        r#""callback_query":{"id":"q","from":{"id":42},"game_short_name":"x"}"#,
        "kept: button of another shape",
    );
    check(
        r#""callback_query":{"id":"q","from":{"id":42},"data":"x","message":{"chat":{"type":"group"}}}"#,
        "nothing: group",
    );
    let member = |status: &str| {
        format!(r#""my_chat_member":{{{from},"date":1795147200,"new_chat_member":{{"status":"{status}"}}}}"#)
    };
    check(&member("member"), "news update/1 of 42: Unblocked");
    check(&member("administrator"), "nothing: update of another kind");
    check(&format!(r#""my_chat_member":{{{from}}}"#), "kept: update of another shape");
    check(&member("kicked").replace(r#"{"id":42},"#, "{},"), "kept: update of another shape");
    check(&member("kicked").replace("private", "group"), "nothing: group");
    check(r#""channel_post":{"text":"x"}"#, "nothing: update of another kind");
    check(r#""message":null,"poll":{}"#, "nothing: update of another kind");
    check(r#""message":5"#, "kept: chat of another shape");
    check(r#""edited_message":[]"#, "kept: chat of another shape");
    check(r#""callback_query":"x""#, "kept: button of another shape");
    check(r#""my_chat_member":true"#, "kept: chat of another shape");
}

#[test]
fn a_group_is_heard_when_it_speaks_to_the_bot() {
    let told = |bot: &Bot, fields: &str| {
        let raw = format!(
            r#"{{"update_id":1,"message":{{"message_id":7,"date":1795147200,"chat":{{"id":-42,"type":"supergroup"}},
                "from":{{"id":42,"is_bot":false,"first_name":"А"}},{fields}}}}}"#
        );
        told::all(&parse(raw.as_bytes(), bot))
    };
    let heard = "message group/-42/2026-11-20 from -42";
    let nothing = "nothing: group";
    let check = |fields: &str, named: bool, nameless: bool| {
        let of = |is_heard| [if is_heard { heard } else { nothing }];
        assert_eq!(told(&bot(), fields), of(named), "{fields}");
        assert_eq!(told(&Bot::default(), fields), of(nameless), "any bot: {fields}");
    };
    check(r#""text":"яма во дворе""#, false, false);
    check(r#""text":"/start""#, true, true);
    check(r#""text":"/help@Zholdary_Test_Bot яма""#, true, true);
    check(r#""text":"/help@weather_bot""#, false, true);
    check(r#""text":"/ яма""#, false, false);
    check(r#""text":"/яма""#, false, false);
    check(r#""text":"5/8 Абая""#, false, false);
    check(r#""text":"яма, @zholdary_test_bot!""#, true, true);
    check(r#""text":"@weather_bot дождь?""#, false, true);
    check(r#""text":"спроси @aigul""#, false, false);
    check(r#""text":"пишите a@zholdary_test_bot""#, false, false);
    check(r#""text":"@""#, false, false);
    check(r#""photo":[],"caption":"@zholdary_test_bot яма""#, true, true);
    let reply = |from: &str| format!(r#""text":"яма","reply_to_message":{{"message_id":5,"from":{from}}}"#);
    check(&reply(r#"{"id":7000000001,"is_bot":true,"username":"zholdary_test_bot"}"#), true, true);
    check(&reply(r#"{"id":9,"is_bot":true,"username":"weather_bot"}"#), false, true);
    check(&reply(r#"{"id":43,"is_bot":false,"username":"abbot"}"#), false, false);
    let from_a_bot = r#""text":"/start","from":{"id":9,"is_bot":true}"#;
    check(from_a_bot, false, false);
    assert_eq!(
        one(r#""message":{"date":1,"from":{"id":42},"chat":{"id":"x","type":"group"},"text":"/start"}"#),
        "kept: chat of another shape"
    );
}

#[test]
fn the_phone_of_a_persons_own_card_is_kept_as_one() {
    let check = |typed: &str, expected: Option<&str>| {
        let raw = format!(
            r#"{{"update_id":1,"message":{{"message_id":7,"date":1795147200,"chat":{{"id":42,"type":"private"}},
                "from":{{"id":42}},"contact":{{"phone_number":"{typed}","user_id":42}}}}}}"#
        );
        let parsed = parse(raw.as_bytes(), &bot());
        let [Inbound::Message(message)] = &parsed.elements[..] else { panic!("a message") };
        let phone = message.sender.as_ref().and_then(|sender| sender.phone.as_ref());
        assert_eq!(phone.map(|phone| phone.reveal().as_str()), expected, "{typed}");
    };
    check("77000000152", Some("+77000000152"));
    check("87000000152", Some("+77000000152"));
    check("+7 (700) 000-01-53", Some("+77000000153"));
    check("8 700 000 01 53", Some("+77000000153"));
    check("84912345678", Some("+84912345678"));
    check("позвонить", None);
}

#[test]
fn one_broken_update_leaves_its_neighbours() {
    let good = r#"{"update_id":2,"message":{"message_id":7,"chat":{"id":42,"type":"private"},"text":"яма"}}"#;
    let check = |broken: &str, expected: &str| {
        let raw = format!(r#"{{"ok":true,"result":[{broken},{good}]}}"#);
        assert_eq!(
            told::all(&parse(raw.as_bytes(), &bot())),
            [expected, "message 42:7 from 42 «яма»"],
            "{broken}"
        );
    };
    check("5", "kept: update of another shape");
    check("{}", "kept: update of another shape");
    check(r#"{"update_id":1e999}"#, "kept: element that does not read");
    check(&format!(r#"{{"x":{}{}}}"#, "[".repeat(40), "]".repeat(40)), "kept: nested deeper than the limit");
    check(
        r#"{"update_id":1,"message":{"message_id":1,"chat":{"id":42,"type":"private"},"text":"яма \ud83d"}}"#,
        "message 42:1 from 42 «яма»",
    );
}

#[test]
fn bodies_that_do_not_read_are_kept_whole() {
    let limits = Limits { body_bytes: 4000, elements: 2, ..Limits::default() };
    let check = |raw: &[u8], expected: &str| {
        assert_eq!(told::all(&parse_within(raw, &bot(), &limits)), [expected]);
    };
    let album = samples::one("telegram", "04");
    check(&album[..album.len() / 2], "kept: not the JSON of an update");
    check(b"", "kept: not the JSON of an update");
    check(b"[]", "kept: update of another shape");
    check(b"{\"ok\":false}", "kept: an answer without updates");
    check(b"{\"ok\":true,\"result\":[]}", "nothing: nothing inside");
    check(&[b' '; 5000], "kept: larger than the limit");
    check(&album, "kept: more elements than the limit");
    check(&[0xff; 20], "kept: not the JSON of an update");
}

#[test]
fn times_are_the_messages_own() {
    for (date, expected) in [
        ("1795147200", at("2026-11-20T04:00:00Z")),
        ("0", UNKNOWN_TIME),
        ("-5", UNKNOWN_TIME),
        (r#""1795147200""#, UNKNOWN_TIME),
        ("99999999999999", UNKNOWN_TIME),
    ] {
        let raw = format!(
            r#"{{"update_id":1,"message":{{"message_id":7,"date":{date},"chat":{{"id":42,"type":"private"}},"text":"я"}}}}"#
        );
        let parsed = parse(raw.as_bytes(), &bot());
        let [Inbound::Message(message)] = &parsed.elements[..] else { panic!("a message") };
        assert_eq!((message.sent_at, message.id.account.as_str()), (expected, BOT), "{date}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        mut raw in prop::sample::select(samples::of("telegram").into_iter().map(|(_, raw)| raw).collect::<Vec<_>>()),
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
        prop_assert!(!parse(&raw, &bot()).elements.is_empty());
        let _offset = next_offset(&raw);
    }

    #[test]
    fn no_value_in_any_place_makes_it_panic(
        raw in prop::sample::select(samples::of("telegram").into_iter().map(|(_, raw)| raw).collect::<Vec<_>>()),
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "5", "-1.5", "\"\"", "\"я\"", "[]", "{}", "[null]", "true", "\"\\ud800\""]),
    ) {
        let text = std::str::from_utf8(&raw).unwrap();
        let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
        let pair = place.index(quotes.len() / 2) * 2;
        let mutated = format!("{}{value}{}", &text[..quotes[pair]], &text[quotes[pair + 1] + 1..]);
        prop_assert!(!parse(mutated.as_bytes(), &bot()).elements.is_empty());
    }
}
