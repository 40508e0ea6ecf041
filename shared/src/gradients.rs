//! The gradients of one step: forward, loss and backward, on one device or shared out among several.
//!
//! Data parallel as Burn's own `MultiDeviceOptim::OptimMainDevice` has it: each device gets a fork of the network and
//! a part of the batch, works in its own thread, and Burn's [`GradientsAccumulator`] adds up what comes back on the
//! first device. All losses are means over images (eq. 10–12), so each part is weighted by its share of the batch and
//! the sum is the whole batch's gradient up to rounding. Parts are added in their order, never in that of arrival.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use crate::config::ModelConfig;
use crate::features::FeatureFusion;
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
    use super::*;

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
