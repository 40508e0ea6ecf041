//! What building the page needs beside cargo: the wasm target, trunk and the wasm-bindgen CLI.
//!
//! The two programs are built from crates.io into `target/tools`, never into the user's own cargo folder. They are
//! built for a short build, not for speed, and without TLS: they have nothing to download, so they cannot.

use crate::command::{cargo, output, program, root, run};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Rust's name for the target the page is built for.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The trunk this project is built with; later ones need a newer compiler than the workspace does.
pub const TRUNK_VERSION: &str = "0.21.14";

/// A program installed by `cargo install`.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Package on crates.io.
    pub package: &'static str,
    /// Name of the program.
    pub binary: &'static str,
    /// 0 where running the tool is quick anyway; 1 where it chews the whole wasm.
    opt_level: &'static str,
    /// Whether the package carries a lock file to build by.
    locked: bool,
}

/// Bundler of the page.
pub const TRUNK: Tool = Tool {
    package: "trunk",
    binary: "trunk",
    opt_level: "0",
    locked: true,
};
/// Writes the JavaScript side of a wasm file; must be exactly of the version in `Cargo.lock`.
pub const WASM_BINDGEN: Tool = Tool {
    package: "wasm-bindgen-cli",
    binary: "wasm-bindgen",
    opt_level: "1",
    locked: false,
};

impl Tool {
    /// The program of exactly `version`: the one built here before, or one on the PATH.
    pub fn find(&self, version: &str) -> Option<PathBuf> {
        [
            tools_dir().join("bin").join(format!(
                "{}{}",
                self.binary,
                std::env::consts::EXE_SUFFIX
            )),
            self.binary.into(),
        ]
        .into_iter()
        .find(|path| version_of(path).as_deref() == Some(version))
    }

    /// Builds the program from crates.io into `target/tools`.
    fn install(&self, version: &str) -> Result<()> {
        println!(
            "installing {} {version} into target/tools (once)",
            self.package
        );
        let started = Instant::now();
        let mut command = cargo();
        command.args([
            "install",
            self.package,
            "--version",
            version,
            "--bin",
            self.binary,
        ]);
        command.args(["--no-default-features", "--force", "--quiet"]);
        if self.locked {
            command.arg("--locked");
        }
        command
            .arg("--root")
            .arg(tools_dir())
            .arg("--target-dir")
            .arg(tools_dir().join("build"));
        for (key, value) in [
            ("OPT_LEVEL", self.opt_level),
            ("DEBUG", "0"),
            ("LTO", "off"),
            ("CODEGEN_UNITS", "256"),
            ("INCREMENTAL", "false"),
        ] {
            command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        run(&mut command)?;
        println!(
            "installed {} in {:.0} s",
            self.package,
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

/// Everything the page is built with, present and of the right version.
#[derive(Debug)]
pub struct Toolbox {
    trunk: PathBuf,
    wasm_bindgen: PathBuf,
}

impl Toolbox {
    /// Finds the tools, installing those that are missing.
    pub fn ensure() -> Result<Self> {
        ensure_wasm_target()?;
        let bindgen_version = locked_version("wasm-bindgen")?;
        let trunk = ensure_tool(TRUNK, TRUNK_VERSION)?;
        let wasm_bindgen = ensure_tool(WASM_BINDGEN, &bindgen_version)?;
        Ok(Self {
            trunk,
            wasm_bindgen,
        })
    }

    /// `trunk`, with the right `wasm-bindgen` first on its PATH.
    pub fn trunk(&self) -> Result<Command> {
        let mut command = program(&self.trunk);
        let own = self
            .wasm_bindgen
            .parent()
            .filter(|folder| folder.is_absolute())
            .map(Path::to_path_buf);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: OsString =
            std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path)))?;
        command.env("PATH", path);
        // trunk reads NO_COLOR as a boolean and refuses the customary "1".
        command.env_remove("NO_COLOR");
        Ok(command)
    }
}

fn ensure_tool(tool: Tool, version: &str) -> Result<PathBuf> {
    if let Some(found) = tool.find(version) {
        return Ok(found);
    }
    tool.install(version)?;
    tool.find(version)
        .with_context(|| format!("{} {version} was installed but does not run", tool.binary))
}

/// Whether the compiler can build for wasm.
pub fn has_wasm_target() -> bool {
    let Some(sysroot) = output(program("rustc").args(["--print", "sysroot"])) else {
        return false;
    };
    Path::new(&sysroot)
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .join("lib")
        .is_dir()
}

fn ensure_wasm_target() -> Result<()> {
    if has_wasm_target() {
        return Ok(());
    }
    run(program("rustup").args(["target", "add", WASM_TARGET])).with_context(|| {
        format!("the compiler has no {WASM_TARGET} target; add it the way your Rust was installed")
    })
}

/// Adds rustfmt and clippy, which a minimal toolchain lacks.
pub fn ensure_components() -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let subcommand = if component == "rustfmt" {
            "fmt"
        } else {
            component
        };
        if output(cargo().args([subcommand, "--version"])).is_none() {
            run(program("rustup").args(["component", "add", component]))
                .with_context(|| format!("`cargo {subcommand}` is missing"))?;
        }
    }
    Ok(())
}

/// Version of a package in the workspace's `Cargo.lock`.
pub fn locked_version(package: &str) -> Result<String> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let found = version_in_lock(&lock, package);
    let Some(version) = found else {
        bail!("Cargo.lock has no package {package}")
    };
    Ok(version.to_owned())
}

fn version_in_lock<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

/// Second word of `tool --version`.
fn version_of(path: &Path) -> Option<String> {
    let text = output(program(path).arg("--version"))?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

fn tools_dir() -> PathBuf {
    root().join("target").join("tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "wasm-bindgen-macro"
version = "9.9.9"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "registry"
"#;

    #[test]
    fn lock_version_is_of_the_exact_name() {
        assert_eq!(version_in_lock(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(version_in_lock(LOCK, "wasm"), None);
    }

    #[test]
    fn the_real_lock_has_wasm_bindgen() {
        let version = locked_version("wasm-bindgen").expect("in the lock");
        assert!(version.starts_with("0.2."), "{version}");
    }

    #[test]
    fn a_tool_of_another_version_is_not_found() {
        assert!(TRUNK.find("0.0.0-none").is_none());
    }
}
