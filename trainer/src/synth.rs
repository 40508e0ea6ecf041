//! `fsr synth`: generated products as a data set in MVTec layout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use clap::Args;
use fsr::products::{Product, SIZES, generate};
use image::{GrayImage, ImageFormat, RgbImage};
use rayon::prelude::*;
use serde::Serialize;

use crate::progress::{Progress, print_json, say};

/// Seeds of one data set: a million, the upper half for testing.
const PER_SET: u64 = 1_000_000;
const TEST_FROM: u64 = 500_000;
const PER_KIND: u64 = 10_000;

/// Generate a practice data set of drawn products with defects and masks.
///
/// Four textures (carpet, wood, brushed_metal, ceramic_tile) and four objects (hex_nut, blister,
/// circuit_board, bottle), in MVTec layout, so that every other command reads the result:
/// DIR/CATEGORY/train/good, test/good, test/DEFECT and ground_truth/DEFECT. Images and masks
/// depend on --seed, --size and the options' counts alone, on every machine.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
                  \x20 fsr synth --out data                                 all categories, 256 px\n\
                  \x20 fsr synth --out data --category bottle --train 8     eight good bottles to train on\n\
                  \x20 fsr synth --out fresh --seed 1 --train 0             another test set")]
pub struct SynthArgs {
    /// Folder to write to; created if need be. A category already in it is not touched.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Product to generate; repeat it for several. Without it, all of them.
    #[arg(long = "category", value_name = "NAME")]
    pub categories: Vec<String>,

    /// Good images to train on, for each category.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=TEST_FROM))]
    pub train: u64,

    /// Test images of each kind: so many good ones, and so many with each defect.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=PER_KIND))]
    pub test: u64,

    /// Which data set: other seeds share no image, and no training image is a test image.
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=9_000_000_000))]
    pub seed: u64,

    /// Side of the images in pixels, 64 to 1024.
    #[arg(
        long, value_name = "PX", default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(*SIZES.start() as i64..=*SIZES.end() as i64)
    )]
    pub size: u32,

    /// Print what was written as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// One image to make.
struct Job {
    /// Folder below the category, `train/good` say.
    split: String,
    defect: Option<&'static str>,
    index: u64,
    seed: u64,
}

#[derive(Serialize)]
struct Written {
    category: &'static str,
    defects: &'static [&'static str],
    train: u64,
    test: u64,
}

/// Runs the command.
///
/// # Errors
/// An unknown category, a category that is there already, or a file that cannot be written. A
/// category appears complete or not at all.
pub fn run(args: &SynthArgs) -> Result<()> {
    let products = wanted(&args.categories)?;
    for product in &products {
        let folder = args.out.join(product.name());
        if folder.exists() {
            bail!(
                "{} is already there; remove it or give another --out",
                folder.display()
            );
        }
    }
    let plans: Vec<(Product, Vec<Job>)> = products
        .iter()
        .map(|product| (*product, jobs(*product, args)))
        .collect();
    let total = plans.iter().map(|(_, jobs)| jobs.len()).sum();
    let progress = Mutex::new(Progress::new("generating", total, "images"));
    for (product, jobs) in &plans {
        write_category(*product, jobs, args, || {
            if let Ok(mut progress) = progress.lock() {
                progress.advance(1);
            }
        })?;
    }
    drop(progress);
    let written: Vec<Written> = plans
        .iter()
        .map(|(product, jobs)| Written {
            category: product.name(),
            defects: product.defects(),
            train: args.train,
            test: jobs.len() as u64 - args.train,
        })
        .collect();
    if args.json {
        print_json(&written)
    } else {
        say(format!(
            "{total} images of {} categories in {}",
            written.len(),
            args.out.display()
        ));
        Ok(())
    }
}

/// The products asked for, each once, in the order of [`Product::ALL`].
fn wanted(names: &[String]) -> Result<Vec<Product>> {
    if names.is_empty() || names.iter().any(|name| name == "all") {
        return Ok(Product::ALL.to_vec());
    }
    let asked = names
        .iter()
        .map(|name| Product::from_name(name))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Product::ALL
        .into_iter()
        .filter(|product| asked.contains(product))
        .collect())
}

