//! Generated products: the same bits everywhere, masks that say what changed, names that are checked.
#![allow(clippy::unwrap_used)]

use fsr::products::{Product, ProductError, Sample, THRESHOLD, fingerprint, generate};

const SIZE: u32 = 128;

/// Seed 7 at 128 px: the good sample and the one with the product's first defect.
/// The page's check uses the same constants; a change here changes what every
/// published seed shows and what the default model was trained on.
const GOLDEN: [(Product, u64, u64); 8] = [
    (
        Product::Carpet,
        0x80b8_fc88_6329_abb6,
        0xe78d_d599_f05c_fce1,
    ),
    (Product::Wood, 0xba18_c574_edf8_44ce, 0xf4b4_07da_d14b_bce1),
    (
        Product::BrushedMetal,
        0x57d5_80ce_84f5_ecb3,
        0x80d6_5e3d_65fe_3b22,
    ),
    (
        Product::CeramicTile,
        0x5dad_325e_c9db_ab11,
        0xf405_64e4_35e0_100e,
    ),
    (
        Product::HexNut,
        0x6cec_29bd_bd78_31af,
        0x33fe_1af3_5106_03e4,
    ),
    (
        Product::Blister,
        0x531e_b8a6_d64b_752f,
        0x9b57_7778_f437_831d,
    ),
    (
        Product::CircuitBoard,
        0xed01_b951_cb49_40a4,
        0x2667_410e_a875_292d,
    ),
    (
        Product::Bottle,
        0x5cbb_fc11_0dc5_e66c,
        0x888f_890e_59f4_9940,
    ),
];

fn sample(product: Product, defect: Option<&str>, seed: u64) -> Sample {
    generate(product, defect, seed, SIZE).unwrap()
}

/// Levels by which two pixels differ, in the channel that differs most.
fn changes(good: &Sample, damaged: &Sample) -> Vec<u8> {
    let pairs = good.image.pixels().zip(damaged.image.pixels());
    pairs
        .map(|(a, b)| {
            a.0.iter()
                .zip(b.0)
                .map(|(a, b)| a.abs_diff(b))
                .max()
                .unwrap_or(0)
        })
        .collect()
}

#[test]
fn golden_fingerprints() {
    for (product, good, damaged) in GOLDEN {
        let name = product.name();
        let defect = product.defects()[0];
        let seen = (
            fingerprint(&sample(product, None, 7)),
            fingerprint(&sample(product, Some(defect), 7)),
        );
        assert_eq!(
            seen,
            (good, damaged),
            "{name}: 0x{:016x}, 0x{:016x}",
            seen.0,
            seen.1
        );
    }
}

#[test]
fn masks_say_what_changed() {
    for product in Product::ALL {
        for defect in product.defects() {
            for seed in 100..104 {
                let case = format!("{} {defect} {seed}", product.name());
                let good = sample(product, None, seed);
                let damaged = sample(product, Some(defect), seed);
                assert_eq!(damaged.defect, Some(*defect));
                let white = damaged.mask.pixels().filter(|p| p.0[0] == 255).count();
                let black = damaged.mask.pixels().filter(|p| p.0[0] == 0).count();
                assert_eq!(
                    white + black,
                    (SIZE * SIZE) as usize,
                    "{case}: a mask is 0 or 255"
                );
                assert!(white >= 4, "{case}: {white} pixels");
                assert!(
                    white * 10 < 4 * (SIZE * SIZE) as usize,
                    "{case}: {white} pixels"
                );
                let mut seen = 0;
                for (change, mask) in changes(&good, &damaged)
                    .into_iter()
                    .zip(damaged.mask.pixels())
                {
                    if mask.0[0] == 0 {
                        assert!(
                            change < THRESHOLD,
                            "{case}: {change} levels outside the mask"
                        );
                    } else if change >= THRESHOLD {
                        seen += 1;
                    }
                }
                // Logical defects own whole footprints, the rest only what they changed.
                assert!(
                    seen * 8 >= white,
                    "{case}: {seen} of {white} masked pixels changed"
                );
            }
        }
    }
}

#[test]
fn good_samples_have_empty_masks_and_vary() {
    for product in Product::ALL {
        let samples: Vec<Sample> = (0..3).map(|seed| sample(product, None, seed)).collect();
        for s in &samples {
            assert!(s.defect.is_none() && s.mask.pixels().all(|p| p.0[0] == 0));
        }
        for (a, b) in [(0, 1), (1, 2)] {
            let levels = changes(&samples[a], &samples[b]);
            let mean = levels.iter().map(|l| f32::from(*l)).sum::<f32>() / levels.len() as f32;
            assert!(
                (2.0..90.0).contains(&mean),
                "{}: {mean} levels",
                product.name()
            );
        }
    }
}

#[test]
fn one_seed_is_one_scene_at_every_size() {
    for product in Product::ALL {
        let small = generate(product, None, 11, 128).unwrap().image;
        let large = generate(product, None, 11, 256).unwrap().image;
        assert_eq!(large.dimensions(), (256, 256));
        // 2×2 means of the large picture against the small one: only noise and blur differ.
        let mut total = 0.0;
        for (x, y, pixel) in small.enumerate_pixels() {
            let mean = [(0, 0), (1, 0), (0, 1), (1, 1)]
                .iter()
                .map(|(dx, dy)| f32::from(large.get_pixel(2 * x + dx, 2 * y + dy).0[1]) / 4.0)
                .sum::<f32>();
            total += (mean - f32::from(pixel.0[1])).abs();
        }
        let mean = total / (128.0 * 128.0);
        assert!(mean < 12.0, "{}: {mean} levels", product.name());
    }
}

#[test]
fn defects_come_in_grades() {
    for product in Product::ALL {
        let defect = product
            .defects()
            .iter()
            .find(|d| ["scratch", "fibre", "stain"].contains(d));
        let areas: Vec<usize> = (0..10)
            .map(|seed| sample(product, defect.copied(), seed))
            .map(|s| s.mask.pixels().filter(|p| p.0[0] > 0).count())
            .collect();
        let (least, most) = (areas.iter().min().unwrap(), areas.iter().max().unwrap());
        assert!(*most >= 2 * least, "{}: {areas:?}", product.name());
    }
}

#[test]
fn names_are_checked() {
    for product in Product::ALL {
        assert_eq!(Product::from_name(product.name()), Ok(product));
        assert!(product.defects().len() >= 5, "{}", product.name());
        assert!(!product.title().is_empty());
    }
    let unknown = Product::from_name("teapot").unwrap_err();
    assert!(unknown.to_string().contains("teapot"));
    for product in Product::ALL {
        assert!(unknown.to_string().contains(product.name()), "{unknown}");
    }
    let error = generate(Product::HexNut, Some("crak"), 0, SIZE).unwrap_err();
    assert!(matches!(error, ProductError::UnknownDefect { .. }));
    for defect in Product::HexNut.defects() {
        assert!(error.to_string().contains(defect), "{error}");
    }
    for size in [0, 63, 1025, u32::MAX] {
        assert_eq!(
            generate(Product::Wood, None, 0, size).unwrap_err(),
            ProductError::Size { size }
        );
    }
}
