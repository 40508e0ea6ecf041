//! The page in Chinese, and from one language to the other in the middle of everything.

use fsr::products::Product;
use fsr_tests::access::{axe, look};
use fsr_tests::bench::{Bench, refs};
use fsr_tests::chromium::WebGpu;
use fsr_tests::page::{Page, hook};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The left arrow, as WebDriver writes it.
const LEFT: &str = "\u{e012}";

/// Words in Latin letters that a Chinese page may show: names, units, file formats, commands.
const NAMES: &str = "FSR CPU WebGPU GPU AUROC AP AUPRO ROC F1 max std top1 CSV JSON PNG zip ms s e B kB MB GB \
    Rust Burn Luo et al Knowledge Based Systems Hugging Face owner name HTTPS CORS default lite \
    ResNet safetensors PRO fsr predict eval export inferno viridis cividis English English Language";

fn run(bench: &Bench, script: &str) -> Value {
    bench.chromium.session.execute(script, &[]).unwrap()
}

fn text(value: Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

fn until(page: &Page<'_>, what: &str, mut holds: impl FnMut() -> bool) {
    page.wait(what, || Ok(holds().then_some(()))).unwrap();
}

/// Everything a visitor reads or hears: texts, labels and titles of the page, but for what is another's:
/// names of files and models, and what is marked as being in another language.
fn said(bench: &Bench) -> Vec<String> {
    let found = run(
        bench,
        "
        const others = '[lang]:not(html), canvas, script, style, [data-testid=list-row] th, td.failed, [data-testid=catalogue-entry] b, '
            + '[data-testid=catalogue-entry] p, [data-testid=kept] b, [data-testid=model] b, [data-testid=model-card] dd';
        const found = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const { data, parentElement } = walker.currentNode;
            if (data.trim() && !parentElement.closest(others)) found.push(data.trim());
        }
        for (const element of document.body.querySelectorAll('*')) {
            if (element.closest(others)) continue;
            for (const name of ['aria-label', 'aria-valuetext', 'title', 'alt', 'placeholder']) {
                const value = element.getAttribute(name);
                if (value) found.push(value);
            }
        }
        return found;",
    );
    let found = found.as_array().cloned().unwrap_or_default();
    found.into_iter().map(text).collect()
}

/// Texts with words that are neither names nor file names: forgotten sentences.
fn forgotten(bench: &Bench) -> Vec<String> {
    let names: BTreeSet<&str> = NAMES.split_whitespace().collect();
    let is_name = |word: &str| names.contains(word) || word.parse::<f64>().is_ok();
    let mut texts = said(bench);
    assert!(texts.len() > 80, "{texts:?}");
    texts.retain(|text| {
        // Files have a dot and an ending.
        let words = text.split(|c: char| c.is_whitespace() || !(c.is_ascii() || c == '…'));
        let words = words.filter(|word| ![".png", ".zip"].iter().any(|end| word.contains(end)));
        words
            .flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()))
            .filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()))
            .any(|word| {
                !is_name(word) && !is_name(word.trim_start_matches(|c: char| c.is_ascii_digit()))
            })
    });
    texts
}

/// Document's language, title and description.
fn document(bench: &Bench) -> [String; 3] {
    [
        "return document.documentElement.lang",
        "return document.title",
        "return document.querySelector('meta[name=description]').content",
    ]
    .map(|script| text(run(bench, script)))
}

/// Counts workers from now on, in every document that is opened.
fn count_workers(bench: &Bench) {
    let source = "
        window.__workers = 0;
        const Before = window.Worker;
        window.Worker = class extends Before {
            constructor(...given) {
                super(...given);
                window.__workers += 1;
            }
        };";
    let session = &bench.chromium.session;
    session
        .chromium(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": source }),
        )
        .unwrap();
}

