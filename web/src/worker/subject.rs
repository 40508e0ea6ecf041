//! What is to be judged: from a file, from a camera, or generated.

use fsr::image::{RgbImage, decode};
use wasm_bindgen::JsValue;
use web_time::Instant;

use fsr_web::{
    address::SampleSpec,
    attachment::check_length,
    post::bytes_in,
    protocol::{Failure, Matter},
};

use crate::{
    files::local,
    judge::{Subject, since},
    sample::{SIDE, make},
};

/// An image in an encoded file.
pub async fn read(name: String, attached: &[JsValue]) -> Result<Subject, Failure> {
    let start = Instant::now();
    let file = attached.first().cloned().unwrap_or(JsValue::UNDEFINED);
    let matter = Matter::File(name.clone());
    let bytes = local(&matter, &file).await?;
    let image = decode(&bytes).map_err(|error| Failure::about(matter, error))?;
    Ok(Subject {
        name,
        sample: None,
        image,
        mask: None,
        made: ("decode", since(start)),
    })
}

/// A generated sample.
pub fn sample(spec: SampleSpec) -> Result<Subject, Failure> {
    let start = Instant::now();
    let made = make(&spec, SIDE)?;
    Ok(Subject {
        name: spec.title(),
        sample: Some(spec),
        image: made.image,
        mask: Some(made.mask),
        made: ("generate", since(start)),
    })
}

/// A frame of a camera, as RGBA pixels.
pub fn frame(
    name: String,
    width: u32,
    height: u32,
    attached: &[JsValue],
) -> Result<Subject, Failure> {
    let start = Instant::now();
    let rgba = attached.first().map(bytes_in).unwrap_or_default();
    let unusable = |why: String| Failure::Picture { why };
    check_length("its frame", rgba.len(), width, height, 4)
        .map_err(|error| unusable(error.to_string()))?;
    let rgb = rgba
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[red, green, blue, _]| [red, green, blue])
        .collect();
    let image = RgbImage::from_raw(width, height, rgb)
        .filter(|image| !image.is_empty())
        .ok_or_else(|| unusable("its frame has no pixels".into()))?;
    Ok(Subject {
        name,
        sample: None,
        image,
        mask: None,
        made: ("frame", since(start)),
    })
}
