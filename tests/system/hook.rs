//! What the hook refuses, and what it swallows without harm.

use serde_json::json;
use zholdary_testkit::{samples, sign};

use crate::harness::{City, folder};
use zholdary_tests::told_in;

#[tokio::test]
async fn bad_deliveries_lose_nothing_and_crash_nothing() {
    let data = folder();
    let city = City::up(data.path()).await;
    let head = city.idle().await;
    let good = samples::whatsapp("01");
    assert_eq!(city.hook_until_answered(good, None).await, 401);
    assert_eq!(city.hook_until_answered(good, Some(&sign("another secret", good))).await, 403);
    assert_eq!(city.hook_until_answered(good, Some("sha256=zz")).await, 403);
    let garbage: Vec<u8> = (0..5_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for signature in [None, Some("sha256=zz"), Some(&sign(samples::APP_SECRET, &garbage)[..])] {
        assert_eq!(city.hook_until_answered(&garbage, signature).await, 413);
    }
    assert_eq!(city.idle().await, head, "what nobody signed left a record");
    let raw = "zholdary_intake_raw_bytes_total{channel=\"whatsapp\"}";
    assert!(city.metric(raw).await.abs() < 0.5, "what nobody signed is kept");
    assert!(
        city.metric("zholdary_http_hook_posts_total{channel=\"whatsapp\",outcome=\"refused\"}").await > 2.5
    );

    // Rightly signed, but cut short, of no known kind, or no JSON at all: 200, and kept for a person.
    let short = &good[..good.len() / 2];
    let unknown = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": samples::WABA, "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "77272000100", "phone_number_id": samples::PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": "Х" }, "wa_id": "77000000901" }],
            "messages": [
                { "from": "77000000901", "id": "wamid.T1", "timestamp": "1795147200", "type": "hologram",
                  "hologram": { "id": 7 } },
                { "from": "77000000901", "id": "wamid.T2", "timestamp": "1795147201", "type": "text",
                  "text": { "body": "Яма на Толе би 100" } },
            ],
        } }] }],
    });
    let kept = "zholdary_intake_elements_total{channel=\"whatsapp\",outcome=\"parked\"}";
    assert_eq!(city.signed(short).await, 200);
    assert!((city.metric(kept).await - 1.0).abs() < 0.5, "what was cut short waits for a person");
    for body in [&b"\xff\xfe\x00"[..], b"[]", b"{}", b"", unknown.to_string().as_bytes()] {
        let signature = sign(samples::APP_SECRET, body);
        assert_eq!(city.hook_until_answered(body, Some(&signature)).await, 200);
    }
    // For an account that is not ours.
    let theirs = String::from_utf8(samples::whatsapp("02").to_vec()).unwrap();
    let theirs = theirs.replace(samples::PHONE_NUMBER_ID, "118920446655999");
    assert_eq!(city.signed(theirs.as_bytes()).await, 200);
    assert_eq!(city.signed(good).await, 200);
    city.idle().await;
    let list = city.read("/api/v1/appeals?limit=50").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert!(city.stop().await.success());
    let log = told_in(data.path()).await;
    log.check();
    // What nobody signed left nothing; the neighbour of the unknown kind arrived.
    let texts = log.together();
    assert!(texts.contains(&vec!["wamid.T2".to_owned()]), "{texts:?}");
    assert!(texts.contains(&vec!["wamid.ZHOLIN0001".to_owned()]));
    assert_eq!(texts.len(), 2);
}

#[tokio::test]
async fn the_platform_s_question_is_answered() {
    let data = folder();
    let city = City::up(data.path()).await;
    let ask = "/hooks/whatsapp?hub.mode=subscribe&hub.challenge=11584&hub.verify_token=";
    assert_eq!(city.get(&format!("{ask}a%20word")).await, (200, b"11584".to_vec()));
    assert_eq!(city.get(&format!("{ask}another")).await.0, 403);
}
