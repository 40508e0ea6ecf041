//! Writing a package.

use std::collections::BTreeMap;

use crate::expected::SHARE;

use super::safetensors_io::{StoredTensor, to_file, to_stored};
use super::shards::{ShardIndex, ShardMetadata, shard_name};
use super::{
    CARD_FILE, CONFIG_FILE, Dtype, INDEX_FILE, MODEL_FILE, Package, PackageConfig, PackageError,
    SELF_TEST_FILE, model_card,
};

/// Files above this size are split: hosts of static pages refuse single files over 100 MB.
pub const DEFAULT_SHARD_BYTES: usize = 95_000_000;

impl Package {
    /// The files of the package, by name, with the weights stored as `dtype`.
    ///
    /// Weights files hold at most `max_shard_bytes` of tensors each; a single larger tensor gets a file
    /// of its own. Equal packages give equal bytes.
    ///
    /// # Errors
    /// A configuration that [`PackageConfig::validate`] refuses, and weights that are not finite:
    /// nothing is written that could not be read.
    pub fn write(
        &self,
        dtype: Dtype,
        max_shard_bytes: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
        let config = PackageConfig {
            dtype,
            ..self.config.clone()
        };
        config.validate()?;
        let mut shards: Vec<Vec<(String, StoredTensor<'_>)>> = vec![Vec::new()];
        let mut filled = 0;
        for (name, tensor) in &self.tensors {
            // A tensor and its scales stay together.
            let stored = to_stored(name, tensor, dtype)?;
            let bytes: usize = stored.iter().map(|(_, tensor)| tensor.bytes()).sum();
            if filled > 0 && filled + bytes > max_shard_bytes {
                shards.push(Vec::new());
                filled = 0;
            }
            filled += bytes;
            if let Some(last) = shards.last_mut() {
                last.extend(stored);
            }
        }

        let mut files = vec![(CONFIG_FILE.to_owned(), config.to_json()?)];
        if let [only] = shards.as_slice() {
            files.push((MODEL_FILE.to_owned(), to_file(only)?));
        } else {
            files.extend(write_shards(&shards)?);
        }
        let expected = self.tensors.get(SHARE);
        let expected = expected.and_then(|share| share.values.first().copied());
        files.push((
            CARD_FILE.to_owned(),
            model_card(&config, expected).into_bytes(),
        ));
        if let Some(self_test) = &self.self_test {
            files.push((SELF_TEST_FILE.to_owned(), self_test.to_bytes()?));
        }
        Ok(files)
    }
}

fn write_shards(
    shards: &[Vec<(String, StoredTensor<'_>)>],
) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
    let mut files = Vec::new();
    let mut weight_map = BTreeMap::new();
    let mut total_size = 0;
    for (index, shard) in shards.iter().enumerate() {
        let file = shard_name(index + 1, shards.len());
        for (name, tensor) in shard {
            total_size += tensor.bytes() as u64;
            weight_map.insert(name.clone(), file.clone());
        }
        files.push((file, to_file(shard)?));
    }
    let index = ShardIndex {
        metadata: ShardMetadata { total_size },
        weight_map,
    };
    let json = serde_json::to_vec_pretty(&index)
        .map_err(|error| PackageError::damaged(INDEX_FILE, error))?;
    files.push((INDEX_FILE.to_owned(), json));
    Ok(files)
}
