//! Model packages: round trips, and packages that nobody should trust.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use burn::tensor::Device;
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::colormap::ColourScale;
use fsr::config::{ModelConfig, Preset, RestorerConfig};
use fsr::detector::Detector;
use fsr::image::RgbImage;
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::model::Fsr;
use fsr::package::{
    CONFIG_FILE, Dtype, INDEX_FILE, MODEL_FILE, Package, PackageConfig, PackageError, PackageFiles,
    SELF_TEST_FILE, SelfTest, WeightsOrigin, decode_tensors, encode_tensors,
};
use fsr::recipe::Recipe;
use fsr::tensors::{HostTensor, NamedTensors};
use pollster::block_on;
use serde_json::{Value, json};

type Files = BTreeMap<String, Vec<u8>>;

const NO_SPLIT: usize = usize::MAX;

fn noise(seed: usize, index: usize) -> f32 {
    let hash = (seed * 7919 + index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn tensor(seed: usize, shape: &[usize]) -> HostTensor {
    let count = shape.iter().product();
    HostTensor {
        shape: shape.to_vec(),
        values: (0..count).map(|index| 0.1 * noise(seed, index)).collect(),
    }
}

fn package() -> Package {
    let mut config =
        PackageConfig::new("Bottle, 4 shots", Preset::Lite.config(), Recipe::official());
    let calibration = Calibration {
        score: ScoreKind::Std,
        images: 12,
        source: CalibrationSource::HeldOut,
        quantiles: vec![(0.0, 0.1), (0.5, 0.1234567), (1.0, 0.3)],
        threshold: 0.35,
        scale: ColourScale {
            low: 0.0,
            high: 2.5,
        },
        good_scores: vec![0.1, 0.1234567, 0.3],
        false_alarm_rate: Some(0.25),
    };
    config
        .category_calibration
        .insert("bottle".into(), calibration.clone());
    config.calibration = Some(calibration);
    config.provenance.categories = vec!["bottle".into()];
    config.provenance.shots = Some(4);
    config.provenance.seed = u64::MAX;
    config.provenance.tau = 0.1;
    config.provenance.backbone_weights = Some(WeightsOrigin {
        name: "lite.safetensors".into(),
        sha256: "00".repeat(32),
    });
    config.provenance.metrics = json!({"categories": {"bottle": {"image": {"auroc": 0.99}}}});
    let tensors = NamedTensors::from([
        ("backbone.stem.weight".into(), tensor(1, &[32, 3, 7, 7])),
        ("restorer.norm.gamma".into(), tensor(2, &[2048])),
        ("restorer.qkv.weight".into(), tensor(3, &[64, 65])),
        ("restorer.small.weight".into(), tensor(4, &[8, 8])),
        ("restorer.head.weight".into(), tensor(5, &[40, 30])),
    ]);
    let map = AnomalyMap::new(256, 256, (0..65_536).map(|i| noise(6, i).abs()).collect());
    let self_test = SelfTest {
        image: RgbImage::from_fn(256, 256, |x, y| {
            image::Rgb([x as u8, y as u8, (x ^ y) as u8])
        }),
        scores: map.scores(),
        map,
    };
    Package {
        config,
        tensors,
        self_test: Some(self_test),
    }
}

fn files(dtype: Dtype, max_shard_bytes: usize) -> Files {
    package()
        .write(dtype, max_shard_bytes)
        .unwrap()
        .into_iter()
        .collect()
}

/// The message of the error that reading must end with.
#[track_caller]
fn error(files: &Files) -> String {
    let message = Package::read(files).map(drop).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[track_caller]
fn assert_names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

fn replace(files: &mut Files, name: &str, contents: impl Into<Vec<u8>>) {
    files.insert(name.into(), contents.into());
}

#[test]
fn f32_packages_come_back_unchanged() {
    assert_eq!(
        Package::read(&files(Dtype::F32, NO_SPLIT)).unwrap(),
        package()
    );
}

#[test]
fn smaller_formats_stay_within_their_error() {
    for (dtype, tolerance) in [(Dtype::F16, 0.1 / 2048.0), (Dtype::Q8, 0.1 / 127.0 * 0.51)] {
        let read = Package::read(&files(dtype, NO_SPLIT)).unwrap();
        assert_eq!(read.config.dtype, dtype);
        assert_eq!(read.self_test, package().self_test);
        for (name, original) in &package().tensors {
            let stored = &read.tensors[name];
            assert_eq!(stored.shape, original.shape, "{name}");
            let exact = original.shape.len() == 1 || original.values.len() < 1024;
            let largest = original
                .values
                .iter()
                .zip(&stored.values)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert_eq!(largest == 0.0, exact, "{dtype} {name}");
            assert!(largest <= tolerance, "{dtype} {name}: {largest}");
        }
        assert_eq!(read.tensors.len(), package().tensors.len());
    }
    let size = |dtype| files(dtype, NO_SPLIT)[MODEL_FILE].len();
    assert!(size(Dtype::Q8) < size(Dtype::F16) && size(Dtype::F16) < size(Dtype::F32));
}

#[test]
fn equal_packages_give_equal_bytes() {
    for dtype in Dtype::ALL {
        assert_eq!(files(dtype, 5000), files(dtype, 5000));
    }
}

#[test]
fn shards_read_like_one_file() {
    for dtype in Dtype::ALL {
        let whole = Package::read(&files(dtype, NO_SPLIT)).unwrap();
        let sharded = files(dtype, 9000);
        let shards = sharded
            .keys()
            .filter(|name| name.starts_with("model-"))
            .count();
        assert!(shards > 1 && !sharded.contains_key(MODEL_FILE));
        assert!(sharded.contains_key(&format!("model-00001-of-{shards:05}.safetensors")));
        assert_eq!(Package::read(&sharded).unwrap(), whole);
        // A limit below every tensor: one file each, nothing lost.
        assert_eq!(Package::read(&files(dtype, 1)).unwrap(), whole);
    }
}

#[test]
fn the_configuration_can_be_read_alone() {
    let files = files(Dtype::Q8, NO_SPLIT);
    let config = PackageConfig::parse(&files[CONFIG_FILE]).unwrap();
    assert_eq!(config.provenance.seed, u64::MAX);
    assert_eq!(
        config.calibration_for(Some("bottle")),
        config.category_calibration.get("bottle")
    );
    assert_eq!(
        config.calibration_for(Some("grid")),
        config.calibration.as_ref()
    );
}

#[test]
fn missing_files_are_named() {
    for name in [CONFIG_FILE, MODEL_FILE] {
        let mut files = files(Dtype::F32, NO_SPLIT);
        files.remove(name);
        assert_names(&error(&files), &[name, "export"]);
    }
    let mut sharded = files(Dtype::F32, 9000);
    let last = sharded
        .keys()
        .rfind(|name| name.starts_with("model-"))
        .unwrap()
        .clone();
    sharded.remove(&last);
    assert_names(&error(&sharded), &[&last]);

    let mut without_test = files(Dtype::F32, NO_SPLIT);
    without_test.remove(SELF_TEST_FILE);
    assert_eq!(Package::read(&without_test).unwrap().self_test, None);
}

#[test]
fn unreadable_files_are_told_from_missing_ones() {
    struct Broken;
    impl PackageFiles for Broken {
        fn read(&self, _: &str) -> Option<Result<Cow<'_, [u8]>, String>> {
            Some(Err("permission denied".into()))
        }
    }
    let message = Package::read(&Broken).unwrap_err().to_string();
    assert_names(&message, &[CONFIG_FILE, "permission denied"]);
}

#[test]
fn files_cut_anywhere_are_refused() {
    let whole = files(Dtype::Q8, NO_SPLIT);
    for name in [CONFIG_FILE, MODEL_FILE, SELF_TEST_FILE] {
        let bytes = &whole[name];
        let cuts = (0..bytes.len())
            .step_by(bytes.len() / 50)
            .chain([bytes.len() - 2]);
        for cut in cuts {
            let mut files = whole.clone();
            replace(&mut files, name, &bytes[..cut]);
            assert_names(&error(&files), &[name]);
        }
    }
}

#[test]
fn absurd_headers_claim_no_memory() {
    for length in [u64::MAX, 1 << 62, 99_999_999, 0] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(b"{}");
        let mut files = files(Dtype::F32, NO_SPLIT);
        replace(&mut files, MODEL_FILE, bytes);
        assert_names(&error(&files), &[MODEL_FILE, "damaged"]);
    }
    for info in [
        r#"{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}"#,
        r#"{"dtype":"F32","shape":[2,2],"data_offsets":[0,18446744073709551615]}"#,
        r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,16]}"#,
        r#"{"dtype":"F32","shape":[-1],"data_offsets":[0,16]}"#,
        r#"{"dtype":"F32","shape":[4],"data_offsets":[16,0]}"#,
    ] {
        let mut files = files(Dtype::F32, NO_SPLIT);
        replace(
            &mut files,
            MODEL_FILE,
            safetensors_file(&format!("{{\"a\":{info}}}"), &[0; 16]),
        );
        assert_names(&error(&files), &[MODEL_FILE, "damaged"]);
    }
}

