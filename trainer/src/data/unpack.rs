//! Unpacking what a stranger packed: nothing outside the folder, no links, bounded sizes, all or nothing.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::archive::{Format, Member};
use crate::atomic;

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files and folders.
    pub members: usize,
}

impl Limits {
    /// Several times the largest data set known here.
    pub const DATA_SET: Self = Self {
        bytes: 64 << 30,
        members: 1_000_000,
    };
}

/// Longest path of a member, and deepest.
const MAX_NAME: usize = 1024;
const MAX_DEPTH: usize = 32;

/// Unpacks an archive so that `target`, which must not exist, is complete or not there at all.
///
/// A single folder around everything is taken off: `target` is then that folder. Returns the number of files.
///
/// # Errors
/// For a damaged archive and for members that are links or devices, lie outside the folder or are too much;
/// nothing of it is then left.
pub fn unpack(archive: &Path, format: Format, target: &Path, limits: Limits) -> Result<usize> {
    if target.exists() {
        bail!(
            "{} is there already; give another --out, or remove it",
            target.display()
        );
    }
    let partial = atomic::with_suffix(target, &format!("unpacking-{}", std::process::id()))?;
    let unpacked = fill(archive, format, &partial, limits).and_then(|files| {
        let whole = only_folder(&partial)?.unwrap_or_else(|| partial.clone());
        fs::rename(&whole, target).with_context(|| format!("cannot make {}", target.display()))?;
        Ok(files)
    });
    // What is left of it: all, after a failure, or the folder around everything. If it cannot be removed,
    // that is not the reason worth reporting.
    if partial.exists() {
        let _ = fs::remove_dir_all(&partial);
    }
    unpacked.with_context(|| format!("cannot unpack {}", archive.display()))
}

fn fill(archive: &Path, format: Format, folder: &Path, limits: Limits) -> Result<usize> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (mut members, mut files, mut left) = (0, 0, limits.bytes);
    format.members(archive, |name, what, contents| {
        members += 1;
        if members > limits.members {
            bail!("it has more than {} members", limits.members);
        }
        let relative = inside(name)?;
        let path = folder.join(&relative);
        match what {
            Member::Other(kind) => bail!(
                "its member '{}' is {kind}; a data set needs none",
                shown(name)
            ),
            Member::Folder => {
                fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))
            }
            Member::File => {
                if relative.as_os_str().is_empty() {
                    bail!("its member '{}' has no name", shown(name));
                }
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)
                        .with_context(|| format!("cannot make {}", parent.display()))?;
                }
                left -= write(&path, contents, left).with_context(|| shown(name))?;
                files += 1;
                Ok(())
            }
        }
    })?;
    if files == 0 {
        bail!("it holds no file");
    }
    Ok(files)
}

/// Copies at most `limit` bytes into a new file; a file that is there already is not written through.
fn write(path: &Path, contents: &mut dyn Read, limit: u64) -> Result<u64> {
    let mut file = File::create_new(path)
        .with_context(|| format!("cannot make {} (twice in the archive?)", path.display()))?;
    // Counted while it is unpacked, because an archive may say any size it likes.
    let written = io::copy(&mut contents.take(limit.saturating_add(1)), &mut file)
        .context("it is damaged or cut off")?;
    if written > limit {
        bail!("it unpacks to more than is allowed");
    }
    file.flush()?;
    Ok(written)
}

/// The member's path, if it stays inside whatever folder it is put into.
fn inside(name: &Path) -> Result<PathBuf> {
    let refuse = |why: &str| bail!("its member '{}' {why}; nothing was unpacked", shown(name));
    let text = name.to_string_lossy();
    // Backslashes and drive letters are separators on other systems; no data set here has any.
    if text.contains('\\') || text.contains('\0') || text.as_bytes().get(1) == Some(&b':') {
        return refuse("has a name that other systems read as a path");
    }
    if text.len() > MAX_NAME || name.components().count() > MAX_DEPTH {
        return refuse("has too long a path");
    }
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                return refuse("has '..' in its path and could leave the folder");
            }
            Component::RootDir | Component::Prefix(_) => {
                return refuse("has an absolute path and would leave the folder");
            }
        }
    }
    Ok(path)
}

/// A member's name for an error line: short, and without control characters.
fn shown(name: &Path) -> String {
    name.to_string_lossy()
        .chars()
        .take(120)
        .map(|char| if char.is_control() { '?' } else { char })
        .collect()
}

