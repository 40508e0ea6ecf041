//! The connection to the worker: starts it, posts to it, hears it, replaces it after a trap.

use std::{cell::RefCell, sync::Arc};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use fsr_web::{
    attachment::{MessageError, check_length},
    backend::{BackendWish, Reason},
    curve::Curve,
    post,
    protocol::{
        Answer, Failure, FromWorker, ModelSummary, PROTOCOL, RequestId, Steer, ToWorker, TrainEvent,
    },
    session::{Life, Post, Recovery, Session, Task},
};

use crate::{
    backbone, compare, download, hook, list, live, shelf,
    state::{Measured, Page, Picture, Saved, Shown, Stage, Subject, TrainStage},
};

/// The worker's start script, beside the page.
const WORKER: &str = "fsr-worker-start.js";

#[derive(Default)]
struct Link {
    worker: Option<Worker>,
    /// Counts workers: events of earlier ones are not heard.
    generation: u32,
    ready: bool,
    wish: BackendWish,
    because: Option<Reason>,
    session: Session<JsValue>,
    /// Posts that wait for the worker to be ready.
    outbox: Vec<Post<JsValue>>,
    /// The request that loads the model in use once more, after a trap.
    reload: Option<RequestId>,
    /// The image file that was asked about last.
    file: Option<(String, JsValue)>,
}

thread_local! {
    static LINK: RefCell<Link> = RefCell::default();
}

/// Starts the first worker.
pub fn open(page: Page) {
    LINK.with_borrow_mut(|link| link.wish = page.address.with_untracked(|address| address.backend));
    spawn(page);
}

/// Asks the worker for something; its answer changes the page's signals.
pub fn ask(page: Page, task: Task<JsValue>) {
    match &task {
        Task::InspectFile(name, file) => {
            LINK.with_borrow_mut(|link| link.file = Some((name.clone(), file.clone())));
            begin(page, Subject::File(name.clone()));
        }
        Task::InspectSample(sample) => begin(page, Subject::Sample(sample.clone())),
        Task::InspectFrame(..) => {
            if page.opened.get_untracked().is_some() {
                page.opened.set(None);
            }
        }
        Task::FetchPackage(_) | Task::OpenPackage(_) => {
            page.failure.set(None);
            shelf::forget();
        }
        Task::Train(..) => {
            page.failure.set(None);
            page.curve.set(Curve::default());
            page.paused.set(false);
            page.training.set(TrainStage::Asked);
        }
        Task::Measure(..) => page.measured.set(Measured::Asked),
        Task::ListFile(..) | Task::CheckBackbone(..) | Task::Preview(_) => {}
    }
    LINK.with_borrow_mut(|link| {
        let (_, posts) = link.session.ask(task);
        link.send(posts);
    });
}

/// What judges the shown image once more; `None` for one that is not at hand any longer, such as a camera's frame.
/// Follows `page.opened`: a row may be gone from the list.
pub fn once_more(page: Page, shown: &Shown) -> Option<Box<dyn Fn()>> {
    if let Some(row) = page.opened.get() {
        return Some(Box::new(move || list::open(page, row)));
    }
    let task = match &shown.answer.sample {
        Some(sample) => Task::InspectSample(sample.clone()),
        None => {
            let (name, file) = LINK.with_borrow(|link| link.file.clone())?;
            (name == shown.answer.name).then_some(Task::InspectFile(name, file))?
        }
    };
    Some(Box::new(move || ask(page, task.clone())))
}

/// Pauses, resumes or ends the training.
pub fn steer(wish: Steer) {
    LINK.with_borrow_mut(|link| {
        let post = link.session.steer(wish);
        link.send(post.into_iter().collect());
    });
}

/// Gives the training up. What was learnt is lost, the images stay.
pub fn cancel_training(page: Page) {
    LINK.with_borrow_mut(|link| {
        let post = link.session.cancel_training();
        link.send(post.into_iter().collect());
    });
    page.training.set(TrainStage::Idle);
    page.paused.set(false);
    page.curve.set(Curve::default());
}

