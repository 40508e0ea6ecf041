//! One hash for many files, so that a figure says on which bytes it was measured.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::DatasetError;

/// SHA-256 of a file's contents, in hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn file_sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// SHA-256 of the text that `sha256sum` prints for the files, sorted by path relative to `root`: two
/// spaces between hash and path, `/` between folders, a newline after each.
///
/// # Errors
/// Names the first file that cannot be read.
pub fn manifest_sha256<'a>(
    root: &Path,
    files: impl Iterator<Item = &'a PathBuf>,
) -> Result<String, DatasetError> {
    let mut files: Vec<&PathBuf> = files.collect();
    files.sort();
    files.dedup();
    let lines: Result<Vec<(String, String)>, DatasetError> = files
        .into_par_iter()
        .map(|path| {
            let hash = file_sha256(path).map_err(|error| DatasetError::Unreadable {
                path: path.clone(),
                reason: error.to_string(),
            })?;
            let relative = path.strip_prefix(root).unwrap_or(path);
            let parts: Vec<_> = relative
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            Ok((parts.join("/"), hash))
        })
        .collect();
    Ok(sha256_of_manifest(lines?))
}

/// [`manifest_sha256`] of files whose names and hashes are known.
pub fn sha256_of_manifest(mut lines: Vec<(String, String)>) -> String {
    lines.sort();
    let mut hash = Sha256::new();
    for (path, own) in lines {
        hash.update(format!("{own}  {path}\n"));
    }
    hex::encode(hash.finalize())
}

/// SHA-256 of bytes, in hexadecimal.
pub fn bytes_sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn the_manifest_is_what_sha256sum_would_hash_to() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("b")).unwrap();
        let files = ["b/2.png", "a.png"].map(|name| root.path().join(name));
        fs::write(&files[0], b"two").unwrap();
        fs::write(&files[1], b"one").unwrap();
        assert_eq!(
            file_sha256(&files[1]).unwrap(),
            "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        );
        // find . -type f -printf '%P\n' | sort | xargs sha256sum | sha256sum
        assert_eq!(
            manifest_sha256(root.path(), files.iter()).unwrap(),
            "b7b2d83df48dd2f3df05ec61243e29a34d85eefb2c29bba1b35f0252f62a6b41"
        );
        fs::write(&files[0], b"too").unwrap();
        assert_ne!(
            manifest_sha256(root.path(), files.iter()).unwrap(),
            "b7b2d83df48dd2f3df05ec61243e29a34d85eefb2c29bba1b35f0252f62a6b41"
        );
    }
}
