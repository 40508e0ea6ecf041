//! Small drawings as inline SVG.

use std::fmt::Write;

/// Side of the square that is drawn in.
const SIDE: f64 = 240.0;
/// Room for ticks at its left.
const MARGIN: f64 = 30.0;
/// Room at its right.
const EDGE: f64 = 8.0;
/// Room for the title.
const TOP: f64 = 18.0;
/// Height of a line of text below it.
const LINE: f64 = 15.0;

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

/// Images in each of `bins` equal parts of a range: good ones and defective ones.
pub fn histogram(judged: &[Judged], [low, high]: [f64; 2], bins: usize) -> Vec<[usize; 2]> {
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

/// A drawing with a frame, a title above, a label below, and ticks at the ends and halves of both axes.
fn frame(title: &str, below: &str, ticks: [[&str; 3]; 2], content: &str) -> String {
    let (width, height) = (MARGIN + SIDE + EDGE, TOP + SIDE + 2.0 * LINE);
    let [across, up] = ticks;
    let label = title
        .replace("<tspan class='good'>", "")
        .replace("<tspan class='bad'>", "")
        .replace("</tspan>", "");
    let mut axes = String::new();
    for (place, (across, up)) in across.iter().zip(up).enumerate() {
        let share = place as f64 / 2.0;
        let (x, y) = (MARGIN + share * SIDE, TOP + (1.0 - share) * SIDE);
        let anchor = ["start", "middle", "end"][place];
        let _ = write!(
            axes,
            "<text x='{x}' y='{}' text-anchor='{anchor}'>{across}</text>\
             <text x='{}' y='{}' text-anchor='end'>{up}</text>",
            TOP + SIDE + LINE,
            MARGIN - 4.0,
            y + [0.0, 4.0, 9.0][place]
        );
    }
    format!(
        "<svg viewBox='0 0 {width} {height}' width='{width}' height='{height}' role='img' aria-label='{label}'>\
         <text class='title' x='{MARGIN}' y='11'>{title}</text>\
         <rect x='{MARGIN}' y='{TOP}' width='{SIDE}' height='{SIDE}' class='frame'/>{content}{axes}\
         <text x='{}' y='{}' text-anchor='middle'>{below}</text></svg>",
        MARGIN + SIDE / 2.0,
        height - 4.0
    )
}

/// A line through points of the unit square, and along the diagonal if that is what chance does.
fn line(points: impl Iterator<Item = [f64; 2]>) -> String {
    let mut path = String::new();
    for [x, y] in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{:.1} {:.1}",
            MARGIN + x * SIDE,
            TOP + (1.0 - y) * SIDE
        );
    }
    format!("<path d='{path}' class='curve'/>")
}

const UNIT: [&str; 3] = ["0", "0.5", "1"];

/// The ROC curve of images.
pub fn roc_curve(judged: &[Judged]) -> String {
    let points = roc(judged);
    let area: f64 = points
        .windows(2)
        .map(|pair| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1]) / 2.0)
        .sum();
    let title = if points.len() > 1 {
        format!("ROC of images, area {:.1} %", area * 100.0)
    } else {
        "ROC of images: undefined".into()
    };
    let chance = format!(
        "<line class='chance' x1='{MARGIN}' y1='{}' x2='{}' y2='{TOP}'/>",
        TOP + SIDE,
        MARGIN + SIDE
    );
    let below = "false-positive rate; up: true-positive rate";
    frame(
        &title,
        below,
        [UNIT, UNIT],
        &(chance + &line(points.into_iter())),
    )
}

/// The PRO curve of pixels, up to its last false-positive rate.
pub fn pro_curve(points: &[[f64; 2]], aupro: Option<f64>) -> String {
    let limit = points.last().map_or(1.0, |point| point[0]);
    let title = aupro.map_or_else(
        || "PRO of pixels".into(),
        |area| format!("PRO of pixels, AUPRO {:.1} %", area * 100.0),
    );
    let (half, whole) = (format!("{:.2}", limit / 2.0), format!("{limit:.2}"));
    frame(
        &title,
        "false-positive rate; up: region overlap",
        [["0", &half, &whole], UNIT],
        &line(points.iter().map(|[x, y]| [x / limit, *y])),
    )
}

/// Scores of good (one colour) and defective images (another), and the threshold as a line. Scores of good and defective
/// images often lie decades apart; then the axis is logarithmic.
pub fn score_histogram(judged: &[Judged], threshold: Option<f64>) -> String {
    const BINS: usize = 24;
    let all = || judged.iter().map(|one| one.0).chain(threshold);
    let (low, high) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    let logarithmic = low > 0.0 && high > 10.0 * low;
    let place = |score: f64| if logarithmic { score.ln() } else { score };
    let placed: Vec<Judged> = judged.iter().map(|one| (place(one.0), one.1)).collect();
    let (from, to) = (place(low), place(high));
    let counts = histogram(&placed, [from, to], BINS);
    let most = counts.iter().flatten().copied().max().unwrap_or(0).max(1);
    let width = SIDE / BINS as f64;
    let mut content = String::new();
    for (bin, pair) in counts.iter().enumerate() {
        for (place, (&count, class)) in pair.iter().zip(["good", "bad"]).enumerate() {
            if count == 0 {
                continue;
            }
            let height = count as f64 / most as f64 * (SIDE - 8.0);
            let _ = write!(
                content,
                "<rect class='{class}' x='{:.1}' y='{:.1}' width='{:.1}' height='{height:.1}'/>",
                MARGIN + bin as f64 * width + place as f64 * width / 2.0,
                TOP + SIDE - height,
                width / 2.0
            );
        }
    }
    if let Some(threshold) = threshold.filter(|_| to > from) {
        let x = MARGIN + (place(threshold) - from) / (to - from) * SIDE;
        let _ = write!(
            content,
            "<line class='threshold' x1='{x:.1}' x2='{x:.1}' y1='{TOP}' y2='{}'/>",
            TOP + SIDE
        );
    }
    let middle = if logarithmic {
        (low * high).sqrt()
    } else {
        (low + high) / 2.0
    };
    let ticks = [low, middle, high].map(|score| format!("{score:.1e}"));
    let below = if logarithmic {
        "image score, logarithmic"
    } else {
        "image score"
    };
    let most = most.to_string();
    frame(
        "<tspan class='good'>good</tspan>, <tspan class='bad'>defective</tspan>; dashed: threshold",
        below,
        [[&ticks[0], &ticks[1], &ticks[2]], ["0", "", &most]],
        &content,
    )
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
        let counts = histogram(&judged, [0.0, 99.0], 7);
        assert_eq!(counts.iter().flatten().sum::<usize>(), 100);
        assert_eq!(counts.iter().map(|pair| pair[1]).sum::<usize>(), 34);
        assert_eq!(
            histogram(&[(5.0, true), (5.0, false)], [5.0, 5.0], 4)[0],
            [1, 1]
        );
    }
}
