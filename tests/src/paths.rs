//! Where the tests find things, from the workspace root.

use std::path::{Path, PathBuf};

/// Root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Committed reference values and small files.
pub fn fixtures() -> PathBuf {
    root().join("tests").join("fixtures")
}

/// The page as built last; `FSR_DIST` names another build of it.
pub fn dist() -> PathBuf {
    std::env::var_os("FSR_DIST").map_or_else(|| root().join("dist"), PathBuf::from)
}

/// The default model's package, as the page serves it.
pub fn default_model() -> PathBuf {
    dist().join("models").join("default")
}

/// Real data and weights beside the repository, which a clone does not have; says so when they are absent.
pub fn shared_data() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared");
    if folder.is_dir() {
        return Some(folder);
    }
    crate::skip::skipped("../shared is absent");
    None
}
