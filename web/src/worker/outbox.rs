//! What the worker says to the page.

use fsr::{colormap::inferno, products::Product};
use fsr_web::{
    post,
    protocol::{Failure, FromWorker, PROTOCOL, ProductInfo, RequestId},
};
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

/// Stops of the colour map told to the page, for its legend.
const RAMP_STOPS: u8 = 17;

/// This worker's global scope.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Posts a message; buffers among the attachments are moved.
pub fn send(message: &FromWorker, attachments: &[JsValue]) {
    let posted = match post::pack(message, attachments) {
        Ok(packed) => {
            scope().post_message_with_transfer(&packed, &post::transferables(attachments))
        }
        Err(error) => scope().post_message(&Array::of1(&JsValue::from_str(
            &serde_json::json!({"trapped": {"message": error.to_string()}}).to_string(),
        ))),
    };
    if let Err(error) = posted {
        web_sys::console::error_2(&"a message could not be posted".into(), &error);
    }
}

/// Answers a request with a failure.
pub fn fail(id: RequestId, failure: Failure) {
    send(&FromWorker::Failed { id, failure }, &[]);
}

/// From now on a panic's message reaches the page before the program stops.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let message = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let message = message.or_else(|| info.payload().downcast_ref::<String>().cloned());
        send(
            &FromWorker::Trapped {
                message: message.unwrap_or_else(|| info.to_string()),
            },
            &[],
        );
    }));
}

/// The first message: the program listens, and what the page needs to know of the method.
pub fn say_ready() {
    let products = Product::ALL
        .iter()
        .map(|product| ProductInfo {
            name: product.name().to_owned(),
            title: product.title().to_owned(),
            defects: product
                .defects()
                .iter()
                .map(|defect| (*defect).to_owned())
                .collect(),
        })
        .collect();
    let ramp = (0..RAMP_STOPS)
        .map(|stop| inferno(f32::from(stop) / f32::from(RAMP_STOPS - 1)))
        .collect();
    send(
        &FromWorker::Ready {
            protocol: PROTOCOL,
            products,
            ramp,
        },
        &[],
    );
}
