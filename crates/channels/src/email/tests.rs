use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use zholdary_domain::inbound::Automatic;
use zholdary_testkit::{at, samples};

use super::{
    super::{charset, flowed, html, part, quote, words},
    *,
};
use crate::told;

fn ours() -> Mailbox {
    Mailbox {
        address: "appeals@zholdary.example".to_owned(),
        aliases: ["Roads@Zholdary.example".to_owned()].into(),
        authserv_id: Some("mail.zholdary.example".to_owned()),
    }
}

fn letters() -> Vec<(String, Vec<u8>)> {
    samples::of("email").into_iter().filter(|(name, _)| name.ends_with(".eml")).collect()
}

fn message(raw: &[u8]) -> InboundMessage {
    match parse(raw, &ours()).elements.pop() {
        Some(Inbound::Message(message)) => *message,
        other => panic!("a message, not {other:?}"),
    }
}

/// Text and quote of a message.
fn said(raw: &[u8]) -> (String, String) {
    let content = message(raw).content;
    let revealed = |text: Option<Personal<String>>| text.map(Personal::into_revealed).unwrap_or_default();
    (revealed(content.text), revealed(content.quoted))
}

/// A letter from a resident with these lines of header and this body.
fn letter(header: &str, body: &[u8]) -> Vec<u8> {
    let header = ["From: a@b.kz", "Message-ID: <m@b.kz>", header].join("\n");
    [header.trim_end().as_bytes(), b"\n\n", body].concat()
}

fn told(raw: &[u8]) -> String {
    told::all(&parse(raw, &ours())).join("; ")
}

/// What a letter leads to, without what all letters of [`letter`] have.
fn told_of(header: &str, body: &[u8]) -> String {
    told(&letter(header, body)).replace("message <m@b.kz> from a@b.kz", "letter")
}

#[test]
fn each_sample_leads_to_its_element() {
    let irina = "from irina.vlasova@example.org Ирина Власова";
    let about = "subject «Яма на дороге, ул. Абая »";
    let expected = [
        format!(
            "message <c1@example.org> {irina} {about} «Здравствуйте!||На ул. Аб» quoting «-- |Ирина Власова|+7 700»"
        ),
        "message <c2@example.org> from petr@example.org Пётр Сидоров subject «Нет света во дворе» \
         «Добрый вечер. Третий ден»"
            .to_owned(),
        "message <c3@example.com> from olga.kim@example.com Ольга Ким subject «Мусор не вывозят» \
         «Контейнеры переполнены, »"
            .to_owned(),
        "message <c4@example.org> from gulnar@example.org Гүлнәр Әбенова subject «Жол шұңқыры — Әл-Фараби » \
         «Құрметті әкімдік!||Әл-Фа»"
            .to_owned(),
        format!(
            "message <c5@example.org> {irina} subject «Фото ямы» «Другая яма, фото во влож» \
             Image part/2 image/jpeg Фото ямы, Абая 45.jpg"
        ),
        format!(
            "message <c6@example.org> {irina} after <out-1.z-2026-000401@zholdary.example>+<c1@example.org> \
             tag Z-2026-000401 subject «Re: [Z-2026-000401] Яма » «Спасибо! Уточняю: яма у » \
             quoting «чт, 19 нояб. 2026 г. в 1»"
        ),
        format!(
            "message <c7@example.org> {irina} tag Z-2026-000401 subject «RE: [Z-2026-000401] Яма » \
             «Когда начнутся работы?||» quoting «________________________»"
        ),
        format!(
            "message <c8@example.org> {irina} after <out-2.z-2026-000401@zholdary.example> tag Z-2026-000401 \
             automatic Reply subject «Автоответ: [Z-2026-00040» «Я в отпуске до 1 декабря»"
        ),
        "Failed <out-3.z-2026-000403@zholdary.example> 49000 5001001".to_owned(),
        "message <n10@shop.example.net> from news@shop.example.net Shop automatic Mailing subject «Скидки 50%» \
         «Скидки!»"
            .to_owned(),
        format!(
            "message <c1@example.org> {irina} {about} «Здравствуйте!||На ул. Аб» quoting «-- |Ирина Власова|+7 700»"
        ),
        "message <c12@example.com> from viktor@example.com subject «Лужа у подъезда» «Лужа у подъезда 3, Шевче»"
            .to_owned(),
        "message <c13@example.org> from aset@example.org subject «Бордюр разбит» «Бордюр разбит, Манаса 5» \
         Image part/2 image/png image001.png"
            .to_owned(),
        "message <c14@example.org> from askar@example.org Аскар quoting «Отправлено с iPhone» \
         Image part/2 image/jpeg IMG_0001.jpeg"
            .to_owned(),
    ];
    let told: Vec<String> = letters().iter().map(|(_, raw)| told(raw)).collect();
    assert_eq!(told, expected);
}

#[test]
fn the_words_of_the_samples_are_whole() {
    let check = |sample: &str, text: &str, quoted: &str| {
        assert_eq!(said(&samples::one("email", sample)), (text.to_owned(), quoted.to_owned()), "{sample}");
    };
    check(
        "01",
        "Здравствуйте!\n\nНа ул. Абая, 45 большая яма. Прошу принять меры.",
        "-- \nИрина Власова\n+7 700 000 02 01",
    );
    check("03", "Контейнеры переполнены, Богенбай батыра 56 — уже «неделю».", "");
    check("06", "Спасибо! Уточняю: яма у въезда во двор.", &{
        let greeting = "> Здравствуйте, Ирина!\n>\n> Ваше обращение зарегистрировано, номер Z-2026-000401.";
        format!(
            "чт, 19 нояб. 2026 г. в 17:40, Zholdary <appeals@zholdary.example>:\n\n{greeting}\n> -- \n> Zholdary"
        )
    });
    let (text, quoted) = said(&samples::one("email", "07"));
    assert_eq!(text, "Когда начнутся работы?\n\nС уважением,\nИрина");
    assert!(
        quoted.contains("\nОт: Zholdary") && quoted.ends_with("Ваше обращение зарегистрировано."),
        "{quoted}"
    );
    check("12", "Лужа у подъезда 3, Шевченко 10.\nНе пройти.", "");
    check("14", "", "Отправлено с iPhone");
    let (kazakh, _) = said(&samples::one("email", "04"));
    assert!(kazakh.ends_with("Шұғыл жөндеуді сұраймыз.") && !kazakh.contains("alert"), "{kazakh}");
}

#[test]
fn a_letter_has_our_address_as_its_account_and_the_time_of_our_server() {
    let first = message(&samples::one("email", "01"));
    assert_eq!(first.id.account, "appeals@zholdary.example");
    assert_eq!((first.surface, first.join), (Way::of(Channel::Email).surface, Way::of(Channel::Email).join));
    assert_eq!(first.sent_at, at("2026-11-20T04:00:00Z"));
    for (header, expected) in [
        (
            "Received: by us; Fri, 20 Nov 2026\n 09:00:00 +0500 (ALMT)\nReceived: by them; soon",
            at("2026-11-20T04:00:00Z"),
        ),
        // What stands below our server's field may be anybody's words, and so is `Date`.
        ("Received: by us; soon\nReceived: by them; Fri, 20 Nov 2026 09:00:00 +0500", UNKNOWN_TIME),
        ("Date: Fri, 20 Nov 2026 09:00:00 +0500", UNKNOWN_TIME),
        ("Received: by us", UNKNOWN_TIME),
    ] {
        assert_eq!(message(&letter(header, b"x")).sent_at, expected, "{header}");
    }
}

#[test]
fn a_letter_is_named_by_its_message_id_or_by_its_bytes() {
    for (field, expected) in [
        ("Message-ID: <a@b>", "<a@b>"),
        ("message-id:\n <a@\n b> (comment)", "<a@b>"),
        ("Message-Id: a@b", "<a@b>"),
    ] {
        assert_eq!(
            message(format!("From: a@b.kz\n{field}\n\nx").as_bytes()).id.external_id.reveal(),
            expected
        );
    }
    let name = |raw: &str| message(raw.as_bytes()).id.external_id.into_revealed();
    let nameless = name("From: a@b.kz\n\nx");
    assert!(nameless.starts_with("blake3:") && nameless.len() == 71, "{nameless}");
    assert_eq!(nameless, name("From: a@b.kz\n\nx"));
    assert_ne!(nameless, name("From: a@b.kz\n\ny"));
    let long = format!("From: a@b.kz\nMessage-ID: <{}@b>\n\nx", "a".repeat(Limits::ID_BYTES));
    assert!(name(&long).starts_with("blake3:"));
}

#[test]
fn the_author_is_found_in_every_shape() {
    for (from, expected) in [
        ("Aset.K@Example.KZ", "aset.k@example.kz"),
        ("\"Иванов, Пётр\" <p@b.kz>, c@d.kz", "p@b.kz Иванов, Пётр"),
        ("p@b.kz (Пётр)", "p@b.kz Пётр"),
        // An encoded name holds no comma and no address.
        ("=?utf-8?B?0JjQstCw0L3QvtCyLCDQn9GR0YLRgCA8YUBiPg==?= <p@b.kz>", "p@b.kz Иванов, Пётр <a@b>"),
        ("\"=?utf-8?Q?=D0=9F=D1?= =?utf-8?Q?=91=D1=82=D1=80?=\" <p@b.kz>", "p@b.kz Пётр"),
        ("<>", ""),
        ("Пётр", ""),
        ("Пётр\nSender: p@b.kz", ""),
        ("a b@c d", ""),
    ] {
        let raw = format!("From: {from}\nMessage-ID: <m@b>\n\nx");
        assert_eq!(told(raw.as_bytes()), format!("message <m@b> from {expected} «x»"), "{from}");
    }
}

