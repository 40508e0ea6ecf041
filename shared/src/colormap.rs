//! From anomaly values to colours.
//!
//! The scale is fixed by a model's calibration and never stretched to an image, so that a good part
//! stays cool.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::map::AnomalyMap;

/// The anomaly values shown as coldest and hottest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColourScale {
    /// This value and all below are coldest.
    pub low: f32,
    /// This value and all above are hottest.
    pub high: f32,
}

impl ColourScale {
    /// Position of a value on the scale, 0 (coldest) to 1 (hottest); NaN counts as hottest.
    pub fn position(&self, value: f32) -> f32 {
        if value <= self.low {
            0.0
        } else if value >= self.high || value.is_nan() {
            1.0
        } else {
            // A scale without extent has no values in between.
            ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        }
    }
}

/// matplotlib's colour map *inferno* (CC0): perceptually uniform, black through red to pale yellow.
///
/// `t` is clamped to 0–1.
pub fn inferno(t: f32) -> [u8; 3] {
    let index = (t * 256.0).clamp(0.0, 255.0) as usize;
    let [_, r, g, b] = INFERNO[index].to_be_bytes();
    [r, g, b]
}

/// Heat below this position on the scale is not drawn: good parts reach a quarter of it.
const CLEAR_BELOW: f32 = 0.2;

/// Heat at or above this position on the scale is opaque.
const OPAQUE_FROM: f32 = 0.6;

/// Opacity of heat at a position on the scale: 0 where good parts lie, rising linearly to 1.
fn opacity(position: f32) -> f32 {
    ((position - CLEAR_BELOW) / (OPAQUE_FROM - CLEAR_BELOW)).clamp(0.0, 1.0)
}

/// The map as RGBA, four bytes per pixel, not premultiplied; cold pixels are transparent.
pub fn heat_rgba(map: &AnomalyMap, scale: ColourScale) -> Vec<u8> {
    map.values
        .iter()
        .flat_map(|&value| {
            let position = scale.position(value);
            let [r, g, b] = inferno(position);
            [r, g, b, (opacity(position) * 255.0 + 0.5) as u8]
        })
        .collect()
}

/// The image with the map's heat laid over it, enlarged to the image's size.
///
/// `opacity_factor` (0–1) multiplies the opacity of the heat: 0 shows the image alone.
pub fn overlay(
    image: &RgbImage,
    map: &AnomalyMap,
    scale: ColourScale,
    opacity_factor: f32,
) -> RgbImage {
    let map = map.resize_bilinear(image.width() as usize, image.height() as usize);
    let factor = opacity_factor.clamp(0.0, 1.0);
    let mut target = image.clone();
    for (pixel, &value) in target.pixels_mut().zip(&map.values) {
        let position = scale.position(value);
        let alpha = opacity(position) * factor;
        for (channel, heat) in pixel.0.iter_mut().zip(inferno(position)) {
            let blended = f32::from(*channel) * (1.0 - alpha) + f32::from(heat) * alpha;
            *channel = (blended + 0.5) as u8;
        }
    }
    target
}

