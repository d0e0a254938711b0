//! The ids of messages and contacts, from what channels call them.

use zholdary_domain::{
    ContactId, IdKey, MessageId,
    inbound::{Channel, MessageRef},
};

/// The id of a message by its name on its channel.
#[must_use]
pub fn message_id(key: &IdKey, name: &MessageRef) -> MessageId {
    name.id(key)
}

/// The id of the message `external_id` of `channel` at our `account`.
pub(crate) fn named(key: &IdKey, channel: Channel, account: &str, external_id: &str) -> MessageId {
    message_id(
        key,
        &MessageRef { channel, account: account.to_owned(), external_id: external_id.to_owned().into() },
    )
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
