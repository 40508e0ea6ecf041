//! Synthetic defects in good images, and where they are: what τ is chosen by when there is no label.

use image::{Rgb, RgbImage};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Kinds of implants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implant {
    /// A patch of the image, relit, pasted elsewhere (CutPaste, Li et al. 2021).
    CutPaste,
    /// Another texture where smooth noise is high (the idea of DRAEM, Zavrtanik et al. 2021).
    Texture,
    /// Two patches of the image exchanged.
    Swap,
}

impl Implant {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::CutPaste, Self::Texture, Self::Swap];
}

/// Levels by which a pixel must differ to count as defective: a patch of background on background is none.
const VISIBLE: u8 = 12;

/// Share of the image that must be visibly changed.
const SMALLEST: f64 = 0.001;

/// Attempts until something visible comes out.
const ATTEMPTS: usize = 20;

/// The image with a defect, and which pixels it changed visibly; `None` where no attempt shows (an
/// image of one colour, for instance). `other` lends its texture.
pub fn implant(
    image: &RgbImage,
    other: &RgbImage,
    kind: Implant,
    rng: &mut ChaCha8Rng,
) -> Option<(RgbImage, Vec<bool>)> {
    let needed = (f64::from(image.width() * image.height()) * SMALLEST).ceil() as usize;
    (0..ATTEMPTS).find_map(|_| {
        let changed = match kind {
            Implant::CutPaste => cut_paste(image, rng),
            Implant::Texture => texture(image, other, rng),
            Implant::Swap => swap(image, rng),
        };
        let mask: Vec<bool> = image
            .pixels()
            .zip(changed.pixels())
            .map(|(Rgb(a), Rgb(b))| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) >= VISIBLE))
            .collect();
        (mask.iter().filter(|changed| **changed).count() >= needed).then_some((changed, mask))
    })
}

/// Left, top, width and height.
type Patch = [u32; 4];

/// 0.5 to 8 % of the image, up to three times as long as wide.
fn patch(image: &RgbImage, rng: &mut ChaCha8Rng) -> Patch {
    let (width, height) = image.dimensions();
    let area = f64::from(width) * f64::from(height) * rng.random_range(0.005..0.08);
    let aspect: f64 = rng.random_range(-1.1..1.1f64).exp();
    let side = |length: f64, whole: u32| (length.round() as u32).clamp(1, whole.div_ceil(2));
    let size = (
        side((area * aspect).sqrt(), width),
        side((area / aspect).sqrt(), height),
    );
    place(image, size, rng)
}

fn place(image: &RgbImage, (width, height): (u32, u32), rng: &mut ChaCha8Rng) -> Patch {
    [
        rng.random_range(0..=image.width() - width),
        rng.random_range(0..=image.height() - height),
        width,
        height,
    ]
}

fn copy(from: &RgbImage, [x, y, width, height]: Patch, to: &mut RgbImage, at: Patch, gain: f32) {
    for row in 0..height {
        for column in 0..width {
            let Rgb(levels) = *from.get_pixel(x + column, y + row);
            let relit = levels.map(|level| (f32::from(level) * gain).round() as u8);
            to.put_pixel(at[0] + column, at[1] + row, Rgb(relit));
        }
    }
}

fn cut_paste(image: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let from = patch(image, rng);
    let at = place(image, (from[2], from[3]), rng);
    let mut changed = image.clone();
    copy(image, from, &mut changed, at, rng.random_range(0.8..1.2));
    changed
}

fn swap(image: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let one = patch(image, rng);
    let two = place(image, (one[2], one[3]), rng);
    let mut changed = image.clone();
    copy(image, one, &mut changed, two, 1.0);
    copy(image, two, &mut changed, one, 1.0);
    changed
}

