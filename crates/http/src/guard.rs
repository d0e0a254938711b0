//! The one gate: every request passes the permission table before a handler sees it.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    app::{App, Shared},
    caller::Caller,
    permission::{self, Found, Level, Who},
    problem::{Code, Problem},
    token::Token,
};

/// Names the caller, asks the table, and lets the request through or not.
pub(crate) async fn guard(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        // Nothing is there: the fallback says so, and there is nothing to guard.
        return next.run(request).await;
    };
    match admitted(&app, request.method(), request.headers(), path.as_str()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admitted(app: &App, method: &Method, headers: &HeaderMap, path: &str) -> Result<Caller, Problem> {
    let bearer = bearer(app, headers).await?;
    let (who, token, party) = match bearer {
        None => (Who::Anonymous, None, None),
        Some(token) => (Who::Bearer(token.role), Some(token.name), token.party),
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

/// The token of the request, when it has one and it is good. Without one the caller is anonymous; with a bad one nobody.
async fn bearer(app: &App, headers: &HeaderMap) -> Result<Option<zholdary_readmodel::Token>, Problem> {
    const BAD: fn() -> Problem = || Problem::new(Code::BadToken, "");
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let (scheme, text) = value.to_str().ok().and_then(|v| v.trim().split_once(' ')).ok_or_else(BAD)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BAD());
    }
    let sent: Token = text.trim().parse().map_err(|_| BAD())?;
    let known = app.query.token(&sent.name).await?.body;
    // An unknown name is compared too, so that it takes as long as a wrong secret.
    let digest = known.as_ref().map_or("", |token| token.digest.as_str());
    let right = sent.has_digest(digest);
    match known {
        Some(token) if right && token.works_at(app.clock.now()) => Ok(Some(token)),
        _ => Err(BAD()),
    }
}
