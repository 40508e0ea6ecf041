//! Tables as HTML: laid out as the paper's, and every figure there is.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::escape;
use super::section::{Line, Section};
use crate::study::table::{FIGURES, MEAN, Spread};

/// A configuration: its setting, and the values of the options that differ.
type Column<'a> = (&'a str, Vec<&'a str>);

/// As the paper lays its tables out: a row for each category, a column for each configuration, image / pixel AUROC;
/// below the mean the paper's and the difference. Left out where there is only one line.
pub fn as_the_paper(body: &mut String, section: &Section) {
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut categories: BTreeSet<&str> = BTreeSet::new();
    for line in &section.lines {
        let column = key(line);
        if !columns.contains(&column) {
            columns.push(column);
        }
        if line.category != MEAN {
            categories.insert(&line.category);
        }
    }
    if section.lines.len() < 2 {
        return;
    }
    let find = |column: &Column<'_>, category: &str| {
        let mut lines = section.lines.iter();
        lines.find(|line| line.category == category && key(line) == *column)
    };
    body.push_str(
        "<div class=scroll><table><caption>Image / pixel AUROC</caption><tr><th>category</th>",
    );
    for (setting, options) in &columns {
        let _ = write!(
            body,
            "<th>{}<br><small>{}</small></th>",
            escape(setting),
            escape(&named(&section.varying(), options))
        );
    }
    body.push_str("</tr>\n");
    let mut row = |name: &str, class: &str, cell: &dyn Fn(&Column<'_>) -> String| {
        let _ = write!(body, "<tr class='{class}'><td>{}</td>", escape(name));
        for column in &columns {
            let _ = write!(body, "<td>{}</td>", cell(column));
        }
        body.push_str("</tr>\n");
    };
    let ours = |line: Option<&Line>| line.map_or_else(|| "–".into(), pair);
    for category in categories {
        row(category, "", &|column| ours(find(column, category)));
    }
    if section.lines.iter().any(|line| line.category == MEAN) {
        row(MEAN, "mean", &|column| ours(find(column, MEAN)));
    }
    if section.lines.iter().any(|line| line.paper.is_some()) {
        row("the paper's mean", "paper", &|column| {
            let line = find(column, MEAN);
            line.and_then(paper).unwrap_or_else(|| "–".into())
        });
        row("difference", "paper", &|column| {
            let line = find(column, MEAN);
            line.and_then(difference).unwrap_or_else(|| "–".into())
        });
    }
    body.push_str("</table></div>\n");
}

/// Every figure of every line.
pub fn all_figures(body: &mut String, section: &Section) {
    let varying = section.varying();
    let with_paper = section.lines.iter().any(|line| line.paper.is_some());
    body.push_str("<div class=scroll><table><caption>All figures</caption><tr><th>category</th>");
    if section.lines.len() > 1 {
        body.push_str("<th>setting</th>");
    }
    for name in &varying {
        let _ = write!(body, "<th>{}</th>", escape(name));
    }
    for (name, _) in FIGURES {
        let _ = write!(body, "<th>{name}</th>");
    }
    if with_paper {
        body.push_str("<th>paper I / P</th><th>difference</th>");
    }
    body.push_str("</tr>\n");
    for line in &section.lines {
        let class = if line.category == MEAN { "mean" } else { "" };
        let _ = write!(
            body,
            "<tr class='{class}'><td>{}</td>",
            escape(&line.category)
        );
        if section.lines.len() > 1 {
            let _ = write!(body, "<td>{}</td>", escape(&line.setting));
        }
        for name in &varying {
            let value = line.options.get(*name).map_or("", String::as_str);
            let _ = write!(body, "<td>{}</td>", escape(value));
        }
        for (name, _) in FIGURES {
            let _ = write!(body, "<td>{}</td>", spread(line.figures.get(name)));
        }
        if with_paper {
            let _ = write!(
                body,
                "<td>{}</td><td>{}</td>",
                paper(line).unwrap_or_default(),
                difference(line).unwrap_or_default()
            );
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</table></div>\n");
}

/// `shots 4 tau 0.3`.
fn named(names: &[&str], values: &[&str]) -> String {
    let pairs = names.iter().zip(values);
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    pairs.join(" ")
}

fn key(line: &Line) -> Column<'_> {
    let options = line.options.values().map(String::as_str).collect();
    (&line.setting, options)
}

fn pair(line: &Line) -> String {
    let of = |name: &str| {
        let spread = line.figures.get(name);
        spread.map_or_else(|| "–".into(), |known| format!("{:.1}", known.mean * 100.0))
    };
    format!("{} / {}", of("I-AUROC"), of("P-AUROC"))
}

fn paper(line: &Line) -> Option<String> {
    let known = line.paper?;
    let pixel = known
        .pixel
        .map_or_else(|| "–".into(), |value| format!("{value:.1}"));
    Some(format!("{:.1} / {pixel}", known.image))
}

fn difference(line: &Line) -> Option<String> {
    line.paper?;
    let parts = line.difference();
    let text = parts.map(|part| part.map_or_else(|| "–".into(), |part| format!("{part:+.1}")));
    Some(text.join(" / ").replace('-', "−"))
}

fn spread(spread: Option<&Spread>) -> String {
    spread.map_or_else(|| "–".into(), Spread::percent)
}
