//! Backbone features by image: each image goes through the backbone once, however many runs use it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

use anyhow::Result;
use fsr::config::ModelConfig;
use fsr::feature_cache::{FeatureError, FeatureSource, TapShapes};
use fsr::model::Fsr;
use half::f16;
use image::RgbImage;

use crate::features::{self, Features};
use crate::progress::Progress;

/// Features of one backbone at one image size, found by the image they belong to.
pub struct Pool<K> {
    features: Features,
    places: HashMap<K, usize>,
}

impl<K: Clone + Eq + Hash> Pool<K> {
    /// Room for `images` images, see [`Features::allocate`].
    ///
    /// # Errors
    /// When the file of features cannot be made.
    pub fn new(config: &ModelConfig, images: usize, limit: u64, folder: &Path) -> Result<Self> {
        Ok(Self {
            features: Features::allocate(config, images, limit, folder)?,
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
        let mut places = HashMap::new();
        for image in images {
            if !self.places.contains_key(image) && !places.contains_key(image) {
                places.insert(image.clone(), self.features.len() + fresh.len());
                fresh.push(image);
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let mut progress = Progress::new("features", fresh.len(), "images");
        features::extract(
            model,
            fresh.len(),
            |index| load(fresh[index]),
            &mut self.features,
            &mut progress,
        )?;
        self.places.extend(places);
        Ok(())
    }

    /// The features of some images, in their order; those that were never added are left out.
    pub fn view(&self, images: &[K]) -> View<'_> {
        View {
            features: &self.features,
            places: images
                .iter()
                .filter_map(|image| self.places.get(image).copied())
                .collect(),
        }
    }

    /// Where they are, for people.
    pub fn place(&self) -> &'static str {
        self.features.place()
    }
}

/// Some of a pool's images.
pub struct View<'a> {
    features: &'a Features,
    places: Vec<usize>,
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
