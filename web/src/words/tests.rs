//! The table is whole: nothing empty, nothing left in English, no value lost on the way.

use super::*;
use crate::protocol::Note;
use std::collections::BTreeSet;

/// The fixed texts of all parts, named `part.text`.
fn texts(words: &Words) -> Vec<(String, &'static str)> {
    let parts = [
        ("frame", words.frame.texts()),
        ("status", words.status.texts()),
        ("facts", words.facts.texts()),
        ("collect", words.collect.texts()),
        ("train", words.train.texts()),
        ("camera", words.camera.texts()),
        ("backbone", words.backbone.texts()),
        ("inspect", words.inspect.texts()),
        ("result", words.result.texts()),
        ("verdict", words.verdict.texts()),
        ("region", words.region.texts()),
        ("controls", words.controls.texts()),
        ("list", words.list.texts()),
        ("threshold", words.threshold.texts()),
        ("figures", words.figures.texts()),
        ("samples", words.samples.texts()),
        ("failures", words.failures.texts()),
        ("shelf", words.shelf.texts()),
    ];
    let named = |(part, texts): (&str, Vec<(&str, &'static str)>)| {
        let named = texts
            .into_iter()
            .map(|(name, text)| (format!("{part}.{name}"), text));
        named.collect::<Vec<_>>()
    };
    parts.into_iter().flat_map(named).collect()
}

/// Whether there is a Chinese character in it.
pub(super) fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// What stands in braces.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}

#[test]
fn no_text_is_empty_or_left_in_english() {
    // Signs alone have no language.
    let signs = ["shelf.comma", "shelf.of", "shelf.progress"];
    let (en, zh) = (texts(Language::En.words()), texts(Language::Zh.words()));
    assert!(en.len() > 200, "{}", en.len());
    for ((name, english), (_, chinese)) in en.into_iter().zip(zh) {
        assert!(
            !english.trim().is_empty() && !chinese.trim().is_empty(),
            "{name}"
        );
        assert!(!is_chinese(english), "{name}: {english}");
        assert_ne!(english, chinese, "{name}");
        if !signs.contains(&name.as_str()) {
            assert!(is_chinese(chinese), "{name}: {chinese}");
        }
        assert_eq!(places(english), places(chinese), "{name}");
        let letters: Vec<char> = chinese.chars().collect();
        let odd = letters.windows(2).any(|pair| {
            is_chinese(&pair[0].to_string()) && ['.', ',', ';', ':', '!', '?'].contains(&pair[1])
        });
        assert!(!odd, "{name} has English punctuation: {chinese}");
    }
}

/// Sentences with values, and what each must mention.
fn sentences(w: &Words) -> Vec<(String, &'static [&'static str])> {
    let seconds = |seconds| w.train.duration(seconds);
    vec![
        (w.frame.differences(1e-3, 2e-4), &["1.0e-3", "2.0e-4"]),
        (
            w.frame.steps("11", "22", "33", "44"),
            &["11", "22", "33", "44"],
        ),
        (w.status.inspecting("a.png"), &["a.png"]),
        (w.status.waiting("a.png"), &["a.png"]),
        (w.status.model("nut"), &["nut"]),
        (w.status.within(3e-5), &["3e-5"]),
        (w.status.off(3e-1), &["3e-1"]),
        (w.status.of("3 MB", "7 MB"), &["3 MB", "7 MB"]),
        (w.collect.wanted(), &["2", "32"]),
        (w.collect.samples(4), &["4"]),
        (w.collect.many(17), &["17"]),
        (w.collect.remove("a.png"), &["a.png"]),
        (w.train.features(3, 24), &["3", "24"]),
        (w.train.paused_after(31, 300), &["31", "300"]),
        (w.train.running(31, 300, "9 s"), &["31", "300", "9 s"]),
        (w.train.calibrating(5, 16), &["5", "16"]),
        (w.train.share_done(4), &["40"]),
        (w.train.loss("0.321"), &["0.321"]),
        (
            w.train.course(0.9, 0.1, 20, 300),
            &["0.900", "0.100", "20", "300"],
        ),
        (seconds(59), &["59"]),
        (seconds(61), &["1", "01"]),
        (seconds(7_260), &["2", "01"]),
        (w.camera.burst(8), &["8"]),
        (w.camera.taken(3, 8), &["3", "8"]),
        (w.camera.full(), &["32"]),
        (w.camera.nameless(2), &["2"]),
        (w.camera.each(251.3), &["251 ms"]),
        (w.camera.rate("3.1", "251 ms"), &["3.1", "251 ms"]),
        (w.backbone.checking("a.safetensors"), &["a.safetensors"]),
        (w.backbone.of_the_model("nut"), &["nut"]),
        (
            w.backbone
                .facts("ResNet-18", "2.8", "a.safetensors", "9 MB"),
            &["ResNet-18", "2.8", "a.safetensors", "9 MB"],
        ),
        (
            w.inspect.saved("nut.zip", "9 MB"),
            &["nut.zip", "9 MB", "fsr predict"],
        ),
        (w.result.pixels(640, 480), &["640", "480"]),
        (w.result.map_of("a.png", "dark"), &["a.png", "dark"]),
        (w.result.drawn_bad_right("cut"), &["cut"]),
        (w.result.drawn_bad_wrong("cut"), &["cut"]),
        (w.result.times(2.52), &["2.5"]),
        (w.result.detected("5 ms", "CPU"), &["5 ms", "CPU"]),
        (w.result.pixel(7, 9, "0.3"), &["7", "9", "0.3"]),
        (w.result.regions(3), &["3"]),
        (w.verdict.explained("0.3", "low"), &["0.3", "low"]),
        (w.verdict.calibrated(40), &["40"]),
        (w.verdict.above_all(40), &["40"]),
        (w.verdict.below_all(40), &["40"]),
        (w.verdict.above("95 %", 40), &["95 %", "40"]),
        (w.verdict.threshold("0.3"), &["0.3"]),
        (
            w.verdict.provenance("0.3", "peak", 40, "them"),
            &["0.3", "peak", "40", "them"],
        ),
        (w.verdict.provenance_sentence("it"), &["it"]),
        (w.region.less_than("1 %"), &["1 %"]),
        (w.region.spread("30 %"), &["30 %"]),
        (w.region.at("there", "3 %"), &["there", "3 %"]),
        (w.list.heard(3, 12), &["3", "12"]),
        (w.list.some(3, 12), &["3", "12"]),
        (w.list.all(12), &["12"]),
        (w.list.anomalous(5), &["5"]),
        (w.list.failed(5), &["5"]),
        (w.list.outdated(5), &["5"]),
        (w.list.more(100, 250), &["100", "250"]),
        (w.list.show("a.png"), &["a.png"]),
        (w.threshold.histogram("0.3", 4, 9), &["0.3", "4", "9"]),
        (w.figures.roc_told("98 %", "7 at 8"), &["98 %", "7 at 8"]),
        (
            w.figures.precision_told("98 %", "7 at 8"),
            &["98 %", "7 at 8"],
        ),
        (
            w.figures.overlap_told("98 %", "7 at 8"),
            &["98 %", "7 at 8"],
        ),
        (w.figures.all(&["a".into(), "b".into()]), &["a", "b"]),
        (w.figures.at("98 %", "10 %"), &["98 %", "10 %"]),
        (w.result.judged_by("nut"), &["nut"]),
        (
            w.controls.left_of("nut", "0.3", "dark"),
            &["nut", "0.3", "dark"],
        ),
        (w.controls.tiles(6, 100, 50), &["6", "100", "50"]),
        (w.status.tiles(3, 12), &["3", "12"]),
        (w.train.tiles_of(512), &["512"]),
        (
            w.figures.judged(8, 9, "nut", "peak"),
            &["8", "9", "nut", "peak"],
        ),
        (
            w.figures.note(&Note::TooMany {
                most: 200,
                images: 351,
            }),
            &["200", "351"],
        ),
        (
            w.figures.note(&Note::NoMaskFor {
                name: "c/1.png".into(),
            }),
            &["c/1.png"],
        ),
        (w.figures.note(&Note::LeftOut { images: 6 }), &["6"]),
        (w.samples.inspect("Nut"), &["Nut"]),
        (w.samples.defect("not_known"), &["not known"]),
        (w.samples.product_title("not_known", "Thing"), &["Thing"]),
        (w.percent(0.123_4, 1), &["12.3", "%"]),
    ]
}