#[test]
fn charsets_are_read_in_spite_of_their_labels() {
    let (russian, kazakh) = ("Прошу убрать снег, ещё вчера — «срочно»", "Көшеде үлкен шұңқыр бар, жөндеңіз");
    let in_1251 = &encoding_rs::WINDOWS_1251.encode(russian).0[..];
    let in_koi8 = &encoding_rs::KOI8_R.encode("Прошу убрать снег, ещё вчера").0[..];
    for (what, bytes, label, expected) in [
        ("as declared", in_1251, Some("windows-1251"), russian),
        ("as declared by another name", in_1251, Some("CP1251"), russian),
        ("as declared by a name of its own", in_1251, Some("win-1251"), russian),
        ("not declared", in_1251, None, russian),
        ("declared to be Western", in_1251, Some("iso-8859-1"), russian),
        ("declared to be ASCII", in_1251, Some("us-ascii"), russian),
        ("declared to be UTF-8", in_1251, Some("utf-8"), russian),
        ("declared to be nothing known", in_1251, Some("x-unknown"), russian),
        ("declared", in_koi8, Some("koi8-r"), "Прошу убрать снег, ещё вчера"),
        ("koi8-r, not declared", in_koi8, None, "Прошу убрать снег, ещё вчера"),
        ("UTF-8, not declared", kazakh.as_bytes(), None, kazakh),
        ("UTF-8, declared to be Cyrillic", kazakh.as_bytes(), Some("windows-1251"), kazakh),
        ("UTF-8, declared to be Western", kazakh.as_bytes(), Some("iso-8859-1"), kazakh),
        ("Western", b"Stra\xdfe f\xfcr Fu\xdfg\xe4nger", Some("iso-8859-1"), "Straße für Fußgänger"),
        (
            "Kazakh",
            b"\x8d\x9d \xa1\xa2 \xa3\xbc \xa5\xb4 \xaa\xba \xaf\xbf \xb2\xb3 \xbd\xbe \x8e\x9e \xdf",
            Some("kz-1048"),
            "Ққ Ұұ Әә Өө Ғғ Үү Іі Ңң Һһ Я",
        ),
        (
            "Kazakh of Asia",
            b"\x8d\x9d \xa6\xb1 \xaa\xba \xa4\xb5 \x81\x83 \x87\x89 \x8c\x9c \x8e\x9e \xdf",
            Some("ptcp154"),
            "Ққ Ұұ Әә Өө Ғғ Үү Ңң Һһ Я",
        ),
        (
            "Kazakh under the label of Russian",
            b"\xd2\xb4\xeb\xe5 \xe1\xe8 \xea\xb4\xf8\xe5\xf1\xb3, \xe6\xee\xeb \xf8\xa2\xbe\x9d\xfb\xf0 \xe6\xbc\xed\xe5 \x9d\xe0\xf3\xb3\xef\xf2\xb3",
            Some("windows-1251"),
            "Төле би көшесі, жол шұңқыр және қауіпті",
        ),
        ("Ukrainian", b"\xbf\xbf \xba\xaa \xa5\xb4 \xb3 \xa2", Some("windows-1251"), "її єЄ Ґґ і ў"),
        ("wide", b"\x2f\x04\x3c\x04\x30\x04\x20\x00\x35\x00", Some("utf-16le"), "Яма 5"),
        ("wide, the other way", b"\x04\x2f\x04\x3c\x04\x30\x00\x20\x00\x35", Some("UTF-16BE"), "Яма 5"),
        ("wide, in the order of the standard", b"\x04\x2f\x04\x3c\x04\x30", Some("utf-16"), "Яма"),
        ("wide, in the order of many programs", b"\x2f\x04\x3c\x04\x30\x04", Some("utf-16"), "Яма"),
        ("wide, marked", b"\xff\xfe\x2f\x04\x3c\x04\x30\x04", Some("utf-16"), "Яма"),
        ("wide Latin", b"\x00p\x00i\x00t", Some("utf-16"), "pit"),
        ("ASCII for the way", b"+BC8EPAQw +BD0EMA 5 +- 6, +BDsETgQ6", Some("utf-7"), "Яма на 5 + 6, люк"),
        ("Japanese", b"\x1b$B$9$_\x1b(B", None, "すみ"),
        ("cut inside a letter", &"яма".as_bytes()[..5], Some("utf-8"), "ям\u{fffd}"),
        ("ASCII", b"pothole", Some("utf-16"), "pothole"),
    ] {
        assert_eq!(charset::decode(bytes, label), expected, "{what}");
    }
}

#[test]
fn labels_of_the_cyrillic_family_may_be_another_ones() {
    let in_them = || {
        [("windows-1251", encoding_rs::WINDOWS_1251), ("koi8-r", encoding_rs::KOI8_R)]
            .into_iter()
            .chain([("ibm866", encoding_rs::IBM866), ("iso-8859-5", encoding_rs::ISO_8859_5)])
    };
    let check = |text: &str, may_mislead: bool| {
        for (own, encoding) in in_them() {
            let (bytes, _, unmappable) = encoding.encode(text);
            for (label, _) in in_them().filter(|(label, _)| !unmappable && (may_mislead || *label == own)) {
                assert_eq!(charset::decode(&bytes, Some(label)), text, "{own} under {label}");
            }
        }
    };
    for text in [
        "Добрый день! На улице Жандосова, дом 21, разбита дорога и нет освещения. Прошу принять меры.",
        "ПРОШУ ОТРЕМОНТИРОВАТЬ ДОРОГУ НА АБАЯ",
        "Прошу починить дорогу",
        "<p>Яма на улице Жандосова глубокая</p>",
    ] {
        check(text, true);
    }
    // What is labelled rightly stays, however it looks.
    for text in [
        "прошу отремонтировать дорогу на абая",
        "ЯМА НА ДОРОГЕ, АБАЯ 45, ПРИМИТЕ МЕРЫ",
        "ДТП у ТРЦ МЕГА, ЖКХ и ГАИ в курсе; КСК «Жулдыз» — нет",
        "ЯМаНаДоРоГе у ДоМа, ЗаСыПьТе, ПоЖаЛуЙсТа",
        "Ща! Эх, щебень, щиты, цех, объезд, съезд, фуры",
        "Жолда шункыр бар, жондеу керек, рахмет",
        "ОЙДЫМ-ОЙДЫМ ЖОЛ, БИЛМЕЙМИН КАШАН",
        "Яма",
        "цццццццццццццц",
    ] {
        check(text, false);
    }
}

#[test]
fn bytes_without_a_label_read_in_header_and_body() {
    let raw = encoding_rs::WINDOWS_1251
        .encode("From: Пётр Сидоров <p@b.kz>\nMessage-ID: <m@b>\nSubject: Мусор не вывозят\n\nКонтейнеры переполнены")
        .0
        .into_owned();
    let expected =
        "message <m@b> from p@b.kz Пётр Сидоров subject «Мусор не вывозят» «Контейнеры переполнены»";
    assert_eq!(told(&raw), expected);
}

#[test]
fn nothing_that_is_stored_tells_of_what_did_not_read() {
    let raw = [
        b"From: =?utf-8?B?0J/RkdGC0Q==?= <p@b.kz>\nMessage-ID: <m@b>\nSubject: =?utf-8?B?0JTQvtGA0L7Qs9A=?=\n".to_vec(),
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n".to_vec(),
        "Яма на ул".into(),
        b"\xd0".to_vec(),
        "ице \u{FFFD} Абая\n> \u{FFFD}где?\n--b\n".into(),
        "Content-Type: image/png; name=\"фо\u{FFFD}то.png\"\n\nx\n--b--".into(),
    ]
    .concat();
    assert_eq!(
        told(&raw),
        "message <m@b> from p@b.kz Пёт subject «Дорог» «Яма на улице  Абая» quoting «> где?» Image part/2 image/png фото.png"
    );
}

#[test]
fn the_charset_of_html_may_stand_in_its_meta() {
    let page = |meta: &str| {
        let html = format!("<html><head>{meta}</head><body>Лужа у подъезда</body></html>");
        told_of("Content-Type: text/html", &encoding_rs::IBM866.encode(&html).0)
    };
    assert_eq!(page("<META charset='ibm866'>"), "letter «Лужа у подъезда»");
    assert_eq!(
        page("<meta http-equiv=Content-Type content=\"text/html; charset=cp866\">"),
        "letter «Лужа у подъезда»"
    );
}

