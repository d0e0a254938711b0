//! A log that does not take what the workers decide.

use std::{sync::Arc, time::Duration};

use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use zholdary_domain::{StreamKind, appeal::Event};
use zholdary_log::{Retry, faults::Faulty};
use zholdary_routing::{Metrics, Parts, Workers};

use crate::{
    register::story,
    rig::{Rig, Told},
};

fn counted(registry: &Registry, name: &str) -> f64 {
    let families = registry.gather();
    let counted = families.iter().find(|family| family.name() == name).unwrap();
    counted.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
}

/// A start reads the whole log: a worker that cannot record now keeps what it has read, and asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_recorded_now_is_asked_for_again_in_place() {
    let rig = Rig::new().await;
    rig.hear(&story()).await;
    let (faulty, registry) = (Faulty::new(Arc::clone(&rig.log)), Registry::new());
    let metrics = Metrics::new(&registry).unwrap();
    let parts = Parts { log: Arc::clone(&faulty) as _, metrics, ..rig.parts() };
    let stop = CancellationToken::new();
    faulty.unavailable(30);
    let workers = Workers::start(&parts, &stop);
    let settled = async || {
        let clock = rig.clock();
        let settled = workers.settle(clock.as_ref(), || rig.log.head());
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap();
    };
    settled().await;
    assert!(faulty.appends() > 40, "thirty in vain, and those that were taken");
    let overdue = async || {
        let told = rig.records().await;
        let events = told.iter().filter(|r| r.stream.appeal().is_some()).flat_map(|r| r.events().unwrap());
        events.filter(|event| matches!(event, Event::Overdue { .. })).count()
    };
    assert_eq!(overdue().await, 0);
    let taken = faulty.appends();
    faulty.unavailable(30);
    rig.clock.set(zholdary_testkit::at("2027-03-01T00:00:00+05:00"));
    settled().await;
    assert!(faulty.appends() > taken + 30);
    assert!(overdue().await > 0);
    stop.cancel();
    workers.join().await.unwrap();
    Told::read(&rig.records().await).check();
    assert_eq!(counted(&registry, "zholdary_routing_restarts_total"), 0.0);
    assert!(counted(&registry, "zholdary_routing_retries_total") > 0.0, "somebody must see it");
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
            let rig = Rig::new().await;
            rig.hear(&story()).await;
            let (faulty, registry) = (Faulty::new(Arc::clone(&rig.log)), Registry::new());
            let metrics = Metrics::new(&registry).unwrap();
            let parts = Parts { log: Arc::clone(&faulty) as _, metrics, ..rig.parts() };
            let stop = CancellationToken::new();
            faulty.spoil_only(kind);
            lose(&faulty, tries);
            let workers = Workers::start(&parts, &stop);
            let clock = rig.clock();
            let settled = workers.settle(clock.as_ref(), || rig.log.head());
            tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settles").unwrap();
            stop.cancel();
            workers.join().await.unwrap();
            Told::read(&rig.records().await).check();
            let restarts = counted(&registry, "zholdary_routing_restarts_total");
            assert_eq!(restarts, 0.0, "{what} about {kind:?} lost");
        }
    }
}