/// Takes images of the list back from the worker.
pub fn cancel_list() {
    LINK.with_borrow_mut(|link| {
        let post = link.session.cancel_list();
        link.send(post.into_iter().collect());
    });
}

/// Takes the question for the folder's figures back.
pub fn cancel_measure() {
    LINK.with_borrow_mut(|link| {
        let post = link.session.cancel_measure();
        link.send(post.into_iter().collect());
    });
}

/// Images of the list that the worker was asked for.
pub fn listed_under_way() -> usize {
    LINK.with_borrow(|link| link.session.listed_under_way())
}

/// An image is about to be judged.
fn begin(page: Page, subject: Subject) {
    page.busy.set(Some(subject));
    page.tiles_done.set(None);
    page.failure.set(None);
    page.opened.set(None);
    live::give_way(page);
}

impl Link {
    fn send(&mut self, posts: Vec<Post<JsValue>>) {
        if !self.ready {
            self.outbox.extend(posts);
            return;
        }
        for Post { head, files } in posts {
            self.post(&head, &files);
        }
    }

    fn post(&self, head: &ToWorker, files: &[JsValue]) {
        let Some(worker) = &self.worker else { return };
        match post::pack(head, files) {
            Ok(message) => {
                if let Err(error) = worker.post_message(&message) {
                    web_sys::console::error_2(&"a request could not be posted".into(), &error);
                }
            }
            Err(error) => web_sys::console::error_1(&error.to_string().into()),
        }
    }
}

/// An address that starts the worker. A worker from the server would have a policy of its own, of headers
/// that a plain file server does not send; one from a blob inherits the page's, which forbids any
/// connection to elsewhere.
fn start_script() -> Result<String, JsValue> {
    let base = document().base_uri()?.unwrap_or_default();
    let address = web_sys::Url::new_with_base(WORKER, &base)?.href();
    let script = format!("import {};", serde_json::json!(address));
    let blob = download::blob(&JsValue::from_str(&script), "text/javascript")?;
    web_sys::Url::create_object_url_with_blob(&blob)
}

/// Starts a worker in place of the one before, if any.
fn spawn(page: Page) {
    let generation = LINK.with_borrow_mut(|link| {
        if let Some(old) = link.worker.take() {
            old.terminate();
        }
        link.ready = false;
        link.generation += 1;
        link.generation
    });
    page.stage.set(Stage::Starting);
    page.backend.set(None);
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    match start_script().and_then(|script| Worker::new_with_options(&script, &options)) {
        Ok(worker) => {
            let current = move || LINK.with_borrow(|link| link.generation == generation);
            let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                if current() {
                    hear(page, &event.data());
                }
            });
            worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            on_message.forget();
            let on_error = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
                event.prevent_default();
                if current() {
                    let message = event
                        .dyn_ref::<ErrorEvent>()
                        .map(ErrorEvent::message)
                        .unwrap_or_default();
                    recover(
                        page,
                        if message.is_empty() {
                            "its program could not be loaded"
                        } else {
                            &message
                        },
                    );
                }
            });
            worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
            on_error.forget();
            LINK.with_borrow_mut(|link| link.worker = Some(worker));
        }
        Err(error) => {
            page.stage.set(Stage::Dead);
            page.failure.set(Some(Failure::NoWorker {
                why: post::js_message(&error),
            }));
        }
    }
}

