//! No danger is lost: in a long thread, in a long text, at another place, in an edit.

use serde_json::{Value, json};
use zholdary_channels::jsonl;
use zholdary_domain::{
    AppealId, CommandId, Inbound, MessageId, Place, StreamId,
    appeal::{self, Actor, Appeal, Command, Event, FindingId, FindingState, StateName},
    inbound::Content,
};
use zholdary_log::Cause;

use crate::rig::Rig;

fn says(n: usize, text: &str) -> Value {
    json!({ "id": n.to_string(), "channel": "whatsapp", "contact": "+77000000311", "text": text,
            "sent_at": "2026-11-20T09:00:00+05:00" })
}

/// Category, streets and house of each danger.
fn dangers(appeal: &Appeal) -> Vec<(&str, String)> {
    let words = |place: &Place| {
        let house = place.house.as_ref().map(|house| house.reveal().clone());
        place.names.iter().cloned().chain(house).collect::<Vec<_>>().join(" ")
    };
    let certain = |f: &&FindingState| f.category != "manhole_defect" && f.category != "pothole";
    appeal.findings.iter().filter(certain).map(|f| (f.category.as_str(), words(&f.place))).collect()
}

async fn state(rig: &Rig, id: AppealId) -> Appeal {
    rig.appeals().load(&StreamId::from(id)).await.unwrap().state
}

/// A thread, each message heard by itself.
async fn thread(texts: &[&str]) -> (Rig, AppealId) {
    let rig = Rig::new().await;
    let mut first: Option<MessageId> = None;
    for (n, text) in texts.iter().enumerate() {
        let heard = rig.hear(&[says(n, text)]).await;
        first = first.or(heard.first().copied());
        rig.settle().await;
    }
    let (id, _) = rig.appeal_of(first.unwrap()).await;
    (rig, id)
}

async fn edit(rig: &Rig, n: usize, text: &str) {
    let Inbound::Message(was) = jsonl::line(&says(n, "x").to_string(), None).unwrap() else {
        panic!("a message")
    };
    let content = Content { text: Some(text.to_owned().into()), ..Content::default() };
    let sent_at = was.sent_at + chrono::TimeDelta::minutes(1);
    rig.tell(vec![Inbound::Edited { of: was.id, edit: "1".to_owned().into(), content, sent_at }]).await;
    rig.settle().await;
}

const HOLE: &str = "Открытый люк без крышки на Толе би 100 угол Масанчи";

/// What the thread leads to, restart or not.
async fn check(texts: &[&str], expected: &[(&str, &str)]) {
    let (rig, id) = thread(texts).await;
    let appeal = state(&rig, id).await;
    let found = dangers(&appeal);
    let found: Vec<_> = found.iter().map(|(category, place)| (*category, place.as_str())).collect();
    assert_eq!(found, expected, "{texts:?}");
    assert!(appeal.understanding.as_ref().unwrap().danger);
    let events = rig.events(id).await;
    rig.settle().await;
    assert_eq!(rig.events(id).await, events, "{texts:?}: heard once");
}

#[tokio::test]
async fn a_danger_elsewhere_is_another_danger() {
    let one = ("manhole_open", "Толе би Масанчи 100");
    let two = ("manhole_open", "Кабанбай батыра 164");
    check(&[HOLE, "Ещё открытый люк на Кабанбай батыра 164"], &[one, two]).await;
    check(&[HOLE, "Ещё открытый люк на Кабанбай батыра 164", "Жду ответа"], &[one, two]).await;
    check(&[HOLE, "Люк так и открыт, без крышки"], &[one]).await;
    check(&[HOLE, "Люк на Толе би всё ещё открыт"], &[one]).await;
    check(&["Открытый люк без крышки", "Это на Толе би 100 угол Масанчи"], &[one]).await;
}

