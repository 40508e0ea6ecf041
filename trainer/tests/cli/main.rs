//! The `fsr` program, driven as a user drives it, on small generated images.

#![allow(clippy::unwrap_used)]

mod bad_images;
mod bad_models;
mod data_sets;
mod determinism;
mod fetch;
mod help;
mod interruption;
mod memory;
mod program;
mod server;
mod whole_path;
