use proptest::prelude::*;
use zholdary_testkit::{at, samples};

use super::*;
use crate::told;

fn ours() -> Accounts {
    Accounts {
        businesses: [samples::WABA.to_owned()].into(),
        addresses: [samples::PHONE_NUMBER_ID.to_owned()].into(),
    }
}

#[test]
fn each_sample_leads_to_its_elements() {
    let check = |name: &str, expected: &[&str]| {
        assert_eq!(told::all(&parse(samples::whatsapp(name), &ours())), expected, "{name}");
    };
    let aigul = "KZ.7300112233445501++77000000101 Айгүл С. (phone)";
    check("01", &[&format!("message IN0001 from {aigul} «Здравствуйте! На улице А»")]);
    check(
        "02",
        &["message IN0002 from KZ.7300112233445503++77000000103 Нұрлан (phone) «Сәлеметсіз бе! Достық да»"],
    );
    check(
        "03",
        &["message IN0003 from KZ.7300112233445502++77000000102 Сергей (phone) «Провал асфальта на Сейфу» \
                   Image 900100200300401 image/jpeg -"],
    );
    let dinara = "KZ.7300112233445504++77000000104 Динара (phone)";
    check(
        "04",
        &[
            &format!(
                "message IN0004a from {dinara} «Ямы по всей улице Шевчен» Image 900100200300410 image/jpeg -"
            ),
            &format!("message IN0004b from {dinara} Image 900100200300411 image/jpeg -"),
            &format!("message IN0004c from {dinara} Image 900100200300412 image/jpeg -"),
        ],
    );
    check("05", &[&format!("message IN0005 from {aigul} 43.24052,76.92731")]);
    check(
        "06",
        &[
            "message IN0006 from KZ.7300112233445505++77000000105 Ержан (phone) Audio 900100200300421 audio/ogg -",
        ],
    );
    check(
        "07_document_pdf.json",
        &["message IN0007 from KZ.7300112233445502++77000000102 Сергей (phone) «Коллективное заявление ж» \
                    Document 900100200300431 application/pdf Заявление жителей.pdf"],
    );
    check(
        "08",
        &["Read OUT0001 51210", "Sent OUT0001 51200", "Delivered OUT0001 51203", "Delivered OUT0001 51203"],
    );
    check("09", &["Failed OUT0002 37200 131047"]);
    check("10", &["nothing: reaction", "nothing: reaction"]);
    check(
        "11",
        &[
            "message IN0001 from KZ.7300112233445501++77000000101 Айгүл Серікқызы (phone) «Здравствуйте! На улице А»",
        ],
    );
    check("12", &["message IN0012 from KZ.7300112233445512 jol_kz «Светофор на пересечении »"]);
    check("13", &["edit IN0013 of IN0001 «Здравствуйте! На улице А»"]);
    check("14", &["withdrawn IN0003"]);
    check("15", &[&format!("message IN0015 from {aigul} re OUT0001 [fixed:no]")]);
    check("16", &["message IN0016 from KZ.7300112233445503++77000000103 Нұрлан (phone) unsupported poll"]);
    check("17", &["message IN0017 from +77000000103 (phone) now KZ.7300112233445533++77000000133"]);
    check(
        "18",
        &[
            &format!("message IN0018 from {dinara} re OUT0003 «Спасибо, яму на Шевченко»"),
            "nothing: other field",
            "Delivered OUT0004 37301",
            "message IN0019 from KZ.7300112233445506++77000000106 Ольга (phone) «Не вывозят мусор, Богенб»",
        ],
    );
}

#[test]
fn a_message_has_our_number_as_its_account_and_its_own_time() {
    let parsed = parse(samples::whatsapp("01"), &Accounts::any());
    let Inbound::Message(message) = &parsed.elements[0] else { panic!("a message") };
    assert_eq!(message.id.account, samples::PHONE_NUMBER_ID);
    assert_eq!(message.sent_at, at("2026-11-20T04:00:00Z"));
    assert_eq!(parsed.latest(), Some(message.sent_at));
}

/// The body of one webhook with these messages and statuses.
fn body(messages: &str, statuses: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":[{{"field":"messages","value":{{
        "metadata":{{"phone_number_id":"{}"}},"contacts":[{{"wa_id":"77000000101","profile":{{"name":"А"}}}}],
        "messages":[{messages}],"statuses":[{statuses}]}}}}]}}]}}"#,
        samples::WABA,
        samples::PHONE_NUMBER_ID,
    )
}

