//! What a browser test stands on: the built page, served; a browser; and a folder for files to hand to it.

#![allow(clippy::unwrap_used)]

use crate::chromium::{Camera, Chromium, WebGpu};
use crate::hostile::encode;
use crate::packages::{self, Files};
use crate::page::Page;
use crate::paths;
use crate::skip::{BrowserTests, skipped};
use fsr::products::{Product, generate};
use image::ImageFormat;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use tempfile::TempDir;
use xtask::browser::Browser;
use xtask::static_server::{Running, StaticServer};

/// One browser at a time: several would share the cores and time each other out.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A browser, the served page, and a folder for files to hand to it.
#[derive(Debug)]
pub struct Bench {
    /// The browser.
    pub chromium: Chromium,
    /// Address of the served page, without a query.
    pub address: String,
    server: Mutex<Option<Running>>,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    /// `None`, said aloud, where browser tests are not to run or cannot.
    pub fn start(webgpu: WebGpu) -> Option<Self> {
        Self::start_with(webgpu, |_| ())
    }

    /// As [`Self::start`], with a say in what is served.
    pub fn start_with(webgpu: WebGpu, change: impl FnOnce(&Path)) -> Option<Self> {
        Self::start_with_camera(webgpu, Camera::Own, change)
    }

    /// As [`Self::start_with`], with a camera.
    pub fn start_with_camera(
        webgpu: WebGpu,
        camera: Camera,
        change: impl FnOnce(&Path),
    ) -> Option<Self> {
        let wanted = BrowserTests::wanted();
        if wanted == BrowserTests::Off {
            skipped("browser tests have a stage of their own");
            return None;
        }
        let browser = Browser::find();
        let dist = paths::dist();
        let missing = match (&browser, dist.join("index.html").is_file()) {
            (Some(_), true) => None,
            (None, _) => Some("no Chromium with chromedriver"),
            (_, false) => Some("the page is not built"),
        };
        if let Some(missing) = missing {
            assert_ne!(
                wanted,
                BrowserTests::Required,
                "{missing}; `cargo xtask test` sees to it"
            );
            skipped(missing);
            return None;
        }
        let turn = ONE_AT_A_TIME
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        copy_folder(&dist, &site);
        change(&site);
        let server = StaticServer::bind(site, 0).unwrap().start();
        let chromium = Chromium::start(&browser.unwrap(), webgpu, camera).unwrap();
        Some(Self {
            chromium,
            address: server.address(),
            server: Mutex::new(Some(server)),
            folder,
            _turn: turn,
        })
    }

    /// The files are served as the model that `?model=NAME` asks for.
    pub fn serve_model(site: &Path, name: &str, files: &Files) {
        packages::write_folder(&site.join("models").join(name), files).unwrap();
    }

    /// Opens the page with a query and waits for its model.
    pub fn open(&self, query: &str) -> Page<'_> {
        Page::open(&self.chromium.session, &self.address, query).unwrap()
    }

    /// The folder that is served: what changes in it is a new deployment.
    pub fn site(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// Cuts the server: from now on nobody listens at the page's address.
    pub fn cut_server(&self) {
        let server = self.server.lock().unwrap().take();
        server.unwrap().stop();
    }

    /// A generated hex nut as a file: damaged in the given way, or good.
    pub fn sample(&self, defect: Option<&str>, seed: u64) -> PathBuf {
        let sample = generate(Product::HexNut, defect, seed, 256).unwrap();
        let name = format!("{}-{seed}.png", defect.unwrap_or("good"));
        self.file(&name, &encode(sample.image, ImageFormat::Png))
    }

    /// Several of them, of the seeds from `first` on.
    pub fn samples(&self, defect: Option<&str>, first: u64, count: u64) -> Vec<PathBuf> {
        (first..first + count)
            .map(|seed| self.sample(defect, seed))
            .collect()
    }

    /// Puts a file into the folder.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Puts a package into the folder and opens it on the page.
    pub fn open_package(
        &self,
        page: &Page<'_>,
        name: &str,
        files: &Files,
    ) -> Result<String, String> {
        let paths = packages::write_folder(&self.folder.path().join(name), files).unwrap();
        let paths: Vec<&Path> = paths
            .iter()
            .map(PathBuf::as_path)
            .filter(|path| !path.ends_with("README.md"))
            .collect();
        page.open_package(&paths).unwrap()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Paths as the page's helpers take them.
pub fn refs(paths: &[PathBuf]) -> Vec<&Path> {
    paths.iter().map(PathBuf::as_path).collect()
}
