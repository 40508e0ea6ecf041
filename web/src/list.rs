//! The list of images: what was asked, what was answered, in which order to show it, and as a file.

use serde::Serialize;

use crate::{
    protocol::{Failure, Figures, Scores, Threshold},
    verdict::{Verdict, share_below, verdict},
    words::Language,
};

/// Names a row for as long as the page lives.
pub type RowId = u32;

/// What is known of an image.
#[derive(Debug, Clone, PartialEq)]
pub enum RowState {
    /// It waits.
    Waiting,
    /// The worker has it.
    UnderWay,
    /// It was judged.
    Judged(Judged),
    /// It could not be judged: why.
    Failed(Failure),
}

/// A judgement, as far as the list keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Pixels of the image.
    pub width: u32,
    /// Pixels of the image.
    pub height: u32,
    /// The three scores.
    pub scores: Scores,
    /// Time in the detector.
    pub milliseconds: f64,
    /// Which model judged: counts models from 1.
    pub model: u32,
}

/// An image of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name for the page.
    pub id: RowId,
    /// Its file's name.
    pub name: String,
    /// Whether it shows a defect, as its folder says; `None` without labels.
    pub defect: Option<bool>,
    /// What is known.
    pub state: RowState,
    /// Counts changes, so that only changed rows are drawn again.
    pub revision: u32,
}

impl Row {
    /// A row that waits.
    pub fn new(id: RowId, name: String) -> Self {
        Self {
            id,
            name,
            defect: None,
            state: RowState::Waiting,
            revision: 0,
        }
    }

    /// Changes the state.
    pub fn set(&mut self, state: RowState) {
        self.state = state;
        self.revision += 1;
    }

    /// The judgement, if there is one.
    pub fn judged(&self) -> Option<&Judged> {
        match &self.state {
            RowState::Judged(judged) => Some(judged),
            _ => None,
        }
    }
}

/// The score that decides; the spread where nothing is calibrated, as everywhere on the page.
pub fn score(scores: &Scores, threshold: Option<&Threshold>) -> f32 {
    threshold.map_or(scores.std, |threshold| scores.get(threshold.reduction))
}

/// How far the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Images in all.
    pub total: usize,
    /// Judged.
    pub judged: usize,
    /// Failed.
    pub failed: usize,
    /// Judged anomalous.
    pub anomalous: usize,
    /// Judged by a model that is no longer in use.
    pub outdated: usize,
}

impl Count {
    /// Counts rows, with the threshold and the model in use.
    pub fn of(rows: &[Row], threshold: Option<&Threshold>, model: u32) -> Self {
        let mut count = Self {
            total: rows.len(),
            ..Self::default()
        };
        for row in rows {
            match &row.state {
                RowState::Judged(judged) => {
                    count.judged += 1;
                    count.outdated += usize::from(judged.model != model);
                    let verdict = verdict(&judged.scores, threshold);
                    count.anomalous += usize::from(verdict == Verdict::Anomalous);
                }
                RowState::Failed(_) => count.failed += 1,
                RowState::Waiting | RowState::UnderWay => {}
            }
        }
        count
    }

    /// Images without an answer yet.
    pub fn open(&self) -> usize {
        self.total - self.judged - self.failed
    }
}

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// As they came.
    Order,
    /// File name, numbers in it by their value.
    Name,
    /// The deciding score.
    Score,
    /// Time in the detector.
    Time,
}

/// Ids in the order to show. Rows without what is sorted by come last, in the order they came.
pub fn sorted(
    rows: &[Row],
    column: Column,
    descending: bool,
    threshold: Option<&Threshold>,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let key = |index: &usize| {
        let judged = rows[*index].judged()?;
        match column {
            Column::Score => Some(f64::from(score(&judged.scores, threshold))),
            Column::Time => Some(judged.milliseconds),
            Column::Order | Column::Name => None,
        }
    };
    match column {
        Column::Order if descending => order.reverse(),
        Column::Order => {}
        Column::Name => {
            order.sort_by_cached_key(|&index| natural(&rows[index].name));
            if descending {
                order.reverse();
            }
        }
        Column::Score | Column::Time => order.sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) if descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }),
    }
    order
}

