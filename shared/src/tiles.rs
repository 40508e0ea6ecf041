//! Large images in tiles: where they lie, and what each shows.
//!
//! A network input has a few hundred pixels a side, whatever the image has. A scratch five pixels wide in a photograph
//! of four thousand is gone after that. So a detector may be made for *tiles*: each is resized to the network's input
//! as a whole image is otherwise, and the anomaly maps of all are put together again ([`stitch`]).
//!
//! A tile is as many pixels of the image as its side says, and not a share of the image: the camera of an inspection is
//! fixed, people know how many pixels the smallest defect has, and a picture with other margins, or of a longer part,
//! is then still judged at the scale that was learnt. Tiles of one image are equally large; where the image does not
//! divide evenly they overlap more.

pub mod stitch;

use image::{RgbImage, imageops};
use serde::{Deserialize, Serialize};

use crate::image::MAX_SIDE;
use crate::preprocess::to_input_size;

/// Tiles of one image at most.
pub const MAX_TILES: usize = 1024;

/// Sides that a tile may have, in pixels of the image.
pub const TILE_SIDES: std::ops::RangeInclusive<u32> = MIN_SIDE..=MAX_SIDE;

/// Smallest side of a tile, in pixels of the image.
const MIN_SIDE: u32 = 32;

/// Largest share of a tile that may be its neighbour's too.
pub const MAX_OVERLAP: f32 = 0.5;

/// Share of a tile that its neighbour shows too, unless said otherwise: enough that what lies on one tile's edge, where
/// the network lacks its surroundings, lies well within the next.
pub const DEFAULT_OVERLAP: f32 = 0.25;

/// Tiles that go through the networks together.
pub const TILES_AT_ONCE: usize = 4;

/// How a detector cuts images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tiling {
    /// Side of a tile, pixels of the image.
    pub size: u32,
    /// Least share of a tile that the next one shows too, 0 to [`MAX_OVERLAP`].
    pub overlap: f32,
}

/// Why an image cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TileError {
    /// A side outside [`TILE_SIDES`].
    #[error("tiles of {0} pixels are not possible; they have {MIN_SIDE} to {MAX_SIDE}")]
    Size(u32),
    /// An overlap outside 0 to [`MAX_OVERLAP`].
    #[error(
        "an overlap of {0} is not possible; it lies between 0 and {MAX_OVERLAP}, such as {DEFAULT_OVERLAP}"
    )]
    Overlap(f32),
    /// More than [`MAX_TILES`].
    #[error(
        "an image of {width} × {height} pixels would be cut into {tiles} tiles of {size} pixels, and {MAX_TILES} is \
         the most: make the image smaller, or train a detector with larger tiles"
    )]
    TooMany {
        /// Of the image, pixels.
        width: u32,
        /// Of the image, pixels.
        height: u32,
        /// Side of a tile, pixels.
        size: u32,
        /// How many there would be.
        tiles: u64,
    },
}

impl Tiling {
    /// Tiles of `size` pixels with the usual overlap.
    pub fn of_size(size: u32) -> Self {
        Self {
            size,
            overlap: DEFAULT_OVERLAP,
        }
    }

    /// Checks that images can be cut so.
    ///
    /// # Errors
    /// Names the number and what it may be.
    pub fn validate(&self) -> Result<(), TileError> {
        if !TILE_SIDES.contains(&self.size) {
            return Err(TileError::Size(self.size));
        }
        if !(0.0..=MAX_OVERLAP).contains(&self.overlap) {
            return Err(TileError::Overlap(self.overlap));
        }
        Ok(())
    }

    /// Number of tiles along a side of `length` pixels, at least 1.
    fn count(&self, length: u32) -> u64 {
        if length <= self.size {
            return 1;
        }
        let stride = f64::from(self.size) * (1.0 - f64::from(self.overlap));
        // The small term keeps an even division from having one more.
        (f64::from(length - self.size) / stride - 1e-6).ceil() as u64 + 1
    }
}

/// A part of an image, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Tiles along one side of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The image's side, pixels.
    pub length: u32,
    /// Each tile's, pixels.
    pub side: u32,
    /// Where they begin, ascending; the first at 0, the last where it ends with the image.
    pub starts: Vec<u32>,
}

impl Spread {
    fn whole(length: u32) -> Self {
        Self {
            length,
            side: length,
            starts: vec![0],
        }
    }

    /// `count` tiles as far from each other as they can be.
    fn even(length: u32, side: u32, count: u64) -> Self {
        if count < 2 {
            return Self::whole(length);
        }
        let (room, gaps) = (u64::from(length - side), count - 1);
        Self {
            length,
            side,
            starts: (0..count)
                .map(|at| ((at * room + gaps / 2) / gaps) as u32)
                .collect(),
        }
    }
}

/// Where the tiles of one image lie: a grid, read row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TilePlan {
    /// From left to right.
    pub columns: Spread,
    /// From top to bottom.
    pub rows: Spread,
}

impl TilePlan {
    /// One tile, the whole image.
    pub fn whole(width: u32, height: u32) -> Self {
        Self {
            columns: Spread::whole(width),
            rows: Spread::whole(height),
        }
    }

