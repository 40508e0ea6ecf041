//! `fsr report`: results of studies as one page that needs nothing beside it.

mod published;
mod svg;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::atomic;
use crate::progress::print_text;
use crate::study::CellResult;
use crate::study::table::{FIGURES, Row, Spread, Table};

/// Put results of studies together as one HTML file.
///
/// For each RESULTS folder: the table of all runs (mean ± standard deviation over seeds), the paper's
/// figures and the difference to them where it prints any, and for every run the ROC curve of its images
/// and their scores with the threshold. The file holds everything it shows.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr report results/few-shot results/unified --html report.html\n\
    \x20 fsr report results/shuffle-jitter --html shuffle-jitter.html")]
pub struct ReportArgs {
    /// Folders that `fsr study` wrote.
    #[arg(value_name = "RESULTS", required = true)]
    pub results: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}\
tr.mean{font-weight:600}.scroll{overflow-x:auto}svg{font:11px system-ui,sans-serif;margin-right:1rem}\
.frame{fill:none;stroke:#999}.curve{fill:none;stroke:#1f5fa8;stroke-width:2}.good{fill:#5b9bd5}.bad{fill:#d9682b}\
.threshold{stroke:#222;stroke-dasharray:4 3}code{font-size:.85em;word-break:break-all}";

/// Runs the command.
///
/// # Errors
/// When a folder holds no results, or the file cannot be written.
pub fn run(args: &ReportArgs) -> Result<()> {
    let mut body = String::new();
    for folder in &args.results {
        section(&mut body, folder)?;
    }
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>FSR results</title>\
         <style>{STYLE}</style></head><body><h1>Results</h1>\n\
         <p>Percent; mean ± standard deviation over seeds. Every figure is of the last step, never the best \
         on the test set. The paper's figures are means of MVTec AD's 15 categories with WideResNet-50-2 at \
         the epoch that is best on the test set; the difference says what it says only where the data is \
         the same.</p>\n{body}</body></html>\n"
    );
    atomic::write_file(&args.html, page.as_bytes())?;
    print_text(&format!("{}: {} bytes", args.html.display(), page.len()))
}

fn section(body: &mut String, folder: &Path) -> Result<()> {
    let cells = folder.join("cells");
    let entries = fs::read_dir(&cells).with_context(|| {
        format!(
            "{} is not a folder that `fsr study` wrote (no cells)",
            folder.display()
        )
    })?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let mut results = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let result: CellResult = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a result of `fsr study`", path.display()))?;
        results.push(result);
    }
    if results.is_empty() {
        bail!("{} holds no results yet", cells.display());
    }
    results.sort_by(|a, b| a.order().cmp(&b.order()));
    // What the study said of itself, if its table was written.
    let about: Value = fs::read(folder.join("results.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let title = about["title"].as_str().unwrap_or(&name);
    let total = about["cells"][1].as_u64().unwrap_or(results.len() as u64) as usize;
    let table = Table::of(title, about["paper"].as_str(), &results, total);
    let _ = writeln!(body, "<h2>{}</h2>", escape(title));
    if let Some(paper) = &table.paper {
        let _ = writeln!(body, "<p>Repeats: {}.</p>", escape(paper));
    }
    let _ = writeln!(body, "<p>{} of {total} runs.</p>", results.len());
    write_table(body, &table);
    body.push_str("<h3>Runs</h3>\n");
    for result in &results {
        write_run(body, result);
    }
    Ok(())
}

fn write_table(body: &mut String, table: &Table) {
    body.push_str("<div class=scroll><table><tr><th>setting</th>");
    for name in &table.varying {
        let _ = write!(body, "<th>{}</th>", escape(name));
    }
    body.push_str("<th>category</th>");
    for (name, _) in FIGURES {
        let _ = write!(body, "<th>{name}</th>");
    }
    body.push_str("<th>paper I / P</th><th>difference</th></tr>\n");
    for row in &table.rows {
        let mean = row.category == "mean";
        let _ = write!(
            body,
            "<tr{}><td>{}</td>",
            if mean { " class=mean" } else { "" },
            escape(&row.setting)
        );
        for name in &table.varying {
            let value = row.options.get(name).map_or("", String::as_str);
            let _ = write!(body, "<td>{}</td>", escape(value));
        }
        let _ = write!(body, "<td>{}</td>", escape(&row.category));
        for (name, _) in FIGURES {
            let _ = write!(body, "<td>{}</td>", spread(row.figures.get(name)));
        }
        let (paper, difference) = beside_paper(row).unwrap_or_default();
        let _ = writeln!(body, "<td>{paper}</td><td>{difference}</td></tr>");
    }
    body.push_str("</table></div>\n");
}

/// The paper's figures and how far ours are from them, for the mean of all categories.
fn beside_paper(row: &Row) -> Option<(String, String)> {
    if row.category != "mean" {
        return None;
    }
    let option = |name: &str| row.options.get(name).map(String::as_str);
    let method = option("method").unwrap_or("fsr");
    let paper = published::auroc(method, &row.setting, option("shots"))?;
    let ours = ["I-AUROC", "P-AUROC"].map(|name| row.figures.get(name).map(|s| s.mean * 100.0));
    let difference = ours
        .iter()
        .zip(paper)
        .map(|(ours, paper)| {
            ours.map_or_else(|| "–".into(), |ours| format!("{:+.1}", ours - paper))
        })
        .collect::<Vec<_>>();
    Some((
        paper.map(|value| format!("{value:.1}")).join(" / "),
        difference.join(" / "),
    ))
}

fn spread(spread: Option<&Spread>) -> String {
    match spread {
        None => "–".into(),
        Some(Spread { mean, sd: None, .. }) => format!("{:.2}", mean * 100.0),
        Some(Spread {
            mean, sd: Some(sd), ..
        }) => {
            format!("{:.2} ± {:.2}", mean * 100.0, sd * 100.0)
        }
    }
}

fn write_run(body: &mut String, result: &CellResult) {
    let _ = writeln!(
        body,
        "<details><summary><code>{}</code></summary>",
        escape(result.command())
    );
    for (category, report) in result.categories() {
        let judged: Vec<svg::Judged> = report["scores"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| Some((one[result.score()].as_f64()?, one["defect"].is_string())))
            .collect();
        let _ = write!(body, "<h4>{}</h4>\n<p>", escape(category));
        if judged.is_empty() {
            body.push_str("No scores were kept.");
        } else {
            let threshold = report["verdicts"]["threshold"].as_f64();
            body.push_str(&svg::roc_curve(&judged));
            body.push_str(&svg::score_histogram(&judged, threshold));
        }
        body.push_str("</p>\n");
    }
    body.push_str("</details>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}
