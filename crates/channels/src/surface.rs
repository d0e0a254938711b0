//! Which way a message came: channel, surface and how it may join, by one name.

use zholdary_domain::inbound::{Channel, Join, Surface};

/// The way a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The channel.
    pub channel: Channel,
    /// The part of it.
    pub surface: Surface,
    /// How its messages may join.
    pub join: Join,
}

impl Way {
    /// The usual way of a channel: private chats, letters, forms, spoken words.
    #[must_use]
    pub const fn of(channel: Channel) -> Self {
        let (surface, join) = match channel {
            Channel::Whatsapp | Channel::Instagram | Channel::Facebook | Channel::Telegram => {
                (Surface::Private, Join::Window)
            }
            Channel::Email => (Surface::Mail, Join::ReplyOnly),
            Channel::Web | Channel::Open311 => (Surface::Form, Join::ReplyOnly),
            Channel::Meeting | Channel::Phone => (Surface::Spoken, Join::ReplyOnly),
        };
        Self { channel, surface, join }
    }

    /// The way with this name: a channel's code, or `instagram_direct`, `instagram_comment`, `facebook_direct`,
    /// `facebook_comment`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some(channel) = Channel::from_code(name) {
            return Some(Self::of(channel));
        }
        let (code, part) = name.split_once('_')?;
        let channel = Channel::from_code(code)
            .filter(|channel| matches!(channel, Channel::Instagram | Channel::Facebook))?;
        match part {
            "direct" => Some(Self::of(channel)),
            "comment" => Some(Self { channel, surface: Surface::Comment, join: Join::ParentAndAuthor }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ways_read() {
        for (name, expected) in [
            ("whatsapp", Some((Channel::Whatsapp, Surface::Private, Join::Window))),
            ("instagram_direct", Some((Channel::Instagram, Surface::Private, Join::Window))),
            ("instagram_comment", Some((Channel::Instagram, Surface::Comment, Join::ParentAndAuthor))),
            ("facebook_comment", Some((Channel::Facebook, Surface::Comment, Join::ParentAndAuthor))),
            ("email", Some((Channel::Email, Surface::Mail, Join::ReplyOnly))),
            ("web", Some((Channel::Web, Surface::Form, Join::ReplyOnly))),
            ("meeting", Some((Channel::Meeting, Surface::Spoken, Join::ReplyOnly))),
            ("telegram_comment", None),
            ("fax", None),
        ] {
            assert_eq!(Way::named(name).map(|w| (w.channel, w.surface, w.join)), expected, "{name}");
        }
    }
}
