//! Shot augmentation: altered copies of a few good images, to train on beside them.
//!
//! The alterations, 21 of each image, are those RegAD makes of its support images (Huang et al., ECCV 2022); later
//! few-shot detectors took them over. What a turn or shift uncovers is filled with the image mirrored at its edge: a black
//! corner would be learned as part of a good image.

use clap::ValueEnum;
use image::{DynamicImage, RgbImage, imageops};
use imageproc::geometric_transformations::{Border, Interpolation, warp_with};

/// A group of alterations that a product's images may or may not bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Augment {
    /// Turns by 11, 22, 34 and 45 degrees, both ways
    Tilts,
    /// Shifts along the diagonals, by a tenth and a fifth of the sides
    Shifts,
    /// Left and right exchanged
    Mirror,
    /// Turns by 90, 180 and 270 degrees
    QuarterTurns,
    /// Without colours
    Grey,
    /// All of these
    All,
}

impl Augment {
    /// The alterations of this group.
    fn alterations(self) -> Vec<Augmentation> {
        let four = |by: i8| [(by, by), (-by, by), (-by, -by), (by, -by)];
        match self {
            Self::Tilts => [-4, -3, -2, -1, 1, 2, 3, 4]
                .map(Augmentation::Tilt)
                .to_vec(),
            Self::Shifts => [four(20), four(10)]
                .concat()
                .into_iter()
                .map(|(x, y)| Augmentation::Shift(x, y))
                .collect(),
            Self::Mirror => vec![Augmentation::Mirror],
            Self::QuarterTurns => [1, 2, 3].map(Augmentation::QuarterTurns).to_vec(),
            Self::Grey => vec![Augmentation::Grey],
            Self::All => Self::value_variants()
                .iter()
                .filter(|&&group| group != Self::All)
                .flat_map(|group| group.alterations())
                .collect(),
        }
    }
}

/// One alteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Augmentation {
    /// Clockwise, in sixteenths of a half turn.
    Tilt(i8),
    /// To the right and down, in per cent of the sides.
    Shift(i8, i8),
    /// Left and right exchanged.
    Mirror,
    /// Clockwise.
    QuarterTurns(u8),
    /// Without colours.
    Grey,
}

/// The alterations of some groups, each once, in an order that does not depend on theirs.
pub fn alterations(groups: &[Augment]) -> Vec<Augmentation> {
    let asked: Vec<Augmentation> = groups
        .iter()
        .flat_map(|group| group.alterations())
        .collect();
    let mut all = Augment::All.alterations();
    all.retain(|one| asked.contains(one));
    all
}

/// The groups as the command line names them.
pub fn names(groups: &[Augment]) -> Vec<String> {
    groups
        .iter()
        .filter_map(|group| Some(group.to_possible_value()?.get_name().to_string()))
        .collect()
}

impl Augmentation {
    /// The altered image; a quarter turn exchanges its sides, all others keep them.
    pub fn apply(self, image: &RgbImage) -> RgbImage {
        let (width, height) = (image.width() as f32, image.height() as f32);
        match self {
            Self::Tilt(sixteenths) => {
                let angle = f32::from(sixteenths) * std::f32::consts::PI / 16.0;
                let (sin, cos) = angle.sin_cos();
                let centre = ((width - 1.0) / 2.0, (height - 1.0) / 2.0);
                warp(image, |x, y| {
                    let (x, y) = (x - centre.0, y - centre.1);
                    (cos * x + sin * y + centre.0, cos * y - sin * x + centre.1)
                })
            }
            Self::Shift(right, down) => {
                // Whole pixels, so that none is blurred.
                let by = |percent: i8, side: f32| (f32::from(percent) / 100.0 * side).round();
                let (right, down) = (by(right, width), by(down, height));
                warp(image, |x, y| (x - right, y - down))
            }
            Self::Mirror => imageops::flip_horizontal(image),
            Self::QuarterTurns(turns) => match turns % 4 {
                1 => imageops::rotate90(image),
                2 => imageops::rotate180(image),
                3 => imageops::rotate270(image),
                _ => image.clone(),
            },
            Self::Grey => DynamicImage::ImageLuma8(imageops::grayscale(image)).into_rgb8(),
        }
    }
}

