use zholdary_domain::{
    Clock,
    appeal::{Actor, Answer},
    inbound::{Attachment, MediaKind},
};
use zholdary_routing::worker::Keeper;

use super::*;
use crate::rig::{ACCOUNT, Rig, contact, name};

const WHO: &str = "+7701";

fn reopened() -> Event {
    Event::Reopened { by: Actor::System, reason: "не сделано".to_owned().into() }
}

/// A text of an operator, with what concerns its reader alone.
fn answered() -> Event {
    Event::Answered(Box::new(Answer {
        finding: zholdary_domain::appeal::FindingId(0),
        template: None,
        version: None,
        lang: "ru".into(),
        text: "Айгуль, приедем на Абая 45.".to_owned().into(),
        settles: false,
        by: Actor::System,
    }))
}

/// An appeal that this message opened.
async fn opened_by(rig: &Rig, channel: Channel, surface: Surface, who: &str, message: MessageId) -> AppealId {
    let appeal = AppealId::opened_by(message);
    registered(rig, appeal, Some(message), None, channel, surface, who).await;
    appeal
}

async fn registered(
    rig: &Rig,
    appeal: AppealId,
    message: Option<MessageId>,
    parent: Option<AppealId>,
    channel: Channel,
    surface: Surface,
    who: &str,
) {
    let registered = Registered {
        number: "Z-2026-000777".parse().unwrap(),
        message,
        contact: contact(channel, who),
        channel,
        surface,
        received_at: rig.clock.now(),
        draft: false,
        flood: None,
        parent,
    };
    rig.appeal(appeal, vec![Event::Registered(Box::new(registered))]).await;
}

