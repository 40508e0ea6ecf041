//! Figures of a labelled folder, by the functions that `fsr eval` calls.

use fsr::{
    image::{decode_mask, resize_nearest_mask},
    map::AnomalyMap,
    metrics::{LabelledScores, aupro, roc_curve},
};
use wasm_bindgen::JsValue;

use fsr_web::{
    post::floats_in,
    protocol::{Failure, Figures, Matter, MeasurePlan, PixelFigures, Ranking},
};

use crate::files::local;

/// False-positive rate up to which AUPRO is measured, as `fsr eval` does by default.
const AUPRO_LIMIT: f64 = 0.3;

/// Most points of the curve that is drawn.
const MOST_POINTS: usize = 400;

/// Computes the figures.
pub async fn measure(plan: MeasurePlan, attached: &[JsValue]) -> Result<Figures, Failure> {
    let labels: Vec<bool> = plan.images.iter().map(|image| image.defect).collect();
    let scores: Vec<f32> = plan
        .images
        .iter()
        .map(|image| image.scores.get(plan.reduction))
        .collect();
    let defective = labels.iter().filter(|&&defect| defect).count();
    let pixel = if plan.pixels {
        Some(pixels(&plan, attached).await?)
    } else {
        None
    };
    let roc = roc_curve(&scores, &labels).unwrap_or_default();
    let every = roc.len().div_ceil(MOST_POINTS).max(1);
    let last = roc.len().saturating_sub(1);
    Ok(Figures {
        reduction: plan.reduction,
        model: plan.model,
        good: labels.len() - defective,
        defective,
        image: ranking(&scores, &labels),
        pixel,
        roc: roc
            .iter()
            .enumerate()
            .filter(|(at, _)| at % every == 0 || *at == last)
            .map(|(_, point)| (point.fpr, point.tpr))
            .collect(),
        notes: plan.notes,
    })
}

fn ranking(scores: &[f32], labels: &[bool]) -> Ranking {
    LabelledScores::new(scores, labels).map_or_else(Ranking::default, |ranked| Ranking {
        auroc: Some(ranked.auroc()),
        ap: Some(ranked.average_precision()),
        f1_max: Some(ranked.f1_max().value),
    })
}

async fn pixels(plan: &MeasurePlan, attached: &[JsValue]) -> Result<PixelFigures, Failure> {
    let (width, height) = plan.map_size;
    let mut attached = attached.iter();
    let (mut maps, mut masks) = (Vec::new(), Vec::new());
    for image in &plan.images {
        let values = attached.next().map(floats_in).unwrap_or_default();
        if values.len() as u64 != u64::from(width) * u64::from(height) {
            let name = image.name.clone();
            return Err(Failure::NoMap { name });
        }
        maps.push(AnomalyMap::new(width as usize, height as usize, values));
        masks.push(if image.has_mask {
            let file = attached.next().cloned().unwrap_or(JsValue::UNDEFINED);
            let matter = Matter::MaskOf(image.name.clone());
            let mask = decode_mask(&local(&matter, &file).await?)
                .map_err(|error| Failure::about(matter, error))?;
            if mask.dimensions() != (image.width, image.height) {
                return Err(Failure::MaskSize {
                    name: image.name.clone(),
                    mask: mask.dimensions(),
                    image: (image.width, image.height),
                });
            }
            resize_nearest_mask(&mask, width, height)
        } else {
            vec![false; (width * height) as usize]
        });
    }
    let values: Vec<f32> = maps
        .iter()
        .flat_map(|map| map.values.iter().copied())
        .collect();
    let ranking = ranking(&values, &masks.concat());
    drop(values);
    let maps: Vec<&AnomalyMap> = maps.iter().collect();
    let masks: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
    Ok(PixelFigures {
        ranking,
        aupro: aupro(&maps, &masks, AUPRO_LIMIT),
    })
}
