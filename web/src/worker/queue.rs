//! Messages in the order they came, one at a time.
//!
//! A training goes on, piece by piece, whenever nothing else waits. Between two of them
//! the worker returns to its event loop, so that a message that makes
//! waiting work stale ([`ToWorker::Forget`]) is heard before that work begins.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::MessageEvent;

use fsr_web::{
    post,
    protocol::{Failure, FromWorker, RequestId, ToWorker},
};

use crate::{
    engine::Engine,
    load::{self, Source},
    outbox::{scope, send},
};

/// Something to do.
enum Job {
    /// A message of the page, with its attachments.
    Message(ToWorker, Vec<JsValue>),
    /// A download that has ended.
    Fetched(RequestId, Box<Result<Source, Failure>>),
}

impl Job {
    fn request(&self) -> Option<RequestId> {
        match self {
            Self::Message(message, _) => message.request(),
            Self::Fetched(id, _) => Some(*id),
        }
    }

    fn is_preview(&self) -> bool {
        matches!(self, Self::Message(ToWorker::Preview { .. }, _))
    }
}

thread_local! {
    static WAITING: RefCell<VecDeque<Job>> = const { RefCell::new(VecDeque::new()) };
    static DOWNLOADS: RefCell<Vec<RequestId>> = const { RefCell::new(Vec::new()) };
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Hears the page from now on.
pub fn listen() {
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| receive(&event.data()));
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

/// Takes a message from the page.
fn receive(data: &JsValue) {
    match post::unpack::<ToWorker>(data) {
        Err(error) => send(
            &FromWorker::Trapped {
                message: error.to_string(),
            },
            &[],
        ),
        Ok((ToWorker::Forget { ids }, _)) => {
            WAITING.with_borrow_mut(|waiting| {
                waiting.retain(|job| job.request().is_none_or(|id| !ids.contains(&id)))
            });
            DOWNLOADS.with_borrow_mut(|downloads| downloads.retain(|id| !ids.contains(id)));
            // A training has begun, so it does not wait here: the engine drops it.
            WAITING.with_borrow_mut(|waiting| {
                waiting.push_front(Job::Message(ToWorker::Forget { ids }, Vec::new()))
            });
            wake();
        }
        Ok((message, attachments)) => {
            WAITING
                .with_borrow_mut(|waiting| waiting.push_back(Job::Message(message, attachments)));
            wake();
        }
    }
}

fn wake() {
    if !AT_WORK.replace(true) {
        spawn_local(work());
    }
}

/// Works until there is nothing to do.
async fn work() {
    let mut engine = ENGINE.take().unwrap_or_default();
    loop {
        breathe().await;
        match WAITING.with_borrow_mut(next) {
            None if engine.can_train() => engine.train().await,
            None => break,
            Some(Job::Message(ToWorker::FetchPackage { id, url }, _)) => {
                spawn_local(download(id, url))
            }
            Some(Job::Message(message, attachments)) => engine.handle(message, attachments).await,
            Some(Job::Fetched(id, source)) => engine.load(id, *source).await,
        }
    }
    ENGINE.set(Some(engine));
    AT_WORK.set(false);
}

/// Fetches a package while pictures of samples are made.
async fn download(id: RequestId, url: String) {
    DOWNLOADS.with_borrow_mut(|downloads| downloads.push(id));
    let source = load::fetch(&url).await;
    // Forgotten meanwhile, it is no longer among them.
    let wanted = DOWNLOADS.with_borrow_mut(|downloads| {
        let place = downloads.iter().position(|&other| other == id);
        place.map(|place| downloads.remove(place)).is_some()
    });
    if wanted {
        WAITING.with_borrow_mut(|waiting| waiting.push_front(Job::Fetched(id, Box::new(source))));
        wake();
    }
}

/// The oldest job; pictures of samples only when nothing else waits, and only these while a
/// package is on its way, because what else waits needs it.
fn next(waiting: &mut VecDeque<Job>) -> Option<Job> {
    let urgent = if DOWNLOADS.with_borrow(Vec::is_empty) {
        waiting.iter().position(|job| !job.is_preview())
    } else {
        None
    };
    let index = urgent.or_else(|| waiting.iter().position(Job::is_preview))?;
    waiting.remove(index)
}

/// Lets the event loop deliver what has arrived.
async fn breathe() {
    let tick = Promise::new(&mut |resolve, _| {
        if scope().set_timeout_with_callback(&resolve).is_err() {
            let _ = resolve.call0(&JsValue::NULL);
        }
    });
    let _ = JsFuture::from(tick).await;
}
