//! `zholdary demo`: a simulated city. Its messages go through the real intake path when the folder is new; then it is served.

mod play;

use std::{process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use zholdary_city::{City, Files};
use zholdary_domain::{Clock, SystemClock, time::PlayedClock};
use zholdary_log::{
    SqliteLog,
    jetstream::{Init, init},
};
use zholdary_natsd::{Options, Server};
use zholdary_simulation::{DAYS, Plan, Script};

use self::play::{Played, Player};
use super::up::{self, Publish, Roles};
use crate::{
    cli::{self, Engine},
    config::Config,
    data::Data,
    print,
    system::{self, System},
};

/// The works of the shipped city, and the day that they were made up for.
const WORKS: &str = "works.csv";
const WORKS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a day");
/// Stands in a folder whose city was played to the end.
const DONE: &str = "demo.done";
/// Stands in a folder whose city is being played: one that was interrupted is not gone on with.
const BEGUN: &str = "demo.begun";
/// Holds the data of the demo's own nats-server.
const NATS: &str = "nats";

pub(crate) async fn demo(args: cli::Demo) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(args.config.as_deref())?;
    // It ends when it is dropped.
    let _server = nats(&args, &mut config).await?;
    play(&args, config.clone()).await?;
    if args.exit {
        return Ok(ExitCode::SUCCESS);
    }
    up::run(&args.data, config, args.listen, &Roles::all(), Some(Publish { folder: None })).await
}

/// Starts a nats-server for the demo's log, when one is wanted.
async fn nats(args: &cli::Demo, config: &mut Config) -> anyhow::Result<Option<Server>> {
    let data = Data::open(&args.data)?;
    let folder = data.path().join(NATS);
    let other = if args.nats { SqliteLog::file_in(data.path()) } else { folder.clone() };
    if other.exists() {
        bail!(
            "the demo in {} keeps its log {}: name another folder with --data DIR, or start it as before, {} --nats",
            data.path().display(),
            if args.nats { "in a file" } else { "on NATS" },
            if args.nats { "without" } else { "with" },
        );
    }
    if !args.nats {
        return Ok(None);
    }
    let program = tokio::task::spawn_blocking(zholdary_natsd::find).await?;
    let program = program.context("there is no nats-server to start")?;
    let server = Server::start(&program, &Options::in_folder(folder)).await?;
    config.nats.servers = vec![server.url()];
    config.engine = Engine::Nats(server.url());
    init(&config.nats, &Init::default()).await.context("could not make the log")?;
    Ok(Some(server))
}

/// Plays the city, once.
async fn play(args: &cli::Demo, config: Config) -> anyhow::Result<()> {
    let began = Instant::now();
    let data = Data::open(&args.data)?;
    let (done, begun) = (data.path().join(DONE), data.path().join(BEGUN));
    if done.exists() {
        return Ok(());
    }
    if begun.exists() {
        bail!(
            "the demo in {} was interrupted while it was played: remove the folder, or name another one with --data DIR",
            data.path().display()
        );
    }
    std::fs::write(&begun, "").with_context(|| format!("could not write {}", begun.display()))?;
    let shipped = system::city(&system::city_files(None)?)?;
    let until = args.until.map_or_else(|| midnight(&shipped, SystemClock.now()), |until| until.to_utc());
    let from = until - Duration::days(DAYS);
    let days = shipped.calendar.local_date(until) - WORKS_OF;
    let files = with_works_moved(system::city_files(None)?, days)?;
    let city = system::city(&files)?;
    let appeals = args.appeals.unwrap_or_else(|| city.buckets.iter().map(|bucket| bucket.count).sum());
    let script = Script::new(&city, &Plan { seed: args.seed, until, appeals })
        .context("the city cannot be simulated")?;
    let clock = Arc::new(PlayedClock::at(from));
    let system = Arc::new(System::open(data, config, Arc::clone(&clock) as _).await?);
    system.publish_files_first(|| Ok(files)).await?;
    let played = Player::new(&system, &clock, &script).await?.play(from, until).await?;
    std::fs::rename(&begun, &done).with_context(|| format!("could not write {}", done.display()))?;
    let Played { messages, appeals, corrected } = played;
    print::note(&format!(
        "{messages} messages of residents, {appeals} appeals, {corrected} of them corrected by the simulated operator, in {:.0} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
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
