//! What the workers tell about themselves.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Counters of the workers, by worker and outcome.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) records: IntCounterVec,
    pub(crate) restarts: IntCounterVec,
    pub(crate) position: IntGaugeVec,
}

/// The workers, as they stand in labels.
pub(crate) const WORKERS: [&str; 3] = ["register", "route", "deadlines"];
/// What became of a record.
pub(crate) const OUTCOMES: [&str; 2] = ["done", "parked"];

impl Metrics {
    /// Registers the counters, all at zero.
    ///
    /// # Errors
    ///
    /// When `registry` has them already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let records = IntCounterVec::new(
            Opts::new("zholdary_routing_records_total", "Records that a worker is finished with."),
            &["worker", "outcome"],
        )?;
        let restarts = IntCounterVec::new(
            Opts::new(
                "zholdary_routing_restarts_total",
                "How often a worker looked again from the start after a failure.",
            ),
            &["worker"],
        )?;
        let position = IntGaugeVec::new(
            Opts::new("zholdary_routing_position_records", "Everything up to here is finished."),
            &["worker"],
        )?;
        for worker in WORKERS {
            for outcome in OUTCOMES {
                records.with_label_values(&[worker, outcome]).reset();
            }
            restarts.with_label_values(&[worker]).reset();
            position.with_label_values(&[worker]).set(0);
        }
        registry.register(Box::new(records.clone()))?;
        registry.register(Box::new(restarts.clone()))?;
        registry.register(Box::new(position.clone()))?;
        Ok(Self { records, restarts, position })
    }
}
