use proptest::prelude::*;
use serde_json::{Map, json};
use zholdary_domain::outgoing::{OutButton, VendorTemplate};
use zholdary_testkit::{id_key, outgoing};

use super::*;

fn out(channel: Channel, surface: Surface, to: &str, text: &str) -> Outgoing {
    Outgoing {
        surface,
        account: "118920446655001".into(),
        text: text.to_owned().into(),
        ..outgoing(channel, to)
    }
}

fn kk(out: Outgoing) -> Outgoing {
    Outgoing { lang: "kk".into(), ..out }
}

fn under(out: Outgoing, message: &str) -> Outgoing {
    Outgoing { answers: Some(message.to_owned().into()), ..out }
}

/// To the author of a comment alone.
fn privately(out: Outgoing) -> Outgoing {
    Outgoing { private_reply: true, ..out }
}

fn with(out: Outgoing, buttons: &[(&str, &str)]) -> Outgoing {
    let button = |(id, title): &(&str, &str)| OutButton { id: (*id).into(), title: (*title).into() };
    Outgoing { buttons: buttons.iter().map(button).collect(), ..out }
}

/// With the registered text that asks whether it is fixed.
fn registered(out: Outgoing, params: [&str; 3]) -> Outgoing {
    let template = VendorTemplate {
        name: "zholdary_done_confirm_v1".into(),
        params: params.map(str::to_owned).to_vec().into(),
        buttons: vec!["fixed:yes:Z-2026-000401".into(), "fixed:no:Z-2026-000401".into()],
    };
    Outgoing { instead: Some(template), ..out }
}

const FIXED_RU: &[(&str, &str)] =
    &[("fixed:yes:Z-2026-000401", "Да, сделано"), ("fixed:no:Z-2026-000401", "Нет")];
const FIXED_KK: &[(&str, &str)] =
    &[("fixed:yes:Z-2026-000401", "Иә, жасалған"), ("fixed:no:Z-2026-000401", "Жоқ")];
const POINT_RU: &[(&str, &str)] = &[("place:point", "Отправить точку")];
const POINT_KK: &[(&str, &str)] = &[("place:point", "Нүктені жіберу")];
const RECEIPT_RU: &str = "Ваше обращение принято, № Z-2026-000401.";
const RECEIPT_KK: &str = "Өтінішіңіз қабылданды, № Z-2026-000401.";
const FIXED_ASKED_RU: &str = "Всё ли сделано? Ответьте «да» или «нет».";
const FIXED_ASKED_KK: &str = "Бәрі жасалды ма? «Иә» немесе «жоқ» деп жауап беріңіз.";
const WHERE_RU: &str = "Подскажите, где это?";
const WHERE_KK: &str = "Бұл қай жерде?";

