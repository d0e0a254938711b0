//! Whether a request is the platform's.

use subtle::ConstantTimeEq;

/// Why an update is not the platform's. Nothing of it may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no token: answer 401.
    #[error("the request has no X-Telegram-Bot-Api-Secret-Token")]
    Missing,
    /// The token is not ours: answer 403.
    #[error("X-Telegram-Bot-Api-Secret-Token is not ours: check the secret_token that the hook was set with")]
    Wrong,
}

/// Whether `header`, the `X-Telegram-Bot-Api-Secret-Token` of a request, is the `secret_token` that the hook was set with.
/// Compared in constant time.
///
/// # Errors
///
/// [`TokenError`]; with an empty secret every token is wrong.
pub fn verify(secret: &str, header: Option<&str>) -> Result<(), TokenError> {
    let sent = header.filter(|sent| !sent.is_empty()).ok_or(TokenError::Missing)?;
    let is_ours = !secret.is_empty() && bool::from(sent.as_bytes().ct_eq(secret.as_bytes()));
    if is_ours { Ok(()) } else { Err(TokenError::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_passes() {
        for (secret, header, expected) in [
            ("a-word", Some("a-word"), Ok(())),
            ("a-word", None, Err(TokenError::Missing)),
            ("a-word", Some(""), Err(TokenError::Missing)),
            ("a-word", Some("a-wor"), Err(TokenError::Wrong)),
            ("a-word", Some("A-word"), Err(TokenError::Wrong)),
            ("", Some("a-word"), Err(TokenError::Wrong)),
        ] {
            assert_eq!(verify(secret, header), expected, "{secret} {header:?}");
        }
    }
}
