//! `fsr data`: checks, describes and fetches data sets.

mod archive;
mod download;
mod finding;
mod get;
mod inspect;
mod sources;
mod survey;
mod unpack;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Check, describe or fetch data sets and backbone weights.
///
/// Layouts: MVTec AD, MPDD, BTAD, VisA, or a plain folder with good/ and, if there are any, bad/ and masks/.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr data check photos              is everything there and readable?\n\
    \x20 fsr data info photos --json        how many images of which sizes?\n\
    \x20 fsr data get mvtec --out data      fetch a public data set (asks first)\n\
    \x20 fsr data get weights:resnet18 --out weights")]
pub struct DataCommand {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with data.
#[derive(Debug, Subcommand)]
pub enum Action {
    Check(inspect::CheckArgs),
    Info(inspect::InfoArgs),
    Get(get::GetArgs),
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong and how to mend it.
pub fn run(args: &DataCommand) -> Result<()> {
    match &args.action {
        Action::Check(args) => inspect::check(args),
        Action::Info(args) => inspect::info(args),
        Action::Get(args) => get::run(args),
    }
}
