//! Kinds of archives, and reading their members one after another.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Tar,
    TarGz,
    TarXz,
    Zip,
}

/// What a member of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A link, a device, a pipe.
    Other(&'static str),
}

/// An xz decoder's dictionary may take so much, in KiB.
const XZ_MEMORY_KIB: u32 = 1 << 20;

impl Format {
    /// By the file's first bytes; names and servers' words are not to be trusted.
    ///
    /// # Errors
    /// When it is none of these, with what it seems to be.
    pub fn of(path: &Path) -> Result<Self> {
        let mut head = Vec::new();
        File::open(path)
            .and_then(|file| file.take(512).read_to_end(&mut head))
            .with_context(|| format!("cannot read {}", path.display()))?;
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(b"\xfd7zXZ\0") {
            return Ok(Self::TarXz);
        }
        if starts(&[0x1f, 0x8b]) {
            return Ok(Self::TarGz);
        }
        if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            return Ok(Self::Zip);
        }
        if head.get(257..262) == Some(b"ustar") {
            return Ok(Self::Tar);
        }
        let text = String::from_utf8_lossy(&head).trim_start().to_lowercase();
        let seems = if text.starts_with("<!doctype") || text.starts_with("<html") {
            "a web page (the address may want a browser: download by hand and give the file's own address)"
        } else {
            "something else"
        };
        bail!(
            "{} is no .tar, .tar.gz, .tar.xz or .zip but {seems}",
            path.display()
        )
    }

    /// Calls `visit` with each member's path as written, what it is, its size as said, and its contents.
    ///
    /// # Errors
    /// When the archive is damaged, or `visit` fails.
    pub fn members(
        self,
        path: &Path,
        mut visit: impl FnMut(&Path, Member, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let file = BufReader::new(
            File::open(path).with_context(|| format!("cannot read {}", path.display()))?,
        );
        match self {
            Self::Tar => tar_members(file, &mut visit),
            Self::TarGz => tar_members(flate2::bufread::MultiGzDecoder::new(file), &mut visit),
            Self::TarXz => tar_members(
                lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY_KIB),
                &mut visit,
            ),
            Self::Zip => {
                let mut archive = zip::ZipArchive::new(file).context("it is a damaged zip")?;
                for index in 0..archive.len() {
                    let mut member = archive
                        .by_index(index)
                        .with_context(|| format!("member {index} is damaged"))?;
                    // The name as written: cleaning it up would hide what the archive tries.
                    let name =
                        PathBuf::from(member.name().context("a name is damaged")?.into_owned());
                    let what = if member.is_symlink() {
                        Member::Other("a symbolic link")
                    } else if member.is_dir() {
                        Member::Folder
                    } else {
                        Member::File
                    };
                    visit(&name, what, &mut member)?;
                }
                Ok(())
            }
        }
    }
}

fn tar_members(
    reader: impl Read,
    visit: &mut impl FnMut(&Path, Member, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut archive = tar::Archive::new(reader);
    for member in archive.entries().context("it is a damaged tar")? {
        let mut member = member.context("it is damaged or cut off")?;
        use tar::EntryType;
        let what = match member.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Member::File,
            EntryType::Directory => Member::Folder,
            // Says something about the archive, and is no member of it.
            EntryType::XGlobalHeader | EntryType::XHeader => continue,
            EntryType::Symlink => Member::Other("a symbolic link"),
            EntryType::Link => Member::Other("a hard link"),
            _ => Member::Other("a device or pipe"),
        };
        let name = member.path().context("a name is damaged")?.into_owned();
        visit(&name, what, &mut member)?;
    }
    Ok(())
}
