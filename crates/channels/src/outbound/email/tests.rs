use proptest::prelude::*;
use zholdary_domain::{AppealId, Inbound, inbound::Surface};
use zholdary_testkit::id_key;

use super::*;
use crate::{Ours, email::Mailbox};

const HEAD_NAME: &str = "Жолдар Алматы";

fn head() -> Letterhead {
    Letterhead { address: "roads@zholdary.example".into(), name: Some(HEAD_NAME.into()), bounce: None }
}

fn out(lang: &str, subject: &str, text: &str) -> Outgoing {
    let key = id_key();
    Outgoing {
        appeal: Some(AppealId::opened_by(key.message("email", "", "m"))),
        contact: key.contact("email", "a@example.org"),
        channel: Channel::Email,
        surface: Surface::Mail,
        account: "roads@zholdary.example".into(),
        to: "asel@example.org".to_owned().into(),
        answers: Some("<m1@example.org>".to_owned().into()),
        what: "receipt".into(),
        version: Some(1),
        lang: lang.into(),
        subject: Some(subject.to_owned().into()),
        text: text.to_owned().into(),
        buttons: vec![],
        instead: None,
        not_before: None,
        by_person: false,
        at_once: true,
        task: None,
        only_while: None,
        follows: None,
        instead_of: None,
        private_reply: false,
    }
}

fn id() -> MessageId {
    id_key().message("email", "", "ours")
}

fn written(head: &Letterhead, out: &Outgoing) -> Option<Letter> {
    letter(head, &id_key(), id(), out, "2026-11-20T04:00:00Z".parse().unwrap())
}

fn text_of(letter: &Letter) -> String {
    String::from_utf8(letter.raw.reveal().clone()).expect("it is ASCII")
}

#[test]
fn the_letter_of_each_kind() {
    let receipt_ru = out(
        "ru",
        "Обращение принято [Z-2026-000401]",
        "Здравствуйте!\n\nВаше обращение принято, № Z-2026-000401.\n\n  • срок: 11.12.2026\n",
    );
    let receipt_kk = out(
        "kk",
        "Өтініш қабылданды [Z-2026-000401]",
        "Сәлеметсіз бе!\r\nӨтінішіңіз қабылданды, № Z-2026-000401.",
    );
    let answer = Outgoing { by_person: true, what: "operator_answer".into(), ..receipt_ru.clone() };
    let unasked = Outgoing { answers: None, subject: None, ..receipt_ru.clone() };
    let bounce = Letterhead { bounce: Some("bounce@zholdary.example".into()), ..head() };
    let english = Letterhead { name: Some("Roads \"Almaty\"".into()), ..head() };
    let shown = [
        ("a receipt, ru", head(), receipt_ru.clone()),
        ("a receipt, kk", head(), receipt_kk),
        ("a person's answer", head(), answer),
        ("without a letter before it, with an address for reports", bounce, unasked),
        ("an English name", english, receipt_ru),
    ]
    .map(|(name, head, out)| {
        let letter = written(&head, &out).unwrap();
        let sender = letter.sender.as_deref().unwrap_or_default().to_owned();
        format!("== {name}\nMAIL FROM:<{sender}>\nRCPT TO:<{}>\n{}", letter.to.reveal(), text_of(&letter))
    });
    insta::assert_snapshot!("letters", shown.join("\n").replace('\r', ""));
}

/// What we write reads back as what we meant, by the reader of letters.
#[test]
fn a_letter_reads_as_it_was_written() {
    let text = "Ваше обращение принято.\n\n— дорога: Абая, 45\n  яма";
    let long = "очень ".repeat(60);
    for subject in
        ["Обращение принято [Z-2026-000401]", "Registered [Z-2026-000401]", "=?odd [Z-2026-000401]", &long]
    {
        let letter = written(&head(), &out("ru", subject, text)).unwrap();
        let ours = Ours {
            email: Mailbox { address: "someone@example.org".into(), ..Mailbox::default() },
            ..Ours::default()
        };
        let parsed = ours.parse(Channel::Email, letter.raw.reveal()).unwrap();
        let [Inbound::Message(message)] = &parsed.elements[..] else { panic!("{parsed:?}") };
        assert_eq!(message.id.external_id.reveal(), &letter.id);
        let content = &message.content;
        assert_eq!(content.text.as_ref().unwrap().reveal(), text);
        let read = content.subject.as_ref().unwrap().reveal().trim();
        let expected: String = subject.trim().chars().take(SUBJECT_CHARS).collect();
        assert_eq!(read, expected.trim());
        let told = message.letter.as_ref().unwrap();
        assert_eq!(
            told.references.iter().map(|id| id.reveal().as_str()).collect::<Vec<_>>(),
            ["<m1@example.org>"]
        );
        assert!(told.automatic.is_some(), "nobody's program answers it");
        let sender = message.sender.as_ref().unwrap();
        assert_eq!(sender.name.as_ref().unwrap().reveal(), HEAD_NAME);
        let said = text_of(&letter);
        assert!(
            said.is_ascii()
                && said
                    .split("\r\n")
                    .all(|line| (line.len() <= 78 || line.contains(&letter.id))
                        && !line.contains(['\r', '\n']))
        );
    }
    let person = Outgoing { by_person: true, ..out("ru", "Ответ", text) };
    let parsed =
        Ours::default().parse(Channel::Email, written(&head(), &person).unwrap().raw.reveal()).unwrap();
    let [Inbound::Message(message)] = &parsed.elements[..] else { panic!("{parsed:?}") };
    assert_eq!(message.letter.as_ref().unwrap().automatic, None, "a person wrote it");
}