/// A safetensors file with any header.
fn safetensors_file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn other_number_types_and_lone_integers_are_refused() {
    let file = |dtype: &str, shape: &str, length: usize| {
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{length}]}}}}"#);
        safetensors_file(&header, &vec![0; length])
    };
    let message = |bytes: Vec<u8>| {
        decode_tensors("x.safetensors", &bytes)
            .unwrap_err()
            .to_string()
    };
    assert_names(
        &message(file("I64", "[2]", 16)),
        &["x.safetensors", "'w'", "I64"],
    );
    assert_names(
        &message(file("I8", "[64]", 64)),
        &["'w'", "scales are missing"],
    );

    let scales = r#"{"w":{"dtype":"I8","shape":[64],"data_offsets":[0,64]},
        "w.scale":{"dtype":"F16","shape":[1],"data_offsets":[64,66]}}"#;
    assert_names(
        &message(safetensors_file(scales, &[0; 66])),
        &["1 scales", "64 values"],
    );
    let floats = scales.replace("F16", "F32").replace("66]", "68]");
    assert_names(&message(safetensors_file(&floats, &[0; 68])), &["not F16"]);
}

#[test]
fn nan_weights_are_refused_on_both_ways() {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut package = package();
        package
            .tensors
            .get_mut("restorer.qkv.weight")
            .unwrap()
            .values[17] = bad;
        for dtype in Dtype::ALL {
            let refused = package.write(dtype, NO_SPLIT).unwrap_err();
            assert_names(
                &refused.to_string(),
                &["restorer.qkv.weight", "1 values", "NaN"],
            );
        }
    }
    let mut files = files(Dtype::F32, NO_SPLIT);
    let model = files.get_mut(MODEL_FILE).unwrap();
    let end = model.len();
    model[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_names(&error(&files), &["NaN"]);
}

