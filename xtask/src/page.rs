//! Building the page with trunk.

use crate::command::{cargo, root, run};
use crate::tools::Toolbox;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// Folder the page is built into.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// Builds the page for release into `dist/`, installing the tools that are missing.
pub fn build() -> Result<()> {
    ensure!(
        root().join("index.html").is_file(),
        "index.html, trunk's entry, is not at the workspace root"
    );
    let tools = Toolbox::ensure()?;
    // trunk's own downloads are switched off by --offline, which it hands on to cargo: so fetch first.
    run(cargo().args(["fetch", "--locked", "--quiet"]))
        .context("cannot fetch the page's dependencies")?;
    run(tools
        .trunk()?
        .args(["build", "--release", "--offline", "--locked"]))
    .context("the page does not build")?;
    ensure!(
        dist().join("index.html").is_file(),
        "trunk left no dist/index.html"
    );
    Ok(())
}
