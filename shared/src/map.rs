//! Anomaly maps on the host: enlarging, smoothing, and the scores of an image (eq. 14–16).
//!
//! All sums run in a fixed order without fused multiply-add, so that native program and page agree.

use serde::{Deserialize, Serialize};

/// One non-negative anomaly value per pixel, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomalyMap {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` values, row-major.
    pub values: Vec<f32>,
    /// The method's own image score, where it is not the map's maximum (see [`crate::rivals`]); it
    /// then stands for [`ImageScores::max`]. Maps made from this one do not have it.
    pub image_score: Option<f32>,
}

/// How a map becomes the score of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// Population standard deviation over the pixels (eq. 16, the authors' choice).
    Std,
    /// Largest value.
    Max,
    /// Mean of the largest 1 % of the pixels (at least one).
    Top1,
}

impl ScoreKind {
    /// Every kind, in the order of the variants.
    pub const ALL: [Self; 3] = [Self::Std, Self::Max, Self::Top1];

    /// The name used in files and on the command line: `std`, `max` or `top1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Std => "std",
            Self::Max => "max",
            Self::Top1 => "top1",
        }
    }
}

impl std::fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for ScoreKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("unknown score \"{text}\": use std, max or top1"))
    }
}

/// The scores of one image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImageScores {
    /// Population standard deviation of the map.
    pub std: f32,
    /// Largest value of the map.
    pub max: f32,
    /// Mean of the largest 1 % of the map.
    pub top1: f32,
}

impl ImageScores {
    /// The score of the given kind.
    pub fn get(&self, kind: ScoreKind) -> f32 {
        match kind {
            ScoreKind::Std => self.std,
            ScoreKind::Max => self.max,
            ScoreKind::Top1 => self.top1,
        }
    }
}

impl AnomalyMap {
    /// A map from its values.
    ///
    /// # Panics
    /// If there are not `width * height` values.
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Self {
        assert_eq!(
            Some(values.len()),
            width.checked_mul(height),
            "an anomaly map needs width × height values"
        );
        Self {
            width,
            height,
            values,
            image_score: None,
        }
    }

    /// Enlarges or reduces bilinearly with corners aligned (PyTorch's `align_corners=True`).
    pub fn resize_bilinear(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        if self.values.is_empty() || width == 0 || height == 0 {
            return Self::new(width, height, vec![0.0; width * height]);
        }
        let columns = neighbours(self.width, width);
        let mut widened = Vec::with_capacity(width * self.height);
        for row in self.values.chunks_exact(self.width) {
            widened.extend(
                columns
                    .iter()
                    .map(|at| row[at.low] * (1.0 - at.fraction) + row[at.high] * at.fraction),
            );
        }
        let mut values = Vec::with_capacity(width * height);
        for at in neighbours(self.height, height) {
            let low = &widened[at.low * width..][..width];
            let high = &widened[at.high * width..][..width];
            values.extend(
                low.iter()
                    .zip(high)
                    .map(|(low, high)| low * (1.0 - at.fraction) + high * at.fraction),
            );
        }
        Self::new(width, height, values)
    }

    /// Smooths with a Gaussian of standard deviation `sigma` pixels.
    ///
    /// As scipy's `gaussian_filter`: cut at 4 σ, borders mirrored about the edge of the outermost pixel.
    /// A `sigma` too small to reach a neighbour leaves the map as it is.
    pub fn gaussian(&self, sigma: f32) -> Self {
        let weights = gaussian_weights(sigma);
        let radius = weights.len() - 1;
        if radius == 0 || self.values.is_empty() {
            return self.clone();
        }
        let mut values = vec![0.0; self.values.len()];
        smooth_columns(&self.values, &mut values, self.width, &weights);

        let mut padded = vec![0.0; self.width + 2 * radius];
        for row in values.chunks_exact_mut(self.width) {
            for (position, value) in padded.iter_mut().enumerate() {
                *value = row[mirrored(position as isize - radius as isize, self.width)];
            }
            let centre = &padded[radius..radius + row.len()];
            for (value, &centre) in row.iter_mut().zip(centre) {
                *value = weights[0] * centre;
            }
            for (offset, &weight) in weights.iter().enumerate().skip(1) {
                let left = &padded[radius - offset..];
                let right = &padded[radius + offset..];
                for ((value, &left), &right) in row.iter_mut().zip(left).zip(right) {
                    *value += weight * (left + right);
                }
            }
        }
        Self::new(self.width, self.height, values)
    }

