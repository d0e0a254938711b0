//! What the workers tell about themselves.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use zholdary_domain::Position;

use crate::{deadlines, register, route};

/// Counters of the workers, by worker and outcome.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) records: IntCounterVec,
    pub(crate) restarts: IntCounterVec,
    pub(crate) retries: IntCounterVec,
    pub(crate) position: IntGaugeVec,
    pub(crate) read: IntGaugeVec,
}

/// The workers, as they stand in labels and as they keep their checkpoints.
pub const WORKERS: [&str; 3] = [register::WORKER, route::WORKER, deadlines::WORKER];
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
        let retries = IntCounterVec::new(
            Opts::new(
                "zholdary_routing_retries_total",
                "How often a worker asked a log in place that could not be read or written.",
            ),
            &["worker"],
        )?;
        let position = IntGaugeVec::new(
            Opts::new("zholdary_routing_position_records", "Everything up to here is finished."),
            &["worker"],
        )?;
        let read = IntGaugeVec::new(
            Opts::new(
                "zholdary_routing_read_records",
                "Everything up to here is read, though another process may decide about it.",
            ),
            &["worker"],
        )?;
        registry.register(Box::new(records.clone()))?;
        registry.register(Box::new(restarts.clone()))?;
        registry.register(Box::new(retries.clone()))?;
        registry.register(Box::new(position.clone()))?;
        registry.register(Box::new(read.clone()))?;
        let metrics = Self { records, restarts, retries, position, read };
        WORKERS.into_iter().for_each(|worker| metrics.begins(worker));
        Ok(metrics)
    }

    /// All that is counted of a worker stands at zero: nobody looks in vain for what has not happened yet.
    pub fn begins(&self, worker: &str) {
        for outcome in OUTCOMES {
            self.records.with_label_values(&[worker, outcome]).reset();
        }
        self.restarts.with_label_values(&[worker]).reset();
        self.retries.with_label_values(&[worker]).reset();
        self.position.with_label_values(&[worker]).set(0);
        self.read.with_label_values(&[worker]).set(0);
    }

    /// A worker has read everything up to `position`.
    #[expect(clippy::cast_possible_wrap, reason = "a log of 2^63 records does not exist")]
    pub fn has_read(&self, worker: &str, position: Position) {
        self.read.with_label_values(&[worker]).set(position.0 as i64);
    }

    /// A worker is finished with everything up to `position`, `new` records of its own turn more than before.
    #[expect(clippy::cast_possible_wrap, reason = "a log of 2^63 records does not exist")]
    pub fn is_finished(&self, worker: &str, position: Position, new: u64) {
        self.position.with_label_values(&[worker]).set(position.0 as i64);
        self.records.with_label_values(&[worker, "done"]).inc_by(new);
    }
}
