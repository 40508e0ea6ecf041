//! `cargo xtask offline`: writes the service worker of a built page, with the list and the hashes of its files.
//!
//! Trunk runs it after each build (`Trunk.toml`), so that a plain `trunk build --release` leaves a page that works
//! offline. The text of the service worker is `web/offline/service-worker.js`.

use crate::command::root;
use crate::page;
use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Name of the service worker; it must lie beside `index.html`, for its scope is its folder.
pub const SERVICE_WORKER: &str = "service-worker.js";

/// Which page.
#[derive(Args, Debug)]
pub struct Options {
    /// Folder of the built page; without it, the one trunk is building, else `dist/`.
    folder: Option<PathBuf>,
}

/// A file the page needs to work offline.
#[derive(Debug)]
struct Kept {
    /// From the page's folder, with `/`.
    path: String,
    /// As in an `integrity` attribute.
    integrity: String,
    bytes: usize,
}

/// Writes the service worker and says what it keeps.
pub fn run(options: &Options) -> Result<()> {
    let building = std::env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    let folder = options.folder.clone().or(building);
    write(&folder.unwrap_or_else(page::dist))
}

/// Writes the service worker of the page in `folder`.
///
/// # Errors
/// When the folder holds no built page, or cannot be read or written.
pub fn write(folder: &Path) -> Result<()> {
    ensure!(
        folder.join("index.html").is_file(),
        "there is no built page in {}: build it with trunk first",
        folder.display()
    );
    let template = root().join("web/offline").join(SERVICE_WORKER);
    let template = std::fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));

    let mut all = Sha256::new();
    all.update(&template);
    for file in &files {
        all.update(format!("{}\n{}\n", file.path, file.integrity));
    }
    let version = hex::encode(&all.finalize()[..8]);
    let list: Vec<_> = files
        .iter()
        .map(|file| json!([file.path, file.integrity, file.bytes]))
        .collect();
    let page = json!({ "version": version, "files": list });
    let target = folder.join(SERVICE_WORKER);
    std::fs::write(&target, format!("const PAGE = {page};\n{template}"))
        .with_context(|| format!("cannot write {}", target.display()))?;
    let bytes: usize = files.iter().map(|file| file.bytes).sum();
    println!(
        "offline: version {version}, {} files, {:.1} MB",
        files.len(),
        bytes as f64 / 1e6
    );
    Ok(())
}

/// All files under `folder` that are to be kept; `at` is the folder's path from the page, empty or closed by `/`.
fn collect(folder: &Path, at: &str, files: &mut Vec<Kept>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let file = entry?.path();
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{} has no name that fits an address", file.display()))?;
        let path = format!("{at}{name}");
        if file.is_dir() {
            if is_kept_folder(&path) {
                collect(&file, &format!("{path}/"), files)?;
            }
        } else if path != SERVICE_WORKER && !path.ends_with(".md") {
            let contents =
                std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let hash = STANDARD.encode(Sha256::digest(&contents));
            files.push(Kept {
                path,
                integrity: format!("sha256-{hash}"),
                bytes: contents.len(),
            });
        }
    }
    Ok(())
}

/// Of the models only the default one: the others are kept when the visitor asks for them.
fn is_kept_folder(path: &str) -> bool {
    path.strip_prefix("models/")
        .is_none_or(|model| model == "default" || model.starts_with("default/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("fsr-offline-{name}-{}", std::process::id()));
        for inner in ["models/default", "models/large"] {
            std::fs::create_dir_all(folder.join(inner)).expect("folder");
        }
        for (file, contents) in [
            ("index.html", "<h1>page</h1>"),
            ("models/index.json", "{}"),
            ("models/default/config.json", "{}"),
            ("models/default/README.md", "words"),
            ("models/large/config.json", "{}"),
        ] {
            std::fs::write(folder.join(file), contents).expect("file");
        }
        folder
    }

    /// The line before the template.
    fn written(folder: &Path) -> serde_json::Value {
        write(folder).expect("written");
        let text = std::fs::read_to_string(folder.join(SERVICE_WORKER)).expect("text");
        let line = text.lines().next().expect("line");
        let json = line.strip_prefix("const PAGE = ").expect("start");
        serde_json::from_str(json.trim_end_matches(';')).expect("JSON")
    }

    #[test]
    fn lists_what_the_page_needs_with_its_hashes() {
        let folder = page("lists");
        let page = written(&folder);
        // printf '<h1>page</h1>' | openssl dgst -sha256 -binary | base64, and the same of '{}'
        let braces = "sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
        assert_eq!(
            page["files"],
            json!([
                [
                    "index.html",
                    "sha256-hI1gv9s4Pi7imKYamdo4Nqc8QuSPWvVN3XUnNHC1Y9c=",
                    13
                ],
                ["models/default/config.json", braces, 2],
                ["models/index.json", braces, 2],
            ])
        );
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn the_version_is_that_of_the_contents() {
        let folder = page("version");
        let first = written(&folder)["version"].clone();
        assert_eq!(written(&folder)["version"], first);
        std::fs::write(folder.join("models/large/config.json"), "{ }").expect("file");
        assert_eq!(written(&folder)["version"], first, "it is not kept");
        std::fs::write(folder.join("models/default/config.json"), "{ }").expect("file");
        assert_ne!(written(&folder)["version"], first);
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let error = write(&std::env::temp_dir().join("fsr-no-such-page")).expect_err("refused");
        assert!(error.to_string().contains("no built page"), "{error}");
    }
}
