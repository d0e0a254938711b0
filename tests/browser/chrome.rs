//! Chromium, driven through chromedriver.

use std::{
    io::{BufRead, BufReader},
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::FutureExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, WebElement,
};

/// Nothing but the page: no graphics card, no calls home.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// How the page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Width of the window, in pixels.
    pub(crate) width: u32,
    /// Height of the window, in pixels.
    pub(crate) height: u32,
    /// `light` or `dark`: what the system asks for.
    pub(crate) scheme: &'static str,
}

/// A browser with a fresh profile.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
}

/// Chromedriver, ended when dropped.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // Ended already, or on its way out: both are fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program of the path, or why there is none.
fn program(names: &[&str], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .find_map(|folder| names.iter().map(|name| folder.join(name)).find(|program| program.is_file()));
    found.unwrap_or_else(|| {
        panic!("there is no {}: `bash .ci/run browser` installs it, or `apt-get install {package}`", names[0])
    })
}

impl Browser {
    /// Opens a browser for `test`, with or without script, and closes it however that ends.
    pub(crate) async fn with(script: bool, test: impl AsyncFnOnce(&Self)) {
        let chromium = program(&["chromium", "chromium-browser", "google-chrome"], "chromium");
        let mut driver = Command::new(program(&["chromedriver"], "chromium-driver"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map(Driver)
            .expect("chromedriver can be run");
        let mut said = BufReader::new(driver.0.stdout.take().expect("is piped"));
        let port = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).expect("chromedriver speaks") > 0, "chromedriver ended");
            if let Some((_, port)) = line.trim().trim_end_matches('.').rsplit_once("successfully on port ") {
                break port.to_owned();
            }
        };
        let profile = TempDir::new().expect("a temporary folder");
        let mut wish = DesiredCapabilities::chrome();
        wish.set_binary(chromium.to_str().expect("a plain path")).expect("a wish");
        for flag in FLAGS {
            wish.add_arg(flag).expect("a wish");
        }
        wish.add_arg(&format!("--user-data-dir={}", profile.path().display())).expect("a wish");
        wish.set_browser_log_level(LoggingPrefsLogLevel::All).expect("a wish");
        if !script {
            let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wish.add_experimental_option("prefs", prefs).expect("a wish");
        }
        let opened = WebDriver::new(format!("http://127.0.0.1:{port}"), wish).await;
        let browser = Self { driver: opened.expect("chromium can be started") };
        let ended = AssertUnwindSafe(test(&browser)).catch_unwind().await;
        // Without this a failed test would leave chromium behind.
        let quit = browser.driver.quit().await;
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
        quit.expect("chromium ends");
    }

    /// Sets the window and what the system asks for, for every page from now on.
    pub(crate) async fn look(&self, View { width, height, scheme }: View) {
        let window = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", window).await;
        let wish = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", wish).await;
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        // Under load the new document may not be the one that the developer tools ask yet.
        let here = "!!document.documentElement && document.readyState === 'complete' ? location.href : ''";
        for _ in 0..200 {
            if self.value(here).await != "" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{url} does not load");
    }

    /// What an expression of the page comes to.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.devtools("Runtime.evaluate", asked).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression:.80}: {answer}");
        answer["result"]["value"].clone()
    }

    /// A command of the browser's developer tools.
    pub(crate) async fn devtools(&self, command: &str, asked: Value) -> Value {
        self.driver.cdp().send_raw(command, asked).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The one element that a selector finds.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        self.driver.find(By::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    pub(crate) async fn url(&self) -> String {
        self.driver.current_url().await.expect("a page is open").to_string()
    }

    /// What the page has complained about since it was asked last.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.expect("chromium keeps a log");
        log.into_iter().filter(|line| line.level == "SEVERE").map(|line| line.message).collect()
    }

    /// Waits until an appeal's own page is there, pressing «show the number» meanwhile, and reads its number.
    pub(crate) async fn number(&self) -> String {
        for _ in 0..120 {
            // What was found may be of the page before, which is gone by the time that it is asked.
            if let Ok(plate) = self.driver.find(By::Css(".plate.big")).await
                && let Ok(number) = plate.text().await
            {
                return number;
            }
            // The page with the number is a link away while the number is on its way.
            if let Ok(again) = self.driver.find(By::Css("main .empty a.btn.main")).await {
                let _ = again.click().await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("no number came: {}", self.url().await);
    }
}
