//! Messages survive the journey.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::words::Language;

fn spec() -> SampleSpec {
    SampleSpec {
        product: "carpet".into(),
        defect: Some("cut".into()),
        seed: 7,
    }
}

fn requests() -> Vec<ToWorker> {
    vec![
        ToWorker::Start {
            wish: BackendWish::Auto,
            because: Some(Reason::Stopped {
                message: "it trapped".into(),
            }),
        },
        ToWorker::FetchPackage {
            id: 1,
            url: "http://127.0.0.1:8080/models/default/".into(),
        },
        ToWorker::OpenPackage {
            id: 2,
            names: vec!["config.json".into(), "model.safetensors".into()],
        },
        ToWorker::InspectFile {
            id: 3,
            name: "part \"7\".png".into(),
        },
        ToWorker::InspectFrame {
            id: 10,
            name: "camera".into(),
            width: 640,
            height: 480,
        },
        ToWorker::ListFile {
            id: 6,
            name: "b.jpg".into(),
            map: true,
        },
        ToWorker::Measure {
            id: 8,
            plan: MeasurePlan {
                reduction: Reduction::Std,
                model: "bottle".into(),
                images: vec![MeasuredImage {
                    name: "crack/0.png".into(),
                    scores: Scores {
                        std: 0.1,
                        max: 0.7,
                        top1: 0.3,
                    },
                    defect: true,
                    width: 9,
                    height: 8,
                    has_mask: true,
                }],
                pixels: true,
                map_size: (64, 64),
                notes: Vec::new(),
            },
        },
        ToWorker::Train {
            id: 7,
            plan: TrainPlan::few_shot("bottle"),
            images: vec![
                GoodImage::File {
                    name: "a.jpg".into(),
                },
                GoodImage::Sample { sample: spec() },
                GoodImage::File {
                    name: "c.jpg".into(),
                },
            ],
            backbone: Some("resnet18.safetensors".into()),
        },
        ToWorker::CheckBackbone {
            id: 9,
            name: "resnet18.safetensors".into(),
        },
        ToWorker::Steer {
            id: 7,
            wish: Steer::Pause,
        },
        ToWorker::InspectSample {
            id: 4,
            sample: spec(),
        },
        ToWorker::Preview {
            id: 5,
            sample: spec(),
        },
        ToWorker::Forget { ids: vec![3, 4] },
    ]
}

fn answer() -> Answer {
    Answer {
        name: "part.png".into(),
        sample: None,
        width: 900,
        height: 900,
        shown_width: 512,
        shown_height: 512,
        map_width: 256,
        map_height: 256,
        scores: Scores {
            std: 0.1,
            max: 1.0 / 3.0,
            top1: 1e-7,
        },
        threshold: None,
        agreement: Some(Agreement {
            pixel_auroc: Some(0.97),
            iou: 0.4,
            area: 0.03,
        }),
        timings: vec![("backbone".into(), 12.5)],
        tiles: Some(TileGrid {
            width: 512,
            height: 512,
            columns: vec![0, 388],
            rows: vec![0, 388],
        }),
        backend: Backend::Cpu,
    }
}

#[test]
fn every_request_survives_the_journey() {
    for message in requests() {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(
            serde_json::from_str::<ToWorker>(&text).unwrap(),
            message,
            "{text}"
        );
    }
}

#[test]
fn every_answer_survives_the_journey_bit_for_bit() {
    let model = ModelSummary {
        name: "default".into(),
        origin: Origin::Server,
        architecture: Architecture {
            backbone: "lite".into(),
            blocks: 4,
            width: 192,
        },
        trained_on: TrainedOn::default(),
        bytes: 3,
        threshold: Some(Threshold {
            reduction: Reduction::Top1,
            value: 0.3,
            quantiles: vec![(0.5, 0.1), (0.99, 0.3)],
            scale_low: 0.0,
            scale_high: 1.5,
            images: 64,
            source: Source::HeldOut,
        }),
        self_test: SelfTest::Passed {
            map_error: 1e-6,
            score_error: 2e-7,
        },
        load_ms: [1.0, 2.0, 3.0, 4.0],
    };
    for message in [
        FromWorker::Ready {
            protocol: PROTOCOL,
            products: vec![ProductInfo {
                name: "carpet".into(),
                title: "Woven carpet".into(),
                defects: vec!["cut".into()],
            }],
            ramp: vec![[0, 0, 4], [252, 255, 164]],
        },
        FromWorker::Trapped {
            message: "unreachable".into(),
        },
        FromWorker::Backend {
            backend: Backend::WebGpu,
            reason: Reason::On {
                adapter: "nvidia".into(),
            },
        },
        FromWorker::Progress {
            phase: Phase::Download,
            done: 1 << 40,
            total: None,
        },
        FromWorker::Model {
            id: 1,
            model: Box::new(model.clone()),
        },
        FromWorker::Inspected {
            id: 2,
            answer: Box::new(answer()),
        },
        FromWorker::Previewed {
            id: 3,
            width: 256,
            height: 256,
        },
        FromWorker::Listed {
            id: 5,
            answer: Box::new(answer()),
        },
        FromWorker::Measured {
            id: 8,
            figures: Box::new(Figures {
                reduction: Reduction::Top1,
                model: "bottle".into(),
                good: 1,
                defective: 2,
                image: Ranking {
                    auroc: Some(2.0 / 3.0),
                    ap: None,
                    f1_max: Some(0.1),
                },
                pixel: Some(PixelFigures::default()),
                roc: vec![(0.0, 0.0), (1.0 / 3.0, 0.5), (1.0, 1.0)],
                precision_recall: vec![(0.5, 1.0), (1.0, 2.0 / 3.0)],
                overlap: vec![(0.0, 0.0), (0.3, 0.9)],
                notes: vec![Note::LeftOut { images: 1 }],
            }),
        },
        FromWorker::Training {
            id: 6,
            event: TrainEvent::Step {
                step: 3,
                steps: 300,
                loss: 0.123_456_79,
                learning_rate: 1e-3,
                milliseconds: 81.5,
            },
        },
        FromWorker::Training {
            id: 6,
            event: TrainEvent::Packing,
        },
        FromWorker::Backbone {
            id: 9,
            backbone: BackboneSummary {
                name: "resnet18.safetensors".into(),
                architecture: "ResNet-18".into(),
                parameters: 2_780_000,
                bytes: 46_800_000,
                sha256: "ab".into(),
            },
        },
        FromWorker::Trained {
            id: 6,
            model: Box::new(model.clone()),
        },
        FromWorker::Failed {
            id: 4,
            failure: Failure::about(Matter::MaskOf("a.png".into()), "b"),
        },
    ] {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(
            serde_json::from_str::<FromWorker>(&text).unwrap(),
            message,
            "{text}"
        );
    }
}

