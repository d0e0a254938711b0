//! Who a role is to the servers.

use nkeys::KeyPair;

use crate::error::Source;

/// A new user of NATS: the servers know the public half, the role's own machine keeps the seed.
pub struct User {
    /// What stands in the servers' configuration: `U` and 55 letters and digits. No secret.
    pub public: String,
    seed: String,
}

impl User {
    /// A user that nobody else is.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub fn new() -> Result<Self, Source> {
        let pair = KeyPair::new_user();
        Ok(Self { public: pair.public_key(), seed: pair.seed()? })
    }

    /// The secret half, for the file that [`super::JetStreamConfig::nkey_file`] names.
    #[must_use]
    pub fn reveal_seed(&self) -> &str {
        &self.seed
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("public", &self.public).finish_non_exhaustive()
    }
}
