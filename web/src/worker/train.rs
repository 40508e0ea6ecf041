//! Training a detector on the visitor's good images, a small piece at a time.
//!
//! A piece is one image's features, one optimiser step, or one calibration map. Between two of them the
//! worker returns to its event loop, so that it hears pause, stop and whatever else is asked.

use fsr::{
    calibration::{CalibrationBuilder, CalibrationSource},
    detector::{Detector, KeptError, map_of_features},
    feature_cache::{FeatureError, FeatureSource, tap_shapes},
    map::ScoreKind,
    model::{Fsr, ModelError},
    package::{
        DEFAULT_SHARD_BYTES, Dtype, Package, PackageConfig, PackageError, Provenance,
        SelfTest as StoredTest, WeightsOrigin, pack,
    },
    preprocess::to_input_size,
    products::{Product, SIZES, generate},
    recipe::Recipe,
    restorer::Restorer,
    tiles::{Tiling, stitch::map_size},
    train::{TrainError, TrainOptions, Training},
};
use wasm_bindgen::JsValue;
use web_time::Instant;

use fsr_web::{
    address::spaced,
    protocol::{Failure, FromWorker, GoodImage, RequestId, Steer, TrainEvent, TrainPlan},
};

use crate::{backbone::Base, good_images::GoodFeatures, judge::since, outbox::send};

/// Why a training cannot go on.
pub enum Trouble {
    /// Something of the visitor's: an image, a setting.
    Given(Failure),
    /// The device, or numbers that are not finite: on WebGPU the CPU may do better.
    Device(String),
}

impl From<FeatureError> for Trouble {
    fn from(error: FeatureError) -> Self {
        Self::Device(error.to_string())
    }
}

impl From<ModelError> for Trouble {
    fn from(error: ModelError) -> Self {
        Self::Device(error.to_string())
    }
}

impl From<KeptError> for Trouble {
    fn from(error: KeptError) -> Self {
        Self::Device(error.to_string())
    }
}

impl From<TrainError> for Trouble {
    fn from(error: TrainError) -> Self {
        Self::Device(error.to_string())
    }
}

impl From<PackageError> for Trouble {
    fn from(error: PackageError) -> Self {
        Self::Device(error.to_string())
    }
}

/// What is being done.
enum Phase {
    /// Features of the images and of their altered copies.
    Features,
    /// Optimiser steps.
    Steps(Box<Training>),
    /// Maps of the altered copies, for the threshold, and how many there are.
    Calibrating(Box<Fsr>, CalibrationBuilder, usize),
}

/// A training under way.
pub struct Job {
    /// Its request.
    pub id: RequestId,
    plan: TrainPlan,
    images: usize,
    tiling: Option<Tiling>,
    /// The untrained model.
    model: Fsr,
    weights: Option<WeightsOrigin>,
    data: String,
    features: GoodFeatures,
    phase: Phase,
    steps_done: usize,
    paused: bool,
    stop: bool,
}

impl Job {
    /// Begins; `attached` are the images' files in order.
    pub fn new(
        id: RequestId,
        plan: TrainPlan,
        images: Vec<GoodImage>,
        attached: Vec<JsValue>,
        base: Base,
    ) -> Result<Self, Failure> {
        plan.check(images.len())?;
        let Base {
            config,
            backbone,
            weights,
            device,
        } = base;
        let recipe = Recipe::for_few_images(config.backbone.kind);
        let restorer = Restorer::new(
            &config.restorer,
            (&config).into(),
            recipe.position,
            plan.seed,
            &device,
        );
        let model = Fsr::from_parts(&config, &recipe, backbone, restorer, &device);
        let count = images.len();
        let drawn = images.iter().find_map(|image| match image {
            GoodImage::Sample { sample } => Some(spaced(&sample.product)),
            GoodImage::File { .. } => None,
        });
        let tiling = plan.tile.map(Tiling::of_size);
        let shapes = tap_shapes(&config);
        Ok(Self {
            id,
            tiling,
            plan,
            images: count,
            model,
            weights,
            data: drawn.map_or_else(
                || "photographs given to the page".to_owned(),
                |product| format!("generated samples ({product})"),
            ),
            features: GoodFeatures::new(images, attached, tiling, shapes),
            phase: Phase::Features,
            steps_done: 0,
            paused: false,
            stop: false,
        })
    }

    /// Pause, resume, or end and keep.
    pub fn steer(&mut self, wish: Steer) {
        let paused = self.paused;
        match wish {
            Steer::Pause => self.paused = true,
            Steer::Resume => self.paused = false,
            Steer::Stop => (self.stop, self.paused) = (true, false),
        }
        if paused != self.paused {
            let paused = self.paused;
            self.tell(TrainEvent::Paused { paused });
        }
    }

    /// Whether there is something to do now.
    pub fn wants_to_go_on(&self) -> bool {
        !self.paused
    }

    fn tell(&self, event: TrainEvent) {
        send(&FromWorker::Training { id: self.id, event }, &[]);
    }

