//! Files made in the tab, handed to the visitor.

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlCanvasElement, Url};

/// A blob of one part: text or an `ArrayBuffer`.
pub fn blob(part: &JsValue, kind: &str) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    Blob::new_with_str_sequence_and_options(&Array::of1(part), &options)
}

/// Saves text as a file.
pub fn text(file: &str, kind: &str, contents: &str) {
    let saved = blob(&JsValue::from_str(contents), kind).and_then(|blob| save(file, &blob));
    complain(saved);
}

/// Saves the layers of an image as one PNG: each canvas stretched over the first, with its opacity.
pub fn picture(file: String, layers: &[(HtmlCanvasElement, f64)]) {
    complain(try_picture(file, layers));
}

fn try_picture(file: String, layers: &[(HtmlCanvasElement, f64)]) -> Result<(), JsValue> {
    let Some((first, _)) = layers.first() else {
        return Ok(());
    };
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(first.width());
    canvas.set_height(first.height());
    let context: web_sys::CanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or("no 2d context")?
        .dyn_into()
        .map_err(JsValue::from)?;
    for (layer, opacity) in layers {
        context.set_global_alpha(*opacity);
        context.draw_image_with_html_canvas_element_and_dw_and_dh(
            layer,
            0.0,
            0.0,
            f64::from(first.width()),
            f64::from(first.height()),
        )?;
    }
    // Encoded by the browser beside the page's own thread.
    let done = Closure::once_into_js(move |blob: JsValue| {
        if let Ok(blob) = blob.dyn_into::<Blob>() {
            complain(save(&file, &blob));
        }
    });
    canvas.to_blob(done.unchecked_ref())
}

fn save(file: &str, blob: &Blob) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(file);
    link.click();
    // The browser holds on to what it is saving.
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&url);
        },
        std::time::Duration::from_secs(60),
    );
    Ok(())
}

fn complain(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::error_2(&"a file could not be saved".into(), &error);
    }
}

/// A file name of the visitor's words: letters, digits, `-`, `_` and `.`, never empty.
pub fn file_name(words: &str, ending: &str) -> String {
    let name: String = words
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(80)
        .collect();
    let name = name.trim_matches(['-', '.']);
    format!("{}{ending}", if name.is_empty() { "fsr" } else { name })
}
