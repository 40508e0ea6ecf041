//! `fsr study`: a grid of trainings and evaluations, resumable and shareable among machines.

mod evaluation;
pub mod figure;
mod grid;
mod regret;
pub mod table;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser};
use fsr::detector::Detector;
use fsr::map::ScoreKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::evaluation::TestSets;
use self::grid::{Cell, Part, StudyFile};
use self::table::Table;
use crate::cli::{DeviceArgs, OutputArgs};
use crate::dataset::{self, DataSet};
use crate::device::{self, Opened};
use crate::eval::figures::{Figures, mean_figures};
use crate::interrupt::{self, Interrupted};
use crate::progress::{print_json, print_text, say};
use crate::train::augment::alterations;
use crate::train::images::{ImageKey, tile_count};
use crate::train::pool::Pool;
use crate::train::{self, TrainArgs};
use crate::{atomic, backbone_weights, memory, store};

/// Version of the results; others are not taken for done.
const VERSION: u32 = 1;

/// Run a study: train and evaluate every combination that a file names.
///
/// DIR gets cells/HASH.json for every run, and results.json, table.csv, table.md and figure.svg for all of them
/// (mean ± standard deviation over seeds). Runs whose result is there already are skipped, an interrupted
/// one goes on from its checkpoint, so the same command continues a study that was stopped or killed.
/// Features of an image are computed once for all runs with the same backbone and image size.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr study studies/shuffle-jitter.toml --data data --weights weights\n\
    \x20 fsr study studies/table6-seeds.toml --data data --array 0/4    (and 1/4, 2/4, 3/4 elsewhere)\n\
    \x20 fsr study studies/tau.toml --data data --list")]
pub struct StudyArgs {
    /// The study, a TOML file.
    #[arg(value_name = "FILE")]
    pub study: PathBuf,
    /// Data set in MVTec layout. Default: what the study says.
    #[arg(long, value_name = "ROOT")]
    pub data: Option<PathBuf>,
    /// Folder of backbone weights that the study names.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub weights: PathBuf,
    /// Folder for the results. Default: results/NAME, after the study's file.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Do every N-th run only, from the I-th on (from 0): for job arrays. Results may share one DIR.
    #[arg(long, value_name = "I/N")]
    pub array: Option<Part>,
    /// Keep the model of each run in DIR/runs.
    #[arg(long)]
    pub keep_models: bool,
    /// Only list the runs and whether they are done.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The result of one run, a file of its own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CellResult {
    version: u32,
    /// Identifies the configuration.
    hash: String,
    /// What was run.
    cell: Cell,
    /// The command that does the same by itself, without data, output and device.
    command: String,
    program: String,
    device: String,
    data: String,
    backbone_weights: Option<Value>,
    /// Training images by category.
    files: Value,
    image_size: usize,
    score: String,
    /// Shuffling rate, given or chosen; older results have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tau: Option<f64>,
    steps: usize,
    loss: Option<f32>,
    train_seconds: f64,
    evaluation_seconds: f64,
    /// As `fsr eval --json` reports them.
    categories: BTreeMap<String, Value>,
    mean: Value,
}

impl CellResult {
    /// The image score that its figures use: std, max or top1.
    pub fn score(&self) -> &str {
        &self.score
    }

    /// The command that does the same by itself.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Categories and their reports.
    pub fn categories(&self) -> &BTreeMap<String, Value> {
        &self.categories
    }

    /// What results are sorted by where the study's own order is not known.
    pub fn order(&self) -> (&str, &BTreeMap<String, String>, &[String], u64) {
        let cell = &self.cell;
        (&cell.setting, &cell.options, &cell.categories, cell.seed)
    }
}

/// `fsr train`'s arguments, parsed without a command in front.
#[derive(Debug, Parser)]
#[command(name = "fsr train")]
struct Line {
    #[command(flatten)]
    train: TrainArgs,
}

