//! The command line. Every command has an example, exits non-zero on failure, and takes `--json` where it prints a result.

#[cfg(test)]
mod page;

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use chrono::{DateTime, FixedOffset};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

/// The single window for a city's roads.
#[derive(Debug, Parser)]
#[command(
    name = "zholdary",
    version,
    after_help = "Examples:
  zholdary demo                     a simulated city on http://127.0.0.1:8080
  zholdary up --data ./data         the whole system in one process
  zholdary ingest whatsapp hook.json
  zholdary city check deploy/cities/almaty"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Which log lines are shown, for example `info` or `zholdary_routing=debug`.
    #[arg(
        long,
        global = true,
        env = "ZHOLDARY_LOG",
        default_value = "warn,zholdary=info",
        value_name = "FILTER"
    )]
    pub(crate) log_filter: String,
    /// Log lines as JSON.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one process: hooks, workers, views, pages.
    Up(Up),
    /// Some of the roles of a city, one process of several.
    Serve(Serve),
    /// `up` over a simulated city: ninety days of residents, operators and parties, played when its folder is new.
    Demo(Demo),
    /// Feeds recorded payloads through the real intake path.
    Ingest(Ingest),
    /// Understands texts: JSON lines {id, text, …} in, findings out.
    Triage(Triage),
    /// Learns from labelled texts what stems do not say: writes a city's `weights.csv`.
    Learn(Learn),
    /// Checks or publishes a city's folder.
    City(City),
    /// Makes, lists and ends access tokens.
    Token(Token),
    /// Makes the log on NATS, and keys of those who use it.
    Log(Log),
    /// What a channel delivered and nobody could read: list, show, retry, settle.
    Kept(Kept),
    /// Builds the views anew beside the old ones and switches.
    #[command(after_help = "Example:\n  zholdary rebuild --data ./data --json")]
    Rebuild(Keep),
    /// Reads the whole log and checks hashes, chains, order and density.
    #[command(after_help = "Example:\n  zholdary verify --data ./data --json")]
    Verify(Keep),
    /// Says how the installation is, and what it understood of its settings.
    #[command(after_help = "Example:\n  zholdary doctor --data ./data --json")]
    Doctor(Keep),
    /// The accounts at the platforms.
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Prints completions for a shell.
    #[command(after_help = "Example:\n  zholdary completions bash > /etc/bash_completion.d/zholdary")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    /// Asks a platform whether it knows the token and the accounts, and says what is missing. Sends nothing to anybody.
    #[command(after_help = "Examples:
  zholdary channel check telegram --config /etc/zholdary.toml
  zholdary channel check whatsapp --config /etc/zholdary.toml --json")]
    Check {
        /// The channel.
        #[arg(value_enum, value_name = "NAME")]
        name: ChannelName,
        /// Settings, a TOML file. Without it every setting has its default.
        #[arg(long, value_name = "FILE", env = "ZHOLDARY_CONFIG")]
        config: Option<PathBuf>,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A channel that a platform keeps an account for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelName {
    Whatsapp,
    Instagram,
    Facebook,
    Telegram,
    /// The mail server that takes our letters, and the mailbox that is read.
    Email,
}

/// Where the state is, and the settings.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Folder of the state: the log, raw bodies, views, `id.key`.
    #[arg(long, value_name = "DIR", default_value = "./data", env = "ZHOLDARY_DATA")]
    pub(crate) data: PathBuf,
    /// Settings, a TOML file. Without it every setting has its default.
    #[arg(long, value_name = "FILE", env = "ZHOLDARY_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The event log: `sqlite`, in the data folder, or `nats://HOST:PORT` (several of a cluster with commas).
    #[arg(long, value_name = "ENGINE", default_value = "sqlite", env = "ZHOLDARY_ENGINE")]
    pub(crate) log: Engine,
}

/// Which log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Engine {
    /// One SQLite file in the data folder.
    #[default]
    Sqlite,
    /// NATS JetStream on these servers.
    Nats(String),
}

impl FromStr for Engine {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "sqlite" => Ok(Self::Sqlite),
            servers if servers.split(',').all(|s| s.starts_with("nats://") || s.starts_with("tls://")) => {
                Ok(Self::Nats(servers.to_owned()))
            }
            _ => Err("give `sqlite`, `nats://HOST:PORT` or `tls://HOST:PORT`"),
        }
    }
}

/// An instant of the command line.
fn time(text: &str) -> Result<DateTime<FixedOffset>, &'static str> {
    DateTime::parse_from_rfc3339(text)
        .map_err(|_| "give day, time and offset, such as 2026-11-20T09:00:00+05:00 (RFC 3339)")
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zholdary up
  zholdary up --data /var/lib/zholdary --listen 0.0.0.0:8080 --config /etc/zholdary.toml
  zholdary up --log nats://127.0.0.1:4222")]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// City to publish when none is published yet. Default: the one that ships with the binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) city: Option<PathBuf>,
}

