//! `fsr info`: what a model is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Args;
use fsr::calibration::Calibration;
use fsr::config::{ModelConfig, Preset};
use fsr::detector::{Detector, SelfTestReport};
use fsr::model::ModelSize;
use fsr::package::{Dtype, Package, Provenance};
use fsr::recipe::Recipe;
use fsr::tiles::Tiling;
use serde::Serialize;

use crate::cli::{DeviceArgs, OutputArgs};
use crate::device::{self, DeviceChoice};
use crate::progress::{print_json, print_text};
use crate::store;

/// Show what a model is: architecture, size, calibration, origin.
///
/// Parameters are counted as the paper counts them (backbone with batch norms, restorer without the fixed
/// position embedding); multiply-adds are those of convolutions and matrix products for one image.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr info models/bottle\n\
    \x20 fsr info models/bottle --check --device wgpu\n\
    \x20 fsr info --preset paper --json")]
pub struct InfoArgs {
    /// A run of `fsr train`, or a model package.
    #[arg(value_name = "MODEL", required_unless_present = "preset")]
    pub model: Option<PathBuf>,
    /// Instead of a model, a preset: paper, compact or lite.
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub preset: Option<Preset>,
    /// Run the package's self-test on --device: its image must give its map, within a thousandth.
    #[arg(long, requires = "model")]
    pub check: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Everything known about a model. Multiply-adds are per image.
#[derive(Debug, Serialize)]
struct Info {
    name: String,
    architecture: ModelConfig,
    #[serde(flatten)]
    size: ModelSize,
    macs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<PackageInfo>,
}

#[derive(Debug, Serialize)]
struct PackageInfo {
    path: String,
    dtype: Dtype,
    bytes: u64,
    files: BTreeMap<String, u64>,
    self_test: bool,
    recipe: Recipe,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<Tiling>,
    calibration: Option<Calibration>,
    category_calibration: BTreeMap<String, Calibration>,
    provenance: Provenance,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<Check>,
}

/// The self-test's result on a device.
#[derive(Debug, Serialize)]
struct Check {
    device: String,
    #[serde(flatten)]
    report: SelfTestReport,
}

/// Runs the command.
///
/// # Errors
/// When the model cannot be read.
pub fn run(args: &InfoArgs) -> Result<()> {
    let info = match (&args.model, args.preset) {
        (Some(path), _) => of_package(path, args.check.then_some(args.device.device))?,
        (None, preset) => {
            let preset = preset.unwrap_or(Preset::Compact);
            describe(preset.name().into(), preset.config(), None)
        }
    };
    if args.output.json {
        print_json(&info)?;
    } else {
        print_text(&text(&info))?;
    }
    match info.package.and_then(|package| package.check) {
        Some(check) if !check.report.passed => bail!(
            "the self-test fails on {}: the map differs by {:.1e} of its maximum, the score by {:.1e}",
            check.device,
            check.report.max_map_error_relative,
            check.report.score_error_relative
        ),
        _ => Ok(()),
    }
}

fn check(package: &Package, path: &Path, choice: DeviceChoice) -> Result<Check> {
    let Some(test) = &package.self_test else {
        bail!(
            "{} has no self-test; `fsr export` makes packages with one",
            path.display()
        );
    };
    let opened = device::open(choice)?;
    let detector = Detector::from_package(package, &opened.device)
        .with_context(|| format!("cannot use {}", path.display()))?;
    let report = pollster::block_on(detector.self_test(test))?;
    Ok(Check {
        device: opened.name,
        report,
    })
}

fn of_package(path: &Path, device: Option<DeviceChoice>) -> Result<Info> {
    let folder = store::locate(path)?;
    let package = store::read(&folder)?;
    let files = store::file_sizes(&folder)?;
    let check = device
        .map(|choice| check(&package, &folder, choice))
        .transpose()?;
    let config = package.config;
    let about = PackageInfo {
        path: folder.display().to_string(),
        dtype: config.dtype,
        bytes: files.iter().map(|(_, bytes)| bytes).sum(),
        files: files.into_iter().collect(),
        self_test: package.self_test.is_some(),
        recipe: config.recipe,
        tiles: config.tiles,
        calibration: config.calibration,
        category_calibration: config.category_calibration,
        provenance: config.provenance,
        check,
    };
    Ok(describe(config.name, config.model, Some(about)))
}

fn describe(name: String, architecture: ModelConfig, package: Option<PackageInfo>) -> Info {
    let size = ModelSize::of(&architecture, &Device::flex());
    Info {
        name,
        architecture,
        macs: size.backbone_macs + size.restorer_macs,
        size,
        package,
    }
}

fn text(info: &Info) -> String {
    let (model, size) = (&info.architecture, &info.size);
    let millions = |count: usize| format!("{:.2} M", count as f64 / 1e6);
    let billions = |count: u64| format!("{:.2} G", count as f64 / 1e9);
    let mut lines = vec![
        format!("name          {}", info.name),
        match info.package.as_ref().and_then(|package| package.tiles) {
            Some(tiles) => format!(
                "input         {0}×{0} pixels RGB, from tiles of {1}×{1} pixels, {2:.0} % shared",
                model.image_size,
                tiles.size,
                100.0 * tiles.overlap
            ),
            None => format!("input         {0}×{0} pixels RGB", model.image_size),
        },
        format!(
            "backbone      {} (stride {}), {} feature channels, {} parameters, {} multiply-adds",
            model.backbone.kind,
            model.backbone.stride,
            model.backbone.kind.feature_channels(),
            millions(size.backbone_params),
            billions(size.backbone_macs),
        ),
        format!(
            "restorer      {}, {} tokens, {} parameters, {} multiply-adds",
            model.restorer.describe(),
            model.tokens(),
            millions(size.restorer_params),
            billions(size.restorer_macs),
        ),
        format!(
            "total         {} parameters, {} multiply-adds per image",
            millions(size.total_params),
            billions(info.macs)
        ),
    ];
    let Some(package) = &info.package else {
        return lines.join("\n");
    };
    let origin = &package.provenance;
    let files = package
        .files
        .iter()
        .map(|(name, bytes)| format!("{name} {:.2} MB", *bytes as f64 / 1e6));
    lines.push(format!(
        "weights       {}, {:.2} MB: {}",
        package.dtype,
        package.bytes as f64 / 1e6,
        files.collect::<Vec<_>>().join(", ")
    ));
    lines.push(format!(
        "recipe        {}, τ {}, seed {}",
        package.recipe, origin.tau, origin.seed
    ));
    lines.push(format!(
        "trained on    {} images of {} ({}){}{}, {} epochs, {} steps",
        origin.images,
        origin.categories.join(", "),
        origin.data,
        origin
            .shots
            .map_or_else(String::new, |shots| format!(", {shots} shots")),
        match &*origin.augment {
            [] => String::new(),
            kinds => format!(", altered copies of each ({})", kinds.join(", ")),
        },
        origin.epochs,
        origin.steps,
    ));
    if let Some(weights) = &origin.backbone_weights {
        lines.push(format!(
            "backbone from {} (sha256 {})",
            weights.name, weights.sha256
        ));
    }
    lines.push(match &package.calibration {
        Some(known) => format!(
            "calibration   {} above {:.4e} is anomalous; colours up to {:.4e}; from {} good images ({})",
            known.score,
            known.threshold,
            known.scale.high,
            known.images,
            known.source.describe()
        ),
        None => "calibration   none".into(),
    });
    lines.push(match (&package.check, package.self_test) {
        (Some(Check { device, report }), _) => format!(
            "self-test     {} on {device}: map within {:.1e} of its maximum, score within {:.1e}",
            if report.passed { "passed" } else { "FAILED" },
            report.max_map_error_relative,
            report.score_error_relative
        ),
        (None, true) => "self-test     included (--check runs it)".into(),
        (None, false) => "self-test     none".into(),
    });
    lines.join("\n")
}