#[test]
fn values_that_do_not_fit_their_shape_are_not_written() {
    let mut package = package();
    package
        .tensors
        .get_mut("restorer.norm.gamma")
        .unwrap()
        .values
        .pop();
    let message = package.write(Dtype::F32, NO_SPLIT).unwrap_err().to_string();
    assert_names(&message, &["restorer.norm.gamma", "2047", "2048"]);
}

#[test]
fn weights_too_large_for_sixteen_bits_stay_exact() {
    let mut large = tensor(1, &[64, 64]);
    large.values[5] = 1e7;
    let named = NamedTensors::from([("w".to_owned(), large)]);
    for dtype in [Dtype::F16, Dtype::Q8] {
        let bytes = encode_tensors(&named, dtype).unwrap();
        assert_eq!(decode_tensors("m", &bytes).unwrap(), named);
    }
}

#[test]
fn an_index_cannot_lead_out_of_the_folder() {
    for name in [
        "../secret.safetensors",
        "/etc/passwd",
        "a\\b.safetensors",
        ".safetensors",
        "",
    ] {
        let mut files = files(Dtype::F32, 9000);
        edit_index(&mut files, |map| {
            map["restorer.qkv.weight"] = json!(name);
        });
        // Even if such a file could be had.
        replace(&mut files, name, "stolen");
        assert_names(&error(&files), &[INDEX_FILE, "same folder"]);
    }
}

fn edit_index(files: &mut Files, edit: impl FnOnce(&mut Value)) {
    let mut index: Value = serde_json::from_slice(&files[INDEX_FILE]).unwrap();
    edit(&mut index["weight_map"]);
    replace(files, INDEX_FILE, index.to_string());
}

#[test]
fn index_and_shards_must_agree() {
    let mut extra = files(Dtype::F32, 9000);
    edit_index(&mut extra, |map| {
        map["invented"] = map["restorer.qkv.weight"].clone()
    });
    assert_names(&error(&extra), &["'invented'", "does not hold"]);

    let mut lacking = files(Dtype::F32, 30_000);
    edit_index(&mut lacking, |map| {
        map.as_object_mut().unwrap().remove("restorer.small.weight");
    });
    assert_names(&error(&lacking), &["restorer.small.weight", "index"]);

    let mut empty = files(Dtype::F32, 9000);
    edit_index(&mut empty, |map| *map = json!({}));
    assert_names(&error(&empty), &[INDEX_FILE, "no tensors"]);
}

