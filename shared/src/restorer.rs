//! The restoration network: a vision transformer over shuffled feature tokens (eq. 2–5), or for the paper's ablation
//! convolutions in its place.

mod cnn;

use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::module::attention;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::cnn::ConvolutionBlock;
use crate::config::{ModelConfig, RestorerConfig, RestorerKind};
use crate::position::position_embedding;
use crate::recipe::PositionKind;
use crate::tensors::{HostTensor, NamedTensors, TensorError, import, shapes};

/// Patch embedding, N pre-norm transformer blocks, a norm and a linear head back to features.
///
/// Should be created with [`Restorer::new`] or [`Restorer::from_tensors`].
#[derive(Module, Debug)]
pub struct Restorer {
    pub(crate) patch_embed: Linear,
    blocks: Vec<RestorerBlock>,
    /// In the transformer blocks' place.
    convolutions: Vec<ConvolutionBlock>,
    norm: LayerNorm,
    pub(crate) head: Linear,
    /// `[1, L, D]`, not trained.
    position: Option<Tensor<3>>,
    /// `[1, L, D]`, trained; only for [`PositionKind::Learned`].
    learned_position: Option<Param<Tensor<3>>>,
}

/// One transformer block: attention and a perceptron, each behind a norm and a skip.
#[derive(Module, Debug)]
pub struct RestorerBlock {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

/// Multi-head self-attention with one fused projection for query, key and value.
#[derive(Module, Debug)]
pub struct Attention {
    qkv: Linear,
    projection: Linear,
    heads: usize,
}

/// The tokens a restorer works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenGrid {
    /// Tokens along one side; L = side².
    pub side: usize,
    /// Length of a token, P·P·C.
    pub width: usize,
}

impl From<&ModelConfig> for TokenGrid {
    fn from(config: &ModelConfig) -> Self {
        Self {
            side: config.grid(),
            width: config.token_width(),
        }
    }
}

/// What happens to the embedded tokens before restoration, in training only.
#[derive(Debug, Clone)]
pub struct Corruption {
    /// For each image the source of every token, see [`crate::shuffle`]; `[batch][L]`.
    pub orders: Vec<Vec<usize>>,
    /// Standard normal noise, `batch · L · D` values, or none.
    pub noise: Option<Vec<f32>>,
    /// Expected norm of the noise over the norm of its token.
    pub jitter_ratio: f32,
}

impl Restorer {
    /// An untrained network; weights depend on `seed` alone, not on the device.
    ///
    /// Linear weights are Xavier-uniform, biases zero, except the patch embedding's, which keeps
    /// a convolution's U(±1/√(P·P·C)) as in the authors' code.
    pub fn new(
        config: &RestorerConfig,
        grid: TokenGrid,
        position: PositionKind,
        seed: u64,
        device: &Device,
    ) -> Self {
        let empty = Self::empty(config, grid, position, device);
        let named = initial_tensors(&empty, seed);
        match import(empty.clone(), &named, "") {
            Ok(restorer) => restorer,
            Err(error) => {
                unreachable!("initial tensors are made from the module's own shapes: {error}")
            }
        }
    }

    /// A trained network; tensor names carry `prefix`.
    ///
    /// # Errors
    /// See [`import`].
    pub fn from_tensors(
        config: &RestorerConfig,
        grid: TokenGrid,
        position: PositionKind,
        named: &NamedTensors,
        prefix: &str,
        device: &Device,
    ) -> Result<Self, TensorError> {
        import(Self::empty(config, grid, position, device), named, prefix)
    }

    /// Shapes only: parameters are made when first used.
    pub(crate) fn empty(
        config: &RestorerConfig,
        grid: TokenGrid,
        position: PositionKind,
        device: &Device,
    ) -> Self {
        let (width, depth) = (config.width, config.depth);
        let hidden = width * config.mlp_ratio;
        let norm = || LayerNormConfig::new(width).with_epsilon(1e-5).init(device);
        let linear = |input, output| LinearConfig::new(input, output).init(device);
        let (transformer, convolutional) = match config.kind {
            RestorerKind::Vit => (depth, 0),
            RestorerKind::Cnn => (0, depth),
        };
        // Convolutions know their neighbours, and at the padded borders where they are.
        let position = match config.kind {
            RestorerKind::Vit => position,
            RestorerKind::Cnn => PositionKind::None,
        };
        let convolutions = (0..convolutional)
            .map(|_| ConvolutionBlock::empty(width, device))
            .collect();
        let blocks = (0..transformer)
            .map(|_| RestorerBlock {
                norm1: norm(),
                attention: Attention {
                    qkv: linear(width, 3 * width),
                    projection: linear(width, width),
                    heads: config.heads,
                },
                norm2: norm(),
                fc1: linear(width, hidden),
                fc2: linear(hidden, width),
            })
            .collect();
        let learned_position = (position == PositionKind::Learned)
            .then(|| Initializer::Zeros.init([1, grid.side * grid.side, width], device));
        let position = position_embedding(grid.side, width, position).map(|table| {
            Tensor::from_data(
                TensorData::new(table, [1, grid.side * grid.side, width]),
                device,
            )
        });
        Self {
            patch_embed: linear(grid.width, width),
            blocks,
            convolutions,
            norm: norm(),
            head: linear(width, grid.width),
            position,
            learned_position,
        }
    }