/// 0xRRGGBB from coldest to hottest.
#[rustfmt::skip]
const INFERNO: [u32; 256] = [
    0x000004, 0x010005, 0x010106, 0x010108, 0x02010A, 0x02020C, 0x02020E, 0x030210,
    0x040312, 0x040314, 0x050417, 0x060419, 0x07051B, 0x08051D, 0x09061F, 0x0A0722,
    0x0B0724, 0x0C0826, 0x0D0829, 0x0E092B, 0x10092D, 0x110A30, 0x120A32, 0x140B34,
    0x150B37, 0x160B39, 0x180C3C, 0x190C3E, 0x1B0C41, 0x1C0C43, 0x1E0C45, 0x1F0C48,
    0x210C4A, 0x230C4C, 0x240C4F, 0x260C51, 0x280B53, 0x290B55, 0x2B0B57, 0x2D0B59,
    0x2F0A5B, 0x310A5C, 0x320A5E, 0x340A5F, 0x360961, 0x380962, 0x390963, 0x3B0964,
    0x3D0965, 0x3E0966, 0x400A67, 0x420A68, 0x440A68, 0x450A69, 0x470B6A, 0x490B6A,
    0x4A0C6B, 0x4C0C6B, 0x4D0D6C, 0x4F0D6C, 0x510E6C, 0x520E6D, 0x540F6D, 0x550F6D,
    0x57106E, 0x59106E, 0x5A116E, 0x5C126E, 0x5D126E, 0x5F136E, 0x61136E, 0x62146E,
    0x64156E, 0x65156E, 0x67166E, 0x69166E, 0x6A176E, 0x6C186E, 0x6D186E, 0x6F196E,
    0x71196E, 0x721A6E, 0x741A6E, 0x751B6E, 0x771C6D, 0x781C6D, 0x7A1D6D, 0x7C1D6D,
    0x7D1E6D, 0x7F1E6C, 0x801F6C, 0x82206C, 0x84206B, 0x85216B, 0x87216B, 0x88226A,
    0x8A226A, 0x8C2369, 0x8D2369, 0x8F2469, 0x902568, 0x922568, 0x932667, 0x952667,
    0x972766, 0x982766, 0x9A2865, 0x9B2964, 0x9D2964, 0x9F2A63, 0xA02A63, 0xA22B62,
    0xA32C61, 0xA52C60, 0xA62D60, 0xA82E5F, 0xA92E5E, 0xAB2F5E, 0xAD305D, 0xAE305C,
    0xB0315B, 0xB1325A, 0xB3325A, 0xB43359, 0xB63458, 0xB73557, 0xB93556, 0xBA3655,
    0xBC3754, 0xBD3853, 0xBF3952, 0xC03A51, 0xC13A50, 0xC33B4F, 0xC43C4E, 0xC63D4D,
    0xC73E4C, 0xC83F4B, 0xCA404A, 0xCB4149, 0xCC4248, 0xCE4347, 0xCF4446, 0xD04545,
    0xD24644, 0xD34743, 0xD44842, 0xD54A41, 0xD74B3F, 0xD84C3E, 0xD94D3D, 0xDA4E3C,
    0xDB503B, 0xDD513A, 0xDE5238, 0xDF5337, 0xE05536, 0xE15635, 0xE25734, 0xE35933,
    0xE45A31, 0xE55C30, 0xE65D2F, 0xE75E2E, 0xE8602D, 0xE9612B, 0xEA632A, 0xEB6429,
    0xEB6628, 0xEC6726, 0xED6925, 0xEE6A24, 0xEF6C23, 0xEF6E21, 0xF06F20, 0xF1711F,
    0xF1731D, 0xF2741C, 0xF3761B, 0xF37819, 0xF47918, 0xF57B17, 0xF57D15, 0xF67E14,
    0xF68013, 0xF78212, 0xF78410, 0xF8850F, 0xF8870E, 0xF8890C, 0xF98B0B, 0xF98C0A,
    0xF98E09, 0xFA9008, 0xFA9207, 0xFA9407, 0xFB9606, 0xFB9706, 0xFB9906, 0xFB9B06,
    0xFB9D07, 0xFC9F07, 0xFCA108, 0xFCA309, 0xFCA50A, 0xFCA60C, 0xFCA80D, 0xFCAA0F,
    0xFCAC11, 0xFCAE12, 0xFCB014, 0xFCB216, 0xFCB418, 0xFBB61A, 0xFBB81D, 0xFBBA1F,
    0xFBBC21, 0xFBBE23, 0xFAC026, 0xFAC228, 0xFAC42A, 0xFAC62D, 0xF9C72F, 0xF9C932,
    0xF9CB35, 0xF8CD37, 0xF8CF3A, 0xF7D13D, 0xF7D340, 0xF6D543, 0xF6D746, 0xF5D949,
    0xF5DB4C, 0xF4DD4F, 0xF4DF53, 0xF4E156, 0xF3E35A, 0xF3E55D, 0xF2E661, 0xF2E865,
    0xF2EA69, 0xF1EC6D, 0xF1ED71, 0xF1EF75, 0xF1F179, 0xF2F27D, 0xF2F482, 0xF3F586,
    0xF3F68A, 0xF4F88E, 0xF5F992, 0xF6FA96, 0xF8FB9A, 0xF9FC9D, 0xFAFDA1, 0xFCFFA4,
];

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    const SCALE: ColourScale = ColourScale {
        low: 1.0,
        high: 3.0,
    };

    #[test]
    fn inferno_runs_from_black_to_pale_yellow() {
        assert_eq!(inferno(0.0), [0, 0, 4]);
        assert_eq!(inferno(1.0), [252, 255, 164]);
        assert_eq!(inferno(-5.0), inferno(0.0));
        assert_eq!(inferno(f32::NAN), inferno(0.0));
        let luminance = |c: [u8; 3]| {
            0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2])
        };
        let steps: Vec<f32> = (0..=16)
            .map(|i| luminance(inferno(i as f32 / 16.0)))
            .collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_scale_clamps() {
        assert_eq!(SCALE.position(0.0), 0.0);
        assert_eq!(SCALE.position(2.0), 0.5);
        assert_eq!(SCALE.position(9.0), 1.0);
        assert_eq!(SCALE.position(f32::NAN), 1.0);
        let flat = ColourScale {
            low: 2.0,
            high: 2.0,
        };
        assert_eq!((flat.position(2.0), flat.position(2.1)), (0.0, 1.0));
    }

    #[test]
    fn cold_is_transparent_and_hot_opaque() {
        let map = AnomalyMap::new(4, 1, vec![0.5, 1.3, 1.9, 4.0]);
        let rgba = heat_rgba(&map, SCALE);
        assert_eq!(rgba.len(), 16);
        assert_eq!((rgba[3], rgba[7], rgba[11], rgba[15]), (0, 0, 159, 255));
        assert_eq!(rgba[12..15], inferno(1.0));
    }

    #[test]
    fn an_overlay_keeps_the_image_where_it_is_cold() {
        let image = RgbImage::from_pixel(40, 30, Rgb([10, 200, 90]));
        let cold = AnomalyMap::new(4, 4, vec![0.9; 16]);
        assert_eq!(overlay(&image, &cold, SCALE, 1.0), image);
        let hot = AnomalyMap::new(4, 4, vec![5.0; 16]);
        assert_eq!(overlay(&image, &hot, SCALE, 0.0), image);
        let full = overlay(&image, &hot, SCALE, 1.0);
        assert!(full.pixels().all(|pixel| pixel.0 == inferno(1.0)));
    }
}
