//! `fsr distill`: teaches the small `lite` backbone to see like a large one, on ordinary images.
//!
//! The student has three taps of its own; a 1×1 head on each predicts the teacher's tap of the same
//! resolution, every channel normalised to zero mean and unit deviation (FitNets, Romero et al. 2015;
//! normalised as in EfficientAD, Batzner et al. 2024). Heads are dropped afterwards; the weight file
//! has torchvision's names and batch norms, so that it loads like any other backbone.

mod augment;
mod state;
mod student;
mod teacher;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fsr::config::{BackboneKind, StridePlacement};
use fsr::optimizer::NamedAdamW;
use fsr::preprocess::images_to_tensor;
use fsr::recipe::{Recipe, Schedule};
use fsr::tensors::parameter_count;
use image::RgbImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::device::{self, DeviceChoice};
use crate::interrupt::{self, Interrupted};
use crate::progress::{Progress, say};

use state::Settings;
use student::Student;
use teacher::Teacher;

/// Train the `lite` backbone (0.85 M parameters, 256 feature channels) on a folder of ordinary images
/// against a teacher's first three stages.
///
/// Example:
///   fsr distill --images photos --images generated --teacher resnet18
///     --teacher-weights resnet18.safetensors --steps 4000 --out lite.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct DistillArgs {
    /// Folder of images, searched through all its subfolders; may be given several times
    #[arg(long = "images", value_name = "DIR", required = true)]
    pub images: Vec<PathBuf>,
    /// Teacher architecture: resnet18, resnet34, resnet50 or wide_resnet50_2
    #[arg(long, default_value = "resnet18", value_name = "NAME")]
    pub teacher: BackboneKind,
    /// Teacher's weights (.safetensors or .pth, torchvision names)
    #[arg(long, value_name = "FILE")]
    pub teacher_weights: PathBuf,
    /// Where the teacher's bottlenecks have their stride: v1 (Keras) or v1.5 (torchvision)
    #[arg(long, default_value = "v1.5", value_name = "V")]
    pub teacher_stride: StridePlacement,
    /// Optimiser steps
    #[arg(long, default_value_t = 4000, value_name = "N")]
    pub steps: usize,
    /// Crops in a step
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub batch: usize,
    /// Side of a crop in pixels, a multiple of 16
    #[arg(long, default_value_t = 128, value_name = "PX")]
    pub crop: u32,
    /// Highest learning rate, on a cosine schedule
    #[arg(long, default_value_t = 2e-3, value_name = "RATE")]
    pub lr: f64,
    /// Seed of weights, order and crops
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Where the weights go (.safetensors); a log with the loss goes beside it (.log.jsonl)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Weights, and beside them in OUT.unfinished all that --resume needs, are written after every this many steps
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub save_every: usize,
    /// Go on with an unfinished distillation of the same settings; on the CPU it ends with the same bits
    #[arg(long)]
    pub resume: bool,
    /// Where to compute: auto, cpu, wgpu, wgpu:N, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
}

/// One line of the log.
#[derive(Debug, Serialize)]
struct LogLine {
    step: usize,
    learning_rate: f64,
    loss: f32,
    /// Mean squared error at each tap, in units of the teacher's channel variance (1 = knows nothing).
    taps: [f32; 3],
    seconds: f64,
}

