//! What the interface and the worker say to each other.
//!
//! A message is a head, plain data that travels as JSON, and a fixed number of attachments:
//! file handles on the way in, pixel and map buffers (moved, not copied) on the way out.
//! The head says how many attachments belong to it ([`Head::attachments`]), and the receiver
//! checks that count before it reads any ([`crate::attachment`]).
//!
//! The worker speaks first ([`FromWorker::Ready`]): whatever is posted to a worker before its
//! program runs is lost.

use serde::{Deserialize, Serialize};

use crate::{
    address::SampleSpec,
    backend::{Backend, BackendWish},
};

/// Version of this protocol. A cached worker of another build is refused, not misread.
pub const PROTOCOL: u32 = 1;

/// Pairs an answer with its request; unique for the life of the page.
pub type RequestId = u32;

/// A message's head: knows how many attachments travel with it.
pub trait Head {
    /// Number of attachments after the head.
    fn attachments(&self) -> usize;
}

/// Interface → worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToWorker {
    /// First message: choose a backend.
    Start {
        /// What the visitor or the address asked for.
        wish: BackendWish,
        /// Why the page itself asks for the CPU, when it does (an earlier worker trapped).
        because: Option<String>,
    },
    /// Load a model package from the page's own server.
    FetchPackage {
        /// Request.
        id: RequestId,
        /// Absolute address of the package's folder, ending in `/`.
        url: String,
    },
    /// Load a model package from local files; one `File` attached per name.
    OpenPackage {
        /// Request.
        id: RequestId,
        /// File names, in the order of the attachments.
        names: Vec<String>,
    },
    /// Judge an encoded image; its `File` or `Blob` is attached.
    InspectFile {
        /// Request.
        id: RequestId,
        /// Name to show and to use in errors.
        name: String,
    },
    /// Generate a sample and judge it.
    InspectSample {
        /// Request.
        id: RequestId,
        /// Which sample.
        sample: SampleSpec,
    },
    /// Generate a sample and only show it.
    Preview {
        /// Request.
        id: RequestId,
        /// Which sample.
        sample: SampleSpec,
    },
    /// The answer to these requests is no longer wanted; work not begun is dropped.
    Forget {
        /// Requests.
        ids: Vec<RequestId>,
    },
}

impl Head for ToWorker {
    fn attachments(&self) -> usize {
        match self {
            Self::OpenPackage { names, .. } => names.len(),
            Self::InspectFile { .. } => 1,
            _ => 0,
        }
    }
}

impl ToWorker {
    /// The request this message makes, if it expects an answer.
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::FetchPackage { id, .. }
            | Self::OpenPackage { id, .. }
            | Self::InspectFile { id, .. }
            | Self::InspectSample { id, .. }
            | Self::Preview { id, .. } => Some(*id),
            Self::Start { .. } | Self::Forget { .. } => None,
        }
    }
}

/// Worker → interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FromWorker {
    /// The worker's program runs and listens.
    Ready {
        /// [`PROTOCOL`] of the worker's build.
        protocol: u32,
        /// What samples can be generated.
        products: Vec<ProductInfo>,
        /// Evenly spaced colours of the heat map, cool to hot.
        ramp: Vec<[u8; 3]>,
    },
    /// The worker cannot go on; nothing it says later counts.
    Trapped {
        /// The panic message or the browser's error.
        message: String,
    },
    /// The backend in use, and why this one.
    Backend {
        /// Which.
        backend: Backend,
        /// Why, as a sentence for the visitor.
        reason: String,
    },
    /// Progress of loading a model.
    Progress {
        /// What is being done.
        phase: Phase,
        /// Bytes (or steps) done.
        done: u64,
        /// Bytes (or steps) in all, when known.
        total: Option<u64>,
    },
    /// A model is loaded, warm and tested.
    Model {
        /// Request.
        id: RequestId,
        /// What it is.
        model: Box<ModelSummary>,
    },
    /// An image was judged. Attached: shown RGBA pixels, the map's values (f32), the map in
    /// colour (RGBA, see-through where cool), and the ground-truth mask (one byte a shown
    /// pixel, 0 or 255; empty when there is none).
    Inspected {
        /// Request.
        id: RequestId,
        /// The judgement.
        answer: Box<Answer>,
    },
    /// A sample was generated. Attached: RGBA pixels.
    Previewed {
        /// Request.
        id: RequestId,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A request failed; the worker goes on.
    Failed {
        /// Request.
        id: RequestId,
        /// What went wrong and what to do.
        failure: Failure,
    },
}

impl Head for FromWorker {
    fn attachments(&self) -> usize {
        match self {
            Self::Inspected { .. } => 4,
            Self::Previewed { .. } => 1,
            _ => 0,
        }
    }
}

/// Steps of making a model ready, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Fetching the worker's program.
    Program,
    /// Fetching or reading the package's files.
    Download,
    /// Building the detector from the files.
    Build,
    /// First inference: compiles shaders, touches memory.
    WarmUp,
    /// Comparing with the map stored in the package.
    SelfTest,
}

impl Phase {
    /// For the progress line.
    pub fn label(self) -> &'static str {
        match self {
            Self::Program => "Downloading the detector",
            Self::Download => "Downloading the model",
            Self::Build => "Building the detector",
            Self::WarmUp => "Warming up",
            Self::SelfTest => "Running the self-test",
        }
    }
}

/// An error for a person: what is wrong, with the thing's name, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl Failure {
    /// From the two sentences.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// From a library's message of the form "what is wrong: what to do", about the thing `name`.
    pub fn about(name: &str, message: &str) -> Self {
        match message.rsplit_once(": ") {
            Some((what, mend)) => Self::new(format!("{name}: {what}."), sentence(mend)),
            None => Self::new(format!("{name}: {message}."), "Try another file."),
        }
    }
}

