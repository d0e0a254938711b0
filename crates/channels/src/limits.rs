//! How much of a delivery is read, and for which accounts.

use std::collections::BTreeSet;

use serde::Deserialize;

/// How much of one delivery is read. What goes beyond stays in the raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest body that is parsed, in bytes; a larger one is kept for a person. Default 4 MiB.
    pub body_bytes: usize,
    /// The most elements of one body; a body with more is kept for a person. Default 5000.
    pub elements: usize,
    /// The deepest nesting of one element; a deeper one is kept for a person. Default 32, at most 120.
    pub depth: usize,
    /// The longest text of a message, in characters; the rest is cut off. Default 16384.
    pub text_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 4 << 20, elements: 5000, depth: 32, text_chars: 16_384 }
    }
}

impl Limits {
    /// The longest id of a platform that is taken, in bytes.
    pub(crate) const ID_BYTES: usize = 512;
    /// The longest name of a person or file, in characters.
    pub(crate) const NAME_CHARS: usize = 255;

    /// Whether `json` nests no deeper than allowed.
    pub(crate) fn allows_depth(&self, json: &str) -> bool {
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        for byte in json.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'[' | b'{' if !quoted => {
                    depth += 1;
                    // The parser below has a limit of its own at 128.
                    if depth > self.depth.min(120) {
                        return false;
                    }
                }
                b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        true
    }
}

/// Our own accounts on a channel. Events of others lead to nothing (channel rule R22).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Ids of our business accounts (WhatsApp: WABA; the others have none). Empty: every one is ours.
    pub businesses: BTreeSet<String>,
    /// Ids of our addresses (WhatsApp: `phone_number_id`; Instagram: the account; Facebook: the page). Empty: every one is ours.
    pub addresses: BTreeSet<String>,
}

impl Accounts {
    /// Every account is ours: for tests and for installations that have not said otherwise.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    pub(crate) fn has_business(&self, id: &str) -> bool {
        self.businesses.is_empty() || self.businesses.contains(id)
    }

    pub(crate) fn has_address(&self, id: &str) -> bool {
        self.addresses.is_empty() || self.addresses.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_text() {
        let limits = Limits { depth: 2, ..Limits::default() };
        for (json, allowed) in [
            (r#"{"a":[1]}"#, true),
            (r#"{"a":[[1]]}"#, false),
            (r#"{"a":"[[[["}"#, true),
            (r#"{"a":"\"[[["}"#, true),
            (r#"[1],[2],[3],[[4]]"#, true),
        ] {
            assert_eq!(limits.allows_depth(json), allowed, "{json}");
        }
    }
}