/// Runs `fsr distill`.
pub fn run(args: &DistillArgs) -> Result<()> {
    if args.teacher == BackboneKind::Lite {
        bail!("--teacher lite makes no sense: choose a larger network, for example resnet18");
    }
    if args.steps == 0 || args.batch == 0 || args.crop < 32 || !args.crop.is_multiple_of(16) {
        bail!("--steps and --batch must be at least 1, --crop a multiple of 16 from 32 up");
    }
    let opened = device::open(args.device)?;
    let device = opened.device;
    let teacher = Teacher::load(
        args.teacher,
        args.teacher_stride,
        &args.teacher_weights,
        &device,
    )?;
    let images = load_images(&args.images, args.crop)?;
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let trained_on = device.clone().autodiff();
    trained_on.seed(args.seed);
    let mut student = Student::new(args.teacher, &trained_on);
    say(format!(
        "{} images, teacher {} on {}, student {} parameters with heads",
        images.len(),
        args.teacher,
        opened.name,
        parameter_count(&student)
    ));

    let scale = teacher.channel_statistics(&images, args.crop, &mut rng)?;
    let schedule = Recipe {
        learning_rate: args.lr,
        schedule: Schedule::Cosine,
        weight_decay: 1e-2,
        beta2: 0.999,
        ..Recipe::official()
    };
    let mut optimizer = NamedAdamW::new(&schedule);
    let settings = Settings::new(args, images.len());
    let (begun, spent) = if args.resume {
        state::restore(&args.out, &settings, &mut student, &mut optimizer, &device)?
    } else if let Some(unfinished) = state::found(&args.out)? {
        bail!(
            "{} holds an unfinished distillation; add --resume to go on, or remove it",
            unfinished.display()
        );
    } else {
        (0, 0.0)
    };
    let mut log = open_log(&args.out.with_extension("log.jsonl"), begun)?;
    interrupt::listen()?;
    let mut progress = Progress::new("distilling", args.steps, "steps");
    let start = Instant::now();

    for step in begun..args.steps {
        let batch = batch_of(&images, step, args);
        let input = images_to_tensor(&batch, &device);
        let targets = scale.normalise(teacher.taps(input.clone()));
        let predictions = student.forward(Tensor::from_inner(input));
        let losses: Vec<Tensor<1>> = predictions
            .into_iter()
            .zip(targets)
            .map(|(prediction, target)| (prediction - Tensor::from_inner(target)).square().mean())
            .collect();
        let taps = Tensor::cat(losses, 0);
        let loss = taps.clone().mean();
        let rate = schedule.rate_at(step, args.steps);
        let gradients = GradientsParams::from_grads(loss.backward(), &student);
        student = optimizer.step(rate, student, gradients);

        let done = step + 1;
        if done % 20 == 0 || done == args.steps {
            let values = taps
                .inner()
                .into_data()
                .try_into_vec::<f32>()
                .context("reading the loss")?;
            let [first, second, third] = values[..] else {
                bail!("the loss has {} parts, not 3", values.len())
            };
            let loss = (first + second + third) / 3.0;
            if !loss.is_finite() {
                bail!("the loss became {loss} at step {done}: lower --lr");
            }
            let line = LogLine {
                step: done,
                learning_rate: rate,
                loss,
                taps: [first, second, third],
                seconds: spent + start.elapsed().as_secs_f64(),
            };
            writeln!(log, "{}", serde_json::to_string(&line)?)?;
            progress.set(done, format!("loss {loss:.3}"));
        }
        let asked = interrupt::asked() && done < args.steps;
        if done % args.save_every.max(1) == 0 || done == args.steps || asked {
            save(&student, args, done)?;
            let seconds = spent + start.elapsed().as_secs_f64();
            state::save(&args.out, &settings, done, seconds, &student, &optimizer)?;
        }
        if asked {
            return Err(Interrupted(format!(
                "{done} of {} steps are done; --resume goes on with them",
                args.steps
            ))
            .into());
        }
    }
    progress.finish();
    while let Some(unfinished) = state::found(&args.out)? {
        fs::remove_dir_all(&unfinished)
            .with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    say(format!("wrote {}", args.out.display()));
    Ok(())
}

/// The log, without the lines after step `begun`, which will be written again.
fn open_log(path: &Path, begun: usize) -> Result<fs::File> {
    let mut kept = String::new();
    if begun > 0 {
        let text = fs::read_to_string(path).unwrap_or_default();
        for line in text.lines() {
            let step = serde_json::from_str::<serde_json::Value>(line)
                .ok()
                .and_then(|line| line["step"].as_u64());
            if step.is_some_and(|step| step as usize <= begun) {
                kept += line;
                kept.push('\n');
            }
        }
    }
    let mut log =
        fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    log.write_all(kept.as_bytes())?;
    Ok(log)
}

/// The crops of a step: a function of the seed and the step alone, so that a run can go on from anywhere.
fn batch_of(images: &[RgbImage], step: usize, args: &DistillArgs) -> Vec<RgbImage> {
    let mut order: (usize, Vec<usize>) = (usize::MAX, Vec::new());
    let picks: Vec<(usize, u64)> = (step * args.batch..(step + 1) * args.batch)
        .map(|place| {
            let epoch = place / images.len();
            if order.0 != epoch {
                order = (epoch, (0..images.len()).collect());
                order.1.shuffle(&mut stream(args.seed, ORDER, epoch));
            }
            (order.1[place % images.len()], place as u64)
        })
        .collect();
    picks
        .into_par_iter()
        .map(|(index, place)| {
            augment::random_crop(
                &images[index],
                args.crop,
                &mut stream(args.seed, CROPS, place as usize),
            )
        })
        .collect()
}

/// What the streams of random numbers of one seed are for.
const ORDER: u64 = 1 << 62;
const CROPS: u64 = 1 << 63;

fn stream(seed: u64, purpose: u64, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose | index as u64);
    rng
}

