//! The keys under which channels know people (channel rule R11).

use zholdary_domain::inbound::Channel;

use crate::limits::Limits;

/// A phone in E.164 from the bare digits that platforms send (`77000000101`), with or without a plus.
///
/// Without one an address book may have it as it is dialled in Kazakhstan, `87000000101` or `7000000101`: no country's numbers begin so
/// at that length. Anything else is no phone: least of all a user id such as `KZ.7300112233445501`.
pub(crate) fn phone_of_digits(digits: &str) -> Option<String> {
    let bare = digits.strip_prefix('+').unwrap_or(digits);
    let national = match digits.len() {
        10 => Some(digits),
        11 => digits.strip_prefix('8'),
        _ => None,
    };
    if let Some(national) = national.filter(|n| n.starts_with('7') && n.bytes().all(|b| b.is_ascii_digit())) {
        return Some(format!("+7{national}"));
    }
    let good =
        (7..=15).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit()) && !bare.starts_with('0');
    good.then(|| format!("+{bare}"))
}

/// A phone in E.164 from what people type in Kazakhstan: `8 (701) 123-45-67`, `+7 701…`, `7011234567`.
///
/// The trunk prefix 8 and the missing country code are +7; other countries need their plus.
#[must_use]
pub fn phone_as_typed(text: &str) -> Option<String> {
    let text = text.trim();
    let international = text.starts_with('+');
    if text.chars().any(|c| {
        !(c.is_ascii_digit() || matches!(c, '+' | ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '‑' | '–'))
    }) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match (international, digits.len(), digits.as_bytes().first()) {
        (true, ..) => phone_of_digits(&format!("+{digits}")),
        (false, 11, Some(b'7')) => Some(format!("+{digits}")),
        (false, 11, Some(b'8')) => Some(format!("+7{}", &digits[1..])),
        (false, 10, Some(b'6' | b'7')) => Some(format!("+7{digits}")),
        _ => None,
    }
}

/// A phone in E.164 from what an operator types, when such a number can exist: a slip of a digit would send the answer to nobody, or to
/// somebody else.
#[must_use]
pub fn phone_checked(text: &str) -> Option<String> {
    let phone = phone_as_typed(text)?;
    let parsed = phonenumber::parse(None, &phone).ok()?;
    phonenumber::is_valid(&parsed).then_some(phone)
}

/// The key of a contact that a person or a file names: a phone in E.164, a mail address in lower case, else the platform's
/// own id as it is. Nothing when it is empty or too long to be one.
#[must_use]
pub fn contact_key(channel: Channel, contact: &str) -> Option<String> {
    let contact = contact.trim();
    if contact.is_empty() || contact.len() > Limits::ID_BYTES || contact.chars().any(char::is_control) {
        return None;
    }
    let key = match channel {
        // Ids of these platforms are digits too.
        Channel::Instagram | Channel::Facebook | Channel::Telegram => None,
        Channel::Email => Some(contact.to_lowercase()),
        Channel::Whatsapp | Channel::Web | Channel::Open311 | Channel::Meeting | Channel::Phone => {
            phone_as_typed(contact).or_else(|| contact.contains('@').then(|| contact.to_lowercase()))
        }
    };
    Some(key.unwrap_or_else(|| contact.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_send_phones_as_digits_and_user_ids_are_none() {
        for (raw, expected) in [
            ("77000000101", Some("+77000000101")),
            ("+77000000101", Some("+77000000101")),
            ("491234567890", Some("+491234567890")),
            ("87000000101", Some("+77000000101")),
            ("7000000101", Some("+77000000101")),
            // Vietnam: the same length, and no trunk prefix.
            ("84912345678", Some("+84912345678")),
            ("+87000000101", Some("+87000000101")),
            ("+7000000101", Some("+7000000101")),
            ("7x00000101", None),
            ("KZ.7300112233445501", None),
            ("7300112233445501", None),
            ("REDACTED", None),
            ("077000", None),
            ("", None),
        ] {
            assert_eq!(phone_of_digits(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn people_type_phones_in_many_ways() {
        for (raw, expected) in [
            ("8 (701) 123-45-67", Some("+77011234567")),
            ("87011234567", Some("+77011234567")),
            ("7011234567", Some("+77011234567")),
            ("77011234567", Some("+77011234567")),
            ("+7 701 123 45 67", Some("+77011234567")),
            ("8 7172 551122", Some("+77172551122")),
            ("+49 123 4567890", Some("+491234567890")),
            ("123", None),
            ("KZ.7300112233445501", None),
        ] {
            assert_eq!(phone_as_typed(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn what_an_operator_types_is_a_number_that_can_exist() {
        for (raw, expected) in [
            ("7011234567", Some("+77011234567")),
            ("8 (701) 123-45-67", Some("+77011234567")),
            ("8 7172 551122", Some("+77172551122")),
            ("89161234567", Some("+79161234567")),
            ("+49 30 1234567", Some("+49301234567")),
            ("+7011234567", None),
            ("701123456", None),
            ("7991234567", None),
            ("позвонить сестре", None),
            ("", None),
        ] {
            assert_eq!(phone_checked(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn a_named_contact_gets_the_key_its_channel_uses() {
        for (channel, raw, expected) in [
            (Channel::Email, " Irina.Vlasova@Example.org ", Some("irina.vlasova@example.org")),
            (Channel::Telegram, "7011234567", Some("7011234567")),
            (Channel::Web, "8 701 123 45 67", Some("+77011234567")),
            (Channel::Whatsapp, "KZ.7300112233445501", Some("KZ.7300112233445501")),
            (Channel::Web, "Asel@Example.com", Some("asel@example.com")),
            (Channel::Web, " ", None),
        ] {
            assert_eq!(contact_key(channel, raw).as_deref(), expected, "{raw}");
        }
    }
}