/// Replaces a worker that trapped, or gives up.
fn recover(page: Page, message: &str) {
    let backend = page
        .backend
        .with_untracked(|known| known.as_ref().map(|(backend, _)| *backend));
    let recovery = LINK.with_borrow_mut(|link| {
        let life = match backend {
            Some(backend) => Life::Running(backend),
            None if link.ready => Life::Starting,
            None => Life::Loading,
        };
        let reloads = link.reload.is_some() || page.model.with_untracked(Option::is_some);
        let recovery = link.session.trapped(life, message);
        if let Recovery::Restart { posts, .. } = &recovery {
            let first = posts.first().and_then(|post| post.head.request());
            link.reload = first.filter(|_| reloads);
        }
        recovery
    });
    match recovery {
        Recovery::Restart {
            because,
            posts,
            dropped,
            again,
        } => {
            LINK.with_borrow_mut(|link| {
                link.wish = BackendWish::Cpu;
                link.because = Some(because);
                // What is asked before the next worker is ready waits for it.
                link.ready = false;
                link.outbox = posts;
            });
            page.model.set(None);
            if page.training.get_untracked().under_way() {
                page.training.set(TrainStage::Asked);
                page.paused.set(false);
                page.curve.set(Curve::default());
            }
            if again.is_some() {
                page.failure.set(again);
            }
            if let Some((task, failure)) = dropped.map(|dropped| *dropped) {
                let reason = failure.clone();
                page.failure.set(Some(failure));
                match task {
                    Task::InspectFile(..) | Task::InspectSample(_) => page.busy.set(None),
                    Task::Train(..) => page.training.set(TrainStage::Idle),
                    Task::ListFile(row, ..) => list::failed(page, row, reason),
                    Task::Measure(..) => page.measured.set(Measured::Failed(reason)),
                    Task::OpenPackage(_) => shelf::refused(),
                    Task::CheckBackbone(..) => backbone::refused(page),
                    Task::InspectFrame(..) => live::give_way(page),
                    _ => {}
                }
            }
            spawn(page);
        }
        Recovery::GiveUp(failure) => {
            LINK.with_borrow_mut(|link| {
                if let Some(worker) = link.worker.take() {
                    worker.terminate();
                }
                link.generation += 1;
                link.ready = false;
            });
            page.busy.set(None);
            page.training.set(TrainStage::Idle);
            page.stage.set(Stage::Dead);
            page.failure.set(Some(failure));
        }
    }
}

fn hear(page: Page, data: &JsValue) {
    match post::unpack::<FromWorker>(data) {
        Ok((message, attachments)) => understand(page, message, &attachments),
        Err(error) => recover(page, &error.to_string()),
    }
}

