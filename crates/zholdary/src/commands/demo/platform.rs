//! Pretended platforms: nothing leaves the process, and our messages are taken, delivered and read as they would be. What they would tell
//! after the last day is told to nobody.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use zholdary_channels::outbound::Form;
use zholdary_delivery::{Carried, Carrier, Carriers};
use zholdary_domain::{
    Clock, MessageId,
    inbound::{Channel, Surface},
    outgoing::{Outgoing, Trouble},
};
use zholdary_simulation::{Arrived, Step, states};

/// Of so many people one cannot be reached.
const ONE_IN: u64 = 40;
/// What WhatsApp says of a phone that it cannot bring a message to (Meta, «Error codes»).
const UNDELIVERABLE: i64 = 131_026;
/// What Messenger and Instagram say of a person who lets nothing of ours through.
const NOT_AVAILABLE: i64 = 551;
/// Of a hundred messages so many are read.
const READ: u64 = 70;

/// The platforms of all channels that the demo simulates. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Platform(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// What of ours each person may answer.
    sent: HashMap<String, Sent>,
    /// What is still to be told of our messages, by when.
    states: BTreeMap<(DateTime<Utc>, String), (Channel, Arrived)>,
    /// Messages taken.
    taken: u64,
}

/// What of ours a person may answer.
#[derive(Debug, Clone, Default)]
struct Sent {
    /// The first message: the receipt.
    receipt: Option<String>,
    /// The question whether it is fixed, and the number that its buttons bear.
    question: Option<(String, String)>,
}

