//! Command line of the project's tasks; run as `cargo xtask <task>`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{catalogue, demo, doctor, offline, test};

/// The project's tasks. Whatever a task needs and can install by itself, it installs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page and serve it on this machine.
    Demo(demo::Options),
    /// Run every check: format, lints, docs, tests, page size and the browser tests.
    Test(test::Options),
    /// Say what is present, what is missing and how to mend it. Changes nothing.
    Doctor,
    /// Bring models/index.json up to date with the files it names.
    Catalogue,
    /// Write the built page's service worker; trunk runs this after each build.
    Offline(offline::Options),
    /// Install what building the page needs, and nothing else.
    Setup,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    match task {
        Task::Demo(options) => demo::run(options),
        Task::Test(options) => test::run(options),
        Task::Doctor => doctor::run(),
        Task::Catalogue => catalogue::run(),
        Task::Offline(options) => offline::run(options),
        Task::Setup => xtask::tools::Toolbox::ensure().map(|_| ()),
    }
}
