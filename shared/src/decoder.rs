//! From feature tokens back to a picture, so that people can look at what was restored (figures 2b, 8 and 10b).
//!
//! Not part of the method: it has no influence on any map or score. It learns to draw the image a backbone's features
//! came from, and is then shown the features of an image and their restoration. What a restorer put right, or copied,
//! can be seen in the second picture. The paper says of its decoder only that there is one; this one is a small
//! convolutional network.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::GradientsParams;
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::ModelConfig;
use crate::image::resize_lanczos;
use crate::model::{Fsr, ModelError};
use crate::optimizer::NamedAdamW;
use crate::recipe::Recipe;
use crate::tensors::{HostTensor, NamedTensors, TensorError, export, import, read, shapes};

/// Channels between the features and the picture.
const WIDTH: usize = 64;

/// Pixels along one side of a feature cell.
const PIXELS: usize = 2;

/// A small network from tokens to an image of twice the feature map's size.
#[derive(Module, Debug)]
pub struct Decoder {
    squeeze: Linear,
    norm: LayerNorm,
    mix: Conv2d,
    grow: Conv2d,
    refine: Conv2d,
    paint: Conv2d,
    grid: usize,
    patch: usize,
}

impl Decoder {
    /// Shapes for a model's tokens, without weights.
    fn empty(config: &ModelConfig, device: &Device) -> Self {
        let channels = config.backbone.kind.feature_channels();
        let convolution = |input: usize, output: usize| {
            Conv2dConfig::new([input, output], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let half = WIDTH / 2;
        Self {
            squeeze: LinearConfig::new(channels, WIDTH).init(device),
            norm: LayerNormConfig::new(WIDTH).init(device),
            mix: convolution(WIDTH, WIDTH),
            grow: convolution(WIDTH, half * PIXELS * PIXELS),
            refine: convolution(half, half),
            paint: convolution(half, 3),
            grid: config.grid(),
            patch: config.restorer.patch,
        }
    }

    /// A decoder from its tensors.
    ///
    /// # Errors
    /// Tensors that do not fit the model's features.
    pub fn from_tensors(
        config: &ModelConfig,
        named: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        import(Self::empty(config, device), named, "")
    }

    /// All its tensors.
    ///
    /// # Errors
    /// When the device does not give them back.
    pub async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        export(self).await
    }

    /// # Shapes
    /// `[batch, L, P·P·C]` → `[batch, 3, side, side]`, values 0…1; see [`picture_side`]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<4> {
        let [batch, length, width] = tokens.dims();
        let (grid, patch) = (self.grid, self.patch);
        let side = grid * patch;
        let cells = tokens.reshape([batch, length * patch * patch, width / (patch * patch)]);
        let x = gelu(self.norm.forward(self.squeeze.forward(cells)));
        let x = x
            .reshape([batch, grid, grid, patch, patch, WIDTH])
            .permute([0, 5, 1, 3, 2, 4])
            .reshape([batch, WIDTH, side, side]);
        let x = gelu(self.mix.forward(x));
        // Depth to space: each cell becomes a square of pixels.
        let half = WIDTH / 2;
        let x = self
            .grow
            .forward(x)
            .reshape([batch, half, PIXELS, PIXELS, side, side])
            .permute([0, 1, 4, 2, 5, 3])
            .reshape([batch, half, side * PIXELS, side * PIXELS]);
        let x = gelu(self.refine.forward(gelu(x)));
        sigmoid(self.paint.forward(x))
    }

    /// Pictures of features: as they are, or restored.
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn pictures(&self, tokens: Tensor<3>) -> Result<Vec<RgbImage>, ModelError> {
        let drawn = self.forward(tokens);
        let [_, _, height, width] = drawn.dims();
        let values = read(drawn)
            .await
            .ok_or_else(|| ModelError::Device("it did not return the decoded pictures".into()))?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::NotFinite);
        }
        let plane = width * height;
        Ok(values
            .chunks_exact(3 * plane)
            .map(|image| {
                RgbImage::from_fn(width as u32, height as u32, |x, y| {
                    let place = y as usize * width + x as usize;
                    image::Rgb(
                        [0, 1, 2]
                            .map(|channel| (255.0 * image[channel * plane + place]).round() as u8),
                    )
                })
            })
            .collect())
    }
}

