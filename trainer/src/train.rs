//! `fsr train`: from good images to a calibrated detector.

mod args;
mod checkpoint;
mod fitting;
mod images;
mod log;
mod pool;
pub mod run_folder;
mod session;

pub use args::TrainArgs;
pub use session::run;
