//! Real photographs and real backbone weights, where they lie beside the repository.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use fsr::backbone::ResNet;
use fsr::config::{BackboneConfig, BackboneKind, Preset, StridePlacement};
use fsr::feature_cache::{FeatureCache, taps_to_host};
use fsr::map::AnomalyMap;
use fsr::metrics::{aupro, auroc};
use fsr::model::Fsr;
use fsr::preprocess::{images_to_tensor, to_input_size};
use fsr::recipe::Recipe;
use fsr::tensors::{NamedTensors, import};
use fsr::train::{TrainOptions, Training};
use fsr::weights;
use fsr_tests::paths::shared_data;
use image::RgbImage;

const RESNET18: &str = "weights/resnet18_tv_imagenet_layers1-3.safetensors";
const RESNET50: &str = "weights/resnet50_keras_v1_imagenet_layers1-3.safetensors";

fn resnet18() -> BackboneConfig {
    BackboneConfig {
        kind: BackboneKind::Resnet18,
        stride: StridePlacement::V1_5,
    }
}

fn folded(file: &Path, config: &BackboneConfig, device: &Device) -> NamedTensors {
    let tensors = weights::read(&fs::read(file).unwrap()).unwrap();
    weights::fold(tensors, config, device).unwrap()
}

fn picture(path: &Path) -> RgbImage {
    to_input_size(&fsr::image::decode(&fs::read(path).unwrap()).unwrap(), 256)
}

fn images_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Mean cosine of corresponding feature cells of two images at the third tap.
fn likeness(network: &ResNet, a: &RgbImage, b: &RgbImage, device: &Device) -> f32 {
    let [.., features] = network.forward(images_to_tensor(&[a.clone(), b.clone()], device));
    let a: Tensor<4> = features.clone().narrow(0, 0, 1);
    let b: Tensor<4> = features.narrow(0, 1, 1);
    let norms = (a.clone().square().sum_dim(1) * b.clone().square().sum_dim(1)).sqrt();
    ((a * b).sum_dim(1) / norms).mean().into_scalar::<f32>()
}

#[test]
fn backbone_weights_see() {
    let Some(data) = shared_data() else { return };
    let device = Device::flex();
    let good = images_in(&data.join("data/mvtec_layout/bottle/train/good"));
    let grid = images_in(&data.join("data/mvtec_layout/grid/train/good"));
    let (one, two, other) = (picture(&good[0]), picture(&good[1]), picture(&grid[0]));
    for (file, kind, stride) in [
        (RESNET18, BackboneKind::Resnet18, StridePlacement::V1_5),
        (RESNET50, BackboneKind::Resnet50, StridePlacement::V1),
    ] {
        let config = BackboneConfig { kind, stride };
        let tensors = folded(&data.join(file), &config, &device);
        let network = import(config.init(&device), &tensors, "").unwrap();
        let [first, second, third] =
            network.forward(images_to_tensor(std::slice::from_ref(&one), &device));
        let [c1, c2, c3] = kind.tap_channels();
        assert_eq!(first.dims(), [1, c1, 64, 64]);
        assert_eq!(second.dims(), [1, c2, 32, 32]);
        assert_eq!(third.dims(), [1, c3, 16, 16]);
        let (same, different) = (
            likeness(&network, &one, &two, &device),
            likeness(&network, &one, &other, &device),
        );
        assert!(
            same > different + 0.1,
            "{kind}: bottles {same}, bottle and grid {different}"
        );
    }
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let Some(data) = shared_data() else { return };
    let file = weights::read(&fs::read(data.join(RESNET18)).unwrap()).unwrap();
    let wanted = BackboneConfig {
        kind: BackboneKind::Resnet50,
        stride: StridePlacement::V1_5,
    };
    let error = weights::fold(file, &wanted, &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("resnet50") && error.contains("layer1.0"),
        "{error}"
    );
}

/// 4 shots, `compact`, ResNet-18, the official recipe, 75 epochs: an independent PyTorch
/// implementation reaches image AUROC 0.997 (std) and pixel AUROC 0.975.
#[test]
fn bottle_four_shot_reaches_the_reference() {
    let Some(data) = shared_data() else { return };
    let device = Device::flex();
    let bottle = data.join("data/mvtec_layout/bottle");
    let config = Preset::Compact.config();
    let backbone = folded(&data.join(RESNET18), &resnet18(), &device);
    let mut model = Fsr::untrained(&config, &Recipe::official(), &backbone, 1, &device).unwrap();

    // The paper's own shots: random.Random(42).sample of 209 sorted files.
    let good = images_in(&bottle.join("train/good"));
    assert_eq!(good.len(), 209);
    let shots: Vec<RgbImage> = [163, 28, 6, 189]
        .map(|index: usize| picture(&good[index]))
        .into();
    let taps = model.taps(&shots);
    let shapes = std::array::from_fn(|index| {
        let [_, channels, side, _] = taps[index].dims();
        [channels, side]
    });
    let mut cache = FeatureCache::new(shapes);
    pollster::block_on(taps_to_host(taps))
        .unwrap()
        .into_iter()
        .for_each(|image| cache.push(image));

    let options = TrainOptions {
        steps: TrainOptions::steps_for(75, shots.len(), 1),
        batch: 1,
        tau: 0.1,
        seed: 1,
        report_every: 100,
    };
    let mut training = Training::new(&model, options);
    pollster::block_on(training.run(&cache, |_, _| ControlFlow::Continue(()))).unwrap();
    model.restorer = training.restorer();

    let (mut maps, mut masks, mut labels) = (Vec::<AnomalyMap>::new(), Vec::new(), Vec::new());
    for kind in images_in(&bottle.join("test")) {
        let name = kind.file_name().unwrap().to_string_lossy().into_owned();
        for path in images_in(&kind) {
            let tokens = model.tokens(model.taps(&[picture(&path)]));
            maps.extend(pollster::block_on(model.anomaly_maps(tokens)).unwrap());
            labels.push(name != "good");
            masks.push(if name == "good" {
                vec![false; 256 * 256]
            } else {
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                let folder = bottle.join("ground_truth").join(&name);
                let mask = [format!("{stem}_mask.png"), format!("{stem}.png")]
                    .into_iter()
                    .find_map(|name| fs::read(folder.join(name)).ok())
                    .unwrap();
                fsr::image::resize_nearest_mask(&fsr::image::decode_mask(&mask).unwrap(), 256, 256)
            });
        }
    }
    let scores: Vec<f32> = maps.iter().map(|map| map.scores().std).collect();
    let image = auroc(&scores, &labels).unwrap();
    let pixels: Vec<f32> = maps
        .iter()
        .flat_map(|map| map.values.iter().copied())
        .collect();
    let truth: Vec<bool> = masks.iter().flatten().copied().collect();
    let pixel = auroc(&pixels, &truth).unwrap();
    let regions = aupro(
        &maps.iter().collect::<Vec<_>>(),
        &masks.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        0.3,
    )
    .unwrap();
    println!("bottle, 4 shots: image AUROC {image:.4}, pixel AUROC {pixel:.4}, AUPRO {regions:.4}");
    assert!(image >= 0.98, "image AUROC {image}");
    assert!(pixel >= 0.965, "pixel AUROC {pixel}");
}
