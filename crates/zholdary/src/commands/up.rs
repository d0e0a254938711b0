//! `zholdary up`: everything in one process.

use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use zholdary_domain::SystemClock;
use zholdary_http::{App, Parts, Ready, router};

use crate::{cli::Up, config::Config, data::Data, print, system::System};

/// How long what is in hand may take after a signal, before the process ends hard.
const SOFT_STOP: Duration = Duration::from_secs(20);

pub(crate) async fn up(args: Up) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    serve(&args.place.data, config, args.listen, args.city.as_deref()).await
}

/// Serves until SIGINT or SIGTERM; a second one ends at once.
pub(crate) async fn serve(
    folder: &Path,
    mut config: Config,
    listen: SocketAddr,
    city: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let data = Data::open(folder)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("could not listen on {listen}: choose another address with --listen"))?;
    let address = listener.local_addr()?;
    if config.workers.site == zholdary_routing::Config::default().site {
        config.workers.site = format!("http://{address}");
    }
    let system = Arc::new(System::open(data, config, Arc::new(SystemClock)).await?);
    system.publish_first(city).await?;
    let stop = CancellationToken::new();
    let ready = Ready::default();
    let app = App::new(Parts {
        config: system.config.http.clone(),
        clock: Arc::clone(&system.clock),
        log: Arc::clone(&system.log),
        intake: system.intake.clone(),
        query: system.query.clone(),
        metrics: zholdary_http::Metrics::new(&system.registry)?,
        registry: system.registry.clone(),
        ready: ready.clone(),
        stop: stop.clone(),
    });
    let workers = tokio::spawn({
        let (system, stop) = (Arc::clone(&system), stop.clone());
        async move {
            // Without workers a message would wait for ever: however this task ends, a panic included, the whole process
            // ends, and says why.
            let _dying = stop.clone().drop_guard();
            system.hold_workers(&stop).await
        }
    });
    let views = tokio::spawn({
        let (system, stop) = (Arc::clone(&system), stop.clone());
        async move { system.hold_views(&stop).await }
    });
    let observer = tokio::spawn({
        let (system, stop) = (Arc::clone(&system), stop.clone());
        async move { system.observe_views(&stop).await }
    });
    let cleaner = tokio::spawn(system.intake.clone().keep_clean(stop.clone()));
    tokio::spawn(signals(stop.clone()));
    ready.set(true);
    print::line(&format!("zholdary listens on http://{address}"));
    tokio::select! {
        () = zholdary_http::serve(listener, router(app), &system.config.http, stop.clone()) => {}
        () = async { stop.cancelled().await; tokio::time::sleep(SOFT_STOP).await } => {
            warn!("requests did not end in {} s", SOFT_STOP.as_secs());
        }
    }
    stop.cancel();
    let workers = workers.await.context("the workers ended")?;
    let views = views.await.context("the views' writer ended")?;
    cleaner.await.context("the cleaner of raw bodies ended")?;
    observer.await.context("the observer of the views ended")?;
    info!("stopped");
    workers.and(views).map(|()| ExitCode::SUCCESS)
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
