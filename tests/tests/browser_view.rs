//! The result looked at: swiped, enlarged, recoloured, and all of it in the address.

#![allow(clippy::unwrap_used)]

use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::{encode, picture};
use fsr_tests::page::{Page, hook};
use image::ImageFormat;
use serde_json::{Value, json};

/// What the page says of an element, by a script over it.
fn ask(bench: &Bench, id: &str, script: &str) -> Value {
    let script = format!("const it = document.querySelector(arguments[0]); return {script};");
    let session = &bench.chromium.session;
    session.execute(&script, &[json!(hook(id))]).unwrap()
}

fn query(bench: &Bench) -> String {
    let session = &bench.chromium.session;
    let query = session.execute("return location.search", &[]).unwrap();
    query.as_str().unwrap().to_owned()
}

/// Colours of the heat's hottest pixel.
fn hottest(bench: &Bench) -> Value {
    ask(
        bench,
        "overlay",
        "(() => { const p = it.getContext('2d').getImageData(0, 0, it.width, it.height).data; let best = 0; \
         for (let i = 0; i < p.length; i += 4) { if (p[i] + p[i + 1] > p[best] + p[best + 1]) best = i; } \
         return [p[best], p[best + 1], p[best + 2]]; })()",
    )
}

fn choose(bench: &Bench, palette: &str) {
    ask(
        bench,
        "palette",
        &format!(
            "(it.value = '{palette}', it.dispatchEvent(new Event('change', {{ bubbles: true }})))"
        ),
    );
}

fn until(page: &Page<'_>, what: &str, mut holds: impl FnMut() -> bool) {
    page.wait(what, || Ok(holds().then_some(()))).unwrap();
}

#[test]
fn a_result_is_swiped_enlarged_and_recoloured_and_the_address_brings_it_back() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("?backend=cpu&sample=hex_nut:scratch:600123");
    page.answer().unwrap().shown();
    let session = &bench.chromium.session;

    // Swipe: the map right of a line, moved by the slider's keys.
    page.press("view-swipe").unwrap();
    until(&page, "the line", || {
        ask(&bench, "overlay", "it.style.clipPath") == "inset(0px 0px 0px 50%)"
    });
    session
        .execute(
            "document.querySelector(arguments[0]).focus()",
            &[json!(hook("opacity"))],
        )
        .unwrap();
    // WebDriver's arrow to the right.
    session.press("\u{e014}").unwrap();
    until(&page, "the line one further", || {
        ask(&bench, "overlay", "it.style.clipPath") == "inset(0px 0px 0px 51%)"
    });
    assert!(query(&bench).contains("view=swipe"), "{}", query(&bench));

    // Enlarged by the button, then by keys on the image; what is seen of the sheet stays inside its frame.
    page.press("zoom-in").unwrap();
    until(&page, "the enlargement", || {
        page.text("zoom-value").unwrap() == "150 %"
    });
    session
        .execute("document.querySelector('.layers').focus()", &[])
        .unwrap();
    session.press("+").unwrap();
    until(&page, "more of it", || {
        page.text("zoom-value").unwrap() == "225 %"
    });
    let covered = ask(
        &bench,
        "sheet",
        "(() => { const s = it.getBoundingClientRect(), f = it.parentElement.getBoundingClientRect(); \
         return s.left <= f.left + 1 && s.top <= f.top + 1 && s.right >= f.right - 1 && s.bottom >= f.bottom - 1 \
         && Math.abs(s.width / f.width - 2.25) < 0.02; })()",
    );
    assert_eq!(covered, true);
    session.press("0").unwrap();
    until(&page, "the whole image", || {
        page.text("zoom-value").unwrap() == "100 %"
    });

    // Other colours, the same values.
    let score = page.attribute("score", "data-score").unwrap();
    let inferno = hottest(&bench);
    choose(&bench, "cividis");
    until(&page, "other colours", || hottest(&bench) != inferno);
    assert_eq!(page.attribute("score", "data-score").unwrap(), score);
    assert!(query(&bench).contains("colours=cividis"));

    // The same again from the address alone.
    let colours = hottest(&bench);
    let page = bench.open(&query(&bench));
    page.answer().unwrap().shown();
    until(&page, "the same view", || {
        ask(&bench, "overlay", "it.style.clipPath") == "inset(0px 0px 0px 50%)"
    });
    assert_eq!(hottest(&bench), colours);
    assert_eq!(page.attribute("score", "data-score").unwrap(), score);
}

#[test]
fn a_threshold_of_the_address_judges_and_is_given_up_with_a_click() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    // Samples are judged by their product's own threshold; an image of the visitor's by this one.
    let page = bench.open("?backend=cpu&demo=off&threshold=1e9");
    let image = encode(picture(96, 96), ImageFormat::Png);
    let image = bench.file("part.png", &image);
    page.list(&[&image, &image]).unwrap();
    page.listed(2).unwrap();
    until(&page, "the threshold", || {
        page.attribute("threshold-card", "data-threshold").unwrap() == "1000000000"
    });
    page.press("threshold-reset").unwrap();
    until(&page, "the calibration's own", || {
        page.attribute("threshold-card", "data-threshold")
            .unwrap()
            .parse::<f32>()
            .unwrap()
            < 1.0
    });
}
