//! A study's table as a figure: a line for each configuration, a dot for each category, the mean with its spread.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::table::{MEAN, Row, Table};
use crate::report::escape;

/// What the panels show, side by side: figure and heading.
const PANELS: [(&str, &str); 2] = [("I-AUROC", "image AUROC, %"), ("P-AUROC", "pixel AUROC, %")];
/// Height of a configuration's line.
const LINE: f64 = 26.0;
/// Width of a panel's axis.
const WIDTH: f64 = 250.0;
/// Room between panels, and at the right edge.
const GAP: f64 = 36.0;
/// Room above the first line: title and headings.
const TOP: f64 = 58.0;
/// Room below the last one: ticks and legend.
const BOTTOM: f64 = 48.0;
/// Width of a character of the labels, about.
const CHARACTER: f64 = 6.6;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:13px}\
.axis{stroke:#9993}.one{fill:#888;fill-opacity:.55}.mean{fill:#0a58ca}.spread{stroke:#0a58ca;stroke-width:2}\
@media(prefers-color-scheme:dark){text{fill:#ddd}.mean{fill:#6ea8fe}.spread{stroke:#6ea8fe}}";

/// One configuration: its label, the figures of its categories and of their mean.
struct Configuration<'a> {
    label: String,
    categories: Vec<&'a Row>,
    mean: Option<&'a Row>,
}

/// The figure as a file of its own; `None` without results.
pub fn svg(table: &Table) -> Option<String> {
    let configurations = configurations(table);
    let longest = configurations.iter().map(|one| one.label.chars().count());
    let left = CHARACTER * longest.max()? as f64 + 16.0;
    let bottom = TOP + LINE * configurations.len() as f64;
    let (width, height) = (left + 2.0 * (WIDTH + GAP), bottom + BOTTOM);
    let mut drawing = String::new();
    for (place, one) in configurations.iter().enumerate() {
        let y = TOP + LINE * (place as f64 + 0.5);
        let _ = write!(
            drawing,
            "<text x='{}' y='{}' text-anchor='end'>{}</text>",
            left - 12.0,
            y + 4.0,
            escape(&one.label)
        );
    }
    for (panel, (figure, heading)) in PANELS.into_iter().enumerate() {
        let start = left + panel as f64 * (WIDTH + GAP);
        draw_panel(
            &mut drawing,
            &configurations,
            figure,
            heading,
            start,
            bottom,
        );
    }
    let legend = format!(
        "dots: categories; thick: their mean ± standard deviation over {} seeds",
        configurations
            .iter()
            .flat_map(|one| one.rows())
            .flat_map(|row| row.figures.values().map(|spread| spread.seeds))
            .max()?
    );
    Some(format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' \
         role='img' aria-label='{title}'><style>{STYLE}</style><text class='title' x='8' y='18'>{title}</text>{drawing}\
         <text x='8' y='{}'>{legend}</text></svg>\n",
        height - 8.0,
        title = escape(&table.title),
    ))
}

fn configurations(table: &Table) -> Vec<Configuration<'_>> {
    let several_settings = table
        .rows
        .windows(2)
        .any(|pair| pair[0].setting != pair[1].setting);
    // What all of a method have alike, such as the recipe of those that train, says nothing here.
    let telling = |name: &&String| {
        let mut values = table.rows.iter().filter_map(|row| row.options.get(*name));
        let first = values.next();
        let method = |row: &Row| {
            row.options
                .get("method")
                .filter(|_| *name != "method")
                .cloned()
        };
        values.any(|value| Some(value) != first)
            || table.rows.iter().any(|one| {
                let has = |row: &Row| row.options.contains_key(*name);
                let differs = |other: &Row| method(other) == method(one) && has(other) != has(one);
                table.rows.iter().any(differs)
            })
    };
    let telling: Vec<&String> = table.varying.iter().filter(telling).collect();
    let mut found: Vec<(&str, &BTreeMap<String, String>, Configuration<'_>)> = Vec::new();
    for row in &table.rows {
        let known = |one: &(&str, &BTreeMap<String, String>, _)| {
            one.0 == row.setting && *one.1 == row.options
        };
        let at = found.iter().position(known).unwrap_or_else(|| {
            let options = telling.iter().filter_map(|name| {
                let value = row.options.get(*name)?;
                Some(format!("{name} {value}"))
            });
            let setting = several_settings.then(|| row.setting.clone());
            let label: Vec<String> = setting.into_iter().chain(options).collect();
            let one = Configuration {
                label: label.join(", "),
                categories: Vec::new(),
                mean: None,
            };
            found.push((&row.setting, &row.options, one));
            found.len() - 1
        });
        let one = &mut found[at].2;
        if row.category == MEAN {
            one.mean = Some(row);
        } else {
            one.categories.push(row);
        }
    }
    found.into_iter().map(|(.., one)| one).collect()
}

impl Configuration<'_> {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.categories.iter().copied().chain(self.mean)
    }
}