fn understand(page: Page, message: FromWorker, attachments: &[JsValue]) {
    match message {
        FromWorker::Ready { protocol, .. } if protocol != PROTOCOL => {
            page.stage.set(Stage::Dead);
            page.failure.set(Some(Failure::OtherVersion));
        }
        FromWorker::Ready { products, ramp, .. } => {
            LINK.with_borrow_mut(|link| {
                link.ready = true;
                link.post(
                    &fsr_web::session::start(link.wish, link.because.clone()),
                    &[],
                );
                let posts = std::mem::take(&mut link.outbox);
                link.send(posts);
            });
            if page.products.with_untracked(Vec::is_empty) {
                page.ramp.set(ramp);
                page.products.set(products);
            }
        }
        FromWorker::Trapped { message } => recover(page, &message),
        FromWorker::Backend { backend, reason } => page.backend.set(Some((backend, reason))),
        FromWorker::Progress { phase, done, total } => {
            page.stage.set(Stage::Loading { phase, done, total })
        }
        FromWorker::Model { id, model } => {
            let Some(task) = answered(id) else { return };
            let reload = LINK.with_borrow_mut(|link| {
                link.session.model_loaded(task);
                link.reload.take_if(|reload| *reload == id).is_some()
            });
            use_model(page, *model, reload);
        }
        FromWorker::Training { id, event } => {
            if LINK.with_borrow(|link| link.session.training()) == Some(id) {
                train(page, event);
            }
        }
        FromWorker::Backbone { id, backbone } => {
            if let Some(Task::CheckBackbone(_, file)) = answered(id) {
                backbone::found(page, backbone, file);
            }
        }
        FromWorker::Trained { id, model } => {
            let Some(Task::Train(plan, ..)) = answered(id) else {
                return;
            };
            let archive = attachments.first().cloned().unwrap_or_default();
            match keep(&plan.name, &archive) {
                Ok((saved, task)) => {
                    LINK.with_borrow_mut(|link| link.session.model_loaded(task));
                    page.saved.set(Some(saved));
                }
                Err(error) => page.failure.set(Some(Failure::NotKept {
                    why: post::js_message(&error),
                })),
            }
            page.training.set(TrainStage::Done);
            use_model(page, *model, false);
        }
        FromWorker::Listed { id, answer } => {
            let Some(Task::ListFile(row, ..)) = answered(id) else {
                return;
            };
            let (width, height) = (answer.shown_width, answer.shown_height);
            let rgba = attachments.first().map(post::bytes_in).unwrap_or_default();
            if let Some(map) = attachments.get(1) {
                list::keep_map(row, (answer.map_width, answer.map_height), map);
            }
            match check_length("a small picture", rgba.len(), width, height, 4) {
                Ok(()) => list::judged(
                    page,
                    row,
                    &answer,
                    Picture {
                        width,
                        height,
                        rgba,
                    },
                ),
                Err(error) => list::failed(page, row, bad_message(error)),
            }
        }
        FromWorker::Measured { id, figures } => {
            if answered(id).is_some() {
                page.measured.set(Measured::Done(Arc::new(*figures)));
            }
        }
        FromWorker::Tiles { id, done, total } => {
            if LINK.with_borrow(|link| link.session.awaits(id)) {
                page.tiles_done.set(Some((done, total)));
            }
        }
        FromWorker::Inspected { id, answer } => {
            let Some(task) = answered(id) else { return };
            let frame = matches!(task, Task::InspectFrame(..));
            if !frame {
                page.busy.set(None);
            }
            match shown(page, *answer, attachments) {
                Ok(shown) => {
                    let threshold = untrack(|| page.threshold_of(&shown.answer));
                    hook::publish(&shown, shown.verdict(threshold.as_ref()));
                    if frame {
                        compare::forget(page);
                    } else {
                        compare::keep(page, &shown);
                    }
                    let shown = Arc::new(shown);
                    if let Some(row) = page.opened.get_untracked().filter(|_| !frame) {
                        list::remember(row, &shown);
                    }
                    page.shown.set(Some(shown.clone()));
                    if frame {
                        live::answered(page, &shown.answer);
                    } else {
                        page.failure.set(None);
                    }
                }
                Err(error) => page.failure.set(Some(bad_message(error))),
            }
        }
        FromWorker::Previewed { id, width, height } => {
            let Some(Task::Preview(sample)) = answered(id) else {
                return;
            };
            let rgba = attachments.first().map(post::bytes_in).unwrap_or_default();
            if check_length("a preview", rgba.len(), width, height, 4).is_ok() {
                page.previews.update(|previews| {
                    previews.insert(
                        sample,
                        Arc::new(Picture {
                            width,
                            height,
                            rgba,
                        }),
                    );
                });
            }
        }
        FromWorker::Failed { id, failure } => {
            let Some(task) = answered(id) else { return };
            match task {
                Task::Preview(sample) => {
                    web_sys::console::warn_1(&format!("{}: {failure:?}", sample.encode()).into());
                    return;
                }
                Task::ListFile(row, ..) => {
                    list::failed(page, row, failure);
                    return;
                }
                Task::Measure(..) => {
                    page.measured.set(Measured::Failed(failure));
                    return;
                }
                Task::CheckBackbone(..) => backbone::refused(page),
                Task::InspectFrame(..) => live::give_way(page),
                Task::Train(..) => {
                    page.training.set(TrainStage::Idle);
                    page.paused.set(false);
                    if page.model.with_untracked(Option::is_some) {
                        page.stage.set(Stage::Ready);
                    }
                }
                Task::InspectFile(..) | Task::InspectSample(_) => {
                    page.busy.set(None);
                    // Why there is no model says more than that there is none.
                    if page.stage.get_untracked() == Stage::Empty
                        && page.failure.with_untracked(Option::is_some)
                    {
                        return;
                    }
                }
                Task::FetchPackage(_) | Task::OpenPackage(_) => {
                    shelf::refused();
                    page.stage
                        .set(if page.model.with_untracked(Option::is_some) {
                            Stage::Ready
                        } else {
                            Stage::Empty
                        })
                }
            }
            page.failure.set(Some(failure));
        }
    }
}