    /// Does one piece. The finished package, at the end.
    pub async fn advance(&mut self) -> Result<Option<Box<Package>>, Trouble> {
        match self.phase {
            Phase::Features => self.one_feature().await.map(|()| None),
            Phase::Steps(_) => self.one_step().await.map(|()| None),
            Phase::Calibrating(..) => self.one_map().await,
        }
    }

    /// The features of an image, or of a few of its tiles.
    async fn one_feature(&mut self) -> Result<(), Trouble> {
        self.features.advance(&self.model).await?;
        let (done, total) = self.features.progress();
        self.tell(TrainEvent::Features { done, total });
        if done == total {
            let options = TrainOptions {
                steps: self.plan.steps,
                batch: self.batch(),
                tau: self.plan.tau,
                seed: self.plan.seed,
                report_every: 1,
            };
            let good = &self.features.good.cache;
            let training = Training::begin(&self.model, options, good).await?;
            self.phase = Phase::Steps(Box::new(training));
        }
        Ok(())
    }

    /// Images, or tiles, in a step.
    fn batch(&self) -> usize {
        self.plan.batch.min(self.features.good.cache.len()).max(1)
    }

    async fn one_step(&mut self) -> Result<(), Trouble> {
        let Phase::Steps(training) = &mut self.phase else {
            return Ok(());
        };
        let steps = self.plan.steps;
        if training.steps_done() < steps && !(self.stop && training.steps_done() > 0) {
            let start = Instant::now();
            let learning_rate = self.model.recipe.rate_at(training.steps_done(), steps);
            let loss = training.step(&self.features.good.cache)?;
            let progress = training.progress(loss, learning_rate).await?;
            self.steps_done = progress.step;
            self.tell(TrainEvent::Step {
                step: progress.step,
                steps,
                loss: progress.loss(),
                learning_rate,
                milliseconds: since(start),
            });
            return Ok(());
        }
        let trained = Fsr::from_parts(
            &self.model.config,
            &self.model.recipe,
            self.model.backbone.clone(),
            training.restorer(),
            self.model.device(),
        );
        let side = trained.config.image_size;
        let values = self.features.altered.plans.iter().map(|plan| {
            let (width, height) = map_size(plan, side);
            width * height
        });
        let source = CalibrationSource::AlteredTraining;
        let builder = CalibrationBuilder::new(ScoreKind::Std, source, values.sum());
        self.phase = Phase::Calibrating(Box::new(trained), builder, 0);
        Ok(())
    }

    async fn one_map(&mut self) -> Result<Option<Box<Package>>, Trouble> {
        let total = self.features.altered.plans.len();
        let Phase::Calibrating(model, builder, count) = &mut self.phase else {
            return Ok(None);
        };
        if let Some(plan) = self.features.altered.plans.get(*count) {
            let first = self.features.altered.first(*count);
            let map = map_of_features(model, &self.features.altered.cache, first, plan).await?;
            builder.add(&map);
            *count += 1;
            let done = *count;
            self.tell(TrainEvent::Calibrating { done, total });
            return Ok(None);
        }
        self.tell(TrainEvent::Packing);
        self.package().await.map(|package| Some(Box::new(package)))
    }

    /// The trained detector with its calibration and its self-test.
    async fn package(&self) -> Result<Package, Trouble> {
        let Phase::Calibrating(model, builder, _) = &self.phase else {
            return Err(Trouble::Device("the training has not ended".into()));
        };
        let name = self.plan.name.clone();
        let config = PackageConfig::new(name, model.config.clone(), model.recipe.clone());
        let mut config = config.in_tiles(self.tiling);
        config.calibration = builder.clone().finish();
        config.provenance = Provenance {
            data: self.data.clone(),
            categories: Vec::new(),
            images: self.images,
            shots: Some(self.images),
            seed: self.plan.seed,
            tau: self.plan.tau as f32,
            epochs: (self.steps_done * self.batch())
                .div_ceil(self.features.good.cache.len().max(1)),
            steps: self.steps_done,
            backbone_weights: self.weights.clone(),
            ..config.provenance
        };
        let tensors = model
            .tensors()
            .await
            .map_err(|error| Trouble::Device(error.to_string()))?;
        let detector = Detector {
            model: (**model).clone(),
            config: config.clone(),
        };
        // Drawn, so that no photograph of the visitor's travels in the package.
        let side = config.model.image_size;
        let product = Product::ALL[0];
        let drawn = (side as u32).clamp(*SIZES.start(), *SIZES.end());
        let picture = generate(product, product.defects().first().copied(), 1, drawn)
            .map_err(|error| Trouble::Device(error.to_string()))?;
        let image = to_input_size(&picture.image, side);
        let found = detector.inspect_whole(&image).await?;
        Ok(Package {
            config,
            tensors,
            self_test: Some(StoredTest {
                image,
                map: found.map,
                scores: found.scores,
            }),
        })
    }
}

/// The package as one file.
pub fn archive(package: &Package) -> Result<Vec<u8>, Trouble> {
    // In full precision: what is saved answers as what was trained.
    let files = package.write(Dtype::F32, DEFAULT_SHARD_BYTES)?;
    pack(&files).map_err(|error| Trouble::Device(error.to_string()))
}
