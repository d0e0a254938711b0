//! WhatsApp Cloud API: webhooks of the object `whatsapp_business_account`, Graph API v26.0 and older.
//!
//! [`challenge`] answers the platform's question when the hook is set up, [`verify`] says whether a body is the platform's,
//! [`parse`] says what is in it.

mod content;
mod envelope;
mod message;
mod people;
mod signature;
mod status;

pub use envelope::{parse, parse_within};
pub use signature::{SignatureError, challenge, verify};
