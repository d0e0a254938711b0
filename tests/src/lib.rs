//! What the tests of the whole system share: what a log tells. The tests stand in `system/`, `simulation/` and `browser/`, the samples
//! in `samples/`.

use std::path::Path;

use zholdary_domain::Position;
use zholdary_log::{EventLog, SqliteConfig, SqliteLog};
use zholdary_testkit::Told;

/// What stands in `log`.
///
/// # Panics
///
/// When it does not read, or holds what must not be.
pub async fn told_by(log: &dyn EventLog) -> Told {
    let (mut told, mut after) = (Told::default(), Position::START);
    loop {
        let page = log.read(after, 1000).await.expect("the log reads");
        let Some(last) = page.last() else { return told };
        after = last.position;
        for record in &page {
            told.note(&record.stream, record.position, record.events_json());
        }
    }
}

/// What stands in the log of a folder that no process has open.
///
/// # Panics
///
/// When it does not open, or does not read.
pub async fn told_in(data: &Path) -> Told {
    told_by(&SqliteLog::open(data, SqliteConfig::default()).expect("the log opens")).await
}
