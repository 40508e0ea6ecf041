//! Facts in words: failures, what the worker tells of itself, products and defects.

use super::{tests::is_chinese, *};
use crate::{
    address::SampleSpec,
    backend::Reason,
    protocol::{Again, Architecture, Failure, Matter, Origin, Phase, Reduction, Source, TrainedOn},
    verdict::Verdict as Judged,
};

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
        (Failure::NoCameras, &["Firefox"]),
        (Failure::Untrusted, &["HTTPS", "localhost"]),
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
