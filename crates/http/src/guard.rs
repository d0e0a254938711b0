//! The one gate: every request passes the permission table before a handler sees it.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use zholdary_domain::Clock;
use zholdary_readmodel::Query;

use crate::{
    caller::Caller,
    config::Secret,
    permission::{self, Found, Level, Who},
    problem::{Code, Problem},
    token,
};

/// What the gate asks.
#[derive(Clone)]
pub(crate) struct Gate {
    /// What knows tokens. None where there are no views: there nobody bears one.
    pub(crate) tokens: Option<Query>,
    /// The secret of whoever collects the metrics.
    pub(crate) scraper: Option<Secret>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Who bears a token.
#[derive(Debug)]
enum Bearer {
    Token(zholdary_readmodel::Token),
    Scraper,
}

/// Names the caller, asks the table, and lets the request through or not.
pub(crate) async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        // Nothing is there: the fallback says so, and there is nothing to guard.
        return next.run(request).await;
    };
    match gate.admitted(request.method(), request.headers(), path.as_str()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    async fn admitted(&self, method: &Method, headers: &HeaderMap, path: &str) -> Result<Caller, Problem> {
        judged(method, path, self.bearer(headers).await?)
    }

    /// The token of the request, when it has one and it is good. Without one the caller is anonymous; with a bad one nobody.
    async fn bearer(&self, headers: &HeaderMap) -> Result<Option<Bearer>, Problem> {
        const BAD: fn() -> Problem = || Problem::new(Code::BadToken, "");
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let (scheme, text) = value.to_str().ok().and_then(|v| v.trim().split_once(' ')).ok_or_else(BAD)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(BAD());
        }
        if self.scraper.as_ref().is_some_and(|secret| secret.is(text.trim())) {
            return Ok(Some(Bearer::Scraper));
        }
        let tokens = self.tokens.as_ref().ok_or_else(BAD)?;
        let known = token::good(tokens, text, self.clock.now()).await?;
        known.map(|token| Some(Bearer::Token(token))).ok_or_else(BAD)
    }
}

/// What the table says of this caller here. Whatever it does not name is refused.
fn judged(method: &Method, path: &str, bearer: Option<Bearer>) -> Result<Caller, Problem> {
    let (who, token, party) = match bearer {
        None => (Who::Anonymous, None, None),
        Some(Bearer::Scraper) => (Who::Scraper, None, None),
        Some(Bearer::Token(token)) => (Who::Bearer(token.role), Some(token.name), token.party),
    };
    match permission::find(method, path, who) {
        Found::Level(Level::Deny) if who == Who::Anonymous => Err(Problem::new(Code::TokenNeeded, "")),
        Found::Level(Level::Deny) => Err(Problem::new(Code::Forbidden, "")),
        Found::Level(level) => Ok(Caller { who, level, token, party }),
        Found::OtherMethod => {
            let allow = permission::allowed(path);
            let allow = HeaderValue::from_str(&allow).unwrap_or(HeaderValue::from_static("GET"));
            Err(Problem::new(Code::MethodNotAllowed, "").header(header::ALLOW, allow))
        }
        Found::NoLine => {
            tracing::error!(http.path = path, "refused {path}: the permission table has no line for it");
            Err(Problem::new(Code::Forbidden, ""))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use zholdary_domain::access::Role;

    use super::*;

    fn operator() -> Bearer {
        Bearer::Token(zholdary_readmodel::Token {
            name: "a".into(),
            digest: String::new(),
            role: Role::Operator,
            party: None,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            revoked_at: None,
        })
    }

    fn check(method: &Method, path: &str, token: Option<Bearer>, expected: Result<Level, Code>) {
        let judged = judged(method, path, token).map(|caller| caller.level).map_err(|problem| problem.code());
        assert_eq!(judged, expected, "{method} {path}");
    }

    #[test]
    fn a_route_without_a_line_is_refused_to_everybody() {
        check(&Method::GET, "/api/v1/secrets", Some(operator()), Err(Code::Forbidden));
        check(&Method::GET, "/api/v1/secrets", None, Err(Code::Forbidden));
        check(&Method::DELETE, "/api/v1/appeals", Some(operator()), Err(Code::MethodNotAllowed));
        check(&Method::GET, "/api/v1/appeals", Some(operator()), Ok(Level::Full));
        check(&Method::GET, "/api/v1/appeals", None, Err(Code::TokenNeeded));
        check(&Method::GET, "/metrics", Some(Bearer::Scraper), Ok(Level::Full));
        check(&Method::GET, "/api/v1/appeals", Some(Bearer::Scraper), Err(Code::Forbidden));
    }
}
