//! What the views tell about themselves in numbers.

use prometheus::{Gauge, IntCounter, IntGauge, Registry};

use crate::model::Lag;

/// Metrics of the views. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    lag_records: IntGauge,
    lag_seconds: Gauge,
    heartbeat_age_seconds: Gauge,
    pub(crate) applied: IntCounter,
    parked: IntGauge,
}

impl Metrics {
    /// Metrics that appear in `registry`, all at zero.
    ///
    /// # Errors
    ///
    /// When the registry holds such metrics already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered();
        registry.register(Box::new(metrics.lag_records.clone()))?;
        registry.register(Box::new(metrics.lag_seconds.clone()))?;
        registry.register(Box::new(metrics.heartbeat_age_seconds.clone()))?;
        registry.register(Box::new(metrics.applied.clone()))?;
        registry.register(Box::new(metrics.parked.clone()))?;
        Ok(metrics)
    }

    /// Metrics that nobody reads: tests and one-off commands.
    #[must_use]
    pub fn unregistered() -> Self {
        const GOOD: &str = "names of the views' metrics are constants and valid";
        Self {
            lag_records: IntGauge::new("zholdary_readmodel_lag_records", "Records not yet in the views")
                .expect(GOOD),
            lag_seconds: Gauge::new(
                "zholdary_readmodel_lag_seconds",
                "Seconds, by the log's own time, between the views' last record and the log's",
            )
            .expect(GOOD),
            heartbeat_age_seconds: Gauge::new(
                "zholdary_readmodel_heartbeat_age_seconds",
                "Seconds since the projector last said that it lives",
            )
            .expect(GOOD),
            applied: IntCounter::new(
                "zholdary_readmodel_applied_total",
                "Records this process put into the views",
            )
            .expect(GOOD),
            parked: IntGauge::new("zholdary_readmodel_parked", "Records set aside, with their reasons")
                .expect(GOOD),
        }
    }

    /// Takes over what [`crate::Query::lag`] said, or that it failed: called again and again, so that dead views show. The
    /// heartbeat of views that do not answer, or in which nobody ever said that it lives, is infinitely old.
    pub fn observe(&self, lag: Option<&Lag>) {
        let age = lag.and_then(|lag| lag.heartbeat_age_seconds).unwrap_or(f64::INFINITY);
        self.heartbeat_age_seconds.set(age);
        let Some(lag) = lag else { return };
        self.lag_records.set(i64::try_from(lag.records).unwrap_or(i64::MAX));
        self.lag_seconds.set(lag.seconds);
        self.parked.set(i64::try_from(lag.parked).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
impl Metrics {
    pub(crate) fn heartbeat_age(&self) -> f64 {
        self.heartbeat_age_seconds.get()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::unregistered()
    }
}