/// Waits until so many are meant, and gives them.
async fn meant(rig: &Rig, title: &str, count: usize) -> Vec<Outgoing> {
    for _ in 0..1000 {
        let meant = rig.meant().await;
        if meant.len() >= count {
            return meant;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{title}: {:?}", rig.story().await);
}

#[tokio::test]
async fn what_nobody_can_be_told_of_the_appeal_says() {
    let official = || Event::MadeOfficial { kind: "application".into(), by: Actor::System };
    for (title, channel, event, expected) in [
        ("nothing fills its text", Channel::Whatsapp, official(), "not told official_registered: unfilled"),
        ("no token for the channel", Channel::Email, reopened(), "not told reopened: no_address"),
    ] {
        let rig = Rig::new().await;
        let message = rig.hears(channel, WHO, "m1", |_| ()).await;
        let appeal = opened_by(&rig, channel, Surface::Private, WHO, message).await;
        rig.appeal(appeal, vec![event]).await;
        rig.tell();
        rig.until(title, &[expected]).await;
    }
}

/// What was missed while nobody told of anything the appeal says; what happened before anybody ever did is no news that was missed.
#[tokio::test]
async fn what_is_told_too_late_is_not_told() {
    for had_worked in [false, true] {
        let rig = Rig::new().await;
        let message = rig.hears(Channel::Whatsapp, WHO, "m1", |_| ()).await;
        let appeal = opened_by(&rig, Channel::Whatsapp, Surface::Private, WHO, message).await;
        if had_worked {
            let stop = CancellationToken::new();
            let parts = rig.parts(&rig.log);
            let tell = Tell::new(&parts, &rig.settings());
            let progress = tell.progress();
            let running = tokio::spawn(tell.run(stop.clone()));
            let mut keeper = Keeper::new(&parts, [(WORKER, progress)]);
            while rig.kept(WORKER).await.is_none() {
                rig.appeal(appeal, vec![Event::Noted { by: Actor::System, text: "…".to_owned().into() }])
                    .await;
                keeper.keep().await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            stop.cancel();
            running.await.unwrap().unwrap();
        }
        rig.appeal(appeal, vec![reopened()]).await;
        rig.clock.set(rig.clock.now() + TimeDelta::hours(25));
        rig.tell();
        rig.appeal(appeal, vec![answered()]).await;
        let meant = meant(&rig, "the answer", 1).await;
        assert_eq!(meant[0].what, "operator_answer");
        let missed = rig.story().await.contains(&"not told reopened: stale".to_owned());
        assert_eq!(missed, had_worked);
    }
}

#[tokio::test]
async fn a_part_that_was_split_off_is_told_where_its_author_wrote() {
    let rig = Rig::new().await;
    let parent = rig.opens(WHO).await;
    let child = parent.split_off(1);
    registered(&rig, child, None, Some(parent), Channel::Whatsapp, Surface::Private, WHO).await;
    rig.appeal(child, vec![reopened()]).await;
    rig.tell();
    let meant = meant(&rig, "the part", 1).await;
    assert_eq!((meant[0].appeal, meant[0].to.reveal().as_str()), (Some(child), WHO));
}

#[tokio::test]
async fn who_changed_the_number_is_told_under_the_new_one() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    rig.hears(Channel::Whatsapp, WHO, "moved", |received| {
        received.keys_changed = true;
        received.aliases = vec![contact(Channel::Whatsapp, "+7702")];
        received.address = Some("+7702".to_owned().into());
    })
    .await;
    rig.appeal(appeal, vec![reopened()]).await;
    rig.tell();
    let meant = meant(&rig, "moved", 1).await;
    assert_eq!(meant[0].to.reveal(), "+7702");
    assert_eq!(meant[0].contact, contact(Channel::Whatsapp, "+7702"));
}

/// Under a comment stands nothing that concerns its author alone; that goes to them in private, once for each comment.
#[tokio::test]
async fn a_comment_is_answered_in_public_and_once_in_private() {
    let rig = Rig::new().await;
    let top = rig.hears(Channel::Instagram, "others", "c_top", |of| of.surface = Surface::Comment).await;
    let comment = rig
        .hears(Channel::Instagram, WHO, "c_2", |of| {
            of.surface = Surface::Comment;
            of.reply_to = Some(top);
        })
        .await;
    let appeal = opened_by(&rig, Channel::Instagram, Surface::Comment, WHO, comment).await;
    rig.appeal(appeal, vec![answered()]).await;
    rig.appeal(appeal, vec![answered()]).await;
    rig.tell();
    let meant = meant(&rig, "comment", 3).await;
    let (private, public): (Vec<_>, Vec<_>) = meant.into_iter().partition(|out| out.private_reply);
    let [private] = private.as_slice() else { panic!("{private:?}") };
    assert!(private.text.reveal().contains("Айгуль"), "{private:?}");
    assert_eq!(private.answers.as_ref().unwrap().reveal(), "c_2");
    for out in public {
        let text = out.text.reveal();
        assert!(text.contains("Z-2026-000777") && !text.contains("Айгуль"), "{text}");
        assert!(text.contains("/appeals/Z-2026-000777") && !text.contains("Абая"), "{text}");
        assert_eq!(out.answers.unwrap().reveal(), "c_top");
        assert!(out.buttons.is_empty() && out.instead.is_none());
    }
}

#[tokio::test]
async fn a_mention_is_answered_by_its_picture_and_comment() {
    for (id, picture, expected) in [("17", "18", "18/17"), ("18", "18", "18")] {
        let rig = Rig::new().await;
        let mention = rig
            .hears(Channel::Instagram, "nobody", &format!("mention/{id}"), |of| {
                of.surface = Surface::Mention;
                of.address = None;
                of.content.attachments = vec![Attachment {
                    kind: MediaKind::Image,
                    external_id: Some(picture.to_owned().into()),
                    url: None,
                    media_type: None,
                    file_name: None,
                }];
            })
            .await;
        let appeal = opened_by(&rig, Channel::Instagram, Surface::Mention, "nobody", mention).await;
        rig.appeal(appeal, vec![reopened()]).await;
        rig.tell();
        let meant = meant(&rig, "mention", 1).await;
        assert_eq!(meant[0].answers.as_ref().unwrap().reveal(), expected);
        assert_eq!(
            (meant[0].account.as_str(), mention),
            (ACCOUNT, name(Channel::Instagram, &format!("mention/{id}")))
        );
    }
}

#[tokio::test]
async fn a_long_text_names_the_part_before() {
    let rig = Rig::new().await;
    let appeal = rig.opens(WHO).await;
    let Event::Answered(answer) = answered() else { unreachable!("made so") };
    let text = "Приедем. ".repeat(200).into();
    rig.appeal(appeal, vec![Event::Answered(Box::new(Answer { text, ..*answer }))]).await;
    rig.tell();
    let meant = meant(&rig, "parts", 2).await;
    let ids: Vec<_> = rig.meant_ids().await;
    assert_eq!((meant[0].follows, meant[1].follows), (None, Some(ids[0])));
}
