//! What goes out, in figures.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use zholdary_domain::{inbound::Channel, outgoing::Trouble};

/// Counters of what was sent, by channel and outcome; of what was taken and did not arrive; of what went in the place of another.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: IntCounterVec,
    failures: IntCounterVec,
    instead: IntCounterVec,
    waiting: IntGauge,
}

impl Metrics {
    /// Registers the counters, all at zero.
    ///
    /// # Errors
    ///
    /// When `registry` has them already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let attempts = IntCounterVec::new(
            Opts::new(
                "zholdary_delivery_attempts_total",
                "What came of messages to residents: taken, unknown, or why not.",
            ),
            &["channel", "outcome"],
        )?;
        let failures = IntCounterVec::new(
            Opts::new(
                "zholdary_delivery_failures_total",
                "Messages that a platform took, and of which it told later that they do not arrive, by why.",
            ),
            &["channel", "why"],
        )?;
        let instead = IntCounterVec::new(
            Opts::new(
                "zholdary_delivery_instead_total",
                "Messages that go in another way because they do not arrive, by the channel they were for and by the way.",
            ),
            &["channel", "way"],
        )?;
        let waiting =
            IntGauge::new("zholdary_delivery_waiting_messages", "Messages to residents that wait.")?;
        for channel in Channel::ALL {
            let troubles = Trouble::ALL.iter().map(|why| why.code());
            for outcome in troubles.chain([TAKEN, UNKNOWN]) {
                attempts.with_label_values(&[channel.code(), outcome]).reset();
            }
            for why in Trouble::ALL {
                failures.with_label_values(&[channel.code(), why.code()]).reset();
            }
            for way in Channel::ALL.map(Channel::code).into_iter().chain([REGISTERED]) {
                instead.with_label_values(&[channel.code(), way]).reset();
            }
        }
        registry.register(Box::new(attempts.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(instead.clone()))?;
        registry.register(Box::new(waiting.clone()))?;
        Ok(Self { attempts, failures, instead, waiting })
    }

    pub(crate) fn came(&self, channel: Channel, outcome: &str) {
        self.attempts.with_label_values(&[channel.code(), outcome]).inc();
    }

    /// What a platform took does not arrive.
    pub(crate) fn failed(&self, channel: Channel, why: &str) {
        self.failures.with_label_values(&[channel.code(), why]).inc();
    }

    /// What was for `channel` goes by `way`.
    pub(crate) fn went_instead(&self, channel: Channel, way: &str) {
        self.instead.with_label_values(&[channel.code(), way]).inc();
    }

    #[expect(clippy::cast_possible_wrap, reason = "no memory holds 2^63 messages")]
    pub(crate) fn waiting(&self, messages: usize) {
        self.waiting.set(messages as i64);
    }
}

pub(crate) const TAKEN: &str = "taken";
pub(crate) const UNKNOWN: &str = "unknown";
/// As the vendor's registered text, on the same channel.
pub(crate) const REGISTERED: &str = "registered";