/// The calls of a channel, by name.
fn calls(cases: impl IntoIterator<Item = (&'static str, Outgoing, Form)>) -> Map<String, Value> {
    let id = id_key().message("whatsapp", "1", "ours");
    let shown = |(name, out, form): (&str, Outgoing, Form)| {
        let shown = match call(id, &out, form) {
            Some(Call::Graph { path, body }) => json!({ "post": path, "body": body }),
            Some(Call::Telegram { method, body }) => json!({ "method": method, "body": body }),
            None => Value::Null,
        };
        (name.to_owned(), shown)
    };
    cases.into_iter().map(shown).collect()
}

#[test]
fn whatsapp_is_asked_to_send() {
    let phone = |text| out(Channel::Whatsapp, Surface::Private, "+77010000001", text);
    let bsuid = |text| out(Channel::Whatsapp, Surface::Private, "KZ.1A2b3C", text);
    let (done_ru, done_kk) = (
        ["Z-2026-000401", "20.11.2026", "Акимат Алмалинского района"],
        ["Z-2026-000401", "20.11.2026", "Алмалы ауданының әкімдігі"],
    );
    let called = calls([
        ("text to a phone, ru", phone(RECEIPT_RU), Form::Text),
        ("text to a phone, kk", kk(phone(RECEIPT_KK)), Form::Text),
        ("text to a business-scoped id", bsuid(RECEIPT_RU), Form::Text),
        ("in reply", under(phone(RECEIPT_RU), "wamid.IN1"), Form::Text),
        ("buttons, ru", with(phone(FIXED_ASKED_RU), FIXED_RU), Form::Text),
        ("buttons, kk", kk(with(phone(FIXED_ASKED_KK), FIXED_KK)), Form::Text),
        (
            "buttons that are too many and too long",
            with(
                phone("Выберите."),
                &[("a", "Двадцать букв ровно!"), ("b", "Двадцать одна буква!!"), ("c", "в"), ("d", "г")],
            ),
            Form::Text,
        ),
        ("question of the place, ru", with(phone(WHERE_RU), POINT_RU), Form::Text),
        ("question of the place, kk", kk(with(bsuid(WHERE_KK), POINT_KK)), Form::Text),
        ("registered text, ru", registered(with(phone(FIXED_ASKED_RU), FIXED_RU), done_ru), Form::Template),
        (
            "registered text, kk",
            kk(registered(with(bsuid(FIXED_ASKED_KK), FIXED_KK), done_kk)),
            Form::Template,
        ),
        (
            "registered text for who writes English",
            Outgoing { lang: "en".into(), ..registered(phone("Is it fixed?"), done_ru) },
            Form::Template,
        ),
        ("to a group", out(Channel::Whatsapp, Surface::Group, "+Y2Fw.a==", "Напишите нам."), Form::Text),
        ("within the window it is not needed", registered(phone(FIXED_ASKED_RU), done_ru), Form::Text),
    ]);
    insta::assert_json_snapshot!(called);
}

#[test]
fn instagram_is_asked_to_send() {
    let direct = |text| out(Channel::Instagram, Surface::Private, "7001", text);
    let on = |surface, text| out(Channel::Instagram, surface, "7001", text);
    let called = calls([
        ("direct, ru", direct(RECEIPT_RU), Form::Text),
        ("direct, kk", kk(direct(RECEIPT_KK)), Form::Text),
        ("after a story", on(Surface::Story, RECEIPT_RU), Form::Text),
        ("quick replies", with(direct(FIXED_ASKED_RU), FIXED_RU), Form::Text),
        ("question of the place", kk(with(direct(WHERE_KK), POINT_KK)), Form::Text),
        ("human agent, ru", direct("Здравствуйте! По обращению № Z-2026-000401: приедем."), Form::HumanAgent),
        ("human agent, kk", kk(direct("Сәлеметсіз бе! № Z-2026-000401: келеміз.")), Form::HumanAgent),
        ("under a comment, ru", under(on(Surface::Comment, RECEIPT_RU), "c_1"), Form::Text),
        ("under a comment, kk", kk(under(on(Surface::Comment, RECEIPT_KK), "c_1")), Form::Text),
        // Nobody can say there what was pressed.
        (
            "under a comment, with buttons",
            with(under(on(Surface::Comment, FIXED_ASKED_RU), "c_1"), FIXED_RU),
            Form::Text,
        ),
        ("under no comment", on(Surface::Comment, RECEIPT_RU), Form::Text),
        (
            "in private to who commented",
            privately(with(under(on(Surface::Comment, FIXED_ASKED_RU), "c_1"), FIXED_RU)),
            Form::Text,
        ),
        ("a mention in a comment", under(on(Surface::Mention, RECEIPT_RU), "18/17"), Form::Text),
        ("a mention in a caption", under(on(Surface::Mention, RECEIPT_RU), "18"), Form::Text),
        ("a mention of an older name", under(on(Surface::Mention, RECEIPT_RU), "mention/c_1"), Form::Text),
    ]);
    insta::assert_json_snapshot!(called);
}

#[test]
fn facebook_is_asked_to_send() {
    let direct = |text| out(Channel::Facebook, Surface::Private, "9001", text);
    let on = |surface, text| out(Channel::Facebook, surface, "9001", text);
    let called = calls([
        ("Messenger, ru", direct(RECEIPT_RU), Form::Text),
        ("Messenger, kk", kk(direct(RECEIPT_KK)), Form::Text),
        ("quick replies, ru", with(direct(FIXED_ASKED_RU), FIXED_RU), Form::Text),
        ("quick replies, kk", kk(with(direct(FIXED_ASKED_KK), FIXED_KK)), Form::Text),
        ("question of the place", with(direct(WHERE_RU), POINT_RU), Form::Text),
        ("human agent", direct("Здравствуйте! По обращению № Z-2026-000401: приедем."), Form::HumanAgent),
        ("under a comment", under(on(Surface::Comment, RECEIPT_RU), "100_1"), Form::Text),
        (
            "in private to who commented",
            privately(under(on(Surface::Comment, RECEIPT_RU), "100_1")),
            Form::Text,
        ),
        ("under a visitor's post, ru", under(on(Surface::Post, RECEIPT_RU), "118920446655001_5"), Form::Text),
        (
            "under a visitor's post, kk",
            kk(under(on(Surface::Post, RECEIPT_KK), "118920446655001_5")),
            Form::Text,
        ),
        ("a mention", under(on(Surface::Mention, RECEIPT_RU), "200_7"), Form::Text),
        ("under no post", on(Surface::Post, RECEIPT_RU), Form::Text),
    ]);
    insta::assert_json_snapshot!(called);
}

#[test]
fn telegram_is_asked_to_send() {
    let chat = |text| out(Channel::Telegram, Surface::Private, "5000000101", text);
    let called = calls([
        ("text, ru", chat(RECEIPT_RU), Form::Text),
        ("text, kk", kk(chat(RECEIPT_KK)), Form::Text),
        ("as a reply", under(chat(RECEIPT_RU), "5000000101:90"), Form::Text),
        // A pressed button is no message that can be replied to.
        ("to a pressed button", under(chat(RECEIPT_RU), "callback/21474836480001"), Form::Text),
        ("buttons, ru", with(chat(FIXED_ASKED_RU), FIXED_RU), Form::Text),
        ("buttons, kk", kk(with(chat(FIXED_ASKED_KK), FIXED_KK)), Form::Text),
        ("question of the place, ru", with(chat(WHERE_RU), POINT_RU), Form::Text),
        ("question of the place, kk", kk(with(chat(WHERE_KK), POINT_KK)), Form::Text),
        (
            "to an id past 32 bits",
            out(Channel::Telegram, Surface::Private, "-1001234567890", RECEIPT_RU),
            Form::Text,
        ),
        ("to what is no chat", out(Channel::Telegram, Surface::Private, "@aigul", RECEIPT_RU), Form::Text),
    ]);
    insta::assert_json_snapshot!(called);
}

#[test]
fn no_button_of_telegram_is_longer_than_it_lets_through() {
    let check = |ids: &[&str], expected: &[&str]| {
        let buttons: Vec<_> = ids.iter().map(|id| (*id, "…")).collect();
        let out = with(out(Channel::Telegram, Surface::Private, "1", "…"), &buttons);
        let Some(Call::Telegram { body, .. }) =
            call(id_key().message("telegram", "1", "ours"), &out, Form::Text)
        else {
            panic!("not for Telegram")
        };
        let rows = body["reply_markup"]["inline_keyboard"].as_array();
        let keys = rows.into_iter().flatten().flat_map(|row| row.as_array().into_iter().flatten());
        let got: Vec<_> = keys.map(|key| key["callback_data"].as_str().unwrap()).collect();
        assert_eq!(got, expected, "{ids:?}");
        assert_eq!(body.get("reply_markup").is_some(), !expected.is_empty(), "{ids:?}");
    };
    // 64 bytes, and 66: a Cyrillic letter is two.
    let (most, over) = ("ж".repeat(32), "ж".repeat(33));
    check(&["fixed:yes", "fixed:no"], &["fixed:yes", "fixed:no"]);
    check(&["fixed:yes:Z-2026-000401"], &["fixed:yes:Z-2026-000401"]);
    check(&[&most], &[&most]);
    check(&[&over, "fixed:no", ""], &["fixed:no"]);
    check(&[&over], &[]);
    check(&[], &[]);
}

#[test]
fn nothing_goes_where_no_message_of_ours_does() {
    for channel in [Channel::Email, Channel::Web, Channel::Open311, Channel::Meeting, Channel::Phone] {
        let out = out(channel, Surface::Form, "7", "…");
        for form in [Form::Text, Form::HumanAgent, Form::Template] {
            assert_eq!(call(id_key().message("web", "1", "ours"), &out, form), None, "{channel:?}");
        }
        assert_eq!(taken(&out, &json!({ "id": "1", "message_id": "1" })), None, "{channel:?}");
    }
}

#[test]
fn what_a_platform_took_is_called_as_it_calls_it() {
    let check = |channel, answer: Value, expected: Option<&str>| {
        let out = out(channel, Surface::Private, "7", "…");
        assert_eq!(taken(&out, &answer).as_deref(), expected, "{channel:?} {answer}");
    };
    let whatsapp = |answer, expected| check(Channel::Whatsapp, answer, expected);
    whatsapp(
        json!({ "messages": [{ "id": "wamid.1" }], "contacts": [{ "input": "7", "wa_id": "7" }] }),
        Some("wamid.1"),
    );
    whatsapp(
        json!({ "messages": [{ "id": "wamid.1", "message_status": "held_for_quality_assessment" }] }),
        Some("wamid.1"),
    );
    whatsapp(json!({ "messages": [] }), None);
    whatsapp(json!({ "messages": [{ "id": 1 }] }), None);
    whatsapp(json!({ "success": true }), None);
    for channel in [Channel::Instagram, Channel::Facebook] {
        check(channel, json!({ "recipient_id": "7", "message_id": "m_1" }), Some("m_1"));
        // An answer under a comment.
        check(channel, json!({ "id": "c_1" }), Some("c_1"));
        check(channel, json!({ "recipient_id": "7" }), None);
        check(channel, json!({ "message_id": null, "id": 5 }), None);
    }
    let telegram = |answer, expected| check(Channel::Telegram, answer, expected);
    let message = json!({ "message_id": 91, "chat": { "id": 5_000_000_101_i64, "type": "private" } });
    telegram(json!({ "ok": true, "result": message }), Some("5000000101:91"));
    telegram(message, Some("5000000101:91"));
    telegram(json!({ "ok": true, "result": true }), None);
    telegram(json!({ "ok": true, "result": { "message_id": 91 } }), None);
    telegram(json!(null), None);
}

#[test]
fn each_refusal_means_one_thing() {
    use Trouble::{Blocked, Busy, NoSuchAddress, Permission, Refused, Token, WindowClosed};
    // What may go again, and what may not.
    let check = |channel, status, codes: &[i64], why, again| {
        for code in codes {
            assert_eq!(
                verdict(channel, status, Some(*code), None),
                Verdict { why, again },
                "{channel:?} {status} {code}"
            );
        }
    };
    let whatsapp = |codes, why, again| check(Channel::Whatsapp, 400, codes, why, again);
    whatsapp(&[4, 80_007, 130_429, 131_056, 131_016, 131_000, 133_004], Busy, true);
    whatsapp(&[0, 190, 131_031, 131_042, 368], Token, true);
    whatsapp(&[10, 200, 299, 131_005], Permission, false);
    whatsapp(&[131_047], WindowClosed, false);
    whatsapp(&[131_049, 131_050], Blocked, false);
    whatsapp(&[131_026, 131_030, 131_021, 131_062], NoSuchAddress, false);
    whatsapp(&[100, 131_008, 131_009, 131_051], Refused, false);
    whatsapp(&[132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016], Refused, false);
    // A permission that is missing is no person who blocks us.
    check(Channel::Whatsapp, 403, &[10, 200], Permission, false);
    check(Channel::Whatsapp, 403, &[131_031, 368], Token, true);
    for channel in [Channel::Instagram, Channel::Facebook] {
        check(channel, 400, &[1, 2, 4, 17, 32, 341, 613, 1200], Busy, true);
        check(channel, 400, &[102, 190], Token, true);
        check(channel, 400, &[200, 230, 299], Permission, false);
        for (code, subcode, why) in [
            (10, 2_018_278, WindowClosed),
            (100, 2_018_278, WindowClosed),
            (10, 2_534_022, WindowClosed),
            (551, 1_545_041, Blocked),
            (10, 2_018_065, WindowClosed),
            (200, 1_545_041, Blocked),
            (10, 2_018_108, Blocked),
            (100, 33, NoSuchAddress),
            (100, 2_018_001, NoSuchAddress),
            (100, 2_018_034, Refused),
            (200, 7, Permission),
        ] {
            let got = verdict(channel, 400, Some(code), Some(subcode));
            assert_eq!(got, Verdict::never(why), "{channel:?} {code} {subcode}");
        }
        check(channel, 400, &[10, 2_018_278], WindowClosed, false);
        check(channel, 400, &[551, 1_545_041], Blocked, false);
        check(channel, 400, &[33], NoSuchAddress, false);
        check(channel, 400, &[100], Refused, false);
    }
    let telegram = |code: u16, why, again| check(Channel::Telegram, code, &[code.into()], why, again);
    telegram(429, Busy, true);
    telegram(500, Busy, true);
    telegram(502, Busy, true);
    telegram(401, Token, true);
    telegram(404, Token, true);
    telegram(403, Blocked, false);
    telegram(400, Refused, false);

    // A code that nobody knows, or none: by the status.
    for channel in [Channel::Whatsapp, Channel::Instagram, Channel::Facebook, Channel::Telegram] {
        for code in [None, Some(-7)] {
            for (status, why, again) in [
                (400, Refused, false),
                (401, Token, true),
                (403, Token, true),
                (404, NoSuchAddress, false),
                (408, Busy, true),
                (410, NoSuchAddress, false),
                (425, Busy, true),
                (413, Refused, false),
                (429, Busy, true),
                (500, Busy, true),
                (503, Busy, true),
                (599, Busy, true),
            ] {
                assert_eq!(
                    verdict(channel, status, code, None),
                    Verdict { why, again },
                    "{channel:?} {status} {code:?}"
                );
            }
        }
    }
    // A code of another platform is nobody's.
    assert_eq!(verdict(Channel::Facebook, 400, Some(131_047), None), Verdict::never(Refused));
    assert_eq!(verdict(Channel::Email, 503, Some(190), None), Verdict::later(Busy));

    // What the post reports: 5.1.1 is 5001001.
    let email = |codes, why, again| check(Channel::Email, 400, codes, why, again);
    email(&[5_001_001, 5_001_010, 4_001_002], NoSuchAddress, false);
    email(&[5_000_000, 5_001_008, 5_002_002, 5_007_509, 4_004_007, 550], Refused, false);
}

#[test]
fn a_platforms_own_fault_proves_nothing() {
    for (channel, status, code, expected) in [
        (Channel::Whatsapp, 500, Some(131_000), false),
        (Channel::Facebook, 500, Some(1), false),
        (Channel::Instagram, 503, Some(1), false),
        (Channel::Whatsapp, 400, Some(131_000), true),
        (Channel::Whatsapp, 500, Some(131_026), true),
        (Channel::Facebook, 500, Some(190), true),
        (Channel::Telegram, 500, Some(500), false),
        (Channel::Telegram, 502, Some(502), false),
        (Channel::Telegram, 429, Some(429), true),
    ] {
        assert_eq!(is_proof(channel, status, code), expected, "{channel:?} {status} {code:?}");
    }
}

#[test]
fn in_public_there_is_no_window() {
    use Trouble::{Blocked, Permission, WindowClosed};
    let private = |out: Outgoing| Outgoing { private_reply: true, ..out };
    for channel in [Channel::Instagram, Channel::Facebook] {
        let check = |out: &Outgoing, code, subcode, why| {
            let got = refusal(out, 403, Some(code), subcode);
            assert_eq!(got, Verdict::never(why), "{out:?} {code} {subcode:?}");
        };
        let (direct, comment) = (
            out(channel, Surface::Private, "7", RECEIPT_RU),
            under(out(channel, Surface::Comment, "7", RECEIPT_RU), "c_1"),
        );
        check(&direct, 10, None, WindowClosed);
        check(&comment, 10, None, Permission);
        check(&comment, 551, None, Blocked);
        check(&private(comment), 10, Some(2_018_278), WindowClosed);
    }
}

#[test]
fn a_long_text_goes_in_parts() {
    let check = |channel, surface, text: &str, expected: &[&str]| {
        assert_eq!(parts(channel, surface, text), expected, "{channel:?} {surface:?}");
    };
    let whatsapp = |text: &str, expected: &[&str]| {
        check(Channel::Whatsapp, Surface::Private, text, expected);
    };
    whatsapp("", &[]);
    whatsapp(" \n\t", &[]);
    whatsapp("  Принято. \n", &["Принято."]);
    // Each bound goes before the next; one in the first half would make a part of little.
    let (long, rest) = ("а".repeat(600), "б".repeat(600));
    for (bound, left, right) in [
        ("\n", "", ""),
        (". ", ".", ""),
        ("! ", "!", ""),
        ("? ", "?", ""),
        ("; ", ";", ""),
        (" ", "", ""),
        ("\n\n", "", ""),
        (".\n", ".", ""),
        // A full stop within a number or an address is no end.
        (" 20.11.2026, ", " 20.11.2026,", ""),
    ] {
        let (first, second) = (format!("{long}{left}"), format!("{right}{rest}"));
        whatsapp(&format!("{long}{bound}{rest}"), &[&first, &second]);
    }
    whatsapp(&format!("{long}\nв. г д {rest}"), &[&long, &format!("в. г д {rest}")]);
    whatsapp(&format!("{long}. в г {rest}"), &[&format!("{long}."), &format!("в г {rest}")]);
    let early = format!("а\n{}", "б".repeat(1500));
    whatsapp(&early, &[&format!("а\n{}", "б".repeat(1022)), &"б".repeat(478)]);
    // Without any bound it is cut where it must.
    whatsapp(&"ж".repeat(1024), &[&"ж".repeat(1024)]);
    whatsapp(&"ж".repeat(1025), &[&"ж".repeat(1024), "ж"]);

    let most = |channel, surface, letter: &str, fit: usize| {
        let all = letter.repeat(fit);
        check(channel, surface, &all, &[&all]);
        check(channel, surface, &format!("{all}{letter}"), &[&all, letter]);
    };
    // Bytes for Instagram: as many letters of one byte, of two, of four.
    most(Channel::Instagram, Surface::Private, "a", 1000);
    most(Channel::Instagram, Surface::Story, "ж", 500);
    most(Channel::Instagram, Surface::Private, "🕳", 250);
    check(
        Channel::Instagram,
        Surface::Private,
        &format!("a{}", "ж".repeat(500)),
        &[&format!("a{}", "ж".repeat(499)), "ж"],
    );
    most(Channel::Instagram, Surface::Comment, "ж", 2000);
    most(Channel::Facebook, Surface::Private, "ж", 2000);
    most(Channel::Telegram, Surface::Private, "ж", 4096);
    // UTF-16: what lies beyond its first plane is two.
    most(Channel::Telegram, Surface::Private, "🕳", 2048);
    let endless = "ж".repeat(100_000);
    check(Channel::Facebook, Surface::Comment, &endless, &[&endless]);
    check(Channel::Email, Surface::Mail, &endless, &[&endless]);
}

proptest! {
    #[test]
    fn parts_keep_every_letter_in_order_and_each_fits(
        text in "([а-яӘәҢң🕳a-z]{1,90}[ .!?;\n]{0,3}){0,80}",
        to in prop::sample::select(vec![
            (Channel::Whatsapp, Surface::Private, 1024, usize::MAX),
            (Channel::Instagram, Surface::Private, usize::MAX, 1000),
            (Channel::Instagram, Surface::Comment, 2000, usize::MAX),
            (Channel::Facebook, Surface::Private, 2000, usize::MAX),
            (Channel::Telegram, Surface::Private, 4096, usize::MAX),
        ]),
    ) {
        let (channel, surface, chars, bytes) = to;
        let parts = parts(channel, surface, &text);
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(letters(&parts.concat()), letters(&text));
        for part in &parts {
            prop_assert!(!part.is_empty() && part.trim() == part);
            prop_assert!(part.chars().count() <= chars && part.len() <= bytes);
        }
    }
}
