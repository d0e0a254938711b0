//! The ways that people write to us, and what their platforms deliver.

use chrono::{DateTime, Utc};
use zholdary_domain::inbound::Channel;

use crate::{
    meta,
    story::{Kind, Said},
    whatsapp,
};

/// A way that somebody writes to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A message on WhatsApp.
    Whatsapp,
    /// A direct message on Instagram.
    InstagramDirect,
    /// A comment under a post of ours on Instagram.
    InstagramComment,
    /// A message on Messenger.
    Messenger,
    /// A comment under a post of our page on Facebook.
    FacebookComment,
}

impl Way {
    /// The channel.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Whatsapp => Channel::Whatsapp,
            Self::InstagramDirect | Self::InstagramComment => Channel::Instagram,
            Self::Messenger | Self::FacebookComment => Channel::Facebook,
        }
    }

    /// Our account there: the id of the phone number, of the account, of the page.
    #[must_use]
    pub const fn account(self) -> &'static str {
        match self.channel() {
            Channel::Instagram => "17841400000000777",
            Channel::Facebook => "100200300400500",
            _ => "118920446655001",
        }
    }

    /// Everybody can read it.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::InstagramComment | Self::FacebookComment)
    }

    /// The ways of a channel, each with how many of a hundred choose it; none of a channel on which nobody is simulated.
    pub(crate) const fn of(channel: Channel) -> &'static [(Self, usize)] {
        match channel {
            Channel::Whatsapp => &[(Self::Whatsapp, 100)],
            Channel::Instagram => &[(Self::InstagramDirect, 75), (Self::InstagramComment, 25)],
            Channel::Facebook => &[(Self::Messenger, 60), (Self::FacebookComment, 40)],
            _ => &[],
        }
    }

    /// Whether the platform has such messages there.
    pub(crate) const fn has(self, kind: &Kind) -> bool {
        match kind {
            Kind::Text(_) => true,
            // Another comment would be a matter of its own.
            Kind::Photo { .. } | Kind::Button { .. } => !self.is_public(),
            Kind::Point { .. } => matches!(self, Self::Whatsapp | Self::Messenger),
            Kind::Edit { .. } => !matches!(self, Self::InstagramComment),
        }
    }

    /// The platform's id of the `part`th message that the `nth` author sends.
    pub(crate) fn message(self, nth: usize, part: usize) -> String {
        match self {
            Self::Whatsapp => format!("wamid.SIM{nth:07}{part}"),
            Self::InstagramDirect => format!("aWdfSIM{nth:07}{part}"),
            Self::InstagramComment => format!("1790{nth:012}{part}"),
            Self::Messenger => format!("m_SIM{nth:07}{part}"),
            Self::FacebookComment => format!("7000000_{nth:012}{part}"),
        }
    }

    /// The platform's id of the `nth` author. A phone is none that an operator gives: 7 000.
    pub(crate) fn author(self, nth: usize) -> String {
        match self.channel() {
            Channel::Instagram => format!("6700{nth:012}"),
            Channel::Facebook => format!("5100{nth:012}"),
            _ => format!("7000{:07}", 1_000_000 + nth),
        }
    }
}

/// The body of a webhook that holds these messages, all of one `channel`, as its platform delivers it.
#[must_use]
pub fn post(channel: Channel, messages: &[&Said]) -> Vec<u8> {
    let body = match channel {
        Channel::Instagram | Channel::Facebook => meta::post(channel, messages),
        _ => whatsapp::post(messages),
    };
    body.to_string().into_bytes()
}

/// How far a message of ours came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The message, by the platform's id.
    pub id: String,
    /// Whom it was for, by the platform's id.
    pub to: String,
    /// The step.
    pub step: Step,
    /// When.
    pub at: DateTime<Utc>,
}

/// A step of a message of ours on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is on the person's phone.
    Delivered,
    /// It was read.
    Read,
    /// The platform had taken it, and cannot bring it. No platform but WhatsApp tells of this.
    Failed {
        /// The platform's code of the error.
        code: i64,
    },
}

/// The body of a webhook that tells how far messages of ours on one `channel` came.
#[must_use]
pub fn states(channel: Channel, states: &[&Arrived]) -> Vec<u8> {
    let body = match channel {
        Channel::Instagram | Channel::Facebook => meta::states(channel, states),
        _ => whatsapp::states(states),
    };
    body.to_string().into_bytes()
}
