//! `zholdary demo`: a simulated city. Its messages go through the real intake path when the folder is new; then it is served.

mod platform;
mod play;
mod trickle;

use std::{path::Path, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use zholdary_city::{City, Files};
use zholdary_domain::{Clock, SystemClock, access::Role, time::PlayedClock};
use zholdary_log::{
    Flush, SqliteLog,
    jetstream::{Init, init},
};
use zholdary_natsd::{Options, Server};
use zholdary_simulation::{DAYS, Plan, Script};

pub(crate) use self::trickle::Trickle;
use self::{
    platform::Platform,
    play::{Played, Player, SPEAKS_FOR},
};
use super::{
    token,
    up::{self, Publish, Roles},
};
use crate::{
    cli::{self, Engine},
    config::{Config, Senders},
    data::Data,
    print,
    system::{self, System},
};

/// The works of the shipped city, and the day that they were made up for.
const WORKS: &str = "works.csv";
const WORKS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a day");
/// Stands in a folder whose city was played to the end, and tells when that was.
const DONE: &str = "demo.done";
/// A token of an operator for whoever looks at the demo: its residents are invented, so it may lie beside them.
const TOKEN: &str = "demo.token";
/// Held while a city is being played; its file marks the folder as ours.
const LOCK: &str = "demo.lock";
/// What the folder is called while its city is being played, behind its own name.
const PLAYING: &str = ".playing";
/// Holds the data of the demo's own nats-server.
const NATS: &str = "nats";

pub(crate) async fn demo(args: cli::Demo) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(args.config.as_deref())?;
    // Its residents are invented, and their numbers may be somebody's: nothing goes out but to pretended platforms, and no bot's updates
    // come in.
    config.senders = Senders::default();
    same_engine(&args)?;
    let shipped = system::city(&system::city_files(None)?)?;
    if !args.data.join(DONE).exists() {
        played(&args, &config, &shipped).await?;
    }
    if args.exit {
        return Ok(ExitCode::SUCCESS);
    }
    let until = std::fs::read_to_string(args.data.join(DONE)).context("could not read when the demo ends")?;
    let until = DateTime::parse_from_rfc3339(until.trim())
        .with_context(|| format!("{} does not tell when the demo ends", args.data.join(DONE).display()))?;
    if config.http.report_to.is_none() {
        config.http.report_to = shipped.calendar.local_date(until.to_utc()).pred_opt();
    }
    // It ends when it is dropped.
    let _server = if args.nats { Some(nats(&args.data, &mut config).await?) } else { None };
    if args.data.join(TOKEN).exists() {
        print::note(&format!(
            "An operator's token for the API is in {0}: -H \"Authorization: Bearer $(cat {0})\"",
            args.data.join(TOKEN).display(),
        ));
    }
    let trickle = Trickle::new(shipped, args.pace);
    up::run(&args.data, config, args.listen, &Roles::all(), Some(Publish { folder: None }), Some(trickle))
        .await
}

/// A demo is opened with the engine that it was played on.
fn same_engine(args: &cli::Demo) -> anyhow::Result<()> {
    let other = if args.nats { SqliteLog::file_in(&args.data) } else { args.data.join(NATS) };
    if other.exists() {
        bail!(
            "the demo in {} keeps its log {}: name another folder with --data DIR, or start it as before, {} --nats",
            args.data.display(),
            if args.nats { "in a file" } else { "on NATS" },
            if args.nats { "without" } else { "with" },
        );
    }
    Ok(())
}

/// Starts a nats-server with its data in the folder, and has the log made there.
async fn nats(data: &Path, config: &mut Config) -> anyhow::Result<Server> {
    let program = tokio::task::spawn_blocking(zholdary_natsd::find).await?;
    let program = program.context("there is no nats-server to start")?;
    let server = Server::start(&program, &Options::in_folder(data.join(NATS))).await?;
    config.nats.servers = vec![server.url()];
    config.engine = Engine::Nats(server.url());
    init(&config.nats, &Init::default()).await.context("could not make the log")?;
    Ok(server)
}

/// Plays the city beside its folder, which then gets its name: what was interrupted is nothing, and is played anew.
async fn played(args: &cli::Demo, config: &Config, shipped: &City) -> anyhow::Result<()> {
    let data = &std::path::absolute(&args.data).context("the folder of the demo")?;
    let Some(name) = data.file_name() else {
        bail!("{} cannot be the demo's folder: name another one with --data DIR", data.display());
    };
    // What cannot be replaced is found out before a minute is spent.
    if data.exists() {
        std::fs::remove_dir(data).with_context(|| {
            format!(
                "{} holds something that is no demo, or cannot be replaced: name another folder with --data DIR",
                data.display()
            )
        })?;
    }
    let mut beside = name.to_owned();
    beside.push(PLAYING);
    let beside = data.with_file_name(beside);
    if beside.exists() {
        abandoned(&beside)?;
    }
    let folder = Data::open(&beside)?;
    let Some(playing) = folder.lock(LOCK)? else {
        bail!("another demo is being played into {}", data.display())
    };
    let mut config = config.clone();
    // What is interrupted is thrown away whole, so nothing in it need be kept before all of it is.
    config.log.flush = Flush::AtEnd;
    config.raw.flush = Flush::AtEnd;
    // Nobody waits for a look between two messages.
    config.delivery.look_ms = 2;
    let server = if args.nats { Some(nats(&beside, &mut config).await?) } else { None };
    let until = play(args, folder, config.clone(), shipped).await?;
    let token = token::made(Role::Operator, &Data::open(&beside)?, &config).await?;
    secretly(&beside.join(TOKEN), token.reveal())?;
    drop((server, playing));
    std::fs::remove_file(beside.join(LOCK)).context("could not remove the lock of the demo")?;
    std::fs::write(beside.join(DONE), until.to_rfc3339()).context("could not write when the demo ends")?;
    flush(&beside).with_context(|| format!("the disk does not keep {}", beside.display()))?;
    std::fs::rename(&beside, data).with_context(|| format!("could not name the folder {}", data.display()))
}