#[test]
fn heads_count_their_attachments() {
    let counts: Vec<usize> = requests().iter().map(Head::attachments).collect();
    assert_eq!(counts, [0, 0, 2, 1, 1, 1, 2, 3, 1, 0, 0, 0, 0]);
    assert_eq!(
        FromWorker::Inspected {
            id: 1,
            answer: Box::new(answer())
        }
        .attachments(),
        4
    );
    assert_eq!(
        FromWorker::Ready {
            protocol: 1,
            products: Vec::new(),
            ramp: Vec::new()
        }
        .attachments(),
        0
    );
}

#[test]
fn only_what_expects_an_answer_is_a_request() {
    let ids: Vec<Option<RequestId>> = requests().iter().map(ToWorker::request).collect();
    assert_eq!(
        ids,
        [
            None,
            Some(1),
            Some(2),
            Some(3),
            Some(10),
            Some(6),
            Some(8),
            Some(7),
            Some(9),
            None,
            Some(4),
            Some(5),
            None
        ]
    );
}

#[test]
fn a_message_of_another_build_is_an_error() {
    assert!(serde_json::from_str::<FromWorker>(r#"{"telepathy":{}}"#).is_err());
    assert!(serde_json::from_str::<FromWorker>(r#"{"previewed":{"id":1}}"#).is_err());
}

#[test]
fn a_librarys_message_becomes_what_and_mend() {
    let words = &Language::En.words().failures;
    let message = "the PNG file is cut short (at: 7): save it again";
    let told = words.tell(&Failure::about(Matter::File("a.png".into()), message));
    assert_eq!(told.what, "a.png: the PNG file is cut short (at: 7).");
    assert_eq!(told.mend, "Save it again.");
    let told = words.tell(&Failure::about(Matter::File("a".into()), "no"));
    assert_eq!(told.what, "a: no.");
}

#[test]
fn every_fact_survives_the_journey_and_nonsense_is_an_error() {
    let text = |text: &str| text.to_owned();
    let facts = [
        Failure::Settings,
        Failure::about(Matter::File(text("a: b")), "c\nd"),
        Failure::about(Matter::Sample(spec()), "no"),
        Failure::about(Matter::ModelAt(text("http://a/b c")), ""),
        Failure::about(Matter::Package, "x"),
        Failure::SeveralSets {
            folders: vec![text("d/a b"), text("d/c")],
        },
        Failure::Restarted {
            message: text("it stopped"),
            again: Again::List,
        },
        Failure::Refused {
            url: text("u"),
            status: 503,
        },
        Failure::MaskSize {
            name: text("x"),
            mask: (7, 8),
            image: (9, 10),
        },
        Failure::StoppedOften {
            times: 5,
            message: String::new(),
        },
    ];
    for fact in facts {
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(serde_json::from_str::<Failure>(&json).unwrap(), fact);
    }
    let reason = Reason::SelfTest { map_error: 0.1 };
    let json = serde_json::to_string(&reason).unwrap();
    assert_eq!(json, r#"["SelfTest","0.1"]"#);
    assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), reason);
    for json in [r#"["Telepathy"]"#, "[]", r#"["Refused","u","many"]"#, "{}"] {
        assert!(serde_json::from_str::<Failure>(json).is_err(), "{json}");
    }
}

#[test]
fn phases_are_ordered_as_they_happen() {
    assert!(
        Phase::Program < Phase::Download
            && Phase::Download < Phase::Build
            && Phase::Build < Phase::WarmUp
            && Phase::WarmUp < Phase::SelfTest
    );
}
