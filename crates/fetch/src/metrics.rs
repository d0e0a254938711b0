//! Files, in figures.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use zholdary_domain::{Missing, inbound::Channel};

/// What came of a file that is here.
const KEPT: &str = "kept";

/// Counters of files by channel and outcome.
#[derive(Debug, Clone)]
pub struct Metrics {
    files: IntCounterVec,
    troubles: IntCounterVec,
    words: IntCounter,
    waiting: IntGauge,
}

impl Metrics {
    /// Registers the counters, all at zero.
    ///
    /// # Errors
    ///
    /// When `registry` has them already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let files = IntCounterVec::new(
            Opts::new("zholdary_media_files_total", "What came of files of messages: kept, or why not."),
            &["channel", "outcome"],
        )?;
        let troubles = IntCounterVec::new(
            Opts::new("zholdary_media_troubles_total", "Tries to have a file or words that came to nothing."),
            &["channel"],
        )?;
        let words =
            IntCounter::new("zholdary_media_words_total", "Mentions of which the words were fetched.")?;
        let waiting = IntGauge::new("zholdary_media_waiting_files", "Files and words that are waited for.")?;
        for channel in Channel::ALL.map(Channel::code) {
            troubles.with_label_values(&[channel]).reset();
            for outcome in Missing::ALL.map(Missing::code).into_iter().chain([KEPT]) {
                files.with_label_values(&[channel, outcome]).reset();
            }
        }
        registry.register(Box::new(files.clone()))?;
        registry.register(Box::new(troubles.clone()))?;
        registry.register(Box::new(words.clone()))?;
        registry.register(Box::new(waiting.clone()))?;
        Ok(Self { files, troubles, words, waiting })
    }

    pub(crate) fn kept(&self, channel: Channel) {
        self.files.with_label_values(&[channel.code(), KEPT]).inc();
    }

    pub(crate) fn missing(&self, channel: Channel, why: Missing) {
        self.files.with_label_values(&[channel.code(), why.code()]).inc();
    }

    pub(crate) fn trouble(&self, channel: Channel) {
        self.troubles.with_label_values(&[channel.code()]).inc();
    }

    pub(crate) fn words(&self) {
        self.words.inc();
    }

    #[expect(clippy::cast_possible_wrap, reason = "no memory holds 2^63 files")]
    pub(crate) fn waiting(&self, files: usize) {
        self.waiting.set(files as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_starts_at_zero() {
        let registry = Registry::new();
        Metrics::new(&registry).unwrap();
        let files = registry.gather().into_iter().find(|f| f.name() == "zholdary_media_files_total");
        assert_eq!(files.unwrap().get_metric().len(), Channel::ALL.len() * (Missing::ALL.len() + 1));
        assert!(Metrics::new(&registry).is_err());
    }
}
