//! What a data set holds: counts, sizes, and with a look at every pixel what is wrong.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;

use super::finding::Finding;
use crate::dataset::{self, Category, DataSet, DatasetError, Layout, Size, manifest};
use crate::progress::Progress;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Names and headers of files.
    Headers,
    /// Every pixel of every image and mask, and hashes of the files.
    Pixels,
}

/// What a data set holds.
#[derive(Debug, Serialize)]
pub struct Survey {
    /// Its folder.
    pub root: PathBuf,
    /// Its layout.
    pub layout: Layout,
    /// What each category holds.
    pub categories: BTreeMap<String, Holdings>,
    /// What is wrong; empty when nothing is.
    pub findings: Vec<Finding>,
}

/// What one category holds.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Good images to train on.
    pub train: usize,
    /// Images to judge, by defect; `good` are the good ones.
    pub test: BTreeMap<String, usize>,
    /// Defective images that have a mask.
    pub masks: usize,
    /// Defective images that have none.
    pub without_mask: usize,
    /// Images of each size, as "width×height".
    pub sizes: BTreeMap<String, usize>,
}

/// Looks at some categories of a data set.
///
/// # Errors
/// When a split file cannot be read; what is wrong with images and folders is in the survey.
pub fn survey(data: &DataSet, names: &[String], depth: Depth) -> Result<Survey> {
    let mut survey = Survey {
        root: data.root().into(),
        layout: data.layout(),
        categories: BTreeMap::new(),
        findings: Vec::new(),
    };
    for name in names {
        let listing = data.list(name)?;
        let mut findings: Vec<Finding> = listing
            .train_faults
            .into_iter()
            .chain(listing.test_faults)
            .map(|fault| Finding::of(name, fault))
            .collect();
        findings.extend(
            listing
                .stray_masks
                .iter()
                .map(|mask| Finding::stray_mask(name, mask)),
        );
        let category = listing.category;
        let seen = look_at_all(&category, depth);
        let mut holdings = Holdings::of(&category);
        for one in &seen {
            match &one.size {
                Ok(size) => {
                    let size = format!("{}×{}", size.0, size.1);
                    *holdings.sizes.entry(size).or_default() += 1;
                }
                Err(_) => continue,
            }
        }
        findings.extend(duplicates(&category, &seen));
        for one in seen {
            findings.extend(one.size.err().map(|error| Finding::of(name, error)));
            findings.extend(one.mask_fault);
        }
        survey.findings.extend(findings);
        survey.categories.insert(name.clone(), holdings);
    }
    Ok(survey)
}

impl Holdings {
    fn of(category: &Category) -> Self {
        let mut holdings = Self {
            train: category.train.len(),
            ..Self::default()
        };
        for one in &category.test {
            let kind = one.defect.clone().unwrap_or_else(|| "good".into());
            *holdings.test.entry(kind).or_default() += 1;
            if one.mask.is_some() {
                holdings.masks += 1;
            } else if one.defect.is_some() {
                holdings.without_mask += 1;
            }
        }
        holdings
    }
}

/// One image, looked at.
struct Seen {
    size: Result<Size, DatasetError>,
    sha256: Option<String>,
    mask_fault: Option<Finding>,
}

/// Looks at the images to train on, then at those to judge, in the category's order.
fn look_at_all(category: &Category, depth: Depth) -> Vec<Seen> {
    let train = category.train.iter().map(|path| (path, None));
    let test = category
        .test
        .iter()
        .map(|one| (&one.path, one.mask.as_deref()));
    let images: Vec<(&PathBuf, Option<&Path>)> = train.chain(test).collect();
    let mut progress = Progress::new(&category.name, images.len(), "images");
    let mut seen = Vec::with_capacity(images.len());
    // In portions, so that progress shows; nothing decoded is kept.
    for portion in images.chunks(64) {
        let looked: Vec<Seen> = portion
            .par_iter()
            .map(|(path, mask)| look(&category.name, path, *mask, depth))
            .collect();
        seen.extend(looked);
        progress.advance(portion.len());
    }
    seen
}

fn look(category: &str, path: &Path, mask: Option<&Path>, depth: Depth) -> Seen {
    if depth == Depth::Headers {
        return Seen {
            size: dataset::header(path),
            sha256: None,
            mask_fault: None,
        };
    }
    let size = dataset::image(path).map(|image| Size(image.width(), image.height()));
    let mask_fault = match (&size, mask) {
        (Ok(size), Some(mask)) => match dataset::mask(mask, path, (size.0, size.1)) {
            Ok(drawn) if drawn.as_raw().iter().all(|&value| value == 0) => {
                Some(Finding::empty_mask(category, mask, path))
            }
            Ok(_) => None,
            Err(error) => Some(Finding::of(category, error)),
        },
        _ => None,
    };
    Seen {
        sha256: size
            .is_ok()
            .then(|| manifest::file_sha256(path).ok())
            .flatten(),
        size,
        mask_fault,
    }
}

