//! Study files: which options of `fsr train` vary, and the cells that follow.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a study file holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StudyFile {
    /// What the study is about, for the table's head.
    pub title: String,
    /// Table or figure of the paper that it repeats, if it does.
    #[serde(default)]
    pub paper: Option<String>,
    /// Data set root; `--data` goes before.
    #[serde(default)]
    pub data: Option<std::path::PathBuf>,
    /// Product categories, `all` for every one below the root.
    pub categories: Vec<String>,
    /// Settings; few-shot and separate make a model for each category, unified one for all.
    pub settings: Vec<String>,
    /// Seeds; each cell is repeated with every one.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Options that every cell has.
    #[serde(default)]
    pub fixed: BTreeMap<String, toml::Value>,
    /// Options that vary; every combination is a cell.
    #[serde(default)]
    pub grid: BTreeMap<String, Vec<toml::Value>>,
    /// Options that vary together, such as a backbone and its weights; combined with the grid.
    #[serde(default)]
    pub variants: Vec<BTreeMap<String, toml::Value>>,
}

fn one_seed() -> Vec<u64> {
    vec![1]
}

/// Options that a study sets itself.
const OWN: [&str; 10] = [
    "data",
    "category",
    "setting",
    "seed",
    "out",
    "resume",
    "overwrite",
    "json",
    "device",
    "devices",
];

/// One training run of a study.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// few-shot, separate or unified.
    pub setting: String,
    /// Categories of the model.
    pub categories: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// Options of `fsr train`, without dashes in front, and their values as text.
    pub options: BTreeMap<String, String>,
}

impl StudyFile {
    /// Reads and checks a study file.
    ///
    /// # Errors
    /// What is wrong with it, with its line where that is known.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read study {}", path.display()))?;
        let study: Self =
            toml::from_str(&text).with_context(|| format!("in study {}", path.display()))?;
        study
            .check()
            .with_context(|| format!("in study {}", path.display()))?;
        Ok(study)
    }

    fn check(&self) -> Result<()> {
        for (name, list) in [
            ("categories", &self.categories),
            ("settings", &self.settings),
        ] {
            if list.is_empty() {
                bail!("'{name}' is empty");
            }
        }
        if self.seeds.is_empty() {
            bail!("'seeds' is empty");
        }
        let empty = self.grid.iter().find(|(_, values)| values.is_empty());
        if let Some((name, _)) = empty {
            bail!("'grid.{name}' is empty");
        }
        let names = self
            .fixed
            .keys()
            .chain(self.grid.keys())
            .chain(self.variants.iter().flat_map(|variant| variant.keys()));
        for name in names {
            if OWN.contains(&name.as_str()) {
                bail!(
                    "'{name}' cannot be an option here: categories, settings and seeds have lists of their own, the rest belongs to the command line"
                );
            }
        }
        let Some((name, _)) = self.grid.iter().find(|(name, _)| {
            self.fixed.contains_key(*name)
                || self
                    .variants
                    .iter()
                    .any(|variant| variant.contains_key(*name))
        }) else {
            return Ok(());
        };
        bail!("'{name}' is in the grid and elsewhere; it can only have one place")
    }

    /// Every cell, in a fixed order: settings, variants, grid (first option slowest), seeds, categories.
    ///
    /// # Errors
    /// For values that are neither text, number nor switch.
    pub fn cells(&self, categories: &[String]) -> Result<Vec<Cell>> {
        let none = vec![BTreeMap::new()];
        let variants = if self.variants.is_empty() {
            &none
        } else {
            &self.variants
        };
        let mut combinations = vec![BTreeMap::new()];
        for (name, values) in &self.grid {
            combinations = combinations
                .into_iter()
                .flat_map(|known: BTreeMap<String, toml::Value>| {
                    values.iter().map(move |value| {
                        let mut next = known.clone();
                        next.insert(name.clone(), value.clone());
                        next
                    })
                })
                .collect();
        }
        let mut cells: Vec<Cell> = Vec::new();
        for setting in &self.settings {
            let models: Vec<Vec<String>> = match setting.as_str() {
                "few-shot" | "separate" => categories.iter().map(|c| vec![c.clone()]).collect(),
                "unified" => vec![categories.to_vec()],
                other => {
                    bail!("no setting is called '{other}'; there are: few-shot, separate, unified")
                }
            };
            for variant in variants {
                for combination in &combinations {
                    let mut options = BTreeMap::new();
                    for (name, value) in self.fixed.iter().chain(variant).chain(combination) {
                        // Shots make a few-shot run of any other.
                        if name == "shots" && setting != "few-shot" {
                            continue;
                        }
                        options.insert(name.clone(), text(name, value)?);
                    }
                    if setting == "few-shot" && !options.contains_key("shots") {
                        bail!("the setting few-shot needs 'shots'");
                    }
                    for &seed in &self.seeds {
                        for categories in &models {
                            let cell = Cell {
                                setting: setting.clone(),
                                categories: categories.clone(),
                                seed,
                                options: options.clone(),
                            };
                            // Settings without shots do not repeat for every number of them.
                            if !cells.contains(&cell) {
                                cells.push(cell);
                            }
                        }
                    }
                }
            }
        }
        Ok(cells)
    }
}