fn draw_panel(
    drawing: &mut String,
    configurations: &[Configuration<'_>],
    figure: &str,
    heading: &str,
    start: f64,
    bottom: f64,
) {
    let all = configurations.iter().flat_map(Configuration::rows);
    let values: Vec<f64> = all
        .filter_map(|row| row.figures.get(figure))
        .flat_map(|known| {
            let sd = known.sd.unwrap_or(0.0);
            [(known.mean - sd) * 100.0, (known.mean + sd) * 100.0]
        })
        .collect();
    let (Some(low), Some(high)) = (
        values.iter().copied().reduce(f64::min),
        values.iter().copied().reduce(f64::max),
    ) else {
        return;
    };
    // Ticks at round numbers around the values.
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0];
    let step = steps
        .into_iter()
        .find(|step| (high - low) / step <= 6.0)
        .unwrap_or(20.0);
    let low = (low / step).floor() * step;
    let high = ((high / step).ceil() * step).max(low + step);
    let x = |percent: f64| start + (percent - low) / (high - low) * WIDTH;
    let _ = write!(
        drawing,
        "<text x='{}' y='{}' text-anchor='middle'>{heading}</text>",
        start + WIDTH / 2.0,
        TOP - 18.0
    );
    for tick in 0..=((high - low) / step).round() as usize {
        let value = low + tick as f64 * step;
        let _ = write!(
            drawing,
            "<path class='axis' d='M{0:.1} {1} V{2}'/><text x='{0:.1}' y='{3}' text-anchor='middle'>{value}</text>",
            x(value),
            TOP - 6.0,
            bottom,
            bottom + 16.0
        );
    }
    for (place, one) in configurations.iter().enumerate() {
        let y = TOP + LINE * (place as f64 + 0.5);
        for row in &one.categories {
            if let Some(known) = row.figures.get(figure) {
                let _ = write!(
                    drawing,
                    "<circle class='one' cx='{:.1}' cy='{y}' r='3.5'><title>{} {} %</title></circle>",
                    x(known.mean * 100.0),
                    escape(&row.category),
                    known.percent()
                );
            }
        }
        if let Some(known) = one.mean.and_then(|row| row.figures.get(figure)) {
            let sd = known.sd.unwrap_or(0.0) * 100.0;
            let mean = known.mean * 100.0;
            let _ = write!(
                drawing,
                "<path class='spread' d='M{:.1} {y} H{:.1}'/>\
                 <circle class='mean' cx='{:.1}' cy='{y}' r='5'><title>mean {} %</title></circle>",
                x(mean - sd),
                x(mean + sd),
                x(mean),
                known.percent()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::study::table::Spread;

    fn row(tau: &str, category: &str, mean: f64) -> Row {
        let spread = Spread {
            mean,
            sd: Some(0.01),
            seeds: 3,
        };
        Row {
            setting: "unified".into(),
            options: BTreeMap::from([("tau".into(), tau.into())]),
            category: category.into(),
            figures: BTreeMap::from([("I-AUROC", spread)]),
        }
    }

    #[test]
    fn better_configurations_stand_further_right() {
        let table = Table {
            title: "τ <& more>".into(),
            paper: None,
            cells: [2, 2],
            varying: vec!["tau".into()],
            rows: vec![
                row("0", "a", 0.7),
                row("0", MEAN, 0.75),
                row("0.3", "a", 0.9),
                row("0.3", MEAN, 0.85),
            ],
        };
        let drawing = svg(&table).unwrap();
        assert!(drawing.contains("τ &lt;&amp; more&gt;") && drawing.contains(">tau 0.3</text>"));
        assert!(drawing.contains("over 3 seeds") && drawing.contains("mean 85.00 ± 1.00 %"));
        let means: Vec<f64> = drawing
            .split("class='mean' cx='")
            .skip(1)
            .map(|rest| rest.split('\'').next().unwrap().parse().unwrap())
            .collect();
        assert!(means.len() == 2 && means[0] < means[1], "{means:?}");
        let empty = Table {
            rows: Vec::new(),
            ..table
        };
        assert_eq!(svg(&empty), None);
    }

    #[test]
    fn no_two_configurations_are_called_the_same() {
        let with = |options: &[(&str, &str)]| Row {
            options: options
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            ..row("0", MEAN, 0.5)
        };
        let table = Table {
            title: "t".into(),
            paper: None,
            cells: [5, 5],
            varying: ["method", "share", "steps", "tau"].map(String::from).into(),
            rows: vec![
                with(&[("method", "fsr"), ("steps", "4")]),
                with(&[("method", "fsr"), ("steps", "4"), ("tau", "0.1")]),
                with(&[
                    ("method", "fsr"),
                    ("share", "1"),
                    ("steps", "4"),
                    ("tau", "0.1"),
                ]),
                with(&[("method", "padim"), ("steps", "4")]),
                with(&[("share", "1"), ("steps", "4"), ("tau", "0.7")]),
            ],
        };
        let labels: Vec<String> = configurations(&table)
            .into_iter()
            .map(|one| one.label)
            .collect();
        let expected = [
            "method fsr",
            "method fsr, tau 0.1",
            "method fsr, share 1, tau 0.1",
            "method padim",
            "share 1, tau 0.7",
        ];
        assert_eq!(labels, expected);
    }
}