/// All readable images under the folders, the shorter side at most twice a crop.
fn load_images(folders: &[PathBuf], crop: u32) -> Result<Vec<RgbImage>> {
    let mut paths = Vec::new();
    for folder in folders {
        let before = paths.len();
        collect(folder, &mut paths)
            .with_context(|| format!("cannot read --images {}", folder.display()))?;
        if paths.len() == before {
            bail!(
                "--images {} holds no image (png, jpg, jpeg, bmp, webp, tif, tiff)",
                folder.display()
            );
        }
    }
    paths.sort();
    paths
        .par_iter()
        .map(|path| {
            let bytes =
                fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let image = fsr::image::decode(&bytes)
                .with_context(|| format!("cannot use {}", path.display()))?;
            let (width, height) = image.dimensions();
            let shorter = width.min(height);
            let wanted = shorter.clamp(crop.min(64), 2 * crop);
            if shorter == wanted {
                return Ok(image);
            }
            let scaled = |side: u32| {
                (u64::from(side) * u64::from(wanted) / u64::from(shorter)).max(1) as u32
            };
            Ok(fsr::image::resize_lanczos(
                &image,
                scaled(width),
                scaled(height),
            ))
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    const KNOWN: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff"];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // Masks of generated products teach nothing.
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "ground_truth") {
                collect(&path, paths)?;
            }
        } else if path
            .extension()
            .is_some_and(|found| KNOWN.iter().any(|known| found.eq_ignore_ascii_case(known)))
        {
            paths.push(path);
        }
    }
    Ok(())
}

fn save(student: &Student, args: &DistillArgs, step: usize) -> Result<()> {
    let metadata = BTreeMap::from([
        (
            "architecture".to_string(),
            BackboneKind::Lite.name().to_string(),
        ),
        ("teacher".to_string(), args.teacher.name().to_string()),
        ("steps".to_string(), format!("{step} of {}", args.steps)),
        ("seed".to_string(), args.seed.to_string()),
    ]);
    let bytes = fsr::weights::write(&student.torchvision_tensors()?, &metadata)?;
    crate::atomic::write_file(&args.out, &bytes)
}

/// Deviations below this are those of a dead channel.
const SMALLEST_DEVIATION: f32 = 1e-3;

/// Mean and deviation of the teacher's channels.
struct ChannelScale {
    /// For each tap, `[1, C, 1, 1]`.
    mean: Vec<Tensor<4>>,
    deviation: Vec<Tensor<4>>,
}

impl ChannelScale {
    fn normalise(&self, taps: [Tensor<4>; 3]) -> Vec<Tensor<4>> {
        taps.into_iter()
            .zip(self.mean.iter().zip(&self.deviation))
            .map(|(tap, (mean, deviation))| (tap - mean.clone()) / deviation.clone())
            .collect()
    }
}

impl Teacher {
    /// Measured on 64 crops.
    fn channel_statistics(
        &self,
        images: &[RgbImage],
        crop: u32,
        rng: &mut ChaCha8Rng,
    ) -> Result<ChannelScale> {
        let crops: Vec<RgbImage> = images
            .iter()
            .step_by((images.len() / 64).max(1))
            .map(|image| augment::random_crop(image, crop, rng))
            .collect();
        let mut sums: Option<Vec<(Tensor<4>, Tensor<4>)>> = None;
        let mut count = 0usize;
        for chunk in crops.chunks(8) {
            let taps = self.taps(images_to_tensor(chunk, self.device()));
            let weight = chunk.len() as f32;
            count += chunk.len();
            let parts = taps.map(|tap| {
                let mean = tap.clone().mean_dims(&[0, 2, 3]).mul_scalar(weight);
                let square = tap.square().mean_dims(&[0, 2, 3]).mul_scalar(weight);
                (mean, square)
            });
            sums = Some(match sums {
                None => parts.into(),
                Some(old) => old
                    .into_iter()
                    .zip(parts)
                    .map(|((a, b), (c, d))| (a + c, b + d))
                    .collect(),
            });
        }
        let sums = sums.context("there are no images to measure the teacher on")?;
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for (sum, square) in sums {
            let average = sum.div_scalar(count as f32);
            let variance = square.div_scalar(count as f32) - average.clone().square();
            deviation.push(
                variance
                    .clamp_min(SMALLEST_DEVIATION * SMALLEST_DEVIATION)
                    .sqrt(),
            );
            mean.push(average);
        }
        Ok(ChannelScale { mean, deviation })
    }
}
