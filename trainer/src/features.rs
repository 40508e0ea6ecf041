//! Backbone features of a whole training set, computed once: in memory where they fit, else in a file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use fsr::config::ModelConfig;
use fsr::feature_cache::{
    FeatureCache, FeatureError, FeatureSource, TapShapes, tap_shapes as shapes, taps_length,
    taps_to_host,
};
use fsr::model::Fsr;
use fsr::tiles::{TilePlan, Tiling};
use half::f16;
use image::RgbImage;

use crate::pipeline;
use crate::progress::Progress;

/// Images that go through the backbone together. Fixed, so that results do not depend on the device.
const BATCH: usize = 8;

/// Features of a training set.
pub enum Features {
    /// In memory.
    Memory(FeatureCache),
    /// In a temporary file that vanishes with the process.
    Disk(DiskFeatures),
}

impl Features {
    /// Room for `images` images of a model: in memory within `limit` bytes, else in a file in `folder`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn allocate(
        config: &ModelConfig,
        images: usize,
        limit: u64,
        folder: &Path,
    ) -> Result<Self> {
        let shapes = shapes(config);
        let bytes = Self::bytes(config, images);
        if bytes <= limit {
            return Ok(Self::Memory(FeatureCache::new(shapes)));
        }
        let file = tempfile::tempfile_in(folder).with_context(|| {
            format!(
                "cannot make a {:.1} GiB feature file in {}",
                gib(bytes),
                folder.display()
            )
        })?;
        Ok(Self::Disk(DiskFeatures {
            shapes,
            images: 0,
            file: Mutex::new(file),
        }))
    }

    /// Bytes that the features of `images` images take.
    pub fn bytes(config: &ModelConfig, images: usize) -> u64 {
        (taps_length(&shapes(config)) * size_of::<f16>()) as u64 * images as u64
    }

    fn push(&mut self, taps: Vec<f16>) -> Result<()> {
        match self {
            Self::Memory(cache) => cache.push(taps),
            Self::Disk(disk) => disk.push(&taps)?,
        }
        Ok(())
    }

    /// Where they are, for people.
    pub fn place(&self) -> &'static str {
        if matches!(self, Self::Memory(_)) {
            "in memory"
        } else {
            "in a temporary file"
        }
    }
}

impl FeatureSource for Features {
    fn len(&self) -> usize {
        match self {
            Self::Memory(cache) => cache.len(),
            Self::Disk(disk) => disk.images,
        }
    }

    fn shapes(&self) -> TapShapes {
        match self {
            Self::Memory(cache) => cache.shapes(),
            Self::Disk(disk) => disk.shapes,
        }
    }

    fn image(&self, index: usize) -> Result<Cow<'_, [f16]>, FeatureError> {
        match self {
            Self::Memory(cache) => cache.image(index),
            Self::Disk(disk) => disk.image(index).map(Cow::Owned),
        }
    }
}

/// Features in a file, one fixed-size record for each image.
pub struct DiskFeatures {
    shapes: TapShapes,
    images: usize,
    file: Mutex<File>,
}

impl DiskFeatures {
    fn push(&mut self, taps: &[f16]) -> Result<()> {
        let bytes: Vec<u8> = taps.iter().flat_map(|value| value.to_le_bytes()).collect();
        let file = self
            .file
            .get_mut()
            .map_err(|_| FeatureError("the feature file is locked".into()))?;
        file.seek(SeekFrom::End(0))
            .and_then(|_| file.write_all(&bytes))
            .context("cannot write the feature file")?;
        self.images += 1;
        Ok(())
    }

    fn image(&self, index: usize) -> Result<Vec<f16>, FeatureError> {
        let fail = |reason: String| {
            FeatureError(format!(
                "cannot read image {index} back from disk: {reason}"
            ))
        };
        let mut bytes = vec![0; taps_length(&self.shapes) * size_of::<f16>()];
        let start = SeekFrom::Start(index as u64 * bytes.len() as u64);
        let mut file = self.file.lock().map_err(|error| fail(error.to_string()))?;
        file.seek(start)
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| fail(error.to_string()))?;
        Ok(bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| f16::from_le_bytes(*pair))
            .collect())
    }
}

/// Sends `count` images, which `load` decodes, through the backbone, tile by tile where they are cut; returns where
/// the tiles of each lie.
///
/// # Errors
/// The first image that cannot be loaded, by its own message, or has too many tiles.
pub fn extract(
    model: &Fsr,
    tiling: Option<Tiling>,
    count: usize,
    load: impl Fn(usize) -> Result<RgbImage> + Sync,
    into: &mut Features,
    progress: &mut Progress,
) -> Result<Vec<TilePlan>> {
    let side = model.config.image_size;
    let mut plans = Vec::with_capacity(count);
    let mut embed = |inputs: &[RgbImage]| -> Result<()> {
        for taps in pollster::block_on(taps_to_host(model.taps(inputs)))? {
            into.push(taps)?;
        }
        Ok(())
    };
    if tiling.is_none() {
        let load = |index: usize| Ok(fsr::preprocess::to_input_size(&load(index)?, side));
        pipeline::in_batches(count, BATCH, load, |batch| {
            embed(&batch)?;
            plans.extend(
                batch
                    .iter()
                    .map(|_| TilePlan::whole(side as u32, side as u32)),
            );
            progress.advance(batch.len());
            Ok(())
        })?;
        return Ok(plans);
    }
    // Large images: one at a time, and of its tiles no more than a batch.
    pipeline::in_batches(count, 1, load, |images| {
        for image in images {
            let plan = TilePlan::new(tiling, image.width(), image.height())?;
            let tiles: Vec<usize> = (0..plan.count()).collect();
            for batch in tiles.chunks(BATCH) {
                let inputs = batch.iter().map(|&tile| plan.input(&image, tile, side));
                embed(&inputs.collect::<Vec<_>>())?;
            }
            plans.push(plan);
            progress.advance(1);
        }
        Ok(())
    })?;
    Ok(plans)
}

/// Bytes as GiB.
pub fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fsr::config::Preset;

    #[test]
    fn a_file_gives_back_what_memory_does() {
        let mut config = Preset::Lite.config();
        config.image_size = 32;
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Features::allocate(&config, 3, u64::MAX, folder.path()).unwrap();
        let mut disk = Features::allocate(&config, 3, 0, folder.path()).unwrap();
        assert!(matches!(memory, Features::Memory(_)) && matches!(disk, Features::Disk(_)));
        for image in 0..3u16 {
            let taps: Vec<f16> = (0..taps_length(&shapes(&config)))
                .map(|at| f16::from_bits((at as u16).wrapping_mul(7) % 0x7bff + image))
                .collect();
            memory.push(taps.clone()).unwrap();
            disk.push(taps).unwrap();
        }
        for image in [2, 0, 1] {
            assert_eq!(memory.image(image).unwrap(), disk.image(image).unwrap());
        }
        assert_eq!((memory.len(), disk.len()), (3, 3));
        assert!(disk.image(3).is_err() && memory.image(3).is_err());
    }
}
