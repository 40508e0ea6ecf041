//! Weights in several files, and the index that says which tensor is where.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{INDEX_FILE, PackageError};

/// No honest index is larger, in bytes.
const MAX_INDEX_BYTES: usize = 64 << 20;

/// `model.safetensors.index.json`, as the Hugging Face hub has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardIndex {
    pub metadata: ShardMetadata,
    /// File of every stored tensor.
    pub weight_map: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardMetadata {
    /// Bytes of all tensors together, without headers.
    pub total_size: u64,
}

impl ShardIndex {
    pub fn parse(bytes: &[u8]) -> Result<Self, PackageError> {
        if bytes.len() > MAX_INDEX_BYTES {
            return Err(PackageError::damaged(INDEX_FILE, "it is larger than 64 MB"));
        }
        let index: Self = serde_json::from_slice(bytes)
            .map_err(|error| PackageError::damaged(INDEX_FILE, error))?;
        if index.weight_map.is_empty() {
            return Err(PackageError::damaged(INDEX_FILE, "it lists no tensors"));
        }
        for file in index.weight_map.values() {
            if !is_plain_file_name(file) {
                let shown: String = file.chars().take(60).collect();
                let reason =
                    format!("{shown:?} is not the name of a weights file in the same folder");
                return Err(PackageError::damaged(INDEX_FILE, reason));
            }
        }
        Ok(index)
    }

    /// The shards, in the order of their names.
    pub fn files(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }

    /// The tensors that a shard must hold.
    pub fn tensors_of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a str> {
        self.weight_map
            .iter()
            .filter(move |(_, owner)| *owner == file)
            .map(|(tensor, _)| tensor.as_str())
    }
}

/// A name that can lead nowhere but to a file beside the index.
fn is_plain_file_name(name: &str) -> bool {
    name.len() <= 128
        && !name.starts_with('.')
        && name.ends_with(".safetensors")
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// `model-00001-of-00003.safetensors`
pub(super) fn shard_name(number: usize, count: usize) -> String {
    format!("model-{number:05}-of-{count:05}.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_followed() {
        assert!(is_plain_file_name(&shard_name(3, 12)));
        for name in [
            "../model.safetensors",
            "/etc/model.safetensors",
            "a/model.safetensors",
            "a\\model.safetensors",
            "C:model.safetensors",
            "..safetensors",
            ".hidden.safetensors",
            "model.bin",
            "http://x.y/model.safetensors",
            "model\0.safetensors",
            "",
        ] {
            assert!(!is_plain_file_name(name), "{name}");
        }
    }
}
