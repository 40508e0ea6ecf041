//! The table is whole: nothing empty, nothing left in English, no value lost on the way.

use super::*;
use crate::{
    address::SampleSpec,
    backend::Reason,
    protocol::{
        Again, Architecture, Failure, Matter, Note, Origin, Phase, Reduction, Source, TrainedOn,
    },
    verdict::Verdict as Judged,
};
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

fn is_chinese(text: &str) -> bool {
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
        (w.figures.at("98 %", "10 %"), &["98 %", "10 %"]),
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
        (w.join(&["a".into(), "b".into()]), &["a", "b"]),
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

/// Every failure, and what its words must mention.
fn failures() -> Vec<(Failure, &'static [&'static str])> {
    let text = |text: &str| text.to_owned();
    let (why, message) = (text("odd"), text("trap"));
    vec![
        (
            Failure::about(Matter::File(text("a.png")), "cut short: save it"),
            &["a.png", "cut short", "Save it."],
        ),
        (
            Failure::about(Matter::MaskOf(text("a.png")), "no"),
            &["a.png", "no"],
        ),
        (Failure::GoodLeftOut { images: 7 }, &["7", "32"]),
        (Failure::GoodCount { images: 1 }, &["1", "2", "32"]),
        (Failure::StepCount { steps: 0 }, &["0", "5000"]),
        (Failure::Settings, &[]),
        (Failure::NoName, &[]),
        (Failure::Dropped { why: why.clone() }, &["odd"]),
        (
            Failure::SeveralSets {
                folders: vec![text("x/a"), text("x/b")],
            },
            &["x/a", "x/b"],
        ),
        (Failure::MixedModels, &[]),
        (Failure::FileGone, &[]),
        (Failure::NoWorker { why: why.clone() }, &["odd", "HTTP"]),
        (Failure::OtherVersion, &["Ctrl+Shift+R"]),
        (
            Failure::NotStarted {
                message: message.clone(),
            },
            &["trap", "Firefox"],
        ),
        (
            Failure::StoppedOften {
                times: 5,
                message: message.clone(),
            },
            &["5", "trap", "?backend=cpu"],
        ),
        (
            Failure::StoppedLoading {
                matter: Matter::ModelAt(text("http://a/")),
                message: message.clone(),
            },
            &["http://a/", "trap"],
        ),
        (
            Failure::StoppedAt {
                matter: Matter::Training(text("nut")),
                message: message.clone(),
            },
            &["nut", "trap"],
        ),
        (
            Failure::Restarted {
                message: message.clone(),
                again: Again::List,
            },
            &["trap", "CPU"],
        ),
        (
            Failure::Restarted {
                message: message.clone(),
                again: Again::Training,
            },
            &["trap", "CPU"],
        ),
        (Failure::BadMessage { why: why.clone() }, &["odd"]),
        (Failure::NotKept { why: why.clone() }, &["odd"]),
        (Failure::NoModelToTrain { name: text("nut") }, &["nut"]),
        (
            Failure::NoModelToInspect {
                name: text("a.png"),
            },
            &["a.png"],
        ),
        (
            Failure::TrainingFailed {
                message: message.clone(),
            },
            &["trap"],
        ),
        (
            Failure::ModelUnusable {
                message: message.clone(),
            },
            &["trap"],
        ),
        (
            Failure::NotInspected {
                name: text("a.png"),
                message: message.clone(),
            },
            &["a.png", "trap"],
        ),
        (
            Failure::Unreachable {
                url: text("http://a/"),
                why: why.clone(),
            },
            &["http://a/", "odd"],
        ),
        (
            Failure::Refused {
                url: text("http://a/"),
                status: 503,
            },
            &["http://a/", "503"],
        ),
        (
            Failure::BrokeOff {
                url: text("http://a/"),
                why: why.clone(),
            },
            &["http://a/", "odd"],
        ),
        (Failure::Camera { why: why.clone() }, &["odd"]),
        (Failure::Picture { why: why.clone() }, &["odd"]),
        (
            Failure::Unreadable {
                matter: Matter::Trained,
                why,
            },
            &["odd"],
        ),
        (
            Failure::NoBackbone {
                name: text("a.safetensors"),
                reason: text("short"),
            },
            &["a.safetensors", "short", "ResNet-18", ".zip"],
        ),
        (
            Failure::NoCameras {
                context: text("secure"),
            },
            &["Firefox"],
        ),
        (
            Failure::NoCameras {
                context: String::new(),
            },
            &["HTTPS", "localhost"],
        ),
        (
            Failure::TileMemory {
                images: 7,
                tiles: 48,
                megabytes: 2_300,
            },
            &["7", "48", "2300"],
        ),
        (Failure::CameraRefused, &[]),
        (Failure::NoCamera, &[]),
        (Failure::CameraBusy, &[]),
        (Failure::CameraLost, &[]),
        (
            Failure::NoPackage {
                url: text("http://a/"),
                file: text("config.json"),
            },
            &["http://a/", "config.json", "models/"],
        ),
        (
            Failure::Index {
                reason: text("short"),
            },
            &["index.json", "short"],
        ),
        (
            Failure::NoMap {
                name: text("a.png"),
            },
            &["a.png"],
        ),
        (
            Failure::MaskSize {
                name: text("a.png"),
                mask: (7, 8),
                image: (9, 6),
            },
            &["a.png", "7", "8", "9", "6"],
        ),
        (Failure::NoSample { message }, &["trap"]),
    ]
}

