//! The page as a test sees it: what to wait for, what to hand it, what it answers. Its hooks are in `web/README.md`.

use crate::webdriver::Session;
use anyhow::{Context, Result, bail};
use fsr::map::{AnomalyMap, ImageScores};
use image::RgbImage;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait for anything. Not a measurement: only an end to a test that would hang.
const PATIENCE: Duration = Duration::from_secs(600);

/// The page in an open browser.
#[derive(Debug)]
pub struct Page<'a> {
    session: &'a Session,
}

/// What the page shows after an image.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name of the image.
    pub name: String,
    /// `product:defect:seed` of a generated sample; empty for an image of one's own.
    pub sample: String,
    /// The map behind the picture.
    pub map: AnomalyMap,
    /// Its scores.
    pub scores: ImageScores,
    /// `good`, `anomalous`, or another word where there is no threshold.
    pub verdict: String,
    /// `cpu` or `webgpu`.
    pub backend: String,
    /// Milliseconds of all stages together.
    pub milliseconds: f64,
}

/// Where a training stands.
#[derive(Clone, Debug)]
pub struct TrainingState {
    /// `idle`, `asked`, `features`, `running`, `calibrating`, `packing` or `done`.
    pub state: String,
    /// Steps done.
    pub step: usize,
    /// It waits.
    pub paused: bool,
}

/// How far the list of images is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListState {
    /// Images in it.
    pub total: usize,
    /// Judged.
    pub judged: usize,
    /// Refused, with a reason.
    pub failed: usize,
}

/// The page's answer to something it was handed.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A result.
    Shown(Box<Shown>),
    /// A message: what is wrong, and the mend.
    Refused(String),
}

impl Answer {
    /// The result.
    pub fn shown(self) -> Shown {
        match self {
            Self::Shown(shown) => *shown,
            Self::Refused(message) => panic!("the page refused: {message}"),
        }
    }

    /// The message.
    pub fn refused(self) -> String {
        match self {
            Self::Shown(shown) => panic!("the page took {}: {:?}", shown.name, shown.scores),
            Self::Refused(message) => message,
        }
    }
}

impl<'a> Page<'a> {
    /// Opens the page at `address` with a query such as `backend=cpu` and waits for its model.
    pub fn open(session: &'a Session, address: &str, query: &str) -> Result<Self> {
        let page = Self { session };
        session.goto(&format!("{address}/?{query}"))?;
        page.wait("the model", || {
            Ok(matches!(page.stage()?.as_str(), "ready" | "empty").then_some(()))
        })?;
        Ok(page)
    }

    /// `starting`, `loading`, `ready`, `busy`, `empty` or `dead`; empty before the interface is there.
    pub fn stage(&self) -> Result<String> {
        self.attribute("status", "data-stage")
    }

    /// Name of the backend, and the line that says which and why.
    pub fn backend(&self) -> Result<(String, String)> {
        Ok((
            self.attribute("backend", "data-backend")?,
            self.text("backend")?,
        ))
    }

    /// `passed`, `failed` or `absent`.
    pub fn self_test(&self) -> Result<String> {
        self.attribute("self-test", "data-outcome")
    }

    /// The line that names the model.
    pub fn model(&self) -> Result<String> {
        self.text("model")
    }

    /// The message the page shows, if any.
    pub fn error(&self) -> Result<Option<String>> {
        let text = self.text("error")?;
        Ok((!text.is_empty()).then_some(text))
    }

    /// Hands an image to the file dialog's input and waits for the answer.
    pub fn inspect(&self, image: &Path) -> Result<Answer> {
        self.forget()?;
        self.session.choose_files(&hook("file-input"), &[image])?;
        self.answer()
    }