/// A name cut into words and numbers, so that 9 comes before 10.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len() - digits);
        let number = rest[..digits]
            .parse()
            .unwrap_or(if digits == 0 { 0 } else { u64::MAX });
        parts.push((number, rest[digits..digits + letters].to_lowercase()));
        rest = &rest[digits + letters..];
    }
    parts
}

/// One row as it is written to a file.
#[derive(Debug, Serialize)]
struct Record<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<&'static str>,
    verdict: Option<&'static str>,
    score: Option<f32>,
    threshold: Option<f32>,
    share_of_good_below: Option<f32>,
    std: Option<f32>,
    max: Option<f32>,
    top1: Option<f32>,
    width: Option<u32>,
    height: Option<u32>,
    milliseconds: Option<f64>,
    error: Option<String>,
}

impl<'a> Record<'a> {
    fn of(row: &'a Row, threshold: Option<&Threshold>) -> Self {
        let judged = row.judged();
        let scores = judged.map(|judged| judged.scores);
        let score = scores.map(|scores| score(&scores, threshold));
        Self {
            name: &row.name,
            truth: row
                .defect
                .map(|defect| if defect { "anomalous" } else { "good" }),
            verdict: scores.map(|scores| verdict(&scores, threshold).name()),
            score,
            threshold: threshold.map(|threshold| threshold.value),
            share_of_good_below: score
                .zip(threshold)
                .and_then(|(score, threshold)| share_below(score, &threshold.quantiles)),
            std: scores.map(|scores| scores.std),
            max: scores.map(|scores| scores.max),
            top1: scores.map(|scores| scores.top1),
            width: judged.map(|judged| judged.width),
            height: judged.map(|judged| judged.height),
            milliseconds: judged.map(|judged| judged.milliseconds),
            error: match &row.state {
                RowState::Failed(failure) => Some(Language::En.words().failures.tell(failure).what),
                _ => None,
            },
        }
    }
}