#[test]
fn a_letter_has_one_id_whenever_it_is_tried_and_nobody_guesses_it() {
    let one = written(&head(), &out("ru", "а", "б")).unwrap().id;
    let later =
        letter(&head(), &id_key(), id(), &out("ru", "а", "б"), "2026-11-21T04:00:00Z".parse().unwrap());
    assert_eq!(later.unwrap().id, one);
    let other_key = message_id(&head(), &IdKey::new([9; 32]), id()).unwrap();
    let other_message = message_id(&head(), &id_key(), id_key().message("email", "", "another")).unwrap();
    assert!(one != other_key && one != other_message, "{one}");
    assert!(one.starts_with(&format!("<out-{}.", id())) && one.ends_with("@zholdary.example>"), "{one}");
}

#[test]
fn subjects_carry_the_number_once() {
    let tag = Some("[Z-2026-000401]");
    for (words, answered, tag, expected) in [
        (Some("Обращение принято"), Some("Яма"), tag, "Обращение принято [Z-2026-000401]"),
        (None, Some("Яма"), tag, "Re: Яма [Z-2026-000401]"),
        (None, Some("RE: Яма [Z-2026-000401]"), tag, "RE: Яма [Z-2026-000401]"),
        (Some(" "), None, tag, "[Z-2026-000401]"),
        (Some("Одна\r\nBcc: x@y.kz"), None, None, "Одна Bcc: x@y.kz"),
        (None, None, None, ""),
    ] {
        assert_eq!(subject(words, answered, tag), expected);
    }
}

#[test]
fn where_letters_go() {
    for (address, good) in [
        ("a@example.org", true),
        ("a.b+c=d_e'f@mail.example.org", true),
        ("a@localhost", true),
        ("", false),
        ("a", false),
        ("@example.org", false),
        ("a@", false),
        ("a@b@c", false),
        ("a b@example.org", false),
        ("a@exa\rmple.org", false),
        ("a@example.org\r\nRCPT TO:<x@y.kz>", false),
        ("a>@example.org", false),
        ("\"a b\"@example.org", false),
        ("a..b@example.org", false),
        ("асель@пошта.қаз", false),
    ] {
        assert_eq!(is_address(address), good, "{address}");
        let out = Outgoing { to: address.to_owned().into(), ..out("ru", "а", "б") };
        assert_eq!(written(&head(), &out).is_some(), good, "{address}");
    }
}

proptest! {
    /// Whatever stands in a message, its letter has the fields that we write and no other.
    #[test]
    fn no_word_becomes_a_field(
        subject in any::<String>(), text in any::<String>(), answers in any::<String>(), lang in any::<String>(),
        name in any::<String>(), by_person in any::<bool>(),
    ) {
        let out = Outgoing {
            subject: Some(subject.into()), text: text.into(), answers: Some(answers.into()), lang, by_person,
            ..out("ru", "", "")
        };
        let letter = written(&Letterhead { name: Some(name), ..head() }, &out).unwrap();
        let said = text_of(&letter);
        prop_assert!(said.is_ascii());
        let (fields, body) = said.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = fields
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        let known = [
            "Message-ID", "Date", "From", "To", "Subject", "In-Reply-To", "References", "Content-Language", "Auto-Submitted",
            "X-Auto-Response-Suppress", "Precedence", "X-Loop", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        ];
        prop_assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        prop_assert!(names.iter().all(|name| names.iter().filter(|other| other == &name).count() == 1));
        for line in fields.split("\r\n").chain(body.split("\r\n")) {
            prop_assert!(!line.contains(['\r', '\n']) && line.len() <= 998);
        }
    }
}
