//! Pictures of an evaluation, inside the page.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::escape;

/// Reasons to show an image, in the order of the page, with their headings.
const REASONS: [(&str, &str); 5] = [
    ("missed", "Missed: defective, called good"),
    ("false-alarm", "False alarms: good, called anomalous"),
    ("found-best", "Found, highest scores"),
    ("found-barely", "Found, lowest scores"),
    ("good-highest", "Good, highest scores that pass"),
];

/// What a picture has, in the order of the page, with captions.
const VIEWS: [(&str, &str); 6] = [
    ("input", "image"),
    ("heat", "anomaly map"),
    ("mask", "mask"),
    ("attention", "attention"),
    ("features", "features, decoded"),
    ("restored", "restored, decoded"),
];

/// The pictures of a category's report; nothing if it has none.
///
/// # Errors
/// When a file is missing or named so that it lies elsewhere.
pub fn write(body: &mut String, folder: &Path, report: &Value) -> Result<()> {
    let Some(pictures) = report["pictures"].as_array() else {
        return Ok(());
    };
    let threshold = report["verdicts"]["threshold"].as_f64();
    for (reason, heading) in REASONS {
        let group: Vec<&Value> = pictures
            .iter()
            .filter(|picture| picture["reason"] == reason)
            .collect();
        if group.is_empty() {
            continue;
        }
        let _ = write!(body, "<h5>{heading}</h5><div class=gallery>");
        for picture in group {
            one(body, folder, picture, threshold)?;
        }
        body.push_str("</div>\n");
    }
    Ok(())
}

fn one(body: &mut String, folder: &Path, picture: &Value, threshold: Option<f64>) -> Result<()> {
    let text = |name: &str| picture[name].as_str();
    let what = text("defect").unwrap_or("good");
    let name = text("image").unwrap_or_default();
    body.push_str("<figure><div class=views>");
    for (view, caption) in VIEWS {
        let Some(file) = text(view) else { continue };
        let _ = write!(
            body,
            "<div><img src='{}' alt='{caption} of {} ({})'><small>{caption}</small></div>",
            data_uri(folder, file)?,
            escape(name),
            escape(what),
        );
    }
    let score = picture["score"].as_f64().unwrap_or(f64::NAN);
    let times = threshold.filter(|limit| *limit > 0.0);
    let times = times.map_or_else(String::new, |limit| {
        format!(", {:.2} of the threshold", score / limit)
    });
    let _ = write!(
        body,
        "</div><figcaption>{} <small>{}; score {score:.3e}{times}</small></figcaption></figure>",
        escape(what),
        escape(name)
    );
    Ok(())
}

/// A file of the folder as a `data:` address.
fn data_uri(folder: &Path, file: &str) -> Result<String> {
    let kind = match Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str())
    {
        Some("jpg") => "jpeg",
        Some("png") => "png",
        _ => bail!("picture '{file}' is neither .jpg nor .png"),
    };
    // A name that leads elsewhere is not this program's.
    if Path::new(file).file_name().is_none_or(|name| name != file) {
        bail!("picture '{file}' lies outside {}", folder.display());
    }
    let path = folder.join(file);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(format!(
        "data:image/{kind};base64,{}",
        STANDARD.encode(bytes)
    ))
}
