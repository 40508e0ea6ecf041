//! The whole model: frozen backbone, feature fusion, restorer.

use burn::tensor::{Device, Tensor};
use image::RgbImage;

use crate::backbone::{ResNet, backbone_macs};
use crate::config::{ConfigError, ModelConfig};
use crate::expected::ExpectedDifference;
use crate::features::FeatureFusion;
use crate::loss::cell_differences;
use crate::map::AnomalyMap;
use crate::preprocess::images_to_tensor;
use crate::recipe::{PositionKind, Recipe};
use crate::restorer::{Restorer, restorer_macs};
use crate::rivals::Rival;
use crate::score::anomaly_map;
use crate::tensors::{NamedTensors, TensorError, export, import, parameter_count, read};
use crate::tiles::TileError;

/// Why a model cannot be built or run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// Sizes that do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Tensors that do not fit the architecture.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// The device did not give its results back.
    #[error("the device failed while computing: {0}")]
    Device(String),
    /// An image that cannot be cut into tiles.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// NaN or infinity in the result.
    #[error(
        "the model's output is not finite; its weights do not fit this input, or the device computes wrongly"
    )]
    NotFinite,
}

/// Prefix of the backbone's tensors in a model file.
pub const BACKBONE_PREFIX: &str = "backbone.";
/// Prefix of the restorer's tensors in a model file.
pub const RESTORER_PREFIX: &str = "restorer.";

/// A model on a device.
#[derive(Debug, Clone)]
pub struct Fsr {
    /// Sizes.
    pub config: ModelConfig,
    /// Choices of training and scoring.
    pub recipe: Recipe,
    /// Frozen backbone.
    pub backbone: ResNet,
    /// Trained restoration network.
    pub restorer: Restorer,
    /// Another method in the restorer's place, which is then without weights.
    pub rival: Option<Rival>,
    /// What to divide maps by, if that was calibrated.
    pub expected: Option<ExpectedDifference>,
    fusion: FeatureFusion,
    device: Device,
}

impl Fsr {
    /// A model with an untrained restorer on top of folded backbone tensors (see [`crate::weights::fold`]).
    ///
    /// # Errors
    /// Sizes or tensors that do not fit.
    pub fn untrained(
        config: &ModelConfig,
        recipe: &Recipe,
        backbone: &NamedTensors,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        config.validate()?;
        let backbone = import(config.backbone.init(device), backbone, "")?;
        let restorer = Restorer::new(
            &config.restorer,
            config.into(),
            recipe.position,
            seed,
            device,
        );
        Ok(Self::from_parts(config, recipe, backbone, restorer, device))
    }

    /// A model from the tensors of a package.
    ///
    /// # Errors
    /// Sizes or tensors that do not fit.
    pub fn from_tensors(
        config: &ModelConfig,
        recipe: &Recipe,
        named: &NamedTensors,
        device: &Device,
    ) -> Result<Self, ModelError> {
        config.validate()?;
        let backbone = import(config.backbone.init(device), named, BACKBONE_PREFIX)?;
        if let Some(rival) = Rival::from_tensors(config, named, device)? {
            // Shapes only: its weights are never made.
            let none = PositionKind::None;
            let restorer = Restorer::empty(&config.restorer, config.into(), none, device);
            let mut model = Self::from_parts(config, recipe, backbone, restorer, device);
            model.rival = Some(rival);
            return Ok(model);
        }
        let restorer = Restorer::from_tensors(
            &config.restorer,
            config.into(),
            recipe.position,
            named,
            RESTORER_PREFIX,
            device,
        )?;
        let mut model = Self::from_parts(config, recipe, backbone, restorer, device);
        model.expected = ExpectedDifference::from_tensors(config, named)?;
        Ok(model)
    }

    /// A model from its networks.
    pub fn from_parts(
        config: &ModelConfig,
        recipe: &Recipe,
        backbone: ResNet,
        restorer: Restorer,
        device: &Device,
    ) -> Self {
        Self {
            config: config.clone(),
            recipe: recipe.clone(),
            backbone,
            restorer,
            rival: None,
            expected: None,
            fusion: FeatureFusion::new(config, device),
            device: device.clone(),
        }
    }