/// The image whose pixel at (x, y) is found at `from(x, y)` in `image`, mirrored at its edges.
fn warp(image: &RgbImage, from: impl Fn(f32, f32) -> (f32, f32) + Sync + Send) -> RgbImage {
    let (width, height) = image.dimensions();
    let mirrored = |x, y| {
        let (x, y) = from(x, y);
        (mirror(x, width), mirror(y, height))
    };
    warp_with(image, mirrored, Interpolation::Bilinear, Border::Replicate)
}

/// A place on a line of `length` pixels, folded back into it at either end.
fn mirror(place: f32, length: u32) -> f32 {
    let last = length.saturating_sub(1) as f32;
    if last == 0.0 {
        return 0.0;
    }
    let folded = place.rem_euclid(2.0 * last);
    folded.min(2.0 * last - folded)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// Each pixel tells where it was.
    fn chart() -> RgbImage {
        RgbImage::from_fn(40, 20, |x, y| Rgb([x as u8 * 6, y as u8 * 12, 77]))
    }

    #[test]
    fn regad_makes_twenty_one_of_each_image() {
        let all = alterations(&[Augment::All]);
        assert_eq!(all.len(), 21);
        let groups = [Augment::QuarterTurns, Augment::Mirror, Augment::Mirror];
        let expected = [
            Augmentation::Mirror,
            Augmentation::QuarterTurns(1),
            Augmentation::QuarterTurns(2),
            Augmentation::QuarterTurns(3),
        ];
        assert_eq!(alterations(&groups), expected);
        let image = chart();
        let mut seen = vec![image.clone()];
        for one in all {
            let altered = one.apply(&image);
            assert!(!seen.contains(&altered), "{one:?} makes nothing new");
            seen.push(altered);
        }
        assert!(alterations(&[]).is_empty());
    }

    #[test]
    fn a_shift_mirrors_what_it_uncovers() {
        let image = chart();
        let shifted = Augmentation::Shift(10, -20).apply(&image);
        assert_eq!(shifted.dimensions(), image.dimensions());
        // 10 % of 40 to the right, 20 % of 20 up.
        assert_eq!(shifted.get_pixel(14, 3), image.get_pixel(10, 7));
        assert_eq!(shifted.get_pixel(4, 0), image.get_pixel(0, 4));
        // Two pixels left of the old edge is what was two pixels right of it.
        assert_eq!(shifted.get_pixel(2, 0), image.get_pixel(2, 4));
        assert_eq!(shifted.get_pixel(14, 18), image.get_pixel(10, 16));
    }

    #[test]
    fn a_tilt_turns_clockwise_about_the_centre_and_back() {
        let image = RgbImage::from_fn(
            41,
            41,
            |x, _| if x > 20 { Rgb([255; 3]) } else { Rgb([0; 3]) },
        );
        // The bright half was on the right; turned clockwise by 45° it is at the lower right.
        let tilted = Augmentation::Tilt(4).apply(&image);
        assert_eq!(tilted.get_pixel(28, 28).0, [255; 3]);
        assert_eq!(tilted.get_pixel(12, 12).0, [0; 3]);
        assert_eq!(tilted.get_pixel(28, 14).0, [255; 3]);
        assert_eq!(tilted.get_pixel(12, 26).0, [0; 3]);
        let back = Augmentation::Tilt(-4).apply(&tilted);
        for (x, y) in [(30, 20), (25, 14), (10, 20), (15, 26)] {
            assert_eq!(back.get_pixel(x, y), image.get_pixel(x, y));
        }
    }

    #[test]
    fn tiny_images_survive() {
        for (width, height) in [(1, 1), (1, 3), (2, 1)] {
            let image = RgbImage::from_pixel(width, height, Rgb([255, 0, 9]));
            for one in alterations(&[Augment::All]) {
                let altered = one.apply(&image);
                assert_eq!(altered.pixels().count(), (width * height) as usize);
                if one != Augmentation::Grey {
                    // Interpolation may round a level down.
                    let close = |pixel: &Rgb<u8>| pixel.0[0] >= 254 && pixel.0[1] == 0;
                    assert!(altered.pixels().all(close), "{one:?}");
                }
            }
        }
    }

    #[test]
    fn places_are_folded_back() {
        let folded: Vec<f32> = (-4..8).map(|place| mirror(place as f32, 4)).collect();
        assert_eq!(
            folded,
            [2.0, 3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 1.0]
        );
    }
}