/// The folder that holds everything, if there is just one and nothing beside it, and it is no category itself.
fn only_folder(folder: &Path) -> Result<Option<PathBuf>> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    let [only] = entries.as_slice() else {
        return Ok(None);
    };
    let path = only.path();
    let is_category = ["train", "test", "good"]
        .iter()
        .any(|name| path.join(name).is_dir());
    Ok((path.is_dir() && !is_category).then_some(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;
    use tar::EntryType;

    /// A tar of files, whose names go in as they are, however bad.
    fn tar(members: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, contents) in members {
            let mut header = tar::Header::new_ustar();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.set_size(0);
                header.set_link_name_literal(contents).unwrap();
                header.set_cksum();
                builder.append(&header, Cursor::new([])).unwrap();
            } else {
                header.set_size(contents.len() as u64);
                header.set_cksum();
                builder.append(&header, Cursor::new(contents)).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, contents) in members {
            writer
                .start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            writer.write_all(contents).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Unpacks into `<root>/inner/target`; returns the outcome and every path below the root.
    fn attempt(archive: &[u8], limits: Limits) -> (Result<usize, String>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        let packed = root.path().join("packed");
        fs::write(&packed, archive).unwrap();
        let target = root.path().join("inner/target");
        fs::create_dir(root.path().join("inner")).unwrap();
        let outcome = Format::of(&packed)
            .and_then(|format| unpack(&packed, format, &target, limits))
            .map_err(|error| format!("{error:#}"));
        fs::remove_file(&packed).unwrap();
        let mut found = Vec::new();
        let mut folders = vec![root.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(
                    path.strip_prefix(root.path())
                        .unwrap()
                        .display()
                        .to_string(),
                );
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        (outcome, found)
    }

    const SMALL: Limits = Limits {
        bytes: 1000,
        members: 10,
    };
    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn whole_archives_are_unpacked_whatever_their_packing() {
        let nut = "nut/train/good/0.png";
        let plain = tar(&[(nut, FILE, b"image"), ("readme.txt", FILE, b"x")]);
        let zipped = zip(&[(nut, b"image"), ("readme.txt", b"x")]);
        for archive in [plain.clone(), gzip(&plain), zipped] {
            let (outcome, found) = attempt(&archive, SMALL);
            assert_eq!(outcome, Ok(2));
            assert!(found.contains(&format!("inner/target/{nut}")), "{found:?}");
            assert_eq!(found.len(), 7, "{found:?}");
        }
        // A folder around everything is taken off, a category is not.
        let (_, found) = attempt(&tar(&[("set/nut/train/good/0.png", FILE, b"x")]), SMALL);
        assert!(found.contains(&format!("inner/target/{nut}")), "{found:?}");
        let (_, found) = attempt(&tar(&[(nut, FILE, b"x")]), SMALL);
        assert!(found.contains(&format!("inner/target/{nut}")), "{found:?}");
    }

    #[test]
    fn nothing_leaves_the_folder_and_nothing_of_a_refused_archive_stays() {
        let good = ("a.png", FILE, b"x".as_slice());
        let bad_names = [
            "../evil",
            "../../evil",
            "a/../../evil",
            "/tmp/fsr-evil",
            "..\\evil",
            "C:evil",
        ];
        let tars = bad_names.map(|name| tar(&[good, (name, FILE, b"x")]));
        let zips = bad_names.map(|name| zip(&[("a.png", b"x"), (name, b"x")]));
        let link = |kind, to: &'static str| {
            tar(&[
                good,
                ("link", kind, to.as_bytes()),
                ("link/evil", FILE, b"x"),
            ])
        };
        let links = [
            link(EntryType::Symlink, ".."),
            link(EntryType::Symlink, "/tmp"),
            link(EntryType::Link, "../../evil"),
            tar(&[good, ("pipe", EntryType::Fifo, b"")]),
        ];
        for archive in tars.iter().chain(&zips).chain(&links) {
            for archive in [archive.clone(), gzip(archive)] {
                if archive.starts_with(&[0x1f, 0x8b]) && zips.iter().any(|zip| gzip(zip) == archive)
                {
                    continue;
                }
                let (outcome, found) = attempt(&archive, SMALL);
                let error = outcome.unwrap_err();
                assert!(error.contains("its member '"), "{error}");
                assert_eq!(found, ["inner"], "{error}");
            }
        }
        assert!(!Path::new("/tmp/fsr-evil").exists());
    }

    #[test]
    fn a_zips_symbolic_link_is_refused() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.add_symlink("link", "../..", options).unwrap();
        let (outcome, found) = attempt(&writer.finish().unwrap().into_inner(), SMALL);
        assert!(outcome.unwrap_err().contains("symbolic link"));
        assert_eq!(found, ["inner"]);
    }

    #[test]
    fn bombs_and_damage_are_refused_and_leave_nothing() {
        let large = tar(&[("zeros", FILE, &[0; 1001])]);
        let many: Vec<String> = (0..11).map(|index| format!("{index}.png")).collect();
        let many: Vec<_> = many
            .iter()
            .map(|name| (name.as_str(), FILE, b"".as_slice()))
            .collect();
        let whole = tar(&[("a.png", FILE, &[7; 900])]);
        let packed = zip(&[("a.png", &[7; 900])]);
        for (archive, part) in [
            (gzip(&large), "more than is allowed"),
            (zip(&[("zeros", &[0; 1001])]), "more than is allowed"),
            (tar(&many), "more than 10 members"),
            (whole[..900].to_vec(), "cut off"),
            (gzip(&whole)[..40].to_vec(), ""),
            (packed[..packed.len() - 30].to_vec(), "damaged zip"),
            (tar(&[("a", FILE, b"1"), ("a", FILE, b"2")]), "twice"),
            (tar(&[]), ""),
            (b"<!DOCTYPE html><p>Sign in".to_vec(), "web page"),
            (Vec::new(), "no .tar"),
        ] {
            let (outcome, found) = attempt(&archive, SMALL);
            let error = outcome.unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
            assert_eq!(found, ["inner"], "{error}");
        }
    }
}