    /// Hands an image to the page by an event, `drop` or `paste`, as the browser would, and waits for the answer.
    pub fn hand_over(&self, event: &str, name: &str, image: &[u8]) -> Result<Answer> {
        self.forget()?;
        let script = "
            const [kind, name, bytes] = arguments;
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name));
            const options = { bubbles: true, cancelable: true };
            const event = kind === 'drop'
                ? new DragEvent('drop', { ...options, dataTransfer: data })
                : new ClipboardEvent('paste', { ...options, clipboardData: data });
            return document.body.dispatchEvent(event);";
        let taken = self
            .session
            .execute(script, &[event.into(), name.into(), image.into()])?
            == false;
        if !taken {
            bail!("the page left the {event} to the browser");
        }
        self.answer()
    }

    /// Chooses a product and its first damaged sample, and waits for the answer.
    pub fn inspect_sample(&self, product: &str) -> Result<Answer> {
        let tile = format!(
            "[data-testid=sample-tile][data-sample^='{product}:']:not([data-sample^='{product}:good:'])"
        );
        let script = "document.querySelector(arguments[0]).click()";
        self.wait("the samples", || {
            Ok(self.session.has(&hook("category"))?.then_some(()))
        })?;
        self.session.execute(
            script,
            &[format!("[data-testid=category][value={product}]").into()],
        )?;
        self.wait("the product's samples", || {
            Ok(self.session.has(&tile)?.then_some(()))
        })?;
        self.forget()?;
        self.session.execute(script, &[tile.into()])?;
        self.answer()
    }

    /// Waits for the answer to what was asked last.
    pub fn answer(&self) -> Result<Answer> {
        self.wait("an answer", || {
            if let Some(shown) = self.last()? {
                return Ok(Some(Answer::Shown(Box::new(shown))));
            }
            Ok(self.error()?.map(Answer::Refused))
        })
    }

    /// Hands a package's files to the page; the line that names the model, or the page's message.
    ///
    /// The package must go by another name than the one before, or its arrival could not be seen.
    pub fn open_package(&self, files: &[&Path]) -> Result<Result<String, String>> {
        self.forget()?;
        let before = self.model()?;
        self.session.choose_files(&hook("package-input"), files)?;
        self.wait("the package", || {
            if let Some(message) = self.error()? {
                return Ok(Some(Err(message)));
            }
            let now = self.model()?;
            Ok((self.stage()? == "ready" && now != before).then_some(Ok(now)))
        })
    }

    /// Hands good images to the collecting step and waits until they are there.
    pub fn collect(&self, images: &[&Path]) -> Result<()> {
        self.session.choose_files(&hook("good-input"), images)?;
        self.wait("the good images", || {
            let count = self.attribute("collect", "data-count")?;
            Ok((count == images.len().to_string()).then_some(()))
        })
    }

    /// Starts a training as a user does: name, steps, button.
    pub fn train(&self, name: &str, steps: usize) -> Result<()> {
        self.set("train-name", name)?;
        self.set("train-steps", &steps.to_string())?;
        self.session.click(&hook("train-start"))?;
        self.wait("the training to begin", || {
            Ok((self.training()?.state != "idle").then_some(()))
        })
    }

    /// Waits until the trained detector is in use, or for the page's message.
    pub fn trained(&self) -> Result<Result<(), String>> {
        self.wait("the trained detector", || {
            let training = self.training()?;
            if training.state == "done" {
                return Ok(Some(Ok(())));
            }
            // A restart also has a message; then the training is under way again.
            Ok(match self.error()? {
                Some(message) if training.state == "idle" => Some(Err(message)),
                _ => None,
            })
        })
    }

    /// Where the training stands.
    pub fn training(&self) -> Result<TrainingState> {
        Ok(TrainingState {
            state: self.attribute("training", "data-state")?,
            step: self
                .attribute("training", "data-step")?
                .parse()
                .unwrap_or(0),
            paused: self.attribute("training", "data-paused")? == "true",
        })
    }

    /// The losses of all steps so far.
    pub fn losses(&self) -> Result<Vec<f32>> {
        let losses = self
            .session
            .execute("return window.__fsr_losses ?? []", &[])?;
        let losses = losses.as_array().context("no losses")?;
        Ok(losses
            .iter()
            .filter_map(|loss| loss.as_f64().map(|loss| loss as f32))
            .collect())
    }

    /// Hands several images over to be inspected, as chosen in the file dialog.
    pub fn list(&self, images: &[&Path]) -> Result<()> {
        self.session.choose_files(&hook("file-input"), images)
    }

    /// How far the list is.
    pub fn list_state(&self) -> Result<ListState> {
        let number = |name: &str| -> Result<usize> {
            Ok(self.attribute("list", name)?.parse().unwrap_or(0))
        };
        Ok(ListState {
            total: number("data-total")?,
            judged: number("data-judged")?,
            failed: number("data-failed")?,
        })
    }

    /// Waits until all `total` images of the list are answered.
    pub fn listed(&self, total: usize) -> Result<ListState> {
        self.wait("the list", || {
            let state = self.list_state()?;
            Ok((state.total == total && state.judged + state.failed == total).then_some(state))
        })
    }

    /// Presses a button that saves a file and waits for it in the browser's folder of downloads.
    pub fn save(&self, id: &str, downloads: &Path, ending: &str) -> Result<PathBuf> {
        let files = || -> Vec<PathBuf> {
            let entries = std::fs::read_dir(downloads).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path())
                .filter(|path| path.to_string_lossy().ends_with(ending))
                .collect()
        };
        let before = files();
        self.session.click(&hook(id))?;
        // Chromium takes the name with an empty file, and moves the whole one there when it has come.
        let whole = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
        self.wait("the saved file", || {
            let mut new = files().into_iter().filter(|path| !before.contains(path));
            Ok(new.find(whole))
        })
    }

    /// Removes all collected good images.
    pub fn press_remove_all(&self) -> Result<()> {
        let script =
            "document.querySelectorAll('.good-tile .remove').forEach((button) => button.click())";
        self.session.execute(script, &[])?;
        self.wait("no good images", || {
            Ok((self.attribute("collect", "data-count")? == "0").then_some(()))
        })
    }

    /// Presses a button.
    pub fn press(&self, id: &str) -> Result<()> {
        self.session.click(&hook(id))
    }

    /// Types a value into a field.
    fn set(&self, id: &str, value: &str) -> Result<()> {
        let script = "
            const [css, value] = arguments;
            const field = document.querySelector(css);
            field.value = value;
            for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));";
        self.session
            .execute(script, &[hook(id).into(), value.into()])
            .map(|_| ())
    }

    /// Removes the last result and message, so that the next ones are seen to be new.
    pub fn forget(&self) -> Result<()> {
        let script = "delete window.__fsr_last; document.querySelector('[data-testid=error] button')?.click()";
        self.session.execute(script, &[])?;
        self.wait("the message to go", || {
            Ok(self.error()?.is_none().then_some(()))
        })
    }

    /// The result the page published last.
    pub fn last(&self) -> Result<Option<Shown>> {
        let script = "const last = window.__fsr_last; return last ? {...last, map: Array.from(last.map)} : null";
        let last = self.session.execute(script, &[])?;
        if last.is_null() {
            return Ok(None);
        }
        let number = |value: &Value| {
            value
                .as_f64()
                .map(|number| number as f32)
                .context("not a number in the result")
        };
        let size = |key: &str| {
            last[key]
                .as_u64()
                .map(|side| side as usize)
                .context("no map size")
        };
        let values = last["map"]
            .as_array()
            .context("no map")?
            .iter()
            .map(number)
            .collect::<Result<Vec<_>>>()?;
        let word = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
        let stages = last["timings"].as_object().context("no timings")?;
        Ok(Some(Shown {
            name: word("name"),
            sample: word("sample"),
            map: AnomalyMap::new(size("width")?, size("height")?, values),
            scores: ImageScores {
                std: number(&last["scores"]["std"])?,
                max: number(&last["scores"]["max"])?,
                top1: number(&last["scores"]["top1"])?,
            },
            verdict: word("verdict"),
            backend: word("backend"),
            milliseconds: stages.values().filter_map(Value::as_f64).sum(),
        }))
    }

    /// The picture on the result's canvas, once it is `expected`; else what is there after all waiting.
    pub fn picture(&self, expected: &RgbImage) -> Result<RgbImage> {
        let script = "
            const canvas = document.querySelector(arguments[0]);
            const { width, height } = canvas;
            const rgba = canvas.getContext('2d').getImageData(0, 0, width, height).data;
            return { width, height, rgb: Array.from(rgba).filter((_, index) => index % 4 !== 3) };";
        // A result is published just before it is painted.
        let mut tries = 50;
        loop {
            let found = self.session.execute(script, &[hook("image").into()])?;
            let side = |key: &str| found[key].as_u64().map(|side| side as u32);
            let bytes = found["rgb"].as_array().map(|values| {
                let byte = |value: &Value| value.as_u64().map_or(0, |value| value as u8);
                values.iter().map(byte).collect::<Vec<u8>>()
            });
            let picture = (side("width").zip(side("height")))
                .zip(bytes)
                .and_then(|((width, height), bytes)| RgbImage::from_raw(width, height, bytes))
                .context("no picture on the canvas")?;
            tries -= 1;
            if picture == *expected || tries == 0 {
                return Ok(picture);
            }
            sleep(Duration::from_millis(40));
        }
    }

    /// Milliseconds since the page began to open.
    pub fn clock(&self) -> Result<f64> {
        let now = self.session.execute("return performance.now()", &[])?;
        now.as_f64().context("the browser has no clock")
    }

    /// Polls until `ready` gives something; an error that shows the page's state when it never does.
    pub fn wait<T>(&self, what: &str, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let started = Instant::now();
        loop {
            if let Some(value) = ready()? {
                return Ok(value);
            }
            if self.stage()? == "dead" || started.elapsed() > PATIENCE {
                let console = self.session.console().unwrap_or_default().join("\n");
                bail!(
                    "waited for {what}; stage {}, message {:?}, console:\n{console}",
                    self.stage()?,
                    self.error()?
                );
            }
            sleep(Duration::from_millis(40));
        }
    }

    /// An attribute of a hooked element; empty when it is not there.
    pub fn attribute(&self, id: &str, name: &str) -> Result<String> {
        let script =
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? ''";
        let value = self
            .session
            .execute(script, &[hook(id).into(), name.into()])?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// The visible text of a hooked element; empty when it is not there.
    pub fn text(&self, id: &str) -> Result<String> {
        let value = self.session.execute(
            "return document.querySelector(arguments[0])?.innerText ?? ''",
            &[hook(id).into()],
        )?;
        Ok(value.as_str().unwrap_or_default().trim().to_owned())
    }
}

/// Selector of a test hook.
pub fn hook(id: &str) -> String {
    format!("[data-testid={id}]")
}
