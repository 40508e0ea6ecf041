//! The page computes what the native program computes, takes bad files in its stride, and never freezes.

use fsr::detector::{Detector, Inspection};
use fsr::products::{Product, generate};
use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::{encode, picture, png_header};
use fsr_tests::packages::{self, Files};
use fsr_tests::page::Shown;
use fsr_tests::paths;
use fsr_tests::skip;
use image::{ImageBuffer, ImageFormat, Luma};

/// Largest difference between browser and native program: of a score to itself, of a map to its maximum.
const TOLERANCE: f32 = 1e-3;

/// The package run natively, on the backend the page falls back to.
fn native(files: &Files) -> Detector {
    packages::detector_of(files).unwrap()
}

fn default_files() -> Files {
    packages::read_folder(&paths::default_model()).unwrap()
}

fn inspect(detector: &Detector, bytes: &[u8]) -> Inspection {
    pollster::block_on(detector.inspect(&fsr::image::decode(bytes).unwrap())).unwrap()
}

/// Names and bytes of images of every kind that has a path of its own through decoder and resampler.
fn images() -> Vec<(&'static str, Vec<u8>)> {
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(300, 211, |x, y| Luma([(x * 180 + (y * y) % 6000) as u16]));
    vec![
        ("photo.png", encode(picture(256, 256), ImageFormat::Png)),
        ("photo.jpg", encode(picture(777, 501), ImageFormat::Jpeg)),
        (
            "large-odd-aspect.jpg",
            encode(picture(3001, 611), ImageFormat::Jpeg),
        ),
        ("grey16.png", encode(deep, ImageFormat::Png)),
        ("small.webp", encode(picture(31, 90), ImageFormat::WebP)),
    ]
}

/// Asserts that the page shows what the native program found, and that the comparison could have failed.
fn assert_same(shown: &Shown, expected: &Inspection) {
    let name = &shown.name;
    assert_eq!(
        (shown.map.width, shown.map.height),
        (expected.map.width, expected.map.height),
        "{name}: map size"
    );
    let highest = expected.map.values.iter().copied().fold(0.0, f32::max);
    let lowest = expected.map.values.iter().copied().fold(highest, f32::min);
    assert!(
        highest - lowest > 10.0 * TOLERANCE * highest,
        "{name}: a map this flat ({lowest}–{highest}) compares nothing"
    );
    let pairs = shown.map.values.iter().zip(&expected.map.values);
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / highest;
    let mut worst_score = 0.0f32;
    for (what, found, expected) in [
        ("std", shown.scores.std, expected.scores.std),
        ("max", shown.scores.max, expected.scores.max),
        ("top1", shown.scores.top1, expected.scores.top1),
    ] {
        let error = ((found - expected) / expected).abs();
        assert!(
            error <= TOLERANCE,
            "{name}: {what} is {found} on the page, {expected} natively"
        );
        worst_score = worst_score.max(error);
    }
    assert!(
        worst <= TOLERANCE,
        "{name}: maps differ by {worst:e} of the maximum"
    );
    println!(
        "{name} on {}: maps within {worst:.1e}, scores within {worst_score:.1e}, {:.0} ms",
        shown.backend, shown.milliseconds
    );
}

#[test]
fn the_page_opens_with_a_tested_model_and_a_first_result() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("");
    assert_eq!(page.stage().unwrap().replace("busy", "ready"), "ready");
    assert_eq!(page.backend().unwrap().0, "cpu");
    assert_eq!(page.self_test().unwrap(), "passed", "{:?}", page.error());
    assert!(page.model().unwrap().len() > 10);
    let first = page.answer().unwrap().shown();
    println!(
        "first map {:.0} ms after the page began to open, with an empty cache",
        page.clock().unwrap()
    );
    assert!(
        ["good", "anomalous"].contains(&first.verdict.as_str()),
        "{first:?}"
    );
    assert_eq!(page.error().unwrap(), None);
    let console = bench.chromium.session.console().unwrap();
    let severe: Vec<_> = console
        .iter()
        .filter(|line| line.starts_with("SEVERE"))
        .collect();
    assert!(severe.is_empty(), "{severe:#?}");
}

#[test]
fn native_and_browser_agree_on_the_cpu() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let detector = native(&default_files());
    let page = bench.open("backend=cpu&demo=off");
    for (name, bytes) in images() {
        let shown = page.inspect(&bench.file(name, &bytes)).unwrap().shown();
        assert_eq!((shown.name.as_str(), shown.backend.as_str()), (name, "cpu"));
        assert_same(&shown, &inspect(&detector, &bytes));
    }
}

#[test]
fn an_image_may_be_dropped_or_pasted() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let image = encode(picture(100, 140), ImageFormat::Png);
    let chosen = page
        .inspect(&bench.file("part.png", &image))
        .unwrap()
        .shown();
    for event in ["drop", "paste"] {
        let shown = page.hand_over(event, "part.png", &image).unwrap().shown();
        assert_eq!(
            (&shown.name, &shown.map),
            (&chosen.name, &chosen.map),
            "{event}"
        );
        let message = page
            .hand_over(event, "note.txt", b"no image")
            .unwrap()
            .refused();
        assert!(message.contains("not an image"), "{event}: {message}");
    }
}

