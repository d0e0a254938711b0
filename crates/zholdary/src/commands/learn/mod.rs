//! `zholdary learn`: weights of a city from labelled texts.

mod corrections;

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use zholdary_city::{Files, Weights};
use zholdary_domain::Personal;
use zholdary_triage::{Example, Fold, learn};

use super::triage::Codes;
use crate::{cli, config::Config, print, system};

/// A line in; other keys are ignored.
#[derive(Debug, Deserialize)]
struct Line {
    text: String,
    category: Option<String>,
    #[serde(default)]
    accept_category: Codes,
}

pub(crate) async fn run(args: cli::Learn) -> anyhow::Result<ExitCode> {
    let mut files = system::city_files(Some(&args.city))?;
    let name = file_of(&files)?;
    // What was learnt before is left aside, whole or damaged.
    files.insert(&name, Weights::default().to_csv(&[]).into_bytes())?;
    let city = system::city(&files)?;
    let mut examples = Vec::new();
    for (paths, known) in [(&args.files, false), (&args.also, true)] {
        for path in paths {
            examples.extend(lines(path, known)?);
        }
    }
    if args.corrections {
        let config = Config::of(&args.place)?;
        let data = system::existing(&args.place, &config)?;
        let opened = system::open(&data, &config, None).await?;
        let found = corrections::read(opened.log.as_ref()).await.context("could not read the corrections")?;
        let (known, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|example| city.category(&example.category).is_some());
        print::note(&format!(
            "{} corrections in the log; {} more are to categories that the city does not have",
            known.len(),
            others.len()
        ));
        examples.extend(known);
    }
    let learned = tokio::task::spawn_blocking(move || learn(&city, &examples).map(|learned| (city, learned)));
    let (city, learned) = learned.await??;
    print::line(&told(&learned.folds))?;
    let csv = learned.weights.to_csv(&city.categories);
    let path = args.city.join(&name);
    if args.check {
        let now =
            std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        if now != csv {
            bail!("{} is not what these texts give: run the command without --check", path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    files.insert(&name, csv.clone().into_bytes())?;
    write(&path, &csv).with_context(|| format!("could not write {}", path.display()))?;
    print::line(&format!(
        "{} pieces in {}; the city packs into {} bytes",
        learned.weights.pieces.len(),
        path.display(),
        files.pack().len()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The name that the city gives the file of its weights.
fn file_of(files: &Files) -> anyhow::Result<String> {
    let settings = files.get("city.toml").context("the folder has no city.toml: it is no city")?;
    let settings: toml::Table = std::str::from_utf8(settings)
        .context("city.toml is not UTF-8")?
        .parse()
        .context("city.toml does not read: `zholdary city check DIR` says where")?;
    let name = settings.get("files").and_then(|names| names.get("weights")).and_then(|name| name.as_str());
    let add = "city.toml names no file of weights: add `weights = \"weights.csv\"` to its [files]";
    Ok(name.context(add)?.to_owned())
}

/// Beside the file first, so that nobody reads a half.
fn write(path: &Path, csv: &str) -> std::io::Result<()> {
    let draft = path.with_extension("csv.new");
    let mut file = File::create(&draft)?;
    file.write_all(csv.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

/// The labelled lines of a file; a line without `category` says nothing of it.
fn lines(path: &PathBuf, known: bool) -> anyhow::Result<Vec<Example>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut examples = Vec::new();
    for (n, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let Line { text, category, accept_category } = serde_json::from_str(line).with_context(|| {
            format!("{}: line {n} is not {{\"text\": …, \"category\": …}}", path.display())
        })?;
        if let Some(category) = category {
            let from = path.display().to_string();
            examples.push(Example {
                text: Personal::new(text),
                category,
                accept: accept_category.into(),
                from,
                author: None,
                known,
            });
        }
    }
    Ok(examples)
}

/// Tables of how what was left out was understood.
fn told(folds: &[Fold]) -> String {
    let share = |right: usize, of: usize| {
        #[expect(clippy::cast_precision_loss, reason = "far fewer texts than 2^52")]
        let percent = 100.0 * right as f64 / of.max(1) as f64;
        format!("{percent:.1} %")
    };
    let mut told = vec![
        "each file was judged by what was learnt from others, before dangers are put first\n".to_owned(),
        "| file | texts | stems alone | weights alone | both |".to_owned(),
        "| --- | --- | --- | --- | --- |".to_owned(),
    ];
    let mut all = (0, [0; 3]);
    let mut row = |from: &str, texts: usize, right: [usize; 3]| {
        let [stems, weights, both] = right.map(|right| share(right, texts));
        told.push(format!("| {from} | {texts} | {stems} | {weights} | {both} |"));
    };
    for Fold { from, texts, right, .. } in folds {
        let name = Path::new(from).file_stem().map_or(from.into(), |name| name.to_string_lossy());
        row(&name, *texts, *right);
        all.0 += texts;
        for (sum, right) in all.1.iter_mut().zip(right) {
            *sum += right;
        }
    }
    row("all", all.0, all.1);
    told.push("\n| how sure | texts | right |\n| --- | --- | --- |".to_owned());
    for tenth in 0..10 {
        let bounds = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
        let within = |sure: f64| bounds.contains(&sure) || (tenth == 9 && sure >= 1.0);
        let bin: Vec<bool> = folds
            .iter()
            .flat_map(|fold| &fold.sure)
            .filter(|(sure, _)| within(*sure))
            .map(|(_, right)| *right)
            .collect();
        if !bin.is_empty() {
            let right = bin.iter().filter(|right| **right).count();
            told.push(format!(
                "| {:.1} to {:.1} | {} | {} |",
                bounds.start,
                bounds.end,
                bin.len(),
                share(right, bin.len())
            ));
        }
    }
    told.join("\n")
}
