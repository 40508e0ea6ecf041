//! The `fsr` program, driven as a user drives it, on small generated images.

#![allow(clippy::unwrap_used)]

mod ablation;
mod bad_images;
mod bad_models;
mod determinism;
mod help;
mod interruption;
mod program;
mod resume;
mod study;
mod whole_path;