    /// Patch embedding (eq. 2).
    ///
    /// # Shapes
    /// `[batch, L, P·P·C]` → `[batch, L, D]`
    pub fn embed(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.patch_embed.forward(tokens)
    }

    /// Restored features from embedded tokens: position, blocks, norm, head (eq. 3–5).
    ///
    /// # Shapes
    /// `[batch, L, D]` → `[batch, L, P·P·C]`
    pub fn restore(&self, embedded: Tensor<3>) -> Tensor<3> {
        self.project(self.hidden(embedded))
    }

    /// All of [`Self::restore`] but its last layer.
    ///
    /// # Shapes
    /// `[batch, L, D]` → the same
    pub(crate) fn hidden(&self, embedded: Tensor<3>) -> Tensor<3> {
        let x = self
            .blocks
            .iter()
            .fold(self.placed(embedded), |x, block| block.forward(x));
        let x = self
            .convolutions
            .iter()
            .fold(x, |x, block| block.forward(x));
        self.norm.forward(x)
    }

    /// The last layer of [`Self::restore`], back to features (eq. 5).
    ///
    /// # Shapes
    /// `[batch, L, D]` → `[batch, L, P·P·C]`
    pub(crate) fn project(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.head.forward(hidden)
    }

    /// [`Self::embed`] then [`Self::restore`]: inference, nothing shuffled.
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.restore(self.embed(tokens))
    }

    /// Training: jitter and shuffle stand between embedding and restoration.
    pub fn forward_corrupted(&self, tokens: Tensor<3>, corruption: &Corruption) -> Tensor<3> {
        self.restore(corruption.apply(self.embed(tokens)))
    }

    /// As [`Self::forward`], returning each block's attention `[batch, heads, L, L]` as well; none of convolutions.
    pub fn forward_with_attention(&self, tokens: Tensor<3>) -> (Tensor<3>, Vec<Tensor<4>>) {
        let mut x = self.placed(self.embed(tokens));
        let mut maps = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (next, weights) = block.forward_with_attention(x);
            x = next;
            maps.push(weights);
        }
        for block in &self.convolutions {
            x = block.forward(x);
        }
        (self.head.forward(self.norm.forward(x)), maps)
    }

    fn placed(&self, embedded: Tensor<3>) -> Tensor<3> {
        match (&self.position, &self.learned_position) {
            (Some(position), _) => embedded + position.clone(),
            (None, Some(position)) => embedded + position.val(),
            (None, None) => embedded,
        }
    }
}

impl Corruption {
    /// That of some of the batch's images.
    pub(crate) fn part(&self, images: Range<usize>) -> Self {
        let noise = self.noise.as_ref().map(|noise| {
            let image = noise.len() / self.orders.len().max(1);
            noise[images.start * image..images.end * image].to_vec()
        });
        Self {
            orders: self.orders[images].to_vec(),
            noise,
            jitter_ratio: self.jitter_ratio,
        }
    }

    /// # Shapes
    /// `[batch, L, D]` → the same
    pub fn apply(&self, embedded: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = embedded.dims();
        let device = embedded.device();
        let mut x = embedded;
        if let Some(noise) = &self.noise {
            // Noise travels with its token: it is added before the shuffle.
            let noise: Tensor<3> = Tensor::from_data(
                TensorData::new(noise.clone(), [batch, length, width]),
                &device,
            );
            let norm = x.clone().square().sum_dim(2).sqrt();
            let scale = self.jitter_ratio / (width as f32).sqrt();
            x = x + noise * norm.mul_scalar(scale);
        }
        let moved = self.orders.iter().any(|order| {
            order
                .iter()
                .enumerate()
                .any(|(place, &source)| place != source)
        });
        if !moved {
            return x;
        }
        let sources: Vec<i32> = self
            .orders
            .iter()
            .enumerate()
            .flat_map(|(image, order)| {
                order
                    .iter()
                    .map(move |&source| (image * length + source) as i32)
            })
            .collect();
        let sources: Tensor<1, Int> =
            Tensor::from_data(TensorData::new(sources, [batch * length]), &device);
        x.reshape([batch * length, width])
            .select(0, sources)
            .reshape([batch, length, width])
    }
}