impl Platform {
    /// Platforms by a clock.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, told: Mutex::default() }))
    }

    /// What carries messages to them.
    pub(crate) fn carriers(&self) -> Carriers {
        let mut carriers = Carriers::default();
        for channel in [Channel::Whatsapp, Channel::Instagram, Channel::Facebook] {
            carriers.add(channel, Arc::new(self.clone()));
        }
        carriers
    }

    /// Messages that were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.with(|told| told.taken)
    }

    /// The receipt that a person got, by the platform's id.
    pub(crate) fn receipt(&self, to: &str) -> Option<String> {
        self.with(|told| told.sent.get(to)?.receipt.clone())
    }

    /// The question that a person was asked, by the platform's id, and the number that its buttons bear.
    pub(crate) fn question(&self, to: &str) -> Option<(String, String)> {
        self.with(|told| told.sent.get(to)?.question.clone())
    }

    /// Bodies of webhooks that tell what became of our messages up to `until`.
    pub(crate) fn states(&self, until: DateTime<Utc>) -> Vec<(Channel, Vec<u8>)> {
        let due = self.with(|told| {
            let later = told.states.split_off(&(until + Duration::milliseconds(1), String::new()));
            std::mem::replace(&mut told.states, later)
        });
        let mut by_channel = BTreeMap::<Channel, Vec<Arrived>>::new();
        for (channel, arrived) in due.into_values() {
            by_channel.entry(channel).or_default().push(arrived);
        }
        let body =
            |(channel, arrived): (_, Vec<_>)| (channel, states(channel, &arrived.iter().collect::<Vec<_>>()));
        by_channel.into_iter().map(body).collect()
    }

    /// A panic elsewhere leaves what was told whole: each of these changes it at once.
    fn with<T>(&self, what: impl FnOnce(&mut Told) -> T) -> T {
        what(&mut self.0.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Carrier for Platform {
    async fn carry(&self, id: MessageId, out: &Outgoing, _: Form) -> Carried {
        let (to, channel, now) = (out.to.reveal(), out.channel, self.0.clock.now());
        let person = drawn(to, "");
        let is_private = !matches!(out.surface, Surface::Comment | Surface::Post | Surface::Mention);
        let is_out_of_reach = is_private && person % ONE_IN == 1;
        if is_out_of_reach && channel != Channel::Whatsapp {
            return Carried::NotTaken {
                why: Trouble::Blocked,
                code: Some(NOT_AVAILABLE),
                again: false,
                after: None,
            };
        }
        let name = match channel {
            Channel::Whatsapp => format!("wamid.OUT{}", id.uuid().simple()),
            _ => format!("m_OUT{}", id.uuid().simple()),
        };
        self.with(|told| {
            told.taken += 1;
            // What all can read nobody is known to have read.
            if !is_private {
                return;
            }
            let mut tell = |after: Duration, step: Step| {
                let arrived = Arrived { id: name.clone(), to: to.clone(), step, at: now + after };
                told.states.insert((arrived.at, format!("{name} {step:?}")), (channel, arrived));
            };
            if is_out_of_reach {
                return tell(Duration::minutes(2), Step::Failed { code: UNDELIVERABLE });
            }
            // Instagram tells of nothing but reading.
            if channel != Channel::Instagram {
                tell(Duration::seconds(2), Step::Delivered);
            }
            let reading = drawn(to, &out.what);
            if reading % 100 < READ {
                let after = i64::try_from(reading % 3_600).unwrap_or_default();
                tell(Duration::seconds(20 + after), Step::Read);
            }
            let sent = told.sent.entry(to.clone()).or_default();
            sent.receipt.get_or_insert_with(|| name.clone());
            let asks = out.buttons.iter().find_map(|button| button.id.strip_prefix("fixed:yes:"));
            if let Some(number) = asks {
                sent.question = Some((name.clone(), number.to_owned()));
            }
        });
        Carried::Taken(name)
    }
}

/// A number that is always the same for one person and one `what`.
fn drawn(to: &str, what: &str) -> u64 {
    let mut hash = blake3::Hasher::new();
    hash.update(to.as_bytes()).update(&[0]).update(what.as_bytes());
    let mut number = [0; 8];
    hash.finalize_xof().fill(&mut number);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use zholdary_channels::Ours;
    use zholdary_domain::{Inbound, outgoing::OutButton, time::PlayedClock};

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-19T06:00:00Z".parse().unwrap()
    }

    fn out(channel: Channel, surface: Surface, to: &str, buttons: &[&str]) -> Outgoing {
        Outgoing {
            surface,
            buttons: buttons
                .iter()
                .map(|id| OutButton { id: (*id).to_owned(), title: "Да".into() })
                .collect(),
            ..zholdary_testkit::outgoing(channel, to)
        }
    }

    /// The first whom this holds for.
    fn somebody(is: impl Fn(u64) -> bool) -> String {
        (0..).map(|n: u32| format!("7000{n:07}")).find(|to| is(drawn(to, ""))).unwrap()
    }

    fn id(nth: &str) -> MessageId {
        zholdary_testkit::id_key().message("whatsapp", "1", nth)
    }

    /// What platforms tell up to so long after now, in words.
    fn told(platform: &Platform, after: Duration) -> Vec<String> {
        let bodies = platform.states(now() + after);
        let read =
            |(channel, body): (Channel, Vec<u8>)| Ours::default().parse(channel, &body).unwrap().elements;
        let word = |element| match element {
            Inbound::Delivery { state, error, .. } => format!("{state:?} {error:?}"),
            element => panic!("{element:?}"),
        };
        bodies.into_iter().flat_map(read).map(word).collect()
    }

    #[tokio::test]
    async fn what_becomes_of_a_message_is_told_when_it_has_become() {
        let platform = Platform::new(Arc::new(PlayedClock::at(now())));
        let to = somebody(|person| person % ONE_IN != 1);
        let receipt = out(Channel::Whatsapp, Surface::Private, &to, &[]);
        let Carried::Taken(name) = platform.carry(id("1"), &receipt, Form::Text).await else {
            panic!("not taken")
        };
        assert_eq!(platform.receipt(&to), Some(name));
        assert_eq!(platform.question(&to), None);
        let asked = out(
            Channel::Whatsapp,
            Surface::Private,
            &to,
            &["fixed:yes:Z-2026-000401", "fixed:no:Z-2026-000401"],
        );
        let Carried::Taken(question) = platform.carry(id("2"), &asked, Form::Text).await else {
            panic!("not taken")
        };
        assert_eq!(platform.question(&to), Some((question, "Z-2026-000401".to_owned())));
        assert!(told(&platform, Duration::seconds(1)).is_empty());
        assert_eq!(told(&platform, Duration::seconds(2)), ["Delivered None"; 2]);
        assert!(told(&platform, Duration::seconds(2)).is_empty(), "once");
        let read = told(&platform, Duration::hours(2));
        assert!(read.iter().all(|word| word == "Read None"), "{read:?}");
        assert_eq!(platform.taken(), 2);
    }

    #[tokio::test]
    async fn some_people_are_out_of_reach() {
        let platform = Platform::new(Arc::new(PlayedClock::at(now())));
        let to = somebody(|person| person % ONE_IN == 1);
        let carry = async |channel, surface, nth| {
            platform
                .carry(id(nth), &out(channel, surface, &to, &["fixed:yes:Z-2026-000401"]), Form::Text)
                .await
        };
        assert!(matches!(carry(Channel::Whatsapp, Surface::Private, "1").await, Carried::Taken(_)));
        assert_eq!(told(&platform, Duration::hours(2)), ["Failed Some(131026)"]);
        let blocked = carry(Channel::Instagram, Surface::Private, "2").await;
        assert!(
            matches!(blocked, Carried::NotTaken { why: Trouble::Blocked, again: false, .. }),
            "{blocked:?}"
        );
        // In public everybody is reached, and nobody is known to have read.
        assert!(matches!(carry(Channel::Facebook, Surface::Comment, "3").await, Carried::Taken(_)));
        assert!(told(&platform, Duration::hours(2)).is_empty());
        assert_eq!(
            (platform.receipt(&to), platform.question(&to)),
            (None, None),
            "what never came is not answered"
        );
    }
}
