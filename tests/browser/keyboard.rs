//! Without a mouse, and without script.

use thirtyfour::{By, Key};

use crate::{
    chrome::{Browser, View},
    harness::until,
    site::Site,
};

const VIEW: View = View { width: 1440, height: 900, scheme: "light" };
/// More than any page of ours has places for the focus before the part that is looked for.
const MOST_TABS: usize = 60;

/// Presses Tab until the focus is on what `selector` finds.
async fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..MOST_TABS {
        press(browser, Key::Tab).await;
        let there = browser.value(&format!("document.activeElement.matches({selector:?})")).await;
        if there == true {
            let ring = "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)(getComputedStyle(document.activeElement))";
            assert_eq!(browser.value(ring).await, true, "{selector} does not show that it has the focus");
            return;
        }
    }
    panic!("the keyboard does not reach {selector}");
}

async fn press(browser: &Browser, key: impl Into<thirtyfour::TypingData>) {
    browser.driver.action_chain().send_keys(key).perform().await.expect("a key can be pressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_done_by_keyboard_alone() {
    let site = Site::start(env!("CARGO_TARGET_TMPDIR")).await;
    Browser::with(true, async |browser| {
        browser.look(VIEW).await;
        browser.goto(&site.url("/?lang=ru")).await;
        tab_to(browser, "a.skip").await;
        assert_eq!(browser.value("document.activeElement.getBoundingClientRect().top >= 0").await, true);
        press(browser, Key::Enter).await;
        until("the main part is led to", async || browser.url().await.ends_with("#main")).await;
        press(browser, Key::Tab).await;
        let inside = browser.value("!!document.activeElement.closest('#main')").await;
        assert_eq!(inside, true, "the skip link leads past the header");

        browser.goto(&site.url("/?lang=ru")).await;
        tab_to(browser, "#write textarea[name=text]").await;
        press(browser, "Яма на Абая — Розыбакиева, глубокая").await;
        tab_to(browser, "#write button[type=submit]").await;
        press(browser, Key::Enter).await;
        let number = browser.number().await;
        assert!(number.starts_with("Z-"), "{number}");

        browser.goto(&site.url("/?lang=ru")).await;
        tab_to(browser, "#num").await;
        press(browser, number.clone()).await;
        press(browser, Key::Enter).await;
        assert_eq!(browser.number().await, number);

        browser.goto(&site.url("/?lang=ru")).await;
        tab_to(browser, ".figures a[href*='state=open']").await;
        let open = browser.value("document.activeElement.textContent").await;
        press(browser, Key::Enter).await;
        until("the list is open", async || browser.url().await.contains("state=open")).await;
        until("it has rows", async || browser.driver.find(By::Css("tbody tr")).await.is_ok()).await;
        let rows = browser.value("document.querySelectorAll('tbody tr').length").await.as_u64();
        let open: u64 = open.as_str().expect("a figure").replace('\u{202f}', "").parse().expect("a figure");
        assert_eq!(rows, Some(open.min(50)));
    })
    .await;
}

/// What a page says about whether it may run scripts.
async fn runs_scripts(browser: &Browser) -> bool {
    browser.goto("data:text/html,<title>no</title><script>document.title='yes'</script>").await;
    browser.driver.title().await.expect("a title") == "yes"
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_the_form_gives_a_number() {
    let site = Site::start(env!("CARGO_TARGET_TMPDIR")).await;
    Browser::with(true, async |browser| assert!(runs_scripts(browser).await)).await;
    Browser::with(false, async |browser| {
        assert!(!runs_scripts(browser).await, "this browser runs scripts after all");
        browser.look(VIEW).await;
        browser.goto(&site.url("/?lang=kk")).await;
        browser
            .find("#write textarea[name=text]")
            .await
            .send_keys("Абай көшесінде шұңқыр бар")
            .await
            .expect("a field");
        browser.find("#write button[type=submit]").await.click().await.expect("a button");
        let number = browser.number().await;
        browser.goto(&site.url("/?lang=kk")).await;
        browser.find("#num").await.send_keys(number.clone()).await.expect("a field");
        browser.find("#check button[type=submit]").await.click().await.expect("a button");
        assert_eq!(browser.number().await, number);
        browser.goto(&site.url("/appeals?lang=kk")).await;
        browser.find("select[name=state] option[value=closed]").await.click().await.expect("a choice");
        browser.find("main form button[type=submit]").await.click().await.expect("a button");
        until("the list is of those", async || browser.url().await.contains("state=closed")).await;
    })
    .await;
}
