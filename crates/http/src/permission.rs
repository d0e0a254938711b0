//! Who may call what: one table, denied by default.
//!
//! A route without a line is answered with 403 before its handler runs; a test walks the OpenAPI document and the other
//! routes, and fails when a line is missing.

use axum::http::Method;
use zholdary_domain::access::Role;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Nobody we know: no token.
    Anonymous,
    /// The bearer of a token with this role.
    Bearer(Role),
    /// Whoever collects the metrics, by the secret of the settings: it works where there are no views that know tokens.
    Scraper,
}

impl Who {
    /// Everybody there is.
    pub const ALL: [Self; 7] = [
        Self::Anonymous,
        Self::Bearer(Role::Operator),
        Self::Bearer(Role::Party),
        Self::Bearer(Role::Analyst),
        Self::Bearer(Role::Partner),
        Self::Bearer(Role::Admin),
        Self::Scraper,
    ];

    const fn column(self) -> usize {
        match self {
            Self::Anonymous => 0,
            Self::Bearer(Role::Operator) => 1,
            Self::Bearer(Role::Party) => 2,
            Self::Bearer(Role::Analyst) => 3,
            Self::Bearer(Role::Partner) => 4,
            Self::Bearer(Role::Admin) => 5,
            Self::Scraper => 6,
        }
    }

    /// The code, for log lines and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Bearer(role) => role.code(),
            Self::Scraper => "scraper",
        }
    }
}

/// How much of an endpoint somebody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Deny,
    /// What everybody may know.
    Public,
    /// Everything but personal data.
    Plain,
    /// What belongs to the bearer's own party, without the resident's name and address.
    Own,
    /// Everything.
    Full,
}

/// One endpoint, by method and path template, and what each caller gets of it.
#[derive(Debug)]
pub struct Line {
    /// The method. `HEAD` goes by the line of `GET`.
    pub method: Method,
    /// The path template, as the router knows it.
    pub path: &'static str,
    levels: [Level; 7],
}

impl Line {
    /// What `who` gets.
    #[must_use]
    pub const fn level(&self, who: Who) -> Level {
        self.levels[who.column()]
    }
}

const fn line(method: Method, path: &'static str, levels: [Level; 7]) -> Line {
    Line { method, path, levels }
}

use Level::{Deny as No, Full, Own, Plain, Public};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// For everybody alike.
const ALL: [Level; 7] = [Public; 7];
/// Decisions of the press centre.
const DESK: [Level; 7] = [No, Full, No, No, No, No, No];
/// Steps of the work: the press centre, and the party whose task it is.
const WORK: [Level; 7] = [No, Full, Own, No, No, No, No];

