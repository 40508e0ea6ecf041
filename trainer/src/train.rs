//! `fsr train`: from good images to a calibrated detector.

mod args;
pub mod augment;
mod checkpoint;
pub mod decoder;
pub mod expected;
mod fitting;
pub mod images;
mod implant;
mod log;
pub mod pool;
mod resolve;
mod rival;
pub mod run_folder;
mod session;
mod tau;
mod tensorboard;

pub use args::TrainArgs;
pub use session::{run, train};
