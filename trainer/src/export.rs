//! `fsr export`: a model package for the page or for publishing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Args;
use fsr::detector::Detector;
use fsr::package::{CONFIG_FILE, DEFAULT_SHARD_BYTES, Dtype, Package, SelfTest};
use fsr::preprocess::to_input_size;
use fsr::products::{Product, SIZES, generate};
use serde::Serialize;

use crate::cli::OutputArgs;
use crate::progress::{print_json, print_text, say};
use crate::store;

/// Turn a run into a model package for the page or for publishing.
///
/// The package follows the Hugging Face convention: config.json, model.safetensors (split above 95 MB),
/// README.md (model card), and selftest.safetensors: an image drawn by this program and the map that
/// this model, at this precision, gives for it. Whoever opens the package repeats that test.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr export runs/bottle --out models/bottle --dtype q8\n\
    \x20 fsr eval runs/bottle --data data --category bottle --json > bottle.json\n\
    \x20 fsr export runs/bottle --out models/bottle --dtype f16 --metrics bottle.json --name Bottle")]
pub struct ExportArgs {
    /// A run of `fsr train`, or a package to convert.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder of the package.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Weights in 32, 16 or 8 bits: f32 (exact), f16 (half the size), q8 (a quarter, scores within about 1 %).
    #[arg(long, value_name = "FORMAT", default_value = "f16")]
    pub dtype: Dtype,
    /// Name for people. Default: the run's.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Results to record, as `fsr eval --json` prints them.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Replace a package that is already in DIR.
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Serialize)]
struct Exported {
    package: String,
    dtype: Dtype,
    bytes: u64,
    files: BTreeMap<String, u64>,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with the run or with the folder.
pub fn run(args: &ExportArgs) -> Result<()> {
    check_target(&args.out, args.overwrite)?;
    let metrics = args.metrics.as_deref().map(read_metrics).transpose()?;
    let mut package = store::read(&args.run)?;
    if let Some(name) = &args.name {
        package.config.name.clone_from(name);
    }
    if let Some(metrics) = metrics {
        package.config.provenance.metrics = metrics;
    }
    if package.config.calibration.is_none() {
        say("the model is not calibrated: the page will show scores without verdicts");
    }
    package.self_test = Some(self_test(&package, args.dtype)?);
    let bytes = store::write(&args.out, &package, args.dtype)?;
    let exported = Exported {
        package: args.out.display().to_string(),
        dtype: args.dtype,
        bytes,
        files: store::file_sizes(&args.out)?.into_iter().collect(),
    };
    if args.output.json {
        return print_json(&exported);
    }
    print_text(&format!(
        "{}: {} weights, {:.2} MB",
        exported.package,
        exported.dtype,
        bytes as f64 / 1e6
    ))
}

/// Refuses a folder that a package must not be written to.
///
/// # Errors
/// When it holds other things, or a package without leave to replace it.
pub fn check_target(out: &Path, overwrite: bool) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let occupied = fs::read_dir(out)
        .with_context(|| format!("{} is not a folder", out.display()))?
        .next()
        .is_some();
    if occupied && !out.join(CONFIG_FILE).is_file() {
        bail!(
            "{} holds other things than a model package; give another --out",
            out.display()
        );
    }
    if occupied && (out.join("log.jsonl").exists() || !overwrite) {
        bail!(
            "{} is in use; give another --out, or --overwrite to replace a package",
            out.display()
        );
    }
    Ok(())
}

fn read_metrics(path: &Path) -> Result<serde_json::Value> {
    let bytes =
        fs::read(path).with_context(|| format!("cannot read --metrics {}", path.display()))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("--metrics {} is not JSON", path.display()))?;
    if value.get("categories").is_none() {
        bail!(
            "--metrics {} is not what `fsr eval --json` prints (no \"categories\")",
            path.display()
        );
    }
    // Paths of this machine do not belong into a published package.
    let keep = ["categories", "mean", "score", "image_size"];
    Ok(keep
        .into_iter()
        .filter_map(|key| Some((key.to_string(), value.get(key)?.clone())))
        .collect())
}

/// What the model says, with its weights as they will be stored, to an image that this program draws.
fn self_test(package: &Package, dtype: Dtype) -> Result<SelfTest> {
    let files: BTreeMap<String, Vec<u8>> = Package {
        self_test: None,
        ..package.clone()
    }
    .write(dtype, DEFAULT_SHARD_BYTES)?
    .into_iter()
    .collect();
    let stored = Package::read(&files)?;
    let detector = Detector::from_package(&stored, &Device::flex())?;
    let side = package.config.model.image_size;
    let drawn = (side as u32).clamp(*SIZES.start(), *SIZES.end());
    let trained_on = &package.config.provenance.categories;
    let product = trained_on
        .iter()
        .find_map(|name| Product::from_name(name).ok())
        .unwrap_or(Product::ALL[0]);
    let image = to_input_size(
        &generate(product, product.defects().first().copied(), 1, drawn)?.image,
        side,
    );
    let found = pollster::block_on(detector.inspect_whole(&image))
        .context("the model fails its own self-test")?;
    Ok(SelfTest {
        image,
        map: found.map,
        scores: found.scores,
    })
}
