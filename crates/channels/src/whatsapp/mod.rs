//! WhatsApp Cloud API: webhooks of the object `whatsapp_business_account`, Graph API v26.0 and older.
//!
//! [`crate::meta`] says whether a body is the platform's, [`parse`] what is in it.

mod content;
mod envelope;
mod message;
mod people;
mod status;

pub use envelope::{parse, parse_within};
