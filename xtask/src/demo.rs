//! `cargo xtask demo`: the page, built and served on this machine.

use crate::page;
use crate::static_server::StaticServer;
use anyhow::{Context, Result, ensure};
use clap::Args;

/// Options of the demo.
#[derive(Args, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve the page as it was built last.
    #[arg(long)]
    no_build: bool,
}

/// Builds and serves until interrupted.
pub fn run(options: &Options) -> Result<()> {
    // Bind before building: a taken port is known at once, not minutes later.
    let server = StaticServer::bind(page::dist(), options.port).with_context(|| {
        format!(
            "cannot listen on 127.0.0.1:{}; choose another with --port",
            options.port
        )
    })?;
    if options.no_build {
        ensure!(
            page::dist().join("index.html").is_file(),
            "there is no built page yet: leave out --no-build"
        );
    } else {
        println!("building the page; the first time takes several minutes");
        page::build()?;
    }
    println!("\nThe page is at {}   (stop with Ctrl-C)", server.address());
    server.serve();
    Ok(())
}
