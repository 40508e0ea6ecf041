//! One device, one detector, and the answer to each message.

use burn::tensor::Device;
use wasm_bindgen::JsValue;

use fsr_web::{
    backend::{Backend, BackendWish, Reason},
    post::bytes_out,
    protocol::{Failure, FromWorker, GoodImage, Matter, RequestId, SelfTest, ToWorker, TrainPlan},
};

use crate::{
    backbone::{self, Base},
    device::{self, Chosen},
    judge::{self, Answered, Detail, Judge, Subject},
    load::{self, LoadError, Loaded, Source},
    measure::measure,
    outbox::{fail, send},
    sample, subject,
    train::{self, Job, Trouble},
};

/// What the worker keeps between messages.
#[derive(Default)]
pub struct Engine {
    chosen: Option<Chosen>,
    loaded: Option<Loaded>,
    training: Option<Job>,
}

impl Engine {
    /// Answers one message.
    pub async fn handle(&mut self, message: ToWorker, attached: Vec<JsValue>) {
        match message {
            ToWorker::Start { wish, because } => {
                let chosen = device::open(wish, because).await;
                self.choose(chosen);
            }
            ToWorker::OpenPackage { id, names } => {
                let source = load::open(&names, &attached).await;
                self.load(id, source).await;
            }
            ToWorker::InspectFile { id, name } => match subject::read(name, &attached).await {
                Ok(subject) => self.judge(id, subject, Detail::Full).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::InspectFrame {
                id,
                name,
                width,
                height,
            } => match subject::frame(name, width, height, &attached) {
                Ok(subject) => self.judge(id, subject, Detail::Full).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::ListFile { id, name, map } => match subject::read(name, &attached).await {
                Ok(subject) => self.judge(id, subject, Detail::Small { map }).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::Measure { id, plan } => match measure(plan, &attached).await {
                Ok(figures) => {
                    let figures = Box::new(figures);
                    send(&FromWorker::Measured { id, figures }, &[]);
                }
                Err(failure) => fail(id, failure),
            },
            ToWorker::InspectSample { id, sample } => match subject::sample(sample) {
                Ok(subject) => self.judge(id, subject, Detail::Full).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::CheckBackbone { id, name } => {
                let file = attached.first().cloned().unwrap_or_default();
                let device = self.device().await;
                match backbone::check(&name, &file, &device).await {
                    Ok(backbone) => send(&FromWorker::Backbone { id, backbone }, &[]),
                    Err(failure) => fail(id, failure),
                }
            }
            ToWorker::Train {
                id,
                plan,
                images,
                backbone,
            } => match self.begin(id, plan, images, backbone, attached).await {
                Ok(job) => self.training = Some(job),
                Err(failure) => fail(id, failure),
            },
            ToWorker::Steer { id, wish } => {
                if let Some(job) = self.training.as_mut().filter(|job| job.id == id) {
                    job.steer(wish);
                }
            }
            ToWorker::Forget { ids } => {
                if self
                    .training
                    .as_ref()
                    .is_some_and(|job| ids.contains(&job.id))
                {
                    self.training = None;
                }
            }
            ToWorker::Preview { id, sample } => match sample::make(&sample, sample::PREVIEW_SIDE) {
                Ok(sample) => preview(id, &sample.image),
                Err(failure) => fail(id, failure),
            },
            // The queue sees to it.
            ToWorker::FetchPackage { .. } => {}
        }
    }

    /// A training on the backbone in the last attached file, or on that of the model in use.
    async fn begin(
        &mut self,
        id: RequestId,
        plan: TrainPlan,
        images: Vec<GoodImage>,
        backbone: Option<String>,
        mut attached: Vec<JsValue>,
    ) -> Result<Job, Failure> {
        let base = match backbone {
            Some(name) => {
                let file = attached.pop().unwrap_or_default();
                let device = self.device().await;
                backbone::base(&name, &file, &device).await?
            }
            None => {
                let Some(loaded) = &self.loaded else {
                    return Err(Failure::NoModelToTrain { name: plan.name });
                };
                Base::of(&loaded.detector)
            }
        };
        Job::new(id, plan, images, attached, base)
    }

    /// The device in use, chosen now if need be.
    async fn device(&mut self) -> Device {
        if let Some(chosen) = &self.chosen {
            return chosen.device.clone();
        }
        let chosen = device::open(BackendWish::Auto, None).await;
        let device = chosen.device.clone();
        self.choose(chosen);
        device
    }

    /// Whether a training waits for nothing but time.
    pub fn can_train(&self) -> bool {
        self.training.as_ref().is_some_and(Job::wants_to_go_on)
    }

    /// Does a piece of the training under way.
    pub async fn train(&mut self) {
        let Some(job) = &mut self.training else {
            return;
        };
        let id = job.id;
        let advanced = job.advance().await;
        match advanced {
            Ok(None) => {}
            Ok(Some(package)) => {
                self.training = None;
                let archive = match train::archive(&package) {
                    Ok(archive) => archive,
                    Err(trouble) => return self.trouble(id, trouble),
                };
                drop(package);
                self.use_trained(id, archive).await;
            }
            Err(trouble) => {
                self.training = None;
                self.trouble(id, trouble);
            }
        }
    }

    /// Makes the trained detector the one in use, from the bytes that are saved.
    async fn use_trained(&mut self, id: RequestId, archive: Vec<u8>) {
        let Some(chosen) = &self.chosen else { return };
        let source = match load::trained(&archive) {
            Ok(source) => source,
            Err(failure) => return fail(id, failure),
        };
        match load::build(&source, &chosen.device, chosen.backend).await {
            Ok(loaded) => {
                let model = Box::new(loaded.summary.clone());
                send(&FromWorker::Trained { id, model }, &[bytes_out(&archive)]);
                self.loaded = Some(loaded);
            }
            Err(LoadError::Package(failure)) => fail(id, failure),
            Err(LoadError::Device(message)) => self.trouble(id, Trouble::Device(message)),
        }
    }

    fn trouble(&self, id: RequestId, trouble: Trouble) {
        let on_gpu = self
            .chosen
            .as_ref()
            .is_some_and(|chosen| chosen.backend == Backend::WebGpu);
        match trouble {
            Trouble::Given(failure) => fail(id, failure),
            // The page restarts on the CPU and asks again.
            Trouble::Device(message) if on_gpu => send(&FromWorker::Trapped { message }, &[]),
            Trouble::Device(message) => fail(id, Failure::TrainingFailed { message }),
        }
    }

    fn choose(&mut self, chosen: Chosen) {
        send(
            &FromWorker::Backend {
                backend: chosen.backend,
                reason: chosen.reason.clone(),
            },
            &[],
        );
        self.chosen = Some(chosen);
    }

    /// Makes a package ready. On WebGPU, a failure of the device or of the self-test moves
    /// everything to the CPU; the detector in use stays when the package is at fault.
    pub async fn load(&mut self, id: RequestId, source: Result<Source, Failure>) {
        let source = match source {
            Ok(source) => source,
            Err(failure) => return fail(id, failure),
        };
        loop {
            self.device().await;
            let Some(chosen) = &self.chosen else { return };
            let backend = chosen.backend;
            let trouble = match load::build(&source, &chosen.device, backend).await {
                Ok(loaded) => match &loaded.summary.self_test {
                    SelfTest::Failed { map_error, .. } if backend == Backend::WebGpu => {
                        Reason::SelfTest {
                            map_error: *map_error,
                        }
                    }
                    _ => {
                        send(
                            &FromWorker::Model {
                                id,
                                model: Box::new(loaded.summary.clone()),
                            },
                            &[],
                        );
                        self.loaded = Some(loaded);
                        return;
                    }
                },
                Err(LoadError::Package(failure)) => return fail(id, failure),
                Err(LoadError::Device(message)) if backend == Backend::WebGpu => {
                    Reason::WarmUp { message }
                }
                Err(LoadError::Device(message)) => {
                    return fail(id, Failure::ModelUnusable { message });
                }
            };
            self.choose(device::cpu(trouble));
        }
    }

    async fn judge(&mut self, id: RequestId, subject: Subject, detail: Detail) {
        let Some(loaded) = &self.loaded else {
            return fail(id, Failure::NoModelToInspect { name: subject.name });
        };
        let backend = loaded.backend;
        let (width, height) = subject.image.dimensions();
        let plan = match loaded.detector.plan(width, height) {
            Ok(plan) => plan,
            Err(error) => {
                return fail(id, Failure::about(Matter::File(subject.name), error));
            }
        };
        let told = |done, total| {
            if total > 1 && detail == Detail::Full {
                send(&FromWorker::Tiles { id, done, total }, &[]);
            }
        };
        match judge::inspect(&loaded.detector, &subject.image, told).await {
            Ok(inspection) => {
                let category = subject
                    .sample
                    .as_ref()
                    .map(|sample| sample.product.as_str());
                let threshold = loaded
                    .detector
                    .config
                    .calibration_for(category)
                    .map(load::threshold);
                let Answered {
                    answer,
                    attachments,
                } = judge::answer(
                    subject,
                    inspection,
                    Judge {
                        threshold,
                        backend,
                        plan,
                        side: loaded.detector.model.config.image_size,
                    },
                    detail,
                );
                let answer = Box::new(answer);
                let message = match detail {
                    Detail::Full => FromWorker::Inspected { id, answer },
                    Detail::Small { .. } => FromWorker::Listed { id, answer },
                };
                send(&message, &attachments);
            }
            // The page restarts on the CPU and asks again.
            Err(message) if backend == Backend::WebGpu => {
                send(&FromWorker::Trapped { message }, &[])
            }
            Err(message) => {
                let name = subject.name;
                fail(id, Failure::NotInspected { name, message });
            }
        }
    }
}

fn preview(id: RequestId, image: &fsr::image::RgbImage) {
    let rgba: Vec<u8> = image
        .pixels()
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
        .collect();
    let (width, height) = image.dimensions();
    send(
        &FromWorker::Previewed { id, width, height },
        &[bytes_out(&rgba)],
    );
}