#[test]
fn encoded_words_read_as_programs_write_them() {
    for (raw, expected) in [
        ("=?utf-8?B?0Y/QvNCw?= 5", "яма 5"),
        ("=?UTF-8*ru?q?=D1=8F=D0=BC=D0=B0_5?=", "яма 5"),
        // Cut inside a letter, in both encodings, over a fold, in two.
        ("=?utf-8?B?0Y/Q?=\r\n =?utf-8?B?vNCw?=", "яма"),
        ("=?utf-8?Q?=D1=8F=D0=BC=D0?=\t=?utf-8?Q?=B0?=", "яма"),
        ("=?utf-8?B?0Y/Q?==?UTF-8?Q?=BC=D0=B0?=", "яма"),
        ("=?koi8-r?B?0c3B?= =?utf-8?B?0Y/QvNCw?= =?koi8-r?B?0c3B?=", "ямаямаяма"),
        // No white space around, spaces inside, a wrong label, an unknown one.
        ("[=?utf-8?Q?=D1=8F=D0=BC=D0=B0?=]", "[яма]"),
        ("=?utf-8?Q?pot hole?=", "pot hole"),
        ("=?iso-8859-1?Q?=CF=F0=EE=F8=F3?=", "Прошу"),
        ("=?unknown?B?0Y/QvNCw?=", "яма"),
        ("=?utf-16le?B?LwQ8BDAEIAA9BDAEIAAQBDEEMARPBA==?=", "Яма на Абая"),
        ("=?koi8-r?B?z/Du+PMg7+7s7vf8IPEg5O7w7uPu6Q==?=", "Прошу помочь с дорогой"),
        // What is none stays.
        ("=?utf-8?X?abc?= =? ?= =?utf-8?Q?", "=?utf-8?X?abc?= =? ?= =?utf-8?Q?"),
        ("2 =? 3", "2 =? 3"),
    ] {
        assert_eq!(words::text(raw.as_bytes()), expected, "{raw}");
    }
}

#[test]
fn parts_and_their_names_read_as_programs_write_them() {
    let file = |header: &str| {
        let body = format!("--b\n{header}\n\nx\n--b--");
        told_of("Content-Type: multipart/mixed; boundary=b", body.as_bytes())
    };
    for (header, expected) in [
        ("Content-Type: image/png; name=a.png", "Image part/1 image/png a.png"),
        ("Content-Type: video/mp4", "Video part/1 video/mp4 -"),
        ("Content-Type: Audio/OGG; codecs=opus", "Audio part/1 audio/ogg -"),
        ("Content-Type: message/rfc822", "Document part/1 message/rfc822 -"),
        (
            "Content-Type: application/pkcs7-mime; name=smime.p7m",
            "Document part/1 application/pkcs7-mime smime.p7m",
        ),
        ("Content-Type: ../../x", "Document part/1 - -"),
        ("Content-Disposition: attachment", "Document part/1 text/plain -"),
        ("Content-Type: text/plain; name=\"a.txt\"", "Document part/1 text/plain a.txt"),
        ("Content-Type: text/csv", "Document part/1 text/csv -"),
        // The name that is shown wins; paths, marks of direction and quotes are no part of it.
        (
            "Content-Type: image/png; name=a.png\nContent-Disposition: inline; filename=\"b;1.png\"",
            "Image part/1 image/png b;1.png",
        ),
        ("Content-Type: image/png; name=\"../../etc/passwd\"", "Image part/1 image/png passwd"),
        ("Content-Type: image/png; name=\"C:\\\\x\\\\фото.png\"", "Image part/1 image/png фото.png"),
        ("Content-Type: image/png; name=\"gpj.\u{202E}exe\"", "Image part/1 image/png gpj.exe"),
        ("Content-Type: image/png; name=\"a\\\"b.png\"", "Image part/1 image/png a_b.png"),
        ("Content-Type: image/png; name=\"..\"", "Image part/1 image/png -"),
        // Encoded as allowed, and as is usual.
        ("Content-Type: image/png; name*=koi8-r'ru'%D1%CD%C1.png", "Image part/1 image/png яма.png"),
        (
            "Content-Type: image/png; name*1*=%BC%D0%B0; name*2=.png; name*0*=UTF-8''%D1%8F%D0",
            "Image part/1 image/png яма.png",
        ),
        ("Content-Type: image/png; name*0=\"ab\"; name*1=\"c.png\"", "Image part/1 image/png abc.png"),
        ("Content-Type: image/png; name*=яма.png", "Image part/1 image/png яма.png"),
        ("Content-Type: image/png; name=\"=?utf-8?B?0Y/QvNCw?= .png\"", "Image part/1 image/png яма .png"),
        (
            "Content-Type: image/png; name=\"plain.png\"; name*=utf-8''%D1%8F.png",
            "Image part/1 image/png я.png",
        ),
        ("Content-Type: image/png; name=яма.png (comment)", "Image part/1 image/png яма.png"),
        ("Content-Type: image/png\n name=яма.png", "Image part/1 image/png яма.png"),
    ] {
        assert_eq!(file(header), format!("letter {expected}"), "{header}");
    }
    for header in [
        "Content-Type: application/pkcs7-signature; name=smime.p7s",
        "Content-Type: application/pgp-signature; name=signature.asc",
        "Content-Type: text/calendar; method=REQUEST",
        "Content-Type: application/ics; name=invite.ics",
    ] {
        assert_eq!(file(header), "letter", "{header}");
    }
}

#[test]
fn forms_of_one_text_are_one_text() {
    let in_parts = |kind: &str, parts: &[(&str, &str)]| {
        let part = |(header, body): &(&str, &str)| format!("--b\nContent-Type: {header}\n\n{body}\n");
        let body = parts.iter().map(part).collect::<String>() + "--b--\nafter";
        told_of(
            &format!("Content-Type: multipart/{kind}; boundary=b"),
            ["before\n", &body].concat().as_bytes(),
        )
    };
    let (plain, page) = (("text/plain", "яма"), ("text/html", "<p>яма!</p>"));
    assert_eq!(in_parts("alternative", &[plain, page]), "letter «яма»");
    assert_eq!(in_parts("alternative", &[page, plain]), "letter «яма»");
    assert_eq!(in_parts("alternative", &[("text/plain", " \n"), page]), "letter «яма!»");
    assert_eq!(
        in_parts("alternative", &[plain, ("text/x-amp-html", "x"), ("text/calendar", "x")]),
        "letter «яма»"
    );
    assert_eq!(
        in_parts("mixed", &[plain, ("image/png", "x"), plain]),
        "letter «яма||яма» Image part/2 image/png -"
    );
    assert_eq!(in_parts("signed", &[plain, ("application/pgp-signature", "x")]), "letter «яма»");
    assert_eq!(in_parts("digest", &[("", "From: x\n\ny")]), "letter Document part/1 message/rfc822 -");
    // Some programs name all that they send; where nothing else is said, it is no file.
    let named = ("text/plain; name=body.txt\nContent-Disposition: inline; filename=body.txt", "яма");
    let named_page = ("text/html; name=mail.html\nContent-Disposition: inline", "<p>яма</p>");
    let attached = ("text/plain\nContent-Disposition: attachment", "яма");
    assert_eq!(in_parts("mixed", &[named]), "letter «яма»");
    assert_eq!(in_parts("mixed", &[named_page, ("image/png", "x")]), "letter «яма» Image part/2 image/png -");
    assert_eq!(in_parts("mixed", &[("text/plain", "-"), named]), "letter «-||яма»");
    assert_eq!(in_parts("mixed", &[plain, named]), "letter «яма» Document part/2 text/plain body.txt");
    assert_eq!(in_parts("mixed", &[attached]), "letter Document part/1 text/plain -");
    let nested = (
        "multipart/related; boundary=c",
        "--c\nContent-Type: text/html\n\n<b>яма</b>\n--c\nContent-Type: image/gif\n\nx\n--c--",
    );
    assert_eq!(
        in_parts("alternative", &[("text/plain", ""), nested]),
        "letter «яма» Image part/4 image/gif -"
    );
}

#[test]
fn broken_letters_lose_nothing_that_reads() {
    for (header, body, expected) in [
        // Multipart without a boundary, with one that is nowhere, without an end, without a type.
        ("Content-Type: multipart/mixed", "яма", "letter «яма»"),
        ("Content-Type: multipart/mixed; boundary=c", "--b\nяма", "letter «--b|яма»"),
        ("Content-Type: multipart/mixed; boundary=b", "--b\n\nяма", "letter «яма»"),
        ("Content-Type: multipart/mixed; boundary=b", "--b\nяма\n--b--", "letter «яма»"),
        ("Content-Type: multipart/mixed; boundary=b", "--b1\n--b \n\nяма\n--b--", "letter «яма»"),
        ("Content-Type: text", "яма", "letter «яма»"),
        ("Content-Type: text/x-unknown", "яма", "letter «яма»"),
        ("Content-Transfer-Encoding: base64", "0Y/Q!\nvNCw\n0Y/QvNCw", "letter «ямаяма»"),
        ("Content-Transfer-Encoding: base64", "0Y8=0LzQsA==", "letter «яма»"),
        (
            "Content-Transfer-Encoding: quoted-printable",
            "=D1=8F=\n=D0=BC=D0=B0 a=b = =Z1",
            "letter «яма a=b = =Z1»",
        ),
        ("Content-Transfer-Encoding: 8bit (of course)", "яма", "letter «яма»"),
        ("a line that is no field\nSubject: S", "яма", "letter subject «S» «яма»"),
    ] {
        assert_eq!(told_of(header, body.as_bytes()), expected, "{header}");
    }
    assert_eq!(
        told(b"From b@c Fri Nov 20\nFrom: a@b.kz\nMessage-ID: <m@b>\n\nx"),
        "message <m@b> from a@b.kz «x»"
    );
}

