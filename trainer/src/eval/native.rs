//! Figures at the images' own sizes: maps enlarged, masks as they are drawn.

use anyhow::Result;
use fsr::map::{AnomalyMap, ScoreKind};

use super::Inspected;
use super::figures::{NativeFigures, PixelFigures, Ranking};
use crate::dataset;

/// Figures of one category at its images' own sizes. Masks are read again rather than kept.
///
/// # Errors
/// When a mask cannot be read any more.
pub fn figures(
    inspected: &[Inspected<'_>],
    kind: ScoreKind,
    aupro_limit: f64,
) -> Result<NativeFigures> {
    let (mut maps, mut masks) = (Vec::new(), Vec::new());
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for one in inspected {
        let (width, height) = (one.size.0 as usize, one.size.1 as usize);
        let map = one.stitched.as_ref().unwrap_or(&one.map);
        let map = map.resize_bilinear(width, height);
        scores.push(map.scores().get(kind));
        labels.push(one.test.defect.is_some());
        let mask = match (&one.test.mask, &one.mask) {
            (Some(path), _) => {
                let mask = dataset::mask(path, &one.test.path, one.size)?;
                mask.as_raw().iter().map(|&value| value > 127).collect()
            }
            // A good image among others with masks.
            (None, Some(_)) => vec![false; width * height],
            (None, None) => continue,
        };
        maps.push(map);
        masks.push(mask);
    }
    let maps: Vec<&AnomalyMap> = maps.iter().collect();
    let masks: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
    Ok(NativeFigures {
        image: Ranking::of(&scores, &labels),
        pixel: PixelFigures::of(&maps, &masks, aupro_limit),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dataset::TestImage;

    #[test]
    fn masks_are_compared_at_their_own_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        // The right half of 4 × 2 pixels, on a map of 2 × 1 whose right half is hot.
        image::GrayImage::from_fn(4, 2, |x, _| image::Luma([if x < 2 { 0 } else { 255 }]))
            .save(&path)
            .unwrap();
        let bad = TestImage {
            path: "bad.png".into(),
            defect: Some("crack".into()),
            mask: Some(path),
        };
        let good = TestImage {
            path: "good.png".into(),
            defect: None,
            mask: None,
        };
        let one = |test, values: [f32; 2], mask: Vec<bool>| {
            let map = AnomalyMap::new(2, 1, values.to_vec());
            Inspected {
                test,
                scores: map.scores(),
                map,
                stitched: None,
                mask: Some(mask),
                size: (4, 2),
            }
        };
        let inspected = [
            one(&good, [0.0, 0.1], vec![false, false]),
            one(&bad, [0.0, 3.0], vec![false, true]),
        ];
        let native = figures(&inspected, ScoreKind::Max, 0.3).unwrap();
        assert_eq!(native.image.auroc, Some(1.0));
        // Enlarged with corners aligned the row is 0, 1, 2, 3: the mask's pixels are the highest.
        assert_eq!(native.pixel.ranking.auroc, Some(1.0));
        assert_eq!(native.pixel.aupro, Some(1.0));
        let swapped = [
            one(&good, [0.0, 0.1], vec![false, false]),
            one(&bad, [3.0, 0.0], vec![false, true]),
        ];
        let native = figures(&swapped, ScoreKind::Max, 0.3).unwrap();
        assert!(native.pixel.ranking.auroc.unwrap() < 1.0);
    }
}
