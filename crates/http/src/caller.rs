//! Who calls, and how much the permission table gives them of this endpoint.

use axum::{extract::FromRequestParts, http::request::Parts};
use zholdary_domain::{access::Role, appeal::Actor};
use zholdary_readmodel as readmodel;

use crate::{
    permission::{Level, Who},
    problem::{Code, Problem},
};

/// Who calls. The guard puts it into each request that it lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The column of the permission table.
    pub(crate) who: Who,
    /// What the table gives them of this endpoint.
    pub(crate) level: Level,
    /// Public name of the token.
    pub(crate) token: Option<String>,
    /// Code of the party whose bearer it is.
    pub(crate) party: Option<String>,
}

impl Caller {
    /// Who acts, as recorded.
    pub(crate) fn actor(&self) -> Result<Actor, Problem> {
        match (self.who, &self.party, &self.token) {
            (Who::Bearer(Role::Party), Some(code), _) => Ok(Actor::Party { code: code.clone() }),
            (Who::Bearer(Role::Operator), _, Some(token)) => Ok(Actor::Operator { token: token.clone() }),
            _ => Err(Problem::new(Code::Forbidden, "")),
        }
    }

    /// The party that this caller is confined to.
    pub(crate) fn own_party(&self) -> Result<Option<&str>, Problem> {
        match (self.level, self.party.as_deref()) {
            (Level::Own, Some(party)) => Ok(Some(party)),
            (Level::Own, None) => Err(Problem::new(Code::Forbidden, "this token names no party")),
            _ => Ok(None),
        }
    }

    /// How much of an appeal they see.
    pub(crate) fn sees(&self) -> readmodel::Level {
        match self.level {
            Level::Deny | Level::Public | Level::Plain => readmodel::Level::Public,
            Level::Own => readmodel::Level::Party,
            Level::Full => readmodel::Level::Operator,
        }
    }

    /// The account under which this caller's messages are filed.
    pub(crate) fn account(&self) -> &str {
        self.token.as_deref().unwrap_or("public")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without the guard nobody is let in.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Code::Forbidden, ""))
    }
}
