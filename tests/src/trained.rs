//! The native training that a training in the tab must equal.

#![allow(clippy::unwrap_used)]

use fsr::detector::Detector;
use fsr::feature_cache::{FeatureCache, tap_shapes, taps_to_host};
use fsr::model::Fsr;
use fsr::preprocess::to_input_size;
use fsr::recipe::Recipe;
use fsr::restorer::Restorer;
use fsr::train::{TrainOptions, Training};
use std::fs;
use std::path::PathBuf;

/// A new restorer on a detector's backbone, trained on images with the tab's settings; and the losses of its steps.
pub fn trained(base: &Detector, images: &[PathBuf], steps: usize) -> (Fsr, Vec<f32>) {
    let base = &base.model;
    let device = base.device();
    let recipe = Recipe::for_few_images(base.config.backbone.kind);
    let restorer = Restorer::new(
        &base.config.restorer,
        (&base.config).into(),
        recipe.position,
        1,
        device,
    );
    let model = Fsr::from_parts(
        &base.config,
        &recipe,
        base.backbone.clone(),
        restorer,
        device,
    );
    let mut cache = FeatureCache::new(tap_shapes(&model.config));
    for path in images {
        let image = fsr::image::decode(&fs::read(path).unwrap()).unwrap();
        let input = to_input_size(&image, model.config.image_size);
        let taps = pollster::block_on(taps_to_host(model.taps(&[input]))).unwrap();
        taps.into_iter().for_each(|taps| cache.push(taps));
    }
    let options = TrainOptions {
        steps,
        batch: 1,
        tau: 0.1,
        seed: 1,
        report_every: 1,
    };
    let mut losses = Vec::new();
    let mut training = pollster::block_on(Training::begin(&model, options, &cache)).unwrap();
    pollster::block_on(training.run(&cache, |_, now| {
        losses.push(now.loss());
        std::ops::ControlFlow::Continue(())
    }))
    .unwrap();
    let restorer = training.restorer();
    let trained = Fsr::from_parts(
        &model.config,
        &recipe,
        model.backbone.clone(),
        restorer,
        device,
    );
    (trained, losses)
}
