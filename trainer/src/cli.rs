//! The command line: commands, and the options they share.

use clap::{Args, Parser, Subcommand};
use fsr::map::ScoreKind;

use crate::dataset::{DataSet, DatasetError, Layout};
use crate::device::DeviceChoice;

/// Finds defects in product images from good examples alone, by feature shuffling and restoration.
#[derive(Debug, Parser)]
#[command(
    name = "fsr",
    version,
    max_term_width = 100,
    after_help = "A first run, from images to a model for the page:\n\
                  \x20 fsr synth --out data                                   make practice images\n\
                  \x20 fsr data check data                                    is everything there?\n\
                  \x20 fsr train --data data --category bottle --preset compact \\\n\
                  \x20     --backbone-weights resnet18.safetensors --out runs/bottle\n\
                  \x20 fsr eval runs/bottle --data data --category bottle\n\
                  \x20 fsr predict runs/bottle photo.jpg --out answers\n\
                  \x20 fsr export runs/bottle --dtype q8 --out models/bottle\n\n\
                  Results go to stdout, everything else to stderr; --json gives results as JSON.\n\
                  Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted (work saved).\n\
                  `fsr help COMMAND` explains a command with examples."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. Each one's own arguments carry its help.
#[derive(Debug, Subcommand)]
pub enum Command {
    Train(Box<crate::train::TrainArgs>),
    Eval(crate::eval::EvalArgs),
    Study(crate::study::StudyArgs),
    Calibrate(crate::recalibrate::CalibrateArgs),
    Report(crate::report::ReportArgs),
    Predict(crate::predict::PredictArgs),
    Export(crate::export::ExportArgs),
    Info(crate::info::InfoArgs),
    Synth(crate::synth::SynthArgs),
    Distill(crate::distill::DistillArgs),
    Data(crate::data::DataCommand),
}

/// Where to compute.
#[derive(Debug, Clone, Args)]
pub struct DeviceArgs {
    /// Processor: auto, cpu, wgpu or wgpu:N (GPU by Vulkan, Metal or DirectX 12), cuda or cuda:N.
    ///
    /// `auto` takes CUDA if this build has it and a device is there, else a hardware GPU through
    /// wgpu, else the CPU. Software adapters such as llvmpipe are taken only when asked for.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
}

/// Which score judges, and by which threshold.
#[derive(Debug, Clone, Args)]
pub struct VerdictArgs {
    /// Image score: std (the authors'), max, or top1 (mean of the highest 1 %). Default: the model's own.
    #[arg(long, value_name = "KIND")]
    pub score: Option<ScoreKind>,
    /// Set the threshold so that at most this share of good images is called anomalous, by the good images that the model
    /// is calibrated on.
    #[arg(long, value_name = "RATE")]
    pub false_alarm_rate: Option<f64>,
}

/// An exponent for the expected difference, see [`fsr::expected::ExpectedDifference::share`].
///
/// # Errors
/// For anything but a number from 0 to 1.
pub fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 to 1".into()),
    }
}

/// How to answer.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Print the result as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Which images of a data set.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of a data set: MVTec AD, MPDD, BTAD, VisA, or a plain folder with good/ in it. `fsr data check ROOT`
    /// says whether it is usable; docs/datasets.md has the layouts.
    #[arg(long, value_name = "ROOT")]
    pub data: std::path::PathBuf,

    /// Category in ROOT; repeat it for several, or `all`. May be left out where there is only one.
    #[arg(long = "category", value_name = "NAME")]
    pub categories: Vec<String>,

    #[arg(long, value_name = "LAYOUT", value_enum, hide_possible_values = true, help = LAYOUT_HELP)]
    pub layout: Option<Layout>,
}

/// Help of every `--layout`.
pub const LAYOUT_HELP: &str = "Read the folder in this layout instead of the one that it shows: mvtec, mpdd, btad, visa, plain";

impl DataArgs {
    /// The data set.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn open(&self) -> Result<DataSet, DatasetError> {
        DataSet::open(&self.data, self.layout)
    }
}