/// First letter large, full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}

/// Image scores: three reductions of one map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Standard deviation over the pixels.
    pub std: f32,
    /// Largest value.
    pub max: f32,
    /// Mean of the largest 1 % of the pixels.
    pub top1: f32,
}

/// Which of [`Scores`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// [`Scores::std`].
    Std,
    /// [`Scores::max`].
    Max,
    /// [`Scores::top1`].
    Top1,
}

impl Reduction {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Std => "spread of the map",
            Self::Max => "hottest pixel",
            Self::Top1 => "hottest 1 % of pixels",
        }
    }
}

impl Scores {
    /// The score that `reduction` names.
    pub fn get(&self, reduction: Reduction) -> f32 {
        match reduction {
            Reduction::Std => self.std,
            Reduction::Max => self.max,
            Reduction::Top1 => self.top1,
        }
    }
}

/// The package's calibration on good images, as far as the page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Which score decides.
    pub reduction: Reduction,
    /// Above it the verdict is anomalous.
    pub value: f32,
    /// `(probability, score)` of good images, rising.
    pub quantiles: Vec<(f32, f32)>,
    /// Colours run from this map value…
    pub scale_low: f32,
    /// …to this one, for every image.
    pub scale_high: f32,
    /// Good images the figures rest on.
    pub images: usize,
    /// Where those came from, in words ("good images kept out of training").
    pub source: String,
}

/// Result of the package's self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SelfTest {
    /// Map and score agree with the stored ones.
    Passed {
        /// Largest map difference, relative to the stored map's maximum.
        map_error: f32,
        /// Relative difference of the scores.
        score_error: f32,
    },
    /// They do not.
    Failed {
        /// As above.
        map_error: f32,
        /// As above.
        score_error: f32,
    },
    /// The package brings none.
    Absent,
}

/// A loaded model, for the status line and the details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Name from the package or its folder.
    pub name: String,
    /// Where it came from, in words.
    pub origin: String,
    /// Backbone and restorer in words.
    pub architecture: String,
    /// What it was trained on, in words; empty when the package does not say.
    pub trained_on: String,
    /// Bytes of the package.
    pub bytes: u64,
    /// Calibration of all categories together, when the package has one.
    pub threshold: Option<Threshold>,
    /// The self-test's result.
    pub self_test: SelfTest,
    /// Milliseconds for: files, build, warm-up, self-test.
    pub load_ms: [f64; 4],
}

/// A product that samples can be generated of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductInfo {
    /// As in [`SampleSpec::product`].
    pub name: String,
    /// For people.
    pub title: String,
    /// As in [`SampleSpec::defect`].
    pub defects: Vec<String>,
}

/// One image, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// File name or the sample's title.
    pub name: String,
    /// The sample, when it was generated.
    pub sample: Option<SampleSpec>,
    /// Pixels of the image as it came.
    pub width: u32,
    /// Pixels of the image as it came.
    pub height: u32,
    /// Pixels of the attached picture (large images are shown smaller).
    pub shown_width: u32,
    /// Pixels of the attached picture.
    pub shown_height: u32,
    /// Pixels of the map.
    pub map_width: u32,
    /// Pixels of the map.
    pub map_height: u32,
    /// The three scores.
    pub scores: Scores,
    /// The calibration that judges it: of its category when the package has one, else of all.
    /// `None`: no calibration in the package, so there is a map and a score but no verdict.
    pub threshold: Option<Threshold>,
    /// Agreement with the ground truth, for generated samples with a defect.
    pub agreement: Option<Agreement>,
    /// Stage and milliseconds, in order.
    pub timings: Vec<(String, f64)>,
    /// Which backend computed it.
    pub backend: Backend,
}

/// How well the map meets the ground truth of one generated sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Area under the pixel ROC curve of this image; `None` when the mask is uniform.
    pub pixel_auroc: Option<f64>,
    /// Intersection over union of the hot region and the mask.
    pub iou: f64,
    /// Share of the mask in the image, 0 to 1.
    pub area: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
                because: Some("it trapped".into()),
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
            origin: "this page".into(),
            architecture: "lite".into(),
            trained_on: String::new(),
            bytes: 3,
            threshold: Some(Threshold {
                reduction: Reduction::Top1,
                value: 0.3,
                quantiles: vec![(0.5, 0.1), (0.99, 0.3)],
                scale_low: 0.0,
                scale_high: 1.5,
                images: 64,
                source: "good images".into(),
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
                reason: "asked for".into(),
            },
            FromWorker::Progress {
                phase: Phase::Download,
                done: 1 << 40,
                total: None,
            },
            FromWorker::Model {
                id: 1,
                model: Box::new(model),
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
            FromWorker::Failed {
                id: 4,
                failure: Failure::new("a", "b"),
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
        assert_eq!(counts, [0, 0, 2, 1, 0, 0, 0]);
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
            [None, Some(1), Some(2), Some(3), Some(4), Some(5), None]
        );
    }

    #[test]
    fn a_message_of_another_build_is_an_error() {
        assert!(serde_json::from_str::<FromWorker>(r#"{"kind":"telepathy"}"#).is_err());
        assert!(serde_json::from_str::<FromWorker>(r#"{"kind":"previewed","id":1}"#).is_err());
    }

    #[test]
    fn a_librarys_message_becomes_what_and_mend() {
        assert_eq!(
            Failure::about("a.png", "the PNG file is cut short (at: 7): save it again"),
            Failure::new(
                "a.png: the PNG file is cut short (at: 7).",
                "Save it again."
            )
        );
        assert_eq!(Failure::about("a", "no").what, "a: no.");
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
}
