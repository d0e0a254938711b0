//! Where a platform is.

use std::str::FromStr;

use reqwest::Url;
use serde::Deserialize;

use crate::address;

/// The address under which all calls to a platform begin: `https://graph.facebook.com`.
///
/// Always `https`, or `http` to this machine, a private address or a name without dots (a fake, a Bot API server of one's own
/// in the same net); never with credentials, a query or a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Base(Url);

impl Base {
    /// The address of what stands under these segments, each encoded by itself: what comes from outside leaves neither its
    /// segment nor the platform.
    pub(crate) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("http has paths").pop_if_empty().extend(segments);
        url
    }

    /// Whether an address is one of this place.
    pub(crate) fn holds(&self, url: &Url) -> bool {
        url.origin() == self.0.origin()
    }

    /// The host, as lists of hosts name it.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().expect("http has a host")
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Self, BaseError> {
        let url = Url::parse(text).map_err(|_| BaseError::NoUrl)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_bare {
            return Err(BaseError::NotBare);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_near(&url) => Ok(Self(url)),
            "http" => Err(BaseError::Readable),
            _ => Err(BaseError::NoUrl),
        }
    }
}

impl TryFrom<String> for Base {
    type Error = BaseError;

    fn try_from(text: String) -> Result<Self, BaseError> {
        text.parse()
    }
}

fn is_near(url: &Url) -> bool {
    match address::literal(url) {
        Some(ip) => !address::is_public(ip),
        None => url.host_str().is_some_and(|name| !name.trim_end_matches('.').contains('.')),
    }
}

/// What was given is no address that a platform may be asked at. Does not repeat it, since it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// No URL, or none of the web.
    #[error("the base of a platform is an https:// address")]
    NoUrl,
    /// It holds more than where the platform is.
    #[error("the base of a platform has no user, query or fragment")]
    NotBare,
    /// `http` over nets where others can read the token.
    #[error("http:// is for this machine and its private net: a token would be sent readable for all")]
    Readable,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, BaseError>) {
        let at = text.parse::<Base>().map(|base| base.at(["v26.0", "a/b", "..", "c d"]).to_string());
        assert_eq!(at, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn is_https_or_near_and_bare() {
        check("https://graph.facebook.com", Ok("https://graph.facebook.com/v26.0/a%2Fb/c%20d"));
        check("https://proxy.example/meta/", Ok("https://proxy.example/meta/v26.0/a%2Fb/c%20d"));
        check("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/v26.0/a%2Fb/c%20d"));
        check("http://bot-api:8081", Ok("http://bot-api:8081/v26.0/a%2Fb/c%20d"));
        check("http://[fd00::1]", Ok("http://[fd00::1]/v26.0/a%2Fb/c%20d"));
        check("http://graph.facebook.com", Err(BaseError::Readable));
        check("http://8.8.8.8", Err(BaseError::Readable));
        check("https://me:secret@graph.facebook.com", Err(BaseError::NotBare));
        check("https://graph.facebook.com?access_token=x", Err(BaseError::NotBare));
        check("ftp://graph.facebook.com", Err(BaseError::NoUrl));
        check("graph.facebook.com", Err(BaseError::NoUrl));
        check("mailto:a@b.example", Err(BaseError::NoUrl));
    }
}
