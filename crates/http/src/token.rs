//! The text of an access token: `zh_<name>_<secret>`.
//!
//! The name is public, the secret is known to its bearer alone: only its SHA-256 is recorded.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use zholdary_domain::access::Role;
use zholdary_readmodel::{self as readmodel, Query};

use crate::{config::Secret, problem::Problem};

/// Bytes of chance in a token.
pub const RANDOM_BYTES: usize = 40;
/// Of them, those that make its name.
const NAME_BYTES: usize = 8;

/// A token that was just made. Its text is shown once and kept nowhere.
#[derive(Debug)]
pub struct NewToken {
    /// Its public name: also the id of its stream `access.<name>`.
    pub name: String,
    /// Its text, for the bearer.
    pub text: Secret,
    /// SHA-256 of its secret, hexadecimal, as recorded.
    pub digest: String,
}

/// Makes a token of `random`, which the caller takes from the system's source of chance.
#[must_use]
pub fn new_token(random: [u8; RANDOM_BYTES]) -> NewToken {
    let name = hex::encode(&random[..NAME_BYTES]);
    let secret = hex::encode(&random[NAME_BYTES..]);
    NewToken { digest: digest(&secret), text: Secret::new(format!("zh_{name}_{secret}")), name }
}

/// SHA-256 of a secret, hexadecimal.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A token as somebody sent it.
pub(crate) struct Token {
    pub(crate) name: String,
    secret: String,
}

impl Token {
    /// Whether its secret is the one with this digest. Takes the same time whatever the answer.
    pub(crate) fn has_digest(&self, expected: &str) -> bool {
        digest(&self.secret).as_bytes().ct_eq(expected.as_bytes()).into()
    }
}

/// The token with this text, when there is one and it works at `now`.
pub(crate) async fn good(
    tokens: &Query,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Option<readmodel::Token>, Problem> {
    let Ok(sent) = text.trim().parse::<Token>() else { return Ok(None) };
    let known = tokens.token(&sent.name).await?.body;
    // An unknown name is compared too, so that it takes as long as a wrong secret.
    let digest = known.as_ref().map_or("", |token| token.digest.as_str());
    let right = sent.has_digest(digest);
    Ok(known.filter(|token| right && token.works_at(now)))
}

/// The name of an operator's token with this text, when it works at `now`.
pub(crate) async fn operator(
    tokens: &Query,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, Problem> {
    let known = good(tokens, text, now).await?;
    Ok(known.filter(|token| token.role == Role::Operator).map(|token| token.name))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.name)
    }
}

/// Text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoToken;

impl FromStr for Token {
    type Err = NoToken;

    fn from_str(s: &str) -> Result<Self, NoToken> {
        let (name, secret) = s.strip_prefix("zh_").and_then(|s| s.split_once('_')).ok_or(NoToken)?;
        let name_is_good = (1..=64).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let secret_is_good =
            (16..=128).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_alphanumeric());
        if !name_is_good || !secret_is_good {
            return Err(NoToken);
        }
        Ok(Self { name: name.to_owned(), secret: secret.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_recognised_by_its_digest() {
        let mut random = [0; RANDOM_BYTES];
        random.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n);
        let new = new_token(random);
        let sent: Token = new.text.reveal().parse().unwrap();
        assert_eq!(sent.name, new.name);
        assert!(sent.has_digest(&new.digest));
        assert!(!sent.has_digest(&digest("another")));
        assert!(!sent.has_digest(""));
        assert!(!format!("{new:?} {sent:?}").contains(&new.text.reveal()[20..]));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in [
            "",
            "zh_",
            "zh_a",
            "zh_a_",
            "zh_A_0123456789abcdef",
            "xx_a_0123456789abcdef",
            "zh_a_0123 56789abcdef",
        ] {
            assert_eq!(text.parse::<Token>().err(), Some(NoToken), "{text}");
        }
    }
}
