//! A backbone of the visitor's own to train on.

use serde::{Deserialize, Serialize};

use super::Failure;

/// What a weight file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackboneSummary {
    /// Name of the file.
    pub name: String,
    /// Architecture, for people.
    pub architecture: String,
    /// Parameters of the stem and the three stages that are used.
    pub parameters: usize,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// A file is no backbone, for a library's reason.
pub fn no_backbone(name: &str, reason: &str) -> Failure {
    Failure::NoBackbone {
        name: name.to_owned(),
        reason: reason.trim_end_matches('.').to_owned(),
    }
}
