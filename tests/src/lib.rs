//! Support for the tests that cross crates: where things are, when a test may be skipped, a browser to drive.

pub mod access;
pub mod backbones;
pub mod bench;
pub mod chromium;
pub mod faulty_server;
pub mod hostile;
pub mod packages;
pub mod page;
pub mod paths;
pub mod saved;
pub mod skip;
pub mod tasks;
pub mod trained;
pub mod webdriver;