/// Has the disk keep everything in a folder. What was removed meanwhile, as SQLite removes its log of changes, is nothing to keep.
fn flush(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            flush(&entry.path())?;
        } else {
            match std::fs::File::open(entry.path()) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                file => file?.sync_all()?,
            }
        }
    }
    // Its names, too, where a folder can be opened.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Removes what an interrupted demo left: only a folder that bears our mark, and that nobody is playing in.
fn abandoned(beside: &Path) -> anyhow::Result<()> {
    if !beside.join(LOCK).exists() {
        bail!("{} is not ours: remove it, or name another folder with --data DIR", beside.display());
    }
    if Data::open(beside)?.lock(LOCK)?.is_none() {
        bail!("another demo is being played in {}", beside.display());
    }
    std::fs::remove_dir_all(beside)
        .with_context(|| format!("could not remove the interrupted demo in {}", beside.display()))
}

/// Writes a file that only its owner reads.
fn secretly(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| writeln!(file, "{text}"));
    written.with_context(|| format!("could not write {}", file.display()))
}

/// Plays the city; tells when it ends.
async fn play(args: &cli::Demo, data: Data, config: Config, shipped: &City) -> anyhow::Result<DateTime<Utc>> {
    let began = Instant::now();
    let until = args.until.map_or_else(|| midnight(shipped, SystemClock.now()), |until| until.to_utc());
    if until != midnight(shipped, until) {
        bail!(
            "--until must be the beginning of a day in the city, such as 2026-11-20T00:00:00+05:00: the report counts whole days"
        );
    }
    let from = until - Duration::days(DAYS);
    let days = shipped.calendar.local_date(until) - WORKS_OF;
    let files = with_works_moved(system::city_files(None)?, days)?;
    let city = system::city(&files)?;
    let appeals = args.appeals.unwrap_or_else(|| first_year(&city));
    let script = Script::new(&city, &Plan { seed: args.seed, until, appeals })
        .context("the city cannot be simulated")?;
    let clock = Arc::new(PlayedClock::at(from));
    let platform = Platform::new(Arc::clone(&clock) as _);
    let system = System::open(data, config, Arc::clone(&clock) as _).await?.pretending(platform.carriers());
    let system = Arc::new(system);
    system.publish_files_first(|| Ok(files)).await?;
    let player = Player::new(&system, &clock, &script, &city, &platform, until).await?;
    let Played { messages, appeals, corrected, sent } = player.play(from, until).await?;
    print::note(&format!(
        "{messages} messages of residents, {appeals} appeals, {corrected} of them corrected by the simulated operator, {sent} messages to residents in the last {} days, in {:.0} s",
        SPEAKS_FOR.num_days(),
        began.elapsed().as_secs_f64()
    ));
    Ok(until)
}

/// Appeals in the report of the city's first year.
fn first_year(city: &City) -> u32 {
    let halves: u32 = city.channel_groups.iter().map(|group| group.count).sum();
    if halves > 0 { halves } else { city.buckets.iter().map(|bucket| bucket.count).sum() }
}

/// The city with every day of its works so many days later: what is dug up on the demo's last day is what the sample shows on its own.
fn with_works_moved(mut files: Files, days: Duration) -> anyhow::Result<Files> {
    let works = files.get(WORKS).context("the shipped city has no works")?;
    let mut reader = csv::Reader::from_reader(works);
    let header = reader.headers()?.clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header)?;
    for row in reader.records() {
        let row = row?;
        let cells = header.iter().zip(&row).map(|(column, cell)| {
            let day = matches!(column, "start" | "finish").then(|| cell.parse::<NaiveDate>().ok()).flatten();
            day.map_or_else(|| cell.to_owned(), |day| (day + days).to_string())
        });
        writer.write_record(cells)?;
    }
    let moved = writer.into_inner().map_err(|error| anyhow::anyhow!("could not write the works: {error}"))?;
    files.insert(WORKS, moved)?;
    Ok(files)
}

/// The beginning of the day in the city.
fn midnight(city: &City, now: DateTime<Utc>) -> DateTime<Utc> {
    let day = city.calendar.local_date(now).and_time(NaiveTime::MIN);
    let local = city.calendar.zone().from_local_datetime(&day);
    local.earliest().map_or(now, |midnight| midnight.to_utc())
}
