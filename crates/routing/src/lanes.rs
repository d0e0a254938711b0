//! Order within a lane, many lanes at once.

use std::{collections::HashMap, future::Future, hash::Hash};

use futures::{StreamExt, TryStreamExt, stream};

/// Runs `work` for every item: one after another within a lane, up to `width` lanes at once. The first failure ends it;
/// items that were not begun stay undone.
///
/// # Errors
///
/// The first failure.
pub async fn run<K, I, E, W, F>(
    items: impl IntoIterator<Item = (K, I)>,
    width: usize,
    work: W,
) -> Result<(), E>
where
    K: Eq + Hash + Clone,
    W: Fn(I) -> F,
    F: Future<Output = Result<(), E>>,
{
    let mut order = Vec::new();
    let mut lanes: HashMap<K, Vec<I>> = HashMap::new();
    for (lane, item) in items {
        lanes
            .entry(lane.clone())
            .or_insert_with(|| {
                order.push(lane);
                Vec::new()
            })
            .push(item);
    }
    let work = &work;
    let lanes: Vec<_> = order.into_iter().filter_map(|lane| lanes.remove(&lane)).collect();
    stream::iter(lanes)
        .map(|lane| async move {
            for item in lane {
                work(item).await?;
            }
            Ok(())
        })
        .buffer_unordered(width.max(1))
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_lane_keeps_its_order_and_a_failure_ends_it() {
        let seen = Mutex::new(Vec::new());
        let items = (0..30).map(|n| (n % 3, n));
        let ran = run(items, 2, |n| {
            let seen = &seen;
            async move {
                tokio::task::yield_now().await;
                if n == 16 {
                    return Err(n);
                }
                seen.lock().unwrap().push(n);
                Ok(())
            }
        })
        .await;
        assert_eq!(ran, Err(16));
        let seen = seen.into_inner().unwrap();
        for lane in 0..3 {
            let lane: Vec<_> = seen.iter().filter(|n| **n % 3 == lane).collect();
            assert!(lane.is_sorted(), "{lane:?}");
        }
        assert!(!seen.contains(&19), "what stands behind a failure in its lane is not done");
    }
}
