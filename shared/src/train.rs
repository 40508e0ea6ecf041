//! The training loop: AdamW on the restorer alone, features from a cache. Native and browser run it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::config::ModelConfig;
use crate::feature_cache::{FeatureError, FeatureSource};
use crate::gradients::{Objective, Part, Worker, gradients, share_out};
use crate::loss::RestorationLoss;
use crate::model::{Fsr, RESTORER_PREFIX};
use crate::optimizer::NamedAdamW;
use crate::recipe::{Recipe, Start};
use crate::restorer::{Corruption, Restorer};
use crate::shuffle::shuffle_orders;
use crate::subspace::{SubspaceError, principal_start};
use crate::tensors::{NamedTensors, TensorError, import, read};

/// How long and how to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainOptions {
    /// Optimiser steps in all.
    pub steps: usize,
    /// Images in a step.
    pub batch: usize,
    /// Shuffling rate τ, 0 to 1.
    pub tau: f64,
    /// Seed of the order of images, the shuffles and the jitter.
    pub seed: u64,
    /// Losses are read back and reported after every this many steps (reading waits for the device).
    pub report_every: usize,
}

impl TrainOptions {
    /// Steps that make `epochs` passes over `images`, the last batch of an epoch possibly smaller.
    pub fn steps_for(epochs: usize, images: usize, batch: usize) -> usize {
        epochs * images.div_ceil(batch.max(1))
    }
}

/// Where training stands, at a report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainProgress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Passes over the images begun.
    pub epoch: usize,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Squared-error part of the loss.
    pub squared: f32,
    /// Local cosine part.
    pub local_cosine: f32,
    /// Global cosine part.
    pub global_cosine: f32,
}

impl TrainProgress {
    /// The whole loss (eq. 13).
    pub fn loss(&self) -> f32 {
        self.squared + self.local_cosine + self.global_cosine
    }
}

/// Why training stopped early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn from.
    #[error("there are no training images")]
    Empty,
    /// Features could not be had.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The loss is NaN or infinite.
    #[error(
        "the loss became {loss} at step {step}: lower the learning rate, or look for damaged images or weights"
    )]
    Diverged {
        /// Step at which it was seen.
        step: usize,
        /// Its value.
        loss: f32,
    },
    /// The device failed.
    #[error("the device failed at step {0}")]
    Device(usize),
    /// The principal subspace of the features could not be had.
    #[error(transparent)]
    Subspace(#[from] SubspaceError),
    /// Saved state that cannot be continued from.
    #[error("the checkpoint does not fit this training: {0}")]
    Checkpoint(String),
    /// Saved tensors that do not fit.
    #[error(transparent)]
    Tensors(#[from] TensorError),
}

/// Everything a training has beside weights and moments: where it stands and what it will draw next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// Steps done.
    pub step: usize,
    /// Passes over the images begun.
    pub epoch: usize,
    /// Images of this pass that are still to come, last first.
    pub queue: Vec<usize>,
    /// Key of the random stream, hexadecimal.
    pub rng_seed: String,
    /// 32-bit words already drawn from it.
    pub rng_words: u64,
    /// Optimiser steps of each parameter.
    pub optimizer_steps: BTreeMap<String, usize>,
}

/// A training in progress. [`Self::step`] by hand, or [`Self::run`] to the end.
pub struct Training {
    restorer: Restorer,
    optimizer: NamedAdamW,
    /// The model's own device first.
    workers: Vec<Worker>,
    config: ModelConfig,
    recipe: Recipe,
    options: TrainOptions,
    rng: ChaCha8Rng,
    queue: Vec<usize>,
    epoch: usize,
    step: usize,
}

impl Training {
    /// Starts from a model as its recipe says: [`Start::Principal`] looks at the training images first.
    ///
    /// # Errors
    /// When features cannot be had or the device fails.
    pub async fn begin(
        model: &Fsr,
        options: TrainOptions,
        source: &impl FeatureSource,
    ) -> Result<Self, TrainError> {
        if model.recipe.start != Start::Principal || source.is_empty() {
            return Ok(Self::new(model, options));
        }
        let mut begun = model.clone();
        begun.restorer = principal_start(model, source, options.seed).await?;
        Ok(Self::new(&begun, options))
    }