#[test]
fn sentences_hold_their_values_and_differ() {
    let (en, zh) = (Language::En.words(), Language::Zh.words());
    for ((english, values), (chinese, _)) in sentences(en).into_iter().zip(sentences(zh)) {
        for value in values {
            assert!(english.contains(value), "{value} in {english}");
            assert!(chinese.contains(value), "{value} in {chinese}");
        }
        assert!(!is_chinese(&english), "{english}");
    }
    assert_eq!(zh.train.duration(65), "1 分 05 秒");
    assert_eq!(zh.sentence("没有异常区域"), "没有异常区域。");
    assert_eq!(en.sentence("no hot region"), "No hot region.");
}

#[test]
fn languages_are_found_by_their_tags() {
    for language in Language::ALL {
        assert_eq!(Language::of(language.name()), Some(language));
        assert_eq!(Language::of(language.tag()), Some(language));
        assert_eq!(language.words().language, language);
    }
    assert_eq!(Language::of("zh-CN"), Some(Language::Zh));
    assert_eq!(Language::of("zhx"), None);
}

#[test]
fn the_page_says_the_same_before_its_program_runs() {
    let html = include_str!("../../../index.html");
    let frame = &Language::En.words().frame;
    assert!(html.contains(&format!("<title>{}</title>", frame.title)));
    assert!(html.contains(frame.description));
}

#[test]
fn the_shelf_asks_for_no_text_that_is_not_there_and_leaves_none_over() {
    let scripts = [
        include_str!("../../shelf/catalogue.js"),
        include_str!("../../shelf/detectors.js"),
        include_str!("../../shelf/dom.js"),
        include_str!("../../shelf/download.js"),
        include_str!("../../shelf/elsewhere.js"),
        include_str!("../../shelf/elsewhere.html"),
        include_str!("../../shelf/offline.js"),
        include_str!("../../shelf/shelf.js"),
    ]
    .concat();
    let known = Language::En.words().shelf.texts();
    for (name, _) in &known {
        assert!(
            scripts.contains(&format!("\"{name}\"")),
            "{name} is not used"
        );
    }
    for start in ["say(\"", "live(\"", "Trouble(\""] {
        for rest in scripts.split(start).skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            assert!(
                known.iter().any(|(known, _)| *known == name),
                "no text {name}"
            );
        }
    }
}