#[test]
fn what_programs_write_for_no_subject_is_none() {
    for subject in ["(без темы)", "Без темы", "<без темы>", "(no subject)", "(тақырыпсыз)"]
    {
        assert_eq!(told_of(&format!("Subject: {subject}"), "яма".as_bytes()), "letter «яма»", "{subject}");
    }
    let subject = "без темы остались";
    assert_eq!(
        told_of(&format!("Subject: {subject}"), "яма".as_bytes()),
        format!("letter subject «{subject}» «яма»")
    );
}

#[test]
fn what_a_calendar_answers_is_no_text() {
    let event = b"BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR";
    assert_eq!(told_of("Content-Type: text/calendar; method=REPLY", event), "letter automatic Reply");
    // An invitation has its text nowhere else.
    assert!(told_of("Content-Type: text/calendar; method=REQUEST", event).contains("«BEGIN:VCALENDAR"));
}

#[test]
fn lines_that_flow_are_one() {
    for (text, spare, expected) in [
        ("яма \r\nна Абая\r\n45", false, "яма на Абая\n45"),
        ("я \nма  \nна", true, "яма на"),
        // A space that was put before a line is no part of it.
        ("яма \n  на\n From", false, "яма  на\nFrom"),
        // Quotes flow by themselves, and nothing flows into another depth.
        ("да \n>> яма \n>> на \n> где \nтам", false, "да \n>> яма на \n> где \nтам"),
        (">яма \n> на\n>\n>> ", false, "> яма на\n>\n>>"),
        // Neither an empty line nor the mark of a signature flows.
        ("яма \n\nна", false, "яма \n\nна"),
        ("яма \n-- \nИрина", true, "яма\n-- \nИрина"),
        ("> яма \n> -- \n> Ирина \n> К.", false, "> яма \n> -- \n> Ирина К."),
        ("", false, ""),
    ] {
        assert_eq!(flowed::unwrapped(text, spare), expected, "{text}");
    }
    let in_form = |form: &str| told_of(&format!("Content-Type: {form}"), "яма \nна".as_bytes());
    assert_eq!(in_form("text/plain; charset=utf-8; format=flowed"), "letter «яма на»");
    assert_eq!(in_form("text/plain; Format=\"Flowed\"; DelSp=yes"), "letter «ямана»");
    for fixed in ["text/plain", "text/plain; format=fixed", "text/x-unknown; format=flowed"] {
        assert_eq!(in_form(fixed), "letter «яма |на»", "{fixed}");
    }
}

