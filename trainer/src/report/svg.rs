//! Small drawings as inline SVG.

use std::fmt::Write;

/// Side of a drawing.
const SIDE: f64 = 220.0;
/// Room for labels at its left and lower edge.
const MARGIN: f64 = 28.0;

/// An image that was judged: its score, and whether it is defective.
pub type Judged = (f64, bool);

/// Points of the ROC curve: false-positive and true-positive rate, ties joined.
pub fn roc(judged: &[Judged]) -> Vec<[f64; 2]> {
    let mut sorted = judged.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = sorted.iter().filter(|one| one.1).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    let mut points = vec![[0.0, 0.0]];
    if positives == 0.0 || negatives == 0.0 {
        return points;
    }
    let (mut hits, mut alarms) = (0.0, 0.0);
    for (place, (score, defective)) in sorted.iter().enumerate() {
        if *defective {
            hits += 1.0;
        } else {
            alarms += 1.0;
        }
        let tied = sorted.get(place + 1).is_some_and(|next| next.0 == *score);
        if !tied {
            points.push([alarms / negatives, hits / positives]);
        }
    }
    points
}

/// Images in each of `bins` equal parts of the scores' range: good ones and defective ones.
pub fn histogram(judged: &[Judged], bins: usize) -> Vec<[usize; 2]> {
    let low = judged.iter().map(|one| one.0).fold(f64::INFINITY, f64::min);
    let high = judged
        .iter()
        .map(|one| one.0)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut counts = vec![[0; 2]; bins];
    for (score, defective) in judged {
        let share = if high > low {
            (score - low) / (high - low)
        } else {
            0.0
        };
        let bin = ((share * bins as f64) as usize).min(bins - 1);
        counts[bin][usize::from(*defective)] += 1;
    }
    counts
}

fn frame(content: &str, below: &str) -> String {
    let size = SIDE + MARGIN;
    format!(
        "<svg viewBox='0 0 {size} {size}' width='{size}' height='{size}' role='img'>\
         <rect x='{MARGIN}' y='0' width='{SIDE}' height='{SIDE}' class='frame'/>{content}\
         <text x='{}' y='{}' text-anchor='middle'>{below}</text></svg>",
        MARGIN + SIDE / 2.0,
        size - 8.0
    )
}

/// The ROC curve of images.
pub fn roc_curve(judged: &[Judged]) -> String {
    let mut path = String::new();
    for [x, y] in roc(judged) {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{:.1} {:.1}",
            MARGIN + x * SIDE,
            (1.0 - y) * SIDE
        );
    }
    frame(
        &format!("<path d='{path}' class='curve'/>"),
        "false-positive rate; up: true-positive rate",
    )
}

/// Scores of good (one colour) and defective images (another), and the threshold as a line.
pub fn score_histogram(judged: &[Judged], threshold: Option<f64>) -> String {
    const BINS: usize = 24;
    let counts = histogram(judged, BINS);
    let most = counts.iter().flatten().copied().max().unwrap_or(0).max(1) as f64;
    let width = SIDE / BINS as f64;
    let mut content = String::new();
    for (bin, pair) in counts.iter().enumerate() {
        for (place, (&count, class)) in pair.iter().zip(["good", "bad"]).enumerate() {
            let height = count as f64 / most * (SIDE - 8.0);
            let _ = write!(
                content,
                "<rect class='{class}' x='{:.1}' y='{:.1}' width='{:.1}' height='{height:.1}'/>",
                MARGIN + bin as f64 * width + place as f64 * width / 2.0,
                SIDE - height,
                width / 2.0
            );
        }
    }
    let low = judged.iter().map(|one| one.0).fold(f64::INFINITY, f64::min);
    let high = judged
        .iter()
        .map(|one| one.0)
        .fold(f64::NEG_INFINITY, f64::max);
    if let Some(threshold) = threshold.filter(|_| high > low) {
        let x = MARGIN + ((threshold - low) / (high - low)).clamp(0.0, 1.0) * SIDE;
        let _ = write!(
            content,
            "<line class='threshold' x1='{x:.1}' x2='{x:.1}' y1='0' y2='{SIDE}'/>"
        );
    }
    frame(&content, "image score; line: threshold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roc_curve_joins_ties_and_ends_in_the_corner() {
        let judged = [(3.0, true), (2.0, false), (2.0, true), (1.0, false)];
        assert_eq!(
            roc(&judged),
            [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]
        );
        assert_eq!(roc(&[(1.0, true)]), [[0.0, 0.0]]);
    }

    #[test]
    fn every_image_is_in_a_bin() {
        let judged: Vec<Judged> = (0..100).map(|i| (f64::from(i), i % 3 == 0)).collect();
        let counts = histogram(&judged, 7);
        assert_eq!(counts.iter().flatten().sum::<usize>(), 100);
        assert_eq!(counts.iter().map(|pair| pair[1]).sum::<usize>(), 34);
        assert_eq!(histogram(&[(5.0, true), (5.0, false)], 4)[0], [1, 1]);
    }
}
