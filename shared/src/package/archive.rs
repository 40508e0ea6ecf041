//! A package in one file: a zip archive of its files.
//!
//! Archives come from anywhere, so nothing in one is believed before it is checked: names lead nowhere
//! but into one folder, every name is there once, no bytes serve two files, and what comes out is
//! bounded before it is unpacked, by what the archive says and again by what really comes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::{CARD_FILE, CONFIG_FILE, INDEX_FILE};

/// Ending of an archive's name.
pub const ARCHIVE_ENDING: &str = ".zip";

/// No honest package has more files: a thousand shards and a handful beside them.
const MOST_FILES: usize = 1_100;

/// No honest package is larger when unpacked, in bytes. Also what a page's memory can hold.
const MOST_BYTES: u64 = 2 << 30;

/// How much larger than the archive its contents may be. Weights hardly shrink, text by ten;
/// what shrinks a hundredfold holds nothing.
const MOST_EXPANSION: u64 = 100;

/// Small archives may expand to this much whatever their own size, in bytes.
const ALWAYS_ALLOWED: u64 = 1 << 20;

/// Why an archive is not used. Each is one line that ends in the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Not a zip archive, cut short, or of a kind that is not read.
    #[error("it is not a whole zip archive ({0}): save or export the package again")]
    Damaged(String),
    /// A name that could lead out of the folder.
    #[error("it holds a file called {0:?}, which leads out of its folder: do not use it")]
    Path(String),
    /// Two files of one name, or files that share bytes.
    #[error(
        "it holds {0}, of which only one could be meant: do not use it, export the package again"
    )]
    Ambiguous(String),
    /// It would unpack to more than any package holds.
    #[error("it would unpack to {0}, more than a model package holds: do not use it")]
    TooLarge(String),
    /// Locked with a password.
    #[error("{0} in it is locked with a password: save it without one")]
    Locked(String),
    /// A zip archive of something else.
    #[error("there is no {CONFIG_FILE} in it: give a zip that this program or its page has saved")]
    NoPackage,
}

fn damaged(reason: impl ToString) -> ArchiveError {
    ArchiveError::Damaged(reason.to_string())
}

/// Whether a file is taken for an archive, by its name.
pub fn is_archive(name: &str) -> bool {
    name.len() > ARCHIVE_ENDING.len() && name.to_ascii_lowercase().ends_with(ARCHIVE_ENDING)
}

/// Puts a package's files into one archive. Weights hardly shrink, so files are stored as they are,
/// and without dates: equal files give equal bytes.
///
/// # Errors
/// Names that an archive cannot hold, or more than 4 GB in one file.
pub fn pack(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, ArchiveError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let room = files
        .iter()
        .map(|(name, bytes)| bytes.len() + 2 * name.len() + 128);
    let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(room.sum())));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).map_err(damaged)?;
        writer.write_all(bytes).map_err(damaged)?;
    }
    Ok(writer.finish().map_err(damaged)?.into_inner())
}

/// Unpacks the files of a package from an archive; what does not belong to a package stays packed.
///
/// The files may lie in one folder of the archive, as when a folder was zipped.
///
/// # Errors
/// [`ArchiveError`], before anything large is unpacked.
pub fn unpack(mut archive: impl Read + Seek) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let length = archive.seek(std::io::SeekFrom::End(0)).map_err(damaged)?;
    let mut archive = ZipArchive::new(archive).map_err(damaged)?;
    if archive.len() > MOST_FILES {
        let files = format!("{} files", archive.len());
        return Err(ArchiveError::TooLarge(files));
    }
    if archive.has_duplicate_names() {
        return Err(ArchiveError::Ambiguous("two files of one name".into()));
    }
    let wanted = survey(&mut archive, length)?;
    if archive.has_overlapping_entries().map_err(damaged)? {
        return Err(ArchiveError::Ambiguous("files that share bytes".into()));
    }
    let mut files = BTreeMap::new();
    for (name, index) in wanted {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let size = entry.size();
        let mut bytes = Vec::new();
        // One byte more than promised is enough to know that the promise is broken.
        (&mut entry)
            .take(size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("{name}: {error}")))?;
        if bytes.len() as u64 != size {
            return Err(damaged(format!("{name} is not as long as it says")));
        }
        files.insert(name, bytes);
    }
    Ok(files)
}