#[test]
fn failures_name_the_thing_and_the_mend_in_both_languages() {
    for (failure, values) in failures() {
        let english = Language::En.words().failures.tell(&failure);
        let chinese = Language::Zh.words().failures.tell(&failure);
        for told in [&english, &chinese] {
            let all = format!("{} {}", told.what, told.mend);
            for value in values {
                assert!(all.contains(value), "{value} in {all}");
            }
        }
        assert_eq!(
            english.mend.is_empty(),
            chinese.mend.is_empty(),
            "{english:?}"
        );
        // What a library says stays as it is.
        if !matches!(failure, Failure::About { .. }) {
            assert!(
                is_chinese(&format!("{}{}", chinese.what, chinese.mend)),
                "{chinese:?}"
            );
        }
        let english = format!("{}{}", english.what, english.mend);
        assert!(!is_chinese(&english), "{english}");
    }
}

#[test]
fn facts_of_the_worker_are_said_in_both_languages() {
    let adapter = || "nvidia ampere".to_owned();
    let reasons = [
        Reason::Asked,
        Reason::NoApi,
        Reason::NoAdapter,
        Reason::AskedOn { adapter: adapter() },
        Reason::AskedSoftware { adapter: adapter() },
        Reason::On { adapter: adapter() },
        Reason::Software { adapter: adapter() },
        Reason::Restarted { message: adapter() },
        Reason::Stopped { message: adapter() },
        Reason::NotInitialised { message: adapter() },
        Reason::SelfTest { map_error: 0.5 },
        Reason::WarmUp { message: adapter() },
    ];
    let (en, zh) = (Language::En.words(), Language::Zh.words());
    for reason in &reasons {
        let (english, chinese) = (en.facts.reason(reason), zh.facts.reason(reason));
        assert!(!is_chinese(&english) && is_chinese(&chinese), "{chinese}");
        let mentions = format!("{reason:?}").contains("nvidia");
        for text in [english, chinese] {
            assert_eq!(text.contains("nvidia ampere"), mentions, "{text}");
        }
    }
    let nameless = Reason::On {
        adapter: String::new(),
    };
    assert_eq!(en.facts.reason(&nameless), "on an adapter without a name");
    let architecture = Architecture {
        backbone: "lite".into(),
        blocks: 4,
        width: 192,
    };
    let trained = TrainedOn {
        data: "generated".into(),
        images: 320,
        categories: vec!["hex_nut".into(), "own".into()],
    };
    assert_eq!(
        en.facts.architecture(&architecture),
        "lite backbone, restorer of 4 blocks, width 192"
    );
    assert_eq!(
        en.facts.trained_on(&trained),
        "generated, 320 good images of hex nut, own"
    );
    assert_eq!(
        zh.facts.trained_on(&trained),
        "generated，320 张良品图像（六角螺母、own）"
    );
    let known = |say: &dyn Fn(&Words) -> &'static str| {
        let (english, chinese) = (say(en), say(zh));
        assert!(
            !is_chinese(english) && is_chinese(chinese),
            "{english}, {chinese}"
        );
    };
    for origin in [Origin::Server, Origin::Files, Origin::Trained] {
        known(&|words| words.facts.origin(origin));
    }
    for source in [
        Source::HeldOut,
        Source::AlteredTraining,
        Source::LeaveOneOut,
    ] {
        known(&|words| words.verdict.source(source));
    }
    for reduction in [Reduction::Std, Reduction::Max, Reduction::Top1] {
        known(&|words| words.verdict.reduction(reduction));
    }
    for verdict in [Judged::Good, Judged::Anomalous, Judged::Unknown] {
        known(&|words| words.verdict.label(verdict));
    }
    for phase in [
        Phase::Program,
        Phase::Download,
        Phase::Build,
        Phase::WarmUp,
        Phase::SelfTest,
    ] {
        known(&|words| words.status.phase(phase));
    }
}

#[test]
fn every_product_and_defect_of_the_generator_has_a_chinese_name() {
    let words = Language::Zh.words();
    for product in fsr::products::Product::ALL {
        let title = words.samples.product_title(product.name(), product.title());
        assert!(is_chinese(&title), "{title}");
        for defect in product.defects() {
            let name = words.samples.name(&SampleSpec {
                product: product.name().into(),
                defect: Some((*defect).into()),
                seed: 1,
            });
            assert!(!name.contains(|c: char| c.is_ascii_alphabetic()), "{name}");
        }
    }
    let stages = [
        "generate",
        "decode",
        "resize",
        "backbone",
        "restoration",
        "launch",
    ];
    for stage in stages
        .into_iter()
        .chain(["backbone and restoration", "map", "picture"])
    {
        assert!(is_chinese(&words.result.stage(stage)), "{stage}");
    }
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
