//! The page for everyone: what axe-core says of it, light and dark, on a desk and on a phone, and where the keyboard leads.
//! Pictures are left in `target/screenshots/`; `FSR_SCREENSHOTS=docs/screenshots` renews those of the documents.

#![allow(clippy::unwrap_used)]

use crate::bench::Bench;
use crate::paths;
use crate::skip::skipped;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// Width and height of a desk's and of a phone's window, in CSS pixels.
const DESK: (u32, u32) = (1280, 1000);
const PHONE: (u32, u32) = (390, 844);

/// Keys of WebDriver.
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// What axe-core objects to, one line a place.
fn violations(bench: &Bench) -> Vec<String> {
    let session = &bench.chromium.session;
    session
        .execute(
            "window.__axe = null; axe.run(document, { resultTypes: ['violations'] }).then((result) => { window.__axe = result.violations; });",
            &[],
        )
        .unwrap();
    let found = loop {
        let found = session.execute("return window.__axe", &[]).unwrap();
        if !found.is_null() {
            break found;
        }
        sleep(Duration::from_millis(50));
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&found)
        .iter()
        .flat_map(|rule| {
            let places = list(&rule["nodes"]);
            places
                .iter()
                .map(|node| {
                    format!(
                        "{}: {} ({})",
                        rule["id"], node["target"], node["failureSummary"]
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The picture at half its size, as it goes into the documents.
fn publish(picture: &[u8], folder: &Path, name: &str) {
    let picture = image::load_from_memory(picture).unwrap().to_rgb8();
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let half = resize(&picture, width, height, FilterType::Lanczos3);
    fs::create_dir_all(folder).unwrap();
    let file = fs::File::create(folder.join(name)).unwrap();
    JpegEncoder::new_with_quality(file, 80)
        .encode_image(&half)
        .unwrap();
}

/// The text of axe-core; said aloud when it is not there.
pub fn axe() -> Option<String> {
    let script = xtask::axe::find().map(|path| fs::read_to_string(path).unwrap());
    if script.is_none() {
        skipped(
            "axe-core is not there (`cargo xtask test` fetches it); only pictures and widths are checked",
        );
    }
    script
}

/// Looks at a state in light and dark, on a desk and on a phone: pictures, axe-core, no sideways scrolling.
pub fn look(bench: &Bench, axe: Option<&str>, state: &str) {
    let session = &bench.chromium.session;
    let folder = paths::root().join("target/screenshots");
    fs::create_dir_all(&folder).unwrap();
    for scheme in ["light", "dark"] {
        for (device, (width, height)) in [("desk", DESK), ("phone", PHONE)] {
            let media =
                json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            session
                .chromium("Emulation.setEmulatedMedia", media)
                .unwrap();
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            session
                .chromium("Emulation.setDeviceMetricsOverride", metrics)
                .unwrap();
            session.execute("window.scrollTo(0, 0)", &[]).unwrap();
            // Transitions of colours end.
            sleep(Duration::from_millis(250));
            let whole = json!({ "format": "png", "captureBeyondViewport": true });
            let picture = session.chromium("Page.captureScreenshot", whole).unwrap();
            let file = folder.join(format!("{state}-{device}-{scheme}.png"));
            let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            fs::write(file, &picture).unwrap();
            if let Ok(folder) = std::env::var("FSR_SCREENSHOTS") {
                publish(
                    &picture,
                    &paths::root().join(folder),
                    &format!("{state}-{device}-{scheme}.jpg"),
                );
            }
            let wide = session
                .execute(
                    "return document.documentElement.scrollWidth - window.innerWidth",
                    &[],
                )
                .unwrap();
            assert!(
                wide.as_i64().unwrap() <= 0,
                "{state} on a {device} scrolls sideways by {wide}"
            );
            let Some(axe) = axe else { continue };
            if session.execute("return !window.axe", &[]).unwrap() == true {
                // As the browser's own: the page's policy lets no script evaluate text.
                let script = json!({ "expression": axe });
                session.chromium("Runtime.evaluate", script).unwrap();
            }
            let found = violations(bench);
            assert!(
                found.is_empty(),
                "{state} on a {device}, {scheme}: {found:#?}"
            );
        }
    }
    session
        .chromium("Emulation.clearDeviceMetricsOverride", json!({}))
        .unwrap();
}

/// What has the focus: its test hook, else its text.
fn focused(page: &Bench) -> String {
    let script = "
        const element = document.activeElement;
        return element === document.body ? 'body' : element.dataset.testid ?? element.innerText ?? '';";
    let name = page.chromium.session.execute(script, &[]).unwrap();
    name.as_str().unwrap_or_default().trim().to_owned()
}

/// Presses Tab until `name` has the focus; the focus must be visible on the way.
pub fn tab_to(bench: &Bench, name: &str) {
    let visible = "
        const style = getComputedStyle(document.activeElement);
        const next = document.activeElement.nextElementSibling;
        const shows = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        return shows(style) || (next !== null && shows(getComputedStyle(next)));";
    for _ in 0..80 {
        bench.chromium.session.press(&TAB.to_string()).unwrap();
        let here = focused(bench);
        if here != "body" {
            let seen = bench.chromium.session.execute(visible, &[]).unwrap();
            assert_eq!(seen, true, "the focus on {here:?} cannot be seen");
        }
        if here == name {
            return;
        }
    }
    panic!("Tab does not lead to {name}");
}

/// Presses Enter.
pub fn press_enter(bench: &Bench) {
    bench.chromium.session.press(&ENTER.to_string()).unwrap();
}
