//! One device, one detector, and the answer to each message.

use fsr::image::decode;
use wasm_bindgen::JsValue;
use web_time::Instant;

use fsr_web::{
    address::SampleSpec,
    backend::{Backend, BackendWish},
    post::bytes_out,
    protocol::{Failure, FromWorker, RequestId, SelfTest, ToWorker},
};

use crate::{
    device::{self, Chosen},
    files::local,
    judge::{self, Subject, since},
    load::{self, LoadError, Loaded, Source},
    outbox::{fail, send},
    sample,
};

/// What the worker keeps between messages.
#[derive(Default)]
pub struct Engine {
    chosen: Option<Chosen>,
    loaded: Option<Loaded>,
}

impl Engine {
    /// Answers one message.
    pub async fn handle(&mut self, message: ToWorker, attached: Vec<JsValue>) {
        match message {
            ToWorker::Start { wish, because } => {
                let chosen = device::open(wish, because.as_deref()).await;
                self.choose(chosen);
            }
            ToWorker::OpenPackage { id, names } => {
                let source = load::open(&names, &attached).await;
                self.load(id, source).await;
            }
            ToWorker::InspectFile { id, name } => match read_image(name, &attached).await {
                Ok(subject) => self.judge(id, subject).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::InspectSample { id, sample } => match make_sample(sample) {
                Ok(subject) => self.judge(id, subject).await,
                Err(failure) => fail(id, failure),
            },
            ToWorker::Preview { id, sample } => match sample::make(&sample, sample::PREVIEW_SIDE) {
                Ok(sample) => preview(id, &sample.image),
                Err(failure) => fail(id, failure),
            },
            // The queue sees to these.
            ToWorker::FetchPackage { .. } | ToWorker::Forget { .. } => {}
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
            if self.chosen.is_none() {
                let chosen = device::open(BackendWish::Auto, None).await;
                self.choose(chosen);
            }
            let Some(chosen) = &self.chosen else { return };
            let backend = chosen.backend;
            let trouble = match load::build(&source, &chosen.device, backend).await {
                Ok(loaded) => match &loaded.summary.self_test {
                    SelfTest::Failed { map_error, .. } if backend == Backend::WebGpu => {
                        format!(
                            "WebGPU failed the model's self-test (map off by {map_error:.1e} of its maximum)"
                        )
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
                    format!("WebGPU failed in the model's warm-up: {message}")
                }
                Err(LoadError::Device(message)) => {
                    return fail(
                        id,
                        Failure::new(
                            format!("The model cannot be used: {message}."),
                            "Its weights may be damaged: export the package again.",
                        ),
                    );
                }
            };
            self.choose(device::cpu(trouble));
        }
    }

    async fn judge(&mut self, id: RequestId, subject: Subject) {
        let Some(loaded) = &self.loaded else {
            return fail(
                id,
                Failure::new(
                    format!("{} cannot be inspected: no model is loaded.", subject.name),
                    "Open a model package first.",
                ),
            );
        };
        let backend = loaded.backend;
        match judge::inspect(&loaded.detector, &subject.image).await {
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
                let (answer, attachments) = judge::answer(subject, inspection, threshold, backend);
                send(
                    &FromWorker::Inspected {
                        id,
                        answer: Box::new(answer),
                    },
                    &attachments,
                );
            }
            // The page restarts on the CPU and asks again.
            Err(message) if backend == Backend::WebGpu => {
                send(&FromWorker::Trapped { message }, &[])
            }
            Err(message) => fail(
                id,
                Failure::new(
                    format!("{} could not be inspected: {message}.", subject.name),
                    "Try another image; if it happens with all, the model's weights are damaged.",
                ),
            ),
        }
    }
}

async fn read_image(name: String, attached: &[JsValue]) -> Result<Subject, Failure> {
    let start = Instant::now();
    let file = attached.first().cloned().unwrap_or(JsValue::UNDEFINED);
    let bytes = local(&name, &file).await?;
    let image = decode(&bytes).map_err(|error| Failure::about(&name, &error.to_string()))?;
    Ok(Subject {
        name,
        sample: None,
        image,
        mask: None,
        made: ("decode", since(start)),
    })
}

fn make_sample(spec: SampleSpec) -> Result<Subject, Failure> {
    let start = Instant::now();
    let made = sample::make(&spec, sample::SIDE)?;
    Ok(Subject {
        name: spec.title(),
        sample: Some(spec),
        image: made.image,
        mask: Some(made.mask),
        made: ("generate", since(start)),
    })
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
