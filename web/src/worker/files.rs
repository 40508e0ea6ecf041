//! Bytes of files: from the page's server, with progress, or from the visitor's disk.

use std::ops::Range;

use fsr_web::{
    post::js_message,
    protocol::{Failure, Matter},
};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamDefaultReader, Response};

use crate::outbox::scope;

/// A response whose headers have come and whose body has not.
pub struct Fetched {
    url: String,
    response: Response,
}

/// Requests a file. `None` when the server has no such file.
pub async fn request(url: &str) -> Result<Option<Fetched>, Failure> {
    let unreachable = |error: JsValue| Failure::Unreachable {
        url: url.to_owned(),
        why: js_message(&error),
    };
    let response = JsFuture::from(scope().fetch_with_str(url))
        .await
        .map_err(unreachable)?;
    let response: Response = response.dyn_into().map_err(unreachable)?;
    // Some servers answer with their start page instead of an error.
    let html = response
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .is_some_and(|kind| kind.starts_with("text/html"));
    match response.status() {
        404 | 410 => Ok(None),
        _ if response.ok() && html => Ok(None),
        _ if response.ok() => Ok(Some(Fetched {
            url: url.to_owned(),
            response,
        })),
        status => Err(Failure::Refused {
            url: url.to_owned(),
            status,
        }),
    }
}

impl Fetched {
    /// Bytes to come, when the server says so and does not compress them.
    pub fn length(&self) -> Option<u64> {
        let headers = self.response.headers();
        if headers.get("content-encoding").ok().flatten().is_some() {
            return None;
        }
        headers.get("content-length").ok().flatten()?.parse().ok()
    }

    /// Reads the body, telling how many bytes came.
    pub async fn read(self, mut progress: impl FnMut(u64)) -> Result<Vec<u8>, Failure> {
        let broken = |error: JsValue| Failure::BrokeOff {
            url: self.url.clone(),
            why: js_message(&error),
        };
        let Some(body) = self.response.body() else {
            return Ok(Vec::new());
        };
        let reader: ReadableStreamDefaultReader = body
            .get_reader()
            .dyn_into()
            .map_err(|value| broken(value.into()))?;
        let mut bytes = Vec::with_capacity(
            usize::try_from(self.length().unwrap_or(0).min(1 << 28)).unwrap_or(0),
        );
        loop {
            let step = JsFuture::from(reader.read()).await.map_err(broken)?;
            if Reflect::get(&step, &"done".into())
                .map_err(broken)?
                .is_truthy()
            {
                return Ok(bytes);
            }
            let chunk: Uint8Array = Reflect::get(&step, &"value".into())
                .map_err(broken)?
                .dyn_into()
                .map_err(broken)?;
            let start = bytes.len();
            bytes.resize(start + chunk.length() as usize, 0);
            chunk.copy_to(&mut bytes[start..]);
            progress(u64::from(chunk.length()));
        }
    }
}

/// Reads a file of the visitor's.
pub async fn local(matter: &Matter, file: &JsValue) -> Result<Vec<u8>, Failure> {
    let blob: &Blob = file
        .dyn_ref()
        .ok_or_else(|| unreadable(matter, &"not a file".into()))?;
    bytes_of(matter, blob).await
}

/// Reads a part of a file of the visitor's.
pub async fn slice(matter: &Matter, file: &Blob, part: Range<u64>) -> Result<Vec<u8>, Failure> {
    let part = file.slice_with_f64_and_f64(part.start as f64, part.end as f64);
    bytes_of(matter, &part.map_err(|error| unreadable(matter, &error))?).await
}

async fn bytes_of(matter: &Matter, blob: &Blob) -> Result<Vec<u8>, Failure> {
    let buffer = JsFuture::from(blob.array_buffer())
        .await
        .map_err(|error| unreadable(matter, &error))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn unreadable(matter: &Matter, error: &JsValue) -> Failure {
    Failure::Unreadable {
        matter: matter.clone(),
        why: js_message(error),
    }
}
