//! What the page shows, as signals.

use std::{collections::HashMap, sync::Arc};

use leptos::prelude::*;

use fsr_web::{
    address::{Address, SampleSpec, View},
    backend::{Backend, Reason},
    curve::Curve,
    list::{Row, RowId},
    palette::Palette,
    protocol::{
        Answer, BackboneSummary, Failure, Figures, ModelSummary, Phase, ProductInfo, Threshold,
    },
    region,
    verdict::{self, Verdict},
};

use crate::{camera::Camera, language::words, live::Live};

/// Where the page is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// The worker's program is on its way.
    Starting,
    /// A model is being made ready.
    Loading {
        /// Which step.
        phase: Phase,
        /// Bytes or steps.
        done: u64,
        /// Bytes or steps, when known.
        total: Option<u64>,
    },
    /// Images can be judged.
    Ready,
    /// There is no model: loading it failed.
    Empty,
    /// The worker is gone for good.
    Dead,
}

/// Where a training stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainStage {
    /// None was asked for, or it was given up.
    Idle,
    /// Asked for; the worker has not begun.
    Asked,
    /// Features of good images are computed.
    Features {
        /// Done.
        done: usize,
        /// In all.
        total: usize,
    },
    /// Steps are done.
    Running,
    /// The threshold is being set.
    Calibrating {
        /// Done.
        done: usize,
        /// In all.
        total: usize,
    },
    /// The package is being made.
    Packing,
    /// The trained detector is in use.
    Done,
}

impl TrainStage {
    /// Whether the worker is at it, or waits in it.
    pub fn under_way(self) -> bool {
        !matches!(self, Self::Idle | Self::Done)
    }

    /// For `data-state`, which tests use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Asked => "asked",
            Self::Features { .. } => "features",
            Self::Running => "running",
            Self::Calibrating { .. } => "calibrating",
            Self::Packing => "packing",
            Self::Done => "done",
        }
    }
}

/// Figures of the labelled folder in the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// There is none.
    Nothing,
    /// Its images are being judged.
    Waiting,
    /// The worker was asked.
    Asked,
    /// Here they are.
    Done(Arc<Figures>),
    /// Why there are none.
    Failed(Failure),
}

impl Measured {
    /// For `data-state`, which tests use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Waiting => "waiting",
            Self::Asked => "asked",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
        }
    }
}

/// What an image is called: by its file, or by the sample it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// File name.
    File(String),
    /// A generated sample.
    Sample(SampleSpec),
}

impl Subject {
    /// Of a judged image.
    pub fn of(answer: &Answer) -> Self {
        match &answer.sample {
            Some(sample) => Self::Sample(sample.clone()),
            None => Self::File(answer.name.clone()),
        }
    }

    /// Its name in the page's language.
    pub fn name(&self) -> String {
        match self {
            Self::File(name) => name.clone(),
            Self::Sample(sample) => words().samples.name(sample),
        }
    }
}

/// A good image to train on, as the page shows it. Its file, if it is one, is kept by `collect`.
#[derive(Debug, Clone, PartialEq)]
pub struct GoodItem {
    /// Names it.
    pub id: u32,
    /// File name; for a sample its title, which the page says in its own language.
    pub name: String,
    /// Where its picture is.
    pub picture: GoodPicture,
}

/// The picture of a good image.
#[derive(Debug, Clone, PartialEq)]
pub enum GoodPicture {
    /// An object URL of its file.
    Url(String),
    /// A generated sample's preview.
    Sample(SampleSpec),
}

/// A trained detector's package, ready to be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// File name.
    pub file: String,
    /// Object URL of the archive.
    pub url: String,
    /// Bytes.
    pub bytes: u64,
}

/// Pixels to paint.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Row-major RGBA.
    pub rgba: Vec<u8>,
}

/// A judged image with everything the result view needs.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What the worker said.
    pub answer: Answer,
    /// The image.
    pub picture: Picture,
    /// The anomaly map's values, row-major, stretched over the image.
    pub map: Vec<f32>,
    /// The map in colour, see-through where cool.
    pub heat: Picture,
    /// Ground truth in the picture's pixels, 0 or 255; empty when there is none.
    pub mask: Vec<u8>,
    /// Which model answered: its place among those that came into use, and its name.
    pub model: (u32, String),
}

impl Shown {
    /// Good, anomalous, or no verdict.
    pub fn verdict(&self, threshold: Option<&Threshold>) -> Verdict {
        verdict::verdict(&self.answer.scores, threshold)
    }

    /// The colour scale: from calibration, or for a package without one the map's own range.
    pub fn scale(&self) -> (f32, f32) {
        verdict::scale(self.answer.threshold.as_ref(), self.answer.scores.max)
    }

    /// The map in words.
    pub fn description(&self) -> String {
        let (low, high) = self.scale();
        region::describe(
            words(),
            region::hot_region(&self.map, self.answer.map_width as usize, low, high).as_ref(),
        )
    }
}

/// What the next training is done on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backbone {
    /// That of the model in use.
    OfTheModel,
    /// A weight file of this name is being looked through.
    Checking(String),
    /// The network in a weight file of the visitor's.
    Own(BackboneSummary),
}