/// Side of the pictures that a model's decoder draws, in pixels.
pub fn picture_side(config: &ModelConfig) -> usize {
    config.map_size() * PIXELS
}

/// A decoder while it learns, for one frozen model.
pub struct DecoderTraining<'a> {
    model: &'a Fsr,
    decoder: Decoder,
    optimizer: NamedAdamW,
    recipe: Recipe,
    steps: usize,
    step: usize,
}

impl<'a> DecoderTraining<'a> {
    /// Begins with random weights.
    ///
    /// # Errors
    /// When tensors and network do not fit each other, which they always should.
    pub fn begin(model: &'a Fsr, steps: usize, seed: u64) -> Result<Self, TensorError> {
        let device = model.device().clone().autodiff();
        let empty = Decoder::empty(&model.config, &device);
        let initial = initial(&empty, seed);
        let recipe = Recipe::fast();
        Ok(Self {
            model,
            decoder: import(empty, &initial, "")?,
            optimizer: NamedAdamW::new(&recipe),
            recipe,
            steps,
            step: 0,
        })
    }

    /// One step on images of the model's input size; the mean squared error of the pixels, 0…1 each.
    ///
    /// # Errors
    /// When the device fails or the error is no longer finite.
    pub async fn step(&mut self, images: &[RgbImage]) -> Result<f32, ModelError> {
        let model = self.model;
        let tokens = model.tokens(model.taps(images));
        let target = targets(images, picture_side(&model.config), model.device());
        let drawn = self.decoder.forward(Tensor::from_inner(tokens));
        let loss = (drawn - Tensor::from_inner(target)).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.decoder);
        let rate = self.recipe.rate_at(self.step, self.steps);
        self.decoder = self.optimizer.step(rate, self.decoder.clone(), gradients);
        self.step += 1;
        let loss = read(loss.inner())
            .await
            .and_then(|values| values.first().copied())
            .ok_or_else(|| ModelError::Device("it did not return the decoder's loss".into()))?;
        if loss.is_finite() {
            Ok(loss)
        } else {
            Err(ModelError::NotFinite)
        }
    }

    /// The decoder as it stands.
    pub fn decoder(&self) -> Decoder {
        self.decoder.valid()
    }
}

/// # Shapes
/// `[batch, 3, side, side]`, values 0…1
fn targets(images: &[RgbImage], side: usize, device: &Device) -> Tensor<4> {
    let mut values = Vec::with_capacity(images.len() * 3 * side * side);
    for image in images {
        let small = resize_lanczos(image, side as u32, side as u32);
        for channel in 0..3 {
            let levels = small.as_raw().iter().skip(channel).step_by(3);
            values.extend(levels.map(|&level| f32::from(level) / 255.0));
        }
    }
    Tensor::from_data(
        TensorData::new(values, [images.len(), 3, side, side]),
        device,
    )
}

/// Uniform within one over the root of a neuron's inputs; norms as they are.
fn initial(decoder: &Decoder, seed: u64) -> NamedTensors {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    shapes(decoder)
        .into_iter()
        .map(|(name, shape)| {
            let inputs = match shape.as_slice() {
                [input, _] => *input,
                [_, input, height, width] => input * height * width,
                _ => 0,
            };
            let tensor = if inputs == 0 {
                let value = if name.ends_with(".gamma") { 1.0 } else { 0.0 };
                HostTensor::full(shape, value)
            } else {
                let bound = (inputs as f32).sqrt().recip();
                let length = shape.iter().product();
                let values = (0..length).map(|_| rng.random_range(-bound..bound));
                HostTensor {
                    values: values.collect(),
                    shape,
                }
            };
            (name, tensor)
        })
        .collect()
}
