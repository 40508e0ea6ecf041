//! The course of a training: its losses, how long it will take, and its curve as a drawing.

use crate::words::Words;

/// Steps whose mean says how long the next ones take.
const RECENT: usize = 20;

/// Steps that the smooth line averages over.
const SMOOTH: usize = 15;

/// Most points of a drawn line.
const MOST_POINTS: usize = 240;

/// Losses and times of the steps so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Steps in all.
    pub steps: usize,
    losses: Vec<f32>,
    milliseconds: Vec<f64>,
}

impl Curve {
    /// Notes a step. The first step begins anew, as after a restart.
    pub fn add(&mut self, step: usize, steps: usize, loss: f32, milliseconds: f64) {
        if step <= 1 {
            *self = Self::default();
        }
        self.steps = steps;
        self.losses.push(loss);
        self.milliseconds.push(milliseconds);
    }

    /// Steps done.
    pub fn done(&self) -> usize {
        self.losses.len()
    }

    /// The last loss, averaged over a few steps.
    pub fn loss(&self) -> Option<f32> {
        self.smooth().last().copied()
    }

    /// Seconds until the last step, by the pace of the last few; `None` before the first.
    pub fn seconds_left(&self) -> Option<f64> {
        let recent = &self.milliseconds[self.milliseconds.len().saturating_sub(RECENT)..];
        if recent.is_empty() {
            return None;
        }
        let each = recent.iter().sum::<f64>() / recent.len() as f64;
        Some(each * self.steps.saturating_sub(self.done()) as f64 / 1e3)
    }

    fn smooth(&self) -> Vec<f32> {
        (0..self.losses.len())
            .map(|at| {
                let window = &self.losses[at.saturating_sub(SMOOTH - 1)..=at];
                window.iter().sum::<f32>() / window.len() as f32
            })
            .collect()
    }

    /// Single losses and their running mean as `points` of SVG polylines, in a box of `width` × `height`
    /// whose lower edge is loss 0 and whose right edge is the last step.
    pub fn lines(&self, width: f32, height: f32) -> [String; 2] {
        let highest = self
            .losses
            .iter()
            .copied()
            .fold(f32::MIN_POSITIVE, f32::max);
        let line = |values: &[f32]| {
            let every = values.len().div_ceil(MOST_POINTS).max(1);
            let last = values.len().saturating_sub(1);
            let points = values
                .iter()
                .enumerate()
                .filter(|(at, _)| at % every == 0 || *at == last);
            let span = self.steps.saturating_sub(1).max(1) as f32;
            points
                .map(|(at, value)| {
                    let x = width * (at as f32 / span).min(1.0);
                    let y = height * (1.0 - value / highest);
                    format!("{x:.1},{y:.1}")
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        [line(&self.losses), line(&self.smooth())]
    }

    /// The course in words, for those who do not see it.
    pub fn describe(&self, words: &Words) -> String {
        match (self.losses.first(), self.loss()) {
            (Some(&first), Some(last)) => words.train.course(first, last, self.done(), self.steps),
            _ => words.train.no_step.into(),
        }
    }
}

/// Seconds for people: "1 min 05 s".
pub fn duration(words: &Words, seconds: f64) -> String {
    words.train.duration(seconds.max(0.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn curve(done: usize, steps: usize) -> Curve {
        let mut curve = Curve::default();
        for step in 1..=done {
            curve.add(
                step,
                steps,
                1.0 / step as f32,
                if step < 30 { 500.0 } else { 100.0 },
            );
        }
        curve
    }

    #[test]
    fn the_time_left_follows_the_recent_pace() {
        assert_eq!(curve(0, 300).seconds_left(), None);
        assert_eq!(curve(10, 300).seconds_left(), Some(145.0));
        assert_eq!(curve(100, 300).seconds_left(), Some(20.0));
        assert_eq!(curve(300, 300).seconds_left(), Some(0.0));
    }

    #[test]
    fn lines_stay_in_their_box_and_end_where_training_stands() {
        for (done, steps) in [(1, 1), (1, 300), (150, 300), (1_000, 1_000), (301, 300)] {
            let [single, smooth] = curve(done, steps).lines(300.0, 80.0);
            for line in [&single, &smooth] {
                assert!(line.split(' ').count() <= MOST_POINTS + 1, "{done}");
                for point in line.split(' ') {
                    let (x, y) = point
                        .split_once(',')
                        .map_or((f32::NAN, f32::NAN), |(x, y)| {
                            (x.parse().unwrap_or(f32::NAN), y.parse().unwrap_or(f32::NAN))
                        });
                    assert!(
                        (0.0..=300.0).contains(&x) && (0.0..=80.0).contains(&y),
                        "{point}"
                    );
                }
            }
            assert!(
                single.starts_with("0.0,0.0"),
                "the first loss is the highest: {single}"
            );
        }
        let [half, _] = curve(151, 301).lines(300.0, 80.0);
        assert!(
            half.ends_with(&format!("150.0,{:.1}", 80.0 * (1.0 - 1.0 / 151.0))),
            "{half}"
        );
        assert_eq!(curve(0, 300).lines(1.0, 1.0), ["", ""]);
    }

    #[test]
    fn a_restart_begins_the_curve_anew() {
        let mut curve = curve(50, 300);
        curve.add(1, 20, 0.7, 9.0);
        assert_eq!(
            (curve.done(), curve.steps, curve.loss()),
            (1, 20, Some(0.7))
        );
    }

    #[test]
    fn durations_read_well() {
        let texts = [0.0, 0.2, 59.0, 61.0, 3_599.5, 7_260.0]
            .map(|seconds| duration(Language::En.words(), seconds));
        assert_eq!(
            texts,
            [
                "0 s",
                "1 s",
                "59 s",
                "1 min 01 s",
                "1 h 00 min",
                "2 h 01 min"
            ]
        );
    }
}