    /// Multiplies two maps of one size, pixel by pixel (eq. 15).
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn product(&self, other: &Self) -> Self {
        assert_eq!(
            (self.width, self.height),
            (other.width, other.height),
            "only maps of one size can be multiplied"
        );
        let values = self
            .values
            .iter()
            .zip(&other.values)
            .map(|(a, b)| a * b)
            .collect();
        Self::new(self.width, self.height, values)
    }

    /// The scores of the image this map belongs to.
    ///
    /// A NaN anywhere in the map makes every score NaN; a map without pixels scores 0.
    pub fn scores(&self) -> ImageScores {
        if self.values.is_empty() {
            return ImageScores {
                std: 0.0,
                max: 0.0,
                top1: 0.0,
            };
        }
        if self.values.iter().any(|value| value.is_nan()) {
            return ImageScores {
                std: f32::NAN,
                max: f32::NAN,
                top1: f32::NAN,
            };
        }
        let count = self.values.len();
        let mean = self.values.iter().map(|&v| f64::from(v)).sum::<f64>() / count as f64;
        let variance = self
            .values
            .iter()
            .map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean))
            .sum::<f64>()
            / count as f64;

        let top = (count / 100).max(1);
        let mut descending = self.values.clone();
        descending.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a));
        let largest = &mut descending[..top];
        // Sorted, so that the sum does not depend on how the selection went.
        largest.sort_unstable_by(|a, b| b.total_cmp(a));
        let top1 = largest.iter().map(|&v| f64::from(v)).sum::<f64>() / top as f64;
        ImageScores {
            std: variance.sqrt() as f32,
            max: self.image_score.unwrap_or(largest[0]),
            top1: top1 as f32,
        }
    }
}

/// Two source positions and the weight of the second.
struct Neighbours {
    low: usize,
    high: usize,
    fraction: f32,
}

fn neighbours(source: usize, target: usize) -> Vec<Neighbours> {
    let scale = if target > 1 {
        (source - 1) as f32 / (target - 1) as f32
    } else {
        0.0
    };
    (0..target)
        .map(|position| {
            let exact = scale * position as f32;
            let low = (exact as usize).min(source - 1);
            Neighbours {
                low,
                high: (low + 1).min(source - 1),
                fraction: exact - low as f32,
            }
        })
        .collect()
}

