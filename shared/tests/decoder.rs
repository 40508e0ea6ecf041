//! The decoder learns to draw what features show.
#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use fsr::config::{ModelConfig, Preset};
use fsr::decoder::{Decoder, DecoderTraining, picture_side};
use fsr::model::Fsr;
use fsr::products::{Product, generate};
use fsr::recipe::Recipe;
use fsr::tensors::export;
use image::RgbImage;
use image::imageops::{FilterType, resize};

const SIDE: u32 = 64;

fn model() -> Fsr {
    let device = Device::flex();
    device.seed(5);
    let mut config: ModelConfig = Preset::Lite.config();
    config.image_size = SIDE as usize;
    let backbone = pollster::block_on(export(&config.backbone.init(&device))).unwrap();
    Fsr::untrained(&config, &Recipe::fast(), &backbone, 1, &device).unwrap()
}

fn images(count: u64) -> Vec<RgbImage> {
    let image = |seed| generate(Product::HexNut, None, seed, 128).unwrap().image;
    (0..count)
        .map(|seed| resize(&image(seed), SIDE, SIDE, FilterType::Triangle))
        .collect()
}

/// Mean squared difference of a decoded picture to its image, 0…1 each.
fn error(decoder: &Decoder, model: &Fsr, image: &RgbImage) -> f32 {
    let tokens = model.tokens(model.taps(std::slice::from_ref(image)));
    let pictures = pollster::block_on(decoder.pictures(tokens)).unwrap();
    let side = picture_side(&model.config) as u32;
    assert_eq!(pictures[0].dimensions(), (side, side));
    let wanted = resize(image, side, side, FilterType::Triangle);
    let pairs = pictures[0].as_raw().iter().zip(wanted.as_raw());
    let sum: f32 = pairs
        .map(|(a, b)| (f32::from(a.abs_diff(*b)) / 255.0).powi(2))
        .sum();
    sum / wanted.as_raw().len() as f32
}

#[test]
fn it_learns_to_draw_and_comes_back_from_its_tensors() {
    let model = model();
    let mut images = images(5);
    // Kept out: what is learned is not these pictures by heart.
    let other = images.pop().unwrap();
    let steps = 60;
    let mut training = DecoderTraining::begin(&model, steps, 3).unwrap();
    let before = error(&training.decoder(), &model, &other);
    for step in 0..steps {
        let batch = [images[step % 4].clone()];
        let loss = pollster::block_on(training.step(&batch)).unwrap();
        assert!(loss.is_finite());
    }
    let decoder = training.decoder();
    let after = error(&decoder, &model, &other);
    assert!(after < 0.5 * before, "{before} before, {after} after");

    let named = pollster::block_on(decoder.tensors()).unwrap();
    let again = Decoder::from_tensors(&model.config, &named, model.device()).unwrap();
    assert_eq!(error(&again, &model, &other), after);
    let mut config = model.config.clone();
    config.backbone.kind = fsr::config::BackboneKind::Resnet18;
    assert!(Decoder::from_tensors(&config, &named, model.device()).is_err());
}
