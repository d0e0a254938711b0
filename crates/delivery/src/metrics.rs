//! What goes out, in figures.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use zholdary_domain::{inbound::Channel, outgoing::Trouble};

/// Counters of what was sent, by channel and outcome.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: IntCounterVec,
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
        let waiting =
            IntGauge::new("zholdary_delivery_waiting_messages", "Messages to residents that wait.")?;
        for channel in Channel::ALL {
            let troubles = Trouble::ALL.iter().map(|why| why.code());
            for outcome in troubles.chain([TAKEN, UNKNOWN]) {
                attempts.with_label_values(&[channel.code(), outcome]).reset();
            }
        }
        registry.register(Box::new(attempts.clone()))?;
        registry.register(Box::new(waiting.clone()))?;
        Ok(Self { attempts, waiting })
    }

    pub(crate) fn came(&self, channel: Channel, outcome: &str) {
        self.attempts.with_label_values(&[channel.code(), outcome]).inc();
    }

    #[expect(clippy::cast_possible_wrap, reason = "no memory holds 2^63 messages")]
    pub(crate) fn waiting(&self, messages: usize) {
        self.waiting.set(messages as i64);
    }
}

pub(crate) const TAKEN: &str = "taken";
pub(crate) const UNKNOWN: &str = "unknown";
