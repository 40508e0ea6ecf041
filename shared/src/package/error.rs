//! Why a package cannot be read or written.

use thiserror::Error;

use crate::config::ConfigError;
use crate::model::ModelError;

/// Why a package cannot be read, written or used. Messages name the file and the mend.
#[derive(Debug, Clone, Error)]
pub enum PackageError {
    /// A file that must be there is not.
    #[error("the model package has no {file}: choose its whole folder, or export the model again")]
    Missing {
        /// Name of the file.
        file: String,
    },
    /// A file is there and cannot be read.
    #[error("{file} of the model package could not be read: {reason}")]
    Unreadable {
        /// Name of the file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// A file holds something else than it should.
    #[error(
        "{file} of the model package is damaged or cut short ({reason}): copy or export it again"
    )]
    Damaged {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `config.json` belongs to some other kind of model.
    #[error("this is not an FSR model package (config.json has format {found}, not \"fsr\")")]
    Format {
        /// The value found, as JSON, or "none".
        found: String,
    },
    /// Written by another version of the format.
    #[error(
        "the model package has format version {found}, this program reads versions up to {}: {}",
        super::FORMAT_VERSION,
        "use the program it was made with, or export the model again"
    )]
    Version {
        /// The value found, as JSON, or "none".
        found: String,
    },
    /// A setting in `config.json` that this program cannot honour.
    #[error("config.json of the model package: {0}")]
    Config(String),
    /// A tensor that cannot be used.
    #[error("tensor '{tensor}' in {file}: {reason}")]
    Tensor {
        /// Name of the file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// NaN or infinite weights.
    #[error(
        "tensor '{tensor}' holds {bad} values that are not finite (NaN or infinite): the file is damaged or \
         training diverged"
    )]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// How many values.
        bad: usize,
    },
    /// The weights do not fit the architecture that `config.json` describes.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<ConfigError> for PackageError {
    fn from(error: ConfigError) -> Self {
        Self::Model(ModelError::Config(error))
    }
}

impl PackageError {
    pub(super) fn damaged(file: &str, reason: impl ToString) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn tensor(file: &str, tensor: &str, reason: impl ToString) -> Self {
        Self::Tensor {
            file: file.to_owned(),
            tensor: tensor.to_owned(),
            reason: reason.to_string(),
        }
    }
}
