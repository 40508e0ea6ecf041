//! From the results of cells to one table: means and standard deviations over seeds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::CellResult;

/// The figures of a table, by name and place in a result.
pub const FIGURES: [(&str, &str); 10] = [
    ("I-AUROC", "/image/auroc"),
    ("I-AP", "/image/ap"),
    ("I-F1", "/image/f1_max"),
    ("P-AUROC", "/pixel/auroc"),
    ("P-AP", "/pixel/ap"),
    ("P-F1", "/pixel/f1_max"),
    ("AUPRO", "/pixel/aupro"),
    ("I-AUROC std", "/reductions/std/auroc"),
    ("I-AUROC max", "/reductions/max/auroc"),
    ("I-AUROC top1", "/reductions/top1/auroc"),
];

/// Name of the row that averages categories.
pub const MEAN: &str = "mean";

/// A mean over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation; none for a single seed.
    pub sd: Option<f64>,
    /// How many seeds.
    pub seeds: usize,
}

impl Spread {
    /// Mean and sample standard deviation; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let seeds = values.len();
        if seeds == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / seeds as f64;
        let sd = (seeds > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (seeds - 1) as f64).sqrt()
        });
        Some(Self { mean, sd, seeds })
    }

    /// In percent, `85.00 ± 1.00`.
    pub fn percent(&self) -> String {
        let mean = format!("{:.2}", self.mean * 100.0);
        match self.sd {
            Some(sd) => format!("{mean} ± {:.2}", sd * 100.0),
            None => mean,
        }
    }
}

/// One line: a category (or the mean of all) under one choice of options.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The setting.
    pub setting: String,
    /// All options.
    pub options: BTreeMap<String, String>,
    /// Category, or `mean`.
    pub category: String,
    /// Figures by name; those that the data does not define are missing.
    pub figures: BTreeMap<&'static str, Spread>,
}

/// A study's results, put together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// The study's title.
    pub title: String,
    /// What it repeats of the paper.
    pub paper: Option<String>,
    /// Cells with a result, and cells in all.
    pub cells: [usize; 2],
    /// Options that differ between rows.
    pub varying: Vec<String>,
    /// The rows, in the order of the cells.
    pub rows: Vec<Row>,
}

/// Values of one figure: by category, then by seed.
type Values = BTreeMap<&'static str, BTreeMap<String, BTreeMap<u64, f64>>>;

/// Setting and options.
type Group = (String, BTreeMap<String, String>);

impl Table {
    /// Puts results together; `total` is the number of cells of the study.
    pub fn of(title: &str, paper: Option<&str>, results: &[CellResult], total: usize) -> Self {
        let mut groups: Vec<(Group, Values)> = Vec::new();
        for result in results {
            let key = (result.cell.setting.clone(), result.cell.options.clone());
            let at = groups.iter().position(|(known, _)| *known == key);
            let at = at.unwrap_or_else(|| {
                groups.push((key, Values::new()));
                groups.len() - 1
            });
            for (category, report) in &result.categories {
                for (name, pointer) in FIGURES {
                    if let Some(value) = report.pointer(pointer).and_then(Value::as_f64) {
                        groups[at]
                            .1
                            .entry(name)
                            .or_default()
                            .entry(category.clone())
                            .or_default()
                            .insert(result.cell.seed, value);
                    }
                }
            }
        }
        let mut rows = Vec::new();
        for ((setting, options), values) in &groups {
            let mut categories: BTreeSet<&String> = BTreeSet::new();
            categories.extend(values.values().flat_map(|by| by.keys()));
            let row = |category: &str, figures| Row {
                setting: setting.clone(),
                options: options.clone(),
                category: category.into(),
                figures,
            };
            for &category in &categories {
                let figures = values.iter().filter_map(|(&name, by)| {
                    let seeds: Vec<f64> = by.get(category)?.values().copied().collect();
                    Some((name, Spread::of(&seeds)?))
                });
                rows.push(row(category, figures.collect()));
            }
            if categories.len() > 1 {
                let figures = values
                    .iter()
                    .filter_map(|(&name, by)| Some((name, mean_of_categories(by)?)));
                rows.push(row(MEAN, figures.collect()));
            }
        }
        let mut varying: Vec<String> = Vec::new();
        let names: BTreeSet<&String> = rows.iter().flat_map(|row| row.options.keys()).collect();
        for name in names {
            let first = rows.first().and_then(|row| row.options.get(name));
            if rows.iter().any(|row| row.options.get(name) != first) {
                varying.push(name.clone());
            }
        }
        Self {
            title: title.into(),
            paper: paper.map(String::from),
            cells: [results.len(), total],
            varying,
            rows,
        }
    }

    fn head(&self) -> Vec<&str> {
        let mut head = vec!["setting"];
        head.extend(self.varying.iter().map(String::as_str));
        head.extend(["category", "seeds"]);
        head
    }

    fn labels(&self, row: &Row) -> Vec<String> {
        let mut labels = vec![row.setting.clone()];
        labels.extend(
            self.varying
                .iter()
                .map(|name| row.options.get(name).cloned().unwrap_or_default()),
        );
        let seeds = row.figures.values().map(|spread| spread.seeds).max();
        labels.extend([row.category.clone(), seeds.unwrap_or(0).to_string()]);
        labels
    }