/// Equal files where they must not be.
fn duplicates(category: &Category, seen: &[Seen]) -> Vec<Finding> {
    let (train, test) = seen.split_at(category.train.len());
    let hash = |one: &Seen| one.sha256.clone();
    let mut trained: HashMap<String, &Path> = HashMap::new();
    for (path, one) in category.train.iter().zip(train) {
        if let Some(hash) = hash(one) {
            trained.entry(hash).or_insert(path);
        }
    }
    let mut good: HashMap<String, &Path> = HashMap::new();
    for (image, one) in category.test.iter().zip(test) {
        if let (None, Some(hash)) = (&image.defect, hash(one)) {
            good.entry(hash).or_insert(&image.path);
        }
    }
    let mut findings = Vec::new();
    for (image, one) in category.test.iter().zip(test) {
        let Some(hash) = hash(one) else { continue };
        if let Some(train) = trained.get(&hash) {
            findings.push(Finding::duplicate(&category.name, train, &image.path));
        } else if let (Some(_), Some(good)) = (&image.defect, good.get(&hash)) {
            findings.push(Finding::conflict(&category.name, good, &image.path));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::finding::Kind;
    use super::*;
    use std::fs;

    /// A data set in which every sort of fault occurs once, and the healthy one that it was made from.
    fn data(faulty: bool) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, grey: u8, (width, height)| {
            let path = root.path().join("nut").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::GrayImage::from_pixel(width, height, image::Luma([grey]))
                .save(path)
                .unwrap();
        };
        for index in 0..3 {
            put(&format!("train/good/{index}.png"), index, (8, 6));
        }
        put("test/good/0.png", 100, (8, 6));
        for (index, defect) in ["crack", "crack", "dent"].iter().enumerate() {
            put(
                &format!("test/{defect}/{index}.png"),
                110 + index as u8,
                (8, 6),
            );
            put(
                &format!("ground_truth/{defect}/{index}_mask.png"),
                255,
                (8, 6),
            );
        }
        if faulty {
            let path = |name: &str| root.path().join("nut").join(name);
            fs::write(path("train/good/3.png"), b"").unwrap();
            let whole = fs::read(path("train/good/1.png")).unwrap();
            fs::write(path("train/good/4.png"), &whole[..whole.len() / 2]).unwrap();
            fs::copy(path("train/good/0.png"), path("test/good/1.png")).unwrap();
            fs::copy(path("test/good/0.png"), path("test/dent/9.png")).unwrap();
            put("ground_truth/dent/9_mask.png", 0, (8, 6));
            put("ground_truth/crack/0_mask.png", 255, (6, 8));
            fs::remove_file(path("ground_truth/crack/1_mask.png")).unwrap();
            put("ground_truth/dent/77.png", 255, (8, 6));
            fs::create_dir_all(path("test/scratch")).unwrap();
        }
        root
    }

    fn look_at(root: &Path, depth: Depth) -> Survey {
        let data = DataSet::open(root, None).unwrap();
        survey(&data, &["nut".into()], depth).unwrap()
    }

    #[test]
    fn a_healthy_data_set_is_counted_and_nothing_is_found() {
        let root = data(false);
        for depth in [Depth::Headers, Depth::Pixels] {
            let survey = look_at(root.path(), depth);
            assert_eq!(survey.findings, []);
            let counts = [("crack", 2), ("dent", 1), ("good", 1)];
            let expected = Holdings {
                train: 3,
                test: counts.map(|(kind, count)| (kind.into(), count)).into(),
                masks: 3,
                without_mask: 0,
                sizes: [("8×6".into(), 7)].into(),
            };
            assert_eq!(survey.categories["nut"], expected);
        }
    }

    #[test]
    fn every_sort_of_fault_is_found_once_and_named() {
        let root = data(true);
        let findings = look_at(root.path(), Depth::Pixels).findings;
        let mut found: Vec<(Kind, String)> = findings
            .iter()
            .map(|one| {
                let file = one.file.strip_prefix(root.path().join("nut")).unwrap();
                assert!(!one.message.contains('\n'));
                assert!(
                    one.message.contains(&one.file.display().to_string()),
                    "{}",
                    one.message
                );
                (one.kind, file.display().to_string())
            })
            .collect();
        found.sort();
        let expected = [
            (Kind::Missing, "test/scratch"),
            (Kind::Unreadable, "train/good/3.png"),
            (Kind::Unreadable, "train/good/4.png"),
            (Kind::MaskMissing, "test/crack/1.png"),
            (Kind::MaskSize, "ground_truth/crack/0_mask.png"),
            (Kind::MaskEmpty, "ground_truth/dent/9_mask.png"),
            (Kind::MaskStray, "ground_truth/dent/77.png"),
            (Kind::TrainTestDuplicate, "test/good/1.png"),
            (Kind::LabelConflict, "test/dent/9.png"),
        ];
        assert_eq!(found, expected.map(|(kind, file)| (kind, file.to_string())));
    }
}
