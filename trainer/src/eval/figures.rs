//! The figures of a detector on one category, and their means.

use std::collections::BTreeMap;

use fsr::map::{AnomalyMap, ScoreKind};
use fsr::metrics::{LabelledScores, aupro};
use serde::Serialize;

use super::Inspected;

/// Figures of one set of scores. `None` where the data does not define them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Ranking {
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Average precision.
    pub ap: Option<f64>,
    /// Best F1 over all thresholds.
    pub f1_max: Option<f64>,
}

impl Ranking {
    /// Figures of some scores; `true` labels an anomaly.
    pub fn of(scores: &[f32], labels: &[bool]) -> Self {
        LabelledScores::new(scores, labels).map_or_else(Self::default, |ranked| Self {
            auroc: Some(ranked.auroc()),
            ap: Some(ranked.average_precision()),
            f1_max: Some(ranked.f1_max().value),
        })
    }

    fn mean(all: &[Self]) -> Self {
        Self {
            auroc: mean(all.iter().map(|one| one.auroc)),
            ap: mean(all.iter().map(|one| one.ap)),
            f1_max: mean(all.iter().map(|one| one.f1_max)),
        }
    }
}

/// [`Ranking`] of all pixels together, and AUPRO.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct PixelFigures {
    /// Ranking of pixels.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Area under the per-region overlap curve up to a false-positive rate (usually 0.3), over that rate.
    pub aupro: Option<f64>,
}

/// All figures of one category, or their means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Image figures by the chosen score.
    pub image: Ranking,
    /// Pixel figures.
    pub pixel: PixelFigures,
    /// Image figures by each score: std, max, top1.
    pub reductions: BTreeMap<&'static str, Ranking>,
    /// The same at the images' own sizes, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeFigures>,
}

/// Figures of maps that were enlarged to their images' own sizes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct NativeFigures {
    /// Image figures by the chosen score.
    pub image: Ranking,
    /// Pixel figures.
    pub pixel: PixelFigures,
}

/// All figures of one category at the maps' size; `image` ranks by `kind`.
pub fn figures(inspected: &[Inspected<'_>], kind: ScoreKind, aupro_limit: f64) -> Figures {
    let labels: Vec<bool> = inspected
        .iter()
        .map(|one| one.test.defect.is_some())
        .collect();
    let by = |kind: ScoreKind| {
        let scores: Vec<f32> = inspected.iter().map(|one| one.scores.get(kind)).collect();
        Ranking::of(&scores, &labels)
    };
    Figures {
        image: by(kind),
        pixel: pixel_figures(inspected, aupro_limit),
        reductions: ScoreKind::ALL
            .into_iter()
            .map(|kind| (kind.name(), by(kind)))
            .collect(),
        native: None,
    }
}

fn pixel_figures(inspected: &[Inspected<'_>], aupro_limit: f64) -> PixelFigures {
    let masked: Vec<(&AnomalyMap, &[bool])> = inspected
        .iter()
        .filter_map(|one| Some((&one.map, one.mask.as_deref()?)))
        .collect();
    let (maps, masks): (Vec<&AnomalyMap>, Vec<&[bool]>) = masked.into_iter().unzip();
    PixelFigures::of(&maps, &masks, aupro_limit)
}

impl PixelFigures {
    /// Figures of all pixels of some maps, with a mask of each map's size.
    pub fn of(maps: &[&AnomalyMap], masks: &[&[bool]], aupro_limit: f64) -> Self {
        let values: Vec<f32> = maps
            .iter()
            .flat_map(|map| map.values.iter().copied())
            .collect();
        let ranking = Ranking::of(&values, &masks.concat());
        drop(values);
        Self {
            ranking,
            aupro: aupro(maps, masks, aupro_limit),
        }
    }

    fn mean(all: &[Self]) -> Self {
        let rankings: Vec<Ranking> = all.iter().map(|one| one.ranking).collect();
        Self {
            ranking: Ranking::mean(&rankings),
            aupro: mean(all.iter().map(|one| one.aupro)),
        }
    }
}

/// Means over categories of what is defined.
pub fn mean_figures(all: &[&Figures]) -> Figures {
    let rankings = |of: &dyn Fn(&Figures) -> Ranking| {
        Ranking::mean(&all.iter().map(|one| of(one)).collect::<Vec<_>>())
    };
    Figures {
        image: rankings(&|one| one.image),
        pixel: PixelFigures::mean(&all.iter().map(|one| one.pixel).collect::<Vec<_>>()),
        reductions: ScoreKind::ALL
            .into_iter()
            .map(|kind| {
                (
                    kind.name(),
                    rankings(&|one| one.reductions.get(kind.name()).copied().unwrap_or_default()),
                )
            })
            .collect(),
        native: mean_native(all),
    }
}

fn mean_native(all: &[&Figures]) -> Option<NativeFigures> {
    let native: Vec<NativeFigures> = all.iter().filter_map(|one| one.native).collect();
    (!native.is_empty()).then(|| NativeFigures {
        image: Ranking::mean(&native.iter().map(|one| one.image).collect::<Vec<_>>()),
        pixel: PixelFigures::mean(&native.iter().map(|one| one.pixel).collect::<Vec<_>>()),
    })
}

/// Mean of what is defined.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let defined: Vec<f64> = values.flatten().collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TestImage;
    use fsr::map::ImageScores;

    #[test]
    fn undefined_figures_are_null_and_left_out_of_means() {
        assert_eq!(Ranking::of(&[1.0, 2.0], &[true, true]), Ranking::default());
        assert_eq!(mean([Some(1.0), None, Some(0.5)].into_iter()), Some(0.75));
        assert_eq!(mean([None].into_iter()), None);
        let json = serde_json::to_value(PixelFigures::default()).unwrap_or_default();
        assert_eq!(
            json,
            serde_json::json!({"auroc": null, "ap": null, "f1_max": null, "aupro": null})
        );
    }

    #[test]
    fn figures_rank_by_the_chosen_score_and_skip_pixels_without_masks() {
        let test = |defect: Option<&str>| TestImage {
            path: "x.png".into(),
            defect: defect.map(String::from),
            mask: None,
        };
        let (good, bad) = (test(None), test(Some("crack")));
        let one = |test, std, max| Inspected {
            test,
            map: AnomalyMap::new(1, 1, vec![max]),
            stitched: None,
            scores: ImageScores {
                std,
                max,
                top1: max,
            },
            mask: None,
            size: (1, 1),
        };
        // By std the defective image is on top, by maximum it is at the bottom.
        let figures = figures(
            &[one(&good, 1.0, 9.0), one(&bad, 2.0, 3.0)],
            ScoreKind::Std,
            0.3,
        );
        assert_eq!(figures.image.auroc, Some(1.0));
        assert_eq!(figures.reductions["max"].auroc, Some(0.0));
        assert_eq!(figures.pixel, PixelFigures::default());
    }
}
