//! `fsr`: trains, evaluates and exports FSR anomaly detectors.

mod allocator;
mod atomic;
mod backbone_weights;
mod calibrate;
mod cli;
mod data;
mod dataset;
mod device;
mod distill;
mod eval;
mod export;
mod features;
mod info;
mod interrupt;
mod memory;
mod npy;
mod pipeline;
mod predict;
mod progress;
mod pytorch;
mod recalibrate;
mod report;
mod store;
mod study;
mod synth;
mod tiling;
mod train;
mod verdict;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    // A panic is a bug in this program; it still owes its user one line rather than a backtrace.
    std::panic::set_hook(Box::new(|panic| {
        progress::say(format!(
            "error: internal fault, please report it: {}",
            panic.to_string().replace('\n', " ")
        ));
    }));
    let cli = Cli::parse();
    // FSR_LOG=debug (or any env-filter directive) shows what the libraries below say.
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("FSR_LOG").unwrap_or_else(|_| "error".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Study(args) => study::run(&args),
        Command::Calibrate(args) => recalibrate::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Synth(args) => synth::run(&args),
        Command::Distill(args) => distill::run(&args),
        Command::Data(args) => data::run(&args),
    };
    if let Some(peak) = memory::peak() {
        // FSR_LOG=fsr=info shows it; the tests of bounded memory read it.
        tracing::info!("peak memory {} kB", peak >> 10);
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            progress::say(format!("interrupted: {error}"));
            ExitCode::from(130)
        }
        Err(error) => {
            progress::say(format!(
                "error: {}",
                format!("{error:#}").replace('\n', " ")
            ));
            ExitCode::FAILURE
        }
    }
}
