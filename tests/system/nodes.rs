//! The roles apart: two processes a role, each over a folder of its own.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::harness::{City, SETTINGS, folder, path};

/// Places of the processes that take messages in.
pub(crate) const INTAKE: [usize; 2] = [0, 1];
/// Places of those that decide, one at a time.
pub(crate) const ROUTING: [usize; 2] = [2, 3];
/// Places of those that answer, each beside views of its own.
pub(crate) const HTTP: [usize; 2] = [4, 5];

/// One process of several.
pub(crate) struct Node {
    pub(crate) roles: &'static [&'static str],
    args: Vec<String>,
    token: Option<String>,
    running: RwLock<Arc<City>>,
    data: TempDir,
}

impl Node {
    /// Starts one over a new folder. Who takes messages in needs the installation's key of ids.
    pub(crate) fn start(
        url: &str,
        settings: &str,
        roles: &'static [&'static str],
        key: Option<&Path>,
    ) -> Self {
        let data = folder();
        if let Some(key) = key {
            std::fs::copy(key, data.path().join("id.key")).expect("a file of ours");
        }
        let file = data.path().join("settings.toml");
        std::fs::write(&file, format!("{settings}{SETTINGS}")).expect("a file of ours");
        let fixed = ["--log", url, "--data", path(data.path()), "--config", path(&file)];
        let args: Vec<String> =
            ["serve"].iter().chain(roles).chain(&fixed).map(|s| (*s).to_owned()).collect();
        let running = RwLock::new(Arc::new(begin(&args, None)));
        Self { roles, args, token: None, running, data }
    }

    /// The process as it runs now.
    pub(crate) fn now(&self) -> Arc<City> {
        Arc::clone(&self.running.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Speaks to it as the bearer of `token` from now on, whoever is started again in its place.
    pub(crate) fn speak_with(&mut self, token: &str) {
        self.token = Some(token.to_owned());
        let city = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        Arc::get_mut(city).expect("nobody else speaks to it").speak_with(token);
    }

    /// kill -9.
    pub(crate) fn kill(&self) {
        self.now().signal("KILL");
    }

    /// Starts another in the place of a killed one.
    pub(crate) fn start_again(&self) {
        let again = Arc::new(begin(&self.args, self.token.as_deref()));
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = again;
    }

    /// Whether it holds the lease.
    pub(crate) async fn decides(&self) -> bool {
        self.now().scrape("zholdary_routing_lease_held").await > 0.0
    }

    /// SIGTERM. Answers how it ended, its folder and its settings.
    pub(crate) async fn stop(self) -> (std::process::ExitStatus, TempDir, PathBuf) {
        let running = self.running.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ended = Arc::into_inner(running).expect("nobody speaks to it").stop().await;
        let settings = self.data.path().join("settings.toml");
        (ended, self.data, settings)
    }
}

fn begin(args: &[String], token: Option<&str>) -> City {
    let mut city = City::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(token) = token {
        city.speak_with(token);
    }
    city
}

/// Which of the nodes that may decide does, within `patience`.
pub(crate) async fn decider(nodes: &[Node], patience: Duration) -> usize {
    let since = Instant::now();
    loop {
        for index in ROUTING {
            if nodes[index].decides().await {
                return index;
            }
        }
        assert!(since.elapsed() < patience, "nobody decides");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
