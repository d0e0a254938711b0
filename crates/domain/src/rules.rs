//! Facts of the stream `rules.<city>`: the rule sets in force.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fact about a city's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A rule set came into force, whole.
    Published {
        /// Code of the city.
        city: String,
        /// Version of the rule set: its own name and the digest of its files.
        version: String,
        /// The city's folder, packed and in Base64.
        pack: String,
        /// Who published it.
        by: String,
    },
}
