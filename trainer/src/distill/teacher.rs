//! The large network that the student imitates.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use fsr::backbone::ResNet;
use fsr::config::{BackboneConfig, BackboneKind, StridePlacement};
use fsr::tensors::import;

/// A frozen backbone on a device.
pub struct Teacher {
    network: ResNet,
    device: Device,
}

impl Teacher {
    /// Reads its weights.
    pub fn load(
        kind: BackboneKind,
        stride: StridePlacement,
        weights: &Path,
        device: &Device,
    ) -> Result<Self> {
        let config = BackboneConfig { kind, stride };
        let (tensors, _) = crate::backbone_weights::load(weights, &config, 0)?;
        let network = import(config.init(device), &tensors, "").context("the teacher's weights")?;
        Ok(Self {
            network,
            device: device.clone(),
        })
    }

    /// Its three taps.
    pub fn taps(&self, images: Tensor<4>) -> [Tensor<4>; 3] {
        self.network.forward(images)
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }
}
