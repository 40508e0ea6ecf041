//! Generated products: photographs of things that do not exist, whole and damaged.
//!
//! Four textures and four objects, drawn from a seed with material, light, pose
//! jitter and camera noise, and for each a set of defects with exact masks: damage
//! (scratches, chips, stains), and *logical* defects, where every part is sound but
//! one is missing, swapped or turned.
//!
//! A sample is a function of (product, defect, seed, size) to the bit, natively and in
//! WebAssembly: the generators use `+ - * /`, square roots, floors and `libm`, all of
//! which are the same everywhere. The damaged sample of a seed shows the same scene
//! as the good sample of that seed.

mod blister;
mod bottle;
mod brushed_metal;
mod camera;
mod carpet;
mod ceramic_tile;
mod circuit_board;
mod circuit_parts;
mod circuit_tracks;
mod defect_shapes;
mod draw;
mod hex_nut;
mod lettering;
mod light;
mod material;
mod noise;
mod plane;
mod stage;
mod wood;

use image::{GrayImage, RgbImage};

use draw::{Draw, Fnv};
pub use stage::THRESHOLD;
use stage::{Scene, difference, expose, expose_damaged};

/// The smallest and largest side of a sample, in pixels.
pub const SIZES: core::ops::RangeInclusive<u32> = 64..=1024;

/// A product that can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// Two-tone woven carpet (texture).
    Carpet,
    /// Oak board (texture).
    Wood,
    /// Brushed steel sheet (texture).
    BrushedMetal,
    /// Wall of patterned glazed tiles (texture).
    CeramicTile,
    /// Flanged hexagon nut on a belt (object).
    HexNut,
    /// Blister pack of ten capsules (object).
    Blister,
    /// Small circuit board (object).
    CircuitBoard,
    /// Glass bottle seen from above (object).
    Bottle,
}

/// One generated photograph.
#[derive(Clone, Debug)]
pub struct Sample {
    /// 8-bit sRGB, square.
    pub image: RgbImage,
    /// 255 where the defect shows, else 0; all 0 for a good sample.
    pub mask: GrayImage,
    /// The defect shown; `None` for a good sample.
    pub defect: Option<&'static str>,
}

/// Why a sample cannot be generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// The name is none of [`Product::ALL`].
    #[error("no product is called '{name}'; there are {}", names(&Product::ALL.map(Product::name)))]
    UnknownProduct {
        /// The name asked for.
        name: String,
    },
    /// The product has no such defect.
    #[error("{} has no defect '{defect}'; it has {}", product.name(), names(product.defects()))]
    UnknownDefect {
        /// The product asked for.
        product: Product,
        /// The defect asked for.
        defect: String,
    },
    /// The side is outside [`SIZES`].
    #[error("a sample is {} to {} pixels a side, not {size}", SIZES.start(), SIZES.end())]
    Size {
        /// The side asked for.
        size: u32,
    },
}

fn names(names: &[&str]) -> String {
    names.join(", ")
}

impl Product {
    /// Every product: four textures, then four objects.
    pub const ALL: [Self; 8] = [
        Self::Carpet,
        Self::Wood,
        Self::BrushedMetal,
        Self::CeramicTile,
        Self::HexNut,
        Self::Blister,
        Self::CircuitBoard,
        Self::Bottle,
    ];

