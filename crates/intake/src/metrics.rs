//! What intake tells about itself in numbers.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use zholdary_domain::inbound::Channel;

/// What became of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A message was recorded.
    Message,
    /// A message was known.
    Repeated,
    /// An edit, withdrawal, delivery mark or message of ours was recorded.
    Told,
    /// It was known, or says nothing new.
    ToldAgain,
    /// It leads to nothing.
    Nothing,
    /// It is kept for a person.
    Parked,
    /// It could not be recorded.
    Failed,
}

impl Outcome {
    const ALL: [Self; 7] = [
        Self::Message,
        Self::Repeated,
        Self::Told,
        Self::ToldAgain,
        Self::Nothing,
        Self::Parked,
        Self::Failed,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Repeated => "repeated",
            Self::Told => "told",
            Self::ToldAgain => "told_again",
            Self::Nothing => "nothing",
            Self::Parked => "parked",
            Self::Failed => "failed",
        }
    }
}

/// Metrics of intake. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    elements: IntCounterVec,
    deliveries: IntCounterVec,
    raw_bytes: IntCounterVec,
    take_seconds: HistogramVec,
}

impl Metrics {
    /// Metrics that appear in `registry`, all at zero.
    ///
    /// # Errors
    ///
    /// When the registry holds such metrics already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered();
        registry.register(Box::new(metrics.elements.clone()))?;
        registry.register(Box::new(metrics.deliveries.clone()))?;
        registry.register(Box::new(metrics.raw_bytes.clone()))?;
        registry.register(Box::new(metrics.take_seconds.clone()))?;
        Ok(metrics)
    }

    /// Metrics that nobody reads: tests and one-off commands.
    #[must_use]
    pub fn unregistered() -> Self {
        const GOOD: &str = "names and labels of intake's metrics are constants and valid";
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).expect(GOOD)
        };
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
        let seconds = HistogramOpts::new(
            "zholdary_intake_take_seconds",
            "From the bytes of a delivery to its last durable record",
        );
        let metrics = Self {
            elements: counter(
                "zholdary_intake_elements_total",
                "Elements of deliveries by what became of them",
                &["channel", "outcome"],
            ),
            deliveries: counter(
                "zholdary_intake_deliveries_total",
                "Deliveries taken whole, and those that must come again",
                &["channel", "outcome"],
            ),
            raw_bytes: counter("zholdary_intake_raw_bytes_total", "Raw bytes made durable", &["channel"]),
            take_seconds: HistogramVec::new(seconds.buckets(buckets), &["channel"]).expect(GOOD),
        };
        for channel in Channel::ALL.map(Channel::code) {
            for outcome in Outcome::ALL {
                metrics.elements.with_label_values(&[channel, outcome.label()]);
            }
            for outcome in ["taken", "failed"] {
                metrics.deliveries.with_label_values(&[channel, outcome]);
            }
            metrics.raw_bytes.with_label_values(&[channel]);
            metrics.take_seconds.with_label_values(&[channel]);
        }
        metrics
    }

    pub(crate) fn element(&self, channel: Channel, outcome: Outcome) {
        self.elements.with_label_values(&[channel.code(), outcome.label()]).inc();
    }

    pub(crate) fn kept_raw(&self, channel: Channel, bytes: usize) {
        self.raw_bytes.with_label_values(&[channel.code()]).inc_by(bytes as u64);
    }

    pub(crate) fn delivery(&self, channel: Channel, taken: bool, seconds: f64) {
        let outcome = if taken { "taken" } else { "failed" };
        self.deliveries.with_label_values(&[channel.code(), outcome]).inc();
        self.take_seconds.with_label_values(&[channel.code()]).observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_starts_at_zero_and_a_registry_takes_them_once() {
        let registry = Registry::new();
        Metrics::new(&registry).unwrap();
        let elements = registry.gather().into_iter().find(|f| f.name() == "zholdary_intake_elements_total");
        assert_eq!(elements.unwrap().get_metric().len(), Channel::ALL.len() * Outcome::ALL.len());
        assert!(Metrics::new(&registry).is_err());
    }
}
