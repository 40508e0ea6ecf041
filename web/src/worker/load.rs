//! A model package: from files to a detector that is warm and tested.

use std::{collections::BTreeMap, io::Cursor};

use burn::tensor::Device;
use fsr::{
    calibration::{Calibration, CalibrationSource},
    detector::Detector,
    map::ScoreKind,
    package::{
        CONFIG_FILE, INDEX_FILE, MODEL_FILE, Package, PackageConfig, SELF_TEST_FILE,
        SelfTest as StoredTest, is_archive, unpack,
    },
};
use wasm_bindgen::JsValue;
use web_time::Instant;

use fsr_web::{
    backend::Backend,
    package_files::shard_names,
    protocol::{
        Architecture, Failure, FromWorker, Matter, ModelSummary, Origin, Phase, Reduction,
        SelfTest, Source as Origins, Threshold, TrainedOn,
    },
};

use crate::{
    files::{Fetched, local, request},
    judge::{since, warm_up_image},
    outbox::send,
};

/// A package's files, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A package as it was read, before it is on a device.
pub struct Source {
    package: Package,
    origin: Origin,
    bytes: u64,
    read_ms: f64,
}

/// A detector with what to say about it.
pub struct Loaded {
    /// Ready to judge.
    pub detector: Detector,
    /// For the page.
    pub summary: ModelSummary,
    /// Where its tensors are.
    pub backend: Backend,
}

fn progress(phase: Phase, done: u64, total: Option<u64>) {
    send(&FromWorker::Progress { phase, done, total }, &[]);
}

/// Fetches the package in the folder at `url`, telling bytes as they come.
pub async fn fetch(url: &str) -> Result<Source, Failure> {
    let start = Instant::now();
    progress(Phase::Download, 0, None);
    let missing = |file: &str| Failure::NoPackage {
        url: url.to_owned(),
        file: file.to_owned(),
    };
    let mut wanted: Vec<(String, Fetched)> = Vec::new();
    for (file, required) in [(CONFIG_FILE, true), (SELF_TEST_FILE, false)] {
        match request(&format!("{url}{file}")).await? {
            Some(fetched) => wanted.push((file.into(), fetched)),
            None if required => return Err(missing(file)),
            None => {}
        }
    }
    match request(&format!("{url}{MODEL_FILE}")).await? {
        Some(fetched) => wanted.push((MODEL_FILE.into(), fetched)),
        None => {
            let index = request(&format!("{url}{INDEX_FILE}"))
                .await?
                .ok_or_else(|| missing(MODEL_FILE))?;
            let index = index.read(|_| {}).await?;
            for shard in shard_names(&index)? {
                let fetched = request(&format!("{url}{shard}"))
                    .await?
                    .ok_or_else(|| missing(&shard))?;
                wanted.push((shard, fetched));
            }
        }
    }
    let total = wanted
        .iter()
        .map(|(_, fetched)| fetched.length())
        .sum::<Option<u64>>();
    let mut done = 0;
    let mut files = Files::new();
    for (name, fetched) in wanted {
        let bytes = fetched
            .read(|chunk| {
                done += chunk;
                progress(Phase::Download, done, total);
            })
            .await?;
        files.insert(name, bytes);
    }
    read(files, Origin::Server, start)
}

/// Reads a package from the visitor's files.
pub async fn open(names: &[String], attached: &[JsValue]) -> Result<Source, Failure> {
    let start = Instant::now();
    progress(Phase::Download, 0, None);
    let mut files = Files::new();
    let mut done = 0;
    for (name, file) in names.iter().zip(attached) {
        let matter = Matter::File(name.clone());
        let bytes = local(&matter, file).await?;
        done += bytes.len() as u64;
        progress(Phase::Download, done, None);
        if is_archive(name) {
            files.extend(opened(matter, &bytes)?);
        } else {
            files.insert(name.clone(), bytes);
        }
    }
    read(files, Origin::Files, start)
}

/// A package trained here, read back from the archive it was put into: what is tested and used is what
/// is saved.
pub fn trained(archive: &[u8]) -> Result<Source, Failure> {
    let start = Instant::now();
    read(opened(Matter::Trained, archive)?, Origin::Trained, start)
}