/// All signals of the page; a copy refers to the same ones.
#[derive(Clone, Copy)]
pub struct Page {
    /// Life of the worker and the model.
    pub stage: RwSignal<Stage>,
    /// Backend and why it was chosen.
    pub backend: RwSignal<Option<(Backend, Reason)>>,
    /// The model in use.
    pub model: RwSignal<Option<Arc<ModelSummary>>>,
    /// The last judged image.
    pub shown: RwSignal<Option<Arc<Shown>>>,
    /// Another model's answer to the same image.
    pub other: RwSignal<Option<Arc<Shown>>>,
    /// Show it left of the swipe view's line.
    pub compare: RwSignal<bool>,
    /// The image under way.
    pub busy: RwSignal<Option<Subject>>,
    /// Of a large image under way: tiles done, and of how many.
    pub tiles_done: RwSignal<Option<(usize, usize)>>,
    /// The last failure, until dismissed.
    pub failure: RwSignal<Option<Failure>>,
    /// Pictures of samples.
    pub previews: RwSignal<HashMap<SampleSpec, Arc<Picture>>>,
    /// What samples can be generated, once the worker says so.
    pub products: RwSignal<Vec<ProductInfo>>,
    /// Colours of the heat map, cool to hot.
    pub ramp: RwSignal<Vec<[u8; 3]>>,
    /// The part of the state that can be shared.
    pub address: RwSignal<Address>,
    /// Picture, heat, or both.
    pub view: RwSignal<View>,
    /// Of the heat, 0 to 100.
    pub opacity: RwSignal<u32>,
    /// Where the line of the swipe view stands, 0 to 100 from the left.
    pub divider: RwSignal<u32>,
    /// Colours of the heat.
    pub palette: RwSignal<Palette>,
    /// Show the ground truth's outline.
    pub outline: RwSignal<bool>,
    /// Draw the line where heat begins.
    pub contour: RwSignal<bool>,
    /// The camera.
    pub camera: Camera,
    /// Judging what it sees.
    pub live: Live,
    /// What the next training is done on.
    pub backbone: RwSignal<Backbone>,
    /// Draw the tiles of a large image.
    pub tiles: RwSignal<bool>,
    /// Good images to train on.
    pub good: RwSignal<Vec<GoodItem>>,
    /// Where the training stands.
    pub training: RwSignal<TrainStage>,
    /// The training waits.
    pub paused: RwSignal<bool>,
    /// Its losses.
    pub curve: RwSignal<Curve>,
    /// The detector trained here.
    pub saved: RwSignal<Option<Saved>>,
    /// Counts the models that came into use.
    pub model_serial: RwSignal<u32>,
    /// The list of images.
    pub rows: RwSignal<Vec<Row>>,
    /// Figures of the labelled folder among them.
    pub measured: RwSignal<Measured>,
    /// The row whose image is shown or asked for.
    pub opened: RwSignal<Option<RowId>>,
    /// The visitor's own threshold for the model in use.
    pub threshold: RwSignal<Option<f32>>,
}

impl Page {
    /// A page before anything happened, with the state in its address.
    pub fn new(address: Address) -> Self {
        Self {
            stage: RwSignal::new(Stage::Starting),
            backend: RwSignal::new(None),
            model: RwSignal::new(None),
            shown: RwSignal::new(None),
            other: RwSignal::new(None),
            compare: RwSignal::new(true),
            busy: RwSignal::new(None),
            tiles_done: RwSignal::new(None),
            failure: RwSignal::new(None),
            previews: RwSignal::new(HashMap::new()),
            products: RwSignal::new(Vec::new()),
            ramp: RwSignal::new(Vec::new()),
            view: RwSignal::new(address.view),
            opacity: RwSignal::new(75),
            divider: RwSignal::new(50),
            palette: RwSignal::new(address.palette),
            outline: RwSignal::new(false),
            contour: RwSignal::new(true),
            camera: Camera::new(),
            live: Live::new(),
            backbone: RwSignal::new(Backbone::OfTheModel),
            tiles: RwSignal::new(false),
            good: RwSignal::new(Vec::new()),
            training: RwSignal::new(TrainStage::Idle),
            paused: RwSignal::new(false),
            curve: RwSignal::new(Curve::default()),
            saved: RwSignal::new(None),
            model_serial: RwSignal::new(0),
            rows: RwSignal::new(Vec::new()),
            measured: RwSignal::new(Measured::Nothing),
            opened: RwSignal::new(None),
            threshold: RwSignal::new(None),
            address: RwSignal::new(address),
        }
    }

    /// The model's calibration with the visitor's own threshold, if there is one.
    pub fn model_threshold(&self) -> Option<Threshold> {
        let known = self
            .model
            .with(|model| model.as_ref().and_then(|model| model.threshold.clone()))?;
        Some(Threshold {
            value: self.threshold.get().unwrap_or(known.value),
            ..known
        })
    }

    /// The calibration that judges an answer. The visitor's own threshold stands for that of the whole
    /// model, not for those of single products.
    pub fn threshold_of(&self, answer: &Answer) -> Option<Threshold> {
        let own = answer.threshold.clone()?;
        let whole = self.model.with(|model| {
            model
                .as_ref()
                .is_some_and(|model| model.threshold.as_ref() == Some(&own))
        });
        if whole {
            self.model_threshold()
        } else {
            Some(own)
        }
    }

    /// The threshold of the address, for the first model that comes into use; none for those after it.
    pub fn first_threshold(&self) -> Option<f32> {
        self.address
            .with_untracked(|address| address.threshold)
            .filter(|_| self.model_serial.get_untracked() == 0)
    }

    /// Changes the address without a new entry in the history.
    pub fn set_address(&self, change: impl FnOnce(&mut Address)) {
        self.address.update(change);
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        let query = self.address.with_untracked(Address::query);
        if let Ok(history) = window().history() {
            // Refused only on pages without an origin, where there is nothing to share.
            let _ = history.replace_state_with_url(
                &wasm_bindgen::JsValue::NULL,
                "",
                Some(&format!("{path}{query}")),
            );
        }
    }
}
