//! Backbones of the visitor's own, in a real browser: weights of a ResNet that are trained on, and files that are not.

use fsr::config::BackboneKind;
use fsr::tensors::NamedTensors;
use fsr_tests::access::{axe, look};
use fsr_tests::backbones::{file, random};
use fsr_tests::bench::{Bench, refs};
use fsr_tests::chromium::WebGpu;
use fsr_tests::faulty_server::FaultyServer;
use fsr_tests::packages;
use fsr_tests::page::{Page, hook};
use fsr_tests::paths::shared_data;
use fsr_tests::saved::{assert_same, native, records};
use safetensors::Dtype;
use std::fs;
use std::path::{Path, PathBuf};

/// Enter, as WebDriver writes it.
const ENTER: char = '\u{e007}';

/// Answers how many bytes the worker's program holds.
const WEIGH: &str = "
    const scale = new BroadcastChannel('fsr-scale');
    scale.onmessage = ({ data }) => data === '?' && scale.postMessage({ held: exported.memory.buffer.byteLength });";

/// Notes when each step was told, in milliseconds.
const CLOCK: &str = "
    window.__told = [];
    setInterval(() => {
        const told = (window.__fsr_losses ?? []).length;
        while (window.__told.length < told) window.__told.push(performance.now());
    }, 2);";

/// A bench whose worker can be weighed.
fn bench() -> Option<Bench> {
    Bench::start_with(WebGpu::Missing, |site| {
        let start = site.join("fsr-worker-start.js");
        let text = fs::read_to_string(&start).unwrap();
        fs::write(&start, format!("{WEIGH}\n{text}")).unwrap();
    })
}

/// Megabytes (2²⁰ bytes) that the worker's program holds; its memory never shrinks, so also the most it ever held.
fn held(bench: &Bench, page: &Page<'_>) -> f64 {
    let ask = "
        window.__held = null;
        const scale = new BroadcastChannel('fsr-scale');
        scale.onmessage = ({ data }) => { if (data.held) { window.__held = data.held; scale.close(); } };
        scale.postMessage('?');";
    let session = &bench.chromium.session;
    session.execute(ask, &[]).unwrap();
    let held = page.wait("the worker's memory", || {
        Ok(session.execute("return window.__held", &[])?.as_f64())
    });
    held.unwrap() / f64::from(1 << 20)
}

/// Median milliseconds between two steps.
fn step_time(bench: &Bench) -> f64 {
    let told = bench
        .chromium
        .session
        .execute("return window.__told", &[])
        .unwrap();
    let told: Vec<f64> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|at| at.as_f64())
        .collect();
    let mut times: Vec<f64> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Hands a weight file over as a drop on the page would, and waits until it is looked through: `own`, or the message.
fn give(bench: &Bench, page: &Page<'_>, weights: &Path) -> Result<(), String> {
    page.forget().unwrap();
    let session = &bench.chromium.session;
    session
        .choose_files(&hook("package-input"), &[weights])
        .unwrap();
    let name = weights.file_name().unwrap().to_string_lossy().into_owned();
    page.wait("the backbone", || {
        if let Some(message) = page.error()? {
            return Ok(Some(Err(message)));
        }
        let own = page.attribute("backbone", "data-state")? == "own";
        Ok((own && page.text("backbone-line")?.contains(&name)).then_some(Ok(())))
    })
    .unwrap()
}

/// Trains, judges, saves: the native program must answer as the page, before and after a reload.
fn trains_on(bench: &Bench, page: &Page<'_>, weights: &Path, steps: usize) {
    let session = &bench.chromium.session;
    let before = held(bench, page);
    give(bench, page, weights).unwrap();
    let checked = held(bench, page);
    println!("{}", page.text("backbone").unwrap());
    page.collect(&refs(&bench.samples(None, 700_000, 2)))
        .unwrap();
    session.execute(CLOCK, &[]).unwrap();
    page.train("on own weights", steps).unwrap();
    page.trained().unwrap().unwrap();
    println!(
        "worker: {before:.0} MB before, {checked:.0} with the weights looked through, {:.0} after the training; a step took {:.0} ms",
        held(bench, page),
        step_time(bench)
    );
    assert_eq!(page.self_test().unwrap(), "passed");
    assert_eq!(page.losses().unwrap().len(), steps);

    let mut images = bench.samples(None, 700_200, 1);
    images.extend(bench.samples(Some("rust"), 700_200, 1));
    page.list(&refs(&images)).unwrap();
    page.listed(images.len()).unwrap();
    let records = records(page, bench);
    let zip = page
        .save("save-package", &bench.chromium.downloads(), ".zip")
        .unwrap();
    let detector = native(&zip);
    assert_same(&detector, &images, &records);
    let origin = detector.config.provenance.backbone_weights.clone().unwrap();
    assert!(weights.ends_with(&origin.name), "{origin:?}");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(weights, folder.path().join("weights")).unwrap();
    let hashed = &xtask::catalogue::files(folder.path()).unwrap()[0];
    assert_eq!(origin.sha256, hashed.sha256);

    // Kept in the browser, whole.
    let shown = page.inspect(&images[1]).unwrap().shown();
    let page = bench.open("backend=cpu&demo=off");
    assert_eq!(
        page.attribute("backbone", "data-state").unwrap(),
        "built-in"
    );
    page.wait("the kept detector", || {
        Ok(session.has(&hook("kept-use"))?.then_some(()))
    })
    .unwrap();
    page.press("kept-use").unwrap();
    page.wait("the kept detector in use", || {
        Ok(page.model()?.contains("on own weights").then_some(()))
    })
    .unwrap();
    assert_eq!(page.self_test().unwrap(), "passed");
    let again = page.inspect(&images[1]).unwrap().shown();
    assert_eq!(again.scores, shown.scores);
}