#[test]
fn samples_of_every_product_are_the_same_natively_and_in_the_browser() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let detector = native(&default_files());
    let page = bench.open("backend=cpu&demo=off");
    for product in Product::ALL {
        let shown = page.inspect_sample(product.name()).unwrap().shown();
        let parts: Vec<&str> = shown.sample.split(':').collect();
        assert_eq!(parts[0], product.name());
        let sample = generate(product, Some(parts[1]), parts[2].parse().unwrap(), 256).unwrap();
        assert!(sample.defect.is_some());
        // To the bit: a seed shows the same picture to everybody.
        let picture = page.picture(&sample.image).unwrap();
        assert!(picture == sample.image, "{}: other pixels", shown.sample);
        assert_same(
            &shown,
            &pollster::block_on(detector.inspect(&sample.image)).unwrap(),
        );
    }
}

#[test]
fn a_model_that_is_not_there_is_named_and_another_can_be_opened() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off&model=nowhere");
    assert_eq!(page.stage().unwrap(), "empty");
    let message = page.error().unwrap().unwrap();
    assert!(message.contains("nowhere"), "{message}");
    let files = packages::tiny_files("another", 8).unwrap();
    assert!(
        bench
            .open_package(&page, "another", &files)
            .unwrap()
            .contains("another")
    );
    let image = bench.file("part.png", &encode(picture(90, 70), ImageFormat::Png));
    page.inspect(&image).unwrap().shown();
}

#[test]
fn native_and_browser_agree_on_webgpu() {
    let files = packages::tiny_files("tiny", 11).unwrap();
    let Some(bench) = Bench::start_with(WebGpu::Software, |site| {
        Bench::serve_model(site, "tiny", &files);
    }) else {
        return;
    };
    let page = bench.open("backend=webgpu&demo=off&model=tiny");
    let (backend, reason) = page.backend().unwrap();
    assert_eq!(backend, "webgpu", "{reason}");
    assert_eq!(page.self_test().unwrap(), "passed", "{:?}", page.error());
    let detector = native(&files);
    for (name, bytes) in images() {
        let shown = page.inspect(&bench.file(name, &bytes)).unwrap().shown();
        assert_eq!(shown.backend, "webgpu");
        assert_same(&shown, &inspect(&detector, &bytes));
    }
}

#[test]
fn the_default_model_agrees_on_webgpu() {
    let Some(bench) = Bench::start(WebGpu::Software) else {
        return;
    };
    let page = bench.open("backend=webgpu&demo=off");
    assert_eq!(page.backend().unwrap().0, "webgpu");
    assert_eq!(page.self_test().unwrap(), "passed", "{:?}", page.error());
    // Another image tells little more, and takes a minute on an adapter in software.
    if !skip::long() {
        return;
    }
    let image = encode(picture(256, 256), ImageFormat::Png);
    let shown = page
        .inspect(&bench.file("photo.png", &image))
        .unwrap()
        .shown();
    assert_eq!(shown.backend, "webgpu");
    assert_same(&shown, &inspect(&native(&default_files()), &image));
}

#[test]
fn a_package_opens_from_local_files() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let image = encode(picture(200, 160), ImageFormat::Png);
    let path = bench.file("part.png", &image);
    for (name, shard_bytes) in [("one-file", None), ("in-shards", Some(1_000_000))] {
        let files = packages::files_of(&packages::tiny(name, 5).unwrap(), shard_bytes).unwrap();
        assert_eq!(
            files
                .keys()
                .filter(|file| file.starts_with("model-"))
                .count()
                > 1,
            shard_bytes.is_some()
        );
        let line = bench.open_package(&page, name, &files).unwrap();
        assert!(line.contains(name), "{line}");
        assert_eq!(page.self_test().unwrap(), "passed");
        let shown = page.inspect(&path).unwrap().shown();
        assert_same(&shown, &inspect(&native(&files), &image));
    }
}

#[test]
fn without_webgpu_the_page_says_so_and_works() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=webgpu&demo=off");
    let (backend, reason) = page.backend().unwrap();
    assert_eq!(backend, "cpu");
    assert!(
        reason.contains("CPU") && reason.contains("WebGPU"),
        "{reason}"
    );
    let shown = page
        .inspect(&bench.file("part.png", &encode(picture(64, 64), ImageFormat::Png)))
        .unwrap()
        .shown();
    assert_eq!(shown.backend, "cpu");
}

#[test]
fn bad_images_are_explained_and_the_page_goes_on() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let good = encode(picture(120, 90), ImageFormat::Png);
    let good_path = bench.file("good.png", &good);
    let before = page.inspect(&good_path).unwrap().shown();
    for (name, bytes, expected) in [
        ("text.png", b"this is no image".to_vec(), "not an image"),
        ("empty.png", Vec::new(), "empty"),
        ("cut.png", good[..good.len() / 2].to_vec(), "cut short"),
        ("huge.png", png_header(20_000, 20_000), "20000"),
    ] {
        let message = page.inspect(&bench.file(name, &bytes)).unwrap().refused();
        assert!(message.contains(expected), "{name}: {message}");
        println!("{name}: {}", message.replace('\n', " "));
        let after = page.inspect(&good_path).unwrap().shown();
        assert_eq!(after.map, before.map, "after {name}");
    }
}

