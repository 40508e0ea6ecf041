//! The three restoration losses (eq. 10–13), in token space.

pub(crate) mod host;

use burn::tensor::Tensor;

use crate::recipe::ChannelReduction;

/// Below this a norm counts as zero (PyTorch's `CosineSimilarity`).
const EPSILON: f32 = 1e-8;

/// The parts of the loss, each a tensor of one value.
#[derive(Debug, Clone)]
pub struct RestorationLoss {
    /// Squared error, averaged over cells; over channels averaged or summed by recipe (eq. 10).
    pub squared: Tensor<1>,
    /// 1 − cosine of each cell's channel vectors, averaged (eq. 11).
    pub local_cosine: Tensor<1>,
    /// 1 − cosine of each image's whole feature vector, averaged (eq. 12).
    pub global_cosine: Tensor<1>,
}

impl RestorationLoss {
    /// Their sum with equal weights (eq. 13).
    pub fn total(&self) -> Tensor<1> {
        self.squared.clone() + self.local_cosine.clone() + self.global_cosine.clone()
    }

    /// Every part changed in the same way.
    pub(crate) fn map(self, change: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        Self {
            squared: change(self.squared),
            local_cosine: change(self.local_cosine),
            global_cosine: change(self.global_cosine),
        }
    }
}

/// Compares features with their restoration.
///
/// # Shapes
/// - `features`, `restored` `[batch, L, P·P·C]`, channel fastest; `channels` is C
pub fn restoration_loss(
    features: Tensor<3>,
    restored: Tensor<3>,
    channels: usize,
    reduction: ChannelReduction,
) -> RestorationLoss {
    let [batch, length, width] = features.dims();
    let cells = [batch, length * width / channels, channels];
    let (features, restored) = (features.reshape(cells), restored.reshape(cells));

    let squared = (restored.clone() - features.clone()).square().mean();
    let squared = match reduction {
        ChannelReduction::Mean => squared,
        ChannelReduction::Sum => squared.mul_scalar(channels as f32),
    };
    // Per cell: [batch, cells, 1]. The whole image's products are their sums.
    let product = (features.clone() * restored.clone()).sum_dim(2);
    let feature_norm = features.square().sum_dim(2);
    let restored_norm = restored.square().sum_dim(2);
    let local =
        cosine_distance(product.clone(), feature_norm.clone(), restored_norm.clone()).mean();
    let global = cosine_distance(
        product.sum_dim(1),
        feature_norm.sum_dim(1),
        restored_norm.sum_dim(1),
    )
    .mean();
    RestorationLoss {
        squared,
        local_cosine: local,
        global_cosine: global,
    }
}

/// 1 − a·b / max(‖a‖‖b‖, ε) from the products a·b, a·a, b·b.
fn cosine_distance(product: Tensor<3>, a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    // The square root's slope is infinite at zero, hence the floor before it.
    let norms = (a * b).clamp_min(EPSILON * EPSILON).sqrt();
    (product / norms).neg().add_scalar(1.0)
}

/// Per-cell comparison for the anomaly map (eq. 14, 15): squared error (reduced over channels as
/// the recipe says) and cosine distance.
///
/// # Shapes
/// - `features`, `restored` `[batch, L, P·P·C]`
/// - result: two `[batch, L · P·P]`, cells in token order
pub fn cell_differences(
    features: Tensor<3>,
    restored: Tensor<3>,
    channels: usize,
    reduction: ChannelReduction,
) -> (Tensor<2>, Tensor<2>) {
    let [batch, length, width] = features.dims();
    let count = length * width / channels;
    let cells = [batch, count, channels];
    let (features, restored) = (features.reshape(cells), restored.reshape(cells));
    let difference = (restored.clone() - features.clone()).square();
    let squared = match reduction {
        ChannelReduction::Mean => difference.mean_dim(2),
        ChannelReduction::Sum => difference.sum_dim(2),
    };
    let product = (features.clone() * restored.clone()).sum_dim(2);
    let cosine = cosine_distance(
        product,
        features.square().sum_dim(2),
        restored.square().sum_dim(2),
    );
    (
        squared.reshape([batch, count]),
        cosine.reshape([batch, count]),
    )
}