#[test]
fn a_detector_is_trained_on_a_visitors_resnet_18() {
    let Some(data) = shared_data() else { return };
    let weights = data.join("weights/resnet18_tv_imagenet_layers1-3.safetensors");
    let Some(bench) = bench() else { return };
    let page = bench.open("backend=cpu&demo=off");
    trains_on(&bench, &page, &weights, 6);
    let page = bench.open("backend=cpu&demo=off");
    give(&bench, &page, &weights).unwrap();
    assert_eq!(
        page.attribute("backbone", "data-architecture").unwrap(),
        "ResNet-18"
    );
    // And back, by keyboard; the focus stays near.
    let session = &bench.chromium.session;
    let focus = "document.querySelector('[data-testid=backbone-back]').focus()";
    session.execute(focus, &[]).unwrap();
    session.press(&ENTER.to_string()).unwrap();
    page.wait("the built-in backbone", || {
        Ok((page.attribute("backbone", "data-state")? == "built-in").then_some(()))
    })
    .unwrap();
    let focused = session
        .execute("return document.activeElement.dataset.testid", &[])
        .unwrap();
    assert_eq!(focused, "backbone-choose");
}

/// For figures of a larger network: `FSR_BACKBONE=FILE cargo test … -- --ignored measures`.
#[test]
#[ignore = "for measurements"]
fn measures_a_network_of_choice() {
    let weights = PathBuf::from(std::env::var_os("FSR_BACKBONE").unwrap());
    let Some(bench) = bench() else { return };
    let page = bench.open("backend=cpu&demo=off");
    trains_on(&bench, &page, &weights, 6);
}

#[test]
fn half_precision_is_taken_whole_networks_are_cut_and_training_needs_no_model() {
    let Some(bench) = bench() else { return };
    fs::remove_file(bench.site().join("models/default/config.json")).unwrap();
    let page = bench.open("backend=cpu&demo=off");
    assert_eq!(page.stage().unwrap(), "empty");
    let tensors = random(BackboneKind::Lite, 5);
    for (name, dtype) in [
        ("brain.safetensors", Dtype::BF16),
        ("half.safetensors", Dtype::F16),
    ] {
        let weights = bench.file(name, &file(&tensors, dtype));
        give(&bench, &page, &weights).unwrap();
    }
    page.collect(&refs(&bench.samples(None, 700_000, 2)))
        .unwrap();
    page.train("lite", 2).unwrap();
    page.trained().unwrap().unwrap();
    let zip = page
        .save("save-package", &bench.chromium.downloads(), ".zip")
        .unwrap();
    let origin = native(&zip).config.provenance.backbone_weights.unwrap();
    assert_eq!(origin.name, "half.safetensors");
}

