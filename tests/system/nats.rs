//! The servers as production has them: who may do what.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_nats::{Client, ConnectOptions, HeaderMap};
use tempfile::TempDir;
use zholdary_domain::{Position, StreamKind};
use zholdary_log::{EventLog, JetStreamConfig, JetStreamLog, Metrics};
use zholdary_natsd::{Options, Server, find};

use crate::harness::{folder, json, path, root, run, until};

/// The users of `deploy/nats/roles.conf`.
const ROLES: [&str; 6] = ["operator", "intake", "routing", "delivery", "views", "http"];

/// One server with the accounts of production, and a log on it.
pub(crate) struct Servers {
    server: Server,
    folder: TempDir,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// With `settings` of their JetStream.
    async fn start_with(settings: &str) -> Self {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let mut options = Options::in_folder(at("server"));
        options.env = identities(folder.path());
        std::fs::copy(deployed("roles.conf"), at("roles.conf")).expect("a file of ours");
        let (cert, key) = (at("cert.pem"), at("key.pem"));
        let tls = format!("tls {{ cert_file: {:?}, key_file: {:?} }}", path(&cert), path(&key));
        let config = format!("{tls}\njetstream {{ {settings} }}\ninclude roles.conf\n");
        std::fs::write(at("server.conf"), config).expect("a file of ours");
        options.config = Some(at("server.conf"));
        let program = find().expect("a nats-server");
        let server = Server::start(&program, &options).await.expect("it starts");
        let servers = Self { server, folder };
        let config = servers.settings("operator");
        let made = run(&["log", "init", "--log", &servers.server.url(), "--config", path(&config)]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        servers
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The settings of a role: those that are shipped, with the files of this server.
    pub(crate) fn settings(&self, role: &str) -> PathBuf {
        let shipped = std::fs::read_to_string(deployed(&format!("{role}.toml"))).expect("a file of ours");
        let file = self.folder.path().join(format!("{role}.toml"));
        let here = format!("{}/", path(self.folder.path()));
        std::fs::write(&file, shipped.replace("/etc/zholdary/", &here)).expect("a file of ours");
        file
    }

    pub(crate) fn config(&self, role: &str) -> JetStreamConfig {
        JetStreamConfig {
            nkey_file: Some(self.folder.path().join(format!("{role}.nk"))),
            ca_file: Some(self.folder.path().join("ca.pem")),
            inbox: format!("_INBOX_{role}"),
            ..JetStreamConfig::at(&self.server.url())
        }
    }

    /// A client with the rights of `role`, and what the server forbade it.
    async fn client(&self, role: &str) -> (Client, Arc<Mutex<Vec<String>>>) {
        let denied = Arc::new(Mutex::new(Vec::new()));
        let seed = std::fs::read_to_string(self.folder.path().join(format!("{role}.nk"))).expect("its key");
        let heard = Arc::clone(&denied);
        let options = ConnectOptions::with_nkey(seed.trim().to_owned())
            .custom_inbox_prefix(format!("_INBOX_{role}"))
            .add_root_certificates(self.folder.path().join("ca.pem"))
            .event_callback(move |event| {
                let heard = Arc::clone(&heard);
                async move { heard.lock().expect("nobody panics").push(event.to_string()) }
            });
        (options.connect(self.server.url()).await.expect("it may connect"), denied)
    }
}

/// Makes a certificate and a key for each user, in `folder`. Answers what the servers' configuration asks of the environment.
fn identities(folder: &Path) -> Vec<(String, String)> {
    let names = ["127.0.0.1".to_owned(), "n1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let (cert, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    for (file, text) in [("cert.pem", &cert), ("ca.pem", &cert), ("key.pem", &key)] {
        std::fs::write(folder.join(file), text).expect("a file of ours");
    }
    let user = |role: &str| {
        let key = json(&["log", "key", path(&folder.join(format!("{role}.nk"))), "--json"]);
        let public = key[0]["public"].as_str().expect("the public half").to_owned();
        (format!("ZHOLDARY_NKEY_{}", role.to_uppercase()), public)
    };
    ROLES.into_iter().chain(["system", "watch"]).map(user).collect()
}

fn deployed(file: &str) -> PathBuf {
    root().join("deploy/nats").join(file)
}

/// What `role` may publish of `subjects`: the server judges each before it answers what comes after.
async fn may_publish(servers: &Servers, role: &str, subjects: &[String]) -> BTreeSet<String> {
    let (client, denied) = servers.client(role).await;
    // No record is what these would be: the stream must not take them.
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Sequence", "999999");
    for subject in subjects {
        client.publish_with_headers(subject.clone(), headers.clone(), "".into()).await.expect("it is sent");
    }
    client.flush().await.expect("it is heard");
    // The end of the row: whoever hears of it has heard of all before it.
    client.publish("denied.to.everybody", "".into()).await.expect("it is sent");
    let told = || denied.lock().expect("nobody panics").join("\n");
    until("the last was judged", async || told().contains("denied.to.everybody")).await;
    subjects.iter().filter(|subject| !told().contains(&format!("\"{subject}\""))).cloned().collect()
}

#[tokio::test]
async fn a_role_may_do_its_work_and_nothing_else() {
    use StreamKind as K;
    let servers = Servers::start().await;
    let kinds = K::ALL.map(|kind| format!("zholdary.log.v1.{}.x", kind.as_str()));
    let danger = [
        "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.STREAM.DELETE.ZHOLDARY_LOG",
        "$JS.API.STREAM.UPDATE.ZHOLDARY_LOG",
        "$JS.API.STREAM.PURGE.ZHOLDARY_LOG",
        "$JS.API.STREAM.MSG.DELETE.ZHOLDARY_LOG",
        "$JS.API.STREAM.DELETE.KV_ZHOLDARY_INFO",
        "$JS.API.STREAM.PURGE.KV_ZHOLDARY_INFO_LEASES",
        "$JS.API.CONSUMER.CREATE.KV_ZHOLDARY_INFO.x",
        "$KV.ZHOLDARY_INFO.key",
        "$KV.ZHOLDARY_INFO.checkpoint.register",
        "$KV.ZHOLDARY_INFO.checkpoint.route",
        "$KV.ZHOLDARY_INFO.checkpoint.deadlines",
        "$KV.ZHOLDARY_INFO.checkpoint.tell",
        "$KV.ZHOLDARY_INFO.checkpoint.mailbox",
        "$KV.ZHOLDARY_INFO.other",
        "$KV.ZHOLDARY_INFO_LEASES.routing",
        "$KV.ZHOLDARY_INFO_LEASES.delivery",
        "$KV.ZHOLDARY_INFO_LEASES.mailbox",
        "$KV.ZHOLDARY_INFO_LEASES.media",
        "$KV.ZHOLDARY_INFO_LEASES.other",
        "$JS.API.STREAM.PURGE.ZHOLDARY_RAW",
        "$JS.API.STREAM.MSG.DELETE.ZHOLDARY_RAW",
        "$JS.API.STREAM.DELETE.ZHOLDARY_RAW_WAITING",
        "$JS.API.STREAM.UPDATE.ZHOLDARY_RAW",
        "$JS.API.CONSUMER.CREATE.ZHOLDARY_RAW.x",
        "$JS.API.STREAM.MSG.GET.ZHOLDARY_RAW",
        "$JS.API.DIRECT.GET.ZHOLDARY_RAW",
        "$JS.API.DIRECT.GET.ZHOLDARY_RAW_WAITING",
        "zholdary.raw.v1.body.x.0",
        "zholdary.raw.v1.held.x.0",
        "zholdary.raw.v1.note.x.0",
        "$JS.API.STREAM.PURGE.ZHOLDARY_FILES",
        "$JS.API.STREAM.MSG.DELETE.ZHOLDARY_FILES",
        "$JS.API.STREAM.UPDATE.ZHOLDARY_FILES",
        "$JS.API.STREAM.MSG.GET.ZHOLDARY_FILES",
        "$JS.API.DIRECT.GET.ZHOLDARY_FILES",
        "zholdary.files.v1.file.x.0",
        "_INBOX_http.x",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.SERVER.PING.JSZ",
        "$SYS.REQ.SERVER.PING.VARZ",
    ];
    let subjects: Vec<String> = kinds.into_iter().chain(danger.map(str::to_owned)).collect();
    let check = async |role: &str, writes: &[K], also: &[&str]| {
        let writes = writes.iter().map(|kind| format!("zholdary.log.v1.{}.x", kind.as_str()));
        let expected: BTreeSet<_> = writes.chain(also.iter().map(|s| (*s).to_owned())).collect();
        assert_eq!(may_publish(&servers, role, &subjects).await, expected, "{role}");
    };
    let raw = [
        "zholdary.raw.v1.body.x.0",
        "zholdary.raw.v1.held.x.0",
        "zholdary.raw.v1.note.x.0",
        "$JS.API.STREAM.MSG.GET.ZHOLDARY_RAW",
        "$JS.API.DIRECT.GET.ZHOLDARY_RAW_WAITING",
    ];
    let mailbox = ["$KV.ZHOLDARY_INFO.checkpoint.mailbox", "$KV.ZHOLDARY_INFO_LEASES.mailbox"];
    let files = ["$JS.API.STREAM.MSG.GET.ZHOLDARY_FILES", "zholdary.files.v1.file.x.0"];
    let fetching = ["$KV.ZHOLDARY_INFO_LEASES.media"];
    check("intake", &[K::Message], &[&raw[..], &mailbox, &files, &fetching].concat()).await;
    let routed = [K::Message, K::Appeal, K::Problem, K::Number];
    let kept = [
        "$KV.ZHOLDARY_INFO.checkpoint.register",
        "$KV.ZHOLDARY_INFO.checkpoint.route",
        "$KV.ZHOLDARY_INFO.checkpoint.deadlines",
        "$KV.ZHOLDARY_INFO_LEASES.routing",
    ];
    check("routing", &routed, &kept).await;
    let kept = ["$KV.ZHOLDARY_INFO.checkpoint.tell", "$KV.ZHOLDARY_INFO_LEASES.delivery"];
    check("delivery", &[K::Message, K::Appeal], &kept).await;
    check("views", &[], &[]).await;
    let written = [K::Message, K::Appeal, K::Problem, K::Rules, K::Works, K::Party, K::Account, K::Access];
    check("http", &written, &[&raw[..], &files].concat()).await;
    check("operator", &[K::Rules, K::Access], &[&["$KV.ZHOLDARY_INFO.key"], &raw[1..]].concat()).await;
    check("watch", &[], &["$SYS.REQ.SERVER.PING.JSZ"]).await;
}

/// Servers that would lose with the power what they acknowledged are told of.
#[tokio::test]
async fn the_servers_say_how_they_keep_records() {
    let check = async |settings: &str, sync: &str, is_well: bool| {
        let servers = Servers::start_with(settings).await;
        let (data, config) = (folder(), servers.settings("operator"));
        let looked = run(&[
            "doctor",
            "--json",
            "--data",
            path(data.path()),
            "--log",
            &servers.url(),
            "--config",
            path(&config),
        ]);
        let found: serde_json::Value = serde_json::from_slice(&looked.stdout).expect("what doctor found");
        let told = found.as_array().and_then(|all| all.iter().find(|one| one["what"] == "servers"));
        let told = told.unwrap_or_else(|| panic!("{found}"));
        assert!(told["is"].as_str().is_some_and(|is| is.ends_with(sync)), "{settings}: {told}");
        assert_eq!(told["remedy"].is_null(), is_well, "{settings}: {told}");
        let registry = prometheus::Registry::new();
        let metrics = Metrics::new(&registry).expect("the first");
        let config = JetStreamConfig {
            watch_nkey_file: Some(servers.folder.path().join("watch.nk")),
            ..servers.config("routing")
        };
        let _log = JetStreamLog::open(config, metrics).await.expect("it opens");
        let line = format!("zholdary_log_servers{{sync=\"{}\"}} 1", if is_well { "always" } else { "later" });
        until("the server is counted", async || {
            prometheus::TextEncoder::new()
                .encode_to_string(&registry.gather())
                .is_ok_and(|text| text.contains(&line))
        })
        .await;
    };
    check("sync_interval: always", "sync_interval always", true).await;
    check("", "sync_interval 120 s", false).await;
}

#[tokio::test]
async fn nobody_reads_what_is_not_for_them() {
    let servers = Servers::start().await;
    for role in ROLES {
        let (client, denied) = servers.client(role).await;
        let other = if role == "http" { "_INBOX_intake.>" } else { "_INBOX_http.>" };
        for subject in ["zholdary.log.v1.>", "zholdary.raw.v1.>", "zholdary.files.v1.>", "$KV.>", other, ">"]
        {
            let _heard = client.subscribe(subject).await.expect("it is sent");
            until("it was judged", async || {
                denied.lock().expect("nobody panics").join("\n").contains(&format!("\"{subject}\""))
            })
            .await;
        }
    }
    let stranger = ConnectOptions::new().connect(servers.server.url()).await;
    assert!(stranger.is_err(), "nobody without a key comes in");
}

#[tokio::test]
async fn every_role_opens_the_log_and_hears_it_grow() {
    let servers = Servers::start().await;
    let data = folder();
    let mut tails = Vec::new();
    for role in ROLES {
        let log = JetStreamLog::open(servers.config(role), Metrics::unregistered()).await.expect(role);
        tails.push((role, log.tail(Position::START), log));
    }
    let url = servers.server.url();
    let config = servers.settings("operator");
    let args = ["--log", &url, "--config", path(&config), "--data", path(data.path())];
    let published =
        run(&[&["city", "publish", path(&root().join("deploy/cities/almaty"))], &args[..]].concat());
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    for (role, tail, log) in &mut tails {
        let page = tail.next_page(10).await.expect(role);
        assert_eq!(page.first().expect("a record").stream.kind(), StreamKind::Rules, "{role}");
        assert_eq!(log.head().await.expect(role), page.last().expect("a record").position);
    }
}

#[tokio::test]
async fn the_pages_keep_photos_and_nobody_writes_over_one() {
    let servers = Servers::start().await;
    let log = JetStreamLog::open(servers.config("http"), Metrics::unregistered()).await.expect("the log");
    let files = log.files().await.expect("the stream of files");
    let put = async |bytes: &'static [u8]| {
        files.put("x", bytes.len(), |_, _| std::future::ready(Ok(bytes.into()))).await
    };
    put(b"a photo").await.expect("http may");
    put(b"a photo").await.expect("again");
    put(b"another").await.expect_err("nobody writes over it");
    assert_eq!(files.get("x").await.expect("http may").as_deref(), Some(&b"a photo"[..]));
}

/// Whether `nats-server -t` finds a configuration sound.
fn is_sound(file: &Path, env: &[(String, String)]) -> Result<(), String> {
    let folder = folder();
    let out = std::process::Command::new(find().expect("a nats-server"))
        .args(["-t", "-c"])
        .arg(file)
        .envs(env.iter().cloned())
        .current_dir(folder.path())
        .output()
        .expect("it can be run");
    out.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn what_is_shipped_for_the_servers_is_sound() {
    assert_eq!(is_sound(&deployed("development.conf"), &[]), Ok(()));
    let folder = folder();
    let file = |name: &str| path(&folder.path().join(name)).to_owned();
    let mut env = identities(folder.path());
    let also = [
        ("ZHOLDARY_ZONE", "zone:1".to_owned()),
        ("ZHOLDARY_STORE", file("store")),
        ("ZHOLDARY_ROUTES", r#"["nats://n1:6222", "nats://n2:6222", "nats://n3:6222"]"#.to_owned()),
        ("ZHOLDARY_TLS_CERT", file("cert.pem")),
        ("ZHOLDARY_TLS_KEY", file("key.pem")),
        ("ZHOLDARY_TLS_CA", file("ca.pem")),
        ("ZHOLDARY_SERVER", "n1".to_owned()),
    ];
    env.extend(also.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(is_sound(&deployed("production.conf"), &env), Ok(()));
    env.pop();
    assert!(is_sound(&deployed("production.conf"), &env).is_err(), "a variable that is not set is a fault");
}
