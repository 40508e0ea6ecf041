//! What the worker tells of itself: models and products.

use serde::{Deserialize, Serialize};

use super::Threshold;

/// Result of the package's self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Where it came from.
    pub origin: Origin,
    /// Backbone and restorer.
    pub architecture: Architecture,
    /// What it was trained on.
    pub trained_on: TrainedOn,
    /// Bytes of the package.
    pub bytes: u64,
    /// Calibration of all categories together, when the package has one.
    pub threshold: Option<Threshold>,
    /// The self-test's result.
    pub self_test: SelfTest,
    /// Milliseconds for: files, build, warm-up, self-test.
    pub load_ms: [f64; 4],
}

/// Where a model came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The page's own server.
    Server,
    /// Files of the visitor's, or kept in the browser.
    Files,
    /// A training in this tab.
    Trained,
}

/// Backbone and restorer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The backbone's name.
    pub backbone: String,
    /// Blocks of the restorer.
    pub blocks: usize,
    /// Values of each of its tokens.
    pub width: usize,
}

/// What a model was trained on, as far as its package says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The package's own words.
    pub data: String,
    /// Good images; 0 when unknown.
    pub images: usize,
    /// Names of their categories.
    pub categories: Vec<String>,
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
