//! Generated samples.

use fsr::products::{Product, Sample, generate};

use fsr_web::{address::SampleSpec, protocol::Failure};

/// Side of a sample that is judged, in pixels: what `fsr synth` makes unless told otherwise, and so
/// what models are trained on. A larger one, made smaller, has less of the camera's noise.
pub const SIDE: u32 = 256;

/// Side of a tile's picture, in pixels.
pub const PREVIEW_SIDE: u32 = 160;

/// Generates the sample that `spec` names.
pub fn make(spec: &SampleSpec, side: u32) -> Result<Sample, Failure> {
    Product::from_name(&spec.product)
        .and_then(|product| generate(product, spec.defect.as_deref(), spec.seed, side))
        .map_err(|error| Failure::NoSample {
            message: error.to_string(),
        })
}
