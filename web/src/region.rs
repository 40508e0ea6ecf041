//! The text alternative of an anomaly map: where it is hot and how much of the area.
//!
//! A pixel is hot when it is past [`HOT`] on the colour scale. Calibration puts a quarter of the
//! scale where hardly a pixel of a good image reaches, so that hot is a little beyond that.

use crate::words::Words;

/// Position on the colour scale from which a pixel counts as hot.
pub const HOT: f32 = 0.3;

/// What the map shows.
#[derive(Debug, Clone, PartialEq)]
pub struct HotRegion {
    /// Share of hot pixels, 0 to 1.
    pub area: f32,
    /// Centre of the heat, 0 to 1 from the left; hotter pixels weigh more.
    pub x: f32,
    /// Centre of the heat, 0 to 1 from the top.
    pub y: f32,
    /// Root mean square distance of hot pixels to the centre, in image widths.
    pub spread: f32,
}

/// Which map values are hot, on the scale from `low` to `high`.
pub fn is_hot(value: f32, low: f32, high: f32) -> bool {
    high > low && value >= low + HOT * (high - low)
}

/// Finds the hot region of a row-major map of `width` columns; `None` when nothing is hot.
pub fn hot_region(values: &[f32], width: usize, low: f32, high: f32) -> Option<HotRegion> {
    if width == 0 || values.len() < width {
        return None;
    }
    let height = values.len() / width;
    let (mut count, mut weight, mut sum_x, mut sum_y, mut sum_square) =
        (0usize, 0.0f64, 0.0, 0.0, 0.0);
    for (index, &value) in values.iter().enumerate() {
        if is_hot(value, low, high) {
            let w = f64::from(value - low);
            let x = ((index % width) as f64 + 0.5) / width as f64;
            let y = ((index / width) as f64 + 0.5) / height as f64;
            count += 1;
            weight += w;
            sum_x += w * x;
            sum_y += w * y;
            sum_square += w * (x * x + y * y);
        }
    }
    if count == 0 || weight <= 0.0 {
        return None;
    }
    let (x, y) = (sum_x / weight, sum_y / weight);
    Some(HotRegion {
        area: count as f32 / values.len() as f32,
        x: x as f32,
        y: y as f32,
        spread: (sum_square / weight - x * x - y * y).max(0.0).sqrt() as f32,
    })
}

/// A connected part of the map above a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Share of the image's area, 0 to 1.
    pub area: f32,
    /// Highest value in it.
    pub peak: f32,
    /// Where that is, 0 to 1 from the left.
    pub x: f32,
    /// Where that is, 0 to 1 from the top.
    pub y: f32,
}

impl Region {
    /// Which ninth of the image its peak is in, in words.
    pub fn place(&self, words: &Words) -> &'static str {
        place(words, self.x, self.y)
    }
}

/// The map value on the contour: where heat begins, moved in proportion when the threshold is.
pub fn contour_level(low: f32, high: f32, threshold: f32, calibrated: f32) -> f32 {
    let level = low + HOT * (high - low);
    let factor = threshold / calibrated;
    if factor.is_finite() && factor > 0.0 {
        level * factor
    } else {
        level
    }
}

