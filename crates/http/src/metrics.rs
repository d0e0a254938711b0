//! What the HTTP side tells about itself in numbers.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};
use zholdary_domain::inbound::Channel;

/// Metrics of the HTTP side. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    seconds: Histogram,
    listeners: IntGauge,
    hooks: IntCounterVec,
}

/// Channels that have a hook.
const HOOKS: [Channel; 4] = [Channel::Whatsapp, Channel::Instagram, Channel::Facebook, Channel::Telegram];

/// How a POST to a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookOutcome {
    /// Stored.
    Taken,
    /// The signature is missing or wrong.
    Refused,
    /// The log did not take it; the vendor repeats it.
    Unavailable,
}

impl HookOutcome {
    const ALL: [Self; 3] = [Self::Taken, Self::Refused, Self::Unavailable];

    const fn label(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The classes of answers, a closed set.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    /// Metrics that appear in `registry`, all at zero.
    ///
    /// # Errors
    ///
    /// When the registry holds such metrics already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered();
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.listeners.clone()))?;
        registry.register(Box::new(metrics.hooks.clone()))?;
        Ok(metrics)
    }

    /// Metrics that nobody reads: tests.
    #[must_use]
    pub fn unregistered() -> Self {
        const GOOD: &str = "names and labels of the HTTP side's metrics are constants and valid";
        let requests = IntCounterVec::new(
            Opts::new("zholdary_http_requests_total", "Requests answered, by class of status"),
            &["class"],
        )
        .expect(GOOD);
        for class in CLASSES {
            requests.with_label_values(&[class]);
        }
        let hooks = IntCounterVec::new(
            Opts::new("zholdary_http_hook_posts_total", "Posts of platforms, by how they ended"),
            &["channel", "outcome"],
        )
        .expect(GOOD);
        for channel in HOOKS {
            for outcome in HookOutcome::ALL {
                hooks.with_label_values(&[channel.code(), outcome.label()]);
            }
        }
        let seconds = HistogramOpts::new("zholdary_http_request_seconds", "Time to the head of an answer")
            .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0]);
        Self {
            requests,
            seconds: Histogram::with_opts(seconds).expect(GOOD),
            listeners: IntGauge::new("zholdary_http_listeners", "Open streams of changes").expect(GOOD),
            hooks,
        }
    }

    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        self.requests.with_label_values(&[CLASSES[class - 1]]).inc();
        self.seconds.observe(after.as_secs_f64());
    }

    pub(crate) fn hook(&self, channel: Channel, outcome: HookOutcome) {
        self.hooks.with_label_values(&[channel.code(), outcome.label()]).inc();
    }

    /// Counts a listener for as long as the guard lives.
    pub(crate) fn listener(&self) -> Listening {
        self.listeners.inc();
        Listening(self.listeners.clone())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::unregistered()
    }
}

/// One open stream of changes.
#[derive(Debug)]
pub(crate) struct Listening(IntGauge);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn every_label_starts_at_zero() {
        let registry = Registry::new();
        let _metrics = Metrics::new(&registry).unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            "zholdary_http_requests_total{class=\"5xx\"} 0",
            "zholdary_http_hook_posts_total{channel=\"instagram\",outcome=\"unavailable\"} 0",
            "zholdary_http_request_seconds_count 0",
            "zholdary_http_listeners 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
