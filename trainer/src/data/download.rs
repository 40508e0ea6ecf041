//! Downloading one file: resumed where it was cut off, started over where it has changed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::http::HeaderMap;

use crate::atomic;
use crate::progress::{Progress, say};

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Longest wait for a connection, an answer, and for each piece of the file.
    pub timeout: Duration,
    /// Attempts after a failed one, as long as they bring nothing.
    pub retries: u32,
}

/// Larger files are not fetched.
const MAX_BYTES: u64 = 64 << 30;

/// What is known of a file that is there in part; kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    url: String,
    etag: Option<String>,
    length: Option<u64>,
}

/// Why an attempt failed.
enum Failure {
    /// It may go better next time.
    Again(anyhow::Error),
    /// It will not.
    Final(anyhow::Error),
}

/// Downloads `url` into `part`, going on with what is there of it; complete when it returns.
///
/// # Errors
/// When the server refuses, or fails too often. What has arrived stays, for the next call.
pub fn download(url: &str, part: &Path, patience: Patience) -> Result<()> {
    let timeout = Some(patience.timeout);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(timeout)
        .timeout_connect(timeout)
        .timeout_recv_response(timeout)
        .timeout_per_read(timeout)
        .user_agent(concat!("fsr/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut failures = 0;
    loop {
        let before = length(part);
        let error = match attempt(&agent, url, part) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(error)) => return Err(error.context(format!("cannot fetch {url}"))),
            Err(Failure::Again(error)) => error,
        };
        let after = length(part);
        failures = if after > before { 1 } else { failures + 1 };
        if failures > patience.retries {
            let kept = match after {
                0 => String::new(),
                after => format!(
                    "; {after} bytes are kept in {}, the same command goes on from there",
                    part.display()
                ),
            };
            return Err(error.context(format!("cannot fetch {url}{kept}")));
        }
        say(format!("{error:#}; trying again"));
        std::thread::sleep(patience.timeout / 10 * failures);
    }
}

/// Removes what is there of a file.
pub fn discard(part: &Path) {
    // If it cannot be removed, it is overwritten by the next attempt.
    let _ = fs::remove_file(part);
    if let Ok(state) = state_path(part) {
        let _ = fs::remove_file(state);
    }
}

fn attempt(agent: &Agent, url: &str, part: &Path) -> Result<(), Failure> {
    let begun = read_state(part).filter(|begun| begun.url == url);
    let have = if begun.is_some() { length(part) } else { 0 };
    if let Some(begun) = &begun
        && begun.length == Some(have)
    {
        return Ok(());
    }
    let mut request = agent.get(url).header("Accept-Encoding", "identity");
    if let (Some(begun), true) = (&begun, have > 0) {
        request = request.header("Range", format!("bytes={have}-"));
        // A weak tag may not be used so; it is compared below.
        if let Some(etag) = begun.etag.as_ref().filter(|etag| !etag.starts_with("W/")) {
            request = request.header("If-Range", etag.as_str());
        }
    }
    let response = request
        .call()
        .map_err(|error| Failure::Again(anyhow!("no answer: {error}")))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let now = Begun {
        url: url.into(),
        etag: text(&headers, "etag"),
        length: match status {
            206 => range(&headers).map(|(_, total)| total),
            _ => text(&headers, "content-length").and_then(|length| length.parse().ok()),
        },
    };
    let mut file = match (status, &begun) {
        (200, _) => {
            if have > 0 {
                say(
                    "the server sends the file from its beginning: it has changed, or its server knows no other way",
                );
            }
            start(part, &now).map_err(Failure::Final)?
        }
        (206, Some(begun)) => {
            let fits = range(&headers).is_some_and(|(start, _)| start == have)
                && begun.length.is_none_or(|length| Some(length) == now.length)
                && begun.etag == now.etag;
            if !fits {
                discard(part);
                return Err(Failure::Again(anyhow!(
                    "the file has changed at the server"
                )));
            }
            OpenOptions::new()
                .append(true)
                .open(part)
                .with_context(|| format!("cannot write {}", part.display()))
                .map_err(Failure::Final)?
        }
        (416, _) => {
            discard(part);
            return Err(Failure::Again(anyhow!(
                "the file has changed at the server"
            )));
        }
        (408 | 429 | 500..=599, _) => {
            return Err(Failure::Again(anyhow!("the server answers {status}")));
        }
        _ => return Err(Failure::Final(anyhow!("the server answers {status}"))),
    };
    if now.length.is_some_and(|length| length > MAX_BYTES) {
        return Err(Failure::Final(anyhow!(
            "it is larger than {} GiB",
            MAX_BYTES >> 30
        )));
    }
    let mut have = length(part);
    receive(
        &mut response.into_body().into_reader(),
        &mut file,
        &mut have,
        now.length,
        part,
    )?;
    match now.length {
        Some(length) if have < length => Err(Failure::Again(anyhow!(
            "the connection ended after {have} of {length} bytes"
        ))),
        Some(length) if have > length => {
            discard(part);
            Err(Failure::Again(anyhow!(
                "the server sent more than the {length} bytes that it announced"
            )))
        }
        Some(_) => Ok(()),
        None => {
            let complete = Begun {
                length: Some(have),
                ..now
            };
            write_state(part, &complete).map_err(Failure::Final)
        }
    }
}

