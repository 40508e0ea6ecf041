//! Pixels on canvases: the image, the heat over it, and the outline of the ground truth.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use fsr_web::{address::View, palette::Palette};

use crate::state::{Picture, Shown};

/// Paints RGBA pixels; the canvas takes their size.
pub fn pixels(canvas: &HtmlCanvasElement, width: u32, height: u32, rgba: &[u8]) {
    if let Err(error) = try_pixels(canvas, width, height, rgba) {
        web_sys::console::error_2(&"a canvas could not be painted".into(), &error);
    }
}

fn try_pixels(
    canvas: &HtmlCanvasElement,
    width: u32,
    height: u32,
    rgba: &[u8],
) -> Result<(), JsValue> {
    canvas.set_width(width);
    canvas.set_height(height);
    let context: CanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or("no 2d context")?
        .dyn_into()
        .map_err(JsValue::from)?;
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width, height)?;
    context.put_image_data(&data, 0.0, 0.0)
}

/// Paints a picture.
pub fn picture(canvas: &HtmlCanvasElement, picture: &Picture) {
    pixels(canvas, picture.width, picture.height, &picture.rgba);
}

/// Paints a coloured map: see-through where cool for the overlay, opaque for the map alone.
pub fn heat(canvas: &HtmlCanvasElement, shown: &Shown, view: View, palette: Palette) {
    let mut heat = shown.heat.clone();
    palette.recolour(&mut heat.rgba, &shown.map, shown.scale());
    if matches!(view, View::Map | View::Swipe) {
        heat.rgba
            .chunks_exact_mut(4)
            .for_each(|pixel| pixel[3] = 255);
    }
    picture(canvas, &heat);
}

/// Colour of the ground truth's outline.
pub const TRUTH: [u8; 4] = [125, 249, 255, 255];

/// Colour of the contour where heat begins.
pub const CONTOUR: [u8; 4] = [255, 255, 255, 255];

/// Paints the outline of a mask: two pixels light inside, two dark outside, readable on any image.
pub fn outline(canvas: &HtmlCanvasElement, mask: &[u8], width: u32, height: u32, light: [u8; 4]) {
    // Twice the mask's resolution, so that the line is finer than the mask's pixels; a map of many tiles is fine enough.
    let finer = if width.max(height) > 600 { 1 } else { 2 };
    let (columns, rows) = (width as usize * finer, height as usize * finer);
    let inside = |x: isize, y: isize| {
        let (x, y) = (x.div_euclid(finer as isize), y.div_euclid(finer as isize));
        x >= 0
            && y >= 0
            && x < width as isize
            && y < height as isize
            && mask[y as usize * width as usize + x as usize] > 127
    };
    let mut rgba = vec![0u8; columns * rows * 4];
    for (index, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((index % columns) as isize, (index / columns) as isize);
        let here = inside(x, y);
        let near = |d: isize| {
            [(d, 0), (-d, 0), (0, d), (0, -d)]
                .into_iter()
                .any(|(dx, dy)| inside(x + dx, y + dy) != here)
        };
        if near(1) || near(2) {
            pixel.copy_from_slice(if here { &light } else { &[0, 20, 30, 190] });
        }
    }
    pixels(canvas, columns as u32, rows as u32, &rgba);
}

/// Evenly spaced colours as a CSS gradient, left to right.
pub fn gradient(ramp: &[[u8; 3]]) -> String {
    let stops: Vec<String> = ramp
        .iter()
        .map(|[r, g, b]| format!("rgb({r} {g} {b})"))
        .collect();
    format!("linear-gradient(to right, {})", stops.join(", "))
}
