//! Evaluating a cell's model on test features that were computed once.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::Result;
use fsr::detector::Detector;
use fsr::feature_cache::FeatureSource;
use fsr::image::resize_nearest_mask;
use fsr::map::{AnomalyMap, ScoreKind};
use serde::Serialize;

use crate::dataset::{self, Category, DataSet, Part};
use crate::eval::defects::by_kind;
use crate::eval::evidence::Evidence;
use crate::eval::figures::figures;
use crate::eval::report::{CategoryReport, Counts, Verdicts};
use crate::eval::{Inspected, data_sha256};
use crate::train::images::{ImageKey, load};
use crate::train::pool::Pool;

/// Images that are inspected together, as `fsr eval` has it.
const BATCH: usize = 4;

/// False-positive rate up to which AUPRO is measured, `fsr eval`'s default.
const AUPRO_LIMIT: f64 = 0.3;

/// A category's report, and what it was made from.
#[derive(Debug, Serialize)]
pub struct Evaluated {
    /// As `fsr eval` has it.
    #[serde(flatten)]
    pub report: CategoryReport,
    /// Scores and curves.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// A category's test images, with their masks at one size.
struct TestSet {
    category: Category,
    masks: Vec<Option<Vec<bool>>>,
    /// Of the images themselves, in pixels.
    sizes: Vec<(u32, u32)>,
}

/// Test sets read so far, by category and network input size.
pub struct TestSets<'a> {
    data: &'a DataSet,
    known: HashMap<(String, usize), TestSet>,
}

impl<'a> TestSets<'a> {
    /// Test sets of `data`, read when first asked for.
    pub fn new(data: &'a DataSet) -> Self {
        Self {
            data,
            known: HashMap::new(),
        }
    }

    fn get(&mut self, name: &str, side: usize) -> Result<&TestSet> {
        let key = (name.to_string(), side);
        if !self.known.contains_key(&key) {
            let category = self.data.scan(name, Part::Test)?;
            dataset::check_masks(&category)?;
            let drawn = category.test.iter().any(|test| test.mask.is_some());
            let mut masks = Vec::with_capacity(category.test.len());
            let mut sizes = Vec::with_capacity(category.test.len());
            for test in &category.test {
                let size = dataset::image(&test.path)?.dimensions();
                sizes.push(size);
                masks.push(match &test.mask {
                    Some(path) => {
                        let mask = dataset::mask(path, &test.path, size)?;
                        Some(resize_nearest_mask(&mask, side as u32, side as u32))
                    }
                    None => (drawn && test.defect.is_none()).then(|| vec![false; side * side]),
                });
            }
            self.known.insert(
                key.clone(),
                TestSet {
                    category,
                    masks,
                    sizes,
                },
            );
        }
        Ok(&self.known[&key])
    }

    /// What `fsr eval` would report of the categories, but for the half precision of kept features.
    ///
    /// # Errors
    /// When images, masks or device fail.
    pub fn evaluate(
        &mut self,
        detector: &Detector,
        categories: &[String],
        kind: ScoreKind,
        pool: &mut Pool<ImageKey>,
    ) -> Result<BTreeMap<String, Evaluated>> {
        let model = &detector.model;
        let mut reports = BTreeMap::new();
        for name in categories {
            let started = Instant::now();
            let data = self.data;
            let set = self.get(name, model.config.image_size)?;
            let keys: Vec<ImageKey> = set
                .category
                .test
                .iter()
                .map(|test| ImageKey::of(&test.path))
                .collect();
            pool.add(model, &keys, load)?;
            let view = pool.view(&keys);
            let side = model.config.image_size;
            let mut inspected = Vec::with_capacity(keys.len());
            let mut push = |place: usize, map: AnomalyMap| {
                inspected.push(Inspected {
                    test: &set.category.test[place],
                    scores: map.scores(),
                    map: map.resize_bilinear(side, side),
                    stitched: None,
                    mask: set.masks[place].clone(),
                    size: set.sizes[place],
                });
            };
            let places: Vec<usize> = (0..keys.len()).collect();
            if detector.config.tiles.is_some() {
                for &place in &places {
                    push(place, view.map(model, place)?);
                }
            } else {
                for batch in places.chunks(BATCH) {
                    let tokens = model.tokens(view.batch(batch, model.device())?);
                    let maps = pollster::block_on(model.anomaly_maps(tokens))?;
                    for (&place, map) in batch.iter().zip(maps) {
                        push(place, map);
                    }
                }
            }
            let calibration = detector.config.calibration_for(Some(name));
            let report = CategoryReport {
                figures: figures(&inspected, kind, AUPRO_LIMIT),
                images: Counts::of(&inspected),
                verdicts: calibration.map(|known| Verdicts::of(&inspected, known)),
                defects: by_kind(&inspected, kind, calibration),
                data_sha256: data_sha256(data.root(), &set.category)?,
                seconds: started.elapsed().as_secs_f64(),
            };
            let evidence = Evidence::of(&inspected, AUPRO_LIMIT);
            reports.insert(name.clone(), Evaluated { report, evidence });
        }
        Ok(reports)
    }
}