/// Everything to draw of one product. Seeds: a million to a set; training from 0, test/good from
/// 500 000, the k-th defect from 500 000 + 10 000 (k + 1).
fn jobs(product: Product, args: &SynthArgs) -> Vec<Job> {
    let base = args.seed * PER_SET;
    let run = |split: String, defect: Option<&'static str>, from: u64, count: u64| {
        (0..count).map(move |index| Job {
            split: split.clone(),
            defect,
            index,
            seed: base + from + index,
        })
    };
    let mut jobs: Vec<Job> = run("train/good".into(), None, 0, args.train).collect();
    jobs.extend(run("test/good".into(), None, TEST_FROM, args.test));
    for (k, defect) in product.defects().iter().enumerate() {
        let from = TEST_FROM + PER_KIND * (k as u64 + 1);
        jobs.extend(run(format!("test/{defect}"), Some(defect), from, args.test));
    }
    jobs
}

fn write_category(
    product: Product,
    jobs: &[Job],
    args: &SynthArgs,
    done: impl Fn() + Sync,
) -> Result<()> {
    let target = args.out.join(product.name());
    let partial = args.out.join(format!(".{}.partial", product.name()));
    if partial.exists() {
        fs::remove_dir_all(&partial)
            .with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    // The two folders every reader expects, even when empty.
    for split in ["train/good", "test/good"]
        .into_iter()
        .chain(jobs.iter().map(|job| job.split.as_str()))
    {
        make_folder(&partial.join(split))?;
    }
    for defect in product.defects() {
        make_folder(&partial.join("ground_truth").join(defect))?;
    }
    jobs.par_iter().try_for_each(|job| -> Result<()> {
        let sample = generate(product, job.defect, job.seed, args.size)?;
        save_image(
            &partial
                .join(&job.split)
                .join(format!("{:03}.png", job.index)),
            &sample.image,
        )?;
        if let Some(defect) = job.defect {
            let folder = partial.join("ground_truth").join(defect);
            save_mask(
                &folder.join(format!("{:03}_mask.png", job.index)),
                &sample.mask,
            )?;
        }
        done();
        Ok(())
    })?;
    fs::rename(&partial, &target)
        .with_context(|| format!("cannot move the finished set to {}", target.display()))
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

fn save_image(path: &Path, image: &RgbImage) -> Result<()> {
    image
        .save_with_format(path, ImageFormat::Png)
        .with_context(|| format!("cannot write {}", path.display()))
}

fn save_mask(path: &Path, mask: &GrayImage) -> Result<()> {
    mask.save_with_format(path, ImageFormat::Png)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    fn args(out: &Path) -> SynthArgs {
        SynthArgs {
            out: out.into(),
            categories: vec!["wood".into()],
            train: 2,
            test: 1,
            seed: 3,
            size: 64,
            json: false,
        }
    }

    #[test]
    fn writes_the_mvtec_layout_and_keeps_what_is_there() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("new/data");
        run(&args(&out)).unwrap();
        let wood = out.join("wood");
        for file in [
            "train/good/000.png",
            "train/good/001.png",
            "test/good/000.png",
        ] {
            assert_eq!(
                image::open(wood.join(file)).unwrap().to_rgb8().dimensions(),
                (64, 64),
                "{file}"
            );
        }
        for defect in Product::Wood.defects() {
            assert!(wood.join("test").join(defect).join("000.png").is_file());
            let mask = image::open(wood.join("ground_truth").join(defect).join("000_mask.png"))
                .unwrap()
                .to_luma8();
            assert!(
                mask.pixels().any(|p| p.0[0] == 255)
                    && mask.pixels().all(|p| [0, 255].contains(&p.0[0]))
            );
        }
        let listed: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(listed, ["wood"]);
        let again = run(&args(&out)).unwrap_err();
        assert!(again.to_string().contains("already there"), "{again}");
    }

    #[test]
    fn no_seed_is_used_twice() {
        let mut options = args(Path::new("unused"));
        (options.train, options.test) = (300, 200);
        let mut seen = HashSet::new();
        for set in [0, 1] {
            options.seed = set;
            for job in jobs(Product::CircuitBoard, &options) {
                assert!(seen.insert(job.seed), "{} {}", job.split, job.seed);
            }
        }
    }

    #[test]
    fn unknown_categories_are_named() {
        let error = wanted(&["wood".into(), "teapot".into()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("teapot") && error.contains("hex_nut"),
            "{error}"
        );
        assert_eq!(wanted(&[]).unwrap().len(), 8);
        assert_eq!(
            wanted(&["bottle".into(), "wood".into(), "bottle".into()]).unwrap(),
            [Product::Wood, Product::Bottle]
        );
    }
}