/// Copies to the end or to the first error; everything that arrives is written.
fn receive(
    body: &mut impl Read,
    file: &mut File,
    have: &mut u64,
    total: Option<u64>,
    part: &Path,
) -> Result<(), Failure> {
    const MIB: u64 = 1 << 20;
    let mut progress = Progress::new("download", (total.unwrap_or(0) / MIB) as usize, "MiB");
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let of = total.map_or_else(String::new, |total| format!(" of {total}"));
                return Err(Failure::Again(anyhow!(
                    "the connection failed after {have}{of} bytes: {error}"
                )));
            }
        };
        file.write_all(&buffer[..read])
            .with_context(|| {
                format!(
                    "cannot write {}; what has arrived is kept, the same command goes on from there",
                    part.display()
                )
            })
            .map_err(Failure::Final)?;
        *have += read as u64;
        if *have > MAX_BYTES {
            return Err(Failure::Final(anyhow!(
                "it is larger than {} GiB",
                MAX_BYTES >> 30
            )));
        }
        progress.set((*have / MIB) as usize, "");
    }
    file.sync_all()
        .with_context(|| format!("cannot write {}", part.display()))
        .map_err(Failure::Final)
}

/// Begins the file anew. Its state is written first, so that it never belongs to another file's bytes.
fn start(part: &Path, state: &Begun) -> Result<File> {
    let file = File::create(part).with_context(|| format!("cannot write {}", part.display()))?;
    write_state(part, state)?;
    Ok(file)
}

fn length(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |metadata| metadata.len())
}

fn state_path(part: &Path) -> Result<PathBuf> {
    atomic::with_suffix(part, "json")
}

fn read_state(part: &Path) -> Option<Begun> {
    let bytes = fs::read(state_path(part).ok()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn write_state(part: &Path, state: &Begun) -> Result<()> {
    atomic::write_file(&state_path(part)?, &serde_json::to_vec(state)?)
}

/// Moves a complete download to its final name.
///
/// # Errors
/// When it cannot be renamed.
pub fn finish(part: &Path, target: &Path) -> Result<()> {
    if target.is_dir() {
        bail!("{} is a folder", target.display());
    }
    fs::rename(part, target).with_context(|| format!("cannot make {}", target.display()))?;
    let _ = fs::remove_file(state_path(part)?);
    Ok(())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_string())
}

/// First byte and length of the whole file, from `Content-Range: bytes 5-9/10`.
fn range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = text(headers, "content-range")?;
    let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = span.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_not() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", value.parse().unwrap());
            range(&headers)
        };
        assert_eq!(of("bytes 5-9/10"), Some((5, 10)));
        for nonsense in ["bytes */10", "bytes 5-9/*", "5-9/10", "bytes", ""] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
    }
}
