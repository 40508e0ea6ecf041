//! Checkpoints: a package of the model so far, and beside it what a bit-exact continuation needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fsr::package::{Dtype, decode_tensors, encode_tensors};
use fsr::tensors::NamedTensors;
use fsr::train::{TrainState, Training};
use serde::{Deserialize, Serialize};

use super::run_folder::checkpoints;
use crate::dataset::manifest::bytes_sha256;
use crate::progress::say;
use crate::store;

/// Where the training stands, in a checkpoint's folder.
const STATE_FILE: &str = "training.json";
/// The optimiser's moments, in a checkpoint's folder.
const MOMENTS_FILE: &str = "optimizer.safetensors";
/// The version of the two files that this program reads and writes.
const VERSION: u32 = 1;

/// What `training.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    format: String,
    version: u32,
    /// Training time so far.
    seconds: f64,
    /// SHA-256 of the moments' file, so that a damaged one is not continued from.
    moments_sha256: String,
    state: TrainState,
}

/// A checkpoint read back.
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// Where the training stood.
    pub state: TrainState,
    /// Training time until then.
    pub seconds: f64,
    /// The model's weights, as in its package.
    pub weights: NamedTensors,
    /// The optimiser's moments.
    pub moments: NamedTensors,
}

/// The files that stand beside the package.
///
/// # Errors
/// When the device does not give the moments back, or they are not finite.
pub fn files(training: &Training, seconds: f64) -> Result<Vec<(String, Vec<u8>)>> {
    let (state, moments) = pollster::block_on(training.state())?;
    let moments = encode_tensors(&moments, Dtype::F32).context("cannot save the optimiser")?;
    let stored = Stored {
        format: "fsr training".into(),
        version: VERSION,
        seconds,
        moments_sha256: bytes_sha256(&moments),
        state,
    };
    Ok(vec![
        (MOMENTS_FILE.into(), moments),
        (STATE_FILE.into(), serde_json::to_vec_pretty(&stored)?),
    ])
}

/// The newest checkpoint of a run that is whole; `None` if it has none yet.
///
/// # Errors
/// When there are checkpoints and none of them can be used; the newest one's reason is told.
pub fn newest(run: &Path) -> Result<Option<Checkpoint>> {
    let mut reason = None;
    for (_, path) in checkpoints(run).into_iter().rev() {
        match read(&path) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(error) => {
                say(format!("passed over {}: {error:#}", path.display()));
                reason.get_or_insert(error);
            }
        }
    }
    match reason {
        None => Ok(None),
        Some(error) => {
            Err(error.context(format!("no checkpoint of {} can be used", run.display())))
        }
    }
}

fn read(path: &Path) -> Result<Checkpoint> {
    let file = |name: &str| {
        std::fs::read(path.join(name)).with_context(|| {
            format!("cannot read {name}; a checkpoint of an older version has none and cannot be continued")
        })
    };
    let stored: Stored = serde_json::from_slice(&file(STATE_FILE)?)
        .with_context(|| format!("{STATE_FILE} is damaged"))?;
    if stored.format != "fsr training" || stored.version != VERSION {
        bail!(
            "{STATE_FILE} has format '{}' version {}, this program continues 'fsr training' version {VERSION}",
            stored.format,
            stored.version
        );
    }
    let moments = file(MOMENTS_FILE)?;
    if bytes_sha256(&moments) != stored.moments_sha256 {
        bail!("{MOMENTS_FILE} is damaged: it does not have the SHA-256 that {STATE_FILE} names");
    }
    Ok(Checkpoint {
        path: path.into(),
        moments: decode_tensors(MOMENTS_FILE, &moments)?,
        weights: store::read(path)?.tensors,
        seconds: stored.seconds,
        state: stored.state,
    })
}