/// The other image, turned by half and with its colours in another order, shines through.
fn texture(image: &RgbImage, other: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = image.dimensions();
    let scale = f64::from(width.max(height)) / rng.random_range(3.0..8.0);
    let noise = Lattice::new(rng);
    let threshold = rng.random_range(0.55..0.75);
    let opacity: f32 = rng.random_range(0.4..1.0);
    let mut changed = image.clone();
    for (x, y, Rgb(levels)) in changed.enumerate_pixels_mut() {
        if noise.at(f64::from(x) / scale, f64::from(y) / scale) < threshold {
            continue;
        }
        let source = other.get_pixel(
            (other.width() - 1).saturating_sub(x),
            (other.height() - 1).saturating_sub(y),
        );
        let Rgb([r, g, b]) = *source;
        for (level, lent) in levels.iter_mut().zip([g, b, 255 - r]) {
            let mixed = f32::from(*level) * (1.0 - opacity) + f32::from(lent) * opacity;
            *level = mixed.round() as u8;
        }
    }
    changed
}

/// Gradient noise on a lattice (Perlin 1985), scaled to 0…1.
struct Lattice {
    gradients: Vec<[f64; 2]>,
}

impl Lattice {
    /// Cells along one side before it repeats; images have at most 8.
    const SIDE: usize = 16;

    fn new(rng: &mut ChaCha8Rng) -> Self {
        let gradients = (0..Self::SIDE * Self::SIDE)
            .map(|_| {
                let angle = rng.random_range(0.0..std::f64::consts::TAU);
                [angle.cos(), angle.sin()]
            })
            .collect();
        Self { gradients }
    }

    fn at(&self, x: f64, y: f64) -> f64 {
        let (column, row) = (x.floor(), y.floor());
        let (u, v) = (x - column, y - row);
        let corner = |right: usize, down: usize| {
            let place = (row as usize + down) % Self::SIDE * Self::SIDE
                + (column as usize + right) % Self::SIDE;
            let [gx, gy] = self.gradients[place];
            gx * (u - right as f64) + gy * (v - down as f64)
        };
        let fade = |t: f64| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let value = mix(
            mix(corner(0, 0), corner(1, 0), fade(u)),
            mix(corner(0, 1), corner(1, 1), fade(u)),
            fade(v),
        );
        // Reaches ±√½.
        (value / std::f64::consts::SQRT_2 + 0.5).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::SeedableRng;

    fn scene() -> RgbImage {
        RgbImage::from_fn(64, 48, |x, y| {
            Rgb([(x * 4) as u8, (y * 5) as u8, ((x * y) % 251) as u8])
        })
    }

    #[test]
    fn every_kind_changes_what_its_mask_says_and_repeats() {
        let image = scene();
        for kind in Implant::ALL {
            for seed in 0..20 {
                let of = || {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    implant(&image, &image, kind, &mut rng).unwrap()
                };
                let (changed, mask) = of();
                assert_eq!(of(), (changed.clone(), mask.clone()));
                let count = mask.iter().filter(|defective| **defective).count();
                assert!(count >= 4 && count < mask.len() / 2, "{kind:?} {count}");
                for ((before, after), defective) in image.pixels().zip(changed.pixels()).zip(&mask)
                {
                    let most = before
                        .0
                        .iter()
                        .zip(after.0)
                        .map(|(a, b)| a.abs_diff(b))
                        .max();
                    assert_eq!(*defective, most.unwrap() >= VISIBLE);
                }
            }
        }
    }

    #[test]
    fn nothing_shows_in_an_image_of_one_colour() {
        let plain = RgbImage::from_pixel(32, 32, Rgb([9, 9, 9]));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(implant(&plain, &plain, Implant::Swap, &mut rng), None);
        assert!(implant(&plain, &plain, Implant::Texture, &mut rng).is_some());
        // The smallest images have room for a patch, too.
        let tiny = RgbImage::from_fn(2, 2, |x, y| Rgb([(200 * x) as u8, (200 * y) as u8, 0]));
        implant(&tiny, &tiny, Implant::CutPaste, &mut rng);
    }
}
