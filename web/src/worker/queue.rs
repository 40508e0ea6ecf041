//! Messages in the order they came, one at a time.
//!
//! Between two of them the worker returns to its event loop, so that a message that makes
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
    protocol::{FromWorker, ToWorker},
};

use crate::{
    engine::Engine,
    outbox::{scope, send},
};

type Job = (ToWorker, Vec<JsValue>);

thread_local! {
    static WAITING: RefCell<VecDeque<Job>> = const { RefCell::new(VecDeque::new()) };
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
        Ok((ToWorker::Forget { ids }, _)) => WAITING.with_borrow_mut(|waiting| {
            waiting.retain(|(message, _)| message.request().is_none_or(|id| !ids.contains(&id)));
        }),
        Ok(job) => {
            WAITING.with_borrow_mut(|waiting| waiting.push_back(job));
            if !AT_WORK.replace(true) {
                spawn_local(work());
            }
        }
    }
}

/// Works until nothing waits.
async fn work() {
    let mut engine = ENGINE.take().unwrap_or_default();
    loop {
        breathe().await;
        let Some((message, attachments)) = WAITING.with_borrow_mut(next) else {
            break;
        };
        engine.handle(message, attachments).await;
    }
    ENGINE.set(Some(engine));
    AT_WORK.set(false);
}

/// The oldest message; pictures of samples only when nothing else waits.
fn next(waiting: &mut VecDeque<Job>) -> Option<Job> {
    let urgent = waiting
        .iter()
        .position(|(message, _)| !matches!(message, ToWorker::Preview { .. }));
    waiting.remove(urgent.unwrap_or(0))
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
