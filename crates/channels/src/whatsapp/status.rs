//! One of `value.statuses`: how far a message of ours came.

use serde_json::Value;
use zholdary_domain::{
    Inbound,
    inbound::{Channel, DeliveryState, MessageRef},
};

use super::content::time;
use crate::json::id;

/// Reads one status of a message of our `account`.
pub(super) fn read(status: &Value, account: &str) -> Inbound {
    if status["recipient_type"] == "group" {
        return Inbound::Nothing { what: "group" };
    }
    let state = match status["status"].as_str() {
        Some("sent") => DeliveryState::Sent,
        Some("delivered") => DeliveryState::Delivered,
        // A voice note that was listened to.
        Some("read" | "played") => DeliveryState::Read,
        Some("failed") => DeliveryState::Failed,
        Some(_) => return Inbound::Nothing { what: "other status" },
        None => return Inbound::Kept { why: "status of another shape" },
    };
    let Some(external_id) = id(&status["id"]) else {
        return Inbound::Kept { why: "status without an id" };
    };
    Inbound::Delivery {
        of: MessageRef {
            channel: Channel::Whatsapp,
            account: account.to_owned(),
            external_id: external_id.into(),
        },
        state,
        at: time(status),
        error: status["errors"][0]["code"].as_i64().filter(|_| state == DeliveryState::Failed),
        // Ours (`outbound::whatsapp`), unless somebody sends by the same account past this system.
        carries: status["biz_opaque_callback_data"].as_str().and_then(|ours| ours.parse().ok()),
    }
}
