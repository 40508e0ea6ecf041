//! The anomaly map of a whole image from those of its tiles.
//!
//! Each tile's values count most in its middle and least at its edges; the weights of all tiles at one place sum to
//! one, so that no seam shows and a constant stays one. Corners are aligned, as everywhere with anomaly maps: a map's
//! outermost values lie on the outermost pixels of what it shows.

use super::{Spread, TilePlan};
use crate::map::AnomalyMap;

/// Longest side of a stitched map, unless one tile's is longer: 4 MB of values.
pub const MAX_MAP_SIDE: usize = 1024;

/// Width and height of the map of an image whose tiles have maps of `side`².
///
/// As fine as the tiles' own maps, up to [`MAX_MAP_SIDE`]; one tile's map stays as it is.
pub fn map_size(plan: &TilePlan, side: usize) -> (usize, usize) {
    (length(&plan.columns, side), length(&plan.rows, side))
}

fn length(spread: &Spread, side: usize) -> usize {
    if spread.starts.len() == 1 {
        return side;
    }
    let fine = f64::from(spread.length) * side as f64 / f64::from(spread.side);
    // Not a cast of what may be huge: compared first.
    fine.round().min(MAX_MAP_SIDE.max(side) as f64) as usize
}

/// One value of the stitched map along one side, as a tile has it.
#[derive(Debug, Clone, Copy)]
struct Sample {
    low: usize,
    high: usize,
    fraction: f32,
    weight: f32,
}

/// What one tile gives along one side: from the value `first` of the stitched map on.
#[derive(Debug, Clone)]
struct Share {
    first: usize,
    samples: Vec<Sample>,
}

/// Shares of all tiles along one side; their weights sum to one at each value.
fn shares(spread: &Spread, side: usize) -> Vec<Share> {
    let length = length(spread, side);
    if spread.starts.len() == 1 {
        let samples = (0..side).map(|at| Sample {
            low: at,
            high: at,
            fraction: 0.0,
            weight: 1.0,
        });
        return vec![Share {
            first: 0,
            samples: samples.collect(),
        }];
    }
    // Positions in pixels of the image; a pixel's centre is a whole number.
    let step = f64::from(spread.length - 1) / (length - 1).max(1) as f64;
    let extent = f64::from(spread.side);
    let raw = |start: u32, at: usize| {
        let from_edge = at as f64 * step - (f64::from(start) - 0.5);
        // Half a pixel more, so that no weight within a tile is zero.
        (from_edge >= 0.0 && from_edge <= extent).then(|| from_edge.min(extent - from_edge) + 0.5)
    };
    let sums: Vec<f64> = (0..length)
        .map(|at| {
            let weights = spread.starts.iter().filter_map(|&start| raw(start, at));
            weights.sum()
        })
        .collect();
    let scale = (side - 1) as f64 / f64::from(spread.side - 1).max(1.0);
    let share = |&start: &u32| {
        let mut first = None;
        let mut samples = Vec::new();
        for (at, sum) in sums.iter().enumerate() {
            let Some(weight) = raw(start, at) else {
                continue;
            };
            first.get_or_insert(at);
            let exact = (at as f64 * step - f64::from(start)) * scale;
            let exact = exact.clamp(0.0, (side - 1) as f64);
            let low = exact as usize;
            samples.push(Sample {
                low,
                high: (low + 1).min(side - 1),
                fraction: (exact - low as f64) as f32,
                weight: (weight / sum) as f32,
            });
        }
        Share {
            first: first.unwrap_or(0),
            samples,
        }
    };
    spread.starts.iter().map(share).collect()
}

/// Adds up the maps of an image's tiles, one after the other: no more than one of them is held.
#[derive(Debug, Clone)]
pub struct Stitcher {
    side: usize,
    columns: Vec<Share>,
    rows: Vec<Share>,
    width: usize,
    height: usize,
    values: Vec<f32>,
    image_score: Option<f32>,
    added: usize,
    /// The only tile's map, if there is but one.
    whole: Option<AnomalyMap>,
}

