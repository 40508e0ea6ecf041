//! FSR, visual anomaly detection by *feature shuffling and restoration* (Luo et al.,
//! Knowledge-Based Systems 2025), for native programs and the browser alike.
//!
//! A frozen backbone turns an image into multi-scale features ([`backbone`], [`features`]); a share τ
//! of the feature blocks is shuffled ([`shuffle`]); a small vision transformer learns to put them back
//! ([`restorer`], [`loss`], [`train`]) from good images alone. A defect cannot be put back, so the
//! difference between features and restored features is the anomaly map ([`score`], [`map`]).
//!
//! - To inspect images with a published model: [`package::Package::read`], then
//!   [`detector::Detector::from_package`] and [`detector::Detector::inspect`].
//! - To train: [`model::Fsr::untrained`], [`feature_cache`], [`train::Training`].
//! - To inspect large images in parts: [`tiles`].
//! - To evaluate: [`metrics`]; thresholds from good images alone: [`calibration`].
//! - Images and defects to try it on, drawn from a seed: [`products`].
//!
//! The crate touches no file and builds for `wasm32-unknown-unknown`. Devices are Burn's; which
//! backends exist is decided by the program that depends on this crate.
#![warn(missing_docs)]

pub mod alter;
pub mod backbone;
pub mod calibration;
mod cholesky;
pub mod colormap;
pub mod config;
pub mod decoder;
pub mod detector;
pub mod expected;
pub mod feature_cache;
pub mod features;
mod gradients;
pub mod image;
mod lanes;
pub mod loss;
pub mod map;
pub mod metrics;
pub mod model;
pub mod optimizer;
pub mod package;
pub mod position;
pub mod preprocess;
pub mod products;
pub mod recipe;
pub mod restorer;
pub mod rivals;
pub mod score;
pub mod shuffle;
pub mod subspace;
pub mod tensors;
pub mod tiles;
pub mod train;
pub mod weights;
