//! `zholdary triage`: texts in, findings and destinations out.

mod line;
mod score;

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zholdary_domain::{Clock, SystemClock, appeal::FindingId};
use zholdary_routing::{Ruleset, settle};
use zholdary_triage::Input;

pub(super) use self::score::Codes;
use self::{
    line::Line,
    score::{Right, Score},
};
use crate::{cli, print, system};

/// A line out.
#[derive(Debug, Serialize)]
struct Found<'a> {
    id: &'a Value,
    lang: &'a str,
    category: &'a str,
    also: Vec<&'a str>,
    priority: &'a str,
    danger: bool,
    confidence: f64,
    because: &'a [String],
    place: Where<'a>,
    destination: &'a str,
    rule: &'a str,
}

#[derive(Debug, Serialize)]
struct Where<'a> {
    r#type: &'a str,
    names: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    district: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    house: Option<&'a str>,
}

pub(crate) fn triage(args: &cli::Triage) -> anyhow::Result<ExitCode> {
    let rules = Ruleset::new(system::city(&system::city_files(args.city.as_deref())?)?);
    let at = args.at.map_or_else(|| SystemClock.now(), |at| at.with_timezone(&Utc));
    let input: Box<dyn BufRead> = match &args.file {
        Some(file) => {
            let open = File::open(file).with_context(|| format!("could not open {}", file.display()))?;
            Box::new(BufReader::new(open))
        }
        None => Box::new(std::io::stdin().lock()),
    };
    let mut code = ExitCode::SUCCESS;
    let mut score = args.score.then(Score::default);
    let mut told = BTreeSet::new();
    for (n, line) in (1..).zip(input.lines()) {
        let line = line.context("could not read the input")?;
        if line.trim().is_empty() {
            continue;
        }
        match Line::read(&line) {
            Ok(line) => {
                for (key, meant) in line.misspelt() {
                    if told.insert(key.to_owned()) {
                        print::note(&format!(
                            "line {n}: the key `{key}` is passed over: is `{meant}` meant?"
                        ));
                    }
                }
                one(&rules, &line, at, score.as_mut())?;
            }
            Err(error) => {
                print::note(&format!("line {n}: {error}"));
                code = ExitCode::FAILURE;
            }
        }
    }
    if let Some(score) = score {
        print::line(score.told()?.trim_end())?;
    }
    Ok(code)
}

fn one(
    rules: &Ruleset,
    line: &Line,
    at: chrono::DateTime<Utc>,
    score: Option<&mut Score>,
) -> anyhow::Result<()> {
    let (city, began) = (&rules.city, Instant::now());
    let understood = rules.triage.read(&Input { text: &line.text, point: line.point, has_media: false });
    let took = began.elapsed();
    let day = city.calendar.local_date(at);
    let decisions = settle::decide_all(city, &rules.triage, &understood, FindingId(0), at, day);
    let understanding = &understood.understanding;
    let (Some(main), Some(decision)) = (understanding.findings.first(), decisions.first()) else {
        return Ok(());
    };
    if let Some(score) = score {
        let right = Right::deserialize(&line.others)
            .with_context(|| format!("line {}: what it says is right does not read", line.id))?;
        let id = line.id.as_str().map_or_else(|| line.id.to_string(), str::to_owned);
        score.add(city, &id, &right, understanding, &decision.route.to, took);
        return Ok(());
    }
    print::json(&Found {
        id: &line.id,
        lang: understanding.lang.code(),
        category: &main.category,
        also: understanding.findings.iter().skip(1).map(|f| f.category.as_str()).collect(),
        priority: &main.priority,
        danger: understanding.danger,
        confidence: main.confidence.share(),
        because: &main.because,
        place: Where {
            r#type: main.place.kind.code(),
            names: &main.place.names,
            district: main.place.district.as_deref(),
            from: main.place.from.as_deref(),
            to: main.place.to.as_deref(),
            house: main.place.house.as_ref().map(|h| h.reveal().as_str()),
        },
        destination: &decision.route.to,
        rule: &decision.route.rule,
    })
}