impl Stitcher {
    /// For the tiles of a plan, each with a map of `side`² values.
    pub fn new(plan: &TilePlan, side: usize) -> Self {
        let (width, height) = map_size(plan, side);
        let whole = plan.is_whole();
        let shares = |spread: &Spread| {
            if whole {
                Vec::new()
            } else {
                shares(spread, side)
            }
        };
        Self {
            side,
            columns: shares(&plan.columns),
            rows: shares(&plan.rows),
            width,
            height,
            values: if whole {
                Vec::new()
            } else {
                vec![0.0; width * height]
            },
            image_score: None,
            added: 0,
            whole: None,
        }
    }

    /// Adds the next tile's map, in reading order. Of a single tile's map nothing is changed.
    ///
    /// # Panics
    /// If the map is not of `side`² values, or there are more maps than tiles.
    pub fn add(&mut self, map: AnomalyMap) {
        let index = self.added;
        self.added += 1;
        if self.columns.is_empty() {
            self.whole = Some(map);
            return;
        }
        assert_eq!(
            (map.width, map.height),
            (self.side, self.side),
            "a tile's map has the network's input size"
        );
        let columns = &self.columns[index % self.columns.len()];
        let rows = &self.rows[index / self.columns.len()];
        // The method's own score of an image is that of its most anomalous part.
        self.image_score = match (self.image_score, map.image_score) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        for (row, y) in rows.samples.iter().zip(rows.first..) {
            let low = &map.values[row.low * self.side..][..self.side];
            let high = &map.values[row.high * self.side..][..self.side];
            let target = &mut self.values[y * self.width + columns.first..];
            for (value, column) in target.iter_mut().zip(&columns.samples) {
                let across = |line: &[f32]| {
                    line[column.low] * (1.0 - column.fraction) + line[column.high] * column.fraction
                };
                let found = across(low) * (1.0 - row.fraction) + across(high) * row.fraction;
                *value += row.weight * column.weight * found;
            }
        }
    }

    /// The map of the whole image, once all tiles are added.
    pub fn finish(self) -> AnomalyMap {
        if let Some(whole) = self.whole {
            return whole;
        }
        let mut map = AnomalyMap::new(self.width, self.height, self.values);
        map.image_score = self.image_score;
        map
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::tiles::Tiling;

    /// Random plans, thin and tiny images among them.
    fn plans() -> Vec<TilePlan> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut plans = Vec::new();
        while plans.len() < 150 {
            let tiling = Tiling {
                size: rng.random_range(32..400),
                overlap: rng.random_range(0.0..0.5),
            };
            let mut length = || match rng.random_range(0..4) {
                0 => rng.random_range(1..4),
                1 => rng.random_range(1..4000),
                _ => rng.random_range(1..900),
            };
            let (width, height) = (length(), length());
            if let Ok(plan) = TilePlan::new(Some(tiling), width, height) {
                plans.push(plan);
            }
        }
        plans
    }

    fn stitched(plan: &TilePlan, side: usize, of: impl Fn(usize) -> AnomalyMap) -> AnomalyMap {
        let mut stitcher = Stitcher::new(plan, side);
        for index in 0..plan.count() {
            stitcher.add(of(index));
        }
        stitcher.finish()
    }

