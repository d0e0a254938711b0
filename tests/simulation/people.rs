//! What people do: residents write as the script says, whoever has an appeal does anything that comes to mind.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use zholdary_channels::{Ours, seed};
use zholdary_city::City;
use zholdary_domain::{
    AppealId, Clock, CommandId, Inbound, Personal, StreamId,
    appeal::{self, Actor, Answer, Appeal, Clock as Term, Command, Deadline, FindingId, TermCause},
    inbound::Channel,
};
use zholdary_intake::Intake;
use zholdary_log::{Cause, Decider, DeciderError, streams::Appeals};
use zholdary_simulation::{Said, Story, post};
use zholdary_testkit::HandClock;

use crate::weather::Weather;

/// The latest instant that the clock showed. Clones are one. It is looked at, not listened to: who waits for a channel is woken in no
/// order.
#[derive(Clone)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn new(at: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(at.timestamp_millis())))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn set(&self, at: DateTime<Utc>) {
        self.0.store(at.timestamp_millis(), Ordering::SeqCst);
    }

    pub(crate) async fn until(&self, at: DateTime<Utc>) {
        while self.now() < at {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// A resident with one story. The platform delivers each message until it is taken, and some of them again.
#[derive(Clone)]
pub(crate) struct Resident {
    pub(crate) intake: Intake,
    pub(crate) weather: Weather,
    /// The latest instant that the clock showed.
    pub(crate) time: Time,
    /// Everything that anybody sent.
    pub(crate) sent: Arc<Mutex<Vec<Said>>>,
}

impl Resident {
    pub(crate) async fn lives(self, story: Story) {
        let mut opening = &story.opening[..];
        while let Some(first) = opening.first() {
            self.until(first.at).await;
            // What was written within a minute may come in one delivery.
            let near = opening.iter().take_while(|said| said.at - first.at < Duration::minutes(1)).count();
            let together = if self.weather.happens(50) { near } else { 1 };
            let (sent, later) = opening.split_at(together);
            self.send(&sent.iter().collect::<Vec<_>>()).await;
            opening = later;
        }
        let began = story.first().at;
        if let Some(later) = &story.later {
            self.ours(story.receipt(began + Duration::minutes(1))).await;
            let at = began + later.after;
            self.until(at).await;
            self.send(&story.later_said(at, None).iter().collect::<Vec<_>>()).await;
        }
        let asked = began + Duration::days(4);
        if let Some(press) = story.press(asked + Duration::hours(9), None) {
            self.until(asked).await;
            self.ours(story.question(asked)).await;
            self.until(press.at).await;
            self.send(&[&press]).await;
        }
    }

    async fn until(&self, at: DateTime<Utc>) {
        self.time.until(at).await;
        self.weather.pass(0..400).await;
    }

    async fn send(&self, said: &[&Said]) {
        let Some(channel) = said.first().map(|said| said.way.channel()) else { return };
        self.sent.lock().unwrap().extend(said.iter().map(|said| (*said).clone()));
        let body = Bytes::from(post(channel, said));
        self.deliver(channel, body.clone()).await;
        if self.weather.happens(15) {
            let again = self.clone();
            tokio::spawn(async move {
                again.weather.pass(1..20_000).await;
                again.deliver(channel, body).await;
            });
        }
    }

    /// Until it is answered well. A process that takes it may die over it.
    async fn deliver(&self, channel: Channel, body: Bytes) {
        loop {
            let elements = Ours::default().parse(channel, &body).expect("it delivers").elements;
            let taking = self.intake.take(channel, body.clone(), elements);
            let patience = if self.weather.storms() { self.weather.number(1..2_000) } else { 60_000 };
            let taken = tokio::time::timeout(std::time::Duration::from_millis(patience), taking).await;
            if matches!(taken, Ok(Ok(_))) {
                return;
            }
            self.weather.pass(10..1_000).await;
        }
    }

    /// A message of ours that the platform knows of.
    async fn ours(&self, line: String) {
        let sent = seed::line(&line).unwrap();
        let raw = Bytes::from(line);
        let Inbound::Sent(ours) = &sent else { unreachable!("a seed") };
        while self.intake.take(ours.id.channel, raw.clone(), vec![sent.clone()]).await.is_err() {
            self.weather.pass(10..1_000).await;
        }
    }
}

/// Operators and parties.
pub(crate) struct Staff {
    pub(crate) appeals: Decider<Appeals>,
    pub(crate) weather: Weather,
    pub(crate) city: Arc<City>,
    pub(crate) clock: HandClock,
}

impl Staff {
    /// Does something about one of the appeals, whether it makes sense or not.
    pub(crate) async fn act(&self, known: &[AppealId], nth: u64) {
        let (Some(id), Some(other)) = (self.weather.one(known), self.weather.one(known)) else { return };
        let stream = StreamId::from(*id);
        let Ok(now) = self.appeals.load(&stream).await else { return };
        let Some(command) = self.wish(*id, *other, &now.state) else { return };
        let command_id = CommandId::named("staff", &nth.to_string());
        loop {
            let decide = |appeal: &Appeal, _| appeal::decide(appeal, command.clone());
            match self.appeals.handle(&stream, command_id, Cause::command(command_id), decide).await {
                Ok(_) | Err(DeciderError::Refused(_)) => return,
                Err(_) => self.weather.pass(5..500).await,
            }
        }
    }

    fn wish(&self, of: AppealId, other: AppealId, appeal: &Appeal) -> Option<Command> {
        let weather = &self.weather;
        let finding = FindingId(u16::try_from(weather.number(0..2)).unwrap());
        let state = appeal.findings.get(usize::from(finding.0));
        let route = state.and_then(|state| state.route.clone());
        let by = if weather.happens(50) {
            Actor::Operator { token: "desk".to_owned() }
        } else {
            Actor::Party { code: state.map_or("akimat-almaly", |state| state.party()).to_owned() }
        };
        let party = weather.one(&self.city.parties)?.code.clone();
        let reason = || Personal::new("Потому что.".to_owned());
        let category = || weather.one(&self.city.categories).map(|category| category.code.clone());
        Some(match weather.number(0..22) {
            0..=2 => Command::Accept { finding, by },
            3 | 4 => Command::Start { finding, by },
            5..=7 => Command::Finish { finding, by, explanation: Some(reason()), proof: Vec::new() },
            8 => Command::Refuse { finding, by, reason: reason() },
            9 => Command::Note { by, text: reason() },
            10 => Command::Close { by, reason: reason() },
            11 => Command::Rate { fixed: weather.happens(50), message: None },
            12 => Command::Reopen { by, reason: reason() },
            13 => Command::Escalate { finding, to: party, by },
            14 => Command::Join { of, problem: other, by },
            15 => Command::Split { of, parts: u32::try_from(weather.number(1..3)).unwrap(), by },
            16 => Command::Extend { finding, clock: Term::Service, deadline: self.term(), by },
            17 => Command::Correct {
                finding,
                category: category(),
                place: None,
                route: None,
                by,
                reason: reason(),
            },
            18 => {
                let mut route = route?;
                (route.to, route.waits_at) = (party, None);
                let route = Box::new(route);
                Command::Redirect { route, alarms: Vec::new(), by }
            }
            19 => Command::Answer(Box::new(Answer {
                finding,
                template: None,
                version: None,
                lang: "ru".to_owned(),
                text: reason(),
                settles: weather.happens(50),
                by,
            })),
            20 => Command::NotConsider { by, reason: reason() },
            // Nothing is erased: nobody can ask for it yet, and a message placed just before it would stand nowhere.
            _ => Command::MakeOfficial { kind: "complaint".to_owned(), by },
        })
    }

    fn term(&self) -> Deadline {
        let from = self.clock.now();
        let at = from + Duration::hours(i64::try_from(self.weather.number(1..500)).unwrap());
        Deadline { at, from, cause: TermCause::Extended { reason: "Дождь.".to_owned() } }
    }
}
