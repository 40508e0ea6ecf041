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

/// Heat at or above this position on the scale is opaque.
const OPAQUE_FROM: f32 = 0.6;

/// Opacity of heat at a position on the scale: 0 when coldest, rising linearly to 1.
fn opacity(position: f32) -> f32 {
    (position / OPAQUE_FROM).min(1.0)
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

/// 0xRR_GG_BB from coldest to hottest.
#[rustfmt::skip]
const INFERNO: [u32; 256] = [
    0x00_00_04, 0x01_00_05, 0x01_01_06, 0x01_01_08, 0x02_01_0A, 0x02_02_0C, 0x02_02_0E, 0x03_02_10,
    0x04_03_12, 0x04_03_14, 0x05_04_17, 0x06_04_19, 0x07_05_1B, 0x08_05_1D, 0x09_06_1F, 0x0A_07_22,
    0x0B_07_24, 0x0C_08_26, 0x0D_08_29, 0x0E_09_2B, 0x10_09_2D, 0x11_0A_30, 0x12_0A_32, 0x14_0B_34,
    0x15_0B_37, 0x16_0B_39, 0x18_0C_3C, 0x19_0C_3E, 0x1B_0C_41, 0x1C_0C_43, 0x1E_0C_45, 0x1F_0C_48,
    0x21_0C_4A, 0x23_0C_4C, 0x24_0C_4F, 0x26_0C_51, 0x28_0B_53, 0x29_0B_55, 0x2B_0B_57, 0x2D_0B_59,
    0x2F_0A_5B, 0x31_0A_5C, 0x32_0A_5E, 0x34_0A_5F, 0x36_09_61, 0x38_09_62, 0x39_09_63, 0x3B_09_64,
    0x3D_09_65, 0x3E_09_66, 0x40_0A_67, 0x42_0A_68, 0x44_0A_68, 0x45_0A_69, 0x47_0B_6A, 0x49_0B_6A,
    0x4A_0C_6B, 0x4C_0C_6B, 0x4D_0D_6C, 0x4F_0D_6C, 0x51_0E_6C, 0x52_0E_6D, 0x54_0F_6D, 0x55_0F_6D,
    0x57_10_6E, 0x59_10_6E, 0x5A_11_6E, 0x5C_12_6E, 0x5D_12_6E, 0x5F_13_6E, 0x61_13_6E, 0x62_14_6E,
    0x64_15_6E, 0x65_15_6E, 0x67_16_6E, 0x69_16_6E, 0x6A_17_6E, 0x6C_18_6E, 0x6D_18_6E, 0x6F_19_6E,
    0x71_19_6E, 0x72_1A_6E, 0x74_1A_6E, 0x75_1B_6E, 0x77_1C_6D, 0x78_1C_6D, 0x7A_1D_6D, 0x7C_1D_6D,
    0x7D_1E_6D, 0x7F_1E_6C, 0x80_1F_6C, 0x82_20_6C, 0x84_20_6B, 0x85_21_6B, 0x87_21_6B, 0x88_22_6A,
    0x8A_22_6A, 0x8C_23_69, 0x8D_23_69, 0x8F_24_69, 0x90_25_68, 0x92_25_68, 0x93_26_67, 0x95_26_67,
    0x97_27_66, 0x98_27_66, 0x9A_28_65, 0x9B_29_64, 0x9D_29_64, 0x9F_2A_63, 0xA0_2A_63, 0xA2_2B_62,
    0xA3_2C_61, 0xA5_2C_60, 0xA6_2D_60, 0xA8_2E_5F, 0xA9_2E_5E, 0xAB_2F_5E, 0xAD_30_5D, 0xAE_30_5C,
    0xB0_31_5B, 0xB1_32_5A, 0xB3_32_5A, 0xB4_33_59, 0xB6_34_58, 0xB7_35_57, 0xB9_35_56, 0xBA_36_55,
    0xBC_37_54, 0xBD_38_53, 0xBF_39_52, 0xC0_3A_51, 0xC1_3A_50, 0xC3_3B_4F, 0xC4_3C_4E, 0xC6_3D_4D,
    0xC7_3E_4C, 0xC8_3F_4B, 0xCA_40_4A, 0xCB_41_49, 0xCC_42_48, 0xCE_43_47, 0xCF_44_46, 0xD0_45_45,
    0xD2_46_44, 0xD3_47_43, 0xD4_48_42, 0xD5_4A_41, 0xD7_4B_3F, 0xD8_4C_3E, 0xD9_4D_3D, 0xDA_4E_3C,
    0xDB_50_3B, 0xDD_51_3A, 0xDE_52_38, 0xDF_53_37, 0xE0_55_36, 0xE1_56_35, 0xE2_57_34, 0xE3_59_33,
    0xE4_5A_31, 0xE5_5C_30, 0xE6_5D_2F, 0xE7_5E_2E, 0xE8_60_2D, 0xE9_61_2B, 0xEA_63_2A, 0xEB_64_29,
    0xEB_66_28, 0xEC_67_26, 0xED_69_25, 0xEE_6A_24, 0xEF_6C_23, 0xEF_6E_21, 0xF0_6F_20, 0xF1_71_1F,
    0xF1_73_1D, 0xF2_74_1C, 0xF3_76_1B, 0xF3_78_19, 0xF4_79_18, 0xF5_7B_17, 0xF5_7D_15, 0xF6_7E_14,
    0xF6_80_13, 0xF7_82_12, 0xF7_84_10, 0xF8_85_0F, 0xF8_87_0E, 0xF8_89_0C, 0xF9_8B_0B, 0xF9_8C_0A,
    0xF9_8E_09, 0xFA_90_08, 0xFA_92_07, 0xFA_94_07, 0xFB_96_06, 0xFB_97_06, 0xFB_99_06, 0xFB_9B_06,
    0xFB_9D_07, 0xFC_9F_07, 0xFC_A1_08, 0xFC_A3_09, 0xFC_A5_0A, 0xFC_A6_0C, 0xFC_A8_0D, 0xFC_AA_0F,
    0xFC_AC_11, 0xFC_AE_12, 0xFC_B0_14, 0xFC_B2_16, 0xFC_B4_18, 0xFB_B6_1A, 0xFB_B8_1D, 0xFB_BA_1F,
    0xFB_BC_21, 0xFB_BE_23, 0xFA_C0_26, 0xFA_C2_28, 0xFA_C4_2A, 0xFA_C6_2D, 0xF9_C7_2F, 0xF9_C9_32,
    0xF9_CB_35, 0xF8_CD_37, 0xF8_CF_3A, 0xF7_D1_3D, 0xF7_D3_40, 0xF6_D5_43, 0xF6_D7_46, 0xF5_D9_49,
    0xF5_DB_4C, 0xF4_DD_4F, 0xF4_DF_53, 0xF4_E1_56, 0xF3_E3_5A, 0xF3_E5_5D, 0xF2_E6_61, 0xF2_E8_65,
    0xF2_EA_69, 0xF1_EC_6D, 0xF1_ED_71, 0xF1_EF_75, 0xF1_F1_79, 0xF2_F2_7D, 0xF2_F4_82, 0xF3_F5_86,
    0xF3_F6_8A, 0xF4_F8_8E, 0xF5_F9_92, 0xF6_FA_96, 0xF8_FB_9A, 0xF9_FC_9D, 0xFA_FD_A1, 0xFC_FF_A4,
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
        let map = AnomalyMap::new(3, 1, vec![0.5, 1.6, 4.0]);
        let rgba = heat_rgba(&map, SCALE);
        assert_eq!(rgba.len(), 12);
        assert_eq!((rgba[3], rgba[7], rgba[11]), (0, 128, 255));
        assert_eq!(rgba[8..11], inferno(1.0));
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
