//! A run of named stages, timed and closed by a summary. A failed stage stops only those that need it, so that one
//! run tells of every mistake.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    /// Left out, with the reason.
    Skipped(&'static str),
    /// A stage it needs did not pass.
    NotReached,
}

/// Stages in the order they were asked for.
#[derive(Debug, Default)]
pub struct Stages {
    outcomes: Vec<(&'static str, Outcome)>,
}

impl Stages {
    /// Runs a stage if the stages it needs have passed.
    pub fn run(&mut self, name: &'static str, needs: &[&str], stage: impl FnOnce() -> Result<()>) {
        let passed = |need: &&str| {
            let mut outcomes = self.outcomes.iter();
            outcomes.any(|(name, outcome)| name == need && matches!(outcome, Outcome::Passed(_)))
        };
        if !needs.iter().all(passed) {
            self.outcomes.push((name, Outcome::NotReached));
            return;
        }
        println!("\n=== {name}");
        let started = Instant::now();
        let result = stage();
        let time = started.elapsed();
        let outcome = match result {
            Ok(()) => Outcome::Passed(time),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                Outcome::Failed(time, format!("{error:#}"))
            }
        };
        self.outcomes.push((name, outcome));
    }

    /// Records a stage that was left out, and why.
    pub fn skip(&mut self, name: &'static str, reason: &'static str) {
        self.outcomes.push((name, Outcome::Skipped(reason)));
    }

    /// Prints the summary; an error that names the failed stages, if any.
    pub fn finish(self) -> Result<()> {
        println!("\n{}", self.summary());
        let failures: Vec<String> = self
            .outcomes
            .iter()
            .filter_map(|(name, outcome)| match outcome {
                Outcome::Failed(_, error) => Some(format!("{name}: {error}")),
                _ => None,
            })
            .collect();
        if !failures.is_empty() {
            bail!("{}", failures.join("; "));
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        let mut total = Duration::ZERO;
        let mut failed = false;
        for (name, outcome) in &self.outcomes {
            let line = match outcome {
                Outcome::Passed(time) => {
                    total += *time;
                    format!("{name:<20} passed    {:>6.0} s", time.as_secs_f64())
                }
                Outcome::Failed(time, _) => {
                    total += *time;
                    failed = true;
                    format!("{name:<20} FAILED    {:>6.0} s", time.as_secs_f64())
                }
                Outcome::Skipped(reason) => format!("{name:<20} skipped   ({reason})"),
                Outcome::NotReached => format!("{name:<20} not run   (needs one that failed)"),
            };
            text.push_str(&line);
            text.push('\n');
        }
        let verdict = if failed { "FAILED" } else { "passed" };
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

    #[test]
    fn a_failure_stops_what_needs_it_and_nothing_else() {
        let mut stages = Stages::default();
        let mut ran = Vec::new();
        stages.run("first", &[], || {
            ran.push(1);
            Ok(())
        });
        stages.skip("second", "not asked for");
        stages.run("third", &["first"], || bail!("broken"));
        stages.run("fourth", &["first"], || {
            ran.push(4);
            Ok(())
        });
        stages.run("fifth", &["first", "third"], || {
            ran.push(5);
            Ok(())
        });
        assert_eq!(ran, [1, 4]);
        let summary = stages.summary();
        for part in [
            "first                passed",
            "second               skipped   (not asked for)",
            "third                FAILED",
            "fourth               passed",
            "fifth                not run",
            "all stages           FAILED",
        ] {
            assert!(summary.contains(part), "{part:?} in\n{summary}");
        }
        let error = stages.finish().expect_err("failed");
        assert_eq!(error.to_string(), "third: broken");
    }

    #[test]
    fn all_passed_is_ok() {
        let mut stages = Stages::default();
        stages.run("only", &[], || Ok(()));
        assert!(stages.summary().contains("all stages           passed"));
        assert!(stages.finish().is_ok());
    }
}
