//! Starts the binary, speaks to it, and reads what it left in the log.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use zholdary_testkit::{samples, sign};

/// How long a condition may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// The binary, built once by the cargo that runs the tests and found beside them.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--locked", "--package", "zholdary"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.current_dir(root()).status().expect("cargo can be run");
        assert!(built.success(), "`cargo build --package zholdary` failed: see above");
        let test = std::env::current_exe().expect("a test knows where it is");
        let folder = test.parent().and_then(Path::parent).expect("tests stand in target/<profile>/deps");
        let binary = folder.join(format!("zholdary{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "{} was not built", binary.display());
        binary
    })
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A WhatsApp sample's path, by the start of its name: `01`.
pub(crate) fn sample(name: &str) -> PathBuf {
    let is = |file: &&str| file.starts_with(&format!("{name}_"));
    sample_of("whatsapp", samples::whatsapp_names().find(is).expect("a sample"))
}

/// A sample's path, by its channel and whole name.
pub(crate) fn sample_of(channel: &str, file: &str) -> PathBuf {
    samples::folder().join("channels").join(channel).join(file)
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().expect("the binary can be run")
}

/// Runs a command that must end well, and reads its lines of JSON.
pub(crate) fn json(args: &[&str]) -> Vec<Value> {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} failed: {errors}");
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Feeds files; the lines that `ingest` prints.
pub(crate) fn ingest(data: &Path, channel: &str, files: &[PathBuf]) -> Vec<Value> {
    let files = files.iter().map(|f| f.to_str().expect("a path of ours"));
    let mailbox = mailbox();
    let mut args = vec!["ingest", channel, "--data", path(data), "--config", path(&mailbox)];
    args.extend(files);
    json(&args)
}

/// The settings that name the mailbox of the samples.
pub(crate) fn mailbox() -> PathBuf {
    root().join("tests/system/mailbox.toml")
}

/// A folder of state.
pub(crate) fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

/// The settings of every city here: the accounts are the samples', so that what comes for others leads to nothing.
pub(crate) const SETTINGS: &str = r#"
[whatsapp.accounts]
businesses = ["104870029331200"]
addresses = ["118920446655001"]
"#;

/// The secret of whoever collects the metrics.
pub(crate) const SCRAPER: &str = "scrapers-know-this";

/// `zholdary up` or `serve`, running. Dropped, it is killed.
pub(crate) struct City {
    child: Child,
    url: String,
    client: reqwest::Client,
    /// Whoever speaks without one is the public; a bad one is refused even where none is needed.
    token: Option<String>,
}

impl City {
    /// Starts it over `data` and waits until it is ready for an operator.
    pub(crate) async fn up(data: &Path) -> Self {
        let mut city = Self::begin(data);
        until("it is ready", async || city.get("/readyz").await.0 == 200).await;
        city.speak_as(data, "operator").await;
        city
    }

    /// Makes a token of `role`, and speaks as its bearer from now on.
    pub(crate) async fn speak_as(&mut self, data: &Path, role: &str) {
        let token = json(&["token", "create", "--role", role, "--json", "--data", path(data)]);
        self.token = Some(token[0]["token"].as_str().expect("a token").to_owned());
        // The views must know the token before it opens anything.
        until("the token works", async || self.get("/api/v1/lag").await.0 == 200).await;
    }

    /// Speaks from now on as the bearer of the token in this file, made long before the process began.
    pub(crate) async fn speak_by(&mut self, file: &Path) {
        self.token = Some(std::fs::read_to_string(file).expect("a token").trim().to_owned());
        until("the token works", async || self.get("/api/v1/lag").await.0 == 200).await;
    }

    /// Starts it over `data` and waits only until it listens.
    pub(crate) fn begin(data: &Path) -> Self {
        let settings = data.join("settings.toml");
        std::fs::write(&settings, SETTINGS).expect("a file in a folder of ours");
        Self::start(&["up", "--config", path(&settings), "--data", path(data)])
    }

    /// Starts the binary with these arguments and waits until it listens.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(args)
            .args(["--listen", "127.0.0.1:0", "--log-filter", "warn"])
            .env("ZHOLDARY_WHATSAPP_APP_SECRET", samples::APP_SECRET)
            .env("ZHOLDARY_WHATSAPP_VERIFY_TOKEN", "a word")
            .env("ZHOLDARY_METRICS_TOKEN", SCRAPER)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let mut said = BufReader::new(child.stdout.take().expect("is piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("says where it listens");
        let url = line.trim().rsplit(' ').next().expect("says where it listens").to_owned();
        assert!(url.starts_with("http://"), "it said {line:?}");
        // Once any crate of the build turns TLS on in `reqwest`, a client asks for its provider, even to speak http. The second
        // city of a process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { child, url, client: reqwest::Client::new(), token: None }
    }

    /// Speaks as the bearer of `token` from now on.
    pub(crate) fn speak_with(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Status and body of a GET, as whoever speaks; status 0 when there was no answer.
    pub(crate) async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut ask = self.client.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            ask = ask.bearer_auth(token);
        }
        match ask.send().await {
            Ok(answer) => {
                (answer.status().as_u16(), answer.bytes().await.map(|b| b.to_vec()).unwrap_or_default())
            }
            Err(_) => (0, vec![]),
        }
    }

    /// Status and body of a GET, asked again until there is an answer: a connection that was kept from before may have been
    /// closed by the other side.
    pub(crate) async fn answer(&self, path: &str) -> (u16, Vec<u8>) {
        let started = Instant::now();
        loop {
            match self.get(path).await {
                (0, _) if started.elapsed() < DEADLINE => tokio::time::sleep(Duration::from_millis(30)).await,
                answer => return answer,
            }
        }
    }

