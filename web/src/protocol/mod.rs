//! What the interface and the worker say to each other.
//!
//! A message is a head, plain data that travels as JSON, and a fixed number of attachments:
//! file handles on the way in, pixel and map buffers (moved, not copied) on the way out.
//! The head says how many attachments belong to it ([`Head::attachments`]), and the receiver
//! checks that count before it reads any ([`crate::attachment`]).
//!
//! A message is an object with one key, its kind. (Tags inside would make serde buffer each message: a good part
//! of the interface's program.)
//!
//! The worker speaks first ([`FromWorker::Ready`]): whatever is posted to a worker before its
//! program runs is lost.

mod answer;
mod backbone;
pub(crate) mod facts;
mod failure;
mod figures;
mod model;
mod score;
mod tiles;
mod training;

use serde::{Deserialize, Serialize};

use crate::{
    address::SampleSpec,
    backend::{Backend, BackendWish, Reason},
};

pub use answer::{Agreement, Answer};
pub use backbone::{BackboneSummary, no_backbone};
pub use failure::{Again, Failure, Matter, sentence};
pub use figures::{
    Figures, MeasurePlan, MeasuredImage, Note, PRO_LIMIT, PixelFigures, Ranking, polyline,
    precision_at, reached_at,
};
pub use model::{Architecture, ModelSummary, Origin, ProductInfo, SelfTest, TrainedOn};
pub use score::{Reduction, Scores, Source, Threshold};
pub use tiles::TileGrid;
pub use training::{
    FEWEST_IMAGES, GoodImage, MOST_IMAGES, MOST_STEPS, Steer, TILE_SIDES, TrainEvent, TrainPlan,
};

/// Version of this protocol. A cached worker of another build is refused, not misread.
pub const PROTOCOL: u32 = 4;

/// Pairs an answer with its request; unique for the life of the page.
pub type RequestId = u32;

/// A message's head: knows how many attachments travel with it.
pub trait Head {
    /// Number of attachments after the head.
    fn attachments(&self) -> usize;
}

/// Interface → worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// First message: choose a backend.
    Start {
        /// What the visitor or the address asked for.
        wish: BackendWish,
        /// Why the page itself asks for the CPU, when it does (an earlier worker trapped).
        because: Option<Reason>,
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
    /// Judge a frame of a camera; its RGBA pixels are attached as a buffer.
    InspectFrame {
        /// Request.
        id: RequestId,
        /// Name to show and to use in errors.
        name: String,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Judge an encoded image for the list; its `File` or `Blob` is attached. Answered with scores and a
    /// small picture.
    ListFile {
        /// Request.
        id: RequestId,
        /// Name to use in errors.
        name: String,
        /// Its map is wanted too.
        map: bool,
    },
    /// Compute the figures of a labelled folder whose images were judged.
    Measure {
        /// Request.
        id: RequestId,
        /// Scores and labels.
        plan: MeasurePlan,
    },
    /// Look through a weight file for a backbone to train on; its `File` is attached.
    CheckBackbone {
        /// Request.
        id: RequestId,
        /// Name to show and to use in errors.
        name: String,
    },
    /// Train a detector on good images; the files among them are attached in order. It goes on whenever
    /// nothing else waits.
    Train {
        /// Request.
        id: RequestId,
        /// How.
        plan: TrainPlan,
        /// The good images.
        images: Vec<GoodImage>,
        /// Name of the backbone's weight file, attached last; the backbone of the model in use when there is none.
        backbone: Option<String>,
    },
    /// Pause, resume or end a training.
    Steer {
        /// The training's request.
        id: RequestId,
        /// What to do.
        wish: Steer,
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
            Self::InspectFile { .. }
            | Self::InspectFrame { .. }
            | Self::ListFile { .. }
            | Self::CheckBackbone { .. } => 1,
            Self::Measure { plan, .. } => plan.attachments(),
            Self::Train {
                images, backbone, ..
            } => {
                let files = images
                    .iter()
                    .filter(|image| matches!(image, GoodImage::File { .. }));
                files.count() + usize::from(backbone.is_some())
            }
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
            | Self::InspectFrame { id, .. }
            | Self::ListFile { id, .. }
            | Self::Measure { id, .. }
            | Self::CheckBackbone { id, .. }
            | Self::Train { id, .. }
            | Self::InspectSample { id, .. }
            | Self::Preview { id, .. } => Some(*id),
            Self::Start { .. } | Self::Steer { .. } | Self::Forget { .. } => None,
        }
    }
}

/// Worker → interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        /// Why.
        reason: Reason,
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
    /// How far a large image is that is judged in tiles.
    Tiles {
        /// Request.
        id: RequestId,
        /// Tiles done.
        done: usize,
        /// Tiles in all.
        total: usize,
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
    /// An image of the list was judged. Attached: RGBA pixels of a small picture, heat over the image; and
    /// the map's values (f32), empty when they were not asked for.
    Listed {
        /// Request.
        id: RequestId,
        /// The judgement; `shown_width` and `shown_height` are the small picture's.
        answer: Box<Answer>,
    },
    /// The figures of a labelled folder.
    Measured {
        /// Request.
        id: RequestId,
        /// What was found.
        figures: Box<Figures>,
    },
    /// A weight file holds a backbone that can be trained on.
    Backbone {
        /// Request.
        id: RequestId,
        /// What it is.
        backbone: BackboneSummary,
    },
    /// How a training goes on.
    Training {
        /// The training's request.
        id: RequestId,
        /// What happened.
        event: TrainEvent,
    },
    /// A training ended and its detector is the model in use. Attached: its package, a zip archive.
    Trained {
        /// Request.
        id: RequestId,
        /// What it is.
        model: Box<ModelSummary>,
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
            Self::Listed { .. } => 2,
            Self::Previewed { .. } | Self::Trained { .. } => 1,
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

#[cfg(test)]
mod tests;
