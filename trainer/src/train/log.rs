//! The log of a run: one JSON object a line.

use fsr::train::TrainProgress;
use serde::Serialize;

/// One line of the log: the loss is the mean since the line before.
#[derive(Debug, Serialize)]
pub struct LogLine {
    step: usize,
    steps: usize,
    epoch: usize,
    loss: f32,
    squared: f32,
    local_cosine: f32,
    global_cosine: f32,
    learning_rate: f64,
    seconds: f64,
}

impl LogLine {
    /// The values that change from line to line, by the names that TensorBoard groups them by.
    pub fn scalars(&self) -> [(&'static str, f32); 5] {
        [
            ("loss/total", self.loss),
            ("loss/squared", self.squared),
            ("loss/local_cosine", self.local_cosine),
            ("loss/global_cosine", self.global_cosine),
            ("learning_rate", self.learning_rate as f32),
        ]
    }
}

/// Mean of the loss parts over some steps.
#[derive(Debug, Default)]
pub struct LossMean {
    steps: usize,
    parts: [f64; 3],
}

impl LossMean {
    /// Counts a step in.
    pub fn add(&mut self, now: &TrainProgress) {
        self.steps += 1;
        for (sum, part) in
            self.parts
                .iter_mut()
                .zip([now.squared, now.local_cosine, now.global_cosine])
        {
            *sum += f64::from(part);
        }
    }

    fn part(&self, index: usize) -> f32 {
        (self.parts[index] / self.steps.max(1) as f64) as f32
    }

    /// The whole loss.
    pub fn mean(&self) -> f32 {
        (0..3).map(|index| self.part(index)).sum()
    }

    /// The line of the log at `now`, `seconds` after the start.
    pub fn line(&self, now: &TrainProgress, seconds: f64) -> LogLine {
        LogLine {
            step: now.step,
            steps: now.steps,
            epoch: now.epoch,
            loss: self.mean(),
            squared: self.part(0),
            local_cosine: self.part(1),
            global_cosine: self.part(2),
            learning_rate: now.learning_rate,
            seconds,
        }
    }
}
