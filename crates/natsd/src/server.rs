//! Servers on ports of their own.

use std::{
    fmt, fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::time::Instant;

/// How a server is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its data, its log and its list of ports.
    pub folder: PathBuf,
    /// A configuration besides; none: JetStream on loopback, for anybody there.
    pub config: Option<PathBuf>,
    /// Further arguments.
    pub args: Vec<String>,
    /// What its environment has besides ours: a configuration may name variables of it.
    pub env: Vec<(String, String)>,
    /// How long it may take until it is ready, in milliseconds. Default 30,000.
    pub ready_ms: u64,
}

impl Options {
    /// A server with its data in `folder`.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), config: None, args: vec![], env: vec![], ready_ms: 30_000 }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its folder, or the program itself.
    #[error("could not start {what}")]
    Io {
        /// The program or folder.
        what: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended while it started.
    #[error("nats-server ended while it started; it said:\n{0}")]
    Ended(String),
    /// It did not become ready.
    #[error("nats-server was not ready in time; it said:\n{0}")]
    Slow(String),
}

/// A running server. Dropped, or when this process dies in whatever way, it ends as by kill -9.
pub struct Server {
    program: PathBuf,
    options: Options,
    port: u16,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Ends the server when this process is gone: it reads from us, and the end of that is our end.
    guard: Option<(Child, ChildStdin)>,
}

/// What the server writes into its ports file.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl Server {
    /// Starts `program` on a free port of loopback and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`StartError`] with the last lines of its log.
    pub async fn start(program: &Path, options: &Options) -> Result<Self, StartError> {
        let mut server =
            Self { program: program.to_owned(), options: options.clone(), port: 0, running: None };
        server.run().await?;
        Ok(server)
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The number of its process while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Where it keeps its log.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.options.folder.join("server.log")
    }

    fn said_file(&self) -> PathBuf {
        self.options.folder.join("server.err")
    }

    /// The last lines of what it said, with and without its log.
    fn last_words(&self) -> String {
        let [said, log] = [self.said_file(), self.log_file()]
            .map(|file| last_lines(&fs::read_to_string(file).unwrap_or_default()));
        format!("{said}\n{log}").trim().to_owned()
    }