#[tokio::test]
async fn a_danger_elsewhere_is_heard_when_the_first_is_in_hand() {
    let (rig, id) = thread(&[HOLE]).await;
    let by = Actor::Party { code: state(&rig, id).await.findings[0].party().to_owned() };
    let accept = Command::Accept { finding: FindingId(0), by };
    rig.appeals()
        .handle(&StreamId::from(id), CommandId::named("test", "accept"), Cause::OUTSIDE, |state, _| {
            appeal::decide(state, accept.clone())
        })
        .await
        .unwrap();
    rig.hear(&[says(7, "И ещё открытый люк на Кабанбай батыра 164")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert_eq!(dangers(&appeal)[1], ("manhole_open", "Кабанбай батыра 164".to_owned()));
    assert!(appeal.findings.iter().all(|f| f.route.is_some()));
}

#[tokio::test]
async fn an_edit_moves_a_danger_and_never_hides_one() {
    let (rig, id) = thread(&[HOLE]).await;
    edit(&rig, 0, "Открытый люк без крышки на Толе би 102 угол Масанчи").await;
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Толе би Масанчи 102".to_owned())]);
    edit(&rig, 0, "Спасибо").await;
    let appeal = state(&rig, id).await;
    assert!(dangers(&appeal).iter().any(|(category, _)| *category == "manhole_open"), "{appeal:?}");
}

/// Filler of which nothing follows.
fn chatter(n: usize) -> String {
    format!("жду, {n}")
}

#[tokio::test]
async fn a_danger_in_the_middle_of_a_long_thread_is_heard() {
    for at_once in [true, false] {
        let rig = Rig::new().await;
        let mut lines = vec![says(0, "Яма на Толе би 100")];
        lines.extend((1..60).map(|n| says(n, &chatter(n))));
        lines[30] = says(30, "Там же открытый люк без крышки");
        let messages = if at_once {
            rig.hear(&lines).await
        } else {
            let plain: Vec<_> =
                (0..60).map(|n| if n == 30 { says(n, &chatter(n)) } else { lines[n].clone() }).collect();
            let messages = rig.hear(&plain).await;
            rig.settle().await;
            edit(&rig, 30, "Там же открытый люк без крышки").await;
            messages
        };
        rig.settle().await;
        let (_, appeal) = rig.appeal_of(messages[0]).await;
        assert_eq!(appeal.messages.len(), 60);
        let found = dangers(&appeal);
        assert!(found.iter().any(|(category, _)| *category == "manhole_open"), "{at_once}: {found:?}");
    }
}

/// The thread together is longer than what is read as one text.
#[tokio::test]
async fn a_danger_behind_long_texts_is_heard() {
    let long = format!("Яма на Толе би 100. {}", "жду ответа ".repeat(700));
    let (rig, id) = thread(&[&long, &long, &long, "Рядом открытый люк без крышки"]).await;
    assert_eq!(dangers(&state(&rig, id).await), [("manhole_open", "Толе би 100".to_owned())]);
    let (rig, id) = thread(&["Яма на дороге", &long, &long, "Рядом открытый люк без крышки"]).await;
    assert_eq!(dangers(&state(&rig, id).await).len(), 1);
}

#[tokio::test]
async fn an_answer_to_our_question_is_heard_while_another_problem_is_in_hand() {
    let (rig, id) = thread(&["Яма, выбоина на дороге"]).await;
    assert_eq!(state(&rig, id).await.state(), StateName::Asked);
    // A second problem of it stands with a party: the first still waits for the place.
    let appeal = state(&rig, id).await;
    let asked = rig.events(id).await.iter().any(|e| matches!(e, Event::PlaceAsked(_)));
    assert!(asked && appeal.findings.len() == 1);
    rig.hear(&[says(5, "И не горят фонари на Розыбакиева 12")]).await;
    rig.settle().await;
    let appeal = state(&rig, id).await;
    assert!(appeal.findings.iter().all(|f| f.route.is_some()), "{appeal:?}");
}
