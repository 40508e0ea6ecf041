//! `fsr data get`: fetches a public data set or backbone weights, once its user has agreed.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::archive::Format;
use super::download::{self, Patience, download};
use super::sources::{Hash, Kind, Source, find};
use super::unpack::{Limits, unpack};
use crate::cli::OutputArgs;
use crate::dataset::{DataSet, Layout, manifest};
use crate::progress::{print_json, print_text, say};

/// Fetch a public data set or backbone weights.
///
/// Says what it is, from whom and under which licence, and asks before anything is fetched. A download that
/// was cut off goes on where it stopped (DIR/NAME.part is kept). The SHA-256 is checked before anything is
/// unpacked; of torchvision's weights its first 8 digits are known. Archives are unpacked beside their place
/// and appear complete or not at all; members that would leave the folder, links and devices are refused.
#[derive(Debug, Args)]
#[command(
    after_help = "NAME is mvtec, visa, btad, mpdd, or weights:resnet18, weights:resnet34,\n\
    weights:resnet50, weights:wide_resnet50_2.\n\n\
    Examples:\n\
    \x20 fsr data get mvtec --out data                        makes data/mvtec\n\
    \x20 fsr data get weights:wide_resnet50_2 --out weights --yes\n\
    \x20 fsr data get mpdd --from MPDD.zip --out data         unpacks what a browser fetched"
)]
pub struct GetArgs {
    /// What to fetch.
    #[arg(value_name = "NAME", value_parser = find)]
    source: Source,
    /// Folder to put it into: a data set as DIR/NAME, weights under the name of their file.
    #[arg(long, value_name = "DIR", default_value = "data")]
    out: PathBuf,
    /// Do not ask: its licence is accepted.
    #[arg(long)]
    yes: bool,
    /// Fetch from this address instead, such as a mirror's.
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    url: Option<String>,
    /// Take this file, fetched by other means, instead of downloading one. It is left where it is.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The file must have this SHA-256, instead of the one known here.
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// Keep the archive after it was unpacked.
    #[arg(long)]
    keep_archive: bool,
    /// Longest wait for the server to say anything, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// Attempts after one that failed and brought nothing.
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    retries: u32,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was fetched.
#[derive(Debug, Serialize)]
struct Fetched {
    name: &'static str,
    path: String,
    licence: &'static str,
    source: String,
    sha256: String,
    /// How much of the hash was known beforehand: all, its first 8 digits, nothing.
    verified: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
}

/// What the file's hash must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Full(String),
    Prefix(String),
    Unknown,
}

