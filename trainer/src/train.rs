//! `fsr train`: from good images to a calibrated detector.

mod args;
mod fitting;
mod images;
mod log;
pub mod run_folder;
mod session;

pub use args::TrainArgs;
pub use session::run;
