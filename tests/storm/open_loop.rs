//! Deliveries at a constant rate, whether or not the ones before were answered.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{city::City, deliveries::Post};

/// How long each took, in milliseconds, from the instant at which it was to begin.
#[derive(Debug, Default)]
pub(crate) struct Waits(Vec<f64>);

impl Waits {
    pub(crate) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took.iter().map(|took| took.as_secs_f64() * 1_000.0).collect())
    }

    /// The wait below which the share `part` of them lies.
    pub(crate) fn at(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index among some thousands"
        )]
        let index = (self.0.len().saturating_sub(1) as f64 * part).ceil() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) waits: Waits,
    statuses: BTreeMap<u16, usize>,
    /// The latest that a delivery was sent after its instant: this machine's own lateness, which counts as the hook's.
    late: Duration,
}

impl Told {
    /// Answers by status; 0 is none.
    pub(crate) fn statuses(&self) -> String {
        let told = self.statuses.iter().map(|(status, times)| format!("{times} × {status}"));
        told.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn causes(&self) -> String {
        format!("{}; sent at most {} ms late", self.statuses(), self.late.as_millis())
    }
}

/// Has `posts` arrive evenly within `time`.
pub(crate) async fn run(city: &City, posts: &[Post], time: Duration) -> Told {
    let every = time / u32::try_from(posts.len()).expect("some thousands");
    let began = Instant::now();
    let mut asked = JoinSet::new();
    for (nth, post) in (0_u32..).zip(posts) {
        let planned = began + every * nth;
        let request = city.request(post);
        tokio::time::sleep_until(planned.into()).await;
        asked.spawn(async move {
            let late = planned.elapsed();
            let status = request.send().await.map_or(0, |answer| answer.status().as_u16());
            (planned.elapsed(), status, late)
        });
    }
    let (mut waits, mut statuses, mut latest) = (Vec::new(), BTreeMap::new(), Duration::ZERO);
    for (took, status, late) in asked.join_all().await {
        waits.push(took);
        *statuses.entry(status).or_default() += 1;
        latest = latest.max(late);
    }
    Told { waits: Waits::of(waits), statuses, late: latest }
}
