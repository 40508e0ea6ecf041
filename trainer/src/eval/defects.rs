//! How well each kind of defect is told from good images.

use std::collections::BTreeMap;

use fsr::calibration::{Calibration, Verdict};
use fsr::map::ScoreKind;
use serde::Serialize;

use super::Inspected;
use super::figures::Ranking;

/// One kind of defect against all good images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DefectFigures {
    /// Defective images of this kind.
    pub images: usize,
    /// How its images rank above the good ones.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Share of them above the calibrated threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_rate: Option<f64>,
}

/// Figures by kind of defect.
pub fn by_kind(
    inspected: &[Inspected<'_>],
    kind: ScoreKind,
    calibration: Option<&Calibration>,
) -> BTreeMap<String, DefectFigures> {
    let mut groups: BTreeMap<&str, Vec<&Inspected<'_>>> = BTreeMap::new();
    for one in inspected {
        if let Some(defect) = &one.test.defect {
            groups.entry(defect).or_default().push(one);
        }
    }
    groups
        .into_iter()
        .map(|(defect, group)| {
            let good = inspected.iter().filter(|one| one.test.defect.is_none());
            let (scores, labels): (Vec<f32>, Vec<bool>) = good
                .chain(group.iter().copied())
                .map(|one| (one.scores.get(kind), one.test.defect.is_some()))
                .unzip();
            let found = |known: &Calibration| {
                let found = group
                    .iter()
                    .filter(|one| known.verdict(&one.scores) == Verdict::Anomalous);
                found.count() as f64 / group.len() as f64
            };
            let figures = DefectFigures {
                images: group.len(),
                ranking: Ranking::of(&scores, &labels),
                detection_rate: calibration.map(found),
            };
            (defect.to_string(), figures)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TestImage;
    use fsr::map::{AnomalyMap, ImageScores};

    #[test]
    fn each_kind_is_measured_against_the_good_images_alone() {
        let tests =
            [None, None, Some("dent"), Some("crack"), Some("crack")].map(|defect| TestImage {
                path: "x.png".into(),
                defect: defect.map(String::from),
                mask: None,
            });
        let values = [1.0, 2.0, 1.5, 3.0, 0.5];
        let inspected: Vec<Inspected<'_>> = tests
            .iter()
            .zip(values)
            .map(|(test, value)| Inspected {
                test,
                map: AnomalyMap::new(1, 1, vec![value]),
                stitched: None,
                scores: ImageScores {
                    std: value,
                    max: value,
                    top1: value,
                },
                mask: None,
                size: (1, 1),
            })
            .collect();
        let found = by_kind(&inspected, ScoreKind::Std, None);
        assert_eq!((found["dent"].images, found["crack"].images), (1, 2));
        assert_eq!(found["dent"].ranking.auroc, Some(0.5));
        assert_eq!(found["crack"].ranking.auroc, Some(0.5));
        assert_eq!(found["crack"].detection_rate, None);
        let good: Vec<AnomalyMap> = [1.0, 2.0]
            .map(|score| AnomalyMap::new(2, 1, vec![0.0, 2.0 * score]))
            .into();
        let known = Calibration::from_good_maps(
            &good,
            ScoreKind::Std,
            fsr::calibration::CalibrationSource::HeldOut,
        )
        .and_then(|known| known.at_false_alarm_rate(0.34).ok());
        let found = by_kind(&inspected, ScoreKind::Std, known.as_ref());
        assert_eq!(found["crack"].detection_rate, Some(0.5));
        assert_eq!(found["dent"].detection_rate, Some(0.0));
    }
}
