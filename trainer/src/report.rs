//! `fsr report`: results of studies and evaluations as one page that needs nothing beside it.

mod export;
mod gallery;
mod published;
mod section;
mod svg;
mod tables;

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use base64::Engine;
use clap::Args;
use serde_json::Value;

use self::section::{Run, Section};
use crate::atomic;
use crate::progress::print_text;

/// Put results of studies and evaluations together as one HTML file.
///
/// For each RESULTS folder: tables laid out as in the paper, with the paper's figures and the difference to them where it
/// prints any (mean ± standard deviation over seeds), and for every run the ROC curve of its images, the PRO curve of its
/// pixels, and the scores with the threshold. Of an evaluation (`fsr eval --out`) also pictures: what was missed, false
/// alarms, the best and the weakest finds, each with its anomaly map, mask and the restorer's attention. The file holds
/// everything it shows; the tables are written as .csv and .json beside it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr report results/few-shot results/unified --html report.html\n\
    \x20 fsr eval runs/bottle --data data --category bottle --out evaluations/bottle\n\
    \x20 fsr report results/separate evaluations/bottle --html report.html")]
pub struct ReportArgs {
    /// Folders that `fsr study` or `fsr eval --out` wrote.
    #[arg(value_name = "RESULTS", required = true)]
    pub results: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
}

const STYLE: &str = include_str!("report/style.css");

const ABOUT: &str = "Percent; mean ± standard deviation over seeds. Every figure is of the last step, never the best \
on the test set. The paper's figures are means of MVTec AD's 15 categories with WideResNet-50-2 at the epoch that is \
best on the test set, its ablations the change that it prints; the difference says what it says only where the data is \
the same.";

/// Runs the command.
///
/// # Errors
/// When a folder holds no results, or a file cannot be written.
pub fn run(args: &ReportArgs) -> Result<()> {
    let mut sections = Vec::new();
    for folder in &args.results {
        sections.push(Section::read(folder)?);
    }
    let mut body = String::new();
    for section in &sections {
        write_section(&mut body, section)?;
    }
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>FSR results</title>\
         <style>{STYLE}</style></head><body><h1>Results</h1>\n<p class=note>{ABOUT}</p>\n{body}</body></html>\n"
    );
    let (csv, json) = (
        args.html.with_extension("csv"),
        args.html.with_extension("json"),
    );
    atomic::write_file(&csv, &export::csv(&sections)?)?;
    atomic::write_file(&json, &serde_json::to_vec_pretty(&export::json(&sections))?)?;
    atomic::write_file(&args.html, page.as_bytes())?;
    print_text(&format!(
        "{}: {} bytes; tables in {} and {}",
        args.html.display(),
        page.len(),
        csv.display(),
        json.display()
    ))
}

fn write_section(body: &mut String, section: &Section) -> Result<()> {
    let _ = writeln!(body, "<h2>{}</h2>", escape(&section.title));
    for note in &section.notes {
        let _ = writeln!(body, "<p class=note>{}</p>", escape(note));
    }
    if let Some(drawing) = &section.figure {
        // As a picture, whose style stays its own.
        let data = base64::engine::general_purpose::STANDARD.encode(drawing);
        let _ = writeln!(
            body,
            "<p><img class=figure alt='{} as a figure' src='data:image/svg+xml;base64,{data}'></p>",
            escape(&section.title)
        );
    }
    tables::as_the_paper(body, section);
    tables::all_figures(body, section);
    // One run is what the section is about; of many, each opens by itself.
    let several = section.runs.len() > 1;
    if several {
        let _ = writeln!(
            body,
            "<details><summary>Curves of each of the {} runs</summary>",
            section.runs.len()
        );
    }
    for run in &section.runs {
        if several {
            let _ = write!(
                body,
                "<details><summary><code>{}</code></summary>",
                escape(&run.name)
            );
        }
        write_run(body, section, run)?;
        if several {
            body.push_str("</details>\n");
        }
    }
    if several {
        body.push_str("</details>\n");
    }
    Ok(())
}

fn write_run(body: &mut String, section: &Section, run: &Run) -> Result<()> {
    for (category, report) in &run.categories {
        let _ = writeln!(body, "<h4>{}</h4>", escape(category));
        let judged: Vec<svg::Judged> = report["scores"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| Some((one[&run.score].as_f64()?, one["defect"].is_string())))
            .collect();
        if judged.is_empty() {
            body.push_str("<p>No scores were kept.</p>\n");
            continue;
        }
        let verdicts = &report["verdicts"];
        if let Some(threshold) = verdicts["threshold"].as_f64() {
            let percent = |value: &Value| {
                let share = value.as_f64();
                share.map_or_else(|| "–".into(), |share| format!("{:.1} %", share * 100.0))
            };
            let _ = write!(
                body,
                "<p class=note>Threshold {threshold:.3e} from {} good images: {} false alarms, {} of the defective \
                 images found.</p>",
                verdicts["calibration_images"],
                percent(&verdicts["false_alarm_rate"]),
                percent(&verdicts["detection_rate"]),
            );
        }
        body.push_str("<div class=plots>");
        body.push_str(&svg::roc_curve(&judged));
        let pro = points(&report["pro"]);
        if !pro.is_empty() {
            body.push_str(&svg::pro_curve(&pro, report["pixel"]["aupro"].as_f64()));
        }
        body.push_str(&svg::score_histogram(
            &judged,
            verdicts["threshold"].as_f64(),
        ));
        body.push_str("</div>\n");
        gallery::write(body, &section.folder, report)?;
    }
    Ok(())
}

fn points(value: &Value) -> Vec<[f64; 2]> {
    let pairs = value.as_array().into_iter().flatten();
    pairs
        .filter_map(|pair| Some([pair[0].as_f64()?, pair[1].as_f64()?]))
        .collect()
}

/// Text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}