/// A cell ready to run.
struct Job {
    cell: Cell,
    hash: String,
    arguments: Vec<String>,
    args: TrainArgs,
    /// Runs with the same features have the same.
    backbone: String,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with the study, the data or a run; or that it was interrupted.
pub fn run(args: &StudyArgs) -> Result<()> {
    let study = StudyFile::read(&args.study)?;
    let Some(data) = args.data.clone().or_else(|| study.data.clone()) else {
        bail!("--data is missing, and {} names none", args.study.display());
    };
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results").join(args.study.file_stem().unwrap_or_default()));
    let data = DataSet::open(&data, None)?;
    let jobs = jobs(&study, args, &data, &out)?;
    let cells = out.join("cells");
    let done = |job: &Job| read_result(&cells, &job.hash).is_some();
    if args.list {
        let lines = jobs.iter().map(|job| {
            let state = if done(job) { "done" } else { "to do" };
            format!(
                "{}  {state:5}  fsr train {}",
                job.hash,
                job.arguments.join(" ")
            )
        });
        return print_text(&lines.collect::<Vec<_>>().join("\n"));
    }
    fs::create_dir_all(&cells)
        .with_context(|| format!("cannot make folder {}", cells.display()))?;
    let mut mine: Vec<&Job> = jobs
        .iter()
        .enumerate()
        .filter(|(place, job)| args.array.is_none_or(|part| part.has(*place)) && !done(job))
        .map(|(_, job)| job)
        .collect();
    // Stable: runs that share features follow each other.
    mine.sort_by(|a, b| a.backbone.cmp(&b.backbone));
    say(format!(
        "{}: {} runs, {} done, {} to do here",
        study.title,
        jobs.len(),
        jobs.iter().filter(|job| done(job)).count(),
        mine.len()
    ));
    if !mine.is_empty() {
        interrupt::listen()?;
        let opened = device::open(args.device.device)?;
        run_all(&mine, args, &data, &out, &opened)?;
    }
    let results: Vec<CellResult> = jobs
        .iter()
        .filter_map(|job| read_result(&cells, &job.hash))
        .collect();
    let table = Table::of(&study.title, study.paper.as_deref(), &results, jobs.len());
    let markdown = table.markdown() + &regret::markdown(&regret::regrets(&results));
    atomic::write_file(
        &out.join("results.json"),
        &serde_json::to_vec_pretty(&table)?,
    )?;
    atomic::write_file(&out.join("table.csv"), &table.csv()?)?;
    atomic::write_file(&out.join("table.md"), markdown.as_bytes())?;
    if let Some(drawing) = figure::svg(&table) {
        atomic::write_file(&out.join("figure.svg"), drawing.as_bytes())?;
    }
    if args.output.json {
        print_json(&table)
    } else {
        print_text(markdown.trim_end())
    }
}

fn jobs(study: &StudyFile, args: &StudyArgs, data: &DataSet, out: &Path) -> Result<Vec<Job>> {
    let categories = data.categories(&study.categories, dataset::Part::Train)?;
    let mut hashes = HashMap::new();
    let mut jobs = Vec::new();
    for cell in study.cells(&categories)? {
        let arguments = cell.arguments(&args.weights);
        let line = ["fsr train".to_string()]
            .into_iter()
            .chain(arguments.iter().cloned())
            .chain([
                format!("--data={}", data.root().display()),
                "--out=run".to_string(),
                "--resume".into(),
            ]);
        let mut train = Line::try_parse_from(line)
            .map_err(|error| {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().to_string();
                anyhow::anyhow!("{}: {first}", args.study.display())
            })?
            .train;
        train.device.device = args.device.device;
        let config = train.model()?;
        let source = train.backbone_weights.clone().unwrap_or_default();
        if !hashes.contains_key(&source) && source.as_os_str() != "random" {
            let sha256 = backbone_weights::sha256(&source, &config.backbone)?;
            hashes.insert(source.clone(), sha256);
        }
        let sha256 = hashes.get(&source).and_then(|known| known.as_deref());
        let name = data
            .root()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let hash = cell.hash(sha256, &name);
        train.out = out.join("runs").join(&hash);
        // A random backbone is another one for every seed.
        let seed = if sha256.is_some() { 0 } else { cell.seed };
        let backbone = format!(
            "{} {} {} {} {seed} {:?}",
            config.backbone.kind,
            config.backbone.stride,
            config.image_size,
            sha256.unwrap_or("unnamed"),
            train.tiling()?,
        );
        jobs.push(Job {
            cell,
            hash,
            arguments,
            args: train,
            backbone,
        });
    }
    Ok(jobs)
}

/// A cell's result, if it is there and of this configuration.
fn read_result(cells: &Path, hash: &str) -> Option<CellResult> {
    let bytes = fs::read(cells.join(format!("{hash}.json"))).ok()?;
    let result: CellResult = serde_json::from_slice(&bytes).ok()?;
    (result.version == VERSION && result.hash == hash).then_some(result)
}

fn run_all(
    mine: &[&Job],
    args: &StudyArgs,
    data: &DataSet,
    out: &Path,
    opened: &Opened,
) -> Result<()> {
    let mut tests = TestSets::new(data);
    let mut pool: Option<(String, Pool<ImageKey>)> = None;
    for (place, job) in mine.iter().enumerate() {
        if interrupt::asked() {
            let text = format!(
                "{place} of {} runs were done; the same command goes on",
                mine.len()
            );
            return Err(Interrupted(text).into());
        }
        say(format!(
            "run {} of {}: fsr train {}",
            place + 1,
            mine.len(),
            job.arguments.join(" ")
        ));
        let known = match pool.take() {
            Some((backbone, known)) if backbone == job.backbone => known,
            _ => {
                let same = mine.iter().filter(|other| other.backbone == job.backbone);
                let mut categories: Vec<String> = same
                    .flat_map(|other| other.cell.categories.iter().cloned())
                    .collect();
                categories.sort();
                categories.dedup();
                let tiling = job.args.tiling()?;
                let augmented = mine.iter().map(|job| alterations(&job.args.augment).len());
                let augmented = augmented.max().unwrap_or(0);
                let tiles = tile_count(data, &categories, tiling, augmented)?;
                let limit = memory::available() / 2;
                Pool::new(&job.args.model()?, tiling, tiles, limit, out)?
            }
        };
        let (_, known) = pool.insert((job.backbone.clone(), known));
        let result = run_one(job, data, known, &mut tests, opened)
            .with_context(|| format!("run {} (fsr train {})", job.hash, job.arguments.join(" ")));
        let result = match result {
            Err(error) if error.is::<Interrupted>() => {
                let text = format!("{error}; the same command goes on");
                return Err(Interrupted(text).into());
            }
            other => other?,
        };
        atomic::write_file(
            &out.join("cells").join(format!("{}.json", job.hash)),
            &serde_json::to_vec_pretty(&result)?,
        )?;
        if !args.keep_models {
            // The result is what counts; a model that stays behind only takes space.
            let _ = fs::remove_dir_all(&job.args.out);
        }
    }
    let _ = fs::remove_dir(out.join("runs"));
    Ok(())
}

fn run_one(
    job: &Job,
    data: &DataSet,
    pool: &mut Pool<ImageKey>,
    tests: &mut TestSets<'_>,
    opened: &Opened,
) -> Result<CellResult> {
    let started = Instant::now();
    let summary = if job.args.out.join(train::run_folder::MODEL).exists() {
        None
    } else {
        Some(train::train(&job.args, opened, Some(pool))?)
    };
    let train_seconds = started.elapsed().as_secs_f64();
    let package = store::read(&job.args.out)?;
    let detector = Detector::from_package(&package, &opened.device)?;
    let provenance = &detector.config.provenance;
    let calibrated = detector.config.calibration.as_ref();
    let kind = calibrated.map_or(ScoreKind::Std, |known| known.score);
    let evaluated = Instant::now();
    let reports = tests.evaluate(&detector, &job.cell.categories, kind, pool)?;
    let figures: Vec<&Figures> = reports.values().map(|one| &one.report.figures).collect();
    let mean = serde_json::to_value(mean_figures(&figures))?;
    let categories = reports
        .iter()
        .map(|(name, report)| Ok((name.clone(), serde_json::to_value(report)?)))
        .collect::<Result<_>>()?;
    let settings: Value = fs::read(job.args.out.join(train::run_folder::CONFIG))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    Ok(CellResult {
        version: VERSION,
        hash: job.hash.clone(),
        cell: job.cell.clone(),
        // Without the place of the weights on this machine: results are for others too.
        command: format!("fsr train {}", job.cell.arguments(Path::new("")).join(" ")),
        program: format!("fsr {}", env!("CARGO_PKG_VERSION")),
        device: opened.name.clone(),
        data: data
            .root()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        backbone_weights: provenance
            .backbone_weights
            .as_ref()
            .map(serde_json::to_value)
            .transpose()?,
        files: settings["files"].clone(),
        image_size: detector.model.config.image_size,
        score: kind.name().into(),
        tau: settings["options"]["tau"].as_f64(),
        steps: provenance.steps,
        loss: summary.as_ref().map(|done| done.loss),
        train_seconds,
        evaluation_seconds: evaluated.elapsed().as_secs_f64(),
        categories,
        mean,
    })
}
