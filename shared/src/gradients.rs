//! The gradients of one step: forward, loss and backward, on one device or shared out among several.
//!
//! Data parallel as Burn's own `MultiDeviceOptim::OptimMainDevice` has it: each device gets a fork of the network and
//! a part of the batch, works in its own thread, and Burn's [`GradientsAccumulator`] adds up what comes back on the
//! first device. All losses are means over images (eq. 10–12), so each part is weighted by its share of the batch and
//! the sum is the whole batch's gradient up to rounding. Parts are added in their order, never in that of arrival.
//!
//! On the CPU only what lies between embedding and head goes through automatic differentiation. Beyond them are the wide
//! tensors of feature tokens: the loss's gradient comes from [`HostLoss`], and that of the two linear layers is a matrix
//! product each.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use crate::config::ModelConfig;
use crate::features::FeatureFusion;
use crate::loss::host::HostLoss;
use crate::loss::{RestorationLoss, restoration_loss};
use crate::recipe::{ChannelReduction, LossTerms, Recipe};
use crate::restorer::{Corruption, Restorer};

/// What is minimised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objective {
    channels: usize,
    reduction: ChannelReduction,
    terms: LossTerms,
}

impl Objective {
    /// That of a model and its recipe.
    pub(crate) fn new(config: &ModelConfig, recipe: &Recipe) -> Self {
        Self {
            channels: config.backbone.kind.feature_channels(),
            reduction: recipe.channel_reduction,
            terms: recipe.loss,
        }
    }

    /// The sum of the chosen terms.
    fn minimised(&self, loss: &RestorationLoss) -> Tensor<1> {
        if self.terms == LossTerms::ALL {
            return loss.total();
        }
        let parts = [
            (self.terms.squared, &loss.squared),
            (self.terms.local, &loss.local_cosine),
            (self.terms.global, &loss.global_cosine),
        ];
        let chosen = parts
            .into_iter()
            .filter(|(chosen, _)| *chosen)
            .map(|(_, part)| part.clone());
        chosen
            .reduce(|sum, part| sum + part)
            .unwrap_or_else(|| loss.total())
    }
}

/// A device that takes part, and what it needs to make tokens.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// The device.
    pub(crate) device: Device,
    fusion: FeatureFusion,
}

impl Worker {
    /// A device for a model's sizes.
    pub(crate) fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            device: device.clone(),
            fusion: FeatureFusion::new(config, device),
        }
    }
}

/// One device's part of a batch.
pub(crate) struct Part {
    /// Who works on it.
    pub(crate) worker: Worker,
    /// Its images' taps, on the worker's device.
    pub(crate) taps: [Tensor<4>; 3],
    /// Its images' shuffles and noise.
    pub(crate) corruption: Corruption,
    /// Its images over those of the batch.
    pub(crate) share: f32,
}

impl Part {
    fn work(self, restorer: &Restorer, objective: Objective) -> (RestorationLoss, GradientsParams) {
        if self.worker.device == Device::flex() {
            return self.work_in_host_memory(restorer, objective);
        }
        self.work_by_autodiff(restorer, objective)
    }

    fn work_by_autodiff(
        self,
        restorer: &Restorer,
        objective: Objective,
    ) -> (RestorationLoss, GradientsParams) {
        let tokens: Tensor<3> = Tensor::from_inner(self.worker.fusion.forward(self.taps));
        let restored = restorer.forward_corrupted(tokens.clone(), &self.corruption);
        let loss = restoration_loss(tokens, restored, objective.channels, objective.reduction);
        // A whole batch is left as it is, to the last bit.
        let loss = if self.share == 1.0 {
            loss
        } else {
            loss.map(|part| part.mul_scalar(self.share))
        };
        let gradients = objective.minimised(&loss).backward();
        let gradients = GradientsParams::from_grads(gradients, restorer);
        (loss.map(Tensor::inner), gradients)
    }

