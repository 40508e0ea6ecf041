//! Reading a package.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::safetensors_io::{decode_stored, decode_tensors};
use super::shards::ShardIndex;
use super::{
    CONFIG_FILE, INDEX_FILE, MODEL_FILE, Package, PackageConfig, PackageError, SELF_TEST_FILE,
    SelfTest,
};
use crate::tensors::NamedTensors;

/// A place that files of a package can be read from: a folder, files dropped on the page, memory.
pub trait PackageFiles {
    /// The contents of a file; `None` if there is none of that name, an error in words if it cannot
    /// be read.
    ///
    /// Names come from this module or passed its check: they contain no path.
    fn read(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, String>>;
}

impl PackageFiles for BTreeMap<String, Vec<u8>> {
    fn read(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, String>> {
        self.get(name)
            .map(|bytes| Ok(Cow::Borrowed(bytes.as_slice())))
    }
}

impl Package {
    /// Reads a package, one file at a time, and checks everything that can be checked without
    /// building the model.
    ///
    /// # Errors
    /// [`PackageError`], naming file and tensor.
    pub fn read(files: &impl PackageFiles) -> Result<Self, PackageError> {
        let config = PackageConfig::parse(&required(files, CONFIG_FILE)?)?;
        let tensors = match optional(files, MODEL_FILE)? {
            Some(bytes) => decode_tensors(MODEL_FILE, &bytes)?,
            None => read_shards(files)?,
        };
        let self_test = match optional(files, SELF_TEST_FILE)? {
            Some(bytes) => Some(SelfTest::from_bytes(&bytes, config.model.image_size)?),
            None => None,
        };
        Ok(Self {
            config,
            tensors,
            self_test,
        })
    }
}

fn optional<'a>(
    files: &'a impl PackageFiles,
    name: &str,
) -> Result<Option<Cow<'a, [u8]>>, PackageError> {
    files
        .read(name)
        .transpose()
        .map_err(|reason| PackageError::Unreadable {
            file: name.to_owned(),
            reason,
        })
}

fn required<'a>(files: &'a impl PackageFiles, name: &str) -> Result<Cow<'a, [u8]>, PackageError> {
    optional(files, name)?.ok_or_else(|| PackageError::Missing {
        file: name.to_owned(),
    })
}

fn read_shards(files: &impl PackageFiles) -> Result<NamedTensors, PackageError> {
    let Some(index) = optional(files, INDEX_FILE)? else {
        // A package without shards needs the one file.
        return Err(PackageError::Missing {
            file: MODEL_FILE.to_owned(),
        });
    };
    let index = ShardIndex::parse(&index)?;
    let mut all = NamedTensors::new();
    for file in index.files() {
        let (tensors, stored) = decode_stored(file, &required(files, file)?)?;
        let listed: Vec<&str> = index.tensors_of(file).collect();
        if let Some(absent) = listed
            .iter()
            .find(|name| stored.binary_search_by(|s| s.as_str().cmp(name)).is_err())
        {
            let reason = "the index puts it into this file, which does not hold it";
            return Err(PackageError::tensor(file, absent, reason));
        }
        if let Some(extra) = stored
            .iter()
            .find(|name| listed.binary_search(&name.as_str()).is_err())
        {
            let reason = "this file holds it, but the index does not put it there";
            return Err(PackageError::tensor(file, extra, reason));
        }
        all.extend(tensors);
    }
    Ok(all)
}
