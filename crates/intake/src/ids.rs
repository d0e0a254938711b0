//! The ids of messages and contacts, from what channels call them.

use zholdary_domain::{
    ContactId, IdKey, MessageId,
    inbound::{Channel, MessageRef},
};

/// The id of a message by its name on its channel.
///
/// Instagram leaves out the account: two kinds of login deliver the same message under two accounts (channel rule R2). So does mail
/// under an id that is the world's own (RFC 5322, 3.6.4): a letter to two of our addresses is one letter.
#[must_use]
pub fn message_id(key: &IdKey, name: &MessageRef) -> MessageId {
    named(key, name.channel, &name.account, name.external_id.reveal())
}

/// The id of the message `external_id` of `channel` at our `account`.
pub(crate) fn named(key: &IdKey, channel: Channel, account: &str, external_id: &str) -> MessageId {
    let of_the_world = match channel {
        Channel::Instagram => true,
        Channel::Email => is_of_the_world(external_id),
        _ => false,
    };
    key.message(channel.code(), if of_the_world { "" } else { account }, external_id)
}

/// Whether a letter is called what no other is called, at any address: by a `Message-ID` with a domain, or by the hash of its
/// bytes. A line of a file may call its letters 1, 2, 3.
fn is_of_the_world(external_id: &str) -> bool {
    if let Some(hash) = external_id.strip_prefix("blake3:") {
        return hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let bare = external_id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    bare.and_then(|id| id.rsplit_once('@')).is_some_and(|(own, domain)| !own.is_empty() && !domain.is_empty())
}

/// The id of the contact that `channel` knows under `contact_key` (see [`zholdary_channels::contact_key`]).
#[must_use]
pub fn contact_id(key: &IdKey, channel: Channel, contact_key: &str) -> ContactId {
    key.contact(channel.code(), contact_key)
}

/// The contact of a message whose sender nobody knows: the message itself.
pub(crate) fn nobody(key: &IdKey, channel: Channel, message: MessageId) -> ContactId {
    key.contact(channel.code(), &format!("message {message}"))
}

#[cfg(test)]
mod tests {
    use zholdary_testkit::id_key;

    use super::*;

    #[test]
    fn a_message_is_one_under_every_account_that_its_platform_knows_it_by() {
        let name = |channel, account: &str| MessageRef {
            channel,
            account: account.to_owned(),
            external_id: "m1".to_owned().into(),
        };
        let id = |channel, account| message_id(&id_key(), &name(channel, account));
        assert_eq!(id(Channel::Instagram, "1"), id(Channel::Instagram, "2"));
        assert_ne!(id(Channel::Whatsapp, "1"), id(Channel::Whatsapp, "2"));
        assert_ne!(id(Channel::Whatsapp, ""), id(Channel::Instagram, ""));
    }

    #[test]
    fn a_letter_is_one_at_every_address_and_what_only_its_account_names_is_not() {
        let check = |external_id: &str, one: bool| {
            let id = |account| named(&id_key(), Channel::Email, account, external_id);
            assert_eq!(id("a@b") == id("c@b"), one, "{external_id}");
        };
        check("<m1@b.kz>", true);
        check(&format!("blake3:{}", "0a".repeat(32)), true);
        // No name of the world's: a line of a file, a `Message-ID` without a domain.
        for own in ["1", "m1", "m1@b.kz", "<m1>", "<@>", "<m1@b.kz", "blake3:", "blake3:7", "album/<m1@b.kz>"]
        {
            check(own, false);
        }
        check(&format!("blake3:{}", "xx".repeat(32)), false);
    }
}
