//! `just screenshots`: pictures of the demo's pages for the documentation, taken by the same browser that tests them.

#[path = "chrome.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod chrome;
#[path = "../system/harness.rs"]
#[expect(dead_code, reason = "the whole-system tests use the rest")]
mod harness;
#[path = "site.rs"]
#[expect(dead_code, reason = "the tests play their city once a run")]
mod site;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use chrome::{Browser, View};
use site::Site;

const DESKTOP: (u32, u32) = (1200, 900);
const PHONE: (u32, u32) = (375, 812);
/// The longest picture, in pixels: what is further down stays out.
const TALLEST: f64 = 1560.0;

#[tokio::main]
async fn main() {
    let into = harness::root().join("docs/screenshots");
    std::fs::create_dir_all(&into).expect("the documentation can be written");
    let played = tempfile::TempDir::new().expect("a temporary folder");
    let folder = played.path().join("demo");
    // Until today, so that streets are closed today.
    site::play(&folder, &["--appeals", "600", "--seed", "1"]);
    let site = Site::over(&folder).await;
    let number = site.number("had=yes").await;
    let (list, appeal) = ("/appeals?state=overdue".to_owned(), format!("/appeals/{number}?"));
    let pictures = [
        ("home-ru-light", "/?", "ru", DESKTOP, "light"),
        ("home-kk-dark", "/?", "kk", DESKTOP, "dark"),
        ("home-kk-phone-light", "/?", "kk", PHONE, "light"),
        ("home-ru-phone-dark", "/?", "ru", PHONE, "dark"),
        ("report-ru-light", "/?#h-report", "ru", DESKTOP, "light"),
        ("list-ru-light", &list, "ru", DESKTOP, "light"),
        ("list-kk-phone-dark", &list, "kk", PHONE, "dark"),
        ("appeal-ru-light", &appeal, "ru", DESKTOP, "light"),
        ("appeal-kk-phone-light", &appeal, "kk", PHONE, "light"),
        ("closures-ru-phone-light", "/closures?", "ru", PHONE, "light"),
    ];
    Browser::with(true, async |browser| {
        for (name, page, lang, (width, height), scheme) in pictures {
            browser.look(View { width, height, scheme }).await;
            let (page, part) = page.split_once('#').unwrap_or((page, ""));
            browser.goto(&site.url(&format!("{page}&lang={lang}"))).await;
            let whole = browser.value("document.documentElement.scrollHeight").await.as_f64();
            let from = format!("document.getElementById('{part}')?.getBoundingClientRect().top ?? 0");
            let from = browser.value(&from).await.as_f64().expect("a place of the page");
            let tallest = if page == list { f64::from(height) } else { TALLEST };
            let tall = (whole.expect("a height") - from).min(tallest);
            let clip = json!({ "x": 0, "y": from, "width": width, "height": tall, "scale": 1 });
            let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
            let taken = browser.devtools("Page.captureScreenshot", asked).await;
            let picture = BASE64_STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
            std::fs::write(into.join(format!("{name}.png")), picture)
                .expect("the documentation can be written");
        }
    })
    .await;
}
