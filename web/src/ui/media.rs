//! The browser's cameras (W3C Media Capture and Streams), called by name: what is not there on a page that the browser
//! does not trust can be asked for, and half a dozen calls need no bindings of their own.

use js_sys::{Array, Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlVideoElement;

use fsr_web::{camera, protocol::Failure};

/// A camera's pictures, a `MediaStream`.
#[derive(Debug, Clone)]
pub struct Stream(JsValue);

/// Asks for a camera and for no sound; `device` names one of several.
///
/// # Errors
/// In words, when there is none, or none is given.
pub async fn ask(device: Option<&str>) -> Result<Stream, Failure> {
    let Some(devices) = devices() else {
        let secure = get(&window(), "isSecureContext").is_truthy();
        return Err(camera::no_cameras(secure));
    };
    // More than a detector looks at, and little enough to be judged several times a second.
    let mut video = serde_json::json!({ "width": { "ideal": 1280 }, "height": { "ideal": 960 } });
    match device {
        Some(id) => video["deviceId"] = serde_json::json!({ "exact": id }),
        None => video["facingMode"] = serde_json::json!({ "ideal": "environment" }),
    }
    let wanted = serde_json::json!({ "audio": false, "video": video });
    let given = async {
        let wanted = js_sys::JSON::parse(&wanted.to_string())?;
        promised(&devices, "getUserMedia", &[wanted]).await
    };
    given.await.map(Stream).map_err(|error| {
        let name = get(&error, "name").as_string().unwrap_or_default();
        camera::trouble(&name, &message(&error))
    })
}

/// All cameras there are: the browser's identifier and its name, which it tells only to who was given one.
pub async fn cameras() -> Result<Vec<(String, String)>, JsValue> {
    let Some(devices) = devices() else {
        return Ok(Vec::new());
    };
    let found = Array::from(&promised(&devices, "enumerateDevices", &[]).await?);
    let text = |device: &JsValue, key: &str| get(device, key).as_string().unwrap_or_default();
    let cameras = found
        .iter()
        .filter(|device| text(device, "kind") == "videoinput");
    let named = cameras.map(|device| (text(&device, "deviceId"), text(&device, "label")));
    Ok(named.collect())
}

impl Stream {
    fn tracks(&self) -> Vec<JsValue> {
        let tracks = call(&self.0, "getTracks", &[]);
        tracks.map_or_else(
            |_| Vec::new(),
            |tracks| Array::from(&tracks).iter().collect(),
        )
    }

    /// Lets the camera go; its light goes out.
    pub fn stop(&self) {
        for track in self.tracks() {
            let _ = Reflect::set(&track, &"onended".into(), &JsValue::NULL);
            let _ = call(&track, "stop", &[]);
        }
    }

    /// Calls `ended` when the camera goes away by itself.
    pub fn on_ended(&self, ended: &Function) {
        for track in self.tracks() {
            let _ = Reflect::set(&track, &"onended".into(), ended);
        }
    }

    /// The browser's identifier of the camera.
    pub fn device(&self) -> String {
        let tracks = self.tracks();
        let settings = tracks.first().map(|track| call(track, "getSettings", &[]));
        let settings = settings.and_then(Result::ok).unwrap_or_default();
        get(&settings, "deviceId").as_string().unwrap_or_default()
    }

    /// Shows what the camera sees.
    pub fn show(&self, video: &HtmlVideoElement) {
        video.set_muted(true);
        source(video, &self.0);
    }
}

/// Shows nothing any more.
pub fn hide(video: &HtmlVideoElement) {
    source(video, &JsValue::NULL);
}

fn source(video: &HtmlVideoElement, source: &JsValue) {
    // A stream is no address, so the page's policy has no say in it.
    let _ = Reflect::set(video, &"srcObject".into(), source);
}

/// What a browser's error says; of some only the name is told.
pub fn message(error: &JsValue) -> String {
    let text = get(error, "message").as_string();
    text.or_else(|| error.as_string()).unwrap_or_default()
}

fn devices() -> Option<JsValue> {
    let devices = get(&window().navigator(), "mediaDevices");
    devices.is_object().then_some(devices)
}

fn get(target: &JsValue, key: &str) -> JsValue {
    // Only objects have keys; of others there is nothing to get.
    Reflect::get(target, &key.into()).unwrap_or_default()
}

fn call(target: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = get(target, method).dyn_into()?;
    method.apply(target, &arguments.iter().collect::<Array>())
}

async fn promised(
    target: &JsValue,
    method: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let promise: Promise = call(target, method, arguments)?.dyn_into()?;
    JsFuture::from(promise).await
}
