//! Messages as JavaScript values: an array of the head's JSON and then the attachments.

use js_sys::{Array, ArrayBuffer, Float32Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    attachment::{MessageError, read_head},
    protocol::Head,
};

/// Packs a message.
pub fn pack<H: Head + serde::Serialize>(
    head: &H,
    attachments: &[JsValue],
) -> Result<Array, MessageError> {
    let json =
        serde_json::to_string(head).map_err(|error| MessageError::Head(error.to_string()))?;
    if attachments.len() != head.attachments() {
        return Err(MessageError::Count {
            wanted: head.attachments(),
            found: attachments.len(),
        });
    }
    let message = Array::of1(&JsValue::from_str(&json));
    for attachment in attachments {
        message.push(attachment);
    }
    Ok(message)
}

/// Unpacks a message and checks the number of its attachments.
pub fn unpack<H: Head + serde::de::DeserializeOwned>(
    data: &JsValue,
) -> Result<(H, Vec<JsValue>), MessageError> {
    let message: &Array = data
        .dyn_ref()
        .ok_or_else(|| MessageError::Head("not an array".into()))?;
    let json = message
        .get(0)
        .as_string()
        .ok_or_else(|| MessageError::Head("no head".into()))?;
    let attachments: Vec<JsValue> = message.iter().skip(1).collect();
    Ok((read_head(&json, attachments.len())?, attachments))
}

/// The attachments that can be moved instead of copied.
pub fn transferables(attachments: &[JsValue]) -> Array {
    attachments
        .iter()
        .filter(|value| value.is_instance_of::<ArrayBuffer>())
        .collect()
}

/// Bytes as an `ArrayBuffer` outside the program's memory.
pub fn bytes_out(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).buffer().into()
}

/// Floats as an `ArrayBuffer` outside the program's memory.
pub fn floats_out(values: &[f32]) -> JsValue {
    Float32Array::from(values).buffer().into()
}

/// Bytes of an attached `ArrayBuffer`; empty for anything else.
pub fn bytes_in(value: &JsValue) -> Vec<u8> {
    value
        .dyn_ref::<ArrayBuffer>()
        .map(|buffer| Uint8Array::new(buffer).to_vec())
        .unwrap_or_default()
}

/// Floats of an attached `ArrayBuffer`; empty for anything else.
pub fn floats_in(value: &JsValue) -> Vec<f32> {
    value
        .dyn_ref::<ArrayBuffer>()
        .filter(|buffer| buffer.byte_length() % 4 == 0)
        .map(|buffer| Float32Array::new(buffer).to_vec())
        .unwrap_or_default()
}

/// What a JavaScript error says.
pub fn js_message(error: &JsValue) -> String {
    if let Some(error) = error.dyn_ref::<js_sys::Error>() {
        return String::from(error.message());
    }
    error.as_string().unwrap_or_else(|| format!("{error:?}"))
}
