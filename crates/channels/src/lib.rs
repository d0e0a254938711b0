//! Vendor formats: bytes in, Inbound out