    /// The bytes of a GET that must answer 200.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let (status, body) = self.answer(path).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// The JSON of a GET that must answer 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        serde_json::from_slice(&self.bytes(path).await).expect("JSON")
    }

    /// A figure of `/metrics`, by its name with its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.bytes("/metrics").await).expect("metrics are text");
        figure(&text, name).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// As [`City::metric`], as whoever collects the metrics; 0 while nobody answers.
    pub(crate) async fn scrape(&self, name: &str) -> f64 {
        let asked = self.client.get(format!("{}/metrics", self.url)).bearer_auth(SCRAPER);
        let Ok(answer) = asked.send().await else { return 0.0 };
        assert_eq!(answer.status().as_u16(), 200);
        figure(&answer.text().await.unwrap_or_default(), name).unwrap_or_default()
    }

    /// The record up to which a worker has done its work, as whoever collects the metrics.
    pub(crate) async fn position_of(&self, worker: &str) -> f64 {
        self.scrape(&format!("zholdary_routing_position_records{{worker=\"{worker}\"}}")).await
    }

    /// The record up to which every worker has.
    pub(crate) async fn decided(&self) -> f64 {
        let mut least = f64::MAX;
        for worker in ["register", "route", "deadlines"] {
            least = least.min(self.position_of(worker).await);
        }
        least
    }

    /// Status of a POST to the WhatsApp hook with this signature.
    pub(crate) async fn hook(&self, body: &[u8], signature: Option<&str>) -> u16 {
        let mut ask = self
            .client
            .post(format!("{}/hooks/whatsapp", self.url))
            .header("content-type", "application/json")
            .body(body.to_vec());
        if let Some(signature) = signature {
            ask = ask.header("x-hub-signature-256", signature);
        }
        ask.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// As [`City::hook`], sent again while there is no answer at all: who is refused in the middle of a large body may find
    /// the connection closed before the answer is read.
    pub(crate) async fn hook_until_answered(&self, body: &[u8], signature: Option<&str>) -> u16 {
        let started = Instant::now();
        loop {
            match self.hook(body, signature).await {
                0 if started.elapsed() < DEADLINE => tokio::time::sleep(Duration::from_millis(30)).await,
                status => return status,
            }
        }
    }

    /// Status of a rightly signed POST to the hook of one of Meta's platforms.
    pub(crate) async fn delivers(&self, channel: &str, body: &[u8]) -> u16 {
        let ask = self
            .client
            .post(format!("{}/hooks/{channel}", self.url))
            .header("content-type", "application/json")
            .header("x-hub-signature-256", sign(samples::APP_SECRET, body))
            .body(body.to_vec());
        ask.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// Status of a rightly signed POST.
    pub(crate) async fn signed(&self, body: &[u8]) -> u16 {
        self.hook(body, Some(&sign(samples::APP_SECRET, body))).await
    }

    /// Status of a POST of this JSON, as whoever speaks.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> u16 {
        let mut ask = self.client.post(format!("{}{path}", self.url)).json(body);
        if let Some(token) = &self.token {
            ask = ask.bearer_auth(token);
        }
        ask.send().await.expect("an answer").status().as_u16()
    }

    /// `POST /api/v1/appeals` under a key.
    pub(crate) async fn file(&self, key: &str, text: &str) -> Option<(u16, Value)> {
        let asked = self
            .client
            .post(format!("{}/api/v1/appeals", self.url))
            .header("idempotency-key", key)
            .json(&serde_json::json!({ "text": text }));
        let answer = asked.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// What a POST of this JSON is answered under a key, as whoever speaks.
    pub(crate) async fn send(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let mut ask =
            self.client.post(format!("{}{path}", self.url)).header("idempotency-key", key).json(body);
        if let Some(token) = &self.token {
            ask = ask.bearer_auth(token);
        }
        let answer = ask.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("an answer is JSON"))
    }

    /// Waits until it takes no more connections: it was told to stop, and has heard it.
    pub(crate) async fn deaf(&self) {
        until("it takes no more connections", async || {
            tokio::net::TcpStream::connect(self.address()).await.is_err()
        })
        .await;
    }

    /// Where it listens, as `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Waits until nothing is left to do: the log stands still and the views have it.
    pub(crate) async fn idle(&self) -> u64 {
        let mut before = 0;
        let started = Instant::now();
        loop {
            let lag = self.read("/api/v1/lag").await;
            let head = lag["head"].as_u64().expect("where the log ends");
            let waiting = self.read("/api/v1/appeals?state=registered&limit=1").await;
            let mut quiet = waiting["items"].as_array().is_some_and(Vec::is_empty);
            // Whoever runs the workers tells how far they are.
            if self.scrape("zholdary_routing_lease_held").await > 0.0 {
                quiet &= self.decided().await >= head as f64;
            }
            if lag["records"] == 0 && head == before && quiet {
                return head;
            }
            before = head;
            assert!(started.elapsed() < DEADLINE, "it does not come to rest: {lag}");
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn stop(mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill can be run");
        assert!(sent.success());
    }

    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(started.elapsed() < DEADLINE, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for City {
    fn drop(&mut self) {
        // Ended already, or on its way out: both are fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of `/metrics`, by its name with its labels.
fn figure(text: &str, name: &str) -> Option<f64> {
    let figure = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    figure.map(|figure| figure.parse().expect("a figure"))
}

pub(crate) fn path(folder: &Path) -> &str {
    folder.to_str().expect("a path of ours")
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < DEADLINE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
