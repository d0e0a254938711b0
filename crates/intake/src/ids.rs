//! The ids of messages and contacts, from what channels call them.

use zholdary_domain::{
    ContactId, IdKey, MessageId,
    inbound::{Channel, MessageRef},
};

/// The id of a message by its name on its channel.
///
/// Instagram leaves out the account: two kinds of login deliver the same message under two accounts (channel rule R2). So does mail:
/// its ids are the world's own (RFC 5322, 3.6.4), and a letter to two of our addresses is one letter.
#[must_use]
pub fn message_id(key: &IdKey, name: &MessageRef) -> MessageId {
    named(key, name.channel, &name.account, name.external_id.reveal())
}

/// The id of the message `external_id` of `channel` at our `account`.
pub(crate) fn named(key: &IdKey, channel: Channel, account: &str, external_id: &str) -> MessageId {
    let account = if matches!(channel, Channel::Instagram | Channel::Email) { "" } else { account };
    key.message(channel.code(), account, external_id)
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
        assert_eq!(id(Channel::Email, "a@b"), id(Channel::Email, "c@b"));
        assert_ne!(id(Channel::Whatsapp, "1"), id(Channel::Whatsapp, "2"));
        assert_ne!(id(Channel::Whatsapp, ""), id(Channel::Instagram, ""));
    }
}
