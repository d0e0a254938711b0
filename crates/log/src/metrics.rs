//! What the log tells about itself in numbers.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Metrics of one log. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) append_seconds: Histogram,
    pub(crate) group_size: Histogram,
    pub(crate) conflicts: IntCounterVec,
    pub(crate) unknown_outcomes: IntCounter,
    pub(crate) head: IntGauge,
    pub(crate) wal_bytes: IntGauge,
    pub(crate) denied: IntCounter,
    pub(crate) gaps: IntCounter,
    servers: IntGaugeVec,
}

/// A server tells its disk to keep a record before it acknowledges it.
const ALWAYS: &str = "always";
/// Or some time after.
const LATER: &str = "later";

/// What a refused expectation turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConflictKind {
    /// Someone else recorded first.
    Real,
    /// The command itself had been recorded before.
    Repeated,
}

impl ConflictKind {
    const ALL: [Self; 2] = [Self::Real, Self::Repeated];

    const fn label(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Repeated => "repeated",
        }
    }
}

impl Metrics {
    /// Metrics that appear in `registry`, all at zero.
    ///
    /// # Errors
    ///
    /// When the registry holds such metrics already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered();
        registry.register(Box::new(metrics.append_seconds.clone()))?;
        registry.register(Box::new(metrics.group_size.clone()))?;
        registry.register(Box::new(metrics.conflicts.clone()))?;
        registry.register(Box::new(metrics.unknown_outcomes.clone()))?;
        registry.register(Box::new(metrics.head.clone()))?;
        registry.register(Box::new(metrics.wal_bytes.clone()))?;
        registry.register(Box::new(metrics.denied.clone()))?;
        registry.register(Box::new(metrics.gaps.clone()))?;
        registry.register(Box::new(metrics.servers.clone()))?;
        Ok(metrics)
    }

    /// Metrics that nobody reads: tests and one-off commands.
    #[must_use]
    pub fn unregistered() -> Self {
        const GOOD: &str = "names and labels of the log's metrics are constants and valid";
        let conflicts = IntCounterVec::new(
            Opts::new(
                "zholdary_log_conflicts_total",
                "Appends that found their stream moved on: by another command (real) or by themselves (repeated)",
            ),
            &["kind"],
        )
        .expect(GOOD);
        for kind in ConflictKind::ALL {
            conflicts.with_label_values(&[kind.label()]);
        }
        let servers = IntGaugeVec::new(
            Opts::new(
                "zholdary_log_servers",
                "Servers of NATS that tell their disks before they acknowledge (always), and those that do later",
            ),
            &["sync"],
        )
        .expect(GOOD);
        for sync in [ALWAYS, LATER] {
            servers.with_label_values(&[sync]);
        }
        Self {
            append_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "zholdary_log_append_seconds",
                    "Time from asking for an append to its answer",
                )
                .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0]),
            )
            .expect(GOOD),
            group_size: Histogram::with_opts(
                HistogramOpts::new("zholdary_log_group_size", "Appends written in one transaction")
                    .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]),
            )
            .expect(GOOD),
            conflicts,
            unknown_outcomes: IntCounter::new(
                "zholdary_log_unknown_outcomes_total",
                "Appends that the engine neither confirmed nor refused",
            )
            .expect(GOOD),
            head: IntGauge::new("zholdary_log_head", "Position of the last record this process knows of")
                .expect(GOOD),
            wal_bytes: IntGauge::new("zholdary_log_wal_bytes", "Size of SQLite's write-ahead log in bytes")
                .expect(GOOD),
            denied: IntCounter::new(
                "zholdary_log_denied_total",
                "What NATS forbade this role: its user lacks a permission",
            )
            .expect(GOOD),
            gaps: IntCounter::new(
                "zholdary_log_gaps_total",
                "How often records were found missing from the log on NATS: a hole, or a lost end",
            )
            .expect(GOOD),
            servers,
        }
    }

    /// Takes down how many servers tell their disks before they acknowledge, and how many do later.
    pub(crate) fn servers(&self, always: usize, later: usize) {
        for (sync, count) in [(ALWAYS, always), (LATER, later)] {
            self.servers.with_label_values(&[sync]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn conflict(&self, kind: ConflictKind) {
        self.conflicts.with_label_values(&[kind.label()]).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::unregistered()
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
            "zholdary_log_conflicts_total{kind=\"real\"} 0",
            "zholdary_log_conflicts_total{kind=\"repeated\"} 0",
            "zholdary_log_unknown_outcomes_total 0",
            "zholdary_log_append_seconds_count 0",
            "zholdary_log_group_size_count 0",
            "zholdary_log_head 0",
            "zholdary_log_wal_bytes 0",
            "zholdary_log_denied_total 0",
            "zholdary_log_gaps_total 0",
            "zholdary_log_servers{sync=\"always\"} 0",
            "zholdary_log_servers{sync=\"later\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
