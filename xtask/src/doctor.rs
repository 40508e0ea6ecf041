//! `cargo xtask doctor`: what is present, what is missing, and the mend for each. Changes nothing.

use crate::browser::{self, Browser};
use crate::command::{cargo, output, program};
use crate::page;
use crate::tools::{self, TRUNK, TRUNK_VERSION, Tool, WASM_BINDGEN, WASM_TARGET};
use anyhow::Result;

/// One line of the report.
struct Finding {
    what: String,
    /// What was found, or `None` when it is missing.
    found: Option<String>,
    mend: String,
}

/// Prints the report.
pub fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        match &finding.found {
            Some(found) => println!("ok       {:<26} {found}", finding.what),
            None => println!("missing  {:<26} {}", finding.what, finding.mend),
        }
    }
    let missing = findings
        .iter()
        .filter(|finding| finding.found.is_none())
        .count();
    match missing {
        0 => println!("\nNothing is missing."),
        _ => println!(
            "\n{missing} missing. `cargo xtask demo` and `cargo xtask test` install what they can themselves."
        ),
    }
    Ok(())
}

fn findings() -> Result<Vec<Finding>> {
    let bindgen_version = tools::locked_version("wasm-bindgen")?;
    let browser = Browser::find();
    Ok(vec![
        Finding {
            what: "Rust compiler".into(),
            found: output(program("rustc").arg("--version")),
            mend: "install Rust with rustup (rustup.rs)".into(),
        },
        Finding {
            what: "rustfmt".into(),
            found: output(cargo().args(["fmt", "--version"])),
            mend: "rustup component add rustfmt".into(),
        },
        Finding {
            what: "clippy".into(),
            found: output(cargo().args(["clippy", "--version"])),
            mend: "rustup component add clippy".into(),
        },
        Finding {
            what: WASM_TARGET.into(),
            found: tools::has_wasm_target().then(|| "installed".into()),
            mend: format!("rustup target add {WASM_TARGET}"),
        },
        tool(TRUNK, TRUNK_VERSION),
        tool(WASM_BINDGEN, &bindgen_version),
        Finding {
            what: "Chromium and chromedriver".into(),
            found: browser.map(|found| {
                format!(
                    "{}, {}",
                    found.chromium.display(),
                    found.chromedriver.display()
                )
            }),
            mend: browser::advice().into(),
        },
        Finding {
            what: "built page".into(),
            found: page::dist()
                .join("index.html")
                .is_file()
                .then(|| "dist/".into()),
            mend: "cargo xtask demo".into(),
        },
    ])
}

fn tool(tool: Tool, version: &str) -> Finding {
    Finding {
        what: format!("{} {version}", tool.binary),
        found: tool.find(version).map(|path| path.display().to_string()),
        mend: "cargo xtask setup (builds it into target/tools)".into(),
    }
}
