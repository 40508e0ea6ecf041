//! Truncated residual networks (He et al. 2015; wide: Zagoruyko & Komodakis 2016), inference only:
//! batch norm is folded into the convolutions, so every convolution here has a bias.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use crate::config::{BackboneConfig, BlockKind, StridePlacement};

/// The first three stages of a residual network; each stage's output is a tap.
///
/// Should be created with [`BackboneConfig::init`]; weights come through [`crate::weights`].
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
}

/// One residual block, basic (two convolutions) or bottleneck (three).
#[derive(Module, Debug)]
pub struct Block {
    conv1: Conv2d,
    conv2: Conv2d,
    conv3: Option<Conv2d>,
    downsample: Option<Conv2d>,
}

impl BackboneConfig {
    /// A network without weights: parameters are made only when they are first used.
    pub fn init(&self, device: &Device) -> ResNet {
        let kind = self.kind;
        let mut channels = kind.stem_channels();
        let mut stage = |index: usize| {
            let (inner, out) = (kind.inner_channels()[index], kind.tap_channels()[index]);
            (0..kind.depths()[index])
                .map(|block| {
                    let stride = if block == 0 && index > 0 { 2 } else { 1 };
                    let input = std::mem::replace(&mut channels, out);
                    self.block(input, inner, out, stride, device)
                })
                .collect::<Vec<_>>()
        };
        let (layer1, layer2, layer3) = (stage(0), stage(1), stage(2));
        ResNet {
            conv1: convolution(3, kind.stem_channels(), 7, 2, device),
            layer1,
            layer2,
            layer3,
        }
    }

    fn block(
        &self,
        input: usize,
        inner: usize,
        out: usize,
        stride: usize,
        device: &Device,
    ) -> Block {
        let downsample =
            (stride != 1 || input != out).then(|| convolution(input, out, 1, stride, device));
        match self.kind.block() {
            BlockKind::Basic => Block {
                conv1: convolution(input, inner, 3, stride, device),
                conv2: convolution(inner, out, 3, 1, device),
                conv3: None,
                downsample,
            },
            BlockKind::Bottleneck => {
                let (first, second) = match self.stride {
                    StridePlacement::V1 => (stride, 1),
                    StridePlacement::V1_5 => (1, stride),
                };
                Block {
                    conv1: convolution(input, inner, 1, first, device),
                    conv2: convolution(inner, inner, 3, second, device),
                    conv3: Some(convolution(inner, out, 1, 1, device)),
                    downsample,
                }
            }
        }
    }
}

fn convolution(
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    device: &Device,
) -> Conv2d {
    convolution_config(input, output, kernel, stride).init(device)
}

/// A square convolution as residual networks have it: padded by half its kernel, with bias.
pub fn convolution_config(
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
) -> Conv2dConfig {
    let pad = kernel / 2;
    Conv2dConfig::new([input, output], [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
}

impl ResNet {
    /// The three taps of eq. 1.
    ///
    /// # Shapes
    /// - `images` `[batch, 3, S, S]`, normalised
    /// - result `[batch, C₁, S/4, S/4]`, `[batch, C₂, S/8, S/8]`, `[batch, C₃, S/16, S/16]`
    pub fn forward(&self, images: Tensor<4>) -> [Tensor<4>; 3] {
        let stem = relu(self.conv1.forward(images));
        let x = stem_pool(stem);
        let first = run(&self.layer1, x);
        let second = run(&self.layer2, first.clone());
        let third = run(&self.layer3, second.clone());
        [first, second, third]
    }
}

/// The stem's 3×3 maximum at stride 2: `[batch, C, S, S]` → `[batch, C, S/2, S/2]`.
pub fn stem_pool(x: Tensor<4>) -> Tensor<4> {
    let options = MaxPoolOptions {
        kernel_size: [3, 3],
        stride: [2, 2],
        padding: [(1, 1), (1, 1)],
        dilation: [1, 1],
        ceil_mode: false,
    };
    max_pool2d(x, options)
}

fn run(blocks: &[Block], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let skip = match &self.downsample {
            Some(projection) => projection.forward(x.clone()),
            None => x.clone(),
        };
        let x = relu(self.conv1.forward(x));
        let x = self.conv2.forward(x);
        let x = match &self.conv3 {
            Some(expand) => expand.forward(relu(x)),
            None => x,
        };
        relu(x + skip)
    }
}