#[test]
fn html_is_what_people_see() {
    for (page, expected) in [
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<p>a</p>\n<p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a  \n &nbsp; b&amp;c &lt;d&gt; &#1103;&#x44f; &#151; &nope; & x", "a b&c <d> яя — &nope; & x"),
        ("<style>p{}</style><title>t</title><script>if (a<b) '</p>'</script >a", "a"),
        ("<STYLE>p{}</Style>a<!-- b --><!doctype html><?xml?>", "a"),
        ("a<img src='https://t.example/p.gif' alt=pixel>b", "ab"),
        ("<a title='a>b' href=\"https://2gis.kz/x\">тут</a>.", "тут <https://2gis.kz/x>."),
        ("<a href=https://2gis.kz/x>https://2gis.kz/x</a> <a href='mailto:a@b'>a</a>", "https://2gis.kz/x a"),
        ("a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e", "a\n\n> b\n> c\n\n> > d\n\ne"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<pre>a\n  b</pre>c d", "a\n  b\nc d"),
        ("5 < 6 и <3", "5 < 6 и <3"),
        ("<svg><text>a</text></svg>b", "b"),
        // Only drawings and formulas end in their own tag; a slash that belongs to a value ends nothing.
        ("a<svg/>b<math />c<SVG x='1'/>d", "abcd"),
        ("a<svg x=1/>b</svg>c", "ac"),
        ("a<script/>b</script>c<style />d</style>e<template/>f</template>g", "aceg"),
        // What styles hide, with all inside of it; not what only looks so, and no element that many leave open.
        ("<div style=\"display:none\">a<div>b</div>c</div><p>d</p>", "d"),
        (
            "<span style='color:red; DISPLAY : none !important'>a</span>b<div hidden>c</div><table hidden=''><td>d</table>e",
            "be",
        ),
        (
            "<span style='font-size:0'>a</span><span style='font-size:0.9em'>b</span><div style='font-size:0'>c</div>",
            "b\nc",
        ),
        ("<p hidden>a<br hidden>b<img style='display:none'>c<td style=display:none>d", "a\nbc d"),
        ("<div style='display:none'>a", "a"),
        ("a<div hidden>b", "a"),
        // What never ends hides the rest, unless nothing else is there.
        ("a<svg>b", "a"),
        ("<svg><p>a</p>b", "a\n\nb"),
        ("<style>a{}</style><title><p>b", "b"),
        ("<math><template>a<svg>b", "a"),
        ("<style>a</styles>b</style>c", "c"),
        ("<script>a<p>b", "a\n\nb"),
        ("a<p title=\"b", "a"),
        ("a<p x = 'b>c' y>d", "a\n\nd"),
    ] {
        assert_eq!(html::text(page).trim_end(), expected, "{page}");
    }
}

#[test]
fn quotes_and_signatures_are_folded() {
    let check = |text: &str, said: &str| {
        let split = quote::split(text);
        assert_eq!(split.said, said, "{text}");
        assert!(split.said != text || split.quoted.is_empty(), "{text}");
    };
    // Answers above.
    for intro in [
        "чт, 19 нояб. 2026 г. в 17:40, Zholdary <appeals@zholdary.example>:",
        "19.11.2026 17:40, Zholdary пишет:",
        "Zholdary пишет:",
        "20.11.2026 10:00, Zholdary написал(-а):",
        "19 нояб. 2026 г., в 17:40, Zholdary <a@b.kz> написал(а):",
        "Четверг, 19 ноября 2026, 17:40 +05:00 от Zholdary <a@b.kz>:",
        "бс, 19 қар. 2026 ж., 17:40 Zholdary <a@b.kz> жазды:",
        "On Thu, Nov 19, 2026 at 5:40 PM Zholdary <a@b.kz> wrote:",
        "On Thu, Nov 19, 2026 at 5:40 PM Zholdary\n<a@b.kz> wrote:",
        "чт, 19 нояб. 2026 г. в 17:40, Акимат города Алматы\n<appeals@zholdary.example>:",
    ] {
        check(&format!("Да.\n\n{intro}\n\n> Готово?\n> Да"), "Да.");
    }
    // The quote has no marks.
    check("Да.\n\nчт, 19 нояб. 2026 г. в 17:40, X <a@b.kz>:\n\nГотово?\nЖдём.", "Да.");
    for block in [
        "От: X <a@b.kz>\nОтправлено: 19 ноября 2026 г. 17:40\nКому: a@b.kz\nТема: Яма",
        "________________________________\nFrom: X\nSent: Thursday\nTo: Y\nSubject: Z",
        "-----Исходное сообщение-----\nПривет",
        "-----Original Message-----\nFrom: X",
        "*From:* X\n*Date:* Thursday\n*To:* Y",
        "Кімнен: X\nЖіберілді: бейсенбі\nКімге: Y\nТақырыбы: Z",
    ] {
        check(&format!("Да.\n\n{block}\n\nГотово?"), "Да.");
    }
    // Answers below, and in between.
    check("On Thu, Nov 19, 2026 at 5:40 PM X <a@b.kz> wrote:\n> Готово?\n\nНет ещё.", "Нет ещё.");
    check("X пишет:\n> Где?\nНа Абая.\n> Когда?\nВчера.", "На Абая.\nВчера.");
    // With initials before the marks; what only looks like it stays.
    check("Да.\n\nИВ> Здравствуйте\nИВ> Принято\nZ>  Где?", "Да.");
    check("X пишет:\nИВ> Где?\nНа Абая.", "На Абая.");
    for own in ["улица -> дом", "Абай> дом", "ИВ>дом", "А > Б", "5> 4"] {
        check(own, own);
    }
    // What programs that sign put around it.
    let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nЯма.\n\nАбая 45\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----";
    check(signed, "Яма.\n\nАбая 45");
    check(&format!("{signed}\nСпасибо"), "Яма.\n\nАбая 45\nСпасибо");
    check(&signed.replace("45", "45\n\nОтправлено с iPhone"), "Яма.\n\nАбая 45");
    // Signatures and what phones add.
    check("Яма.\n-- \nИрина\n+7 700", "Яма.");
    check("Яма.\n--\nИрина", "Яма.");
    check("Здравствуйте.\n--\nЯма на Абая 45.\n--\nСпасибо", "Здравствуйте.\n--\nЯма на Абая 45.");
    check("Добрый день! Яма.\n-- \nИрина", "Добрый день! Яма.");
    check("Добрый день, на Абая 45 большая яма\n-- \nИрина", "Добрый день, на Абая 45 большая яма");
    check(
        "Яма.\n--\nИрина\n\n19.11.2026 17:40, X пишет:\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?\n> Где?",
        "Яма.",
    );
    for device in [
        "Отправлено с iPhone",
        "Отправлено из мобильной Почты Mail.ru",
        "Отправлено из мобильного приложения Яндекс.Почты",
        "Sent from my iPhone",
        "Отправлено из Outlook для iOS\nПолучить Outlook для iOS",
        "Менің iPhone-нан жіберілді",
        "Менің iPhone-ымнан жіберілді",
        "iPhone құрылғысынан жіберілді",
        "Менің iPhone телефонымнан жіберілді.",
        "Samsung Galaxy құрылғымнан жіберілді",
        "Телефоннан жіберілді",
        "Mail.ru поштасынан жіберілді",
        "Яндекс Поштаның мобильді қосымшасынан жіберілді",
        "Android үшін Outlook алу",
        "Outlook for Android жүктеп алыңыз",
        "Отправлено с моего Galaxy",
        "Отправлено со смартфона Samsung Galaxy.",
        "Отправлено с iPhone Ивана",
        "Отправлено с помощью Gmail для iPhone",
        "Отправлено из приложения Почта Mail",
        "Отправлено мобильным устройством",
        "Это письмо отправлено с iPhone",
        "Получите Outlook для Android",
    ] {
        check(&format!("Яма.\n\n{device}"), "Яма.");
        check(&format!("Яма.\n\n{device}\n\n19.11.2026 17:40, X пишет:\n> Где?"), "Яма.");
    }
    // What looks like it, and is the author's.
    for own in [
        "Сосед пишет:\nв подъезде темно",
        "Отправлено с нарочным в акимат.\nОтвета нет.",
        "Яма.\nОтправлено с просьбой починить Абая 45",
        "Яма.\nОтправлено с надеждой на ремонт",
        "Яма.\nОтправлено через почту вчера",
        "Өтініш әкімдіктен жіберілді",
        "Мердігер Абай көшесінен жіберілді",
        "Кому: акиму города\nОт: жителей дома 5\nТема: яма\n\nПросим засыпать.",
        "Мой адрес a@b.kz:\nжду",
        "Первое.\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13",
        "В 17:40 не было света.\nДом 5",
        "Добрый день!\n\n--\n\nНа Абая 45 открыт люк, опасно для детей.",
        "Добрый день!\n-- \nНа Абая 45 открыт люк",
        "Құрметті әкімдік!\nСәлеметсіз бе\n--\nЖол ойылған",
        "Пересылаемое сообщение я читал.",
        "-----\nЯма\n-----",
    ] {
        check(own, own);
    }
    check(
        "См. ниже\n-------- Пересылаемое сообщение --------\nЯма\n-------- Конец пересылаемого сообщения --------\nСпасибо",
        "См. ниже\nСпасибо",
    );
}

#[test]
fn forwards_belong_to_nothing_before() {
    let check = |subject: &str, body: &str, expected: &str| {
        let header = format!("Subject: {subject}\nIn-Reply-To: <out-1@zholdary.example>");
        assert_eq!(told_of(&header, body.as_bytes()), format!("letter{expected}"), "{subject}");
    };
    for prefix in ["Fwd:", "FW:", "fw :", "WG:", "Пересл:", "ПЕРЕСЛ:", "Пер:", "[Fwd:", "Қж:"]
    {
        let subject = format!("{prefix} [Z-2026-000401] Яма");
        let shown: String = subject.chars().take(24).collect();
        check(&subject, "яма", &format!(" subject «{shown}» «яма»"));
    }
    let passed_on = "---------- Forwarded message ----------\nяма";
    check("Яма", passed_on, " subject «Яма» «яма» quoting «---------- Forwarded mes»");
    // With words of the author it is an answer that quotes.
    check(
        "Яма",
        &format!("см.\n{passed_on}"),
        " after <out-1@zholdary.example> subject «Яма» «см.» quoting «---------- Forwarded mes»",
    );
    check("Re: Яма", "> яма", " after <out-1@zholdary.example> subject «Re: Яма» quoting «> яма»");
    check("Forward: яма", "яма", " after <out-1@zholdary.example> subject «Forward: яма» «яма»");
}

#[test]
fn a_letter_passed_on_without_a_word_says_what_that_letter_says() {
    let check = |subject: &str, body: &str, text: &str| {
        let (told, quoted) = said(&letter(&format!("Subject: {subject}"), body.as_bytes()));
        assert_eq!(told, text, "{body}");
        let lines = |text: &str| text.lines().filter(|line| line.contains(char::is_alphanumeric)).count();
        assert_eq!(lines(&told) + lines(&quoted), lines(body), "no line is lost: {body}");
    };
    let block = "От: Пётр <p@b.kz>\nДата: чт, 19 нояб. 2026 г. в 17:40\nТема: Яма\nКому: Олег <o@b.kz>,\nАнна <a@b.kz>";
    let said_there = "Яма на Абая 45.\n\nТретий день.";
    for above in [
        "---------- Forwarded message ---------\n",
        "-------- Пересылаемое сообщение --------\n",
        "-------- Перенаправленное сообщение --------\n",
        "Начало переадресованного сообщения:\n\n",
        "________________________________\n",
        "",
    ] {
        check("Fwd: Яма", &format!("{above}{block}\n\n{said_there}"), said_there);
        check("Fwd: Яма", &format!("{above}{block}\n\n\n{said_there}\n-- \nПётр\n+7 700"), said_there);
    }
    // Without an empty line below the block.
    check("Fwd: Яма", &format!("{block}\n{said_there}"), said_there);
    // As a phone marks it, and with a name and a time alone.
    let marked = |text: &str| text.lines().map(|line| format!("> {line}\n")).collect::<String>();
    check(
        "Fwd: Яма",
        &format!(
            "Отправлено с iPhone\n\nНачало переадресованного сообщения:\n\n{}",
            marked(&format!("{block}\n\n{said_there}"))
        ),
        said_there,
    );
    check(
        "",
        &format!(
            "-------- Пересылаемое сообщение --------\n19.11.2026, 17:40, «Пётр» <p@b.kz>:\n\n{said_there}\n\
             -------- Конец пересылаемого сообщения --------"
        ),
        said_there,
    );
    // A letter passed on twice, and one that quotes another.
    check(
        "Fwd: Fwd: Яма",
        &format!(
            "---- Forwarded message ----\n{block}\n\n---- Forwarded message ----\n{block}\n\n{said_there}"
        ),
        said_there,
    );
    check(
        "Fwd: Яма",
        &format!("{block}\n\n{said_there}\n\n19.11.2026 17:40, X <x@b.kz>:\n> Где?"),
        said_there,
    );
    // Many write into the subject alone.
    check("Fwd: Яма", &format!("---- Forwarded message ----\n{block}"), "Тема: Яма");
    check("Fwd: Яма", "---- Forwarded message ----", "");
}

#[test]
fn words_that_all_look_quoted_are_said_unless_they_answer_us() {
    let reply = "In-Reply-To: <out-1@zholdary.example>";
    for (header, body, expected) in [
        ("", "> Яма на Абая 45", "letter «Яма на Абая 45» quoting «»"),
        ("Subject: Яма", "> яма", "letter subject «Яма» «яма»"),
        ("", "19.11.2026 17:40, X <x@b.kz>:\n\n> > яма", "letter «яма» quoting «19.11.2026 17:40, X <x@b»"),
        ("In-Reply-To: <1@b.kz>", "> яма", "letter after <1@b.kz> «яма»"),
        ("Content-Type: text/html", "<blockquote>яма</blockquote>", "letter «яма»"),
        // A name and a phone speak only where nothing else does.
        ("", "-- \nяма", "letter «яма» quoting «--»"),
        ("", "-- \nИрина\n\n> яма", "letter «яма» quoting «-- |Ирина»"),
        ("Subject: Яма", "-- \nИрина", "letter subject «Яма» quoting «-- |Ирина»"),
        ("Subject: Re: Яма", "-- \nяма", "letter subject «Re: Яма» «яма» quoting «--»"),
        // It is more than a name: many begin below the mark that their program puts.
        (
            "Subject: Яма",
            "-- \nНа Абая 46 открыт люк",
            "letter subject «Яма» «На Абая 46 открыт люк» quoting «--»",
        ),
        (
            "Subject: Яма",
            "-- \nС уважением, Ирина Власова\n+7 700 000 02 01",
            "letter subject «Яма» quoting «-- |С уважением, Ирина В»",
        ),
        // What a phone adds says nothing.
        ("", "Отправлено с iPhone", "letter quoting «Отправлено с iPhone»"),
        ("", "> яма\n\nОтправлено с iPhone", "letter «яма» quoting «Отправлено с iPhone»"),
        // An answer to us without a word is empty, and what it quotes is ours.
        (reply, "> ждём", "letter after <out-1@zholdary.example> quoting «> ждём»"),
        (
            "References: <out-1@zholdary.example> <1@b.kz>",
            "-- \nИрина",
            "letter after <1@b.kz>+<out-1@zholdary.example> quoting «-- |Ирина»",
        ),
        (
            "Subject: Re: [Z-2026-000401] Яма",
            "> ждём",
            "letter tag Z-2026-000401 subject «Re: [Z-2026-000401] Яма» quoting «> ждём»",
        ),
        (
            "Subject: Fwd: [Z-2026-000401] Яма\nIn-Reply-To: <out-1@zholdary.example>",
            "> ждём",
            "letter subject «Fwd: [Z-2026-000401] Яма» «ждём»",
        ),
        // Nobody vouches that it is an answer.
        (
            "Subject: [Z-2026-000401] Яма\nAuthentication-Results: mail.zholdary.example; dmarc=fail",
            "> яма",
            "letter unverified subject «[Z-2026-000401] Яма» «яма»",
        ),
    ] {
        assert_eq!(told_of(header, body.as_bytes()), expected.replace(" quoting «»", ""), "{header} {body}");
    }
}

#[test]
fn numbers_are_found_in_subjects() {
    for (subject, expected) in [
        ("Re: [Z-2026-000401] Яма", Some("Z-2026-000401")),
        ("Яма Z-2026-000401", Some("Z-2026-000401")),
        ("№Z-2026-000401, повторно", Some("Z-2026-000401")),
        ("з–2026–000401", Some("Z-2026-000401")),
        ("[Z-2026-000401] [Z-2026-000402]", Some("Z-2026-000401")),
        ("A-2018-17", Some("A-2018-17")),
        ("Яма 2026-11-20, дом 5-7", None),
        ("Z-2026", None),
        ("COVID-19 Z-2026-0000000001", None),
    ] {
        assert_eq!(thread::tag(subject).as_ref().map(|tag| tag.as_str()), expected, "{subject}");
    }
}

#[test]
fn the_letters_before_it_are_named_the_nearest_first() {
    let check = |header: &str, expected: &[&str]| {
        let references = message(&letter(header, b"x")).letter.unwrap().references;
        assert_eq!(
            references.iter().map(|id| id.reveal().as_str()).collect::<Vec<_>>(),
            expected,
            "{header}"
        );
    };
    check("References: <1@x> <2@x>\n <3@x>\nIn-Reply-To: <2@x>", &["<2@x>", "<3@x>", "<1@x>"]);
    check("In-Reply-To: 1@x", &["<1@x>"]);
    check("In-Reply-To: your letter of Friday", &[]);
    check("References: <1@x><1@x>,<>", &["<1@x>"]);
    let many: String = (0..99).map(|n| format!(" <{n}@x>")).collect();
    let references = message(&letter(&format!("References:{many}"), b"x")).letter.unwrap().references;
    assert_eq!((references.len(), references[0].reveal().as_str()), (50, "<98@x>"));
    // The middle of a long talk is left out, not its beginning.
    assert_eq!([39, 40, 49].map(|at| references[at].reveal().as_str()), ["<59@x>", "<9@x>", "<0@x>"]);
}

#[test]
fn automatic_letters_are_known() {
    let check = |header: &str, expected: Option<Automatic>| {
        assert_eq!(message(&letter(header, b"x")).letter.unwrap().automatic, expected, "{header}");
    };
    for header in [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: Auto-Generated; owner=x",
        "Auto-Submitted: auto-replied\nPrecedence: bulk\nList-Id: <x>",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "X-Auto-Response-Suppress: All",
        "X-Loop: appeals@zholdary.example",
        "Return-Path: <>",
        "Subject: Автоответ: [Z-2026-000401]",
        "Subject: Автоматический ответ",
        "Subject: АВТОМАТТЫ ЖАУАП: яма",
        "Subject: Out of Office AutoReply: x",
        "Subject: [Автоответ] Ответ",
        "Subject: Автоматты түрде жауап беру: демалыс",
        "Subject: Автоматическое уведомление: письмо получено",
        "Subject: Прочитано: Ответ",
        "Subject: Read: x",
        "Content-Type: text/calendar; method=REPLY",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
    ] {
        check(header, Some(Automatic::Reply));
    }
    for header in [
        "List-Id: <x>",
        "List-Id: <x>\nList-Unsubscribe: <https://x>",
        "Precedence: Bulk",
        "Precedence: list",
        "Precedence: junk",
        "Auto-Submitted: auto-generated\nList-Id: <x>",
    ] {
        check(header, Some(Automatic::Mailing));
    }
    for header in [
        "",
        "Auto-Submitted: no",
        "X-Autoreply: no",
        "Precedence: first-class",
        "X-Loop: other@example.org",
        "Return-Path: <a@b.kz>",
        "Subject: Re: Автоответ: яма",
        "Subject: Автоответчик не работает",
        "Subject: Автоматическое уведомление не приходит",
        "Subject: Прочитано объявление о ремонте",
        "Subject: [Яма] автоответ",
        "Content-Type: text/calendar; method=REQUEST",
        // A person's letter through a service that sends for many has one too.
        "List-Unsubscribe: <https://x>",
    ] {
        check(header, None);
    }
    for (from, expected) in [
        ("MAILER-DAEMON@b.kz", true),
        ("postmaster@b.kz", true),
        ("mailer-daemon+5@b.kz", true),
        ("postmasterov@b.kz", false),
        // Nobody answers there, but somebody may have written: forms and services send so.
        ("noreply@b.kz", false),
        ("No-Reply@b.kz", false),
        ("donotreply@b.kz", false),
    ] {
        let letter = message(format!("From: {from}\n\nx").as_bytes()).letter.unwrap();
        assert_eq!(letter.automatic.is_some(), expected, "{from}");
    }
}

#[test]
fn only_our_server_says_that_a_letter_is_unverified() {
    let unverified = " unverified subject «Z-2026-000401» «x»";
    let believed = " tag Z-2026-000401 subject «Z-2026-000401» «x»";
    for (results, expected) in [
        ("mail.zholdary.example; spf=pass; dmarc=fail header.from=b.kz", unverified),
        ("MAIL.zholdary.example 1;\n dkim=none; DMARC = fail (p=none)", unverified),
        ("mail.zholdary.example (ours; ok); dmarc=fail", unverified),
        (
            "mail.zholdary.example; spf=fail\nAuthentication-Results: mail.zholdary.example; dmarc=fail",
            unverified,
        ),
        ("other.example; x=y\nAuthentication-Results: mail.zholdary.example; dmarc=fail", unverified),
        // Below ours stands what a stranger wrote.
        (
            "mail.zholdary.example; dmarc=fail\nAuthentication-Results: mail.zholdary.example; dmarc=pass",
            unverified,
        ),
        (
            "mail.zholdary.example; dmarc=pass\nAuthentication-Results: mail.zholdary.example; dmarc=fail",
            believed,
        ),
        ("mail.zholdary.example; dmarc=pass (dmarc=fail)", believed),
        ("mail.zholdary.example; dmarc=none; dkim=fail", believed),
        ("evil.example; dmarc=fail", believed),
        ("mail.zholdary.example.evil.example; dmarc=fail", believed),
        ("mail.zholdary.example", believed),
        // What the sender chose stands in quotes or in a comment: it neither hides the result nor makes one.
        (r#"mail.zholdary.example; spf=pass smtp.mailfrom="a(b"@x; dmarc=fail"#, unverified),
        (r#"mail.zholdary.example; spf=pass reason="a \"( b"; dmarc=fail"#, unverified),
        (r"mail.zholdary.example; spf=pass (a \) ( b \( ) c); dmarc=fail", unverified),
        (r#"mail.zholdary.example; spf=pass (he said " to us); dmarc=fail"#, unverified),
        (r#"mail.zholdary.example; spf=pass smtp.mailfrom="x; dmarc=pass"@y; dmarc=fail"#, unverified),
        (r#"mail.zholdary.example; spf=pass smtp.mailfrom="x; dmarc=fail"@y; dmarc=pass"#, believed),
        (r"mail.zholdary.example; spf=pass (\); dmarc=fail); dmarc=pass", believed),
        ("mail.zholdary.example; dmarc=pass; dmarc=fail", unverified),
        ("mail.zholdary.example; dmarc/1=(really)fail", unverified),
        (r#""mail.zholdary.example"; dmarc="fail""#, unverified),
        (r#"mail.zholdary.example; reason="x" dmarc=fail; dmarc=pass"#, believed),
        // Where something is left open, nobody knows what was meant.
        (r#"mail.zholdary.example; dmarc=pass; spf=pass smtp.mailfrom="a"#, unverified),
        ("mail.zholdary.example; dmarc=pass (a", unverified),
        ("mail.zholdary.example; dmarc=pass a)", unverified),
        (r"mail.zholdary.example; dmarc=pass (a\)", unverified),
        ("evil.example; dmarc=fail (a", believed),
        ("evil.example; x=\"\nAuthentication-Results: mail.zholdary.example; dmarc=pass", believed),
        ("mail.zholdary.example; spf=pass\nAuthentication-Results: mail.zholdary.example; x=(", unverified),
    ] {
        let header = format!("Subject: Z-2026-000401\nAuthentication-Results: {results}");
        assert_eq!(told_of(&header, b"x"), format!("letter{expected}"), "{results}");
    }
    let raw =
        letter("Subject: Z-2026-000401\nAuthentication-Results: mail.zholdary.example; dmarc=fail", b"x");
    let unnamed = parse(&raw, &Mailbox { authserv_id: None, ..ours() });
    assert!(told::all(&unnamed)[0].contains(" tag Z-2026-000401"), "without a name of ours nothing counts");
}

#[test]
fn letters_of_our_own_lead_to_nothing() {
    for from in [
        "appeals@zholdary.example",
        "Zholdary <APPEALS@zholdary.example>",
        "roads@zholdary.example",
        "Appeals+x@zholdary.example",
        "roads+bounce+1@zholdary.example",
    ] {
        assert_eq!(told(format!("From: {from}\n\nx").as_bytes()), "nothing: own letter", "{from}");
    }
    assert!(told(b"From: +appeals@zholdary.example\nMessage-ID: <m@b>\n\nx").starts_with("message"));
    assert!(told(b"From: irina@zholdary.example\nMessage-ID: <m@b>\n\nx").starts_with("message"));
}

/// A report with these recipients about the letter with this `Message-ID`.
fn report(recipients: &[&str], returned: &str) -> String {
    let status = format!("Reporting-MTA: dns; x\n\n{}", recipients.join("\n\n"));
    let header = "From: MAILER-DAEMON@x\nMessage-ID: <b@x>\nReceived: by us; Fri, 20 Nov 2026 09:30:00 +0500\nReturn-Path: <>\n\
                  Content-Type: multipart/report; report-type=delivery-status; boundary=b";
    format!(
        "{header}\n\n--b\n\nnot delivered\n--b\nContent-Type: message/delivery-status\n\n{status}\n\n\
         --b\nContent-Type: message/rfc822\n\nFrom: a@zholdary.example\nMessage-ID: {returned}\n\nx\n--b--\n"
    )
}

#[test]
fn reports_of_the_post_mark_our_letters() {
    let sent = "<out-3@zholdary.example>";
    let failed = |code: &str| format!("Failed {sent} 49000{code}");
    let (one, delayed) = ("Action: failed\nStatus: 5.1.1", "nothing: delivery delayed".to_owned());
    for (recipients, expected) in [
        (&[one][..], failed(" 5001001")),
        (&["Action: Failed\nStatus: 5.7.509 (blocked)"], failed(" 5007509")),
        (&["Action: failed\nDiagnostic-Code: smtp; 550 5.2.2 full"], failed(" 5002002")),
        (&["Action: failed\nDiagnostic-Code: smtp; 553 no such user"], failed(" 5001000")),
        (&["Action: failed"], failed("")),
        (&["Status: 5.0.0"], failed(" 5000000")),
        // The post has given up, though the trouble might have passed.
        (&["Action: failed\nStatus: 4.4.7"], failed(" 4004007")),
        (&["Action: delayed\nStatus: 4.4.1"], delayed.clone()),
        (&["Status: 4.4.1"], delayed.clone()),
        (&["Action: delivered\nStatus: 2.0.0"], "nothing: delivery reported".to_owned()),
        (
            &["Action: delivered\nStatus: 2.0.0", "Action: delayed\nStatus: 4.4.1", one, "Action: relayed"],
            failed(" 5001001"),
        ),
    ] {
        assert_eq!(told(report(recipients, sent).as_bytes()), expected, "{recipients:?}");
    }
    // About a letter of others, or about nothing: a letter that nobody answers.
    for raw in [report(&[one], "<x@other.example>"), report(&["X: y"], sent), report(&[one], "none")] {
        assert!(
            told(raw.as_bytes()).starts_with("message <b@x> from mailer-daemon@x automatic Reply"),
            "{raw}"
        );
    }
    let answered = report(&[one], "none").replace("Message-ID: <b@x>", &format!("In-Reply-To: {sent}"));
    assert_eq!(told(answered.as_bytes()), failed(" 5001001"));
    // The whole letter is the report.
    let bare = format!(
        "From: MAILER-DAEMON@x\nMessage-ID: <b@x>\nReceived: by us; Fri, 20 Nov 2026 09:30:00 +0500\nIn-Reply-To: {sent}\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{one}\n"
    );
    assert_eq!(told(bare.as_bytes()), failed(" 5001001"));
    let Some(Inbound::Delivery { of, .. }) = parse(report(&[one], sent).as_bytes(), &ours()).elements.pop()
    else {
        panic!("a report")
    };
    assert_eq!((of.account.as_str(), of.channel), ("appeals@zholdary.example", Channel::Email));
}

#[test]
fn only_the_post_reports_and_only_at_the_top() {
    let report = report(&["Action: failed\nStatus: 5.1.1"], "<out-3@zholdary.example>");
    let check = |raw: &str, mailbox: &Mailbox, expected: &str| {
        let told = told::all(&parse(raw.as_bytes(), mailbox)).join("; ");
        assert!(told.starts_with(expected), "{told}: {raw}");
    };
    let from = |author: &str, path: &str| {
        report
            .replace("From: MAILER-DAEMON@x", &format!("From: {author}"))
            .replace("Return-Path: <>", &format!("Return-Path: {path}"))
    };
    let failed = "Failed <out-3@zholdary.example>";
    check(&from("olga@example.com", "<>"), &ours(), failed);
    check(&from("Postmaster@x", "<a@x>"), &ours(), failed);
    check(&from("olga@example.com", "<olga@example.com>"), &ours(), "message <b@x> from olga@example.com");
    check(&from("olga@example.com", "< > a"), &ours(), "message");
    // Passed on by a resident, or wrapped by anybody.
    let (header, body) = report.split_once("\n\n").unwrap();
    let wrapped = |outer: &str| {
        let inner = header.rsplit_once('\n').unwrap().1;
        format!(
            "{outer}\nMessage-ID: <b@x>\nContent-Type: multipart/mixed; boundary=c\n\n--c\n{inner}\n\n{body}\n--c--\n"
        )
    };
    check(&wrapped("From: olga@example.com"), &ours(), "message <b@x> from olga@example.com «not delivered»");
    check(&wrapped("From: MAILER-DAEMON@x"), &ours(), "message <b@x> from mailer-daemon@x automatic");
    // What looks for viruses wraps too, and its letter has no return.
    check(&wrapped("From: MAILER-DAEMON@x\nReturn-Path: <>"), &ours(), failed);
    let attached = format!(
        "From: olga@example.com\nMessage-ID: <b@x>\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nсм.\n--c\n\
         Content-Type: message/rfc822\n\n{report}\n--c--\n"
    );
    check(&attached, &ours(), "message <b@x> from olga@example.com «см.»");
    // Without an address of ours no letter is known to be ours.
    check(&report, &Mailbox::default(), "message <b@x> from mailer-daemon@x automatic");
    check(&report, &Mailbox { address: String::new(), ..ours() }, "message");
}

#[test]
fn reports_in_words_mark_our_letters() {
    let words = |from: &str, subject: &str, said: &str| {
        told(
            format!(
                "From: {from}\nMessage-ID: <b@x>\nSubject: {subject}\nReceived: by us; Fri, 20 Nov 2026 09:30:00 +0500\n\n\
                 Hi. This is the qmail-send program at x.\n\n<olga@example.com>:\n{said}\n\n--- Below this line is a copy of \
                 the message.\n\nFrom: appeals@zholdary.example\nMessage-ID: <out-3@zholdary.example>\n\nx"
            )
            .as_bytes(),
        )
    };
    let daemon = "MAILER-DAEMON@x";
    let refused = "192.0.2.1 does not like recipient. (#5.1.1)";
    assert_eq!(words(daemon, "failure notice", refused), "Failed <out-3@zholdary.example> 49000 5001001");
    // Only a final status is final; what is no status, as a program's version, hides none.
    let (delayed, full) = ("nothing: delivery delayed", "Exim 4.94.2 tells: 552 5.2.2 full");
    assert_eq!(words(daemon, "failure notice", "gone"), delayed);
    assert_eq!(words(daemon, "failure notice", "too many connections (#4.4.5)"), delayed);
    assert_eq!(words(daemon, "failure notice", full), "Failed <out-3@zholdary.example> 49000 5002002");
    assert_eq!(words(daemon, "Warning: message delayed", refused), delayed);
    assert_eq!(
        words(daemon, "failure notice", "gone\n\nMessage-ID: <out-3@zholdary.example>\n\n5.1.1"),
        delayed
    );
    assert!(words("olga@example.com", "failure notice", refused).starts_with("message"));
    // Codes of SMTP alone; a house, a year or a passing trouble is none.
    let failed = |code: &str| format!("Failed <out-3@zholdary.example> 49000{code}");
    for (said, expected) in [
        ("Remote host said: 550 unknown user", failed(" 5000000")),
        ("host x [192.0.2.9]: 552 Mailbox full", failed(" 5002002")),
        ("550-Not here.\n550 5.7.1 blocked", failed(" 5007001")),
        ("553-Not here.", failed(" 5001000")),
        ("(554)", failed(" 5000000")),
        ("451 4.3.0 try again", delayed.to_owned()),
        ("450 busy", delayed.to_owned()),
        ("since 5501 s, at 192.0.2.550", delayed.to_owned()),
    ] {
        assert_eq!(words(daemon, "failure notice", said), expected, "{said}");
    }
    let exim = format!("{daemon}\nX-Failed-Recipients: olga@example.com");
    assert_eq!(words(&exim, "Mail delivery failed", "retry timeout exceeded"), failed(""));
    assert_eq!(words(&exim, "Warning: message delayed", "retry timeout"), delayed);
}

#[test]
fn reports_in_words_may_return_our_letter_as_a_part() {
    let check = |words: &str, returned: &str, expected: &str| {
        let raw = format!(
            "From: MAILER-DAEMON@x\nMessage-ID: <b@x>\nReceived: by us; Fri, 20 Nov 2026 09:30:00 +0500\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\n{words}\n--b\n{returned}\n--b--\n"
        );
        let told = told(raw.as_bytes());
        assert!(told.starts_with(expected), "{told}: {words} {returned}");
    };
    let letter = "Content-Type: message/rfc822\n\nFrom: a@zholdary.example\nMessage-ID: <out-3@zholdary.example>\n\n554";
    let header = "Content-Type: text/rfc822-headers\n\nMessage-ID: <out-3@zholdary.example>";
    let page = "Content-Type: text/html\n\n<p>Не доставлено</p><p>550 5.1.1</p>";
    let failed = "Failed <out-3@zholdary.example> 49000 5001001";
    check("\nNot delivered: 550 5.1.1 user unknown", letter, failed);
    check("\nNot delivered: 550 5.1.1 user unknown", header, failed);
    check(page, letter, failed);
    check("\n550", header, "Failed <out-3@zholdary.example> 49000 5000000");
    // Nothing final is said, or it is not our letter.
    check("\nсм.", letter, "message <b@x>");
    check("\n421 later", letter, "message <b@x>");
    check("\n550", "Content-Type: message/rfc822\n\nMessage-ID: <1@other.example>", "message <b@x>");
}

#[test]
fn files_are_taken_out_of_the_letter() {
    let photo = std::fs::read(samples::folder().join("channels/media/pothole_gps.jpg")).unwrap();
    assert!(part(&samples::one("email", "05"), "part/2").unwrap() == photo);
    for id in ["part/0", "part/3", "part/-1", "part/", "2", "", "part/18446744073709551616"] {
        assert_eq!(part(&samples::one("email", "05"), id), None, "{id}");
    }
    for (name, raw) in letters() {
        let Inbound::Message(message) = parse(&raw, &ours()).elements.remove(0) else { continue };
        for file in message.content.attachments {
            let bytes = part(&raw, file.external_id.unwrap().reveal());
            assert!(bytes.is_some_and(|bytes| is_photo(&bytes)), "{name}");
        }
    }
}

/// Whether the bytes begin as those of a photo do.
fn is_photo(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff") || bytes.starts_with(b"\x89PNG")
}

#[test]
fn what_is_no_letter_is_kept() {
    let limits = Limits { body_bytes: 200_000, elements: 3, depth: 2, text_chars: 3 };
    let check = |raw: &str, expected: &str| {
        assert_eq!(told::all(&parse_within(raw.as_bytes(), &ours(), &limits)), [expected], "{raw:.60}");
    };
    for raw in ["", "\n", "яма", "{\"a\": 1}", "a: b\n\nc", "\u{0}\u{1}"] {
        check(raw, "kept: no header of a letter");
    }
    check(&"x".repeat(200_001), "kept: larger than the limit");
    let nest = |levels: usize| {
        let level = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        format!("From: a@b.kz\nMessage-ID: <m@b>\n{}\nяма яма", (0..levels).map(level).collect::<String>())
    };
    check(&nest(2), "message <m@b> from a@b.kz «яма»");
    check(&nest(3), "kept: nested deeper than the limit");
    let parts = |count: usize| {
        format!(
            "From: a@b.kz\nMessage-ID: <m@b>\nContent-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\n\nя\n".repeat(count)
        )
    };
    check(&parts(2), "message <m@b> from a@b.kz «я»");
    check(&parts(3), "kept: more parts than the limit");
}

#[test]
fn hostile_letters_cost_little() {
    let times = |text: &str| text.repeat(400_000 / text.len());
    let base64 = BASE64_STANDARD.encode(times("Content-Type: message/rfc822\n\n"));
    let attributes: String = (0..40_000).map(|n| format!("a{n}=1 ")).collect();
    for (header, body) in [
        ("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64".to_owned(), base64),
        (times("Content-Type: message/rfc822\n\n"), String::new()),
        (format!("Subject: {}", times("=?a?B?x")), String::new()),
        (format!("References: {}", times("<1@x>")), String::new()),
        ("Content-Type: text/html".to_owned(), format!("<p {attributes}>")),
        ("Content-Type: text/html".to_owned(), times("<blockquote>a")),
        ("Content-Type: text/html".to_owned(), times("<table><tr><td>a")),
        ("Content-Type: text/html".to_owned(), times("<svg><style><title><math>")),
        ("Content-Type: text/html".to_owned(), times("<title>")),
        ("Content-Type: text/html".to_owned(), times("<div hidden><span hidden><table hidden>")),
        (String::new(), times("-----\n")),
        (String::new(), times("--\n")),
        (String::new(), times("17:40\n")),
        (String::new(), times("> ")),
        (String::new(), times("> > > > > > > > > > > >\n")),
        (String::new(), times("---- Forwarded message ----\n\n")),
        (String::new(), times("Fwd message:\n> -- \n> From: x\n> Sent: x\n> To: x\n\n")),
    ] {
        let began = std::time::Instant::now();
        assert_eq!(parse(&letter(&header, body.as_bytes()), &ours()).elements.len(), 1);
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{header:.40} {body:.40}");
    }
}

#[test]
fn settings_of_a_mailbox_read() {
    let read = |json: &str| serde_json::from_str::<Mailbox>(json);
    assert_eq!(
        read(r#"{"address":"a@b.kz"}"#).unwrap(),
        Mailbox { address: "a@b.kz".to_owned(), ..Mailbox::default() }
    );
    assert_eq!(read("{}").unwrap(), Mailbox::default());
    assert!(read(r#"{"address":"a@b.kz","adress":""}"#).is_err());
}

/// Lines as people and programs write them.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            "--",
            "-- ",
            ">",
            "> яма",
            "яма",
            "17:40",
            "X <a@b> пишет:",
            "19.11.2026 17:40, X <a@b>:",
            "_____",
            "От: X",
            "Отправлено: вчера",
            "Кому: Y",
            "Отправлено с iPhone",
            "---- Forwarded message ----",
            "-- Конец пересылаемого сообщения --",
        ])
        .prop_map(str::to_owned),
        "[ -~а-я]{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_line_is_lost(lines in prop::collection::vec(line(), 0..30)) {
        let split = quote::split(&lines.join("\n"));
        let full = |text: &str| text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let mut kept: Vec<String> = full(&split.said);
        kept.extend(full(&split.quoted));
        let mut written: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        kept.sort();
        written.sort();
        prop_assert_eq!(kept, written);
    }

    #[test]
    fn no_bytes_make_it_panic(
        name in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..5), 1..12),
    ) {
        let all = letters();
        let mut raw = name.get(&all).1.clone();
        // Most of a photo is like the rest of it.
        raw.truncate(20_000);
        for (place, byte, how) in edits {
            let place = place.index(raw.len());
            match how {
                0 => raw[place] = byte,
                1 => raw.insert(place, byte),
                2 => { raw.remove(place); }
                3 => raw.insert(place, *b"\n:;=?<>\"-".get(usize::from(byte) % 9).unwrap()),
                _ => {
                    let copy = raw[place..raw.len().min(place + usize::from(byte))].to_vec();
                    raw.extend(copy);
                }
            }
        }
        let parsed = parse(&raw, &ours());
        prop_assert_eq!(parsed.elements.len(), 1);
        if let Inbound::Message(message) = &parsed.elements[0] {
            for file in &message.content.attachments {
                prop_assert!(part(&raw, file.external_id.as_ref().unwrap().reveal()).is_some());
            }
        }
    }

    #[test]
    fn no_html_makes_it_panic(page in "(<[/a-z!-]{0,9}|[a-z]{1,4}=|[\"'> &#;]|я|[a-z]{1,9}){0,40}") {
        let shown = html::text(&page);
        prop_assert!(shown.len() <= page.len() * 20 + 20);
    }

    #[test]
    fn text_without_encoded_words_stays(text in "[^=?\r\n\u{feff}]{0,60}") {
        prop_assert_eq!(words::text(text.as_bytes()), text);
    }

    #[test]
    fn what_is_written_for_readers_of_addresses_reads_back(text in "[а-яәғқңөұүһі,<>@ \"]{1,60}") {
        let encoded = words::in_utf_8(format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(&text)).as_bytes());
        prop_assert_eq!(words::text(encoded.as_bytes()), text);
    }
}
