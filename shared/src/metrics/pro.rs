//! Per-region overlap (Bergmann et al., MVTec's `pro_curve_util.py`).

use serde::{Deserialize, Serialize};

use super::label_regions;
use super::ranking::Ranking;
use crate::map::AnomalyMap;

/// One operating point of the PRO curve; the prediction is `value >= threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProPoint {
    /// Fraction of the good pixels of all images that are reported.
    pub fpr: f64,
    /// Mean over the defect regions of the fraction of their pixels that is reported.
    pub pro: f64,
    /// Lowest value that is reported; infinite at the origin.
    pub threshold: f32,
}

/// Normalised area under the PRO curve up to a false-positive rate of `fpr_limit` (usually 0.3).
///
/// Exact: one point for each distinct value, trapezoids, the last one interpolated at the limit. Regions
/// are 8-connected, over all images together; good images count with their pixels. `masks` are row-major
/// and of their map's size, `true` on defects.
///
/// `None` if there is no region or no good pixel, sizes do not fit, a value is NaN, or the limit is not
/// in (0, 1].
pub fn aupro(maps: &[&AnomalyMap], masks: &[&[bool]], fpr_limit: f64) -> Option<f64> {
    if !(fpr_limit > 0.0 && fpr_limit <= 1.0) {
        return None;
    }
    let overlap = RegionOverlap::new(maps, masks)?;
    let (mut fpr, mut pro, mut area) = (0.0, 0.0, 0.0);
    for point in overlap.points() {
        if point.fpr >= fpr_limit {
            let part = (fpr_limit - fpr) / (point.fpr - fpr);
            let at_limit = pro + part * (point.pro - pro);
            area += (fpr_limit - fpr) * (pro + at_limit) / 2.0;
            break;
        }
        area += (point.fpr - fpr) * (pro + point.pro) / 2.0;
        (fpr, pro) = (point.fpr, point.pro);
    }
    // Rounding may leave the sum a few 1e-16 above.
    Some((area / fpr_limit).min(1.0))
}

/// The PRO curve from (0, 0) to (1, 1), one point for each distinct value; `None` as [`aupro`].
pub fn pro_curve(maps: &[&AnomalyMap], masks: &[&[bool]]) -> Option<Vec<ProPoint>> {
    let origin = ProPoint {
        fpr: 0.0,
        pro: 0.0,
        threshold: f32::INFINITY,
    };
    let overlap = RegionOverlap::new(maps, masks)?;
    Some(std::iter::once(origin).chain(overlap.points()).collect())
}

/// The curve at `steps` + 1 evenly spaced false-positive rates from 0 to `limit`, interpolated in between: pairs of
/// false-positive rate and overlap, for drawing.
pub fn thinned_pro_curve(curve: &[ProPoint], limit: f64, steps: usize) -> Vec<[f64; 2]> {
    let at = |fpr: f64| {
        // The last point at or before the rate: a curve may rise at one rate.
        let next = curve.partition_point(|point| point.fpr <= fpr);
        match (curve.get(next.wrapping_sub(1)), curve.get(next)) {
            (Some(before), Some(after)) => {
                let part = (fpr - before.fpr) / (after.fpr - before.fpr);
                before.pro + part * (after.pro - before.pro)
            }
            (Some(before), None) => before.pro,
            (None, _) => 0.0,
        }
    };
    (0..=steps)
        .map(|step| limit * step as f64 / steps.max(1) as f64)
        .map(|fpr| [fpr, at(fpr)])
        .collect()
}

/// All pixels by descending value, tagged with 0 (good) or the number of their region.
struct RegionOverlap {
    ranking: Ranking,
    good_pixels: u64,
    /// What one pixel of a region adds to the mean overlap, by region number.
    shares: Vec<f64>,
}

impl RegionOverlap {
    fn new(maps: &[&AnomalyMap], masks: &[&[bool]]) -> Option<Self> {
        if maps.len() != masks.len() {
            return None;
        }
        let mut tags = Vec::with_capacity(maps.iter().map(|map| map.values.len()).sum());
        let mut sizes = Vec::new();
        for (map, mask) in maps.iter().zip(masks) {
            if mask.len() != map.values.len() || map.width * map.height != mask.len() {
                return None;
            }
            let (labels, own_sizes) = label_regions(mask, map.width);
            let before = sizes.len() as u32;
            tags.extend(
                labels
                    .iter()
                    .map(|&label| if label == 0 { 0 } else { label + before }),
            );
            sizes.extend(own_sizes);
        }
        let good_pixels = tags.iter().filter(|&&tag| tag == 0).count() as u64;
        if sizes.is_empty() || good_pixels == 0 {
            return None;
        }
        let regions = sizes.len() as f64;
        let shares = std::iter::once(0.0)
            .chain(sizes.iter().map(|&size| 1.0 / (size as f64 * regions)))
            .collect();
        let values = maps.iter().flat_map(|map| map.values.iter().copied());
        Some(Self {
            ranking: Ranking::new(values.zip(tags))?,
            good_pixels,
            shares,
        })
    }