/// Runs the command.
///
/// # Errors
/// When it is declined, cannot be fetched, is not what it should be, or cannot be unpacked.
pub fn run(args: &GetArgs) -> Result<()> {
    let source = &args.source;
    if !(args.timeout.is_finite() && args.timeout > 0.0 && args.timeout <= 86_400.0) {
        bail!(
            "--timeout {} must be a number of seconds, such as 30",
            args.timeout
        );
    }
    let stem = source.name.replace(':', "-");
    let (target, archive) = match source.kind {
        Kind::Archive(_) => (
            args.out.join(&stem),
            args.out.join(format!("{stem}.archive")),
        ),
        Kind::File(name) => (args.out.join(name), args.out.join(name)),
    };
    if target.exists() {
        bail!(
            "{} is there already; remove it to fetch it again, or give another --out",
            target.display()
        );
    }
    let url = args.url.as_deref().or(source.url);
    let place = match (&args.from, url) {
        (Some(file), _) => file.display().to_string(),
        (None, Some(url)) => url.to_string(),
        (None, None) => bail!(
            "the makers of {} give no address that a program can use; fetch it from {} with a browser, then `fsr data get {} --from FILE`",
            source.name,
            source.home,
            source.name
        ),
    };
    if args.from.is_none() && !(place.starts_with("https://") || place.starts_with("http://")) {
        bail!("--url {place} must begin with https:// or http://");
    }
    let expected = match (&args.sha256, source.hash) {
        (Some(hash), _) => Expected::Full(hash.clone()),
        (None, Hash::Full(hash)) => Expected::Full(hash.into()),
        (None, Hash::Prefix(hash)) => Expected::Prefix(hash.into()),
        (None, Hash::Unknown) => Expected::Unknown,
    };
    say(format!(
        "{}\n  licence  {}\n  home     {}\n  from     {place}\n  to       {}\n  SHA-256  {}",
        source.title,
        source.licence,
        source.home,
        target.display(),
        expected.describe()
    ));
    if !args.yes && !agreed()? {
        bail!("declined; nothing was fetched");
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make folder {}", args.out.display()))?;

    let (file, sha256) = match (&args.from, url) {
        (Some(file), _) => {
            let sha256 = verify(file, &expected)?;
            (file.clone(), sha256)
        }
        (None, url) => fetch(args, url.unwrap_or_default(), &archive, &expected)?,
    };
    let mut fetched = Fetched {
        name: source.name,
        path: target.display().to_string(),
        licence: source.licence,
        source: place,
        sha256,
        verified: expected.verified(),
        files: None,
        layout: None,
    };
    match source.kind {
        Kind::File(_) if args.from.is_some() => {
            fs::copy(&file, &target)
                .with_context(|| format!("cannot make {}", target.display()))?;
        }
        Kind::File(_) => {}
        Kind::Archive(format) => {
            let format = format.map_or_else(|| Format::of(&file), |known| agree(known, &file))?;
            say(format!("unpacking {}", file.display()));
            fetched.files = Some(unpack(&file, format, &target, Limits::DATA_SET)?);
            fetched.layout = Some(DataSet::open(&target, None)?.layout());
            if args.from.is_none() && !args.keep_archive {
                fs::remove_file(&file)
                    .with_context(|| format!("cannot remove {}", file.display()))?;
            }
        }
    }
    if args.output.json {
        return print_json(&fetched);
    }
    let unpacked = match (fetched.files, fetched.layout) {
        (Some(files), Some(layout)) => format!(
            ", {files} files, layout {layout}; `fsr data check {}` looks at each",
            target.display()
        ),
        _ => String::new(),
    };
    print_text(&format!("{}{unpacked}", target.display()))
}

/// Downloads, or takes the archive that an earlier call downloaded and could not unpack.
fn fetch(
    args: &GetArgs,
    url: &str,
    archive: &Path,
    expected: &Expected,
) -> Result<(PathBuf, String)> {
    if archive.is_file() {
        say(format!(
            "{} is there from an earlier call",
            archive.display()
        ));
        let sha256 = verify(archive, expected)
            .with_context(|| format!("remove {} to fetch it again", archive.display()))?;
        return Ok((archive.into(), sha256));
    }
    let part = crate::atomic::with_suffix(archive, "part")?;
    let patience = Patience {
        timeout: Duration::from_secs_f64(args.timeout),
        retries: args.retries,
    };
    download(url, &part, patience)?;
    let sha256 = match verify(&part, expected) {
        Ok(sha256) => sha256,
        Err(error) => {
            // To go on with it could never give the right file.
            download::discard(&part);
            return Err(error.context(format!("refused what {url} sent, and removed it")));
        }
    };
    download::finish(&part, archive)?;
    Ok((archive.into(), sha256))
}

fn verify(file: &Path, expected: &Expected) -> Result<String> {
    let found =
        manifest::file_sha256(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (wanted, right) = match expected {
        Expected::Full(hash) => (hash.clone(), found == *hash),
        Expected::Prefix(hash) => (format!("{hash}…"), found.starts_with(hash)),
        Expected::Unknown => {
            say(format!(
                "warning: no SHA-256 is known for it, so nothing was verified; it is {found} (--sha256 {found} makes sure that the next one is the same)"
            ));
            return Ok(found);
        }
    };
    if right {
        return Ok(found);
    }
    bail!(
        "the SHA-256 of {} is {found}, and must be {wanted}: it is damaged, or another file than expected",
        file.display()
    )
}

/// The format, if the file is in it.
fn agree(known: Format, file: &Path) -> Result<Format> {
    let found = Format::of(file)?;
    if found != known {
        say(format!("it is packed in another way than usual: {found:?}"));
    }
    Ok(found)
}

impl Expected {
    fn describe(&self) -> String {
        match self {
            Self::Full(hash) => format!("{hash}, checked"),
            Self::Prefix(hash) => format!("{hash}… (the digits that are in its name), checked"),
            Self::Unknown => "not known, so not checked; give --sha256 if you know it".into(),
        }
    }

    fn verified(&self) -> &'static str {
        match self {
            Self::Full(_) => "all",
            Self::Prefix(_) => "first 8 digits",
            Self::Unknown => "nothing",
        }
    }
}

/// Asks on the terminal.
fn agreed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to agree to its licence; give --yes if you do");
    }
    let mut stderr = io::stderr();
    write!(stderr, "Fetch it under this licence? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn sha256(text: &str) -> Result<String, String> {
    let text = text.to_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err("a SHA-256 has 64 hexadecimal digits".into())
    }
}
