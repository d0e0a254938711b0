use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_domain::{AppealId, SystemClock, inbound::Surface};
use zholdary_mail::{Login, Password, Protection, Server};
use zholdary_testkit::{
    fake::{self, Post},
    id_key,
};

use super::*;

fn out(appeal: &str, what: &str) -> Outgoing {
    let key = id_key();
    Outgoing {
        appeal: Some(AppealId::opened_by(key.message("email", "", appeal))),
        contact: key.contact("email", "asel@example.org"),
        channel: Channel::Email,
        surface: Surface::Mail,
        account: "roads@zholdary.example".into(),
        to: "asel@example.org".to_owned().into(),
        answers: Some("<m1@example.org>".to_owned().into()),
        what: what.into(),
        version: Some(1),
        lang: "ru".into(),
        subject: Some("Обращение принято [Z-2026-000401]".to_owned().into()),
        text: "Принято.\n.\nСрок: 11.12.2026".to_owned().into(),
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

fn id(name: &str) -> MessageId {
    id_key().message("email", "", name)
}

/// Letters by a mail server on this machine, which answers within two seconds or counts as silent.
fn letters(port: u16, password: &str) -> Letters {
    let server = Server {
        host: "127.0.0.1".into(),
        port,
        protection: Protection::None,
        ca_file: None,
        connect: Duration::from_secs(2),
        command: Duration::from_secs(2),
    };
    let login = Login { user: fake::Smtp::USER.into(), password: Password::new(password.to_owned()) };
    let head = Letterhead { address: "roads@zholdary.example".into(), name: None, bounce: None };
    Letters::new(
        Smtp::new(server, Some(login), "zholdary.example".into()),
        head,
        id_key(),
        Arc::new(SystemClock),
    )
}

/// What a mail server does to a letter, what is concluded, and whether the server has it.
#[tokio::test]
async fn each_answer_of_a_mail_server_means_one_thing() {
    let sink = fake::Smtp::start().await;
    let busy = |code| later(Trouble::Busy, code);
    for (how, expected, taken) in [
        (Post::Greeting("421 4.3.2 no time"), busy(Some(421)), 0),
        (Post::Greeting("554 5.7.1 not from you"), busy(Some(554)), 0),
        (Post::Login("535 5.7.8 who?"), later(Trouble::Token, Some(535)), 0),
        (Post::Login("454 4.7.0 try later"), busy(Some(454)), 0),
        (Post::Sender("530 5.7.0 log in first"), later(Trouble::Token, Some(530)), 0),
        (Post::Sender("550 5.1.8 your domain"), never(Trouble::Refused, Some(550)), 0),
        (Post::Recipient("450 4.2.0 greylisted"), busy(Some(450)), 0),
        (Post::Recipient("421 4.3.2 closing"), busy(Some(421)), 0),
        (Post::Recipient("550 5.1.1 nobody"), never(Trouble::NoSuchAddress, Some(550)), 0),
        (Post::Recipient("550 nobody"), never(Trouble::NoSuchAddress, Some(550)), 0),
        (Post::Recipient("553 that is no mailbox"), never(Trouble::NoSuchAddress, Some(553)), 0),
        (Post::Recipient("550 5.7.1 rules"), never(Trouble::Refused, Some(550)), 0),
        (Post::Recipient("552 5.2.2 full"), never(Trouble::Refused, Some(552)), 0),
        (Post::Letter("451 4.3.0 no room"), busy(Some(451)), 0),
        (Post::Letter("550 5.1.1 nobody after all"), never(Trouble::NoSuchAddress, Some(550)), 0),
        (Post::Letter("554 5.7.1 spam"), never(Trouble::Refused, Some(554)), 0),
        (Post::DiesInTheLetter, Carried::Unknown, 0),
        (Post::TakenThenDies, Carried::Unknown, 1),
        (Post::TakenThenSilent, Carried::Unknown, 1),
    ] {
        let before = sink.taken().len();
        sink.next(how.clone());
        let carried = letters(sink.address().port(), fake::Smtp::PASSWORD)
            .carry(id("ours"), &out("a", "receipt"), Form::Text)
            .await;
        match how {
            // Whether the last bytes left before the other side was gone is not told: either is honest, taken is not.
            Post::DiesInTheLetter => assert!(
                matches!(
                    carried,
                    Carried::Unknown | Carried::NotTaken { why: Trouble::Busy, again: true, .. }
                ),
                "{carried:?}"
            ),
            _ => assert_eq!(carried, expected, "{how:?}"),
        }
        assert_eq!(sink.taken().len() - before, taken, "{how:?}");
    }
    let port = sink.address().port();
    let unknown = letters(port, "wrong").carry(id("ours"), &out("a", "receipt"), Form::Text).await;
    assert_eq!(unknown, later(Trouble::Token, Some(535)));
    drop(sink);
    let gone = letters(port, fake::Smtp::PASSWORD).carry(id("ours"), &out("a", "receipt"), Form::Text).await;
    assert_eq!(gone, busy(None), "nobody listens");
}

#[tokio::test]
async fn a_letter_is_called_the_same_whenever_it_goes() {
    let sink = fake::Smtp::start().await;
    let port = sink.address().port();
    sink.next(Post::TakenThenDies);
    let mut names = Vec::new();
    for by_person in [false, false, true] {
        let out = Outgoing { by_person, ..out("a", "receipt") };
        names.push(letters(port, fake::Smtp::PASSWORD).carry(id("ours"), &out, Form::Text).await);
    }
    let taken = sink.taken();
    let own: Vec<String> = taken.iter().map(|mail| mail.field("Message-ID").unwrap()).collect();
    assert_eq!(names, [Carried::Unknown, Carried::Taken(own[0].clone()), Carried::Taken(own[0].clone())]);
    assert!(own.iter().all(|name| *name == own[0]));
    let senders: Vec<&str> = taken.iter().map(|mail| mail.sender.as_str()).collect();
    assert_eq!(senders, ["", "", "roads@zholdary.example"], "only of a person's letter is trouble told");
    assert!(taken.iter().all(|mail| mail.recipients == ["asel@example.org"]));
    let robots: Vec<bool> = taken.iter().map(|mail| mail.field("Auto-Submitted").is_some()).collect();
    assert_eq!(robots, [true, true, false]);
    assert!(taken[0].raw.ends_with(b"\r\n") && !taken[0].raw.ends_with(b"\r\n\r\n"));
}

#[tokio::test]
async fn what_is_no_address_is_not_said_to_the_server() {
    let sink = fake::Smtp::start().await;
    let out = Outgoing { to: "a@b.kz>\r\nRCPT TO:<c@d.kz".to_owned().into(), ..out("a", "receipt") };
    let carried =
        letters(sink.address().port(), fake::Smtp::PASSWORD).carry(id("ours"), &out, Form::Text).await;
    assert_eq!((carried, sink.connections()), (never(Trouble::NoSuchAddress, None), 0));
}

#[test]
fn programs_that_answer_each_other_are_parted() {
    let at =
        |minutes: i64| "2026-11-20T04:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes);
    let mut cap = Cap::default();
    let minutes = |count: u64| Some(Held::For(Duration::from_secs(count * 60)));
    let slow = |appeal| Outgoing { at_once: false, ..out(appeal, "routed") };
    for (name, out, minute, expected) in [
        ("1", out("a", "receipt"), 0, None),
        ("2", out("a", "place_question"), 0, None),
        ("3", out("b", "receipt"), 4, minutes(6)),
        ("4", out("c", "receipt_danger"), 4, None),
        ("5", Outgoing { by_person: true, ..out("b", "operator_answer") }, 5, None),
        ("6", slow("b"), 5, None),
        ("3", out("b", "receipt"), 10, None),
        ("7", out("a", "follow_up_added"), 12, minutes(8)),
        ("7", out("a", "follow_up_added"), 20, None),
    ] {
        assert_eq!(cap.holds(id(name), &out, at(minute)), expected, "{name} at {minute}");
    }
    // Three letters about this appeal so far.
    for n in 3..20 {
        assert_eq!(cap.holds(id(&format!("n{n}")), &slow("a"), at(30 + n)), None, "{n}");
    }
    assert_eq!(cap.holds(id("n19"), &slow("a"), at(60)), None, "tried again");
    assert_eq!(cap.holds(id("more"), &slow("a"), at(60)), Some(Held::Back));
    assert_eq!(cap.holds(id("more"), &slow("b"), at(60)), None, "another appeal");
    assert_eq!(cap.holds(id("more"), &slow("a"), at(60 * 25)), None, "another day");
}
