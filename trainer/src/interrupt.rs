//! Ctrl-C: the step in progress is finished and saved; a second Ctrl-C stops at once.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

static ASKED: AtomicBool = AtomicBool::new(false);

/// A command that was interrupted. The text says what was saved and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Interrupted(pub String);

/// Begins to listen for Ctrl-C (and, on Unix, for the terminate signal where enabled).
///
/// # Errors
/// When the system refuses a handler.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        crate::progress::say(
            "interrupted: finishing the step and saving; press Ctrl-C again to stop at once",
        );
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
