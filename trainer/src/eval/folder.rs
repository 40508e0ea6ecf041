//! What `fsr eval --out` leaves for `fsr report`: one JSON file and the pictures it names.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use fsr::package::PackageConfig;
use serde::Serialize;
use serde_json::{Value, json};

use super::evidence::Evidence;
use super::pictures::{self, Drawn, Picture};
use super::report::Report;
use crate::atomic;

/// The JSON file.
pub const FILE: &str = "evaluation.json";
/// What it calls itself.
pub const FORMAT: &str = "fsr evaluation";
/// The version that this program writes and reads.
pub const VERSION: u64 = 1;

/// An evaluation's folder in the making.
#[derive(Default)]
pub struct EvaluationFolder {
    categories: BTreeMap<String, (Evidence, Vec<Picture>)>,
    files: Vec<(String, Vec<u8>)>,
}

/// Refuses a folder that holds anything but an earlier evaluation, and that unless it may be replaced.
///
/// # Errors
/// Says what is in the way.
pub fn check_target(out: &Path, overwrite: bool) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let entries =
        std::fs::read_dir(out).with_context(|| format!("{} is not a folder", out.display()))?;
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // The whole folder is replaced, so that nothing else may lie in it.
    let own = |name: &str| name == FILE || pictures::is_one(name);
    if let Some(other) = names.iter().find(|name| !own(name)) {
        bail!(
            "{} holds other things than an evaluation ('{other}'); give another --out",
            out.display()
        );
    }
    if !names.is_empty() && !overwrite {
        bail!(
            "{} holds an evaluation; give another --out, or --overwrite to replace it",
            out.display()
        );
    }
    Ok(())
}

/// As JSON, with 32-bit numbers as short as they are in a file.
fn through_text(value: &impl Serialize) -> Result<Value> {
    Ok(serde_json::from_slice(&serde_json::to_vec(value)?)?)
}

impl EvaluationFolder {
    /// Takes up a category.
    pub fn add(&mut self, category: &str, evidence: Evidence, drawn: Vec<Drawn>) {
        let mut pictures = Vec::with_capacity(drawn.len());
        for (place, one) in drawn.into_iter().enumerate() {
            let (picture, files) = one.named(&format!("{category}-{place:02}"));
            pictures.push(picture);
            self.files.extend(files);
        }
        self.categories
            .insert(category.into(), (evidence, pictures));
    }

    /// Writes everything, or nothing.
    ///
    /// # Errors
    /// Names the folder.
    pub fn write(mut self, out: &Path, report: &Report, config: &PackageConfig) -> Result<()> {
        let mut value = through_text(report)?;
        for (name, (evidence, pictures)) in &self.categories {
            let Some(category) = value["categories"][name].as_object_mut() else {
                continue;
            };
            if let Value::Object(evidence) = through_text(evidence)? {
                category.extend(evidence);
            }
            category.insert("pictures".into(), through_text(pictures)?);
        }
        let known = &config.provenance;
        let setting = match (known.shots, known.categories.len()) {
            (Some(_), _) => "few-shot",
            (None, 0 | 1) => "separate",
            (None, _) => "unified",
        };
        value["format"] = FORMAT.into();
        value["version"] = VERSION.into();
        value["trained"] = json!({
            "setting": setting,
            "method": config.method,
            "shots": known.shots,
            "tau": through_text(&known.tau)?,
            "steps": known.steps,
            "seed": known.seed,
            "position": config.recipe.position,
            "restorer": config.model.restorer.kind,
        });
        self.files
            .push((FILE.into(), serde_json::to_vec_pretty(&value)?));
        atomic::write_folder(out, &self.files)
    }
}