#[test]
fn bad_packages_are_explained_and_the_old_model_stays() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let image = bench.file("part.png", &encode(picture(120, 90), ImageFormat::Png));
    let before = page.inspect(&image).unwrap().shown();
    let model = page.model().unwrap();

    let tiny = packages::tiny("spoilt", 3).unwrap();
    let whole = packages::files_of(&tiny, None).unwrap();
    // A matrix of the restorer: its transpose holds as many bytes, in a wrong shape.
    let (tensor, _) = tiny
        .tensors
        .iter()
        .find(|(name, tensor)| {
            name.starts_with("restorer.")
                && tensor.shape.len() == 2
                && tensor.shape[0] != tensor.shape[1]
        })
        .unwrap();
    let wrong_shape = packages::spoil_tensor(&whole, tensor, |shape, _| shape.reverse()).unwrap();
    let not_a_number = packages::spoil_tensor(&whole, tensor, |_, bytes| {
        bytes[40..44].copy_from_slice(&f32::NAN.to_le_bytes())
    })
    .unwrap();
    let mut missing_shard = packages::files_of(&tiny, Some(1_000_000)).unwrap();
    let shard = missing_shard
        .keys()
        .rfind(|name| name.starts_with("model-"))
        .unwrap()
        .clone();
    missing_shard.remove(&shard);
    let mut cut = whole.clone();
    cut.get_mut("model.safetensors").unwrap().truncate(5000);
    let mut no_config = whole.clone();
    no_config.remove("config.json");

    for (name, files, expected) in [
        ("wrong-shape", wrong_shape, tensor.as_str()),
        ("nan", not_a_number, "not finite"),
        ("missing-shard", missing_shard, shard.as_str()),
        ("cut", cut, "cut short"),
        ("no-config", no_config, "config.json"),
    ] {
        let message = bench.open_package(&page, name, &files).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
        println!("{name}: {}", message.replace('\n', " "));
        assert_eq!(page.model().unwrap(), model, "after {name}");
        let after = page.inspect(&image).unwrap().shown();
        assert_eq!(after.map, before.map, "after {name}");
    }
}

/// Counts a 10 ms timer and the animation frames of the page from the choice of a file to its result.
const WATCH: &str = r#"
    const watch = window.__watch = { ticks: [], frames: 0, from: null, to: null };
    const frame = () => { if (watch.from !== null && watch.to === null) watch.frames += 1; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
    document.querySelector('[data-testid=file-input]').addEventListener('change', () => { watch.from = performance.now(); }, true);
    setInterval(() => {
        if (watch.from === null || watch.to !== null) return;
        watch.ticks.push(performance.now());
        if (window.__fsr_last) watch.to = performance.now();
    }, 10);
"#;

#[test]
fn the_page_stays_responsive_while_the_cpu_computes() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let session = &bench.chromium.session;
    let small = bench.file("small.png", &encode(picture(256, 256), ImageFormat::Png));
    let times: Vec<f64> = (0..5)
        .map(|_| page.inspect(&small).unwrap().shown().milliseconds)
        .collect();
    println!("default model on the CPU backend after warm-up, ms an image: {times:.0?}");

    let large = bench.file("large.jpg", &encode(picture(5000, 3800), ImageFormat::Jpeg));
    session.execute(WATCH, &[]).unwrap();
    page.forget().unwrap();
    session
        .choose_files("[data-testid=file-input]", &[&large])
        .unwrap();
    let watch = page
        .wait("the result", || {
            let watch = session.execute("return window.__watch", &[])?;
            Ok((!watch["to"].is_null()).then_some(watch))
        })
        .unwrap();
    let ticks: Vec<f64> = watch["ticks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tick| tick.as_f64())
        .collect();
    let (from, to) = (
        watch["from"].as_f64().unwrap(),
        watch["to"].as_f64().unwrap(),
    );
    let span = to - from;
    let longest = ticks
        .iter()
        .scan(from, |last, tick| {
            Some(tick - std::mem::replace(last, *tick))
        })
        .fold(0.0, f64::max);
    println!(
        "19-megapixel image: {span:.0} ms, {} of {:.0} timer ticks, {} frames, longest gap {longest:.0} ms",
        ticks.len(),
        span / 10.0,
        watch["frames"]
    );
    // Had the page computed in its own thread, there would be one gap as long as the whole inspection.
    assert!(
        ticks.len() as f64 > 0.2 * span / 10.0,
        "{} ticks of a 10 ms timer in {span} ms",
        ticks.len()
    );
    assert!(
        longest < 0.4 * span,
        "the page stood still for {longest} of {span} ms"
    );
    assert!(watch["frames"].as_u64().unwrap() >= 3, "{watch}");
}
