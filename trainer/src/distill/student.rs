//! The `lite` backbone while it learns: convolutions with batch norm, and 1×1 heads towards a teacher.

use anyhow::{Context, Result};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use fsr::backbone::{convolution_config, stem_pool};
use fsr::config::BackboneKind;
use fsr::tensors::{NamedTensors, export};

/// A basic residual network cut after its third stage, with a projection from each tap to the
/// teacher's tap of the same resolution.
#[derive(Module, Debug)]
pub struct Student {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<StudentBlock>,
    layer2: Vec<StudentBlock>,
    layer3: Vec<StudentBlock>,
    heads: Vec<Conv2d>,
}

/// Two 3×3 convolutions and a skip.
#[derive(Module, Debug)]
pub struct StudentBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
}

/// A strided 1×1 projection where a block changes shape.
#[derive(Module, Debug)]
pub struct Downsample {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl Student {
    /// An untrained student; burn's Kaiming initialisation, seeded through the device.
    pub fn new(teacher: BackboneKind, device: &Device) -> Self {
        let kind = BackboneKind::Lite;
        let mut input = kind.stem_channels();
        let mut stage = |index: usize| {
            let output = kind.tap_channels()[index];
            (0..kind.depths()[index])
                .map(|block| {
                    let stride = if block == 0 && index > 0 { 2 } else { 1 };
                    StudentBlock::new(
                        std::mem::replace(&mut input, output),
                        output,
                        stride,
                        device,
                    )
                })
                .collect::<Vec<_>>()
        };
        let (layer1, layer2, layer3) = (stage(0), stage(1), stage(2));
        let heads = kind
            .tap_channels()
            .into_iter()
            .zip(teacher.tap_channels())
            .map(|(own, wanted)| Conv2dConfig::new([own, wanted], [1, 1]).init(device))
            .collect();
        Self {
            conv1: convolution(3, kind.stem_channels(), 7, 2, device),
            bn1: BatchNormConfig::new(kind.stem_channels()).init(device),
            layer1,
            layer2,
            layer3,
            heads,
        }
    }

    /// Predictions of the teacher's (normalised) taps.
    ///
    /// # Shapes
    /// `[batch, 3, S, S]` → three `[batch, teacher Cᵢ, sᵢ, sᵢ]`
    pub fn forward(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let stem = relu(self.bn1.forward(self.conv1.forward(images)));
        let mut x = stem_pool(stem);
        let mut predictions = Vec::new();
        for (layer, head) in [&self.layer1, &self.layer2, &self.layer3]
            .into_iter()
            .zip(&self.heads)
        {
            x = layer.iter().fold(x, |x, block| block.forward(x));
            predictions.push(head.forward(x.clone()));
        }
        predictions
    }

    /// The backbone's tensors under torchvision's names, without the heads.
    pub fn torchvision_tensors(&self) -> Result<NamedTensors> {
        let named =
            pollster::block_on(export(&self.valid())).context("reading the student's weights")?;
        Ok(named
            .into_iter()
            .filter(|(name, _)| !name.starts_with("heads"))
            .map(|(name, tensor)| {
                let name = name
                    .replace("downsample.convolution", "downsample.0")
                    .replace("downsample.norm", "downsample.1")
                    .replace(".gamma", ".weight")
                    .replace(".beta", ".bias");
                (name, tensor)
            })
            .collect())
    }
}

impl StudentBlock {
    fn new(input: usize, output: usize, stride: usize, device: &Device) -> Self {
        let norm = || BatchNormConfig::new(output).init(device);
        Self {
            conv1: convolution(input, output, 3, stride, device),
            bn1: norm(),
            conv2: convolution(output, output, 3, 1, device),
            bn2: norm(),
            downsample: (stride != 1 || input != output).then(|| Downsample {
                convolution: convolution(input, output, 1, stride, device),
                norm: norm(),
            }),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let skip = match &self.downsample {
            Some(projection) => projection
                .norm
                .forward(projection.convolution.forward(x.clone())),
            None => x.clone(),
        };
        let x = relu(self.bn1.forward(self.conv1.forward(x)));
        relu(self.bn2.forward(self.conv2.forward(x)) + skip)
    }
}

fn convolution(
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    device: &Device,
) -> Conv2d {
    convolution_config(input, output, kernel, stride)
        .with_bias(false)
        .init(device)
}
