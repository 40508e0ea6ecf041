//! What the worker tells of itself: models and products.

use serde::{Deserialize, Serialize};

use super::Threshold;

/// Result of the package's self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SelfTest {
    /// Map and score agree with the stored ones.
    Passed {
        /// Largest map difference, relative to the stored map's maximum.
        map_error: f32,
        /// Relative difference of the scores.
        score_error: f32,
    },
    /// They do not.
    Failed {
        /// As above.
        map_error: f32,
        /// As above.
        score_error: f32,
    },
    /// The package brings none.
    Absent,
}

/// A loaded model, for the status line and the details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Name from the package or its folder.
    pub name: String,
    /// Where it came from, in words.
    pub origin: String,
    /// Backbone and restorer in words.
    pub architecture: String,
    /// What it was trained on, in words; empty when the package does not say.
    pub trained_on: String,
    /// Bytes of the package.
    pub bytes: u64,
    /// Calibration of all categories together, when the package has one.
    pub threshold: Option<Threshold>,
    /// The self-test's result.
    pub self_test: SelfTest,
    /// Milliseconds for: files, build, warm-up, self-test.
    pub load_ms: [f64; 4],
}

/// A product that samples can be generated of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductInfo {
    /// As in [`crate::address::SampleSpec::product`].
    pub name: String,
    /// For people.
    pub title: String,
    /// As in [`crate::address::SampleSpec::defect`].
    pub defects: Vec<String>,
}
