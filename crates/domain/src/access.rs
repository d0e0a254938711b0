//! Facts of the stream `access.<token>`: who may do what.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the bearer of a token may do (the permission table stands in `http::permission`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The press centre: sees everything, decides, answers.
    Operator,
    /// A contractor, district or department: its own queue and its own appeals.
    Party,
    /// Reads figures and lists without personal data.
    Analyst,
    /// Another city system: files appeals and reads what is public.
    Partner,
    /// Keeps the installation: rules, tokens, lag.
    Admin,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 5] = [Self::Operator, Self::Party, Self::Analyst, Self::Partner, Self::Admin];

    /// The code of the role.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Party => "party",
            Self::Analyst => "analyst",
            Self::Partner => "partner",
            Self::Admin => "admin",
        }
    }
}

/// A fact about an access token. The secret itself is nowhere: only its digest is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A token was made.
    TokenCreated {
        /// Public name of the token: the first part of its text.
        token: String,
        /// SHA-256 of the token's secret, hexadecimal.
        digest: String,
        /// What its bearer may do.
        role: Role,
        /// The party whose bearer it is (role `party`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        party: Option<String>,
        /// When it stops to work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<DateTime<Utc>>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Public name of the token.
        token: String,
    },
}
