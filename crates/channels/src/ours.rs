//! What platforms deliver, read with the knowledge of which accounts are ours.

use zholdary_domain::{Inbound, inbound::Channel};

use crate::{
    Accounts, Parsed,
    email::{self, Mailbox},
    facebook, instagram,
    telegram::{self, Bot},
    whatsapp,
};

/// Our own accounts on each platform that delivers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ours {
    /// WhatsApp: businesses (WABA), and numbers by the platform's id.
    pub whatsapp: Accounts,
    /// Instagram: professional accounts.
    pub instagram: Accounts,
    /// Facebook: pages.
    pub facebook: Accounts,
    /// Telegram: our bot.
    pub telegram: Bot,
    /// E-mail: our mailbox.
    pub email: Mailbox,
}

impl Ours {
    /// What `channel` delivered in `raw`. None: nothing is delivered there.
    #[must_use]
    pub fn parse(&self, channel: Channel, raw: &[u8]) -> Option<Parsed> {
        Some(match channel {
            Channel::Whatsapp => whatsapp::parse(raw, &self.whatsapp),
            Channel::Instagram => instagram::parse(raw, &self.instagram),
            Channel::Facebook => facebook::parse(raw, &self.facebook),
            Channel::Telegram => telegram::parse(raw, &self.telegram),
            Channel::Email => email::parse(raw, &self.email),
            Channel::Web | Channel::Open311 | Channel::Meeting | Channel::Phone => {
                return None;
            }
        })
    }
}

impl Ours {
    /// What a seed tells, under the account that deliveries are read under.
    #[must_use]
    pub fn seeded(&self, mut element: Inbound) -> Inbound {
        if let Inbound::Sent(sent) = &mut element
            && sent.id.channel == Channel::Telegram
            && self.telegram.id.is_empty()
        {
            sent.id.account.clear();
        }
        element
    }
}

#[cfg(test)]
mod tests {
    use zholdary_testkit::samples;

    use super::*;
    use crate::told;

    #[test]
    fn each_platform_is_read_in_its_own_words() {
        for (channel, folder) in [
            (Channel::Whatsapp, "whatsapp"),
            (Channel::Instagram, "instagram"),
            (Channel::Facebook, "facebook"),
            (Channel::Telegram, "telegram"),
            (Channel::Email, "email"),
        ] {
            let parsed = Ours::default().parse(channel, &samples::one(folder, "01")).expect("it delivers");
            let told = told::all(&parsed);
            assert!(told[0].starts_with("message"), "{folder}: {told:?}");
        }
        assert_eq!(Ours::default().parse(Channel::Phone, b"{}"), None);
    }
}
