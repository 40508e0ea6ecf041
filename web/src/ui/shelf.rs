//! What the page and its shelf say to each other.
//!
//! The shelf (`web/shelf/`, plain JavaScript, so that this program stays small) keeps detectors and models in the
//! browser and fetches them. It knows nothing of the worker: it hands files over as if the visitor had chosen them.
//! All goes by events on `window`, listed in `web/README.md`.

use std::cell::RefCell;

use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, Event, File};

use crate::{backbone, input, state::Page};

/// What the shelf calls the detector that was just trained.
const TRAINED: &str = "trained";

thread_local! {
    /// What the package under way is called by the shelf, and the visitor's own threshold for it.
    static OPENING: RefCell<Option<(String, Option<f32>)>> = const { RefCell::new(None) };
}

/// Hears the shelf, and tells it the visitor's own threshold whenever that changes.
pub fn listen(page: Page) {
    window_event_listener_untyped("fsr-open", move |event| open(page, &event));
    Effect::new(move |_| {
        let value = page.threshold.get().map(f64::from);
        tell("fsr-threshold", &[("value", value.into())]);
    });
}

/// Opens what the shelf hands over: `{token, files, threshold}`. A lone weight file is a backbone, and no model.
fn open(page: Page, event: &Event) {
    let detail = get(event, "detail");
    let files: Vec<(String, JsValue)> = Array::from(&get(&detail, "files"))
        .iter()
        .filter_map(|file| Some((file.dyn_ref::<File>()?.name(), file)))
        .collect();
    let token = get(&detail, "token").as_string().unwrap_or_default();
    let threshold = get(&detail, "threshold").as_f64().map(|value| value as f32);
    let is_package = !backbone::is_lone(&files);
    input::open(page, files);
    if is_package {
        OPENING.set(Some((token, threshold)));
    }
}

/// Another package was asked for: the shelf's is not awaited any longer.
pub fn forget() {
    refused();
}

/// The package under way cannot be used; the page says why.
pub fn refused() {
    if let Some((token, _)) = OPENING.take() {
        tell("fsr-refused", &[("token", token.into())]);
    }
}

/// A detector was trained and is about to be used: the shelf keeps it.
pub fn trained(name: &str, file: &str, package: &Blob) {
    OPENING.set(Some((TRAINED.to_owned(), None)));
    let package: &JsValue = package.as_ref();
    tell(
        "fsr-trained",
        &[
            ("name", name.into()),
            ("file", file.into()),
            ("blob", package.clone()),
        ],
    );
}

/// A model has come into use. The visitor's own threshold for it, when the shelf kept one.
pub fn in_use(name: &str) -> Option<f32> {
    let (token, threshold) = OPENING.take().unzip();
    tell(
        "fsr-model",
        &[("name", name.into()), ("token", token.into())],
    );
    threshold.flatten()
}

fn get(target: &JsValue, key: &str) -> JsValue {
    Reflect::get(target, &key.into()).unwrap_or_default()
}

/// Says something to the shelf.
pub fn tell(kind: &str, fields: &[(&str, JsValue)]) {
    if let Err(error) = try_tell(kind, fields) {
        web_sys::console::error_2(&"the shelf could not be told".into(), &error);
    }
}

fn try_tell(kind: &str, fields: &[(&str, JsValue)]) -> Result<(), JsValue> {
    let detail = Object::new();
    for (key, value) in fields {
        Reflect::set(&detail, &(*key).into(), value)?;
    }
    let options = Object::new();
    Reflect::set(&options, &"detail".into(), &detail)?;
    let window = window();
    let constructor: Function = get(&window, "CustomEvent").dyn_into()?;
    let event = Reflect::construct(&constructor, &Array::of2(&kind.into(), &options))?;
    window.dispatch_event(event.unchecked_ref()).map(|_| ())
}
