//! What `--tau auto` costs against the rate that the test set would have chosen.

use serde::Serialize;

use super::CellResult;
use super::table::Spread;

/// The option that is chosen, and its value where it was not given.
const OPTION: &str = "tau";
const AUTO: &str = "auto";

/// One model whose rate was chosen from good images, beside the same with given rates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regret {
    /// few-shot, separate or unified.
    pub setting: String,
    /// Categories of the model.
    pub categories: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// The rate that was chosen.
    pub chosen: f64,
    /// The given rate with the best image AUROC on the test set, which nobody can know: the smallest of equals.
    pub oracle: f64,
    /// Image AUROC with the chosen rate and with the oracle's, means over categories.
    pub image_auroc: [f64; 2],
}

impl Regret {
    /// Image AUROC given away.
    pub fn value(&self) -> f64 {
        self.image_auroc[1] - self.image_auroc[0]
    }
}

/// Every cell with `tau = "auto"` that has the same with given rates beside it.
pub fn regrets(results: &[CellResult]) -> Vec<Regret> {
    let auto = results.iter().filter(|one| given(one) == Some(AUTO));
    auto.filter_map(|one| {
        let mut rates: Vec<(f64, f64)> = results
            .iter()
            .filter(|other| same_but_rate(one, other))
            .filter_map(|other| Some((given(other)?.parse().ok()?, image_auroc(other)?)))
            .collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let best = rates
            .into_iter()
            .reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        Some(Regret {
            setting: one.cell.setting.clone(),
            categories: one.cell.categories.clone(),
            seed: one.cell.seed,
            chosen: one.tau?,
            oracle: best.0,
            image_auroc: [image_auroc(one)?, best.1],
        })
    })
    .collect()
}

/// A table of them with their mean, as Markdown; empty without any.
pub fn markdown(regrets: &[Regret]) -> String {
    let values: Vec<f64> = regrets.iter().map(Regret::value).collect();
    let Some(mean) = Spread::of(&values) else {
        return String::new();
    };
    let mut lines = vec![
        String::new(),
        "## τ auto".into(),
        String::new(),
        "The rate chosen from good images, the oracle (the given rate with the best image AUROC on the test set), and \
         the regret: the oracle's image AUROC less ours, in percentage points. Below zero, another draw of shuffles did \
         better than every given rate."
            .into(),
        String::new(),
        "| setting | categories | seed | τ chosen | oracle τ | I-AUROC | oracle's | regret |".into(),
        format!("|{}", " --- |".repeat(8)),
    ];
    lines.extend(regrets.iter().map(|one| {
        let [ours, oracle] = one.image_auroc.map(|value| value * 100.0);
        format!(
            "| {} | {} | {} | {} | {} | {ours:.2} | {oracle:.2} | {:.2} |",
            one.setting,
            one.categories.join(", "),
            one.seed,
            one.chosen,
            one.oracle,
            one.value() * 100.0
        )
    }));
    lines.push(format!("| mean | | | | | | | {:.2} |\n", mean.mean * 100.0));
    lines.join("\n")
}

fn given(result: &CellResult) -> Option<&str> {
    result.cell.options.get(OPTION).map(String::as_str)
}

fn same_but_rate(a: &CellResult, b: &CellResult) -> bool {
    let rest = |one: &CellResult| {
        let mut options = one.cell.options.clone();
        options.remove(OPTION);
        options
    };
    a.cell.setting == b.cell.setting
        && a.cell.categories == b.cell.categories
        && a.cell.seed == b.cell.seed
        && rest(a) == rest(b)
}

fn image_auroc(result: &CellResult) -> Option<f64> {
    result.mean.pointer("/image/auroc")?.as_f64()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::study::grid::Cell;

    fn result(tau: &str, seed: u64, chosen: f64, auroc: f64) -> CellResult {
        CellResult {
            cell: Cell {
                setting: "few-shot".into(),
                categories: vec!["a".into()],
                seed,
                options: BTreeMap::from([("tau".into(), tau.into())]),
            },
            tau: Some(chosen),
            mean: json!({"image": {"auroc": auroc}}),
            ..CellResult::default()
        }
    }

    #[test]
    fn regret_is_against_the_best_given_rate_of_the_same_seed() {
        let results = [
            result("0.1", 1, 0.1, 0.8),
            result("0.9", 1, 0.9, 0.9),
            result("0.5", 1, 0.5, 0.9),
            result("auto", 1, 0.1, 0.8),
            // Another seed has no given rates beside it.
            result("auto", 2, 0.3, 0.7),
        ];
        let found = regrets(&results);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].chosen, found[0].oracle), (0.1, 0.5));
        assert!((found[0].value() - 0.1).abs() < 1e-12);
        let text = markdown(&found);
        assert!(
            text.contains("| few-shot | a | 1 | 0.1 | 0.5 | 80.00 | 90.00 | 10.00 |"),
            "{text}"
        );
        assert_eq!(markdown(&[]), "");
    }
}
