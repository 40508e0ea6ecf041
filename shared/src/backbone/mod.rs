//! Frozen feature extractors.

mod macs;
mod resnet;

pub use macs::backbone_macs;
pub use resnet::{Block, ResNet, convolution_config, stem_pool};
