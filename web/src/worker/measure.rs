//! Figures of a labelled folder, by the functions that `fsr eval` calls.

use fsr::{
    image::{decode_mask, resize_nearest_mask},
    map::AnomalyMap,
    metrics::{LabelledScores, aupro, pr_curve, pro_curve, roc_curve, thinned_pro_curve},
};
use wasm_bindgen::JsValue;

use fsr_web::{
    post::floats_in,
    protocol::{Failure, Figures, Matter, MeasurePlan, PRO_LIMIT, PixelFigures, Ranking},
};

use crate::files::local;

/// Most points of a curve that is drawn, but for its last.
const MOST_POINTS: usize = 400;

/// Steps of the overlap curve, as many as `fsr eval --out` leaves.
const PRO_STEPS: usize = 64;

/// Computes the figures.
pub async fn measure(plan: MeasurePlan, attached: &[JsValue]) -> Result<Figures, Failure> {
    let labels: Vec<bool> = plan.images.iter().map(|image| image.defect).collect();
    let scores: Vec<f32> = plan
        .images
        .iter()
        .map(|image| image.scores.get(plan.reduction))
        .collect();
    let defective = labels.iter().filter(|&&defect| defect).count();
    let (pixel, overlap) = if plan.pixels {
        let (figures, overlap) = pixels(&plan, attached).await?;
        (Some(figures), overlap)
    } else {
        (None, Vec::new())
    };
    let roc = roc_curve(&scores, &labels).unwrap_or_default();
    let precision_recall = pr_curve(&scores, &labels).unwrap_or_default();
    Ok(Figures {
        reduction: plan.reduction,
        model: plan.model,
        good: labels.len() - defective,
        defective,
        image: ranking(&scores, &labels),
        pixel,
        roc: thinned(roc.iter().map(|point| (point.fpr, point.tpr))),
        precision_recall: thinned(
            precision_recall
                .iter()
                .map(|point| (point.recall, point.precision)),
        ),
        overlap,
        notes: plan.notes,
    })
}

/// Every so many points of a curve, and its last.
fn thinned(curve: impl ExactSizeIterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let every = curve.len().div_ceil(MOST_POINTS).max(1);
    let last = curve.len().saturating_sub(1);
    curve
        .enumerate()
        .filter(|(at, _)| at % every == 0 || *at == last)
        .map(|(_, point)| point)
        .collect()
}

fn ranking(scores: &[f32], labels: &[bool]) -> Ranking {
    LabelledScores::new(scores, labels).map_or_else(Ranking::default, |ranked| Ranking {
        auroc: Some(ranked.auroc()),
        ap: Some(ranked.average_precision()),
        f1_max: Some(ranked.f1_max().value),
    })
}

/// Figures of pixels, and the overlap curve.
async fn pixels(
    plan: &MeasurePlan,
    attached: &[JsValue],
) -> Result<(PixelFigures, Vec<(f64, f64)>), Failure> {
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
    let curve = pro_curve(&maps, &masks).unwrap_or_default();
    let overlap = thinned_pro_curve(&curve, PRO_LIMIT, PRO_STEPS);
    let figures = PixelFigures {
        ranking,
        aupro: aupro(&maps, &masks, PRO_LIMIT),
    };
    Ok((figures, overlap.into_iter().map(Into::into).collect()))
}