/// Weights at distance 0, 1, … up to 4 σ; the full kernel sums to 1.
fn gaussian_weights(sigma: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    if !(sigma > 0.0 && sigma.is_finite()) {
        return vec![1.0];
    }
    let radius = (4.0 * sigma + 0.5) as usize;
    let weights: Vec<f64> = (0..=radius)
        .map(|x| libm::exp(-0.5 * (x * x) as f64 / (sigma * sigma)))
        .collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Position inside `0..length` after mirroring about the outer edges (… b a | a b c | c b …).
fn mirrored(position: isize, length: usize) -> usize {
    let length = length as isize;
    let wrapped = position.rem_euclid(2 * length);
    wrapped.min(2 * length - 1 - wrapped) as usize
}

fn smooth_columns(source: &[f32], target: &mut [f32], width: usize, weights: &[f32]) {
    let height = source.len() / width;
    let row = |y: isize| &source[mirrored(y, height) * width..][..width];
    for (y, target) in target.chunks_exact_mut(width).enumerate() {
        let y = y as isize;
        for (value, &centre) in target.iter_mut().zip(row(y)) {
            *value = weights[0] * centre;
        }
        for (offset, &weight) in weights.iter().enumerate().skip(1) {
            let offset = offset as isize;
            let pairs = row(y - offset).iter().zip(row(y + offset));
            for (value, (above, below)) in target.iter_mut().zip(pairs) {
                *value += weight * (above + below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ramp(width: usize, height: usize) -> AnomalyMap {
        let values = (0..width * height)
            .map(|i| ((i * 2_654_435_761) % 1000) as f32 / 1000.0)
            .collect();
        AnomalyMap::new(width, height, values)
    }

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-6)
    }

    #[test]
    fn enlarging_keeps_corners_and_linear_ramps() {
        let map = AnomalyMap::new(3, 2, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let large = map.resize_bilinear(5, 4);
        assert_eq!((large.values[0], large.values[4]), (0.0, 2.0));
        assert_eq!((large.values[15], large.values[19]), (3.0, 5.0));
        for y in 0..4 {
            for x in 0..5 {
                let expected = x as f32 * 0.5 + y as f32;
                assert!(close(large.values[y * 5 + x], expected));
            }
        }
    }

    #[test]
    fn a_gaussian_keeps_the_sum_and_constants() {
        let map = ramp(21, 17);
        let smooth = map.gaussian(4.0);
        let sum = |m: &AnomalyMap| m.values.iter().map(|&v| f64::from(v)).sum::<f64>();
        assert!((sum(&map) - sum(&smooth)).abs() < 1e-4 * sum(&map));
        assert!(smooth.scores().std < 0.5 * map.scores().std);
        // Wider than the map: the mirror images repeat.
        let constant = AnomalyMap::new(3, 2, vec![0.25; 6]).gaussian(9.0);
        assert!(constant.values.iter().all(|&v| close(v, 0.25)));
        assert_eq!(map.gaussian(0.0), map);
        assert_eq!(map.gaussian(f32::NAN), map);
    }

    #[test]
    fn smoothing_commutes_with_transposition() {
        let transpose = |m: &AnomalyMap| {
            let values = (0..m.values.len())
                .map(|i| m.values[(i % m.height) * m.width + i / m.height])
                .collect();
            AnomalyMap::new(m.height, m.width, values)
        };
        let map = ramp(40, 29);
        let a = transpose(&map.gaussian(3.0));
        let b = transpose(&map).gaussian(3.0);
        assert!(a.values.iter().zip(&b.values).all(|(a, b)| close(*a, *b)));
    }

    #[test]
    fn scores_of_a_known_map() {
        let mut values = vec![1.0; 200];
        values[7] = 5.0;
        values[90] = 3.0;
        let scores = AnomalyMap::new(20, 10, values).scores();
        assert_eq!(scores.max, 5.0);
        assert_eq!(scores.top1, 4.0);
        let mean = 206.0f64 / 200.0;
        let square_mean = (198.0 + 25.0 + 9.0) / 200.0;
        assert!(close(scores.std, (square_mean - mean * mean).sqrt() as f32));
        assert_eq!(scores.get(ScoreKind::Top1), 4.0);
    }

    #[test]
    fn nan_is_not_hidden() {
        let scores = AnomalyMap::new(2, 1, vec![1.0, f32::NAN]).scores();
        assert!(ScoreKind::ALL.iter().all(|&k| scores.get(k).is_nan()));
        assert_eq!(AnomalyMap::new(0, 0, vec![]).scores().max, 0.0);
    }

    #[test]
    fn score_names_round_trip() {
        for kind in ScoreKind::ALL {
            assert_eq!(kind.name().parse::<ScoreKind>().unwrap(), kind);
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
        assert!("mean".parse::<ScoreKind>().is_err());
    }
}
