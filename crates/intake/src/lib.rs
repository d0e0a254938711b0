//! From Inbound to one record, once per message
