//! Features of the visitor's good images and of altered copies, computed a few tiles at a time.

use std::{collections::VecDeque, rc::Rc};

use fsr::{
    alter::{altered, variants},
    feature_cache::{FeatureCache, TapShapes, taps_length, taps_to_host},
    image::{RgbImage, decode},
    model::Fsr,
    tiles::{TILES_AT_ONCE, TilePlan, Tiling},
};
use wasm_bindgen::JsValue;

use fsr_web::{
    address::SampleSpec,
    protocol::{Failure, GoodImage, Matter},
};

use crate::{files::local, sample, train::Trouble};

/// Memory that features may take, bytes: well within what a tab can have.
const MOST_BYTES: usize = 1 << 30;

/// Features of images, of all tiles of each.
pub struct Kept {
    /// Tile after tile.
    pub cache: FeatureCache,
    /// How each image was cut.
    pub plans: Vec<TilePlan>,
}

impl Kept {
    fn new(shapes: TapShapes) -> Self {
        Self {
            cache: FeatureCache::new(shapes),
            plans: Vec::new(),
        }
    }

    /// Place of an image's first tile.
    pub fn first(&self, image: usize) -> usize {
        self.plans.iter().take(image).map(TilePlan::count).sum()
    }
}

/// A good image that has not been read yet.
enum Unread {
    File(String, JsValue),
    Sample(SampleSpec),
}

/// A good image that was read, and how many altered copies were made of it.
struct Original {
    matter: Matter,
    image: Rc<RgbImage>,
    copies: usize,
}

/// An image, or an altered copy of one, some of whose tiles are done.
struct Pending {
    image: Rc<RgbImage>,
    plan: TilePlan,
    done: usize,
    altered: bool,
}

/// What is to be read, what is at hand, and what is done.
pub struct GoodFeatures {
    images: usize,
    tiling: Option<Tiling>,
    shapes: TapShapes,
    unread: VecDeque<Unread>,
    original: Option<Original>,
    pending: Option<Pending>,
    /// Of the images.
    pub good: Kept,
    /// Of their altered copies.
    pub altered: Kept,
}

impl GoodFeatures {
    /// For images in this order; the files among them are attached.
    pub fn new(
        images: Vec<GoodImage>,
        attached: Vec<JsValue>,
        tiling: Option<Tiling>,
        shapes: TapShapes,
    ) -> Self {
        let mut files = attached.into_iter();
        let unread: VecDeque<Unread> = images
            .into_iter()
            .map(|image| match image {
                GoodImage::File { name } => {
                    Unread::File(name, files.next().unwrap_or(JsValue::UNDEFINED))
                }
                GoodImage::Sample { sample } => Unread::Sample(sample),
            })
            .collect();
        Self {
            images: unread.len(),
            tiling,
            shapes,
            unread,
            original: None,
            pending: None,
            good: Kept::new(shapes),
            altered: Kept::new(shapes),
        }
    }

    /// Images and copies done, and in all.
    pub fn progress(&self) -> (usize, usize) {
        (
            self.good.plans.len() + self.altered.plans.len(),
            self.images * (1 + variants(self.images)),
        )
    }

    /// Computes the features of an image, or of a few of its tiles.
    ///
    /// # Errors
    /// An image that cannot be read or has too many tiles; a device that fails.
    pub async fn advance(&mut self, model: &Fsr) -> Result<(), Trouble> {
        if self.pending.is_none() {
            self.pending = self.next().await.map_err(Trouble::Given)?;
        }
        let Some(pending) = &mut self.pending else {
            return Ok(());
        };
        let side = model.config.image_size;
        let end = (pending.done + TILES_AT_ONCE).min(pending.plan.count());
        let inputs: Vec<RgbImage> = (pending.done..end)
            .map(|tile| pending.plan.input(&pending.image, tile, side))
            .collect();
        pending.done = end;
        let taps = taps_to_host(model.taps(&inputs)).await?;
        let kept = if pending.altered {
            &mut self.altered
        } else {
            &mut self.good
        };
        taps.into_iter().for_each(|taps| kept.cache.push(taps));
        if let Some(whole) = self.pending.take_if(|it| it.done == it.plan.count()) {
            kept.plans.push(whole.plan);
        }
        let (done, total) = self.progress();
        if done == total {
            self.original = None;
        }
        Ok(())
    }

    /// The next altered copy of the image at hand, else the next image.
    async fn next(&mut self) -> Result<Option<Pending>, Failure> {
        let copies = variants(self.images);
        if let Some(original) = self.original.as_mut().filter(|it| it.copies < copies) {
            let image = altered(&original.image, original.copies);
            original.copies += 1;
            // A little smaller than the image, so of no more tiles.
            let plan = TilePlan::new(self.tiling, image.width(), image.height())
                .map_err(|error| Failure::about(original.matter.clone(), error))?;
            return Ok(Some(Pending {
                image: Rc::new(image),
                plan,
                done: 0,
                altered: true,
            }));
        }
        let Some(unread) = self.unread.pop_front() else {
            self.original = None;
            return Ok(None);
        };
        let (matter, image) = read(unread).await?;
        let plan = TilePlan::new(self.tiling, image.width(), image.height())
            .map_err(|error| Failure::about(matter.clone(), error))?;
        self.check_memory(&plan, copies)?;
        let image = Rc::new(image);
        self.original = Some(Original {
            matter,
            image: image.clone(),
            copies: 0,
        });
        Ok(Some(Pending {
            image,
            plan,
            done: 0,
            altered: false,
        }))
    }

    /// Refuses images of so many tiles that the features of all would not find room.
    fn check_memory(&self, plan: &TilePlan, copies: usize) -> Result<(), Failure> {
        // Two bytes a value.
        let image = 2 * taps_length(&self.shapes) * plan.count();
        let needed = image * self.images * (1 + copies);
        if plan.is_whole() || needed <= MOST_BYTES {
            return Ok(());
        }
        Err(Failure::TileMemory {
            images: self.images,
            tiles: plan.count(),
            megabytes: needed / 1_000_000,
        })
    }
}

/// A good image, and what it is called.
async fn read(unread: Unread) -> Result<(Matter, RgbImage), Failure> {
    match unread {
        Unread::File(name, file) => {
            let matter = Matter::File(name);
            let bytes = local(&matter, &file).await?;
            match decode(&bytes) {
                Ok(image) => Ok((matter, image)),
                Err(error) => Err(Failure::about(matter, error)),
            }
        }
        Unread::Sample(spec) => {
            let image = sample::make(&spec, sample::SIDE)?.image;
            Ok((Matter::Sample(spec), image))
        }
    }
}
