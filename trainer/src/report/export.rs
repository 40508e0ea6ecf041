//! The report's tables for other programs: CSV and JSON.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::section::Section;
use crate::study::table::FIGURES;

/// All lines of all sections as CSV: figures and standard deviations as shares, the paper's in percent.
///
/// # Errors
/// Never in practice: it is written to memory.
pub fn csv(sections: &[Section]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head: Vec<String> = ["section", "setting", "options", "category", "seeds"]
        .map(String::from)
        .into();
    for (name, _) in FIGURES {
        head.extend([name.to_string(), format!("{name} sd")]);
    }
    head.extend(
        [
            "paper I-AUROC %",
            "paper P-AUROC %",
            "I-AUROC difference",
            "P-AUROC difference",
        ]
        .map(String::from),
    );
    writer.write_record(&head)?;
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for section in sections {
        for line in &section.lines {
            let options: Vec<String> = line
                .options
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let seeds = line.figures.values().map(|spread| spread.seeds).max();
            let mut fields = vec![
                section.title.clone(),
                line.setting.clone(),
                options.join(" "),
                line.category.clone(),
                seeds.unwrap_or(0).to_string(),
            ];
            for (name, _) in FIGURES {
                let spread = line.figures.get(name);
                fields.push(number(spread.map(|spread| spread.mean)));
                fields.push(number(spread.and_then(|spread| spread.sd)));
            }
            fields.push(number(line.paper.map(|paper| paper.image)));
            fields.push(number(line.paper.and_then(|paper| paper.pixel)));
            fields.extend(line.difference().map(number));
            writer.write_record(&fields)?;
        }
    }
    writer.into_inner().context("cannot put the table together")
}

/// The same as JSON.
pub fn json(sections: &[Section]) -> Value {
    let sections: Vec<Value> = sections
        .iter()
        .map(|section| {
            let lines: Vec<Value> = section
                .lines
                .iter()
                .map(|line| {
                    let mut value = json!(line);
                    if line.paper.is_some() {
                        value["difference"] = json!(line.difference());
                    }
                    value
                })
                .collect();
            json!({
                "title": section.title,
                "folder": section.folder.display().to_string(),
                "notes": section.notes,
                "lines": lines,
            })
        })
        .collect();
    json!({ "program": format!("fsr {}", env!("CARGO_PKG_VERSION")), "sections": sections })
}