/// The files of an archive.
fn opened(matter: Matter, archive: &[u8]) -> Result<Files, Failure> {
    unpack(Cursor::new(archive)).map_err(|error| Failure::about(matter, error))
}

fn read(files: Files, origin: Origin, start: Instant) -> Result<Source, Failure> {
    progress(Phase::Build, 0, None);
    let package = Package::read(&files).map_err(|error| Failure::about(Matter::Package, error))?;
    let bytes = files.values().map(|file| file.len() as u64).sum();
    Ok(Source {
        package,
        origin,
        bytes,
        read_ms: since(start),
    })
}

/// Why a package is not usable on a device.
pub enum LoadError {
    /// The package's own fault.
    Package(Failure),
    /// The device failed.
    Device(String),
}

/// Builds the detector on a device, warms it up and runs the package's self-test.
pub async fn build(
    source: &Source,
    device: &Device,
    backend: Backend,
) -> Result<Loaded, LoadError> {
    let start = Instant::now();
    progress(Phase::Build, 0, None);
    let detector = Detector::from_package(&source.package, device)
        .map_err(|error| LoadError::Package(Failure::about(Matter::Package, error)))?;
    let build_ms = since(start);

    let start = Instant::now();
    progress(Phase::WarmUp, 0, None);
    let side = source.package.config.model.image_size as u32;
    detector
        .inspect_whole(&warm_up_image(side))
        .await
        .map_err(|error| LoadError::Device(error.to_string()))?;
    let warm_ms = since(start);

    let start = Instant::now();
    progress(Phase::SelfTest, 0, None);
    let self_test = match &source.package.self_test {
        Some(stored) => test(&detector, stored).await.map_err(LoadError::Device)?,
        None => SelfTest::Absent,
    };
    let load_ms = [source.read_ms, build_ms, warm_ms, since(start)];
    let config = &source.package.config;
    let summary = ModelSummary {
        name: config.name.clone(),
        origin: source.origin,
        architecture: architecture(config),
        trained_on: trained_on(config),
        bytes: source.bytes,
        threshold: config.calibration.as_ref().map(threshold),
        self_test,
        load_ms,
    };
    Ok(Loaded {
        detector,
        summary,
        backend,
    })
}

async fn test(detector: &Detector, stored: &StoredTest) -> Result<SelfTest, String> {
    let report = detector
        .self_test(stored)
        .await
        .map_err(|error| error.to_string())?;
    // Infinity has no JSON.
    let map_error = report.max_map_error_relative.min(f32::MAX);
    let score_error = report.score_error_relative.min(f32::MAX);
    Ok(if report.passed {
        SelfTest::Passed {
            map_error,
            score_error,
        }
    } else {
        SelfTest::Failed {
            map_error,
            score_error,
        }
    })
}

/// What the page shows of a calibration.
pub fn threshold(calibration: &Calibration) -> Threshold {
    Threshold {
        reduction: match calibration.score {
            ScoreKind::Std => Reduction::Std,
            ScoreKind::Max => Reduction::Max,
            ScoreKind::Top1 => Reduction::Top1,
        },
        value: calibration.threshold,
        quantiles: calibration.quantiles.clone(),
        scale_low: calibration.scale.low,
        scale_high: calibration.scale.high,
        images: calibration.images,
        source: match calibration.source {
            CalibrationSource::HeldOut => Origins::HeldOut,
            CalibrationSource::AlteredTraining => Origins::AlteredTraining,
            CalibrationSource::LeaveOneOut => Origins::LeaveOneOut,
        },
    }
}

fn architecture(config: &PackageConfig) -> Architecture {
    let backbone = serde_json::to_value(config.model.backbone.kind).ok();
    let backbone = backbone
        .as_ref()
        .and_then(|name| name.as_str())
        .unwrap_or("unknown")
        .replace('_', " ");
    let restorer = &config.model.restorer;
    Architecture {
        backbone,
        blocks: restorer.depth,
        width: restorer.width,
    }
}

fn trained_on(config: &PackageConfig) -> TrainedOn {
    let provenance = &config.provenance;
    TrainedOn {
        data: provenance.data.clone(),
        images: provenance.images,
        categories: provenance.categories.clone(),
    }
}