    /// Ends it as kill -9 does.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.end();
        }
    }

    /// Starts it again on the same port, with the data that it left. A running one is killed first.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.kill();
        self.run().await
    }

    async fn run(&mut self) -> Result<(), StartError> {
        let folder = self.options.folder.clone();
        let io = |what: &Path| {
            let what = what.to_owned();
            move |source| StartError::Io { what, source }
        };
        let ports = folder.join("ports");
        fs::create_dir_all(&ports).map_err(io(&folder))?;
        let mut command = Command::new(&self.program);
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        command.args(["--addr", "127.0.0.1", "--port", &port]);
        match &self.options.config {
            Some(config) => command.arg("--config").arg(config),
            None => command.args(["--jetstream"]),
        };
        command
            .arg("--store_dir")
            .arg(folder.join("data"))
            .arg("--ports_file_dir")
            .arg(&ports)
            .arg("--log")
            .arg(self.log_file())
            .args(&self.options.args)
            .envs(self.options.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What it says before it has a log file.
            .stderr(fs::File::create(self.said_file()).map_err(io(&folder))?);
        // Ctrl-C at a terminal is for whoever started the server, who may need it to the end.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let _ = fs::remove_file(self.log_file());
        let child = command.spawn().map_err(io(&self.program))?;
        let guard = guard(child.id());
        let mut running = Running { child, guard };
        let pid = running.child.id();
        let deadline = Instant::now() + Duration::from_millis(self.options.ready_ms);
        loop {
            let told = || fs::read_to_string(self.log_file()).unwrap_or_default();
            if running.child.try_wait().map_err(io(&self.program))?.is_some() {
                return Err(StartError::Ended(self.last_words()));
            }
            if let Some(port) = ready(&ports, pid).filter(|_| told().contains("Server is ready")) {
                self.port = port;
                self.running = Some(running);
                return Ok(());
            }
            if Instant::now() > deadline {
                running.end();
                return Err(StartError::Slow(self.last_words()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Running {
    fn end(&mut self) {
        // The guard first: it must not kill a number that somebody else has by then.
        if let Some((mut guard, _)) = self.guard.take() {
            let _ = guard.kill();
            let _ = guard.wait();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("port", &self.port).field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// The port that the process `pid` listens on, as its own ports file says.
fn ready(ports: &Path, pid: u32) -> Option<u16> {
    let mine = fs::read_dir(ports).ok()?.filter_map(Result::ok).find(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.ends_with(&format!("_{pid}.ports")))
    })?;
    let ports: Ports = serde_json::from_slice(&fs::read(mine.path()).ok()?).ok()?;
    ports.nats.first()?.rsplit_once(':')?.1.parse().ok()
}

/// A shell that kills `pid` when our end of its input closes, which the system does however we end.
fn guard(pid: u32) -> Option<(Child, ChildStdin)> {
    let script = format!("read _; kill -9 {pid}");
    let mut guard = Command::new("sh");
    guard.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut guard, 0);
    let mut guard = guard.spawn().ok()?;
    let input = guard.stdin.take()?;
    Some((guard, input))
}

fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// Servers that are one JetStream cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Its servers.
    pub servers: Vec<Server>,
}

impl Cluster {
    /// Starts `n` servers with their data in folders of `folder`. That they have chosen a leader is for clients to wait for.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(program: &Path, folder: &Path, n: usize) -> Result<Self, StartError> {
        Self::start_with(program, folder, n, None).await
    }

    /// The same, each server with this configuration besides.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_with(
        program: &Path,
        folder: &Path,
        n: usize,
        config: Option<&Path>,
    ) -> Result<Self, StartError> {
        let options =
            |folder: PathBuf| Options { config: config.map(Into::into), ..Options::in_folder(folder) };
        if n == 1 {
            // A cluster of one would wait for others.
            return Ok(Self { servers: vec![Server::start(program, &options(folder.into())).await?] });
        }
        // Routes must be known before anybody starts. Somebody may take such a port before our server does: then it ends,
        // and others are tried.
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_start(program, folder, n, &options).await {
                Err(StartError::Ended(_)) if tries < 5 => {}
                started => return started,
            }
        }
    }

    async fn try_start(
        program: &Path,
        folder: &Path,
        n: usize,
        options: impl Fn(PathBuf) -> Options,
    ) -> Result<Self, StartError> {
        let io = |source| StartError::Io { what: folder.to_owned(), source };
        let free: Vec<_> =
            (0..n).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>().map_err(io)?;
        let ports: Vec<_> =
            free.iter().map(|l| l.local_addr().map(|a| a.port())).collect::<Result<_, _>>().map_err(io)?;
        drop(free);
        let routes: Vec<_> = ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut servers = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let name = format!("n{}", index + 1);
            let mut options = options(folder.join(&name));
            // Clients know all of them, and go the way that they were told.
            options.args = ["--name", &name, "--no_advertise", "--cluster_name", "zholdary", "--cluster"]
                .map(str::to_owned)
                .into_iter()
                .chain([format!("nats://127.0.0.1:{port}"), "--routes".to_owned(), routes.join(",")])
                .collect();
            servers.push(Server::start(program, &options).await?);
        }
        Ok(Self { servers })
    }

    /// Where clients connect: all of them, as one list.
    #[must_use]
    pub fn url(&self) -> String {
        self.servers.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(server: &Server) -> bool {
        use std::io::Read;
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", server.port)) else { return false };
        let mut hello = [0; 4];
        stream.read_exact(&mut hello).is_ok() && &hello == b"INFO"
    }

    #[tokio::test]
    async fn a_server_starts_dies_and_comes_back_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut server =
            Server::start(&crate::find().unwrap(), &Options::in_folder(folder.path())).await.unwrap();
        let (url, pid) = (server.url(), server.pid());
        assert!(answers(&server));
        server.kill();
        assert!(!answers(&server));
        server.restart().await.unwrap();
        assert_eq!(server.url(), url);
        assert_ne!(server.pid(), pid);
        assert!(answers(&server));
    }

    #[tokio::test]
    async fn one_that_cannot_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.conf");
        fs::write(&bad, "no_such_setting: 7").unwrap();
        let plain = Options::in_folder(folder.path());
        for (options, words) in [
            (Options { config: Some(bad), ..plain.clone() }, "no_such_setting"),
            (
                Options { args: vec!["--routes".to_owned(), "nats://127.0.0.1:x".to_owned()], ..plain },
                "require cluster capabilities",
            ),
        ] {
            match Server::start(&crate::find().unwrap(), &options).await {
                Err(StartError::Ended(said)) => assert!(said.contains(words), "{said}"),
                other => panic!("{other:?}"),
            }
        }
    }

    const FOLDER: &str = "ZHOLDARY_NATSD_TEST_FOLDER";

    /// Not a test of its own: what the test below starts as a process of its own, to be killed.
    #[tokio::test]
    async fn starter() {
        let Ok(folder) = std::env::var(FOLDER) else { return };
        let server = Server::start(&crate::find().unwrap(), &Options::in_folder(&folder)).await.unwrap();
        // Written whole or not at all.
        let told = Path::new(&folder).join("told");
        fs::write(told.with_extension("new"), format!("{}", server.port)).unwrap();
        fs::rename(told.with_extension("new"), told).unwrap();
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn a_server_does_not_outlive_a_starter_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut starter = Command::new(std::env::current_exe().unwrap())
            .args(["server::tests::starter", "--exact"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let soon = Instant::now() + Duration::from_secs(60);
        let port: u16 = loop {
            match fs::read_to_string(folder.path().join("told")) {
                Ok(port) => break port.parse().unwrap(),
                Err(_) => assert!(Instant::now() < soon, "the starter never started a server"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        starter.kill().unwrap();
        starter.wait().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < soon, "the server lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
