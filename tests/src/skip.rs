//! What is left out of a run of the tests: skipping in the open, with one line that says so and why; and long tests.

use std::io::Write;

/// Says on standard error that the running test is skipped.
///
/// Written past the test harness, which would swallow what a passing test prints.
pub fn skipped(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Nothing is lost when the line cannot be written.
    let _ = writeln!(std::io::stderr(), "skipped: {reason} ({test})");
}

/// Whether browser tests run, by the variable `FSR_BROWSER_TESTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserTests {
    /// `1`: they must run; a missing page or browser is a failure.
    Required,
    /// `0`: they are run elsewhere, or not wanted.
    Off,
    /// Otherwise: they run where page and browser are there.
    IfPossible,
}

impl BrowserTests {
    /// Reads the variable.
    pub fn wanted() -> Self {
        match std::env::var("FSR_BROWSER_TESTS").as_deref() {
            Ok("1") => Self::Required,
            Ok("0") => Self::Off,
            _ => Self::IfPossible,
        }
    }
}

/// Whether tests may take longer than continuous integration should wait: `FSR_LONG_TESTS=1`.
pub fn long() -> bool {
    std::env::var("FSR_LONG_TESTS").is_ok_and(|value| value == "1")
}
