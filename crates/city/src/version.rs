//! The name of a rule set that every decision stores.

use serde::{Deserialize, Serialize};

/// Names one published rule set: `<meta.version>+<first 12 hexadecimal digits of the digest>`.
///
/// The digest is BLAKE3 of the canonical files ([`Files::digest`](crate::Files::digest)), so two folders with the
/// same bytes have the same version wherever they were packed, and an edited folder has another one even
/// when its author forgot to change `meta.version`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleSetVersion(String);

impl RuleSetVersion {
    pub(crate) fn new(version: &str, digest: &str) -> Self {
        Self(format!("{version}+{}", digest.get(..12).unwrap_or(digest)))
    }

    /// The version as it stands in events and answers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RuleSetVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
