//! What a model is made of: backbone, restorer, image size, and the named presets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Everything that decides a model's shapes. Serialised into `config.json` of a model package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Side of the square network input, in pixels. A multiple of `4 · patch`.
    pub image_size: usize,
    /// The frozen feature extractor.
    pub backbone: BackboneConfig,
    /// The trained restoration network.
    pub restorer: RestorerConfig,
}

impl ModelConfig {
    /// Side of the fused feature map in cells: a quarter of the image (stride of the first tap).
    pub fn map_size(&self) -> usize {
        self.image_size / 4
    }

    /// Number of tokens along one side, `map_size / patch`.
    pub fn grid(&self) -> usize {
        self.map_size() / self.restorer.patch
    }

    /// Number of tokens L = grid².
    pub fn tokens(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Length of one token before embedding, P·P·C.
    pub fn token_width(&self) -> usize {
        self.restorer.patch * self.restorer.patch * self.backbone.kind.feature_channels()
    }

    /// Checks that the sizes fit together.
    ///
    /// # Errors
    /// One line that names the setting and the mend.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let RestorerConfig {
            patch,
            width,
            heads,
            depth,
            mlp_ratio,
            kind: _,
        } = self.restorer;
        let fail = |what: String| Err(ConfigError(what));
        if patch == 0 || width == 0 || heads == 0 || depth == 0 || mlp_ratio == 0 {
            return fail("patch, width, heads, depth and mlp_ratio must all be at least 1".into());
        }
        if !(32..=2048).contains(&self.image_size) || !self.image_size.is_multiple_of(16) {
            return fail(format!(
                "image_size {} must be a multiple of 16 between 32 and 2048",
                self.image_size
            ));
        }
        if !self.map_size().is_multiple_of(patch) {
            return fail(format!(
                "image_size {} gives a {}-cell feature map, which patch {patch} does not divide",
                self.image_size,
                self.map_size()
            ));
        }
        if !width.is_multiple_of(heads) || !width.is_multiple_of(4) {
            return fail(format!(
                "width {width} must be a multiple of heads ({heads}) and of 4"
            ));
        }
        if width > 8192 || depth > 128 || patch > 64 || mlp_ratio > 16 {
            return fail(
                "the restorer is larger than any this program builds (width 8192, depth 128)"
                    .into(),
            );
        }
        Ok(())
    }
}

/// A configuration whose parts do not fit together.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the model configuration does not fit together: {0}")]
pub struct ConfigError(pub String);

/// The frozen network that turns an image into multi-scale features (its first three stages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackboneConfig {
    /// Architecture.
    pub kind: BackboneKind,
    /// Where a bottleneck block that halves the resolution has its stride.
    #[serde(default)]
    pub stride: StridePlacement,
}

/// Backbone architectures; all are residual networks cut after their third stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackboneKind {
    /// ResNet-18: 64 + 128 + 256 = 448 feature channels.
    #[serde(rename = "resnet18")]
    Resnet18,
    /// ResNet-34: 448 feature channels.
    #[serde(rename = "resnet34")]
    Resnet34,
    /// ResNet-50: 256 + 512 + 1024 = 1792 feature channels.
    #[serde(rename = "resnet50")]
    Resnet50,
    /// WideResNet-50-2, the paper's backbone: 1792 feature channels.
    #[serde(rename = "wide_resnet50_2")]
    WideResnet50_2,
    /// This project's own distilled residual network: 48 + 80 + 128 = 256 feature channels,
    /// under one million parameters.
    #[serde(rename = "lite")]
    Lite,
}

/// The family a residual stage is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3, 1×1 with fourfold expansion.
    Bottleneck,
}

impl BackboneKind {
    /// All kinds, in order of size.
    pub const ALL: [Self; 5] = [
        Self::Lite,
        Self::Resnet18,
        Self::Resnet34,
        Self::Resnet50,
        Self::WideResnet50_2,
    ];

    /// The name used in configuration files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resnet18 => "resnet18",
            Self::Resnet34 => "resnet34",
            Self::Resnet50 => "resnet50",
            Self::WideResnet50_2 => "wide_resnet50_2",
            Self::Lite => "lite",
        }
    }

    /// Block family.
    pub fn block(self) -> BlockKind {
        match self {
            Self::Resnet18 | Self::Resnet34 | Self::Lite => BlockKind::Basic,
            Self::Resnet50 | Self::WideResnet50_2 => BlockKind::Bottleneck,
        }
    }

    /// Number of blocks in the three stages.
    pub fn depths(self) -> [usize; 3] {
        match self {
            Self::Resnet18 | Self::Lite => [2, 2, 2],
            Self::Resnet34 | Self::Resnet50 | Self::WideResnet50_2 => [3, 4, 6],
        }
    }

    /// Channels after the stem.
    pub fn stem_channels(self) -> usize {
        if self == Self::Lite { 32 } else { 64 }
    }

    /// Channels of the inner 3×3 convolution in the three stages.
    pub fn inner_channels(self) -> [usize; 3] {
        match self {
            Self::Lite => [48, 80, 128],
            Self::WideResnet50_2 => [128, 256, 512],
            _ => [64, 128, 256],
        }
    }

    /// Channels that leave the three stages, the taps of eq. 1.
    pub fn tap_channels(self) -> [usize; 3] {
        match self {
            Self::Resnet50 | Self::WideResnet50_2 => [256, 512, 1024],
            basic => basic.inner_channels(),
        }
    }

    /// Total feature channels C after concatenation (eq. 1).
    pub fn feature_channels(self) -> usize {
        self.tap_channels().iter().sum()
    }
}

