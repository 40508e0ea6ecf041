//! Where a distillation stands, on disk: student with heads, the optimiser's moments, and its settings.
//!
//! Crops and order depend on seed and step alone, so that nothing else is needed to go on bit by bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use fsr::optimizer::NamedAdamW;
use fsr::package::{Dtype, decode_tensors, encode_tensors};
use fsr::tensors::{export, import};
use serde::{Deserialize, Serialize};

use super::DistillArgs;
use super::student::Student;
use crate::atomic;

const STATE: &str = "state.json";
const STUDENT: &str = "student.safetensors";
const MOMENTS: &str = "moments.safetensors";

/// What must be the same for a distillation to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    teacher: String,
    steps: usize,
    batch: usize,
    crop: u32,
    lr: f64,
    seed: u64,
    images: usize,
}

impl Settings {
    /// Of a command line, with so many images found.
    pub fn new(args: &DistillArgs, images: usize) -> Self {
        Self {
            teacher: format!("{} {}", args.teacher, args.teacher_stride),
            steps: args.steps,
            batch: args.batch,
            crop: args.crop,
            lr: args.lr,
            seed: args.seed,
            images,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    step: usize,
    seconds: f64,
    settings: Settings,
    optimizer_steps: BTreeMap<String, usize>,
}

/// The folder beside the weights that holds an unfinished distillation.
pub fn folder(out: &Path) -> PathBuf {
    out.with_extension("unfinished")
}

/// Where an unfinished distillation lies, if there is one: a process that died while it saved left it
/// under the name that [`atomic::write_folder`] moves it to.
///
/// # Errors
/// When `out` is not the name of a file.
pub fn found(out: &Path) -> Result<Option<PathBuf>> {
    let folder = folder(out);
    let previous = atomic::with_suffix(&folder, "previous")?;
    Ok([folder, previous].into_iter().find(|path| path.exists()))
}

/// Saves after `step` steps; the previous state stays until the new one is whole.
///
/// # Errors
/// When the device does not give its tensors back, or the disk refuses.
pub fn save(
    out: &Path,
    settings: &Settings,
    step: usize,
    seconds: f64,
    student: &Student,
    optimizer: &NamedAdamW,
) -> Result<()> {
    let (moments, optimizer_steps) = pollster::block_on(optimizer.state())?;
    let student = pollster::block_on(export(student))?;
    let state = State {
        step,
        seconds,
        settings: settings.clone(),
        optimizer_steps,
    };
    let files = [
        (STATE.to_string(), serde_json::to_vec_pretty(&state)?),
        (STUDENT.to_string(), encode_tensors(&student, Dtype::F32)?),
        (MOMENTS.to_string(), encode_tensors(&moments, Dtype::F32)?),
    ];
    atomic::write_folder(&folder(out), &files)
}

/// Takes up where [`save`] left off: steps done and seconds spent.
///
/// # Errors
/// When there is nothing to take up, it is damaged, or it was begun with other settings.
pub fn restore(
    out: &Path,
    settings: &Settings,
    student: &mut Student,
    optimizer: &mut NamedAdamW,
    device: &Device,
) -> Result<(usize, f64)> {
    let Some(folder) = found(out)? else {
        bail!(
            "there is no {} to go on with; leave --resume out to begin",
            folder(out).display()
        );
    };
    let file = |name: &str| {
        fs::read(folder.join(name))
            .with_context(|| format!("cannot read {}", folder.join(name).display()))
    };
    let state: State = serde_json::from_slice(&file(STATE)?)
        .with_context(|| format!("{} is damaged", folder.join(STATE).display()))?;
    if state.settings != *settings {
        bail!(
            "{} was begun with other settings ({}); give the same, or remove it",
            folder.display(),
            serde_json::to_string(&state.settings)?
        );
    }
    let weights = decode_tensors(STUDENT, &file(STUDENT)?)?;
    *student = import(student.clone(), &weights, "").context(STUDENT)?;
    let moments = decode_tensors(MOMENTS, &file(MOMENTS)?)?;
    optimizer
        .restore(student, &moments, &state.optimizer_steps, device)
        .context(MOMENTS)?;
    Ok((state.step, state.seconds))
}