    /// All tensors of the model, as a package stores them.
    ///
    /// # Errors
    /// When the device does not give them back.
    pub async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        let (prefix, tensors) = match &self.rival {
            Some(rival) => ("", rival.tensors().await?),
            None => (RESTORER_PREFIX, export(&self.restorer).await?),
        };
        let mut named = NamedTensors::new();
        for (prefix, tensors) in [
            (BACKBONE_PREFIX, export(&self.backbone).await?),
            (prefix, tensors),
        ] {
            named.extend(
                tensors
                    .into_iter()
                    .map(|(name, tensor)| (format!("{prefix}{name}"), tensor)),
            );
        }
        named.extend(self.expected.iter().flat_map(ExpectedDifference::tensors));
        Ok(named)
    }

    /// The device it lives on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The taps of the backbone for images of `image_size`².
    pub fn taps(&self, images: &[RgbImage]) -> [Tensor<4>; 3] {
        self.backbone
            .forward(images_to_tensor(images, &self.device))
    }

    /// Fused feature tokens, `[batch, L, P·P·C]`.
    pub fn tokens(&self, taps: [Tensor<4>; 3]) -> Tensor<3> {
        self.fusion.forward(taps)
    }

    /// The fusion matrices, for training on cached taps.
    pub fn fusion(&self) -> &FeatureFusion {
        &self.fusion
    }

    /// Which tokens the restorer looks at to restore each token of one image: softmax attention, averaged over heads
    /// and blocks as in the authors' figure 13. `None` for rivals and convolutions.
    ///
    /// # Shapes
    /// - `tokens` `[1, L, P·P·C]`
    /// - result `L · L`, one row for each restored token, each row summing to one
    ///
    /// # Errors
    /// When the device fails.
    pub async fn attention(&self, tokens: Tensor<3>) -> Result<Option<Vec<f32>>, ModelError> {
        if self.rival.is_some() {
            return Ok(None);
        }
        // Of convolutions there is none either.
        let (_, blocks) = self.restorer.forward_with_attention(tokens);
        let count = blocks.len().max(1) as f32;
        let sum = blocks
            .into_iter()
            .map(|block| block.mean_dim(1))
            .reduce(|sum, block| sum + block);
        let Some(sum) = sum else { return Ok(None) };
        match read(sum.div_scalar(count)).await {
            Some(values) => Ok(Some(values)),
            None => Err(ModelError::Device("it did not return the attention".into())),
        }
    }

    /// One anomaly map of `image_size`² for each image of a batch of feature tokens.
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn anomaly_maps(&self, tokens: Tensor<3>) -> Result<Vec<AnomalyMap>, ModelError> {
        if let Some(rival) = &self.rival {
            return rival.anomaly_maps(tokens, &self.config).await;
        }
        let restored = self.restorer.forward(tokens.clone());
        self.compare(tokens, restored, self.expected.as_ref()).await
    }

    /// Maps of features beside their restoration, not divided by what is to be expected.
    pub(crate) async fn plain_maps(
        &self,
        tokens: Tensor<3>,
        restored: Tensor<3>,
    ) -> Result<Vec<AnomalyMap>, ModelError> {
        self.compare(tokens, restored, None).await
    }

    async fn compare(
        &self,
        tokens: Tensor<3>,
        restored: Tensor<3>,
        expected: Option<&ExpectedDifference>,
    ) -> Result<Vec<AnomalyMap>, ModelError> {
        let channels = self.config.backbone.kind.feature_channels();
        let factors = expected.map(|expected| expected.factors(restored.clone()));
        let (squared, cosine) =
            cell_differences(tokens, restored, channels, self.recipe.channel_reduction);
        let [_, cells] = squared.dims();
        let parts: Vec<Tensor<2>> = [squared, cosine].into_iter().chain(factors).collect();
        let stride = cells * parts.len();
        let all = read(Tensor::cat(parts, 1))
            .await
            .ok_or_else(|| ModelError::Device("it did not return the difference maps".into()))?;
        if all.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::NotFinite);
        }
        let maps = all.chunks_exact(stride).map(|image| {
            let (squared, rest) = image.split_at(cells);
            let (cosine, factors) = rest.split_at(cells);
            let factors = (!factors.is_empty()).then_some(factors);
            anomaly_map(
                squared,
                cosine,
                factors,
                &self.config,
                self.recipe.smoothing,
            )
        });
        Ok(maps.collect())
    }
}

/// Size of a model, computed from its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ModelSize {
    /// Parameters of the backbone with batch norm folded (a bias for each convolution).
    pub backbone_params_folded: usize,
    /// Parameters of the backbone as it was trained: convolutions without bias, two for each norm channel.
    pub backbone_params: usize,
    /// Parameters of the restorer.
    pub restorer_params: usize,
    /// `backbone_params + restorer_params`, the paper's count.
    pub total_params: usize,
    /// Multiply-adds of the backbone per image.
    pub backbone_macs: u64,
    /// Multiply-adds of the restorer per image.
    pub restorer_macs: u64,
}

impl ModelSize {
    /// Counts without allocating any weights.
    pub fn of(config: &ModelConfig, device: &Device) -> Self {
        let backbone = config.backbone.init(device);
        let folded = parameter_count(&backbone);
        let biases: usize = crate::tensors::shapes(&backbone)
            .iter()
            .filter(|(name, _)| name.ends_with(".bias"))
            .map(|(_, shape)| shape[0])
            .sum();
        let restorer = Restorer::empty(&config.restorer, config.into(), PositionKind::None, device);
        let restorer_params = parameter_count(&restorer);
        Self {
            backbone_params_folded: folded,
            backbone_params: folded + biases,
            restorer_params,
            total_params: folded + biases + restorer_params,
            backbone_macs: backbone_macs(&config.backbone, config.image_size),
            restorer_macs: restorer_macs(config),
        }
    }
}
