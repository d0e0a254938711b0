//! `zholdary up`: everything in one process. `zholdary serve`: some of it.

use std::{
    collections::BTreeSet, future::Future, net::SocketAddr, path::Path, process::ExitCode, sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use zholdary_domain::SystemClock;
use zholdary_http::{Parts, Ready, router};

use super::demo::Trickle;
use crate::{
    cli::{Role, Serve, Up},
    config::Config,
    data::Data,
    print,
    system::System,
};

/// How long requests in hand may take after a signal, and then the workers for the step that they are in.
const SOFT_STOP: Duration = Duration::from_secs(20);

/// What this process does.
pub(crate) struct Roles(BTreeSet<Role>);

impl Roles {
    pub(crate) fn all() -> Self {
        Self(BTreeSet::from([Role::Intake, Role::Routing, Role::Delivery, Role::Views, Role::Http]))
    }

    fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

pub(crate) async fn up(args: Up) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    let city = Publish { folder: args.city.as_deref() };
    run(&args.place.data, config, args.listen, &Roles::all(), Some(city), None).await
}

pub(crate) async fn serve(args: Serve) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    run(&args.place.data, config, args.listen, &Roles(args.roles.into_iter().collect()), None, None).await
}

/// A city to publish when none is published yet.
pub(crate) struct Publish<'a> {
    /// None: the one that ships with the binary.
    pub(crate) folder: Option<&'a Path>,
}

/// Serves until SIGINT or SIGTERM; a second one ends at once. With a `trickle`, simulated residents write and are written to meanwhile.
pub(crate) async fn run(
    folder: &Path,
    mut config: Config,
    listen: SocketAddr,
    roles: &Roles,
    city: Option<Publish<'_>>,
    trickle: Option<Trickle>,
) -> anyhow::Result<ExitCode> {
    let data = Data::open(folder)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("could not listen on {listen}: choose another address with --listen"))?;
    let address = listener.local_addr()?;
    if config.workers.site == zholdary_routing::Config::default().site {
        config.workers.site = format!("http://{address}");
    }
    let mut system = System::open(data, config, Arc::new(SystemClock)).await?;
    if let Some(trickle) = &trickle {
        system = system.pretending(trickle.carriers());
    }
    let system = Arc::new(system);
    let takes_in = roles.has(Role::Intake) || roles.has(Role::Http);
    let intake = if takes_in { Some(system.intake().await?) } else { None };
    let files = if takes_in { Some(system.files().await?) } else { None };
    let has_views = roles.has(Role::Views) || roles.has(Role::Http);
    let query = if has_views { Some(system.query()?) } else { None };
    if let Some(city) = city {
        system.publish_first(city.folder).await?;
    }
    let arriving = if roles.has(Role::Intake) { system.listen_for_letters().await? } else { None };
    let stop = CancellationToken::new();
    let ready = Ready::default();
    let router = router(Parts {
        config: system.config.http.clone(),
        clock: Arc::clone(&system.clock),
        log: Arc::clone(&system.log),
        metrics: zholdary_http::Metrics::new(&system.registry)?,
        registry: system.registry.clone(),
        ready: ready.clone(),
        stop: stop.clone(),
        hooks: intake.clone().filter(|_| roles.has(Role::Intake)),
        views: query.clone(),
        window: intake.clone().filter(|_| roles.has(Role::Http)),
        media: system.config.media.limits.clone(),
        files: files.clone().filter(|_| roles.has(Role::Http)),
    });
    // However one of these ends, a panic included, the whole process ends, and says why.
    let mut tasks = Tasks { running: JoinSet::new(), stop: stop.clone() };
    if roles.has(Role::Routing) {
        let (system, stop, ready) = (Arc::clone(&system), stop.clone(), ready.clone());
        let began = move || ready.set(true);
        tasks.start(async move { system.hold_workers(&stop, began).await.context("the workers ended") });
    } else {
        ready.set(true);
    }
    if roles.has(Role::Delivery) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move { system.hold_delivery(&stop).await.context("the delivery ended") });
    }
    if roles.has(Role::Views) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move { system.hold_views(&stop).await });
    }
    if let Some(query) = query {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move {
            system.observe_views(&query, &stop).await;
            Ok(())
        });
    }
    if let (Some(intake), Some(trickle)) = (intake.clone(), trickle) {
        tasks.start(trickle.run(intake, stop.clone()));
    }
    if let Some(intake) = intake.clone().filter(|_| roles.has(Role::Intake)) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move { system.hold_polling(intake, &stop).await.context("asking Telegram ended") });
    }
    if let Some(intake) = intake.clone().filter(|_| roles.has(Role::Intake)) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(
            async move { system.hold_mailbox(intake, &stop).await.context("reading the mailbox ended") },
        );
    }
    if let (Some(intake), Some(arriving)) = (intake.clone(), arriving) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move {
            system.take_letters(arriving, intake, stop).await;
            Ok(())
        });
    }
    if let (Some(intake), Some(files)) = (intake.clone().filter(|_| roles.has(Role::Intake)), files) {
        let (system, stop) = (Arc::clone(&system), stop.clone());
        tasks.start(async move {
            system.hold_fetching(intake, files, &stop).await.context("fetching files ended")
        });
    }
    if let Some(intake) = intake {
        let stop = stop.clone();
        tasks.start(async move {
            intake.keep_clean(stop).await;
            Ok(())
        });
    }
    tokio::spawn(signals(stop.clone()));
    print::line(&format!("zholdary listens on http://{address}"))?;
    tokio::select! {
        () = zholdary_http::serve(listener, router, &system.config.http, stop.clone()) => {}
        () = async { stop.cancelled().await; tokio::time::sleep(SOFT_STOP).await } => {
            warn!("requests did not end in {} s", SOFT_STOP.as_secs());
        }
    }
    stop.cancel();
    tokio::time::timeout(SOFT_STOP, tasks.ended()).await.with_context(|| {
        format!(
            "the workers did not end in {} s; what they had in hand is done at the next start",
            SOFT_STOP.as_secs()
        )
    })??;
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What runs beside the requests. Without any of it a message would wait for ever, or nothing be seen.
struct Tasks {
    running: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts `work`; however it ends, the process stops.
    fn start(&mut self, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let dying = self.stop.clone().drop_guard();
        self.running.spawn(async move {
            let _dying = dying;
            work.await
        });
    }

    /// Waits for all of them; the first failure is told.
    async fn ended(mut self) -> anyhow::Result<()> {
        let mut failed = Ok(());
        while let Some(ended) = self.running.join_next().await {
            failed = failed.and(ended.context("a part of the process panicked").flatten());
        }
        failed
    }
}

/// The first signal stops softly, the second hard. Both are listened to from the start: none falls between.
#[cfg(unix)]
async fn signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        warn!("signals cannot be heard: the process ends only when it is killed");
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    print::note("stopping; once more to stop at once");
    stop.cancel();
    next().await;
    std::process::exit(130);
}

/// The first interrupt stops softly, the second hard.
#[cfg(not(unix))]
async fn signals(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        print::note("stopping; once more to stop at once");
        stop.cancel();
        let _ = tokio::signal::ctrl_c().await;
    }
    std::process::exit(130);
}
