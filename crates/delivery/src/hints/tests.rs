use zholdary_domain::{
    Clock,
    inbound::{Button, Content},
    message::Event,
};

use super::*;
use crate::rig::{Rig, contact};

const WHO: &str = "500";

/// Somebody pressed this button.
fn pressed(button: &str) -> Content {
    Content { button: Some(Button { id: button.to_owned() }), ..Content::default() }
}

/// Somebody pressed «start» in an app of this language.
fn started(app: &str) -> Content {
    Content { app_lang: Some(app.to_owned()), ..pressed("start") }
}

/// Something that we cannot open.
fn closed() -> Content {
    Content { unsupported: Some("dice".to_owned()), ..Content::default() }
}

/// `who` sends it, and it is set aside.
async fn sends(
    rig: &Rig,
    channel: Channel,
    id: &str,
    (content, why): (Content, SetAside),
    but: impl FnOnce(&mut Received),
) -> MessageId {
    let message = rig.hears(channel, WHO, id, |received| {
        received.content = content;
        but(received);
    });
    let message = message.await;
    rig.message(message, vec![Event::SetAside { why, beside: None }]).await;
    message
}

/// What is hinted by the time that the last of it is: the templates with their languages.
async fn hinted(rig: &Rig, title: &str, count: usize) -> Vec<String> {
    for _ in 0..1000 {
        let meant = rig.meant().await;
        if meant.len() >= count {
            return meant.iter().map(|out| format!("{} {}", out.what, out.lang)).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{title}: {:?}", rig.story().await);
}

/// A hint that everybody gets: with it there, everything before it was looked at.
async fn marker(rig: &Rig) {
    let other = |received: &mut Received| {
        received.contact = contact(Channel::Telegram, "marker");
        received.address = Some("marker".to_owned().into());
    };
    sends(rig, Channel::Telegram, "marker", (pressed("start"), SetAside::NoAppeal), other).await;
}

#[tokio::test]
async fn each_is_told_what_helps_to_begin() {
    type But = fn(&mut Received);
    type Case = (&'static str, Channel, (Content, SetAside), But, Option<&'static str>);
    let (as_it_is, in_a_group): (But, But) = (|_| (), |received| received.surface = Surface::Group);
    let (no_appeal, for_person) = (SetAside::NoAppeal, SetAside::ForPerson);
    let cases: Vec<Case> = vec![
        ("start", Channel::Telegram, (pressed("start"), no_appeal), as_it_is, Some("greeting ru")),
        ("get started", Channel::Facebook, (pressed("start"), no_appeal), as_it_is, Some("greeting ru")),
        ("start in an app", Channel::Telegram, (started("kk"), no_appeal), as_it_is, Some("greeting kk")),
        ("of a visitor", Channel::Telegram, (started("de"), no_appeal), as_it_is, Some("greeting ru")),
        ("a language", Channel::Telegram, (pressed("lang:kk"), no_appeal), as_it_is, Some("greeting kk")),
        ("the other", Channel::Telegram, (pressed("lang:ru"), no_appeal), as_it_is, Some("greeting ru")),
        ("none that there is", Channel::Telegram, (pressed("lang:xx"), no_appeal), as_it_is, None),
        ("a button of an appeal", Channel::Telegram, (pressed("fixed:yes"), no_appeal), as_it_is, None),
        ("a group", Channel::Telegram, (Content::default(), no_appeal), in_a_group, Some("private_only ru")),
        (
            "of WhatsApp",
            Channel::Whatsapp,
            (Content::default(), no_appeal),
            in_a_group,
            Some("private_only ru"),
        ),
        ("closed", Channel::Telegram, (closed(), for_person), as_it_is, Some("write_text ru")),
        ("no word at all", Channel::Telegram, (Content::default(), no_appeal), as_it_is, None),
        ("a channel that we do not answer on", Channel::Email, (closed(), for_person), as_it_is, None),
        ("in public", Channel::Instagram, (closed(), for_person), |r| r.surface = Surface::Comment, None),
        ("an archive", Channel::Telegram, (closed(), for_person), |r| r.sent_at -= TimeDelta::days(9), None),
        ("no address", Channel::Telegram, (closed(), for_person), |r| r.address = None, None),
        ("a changed number", Channel::Whatsapp, (closed(), for_person), |r| r.keys_changed = true, None),
    ];
    for (title, channel, sent, but, expected) in cases {
        let rig = Rig::new().await;
        let message = sends(&rig, channel, "m1", sent, but).await;
        marker(&rig).await;
        rig.tell();
        let expected: Vec<&str> = expected.into_iter().chain(["greeting ru"]).collect();
        let mut told = hinted(&rig, title, expected.len()).await;
        if rig.meant_ids().await[0] != message.hint("0") {
            // People are told beside one another.
            told.reverse();
        }
        assert_eq!(told, expected, "{title}");
        for out in rig.meant().await {
            assert!(out.appeal.is_none() && out.at_once && out.answers.is_none(), "{title}: {out:?}");
            let buttons: Vec<&str> = out.buttons.iter().map(|button| button.id.as_str()).collect();
            let greets: &[&str] = if out.what == "greeting" { &["lang:kk", "lang:ru"] } else { &[] };
            assert_eq!(buttons, greets, "{title}");
        }
    }
}

/// The same goes once in a day, in the language of the person, whoever reads the log.
#[tokio::test]
async fn the_same_is_told_once_a_day_in_the_language_of_the_person() {
    let rig = Rig::new().await;
    rig.tell();
    // What an app speaks is no choice: who chose is not asked it again.
    let (closed, start) = ((closed(), SetAside::ForPerson), (started("ru"), SetAside::NoAppeal));
    sends(&rig, Channel::Telegram, "m1", closed.clone(), |_| ()).await;
    hinted(&rig, "the first", 1).await;
    let both = rig.meant().await[0].text.reveal().clone();
    assert!(both.contains("мы не можем открыть") && both.contains("аша алмаймыз"), "{both}");
    sends(&rig, Channel::Telegram, "m2", closed.clone(), |_| ()).await;
    sends(&rig, Channel::Telegram, "m3", start.clone(), |_| ()).await;
    assert_eq!(hinted(&rig, "another", 2).await, ["write_text ru", "greeting ru"]);
    sends(&rig, Channel::Telegram, "m4", (pressed("lang:kk"), SetAside::NoAppeal), |_| ()).await;
    assert_eq!(hinted(&rig, "a language", 3).await[2], "greeting kk");
    rig.clock.set(rig.clock.now() + TimeDelta::hours(23));
    sends(&rig, Channel::Telegram, "m5", closed.clone(), |_| ()).await;
    rig.clock.set(rig.clock.now() + TimeDelta::hours(1));
    sends(&rig, Channel::Telegram, "m6", closed, |_| ()).await;
    assert_eq!(hinted(&rig, "the next day", 4).await[3..], ["write_text kk"]);
    // A second reader of the log tells nothing again.
    rig.tell();
    sends(&rig, Channel::Telegram, "m7", start, |_| ()).await;
    assert_eq!(hinted(&rig, "the last", 5).await[4..], ["greeting kk"]);
}

#[tokio::test]
async fn a_group_is_told_once_for_all() {
    let rig = Rig::new().await;
    rig.tell();
    let heard = (Content::default(), SetAside::NoAppeal);
    let of = |chat: &'static str| {
        move |received: &mut Received| {
            received.surface = Surface::Group;
            received.contact = contact(Channel::Telegram, chat);
            received.address = Some(chat.to_owned().into());
        }
    };
    sends(&rig, Channel::Telegram, "g1", heard.clone(), of("-42")).await;
    hinted(&rig, "the first", 1).await;
    rig.clock.set(rig.clock.now() + TimeDelta::days(40));
    sends(&rig, Channel::Telegram, "g2", heard.clone(), of("-42")).await;
    sends(&rig, Channel::Telegram, "g3", heard, of("-43")).await;
    assert_eq!(hinted(&rig, "another group", 2).await, ["private_only ru"; 2]);
    let meant = rig.meant().await;
    let to: Vec<_> = meant.iter().map(|out| out.to.reveal().as_str()).collect();
    assert_eq!(to, ["-42", "-43"]);
    let text = meant[0].text.reveal();
    assert!(text.contains("в личные сообщения") && text.contains("Бізге жеке хабарлама"), "{text}");
    assert!(meant.iter().all(|out| out.surface == Surface::Group && out.buttons.is_empty()), "{meant:?}");
}
