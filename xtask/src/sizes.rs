//! Size budgets of the page: what a visitor downloads before seeing something, and before the first answer.

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The most a wasm file may weigh, gzipped as a web host does it (level 6).
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Start of the file's name; trunk puts a hash after it.
    pub prefix: &'static str,
    /// Bytes after gzip.
    pub limit: u64,
}

/// The interface paints first, so it must be small; the worker carries the numerics and comes after.
pub const BUDGETS: [Budget; 2] = [
    Budget {
        prefix: "fsr-ui",
        limit: 500_000,
    },
    Budget {
        prefix: "fsr-worker",
        limit: 6_000_000,
    },
];

/// Prints the size of each budgeted file and fails when one is missing or over.
pub fn check(dist: &Path) -> Result<()> {
    let mut over = Vec::new();
    for budget in BUDGETS {
        let file = find(dist, budget.prefix)?;
        let bytes =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let packed = gzip_len(&bytes)?;
        println!(
            "{:<12} {:>8.1} kB gzip of {:>8.1} kB (budget {:>6.0} kB)",
            budget.prefix,
            packed as f64 / 1e3,
            bytes.len() as f64 / 1e3,
            budget.limit as f64 / 1e3
        );
        if packed > budget.limit {
            over.push(budget.prefix);
        }
    }
    if !over.is_empty() {
        bail!("over the size budget: {}", over.join(", "));
    }
    Ok(())
}

/// The one wasm file in `dist` whose name starts with `prefix`.
fn find(dist: &Path, prefix: &str) -> Result<PathBuf> {
    let entries =
        std::fs::read_dir(dist).with_context(|| format!("cannot list {}", dist.display()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(prefix))
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(file), true) => Ok(file),
        (Some(_), false) => bail!("several {prefix}*.wasm in {}", dist.display()),
        (None, _) => bail!("no {prefix}*.wasm in {}", dist.display()),
    }
}

fn gzip_len(bytes: &[u8]) -> Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dist(name: &str, files: &[(&str, usize)]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("fsr-sizes-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        for (file, length) in files {
            // Bytes gzip cannot pack: a multiplicative generator's high bits.
            let mut state = 1u64;
            let bytes: Vec<u8> = (0..*length)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            std::fs::write(folder.join(file), bytes).expect("file");
        }
        folder
    }

    #[test]
    fn within_budget_passes_and_over_budget_names_the_file() {
        let small = dist(
            "small",
            &[("fsr-ui-12ab_bg.wasm", 1000), ("fsr-worker_bg.wasm", 1000)],
        );
        check(&small).expect("within budget");
        let big = dist(
            "big",
            &[
                ("fsr-ui-12ab_bg.wasm", 510_000),
                ("fsr-worker_bg.wasm", 1000),
            ],
        );
        let error = check(&big).expect_err("over budget");
        assert_eq!(error.to_string(), "over the size budget: fsr-ui");
        for folder in [small, big] {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    #[test]
    fn a_missing_file_fails() {
        let folder = dist("missing", &[("fsr-worker_bg.wasm", 10)]);
        let error = check(&folder).expect_err("missing");
        assert!(error.to_string().starts_with("no fsr-ui*.wasm"), "{error}");
        let _ = std::fs::remove_dir_all(folder);
    }
}
