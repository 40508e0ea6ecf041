//! `window.__fsr_last`: the last result, for tests and for a curious visitor's console.
//!
//! Not an interface: fields may change with any version. They are listed in `web/README.md`.

use std::cell::Cell;

use js_sys::{Array, Float32Array, Object, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};

use fsr_web::verdict::Verdict;

use crate::state::Shown;

thread_local! {
    static SERIAL: Cell<u32> = const { Cell::new(0) };
}

/// Publishes a result.
pub fn publish(shown: &Shown, verdict: Verdict) {
    let answer = &shown.answer;
    let scores = object(&[
        ("std", f64::from(answer.scores.std).into()),
        ("max", f64::from(answer.scores.max).into()),
        ("top1", f64::from(answer.scores.top1).into()),
    ]);
    let timings = Object::new();
    for (stage, milliseconds) in &answer.timings {
        set(&timings, stage, &(*milliseconds).into());
    }
    let last = object(&[
        ("name", answer.name.as_str().into()),
        (
            "sample",
            answer
                .sample
                .as_ref()
                .map_or(JsValue::NULL, |sample| sample.encode().into()),
        ),
        ("width", answer.map_width.into()),
        ("height", answer.map_height.into()),
        ("map", Float32Array::from(shown.map.as_slice()).into()),
        ("scores", scores.into()),
        ("verdict", verdict.name().into()),
        ("backend", answer.backend.name().into()),
        ("timings", timings.into()),
    ]);
    let serial = SERIAL.get() + 1;
    SERIAL.set(serial);
    set(&last, "serial", &serial.into());
    set(&window(), "__fsr_last", &last);
}

/// Publishes a training step's loss: `window.__fsr_losses`, begun anew at the first step.
pub fn publish_loss(step: usize, loss: f32) {
    let key = JsValue::from_str("__fsr_losses");
    let known = Reflect::get(&window(), &key).ok().filter(|_| step > 1);
    let losses = known
        .and_then(|known| known.dyn_into::<Array>().ok())
        .unwrap_or_default();
    losses.push(&f64::from(loss).into());
    set(&window(), "__fsr_losses", &losses);
}

fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (key, value) in fields {
        set(&object, key, value);
    }
    object
}

fn set(target: &JsValue, key: &str, value: &JsValue) {
    // Fails only on frozen objects, and these are ours.
    let _ = Reflect::set(target, &JsValue::from_str(key), value);
}