    fn work_in_host_memory(
        self,
        restorer: &Restorer,
        objective: Objective,
    ) -> (RestorationLoss, GradientsParams) {
        let device = self.worker.device;
        let tokens = self.worker.fusion.forward(self.taps);
        let [images, length, wide] = tokens.dims();
        let plain = restorer.valid();
        let embedded: Tensor<3> = Tensor::from_inner(plain.embed(tokens.clone())).require_grad();
        let hidden = restorer.hidden(self.corruption.apply(embedded.clone()));
        let narrow = hidden.dims();
        let rows = [images * length, narrow[2]];
        let inner = hidden.clone().inner();
        let restored = plain.project(inner.clone());

        // Neither is held by anything else: they leave and come back without being copied.
        let mut gradient = restored.into_data();
        let tokens = tokens.into_data();
        let parts = {
            let (Ok(features), Ok(restored)) =
                (tokens.as_slice::<f32>(), gradient.as_mut_slice::<f32>())
            else {
                unreachable!("tokens and their restoration are 32-bit floats")
            };
            HostLoss {
                images,
                channels: objective.channels,
                reduction: objective.reduction,
                terms: objective.terms,
                share: self.share,
            }
            .gradient(features, restored)
        };
        let [squared, local_cosine, global_cosine] =
            parts.map(|part| Tensor::from_data([part], &device));
        let loss = RestorationLoss {
            squared,
            local_cosine,
            global_cosine,
        };

        let cells = [images * length, wide];
        let gradient = Tensor::<3>::from_data(gradient, &device).reshape(cells);
        let tokens = Tensor::<3>::from_data(tokens, &device).reshape(cells);
        let (embedding, head) = (&restorer.patch_embed, &restorer.head);
        let into_head = gradient
            .clone()
            .matmul(head.weight.val().inner().transpose());
        // Its gradient by the hidden tokens is what comes into the head, and so it is by all before them.
        let stand_in = hidden * Tensor::from_inner(into_head.reshape(narrow));
        let gradients = stand_in.sum().backward();
        let into_embedding = embedded.grad(&gradients).map(|slope| slope.reshape(rows));
        let mut gradients = GradientsParams::from_grads(gradients, restorer);
        let ends = [
            (head, Some(gradient), inner.reshape(rows)),
            (embedding, into_embedding, tokens),
        ];
        for (layer, slope, input) in ends {
            let Some(slope) = slope else { continue };
            if let Some(bias) = &layer.bias {
                gradients.register(bias.id, slope.clone().sum_dim(0).reshape([-1]));
            }
            gradients.register::<2>(layer.weight.id, input.transpose().matmul(slope));
        }
        (loss, gradients)
    }
}

/// Where each part of a batch begins and ends: as even as can be, the larger parts first, none empty.
pub(crate) fn share_out(images: usize, workers: usize) -> Vec<Range<usize>> {
    let parts = workers.min(images).max(1);
    let (size, larger) = (images / parts, images % parts);
    let mut start = 0;
    (0..parts)
        .map(|part| {
            let range = start..start + size + usize::from(part < larger);
            start = range.end;
            range
        })
        .collect()
}