fn text(name: &str, value: &toml::Value) -> Result<String> {
    Ok(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(switch) => switch.to_string(),
        _ => bail!("'{name}' must be a text, a number or a switch (true, false)"),
    })
}

impl Cell {
    /// The arguments of `fsr train`, but data, output and device. `weights` is where weight files
    /// with relative names are.
    pub fn arguments(&self, weights: &Path) -> Vec<String> {
        let mut arguments = vec![
            "--setting".to_string(),
            self.setting.clone(),
            "--seed".into(),
            self.seed.to_string(),
        ];
        for category in &self.categories {
            arguments.extend(["--category".into(), category.clone()]);
        }
        for (name, value) in &self.options {
            match (name.as_str(), value.as_str()) {
                (_, "true") => arguments.push(format!("--{name}")),
                (_, "false") => {}
                ("backbone-weights", file) if file != "random" => arguments.push(format!(
                    "--backbone-weights={}",
                    weights.join(file).display()
                )),
                _ => arguments.push(format!("--{name}={value}")),
            }
        }
        arguments
    }

    /// Identifies the cell: SHA-256 of its settings, the weights' hash and the data set's name,
    /// shortened to 16 hexadecimal digits. A result with another hash is of another configuration.
    pub fn hash(&self, weights_sha256: Option<&str>, data: &str) -> String {
        let identity = serde_json::json!({
            "version": super::VERSION,
            "cell": self,
            "backbone_weights": weights_sha256,
            "data": data,
        });
        hex::encode(&Sha256::digest(identity.to_string().as_bytes())[..8])
    }
}

/// `--array i/n`: every n-th cell, from the i-th on (counted from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which part, from 0.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err("write i/n with i from 0 to n−1, such as 0/4".into()),
        }
    }
}

impl Part {
    /// Whether the cell at `place` belongs to this part.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.index
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const STUDY: &str = r#"
        title = "t"
        categories = ["a", "b"]
        settings = ["few-shot", "unified"]
        seeds = [1, 2]
        [fixed]
        preset = "lite"
        backbone-weights = "r.safetensors"
        [grid]
        shots = [2, 4]
        tau = [0.0, 0.9]
        [[variants]]
        method = "fsr"
        [[variants]]
        method = "padim"
    "#;

    fn cells(text: &str) -> Vec<Cell> {
        let study: StudyFile = toml::from_str(text).unwrap();
        study.check().unwrap();
        study.cells(&study.categories).unwrap()
    }

    #[test]
    fn a_grid_is_expanded_once_each() {
        let cells = cells(STUDY);
        // few-shot: 2 methods · 2 shots · 2 τ · 2 seeds · 2 categories; unified: without shots and categories.
        assert_eq!(cells.len(), 32 + 8);
        assert!(
            cells[32..]
                .iter()
                .all(|cell| cell.categories.len() == 2 && !cell.options.contains_key("shots"))
        );
        let mut hashes: Vec<String> = cells.iter().map(|cell| cell.hash(Some("x"), "d")).collect();
        assert_ne!(hashes[0], cells[0].hash(Some("y"), "d"));
        assert_ne!(hashes[0], cells[0].hash(Some("x"), "e"));
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), cells.len());
        assert_eq!(
            cells[0].arguments(Path::new("w")).join(" "),
            "--setting few-shot --seed 1 --category a --backbone-weights=w/r.safetensors --method=fsr --preset=lite --shots=2 --tau=0"
        );
    }

    #[test]
    fn array_parts_share_the_cells_out() {
        let parts: Vec<Part> = (0..3).map(|i| format!("{i}/3").parse().unwrap()).collect();
        for place in 0..20 {
            assert_eq!(parts.iter().filter(|part| part.has(place)).count(), 1);
        }
        for text in ["3/3", "1", "a/b", "0/0", "-1/2"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = |from: &str, to: &str| {
            let study = toml::from_str::<StudyFile>(&STUDY.replace(from, to));
            match study {
                Err(error) => error.to_string(),
                Ok(study) => match study.check() {
                    Err(error) => error.to_string(),
                    Ok(()) => study.cells(&study.categories).unwrap_err().to_string(),
                },
            }
        };
        assert!(error("shots = [2, 4]", "").contains("needs 'shots'"));
        assert!(error("tau = [0.0, 0.9]", "tau = []").contains("'grid.tau' is empty"));
        assert!(error("tau = [0.0, 0.9]", "preset = ['lite']").contains("'preset' is in the grid"));
        assert!(error("\"unified\"", "\"united\"").contains("united"));
        assert!(error("preset = \"lite\"", "seed = 3").contains("'seed'"));
        assert!(error("preset = \"lite\"", "preset = [1]").contains("'preset' must be"));
        assert!(error("title", "titel").contains("titel"));
    }
}
