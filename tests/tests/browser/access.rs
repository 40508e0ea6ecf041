//! The page for everyone: axe-core finds nothing in any state, the keyboard does everything, light and dark, on a
//! desk and on a phone. Pictures of the states are left in `target/screenshots/`; `FSR_SCREENSHOTS=docs/screenshots` renews
//! those of the documents.

use fsr::products::{Product, generate};
use fsr_tests::access::{axe, look, press_enter, tab_to};
use fsr_tests::bench::{Bench, refs};
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::encode;
use fsr_tests::paths;
use image::ImageFormat;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

#[test]
fn no_state_of_the_page_has_a_barrier() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let script = axe();
    let axe = script.as_deref();
    let page = bench.open("backend=cpu");
    page.answer().unwrap().shown();
    look(&bench, axe, "1-opened");

    let good: Vec<PathBuf> = (0..4)
        .map(|seed| bench.sample(None, 700_000 + seed))
        .collect();
    page.collect(&refs(&good)).unwrap();
    page.train("hex nut", 30).unwrap();
    page.wait("some steps", || {
        Ok((page.training()?.step >= 12).then_some(()))
    })
    .unwrap();
    page.press("train-pause").unwrap();
    page.wait("the pause", || Ok(page.training()?.paused.then_some(())))
        .unwrap();
    look(&bench, axe, "2-training");
    page.press("train-pause").unwrap();
    page.trained().unwrap().unwrap();

    let mut images: Vec<PathBuf> = (0..3)
        .map(|seed| bench.sample(None, 700_010 + seed))
        .collect();
    for defect in Product::HexNut.defects() {
        images.push(bench.sample(Some(defect), 700_020));
    }
    images.push(bench.file("notes.png", b"no image"));
    page.list(&refs(&images)).unwrap();
    page.listed(images.len()).unwrap();
    look(&bench, axe, "3-inspected");

    // A message, and a threshold of one's own.
    page.inspect(&bench.file("broken.png", b"no image"))
        .unwrap()
        .refused();
    look(&bench, axe, "4-refused");

    // What is kept in the browser, and the field for an address elsewhere.
    page.wait("the kept detector", || {
        Ok(bench
            .chromium
            .session
            .has("[data-testid=kept]")?
            .then_some(()))
    })
    .unwrap();
    page.press("elsewhere-open").unwrap();
    look(&bench, axe, "5-kept");

    // A labelled folder with its figures.
    page.forget().unwrap();
    page.press("list-clear").unwrap();
    let folder = labelled_folder(&bench);
    let session = &bench.chromium.session;
    session
        .choose_files("[data-testid=folder-input]", &[&folder])
        .unwrap();
    page.wait("the figures", || {
        let state = page.attribute("figures", "data-state")?;
        Ok((state == "done").then_some(()))
    })
    .unwrap();
    look(&bench, axe, "6-figures");
}

/// Generated images with masks, in the layout of MVTec AD.
fn labelled_folder(bench: &Bench) -> PathBuf {
    let root = bench.site().with_file_name("nut");
    let put = |place: String, bytes: Vec<u8>| {
        let path = root.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let kinds = Product::HexNut.defects().iter().map(|kind| Some(*kind));
    for kind in kinds.chain([None]) {
        let name = kind.unwrap_or("good");
        for seed in 0..3 {
            let sample = generate(Product::HexNut, kind, 710_000 + seed, 256).unwrap();
            let image = encode(sample.image, ImageFormat::Png);
            put(format!("test/{name}/{seed}.png"), image);
            if kind.is_some() {
                let mask = encode(sample.mask, ImageFormat::Png);
                put(format!("ground_truth/{name}/{seed}_mask.png"), mask);
            }
        }
    }
    root
}

#[test]
fn the_keyboard_trains_a_detector_and_reads_its_map() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    tab_to(&bench, "use-samples");
    press_enter(&bench);
    page.wait("the samples", || {
        Ok((page.attribute("collect", "data-count")? == "4").then_some(()))
    })
    .unwrap();
    tab_to(&bench, "train-steps");
    bench.chromium.session.press("\u{e009}a\u{e000}5").unwrap();
    tab_to(&bench, "train-start");
    press_enter(&bench);
    page.trained().unwrap().unwrap();
    page.forget().unwrap();
    tab_to(&bench, "sample-tile");
    press_enter(&bench);
    let shown = page.answer().unwrap().shown();
    // The arrow keys read the map.
    let focus = "document.querySelector('.layers').focus()";
    bench.chromium.session.execute(focus, &[]).unwrap();
    bench.chromium.session.press("\u{e014}\u{e015}").unwrap();
    let text = page.text("read-out").unwrap();
    assert!(
        text.starts_with("Pixel 132, 132"),
        "{text} of {}",
        shown.name
    );
}

#[test]
fn neither_page_nor_worker_can_connect_elsewhere() {
    // The worker tries when asked, and answers what came of it.
    let spy = "
        self.__spy = new BroadcastChannel('fsr-spy');
        self.__spy.addEventListener('message', async ({ data, target }) => {
            if (data.url) target.postMessage({ answer: await fetch(data.url, { mode: 'no-cors' }).then(() => 'reached', () => 'refused') });
        });";
    let other = xtask::static_server::StaticServer::bind(paths::fixtures(), 0).unwrap();
    let elsewhere = other.spawn();
    let Some(bench) = Bench::start_with(WebGpu::Missing, |site| {
        let start = site.join("fsr-worker-start.js");
        let text = fs::read_to_string(&start).unwrap();
        fs::write(&start, format!("{spy}\n{text}")).unwrap();
    }) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let ask = "
        window.__spied = [];
        const url = arguments[0];
        const note = (answer) => window.__spied.push(answer);
        fetch(url, { mode: 'no-cors' }).then(() => note('page reached'), () => note('page refused'));
        window.__channel?.close();
        const channel = window.__channel = new BroadcastChannel('fsr-spy');
        channel.onmessage = ({ data }) => data.answer && note('worker ' + data.answer);
        channel.postMessage({ url });";
    for (url, outcome) in [(&elsewhere, "refused"), (&bench.address, "reached")] {
        let session = &bench.chromium.session;
        session.execute(ask, &[format!("{url}/").into()]).unwrap();
        let spied = page
            .wait("both answers", || {
                let spied = session.execute("return window.__spied", &[])?;
                let spied = spied.as_array().cloned().unwrap_or_default();
                let heard = |who: &str| {
                    let mut answers = spied.iter().filter_map(Value::as_str);
                    answers.any(|answer| answer.starts_with(who))
                };
                Ok((heard("page") && heard("worker")).then_some(spied))
            })
            .unwrap();
        for who in ["page", "worker"] {
            assert!(
                spied.contains(&format!("{who} {outcome}").into()),
                "{url}: {spied:?}"
            );
        }
    }
}