/// Loss and gradients of a batch, on the first part's device; the other parts each have a thread.
pub(crate) fn gradients(
    restorer: &Restorer,
    parts: Vec<Part>,
    objective: Objective,
) -> Option<(RestorationLoss, GradientsParams)> {
    let mut parts = parts.into_iter();
    let first = parts.next()?;
    let main = first.worker.device.clone();
    // Forks have graphs of their own; the parameters keep their identifiers.
    let others: Vec<(Part, Restorer)> = parts
        .map(|part| {
            let device = part.worker.device.clone().autodiff();
            (part, restorer.clone().fork(&device))
        })
        .collect();
    if others.is_empty() {
        return Some(first.work(restorer, objective));
    }
    let done: Vec<(RestorationLoss, GradientsParams)> = std::thread::scope(|scope| {
        let threads: Vec<_> = others
            .into_iter()
            .map(|(part, restorer)| scope.spawn(move || part.work(&restorer, objective)))
            .collect();
        let first = first.work(restorer, objective);
        let rest = threads.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(first).chain(rest).collect()
    });
    let mut accumulator = GradientsAccumulator::new();
    let mut losses = Vec::with_capacity(done.len());
    for (loss, gradients) in done {
        accumulator.accumulate(restorer, gradients.to_device(&main, restorer));
        losses.push(loss.map(|part| part.to_device(&main)));
    }
    let loss = losses.into_iter().reduce(|sum, loss| RestorationLoss {
        squared: sum.squared + loss.squared,
        local_cosine: sum.local_cosine + loss.local_cosine,
        global_cosine: sum.global_cosine + loss.global_cosine,
    })?;
    Some((loss, accumulator.grads()))
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::Distribution;

    use super::*;
    use crate::config::Preset;
    use crate::feature_cache::tap_shapes;

    /// Compares the gradients of every parameter.
    struct Both {
        one: GradientsParams,
        other: GradientsParams,
        compared: usize,
    }

    impl ModuleVisitor for Both {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let of = |gradients: &GradientsParams| gradients.get::<D>(param.id);
            let (Some(one), Some(other)) = (of(&self.one), of(&self.other)) else {
                assert!(of(&self.one).is_none() && of(&self.other).is_none());
                return;
            };
            let largest = one.clone().abs().max().into_scalar::<f32>();
            let apart = (one - other).abs().max().into_scalar::<f32>();
            assert!(apart <= 1e-4 * largest, "{apart} of {largest}");
            self.compared += 1;
        }
    }

    #[test]
    fn what_is_written_out_for_the_cpu_is_what_automatic_differentiation_gives() {
        let mut config = Preset::Lite.config();
        config.image_size = 64;
        let recipe = Recipe::fast();
        let device = Device::flex();
        let restorer = Restorer::new(
            &config.restorer,
            (&config).into(),
            recipe.position,
            3,
            &device,
        )
        .fork(&device.clone().autodiff())
        .train();
        let worker = Worker::new(&config, &device);
        let (tokens, width) = (config.tokens(), config.restorer.width);
        let taps = tap_shapes(&config).map(|[channels, side]| {
            let spread = Distribution::Uniform(0.0, 1.0);
            Tensor::<4>::random([2, channels, side, side], spread, &device)
        });
        let part = || Part {
            worker: worker.clone(),
            taps: taps.clone(),
            corruption: Corruption {
                orders: vec![(0..tokens).rev().collect(), (0..tokens).collect()],
                noise: Some(
                    (0..2 * tokens * width)
                        .map(|at| (at % 7) as f32 - 3.0)
                        .collect(),
                ),
                jitter_ratio: 0.5,
            },
            share: 0.5,
        };
        let objective = Objective::new(&config, &recipe);
        let (loss, one) = part().work_by_autodiff(&restorer, objective);
        let (written_out, other) = part().work_in_host_memory(&restorer, objective);
        let value = |loss: RestorationLoss| loss.total().into_scalar::<f32>();
        let (loss, written_out) = (value(loss), value(written_out));
        assert!(
            (loss / written_out - 1.0).abs() < 1e-5,
            "{loss} {written_out}"
        );
        let mut both = Both {
            one,
            other,
            compared: 0,
        };
        restorer.visit(&mut both);
        // Norms, attention and perceptron of four blocks, the last norm, embedding and head.
        assert_eq!(both.compared, 4 * 12 + 2 + 2 + 2);
    }

    #[test]
    fn a_batch_is_shared_out_whole_and_evenly() {
        for images in 1..40 {
            for workers in 1..9 {
                let parts = share_out(images, workers);
                let all: Vec<usize> = parts.iter().cloned().flatten().collect();
                assert_eq!(all, (0..images).collect::<Vec<_>>());
                assert_eq!(parts.len(), workers.min(images));
                let sizes = parts.iter().map(ExactSizeIterator::len);
                assert!(sizes.clone().max() <= sizes.min().map(|least| least + 1));
            }
        }
    }
}