/// The list as JSON: model, threshold, a record for each image in the order they came, and the figures of a
/// labelled folder (else null).
pub fn to_json(
    rows: &[Row],
    model: &str,
    threshold: Option<&Threshold>,
    figures: Option<&Figures>,
) -> String {
    let records: Vec<Record<'_>> = rows.iter().map(|row| Record::of(row, threshold)).collect();
    // The notes as one text, in the language of the file's other words.
    let figures = figures.map(|figures| {
        let words = &Language::En.words().figures;
        let notes: Vec<String> = figures.notes.iter().map(|note| words.note(note)).collect();
        let mut figures = serde_json::json!(figures);
        if let Some(fields) = figures.as_object_mut() {
            fields.remove("notes");
            let note = (!notes.is_empty()).then(|| notes.join(" "));
            fields.insert("note".into(), note.into());
        }
        figures
    });
    let json = serde_json::json!({
        "model": model,
        "score": threshold.map(|threshold| threshold.reduction),
        "threshold": threshold.map(|threshold| threshold.value),
        "images": records,
        "figures": figures,
    });
    // Numbers and strings always have JSON.
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

/// The list as comma-separated values (RFC 4180), a line for each image in the order they came.
pub fn to_csv(rows: &[Row], threshold: Option<&Threshold>) -> String {
    let mut text = String::from(
        "name,verdict,score,threshold,share_of_good_below,std,max,top1,width,height,milliseconds,error\r\n",
    );
    for row in rows {
        let record = Record::of(row, threshold);
        fn shown<T: std::fmt::Display>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let cells = [
            cell(record.name),
            shown(record.verdict),
            shown(record.score),
            shown(record.threshold),
            shown(record.share_of_good_below),
            shown(record.std),
            shown(record.max),
            shown(record.top1),
            shown(record.width),
            shown(record.height),
            shown(
                record
                    .milliseconds
                    .map(|value| (value * 10.0).round() / 10.0),
            ),
            record.error.as_deref().map(cell).unwrap_or_default(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// Text as one cell. What a spreadsheet would take for a formula is made text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::protocol::{Reduction, Source};

    fn threshold() -> Threshold {
        Threshold {
            reduction: Reduction::Std,
            value: 2.0,
            quantiles: vec![(0.0, 1.0), (1.0, 2.0)],
            scale_low: 0.0,
            scale_high: 4.0,
            images: 24,
            source: Source::AlteredTraining,
        }
    }

    fn judged(id: RowId, name: &str, std: f32) -> Row {
        let mut row = Row::new(id, name.into());
        row.set(RowState::Judged(Judged {
            width: 4,
            height: 3,
            scores: Scores {
                std,
                max: 9.0,
                top1: 8.0,
            },
            milliseconds: 100.0 - f64::from(std),
            model: 1,
        }));
        row
    }

    fn rows() -> Vec<Row> {
        let mut failed = Row::new(3, "=bad,\"x\".png".into());
        let why = "not an image".into();
        failed.set(RowState::Failed(Failure::BadMessage { why }));
        vec![
            judged(1, "img10.png", 3.0),
            Row::new(2, "waits.png".into()),
            failed,
            judged(4, "img9.png", 1.5),
            judged(5, "IMG9b.png", 2.0),
        ]
    }

    #[test]
    fn sorting_puts_the_unanswered_last() {
        let threshold = threshold();
        let ids = |column, descending| -> Vec<RowId> {
            let rows = rows();
            sorted(&rows, column, descending, Some(&threshold))
                .into_iter()
                .map(|index| rows[index].id)
                .collect()
        };
        assert_eq!(ids(Column::Order, false), [1, 2, 3, 4, 5]);
        assert_eq!(ids(Column::Score, true), [1, 5, 4, 2, 3]);
        assert_eq!(ids(Column::Score, false), [4, 5, 1, 2, 3]);
        assert_eq!(ids(Column::Time, false), [1, 5, 4, 2, 3]);
        assert_eq!(
            ids(Column::Name, false)[1..4],
            [4, 5, 1],
            "9 before 9b before 10"
        );
    }

    #[test]
    fn counts_follow_the_threshold_and_the_model() {
        let mut threshold = threshold();
        let count = Count::of(&rows(), Some(&threshold), 1);
        assert_eq!(
            (count.total, count.judged, count.failed, count.open()),
            (5, 3, 1, 1)
        );
        assert_eq!((count.anomalous, count.outdated), (1, 0));
        threshold.value = 1.0;
        assert_eq!(Count::of(&rows(), Some(&threshold), 2).anomalous, 3);
        assert_eq!(Count::of(&rows(), Some(&threshold), 2).outdated, 3);
        assert_eq!(Count::of(&rows(), None, 1).anomalous, 0);
    }

    #[test]
    fn the_files_hold_every_row_and_no_formula() {
        let threshold = threshold();
        let csv = to_csv(&rows(), Some(&threshold));
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[1], "img10.png,anomalous,3,2,1,3,9,8,4,3,97,");
        assert_eq!(lines[2], "waits.png,,,2,,,,,,,,");
        assert_eq!(lines[3], "\"'=bad,\"\"x\"\".png\",,,2,,,,,,,,not an image");
        let json: serde_json::Value =
            serde_json::from_str(&to_json(&rows(), "bottle", Some(&threshold), None)).unwrap();
        assert_eq!(json["images"].as_array().unwrap().len(), 5);
        assert_eq!(json["images"][3]["verdict"], "good");
        assert_eq!(json["images"][3]["share_of_good_below"], 0.5);
        assert_eq!(json["images"][2]["error"], "not an image");
        assert_eq!(json["score"], "std");
    }
}