#[test]
fn a_self_test_of_the_wrong_shape_is_refused() {
    let mut small = package();
    small.self_test = Some(SelfTest {
        image: RgbImage::new(64, 64),
        ..package().self_test.unwrap()
    });
    let files: Files = small
        .write(Dtype::F32, NO_SPLIT)
        .unwrap()
        .into_iter()
        .collect();
    assert_names(
        &error(&files),
        &[SELF_TEST_FILE, "'image'", "[256, 256, 3]"],
    );

    let mut foreign = self::files(Dtype::F32, NO_SPLIT);
    let weights = foreign[MODEL_FILE].clone();
    replace(&mut foreign, SELF_TEST_FILE, weights);
    assert_names(&error(&foreign), &[SELF_TEST_FILE, "missing"]);
}

#[test]
fn a_package_that_could_not_be_read_is_not_written() {
    let mut package = package();
    package.config.calibration.as_mut().unwrap().threshold = f32::NAN;
    let refused = package.write(Dtype::F32, NO_SPLIT).unwrap_err();
    assert!(matches!(refused, PackageError::Config(_)), "{refused}");
}

#[test]
fn random_damage_never_panics() {
    let whole = files(Dtype::Q8, 9000);
    let names: Vec<&String> = whole.keys().filter(|name| *name != "README.md").collect();
    for round in 0..400usize {
        let mut files = whole.clone();
        let name = names[round % names.len()];
        let bytes = files.get_mut(name).unwrap();
        for hit in 0..1 + round % 4 {
            // Most damage goes into the header, where lengths and shapes are.
            let hash = (round * 131 + hit + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            let reach = if round % 3 == 0 {
                bytes.len()
            } else {
                bytes.len().min(400)
            };
            bytes[hash % reach] = (hash >> 30) as u8;
        }
        // Either an error in words, or weights that are all finite.
        match Package::read(&files) {
            Ok(read) => assert!(
                read.tensors
                    .values()
                    .all(|t| t.values.iter().all(|v| v.is_finite()))
            ),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// A model small enough for tests, with its self-test computed on this device.
fn tiny_model(device: &Device) -> Package {
    let config = ModelConfig {
        image_size: 64,
        restorer: RestorerConfig {
            kind: Default::default(),
            patch: 4,
            width: 16,
            depth: 1,
            heads: 2,
            mlp_ratio: 2,
        },
        ..Preset::Lite.config()
    };
    let recipe = Recipe::official();
    let backbone = block_on(fsr::tensors::export(&config.backbone.init(device))).unwrap();
    let model = Fsr::untrained(&config, &recipe, &backbone, 1, device).unwrap();
    let mut package = Package {
        tensors: block_on(model.tensors()).unwrap(),
        config: PackageConfig::new("tiny", config, recipe),
        self_test: None,
    };
    let image = RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 4, y as u8 * 3, 90]));
    let detector = Detector::from_package(&package, device).unwrap();
    let found = block_on(detector.inspect(&image)).unwrap();
    package.self_test = Some(SelfTest {
        image,
        map: found.map,
        scores: found.scores,
    });
    package
}

#[test]
fn a_stored_model_answers_as_the_one_in_memory() {
    let device = Device::flex();
    let files: Files = tiny_model(&device)
        .write(Dtype::F32, 20_000)
        .unwrap()
        .into_iter()
        .collect();
    let read = Package::read(&files).unwrap();
    let detector = Detector::from_package(&read, &device).unwrap();
    let report = block_on(detector.self_test(read.self_test.as_ref().unwrap())).unwrap();
    assert!(report.passed, "{report:?}");

    // A self-test that cannot fail would prove nothing.
    let mut wrong = read.self_test.clone().unwrap();
    let highest = wrong.map.scores().max;
    wrong.map.values[100] += 0.01 * highest;
    assert!(!block_on(detector.self_test(&wrong)).unwrap().passed);
}

#[test]
fn weights_that_do_not_fit_the_architecture_are_named() {
    let device = Device::flex();
    let package = tiny_model(&device);
    let message = |package: &Package| {
        let error = Detector::from_package(package, &device)
            .map(drop)
            .unwrap_err();
        error.to_string()
    };
    let victim = package
        .tensors
        .iter()
        .find(|(name, tensor)| name.starts_with("restorer.") && tensor.shape.len() == 2)
        .map(|(name, _)| name.clone())
        .unwrap();

    let mut turned = package.clone();
    turned.tensors.get_mut(&victim).unwrap().shape.push(1);
    assert_names(&message(&turned), &[&victim, "shape"]);

    let mut lacking = package.clone();
    lacking.tensors.remove(&victim);
    assert_names(&message(&lacking), &[&victim, "missing"]);

    let mut wider = package.clone();
    wider.config.model.restorer.width = 32;
    assert_names(&message(&wider), &["restorer.", "shape"]);
}
