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

/// A canvas as it is to be seen.
pub struct Layer {
    /// Its pixels, stretched over the lowest layer.
    pub canvas: HtmlCanvasElement,
    /// 0 to 1.
    pub opacity: f64,
    /// Share of it, from the left, that is not to be seen.
    pub hidden: f64,
}

/// Saves the layers of an image as one PNG: each canvas stretched over the first.
pub fn picture(file: String, layers: &[Layer]) {
    complain(try_picture(file, layers));
}

fn try_picture(file: String, layers: &[Layer]) -> Result<(), JsValue> {
    let Some(Layer { canvas: first, .. }) = layers.first() else {
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
    let (width, height) = (f64::from(first.width()), f64::from(first.height()));
    for layer in layers {
        let (columns, rows) = (
            f64::from(layer.canvas.width()),
            f64::from(layer.canvas.height()),
        );
        let seen = 1.0 - layer.hidden;
        if seen <= 0.0 {
            continue;
        }
        context.set_global_alpha(layer.opacity);
        context.draw_image_with_html_canvas_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            &layer.canvas,
            columns * layer.hidden,
            0.0,
            columns * seen,
            rows,
            width * layer.hidden,
            0.0,
            width * seen,
            height,
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
