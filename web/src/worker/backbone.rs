//! What a training begins with: the backbone of the model in use, or one of the visitor's own.
//!
//! A weight file is looked through and read piece by piece: it is never in the program's memory as a whole. Its header says
//! what network it is; then it is read in its own order, for its hash, and only the tensors of the stem and the first
//! three stages are kept, one copy of each.

use burn::tensor::Device;
use fsr::{
    backbone::ResNet,
    config::{BackboneConfig, BackboneKind, ModelConfig, Preset},
    detector::Detector,
    package::{CONFIG_FILE, PackageError, WeightsOrigin},
    tensors::{NamedTensors, import_owned},
    weights::{self, Contents, LENGTH_BYTES, Recognised, WeightsError},
};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

use fsr_web::protocol::{BackboneSummary, Failure, Matter, no_backbone};

use crate::files::slice;

/// Larger than any of these networks' files, in bytes; a WideResNet-50-2 in double precision has half of it.
const MOST_BYTES: u64 = 1 << 30;

/// What is only hashed is read in pieces of so many bytes.
const PIECE: u64 = 4 << 20;

/// A restorer of this preset's size is trained on a backbone of the visitor's own; `web/README.md` says why.
const PRESET: Preset = Preset::Lite;

/// What a training begins with: a backbone, and the sizes of the model to be.
pub struct Base {
    /// Sizes.
    pub config: ModelConfig,
    /// Its backbone.
    pub backbone: ResNet,
    /// The file the backbone came from.
    pub weights: Option<WeightsOrigin>,
    /// Where it is.
    pub device: Device,
}

impl Base {
    /// The backbone and the sizes of a detector.
    pub fn of(detector: &Detector) -> Self {
        Self {
            config: detector.model.config.clone(),
            backbone: detector.model.backbone.clone(),
            weights: detector.config.provenance.backbone_weights.clone(),
            device: detector.model.device().clone(),
        }
    }
}

/// A network read from a file.
struct Read {
    config: BackboneConfig,
    tensors: NamedTensors,
    origin: WeightsOrigin,
    bytes: u64,
}

/// Looks a file through: what it holds, once all that training needs has been seen to be there.
pub async fn check(
    name: &str,
    file: &JsValue,
    device: &Device,
) -> Result<BackboneSummary, Failure> {
    let read = read(name, file, device).await?;
    let parameters = read.tensors.values().map(|tensor| tensor.values.len());
    Ok(BackboneSummary {
        name: name.to_owned(),
        architecture: title(read.config.kind).to_owned(),
        parameters: parameters.sum(),
        bytes: read.bytes,
        sha256: read.origin.sha256,
    })
}

/// What a training on the network in a file begins with.
pub async fn base(name: &str, file: &JsValue, device: &Device) -> Result<Base, Failure> {
    let read = read(name, file, device).await?;
    let network = import_owned(read.config.init(device), read.tensors, "")
        .map_err(|error| no_backbone(name, &error.to_string()))?;
    Ok(Base {
        config: ModelConfig {
            backbone: read.config,
            ..PRESET.config()
        },
        backbone: network,
        weights: Some(read.origin),
        device: device.clone(),
    })
}

async fn read(name: &str, file: &JsValue, device: &Device) -> Result<Read, Failure> {
    let refused = |error: WeightsError| no_backbone(name, &error.to_string());
    let blob: &Blob = file
        .dyn_ref()
        .ok_or_else(|| no_backbone(name, "it is no file"))?;
    let size = blob.size() as u64;
    if size > MOST_BYTES {
        let reason = format!(
            "it has {} MB, more than any of the networks that can be trained on",
            size / 1_000_000
        );
        return Err(no_backbone(name, &reason));
    }
    let matter = Matter::File(name.to_owned());
    let mut hash = Sha256::new();
    let first = slice(&matter, blob, 0..size.min(LENGTH_BYTES as u64)).await?;
    hash.update(&first);
    let length = Contents::header_bytes(&first, size).map_err(refused)? as u64;
    let start = LENGTH_BYTES as u64;
    let header = slice(&matter, blob, start..start + length).await?;
    hash.update(&header);
    let contents = Contents::parse(&header, size).map_err(refused)?;
    drop(header);
    let shapes = contents.shapes();
    if weights::is_package(&shapes) {
        let missing = PackageError::Missing {
            file: CONFIG_FILE.to_owned(),
        };
        return Err(Failure::about(matter, missing));
    }
    let Recognised { config, tensors } = weights::recognise(&shapes, device).map_err(refused)?;
    let mut found = NamedTensors::new();
    for place in contents.places() {
        if tensors.contains(&place.name) {
            let data = slice(&matter, blob, place.bytes.clone()).await?;
            hash.update(&data);
            if let Some(tensor) = weights::decode(&place, &data).map_err(refused)? {
                found.insert(place.name, tensor);
            }
            continue;
        }
        let mut at = place.bytes.start;
        while at < place.bytes.end {
            let end = place.bytes.end.min(at + PIECE);
            hash.update(slice(&matter, blob, at..end).await?);
            at = end;
        }
    }
    let tensors = weights::fold(found, &config, device).map_err(refused)?;
    let digest = hash.finalize();
    Ok(Read {
        config,
        tensors,
        origin: WeightsOrigin {
            name: name.to_owned(),
            sha256: hex::encode(digest),
        },
        bytes: size,
    })
}

fn title(kind: BackboneKind) -> &'static str {
    match kind {
        BackboneKind::Resnet18 => "ResNet-18",
        BackboneKind::Resnet34 => "ResNet-34",
        BackboneKind::Resnet50 => "ResNet-50",
        BackboneKind::WideResnet50_2 => "WideResNet-50-2",
        BackboneKind::Lite => "lite",
    }
}
