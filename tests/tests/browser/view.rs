//! The result looked at: swiped, enlarged, recoloured, and all of it in the address.

use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::{encode, picture};
use fsr_tests::packages;
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
fn hottest(bench: &Bench, id: &str) -> Value {
    ask(
        bench,
        id,
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
    let inferno = hottest(&bench, "overlay");
    choose(&bench, "cividis");
    until(&page, "other colours", || {
        hottest(&bench, "overlay") != inferno
    });
    assert_eq!(page.attribute("score", "data-score").unwrap(), score);
    assert!(query(&bench).contains("colours=cividis"));

    // The same again from the address alone.
    let colours = hottest(&bench, "overlay");
    let page = bench.open(&query(&bench));
    page.answer().unwrap().shown();
    until(&page, "the same view", || {
        ask(&bench, "overlay", "it.style.clipPath") == "inset(0px 0px 0px 50%)"
    });
    assert_eq!(hottest(&bench, "overlay"), colours);
    assert_eq!(page.attribute("score", "data-score").unwrap(), score);
}

/// Plays an event on the image at a share of its sides; whether the browser may still do what it does by itself.
fn play(bench: &Bench, kind: &str, (x, y): (f64, f64), more: &str) -> bool {
    let script = format!(
        "const frame = document.querySelector('.layers'), box = frame.getBoundingClientRect(); \
         return frame.dispatchEvent(new {kind}, {{ bubbles: true, cancelable: true, \
         clientX: box.left + {x} * box.width, clientY: box.top + {y} * box.height, {more} }}));"
    );
    let allowed = bench.chromium.session.execute(&script, &[]).unwrap();
    allowed.as_bool().unwrap()
}

#[test]
fn wheel_fingers_and_double_click_enlarge_the_image_and_the_page_still_scrolls() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("?backend=cpu&sample=hex_nut:scratch:600123");
    page.answer().unwrap().shown();
    let is = |value: &str| {
        until(&page, value, || page.text("zoom-value").unwrap() == value);
    };
    // The place of the sheet that is seen at a place of the frame.
    let seen = |x: f64, y: f64| -> (f64, f64) {
        let script = format!(
            "(() => {{ const s = it.getBoundingClientRect(), f = it.parentElement.getBoundingClientRect(); \
             return [(f.left + {x} * f.width - s.left) / s.width, (f.top + {y} * f.height - s.top) / s.height]; }})()"
        );
        let at = ask(&bench, "sheet", &script);
        (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
    };
    let near = |a: (f64, f64), b: (f64, f64)| {
        assert!(
            (a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01,
            "{a:?} {b:?}"
        );
    };
    let wheel = "WheelEvent('wheel'";
    let pointer = |kind: &str| format!("PointerEvent('{kind}'");

    // The wheel alone is the page's.
    assert!(play(&bench, wheel, (0.5, 0.5), "deltaY: -200"));
    is("100 %");
    // With Ctrl it is the image's, around the pointer.
    assert!(!play(
        &bench,
        wheel,
        (0.25, 0.75),
        "deltaY: -100, ctrlKey: true"
    ));
    is("152 %");
    near(seen(0.25, 0.75), (0.25, 0.75));
    assert!(!play(
        &bench,
        wheel,
        (0.25, 0.75),
        "deltaY: 3, deltaMode: 2, ctrlKey: true"
    ));
    is("100 %");

    // Two fingers, apart to twice their distance; what was between them stays there.
    for (id, x) in [(11, 0.4), (12, 0.6)] {
        let touch = format!(
            "pointerId: {id}, pointerType: 'touch', isPrimary: {}",
            id == 11
        );
        play(&bench, &pointer("pointerdown"), (x, 0.3), &touch);
    }
    assert!(!play(&bench, "Event('touchmove'", (0.4, 0.3), ""));
    for (id, x) in [(11, 0.3), (12, 0.7)] {
        let touch = format!("pointerId: {id}, pointerType: 'touch', buttons: 1");
        play(&bench, &pointer("pointermove"), (x, 0.3), &touch);
    }
    is("200 %");
    near(seen(0.5, 0.3), (0.5, 0.3));
    for id in [11, 12] {
        play(
            &bench,
            &pointer("pointerup"),
            (0.5, 0.3),
            &format!("pointerId: {id}, pointerType: 'touch'"),
        );
    }
    // One finger's scrolling is left alone.
    assert!(play(&bench, "Event('touchmove'", (0.4, 0.3), ""));

    // A double click resets, and enlarges where it is.
    play(&bench, "MouseEvent('dblclick'", (0.8, 0.4), "");
    is("100 %");
    play(&bench, "MouseEvent('dblclick'", (0.8, 0.4), "");
    is("300 %");
    near(seen(0.8, 0.4), (0.8, 0.4));
}

#[test]
fn two_models_are_compared_on_one_image() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("?backend=cpu&demo=off&view=swipe");
    let image = bench.file("part.png", &encode(picture(96, 96), ImageFormat::Png));
    page.inspect(&image).unwrap().shown();
    let there = |id: &str| bench.chromium.session.has(&hook(id)).unwrap();
    assert!(!there("compare-toggle"), "there is nothing to compare with");
    let first = hottest(&bench, "overlay");

    // What is shown is of the model before, and says so.
    assert!(!there("judged-by"), "the model in use judged it");
    let files = packages::tiny_files("other", 5).unwrap();
    bench.open_package(&page, "other", &files).unwrap();
    until(&page, "whose answer it is", || there("judged-by"));
    assert!(page.text("judged-by").unwrap().contains("“default”"));
    page.press("judge-again").unwrap();
    until(&page, "the other answer", || !there("judged-by"));
    until(&page, "the choice", || there("compare-toggle"));
    let label = ask(&bench, "compare-toggle", "it.closest('label').textContent");
    let label = label.as_str().unwrap();
    assert!(
        label.contains("default") && label.contains("score"),
        "{label}"
    );
    // What the first model said, in its own colours.
    assert_eq!(hottest(&bench, "other"), first);
    let display = || ask(&bench, "other", "getComputedStyle(it).display");
    assert_eq!(display(), "block");
    page.press("compare-toggle").unwrap();
    until(&page, "the image", || display() == "none");

    // Another image has no other answer.
    let image = bench.file("next.png", &encode(picture(80, 90), ImageFormat::Png));
    page.inspect(&image).unwrap().shown();
    assert!(!there("compare-toggle"));
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
