//! The device: what WebGPU the browser offers, and Burn's device on it or on the CPU.

use burn::tensor::Device;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use fsr_web::{
    backend::{Adapter, Backend, BackendWish, Choice, Reason, choose},
    post::js_message,
};

/// A device with what to say about it.
pub struct Chosen {
    /// Burn's device.
    pub device: Device,
    /// Which backend it belongs to.
    pub backend: Backend,
    /// Why this one.
    pub reason: Reason,
}

/// Burn's CPU device.
pub fn cpu(reason: Reason) -> Chosen {
    Chosen {
        device: Device::flex(),
        backend: Backend::Cpu,
        reason,
    }
}

/// Chooses and initialises. Never fails: the CPU is always there.
pub async fn open(wish: BackendWish, because: Option<Reason>) -> Chosen {
    let adapter = if wish == BackendWish::Cpu {
        Adapter::None
    } else {
        probe().await
    };
    let Choice { backend, reason } = choose(wish, because, &adapter);
    if backend == Backend::Cpu {
        return cpu(reason);
    }
    match Device::wgpu_options().init_async().await {
        Ok(device) => Chosen {
            device,
            backend,
            reason,
        },
        Err(error) => cpu(Reason::NotInitialised {
            message: error.to_string(),
        }),
    }
}

/// Asks the browser for its adapter, as wgpu will.
async fn probe() -> Adapter {
    let gpu = Reflect::get(&js_sys::global(), &"navigator".into())
        .and_then(|navigator| get(&navigator, "gpu"));
    let Ok(gpu) = gpu else { return Adapter::NoApi };
    if gpu.is_undefined() || gpu.is_null() {
        return Adapter::NoApi;
    }
    match request_adapter(&gpu).await {
        Ok(adapter) if !adapter.is_null() && !adapter.is_undefined() => describe(&adapter),
        Ok(_) => Adapter::None,
        Err(error) => {
            web_sys::console::warn_1(&format!("requestAdapter: {}", js_message(&error)).into());
            Adapter::None
        }
    }
}

async fn request_adapter(gpu: &JsValue) -> Result<JsValue, JsValue> {
    let options = js_sys::Object::new();
    Reflect::set(
        &options,
        &"powerPreference".into(),
        &"high-performance".into(),
    )?;
    let request: Function = get(gpu, "requestAdapter")?.dyn_into()?;
    let promise: Promise = request.call1(gpu, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

fn describe(adapter: &JsValue) -> Adapter {
    let info = get(adapter, "info").unwrap_or(JsValue::UNDEFINED);
    let mut words: Vec<String> = Vec::new();
    for key in ["vendor", "architecture", "device", "description"] {
        let word = get(&info, key)
            .ok()
            .and_then(|value| value.as_string())
            .unwrap_or_default();
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    let name = words.join(" ");
    let flag = |object: &JsValue| {
        get(object, "isFallbackAdapter")
            .ok()
            .and_then(|value| value.as_bool())
    };
    Adapter::Found {
        name,
        fallback: flag(&info).or_else(|| flag(adapter)).unwrap_or(false),
    }
}

fn get(object: &JsValue, key: &str) -> Result<JsValue, JsValue> {
    if object.is_undefined() || object.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    Reflect::get(object, &JsValue::from_str(key))
}
