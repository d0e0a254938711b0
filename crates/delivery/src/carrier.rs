//! Who carries a message to its platform.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use zholdary_channels::outbound::Form;
use zholdary_domain::{
    MessageId,
    inbound::Channel,
    outgoing::{Outgoing, Trouble},
};

/// What came of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The platform took it, and calls it so.
    Taken(String),
    /// It surely did not.
    NotTaken {
        /// Why.
        why: Trouble,
        /// The platform's code of the error.
        code: Option<i64>,
        /// The same may go later.
        again: bool,
        /// No earlier than after this long, as the platform asks.
        after: Option<Duration>,
    },
    /// It may have.
    Unknown,
}

/// Carries messages to a platform: Graph API, Bot API, a mail server.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Sends it once. Whoever calls has recorded before that it will.
    async fn carry(&self, id: MessageId, out: &Outgoing, form: Form) -> Carried;
}

/// The carriers of an installation: those of its channels that have an account to send from.
#[derive(Clone, Default)]
pub struct Carriers(BTreeMap<Channel, Arc<dyn Carrier>>);

impl Carriers {
    /// Has `carrier` carry what goes by `channel`.
    pub fn add(&mut self, channel: Channel, carrier: Arc<dyn Carrier>) {
        self.0.insert(channel, carrier);
    }

    /// Who carries what goes by `channel`.
    #[must_use]
    pub fn of(&self, channel: Channel) -> Option<&Arc<dyn Carrier>> {
        self.0.get(&channel)
    }

    /// What they carry.
    pub fn channels(&self) -> impl Iterator<Item = Channel> {
        self.0.keys().copied()
    }

    /// Whether nothing can be sent at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Carriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
