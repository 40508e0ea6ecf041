//! Slightly altered good images: a stand-in for fresh ones when there are too few to hold any out.
//!
//! `fsr train` and the page calibrate few-shot models on them.

use image::RgbImage;
use image::imageops;

/// One alteration: a small shift with enlargement, and other light.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Alteration {
    /// Offset of the crop as a share of what the crop leaves over, in x and y.
    place: (f32, f32),
    /// Share of the side that the crop leaves out.
    margin: f32,
    /// Factor on all levels.
    gain: f32,
}

/// Kept within what a fixed camera sees from one part to the next: at most 1.5 % of shift, 4 % of light.
const ALTERATIONS: [Alteration; 6] = [
    Alteration {
        place: (0.0, 0.0),
        margin: 0.015,
        gain: 1.03,
    },
    Alteration {
        place: (1.0, 1.0),
        margin: 0.015,
        gain: 0.97,
    },
    Alteration {
        place: (1.0, 0.0),
        margin: 0.010,
        gain: 0.96,
    },
    Alteration {
        place: (0.0, 1.0),
        margin: 0.010,
        gain: 1.04,
    },
    Alteration {
        place: (0.5, 0.5),
        margin: 0.020,
        gain: 1.0,
    },
    Alteration {
        place: (0.25, 0.75),
        margin: 0.005,
        gain: 1.02,
    },
];

/// Number of different alterations of one image.
pub const VARIANTS: usize = ALTERATIONS.len();

/// Altered images made of a handful of good ones, in all at least this many.
const ALTERED: usize = 24;

/// How many alterations of each of `images` images to calibrate on, 1 to [`VARIANTS`].
pub fn variants(images: usize) -> usize {
    ALTERED.div_ceil(images.max(1)).min(VARIANTS)
}

/// The image, altered in way `variant` (taken modulo [`VARIANTS`]); its size may shrink by 2 %.
pub fn altered(image: &RgbImage, variant: usize) -> RgbImage {
    let alteration = ALTERATIONS[variant % VARIANTS];
    let crop = |side: u32, place: f32| {
        let margin = (side as f32 * alteration.margin)
            .round()
            .min(side.saturating_sub(1) as f32);
        ((margin * place).round() as u32, side - margin as u32)
    };
    let ((x, width), (y, height)) = (
        crop(image.width(), alteration.place.0),
        crop(image.height(), alteration.place.1),
    );
    let mut part = imageops::crop_imm(image, x, y, width, height).to_image();
    for level in part.iter_mut() {
        *level = (f32::from(*level) * alteration.gain + 0.5) as u8;
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn every_variant_differs_a_little_from_the_image() {
        let image = RgbImage::from_fn(200, 100, |x, y| Rgb([x as u8, y as u8, 128]));
        for variant in 0..VARIANTS {
            let other = altered(&image, variant);
            assert_ne!(other, image);
            assert!(other.width() >= 196 && other.height() >= 98);
            let centre =
                |image: &RgbImage| image.get_pixel(image.width() / 2, image.height() / 2).0;
            for (a, b) in centre(&image).into_iter().zip(centre(&other)) {
                assert!(a.abs_diff(b) <= 12, "{variant}: {a} {b}");
            }
        }
    }

    #[test]
    fn tiny_images_survive() {
        for side in [1, 2, 3] {
            let image = RgbImage::from_pixel(side, side, Rgb([255, 0, 9]));
            assert_eq!(altered(&image, 1).dimensions(), (side, side));
        }
    }

    #[test]
    fn few_shots_are_altered_more_often() {
        assert_eq!(
            (variants(1), variants(4), variants(8), variants(40)),
            (6, 6, 3, 1)
        );
    }
}
