//! FSR: visual anomaly detection by feature shuffling and restoration.
#![warn(missing_docs)]

pub mod backbone;
pub mod calibration;
pub mod colormap;
pub mod config;
pub mod detector;
pub mod feature_cache;
pub mod features;
pub mod image;
pub mod loss;
pub mod map;
pub mod metrics;
pub mod model;
pub mod package;
pub mod position;
pub mod preprocess;
pub mod products;
pub mod recipe;
pub mod restorer;
pub mod score;
pub mod shuffle;
pub mod tensors;
pub mod train;
pub mod weights;
