//! `zholdary demo`: a city with sample appeals. They go through the real intake path when the folder is new.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use zholdary_domain::time::PlayedClock;
use zholdary_log::{
    SqliteLog,
    jetstream::{Init, init},
};
use zholdary_natsd::{Options, Server};

use super::{
    ingest::{Feed, Source},
    up::{self, Publish, Roles},
};
use crate::{
    cli::{self, Engine, Payload},
    config::Config,
    data::Data,
    print,
    system::System,
};

/// When the sample appeals were written.
const SAMPLES_AT: &str = "2026-11-20T09:00:00+05:00";

/// What the demo feeds: name, kind, bytes.
const SAMPLES: [(&str, Payload, &[u8]); 9] = {
    macro_rules! whatsapp {
        ($name:literal) => {
            (
                concat!($name, ".json"),
                Payload::Whatsapp,
                include_bytes!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../tests/samples/channels/whatsapp/",
                    $name,
                    ".json"
                )) as &[u8],
            )
        };
    }
    [
        (
            "appeals-sample.jsonl",
            Payload::Jsonl,
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../tests/samples/almaty/appeals-sample.jsonl"
            )) as &[u8],
        ),
        whatsapp!("01_text_pothole_ru"),
        whatsapp!("02_text_kk"),
        whatsapp!("03_image_caption"),
        whatsapp!("04_album_three_images_one_post"),
        whatsapp!("05_location_after_text"),
        whatsapp!("06_voice_note_kk"),
        whatsapp!("07_document_pdf"),
        whatsapp!("12_username_user_no_phone"),
    ]
};

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

/// Holds the data of the demo's own nats-server.
const NATS: &str = "nats";

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

/// Stands in a folder that has all the samples.
const DONE: &str = "demo.done";

/// Feeds the samples, once. A demo that was interrupted goes on: what is in already is recognised.
async fn play(args: &cli::Demo, config: Config) -> anyhow::Result<()> {
    let at: DateTime<Utc> = DateTime::parse_from_rfc3339(SAMPLES_AT)?.with_timezone(&Utc);
    let clock = Arc::new(PlayedClock::at(at));
    let data = Data::open(&args.data)?;
    let done = data.path().join(DONE);
    if done.exists() {
        return Ok(());
    }
    let system = Arc::new(System::open(data, config, Arc::clone(&clock) as _).await?);
    system.publish_first(None).await?;
    let mut feed = Feed::over(&system, Some(&clock), Some(at)).await?;
    let bar = print::bar("samples", SAMPLES.len() as u64);
    let mut failed = Vec::new();
    for (name, payload, bytes) in SAMPLES {
        let source = Source { name, payload, bytes: bytes.to_vec().into() };
        let report = feed.file(&source).await;
        if let Some(error) = report.error {
            failed.push(format!("{name}: {error}"));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    feed.finish().await?;
    if !failed.is_empty() {
        bail!("not all samples are in, start it again: {}", failed.join("; "));
    }
    std::fs::write(&done, "").with_context(|| format!("could not write {}", done.display()))
}
