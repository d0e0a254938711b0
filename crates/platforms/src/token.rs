//! The secrets that open a platform.

use std::fmt;

/// What a platform knows us by. It prints as `…`, and no error of this crate holds it.
///
/// Visible ASCII, at least one character: it stands in a header or, Telegram's, in a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token as files have it: white space around it is none of it.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] when nothing is left, or when it holds what no token of a platform does.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned())).ok_or(TokenError)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        Self::new(&text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What was given is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is one word of visible ASCII characters")]
pub struct TokenError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_visible_word() {
        let check = |text: &str, token: Option<&str>| {
            assert_eq!(Token::new(text).ok().as_ref().map(Token::reveal), token, "{text:?}");
        };
        check("123:AAF-x_y\n", Some("123:AAF-x_y"));
        check("", None);
        check(" \n", None);
        check("two words", None);
        check("two\nlines", None);
        check("токен", None);
    }

    #[test]
    fn prints_as_an_ellipsis() {
        assert_eq!(format!("{:?}", Token::new("secret").unwrap()), "…");
    }
}
