//! `cargo xtask test`: every check there is, in the order that finds a mistake soonest.
//!
//! Stages of a kind select the same packages in one profile, so that nothing heavy is compiled twice. Lints and
//! documentation see the program with its GPU backends; the tests, which need no GPU, are built without them: compiling
//! wgpu's and CubeCL's crates would more than double the build.

use crate::browser::Browser;
use crate::command::{cargo, run as run_command};
use crate::stages::Stages;
use crate::tools::{Toolbox, WASM_TARGET, ensure_components};
use crate::{page, sizes};
use anyhow::Result;
use clap::Args;

/// What to leave out.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Build and weigh the page, but do not run the browser tests.
    #[arg(long)]
    skip_browser: bool,
    /// Only format, lints and native tests: for work that does not touch the page.
    #[arg(long)]
    fast: bool,
}

const WORKSPACE: [&str; 3] = ["--workspace", "--release", "--locked"];
/// The tests: without the trainer's `gpu` feature.
const TESTS: [&str; 6] = [
    "test",
    "--workspace",
    "--profile",
    "cpu-tests",
    "--locked",
    "--no-default-features",
];

/// Runs the stages and prints how long each took.
pub fn run(options: &Options) -> Result<()> {
    let mut stages = Stages::default();
    stages.run("format", &[], || {
        ensure_components()?;
        // The names of the files will do: the mend is `cargo fmt`.
        run_command(cargo().args(["fmt", "--all", "--check", "--", "-l"]))
    });
    stages.run("lints", &[], || {
        run_command(cargo().arg("clippy").args(WORKSPACE).args([
            "--all-targets",
            "--keep-going",
            "--",
            "-D",
            "warnings",
        ]))
    });
    if options.fast {
        stages.skip("documentation", "--fast");
    } else {
        stages.run("documentation", &[], || {
            run_command(
                cargo()
                    .env("RUSTDOCFLAGS", "-D warnings")
                    .arg("doc")
                    .args(WORKSPACE)
                    .arg("--no-deps"),
            )
        });
    }
    // The browser tests are part of the workspace; they run in their own stage, once there is a page.
    stages.run("native tests", &[], || {
        run_command(
            cargo()
                .env("FSR_BROWSER_TESTS", "0")
                .args(TESTS)
                .arg("--no-fail-fast"),
        )
    });
    page_stages(&mut stages, *options);
    stages.finish()
}

fn page_stages(stages: &mut Stages, options: Options) {
    if options.fast {
        for name in [
            "page tools",
            "page lints",
            "page build",
            "page sizes",
            "browser tests",
        ] {
            stages.skip(name, "--fast");
        }
        return;
    }
    stages.run("page tools", &[], || Toolbox::ensure().map(|_| ()));
    stages.run("page lints", &["page tools"], || {
        let page = [
            "--package",
            "fsr-web",
            "--target",
            WASM_TARGET,
            "--profile",
            "web",
            "--locked",
        ];
        run_command(
            cargo()
                .arg("clippy")
                .args(page)
                .args(["--", "-D", "warnings"]),
        )
    });
    stages.run("page build", &["page tools"], page::build);
    stages.run(
        "page sizes",
        &["page build"],
        || sizes::check(&page::dist()),
    );
    if options.skip_browser {
        stages.skip("browser tests", "--skip-browser");
        return;
    }
    stages.run("browser tests", &["page build"], || {
        let browser = Browser::ensure()?;
        if crate::axe::ensure().is_none() {
            println!(
                "axe-core could not be fetched from the npm registry: its test will be skipped"
            );
        }
        // One browser at a time: several would share the cores and time each other out.
        run_command(
            cargo()
                .env("FSR_BROWSER_TESTS", "1")
                .env("FSR_CHROMIUM", browser.chromium)
                .env("FSR_CHROMEDRIVER", browser.chromedriver)
                .args(TESTS)
                .args(["--test", "browser"])
                .args(["--", "--test-threads=1", "--nocapture"]),
        )
    });
}
