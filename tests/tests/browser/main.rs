//! The page in a real browser.
//!
//! `cargo xtask test` builds the page and runs these. By themselves they run where there is a built page, a Chromium
//! and a chromedriver, and say that they are skipped otherwise. One program for all: each would have to be linked with the
//! whole model.

#![allow(clippy::unwrap_used)]

mod access;
mod backbones;
mod bottle;
mod camera;
mod figures;
mod kept;
mod offline;
mod page;
mod tiles;
mod training;
mod view;
mod words;
