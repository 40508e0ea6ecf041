//! Verdicts in words.

use fsr::calibration::Verdict;

/// `good` or `anomalous`, as in lists and JSON.
pub fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Anomalous => "anomalous",
    }
}