    /// Tiles of an image of `width` × `height` pixels; without a tiling the whole image is one.
    ///
    /// Along a side that is not longer than a tile there is one tile as long as that side.
    ///
    /// # Errors
    /// When there would be more than [`MAX_TILES`], or the tiling is none.
    pub fn new(tiling: Option<Tiling>, width: u32, height: u32) -> Result<Self, TileError> {
        let Some(tiling) = tiling else {
            return Ok(Self::whole(width, height));
        };
        tiling.validate()?;
        let (across, down) = (tiling.count(width), tiling.count(height));
        let tiles = across.saturating_mul(down);
        if tiles > MAX_TILES as u64 {
            return Err(TileError::TooMany {
                width,
                height,
                size: tiling.size,
                tiles,
            });
        }
        Ok(Self {
            columns: Spread::even(width, tiling.size, across),
            rows: Spread::even(height, tiling.size, down),
        })
    }

    /// Number of tiles.
    pub fn count(&self) -> usize {
        self.columns.starts.len() * self.rows.starts.len()
    }

    /// Whether the whole image is the only tile.
    pub fn is_whole(&self) -> bool {
        self.count() == 1
    }

    /// A tile by its place in reading order, taken modulo their number.
    pub fn tile(&self, index: usize) -> Tile {
        let across = self.columns.starts.len();
        let index = index % self.count();
        Tile {
            x: self.columns.starts[index % across],
            y: self.rows.starts[index / across],
            width: self.columns.side,
            height: self.rows.side,
        }
    }

    /// What the network sees of a tile of `image`: `side` × `side` pixels, resampled from the tile's pixels alone.
    pub fn input(&self, image: &RgbImage, index: usize, side: usize) -> RgbImage {
        if self.is_whole() {
            return to_input_size(image, side);
        }
        let tile = self.tile(index);
        let part = imageops::crop_imm(image, tile.x, tile.y, tile.width, tile.height);
        to_input_size(&part.to_image(), side)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::Rgb;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_pixel_lies_in_a_tile_and_neighbours_share_what_they_should() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..2000 {
            let tiling = Tiling {
                size: rng.random_range(32..600),
                overlap: rng.random_range(0.0..MAX_OVERLAP),
            };
            let (width, height) = (rng.random_range(1..6000), rng.random_range(1..6000));
            let plan = match TilePlan::new(Some(tiling), width, height) {
                Ok(plan) => plan,
                Err(TileError::TooMany { tiles, .. }) => {
                    assert!(tiles > MAX_TILES as u64);
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            for spread in [&plan.columns, &plan.rows] {
                assert_eq!(spread.side, spread.length.min(tiling.size));
                assert_eq!(spread.starts.first(), Some(&0));
                assert_eq!(spread.starts.last(), Some(&(spread.length - spread.side)));
                let least = (tiling.overlap * spread.side as f32).floor() as u32;
                for pair in spread.starts.windows(2) {
                    assert!(pair[0] < pair[1], "{spread:?}");
                    // Starts are rounded to whole pixels.
                    assert!(pair[0] + spread.side + 1 >= pair[1] + least, "{spread:?}");
                }
            }
            let last = plan.tile(plan.count() - 1);
            assert_eq!((last.x + last.width, last.y + last.height), (width, height));
        }
    }

    #[test]
    fn counts_are_as_expected() {
        let count = |size, overlap, width, height| {
            TilePlan::new(Some(Tiling { size, overlap }), width, height).map(|plan| plan.count())
        };
        assert_eq!(count(512, 0.25, 512, 512), Ok(1));
        assert_eq!(count(512, 0.25, 300, 20), Ok(1));
        assert_eq!(count(512, 0.25, 513, 512), Ok(2));
        assert_eq!(count(512, 0.25, 896, 896), Ok(4));
        assert_eq!(count(512, 0.0, 1024, 1024), Ok(4));
        assert_eq!(count(512, 0.25, 4000, 3000), Ok(11 * 8));
        // A strip stays a row of tiles.
        assert_eq!(count(512, 0.25, 16_384, 10), Ok(43));
        assert_eq!(
            TilePlan::new(None, 9000, 9000),
            Ok(TilePlan::whole(9000, 9000))
        );
    }

    #[test]
    fn what_cannot_be_cut_is_refused_with_its_numbers() {
        let error = |size, overlap, width, height| {
            TilePlan::new(Some(Tiling { size, overlap }), width, height)
                .unwrap_err()
                .to_string()
        };
        let text = error(64, 0.25, 4000, 3000);
        assert!(
            text.contains("4000 × 3000") && text.contains("64 pixels") && text.contains("1024")
        );
        assert!(text.contains("larger tiles"));
        assert!(error(8, 0.25, 100, 100).contains("32 to 16384"));
        assert!(error(64, 0.9, 100, 100).contains("0 and 0.5"));
        assert!(error(64, f32::NAN, 100, 100).contains("NaN"));
        assert!(error(32, 0.5, u32::MAX, u32::MAX).contains("tiles"));
    }

    #[test]
    fn an_input_shows_its_tile_alone() {
        let image = RgbImage::from_fn(96, 64, |x, y| {
            let part = 2 * (y / 32) + x / 32;
            Rgb([40 * part as u8, 0, 255])
        });
        let tiling = Tiling {
            size: 32,
            overlap: 0.0,
        };
        let plan = TilePlan::new(Some(tiling), 96, 64).unwrap();
        assert_eq!(plan.count(), 6);
        for index in 0..6 {
            let input = plan.input(&image, index, 64);
            let tile = plan.tile(index);
            let expected = *image.get_pixel(tile.x, tile.y);
            assert_eq!(input, RgbImage::from_pixel(64, 64, expected));
        }
        let whole = TilePlan::whole(96, 64);
        assert_eq!(whole.input(&image, 0, 64), to_input_size(&image, 64));
    }
}
