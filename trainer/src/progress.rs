//! What people see on stderr while a command works. stdout is left to results.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// One line for people, on stderr. Never fails: a closed stderr stops nothing.
pub fn say(line: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
}

/// One JSON document for machines, on stdout.
///
/// # Errors
/// When stdout cannot be written to; a reader that has seen enough (`| head`) is no error.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print_text(&serde_json::to_string_pretty(value)?)
}

/// Text on stdout, with a final newline.
///
/// # Errors
/// As [`print_json`].
pub fn print_text(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// How often a log file or pipe gets a line where a terminal has a bar.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// A bar on a terminal; elsewhere now and then a plain line.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    total: usize,
    started: Instant,
    last_line: Option<Instant>,
    plain: bool,
}

impl Progress {
    /// Starts to show `what`, of `total` pieces called `unit`.
    pub fn new(what: &str, total: usize, unit: &str) -> Self {
        let plain = !std::io::stderr().is_terminal();
        let bar = if plain {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total as u64)
        };
        let template = format!(
            "{{prefix:<12}} [{{bar:30}}] {{pos}}/{{len}} {unit} {{elapsed}}, {{eta}} left {{msg}}"
        );
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_string());
        Self {
            bar,
            what: what.into(),
            total,
            started: Instant::now(),
            last_line: Some(Instant::now()),
            plain,
        }
    }

    /// `done` pieces are finished; `message` says what else is worth knowing.
    pub fn set(&mut self, done: usize, message: impl AsRef<str>) {
        self.bar.set_position(done as u64);
        self.bar.set_message(message.as_ref().to_string());
        if self.plain
            && self
                .last_line
                .is_none_or(|last| last.elapsed() >= LINE_EVERY)
        {
            self.last_line = Some(Instant::now());
            let spent = self.started.elapsed().as_secs();
            let left = (spent as f64 * (self.total.saturating_sub(done)) as f64
                / done.max(1) as f64)
                .round();
            say(format!(
                "{} {done}/{} ({spent} s, about {left} s left) {}",
                self.what,
                self.total,
                message.as_ref()
            )
            .trim_end());
        }
    }

    /// One more piece is finished.
    pub fn advance(&mut self, by: usize) {
        let done = self.bar.position() as usize + by;
        self.set(done, "");
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
