//! Which images train and which calibrate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fsr::alter::{altered, variants};
use fsr::calibration::CalibrationSource;
use fsr::tiles::Tiling;
use image::RgbImage;

use super::TrainArgs;
use super::augment::{self, Augmentation};
use crate::calibrate::{check_rate, split};
use crate::dataset::{self, DataSet, Part, shots};
use crate::tiling;

/// The images of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// To train on, category after category.
    pub train: Vec<PathBuf>,
    /// The copies of each that are trained on beside it.
    pub augmentations: Vec<Augmentation>,
    /// To calibrate on.
    pub calibration: Vec<CalibrationImage>,
    /// Where the calibration images come from.
    pub source: CalibrationSource,
    /// Names of the training files of each category, for the record.
    pub files: BTreeMap<String, Vec<String>>,
}

impl Selection {
    /// The category of each calibration image.
    pub fn calibration_categories(&self) -> Vec<&str> {
        self.calibration
            .iter()
            .map(|image| image.category.as_str())
            .collect()
    }
}

/// A good image, perhaps altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibrationImage {
    /// Its category.
    pub category: String,
    key: ImageKey,
}

/// What the network sees: a file, and how it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageKey {
    /// The file.
    pub path: PathBuf,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of an image before the network sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing.
    None,
    /// One of the slight alterations that stand for fresh images, see [`fsr::alter`].
    Slight(usize),
    /// Shot augmentation.
    Augmented(Augmentation),
}

impl ImageKey {
    /// A file as it is.
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            change: Change::None,
        }
    }
}

/// Decodes and changes an image.
///
/// # Errors
/// When the file is not readable.
pub fn load(key: &ImageKey) -> Result<RgbImage> {
    let image = dataset::image(&key.path)?;
    Ok(match key.change {
        Change::None => image,
        Change::Slight(variant) => altered(&image, variant),
        Change::Augmented(augmentation) => augmentation.apply(&image),
    })
}

/// Numbers of tiles; of images, where they are not cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileCounts {
    /// To train on.
    pub train: usize,
    /// To calibrate on, about: an altered image may have a row less.
    pub calibration: usize,
}

impl Selection {
    /// Counts tiles by the images' headers.
    ///
    /// # Errors
    /// For an image that is none, or has too many tiles.
    pub fn tiles(&self, tiling: Option<Tiling>) -> Result<TileCounts> {
        let calibration = self
            .calibration
            .iter()
            .map(|image| image.key.path.as_path());
        let train = tiling::count(tiling, self.train.iter().map(PathBuf::as_path))?;
        Ok(TileCounts {
            train: train * self.copies(),
            calibration: tiling::count(tiling, calibration)?,
        })
    }

    /// The training images: each, and after it its augmented copies.
    pub fn train_keys(&self) -> Vec<ImageKey> {
        let augmented = self.augmentations.iter().copied().map(Change::Augmented);
        let changes: Vec<Change> = std::iter::once(Change::None).chain(augmented).collect();
        let copies = self.train.iter().flat_map(|path| {
            changes.iter().map(|&change| ImageKey {
                path: path.clone(),
                change,
            })
        });
        copies.collect()
    }

    /// How many of [`Self::train_keys`] one image makes.
    pub fn copies(&self) -> usize {
        1 + self.augmentations.len()
    }

    /// The calibration images.
    pub fn calibration_keys(&self) -> Vec<ImageKey> {
        self.calibration
            .iter()
            .map(|image| image.key.clone())
            .collect()
    }
}

/// At most `most` of the numbers below `count`, at even distances: every category of a list has its share.
pub fn spread(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken).map(|place| place * count / taken).collect()
}

