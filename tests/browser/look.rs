//! How the pages look: every page, at two widths, in light and dark, in three languages.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    chrome::{Browser, View},
    site::Site,
};

/// The release of axe-core that `.ci/run` fetches.
const AXE: &str = "axe-core-4.14.1.min.js";

/// The rules of accessibility, as a script.
fn axe() -> String {
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.ancestors().nth(3).expect("tests stand in target/<profile>/deps");
    let file: PathBuf = target.join("browser").join(AXE);
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; `bash .ci/run browser` fetches it", file.display()))
}

/// What axe-core finds serious or critical, one line each.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.value(axe).await;
    let found = browser.value("axe.run(document, { resultTypes: ['violations'] }).then(r => ({ all: r.passes.length, violations: r.violations.map(v => ({ id: v.id, impact: v.impact, where: v.nodes.map(n => n.target.join(' ') + ' ' + n.failureSummary) })) }))").await;
    assert!(found["all"].as_u64().is_some_and(|passed| passed > 10), "axe-core looked at nothing: {found}");
    let violations = found["violations"].as_array().cloned().unwrap_or_default();
    let is_bad = |one: &&Value| matches!(one["impact"].as_str(), Some("serious" | "critical"));
    violations.iter().filter(is_bad).map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_scrolls_sideways_complains_or_shuts_anybody_out() {
    let axe = axe();
    let site = Site::start(env!("CARGO_TARGET_TMPDIR")).await;
    let (open, closed) = (site.number("state=open").await, site.number("had=yes").await);
    let pages = [
        "/?".to_owned(),
        "/appeals?".to_owned(),
        "/appeals?bucket=none&had=corrected&".to_owned(),
        format!("/appeals/{open}?new=1&"),
        format!("/appeals/{closed}?"),
        "/appeals/Z-2019-999999?".to_owned(),
        "/closures?".to_owned(),
        "/about?".to_owned(),
        "/desk/write?".to_owned(),
    ];
    Browser::with(true, async |browser| {
        let mut wrong = vec![];
        for width in [375, 1440] {
            for scheme in ["light", "dark"] {
                browser.look(View { width, height: 900, scheme }).await;
                for lang in ["ru", "kk", "en"] {
                    for page in &pages {
                        browser.goto(&site.url(&format!("{page}lang={lang}"))).await;
                        let case = format!("{page}lang={lang} {width} {scheme}");
                        let seen = browser.value("[document.documentElement.lang, innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]").await;
                        assert_eq!(seen, serde_json::json!([lang, width, scheme == "dark"]), "{case}");
                        let wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).slice(0, 3).map(e => e.outerHTML.slice(0, 90)).join(' … ')";
                        let scrolls = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
                        if browser.value(scrolls).await != false {
                            wrong.push(format!("{case}: scrolls sideways: {}", browser.value(wide).await));
                        }
                        let missing = page.contains("Z-2019-999999");
                        let complaints = browser.complaints().await;
                        // That a page is not there is said of it in the log, and is no fault of the page.
                        let own = |line: &&String| !(missing && line.contains("404"));
                        wrong.extend(complaints.iter().filter(own).map(|line| format!("{case}: {line}")));
                        wrong.extend(findings(browser, &axe).await.iter().map(|one| format!("{case}: {one}")));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    })
    .await;
}