/// Regions of a row-major map of `width` columns at or above `level` (neighbours share a side), the
/// highest peak first.
pub fn regions(values: &[f32], width: usize, level: f32) -> Vec<Region> {
    if width == 0 || values.len() < width {
        return Vec::new();
    }
    let height = values.len() / width;
    let above = |at: usize| values[at] >= level;
    let mut seen = vec![false; width * height];
    let mut found = Vec::new();
    let mut open = Vec::new();
    for start in 0..width * height {
        if seen[start] || !above(start) {
            continue;
        }
        let (mut count, mut peak) = (0usize, start);
        seen[start] = true;
        open.push(start);
        while let Some(at) = open.pop() {
            count += 1;
            if values[at] > values[peak] {
                peak = at;
            }
            let (x, y) = (at % width, at / width);
            let near = [
                (x > 0).then(|| at - 1),
                (x + 1 < width).then(|| at + 1),
                (y > 0).then(|| at - width),
                (y + 1 < height).then(|| at + width),
            ];
            for next in near.into_iter().flatten() {
                if !seen[next] && above(next) {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
        found.push(Region {
            area: count as f32 / (width * height) as f32,
            peak: values[peak],
            x: ((peak % width) as f32 + 0.5) / width as f32,
            y: ((peak / width) as f32 + 0.5) / height as f32,
        });
    }
    found.sort_by(|a, b| b.peak.total_cmp(&a.peak));
    found
}

/// "hot region upper left, 3.1 % of the area".
pub fn describe(words: &Words, region: Option<&HotRegion>) -> String {
    let Some(region) = region else {
        return words.region.none.to_owned();
    };
    let area = f64::from(region.area);
    let area = if area < 0.001 {
        words.region.less_than(&words.percent(0.001, 1))
    } else {
        words.percent(area, 1)
    };
    if region.spread > 0.33 {
        words.region.spread(&area)
    } else {
        words.region.at(place(words, region.x, region.y), &area)
    }
}

/// Names the ninth of the image.
fn place(words: &Words, x: f32, y: f32) -> &'static str {
    let third = |v: f32| ((v * 3.0) as usize).min(2);
    let words = &words.region;
    let places = [
        [words.upper_left, words.top, words.upper_right],
        [words.left, words.centre, words.right],
        [words.lower_left, words.bottom, words.lower_right],
    ];
    places[third(y)][third(x)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::words::Language;

    fn map_with(size: usize, hot: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        (0..size * size)
            .map(|i| if hot(i % size, i / size) { 1.0 } else { 0.1 })
            .collect()
    }

    #[test]
    fn the_nine_places() {
        for (cx, cy, name) in [
            (5, 5, "upper left"),
            (30, 5, "at the top"),
            (55, 30, "at the right"),
            (30, 30, "in the centre"),
            (5, 55, "lower left"),
        ] {
            let map = map_with(60, |x, y| x.abs_diff(cx) < 3 && y.abs_diff(cy) < 3);
            let region = hot_region(&map, 60, 0.0, 1.0).unwrap();
            assert!((region.area - 25.0 / 3600.0).abs() < 1e-6);
            assert!(
                describe(Language::En.words(), Some(&region)).contains(name),
                "{name}: {region:?}"
            );
        }
    }

    #[test]
    fn cool_maps_have_no_region() {
        assert_eq!(hot_region(&map_with(8, |_, _| false), 8, 0.0, 1.0), None);
        assert_eq!(describe(Language::En.words(), None), "no hot region");
    }

    #[test]
    fn heat_in_two_corners_has_no_single_place() {
        let map = map_with(60, |x, y| (x < 5 && y < 5) || (x > 54 && y > 54));
        assert!(
            describe(
                Language::En.words(),
                hot_region(&map, 60, 0.0, 1.0).as_ref()
            )
            .starts_with("heat spread")
        );
    }

    #[test]
    fn a_degenerate_scale_or_map_is_no_heat() {
        assert_eq!(hot_region(&[1.0; 4], 2, 1.0, 1.0), None);
        assert_eq!(hot_region(&[f32::NAN; 4], 2, 0.0, 1.0), None);
        assert_eq!(hot_region(&[], 0, 0.0, 1.0), None);
    }

    #[test]
    fn two_spots_are_two_regions_the_hotter_first() {
        let mut map = map_with(20, |x, y| x < 4 && y < 5);
        map[19 * 20 + 19] = 3.0;
        // Diagonal neighbours do not touch.
        map[18 * 20 + 18] = 2.0;
        let found = regions(&map, 20, 0.5);
        let areas: Vec<usize> = found
            .iter()
            .map(|region| (region.area * 400.0).round() as usize)
            .collect();
        assert_eq!(areas, [1, 1, 20]);
        assert_eq!(
            (found[0].peak, found[0].place(Language::En.words())),
            (3.0, "lower right")
        );
        assert_eq!(found[2].place(Language::En.words()), "upper left");
        assert!(regions(&map, 20, 4.0).is_empty());
        assert!(regions(&[], 0, 0.0).is_empty() && regions(&[f32::NAN; 4], 2, 0.0).is_empty());
    }

    #[test]
    fn the_contour_moves_with_the_threshold() {
        assert_eq!(contour_level(0.0, 10.0, 2.0, 2.0), 3.0);
        assert_eq!(contour_level(0.0, 10.0, 4.0, 2.0), 6.0);
        assert_eq!(contour_level(0.0, 10.0, 4.0, 0.0), 3.0);
    }
}