#[test]
fn the_language_changes_in_the_middle_and_nothing_is_lost() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    count_workers(&bench);
    let script = axe();
    let axe = script.as_deref();
    let page = bench.open("lang=zh&backend=cpu&sample=hex_nut:scratch:600123");
    let shown = page.answer().unwrap().shown();
    let [tag, title, description] = document(&bench);
    assert_eq!(tag, "zh-Hans");
    assert!(
        is_chinese(&title) && is_chinese(&description),
        "{title}, {description}"
    );

    // The result in words.
    let words =
        ["good", "anomalous"].map(|name| (name, if name == "good" { "良品" } else { "异常" }));
    let said = page.text("verdict").unwrap();
    for (name, word) in words {
        assert_eq!(
            said.contains(word),
            shown.verdict == name,
            "{said} of {}",
            shown.verdict
        );
    }
    assert!(page.text("score").unwrap().starts_with("得分"));
    assert!(page.text("map-description").unwrap().ends_with('。'));
    let name = bench.chromium.session.text("#result-title").unwrap();
    assert_eq!(name, "六角螺母 · 划痕");

    // Work of all kinds: good images, a training that waits, a list, an enlarged image, an open table.
    page.press("zoom-in").unwrap();
    run(
        &bench,
        "document.querySelector('[data-testid=timings]').open = true",
    );
    let good = bench.samples(None, 700_000, 3);
    page.collect(&refs(&good)).unwrap();
    page.train("nut", 24).unwrap();
    until(&page, "some steps", || page.training().unwrap().step >= 3);
    page.press("train-pause").unwrap();
    until(&page, "the pause", || page.training().unwrap().paused);
    let mut images = bench.samples(None, 700_010, 2);
    images.extend(
        Product::HexNut
            .defects()
            .iter()
            .take(2)
            .map(|kind| bench.sample(Some(kind), 700_020)),
    );
    images.push(bench.file("broken.png", b"no image"));
    page.list(&refs(&images)).unwrap();
    let list = page.listed(images.len()).unwrap();
    page.press("sort-score").unwrap();
    // The first of a new list is shown; enlarge it as well.
    until(&page, "the list's first image", || {
        page.attribute("result", "data-state").unwrap() == "done"
    });
    page.press("zoom-in").unwrap();
    page.press("elsewhere-open").unwrap();
    until(&page, "the field for an address", || {
        let frame = "return document.querySelector('[data-testid=elsewhere-frame]').title";
        is_chinese(&text(run(&bench, frame)))
    });
    assert_eq!(forgotten(&bench), Vec::<String>::new());
    look(&bench, axe, "zh-1-at-work");

    // To English, by the keyboard.
    let before = page.training().unwrap();
    run(
        &bench,
        "window.__untouched = true; document.querySelector('[data-testid=language-zh]').focus()",
    );
    bench.chromium.session.press(LEFT).unwrap();
    until(&page, "English", || page.text("status").unwrap().is_ascii());
    assert_eq!(document(&bench)[0], "en");
    assert_eq!(document(&bench)[1], "FSR defect finder");
    assert_eq!(
        text(run(&bench, "return document.activeElement.dataset.testid")),
        "language-en"
    );
    let chinese: Vec<String> = self::said(&bench)
        .into_iter()
        .filter(|text| is_chinese(text))
        .collect();
    assert_eq!(chinese, ["Language / 语言"]);
    assert_eq!(
        run(&bench, "return [window.__untouched, window.__workers]"),
        json!([true, 1])
    );
    let after = page.training().unwrap();
    assert_eq!(
        (after.state, after.step, after.paused),
        (before.state, before.step, true)
    );
    assert_eq!(page.attribute("collect", "data-count").unwrap(), "3");
    assert_eq!(page.list_state().unwrap(), list);
    let sorted = "return document.querySelector('[data-testid=sort-score]').parentElement.ariaSort";
    assert_eq!(text(run(&bench, sorted)), "descending");
    assert_eq!(page.text("zoom-value").unwrap(), "150 %");
    assert!(page.text("score").unwrap().starts_with("Score"));
    assert!(
        run(&bench, "return location.search")
            .as_str()
            .unwrap()
            .contains("lang=en")
    );
    let frame = hook("elsewhere-frame");
    bench.chromium.session.enter_frame(&frame).unwrap();
    until_frame(&bench, "Fetch");
    bench.chromium.session.leave_frame().unwrap();

    // The training goes on to its end on the same worker.
    page.press("train-pause").unwrap();
    page.trained().unwrap().unwrap();
    assert_eq!(run(&bench, "return window.__workers"), 1);
}

/// The button in the frame says this.
fn until_frame(bench: &Bench, word: &str) {
    let said = (0..100).find(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        bench.chromium.session.text("#fetch").unwrap() == word
    });
    assert!(said.is_some(), "the frame does not say {word}");
}

#[test]
fn the_choice_is_kept_and_the_browsers_own_language_is_heard() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    // A browser that prefers Chinese.
    let agent = run(&bench, "return navigator.userAgent");
    let set = |languages: &str| {
        let values = json!({ "userAgent": agent, "acceptLanguage": languages });
        let session = &bench.chromium.session;
        session
            .chromium("Emulation.setUserAgentOverride", values)
            .unwrap();
    };
    set("de-DE,zh-CN");
    let page = bench.open("backend=cpu&demo=off");
    assert_eq!(document(&bench)[0], "zh-Hans");
    assert_eq!(forgotten(&bench), Vec::<String>::new());

    // A message follows as well.
    let broken = bench.file("broken.png", b"no image");
    let message = page.inspect(&broken).unwrap().refused();
    assert!(message.starts_with("broken.png："), "{message}");
    page.press("language-en").unwrap();
    until(&page, "the message in English", || {
        page.error().unwrap().unwrap().starts_with("broken.png: ")
    });
    assert!(
        !run(&bench, "return location.search")
            .as_str()
            .unwrap()
            .contains("lang")
    );

    // The visitor's choice is kept; an address that names a language is stronger.
    bench.open("backend=cpu&demo=off");
    assert_eq!(document(&bench)[0], "en");
    set("en-US");
    bench.open("backend=cpu&demo=off&lang=zh-CN");
    assert_eq!(document(&bench)[0], "zh-Hans");
    bench.open("backend=cpu&demo=off");
    assert_eq!(document(&bench)[0], "en");
}
