//! A run of named stages, timed, ended by the first failure and closed by a summary.

use anyhow::{Result, anyhow};
use std::time::{Duration, Instant};

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// Left out, with the reason.
    Skipped(&'static str),
    /// An earlier stage failed.
    NotReached,
}

/// Stages in the order they were asked for.
#[derive(Debug, Default)]
pub struct Stages {
    outcomes: Vec<(&'static str, Outcome)>,
    failure: Option<anyhow::Error>,
}

impl Stages {
    /// Runs a stage unless an earlier one failed.
    pub fn run(&mut self, name: &'static str, stage: impl FnOnce() -> Result<()>) {
        if self.failure.is_some() {
            self.outcomes.push((name, Outcome::NotReached));
            return;
        }
        println!("\n=== {name}");
        let started = Instant::now();
        let result = stage();
        let time = started.elapsed();
        self.outcomes.push(match result {
            Ok(()) => (name, Outcome::Passed(time)),
            Err(error) => {
                self.failure = Some(error);
                (name, Outcome::Failed(time))
            }
        });
    }

    /// Records a stage that was left out, and why.
    pub fn skip(&mut self, name: &'static str, reason: &'static str) {
        self.outcomes.push((name, Outcome::Skipped(reason)));
    }

    /// Prints the summary and gives the first failure back, named after its stage.
    pub fn finish(self) -> Result<()> {
        println!("\n{}", self.summary());
        let Some(error) = self.failure else {
            return Ok(());
        };
        let failed = self
            .outcomes
            .iter()
            .find(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
        let name = failed.map_or("a stage", |(name, _)| *name);
        Err(anyhow!("{name}: {error:#}"))
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        let mut total = Duration::ZERO;
        for (name, outcome) in &self.outcomes {
            let line = match outcome {
                Outcome::Passed(time) => {
                    format!("{name:<20} passed    {:>6.0} s", time.as_secs_f64())
                }
                Outcome::Failed(time) => {
                    format!("{name:<20} FAILED    {:>6.0} s", time.as_secs_f64())
                }
                Outcome::Skipped(reason) => format!("{name:<20} skipped   ({reason})"),
                Outcome::NotReached => format!("{name:<20} not run"),
            };
            if let Outcome::Passed(time) | Outcome::Failed(time) = outcome {
                total += *time;
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let verdict = if self.failure.is_some() {
            "FAILED"
        } else {
            "passed"
        };
        text.push_str(&format!(
            "{:<20} {verdict}    {:>6.0} s",
            "all stages",
            total.as_secs_f64()
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn nothing_runs_after_a_failure_and_the_failure_comes_back() {
        let mut stages = Stages::default();
        let mut ran = Vec::new();
        stages.run("first", || {
            ran.push(1);
            Ok(())
        });
        stages.skip("second", "not asked for");
        stages.run("third", || bail!("broken"));
        stages.run("fourth", || {
            ran.push(4);
            Ok(())
        });
        assert_eq!(ran, [1]);
        let summary = stages.summary();
        for part in [
            "first                passed",
            "skipped   (not asked for)",
            "third                FAILED",
            "fourth               not run",
        ] {
            assert!(summary.contains(part), "{part:?} in\n{summary}");
        }
        assert_eq!(
            stages.finish().expect_err("failed").to_string(),
            "third: broken"
        );
    }

    #[test]
    fn all_passed_is_ok() {
        let mut stages = Stages::default();
        stages.run("only", || Ok(()));
        assert!(stages.finish().is_ok());
    }
}