fn bad_message(error: MessageError) -> Failure {
    Failure::BadMessage {
        why: error.to_string(),
    }
}

/// A model is ready. After a trap it is the one before, and nothing changes.
fn use_model(page: Page, model: ModelSummary, reload: bool) {
    let name = model.name.clone();
    page.model.set(Some(Arc::new(model)));
    if !reload {
        // Kept with the detector, or in the address for the first model.
        page.threshold
            .set(shelf::in_use(&name).or_else(|| page.first_threshold()));
        page.model_serial.update(|serial| *serial += 1);
        list::model_changed();
    }
    page.stage.set(Stage::Ready);
    list::pump(page);
}

/// How the training goes on.
fn train(page: Page, event: TrainEvent) {
    match event {
        TrainEvent::Features { done, total } => {
            page.training.set(TrainStage::Features { done, total })
        }
        TrainEvent::Step {
            step,
            steps,
            loss,
            milliseconds,
            ..
        } => {
            hook::publish_loss(step, loss);
            page.curve
                .update(|curve| curve.add(step, steps, loss, milliseconds));
            page.training.set(TrainStage::Running);
        }
        TrainEvent::Paused { paused } => page.paused.set(paused),
        TrainEvent::Calibrating { done, total } => {
            page.training.set(TrainStage::Calibrating { done, total })
        }
        TrainEvent::Packing => page.training.set(TrainStage::Packing),
    }
}

/// Keeps a trained detector's archive: to be saved, and to be loaded again after a trap.
fn keep(name: &str, archive: &JsValue) -> Result<(Saved, Task<JsValue>), JsValue> {
    let blob = download::blob(archive, "application/zip")?;
    let file = download::file_name(name, ".zip");
    shelf::trained(name, &file, &blob);
    let saved = Saved {
        file: file.clone(),
        url: web_sys::Url::create_object_url_with_blob(&blob)?,
        bytes: blob.size() as u64,
    };
    Ok((saved, Task::OpenPackage(vec![(file, blob.into())])))
}

fn answered(id: RequestId) -> Option<Task<JsValue>> {
    LINK.with_borrow_mut(|link| link.session.answered(id))
}

/// Puts an answer and its buffers together, checking every length.
fn shown(page: Page, answer: Answer, attachments: &[JsValue]) -> Result<Shown, MessageError> {
    let (width, height) = (answer.shown_width, answer.shown_height);
    let mut buffers = attachments.iter();
    let rgba = buffers.next().map(post::bytes_in).unwrap_or_default();
    let values = buffers.next().map(post::floats_in).unwrap_or_default();
    let heat = buffers.next().map(post::bytes_in).unwrap_or_default();
    let mask = buffers.next().map(post::bytes_in).unwrap_or_default();
    check_length("the picture", rgba.len(), width, height, 4)?;
    check_length(
        "the map",
        values.len(),
        answer.map_width,
        answer.map_height,
        1,
    )?;
    check_length(
        "the coloured map",
        heat.len(),
        answer.map_width,
        answer.map_height,
        4,
    )?;
    if !mask.is_empty() {
        check_length("the mask", mask.len(), width, height, 1)?;
    }
    let heat = Picture {
        width: answer.map_width,
        height: answer.map_height,
        rgba: heat,
    };
    Ok(Shown {
        picture: Picture {
            width,
            height,
            rgba,
        },
        map: values,
        heat,
        mask,
        answer,
        model: (
            page.model_serial.get_untracked(),
            page.model.with_untracked(|model| {
                model
                    .as_ref()
                    .map_or_else(String::new, |model| model.name.clone())
            }),
        ),
    })
}