impl RestorerBlock {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention.forward(self.norm1.forward(x));
        x.clone() + self.perceptron(x)
    }

    fn forward_with_attention(&self, x: Tensor<3>) -> (Tensor<3>, Tensor<4>) {
        let (change, weights) = self
            .attention
            .forward_with_weights(self.norm1.forward(x.clone()));
        let x = x + change;
        (x.clone() + self.perceptron(x), weights)
    }

    fn perceptron(&self, x: Tensor<3>) -> Tensor<3> {
        self.fc2
            .forward(gelu(self.fc1.forward(self.norm2.forward(x))))
    }
}

impl Attention {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [query, key, value] = self.heads(x);
        self.join(attention(query, key, value, None, None, Default::default()))
    }

    /// Also the softmax weights, `[batch, heads, query token, key token]`.
    fn forward_with_weights(&self, x: Tensor<3>) -> (Tensor<3>, Tensor<4>) {
        let [query, key, value] = self.heads(x);
        let [.., width] = query.dims();
        let weights = softmax(
            query
                .matmul(key.swap_dims(2, 3))
                .div_scalar((width as f32).sqrt()),
            3,
        );
        (self.join(weights.clone().matmul(value)), weights)
    }

    /// Query, key and value, each `[batch, heads, L, D/heads]`.
    fn heads(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        let [batch, length, width] = x.dims();
        let head = width / self.heads;
        let qkv = self.qkv.forward(x);
        [0, 1, 2].map(|part| {
            qkv.clone()
                .narrow(2, part * width, width)
                .reshape([batch, length, self.heads, head])
                .swap_dims(1, 2)
        })
    }

    fn join(&self, heads: Tensor<4>) -> Tensor<3> {
        let [batch, count, length, head] = heads.dims();
        self.projection
            .forward(heads.swap_dims(1, 2).reshape([batch, length, count * head]))
    }
}

fn initial_tensors(restorer: &Restorer, seed: u64) -> NamedTensors {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let list = shapes(restorer);
    let embed_input = list
        .iter()
        .find(|(name, _)| name == "patch_embed.weight")
        .map_or(1, |(_, shape)| shape[0]);
    list.into_iter()
        .map(|(name, shape)| {
            let bound = match (name.as_str(), shape.as_slice()) {
                ("patch_embed.bias", _) => 1.0 / (embed_input as f32).sqrt(),
                // A standard deviation of 0.02, as vision transformers have it.
                ("learned_position", _) => 0.02 * 3.0f32.sqrt(),
                (_, [input, output]) => (6.0 / (input + output) as f32).sqrt(),
                (_, [output, input, height, width]) => {
                    (6.0 / ((input + output) * height * width) as f32).sqrt()
                }
                _ => 0.0,
            };
            let tensor = if name.ends_with(".gamma") {
                HostTensor::full(shape, 1.0)
            } else if bound == 0.0 {
                HostTensor::full(shape, 0.0)
            } else {
                let length = shape.iter().product();
                HostTensor {
                    shape,
                    values: (0..length)
                        .map(|_| rng.random_range(-bound..bound))
                        .collect(),
                }
            };
            (name, tensor)
        })
        .collect()
}

/// Multiply-adds of the restorer for one image, attention products included (and those of a convolution's padding).
pub fn restorer_macs(config: &ModelConfig) -> u64 {
    let (length, width, token) = (
        config.tokens() as u64,
        config.restorer.width as u64,
        config.token_width() as u64,
    );
    let ends = 2 * length * token * width;
    if config.restorer.kind == RestorerKind::Cnn {
        return ends + config.restorer.depth as u64 * length * 12 * width * width;
    }
    let projections = (4 + 2 * config.restorer.mlp_ratio as u64) * width * width;
    let per_block = length * projections + 2 * length * length * width;
    ends + config.restorer.depth as u64 * per_block
}