    /// The name used for folders, seeds and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Carpet => "carpet",
            Self::Wood => "wood",
            Self::BrushedMetal => "brushed_metal",
            Self::CeramicTile => "ceramic_tile",
            Self::HexNut => "hex_nut",
            Self::Blister => "blister",
            Self::CircuitBoard => "circuit_board",
            Self::Bottle => "bottle",
        }
    }

    /// The name to show to people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Carpet => "Woven carpet",
            Self::Wood => "Oak board",
            Self::BrushedMetal => "Brushed metal",
            Self::CeramicTile => "Ceramic tiles",
            Self::HexNut => "Hexagon nut",
            Self::Blister => "Pill blister",
            Self::CircuitBoard => "Circuit board",
            Self::Bottle => "Glass bottle",
        }
    }

    /// The product called `name`.
    ///
    /// # Errors
    /// [`ProductError::UnknownProduct`], which lists the known ones.
    pub fn from_name(name: &str) -> Result<Self, ProductError> {
        Self::ALL
            .into_iter()
            .find(|product| product.name() == name)
            .ok_or_else(|| ProductError::UnknownProduct {
                name: name.to_owned(),
            })
    }

    /// The defects it can have, by name.
    pub const fn defects(self) -> &'static [&'static str] {
        match self {
            Self::Carpet => carpet::DEFECTS,
            Self::Wood => wood::DEFECTS,
            Self::BrushedMetal => brushed_metal::DEFECTS,
            Self::CeramicTile => ceramic_tile::DEFECTS,
            Self::HexNut => hex_nut::DEFECTS,
            Self::Blister => blister::DEFECTS,
            Self::CircuitBoard => circuit_board::DEFECTS,
            Self::Bottle => bottle::DEFECTS,
        }
    }
}

/// The sample of `product` for `seed`, `size`×`size` pixels, whole or with one defect.
///
/// # Errors
/// [`ProductError::UnknownDefect`] and [`ProductError::Size`].
pub fn generate(
    product: Product,
    defect: Option<&str>,
    seed: u64,
    size: u32,
) -> Result<Sample, ProductError> {
    if !SIZES.contains(&size) {
        return Err(ProductError::Size { size });
    }
    let defect = match defect {
        None => None,
        Some(name) => Some(
            product
                .defects()
                .iter()
                .copied()
                .find(|known| *known == name)
                .ok_or_else(|| ProductError::UnknownDefect {
                    product,
                    defect: name.to_owned(),
                })?,
        ),
    };
    let request = Request {
        product,
        defect,
        seed,
        size,
    };
    Ok(match product {
        Product::Carpet => request.photograph(carpet::Carpet::new),
        Product::Wood => request.photograph(wood::Wood::new),
        Product::BrushedMetal => request.photograph(brushed_metal::BrushedMetal::new),
        Product::CeramicTile => request.photograph(ceramic_tile::CeramicTile::new),
        Product::HexNut => request.photograph(hex_nut::HexNut::new),
        Product::Blister => request.photograph(blister::Blister::new),
        Product::CircuitBoard => request.photograph(circuit_board::CircuitBoard::new),
        Product::Bottle => request.photograph(bottle::Bottle::new),
    })
}

/// One number for a sample's pixels and mask, to compare two machines: FNV-1a over the
/// RGB bytes, then the mask's.
pub fn fingerprint(sample: &Sample) -> u64 {
    let mut hash = Fnv::default();
    hash.write(sample.image.as_raw());
    hash.write(sample.mask.as_raw());
    hash.0
}

struct Request {
    product: Product,
    defect: Option<&'static str>,
    seed: u64,
    size: u32,
}

impl Request {
    /// `scene` builds the product from its own draws and, for a defect, the defect's draws.
    fn photograph<S: Scene>(
        &self,
        scene: impl Fn(&mut Draw, Option<(&str, &mut Draw)>) -> S,
    ) -> Sample {
        let name = self.product.name();
        let good = expose(
            &scene(&mut Draw::new(name, "scene", self.seed), None),
            self.size,
        );
        let Some(defect) = self.defect else {
            return Sample {
                mask: GrayImage::new(self.size, self.size),
                image: good.image,
                defect: None,
            };
        };
        let mut damage = Draw::new(name, defect, self.seed);
        let mut stage = Draw::new(name, "scene", self.seed);
        let damaged = expose_damaged(&scene(&mut stage, Some((defect, &mut damage))), &good);
        Sample {
            mask: difference(&good, &damaged),
            image: damaged.image,
            defect: Some(defect),
        }
    }
}