#[test]
fn every_kind_of_message_leads_somewhere() {
    let check = |fields: &str, expected: &str| {
        let message = format!(r#"{{"id":"m","from":"77000000101","timestamp":"1795147200",{fields}}}"#);
        let expected = match expected.strip_prefix("message") {
            Some(rest) => format!("message m from +77000000101 А (phone){rest}"),
            None => expected.to_owned(),
        };
        assert_eq!(told::all(&parse(body(&message, "").as_bytes(), &ours())), [expected], "{fields}");
    };
    check(r#""type":"text","text":{"body":"яма"}"#, "message «яма»");
    check(r#""type":"text","text":{"body":"яма"},"context":{"forwarded":true}"#, "message «яма»");
    check(
        r#""type":"text","text":{"body":"яма"},"context":{"id":"o1"},"referral":{"body":"x"}"#,
        "message re o1 «яма»",
    );
    check(r#""type":"text","text":{}"#, "message unsupported text");
    check(r#""type":"text","text":{"body":" \u200b"}"#, "message");
    check(r#""type":"video","video":{"id":"v1","mime_type":"video/mp4"}"#, "message Video v1 video/mp4 -");
    check(r#""type":"image","image":{}"#, "message Image - - -");
    check(r#""type":"image""#, "message unsupported image");
    check(r#""type":"sticker","sticker":{"id":1,"animated":true}"#, "message Sticker 1 - -");
    check(r#""type":"location","location":{"latitude":"43.2","longitude":76.9}"#, "message 43.2,76.9");
    check(
        r#""type":"location","location":{"latitude":143.2,"longitude":76.9}"#,
        "message unsupported location",
    );
    check(
        r#""type":"contacts","contacts":[{"name":{"formatted_name":"Асқар"},"phones":[{"phone":"+7 701"}]},{"phones":[]},{"name":{"first_name":"Е"}}]"#,
        "message quoting «Асқар, +7 701||Е» unsupported contacts",
    );
    check(
        r#""type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"fixed:yes","title":"Да"}}"#,
        "message [fixed:yes]",
    );
    check(
        r#""type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{\"text\":\"яма\",\"flow_token\":\"x\",\"n\":4}"}}"#,
        "message «яма»",
    );
    check(
        r#""type":"interactive","interactive":{"type":"call_permission_reply"}"#,
        "nothing: permission to call",
    );
    check(r#""type":"interactive","errors":[{"code":131051}]"#, "message unsupported interactive");
    check(
        r#""type":"button","button":{"payload":"fixed:no:Z-2026-000401","text":"Нет"}"#,
        "message [fixed:no:Z-2026-000401]",
    );
    check(
        r#""type":"button","button":{"payload":"Нет, яма там же","text":"Нет, яма там же"}"#,
        "message «Нет, яма там же»",
    );
    check(r#""type":"unsupported","unsupported":{"type":"Из Телефона"}"#, "message unsupported unknown");
    check(r#""type":"unsupported""#, "message unsupported unsupported");
    check(r#""type":"order","order":{}"#, "nothing: order");
    check(
        r#""type":"system","system":{"type":"customer_identity_changed","body":"User identity changed"}"#,
        "nothing: note of the platform",
    );
    check(
        r#""type":"system","system":{"type":"customer_changed_number","new_wa_id":"77000000177"}"#,
        "message now +77000000177",
    );
    check(r#""type":"holograph","holograph":{}"#, "kept: message of an unknown kind");
    check(r#""text":{"body":"яма"}"#, "kept: message of an unknown kind");
    check(
        r#""type":"edit","edit":{"original_message_id":"m0","message":{"type":"holograph"}}"#,
        "kept: edit of another shape",
    );
    check(
        r#""type":"edit","edit":{"message":{"type":"text","text":{"body":"я"}}}"#,
        "kept: edit of another shape",
    );
    check(r#""type":"revoke","revoke":{}"#, "kept: withdrawal of another shape");
}

#[test]
fn the_answers_of_a_form_are_words() {
    let check = |answers: &str, expected: &str| {
        let json = serde_json::to_string(answers).unwrap();
        let message = format!(
            r#"{{"id":"m","from":"77000000101","timestamp":"1","type":"interactive",
                "interactive":{{"type":"nfm_reply","nfm_reply":{{"response_json":{json}}}}}}}"#
        );
        let told = told::all(&parse(body(&message, "").as_bytes(), &ours()));
        assert_eq!(told, [format!("message m from +77000000101 А (phone) {expected}")], "{answers}");
    };
    let none = "unsupported interactive";
    check(r#"{"address":"Толе би","problem":["Яма","Люк"],"flow_token":"x"}"#, "«Толе би|Яма, Люк»");
    check(r#"{"what":["Люк"],"since":3,"urgent":true}"#, "«Люк»");
    check(r#"{"screen_0":{"text":"Яма","more":{"at":"Саина 5"},"flow_token":"x"}}"#, "«Саина 5|Яма»");
    check(r#"{"screen_0_Dropdown_0":"0_Яма","screen_0_TextInput_1":"Абая 45"}"#, "«Яма|Абая 45»");
    check(r#"{"screen_0_CheckboxGroup_0":["0_Яма","12_Люк_и"]}"#, "«Яма, Люк_и»");
    // What somebody typed stays.
    check(r#"{"screen_0_TextArea_0":"45_Абая","screen_0_TextInput_1":["7_я"]}"#, "«45_Абая|7_я»");
    check(r#"{"address":"45_Абая"}"#, "«45_Абая»");
    check(r#"{"a":"0_","b":"_Яма","c":"5"}"#, "«0_|_Яма|5»");
    check(r#"{"a":"Яма","photo":[{"id":"7","mime_type":"image/jpeg","file_name":"1.jpg"}]}"#, "«Яма»");
    check(r#"{"a":[],"b":"","c":["",null,[]],"flow_token":"x"}"#, none);
    check("{oops", none);
    check(&format!(r#"{{"a":{}"я"{}}}"#, "[".repeat(20), "]".repeat(20)), "«я»");
    check(&format!(r#"{{"a":{}"я"{}}}"#, "[".repeat(40), "]".repeat(40)), none);
}

#[test]
fn of_a_group_nothing_is_kept_but_that_it_wrote() {
    let check = |fields: &str, expected: &str| {
        let message = format!(r#"{{"id":"m","from":"77000000101","timestamp":"1795147200",{fields}}}"#);
        assert_eq!(told::all(&parse(body(&message, "").as_bytes(), &ours())), [expected], "{fields}");
    };
    let (heard, nothing) = ("message group/g1/2026-11-20 from g1", "nothing: group");
    check(r#""type":"text","text":{"body":"яма"},"group_id":"g1""#, heard);
    check(r#""type":"image","image":{"id":"i"},"context":{"id":"o1"},"group_id":"g1""#, heard);
    check(r#""type":"reaction","reaction":{"message_id":"m0","emoji":"👍"},"group_id":"g1""#, nothing);
    check(r#""type":"system","system":{"type":"user_changed_number"},"group_id":"g1""#, nothing);
    check(r#""type":"revoke","revoke":{"original_message_id":"m0"},"group_id":"g1""#, nothing);
    check(
        r#""type":"edit","edit":{"original_message_id":"m0","message":{"type":"text","text":{"body":"я"}}},"group_id":"g1""#,
        nothing,
    );
    check(r#""type":"text","text":{"body":"яма"},"group_id":{}"#, nothing);
}

#[test]
fn who_wrote_is_found_in_every_shape() {
    let check = |fields: &str, expected: &str| {
        let message =
            format!(r#"{{"id":"m","timestamp":1795147200,"type":"text","text":{{"body":"яма"}}{fields}}}"#);
        assert_eq!(
            told::all(&parse(body(&message, "").as_bytes(), &ours())),
            [format!("message m from {expected} «яма»")]
        );
    };
    check(r#","from":"77000000101""#, "+77000000101 А (phone)");
    check(r#","from":"+77000000101""#, "+77000000101 А (phone)");
    check(r#","from":77000000101"#, "+77000000101 А (phone)");
    check("", "+77000000101 А (phone)");
    check(r#","from":"77000000102""#, "+77000000102 (phone)");
    check(r#","from":"KZ.7300112233445501""#, "KZ.7300112233445501");
    check(r#","from":"REDACTED""#, "REDACTED");
}

#[test]
fn whoever_changes_keys_stays_the_same_person() {
    let check = |fields: &str, system: &str, expected: &str| {
        let changed =
            format!(r#"{{"id":"m","timestamp":"1",{fields}"type":"system","system":{{{system}}}}}"#);
        let alone = body(&changed, "").replace(r#""wa_id":"77000000101","#, "");
        assert_eq!(told::all(&parse(alone.as_bytes(), &ours())), [expected], "{fields} {system}");
    };
    let note = "nothing: note of the platform";
    // The old user id in words, whoever the note comes from.
    let worded = r#""user_id":"US.2","body":"User Sheena Nelson changed from US.1 to US.2""#;
    check("", worded, "message m from US.1 now US.2");
    check(r#""from_user_id":"US.2","#, worded, "message m from US.1 now US.2");
    check(
        r#""from_user_id":"US.2","from":"77000000101","#,
        worded,
        "message m from US.1++77000000101 (phone) now US.2",
    );
    check(r#""from":"77000000101","#, worded, "message m from +77000000101 (phone) now US.2");
    // The old user id in a field of its own.
    let fields = r#""previous_user_id":"US.1","user_id":"US.2","body":"User A changed their user ID""#;
    check("", fields, "message m from US.1 now US.2");
    check(r#""from_user_id":"US.2","#, fields, "message m from US.1 now US.2");
    check(r#""from_user_id":"US.1","#, fields, "message m from US.1 now US.2");
    check("", &format!(r#"{fields},"wa_id":"77000000195""#), "message m from US.1 now US.2++77000000195");
    check(
        r#""from":"77000000101","#,
        &format!(r#"{fields},"wa_id":"77000000141""#),
        "message m from US.1++77000000101 (phone) now US.2++77000000141",
    );
    // Words that somebody's name could say are not heard beside what the platform tells.
    check(
        "",
        &fields.replace("A changed their user ID", "from US.9 to US.2"),
        "message m from US.1 now US.2",
    );
    // Nobody who was, or nothing new.
    check(r#""from_user_id":"US.2","#, r#""user_id":"US.2","body":"User A changed""#, note);
    check("", r#""user_id":"US.2""#, note);
    check("", r#""previous_user_id":"US.1""#, note);
    check("", r#""previous_user_id":"US.2","user_id":"US.2""#, note);
    check(
        r#""from_user_id":"US.2","from":"77000000101","#,
        r#""type":"customer_identity_changed","user_id":"US.2","customer":"77000000101""#,
        note,
    );
}

#[test]
fn one_broken_element_leaves_its_neighbours() {
    let good =
        r#"{"id":"m","from":"77000000101","timestamp":"1795147200","type":"text","text":{"body":"яма"}}"#;
    let told = "message m from +77000000101 А (phone) «яма»";
    let check = |broken: &str, expected: &str| {
        let parsed = parse(body(&format!("{broken},{good}"), "").as_bytes(), &ours());
        assert_eq!(told::all(&parsed), [expected, told], "{broken}");
    };
    check("5", "kept: message without an id");
    check("null", "kept: message without an id");
    check("[]", "kept: message without an id");
    check(r#"{"id":"","type":"text"}"#, "kept: message without an id");
    check(r#"{"id":{},"type":"text"}"#, "kept: message without an id");
    check(r#"{"id":"b","timestamp":1e999,"type":"text"}"#, "kept: element that does not read");
    check(
        &format!(r#"{{"id":"b","x":{}{}}}"#, "[".repeat(40), "]".repeat(40)),
        "kept: nested deeper than the limit",
    );
    check(
        &format!(r#"{{"id":"b","x":{}{}}}"#, "[".repeat(4000), "]".repeat(4000)),
        "kept: nested deeper than the limit",
    );
    // A letter cut in half costs itself only.
    check(
        r#"{"id":"b","from":"1234567","timestamp":"1","type":"text","text":{"body":"яма \ud83d \ude00 \ud83d\ude00 \\ud83d"}}"#,
        "message b from +1234567 (phone) «яма   😀 \\ud83d»",
    );
    let statuses = r#"{"id":"o"},{"status":"sent"},{"id":"o","status":"warning"},{"id":"o","status":"played","timestamp":"7"}"#;
    let parsed = parse(body(good, statuses).as_bytes(), &ours());
    assert_eq!(
        told::all(&parsed),
        [
            told,
            "kept: status of another shape",
            "kept: status without an id",
            "nothing: other status",
            "Read o 7"
        ],
    );
}

/// Our own name of a message comes back with its statuses; what is no name of ours is somebody else's word.
#[test]
fn a_status_names_what_we_meant_to_send() {
    for (data, expected) in [
        (r#""4f9d2c0b7f4c8c1e9b7a3a1c5d2e6f70""#, "Sent o 7 of ours"),
        (r#""campaign 7""#, "Sent o 7"),
        ("7", "Sent o 7"),
        ("null", "Sent o 7"),
    ] {
        let status =
            format!(r#"{{"id":"o","status":"sent","timestamp":"7","biz_opaque_callback_data":{data}}}"#);
        assert_eq!(told::all(&parse(body("", &status).as_bytes(), &ours())), [expected], "{data}");
    }
}

#[test]
fn a_time_that_does_not_read_is_the_last_there_is() {
    for stamp in [r#""soon""#, "null", "-5", r#""99999999999999999""#, "{}", "1.5"] {
        let message = format!(
            r#"{{"id":"m","from":"7700000","timestamp":{stamp},"type":"text","text":{{"body":"я"}}}}"#
        );
        let parsed = parse(body(&message, "").as_bytes(), &ours());
        let Inbound::Message(message) = &parsed.elements[0] else { panic!("a message") };
        assert_eq!((message.sent_at, parsed.latest()), (crate::UNKNOWN_TIME, None), "{stamp}");
    }
}

#[test]
fn what_is_not_ours_leads_to_nothing() {
    let theirs = |text: &str, from: &str, to: &str| parse(text.replace(from, to).as_bytes(), &ours());
    let text = std::str::from_utf8(samples::whatsapp("04")).unwrap();
    let nothing = ["nothing: account of others"; 3];
    assert_eq!(told::all(&theirs(text, samples::WABA, "1")), nothing);
    assert_eq!(told::all(&theirs(text, samples::PHONE_NUMBER_ID, "1")), nothing);
    assert_eq!(
        told::all(&theirs(text, "whatsapp_business_account", "page")),
        ["nothing: object of another platform"]
    );
    assert_eq!(told::all(&theirs(text, "phone_number_id", "x")), ["kept: no account of ours named"]);
}

#[test]
fn bodies_that_do_not_read_are_kept_whole() {
    let limits = Limits { body_bytes: 4000, elements: 2, ..Limits::default() };
    let check = |raw: &[u8], expected: &str| {
        assert_eq!(told::all(&parse_within(raw, &ours(), &limits)), [expected]);
    };
    let sample = samples::whatsapp("01");
    check(&sample[..sample.len() / 2], "kept: not the JSON of a webhook");
    check(b"", "kept: not the JSON of a webhook");
    check(b"[]", "kept: not the JSON of a webhook");
    check(br#"{"object":"whatsapp_business_account"}"#, "kept: not the JSON of a webhook");
    check(br#"{"object":"whatsapp_business_account","entry":[5]}"#, "kept: entry of another shape");
    check(
        br#"{"object":"whatsapp_business_account","entry":[{"changes":[{}]}]}"#,
        "kept: change of another shape",
    );
    check(&[b' '; 5000], "kept: larger than the limit");
    check(samples::whatsapp("04"), "kept: more elements than the limit");
    check(&[0xff; 20], "kept: not the JSON of a webhook");
}

#[test]
fn bodies_of_other_projects_read() {
    let mut kept = Vec::new();
    let mut files = 0;
    for folder in ["pywa", "restfb"] {
        let folder = samples::folder().join("webhooks_meta").join(folder);
        let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            files += 1;
            let parsed = parse(&std::fs::read(&path).unwrap(), &Accounts::any());
            assert!(!parsed.elements.is_empty(), "{}", path.display());
            for element in parsed.elements {
                if let Inbound::Kept { why } = element {
                    kept.push(format!("{}: {why}", path.file_stem().unwrap().display()));
                }
            }
        }
    }
    assert_eq!((kept, files), (vec![], 134));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        name in prop::sample::select(samples::whatsapp_names().collect::<Vec<_>>()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        let mut raw = samples::whatsapp(name).to_vec();
        for (place, byte, how) in edits {
            let place = place.index(raw.len());
            match how {
                0 => raw[place] = byte,
                1 => raw.insert(place, byte),
                2 => { raw.remove(place); }
                _ => raw.insert(place, *b"{}[]\",:\\".get(usize::from(byte) % 8).unwrap()),
            }
        }
        prop_assert!(!parse(&raw, &Accounts::any()).elements.is_empty());
    }

    #[test]
    fn no_value_in_any_place_makes_it_panic(
        name in prop::sample::select(samples::whatsapp_names().collect::<Vec<_>>()),
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "5", "-1.5", "\"\"", "\"я\"", "[]", "{}", "[null]", "true", "\"\\ud800\""]),
    ) {
        // Every string of the body in turn, names of fields too, becomes something else.
        let text = std::str::from_utf8(samples::whatsapp(name)).unwrap();
        let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
        let pair = place.index(quotes.len() / 2) * 2;
        let mutated = format!("{}{value}{}", &text[..quotes[pair]], &text[quotes[pair + 1] + 1..]);
        prop_assert!(!parse(mutated.as_bytes(), &Accounts::any()).elements.is_empty());
    }

    #[test]
    fn mending_leaves_sound_text_alone(text in any::<String>()) {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(crate::json::mend(&json), json);
    }
}
