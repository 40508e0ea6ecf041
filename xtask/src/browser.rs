//! The browser the tests drive: Chromium and the ChromeDriver that belongs to it.

use crate::command::{output, program, run};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Names a Chromium may go by.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// Debian's packages of both.
const DEBIAN_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// A browser and its driver, both present.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser's program.
    pub chromium: PathBuf,
    /// The WebDriver program of the same major version.
    pub chromedriver: PathBuf,
}

impl Browser {
    /// Looks on the PATH; `FSR_CHROMIUM` and `FSR_CHROMEDRIVER` name others.
    pub fn find() -> Option<Self> {
        let chromium =
            named("FSR_CHROMIUM").or_else(|| BROWSERS.iter().find_map(|name| on_path(name)))?;
        let chromedriver = named("FSR_CHROMEDRIVER").or_else(|| on_path("chromedriver"))?;
        Some(Self {
            chromium,
            chromedriver,
        })
    }

    /// Finds the browser, installing Debian's packages where that is possible.
    pub fn ensure() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        install_from_debian()?;
        Self::find().context("chromium and chromium-driver were installed but are not on the PATH")
    }
}

/// How to get the browser on this machine, in one line.
pub fn advice() -> &'static str {
    if on_path("apt-get").is_some() {
        "apt-get install chromium chromium-driver (`cargo xtask test` does it)"
    } else {
        "install Chromium or Chrome and the chromedriver of the same version, or set FSR_CHROMIUM and FSR_CHROMEDRIVER"
    }
}

fn install_from_debian() -> Result<()> {
    if on_path("apt-get").is_none() {
        bail!(
            "the browser tests need Chromium and chromedriver: {}; or pass --skip-browser",
            advice()
        );
    }
    let root = output(program("id").arg("-u")).as_deref() == Some("0");
    if !root && on_path("sudo").is_none() {
        bail!(
            "installing Chromium needs root or sudo: {}; or pass --skip-browser",
            advice()
        );
    }
    println!(
        "installing {} from the system's packages",
        DEBIAN_PACKAGES.join(" and ")
    );
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            program("env")
        } else {
            program("sudo")
        };
        if !root {
            command.arg("env");
        }
        run(command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"])
            .args(arguments))
    };
    apt(&["update"])?;
    apt(&[
        &["install", "-y", "--no-install-recommends"],
        &DEBIAN_PACKAGES[..],
    ]
    .concat())
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

/// A program on the PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&file))
        .find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_lookup_finds_programs_only() {
        assert!(on_path("cargo").is_some_and(|path| path.is_absolute()));
        assert!(on_path("no-such-program-anywhere").is_none());
    }
}