    /// Starts from a model as it is; its restorer is trained, its backbone is not used.
    pub fn new(model: &Fsr, options: TrainOptions) -> Self {
        let recipe = model.recipe.clone();
        let optimizer = NamedAdamW::new(&recipe);
        Self {
            restorer: model
                .restorer
                .clone()
                .fork(&model.device().clone().autodiff())
                .train(),
            optimizer,
            workers: vec![Worker::new(&model.config, model.device())],
            config: model.config.clone(),
            recipe,
            // Another stream than the weights', which the same seed made.
            rng: ChaCha8Rng::seed_from_u64(options.seed ^ 0x5eed_0f5e_ed0f_5eed),
            options,
            queue: Vec::new(),
            epoch: 0,
            step: 0,
        }
    }

    /// Shares each batch out among the model's own device and these; the optimiser steps on the model's own.
    ///
    /// The losses and weights are those of one device up to rounding, because shuffles and noise are drawn for the
    /// whole batch; on the CPU backend two runs with as many devices are bit-equal. A device may be named again: two
    /// parts on the CPU use two of its cores where single operations use one.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn with_devices(mut self, others: &[burn::tensor::Device]) -> Self {
        self.workers.truncate(1);
        let more = others.iter().map(|other| Worker::new(&self.config, other));
        self.workers.extend(more);
        self
    }

    /// Where this training stands, and the optimiser's moments; with [`Self::restorer`]'s weights
    /// that is all a continuation needs.
    ///
    /// # Errors
    /// When the device does not give the moments back.
    pub async fn state(&self) -> Result<(TrainState, NamedTensors), TrainError> {
        let (moments, optimizer_steps) = self.optimizer.state().await?;
        let state = TrainState {
            step: self.step,
            epoch: self.epoch,
            queue: self.queue.clone(),
            rng_seed: hex::encode(self.rng.get_seed()),
            // The stream wraps after 2^68 words; no training draws 2^64.
            rng_words: self.rng.get_word_pos() as u64,
            optimizer_steps,
        };
        Ok((state, moments))
    }

    /// Continues from what [`Self::state`] gave. On the CPU backend the rest of the training is
    /// bit-equal to one that was never interrupted.
    ///
    /// `weights` holds the restorer's tensors under their names in a package, `images` is the number
    /// of training images.
    ///
    /// # Errors
    /// When state, weights or moments do not fit the model, the options or the images.
    pub fn resume(
        model: &Fsr,
        options: TrainOptions,
        state: &TrainState,
        weights: &NamedTensors,
        moments: &NamedTensors,
        images: usize,
    ) -> Result<Self, TrainError> {
        let misfit = |reason: String| Err(TrainError::Checkpoint(reason));
        if state.step > options.steps {
            return misfit(format!(
                "it has {} steps behind it, the training has {}",
                state.step, options.steps
            ));
        }
        if let Some(index) = state.queue.iter().find(|index| **index >= images) {
            return misfit(format!("it asks for image {index} of {images}"));
        }
        let mut seed = [0; 32];
        if hex::decode_to_slice(&state.rng_seed, &mut seed).is_err() {
            return misfit("its random seed is not 64 hexadecimal digits".into());
        }
        let mut model = model.clone();
        model.restorer = import(model.restorer, weights, RESTORER_PREFIX)?;
        let mut training = Self::new(&model, options);
        training.optimizer.restore(
            &model.restorer,
            moments,
            &state.optimizer_steps,
            model.device(),
        )?;
        training.rng = ChaCha8Rng::from_seed(seed);
        training.rng.set_word_pos(u128::from(state.rng_words));
        training.queue.clone_from(&state.queue);
        training.epoch = state.epoch;
        training.step = state.step;
        Ok(training)
    }

    /// Steps done.
    pub fn steps_done(&self) -> usize {
        self.step
    }

    /// The restorer as it stands, for inference.
    pub fn restorer(&self) -> Restorer {
        self.restorer.valid()
    }

    /// One optimiser step on the next batch; the loss parts stay on the device.
    ///
    /// # Errors
    /// When features cannot be had.
    pub fn step(&mut self, source: &impl FeatureSource) -> Result<RestorationLoss, TrainError> {
        let indices = self.next_batch(source.len())?;
        let corruption = self.corruption(indices.len());
        let shares = share_out(indices.len(), self.workers.len());
        let parts = shares
            .into_iter()
            .zip(&self.workers)
            .map(|(range, worker)| {
                Ok(Part {
                    taps: source.batch(&indices[range.clone()], &worker.device)?,
                    corruption: corruption.part(range.clone()),
                    share: range.len() as f32 / indices.len() as f32,
                    worker: worker.clone(),
                })
            });
        let parts = parts.collect::<Result<Vec<Part>, FeatureError>>()?;
        let objective = Objective::new(&self.config, &self.recipe);
        let (loss, gradients) =
            gradients(&self.restorer, parts, objective).ok_or(TrainError::Empty)?;
        let rate = self.learning_rate();
        self.restorer = self.optimizer.step(rate, self.restorer.clone(), gradients);
        self.step += 1;
        Ok(loss)
    }

    /// Steps to the end, or until `report` says stop; it is called every `report_every` steps.
    ///
    /// # Errors
    /// When features cannot be had, the device fails, or the loss is no longer finite. The last
    /// finite restorer is not kept here: callers save at reports.
    pub async fn run(
        &mut self,
        source: &impl FeatureSource,
        mut report: impl FnMut(&Self, &TrainProgress) -> ControlFlow<()>,
    ) -> Result<(), TrainError> {
        while self.step < self.options.steps {
            let learning_rate = self.learning_rate();
            let loss = self.step(source)?;
            if !self.step.is_multiple_of(self.options.report_every.max(1))
                && self.step < self.options.steps
            {
                continue;
            }
            let progress = self.progress(loss, learning_rate).await?;
            if report(self, &progress).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a step's loss back.
    ///
    /// # Errors
    /// When the device fails or the loss is not finite.
    pub async fn progress(
        &self,
        loss: RestorationLoss,
        learning_rate: f64,
    ) -> Result<TrainProgress, TrainError> {
        let parts = read(Tensor::cat(
            vec![loss.squared, loss.local_cosine, loss.global_cosine],
            0,
        ))
        .await
        .ok_or(TrainError::Device(self.step))?;
        let [squared, local_cosine, global_cosine] = parts[..] else {
            return Err(TrainError::Device(self.step));
        };
        let progress = TrainProgress {
            step: self.step,
            steps: self.options.steps,
            epoch: self.epoch,
            learning_rate,
            squared,
            local_cosine,
            global_cosine,
        };
        if progress.loss().is_finite() {
            Ok(progress)
        } else {
            Err(TrainError::Diverged {
                step: self.step,
                loss: progress.loss(),
            })
        }
    }

    fn learning_rate(&self) -> f64 {
        self.recipe.rate_at(self.step, self.options.steps)
    }

    /// Every epoch sees each image once, in a new order.
    fn next_batch(&mut self, images: usize) -> Result<Vec<usize>, TrainError> {
        if images == 0 {
            return Err(TrainError::Empty);
        }
        if self.queue.is_empty() {
            self.queue = (0..images).collect();
            self.queue.shuffle(&mut self.rng);
            self.epoch += 1;
        }
        let rest = self.queue.len().saturating_sub(self.options.batch.max(1));
        Ok(self.queue.split_off(rest))
    }

    fn corruption(&mut self, batch: usize) -> Corruption {
        let (length, width) = (self.config.tokens(), self.config.restorer.width);
        let noise = (self.recipe.jitter_ratio > 0.0).then(|| {
            StandardNormal
                .sample_iter(&mut self.rng)
                .take(batch * length * width)
                .collect()
        });
        let orders = shuffle_orders(
            batch,
            length,
            self.options.tau,
            self.recipe.shuffle_count,
            &mut self.rng,
        );
        Corruption {
            orders,
            noise,
            jitter_ratio: self.recipe.jitter_ratio,
        }
    }
}