    /// As Markdown; percent, mean ± standard deviation over seeds.
    pub fn markdown(&self) -> String {
        let mut lines = vec![format!("# {}", self.title), String::new()];
        if let Some(paper) = &self.paper {
            lines.extend([format!("Repeats: {paper}."), String::new()]);
        }
        lines.extend([
            format!(
                "{} of {} runs done. Percent; mean ± standard deviation over seeds; last step, never best on test.",
                self.cells[0], self.cells[1]
            ),
            String::new(),
        ]);
        let head = self.head();
        let names: Vec<&str> = head
            .into_iter()
            .chain(FIGURES.iter().map(|(name, _)| *name))
            .collect();
        lines.push(format!("| {} |", names.join(" | ")));
        lines.push(format!("|{}", " --- |".repeat(names.len())));
        for row in &self.rows {
            let mut fields = self.labels(row);
            fields.extend(FIGURES.iter().map(|(name, _)| {
                row.figures
                    .get(name)
                    .map_or_else(|| "–".into(), Spread::percent)
            }));
            lines.push(format!("| {} |", fields.join(" | ")));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// As CSV: shares, mean and standard deviation in columns of their own.
    ///
    /// # Errors
    /// Never in practice: it is written to memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut head: Vec<String> = self.head().into_iter().map(String::from).collect();
        head.extend(
            FIGURES
                .iter()
                .flat_map(|(name, _)| [name.to_string(), format!("{name} sd")]),
        );
        writer.write_record(&head)?;
        for row in &self.rows {
            let mut fields = self.labels(row);
            for (name, _) in FIGURES {
                let spread = row.figures.get(name);
                fields.push(spread.map_or_else(String::new, |s| s.mean.to_string()));
                let sd = spread.and_then(|s| s.sd);
                fields.push(sd.map_or_else(String::new, |sd| sd.to_string()));
            }
            writer.write_record(&fields)?;
        }
        writer.into_inner().context("cannot put the table together")
    }
}

/// Mean over categories for each seed that all of them have, then over seeds.
fn mean_of_categories(by_category: &BTreeMap<String, BTreeMap<u64, f64>>) -> Option<Spread> {
    let seeds: BTreeSet<u64> = by_category
        .values()
        .flat_map(|seeds| seeds.keys().copied())
        .collect();
    let means: Vec<f64> = seeds
        .into_iter()
        .filter_map(|seed| {
            let values: Option<Vec<f64>> = by_category
                .values()
                .map(|seeds| seeds.get(&seed).copied())
                .collect();
            let values = values?;
            Some(values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect();
    Spread::of(&means)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::study::grid::Cell;
    use serde_json::json;

    fn result(tau: &str, seed: u64, category: &str, auroc: f64) -> CellResult {
        CellResult {
            version: super::super::VERSION,
            hash: String::new(),
            cell: Cell {
                setting: "separate".into(),
                categories: vec![category.into()],
                seed,
                options: BTreeMap::from([
                    ("tau".into(), tau.into()),
                    ("preset".into(), "lite".into()),
                ]),
            },
            categories: BTreeMap::from([(
                category.into(),
                json!({"image": {"auroc": auroc}, "pixel": {"auroc": null}}),
            )]),
            ..CellResult::default()
        }
    }

    #[test]
    fn means_are_over_categories_then_seeds() {
        let results = [
            result("0", 1, "a", 0.9),
            result("0", 1, "b", 0.7),
            result("0", 2, "a", 0.8),
            result("0", 2, "b", 0.4),
            result("0.9", 1, "a", 1.0),
            // Category b of τ 0.9 has another seed only: there is no mean yet.
            result("0.9", 2, "b", 0.5),
        ];
        let table = Table::of("t", None, &results, 8);
        assert_eq!(table.varying, ["tau"]);
        let find = |tau: &str, category: &str| {
            let row = table
                .rows
                .iter()
                .find(|row| row.options["tau"] == tau && row.category == category);
            row.unwrap().figures.get("I-AUROC").copied()
        };
        let mean = find("0", "mean").unwrap();
        assert!((mean.mean - 0.7).abs() < 1e-12 && (mean.sd.unwrap() - 0.141_421_356).abs() < 1e-8);
        assert_eq!(find("0.9", "a").unwrap().sd, None);
        assert_eq!(find("0.9", "mean"), None);
        assert!(!table.rows[0].figures.contains_key("P-AUROC"));
        let markdown = table.markdown();
        assert!(markdown.contains("6 of 8 runs done"));
        assert!(
            markdown.contains("| separate | 0 | mean | 2 | 70.00 ± 14.14 | – |"),
            "{markdown}"
        );
        let csv = String::from_utf8(table.csv().unwrap()).unwrap();
        assert!(csv.starts_with("setting,tau,category,seeds,I-AUROC,I-AUROC sd,"));
        assert_eq!(csv.lines().count(), 1 + table.rows.len());
    }
}
