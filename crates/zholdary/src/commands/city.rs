//! `zholdary city check|publish`.

use std::{path::Path, process::ExitCode, sync::Arc};

use serde_json::json;
use zholdary_domain::SystemClock;
use zholdary_log::{Decider, streams::Rules};

use crate::{
    cli::{City, CityCommand},
    config::Config,
    data::Data,
    print, system,
};

pub(crate) async fn city(args: City) -> anyhow::Result<ExitCode> {
    match args.command {
        CityCommand::Check { dir, json } => check(&dir, json),
        CityCommand::Publish { dir, place, json } => {
            let files = system::city_files(Some(&dir))?;
            let city = system::city(&files)?;
            let data = Data::open(&place.data)?;
            let config = Config::of(&place)?;
            let log = system::open(&data, &config, None).await?.log;
            system::bound_key(&data, log.as_ref()).await?;
            let rules: Decider<Rules> = Decider::new(log, Arc::new(SystemClock));
            let published = zholdary_routing::publish(&rules, &city, &files, "city publish").await?;
            if json {
                print::json(&json!({
                    "city": city.meta.city, "version": city.version.to_string(),
                    "position": published.position, "new": published.new,
                }))?;
            } else if published.new {
                print::line(&format!("{} {} is in force", city.meta.city, city.version))?;
            } else {
                print::line(&format!("{} {} was in force already", city.meta.city, city.version))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let files = system::city_files(Some(dir))?;
    let faults = zholdary_city::check(&files);
    if json {
        print::json(&faults)?;
    } else if faults.is_empty() {
        let city = system::city(&files)?;
        print::line(&format!("{} {} has no faults", city.meta.city, city.version))?;
    } else {
        for fault in &faults {
            print::line(&fault.to_string())?;
        }
        print::note(&match faults.len() {
            1 => "1 fault".to_owned(),
            n => format!("{n} faults"),
        });
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
