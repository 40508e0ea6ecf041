//! Weights, packages and devices that do not fit: code 1, one line that names the thing.

use std::fs;

use serde_json::Value;

use crate::program::{TINY, data, fail, folder, json, package_copy, succeed, trained};

#[test]
fn backbone_weights_that_do_not_fit_are_named() {
    let root = folder("weights");
    let train = |source: &str, options: &str| {
        let tiny = TINY.replace(
            "--backbone-weights random",
            &format!("--backbone-weights {source}"),
        );
        format!(
            "train --data {} --category bottle --shots 1 --steps 1 {tiny} {options} --out {}/run",
            data().display(),
            root.display()
        )
    };
    fail(
        &train(&format!("{}/absent.pth", root.display()), ""),
        &["--backbone-weights", "absent.pth"],
    );
    fs::write(root.join("text.pth"), b"PK\x03\x04 not a zip").unwrap();
    fail(
        &train(&format!("{}/text.pth", root.display()), ""),
        &["text.pth", "not a readable weight file"],
    );
    // Another architecture, from a file and from a package.
    let file = trained().join("model/model.safetensors");
    fail(
        &train(&file.display().to_string(), "--backbone resnet18"),
        &["model.safetensors", "resnet18"],
    );
    fail(
        &train(&trained().display().to_string(), "--backbone resnet18"),
        &["lite", "not resnet18"],
    );
    // The option left out.
    let without = train("random", "").replace("--backbone-weights random", "");
    fail(&without, &["--backbone-weights is missing"]);
    assert!(!root.join("run").exists());
}

#[test]
fn damaged_packages_are_refused_by_file_and_tensor() {
    let package = package_copy("damaged");
    let predict = format!(
        "predict {} {} --out {} --device cpu",
        package.display(),
        data().join("bottle/test/good").display(),
        package.with_file_name("answers").display()
    );
    succeed(&predict);
    let weights = package.join("model.safetensors");
    let whole = fs::read(&weights).unwrap();

    let mut poisoned = whole.clone();
    let end = poisoned.len();
    poisoned[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, &poisoned).unwrap();
    fail(&predict, &["not finite", "tensor '"]);
    fs::write(&weights, &whole[..end - 100]).unwrap();
    fail(&predict, &["model.safetensors", "damaged"]);

    // Shards: the index knows two files, one is not there.
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header: serde_json::Map<String, Value> =
        serde_json::from_slice(&whole[8..8 + length]).unwrap();
    let mut map: serde_json::Map<String, Value> = header
        .keys()
        .filter(|name| *name != "__metadata__")
        .map(|name| (name.clone(), "model-00001-of-00002.safetensors".into()))
        .collect();
    map.insert(
        "restorer.zz".into(),
        "model-00002-of-00002.safetensors".into(),
    );
    fs::remove_file(&weights).unwrap();
    fs::write(package.join("model-00001-of-00002.safetensors"), &whole).unwrap();
    let index = serde_json::json!({"metadata": {"total_size": end}, "weight_map": map});
    fs::write(
        package.join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();
    fail(&predict, &["model-00002-of-00002.safetensors"]);
    fs::remove_file(package.join("model.safetensors.index.json")).unwrap();
    fail(&predict, &["no model.safetensors"]);

    // A configuration of another size than the weights.
    fs::write(&weights, &whole).unwrap();
    let config = fs::read_to_string(package.join("config.json")).unwrap();
    assert!(config.contains("\"width\": 32"));
    fs::write(
        package.join("config.json"),
        config.replace("\"width\": 32", "\"width\": 64"),
    )
    .unwrap();
    fail(&predict, &["shape", "restorer."]);
    fs::write(package.join("config.json"), "{").unwrap();
    fail(&predict, &["config.json"]);
}

#[test]
fn a_package_that_answers_otherwise_than_it_did_fails_its_check() {
    let root = folder("check");
    let package = root.join("package");
    let check = format!("info {} --check --device cpu", package.display());
    fail(
        &format!("info {} --check --device cpu", trained().display()),
        &["no self-test"],
    );
    succeed(&format!(
        "export {} --out {} --dtype f32",
        trained().display(),
        package.display()
    ));
    succeed(&check);
    // One weight changes by a factor: still a readable package, but not the one that was exported.
    let weights = package.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&50.0f32.to_le_bytes());
    fs::write(&weights, &bytes).unwrap();
    fail(&check, &["self-test fails on CPU"]);
}

#[test]
fn models_and_devices_that_are_not_there_are_named() {
    let root = folder("absent");
    let predict = |model: &str, device: &str| {
        format!(
            "predict {model} {}/x.png --out {}/out --device {device}",
            root.display(),
            root.display()
        )
    };
    fail(&predict("nowhere", "cpu"), &["nowhere"]);
    fail(
        &predict(&root.display().to_string(), "cpu"),
        &["neither a run", "nor a model package"],
    );
    fail(
        &predict(&trained().display().to_string(), "wgpu:99"),
        &["wgpu"],
    );
    fail(
        &predict(&trained().display().to_string(), "cuda:99"),
        &["CUDA"],
    );
    fail(
        &format!(
            "{} --category screw",
            predict(&trained().display().to_string(), "cpu")
        ),
        &["no category 'screw'", "bottle"],
    );
    let train = format!(
        "train --data {} --category bottle --shots 1 --steps 1 --out {}/run",
        data().display(),
        root.display()
    );
    for (option, part) in [
        ("--tau=1.5", "--tau"),
        ("--lr=-1", "--lr"),
        ("--cache-ram=-1", "--cache-ram"),
    ] {
        fail(&format!("{train} {TINY} {option}"), &[part]);
    }
    fail(
        &format!("{train} {}", TINY.replace("--size 64", "--size 100")),
        &["image_size 100"],
    );
    assert!(!root.join("run").exists());
    assert!(json("info --preset compact --json")["total_params"].is_number());
}
