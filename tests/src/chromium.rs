//! A headless Chromium behind its ChromeDriver, with or without WebGPU, both ended when dropped.

use crate::webdriver::Session;
use anyhow::{Context, Result};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use tempfile::TempDir;
use xtask::browser::Browser;

/// Whether the page finds a WebGPU adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebGpu {
    /// Chromium's software adapter: right everywhere, slow.
    Software,
    /// No adapter, as on a machine without a usable graphics processor.
    Missing,
}

/// What the page gets when it asks for the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Camera {
    /// What this machine has; nobody is there to allow it.
    Own,
    /// Chromium's moving test picture, allowed at once.
    Fake,
    /// The same, refused at once.
    Denied,
}

/// Switches every browser gets: no window, no network of its own, nothing kept.
const COMMON: [&str; 11] = [
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--window-size=1280,1000",
];
/// Folder of saved files, in the profile.
const DOWNLOADS: &str = "downloads";
const SOFTWARE_WEBGPU: [&str; 4] = [
    "--enable-unsafe-webgpu",
    "--enable-features=Vulkan,WebGPU",
    "--use-webgpu-adapter=swiftshader",
    "--enable-unsafe-swiftshader",
];

impl Camera {
    fn switches(self) -> &'static [&'static str] {
        match self {
            Self::Own => &[],
            Self::Fake => &[
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
            Self::Denied => &[
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream=deny",
            ],
        }
    }
}

/// A running browser.
#[derive(Debug)]
pub struct Chromium {
    // Dropped in this order: the session closes the browser, then the driver ends, then the profile goes.
    /// The window's commands.
    pub session: Session,
    _driver: Driver,
    profile: TempDir,
}

impl Chromium {
    /// Starts a browser with a fresh profile.
    pub fn start(browser: &Browser, webgpu: WebGpu, camera: Camera) -> Result<Self> {
        let driver = Driver::start(browser)?;
        let profile = tempfile::Builder::new().prefix("fsr-chromium-").tempdir()?;
        let mut switches: Vec<String> = COMMON.map(String::from).to_vec();
        match webgpu {
            WebGpu::Software => switches.extend(SOFTWARE_WEBGPU.map(String::from)),
            WebGpu::Missing => switches.push("--disable-gpu".into()),
        }
        switches.extend(camera.switches().iter().map(ToString::to_string));
        if is_root() {
            // Chromium's sandbox refuses to run as root, which is what a container gives us.
            switches.push("--no-sandbox".into());
        }
        switches.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "goog:chromeOptions": {
                "binary": browser.chromium,
                "args": switches,
                "prefs": { "download.default_directory": profile.path().join(DOWNLOADS) },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let session = Session::open(&driver.address, capabilities)?;
        Ok(Self {
            session,
            _driver: driver,
            profile,
        })
    }

    /// Where the browser puts what the page lets a user save.
    pub fn downloads(&self) -> PathBuf {
        self.profile.path().join(DOWNLOADS)
    }
}

/// The WebDriver program on a port of its own choosing.
#[derive(Debug)]
struct Driver {
    process: Child,
    address: String,
}

impl Driver {
    /// Tries three times: once in some hundred starts it ended without having said a port.
    fn start(browser: &Browser) -> Result<Self> {
        Self::start_once(browser)
            .or_else(|_| Self::start_once(browser))
            .or_else(|_| Self::start_once(browser))
    }

    fn start_once(browser: &Browser) -> Result<Self> {
        let mut process = Command::new(&browser.chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start chromedriver")?;
        let output = process
            .stdout
            .take()
            .context("chromedriver has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        // "ChromeDriver was started successfully on port 12345."
        let port = lines.find_map(|line| {
            line.split("successfully on port ")
                .nth(1)?
                .trim_end_matches('.')
                .parse::<u16>()
                .ok()
        });
        let mut driver = Self {
            process,
            address: String::new(),
        };
        driver.address = format!(
            "http://127.0.0.1:{}",
            port.context("chromedriver did not say its port")?
        );
        // Its output is read on, or a full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        Ok(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
