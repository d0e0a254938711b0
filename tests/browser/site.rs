//! A played city, served: played once a run, and copied for each who looks at it.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::harness::{City, folder, path, run, until};

/// The city that the tests look at.
const CITY: [&str; 6] = ["--appeals", "300", "--seed", "1", "--until", "2026-11-20T00:00:00+05:00"];

/// A copy of the city, served on a free port until it is dropped.
pub(crate) struct Site {
    city: City,
    _folder: TempDir,
}

impl Site {
    /// Serves the tests' city. `scratch` is cargo's folder for tests.
    pub(crate) async fn start(scratch: &str) -> Self {
        static PLAYED: OnceLock<PathBuf> = OnceLock::new();
        let played = PLAYED.get_or_init(|| {
            let played = Path::new(scratch).join("browser");
            match std::fs::remove_dir_all(&played) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    panic!("{}: {error}", played.display())
                }
                _ => play(&played, &CITY),
            }
            played
        });
        Self::over(played).await
    }

    /// Serves a copy of a played city.
    pub(crate) async fn over(played: &Path) -> Self {
        let copied = folder();
        copy(played, copied.path());
        let city = City::start(&["demo", "--pace", "0", "--data", path(copied.path())]);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        Self { city, _folder: copied }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.city.address())
    }

    /// A number of the city: the last appeal of the list that `query` asks for.
    pub(crate) async fn number(&self, query: &str) -> String {
        let list = self.city.bytes(&format!("/appeals?{query}")).await;
        let list = String::from_utf8(list).expect("a page is UTF-8");
        let row = list.split("<th scope=\"row\"><a href=\"/appeals/").nth(1).expect("the list has a row");
        row.split(['?', '"']).next().expect("a number").to_owned()
    }
}

/// Plays a city into a folder.
pub(crate) fn play(into: &Path, city: &[&str]) {
    let mut args = vec!["demo", "--exit", "--log-filter", "warn", "--data", path(into)];
    args.extend(city);
    let played = run(&args);
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder of ours");
    for entry in std::fs::read_dir(from).expect("a folder of ours") {
        let entry = entry.expect("a folder of ours");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file of ours").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file of ours");
        }
    }
}
