//! Model packages: everything a trained model needs, in the layout of the Hugging Face hub.
//!
//! | file | contents |
//! |---|---|
//! | `config.json` | [`PackageConfig`]: architecture, recipe, preprocessing, calibration, provenance |
//! | `model.safetensors` | the weights, or `model-00001-of-0000N.safetensors` with `model.safetensors.index.json` |
//! | `README.md` | the model card |
//! | `selftest.safetensors` | [`SelfTest`]: an image and the map this model gives for it |
//!
//! The same files may lie in one zip archive ([`pack`], [`unpack`]).
//!
//! There is no file system in here: [`Package::read`] asks a [`PackageFiles`] for files by name and
//! [`Package::write`] returns them. One reader serves native program and page, and trusts nothing: a
//! package may come from anywhere.

mod archive;
mod card;
mod config;
mod dtype;
mod error;
mod quantise;
mod read;
mod safetensors_io;
mod selftest;
mod shards;
mod write;

pub use archive::{ARCHIVE_ENDING, ArchiveError, is_archive, pack, unpack};
pub use card::model_card;
pub use config::{FORMAT, FORMAT_VERSION, PackageConfig, Preprocessing, Provenance, WeightsOrigin};
pub use dtype::Dtype;
pub use error::PackageError;
pub use quantise::{BLOCK, Quantised, dequantise, quantise};
pub use read::PackageFiles;
pub use safetensors_io::{decode_tensors, encode_tensors};
pub use selftest::SelfTest;
pub use write::DEFAULT_SHARD_BYTES;

use crate::tensors::NamedTensors;

/// Name of the configuration file.
pub const CONFIG_FILE: &str = "config.json";
/// Name of the weights file when there is only one.
pub const MODEL_FILE: &str = "model.safetensors";
/// Name of the file that lists the shards when there are several.
pub const INDEX_FILE: &str = "model.safetensors.index.json";
/// Name of the self-test.
pub const SELF_TEST_FILE: &str = "selftest.safetensors";
/// Name of the model card.
pub const CARD_FILE: &str = "README.md";

/// A model package in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// What `config.json` says.
    pub config: PackageConfig,
    /// The weights, all as f32.
    pub tensors: NamedTensors,
    /// The self-test; `None` if the package has none.
    pub self_test: Option<SelfTest>,
}
