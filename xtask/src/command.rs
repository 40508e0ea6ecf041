//! Running other programs from the workspace root, with the command line in the error when one fails.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Root of the workspace: the folder above this crate.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that runs this task, so that a chosen toolchain stays chosen.
pub fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program to be run from the workspace root.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Runs a command, its output passing through, and fails with its command line unless it exits with 0.
pub fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Standard output of a command that is there and succeeds; `None` when it is missing or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The program's name without its folder, then its arguments.
fn describe(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert!(root().join("xtask").is_dir());
    }

    #[test]
    fn failure_names_the_command_line() {
        let error = run(cargo()
            .args(["no-such-task", "--flag"])
            .stderr(Stdio::null()))
        .expect_err("must fail");
        assert!(error.to_string().contains("no-such-task --flag"), "{error}");
        let error = run(program("/nowhere/no-such-program").arg("x")).expect_err("must fail");
        assert_eq!(error.to_string(), "cannot start `no-such-program x`");
    }

    #[test]
    fn output_is_none_for_a_missing_program() {
        assert_eq!(output(&mut program("/nowhere/no-such-program")), None);
        assert!(output(cargo().arg("--version")).is_some_and(|text| text.starts_with("cargo ")));
    }
}
