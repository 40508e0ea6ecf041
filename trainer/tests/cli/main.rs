//! The `fsr` program, driven as a user drives it, on small generated images.

#![allow(clippy::unwrap_used)]

mod ablation;
mod bad_images;
mod bad_models;
mod data_sets;
mod default_model;
mod determinism;
mod distillation;
mod fetch;
mod help;
mod interruption;
mod memory;
mod program;
mod report;
mod resume;
mod server;
mod study;
mod tiles;
mod whole_path;