/// The one table of who may call what.
///
/// Columns: anonymous, operator, party, analyst, partner, admin, scraper.
pub const TABLE: &[Line] = &[
    line(GET, "/", ALL),
    line(POST, "/", ALL),
    line(GET, "/appeals", ALL),
    line(GET, "/appeals/{number}", ALL),
    line(GET, "/closures", ALL),
    line(GET, "/about", ALL),
    // The link itself is the proof: a party was written it, and nobody else can make one.
    line(GET, "/task/{token}", ALL),
    line(POST, "/task/{token}", ALL),
    line(GET, "/task/{token}/photos/{file}", ALL),
    // An operator's token is a field of the form: a page sends no header.
    line(GET, "/desk/write", ALL),
    line(POST, "/desk/write", ALL),
    line(GET, "/assets/{file}", ALL),
    line(GET, "/livez", ALL),
    line(GET, "/readyz", ALL),
    line(GET, "/metrics", [No, Full, No, No, No, Full, Full]),
    // The vendor has no token: its signature over the raw bytes is the proof.
    line(GET, "/hooks/whatsapp", ALL),
    line(POST, "/hooks/whatsapp", ALL),
    line(GET, "/hooks/instagram", ALL),
    line(POST, "/hooks/instagram", ALL),
    line(GET, "/hooks/facebook", ALL),
    line(POST, "/hooks/facebook", ALL),
    line(POST, "/hooks/telegram", ALL),
    line(GET, "/api/v1/openapi.json", ALL),
    line(GET, "/api/v1/report", ALL),
    line(GET, "/api/v1/messages", DESK),
    line(GET, "/api/v1/messages/{message}", ALL),
    line(POST, "/api/v1/appeals", [Public, Full, Public, No, Public, No, No]),
    // What was said at a meeting, as an operator wrote it down.
    line(POST, "/api/v1/meetings", DESK),
    // As filing itself.
    line(POST, "/api/v1/files", [Public, Full, Public, No, Public, No, No]),
    line(GET, "/api/v1/files/{file}", WORK),
    line(GET, "/api/v1/appeals", [No, Full, Own, Plain, No, Plain, No]),
    line(GET, "/api/v1/appeals/{appeal}", [Public, Full, Own, Plain, Public, Plain, No]),
    line(GET, "/api/v1/counters", [No, Full, No, Plain, Public, Plain, No]),
    line(GET, "/api/v1/queues/{party}", [No, Full, Own, Plain, No, No, No]),
    line(GET, "/api/v1/changes", [No, Full, Own, Plain, Public, Plain, No]),
    line(GET, "/api/v1/lag", [No, Full, No, Plain, No, Full, No]),
    line(POST, "/api/v1/appeals/{appeal}/accept", WORK),
    line(POST, "/api/v1/appeals/{appeal}/refuse", WORK),
    line(POST, "/api/v1/appeals/{appeal}/start", WORK),
    line(POST, "/api/v1/appeals/{appeal}/done", WORK),
    line(POST, "/api/v1/appeals/{appeal}/note", WORK),
    line(POST, "/api/v1/appeals/{appeal}/correct", DESK),
    line(POST, "/api/v1/appeals/{appeal}/answer", DESK),
    line(POST, "/api/v1/appeals/{appeal}/rate", DESK),
    line(POST, "/api/v1/appeals/{appeal}/reopen", DESK),
    line(POST, "/api/v1/appeals/{appeal}/split", DESK),
    line(POST, "/api/v1/appeals/{appeal}/join", DESK),
    line(POST, "/api/v1/appeals/{appeal}/redirect", DESK),
    line(POST, "/api/v1/appeals/{appeal}/extend", DESK),
    line(POST, "/api/v1/appeals/{appeal}/escalate", DESK),
    line(POST, "/api/v1/appeals/{appeal}/official", DESK),
    line(POST, "/api/v1/appeals/{appeal}/close", DESK),
    line(POST, "/api/v1/appeals/{appeal}/not-consider", DESK),
    line(POST, "/api/v1/appeals/{appeal}/place", DESK),
];

/// What the table says of a method on a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// There is a line, and the caller gets this.
    Level(Level),
    /// The path has lines, but none for this method.
    OtherMethod,
    /// The path has no line at all.
    NoLine,
}

/// Asks the table.
#[must_use]
pub fn find(method: &Method, path: &str, who: Who) -> Found {
    let method = if method == Method::HEAD { &GET } else { method };
    let mut of_path = TABLE.iter().filter(|l| l.path == path).peekable();
    if of_path.peek().is_none() {
        return Found::NoLine;
    }
    of_path.find(|l| l.method == method).map_or(Found::OtherMethod, |l| Found::Level(l.level(who)))
}

/// The methods that a path template takes, for the header `Allow`.
pub(crate) fn allowed(path: &str) -> String {
    let mut methods: Vec<&str> = TABLE.iter().filter(|l| l.path == path).map(|l| l.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_endpoint_has_one_line() {
        let lines: BTreeSet<_> = TABLE.iter().map(|l| (l.method.as_str(), l.path)).collect();
        assert_eq!(lines.len(), TABLE.len());
    }

    #[test]
    fn what_is_not_in_the_table_is_denied() {
        let operator = Who::Bearer(Role::Operator);
        assert_eq!(find(&Method::GET, "/api/v1/secrets", operator), Found::NoLine);
        assert_eq!(find(&Method::DELETE, "/api/v1/appeals", operator), Found::OtherMethod);
        assert_eq!(find(&Method::HEAD, "/api/v1/appeals", operator), Found::Level(Level::Full));
        assert_eq!(find(&Method::GET, "/api/v1/appeals", Who::Anonymous), Found::Level(Level::Deny));
    }
}
