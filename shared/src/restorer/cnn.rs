//! The convolutional restorer of the paper's ablation: the same tokens in and out, no attention between.
//!
//! The authors' blocks are 3×3 convolution, batch norm, ReLU, 5×5 convolution, batch norm, ReLU, without skips and
//! position embedding, and 2.8 times as large as the transformer's. Here a block has the transformer's 12·D² weights: a
//! 3×3 convolution over the grid of tokens (9·D²) and a perceptron of hidden width 1.5·D (3·D²), each behind a layer
//! norm, because batches may be of one image.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};

/// Side of the convolution's kernel.
const KERNEL: usize = 3;

/// Convolution over neighbouring tokens, then a perceptron on each; no skip.
#[derive(Module, Debug)]
pub struct ConvolutionBlock {
    norm1: LayerNorm,
    convolution: Conv2d,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl ConvolutionBlock {
    /// Shapes only.
    pub(super) fn empty(width: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(width).with_epsilon(1e-5).init(device);
        let hidden = width * 3 / 2;
        Self {
            norm1: norm(),
            convolution: Conv2dConfig::new([width, width], [KERNEL, KERNEL])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
            norm2: norm(),
            fc1: LinearConfig::new(width, hidden).init(device),
            fc2: LinearConfig::new(hidden, width).init(device),
        }
    }

    /// # Shapes
    /// `[batch, L, D]` → the same; L is the square of the grid's side
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = x.dims();
        let side = length.isqrt();
        let grid = self
            .norm1
            .forward(x)
            .reshape([batch, side, side, width])
            .permute([0, 3, 1, 2]);
        let x = self
            .convolution
            .forward(grid)
            .permute([0, 2, 3, 1])
            .reshape([batch, length, width]);
        let x = self.norm2.forward(gelu(x));
        self.fc2.forward(gelu(self.fc1.forward(x)))
    }
}
