//! A log that does not take what the workers decide.

use std::{sync::Arc, time::Duration};

use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use zholdary_domain::{StreamKind, appeal::Event};
use zholdary_log::{Retry, faults::Faulty};
use zholdary_routing::{Metrics, Parts, Workers};

use crate::{
    register::story,
    rig::{Rig, told_by},
};

/// Workers over a log that fails, with the story to be told.
struct Trial {
    rig: Rig,
    faulty: Arc<Faulty>,
    registry: Registry,
    workers: Workers,
    stop: CancellationToken,
}

impl Trial {
    async fn begin(spoil: impl FnOnce(&Faulty)) -> Self {
        let rig = Rig::new().await;
        rig.hear(&story()).await;
        let (faulty, registry) = (Faulty::new(Arc::clone(&rig.log)), Registry::new());
        spoil(&faulty);
        let metrics = Metrics::new(&registry).unwrap();
        let parts = Parts { log: Arc::clone(&faulty) as _, metrics, ..rig.parts() };
        let stop = CancellationToken::new();
        let workers = Workers::start(&parts, &stop);
        Self { rig, faulty, registry, workers, stop }
    }

    async fn settle(&self) {
        let clock = self.rig.clock();
        let settled = self.workers.settle(clock.as_ref(), || self.rig.log.head());
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap();
    }

    async fn overdue(&self) -> usize {
        let told = self.rig.records().await;
        let events = told.iter().filter(|r| r.stream.appeal().is_some()).flat_map(|r| r.events().unwrap());
        events.filter(|event| matches!(event, Event::Overdue { .. })).count()
    }

    /// Nobody read the log anew. Answers how often somebody asked again.
    async fn end(self, what: &str) -> f64 {
        self.stop.cancel();
        self.workers.join().await.unwrap();
        told_by(&self.rig.records().await).check_placed();
        assert_eq!(counted(&self.registry, "zholdary_routing_restarts_total"), 0.0, "{what}");
        counted(&self.registry, "zholdary_routing_retries_total")
    }
}

fn counted(registry: &Registry, name: &str) -> f64 {
    let families = registry.gather();
    let counted = families.iter().find(|family| family.name() == name).unwrap();
    counted.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
}

/// A start reads the whole log: a worker that cannot record now keeps what it has read, and asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_recorded_now_is_asked_for_again_in_place() {
    let trial = Trial::begin(|log| log.unavailable(30)).await;
    trial.settle().await;
    assert!(trial.faulty.appends() > 40, "thirty in vain, and those that were taken");
    assert_eq!(trial.overdue().await, 0);
    let taken = trial.faulty.appends();
    trial.faulty.unavailable(30);
    trial.rig.clock.set(zholdary_testkit::at("2027-03-01T00:00:00+05:00"));
    trial.settle().await;
    assert!(trial.faulty.appends() > taken + 30);
    assert!(trial.overdue().await > 0);
    assert!(trial.end("out of reach").await > 0.0, "somebody must see it");
}

/// Whether they are written or not: a worker that hears of no answer asks again, and recognises what is its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_unheard_is_recognised_in_place() {
    // As many answers as one decision is tried, or requests: the next try finds what stands there, or nothing.
    let tries = Retry::default().max_attempts;
    type Lose = fn(&Faulty, u32);
    let ways: [(&str, Lose); 2] = [("answers", Faulty::lose_answers), ("requests", Faulty::lose_requests)];
    for kind in [StreamKind::Message, StreamKind::Number, StreamKind::Appeal] {
        for (what, lose) in ways {
            let trial = Trial::begin(|log| {
                log.spoil_only(kind);
                lose(log, tries);
            })
            .await;
            trial.settle().await;
            trial.end(&format!("{what} about {kind:?} lost")).await;
        }
    }
}

/// Whoever says that a process is ready waits for it: until its workers know the log, what is written waits for a number.
#[tokio::test]
async fn the_log_is_read_before_it_is_said_to_be() {
    let rig = Rig::new().await;
    rig.hear(&story()).await;
    let head = rig.log.head().await.unwrap();
    let stop = CancellationToken::new();
    let workers = rig.workers(&stop);
    let mut has_read = std::pin::pin!(workers.read_up_to(head));
    // One thread: nobody else has run yet.
    assert!(futures::poll!(has_read.as_mut()).is_pending(), "nothing is read");
    tokio::time::timeout(Duration::from_secs(60), has_read).await.expect("it is read");
    for (worker, progress) in
        [("register", &workers.register), ("route", &workers.route), ("deadlines", &workers.deadlines)]
    {
        assert!(progress.read() >= head, "{worker} has read up to {}", progress.read());
    }
    stop.cancel();
    workers.join().await.unwrap();
}
