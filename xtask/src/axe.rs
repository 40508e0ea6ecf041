//! axe-core, which judges the page's accessibility in the browser tests.
//!
//! Fetched by npm into `target/tools`; never shipped. Where it
//! cannot be had, the test that needs it says that it is skipped.

use crate::command::{output, program, root};
use std::path::PathBuf;

/// Version the page is judged by.
const VERSION: &str = "4.14.1";

/// The script, if it was fetched before.
pub fn find() -> Option<PathBuf> {
    Some(folder().join("package").join("axe.min.js")).filter(|script| script.is_file())
}

/// The script, fetched if need be.
pub fn ensure() -> Option<PathBuf> {
    if let Some(found) = find() {
        return Some(found);
    }
    let (folder, archive) = (folder(), format!("axe-core-{VERSION}.tgz"));
    std::fs::create_dir_all(&folder).ok()?;
    output(
        program("npm")
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .arg(&folder)
            .arg(format!("axe-core@{VERSION}")),
    )?;
    output(
        program("tar")
            .arg("-xzf")
            .arg(folder.join(&archive))
            .arg("-C")
            .arg(&folder),
    )?;
    find()
}

fn folder() -> PathBuf {
    root()
        .join("target")
        .join("tools")
        .join(format!("axe-core-{VERSION}"))
}
