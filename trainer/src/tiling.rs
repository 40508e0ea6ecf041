//! Counting tiles from images' headers, before anything long begins.

use std::path::Path;

use anyhow::{Context, Result};
use fsr::tiles::stitch::map_size;
use fsr::tiles::{TilePlan, Tiling};

use crate::dataset;

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
