//! What a folder of results says: of a study, or of one evaluation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

use super::published::{Configuration, Published, published};
use crate::eval::folder;
use crate::study::table::{FIGURES, MEAN, Spread, Table};
use crate::study::{CellResult, figure};

/// One line of figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// few-shot, separate or unified.
    pub setting: String,
    /// Options that differ within the section.
    pub options: BTreeMap<String, String>,
    /// Category, or `mean`.
    pub category: String,
    /// Figures by name, as shares.
    pub figures: BTreeMap<&'static str, Spread>,
    /// The paper's, beside means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<Published>,
}

impl Line {
    /// Ours less the paper's, in percentage points: image and pixel AUROC.
    pub fn difference(&self) -> [Option<f64>; 2] {
        let ours = |name: &str| self.figures.get(name).map(|spread| spread.mean * 100.0);
        let paper = self.paper;
        [
            ours("I-AUROC").zip(paper.map(|known| known.image)),
            ours("P-AUROC").zip(paper.and_then(|known| known.pixel)),
        ]
        .map(|pair| pair.map(|(ours, paper)| ours - paper))
    }
}

/// One model's curves and pictures, by category as `fsr eval` or a study reports them.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What made it.
    pub name: String,
    /// The image score that its figures use.
    pub score: String,
    /// Reports by category.
    pub categories: BTreeMap<String, Value>,
}

/// Results that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Where they were read.
    pub folder: PathBuf,
    /// Its heading.
    pub title: String,
    /// What is to be said first.
    pub notes: Vec<String>,
    /// The table as a figure, an SVG file; of a study.
    pub figure: Option<String>,
    /// The table.
    pub lines: Vec<Line>,
    /// What it was made from.
    pub runs: Vec<Run>,
}

impl Section {
    /// Reads a folder that `fsr study` or `fsr eval --out` wrote.
    ///
    /// # Errors
    /// When it is neither, or a file in it is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        if path.join(folder::FILE).is_file() {
            Self::evaluation(path)
        } else {
            Self::study(path)
        }
    }

    fn study(path: &Path) -> Result<Self> {
        let cells = path.join("cells");
        let entries = fs::read_dir(&cells).with_context(|| {
            format!(
                "{} is not a folder that `fsr study` or `fsr eval --out` wrote (no cells, no {})",
                path.display(),
                folder::FILE
            )
        })?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        let mut results = Vec::new();
        for path in paths {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let result: CellResult = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not a result of `fsr study`", path.display()))?;
            results.push(result);
        }
        if results.is_empty() {
            bail!("{} holds no results yet", cells.display());
        }
        results.sort_by(|a, b| a.order().cmp(&b.order()));
        // What the study said of itself, if its table was written.
        let about: Value = fs::read(path.join("results.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let title = about["title"].as_str().unwrap_or(&name);
        let total = about["cells"][1].as_u64().unwrap_or(results.len() as u64) as usize;
        let table = Table::of(title, about["paper"].as_str(), &results, total);
        let mut notes = Vec::new();
        notes.extend(
            table
                .paper
                .as_ref()
                .map(|paper| format!("Repeats: {paper}.")),
        );
        notes.push(format!("{} of {total} runs.", results.len()));
        let lines = table.rows.iter().map(|row| {
            let option = |name: &str| row.options.get(name).map(String::as_str);
            let paper = published(Configuration {
                setting: &row.setting,
                method: option("method").unwrap_or("fsr"),
                shots: option("shots"),
                tau: option("tau"),
                position: option("position"),
                restorer: option("restorer"),
            });
            let varies = |(name, _): &(&String, &String)| table.varying.contains(name);
            Line {
                setting: row.setting.clone(),
                options: row
                    .options
                    .iter()
                    .filter(varies)
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                category: row.category.clone(),
                figures: row.figures.clone(),
                paper: paper.filter(|_| row.category == MEAN),
            }
        });
        Ok(Self {
            folder: path.into(),
            title: title.into(),
            notes,
            figure: figure::svg(&table),
            lines: lines.collect(),
            runs: results
                .iter()
                .map(|result| Run {
                    name: result.command().into(),
                    score: result.score().into(),
                    categories: result.categories().clone(),
                })
                .collect(),
        })
    }

    fn evaluation(path: &Path) -> Result<Self> {
        let file = path.join(folder::FILE);
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let value: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged", file.display()))?;
        if value["format"] != folder::FORMAT || value["version"] != folder::VERSION {
            bail!(
                "{} has format {} version {}, this program reads '{}' version {}",
                file.display(),
                value["format"],
                value["version"],
                folder::FORMAT,
                folder::VERSION
            );
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let trained = &value["trained"];
        let (setting, method) = (text(&trained["setting"]), text(&trained["method"]));
        let shots = trained["shots"].as_u64().map(|count| count.to_string());
        let categories: BTreeMap<String, Value> = value["categories"]
            .as_object()
            .with_context(|| format!("{} names no categories", file.display()))?
            .iter()
            .map(|(name, report)| (name.clone(), report.clone()))
            .collect();
        let line = |category: &str, report: &Value, paper| Line {
            setting: setting.clone(),
            options: BTreeMap::new(),
            category: category.into(),
            figures: figures(report),
            paper,
        };
        let mut lines: Vec<Line> = categories
            .iter()
            .map(|(name, report)| line(name, report, None))
            .collect();
        if lines.len() > 1 {
            let tau = trained["tau"].to_string();
            let paper = published(Configuration {
                setting: &setting,
                method: &method,
                shots: shots.as_deref(),
                tau: (method == "fsr").then_some(tau.as_str()),
                position: trained["position"].as_str(),
                restorer: trained["restorer"].as_str(),
            });
            lines.push(line(MEAN, &value[MEAN], paper));
        }
        let shots = shots.map_or_else(String::new, |count| format!(", {count} shots"));
        let notes = vec![
            format!(
                "{setting}{shots}, {method}, τ {}, {} steps, seed {}; images of {} pixels, image score {}, on {}.",
                trained["tau"],
                trained["steps"],
                trained["seed"],
                value["image_size"],
                text(&value["score"]),
                text(&value["device"])
            ),
            format!(
                "Data {}; SHA-256 of the model {}.",
                last(&text(&value["data"])),
                text(&value["model_sha256"])
            ),
        ];
        // Without their place on this machine: the page is for others too.
        let name = last(&text(&value["model"]));
        Ok(Self {
            folder: path.into(),
            title: name.clone(),
            notes,
            figure: None,
            lines,
            runs: vec![Run {
                name,
                score: text(&value["score"]),
                categories,
            }],
        })
    }

    /// Names of the options that differ between lines.
    pub fn varying(&self) -> Vec<&str> {
        let first = self.lines.first();
        first.map_or_else(Vec::new, |line| {
            line.options.keys().map(String::as_str).collect()
        })
    }
}

/// The last part of a path.
fn last(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.into(), |name| name.to_string_lossy().into_owned())
}

/// The figures of a report, as a single seed's.
fn figures(report: &Value) -> BTreeMap<&'static str, Spread> {
    FIGURES
        .iter()
        .filter_map(|(name, pointer)| {
            let value = report.pointer(pointer)?.as_f64()?;
            Some((*name, Spread::of(&[value])?))
        })
        .collect()
}