/// What a process of several does. The order is the one in which messages pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// The hooks of platforms: takes messages in.
    Intake,
    /// The workers `register`, `route`, `deadlines`: of several such processes one runs them, the others wait.
    Routing,
    /// The workers `tell`, `send`: residents hear what became of their appeals. Of several such processes one runs them.
    Delivery,
    /// The views, in a data folder of this machine.
    Views,
    /// Pages and API, beside `views` on the same disk.
    Http,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zholdary serve intake --log nats://127.0.0.1:4222 --data /var/lib/zholdary/intake --listen 127.0.0.1:8081
  zholdary serve routing --log nats://127.0.0.1:4222 --data /var/lib/zholdary/routing --listen 127.0.0.1:8082
  zholdary serve delivery --log nats://127.0.0.1:4222 --data /var/lib/zholdary/delivery --listen 127.0.0.1:8083
  zholdary serve views http --log nats://127.0.0.1:4222 --data /var/lib/zholdary/views

A city is published once, and each process that takes messages in needs the same id.key: see docs/operating.md.")]
pub(crate) struct Serve {
    /// What this process does.
    #[arg(value_enum, required = true, value_name = "ROLE")]
    pub(crate) roles: Vec<Role>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address to listen on: hooks, pages and API by role; health and metrics always.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zholdary demo --listen 127.0.0.1:8080\n  zholdary demo --nats --data ./data-nats"
)]
pub(crate) struct Demo {
    /// Folder of the demo's state; opened again as it is.
    #[arg(long, value_name = "DIR", default_value = "./data-demo")]
    pub(crate) data: PathBuf,
    /// Settings, a TOML file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Keep the log on a nats-server of its own, found or fetched, with its data in the folder.
    #[arg(long)]
    pub(crate) nats: bool,
    /// Where chance begins: the same seed and `--until` give the same messages and figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// When the simulated ninety days end. Default: today at 00:00 in the city. RFC 3339.
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<DateTime<FixedOffset>>,
    /// Appeals in groups of the report, up to 1,000,000. Default: as many as in the report of the city's first year.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) appeals: Option<u32>,
    /// Seconds between new messages once the city is played, on the average; they are counted apart. 0: none.
    #[arg(long, value_name = "SECONDS", default_value_t = 45)]
    pub(crate) pace: u32,
    /// End when the city is played, without serving.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Payload {
    /// Bodies of the WhatsApp hook.
    Whatsapp,
    /// Bodies of the Instagram hook.
    Instagram,
    /// Bodies of the Facebook hook.
    Facebook,
    /// Letters, as IMAP or LMTP gives them.
    Email,
    /// Updates of the Telegram bot, one by one or as `getUpdates` answers them.
    Telegram,
    /// Bodies of `POST /api/v1/appeals`.
    Web,
    /// Lines {id, text, channel?, account?, contact?, `sent_at`?, point?, photos?, `reply_to`?}.
    Jsonl,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zholdary ingest whatsapp tests/samples/channels/whatsapp/01_text_pothole_ru.json
  zholdary ingest jsonl tests/samples/almaty/appeals-sample.jsonl --at 2026-11-20T09:00:00+05:00

Files named *_sent.jsonl are seeds: messages of ours that had been sent before. One JSON line is printed for each file.")]
pub(crate) struct Ingest {
    /// What the files hold.
    #[arg(value_enum)]
    pub(crate) channel: Payload,
    /// Files, fed in the order given.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Time of lines without `sent_at` (jsonl), and of bodies that tell none (web). RFC 3339.
    #[arg(long, value_name = "T", value_parser = time)]
    pub(crate) at: Option<DateTime<FixedOffset>>,
    /// City to publish when none is published yet. Default: the one that ships with the binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) city: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zholdary triage appeals.jsonl --at 2026-11-20T09:00:00+05:00
  zholdary triage labelled.jsonl --score
  echo '{\"id\":1,\"text\":\"Яма на Абая 45\"}' | zholdary triage")]
pub(crate) struct Triage {
    /// JSON lines with `id` and `text`; standard input when absent.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// When it is decided: works and validity of parties are asked for that day. Default: now. RFC 3339.
    #[arg(long, value_name = "T", value_parser = time)]
    pub(crate) at: Option<DateTime<FixedOffset>>,
    /// City. Default: the one that ships with the binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) city: Option<PathBuf>,
    /// Tables of how many texts are understood as their lines say, instead of what is understood: `category` (and
    /// `accept_category`), `destination` (and `accept_destination`), `place.names`, `lang`, `danger`. What was missed, by `id`; how
    /// sure it was; how fast.
    #[arg(long)]
    pub(crate) score: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zholdary learn texts/*.jsonl --city deploy/cities/almaty
  zholdary learn texts/*.jsonl --corrections --data ./data --city deploy/cities/almaty

The same texts give the same file. `zholdary city publish DIR` puts it in force.")]
pub(crate) struct Learn {
    /// Files of JSON lines with `text`, `category` and, where others are as right, `accept_category`. Each by another author: a file is
    /// judged by what was learnt from the others.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Files that are only learnt from, because the city's stems were made for them.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) also: Vec<PathBuf>,
    /// The city's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) city: PathBuf,
    /// Learn also from the appeals of the log whose category an operator corrected. All that one person wrote counts as one text, all
    /// that came by the web too: a piece stands in at least three.
    #[arg(long)]
    pub(crate) corrections: bool,
    /// Write nothing; fail when the file is not what these texts give.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct City {
    #[command(subcommand)]
    pub(crate) command: CityCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CityCommand {
    /// Reports every fault with file, line and remedy.
    #[command(after_help = "Example:\n  zholdary city check deploy/cities/almaty")]
    Check {
        /// The city's folder.
        dir: PathBuf,
        /// The faults as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Puts a city's folder in force, whole, as one record.
    #[command(after_help = "Example:\n  zholdary city publish deploy/cities/almaty --data ./data")]
    Publish {
        /// The city's folder.
        dir: PathBuf,
        #[command(flatten)]
        place: Place,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token and prints it once; only its digest is kept.
    #[command(after_help = "Examples:
  zholdary token create --role operator
  zholdary token create --role party --party akimat-almaly --days 90")]
    Create {
        /// What its bearer may do.
        #[arg(long, value_enum)]
        role: RoleName,
        /// Code of the party whose bearer it is; needed for the role `party`.
        #[arg(long, value_name = "CODE", required_if_eq("role", "party"))]
        party: Option<String>,
        /// Days until it stops to work. Default: never.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
        #[command(flatten)]
        place: Place,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists the tokens that there are or were, as the views of the folder know them: name, role, party, whether it works. No
    /// secret.
    #[command(after_help = "Example:\n  zholdary token list --data ./data")]
    List {
        #[command(flatten)]
        place: Place,
        /// The list as JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Ends a token: whoever bears it is refused as soon as the views know.
    #[command(after_help = "Example:\n  zholdary token revoke 3f9c2a7be01d")]
    Revoke {
        /// Its name: what stands between `zh_` and the second `_`.
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// The roles, as the command line names them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    Operator,
    Party,
    Analyst,
    Partner,
    Admin,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Makes the streams and buckets, as an operator who may. Done once; again, it checks them.
    #[command(after_help = "Examples:
  zholdary log init --log nats://127.0.0.1:4222
  zholdary log init --log nats://n1:4222,nats://n2:4222,nats://n3:4222 --replicas 3")]
    Init {
        #[command(flatten)]
        place: Place,
        /// How many servers keep it: 1 for development, 3 in production.
        #[arg(long, value_name = "N", default_value_t = 1)]
        replicas: usize,
        /// The most bytes that the log may take; then it takes no more records. Default: as much as the servers allow.
        #[arg(long, value_name = "BYTES")]
        max_bytes: Option<i64>,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes the nkey of a role: the seed into FILE, for the setting `nats.nkey_file`; the public half, which the servers'
    /// configuration names, is printed.
    #[command(
        after_help = "Example:\n  export ZHOLDARY_NKEY_INTAKE=$(zholdary log key /etc/zholdary/intake.nk)"
    )]
    Key {
        /// Where the seed goes. A file that is there is never overwritten.
        file: PathBuf,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Kept {
    #[command(subcommand)]
    pub(crate) command: KeptCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeptCommand {
    /// Lists what waits: number, when it came, channel, why.
    #[command(after_help = "Example:\n  zholdary kept list --data ./data")]
    List {
        #[command(flatten)]
        place: Place,
        /// The list as JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Prints the body that holds it, as it came. It is personal data.
    #[command(after_help = "Example:\n  zholdary kept show 7 | less")]
    Show {
        /// Its number in the list.
        id: i64,
        #[command(flatten)]
        place: Place,
    },
    /// Reads it again with this release and these settings; what reads now is registered like any delivery. What does not, or
    /// would lead to nothing, waits on.
    #[command(after_help = "Examples:\n  zholdary kept retry 7\n  zholdary kept retry --all")]
    Retry {
        /// Its number in the list.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<i64>,
        /// Everything that waits.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        place: Place,
        /// The result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Says what became of it; from then on its body ages like any other.
    #[command(
        after_help = "Example:\n  zholdary kept settle 7 --reason \"registered by phone as Z-2026-000401\""
    )]
    Settle {
        /// Its number in the list.
        id: i64,
        /// What became of it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Keep {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The script that completes commands in `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "zholdary", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let mut leaves = command.get_subcommands().filter(|c| c.get_name() != "help").peekable();
            if leaves.peek().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{path} shows no example");
            }
            leaves.for_each(|leaf| walk(leaf, &path));
        }
        walk(&Cli::command(), "");
    }
}