impl fmt::Display for BackboneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BackboneKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| {
                format!(
                    "no backbone is called '{text}'; there are: {}",
                    Self::ALL.map(Self::name).join(", ")
                )
            })
    }
}

/// Where a bottleneck block that halves the resolution has its stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StridePlacement {
    /// In the first 1×1 convolution, as He et al. 2015 and Keras have it.
    #[serde(rename = "v1")]
    V1,
    /// In the 3×3 convolution, as torchvision and timm have it.
    #[default]
    #[serde(rename = "v1.5")]
    V1_5,
}

impl FromStr for StridePlacement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v1" => Ok(Self::V1),
            "v1.5" => Ok(Self::V1_5),
            other => Err(format!(
                "no stride placement is called '{other}'; there are: v1 (Keras), v1.5 (torchvision)"
            )),
        }
    }
}

impl fmt::Display for StridePlacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::V1 { "v1" } else { "v1.5" })
    }
}

/// What a restorer is built of between embedding and head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestorerKind {
    /// A vision transformer, the method's.
    #[default]
    Vit,
    /// Convolutions over the grid of tokens, the paper's ablation.
    Cnn,
}

impl RestorerKind {
    /// Whether it is what packages without a kind have.
    fn is_vit(&self) -> bool {
        *self == Self::Vit
    }
}

impl FromStr for RestorerKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "vit" => Ok(Self::Vit),
            "cnn" => Ok(Self::Cnn),
            other => Err(format!(
                "no restorer is called '{other}'; there are: vit, cnn"
            )),
        }
    }
}

impl fmt::Display for RestorerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_vit() { "vit" } else { "cnn" })
    }
}

/// The network that restores shuffled tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorerConfig {
    /// Transformer or convolutions.
    #[serde(default, skip_serializing_if = "RestorerKind::is_vit")]
    pub kind: RestorerKind,
    /// Side P of a feature block, in feature-map cells.
    pub patch: usize,
    /// Embedding width D.
    pub width: usize,
    /// Number of blocks N.
    pub depth: usize,
    /// Attention heads; a transformer's.
    pub heads: usize,
    /// Hidden width of the perceptron as a multiple of D; a transformer's.
    pub mlp_ratio: usize,
}

impl RestorerConfig {
    /// Its sizes in words; heads are a transformer's.
    pub fn describe(&self) -> String {
        let heads = match self.kind {
            RestorerKind::Vit => format!(", {} heads", self.heads),
            RestorerKind::Cnn => String::new(),
        };
        format!(
            "{}, {} blocks, width {}{heads}, patch {}",
            self.kind, self.depth, self.width, self.patch
        )
    }
}

/// Named model sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The paper's: WideResNet-50-2, D 768, 8 blocks, 12 heads, P 4 (125.6 M parameters).
    Paper,
    /// ResNet-18, 448 channels, D 256, 4 blocks, 8 heads, P 4.
    Compact,
    /// The distilled `lite` backbone, 256 channels, D 192, 4 blocks, 6 heads, P 4: made for the page.
    Lite,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Compact, Self::Lite];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Compact => "compact",
            Self::Lite => "lite",
        }
    }

    /// The full configuration at 256×256 pixels.
    pub fn config(self) -> ModelConfig {
        let (kind, width, depth, heads) = match self {
            Self::Paper => (BackboneKind::WideResnet50_2, 768, 8, 12),
            Self::Compact => (BackboneKind::Resnet18, 256, 4, 8),
            Self::Lite => (BackboneKind::Lite, 192, 4, 6),
        };
        ModelConfig {
            image_size: 256,
            backbone: BackboneConfig {
                kind,
                stride: StridePlacement::V1_5,
            },
            restorer: RestorerConfig {
                kind: RestorerKind::Vit,
                patch: 4,
                width,
                depth,
                heads,
                mlp_ratio: 4,
            },
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| format!("no preset is called '{text}'; there are: paper, compact, lite"))
    }
}