    #[test]
    fn weights_sum_to_one_at_every_value() {
        for plan in plans() {
            for spread in [&plan.columns, &plan.rows] {
                let mut sums = vec![0.0f64; length(spread, 16)];
                for share in shares(spread, 16) {
                    assert!(!share.samples.is_empty());
                    for (sample, at) in share.samples.iter().zip(share.first..) {
                        assert!(sample.weight > 0.0 && sample.high < 16);
                        assert!((0.0..=1.0).contains(&sample.fraction));
                        sums[at] += f64::from(sample.weight);
                    }
                }
                assert!(
                    sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6),
                    "{spread:?}"
                );
            }
        }
    }

    #[test]
    fn a_constant_stays_constant_and_sizes_are_bounded() {
        for plan in plans() {
            let map = stitched(&plan, 16, |_| AnomalyMap::new(16, 16, vec![0.7; 256]));
            assert_eq!((map.width, map.height), map_size(&plan, 16));
            assert!(map.width <= MAX_MAP_SIDE && map.height <= MAX_MAP_SIDE);
            assert!(map.width >= 16 && map.height >= 16);
            assert!(map.values.iter().all(|value| (value - 0.7).abs() < 1e-5));
        }
    }

    #[test]
    fn one_tile_gives_its_own_map_bit_by_bit() {
        let values: Vec<f32> = (0..64).map(|at| (at as f32).sin()).collect();
        let mut map = AnomalyMap::new(8, 8, values);
        map.image_score = Some(3.0);
        let small = TilePlan::new(Some(Tiling::of_size(512)), 100, 40).unwrap();
        for plan in [small, TilePlan::whole(4000, 3000)] {
            assert_eq!(stitched(&plan, 8, |_| map.clone()), map);
        }
    }

    /// A value that depends on the place in the image alone.
    fn field(x: f64, y: f64) -> f64 {
        0.5 + 0.001 * x - 0.0007 * y
    }

    #[test]
    fn what_all_tiles_agree_on_is_what_comes_out() {
        for plan in plans() {
            let (width, height) = (plan.columns.length, plan.rows.length);
            // A linear field survives bilinear sampling.
            let side = 16;
            let place = |start: u32, extent: u32, at: usize| {
                f64::from(start) + at as f64 * f64::from(extent - 1) / (side - 1) as f64
            };
            let map = stitched(&plan, side, |index| {
                let tile = plan.tile(index);
                let values = (0..side * side).map(|at| {
                    let x = place(tile.x, tile.width, at % side);
                    let y = place(tile.y, tile.height, at / side);
                    field(x, y) as f32
                });
                AnomalyMap::new(side, side, values.collect())
            });
            // Beyond a tile's outermost pixel centre its outermost value is repeated: half a pixel.
            let tolerance = 1.2e-3;
            for (at, &value) in map.values.iter().enumerate() {
                let across = |at: usize, length: u32, of: usize| {
                    at as f64 * f64::from(length - 1) / (of - 1) as f64
                };
                let x = across(at % map.width, width, map.width);
                let y = across(at / map.width, height, map.height);
                assert!((f64::from(value) - field(x, y)).abs() < tolerance);
            }
        }
    }

    #[test]
    fn tiles_that_differ_meet_without_a_step() {
        let tiling = Tiling {
            size: 100,
            overlap: 0.25,
        };
        let plan = TilePlan::new(Some(tiling), 175, 100).unwrap();
        assert_eq!(plan.count(), 2);
        let map = stitched(&plan, 100, |index| {
            AnomalyMap::new(100, 100, vec![index as f32; 10_000])
        });
        let row = &map.values[50 * map.width..51 * map.width];
        assert_eq!((row[0], row[map.width - 1]), (0.0, 1.0));
        assert!(row.windows(2).all(|pair| pair[1] > pair[0] - 1e-6));
        // Twenty-five pixels to go from one to the other.
        let steepest = row.windows(2).map(|pair| pair[1] - pair[0]);
        let steepest = steepest.fold(0.0f32, f32::max);
        assert!((0.02..0.06).contains(&steepest), "{steepest}");
    }

    #[test]
    fn a_spot_is_where_it_was_and_its_score_survives() {
        let plan = TilePlan::new(Some(Tiling::of_size(64)), 200, 160).unwrap();
        let spot = (141i64, 37i64);
        let map = stitched(&plan, 64, |index| {
            let tile = plan.tile(index);
            let values = (0..64 * 64).map(|at| {
                let (x, y) = (i64::from(tile.x) + at % 64, i64::from(tile.y) + at / 64);
                if (x - spot.0).abs() <= 2 && (y - spot.1).abs() <= 2 {
                    5.0
                } else {
                    0.0
                }
            });
            let mut map = AnomalyMap::new(64, 64, values.collect());
            map.image_score = Some(map.scores().max);
            map
        });
        assert_eq!((map.width, map.height), (200, 160));
        assert!((map.values[(spot.1 * 200 + spot.0) as usize] - 5.0).abs() < 1e-4);
        assert_eq!(map.values.iter().filter(|&&value| value > 2.5).count(), 25);
        assert_eq!(map.scores().max, 5.0);
    }
}