/// The file with a header of `length` bytes promised.
fn with_header(bytes: &[u8], length: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

#[test]
fn files_that_are_no_backbone_are_named_and_the_page_lives() {
    let Some(bench) = bench() else { return };
    let page = bench.open("backend=cpu&demo=off");
    let model = page.model().unwrap();
    let good = random(BackboneKind::Lite, 5);
    let whole = file(&good, Dtype::F16);
    let other =
        NamedTensors::from([("features.0.weight".to_owned(), good["conv1.weight"].clone())]);
    let mut deeper = good.clone();
    deeper.insert(
        "layer3.2.conv1.weight".into(),
        good["layer3.1.conv1.weight"].clone(),
    );
    let mut damaged = good.clone();
    damaged.get_mut("layer2.0.conv1.weight").unwrap().values[3] = f32::NAN;
    let mut without = good.clone();
    without.remove("layer1.0.bn1.running_var");
    let package = packages::tiny_files("tiny", 11).unwrap();
    let files: [(&str, Vec<u8>, &str); 11] = [
        (
            "text",
            b"These are no weights.".to_vec(),
            "no safetensors file",
        ),
        ("nothing", Vec::new(), "only 0 bytes"),
        ("short", whole[..whole.len() - 5].to_vec(), "cut short"),
        ("head", with_header(&whole, 4 << 30), "4294967296"),
        ("beyond", with_header(&whole, 15 << 20), "cut short"),
        ("vgg", file(&other, Dtype::F32), "features.0.weight"),
        ("deeper", file(&deeper, Dtype::F16), "layer3.2.conv1"),
        (
            "damaged",
            file(&damaged, Dtype::F32),
            "layer2.0.conv1.weight",
        ),
        ("bytes", file(&good, Dtype::I8), "must be F32, F16 or BF16"),
        (
            "without",
            file(&without, Dtype::F16),
            "layer1.0.bn1.running_var",
        ),
        ("pickled", b"PK\x03\x04 and so on".to_vec(), ".pth"),
    ];
    for (name, bytes, words) in files {
        let name = format!("{name}.safetensors");
        let message = give(&bench, &page, &bench.file(&name, &bytes)).unwrap_err();
        println!("{message}");
        assert!(
            message.contains(&name) && message.contains(words) && message.contains("ResNet-18"),
            "{message}"
        );
        assert_eq!(page.stage().unwrap(), "ready", "{name}");
        assert_eq!(page.model().unwrap(), model);
        let state = page.attribute("backbone", "data-state").unwrap();
        assert_eq!(state, "built-in", "{name}");
    }
    // A package's weights alone are still a package, and lack its configuration.
    let weights = bench.file("model.safetensors", &package["model.safetensors"]);
    let message = give(&bench, &page, &weights).unwrap_err();
    assert!(
        message.contains("model.safetensors") && message.contains("config.json"),
        "{message}"
    );
    // The same dropped onto the page.
    let message = page
        .hand_over("drop", "dropped.safetensors", b"no weights at all")
        .unwrap()
        .refused();
    assert!(message.contains("dropped.safetensors"), "{message}");
    // A refused file leaves the one before it.
    give(&bench, &page, &bench.file("good.safetensors", &whole)).unwrap();
    look(&bench, axe().as_deref(), "9-own-backbone");
    let text = bench.file("text.safetensors", b"These are no weights.");
    give(&bench, &page, &text).unwrap_err();
    assert_eq!(page.attribute("backbone", "data-state").unwrap(), "own");
    assert!(
        page.text("backbone-line")
            .unwrap()
            .contains("good.safetensors")
    );
}

#[test]
fn weights_from_an_address_are_fetched_alone_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let weights = file(&random(BackboneKind::Lite, 5), Dtype::F16);
    let repository = folder.path().join("timm/lite/resolve/main");
    fs::create_dir_all(&repository).unwrap();
    let config = br#"{"architecture": "resnet", "num_classes": 1000}"#;
    fs::write(repository.join("config.json"), config).unwrap();
    fs::write(repository.join("model.safetensors"), &weights).unwrap();
    fs::create_dir(folder.path().join("plain")).unwrap();
    fs::write(folder.path().join("plain/lite.safetensors"), &weights).unwrap();
    let other = FaultyServer::start(folder.path()).unwrap();
    let Some(bench) = bench() else { return };
    let session = &bench.chromium.session;
    let page = bench.open("backend=cpu&demo=off");
    let model = page.model().unwrap();
    let own = |name: &str| {
        page.wait("the backbone", || {
            let own = page.attribute("backbone", "data-state")? == "own";
            Ok((own && page.text("backbone-line")?.contains(name)).then_some(()))
        })
        .unwrap();
    };
    page.press("elsewhere-open").unwrap();
    page.wait("the frame", || Ok(session.has("iframe")?.then_some(())))
        .unwrap();
    for (typed, name) in [
        ("plain/lite.safetensors", "lite.safetensors"),
        ("timm/lite/tree/main", "model.safetensors"),
    ] {
        session.enter_frame("iframe").unwrap();
        let clear = "document.getElementById('address').value = ''";
        session.execute(clear, &[]).unwrap();
        let address = format!("{}/{typed}{ENTER}", other.address);
        session.type_into("#address", &address).unwrap();
        session.leave_frame().unwrap();
        own(name);
        page.wait("the shelf's word", || {
            let line = page.text("shelf-line")?;
            Ok(line.contains("are kept").then_some(()))
        })
        .unwrap();
    }
    assert_eq!(page.model().unwrap(), model, "a backbone is no model");

    // Kept: the other server is not asked again.
    let asked = other.requests();
    let page = bench.open("backend=cpu&demo=off");
    let entry = "[data-testid=elsewhere-entry][data-address$='lite.safetensors']";
    page.wait("the kept weights", || Ok(session.has(entry)?.then_some(())))
        .unwrap();
    session
        .click(&format!("{entry} {}", hook("elsewhere-use")))
        .unwrap();
    page.wait("the backbone", || {
        Ok((page.attribute("backbone", "data-state")? == "own").then_some(()))
    })
    .unwrap();
    assert_eq!(other.requests(), asked);
}
