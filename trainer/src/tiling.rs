//! Images that may be cut into tiles: how a detector is handed them, and how many tiles they have by their headers.

use std::path::Path;

use anyhow::{Context, Result};
use fsr::detector::Detector;
use fsr::preprocess::to_input_size;
use fsr::tiles::stitch::map_size;
use fsr::tiles::{TilePlan, Tiling};

use image::RgbImage;

use crate::dataset;

/// An image as a detector is handed it in batches: of the network's input size, unless it cuts images itself.
pub fn handed(detector: &Detector, image: RgbImage) -> RgbImage {
    if detector.config.tiles.is_some() {
        image
    } else {
        to_input_size(&image, detector.model.config.image_size)
    }
}

/// Images of a batch: `usual`, but of those that are cut one at a time, for they may be large.
pub fn batch(detector: &Detector, usual: usize) -> usize {
    if detector.config.tiles.is_some() {
        1
    } else {
        usual
    }
}

/// The tiles of an image file, for one network input each.
///
/// A photograph that is stored turned (EXIF) has its sides exchanged here: as many tiles, and as large a map.
///
/// # Errors
/// When it is no image, or there would be too many tiles; names the file.
pub fn plan(tiling: Option<Tiling>, path: &Path) -> Result<TilePlan> {
    if tiling.is_none() {
        return Ok(TilePlan::whole(1, 1));
    }
    let size = dataset::header(path)?;
    TilePlan::new(tiling, size.0, size.1).with_context(|| format!("cannot use {}", path.display()))
}

/// Tiles of all images together; without a tiling their number, and no file is touched.
///
/// # Errors
/// As [`plan`].
pub fn count<'a>(
    tiling: Option<Tiling>,
    images: impl ExactSizeIterator<Item = &'a Path>,
) -> Result<usize> {
    if tiling.is_none() {
        return Ok(images.len());
    }
    let mut tiles = 0;
    for path in images {
        tiles += plan(tiling, path)?.count();
    }
    Ok(tiles)
}

/// Values of the map of an image file, whose tiles have maps of `side`².
///
/// # Errors
/// As [`plan`].
pub fn map_values(tiling: Option<Tiling>, path: &Path, side: usize) -> Result<usize> {
    let (width, height) = map_size(&plan(tiling, path)?, side);
    Ok(width * height)
}