    fn points(&self) -> impl Iterator<Item = ProPoint> + '_ {
        let mut reported = 0u64;
        let mut pro = 0.0;
        self.ranking.groups().map(move |(threshold, tags)| {
            for tag in tags {
                reported += u64::from(tag == 0);
                pro += self.shares[tag as usize];
            }
            ProPoint {
                fpr: reported as f64 / self.good_pixels as f64,
                pro: f64::min(pro, 1.0),
                threshold,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::ranking::tests::toy;
    use super::*;

    const SIDE: usize = 24;

    fn noisy_maps(seed: u64) -> (Vec<AnomalyMap>, Vec<Vec<bool>>) {
        (0..3)
            .map(|image| {
                let (values, _) = toy(seed * 3 + image, SIDE * SIDE);
                let mask: Vec<bool> = (0..SIDE * SIDE)
                    .map(|i| {
                        let (y, x) = (i / SIDE, i % SIDE);
                        image != 2 && (y / 3 == 2 || (x > 15 && y > 14 + image as usize))
                    })
                    .collect();
                let values = values
                    .iter()
                    .zip(&mask)
                    .map(|(v, &m)| v + if m { 0.3 } else { 0.0 })
                    .collect();
                (AnomalyMap::new(SIDE, SIDE, values), mask)
            })
            .unzip()
    }

    fn area(maps: &[AnomalyMap], masks: &[Vec<bool>], limit: f64) -> Option<f64> {
        let maps: Vec<&AnomalyMap> = maps.iter().collect();
        let masks: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
        aupro(&maps, &masks, limit)
    }

    #[test]
    fn stays_within_zero_and_one_and_ignores_monotone_maps() {
        for seed in 0..10 {
            let (mut maps, masks) = noisy_maps(seed);
            for limit in [0.05, 0.3, 1.0] {
                let value = area(&maps, &masks, limit).unwrap();
                assert!(value > 0.0 && value <= 1.0);
            }
            let before = area(&maps, &masks, 0.3);
            for value in maps.iter_mut().flat_map(|map| &mut map.values) {
                // Strictly increasing for positive floats, so that no ties arise.
                let bits = value.to_bits();
                *value = f32::from_bits(bits + bits / 2);
            }
            assert_eq!(area(&maps, &masks, 0.3), before);
        }
    }

    #[test]
    fn perfect_is_one_and_constant_half_the_limit() {
        let (_, masks) = noisy_maps(0);
        let perfect: Vec<AnomalyMap> = masks
            .iter()
            .map(|m| AnomalyMap::new(SIDE, SIDE, m.iter().map(|&m| f32::from(m)).collect()))
            .collect();
        assert!((area(&perfect, &masks, 0.3).unwrap() - 1.0).abs() < 1e-12);
        let constant = vec![AnomalyMap::new(SIDE, SIDE, vec![2.0; SIDE * SIDE]); 3];
        assert!((area(&constant, &masks, 0.3).unwrap() - 0.15).abs() < 1e-12);
    }

    #[test]
    fn every_region_weighs_the_same() {
        // A large region found at once and a small one never before the limit: half.
        let mask: Vec<bool> = (0..100).map(|i| i < 40 || i == 99).collect();
        let values = (0..100)
            .map(|i| match i {
                0..40 => 2.0,
                99 => 0.0,
                _ => 1.0,
            })
            .collect();
        let map = AnomalyMap::new(10, 10, values);
        let value = aupro(&[&map], &[&mask], 0.3).unwrap();
        assert!((value - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_curve_ends_at_one() {
        let (maps, masks) = noisy_maps(1);
        let maps: Vec<&AnomalyMap> = maps.iter().collect();
        let masks: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
        let curve = pro_curve(&maps, &masks).unwrap();
        let last = curve.last().unwrap();
        assert_eq!(last.fpr, 1.0);
        assert!((last.pro - 1.0).abs() < 1e-9);
        assert!(
            curve
                .windows(2)
                .all(|p| p[0].pro <= p[1].pro && p[0].fpr <= p[1].fpr)
        );
    }

    #[test]
    fn undefined_is_none() {
        let map = AnomalyMap::new(2, 1, vec![0.0, 1.0]);
        assert_eq!(aupro(&[&map], &[&[false, false]], 0.3), None);
        assert_eq!(aupro(&[&map], &[&[true, true]], 0.3), None);
        assert_eq!(aupro(&[&map], &[&[true]], 0.3), None);
        assert_eq!(aupro(&[&map], &[], 0.3), None);
        assert_eq!(aupro(&[&map], &[&[true, false]], 0.0), None);
        let nan = AnomalyMap::new(2, 1, vec![0.0, f32::NAN]);
        assert_eq!(aupro(&[&nan], &[&[true, false]], 0.3), None);
    }

    #[test]
    fn a_thinned_curve_has_the_same_area() {
        let side = 32;
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mask: Vec<bool> = (0..side * side).map(|at| at % side > 24).collect();
        let values = mask
            .iter()
            .map(|&bad| random() + if bad { 0.6 } else { 0.0 });
        let map = AnomalyMap::new(side, side, values.collect());
        let area = aupro(&[&map], &[&mask], 0.3).unwrap();
        let curve = pro_curve(&[&map], &[&mask]).unwrap();
        let points = thinned_pro_curve(&curve, 0.3, 64);
        let trapezoids = points
            .windows(2)
            .map(|pair| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1]) / 2.0);
        let thin = trapezoids.sum::<f64>() / 0.3;
        assert!(area > 0.5 && (thin - area).abs() < 5e-3, "{thin} {area}");
        assert_eq!(points.len(), 65);
        assert_eq!(thinned_pro_curve(&[], 0.3, 1), [[0.0, 0.0], [0.3, 0.0]]);
    }
}