/// Lists the images that the arguments ask for.
///
/// # Errors
/// For categories that are missing or hold fewer images than `--shots`.
pub fn select(args: &TrainArgs) -> Result<Selection> {
    let data = args.data.open()?;
    let mut selection = Selection {
        train: Vec::new(),
        augmentations: augment::alterations(&args.augment),
        calibration: Vec::new(),
        source: CalibrationSource::HeldOut,
        files: BTreeMap::new(),
    };
    for name in data.categories(&args.data.categories, Part::Train)? {
        let all = data.scan(&name, Part::Train)?.train;
        let (train, held_out) = match args.shots {
            Some(count) => {
                let drawn =
                    shots::draw(all.len(), count as usize, args.shots_seed).with_context(|| {
                        format!(
                            "--shots {count}: category '{name}' has only {} images in train/good",
                            all.len()
                        )
                    })?;
                (drawn, Vec::new())
            }
            None => {
                let split = split(all.len());
                (split.train, split.held_out)
            }
        };
        if held_out.is_empty() {
            selection.source = CalibrationSource::AlteredTraining;
            let variants = variants(train.len());
            selection
                .calibration
                .extend(train.iter().flat_map(|&index| {
                    let (category, path) = (&name, &all[index]);
                    (0..variants).map(|variant| CalibrationImage {
                        category: category.clone(),
                        key: ImageKey {
                            path: path.clone(),
                            change: Change::Slight(variant),
                        },
                    })
                }));
        }
        selection
            .calibration
            .extend(held_out.iter().map(|&index| CalibrationImage {
                category: name.clone(),
                key: ImageKey::of(&all[index]),
            }));
        let names = train.iter().map(|&index| {
            all[index]
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        });
        selection.files.insert(name, names.collect());
        selection
            .train
            .extend(train.iter().map(|&index| all[index].clone()));
    }
    check_rate(
        args.false_alarm_rate,
        selection.calibration.iter().map(|image| &*image.category),
    )?;
    Ok(selection)
}

/// About how many tiles, or whole images, runs on some categories will need features of: those of all images, of
/// the altered ones that few shots are calibrated on, and of `augmented` more of each shot.
///
/// # Errors
/// When a category cannot be listed, or an image has too many tiles.
pub fn tile_count(
    data: &DataSet,
    categories: &[String],
    tiling: Option<Tiling>,
    augmented: usize,
) -> Result<usize> {
    let mut count = 0;
    for name in categories {
        let train = data.scan(name, Part::Train)?.train;
        let test = data.scan(name, Part::Test)?.test;
        let tiles = tiling::count(tiling, train.iter().map(PathBuf::as_path))?;
        let each = tiles.div_ceil(train.len().max(1));
        count += tiles + 8 * (variants(1) + augmented) * each;
        count += tiling::count(tiling, test.iter().map(|test| test.path.as_path()))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::augment::Augment;

    #[test]
    fn copies_of_an_image_follow_it() {
        let selection = Selection {
            train: vec!["a.png".into(), "b.png".into()],
            augmentations: augment::alterations(&[Augment::QuarterTurns]),
            calibration: Vec::new(),
            source: CalibrationSource::HeldOut,
            files: BTreeMap::new(),
        };
        let keys = selection.train_keys();
        assert_eq!((keys.len(), selection.copies()), (8, 4));
        let (first, second) = keys.split_at(4);
        assert!(first.iter().all(|key| key.path == selection.train[0]));
        assert!(second.iter().all(|key| key.path == selection.train[1]));
        assert_eq!(second[0], ImageKey::of(&selection.train[1]));
        assert!(second[1..].iter().all(|key| key.change != Change::None));
    }

    #[test]
    fn images_are_taken_from_the_whole_list_once_each() {
        assert_eq!(spread(0, 3), Vec::<usize>::new());
        assert_eq!(spread(3, 3), [0, 1, 2]);
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        for count in 1..600 {
            let places = spread(count, 256);
            assert_eq!(places.len(), count.min(256));
            assert!(places.is_sorted_by(|a, b| a < b) && places[places.len() - 1] < count);
        }
    }
}
