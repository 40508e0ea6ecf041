//! Backbone features by image: each image goes through the backbone once, however many runs use it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use fsr::config::ModelConfig;
use fsr::detector::map_of_features;
use fsr::feature_cache::{FeatureError, FeatureSource, TapShapes};
use fsr::map::AnomalyMap;
use fsr::model::Fsr;
use fsr::tiles::stitch::map_size;
use fsr::tiles::{TilePlan, Tiling};
use half::f16;
use image::RgbImage;

use crate::features::{self, Features};
use crate::progress::Progress;

/// Features of one backbone at one image size, found by the image they belong to.
pub struct Pool<K> {
    features: Features,
    tiling: Option<Tiling>,
    places: HashMap<K, Kept>,
}

/// Where an image's features are.
#[derive(Debug, Clone)]
struct Kept {
    /// Of its first tile; the others follow.
    first: usize,
    plan: TilePlan,
}

impl<K: Clone + Eq + Hash> Pool<K> {
    /// Room for `tiles` tiles of images, or whole ones, see [`Features::allocate`].
    ///
    /// # Errors
    /// When the file of features cannot be made.
    pub fn new(
        config: &ModelConfig,
        tiling: Option<Tiling>,
        tiles: usize,
        limit: u64,
        folder: &Path,
    ) -> Result<Self> {
        Ok(Self {
            features: Features::allocate(config, tiles, limit, folder)?,
            tiling,
            places: HashMap::new(),
        })
    }

    /// Computes the features of those images that are not there yet; `load` decodes one.
    ///
    /// # Errors
    /// The first image that cannot be loaded, by its own message.
    pub fn add(
        &mut self,
        model: &Fsr,
        images: &[K],
        load: impl Fn(&K) -> Result<RgbImage> + Sync,
    ) -> Result<()>
    where
        K: Sync,
    {
        let mut fresh: Vec<&K> = Vec::new();
        let mut seen = HashSet::new();
        for image in images {
            if !self.places.contains_key(image) && seen.insert(image) {
                fresh.push(image);
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let mut progress = Progress::new("features", fresh.len(), "images");
        let mut first = self.features.len();
        let plans = features::extract(
            model,
            self.tiling,
            fresh.len(),
            |index| load(fresh[index]),
            &mut self.features,
            &mut progress,
        )?;
        for (image, plan) in fresh.into_iter().zip(plans) {
            let tiles = plan.count();
            self.places.insert(image.clone(), Kept { first, plan });
            first += tiles;
        }
        Ok(())
    }

    /// The features of some images, in their order; those that were never added are left out.
    pub fn view(&self, images: &[K]) -> View<'_> {
        let kept = images.iter().filter_map(|image| self.places.get(image));
        let (mut places, mut view) = (Vec::new(), Vec::new());
        for Kept { first, plan } in kept {
            view.push(Kept {
                first: places.len(),
                plan: plan.clone(),
            });
            places.extend(*first..first + plan.count());
        }
        View {
            features: &self.features,
            places,
            images: view,
        }
    }

    /// How images are cut, if they are.
    pub fn tiling(&self) -> Option<Tiling> {
        self.tiling
    }

    /// Where they are, for people.
    pub fn place(&self) -> &'static str {
        self.features.place()
    }
}

/// Some of a pool's images. As a source of features it has their tiles, one after the other.
pub struct View<'a> {
    features: &'a Features,
    places: Vec<usize>,
    /// In places of this view.
    images: Vec<Kept>,
}

impl View<'_> {
    /// Number of images, each of one tile or more.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// The places of an image's tiles.
    pub fn tiles(&self, image: usize) -> Range<usize> {
        self.images
            .get(image)
            .map_or(0..0, |kept| kept.first..kept.first + kept.plan.count())
    }

    /// Values of the map of an image, from tiles with maps of `side`².
    pub fn map_values(&self, image: usize, side: usize) -> usize {
        let (width, height) = self
            .images
            .get(image)
            .map_or((0, 0), |kept| map_size(&kept.plan, side));
        width * height
    }

    /// The anomaly map of an image.
    ///
    /// # Errors
    /// When its features cannot be read back or the device fails.
    pub fn map(&self, model: &Fsr, image: usize) -> Result<AnomalyMap> {
        let kept = self
            .images
            .get(image)
            .with_context(|| format!("there is no image {image}"))?;
        let map = map_of_features(model, self, kept.first, &kept.plan);
        Ok(pollster::block_on(map)?)
    }
}

impl FeatureSource for View<'_> {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn shapes(&self) -> TapShapes {
        self.features.shapes()
    }

    fn image(&self, index: usize) -> Result<Cow<'_, [f16]>, FeatureError> {
        match self.places.get(index) {
            Some(&place) => self.features.image(place),
            None => Err(FeatureError(format!(
                "there is no image {index} among {}",
                self.places.len()
            ))),
        }
    }
}