/// Checks every entry's name and size; names and places of the files to unpack.
fn survey(
    archive: &mut ZipArchive<impl Read + Seek>,
    length: u64,
) -> Result<BTreeMap<String, usize>, ArchiveError> {
    let mut found: Vec<(Vec<String>, usize)> = Vec::new();
    let mut total = 0u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        let parts = parts(&name).ok_or_else(|| ArchiveError::Path(shortened(&name)))?;
        if entry.is_symlink() {
            return Err(ArchiveError::Path(shortened(&name)));
        }
        if entry.is_dir() || !parts.last().is_some_and(|file| belongs(file)) {
            continue;
        }
        if entry.encrypted() {
            return Err(ArchiveError::Locked(shortened(&name)));
        }
        total = total.saturating_add(entry.size());
        let allowed = length
            .saturating_mul(MOST_EXPANSION)
            .clamp(ALWAYS_ALLOWED, MOST_BYTES);
        let own = entry
            .compressed_size()
            .saturating_mul(MOST_EXPANSION)
            .max(ALWAYS_ALLOWED);
        if total > allowed || entry.size() > own {
            let megabytes = format!("{} MB", total.max(entry.size()) / 1_000_000);
            return Err(ArchiveError::TooLarge(megabytes));
        }
        found.push((parts, index));
    }
    // The folder that holds the configuration is the package.
    let folder = found
        .iter()
        .filter(|(parts, _)| parts.last().is_some_and(|name| name == CONFIG_FILE))
        .map(|(parts, _)| parts[..parts.len() - 1].to_vec())
        .min_by_key(Vec::len)
        .ok_or(ArchiveError::NoPackage)?;
    let mut files = BTreeMap::new();
    for (mut parts, index) in found {
        if parts[..parts.len() - 1] == folder[..]
            && let Some(name) = parts.pop()
        {
            files.insert(name, index);
        }
    }
    Ok(files)
}

/// The folders and the file of a plain relative path; `None` for any other.
fn parts(name: &str) -> Option<Vec<String>> {
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    let path = name.strip_suffix('/').unwrap_or(name);
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if name.len() > 1_000 || name.chars().any(odd) || !path.split('/').all(plain) {
        return None;
    }
    Some(path.split('/').map(str::to_owned).collect())
}

/// Files that make a package; others (a zipper's own notes, pictures) are left where they are.
fn belongs(file: &str) -> bool {
    !file.starts_with('.')
        && (file.ends_with(".safetensors") || [CONFIG_FILE, CARD_FILE, INDEX_FILE].contains(&file))
}

fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn files() -> Vec<(String, Vec<u8>)> {
        vec![
            (CONFIG_FILE.into(), b"{}".to_vec()),
            (
                "model.safetensors".into(),
                (0..9_000u32).flat_map(|i| (i * i).to_le_bytes()).collect(),
            ),
            (CARD_FILE.into(), b"# card".to_vec()),
        ]
    }

    /// An archive of entries as given, honest or not.
    fn zip_of(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, bytes) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refused(archive: &[u8]) -> ArchiveError {
        unpack(Cursor::new(archive)).unwrap_err()
    }

    #[test]
    fn what_is_packed_comes_out_again_and_always_the_same_way() {
        let packed = pack(&files()).unwrap();
        assert_eq!(packed, pack(&files()).unwrap());
        let unpacked = unpack(Cursor::new(&packed)).unwrap();
        assert_eq!(unpacked, files().into_iter().collect());
    }

    #[test]
    fn a_zipped_folder_is_a_package_too_and_other_files_stay_packed() {
        let archive = zip_of(
            &[
                ("bottle/config.json", b"{}"),
                ("bottle/model.safetensors", b"weights"),
                ("bottle/photo.jpg", b"x"),
                ("__MACOSX/bottle/._config.json", b"x"),
                ("other/model.safetensors", b"not these"),
            ],
            CompressionMethod::Deflated,
        );
        let found = unpack(Cursor::new(archive)).unwrap();
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["config.json", "model.safetensors"]
        );
        assert_eq!(found["model.safetensors"], b"weights");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "../model.safetensors",
            "/etc/passwd",
            "a/../../b",
            "a\\b",
            "C:x",
            "a//b",
            "./x",
        ] {
            let archive = zip_of(
                &[("config.json", b"{}"), (name, b"x")],
                CompressionMethod::Stored,
            );
            assert!(matches!(refused(&archive), ArchiveError::Path(_)), "{name}");
        }
    }

    #[test]
    fn a_bomb_is_known_by_its_promise() {
        let nothing = vec![0u8; 20 << 20];
        let archive = zip_of(
            &[("config.json", b"{}"), ("model.safetensors", &nothing)],
            CompressionMethod::Deflated,
        );
        assert!(archive.len() < 100_000);
        let error = refused(&archive);
        assert!(
            matches!(&error, ArchiveError::TooLarge(text) if text == "20 MB"),
            "{error}"
        );
    }

    /// Places in the archive where the sizes of an entry's central record are.
    fn central_record(archive: &[u8], name: &str) -> usize {
        let at = archive
            .windows(4)
            .enumerate()
            .filter(|(_, window)| *window == b"PK\x01\x02")
            .find(|(at, _)| archive[at + 46..].starts_with(name.as_bytes()));
        at.unwrap().0
    }

    #[test]
    fn a_lie_about_the_size_is_found_out() {
        let packed = pack(&files()).unwrap();
        let record = central_record(&packed, "model.safetensors");
        // Less and more than there is, a little and absurdly.
        for size in [100u32, 36_001, 3_000_000_000, u32::MAX - 1] {
            let mut lying = packed.clone();
            lying[record + 24..record + 28].copy_from_slice(&size.to_le_bytes());
            let error = refused(&lying);
            assert!(
                matches!(error, ArchiveError::Damaged(_) | ArchiveError::TooLarge(_)),
                "{size}: {error}"
            );
        }
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let mut archive = zip_of(
            &[
                ("config.json", b"{}"),
                ("model.safetensors", b"a"),
                ("model.safetensorz", b"b"),
            ],
            CompressionMethod::Stored,
        );
        for at in 0..archive.len() - 17 {
            if archive[at..].starts_with(b"model.safetensorz") {
                archive[at + 16] = b's';
            }
        }
        assert!(matches!(refused(&archive), ArchiveError::Ambiguous(_)));
    }

    #[test]
    fn files_that_share_bytes_are_refused() {
        let mut archive = zip_of(
            &[
                ("config.json", b"{}"),
                ("a.safetensors", b"12345678"),
                ("b.safetensors", b"12345678"),
            ],
            CompressionMethod::Stored,
        );
        // The second record is made to point at the first one's bytes; both names' lengths agree.
        let first = central_record(&archive, "a.safetensors");
        let second = central_record(&archive, "b.safetensors");
        let place = archive[first + 42..first + 46].to_vec();
        archive[second + 42..second + 46].copy_from_slice(&place);
        let error = refused(&archive);
        assert!(
            matches!(error, ArchiveError::Ambiguous(_) | ArchiveError::Damaged(_)),
            "{error}"
        );
    }

    #[test]
    fn no_cut_or_flipped_archive_is_a_panic() {
        let packed = pack(&files()).unwrap();
        for length in (0..packed.len()).step_by(97).chain([packed.len() - 1]) {
            assert!(unpack(Cursor::new(&packed[..length])).is_err(), "{length}");
        }
        for at in (0..packed.len()).step_by(31) {
            let mut flipped = packed.clone();
            flipped[at] ^= 0x55;
            // Either refused, or a flip of something that does not matter, such as a date.
            if let Ok(found) = unpack(Cursor::new(flipped)) {
                assert!(found.values().all(|bytes| bytes.len() <= 36_000));
            }
        }
        assert!(matches!(refused(b"no archive"), ArchiveError::Damaged(_)));
        assert!(matches!(
            refused(&zip_of(&[("readme.txt", b"x")], CompressionMethod::Stored)),
            ArchiveError::NoPackage
        ));
    }

    #[test]
    fn archives_are_known_by_their_ending() {
        assert!(is_archive("bottle.zip") && is_archive("BOTTLE.ZIP"));
        assert!(!is_archive(".zip") && !is_archive("bottle") && !is_archive("zip"));
    }
}
