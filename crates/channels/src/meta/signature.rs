//! Whether a request is the platform's (channel rule R1).

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Why a body is not the platform's. Nothing of it may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature: answer 401.
    #[error("the request has no X-Hub-Signature-256")]
    Missing,
    /// The signature is not ours: answer 403. Most often the app secret is wrong, or something re-wrote the body.
    #[error(
        "X-Hub-Signature-256 does not fit the body: check the app secret, and that nothing rewrites bodies on the way"
    )]
    Wrong,
}

/// Whether `header`, the `X-Hub-Signature-256` of a request, is `sha256=` and the lower-case hexadecimal HMAC-SHA256 of the
/// raw body under the app's secret. Compared in constant time.
///
/// # Errors
///
/// [`SignatureError`]; with an empty secret every signature is wrong.
pub fn verify(app_secret: &str, raw: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
    let header = header.map(str::trim).filter(|header| !header.is_empty()).ok_or(SignatureError::Missing)?;
    let digits = header.strip_prefix("sha256=").ok_or(SignatureError::Wrong)?;
    let mut claimed = [0; 32];
    if app_secret.is_empty()
        || digits.bytes().any(|b| b.is_ascii_uppercase())
        || hex::decode_to_slice(digits, &mut claimed).is_err()
    {
        return Err(SignatureError::Wrong);
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(raw);
    mac.verify_slice(&claimed).map_err(|_| SignatureError::Wrong)
}

/// What to answer, as plain text with 200, to the GET that sets the hook up; nothing: answer 403.
///
/// `query` is the raw query of the request: `hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`.
#[must_use]
pub fn challenge(query: &str, verify_token: &str) -> Option<String> {
    let value = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (decoded(key)? == name).then(|| decoded(value)).flatten())
    };
    let token = value("hub.verify_token")?;
    let right = !verify_token.is_empty() && bool::from(token.as_bytes().ct_eq(verify_token.as_bytes()));
    let answer = value("hub.challenge").filter(|answer| (1..=1024).contains(&answer.len()))?;
    (right && value("hub.mode")? == "subscribe").then_some(answer)
}

fn decoded(part: &str) -> Option<String> {
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use zholdary_testkit::{samples, sign};

    use super::*;

    #[test]
    fn only_the_platforms_own_bytes_pass() {
        let body = samples::whatsapp("01");
        let good = samples::signature("01_text_pothole_ru.json");
        let check = |secret: &str, body: &[u8], header: Option<&str>, expected| {
            assert_eq!(verify(secret, body, header), expected, "{header:?}");
        };
        let secret = samples::APP_SECRET;
        let wrong = Err(SignatureError::Wrong);
        check(secret, body, Some(&good), Ok(()));
        check(secret, body, None, Err(SignatureError::Missing));
        check(secret, body, Some(""), Err(SignatureError::Missing));
        check(secret, &body[..body.len() - 1], Some(&good), wrong);
        check("another", body, Some(&good), wrong);
        check("", body, Some(&sign("", body)), wrong);
        check(secret, body, Some(&good.to_uppercase()), wrong);
        check(secret, body, Some(&good.to_uppercase().replace("SHA256", "sha256")), wrong);
        check(secret, body, Some(&good.replace("sha256=", "sha1=")), wrong);
        check(secret, body, Some(&good[..good.len() - 2]), wrong);
        check(secret, body, Some("sha256="), wrong);
        check(secret, body, Some("sha256=яяяя"), wrong);
    }

    #[test]
    fn every_sample_passes_under_its_signature() {
        for name in samples::whatsapp_names().filter(|name| name.ends_with(".json")) {
            let header = samples::signature(name);
            assert_eq!(verify(samples::APP_SECRET, samples::whatsapp(name), Some(&header)), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_challenge_is_answered_to_who_knows_the_token() {
        for (query, expected) in [
            ("hub.mode=subscribe&hub.verify_token=t%20%D1%8F&hub.challenge=115", Some("115")),
            ("hub.challenge=115&hub.verify_token=t+%D1%8F&hub.mode=subscribe", Some("115")),
            ("hub%2Emode=subscribe&hub%2Everify_token=t+%D1%8F&hub%2Echallenge=1", Some("1")),
            ("hub.mode=subscribe&hub.verify_token=other&hub.challenge=115", None),
            ("hub.mode=unsubscribe&hub.verify_token=t+%D1%8F&hub.challenge=115", None),
            ("hub.mode=subscribe&hub.verify_token=t+%D1%8F", None),
            ("hub.mode=subscribe&hub.challenge=115", None),
            ("", None),
        ] {
            assert_eq!(challenge(query, "t я").as_deref(), expected, "{query}");
        }
        assert_eq!(challenge("hub.mode=subscribe&hub.verify_token=&hub.challenge=1", ""), None);
    }
}
